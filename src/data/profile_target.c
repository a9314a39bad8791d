/* Which column is likely to be the one to predict, and how well others foretell it alone. */
#include "data/profile_internal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Points; a column is suggested from QN_SCORE_ENOUGH, and the first of those with most points. */
#define QN_SCORE_NAME 5      /* means "the target" and nothing else */
#define QN_SCORE_WORD 4      /* is what data sets of some field predict */
#define QN_SCORE_WORD_LAST 3 /* ends in such a word: "median_house_value" */
#define QN_SCORE_NAME_PART 2 /* has a word for the target in it: "passengerClass" */
#define QN_SCORE_LAST 2      /* where most files have it */
#define QN_SCORE_FIRST 1
#define QN_SCORE_CLASSES 2 /* 2 to 20 values */
#define QN_SCORE_NUMBER 1  /* a measurement: regression */
#define QN_SCORE_GAPS (-1) /* some values are missing */
#define QN_SCORE_ENOUGH 4
#define QN_CLASSES_MAX 20
#define QN_MISSING_SHARE_MAX 0.3 /* a target is rarely missing more often */
#define QN_NAME_SIZE 64

static const char *const target_names[] = {"target",  "label",   "class",     "y",
                                           "outcome", "labels",  "response",  "groundtruth",
                                           "classes", "targets", "dependent", "truth"};

static const char *const target_words[] = {
    "survived",  "survival",   "churn",       "churned",    "price",    "species",   "default",
    "defaulted", "fraud",      "diagnosis",   "quality",    "income",   "salary",    "attrition",
    "exited",    "approved",   "converted",   "conversion", "clicked",  "purchased", "cancelled",
    "canceled",  "medv",       "mpg",         "charges",    "sales",    "revenue",   "demand",
    "rating",    "score",      "result",      "win",        "winner",   "passed",    "grade",
    "spam",      "sentiment",  "malignant",   "readmitted", "disease",  "deposit",   "subscribed",
    "stroke",    "death",      "died",        "failure",    "failed",   "delayed",   "strength",
    "saleprice", "housevalue", "toxic",       "poisonous",  "earnings", "cost",      "value",
    "count",     "cnt",        "progression", "variety",
};

static bool in_list(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, list[i]) == 0)
            return true;
    }
    return false;
}

#define QN_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Points of a name: "median_house_value", "SalePrice", "loan-default?" are lower-case words between
 * other characters and at capitals. */
static int name_score(const char *name)
{
    char whole[QN_NAME_SIZE], word[QN_NAME_SIZE], first[QN_NAME_SIZE] = "";
    size_t whole_size = 0, word_size = 0;
    word[0] = '\0';
    for (const char *at = name; *at && whole_size + 1 < QN_NAME_SIZE; at++) {
        unsigned char c = (unsigned char)*at;
        bool starts = at == name || !isalnum((unsigned char)at[-1]) ||
                      (c >= 'A' && c <= 'Z' && at[-1] >= 'a' && at[-1] <= 'z');
        if (!isalnum(c))
            continue;
        if (starts) {
            if (!first[0])
                memcpy(first, word, sizeof(first));
            word_size = 0;
        }
        char lower = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        word[word_size++] = lower;
        word[word_size] = '\0';
        whole[whole_size++] = lower;
    }
    whole[whole_size] = '\0';
    if (in_list(whole, target_names, QN_COUNT_OF(target_names)))
        return QN_SCORE_NAME;
    if (in_list(whole, target_words, QN_COUNT_OF(target_words)))
        return QN_SCORE_WORD;
    if (in_list(word, target_words, QN_COUNT_OF(target_words)))
        return QN_SCORE_WORD_LAST;
    bool last = word[0] && word[1] && in_list(word, target_names, QN_COUNT_OF(target_names));
    bool start = first[0] && first[1] && in_list(first, target_names, QN_COUNT_OF(target_names));
    return last || start ? QN_SCORE_NAME_PART : 0;
}

/* A "y" between an "x" and a "z" is a place or a size, not the answer. */
static bool is_coordinate(const struct qn_table *table, const char *name)
{
    return (strcmp(name, "y") == 0 && qn_table_find(table, "z") >= 0) ||
           (strcmp(name, "Y") == 0 && qn_table_find(table, "Z") >= 0);
}

struct candidate {
    int score;
    int name; /* points of the name alone */
    bool classes;
};

/* Points of one column; a negative score rules it out. */
static struct candidate judge(const struct qn_profile *profile, size_t index)
{
    const struct qn_column_profile *column = &profile->columns[index];
    struct candidate candidate = {.score = -1};
    size_t row_count = profile->table->row_count;
    if (column->distinct < 2 || column->type == QN_TYPE_DATE || column->type == QN_TYPE_DATETIME)
        return candidate;
    if ((double)column->missing > QN_MISSING_SHARE_MAX * (double)row_count)
        return candidate;
    candidate.name = is_coordinate(profile->table, column->name) ? 0 : name_score(column->name);
    candidate.classes = column->type != QN_TYPE_NUMBER && column->distinct <= QN_CLASSES_MAX &&
                        column->distinct * 2 <= column->count;
    bool coded = qn_type_is_coded(column->type);
    /* Names of rows, and free text, are not predicted. A number that never repeats may be. */
    if (coded && !candidate.classes && (candidate.name == 0 || qn__column_is_identifier(column)))
        return candidate;
    if (column->type == QN_TYPE_INTEGER && column->sorted_ascending && column->count > 2 &&
        qn__column_is_identifier(column))
        return candidate;
    candidate.score = candidate.name;
    if (index + 1 == profile->table->column_count && index > 0)
        candidate.score += QN_SCORE_LAST;
    else if (index == 0)
        candidate.score += QN_SCORE_FIRST;
    candidate.score += candidate.classes ? QN_SCORE_CLASSES : coded ? 0 : QN_SCORE_NUMBER;
    candidate.score += column->missing > 0 ? QN_SCORE_GAPS : 0;
    return candidate;
}

