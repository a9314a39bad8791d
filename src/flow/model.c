#include "flow/model.h"

#include "base/alloc.h"
#include "flow/flow_internal.h"
#include "learn/model_file.h"

#include <math.h>
#include <string.h>

void qn_model_free(struct qn_model *model)
{
    if (!model)
        return;
    if (model->fitted)
        model->learner->free(model->fitted);
    qn_prep_free(model->prep);
    qn_free(model->target);
    for (size_t i = 0; model->class_names && i < model->class_count; i++)
        qn_free(model->class_names[i]);
    qn_free(model->class_names);
    json_decref(model->definition);
    json_decref(model->report);
    qn_free(model);
}

static enum qn_status section_json(const json_t *value, char **out, struct qn_error *err)
{
    *out = qn_json_text(value, 0);
    return *out ? QN_OK : qn_fail_nomem(err, "model");
}

enum qn_status qn_model_save(struct qn_model *model, const char *path, struct qn_error *err)
{
    struct qn_buffer prep, fitted;
    qn_buffer_init(&prep, QN_MODEL_FILE_MAXIMUM);
    qn_buffer_init(&fitted, QN_MODEL_FILE_MAXIMUM);
    char *definition = NULL, *report = NULL;

    qn_prep_write(model->prep, &prep);
    model->learner->write(model->fitted, &fitted);
    enum qn_status status = qn_buffer_check(&prep, "model", err);
    if (status == QN_OK)
        status = qn_buffer_check(&fitted, "model", err);
    if (status == QN_OK)
        status = section_json(model->definition, &definition, err);
    if (status == QN_OK)
        status = section_json(model->report, &report, err);
    if (status != QN_OK)
        goto done;
    const struct qn_section sections[] = {
        {"definition", definition, strlen(definition), true},
        {"recipe", prep.bytes, prep.size, true},
        {"learner", fitted.bytes, fitted.size, true},
        {"report", report, strlen(report), false},
    };
    status = qn_model_file_write(path, sections, sizeof(sections) / sizeof(*sections), err);
    if (status != QN_OK)
        goto done;
    qn_model_file_hash(sections, sizeof(sections) / sizeof(*sections), model->content_hash);
done:
    qn_buffer_release(&prep);
    qn_buffer_release(&fitted);
    qn_free(definition);
    qn_free(report);
    return status;
}

static enum qn_status corrupt(const char *name, const char *what, struct qn_error *err)
{
    return qn_fail(err, QN_CORRUPT, "%s: the model's %s is damaged", name, what);
}

static enum qn_status load_json(const struct qn_model_file *file, const char *section,
                                const char *name, json_t **out, struct qn_error *err)
{
    const struct qn_section *found = qn_model_file_find(file, section);
    if (!found)
        return corrupt(name, section, err);
    struct qn_error inner = QN_ERROR_INIT;
    if (qn_json_parse(found->bytes, found->size, section, out, &inner) != QN_OK)
        return inner.status == QN_NOMEM ? qn_fail_nomem(err, "model") : corrupt(name, section, err);
    return json_is_object(*out) ? QN_OK : corrupt(name, section, err);
}

static bool task_parse(const char *text, enum qn_task *out)
{
    for (int task = QN_TASK_BINARY; task <= QN_TASK_CLUSTERING; task++) {
        if (strcmp(text, qn_task_name((enum qn_task)task)) == 0) {
            *out = (enum qn_task)task;
            return true;
        }
    }
    return false;
}

/* Codes of predictions are places among the class names, so no two may be the same text. */
static enum qn_status check_classes(const struct qn_model *model, const char *name,
                                    struct qn_error *err)
{
    struct qn_lookup *seen = NULL;
    enum qn_status status = qn_lookup_create(&seen, err);
    for (size_t i = 0; status == QN_OK && i < model->class_count; i++) {
        int32_t code = 0;
        status =
            qn_lookup_add(seen, model->class_names[i], strlen(model->class_names[i]), &code, err);
    }
    if (status == QN_OK && qn_lookup_count(seen) != model->class_count)
        status = corrupt(name, "classes", err);
    qn_lookup_free(seen);
    return status;
}

static enum qn_status load_classes(struct qn_model *model, const char *name, struct qn_error *err)
{
    const json_t *classes = json_object_get(model->definition, "classes");
    size_t count = json_array_size(classes);
    if (!qn_task_is_classification(model->task))
        return count == 0 ? QN_OK : corrupt(name, "classes", err);
    if (count < 2 || (model->task == QN_TASK_BINARY) != (count == 2))
        return corrupt(name, "classes", err);
    model->class_names = QN_CALLOC(char *, count);
    if (!model->class_names)
        return qn_fail_nomem(err, "model");
    model->class_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(classes, i));
        if (!text)
            return corrupt(name, "classes", err);
        model->class_names[i] = qn_strdup(text);
        if (!model->class_names[i])
            return qn_fail_nomem(err, "model");
    }
    return check_classes(model, name, err);
}

