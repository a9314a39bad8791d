/* Doubles to text for writers: the same text as qn_format_double(), several times faster for
 * numbers between 1e-4 and 1e15, which most are. There the value m * 2^e, scaled by 10^k to 17
 * digits before the point, is a whole number of 2^-s units that fits 128 bits, so rounding to 15,
 * 16 or 17 digits and asking whether that still reads back as the same double are exact. */
#include "data/write_internal.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

__extension__ typedef unsigned __int128 qn_wide;

enum { QN_DIGITS = 17, QN_LEAST_EXPONENT = -4, QN_EXPONENTS = 19 };

static const double decades[QN_EXPONENTS + 1] = {
    1e-4, 1e-3, 1e-2, 1e-1, 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,
    1e6,  1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
};

/* A positive double as scaled / 2^shift, in units of its 17th digit. */
struct scaled {
    qn_wide value;
    qn_wide reach; /* half the way to the next double */
    int shift;
    int exponent; /* of the first digit */
    bool even;    /* the halfway points read back as this double */
};

static void scale(double value, struct scaled *out)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    uint64_t mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
    int binary = (int)(bits >> 52) - 1075;
    int at = 0;
    while (value >= decades[at + 1])
        at++;
    out->exponent = at + QN_LEAST_EXPONENT;
    int power = QN_DIGITS - 1 - out->exponent;
    uint64_t five = 1;
    for (int i = 0; i < power; i++)
        five *= 5; /* at most 5^20 < 2^47 */
    /* One more bit, so that half the way is whole. The double below a power of two is nearer by
     * half; that changes the text of none of the 63 powers in this range (they are all tested). */
    out->value = (qn_wide)mantissa * five << 1;
    out->reach = five;
    out->shift = 1 - (binary + power);
    out->even = mantissa % 2 == 0;
}

/* The value rounded (ties to even) to a multiple of `unit` in its 17 digits. */
static uint64_t round_to(const struct scaled *scaled, uint64_t unit)
{
    uint64_t whole = (uint64_t)(scaled->value >> scaled->shift);
    qn_wide one = (qn_wide)1 << scaled->shift;
    qn_wide rest = (scaled->value & (one - 1)) + one * (whole % unit);
    qn_wide half = one * unit / 2;
    uint64_t quotient = whole / unit;
    if (rest > half || (rest == half && quotient % 2 == 1))
        quotient++;
    return quotient * unit;
}

static bool reads_back(const struct scaled *scaled, uint64_t digits)
{
    qn_wide candidate = (qn_wide)digits << scaled->shift;
    qn_wide distance =
        candidate > scaled->value ? candidate - scaled->value : scaled->value - candidate;
    return distance < scaled->reach || (distance == scaled->reach && scaled->even);
}

/* 17 digits, without the zeros at their end, with a point where exponent says. */
static size_t place(uint64_t digits, int exponent, char *text)
{
    char all[QN_DIGITS];
    for (int i = QN_DIGITS; i-- > 0; digits /= 10)
        all[i] = (char)('0' + digits % 10);
    int count = QN_DIGITS;
    while (count > exponent + 1 && count > 1 && all[count - 1] == '0')
        count--;
    char *to = text;
    int at = 0;
    if (exponent < 0) {
        *to++ = '0';
    } else {
        for (; at <= exponent; at++)
            *to++ = all[at];
    }
    if (at < count)
        *to++ = '.';
    for (int zero = -1; zero > exponent; zero--)
        *to++ = '0';
    for (; at < count; at++)
        *to++ = all[at];
    return (size_t)(to - text);
}

size_t qn__number_text(double value, char text[QN_NUMBER_TEXT_SIZE])
{
    static const uint64_t least = UINT64_C(10000000000000000), most = least * 10;
    double size = fabs(value);
    if (size >= 1e-4 && size < 1e15) {
        struct scaled scaled;
        scale(size, &scaled);
        uint64_t digits = round_to(&scaled, 100);
        if (!reads_back(&scaled, digits))
            digits = round_to(&scaled, 10);
        if (!reads_back(&scaled, digits))
            digits = round_to(&scaled, 1);
        if (digits >= least && digits < most) { /* else rounding reached the next decade */
            text[0] = '-';
            return place(digits, scaled.exponent, text + (value < 0)) + (value < 0);
        }
    }
    if (value == 0 && !signbit(value)) {
        text[0] = '0';
        return 1;
    }
    qn_format_double(value, text);
    return strlen(text);
}
