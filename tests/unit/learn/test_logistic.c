#include "learn/linear.h"

#include "learn/linear_internal.h"
#include "learn/logistic_internal.h"
#include "learn/tree.h"
#include "numeric_data.h"

#include <math.h>

static const struct qn_logistic_options usual = {
    .C = 1, .fit_intercept = true, .max_iter = 1000, .tol = 1e-10};

static struct qn__linear_model *fit_model(const struct numeric_data *data,
                                          const struct qn_target *target,
                                          const struct qn_logistic_options *options)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_fit fit = {&data->features, target, options, 1, NULL, NULL};
    void *model = NULL;
    if (qn_logistic_learner.fit(&fit, &model, &err) != QN_OK)
        fail_msg("%s", err.message);
    return model;
}

/* An objective with nothing frozen, on raw columns. */
struct bare {
    struct qn_fit fit;
    struct qn__logistic problem;
    double *zeros, *ones;
    bool *frozen;
};

static void bare_init(struct bare *bare, const struct numeric_data *data,
                      const struct qn_target *target, double penalty)
{
    size_t width = data->p + 1;
    bare->zeros = test_alloc(width * sizeof(double));
    bare->ones = test_alloc(width * sizeof(double));
    bare->frozen = test_alloc(width * sizeof(bool));
    for (size_t j = 0; j < width; j++)
        bare->ones[j] = 1;
    bare->fit = (struct qn_fit){.features = &data->features, .target = target};
    size_t vectors = target->class_count > 2 ? target->class_count : 1;
    bare->problem = (struct qn__logistic){.fit = &bare->fit,
                                          .row_count = data->n,
                                          .feature_count = data->p,
                                          .class_count = target->class_count,
                                          .vector_count = vectors,
                                          .width = width,
                                          .size = vectors * width,
                                          .shift = bare->zeros,
                                          .scale = bare->ones,
                                          .frozen = bare->frozen,
                                          .weights = target->weights,
                                          .penalty = penalty,
                                          .total = 10,
                                          .block_step = 1};
}

static void bare_release(struct bare *bare)
{
    free(bare->zeros);
    free(bare->ones);
    free(bare->frozen);
}

/* Gradient and Hessian against differences of the objective and of the gradient. */
static void test_derivatives(void **state)
{
    (void)state;
    for (size_t classes = 2; classes <= 4; classes++) {
        struct numeric_data data = numeric_data_make(300, 4, classes, classes);
        struct qn_target target = numeric_data_classes(&data, classes, true);
        struct qn_error err = QN_ERROR_INIT;
        struct bare bare;
        bare_init(&bare, &data, &target, 0.3);
        size_t size = bare.problem.size;
        double theta[20], gradient[20], above[20], below[20], hessian[400];
        for (size_t i = 0; i < size; i++)
            theta[i] = 0.2 * sin((double)(3 * i + 1));
        struct qn__logistic_value value = {.gradient = gradient, .hessian = hessian};
        assert_int_equal(qn__logistic_evaluate(&bare.problem, theta, &value, &err), QN_OK);
        for (size_t i = 0; i < size; i++) {
            struct qn__logistic_value high = {.gradient = above}, low = {.gradient = below};
            double kept = theta[i], step = 1e-5;
            theta[i] = kept + step;
            assert_int_equal(qn__logistic_evaluate(&bare.problem, theta, &high, &err), QN_OK);
            theta[i] = kept - step;
            assert_int_equal(qn__logistic_evaluate(&bare.problem, theta, &low, &err), QN_OK);
            theta[i] = kept;
            double slope = (high.loss - low.loss) / (2 * step);
            assert_true(fabs(slope - gradient[i]) < 1e-6 * (1 + fabs(slope)));
            for (size_t j = 0; j < size; j++) {
                double curve = (above[j] - below[j]) / (2 * step);
                assert_true(fabs(curve - hessian[i * size + j]) < 1e-6 * (1 + fabs(curve)));
            }
        }
        bare_release(&bare);
        numeric_data_free(&data);
    }
}

