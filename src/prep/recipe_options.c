/* The actions and their options: what each takes, gives and defaults to. docs/recipe.md says the
 * same in words. */
#include "prep/prep_internal.h"

#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const qn__part_names[QN__PART_COUNT + 1] = {
    "year",    "quarter", "month",  "day",    "day_of_year", "weekday",
    "weekend", "hour",    "minute", "second", "epoch_days",  NULL};

enum option_kind {
    QN_OPTION_CHOICE, /* one of `choices` */
    QN_OPTION_NUMBER, /* in [minimum, maximum] */
    QN_OPTION_WHOLE,
    QN_OPTION_AUTO,    /* a number, or "auto" */
    QN_OPTION_CHOICES, /* an array of `choices`, each once */
    QN_OPTION_TEXTS,   /* an array of texts, each once */
    QN_OPTION_PAIR,    /* [low, high] with low < high, both in [minimum, maximum] */
    QN_OPTION_VALUE,   /* a finite number or a text */
};

struct option {
    const char *key;
    enum option_kind kind;
    double minimum, maximum;
    const char *const *choices; /* NULL-terminated */
    const char *fallback;       /* the default as JSON text; NULL: none */
};

#define QN_BIT(stream) (1U << (stream))
#define QN_CODED (QN_BIT(QN__STREAM_CATEGORY) | QN_BIT(QN__STREAM_TEXT))
#define QN_ANY (QN_CODED | QN_BIT(QN__STREAM_NUMBER) | QN_BIT(QN__STREAM_DATE))
#define QN_KEEPS (-1)

enum { QN_OPTION_LIMIT = 3 };

struct rule {
    const char *name;
    unsigned takes; /* set of streams */
    int gives;      /* a stream, or QN_KEEPS */
    struct option options[QN_OPTION_LIMIT];
};

static const char *const fills[] = {"mean", "median", "mode", "constant", NULL};
static const char *const powers[] = {"yeo_johnson", "log1p", NULL};
static const char *const scales[] = {"standard", "min_max", "robust", NULL};
static const char *const orders[] = {"frequency", "name", "given", NULL};
static const char *const drops[] = {"none", "first", NULL};

/* In the order of enum qn_action_kind. */
static const struct rule rules[] = {
    {"drop", QN_ANY, QN_KEEPS, {{0}}},
    {"impute",
     QN_CODED | QN_BIT(QN__STREAM_NUMBER),
     QN_KEEPS,
     {{"with", QN_OPTION_CHOICE, 0, 0, fills, NULL}, /* its default depends on the stream */
      {"value", QN_OPTION_VALUE, 0, 0, NULL, NULL}}},
    {"indicator", QN_ANY | QN_BIT(QN__STREAM_END), QN_KEEPS, {{0}}},
    {"clip",
     QN_BIT(QN__STREAM_NUMBER),
     QN_KEEPS,
     {{"quantiles", QN_OPTION_PAIR, 0, 1, NULL, "[0.01,0.99]"},
      {"bounds", QN_OPTION_PAIR, -HUGE_VAL, HUGE_VAL, NULL, NULL}}},
    {"power",
     QN_BIT(QN__STREAM_NUMBER),
     QN_KEEPS,
     {{"how", QN_OPTION_CHOICE, 0, 0, powers, "\"yeo_johnson\""}}},
    {"scale",
     QN_BIT(QN__STREAM_NUMBER),
     QN_KEEPS,
     {{"how", QN_OPTION_CHOICE, 0, 0, scales, "\"standard\""}}},
    {"one_hot",
     QN_CODED,
     QN__STREAM_NUMBER,
     {{"max_levels", QN_OPTION_WHOLE, 1, 10000, NULL, "30"},
      {"drop", QN_OPTION_CHOICE, 0, 0, drops, "\"none\""}}},
    {"ordinal",
     QN_CODED,
     QN__STREAM_NUMBER,
     {{"by", QN_OPTION_CHOICE, 0, 0, orders, "\"frequency\""},
      {"order", QN_OPTION_TEXTS, 0, 0, NULL, NULL}}},
    {"frequency", QN_CODED, QN__STREAM_NUMBER, {{0}}},
    {"target",
     QN_CODED,
     QN__STREAM_NUMBER,
     {{"smooth", QN_OPTION_AUTO, 0, 1e9, NULL, "\"auto\""},
      {"folds", QN_OPTION_WHOLE, 2, 100, NULL, "5"}}},
    {"levels", QN_CODED, QN__STREAM_END, {{0}}},
    {"date_parts",
     QN_BIT(QN__STREAM_DATE),
     QN__STREAM_NUMBER,
     {{"parts", QN_OPTION_CHOICES, 0, 0, qn__part_names,
       "[\"year\",\"month\",\"day\",\"weekday\",\"hour\",\"minute\",\"epoch_days\"]"}}},
    {"text", QN_CODED, QN__STREAM_NUMBER, {{"buckets", QN_OPTION_WHOLE, 1, 65536, NULL, "64"}}},
};
#define QN_RULE_COUNT (sizeof(rules) / sizeof(*rules))

