/* JSON lines: shapes of files, kinds of values, and errors that name the line. */
#include "io_support.h"

#include "data/jsonl_internal.h"

static const char *put(const char *text)
{
    const char *path = io_path("t.jsonl");
    io_put(path, text, strlen(text));
    return path;
}

static struct qn_table *read_text(const char *text)
{
    return io_read_good(qn__jsonl_read, put(text));
}

static void check(const struct qn_table *table, size_t column, const char *name, enum qn_type type,
                  const char *const *cells)
{
    assert_true(column < table->column_count);
    const struct qn_column *found = &table->columns[column];
    assert_string_equal(found->name, name);
    if (found->type != type)
        fail_msg("%s is %s", name, qn_type_name(found->type));
    assert_non_null(found->reason);
    size_t missing = 0;
    for (size_t row = 0; row < table->row_count; row++) {
        assert_int_equal(qn_column_is_missing(found, row), !cells[row]);
        assert_string_equal(io_cell(found, row), cells[row] ? cells[row] : "");
        missing += !cells[row];
    }
    assert_int_equal(found->missing_count, missing);
}
#define CELLS(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void refuse(const char *text, enum qn_status expected, const char *message)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    assert_int_equal(io_read(qn__jsonl_read, put(text), NULL, &table, &err), expected);
    assert_null(table);
    assert_string_equal(err.message, message);
}

static void test_kinds(void **state)
{
    (void)state;
    struct qn_table *table = read_text(
        "{\"b\":true, \"i\":9007199254740993, \"n\":1, \"s\":\"x\\u00e9\\n\\ud83d\\ude00\"}\n"
        "\n"
        "{\"b\":false,\"i\":-9223372036854775807,\"n\":2.5e-1,\"s\":\"\\\"q\\\"\"}\r\n"
        "{\"n\":1e999,\"s\":null,\"late\":\"2024-02-29\"}");
    assert_int_equal(table->row_count, 3);
    check(table, 0, "b", QN_TYPE_BOOLEAN, CELLS("true", "false", NULL));
    check(table, 1, "i", QN_TYPE_INTEGER, CELLS("9007199254740993", "-9223372036854775807", NULL));
    check(table, 2, "n", QN_TYPE_NUMBER, CELLS("1", "0.25", "inf"));
    check(table, 3, "s", QN_TYPE_CATEGORY, CELLS("x\xc3\xa9\n\xf0\x9f\x98\x80", "\"q\"", NULL));
    check(table, 4, "late", QN_TYPE_DATE, CELLS(NULL, NULL, "2024-02-29"));
    qn_table_free(table);
}

static void test_mixed_kinds(void **state)
{
    (void)state;
    struct qn_table *table = read_text(
        "{\"words\":1.50,\"tokens\":1,\"wide\":9223372036854775808,\"least\":-9223372036854775808,"
        "\"real\":9223372036854775808}\n"
        "{\"words\":\"x\",\"tokens\":\"NA\",\"wide\":1,\"least\":1,\"real\":0.5}\n"
        "{\"words\":true,\"tokens\":2,\"wide\":2,\"least\":2,\"real\":1}\n");
    check(table, 0, "words", QN_TYPE_CATEGORY, CELLS("1.50", "x", "true"));
    check(table, 1, "tokens", QN_TYPE_INTEGER, CELLS("1", NULL, "2"));
    assert_true(qn_type_is_coded(table->columns[2].type)); /* digit for digit */
    assert_string_equal(io_cell(&table->columns[2], 0), "9223372036854775808");
    assert_string_equal(io_cell(&table->columns[3], 0), "-9223372036854775808");
    check(table, 4, "real", QN_TYPE_NUMBER, CELLS("9.223372036854776e+18", "0.5", "1"));
    qn_table_free(table);
}

static void test_nested_values(void **state)
{
    (void)state;
    struct qn_table *table = read_text("{\"a\":{\"x\":1,\"b\":{\"y\":2,\"c\":{\"z\": "
                                       "3}}},\"l\":[1, {\"k\":[],\"m\" : {}}],\"e\":{}}\n"
                                       "{\"a\":null,\"l\":null}\n"
                                       "{\"a\":{\"b\":{\"c\":null}},\"l\":\"plain\"}\n");
    assert_int_equal(table->column_count, 4);
    check(table, 0, "a.x", QN_TYPE_INTEGER, CELLS("1", NULL, NULL));
    check(table, 1, "a.b.y", QN_TYPE_INTEGER, CELLS("2", NULL, NULL));
    check(table, 2, "a.b.c", QN_TYPE_CATEGORY, CELLS("{\"z\": 3}", NULL, NULL));
    check(table, 3, "l", QN_TYPE_CATEGORY, CELLS("[1, {\"k\":[],\"m\" : {}}]", NULL, "plain"));
    qn_table_free(table);
}

