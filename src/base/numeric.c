/* exp and log by argument reduction and a polynomial (Tang, "Table-driven implementation of the
 * exponential function", TOMS 1989; Muller, "Elementary Functions", ch. 11 for the two-part
 * reduction constants). Coefficients are those of the Taylor series, taken far enough that the
 * truncation is below a tenth of a rounding error; polynomials are summed in Estrin's order.
 *
 * Every operation is an IEEE +, -, *, / or a move of bits, and the build forbids contraction, so
 * results are the same bits everywhere. Largest errors over 2,000,000 random arguments of each
 * kind, against 64-bit-mantissa libm: see tests/unit/base/test_numeric.c, which keeps the limits.
 */
#include "base/numeric.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ln 2 as a sum. The first part ends in 17 zero bits and the middle in 13, so that their products
 * with an exponent (at most 11 bits) are exact. */
#define QN_LN2_HIGH 0x1.62e42fefa0000p-1
#define QN_LN2_LOW 0x1.cf79abc9e3b3ap-40
#define QN_LN2_MIDDLE 0x1.cf79abc9e2000p-40 /* the first 40 bits of LOW */
#define QN_LN2_INVERSE 0x1.71547652b82fep+0
/* Adding and taking away 1.5 * 2^52 rounds to an integer, which is then in the low bits. */
#define QN_ROUNDER 0x1.8p52
/* From here on the sigmoid is 0 or 1 to the last bit. */
#define QN_SIGMOID_EDGE 746.0

enum { QN_LANES = 8, QN_SUM_BLOCK = 128 };

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* 2^(rounded - QN_ROUNDER) for an integer in [-1022, 1023]: only the low 11 bits survive. */
static inline double power_of_two(double rounded)
{
    return double_of((bits_of(rounded) + 1023) << 52);
}

/* exp(x + tail) for x in [-746, 710] and |tail| at most a rounding error of x: x = k ln 2 + r with
 * |r| <= ln(2) / 2, exp(x) = 2^k exp(r). Without branches, so that loops over it become vectors. */
static inline double exp_reduced(double x, double tail)
{
    double k = (x * QN_LN2_INVERSE + QN_ROUNDER) - QN_ROUNDER;
    double high = x - k * QN_LN2_HIGH;
    double low = k * QN_LN2_LOW - tail;
    double r = high - low;
    double correction = (high - r) - low;

    double r2 = r * r;
    double r4 = r2 * r2;
    double first =
        (0.5 + 0x1.5555555555555p-3 * r) + (0x1.5555555555555p-5 + 0x1.1111111111111p-7 * r) * r2;
    double second = (0x1.6c16c16c16c17p-10 + 0x1.a01a01a01a01ap-13 * r) +
                    (0x1.a01a01a01a01ap-16 + 0x1.71de3a556c734p-19 * r) * r2;
    double third = (0x1.27e4fb7789f5cp-22 + 0x1.ae64567f544e4p-26 * r) +
                   (0x1.1eed8eff8d898p-29 + 0x1.6124613a86d09p-33 * r) * r2;
    double q = (first + second * r4) + third * (r4 * r4);
    double value = 1.0 + (r + (correction + r2 * q));

    /* In two steps, so that neither factor leaves the range of exponents: the second multiplication
     * overflows to infinity or rounds to a subnormal, once. */
    double half_rounded = k * 0.5 + QN_ROUNDER;
    double rest_rounded = (k - (half_rounded - QN_ROUNDER)) + QN_ROUNDER;
    return value * power_of_two(half_rounded) * power_of_two(rest_rounded);
}

double qn_exp(double x)
{
    if (isnan(x))
        return NAN; /* one NaN: the bits of a computed one differ between compilers */
    if (x > 710.0)
        return INFINITY;
    return x < -746.0 ? 0.0 : exp_reduced(x, 0.0);
}

/* For |x| <= QN_SIGMOID_EDGE. The selection works on bits, because gcc does not make vectors of
 * floating-point comparisons while they may trap. */
static inline double sigmoid_inside(double x)
{
    double e = exp_reduced(-fabs(x), 0.0); /* in [0, 1]: nothing overflows on either side */
    uint64_t if_negative = 0 - (bits_of(x) >> 63);
    double top = double_of((bits_of(e) & if_negative) | (bits_of(1.0) & ~if_negative));
    return top / (1.0 + e);
}

double qn_sigmoid(double x)
{
    if (isnan(x))
        return NAN;
    if (fabs(x) > QN_SIGMOID_EDGE)
        return x > 0.0 ? 1.0 : 0.0;
    return sigmoid_inside(x);
}

