#include "prep_support.h"

#include "base/random.h"
#include "prep/prep_internal.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_select_is_the_sorted_order(void **state)
{
    (void)state;
    struct qn_random random;
    qn_random_init(&random, 3, 0);
    for (size_t trial = 0; trial < 300; trial++) {
        double values[60], sorted[60];
        size_t count = 1 + qn_random_below(&random, 60), k = qn_random_below(&random, count);
        for (size_t i = 0; i < count; i++)
            values[i] = (double)qn_random_below(&random, 1 + trial % 40);
        memcpy(sorted, values, sizeof(values));
        qsort(sorted, count, sizeof(*sorted), compare);
        assert_true(qn__select(values, count, k) == sorted[k]);
        for (size_t i = 0; i < count; i++)
            assert_true(i < k ? values[i] <= sorted[k] : values[i] >= sorted[k]);
    }
}

static void test_quantiles_interpolate(void **state)
{
    (void)state;
    double values[] = {4, 1, 3, 2};
    assert_true(qn__quantile(values, 4, 0.5) == 2.5);
    assert_true(qn__quantile(values, 4, 0) == 1);
    assert_true(qn__quantile(values, 4, 1) == 4);
    assert_true(fabs(qn__quantile(values, 4, 0.1) - 1.3) < 1e-15);
    double large[] = {-1.7e308, 1.7e308};
    assert_true(qn__quantile(large, 2, 0.5) == 0);
}

static void test_mean_and_deviation_do_not_overflow(void **state)
{
    (void)state;
    const double large[] = {1.6e308, 1.6e308, 0.8e308, 1.2e308};
    double mean = qn__mean(large, 4);
    assert_true(fabs(mean / 1.3e308 - 1) < 1e-14);
    assert_true(fabs(qn__deviation(large, 4, mean) / 0.33166247903554e308 - 1) < 1e-12);
}

static void check_column(const double *values, size_t count, const char *actions,
                         const double *expected)
{
    char recipe[512];
    snprintf(recipe, sizeof(recipe), "{'name':'x','type':'number','actions':[%s]}", actions);
    struct qn_table *table = make_table(count);
    add_numbers(table, "x", values);
    struct fitted fitted = fit_table(table, recipe);
    check_values(fitted.matrix, "x", expected, 1e-14);
    fitted_release(&fitted);
    qn_table_free(table);
}

static void test_impute(void **state)
{
    (void)state;
    const double x[] = {1, NAN, 5, INFINITY, 5, 1, -2};
    check_column(x, 7, "{'do':'impute'}", (double[]){1, 1, 5, 1, 5, 1, -2});
    check_column(x, 7, "{'do':'impute','with':'mean'}", (double[]){1, 2, 5, 2, 5, 1, -2});
    check_column(x, 7, "{'do':'impute','with':'mode'}", (double[]){1, 1, 5, 1, 5, 1, -2});
    check_column(x, 7, "{'do':'impute','value':9}", (double[]){1, 9, 5, 9, 5, 1, -2});
    check_column((double[]){NAN, NAN}, 2, "{'do':'impute'}", (double[]){0, 0});
}

static void test_missing_passes_through(void **state)
{
    (void)state;
    check_column((double[]){0, NAN, 10, 10}, 4, "{'do':'scale','how':'min_max'}",
                 (double[]){0, NAN, 1, 1});
    check_column((double[]){0, NAN, 10, 20}, 4, "{'do':'clip','bounds':[5,15]}",
                 (double[]){5, NAN, 10, 15});
    check_column((double[]){0, NAN, 0}, 3, "{'do':'power'}", (double[]){0, NAN, 0});
    check_column((double[]){-1, 0, 1}, 3, "{'do':'power','how':'log1p'}",
                 (double[]){-0.69314718055994531, 0, 0.69314718055994531});
}

static void test_a_column_without_spread_becomes_zero(void **state)
{
    (void)state;
    const double x[] = {0.1, 0.1, 0.1};
    check_column(x, 3, "{'do':'scale'}", (double[]){0, 0, 0});
    check_column(x, 3, "{'do':'scale','how':'min_max'}", (double[]){0, 0, 0});
    check_column(x, 3, "{'do':'scale','how':'robust'}", (double[]){0, 0, 0});
}

static void test_finite_stays_finite(void **state)
{
    (void)state;
    struct qn_table *table = make_table(5), *other = make_table(2);
    add_numbers(table, "x", (double[]){0, 1, 2, 9, 10});
    add_numbers(other, "x", (double[]){1.7e308, -1.7e308});
    struct fitted fitted =
        fit_table(table, "{'name':'x','type':'number','actions':[{'do':'power'},{'do':'scale'}]}");
    struct qn_matrix *matrix = NULL;
    OK(qn_prep_apply(fitted.prep, other, NULL, 0, NULL, &matrix, NULL, &err));
    for (size_t i = 0; i < 2; i++)
        assert_true(isfinite(matrix->features.columns[0].values[i]));
    qn_matrix_free(matrix);
    fitted_release(&fitted);
    qn_table_free(table);
    qn_table_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select_is_the_sorted_order),
        cmocka_unit_test(test_quantiles_interpolate),
        cmocka_unit_test(test_mean_and_deviation_do_not_overflow),
        cmocka_unit_test(test_impute),
        cmocka_unit_test(test_missing_passes_through),
        cmocka_unit_test(test_a_column_without_spread_becomes_zero),
        cmocka_unit_test(test_finite_stays_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
