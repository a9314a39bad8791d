/* Bytes of trees: counts, how each feature is used, roots, nodes (a leaf without the fields that
 * only splits have), values, sets. */
#include "learn/trees.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

#define QN_LEAF_BYTES ((size_t)16) /* the least that a node takes */
#define QN_FLAGS (QN_NODE_CATEGORICAL | QN_NODE_MISSING_LEFT | QN_NODE_UNSEEN_LEFT)

static void write_node(const struct qn_node *node, struct qn_buffer *buffer)
{
    qn_buffer_u32(buffer, (uint32_t)node->feature);
    qn_buffer_u32(buffer, node->value_at);
    qn_buffer_f64(buffer, node->cover);
    if (node->feature == QN_NODE_LEAF)
        return;
    qn_buffer_u32(buffer, node->flags);
    qn_buffer_u32(buffer, node->left);
    qn_buffer_u32(buffer, node->right);
    qn_buffer_f64(buffer, node->gain);
    if (node->flags & QN_NODE_CATEGORICAL) {
        qn_buffer_u32(buffer, node->set_at);
        qn_buffer_u32(buffer, node->set_words);
    } else {
        qn_buffer_f64(buffer, node->threshold);
    }
}

void qn_trees_write(const struct qn_trees *trees, struct qn_buffer *buffer)
{
    qn_buffer_u64(buffer, trees->output_count);
    qn_buffer_u64(buffer, trees->feature_count);
    qn_buffer_u64(buffer, trees->tree_count);
    for (size_t t = 0; t < trees->tree_count; t++)
        qn_buffer_u32(buffer, trees->roots[t]);
    qn_buffer_u64(buffer, trees->value_count);
    for (size_t i = 0; i < trees->value_count; i++)
        qn_buffer_f64(buffer, trees->values[i]);
    qn_buffer_u64(buffer, trees->set_count);
    for (size_t i = 0; i < trees->set_count; i++)
        qn_buffer_u64(buffer, trees->sets[i]);
    qn_buffer_u64(buffer, trees->node_count);
    for (size_t i = 0; i < trees->node_count; i++)
        write_node(&trees->nodes[i], buffer);
}

static bool read_node(const struct qn_trees *trees, struct qn_reader *reader, struct qn_node *node)
{
    memset(node, 0, sizeof(*node));
    uint32_t feature = qn_reader_u32(reader);
    node->feature = (int32_t)feature;
    node->value_at = qn_reader_u32(reader);
    node->cover = qn_reader_f64(reader);
    if (trees->output_count > trees->value_count ||
        node->value_at > trees->value_count - trees->output_count || !isfinite(node->cover))
        return false;
    if (node->feature == QN_NODE_LEAF)
        return !reader->failed;
    node->flags = qn_reader_u32(reader);
    node->left = qn_reader_u32(reader);
    node->right = qn_reader_u32(reader);
    node->gain = qn_reader_f64(reader);
    if (feature >= trees->feature_count || node->flags & ~QN_FLAGS || !isfinite(node->gain))
        return false;
    bool categorical = (node->flags & QN_NODE_CATEGORICAL) != 0;
    trees->uses[feature] |=
        (uint8_t)(1u << (categorical ? QN_FEATURE_CATEGORICAL : QN_FEATURE_NUMERIC));
    if (categorical) {
        node->set_at = qn_reader_u32(reader);
        node->set_words = qn_reader_u32(reader);
        if (node->set_words > trees->set_count || node->set_at > trees->set_count - node->set_words)
            return false;
    } else {
        node->threshold = qn_reader_f64(reader);
        if (isnan(node->threshold))
            return false;
    }
    return !reader->failed;
}

/* Each tree's nodes: children after their parent and inside the tree, and every node but the root
 * the child of exactly one. Then all nodes hang together, and every walk ends at a leaf. */
