#include "learn/metrics_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* A larger confusion matrix is left out of JSON: it has as many cells as the square. */
enum { QN_JSON_CLASSES = 100 };

/* The single numbers, in the order of JSON. */
static const struct {
    const char *name;
    size_t offset;
} figures[] = {
    {"accuracy", offsetof(struct qn_metrics, accuracy)},
    {"balanced_accuracy", offsetof(struct qn_metrics, balanced_accuracy)},
    {"precision_macro", offsetof(struct qn_metrics, precision_macro)},
    {"recall_macro", offsetof(struct qn_metrics, recall_macro)},
    {"f1_macro", offsetof(struct qn_metrics, f1_macro)},
    {"precision_weighted", offsetof(struct qn_metrics, precision_weighted)},
    {"recall_weighted", offsetof(struct qn_metrics, recall_weighted)},
    {"f1_weighted", offsetof(struct qn_metrics, f1_weighted)},
    {"roc_auc", offsetof(struct qn_metrics, roc_auc)},
    {"pr_auc", offsetof(struct qn_metrics, pr_auc)},
    {"log_loss", offsetof(struct qn_metrics, log_loss)},
    {"brier", offsetof(struct qn_metrics, brier)},
    {"matthews", offsetof(struct qn_metrics, matthews)},
    {"calibration_error", offsetof(struct qn_metrics, calibration_error)},
    {"rmse", offsetof(struct qn_metrics, rmse)},
    {"mae", offsetof(struct qn_metrics, mae)},
    {"median_error", offsetof(struct qn_metrics, median_error)},
    {"r2", offsetof(struct qn_metrics, r2)},
    {"mape", offsetof(struct qn_metrics, mape)},
    {"max_error", offsetof(struct qn_metrics, max_error)},
};

enum { QN_FIGURES = sizeof(figures) / sizeof(figures[0]) };

static double *figure_at(struct qn_metrics *metrics, size_t index)
{
    return (double *)(void *)((char *)metrics + figures[index].offset);
}

static double figure(const struct qn_metrics *metrics, size_t index)
{
    double value;
    memcpy(&value, (const char *)metrics + figures[index].offset, sizeof(value));
    return value;
}

static enum qn_status check_rows(const struct qn_target *target, const double *prediction,
                                 struct qn_error *err)
{
    size_t width = qn_task_is_classification(target->task) ? target->class_count : 1;
    if (target->row_count == 0)
        return qn_fail(err, QN_INVALID, "metrics: there are no rows to evaluate");
    double weight = 0;
    for (size_t i = 0; i < target->row_count; i++) {
        for (size_t k = 0; k < width; k++) {
            if (!isfinite(prediction[i * width + k]))
                return qn_fail(err, QN_INVALID,
                               "metrics: the prediction for row %zu is not a finite number", i);
        }
        weight += target->weights ? target->weights[i] : 1.0;
    }
    if (!(weight > 0))
        return qn_fail(err, QN_INVALID, "metrics: the weights of all rows to evaluate are 0");
    return QN_OK;
}

enum qn_status qn_metrics_compute(const struct qn_target *target, const double *prediction,
                                  struct qn_metrics **out, struct qn_error *err)
{
    assert(target->task != QN_TASK_CLUSTERING);
    enum qn_status status = check_rows(target, prediction, err);
    if (status != QN_OK)
        return status;
    struct qn_metrics *metrics = QN_CALLOC(struct qn_metrics, 1);
    if (!metrics)
        return qn_fail_nomem(err, "metrics");
    for (size_t i = 0; i < QN_FIGURES; i++)
        *figure_at(metrics, i) = NAN;
    metrics->task = target->task;
    metrics->row_count = target->row_count;
    if (qn_task_is_classification(target->task)) {
        metrics->class_count = target->class_count;
        status = qn__metrics_classification(target, prediction, metrics, err);
    } else {
        status = qn__metrics_regression(target, prediction, metrics, err);
    }
    if (status != QN_OK) {
        qn_metrics_free(metrics);
        return status;
    }
    *out = metrics;
    return QN_OK;
}

void qn_metrics_free(struct qn_metrics *metrics)
{
    if (!metrics)
        return;
    qn_free(metrics->classes);
    qn_free(metrics->confusion);
    qn_free(metrics);
}

static void set_defined(json_t *object, const char *key, double value, bool *failed)
{
    if (!isnan(value))
        qn_json_set(object, key, qn_json_number(value), failed);
}