/* A key that is an object in one row and a number in another is both columns. */
static void test_object_and_scalar(void **state)
{
    (void)state;
    struct qn_table *table = read_text("{\"a\":1}{\"a\":{\"b\":2}}");
    check(table, 0, "a", QN_TYPE_INTEGER, CELLS("1", NULL));
    check(table, 1, "a.b", QN_TYPE_INTEGER, CELLS(NULL, "2"));
    qn_table_free(table);
}

static void test_array_of_objects(void **state)
{
    (void)state;
    struct qn_table *table =
        read_text("\xef\xbb\xbf [\n {\"x\": 1},\n {\n  \"x\": 2\n }, {\"x\":3}\n]\n");
    check(table, 0, "x", QN_TYPE_INTEGER, CELLS("1", "2", "3"));
    qn_table_free(table);
}

static void test_order_of_keys(void **state)
{
    (void)state;
    struct qn_table *table = read_text("{\"x\":1,\"y\":2}\n{\"y\":3,\"x\":4}\n{\"y\":5}\n");
    check(table, 0, "x", QN_TYPE_INTEGER, CELLS("1", "4", NULL));
    check(table, 1, "y", QN_TYPE_INTEGER, CELLS("2", "3", "5"));
    qn_table_free(table);
}

static void test_choice_and_override(void **state)
{
    const char *wanted[] = {"z", "x"};
    struct qn_type_override override = {.name = (char[]){"x"}, .type = QN_TYPE_TEXT};
    struct qn_read_options options;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    (void)state;
    qn_read_options_default(&options);
    options.columns = wanted;
    options.wanted_count = 2;
    options.overrides = &override;
    options.override_count = 1;
    const char *path = put("{\"x\":1,\"y\":2,\"z\":3}\n");
    assert_int_equal(io_read(qn__jsonl_read, path, &options, &table, &err), QN_OK);
    assert_int_equal(table->column_count, 2);
    check(table, 0, "x", QN_TYPE_TEXT, CELLS("1"));
    check(table, 1, "z", QN_TYPE_INTEGER, CELLS("3"));
    qn_table_free(table);
    table = NULL;
    override.type = QN_TYPE_DATE;
    path = put("\n{\"x\":\"2024-01-01\"}\n{\n\"x\":\"never\"}\n");
    wanted[0] = "x";
    assert_int_equal(io_read(qn__jsonl_read, path, &options, &table, &err), QN_INVALID);
    assert_non_null(strstr(err.message, "line 3"));
}

