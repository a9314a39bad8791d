#include "learn/kmeans.h"

#include "learn/kmeans_internal.h"
#include "numeric_data.h"

#include <math.h>

static const struct qn_kmeans_options usual = {
    .n_clusters = 5, .n_init = 3, .max_iter = 300, .tol = 1e-4, .init = 0};

/* Lloyd's algorithm as the textbook has it, from given centres, until no label changes. */
static int64_t plain_lloyd(const struct numeric_data *data, size_t k, double *centres,
                           int32_t *labels)
{
    size_t n = data->n, p = data->p;
    double *sums = test_alloc(k * (p + 1) * sizeof(double));
    int64_t iterations = 0;
    for (size_t changed = 1; changed > 0; iterations++) {
        changed = 0;
        memset(sums, 0, k * (p + 1) * sizeof(double));
        for (size_t i = 0; i < n; i++) {
            int32_t best = 0;
            double lowest = INFINITY;
            for (size_t c = 0; c < k; c++) {
                double square = 0;
                for (size_t j = 0; j < p; j++) {
                    double gap = data->x[j * n + i] - centres[c * p + j];
                    square += gap * gap;
                }
                if (square < lowest) {
                    lowest = square;
                    best = (int32_t)c;
                }
            }
            changed += iterations == 0 || labels[i] != best;
            labels[i] = best;
            sums[k * p + (size_t)best] += 1;
            for (size_t j = 0; j < p; j++)
                sums[(size_t)best * p + j] += data->x[j * n + i];
        }
        for (size_t c = 0; c < k * p; c++)
            centres[c] = sums[c] / sums[k * p + c / p];
    }
    free(sums);
    return iterations;
}

/* Skipping distances by bounds changes no label. */
static void test_bounds_are_exact(void **state)
{
    (void)state;
    enum { N = 3001, P = 5, K = 11 };
    struct numeric_data data = numeric_data_make(N, P, 2, 50);
    struct qn_kmeans_options options = usual;
    struct qn_error err = QN_ERROR_INIT;
    double start[K * P], centres[K * P];
    int32_t *labels = test_alloc(N * sizeof(int32_t));
    double *predicted = test_alloc(N * sizeof(double));
    options.n_clusters = K;
    options.tol = 0;
    options.max_iter = 1000;
    for (size_t c = 0; c < K; c++)
        for (size_t j = 0; j < P; j++)
            start[c * P + j] = data.x[j * N + c * 100];
    memcpy(centres, start, sizeof(start));
    struct qn_fit fit = {&data.features, NULL, &options, 1, NULL, NULL};
    struct qn_kmeans *model = NULL;
    assert_int_equal(qn_kmeans_fit_from(&fit, start, &model, &err), QN_OK);
    assert_int_equal(plain_lloyd(&data, K, centres, labels), model->iterations);
    assert_true(model->converged && model->iterations > 10);
    assert_int_equal(qn_kmeans_learner.predict(model, &data.features, NULL, predicted, &err),
                     QN_OK);
    size_t sizes[K] = {0};
    double inertia = 0;
    for (size_t i = 0; i < N; i++) {
        assert_true(predicted[i] == labels[i]);
        sizes[labels[i]]++;
        for (size_t j = 0; j < P; j++) {
            double gap = data.x[j * N + i] - centres[(size_t)labels[i] * P + j];
            inertia += gap * gap;
        }
    }
    assert_memory_equal(sizes, model->sizes, sizeof(sizes));
    assert_true(fabs(inertia - model->inertia) < 1e-9 * inertia);
    for (size_t i = 0; i < K * P; i++)
        assert_true(fabs(centres[i] - model->centres[i]) < 1e-10);
    qn_kmeans_free(model);
    free(predicted);
    free(labels);
    numeric_data_free(&data);
}

static void test_threads(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(20000, 4, 2, 51);
    struct qn_kmeans_options options = usual;
    struct qn_fit fit = {&data.features, NULL, &options, 7, NULL, NULL};
    for (options.init = 0; options.init < 2; options.init++)
        assert_threads_change_nothing(&qn_kmeans_learner, &fit);
    numeric_data_free(&data);
}

/* Well apart groups are found by k-means++ from any seed. */
static void test_seeding(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(1000, 2, 2, 52);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_kmeans_options options = usual;
    options.n_clusters = 20;
    options.n_init = 1;
    for (size_t i = 0; i < data.n; i++) {
        data.x[i] += (double)(i % 20 / 5) * 1000;
        data.x[data.n + i] += (double)(i % 5) * 1000;
    }
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct qn_fit fit = {&data.features, NULL, &options, seed, NULL, NULL};
        void *model = NULL;
        assert_int_equal(qn_kmeans_learner.fit(&fit, &model, &err), QN_OK);
        for (size_t c = 0; c < 20; c++)
            assert_int_equal(((struct qn_kmeans *)model)->sizes[c], 50);
        qn_kmeans_learner.free(model);
    }
    numeric_data_free(&data);
}

