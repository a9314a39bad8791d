/* One face for every algorithm: its name, parameters, fit, predict, and its bytes. */
#ifndef QN_LEARN_LEARNER_H
#define QN_LEARN_LEARNER_H

#include "base/buffer.h"
#include "base/progress.h"
#include "base/thread.h"
#include "learn/features.h"
#include "learn/parameters.h"

/* What a fit gets. All borrowed for the call. */
struct qn_fit {
    const struct qn_features *features;
    const struct qn_target *target; /* NULL for clustering */
    const void *options;            /* the algorithm's options struct, checked */
    uint64_t seed;
    struct qn_pool *pool;               /* NULL: one thread */
    const struct qn_progress *progress; /* NULL: none */
};

struct qn_learner {
    const char *name;  /* "random_forest" */
    const char *title; /* "Random forest" */
    const char *about; /* one sentence for people, no full stop */
    const char *paper; /* where the method is from */
    unsigned tasks;    /* bits 1u << enum qn_task */
    /* true: handles missing values and categories itself. false: wants numeric columns without
     * missing values, on comparable scales; the recipe provides for it. */
    bool native;
    struct qn_parameter_table parameters;

    /* On success *out is a model to be given back to free(). */
    enum qn_status (*fit)(const struct qn_fit *fit, void **out, struct qn_error *err);
    /* out: features->row_count x output_count, row-major. Classification: probabilities that add
     * up to 1 (output_count = class_count, also for binary); regression: the value;
     * clustering: the cluster's index (output_count 1). */
    enum qn_status (*predict)(const void *model, const struct qn_features *features,
                              struct qn_pool *pool, double *out, struct qn_error *err);
    size_t (*output_count)(const void *model);
    size_t (*feature_count)(const void *model);
    /* Importance of each feature, adding up to 1 (all 0 when nothing was learned); by total gain
     * for trees, |coefficient| times standard deviation for linear ones. NULL: has none. */
    enum qn_status (*importance)(const void *model, double *out, struct qn_error *err);
    /* What was learned, for people and programs: iterations, coefficients, tree counts ...; the
     * object's keys are the documented ones. `names` are the feature names. NULL: no memory. */
    json_t *(*describe)(const void *model, const char *const *names);
    /* Bytes do not depend on threads or machine. read() checks every bound: hostile bytes give
     * QN_CORRUPT; node graphs are checked to be trees. */
    void (*write)(const void *model, struct qn_buffer *buffer);
    enum qn_status (*read)(struct qn_reader *reader, void **out, struct qn_error *err);
    void (*free)(void *model); /* NULL is fine */
};

/* All of them, in the order of documentation; the last is NULL. */
extern const struct qn_learner *const qn_learners[];
const struct qn_learner *qn_learner_find(const char *name); /* NULL when there is none */

extern const struct qn_learner qn_decision_tree_learner, qn_random_forest_learner,
    qn_extra_trees_learner, qn_gradient_boosting_learner, qn_logistic_learner, qn_linear_learner,
    qn_ridge_learner, qn_kmeans_learner;

#endif
