/* Numbers, booleans and missing-value tokens in texts. */
#include "data/infer_internal.h"

#include "base/text.h"

#include <math.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Powers of ten that a double holds exactly. */
static const double exact_tens[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* The text cut into its parts by scan(). */
struct parts {
    bool negative, plus;
    uint64_t mantissa;      /* all digits, when there are at most 19 */
    size_t digits;          /* of the mantissa, leading zeros too */
    size_t whole_digits;    /* before the point */
    size_t fraction_digits; /* behind it */
    bool point, exponent;
    int exponent_value; /* clamped to +-9999 */
    bool leading_zero;  /* 007 */
};

static const char *scan_digits(const char *at, const char *end, struct parts *parts)
{
    uint64_t mantissa = parts->mantissa;
    const char *from = at;
    while (at < end && is_digit(*at))
        mantissa = mantissa * 10 + (uint64_t)(*at++ - '0');
    parts->mantissa = mantissa;
    parts->digits += (size_t)(at - from);
    return at;
}

static bool scan_exponent(const char *at, const char *end, struct parts *parts)
{
    parts->exponent = true;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return false;
    int value = 0;
    for (; at < end && is_digit(*at); at++) {
        if (value < 1000)
            value = value * 10 + (*at - '0');
    }
    parts->exponent_value = negative ? -value : value;
    return at == end;
}

/* [+-]digits[.digits][e[+-]digits], with at least one digit in front of the exponent. */
static bool scan(const char *text, size_t size, char point, struct parts *parts)
{
    const char *at = text, *end = text + size;
    if (at < end && (*at == '-' || *at == '+')) {
        parts->negative = *at == '-';
        parts->plus = *at == '+';
        at++;
    }
    const char *first = at;
    at = scan_digits(at, end, parts);
    parts->whole_digits = parts->digits;
    parts->leading_zero = parts->digits > 1 && *first == '0';
    if (at == end)
        return parts->digits > 0;
    if (*at == point) {
        parts->point = true;
        at = scan_digits(at + 1, end, parts);
        parts->fraction_digits = parts->digits - parts->whole_digits;
    }
    if (parts->digits == 0)
        return false;
    if (at < end && (*at == 'e' || *at == 'E'))
        return scan_exponent(at + 1, end, parts);
    return at == end;
}

static bool is_infinity(const char *text, size_t size, double *number)
{
    bool negative = size > 0 && text[0] == '-';
    if (size > 0 && (text[0] == '-' || text[0] == '+')) {
        text++;
        size--;
    }
    bool match = (size == 3 && strncasecmp(text, "inf", 3) == 0) ||
                 (size == 8 && strncasecmp(text, "infinity", 8) == 0);
    if (match)
        *number = negative ? -INFINITY : INFINITY;
    return match;
}

__extension__ typedef unsigned __int128 wide;

static const uint64_t whole_tens[QN_TENS] = {1,
                                             10,
                                             100,
                                             1000,
                                             10000,
                                             100000,
                                             1000000,
                                             10000000,
                                             100000000,
                                             1000000000,
                                             10000000000,
                                             100000000000,
                                             1000000000000,
                                             10000000000000,
                                             100000000000000,
                                             1000000000000000,
                                             10000000000000000,
                                             100000000000000000,
                                             1000000000000000000,
                                             UINT64_C(10000000000000000000)};

/* Both operands are shifted to their full 64 bits, so the integer quotient has at least 63. With
 * its last bit set when the division left a remainder, rounding it to 53 bits rounds the fraction.
 */
double qn__decimal_divide(uint64_t mantissa, size_t places)
{
    if (mantissa == 0)
        return 0;
    uint64_t divisor = whole_tens[places];
    int up = __builtin_clzll(mantissa), down = __builtin_clzll(divisor);
    wide numerator = (wide)(mantissa << up) << 63;
    divisor <<= down;
    uint64_t quotient = (uint64_t)(numerator / divisor);
    quotient |= (wide)quotient * divisor != numerator;
    return ldexp((double)quotient, down - up - 63);
}

/* The double nearest to the decimal (Clinger 1990: exact when both factors are), else the slow way.
 * A text too long for the copy keeps its decimal point as it is. */
static bool to_double(const struct parts *parts, const char *text, size_t size, double *out)
{
    int scale = parts->exponent_value - (int)parts->fraction_digits;
    if (parts->digits <= 19 && parts->mantissa <= UINT64_C(1) << 53 && scale >= -22 &&
        scale <= 22) {
        double value = (double)parts->mantissa;
        value = scale < 0 ? value / exact_tens[-scale] : value * exact_tens[scale];
        *out = parts->negative ? -value : value;
        return true;
    }
    if (parts->digits <= 19 && scale < 0 && scale > -QN_TENS) {
        double value = qn__decimal_divide(parts->mantissa, (size_t)-scale);
        *out = parts->negative ? -value : value;
        return true;
    }
    char copy[512];
    if (parts->plus) {
        text++;
        size--;
    }
    const char *comma = memchr(text, ',', size);
    if (!comma)
        return qn_parse_double(text, size, out);
    if (size > sizeof(copy))
        return false;
    memcpy(copy, text, size);
    copy[comma - text] = '.';
    return qn_parse_double(copy, size, out);
}

static enum qn__kind read_whole(const struct parts *parts, const char *text, size_t size,
                                int64_t *whole, double *number)
{
    if (parts->leading_zero || (parts->plus && parts->digits >= 8))
        return QN_KIND_CODE;
    uint64_t limit = (uint64_t)INT64_MAX;
    /* INT64_MIN itself stands for missing. */
    if (parts->digits <= 19 && parts->mantissa <= limit) {
        *whole = parts->negative ? -(int64_t)parts->mantissa : (int64_t)parts->mantissa;
        *number = (double)*whole;
        return QN_KIND_WHOLE;
    }
    return to_double(parts, text, size, number) ? QN_KIND_BIG : QN_KIND_OTHER;
}

enum qn__kind qn__number_read(const char *text, size_t size, bool decimal_comma, int64_t *whole,
                              double *number)
{
    struct parts parts = {0};
    if (scan(text, size, '.', &parts)) {
        if (!parts.point && !parts.exponent)
            return read_whole(&parts, text, size, whole, number);
        if (parts.leading_zero)
            return QN_KIND_CODE;
        return to_double(&parts, text, size, number) ? QN_KIND_DECIMAL : QN_KIND_OTHER;
    }
    if (is_infinity(text, size, number))
        return QN_KIND_DECIMAL;
    if (!decimal_comma)
        return QN_KIND_OTHER;
    parts = (struct parts){0};
    if (!scan(text, size, ',', &parts) || !parts.point || parts.whole_digits == 0 ||
        parts.fraction_digits == 0)
        return QN_KIND_OTHER;
    if (parts.leading_zero)
        return QN_KIND_CODE;
    return to_double(&parts, text, size, number) ? QN_KIND_COMMA : QN_KIND_OTHER;
}

int qn__boolean_read(const char *text, size_t size)
{
    static const char *const words[2][5] = {{"false", "no", "f", "n", "0"},
                                            {"true", "yes", "t", "y", "1"}};
    for (int value = 0; value < 2; value++) {
        for (int i = 0; i < 5; i++) {
            if (strlen(words[value][i]) == size && strncasecmp(words[value][i], text, size) == 0)
                return value;
        }
    }
    return -1;
}

void qn__missing_init(struct qn__missing *missing, const struct qn_read_options *options)
{
    *missing = (struct qn__missing){
        .tokens = options->missing ? options->missing : qn_missing_default,
        .token_count = options->missing ? options->missing_count : qn_missing_default_count,
    };
    for (size_t i = 0; i < missing->token_count; i++) {
        const char *token = missing->tokens[i];
        size_t size = strlen(token);
        if (size > 0)
            missing->lengths_of_first[(unsigned char)token[0]] |= UINT64_C(1)
                                                                  << (size < 63 ? size : 63);
    }
}

bool qn__missing_search(const struct qn__missing *missing, const char *text, size_t size)
{
    for (size_t i = 0; i < missing->token_count; i++) {
        if (strlen(missing->tokens[i]) == size && memcmp(missing->tokens[i], text, size) == 0)
            return true;
    }
    return false;
}
