/* What in a table deserves a second look, with the numbers and what to do. */
#include "data/profile_internal.h"

#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* When each alert fires (also in docs/profile.md). Shares are of all rows, or of the values that
 * are not missing where it says values. */
static const struct {
    size_t values_min;   /* fewer values say nothing of identifiers, imbalance, leakage */
    double missing_info; /* share of rows */
    double missing_warning;
    size_t high_cardinality;   /* distinct values of a category */
    double text_repeats;       /* a text with more distinct values than this share is prose */
    double imbalance;          /* share of values that the commonest one has */
    double imbalance_target;   /* the same, of the target */
    double skewness;           /* absolute */
    double zeros;              /* share of values */
    size_t distinct_min;       /* numbers with fewer distinct values are codes or flags, and */
                               /* neither skewed nor full of zeros nor with outliers */
    double outliers;           /* share of values beyond 3 interquartile ranges */
    double mixed;              /* share of values that are numbers, in a column that is not one */
    double near_duplicate;     /* absolute correlation */
    double leakage;            /* AUC, Cramer's V or correlation ratio with the target */
    double leakage_number;     /* absolute correlation with a target that is a measurement */
    double duplicates_warning; /* share of rows */
} limits = {
    .values_min = 20,
    .missing_info = 0.05,
    .missing_warning = 0.5,
    .high_cardinality = 50,
    .text_repeats = 0.5,
    .imbalance = 0.95,
    .imbalance_target = 0.9,
    .skewness = 3,
    .zeros = 0.5,
    .distinct_min = 10,
    .outliers = 0.01,
    .mixed = 0.5,
    .near_duplicate = 0.999,
    .leakage = 0.99,
    .leakage_number = 0.999,
    .duplicates_warning = 0.1,
};

/* The order of kinds among alerts of one severity. */
static const char *const kinds[] = {
    "leakage", "infinite",       "mixed_types", "constant",          "near_duplicate",
    "missing", "duplicate_rows", "imbalance",   "unique_identifier", "high_cardinality",
    "skewed",  "outliers",       "zeros",
};

struct alerts {
    struct qn_profile *profile;
    size_t capacity;
    bool failed;
};

/* Takes message and action. */
static void raise_alert(struct alerts *alerts, ptrdiff_t column, const char *kind,
                        enum qn_severity severity, char *message, char *action)
{
    struct qn_profile *profile = alerts->profile;
    void *items = profile->alerts;
    if (!message || !action || alerts->failed ||
        qn_grow(&items, &alerts->capacity, profile->alert_count + 1, sizeof(*profile->alerts))) {
        alerts->failed = true;
        qn_free(message);
        qn_free(action);
        return;
    }
    profile->alerts = items;
    profile->alerts[profile->alert_count++] =
        (struct qn_alert){column, kind, severity, message, action};
}

#define QN_SHARE_TEXT 16
#define QN_VALUE_COLUMNS 40 /* longer values are cut in messages */
#define QN_VALUE_TEXT 256

/* "98.2%"; never rounds to 0 or 100 what is neither. */
static const char *share_text(double share, char text[QN_SHARE_TEXT])
{
    double percent = share * 100;
    if (percent > 99.9 && percent < 100)
        return "over 99.9%";
    if (percent > 0 && percent < 0.1)
        return "under 0.1%";
    snprintf(text, QN_SHARE_TEXT, percent >= 100 ? "%.0f%%" : "%.1f%%", percent);
    return text;
}

static void alert_missing(struct alerts *alerts, size_t index)
{
    const struct qn_profile *profile = alerts->profile;
    const struct qn_column_profile *column = &profile->columns[index];
    size_t row_count = profile->table->row_count;
    double share = (double)column->missing / (double)row_count;
    char percent[QN_SHARE_TEXT], missing[QN_NUMBER_TEXT_SIZE], rows[QN_NUMBER_TEXT_SIZE];
    if (row_count == 0 || !(share > limits.missing_info))
        return;
    if (column->count == 0) {
        raise_alert(alerts, (ptrdiff_t)index, "missing", QN_SEVERITY_WARNING,
                    qn__text("'%s' has no values at all", column->name),
                    qn_strdup("Drop the column, or look at how the file was written."));
        return;
    }
    bool most = share > limits.missing_warning;
    qn_format_count(column->missing, missing);
    qn_format_count(row_count, rows);
    raise_alert(alerts, (ptrdiff_t)index, "missing", most ? QN_SEVERITY_WARNING : QN_SEVERITY_INFO,
                qn__text("'%s' is missing in %s of %s rows (%s)", column->name, missing, rows,
                         share_text(share, percent)),
                qn_strdup(most ? "Drop the column, or keep only a flag that says whether it is "
                                 "there."
                               : "Trees take it as it is; the recipe fills it in for other "
                                 "learners. Ask why it is missing."));
}

