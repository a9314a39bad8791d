/* Growth: depth first, in the order of scikit-learn's (a parent, its left branch, its right one),
 * or best first when the leaves are limited. */
#include "learn/tree_internal.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

#define QN_LN2 0.69314718055994530942
#define QN_EPSILON 2.2204460492503131e-16 /* as scikit-learn allows in min_impurity_decrease */
#define QN_REPORT_ROWS ((size_t)65536)    /* rows that go through nodes between two reports */
#define QN_NO_PARENT UINT32_MAX

enum qn_status qn__worker_init(struct qn__worker *worker, const struct qn__problem *problem,
                               struct qn_pool *pool, struct qn_error *err)
{
    size_t feature_count = problem->features->feature_count, levels = 1;
    *worker = (struct qn__worker){
        .problem = problem, .pool = pool, .thread_count = qn_pool_threads(pool)};
    for (size_t f = 0; f < feature_count; f++) {
        if (problem->features->columns[f].kind == QN_FEATURE_CATEGORICAL &&
            (size_t)problem->features->columns[f].level_count > levels)
            levels = (size_t)problem->features->columns[f].level_count;
    }
    worker->level_words = (levels + 63) / 64;
    worker->levels = QN_ALLOC(uint64_t, 2 * worker->level_words);
    worker->items = QN_ALLOC(struct qn__item, problem->row_count);
    worker->spare = QN_ALLOC(struct qn__item, problem->row_count);
    worker->features = QN_ALLOC(size_t, feature_count);
    worker->splits = QN_ALLOC(struct qn__split, feature_count);
    worker->totals = QN_ALLOC(int64_t, problem->channels);
    worker->scratch = QN_CALLOC(struct qn__scratch, worker->thread_count);
    bool failed = !worker->items || !worker->spare || !worker->features || !worker->splits ||
                  !worker->totals || !worker->scratch || !worker->levels;
    for (unsigned t = 0; !failed && t < worker->thread_count; t++) {
        worker->scratch[t].sums = QN_ALLOC(int64_t, 4 * problem->channels);
        failed = !worker->scratch[t].sums;
    }
    if (failed)
        return qn_fail_nomem(err, "tree");
    return problem->binned ? qn__histogram_init(worker, err) : qn__exact_init(worker, err);
}

void qn__worker_release(struct qn__worker *worker)
{
    for (unsigned t = 0; worker->scratch && t < worker->thread_count; t++) {
        qn_free(worker->scratch[t].cells);
        qn_free(worker->scratch[t].sums);
        qn_free(worker->scratch[t].groups);
        qn_free(worker->scratch[t].group_sums);
        qn_free(worker->scratch[t].spare_rows);
        qn_free(worker->scratch[t].values);
    }
    for (size_t i = 0; i < worker->stored_count; i++)
        qn_free(worker->stored[i]);
    qn_free(worker->scratch);
    qn_free(worker->stored);
    qn_free(worker->unused);
    qn_free(worker->cell_at);
    qn_free(worker->items);
    qn_free(worker->spare);
    qn_free(worker->features);
    qn_free(worker->splits);
    qn_free(worker->totals);
    qn_free(worker->open);
    qn_free(worker->order);
    qn_free(worker->by_row);
    qn_free(worker->goes_left);
    qn_free(worker->levels);
    *worker = (struct qn__worker){.problem = NULL};
}

size_t qn__worker_draw(struct qn__worker *worker, size_t from, size_t count)
{
    size_t total = worker->problem->features->feature_count;
    if (count > total - from)
        count = total - from;
    if (count == total) /* All of them, in order: equally good splits go to the first feature. */
        return count;
    for (size_t i = from; i < from + count; i++) {
        size_t other = i + qn_random_below(&worker->random, total - i);
        size_t feature = worker->features[other];
        worker->features[other] = worker->features[i];
        worker->features[i] = feature;
    }
    return count;
}

bool qn__worker_may_split(const struct qn__worker *worker, const struct qn__open *open)
{
    const struct qn__problem *problem = worker->problem;
    size_t max_depth = (size_t)problem->options.max_depth;
    return (max_depth == 0 || open->depth < max_depth) && open->count >= problem->min_split &&
           open->count / 2 >= problem->min_leaf;
}