static void test_errors_name_the_line(void **state)
{
    (void)state;
    refuse("", QN_INVALID, "t.jsonl: holds no objects");
    refuse("[]", QN_INVALID, "t.jsonl: holds no objects");
    refuse("{}\n{}\n", QN_INVALID, "t.jsonl: has no columns");
    refuse("{\"a\":1}\n[2]\n", QN_INVALID,
           "t.jsonl: line 2, column 1: expected an object, as in {\"name\": 1}");
    refuse("{\"a\":1}\n{\"a\":1,\n\"a\":2}\n", QN_INVALID,
           "t.jsonl: line 3, column 2: key \"a\" comes twice in one object");
    refuse("{\"a\":1}\n{\"a\":01}\n", QN_INVALID,
           "t.jsonl: line 2, column 6: a number may not begin with a zero before other digits");
    refuse("{\"a\":.5}", QN_INVALID, "t.jsonl: line 1, column 6: expected a value");
    refuse("{\"a\":1.}", QN_INVALID,
           "t.jsonl: line 1, column 8: expected a digit after the decimal point");
    refuse("{\"a\":1e}", QN_INVALID, "t.jsonl: line 1, column 8: expected a digit in the exponent");
    refuse("{\"a\":NaN}", QN_INVALID, "t.jsonl: line 1, column 6: expected a value");
    refuse("{\"a\":1,}", QN_INVALID, "t.jsonl: line 1, column 8: expected a key in double quotes");
    refuse("{'a':1}", QN_INVALID, "t.jsonl: line 1, column 2: expected a key in double quotes");
    refuse("{\"a\" 1}", QN_INVALID, "t.jsonl: line 1, column 6: expected ':'");
    refuse("{\"a\":1", QN_INVALID,
           "t.jsonl: line 1, column 7: the file ends inside a value (expected '}')");
    refuse("{\"a\":\"x", QN_INVALID,
           "t.jsonl: line 1, column 6: the string that begins here has no end");
    refuse("{\"a\":\"x\ny\"}", QN_INVALID,
           "t.jsonl: line 1, column 8: a string has no end before the line ends");
    refuse("{\"a\":\"\\q\"}", QN_INVALID,
           "t.jsonl: line 1, column 7: a backslash in a string begins no escape that JSON knows");
    refuse("{\"a\":\"\\u00\"}", QN_INVALID,
           "t.jsonl: line 1, column 7: a backslash in a string begins no escape that JSON knows");
    refuse("{\"a\":\"\\u0000\"}", QN_INVALID,
           "t.jsonl: line 1, column 7: a NUL character in a text");
    refuse("{\"a\":\"\\ud800x\"}", QN_INVALID,
           "t.jsonl: line 1, column 7: half of a surrogate pair in a text");
    refuse("{\"a\":\"\t\"}", QN_INVALID,
           "t.jsonl: line 1, column 7: a control character in a string must be escaped");
    refuse("{\"a\":[1,{\"b\":2]}", QN_INVALID,
           "t.jsonl: line 1, column 15: expected ',' or a closing bracket");
    refuse("{\"a\":\n\"\xff\"}", QN_INVALID, "t.jsonl: line 2, column 2: a byte that is not UTF-8");
    refuse("[{\"a\":1}", QN_INVALID,
           "t.jsonl: line 1, column 9: the file ends inside a value (expected ',')");
    refuse("[{\"a\":1}]\n{}", QN_INVALID,
           "t.jsonl: line 2, column 1: something follows the end of the array");
}

static void test_limits(void **state)
{
    char deep[300];
    struct qn_read_options options;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    (void)state;
    memcpy(deep, "{\"a\":", 5);
    memset(deep + 5, '[', 65);
    deep[70] = '\0';
    refuse(deep, QN_INVALID, "t.jsonl: line 1, column 70: nested more than 64 deep");
    qn_read_options_default(&options);
    options.column_limit = 2;
    assert_int_equal(
        io_read(qn__jsonl_read, put("{\"a\":1,\"b\":2,\"c\":3}"), &options, &table, &err),
        QN_INVALID);
    assert_string_equal(err.message, "t.jsonl: has more than 2 different keys");
    options.column_limit = 100;
    options.field_limit_bytes = 4;
    assert_int_equal(
        io_read(qn__jsonl_read, put("{\"a\":1}\n{\"a\":\"12345\"}"), &options, &table, &err),
        QN_INVALID);
    assert_string_equal(
        err.message, "t.jsonl: line 2, column 7: a value of 5 bytes is longer than the limit of 4");
}

/* Every cut and every changed byte of a file: an error or a table, never more. */
static void test_damaged_files(void **state)
{
    static const char text[] = "[{\"a\":{\"b\":[1,2.5e3,\"x\\u00e9\"]},\"c\":true},{\"c\":null}]";
    static const char changes[] = "\"\\{}[],:0e.-n\x80\n";
    (void)state;
    size_t failures = 0;
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        for (size_t j = 0; j < sizeof(changes); j++) {
            char copy[sizeof(text)];
            struct qn_error err = QN_ERROR_INIT;
            struct qn_table *table = NULL;
            const char *path = io_path("damaged.jsonl");
            memcpy(copy, text, sizeof(text));
            copy[i] = changes[j];
            io_put(path, copy, j == sizeof(changes) - 1 ? i : sizeof(text) - 1);
            failures += io_read(qn__jsonl_read, path, NULL, &table, &err) != QN_OK;
            assert_int_equal(err.status == QN_OK, table != NULL);
            qn_table_free(table);
        }
    }
    assert_true(failures > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_mixed_kinds),
        cmocka_unit_test(test_nested_values),
        cmocka_unit_test(test_object_and_scalar),
        cmocka_unit_test(test_array_of_objects),
        cmocka_unit_test(test_order_of_keys),
        cmocka_unit_test(test_choice_and_override),
        cmocka_unit_test(test_errors_name_the_line),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_damaged_files),
    };
    return cmocka_run_group_tests(tests, io_folder_make, io_folder_remove);
}
