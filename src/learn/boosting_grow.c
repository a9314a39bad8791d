/* Leaf-wise growth (Shi, "Best-first decision tree learning", 2007): the leaf whose split gains
 * most is split next, until there are max_leaves. */
#include "learn/boosting_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define QN_SCRATCH_CELLS ((size_t)1 << 12)
/* Cells counted and searched below which other threads are not asked: waking them takes longer. */
#define QN_ALONE_WORK 6000

static enum qn_status no_memory(struct qn_error *err)
{
    return qn_fail_nomem(err, "gradient_boosting");
}

/* ---- histogram memory ---- */

static struct qn__histogram_list *list_of(struct qn__grower *grower, bool wide)
{
    return wide ? &grower->wide : &grower->packed;
}

static enum qn_status histogram_take(struct qn__grower *grower, bool wide,
                                     struct qn__histogram *out, struct qn_error *err)
{
    struct qn__histogram_list *list = list_of(grower, wide);
    if (list->free_count > 0) {
        *out = list->free[--list->free_count];
        return QN_OK;
    }
    if (qn_grow((void **)&list->free, &list->capacity, list->made_count + 1, sizeof(*list->free)) !=
        0)
        return no_memory(err);
    struct qn__histogram fresh = {.wide = wide};
    size_t cells = grower->store->cell_count;
    if (wide)
        fresh.sums = QN_ALLOC(struct qn__sums, cells);
    else
        fresh.packed = QN_ALLOC(int64_t, cells);
    if (!fresh.sums && !fresh.packed)
        return no_memory(err);
    list->made_count++;
    *out = fresh;
    return QN_OK;
}

/* Keeps the memory for another node. */
static void histogram_give(struct qn__grower *grower, struct qn__histogram *histogram)
{
    if (!histogram->packed && !histogram->sums)
        return;
    struct qn__histogram_list *list = list_of(grower, histogram->wide);
    list->free[list->free_count++] = *histogram;
    *histogram = (struct qn__histogram){0};
}

static void list_release(struct qn__histogram_list *list)
{
    for (size_t i = 0; i < list->free_count; i++) {
        qn_free(list->free[i].packed);
        qn_free(list->free[i].sums);
    }
    qn_free(list->free);
}

/* ---- candidates, the best first ---- */

static bool comes_first(const struct qn__grower *grower, uint32_t a, uint32_t b)
{
    double gain_a = grower->nodes[a].split.gain, gain_b = grower->nodes[b].split.gain;
    return gain_a > gain_b || (gain_a == gain_b && a < b);
}