void qn_sigmoid_many(const double *x, double *out, size_t count)
{
    /* Blocks of a fixed length are turned into vectors even where a compiler will not add a loop
     * for the rest; the copies let x and out be the same array. */
    const uint64_t edge = bits_of(QN_SIGMOID_EDGE);
    size_t i = 0;
    for (; count - i >= QN_LANES; i += QN_LANES) {
        double in[QN_LANES], result[QN_LANES];
        uint64_t beyond = 0; /* has its top bit when a lane is past the edge, or NaN */
        memcpy(in, x + i, sizeof(in));
        for (size_t lane = 0; lane < QN_LANES; lane++)
            beyond |= edge - bits_of(fabs(in[lane]));
        if (beyond >> 63) {
            for (size_t lane = 0; lane < QN_LANES; lane++)
                result[lane] = qn_sigmoid(in[lane]);
        } else {
            for (size_t lane = 0; lane < QN_LANES; lane++)
                result[lane] = sigmoid_inside(in[lane]);
        }
        memcpy(out + i, result, sizeof(result));
    }
    for (; i < count; i++)
        out[i] = qn_sigmoid(x[i]);
}

/* x = 2^*exponent * m with m in [sqrt(1/2), sqrt(2)), for finite x > 0. */
static double split_exponent(double x, double *exponent)
{
    double base = 0.0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        base = -54.0;
    }
    uint64_t bits = bits_of(x);
    int64_t above = (int64_t)(bits - bits_of(0x1.6a09e667f3bcdp-1)); /* sqrt(1/2) */
    int64_t k = above >= 0 ? above >> 52 : -((-above + ((INT64_C(1) << 52) - 1)) >> 52);
    *exponent = base + (double)k;
    return double_of(bits - ((uint64_t)k << 52));
}

/* log(x) + correction. With f = m - 1, s = f / (2 + f), z = s^2:
 * log(1 + f) = 2 s + s P(z), P(z) = 2/3 z + 2/5 z^2 + ..., and since 2 s = f - s f, the leading f
 * is exact: log(1 + f) = f - (f^2/2 - s (f^2/2 + P)). */
static double log_corrected(double x, double correction)
{
    double k;
    double f = split_exponent(x, &k) - 1.0;
    double s = f / (2.0 + f);
    double z = s * s;
    double z2 = z * z;
    double z4 = z2 * z2;
    double first = (0x1.5555555555555p-1 + 0x1.999999999999ap-2 * z) +
                   (0x1.2492492492492p-2 + 0x1.c71c71c71c71cp-3 * z) * z2;
    double second = (0x1.745d1745d1746p-3 + 0x1.3b13b13b13b14p-3 * z) +
                    (0x1.1111111111111p-3 + 0x1.e1e1e1e1e1e1ep-4 * z) * z2;
    double third = (0x1.af286bca1af28p-4 + 0x1.8618618618618p-4 * z) + 0x1.642c8590b2164p-4 * z2;
    double p = z * ((first + second * z4) + third * (z4 * z4));
    double half_square = 0.5 * f * f;
    double low = k * QN_LN2_LOW + correction;
    return k * QN_LN2_HIGH - ((half_square - (s * (half_square + p) + low)) - f);
}

double qn_log(double x)
{
    if (x > 0.0 && x <= 0x1.fffffffffffffp+1023)
        return log_corrected(x, 0.0);
    if (x == 0.0)
        return -INFINITY;
    return x > 0.0 ? x : NAN; /* infinity stays; below 0 and NaN give NaN */
}

double qn_log1p(double x)
{
    if (x > -1.0 && x <= 0x1.fffffffffffffp+1023) {
        if (fabs(x) < 0x1p-54)
            return x;
        /* u = 1 + x is rounded; log(1 + x) = log(u) + log(1 + lost / u), and lost is tiny. */
        double u = 1.0 + x;
        double lost = x >= 1.0 ? 1.0 - (u - x) : x - (u - 1.0);
        return log_corrected(u, lost / u);
    }
    if (x == -1.0)
        return -INFINITY;
    return x > 0.0 ? x : NAN;
}

/* An unevaluated sum of two doubles, |low| at most half a unit of the last place of high. */
struct pair {
    double high, low;
};

/* a + b exactly (Knuth). */
static struct pair two_sum(double a, double b)
{
    double sum = a + b;
    double b_part = sum - a;
    return (struct pair){sum, (a - (sum - b_part)) + (b - b_part)};
}

/* a * b exactly (Veltkamp's split and Dekker's product), for |a|, |b| < 2^996. */
static struct pair two_product(double a, double b)
{
    double big_a = a * 0x1.0000002p27, big_b = b * 0x1.0000002p27;
    double a_high = big_a - (big_a - a), b_high = big_b - (big_b - b);
    double a_low = a - a_high, b_low = b - b_high;
    double product = a * b;
    double low = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
    return (struct pair){product, low};
}

static struct pair pair_add(struct pair a, struct pair b)
{
    struct pair sum = two_sum(a.high, b.high);
    return two_sum(sum.high, sum.low + (a.low + b.low));
}

