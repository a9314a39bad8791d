#include "data/data_internal.h"

#include <cmocka.h>
#include <math.h>
#include <string.h>

static struct qn_table *make(size_t row_count)
{
    struct qn_table *table;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_table_create("t.csv", row_count, &table, &err), QN_OK);
    return table;
}

static struct qn_column *add(struct qn_table *table, const char *name, enum qn_type type)
{
    struct qn_column *column;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_table_add(table, name, type, &column, &err), QN_OK);
    return column;
}

/* Two rows of each type, the second one missing. */
static struct qn_table *make_all(void)
{
    struct qn_table *table = make(2);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_lookup *lookup;
    add(table, "b", QN_TYPE_BOOLEAN)->values.integer[0] = 1;
    add(table, "i", QN_TYPE_INTEGER)->values.integer[0] = -42;
    add(table, "n", QN_TYPE_NUMBER)->values.number[0] = 0.1;
    add(table, "c", QN_TYPE_CATEGORY);
    add(table, "t", QN_TYPE_TEXT);
    add(table, "d", QN_TYPE_DATE)->values.integer[0] = -1;
    add(table, "dt", QN_TYPE_DATETIME)->values.integer[0] = -1;
    for (size_t i = 0; i < table->column_count; i++) {
        struct qn_column *column = &table->columns[i];
        column->missing_count = 1;
        if (qn_type_is_coded(column->type)) {
            assert_int_equal(qn_lookup_create(&lookup, &err), QN_OK);
            int32_t code;
            assert_int_equal(qn_lookup_add(lookup, "na\xc3\xafve", 6, &code, &err), QN_OK);
            assert_int_equal(qn_lookup_take(lookup, &column->dictionary, &err), QN_OK);
            qn_lookup_free(lookup);
            column->values.code[1] = QN_MISSING_CODE;
        } else if (column->type == QN_TYPE_NUMBER) {
            column->values.number[1] = NAN;
        } else {
            column->values.integer[1] = QN_MISSING_INTEGER;
        }
    }
    return table;
}

static void test_types(void **state)
{
    (void)state;
    for (int i = 0; i < QN_TYPE_COUNT; i++) {
        enum qn_type type = (enum qn_type)(QN_TYPE_COUNT - 1 - i);
        assert_true(qn_type_parse(qn_type_name((enum qn_type)i), &type));
        assert_int_equal(type, i);
    }
    enum qn_type type;
    assert_false(qn_type_parse("string", &type));
}

static void test_format(void **state)
{
    (void)state;
    static const char *const expected[] = {"true",
                                           "-42",
                                           "0.1",
                                           "na\xc3\xafve",
                                           "na\xc3\xafve",
                                           "1969-12-31",
                                           "1969-12-31T23:59:59.999999Z"};
    struct qn_table *table = make_all();
    char text[64], cut[3];
    for (size_t i = 0; i < table->column_count; i++) {
        const struct qn_column *column = &table->columns[i];
        assert_int_equal(qn_column_format(column, 0, text, sizeof(text)), strlen(expected[i]));
        assert_string_equal(text, expected[i]);
        assert_int_equal(qn_column_format(column, 0, cut, sizeof(cut)), strlen(expected[i]));
        assert_int_equal(strlen(cut), 2);
        assert_int_equal(qn_column_format(column, 0, NULL, 0), strlen(expected[i]));
        assert_true(qn_column_is_missing(column, 1));
        assert_false(qn_column_is_missing(column, 0));
        assert_int_equal(qn_column_format(column, 1, text, sizeof(text)), 0);
        assert_string_equal(text, "");
    }
    qn_table_free(table);
}

static void test_names(void **state)
{
    (void)state;
    struct qn_table *table = make(1);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_column *column;
    size_t index;
    assert_int_equal(add(table, "price", QN_TYPE_NUMBER)->values.number[0], 0);
    add(table, "size", QN_TYPE_INTEGER);
    assert_int_equal(qn_table_add(table, "size", QN_TYPE_TEXT, &column, &err), QN_INVALID);
    assert_int_equal(qn_table_add(table, "", QN_TYPE_TEXT, &column, &err), QN_INVALID);
    assert_int_equal(qn_table_find(table, "size"), 1);
    assert_int_equal(qn_table_find(table, "siz"), -1);
    assert_int_equal(qn_table_require(table, "price", &index, &err), QN_OK);
    assert_int_equal(index, 0);
    assert_int_equal(qn_table_require(table, "prize", &index, &err), QN_NOT_FOUND);
    assert_string_equal(err.message, "t.csv has no column 'prize'; did you mean 'price'?");
    assert_int_equal(qn_table_require(table, "zzzzzz", &index, &err), QN_NOT_FOUND);
    assert_string_equal(err.message, "t.csv has no column 'zzzzzz'");
    assert_int_equal(qn_table_note(table, &err, "%d things", 3), QN_OK);
    assert_string_equal(table->notes[0], "3 things");
    qn_table_free(table);
}

