#include "base/text.h"

#include <string.h>

#include <cmocka.h>

static void assert_bad_at(const char *text, size_t size, size_t expected)
{
    assert_int_equal(qn_utf8_check(text, size), expected);
    /* The same behind ASCII of each length, which the eight-byte steps cross differently. */
    char longer[64];
    for (size_t before = 0; before < 20; before++) {
        memset(longer, 'x', sizeof(longer));
        memcpy(longer + before, text, size);
        assert_int_equal(qn_utf8_check(longer, before + size), before + expected);
    }
}

static void checks_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size, bad_at;
    } cases[] = {
        {"", 0, 0},
        {"abc\0def", 7, 7},
        {"caf\xC3\xA9", 5, 5},
        {"\xE2\x82\xAC\xF0\x9F\x8C\xBE", 7, 7},
        {"\xED\x9F\xBF\xEE\x80\x80", 6, 6}, /* beside the surrogates */
        {"\xF4\x8F\xBF\xBF", 4, 4},         /* the last code point */
        {"a\x80", 2, 1},                    /* a continuation alone */
        {"a\xC3", 2, 1},                    /* cut short */
        {"\xE2\x82", 2, 0},                 /* cut short */
        {"\xF0\x9F\x8C", 3, 0},             /* cut short */
        {"\xC0\x80", 2, 0},                 /* overlong NUL */
        {"\xC1\xBF", 2, 0},                 /* overlong */
        {"\xE0\x9F\xBF", 3, 0},             /* overlong */
        {"\xF0\x8F\xBF\xBF", 4, 0},         /* overlong */
        {"ab\xED\xA0\x80", 5, 2},           /* a surrogate */
        {"\xF4\x90\x80\x80", 4, 0},         /* past U+10FFFF */
        {"\xF5\x80\x80\x80", 4, 0},         /* no such lead */
        {"\xFF", 1, 0},                     /* no such byte */
        {"\xC3\x28", 2, 0},                 /* a lead before ASCII */
        {"\xE2\x28\xA1", 3, 0},             /* the second is wrong */
        {"\xE2\x82\x28", 3, 0},             /* the third is wrong */
        {"\xF0\x9F\x8C\x28", 4, 0},         /* the fourth is wrong */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_bad_at(cases[i].text, cases[i].size, cases[i].bad_at);
}

static void reads_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
    } good[] = {
        {"0", 0},
        {"4096", 4096},
        {"512M", (size_t)512 << 20},
        {"2GiB", (size_t)2 << 30},
        {"1.5g", (size_t)3 << 29},
        {"10kb", 10240},
        {"7B", 7},
        {"3t", (size_t)3 << 40},
        {"9007199254740993", 9007199254740993U}, /* past 2^53 */
    };
    static const char *const bad[] = {
        "",      "M",     "-1",   "1x",  "1 M",      "1Mi", "1e3",
        "1.2.3", "1GiBs", "0x10", "inf", "9999999P", ".",   "9223372036854775808"};
    struct qn_error err = QN_ERROR_INIT;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        size_t bytes = 1;
        assert_int_equal(qn_parse_size(good[i].text, &bytes, &err), QN_OK);
        assert_int_equal(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        size_t bytes = 123;
        assert_int_equal(qn_parse_size(bad[i], &bytes, &err), QN_INVALID);
        assert_int_equal(bytes, 123);
        assert_non_null(strstr(err.message, bad[i]));
    }
}

static void formats_for_people(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } human[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {0.5, "0.5"},
        {1234, "1,234"},
        {0.0012346, "0.001235"},
        {999.94, "999.9"},
        {999.96, "1,000"},
        {-12345.6, "-12,346"},
        {1e15, "1e+15"},
        {-1.5, "-1.5"},
        {123456789012345.0, "123,456,789,012,345"},
        {1e-7, "1e-07"},
        {999999999999999.9, "1e+15"},
        {-999999999999999.0, "-999,999,999,999,999"},
    };
    char text[QN_NUMBER_TEXT_SIZE];
    for (size_t i = 0; i < sizeof(human) / sizeof(human[0]); i++) {
        qn_format_human(human[i].value, text);
        assert_string_equal(text, human[i].text);
    }
    qn_format_count(0, text);
    assert_string_equal(text, "0");
    qn_format_count(999, text);
    assert_string_equal(text, "999");
    qn_format_count(1234567, text);
    assert_string_equal(text, "1,234,567");
    qn_format_count(UINT64_MAX, text);
    assert_string_equal(text, "18,446,744,073,709,551,615");
    static const struct {
        uint64_t value;
        const char *text;
    } bytes[] = {
        {0, "0 B"},           {1023, "1023 B"},     {1024, "1.0 KiB"},
        {1258291, "1.2 MiB"}, {1048575, "1.0 MiB"}, {UINT64_MAX, "16.0 EiB"},
    };
    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
        qn_format_bytes(bytes[i].value, text);
        assert_string_equal(text, bytes[i].text);
    }
}

static void finds_the_closest(void **state)
{
    (void)state;
    static const char *const names[] = {"learning_rate", "max_depth", "n_estimators", "target"};
    assert_string_equal(qn_text_closest("learnin_rate", names, 4), "learning_rate");
    assert_string_equal(qn_text_closest("n_estimator", names, 4), "n_estimators");
    assert_string_equal(qn_text_closest("Target", names, 4), "target");
    assert_string_equal(qn_text_closest("traget", names, 4), "target"); /* two of six */
    assert_null(qn_text_closest("trgaeX", names, 4));
    assert_null(qn_text_closest("seed", names, 4));
    assert_null(qn_text_closest("", names, 4));
    assert_null(qn_text_closest("x", names, 0));
    char longer[300];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_null(qn_text_closest(longer, names, 4));
    const char *const long_names[] = {longer};
    assert_null(qn_text_closest("target", long_names, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_utf8),
        cmocka_unit_test(reads_sizes),
        cmocka_unit_test(formats_for_people),
        cmocka_unit_test(finds_the_closest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