static void alert_constant(struct alerts *alerts, size_t index)
{
    const struct qn_column_profile *column = &alerts->profile->columns[index];
    if (column->distinct != 1 || alerts->profile->table->row_count < 2)
        return;
    char value[QN_VALUE_TEXT];
    qn_text_fit(column->top_count ? column->top[0].text : "infinite", QN_VALUE_COLUMNS, value,
                sizeof(value));
    raise_alert(
        alerts, (ptrdiff_t)index, "constant", QN_SEVERITY_WARNING,
        column->missing ? qn__text("'%s' is '%s' wherever it is not missing", column->name, value)
                        : qn__text("'%s' is '%s' in every row", column->name, value),
        qn_strdup(column->missing ? "Drop it, or keep only a flag that says whether it is there."
                                  : "Drop it: a column that never changes explains nothing."));
}

/* A word "id", "key", "code", "uuid", "no" or "number" in the name. */
static bool named_like_identifier(const char *name)
{
    static const char *const words[] = {"id",   "uuid",   "guid", "key",     "index",
                                        "code", "number", "nr",   "rownames"};
    char word[16];
    size_t size = 0;
    for (const char *at = name;; at++) {
        unsigned char c = (unsigned char)*at;
        bool capital = c >= 'A' && c <= 'Z' && at > name && at[-1] >= 'a' && at[-1] <= 'z';
        if (!isalnum(c) || capital) {
            for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                if (size == strlen(words[i]) && memcmp(word, words[i], size) == 0)
                    return true;
            }
            size = 0;
        }
        if (!c)
            return false;
        if (isalnum(c) && size < sizeof(word))
            word[size++] = (char)tolower(c);
    }
}

static void alert_identifier(struct alerts *alerts, size_t index)
{
    const struct qn_column_profile *column = &alerts->profile->columns[index];
    if (column->count < limits.values_min || !qn__column_is_identifier(column))
        return;
    /* Whole numbers may all differ and still measure something: prices, populations. */
    bool whole = column->type == QN_TYPE_INTEGER;
    bool sure = !whole || column->sorted_ascending || named_like_identifier(column->name) ||
                column->max - column->min < 2.0 * (double)column->count;
    char count[QN_NUMBER_TEXT_SIZE];
    qn_format_count(column->count, count);
    raise_alert(alerts, (ptrdiff_t)index, "unique_identifier",
                sure ? QN_SEVERITY_WARNING : QN_SEVERITY_INFO,
                qn__text("all %s values of '%s' differ", count, column->name),
                qn_strdup(whole ? "Drop it if it only names the rows: a model would learn them by "
                                  "heart."
                                : "Drop it, or use the words in it: a value that never comes back "
                                  "predicts nothing."));
}

static void alert_cardinality(struct alerts *alerts, size_t index)
{
    const struct qn_column_profile *column = &alerts->profile->columns[index];
    if (!qn_type_is_coded(column->type) || column->distinct <= limits.high_cardinality ||
        qn__column_is_identifier(column))
        return;
    if (column->type == QN_TYPE_TEXT &&
        (double)column->distinct > limits.text_repeats * (double)column->count)
        return;
    char distinct[QN_NUMBER_TEXT_SIZE], count[QN_NUMBER_TEXT_SIZE];
    qn_format_count(column->distinct, distinct);
    qn_format_count(column->count, count);
    raise_alert(alerts, (ptrdiff_t)index, "high_cardinality", QN_SEVERITY_INFO,
                qn__text("'%s' has %s different values in %s", column->name, distinct, count),
                qn_strdup("Encode it by target or frequency rather than one column a value, or "
                          "group the rare ones."));
}