static enum qn_status load_definition(struct qn_model *model, const char *name,
                                      struct qn_error *err)
{
    const char *task = json_string_value(json_object_get(model->definition, "task"));
    const char *algorithm = json_string_value(json_object_get(model->definition, "algorithm"));
    if (!task || !algorithm || !task_parse(task, &model->task))
        return corrupt(name, "definition", err);
    model->learner = qn_learner_find(algorithm);
    if (!model->learner)
        return qn_fail(err, QN_UNSUPPORTED,
                       "%s: made by algorithm '%.60s', which this version does not have", name,
                       algorithm);
    if ((model->learner->tasks & (1u << model->task)) == 0)
        return corrupt(name, "definition", err);
    if (model->task != QN_TASK_CLUSTERING) {
        const char *target = json_string_value(json_object_get(model->definition, "target"));
        const char *type = json_string_value(json_object_get(model->definition, "target_type"));
        if (!target || !type || !qn_type_parse(type, &model->target_type))
            return corrupt(name, "definition", err);
        model->target = qn_strdup(target);
        if (!model->target)
            return qn_fail_nomem(err, "model");
    }
    return load_classes(model, name, err);
}

static enum qn_status load_sections(struct qn_model *model, const struct qn_model_file *file,
                                    const char *name, struct qn_error *err)
{
    const struct qn_section *recipe = qn_model_file_find(file, "recipe");
    const struct qn_section *learner = qn_model_file_find(file, "learner");
    if (!recipe || !learner)
        return corrupt(name, recipe ? "learner" : "recipe", err);
    struct qn_reader reader;
    qn_reader_init(&reader, recipe->bytes, recipe->size);
    enum qn_status status = qn_prep_read(&reader, &model->prep, err);
    if (status != QN_OK)
        return qn_fail_within(err, "%s", name);
    if (qn_reader_left(&reader) > 0)
        return corrupt(name, "recipe", err);
    qn_reader_init(&reader, learner->bytes, learner->size);
    status = model->learner->read(&reader, &model->fitted, err);
    if (status != QN_OK)
        return qn_fail_within(err, "%s", name);
    if (qn_reader_left(&reader) > 0)
        return corrupt(name, "learner", err);
    model->output_count = model->learner->output_count(model->fitted);
    size_t expected = model->class_count > 0 ? model->class_count : 1;
    if (model->output_count != expected ||
        model->learner->feature_count(model->fitted) != qn_prep_feature_count(model->prep))
        return corrupt(name, "definition", err);
    return QN_OK;
}

static enum qn_status model_from_file(const struct qn_model_file *file, const char *name,
                                      struct qn_model **out, struct qn_error *err)
{
    struct qn_model *model = QN_CALLOC(struct qn_model, 1);
    if (!model)
        return qn_fail_nomem(err, "model");
    enum qn_status status = load_json(file, "definition", name, &model->definition, err);
    if (status == QN_OK)
        status = load_json(file, "report", name, &model->report, err);
    if (status == QN_OK)
        status = load_definition(model, name, err);
    if (status == QN_OK)
        status = load_sections(model, file, name, err);
    if (status != QN_OK) {
        qn_model_free(model);
        return status;
    }
    memcpy(model->content_hash, file->content_hash, sizeof(model->content_hash));
    *out = model;
    return QN_OK;
}

enum qn_status qn_model_load(const char *path, struct qn_model **out, struct qn_error *err)
{
    struct qn_model_file file;
    enum qn_status status = qn_model_file_read(path, &file, err);
    if (status != QN_OK)
        return status;
    status = model_from_file(&file, path, out, err);
    qn_model_file_release(&file);
    return status;
}

enum qn_status qn_model_parse(char *bytes, size_t size, const char *name, struct qn_model **out,
                              struct qn_error *err)
{
    /* The container's bytes must outlive a failure, when they stay the caller's. */
    char *copy = qn_alloc(size, 1);
    if (!copy)
        return qn_fail_nomem(err, name);
    memcpy(copy, bytes, size);
    struct qn_model_file file;
    enum qn_status status = qn_model_file_parse(copy, size, name, &file, err);
    if (status != QN_OK) {
        qn_free(copy);
        return status;
    }
    status = model_from_file(&file, name, out, err);
    qn_model_file_release(&file);
    if (status == QN_OK)
        qn_free(bytes);
    return status;
}

/* The model's input columns, and its target, as types to read by. Names are borrowed. */
static struct qn_type_override *
model_overrides(const struct qn_model *model, const struct qn_read_options *base, size_t *count_out)
{
    size_t input_count = qn_prep_input_count(model->prep);
    size_t base_count = base ? base->override_count : 0;
    struct qn_type_override *overrides =
        QN_CALLOC(struct qn_type_override, input_count + base_count + 1);
    if (!overrides)
        return NULL;
    const struct qn_type_override *inputs = qn_prep_inputs(model->prep);
    size_t count = 0;
    for (size_t i = 0; i < input_count; i++)
        overrides[count++] = inputs[i];
    for (size_t i = 0; i < base_count; i++)
        overrides[count++] = base->overrides[i];
    if (model->target && qn_type_is_coded(model->target_type))
        overrides[count++] =
            (struct qn_type_override){.name = model->target, .type = model->target_type};
    *count_out = count;
    return overrides;
}

