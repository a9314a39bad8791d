#include "learn/linalg.h"

#include "base/alloc.h"
#include "base/numeric.h"

#include <math.h>
#include <string.h>

enum { QN_CHOLESKY_BLOCK = 64 };

struct cholesky_job {
    double *a;
    size_t n;
    size_t first, end;    /* the block of columns being eliminated */
    double *transposed;   /* its triangle, transposed: element (t, j) at t * block + j */
    double *panels;       /* rows from `end` on, in panels of depth end - first */
    double *minus_panels; /* the same, negated */
};

/* Eliminates within the diagonal block; returns the failed pivot, or n. */
static size_t factor_diagonal(const struct cholesky_job *job, const double *diagonal,
                              double tolerance, double *smallest)
{
    double *a = job->a;
    size_t n = job->n;
    for (size_t j = job->first; j < job->end; j++) {
        const double *row_j = a + j * n;
        for (size_t i = j; i < job->end; i++) {
            double sum = a[i * n + j];
            for (size_t t = job->first; t < j; t++)
                sum -= a[i * n + t] * row_j[t];
            if (i > j) {
                a[i * n + j] = sum / row_j[j];
                continue;
            }
            double share = diagonal[j] > 0 ? sum / diagonal[j] : 0;
            if (!(share > tolerance))
                return j;
            if (share < *smallest)
                *smallest = share;
            a[j * n + j] = sqrt(sum);
        }
    }
    return n;
}

/* Rows of 8 below the diagonal block: solves for their part of L and packs it. */
static void solve_task(void *context, size_t index, unsigned thread)
{
    const struct cholesky_job *job = context;
    (void)thread;
    size_t depth = job->end - job->first, n = job->n;
    double *panel = job->panels + index * depth * QN__PANEL;
    double *minus = job->minus_panels + index * depth * QN__PANEL;
    memset(panel, 0, depth * QN__PANEL * sizeof(*panel));
    memset(minus, 0, depth * QN__PANEL * sizeof(*minus));
    for (size_t k = 0; k < QN__PANEL; k++) {
        size_t i = job->end + index * QN__PANEL + k;
        if (i >= n)
            break;
        double *row = job->a + i * n + job->first;
        for (size_t t = 0; t < depth; t++) {
            const double *column = job->transposed + t * QN_CHOLESKY_BLOCK;
            double x = row[t] / column[t];
            row[t] = x;
            for (size_t j = t + 1; j < depth; j++)
                row[j] -= x * column[j];
            panel[t * QN__PANEL + k] = x;
            minus[t * QN__PANEL + k] = -x;
        }
    }
}

/* Subtracts the products of the new columns from 8 rows of what is left. */
static void update_task(void *context, size_t index, unsigned thread)
{
    const struct cholesky_job *job = context;
    (void)thread;
    size_t depth = job->end - job->first, n = job->n;
    const double *left = job->minus_panels + index * depth * QN__PANEL;
    size_t row = job->end + index * QN__PANEL;
    for (size_t p = 0; p <= index; p++) {
        double tile[QN__PANEL * QN__PANEL] = {0};
        qn__panels_multiply(left, 1, job->panels + p * depth * QN__PANEL, 1, depth, tile,
                            QN__PANEL);
        size_t column = job->end + p * QN__PANEL;
        for (size_t i = 0; i < QN__PANEL && row + i < n; i++)
            for (size_t j = 0; j < QN__PANEL && column + j <= row + i; j++)
                job->a[(row + i) * n + column + j] += tile[i * QN__PANEL + j];
    }
}

