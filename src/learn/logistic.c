#include "learn/linear.h"
#include "learn/linear_internal.h"
#include "learn/logistic_internal.h"
#include "learn/tree.h" /* enum qn_class_weight */

#include "base/alloc.h"
#include "base/numeric.h"

#include <math.h>
#include <string.h>

enum {
    QN_NEWTON_SIZE = 3000,    /* parameters whose Hessian is still formed */
    QN_SAMPLE_FROM = 1 << 16, /* rows from which a start is sought on a sample */
    QN_SAMPLE_STEP = 16       /* the sample is every 16th block of rows */
};

static const struct qn_parameter_name class_weights[] = {
    {"none", QN_CLASS_WEIGHT_NONE}, {"balanced", QN_CLASS_WEIGHT_BALANCED}, {NULL, 0}};

static const struct qn_parameter parameters[] = {
    {.name = "C",
     .kind = QN_PARAMETER_NUMBER,
     .offset = offsetof(struct qn_logistic_options, C),
     .fallback = 1,
     .maximum = 1e300,
     .help = "Inverse strength of the penalty on the squared coefficients; 0 is no penalty"},
    {.name = "fit_intercept",
     .kind = QN_PARAMETER_BOOLEAN,
     .offset = offsetof(struct qn_logistic_options, fit_intercept),
     .fallback = 1,
     .maximum = 1,
     .help = "Add a constant term, which is not penalised"},
    {.name = "max_iter",
     .kind = QN_PARAMETER_INTEGER,
     .offset = offsetof(struct qn_logistic_options, max_iter),
     .fallback = 1000,
     .minimum = 1,
     .maximum = 1e9,
     .help = "Most iterations of the solver"},
    {.name = "tol",
     .kind = QN_PARAMETER_NUMBER,
     .offset = offsetof(struct qn_logistic_options, tol),
     .fallback = 1e-6,
     .maximum = 1,
     .minimum_open = true,
     .help = "Stop when no slope of the mean loss is larger, columns taken in standard deviations"},
    {.name = "class_weight",
     .kind = QN_PARAMETER_CHOICE,
     .offset = offsetof(struct qn_logistic_options, class_weight),
     .fallback = QN_CLASS_WEIGHT_NONE,
     .maximum = QN_CLASS_WEIGHT_BALANCED,
     .names = class_weights,
     .help = "balanced: rows count in inverse proportion to their class's frequency"},
    {.name = NULL},
};

/* What one fit owns beside the model. */
struct workspace {
    double *shift, *scale, *weights, *theta, *gradient, *hessian;
    bool *frozen;
};

static void workspace_release(struct workspace *work)
{
    qn_free(work->shift);
    qn_free(work->scale);
    qn_free(work->weights);
    qn_free(work->theta);
    qn_free(work->gradient);
    qn_free(work->hessian);
    qn_free(work->frozen);
}

/* balanced: n / (classes * rows of the class), by weight, as scikit-learn. */
static enum qn_status make_weights(const struct qn_target *target, int64_t class_weight,
                                   struct workspace *work, struct qn_error *err)
{
    size_t n = target->row_count;
    if (class_weight == QN_CLASS_WEIGHT_NONE && !target->weights)
        return QN_OK;
    work->weights = QN_ALLOC(double, n);
    double *sums = QN_CALLOC(double, target->class_count);
    if (!work->weights || !sums) {
        qn_free(sums);
        return qn_fail_nomem(err, "logistic regression");
    }
    double total = 0;
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        work->weights[i] = target->weights ? target->weights[i] : 1;
        sums[target->classes[i]] += work->weights[i];
    }
    for (size_t k = 0; k < target->class_count; k++) {
        total += sums[k];
        used += sums[k] > 0;
    }
    for (size_t i = 0; class_weight == QN_CLASS_WEIGHT_BALANCED && i < n; i++)
        if (work->weights[i] > 0)
            work->weights[i] *= total / ((double)used * sums[target->classes[i]]);
    qn_free(sums);
    return QN_OK;
}

