/* Metrics against scikit-learn's, to 1e-12: see make_metrics.py. */
#include "base/alloc.h"
#include "learn/metrics.h"

#include <cmocka.h>
#include <math.h>
#include <string.h>

#define QN_TOLERANCE 1e-12

struct golden_case {
    struct qn_target target;
    double *prediction, *values, *weights; /* own */
    int32_t *classes;                      /* owns */
};

static double *numbers(const json_t *list)
{
    if (!list)
        return NULL;
    double *out = QN_ALLOC(double, json_array_size(list));
    assert_non_null(out);
    for (size_t i = 0; i < json_array_size(list); i++)
        out[i] = json_number_value(json_array_get(list, i));
    return out;
}

static struct golden_case read_case(const json_t *json)
{
    struct golden_case c = {.prediction = numbers(json_object_get(json, "prediction")),
                            .values = numbers(json_object_get(json, "values")),
                            .weights = numbers(json_object_get(json, "weights"))};
    const json_t *classes = json_object_get(json, "classes");
    size_t row_count = json_array_size(classes ? classes : json_object_get(json, "values"));
    if (classes) {
        c.classes = QN_ALLOC(int32_t, row_count);
        assert_non_null(c.classes);
        for (size_t i = 0; i < row_count; i++)
            c.classes[i] = (int32_t)json_integer_value(json_array_get(classes, i));
    }
    size_t class_count = (size_t)json_integer_value(json_object_get(json, "class_count"));
    c.target = (struct qn_target){.task = !classes           ? QN_TASK_REGRESSION
                                          : class_count == 2 ? QN_TASK_BINARY
                                                             : QN_TASK_MULTICLASS,
                                  .row_count = row_count,
                                  .class_count = class_count,
                                  .classes = c.classes,
                                  .values = c.values,
                                  .weights = c.weights};
    return c;
}

static void release_case(struct golden_case *c)
{
    qn_free(c->prediction);
    qn_free(c->values);
    qn_free(c->weights);
    qn_free(c->classes);
}

static void assert_close(const char *name, const char *what, double actual, const json_t *expected)
{
    double wanted = json_number_value(expected);
    assert_true(json_is_number(expected));
    if (!(fabs(actual - wanted) <= QN_TOLERANCE * fmax(fabs(wanted), 1e-3)))
        fail_msg("%s: %s is %.17g, scikit-learn says %.17g", name, what, actual, wanted);
}

static void check_classes(const char *name, const json_t *json, const struct qn_metrics *metrics)
{
    const json_t *list = json_object_get(json, "expected_classes");
    const json_t *confusion = json_object_get(json, "confusion");
    for (size_t k = 0; k < metrics->class_count; k++) {
        const json_t *item = json_array_get(list, k);
        const struct qn_class_metrics *class = &metrics->classes[k];
        assert_close(name, "precision", class->precision, json_object_get(item, "precision"));
        assert_close(name, "recall", class->recall, json_object_get(item, "recall"));
        assert_close(name, "f1", class->f1, json_object_get(item, "f1"));
        assert_close(name, "support", class->support, json_object_get(item, "support"));
        if (json_object_get(item, "roc_auc")) {
            assert_close(name, "roc_auc", class->roc_auc, json_object_get(item, "roc_auc"));
            assert_close(name, "pr_auc", class->pr_auc, json_object_get(item, "pr_auc"));
        }
    }
    for (size_t i = 0; i < metrics->class_count * metrics->class_count; i++)
        assert_close(name, "confusion", metrics->confusion[i], json_array_get(confusion, i));
}

static void check_calibration(const char *name, const json_t *json,
                              const struct qn_metrics *metrics)
{
    const json_t *expected = json_object_get(json, "calibration");
    const json_t *observed = json_object_get(expected, "observed");
    size_t used = 0;
    double error = 0;
    for (size_t bin = 0; expected && bin < QN_CALIBRATION_BINS; bin++) {
        if (metrics->calibration_weight[bin] == 0)
            continue;
        assert_close(name, "observed share", metrics->calibration_share[bin],
                     json_array_get(observed, used));
        assert_close(name, "predicted mean", metrics->calibration_mean[bin],
                     json_array_get(json_object_get(expected, "predicted"), used));
        error += metrics->calibration_weight[bin] *
                 fabs(metrics->calibration_mean[bin] - metrics->calibration_share[bin]);
        used++;
    }
    assert_int_equal(used, json_array_size(observed));
    if (expected)
        assert_true(fabs(metrics->calibration_error - error / (double)metrics->row_count) < 1e-12);
}

static void test_against_scikit_learn(void **state)
{
    (void)state;
    json_t *document = json_load_file(QN_SOURCE_DIR "/tests/golden/metrics/cases.json", 0, NULL);
    const json_t *cases = json_object_get(document, "cases");
    assert_true(json_array_size(cases) >= 20);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *json = json_array_get(cases, i);
        const char *name = json_string_value(json_object_get(json, "name"));
        struct golden_case c = read_case(json);
        struct qn_error err = QN_ERROR_INIT;
        struct qn_metrics *metrics = NULL;
        if (qn_metrics_compute(&c.target, c.prediction, &metrics, &err) != QN_OK)
            fail_msg("%s: %s", name, err.message);
        const char *what;
        json_t *expected;
        json_object_foreach(json_object_get(json, "expected"), what, expected)
        {
            assert_close(name, what, qn_metrics_get(metrics, what), expected);
        }
        if (c.classes) {
            check_classes(name, json, metrics);
            check_calibration(name, json, metrics);
        }
        qn_metrics_free(metrics);
        release_case(&c);
    }
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_scikit_learn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
