#include "learn/parameters.h"

#include "base/alloc.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { QN_ALLOWED_SIZE = 160, QN_NAMES_LIMIT = 64 };

/* A double holds every whole number below. */
#define QN_WHOLE_LIMIT 9007199254740992.0

static size_t table_size(const struct qn_parameter_table *table)
{
    size_t count = 0;
    while (table->parameters[count].name)
        count++;
    return count;
}

static const struct qn_parameter *find(const struct qn_parameter_table *table, const char *name)
{
    for (const struct qn_parameter *at = table->parameters; at->name; at++) {
        if (strcmp(at->name, name) == 0)
            return at;
    }
    return NULL;
}

/* Adds formatted text at the end of a fixed one; what does not fit is cut. */
QN_PRINTF(3, 4)
static void append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

/* The fields of an options struct, as numbers: integers are exact below 2^53, which every
 * range is within. */
static double load(const struct qn_parameter *parameter, const void *options)
{
    const char *field = (const char *)options + parameter->offset;
    if (parameter->kind == QN_PARAMETER_NUMBER) {
        double number;
        memcpy(&number, field, sizeof(number));
        return number;
    }
    if (parameter->kind == QN_PARAMETER_BOOLEAN) {
        bool flag;
        memcpy(&flag, field, sizeof(flag));
        return flag ? 1.0 : 0.0;
    }
    int64_t whole;
    memcpy(&whole, field, sizeof(whole));
    return (double)whole;
}

static void store(const struct qn_parameter *parameter, void *options, double value)
{
    char *field = (char *)options + parameter->offset;
    if (parameter->kind == QN_PARAMETER_NUMBER) {
        memcpy(field, &value, sizeof(value));
    } else if (parameter->kind == QN_PARAMETER_BOOLEAN) {
        bool flag = value != 0.0;
        memcpy(field, &flag, sizeof(flag));
    } else {
        assert(fabs(value) < QN_WHOLE_LIMIT);
        int64_t whole = (int64_t)value;
        memcpy(field, &whole, sizeof(whole));
    }
}

static const struct qn_parameter_name *name_of_value(const struct qn_parameter *parameter,
                                                     double value)
{
    for (const struct qn_parameter_name *at = parameter->names; at && at->name; at++) {
        if (at->value == value)
            return at;
    }
    return NULL;
}

static const struct qn_parameter_name *name_of_text(const struct qn_parameter *parameter,
                                                    const char *text)
{
    for (const struct qn_parameter_name *at = parameter->names; at && at->name; at++) {
        if (strcmp(at->name, text) == 0)
            return at;
    }
    return NULL;
}

static bool in_range(const struct qn_parameter *parameter, double value)
{
    if (!isfinite(value) || name_of_value(parameter, value))
        return isfinite(value);
    if (parameter->kind == QN_PARAMETER_CHOICE)
        return false;
    if (parameter->kind == QN_PARAMETER_BOOLEAN)
        return value == 0.0 || value == 1.0;
    if (parameter->kind == QN_PARAMETER_INTEGER && fabs(value) >= QN_WHOLE_LIMIT)
        return false;
    bool low = parameter->minimum_open ? value > parameter->minimum : value >= parameter->minimum;
    bool high = parameter->maximum_open ? value < parameter->maximum : value <= parameter->maximum;
    return low && high;
}

static const char *kind_name(const struct qn_parameter *parameter)
{
    switch (parameter->kind) {
    case QN_PARAMETER_INTEGER:
        return "a whole number";
    case QN_PARAMETER_NUMBER:
        return "a number";
    case QN_PARAMETER_BOOLEAN:
        return "true or false";
    case QN_PARAMETER_CHOICE:
        return "a known word";
    }
    return "a value";
}

