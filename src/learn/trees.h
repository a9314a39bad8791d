/* An ensemble of binary decision trees over raw features: what tree, forest and boosting learn. */
#ifndef QN_LEARN_TREES_H
#define QN_LEARN_TREES_H

#include "base/buffer.h"
#include "base/thread.h"
#include "learn/binned.h"
#include "learn/features.h"

#define QN_FEATURE_LIMIT ((size_t)1 << 24) /* features that trees can have */
#define QN_NODE_LEAF (-1)
#define QN_NODE_CATEGORICAL 1u  /* split by a set of levels, else by threshold */
#define QN_NODE_MISSING_LEFT 2u /* where a missing value goes */
#define QN_NODE_UNSEEN_LEFT                                                                        \
    4u /* where a category goes that training did not have: the branch                             \
          with more training rows */

/* Left when x <= threshold, or when the level is in the node's set. */
struct qn_node {
    int32_t feature; /* QN_NODE_LEAF for a leaf */
    uint32_t flags;
    double threshold;
    uint32_t set_at, set_words; /* levels that go left: bits in qn_trees.sets; level l is bit
                                   l % 64 of word set_at + l / 64; levels beyond the words: right */
    uint32_t left, right;       /* nodes of the same tree, both larger than this node's index */
    uint32_t value_at;          /* every node: values[value_at .. + output_count) */
    double gain;                /* weighted impurity or loss decrease of the split; 0 for a leaf */
    double cover; /* training weight that reached the node (hessian sum in boosting) */
};

struct qn_trees {
    size_t tree_count, output_count, feature_count;
    size_t node_count, node_capacity;
    size_t value_count, value_capacity;
    size_t set_count, set_capacity;
    size_t tree_capacity;
    uint32_t *roots;       /* owns; first node of each tree; its nodes end where the next begin */
    struct qn_node *nodes; /* owns */
    double *values;        /* owns; class shares, a mean, or an additive score */
    uint64_t *sets;        /* owns */
    uint8_t *uses;         /* owns; how nodes that were read from bytes split each feature */
};

struct qn_trees *qn_trees_create(size_t output_count, size_t feature_count); /* NULL: no memory */
void qn_trees_free(struct qn_trees *trees);
/* Start a tree; append a node to it (its index in *out), a leaf so far, with output_count values of
 * 0; append a set of 64 * words levels, empty. QN_UNSUPPORTED past 2^32 - 1 of them. */
QN_MUST_CHECK enum qn_status qn_trees_begin(struct qn_trees *trees, struct qn_error *err);
QN_MUST_CHECK enum qn_status qn_trees_node(struct qn_trees *trees, uint32_t *out,
                                           struct qn_error *err);
QN_MUST_CHECK enum qn_status qn_trees_set(struct qn_trees *trees, size_t words, uint32_t *at_out,
                                          struct qn_error *err);
/* Moves all trees of `from` behind those of `trees`; `from` is freed. On failure both stay as they
 * were. */
QN_MUST_CHECK enum qn_status qn_trees_join(struct qn_trees *trees, struct qn_trees *from,
                                           struct qn_error *err);
/* Whether these features can be given to the trees: their number, and numbers where a node has a
 * threshold and levels where it has a set. To be asked before the calls below, since trees that
 * were read from a file may not belong to the features beside them; QN_INVALID says which. */
QN_MUST_CHECK enum qn_status qn_trees_check(const struct qn_trees *trees,
                                            const struct qn_features *features,
                                            struct qn_error *err);
/* The leaf that a row reaches. */
uint32_t qn_trees_leaf(const struct qn_trees *trees, size_t tree,
                       const struct qn_features *features, size_t row);
/* out (row_count x output_count, row-major) += scale * sum over trees [first, last) of leaf
 * values, summed in the order of trees. Blocked over rows and trees, parallel over row blocks. */
void qn_trees_accumulate(const struct qn_trees *trees, size_t first, size_t last, double scale,
                         const struct qn_features *features, struct qn_pool *pool, double *out);
/* Total gain by feature, scaled to add up to 1 (all 0 when there was no split). */
void qn_trees_gain(const struct qn_trees *trees, double *out);
void qn_trees_write(const struct qn_trees *trees, struct qn_buffer *buffer);
/* Every count, index and link is checked; QN_CORRUPT for bytes that are not trees. */
QN_MUST_CHECK enum qn_status qn_trees_read(struct qn_reader *reader, struct qn_trees **out,
                                           struct qn_error *err);
/* A lone leaf has 0; SIZE_MAX when out of memory. */
size_t qn_trees_depth(const struct qn_trees *trees, size_t tree);
size_t qn_trees_leaves(const struct qn_trees *trees, size_t tree);

#endif