static void alert_imbalance(struct alerts *alerts, size_t index)
{
    const struct qn_column_profile *column = &alerts->profile->columns[index];
    bool target = alerts->profile->target == (ptrdiff_t)index;
    bool classes = column->type == QN_TYPE_BOOLEAN || qn_type_is_coded(column->type) ||
                   (target && column->type == QN_TYPE_INTEGER && column->distinct <= 20);
    if (!classes || column->distinct < 2 || column->count < limits.values_min ||
        column->top_count == 0)
        return;
    double share = (double)column->top[0].count / (double)column->count;
    if (!(share > (target ? limits.imbalance_target : limits.imbalance)))
        return;
    char percent[QN_SHARE_TEXT], value[QN_VALUE_TEXT];
    qn_text_fit(column->top[0].text, QN_VALUE_COLUMNS, value, sizeof(value));
    raise_alert(alerts, (ptrdiff_t)index, "imbalance",
                target ? QN_SEVERITY_WARNING : QN_SEVERITY_INFO,
                qn__text("%s of '%s' is '%s'", share_text(share, percent), column->name, value),
                qn_strdup(target ? "Judge models by balanced accuracy or PR AUC, and weigh the "
                                   "classes: always guessing the common one looks right."
                                 : "Check that the rare values are meant; it may explain little."));
}

static void alert_shape(struct alerts *alerts, size_t index)
{
    const struct qn_column_profile *column = &alerts->profile->columns[index];
    if (column->type != QN_TYPE_INTEGER && column->type != QN_TYPE_NUMBER)
        return;
    char text[QN_NUMBER_TEXT_SIZE], percent[QN_SHARE_TEXT];
    double finite = (double)(column->count - column->infinite);
    if (column->infinite > 0) {
        qn_format_count(column->infinite, text);
        raise_alert(alerts, (ptrdiff_t)index, "infinite", QN_SEVERITY_WARNING,
                    qn__text("'%s' has %s infinite value%s", column->name, text,
                             column->infinite == 1 ? "" : "s"),
                    qn_strdup("Find the division or overflow that made them, or set them to "
                              "missing."));
    }
    if (column->distinct <= limits.distinct_min)
        return;
    double zeros = (double)column->zeros / finite;
    char low[QN_NUMBER_TEXT_SIZE], high[QN_NUMBER_TEXT_SIZE];
    if (fabs(column->skewness) > limits.skewness) {
        qn_format_human(column->quantiles[4], low);
        qn_format_human(column->skewness > 0 ? column->max : column->min, high);
        raise_alert(alerts, (ptrdiff_t)index, "skewed", QN_SEVERITY_INFO,
                    qn__text("'%s' is skewed (%.1f): half of it is %s %s, yet it reaches %s",
                             column->name, column->skewness,
                             column->skewness > 0 ? "at most" : "at least", low, high),
                    qn_strdup("Take its logarithm or a power transform for linear models and "
                              "k-means; trees do not mind."));
    } else if ((double)column->outliers > limits.outliers * finite && !(zeros > limits.zeros)) {
        /* Among mostly zeros everything else would be one. */
        qn_format_count(column->outliers, text);
        raise_alert(alerts, (ptrdiff_t)index, "outliers", QN_SEVERITY_INFO,
                    qn__text("%s values of '%s' (%s) lie far outside the middle half", text,
                             column->name, share_text((double)column->outliers / finite, percent)),
                    qn_strdup("Check that they are real; clip them or scale robustly for linear "
                              "models and k-means."));
    }
    if (zeros > limits.zeros)
        raise_alert(alerts, (ptrdiff_t)index, "zeros", QN_SEVERITY_INFO,
                    qn__text("%s of '%s' is zero", share_text(zeros, percent), column->name),
                    qn_strdup("Check that zero means none and not unknown."));
}

/* The first value of a coded column that is not a number. */
static void odd_value(const struct qn_column *column, char *out, size_t out_size)
{
    out[0] = '\0';
    for (size_t code = 0; code < column->dictionary.count; code++) {
        size_t size;
        double number;
        const char *text = qn_dictionary_text(&column->dictionary, (int32_t)code, &size);
        if (qn_parse_double(text, size, &number))
            continue;
        char whole[QN_VALUE_TEXT];
        size = size < sizeof(whole) ? size : sizeof(whole) - 1;
        memcpy(whole, text, size);
        whole[qn_utf8_check(whole, size)] = '\0'; /* Not half a character at the cut. */
        qn_text_fit(whole, QN_VALUE_COLUMNS, out, out_size);
        return;
    }
}

