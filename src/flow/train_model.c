#include "flow/train_internal.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <math.h>
#include <string.h>

static json_t *class_array(const struct qn_labels *labels, bool *failed)
{
    json_t *array = json_array();
    for (size_t i = 0; i < labels->class_count; i++)
        qn_json_add(array, json_string(labels->class_names[i]), failed);
    return array;
}

/* What decides predictions: no times, no paths. */
static json_t *definition_json(struct qn_trainer *trainer)
{
    const struct qn_labels *labels = trainer->labels;
    bool *failed = &trainer->failed;
    json_t *object = json_object();
    enum qn_task task = labels ? labels->task : QN_TASK_CLUSTERING;
    qn_json_set(object, "task", json_string(qn_task_name(task)), failed);
    qn_json_set(object, "algorithm", json_string(trainer->learner->name), failed);
    if (labels) {
        ptrdiff_t at = qn_table_find(trainer->table, trainer->options->target);
        const struct qn_column *column = &trainer->table->columns[at];
        qn_json_set(object, "target", json_string(column->name), failed);
        qn_json_set(object, "target_type", json_string(qn_type_name(column->type)), failed);
        if (labels->class_names)
            qn_json_set(object, "classes", class_array(labels, failed), failed);
    }
    qn_json_set(object, "parameters",
                qn_parameters_json(&trainer->learner->parameters, trainer->parameters), failed);
    qn_json_set(object, "seed", json_integer((json_int_t)trainer->options->seed), failed);
    return object;
}

/* Class shares, or the mean, of the training target: what qn__baseline_from_report() reads. */
static enum qn_status baseline_json(struct qn_trainer *trainer, json_t **out, struct qn_error *err)
{
    const struct qn_parts *parts = &trainer->parts;
    size_t width = qn__trainer_outputs(trainer);
    struct qn_label_rows gathered;
    double *values = QN_ALLOC(double, width);
    if (!values)
        return qn_fail_nomem(err, "train");
    enum qn_status status = qn_labels_gather(trainer->labels, trainer->weights, parts->train,
                                             parts->train_count, &gathered, err);
    if (status == QN_OK) {
        qn_baseline_predict(&gathered.target, 1, values);
        qn_label_rows_release(&gathered);
        *out = json_array();
        for (size_t i = 0; i < width; i++)
            qn_json_add(*out, qn_json_number(values[i]), &trainer->failed);
    }
    qn_free(values);
    return status;
}

enum qn_status qn__baseline_from_report(const struct qn_model *model, size_t row_count, double *out,
                                        struct qn_error *err)
{
    const json_t *values = json_object_get(model->report, "baseline_prediction");
    if (json_array_size(values) != model->output_count)
        return qn_fail(err, QN_CORRUPT, "the model's report has no baseline");
    for (size_t k = 0; k < model->output_count; k++) {
        double value = json_number_value(json_array_get(values, k));
        for (size_t row = 0; row < row_count; row++)
            out[row * model->output_count + k] = value;
    }
    return QN_OK;
}

static json_t *counts_json(const struct qn_trainer *trainer, bool *failed)
{
    const struct qn_parts *parts = &trainer->parts;
    json_t *object = json_object();
    size_t total = trainer->table->row_count;
    qn_json_set(object, "total", json_integer((json_int_t)total), failed);
    qn_json_set(object, "train", json_integer((json_int_t)parts->train_count), failed);
    qn_json_set(object, "test", json_integer((json_int_t)parts->test_count), failed);
    qn_json_set(object, "left_out", json_integer((json_int_t)(total - trainer->row_count)), failed);
    return object;
}

static json_t *features_json(const struct qn_prep *prep, bool *failed)
{
    json_t *array = json_array();
    const struct qn_type_override *inputs = qn_prep_inputs(prep);
    for (size_t i = 0; i < qn_prep_input_count(prep); i++) {
        json_t *item = json_object();
        qn_json_set(item, "name", json_string(inputs[i].name), failed);
        qn_json_set(item, "type", json_string(qn_type_name(inputs[i].type)), failed);
        qn_json_add(array, item, failed);
    }
    return array;
}

static json_t *timings_json(const struct qn_trainer *trainer, bool *failed)
{
    json_t *object = json_object();
    qn_json_set(object, "prepare", qn_json_number(trainer->prepare_ms), failed);
    qn_json_set(object, "fit", qn_json_number(trainer->fit_ms), failed);
    qn_json_set(object, "evaluate", qn_json_number(trainer->evaluate_ms), failed);
    return object;
}

