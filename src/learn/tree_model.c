/* What decision trees and forests share once they are grown. */
#include "learn/tree_internal.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

#define QN_FOREST_VERSION 1u

struct qn_forest *qn__forest_create(const struct qn__problem *problem)
{
    struct qn_forest *forest = QN_CALLOC(struct qn_forest, 1);
    if (!forest)
        return NULL;
    forest->task = problem->target->task;
    forest->oob_score = NAN;
    forest->trees = qn_trees_create(problem->output_count, problem->features->feature_count);
    if (!forest->trees) {
        qn_free(forest);
        return NULL;
    }
    return forest;
}

void qn__forest_free(void *model)
{
    struct qn_forest *forest = model;
    if (!forest)
        return;
    qn_trees_free(forest->trees);
    qn_free(forest);
}

enum qn_status qn__forest_predict(const void *model, const struct qn_features *features,
                                  struct qn_pool *pool, double *out, struct qn_error *err)
{
    const struct qn_trees *trees = ((const struct qn_forest *)model)->trees;
    enum qn_status status = qn_trees_check(trees, features, err);
    if (status != QN_OK)
        return status;
    memset(out, 0, features->row_count * trees->output_count * sizeof(*out));
    qn_trees_accumulate(trees, 0, trees->tree_count, 1, features, pool, out);
    for (size_t i = 0; i < features->row_count * trees->output_count; i++)
        out[i] /= (double)trees->tree_count;
    return QN_OK;
}

size_t qn__forest_output_count(const void *model)
{
    return ((const struct qn_forest *)model)->trees->output_count;
}

size_t qn__forest_feature_count(const void *model)
{
    return ((const struct qn_forest *)model)->trees->feature_count;
}

/* Each tree's impurity decreases add up to 1, then trees are averaged, so that no tree counts for
 * more because its target happened to vary more. */
enum qn_status qn__forest_importance(const void *model, double *out, struct qn_error *err)
{
    const struct qn_trees *trees = ((const struct qn_forest *)model)->trees;
    double *of_tree = QN_ALLOC(double, trees->feature_count);
    if (!of_tree)
        return qn_fail_nomem(err, "importance");
    memset(out, 0, trees->feature_count * sizeof(*out));
    double sum = 0;
    for (size_t t = 0; t < trees->tree_count; t++) {
        size_t end = t + 1 < trees->tree_count ? trees->roots[t + 1] : trees->node_count;
        double total = 0;
        memset(of_tree, 0, trees->feature_count * sizeof(*of_tree));
        for (size_t i = trees->roots[t]; i < end; i++) {
            const struct qn_node *node = &trees->nodes[i];
            if (node->feature == QN_NODE_LEAF)
                continue;
            of_tree[node->feature] += node->gain;
            total += node->gain;
        }
        for (size_t f = 0; f < trees->feature_count && total > 0; f++)
            out[f] += of_tree[f] / total;
        sum += total > 0;
    }
    for (size_t f = 0; f < trees->feature_count && sum > 0; f++)
        out[f] /= sum;
    qn_free(of_tree);
    return QN_OK;
}

json_t *qn__forest_describe(const void *model, const char *const *names)
{
    (void)names;
    const struct qn_forest *forest = model;
    const struct qn_trees *trees = forest->trees;
    size_t leaves = 0, deepest = 0;
    for (size_t t = 0; t < trees->tree_count; t++) {
        size_t depth = qn_trees_depth(trees, t);
        if (depth == SIZE_MAX)
            return NULL;
        deepest = depth > deepest ? depth : deepest;
        leaves += qn_trees_leaves(trees, t);
    }
    json_t *object = json_object();
    bool failed = !object;
    if (failed)
        return NULL;
    qn_json_set(object, "n_trees", json_integer((json_int_t)trees->tree_count), &failed);
    qn_json_set(object, "n_nodes", json_integer((json_int_t)trees->node_count), &failed);
    qn_json_set(object, "n_leaves", json_integer((json_int_t)leaves), &failed);
    qn_json_set(object, "depth", json_integer((json_int_t)deepest), &failed);
    if (!isnan(forest->oob_score))
        qn_json_set(object, "oob_score", qn_json_number(forest->oob_score), &failed);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

void qn__forest_write(const void *model, struct qn_buffer *buffer)
{
    const struct qn_forest *forest = model;
    qn_buffer_u32(buffer, QN_FOREST_VERSION);
    qn_buffer_u8(buffer, (uint8_t)forest->task);
    qn_buffer_u8(buffer, (uint8_t)(isnan(forest->oob_score) ? 0 : 1));
    qn_buffer_f64(buffer, isnan(forest->oob_score) ? 0 : forest->oob_score);
    qn_trees_write(forest->trees, buffer);
}

enum qn_status qn__forest_read(struct qn_reader *reader, void **out, struct qn_error *err)
{
    uint32_t version = qn_reader_u32(reader);
    unsigned task = qn_reader_u8(reader), has_score = qn_reader_u8(reader);
    double score = qn_reader_f64(reader);
    struct qn_trees *trees = NULL;
    if (!reader->failed && version > QN_FOREST_VERSION)
        return qn_fail(err, QN_UNSUPPORTED, "the trees are of format %u, this Quern reads up to %u",
                       version, QN_FOREST_VERSION);
    if (reader->failed || version == 0 || task > QN_TASK_REGRESSION || has_score > 1 ||
        !isfinite(score))
        return qn_fail(err, QN_CORRUPT, "the forest of the model is damaged or cut short");
    enum qn_status status = qn_trees_read(reader, &trees, err);
    if (status != QN_OK)
        return status;
    size_t outputs = trees->output_count;
    bool fits = task == QN_TASK_BINARY       ? outputs == 2
                : task == QN_TASK_MULTICLASS ? outputs >= 2
                                             : outputs == 1;
    struct qn_forest *forest = QN_ALLOC(struct qn_forest, 1);
    if (!forest || !fits || trees->tree_count == 0) {
        status = !forest ? qn_fail_nomem(err, "forest")
                         : qn_fail(err, QN_CORRUPT, "the forest of the model is damaged");
        qn_trees_free(trees);
        qn_free(forest);
        return status;
    }
    *forest = (struct qn_forest){
        .trees = trees, .task = (enum qn_task)task, .oob_score = has_score ? score : NAN};
    *out = forest;
    return QN_OK;
}
