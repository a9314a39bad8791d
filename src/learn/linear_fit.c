/* Least squares by the normal equations, made safe:
 *   - sums are centred before they are formed, around means of a sample first (the sample's mean is
 *     at most a few standard deviations off, so nothing cancels when the exact mean is put in);
 *   - the matrix is scaled to a unit diagonal, so that only true collinearity makes it singular;
 *   - residuals are taken from the data and solved for again ("corrected seminormal equations",
 *     Bjorck 1987), which gives nearly the accuracy of a QR factorisation;
 *   - of dependent columns a basis is found by pivoted Cholesky, and the smallest of all solutions
 *     taken, as LAPACK's gelsd does.
 * With more columns than rows the same is done for rows, in linear_wide.c. */
#include "learn/linear_internal.h"

#include "base/alloc.h"
#include "base/numeric.h"
#include "learn/linear_solve.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { QN_REFINE_LIMIT = 4 };

/* products: (p + 2)^2 sums over [features, target, 1] around `mean`, which is then made exact. */
static enum qn_status collect(const struct qn_fit *fit, bool centred, double *products,
                              double *mean, struct qn_error *err)
{
    const struct qn_features *features = fit->features;
    size_t p = features->feature_count, n = features->row_count, q = p + 2;
    const double **columns = QN_ALLOC(const double *, q);
    double *shift = QN_CALLOC(double, q);
    enum qn_status status = QN_OK;
    if (!columns || !shift) {
        status = qn_fail_nomem(err, "normal equations");
        goto done;
    }
    for (size_t j = 0; j < p; j++)
        columns[j] = features->columns[j].values;
    columns[p] = fit->target->values;
    columns[p + 1] = NULL;
    for (size_t j = 0; centred && j <= p; j++) {
        shift[j] = qn__sample_mean(columns[j], n);
        if (!isfinite(shift[j])) {
            status = qn__features_check(features, false, "linear model", err);
            if (status != QN_OK)
                goto done;
            shift[j] = 0; /* the sum overflowed; the products will say so */
        }
    }
    struct qn__gram gram = {columns, shift, fit->target->weights, q, n};
    status = qn__gram_compute(&gram, fit->pool, fit->progress, products, err);
    if (status != QN_OK)
        goto done;
    for (size_t j = 0; j <= p; j++) {
        if (!isfinite(products[j * q + j])) {
            status = qn__features_check(features, false, "linear model", err);
            if (status == QN_OK)
                status = qn_fail(err, QN_INVALID, "linear model: the values of %s are too large",
                                 j < p ? features->columns[j].name : "the target");
            goto done;
        }
        mean[j] = shift[j] + products[j * q + p + 1] / products[q * q - 1];
    }
done:
    qn_free(shift);
    qn_free(columns);
    return status;
}

/* Moves the products' centre to the exact mean, and splits them into the equations. */
static void centre(const double *products, bool centred, double alpha, struct qn__equations *eq,
                   double *deviations, const double *mean, uint32_t *notes)
{
    size_t p = eq->n, q = p + 2;
    const double *offset = products + (p + 1) * q; /* sums: total * (mean - shift) */
    double total = products[q * q - 1];
    eq->total = total;
    for (size_t i = 0; i < p; i++) {
        double own = offset[i] / total * offset[i];
        double square = products[i * q + i] - own;
        double deviation = square > 0 ? sqrt(square / total) : 0;
        deviations[i] = deviation > 1e-14 * fabs(mean[i]) ? deviation : 0;
        double kept = centred ? square : products[i * q + i];
        eq->constant[i] = centred ? deviations[i] == 0 : !(kept > 0);
        if (eq->constant[i])
            *notes |= QN__NOTE_CONSTANT;
        eq->scale[i] = eq->constant[i] ? 1 : sqrt(kept + alpha);
        eq->right[i] = products[p * q + i] - (centred ? offset[i] / total * offset[p] : 0);
        if (eq->constant[i])
            eq->right[i] = 0;
    }
    for (size_t i = 0; i < p; i++) {
        for (size_t j = 0; j < i; j++) {
            double value = products[i * q + j] - (centred ? offset[i] / total * offset[j] : 0);
            bool unused = eq->constant[i] || eq->constant[j];
            value = unused ? 0 : value / eq->scale[i] / eq->scale[j];
            eq->matrix[i * p + j] = value;
            eq->matrix[j * p + i] = value;
        }
        eq->matrix[i * p + i] = 1;
    }
    eq->spread = products[p * q + p] - (centred ? offset[p] / total * offset[p] : 0);
}