/* sum_i s_i (p_ik - [y_i = k]) x_ij + w_kj / C = 0, and without w for the intercept. */
static void assert_optimal(const struct numeric_data *data, const struct qn_target *target,
                           const struct qn__linear_model *model, double c)
{
    struct qn_error err = QN_ERROR_INIT;
    size_t classes = target->class_count, p = data->p;
    double *out = test_alloc(data->n * classes * sizeof(double));
    assert_int_equal(qn_logistic_learner.predict(model, &data->features, NULL, out, &err), QN_OK);
    for (size_t k = classes == 2; k < classes; k++) {
        size_t vector = classes == 2 ? 0 : k;
        for (size_t j = 0; j <= p; j++) {
            double slope = c > 0 && j < p ? model->coefficients[vector * p + j] / c : 0, size = 1;
            for (size_t i = 0; i < data->n; i++) {
                double x = j < p ? data->x[j * data->n + i] : 1;
                double gap = out[i * classes + k] - (target->classes[i] == (int32_t)k);
                double part = x * gap * (target->weights ? target->weights[i] : 1);
                slope += part;
                size += fabs(part);
            }
            if (j < p || model->has_intercept)
                assert_true(fabs(slope) <= 1e-8 * size);
        }
    }
    for (size_t i = 0; i < data->n; i++) {
        double sum = 0;
        for (size_t k = 0; k < classes; k++)
            sum += out[i * classes + k];
        assert_true(fabs(sum - 1) < 1e-14);
    }
    free(out);
}

static void test_optimal(void **state)
{
    (void)state;
    for (size_t classes = 2; classes <= 5; classes++) {
        struct numeric_data data = numeric_data_make(800, 6, classes, 20 + classes);
        for (int mode = 0; mode < 4; mode++) {
            struct qn_target target = numeric_data_classes(&data, classes, mode & 1);
            struct qn_logistic_options options = usual;
            options.fit_intercept = !(mode & 2);
            options.C = mode == 3 ? 0 : 0.5;
            struct qn__linear_model *model = fit_model(&data, &target, &options);
            assert_true(model->converged && model->notes == 0);
            assert_optimal(&data, &target, model, options.C);
            qn_logistic_learner.free(model);
        }
        numeric_data_free(&data);
    }
}

/* The start from a sample leads to the same optimum. */
static void test_many_rows(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(70000, 3, 2, 30);
    struct qn_target target = numeric_data_classes(&data, 2, true);
    struct qn__linear_model *model = fit_model(&data, &target, &usual);
    assert_true(model->converged && model->iterations <= 5);
    assert_optimal(&data, &target, model, 1);
    qn_logistic_learner.free(model);
    for (size_t i = 0; i < data.n; i++) /* the sample, not all rows, can be told apart */
        if (i / QN__BLOCK_ROWS % 16 == 0)
            data.x[i] = data.classes[i] ? 5 : -5;
    struct qn_logistic_options free_options = usual;
    free_options.C = 0;
    model = fit_model(&data, &target, &free_options);
    assert_true(model->converged);
    assert_optimal(&data, &target, model, 0);
    qn_logistic_learner.free(model);
    numeric_data_free(&data);
}

static void test_lbfgs_agrees(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(500, 5, 3, 31);
    struct qn_target target = numeric_data_classes(&data, 3, false);
    struct qn_error err = QN_ERROR_INIT;
    struct bare bare;
    bare_init(&bare, &data, &target, 0.05);
    double theta[2][18] = {{0}}, gradient[18], hessian[18 * 18];
    struct qn__logistic_result newton = {.theta = theta[0],
                                         .value = {.gradient = gradient, .hessian = hessian}};
    assert_int_equal(qn__logistic_newton(&bare.problem, 100, 1e-10, false, &newton, &err), QN_OK);
    struct qn__logistic_result lbfgs = {.theta = theta[1], .value = {.gradient = gradient}};
    assert_int_equal(qn__logistic_lbfgs(&bare.problem, 1000, 1e-10, &lbfgs, &err), QN_OK);
    assert_true(newton.converged && lbfgs.converged && newton.iterations < lbfgs.iterations);
    for (size_t i = 0; i < 18; i++)
        assert_true(fabs(theta[0][i] - theta[1][i]) < 1e-8);
    bare_release(&bare);
    numeric_data_free(&data);
}

/* More parameters than a Hessian is formed for. */
static void test_wide(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(60, 3100, 2, 32);
    struct qn_target target = numeric_data_classes(&data, 2, false);
    struct qn_logistic_options options = usual;
    options.tol = 1e-9;
    struct qn__linear_model *model = fit_model(&data, &target, &options);
    assert_int_equal(model->solver, QN__SOLVER_LBFGS);
    assert_true(model->converged);
    for (size_t j = 0; j < data.p; j += 311) { /* KKT of some columns */
        double slope = model->coefficients[j];
        double *out = test_alloc(2 * data.n * sizeof(double));
        struct qn_error err = QN_ERROR_INIT;
        assert_int_equal(qn_logistic_learner.predict(model, &data.features, NULL, out, &err),
                         QN_OK);
        for (size_t i = 0; i < data.n; i++)
            slope +=
                (out[2 * i + 1] - data.classes[i]) * (data.x[j * data.n + i] - model->means[j]);
        assert_true(fabs(slope) < 1e-4);
        free(out);
    }
    qn_logistic_learner.free(model);
    numeric_data_free(&data);
}

