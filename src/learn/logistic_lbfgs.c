#include "learn/logistic_internal.h"

#include "base/alloc.h"
#include "base/numeric.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { QN_MEMORY = 10, QN_SEARCH_LIMIT = 40 };

/* In units of standard deviations: v = theta * scale, slope = gradient / scale. */
struct lbfgs {
    const struct qn__logistic *problem;
    size_t size, kept; /* kept: pairs in memory, the newest at (kept - 1) % QN_MEMORY */
    double *v, *slope, *direction, *trial, *trial_slope, *theta;
    double *moves, *changes; /* QN_MEMORY x size */
    double products[QN_MEMORY];
};

static enum qn_status lbfgs_init(struct lbfgs *state, struct qn_error *err)
{
    size_t size = state->size;
    state->v = QN_ALLOC(double, (6 + 2 * QN_MEMORY) * size);
    if (!state->v)
        return qn_fail(err, QN_NOMEM, "logistic regression: no memory for %zu parameters", size);
    state->slope = state->v + size;
    state->direction = state->slope + size;
    state->trial = state->direction + size;
    state->trial_slope = state->trial + size;
    state->theta = state->trial_slope + size;
    state->moves = state->theta + size;
    state->changes = state->moves + QN_MEMORY * size;
    return QN_OK;
}

static enum qn_status evaluate(struct lbfgs *state, const double *v, double *slope,
                               struct qn__logistic_value *value, struct qn_error *err)
{
    const struct qn__logistic *problem = state->problem;
    for (size_t i = 0; i < state->size; i++)
        state->theta[i] = v[i] / problem->scale[i % problem->width];
    enum qn_status status = qn__logistic_evaluate(problem, state->theta, value, err);
    if (status != QN_OK)
        return status;
    for (size_t i = 0; i < state->size; i++)
        slope[i] = value->gradient[i] / problem->scale[i % problem->width];
    return QN_OK;
}

/* direction = -H slope by the two-loop recursion. */
static void choose_direction(struct lbfgs *state)
{
    size_t size = state->size, count = state->kept < QN_MEMORY ? state->kept : QN_MEMORY;
    double *d = state->direction, alpha[QN_MEMORY] = {0};
    for (size_t i = 0; i < size; i++)
        d[i] = -state->slope[i];
    for (size_t back = 0; back < count; back++) {
        size_t at = (state->kept - 1 - back) % QN_MEMORY;
        alpha[at] = qn_dot(state->moves + at * size, d, size) / state->products[at];
        qn__axpy(-alpha[at], state->changes + at * size, 0.0, d, size);
    }
    if (count > 0) {
        size_t at = (state->kept - 1) % QN_MEMORY;
        const double *change = state->changes + at * size;
        double gamma = state->products[at] / qn_dot(change, change, size);
        for (size_t i = 0; i < size; i++)
            d[i] *= gamma;
    }
    for (size_t back = count; back-- > 0;) {
        size_t at = (state->kept - 1 - back) % QN_MEMORY;
        double beta = qn_dot(state->changes + at * size, d, size) / state->products[at];
        qn__axpy(alpha[at] - beta, state->moves + at * size, 0.0, d, size);
    }
}

/* A point with enough decrease, and slope enough less: halving and doubling. */
static enum qn_status search(struct lbfgs *state, double length, struct qn__logistic_value *value,
                             bool *moved, struct qn_error *err)
{
    size_t size = state->size;
    double low = 0, high = INFINITY, start = value->loss;
    double descent = qn_dot(state->direction, state->slope, size);
    double slack = 4 * DBL_EPSILON * fabs(start);
    *moved = false;
    for (int i = 0; i < QN_SEARCH_LIMIT; i++) {
        memcpy(state->trial, state->v, size * sizeof(double));
        qn__axpy(length, state->direction, 0.0, state->trial, size);
        enum qn_status status = evaluate(state, state->trial, state->trial_slope, value, err);
        if (status != QN_OK)
            return status;
        if (!(value->loss <= start + 1e-4 * length * descent + slack)) {
            high = length;
        } else if (qn_dot(state->direction, state->trial_slope, size) < 0.9 * descent) {
            low = length;
        } else {
            *moved = true;
            return QN_OK;
        }
        length = isinf(high) ? 2 * length : (low + high) / 2;
    }
    *moved = low > 0 && value->loss < start;
    return QN_OK;
}

static void remember(struct lbfgs *state)
{
    size_t size = state->size, at = state->kept % QN_MEMORY;
    double *move = state->moves + at * size, *change = state->changes + at * size;
    for (size_t i = 0; i < size; i++) {
        move[i] = state->trial[i] - state->v[i];
        change[i] = state->trial_slope[i] - state->slope[i];
    }
    double product = qn_dot(move, change, size);
    if (product > DBL_EPSILON * qn_dot(change, change, size)) {
        state->products[at] = product;
        state->kept++;
    }
    memcpy(state->v, state->trial, size * sizeof(double));
    memcpy(state->slope, state->trial_slope, size * sizeof(double));
}

static double largest(const double *x, size_t count)
{
    double result = 0;
    for (size_t i = 0; i < count; i++)
        result = fmax(result, fabs(x[i]));
    return result;
}

enum qn_status qn__logistic_lbfgs(const struct qn__logistic *problem, int64_t max_iter, double tol,
                                  struct qn__logistic_result *result, struct qn_error *err)
{
    struct lbfgs state = {.problem = problem, .size = problem->size};
    bool moved = true;
    enum qn_status status = lbfgs_init(&state, err);
    if (status != QN_OK)
        goto done;
    for (size_t i = 0; i < state.size; i++)
        state.v[i] = result->theta[i] * problem->scale[i % problem->width];
    status = evaluate(&state, state.v, state.slope, &result->value, err);
    result->iterations = 0;
    result->converged = status == QN_OK && largest(state.slope, state.size) <= tol;
    while (status == QN_OK && !result->converged && result->iterations < (uint64_t)max_iter) {
        status = qn_progress_report(problem->fit->progress, "fit", result->iterations,
                                    (uint64_t)max_iter, "iterations", err);
        if (status != QN_OK)
            break;
        choose_direction(&state);
        double length = state.kept > 0 ? 1 : 1 / fmax(1, largest(state.slope, state.size));
        struct qn__logistic_value trial = result->value;
        status = search(&state, length, &trial, &moved, err);
        if (status != QN_OK)
            break;
        if (!moved) {
            if (state.kept == 0) {
                result->converged = largest(state.slope, state.size) <= fmax(tol, 1e-8);
                break;
            }
            state.kept = 0; /* once more, straight down the slope */
            continue;
        }
        result->value.loss = trial.loss;
        result->value.mean_loss = trial.mean_loss;
        result->value.wrong = trial.wrong;
        remember(&state);
        result->iterations++;
        result->converged = largest(state.slope, state.size) <= tol;
    }
    for (size_t i = 0; status == QN_OK && i < state.size; i++)
        result->theta[i] = state.v[i] / problem->scale[i % problem->width];
done:
    qn_free(state.v);
    return status;
}
