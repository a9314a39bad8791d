/* Each alert fires where it should and stays silent beside. */
#include "data/profile.h"
#include "profile_support.h"

#include <cmocka.h>

#define QN_ROWS 200

/* A table of one column besides a harmless one, its profile, and back. */
static struct qn_table *lone(const char *name, enum qn_type type, const char *values)
{
    struct qn_table *table = table_new(QN_ROWS);
    add(table, name, type, values);
    add_rows(table, "plain", QN_TYPE_NUMBER, "0.", 7, 90);
    return table;
}

static void expect(struct qn_table *table, const char *kind, const char *column,
                   enum qn_severity severity, const char *message)
{
    struct qn_profile *profile = profile_of(table, NULL);
    const struct qn_alert *alert = alert_of(profile, kind, column);
    if (!alert)
        fail_msg("no %s alert", kind);
    assert_int_equal(alert->severity, severity);
    if (message)
        assert_string_equal(alert->message, message);
    assert_true(strlen(alert->action) > 10);
    qn_profile_free(profile);
    qn_table_free(table);
}

/* No alert of any kind, once the rows differ. */
static void expect_calm(struct qn_table *table)
{
    struct qn_column *column = column_new(table, "differs", QN_TYPE_NUMBER);
    for (size_t row = 0; row < table->row_count; row++)
        column->values.number[row] = (double)(row * 7919 % 10007) / 8;
    struct qn_profile *profile = profile_of(table, NULL);
    for (size_t i = 0; i < profile->alert_count; i++)
        fail_msg("%s: %s", profile->alerts[i].kind, profile->alerts[i].message);
    qn_profile_free(profile);
    qn_table_free(table);
}

static void test_missing(void **state)
{
    (void)state;
    expect(lone("a", QN_TYPE_NUMBER, "1.5 NA 2.5 3.5 4.5"), "missing", "a", QN_SEVERITY_INFO,
           "'a' is missing in 40 of 200 rows (20.0%)");
    expect(lone("a", QN_TYPE_CATEGORY, "x NA NA y NA NA"), "missing", "a", QN_SEVERITY_WARNING,
           NULL);
    expect(lone("a", QN_TYPE_DATE, "NA"), "missing", "a", QN_SEVERITY_WARNING,
           "'a' has no values at all");
    expect_calm(lone("a", QN_TYPE_NUMBER,
                     "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 NA"));
}

static void test_constant(void **state)
{
    (void)state;
    expect(lone("a", QN_TYPE_CATEGORY, "x"), "constant", "a", QN_SEVERITY_WARNING,
           "'a' is 'x' in every row");
    expect(lone("a", QN_TYPE_INTEGER, "4 NA"), "constant", "a", QN_SEVERITY_WARNING,
           "'a' is '4' wherever it is not missing");
    expect_calm(lone("a", QN_TYPE_INTEGER, "4 5"));
}

static void test_identifier(void **state)
{
    (void)state;
    struct qn_table *table = lone("b", QN_TYPE_INTEGER, "1 2 3");
    add_rows(table, "row", QN_TYPE_INTEGER, "", 1, 1000);
    expect(table, "unique_identifier", "row", QN_SEVERITY_WARNING,
           "all 200 values of 'row' differ");
    table = lone("b", QN_TYPE_INTEGER, "1 2 3");
    add_rows(table, "order_id", QN_TYPE_INTEGER, "", 7919, 1000003);
    expect(table, "unique_identifier", "order_id", QN_SEVERITY_WARNING, NULL);
    /* Spread out, unsorted and without a name that says so: perhaps a measurement. */
    table = lone("b", QN_TYPE_INTEGER, "1 2 3");
    add_rows(table, "population", QN_TYPE_INTEGER, "", 7919, 10007);
    expect(table, "unique_identifier", "population", QN_SEVERITY_INFO, NULL);
    table = lone("b", QN_TYPE_INTEGER, "1 2 3");
    add_rows(table, "name", QN_TYPE_TEXT, "Mr-", 1, 1000);
    expect(table, "unique_identifier", "name", QN_SEVERITY_WARNING, NULL);
    table = lone("b", QN_TYPE_INTEGER, "1 2 3");
    add_rows(table, "length", QN_TYPE_NUMBER, "1.", 7919, 10007);
    expect_calm(table);
}

