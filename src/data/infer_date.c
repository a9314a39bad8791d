/* Dates and times as people write them. */
#include "data/infer_internal.h"

#include "base/clock.h"

#include <strings.h>

/* A date with each time of day that may follow it. */
#define QN_TIMES(date) date, date " %H:%M:%S", date " %H:%M", date " %I:%M:%S %p", date " %I:%M %p"

const char *const qn__date_formats[] = {
    QN_TIMES("%Y-%m-%d"),  "%Y-%m-%dT%H:%M:%S",   "%Y-%m-%dT%H:%M",     "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M%z",    "%Y-%m-%d %H:%M:%S%z", "%Y-%m-%d %H:%M%z",   QN_TIMES("%Y/%m/%d"),
    QN_TIMES("%Y.%m.%d"),  QN_TIMES("%d.%m.%Y"),  QN_TIMES("%d/%m/%Y"), QN_TIMES("%m/%d/%Y"),
    QN_TIMES("%d-%m-%Y"),  QN_TIMES("%m-%d-%Y"),  QN_TIMES("%d %b %Y"), QN_TIMES("%d-%b-%Y"),
    QN_TIMES("%b %d, %Y"),
};
const size_t qn__date_format_count = sizeof(qn__date_formats) / sizeof(qn__date_formats[0]);
_Static_assert(sizeof(qn__date_formats) / sizeof(qn__date_formats[0]) <= 64, "one bit each");

/* What has been read so far; -1: not given. */
struct parts {
    int year, month, day, hour, minute, second, microsecond;
    int afternoon;      /* %p: 0 or 1 */
    int offset_minutes; /* east of UTC */
};