enum qn__stream qn__stream_of(enum qn_type type)
{
    switch (type) {
    case QN_TYPE_BOOLEAN:
    case QN_TYPE_INTEGER:
    case QN_TYPE_NUMBER:
        return QN__STREAM_NUMBER;
    case QN_TYPE_CATEGORY:
        return QN__STREAM_CATEGORY;
    case QN_TYPE_TEXT:
        return QN__STREAM_TEXT;
    case QN_TYPE_DATE:
    case QN_TYPE_DATETIME:
        return QN__STREAM_DATE;
    }
    return QN__STREAM_END;
}

const char *qn__action_name(enum qn_action_kind kind)
{
    return rules[kind].name;
}

const json_t *qn__option(const struct qn_action *action, const char *key)
{
    return json_object_get(action->options, key);
}

const char *qn__option_text(const struct qn_action *action, const char *key)
{
    const char *text = json_string_value(qn__option(action, key));
    assert(text);
    return text;
}

double qn__option_number(const struct qn_action *action, const char *key)
{
    const json_t *value = qn__option(action, key);
    assert(json_is_number(value));
    return json_number_value(value);
}

static const char *stream_name(enum qn__stream stream)
{
    static const char *const names[] = {"a number", "a category", "a text", "a date",
                                        "a category that was kept by 'levels'"};
    return names[stream];
}

/* 'medain' is not known; did you mean 'median'? */
static enum qn_status unknown(const char *place, const char *key, const char *text,
                              const char *const *known, size_t count, struct qn_error *err)
{
    const char *closest = qn_text_closest(text, known, count);
    if (closest)
        return qn_fail(err, QN_INVALID, "%s.%s: '%.40s' is not known; did you mean '%s'?", place,
                       key, text, closest);
    char list[128] = "";
    size_t size = 0;
    for (size_t i = 0; i < count && size < sizeof(list); i++)
        size += (size_t)snprintf(list + size, sizeof(list) - size, "%s%s", i ? ", " : "", known[i]);
    return qn_fail(err, QN_INVALID, "%s.%s: '%.40s' is not known; there are %s", place, key, text,
                   list);
}

static size_t list_count(const char *const *list)
{
    size_t count = 0;
    while (list[count])
        count++;
    return count;
}

static bool list_has(const char *const *list, const char *text)
{
    for (; *list; list++) {
        if (strcmp(*list, text) == 0)
            return true;
    }
    return false;
}

/* An array of different texts, of `choices` where there are any. */
static enum qn_status check_texts(const json_t *value, const struct option *option,
                                  const char *place, struct qn_error *err)
{
    size_t count = json_array_size(value);
    if (count == 0)
        return qn_fail(err, QN_INVALID, "%s.%s: must be a list of at least one text", place,
                       option->key);
    json_t *seen = json_object();
    enum qn_status status = seen ? QN_OK : qn_fail_nomem(err, "recipe");
    for (size_t i = 0; status == QN_OK && i < count; i++) {
        const char *text = json_string_value(json_array_get(value, i));
        if (!text)
            status = qn_fail(err, QN_INVALID, "%s.%s[%zu]: must be a text", place, option->key, i);
        else if (option->choices && !list_has(option->choices, text))
            status = unknown(place, option->key, text, option->choices, list_count(option->choices),
                             err);
        else if (json_object_get(seen, text))
            status = qn_fail(err, QN_INVALID, "%s.%s[%zu]: '%.40s' is there twice", place,
                             option->key, i, text);
        else if (json_object_set_new(seen, text, json_true()) != 0)
            status = qn_fail_nomem(err, "recipe");
    }
    json_decref(seen);
    return status;
}