static void test_cardinality(void **state)
{
    (void)state;
    struct qn_table *table = table_new(QN_ROWS);
    add_rows(table, "city", QN_TYPE_CATEGORY, "c", 1, 60);
    expect(table, "high_cardinality", "city", QN_SEVERITY_INFO,
           "'city' has 60 different values in 200");
    table = table_new(QN_ROWS);
    add_rows(table, "city", QN_TYPE_CATEGORY, "c", 1, 40);
    expect_calm(table);
    table = table_new(QN_ROWS); /* Prose hardly repeats. */
    add_rows(table, "remark", QN_TYPE_TEXT, "c", 1, 150);
    expect_calm(table);
}

static void test_imbalance(void **state)
{
    (void)state;
    struct qn_table *table = table_new(1000);
    struct qn_column *column = column_new(table, "status", QN_TYPE_BOOLEAN);
    for (size_t row = 0; row < 1000; row++)
        column->values.integer[row] = row >= 18;
    add_rows(table, "x", QN_TYPE_NUMBER, "0.", 7, 90);
    expect(table, "imbalance", "status", QN_SEVERITY_INFO, "98.2% of 'status' is 'true'");
    /* 92% is fine for a column and not for the target. */
    struct qn_table *skewed = table_new(500);
    add(skewed, "label", QN_TYPE_CATEGORY, "a b a a a a a a a a a a a a a a a a a a a a a a b");
    add(skewed, "other", QN_TYPE_CATEGORY, "b a a a a a a a a a a a a a a a a a a a a a a a b");
    struct qn_profile *profile = profile_of(skewed, NULL);
    assert_int_equal(profile->target, 0);
    assert_non_null(alert_of(profile, "imbalance", "label"));
    assert_null(alert_of(profile, "imbalance", "other"));
    qn_profile_free(profile);
    qn_table_free(skewed);
}

static struct qn_table *shaped(double high, size_t zeros)
{
    struct qn_table *table = table_new(QN_ROWS);
    struct qn_column *column = column_new(table, "a", QN_TYPE_NUMBER);
    for (size_t row = 0; row < QN_ROWS; row++)
        column->values.number[row] = row < zeros ? 0.0 : 1 + (double)(row * 7 % 31) / 31;
    column->values.number[QN_ROWS - 1] = high;
    column->values.number[QN_ROWS - 2] = high;
    column->values.number[QN_ROWS - 3] = high == 2.0 ? 2.0 : -high;
    return table;
}

static void test_shape(void **state)
{
    (void)state;
    expect_calm(shaped(2.0, 0));
    expect(shaped(2.0, 120), "zeros", "a", QN_SEVERITY_INFO, "60.0% of 'a' is zero");
    expect(shaped(7.0, 0), "outliers", "a", QN_SEVERITY_INFO,
           "3 values of 'a' (1.5%) lie far outside the middle half");
    struct qn_table *table = shaped(2.0, 0);
    table->columns[0].values.number[5] = 1000;
    expect(table, "skewed", "a", QN_SEVERITY_INFO, NULL);
    table = shaped(2.0, 0);
    table->columns[0].values.number[5] = -INFINITY;
    expect(table, "infinite", "a", QN_SEVERITY_WARNING, "'a' has 1 infinite value");
}

static void test_mixed(void **state)
{
    (void)state;
    expect(lone("a", QN_TYPE_CATEGORY, "12 13 unknown 14"), "mixed_types", "a", QN_SEVERITY_WARNING,
           "150 of 200 values of 'a' are numbers, but not 'unknown'");
    expect_calm(lone("a", QN_TYPE_CATEGORY, "012 013 NO 5 014 DE FR XX"));
    expect_calm(lone("a", QN_TYPE_TEXT, "012 013 014"));
}

static void test_near_duplicate(void **state)
{
    (void)state;
    struct qn_table *table = table_new(QN_ROWS);
    add_rows(table, "metres", QN_TYPE_NUMBER, "", 7, 90);
    struct qn_column *column = column_new(table, "feet", QN_TYPE_NUMBER);
    for (size_t row = 0; row < QN_ROWS; row++)
        column->values.number[row] = 3.28 * (double)(row * 7 % 90) + (row == 3 ? 0.5 : 0);
    add(table, "code", QN_TYPE_CATEGORY, "a b c a");
    add(table, "word", QN_TYPE_CATEGORY, "alpha beta gamma alpha");
    add(table, "near", QN_TYPE_CATEGORY, "alpha beta gamma gamma");
    struct qn_profile *profile = profile_of(table, NULL);
    const struct qn_alert *alert = alert_of(profile, "near_duplicate", "feet");
    assert_non_null(alert);
    assert_non_null(strstr(alert->message, "'metres'"));
    alert = alert_of(profile, "near_duplicate", "word");
    assert_non_null(alert);
    assert_string_equal(alert->message, "'word' says the same as 'code' in other words");
    assert_null(alert_of(profile, "near_duplicate", "near"));
    assert_null(alert_of(profile, "near_duplicate", "metres"));
    qn_profile_free(profile);
    qn_table_free(table);
}

