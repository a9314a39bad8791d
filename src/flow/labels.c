#include "flow/labels.h"

#include "base/alloc.h"
#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A distinct value of the target while classes are being numbered. */
struct level {
    double value;     /* of columns that are not coded */
    int32_t code;     /* of coded ones */
    const char *text; /* coded: borrowed, not NUL-terminated */
    size_t size;
};

static int compare_levels(const void *left, const void *right)
{
    const struct level *a = left, *b = right;
    if (a->text) {
        size_t shorter = a->size < b->size ? a->size : b->size;
        int order = memcmp(a->text, b->text, shorter);
        if (order != 0)
            return order;
        return (a->size > b->size) - (a->size < b->size);
    }
    return (a->value > b->value) - (a->value < b->value);
}

static double numeric_value(const struct qn_column *column, size_t row)
{
    if (column->type == QN_TYPE_NUMBER)
        return column->values.number[row];
    int64_t value = column->values.integer[row];
    return value == QN_MISSING_INTEGER ? NAN : (double)value;
}

/* Distinct values of a numeric column, sorted, at most limit + 1 of them. */
static enum qn_status numeric_levels(const struct qn_column *column, size_t row_count, size_t limit,
                                     struct level **out, size_t *count_out, struct qn_error *err)
{
    struct level *levels = QN_ALLOC(struct level, limit + 1);
    if (!levels)
        return qn_fail_nomem(err, "target");
    size_t count = 0;
    for (size_t row = 0; row < row_count && count <= limit; row++) {
        struct level level = {.value = numeric_value(column, row) + 0.0}; /* -0 is 0 */
        if (isnan(level.value))
            continue;
        size_t low = 0, high = count;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (levels[middle].value < level.value)
                low = middle + 1;
            else
                high = middle;
        }
        if (low < count && !(levels[low].value > level.value))
            continue;
        memmove(levels + low + 1, levels + low, (count - low) * sizeof(*levels));
        levels[low] = level;
        count++;
    }
    *out = levels;
    *count_out = count;
    return QN_OK;
}

/* The dictionary's texts that occur, sorted. */
static enum qn_status coded_levels(const struct qn_column *column, size_t row_count,
                                   struct level **out, size_t *count_out, struct qn_error *err)
{
    size_t dictionary_count = column->dictionary.count;
    struct level *levels = QN_CALLOC(struct level, dictionary_count);
    if (!levels)
        return qn_fail_nomem(err, "target");
    for (size_t row = 0; row < row_count; row++) {
        int32_t code = column->values.code[row];
        if (code >= 0)
            levels[code].code = 1;
    }
    size_t count = 0;
    for (size_t code = 0; code < dictionary_count; code++) {
        if (levels[code].code == 0)
            continue;
        struct level level = {.code = (int32_t)code};
        level.text = qn_dictionary_text(&column->dictionary, level.code, &level.size);
        levels[count++] = level;
    }
    if (count <= QN_LABELS_CLASS_LIMIT) /* more are refused, in any order */
        qsort(levels, count, sizeof(*levels), compare_levels);
    *out = levels;
    *count_out = count;
    return QN_OK;
}

static char *level_name(const struct qn_column *column, const struct level *level)
{
    if (level->text)
        return qn_strndup(level->text, level->size);
    if (column->type == QN_TYPE_BOOLEAN)
        return qn_strdup(level->value > 0 ? "true" : "false");
    char text[QN_NUMBER_TEXT_SIZE];
    qn_format_double(level->value, text);
    return qn_strdup(text);
}

static struct qn_labels *labels_create(size_t row_count, enum qn_task task)
{
    struct qn_labels *labels = QN_CALLOC(struct qn_labels, 1);
    if (!labels)
        return NULL;
    labels->task = task;
    labels->row_count = row_count;
    if (task == QN_TASK_REGRESSION)
        labels->values = QN_ALLOC(double, row_count);
    else
        labels->classes = QN_ALLOC(int32_t, row_count);
    if (labels->values || labels->classes)
        return labels;
    qn_labels_free(labels);
    return NULL;
}

void qn_labels_free(struct qn_labels *labels)
{
    if (!labels)
        return;
    for (size_t i = 0; labels->class_names && i < labels->class_count; i++)
        qn_free(labels->class_names[i]);
    qn_free(labels->class_names);
    qn_free(labels->classes);
    qn_free(labels->values);
    qn_free(labels->reason);
    qn_free(labels);
}

