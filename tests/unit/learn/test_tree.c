#include "unit/learn/tree_fixture.h"

#include "base/numeric.h"

#define QN_BRUTE_ROWS 36
#define QN_TRIALS 60

/* W * impurity of the rows, straight from the definitions. */
static double impurity(const struct fixture *fixture, int64_t criterion, const size_t *rows,
                       size_t count)
{
    double total = 0, mean = 0, sum = 0, by_class[8] = {0};
    for (size_t i = 0; i < count; i++) {
        double w = fixture->target.weights ? fixture->weights[rows[i]] : 1;
        total += w;
        by_class[fixture->classes[rows[i]]] += w;
        mean += w * fixture->values[rows[i]];
    }
    if (total == 0)
        return 0;
    mean /= total;
    if (criterion == QN_CRITERION_SQUARED_ERROR) {
        for (size_t i = 0; i < count; i++) {
            double w = fixture->target.weights ? fixture->weights[rows[i]] : 1;
            sum += w * (fixture->values[rows[i]] - mean) * (fixture->values[rows[i]] - mean);
        }
        return sum;
    }
    sum = criterion == QN_CRITERION_GINI ? 1 : 0;
    for (size_t k = 0; k < fixture->target.class_count; k++) {
        double p = by_class[k] / total;
        if (criterion == QN_CRITERION_GINI)
            sum -= p * p;
        else if (p > 0)
            sum -= p * log2(p);
    }
    return total * sum;
}

/* The gain when `left` (a bit a row of the list) goes left; -1 when a side is empty. */
static double gain_of(const struct fixture *fixture, int64_t criterion, const size_t *rows,
                      size_t count, const bool *left)
{
    size_t sides[2][QN_BRUTE_ROWS * 4], counts[2] = {0, 0};
    for (size_t i = 0; i < count; i++)
        sides[left[i]][counts[left[i]]++] = rows[i];
    if (counts[0] == 0 || counts[1] == 0)
        return -1;
    return impurity(fixture, criterion, rows, count) -
           impurity(fixture, criterion, sides[0], counts[0]) -
           impurity(fixture, criterion, sides[1], counts[1]);
}

/* Tries every threshold, every set of levels and both ways for missing values. */
static double brute_gain(const struct fixture *fixture, int64_t criterion, const size_t *rows,
                         size_t count)
{
    double best = -1;
    bool left[QN_BRUTE_ROWS * 4];
    for (size_t c = 0; c < fixture->features.feature_count; c++) {
        const struct qn_feature *column = &fixture->columns[c];
        bool numeric = column->kind == QN_FEATURE_NUMERIC;
        size_t cuts = numeric ? count : (size_t)1 << QN_FIXTURE_LEVELS;
        for (size_t cut = 0; cut < cuts; cut++) {
            for (int missing = 0; missing < 2; missing++) {
                for (size_t i = 0; i < count; i++) {
                    if (numeric && !isnan(column->values[rows[i]]))
                        left[i] = column->values[rows[i]] <= column->values[rows[cut]];
                    else if (!numeric && column->levels[rows[i]] >= 0)
                        left[i] = (cut >> column->levels[rows[i]] & 1) != 0;
                    else
                        left[i] = missing == 1;
                }
                double gain = gain_of(fixture, criterion, rows, count, left);
                best = gain > best ? gain : best;
            }
        }
    }
    return best;
}

/* Every split of the tree must be as good as the best there is, and send each row where
 * qn_trees_leaf() does; leaves must have nothing to split. */
