#include "learn/trees.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define QN_LANES 64 /* rows that walk a tree side by side, to overlap their waiting */
/* Rows of one task: few enough that there are tasks for all threads, many enough that a tree is
 * not fetched from memory again for every few of them. */
#define QN_BLOCKS ((size_t)16)
#define QN_BLOCK_ROWS_MINIMUM ((size_t)256)
#define QN_BLOCK_ROWS_MAXIMUM ((size_t)4096)

static size_t tree_end(const struct qn_trees *trees, size_t tree)
{
    assert(tree < trees->tree_count);
    return tree + 1 < trees->tree_count ? trees->roots[tree + 1] : trees->node_count;
}

struct qn_trees *qn_trees_create(size_t output_count, size_t feature_count)
{
    struct qn_trees *trees = QN_CALLOC(struct qn_trees, 1);
    if (!trees)
        return NULL;
    trees->output_count = output_count;
    trees->feature_count = feature_count;
    trees->uses = QN_CALLOC(uint8_t, feature_count);
    if (!trees->uses) {
        qn_free(trees);
        return NULL;
    }
    return trees;
}

void qn_trees_free(struct qn_trees *trees)
{
    if (!trees)
        return;
    qn_free(trees->roots);
    qn_free(trees->nodes);
    qn_free(trees->values);
    qn_free(trees->sets);
    qn_free(trees->uses);
    qn_free(trees);
}

/* Room for `more` items in one of the arrays, whose indices must fit 32 bits. */
static enum qn_status reserve(void **items, size_t *capacity, size_t count, size_t more,
                              size_t item_size_bytes, struct qn_error *err)
{
    if (more > UINT32_MAX - count)
        return qn_fail(err, QN_UNSUPPORTED,
                       "trees: more than %u nodes, values or level sets; limit depth or leaves",
                       UINT32_MAX);
    if (qn_grow(items, capacity, count + more, item_size_bytes) != 0)
        return qn_fail_nomem(err, "trees");
    return QN_OK;
}

enum qn_status qn_trees_begin(struct qn_trees *trees, struct qn_error *err)
{
    enum qn_status status = reserve((void **)&trees->roots, &trees->tree_capacity,
                                    trees->tree_count, 1, sizeof(*trees->roots), err);
    if (status != QN_OK)
        return status;
    trees->roots[trees->tree_count++] = (uint32_t)trees->node_count;
    return QN_OK;
}

enum qn_status qn_trees_node(struct qn_trees *trees, uint32_t *out, struct qn_error *err)
{
    assert(trees->tree_count > 0);
    enum qn_status status = reserve((void **)&trees->nodes, &trees->node_capacity,
                                    trees->node_count, 1, sizeof(*trees->nodes), err);
    if (status == QN_OK)
        status = reserve((void **)&trees->values, &trees->value_capacity, trees->value_count,
                         trees->output_count, sizeof(*trees->values), err);
    if (status != QN_OK)
        return status;
    *out = (uint32_t)trees->node_count;
    trees->nodes[trees->node_count++] =
        (struct qn_node){.feature = QN_NODE_LEAF, .value_at = (uint32_t)trees->value_count};
    memset(trees->values + trees->value_count, 0, trees->output_count * sizeof(*trees->values));
    trees->value_count += trees->output_count;
    return QN_OK;
}

enum qn_status qn_trees_set(struct qn_trees *trees, size_t words, uint32_t *at_out,
                            struct qn_error *err)
{
    enum qn_status status = reserve((void **)&trees->sets, &trees->set_capacity, trees->set_count,
                                    words, sizeof(*trees->sets), err);
    if (status != QN_OK)
        return status;
    memset(trees->sets + trees->set_count, 0, words * sizeof(*trees->sets));
    *at_out = (uint32_t)trees->set_count;
    trees->set_count += words;
    return QN_OK;
}

static void join_nodes(struct qn_trees *trees, const struct qn_trees *from)
{
    uint32_t node_at = (uint32_t)trees->node_count, value_at = (uint32_t)trees->value_count,
             set_at = (uint32_t)trees->set_count;
    for (size_t i = 0; i < from->node_count; i++) {
        struct qn_node node = from->nodes[i];
        node.value_at += value_at;
        if (node.feature != QN_NODE_LEAF) {
            node.left += node_at;
            node.right += node_at;
            node.set_at += set_at;
        }
        trees->nodes[trees->node_count++] = node;
    }
    for (size_t t = 0; t < from->tree_count; t++)
        trees->roots[trees->tree_count++] = from->roots[t] + node_at;
}