static bool is_forest(const struct qn_trees *trees, uint8_t *has_parent)
{
    if (trees->tree_count == 0)
        return trees->node_count == 0;
    if (trees->roots[0] != 0)
        return false;
    for (size_t t = 0; t < trees->tree_count; t++) {
        size_t root = trees->roots[t];
        size_t end = t + 1 < trees->tree_count ? trees->roots[t + 1] : trees->node_count;
        if (root >= end || end > trees->node_count)
            return false;
        for (size_t i = root; i < end; i++) {
            const struct qn_node *node = &trees->nodes[i];
            if (has_parent[i] != (i != root))
                return false;
            if (node->feature == QN_NODE_LEAF)
                continue;
            if (node->left <= i || node->right <= i || node->left >= end || node->right >= end ||
                node->left == node->right || has_parent[node->left] || has_parent[node->right])
                return false;
            has_parent[node->left] = has_parent[node->right] = 1;
        }
    }
    return true;
}

/* Allocates the array of a count that is read here; *count_out is set only with its array. */
static void *read_array(struct qn_reader *reader, size_t stored_bytes, size_t item_bytes,
                        size_t *count_out, bool *no_memory)
{
    size_t count = qn_reader_count(reader, stored_bytes);
    if (reader->failed)
        return NULL;
    void *items = qn_alloc(count, item_bytes);
    if (items)
        *count_out = count;
    else
        *no_memory = true;
    return items;
}

static bool read_arrays(struct qn_trees *trees, struct qn_reader *reader, bool *no_memory)
{
    trees->roots = read_array(reader, 4, sizeof(*trees->roots), &trees->tree_count, no_memory);
    for (size_t t = 0; trees->roots && t < trees->tree_count; t++)
        trees->roots[t] = qn_reader_u32(reader);
    trees->values = read_array(reader, 8, sizeof(*trees->values), &trees->value_count, no_memory);
    for (size_t i = 0; trees->values && i < trees->value_count; i++) {
        trees->values[i] = qn_reader_f64(reader);
        if (!isfinite(trees->values[i]))
            return false;
    }
    trees->sets = read_array(reader, 8, sizeof(*trees->sets), &trees->set_count, no_memory);
    for (size_t i = 0; trees->sets && i < trees->set_count; i++)
        trees->sets[i] = qn_reader_u64(reader);
    trees->nodes =
        read_array(reader, QN_LEAF_BYTES, sizeof(*trees->nodes), &trees->node_count, no_memory);
    for (size_t i = 0; trees->nodes && i < trees->node_count; i++) {
        if (!read_node(trees, reader, &trees->nodes[i]))
            return false;
    }
    trees->tree_capacity = trees->tree_count;
    trees->value_capacity = trees->value_count;
    trees->set_capacity = trees->set_count;
    trees->node_capacity = trees->node_count;
    if (trees->node_count > UINT32_MAX || trees->value_count > UINT32_MAX ||
        trees->set_count > UINT32_MAX || trees->output_count == 0)
        return false;
    for (size_t f = 0; f < trees->feature_count; f++) { /* A feature is numbers or categories. */
        if ((trees->uses[f] & (trees->uses[f] - 1u)) != 0)
            return false;
    }
    return !reader->failed;
}

enum qn_status qn_trees_read(struct qn_reader *reader, struct qn_trees **out, struct qn_error *err)
{
    bool no_memory = false;
    uint64_t output_count = qn_reader_u64(reader), feature_count = qn_reader_u64(reader);
    if (reader->failed || output_count > UINT32_MAX || feature_count > QN_FEATURE_LIMIT)
        return qn_fail(err, QN_CORRUPT, "the trees of the model are damaged or cut short");
    struct qn_trees *trees = qn_trees_create((size_t)output_count, (size_t)feature_count);
    if (!trees)
        return qn_fail_nomem(err, "reading trees");
    bool good = read_arrays(trees, reader, &no_memory);
    uint8_t *has_parent = good && !no_memory ? QN_CALLOC(uint8_t, trees->node_count) : NULL;
    enum qn_status status = QN_OK;
    if (no_memory || (good && !has_parent))
        status = qn_fail_nomem(err, "reading trees");
    else if (!good || !is_forest(trees, has_parent))
        status = qn_fail(err, QN_CORRUPT, "the trees of the model are damaged or cut short");
    qn_free(has_parent);
    if (status != QN_OK) {
        qn_trees_free(trees);
        return status;
    }
    *out = trees;
    return QN_OK;
}
