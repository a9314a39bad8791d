/* Yeo and Johnson, "A new family of power transformations to improve normality or symmetry",
 * Biometrika 2000. Lambda maximises the likelihood of a normal distribution of the transformed
 * values,
 *
 *     L(lambda) = -n/2 ln(var(t(x, lambda))) + (lambda - 1) sum_i sign(x_i) ln(1 + |x_i|),
 *
 * which has one maximum; it is searched by golden section in [-4, 4]. Outside of it the transformed
 * values crowd together until they cannot be told apart. */
#include "prep/prep_internal.h"

#include "base/numeric.h"

#include <math.h>

#define QN_LAMBDA_LIMIT 4.0
#define QN_LAMBDA_TOLERANCE 1e-6
#define QN_GOLDEN 0.6180339887498949

/* More values than this are thinned out evenly: they would move lambda by less than it matters. */
enum { QN_LAMBDA_VALUES = 100000 };

static double signed_log(double x)
{
    return x < 0 ? -qn_log1p(-x) : qn_log1p(x);
}

/* ((1 + x)^lambda - 1) / lambda for log = ln(1 + x) >= 0, which is ln(1 + x) at 0. */
static double power_of_log(double log, double lambda)
{
    double y = lambda * log;
    if (fabs(y) < 1e-5) /* The first terms of the series: no cancellation. */
        return log * (1 + y / 2 * (1 + y / 3 * (1 + y / 4)));
    return (qn_exp(y) - 1) / lambda;
}

static double transform(double log, double lambda)
{
    return log >= 0 ? power_of_log(log, lambda) : -power_of_log(-log, 2 - lambda);
}

double qn__yeo_johnson(double x, double lambda)
{
    return transform(signed_log(x), lambda);
}

static double likelihood(const double *logs, size_t count, double log_sum, double lambda,
                         double *scratch)
{
    for (size_t i = 0; i < count; i++)
        scratch[i] = transform(logs[i], lambda);
    double deviation = qn__deviation(scratch, count, qn__mean(scratch, count));
    if (!(deviation > 0) || !isfinite(deviation))
        return -HUGE_VAL;
    return -(double)count * qn_log(deviation) + (lambda - 1) * log_sum;
}

double qn__yeo_johnson_fit(double *values, size_t value_count, double *scratch)
{
    size_t step = value_count / QN_LAMBDA_VALUES + 1, count = 0;
    for (size_t i = 0; i < value_count; i += step)
        values[count++] = signed_log(values[i]);
    double log_sum = qn_sum(values, count);
    double low = -QN_LAMBDA_LIMIT, high = QN_LAMBDA_LIMIT;
    double a = high - QN_GOLDEN * (high - low), b = low + QN_GOLDEN * (high - low);
    double at_a = likelihood(values, count, log_sum, a, scratch);
    double at_b = likelihood(values, count, log_sum, b, scratch);
    if (count == 0 || (at_a == -HUGE_VAL && at_b == -HUGE_VAL))
        return 1; /* A constant: left as it is. */
    while (high - low > QN_LAMBDA_TOLERANCE) {
        if (at_a >= at_b) {
            high = b;
            b = a;
            at_b = at_a;
            a = high - QN_GOLDEN * (high - low);
            at_a = likelihood(values, count, log_sum, a, scratch);
        } else {
            low = a;
            a = b;
            at_a = at_b;
            b = low + QN_GOLDEN * (high - low);
            at_b = likelihood(values, count, log_sum, b, scratch);
        }
    }
    return (low + high) / 2;
}