/* "'NAME' has COUNT different values"; a long name is cut, on a UTF-8 boundary. */
static char *reason_text(const char *name, const char *format, ...) QN_PRINTF(2, 3);
static char *reason_text(const char *name, const char *format, ...)
{
    char rest[128];
    va_list args;
    va_start(args, format);
    vsnprintf(rest, sizeof(rest), format, args);
    va_end(args);
    char text[512];
    size_t size = strlen(name), limit = sizeof(text) - sizeof(rest) - 8;
    size = qn_utf8_check(name, size < limit ? size : limit);
    snprintf(text, sizeof(text), "'%.*s'%s", (int)size, name, rest);
    return qn_strdup(text);
}

static char *regression_reason(const struct qn_column *column, size_t level_count,
                               enum qn_task_choice choice)
{
    if (choice == QN_TASK_REGRESS)
        return reason_text(column->name, " was to be a number");
    if (level_count <= QN_LABELS_INTEGER_CLASSES)
        return reason_text(column->name, " has numbers that are not whole");
    return reason_text(column->name, " is a number with more than %d different values",
                       QN_LABELS_INTEGER_CLASSES);
}

/* The index of the row's class among sorted levels, or -1. */
static int32_t numeric_class(const struct level *levels, size_t count, double value)
{
    struct level key = {.value = value};
    const struct level *found =
        isnan(value) ? NULL : bsearch(&key, levels, count, sizeof(*levels), compare_levels);
    return found ? (int32_t)(found - levels) : -1;
}

/* Without a reason yet. */
static enum qn_status make_regression(const struct qn_column *column, size_t row_count,
                                      struct qn_labels **out, struct qn_error *err)
{
    struct qn_labels *labels = labels_create(row_count, QN_TASK_REGRESSION);
    if (!labels)
        return qn_fail_nomem(err, "target");
    for (size_t row = 0; row < row_count; row++) {
        double value = numeric_value(column, row);
        if (isinf(value)) {
            qn_labels_free(labels);
            return qn_fail(err, QN_INVALID,
                           "target '%s' is infinite in row %zu: remove the row or make it missing",
                           column->name, row + 1);
        }
        labels->values[row] = value;
        labels->missing_count += isnan(value) ? 1 : 0;
    }
    if (labels->missing_count == row_count) {
        qn_labels_free(labels);
        return qn_fail(err, QN_INVALID, "target '%s' has no values", column->name);
    }
    *out = labels;
    return QN_OK;
}

/* Codes of a dictionary to class indices. */
static int32_t *class_of_code(const struct qn_column *column, const struct level *levels,
                              size_t count)
{
    int32_t *map = QN_ALLOC(int32_t, column->dictionary.count);
    for (size_t code = 0; map && code < column->dictionary.count; code++)
        map[code] = -1;
    for (size_t i = 0; map && i < count; i++)
        map[levels[i].code] = (int32_t)i;
    return map;
}

static enum qn_status make_classes(const struct qn_column *column, size_t row_count,
                                   const struct level *levels, size_t count, struct qn_labels **out,
                                   struct qn_error *err)
{
    struct qn_labels *labels =
        labels_create(row_count, count == 2 ? QN_TASK_BINARY : QN_TASK_MULTICLASS);
    int32_t *map = NULL;
    enum qn_status status = QN_NOMEM;
    if (!labels)
        goto done;
    labels->class_names = QN_CALLOC(char *, count);
    if (!labels->class_names)
        goto done;
    labels->class_count = count;
    for (size_t i = 0; i < count; i++) {
        labels->class_names[i] = level_name(column, &levels[i]);
        if (!labels->class_names[i])
            goto done;
    }
    if (qn_type_is_coded(column->type)) {
        map = class_of_code(column, levels, count);
        if (!map)
            goto done;
    }
    for (size_t row = 0; row < row_count; row++) {
        int32_t code = map ? column->values.code[row] : 0;
        int32_t class = map ? (code < 0 ? -1 : map[code])
                            : numeric_class(levels, count, numeric_value(column, row));
        labels->classes[row] = class;
        labels->missing_count += class < 0 ? 1 : 0;
    }
    labels->reason = reason_text(column->name, " has %zu different values", count);
    status = labels->reason ? QN_OK : QN_NOMEM;
done:
    qn_free(map);
    if (status == QN_OK) {
        *out = labels;
        return QN_OK;
    }
    qn_labels_free(labels);
    return qn_fail_nomem(err, "target");
}