static void check_brute(struct fixture *fixture, const struct qn_forest *forest, int64_t criterion,
                        uint32_t at, const size_t *rows, size_t count)
{
    const struct qn_trees *trees = forest->trees;
    const struct qn_node *node = &trees->nodes[at];
    double best = brute_gain(fixture, criterion, rows, count);
    if (node->feature == QN_NODE_LEAF) {
        assert_true(best < 0 || impurity(fixture, criterion, rows, count) < 1e-9);
        return;
    }
    size_t left[QN_BRUTE_ROWS], right[QN_BRUTE_ROWS], left_count = 0, right_count = 0;
    const struct qn_feature *column = &fixture->columns[node->feature];
    for (size_t i = 0; i < count; i++) {
        bool goes = (node->flags & QN_NODE_MISSING_LEFT) != 0;
        if (column->kind == QN_FEATURE_NUMERIC && !isnan(column->values[rows[i]]))
            goes = column->values[rows[i]] <= node->threshold;
        else if (column->kind == QN_FEATURE_CATEGORICAL && column->levels[rows[i]] >= 0)
            goes = node->set_words > 0 &&
                   (trees->sets[node->set_at] >> column->levels[rows[i]] & 1) != 0;
        if (goes)
            left[left_count++] = rows[i];
        else
            right[right_count++] = rows[i];
    }
    double gain = impurity(fixture, criterion, rows, count) -
                  impurity(fixture, criterion, left, left_count) -
                  impurity(fixture, criterion, right, right_count);
    assert_true(left_count > 0 && right_count > 0);
    assert_true(fabs(gain - node->gain) < 1e-9);
    assert_true(fabs(best - node->gain) < 1e-9);
    check_brute(fixture, forest, criterion, node->left, left, left_count);
    check_brute(fixture, forest, criterion, node->right, right, right_count);
}

static void brute(const char *settings, int64_t criterion, int class_count, bool weighted)
{
    for (uint64_t seed = 0; seed < QN_TRIALS; seed++) {
        struct fixture fixture = fixture_create(QN_BRUTE_ROWS, class_count > 2 ? 1 : 4, class_count,
                                                6, seed % 3 != 0, seed);
        size_t rows[QN_BRUTE_ROWS], count = 0;
        fixture.target.weights = weighted ? fixture.weights : NULL;
        for (size_t i = 0; i < QN_BRUTE_ROWS; i++) {
            if (!weighted || fixture.weights[i] > 0)
                rows[count++] = i;
        }
        struct qn_forest *forest = fixture_fit(&fixture, &qn_decision_tree_learner, settings, 1);
        check_brute(&fixture, forest, criterion, 0, rows, count);
        qn_decision_tree_learner.free(forest);
        fixture_release(&fixture);
    }
}

static void test_splits_are_best(void **state)
{
    (void)state;
    for (int weighted = 0; weighted < 2; weighted++) {
        brute("splitter=exact", QN_CRITERION_GINI, 2, weighted);
        brute("splitter=histogram", QN_CRITERION_GINI, 2, weighted);
        brute("splitter=exact criterion=entropy", QN_CRITERION_ENTROPY, 2, weighted);
        brute("splitter=histogram criterion=entropy", QN_CRITERION_ENTROPY, 2, weighted);
        brute("splitter=exact", QN_CRITERION_SQUARED_ERROR, 0, weighted);
        brute("splitter=histogram", QN_CRITERION_SQUARED_ERROR, 0, weighted);
        brute("splitter=exact", QN_CRITERION_GINI, 3, weighted);
        brute("splitter=histogram criterion=entropy", QN_CRITERION_ENTROPY, 3, weighted);
    }
}

/* Repeats each row as often as its weight says. */
static struct fixture repeat_rows(const struct fixture *from)
{
    size_t rows = 0, columns = from->features.feature_count;
    for (size_t i = 0; i < from->features.row_count; i++)
        rows += (size_t)from->weights[i];
    struct fixture to = fixture_create(rows, columns, (int)from->target.class_count, 2, false, 0);
    for (size_t i = 0, at = 0; i < from->features.row_count; i++) {
        for (size_t times = 0; times < (size_t)from->weights[i]; times++, at++) {
            for (size_t c = 0; c < columns; c++) {
                if (from->columns[c].values)
                    ((double *)(uintptr_t)to.columns[c].values)[at] = from->columns[c].values[i];
                else
                    ((int32_t *)(uintptr_t)to.columns[c].levels)[at] = from->columns[c].levels[i];
            }
            to.classes[at] = from->classes[i];
            to.values[at] = from->values[i];
        }
    }
    return to;
}

