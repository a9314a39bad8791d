#include "learn/linear_solve.h"

#include "base/alloc.h"
#include "base/numeric.h"

#include <string.h>

enum qn_status qn__equations_init(struct qn__equations *eq, size_t n, struct qn_error *err)
{
    *eq = (struct qn__equations){.n = n};
    eq->matrix = QN_ALLOC(double, n *n);
    eq->scale = QN_ALLOC(double, n);
    eq->right = QN_ALLOC(double, n);
    eq->constant = QN_CALLOC(bool, n);
    eq->scratch = QN_ALLOC(double, 2 * n);
    if (!eq->matrix || !eq->scale || !eq->right || !eq->constant || !eq->scratch)
        return qn_fail(err, QN_NOMEM, "no memory for the normal equations of %zu columns", n);
    return QN_OK;
}

void qn__equations_release(struct qn__equations *eq)
{
    qn_free(eq->matrix);
    qn_free(eq->scale);
    qn_free(eq->right);
    qn_free(eq->constant);
    qn_free(eq->order);
    qn_free(eq->basis);
    qn_free(eq->depends);
    qn_free(eq->smallest);
    qn_free(eq->scratch);
}

/* x = L'^-1 x. */
static void solve_backward(const double *l, size_t n, double *x)
{
    for (size_t i = n; i-- > 0;) {
        x[i] /= l[i * n + i];
        qn__axpy(-x[i], l + i * n, 0.0, x, i);
    }
}

/* With basis columns P and the rest N, A_PN = A_PP T says how N depends on P. All solutions have
 * u_P + T u_N = c in scaled terms, (I, B) (w_P, w_N) = S_P^-1 c with B = S_P^-1 T S_N, and the
 * smallest is w = (I, B)' (I + B B')^-1 S_P^-1 c. */
static enum qn_status factor_deficient(struct qn__equations *eq, struct qn_pool *pool,
                                       struct qn_error *err)
{
    enum qn_status status = QN_OK;
    size_t n = eq->n, r;
    double smallest_pivot;
    const double **rows = QN_ALLOC(const double *, n);
    double *shift = QN_CALLOC(double, n);
    eq->order = QN_ALLOC(size_t, n);
    if (!rows || !shift || !eq->order) {
        status = qn_fail_nomem(err, "dependent columns");
        goto done;
    }
    qn__cholesky_pivoted(eq->matrix, n, QN__COLLINEAR, eq->order, &r);
    eq->rank = r;
    size_t rest = n - r;
    eq->basis = QN_ALLOC(double, r *r);
    eq->depends = QN_ALLOC(double, r *rest);
    eq->smallest = QN_ALLOC(double, r *r);
    if (!eq->basis || !eq->depends || !eq->smallest) {
        status = qn_fail_nomem(err, "dependent columns");
        goto done;
    }
    for (size_t i = 0; i < r; i++)
        memcpy(eq->basis + i * r, eq->matrix + i * n, r * sizeof(double));
    for (size_t k = 0; k < rest; k++) {
        double *t = eq->scratch;
        memcpy(t, eq->matrix + (r + k) * n, r * sizeof(double));
        solve_backward(eq->basis, r, t);
        for (size_t i = 0; i < r; i++)
            eq->depends[i * rest + k] =
                t[i] * eq->scale[eq->order[r + k]] / eq->scale[eq->order[i]];
    }
    for (size_t i = 0; i < r; i++)
        rows[i] = eq->depends + i * rest;
    struct qn__gram gram = {rows, shift, NULL, r, rest};
    status = qn__gram_compute(&gram, pool, NULL, eq->smallest, err);
    if (status != QN_OK)
        goto done;
    for (size_t i = 0; i < r; i++)
        eq->smallest[i * r + i] += 1;
    size_t full;
    status = qn__cholesky(eq->smallest, r, 0.0, pool, &full, &smallest_pivot, err);
    if (status == QN_OK && full < r)
        status = qn_fail(err, QN_INVALID,
                         "linear model: the columns differ too much in scale; standardise them");
done:
    qn_free(shift);
    qn_free(rows);
    return status;
}

enum qn_status qn__equations_factor(struct qn__equations *eq, struct qn_pool *pool,
                                    struct qn_error *err)
{
    double smallest;
    size_t n = eq->n;
    enum qn_status status =
        qn__cholesky(eq->matrix, n, QN__COLLINEAR, pool, &eq->rank, &smallest, err);
    eq->full_rank = status == QN_OK && eq->rank == n;
    if (status != QN_OK || eq->full_rank)
        return status;
    /* The factor went into the lower triangle; the upper one and the unit diagonal remain. */
    for (size_t i = 0; i < n; i++) {
        eq->matrix[i * n + i] = 1;
        for (size_t j = 0; j < i; j++)
            eq->matrix[i * n + j] = eq->matrix[j * n + i];
    }
    return factor_deficient(eq, pool, err);
}

void qn__equations_solve(const struct qn__equations *eq, const double *right, double *w)
{
    size_t n = eq->n, r = eq->rank;
    if (eq->full_rank) {
        for (size_t j = 0; j < n; j++)
            w[j] = right[j] / eq->scale[j];
        qn__cholesky_solve(eq->matrix, n, w);
        for (size_t j = 0; j < n; j++)
            w[j] /= eq->scale[j];
        return;
    }
    double *c = eq->scratch, *rest = eq->scratch + n;
    for (size_t i = 0; i < r; i++)
        c[i] = right[eq->order[i]] / eq->scale[eq->order[i]];
    qn__cholesky_solve(eq->basis, r, c);
    for (size_t i = 0; i < r; i++)
        c[i] /= eq->scale[eq->order[i]];
    qn__cholesky_solve(eq->smallest, r, c);
    memset(rest, 0, (n - r) * sizeof(*rest));
    for (size_t i = 0; i < r; i++) {
        w[eq->order[i]] = c[i];
        qn__axpy(c[i], eq->depends + i * (n - r), 0.0, rest, n - r);
    }
    for (size_t k = r; k < n; k++)
        w[eq->order[k]] = rest[k - r];
}
