#include "prep_support.h"

#include "prep/prep_internal.h"

/* Days since 1970-01-01, the civil way: by counting. */
static int64_t count_days(int64_t year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t days = 0;
    for (int64_t y = 1970; y < year; y++)
        days += 365 + ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0);
    for (int64_t y = year; y < 1970; y++)
        days -= 365 + ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days + before[month - 1] + (leap && month > 2) + day - 1;
}

static double part(int64_t day, enum qn__part wanted)
{
    return qn__part_value((struct qn__moment){day, 0}, wanted);
}

static void test_every_day_of_six_centuries(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t at = count_days(1599, 1, 1);
    for (int64_t year = 1599; year < 2201; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        int day_of_year = 1;
        for (int month = 1; month <= 12; month++) {
            int length = lengths[month - 1] + (month == 2 && leap);
            for (int day = 1; day <= length; day++, at++, day_of_year++) {
                assert_true(part(at, QN__PART_YEAR) == (double)year);
                assert_true(part(at, QN__PART_MONTH) == month);
                assert_true(part(at, QN__PART_DAY) == day);
                assert_true(part(at, QN__PART_DAY_OF_YEAR) == day_of_year);
                assert_true(part(at, QN__PART_QUARTER) == (month + 2) / 3);
            }
        }
    }
}

/* As numpy counts. */
static void test_years_before_the_first(void **state)
{
    (void)state;
    static const struct {
        int64_t day;
        int year, month, of_month;
    } cases[] = {{-719529, -1, 12, 31},
                 {-1000000, -768, 2, 4},
                 {-719469, 0, 2, 29},
                 {2932896, 9999, 12, 31},
                 {-1157820, -1201, 12, 31}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_true(part(cases[i].day, QN__PART_YEAR) == cases[i].year);
        assert_true(part(cases[i].day, QN__PART_MONTH) == cases[i].month);
        assert_true(part(cases[i].day, QN__PART_DAY) == cases[i].of_month);
    }
}

static void test_weekdays_and_times(void **state)
{
    (void)state;
    assert_true(part(0, QN__PART_WEEKDAY) == 3); /* Thursday */
    assert_true(part(-3, QN__PART_WEEKDAY) == 0);
    assert_true(part(-4, QN__PART_WEEKDAY) == 6);
    assert_true(part(-4, QN__PART_WEEKEND) == 1);
    assert_true(part(0, QN__PART_WEEKEND) == 0);
    struct qn__moment moment = {10, INT64_C(45296500000)}; /* 12:34:56.5 */
    assert_true(qn__part_value(moment, QN__PART_HOUR) == 12);
    assert_true(qn__part_value(moment, QN__PART_MINUTE) == 34);
    assert_true(qn__part_value(moment, QN__PART_SECOND) == 56.5);
    assert_true(fabs(qn__part_value(moment, QN__PART_EPOCH_DAYS) - 10.5242650462963) < 1e-12);
}

static void test_what_has_no_calendar_is_missing(void **state)
{
    (void)state;
    for (int p = 0; p < QN__PART_COUNT; p++) {
        assert_true(isnan(part(QN_MISSING_INTEGER, (enum qn__part)p)));
        assert_true(isnan(part(INT64_MAX, (enum qn__part)p)));
        assert_true(isnan(part(-INT64_MAX, (enum qn__part)p)));
    }
}

static void test_a_date_without_actions_is_its_days(void **state)
{
    (void)state;
    struct qn_table *table = make_table(2);
    add_integers(table, "x", QN_TYPE_DATETIME,
                 (int64_t[]){INT64_C(129600000000), QN_MISSING_INTEGER});
    struct fitted fitted = fit_table(table, "{'name':'x','type':'datetime'}");
    check_values(fitted.matrix, "x", (double[]){1.5, NAN}, 0);
    fitted_release(&fitted);
    qn_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day_of_six_centuries),
        cmocka_unit_test(test_years_before_the_first),
        cmocka_unit_test(test_weekdays_and_times),
        cmocka_unit_test(test_what_has_no_calendar_is_missing),
        cmocka_unit_test(test_a_date_without_actions_is_its_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
