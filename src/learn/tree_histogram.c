/* The histogram splitter: sums by bin of the binned store. A node's sums are made from its rows, or
 * as its parent's less its sibling's; both give the same integers. Nodes with few rows only touch
 * the bins that they have. */
#include "learn/tree_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define QN_CHUNK_ROWS ((size_t)1024)    /* items that stay in the cache over a batch of features */
#define QN_FEW_ROWS ((size_t)512)       /* below: remember which bins were touched */
#define QN_SUBTRACT_ROWS ((size_t)1024) /* below: subtraction costs more than it saves */
#define QN_PARALLEL_CELLS ((size_t)32768)  /* rows * features that are worth waking threads for */
#define QN_BATCH ((size_t)4)               /* features of one task */
#define QN_BATCH_CELLS ((size_t)65536)     /* integers that their sums may take */
#define QN_STORE_BYTES ((size_t)128 << 20) /* for sums of open nodes */
#define QN_STORE_BLOCKS ((size_t)256)
#define QN_OCCUPIED_WORDS (QN_BIN_LIMIT / 64)

struct job {
    struct qn__worker *worker;
    const struct qn__open *open;
    size_t first, last;     /* places in worker->features */
    int64_t *subtract_from; /* building: take the new sums away from these */
};

static size_t batch_size(const struct qn__problem *problem)
{
    size_t batch = QN_BATCH_CELLS / (QN_BIN_LIMIT * problem->channels);
    return batch < 1 ? 1 : batch < QN_BATCH ? batch : QN_BATCH;
}

static bool is_stored(const struct qn__problem *problem)
{
    return problem->max_features == problem->features->feature_count && !problem->shuffled;
}

enum qn_status qn__histogram_init(struct qn__worker *worker, struct qn_error *err)
{
    const struct qn__problem *problem = worker->problem;
    const struct qn_binned *binned = problem->binned;
    size_t slot = QN_BIN_LIMIT * problem->channels;
    bool failed = false;
    for (unsigned t = 0; t < worker->thread_count; t++) {
        struct qn__scratch *scratch = &worker->scratch[t];
        scratch->cells = QN_CALLOC(int64_t, slot * batch_size(problem));
        scratch->groups = QN_ALLOC(struct qn__group, QN_BIN_LIMIT);
        failed = failed || !scratch->cells || !scratch->groups;
    }
    worker->cell_at = QN_ALLOC(size_t, binned->feature_count + 1);
    worker->stored = QN_CALLOC(int64_t *, QN_STORE_BLOCKS);
    worker->unused = QN_CALLOC(int64_t *, QN_STORE_BLOCKS);
    if (failed || !worker->cell_at || !worker->stored || !worker->unused)
        return qn_fail_nomem(err, "tree");
    worker->cell_at[0] = 0;
    for (size_t f = 0; f < binned->feature_count; f++)
        worker->cell_at[f + 1] =
            worker->cell_at[f] + binned->features[f].bin_count * problem->channels;
    assert(worker->cell_at[binned->feature_count] > 0); /* There is a feature with a bin. */
    size_t limit = QN_STORE_BYTES / sizeof(int64_t) / worker->cell_at[binned->feature_count];
    worker->stored_limit = !is_stored(problem)       ? 0
                           : limit < QN_STORE_BLOCKS ? limit
                                                     : QN_STORE_BLOCKS;
    return QN_OK;
}

/* Sums of items by bin. The two commonest kinds have loops of their own. */
static void add_cells(const struct qn__problem *problem, const uint8_t *codes,
                      const struct qn__item *items, size_t count, int64_t *cells)
{
    size_t channels = problem->channels;
    if (problem->kind == QN__SCORE_BINARY && channels == 2) {
        for (size_t i = 0; i < count; i++)
            cells[(size_t)codes[items[i].row] * 2 + items[i].tag] += items[i].amount;
    } else if (problem->kind == QN__SCORE_VARIANCE && !problem->weights && channels == 2) {
        for (size_t i = 0; i < count; i++) {
            int64_t *cell = cells + (size_t)codes[items[i].row] * 2;
            cell[0] += items[i].tag;
            cell[1] += items[i].amount;
        }
    } else {
        for (size_t i = 0; i < count; i++)
            qn__item_add(problem, &items[i], cells + codes[items[i].row] * channels);
    }
}