static void warn_dropped(struct qn_trainer *trainer)
{
    const struct qn_recipe *recipe = qn__trainer_recipe(trainer);
    for (size_t i = 0; i < recipe->column_count; i++) {
        const struct qn_recipe_column *column = &recipe->columns[i];
        if (column->action_count > 0 && column->actions[0].kind == QN_ACTION_DROP)
            qn__trainer_warn(trainer, "column '%s' is not used: %s", column->name,
                             column->reason ? column->reason : "the recipe drops it");
    }
}

static enum qn_status report_json(struct qn_trainer *trainer, const struct qn_fitted *fitted,
                                  json_t *metrics, json_t *importance, json_t **out,
                                  struct qn_error *err)
{
    bool *failed = &trainer->failed;
    char fingerprint[65], created[QN_TIME_TEXT_SIZE];
    json_t *baseline = NULL;
    enum qn_status status = qn_table_fingerprint(trainer->table, fingerprint, err);
    if (status == QN_OK && trainer->labels)
        status = baseline_json(trainer, &baseline, err);
    if (status != QN_OK)
        return status;
    warn_dropped(trainer);
    qn_time_format(qn_clock_unix_us(), created);
    json_t *object = json_object();
    qn_json_set(object, "features", features_json(fitted->prep, failed), failed);
    qn_json_set(object, "metrics", json_incref(metrics), failed);
    qn_json_set(object, "importance", importance ? json_incref(importance) : json_array(), failed);
    qn_json_set(object, "row_counts", counts_json(trainer, failed), failed);
    qn_json_set(object, "timings_ms", timings_json(trainer, failed), failed);
    qn_json_set(object, "warnings", json_incref(trainer->warnings), failed);
    if (trainer->labels)
        qn_json_set(object, "task_reason", json_string(trainer->labels->reason), failed);
    if (trainer->candidates)
        qn_json_set(object, "candidates", json_incref(trainer->candidates), failed);
    if (baseline)
        qn_json_set(object, "baseline_prediction", baseline, failed);
    json_t *learned =
        trainer->learner->describe(fitted->fitted, qn_prep_feature_names(fitted->prep));
    qn_json_set(object, "learned", learned, failed);
    qn_json_set(object, "data", json_string(trainer->table->name), failed);
    qn_json_set(object, "data_fingerprint", json_string(fingerprint), failed);
    qn_json_set(object, "created_at", json_string(created), failed);
    qn_json_set(object, "quern_version", json_string(QN_VERSION), failed);
    *out = object;
    return QN_OK;
}

static enum qn_status copy_classes(struct qn_model *model, const struct qn_labels *labels,
                                   struct qn_error *err)
{
    model->class_names = QN_CALLOC(char *, labels->class_count);
    if (!model->class_names)
        return qn_fail_nomem(err, "train");
    model->class_count = labels->class_count;
    for (size_t i = 0; i < labels->class_count; i++) {
        model->class_names[i] = qn_strdup(labels->class_names[i]);
        if (!model->class_names[i])
            return qn_fail_nomem(err, "train");
    }
    return QN_OK;
}

static enum qn_status describe_target(struct qn_model *model, const struct qn_trainer *trainer,
                                      struct qn_error *err)
{
    ptrdiff_t at = qn_table_find(trainer->table, trainer->options->target);
    model->target_type = trainer->table->columns[at].type;
    model->target = qn_strdup(trainer->options->target);
    if (!model->target)
        return qn_fail_nomem(err, "train");
    return trainer->labels->class_names ? copy_classes(model, trainer->labels, err) : QN_OK;
}

enum qn_status qn__trainer_model(struct qn_trainer *trainer, struct qn_fitted *fitted,
                                 json_t *metrics, json_t *importance, struct qn_model **out,
                                 struct qn_error *err)
{
    struct qn_model *model = QN_CALLOC(struct qn_model, 1);
    if (!model)
        return qn_fail_nomem(err, "train");
    model->learner = trainer->learner;
    model->task = trainer->labels ? trainer->labels->task : QN_TASK_CLUSTERING;
    model->output_count = qn__trainer_outputs(trainer);
    enum qn_status status = trainer->labels ? describe_target(model, trainer, err) : QN_OK;
    if (status == QN_OK)
        status = report_json(trainer, fitted, metrics, importance, &model->report, err);
    if (status == QN_OK) {
        model->definition = definition_json(trainer);
        if (trainer->failed)
            status = qn_fail_nomem(err, "train");
    }
    if (status != QN_OK) {
        qn_model_free(model);
        return status;
    }
    model->fitted = fitted->fitted;
    model->prep = fitted->prep;
    *fitted = (struct qn_fitted){0};
    *out = model;
    return QN_OK;
}
