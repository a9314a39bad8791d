#include "learn/linear.h"

#include "learn/linear_internal.h"
#include "numeric_data.h"

#include <math.h>

static struct qn__linear_model *fit_model(const struct qn_learner *learner,
                                          const struct qn_features *features,
                                          const struct qn_target *target, double alpha,
                                          bool intercept)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_linear_options options = {.alpha = alpha, .fit_intercept = intercept};
    struct qn_fit fit = {features, target, &options, 1, NULL, NULL};
    void *model = NULL;
    if (learner->fit(&fit, &model, &err) != QN_OK)
        fail_msg("%s", err.message);
    return model;
}

/* At the optimum X' S r = alpha w and, with an intercept, sum of S r = 0. */
static void assert_optimal(const struct numeric_data *data, const struct qn_target *target,
                           const struct qn__linear_model *model, double alpha)
{
    double *residual = test_alloc(data->n * sizeof(double)), sum = 0, size = 0;
    for (size_t i = 0; i < data->n; i++) {
        double value = target->values[i] - model->intercepts[0];
        for (size_t j = 0; j < data->p; j++)
            value -= model->coefficients[j] * data->x[j * data->n + i];
        residual[i] = value * (target->weights ? target->weights[i] : 1);
        sum += residual[i];
        size += fabs(residual[i]);
    }
    if (model->has_intercept)
        assert_true(fabs(sum) <= 1e-9 * (size + 1));
    for (size_t j = 0; j < data->p; j++) {
        double slope = -alpha * model->coefficients[j], scale = 1;
        for (size_t i = 0; i < data->n; i++) {
            slope += residual[i] * data->x[j * data->n + i];
            scale += fabs(residual[i] * data->x[j * data->n + i]);
        }
        assert_true(fabs(slope) <= 1e-9 * scale);
    }
    free(residual);
}

static void test_optimal(void **state)
{
    (void)state;
    static const size_t shapes[][2] = {{50, 1}, {300, 7}, {20000, 12}, {900, 500}, {30, 80}};
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        struct numeric_data data = numeric_data_make(shapes[s][0], shapes[s][1], 2, s);
        for (int mode = 0; mode < 4; mode++) {
            struct qn_target target = numeric_data_values(&data, mode & 1);
            struct qn__linear_model *linear =
                fit_model(&qn_linear_learner, &data.features, &target, 0, !(mode & 2));
            assert_optimal(&data, &target, linear, 0);
            qn_linear_learner.free(linear);
            struct qn__linear_model *ridge =
                fit_model(&qn_ridge_learner, &data.features, &target, 3.5, !(mode & 2));
            assert_optimal(&data, &target, ridge, 3.5);
            qn_ridge_learner.free(ridge);
        }
        numeric_data_free(&data);
    }
}

/* Of equal columns each gets the same share: the smallest of all solutions. */
static void test_equal_columns(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(200, 4, 2, 9);
    memcpy(data.x + 3 * data.n, data.x + data.n, data.n * sizeof(double));
    struct qn_target target = numeric_data_values(&data, false);
    struct qn__linear_model *model =
        fit_model(&qn_linear_learner, &data.features, &target, 0, true);
    assert_optimal(&data, &target, model, 0);
    assert_true(fabs(model->coefficients[1] - model->coefficients[3]) < 1e-10);
    assert_int_equal(model->rank, 3);
    assert_true(model->notes & QN__NOTE_COLLINEAR);
    assert_true(isnan(model->errors[0]));
    qn_linear_learner.free(model);
    numeric_data_free(&data);
}

static void test_constant_and_tiny(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(40, 3, 2, 10);
    for (size_t i = 0; i < data.n; i++)
        data.x[i] = 0.1;
    struct qn_target target = numeric_data_values(&data, false);
    struct qn__linear_model *model =
        fit_model(&qn_linear_learner, &data.features, &target, 0, true);
    assert_true(model->coefficients[0] == 0 && model->rank == 2);
    assert_true(model->notes & QN__NOTE_CONSTANT);
    assert_true(isnan(model->errors[0]) && model->errors[1] > 0 && model->errors[3] > 0);
    qn_linear_learner.free(model);

    data.features.row_count = target.row_count = 1; /* one row: the mean, and no more */
    model = fit_model(&qn_linear_learner, &data.features, &target, 0, true);
    assert_true(fabs(model->intercepts[0] - data.y[0]) < 1e-12);
    assert_true(model->coefficients[1] == 0 && isnan(model->r2));
    qn_linear_learner.free(model);
    numeric_data_free(&data);
}