/* cells: room for the bins of features[0..count), each `slot` integers after the one before. */
static void build(const struct qn__problem *problem, const size_t *features, size_t count,
                  const struct qn__item *items, size_t item_count, int64_t *const *cells)
{
    for (size_t at = 0; at < item_count; at += QN_CHUNK_ROWS) {
        size_t here = item_count - at < QN_CHUNK_ROWS ? item_count - at : QN_CHUNK_ROWS;
        for (size_t j = 0; j < count; j++)
            add_cells(problem, qn_binned_column(problem->binned, features[j]), items + at, here,
                      cells[j]);
    }
}

static void mark_codes(const uint8_t *codes, const struct qn__item *items, size_t count,
                       uint64_t occupied[QN_OCCUPIED_WORDS])
{
    memset(occupied, 0, QN_OCCUPIED_WORDS * sizeof(*occupied));
    for (size_t i = 0; i < count; i++) {
        unsigned code = codes[items[i].row];
        occupied[code / 64] |= UINT64_C(1) << (code % 64);
    }
}

static void mark_cells(const struct qn__problem *problem, const int64_t *cells, size_t bin_count,
                       uint64_t occupied[QN_OCCUPIED_WORDS])
{
    memset(occupied, 0, QN_OCCUPIED_WORDS * sizeof(*occupied));
    for (size_t code = 0; code < bin_count; code++) {
        const int64_t *cell = cells + code * problem->channels;
        if (qn__weight(problem, cell) > 0)
            occupied[code / 64] |= UINT64_C(1) << (code % 64);
    }
}

static bool has_code(const uint64_t *occupied, unsigned code)
{
    return (occupied[code / 64] >> (code % 64) & 1) != 0;
}

/* The occupied bins of values, in order. */
static size_t list_codes(const uint64_t *occupied, unsigned first, uint8_t codes[QN_BIN_LIMIT])
{
    size_t count = 0;
    for (unsigned w = 0; w < QN_OCCUPIED_WORDS; w++) {
        uint64_t bits = occupied[w];
        if (w == 0)
            bits &= ~((UINT64_C(1) << first) - 1);
        for (; bits; bits &= bits - 1)
            codes[count++] = (uint8_t)(w * 64 + (unsigned)__builtin_ctzll(bits));
    }
    return count;
}

/* Two classes, nothing missing, any number of rows in a leaf: what forests mostly do. */
static void scan_binary(const int64_t *totals, const int64_t *cells, const uint8_t *codes,
                        size_t count, struct qn__split *split)
{
    assert(cells);
    int64_t a = 0, b = 0;
    double best = split->score;
    for (size_t i = 0; i + 1 < count; i++) {
        a += cells[(size_t)codes[i] * 2];
        b += cells[(size_t)codes[i] * 2 + 1];
        double left_a = (double)a, left_b = (double)b;
        double right_a = (double)(totals[0] - a), right_b = (double)(totals[1] - b);
        double score = (left_a * left_a + left_b * left_b) / (left_a + left_b) +
                       (right_a * right_a + right_b * right_b) / (right_a + right_b);
        if (score > best) {
            best = score;
            split->cut = codes[i];
            split->next = codes[i + 1];
        }
    }
    split->score = best;
}

/* Cuts after each of the listed bins, or only between drawn and drawn + 1. */
static void scan_numeric(const struct qn__problem *problem, const int64_t *totals,
                         const int64_t *cells, const uint8_t *codes, size_t count,
                         const int64_t *missing, unsigned drawn, int64_t *work,
                         struct qn__split *split)
{
    assert(cells);
    size_t channels = problem->channels;
    int64_t *left = work, *with = work + channels, *right = work + 2 * channels;
    memset(left, 0, channels * sizeof(*left));
    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count;
        for (size_t c = 0; c < channels; c++) {
            left[c] += cells[codes[i] * channels + c];
            with[c] = left[c] + (missing ? missing[c] : 0);
        }
        if (drawn && (codes[i] > drawn || (!last && codes[i + 1] <= drawn)))
            continue;
        bool better = (missing || !last) && qn__try(problem, totals, left, right, &split->score);
        if (better)
            split->missing_left = false;
        if (missing && !last && qn__try(problem, totals, with, right, &split->score))
            better = split->missing_left = true;
        if (better) {
            split->cut = drawn && !last ? (uint8_t)drawn : codes[i];
            split->next = last ? 0 : drawn ? (uint8_t)(drawn + 1) : codes[i + 1];
        }
    }
}

