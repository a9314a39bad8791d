#include "base/alloc.h"
#include "base/random.h"
#include "learn/binned.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define QN_MANY ((size_t)230000) /* more rows than the sample of cut points */

static struct qn_binned *bin(const struct qn_feature *columns, size_t count, size_t rows,
                             const size_t *subset, size_t subset_count, size_t limit,
                             unsigned threads)
{
    struct qn_features features = {rows, count, columns};
    struct qn_binned *binned = NULL;
    struct qn_pool *pool = NULL;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_pool_create(threads, &pool, &err), QN_OK);
    assert_int_equal(qn_binned_create(&features, subset, subset_count, limit, pool, &binned, &err),
                     QN_OK);
    qn_pool_free(pool);
    return binned;
}

static struct qn_binned *bin_values(const double *values, size_t rows, size_t limit)
{
    struct qn_feature column = {.name = "x", .values = values};
    return bin(&column, 1, rows, NULL, 0, limit, 1);
}

/* The first bin with x <= upper, one by one. */
static uint8_t slow_code(const struct qn_binned_feature *feature, double value)
{
    unsigned code = QN_BIN_FIRST;
    if (isnan(value))
        return QN_BIN_MISSING;
    while (code + 1u < feature->bin_count && value > feature->upper[code - QN_BIN_FIRST])
        code++;
    return (uint8_t)code;
}

static void test_few_values_are_exact(void **state)
{
    (void)state;
    const double values[] = {3, 1, NAN, 2, 1, 3, 10};
    static const uint8_t codes[] = {4, 2, 0, 3, 2, 4, 5};
    struct qn_binned *binned = bin_values(values, 7, 4);
    const struct qn_binned_feature *feature = &binned->features[0];
    assert_int_equal(feature->bin_count, 6);
    assert_true(feature->upper[0] == 1.5 && feature->upper[1] == 2.5 && feature->upper[2] == 6.5);
    assert_memory_equal(qn_binned_column(binned, 0), codes, 7);
    assert_int_equal(binned->stride, 64);
    assert_int_equal(qn_binned_code(feature, 1.5, 0), 2);
    assert_int_equal(qn_binned_code(feature, 1.6, 0), 3);
    assert_int_equal(qn_binned_code(feature, 1e9, 0), 5);
    assert_int_equal(qn_binned_code(feature, NAN, 0), QN_BIN_MISSING);
    qn_binned_free(binned);
}

static void test_infinities_and_zeros(void **state)
{
    (void)state;
    const double values[] = {-INFINITY, 0.0, -0.0, INFINITY, -DBL_MAX};
    struct qn_binned *binned = bin_values(values, 5, 254);
    const struct qn_binned_feature *feature = &binned->features[0];
    static const uint8_t codes[] = {2, 4, 4, 5, 3};
    assert_int_equal(feature->bin_count, 6);
    assert_memory_equal(qn_binned_column(binned, 0), codes, 5);
    assert_true(feature->upper[2] == DBL_MAX);
    qn_binned_free(binned);
}

static void test_no_values(void **state)
{
    (void)state;
    const double values[] = {NAN, NAN};
    struct qn_binned *binned = bin_values(values, 2, 254);
    assert_int_equal(binned->features[0].bin_count, QN_BIN_FIRST + 1);
    assert_int_equal(qn_binned_column(binned, 0)[1], QN_BIN_MISSING);
    assert_int_equal(qn_binned_code(&binned->features[0], 5, 0), QN_BIN_FIRST);
    qn_binned_free(binned);
}

