/* Every allocation of the XLSX reader made to fail in turn. */
#include "io_support.h"

#include "support/fail_alloc.h"

static const char *book;

static enum qn_status read_book(void)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_read_options options;
    struct qn_type_override overrides[] = {{(char *)"whole", QN_TYPE_TEXT, NULL},
                                           {(char *)"mixed", QN_TYPE_CATEGORY, NULL}};
    struct qn_table *table = NULL;
    char path[512];
    qn_read_options_default(&options);
    options.overrides = overrides;
    options.override_count = 2;
    options.allow_unknown = true;
    snprintf(path, sizeof(path), "%s/tests/golden/xlsx/%s.xlsx", QN_SOURCE_DIR, book);
    enum qn_status status = io_read(qn__xlsx_read, path, &options, &table, &err);
    assert_int_equal(err.status, status);
    assert_true((table != NULL) == (status == QN_OK));
    qn_table_free(table);
    return status;
}

static void test_failing_allocations(void **state)
{
    static const char *const books[] = {"types", "layout", "inline", "by_hand", "zip64"};
    (void)state;
    for (size_t i = 0; i < sizeof(books) / sizeof(books[0]); i++) {
        book = books[i];
        QN_FOR_EACH_FAILING_ALLOCATION(read_book());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_failing_allocations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
