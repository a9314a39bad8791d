#include "learn/boosting_internal.h"

#include <math.h>

double qn__grower_value(const struct qn__grower *grower, size_t row)
{
    const struct qn__grow_node *node = &grower->nodes[0];
    while (node->left != 0) {
        uint8_t code = qn_binned_column(grower->store->binned, (size_t)node->split.feature)[row];
        node = &grower->nodes[qn__split_left(&node->split, code) ? node->left : node->right];
    }
    return node->value;
}

/* The threshold of the last bin of values: everything that is not missing is below. */
static double threshold_after(const struct qn_binned_feature *feature, uint16_t bin)
{
    return bin + 1 < feature->bin_count ? feature->upper[bin - QN_BIN_FIRST] : INFINITY;
}

static enum qn_status emit_levels(const struct qn_binned_feature *feature,
                                  const struct qn__split *split, struct qn_trees *trees,
                                  uint32_t at, struct qn_error *err)
{
    size_t words = ((size_t)feature->level_count + 63) / 64;
    uint32_t set_at;
    enum qn_status status = qn_trees_set(trees, words, &set_at, err);
    if (status != QN_OK)
        return status;
    for (size_t level = 0; level < (size_t)feature->level_count; level++) {
        if (qn__split_left(split, feature->bin_of_level[level]))
            trees->sets[set_at + level / 64] |= UINT64_C(1) << (level % 64);
    }
    trees->nodes[at].set_at = set_at;
    trees->nodes[at].set_words = (uint32_t)words;
    trees->nodes[at].flags |= QN_NODE_CATEGORICAL;
    return QN_OK;
}

enum qn_status qn__grower_emit(const struct qn__grower *grower, struct qn_trees *trees,
                               struct qn_error *err)
{
    enum qn_status status = qn_trees_begin(trees, err);
    uint32_t root = (uint32_t)trees->node_count;
    for (size_t i = 0; status == QN_OK && i < grower->node_count; i++) {
        const struct qn__grow_node *from = &grower->nodes[i];
        uint32_t at;
        status = qn_trees_node(trees, &at, err);
        if (status != QN_OK)
            break;
        struct qn_node *node = &trees->nodes[at];
        trees->values[node->value_at] = from->value;
        node->cover = from->hessian;
        if (from->left == 0)
            continue;
        const struct qn__split *split = &from->split;
        const struct qn_binned_feature *feature = &grower->store->binned->features[split->feature];
        size_t left_count = grower->nodes[from->left].count;
        node->feature = split->feature;
        node->left = root + from->left;
        node->right = root + from->right;
        node->gain = split->gain;
        if (split->missing_left)
            node->flags |= QN_NODE_MISSING_LEFT;
        if (left_count > from->count - left_count)
            node->flags |= QN_NODE_UNSEEN_LEFT;
        if (split->categorical)
            status = emit_levels(feature, split, trees, at, err);
        else
            node->threshold = threshold_after(feature, split->bin);
    }
    return status;
}
