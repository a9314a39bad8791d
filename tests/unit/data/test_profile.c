/* The figures of a profile at their edges; what pandas says of ordinary tables is in tests/golden.
 */
#include "data/profile.h"
#include "profile_support.h"

#include <cmocka.h>

static double association(const struct qn_profile *profile, enum qn_measure measure, size_t a,
                          size_t b)
{
    for (size_t i = 0; i < profile->association_count; i++) {
        const struct qn_association *pair = &profile->associations[i];
        if (pair->measure == measure && pair->a == a && pair->b == b)
            return pair->value;
    }
    fail_msg("no such association");
    return NAN;
}

static void release(struct qn_profile *profile, struct qn_table *table)
{
    json_t *json = qn_profile_json(profile);
    assert_non_null(json);
    json_decref(json);
    qn_profile_free(profile);
    qn_table_free(table);
}

static void test_no_rows(void **state)
{
    (void)state;
    struct qn_table *table = table_new(0);
    add(table, "a", QN_TYPE_NUMBER, "1");
    add(table, "b", QN_TYPE_CATEGORY, "x");
    add(table, "c", QN_TYPE_DATE, "1");
    struct qn_profile *profile = profile_of(table, NULL);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(profile->columns[i].count, 0);
        assert_int_equal(profile->columns[i].distinct, 0);
    }
    assert_true(isnan(profile->columns[0].mean));
    assert_int_equal(profile->alert_count, 0);
    assert_int_equal(profile->pattern_count, 0);
    assert_int_equal(profile->suggested_target, -1);
    release(profile, table);
}

static void test_no_columns(void **state)
{
    (void)state;
    struct qn_table *table = table_new(5);
    struct qn_profile *profile = profile_of(table, NULL);
    assert_int_equal(profile->duplicate_rows, 0);
    assert_int_equal(profile->association_count, 0);
    release(profile, table);
}

static void test_one_row(void **state)
{
    (void)state;
    struct qn_table *table = table_new(1);
    add(table, "a", QN_TYPE_NUMBER, "2.5");
    add(table, "b", QN_TYPE_INTEGER, "7");
    add(table, "c", QN_TYPE_TEXT, "x");
    struct qn_profile *profile = profile_of(table, NULL);
    const struct qn_column_profile *a = &profile->columns[0];
    assert_true(a->min == 2.5 && a->max == 2.5 && a->mean == 2.5 && a->quantiles[0] == 2.5);
    assert_true(isnan(a->std) && isnan(a->skewness) && isnan(a->kurtosis));
    assert_true(a->median_deviation == 0);
    assert_true(isnan(association(profile, QN_MEASURE_PEARSON, 0, 1)));
    assert_true(isnan(association(profile, QN_MEASURE_ETA, 0, 2)));
    assert_int_equal(profile->alert_count, 0);
    release(profile, table);
}

static void test_all_missing(void **state)
{
    (void)state;
    struct qn_table *table = table_new(30);
    add(table, "a", QN_TYPE_NUMBER, "NA");
    add(table, "b", QN_TYPE_INTEGER, "NA");
    add(table, "c", QN_TYPE_CATEGORY, "NA");
    add(table, "d", QN_TYPE_DATETIME, "NA");
    add_rows(table, "e", QN_TYPE_NUMBER, "", 7, 100);
    struct qn_profile *profile = profile_of(table, NULL);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(profile->columns[i].missing, 30);
        assert_int_equal(profile->columns[i].top_count, 0);
        assert_false(profile->columns[i].sorted_ascending);
        assert_non_null(alert_of(profile, "missing", profile->columns[i].name));
    }
    assert_true(isnan(association(profile, QN_MEASURE_SPEARMAN, 0, 4)));
    assert_int_equal(profile->pattern_count, 1);
    assert_int_equal(profile->patterns[0].column_count, 4);
    release(profile, table);
}

