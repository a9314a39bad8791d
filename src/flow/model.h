/* A model: a fitted recipe, a fitted learner, and all there is to say about them; one .qnm file. */
#ifndef QN_FLOW_MODEL_H
#define QN_FLOW_MODEL_H

#include "base/hash.h"
#include "data/read.h"
#include "flow/labels.h"
#include "learn/learner.h"
#include "learn/metrics.h"
#include "prep/prep.h"

struct qn_model {
    const struct qn_learner *learner;
    void *fitted;         /* owns */
    struct qn_prep *prep; /* owns */
    enum qn_task task;
    char *target; /* owns; NULL for clustering */
    enum qn_type target_type;
    char **class_names; /* owns; class_count, NULL unless classification */
    size_t class_count;
    size_t output_count; /* probabilities a row, or 1 */
    /* Owns. What decides predictions beside the bytes of recipe and learner; deterministic and
     * part of the content hash: task, algorithm, parameters, seed, target, classes. */
    json_t *definition;
    /* Owns. The rest: metrics, importance, row counts, fingerprint, warnings, timings, created_at,
     * version of Quern. */
    json_t *report;
    char content_hash[QN_SHA256_HEX_SIZE]; /* filled by save and load */
};

void qn_model_free(struct qn_model *model); /* NULL is fine */

/* Writes durably; fills model->content_hash. */
QN_MUST_CHECK enum qn_status qn_model_save(struct qn_model *model, const char *path,
                                           struct qn_error *err);
QN_MUST_CHECK enum qn_status qn_model_load(const char *path, struct qn_model **out,
                                           struct qn_error *err);
/* From memory; takes bytes (qn_alloc) on success only. */
QN_MUST_CHECK enum qn_status qn_model_parse(char *bytes, size_t size, const char *name,
                                            struct qn_model **out, struct qn_error *err);

/* Reads data with the types that the model was trained on; `base` (threads, limits, delimiter ...)
 * may be NULL. */
QN_MUST_CHECK enum qn_status qn_model_read_data(const struct qn_model *model, const char *path,
                                                const struct qn_read_options *base,
                                                struct qn_table **out, struct qn_error *err);

/* *out: rows x output_count, owned by the caller. */
QN_MUST_CHECK enum qn_status qn_model_predict(const struct qn_model *model,
                                              const struct qn_table *table, const size_t *rows,
                                              size_t row_count, struct qn_pool *pool, double **out,
                                              struct qn_prep_report *report, struct qn_error *err);

/* The predictions as a table: kept input columns, then `prediction` (or `cluster`), then
 * `probability_CLASS`. keep: NULL for the default (columns that the model does not use as features,
 * such as identifiers; never the target), or names, or {"all"}. */
QN_MUST_CHECK enum qn_status qn_model_predictions(const struct qn_model *model,
                                                  const struct qn_table *table,
                                                  const char *const *keep, size_t keep_count,
                                                  const double *outputs, struct qn_table **out,
                                                  struct qn_error *err);

/* Metrics on data that has the target; *unknown_out: rows left out because their target is missing
 * or of a class that the model does not know. */
QN_MUST_CHECK enum qn_status qn_model_evaluate(const struct qn_model *model,
                                               const struct qn_table *table, const char *target,
                                               struct qn_pool *pool, struct qn_metrics **out,
                                               struct qn_metrics **baseline_out,
                                               size_t *unknown_out, struct qn_error *err);

#endif
