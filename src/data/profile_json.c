/* The profile as JSON: what `quern profile --json` prints. */
#include "data/profile_internal.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_time(enum qn_type type)
{
    return type == QN_TYPE_DATE || type == QN_TYPE_DATETIME;
}

/* A figure of a column in its own units: a number, or a date as ISO text. */
static json_t *value_json(const struct qn_column_profile *column, double value)
{
    if (!is_time(column->type) || !isfinite(value) || fabs(value) > 9e18)
        return qn_json_number(value);
    int64_t rounded = (int64_t)floor(value + 0.5);
    struct qn_column cell = {.type = column->type, .values = {.integer = &rounded}};
    char text[64];
    qn_column_format(&cell, 0, text, sizeof(text));
    return json_string(text);
}

static json_t *extreme_json(const struct qn_column_profile *column, double value, int64_t exact)
{
    if (column->type == QN_TYPE_INTEGER)
        return json_integer(exact);
    if (column->type == QN_TYPE_BOOLEAN)
        return json_boolean(exact != 0);
    return value_json(column, value);
}

/* A span: days of a date, seconds of a datetime. */
static json_t *span_json(const struct qn_column_profile *column, double value)
{
    return qn_json_number(column->type == QN_TYPE_DATETIME ? value / 1e6 : value);
}

static json_t *top_json(const struct qn_column_profile *column, bool *failed)
{
    json_t *list = json_array();
    for (size_t i = 0; i < column->top_count; i++) {
        const char *text = column->top[i].text;
        json_t *item = json_object(), *value;
        int64_t integer;
        double number;
        if (column->type == QN_TYPE_INTEGER && qn_parse_int64(text, strlen(text), &integer))
            value = json_integer(integer);
        else if (column->type == QN_TYPE_NUMBER && qn_parse_double(text, strlen(text), &number))
            value = qn_json_number(number);
        else if (column->type == QN_TYPE_BOOLEAN)
            value = json_boolean(text[0] == 't');
        else
            value = json_string(text);
        qn_json_set(item, "value", value, failed);
        qn_json_set(item, "count", json_integer((json_int_t)column->top[i].count), failed);
        qn_json_add(list, item, failed);
    }
    return list;
}

static json_t *histogram_json(const struct qn_column_profile *column, bool *failed)
{
    json_t *object = json_object(), *edges = json_array(), *counts = json_array();
    for (size_t i = 0; column->bin_count > 0 && i <= column->bin_count; i++)
        qn_json_add(edges, value_json(column, column->bin_edges[i]), failed);
    for (size_t i = 0; i < column->bin_count; i++)
        qn_json_add(counts, json_integer((json_int_t)column->bin_counts[i]), failed);
    qn_json_set(object, "edges", edges, failed);
    qn_json_set(object, "counts", counts, failed);
    return object;
}

static void set_count(json_t *object, const char *key, size_t count, bool *failed)
{
    qn_json_set(object, key, json_integer((json_int_t)count), failed);
}

static void add_values(json_t *object, const struct qn_column_profile *column, bool *failed)
{
    json_t *quantiles = json_object();
    qn_json_set(object, "min", extreme_json(column, column->min, column->integer_min), failed);
    qn_json_set(object, "max", extreme_json(column, column->max, column->integer_max), failed);
    qn_json_set(object, "mean", value_json(column, column->mean), failed);
    qn_json_set(object, "std", span_json(column, column->std), failed);
    qn_json_set(object, "skewness", qn_json_number(column->skewness), failed);
    qn_json_set(object, "kurtosis", qn_json_number(column->kurtosis), failed);
    for (size_t i = 0; i < QN_PROFILE_QUANTILES; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%g", qn_profile_quantile_levels[i]);
        qn_json_set(quantiles, key, value_json(column, column->quantiles[i]), failed);
    }
    qn_json_set(object, "quantiles", quantiles, failed);
    qn_json_set(object, "median_deviation", span_json(column, column->median_deviation), failed);
    if (!is_time(column->type)) {
        set_count(object, "zeros", column->zeros, failed);
        set_count(object, "negatives", column->negatives, failed);
        set_count(object, "infinite", column->infinite, failed);
        set_count(object, "outliers", column->outliers, failed);
    }
    qn_json_set(object, "histogram", histogram_json(column, failed), failed);
    qn_json_set(object, "sorted", json_boolean(column->sorted_ascending), failed);
}

static json_t *gaps_json(const struct qn_column_profile *column, bool *failed)
{
    json_t *object = json_object();
    qn_json_set(object, "unit", json_string(column->type == QN_TYPE_DATE ? "days" : "seconds"),
                failed);
    qn_json_set(object, "median", span_json(column, column->gap_median), failed);
    qn_json_set(object, "max", span_json(column, column->gap_max), failed);
    qn_json_set(object, "max_after", value_json(column, column->gap_max_at), failed);
    return object;
}

