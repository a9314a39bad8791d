/* Profiles against pandas, numpy and scipy: make_profile.py says what the files hold. Counts are
 * exact; other figures agree to 1e-9 of their size. */
#include "base/alloc.h"
#include "base/file.h"
#include "data/profile.h"

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QN_TOLERANCE 1e-9
#define QN_FILE_MAX ((size_t)16 << 20)

struct words {
    char *at;
};

static char *next_word(struct words *words)
{
    char *word = words->at + strspn(words->at, " \n");
    if (!*word)
        return NULL;
    char *end = word + strcspn(word, " \n");
    words->at = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static size_t next_count(struct words *words)
{
    return (size_t)strtoull(next_word(words), NULL, 10);
}

static double next_double(struct words *words)
{
    return strtod(next_word(words), NULL);
}

static void near(const char *what, const char *name, double value, double expected)
{
    bool both_none = isnan(value) && isnan(expected);
    if (!both_none && !(fabs(value - expected) <= QN_TOLERANCE * fmax(1.0, fabs(expected))))
        fail_msg("%s of %s is %.17g, not %.17g", what, name, value, expected);
}

static void read_column(struct words *words, struct qn_table *table)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_column *column;
    struct qn_lookup *lookup;
    enum qn_type type;
    const char *name = next_word(words);
    assert_true(qn_type_parse(next_word(words), &type));
    assert_int_equal(qn_table_add(table, name, type, &column, &err), QN_OK);
    assert_int_equal(qn_lookup_create(&lookup, &err), QN_OK);
    for (size_t row = 0; row < table->row_count; row++) {
        const char *word = next_word(words);
        bool missing = strcmp(word, "NA") == 0;
        column->missing_count += missing;
        if (type == QN_TYPE_NUMBER)
            column->values.number[row] = missing ? NAN : strtod(word, NULL);
        else if (!qn_type_is_coded(type))
            column->values.integer[row] = missing ? QN_MISSING_INTEGER : strtoll(word, NULL, 10);
        else if (missing)
            column->values.code[row] = QN_MISSING_CODE;
        else
            assert_int_equal(
                qn_lookup_add(lookup, word, strlen(word), &column->values.code[row], &err), QN_OK);
    }
    if (qn_type_is_coded(type))
        assert_int_equal(qn_lookup_take(lookup, &column->dictionary, &err), QN_OK);
    qn_lookup_free(lookup);
}

static const struct qn_column_profile *column_of(const struct qn_profile *profile, const char *name)
{
    ptrdiff_t index = qn_table_find(profile->table, name);
    assert_true(index >= 0);
    return &profile->columns[index];
}

static double figure_of(const struct qn_column_profile *column, const char *key)
{
    for (size_t i = 0; key[0] == 'q' && i < QN_PROFILE_QUANTILES; i++) {
        if (strtod(key + 1, NULL) == qn_profile_quantile_levels[i])
            return column->quantiles[i];
    }
    const struct {
        const char *key;
        double value;
    } figures[] = {
        {"count", (double)column->count},
        {"missing", (double)column->missing},
        {"distinct", (double)column->distinct},
        {"infinite", (double)column->infinite},
        {"zeros", (double)column->zeros},
        {"negatives", (double)column->negatives},
        {"outliers", (double)column->outliers},
        {"min", column->min},
        {"max", column->max},
        {"mean", column->mean},
        {"std", column->std},
        {"skewness", column->skewness},
        {"kurtosis", column->kurtosis},
        {"median_deviation", column->median_deviation},
        {"gap_median", column->gap_median},
        {"gap_max", column->gap_max},
        {"gap_max_at", column->gap_max_at},
        {"entropy", column->entropy},
        {"length_min", (double)column->length_min},
        {"length_max", (double)column->length_max},
        {"length_mean", column->length_mean},
    };
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        if (strcmp(figures[i].key, key) == 0)
            return figures[i].value;
    }
    fail_msg("no figure %s", key);
    return NAN;
}

static void check_figure(struct words *words, const struct qn_profile *profile)
{
    const char *name = next_word(words), *key = next_word(words);
    near(key, name, figure_of(column_of(profile, name), key), next_double(words));
}