/* Whether all rows of the node have the same target. */
static bool is_pure(const struct qn__worker *worker, const struct qn__open *open)
{
    const struct qn__problem *problem = worker->problem;
    const struct qn__item *items = worker->items + open->begin;
    if (problem->kind != QN__SCORE_VARIANCE) {
        size_t classes = 0;
        for (size_t k = 0; k < problem->output_count; k++)
            classes += worker->totals[k] > 0;
        return classes < 2;
    }
    const double *y = problem->target->values;
    for (size_t i = 1; i < open->count; i++) {
        if (y[items[i].row] != y[items[0].row])
            return false;
    }
    return true;
}

/* Means are summed from the targets themselves, in the order of rows. */
static double node_mean(const struct qn__worker *worker, const struct qn__open *open)
{
    const struct qn__problem *problem = worker->problem;
    const struct qn_target *target = problem->target;
    const struct qn__item *items = worker->items + open->begin;
    double weight_sum = 0, sum = 0;
    for (size_t i = 0; i < open->count; i++) {
        double weight = target->weights ? target->weights[items[i].row] : 1;
        weight *= items[i].tag;
        weight_sum += weight;
        sum += weight * (target->values[items[i].row] - problem->center);
    }
    return problem->center + sum / weight_sum;
}

static void sum_node(struct qn__worker *worker, const struct qn__open *open)
{
    const struct qn__problem *problem = worker->problem;
    memset(worker->totals, 0, problem->channels * sizeof(*worker->totals));
    for (size_t i = 0; i < open->count; i++)
        qn__item_add(problem, &worker->items[open->begin + i], worker->totals);
}

/* Appends the node with its values; links it to its parent. */
static enum qn_status add_node(struct qn__worker *worker, struct qn__open *open,
                               struct qn_error *err)
{
    const struct qn__problem *problem = worker->problem;
    struct qn_trees *trees = worker->trees;
    enum qn_status status = qn_trees_node(trees, &open->node, err);
    if (status != QN_OK)
        return status;
    struct qn_node *node = &trees->nodes[open->node];
    double *values = trees->values + node->value_at;
    int64_t weight = qn__weight(problem, worker->totals);
    node->cover = (double)weight * problem->weight_unit;
    if (problem->kind == QN__SCORE_VARIANCE)
        values[0] = node_mean(worker, open);
    for (size_t k = 0; problem->kind != QN__SCORE_VARIANCE && k < problem->output_count; k++)
        values[k] = (double)worker->totals[k] / (double)weight;
    if (open->parent == QN_NO_PARENT)
        worker->total_weight = node->cover;
    else if (open->left)
        trees->nodes[open->parent].left = open->node;
    else
        trees->nodes[open->parent].right = open->node;
    return QN_OK;
}

static double real_gain(const struct qn__problem *problem, double gain)
{
    if (problem->kind == QN__SCORE_VARIANCE)
        gain *= problem->moment_unit * problem->moment_unit / problem->weight_unit;
    else if (problem->kind == QN__SCORE_ENTROPY)
        gain /= QN_LN2;
    else
        gain *= problem->weight_unit;
    return gain > 0 ? gain : 0;
}

/* Makes the node and looks for its split; *splits_out: it has one that is allowed. */
static enum qn_status evaluate(struct qn__worker *worker, struct qn__open *open, bool *splits_out,
                               struct qn_error *err)
{
    const struct qn__problem *problem = worker->problem;
    sum_node(worker, open);
    enum qn_status status = add_node(worker, open, err);
    if (status != QN_OK)
        return status;
    bool splits = qn__worker_may_split(worker, open) && !is_pure(worker, open);
    if (splits && open->parent == QN_NO_PARENT && problem->binned)
        status = qn__histogram_root(worker, open, err);
    if (status == QN_OK && splits) {
        if (problem->binned)
            qn__histogram_find(worker, open);
        else
            qn__exact_find(worker, open);
        splits = open->split.score > -INFINITY;
    }
    if (status == QN_OK && splits) {
        open->gain = real_gain(problem, open->split.score - qn__score(problem, worker->totals));
        splits = open->gain / worker->total_weight + QN_EPSILON >=
                 problem->options.min_impurity_decrease;
    }
    if (!splits && problem->binned)
        qn__histogram_forget(worker, open);
    *splits_out = splits;
    return status;
}

