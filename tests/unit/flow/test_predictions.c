/* The table of predictions: which input columns it keeps, its own columns and their names. */
#include "flow_support.h"

/* A model of 'kind' from all rows; block and day are not used. */
static struct qn_model *train(const struct qn_table *table, const char *target,
                              const char *algorithm)
{
    struct flow_options options;
    const char *drop[4] = {"block", "day"};
    flow_options_init(&options, target, algorithm);
    drop[2] = options.drop[0];
    drop[3] = options.drop[1];
    options.options.drop = drop;
    options.options.drop_count = 4;
    options.options.test_size = 0;
    return flow_train(table, &options.options);
}

static struct qn_table *predictions(const struct qn_model *model, const struct qn_table *table,
                                    const char *const *keep, size_t keep_count)
{
    struct qn_table *out = NULL;
    struct qn_error err = QN_ERROR_INIT;
    double *outputs = flow_predict(model, table);
    if (qn_model_predictions(model, table, keep, keep_count, outputs, &out, &err) != QN_OK)
        fail_msg("%s", err.message);
    qn_free(outputs);
    return out;
}

static void assert_names(const struct qn_table *table, const char *const *names, size_t count)
{
    for (size_t i = 0; i < table->column_count && i < count; i++)
        assert_string_equal(table->columns[i].name, names[i]);
    assert_int_equal(table->column_count, count);
}

/* Columns that are no features, without the target; then the prediction and each class. */
static void test_classes(void **state)
{
    (void)state;
    static const char *const names[] = {
        "day",        "block",           "bought",          "price",
        "prediction", "probability_ash", "probability_fir", "probability_oak"};
    struct qn_table *table = flow_sample(100, 31);
    struct qn_model *model = train(table, "kind", "random_forest");
    struct qn_table *out = predictions(model, table, NULL, 0);
    assert_names(out, names, 8);
    assert_int_equal(out->row_count, 100);
    double *outputs = flow_predict(model, table);
    const struct qn_column *prediction = flow_column(out, "prediction");
    assert_int_equal(prediction->type, QN_TYPE_CATEGORY);
    for (size_t row = 0; row < 100; row++) {
        char text[32];
        double best = -1;
        const char *expected = "";
        for (size_t k = 0; k < 3; k++) {
            double value = outputs[row * 3 + k];
            assert_true(out->columns[5 + k].values.number[row] == value);
            if (value > best) {
                best = value;
                expected = model->class_names[k];
            }
        }
        qn_column_format(prediction, row, text, sizeof(text));
        assert_string_equal(text, expected);
        assert_int_equal(flow_column(out, "day")->values.integer[row],
                         flow_column(table, "day")->values.integer[row]);
    }
    qn_free(outputs);
    qn_table_free(out);
    qn_model_free(model);
    qn_table_free(table);
}

static void test_numbers_and_kept_columns(void **state)
{
    (void)state;
    static const char *const by_name[] = {"price", "colour", "prediction"};
    struct qn_table *table = flow_sample(60, 32);
    struct qn_model *model = train(table, "price", "decision_tree");
    struct qn_table *out = predictions(model, table, by_name, 2);
    assert_names(out, by_name, 3);
    double *outputs = flow_predict(model, table);
    assert_int_equal(out->columns[2].type, QN_TYPE_NUMBER);
    assert_memory_equal(out->columns[2].values.number, outputs, 60 * sizeof(*outputs));
    qn_free(outputs);
    for (size_t row = 0; row < 60; row++) {
        char before[32], after[32];
        qn_column_format(flow_column(table, "colour"), row, before, sizeof(before));
        qn_column_format(flow_column(out, "colour"), row, after, sizeof(after));
        assert_string_equal(before, after);
    }
    assert_int_equal(flow_column(out, "colour")->missing_count,
                     flow_column(table, "colour")->missing_count);
    qn_table_free(out);
    static const char *const all[] = {"all"};
    out = predictions(model, table, all, 1);
    assert_int_equal(out->column_count, table->column_count + 1);
    assert_string_equal(out->columns[0].name, "x");
    qn_table_free(out);
    qn_model_free(model);
    qn_table_free(table);
}

static void test_names_that_are_taken(void **state)
{
    (void)state;
    static const char *const all[] = {"all"};
    struct qn_table *table = flow_sample(40, 33);
    struct qn_model *model = train(table, "bought", "decision_tree");
    struct qn_table *fresh = flow_sample(10, 34);
    flow_add(fresh, "prediction", QN_TYPE_NUMBER);
    flow_add(fresh, "prediction_2", QN_TYPE_NUMBER);
    flow_add(fresh, "probability_true", QN_TYPE_NUMBER);
    struct qn_table *out = predictions(model, fresh, all, 1);
    size_t first = fresh->column_count;
    assert_int_equal(out->column_count, first + 3);
    assert_string_equal(out->columns[first].name, "prediction_3");
    assert_string_equal(out->columns[first + 1].name, "probability_false");
    assert_string_equal(out->columns[first + 2].name, "probability_true_2");
    qn_table_free(out);
    qn_table_free(fresh);
    qn_model_free(model);
    qn_table_free(table);
}

static void test_wrong_names(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(40, 35), *out = NULL;
    struct qn_model *model = train(table, "price", "decision_tree");
    struct qn_error err = QN_ERROR_INIT;
    double *outputs = flow_predict(model, table);
    static const char *const misspelt[] = {"color"}, *const twice[] = {"x", "x"};
    assert_int_equal(qn_model_predictions(model, table, misspelt, 1, outputs, &out, &err),
                     QN_NOT_FOUND);
    assert_message(&err, "did you mean 'colour'");
    assert_int_equal(qn_model_predictions(model, table, twice, 2, outputs, &out, &err), QN_INVALID);
    assert_null(out);
    qn_free(outputs);
    qn_model_free(model);
    qn_table_free(table);
}

static void test_clusters(void **state)
{
    (void)state;
    static const char *const drop[] = {"kind", "bought", "price", "block"};
    struct qn_table *table = flow_sample(60, 36);
    struct qn_train_options options;
    qn_train_options_default(&options);
    options.algorithm = "kmeans";
    options.drop = drop;
    options.drop_count = 4;
    struct qn_model *model = flow_train(table, &options);
    struct qn_table *out = predictions(model, table, NULL, 0);
    static const char *const names[] = {"block", "kind", "bought", "price", "cluster"};
    assert_names(out, names, 5);
    double *outputs = flow_predict(model, table);
    assert_int_equal(out->columns[4].type, QN_TYPE_INTEGER);
    for (size_t row = 0; row < 60; row++)
        assert_true((double)out->columns[4].values.integer[row] == outputs[row]);
    qn_free(outputs);
    qn_table_free(out);
    qn_model_free(model);
    qn_table_free(table);
}

static void test_no_rows(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(40, 37), *none = flow_take(table, NULL, 0);
    struct qn_model *model = train(table, "kind", "decision_tree");
    struct qn_table *out = predictions(model, none, NULL, 0);
    assert_int_equal(out->row_count, 0);
    assert_int_equal(out->column_count, 8);
    qn_table_free(out);
    qn_model_free(model);
    qn_table_free(none);
    qn_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_numbers_and_kept_columns),
        cmocka_unit_test(test_names_that_are_taken),
        cmocka_unit_test(test_wrong_names),
        cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_no_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
