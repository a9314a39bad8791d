/* Fitted recipes against scikit-learn, scipy and pandas: make_prep.py says what the files hold. */
#include "prep/prep.h"

#include "base/alloc.h"
#include "base/file.h"

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void add_column(struct qn_table *table, const json_t *from)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_column *column = NULL;
    struct qn_lookup *lookup = NULL;
    enum qn_type type;
    assert_true(qn_type_parse(json_string_value(json_object_get(from, "type")), &type));
    const char *name = json_string_value(json_object_get(from, "name"));
    assert_int_equal(qn_table_add(table, name, type, &column, &err), QN_OK);
    assert_int_equal(qn_lookup_create(&lookup, &err), QN_OK);
    for (size_t row = 0; row < table->row_count; row++) {
        const json_t *value = json_array_get(json_object_get(from, "values"), row);
        bool missing = json_is_null(value);
        column->missing_count += missing ? 1 : 0;
        if (type == QN_TYPE_NUMBER) {
            column->values.number[row] = missing ? NAN : json_number_value(value);
        } else if (!qn_type_is_coded(type)) {
            column->values.integer[row] = missing ? QN_MISSING_INTEGER : json_integer_value(value);
        } else {
            const char *text = json_string_value(value);
            column->values.code[row] = QN_MISSING_CODE;
            if (!missing)
                assert_int_equal(
                    qn_lookup_add(lookup, text, strlen(text), &column->values.code[row], &err),
                    QN_OK);
        }
    }
    if (qn_type_is_coded(type))
        assert_int_equal(qn_lookup_take(lookup, &column->dictionary, &err), QN_OK);
    qn_lookup_free(lookup);
}

struct case_data {
    json_t *json;
    struct qn_table *table;
    struct qn_prep *prep;
    struct qn_matrix *matrix; /* of the training rows, by qn_prep_apply() */
    struct qn_target target;
    int32_t *classes;
    double *values;
};

static void read_target(struct case_data *data)
{
    const json_t *target = json_object_get(data->json, "target");
    if (!target)
        return;
    const char *task = json_string_value(json_object_get(target, "task"));
    const json_t *values = json_object_get(target, "values");
    data->target.row_count = json_array_size(values);
    data->classes = QN_CALLOC(int32_t, data->target.row_count);
    data->values = QN_CALLOC(double, data->target.row_count);
    for (size_t i = 0; i < data->target.row_count; i++) {
        data->values[i] = json_number_value(json_array_get(values, i));
        data->classes[i] = (int32_t)data->values[i];
        if ((size_t)data->classes[i] >= data->target.class_count)
            data->target.class_count = (size_t)data->classes[i] + 1;
    }
    bool regression = strcmp(task, "regression") == 0;
    data->target.task = regression                      ? QN_TASK_REGRESSION
                        : data->target.class_count == 2 ? QN_TASK_BINARY
                                                        : QN_TASK_MULTICLASS;
    if (regression) {
        data->target.values = data->values;
        data->target.class_count = 0;
    } else {
        data->target.classes = data->classes;
    }
}

static struct case_data read_case(const char *name)
{
    struct case_data data = {0};
    struct qn_error err = QN_ERROR_INIT;
    char path[512], *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof(path), "%s/tests/golden/prep/%s.json", QN_SOURCE_DIR, name);
    assert_int_equal(qn_file_read(path, (size_t)1 << 26, &text, &size, &err), QN_OK);
    assert_int_equal(qn_json_parse(text, size, path, &data.json, &err), QN_OK);
    qn_free(text);
    const json_t *columns = json_object_get(data.json, "columns");
    size_t row_count = json_array_size(json_object_get(json_array_get(columns, 0), "values"));
    assert_int_equal(qn_table_create(name, row_count, &data.table, &err), QN_OK);
    for (size_t i = 0; i < json_array_size(columns); i++)
        add_column(data.table, json_array_get(columns, i));
    read_target(&data);
    return data;
}

static void fit_case(struct case_data *data)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_recipe *recipe = NULL;
    struct qn_prep_options options = {.target = data->classes ? &data->target : NULL, .seed = 1};
    if (qn_recipe_from_json(json_object_get(data->json, "recipe"), "golden", &recipe, &err) !=
            QN_OK ||
        qn_prep_fit(recipe, data->table, NULL, 0, &options, &data->prep, NULL, &err) != QN_OK ||
        qn_prep_apply(data->prep, data->table, NULL, 0, NULL, &data->matrix, NULL, &err) != QN_OK)
        fail_msg("%s", err.message);
    qn_recipe_free(recipe);
}

static void release_case(struct case_data *data)
{
    qn_matrix_free(data->matrix);
    qn_prep_free(data->prep);
    qn_table_free(data->table);
    qn_free(data->classes);
    qn_free(data->values);
    json_decref(data->json);
}

/* Every expected feature is there, with its values. */
static void check_features(const struct case_data *data)
{
    double tolerance = json_number_value(json_object_get(data->json, "tolerance"));
    const char *name;
    json_t *expected;
    json_object_foreach(json_object_get(data->json, "features"), name, expected)
    {
        const struct qn_features *features = &data->matrix->features;
        size_t f = 0;
        while (f < features->feature_count && strcmp(features->columns[f].name, name) != 0)
            f++;
        if (f == features->feature_count)
            fail_msg("there is no feature '%s'", name);
        for (size_t row = 0; row < features->row_count; row++) {
            const json_t *wanted = json_array_get(expected, row);
            double value = features->columns[f].values[row], want = json_number_value(wanted);
            bool same = json_is_null(wanted)
                            ? isnan(value)
                            : fabs(value - want) <= tolerance * fmax(1, fabs(want));
            if (!same)
                fail_msg("%s, row %zu: %.17g, not %.17g", name, row, value, want);
        }
    }
}

static void check_case(const char *name)
{
    struct case_data data = read_case(name);
    fit_case(&data);
    check_features(&data);
    release_case(&data);
}

static void test_impute_clip_and_scale(void **state)
{
    (void)state;
    check_case("numbers");
}

static void test_encoders(void **state)
{
    (void)state;
    check_case("encoders");
}

static void test_target_encodings(void **state)
{
    (void)state;
    check_case("target_binary");
    check_case("target_multiclass");
    check_case("target_regression");
}

static void test_date_parts(void **state)
{
    (void)state;
    check_case("dates");
}

static void test_text(void **state)
{
    (void)state;
    check_case("texts");
}

static void test_power(void **state)
{
    (void)state;
    struct case_data data = read_case("power");
    fit_case(&data);
    check_features(&data);
    json_t *description = qn_prep_describe(data.prep);
    const json_t *columns = json_object_get(description, "columns");
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const json_t *column = json_array_get(columns, i);
        const char *name = json_string_value(json_object_get(column, "name"));
        const json_t *action = json_array_get(json_object_get(column, "actions"), 0);
        double lambda = json_number_value(json_object_get(action, "lambda"));
        double expected =
            json_number_value(json_object_get(json_object_get(data.json, "lambda"), name));
        if (!(fabs(lambda - expected) <= 1e-4))
            fail_msg("lambda of %s: %.9g, not %.9g", name, lambda, expected);
    }
    json_decref(description);
    release_case(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_impute_clip_and_scale),
        cmocka_unit_test(test_power),
        cmocka_unit_test(test_encoders),
        cmocka_unit_test(test_target_encodings),
        cmocka_unit_test(test_date_parts),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
