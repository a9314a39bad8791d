/* Numbers to text and back. */
#include "base/power_of_ten_internal.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 qn_uint128;

enum {
    QN_FAST_DIGITS = 19,  /* that always fit 64 bits */
    QN_KEPT_DIGITS = 780, /* a double's exact midpoints have at most 768 */
    QN_EXPONENT_CAP = 100000,
};

/* The digits of a decimal number: mantissa * 10^exponent, in text[first..last). */
struct decimal {
    uint64_t mantissa;  /* of the first QN_FAST_DIGITS significant digits */
    int64_t exponent;   /* of the mantissa */
    size_t digit_count; /* significant digits, without leading zeros */
    size_t first, last; /* where digits and the point are in the text */
    bool negative;
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Reads digits from *at on into the mantissa; returns how many there were. */
static size_t take_digits(const char *text, size_t size, size_t *at, struct decimal *number,
                          bool after_point)
{
    size_t start = *at, i = *at;
    uint64_t mantissa = number->mantissa;
    size_t digit_count = number->digit_count;
    int64_t exponent = number->exponent;
    for (; i < size && is_digit(text[i]); i++) {
        unsigned digit = (unsigned)(text[i] - '0');
        if (digit_count < QN_FAST_DIGITS) {
            mantissa = mantissa * 10 + digit;
            digit_count += mantissa != 0;
            exponent -= after_point;
        } else {
            digit_count++;
            exponent += !after_point;
        }
    }
    number->mantissa = mantissa;
    number->digit_count = digit_count;
    number->exponent = exponent;
    *at = i;
    return i - start;
}

static bool take_exponent(const char *text, size_t size, size_t *at, struct decimal *number)
{
    size_t i = *at + 1; /* past the e */
    bool negative = false;
    if (i < size && (text[i] == '-' || text[i] == '+'))
        negative = text[i++] == '-';
    if (i == size)
        return false;
    int64_t exponent = 0;
    for (; i < size && is_digit(text[i]); i++) {
        if (exponent < INT64_C(1) << 48)
            exponent = exponent * 10 + (text[i] - '0');
    }
    number->exponent += negative ? -exponent : exponent;
    *at = i;
    return true;
}

static bool equals_ignoring_case(const char *text, size_t size, const char *lower_word)
{
    if (size != strlen(lower_word))
        return false;
    for (size_t i = 0; i < size; i++) {
        if ((text[i] | 0x20) != lower_word[i])
            return false;
    }
    return true;
}

/* What the fast path cannot round: the digits are written again as an integer and an exponent, so
 * that strtod() meets no decimal point, whatever the locale. Digits past QN_KEPT_DIGITS only
 * matter by not being all zero. */
static double parse_slowly(const char *text, const struct decimal *number)
{
    char copy[QN_KEPT_DIGITS + 32];
    size_t kept = 0;
    bool more = false;
    int64_t exponent = number->exponent;
    if (number->digit_count > QN_FAST_DIGITS)
        exponent -= (int64_t)(number->digit_count - QN_FAST_DIGITS);
    for (size_t i = number->first; i < number->last; i++) {
        if (text[i] == '.' || (kept == 0 && text[i] == '0'))
            continue;
        if (kept < QN_KEPT_DIGITS) {
            copy[kept++] = text[i];
        } else {
            more = more || text[i] != '0';
            exponent++;
        }
    }
    if (kept == 0)
        return 0.0;
    if (more) {
        copy[kept++] = '1';
        exponent--;
    }
    if (exponent > QN_EXPONENT_CAP)
        exponent = QN_EXPONENT_CAP;
    if (exponent < -QN_EXPONENT_CAP)
        exponent = -QN_EXPONENT_CAP;
    snprintf(copy + kept, sizeof(copy) - kept, "e%d", (int)exponent);
    return strtod(copy, NULL);
}

/* Clinger's fast path ("How to read floating point numbers accurately", PLDI 1990): an exact
 * integer times or divided by an exact power of ten is rounded once. */
static bool parse_fast(const struct decimal *number, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (number->digit_count > QN_FAST_DIGITS || number->mantissa > UINT64_C(1) << 53)
        return false;
    if (number->exponent < -22 || number->exponent > 22)
        return false;
    double value = (double)number->mantissa;
    *out =
        number->exponent < 0 ? value / powers[-number->exponent] : value * powers[number->exponent];
    return true;
}

/* Numbers of up to 19 digits, by the idea of Eisel and Lemire (Lemire, "Number parsing at a
 * gigabyte per second", Software: Practice and Experience 2021): the mantissa times the first 128
 * bits of the power of ten is known to within 2 units of its own 128th bit, and that nearly always
 * settles how the 53 bits of a double are rounded. False where it does not, or where the result is
 * no normal double. */
static bool parse_by_product(const struct decimal *number, double *out)
{
    if (number->digit_count > QN_FAST_DIGITS || number->mantissa == 0)
        return false;
    if (number->exponent < QN__LEAST_POWER || number->exponent > QN__GREATEST_POWER)
        return false;
    int power = (int)number->exponent;
    int shift = __builtin_clzll(number->mantissa);
    uint64_t mantissa = number->mantissa << shift;
    qn_uint128 first = (qn_uint128)mantissa * qn__power_of_ten[power - QN__LEAST_POWER].first;
    qn_uint128 second = (qn_uint128)mantissa * qn__power_of_ten[power - QN__LEAST_POWER].second;
    qn_uint128 product = first + (uint64_t)(second >> 64);

    /* The highest bit of the product is its last or the one before. 217706 / 65536 is log2(10) to
     * more than enough places for these powers; the shift rounds down, and the 1000 keeps what is
     * shifted above 0. */
    unsigned top = (unsigned)(product >> 127);
    int exponent = ((power * 217706 + (1000 << 16)) >> 16) - 1000 + 63 + (int)top - shift;
    unsigned rest_bits = 74 + top;
    qn_uint128 rest = product & (((qn_uint128)1 << rest_bits) - 1);
    qn_uint128 half = (qn_uint128)1 << (rest_bits - 1);
    if (rest <= half && rest + 2 >= half)
        return false;
    uint64_t rounded = (uint64_t)(product >> rest_bits) + (rest > half);
    /* Adding instead of joining: a mantissa that rounding carries to 2^53 steps the exponent. */
    uint64_t bits = rounded + ((uint64_t)(exponent + 1022) << 52);
    memcpy(out, &bits, sizeof(bits));
    return true;
}

bool qn_parse_double(const char *text, size_t size, double *out)
{
    struct decimal number = {0};
    size_t at = 0;
    if (size > 0 && (text[0] == '-' || text[0] == '+'))
        number.negative = text[at++] == '-';
    number.first = at;
    size_t digits = take_digits(text, size, &at, &number, false);
    if (at < size && text[at] == '.') {
        at++;
        digits += take_digits(text, size, &at, &number, true);
    }
    number.last = at;
    double value;
    if (digits == 0) {
        if (at != number.first || !(equals_ignoring_case(text + at, size - at, "inf") ||
                                    equals_ignoring_case(text + at, size - at, "infinity")))
            return false;
        value = INFINITY;
    } else {
        if (at < size && (text[at] | 0x20) == 'e' && !take_exponent(text, size, &at, &number))
            return false;
        if (at != size)
            return false;
        if (!parse_fast(&number, &value) && !parse_by_product(&number, &value))
            value = parse_slowly(text, &number);
    }
    *out = number.negative ? -value : value;
    return true;
}

bool qn_parse_int64(const char *text, size_t size, int64_t *out)
{
    size_t at = 0;
    bool negative = false;
    if (size > 0 && (text[0] == '-' || text[0] == '+'))
        negative = text[at++] == '-';
    if (at == size)
        return false;
    const uint64_t largest = (uint64_t)INT64_MAX + negative;
    uint64_t value = 0;
    for (; at < size; at++) {
        if (!is_digit(text[at]))
            return false;
        unsigned digit = (unsigned)(text[at] - '0');
        if (value > (largest - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (negative)
        *out = value == 0 ? 0 : -(int64_t)(value - 1) - 1;
    else
        *out = (int64_t)value;
    return true;
}

void qn_format_double(double value, char text[QN_NUMBER_TEXT_SIZE])
{
    if (isnan(value)) {
        memcpy(text, "nan", 4);
        return;
    }
    if (!isfinite(value)) {
        memcpy(text, value < 0 ? "-inf" : "inf", value < 0 ? 5 : 4);
        return;
    }
    double size = fabs(value);
    if (size < 1e15 && size == floor(size) && !(value == 0.0 && signbit(value))) {
        snprintf(text, QN_NUMBER_TEXT_SIZE, "%lld", (long long)value);
        return;
    }
    /* Up to 15 digits survive a double and %g drops trailing zeros, so 15 is where to start; but
     * subnormals carry fewer bits and may need fewer digits. */
    int precision = size < 0x1p-1022 ? 1 : 15;
    for (; precision < 17; precision++) {
        snprintf(text, QN_NUMBER_TEXT_SIZE, "%.*g", precision, value);
        double back;
        if (qn_parse_double(text, strlen(text), &back) && back == value)
            return;
    }
    snprintf(text, QN_NUMBER_TEXT_SIZE, "%.17g", value);
}