/* The node's set: levels that it had on the left, and, when the left branch has more rows, all
 * levels that it did not have. */
static enum qn_status write_set(struct qn__worker *worker, struct qn_node *node, bool more_left,
                                size_t level_count, struct qn_error *err)
{
    uint64_t *left = worker->levels, *known = worker->levels + worker->level_words;
    size_t words = (level_count + 63) / 64;
    for (size_t w = 0; w < words && more_left; w++)
        left[w] |= ~known[w];
    if (level_count % 64 != 0)
        left[words - 1] &= (UINT64_C(1) << (level_count % 64)) - 1;
    while (words > 0 && left[words - 1] == 0)
        words--;
    enum qn_status status = qn_trees_set(worker->trees, words, &node->set_at, err);
    if (status != QN_OK)
        return status;
    node->set_words = (uint32_t)words;
    if (words > 0)
        memcpy(worker->trees->sets + node->set_at, left, words * sizeof(*left));
    return QN_OK;
}

/* Turns the node into a split and divides its rows; *left and *right are its children to be. */
static enum qn_status expand(struct qn__worker *worker, struct qn__open *open,
                             struct qn__open *left, struct qn__open *right, struct qn_error *err)
{
    const struct qn__problem *problem = worker->problem;
    const struct qn__split *split = &open->split;
    const struct qn_feature *column = &problem->features->columns[split->feature];
    struct qn_node *node = &worker->trees->nodes[open->node];
    uint64_t *levels = worker->levels;
    memset(levels, 0, 2 * worker->level_words * sizeof(*levels));
    size_t (*divide)(struct qn__worker *, const struct qn__open *, uint64_t *, uint64_t *) =
        problem->binned ? qn__histogram_divide : qn__exact_divide;
    size_t left_count = divide(worker, open, levels, levels + worker->level_words);
    assert(left_count > 0 && left_count < open->count);
    bool more_left = left_count > open->count - left_count;
    node->feature = (int32_t)split->feature;
    node->gain = open->gain;
    node->threshold = split->threshold;
    if (split->has_missing ? split->missing_left : more_left)
        node->flags |= QN_NODE_MISSING_LEFT;
    enum qn_status status = QN_OK;
    if (column->kind == QN_FEATURE_CATEGORICAL) {
        node->threshold = 0;
        node->flags |= QN_NODE_CATEGORICAL | (more_left ? QN_NODE_UNSEEN_LEFT : 0);
        status = write_set(worker, node, more_left, (size_t)column->level_count, err);
    }
    *left = (struct qn__open){.begin = open->begin,
                              .count = left_count,
                              .depth = open->depth + 1,
                              .parent = open->node,
                              .left = true};
    *right = (struct qn__open){.begin = open->begin + left_count,
                               .count = open->count - left_count,
                               .depth = open->depth + 1,
                               .parent = open->node};
    if (status == QN_OK && problem->binned)
        status = qn__histogram_children(worker, open, left, right, err);
    return status;
}

static enum qn_status push(struct qn__worker *worker, const struct qn__open *open,
                           struct qn_error *err)
{
    if (qn_grow((void **)&worker->open, &worker->open_capacity, worker->open_count + 1,
                sizeof(*worker->open)) != 0)
        return qn_fail_nomem(err, "tree");
    worker->open[worker->open_count++] = *open;
    return QN_OK;
}

/* Reports every so many rows that went through nodes, as rows that are in leaves. */
static enum qn_status report(const struct qn__worker *worker, const struct qn_progress *progress,
                             size_t settled, size_t *since, size_t passed, struct qn_error *err)
{
    *since += passed;
    if (*since < QN_REPORT_ROWS)
        return QN_OK;
    *since = 0;
    return qn_progress_report(progress, "fit", settled, worker->item_count, "rows", err);
}

