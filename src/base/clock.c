#define _GNU_SOURCE 1
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

double qn_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

int64_t qn_clock_unix_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Both ways count in eras of 400 years (146,097 days) from 0000-03-01, so that the leap day is the
 * last of its year (Hinnant, "chrono-compatible low-level date algorithms"). */
int64_t qn_days_from_civil(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = floor_divide(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t month_from_march = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void qn_civil_from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t shifted = days + 719468;
    int64_t era = floor_divide(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

void qn_time_format(int64_t unix_us, char text[QN_TIME_TEXT_SIZE])
{
    int64_t seconds = floor_divide(unix_us, 1000000);
    int64_t days = floor_divide(seconds, 86400);
    int left = (int)(seconds - days * 86400);
    int year, month, day;
    qn_civil_from_days(days, &year, &month, &day);
    /* 64-bit microseconds end within the year 294,247, so that this always fits. */
    int written = snprintf(text, QN_TIME_TEXT_SIZE, "%04d-%02u-%02uT%02u:%02u:%02uZ", year,
                           (unsigned)month % 100U, (unsigned)day % 100U, (unsigned)left / 3600U,
                           (unsigned)left / 60U % 60U, (unsigned)left % 60U);
    (void)written;
}
