/* Each allocation of training, saving, loading, predicting and evaluating is made to fail in turn:
 * out of memory is said, and nothing leaks. */
#include "support/fail_alloc.h"

#include "flow_support.h"

#include "flow/summary.h"

static struct qn_table *table;
static struct qn_model *models[2];
static char *bytes[2];
static size_t sizes[2];
static const char *const kinds[2] = {"decision_tree", "logistic"};

static enum qn_status train(const char *target, const char *algorithm, size_t fold_count)
{
    struct flow_options options;
    struct qn_model *model = NULL;
    struct qn_error err = QN_ERROR_INIT;
    flow_options_init(&options, target, algorithm);
    options.options.fold_count = fold_count;
    enum qn_status status = qn_train(table, &options.options, &model, &err);
    if (status != QN_OK)
        assert_null(model);
    assert_int_equal(status, err.status);
    qn_model_free(model);
    return status;
}

static enum qn_status cluster(void)
{
    static const char *const parameters[] = {"n_clusters=2"};
    struct qn_train_options options;
    struct qn_model *model = NULL;
    struct qn_error err = QN_ERROR_INIT;
    qn_train_options_default(&options);
    options.parameters = parameters;
    options.parameter_count = 1;
    enum qn_status status = qn_train(table, &options, &model, &err);
    qn_model_free(model);
    return status;
}

static enum qn_status make_labels(const char *target)
{
    struct qn_labels *labels = NULL, *matched = NULL;
    struct qn_error err = QN_ERROR_INIT;
    const struct qn_column *column = flow_column(table, target);
    size_t unknown = 0;
    enum qn_status status = qn_labels_make(column, table->row_count, QN_TASK_AUTO, &labels, &err);
    if (status == QN_OK)
        status = qn_labels_match(column, table->row_count, labels->task, labels->class_names,
                                 labels->class_count, &matched, &unknown, &err);
    if (status == QN_OK)
        assert_non_null(labels->reason);
    qn_labels_free(matched);
    qn_labels_free(labels);
    return status;
}

static void test_labels(void **state)
{
    (void)state;
    static const char *const targets[] = {"kind", "bought", "price"};
    for (size_t i = 0; i < 3; i++)
        QN_FOR_EACH_FAILING_ALLOCATION(make_labels(targets[i]));
}

static void test_train_tree(void **state)
{
    (void)state;
    QN_FOR_EACH_FAILING_ALLOCATION(train("kind", "decision_tree", 0));
}

static void test_train_logistic(void **state)
{
    (void)state;
    QN_FOR_EACH_FAILING_ALLOCATION(train("bought", "logistic", 0));
}

static void test_cross_validate(void **state)
{
    (void)state;
    QN_FOR_EACH_FAILING_ALLOCATION(train("price", "ridge", 2));
}

static void test_cluster(void **state)
{
    (void)state;
    QN_FOR_EACH_FAILING_ALLOCATION(cluster());
}

static enum qn_status save(struct qn_model *model)
{
    char path[64];
    struct qn_error err = QN_ERROR_INIT;
    flow_path(path);
    enum qn_status status = qn_model_save(model, path, &err);
    assert_int_equal(unlink(path) == 0, status == QN_OK); /* no half file is left */
    return status;
}

static void test_save(void **state)
{
    (void)state;
    QN_FOR_EACH_FAILING_ALLOCATION(save(models[0]));
}

static enum qn_status parse(size_t i)
{
    struct qn_model *model = NULL;
    struct qn_error err = QN_ERROR_INIT;
    char *copy = qn_alloc(sizes[i], 1);
    if (!copy)
        return qn_fail_nomem(&err, "test");
    memcpy(copy, bytes[i], sizes[i]);
    enum qn_status status = qn_model_parse(copy, sizes[i], "m.qnm", &model, &err);
    if (status != QN_OK) {
        assert_null(model);
        qn_free(copy);
    }
    qn_model_free(model);
    return status;
}

static void test_load(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        QN_FOR_EACH_FAILING_ALLOCATION(parse(i));
}

static enum qn_status predict(const struct qn_model *model)
{
    double *outputs = NULL;
    struct qn_table *out = NULL;
    struct qn_error err = QN_ERROR_INIT;
    enum qn_status status =
        qn_model_predict(model, table, NULL, table->row_count, NULL, &outputs, NULL, &err);
    if (status == QN_OK)
        status = qn_model_predictions(model, table, NULL, 0, outputs, &out, &err);
    if (status != QN_OK)
        assert_null(out);
    qn_free(outputs);
    qn_table_free(out);
    return status;
}

static void test_predict(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        QN_FOR_EACH_FAILING_ALLOCATION(predict(models[i]));
}

static enum qn_status evaluate(const struct qn_model *model)
{
    struct qn_metrics *metrics = NULL, *baseline = NULL;
    struct qn_error err = QN_ERROR_INIT;
    size_t left_out = 0;
    enum qn_status status =
        qn_model_evaluate(model, table, NULL, NULL, &metrics, &baseline, &left_out, &err);
    if (status != QN_OK)
        assert_true(!metrics && !baseline);
    qn_metrics_free(metrics);
    qn_metrics_free(baseline);
    return status;
}

static void test_evaluate(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        QN_FOR_EACH_FAILING_ALLOCATION(evaluate(models[i]));
}

static int set_up(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    char path[64];
    flow_path(path);
    table = flow_sample(24, 41);
    for (size_t i = 0; i < 2; i++) {
        struct flow_options options;
        flow_options_init(&options, "kind", kinds[i]);
        models[i] = flow_train(table, &options.options);
        assert_int_equal(qn_model_save(models[i], path, &err), QN_OK);
        assert_int_equal(qn_file_read(path, (size_t)1 << 30, &bytes[i], &sizes[i], &err), QN_OK);
        assert_int_equal(unlink(path), 0);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        qn_model_free(models[i]);
        qn_free(bytes[i]);
    }
    qn_table_free(table);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),         cmocka_unit_test(test_train_tree),
        cmocka_unit_test(test_train_logistic), cmocka_unit_test(test_cross_validate),
        cmocka_unit_test(test_cluster),        cmocka_unit_test(test_save),
        cmocka_unit_test(test_load),           cmocka_unit_test(test_predict),
        cmocka_unit_test(test_evaluate),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