static struct pair pair_multiply(struct pair a, struct pair b)
{
    struct pair product = two_product(a.high, b.high);
    return two_sum(product.high, product.low + (a.high * b.low + a.low * b.high));
}

/* log(x) to about 2^-68, for pow: y * log(x) turns an error of log(x) into one |y| times larger.
 * The series is that of log_corrected(), with its first terms carried as pairs. */
static struct pair log_pair(double x)
{
    static const double tail[] = {
        /* 2/25, 2/23, ... 2/7 */
        0x1.47ae147ae147bp-4, 0x1.642c8590b2164p-4, 0x1.8618618618618p-4, 0x1.af286bca1af28p-4,
        0x1.e1e1e1e1e1e1ep-4, 0x1.1111111111111p-3, 0x1.3b13b13b13b14p-3, 0x1.745d1745d1746p-3,
        0x1.c71c71c71c71cp-3, 0x1.2492492492492p-2,
    };
    double k;
    double m = split_exponent(x, &k);
    double f = m - 1.0;
    struct pair divisor = two_sum(m, 1.0);
    double quotient = f / divisor.high;
    struct pair back = two_product(quotient, divisor.high);
    double left = ((f - back.high) - back.low) - quotient * divisor.low;
    struct pair s = two_sum(quotient, left / divisor.high);
    struct pair z = pair_multiply(s, s);

    double series = tail[0];
    for (size_t i = 1; i < sizeof(tail) / sizeof(tail[0]); i++)
        series = series * z.high + tail[i];
    struct pair two_fifths = {0x1.999999999999ap-2, -0x1.999999999999ap-56};
    struct pair two_thirds = {0x1.5555555555555p-1, 0x1.5555555555555p-55};
    struct pair sum = pair_add(two_fifths, (struct pair){series * z.high, 0.0});
    sum = pair_add(two_thirds, pair_multiply(sum, z));
    sum = pair_multiply(sum, z);
    struct pair log_m = pair_add((struct pair){2.0 * s.high, 2.0 * s.low}, pair_multiply(s, sum));
    struct pair log_power = two_sum(k * QN_LN2_HIGH, k * QN_LN2_MIDDLE);
    return pair_add(log_power, log_m);
}

double qn_pow(double x, double y)
{
    if (y == 0.0 || x == 1.0)
        return 1.0;
    if (!(x >= 0.0) || y != y)
        return NAN;
    if (x == 0.0 || x > 0x1.fffffffffffffp+1023)
        return (x > 1.0) == (y > 0.0) ? INFINITY : 0.0;
    struct pair log_x = log_pair(x);
    double estimate = y * log_x.high;
    if (fabs(estimate) > 745.5)
        return estimate > 0.0 ? INFINITY : 0.0;
    struct pair product = two_product(y, log_x.high);
    product = two_sum(product.high, product.low + y * log_x.low);
    if (product.high > 710.0)
        return INFINITY;
    return exp_reduced(product.high, product.low);
}

/* One block, in eight running sums that are then added as a tree: a fixed order that fills vector
 * registers without letting the compiler choose. */
static double sum_block(const double *x, size_t count)
{
    double part[QN_LANES] = {0};
    size_t i = 0;
    for (; count - i >= QN_LANES; i += QN_LANES) {
        for (size_t lane = 0; lane < QN_LANES; lane++)
            part[lane] += x[i + lane];
    }
    for (size_t lane = 0; i < count; i++, lane++)
        part[lane] += x[i];
    return ((part[0] + part[4]) + (part[2] + part[6])) +
           ((part[1] + part[5]) + (part[3] + part[7]));
}

static double dot_block(const double *x, const double *y, size_t count)
{
    double part[QN_LANES] = {0};
    size_t i = 0;
    for (; count - i >= QN_LANES; i += QN_LANES) {
        for (size_t lane = 0; lane < QN_LANES; lane++)
            part[lane] += x[i + lane] * y[i + lane];
    }
    for (size_t lane = 0; i < count; i++, lane++)
        part[lane] += x[i] * y[i];
    return ((part[0] + part[4]) + (part[2] + part[6])) +
           ((part[1] + part[5]) + (part[3] + part[7]));
}

/* Where the pairwise recursion cuts: about the middle, at a whole number of blocks. */
static size_t middle(size_t count)
{
    size_t blocks = (count + QN_SUM_BLOCK - 1) / QN_SUM_BLOCK;
    return blocks / 2 * QN_SUM_BLOCK;
}

double qn_sum(const double *x, size_t count)
{
    if (count <= QN_SUM_BLOCK)
        return sum_block(x, count);
    size_t left = middle(count);
    return qn_sum(x, left) + qn_sum(x + left, count - left);
}

double qn_dot(const double *x, const double *y, size_t count)
{
    if (count <= QN_SUM_BLOCK)
        return dot_block(x, y, count);
    size_t left = middle(count);
    return qn_dot(x, y, left) + qn_dot(x + left, y + left, count - left);
}