static void test_constant(void **state)
{
    (void)state;
    struct qn_table *table = table_new(30);
    add(table, "a", QN_TYPE_NUMBER, "0.1");
    add(table, "b", QN_TYPE_INTEGER, "3");
    add_rows(table, "c", QN_TYPE_NUMBER, "", 1, 100);
    struct qn_profile *profile = profile_of(table, NULL);
    const struct qn_column_profile *a = &profile->columns[0], *b = &profile->columns[1];
    assert_true(a->mean == 0.1 && a->std == 0 && isnan(a->skewness));
    assert_int_equal(a->bin_count, 0);
    assert_int_equal(b->bin_count, 1);
    assert_true(b->bin_edges[0] == 2.5 && b->bin_edges[1] == 3.5 && b->bin_counts[0] == 30);
    assert_true(a->sorted_ascending);
    assert_true(isnan(association(profile, QN_MEASURE_PEARSON, 0, 2)));
    assert_true(isnan(association(profile, QN_MEASURE_SPEARMAN, 0, 2)));
    release(profile, table);
}

static void test_infinite(void **state)
{
    (void)state;
    struct qn_table *table = table_new(6);
    add(table, "a", QN_TYPE_NUMBER, "inf -inf 1 3 NA inf");
    add(table, "b", QN_TYPE_NUMBER, "inf -inf");
    add(table, "huge", QN_TYPE_NUMBER, "1e308 1.5e308 -1e308 1.7e308 1.7e308 1");
    struct qn_profile *profile = profile_of(table, NULL);
    const struct qn_column_profile *a = &profile->columns[0], *b = &profile->columns[1];
    assert_int_equal(a->count, 5);
    assert_int_equal(a->missing, 1);
    assert_int_equal(a->infinite, 3);
    assert_int_equal(a->distinct, 4);
    assert_true(a->min == 1 && a->max == 3 && a->mean == 2);
    assert_int_equal(b->infinite, 6);
    assert_int_equal(b->distinct, 2);
    assert_true(isnan(b->mean));
    /* The sum overflows, the mean does not. */
    assert_true(fabs(profile->columns[2].mean / 8e307 - 1) < 0.05);
    assert_true(isnan(profile->columns[2].std));
    release(profile, table);
}

static void test_zeros(void **state)
{
    (void)state;
    struct qn_table *table = table_new(6);
    add(table, "a", QN_TYPE_NUMBER, "0 -0 0.5 -1 -0 2");
    add(table, "b", QN_TYPE_INTEGER, "1 1 2 3 1 4");
    struct qn_profile *profile = profile_of(table, NULL);
    const struct qn_column_profile *a = &profile->columns[0];
    assert_int_equal(a->zeros, 3);
    assert_int_equal(a->negatives, 1);
    assert_int_equal(a->distinct, 4);
    assert_string_equal(a->top[0].text, "0");
    assert_int_equal(a->top[0].count, 3);
    /* 0 and -0 are one value: rows 2 and 5 repeat the first. */
    assert_int_equal(profile->duplicate_rows, 2);
    release(profile, table);
}

static void test_huge_integers(void **state)
{
    (void)state;
    struct qn_table *table = table_new(4);
    add(table, "a", QN_TYPE_INTEGER,
        "9223372036854775807 9223372036854775806 -9223372036854775807 9223372036854775807");
    add(table, "b", QN_TYPE_INTEGER, "9007199254740992 9007199254740993 NA 9007199254740993");
    struct qn_profile *profile = profile_of(table, NULL);
    const struct qn_column_profile *a = &profile->columns[0], *b = &profile->columns[1];
    assert_int_equal(a->distinct, 3);
    assert_true(a->integer_min == -INT64_MAX && a->integer_max == INT64_MAX);
    assert_string_equal(a->top[0].text, "9223372036854775807");
    assert_int_equal(b->distinct, 2);
    assert_string_equal(b->top[0].text, "9007199254740993");
    json_t *json = qn_profile_json(profile);
    json_t *column = json_array_get(json_object_get(json, "columns"), 1);
    assert_true(json_integer_value(json_object_get(column, "max")) == 9007199254740993);
    json_decref(json);
    release(profile, table);
}