enum qn_status qn__cholesky(double *a, size_t n, double tolerance, struct qn_pool *pool,
                            size_t *rank_out, double *smallest_out, struct qn_error *err)
{
    size_t panel_size = qn__panel_count(n) * QN__PANEL * QN_CHOLESKY_BLOCK;
    size_t triangle_size = QN_CHOLESKY_BLOCK * QN_CHOLESKY_BLOCK, failed = n;
    double smallest = 1;
    double *scratch = QN_ALLOC(double, 2 * panel_size + triangle_size + n);
    if (!scratch)
        return qn_fail_nomem(err, "solving for the coefficients");
    struct cholesky_job job = {.a = a, .n = n, .panels = scratch};
    job.minus_panels = scratch + panel_size;
    job.transposed = scratch + 2 * panel_size;
    double *diagonal = job.transposed + triangle_size;
    for (size_t i = 0; i < n; i++)
        diagonal[i] = a[i * n + i];
    for (job.first = 0; job.first < n; job.first = job.end) {
        job.end = n - job.first < QN_CHOLESKY_BLOCK ? n : job.first + QN_CHOLESKY_BLOCK;
        failed = factor_diagonal(&job, diagonal, tolerance, &smallest);
        if (failed < n)
            break;
        for (size_t t = job.first; t < job.end; t++)
            for (size_t j = t; j < job.end; j++)
                job.transposed[(t - job.first) * QN_CHOLESKY_BLOCK + j - job.first] = a[j * n + t];
        size_t below = qn__panel_count(n - job.end);
        qn_pool_run(pool, below, solve_task, &job);
        qn_pool_run(pool, below, update_task, &job);
    }
    *rank_out = failed;
    *smallest_out = smallest;
    qn_free(scratch);
    return QN_OK;
}

void qn__cholesky_forward(const double *l, size_t n, double *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - qn_dot(l + i * n, x, i)) / l[i * n + i];
}

void qn__cholesky_solve(const double *l, size_t n, double *x)
{
    qn__cholesky_forward(l, n, x);
    for (size_t i = n; i-- > 0;) {
        x[i] /= l[i * n + i];
        qn__axpy(-x[i], l + i * n, 0.0, x, i);
    }
}

struct inverse_job {
    const double *l;
    size_t n;
    double *scratch; /* thread x n */
    double *out;
};

static void inverse_task(void *context, size_t j, unsigned thread)
{
    const struct inverse_job *job = context;
    size_t n = job->n;
    double *column = job->scratch + thread * n; /* column j of L^-1, from element j on */
    column[j] = 1 / job->l[j * n + j];
    for (size_t i = j + 1; i < n; i++)
        column[i] = -qn_dot(job->l + i * n + j, column + j, i - j) / job->l[i * n + i];
    job->out[j] = qn_dot(column + j, column + j, n - j);
}

enum qn_status qn__cholesky_inverse_diagonal(const double *l, size_t n, struct qn_pool *pool,
                                             double *out, struct qn_error *err)
{
    struct inverse_job job = {.l = l, .n = n, .out = out};
    job.scratch = QN_ALLOC(double, qn_pool_threads(pool) * n);
    if (!job.scratch)
        return qn_fail_nomem(err, "standard errors");
    qn_pool_run(pool, n, inverse_task, &job);
    qn_free(job.scratch);
    return QN_OK;
}

static void swap_symmetric(double *a, size_t n, size_t k, size_t q)
{
    for (size_t j = 0; j < n; j++) {
        double kept = a[k * n + j];
        a[k * n + j] = a[q * n + j];
        a[q * n + j] = kept;
    }
    /* Columns left of k belong to L, whose columns keep their place. */
    for (size_t i = k; i < n; i++) {
        double kept = a[i * n + k];
        a[i * n + k] = a[i * n + q];
        a[i * n + q] = kept;
    }
}

void qn__cholesky_pivoted(double *a, size_t n, double tolerance, size_t *order, size_t *rank_out)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        order[i] = i;
        if (a[i * n + i] > largest)
            largest = a[i * n + i];
    }
    size_t k = 0;
    for (; k < n; k++) {
        size_t pivot = k;
        for (size_t i = k + 1; i < n; i++)
            if (a[i * n + i] > a[pivot * n + pivot])
                pivot = i;
        if (!(a[pivot * n + pivot] > tolerance * largest))
            break;
        if (pivot != k) {
            size_t kept = order[k];
            order[k] = order[pivot];
            order[pivot] = kept;
            swap_symmetric(a, n, k, pivot);
        }
        double root = sqrt(a[k * n + k]);
        a[k * n + k] = root;
        double *row = a + k * n;
        for (size_t j = k + 1; j < n; j++) {
            row[j] /= root;
            a[j * n + k] = row[j];
        }
        for (size_t i = k + 1; i < n; i++)
            qn__axpy(-row[i], row + k + 1, 0.0, a + i * n + k + 1, n - k - 1);
    }
    *rank_out = k;
}
