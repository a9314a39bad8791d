#include "learn/metrics.h"

#include "base/alloc.h"
#include "base/random.h"

#include <cmocka.h>
#include <math.h>
#include <string.h>

#define NEAR(a, b) assert_true(fabs((a) - (b)) <= 1e-12)

static struct qn_metrics *compute(const struct qn_target *target, const double *prediction)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_metrics *metrics = NULL;
    if (qn_metrics_compute(target, prediction, &metrics, &err) != QN_OK)
        fail_msg("%s", err.message);
    return metrics;
}

/* Worked by hand: 2 hits of 3 positives, 1 of 2 negatives. */
static void test_binary_by_hand(void **state)
{
    (void)state;
    const int32_t classes[] = {1, 0, 1, 1, 0};
    const double p[] = {0.1, 0.9, 0.8, 0.2, 0.4, 0.6, 0.7, 0.3, 0.35, 0.65};
    struct qn_target target = {
        .task = QN_TASK_BINARY, .row_count = 5, .class_count = 2, .classes = classes};
    struct qn_metrics *m = compute(&target, p);
    NEAR(m->accuracy, 0.6);
    NEAR(m->balanced_accuracy, (2.0 / 3 + 0.5) / 2);
    NEAR(m->classes[1].precision, 2.0 / 3);
    NEAR(m->classes[0].precision, 0.5);
    NEAR(m->classes[1].support, 3);
    NEAR(m->confusion[0], 1);
    NEAR(m->confusion[1], 1);
    NEAR(m->confusion[2], 1);
    NEAR(m->confusion[3], 2);
    /* Pairs in order: .9 beats both, .6 beats .2, .3 beats .2. */
    NEAR(m->roc_auc, 4.0 / 6);
    /* Precision at the positives, from the top: 1/1, 2/3, 3/4. */
    NEAR(m->pr_auc, (1.0 + 2.0 / 3 + 3.0 / 4) / 3);
    NEAR(m->log_loss, -(log(0.9) + log(0.8) + log(0.6) + log(0.3) + log(0.35)) / 5);
    NEAR(m->brier, (0.01 + 0.04 + 0.16 + 0.49 + 0.65 * 0.65) / 5);
    NEAR(m->classes[0].roc_auc, m->roc_auc);
    assert_true(isnan(m->rmse) && isnan(m->r2));
    qn_metrics_free(m);
}

static void test_one_class(void **state)
{
    (void)state;
    const int32_t classes[] = {1, 1};
    const double p[] = {0.2, 0.8, 0.7, 0.3};
    struct qn_target target = {
        .task = QN_TASK_BINARY, .row_count = 2, .class_count = 2, .classes = classes};
    struct qn_metrics *m = compute(&target, p);
    assert_true(isnan(m->roc_auc) && isnan(m->pr_auc));
    NEAR(m->accuracy, 0.5);
    NEAR(m->balanced_accuracy, 0.5);
    NEAR(m->matthews, 0.0);
    const char *const names[] = {"no", "yes"};
    json_t *json = qn_metrics_json(m, names);
    assert_null(json_object_get(json, "roc_auc")); /* what is undefined is left out */
    assert_non_null(json_object_get(json, "accuracy"));
    assert_null(json_object_get(json, "rmse"));
    json_decref(json);
    qn_metrics_free(m);
}

/* A certain and wrong prediction costs a finite amount. */
static void test_log_loss_is_clipped(void **state)
{
    (void)state;
    const int32_t classes[] = {0, 1};
    const double p[] = {0.0, 1.0, 0.0, 1.0};
    struct qn_target target = {
        .task = QN_TASK_BINARY, .row_count = 2, .class_count = 2, .classes = classes};
    struct qn_metrics *m = compute(&target, p);
    assert_true(fabs(m->log_loss - 0.5 * 52 * log(2)) < 1e-9);
    qn_metrics_free(m);
}

