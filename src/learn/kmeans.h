/* Lloyd's k-means (1982) with k-means++ seeding (Arthur and Vassilvitskii, SODA 2007).
 * Minimises the inertia sum_i min_k ||x_i - c_k||^2. */
#ifndef QN_LEARN_KMEANS_H
#define QN_LEARN_KMEANS_H

#include "learn/learner.h"

struct qn_kmeans_options {
    int64_t n_clusters;
    int64_t n_init; /* seedings tried, the best kept */
    int64_t max_iter;
    double tol;   /* stop when centres move less, relative to the mean variance of the columns */
    int64_t init; /* 0 k-means++, 1 random rows */
};

struct qn_kmeans {
    size_t cluster_count, feature_count;
    double *centres; /* owns; cluster_count x feature_count, row-major */
    double inertia;
    int64_t iterations; /* of the best seeding */
    bool converged;
    size_t *sizes; /* owns; rows of each cluster */
};

/* As the learner's fit, but from given starting centres (cluster_count x feature_count). */
QN_MUST_CHECK enum qn_status qn_kmeans_fit_from(const struct qn_fit *fit, const double *centres,
                                                struct qn_kmeans **out, struct qn_error *err);
void qn_kmeans_free(struct qn_kmeans *model);

/* Mean silhouette (Rousseeuw 1987) over at most sample_limit rows drawn by seed (0: all rows);
 * NaN with fewer than 2 clusters in use. */
QN_MUST_CHECK enum qn_status qn_silhouette(const struct qn_features *features,
                                           const int32_t *labels, size_t cluster_count,
                                           size_t sample_limit, uint64_t seed, struct qn_pool *pool,
                                           double *out, struct qn_error *err);

#endif