static void test_separable(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(100, 2, 2, 33);
    struct qn_target target = numeric_data_classes(&data, 2, false);
    for (size_t i = 0; i < data.n; i++)
        data.classes[i] = data.x[i] > 0;
    struct qn_logistic_options options = usual;
    struct qn__linear_model *model = fit_model(&data, &target, &options);
    assert_true(model->converged && !(model->notes & QN__NOTE_SEPARABLE));
    qn_logistic_learner.free(model);
    options.C = 0;
    model = fit_model(&data, &target, &options);
    assert_true(!model->converged && model->notes & QN__NOTE_SEPARABLE);
    assert_true(isnan(model->errors[0]));
    json_t *about = qn_logistic_learner.describe(model, data.name_list);
    const json_t *note = json_array_get(json_object_get(about, "notes"), 0);
    assert_non_null(strstr(json_string_value(note), "no finite optimum"));
    json_decref(about);
    qn_logistic_learner.free(model);
    numeric_data_free(&data);
}

static void test_iterations_run_out(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(300, 3, 2, 34);
    struct qn_target target = numeric_data_classes(&data, 2, false);
    struct qn_logistic_options options = usual;
    options.max_iter = 1;
    struct qn__linear_model *model = fit_model(&data, &target, &options);
    assert_true(!model->converged && model->iterations == 1);
    assert_true(model->notes & QN__NOTE_NOT_CONVERGED);
    qn_logistic_learner.free(model);
    numeric_data_free(&data);
}

/* balanced equals sample weights n / (classes * rows of the class). */
static void test_class_weight(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(400, 3, 3, 35);
    struct qn_target target = numeric_data_classes(&data, 3, false);
    struct qn_logistic_options options = usual;
    options.class_weight = QN_CLASS_WEIGHT_BALANCED;
    struct qn__linear_model *balanced = fit_model(&data, &target, &options);
    double counts[3] = {0};
    for (size_t i = 0; i < data.n; i++)
        counts[data.classes[i]]++;
    for (size_t i = 0; i < data.n; i++)
        data.weights[i] = 400 / (3 * counts[data.classes[i]]);
    target.weights = data.weights;
    struct qn__linear_model *weighted = fit_model(&data, &target, &usual);
    for (size_t i = 0; i < 9; i++)
        assert_true(fabs(balanced->coefficients[i] - weighted->coefficients[i]) < 1e-9);
    qn_logistic_learner.free(balanced);
    qn_logistic_learner.free(weighted);
    numeric_data_free(&data);
}

/* Standard errors of three classes against the pseudo-inverse of the Hessian on raw columns, which
 * is the inverse when the directions without information are made very stiff. */
static void test_errors_three_classes(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(1500, 2, 3, 40);
    struct qn_target target = numeric_data_classes(&data, 3, false);
    struct qn_logistic_options options = usual;
    options.C = 0;
    struct qn__linear_model *model = fit_model(&data, &target, &options);
    struct qn_error err = QN_ERROR_INIT;
    struct bare bare;
    bare_init(&bare, &data, &target, 0);
    bare.problem.total = 1;
    double theta[9], gradient[9], hessian[81], inverse[9], smallest;
    size_t rank;
    for (size_t i = 0; i < 9; i++)
        theta[i] = i % 3 < 2 ? model->coefficients[i / 3 * 2 + i % 3] : model->intercepts[i / 3];
    struct qn__logistic_value value = {.gradient = gradient, .hessian = hessian};
    assert_int_equal(qn__logistic_evaluate(&bare.problem, theta, &value, &err), QN_OK);
    for (size_t i = 0; i < 9; i++)
        for (size_t j = 0; j < 9; j++)
            hessian[i * 9 + j] += i % 3 == j % 3 ? 1e9 : 0;
    assert_int_equal(qn__cholesky(hessian, 9, 0, NULL, &rank, &smallest, &err), QN_OK);
    assert_int_equal(rank, 9);
    assert_int_equal(qn__cholesky_inverse_diagonal(hessian, 9, NULL, inverse, &err), QN_OK);
    for (size_t i = 0; i < 9; i++)
        assert_true(fabs(model->errors[i] - sqrt(inverse[i])) < 1e-4 * model->errors[i]);
    bare_release(&bare);
    qn_logistic_learner.free(model);
    numeric_data_free(&data);
}

