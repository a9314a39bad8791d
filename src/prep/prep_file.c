/* Fitted recipes as bytes, inside the model file. Everything that is read is checked against the
 * recipe, which says how many numbers of what kind each action has:
 *
 *     u32 version, string recipe (JSON), u64 columns, then for each column that is used
 *         u64 missing rows
 *         with levels: u64 count, then size (u32), bytes and u64 rows of each; u32 fill
 *         for each step: u64 outputs, u64 numbers, f64 ...
 *     u64 features, then a string for each name */
#include "prep/prep_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { QN_PREP_VERSION = 1, QN_LEVEL_BYTES = 12 };

static void write_column(const struct qn__column *column, struct qn_buffer *buffer)
{
    qn_buffer_u64(buffer, column->missing_rows);
    if (column->has_levels) {
        qn_buffer_u64(buffer, column->levels.count);
        for (size_t c = 0; c < column->levels.count; c++) {
            size_t size = 0;
            const char *text = qn_dictionary_text(&column->levels, (int32_t)c, &size);
            qn_buffer_u32(buffer, (uint32_t)size);
            qn_buffer_append(buffer, text, size);
            qn_buffer_u64(buffer, column->level_rows[c]);
        }
        qn_buffer_u32(buffer, (uint32_t)column->fill);
    }
    for (size_t s = 0; s < column->step_count; s++) {
        const struct qn__step *step = &column->steps[s];
        qn_buffer_u64(buffer, step->output_count);
        qn_buffer_u64(buffer, step->number_count);
        for (size_t i = 0; i < step->number_count; i++)
            qn_buffer_f64(buffer, step->numbers[i]);
    }
}

void qn_prep_write(const struct qn_prep *prep, struct qn_buffer *buffer)
{
    json_t *json = qn_recipe_json(prep->recipe);
    char *text = json ? qn_json_text(json, 0) : NULL;
    json_decref(json);
    if (!text) {
        buffer->failed = true;
        return;
    }
    qn_buffer_u32(buffer, QN_PREP_VERSION);
    qn_buffer_string(buffer, text);
    qn_free(text);
    qn_buffer_u64(buffer, prep->column_count);
    for (size_t i = 0; i < prep->column_count; i++)
        write_column(&prep->columns[i], buffer);
    qn_buffer_u64(buffer, prep->feature_count);
    for (size_t i = 0; i < prep->feature_count; i++)
        qn_buffer_string(buffer, prep->names[i]);
}

static enum qn_status damaged(struct qn_error *err, const char *what)
{
    return qn_fail(err, QN_CORRUPT, "recipe: the %s in the file are damaged", what);
}

/* Texts and rows of `count` levels. */
static enum qn_status read_level_texts(struct qn_reader *reader, struct qn__column *column,
                                       size_t count, struct qn_error *err)
{
    struct qn_dictionary *levels = &column->levels;
    size_t start = reader->at, bytes = 0;
    for (int pass = 0; pass < 2; pass++) { /* The first one adds the sizes up. */
        reader->at = start;
        size_t at = 0;
        for (size_t c = 0; c < count && !reader->failed; c++) {
            size_t size = qn_reader_u32(reader);
            const char *text = qn_reader_bytes(reader, size);
            uint64_t rows = qn_reader_u64(reader);
            if (reader->failed)
                break;
            if (pass == 0) {
                if (qn_utf8_check(text, size) != size || memchr(text, 0, size))
                    return damaged(err, "levels");
                bytes += size;
                continue;
            }
            levels->offsets[c] = at;
            memcpy(levels->bytes + at, text, size);
            at += size;
            levels->offsets[c + 1] = at;
            column->level_rows[c] = rows;
        }
        if (reader->failed)
            return qn_reader_check(reader, "recipe", err);
        if (pass == 1)
            break;
        levels->offsets = QN_CALLOC(uint64_t, count + 1);
        levels->bytes = QN_ALLOC(char, bytes + 1);
        column->level_rows = QN_ALLOC(uint64_t, count);
        if (!levels->offsets || !levels->bytes || !column->level_rows)
            return qn_fail_nomem(err, "recipe");
    }
    levels->count = count;
    return QN_OK;
}

static enum qn_status read_levels(struct qn_reader *reader, struct qn__column *column,
                                  struct qn_error *err)
{
    size_t count = qn_reader_count(reader, QN_LEVEL_BYTES);
    if (reader->failed)
        return qn_reader_check(reader, "recipe", err);
    if (count > INT32_MAX)
        return damaged(err, "levels");
    enum qn_status status = read_level_texts(reader, column, count, err);
    if (status != QN_OK)
        return status;
    column->fill = (int32_t)qn_reader_u32(reader);
    if (reader->failed)
        return qn_reader_check(reader, "recipe", err);
    bool is_level = column->fill >= 0 && (size_t)column->fill < count;
    if (column->imputes
            ? !is_level && column->fill != QN_LEVEL_MISSING && column->fill != QN_LEVEL_UNSEEN
            : column->fill != QN_LEVEL_MISSING)
        return damaged(err, "levels");
    bool unique = false;
    status = qn__levels_sort(column, &unique, err);
    return status == QN_OK && !unique ? damaged(err, "levels") : status;
}

