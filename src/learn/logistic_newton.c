#include "learn/logistic_internal.h"

#include "base/alloc.h"
#include "base/numeric.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { QN_HALVINGS = 40, QN_RIDGE_TRIES = 8 };

#define QN_SINGULAR 1e-13

double qn__logistic_slope(const struct qn__logistic *problem, const double *gradient)
{
    double largest = 0;
    for (size_t i = 0; i < problem->size; i++)
        largest = fmax(largest, fabs(gradient[i]) / problem->scale[i % problem->width]);
    return largest;
}

/* Adding one vector to those of all classes changes no softmax. With a penalty only the intercepts
 * are free that way; the gradient has no part there, so filling it changes no step. */
static void fill_shifts(const struct qn__logistic *problem, double *hessian, double *fill)
{
    size_t width = problem->width, vectors = problem->vector_count, size = problem->size;
    memset(fill, 0, width * sizeof(*fill));
    if (vectors == 1)
        return;
    for (size_t j = problem->penalty > 0 ? problem->feature_count : 0; j < width; j++) {
        if (problem->frozen[j])
            continue;
        for (size_t k = 0; k < vectors; k++)
            fill[j] += hessian[(k * width + j) * (size + 1)] / (double)vectors;
        for (size_t k = 0; k < vectors; k++)
            for (size_t l = 0; l < vectors; l++)
                hessian[(k * width + j) * size + l * width + j] += fill[j];
    }
}

enum qn_status qn__logistic_factor(const struct qn__logistic *problem, double *hessian,
                                   double *diagonal, double *fill, bool *singular,
                                   struct qn_error *err)
{
    size_t size = problem->size, rank = 0;
    double ridge = 0, smallest;
    enum qn_status status = QN_OK;
    fill_shifts(problem, hessian, fill);
    for (size_t i = 0; i < size; i++) {
        double value = hessian[i * size + i];
        diagonal[i] = problem->frozen[i % problem->width] || !(value > 0) ? 0 : sqrt(value);
    }
    for (size_t i = 0; i < size; i++) {
        for (size_t j = 0; j < i; j++) {
            double both = diagonal[i] * diagonal[j];
            /* The upper triangle keeps the matrix for another try. */
            hessian[j * size + i] =
                both > 0 ? hessian[i * size + j] / diagonal[i] / diagonal[j] : 0;
        }
    }
    *singular = false;
    for (int attempt = 0; attempt < QN_RIDGE_TRIES && rank < size; attempt++) {
        for (size_t i = 0; i < size; i++) {
            for (size_t j = 0; j < i; j++)
                hessian[i * size + j] = hessian[j * size + i];
            hessian[i * size + i] = 1 + ridge;
        }
        status =
            qn__cholesky(hessian, size, QN_SINGULAR, problem->fit->pool, &rank, &smallest, err);
        if (status != QN_OK)
            return status;
        *singular = attempt > 0;
        ridge = ridge > 0 ? ridge * 100 : 1e-10;
    }
    for (size_t i = 0; i < size; i++)
        if (diagonal[i] == 0)
            diagonal[i] = 1;
    if (rank < size)
        return qn_fail(err, QN_INVALID,
                       "logistic regression: the columns are too closely related; set C above 0");
    return QN_OK;
}

struct newton {
    const struct qn__logistic *problem;
    double *factor, *diagonal, *fill, *step, *trial, *trial_gradient;
    double *hessian; /* lent by the caller */
};

static enum qn_status newton_init(struct newton *newton, struct qn_error *err)
{
    size_t size = newton->problem->size;
    newton->factor = QN_ALLOC(double, size *size);
    newton->diagonal = QN_ALLOC(double, 5 * size);
    if (!newton->factor || !newton->diagonal)
        return qn_fail(err, QN_NOMEM, "logistic regression: no memory for %zu parameters", size);
    newton->fill = newton->diagonal + size;
    newton->step = newton->fill + size;
    newton->trial = newton->step + size;
    newton->trial_gradient = newton->trial + size;
    return QN_OK;
}

