/* Growing one tree: shared by the exact and the histogram splitter, decision trees and forests. */
#ifndef QN_LEARN_TREE_INTERNAL_H
#define QN_LEARN_TREE_INTERNAL_H

#include "base/random.h"
#include "learn/tree.h"

#include <assert.h>
#include <stdint.h>

enum qn__score_kind {
    QN__SCORE_BINARY, /* gini of two classes */
    QN__SCORE_GINI,
    QN__SCORE_ENTROPY,
    QN__SCORE_VARIANCE,
};

/* A training row of a tree. Classification: tag is the class, amount the weight in fixed point.
 * Regression: tag is how often the row was drawn, amount the weighted target in fixed point. */
struct qn__item {
    uint32_t row, tag;
    int64_t amount;
};

/* What all trees of a fit share. A sum over rows is `channels` integers: weights by class, or
 * weight and moment; and the number of rows where that is asked for and not the weight already. */
struct qn__problem {
    const struct qn_features *features;
    const struct qn_target *target;
    const struct qn_binned *binned; /* NULL: exact splits */
    struct qn_tree_options options;
    enum qn__score_kind kind;
    size_t output_count, channels;
    bool counted;  /* the last channel is the number of rows */
    bool shuffled; /* cuts are drawn at random (extra trees) */
    size_t min_split, min_leaf, max_features;
    int64_t *weights; /* owns; fixed point by row, 0 for rows left out; NULL: all 1 */
    int64_t *moments; /* owns; regression: weight * (target - center), fixed point */
    double center;
    double weight_unit, moment_unit; /* what 1 in fixed point stands for */
    double *xlogx; /* owns; x ln x of whole weights below xlogx_count; entropy only */
    size_t xlogx_count;
    uint32_t *rows; /* owns; rows of positive weight */
    size_t row_count;
};

struct qn__split {
    double score; /* of the children together; -INFINITY: no split */
    double threshold;
    size_t feature;
    size_t prefix;     /* categorical: the first so many levels or bins of the order go left */
    uint8_t cut, next; /* histogram, numeric: the last bin that goes left, and the first that does
                          not (0: all values go left) */
    bool usable;       /* the feature is not constant in the node */
    bool has_missing;  /* the node has rows without a value */
    bool missing_left;
};

/* A level (or bin) of a node and its place in the order of levels. */
struct qn__group {
    double key;
    uint32_t level, at; /* at: its sums are the at-th */
};

struct qn__scratch {
    int64_t *cells;           /* owns; sums by bin, zero between uses */
    int64_t *sums;            /* owns; 4 * channels */
    struct qn__group *groups; /* owns */
    int64_t *group_sums;      /* owns; exact: sums of a node's levels */
    uint32_t *spare_rows;     /* owns; exact */
    struct qn__value *values; /* owns; exact */
};

struct qn__value {
    double value;
    uint32_t row;
};

struct qn__open {
    size_t begin, count, depth;
    uint32_t node, parent; /* parent UINT32_MAX: the root */
    bool left;
    int64_t *cells; /* sums of all features' bins (from the worker's store), or NULL */
    double gain;    /* of `split`, in units of the target */
    struct qn__split split;
};

/* What one thread needs to grow trees, one after the other. */
struct qn__worker {
    const struct qn__problem *problem;
    struct qn_pool *pool;           /* for work inside a tree; NULL: none */
    struct qn__item *items, *spare; /* own */
    size_t item_count;
    size_t *features;            /* owns; a permutation */
    struct qn__split *splits;    /* owns; by place in `features` */
    struct qn__scratch *scratch; /* owns; one a thread of the pool */
    unsigned thread_count;
    int64_t *totals; /* owns; channels: of the node at hand */
    struct qn_random random;
    struct qn_trees *trees; /* borrows: the tree that grows is its last */
    double total_weight;

    struct qn__open *open; /* owns; a stack, or a heap by gain */
    size_t open_count, open_capacity;

    /* Histogram: where each feature's bins are in an open node's cells, and the free ones. */
    size_t *cell_at;  /* owns; feature_count + 1 */
    int64_t **stored; /* owns both; all blocks of cells */
    size_t stored_count, stored_limit;
    int64_t **unused; /* owns the list only */
    size_t unused_count;

    /* Exact: rows of each feature in order of value, missing last; partitioned like items. */
    uint32_t *order;         /* owns; feature_count x row_count */
    struct qn__item *by_row; /* owns */
    uint8_t *goes_left;      /* owns; by row */
    uint64_t *levels;        /* owns; 2 * level_words: bits of levels of the split at hand */
    size_t level_words;
};

/* tree_problem.c */
QN_MUST_CHECK enum qn_status qn__problem_init(struct qn__problem *problem, const struct qn_fit *fit,
                                              bool shuffled, struct qn_error *err);
void qn__problem_release(struct qn__problem *problem);
struct qn__item qn__problem_item(const struct qn__problem *problem, uint32_t row, uint32_t times);
double qn__xlogx(const struct qn__problem *problem, int64_t weight);

/* tree_grow.c: grows items [0, item_count) of the worker into a new tree of worker->trees. */
QN_MUST_CHECK enum qn_status qn__worker_init(struct qn__worker *worker,
                                             const struct qn__problem *problem,
                                             struct qn_pool *pool, struct qn_error *err);
void qn__worker_release(struct qn__worker *worker);
QN_MUST_CHECK enum qn_status qn__worker_grow(struct qn__worker *worker,
                                             const struct qn_progress *progress,
                                             struct qn_error *err);

/* tree_groups.c: the best prefix of groups ordered by their key; fills split when better than what
 * it has. sums: channels integers a group. missing NULL: none in the node. */
