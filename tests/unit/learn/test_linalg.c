#include "learn/linalg.h"

#include "numeric_data.h"

#include <math.h>

/* The sum in the documented order: within blocks of rows, then over them. One group of rows. */
static double ordered_product(const struct numeric_data *data, const double *weights, size_t i,
                              size_t j, const double *shift)
{
    double total = 0;
    for (size_t row = 0; row < data->n; row += QN__BLOCK_ROWS) {
        double sum = 0;
        for (size_t r = row; r < data->n && r < row + QN__BLOCK_ROWS; r++) {
            double a = data->x[i * data->n + r] - shift[i];
            double b = data->x[j * data->n + r] - shift[j];
            sum += a * (weights ? b * weights[r] : b);
        }
        total += sum;
    }
    return total;
}

/* Whatever vectors the processor has, the bits are those of plain C in the documented order. */
static void test_gram_bits(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(700, 19, 2, 1);
    struct qn_error err = QN_ERROR_INIT;
    const double *columns[19];
    double shift[19], out[19 * 19];
    for (size_t j = 0; j < 19; j++) {
        columns[j] = data.columns[j].values;
        shift[j] = 0.3 * (double)j;
    }
    for (int weighted = 0; weighted < 2; weighted++) {
        const double *weights = weighted ? data.weights : NULL;
        struct qn__gram gram = {columns, shift, weights, 19, data.n};
        assert_int_equal(qn__gram_compute(&gram, NULL, NULL, out, &err), QN_OK);
        for (size_t i = 0; i < 19; i++) {
            for (size_t j = 0; j <= i; j++) {
                assert_true(out[i * 19 + j] == ordered_product(&data, weights, i, j, shift));
                assert_true(out[i * 19 + j] == out[j * 19 + i]);
            }
        }
    }
    numeric_data_free(&data);
}

/* More columns than one tile, more rows than one group, and a column of ones. */
static void test_gram_tiles(void **state)
{
    (void)state;
    enum { P = 150, N = 20000 };
    struct numeric_data data = numeric_data_make(N, P - 1, 2, 2);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_pool *pool = NULL;
    const double *columns[P] = {NULL};
    double shift[P] = {0}, *out = test_alloc(2 * sizeof(double) * P * P), *same = out + P * P;
    for (size_t j = 0; j < P - 1; j++)
        columns[j] = data.columns[j].values;
    struct qn__gram gram = {columns, shift, NULL, P, N};
    assert_int_equal(qn_pool_create(3, &pool, &err), QN_OK);
    assert_int_equal(qn__gram_compute(&gram, NULL, NULL, out, &err), QN_OK);
    assert_int_equal(qn__gram_compute(&gram, pool, NULL, same, &err), QN_OK);
    assert_memory_equal(out, same, sizeof(double) * P * P);
    assert_true(out[P * P - 1] == N);
    for (size_t i = 0; i < P; i += 37) {
        for (size_t j = 0; j < P; j += 29) {
            double sum = 0, size = 0;
            for (size_t r = 0; r < N; r++) {
                double product =
                    (columns[i] ? columns[i][r] : 1) * (columns[j] ? columns[j][r] : 1);
                sum += product;
                size += fabs(product);
            }
            assert_true(fabs(out[i * P + j] - sum) <= 1e-12 * size);
        }
    }
    qn_pool_free(pool);
    free(out);
    numeric_data_free(&data);
}

static void make_positive(const struct numeric_data *data, double *a)
{
    struct qn_error err = QN_ERROR_INIT;
    const double **columns = test_alloc(data->p * sizeof(*columns));
    double *shift = test_alloc(data->p * sizeof(double));
    for (size_t j = 0; j < data->p; j++) {
        columns[j] = data->columns[j].values;
        shift[j] = (double)j;
    }
    struct qn__gram gram = {columns, shift, NULL, data->p, data->n};
    assert_int_equal(qn__gram_compute(&gram, NULL, NULL, a, &err), QN_OK);
    free(shift);
    free(columns);
}

