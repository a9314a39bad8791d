#include "io_support.h"

static void test_workbook_is_refused(void **state)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    (void)state;
    const char *path = io_path("book.xlsx");
    io_put(path, "PK\3\4", 4);
    assert_int_equal(io_read(qn__xlsx_read, path, NULL, &table, &err), QN_UNSUPPORTED);
    assert_null(table);
    assert_string_equal(err.message, "book.xlsx: Excel workbooks are not read; save the sheet as "
                                     "CSV (UTF-8) and give that");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_workbook_is_refused)};
    return cmocka_run_group_tests(tests, io_folder_make, io_folder_remove);
}
