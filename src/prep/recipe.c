/* Recipes as JSON: strict reading, and writing. */
#include "prep/prep_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { QN_RECIPE_VERSION = 1, QN_PLACE_SIZE = 192 };

static void column_release(struct qn_recipe_column *column)
{
    qn_free(column->name);
    qn_free(column->format);
    qn_free(column->reason);
    for (size_t i = 0; i < column->action_count; i++)
        json_decref(column->actions[i].options);
    qn_free(column->actions);
}

void qn_recipe_free(struct qn_recipe *recipe)
{
    if (!recipe)
        return;
    for (size_t i = 0; i < recipe->column_count; i++)
        column_release(&recipe->columns[i]);
    qn_free(recipe->columns);
    qn_free(recipe);
}

/* An optional text of the column; *out stays NULL when it is absent or null. */
static enum qn_status copy_text(const json_t *value, const char *key, const char *place, char **out,
                                struct qn_error *err)
{
    const json_t *text = json_object_get(value, key);
    if (!text || json_is_null(text))
        return QN_OK;
    if (!json_is_string(text))
        return qn_fail(err, QN_INVALID, "%s.%s: must be a text", place, key);
    *out = qn_strdup(json_string_value(text));
    return *out ? QN_OK : qn_fail_nomem(err, "recipe");
}

static enum qn_status parse_type(const json_t *value, const char *place, enum qn_type *out,
                                 struct qn_error *err)
{
    const char *type = json_string_value(json_object_get(value, "type"));
    if (!type)
        return qn_fail(err, QN_INVALID,
                       "%s: \"type\" must be one of boolean, integer, number, "
                       "category, text, date, datetime",
                       place);
    if (qn_type_parse(type, out))
        return QN_OK;
    const char *names[QN_TYPE_COUNT];
    for (int i = 0; i < QN_TYPE_COUNT; i++)
        names[i] = qn_type_name((enum qn_type)i);
    const char *closest = qn_text_closest(type, names, QN_TYPE_COUNT);
    if (closest)
        return qn_fail(err, QN_INVALID, "%s.type: '%.40s' is not known; did you mean '%s'?", place,
                       type, closest);
    return qn_fail(err, QN_INVALID,
                   "%s.type: '%.40s' is not known; there are boolean, integer, number, category, "
                   "text, date, datetime",
                   place, type);
}

/* Rules between the actions of a column. */
static enum qn_status check_actions(const struct qn_recipe_column *column, const char *place,
                                    struct qn_error *err)
{
    size_t indicators = 0, fills = 0;
    for (size_t i = 0; i < column->action_count; i++) {
        const struct qn_action *action = &column->actions[i];
        if (action->kind == QN_ACTION_DROP && column->action_count > 1)
            return qn_fail(err, QN_INVALID, "%s: 'drop' must be the only action", place);
        indicators += action->kind == QN_ACTION_INDICATOR;
        fills += action->kind == QN_ACTION_IMPUTE;
        if (indicators > 1 || fills > 1)
            return qn_fail(err, QN_INVALID, "%s.actions[%zu]: a second '%s' has nothing to do",
                           place, i, qn__action_name(action->kind));
        if (action->kind == QN_ACTION_TEXT && fills > 0)
            return qn_fail(err, QN_INVALID,
                           "%s.actions[%zu]: 'text' takes a missing value for an empty text; leave "
                           "the 'impute' before it out",
                           place, i);
    }
    return QN_OK;
}

static enum qn_status parse_actions(const json_t *value, const char *place,
                                    struct qn_recipe_column *column, struct qn_error *err)
{
    const json_t *actions = json_object_get(value, "actions");
    if (!actions)
        return QN_OK;
    if (!json_is_array(actions))
        return qn_fail(err, QN_INVALID, "%s.actions: must be a list", place);
    size_t count = json_array_size(actions);
    column->actions = QN_CALLOC(struct qn_action, count);
    if (!column->actions)
        return qn_fail_nomem(err, "recipe");
    enum qn__stream stream = qn__stream_of(column->type);
    for (size_t i = 0; i < count; i++) {
        char inner[QN_PLACE_SIZE + 32];
        snprintf(inner, sizeof(inner), "%s.actions[%zu]", place, i);
        enum qn_status status =
            qn__action_parse(json_array_get(actions, i), inner, &stream, &column->actions[i], err);
        if (status != QN_OK)
            return status;
        column->action_count++;
    }
    return check_actions(column, place, err);
}

