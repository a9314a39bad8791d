/* The decision tree as a learner, and its rules as text. */
#include "learn/tree_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <math.h>

#define QN_EXACT_ROWS ((size_t)10000) /* auto: exact splits up to here */
#define QN_RULE_DEPTH 4               /* levels of the tree that are shown */
#define QN_RULE_LEVELS 8              /* categories of a set that are shown */
#define QN_RULES_MAXIMUM ((size_t)1 << 20)

static enum qn_status tree_fit(const struct qn_fit *fit, void **out, struct qn_error *err)
{
    const struct qn_tree_options *options = fit->options;
    struct qn__problem problem;
    struct qn__worker worker = {.problem = NULL};
    struct qn_binned *binned = NULL;
    struct qn_forest *forest = NULL;
    enum qn_status status = qn__problem_init(&problem, fit, false, err);
    if (status != QN_OK)
        return status;
    if (options->splitter == QN_SPLITTER_HISTOGRAM ||
        (options->splitter == QN_SPLITTER_AUTO && problem.row_count > QN_EXACT_ROWS))
        status = qn_binned_create(fit->features, NULL, 0, QN_BIN_LIMIT - QN_BIN_FIRST, fit->pool,
                                  &binned, err);
    if (status != QN_OK)
        goto done;
    problem.binned = binned;
    forest = qn__forest_create(&problem);
    if (!forest) {
        status = qn_fail_nomem(err, "decision tree");
        goto done;
    }
    status = qn__worker_init(&worker, &problem, fit->pool, err);
    if (status != QN_OK)
        goto done;
    qn_random_init(&worker.random, fit->seed, 0);
    worker.trees = forest->trees;
    for (size_t i = 0; i < problem.row_count; i++)
        worker.items[i] = qn__problem_item(&problem, problem.rows[i], 1);
    worker.item_count = problem.row_count;
    status = qn__worker_grow(&worker, fit->progress, err);
    if (status != QN_OK)
        goto done;
    *out = forest;
    forest = NULL;
done:
    qn__worker_release(&worker);
    qn__problem_release(&problem);
    qn_binned_free(binned);
    qn__forest_free(forest);
    return status;
}

static void rule_leaf(const struct qn_forest *forest, uint32_t at, struct qn_buffer *text)
{
    const struct qn_node *node = &forest->trees->nodes[at];
    const double *values = forest->trees->values + node->value_at;
    char value[QN_NUMBER_TEXT_SIZE], cover[QN_NUMBER_TEXT_SIZE];
    qn_format_human(node->cover, cover);
    if (forest->task == QN_TASK_REGRESSION) {
        qn_format_human(values[0], value);
        qn_buffer_format(text, "%s (weight %s)\n", value, cover);
        return;
    }
    size_t best = 0;
    for (size_t k = 1; k < forest->trees->output_count; k++)
        best = values[k] > values[best] ? k : best;
    qn_buffer_format(text, "class %zu, share %.3f (weight %s)\n", best, values[best], cover);
}

static void rule_condition(const struct qn_trees *trees, const struct qn_node *node,
                           const char *name, bool left, struct qn_buffer *text)
{
    bool missing = ((node->flags & QN_NODE_MISSING_LEFT) != 0) == left;
    if (node->flags & QN_NODE_CATEGORICAL) {
        size_t shown = 0;
        qn_buffer_format(text, "%s %s {", name, left ? "in" : "not in");
        for (uint32_t l = 0; l < node->set_words * 64 && shown <= QN_RULE_LEVELS; l++) {
            if (!(trees->sets[node->set_at + l / 64] >> (l % 64) & 1))
                continue;
            if (shown == QN_RULE_LEVELS)
                qn_buffer_text(text, ", ...");
            else
                qn_buffer_format(text, "%s%u", shown ? ", " : "", l);
            shown++;
        }
        qn_buffer_text(text, "}");
    } else if (isinf(node->threshold)) {
        qn_buffer_format(text, "%s %s", name,
                         (node->threshold > 0) == left ? "has a value" : "has none");
        missing = false;
    } else {
        char threshold[QN_NUMBER_TEXT_SIZE];
        qn_format_human(node->threshold, threshold);
        qn_buffer_format(text, "%s %s %s", name, left ? "<=" : ">", threshold);
    }
    if (missing)
        qn_buffer_text(text, " or missing");
}

/* Recursion is as deep as the part that is shown. */
static void rule_node(const struct qn_forest *forest, uint32_t at, unsigned depth,
                      const char *const *names, struct qn_buffer *text)
{
    const struct qn_node *node = &forest->trees->nodes[at];
    for (int side = 0; side < 2; side++) {
        uint32_t child = side == 0 ? node->left : node->right;
        bool leaf = forest->trees->nodes[child].feature == QN_NODE_LEAF;
        qn_buffer_format(text, "%*s", (int)(4 * depth), "");
        rule_condition(forest->trees, node, names[node->feature], side == 0, text);
        qn_buffer_text(text, leaf ? ": " : depth + 1 < QN_RULE_DEPTH ? "\n" : ": ... ");
        if (leaf || depth + 1 == QN_RULE_DEPTH)
            rule_leaf(forest, child, text);
        else
            rule_node(forest, child, depth + 1, names, text);
    }
}

/* Adds "rules": the first levels of the tree, a condition a line, each branch below its own. Beyond
 * them stands "..." and what the whole branch says. Categories are numbers of levels. */
static json_t *tree_describe(const void *model, const char *const *names)
{
    const struct qn_forest *forest = model;
    struct qn_buffer text;
    bool failed = false;
    json_t *object = qn__forest_describe(model, names);
    if (!object)
        return NULL;
    (void)json_object_del(object, "n_trees");
    qn_buffer_init(&text, QN_RULES_MAXIMUM);
    if (forest->trees->nodes[0].feature == QN_NODE_LEAF)
        rule_leaf(forest, 0, &text);
    else
        rule_node(forest, 0, 0, names, &text);
    if (text.failed)
        failed = true;
    else
        qn_json_set(object, "rules", json_stringn(text.bytes, text.size), &failed);
    qn_buffer_release(&text);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

const struct qn_learner qn_decision_tree_learner = {
    .name = "decision_tree",
    .title = "Decision tree",
    .about = "Questions about one column at a time, in a tree that people can read",
    .paper = "Breiman, Friedman, Olshen and Stone, Classification and Regression Trees, 1984",
    .tasks = 1u << QN_TASK_BINARY | 1u << QN_TASK_MULTICLASS | 1u << QN_TASK_REGRESSION,
    .native = true,
    .parameters = {qn__decision_tree_parameters, sizeof(struct qn_tree_options)},
    .fit = tree_fit,
    .predict = qn__forest_predict,
    .output_count = qn__forest_output_count,
    .feature_count = qn__forest_feature_count,
    .importance = qn__forest_importance,
    .describe = tree_describe,
    .write = qn__forest_write,
    .read = qn__forest_read,
    .free = qn__forest_free,
};
