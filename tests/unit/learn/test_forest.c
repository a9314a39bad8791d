#include "unit/learn/tree_fixture.h"

static const struct qn_learner *const learners[] = {&qn_random_forest_learner,
                                                    &qn_extra_trees_learner};
static const int class_counts[] = {0, 2, 3};

static double score(struct fixture *fixture, const struct qn_forest *forest)
{
    double *out = fixture_predict(fixture, forest), right = 0, errors = 0, spread = 0, mean = 0;
    size_t n = fixture->features.row_count, outputs = forest->trees->output_count;
    for (size_t i = 0; i < n; i++)
        mean += fixture->values[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        size_t best = 0;
        double sum = 0;
        for (size_t k = 0; k < outputs; k++) {
            best = out[i * outputs + k] > out[i * outputs + best] ? k : best;
            sum += out[i * outputs + k];
        }
        if (outputs > 1)
            assert_true(fabs(sum - 1) < 1e-12);
        right += (int32_t)best == fixture->classes[i];
        errors += pow(out[i * outputs] - fixture->values[i], 2);
        spread += pow(fixture->values[i] - mean, 2);
    }
    qn_free(out);
    return outputs > 1 ? right / (double)n : 1 - errors / spread;
}

static void test_threads_make_no_difference(void **state)
{
    (void)state;
    for (size_t l = 0; l < 2; l++) {
        for (size_t c = 0; c < 3; c++) {
            struct fixture fixture = fixture_create(2500, 8, class_counts[c], 3000, true, c);
            const char *settings = "n_estimators=21 bootstrap=true oob_score=true max_samples=0.7";
            fixture.target.weights = c == 1 ? fixture.weights : NULL;
            struct qn_forest *one = fixture_fit(&fixture, learners[l], settings, 1);
            for (unsigned threads = 2; threads <= 3; threads++) {
                struct qn_forest *more = fixture_fit(&fixture, learners[l], settings, threads);
                fixture_same_bytes(one, more);
                learners[l]->free(more);
            }
            learners[l]->free(one);
            fixture_release(&fixture);
        }
    }
}

/* Fewer trees are the first of more trees. */
static void test_trees_have_their_own_streams(void **state)
{
    (void)state;
    struct fixture fixture = fixture_create(300, 6, 2, 30, true, 4);
    struct qn_forest *few = fixture_fit(&fixture, &qn_random_forest_learner, "n_estimators=3", 1);
    struct qn_forest *many = fixture_fit(&fixture, &qn_random_forest_learner, "n_estimators=9", 2);
    assert_int_equal(few->trees->tree_count, 3);
    assert_int_equal(many->trees->tree_count, 9);
    for (size_t i = 0; i < few->trees->node_count; i++) {
        assert_int_equal(few->trees->nodes[i].feature, many->trees->nodes[i].feature);
        assert_true(few->trees->nodes[i].threshold == many->trees->nodes[i].threshold);
        assert_true(few->trees->nodes[i].cover == many->trees->nodes[i].cover);
    }
    size_t first = many->trees->roots[1], second = many->trees->roots[2];
    assert_true(many->trees->roots[3] - second != second - first ||
                many->trees->nodes[first].threshold != many->trees->nodes[second].threshold);
    qn_random_forest_learner.free(few);
    qn_random_forest_learner.free(many);
    fixture_release(&fixture);
}

/* Without any chance, every tree is the decision tree on the same bins. */
static void test_without_chance_it_is_the_tree(void **state)
{
    (void)state;
    for (size_t c = 0; c < 3; c++) {
        struct fixture fixture = fixture_create(1500, 6, class_counts[c], 1000, true, 40 + c);
        struct qn_forest *forest =
            fixture_fit(&fixture, &qn_random_forest_learner,
                        "n_estimators=1 bootstrap=false max_features=all max_depth=6", 1);
        struct qn_forest *tree =
            fixture_fit(&fixture, &qn_decision_tree_learner, "splitter=histogram max_depth=6", 2);
        fixture_same_bytes(forest, tree);
        qn_random_forest_learner.free(forest);
        qn_random_forest_learner.free(tree);
        fixture_release(&fixture);
    }
}