enum qn_status qn_trees_join(struct qn_trees *trees, struct qn_trees *from, struct qn_error *err)
{
    assert(trees->output_count == from->output_count &&
           trees->feature_count == from->feature_count);
    enum qn_status status =
        reserve((void **)&trees->roots, &trees->tree_capacity, trees->tree_count, from->tree_count,
                sizeof(*trees->roots), err);
    if (status == QN_OK)
        status = reserve((void **)&trees->nodes, &trees->node_capacity, trees->node_count,
                         from->node_count, sizeof(*trees->nodes), err);
    if (status == QN_OK)
        status = reserve((void **)&trees->values, &trees->value_capacity, trees->value_count,
                         from->value_count, sizeof(*trees->values), err);
    if (status == QN_OK)
        status = reserve((void **)&trees->sets, &trees->set_capacity, trees->set_count,
                         from->set_count, sizeof(*trees->sets), err);
    if (status != QN_OK)
        return status;
    join_nodes(trees, from);
    if (from->value_count > 0)
        memcpy(trees->values + trees->value_count, from->values,
               from->value_count * sizeof(*from->values));
    if (from->set_count > 0)
        memcpy(trees->sets + trees->set_count, from->sets, from->set_count * sizeof(*from->sets));
    trees->value_count += from->value_count;
    trees->set_count += from->set_count;
    for (size_t f = 0; f < trees->feature_count; f++)
        trees->uses[f] |= from->uses[f];
    qn_trees_free(from);
    return QN_OK;
}

enum qn_status qn_trees_check(const struct qn_trees *trees, const struct qn_features *features,
                              struct qn_error *err)
{
    if (features->feature_count != trees->feature_count)
        return qn_fail(err, QN_INVALID, "the trees were made for %zu features, these are %zu",
                       trees->feature_count, features->feature_count);
    for (size_t f = 0; f < trees->feature_count; f++) {
        bool numeric = features->columns[f].kind == QN_FEATURE_NUMERIC;
        if (trees->uses[f] & (1u << (numeric ? QN_FEATURE_CATEGORICAL : QN_FEATURE_NUMERIC)))
            return qn_fail(err, QN_INVALID, "the trees split feature %zu by %s, this one has %s",
                           f + 1, numeric ? "categories" : "thresholds",
                           numeric ? "numbers" : "categories");
    }
    return QN_OK;
}

static bool level_goes_left(const struct qn_trees *trees, const struct qn_node *node, int32_t level)
{
    if (level < 0)
        return (node->flags &
                (level == QN_LEVEL_MISSING ? QN_NODE_MISSING_LEFT : QN_NODE_UNSEEN_LEFT)) != 0;
    uint32_t word = (uint32_t)level / 64;
    return word < node->set_words && (trees->sets[node->set_at + word] >> (level % 64) & 1) != 0;
}

/* The child that a row goes to. Which one is as good as random, so nothing here branches on it. */
static inline uint32_t step(const struct qn_trees *trees, const struct qn_node *node,
                            const struct qn_feature *feature, size_t row)
{
    unsigned left;
    if (node->flags & QN_NODE_CATEGORICAL) {
        left = level_goes_left(trees, node, feature->levels[row]);
    } else {
        double value = feature->values[row];
        unsigned missing_left = node->flags / QN_NODE_MISSING_LEFT & 1u;
        left = (unsigned)(value <= node->threshold) | ((unsigned)(value != value) & missing_left);
    }
    return node->right ^ ((node->left ^ node->right) & (0u - left));
}

uint32_t qn_trees_leaf(const struct qn_trees *trees, size_t tree,
                       const struct qn_features *features, size_t row)
{
    assert(tree < trees->tree_count);
    uint32_t at = trees->roots[tree];
    while (trees->nodes[at].feature != QN_NODE_LEAF) {
        const struct qn_node *node = &trees->nodes[at];
        at = step(trees, node, &features->columns[node->feature], row);
    }
    return at;
}

struct accumulate {
    const struct qn_trees *trees;
    size_t first, last;
    double scale;
    const struct qn_features *features;
    double *out;
    size_t block_rows;
};

