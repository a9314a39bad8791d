/* Prepared rows as a table, and what was learned in words. */
#include "prep/prep_internal.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

#define QN_DAY_US 86400e6

/* The type of a feature as a column: what it came as, where no action changed it. */
static enum qn_type feature_type(const struct qn__column *column, size_t j)
{
    bool indicator = j == column->main_count;
    if (indicator || column->step_count > 0)
        return indicator             ? QN_TYPE_BOOLEAN
               : column->categorical ? column->recipe->type
                                     : QN_TYPE_NUMBER;
    return column->recipe->type;
}

static enum qn_status copy_levels(const struct qn__column *column, const struct qn_feature *feature,
                                  size_t row_count, struct qn_column *out, struct qn_error *err)
{
    size_t count = column->levels.count;
    uint64_t *offsets = QN_ALLOC(uint64_t, count + 1);
    char *bytes = QN_ALLOC(char, column->levels.offsets[count] + 1);
    if (!offsets || !bytes) {
        qn_free(offsets);
        qn_free(bytes);
        return qn_fail_nomem(err, "prepare");
    }
    memcpy(offsets, column->levels.offsets, (count + 1) * sizeof(*offsets));
    memcpy(bytes, column->levels.bytes, column->levels.offsets[count]);
    out->dictionary = (struct qn_dictionary){count, offsets, bytes};
    for (size_t i = 0; i < row_count; i++) {
        int32_t level = feature->levels[i];
        out->values.code[i] = level >= 0 ? level : QN_MISSING_CODE;
        out->missing_count += level < 0;
    }
    return QN_OK;
}

static void copy_numbers(const struct qn_feature *feature, size_t row_count, struct qn_column *out)
{
    bool is_number = out->type == QN_TYPE_NUMBER;
    double unit = out->type == QN_TYPE_DATETIME ? QN_DAY_US : 1;
    for (size_t i = 0; i < row_count; i++) {
        double value = feature->values[i];
        out->missing_count += isnan(value) ? 1 : 0;
        if (is_number)
            out->values.number[i] = value;
        else if (fabs(value * unit) < 0x1p63)
            out->values.integer[i] = (int64_t)floor(value * unit + 0.5);
        else
            out->values.integer[i] = QN_MISSING_INTEGER;
    }
}

/* An integer or a boolean column may have been read as numbers: then they stay numbers. */
static bool all_whole(const struct qn_feature *feature, size_t row_count, bool boolean)
{
    for (size_t i = 0; i < row_count; i++) {
        double value = feature->values[i];
        if (isnan(value))
            continue;
        if (floor(value) != value || fabs(value) > 0x1p53 || (boolean && value != 0 && value != 1))
            return false;
    }
    return true;
}

enum qn_status qn_prep_table(const struct qn_prep *prep, const struct qn_matrix *matrix,
                             const char *name, struct qn_table **out, struct qn_error *err)
{
    const struct qn_features *features = &matrix->features;
    struct qn_table *table = NULL;
    enum qn_status status = qn_table_create(name, features->row_count, &table, err);
    for (size_t f = 0; status == QN_OK && f < features->feature_count; f++) {
        const struct qn_feature *feature = &features->columns[f];
        const struct qn__column *column = &prep->columns[matrix->source[f]];
        enum qn_type type = feature_type(column, f - column->first);
        if ((type == QN_TYPE_INTEGER || type == QN_TYPE_BOOLEAN) &&
            !all_whole(feature, features->row_count, type == QN_TYPE_BOOLEAN))
            type = QN_TYPE_NUMBER;
        struct qn_column *made = NULL;
        status = qn_table_add(table, feature->name, type, &made, err);
        if (status != QN_OK)
            break;
        if (feature->kind == QN_FEATURE_CATEGORICAL)
            status = copy_levels(column, feature, features->row_count, made, err);
        else
            copy_numbers(feature, features->row_count, made);
    }
    if (status != QN_OK) {
        qn_table_free(table);
        return status;
    }
    *out = table;
    return QN_OK;
}

/* ---- Description ---- */