/* The filled Hessian of a softmax over two classes gives the errors of the binary model. */
static void test_errors_two_ways(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(2000, 2, 2, 36);
    struct qn_target target = numeric_data_classes(&data, 2, false);
    struct qn_logistic_options options = usual;
    options.C = 0;
    struct qn__linear_model *binary = fit_model(&data, &target, &options);
    assert_true(binary->errors[0] > 0 && binary->errors[2] > 0);

    /* A symmetric softmax of two vectors halves the contrast: errors are half as large. */
    struct qn_error err = QN_ERROR_INIT;
    struct bare bare;
    bare_init(&bare, &data, &target, 0);
    bare.problem.vector_count = 2;
    bare.problem.size = 6;
    bare.problem.total = 2000;
    double theta[6], gradient[6], hessian[36], diagonal[6], fill[3], inverse[6];
    for (size_t j = 0; j < 3; j++) {
        double value = j < 2 ? binary->coefficients[j] : binary->intercepts[0];
        theta[j] = -value / 2;
        theta[3 + j] = value / 2;
    }
    struct qn__logistic_value value = {.gradient = gradient, .hessian = hessian};
    bool singular = true;
    assert_int_equal(qn__logistic_evaluate(&bare.problem, theta, &value, &err), QN_OK);
    for (size_t i = 0; i < 6; i++)
        assert_true(fabs(gradient[i]) < 1e-9);
    assert_int_equal(qn__logistic_factor(&bare.problem, hessian, diagonal, fill, &singular, &err),
                     QN_OK);
    assert_false(singular);
    assert_int_equal(qn__cholesky_inverse_diagonal(hessian, 6, NULL, inverse, &err), QN_OK);
    for (size_t j = 0; j < 3; j++) {
        double variance = inverse[j] / diagonal[j] / diagonal[j] - 1 / (fill[j] * 4);
        double error = sqrt(variance / 2000);
        assert_true(fabs(error - binary->errors[j] / 2) < 1e-6 * error);
    }
    bare_release(&bare);
    qn_logistic_learner.free(binary);
    numeric_data_free(&data);
}

static void test_threads(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(70000, 5, 3, 37);
    struct qn_logistic_options options = usual;
    for (size_t classes = 2; classes <= 3; classes++) {
        for (size_t i = 0; i < data.n && classes == 2; i++)
            data.classes[i] = data.classes[i] > 1;
        struct qn_target target = numeric_data_classes(&data, classes, true);
        struct qn_fit fit = {&data.features, &target, &options, 1, NULL, NULL};
        assert_threads_change_nothing(&qn_logistic_learner, &fit);
        for (size_t i = 0; i < data.n; i++)
            data.classes[i] = (int32_t)(i % 7 % 3);
    }
    numeric_data_free(&data);
}

static void test_bad_input(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(50, 3, 2, 38);
    struct qn_target target = numeric_data_classes(&data, 2, false);
    struct stop_after stop = {.count = 2};
    struct qn_progress progress = {stop_after_update, &stop};
    struct qn_fit fit = {&data.features, &target, &usual, 1, NULL, &progress};
    struct qn_error err = QN_ERROR_INIT;
    void *model = NULL;
    assert_int_equal(qn_logistic_learner.fit(&fit, &model, &err), QN_CANCELLED);
    assert_int_equal(stop.calls, 2);
    data.x[4] = NAN;
    assert_int_equal(qn_logistic_learner.fit(&fit, &model, &err), QN_INVALID);
    assert_non_null(strstr(err.message, "column 'x0' has a missing value in row 5"));
    data.columns[2].kind = QN_FEATURE_CATEGORICAL;
    assert_int_equal(qn_logistic_learner.fit(&fit, &model, &err), QN_INVALID);
    assert_non_null(strstr(err.message, "x2"));
    assert_null(model);
    numeric_data_free(&data);
}

static void test_bytes(void **state)
{
    (void)state;
    for (size_t classes = 2; classes <= 3; classes++) {
        struct numeric_data data = numeric_data_make(80, 3, classes, 39);
        struct qn_target target = numeric_data_classes(&data, classes, false);
        struct qn__linear_model *model = fit_model(&data, &target, &usual);
        assert_round_trip(&qn_logistic_learner, model);
        assert_survives_damage(&qn_logistic_learner, model, &data.features);
        qn_logistic_learner.free(model);
        numeric_data_free(&data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derivatives),
        cmocka_unit_test(test_optimal),
        cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_lbfgs_agrees),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_separable),
        cmocka_unit_test(test_iterations_run_out),
        cmocka_unit_test(test_class_weight),
        cmocka_unit_test(test_errors_two_ways),
        cmocka_unit_test(test_errors_three_classes),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
