/* Levels of categories, and encoders that need no target. */
#include "prep/prep_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct level {
    const char *text; /* borrows */
    size_t size;
    uint64_t rows;
    int32_t code;
};

static int compare_texts(const char *a, size_t a_size, const char *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static int compare_bytes(const void *a, const void *b)
{
    const struct level *x = a, *y = b;
    return compare_texts(x->text, x->size, y->text, y->size);
}

static int compare_rows(const void *a, const void *b)
{
    const struct level *x = a, *y = b;
    if (x->rows != y->rows)
        return x->rows > y->rows ? -1 : 1;
    return compare_bytes(a, b);
}

/* The category impute of the column, or NULL. */
static const struct qn_action *fill_action(const struct qn__column *column)
{
    const struct qn_action *action = column->step_count > 0 ? column->steps[0].action : NULL;
    return column->imputes ? action : NULL;
}

/* Levels that occur, most frequent first, missing cells put where the impute puts them; returns
 * their number. `levels` has room for one more than the dictionary. */
static size_t count_levels(struct qn__column *column, const struct qn__codes *codes,
                           size_t row_count, struct level *levels)
{
    size_t count = codes->dictionary->count, used = 0;
    column->missing_rows = 0;
    for (size_t c = 0; c < count; c++) {
        levels[c] = (struct level){.code = (int32_t)c};
        levels[c].text = qn_dictionary_text(codes->dictionary, (int32_t)c, &levels[c].size);
    }
    for (size_t i = 0; i < row_count; i++) {
        if (codes->codes[i] >= 0)
            levels[codes->codes[i]].rows++;
        else
            column->missing_rows++;
    }
    const struct qn_action *fill = fill_action(column);
    if (fill && strcmp(qn__option_text(fill, "with"), "constant") == 0) {
        struct level constant = {.text = json_string_value(qn__option(fill, "value")),
                                 .rows = column->missing_rows};
        constant.size = strlen(constant.text);
        size_t same = 0;
        while (same < count && compare_bytes(&levels[same], &constant) != 0)
            same++;
        if (same < count)
            levels[same].rows += constant.rows;
        else
            levels[count++] = constant;
    }
    for (size_t c = 0; c < count; c++) {
        if (levels[c].rows > 0)
            levels[used++] = levels[c];
    }
    qsort(levels, used, sizeof(*levels), compare_rows);
    if (fill && strcmp(qn__option_text(fill, "with"), "mode") == 0 && used > 0)
        levels[0].rows += column->missing_rows;
    return used;
}

/* Where missing cells go: a level, unseen when training never used the constant. */
static int32_t find_fill(const struct qn__column *column, const struct level *levels, size_t count)
{
    const struct qn_action *fill = fill_action(column);
    if (!fill)
        return QN_LEVEL_MISSING;
    if (strcmp(qn__option_text(fill, "with"), "mode") == 0)
        return count > 0 ? 0 : QN_LEVEL_MISSING;
    const char *text = json_string_value(qn__option(fill, "value"));
    for (size_t c = 0; c < count; c++) {
        if (compare_texts(levels[c].text, levels[c].size, text, strlen(text)) == 0)
            return (int32_t)c;
    }
    return QN_LEVEL_UNSEEN;
}

static enum qn_status keep_levels(struct qn__column *column, const struct level *levels,
                                  size_t count, struct qn_error *err)
{
    size_t bytes = 0;
    for (size_t c = 0; c < count; c++)
        bytes += levels[c].size;
    struct qn_dictionary *dictionary = &column->levels;
    dictionary->offsets = QN_ALLOC(uint64_t, count + 1);
    dictionary->bytes = QN_ALLOC(char, bytes + 1);
    column->level_rows = QN_ALLOC(uint64_t, count);
    if (!dictionary->offsets || !dictionary->bytes || !column->level_rows)
        return qn_fail_nomem(err, "prepare");
    dictionary->offsets[0] = 0;
    for (size_t c = 0; c < count; c++) {
        uint64_t at = dictionary->offsets[c];
        memcpy(dictionary->bytes + at, levels[c].text, levels[c].size);
        dictionary->offsets[c + 1] = at + levels[c].size;
        column->level_rows[c] = levels[c].rows;
    }
    dictionary->count = count;
    bool unique = false;
    return qn__levels_sort(column, &unique, err);
}

enum qn_status qn__levels_fit(struct qn__column *column, const struct qn__codes *codes,
                              size_t row_count, struct qn_error *err)
{
    struct level *levels = QN_ALLOC(struct level, codes->dictionary->count + 1);
    if (!levels)
        return qn_fail_nomem(err, "prepare");
    size_t count = count_levels(column, codes, row_count, levels);
    column->fill = find_fill(column, levels, count);
    enum qn_status status = keep_levels(column, levels, count, err);
    qn_free(levels);
    return status;
}

enum qn_status qn__levels_sort(struct qn__column *column, bool *unique_out, struct qn_error *err)
{
    size_t count = column->levels.count;
    struct level *levels = QN_ALLOC(struct level, count);
    column->sorted = QN_ALLOC(int32_t, count);
    if (!levels || !column->sorted) {
        qn_free(levels);
        return qn_fail_nomem(err, "prepare");
    }
    for (size_t c = 0; c < count; c++) {
        levels[c] = (struct level){.code = (int32_t)c};
        levels[c].text = qn_dictionary_text(&column->levels, (int32_t)c, &levels[c].size);
    }
    qsort(levels, count, sizeof(*levels), compare_bytes);
    *unique_out = true;
    for (size_t i = 0; i < count; i++) {
        column->sorted[i] = levels[i].code;
        if (i > 0 && compare_bytes(&levels[i - 1], &levels[i]) == 0)
            *unique_out = false;
    }
    qn_free(levels);
    return QN_OK;
}

static int32_t find_level(const struct qn__column *column, const char *text, size_t size)
{
    size_t low = 0, high = column->levels.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2, level_size = 0;
        int32_t level = column->sorted[middle];
        const char *level_text = qn_dictionary_text(&column->levels, level, &level_size);
        int order = compare_texts(text, size, level_text, level_size);
        if (order == 0)
            return level;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return QN_LEVEL_UNSEEN;
}

enum qn_status qn__levels_map(const struct qn__column *column, struct qn__codes *codes,
                              size_t row_count, size_t *unseen_out, struct qn_error *err)
{
    size_t count = codes->dictionary->count, unseen = 0;
    int32_t *map = QN_ALLOC(int32_t, count);
    if (!map)
        return qn_fail_nomem(err, "prepare");
    for (size_t c = 0; c < count; c++) {
        size_t size = 0;
        const char *text = qn_dictionary_text(codes->dictionary, (int32_t)c, &size);
        map[c] = find_level(column, text, size);
    }
    for (size_t i = 0; i < row_count; i++) {
        int32_t code = codes->codes[i];
        codes->codes[i] = code < 0 ? column->fill : map[code];
        unseen += code >= 0 && map[code] == QN_LEVEL_UNSEEN ? 1 : 0;
    }
    qn_free(map);
    *unseen_out = unseen;
    return QN_OK;
}

/* Ranks by a given list: levels that are not on it share the rank behind. */
static enum qn_status rank_given(const struct qn__column *column, struct qn__step *step,
                                 struct qn_error *err)
{
    const json_t *order = qn__option(step->action, "order");
    size_t listed = json_array_size(order);
    for (size_t c = 0; c < column->levels.count; c++)
        step->numbers[c] = (double)listed;
    size_t found = 0;
    for (size_t i = 0; i < listed; i++) {
        const char *text = json_string_value(json_array_get(order, i));
        int32_t level = find_level(column, text, strlen(text));
        if (level >= 0) {
            step->numbers[level] = (double)i;
            found++;
        }
    }
    if (found == column->levels.count)
        return QN_OK;
    for (size_t c = 0; c < column->levels.count; c++) {
        size_t size = 0;
        if (step->numbers[c] < (double)listed)
            continue;
        const char *text = qn_dictionary_text(&column->levels, (int32_t)c, &size);
        return qn_fail(err, QN_INVALID,
                       "column '%s': level '%.*s' is not in the order that the recipe gives",
                       column->recipe->name, (int)(size < 60 ? size : 60), text);
    }
    return QN_OK;
}

enum qn_status qn__ordinal_fit(const struct qn__column *column, struct qn__step *step,
                               struct qn_error *err)
{
    const char *by = qn__option_text(step->action, "by");
    if (strcmp(by, "given") == 0)
        return rank_given(column, step, err);
    bool by_name = strcmp(by, "name") == 0;
    for (size_t i = 0; i < column->levels.count; i++)
        step->numbers[by_name ? (size_t)column->sorted[i] : i] = (double)i;
    return QN_OK;
}

void qn__frequency_fit(const struct qn__column *column, struct qn__step *step, size_t row_count)
{
    double rows = row_count > 0 ? (double)row_count : 1;
    size_t count = column->levels.count;
    for (size_t c = 0; c < count; c++)
        step->numbers[c] = (double)column->level_rows[c] / rows;
    /* Imputed ones are among their level already. */
    step->numbers[count] = column->imputes ? 0 : (double)column->missing_rows / rows;
}

struct qn__one_hot qn__one_hot_layout(const struct qn__column *column,
                                      const struct qn_action *action)
{
    size_t limit = (size_t)qn__option_number(action, "max_levels"), count = column->levels.count;
    struct qn__one_hot layout = {.kept = count < limit ? count : limit, .other = -1, .missing = -1};
    /* A single level keeps its column: without it the others could not be told from it. */
    if (strcmp(qn__option_text(action, "drop"), "first") == 0 && count > 1)
        layout.first = 1;
    layout.count = layout.kept - layout.first;
    if (count > limit)
        layout.other = (ptrdiff_t)layout.count++;
    if (column->missing_rows > 0 && !column->imputes)
        layout.missing = (ptrdiff_t)layout.count++;
    return layout;
}

static void encode_one_hot(const struct qn__column *column, const struct qn__step *step,
                           const int32_t *levels, size_t row_count, double *const *out)
{
    struct qn__one_hot layout = qn__one_hot_layout(column, step->action);
    assert(layout.count == step->output_count);
    for (size_t j = 0; j < layout.count; j++) {
        /* Levels from..to have column j; unseen ones count as others, of no column if there is
         * none. */
        int32_t from = (int32_t)(layout.first + j), to = from;
        if ((ptrdiff_t)j == layout.missing) {
            from = to = QN_LEVEL_MISSING;
        } else if ((ptrdiff_t)j == layout.other) {
            from = (int32_t)layout.kept;
            to = INT32_MAX;
        }
        int32_t unseen = (ptrdiff_t)j == layout.other ? QN_LEVEL_UNSEEN : from;
        for (size_t i = 0; i < row_count; i++) {
            int32_t level = levels[i];
            out[j][i] = (((level >= from) & (level <= to)) | (level == unseen)) != 0;
        }
    }
}

void qn__levels_encode(const struct qn__column *column, const struct qn__step *step,
                       const int32_t *levels, size_t row_count, double *const *out)
{
    enum qn_action_kind kind = step->action->kind;
    size_t count = column->levels.count;
    if (kind == QN_ACTION_ONE_HOT) {
        encode_one_hot(column, step, levels, row_count, out);
        return;
    }
    for (size_t j = 0; j < step->output_count; j++) {
        const double *numbers = step->numbers;
        double missing = NAN, unseen = -1;
        if (kind == QN_ACTION_FREQUENCY) {
            missing = numbers[count];
            unseen = 0;
        } else if (kind == QN_ACTION_TARGET) {
            numbers += j * (count + 2);
            missing = numbers[count];
            unseen = numbers[count + 1];
        }
        for (size_t i = 0; i < row_count; i++) {
            int32_t level = levels[i];
            out[j][i] = level >= 0 ? numbers[level] : level == QN_LEVEL_MISSING ? missing : unseen;
        }
    }
}