struct cursor {
    const char *at, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Between `fewest` and `most` digits. */
static bool read_digits(struct cursor *c, int fewest, int most, int *out)
{
    int value = 0, count = 0;
    while (count < most && c->at < c->end && is_digit(*c->at)) {
        value = value * 10 + (*c->at++ - '0');
        count++;
    }
    *out = value;
    return count >= fewest;
}

/* ".5" to ".123456789", cut to microseconds; nothing is fine too. */
static bool read_fraction(struct cursor *c, int *microsecond)
{
    *microsecond = 0;
    if (c->at == c->end || *c->at != '.')
        return true;
    c->at++;
    int count = 0, value = 0;
    for (; c->at < c->end && is_digit(*c->at); c->at++, count++) {
        if (count < 6)
            value = value * 10 + (*c->at - '0');
    }
    if (count == 0 || count > 9)
        return false;
    for (int i = count; i < 6; i++)
        value *= 10;
    *microsecond = value;
    return true;
}

static bool read_month_name(struct cursor *c, int *month)
{
    static const char *const names[12] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
    size_t letters = 0, left = (size_t)(c->end - c->at);
    while (letters < left && ((c->at[letters] | 0x20) >= 'a' && (c->at[letters] | 0x20) <= 'z'))
        letters++;
    for (int i = 0; i < 12; i++) {
        size_t full = strlen(names[i]);
        if ((letters == 3 || letters == full) && strncasecmp(c->at, names[i], letters) == 0) {
            *month = i + 1;
            c->at += letters;
            return true;
        }
    }
    return false;
}

/* Z, UTC, +hh:mm, -hhmm or +hh, after at most one space. */
static bool read_zone(struct cursor *c, int *offset_minutes)
{
    if (c->at < c->end && *c->at == ' ')
        c->at++;
    size_t left = (size_t)(c->end - c->at);
    *offset_minutes = 0;
    if (left >= 1 && (*c->at == 'Z' || *c->at == 'z')) {
        c->at++;
        return true;
    }
    if (left >= 3 && memcmp(c->at, "UTC", 3) == 0) {
        c->at += 3;
        return true;
    }
    if (left < 3 || (*c->at != '+' && *c->at != '-'))
        return false;
    int sign = *c->at++ == '-' ? -1 : 1, hours, minutes = 0;
    if (!read_digits(c, 2, 2, &hours))
        return false;
    if (c->at < c->end && *c->at == ':')
        c->at++;
    if (c->at < c->end && !read_digits(c, 2, 2, &minutes))
        return false;
    *offset_minutes = sign * (hours * 60 + minutes);
    return hours <= 23 && minutes <= 59;
}

static bool read_half(struct cursor *c, int *afternoon)
{
    if (c->end - c->at < 2 || (c->at[1] | 0x20) != 'm')
        return false;
    char first = (char)(c->at[0] | 0x20);
    *afternoon = first == 'p';
    c->at += 2;
    return first == 'a' || first == 'p';
}

static bool read_directive(char directive, struct cursor *c, struct parts *parts)
{
    switch (directive) {
    case 'Y':
        return read_digits(c, 4, 4, &parts->year);
    case 'y': /* POSIX: 69-99 are of the last century */
        if (!read_digits(c, 2, 2, &parts->year))
            return false;
        parts->year += parts->year >= 69 ? 1900 : 2000;
        return true;
    case 'm':
        return read_digits(c, 1, 2, &parts->month);
    case 'd':
        return read_digits(c, 1, 2, &parts->day);
    case 'H':
        return read_digits(c, 1, 2, &parts->hour) && parts->hour <= 23;
    case 'I':
        return read_digits(c, 1, 2, &parts->hour) && parts->hour >= 1 && parts->hour <= 12;
    case 'M':
        return read_digits(c, 2, 2, &parts->minute) && parts->minute <= 59;
    case 'S':
        return read_digits(c, 2, 2, &parts->second) && parts->second <= 59 &&
               read_fraction(c, &parts->microsecond);
    case 'p':
        return read_half(c, &parts->afternoon);
    case 'b':
    case 'B':
        return read_month_name(c, &parts->month);
    case 'z':
        return read_zone(c, &parts->offset_minutes);
    default:
        return c->at < c->end && *c->at++ == directive; /* %% */
    }
}

static bool is_real_day(int year, int month, int day)
{
    static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= lengths[month - 1] + (month == 2 && leap);
}

bool qn__date_format_has_time(const char *format)
{
    for (const char *at = format; (at = strchr(at, '%')) != NULL; at += 2) {
        if (at[1] == 'H' || at[1] == 'I')
            return true;
        if (at[1] == '\0')
            return false;
    }
    return false;
}

const char *qn__date_format_fault(const char *format)
{
    bool seen[128] = {false};
    for (const char *at = format; *at; at++) {
        if (*at != '%')
            continue;
        at++;
        if (*at == '\0')
            return "it ends in a bare %";
        if (!strchr("YymdHIMSpbBz%", *at))
            return "the directives are %Y %y %m %d %H %I %M %S %p %b %B %z %%";
        if (*at != '%' && seen[(unsigned char)*at])
            return "it has a directive twice";
        seen[(unsigned char)*at] = true;
    }
    if ((seen['Y'] || seen['y']) && (seen['m'] || seen['b'] || seen['B']) && seen['d'])
        return seen['I'] && !seen['p'] ? "%I needs %p" : NULL;
    return "it needs a year (%Y), a month (%m or %b) and a day (%d)";
}

static int64_t digits_value(const char *text, int count)
{
    int64_t value = 0;
    for (int i = 0; i < count; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

/* The form that machines write, "2026-01-31 10:20:30" with either separator, without the
 * interpreter below; false: not of that form, which says nothing yet. */
static bool read_iso(const char *format, const char *text, size_t size, int64_t *out)
{
    static const char shape[] = "dddd-dd-dd?dd:dd:dd";
    if (strncmp(format, "%Y-%m-%d", 8) != 0)
        return false;
    bool has_time = format[8] != '\0';
    if (has_time && strcmp(format + 9, "%H:%M:%S") != 0)
        return false;
    if (size != (has_time ? 19U : 10U) || (has_time && text[10] != format[8]))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (shape[i] == 'd' ? !is_digit(text[i]) : shape[i] != '?' && text[i] != shape[i])
            return false;
    }
    int year = (int)digits_value(text, 4), month = (int)digits_value(text + 5, 2);
    int day = (int)digits_value(text + 8, 2);
    if (!is_real_day(year, month, day))
        return false;
    int64_t days = qn_days_from_civil(year, month, day);
    if (!has_time) {
        *out = days;
        return true;
    }
    int64_t hour = digits_value(text + 11, 2), minute = digits_value(text + 14, 2);
    int64_t second = digits_value(text + 17, 2);
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *out = (days * 86400 + hour * 3600 + minute * 60 + second) * 1000000;
    return true;
}

bool qn__date_read(const char *format, const char *text, size_t size, int64_t *out)
{
    if (read_iso(format, text, size, out))
        return true;
    struct parts parts = {.afternoon = -1};
    struct cursor c = {text, text + size};
    bool has_time = false;
    for (const char *at = format; *at; at++) {
        if (*at != '%') {
            if (c.at == c.end || *c.at++ != *at)
                return false;
            continue;
        }
        at++;
        has_time |= *at == 'H' || *at == 'I';
        if (!read_directive(*at, &c, &parts))
            return false;
    }
    if (c.at != c.end || !is_real_day(parts.year, parts.month, parts.day))
        return false;
    int64_t days = qn_days_from_civil(parts.year, parts.month, parts.day);
    if (!has_time) {
        *out = days;
        return true;
    }
    if (parts.afternoon >= 0)
        parts.hour = parts.hour % 12 + 12 * parts.afternoon;
    int64_t seconds = days * 86400 + parts.hour * 3600 +
                      (int64_t)(parts.minute - parts.offset_minutes) * 60 + parts.second;
    *out = seconds * 1000000 + parts.microsecond;
    return true;
}

uint64_t qn__date_match(uint64_t candidates, const char *text, size_t size)
{
    uint64_t matched = 0;
    for (size_t i = 0; i < qn__date_format_count; i++) {
        int64_t value;
        if ((candidates >> i & 1) && qn__date_read(qn__date_formats[i], text, size, &value))
            matched |= UINT64_C(1) << i;
    }
    return matched;
}
