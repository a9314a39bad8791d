/* Parts of dates, in the proleptic Gregorian calendar and UTC. */
#include "prep/prep_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define QN_HOUR_US INT64_C(3600000000)
#define QN_MINUTE_US INT64_C(60000000)
#define QN_SECOND_US INT64_C(1000000)
#define QN_DAY_US INT64_C(86400000000)
/* Days further away have no calendar here: their parts are missing. */
#define QN_DAY_LIMIT INT64_C(4000000000)

enum { QN_ERA_DAYS = 146097, QN_EPOCH_SHIFT = 719468 };

struct date {
    int64_t year;
    int month, day, day_of_year;
};

/* Years begin in March here, so that the leap day is the last one; an era is 400 years. */
static struct date date_of(int64_t days)
{
    int64_t shifted = days + QN_EPOCH_SHIFT;
    int64_t era = (shifted >= 0 ? shifted : shifted - (QN_ERA_DAYS - 1)) / QN_ERA_DAYS;
    int64_t in_era = shifted - era * QN_ERA_DAYS;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * in_year + 2) / 153; /* 0 is March */
    struct date date = {.year = year + era * 400,
                        .month = (int)(month < 10 ? month + 3 : month - 9),
                        .day = (int)(in_year - (153 * month + 2) / 5 + 1)};
    date.year += date.month <= 2;
    bool leap = (date.year % 4 == 0 && date.year % 100 != 0) || date.year % 400 == 0;
    /* 306 days from March to December. */
    date.day_of_year = (int)(in_year >= 306 ? in_year - 306 + 1 : in_year + 60 + leap);
    return date;
}

double qn__part_value(struct qn__moment moment, enum qn__part part)
{
    if (moment.day == QN_MISSING_INTEGER || moment.day > QN_DAY_LIMIT || moment.day < -QN_DAY_LIMIT)
        return NAN;
    int64_t us = moment.microsecond, whole;
    int64_t weekday = ((moment.day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday; Monday is 0 */
    switch (part) {
    case QN__PART_WEEKDAY:
        return (double)weekday;
    case QN__PART_WEEKEND:
        return weekday >= 5;
    case QN__PART_HOUR:
        whole = us / QN_HOUR_US;
        return (double)whole;
    case QN__PART_MINUTE:
        whole = us % QN_HOUR_US / QN_MINUTE_US;
        return (double)whole;
    case QN__PART_SECOND:
        return (double)(us % QN_MINUTE_US) / (double)QN_SECOND_US;
    case QN__PART_EPOCH_DAYS:
        return (double)moment.day + (double)us / (double)QN_DAY_US;
    default:
        break;
    }
    struct date date = date_of(moment.day);
    switch (part) {
    case QN__PART_YEAR:
        return (double)date.year;
    case QN__PART_QUARTER:
        whole = (date.month - 1) / 3 + 1;
        return (double)whole;
    case QN__PART_MONTH:
        return date.month;
    case QN__PART_DAY:
        return date.day;
    default:
        return date.day_of_year;
    }
}

void qn__date_encode(const struct qn__step *step, const struct qn__cells *cells, double *const *out)
{
    const json_t *parts = qn__option(step->action, "parts");
    for (size_t j = 0; j < step->output_count; j++) {
        const char *name = json_string_value(json_array_get(parts, j));
        int part = 0;
        while (strcmp(qn__part_names[part], name) != 0)
            part++;
        for (size_t i = 0; i < cells->row_count; i++)
            out[j][i] = qn__part_value(qn__cells_moment(cells, i), (enum qn__part)part);
    }
}