static void alert_mixed(struct alerts *alerts, size_t index)
{
    const struct qn_column_profile *column = &alerts->profile->columns[index];
    if (!qn_type_is_coded(column->type) || column->numeric_looking == column->count ||
        !((double)column->numeric_looking > limits.mixed * (double)column->count))
        return;
    char numbers[QN_NUMBER_TEXT_SIZE], count[QN_NUMBER_TEXT_SIZE], odd[QN_VALUE_TEXT];
    qn_format_count(column->numeric_looking, numbers);
    qn_format_count(column->count, count);
    odd_value(&alerts->profile->table->columns[index], odd, sizeof(odd));
    raise_alert(alerts, (ptrdiff_t)index, "mixed_types", QN_SEVERITY_WARNING,
                qn__text("%s of %s values of '%s' are numbers, but not '%s'", numbers, count,
                         column->name, odd),
                qn__text("If the others mean missing, add them to the missing tokens, or force "
                         "the type with --types '%s=number'.",
                         column->name));
}

static void alert_rows(struct alerts *alerts)
{
    const struct qn_profile *profile = alerts->profile;
    size_t repeated = profile->duplicate_rows, row_count = profile->table->row_count;
    if (repeated == 0)
        return;
    double share = (double)repeated / (double)row_count;
    char text[QN_NUMBER_TEXT_SIZE], rows[QN_NUMBER_TEXT_SIZE], percent[QN_SHARE_TEXT];
    qn_format_count(repeated, text);
    qn_format_count(row_count, rows);
    raise_alert(alerts, -1, "duplicate_rows",
                share > limits.duplicates_warning ? QN_SEVERITY_WARNING : QN_SEVERITY_INFO,
                qn__text("%s of %s rows (%s) repeat%s an earlier one", text, rows,
                         share_text(share, percent), repeated == 1 ? "s" : ""),
                qn_strdup("Drop them unless they are separate events: on both sides of a split "
                          "they make a model look better than it is."));
}

static bool same_counts(const struct qn_column_profile *a, const struct qn_column_profile *b)
{
    if (a->distinct != b->distinct || a->missing != b->missing || a->distinct < 2 ||
        a->distinct == a->count || a->top_count != b->top_count)
        return false;
    for (size_t i = 0; i < a->top_count; i++) {
        if (a->top[i].count != b->top[i].count)
            return false;
    }
    return true;
}

enum qn_status qn__column_renames(const struct qn_table *table, size_t a, size_t b, bool *out,
                                  struct qn_error *err)
{
    const struct qn_column *x = &table->columns[a], *y = &table->columns[b];
    /* Where each code goes, plus 1; index 0 is the missing one. */
    uint32_t *there = QN_CALLOC(uint32_t, x->dictionary.count + 1);
    uint32_t *back = QN_CALLOC(uint32_t, y->dictionary.count + 1);
    enum qn_status status = QN_OK;
    if (!there || !back) {
        status = qn_fail_nomem(err, "profile");
        goto done;
    }
    there[0] = back[0] = 1;
    bool same = true;
    for (size_t row = 0; row < table->row_count && same; row++) {
        uint32_t from = (uint32_t)(x->values.code[row] + 1),
                 to = (uint32_t)(y->values.code[row] + 1);
        if (!there[from] && !back[to]) {
            there[from] = to + 1;
            back[to] = from + 1;
        }
        same = there[from] == to + 1 && back[to] == from + 1;
    }
    *out = same;
done:
    qn_free(there);
    qn_free(back);
    return status;
}

static void repeats(struct alerts *alerts, size_t column, size_t of, double correlation)
{
    const struct qn_column_profile *columns = alerts->profile->columns;
    char *message = isnan(correlation) ? qn__text("'%s' says the same as '%s' in other words",
                                                  columns[column].name, columns[of].name)
                    : fabs(correlation) == 1.0
                        ? qn__text("'%s' follows from '%s' (correlation %.0f)",
                                   columns[column].name, columns[of].name, correlation)
                        : qn__text("'%s' nearly repeats '%s' (correlation %.4f)",
                                   columns[column].name, columns[of].name, correlation);
    raise_alert(
        alerts, (ptrdiff_t)column, "near_duplicate", QN_SEVERITY_WARNING, message,
        qn__text("Keep one of the two: '%s' or '%s'.", columns[of].name, columns[column].name));
}

