/* K-means against scikit-learn: from the same starting centres the same labels, iterations,
 * centres and inertia; and from our own seedings an inertia no more than 1% above the best of ten
 * of scikit-learn's. The references are in kmeans/, made by make_kmeans.py. */
#include "golden_data.h"

#include "learn/kmeans.h"

#include <math.h>

static const char *const names[] = {
    "iris",  "wine",  "breast_cancer", "digits",  "diabetes",        "linnerud",
    "blobs", "moons", "friedman1",     "uniform", "far_from_origin", "one_column",
};

static void check_case(const struct golden *golden, const json_t *test)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_kmeans_options options;
    const json_t *start = json_object_get(test, "start");
    const json_t *centres = json_object_get(test, "centres");
    size_t k = json_array_size(start), p = golden->features.feature_count;
    size_t n = golden->features.row_count;
    qn_parameters_default(&qn_kmeans_learner.parameters, &options);
    options.n_clusters = (int64_t)k;
    options.max_iter = json_integer_value(json_object_get(test, "max_iter"));
    options.tol = json_number_value(json_object_get(test, "tol"));
    struct qn_fit fit = {&golden->features, NULL, &options, 1, NULL, NULL};
    double *from = QN_ALLOC(double, k *p), *predicted = QN_ALLOC(double, n);
    int32_t *labels = QN_ALLOC(int32_t, n);
    assert_true(from && predicted && labels);
    for (size_t i = 0; i < k * p; i++)
        from[i] = json_number_value(json_array_get(json_array_get(start, i / p), i % p));
    struct qn_kmeans *model = NULL;
    assert_int_equal(qn_kmeans_fit_from(&fit, from, &model, &err), QN_OK);
    assert_int_equal(qn_kmeans_learner.predict(model, &golden->features, NULL, predicted, &err),
                     QN_OK);
    const json_t *expected = json_object_get(test, "labels");
    for (size_t i = 0; i < n; i++) {
        labels[i] = (int32_t)predicted[i];
        assert_int_equal(labels[i], json_integer_value(json_array_get(expected, i)));
    }
    assert_int_equal(model->iterations, json_integer_value(json_object_get(test, "iterations")));
    double inertia = json_number_value(json_object_get(test, "inertia"));
    assert_true(fabs(model->inertia - inertia) <= 1e-9 * inertia);
    for (size_t i = 0; i < k * p; i++) {
        double value = json_number_value(json_array_get(json_array_get(centres, i / p), i % p));
        assert_true(fabs(model->centres[i] - value) <= 1e-10 * fmax(1, fabs(value)));
    }
    double silhouette = 0, reference = json_number_value(json_object_get(test, "silhouette"));
    assert_int_equal(qn_silhouette(&golden->features, labels, k, 0, 1, NULL, &silhouette, &err),
                     QN_OK);
    if (!(fabs(silhouette - reference) <= 1e-6))
        fail_msg("silhouette %.17g, not %.17g", silhouette, reference);
    qn_kmeans_free(model);
    qn_free(labels);
    qn_free(predicted);
    qn_free(from);
}

static void test_scikit_learn(void **state)
{
    struct golden golden = golden_read("kmeans", *state);
    const json_t *cases = json_object_get(golden.json, "cases");
    assert_true(json_array_size(cases) > 0);
    for (size_t i = 0; i < json_array_size(cases); i++)
        check_case(&golden, json_array_get(cases, i));

    struct qn_error err = QN_ERROR_INIT;
    struct qn_kmeans_options options;
    qn_parameters_default(&qn_kmeans_learner.parameters, &options);
    options.n_clusters = json_integer_value(json_object_get(golden.json, "clusters"));
    struct qn_fit fit = {&golden.features, NULL, &options, 1, NULL, NULL};
    void *model = NULL;
    assert_int_equal(qn_kmeans_learner.fit(&fit, &model, &err), QN_OK);
    double best = json_number_value(json_object_get(golden.json, "best_inertia"));
    double own = ((const struct qn_kmeans *)model)->inertia;
    print_message("    inertia %.7f of scikit-learn's\n", own / best);
    assert_true(own <= 1.01 * best);
    qn_kmeans_learner.free(model);
    golden_release(&golden);
}

int main(void)
{
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    struct CMUnitTest tests[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        tests[i] = (struct CMUnitTest){names[i], test_scikit_learn, NULL, NULL,
                                       (void *)(uintptr_t)names[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
