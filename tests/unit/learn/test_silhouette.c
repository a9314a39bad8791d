#include "learn/kmeans.h"

#include "numeric_data.h"

#include <math.h>

static double plain_silhouette(const struct numeric_data *data, const int32_t *labels, size_t k)
{
    double total = 0;
    for (size_t i = 0; i < data->n; i++) {
        double sums[8] = {0}, nearest = INFINITY;
        size_t counts[8] = {0}, own = (size_t)labels[i];
        for (size_t r = 0; r < data->n; r++) {
            double square = 0;
            for (size_t j = 0; j < data->p; j++) {
                double gap = data->x[j * data->n + i] - data->x[j * data->n + r];
                square += gap * gap;
            }
            sums[labels[r]] += sqrt(square);
            counts[labels[r]]++;
        }
        if (counts[own] == 1)
            continue;
        for (size_t c = 0; c < k; c++)
            if (c != own && counts[c] > 0)
                nearest = fmin(nearest, sums[c] / (double)counts[c]);
        double within = sums[own] / (double)(counts[own] - 1);
        total += (nearest - within) / fmax(nearest, within);
    }
    return total / (double)data->n;
}

static void test_all_rows(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(203, 3, 2, 60);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_pool *pool = NULL;
    int32_t labels[203];
    double one = 0, many = 0;
    for (size_t i = 0; i < data.n; i++)
        labels[i] = data.x[i] > 0 ? (int32_t)(i % 3) : 3;
    labels[11] = 5; /* alone; cluster 4 has no row */
    assert_int_equal(qn_silhouette(&data.features, labels, 6, 0, 1, NULL, &one, &err), QN_OK);
    assert_true(fabs(one - plain_silhouette(&data, labels, 6)) < 1e-12);
    assert_int_equal(qn_pool_create(4, &pool, &err), QN_OK);
    assert_int_equal(qn_silhouette(&data.features, labels, 6, 0, 1, pool, &many, &err), QN_OK);
    assert_true(one == many);
    qn_pool_free(pool);
    numeric_data_free(&data);
}

static void test_sample(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(2000, 2, 2, 61);
    struct qn_error err = QN_ERROR_INIT;
    int32_t *labels = test_alloc(2000 * sizeof(int32_t));
    double all = 0, some = 0, again = 0, other = 0;
    for (size_t i = 0; i < data.n; i++) {
        labels[i] = (int32_t)(i % 2);
        data.x[i] += (double)(i % 2) * 3;
    }
    assert_int_equal(qn_silhouette(&data.features, labels, 2, 0, 1, NULL, &all, &err), QN_OK);
    assert_int_equal(qn_silhouette(&data.features, labels, 2, 700, 1, NULL, &some, &err), QN_OK);
    assert_int_equal(qn_silhouette(&data.features, labels, 2, 700, 1, NULL, &again, &err), QN_OK);
    assert_int_equal(qn_silhouette(&data.features, labels, 2, 700, 2, NULL, &other, &err), QN_OK);
    assert_true(some == again && some != other && some != all);
    assert_true(fabs(some - all) < 0.05);
    free(labels);
    numeric_data_free(&data);
}

static void test_undefined(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(20, 2, 2, 62);
    struct qn_error err = QN_ERROR_INIT;
    int32_t labels[20] = {0};
    double value = 0;
    assert_int_equal(qn_silhouette(&data.features, labels, 3, 0, 1, NULL, &value, &err), QN_OK);
    assert_true(isnan(value));
    data.x[3] = NAN;
    assert_int_equal(qn_silhouette(&data.features, labels, 3, 0, 1, NULL, &value, &err),
                     QN_INVALID);
    assert_non_null(strstr(err.message, "x0"));
    numeric_data_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_rows),
        cmocka_unit_test(test_sample),
        cmocka_unit_test(test_undefined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