/* Out-of-bag scores say what new rows will show; scores on training rows are far above. */
static void test_oob_score_is_honest(void **state)
{
    (void)state;
    for (size_t c = 0; c < 3; c++) {
        struct fixture fixture = fixture_create(3000, 6, class_counts[c], 500, true, 50 + c);
        struct fixture fresh = fixture_create(3000, 6, class_counts[c], 500, true, 150 + c);
        struct qn_forest *forest =
            fixture_fit(&fixture, &qn_random_forest_learner, "n_estimators=60 oob_score=true", 2);
        double on_fresh = score(&fresh, forest), on_training = score(&fixture, forest);
        assert_true(fabs(forest->oob_score - on_fresh) < 0.03);
        assert_true(on_training > forest->oob_score + 0.05);
        qn_random_forest_learner.free(forest);
        forest = fixture_fit(&fixture, &qn_random_forest_learner, "n_estimators=2", 1);
        assert_true(isnan(forest->oob_score));
        qn_random_forest_learner.free(forest);
        fixture_release(&fixture);
        fixture_release(&fresh);
    }
}

/* With one tree, out-of-bag rows are those that the tree did not draw: about 37%. Every row that it
 * drew is predicted without fault by a tree of unlimited depth, so the score must be lower. */
static void test_bootstrap_leaves_rows_out(void **state)
{
    (void)state;
    struct fixture fixture = fixture_create(4000, 1, 2, 1000000, false, 9);
    struct qn_forest *forest =
        fixture_fit(&fixture, &qn_random_forest_learner, "n_estimators=1", 1);
    assert_true(forest->trees->nodes[0].cover == 4000);
    qn_random_forest_learner.free(forest);
    forest = fixture_fit(&fixture, &qn_random_forest_learner, "n_estimators=1 max_samples=0.25", 1);
    assert_true(forest->trees->nodes[0].cover == 1000);
    qn_random_forest_learner.free(forest);
    fixture_release(&fixture);
}

static void test_rows_without_weight_are_never_drawn(void **state)
{
    (void)state;
    struct fixture fixture = fixture_create(400, 4, 2, 50, false, 12);
    for (size_t i = 0; i < 400; i++) {
        fixture.weights[i] = i < 20 ? 2 : 0;
        fixture.classes[i] = i < 20 ? 0 : 1;
    }
    fixture.target.weights = fixture.weights;
    for (size_t l = 0; l < 2; l++) {
        struct qn_forest *forest = fixture_fit(&fixture, learners[l], "n_estimators=30", 2);
        assert_int_equal(forest->trees->node_count, 30); /* One class is left: no split. */
        for (size_t i = 0; i < 30; i++)
            assert_true(forest->trees->nodes[i].cover == 40);
        learners[l]->free(forest);
    }
    fixture_release(&fixture);
}

static void test_importance(void **state)
{
    (void)state;
    for (size_t l = 0; l < 2; l++) {
        struct fixture fixture = fixture_create(2000, 6, 2, 40, false, 3);
        struct qn_forest *forest = fixture_fit(&fixture, learners[l], "max_depth=5", 2);
        double importance[6], sum = 0;
        struct qn_error err = QN_ERROR_INIT;
        assert_int_equal(learners[l]->importance(forest, importance, &err), QN_OK);
        for (size_t f = 0; f < 6; f++) {
            sum += importance[f];
            assert_true(importance[f] >= 0 && (f < 2 || importance[f] < importance[f % 2]));
        }
        assert_true(fabs(sum - 1) < 1e-12);
        assert_true(importance[0] + importance[1] > 0.7);
        learners[l]->free(forest);
        fixture_release(&fixture);
    }
}

