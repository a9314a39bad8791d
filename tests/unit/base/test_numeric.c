#include "base/alloc.h"
#include "base/hash.h"
#include "base/numeric.h"
#include "base/random.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

/* References are the long double functions; where those have no more bits than double (not x86),
 * their own error is added to the limits. */
#define SLACK_ULP (LDBL_MANT_DIG > DBL_MANT_DIG ? 0.0 : 1.5)

/* The distance in units of the last place of the reference. */
static double ulps(double got, long double want)
{
    double rounded = (double)want;
    if (!isfinite(rounded) || rounded == 0.0)
        return got == rounded ? 0.0 : INFINITY;
    int exponent;
    (void)frexp(rounded, &exponent);
    if (exponent < -1021)
        exponent = -1021;
    return (double)(fabsl((long double)got - want) / ldexpl(1.0L, exponent - 53));
}

static double worse(double worst, double candidate)
{
    return candidate > worst ? candidate : worst;
}

/* Measured over 3 million arguments of each kind, gcc and clang alike: exp 0.91, log 0.82,
 * log1p 0.83, pow 0.91 and sigmoid 2.26 ulp. The limits leave a little for other arguments. */
static void stays_within_its_error(void **state)
{
    (void)state;
    struct qn_random random;
    qn_random_init(&random, 21, 0);
    double of_exp = 0, of_log = 0, of_log1p = 0, of_sigmoid = 0, of_pow = 0;
    for (int i = 0; i < 500000; i++) {
        double u = qn_random_unit(&random), half = u - 0.5;
        double wide = -745.0 + u * 1454.0, near = half * 4.0;
        of_exp = worse(of_exp, ulps(qn_exp(wide), expl(wide)));
        of_exp = worse(of_exp, ulps(qn_exp(near), expl(near)));
        double any = qn_exp(half * 1400.0), about_1 = 0.5 + u * 1.5;
        of_log = worse(of_log, ulps(qn_log(any), logl(any)));
        of_log = worse(of_log, ulps(qn_log(about_1), logl(about_1)));
        double small = half * 2e-3, middle = half * 1.9, tiny = -qn_exp(-u * 700.0);
        of_log1p = worse(of_log1p, ulps(qn_log1p(small), log1pl(small)));
        of_log1p = worse(of_log1p, ulps(qn_log1p(middle), log1pl(middle)));
        of_log1p = worse(of_log1p, ulps(qn_log1p(tiny), log1pl(tiny)));
        of_log1p = worse(of_log1p, ulps(qn_log1p(any), log1pl(any)));
        double spread = half * (i % 2 ? 80.0 : 1500.0);
        long double sigmoid = 1.0L / (1.0L + expl(-(long double)spread));
        of_sigmoid = worse(of_sigmoid, ulps(qn_sigmoid(spread), sigmoid));
        double base = i % 2 ? any : about_1 + 0.01;
        double power = 2.0 * (qn_random_unit(&random) - 0.5) * 740.0 / fabs(qn_log(base));
        of_pow = worse(of_pow, ulps(qn_pow(base, power), powl(base, power)));
    }
    assert_true(of_exp <= 1.0 + SLACK_ULP);
    assert_true(of_log <= 1.0 + SLACK_ULP);
    assert_true(of_log1p <= 1.0 + SLACK_ULP);
    assert_true(of_pow <= 1.0 + SLACK_ULP);
    assert_true(of_sigmoid <= 2.5 + SLACK_ULP);
}

static void edges(void **state)
{
    (void)state;
    assert_true(qn_exp(0.0) == 1.0 && qn_exp(-0.0) == 1.0);
    assert_true(qn_exp(710.0) == INFINITY && qn_exp(1e300) == INFINITY);
    assert_true(qn_exp(INFINITY) == INFINITY && qn_exp(-INFINITY) == 0.0);
    assert_true(qn_exp(709.782712893384) < INFINITY && qn_exp(709.7827128933841) == INFINITY);
    assert_true(qn_exp(-746.0) == 0.0 && qn_exp(-1e300) == 0.0 && qn_exp(-745.1) == 0x1p-1074);
    assert_true(isnan(qn_exp(NAN)));
    assert_true(qn_log(1.0) == 0.0 && qn_log(0.0) == -INFINITY && qn_log(-0.0) == -INFINITY);
    assert_true(isnan(qn_log(-1.0)) && isnan(qn_log(NAN)) && qn_log(INFINITY) == INFINITY);
    assert_true(ulps(qn_log(0x1p-1074), logl(0x1p-1074L)) <= 1.0);
    assert_true(ulps(qn_log(DBL_MAX), logl(DBL_MAX)) <= 1.0);
    assert_true(qn_log1p(0.0) == 0.0 && signbit(qn_log1p(-0.0)));
    assert_true(qn_log1p(5e-324) == 5e-324 && qn_log1p(-1.0) == -INFINITY);
    assert_true(isnan(qn_log1p(-1.5)) && isnan(qn_log1p(NAN)));
    assert_true(qn_log1p(INFINITY) == INFINITY && ulps(qn_log1p(DBL_MAX), logl(DBL_MAX)) <= 1.0);
    assert_true(qn_sigmoid(0.0) == 0.5 && qn_sigmoid(-0.0) == 0.5);
    assert_true(qn_sigmoid(INFINITY) == 1.0 && qn_sigmoid(-INFINITY) == 0.0);
    assert_true(qn_sigmoid(-1e300) == 0.0 && qn_sigmoid(-745.0) > 0.0);
    assert_true(isnan(qn_sigmoid(NAN)));
}

