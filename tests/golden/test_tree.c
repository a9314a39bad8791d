/* Trees and forests against scikit-learn's: tests/golden/make_tree.py made the files and says what
 * is in them. Trees by the exact splitter must be the same node for node; forests, which are
 * random, must score within QN_SCORE_BOUND of scikit-learn's mean over five seeds. */
#include "golden/golden_data.h"
#include "learn/tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QN_SCORE_BOUND 0.02 /* accuracy */
#define QN_R2_BOUND 0.03
#define QN_SEEDS 5
#define QN_TIES 3 /* of about 3,800 nodes */

static const char *const names[] = {
    "iris",
    "wine",
    "breast-cancer",
    "digits",
    "diabetes",
    "classification",
    "four-classes",
    "missing",
    "classification-weighted",
    "moons",
    "friedman1",
    "friedman2",
    "friedman2-weighted",
    "missing-regression",
};
#define QN_NAMES (sizeof(names) / sizeof(names[0]))

struct table {
    struct golden golden;
    struct qn_target target;
    int32_t *classes;         /* owns */
    double *values, *weights; /* own */
};

static struct table read_table(const char *name)
{
    struct table table = {.golden = golden_read("tree", name)};
    const json_t *json = table.golden.json, *columns = json_object_get(json, "columns");
    size_t n = table.golden.features.row_count;
    for (size_t j = 0; j < table.golden.features.feature_count; j++) {
        double *values = (double *)(uintptr_t)table.golden.columns[j].values;
        for (size_t i = 0; i < n; i++) {
            if (json_is_null(json_array_get(json_array_get(columns, j), i)))
                values[i] = NAN;
        }
    }
    size_t classes = (size_t)json_integer_value(json_object_get(json, "classes"));
    const json_t *weights = json_object_get(json, "weights");
    table.values = golden_numbers(json_object_get(json, "target"), NULL);
    table.weights = json_is_array(weights) ? golden_numbers(weights, NULL) : NULL;
    table.target = (struct qn_target){.task = QN_TASK_REGRESSION,
                                      .row_count = n,
                                      .values = table.values,
                                      .weights = table.weights};
    if (classes == 0)
        return table;
    table.classes = QN_ALLOC(int32_t, n);
    assert_non_null(table.classes);
    for (size_t i = 0; i < n; i++)
        table.classes[i] = (int32_t)table.values[i];
    table.target = (struct qn_target){.task = classes == 2 ? QN_TASK_BINARY : QN_TASK_MULTICLASS,
                                      .row_count = n,
                                      .class_count = classes,
                                      .classes = table.classes,
                                      .weights = table.weights};
    return table;
}

static void release_table(struct table *table)
{
    golden_release(&table->golden);
    qn_free(table->classes);
    qn_free(table->values);
    qn_free(table->weights);
}

static struct qn_forest *fit(const struct qn_learner *learner, const struct qn_features *features,
                             const struct qn_target *target, const json_t *options_json,
                             uint64_t seed)
{
    struct qn_tree_options options;
    struct qn_error err = QN_ERROR_INIT;
    void *model = NULL;
    qn_parameters_default(&learner->parameters, &options);
    if (options_json)
        assert_int_equal(qn_parameters_set_json(&learner->parameters, &options, options_json, &err),
                         QN_OK);
    struct qn_fit job = {.features = features, .target = target, .options = &options, .seed = seed};
    assert_int_equal(learner->fit(&job, &model, &err), QN_OK);
    return model;
}