/* Leaves of rows [row, row + QN_LANES) in one tree. */
static void walk_lanes(const struct accumulate *job, uint32_t root, size_t row,
                       uint32_t at[QN_LANES])
{
    const struct qn_node *nodes = job->trees->nodes;
    const struct qn_feature *columns = job->features->columns;
    unsigned lane[QN_LANES], moving = QN_LANES;
    for (unsigned l = 0; l < QN_LANES; l++) {
        at[l] = root;
        lane[l] = l;
    }
    while (moving > 0) {
        unsigned still = 0;
        for (unsigned i = 0; i < moving; i++) {
            unsigned l = lane[i];
            const struct qn_node *node = &nodes[at[l]];
            if (node->feature == QN_NODE_LEAF)
                continue;
            at[l] = step(job->trees, node, &columns[node->feature], row + l);
            __builtin_prefetch(&nodes[at[l]]);
            lane[still++] = l;
        }
        moving = still;
    }
}

static void add_leaf(const struct accumulate *job, uint32_t leaf, size_t row)
{
    size_t outputs = job->trees->output_count;
    const double *values = job->trees->values + job->trees->nodes[leaf].value_at;
    double *out = job->out + row * outputs;
    for (size_t o = 0; o < outputs; o++)
        out[o] += job->scale * values[o];
}

static void accumulate_block(void *context, size_t index, unsigned thread)
{
    (void)thread;
    const struct accumulate *job = context;
    size_t begin = index * job->block_rows, end = job->features->row_count;
    if (end - begin > job->block_rows)
        end = begin + job->block_rows;
    for (size_t t = job->first; t < job->last; t++) {
        size_t row = begin;
        for (; row + QN_LANES <= end; row += QN_LANES) {
            uint32_t leaves[QN_LANES];
            walk_lanes(job, job->trees->roots[t], row, leaves);
            for (size_t l = 0; l < QN_LANES; l++)
                add_leaf(job, leaves[l], row + l);
        }
        for (; row < end; row++)
            add_leaf(job, qn_trees_leaf(job->trees, t, job->features, row), row);
    }
}

void qn_trees_accumulate(const struct qn_trees *trees, size_t first, size_t last, double scale,
                         const struct qn_features *features, struct qn_pool *pool, double *out)
{
    assert(first <= last && last <= trees->tree_count);
    size_t rows = features->row_count / QN_BLOCKS;
    if (rows < QN_BLOCK_ROWS_MINIMUM)
        rows = QN_BLOCK_ROWS_MINIMUM;
    if (rows > QN_BLOCK_ROWS_MAXIMUM)
        rows = QN_BLOCK_ROWS_MAXIMUM;
    struct accumulate job = {.trees = trees,
                             .first = first,
                             .last = last,
                             .scale = scale,
                             .features = features,
                             .block_rows = rows};
    job.out = out;
    qn_pool_run(pool, (features->row_count + rows - 1) / rows, accumulate_block, &job);
}

void qn_trees_gain(const struct qn_trees *trees, double *out)
{
    double total = 0;
    for (size_t f = 0; f < trees->feature_count; f++)
        out[f] = 0;
    for (size_t i = 0; i < trees->node_count; i++) {
        if (trees->nodes[i].feature == QN_NODE_LEAF)
            continue;
        out[trees->nodes[i].feature] += trees->nodes[i].gain;
        total += trees->nodes[i].gain;
    }
    for (size_t f = 0; f < trees->feature_count && total > 0; f++)
        out[f] /= total;
}

size_t qn_trees_leaves(const struct qn_trees *trees, size_t tree)
{
    size_t leaves = 0;
    for (size_t i = trees->roots[tree]; i < tree_end(trees, tree); i++)
        leaves += trees->nodes[i].feature == QN_NODE_LEAF;
    return leaves;
}

size_t qn_trees_depth(const struct qn_trees *trees, size_t tree)
{
    size_t root = trees->roots[tree], count = tree_end(trees, tree) - root, deepest = 0;
    uint32_t *depth = QN_CALLOC(uint32_t, count);
    if (!depth)
        return SIZE_MAX;
    for (size_t i = 0; i < count; i++) { /* Children come after their parent. */
        const struct qn_node *node = &trees->nodes[root + i];
        if (depth[i] > deepest)
            deepest = depth[i];
        if (node->feature == QN_NODE_LEAF)
            continue;
        depth[node->left - root] = depth[i] + 1;
        depth[node->right - root] = depth[i] + 1;
    }
    qn_free(depth);
    return deepest;
}