static void test_take_rows(void **state)
{
    (void)state;
    struct qn_table *table = make_all(), *taken;
    struct qn_error err = QN_ERROR_INIT;
    const size_t rows[] = {1, 0, 1, 0, 1};
    char text[64], expected[64];
    assert_int_equal(qn_table_take_rows(table, rows, 5, &taken, &err), QN_OK);
    assert_int_equal(taken->row_count, 5);
    for (size_t c = 0; c < taken->column_count; c++) {
        assert_string_equal(taken->columns[c].name, table->columns[c].name);
        assert_int_equal(taken->columns[c].missing_count, 3);
        for (size_t row = 0; row < 5; row++) {
            qn_column_format(&taken->columns[c], row, text, sizeof(text));
            qn_column_format(&table->columns[c], rows[row], expected, sizeof(expected));
            assert_string_equal(text, expected);
        }
    }
    qn_table_free(taken);
    assert_int_equal(qn_table_take_rows(table, rows, 0, &taken, &err), QN_OK);
    assert_int_equal(taken->row_count, 0);
    qn_table_free(taken);
    qn_table_free(table);
}

/* Any change of a value, a name, a type or a text changes the fingerprint; a copy does not. */
static void test_fingerprint(void **state)
{
    (void)state;
    struct qn_table *table = make_all(), *copy = make_all();
    struct qn_error err = QN_ERROR_INIT;
    char first[65], other[65];
    assert_int_equal(qn_table_fingerprint(table, first, &err), QN_OK);
    assert_int_equal(qn_table_fingerprint(copy, other, &err), QN_OK);
    assert_string_equal(first, other);
    assert_int_equal(strlen(first), 64);
    for (int change = 0; change < 5; change++) {
        struct qn_table *changed = make_all();
        if (change == 0)
            changed->columns[1].values.integer[0] = -41;
        if (change == 1)
            changed->columns[2].name[0] = 'm';
        if (change == 2)
            changed->columns[3].type = QN_TYPE_TEXT;
        if (change == 3)
            changed->columns[4].dictionary.bytes[0] = 'N';
        if (change == 4)
            changed->columns[4].values.code[1] = 0;
        assert_int_equal(qn_table_fingerprint(changed, other, &err), QN_OK);
        assert_string_not_equal(first, other);
        qn_table_free(changed);
    }
    qn_table_free(copy);
    qn_table_free(table);
}

static void test_reserve(void **state)
{
    (void)state;
    struct qn_read_options options;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = make(1000);
    qn_read_options_default(&options);
    assert_int_equal(qn__table_reserve(table, 2, &options, &err), QN_OK);
    assert_null(table->mapping);
    options.memory_limit_bytes = 1000;
    assert_int_equal(qn__table_reserve(table, 2, &options, &err), QN_OK);
    assert_non_null(table->mapping);
    struct qn_column *a = add(table, "a", QN_TYPE_INTEGER);
    a->values.integer[999] = 7;
    add(table, "b", QN_TYPE_TEXT)->values.code[999] = 8;
    add(table, "c", QN_TYPE_NUMBER)->values.number[999] = 9; /* past the reserve: on the heap */
    assert_int_equal(qn__column_reset(table, 1, QN_TYPE_NUMBER, &err), QN_OK);
    table->columns[1].values.number[999] = 8;
    assert_int_equal(table->columns[0].values.integer[999], 7);
    qn_table_free(table);
    table = make(SIZE_MAX / 16);
    assert_int_equal(qn__table_reserve(table, 1000, &options, &err), QN_NOMEM);
    qn_table_free(table);
    table = make(1000);
    options.temporary_folder = "/nonexistent";
    assert_int_not_equal(qn__table_reserve(table, 2, &options, &err), QN_OK);
    qn_table_free(table);
    qn_table_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),       cmocka_unit_test(test_format),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_take_rows),
        cmocka_unit_test(test_fingerprint), cmocka_unit_test(test_reserve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