static void describe_range(const struct qn_parameter *parameter, char *text, size_t size)
{
    char low[QN_NUMBER_TEXT_SIZE], high[QN_NUMBER_TEXT_SIZE];
    double end = parameter->kind == QN_PARAMETER_INTEGER ? QN_WHOLE_LIMIT : INFINITY;
    bool has_low = parameter->minimum > -end;
    bool has_high = parameter->maximum < end;
    qn_format_double(parameter->minimum, low);
    qn_format_double(parameter->maximum, high);
    if (!has_low && !has_high)
        append(text, size, "any %s", kind_name(parameter) + 2);
    else if (!has_high)
        append(text, size, parameter->minimum_open ? "above %s" : "%s or more", low);
    else if (!has_low)
        append(text, size, parameter->maximum_open ? "below %s" : "%s or less", high);
    else if (!parameter->minimum_open && !parameter->maximum_open)
        append(text, size, "%s to %s", low, high);
    else
        append(text, size, "%s %s and %s %s", parameter->minimum_open ? "above" : "at least", low,
               parameter->maximum_open ? "below" : "at most", high);
}

/* "1 or more, or 'none'". */
static void describe_allowed(const struct qn_parameter *parameter, char text[QN_ALLOWED_SIZE])
{
    text[0] = '\0';
    if (parameter->kind == QN_PARAMETER_BOOLEAN) {
        append(text, QN_ALLOWED_SIZE, "true or false");
        return;
    }
    if (parameter->kind != QN_PARAMETER_CHOICE)
        describe_range(parameter, text, QN_ALLOWED_SIZE);
    for (const struct qn_parameter_name *at = parameter->names; at && at->name; at++) {
        bool last = !at[1].name;
        const char *before = text[0] == '\0' ? "" : last ? " or " : ", ";
        if (parameter->kind != QN_PARAMETER_CHOICE && last)
            before = ", or ";
        append(text, QN_ALLOWED_SIZE, "%s'%s'", before, at->name);
    }
}

static enum qn_status fail_kind(const struct qn_parameter *parameter, const char *value,
                                struct qn_error *err)
{
    char allowed[QN_ALLOWED_SIZE];
    describe_allowed(parameter, allowed);
    /* "'x' is not true or false; allowed: true or false" would say it twice. */
    if (parameter->kind == QN_PARAMETER_BOOLEAN || parameter->kind == QN_PARAMETER_CHOICE)
        return qn_fail(err, QN_INVALID, "%s: '%.60s' is not allowed; allowed: %s", parameter->name,
                       value, allowed);
    return qn_fail(err, QN_INVALID, "%s: '%.60s' is not %s; allowed: %s", parameter->name, value,
                   kind_name(parameter), allowed);
}

static enum qn_status fail_range(const struct qn_parameter *parameter, double value,
                                 struct qn_error *err)
{
    char allowed[QN_ALLOWED_SIZE], number[QN_NUMBER_TEXT_SIZE];
    describe_allowed(parameter, allowed);
    qn_format_double(value, number);
    return qn_fail(err, QN_INVALID, "%s: %s is not allowed; allowed: %s", parameter->name, number,
                   allowed);
}

static enum qn_status fail_unknown(const struct qn_parameter_table *table, const char *name,
                                   struct qn_error *err)
{
    const char *names[QN_NAMES_LIMIT] = {NULL};
    size_t count = table_size(table);
    assert(count <= QN_NAMES_LIMIT);
    for (size_t i = 0; i < count; i++)
        names[i] = table->parameters[i].name;
    const char *closest = qn_text_closest(name, names, count);
    if (closest)
        return qn_fail(err, QN_INVALID, "no parameter '%.60s': did you mean '%s'?", name, closest);
    char known[QN_ALLOWED_SIZE] = "";
    for (size_t i = 0; i < count; i++)
        append(known, sizeof(known), "%s%s", i > 0 ? ", " : "", names[i]);
    return qn_fail(err, QN_INVALID, "no parameter '%.60s'; there are: %s", name,
                   count > 0 ? known : "none");
}

static bool parse_boolean(const char *text, double *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "0", "1"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = (double)(i % 2);
            return true;
        }
    }
    return false;
}

static bool parse_value(const struct qn_parameter *parameter, const char *text, double *out)
{
    const struct qn_parameter_name *word = name_of_text(parameter, text);
    if (word) {
        *out = word->value;
        return true;
    }
    int64_t whole;
    switch (parameter->kind) {
    case QN_PARAMETER_INTEGER:
        if (!qn_parse_int64(text, strlen(text), &whole))
            return false;
        *out = (double)whole;
        return true;
    case QN_PARAMETER_NUMBER:
        return qn_parse_double(text, strlen(text), out);
    case QN_PARAMETER_BOOLEAN:
        return parse_boolean(text, out);
    case QN_PARAMETER_CHOICE:
        return false;
    }
    return false;
}