static bool all_whole(const struct level *levels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (isinf(levels[i].value) || floor(levels[i].value) < levels[i].value)
            return false;
    }
    return true;
}

static enum qn_status check_class_count(const struct qn_column *column, const struct level *levels,
                                        size_t count, struct qn_error *err)
{
    if (count == 0)
        return qn_fail(err, QN_INVALID, "target '%s' has no values", column->name);
    if (count == 1) {
        char *name = level_name(column, &levels[0]);
        enum qn_status status =
            qn_fail(err, QN_INVALID, "target '%s' is always '%.60s': there is nothing to predict",
                    column->name, name ? name : "?");
        qn_free(name);
        return status;
    }
    if (count > QN_LABELS_CLASS_LIMIT)
        return qn_fail(err, QN_INVALID,
                       "target '%s' has more than %d classes (limit %d): is it an identifier?",
                       column->name, QN_LABELS_CLASS_LIMIT, QN_LABELS_CLASS_LIMIT);
    return QN_OK;
}

enum qn_status qn_labels_make(const struct qn_column *column, size_t row_count,
                              enum qn_task_choice choice, struct qn_labels **out,
                              struct qn_error *err)
{
    bool coded = qn_type_is_coded(column->type);
    if (column->type == QN_TYPE_DATE || column->type == QN_TYPE_DATETIME)
        return qn_fail(err, QN_UNSUPPORTED,
                       "target '%s' is a %s: predict a number or a category made from it",
                       column->name, qn_type_name(column->type));
    if (coded && choice == QN_TASK_REGRESS)
        return qn_fail(err, QN_INVALID,
                       "target '%s' is a %s column, so it cannot be used for regression",
                       column->name, qn_type_name(column->type));
    struct level *levels = NULL;
    size_t count = 0;
    enum qn_status status =
        coded ? coded_levels(column, row_count, &levels, &count, err)
              : numeric_levels(column, row_count, QN_LABELS_CLASS_LIMIT, &levels, &count, err);
    if (status != QN_OK)
        return status;
    bool classes = coded || column->type == QN_TYPE_BOOLEAN || choice == QN_TASK_CLASSIFY;
    if (!classes && choice == QN_TASK_AUTO)
        classes = count <= 2 || (count <= QN_LABELS_INTEGER_CLASSES && all_whole(levels, count));
    if (!classes || choice == QN_TASK_REGRESS) {
        struct qn_labels *labels = NULL;
        status = make_regression(column, row_count, &labels, err);
        if (status == QN_OK) {
            labels->reason = regression_reason(column, count, choice);
            status = labels->reason ? QN_OK : qn_fail_nomem(err, "target");
        }
        if (status == QN_OK)
            *out = labels;
        else
            qn_labels_free(labels);
    } else {
        status = check_class_count(column, levels, count, err);
        if (status == QN_OK)
            status = make_classes(column, row_count, levels, count, out, err);
    }
    qn_free(levels);
    return status;
}

/* The class of a text among "false" and "true", which other data may call no and yes when a third
 * value keeps their column from being boolean; or -1. */
static int32_t boolean_class(const char *text, size_t size)
{
    static const char *const words[] = {"false", "true", "no", "yes", "f", "t", "n", "y", "0", "1"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strlen(words[i]) == size && strncasecmp(words[i], text, size) == 0)
            return (int32_t)(i % 2);
    }
    return -1;
}

/* The known class that the cell names, or -1: texts by equality, numbers by value. */
static int32_t known_class(const struct qn_column *column, size_t row, char *const *class_names,
                           const double *class_values, size_t class_count)
{
    if (class_values) {
        double value = numeric_value(column, row);
        for (size_t i = 0; i < class_count; i++) {
            if (value >= class_values[i] && value <= class_values[i])
                return (int32_t)i;
        }
        return -1;
    }
    size_t size = 0;
    const char *text = qn_dictionary_text(&column->dictionary, column->values.code[row], &size);
    for (size_t i = 0; i < class_count; i++) {
        if (strlen(class_names[i]) == size && memcmp(class_names[i], text, size) == 0)
            return (int32_t)i;
    }
    bool boolean = class_count == 2 && strcmp(class_names[0], "false") == 0 &&
                   strcmp(class_names[1], "true") == 0;
    return boolean ? boolean_class(text, size) : -1;
}