static json_t *column_json(const struct qn_column_profile *column, bool *failed)
{
    json_t *object = json_object();
    qn_json_set(object, "name", json_string(column->name), failed);
    qn_json_set(object, "type", json_string(qn_type_name(column->type)), failed);
    set_count(object, "count", column->count, failed);
    set_count(object, "missing", column->missing, failed);
    set_count(object, "distinct", column->distinct, failed);
    if (qn_type_is_coded(column->type)) {
        json_t *length = json_object();
        bool any = column->count > 0;
        qn_json_set(length, "min", any ? json_integer((json_int_t)column->length_min) : json_null(),
                    failed);
        qn_json_set(length, "max", any ? json_integer((json_int_t)column->length_max) : json_null(),
                    failed);
        qn_json_set(length, "mean", qn_json_number(column->length_mean), failed);
        qn_json_set(object, "length", length, failed);
        set_count(object, "numeric_looking", column->numeric_looking, failed);
    } else if (column->count > column->infinite) {
        add_values(object, column, failed);
    } else {
        qn_json_set(object, "min", json_null(), failed);
        qn_json_set(object, "max", json_null(), failed);
        qn_json_set(object, "mean", json_null(), failed);
        qn_json_set(object, "std", json_null(), failed);
        set_count(object, "infinite", column->infinite, failed);
    }
    if (qn_type_is_coded(column->type) || column->type == QN_TYPE_BOOLEAN)
        qn_json_set(object, "entropy", qn_json_number(column->entropy), failed);
    if (is_time(column->type))
        qn_json_set(object, "gaps", gaps_json(column, failed), failed);
    qn_json_set(object, "top", top_json(column, failed), failed);
    return object;
}

static json_t *associations_json(const struct qn_profile *profile, bool *failed)
{
    static const char *const names[] = {"pearson", "spearman", "cramers_v", "correlation_ratio"};
    json_t *list = json_array();
    for (size_t i = 0; i < profile->association_count; i++) {
        const struct qn_association *pair = &profile->associations[i];
        json_t *item = json_object();
        qn_json_set(item, "a", json_string(profile->columns[pair->a].name), failed);
        qn_json_set(item, "b", json_string(profile->columns[pair->b].name), failed);
        qn_json_set(item, "measure", json_string(names[pair->measure]), failed);
        qn_json_set(item, "value", qn_json_number(pair->value), failed);
        qn_json_add(list, item, failed);
    }
    return list;
}

static json_t *patterns_json(const struct qn_profile *profile, bool *failed)
{
    json_t *list = json_array();
    for (size_t i = 0; i < profile->pattern_count; i++) {
        const struct qn_missing_pattern *pattern = &profile->patterns[i];
        json_t *item = json_object(), *columns = json_array();
        for (size_t c = 0; c < pattern->column_count; c++)
            qn_json_add(columns, json_string(profile->columns[pattern->columns[c]].name), failed);
        qn_json_set(item, "columns", columns, failed);
        set_count(item, "rows", pattern->rows, failed);
        qn_json_add(list, item, failed);
    }
    return list;
}

static json_t *alerts_json(const struct qn_profile *profile, bool *failed)
{
    static const char *const severities[] = {"info", "warning", "error"};
    json_t *list = json_array();
    for (size_t i = 0; i < profile->alert_count; i++) {
        const struct qn_alert *alert = &profile->alerts[i];
        json_t *item = json_object();
        qn_json_set(item, "column",
                    alert->column < 0 ? json_null()
                                      : json_string(profile->columns[alert->column].name),
                    failed);
        qn_json_set(item, "kind", json_string(alert->kind), failed);
        qn_json_set(item, "severity", json_string(severities[alert->severity]), failed);
        qn_json_set(item, "message", json_string(alert->message), failed);
        qn_json_set(item, "action", json_string(alert->action), failed);
        qn_json_add(list, item, failed);
    }
    return list;
}

static json_t *suggestion_json(const struct qn_profile *profile, bool *failed)
{
    if (profile->suggested_target < 0)
        return json_null();
    json_t *object = json_object();
    qn_json_set(object, "name", json_string(profile->columns[profile->suggested_target].name),
                failed);
    qn_json_set(object, "reason", json_string(profile->target_reason), failed);
    return object;
}

json_t *qn_profile_json(const struct qn_profile *profile)
{
    bool failed = false;
    json_t *object = json_object(), *columns = json_array();
    set_count(object, "row_count", profile->table->row_count, &failed);
    set_count(object, "column_count", profile->table->column_count, &failed);
    for (size_t i = 0; i < profile->table->column_count; i++)
        qn_json_add(columns, column_json(&profile->columns[i], &failed), &failed);
    qn_json_set(object, "columns", columns, &failed);
    qn_json_set(object, "correlations", associations_json(profile, &failed), &failed);
    set_count(object, "spearman_skipped", profile->spearman_skipped, &failed);
    set_count(object, "duplicates", profile->duplicate_rows, &failed);
    qn_json_set(object, "missing_patterns", patterns_json(profile, &failed), &failed);
    qn_json_set(object, "alerts", alerts_json(profile, &failed), &failed);
    qn_json_set(object, "suggested_target", suggestion_json(profile, &failed), &failed);
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}