static void test_dates(void **state)
{
    (void)state;
    struct qn_table *table = table_new(6);
    add(table, "day", QN_TYPE_DATE, "10 10 11 13 40 41");
    add(table, "at", QN_TYPE_DATETIME, "5000000 1000000 NA 2000000 9000000 NA");
    struct qn_profile *profile = profile_of(table, NULL);
    const struct qn_column_profile *day = &profile->columns[0], *at = &profile->columns[1];
    assert_true(day->gap_median == 1.5 && day->gap_max == 27 && day->gap_max_at == 13);
    assert_true(day->sorted_ascending);
    assert_true(at->gap_median == 3e6 && at->gap_max == 4e6 && at->gap_max_at == 5e6);
    assert_false(at->sorted_ascending);
    json_t *json = qn_profile_json(profile);
    json_t *column = json_array_get(json_object_get(json, "columns"), 0);
    assert_string_equal(json_string_value(json_object_get(column, "min")), "1970-01-11");
    assert_string_equal(json_string_value(json_object_get(column, "max")), "1970-02-11");
    json_t *gaps = json_object_get(json_array_get(json_object_get(json, "columns"), 1), "gaps");
    assert_true(json_number_value(json_object_get(gaps, "max")) == 4);
    assert_string_equal(json_string_value(json_object_get(gaps, "unit")), "seconds");
    json_decref(json);
    release(profile, table);
}

static void test_texts(void **state)
{
    (void)state;
    struct qn_table *table = table_new(5);
    add(table, "a", QN_TYPE_TEXT, "höhe 東京 12 NA 12");
    struct qn_profile *profile = profile_of(table, NULL);
    const struct qn_column_profile *a = &profile->columns[0];
    assert_int_equal(a->distinct, 3);
    assert_int_equal(a->length_min, 2); /* characters, not bytes */
    assert_int_equal(a->length_max, 4);
    assert_true(a->length_mean == 2.5);
    assert_true(fabs(a->entropy - 1.5) < 1e-12);
    assert_int_equal(a->numeric_looking, 2);
    assert_string_equal(a->top[0].text, "12");
    release(profile, table);
}

/* Codes that no row has, as after taking some rows of a table, do not count. */
static void test_unused_codes(void **state)
{
    (void)state;
    struct qn_table *table = table_new(6), *part;
    add(table, "a", QN_TYPE_CATEGORY, "x y z x y w");
    add(table, "b", QN_TYPE_CATEGORY, "p q p p q r");
    size_t rows[] = {0, 1, 3, 4};
    assert_int_equal(qn_table_take_rows(table, rows, 4, &part, NULL), QN_OK);
    struct qn_profile *profile = profile_of(part, NULL);
    assert_int_equal(profile->columns[0].distinct, 2);
    assert_true(association(profile, QN_MEASURE_CRAMER, 0, 1) == 1);
    assert_int_equal(profile->duplicate_rows, 2);
    qn_table_free(table);
    release(profile, part);
}

static void test_associations(void **state)
{
    (void)state;
    struct qn_table *table = table_new(40);
    add_rows(table, "x", QN_TYPE_NUMBER, "", 7, 40);
    add_rows(table, "same", QN_TYPE_INTEGER, "", 7, 40);
    add_rows(table, "minus", QN_TYPE_NUMBER, "-", 7, 40);
    add_rows(table, "c", QN_TYPE_CATEGORY, "c", 1, 2);
    add_rows(table, "odd", QN_TYPE_BOOLEAN, "", 1, 2);
    struct qn_profile *profile = profile_of(table, NULL);
    assert_true(association(profile, QN_MEASURE_PEARSON, 0, 1) == 1);
    assert_true(association(profile, QN_MEASURE_SPEARMAN, 0, 1) == 1);
    assert_true(fabs(association(profile, QN_MEASURE_PEARSON, 0, 2) + 1) < 1e-14);
    assert_true(fabs(association(profile, QN_MEASURE_ETA, 3, 4) - 1) < 1e-14);
    /* 4 numbers give 6 pairs twice, and each of them pairs with the category. */
    assert_int_equal(profile->association_count, 6 * 2 + 4);
    release(profile, table);
}