/* A weight of 2 is the row twice, a weight of 0 no row. */
static void test_weights(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(120, 3, 2, 11);
    struct numeric_data twice = numeric_data_make(240, 3, 2, 11);
    size_t rows = 0;
    for (size_t i = 0; i < data.n; i++) {
        data.weights[i] = (double)(i % 3);
        for (size_t k = 0; k < i % 3; k++) {
            for (size_t j = 0; j < 3; j++)
                twice.x[j * twice.n + rows] = data.x[j * data.n + i];
            twice.y[rows++] = data.y[i];
        }
    }
    twice.features.row_count = rows;
    struct qn_target weighted = numeric_data_values(&data, true);
    struct qn_target repeated = numeric_data_values(&twice, false);
    repeated.row_count = rows;
    struct qn__linear_model *a = fit_model(&qn_linear_learner, &data.features, &weighted, 0, true);
    struct qn__linear_model *b = fit_model(&qn_linear_learner, &twice.features, &repeated, 0, true);
    for (size_t j = 0; j < 3; j++)
        assert_true(fabs(a->coefficients[j] - b->coefficients[j]) < 1e-12);
    assert_true(fabs(a->r2 - b->r2) < 1e-12);
    assert_true(a->freedom == 80 - 4 && b->freedom == 120 - 4);
    qn_linear_learner.free(a);
    qn_linear_learner.free(b);
    numeric_data_free(&data);
    numeric_data_free(&twice);
}

static void test_threads(void **state)
{
    (void)state;
    static const size_t shapes[][2] = {{50000, 9}, {60, 100}};
    struct qn_linear_options options = {.alpha = 0.5, .fit_intercept = true};
    for (size_t s = 0; s < 2; s++) {
        struct numeric_data data = numeric_data_make(shapes[s][0], shapes[s][1], 2, 12);
        struct qn_target target = numeric_data_values(&data, true);
        struct qn_fit fit = {&data.features, &target, &options, 1, NULL, NULL};
        assert_threads_change_nothing(&qn_linear_learner, &fit);
        assert_threads_change_nothing(&qn_ridge_learner, &fit);
        numeric_data_free(&data);
    }
}

static void test_bad_input(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(40, 3, 2, 13);
    struct qn_target target = numeric_data_values(&data, false);
    struct qn_linear_options options = {.alpha = 1, .fit_intercept = true};
    struct qn_fit fit = {&data.features, &target, &options, 1, NULL, NULL};
    struct qn_error err = QN_ERROR_INIT;
    void *model = NULL;
    double out[40];
    struct qn__linear_model *good = fit_model(&qn_linear_learner, &data.features, &target, 0, true);
    for (int wide = 0; wide < 2; wide++) {
        data.features.row_count = target.row_count = wide ? 3 : 40;
        data.x[2 * data.n + 1] = NAN;
        assert_int_equal(qn_ridge_learner.fit(&fit, &model, &err), QN_INVALID);
        assert_non_null(strstr(err.message, "column 'x2' has a missing value in row 2"));
        assert_int_equal(qn_linear_learner.predict(good, &data.features, NULL, out, &err),
                         QN_INVALID);
        assert_non_null(strstr(err.message, "x2"));
        data.x[2 * data.n + 1] = INFINITY;
        assert_int_equal(qn_ridge_learner.fit(&fit, &model, &err), QN_INVALID);
        assert_non_null(strstr(err.message, "infinite"));
        data.x[2 * data.n + 1] = 1e200;
        assert_int_equal(qn_ridge_learner.fit(&fit, &model, &err), QN_INVALID);
        assert_non_null(strstr(err.message, "too large"));
        data.x[2 * data.n + 1] = 1;
    }
    data.columns[1].kind = QN_FEATURE_CATEGORICAL;
    assert_int_equal(qn_linear_learner.fit(&fit, &model, &err), QN_INVALID);
    assert_non_null(strstr(err.message, "column 'x1' holds categories"));
    data.columns[1].kind = QN_FEATURE_NUMERIC;
    data.features.row_count = 0;
    assert_int_equal(qn_linear_learner.fit(&fit, &model, &err), QN_INVALID);
    assert_null(model);
    qn_linear_learner.free(good);
    numeric_data_free(&data);
}

static void test_cancel(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(500, 3, 2, 14);
    struct qn_target target = numeric_data_values(&data, false);
    struct qn_linear_options options = {.alpha = 1, .fit_intercept = true};
    struct stop_after stop = {.count = 1};
    struct qn_progress progress = {stop_after_update, &stop};
    struct qn_fit fit = {&data.features, &target, &options, 1, NULL, &progress};
    struct qn_error err = QN_ERROR_INIT;
    void *model = NULL;
    assert_int_equal(qn_linear_learner.fit(&fit, &model, &err), QN_CANCELLED);
    assert_null(model);
    numeric_data_free(&data);
}

