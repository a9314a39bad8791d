/* Every allocation of boosting and of the metrics, made to fail in turn. */
#include "unit/learn/boosting_data.h"

#include "learn/metrics.h"

#include "support/fail_alloc.h"

#define LEARNER (&qn_gradient_boosting_learner)

static enum qn_status use(void *model, const struct table *table, struct qn_buffer *buffer,
                          struct qn_error *err)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    double importance[QN_TEST_COLUMNS];
    void *again = NULL;
    struct qn_metrics *metrics = NULL;
    json_t *description = LEARNER->describe(model, names), *report = NULL;
    double *out = QN_ALLOC(double, table->features.row_count * LEARNER->output_count(model));
    enum qn_status status = QN_NOMEM;
    if (!out || !description)
        goto done;
    status = LEARNER->predict(model, &table->features, NULL, out, err);
    if (status == QN_OK)
        status = qn_metrics_compute(&table->target, out, &metrics, err);
    if (status != QN_OK)
        goto done;
    report = qn_metrics_json(metrics, names);
    status = report ? LEARNER->importance(model, importance, err) : QN_NOMEM;
    if (status != QN_OK)
        goto done;
    LEARNER->write(model, buffer);
    status = qn_buffer_check(buffer, "model", err);
    if (status == QN_OK) {
        struct qn_reader reader;
        qn_reader_init(&reader, buffer->bytes, buffer->size);
        status = LEARNER->read(&reader, &again, err);
    }
done:
    json_decref(description);
    json_decref(report);
    qn_metrics_free(metrics);
    qn_free(out);
    LEARNER->free(again);
    return status;
}

static enum qn_status fit_and_use(const struct table *table,
                                  const struct qn_boosting_options *options, struct qn_pool *pool)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_fit fit = {.features = &table->features,
                         .target = &table->target,
                         .options = options,
                         .seed = 1,
                         .pool = pool};
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, (size_t)1 << 26);
    void *model = NULL;
    enum qn_status status = LEARNER->fit(&fit, &model, &err);
    if (status == QN_OK)
        status = use(model, table, &buffer, &err);
    qn_buffer_release(&buffer);
    LEARNER->free(model);
    return status;
}

static void test_tasks(void **state)
{
    struct qn_pool *pool = *state;
    static const enum qn_task tasks[] = {QN_TASK_BINARY, QN_TASK_MULTICLASS, QN_TASK_REGRESSION};
    for (size_t c = 0; c < 3; c++) {
        struct table *table = table_create(tasks[c], 300, c == 1 ? 3 : 2, c);
        struct qn_boosting_options options = boosting_defaults();
        options.n_estimators = 4;
        options.class_weight = c == 0;
        options.subsample = c == 1 ? 0.8 : 1.0;
        options.colsample = c == 1 ? 0.8 : 1.0;
        options.early_stopping_rounds = c == 1 ? 3 : 0;
        table->target.weights = c == 2 ? table->weights : NULL;
        QN_FOR_EACH_FAILING_ALLOCATION(fit_and_use(table, &options, pool));
        table_free(table);
    }
}

/* Packed and wide histograms beside each other. */
static void test_large(void **state)
{
    struct qn_pool *pool = *state;
    struct table *table = table_create(QN_TASK_BINARY, QN__EXACT_ROWS + 2000, 2, 9);
    struct qn_boosting_options options = boosting_defaults();
    options.n_estimators = 1;
    options.max_leaves = 6;
    QN_FOR_EACH_FAILING_ALLOCATION(fit_and_use(table, &options, pool));
    table_free(table);
}

static int setup(void **state)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_pool *pool = NULL;
    if (qn_pool_create(2, &pool, &err) != QN_OK)
        return -1;
    *state = pool;
    return 0;
}

static int teardown(void **state)
{
    qn_pool_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tasks),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
