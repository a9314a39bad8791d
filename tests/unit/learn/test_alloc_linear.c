/* Each allocation of linear, ridge and logistic regression, of their reading and prediction, and of
 * permutation importance, fails in turn: the result is QN_NOMEM, and nothing leaks. */
#include "learn/importance.h"
#include "learn/linear.h"

#include "numeric_data.h"

static int fail_at, seen, alive;

void *__real_qn_realloc_bytes(void *block, size_t size_bytes);

void *__wrap_qn_realloc_bytes(void *block, size_t size_bytes)
{
    if (size_bytes > 0 && ++seen == fail_at)
        return NULL;
    void *out = __real_qn_realloc_bytes(block, size_bytes);
    alive += (out && !block) - (block && size_bytes == 0);
    return out;
}

/* Everything that a model goes through; the first failure ends it. */
static enum qn_status run(const struct qn_learner *learner, const struct qn_fit *fit,
                          struct qn_error *err)
{
    const struct qn_features *features = fit->features;
    void *model = NULL, *copy = NULL;
    struct qn_buffer buffer;
    struct qn_reader reader;
    qn_buffer_init(&buffer, 1 << 24);
    double *out = test_alloc(features->row_count * 8 * sizeof(double));
    struct qn_permutation *importance = test_alloc(features->feature_count * sizeof(*importance));
    enum qn_status status = learner->fit(fit, &model, err);
    if (status == QN_OK) {
        learner->write(model, &buffer);
        status = qn_buffer_check(&buffer, "model", err);
    }
    if (status == QN_OK) {
        qn_reader_init(&reader, buffer.bytes, buffer.size);
        status = learner->read(&reader, &copy, err);
    }
    if (status == QN_OK)
        status = learner->predict(copy, features, NULL, out, err);
    if (status == QN_OK && features->feature_count < 10)
        status = qn_permutation_importance(learner, copy, features, fit->target, NULL, 0, 1, 1,
                                           NULL, NULL, importance, err);
    qn_buffer_release(&buffer);
    learner->free(model);
    learner->free(copy);
    free(importance);
    free(out);
    return status;
}

static void fail_each(const struct qn_learner *learner, const struct qn_fit *fit)
{
    struct qn_error err = QN_ERROR_INIT;
    fail_at = seen = alive = 0;
    assert_int_equal(run(learner, fit, &err), QN_OK);
    assert_int_equal(alive, 0);
    int total = seen;
    assert_true(total > 5);
    for (int at = 1; at <= total; at++) {
        err = (struct qn_error)QN_ERROR_INIT;
        fail_at = at;
        seen = 0;
        assert_int_equal(run(learner, fit, &err), QN_NOMEM);
        assert_int_equal(err.status, QN_NOMEM);
        assert_int_equal(alive, 0);
    }
    fail_at = 0;
}

static void test_linear(void **state)
{
    (void)state;
    static const size_t shapes[][2] = {{60, 4}, {12, 20}};
    for (int mode = 0; mode < 4; mode++) { /* tall, wide, dependent columns, dependent rows */
        struct numeric_data data =
            numeric_data_make(shapes[mode % 2][0], shapes[mode % 2][1], 2, 80);
        for (size_t i = 0; i < data.n && mode == 2; i++)
            data.x[i] = data.x[data.n + i];
        for (size_t j = 0; j < data.p && mode == 3; j++)
            data.x[j * data.n] = data.x[j * data.n + 1];
        struct qn_target target = numeric_data_values(&data, true);
        for (size_t i = 0; i < data.n; i++)
            data.weights[i] += 1;
        struct qn_linear_options options = {.alpha = 1, .fit_intercept = true};
        struct qn_fit fit = {&data.features, &target, &options, 1, NULL, NULL};
        fail_each(&qn_linear_learner, &fit);
        fail_each(&qn_ridge_learner, &fit);
        numeric_data_free(&data);
    }
}

static void test_logistic(void **state)
{
    (void)state;
    for (size_t classes = 2; classes <= 3; classes++) {
        struct numeric_data data = numeric_data_make(120, 3, classes, 81);
        struct qn_target target = numeric_data_classes(&data, classes, true);
        struct qn_logistic_options options = {
            .C = 0, .fit_intercept = true, .max_iter = 50, .tol = 1e-6};
        struct qn_fit fit = {&data.features, &target, &options, 1, NULL, NULL};
        fail_each(&qn_logistic_learner, &fit);
        numeric_data_free(&data);
    }
    struct numeric_data data = numeric_data_make(20, 3001, 2, 82); /* L-BFGS */
    struct qn_target target = numeric_data_classes(&data, 2, false);
    struct qn_logistic_options options = {
        .C = 1, .fit_intercept = true, .max_iter = 5, .tol = 1e-6};
    struct qn_fit fit = {&data.features, &target, &options, 1, NULL, NULL};
    fail_each(&qn_logistic_learner, &fit);
    numeric_data_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_logistic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