static double number(const json_t *node, const char *key)
{
    const json_t *value = json_object_get(node, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void check_close(double actual, double expected, double tolerance, const char *what)
{
    if (!(fabs(actual - expected) <= tolerance))
        fail_msg("%s: %.17g, scikit-learn has %.17g", what, actual, expected);
}

/* Recursion is as deep as the tree. */
static void check_node(const struct qn_forest *forest, uint32_t at, const json_t *expected,
                       double root_impurity, size_t *ties)
{
    const struct qn_trees *trees = forest->trees;
    const struct qn_node *node = &trees->nodes[at];
    const json_t *value = json_object_get(expected, "value");
    double cover = number(expected, "cover"), scale = 1 + root_impurity * trees->nodes[0].cover;
    assert_int_equal(json_array_size(value), trees->output_count);
    for (size_t k = 0; k < trees->output_count; k++) {
        double exact = json_number_value(json_array_get(value, k));
        check_close(trees->values[node->value_at + k], exact, 1e-12 * (1 + fabs(exact)), "value");
    }
    check_close(node->cover, cover, 1e-9 * cover, "cover");
    if (json_object_get(expected, "tie"))
        return;
    if (!json_object_get(expected, "feature")) {
        assert_int_equal(node->feature, QN_NODE_LEAF);
        return;
    }
    const json_t *threshold = json_object_get(expected, "threshold");
    const json_t *left = json_object_get(expected, "left");
    const json_t *right = json_object_get(expected, "right");
    double gain = cover * number(expected, "impurity") -
                  number(left, "cover") * number(left, "impurity") -
                  number(right, "cover") * number(right, "impurity");
    /* Splits that are equally good on paper can differ by a rounding in scikit-learn's sums, which
     * then decides for all random states alike. */
    if (node->feature != json_integer_value(json_object_get(expected, "feature")) &&
        fabs(node->gain - gain) <= 1e-13 * scale) {
        ++*ties;
        return;
    }
    assert_int_equal(node->feature, json_integer_value(json_object_get(expected, "feature")));
    if (json_is_null(threshold))
        assert_true(isinf(node->threshold));
    else
        check_close(node->threshold, json_number_value(threshold),
                    1e-12 * fabs(json_number_value(threshold)), "threshold");
    assert_int_equal((node->flags & QN_NODE_MISSING_LEFT) != 0,
                     json_is_true(json_object_get(expected, "missing_left")));
    check_close(node->gain, gain, 1e-9 * scale, "gain");
    check_node(forest, node->left, left, root_impurity, ties);
    check_node(forest, node->right, right, root_impurity, ties);
}

static void test_trees(void **state)
{
    (void)state;
    size_t checked = 0, ties = 0;
    for (size_t i = 0; i < QN_NAMES; i++) {
        struct table table = read_table(names[i]);
        const json_t *trees = json_object_get(table.golden.json, "trees"), *tree;
        size_t index;
        json_array_foreach(trees, index, tree)
        {
            const json_t *root = json_object_get(tree, "root");
            struct qn_forest *forest = fit(&qn_decision_tree_learner, &table.golden.features,
                                           &table.target, json_object_get(tree, "options"), 1);
            if (json_is_true(json_object_get(tree, "whole")))
                assert_int_equal(forest->trees->node_count,
                                 json_integer_value(json_object_get(tree, "size")));
            check_node(forest, 0, root, number(root, "impurity"), &ties);
            qn_decision_tree_learner.free(forest);
            checked++;
        }
        release_table(&table);
    }
    print_message("%zu trees, %zu ties by rounding\n", checked, ties);
    assert_true(checked >= 100);
    assert_true(ties <= QN_TIES);
}

static double score(const struct table *table, const struct qn_forest *forest, size_t first)
{
    size_t n = table->target.row_count, outputs = forest->trees->output_count;
    double *out = QN_ALLOC(double, n *outputs), good = 0, errors = 0, spread = 0, mean = 0;
    struct qn_error err = QN_ERROR_INIT;
    assert_non_null(out);
    assert_int_equal(
        qn_random_forest_learner.predict(forest, &table->golden.features, NULL, out, &err), QN_OK);
    for (size_t i = first; i < n; i++)
        mean += table->values[i] / (double)(n - first);
    for (size_t i = first; i < n; i++) {
        size_t best = 0;
        for (size_t k = 1; k < outputs; k++)
            best = out[i * outputs + k] > out[i * outputs + best] ? k : best;
        good += (double)best == table->values[i];
        errors += (out[i] - table->values[i]) * (out[i] - table->values[i]);
        spread += (table->values[i] - mean) * (table->values[i] - mean);
    }
    qn_free(out);
    return outputs == 1 ? 1 - errors / spread : good / (double)(n - first);
}

static void test_forests(void **state)
{
    (void)state;
    size_t checked = 0;
    for (size_t i = 0; i < QN_NAMES; i++) {
        struct table table = read_table(names[i]);
        const json_t *forests = json_object_get(table.golden.json, "forests"), *expected;
        size_t index;
        json_array_foreach(forests, index, expected)
        {
            const char *name = json_string_value(json_object_get(expected, "learner"));
            const struct qn_learner *learner = strcmp(name, "extra_trees") == 0
                                                   ? &qn_extra_trees_learner
                                                   : &qn_random_forest_learner;
            struct qn_features features = table.golden.features;
            struct qn_target target = table.target;
            const json_t *scores = json_object_get(expected, "scores");
            double theirs = 0, ours = 0;
            features.row_count = target.row_count =
                (size_t)json_integer_value(json_object_get(expected, "train_rows"));
            for (size_t s = 0; s < QN_SEEDS; s++) {
                struct qn_forest *forest = fit(learner, &features, &target, NULL, s);
                ours += score(&table, forest, features.row_count) / QN_SEEDS;
                theirs += json_number_value(json_array_get(scores, s)) / QN_SEEDS;
                learner->free(forest);
            }
            double bound = target.class_count > 0 ? QN_SCORE_BOUND : QN_R2_BOUND;
            print_message("%s, %s: %.4f, scikit-learn %.4f\n", names[i], name, ours, theirs);
            assert_true(ours > theirs - bound);
            checked++;
        }
        release_table(&table);
    }
    assert_true(checked >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_forests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
