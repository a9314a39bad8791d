#include "base/random.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_same_bits(double a, double b)
{
    if (memcmp(&a, &b, sizeof(a)) != 0)
        print_error("%a is not %a\n", a, b);
    assert_memory_equal(&a, &b, sizeof(a));
}

/* strtod() of glibc rounds correctly: it is the reference. */
static void assert_parses(const char *text)
{
    double value = 123;
    if (!qn_parse_double(text, strlen(text), &value))
        fail_msg("\"%s\" is refused", text);
    assert_same_bits(value, strtod(text, NULL));
}

static void reads_numbers(void **state)
{
    (void)state;
    static const char *const good[] = {
        "0",
        "-0",
        "+1",
        "1.",
        ".5",
        "-.5",
        "0.1",
        "1e5",
        "1E+5",
        "1e-5",
        "123456789",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "1e309",
        "-1e999999999999999999999",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1e-999999999999999",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "9007199254740993",
        "9007199254740995",
        "9007199254740997",
        "4503599627370497.5",
        "4503599627370498.5",
        "9007199254740992.5",
        "9007199254740993.00000000000000000000000000000000001",
        "1e22",
        "1e23",
        "8.5e22",
        "123456789012345678",
        "1234567890123456789012345",
        "0.000000000000000000000000000000000000000001",
        "00000000000000000000000000001.5",
        "0.1000000000000000055511151231257827021181583404541015625",
        "100000000000000000000000000000000000000000000e-44",
        "0e999999",
        "0.0e-99999",
        "6.631236846766476e-316",
        "3.2378839133029012895883524125015321748630094e-319",
        "18446744073709551615",
        "18446744073709551616",
        "9999999999999999999",
        "1e-400",
        "7.2057594037927933e16",
        "72057594037927945",
        "inf",
        "-Infinity",
        "INF",
        "+inf",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_parses(good[i]);
}

static void refuses_what_is_no_number(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      " 1",   "1 ",   "abc",  ".",    "-",
                                      "+",     "e5",   "1e",   "1e+",  "1e5x", "0x10",
                                      "1.2.3", "--1",  "1,5",  "1_0",  "nan",  "in",
                                      "infi",  "1inf", ".inf", "-.e5", "1e5.", "infinityx"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        double value = 7;
        if (qn_parse_double(bad[i], strlen(bad[i]), &value))
            fail_msg("\"%s\" is taken", bad[i]);
        assert_true(value == 7);
    }
    double value = 0;
    assert_false(qn_parse_double("1\0", 2, &value));
    assert_true(qn_parse_double("12345", 2, &value)); /* no further than its size */
    assert_true(value == 12);
}

/* Random bits, written with each number of digits from 1 to 20, so that all paths meet. */
static void agrees_with_strtod(void **state)
{
    (void)state;
    struct qn_random random;
    qn_random_init(&random, 11, 0);
    char text[64];
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = qn_random_u64(&random);
        double value;
        if (i % 2)
            value = (double)bits * pow(10, (double)qn_random_below(&random, 30) - 25);
        else
            memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        snprintf(text, sizeof(text), i % 3 ? "%.*g" : "%.*e", i % 20 + 1, value);
        assert_parses(text);
    }
}

/* The point in the middle of two doubles has up to 770 digits: one digit more or less decides. */
static void rounds_at_the_midpoint(void **state)
{
    (void)state;
    struct qn_random random;
    qn_random_init(&random, 12, 0);
    char text[2000];
    for (int i = 0; i < 3000; i++) {
        uint64_t bits = qn_random_u64(&random) >> 1;
        if (i % 4 == 0)
            bits >>= 11 + qn_random_below(&random, 50); /* subnormal */
        double low, high;
        memcpy(&low, &bits, sizeof(low));
        if (!isfinite(low) || !isfinite(nextafter(low, INFINITY)))
            continue;
        high = nextafter(low, INFINITY);
        long double middle = ((long double)low + (long double)high) / 2; /* exact */
        snprintf(text, sizeof(text), "%.800Le", middle);
        assert_parses(text);
        char *exponent = strchr(text, 'e');
        assert_non_null(exponent);
        char tail[16];
        snprintf(tail, sizeof(tail), "%s", exponent);
        snprintf(exponent, 64, "0000000000000000000001%s", tail); /* just above */
        double above = 0;
        assert_true(qn_parse_double(text, strlen(text), &above));
        assert_same_bits(above, high);
    }
}

static void very_long_texts(void **state)
{
    (void)state;
    enum { LENGTH = 5000 };
    static char text[LENGTH + 32];
    memset(text, '0', LENGTH);
    memcpy(text, "1", 1);
    snprintf(text + LENGTH, 32, "e-%d", LENGTH - 1);
    assert_parses(text); /* 1 */
    text[0] = '0';
    text[1] = '.';
    snprintf(text + LENGTH, 32, "25e%d", LENGTH - 2);
    assert_parses(text); /* 0.25 */
    memset(text, '9', LENGTH);
    snprintf(text + LENGTH, 32, "e-%d", LENGTH);
    assert_parses(text); /* 1 */
    snprintf(text + LENGTH, 32, "e-%d", LENGTH + 320);
    assert_parses(text); /* subnormal */
}

static void reads_whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"+7", 7},
                {"-12", -12},
                {"000000000000000000000000000012", 12},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      "1.0",
                                      "1e3",
                                      " 1",
                                      "1 ",
                                      "0x1",
                                      "--1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999"};
    int64_t value = 5;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(qn_parse_int64(good[i].text, strlen(good[i].text), &value));
        assert_true(value == good[i].value);
    }
    value = 5;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(qn_parse_int64(bad[i], strlen(bad[i]), &value));
    assert_int_equal(value, 5);
}

static void assert_format(double value, const char *expected)
{
    char text[QN_NUMBER_TEXT_SIZE];
    qn_format_double(value, text);
    assert_string_equal(text, expected);
}

static void writes_the_shortest(void **state)
{
    (void)state;
    assert_format(0, "0");
    assert_format(-0.0, "-0");
    assert_format(0.1, "0.1");
    assert_format(0.1 + 0.2, "0.30000000000000004");
    assert_format(1.0 / 3, "0.3333333333333333");
    assert_format(1e20, "1e+20");
    assert_format(-17, "-17");
    assert_format(999999999999999.0, "999999999999999");
    assert_format(1e15, "1e+15");
    assert_format(9007199254740993.0, "9007199254740992");
    assert_format(5e-324, "5e-324");
    assert_format(1.7976931348623157e308, "1.7976931348623157e+308");
    assert_format(NAN, "nan");
    assert_format(INFINITY, "inf");
    assert_format(-INFINITY, "-inf");
    struct qn_random random;
    qn_random_init(&random, 13, 0);
    for (int i = 0; i < 50000; i++) {
        uint64_t bits = qn_random_u64(&random);
        double value, back = 0;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        if (i % 2)
            value = floor(fmod(value, 1e6)) / 1000;
        char text[QN_NUMBER_TEXT_SIZE];
        qn_format_double(value, text);
        assert_true(qn_parse_double(text, strlen(text), &back));
        assert_same_bits(back, value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_numbers),       cmocka_unit_test(refuses_what_is_no_number),
        cmocka_unit_test(agrees_with_strtod),  cmocka_unit_test(rounds_at_the_midpoint),
        cmocka_unit_test(very_long_texts),     cmocka_unit_test(reads_whole_numbers),
        cmocka_unit_test(writes_the_shortest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