static enum qn_status grow_by_depth(struct qn__worker *worker, const struct qn__open *root,
                                    const struct qn_progress *progress, struct qn_error *err)
{
    size_t settled = 0, since = 0;
    enum qn_status status = push(worker, root, err);
    while (status == QN_OK && worker->open_count > 0) {
        struct qn__open open = worker->open[--worker->open_count], left, right;
        bool splits = false;
        status = evaluate(worker, &open, &splits, err);
        if (status == QN_OK && splits) {
            status = expand(worker, &open, &left, &right, err);
            if (status == QN_OK)
                status = push(worker, &right, err);
            if (status == QN_OK)
                status = push(worker, &left, err);
        } else {
            settled += open.count;
        }
        if (status == QN_OK)
            status = report(worker, progress, settled, &since, open.count, err);
    }
    return status;
}

/* Larger gain first; of equal ones the older node. */
static bool comes_before(const struct qn__open *a, const struct qn__open *b)
{
    return a->gain != b->gain ? a->gain > b->gain : a->node < b->node;
}

/* Moves the last open node up to its place in the heap. */
static void heap_rise(struct qn__worker *worker)
{
    struct qn__open *heap = worker->open;
    for (size_t at = worker->open_count - 1; at > 0;) {
        size_t above = (at - 1) / 2;
        if (!comes_before(&heap[at], &heap[above]))
            return;
        struct qn__open open = heap[at];
        heap[at] = heap[above];
        heap[above] = open;
        at = above;
    }
}

static struct qn__open heap_take(struct qn__worker *worker)
{
    struct qn__open *heap = worker->open, best = heap[0];
    size_t count = --worker->open_count;
    heap[0] = heap[count];
    for (size_t at = 0; 2 * at + 1 < count;) {
        size_t below = 2 * at + 1;
        if (below + 1 < count && comes_before(&heap[below + 1], &heap[below]))
            below++;
        if (!comes_before(&heap[below], &heap[at]))
            break;
        struct qn__open open = heap[at];
        heap[at] = heap[below];
        heap[below] = open;
        at = below;
    }
    return best;
}

static enum qn_status consider(struct qn__worker *worker, struct qn__open *open,
                               struct qn_error *err)
{
    bool splits = false;
    enum qn_status status = evaluate(worker, open, &splits, err);
    if (status != QN_OK || !splits)
        return status;
    status = push(worker, open, err);
    if (status == QN_OK)
        heap_rise(worker);
    return status;
}

static enum qn_status grow_by_gain(struct qn__worker *worker, struct qn__open *root,
                                   const struct qn_progress *progress, struct qn_error *err)
{
    size_t leaves = 1, since = 0, max_leaves = (size_t)worker->problem->options.max_leaves;
    enum qn_status status = consider(worker, root, err);
    while (status == QN_OK && worker->open_count > 0 && leaves < max_leaves) {
        struct qn__open open = heap_take(worker), left, right;
        sum_node(worker, &open); /* The order of levels depends on the node's totals. */
        status = expand(worker, &open, &left, &right, err);
        if (status == QN_OK)
            status = consider(worker, &left, err);
        if (status == QN_OK)
            status = consider(worker, &right, err);
        leaves++;
        if (status == QN_OK)
            status = report(worker, progress, leaves * worker->item_count / max_leaves, &since,
                            open.count, err);
    }
    return status;
}

enum qn_status qn__worker_grow(struct qn__worker *worker, const struct qn_progress *progress,
                               struct qn_error *err)
{
    struct qn__open root = {.count = worker->item_count, .parent = QN_NO_PARENT};
    worker->open_count = 0;
    worker->unused_count = 0;
    for (size_t i = 0; i < worker->stored_count; i++)
        worker->unused[worker->unused_count++] = worker->stored[i];
    for (size_t f = 0; f < worker->problem->features->feature_count; f++)
        worker->features[f] = f;
    if (!worker->problem->binned)
        qn__exact_start(worker);
    enum qn_status status = qn_trees_begin(worker->trees, err);
    if (status != QN_OK)
        return status;
    if (worker->problem->options.max_leaves > 0)
        return grow_by_gain(worker, &root, progress, err);
    return grow_by_depth(worker, &root, progress, err);
}