static enum qn_status parse_column(const json_t *value, const char *place,
                                   struct qn_recipe_column *column, struct qn_error *err)
{
    static const char *const known[] = {"name", "type", "format", "actions", "reason", NULL};
    enum qn_status status = qn_json_known(value, place, known, err);
    if (status == QN_OK)
        status = parse_type(value, place, &column->type, err);
    if (status == QN_OK)
        status = copy_text(value, "name", place, &column->name, err);
    if (status == QN_OK && (!column->name || *column->name == '\0'))
        status = qn_fail(err, QN_INVALID, "%s: \"name\" must name a column", place);
    if (status == QN_OK)
        status = copy_text(value, "format", place, &column->format, err);
    if (status == QN_OK && column->format && qn__stream_of(column->type) != QN__STREAM_DATE)
        status = qn_fail(err, QN_INVALID, "%s.format: only dates and datetimes have one", place);
    if (status == QN_OK)
        status = copy_text(value, "reason", place, &column->reason, err);
    if (status == QN_OK)
        status = parse_actions(value, place, column, err);
    return status;
}

static enum qn_status parse_columns(const json_t *columns, const char *what,
                                    struct qn_recipe *recipe, struct qn_error *err)
{
    size_t count = json_array_size(columns);
    struct qn_lookup *seen = NULL;
    enum qn_status status = qn_lookup_create(&seen, err);
    if (status != QN_OK)
        return status;
    recipe->columns = QN_CALLOC(struct qn_recipe_column, count);
    if (!recipe->columns)
        status = qn_fail_nomem(err, "recipe");
    for (size_t i = 0; status == QN_OK && i < count; i++) {
        char place[QN_PLACE_SIZE];
        snprintf(place, sizeof(place), "%.120s: columns[%zu]", what, i);
        struct qn_recipe_column *column = &recipe->columns[recipe->column_count++];
        status = parse_column(json_array_get(columns, i), place, column, err);
        int32_t code = 0;
        if (status == QN_OK)
            status = qn_lookup_add(seen, column->name, strlen(column->name), &code, err);
        if (status == QN_OK && (size_t)code != i)
            status = qn_fail(err, QN_INVALID,
                             "%s.name: '%.60s' is there twice (first in "
                             "columns[%d])",
                             place, column->name, code);
    }
    qn_lookup_free(seen);
    return status;
}

enum qn_status qn_recipe_from_json(const json_t *value, const char *what, struct qn_recipe **out,
                                   struct qn_error *err)
{
    static const char *const known[] = {"version", "columns", NULL};
    enum qn_status status = qn_json_known(value, what, known, err);
    if (status != QN_OK)
        return status;
    const json_t *version = json_object_get(value, "version");
    if (!json_is_integer(version))
        return qn_fail(err, QN_INVALID, "%s: \"version\" must be %d", what, QN_RECIPE_VERSION);
    if (json_integer_value(version) != QN_RECIPE_VERSION)
        return qn_fail(err, QN_UNSUPPORTED, "%s: version %lld is not known; this program reads %d",
                       what, (long long)json_integer_value(version), QN_RECIPE_VERSION);
    const json_t *columns = json_object_get(value, "columns");
    if (!json_is_array(columns))
        return qn_fail(err, QN_INVALID, "%s: \"columns\" must be a list", what);
    struct qn_recipe *recipe = QN_CALLOC(struct qn_recipe, 1);
    if (!recipe)
        return qn_fail_nomem(err, "recipe");
    status = parse_columns(columns, what, recipe, err);
    if (status != QN_OK) {
        qn_recipe_free(recipe);
        return status;
    }
    *out = recipe;
    return QN_OK;
}

enum qn_status qn_recipe_parse(const char *text, size_t size, const char *what,
                               struct qn_recipe **out, struct qn_error *err)
{
    json_t *value = NULL;
    enum qn_status status = qn_json_parse(text, size, what, &value, err);
    if (status != QN_OK)
        return status;
    status = qn_recipe_from_json(value, what, out, err);
    json_decref(value);
    return status;
}

static json_t *column_json(const struct qn_recipe_column *column, bool *failed)
{
    json_t *object = json_object();
    qn_json_set(object, "name", json_string(column->name), failed);
    qn_json_set(object, "type", json_string(qn_type_name(column->type)), failed);
    if (column->format)
        qn_json_set(object, "format", json_string(column->format), failed);
    json_t *actions = json_array();
    for (size_t i = 0; i < column->action_count; i++)
        qn_json_add(actions, json_deep_copy(column->actions[i].options), failed);
    qn_json_set(object, "actions", actions, failed);
    if (column->reason)
        qn_json_set(object, "reason", json_string(column->reason), failed);
    return object;
}

json_t *qn_recipe_json(const struct qn_recipe *recipe)
{
    bool failed = false;
    json_t *object = json_object();
    qn_json_set(object, "version", json_integer(QN_RECIPE_VERSION), &failed);
    json_t *columns = json_array();
    for (size_t i = 0; i < recipe->column_count; i++)
        qn_json_add(columns, column_json(&recipe->columns[i], &failed), &failed);
    qn_json_set(object, "columns", columns, &failed);
    if (failed || !object) {
        json_decref(object);
        return NULL;
    }
    return object;
}
