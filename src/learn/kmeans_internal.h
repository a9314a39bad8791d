/* The parts of k-means: points and centres as panels, seeding, Lloyd's iterations. Layer-private.
 *
 * Points are centred by the column means before anything is squared. Eight rows make a panel, so
 * that the kernel of linalg.h gives their products with four centres at a time. */
#ifndef QN_LEARN_KMEANS_INTERNAL_H
#define QN_LEARN_KMEANS_INTERNAL_H

#include "learn/kmeans.h"
#include "learn/linalg.h"

struct qn__points {
    const struct qn_features *features;
    struct qn_pool *pool;
    size_t n, p;
    const double *shift; /* p */
    size_t block_count;  /* of QN__BLOCK_ROWS rows */
    size_t group_count;  /* of blocks, each with partial sums of its own */
};

/* group_size: doubles of partial sums that a group will need. */
void qn__points_init(struct qn__points *points, const struct qn_features *features,
                     const double *shift, size_t group_size, struct qn_pool *pool);
/* The blocks [*first, *end) of a group. */
void qn__points_group(const struct qn__points *points, size_t group, size_t *first, size_t *end);
/* Rows of a block as panels: out[(row / 8) * p * 8 + j * 8 + row % 8]; rows past the end repeat the
 * last one. Returns the number of rows. out: QN__BLOCK_ROWS * p. */
size_t qn__points_pack(const struct qn__points *points, size_t block, double *out);
/* One centred row. */
void qn__points_row(const struct qn__points *points, size_t row, double *out);

/* Centres for the kernel. */
struct qn__centres {
    size_t count, p;
    double *panels; /* owns; panels of 8 centres, the last filled up with zeros */
    double *norms;  /* owns; squared, infinite for the filling; a multiple of 8 */
};

QN_MUST_CHECK enum qn_status qn__centres_init(struct qn__centres *centres, size_t limit, size_t p,
                                              struct qn_error *err);
void qn__centres_set(struct qn__centres *centres, const double *values, size_t count);
void qn__centres_release(struct qn__centres *centres);

/* For 8 rows: the nearest centre (the first of equals), and the distances to it and to the second
 * nearest, with a bound on rounding not included. largest: of the squared row norms. */
struct qn__nearest {
    int32_t label[8];
    double first[8], second[8], norm[8];
};
void qn__centres_nearest(const struct qn__centres *centres, const double *panel,
                         struct qn__nearest *out);
/* out[c * 8 + i] = squared distance of row i of the panel to centre c, at least 0; c up to a
 * multiple of 8. */
void qn__centres_distances(const struct qn__centres *centres, const double *panel, double *out);

/* k centred starting centres out of the rows. */
QN_MUST_CHECK enum qn_status qn__kmeans_plus_plus(const struct qn__points *points, size_t k,
                                                  uint64_t seed, uint64_t stream, double *centres,
                                                  struct qn_error *err);
QN_MUST_CHECK enum qn_status qn__kmeans_random(const struct qn__points *points, size_t k,
                                               uint64_t seed, uint64_t stream, double *centres,
                                               struct qn_error *err);

struct qn__lloyd_limits {
    int64_t max_iter;
    double tolerance; /* of the summed squared movement of the centres */
    const struct qn_progress *progress;
    uint64_t done, total; /* iterations before this run, and at most in all */
};

/* Moves `centres` (k x p, centred) to a local optimum. model->inertia, iterations, converged and
 * sizes are set. */
QN_MUST_CHECK enum qn_status qn__lloyd(const struct qn__points *points, size_t k,
                                       const struct qn__lloyd_limits *limits, double *centres,
                                       struct qn_kmeans *model, struct qn_error *err);

struct qn_kmeans *qn__kmeans_create(size_t cluster_count, size_t feature_count);
QN_MUST_CHECK enum qn_status qn__kmeans_predict(const void *model,
                                                const struct qn_features *features,
                                                struct qn_pool *pool, double *out,
                                                struct qn_error *err);
json_t *qn__kmeans_describe(const void *model, const char *const *names);
void qn__kmeans_write(const void *model, struct qn_buffer *buffer);
QN_MUST_CHECK enum qn_status qn__kmeans_read(struct qn_reader *reader, void **out,
                                             struct qn_error *err);

#endif
