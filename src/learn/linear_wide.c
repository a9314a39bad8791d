#include "learn/linear_internal.h"
#include "learn/linear_solve.h"

#include "base/alloc.h"
#include "base/numeric.h"

#include <math.h>
#include <string.h>

/* The rows, centred and times the root of their weight. */
struct rows {
    size_t n, p;
    double *x;        /* owns; n x p */
    double *y;        /* owns; n */
    double *root;     /* owns; n: roots of the weights */
    double *k;        /* owns; n x n: products of rows, then its factor */
    double *kept;     /* owns; n x n: the products */
    double *a;        /* owns; n */
    double *residual; /* owns; n */
};

static void rows_release(struct rows *rows)
{
    qn_free(rows->x);
    qn_free(rows->y);
    qn_free(rows->root);
    qn_free(rows->k);
    qn_free(rows->kept);
    qn_free(rows->a);
    qn_free(rows->residual);
}

static enum qn_status rows_init(struct qn__wide *wide, struct rows *rows, struct qn_error *err)
{
    const struct qn_features *features = wide->fit->features;
    const struct qn_target *target = wide->fit->target;
    size_t n = rows->n, p = rows->p;
    rows->x = QN_ALLOC(double, n *p);
    rows->y = QN_ALLOC(double, n);
    rows->root = QN_ALLOC(double, n);
    rows->k = QN_ALLOC(double, n *n);
    rows->kept = QN_ALLOC(double, n *n);
    rows->a = QN_ALLOC(double, n);
    rows->residual = QN_ALLOC(double, n);
    if (!rows->x || !rows->y || !rows->root || !rows->k || !rows->kept || !rows->a ||
        !rows->residual)
        return qn_fail(err, QN_NOMEM, "no memory for %zu rows of %zu columns", n, p);
    double sum =
        target->weights ? qn_dot(target->weights, target->values, n) : qn_sum(target->values, n);
    wide->target_mean = wide->centred ? sum / wide->total : 0;
    for (size_t i = 0; i < n; i++) {
        double weight = target->weights ? target->weights[i] : 1;
        rows->root[i] = sqrt(weight);
        rows->y[i] = rows->root[i] * (target->values[i] - wide->target_mean);
        for (size_t j = 0; j < p; j++)
            rows->x[i * p + j] = rows->root[i] * (features->columns[j].values[i] -
                                                  (wide->centred ? wide->mean[j] : 0));
    }
    return QN_OK;
}

