/* The recipe that a good practitioner would start from. Each rule leaves its reason, in words and
 * with the numbers that it looked at. */
#include "prep/prep_internal.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define QN_MOSTLY_MISSING 0.95
#define QN_NOTABLE_MISSING 0.01
/* Below, a power costs straight relations more (price by carat, of skewness 1.1) than it gains. */
#define QN_SKEWED 2.0
/* Heavy outliers: an end this many times the span between the 1 % and 99 % quantiles away. */
#define QN_OUTLIER_SPANS 2.0

enum {
    QN_ONE_HOT_LEVELS = 30,
    QN_LONG_WORDS = 10, /* texts of so many words are texts though they come back */
    QN_LEVEL_ROWS = 20, /* levels of fewer rows each are too thin for trees to sort by target */
    QN_IDENTIFIER_ROWS = 10, /* in fewer rows all different values say nothing */
    QN_SEQUENCE_ROWS = 1000, /* a gapless sequence that does not begin at 0 or 1 */
    QN_REASON_SIZE = 400,
};

/* Among the profile's quantiles. */
enum { QN_Q01 = 0, QN_Q99 = 8 };

struct proposal {
    const struct qn_column_profile *profile;
    const struct qn_column *column;
    size_t row_count;
    bool native, supervised;
    json_t *actions;
    bool failed;
    char reason[QN_REASON_SIZE];
};

static void add(struct proposal *p, const char *action)
{
    qn_json_add(p->actions, json_loads(action, 0, NULL), &p->failed);
}

static void say(struct proposal *p, const char *format, ...) QN_PRINTF(2, 3);

static void say(struct proposal *p, const char *format, ...)
{
    size_t size = strlen(p->reason);
    va_list args;
    va_start(args, format);
    vsnprintf(p->reason + size, sizeof(p->reason) - size, format, args);
    va_end(args);
}

static double missing_share(const struct proposal *p)
{
    return p->row_count > 0 ? (double)p->profile->missing / (double)p->row_count : 0;
}

static void drop(struct proposal *p)
{
    json_array_clear(p->actions);
    add(p, "{\"do\":\"drop\"}");
}

/* ---- What a column is ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcasecmp(text + size - end_size, end) == 0;
}

/* "id", "customer_id", "PassengerId", "Unnamed: 0" ... */
static bool name_says_id(const char *name)
{
    static const char *const whole[] = {"id",    "ids", "uuid",   "guid",   "index",
                                        "rowid", "row", "row_no", "rownum", "unnamed: 0"};
    static const char *const ends[] = {"_id", " id", "-id", ".id", "_uuid", "_guid", "_key"};
    for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++) {
        if (strcasecmp(name, whole[i]) == 0)
            return true;
    }
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        if (ends_with(name, ends[i]))
            return true;
    }
    size_t size = strlen(name);
    if (size < 3 || !islower((unsigned char)name[size - 3]))
        return false;
    return strcmp(name + size - 2, "Id") == 0 || strcmp(name + size - 2, "ID") == 0;
}

static bool all_distinct(const struct proposal *p)
{
    return p->profile->distinct == p->profile->count && p->profile->count >= QN_IDENTIFIER_ROWS;
}

/* Whole numbers that name rows: all different, and called so or counting up without a gap. */
static bool is_integer_id(struct proposal *p)
{
    const struct qn_column_profile *profile = p->profile;
    if (profile->type != QN_TYPE_INTEGER || profile->missing > 0 || !all_distinct(p))
        return false;
    if (name_says_id(profile->name)) {
        say(p, "an identifier: all %zu values differ, and its name says so", profile->count);
        return true;
    }
    uint64_t span = (uint64_t)profile->integer_max - (uint64_t)profile->integer_min;
    bool counts = profile->integer_min == 0 || profile->integer_min == 1 ||
                  profile->count >= QN_SEQUENCE_ROWS;
    if (!profile->sorted_ascending || span != profile->count - 1 || !counts)
        return false;
    say(p, "numbers its rows: from %lld to %lld in steps of one", (long long)profile->integer_min,
        (long long)profile->integer_max);
    return true;
}

/* Words, parted by spaces, in the average distinct text. */
static double mean_words(const struct qn_dictionary *dictionary)
{
    double words = 0;
    for (size_t c = 0; c < dictionary->count; c++) {
        size_t size = 0;
        const char *text = qn_dictionary_text(dictionary, (int32_t)c, &size);
        bool inside = false;
        for (size_t i = 0; i < size; i++) {
            bool space = isspace((unsigned char)text[i]);
            words += !space && !inside ? 1 : 0;
            inside = !space;
        }
    }
    return dictionary->count > 0 ? words / (double)dictionary->count : 0;
}

/* ---- Rules by type ---- */

