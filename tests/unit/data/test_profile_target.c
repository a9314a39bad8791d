/* Which column is suggested as the target, and why. */
#include "data/profile.h"
#include "profile_support.h"

#include <cmocka.h>

#define QN_ROWS 120

static struct qn_table *base(void)
{
    struct qn_table *table = table_new(QN_ROWS);
    add_rows(table, "id", QN_TYPE_INTEGER, "", 1, 1000);
    add_rows(table, "size", QN_TYPE_NUMBER, "0.", 7, 90);
    return table;
}

/* name NULL: nothing is suggested. */
static void expect(struct qn_table *table, const char *name, const char *reason)
{
    struct qn_profile *profile = profile_of(table, NULL);
    if (!name) {
        assert_int_equal(profile->suggested_target, -1);
        assert_null(profile->target_reason);
        assert_int_equal(profile->target, -1);
    } else {
        assert_true(profile->suggested_target >= 0);
        assert_string_equal(profile->columns[profile->suggested_target].name, name);
        if (reason)
            assert_string_equal(profile->target_reason, reason);
    }
    qn_profile_free(profile);
    qn_table_free(table);
}

static void test_names(void **state)
{
    (void)state;
    struct qn_table *table = base();
    add(table, "species", QN_TYPE_CATEGORY, "a b c");
    expect(table, "species", "named 'species', last column, 3 classes");
    table = base();
    add(table, "Median_House_Value", QN_TYPE_NUMBER, "1.5 2.5 3 4 5.5");
    add_rows(table, "ocean", QN_TYPE_NUMBER, "3.", 3, 50);
    expect(table, "Median_House_Value", "named 'Median_House_Value', a number");
    table = base();
    add(table, "SalePrice", QN_TYPE_INTEGER, "100 200 150 170 180 191");
    expect(table, "SalePrice", NULL);
    table = base();
    add(table, "Survived", QN_TYPE_BOOLEAN, "0 1 1");
    add(table, "embarked", QN_TYPE_CATEGORY, "S C Q S");
    expect(table, "Survived", "named 'Survived', 2 classes");
    table = base(); /* A word of its own outweighs one in a longer name. */
    add(table, "survived", QN_TYPE_BOOLEAN, "0 1 1");
    add(table, "passengerClass", QN_TYPE_CATEGORY, "1st 2nd 3rd");
    add(table, "age", QN_TYPE_NUMBER, "30 20.5 4");
    expect(table, "survived", NULL);
    table = base();
    add(table, "y", QN_TYPE_NUMBER, "1 2 3 4.5");
    expect(table, "y", NULL);
    table = base();
    add(table, "x", QN_TYPE_NUMBER, "1 2 3 4.5");
    add(table, "y", QN_TYPE_NUMBER, "1 2 3 4.5");
    add(table, "z", QN_TYPE_NUMBER, "1 2 3 4.5");
    expect(table, NULL, NULL);
}

static void test_position(void **state)
{
    (void)state;
    struct qn_table *table = base();
    add(table, "V5", QN_TYPE_CATEGORY, "a b c");
    expect(table, "V5", "last column, 3 classes");
    table = base(); /* A number without a telling name is like the others. */
    add_rows(table, "V5", QN_TYPE_NUMBER, "0.", 11, 93);
    expect(table, NULL, NULL);
}

static void test_unfit(void **state)
{
    (void)state;
    struct qn_table *table = base(); /* the name of a row */
    add_rows(table, "label", QN_TYPE_TEXT, "item", 1, 1000);
    expect(table, NULL, NULL);
    table = base();
    add(table, "target", QN_TYPE_DATE, "1 2 3");
    expect(table, NULL, NULL);
    table = base();
    add(table, "target", QN_TYPE_CATEGORY, "x");
    expect(table, NULL, NULL);
    table = base();
    add(table, "target", QN_TYPE_CATEGORY, "x NA y NA");
    expect(table, NULL, NULL);
    table = table_new(QN_ROWS); /* nothing to predict it from */
    add(table, "target", QN_TYPE_CATEGORY, "x y");
    expect(table, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_position),
        cmocka_unit_test(test_unfit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
