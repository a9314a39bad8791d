/* The exact splitter: every boundary between values. The rows of each feature are sorted once, and
 * the sorted lists are divided with the nodes (as in SLIQ: Mehta et al., EDBT 1996), so that a
 * level of the tree costs time linear in rows * features. */
#include "learn/tree_internal.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QN_PARALLEL_CELLS ((size_t)32768) /* rows * features that are worth waking threads for */

struct job {
    struct qn__worker *worker;
    const struct qn__open *open;
    size_t first;
};

static uint32_t *list_of(const struct qn__worker *worker, size_t feature, size_t begin)
{
    return worker->order + feature * worker->problem->row_count + begin;
}

/* In lists, unseen levels come after the known ones and missing ones last. */
static uint32_t level_of(const struct qn_feature *column, uint32_t row)
{
    int32_t level = column->levels[row];
    if (level == QN_LEVEL_MISSING)
        return UINT32_MAX;
    return level >= 0 ? (uint32_t)level : (uint32_t)column->level_count;
}

static bool is_missing(const struct qn_feature *column, uint32_t row)
{
    if (column->kind == QN_FEATURE_NUMERIC)
        return isnan(column->values[row]);
    return column->levels[row] == QN_LEVEL_MISSING;
}

static int compare_values(const void *a, const void *b)
{
    const struct qn__value *x = a, *y = b;
    bool x_missing = isnan(x->value), y_missing = isnan(y->value);
    if (x_missing != y_missing)
        return x_missing ? 1 : -1;
    if (!x_missing && x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static void sort_task(void *context, size_t f, unsigned thread)
{
    const struct job *job = context;
    const struct qn__problem *problem = job->worker->problem;
    const struct qn_feature *column = &problem->features->columns[f];
    struct qn__value *values = job->worker->scratch[thread].values;
    uint32_t *list = list_of(job->worker, f, 0);
    for (size_t i = 0; i < problem->row_count; i++) {
        uint32_t row = problem->rows[i];
        bool numeric = column->kind == QN_FEATURE_NUMERIC;
        values[i].value = numeric                   ? column->values[row]
                          : is_missing(column, row) ? NAN
                                                    : (double)level_of(column, row);
        values[i].row = row;
    }
    qsort(values, problem->row_count, sizeof(*values), compare_values);
    for (size_t i = 0; i < problem->row_count; i++)
        list[i] = values[i].row;
}

enum qn_status qn__exact_init(struct qn__worker *worker, struct qn_error *err)
{
    const struct qn__problem *problem = worker->problem;
    const struct qn_features *features = problem->features;
    size_t groups = 1;
    bool failed = false;
    for (size_t f = 0; f < features->feature_count; f++) {
        const struct qn_feature *column = &features->columns[f];
        if (column->kind == QN_FEATURE_CATEGORICAL && (size_t)column->level_count + 1 > groups)
            groups = (size_t)column->level_count + 1;
    }
    groups = groups < problem->row_count ? groups : problem->row_count;
    for (unsigned t = 0; t < worker->thread_count; t++) {
        struct qn__scratch *scratch = &worker->scratch[t];
        scratch->groups = QN_ALLOC(struct qn__group, groups);
        scratch->group_sums = QN_ALLOC(int64_t, groups * problem->channels);
        scratch->spare_rows = QN_ALLOC(uint32_t, problem->row_count);
        scratch->values = QN_ALLOC(struct qn__value, problem->row_count);
        failed = failed || !scratch->groups || !scratch->group_sums || !scratch->spare_rows ||
                 !scratch->values;
    }
    assert(features->feature_count > 0);
    if (problem->row_count > SIZE_MAX / sizeof(uint32_t) / features->feature_count)
        return qn_fail_nomem(err, "tree");
    worker->order = QN_ALLOC(uint32_t, features->feature_count * problem->row_count);
    worker->by_row = QN_ALLOC(struct qn__item, features->row_count);
    worker->goes_left = QN_ALLOC(uint8_t, features->row_count);
    if (failed || !worker->order || !worker->by_row || !worker->goes_left)
        return qn_fail_nomem(err, "tree");
    return QN_OK;
}

void qn__exact_start(struct qn__worker *worker)
{
    struct job job = {.worker = worker};
    for (size_t i = 0; i < worker->item_count; i++)
        worker->by_row[worker->items[i].row] = worker->items[i];
    qn_pool_run(worker->pool, worker->problem->features->feature_count, sort_task, &job);
    for (unsigned t = 0; t < worker->thread_count; t++) {
        qn_free(worker->scratch[t].values);
        worker->scratch[t].values = NULL;
    }
}

/* Sums of the rows without a value, which end a list; returns how many rows have one. */
static size_t sum_missing(const struct qn__worker *worker, const struct qn_feature *column,
                          const uint32_t *list, size_t count, int64_t *missing)
{
    memset(missing, 0, worker->problem->channels * sizeof(*missing));
    while (count > 0 && is_missing(column, list[count - 1]))
        qn__item_add(worker->problem, &worker->by_row[list[--count]], missing);
    return count;
}

static void scan_numeric(const struct qn__worker *worker, const struct qn_feature *column,
                         const uint32_t *list, size_t count, const int64_t *missing, int64_t *work,
                         struct qn__split *split)
{
    const struct qn__problem *problem = worker->problem;
    size_t channels = problem->channels;
    int64_t *left = work, *with = work + channels, *right = work + 2 * channels;
    memset(left, 0, channels * sizeof(*left));
    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count;
        double value = column->values[list[i]];
        double next = last ? INFINITY : column->values[list[i + 1]];
        qn__item_add(problem, &worker->by_row[list[i]], left);
        if (last ? missing == NULL : next == value)
            continue;
        bool better = qn__try(problem, worker->totals, left, right, &split->score);
        if (better)
            split->missing_left = false;
        if (missing && !last) {
            for (size_t c = 0; c < channels; c++)
                with[c] = left[c] + missing[c];
            if (qn__try(problem, worker->totals, with, right, &split->score))
                better = split->missing_left = true;
        }
        if (better)
            split->threshold = last ? INFINITY : qn_binned_midpoint(value, next);
    }
}

/* Sums of the levels of a node, into the scratch; returns how many levels there are. */
static size_t collect(const struct qn__worker *worker, const struct qn_feature *column,
                      const uint32_t *list, size_t count, struct qn__scratch *scratch)
{
    size_t channels = worker->problem->channels, found = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t level = level_of(column, list[i]);
        if (found == 0 || scratch->groups[found - 1].level != level) {
            scratch->groups[found] = (struct qn__group){.level = level, .at = (uint32_t)found};
            memset(scratch->group_sums + found * channels, 0, channels * sizeof(int64_t));
            found++;
        }
        qn__item_add(worker->problem, &worker->by_row[list[i]],
                     scratch->group_sums + (found - 1) * channels);
    }
    qn__groups_order(worker->problem, worker->totals, scratch->group_sums, scratch->groups, found);
    return found;
}