static void heap_push(struct qn__grower *grower, uint32_t node)
{
    size_t at = grower->heap_count++;
    while (at > 0 && comes_first(grower, node, grower->heap[(at - 1) / 2])) {
        grower->heap[at] = grower->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    grower->heap[at] = node;
}

static uint32_t heap_pop(struct qn__grower *grower)
{
    uint32_t first = grower->heap[0], moved = grower->heap[--grower->heap_count];
    size_t at = 0;
    for (size_t child = 1; child < grower->heap_count; child = 2 * at + 1) {
        if (child + 1 < grower->heap_count &&
            comes_first(grower, grower->heap[child + 1], grower->heap[child]))
            child++;
        if (!comes_first(grower, grower->heap[child], moved))
            break;
        grower->heap[at] = grower->heap[child];
        at = child;
    }
    grower->heap[at] = moved;
    return first;
}

/* ---- histograms and splits of the children of a node ---- */

struct search_job {
    struct qn__grower *grower;
    struct qn__grow_node *built; /* counted from its rows */
    struct qn__grow_node *rest;  /* NULL, or got as parent - built */
    struct qn__histogram parent;
    bool search_built, search_rest;
};

static void search_slots(const struct qn__grower *grower, const struct qn__tile *tile,
                         const struct qn__grow_node *node, struct qn__split *best)
{
    assert(node);
    for (size_t slot = tile->slot; slot < tile->slot + tile->width; slot++) {
        if (!grower->slot_in || grower->slot_in[slot])
            qn__split_search(grower->store, slot, &grower->quantised->layout, &grower->rules,
                             &node->histogram, node->total, best);
    }
}

static bool tile_takes_part(const struct qn__grower *grower, const struct qn__tile *tile)
{
    if (!grower->slot_in)
        return true;
    for (size_t slot = tile->slot; slot < tile->slot + tile->width; slot++) {
        if (grower->slot_in[slot])
            return true;
    }
    return false;
}

static void search_tile(void *context, size_t index, unsigned thread)
{
    struct search_job *job = context;
    struct qn__grower *grower = job->grower;
    const struct qn__tile *tile = &grower->store->tiles[index];
    struct qn__split *found = &grower->found[2 * index];
    found[0].feature = found[1].feature = -1;
    if (!tile_takes_part(grower, tile))
        return;
    qn__histogram_tile(tile, grower->quantised, grower->rows + job->built->begin, job->built->count,
                       &job->built->histogram, grower->scratch + thread * QN_SCRATCH_CELLS);
    if (job->rest)
        qn__histogram_subtract(tile, &grower->quantised->layout, &job->parent,
                               &job->built->histogram, &job->rest->histogram);
    if (job->search_built)
        search_slots(grower, tile, job->built, &found[0]);
    if (job->rest && job->search_rest)
        search_slots(grower, tile, job->rest, &found[1]);
}

/* The best over all tiles, in an order that does not depend on how slots were cut into tiles. */
static void take_best(struct qn__grower *grower, size_t which, struct qn__grow_node *node)
{
    struct qn__split *best = &node->split;
    best->feature = -1;
    for (size_t t = 0; t < grower->store->tile_count; t++) {
        const struct qn__split *split = &grower->found[2 * t + which];
        if (split->feature < 0)
            continue;
        if (best->feature < 0 || split->gain > best->gain ||
            (split->gain == best->gain && split->feature < best->feature))
            *best = *split;
    }
    if (best->feature >= 0)
        heap_push(grower, (uint32_t)(node - grower->nodes));
}

static bool wants_wide(const struct qn__grower *grower, const struct qn__grow_node *node)
{
    return grower->quantised->exact || node->count > QN__PACKED_ROWS;
}

/* Whether a split of the node could be allowed at all. */
static bool may_split(const struct qn__grower *grower, const struct qn__grow_node *node)
{
    const struct qn_boosting_options *options = grower->options;
    return (int64_t)grower->leaf_count < options->max_leaves &&
           (options->max_depth == 0 || node->depth < options->max_depth) &&
           (int64_t)node->count >= 2 * options->min_samples_leaf &&
           (double)node->total.hessian >= 2 * grower->rules.min_hessian;
}

static void search_both(struct qn__grower *grower, struct search_job *job)
{
    size_t work = job->built->count * grower->store->slot_count +
                  (job->search_built + (size_t)job->search_rest) * grower->store->cell_count;
    qn_pool_run(work < QN_ALONE_WORK ? NULL : grower->pool, grower->store->tile_count, search_tile,
                job);
    if (job->search_built)
        take_best(grower, 0, job->built);
    if (job->search_rest)
        take_best(grower, 1, job->rest);
}

/* The smaller child is counted, the larger one is what remains of the parent. */
static enum qn_status search_children(struct qn__grower *grower, struct qn__grow_node *parent,
                                      struct qn_error *err)
{
    struct qn__grow_node *small = &grower->nodes[parent->left];
    struct qn__grow_node *large = &grower->nodes[parent->right];
    if (small->count > large->count) {
        small = large;
        large = &grower->nodes[parent->left];
    }
    struct search_job job = {.grower = grower,
                             .built = small,
                             .rest = large,
                             .parent = parent->histogram,
                             .search_built = may_split(grower, small),
                             .search_rest = may_split(grower, large)};
    if (!job.search_built && !job.search_rest) {
        histogram_give(grower, &parent->histogram);
        return QN_OK;
    }
    enum qn_status status =
        histogram_take(grower, wants_wide(grower, small), &small->histogram, err);
    if (status != QN_OK)
        return status;
    bool same_form = parent->histogram.wide == wants_wide(grower, large);
    if (!same_form)
        status = histogram_take(grower, wants_wide(grower, large), &large->histogram, err);
    if (status != QN_OK)
        return status;
    if (same_form) {
        large->histogram = parent->histogram;
        parent->histogram = (struct qn__histogram){0};
    }
    search_both(grower, &job);
    histogram_give(grower, &parent->histogram);
    if (!job.search_built || small->split.feature < 0)
        histogram_give(grower, &small->histogram);
    if (!job.search_rest || large->split.feature < 0)
        histogram_give(grower, &large->histogram);
    return QN_OK;
}

/* ---- growth ---- */

static struct qn__grow_node *add_node(struct qn__grower *grower, size_t begin, size_t count,
                                      struct qn__sums total, uint32_t depth)
{
    assert(grower->node_count < grower->node_capacity);
    struct qn__grow_node *node = &grower->nodes[grower->node_count++];
    *node = (struct qn__grow_node){
        .begin = begin, .count = count, .total = total, .depth = depth, .split.feature = -1};
    return node;
}

static enum qn_status split_node(struct qn__grower *grower, uint32_t index, struct qn_error *err)
{
    struct qn__grow_node *node = &grower->nodes[index];
    const struct qn__split *split = &node->split;
    const uint8_t *codes = qn_binned_column(grower->store->binned, (size_t)split->feature);
    size_t left_count = qn__partition(codes, split, grower->rows + node->begin,
                                      grower->spare_rows + node->begin, node->count, grower->pool);
    assert((int64_t)left_count == split->left.count);
    struct qn__sums right = {node->total.gradient - split->left.gradient,
                             node->total.hessian - split->left.hessian,
                             node->total.count - split->left.count};
    node->left = (uint32_t)grower->node_count;
    node->right = node->left + 1;
    struct qn__grow_node *children[2] = {
        add_node(grower, node->begin, left_count, split->left, node->depth + 1),
        add_node(grower, node->begin + left_count, node->count - left_count, right,
                 node->depth + 1)};
    for (size_t i = 0; i < 2; i++)
        children[i]->lambda = split->ordered ? QN__CATEGORY_LAMBDA : 0.0;
    grower->leaf_count++;
    return search_children(grower, node, err);
}

static struct qn__sums total_of(const struct qn__quantised *quantised, const uint32_t *rows,
                                size_t row_count)
{
    struct qn__sums total = {0, 0, (int64_t)row_count};
    for (size_t i = 0; i < row_count; i++) {
        struct qn__sums row =
            quantised->exact
                ? (struct qn__sums){quantised->gradient[rows[i]], quantised->hessian[rows[i]], 1}
                : qn__unpack(&quantised->layout, quantised->packed[rows[i]]);
        total.gradient += row.gradient;
        total.hessian += row.hessian;
    }
    return total;
}

static enum qn_status search_root(struct qn__grower *grower, struct qn_error *err)
{
    struct qn__grow_node *root = &grower->nodes[0];
    if (!may_split(grower, root) || grower->store->slot_count == 0)
        return QN_OK;
    enum qn_status status = histogram_take(grower, wants_wide(grower, root), &root->histogram, err);
    if (status != QN_OK)
        return status;
    struct search_job job = {.grower = grower, .built = root, .search_built = true};
    search_both(grower, &job);
    return QN_OK;
}

static void set_rules(struct qn__grower *grower)
{
    const struct qn_boosting_options *options = grower->options;
    const struct qn__layout *layout = &grower->quantised->layout;
    double unit = layout->hessian_unit;
    double gain_unit = layout->gradient_unit * layout->gradient_unit / unit;
    int64_t group = (int64_t)(grower->nodes[0].count / QN__CATEGORY_GROUP);
    grower->rules = (struct qn__rules){
        .lambda = options->lambda / unit,
        /* One unit at least: a side must not be without any curvature. */
        .min_hessian = fmax(options->min_child_weight / unit, 1.0),
        .min_gain = 2.0 * options->min_gain / gain_unit,
        .category_lambda = QN__CATEGORY_LAMBDA / unit,
        .category_smoothing = QN__CATEGORY_SMOOTHING / unit,
        .gain_unit = gain_unit,
        .min_rows = options->min_samples_leaf,
        .category_group = group < QN__CATEGORY_GROUP ? group : QN__CATEGORY_GROUP};
}

/* Unrounded sums of the leaves, each in the order of its rows. */
static void sum_leaf(void *context, size_t index, unsigned thread)
{
    (void)thread;
    const struct qn__grower *grower = context;
    struct qn__grow_node *node = &grower->nodes[index];
    if (node->left != 0)
        return;
    double gradient = 0, hessian = 0;
    for (size_t i = node->begin; i < node->begin + node->count; i++) {
        gradient += grower->gradient[grower->rows[i]];
        hessian += grower->hessian ? grower->hessian[grower->rows[i]] : 1.0;
    }
    node->gradient = gradient;
    node->hessian = hessian;
}

static void set_values(struct qn__grower *grower)
{
    qn_pool_run(grower->pool, grower->node_count, sum_leaf, grower);
    for (size_t i = grower->node_count; i-- > 0;) {
        struct qn__grow_node *node = &grower->nodes[i];
        if (node->left != 0) {
            const struct qn__grow_node *left = &grower->nodes[node->left];
            const struct qn__grow_node *right = &grower->nodes[node->right];
            node->gradient = left->gradient + right->gradient;
            node->hessian = left->hessian + right->hessian;
        }
        double bottom = node->hessian + grower->options->lambda + node->lambda;
        double step = bottom > 0 ? -node->gradient / bottom : 0.0;
        if (fabs(step) > grower->longest_step)
            step = copysign(grower->longest_step, step);
        node->value = grower->options->learning_rate * step;
    }
}

enum qn_status qn__grower_grow(struct qn__grower *grower, size_t row_count, struct qn_error *err)
{
    grower->node_count = grower->heap_count = 0;
    grower->leaf_count = 1;
    add_node(grower, 0, row_count, total_of(grower->quantised, grower->rows, row_count), 0);
    set_rules(grower);
    enum qn_status status = search_root(grower, err);
    while (status == QN_OK && grower->heap_count > 0 &&
           (int64_t)grower->leaf_count < grower->options->max_leaves)
        status = split_node(grower, heap_pop(grower), err);
    for (size_t i = 0; i < grower->node_count; i++)
        histogram_give(grower, &grower->nodes[i].histogram);
    if (status == QN_OK)
        set_values(grower);
    return status;
}

/* ---- life ---- */

enum qn_status qn__grower_create(const struct qn__store *store,
                                 const struct qn_boosting_options *options, size_t row_count,
                                 struct qn_pool *pool, struct qn__grower **out,
                                 struct qn_error *err)
{
    struct qn__grower *grower = QN_CALLOC(struct qn__grower, 1);
    if (!grower)
        return no_memory(err);
    size_t leaves =
        (uint64_t)options->max_leaves < row_count ? (size_t)options->max_leaves : row_count;
    grower->store = store;
    grower->options = options;
    grower->pool = pool;
    grower->node_capacity = 2 * leaves;
    grower->rows = QN_ALLOC(uint32_t, row_count);
    grower->spare_rows = QN_ALLOC(uint32_t, row_count);
    grower->nodes = QN_ALLOC(struct qn__grow_node, grower->node_capacity);
    grower->heap = QN_ALLOC(uint32_t, grower->node_capacity);
    grower->found = QN_ALLOC(struct qn__split, 2 * store->tile_count);
    grower->scratch = QN_ALLOC(int64_t, qn_pool_threads(pool) * QN_SCRATCH_CELLS);
    if (!grower->rows || !grower->spare_rows || !grower->nodes || !grower->heap || !grower->found ||
        !grower->scratch) {
        qn__grower_free(grower);
        return no_memory(err);
    }
    *out = grower;
    return QN_OK;
}

void qn__grower_free(struct qn__grower *grower)
{
    if (!grower)
        return;
    list_release(&grower->packed);
    list_release(&grower->wide);
    qn_free(grower->rows);
    qn_free(grower->spare_rows);
    qn_free(grower->nodes);
    qn_free(grower->heap);
    qn_free(grower->found);
    qn_free(grower->scratch);
    qn_free(grower);
}
