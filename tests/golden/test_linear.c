/* Linear, ridge and logistic regression against scikit-learn: coefficients within 1e-6 of the
 * largest effect (coefficient times deviation), standard errors within 1e-6 of their closed form.
 * The references are in linear/, made by make_linear.py. */
#include "golden_data.h"

#include "learn/linear.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {
    "diabetes",
    "diabetes_weighted",
    "linnerud",
    "wine_alcohol",
    "friedman1",
    "ill_conditioned",
    "badly_scaled",
    "wide",
    "iris",
    "wine",
    "dependent_columns",
    "two_classes",
    "breast_cancer",
    "digits",
    "wide_repeated_rows",
    "five_classes",
    "blobs",
    "two_classes_weighted",
};

/* Mean and deviation of a column, weights left out: only the size of tolerances needs them. */
static void column_scale(const struct golden *golden, size_t j, double *mean, double *deviation)
{
    size_t n = golden->features.row_count;
    const double *x = golden->columns[j].values;
    *mean = *deviation = 0;
    for (size_t i = 0; i < n; i++)
        *mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        *deviation += (x[i] - *mean) * (x[i] - *mean) / (double)n;
    *deviation = sqrt(*deviation);
}

static double member(const json_t *entry, const char *key)
{
    const json_t *value = json_object_get(entry, key);
    return value ? json_number_value(value) : NAN;
}

/* Standard errors: to 1e-6 where there are some, and none where they are not defined. */
static void check_errors(const json_t *vector, const json_t *expected)
{
    const json_t *list = json_object_get(vector, "coefficients");
    size_t p = json_array_size(list);
    for (size_t j = 0; j < p; j++) {
        double own = member(json_array_get(list, j), "std_error");
        double value = json_number_value(json_array_get(expected, j));
        if (expected ? !(fabs(own - value) <= 1e-6 * value) : !isnan(own))
            fail_msg("standard error %zu is %.17g, not %.17g", j, own, value);
    }
    if (expected && json_array_size(expected) > p) {
        double own = member(json_object_get(vector, "intercept"), "std_error");
        double value = json_number_value(json_array_get(expected, p));
        assert_true(fabs(own - value) <= 1e-6 * value);
    }
}

/* One coefficient vector of describe() against the reference; *worst and *effect in units of the
 * target. */
static void check_vector(const struct golden *golden, const json_t *vector, const json_t *expected,
                         double intercept, double *worst, double *effect)
{
    const json_t *list = json_object_get(vector, "coefficients");
    size_t p = golden->features.feature_count;
    double away = 0, mean, deviation;
    assert_int_equal(json_array_size(list), p);
    assert_int_equal(json_array_size(expected), p);
    for (size_t j = 0; j < p; j++) {
        double value = json_number_value(json_array_get(expected, j));
        column_scale(golden, j, &mean, &deviation);
        double gap = member(json_array_get(list, j), "value") - value;
        *worst = fmax(*worst, fabs(gap) * deviation);
        *effect = fmax(*effect, fabs(value) * deviation);
        away += deviation > 0 ? fabs(mean) / deviation : 0;
    }
    /* An intercept is the prediction at 0, which may be many deviations away. */
    double own = member(json_object_get(vector, "intercept"), "value");
    double span = fabs(intercept) + *effect * (1 + away);
    if (!isnan(own) && !(fabs(own - intercept) <= 1e-6 * span))
        fail_msg("intercept %.17g, not %.17g", own, intercept);
}

static void check_model(const struct golden *golden, const json_t *about, const json_t *test)
{
    const json_t *vectors = json_object_get(about, "vectors");
    const json_t *expected = json_object_get(test, "coefficients");
    const json_t *intercepts = json_object_get(test, "intercepts");
    double worst = 0, effect = 0;
    assert_int_equal(json_array_size(vectors), json_array_size(expected));
    for (size_t k = 0; k < json_array_size(vectors); k++) {
        const json_t *vector = json_array_get(vectors, k);
        check_vector(golden, vector, json_array_get(expected, k),
                     json_number_value(json_array_get(intercepts, k)), &worst, &effect);
        const json_t *errors = json_array_get(json_object_get(test, "errors"), k);
        if (errors || json_object_get(json_object_get(test, "options"), "alpha") ||
            json_number_value(json_object_get(json_object_get(test, "options"), "C")) > 0)
            check_errors(vector, errors);
    }
    if (!(worst <= 1e-6 * effect))
        fail_msg("coefficients differ by %g of %g", worst, effect);
    print_message("    %.1e\n", worst / effect);
}

static void check_case(const struct golden *golden, const json_t *test, struct qn_target *target)
{
    struct qn_error err = QN_ERROR_INIT;
    union {
        struct qn_linear_options linear;
        struct qn_logistic_options logistic;
    } options;
    const char *name = json_string_value(json_object_get(test, "learner"));
    const struct qn_learner *learner = strcmp(name, "linear") == 0  ? &qn_linear_learner
                                       : strcmp(name, "ridge") == 0 ? &qn_ridge_learner
                                                                    : &qn_logistic_learner;
    qn_parameters_default(&learner->parameters, &options);
    assert_int_equal(qn_parameters_set_json(&learner->parameters, &options,
                                            json_object_get(test, "options"), &err),
                     QN_OK);
    struct qn_fit fit = {&golden->features, target, &options, 1, NULL, NULL};
    void *model = NULL;
    assert_int_equal(learner->fit(&fit, &model, &err), QN_OK);
    const char **columns = QN_ALLOC(const char *, golden->features.feature_count);
    assert_non_null(columns);
    for (size_t j = 0; j < golden->features.feature_count; j++)
        columns[j] = golden->columns[j].name;
    json_t *about = learner->describe(model, columns);
    assert_non_null(about);
    check_model(golden, about, test);
    json_decref(about);
    qn_free(columns);
    learner->free(model);
}

static void test_scikit_learn(void **state)
{
    struct golden golden = golden_read("linear", *state);
    const json_t *cases = json_object_get(golden.json, "cases");
    size_t n = golden.features.row_count;
    double *values = golden_numbers(json_object_get(golden.json, "target"), NULL);
    double *weights = golden_numbers(json_object_get(golden.json, "weights"), NULL);
    int32_t *classes = QN_ALLOC(int32_t, n);
    assert_non_null(classes);
    for (size_t i = 0; i < n; i++)
        classes[i] = (int32_t)values[i];
    size_t count = (size_t)json_integer_value(json_object_get(golden.json, "classes"));
    struct qn_target target = {.task = count == 0   ? QN_TASK_REGRESSION
                                       : count == 2 ? QN_TASK_BINARY
                                                    : QN_TASK_MULTICLASS,
                               .row_count = n,
                               .class_count = count,
                               .classes = count ? classes : NULL,
                               .values = count ? NULL : values,
                               .weights = weights};
    assert_true(json_array_size(cases) > 0);
    for (size_t i = 0; i < json_array_size(cases); i++)
        check_case(&golden, json_array_get(cases, i), &target);
    qn_free(classes);
    qn_free(weights);
    qn_free(values);
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