static void test_bytes_and_summary(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(60, 3, 2, 15);
    struct qn_target target = numeric_data_values(&data, false);
    struct qn_error err = QN_ERROR_INIT;
    struct qn__linear_model *model =
        fit_model(&qn_linear_learner, &data.features, &target, 0, true);
    assert_round_trip(&qn_linear_learner, model);
    assert_survives_damage(&qn_linear_learner, model, &data.features);
    double share[3], total = 0, out[60];
    assert_int_equal(qn_linear_learner.importance(model, share, &err), QN_OK);
    for (size_t j = 0; j < 3; j++) {
        total += share[j];
        double effect = fabs(model->coefficients[j]) * model->deviations[j];
        double first = fabs(model->coefficients[0]) * model->deviations[0];
        assert_true(fabs(share[j] / share[0] - effect / first) < 1e-12);
    }
    assert_true(fabs(total - 1) < 1e-12);
    assert_int_equal(qn_linear_learner.predict(model, &data.features, NULL, out, &err), QN_OK);
    double rss = 0;
    for (size_t i = 0; i < data.n; i++)
        rss += (data.y[i] - out[i]) * (data.y[i] - out[i]);
    assert_true(fabs(rss / 60 - model->objective) < 1e-10);
    json_t *about = qn_linear_learner.describe(model, data.name_list);
    assert_non_null(about);
    assert_true(json_real_value(json_object_get(about, "r2")) > 0.3);
    const json_t *vector = json_array_get(json_object_get(about, "vectors"), 0);
    const json_t *first = json_array_get(json_object_get(vector, "coefficients"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "x0");
    double p = json_number_value(json_object_get(first, "p_value"));
    assert_true(p >= 0 && p < 0.05);
    json_decref(about);
    qn_linear_learner.free(model);
    numeric_data_free(&data);
}

/* Bytes that no fit writes. */
static void test_impossible_values(void **state)
{
    (void)state;
    struct numeric_data data = numeric_data_make(60, 3, 2, 16);
    struct qn_target target = numeric_data_values(&data, false);
    struct qn_error err = QN_ERROR_INIT;
    struct qn__linear_model *model =
        fit_model(&qn_linear_learner, &data.features, &target, 0, true);
    double *values[] = {&model->coefficients[1], &model->intercepts[0], &model->means[2],
                        &model->deviations[0]};
    for (size_t i = 0; i < 4; i++) {
        struct qn_buffer buffer;
        struct qn_reader reader;
        void *copy = NULL;
        double kept = *values[i];
        *values[i] = i == 3 ? -1 : NAN;
        qn_buffer_init(&buffer, 1 << 20);
        qn_linear_learner.write(model, &buffer);
        qn_reader_init(&reader, buffer.bytes, buffer.size);
        assert_int_equal(qn_linear_learner.read(&reader, &copy, &err), QN_CORRUPT);
        assert_null(copy);
        *values[i] = kept;
        qn_buffer_release(&buffer);
    }
    qn_linear_learner.free(model);
    numeric_data_free(&data);
}

/* From tables of the t and normal distributions. */
static void test_p_values(void **state)
{
    (void)state;
    static const double t[][3] = {{12.706204736174698, 1, 0.05},  {2.2281388519862735, 10, 0.05},
                                  {3.1692726726169518, 10, 0.01}, {0.6764893127, 2000, 0.49881},
                                  {1.9623386, 1e3, 0.05},         {0, 5, 1}};
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
        assert_true(fabs(qn__student_p_value(t[i][0], t[i][1]) - t[i][2]) < 1e-5);
    assert_true(fabs(qn__student_p_value(12.706204736174698, 1) - 0.05) < 1e-12);
    assert_true(fabs(qn__student_p_value(-2.2281388519862735, 10) - 0.05) < 1e-10);
    assert_true(fabs(qn__normal_p_value(1.959963984540054) - 0.05) < 1e-12);
    assert_true(fabs(qn__normal_p_value(-3.290526731491926) - 0.001) < 1e-12);
    assert_true(fabs(qn__normal_p_value(10) / 1.523970604832105e-23 - 1) < 1e-10);
    assert_true(fabs(qn__student_p_value(1.96, 1e6) - qn__normal_p_value(1.96)) < 1e-6);
    assert_true(qn__normal_p_value(0) == 1 && qn__student_p_value(INFINITY, 3) == 0);
    assert_true(isnan(qn__student_p_value(NAN, 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optimal),  cmocka_unit_test(test_equal_columns),
        cmocka_unit_test(test_weights),  cmocka_unit_test(test_constant_and_tiny),
        cmocka_unit_test(test_threads),  cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_cancel),   cmocka_unit_test(test_bytes_and_summary),
        cmocka_unit_test(test_p_values), cmocka_unit_test(test_impossible_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