/* Improves w until corrections no longer matter; *rss: the sum of squared residuals. */
static enum qn_status refine(const struct qn_fit *fit, const struct qn__equations *eq, double alpha,
                             const double *mean, double *w, double *rss, struct qn_error *err)
{
    size_t p = eq->n;
    double previous = INFINITY;
    double *gradient = QN_ALLOC(double, 3 * p + 2);
    if (!gradient)
        return qn_fail_nomem(err, "normal equations");
    double *step = gradient + p + 1, *penalised = step + p;
    enum qn_status status = QN_OK;
    for (int round = 0; round < QN_REFINE_LIMIT; round++) {
        status = qn__linear_residual(fit, w, mean, mean[p], gradient, rss, err);
        if (status != QN_OK)
            break;
        for (size_t j = 0; j < p; j++)
            penalised[j] = eq->constant[j] ? 0 : gradient[j] - alpha * w[j];
        qn__equations_solve(eq, penalised, step);
        double largest = 0, change = 0, gain = 0;
        for (size_t j = 0; j < p; j++) {
            largest = fmax(largest, fabs(w[j] * eq->scale[j]));
            change = fmax(change, fabs(step[j] * eq->scale[j]));
            gain += step[j] * (2 * gradient[j] - penalised[j] + alpha * step[j]);
        }
        if (!(change < previous / 2))
            break; /* rounding is all that is left */
        for (size_t j = 0; j < p; j++)
            w[j] += step[j];
        *rss = fmax(*rss - gain, 0);
        if (change <= 1e-10 * largest)
            break;
        previous = change;
    }
    qn_free(gradient);
    return status;
}

/* Standard errors from sigma^2 (X'SX)^-1. */
static enum qn_status standard_errors(const struct qn_fit *fit, const struct qn__equations *eq,
                                      const double *mean, struct qn__linear_model *model,
                                      struct qn_error *err)
{
    size_t p = eq->n;
    if (model->kind != QN__LINEAR || !eq->full_rank || !(model->freedom > 0) ||
        p > QN__ERRORS_LIMIT)
        return QN_OK;
    double *scaled = QN_ALLOC(double, p);
    if (!scaled)
        return qn_fail_nomem(err, "standard errors");
    enum qn_status status =
        qn__cholesky_inverse_diagonal(eq->matrix, p, fit->pool, model->errors, err);
    if (status != QN_OK)
        goto done;
    for (size_t j = 0; j < p; j++) {
        model->errors[j] =
            eq->constant[j] ? NAN : model->noise * sqrt(model->errors[j]) / eq->scale[j];
        scaled[j] = eq->constant[j] ? 0 : mean[j] / eq->scale[j];
    }
    qn__cholesky_forward(eq->matrix, p, scaled);
    if (model->has_intercept)
        model->errors[p] = model->noise * sqrt(1 / eq->total + qn_dot(scaled, scaled, p));
done:
    qn_free(scaled);
    return status;
}