static void test_association_limits(void **state)
{
    (void)state;
    struct qn_table *table = table_new(40);
    char name[8];
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "x%zu", i);
        add_rows(table, name, QN_TYPE_NUMBER, "", 2 * i + 3, 40);
        snprintf(name, sizeof(name), "c%zu", i);
        add_rows(table, name, QN_TYPE_CATEGORY, "c", 1, i + 2);
    }
    struct qn_profile_options options;
    struct qn_profile *profile;
    qn_profile_options_default(&options);
    options.association_column_limit = 3;
    options.association_level_limit = 4;
    assert_int_equal(qn_profile_make(table, &options, NULL, &profile, NULL), QN_OK);
    assert_int_equal(profile->association_count, 3 * 2 + 3 + 9);
    for (size_t i = 0; i < profile->association_count; i++)
        assert_true(profile->associations[i].b < 6);
    qn_profile_free(profile);
    options.association_column_limit = 0;
    options.no_duplicates = true;
    assert_int_equal(qn_profile_make(table, &options, NULL, &profile, NULL), QN_OK);
    assert_int_equal(profile->association_count, 0);
    assert_int_equal(profile->pattern_count, 0);
    release(profile, table);
}

/* The hash of a row after one more whole-number cell, as profile_rows.c makes it. */
static uint64_t hash_step(uint64_t hash, int64_t cell)
{
    hash = (hash ^ (uint64_t)cell) * 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 32;
}

/* Rows that differ although their hashes are the same. */
static void test_equal_hashes(void **state)
{
    (void)state;
    struct qn_table *table = table_new(4);
    add(table, "a", QN_TYPE_INTEGER, "1 2 1 2");
    add(table, "b", QN_TYPE_INTEGER, "5 5 5 5");
    uint64_t seed = 0x6A09E667F3BCC908U;
    uint64_t difference = hash_step(seed, 1) ^ hash_step(seed, 2);
    table->columns[1].values.integer[1] = (int64_t)(difference ^ 5);
    table->columns[1].values.integer[3] = (int64_t)(difference ^ 5);
    struct qn_profile *profile = profile_of(table, NULL);
    assert_int_equal(profile->duplicate_rows, 2);
    release(profile, table);
}

static void test_patterns(void **state)
{
    (void)state;
    struct qn_table *table = table_new(6);
    add(table, "a", QN_TYPE_NUMBER, "1 NA 1 NA 1 1");
    add(table, "b", QN_TYPE_CATEGORY, "x NA x NA NA x");
    add(table, "c", QN_TYPE_INTEGER, "1 2 3 4 5 6");
    struct qn_profile *profile = profile_of(table, NULL);
    assert_int_equal(profile->pattern_count, 3);
    assert_int_equal(profile->patterns[0].rows, 3);
    assert_int_equal(profile->patterns[0].column_count, 0);
    assert_int_equal(profile->patterns[1].rows, 2);
    assert_int_equal(profile->patterns[1].column_count, 2);
    assert_int_equal(profile->patterns[2].columns[0], 1);
    release(profile, table);
}

