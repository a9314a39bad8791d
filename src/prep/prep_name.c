/* Names of features: NAME, NAME=level, NAME_other, NAME_missing, NAME_year, NAME:17 ... */
#include "prep/prep_internal.h"

#include "base/alloc.h"
#include "base/buffer.h"

#include <string.h>

/* A name is a column's and a level's, both limited by the reader; this is far above. */
#define QN_NAME_LIMIT ((size_t)64 << 20)

static void one_hot_suffix(struct qn_buffer *name, const struct qn__column *column,
                           const struct qn__step *step, size_t j)
{
    struct qn__one_hot layout = qn__one_hot_layout(column, step->action);
    if ((ptrdiff_t)j == layout.other) {
        qn_buffer_text(name, "_other");
    } else if ((ptrdiff_t)j == layout.missing) {
        qn_buffer_text(name, "_missing");
    } else {
        size_t size = 0;
        const char *text = qn_dictionary_text(&column->levels, (int32_t)(layout.first + j), &size);
        qn_buffer_char(name, '=');
        qn_buffer_append(name, text, size);
    }
}

/* What the encoder says of its output j. */
static void suffix(struct qn_buffer *name, const struct qn__column *column,
                   const struct qn__step *step, size_t j)
{
    switch (step->action->kind) {
    case QN_ACTION_ONE_HOT:
        one_hot_suffix(name, column, step, j);
        break;
    case QN_ACTION_ORDINAL:
        qn_buffer_text(name, "_ordinal");
        break;
    case QN_ACTION_FREQUENCY:
        qn_buffer_text(name, "_frequency");
        break;
    case QN_ACTION_TARGET:
        qn_buffer_text(name, "_target");
        if (step->output_count > 1)
            qn_buffer_format(name, ":%zu", j);
        break;
    case QN_ACTION_DATE_PARTS:
        qn_buffer_char(name, '_');
        qn_buffer_text(name,
                       json_string_value(json_array_get(qn__option(step->action, "parts"), j)));
        break;
    case QN_ACTION_TEXT:
        qn_buffer_format(name, ":%zu", j);
        break;
    default:
        break;
    }
}

static void column_name(struct qn_buffer *name, const struct qn__column *column, size_t j)
{
    qn_buffer_clear(name);
    qn_buffer_text(name, column->recipe->name);
    if (j == column->main_count) {
        qn_buffer_text(name, "_missing");
        return;
    }
    for (size_t s = 0; s < column->step_count; s++)
        suffix(name, column, &column->steps[s], j);
}

/* Adds the name, with "_2", "_3" ... when it is taken. */
static enum qn_status add_name(struct qn_lookup *taken, struct qn_buffer *name, char **out,
                               struct qn_error *err)
{
    size_t size = name->size, count = qn_lookup_count(taken);
    for (size_t number = 2;; number++) {
        int32_t code = 0;
        enum qn_status status = qn_buffer_check(name, "feature names", err);
        if (status == QN_OK)
            status = qn_lookup_add(taken, name->bytes, name->size, &code, err);
        if (status != QN_OK)
            return status;
        if ((size_t)code == count)
            break;
        name->size = size;
        qn_buffer_format(name, "_%zu", number);
    }
    *out = qn_strndup(name->bytes, name->size);
    return *out ? QN_OK : qn_fail_nomem(err, "feature names");
}

enum qn_status qn__prep_name(struct qn_prep *prep, struct qn_error *err)
{
    struct qn_lookup *taken = NULL;
    struct qn_buffer name;
    enum qn_status status = qn_lookup_create(&taken, err);
    if (status != QN_OK)
        return status;
    qn_buffer_init(&name, QN_NAME_LIMIT);
    for (size_t i = 0; status == QN_OK && i < prep->column_count; i++) {
        const struct qn__column *column = &prep->columns[i];
        size_t count = qn__column_features(column);
        for (size_t j = 0; status == QN_OK && j < count; j++) {
            column_name(&name, column, j);
            status = add_name(taken, &name, &prep->names[column->first + j], err);
        }
    }
    qn_buffer_release(&name);
    qn_lookup_free(taken);
    return status;
}