static void say_missing(struct proposal *p)
{
    if (p->profile->missing > 0)
        say(p, "%zu missing (%.3g%%)", p->profile->missing, 100 * missing_share(p));
    else
        say(p, "nothing missing");
}

/* Missing numbers of learners that cannot have them: also when there are none yet. */
static void fill(struct proposal *p, const char *action)
{
    add(p, action);
    if (missing_share(p) > QN_NOTABLE_MISSING)
        add(p, "{\"do\":\"indicator\"}");
}

static void propose_boolean(struct proposal *p)
{
    say(p, "true and false as 1 and 0; ");
    say_missing(p);
    if (!p->native)
        fill(p, "{\"do\":\"impute\",\"with\":\"mode\"}");
}

static void propose_number(struct proposal *p)
{
    const struct qn_column_profile *profile = p->profile;
    if (p->native) {
        say(p, "numbers as they are; ");
        say_missing(p);
        return;
    }
    say_missing(p);
    bool any = profile->missing > 0 || profile->infinite > 0;
    say(p, "%s", any ? ", filled with the median" : " yet: if ever, the median");
    if (profile->infinite > 0)
        say(p, " like the %zu infinite values", profile->infinite);
    fill(p, "{\"do\":\"impute\",\"with\":\"median\"}");
    double span = profile->quantiles[QN_Q99] - profile->quantiles[QN_Q01];
    double past =
        fmax(profile->max - profile->quantiles[QN_Q99], profile->quantiles[QN_Q01] - profile->min);
    if (profile->min >= 0 && profile->distinct > 2 && profile->skewness > QN_SKEWED) {
        say(p, "; skewed (%.3g), so made more symmetric", profile->skewness);
        add(p, "{\"do\":\"power\",\"how\":\"yeo_johnson\"}");
    } else if (profile->outliers > 0 && span > 0 && past > QN_OUTLIER_SPANS * span) {
        say(p, "; %zu outliers, of which the largest are far out, so clipped", profile->outliers);
        add(p, "{\"do\":\"clip\",\"quantiles\":[0.01,0.99]}");
    }
    say(p, "; scaled to mean 0 and deviation 1");
    add(p, "{\"do\":\"scale\",\"how\":\"standard\"}");
}

/* Trees order levels by their mean target in the node itself. Among many levels of few rows that
 * order is noise learnt by heart; means out of fold, drawn towards the common one, are not. */
static bool has_thin_levels(const struct proposal *p)
{
    size_t distinct = p->profile->distinct;
    return distinct > QN_ONE_HOT_LEVELS && p->profile->count / distinct < QN_LEVEL_ROWS;
}

static void propose_category(struct proposal *p)
{
    size_t distinct = p->profile->distinct;
    if (p->native && p->supervised && has_thin_levels(p)) {
        say(p,
            "%zu levels of %.3g rows on average, too few to learn from each: each becomes its "
            "mean of the target",
            distinct, (double)p->profile->count / (double)distinct);
        add(p, "{\"do\":\"target\"}");
        return;
    }
    if (p->native) {
        say(p, "%zu levels, which the learner splits itself", distinct);
        add(p, "{\"do\":\"levels\"}");
        return;
    }
    if (distinct <= QN_ONE_HOT_LEVELS) {
        say(p, "%zu levels, a column each%s", distinct,
            p->supervised && distinct > 1 ? " but for the most frequent, which the others are "
                                            "compared with"
                                          : "");
        add(p, p->supervised ? "{\"do\":\"one_hot\",\"max_levels\":30,\"drop\":\"first\"}"
                             : "{\"do\":\"one_hot\",\"max_levels\":30}");
        return;
    }
    if (p->supervised) {
        say(p, "%zu levels, too many for a column each: each becomes its mean of the target",
            distinct);
        add(p, "{\"do\":\"target\"}");
    } else {
        say(p, "%zu levels, too many for a column each: each becomes its share of rows", distinct);
        add(p, "{\"do\":\"frequency\"}");
    }
    add(p, "{\"do\":\"scale\",\"how\":\"standard\"}");
}

static void propose_coded(struct proposal *p)
{
    const struct qn_column_profile *profile = p->profile;
    double words = mean_words(&p->column->dictionary);
    if (all_distinct(p) && words < 2) {
        say(p, "an identifier: all %zu values differ", profile->count);
        drop(p);
        return;
    }
    /* Titles that come back are levels, whatever their length. */
    bool varied = profile->distinct * 2 > profile->count;
    bool text = profile->type == QN_TYPE_TEXT && words >= 2 && (varied || words >= QN_LONG_WORDS);
    if (text || (all_distinct(p) && words >= 2) ||
        (varied && words >= 3 && profile->distinct > QN_ONE_HOT_LEVELS)) {
        say(p, "text: %zu different ones of %.3g words on average, hashed to 64 numbers (tf-idf)",
            profile->distinct, words);
        add(p, "{\"do\":\"text\",\"buckets\":64}");
        return;
    }
    propose_category(p);
}