static void test_weights_are_repeated_rows(void **state)
{
    (void)state;
    static const char *const settings[] = {"splitter=exact", "splitter=histogram max_depth=4",
                                           "max_leaves=9"};
    for (int classes = 0; classes <= 3; classes += classes == 0 ? 2 : 1) {
        for (size_t s = 0; s < 3; s++) {
            struct fixture fixture = fixture_create(200, 5, classes, 12, true, 3 + s);
            struct fixture repeated = repeat_rows(&fixture);
            fixture.target.weights = fixture.weights;
            struct qn_forest *a = fixture_fit(&fixture, &qn_decision_tree_learner, settings[s], 1);
            struct qn_forest *b = fixture_fit(&repeated, &qn_decision_tree_learner, settings[s], 1);
            assert_int_equal(a->trees->node_count, b->trees->node_count);
            for (size_t i = 0; i < a->trees->node_count; i++) {
                const struct qn_node *x = &a->trees->nodes[i], *y = &b->trees->nodes[i];
                assert_int_equal(x->feature, y->feature);
                assert_true(x->threshold == y->threshold && x->cover == y->cover);
                assert_true(fabs(x->gain - y->gain) < 1e-9);
                assert_true(fabs(a->trees->values[x->value_at] - b->trees->values[y->value_at]) <
                            1e-12);
            }
            qn_decision_tree_learner.free(a);
            qn_decision_tree_learner.free(b);
            fixture_release(&fixture);
            fixture_release(&repeated);
        }
    }
}

static void test_threads_make_no_difference(void **state)
{
    (void)state;
    static const char *const settings[] = {"splitter=exact max_depth=7", "splitter=histogram",
                                           "splitter=histogram max_leaves=50",
                                           "splitter=histogram max_features=0.5 max_depth=9"};
    for (int classes = 0; classes <= 3; classes += classes == 0 ? 2 : 1) {
        struct fixture fixture = fixture_create(12000, 8, classes, 3000, true, 11);
        fixture.target.weights = classes == 2 ? fixture.weights : NULL;
        for (size_t s = 0; s < 4; s++) {
            struct qn_forest *one =
                fixture_fit(&fixture, &qn_decision_tree_learner, settings[s], 1);
            for (unsigned threads = 2; threads <= 3; threads++) {
                struct qn_forest *more =
                    fixture_fit(&fixture, &qn_decision_tree_learner, settings[s], threads);
                fixture_same_bytes(one, more);
                qn_decision_tree_learner.free(more);
            }
            qn_decision_tree_learner.free(one);
        }
        fixture_release(&fixture);
    }
}

static void test_histogram_equals_exact(void **state)
{
    (void)state;
    for (int classes = 0; classes <= 3; classes += classes == 0 ? 2 : 1) {
        struct fixture fixture = fixture_create(4000, 6, classes, 254, classes == 2, 5);
        struct qn_forest *exact =
            fixture_fit(&fixture, &qn_decision_tree_learner, "splitter=exact max_depth=9", 1);
        struct qn_forest *histogram =
            fixture_fit(&fixture, &qn_decision_tree_learner, "splitter=histogram max_depth=9", 1);
        double *a = fixture_predict(&fixture, exact), *b = fixture_predict(&fixture, histogram);
        size_t outputs = exact->trees->output_count;
        assert_int_equal(exact->trees->node_count, histogram->trees->node_count);
        assert_memory_equal(a, b, 4000 * outputs * sizeof(*a));
        qn_free(a);
        qn_free(b);
        qn_decision_tree_learner.free(exact);
        qn_decision_tree_learner.free(histogram);
        fixture_release(&fixture);
    }
}

