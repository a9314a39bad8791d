#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The length of the valid UTF-8 sequence at text[0..left), or 0 (Unicode 15, table 3-7). */
static size_t sequence_length(const unsigned char *text, size_t left)
{
    unsigned char lead = text[0];
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (left < length)
        return 0;
    unsigned char lowest = 0x80, highest = 0xBF; /* of the second byte */
    if (lead == 0xE0)
        lowest = 0xA0; /* below are overlong forms */
    else if (lead == 0xED)
        highest = 0x9F; /* above are surrogates */
    else if (lead == 0xF0)
        lowest = 0x90;
    else if (lead == 0xF4)
        highest = 0x8F; /* above is past U+10FFFF */
    if (text[1] < lowest || text[1] > highest)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((text[i] & 0xC0U) != 0x80)
            return 0;
    }
    return length;
}

size_t qn_utf8_check(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        uint64_t eight;
        if (size - at >= sizeof(eight)) {
            memcpy(&eight, text + at, sizeof(eight));
            if ((eight & 0x8080808080808080ULL) == 0) {
                at += sizeof(eight);
                continue;
            }
        }
        size_t length = sequence_length((const unsigned char *)text + at, size - at);
        if (length == 0)
            return at;
        at += length;
    }
    return size;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

enum qn_status qn_parse_size(const char *text, size_t *out, struct qn_error *err)
{
    static const char prefixes[] = "kmgtp";
    size_t length = strlen(text);
    size_t digits = strspn(text, "0123456789.");
    unsigned shift = 0;
    size_t at = digits;
    bool well_formed = digits > 0;
    if (well_formed && at < length) {
        const char *found = strchr(prefixes, lower(text[at]));
        if (found) {
            shift = 10 * (unsigned)(found - prefixes + 1);
            at++;
            if (at < length && lower(text[at]) == 'i' && lower(text[at + 1]) == 'b')
                at++;
        }
        if (at < length && lower(text[at]) == 'b')
            at++;
        well_formed = at == length;
    }
    int64_t whole;
    double value = 0.0;
    if (!well_formed || !qn_parse_double(text, digits, &value)) {
        return qn_fail(err, QN_INVALID,
                       "\"%s\" is not a size: write a number of bytes, or one like 512M or 2GiB",
                       text);
    }
    if (ldexp(value, (int)shift) >= 0x1p63)
        return qn_fail(err, QN_INVALID, "\"%s\" is too large a size", text);
    if (qn_parse_int64(text, digits, &whole))
        *out = (size_t)whole << shift; /* exact where a double would round */
    else
        *out = (size_t)ldexp(value, (int)shift);
    return QN_OK;
}

static void insert_commas(const char *digits, char *out)
{
    size_t length = strlen(digits);
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
}

void qn_format_count(uint64_t value, char text[QN_NUMBER_TEXT_SIZE])
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRIu64, value);
    insert_commas(digits, text);
}

void qn_format_human(double value, char text[QN_NUMBER_TEXT_SIZE])
{
    double size = fabs(value);
    if (!isfinite(value) || value == 0.0) {
        qn_format_double(fabs(value) == 0.0 ? 0.0 : value, text);
    } else if (size >= 999.95 && size < 999999999999999.5) {
        /* All digits before the point are shown: a cut 12,350 would pass for a count. */
        if (value < 0)
            *text++ = '-';
        qn_format_count((uint64_t)(size + 0.5), text);
    } else {
        snprintf(text, QN_NUMBER_TEXT_SIZE, "%.4g", value);
    }
}

void qn_format_bytes(uint64_t value, char text[QN_NUMBER_TEXT_SIZE])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (value < 1024) {
        snprintf(text, QN_NUMBER_TEXT_SIZE, "%" PRIu64 " B", value);
        return;
    }
    double scaled = (double)value / 1024.0;
    size_t unit = 0;
    while (scaled >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        scaled /= 1024.0;
        unit++;
    }
    snprintf(text, QN_NUMBER_TEXT_SIZE, "%.1f %s", scaled, units[unit]);
}

enum { QN_CLOSEST_LENGTH = 64 };

static size_t smallest(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance (Damerau 1964): insert, delete, replace, swap neighbours;
 * ignoring ASCII case; both texts at most QN_CLOSEST_LENGTH. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][QN_CLOSEST_LENGTH + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = smallest(last[j - 1] + !same, smallest(row[j - 1], last[j]) + 1);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = smallest(row[j], before[j - 2] + 1);
        }
        size_t *recycled = before;
        before = last;
        last = row;
        row = recycled;
    }
    return last[b_length];
}

const char *qn_text_closest(const char *text, const char *const *names, size_t name_count)
{
    size_t length = strlen(text);
    const char *best = NULL;
    size_t best_distance = length / 3 + 1;
    if (length > QN_CLOSEST_LENGTH)
        return NULL;
    for (size_t i = 0; i < name_count; i++) {
        size_t name_length = strlen(names[i]);
        if (name_length > QN_CLOSEST_LENGTH)
            continue;
        size_t distance = edit_distance(text, length, names[i], name_length);
        if (distance < best_distance) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}