static void find_task(void *context, size_t index, unsigned thread)
{
    const struct job *job = context;
    struct qn__worker *worker = job->worker;
    struct qn__scratch *scratch = &worker->scratch[thread];
    size_t channels = worker->problem->channels, feature = worker->features[job->first + index];
    const struct qn_feature *column = &worker->problem->features->columns[feature];
    const uint32_t *list = list_of(worker, feature, job->open->begin);
    int64_t *missing = scratch->sums + 3 * channels;
    struct qn__split *split = &worker->splits[job->first + index];
    size_t count = sum_missing(worker, column, list, job->open->count, missing);
    bool has_missing = count < job->open->count;
    *split = (struct qn__split){.score = -INFINITY, .feature = feature, .has_missing = has_missing};
    if (column->kind == QN_FEATURE_CATEGORICAL) {
        size_t groups = collect(worker, column, list, count, scratch);
        split->usable = groups + has_missing > 1;
        qn__groups_scan(worker->problem, worker->totals, scratch->group_sums, scratch->groups,
                        groups, has_missing ? missing : NULL, SIZE_MAX, scratch->sums, split);
        return;
    }
    split->usable =
        count > 0 && (has_missing || column->values[list[0]] != column->values[list[count - 1]]);
    if (split->usable)
        scan_numeric(worker, column, list, count, has_missing ? missing : NULL, scratch->sums,
                     split);
}