/* Between bins that a node has, and others that it has not, the threshold is in the middle. */
static void test_threshold_in_a_gap(void **state)
{
    (void)state;
    double side[8] = {0, 0, 0, 0, 1, 1, 1, 1}, x[8] = {0, 0, 10, 10, 5, 0, 0, 0};
    int32_t y[8] = {0, 0, 1, 1, 1, 1, 1, 1};
    struct fixture fixture = {.features = {8, 2, NULL}};
    fixture.columns[0] = (struct qn_feature){.name = "side", .values = side};
    fixture.columns[1] = (struct qn_feature){.name = "x", .values = x};
    fixture.target =
        (struct qn_target){.task = QN_TASK_BINARY, .row_count = 8, .class_count = 2, .classes = y};
    struct qn_forest *forest =
        fixture_fit(&fixture, &qn_decision_tree_learner, "splitter=histogram", 1);
    const struct qn_node *nodes = forest->trees->nodes;
    assert_int_equal(nodes[0].feature, 0);
    assert_int_equal(nodes[nodes[0].left].feature, 1);
    assert_true(nodes[nodes[0].left].threshold == 5); /* of 2.5 and 7.5 */
    qn_decision_tree_learner.free(forest);
}

static void test_limits(void **state)
{
    (void)state;
    static const char *const splitters[] = {"splitter=exact", "splitter=histogram"};
    for (size_t s = 0; s < 2; s++) {
        struct fixture fixture = fixture_create(600, 5, 2, 100, true, 8);
        char settings[160];
        snprintf(settings, sizeof(settings), "%s max_depth=3", splitters[s]);
        struct qn_forest *forest = fixture_fit(&fixture, &qn_decision_tree_learner, settings, 1);
        assert_int_equal(qn_trees_depth(forest->trees, 0), 3);
        qn_decision_tree_learner.free(forest);
        snprintf(settings, sizeof(settings), "%s max_leaves=11", splitters[s]);
        forest = fixture_fit(&fixture, &qn_decision_tree_learner, settings, 1);
        assert_int_equal(qn_trees_leaves(forest->trees, 0), 11);
        qn_decision_tree_learner.free(forest);
        snprintf(settings, sizeof(settings),
                 "%s min_samples_leaf=0.03 min_samples_split=90 min_impurity_decrease=0.001",
                 splitters[s]);
        forest = fixture_fit(&fixture, &qn_decision_tree_learner, settings, 1);
        for (size_t i = 0; i < forest->trees->node_count; i++) {
            const struct qn_node *node = &forest->trees->nodes[i];
            assert_true(node->cover >= 18);
            assert_true(node->feature == QN_NODE_LEAF ||
                        (node->cover >= 90 && node->gain >= 0.001 * 600 - 1e-9));
        }
        assert_true(forest->trees->node_count > 3);
        qn_decision_tree_learner.free(forest);
        /* With weights, rows are counted, not weights. */
        for (size_t i = 0; i < 600; i++)
            fixture.weights[i] = 0.01;
        fixture.target.weights = fixture.weights;
        snprintf(settings, sizeof(settings), "%s min_samples_leaf=18", splitters[s]);
        forest = fixture_fit(&fixture, &qn_decision_tree_learner, settings, 1);
        assert_true(forest->trees->node_count > 3);
        for (size_t i = 0; i < forest->trees->node_count; i++)
            assert_true(forest->trees->nodes[i].cover >= 0.18 - 1e-9);
        qn_decision_tree_learner.free(forest);
        fixture_release(&fixture);
    }
}

static void test_class_weight(void **state)
{
    (void)state;
    struct fixture fixture = fixture_create(500, 4, 3, 40, false, 21);
    double counts[3] = {0};
    for (size_t i = 0; i < 500; i++)
        counts[fixture.classes[i]]++;
    for (size_t i = 0; i < 500; i++)
        fixture.weights[i] = 500 / (3 * counts[fixture.classes[i]]);
    struct qn_forest *balanced =
        fixture_fit(&fixture, &qn_decision_tree_learner, "class_weight=balanced max_depth=5", 1);
    fixture.target.weights = fixture.weights;
    struct qn_forest *weighted = fixture_fit(&fixture, &qn_decision_tree_learner, "max_depth=5", 1);
    fixture_same_bytes(balanced, weighted);
    for (size_t k = 0; k < 3; k++)
        assert_true(fabs(balanced->trees->values[k] - 1.0 / 3) < 1e-12);
    qn_decision_tree_learner.free(balanced);
    qn_decision_tree_learner.free(weighted);
    fixture_release(&fixture);
}