/* The best split of one feature. */
static void scan(struct qn__worker *worker, struct qn__scratch *scratch, size_t feature,
                 const int64_t *cells, const uint64_t *occupied, struct qn__split *split)
{
    const struct qn__problem *problem = worker->problem;
    assert(cells);
    bool categorical = problem->binned->features[feature].kind == QN_FEATURE_CATEGORICAL;
    uint8_t codes[QN_BIN_LIMIT];
    size_t count = list_codes(occupied, categorical ? QN_BIN_OTHER : QN_BIN_FIRST, codes);
    const int64_t *missing = has_code(occupied, QN_BIN_MISSING) ? cells : NULL;
    *split = (struct qn__split){.score = -INFINITY,
                                .feature = feature,
                                .usable = count + (missing != NULL) > 1,
                                .has_missing = missing != NULL};
    if (!split->usable)
        return;
    if (categorical) {
        size_t only = SIZE_MAX;
        for (size_t i = 0; i < count; i++)
            scratch->groups[i] = (struct qn__group){.level = codes[i], .at = codes[i]};
        qn__groups_order(problem, worker->totals, cells, scratch->groups, count);
        if (problem->shuffled)
            only = 1 + qn_random_below(&worker->random, count > 1 ? count - 1 : 1);
        qn__groups_scan(problem, worker->totals, cells, scratch->groups, count, missing, only,
                        scratch->sums, split);
        return;
    }
    if (problem->kind == QN__SCORE_BINARY && !missing && problem->min_leaf == 1 &&
        !problem->shuffled) {
        scan_binary(worker->totals, cells, codes, count, split);
        return;
    }
    unsigned drawn = 0;
    if (problem->shuffled && count > 1)
        drawn = codes[0] +
                (unsigned)qn_random_below(&worker->random, (size_t)(codes[count - 1] - codes[0]));
    scan_numeric(problem, worker->totals, cells, codes, count, missing, drawn, scratch->sums,
                 split);
}

static void wipe(const struct qn__problem *problem, int64_t *cells, size_t bin_count,
                 const uint64_t *occupied, bool few)
{
    uint8_t codes[QN_BIN_LIMIT];
    if (!few) {
        memset(cells, 0, bin_count * problem->channels * sizeof(*cells));
        return;
    }
    size_t count = list_codes(occupied, 0, codes);
    for (size_t i = 0; i < count; i++)
        memset(cells + codes[i] * problem->channels, 0, problem->channels * sizeof(*cells));
}

static void find_task(void *context, size_t index, unsigned thread)
{
    const struct job *job = context;
    struct qn__worker *worker = job->worker;
    const struct qn__problem *problem = worker->problem;
    struct qn__scratch *scratch = &worker->scratch[thread];
    const struct qn__open *open = job->open;
    const struct qn__item *items = worker->items + open->begin;
    size_t slot = QN_BIN_LIMIT * problem->channels, batch = batch_size(problem);
    size_t first = job->first + index * batch, count = job->last - first;
    uint64_t occupied[QN_OCCUPIED_WORDS];
    int64_t *cells[QN_BATCH];
    bool few = open->count < QN_FEW_ROWS && !open->cells;
    if (count > batch)
        count = batch;
    for (size_t j = 0; j < count; j++)
        cells[j] = open->cells ? open->cells + worker->cell_at[worker->features[first + j]]
                               : scratch->cells + j * slot;
    if (!open->cells)
        build(problem, worker->features + first, count, items, open->count, cells);
    for (size_t j = 0; j < count; j++) {
        size_t feature = worker->features[first + j];
        size_t bin_count = problem->binned->features[feature].bin_count;
        if (few)
            mark_codes(qn_binned_column(problem->binned, feature), items, open->count, occupied);
        else
            mark_cells(problem, cells[j], bin_count, occupied);
        scan(worker, scratch, feature, cells[j], occupied, &worker->splits[first + j]);
        if (!open->cells)
            wipe(problem, cells[j], bin_count, occupied, few);
    }
}