void qn__groups_order(const struct qn__problem *problem, const int64_t *totals, const int64_t *sums,
                      struct qn__group *groups, size_t count);
void qn__groups_scan(const struct qn__problem *problem, const int64_t *totals, const int64_t *sums,
                     const struct qn__group *groups, size_t count, const int64_t *missing,
                     size_t only, int64_t *work, struct qn__split *split);

/* tree_histogram.c and tree_exact.c: the best split of a node into open->split, by the worker's
 * totals; and which of its rows go left. `levels` gets bits of levels: first word of those that go
 * left, then of those that the node has. */
QN_MUST_CHECK enum qn_status qn__histogram_init(struct qn__worker *worker, struct qn_error *err);
void qn__histogram_find(struct qn__worker *worker, struct qn__open *open);
size_t qn__histogram_divide(struct qn__worker *worker, const struct qn__open *open,
                            uint64_t *left_levels, uint64_t *known_levels);
QN_MUST_CHECK enum qn_status qn__histogram_root(struct qn__worker *worker, struct qn__open *open,
                                                struct qn_error *err);
QN_MUST_CHECK enum qn_status qn__histogram_children(struct qn__worker *worker,
                                                    struct qn__open *parent, struct qn__open *left,
                                                    struct qn__open *right, struct qn_error *err);
void qn__histogram_forget(struct qn__worker *worker, struct qn__open *open);
QN_MUST_CHECK enum qn_status qn__exact_init(struct qn__worker *worker, struct qn_error *err);
void qn__exact_start(struct qn__worker *worker);
void qn__exact_find(struct qn__worker *worker, struct qn__open *open);
size_t qn__exact_divide(struct qn__worker *worker, const struct qn__open *open,
                        uint64_t *left_levels, uint64_t *known_levels);

/* Draws the features to try, in worker->features; more are drawn while all are constant. */
size_t qn__worker_draw(struct qn__worker *worker, size_t from, size_t count);
bool qn__worker_may_split(const struct qn__worker *worker, const struct qn__open *open);

/* tree_parameters.c */
extern const struct qn_parameter qn__decision_tree_parameters[], qn__random_forest_parameters[],
    qn__extra_trees_parameters[];

/* tree_model.c: what the three learners share. */
enum qn_status qn__forest_predict(const void *model, const struct qn_features *features,
                                  struct qn_pool *pool, double *out, struct qn_error *err);
size_t qn__forest_output_count(const void *model);
size_t qn__forest_feature_count(const void *model);
enum qn_status qn__forest_importance(const void *model, double *out, struct qn_error *err);
json_t *qn__forest_describe(const void *model, const char *const *names);
void qn__forest_write(const void *model, struct qn_buffer *buffer);
enum qn_status qn__forest_read(struct qn_reader *reader, void **out, struct qn_error *err);
void qn__forest_free(void *model);
struct qn_forest *qn__forest_create(const struct qn__problem *problem); /* NULL: no memory */

/* How well sums are together: larger is purer. The impurity decrease of a split is the score of
 * both children less that of the node. */
static inline double qn__score(const struct qn__problem *problem, const int64_t *sums)
{
    size_t classes = problem->output_count;
    if (problem->kind == QN__SCORE_VARIANCE)
        return (double)sums[1] * (double)sums[1] / (double)sums[0];
    if (problem->kind == QN__SCORE_BINARY) {
        double a = (double)sums[0], b = (double)sums[1];
        return (a * a + b * b) / (a + b);
    }
    if (problem->kind == QN__SCORE_GINI) {
        double total = 0, squares = 0;
        for (size_t k = 0; k < classes; k++) {
            double weight = (double)sums[k];
            total += weight;
            squares += weight * weight;
        }
        return squares / total;
    }
    double score = 0;
    int64_t total = 0;
    for (size_t k = 0; k < classes; k++) {
        score += qn__xlogx(problem, sums[k]);
        total += sums[k];
    }
    return score - qn__xlogx(problem, total);
}

/* Weight in fixed point. */
static inline int64_t qn__weight(const struct qn__problem *problem, const int64_t *sums)
{
    if (problem->kind == QN__SCORE_VARIANCE)
        return sums[0];
    int64_t total = 0;
    for (size_t k = 0; k < problem->output_count; k++)
        total += sums[k];
    return total;
}

static inline void qn__item_add(const struct qn__problem *problem, const struct qn__item *item,
                                int64_t *sums)
{
    if (problem->kind == QN__SCORE_VARIANCE) {
        sums[0] += problem->weights ? problem->weights[item->row] * item->tag : item->tag;
        sums[1] += item->amount;
    } else {
        sums[item->tag] += item->amount;
    }
    if (problem->counted)
        sums[problem->channels - 1]++;
}

/* Tries left and totals - left as a split; true when it is better than `best` and allowed. */
static inline bool qn__try(const struct qn__problem *problem, const int64_t *totals,
                           const int64_t *left, int64_t *right, double *best)
{
    for (size_t c = 0; c < problem->channels; c++)
        right[c] = totals[c] - left[c];
    if (problem->min_leaf > 1) {
        int64_t least = (int64_t)problem->min_leaf;
        bool counted = problem->counted;
        size_t last = problem->channels - 1;
        if ((counted ? left[last] : qn__weight(problem, left)) < least ||
            (counted ? right[last] : qn__weight(problem, right)) < least)
            return false;
    }
    double score = qn__score(problem, left) + qn__score(problem, right);
    if (!(score > *best))
        return false;
    *best = score;
    return true;
}

#endif