static enum qn_status check_pair(const json_t *value, const struct option *option,
                                 const char *place, struct qn_error *err)
{
    const json_t *low = json_array_get(value, 0), *high = json_array_get(value, 1);
    if (json_array_size(value) != 2 || !json_is_number(low) || !json_is_number(high))
        return qn_fail(err, QN_INVALID, "%s.%s: must be two numbers, [low, high]", place,
                       option->key);
    double from = json_number_value(low), to = json_number_value(high);
    if (!(from < to))
        return qn_fail(err, QN_INVALID, "%s.%s: the first number must be below the second", place,
                       option->key);
    if (from < option->minimum || to > option->maximum)
        return qn_fail(err, QN_INVALID, "%s.%s: both must be in [%g, %g]", place, option->key,
                       option->minimum, option->maximum);
    return QN_OK;
}

static enum qn_status check_number(const json_t *value, const struct option *option,
                                   const char *place, struct qn_error *err)
{
    if (option->kind == QN_OPTION_AUTO && json_is_string(value) &&
        strcmp(json_string_value(value), "auto") == 0)
        return QN_OK;
    bool whole = option->kind == QN_OPTION_WHOLE;
    double number = json_number_value(value);
    if (!json_is_number(value) || (whole && floor(number) != number))
        return qn_fail(err, QN_INVALID, "%s.%s: must be a %snumber%s", place, option->key,
                       whole ? "whole " : "", option->kind == QN_OPTION_AUTO ? " or 'auto'" : "");
    if (!(number >= option->minimum && number <= option->maximum))
        return qn_fail(err, QN_INVALID, "%s.%s: %g is not in [%g, %g]", place, option->key, number,
                       option->minimum, option->maximum);
    return QN_OK;
}

static enum qn_status check_option(const json_t *value, const struct option *option,
                                   const char *place, struct qn_error *err)
{
    const char *text = json_string_value(value);
    switch (option->kind) {
    case QN_OPTION_CHOICE:
        if (!text)
            return qn_fail(err, QN_INVALID, "%s.%s: must be a text", place, option->key);
        if (!list_has(option->choices, text))
            return unknown(place, option->key, text, option->choices, list_count(option->choices),
                           err);
        return QN_OK;
    case QN_OPTION_NUMBER:
    case QN_OPTION_WHOLE:
    case QN_OPTION_AUTO:
        return check_number(value, option, place, err);
    case QN_OPTION_CHOICES:
    case QN_OPTION_TEXTS:
        return check_texts(value, option, place, err);
    case QN_OPTION_PAIR:
        return check_pair(value, option, place, err);
    case QN_OPTION_VALUE:
        return text || json_is_number(value)
                   ? QN_OK
                   : qn_fail(err, QN_INVALID, "%s.%s: must be a number or a text", place,
                             option->key);
    }
    return QN_OK;
}

/* The options of the rule from `given`, defaults filled in. */
static enum qn_status fill_options(const struct rule *rule, const json_t *given, const char *place,
                                   json_t **out, struct qn_error *err)
{
    const char *known[QN_OPTION_LIMIT + 2] = {"do"};
    size_t count = 0;
    while (count < QN_OPTION_LIMIT && rule->options[count].key) {
        known[count + 1] = rule->options[count].key;
        count++;
    }
    enum qn_status status = qn_json_known(given, place, known, err);
    if (status != QN_OK)
        return status;
    bool failed = false;
    json_t *options = json_object();
    qn_json_set(options, "do", json_string(rule->name), &failed);
    for (size_t i = 0; status == QN_OK && i < count; i++) {
        const struct option *option = &rule->options[i];
        const json_t *value = json_object_get(given, option->key);
        if (value) {
            status = check_option(value, option, place, err);
            if (status == QN_OK)
                qn_json_set(options, option->key, json_deep_copy(value), &failed);
        } else if (option->fallback) {
            qn_json_set(options, option->key, json_loads(option->fallback, JSON_DECODE_ANY, NULL),
                        &failed);
        }
    }
    if (status == QN_OK && failed)
        status = qn_fail_nomem(err, "recipe");
    if (status != QN_OK) {
        json_decref(options);
        return status;
    }
    *out = options;
    return QN_OK;
}

/* The default of "with" depends on what is given and on the stream. Keys stay in their order. */
static enum qn_status default_fill(json_t *options, bool number, struct qn_error *err)
{
    json_t *value = json_incref(json_object_get(options, "value"));
    const char *with = value ? "constant" : number ? "median" : "mode";
    bool failed = false;
    json_object_del(options, "value");
    qn_json_set(options, "with", json_string(with), &failed);
    if (value)
        qn_json_set(options, "value", value, &failed);
    return failed ? qn_fail_nomem(err, "recipe") : QN_OK;
}