static void test_weights_are_copies(void **state)
{
    (void)state;
    struct qn_random random;
    qn_random_init(&random, 3, 0);
    enum { ROWS = 60, K = 3 };
    int32_t classes[ROWS], many[ROWS * 3];
    double p[ROWS * K], many_p[ROWS * 3 * K], weights[ROWS], values[ROWS], many_values[ROWS * 3];
    double guess[ROWS], many_guess[ROWS * 3];
    size_t count = 0;
    for (size_t i = 0; i < ROWS; i++) {
        classes[i] = (int32_t)qn_random_below(&random, K);
        double sum = 0;
        for (size_t k = 0; k < K; k++)
            sum += p[i * K + k] = 1.0 + (double)qn_random_below(&random, 5);
        for (size_t k = 0; k < K; k++)
            p[i * K + k] /= sum;
        values[i] = qn_random_normal(&random);
        guess[i] = qn_random_normal(&random);
        size_t copies = qn_random_below(&random, 4);
        weights[i] = (double)copies;
        for (size_t c = 0; c < copies; c++, count++) {
            many[count] = classes[i];
            memcpy(many_p + count * K, p + i * K, K * sizeof(double));
            many_values[count] = values[i];
            many_guess[count] = guess[i];
        }
    }
    struct qn_target a = {.task = QN_TASK_MULTICLASS,
                          .row_count = ROWS,
                          .class_count = K,
                          .classes = classes,
                          .weights = weights};
    struct qn_target b = {
        .task = QN_TASK_MULTICLASS, .row_count = count, .class_count = K, .classes = many};
    struct qn_metrics *ma = compute(&a, p), *mb = compute(&b, many_p);
    static const char *const names[] = {"accuracy",
                                        "balanced_accuracy",
                                        "precision_macro",
                                        "recall_macro",
                                        "f1_macro",
                                        "roc_auc",
                                        "precision_weighted",
                                        "f1_weighted",
                                        "pr_auc",
                                        "log_loss",
                                        "brier",
                                        "matthews"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        NEAR(qn_metrics_get(ma, names[i]), qn_metrics_get(mb, names[i]));
    qn_metrics_free(ma);
    qn_metrics_free(mb);
    a = (struct qn_target){
        .task = QN_TASK_REGRESSION, .row_count = ROWS, .values = values, .weights = weights};
    b = (struct qn_target){.task = QN_TASK_REGRESSION, .row_count = count, .values = many_values};
    ma = compute(&a, guess);
    mb = compute(&b, many_guess);
    static const char *const errors[] = {"rmse", "mae", "median_error", "r2", "max_error"};
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        NEAR(qn_metrics_get(ma, errors[i]), qn_metrics_get(mb, errors[i]));
    qn_metrics_free(ma);
    qn_metrics_free(mb);
}

static void test_regression_edges(void **state)
{
    (void)state;
    const double same[] = {2, 2, 2}, right[] = {2, 2, 2}, wrong[] = {2, 3, 2};
    struct qn_target target = {.task = QN_TASK_REGRESSION, .row_count = 3, .values = same};
    struct qn_metrics *m = compute(&target, right);
    NEAR(m->r2, 1.0);
    NEAR(m->rmse, 0.0);
    qn_metrics_free(m);
    m = compute(&target, wrong);
    NEAR(m->r2, 0.0);
    NEAR(m->median_error, 0.0);
    NEAR(m->max_error, 1.0);
    qn_metrics_free(m);
    target.row_count = 1;
    m = compute(&target, right);
    assert_true(isnan(m->r2));
    qn_metrics_free(m);
}

static void test_refuses(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_metrics *metrics = NULL;
    const double values[] = {1, 2}, zero[] = {0, 0}, bad[] = {1, NAN};
    struct qn_target target = {.task = QN_TASK_REGRESSION, .row_count = 0, .values = values};
    assert_int_equal(qn_metrics_compute(&target, values, &metrics, &err), QN_INVALID);
    target.row_count = 2;
    assert_int_equal(qn_metrics_compute(&target, bad, &metrics, &err), QN_INVALID);
    assert_string_equal(err.message, "metrics: the prediction for row 1 is not a finite number");
    target.weights = zero;
    assert_int_equal(qn_metrics_compute(&target, values, &metrics, &err), QN_INVALID);
    assert_null(metrics);
}

/* All pairs, ties half. */
static double slow_auc(const int32_t *classes, const double *score, const double *weights, size_t n)
{
    double won = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            if (classes[i] != 1 || classes[j] == 1)
                continue;
            double w = weights[i] * weights[j];
            won += score[i] > score[j] ? w : score[i] == score[j] ? w / 2 : 0;
            all += w;
        }
    }
    return won / all;
}