static bool part_varies(const struct qn__cells *cells, enum qn__part part)
{
    double first = NAN;
    for (size_t i = 0; i < cells->row_count; i++) {
        double value = qn__part_value(qn__cells_moment(cells, i), part);
        if (isnan(first))
            first = value;
        else if (!isnan(value) && value != first)
            return true;
    }
    return false;
}

static void propose_date(struct proposal *p)
{
    static const enum qn__part candidates[] = {QN__PART_YEAR,    QN__PART_MONTH, QN__PART_DAY,
                                               QN__PART_WEEKDAY, QN__PART_HOUR,  QN__PART_MINUTE};
    struct qn__cells cells = {.column = p->column, .row_count = p->row_count};
    json_t *parts = json_array();
    say(p, "a date as the parts that vary:");
    for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++) {
        if (!part_varies(&cells, candidates[i]))
            continue;
        const char *name = qn__part_names[candidates[i]];
        say(p, " %s,", name);
        qn_json_add(parts, json_string(name), &p->failed);
    }
    qn_json_add(parts, json_string(qn__part_names[QN__PART_EPOCH_DAYS]), &p->failed);
    say(p, " and the days since 1970; ");
    say_missing(p);
    json_t *action = json_object();
    qn_json_set(action, "do", json_string("date_parts"), &p->failed);
    qn_json_set(action, "parts", parts, &p->failed);
    qn_json_add(p->actions, action, &p->failed);
    if (p->native)
        return;
    fill(p, "{\"do\":\"impute\",\"with\":\"median\"}");
    add(p, "{\"do\":\"scale\",\"how\":\"standard\"}");
}

static void propose_column(struct proposal *p)
{
    const struct qn_column_profile *profile = p->profile;
    if (profile->count == 0 || missing_share(p) > QN_MOSTLY_MISSING) {
        say(p, "%.3g%% of its values are missing", 100 * missing_share(p));
        drop(p);
        return;
    }
    if (profile->distinct <= 1 && profile->missing == 0) {
        say(p, "constant: it has one value only");
        drop(p);
        return;
    }
    if (is_integer_id(p)) {
        drop(p);
        return;
    }
    switch (qn__stream_of(profile->type)) {
    case QN__STREAM_NUMBER:
        if (profile->type == QN_TYPE_BOOLEAN)
            propose_boolean(p);
        else
            propose_number(p);
        break;
    case QN__STREAM_DATE:
        propose_date(p);
        break;
    default:
        propose_coded(p);
        break;
    }
}

/* The column's proposal as the JSON of a recipe's column. */
static json_t *proposal_json(struct proposal *p)
{
    json_t *object = json_object();
    p->actions = json_array();
    propose_column(p);
    qn_json_set(object, "name", json_string(p->profile->name), &p->failed);
    qn_json_set(object, "type", json_string(qn_type_name(p->profile->type)), &p->failed);
    if (p->column->format && qn__stream_of(p->profile->type) == QN__STREAM_DATE)
        qn_json_set(object, "format", json_string(p->column->format), &p->failed);
    qn_json_set(object, "actions", p->actions, &p->failed);
    qn_json_set(object, "reason", json_string(p->reason), &p->failed);
    return object;
}

enum qn_status qn_recipe_propose(const struct qn_profile *profile, const char *const *excluded,
                                 size_t excluded_count, bool native, bool supervised,
                                 struct qn_recipe **out, struct qn_error *err)
{
    const struct qn_table *table = profile->table;
    struct qn_lookup *lookup = NULL;
    json_t *columns = json_array(), *recipe = NULL;
    bool failed = !columns;
    enum qn_status status = qn_lookup_create(&lookup, err);
    for (size_t i = 0; status == QN_OK && i < excluded_count; i++) {
        int32_t code;
        status = qn_lookup_add(lookup, excluded[i], strlen(excluded[i]), &code, err);
    }
    if (status != QN_OK)
        goto done;
    for (size_t i = 0; i < table->column_count && !failed; i++) {
        const char *name = table->columns[i].name;
        if (qn_lookup_find(lookup, name, strlen(name)) >= 0)
            continue;
        struct proposal p = {.profile = &profile->columns[i],
                             .column = &table->columns[i],
                             .row_count = table->row_count,
                             .native = native,
                             .supervised = supervised};
        qn_json_add(columns, proposal_json(&p), &failed);
        failed = failed || p.failed;
    }
    recipe = json_object();
    qn_json_set(recipe, "version", json_integer(1), &failed);
    qn_json_set(recipe, "columns", json_incref(columns), &failed);
    status = failed ? qn_fail_nomem(err, "recipe")
                    : qn_recipe_from_json(recipe, "proposed recipe", out, err);
done:
    json_decref(recipe);
    json_decref(columns);
    qn_lookup_free(lookup);
    return status;
}
