/* Dense linear algebra for the learners: packed panels, one small kernel, Gram matrices, Cholesky.
 *
 * Every product here goes through one kernel that adds a * b in the order of the inner dimension,
 * element by element, without fused multiply-add. A wider vector therefore computes more elements
 * at a time but never another order, and SSE2, AVX2 and AVX-512 give the same bits.
 *
 * A *panel* holds 8 vectors of one length interleaved: element t of vector i at [t * 8 + i].
 * Matrices are row-major with a leading dimension in elements. Layer-private. */
#ifndef QN_LEARN_LINALG_H
#define QN_LEARN_LINALG_H

#include "base/progress.h"
#include "base/thread.h"
#include "learn/features.h"

#define QN__PANEL 8
#define QN__BLOCK_ROWS 128 /* rows that are packed and multiplied at a time */

/* The number of panels that count vectors take. */
static inline size_t qn__panel_count(size_t count)
{
    return (count + QN__PANEL - 1) / QN__PANEL;
}

/* One row block of up to 8 columns as a panel, each column less its shift; a NULL column is all
 * ones; columns from `count` on become zeros. out: row_count * 8. */
void qn__panel_pack(const double *const *columns, const double *shift, size_t count,
                    size_t first_row, size_t row_count, double *out);
/* out[t * 8 + i] = panel[t * 8 + i] * weights[t]. */
void qn__panel_scale(const double *panel, const double *weights, size_t depth, double *out);

/* c[i][j] += sum_t a_i[t] * b_j[t] for the vectors of a_panels and b_panels panels, which lie
 * depth * 8 elements apart. c: (8 a_panels) x (8 b_panels), stride elements a row. */
void qn__panels_multiply(const double *a, size_t a_panels, const double *b, size_t b_panels,
                         size_t depth, double *c, size_t stride);

/* y += alpha * (x - shift) over count elements. */
void qn__axpy(double alpha, const double *x, double shift, double *y, size_t count);

/* sum (x - shift) * y in 8 partial sums. */
double qn__dot(const double *x, double shift, const double *y, size_t count);

/* Begins to load the block of rows at `row`, of which `left` rows remain, into the cache: many
 * columns with few rows each are more streams than processors follow by themselves. */
void qn__prefetch(const struct qn_features *features, size_t row, size_t left);

/* columns: column_count pointers of row_count values (NULL: all ones), less shift[column]. */
struct qn__gram {
    const double *const *columns;
    const double *shift;
    const double *weights; /* row_count; NULL: all 1 */
    size_t column_count, row_count;
};

/* out (column_count x column_count, full) = sum over rows of weight * x x'. Summed in fixed groups
 * of rows, whatever the pool. */
QN_MUST_CHECK enum qn_status qn__gram_compute(const struct qn__gram *gram, struct qn_pool *pool,
                                              const struct qn_progress *progress, double *out,
                                              struct qn_error *err);

/* The mean of up to 16,384 rows spread over the column: where sums of squares may start. It is off
 * the true mean by at most sqrt(rows / sampled) standard deviations, so that moving the centre
 * afterwards costs few digits. */
double qn__sample_mean(const double *x, size_t row_count);

/* Weighted mean and standard deviation (divisor: total weight) of numeric columns, summed over
 * fixed row blocks. A column of one value has deviation 0. mean, deviation: feature_count.
 * QN_INVALID names a column whose values are not finite; `what` begins the message. */
QN_MUST_CHECK enum qn_status qn__moments(const struct qn_features *features, const double *weights,
                                         const char *what, struct qn_pool *pool, double *mean,
                                         double *deviation, struct qn_error *err);

/* QN_INVALID naming the first column that is a category, or has a value that is not finite.
 * kinds_only leaves the values alone. */
QN_MUST_CHECK enum qn_status qn__features_check(const struct qn_features *features, bool kinds_only,
                                                const char *what, struct qn_error *err);

/* Factors the lower triangle of a (n x n) into L L' in place, in blocks. The upper triangle is not
 * touched. *rank_out < n: pivot number *rank_out was at most tolerance times the original diagonal
 * element, and a is then of no use. *smallest_out: the smallest pivot over its diagonal element. */
QN_MUST_CHECK enum qn_status qn__cholesky(double *a, size_t n, double tolerance,
                                          struct qn_pool *pool, size_t *rank_out,
                                          double *smallest_out, struct qn_error *err);
/* x = (L L')^-1 x. */
void qn__cholesky_solve(const double *l, size_t n, double *x);
/* x = L^-1 x. */
void qn__cholesky_forward(const double *l, size_t n, double *x);
/* out[j] = element (j, j) of (L L')^-1. */
QN_MUST_CHECK enum qn_status qn__cholesky_inverse_diagonal(const double *l, size_t n,
                                                           struct qn_pool *pool, double *out,
                                                           struct qn_error *err);

/* Cholesky with diagonal pivoting (Higham 2002, section 10.3): P' a P = L L' over the first
 * *rank_out rows and columns; a full symmetric on entry. On return the lower trapezoid (n x rank,
 * stride n) holds L in pivoted order, order[i] the original index of pivoted position i. */
void qn__cholesky_pivoted(double *a, size_t n, double tolerance, size_t *order, size_t *rank_out);

#endif
