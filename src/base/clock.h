/* Time. */
#ifndef QN_BASE_CLOCK_H
#define QN_BASE_CLOCK_H

#include <stdint.h>

#define QN_TIME_TEXT_SIZE 32

double qn_clock_ms(void);       /* monotonic, for durations */
int64_t qn_clock_unix_us(void); /* wall clock, microseconds since 1970 UTC */
/* RFC 3339 UTC with seconds: 2026-11-21T10:00:00Z. */
void qn_time_format(int64_t unix_us, char text[QN_TIME_TEXT_SIZE]);
/* Proleptic Gregorian days since 1970-01-01, and back. month 1-12, day 1-31. */
int64_t qn_days_from_civil(int year, int month, int day);
void qn_civil_from_days(int64_t days, int *year, int *month, int *day);

#endif