/* Missing values and levels that a node did not have in training go where more rows went. */
static void test_unknown_goes_with_more_rows(void **state)
{
    (void)state;
    double x[] = {1, 2, 3, 4, 5}, nan_value = NAN;
    int32_t levels[] = {0, 0, 1, 1, 1}, y[] = {0, 0, 1, 1, 1};
    for (int kind = 0; kind < 2; kind++) {
        for (int flip = 0; flip < 2; flip++) {
            struct fixture fixture = {.features = {5, 1, NULL}};
            struct qn_error err = QN_ERROR_INIT;
            void *model = NULL;
            for (size_t i = 0; i < 5; i++)
                y[i] = flip ? i >= 3 : i >= 2; /* Three rows on the left, or on the right. */
            levels[2] = flip ? 0 : 1;
            fixture.columns[0] = kind ? (struct qn_feature){.name = "c",
                                                            .kind = QN_FEATURE_CATEGORICAL,
                                                            .levels = levels,
                                                            .level_count = 3}
                                      : (struct qn_feature){.name = "x", .values = x};
            fixture.target = (struct qn_target){
                .task = QN_TASK_BINARY, .row_count = 5, .class_count = 2, .classes = y};
            assert_int_equal(
                fixture_try(&fixture, &qn_decision_tree_learner, "", NULL, &model, &err), QN_OK);
            static const int32_t strange[] = {QN_LEVEL_MISSING, QN_LEVEL_UNSEEN, 2};
            for (size_t s = 0; s < (kind ? 3u : 1u); s++) {
                struct qn_feature column = fixture.columns[0];
                struct qn_features features = {1, 1, &column};
                double out[2];
                column.values = kind ? NULL : &nan_value;
                column.levels = kind ? &strange[s] : NULL;
                assert_int_equal(
                    qn_decision_tree_learner.predict(model, &features, NULL, out, &err), QN_OK);
                assert_true(out[1] == (flip ? 0 : 1));
            }
            qn_decision_tree_learner.free(model);
        }
    }
}

static void test_wrong_options_are_refused(void **state)
{
    (void)state;
    struct fixture fixture = fixture_create(50, 2, 2, 9, false, 1);
    struct qn_error err = QN_ERROR_INIT;
    void *model = NULL;
    const struct qn_learner *tree = &qn_decision_tree_learner;
    assert_int_equal(fixture_try(&fixture, tree, "criterion=squared_error", NULL, &model, &err),
                     QN_INVALID);
    assert_non_null(strstr(err.message, "criterion"));
    assert_int_equal(fixture_try(&fixture, tree, "max_leaves=1", NULL, &model, &err), QN_INVALID);
    assert_int_equal(fixture_try(&fixture, tree, "min_samples_split=1.5", NULL, &model, &err),
                     QN_INVALID);
    assert_int_equal(fixture_try(&fixture, tree, "max_features=-5", NULL, &model, &err),
                     QN_INVALID);
    memset(fixture.weights, 0, 50 * sizeof(double));
    fixture.target.weights = fixture.weights;
    assert_int_equal(fixture_try(&fixture, tree, "", NULL, &model, &err), QN_INVALID);
    fixture.features.row_count = 0;
    assert_int_equal(fixture_try(&fixture, tree, "", NULL, &model, &err), QN_INVALID);
    assert_null(model);
    fixture.features.row_count = 50;
    fixture_release(&fixture);
}

static bool stop(void *context, const char *stage, uint64_t done, uint64_t total, const char *unit)
{
    (void)stage, (void)unit;
    assert_true(done <= total);
    return ++*(int *)context < 2;
}

static void test_cancel(void **state)
{
    (void)state;
    struct fixture fixture = fixture_create(80000, 2, 2, 100000, false, 1);
    struct qn_tree_options options;
    struct qn_error err = QN_ERROR_INIT;
    int calls = 0;
    struct qn_progress progress = {stop, &calls};
    void *model = NULL;
    qn_parameters_default(&qn_decision_tree_learner.parameters, &options);
    struct qn_fit fit = {fixture_features(&fixture), &fixture.target, &options, 1, NULL, &progress};
    assert_int_equal(qn_decision_tree_learner.fit(&fit, &model, &err), QN_CANCELLED);
    assert_int_equal(calls, 2);
    assert_null(model);
    fixture_release(&fixture);
}