static struct qn_pool *pool_for(const struct qn__worker *worker, size_t rows, size_t features)
{
    return rows * features >= QN_PARALLEL_CELLS ? worker->pool : NULL;
}

void qn__exact_find(struct qn__worker *worker, struct qn__open *open)
{
    size_t feature_count = worker->problem->features->feature_count, tried = 0;
    bool usable = false;
    open->split.score = -INFINITY;
    while (tried == 0 || (!usable && tried < feature_count)) {
        size_t more = qn__worker_draw(worker, tried, tried ? 1 : worker->problem->max_features);
        struct job job = {.worker = worker, .open = open, .first = tried};
        qn_pool_run(pool_for(worker, open->count, more), more, find_task, &job);
        for (size_t j = tried; j < tried + more; j++) {
            usable = usable || worker->splits[j].usable;
            if (worker->splits[j].score > open->split.score)
                open->split = worker->splits[j];
        }
        tried += more;
    }
}

/* Marks by row where a categorical split sends it. */
static void mark_levels(struct qn__worker *worker, const struct qn__open *open,
                        uint64_t *left_levels, uint64_t *known_levels)
{
    const struct qn__split *split = &open->split;
    const struct qn_feature *column = &worker->problem->features->columns[split->feature];
    const uint32_t *list = list_of(worker, split->feature, open->begin);
    struct qn__scratch *scratch = &worker->scratch[0];
    size_t count = sum_missing(worker, column, list, open->count,
                               scratch->sums + 3 * worker->problem->channels);
    size_t groups = collect(worker, column, list, count, scratch);
    bool unseen_left = false;
    for (size_t i = 0; i < groups; i++) {
        uint32_t level = scratch->groups[i].level;
        bool left = i < split->prefix;
        if (level == (uint32_t)column->level_count) {
            unseen_left = left;
            continue;
        }
        known_levels[level / 64] |= UINT64_C(1) << (level % 64);
        left_levels[level / 64] |= (uint64_t)left << (level % 64);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t level = level_of(column, list[i]);
        worker->goes_left[list[i]] = level == (uint32_t)column->level_count
                                         ? unseen_left
                                         : left_levels[level / 64] >> (level % 64) & 1;
    }
    for (size_t i = count; i < open->count; i++)
        worker->goes_left[list[i]] = split->missing_left;
}

static void divide_task(void *context, size_t feature, unsigned thread)
{
    const struct job *job = context;
    uint32_t *list = list_of(job->worker, feature, job->open->begin);
    uint32_t *spare = job->worker->scratch[thread].spare_rows;
    size_t left = 0, right = 0;
    for (size_t i = 0; i < job->open->count; i++) {
        uint32_t row = list[i];
        unsigned goes = job->worker->goes_left[row];
        list[left] = row;
        spare[right] = row;
        left += goes;
        right += 1 - goes;
    }
    memcpy(list + left, spare, right * sizeof(*list));
}

size_t qn__exact_divide(struct qn__worker *worker, const struct qn__open *open,
                        uint64_t *left_levels, uint64_t *known_levels)
{
    const struct qn__split *split = &open->split;
    const struct qn_feature *column = &worker->problem->features->columns[split->feature];
    struct qn__item *items = worker->items + open->begin;
    size_t left = 0, right = 0, feature_count = worker->problem->features->feature_count;
    if (column->kind == QN_FEATURE_CATEGORICAL)
        mark_levels(worker, open, left_levels, known_levels);
    for (size_t i = 0; i < open->count; i++) {
        struct qn__item item = items[i];
        if (column->kind == QN_FEATURE_NUMERIC) {
            double value = column->values[item.row];
            worker->goes_left[item.row] =
                isnan(value) ? split->missing_left : value <= split->threshold;
        }
        unsigned goes = worker->goes_left[item.row];
        items[left] = item;
        worker->spare[right] = item;
        left += goes;
        right += 1 - goes;
    }
    memcpy(items + left, worker->spare, right * sizeof(*items));
    if (open->depth + 1 == (size_t)worker->problem->options.max_depth)
        return left; /* The children are leaves and need no lists. */
    struct job job = {.worker = worker, .open = open};
    qn_pool_run(pool_for(worker, open->count, feature_count), feature_count, divide_task, &job);
    return left;
}