static enum qn_status finish_impute(json_t *options, enum qn__stream stream, const char *place,
                                    struct qn_error *err)
{
    bool number = stream == QN__STREAM_NUMBER;
    if (!json_object_get(options, "with")) {
        enum qn_status status = default_fill(options, number, err);
        if (status != QN_OK)
            return status;
    }
    const char *with = json_string_value(json_object_get(options, "with"));
    const json_t *value = json_object_get(options, "value");
    bool constant = strcmp(with, "constant") == 0;
    if (constant != (value != NULL))
        return qn_fail(err, QN_INVALID,
                       constant ? "%s: 'constant' needs a \"value\""
                                : "%s: \"value\" goes with \"with\": \"constant\" only",
                       place);
    if (constant && (number ? !json_is_number(value) : !json_is_string(value)))
        return qn_fail(err, QN_INVALID, "%s.value: the column is %s here, so it must be %s", place,
                       stream_name(stream), number ? "a number" : "a text");
    if (!number && !constant && strcmp(with, "mode") != 0)
        return qn_fail(err, QN_INVALID,
                       "%s.with: '%s' is for numbers, but the column is %s here; use 'mode' or "
                       "'constant'",
                       place, with, stream_name(stream));
    return QN_OK;
}

/* Rules between options. */
static enum qn_status finish_options(enum qn_action_kind kind, json_t *options, const json_t *given,
                                     enum qn__stream stream, const char *place,
                                     struct qn_error *err)
{
    if (kind == QN_ACTION_IMPUTE)
        return finish_impute(options, stream, place, err);
    if (kind == QN_ACTION_CLIP && json_object_get(given, "bounds")) {
        if (json_object_get(given, "quantiles"))
            return qn_fail(err, QN_INVALID, "%s: give \"quantiles\" or \"bounds\", not both",
                           place);
        json_object_del(options, "quantiles");
    }
    if (kind == QN_ACTION_ORDINAL) {
        bool by_order = strcmp(json_string_value(json_object_get(options, "by")), "given") == 0;
        if (by_order != (json_object_get(options, "order") != NULL))
            return qn_fail(err, QN_INVALID,
                           by_order ? "%s: \"by\": \"given\" needs an \"order\": a list of levels"
                                    : "%s: \"order\" goes with \"by\": \"given\" only",
                           place);
    }
    return QN_OK;
}

static enum qn_status find_rule(const json_t *value, const char *place, size_t *out,
                                struct qn_error *err)
{
    if (!json_is_object(value))
        return qn_fail(err, QN_INVALID, "%s: must be an object, such as {\"do\": \"scale\"}",
                       place);
    const char *name = json_string_value(json_object_get(value, "do"));
    if (!name)
        return qn_fail(err, QN_INVALID, "%s: \"do\" must name an action", place);
    const char *names[QN_RULE_COUNT];
    for (size_t i = 0; i < QN_RULE_COUNT; i++) {
        names[i] = rules[i].name;
        if (strcmp(name, names[i]) == 0) {
            *out = i;
            return QN_OK;
        }
    }
    return unknown(place, "do", name, names, QN_RULE_COUNT, err);
}

enum qn_status qn__action_parse(const json_t *value, const char *place, enum qn__stream *stream,
                                struct qn_action *out, struct qn_error *err)
{
    size_t at = 0;
    json_t *options = NULL;
    enum qn_status status = find_rule(value, place, &at, err);
    if (status != QN_OK)
        return status;
    const struct rule *rule = &rules[at];
    if (!(rule->takes & QN_BIT(*stream)))
        return qn_fail(err, QN_INVALID, "%s: '%s' cannot follow here: the column is %s", place,
                       rule->name, stream_name(*stream));
    status = fill_options(rule, value, place, &options, err);
    if (status != QN_OK)
        return status;
    status = finish_options((enum qn_action_kind)at, options, value, *stream, place, err);
    if (status != QN_OK) {
        json_decref(options);
        return status;
    }
    if (rule->gives != QN_KEEPS)
        *stream = (enum qn__stream)rule->gives;
    *out = (struct qn_action){.kind = (enum qn_action_kind)at, .options = options};
    return QN_OK;
}