static void test_roc_auc_is_pairs(void **state)
{
    (void)state;
    struct qn_random random;
    qn_random_init(&random, 5, 0);
    enum { ROWS = 300 };
    int32_t classes[ROWS];
    double score[2 * ROWS], packed[ROWS], weights[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        classes[i] = (int32_t)qn_random_below(&random, 3);
        /* Ties, negative numbers, both zeros, and numbers far apart. */
        packed[i] = ((double)qn_random_below(&random, 9) - 4) * (i % 7 == 0 ? 1e200 : 0.125);
        if (packed[i] == 0 && i % 2 == 1)
            packed[i] = -0.0;
        score[2 * i] = packed[i];
        score[2 * i + 1] = 77;
        weights[i] = qn_random_unit(&random);
    }
    double auc = 0;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_roc_auc(classes, 1, score, 2, weights, ROWS, &auc, &err), QN_OK);
    NEAR(auc, slow_auc(classes, packed, weights, ROWS));
    score[8] = NAN;
    assert_int_equal(qn_roc_auc(classes, 1, score, 2, weights, ROWS, &auc, &err), QN_INVALID);
}

static void test_names(void **state)
{
    (void)state;
    bool more = false;
    assert_string_equal(qn_metrics_main(QN_TASK_BINARY, &more), "roc_auc");
    assert_true(more);
    assert_string_equal(qn_metrics_main(QN_TASK_MULTICLASS, &more), "log_loss");
    assert_false(more);
    assert_string_equal(qn_metrics_main(QN_TASK_REGRESSION, NULL), "rmse");
    const double values[] = {1, 2};
    struct qn_target target = {.task = QN_TASK_REGRESSION, .row_count = 2, .values = values};
    struct qn_metrics *m = compute(&target, values);
    assert_true(isnan(qn_metrics_get(m, "nothing")));
    NEAR(qn_metrics_get(m, "r2"), 1.0);
    qn_metrics_free(m);
}

static void test_baseline(void **state)
{
    (void)state;
    const int32_t classes[] = {0, 1, 1, 2};
    const double weights[] = {1, 1, 2, 4}, values[] = {1, 2, 3, 4};
    double out[6];
    struct qn_target target = {.task = QN_TASK_MULTICLASS,
                               .row_count = 4,
                               .class_count = 3,
                               .classes = classes,
                               .weights = weights};
    qn_baseline_predict(&target, 2, out);
    const double shares[] = {0.125, 0.375, 0.5, 0.125, 0.375, 0.5};
    for (size_t i = 0; i < 6; i++)
        NEAR(out[i], shares[i]);
    target = (struct qn_target){.task = QN_TASK_REGRESSION, .row_count = 4, .values = values};
    qn_baseline_predict(&target, 3, out);
    for (size_t i = 0; i < 3; i++)
        NEAR(out[i], 2.5);
}

static void test_json_of_classes(void **state)
{
    (void)state;
    const int32_t classes[] = {0, 1, 1};
    const double p[] = {0.9, 0.1, 0.2, 0.8, 0.6, 0.4};
    struct qn_target target = {
        .task = QN_TASK_BINARY, .row_count = 3, .class_count = 2, .classes = classes};
    struct qn_metrics *m = compute(&target, p);
    const char *const names[] = {"no", "yes"};
    json_t *json = qn_metrics_json(m, names);
    json_t *list = json_object_get(json, "classes");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "name")), "yes");
    json_t *row = json_array_get(json_object_get(json, "confusion_matrix"), 1);
    NEAR(json_number_value(json_array_get(row, 0)), 1);
    NEAR(json_number_value(json_array_get(row, 1)), 1);
    assert_int_equal(json_array_size(json_object_get(json, "calibration")), 3);
    json_decref(json);
    qn_metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binary_by_hand),
        cmocka_unit_test(test_one_class),
        cmocka_unit_test(test_log_loss_is_clipped),
        cmocka_unit_test(test_weights_are_copies),
        cmocka_unit_test(test_regression_edges),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_roc_auc_is_pairs),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_baseline),
        cmocka_unit_test(test_json_of_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
