/* Training as one run over a table: labels, split, recipe, fit, metrics, importance. */
#ifndef QN_FLOW_TRAIN_H
#define QN_FLOW_TRAIN_H

#include "base/progress.h"
#include "flow/model.h"

struct qn_train_options {
    const char *target;    /* NULL for clustering only */
    const char *algorithm; /* "auto", or a learner's name */
    enum qn_task_choice task;
    const char *const *parameters; /* "name=value" */
    size_t parameter_count;
    double test_size;  /* hold-out share in (0, 1); 0: no hold-out, metrics on training rows only */
    size_t fold_count; /* 2..: k-fold instead; the model is then fitted on all rows */
    const struct qn_table *test;       /* evaluates on this instead; borrowed */
    const char *group, *time, *weight; /* columns, or NULL */
    const char *const *drop;           /* columns not to use */
    size_t drop_count;
    const struct qn_recipe *recipe; /* NULL: proposed */
    uint64_t seed;
    struct qn_pool *pool;
    const struct qn_progress *progress;
};

void qn_train_options_default(struct qn_train_options *options);

QN_MUST_CHECK enum qn_status qn_train(const struct qn_table *table,
                                      const struct qn_train_options *options, struct qn_model **out,
                                      struct qn_error *err);

#endif