/* Class names as numbers, for a target column that is not coded: NaN for one that is no number. */
static double *names_as_numbers(char *const *class_names, size_t class_count)
{
    double *values = QN_ALLOC(double, class_count);
    for (size_t i = 0; values && i < class_count; i++) {
        if (strcmp(class_names[i], "true") == 0)
            values[i] = 1;
        else if (strcmp(class_names[i], "false") == 0)
            values[i] = 0;
        else if (!qn_parse_double(class_names[i], strlen(class_names[i]), &values[i]))
            values[i] = NAN;
    }
    return values;
}

static enum qn_status match_classes(const struct qn_column *column, struct qn_labels *labels,
                                    char *const *class_names, size_t class_count,
                                    size_t *unknown_out, struct qn_error *err)
{
    bool coded = qn_type_is_coded(column->type);
    double *class_values = coded ? NULL : names_as_numbers(class_names, class_count);
    /* One look-up for each dictionary entry, not for each row. */
    int32_t *known = coded ? QN_ALLOC(int32_t, column->dictionary.count) : NULL;
    if (!class_values && !known)
        return qn_fail_nomem(err, "target");
    for (size_t code = 0; known && code < column->dictionary.count; code++)
        known[code] = -2;
    size_t unknown = 0;
    for (size_t row = 0; row < labels->row_count; row++) {
        labels->classes[row] = -1;
        if (qn_column_is_missing(column, row)) {
            labels->missing_count++;
            continue;
        }
        int32_t *slot = known ? &known[column->values.code[row]] : NULL;
        int32_t class = slot && *slot != -2
                            ? *slot
                            : known_class(column, row, class_names, class_values, class_count);
        if (slot)
            *slot = class;
        labels->classes[row] = class;
        unknown += class < 0 ? 1 : 0;
    }
    *unknown_out = unknown;
    qn_free(known);
    qn_free(class_values);
    return QN_OK;
}

enum qn_status qn_labels_match(const struct qn_column *column, size_t row_count, enum qn_task task,
                               char *const *class_names, size_t class_count, struct qn_labels **out,
                               size_t *unknown_out, struct qn_error *err)
{
    if (task == QN_TASK_REGRESSION) {
        bool date = column->type == QN_TYPE_DATE || column->type == QN_TYPE_DATETIME;
        if (date || qn_type_is_coded(column->type))
            return qn_fail(err, QN_INVALID, "target '%s' must hold numbers, but is %s",
                           column->name, qn_type_name(column->type));
        enum qn_status status = make_regression(column, row_count, out, err);
        if (status == QN_OK)
            *unknown_out = 0;
        return status;
    }
    struct qn_labels *labels = labels_create(row_count, task);
    if (!labels)
        return qn_fail_nomem(err, "target");
    enum qn_status status =
        match_classes(column, labels, class_names, class_count, unknown_out, err);
    if (status != QN_OK) {
        qn_labels_free(labels);
        return status;
    }
    labels->class_count = class_count; /* the names stay the model's */
    *out = labels;
    return QN_OK;
}

enum qn_status qn_labels_gather(const struct qn_labels *labels, const double *weights,
                                const size_t *rows, size_t count, struct qn_label_rows *out,
                                struct qn_error *err)
{
    struct qn_label_rows result = {0};
    bool regression = labels->task == QN_TASK_REGRESSION;
    if (regression)
        result.values = QN_ALLOC(double, count);
    else
        result.classes = QN_ALLOC(int32_t, count);
    if (weights)
        result.weights = QN_ALLOC(double, count);
    if ((!result.values && !result.classes) || (weights && !result.weights)) {
        qn_label_rows_release(&result);
        return qn_fail_nomem(err, "target");
    }
    for (size_t i = 0; i < count; i++) {
        if (regression)
            result.values[i] = labels->values[rows[i]];
        else
            result.classes[i] = labels->classes[rows[i]];
        if (weights)
            result.weights[i] = weights[rows[i]];
    }
    result.target = (struct qn_target){.task = labels->task,
                                       .row_count = count,
                                       .class_count = regression ? 0 : labels->class_count,
                                       .classes = result.classes,
                                       .values = result.values,
                                       .weights = result.weights};
    *out = result;
    return QN_OK;
}

void qn_label_rows_release(struct qn_label_rows *rows)
{
    qn_free(rows->classes);
    qn_free(rows->values);
    qn_free(rows->weights);
    *rows = (struct qn_label_rows){0};
}