static void test_few_different_rows(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(100, 2, 2, 53);
    struct qn_error err = QN_ERROR_INIT;
    for (size_t i = 0; i < data.n; i++)
        data.x[i] = data.x[data.n + i] = (double)(i % 3);
    struct qn_kmeans_options options = usual;
    struct qn_fit fit = {&data.features, NULL, &options, 1, NULL, NULL};
    for (options.init = 0; options.init < 2; options.init++) {
        void *model = NULL;
        assert_int_equal(qn_kmeans_learner.fit(&fit, &model, &err), QN_OK);
        const struct qn_kmeans *kmeans = model;
        size_t total = 0;
        for (size_t c = 0; c < 5; c++)
            total += kmeans->sizes[c];
        assert_int_equal(total, 100);
        assert_true(kmeans->inertia < 1e-20);
        qn_kmeans_learner.free(model);
    }
    options = usual;
    options.n_clusters = 100; /* as many as rows */
    void *model = NULL;
    assert_int_equal(qn_kmeans_learner.fit(&fit, &model, &err), QN_OK);
    qn_kmeans_learner.free(model);
    options.n_clusters = 101;
    model = NULL;
    assert_int_equal(qn_kmeans_learner.fit(&fit, &model, &err), QN_INVALID);
    assert_non_null(strstr(err.message, "only 100 rows"));
    assert_null(model);
    numeric_data_free(&data);
}

/* Clusters without rows get the farthest ones. */
static void test_empty_clusters(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(60, 1, 2, 54);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_kmeans_options options = usual;
    double start[3] = {0, 1e6, -1e6};
    options.n_clusters = 3;
    options.max_iter = 1;
    for (size_t i = 0; i < data.n; i++)
        data.x[i] = i == 7 ? 100 : i == 9 ? -90 : (double)(i % 4);
    struct qn_fit fit = {&data.features, NULL, &options, 1, NULL, NULL};
    struct qn_kmeans *model = NULL;
    assert_int_equal(qn_kmeans_fit_from(&fit, start, &model, &err), QN_OK);
    assert_true(fabs(model->centres[1] - 100) < 1e-9);
    assert_true(fabs(model->centres[2] + 90) < 1e-9);
    assert_int_equal(model->sizes[0], 58);
    qn_kmeans_free(model);
    numeric_data_free(&data);
}

static void test_bad_input(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(60, 3, 2, 55);
    struct qn_error err = QN_ERROR_INIT;
    struct stop_after stop = {.count = 4};
    struct qn_progress progress = {stop_after_update, &stop};
    struct qn_fit fit = {&data.features, NULL, &usual, 1, NULL, NULL};
    void *model = NULL;
    double out[60];
    assert_int_equal(qn_kmeans_learner.fit(&fit, &model, &err), QN_OK);
    data.x[data.n + 59] = NAN;
    assert_int_equal(qn_kmeans_learner.predict(model, &data.features, NULL, out, &err), QN_INVALID);
    assert_non_null(strstr(err.message, "column 'x1' has a missing value in row 60"));
    qn_kmeans_learner.free(model);
    model = NULL;
    assert_int_equal(qn_kmeans_learner.fit(&fit, &model, &err), QN_INVALID);
    assert_non_null(strstr(err.message, "x1"));
    data.x[data.n + 59] = 0;
    fit.progress = &progress;
    assert_int_equal(qn_kmeans_learner.fit(&fit, &model, &err), QN_CANCELLED);
    assert_int_equal(stop.calls, 4);
    data.columns[0].kind = QN_FEATURE_CATEGORICAL;
    assert_int_equal(qn_kmeans_learner.fit(&fit, &model, &err), QN_INVALID);
    assert_null(model);
    numeric_data_free(&data);
}

static void test_bytes_and_summary(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(60, 3, 2, 56);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_fit fit = {&data.features, NULL, &usual, 1, NULL, NULL};
    void *model = NULL;
    assert_int_equal(qn_kmeans_learner.fit(&fit, &model, &err), QN_OK);
    assert_round_trip(&qn_kmeans_learner, model);
    assert_survives_damage(&qn_kmeans_learner, model, &data.features);
    json_t *about = qn_kmeans_learner.describe(model, data.name_list);
    const json_t *clusters = json_object_get(about, "clusters");
    assert_int_equal(json_array_size(clusters), 5);
    const json_t *centre = json_object_get(json_array_get(clusters, 1), "centre");
    assert_true(json_number_value(json_object_get(centre, "x2")) ==
                ((const struct qn_kmeans *)model)->centres[5]);
    json_decref(about);
    qn_kmeans_learner.free(model);
    numeric_data_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_are_exact),  cmocka_unit_test(test_threads),
        cmocka_unit_test(test_seeding),           cmocka_unit_test(test_few_different_rows),
        cmocka_unit_test(test_empty_clusters),    cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_bytes_and_summary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
