#include "prep_support.h"

#include "base/file.h"
#include "prep/prep_internal.h"

/* tests/golden/make_prep.py asked scipy for the transform at points of all branches. */
static void test_points_agree_with_scipy(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    json_t *json = NULL;
    OK(qn_file_read(QN_SOURCE_DIR "/tests/golden/prep/power.json", 1 << 24, &text, &size, &err));
    OK(qn_json_parse(text, size, "power.json", &json, &err));
    qn_free(text);
    const json_t *points = json_object_get(json, "points");
    assert_true(json_array_size(points) > 50);
    for (size_t i = 0; i < json_array_size(points); i++) {
        double point[3];
        for (size_t j = 0; j < 3; j++)
            point[j] = json_number_value(json_array_get(json_array_get(points, i), j));
        double value = qn__yeo_johnson(point[0], point[1]);
        if (!(fabs(value - point[2]) <= 1e-12 * fmax(1, fabs(point[2]))))
            fail_msg("yeo_johnson(%g, %g) is %.17g, not %.17g", point[0], point[1], value,
                     point[2]);
    }
    json_decref(json);
}

static void test_a_constant_is_left_as_it_is(void **state)
{
    (void)state;
    double values[] = {3, 3, 3}, scratch[3];
    assert_true(qn__yeo_johnson_fit(values, 3, scratch) == 1);
    assert_true(qn__yeo_johnson_fit(values, 0, scratch) == 1);
    assert_true(fabs(qn__yeo_johnson(3, 1) - 3) < 1e-15);
}

/* Many values are thinned out: lambda of exp(normal) - 1 stays near 0. */
static void test_many_values(void **state)
{
    (void)state;
    enum { QN_COUNT = 250001 };
    double *values = QN_ALLOC(double, QN_COUNT), *scratch = QN_ALLOC(double, QN_COUNT);
    for (size_t i = 0; i < QN_COUNT; i++)
        values[i] = exp(3 + (double)(i * 7919 % 10007) / 10007) - 1;
    assert_true(fabs(qn__yeo_johnson_fit(values, QN_COUNT, scratch)) < 0.02);
    qn_free(values);
    qn_free(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points_agree_with_scipy),
        cmocka_unit_test(test_a_constant_is_left_as_it_is),
        cmocka_unit_test(test_many_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
