#include "learn/linear_internal.h"

#include <math.h>

static const char *const solver_names[QN__SOLVER_COUNT] = {"cholesky", "dual_cholesky", "newton",
                                                           "lbfgs"};

/* Adds "std_error", its ratio and p-value when there is one. */
static void set_inference(const struct qn__linear_model *model, json_t *entry, double value,
                          double error, bool *failed)
{
    if (!isfinite(error))
        return;
    bool student = model->kind != QN__LOGISTIC;
    double ratio = error > 0 ? value / error : NAN;
    double p = student ? qn__student_p_value(ratio, model->freedom) : qn__normal_p_value(ratio);
    qn_json_set(entry, "std_error", qn_json_number(error), failed);
    qn_json_set(entry, student ? "t" : "z", qn_json_number(ratio), failed);
    qn_json_set(entry, "p_value", qn_json_number(p), failed);
}

/* {"class", "intercept": {...}, "coefficients": [{"name", "value", ...}]} of vector k. */
static json_t *describe_vector(const struct qn__linear_model *model, size_t k,
                               const char *const *names, bool *failed)
{
    size_t p = model->feature_count;
    json_t *vector = json_object(), *list = json_array(), *intercept = json_object();
    const double *errors = model->errors + k * (p + 1);
    if (model->class_count)
        qn_json_set(vector, "class", json_integer((json_int_t)(model->class_count == 2 ? 1 : k)),
                    failed);
    qn_json_set(intercept, "value", qn_json_number(model->intercepts[k]), failed);
    set_inference(model, intercept, model->intercepts[k], errors[p], failed);
    if (model->has_intercept)
        qn_json_set(vector, "intercept", intercept, failed);
    else
        json_decref(intercept);
    for (size_t j = 0; j < p; j++) {
        double value = model->coefficients[k * p + j];
        json_t *entry = json_object();
        qn_json_set(entry, "name", json_string(names[j]), failed);
        qn_json_set(entry, "value", qn_json_number(value), failed);
        set_inference(model, entry, value, errors[j], failed);
        qn_json_add(list, entry, failed);
    }
    qn_json_set(vector, "coefficients", list, failed);
    return vector;
}

static json_t *describe_notes(const struct qn__linear_model *model, bool *failed)
{
    static const struct {
        uint32_t note;
        const char *text;
    } texts[] = {
        {QN__NOTE_COLLINEAR, "some columns are determined by others: of all equally good "
                             "coefficients the smallest were taken, and standard errors left out"},
        {QN__NOTE_SEPARABLE, "the classes can be told apart exactly, so that without a penalty "
                             "the coefficients have no finite optimum: set C above 0"},
        {QN__NOTE_NOT_CONVERGED, "stopped before the tolerance was reached: raise max_iter"},
        {QN__NOTE_CONSTANT, "columns with a single value were given no weight"},
    };
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (model->notes & texts[i].note)
            qn_json_add(list, json_string(texts[i].text), failed);
    return list;
}

json_t *qn__linear_describe(const void *model, const char *const *names)
{
    const struct qn__linear_model *linear = model;
    bool failed = false, logistic = linear->kind == QN__LOGISTIC;
    json_t *object = json_object(), *vectors = json_array();
    qn_json_set(object, "solver", json_string(solver_names[linear->solver]), &failed);
    if (logistic) {
        qn_json_set(object, "iterations", json_integer((json_int_t)linear->iterations), &failed);
        qn_json_set(object, "converged", json_boolean(linear->converged), &failed);
        qn_json_set(object, "log_loss", qn_json_number(linear->objective), &failed);
    } else {
        qn_json_set(object, "r2", qn_json_number(linear->r2), &failed);
        qn_json_set(object, "mean_squared_error", qn_json_number(linear->objective), &failed);
        qn_json_set(object, "rank", json_integer((json_int_t)linear->rank), &failed);
    }
    if (linear->kind == QN__LINEAR) {
        qn_json_set(object, "residual_std", qn_json_number(linear->noise), &failed);
        qn_json_set(object, "degrees_of_freedom", qn_json_number(linear->freedom), &failed);
    }
    for (size_t k = 0; k < linear->vector_count; k++)
        qn_json_add(vectors, describe_vector(linear, k, names, &failed), &failed);
    qn_json_set(object, "vectors", vectors, &failed);
    qn_json_set(object, "notes", describe_notes(linear, &failed), &failed);
    if (failed || !object) {
        json_decref(object);
        return NULL;
    }
    return object;
}