static char *explain(const struct qn_profile *profile, size_t index, struct candidate candidate)
{
    const struct qn_column_profile *column = &profile->columns[index];
    char what[64], where[32] = "";
    if (candidate.classes)
        snprintf(what, sizeof(what), "%zu classes", column->distinct);
    else
        snprintf(what, sizeof(what), "%s",
                 qn_type_is_coded(column->type) ? "categories" : "a number");
    if (index + 1 == profile->table->column_count)
        snprintf(where, sizeof(where), "last column, ");
    else if (index == 0)
        snprintf(where, sizeof(where), "first column, ");
    if (candidate.name)
        return qn__text("named '%s', %s%s", column->name, where, what);
    return qn__text("%s%s", where, what);
}

enum qn_status qn__target_suggest(struct qn_profile *profile, struct qn_error *err)
{
    struct candidate best = {.score = QN_SCORE_ENOUGH - 1};
    ptrdiff_t at = -1;
    /* A target needs something to predict it from. */
    for (size_t i = 0; profile->table->column_count > 1 && i < profile->table->column_count; i++) {
        struct candidate candidate = judge(profile, i);
        if (candidate.score > best.score) {
            best = candidate;
            at = (ptrdiff_t)i;
        }
    }
    if (at < 0)
        return QN_OK;
    profile->target_reason = explain(profile, (size_t)at, best);
    if (!profile->target_reason)
        return qn_fail_nomem(err, "profile");
    profile->suggested_target = at;
    return QN_OK;
}

/* The class of each row of a two-class target, 0 or 1, QN__NO_RANK when missing. */
static void target_classes(const struct qn_table *table, const struct qn__facts *facts,
                           const struct qn_column_profile *profile, size_t target,
                           uint32_t *classes)
{
    const struct qn_column *column = &table->columns[target];
    for (size_t row = 0; row < table->row_count; row++) {
        classes[row] = QN__NO_RANK;
        if (qn_type_is_coded(column->type)) {
            unsigned level = facts->level[column->values.code[row] + 1];
            if (level > 0)
                classes[row] = level - 1;
        } else if (!qn_column_is_missing(column, row)) {
            double value = column->type == QN_TYPE_NUMBER ? column->values.number[row]
                                                          : (double)column->values.integer[row];
            if (isfinite(value))
                classes[row] = value > profile->min;
        }
    }
}

struct auc_tasks {
    const struct qn__work *work;
    const uint32_t *classes;
    size_t target;
    struct qn__strength *strength;
};

/* AUC of a column alone (Mann-Whitney U over the number of pairs), whichever way it points. */
static void auc_task(void *context, size_t index, unsigned thread)
{
    const struct auc_tasks *tasks = context;
    const struct qn__work *work = tasks->work;
    const uint32_t *ranks = work->facts[index].ranks;
    if (!ranks || index == tasks->target)
        return;
    struct qn__scratch *scratch = &work->scratch[thread];
    size_t row_count = work->table->row_count;
    size_t kept = qn__rank_again(ranks, tasks->classes, row_count, scratch->ends, scratch->rows);
    double sum = 0, positive = 0;
    for (size_t row = 0; row < row_count; row++) {
        if (scratch->rows[row] == QN__NO_RANK || tasks->classes[row] != 1)
            continue;
        sum += scratch->rows[row] / 2.0;
        positive += 1;
    }
    double negative = (double)kept - positive;
    if (!(positive > 0) || !(negative > 0))
        return;
    double auc = (sum - positive * (positive - 1) / 2) / (positive * negative);
    tasks->strength[index] = (struct qn__strength){auc < 0.5 ? 1 - auc : auc, "AUC", false};
}

static const char *measure_name(enum qn_measure measure)
{
    static const char *const names[] = {"correlation", "rank correlation", "Cramer's V",
                                        "correlation ratio"};
    return names[measure];
}

enum qn_status qn__target_strength(struct qn__work *work, size_t target,
                                   struct qn__strength *strength, struct qn_error *err)
{
    const struct qn_profile *profile = work->profile;
    const struct qn__facts *facts = &work->facts[target];
    for (size_t i = 0; i < work->table->column_count; i++)
        strength[i] = (struct qn__strength){NAN, "", false};
    for (size_t i = 0; i < profile->association_count; i++) {
        const struct qn_association *pair = &profile->associations[i];
        if (pair->a != target && pair->b != target)
            continue;
        size_t other = pair->a == target ? pair->b : pair->a;
        double value = fabs(pair->value);
        if (value > strength[other].value || (isnan(strength[other].value) && !isnan(value)))
            strength[other] = (struct qn__strength){value, measure_name(pair->measure),
                                                    pair->measure == QN_MEASURE_PEARSON ||
                                                        pair->measure == QN_MEASURE_SPEARMAN};
    }
    bool coded = qn_type_is_coded(work->table->columns[target].type);
    if (profile->columns[target].distinct != 2 || profile->columns[target].infinite > 0 ||
        (coded && !facts->level) || (!coded && !facts->numeric))
        return QN_OK;
    uint32_t *classes = QN_ALLOC(uint32_t, work->table->row_count);
    if (!classes)
        return qn_fail_nomem(err, "profile");
    target_classes(work->table, facts, &profile->columns[target], target, classes);
    struct auc_tasks tasks = {work, classes, target, strength};
    qn_pool_run(work->pool, work->table->column_count, auc_task, &tasks);
    qn_free(classes);
    return QN_OK;
}