/* Runs task over batches of features [first, last), with all threads when there is enough to do. */
static void run_batches(struct job *job, void (*task)(void *, size_t, unsigned), size_t rows)
{
    struct qn__worker *worker = job->worker;
    size_t batch = batch_size(worker->problem), features = job->last - job->first;
    bool parallel =
        worker->pool && !worker->problem->shuffled && rows * features >= QN_PARALLEL_CELLS;
    qn_pool_run(parallel ? worker->pool : NULL, (features + batch - 1) / batch, task, job);
}

static void set_threshold(const struct qn__problem *problem, struct qn__split *split)
{
    const struct qn_binned_feature *feature = &problem->binned->features[split->feature];
    if (feature->kind == QN_FEATURE_CATEGORICAL)
        return;
    split->threshold = INFINITY; /* values against missing ones */
    if (split->next == 0)
        return;
    double lower = feature->upper[split->cut - QN_BIN_FIRST];
    double upper = feature->upper[split->next - 1 - QN_BIN_FIRST];
    split->threshold = lower < upper ? qn_binned_midpoint(lower, upper) : lower;
}

void qn__histogram_find(struct qn__worker *worker, struct qn__open *open)
{
    size_t feature_count = worker->problem->features->feature_count, tried = 0;
    bool usable = false;
    open->split.score = -INFINITY;
    while (tried == 0 || (!usable && tried < feature_count)) {
        size_t more = qn__worker_draw(worker, tried, tried ? 1 : worker->problem->max_features);
        struct job job = {.worker = worker, .open = open, .first = tried, .last = tried + more};
        run_batches(&job, find_task, open->cells ? QN_BIN_LIMIT : open->count);
        for (size_t j = tried; j < tried + more; j++) {
            usable = usable || worker->splits[j].usable;
            if (worker->splits[j].score > open->split.score)
                open->split = worker->splits[j];
        }
        tried += more;
    }
    if (open->split.score > -INFINITY)
        set_threshold(worker->problem, &open->split);
}

/* Which codes go left by a categorical split: the groups are made again. */
static void code_table(struct qn__worker *worker, const struct qn__open *open, uint8_t *table,
                       uint64_t *left_levels, uint64_t *known_levels)
{
    const struct qn__problem *problem = worker->problem;
    size_t feature = open->split.feature;
    const struct qn_binned_feature *binned = &problem->binned->features[feature];
    struct qn__scratch *scratch = &worker->scratch[0];
    uint64_t occupied[QN_OCCUPIED_WORDS];
    uint8_t codes[QN_BIN_LIMIT];
    int64_t *cells = open->cells ? open->cells + worker->cell_at[feature] : scratch->cells;
    if (!open->cells)
        build(problem, &feature, 1, worker->items + open->begin, open->count, &cells);
    mark_cells(problem, cells, binned->bin_count, occupied);
    size_t count = list_codes(occupied, QN_BIN_OTHER, codes);
    for (size_t i = 0; i < count; i++)
        scratch->groups[i] = (struct qn__group){.level = codes[i], .at = codes[i]};
    qn__groups_order(problem, worker->totals, cells, scratch->groups, count);
    for (size_t i = 0; i < open->split.prefix; i++)
        table[scratch->groups[i].level] = 1;
    if (!open->cells)
        wipe(problem, cells, binned->bin_count, occupied, false);
    for (int32_t l = 0; l < binned->level_count; l++) {
        unsigned code = binned->bin_of_level[l];
        uint64_t bit = UINT64_C(1) << (l % 64);
        known_levels[l / 64] |= has_code(occupied, code) ? bit : 0;
        left_levels[l / 64] |= table[code] ? bit : 0;
    }
}

