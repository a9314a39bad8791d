#include "base/error.h"

#include <string.h>

#include <cmocka.h>

static void fills_and_returns(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_fail(&err, QN_IO, "%s: %d", "a.csv", 5), QN_IO);
    assert_int_equal(err.status, QN_IO);
    assert_string_equal(err.message, "a.csv: 5");
    assert_int_equal(qn_fail(NULL, QN_INVALID, "x"), QN_INVALID);
    assert_int_equal(qn_fail_nomem(&err, "table"), QN_NOMEM);
    assert_string_equal(err.message, "table: out of memory");
}

static void quotes_its_own_message(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_fail(&err, QN_IO, "inner"), QN_IO);
    assert_int_equal(qn_fail(&err, QN_CORRUPT, "outer (%s)", err.message), QN_CORRUPT);
    assert_string_equal(err.message, "outer (inner)");
}

static void cuts_between_characters(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    char text[400];
    /* A character of 1 to 4 bytes, at each place around the end. */
    const char *const characters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x8C\xBE"};
    for (size_t c = 0; c < 4; c++) {
        size_t size = strlen(characters[c]);
        for (size_t before = QN_ERROR_SIZE - 6; before < QN_ERROR_SIZE + 2; before++) {
            memset(text, 'x', before);
            memcpy(text + before, characters[c], size);
            memset(text + before + size, 'y', 50);
            text[before + size + 50] = '\0';
            assert_int_equal(qn_fail(&err, QN_INVALID, "%s", text), QN_INVALID);
            size_t length = strlen(err.message);
            assert_memory_equal(err.message, text, length);
            if (before + size > QN_ERROR_SIZE - 1)
                assert_int_equal(length, before < QN_ERROR_SIZE - 1 ? before : QN_ERROR_SIZE - 1);
            else
                assert_int_equal(length, QN_ERROR_SIZE - 1);
        }
    }
}

static void prefixes(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_fail(&err, QN_NOT_FOUND, "no column \"x\""), QN_NOT_FOUND);
    assert_int_equal(qn_fail_within(&err, "step %d", 2), QN_NOT_FOUND);
    assert_string_equal(err.message, "step 2: no column \"x\"");

    char text[300];
    memset(text, 'p', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(qn_fail_within(&err, "%s", text), QN_NOT_FOUND);
    assert_int_equal(strlen(err.message), QN_ERROR_SIZE - 1);
    assert_null(strchr(err.message, ':'));

    /* The old message is cut between characters as well. */
    assert_int_equal(qn_fail(&err, QN_IO, "\xE2\x82\xAC\xE2\x82\xAC"), QN_IO);
    assert_int_equal(qn_fail_within(&err, "%.*s", QN_ERROR_SIZE - 1 - 2 - 5, text), QN_IO);
    assert_int_equal(strlen(err.message), QN_ERROR_SIZE - 1 - 2);
    assert_string_equal(err.message + strlen(err.message) - 5, ": \xE2\x82\xAC");
}

static void names_each_status(void **state)
{
    (void)state;
    for (int i = QN_OK; i <= QN_UNSUPPORTED; i++) {
        assert_string_not_equal(qn_status_name((enum qn_status)i), "unknown");
        for (int j = QN_OK; j < i; j++) {
            assert_string_not_equal(qn_status_name((enum qn_status)i),
                                    qn_status_name((enum qn_status)j));
        }
    }
    assert_string_equal(qn_status_name(QN_NOT_FOUND), "not_found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_and_returns),       cmocka_unit_test(quotes_its_own_message),
        cmocka_unit_test(cuts_between_characters), cmocka_unit_test(prefixes),
        cmocka_unit_test(names_each_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
