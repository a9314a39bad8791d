#include "learn/linear.h"

#include "learn/linear_internal.h"

#include <math.h>

#define QN_TASKS (1u << QN_TASK_REGRESSION)

static const struct qn_parameter linear_parameters[] = {
    {.name = "fit_intercept",
     .kind = QN_PARAMETER_BOOLEAN,
     .offset = offsetof(struct qn_linear_options, fit_intercept),
     .fallback = 1,
     .maximum = 1,
     .help = "Add a constant term"},
    {.name = NULL},
};

static const struct qn_parameter ridge_parameters[] = {
    {.name = "alpha",
     .kind = QN_PARAMETER_NUMBER,
     .offset = offsetof(struct qn_linear_options, alpha),
     .fallback = 1,
     .maximum = 1e300,
     .help = "Strength of the penalty on the squared coefficients; 0 is ordinary least squares"},
    {.name = "fit_intercept",
     .kind = QN_PARAMETER_BOOLEAN,
     .offset = offsetof(struct qn_linear_options, fit_intercept),
     .fallback = 1,
     .maximum = 1,
     .help = "Add a constant term, which is not penalised"},
    {.name = NULL},
};

static enum qn_status fit_kind(const struct qn_fit *fit, enum qn__linear_kind kind, double alpha,
                               void **out, struct qn_error *err)
{
    const struct qn_linear_options *options = fit->options;
    if (fit->features->feature_count == 0 || fit->features->row_count == 0)
        return qn_fail(err, QN_INVALID, "linear model: there are no %s to learn from",
                       fit->features->row_count == 0 ? "rows" : "columns");
    struct qn__linear_model *model = qn__linear_create(kind, fit->features->feature_count, 0);
    if (!model)
        return qn_fail_nomem(err, "linear model");
    enum qn_status status = qn__least_squares(fit, alpha, options->fit_intercept, model, err);
    if (status != QN_OK) {
        qn__linear_free(model);
        return status;
    }
    *out = model;
    return QN_OK;
}

static enum qn_status linear_fit(const struct qn_fit *fit, void **out, struct qn_error *err)
{
    return fit_kind(fit, QN__LINEAR, 0, out, err);
}

static enum qn_status ridge_fit(const struct qn_fit *fit, void **out, struct qn_error *err)
{
    const struct qn_linear_options *options = fit->options;
    return fit_kind(fit, QN__RIDGE, options->alpha, out, err);
}

const struct qn_learner qn_linear_learner = {
    .name = "linear",
    .title = "Linear regression",
    .about = "A weighted sum of the columns that minimises the squared error",
    .paper = "Legendre 1805; corrected seminormal equations: Bjorck, Linear Algebra Appl. 88/89, "
             "1987",
    .tasks = QN_TASKS,
    .native = false,
    .parameters = {linear_parameters, sizeof(struct qn_linear_options)},
    .fit = linear_fit,
    .predict = qn__linear_predict,
    .output_count = qn__linear_output_count,
    .feature_count = qn__linear_feature_count,
    .importance = qn__linear_importance,
    .describe = qn__linear_describe,
    .write = qn__linear_write,
    .read = qn__linear_read,
    .free = qn__linear_free,
};

const struct qn_learner qn_ridge_learner = {
    .name = "ridge",
    .title = "Ridge regression",
    .about = "Linear regression with a penalty on large coefficients, for many or related columns",
    .paper = "Hoerl and Kennard, Technometrics 12, 1970",
    .tasks = QN_TASKS,
    .native = false,
    .parameters = {ridge_parameters, sizeof(struct qn_linear_options)},
    .fit = ridge_fit,
    .predict = qn__linear_predict,
    .output_count = qn__linear_output_count,
    .feature_count = qn__linear_feature_count,
    .importance = qn__linear_importance,
    .describe = qn__linear_describe,
    .write = qn__linear_write,
    .read = qn__linear_read,
    .free = qn__linear_free,
};
