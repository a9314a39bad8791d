/* One training from the command line; shared by train, kmeans, decision-tree and random-forest. */
#ifndef QN_CLI_TRAIN_COMMAND_H
#define QN_CLI_TRAIN_COMMAND_H

#include "cli/cli.h"
#include "flow/train.h"

struct qn_train_job {
    struct qn_train_options options;
    struct qn_data_settings data;
    struct qn_table *table, *test; /* owns */
    struct qn_recipe *recipe;      /* owns; NULL: proposed */
    struct qn_model *model;        /* owns */
    struct qn_meter meter;
    char **drop;              /* owns */
    const char **parameters;  /* owns the array */
    const char *const *given; /* "name=value" that the command itself sets; borrowed */
    size_t given_count;
    double read_ms;
};

/* job is zeroed, `given` apart; release it whatever happens. */
QN_MUST_CHECK enum qn_status qn_train_job_init(const struct qn_args *args, struct qn_train_job *job,
                                               struct qn_error *err);
QN_MUST_CHECK enum qn_status qn_train_job_run(const struct qn_args *args, const char *path,
                                              struct qn_train_job *job, struct qn_error *err);
QN_MUST_CHECK enum qn_status qn_train_job_save(struct qn_train_job *job, const char *path,
                                               struct qn_error *err);
/* Saves to output (NULL: not at all) and prints; the exit code. */
int qn_train_job_finish(const struct qn_args *args, struct qn_train_job *job, const char *output,
                        struct qn_error *err);
void qn_train_job_release(struct qn_train_job *job);

#endif
