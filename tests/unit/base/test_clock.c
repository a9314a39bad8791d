#include "base/clock.h"

#include <stdbool.h>
#include <time.h>

#include <cmocka.h>

static void days_and_back(void **state)
{
    (void)state;
    assert_int_equal(qn_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(qn_days_from_civil(2000, 3, 1), 11017);
    assert_int_equal(qn_days_from_civil(1969, 12, 31), -1);
    assert_int_equal(qn_days_from_civil(1, 1, 1), -719162);
    /* Every day from before the year -100 to after 2500 follows the one before it. */
    int year, month, day, before_year = 0, before_month = 0, before_day = 0;
    for (int64_t days = -760000; days < 200000; days++) {
        qn_civil_from_days(days, &year, &month, &day);
        assert_true(qn_days_from_civil(year, month, day) == days);
        if (days > -760000) {
            bool same_month = year == before_year && month == before_month;
            bool next_month = day == 1 && before_day >= 28 &&
                              year * 12 + month == before_year * 12 + before_month + 1;
            assert_true((same_month && day == before_day + 1) || next_month);
        }
        before_year = year;
        before_month = month;
        before_day = day;
    }
    qn_civil_from_days(qn_days_from_civil(2024, 2, 28) + 1, &year, &month, &day);
    assert_int_equal(month * 100 + day, 229);
    qn_civil_from_days(qn_days_from_civil(1900, 2, 28) + 1, &year, &month, &day);
    assert_int_equal(month * 100 + day, 301);
}

static void formats_time(void **state)
{
    (void)state;
    char text[QN_TIME_TEXT_SIZE];
    qn_time_format(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
    qn_time_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59Z");
    qn_time_format(INT64_C(1795255200999999), text);
    assert_string_equal(text, "2026-11-21T10:00:00Z");
    qn_time_format(INT64_MAX, text);
    assert_string_equal(text, "294247-01-10T04:00:54Z");
    qn_time_format(INT64_MIN, text);
    assert_string_equal(text, "-290308-12-21T19:59:05Z");
}

static void clocks_move(void **state)
{
    (void)state;
    double start_ms = qn_clock_ms();
    int64_t start_us = qn_clock_unix_us();
    struct timespec pause = {0, 20000000};
    nanosleep(&pause, NULL);
    double passed_ms = qn_clock_ms() - start_ms;
    assert_true(passed_ms >= 19.0 && passed_ms < 20000.0);
    assert_true(qn_clock_unix_us() > start_us);
    assert_true(start_us / 1000000 >= (int64_t)time(NULL) - 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_and_back),
        cmocka_unit_test(formats_time),
        cmocka_unit_test(clocks_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
