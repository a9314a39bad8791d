#include "data/table.h"

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void test_codes(void **state)
{
    (void)state;
    struct qn_lookup *lookup;
    struct qn_error err = QN_ERROR_INIT;
    int32_t code;
    assert_int_equal(qn_lookup_create(&lookup, &err), QN_OK);
    assert_int_equal(qn_lookup_find(lookup, "a", 1), -1);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5000; i++) {
            char text[64];
            int size = snprintf(text, sizeof(text), "%.*s%d", i % 40,
                                "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", i);
            assert_int_equal(qn_lookup_add(lookup, text, (size_t)size, &code, &err), QN_OK);
            assert_int_equal(code, i);
            assert_int_equal(qn_lookup_find(lookup, text, (size_t)size), i);
        }
    }
    assert_int_equal(qn_lookup_count(lookup), 5000);
    struct qn_dictionary dictionary;
    assert_int_equal(qn_lookup_take(lookup, &dictionary, &err), QN_OK);
    assert_int_equal(qn_lookup_count(lookup), 0);
    assert_int_equal(qn_lookup_find(lookup, "0", 1), -1);
    assert_int_equal(dictionary.count, 5000);
    size_t size;
    const char *text = qn_dictionary_text(&dictionary, 3, &size);
    assert_int_equal(size, 4);
    assert_memory_equal(text, "abc3", 4);
    assert_int_equal(qn_dictionary_find(&dictionary, "abc3", 4), 3);
    assert_int_equal(qn_dictionary_find(&dictionary, "abc", 3), -1);
    assert_int_equal(qn_lookup_add(lookup, "", 0, &code, &err), QN_OK);
    assert_int_equal(code, 0);
    assert_int_equal(qn_lookup_add(lookup, "z", 1, &code, &err), QN_OK);
    assert_int_equal(code, 1);
    assert_int_equal(qn_lookup_find(lookup, "", 0), 0);
    qn_lookup_free(lookup);
    /* The dictionary goes with a table. */
    struct qn_table *table;
    struct qn_column *column;
    assert_int_equal(qn_table_create("t", 1, &table, &err), QN_OK);
    assert_int_equal(qn_table_add(table, "c", QN_TYPE_TEXT, &column, &err), QN_OK);
    column->dictionary = dictionary;
    qn_table_free(table);
}

/* Texts of every length that differ in one byte only are told apart. */
static void test_lengths(void **state)
{
    (void)state;
    struct qn_lookup *lookup;
    struct qn_error err = QN_ERROR_INIT;
    char text[40];
    int32_t code, expected = 0;
    assert_int_equal(qn_lookup_create(&lookup, &err), QN_OK);
    for (size_t size = 1; size < sizeof(text); size++) {
        for (size_t at = 0; at < size; at++) {
            memset(text, 'x', sizeof(text));
            text[at] = 'y';
            assert_int_equal(qn_lookup_add(lookup, text, size, &code, &err), QN_OK);
            assert_int_equal(code, expected++);
        }
    }
    qn_lookup_free(lookup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
