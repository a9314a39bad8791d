#include "learn/importance.h"

#include "learn/linear.h"
#include "numeric_data.h"

#include <math.h>

static void *fit_linear(const struct numeric_data *data, const struct qn_target *target)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_linear_options options = {.alpha = 0, .fit_intercept = true};
    struct qn_fit fit = {&data->features, target, &options, 1, NULL, NULL};
    void *model = NULL;
    assert_int_equal(qn_linear_learner.fit(&fit, &model, &err), QN_OK);
    return model;
}

/* Only columns that the target depends on matter, each by its own effect. */
static void test_ranking(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(3000, 4, 2, 70);
    struct qn_target target = numeric_data_values(&data, false);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_permutation out[4], again[4], other[4];
    double *before = test_alloc(data.n * data.p * sizeof(double));
    for (size_t i = 0; i < data.n; i++) {
        data.y[i] = 3 * data.x[i] + data.x[data.n + i] + 0.1 * data.x[3 * data.n + (i + 7) % 3000];
    }
    memcpy(before, data.x, data.n * data.p * sizeof(double));
    void *model = fit_linear(&data, &target);
    assert_int_equal(qn_permutation_importance(&qn_linear_learner, model, &data.features, &target,
                                               NULL, 0, 5, 3, NULL, NULL, out, &err),
                     QN_OK);
    assert_true(out[0].mean > out[1].mean && out[1].mean > 10 * fabs(out[2].mean));
    assert_true(fabs(out[2].mean) < 0.05 && out[0].std > 0 && out[0].std < out[0].mean);
    assert_memory_equal(before, data.x, data.n * data.p * sizeof(double));
    struct qn_pool *pool = NULL;
    assert_int_equal(qn_pool_create(3, &pool, &err), QN_OK);
    assert_int_equal(qn_permutation_importance(&qn_linear_learner, model, &data.features, &target,
                                               NULL, 0, 5, 3, pool, NULL, again, &err),
                     QN_OK);
    assert_memory_equal(out, again, sizeof(out));
    assert_int_equal(qn_permutation_importance(&qn_linear_learner, model, &data.features, &target,
                                               NULL, 0, 5, 4, NULL, NULL, other, &err),
                     QN_OK);
    assert_true(out[0].mean != other[0].mean);
    qn_pool_free(pool);
    free(before);
    qn_linear_learner.free(model);
    numeric_data_free(&data);
}

/* Two halves of one input shuffled together keep their sum's information only as a group. */
static void test_groups(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(2000, 3, 2, 71);
    struct qn_target target = numeric_data_values(&data, false);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_permutation alone[3], grouped[2];
    static const size_t groups[] = {1, 0, 1};
    for (size_t i = 0; i < data.n; i++) { /* columns 0 and 2 cancel unless shuffled apart */
        data.x[2 * data.n + i] = data.x[i];
        data.y[i] = 10 * data.x[i] - 10 * data.x[2 * data.n + i] + data.x[data.n + i];
    }
    struct qn_linear_options options = {.alpha = 0, .fit_intercept = true};
    struct qn_fit fit = {&data.features, &target, &options, 1, NULL, NULL};
    void *model = NULL;
    data.x[0] += 1; /* tells the two columns apart */
    data.y[0] += 10;
    assert_int_equal(qn_linear_learner.fit(&fit, &model, &err), QN_OK);
    assert_int_equal(qn_permutation_importance(&qn_linear_learner, model, &data.features, &target,
                                               NULL, 0, 3, 1, NULL, NULL, alone, &err),
                     QN_OK);
    assert_int_equal(qn_permutation_importance(&qn_linear_learner, model, &data.features, &target,
                                               groups, 2, 3, 1, NULL, NULL, grouped, &err),
                     QN_OK);
    assert_true(alone[0].mean > 5 && alone[2].mean > 5);
    assert_true(grouped[1].mean < 1 && grouped[0].mean > 0.5);
    qn_linear_learner.free(model);
    numeric_data_free(&data);
}

static void test_refused(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(50, 2, 2, 72);
    struct qn_target target = numeric_data_values(&data, false);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_permutation out[2];
    struct stop_after stop = {.count = 3};
    struct qn_progress progress = {stop_after_update, &stop};
    void *model = fit_linear(&data, &target);
    assert_int_equal(qn_permutation_importance(&qn_linear_learner, model, &data.features, &target,
                                               NULL, 0, 5, 1, NULL, &progress, out, &err),
                     QN_CANCELLED);
    target.task = QN_TASK_CLUSTERING;
    assert_int_equal(qn_permutation_importance(&qn_linear_learner, model, &data.features, &target,
                                               NULL, 0, 5, 1, NULL, NULL, out, &err),
                     QN_INVALID);
    qn_linear_learner.free(model);
    numeric_data_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranking),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