static json_t *classes_json(const struct qn_metrics *metrics, const char *const *names,
                            bool *failed)
{
    json_t *list = json_array();
    for (size_t k = 0; k < metrics->class_count && !*failed; k++) {
        const struct qn_class_metrics *class = &metrics->classes[k];
        json_t *item = json_object();
        qn_json_set(item, "name", json_string(names[k]), failed);
        qn_json_set(item, "precision", qn_json_number(class->precision), failed);
        qn_json_set(item, "recall", qn_json_number(class->recall), failed);
        qn_json_set(item, "f1", qn_json_number(class->f1), failed);
        qn_json_set(item, "support", qn_json_number(class->support), failed);
        set_defined(item, "roc_auc", class->roc_auc, failed);
        set_defined(item, "pr_auc", class->pr_auc, failed);
        qn_json_add(list, item, failed);
    }
    return list;
}

static json_t *confusion_json(const struct qn_metrics *metrics, bool *failed)
{
    json_t *matrix = json_array();
    for (size_t i = 0; i < metrics->class_count && !*failed; i++) {
        json_t *row = json_array();
        for (size_t k = 0; k < metrics->class_count && !*failed; k++) {
            double value = metrics->confusion[i * metrics->class_count + k];
            qn_json_add(row, qn_json_number(value), failed);
        }
        qn_json_add(matrix, row, failed);
    }
    return matrix;
}

/* Bins that have rows: mean predicted probability, share of class 1, weight. */
static json_t *calibration_json(const struct qn_metrics *metrics, bool *failed)
{
    json_t *list = json_array();
    for (size_t bin = 0; bin < QN_CALIBRATION_BINS && !*failed; bin++) {
        if (metrics->calibration_weight[bin] == 0)
            continue;
        json_t *item = json_object();
        qn_json_set(item, "predicted", qn_json_number(metrics->calibration_mean[bin]), failed);
        qn_json_set(item, "observed", qn_json_number(metrics->calibration_share[bin]), failed);
        qn_json_set(item, "weight", qn_json_number(metrics->calibration_weight[bin]), failed);
        qn_json_add(list, item, failed);
    }
    return list;
}

json_t *qn_metrics_json(const struct qn_metrics *metrics, const char *const *class_names)
{
    json_t *object = json_object();
    bool failed = object == NULL;
    for (size_t i = 0; i < QN_FIGURES && !failed; i++)
        set_defined(object, figures[i].name, figure(metrics, i), &failed);
    if (!failed && metrics->classes) {
        qn_json_set(object, "classes", classes_json(metrics, class_names, &failed), &failed);
        if (metrics->class_count <= QN_JSON_CLASSES)
            qn_json_set(object, "confusion_matrix", confusion_json(metrics, &failed), &failed);
    }
    if (!failed && metrics->task == QN_TASK_BINARY)
        qn_json_set(object, "calibration", calibration_json(metrics, &failed), &failed);
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

const char *qn_metrics_main(enum qn_task task, bool *more_is_better)
{
    if (more_is_better)
        *more_is_better = task == QN_TASK_BINARY;
    switch (task) {
    case QN_TASK_BINARY:
        return "roc_auc";
    case QN_TASK_MULTICLASS:
        return "log_loss";
    case QN_TASK_REGRESSION:
        return "rmse";
    case QN_TASK_CLUSTERING:
        return "inertia";
    }
    return "";
}

double qn_metrics_get(const struct qn_metrics *metrics, const char *name)
{
    for (size_t i = 0; i < QN_FIGURES; i++) {
        if (strcmp(figures[i].name, name) == 0)
            return figure(metrics, i);
    }
    return NAN;
}

void qn_baseline_predict(const struct qn_target *training, size_t row_count, double *out)
{
    size_t width = qn_task_is_classification(training->task) ? training->class_count : 1;
    if (row_count == 0)
        return;
    /* The first row serves as the sums; the others are its copies. */
    for (size_t k = 0; k < width; k++)
        out[k] = 0;
    struct qn__sum total = {0, 0}, value = {0, 0};
    for (size_t i = 0; i < training->row_count; i++) {
        double weight = training->weights ? training->weights[i] : 1.0;
        qn__sum_add(&total, weight);
        if (training->classes)
            out[training->classes[i]] += weight;
        else
            qn__sum_add(&value, weight * training->values[i]);
    }
    for (size_t k = 0; k < width; k++)
        out[k] = (training->classes ? out[k] : qn__sum_value(&value)) / qn__sum_value(&total);
    for (size_t i = 1; i < row_count; i++)
        memcpy(out + i * width, out, width * sizeof(*out));
}