/* Whether a step could have learned this. */
static bool number_is_sane(const struct qn__step *step, size_t i)
{
    double x = step->numbers[i];
    if (!isfinite(x))
        return false;
    switch (step->action->kind) {
    case QN_ACTION_SCALE:
        return i % 2 == 0 || x > 0;
    case QN_ACTION_CLIP:
        return i % 2 == 0 || x >= step->numbers[i - 1];
    case QN_ACTION_POWER:
        return fabs(x) <= 4;
    case QN_ACTION_FREQUENCY:
        return x >= 0 && x <= 1;
    case QN_ACTION_ORDINAL:
        return x >= 0;
    case QN_ACTION_TEXT:
        return x >= 1;
    default:
        return true;
    }
}

static enum qn_status read_step(struct qn_reader *reader, const struct qn__column *column,
                                struct qn__step *step, size_t input_count, struct qn_error *err)
{
    uint64_t output_count = qn_reader_u64(reader);
    size_t number_count = qn_reader_count(reader, sizeof(double));
    if (reader->failed)
        return qn_reader_check(reader, "recipe", err);
    if (step->action->kind == QN_ACTION_TARGET) {
        /* Only the file knows the number of classes: more than two have an output each. */
        size_t row = column->levels.count + 2;
        if (output_count != number_count / row || output_count == 0 || output_count == 2)
            return damaged(err, "steps");
        step->output_count = (size_t)output_count;
    } else {
        step->output_count = qn__step_outputs(column, step, input_count, 0);
    }
    if (output_count != step->output_count ||
        number_count != qn__step_numbers(column, step, input_count))
        return damaged(err, "steps");
    step->number_count = number_count;
    step->numbers = QN_CALLOC(double, number_count);
    if (!step->numbers)
        return qn_fail_nomem(err, "recipe");
    for (size_t i = 0; i < number_count; i++) {
        step->numbers[i] = qn_reader_f64(reader);
        if (!number_is_sane(step, i))
            return damaged(err, "numbers");
    }
    return QN_OK;
}

static enum qn_status read_column(struct qn_reader *reader, struct qn__column *column,
                                  struct qn_error *err)
{
    column->missing_rows = qn_reader_u64(reader);
    enum qn_status status = reader->failed ? qn_reader_check(reader, "recipe", err) : QN_OK;
    if (status == QN_OK && column->has_levels)
        status = read_levels(reader, column, err);
    size_t count = 1;
    for (size_t s = 0; status == QN_OK && s < column->step_count; s++) {
        status = read_step(reader, column, &column->steps[s], count, err);
        count = column->steps[s].output_count;
    }
    return status;
}

static enum qn_status read_names(struct qn_reader *reader, struct qn_prep *prep,
                                 struct qn_error *err)
{
    size_t count = qn_reader_count(reader, sizeof(uint32_t));
    if (reader->failed)
        return qn_reader_check(reader, "recipe", err);
    if (count != prep->feature_count)
        return damaged(err, "names");
    for (size_t i = 0; i < count; i++) {
        prep->names[i] = qn_reader_string(reader);
        if (!prep->names[i])
            return qn_reader_check(reader, "recipe", err);
        size_t size = strlen(prep->names[i]);
        if (size == 0 || qn_utf8_check(prep->names[i], size) != size)
            return damaged(err, "names");
    }
    return QN_OK;
}

static enum qn_status read_recipe(struct qn_reader *reader, struct qn_prep **out,
                                  struct qn_error *err)
{
    uint32_t version = qn_reader_u32(reader);
    if (!reader->failed && version != QN_PREP_VERSION)
        return qn_fail(err, QN_UNSUPPORTED,
                       "recipe: stored as version %u, which this program does not know", version);
    char *text = qn_reader_string(reader);
    if (!text)
        return qn_reader_check(reader, "recipe", err);
    struct qn_recipe *recipe = NULL;
    enum qn_status status = qn_recipe_parse(text, strlen(text), "recipe", &recipe, err);
    qn_free(text);
    if (status == QN_INVALID)
        return damaged(err, "actions");
    return status == QN_OK ? qn__prep_create(recipe, out, err) : status;
}

enum qn_status qn_prep_read(struct qn_reader *reader, struct qn_prep **out, struct qn_error *err)
{
    struct qn_prep *prep = NULL;
    enum qn_status status = read_recipe(reader, &prep, err);
    if (status != QN_OK)
        return status;
    assert(prep);
    uint64_t count = qn_reader_u64(reader);
    if (reader->failed)
        status = qn_reader_check(reader, "recipe", err);
    else if (count != prep->column_count)
        status = damaged(err, "columns");
    for (size_t i = 0; status == QN_OK && i < prep->column_count; i++)
        status = read_column(reader, &prep->columns[i], err);
    if (status == QN_OK)
        status = qn__prep_place(prep, err);
    if (status == QN_OK)
        status = read_names(reader, prep, err);
    if (status == QN_OK && qn_reader_left(reader) > 0)
        status = damaged(err, "last bytes");
    if (status != QN_OK) {
        qn_prep_free(prep);
        return status;
    }
    *out = prep;
    return QN_OK;
}