size_t qn__histogram_divide(struct qn__worker *worker, const struct qn__open *open,
                            uint64_t *left_levels, uint64_t *known_levels)
{
    const struct qn__problem *problem = worker->problem;
    const struct qn__split *split = &open->split;
    const uint8_t *codes = qn_binned_column(problem->binned, split->feature);
    struct qn__item *items = worker->items + open->begin;
    uint8_t table[QN_BIN_LIMIT] = {0};
    if (problem->binned->features[split->feature].kind == QN_FEATURE_CATEGORICAL)
        code_table(worker, open, table, left_levels, known_levels);
    else
        memset(table + QN_BIN_FIRST, 1, (size_t)split->cut - QN_BIN_FIRST + 1);
    table[QN_BIN_MISSING] = split->missing_left;
    size_t left = 0, right = 0;
    for (size_t i = 0; i < open->count; i++) { /* Both are written, one of them counts. */
        struct qn__item item = items[i];
        unsigned goes = table[codes[item.row]];
        items[left] = item;
        worker->spare[right] = item;
        left += goes;
        right += 1 - goes;
    }
    memcpy(items + left, worker->spare, right * sizeof(*items));
    return left;
}

static void build_task(void *context, size_t index, unsigned thread)
{
    (void)thread;
    const struct job *job = context;
    struct qn__worker *worker = job->worker;
    size_t batch = batch_size(worker->problem), first = index * batch, features[QN_BATCH];
    int64_t *cells[QN_BATCH];
    size_t count = job->last - first < batch ? job->last - first : batch;
    for (size_t j = 0; j < count; j++) {
        features[j] = first + j;
        cells[j] = job->open->cells + worker->cell_at[first + j];
    }
    size_t begin = worker->cell_at[first], end = worker->cell_at[first + count];
    memset(job->open->cells + begin, 0, (end - begin) * sizeof(int64_t));
    build(worker->problem, features, count, worker->items + job->open->begin, job->open->count,
          cells);
    for (size_t i = begin; job->subtract_from && i < end; i++)
        job->subtract_from[i] -= job->open->cells[i];
}

void qn__histogram_forget(struct qn__worker *worker, struct qn__open *open)
{
    if (open->cells)
        worker->unused[worker->unused_count++] = open->cells;
    open->cells = NULL;
}

/* Gives an open node a block for its sums, if one may still be had. */
static enum qn_status take_block(struct qn__worker *worker, struct qn__open *open,
                                 struct qn_error *err)
{
    if (worker->unused_count > 0) {
        open->cells = worker->unused[--worker->unused_count];
    } else if (worker->stored_count < worker->stored_limit) {
        size_t cells = worker->cell_at[worker->problem->features->feature_count];
        open->cells = QN_ALLOC(int64_t, cells);
        if (!open->cells)
            return qn_fail_nomem(err, "tree");
        worker->stored[worker->stored_count++] = open->cells;
    }
    return QN_OK;
}

enum qn_status qn__histogram_root(struct qn__worker *worker, struct qn__open *open,
                                  struct qn_error *err)
{
    if (open->count < QN_SUBTRACT_ROWS || !is_stored(worker->problem))
        return QN_OK;
    enum qn_status status = take_block(worker, open, err);
    if (status != QN_OK || !open->cells)
        return status;
    struct job job = {
        .worker = worker, .open = open, .last = worker->problem->features->feature_count};
    run_batches(&job, build_task, open->count);
    return QN_OK;
}

enum qn_status qn__histogram_children(struct qn__worker *worker, struct qn__open *parent,
                                      struct qn__open *left, struct qn__open *right,
                                      struct qn_error *err)
{
    struct qn__open *small = left->count < right->count ? left : right;
    struct qn__open *large = small == left ? right : left;
    enum qn_status status = QN_OK;
    if (parent->cells && large->count >= QN_SUBTRACT_ROWS && qn__worker_may_split(worker, large))
        status = take_block(worker, small, err);
    if (status == QN_OK && small->cells) {
        struct job job = {.worker = worker,
                          .open = small,
                          .last = worker->problem->features->feature_count,
                          .subtract_from = parent->cells};
        run_batches(&job, build_task, small->count);
        large->cells = parent->cells;
        parent->cells = NULL;
        if (!qn__worker_may_split(worker, small))
            qn__histogram_forget(worker, small);
    }
    qn__histogram_forget(worker, parent);
    return status;
}