enum { QN_DESCRIBED_LEVELS = 50, QN_DESCRIBED_NUMBERS = 16 };

static json_t *numbers_json(const double *numbers, size_t count, bool *failed)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count && i < QN_DESCRIBED_NUMBERS; i++)
        qn_json_add(array, qn_json_number(numbers[i]), failed);
    return array;
}

static json_t *step_json(const struct qn__step *step, bool *failed)
{
    json_t *object = json_deep_copy(step->action->options);
    qn_json_set(object, "features", json_integer((json_int_t)step->output_count), failed);
    const double *numbers = step->numbers;
    bool single = step->output_count == 1;
    switch (step->action->kind) {
    case QN_ACTION_IMPUTE:
        if (step->number_count > 0)
            qn_json_set(object, "fill",
                        single ? qn_json_number(numbers[0])
                               : numbers_json(numbers, step->number_count, failed),
                        failed);
        break;
    case QN_ACTION_CLIP:
    case QN_ACTION_SCALE:
        if (single) {
            bool clip = step->action->kind == QN_ACTION_CLIP;
            qn_json_set(object, clip ? "low" : "centre", qn_json_number(numbers[0]), failed);
            qn_json_set(object, clip ? "high" : "width", qn_json_number(numbers[1]), failed);
        }
        break;
    case QN_ACTION_POWER:
        if (single && step->number_count > 0)
            qn_json_set(object, "lambda", qn_json_number(numbers[0]), failed);
        break;
    case QN_ACTION_TARGET:
        if (single) {
            size_t level_count = step->number_count - 2;
            qn_json_set(object, "encodings", numbers_json(numbers, level_count, failed), failed);
            qn_json_set(object, "mean", qn_json_number(numbers[level_count + 1]), failed);
        }
        break;
    default:
        break;
    }
    return object;
}

static json_t *levels_json(const struct qn__column *column, bool *failed)
{
    json_t *array = json_array();
    for (size_t c = 0; c < column->levels.count && c < QN_DESCRIBED_LEVELS; c++) {
        size_t size = 0;
        const char *text = qn_dictionary_text(&column->levels, (int32_t)c, &size);
        json_t *item = json_object();
        qn_json_set(item, "level", json_stringn(text, size), failed);
        qn_json_set(item, "rows", json_integer((json_int_t)column->level_rows[c]), failed);
        qn_json_add(array, item, failed);
    }
    return array;
}

static json_t *column_json(const struct qn_prep *prep, const struct qn__column *column,
                           bool *failed)
{
    json_t *object = json_object();
    qn_json_set(object, "name", json_string(column->recipe->name), failed);
    qn_json_set(object, "type", json_string(qn_type_name(column->recipe->type)), failed);
    if (column->recipe->reason)
        qn_json_set(object, "reason", json_string(column->recipe->reason), failed);
    qn_json_set(object, "missing", json_integer((json_int_t)column->missing_rows), failed);
    if (column->has_levels) {
        qn_json_set(object, "level_count", json_integer((json_int_t)column->levels.count), failed);
        qn_json_set(object, "levels", levels_json(column, failed), failed);
    }
    json_t *steps = json_array();
    for (size_t s = 0; s < column->step_count; s++)
        qn_json_add(steps, step_json(&column->steps[s], failed), failed);
    qn_json_set(object, "actions", steps, failed);
    json_t *names = json_array();
    for (size_t j = 0; j < qn__column_features(column); j++)
        qn_json_add(names, json_string(prep->names[column->first + j]), failed);
    qn_json_set(object, "features", names, failed);
    return object;
}

json_t *qn_prep_describe(const struct qn_prep *prep)
{
    bool failed = false;
    json_t *object = json_object();
    json_t *columns = json_array();
    for (size_t i = 0; i < prep->column_count; i++)
        qn_json_add(columns, column_json(prep, &prep->columns[i], &failed), &failed);
    qn_json_set(object, "columns", columns, &failed);
    qn_json_set(object, "feature_count", json_integer((json_int_t)prep->feature_count), &failed);
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}