static enum qn_status prepare(const struct qn_fit *fit, struct qn__linear_model *model,
                              struct workspace *work, struct qn__logistic *problem,
                              struct qn_error *err)
{
    const struct qn_logistic_options *options = fit->options;
    const struct qn_features *features = fit->features;
    size_t p = features->feature_count, width = p + 1;
    *problem = (struct qn__logistic){.fit = fit,
                                     .row_count = features->row_count,
                                     .feature_count = p,
                                     .class_count = model->class_count,
                                     .vector_count = model->vector_count,
                                     .width = width,
                                     .size = model->vector_count * width,
                                     .block_step = 1};
    work->shift = QN_CALLOC(double, width);
    work->scale = QN_ALLOC(double, width);
    work->frozen = QN_CALLOC(bool, width);
    work->theta = QN_CALLOC(double, problem->size);
    work->gradient = QN_ALLOC(double, problem->size);
    if (!work->shift || !work->scale || !work->frozen || !work->theta || !work->gradient)
        return qn_fail_nomem(err, "logistic regression");
    enum qn_status status = make_weights(fit->target, options->class_weight, work, err);
    if (status == QN_OK)
        status = qn__moments(features, fit->target->weights, "logistic regression", fit->pool,
                             model->means, model->deviations, err);
    if (status != QN_OK)
        return status;
    for (size_t j = 0; j < p; j++) {
        double mean = model->means[j], deviation = model->deviations[j];
        work->shift[j] = options->fit_intercept ? mean : 0;
        work->scale[j] =
            options->fit_intercept ? deviation : sqrt(deviation * deviation + mean * mean);
        work->frozen[j] = work->scale[j] == 0;
        if (deviation == 0)
            model->notes |= QN__NOTE_CONSTANT;
        if (work->frozen[j])
            work->scale[j] = 1;
    }
    work->scale[p] = 1;
    work->frozen[p] = !options->fit_intercept;
    problem->shift = work->shift;
    problem->scale = work->scale;
    problem->frozen = work->frozen;
    problem->weights = work->weights;
    problem->total =
        work->weights ? qn_sum(work->weights, problem->row_count) : (double)problem->row_count;
    problem->penalty = options->C > 0 ? 1 / options->C / problem->total : 0;
    return QN_OK;
}

/* Newton while forming and factoring Hessians costs less than the hundreds of passes that L-BFGS
 * takes to the same accuracy. */
static bool prefers_newton(const struct qn__logistic *problem)
{
    double n = (double)problem->row_count, d = (double)problem->size;
    return problem->size <= QN_NEWTON_SIZE &&
           8 * (n * d * d / 2 + d * d * d / 3) <= 4800 * n * d + 1e10;
}

/* A few Newton steps on a sample of the rows leave two or three for all of them. */
static enum qn_status warm_start(const struct qn__logistic *problem, struct workspace *work,
                                 bool *near, struct qn_error *err)
{
    struct qn__logistic sample = *problem;
    size_t n = problem->row_count;
    sample.block_step = QN_SAMPLE_STEP;
    sample.total = 0;
    for (size_t row = 0; row < n; row += QN_SAMPLE_STEP * QN__BLOCK_ROWS) {
        size_t rows = n - row < QN__BLOCK_ROWS ? n - row : QN__BLOCK_ROWS;
        sample.total += problem->weights ? qn_sum(problem->weights + row, rows) : (double)rows;
    }
    if (!(sample.total > 0))
        return QN_OK;
    struct qn__logistic_result result = {
        .theta = work->theta, .value = {.gradient = work->gradient, .hessian = work->hessian}};
    enum qn_status status = qn__logistic_newton(&sample, 12, 1e-4, false, &result, err);
    if (status != QN_OK)
        return status;
    *near = result.converged && !result.singular;
    if (!*near)
        memset(work->theta, 0, problem->size * sizeof(double));
    return QN_OK;
}

/* Standard errors by the inverse of the Hessian at the optimum. The part of the inverse that
 * fill_shifts() put into the directions without information is taken out again. */
static enum qn_status standard_errors(const struct qn__logistic *problem, struct workspace *work,
                                      struct qn__linear_model *model, struct qn_error *err)
{
    size_t width = problem->width, size = problem->size, p = problem->feature_count;
    struct qn__logistic_value value = {.gradient = work->gradient, .hessian = work->hessian};
    double *diagonal = QN_ALLOC(double, 3 * size);
    bool singular = false;
    if (!diagonal)
        return qn_fail_nomem(err, "standard errors");
    double *fill = diagonal + size, *column = fill + size;
    enum qn_status status = qn__logistic_evaluate(problem, work->theta, &value, err);
    if (status == QN_OK)
        status = qn__logistic_factor(problem, work->hessian, diagonal, fill, &singular, err);
    if (status == QN_OK && !singular)
        status = qn__cholesky_inverse_diagonal(work->hessian, size, problem->fit->pool,
                                               model->errors, err);
    if (status != QN_OK || singular)
        goto done;
    double vectors = (double)problem->vector_count;
    for (size_t k = 0; k < problem->vector_count; k++) {
        double excess = 0;
        memset(column, 0, size * sizeof(*column));
        for (size_t j = 0; j < width; j++) {
            size_t at = k * width + j;
            double part = fill[j] > 0 ? 1 / (fill[j] * vectors * vectors) : 0;
            double towards = j < p ? -problem->shift[j] : 1; /* intercept = b - shift w */
            double variance = model->errors[at] / diagonal[at] / diagonal[at] - part;
            column[at] = problem->frozen[j] ? 0 : towards / diagonal[at];
            excess += towards * towards * part;
            model->errors[at] = problem->frozen[j] ? NAN : sqrt(fmax(variance, 0) / problem->total);
        }
        qn__cholesky_forward(work->hessian, size, column);
        double variance = qn_dot(column, column, size) - excess;
        if (!problem->frozen[p])
            model->errors[k * width + p] = sqrt(fmax(variance, 0) / problem->total);
    }
done:
    qn_free(diagonal);
    return status;
}

