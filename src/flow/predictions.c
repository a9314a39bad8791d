#include "flow/flow_internal.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

static bool is_input(const struct qn_model *model, const char *name)
{
    const struct qn_type_override *inputs = qn_prep_inputs(model->prep);
    for (size_t i = 0; i < qn_prep_input_count(model->prep); i++) {
        if (strcmp(inputs[i].name, name) == 0)
            return true;
    }
    return false;
}

static enum qn_status keep_columns(const struct qn_model *model, const struct qn_table *table,
                                   const char *const *keep, size_t keep_count, struct qn_table *out,
                                   struct qn_error *err)
{
    bool all = keep_count == 1 && strcmp(keep[0], "all") == 0;
    if (keep && !all) {
        for (size_t i = 0; i < keep_count; i++) {
            size_t at = 0;
            enum qn_status status = qn_table_require(table, keep[i], &at, err);
            if (status == QN_OK)
                status = qn_table_copy_column(table, at, out, err);
            if (status != QN_OK)
                return status;
        }
        return QN_OK;
    }
    for (size_t at = 0; at < table->column_count; at++) {
        const char *name = table->columns[at].name;
        bool target = model->target && strcmp(name, model->target) == 0;
        if (!all && (target || is_input(model, name)))
            continue;
        enum qn_status status = qn_table_copy_column(table, at, out, err);
        if (status != QN_OK)
            return status;
    }
    return QN_OK;
}

/* A name that the table does not have yet: NAME, NAME_2 ... */
static enum qn_status add_column(struct qn_table *table, const char *name, enum qn_type type,
                                 struct qn_column **out, struct qn_error *err)
{
    if (qn_table_find(table, name) < 0)
        return qn_table_add(table, name, type, out, err);
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, 1 << 20);
    enum qn_status status = QN_OK;
    for (unsigned k = 2; status == QN_OK; k++) {
        qn_buffer_clear(&buffer);
        qn_buffer_format(&buffer, "%s_%u", name, k);
        status = qn_buffer_check(&buffer, "predictions", err);
        if (status == QN_OK && qn_table_find(table, buffer.bytes) < 0) {
            status = qn_table_add(table, buffer.bytes, type, out, err);
            break;
        }
    }
    qn_buffer_release(&buffer);
    return status;
}

/* The predicted class of each row, as codes into the class names. */
static enum qn_status add_classes(const struct qn_model *model, const double *outputs,
                                  struct qn_table *table, struct qn_error *err)
{
    struct qn_column *column = NULL;
    struct qn_lookup *lookup = NULL;
    enum qn_status status = add_column(table, "prediction", QN_TYPE_CATEGORY, &column, err);
    if (status == QN_OK)
        status = qn_lookup_create(&lookup, err);
    for (size_t k = 0; status == QN_OK && k < model->class_count; k++) {
        int32_t code = 0;
        status =
            qn_lookup_add(lookup, model->class_names[k], strlen(model->class_names[k]), &code, err);
    }
    if (status == QN_OK)
        status = qn_lookup_take(lookup, &column->dictionary, err);
    qn_lookup_free(lookup);
    for (size_t row = 0; status == QN_OK && row < table->row_count; row++)
        column->values.code[row] =
            (int32_t)qn__arg_max(outputs + row * model->class_count, model->class_count);
    return status;
}

static enum qn_status add_probabilities(const struct qn_model *model, const double *outputs,
                                        struct qn_table *table, struct qn_error *err)
{
    struct qn_buffer name;
    qn_buffer_init(&name, (size_t)1 << 26);
    enum qn_status status = QN_OK;
    for (size_t k = 0; status == QN_OK && k < model->class_count; k++) {
        struct qn_column *column = NULL;
        qn_buffer_clear(&name);
        qn_buffer_format(&name, "probability_%s", model->class_names[k]);
        status = qn_buffer_check(&name, "predictions", err);
        if (status == QN_OK)
            status = add_column(table, name.bytes, QN_TYPE_NUMBER, &column, err);
        for (size_t row = 0; status == QN_OK && row < table->row_count; row++)
            column->values.number[row] = outputs[row * model->class_count + k];
    }
    qn_buffer_release(&name);
    return status;
}

static enum qn_status add_values(const struct qn_model *model, const double *outputs,
                                 struct qn_table *table, struct qn_error *err)
{
    struct qn_column *column = NULL;
    bool clusters = model->task == QN_TASK_CLUSTERING;
    enum qn_status status = add_column(table, clusters ? "cluster" : "prediction",
                                       clusters ? QN_TYPE_INTEGER : QN_TYPE_NUMBER, &column, err);
    for (size_t row = 0; status == QN_OK && row < table->row_count; row++) {
        if (clusters)
            column->values.integer[row] = (int64_t)outputs[row];
        else
            column->values.number[row] = outputs[row];
    }
    return status;
}

enum qn_status qn_model_predictions(const struct qn_model *model, const struct qn_table *table,
                                    const char *const *keep, size_t keep_count,
                                    const double *outputs, struct qn_table **out,
                                    struct qn_error *err)
{
    struct qn_table *result = NULL;
    enum qn_status status = qn_table_create(table->name, table->row_count, &result, err);
    if (status == QN_OK)
        status = keep_columns(model, table, keep, keep_count, result, err);
    if (status == QN_OK && model->class_count > 0) {
        status = add_classes(model, outputs, result, err);
        if (status == QN_OK)
            status = add_probabilities(model, outputs, result, err);
    } else if (status == QN_OK) {
        status = add_values(model, outputs, result, err);
    }
    if (status != QN_OK) {
        qn_table_free(result);
        return status;
    }
    *out = result;
    return QN_OK;
}
