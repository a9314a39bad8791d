/* Every allocation of a profile fails in turn. */
#include "data/profile.h"
#include "profile_support.h"
#include "support/fail_alloc.h"

#include <cmocka.h>

static struct qn_table *sample(void)
{
    struct qn_table *table = table_new(60);
    add(table, "n", QN_TYPE_NUMBER, "1.5 2 NA 4 0 -3 inf");
    add_rows(table, "i", QN_TYPE_INTEGER, "", 7, 13);
    add(table, "day", QN_TYPE_DATE, "5 7 NA 30");
    add(table, "c", QN_TYPE_CATEGORY, "a b c NA");
    add(table, "d", QN_TYPE_CATEGORY, "1 2 x 3");
    add(table, "e", QN_TYPE_CATEGORY, "one two ex three");
    add(table, "target", QN_TYPE_BOOLEAN, "0 1 1");
    return table;
}

static enum qn_status use_profile(const struct qn_table *table, struct qn_pool *pool)
{
    struct qn_profile *profile = NULL;
    struct qn_error err = QN_ERROR_INIT;
    enum qn_status status = qn_profile_make(table, NULL, pool, &profile, &err);
    /* A failure says so, and gives nothing. */
    assert_true(status == QN_OK ? profile != NULL : !profile && err.message[0] != '\0');
    qn_profile_free(profile);
    return status;
}

static void test_profile(void **state)
{
    (void)state;
    struct qn_table *table = sample();
    QN_FOR_EACH_FAILING_ALLOCATION(use_profile(table, NULL));
    qn_table_free(table);
}

static void test_profile_threads(void **state)
{
    (void)state;
    struct qn_pool *pool;
    struct qn_table *table = sample();
    assert_int_equal(qn_pool_create(2, &pool, NULL), QN_OK);
    QN_FOR_EACH_FAILING_ALLOCATION(use_profile(table, pool));
    qn_pool_free(pool);
    qn_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_profile_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