enum qn_status qn_model_read_data(const struct qn_model *model, const char *path,
                                  const struct qn_read_options *base, struct qn_table **out,
                                  struct qn_error *err)
{
    struct qn_read_options options;
    if (base)
        options = *base;
    else
        qn_read_options_default(&options);
    size_t count = 0;
    struct qn_type_override *overrides = model_overrides(model, base, &count);
    if (!overrides)
        return qn_fail_nomem(err, path);
    options.overrides = overrides;
    options.override_count = count;
    options.allow_unknown = true;
    enum qn_status status = qn_table_read(path, &options, out, err);
    qn_free(overrides);
    return status;
}

enum qn_status qn_model_predict(const struct qn_model *model, const struct qn_table *table,
                                const size_t *rows, size_t row_count, struct qn_pool *pool,
                                double **out, struct qn_prep_report *report, struct qn_error *err)
{
    struct qn_matrix *matrix = NULL;
    double *outputs = NULL;
    enum qn_status status =
        qn_prep_apply(model->prep, table, rows, row_count, pool, &matrix, report, err);
    if (status != QN_OK)
        return status;
    outputs = QN_ALLOC(double, matrix->features.row_count * model->output_count);
    if (!outputs)
        status = qn_fail_nomem(err, "predictions");
    else
        status = model->learner->predict(model->fitted, &matrix->features, pool, outputs, err);
    qn_matrix_free(matrix);
    if (status != QN_OK) {
        qn_free(outputs);
        return status;
    }
    *out = outputs;
    return QN_OK;
}

size_t qn__arg_max(const double *values, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        if (values[i] > values[best])
            best = i;
    }
    return best;
}

/* Rows of the table with a known target; the caller frees. */
static size_t *labelled_rows(const struct qn_labels *labels, size_t *count_out)
{
    size_t *rows = QN_ALLOC(size_t, labels->row_count);
    size_t count = 0;
    for (size_t row = 0; rows && row < labels->row_count; row++) {
        bool known = labels->classes ? labels->classes[row] >= 0 : !isnan(labels->values[row]);
        if (known)
            rows[count++] = row;
    }
    *count_out = count;
    return rows;
}

static enum qn_status baseline_metrics(const struct qn_model *model, const struct qn_target *target,
                                       struct qn_metrics **out, struct qn_error *err)
{
    double *outputs = QN_ALLOC(double, target->row_count * model->output_count);
    if (!outputs)
        return qn_fail_nomem(err, "metrics");
    enum qn_status status = qn__baseline_from_report(model, target->row_count, outputs, err);
    if (status == QN_OK)
        status = qn_metrics_compute(target, outputs, out, err);
    qn_free(outputs);
    return status;
}

enum qn_status qn_model_evaluate(const struct qn_model *model, const struct qn_table *table,
                                 const char *target, struct qn_pool *pool, struct qn_metrics **out,
                                 struct qn_metrics **baseline_out, size_t *unknown_out,
                                 struct qn_error *err)
{
    if (model->task == QN_TASK_CLUSTERING)
        return qn_fail(err, QN_UNSUPPORTED, "a clustering has no target to evaluate against");
    struct qn_labels *labels = NULL;
    struct qn_label_rows gathered = {0};
    struct qn_metrics *metrics = NULL;
    size_t *rows = NULL, count = 0, at = 0, unknown = 0;
    double *outputs = NULL;
    enum qn_status status = qn_table_require(table, target ? target : model->target, &at, err);
    if (status != QN_OK)
        return status;
    status = qn_labels_match(&table->columns[at], table->row_count, model->task, model->class_names,
                             model->class_count, &labels, &unknown, err);
    if (status != QN_OK)
        return status;
    rows = labelled_rows(labels, &count);
    if (!rows) {
        status = qn_fail_nomem(err, "evaluate");
        goto done;
    }
    if (count == 0) {
        status = qn_fail(err, QN_INVALID, "%s: no row has a known value of '%s'", table->name,
                         table->columns[at].name);
        goto done;
    }
    status = qn_labels_gather(labels, NULL, rows, count, &gathered, err);
    if (status != QN_OK)
        goto done;
    status = qn_model_predict(model, table, rows, count, pool, &outputs, NULL, err);
    if (status != QN_OK)
        goto done;
    status = qn_metrics_compute(&gathered.target, outputs, &metrics, err);
    if (status != QN_OK)
        goto done;
    status = baseline_metrics(model, &gathered.target, baseline_out, err);
    if (status != QN_OK)
        goto done;
    *out = metrics;
    metrics = NULL;
    *unknown_out = table->row_count - count;
done:
    qn_metrics_free(metrics);
    qn_free(outputs);
    qn_free(rows);
    qn_label_rows_release(&gathered);
    qn_labels_free(labels);
    return status;
}