static void check_histogram(struct words *words, const struct qn_profile *profile)
{
    const char *name = next_word(words);
    const struct qn_column_profile *column = column_of(profile, name);
    size_t count = next_count(words);
    assert_int_equal(column->bin_count, count);
    for (size_t i = 0; i <= count; i++)
        near("bin edge", name, column->bin_edges[i], next_double(words));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(column->bin_counts[i], next_count(words));
}

static void check_top(struct words *words, const struct qn_profile *profile)
{
    const struct qn_column_profile *column = column_of(profile, next_word(words));
    size_t count = next_count(words);
    assert_int_equal(column->top_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(column->top[i].text, next_word(words));
        assert_int_equal(column->top[i].count, next_count(words));
    }
}

static void check_pair(struct words *words, const struct qn_profile *profile)
{
    static const char *const measures[] = {"pearson", "spearman", "cramer", "eta"};
    const char *a = next_word(words), *b = next_word(words), *measure = next_word(words);
    double expected = next_double(words);
    for (size_t i = 0; i < profile->association_count; i++) {
        const struct qn_association *pair = &profile->associations[i];
        if (strcmp(profile->columns[pair->a].name, a) == 0 &&
            strcmp(profile->columns[pair->b].name, b) == 0 &&
            strcmp(measures[pair->measure], measure) == 0) {
            near(measure, a, pair->value, expected);
            return;
        }
    }
    fail_msg("no %s of %s and %s", measure, a, b);
}

static void check_pattern(struct words *words, const struct qn_profile *profile, size_t index)
{
    assert_in_range(index, 0, profile->pattern_count - 1);
    const struct qn_missing_pattern *pattern = &profile->patterns[index];
    assert_int_equal(pattern->rows, next_count(words));
    assert_int_equal(pattern->column_count, next_count(words));
    for (size_t i = 0; i < pattern->column_count; i++)
        assert_string_equal(profile->columns[pattern->columns[i]].name, next_word(words));
}

static void compare(struct words *words, struct qn_table *table)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_profile *profile = NULL;
    size_t pairs = 0, patterns = 0;
    for (char *word = next_word(words); word; word = next_word(words)) {
        if (strcmp(word, "column") == 0) {
            read_column(words, table);
            continue;
        }
        if (!profile)
            assert_int_equal(qn_profile_make(table, NULL, NULL, &profile, &err), QN_OK);
        if (strcmp(word, "figure") == 0)
            check_figure(words, profile);
        else if (strcmp(word, "histogram") == 0)
            check_histogram(words, profile);
        else if (strcmp(word, "top") == 0)
            check_top(words, profile);
        else if (strcmp(word, "duplicates") == 0)
            assert_int_equal(profile->duplicate_rows, next_count(words));
        else if (strcmp(word, "pattern") == 0)
            check_pattern(words, profile, patterns++);
        else if (strcmp(word, "pair") == 0 && ++pairs)
            check_pair(words, profile);
        else
            fail_msg("unknown word %s", word);
    }
    assert_non_null(profile);
    assert_int_equal(pairs, profile->association_count);
    assert_int_equal(patterns, profile->pattern_count);
    qn_profile_free(profile);
}

static void test_file(void **state)
{
    char path[512], *text;
    size_t size;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table;
    snprintf(path, sizeof(path), "%s/tests/golden/profile/%s.txt", QN_SOURCE_DIR,
             (const char *)*state);
    assert_int_equal(qn_file_read(path, QN_FILE_MAX, &text, &size, &err), QN_OK);
    struct words words = {text};
    assert_string_equal(next_word(&words), "rows");
    assert_int_equal(qn_table_create(*state, next_count(&words), &table, &err), QN_OK);
    compare(&words, table);
    qn_table_free(table);
    qn_free(text);
}

int main(void)
{
    static char few[] = "few", mixed[] = "mixed", many[] = "many";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_file, few),
        cmocka_unit_test_prestate(test_file, mixed),
        cmocka_unit_test_prestate(test_file, many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