void qn_parameters_default(const struct qn_parameter_table *table, void *options)
{
    memset(options, 0, table->options_size_bytes);
    for (const struct qn_parameter *at = table->parameters; at->name; at++)
        store(at, options, at->fallback);
}

enum qn_status qn_parameters_set(const struct qn_parameter_table *table, void *options,
                                 const char *name, const char *value, struct qn_error *err)
{
    const struct qn_parameter *parameter = find(table, name);
    if (!parameter)
        return fail_unknown(table, name, err);
    double number;
    if (!parse_value(parameter, value, &number))
        return fail_kind(parameter, value, err);
    if (!in_range(parameter, number))
        return fail_range(parameter, number, err);
    store(parameter, options, number);
    return QN_OK;
}

static enum qn_status value_from_json(const struct qn_parameter *parameter, const json_t *json,
                                      double *out, struct qn_error *err)
{
    if (json_is_string(json)) {
        const struct qn_parameter_name *word = name_of_text(parameter, json_string_value(json));
        if (!word)
            return fail_kind(parameter, json_string_value(json), err);
        *out = word->value;
        return QN_OK;
    }
    double number = json_number_value(json);
    bool whole = json_is_number(json) && number == floor(number);
    if (parameter->kind == QN_PARAMETER_BOOLEAN && json_is_boolean(json))
        number = json_is_true(json) ? 1.0 : 0.0;
    else if (!(parameter->kind == QN_PARAMETER_NUMBER && json_is_number(json)) &&
             !(parameter->kind == QN_PARAMETER_INTEGER && whole)) {
        char *text = qn_json_text(json, 0);
        enum qn_status status = fail_kind(parameter, text ? text : "the value", err);
        qn_free(text);
        return status;
    }
    if (!in_range(parameter, number))
        return fail_range(parameter, number, err);
    *out = number;
    return QN_OK;
}

enum qn_status qn_parameters_set_json(const struct qn_parameter_table *table, void *options,
                                      const json_t *object, struct qn_error *err)
{
    if (!json_is_object(object))
        return qn_fail(err, QN_INVALID, "parameters: an object {\"name\": value} is expected");
    double values[QN_NAMES_LIMIT] = {0};
    bool given[QN_NAMES_LIMIT] = {false};
    const char *name;
    json_t *json;
    /* All are checked before the first is set, so that a failure leaves the options alone. */
    json_object_foreach((json_t *)object, name, json)
    {
        const struct qn_parameter *parameter = find(table, name);
        if (!parameter)
            return fail_unknown(table, name, err);
        size_t at = (size_t)(parameter - table->parameters);
        enum qn_status status = value_from_json(parameter, json, &values[at], err);
        if (status != QN_OK)
            return status;
        given[at] = true;
    }
    for (size_t i = 0; i < table_size(table); i++) {
        if (given[i])
            store(&table->parameters[i], options, values[i]);
    }
    return QN_OK;
}

enum qn_status qn_parameters_check(const struct qn_parameter_table *table, const void *options,
                                   struct qn_error *err)
{
    for (const struct qn_parameter *at = table->parameters; at->name; at++) {
        double value = load(at, options);
        if (!in_range(at, value))
            return fail_range(at, value, err);
    }
    return QN_OK;
}

json_t *qn_parameters_json(const struct qn_parameter_table *table, const void *options)
{
    json_t *object = json_object();
    bool failed = object == NULL;
    for (const struct qn_parameter *at = table->parameters; !failed && at->name; at++) {
        double value = load(at, options);
        const struct qn_parameter_name *word = name_of_value(at, value);
        json_t *json;
        if (word)
            json = json_string(word->name);
        else if (at->kind == QN_PARAMETER_BOOLEAN)
            json = json_boolean(value != 0.0);
        else if (at->kind == QN_PARAMETER_NUMBER)
            json = qn_json_number(value);
        else
            json = json_integer((json_int_t)value);
        qn_json_set(object, at->name, json, &failed);
    }
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}