/* More sets of missing columns than are kept: the most frequent ones, in their order. */
static void test_many_patterns(void **state)
{
    (void)state;
    struct qn_table *table = table_new(4096);
    for (size_t i = 0; i < 10; i++) {
        char name[8];
        snprintf(name, sizeof(name), "m%zu", i);
        struct qn_column *column = column_new(table, name, QN_TYPE_NUMBER);
        for (size_t row = 0; row < 4096; row++)
            column->values.number[row] = row * row % 4096 >> i & 1 ? NAN : 1.0;
    }
    struct qn_profile *profile = profile_of(table, NULL);
    assert_int_equal(profile->pattern_count, 20);
    for (size_t i = 1; i < 20; i++)
        assert_true(profile->patterns[i - 1].rows >= profile->patterns[i].rows);
    size_t expected = 0;
    for (size_t row = 0; row < 4096; row++)
        expected += (row * row % 4096 & 1023) == 0;
    assert_int_equal(profile->patterns[0].rows, expected);
    release(profile, table);
}

static void test_threads(void **state)
{
    (void)state;
    struct qn_table *table = table_new(10007);
    add_rows(table, "a", QN_TYPE_NUMBER, "", 7919, 10007);
    add_rows(table, "b", QN_TYPE_INTEGER, "", 104729, 100003);
    add(table, "c", QN_TYPE_NUMBER, "1.5 2.25 NA 1e3 -7 0.1 0.7");
    add_rows(table, "d", QN_TYPE_CATEGORY, "d", 31, 17);
    add(table, "e", QN_TYPE_CATEGORY, "x y NA z");
    char *texts[3];
    for (unsigned threads = 1; threads <= 3; threads++) {
        struct qn_pool *pool;
        struct qn_profile *profile;
        assert_int_equal(qn_pool_create(threads, &pool, NULL), QN_OK);
        assert_int_equal(qn_profile_make(table, NULL, pool, &profile, NULL), QN_OK);
        json_t *json = qn_profile_json(profile);
        texts[threads - 1] = qn_json_text(json, 0);
        json_decref(json);
        qn_profile_free(profile);
        qn_pool_free(pool);
    }
    assert_string_equal(texts[0], texts[1]);
    assert_string_equal(texts[0], texts[2]);
    for (size_t i = 0; i < 3; i++)
        qn_free(texts[i]);
    qn_table_free(table);
}

static bool cancel(void *context, const char *stage, uint64_t done, uint64_t total,
                   const char *unit)
{
    (void)stage;
    (void)unit;
    assert_true(done <= total);
    return ++*(unsigned *)context < 3;
}

static void test_cancel(void **state)
{
    (void)state;
    struct qn_table *table = table_new(30);
    char name[8];
    for (size_t i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "x%zu", i);
        add_rows(table, name, QN_TYPE_NUMBER, "", i + 1, 40);
    }
    unsigned calls = 0;
    struct qn_progress progress = {cancel, &calls};
    struct qn_profile_options options;
    qn_profile_options_default(&options);
    options.progress = &progress;
    struct qn_profile *profile = NULL;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_profile_make(table, &options, NULL, &profile, &err), QN_CANCELLED);
    assert_null(profile);
    assert_int_equal(calls, 3);
    qn_table_free(table);
}

static void test_unknown_target(void **state)
{
    (void)state;
    struct qn_table *table = table_new(3);
    add(table, "price", QN_TYPE_NUMBER, "1 2 3");
    struct qn_profile_options options;
    qn_profile_options_default(&options);
    options.target = "prise";
    struct qn_profile *profile = NULL;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_profile_make(table, &options, NULL, &profile, &err), QN_NOT_FOUND);
    assert_null(profile);
    assert_non_null(strstr(err.message, "prise"));
    qn_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_no_columns),
        cmocka_unit_test(test_one_row),
        cmocka_unit_test(test_all_missing),
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_infinite),
        cmocka_unit_test(test_zeros),
        cmocka_unit_test(test_huge_integers),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_unused_codes),
        cmocka_unit_test(test_associations),
        cmocka_unit_test(test_association_limits),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_many_patterns),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_equal_hashes),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_unknown_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
