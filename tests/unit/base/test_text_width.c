#include "base/text.h"

#include <string.h>

#include <cmocka.h>

#define ELLIPSIS "\xE2\x80\xA6"

static void measures_columns(void **state)
{
    (void)state;
    assert_int_equal(qn_text_width(""), 0);
    assert_int_equal(qn_text_width("abc"), 3);
    assert_int_equal(qn_text_width("caf\xC3\xA9"), 4);
    assert_int_equal(qn_text_width("cafe\xCC\x81"), 4);             /* a combining accent */
    assert_int_equal(qn_text_width("\xE9\xBA\xA6\xE7\xB2\x89"), 4); /* two ideographs */
    assert_int_equal(qn_text_width("\xF0\x9F\x8C\xBE"), 2);         /* an emoji */
    assert_int_equal(qn_text_width("\xEF\xBC\xA1"), 2);             /* a full-width A */
    assert_int_equal(qn_text_width("\xE1\x84\x80\xE1\x85\xA1"), 2); /* joining jamo */
    assert_int_equal(qn_text_width("a\xE2\x80\x8B"), 1);            /* a zero-width space */
    assert_int_equal(qn_text_width("a\tb"), 3);                     /* shown as ? */
    assert_int_equal(qn_text_width("a\xFF\xC3"), 3);                /* two bytes astray */
}

static void assert_fit(const char *text, size_t columns, size_t out_size, const char *expected)
{
    char out[64];
    memset(out, '#', sizeof(out));
    size_t used = qn_text_fit(text, columns, out, out_size);
    assert_string_equal(out, expected);
    assert_int_equal(used, qn_text_width(expected));
    assert_true(used <= columns);
    assert_int_equal(out[out_size], '#');
}

static void fits_columns(void **state)
{
    (void)state;
    assert_fit("abc", 3, 40, "abc");
    assert_fit("abcd", 3, 40, "ab" ELLIPSIS);
    assert_fit("abcd", 1, 40, ELLIPSIS);
    assert_fit("abcd", 0, 40, "");
    assert_fit("", 0, 40, "");
    assert_fit("a\nb\x7F", 5, 40, "a?b?");
    assert_fit("a\xFF", 5, 40, "a?");
    assert_fit("\xC2\x85x", 5, 40, "?x"); /* a control character of two bytes */
    assert_fit("\xE9\xBA\xA6\xE7\xB2\x89", 4, 40, "\xE9\xBA\xA6\xE7\xB2\x89");
    assert_fit("\xE9\xBA\xA6\xE7\xB2\x89", 3, 40, "\xE9\xBA\xA6" ELLIPSIS);
    assert_fit("\xE9\xBA\xA6\xE7\xB2\x89", 2, 40, ELLIPSIS); /* no half of a wide one */
    assert_fit("cafe\xCC\x81", 4, 40, "cafe\xCC\x81");       /* the accent stays with its e */
    assert_fit("cafe\xCC\x81s", 5, 40, "cafe\xCC\x81s");
    assert_fit("cafe\xCC\x81sx", 5, 40, "cafe\xCC\x81" ELLIPSIS);
}

static void fits_bytes(void **state)
{
    (void)state;
    assert_fit("abcdef", 10, 7, "abcdef");
    assert_fit("abcdef", 10, 6, "ab" ELLIPSIS);
    assert_fit("abcdef", 10, 4, ELLIPSIS);
    assert_fit("abcdef", 10, 3, "");
    assert_fit("abcdef", 10, 1, "");
    assert_fit("\xE9\xBA\xA6\xE7\xB2\x89", 10, 6, "" ELLIPSIS);
    assert_fit("\xE9\xBA\xA6\xE7\xB2\x89", 10, 7, "\xE9\xBA\xA6\xE7\xB2\x89");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_columns),
        cmocka_unit_test(fits_columns),
        cmocka_unit_test(fits_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
