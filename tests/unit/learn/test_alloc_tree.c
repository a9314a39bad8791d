/* Every allocation of a fit, and of what is asked of a model, made to fail in turn. */
#include "unit/learn/tree_fixture.h"

#include "support/fail_alloc.h"

static struct fixture fixture;

static enum qn_status fit_and_use(const struct qn_learner *learner, const char *settings,
                                  struct qn_pool *pool)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    struct qn_error err = QN_ERROR_INIT;
    struct qn_buffer buffer;
    struct qn_reader reader;
    double importance[6], *out = NULL;
    void *model = NULL, *again = NULL;
    json_t *json = NULL;
    qn_buffer_init(&buffer, (size_t)1 << 24);
    enum qn_status status = fixture_try(&fixture, learner, settings, pool, &model, &err);
    if (status != QN_OK)
        goto done;
    status = QN_NOMEM;
    out = QN_ALLOC(double, fixture.features.row_count * learner->output_count(model));
    json = learner->describe(model, names);
    if (!out || !json)
        goto done;
    status = learner->predict(model, fixture_features(&fixture), pool, out, &err);
    if (status == QN_OK)
        status = learner->importance(model, importance, &err);
    if (status == QN_OK) {
        learner->write(model, &buffer);
        status = qn_buffer_check(&buffer, "model", &err);
    }
    qn_reader_init(&reader, buffer.bytes, buffer.size);
    if (status == QN_OK)
        status = learner->read(&reader, &again, &err);
done:
    qn_buffer_release(&buffer);
    qn_free(out);
    json_decref(json);
    learner->free(model);
    learner->free(again);
    return status;
}

static void test_tree(void **state)
{
    struct qn_pool *pool = *state;
    const struct qn_learner *tree = &qn_decision_tree_learner;
    QN_FOR_EACH_FAILING_ALLOCATION(fit_and_use(tree, "splitter=exact max_depth=3", pool));
    QN_FOR_EACH_FAILING_ALLOCATION(fit_and_use(tree, "splitter=histogram max_depth=5", pool));
    QN_FOR_EACH_FAILING_ALLOCATION(
        fit_and_use(tree, "max_leaves=6 criterion=entropy class_weight=balanced", pool));
}

static void test_forest(void **state)
{
    struct qn_pool *pool = *state;
    QN_FOR_EACH_FAILING_ALLOCATION(
        fit_and_use(&qn_random_forest_learner, "n_estimators=5 max_depth=3 oob_score=true", pool));
    QN_FOR_EACH_FAILING_ALLOCATION(
        fit_and_use(&qn_extra_trees_learner, "n_estimators=3 max_depth=3", NULL));
}

static int setup(void **state)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_pool *pool = NULL;
    fixture = fixture_create(3000, 6, 2, 600, true, 1);
    if (qn_pool_create(2, &pool, &err) != QN_OK)
        return -1;
    *state = pool;
    return 0;
}

static int teardown(void **state)
{
    qn_pool_free(*state);
    fixture_release(&fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_forest),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