/* Each column is said to repeat at most one earlier column. */
static enum qn_status alert_repeats(struct alerts *alerts, const struct qn__work *work,
                                    struct qn_error *err)
{
    const struct qn_profile *profile = alerts->profile;
    size_t column_count = profile->table->column_count, coded = 0;
    enum qn_status status = QN_OK;
    bool *said = QN_CALLOC(bool, column_count);
    if (!said)
        return qn_fail_nomem(err, "profile");
    for (size_t i = 0; i < profile->association_count; i++) {
        const struct qn_association *pair = &profile->associations[i];
        if (pair->measure != QN_MEASURE_PEARSON || !(fabs(pair->value) > limits.near_duplicate) ||
            said[pair->b] || (ptrdiff_t)pair->a == profile->target ||
            (ptrdiff_t)pair->b == profile->target ||
            work->facts[pair->a].finite < limits.values_min ||
            work->facts[pair->b].finite < limits.values_min)
            continue;
        said[pair->b] = true;
        repeats(alerts, pair->b, pair->a, pair->value);
    }
    for (size_t b = 0; b < column_count && coded < work->options->association_column_limit; b++) {
        if (!qn_type_is_coded(profile->columns[b].type) || (ptrdiff_t)b == profile->target)
            continue;
        coded++;
        bool same = false;
        for (size_t a = 0; a < b && !same && status == QN_OK; a++) {
            if (qn_type_is_coded(profile->columns[a].type) && (ptrdiff_t)a != profile->target &&
                profile->columns[a].count >= limits.values_min &&
                same_counts(&profile->columns[a], &profile->columns[b]))
                status = qn__column_renames(profile->table, a, b, &same, err);
            if (same)
                repeats(alerts, b, a, NAN);
        }
    }
    qn_free(said);
    return status;
}

static enum qn_status alert_leakage(struct alerts *alerts, struct qn__work *work,
                                    struct qn_error *err)
{
    const struct qn_profile *profile = alerts->profile;
    if (profile->target < 0 || profile->columns[profile->target].count < limits.values_min)
        return QN_OK;
    size_t target = (size_t)profile->target;
    struct qn__strength *strength = QN_CALLOC(struct qn__strength, profile->table->column_count);
    if (!strength)
        return qn_fail_nomem(err, "profile");
    enum qn_status status = qn__target_strength(work, target, strength, err);
    for (size_t i = 0; status == QN_OK && i < profile->table->column_count; i++) {
        const struct qn_column_profile *column = &profile->columns[i];
        bool name = qn__column_is_identifier(column) && qn_type_is_coded(column->type);
        double limit = strength[i].linear ? limits.leakage_number : limits.leakage;
        if (i == target || name || column->count < limits.values_min ||
            !(strength[i].value > limit))
            continue;
        raise_alert(alerts, (ptrdiff_t)i, "leakage",
                    work->options->target ? QN_SEVERITY_ERROR : QN_SEVERITY_WARNING,
                    qn__text("'%s' alone gives '%s' away (%s %.3f)", column->name,
                             profile->columns[target].name, strength[i].measure, strength[i].value),
                    qn_strdup("Drop it unless it is known before the moment of prediction."));
    }
    qn_free(strength);
    return status;
}

static size_t kind_order(const char *kind)
{
    size_t i = 0;
    while (strcmp(kinds[i], kind) != 0)
        i++;
    return i;
}

static int compare_alerts(const void *left, const void *right)
{
    const struct qn_alert *a = left, *b = right;
    if (a->severity != b->severity)
        return a->severity > b->severity ? -1 : 1;
    size_t x = kind_order(a->kind), y = kind_order(b->kind);
    if (x != y)
        return x < y ? -1 : 1;
    return a->column < b->column ? -1 : a->column > b->column;
}

enum qn_status qn__alerts_make(struct qn__work *work, struct qn_error *err)
{
    struct alerts alerts = {.profile = work->profile};
    for (size_t i = 0; i < work->table->column_count; i++) {
        alert_missing(&alerts, i);
        alert_constant(&alerts, i);
        alert_identifier(&alerts, i);
        alert_cardinality(&alerts, i);
        alert_imbalance(&alerts, i);
        alert_shape(&alerts, i);
        alert_mixed(&alerts, i);
    }
    alert_rows(&alerts);
    enum qn_status status = alert_repeats(&alerts, work, err);
    if (status == QN_OK)
        status = alert_leakage(&alerts, work, err);
    if (status == QN_OK && alerts.failed)
        status = qn_fail_nomem(err, "profile");
    if (status == QN_OK && work->profile->alert_count > 1)
        qsort(work->profile->alerts, work->profile->alert_count, sizeof(*work->profile->alerts),
              compare_alerts);
    return status;
}