static void summarise(const struct qn_fit *fit, double rss, double spread, double total,
                      struct qn__linear_model *model)
{
    size_t used = 0;
    for (size_t i = 0; i < model->row_count; i++)
        used += !fit->target->weights || fit->target->weights[i] > 0;
    model->objective = rss / total;
    model->r2 = spread > 0 ? 1 - rss / spread : NAN;
    model->freedom = (double)used - (double)model->rank - (model->has_intercept ? 1 : 0);
    model->noise = model->freedom > 0 ? sqrt(rss / model->freedom) : NAN;
    model->converged = true;
}

static enum qn_status fit_tall(const struct qn_fit *fit, double alpha,
                               struct qn__linear_model *model, struct qn_error *err)
{
    size_t p = fit->features->feature_count, q = p + 2;
    bool centred = model->has_intercept;
    struct qn__equations eq = {0};
    double rss = 0, *w = model->coefficients;
    double *mean = QN_CALLOC(double, p + 1);
    double *products = QN_ALLOC(double, q *q);
    enum qn_status status =
        mean && products ? qn__equations_init(&eq, p, err) : qn_fail_nomem(err, "normal equations");
    if (status == QN_OK)
        status = collect(fit, centred, products, mean, err);
    if (status != QN_OK)
        goto done;
    centre(products, centred, alpha, &eq, model->deviations, mean, &model->notes);
    memcpy(model->means, mean, p * sizeof(*mean));
    if (!centred)
        memset(mean, 0, (p + 1) * sizeof(*mean));
    status = qn__equations_factor(&eq, fit->pool, err);
    if (status != QN_OK)
        goto done;
    if (!eq.full_rank)
        model->notes |= QN__NOTE_COLLINEAR;
    model->rank = eq.rank;
    for (size_t j = 0; j < p; j++)
        model->rank -= eq.constant[j] && model->rank > 0;
    qn__equations_solve(&eq, eq.right, w);
    status = refine(fit, &eq, alpha, mean, w, &rss, err);
    if (status != QN_OK)
        goto done;
    if (centred)
        model->intercepts[0] = mean[p] - qn_dot(w, mean, p);
    summarise(fit, rss, eq.spread, eq.total, model);
    status = standard_errors(fit, &eq, mean, model, err);
done:
    qn__equations_release(&eq);
    qn_free(products);
    qn_free(mean);
    return status;
}

static enum qn_status fit_wide(const struct qn_fit *fit, double alpha,
                               struct qn__linear_model *model, struct qn_error *err)
{
    const struct qn_features *features = fit->features;
    const struct qn_target *target = fit->target;
    size_t p = features->feature_count, n = features->row_count;
    double total = target->weights ? qn_sum(target->weights, n) : (double)n, rss = 0, spread = 0;
    enum qn_status status = qn__moments(features, target->weights, "linear model", fit->pool,
                                        model->means, model->deviations, err);
    struct qn__wide wide = {
        .fit = fit, .alpha = alpha, .centred = model->has_intercept, .total = total};
    wide.mean = model->means;
    if (status == QN_OK)
        status = qn__wide_solve(&wide, model->coefficients, &rss, &spread, err);
    if (status != QN_OK)
        return status;
    if (model->has_intercept)
        model->intercepts[0] = wide.target_mean - qn_dot(model->coefficients, model->means, p);
    model->rank = wide.rank;
    model->solver = QN__SOLVER_DUAL;
    summarise(fit, rss, spread, total, model);
    return QN_OK;
}

enum qn_status qn__least_squares(const struct qn_fit *fit, double alpha, bool fit_intercept,
                                 struct qn__linear_model *model, struct qn_error *err)
{
    const struct qn_features *features = fit->features;
    enum qn_status status = qn__features_check(features, true, "linear model", err);
    if (status != QN_OK)
        return status;
    model->has_intercept = fit_intercept;
    model->row_count = features->row_count;
    model->penalty = alpha;
    model->solver = QN__SOLVER_CHOLESKY;
    if (features->feature_count >= features->row_count)
        status = fit_wide(fit, alpha, model, err);
    else
        status = fit_tall(fit, alpha, model, err);
    return status;
}