/* From the solver's parameters to the model's: centred over classes, intercepts at zero. */
static void finish(const struct qn__logistic *problem, double *theta,
                   struct qn__linear_model *model)
{
    size_t width = problem->width, p = problem->feature_count;
    for (size_t j = 0; j < width && problem->vector_count > 1; j++) {
        double mean = 0;
        for (size_t k = 0; k < problem->vector_count; k++)
            mean += theta[k * width + j] / (double)problem->vector_count;
        for (size_t k = 0; k < problem->vector_count; k++)
            theta[k * width + j] -= mean;
    }
    for (size_t k = 0; k < problem->vector_count; k++) {
        memcpy(model->coefficients + k * p, theta + k * width, p * sizeof(double));
        model->intercepts[k] = theta[k * width + p] - qn_dot(theta + k * width, problem->shift, p);
    }
}

static enum qn_status solve(const struct qn__logistic *problem,
                            const struct qn_logistic_options *options, struct workspace *work,
                            struct qn__linear_model *model, struct qn_error *err)
{
    bool near = false, newton = prefers_newton(problem);
    enum qn_status status = QN_OK;
    model->solver = newton ? QN__SOLVER_NEWTON : QN__SOLVER_LBFGS;
    if (newton) {
        work->hessian = QN_ALLOC(double, problem->size * problem->size);
        if (!work->hessian)
            return qn_fail(err, QN_NOMEM, "logistic regression: no memory for %zu parameters",
                           problem->size);
        if (problem->row_count >= QN_SAMPLE_FROM)
            status = warm_start(problem, work, &near, err);
    }
    struct qn__logistic_result result = {
        .theta = work->theta, .value = {.gradient = work->gradient, .hessian = work->hessian}};
    if (status == QN_OK && newton)
        status = qn__logistic_newton(problem, options->max_iter, options->tol, near, &result, err);
    else if (status == QN_OK)
        status = qn__logistic_lbfgs(problem, options->max_iter, options->tol, &result, err);
    if (status != QN_OK)
        return status;
    model->iterations = result.iterations;
    model->converged = result.converged;
    model->objective = result.value.mean_loss;
    if (options->C == 0 && result.value.wrong == 0) {
        model->notes |= QN__NOTE_SEPARABLE;
        model->converged = false;
    } else if (!result.converged) {
        model->notes |= QN__NOTE_NOT_CONVERGED;
    }
    if (options->C == 0 && result.singular && !(model->notes & QN__NOTE_SEPARABLE))
        model->notes |= QN__NOTE_COLLINEAR;
    bool inference = options->C == 0 && newton && model->converged && !result.singular &&
                     options->class_weight == QN_CLASS_WEIGHT_NONE &&
                     problem->size <= QN__ERRORS_LIMIT;
    if (inference)
        status = standard_errors(problem, work, model, err);
    if (status == QN_OK)
        finish(problem, work->theta, model);
    return status;
}

static enum qn_status logistic_fit(const struct qn_fit *fit, void **out, struct qn_error *err)
{
    const struct qn_logistic_options *options = fit->options;
    const struct qn_features *features = fit->features;
    if (features->feature_count == 0 || features->row_count == 0)
        return qn_fail(err, QN_INVALID, "logistic regression: there are no %s to learn from",
                       features->row_count == 0 ? "rows" : "columns");
    enum qn_status status = qn__features_check(features, true, "logistic regression", err);
    if (status != QN_OK)
        return status;
    struct workspace work = {0};
    struct qn__logistic problem;
    struct qn__linear_model *model =
        qn__linear_create(QN__LOGISTIC, features->feature_count, fit->target->class_count);
    if (!model)
        return qn_fail_nomem(err, "logistic regression");
    model->has_intercept = options->fit_intercept;
    model->penalty = options->C;
    model->row_count = features->row_count;
    model->rank = features->feature_count;
    status = prepare(fit, model, &work, &problem, err);
    if (status == QN_OK)
        status = solve(&problem, options, &work, model, err);
    workspace_release(&work);
    if (status != QN_OK) {
        qn__linear_free(model);
        return status;
    }
    *out = model;
    return QN_OK;
}

const struct qn_learner qn_logistic_learner = {
    .name = "logistic",
    .title = "Logistic regression",
    .about = "Class probabilities from a weighted sum of the columns, with a penalty on large "
             "coefficients",
    .paper = "Cox, J. R. Stat. Soc. B 20, 1958; Newton or L-BFGS (Liu and Nocedal, Math. Program. "
             "45, 1989)",
    .tasks = 1u << QN_TASK_BINARY | 1u << QN_TASK_MULTICLASS,
    .native = false,
    .parameters = {parameters, sizeof(struct qn_logistic_options)},
    .fit = logistic_fit,
    .predict = qn__linear_predict,
    .output_count = qn__linear_output_count,
    .feature_count = qn__linear_feature_count,
    .importance = qn__linear_importance,
    .describe = qn__linear_describe,
    .write = qn__linear_write,
    .read = qn__linear_read,
    .free = qn__linear_free,
};
