#include "learn/linear_internal.h"

#include "base/numeric.h"

#include <math.h>

#define LOG_SQRT_2PI 0.91893853320467274178
#define LOG_PI 1.14472988584940017414

/* log Gamma(x), x > 0: Stirling's series after shifting x above 10. */
static double log_gamma(double x)
{
    double shift = 1;
    while (x < 10) {
        shift *= x;
        x += 1;
    }
    double y = 1 / (x * x);
    double series = 1.0 / 156 * y - 691.0 / 360360;
    series = series * y + 1.0 / 1188;
    series = series * y - 1.0 / 1680;
    series = series * y + 1.0 / 1260;
    series = series * y - 1.0 / 360;
    series = series * y + 1.0 / 12;
    return (x - 0.5) * qn_log(x) - x + LOG_SQRT_2PI + series / x - qn_log(shift);
}

/* The continued fraction of the incomplete beta function, by Lentz's method. */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double result = d;
    for (int m = 1; m < 20000; m++) {
        double k = m, even = k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        result *= d * c;
        double odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1));
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        result *= d * c;
        if (fabs(d * c - 1) < 1e-15)
            break;
    }
    return result;
}

double qn__student_p_value(double t, double freedom)
{
    if (isnan(t) || !(freedom > 0))
        return NAN;
    if (freedom > 1e7)
        return qn__normal_p_value(t);
    double a = freedom / 2, b = 0.5, square = t * t;
    if (isinf(square))
        return 0;
    double x = freedom / (freedom + square), rest = square / (freedom + square);
    if (rest == 0)
        return 1;
    double front = log_gamma(a + b) - log_gamma(a) - LOG_PI / 2 + a * qn_log(x) + b * qn_log(rest);
    if (x < (a + 1) / (a + b + 2))
        return qn_exp(front) * beta_fraction(x, a, b) / a;
    return 1 - qn_exp(front) * beta_fraction(rest, b, a) / b;
}

double qn__normal_p_value(double z)
{
    double x = fabs(z) * 0.70710678118654752440, square = x * x;
    if (isnan(x))
        return NAN;
    if (x < 2) { /* erf by its series of positive terms (Abramowitz and Stegun 7.1.6) */
        double term = x, sum = x;
        for (int k = 1; k < 100; k++) {
            term *= 2 * square / (2 * k + 1);
            sum += term;
        }
        return 1 - sum * 1.12837916709551257390 * qn_exp(-square);
    }
    double fraction = 0; /* erfc by its continued fraction (7.1.14), from the far end */
    for (int k = 120; k > 0; k--)
        fraction = k / 2.0 / (x + fraction);
    return qn_exp(-square) * 0.56418958354775628695 / (x + fraction);
}