/* Thresholds of extra trees are spread over the values, those of a forest sit at the boundary. */
static void test_random_cuts(void **state)
{
    (void)state;
    double x[200], extra_spread = 0, forest_spread = 0;
    int32_t y[200];
    struct fixture fixture = {.features = {200, 1, NULL}};
    for (size_t i = 0; i < 200; i++) {
        x[i] = (double)i;
        y[i] = i >= 100;
    }
    fixture.columns[0] = (struct qn_feature){.name = "x", .values = x};
    fixture.target = (struct qn_target){
        .task = QN_TASK_BINARY, .row_count = 200, .class_count = 2, .classes = y};
    for (size_t l = 0; l < 2; l++) {
        struct qn_forest *forest = fixture_fit(&fixture, learners[l], "bootstrap=false", 1);
        double *spread = l ? &extra_spread : &forest_spread;
        for (size_t t = 0; t < forest->trees->tree_count; t++) {
            double threshold = forest->trees->nodes[forest->trees->roots[t]].threshold;
            *spread += fabs(threshold - 99.5) / 100;
        }
        assert_true(score(&(struct fixture){.features = fixture.features,
                                            .columns = {fixture.columns[0]},
                                            .values = x,
                                            .classes = y},
                          forest) == 1);
        learners[l]->free(forest);
    }
    assert_true(forest_spread == 0);
    assert_true(extra_spread > 40 && extra_spread < 60); /* Uniform: a mean distance of 50. */
}

static bool stop(void *context, const char *stage, uint64_t done, uint64_t total, const char *unit)
{
    assert_string_equal(stage, "fit");
    assert_string_equal(unit, "trees");
    assert_true(done <= total && total == 1000);
    return ++*(int *)context < 3;
}

static void test_cancel_and_refusals(void **state)
{
    (void)state;
    struct fixture fixture = fixture_create(200, 4, 2, 10, false, 1);
    struct qn_tree_options options;
    struct qn_error err = QN_ERROR_INIT;
    int calls = 0;
    struct qn_progress progress = {stop, &calls};
    void *model = NULL;
    qn_parameters_default(&qn_random_forest_learner.parameters, &options);
    options.n_estimators = 1000;
    struct qn_fit fit = {fixture_features(&fixture), &fixture.target, &options, 1, NULL, &progress};
    assert_int_equal(qn_random_forest_learner.fit(&fit, &model, &err), QN_CANCELLED);
    assert_int_equal(calls, 3);
    assert_int_equal(
        fixture_try(&fixture, &qn_extra_trees_learner, "oob_score=true", NULL, &model, &err),
        QN_INVALID);
    assert_int_equal(fixture_try(&fixture, &qn_random_forest_learner,
                                 "bootstrap=false max_samples=0.5", NULL, &model, &err),
                     QN_INVALID);
    assert_int_equal(
        fixture_try(&fixture, &qn_random_forest_learner, "n_estimators=0", NULL, &model, &err),
        QN_INVALID);
    assert_null(model);
    fixture_release(&fixture);
}

static void test_bytes_keep_the_oob_score(void **state)
{
    (void)state;
    struct fixture fixture = fixture_create(200, 4, 0, 10, true, 1);
    struct qn_forest *forest =
        fixture_fit(&fixture, &qn_random_forest_learner, "n_estimators=12 oob_score=true", 1);
    struct qn_buffer bytes = fixture_bytes(forest);
    struct qn_reader reader;
    struct qn_error err = QN_ERROR_INIT;
    void *again = NULL;
    qn_reader_init(&reader, bytes.bytes, bytes.size);
    assert_int_equal(qn_random_forest_learner.read(&reader, &again, &err), QN_OK);
    assert_true(((struct qn_forest *)again)->oob_score == forest->oob_score);
    fixture_same_bytes(forest, again);
    json_t *json = qn_random_forest_learner.describe(again, NULL);
    assert_int_equal(json_integer_value(json_object_get(json, "n_trees")), 12);
    assert_true(json_real_value(json_object_get(json, "oob_score")) == forest->oob_score);
    json_decref(json);
    qn_random_forest_learner.free(again);
    qn_buffer_release(&bytes);
    qn_random_forest_learner.free(forest);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_make_no_difference),
        cmocka_unit_test(test_trees_have_their_own_streams),
        cmocka_unit_test(test_without_chance_it_is_the_tree),
        cmocka_unit_test(test_oob_score_is_honest),
        cmocka_unit_test(test_bootstrap_leaves_rows_out),
        cmocka_unit_test(test_rows_without_weight_are_never_drawn),
        cmocka_unit_test(test_importance),
        cmocka_unit_test(test_random_cuts),
        cmocka_unit_test(test_cancel_and_refusals),
        cmocka_unit_test(test_bytes_keep_the_oob_score),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