static void test_midpoints(void **state)
{
    (void)state;
    const double ladder[] = {-INFINITY, -DBL_MAX, -1e300,  -1, -DBL_MIN, -5e-324,
                             0,         5e-324,   DBL_MIN, 1,  2,        1 + DBL_EPSILON,
                             1e300,     DBL_MAX,  INFINITY};
    size_t count = sizeof(ladder) / sizeof(ladder[0]);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (!(ladder[i] < ladder[j]))
                continue;
            double middle = qn_binned_midpoint(ladder[i], ladder[j]);
            assert_true(middle >= ladder[i] && middle < ladder[j]);
            assert_true(isfinite(middle) || (i == 0 && j == 1));
            double next = nextafter(ladder[i], INFINITY);
            middle = qn_binned_midpoint(ladder[i], next);
            assert_true(middle >= ladder[i] && middle < next);
        }
    }
    assert_true(qn_binned_midpoint(1, 2) == 1.5);
}

static void test_many_values_share_evenly(void **state)
{
    (void)state;
    size_t counts[QN_BIN_LIMIT] = {0}, rows = 50000;
    double *values = QN_ALLOC(double, rows);
    struct qn_random random;
    qn_random_init(&random, 1, 0);
    for (size_t i = 0; i < rows; i++)
        values[i] = i % 50 == 0 ? NAN : qn_random_normal(&random);
    struct qn_binned *binned = bin_values(values, rows, 100);
    const struct qn_binned_feature *feature = &binned->features[0];
    assert_int_equal(feature->bin_count, 102);
    for (size_t i = 0; i < rows; i++) {
        uint8_t code = qn_binned_column(binned, 0)[i];
        assert_int_equal(code, slow_code(feature, values[i]));
        assert_int_equal(code, qn_binned_code(feature, values[i], 0));
        counts[code]++;
    }
    for (size_t b = QN_BIN_FIRST; b < 102; b++)
        assert_true(counts[b] >= 480 && counts[b] <= 500);
    for (size_t b = 1; b < 99; b++)
        assert_true(feature->upper[b - 1] < feature->upper[b]);
    qn_binned_free(binned);
    qn_free(values);
}

/* A value with an equal share of the rows or more is alone in its bin; limits hold. */
static void test_heavy_values_stand_alone(void **state)
{
    (void)state;
    size_t rows = 20000;
    double *values = QN_ALLOC(double, rows);
    for (size_t limit = 2; limit <= 254; limit += 7) {
        struct qn_random random;
        qn_random_init(&random, limit, 0);
        for (size_t i = 0; i < rows; i++) {
            size_t kind = qn_random_below(&random, 4);
            values[i] = kind == 0   ? 0.5
                        : kind == 1 ? (double)qn_random_below(&random, 3)
                                    : qn_random_unit(&random) * 3;
        }
        struct qn_binned *binned = bin_values(values, rows, limit);
        const struct qn_binned_feature *feature = &binned->features[0];
        assert_true(feature->bin_count <= limit + QN_BIN_FIRST && feature->bin_count > 3);
        if (limit > 16) { /* 0.5 has a quarter of the rows. */
            uint8_t code = qn_binned_code(feature, 0.5, 0);
            for (size_t i = 0; i < rows; i++)
                assert_true(values[i] == 0.5 || qn_binned_column(binned, 0)[i] != code);
            assert_true(feature->bin_count >= limit);
        }
        qn_binned_free(binned);
    }
    qn_free(values);
}