static void test_leakage(void **state)
{
    (void)state;
    struct qn_table *table = table_new(QN_ROWS);
    add(table, "survived", QN_TYPE_BOOLEAN, "0 1 1 0 NA");
    add(table, "alive", QN_TYPE_CATEGORY, "no yes yes no no");
    add(table, "boat", QN_TYPE_NUMBER, "-5.5 1 2 -7 9"); /* AUC 1, correlation less */
    add(table, "age", QN_TYPE_NUMBER, "30 20 60 25 33 60 20 30 21 70");
    struct qn_profile *profile = profile_of(table, "survived");
    const struct qn_alert *alert = alert_of(profile, "leakage", "alive");
    assert_non_null(alert);
    assert_int_equal(alert->severity, QN_SEVERITY_ERROR);
    alert = alert_of(profile, "leakage", "boat");
    assert_non_null(alert);
    assert_string_equal(alert->message, "'boat' alone gives 'survived' away (AUC 1.000)");
    assert_null(alert_of(profile, "leakage", "age"));
    qn_profile_free(profile);
    profile = profile_of(table, "age");
    assert_null(alert_of(profile, "leakage", "boat"));
    qn_profile_free(profile);
    /* Measurements may go together closely; only the same thing twice is a leak. */
    column_new(table, "near_age", QN_TYPE_NUMBER);
    column_new(table, "age_again", QN_TYPE_NUMBER);
    const double *age = table->columns[3].values.number;
    for (size_t row = 0; row < QN_ROWS; row++) {
        table->columns[4].values.number[row] = age[row] + (double)(row % 3) * 2;
        table->columns[5].values.number[row] = age[row] * 12;
    }
    profile = profile_of(table, "age");
    assert_null(alert_of(profile, "leakage", "near_age"));
    assert_non_null(alert_of(profile, "leakage", "age_again"));
    qn_profile_free(profile);
    qn_table_free(table);
}

static void test_duplicates(void **state)
{
    (void)state;
    struct qn_table *table = table_new(QN_ROWS);
    add_rows(table, "a", QN_TYPE_NUMBER, "", 1, 195);
    add(table, "b", QN_TYPE_CATEGORY, "x y z w v"); /* 195 rows have the same remainder of 5 */
    expect(table, "duplicate_rows", NULL, QN_SEVERITY_INFO,
           "5 of 200 rows (2.5%) repeat an earlier one");
    table = table_new(QN_ROWS);
    add_rows(table, "a", QN_TYPE_NUMBER, "0.", 1, 40);
    expect(table, "duplicate_rows", NULL, QN_SEVERITY_WARNING, NULL);
}

static void test_order(void **state)
{
    (void)state;
    struct qn_table *table = table_new(QN_ROWS);
    add(table, "gaps", QN_TYPE_NUMBER, "1 NA 2 3 4");
    add(table, "same", QN_TYPE_CATEGORY, "x");
    add(table, "target", QN_TYPE_CATEGORY, "a b");
    add(table, "leak", QN_TYPE_CATEGORY, "b a");
    struct qn_profile *profile = profile_of(table, "target");
    assert_true(profile->alert_count >= 3);
    assert_string_equal(profile->alerts[0].kind, "leakage");
    for (size_t i = 1; i < profile->alert_count; i++)
        assert_true(profile->alerts[i - 1].severity >= profile->alerts[i].severity);
    qn_profile_free(profile);
    qn_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing),    cmocka_unit_test(test_constant),
        cmocka_unit_test(test_identifier), cmocka_unit_test(test_cardinality),
        cmocka_unit_test(test_imbalance),  cmocka_unit_test(test_shape),
        cmocka_unit_test(test_mixed),      cmocka_unit_test(test_near_duplicate),
        cmocka_unit_test(test_leakage),    cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