static void test_describe(void **state)
{
    (void)state;
    double x[] = {1, 2, 3, 4, NAN, NAN};
    int32_t y[] = {0, 0, 1, 1, 1, 1};
    static const char *const names[] = {"length"};
    struct fixture fixture = {.features = {6, 1, NULL}};
    fixture.columns[0] = (struct qn_feature){.name = "length", .values = x};
    fixture.target =
        (struct qn_target){.task = QN_TASK_BINARY, .row_count = 6, .class_count = 2, .classes = y};
    struct qn_forest *forest = fixture_fit(&fixture, &qn_decision_tree_learner, "", 1);
    json_t *json = qn_decision_tree_learner.describe(forest, names);
    assert_int_equal(json_integer_value(json_object_get(json, "n_nodes")), 3);
    assert_int_equal(json_integer_value(json_object_get(json, "n_leaves")), 2);
    assert_int_equal(json_integer_value(json_object_get(json, "depth")), 1);
    assert_string_equal(json_string_value(json_object_get(json, "rules")),
                        "length <= 2.5: class 0, share 1.000 (weight 2)\n"
                        "length > 2.5 or missing: class 1, share 1.000 (weight 4)\n");
    json_decref(json);
    double importance[1];
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_decision_tree_learner.importance(forest, importance, &err), QN_OK);
    assert_true(importance[0] == 1);
    qn_decision_tree_learner.free(forest);
}

/* Damaged bytes are refused or give a model that can be used. */
static void test_bytes(void **state)
{
    (void)state;
    struct fixture fixture = fixture_create(60, 4, 2, 9, true, 2);
    struct qn_forest *forest = fixture_fit(&fixture, &qn_decision_tree_learner, "", 1);
    struct qn_buffer bytes = fixture_bytes(forest);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_reader reader;
    void *again = NULL;
    qn_reader_init(&reader, bytes.bytes, bytes.size);
    assert_int_equal(qn_decision_tree_learner.read(&reader, &again, &err), QN_OK);
    assert_int_equal(qn_reader_left(&reader), 0);
    fixture_same_bytes(forest, again);
    double *a = fixture_predict(&fixture, forest), *b = fixture_predict(&fixture, again);
    assert_memory_equal(a, b, 60 * 2 * sizeof(*a));
    qn_free(a);
    qn_free(b);
    qn_decision_tree_learner.free(again);
    for (size_t cut = 0; cut < bytes.size; cut++) {
        qn_reader_init(&reader, bytes.bytes, cut);
        assert_int_equal(qn_decision_tree_learner.read(&reader, &again, &err), QN_CORRUPT);
    }
    size_t refused = 0;
    for (size_t at = 0; at < bytes.size * 8; at++) {
        bytes.bytes[at / 8] = (char)(bytes.bytes[at / 8] ^ (1 << at % 8));
        qn_reader_init(&reader, bytes.bytes, bytes.size);
        again = NULL;
        double out[60 * 2];
        enum qn_status status = qn_decision_tree_learner.read(&reader, &again, &err);
        if (status == QN_OK)
            (void)!qn_decision_tree_learner.predict(again, fixture_features(&fixture), NULL, out,
                                                    &err);
        else
            refused++;
        qn_decision_tree_learner.free(again);
        bytes.bytes[at / 8] = (char)(bytes.bytes[at / 8] ^ (1 << at % 8));
    }
    assert_true(refused > bytes.size);
    qn_buffer_release(&bytes);
    qn_decision_tree_learner.free(forest);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splits_are_best),
        cmocka_unit_test(test_weights_are_repeated_rows),
        cmocka_unit_test(test_threads_make_no_difference),
        cmocka_unit_test(test_histogram_equals_exact),
        cmocka_unit_test(test_threshold_in_a_gap),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_class_weight),
        cmocka_unit_test(test_unknown_goes_with_more_rows),
        cmocka_unit_test(test_wrong_options_are_refused),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