static void powers_at_the_edges(void **state)
{
    (void)state;
    assert_true(qn_pow(2.0, 10.0) == 1024.0 && qn_pow(10.0, -2.0) == 0.01);
    assert_true(qn_pow(4.0, 0.5) == 2.0 && qn_pow(10.0, 15.0) == 1e15);
    assert_true(qn_pow(3.0, 0.0) == 1.0 && qn_pow(1.0, INFINITY) == 1.0);
    assert_true(qn_pow(2.0, 1024.0) == INFINITY && qn_pow(2.0, 1023.0) == 0x1p1023);
    assert_true(qn_pow(2.0, -1074.0) == 0x1p-1074 && qn_pow(2.0, -1080.0) == 0.0);
    assert_true(qn_pow(0x1p-1074, 0.5) == 0x1p-537 && qn_pow(DBL_MAX, 1.0) == DBL_MAX);
    assert_true(qn_pow(1.0 + 0x1p-52, 1e300) == INFINITY && qn_pow(0.5, 1e308) == 0.0);
    assert_true(qn_pow(0.0, 2.0) == 0.0 && qn_pow(0.0, -2.0) == INFINITY);
    assert_true(qn_pow(INFINITY, 2.0) == INFINITY && qn_pow(INFINITY, -2.0) == 0.0);
    assert_true(qn_pow(0.5, INFINITY) == 0.0 && qn_pow(2.0, -INFINITY) == 0.0);
    assert_true(qn_pow(0.5, -INFINITY) == INFINITY && qn_pow(2.0, INFINITY) == INFINITY);
    assert_true(isnan(qn_pow(-2.0, 3.0)) && isnan(qn_pow(NAN, 2.0)) && isnan(qn_pow(2.0, NAN)));
}

static void many_sigmoids_have_the_same_bits(void **state)
{
    (void)state;
    enum { COUNT = 1003 };
    static double x[COUNT], out[COUNT];
    static const double special[] = {NAN, INFINITY, -INFINITY, 746.0, -746.0, -745.5, -0.0, 1e-310};
    struct qn_random random;
    qn_random_init(&random, 22, 0);
    for (size_t count = 0; count < 40; count++) {
        for (size_t i = 0; i < COUNT; i++)
            x[i] = (qn_random_unit(&random) - 0.5) * (i % 2 ? 1600.0 : 20.0);
        for (size_t i = 0; i < 8; i++)
            x[17 + 19 * i] = special[i]; /* each in another lane */
        size_t used = count < 39 ? count : COUNT;
        qn_sigmoid_many(x, out, used);
        for (size_t i = 0; i < used; i++) {
            double one = qn_sigmoid(x[i]);
            assert_memory_equal(&out[i], &one, sizeof(one));
        }
        memcpy(out, x, sizeof(out));
        qn_sigmoid_many(out, out, used); /* in place */
        for (size_t i = 0; i < used; i++) {
            double one = qn_sigmoid(x[i]);
            assert_memory_equal(&out[i], &one, sizeof(one));
        }
    }
}

static void sums_are_accurate(void **state)
{
    (void)state;
    enum { COUNT = 100003 };
    double *x = QN_ALLOC(double, COUNT), *y = QN_ALLOC(double, COUNT);
    assert_true(x && y);
    struct qn_random random;
    qn_random_init(&random, 23, 0);
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = qn_random_unit(&random);
        y[i] = qn_random_unit(&random);
    }
    for (size_t count = 0; count <= COUNT; count = count < 1100 ? count + 1 : count * 3 / 2) {
        long double sum = 0, dot = 0;
        for (size_t i = 0; i < count; i++) {
            sum += (long double)x[i];
            dot += (long double)x[i] * (long double)y[i];
        }
        assert_true(fabsl(qn_sum(x, count) - sum) <= 12 * DBL_EPSILON * sum);
        assert_true(fabsl(qn_dot(x, y, count) - dot) <= 12 * DBL_EPSILON * dot);
    }
    assert_true(qn_sum(NULL, 0) == 0.0);
    /* One after the other, 0.1 added ten million times is off in the tenth digit. */
    for (size_t i = 0; i < COUNT; i++)
        x[i] = 0.1;
    assert_true(fabs(qn_sum(x, COUNT) - 10000.3) < 1e-11);
    qn_free(x);
    qn_free(y);
}

/* The contract: the same bits from each compiler and on each processor. The digest is that of all
 * results; a change here changes stored models. */
static void bits_are_a_contract(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    double *results = QN_ALLOC(double, 7 * COUNT);
    assert_non_null(results);
    struct qn_random random;
    qn_random_init(&random, 24, 0);
    for (size_t i = 0; i < COUNT; i++) {
        double x = (qn_random_unit(&random) - 0.5) * 1400.0;
        double positive = (double)(qn_random_u64(&random) >> 12) * 0x1p-40 + 0x1p-60;
        double *row = results + 7 * i;
        row[0] = qn_log(positive);
        row[1] = qn_log1p(positive * 0x1p-20);
        row[2] = qn_pow(positive, x * 0.001);
        row[3] = qn_sigmoid(x * 0.03);
        row[4] = qn_random_normal(&random);
        row[5] = i < 1000 ? qn_sum(results, 7 * i + 5) : 0.0;
        row[6] = qn_exp(i < 1000 ? x * 0.01 : x);
    }
    char hex[QN_SHA256_HEX_SIZE];
    qn_sha256_hex(results, (size_t)7 * COUNT * sizeof(*results), hex);
    qn_free(results);
    assert_string_equal(hex, "4cd2a5b71518aeb03362fd35672e21ce9a6fdc8510b4da4ce8ab1879067e74e7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_within_its_error),
        cmocka_unit_test(edges),
        cmocka_unit_test(powers_at_the_edges),
        cmocka_unit_test(many_sigmoids_have_the_same_bits),
        cmocka_unit_test(sums_are_accurate),
        cmocka_unit_test(bits_are_a_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
