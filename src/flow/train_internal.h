/* The pieces of one training run. */
#ifndef QN_FLOW_TRAIN_INTERNAL_H
#define QN_FLOW_TRAIN_INTERNAL_H

#include "data/split.h"
#include "flow/flow_internal.h"
#include "learn/importance.h"

/* Parts of rows: those that train and those that test. */
struct qn_parts {
    size_t *train, *test; /* owns */
    size_t train_count, test_count;
};

struct qn_trainer {
    const struct qn_table *table;
    const struct qn_train_options *options;
    const struct qn_learner *learner; /* NULL until chosen */
    void *parameters;                 /* owns; the learner's options struct */
    struct qn_labels *labels;         /* owns; NULL for clustering */
    double *weights;                  /* owns; NULL: all 1 */
    size_t *rows;                     /* owns; rows with a target and a weight above 0 */
    size_t row_count;
    struct qn_parts parts;      /* owns; the rows of the final model */
    struct qn_table *profiled;  /* owns; its training rows, or NULL when they are all */
    struct qn_profile *profile; /* owns; of those; NULL when the recipe was given */
    struct qn_recipe *recipe;   /* owns; proposed one */
    double prepare_ms, fit_ms, evaluate_ms;
    json_t *warnings;   /* owns; array of texts */
    json_t *candidates; /* owns; what "auto" compared, or NULL */
    bool failed;        /* out of memory while building JSON */
};

/* A recipe and a learner fitted on some rows. */
struct qn_fitted {
    struct qn_prep *prep;
    void *fitted;
};

void qn__trainer_warn(struct qn_trainer *trainer, const char *format, ...) QN_PRINTF(2, 3);
const struct qn_recipe *qn__trainer_recipe(const struct qn_trainer *trainer);
size_t qn__trainer_outputs(const struct qn_trainer *trainer);

/* train_rows.c: labels, weights, usable rows, and the split. */
enum qn_status qn__trainer_rows(struct qn_trainer *trainer, struct qn_error *err);
enum qn_status qn__trainer_split(struct qn_trainer *trainer, size_t fold_count,
                                 struct qn_split **out, struct qn_error *err);

/* train_fit.c: a recipe proposed from the training rows, or the given one checked. */
enum qn_status qn__trainer_propose(struct qn_trainer *trainer, bool native, struct qn_error *err);
/* Fits recipe and learner on rows; *outputs (may be NULL) gets the predictions for those rows. */
enum qn_status qn__trainer_fit(struct qn_trainer *trainer, const size_t *rows, size_t count,
                               struct qn_fitted *out, double **outputs, struct qn_error *err);
void qn__fitted_release(const struct qn_learner *learner, struct qn_fitted *fitted);
/* Predictions for rows of a table (the training table, or the one to test on). */
enum qn_status qn__trainer_predict(struct qn_trainer *trainer, const struct qn_fitted *fitted,
                                   const struct qn_table *table, const size_t *rows, size_t count,
                                   double **outputs, struct qn_error *err);
/* Metrics of predictions, and of the baseline learned from training rows, as JSON. */
enum qn_status qn__trainer_score(struct qn_trainer *trainer, const struct qn_labels *labels,
                                 const size_t *rows, size_t count, const double *outputs,
                                 json_t **out, double *main_out, struct qn_error *err);
enum qn_status qn__trainer_baseline(struct qn_trainer *trainer, const size_t *train,
                                    size_t train_count, const struct qn_labels *labels,
                                    const size_t *rows, size_t count, json_t **out,
                                    struct qn_error *err);

/* train_choose.c: the learner by name, or the best of a few by cross-validation. */
enum qn_status qn__trainer_choose(struct qn_trainer *trainer, struct qn_error *err);

/* train_importance.c: by input column, [{feature, importance, std, gain}], most important first. */
enum qn_status qn__trainer_importance(struct qn_trainer *trainer, const struct qn_fitted *fitted,
                                      const struct qn_table *table, const struct qn_labels *labels,
                                      const size_t *rows, size_t count, json_t **out,
                                      struct qn_error *err);

/* train_clusters.c: numeric columns by how much they differ between clusters:
 * [{name, separation, means}], in the columns' own units. labels: cluster of each of the rows. */
enum qn_status qn__trainer_contrasts(struct qn_trainer *trainer, const struct qn_prep *prep,
                                     const size_t *rows, size_t row_count, const int32_t *labels,
                                     size_t cluster_count, json_t **out, struct qn_error *err);

/* train_model.c: puts the model together; takes what *fitted holds, on success. */
enum qn_status qn__trainer_model(struct qn_trainer *trainer, struct qn_fitted *fitted,
                                 json_t *metrics, json_t *importance, struct qn_model **out,
                                 struct qn_error *err);

#endif