static void test_large_tables_and_threads(void **state)
{
    (void)state;
    double *few = QN_ALLOC(double, QN_MANY), *many = QN_ALLOC(double, QN_MANY);
    int32_t *levels = QN_ALLOC(int32_t, QN_MANY);
    struct qn_random random;
    qn_random_init(&random, 3, 0);
    for (size_t i = 0; i < QN_MANY; i++) {
        few[i] = i == 77777 ? 1000 : (double)qn_random_below(&random, 200);
        many[i] = qn_random_unit(&random);
        levels[i] = (int32_t)qn_random_below(&random, 400);
    }
    struct qn_feature columns[] = {
        {.name = "few", .values = few},
        {.name = "many", .values = many},
        {.name = "level", .kind = QN_FEATURE_CATEGORICAL, .levels = levels, .level_count = 400}};
    struct qn_binned *one = bin(columns, 3, QN_MANY, NULL, 0, 254, 1);
    struct qn_binned *three = bin(columns, 3, QN_MANY, NULL, 0, 254, 3);
    assert_int_equal(one->features[0].bin_count, 201 + QN_BIN_FIRST); /* The rare one has a bin. */
    assert_int_equal(one->features[1].bin_count, 254 + QN_BIN_FIRST);
    assert_memory_equal(one->columns, three->columns, 3 * one->stride);
    size_t counts[QN_BIN_LIMIT] = {0};
    for (size_t i = 0; i < QN_MANY; i++)
        counts[qn_binned_column(one, 1)[i]]++;
    for (size_t b = QN_BIN_FIRST; b < 256; b++)
        assert_true(counts[b] > QN_MANY / 254 * 7 / 10 && counts[b] < QN_MANY / 254 * 13 / 10);
    qn_binned_free(one);
    qn_binned_free(three);
    qn_free(few);
    qn_free(many);
    qn_free(levels);
}

static void test_rows_of_a_fold(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3, 4, 100, 200};
    const int32_t levels[] = {0, 0, 1, 1, 2, 2};
    const size_t rows[] = {0, 1, 2, 3};
    struct qn_feature columns[] = {
        {.name = "x", .values = values},
        {.name = "c", .kind = QN_FEATURE_CATEGORICAL, .levels = levels, .level_count = 3}};
    struct qn_binned *binned = bin(columns, 2, 6, rows, 4, 254, 1);
    static const uint8_t codes[] = {2, 3, 4, 5, 5, 5}, level_codes[] = {2, 2, 3, 3, 1, 1};
    assert_int_equal(binned->features[0].bin_count, 6);
    assert_memory_equal(qn_binned_column(binned, 0), codes, 6);
    assert_memory_equal(qn_binned_column(binned, 1), level_codes, 6);
    qn_binned_free(binned);
}

static void test_levels(void **state)
{
    (void)state;
    /* Level 1 thrice, 4 and 2 twice, 0 once, 3 never. */
    const int32_t levels[] = {1, 4, 1, 2, 0, 1, 4, 2, QN_LEVEL_MISSING, QN_LEVEL_UNSEEN};
    static const uint8_t codes[] = {2, 1, 2, 3, 1, 2, 1, 3, 0, 1};
    struct qn_feature column = {
        .name = "c", .kind = QN_FEATURE_CATEGORICAL, .levels = levels, .level_count = 5};
    struct qn_binned *binned = bin(&column, 1, 10, NULL, 0, 2, 1);
    assert_int_equal(binned->features[0].bin_count, 4);
    assert_memory_equal(qn_binned_column(binned, 0), codes, 10);
    assert_int_equal(qn_binned_code(&binned->features[0], 0, 17), QN_BIN_OTHER);
    assert_int_equal(qn_binned_code(&binned->features[0], 0, QN_LEVEL_MISSING), QN_BIN_MISSING);
    qn_binned_free(binned);
    binned = bin(&column, 1, 10, NULL, 0, 254, 1);
    assert_int_equal(binned->features[0].bin_count, 6);
    assert_int_equal(qn_binned_code(&binned->features[0], 0, 4), 5);
    assert_int_equal(qn_binned_code(&binned->features[0], 0, 3), QN_BIN_OTHER);
    qn_binned_free(binned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_values_are_exact),
        cmocka_unit_test(test_infinities_and_zeros),
        cmocka_unit_test(test_no_values),
        cmocka_unit_test(test_midpoints),
        cmocka_unit_test(test_many_values_share_evenly),
        cmocka_unit_test(test_heavy_values_stand_alone),
        cmocka_unit_test(test_large_tables_and_threads),
        cmocka_unit_test(test_rows_of_a_fold),
        cmocka_unit_test(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