/* k = X X' + alpha I, and for ordinary least squares the one direction that centring emptied. */
static enum qn_status rows_multiply(const struct qn__wide *wide, struct rows *rows,
                                    struct qn_error *err)
{
    size_t n = rows->n;
    const double **columns = QN_ALLOC(const double *, n);
    double *shift = QN_CALLOC(double, n);
    enum qn_status status = QN_OK;
    if (!columns || !shift) {
        status = qn_fail_nomem(err, "linear model");
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        columns[i] = rows->x + i * rows->p;
    struct qn__gram gram = {columns, shift, NULL, n, rows->p};
    status = qn__gram_compute(&gram, wide->fit->pool, wide->fit->progress, rows->kept, err);
    if (status != QN_OK)
        goto done;
    memcpy(rows->k, rows->kept, n * n * sizeof(double));
    double trace = 0;
    for (size_t i = 0; i < n; i++) {
        trace += rows->k[i * n + i];
        rows->k[i * n + i] += wide->alpha;
    }
    /* sum_i root_i x_i = 0: K root = 0, and y has no part along root, so adding a multiple of
     * root root' makes K regular and leaves the solution as it is. */
    double fill = wide->centred && wide->alpha == 0 ? trace / (double)n / wide->total : 0;
    for (size_t i = 0; i < n && fill > 0; i++)
        for (size_t j = 0; j < n; j++)
            rows->k[i * n + j] += fill * rows->root[i] * rows->root[j];
done:
    qn_free(shift);
    qn_free(columns);
    return status;
}

/* Adds X' a to w. */
static void add_rows(const struct rows *rows, const double *a, double *w)
{
    for (size_t i = 0; i < rows->n; i++)
        if (a[i] != 0)
            qn__axpy(a[i], rows->x + i * rows->p, 0.0, w, rows->p);
}

static void residuals(const struct rows *rows, const double *w)
{
    for (size_t i = 0; i < rows->n; i++)
        rows->residual[i] = rows->y[i] - qn_dot(rows->x + i * rows->p, w, rows->p);
}

/* Regular K: solve, and once more for what rounding left. */
static void solve_regular(const struct qn__wide *wide, const struct rows *rows, double *w)
{
    size_t n = rows->n;
    memset(rows->a, 0, n * sizeof(double));
    for (int round = 0; round < 3; round++) {
        residuals(rows, w);
        for (size_t i = 0; i < n; i++)
            rows->residual[i] -= wide->alpha * rows->a[i];
        qn__cholesky_solve(rows->k, n, rows->residual);
        for (size_t i = 0; i < n; i++)
            rows->a[i] += rows->residual[i];
        add_rows(rows, rows->residual, w);
    }
}

/* Dependent rows: with basis rows P, X = (I; T) X_P, the least squares X_P w = c have
 * (I + T' T) c = (I, T') y, and of those w the smallest is X_P' (X_P X_P')^-1 c. */
static enum qn_status solve_dependent(struct qn__wide *wide, const struct rows *rows, double *w,
                                      struct qn_error *err)
{
    enum qn_status status = QN_OK;
    size_t n = rows->n, r, full;
    double smallest;
    size_t *order = QN_ALLOC(size_t, n);
    double *basis = QN_ALLOC(double, n *n), *normal = QN_ALLOC(double, n *n);
    double *c = QN_CALLOC(double, n);
    if (!order || !basis || !normal || !c) {
        status = qn_fail_nomem(err, "linear model");
        goto done;
    }
    double *l = rows->kept;
    qn__cholesky_pivoted(l, n, QN__COLLINEAR, order, &r);
    wide->rank = r;
    for (size_t i = 0; i < r; i++)
        memcpy(basis + i * r, l + i * n, r * sizeof(double));
    for (size_t k = r; k < n; k++) { /* row k of T = L_k L_PP^-1, in place */
        for (size_t i = r; i-- > 0;) {
            l[k * n + i] /= basis[i * r + i];
            qn__axpy(-l[k * n + i], basis + i * r, 0.0, l + k * n, i);
        }
    }
    memset(normal, 0, r * r * sizeof(double));
    for (size_t i = 0; i < r; i++) {
        normal[i * r + i] = 1;
        c[i] = rows->y[order[i]];
    }
    for (size_t k = r; k < n; k++) {
        for (size_t i = 0; i < r; i++)
            qn__axpy(l[k * n + i], l + k * n, 0.0, normal + i * r, r);
        qn__axpy(rows->y[order[k]], l + k * n, 0.0, c, r);
    }
    status = qn__cholesky(normal, r, 0.0, wide->fit->pool, &full, &smallest, err);
    if (status != QN_OK)
        goto done;
    if (full < r) {
        status = qn_fail(err, QN_INVALID, "linear model: the rows differ too much in scale");
        goto done;
    }
    qn__cholesky_solve(normal, r, c);
    qn__cholesky_solve(basis, r, c);
    memset(rows->a, 0, n * sizeof(double));
    for (size_t i = 0; i < r; i++)
        rows->a[order[i]] = c[i];
    add_rows(rows, rows->a, w);
done:
    qn_free(c);
    qn_free(normal);
    qn_free(basis);
    qn_free(order);
    return status;
}

enum qn_status qn__wide_solve(struct qn__wide *wide, double *w, double *rss, double *spread,
                              struct qn_error *err)
{
    struct rows rows = {.n = wide->fit->features->row_count,
                        .p = wide->fit->features->feature_count};
    size_t rank = 0;
    double smallest;
    enum qn_status status = rows_init(wide, &rows, err);
    if (status == QN_OK)
        status = rows_multiply(wide, &rows, err);
    if (status == QN_OK)
        status =
            qn__cholesky(rows.k, rows.n, QN__COLLINEAR, wide->fit->pool, &rank, &smallest, err);
    if (status != QN_OK)
        goto done;
    memset(w, 0, rows.p * sizeof(double));
    if (rank == rows.n) {
        wide->rank = rows.n - (wide->centred ? 1 : 0);
        solve_regular(wide, &rows, w);
    } else {
        status = solve_dependent(wide, &rows, w, err);
        if (status != QN_OK)
            goto done;
    }
    residuals(&rows, w);
    *rss = qn_dot(rows.residual, rows.residual, rows.n);
    *spread = qn_dot(rows.y, rows.y, rows.n);
done:
    rows_release(&rows);
    return status;
}