/* step = H^-1 gradient; returns its product with the gradient. */
static double newton_step(const struct newton *newton, const double *gradient)
{
    size_t size = newton->problem->size;
    for (size_t i = 0; i < size; i++)
        newton->step[i] = gradient[i] / newton->diagonal[i];
    qn__cholesky_solve(newton->factor, size, newton->step);
    for (size_t i = 0; i < size; i++)
        newton->step[i] /= newton->diagonal[i];
    return qn_dot(newton->step, gradient, size);
}

/* Halves the step until the objective falls; on return *moved tells whether it did. */
static enum qn_status newton_search(const struct newton *newton, double decrease, bool curved,
                                    struct qn__logistic_result *result, bool *moved,
                                    struct qn_error *err)
{
    size_t size = newton->problem->size;
    struct qn__logistic_value *value = &result->value;
    *moved = false;
    for (int i = 0; i < QN_HALVINGS && !*moved; i++) {
        double length = ldexp(1.0, -i);
        for (size_t j = 0; j < size; j++)
            newton->trial[j] = result->theta[j] - length * newton->step[j];
        struct qn__logistic_value trial = {.gradient = newton->trial_gradient,
                                           .hessian = curved ? newton->hessian : NULL};
        enum qn_status status = qn__logistic_evaluate(newton->problem, newton->trial, &trial, err);
        if (status != QN_OK)
            return status;
        double slack = 16 * DBL_EPSILON * fabs(value->loss);
        if (trial.loss <= value->loss - 1e-4 * length * decrease + slack) {
            memcpy(result->theta, newton->trial, size * sizeof(double));
            memcpy(value->gradient, newton->trial_gradient, size * sizeof(double));
            value->loss = trial.loss;
            value->mean_loss = trial.mean_loss;
            value->wrong = trial.wrong;
            *moved = true;
        }
    }
    return QN_OK;
}

enum qn_status qn__logistic_newton(const struct qn__logistic *problem, int64_t max_iter, double tol,
                                   bool near, struct qn__logistic_result *result,
                                   struct qn_error *err)
{
    size_t size = problem->size;
    struct newton newton = {.problem = problem, .hessian = result->value.hessian};
    bool fresh = true, curved = !near, moved = true;
    enum qn_status status = newton_init(&newton, err);
    if (status == QN_OK)
        status = qn__logistic_evaluate(problem, result->theta, &result->value, err);
    if (status != QN_OK)
        goto done;
    double slope = qn__logistic_slope(problem, result->value.gradient);
    result->iterations = 0;
    result->converged = slope <= tol;
    while (!result->converged && result->iterations < (uint64_t)max_iter) {
        status = qn_progress_report(problem->fit->progress, "fit", result->iterations,
                                    (uint64_t)max_iter, "iterations", err);
        if (status == QN_OK && fresh) {
            memcpy(newton.factor, newton.hessian, size * size * sizeof(double));
            status = qn__logistic_factor(problem, newton.factor, newton.diagonal, newton.fill,
                                         &result->singular, err);
        }
        if (status != QN_OK)
            goto done;
        double decrease = newton_step(&newton, result->value.gradient);
        status = newton_search(&newton, decrease, curved, result, &moved, err);
        if (status != QN_OK)
            goto done;
        double before = slope;
        slope = qn__logistic_slope(problem, result->value.gradient);
        result->iterations++;
        /* Where rounding stops all progress the optimum is reached as well as it can be. */
        if (!moved || (slope >= before / 2 && decrease <= 4 * DBL_EPSILON * result->value.loss)) {
            result->converged = slope <= fmax(tol, 1e-10);
            break;
        }
        result->converged = slope <= tol;
        fresh = curved;
        curved = slope > 0.1 * before;
    }
done:
    qn_free(newton.diagonal);
    qn_free(newton.factor);
    return status;
}