static void test_cholesky(void **state)
{
    (void)state;
    enum { P = 147 };
    struct numeric_data data = numeric_data_make(400, P, 2, 3);
    struct qn_error err = QN_ERROR_INIT;
    double *a = test_alloc(2 * sizeof(double) * P * P), *l = a + P * P, x[P], b[P], inverse[P];
    size_t rank;
    double smallest;
    make_positive(&data, a);
    memcpy(l, a, sizeof(double) * P * P);
    assert_int_equal(qn__cholesky(l, P, 1e-12, NULL, &rank, &smallest, &err), QN_OK);
    assert_int_equal(rank, P);
    assert_true(smallest > 1e-3 && smallest <= 1);
    for (size_t i = 0; i < P; i++)
        x[i] = b[i] = cos((double)i);
    qn__cholesky_solve(l, P, x);
    for (size_t i = 0; i < P; i++) {
        double sum = 0;
        for (size_t j = 0; j < P; j++)
            sum += a[i * P + j] * x[j];
        assert_true(fabs(sum - b[i]) < 1e-10);
    }
    assert_int_equal(qn__cholesky_inverse_diagonal(l, P, NULL, inverse, &err), QN_OK);
    for (size_t j = 0; j < P; j += 13) {
        memset(x, 0, sizeof(x));
        x[j] = 1;
        qn__cholesky_solve(l, P, x);
        assert_true(fabs(x[j] - inverse[j]) < 1e-12);
    }
    free(a);
    numeric_data_free(&data);
}

static void test_cholesky_singular(void **state)
{
    (void)state;
    enum { P = 100 };
    struct numeric_data data = numeric_data_make(300, P, 2, 4);
    struct qn_error err = QN_ERROR_INIT;
    for (size_t i = 0; i < data.n; i++) /* column 77 = column 3 - 2 column 5, up to a constant */
        data.x[77 * data.n + i] = data.x[3 * data.n + i] - 2 * data.x[5 * data.n + i] + 84;
    double *a = test_alloc(2 * sizeof(double) * P * P), *l = a + P * P, smallest;
    size_t rank, order[P];
    make_positive(&data, a);
    memcpy(l, a, sizeof(double) * P * P);
    assert_int_equal(qn__cholesky(l, P, 1e-11, NULL, &rank, &smallest, &err), QN_OK);
    assert_int_equal(rank, 77);
    memcpy(l, a, sizeof(double) * P * P);
    qn__cholesky_pivoted(l, P, 1e-11, order, &rank);
    assert_int_equal(rank, P - 1);
    for (size_t i = 0; i < P; i++) { /* L L' is the matrix in pivoted order */
        for (size_t j = 0; j < P; j++) {
            double sum = 0;
            for (size_t t = 0; t < rank && t <= i && t <= j; t++)
                sum += l[i * P + t] * l[j * P + t];
            assert_true(fabs(sum - a[order[i] * P + order[j]]) < 1e-8);
        }
    }
    free(a);
    numeric_data_free(&data);
}

static void test_moments(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(30000, 3, 2, 5);
    struct qn_error err = QN_ERROR_INIT;
    double mean[3], deviation[3];
    for (size_t i = 0; i < data.n; i++) {
        data.x[i] = 7;                             /* one value */
        data.x[data.n + i] += 1e9;                 /* far from 0 */
        data.x[2 * data.n + i] += i < 2 ? 1e6 : 0; /* rows that a sample may miss */
    }
    assert_int_equal(qn__moments(&data.features, NULL, "test", NULL, mean, deviation, &err), QN_OK);
    assert_true(mean[0] == 7 && deviation[0] == 0);
    for (size_t j = 1; j < 3; j++) {
        const double *x = data.columns[j].values;
        double sum = 0, square = 0;
        for (size_t i = 0; i < data.n; i++)
            sum += (x[i] - x[data.n - 1]) / (double)data.n;
        sum += x[data.n - 1];
        for (size_t i = 0; i < data.n; i++)
            square += (x[i] - sum) * (x[i] - sum) / (double)data.n;
        assert_true(fabs(mean[j] - sum) < 1e-6);
        assert_true(fabs(deviation[j] - sqrt(square)) < 1e-7 * deviation[j]);
    }
    data.x[data.n + 5] = NAN;
    assert_int_equal(qn__moments(&data.features, NULL, "test", NULL, mean, deviation, &err),
                     QN_INVALID);
    assert_non_null(strstr(err.message, "x1"));
    assert_non_null(strstr(err.message, "row 6"));
    numeric_data_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gram_bits), cmocka_unit_test(test_gram_tiles),
        cmocka_unit_test(test_cholesky),  cmocka_unit_test(test_cholesky_singular),
        cmocka_unit_test(test_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
