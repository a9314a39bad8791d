/* Splitting rows into folds. Every kind first gives each used row a group (its class, its group,
 * or nothing), then deals the rows out; all randomness comes from one stream of options->seed. */
#include "data/split.h"

#include "base/alloc.h"
#include "base/random.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define QN_FOLD_LIMIT 1000
#define QN_STREAM_SPLIT 1

/* A row beside the key that it is sorted by. */
struct keyed_row {
    uint64_t key;
    size_t row;
};

/* The used rows, cut into groups: group g is rows[start[g] .. start[g + 1]), ascending until
 * somebody shuffles it. Groups stand in the order of their keys. */
struct grouping {
    size_t *rows;  /* owns; row_count */
    size_t *start; /* owns; group_count + 1 */
    size_t row_count, group_count;
};

static void grouping_release(struct grouping *grouping)
{
    qn_free(grouping->rows);
    qn_free(grouping->start);
}

static size_t group_size(const struct grouping *grouping, size_t group)
{
    return grouping->start[group + 1] - grouping->start[group];
}

/* Stable least-significant-digit radix sort; bytes that are the same in all keys cost one look. */
static void keyed_sort(struct keyed_row *items, struct keyed_row *scratch, size_t count)
{
    struct keyed_row *from = items;
    struct keyed_row *to = scratch;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t start[256] = {0};
        for (size_t i = 0; i < count; i++)
            start[(from[i].key >> shift) & 255]++;
        if (count == 0 || start[(from[0].key >> shift) & 255] == count)
            continue;
        size_t at = 0;
        for (size_t digit = 0; digit < 256; digit++) {
            size_t size = start[digit];
            start[digit] = at;
            at += size;
        }
        for (size_t i = 0; i < count; i++)
            to[start[(from[i].key >> shift) & 255]++] = from[i];
        struct keyed_row *swap = from;
        from = to;
        to = swap;
    }
    if (from != items && count > 0)
        memcpy(items, from, count * sizeof(*items));
}

/* A key whose unsigned order is the order of the values, with missing first. */
static uint64_t row_key(const struct qn_column *column, size_t row)
{
    const uint64_t sign = UINT64_C(1) << 63;
    if (!column)
        return 0;
    if (qn_type_is_coded(column->type))
        return (uint64_t)((int64_t)column->values.code[row] + 1);
    if (column->type != QN_TYPE_NUMBER)
        return (uint64_t)column->values.integer[row] ^ sign; /* QN_MISSING_INTEGER becomes 0 */
    double value = column->values.number[row];
    if (isnan(value))
        return 0;
    if (value == 0.0)
        value = 0.0; /* -0 and 0 are one value */
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits & sign ? ~bits : bits | sign;
}

static size_t used_count(size_t row_count, const bool *skip)
{
    size_t used = 0;
    for (size_t row = 0; row < row_count; row++)
        used += !skip || !skip[row];
    return used;
}

/* Groups the used rows by the values of `column`; a NULL column makes one group. */
static enum qn_status grouping_make(size_t row_count, const struct qn_column *column,
                                    const bool *skip, struct grouping *out, struct qn_error *err)
{
    size_t used = used_count(row_count, skip);
    enum qn_status status = QN_OK;
    struct grouping made = {0};
    struct keyed_row *items = QN_ALLOC(struct keyed_row, used);
    struct keyed_row *scratch = QN_ALLOC(struct keyed_row, used);
    made.rows = QN_ALLOC(size_t, used);
    made.start = QN_ALLOC(size_t, used + 1);
    if (!items || !scratch || !made.rows || !made.start) {
        status = qn_fail_nomem(err, "split");
        goto done;
    }
    for (size_t row = 0; row < row_count; row++) {
        if (skip && skip[row])
            continue;
        items[made.row_count].key = row_key(column, row);
        items[made.row_count++].row = row;
    }
    keyed_sort(items, scratch, used);
    for (size_t i = 0; i < used; i++) {
        if (i == 0 || items[i].key != items[i - 1].key)
            made.start[made.group_count++] = i;
        made.rows[i] = items[i].row;
    }
    made.start[made.group_count] = used;
    *out = made;
    memset(&made, 0, sizeof(made));
done:
    grouping_release(&made);
    qn_free(items);
    qn_free(scratch);
    return status;
}

/* Rounds half up, and leaves at least one of `count` (two or more) on either side. */
static size_t share_of(size_t count, double share)
{
    double wanted = floor((double)count * share + 0.5);
    if (wanted < 1.0)
        return 1;
    if (wanted > (double)(count - 1))
        return count - 1;
    return (size_t)wanted;
}

static void shuffle_groups(struct qn_random *random, struct grouping *grouping)
{
    for (size_t g = 0; g < grouping->group_count; g++)
        qn_random_shuffle(random, grouping->rows + grouping->start[g], group_size(grouping, g));
}

/* One line of the sorting by size or remainder below. */
struct ranked_group {
    uint64_t rank;
    size_t size;
    size_t group;
};

/* Sorts groups by rank, ties kept in order; descending when asked. */
static enum qn_status ranked_sort(struct ranked_group *groups, size_t count, bool descending,
                                  struct qn_error *err)
{
    enum qn_status status = QN_OK;
    struct keyed_row *items = QN_ALLOC(struct keyed_row, count);
    struct keyed_row *scratch = QN_ALLOC(struct keyed_row, count);
    struct ranked_group *copy = QN_ALLOC(struct ranked_group, count);
    if (!items || !scratch || !copy) {
        status = qn_fail_nomem(err, "split");
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        items[i].key = descending ? ~groups[i].rank : groups[i].rank;
        items[i].row = i;
        copy[i] = groups[i];
    }
    keyed_sort(items, scratch, count);
    for (size_t i = 0; i < count; i++)
        groups[i] = copy[items[i].row];
done:
    qn_free(items);
    qn_free(scratch);
    qn_free(copy);
    return status;
}

/* How many rows of each group go to the smaller part, `total` in all: in proportion, by largest
 * remainder, at least one each. Groups of one row get none. Small groups are served first, so
 * that what their one row takes beyond their share comes off the others in proportion. */
static enum qn_status allocate(const struct grouping *grouping, size_t total, size_t *taken,
                               struct qn_error *err)
{
    struct ranked_group *groups = QN_ALLOC(struct ranked_group, grouping->group_count);
    if (!groups)
        return qn_fail_nomem(err, "split");
    size_t count = 0;
    uint64_t rows_left = 0;
    for (size_t g = 0; g < grouping->group_count; g++) {
        size_t size = group_size(grouping, g);
        taken[g] = 0;
        if (size < 2)
            continue;
        groups[count++] = (struct ranked_group){.rank = size, .size = size, .group = g};
        rows_left += size;
    }
    enum qn_status status = ranked_sort(groups, count, false, err);
    if (status != QN_OK)
        goto done;
    uint64_t left = total;
    size_t first = 0;
    while (first < count && groups[first].size * left < rows_left) {
        taken[groups[first].group] = 1;
        left -= left > 0;
        rows_left -= groups[first++].size;
    }
    uint64_t given = 0;
    for (size_t i = first; i < count; i++) {
        uint64_t product = groups[i].size * left; /* below 2^64: checked by options_check() */
        taken[groups[i].group] = (size_t)(product / rows_left);
        given += product / rows_left;
        groups[i].rank = product % rows_left;
    }
    status = ranked_sort(groups + first, count - first, true, err);
    for (size_t i = first; status == QN_OK && given < left; i++, given++)
        taken[groups[i].group]++;
done:
    qn_free(groups);
    return status;
}

static enum qn_status stratified_holdout(struct grouping *grouping,
                                         const struct qn_split_options *options,
                                         struct qn_random *random, struct qn_split *split,
                                         struct qn_error *err)
{
    size_t eligible = 0;
    for (size_t g = 0; g < grouping->group_count; g++)
        eligible += group_size(grouping, g) > 1 ? group_size(grouping, g) : 0;
    if (eligible == 0)
        return qn_fail(err, QN_INVALID,
                       "split: no value of '%s' occurs twice, so it cannot be in both parts; "
                       "split at random instead",
                       options->column->name);
    /* The smaller part is allocated and the other gets the rest: then one row for each class in
     * the smaller part always leaves one for the other. */
    bool test_is_smaller = options->test_share <= 0.5;
    size_t total =
        share_of(eligible, test_is_smaller ? options->test_share : 1.0 - options->test_share);
    size_t *taken = QN_ALLOC(size_t, grouping->group_count);
    if (!taken)
        return qn_fail_nomem(err, "split");
    enum qn_status status = allocate(grouping, total, taken, err);
    if (status != QN_OK)
        goto done;
    shuffle_groups(random, grouping);
    for (size_t g = 0; g < grouping->group_count; g++) {
        size_t size = group_size(grouping, g);
        size_t test = size < 2 ? 0 : (test_is_smaller ? taken[g] : size - taken[g]);
        for (size_t i = 0; i < size; i++)
            split->fold_of_row[grouping->rows[grouping->start[g] + i]] = i < test;
    }
done:
    qn_free(taken);
    return status;
}

/* Random (one group) and stratified folds: the shuffled groups are dealt one after another like
 * cards, so folds differ by at most one row in all and within each group. */
static void deal_folds(struct grouping *grouping, struct qn_random *random, struct qn_split *split)
{
    shuffle_groups(random, grouping);
    for (size_t i = 0; i < grouping->row_count; i++)
        split->fold_of_row[grouping->rows[i]] = (uint16_t)(i % split->fold_count);
}

static void random_holdout(struct grouping *grouping, double share, struct qn_random *random,
                           struct qn_split *split)
{
    shuffle_groups(random, grouping);
    size_t test = share_of(grouping->row_count, share);
    for (size_t i = 0; i < grouping->row_count; i++)
        split->fold_of_row[grouping->rows[i]] = i < test;
}

static void assign_group(const struct grouping *grouping, size_t group, uint16_t fold,
                         struct qn_split *split)
{
    for (size_t i = grouping->start[group]; i < grouping->start[group + 1]; i++)
        split->fold_of_row[grouping->rows[i]] = fold;
}

/* Groups in random order join the test part while they fit into its share; then the smallest one
 * left joins when that brings the part nearer to its share, or when the part is still empty. */
static void grouped_holdout(const struct grouping *grouping, const size_t *order, double share,
                            struct qn_split *split)
{
    size_t wanted = share_of(grouping->row_count, share);
    size_t filled = 0, joined = 0;
    size_t smallest = SIZE_MAX;
    for (size_t i = 0; i < grouping->group_count; i++) {
        size_t size = group_size(grouping, order[i]);
        bool fits = filled + size <= wanted;
        assign_group(grouping, order[i], fits, split);
        if (fits) {
            filled += size;
            joined++;
        } else if (smallest == SIZE_MAX || size < group_size(grouping, smallest)) {
            smallest = order[i];
        }
    }
    if (smallest == SIZE_MAX)
        return; /* not reached: wanted is below row_count, so one group did not fit */
    size_t after = filled + group_size(grouping, smallest);
    bool leaves_training = joined + 1 < grouping->group_count;
    if (joined == 0 || (leaves_training && after - wanted < wanted - filled))
        assign_group(grouping, smallest, 1, split);
}

/* Largest groups first, each to the fold with the fewest rows so far (Graham's rule); groups of
 * equal size come in random order. */
static enum qn_status grouped_folds(const struct grouping *grouping, const size_t *order,
                                    struct qn_split *split, struct qn_error *err)
{
    size_t filled[QN_FOLD_LIMIT] = {0};
    struct ranked_group *groups = QN_ALLOC(struct ranked_group, grouping->group_count);
    if (!groups)
        return qn_fail_nomem(err, "split");
    for (size_t i = 0; i < grouping->group_count; i++) {
        size_t size = group_size(grouping, order[i]);
        groups[i] = (struct ranked_group){.rank = size, .size = size, .group = order[i]};
    }
    enum qn_status status = ranked_sort(groups, grouping->group_count, true, err);
    for (size_t i = 0; status == QN_OK && i < grouping->group_count; i++) {
        size_t lightest = 0;
        for (size_t fold = 1; fold < split->fold_count; fold++) {
            if (filled[fold] < filled[lightest])
                lightest = fold;
        }
        filled[lightest] += groups[i].size;
        assign_group(grouping, groups[i].group, (uint16_t)lightest, split);
    }
    qn_free(groups);
    return status;
}

static enum qn_status split_grouped(const struct grouping *grouping,
                                    const struct qn_split_options *options,
                                    struct qn_random *random, struct qn_split *split,
                                    struct qn_error *err)
{
    if (grouping->group_count < split->fold_count)
        return qn_fail(err, QN_INVALID,
                       "split: only %zu group%s in column '%s' for %zu %s; ask for fewer or group "
                       "by another column",
                       grouping->group_count, grouping->group_count == 1 ? "" : "s",
                       options->column->name, split->fold_count,
                       options->fold_count == 0 ? "parts" : "folds");
    size_t *order = QN_ALLOC(size_t, grouping->group_count);
    if (!order)
        return qn_fail_nomem(err, "split");
    for (size_t g = 0; g < grouping->group_count; g++)
        order[g] = g;
    qn_random_shuffle(random, order, grouping->group_count);
    enum qn_status status = QN_OK;
    if (options->fold_count == 0)
        grouped_holdout(grouping, order, options->test_share, split);
    else
        status = grouped_folds(grouping, order, split, err);
    qn_free(order);
    return status;
}

/* The instant (group) at whose start fold `fold` begins: the one nearest to the fold's share of
 * the rows that leaves at least one instant to each fold before and after it. */
static size_t time_boundary(const struct grouping *grouping, size_t wanted_row, size_t least,
                            size_t most)
{
    size_t low = least, high = most;
    while (low < high) { /* the first instant that starts at or after wanted_row */
        size_t middle = low + (high - low) / 2;
        if (grouping->start[middle] < wanted_row)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > least && grouping->start[low] > wanted_row &&
        wanted_row - grouping->start[low - 1] <= grouping->start[low] - wanted_row)
        low--;
    return low;
}

static enum qn_status split_time(const struct grouping *grouping,
                                 const struct qn_split_options *options, struct qn_split *split,
                                 struct qn_error *err)
{
    size_t folds = split->fold_count;
    if (grouping->group_count < folds)
        return qn_fail(err, QN_INVALID,
                       "split: only %zu different time%s in column '%s' for %zu %s",
                       grouping->group_count, grouping->group_count == 1 ? "" : "s",
                       options->column->name, folds, options->fold_count == 0 ? "parts" : "folds");
    size_t begin = 0;
    for (size_t fold = 0; fold < folds; fold++) {
        size_t end = grouping->group_count;
        if (fold + 1 < folds) {
            double share = options->fold_count == 0 ? 1.0 - options->test_share
                                                    : (double)(fold + 1) / (double)folds;
            end = time_boundary(grouping, share_of(grouping->row_count, share), begin + 1,
                                grouping->group_count - (folds - fold - 1));
        }
        for (size_t g = begin; g < end; g++)
            assign_group(grouping, g, (uint16_t)fold, split);
        begin = end;
    }
    split->forward = true;
    return QN_OK;
}

static enum qn_status time_check(size_t row_count, const struct qn_split_options *options,
                                 struct qn_error *err)
{
    const struct qn_column *column = options->column;
    if (qn_type_is_coded(column->type) || column->type == QN_TYPE_BOOLEAN)
        return qn_fail(err, QN_INVALID,
                       "split: column '%s' is %s and gives no order in time; choose a date, "
                       "datetime or numeric column, or give its type",
                       column->name, qn_type_name(column->type));
    size_t missing = 0;
    for (size_t row = 0; row < row_count; row++) {
        bool skipped = options->skip && options->skip[row];
        missing += !skipped && qn_column_is_missing(column, row);
    }
    if (missing > 0)
        return qn_fail(err, QN_INVALID,
                       "split: %zu row%s no time in column '%s'; fill or leave out those rows",
                       missing, missing == 1 ? " has" : "s have", column->name);
    return QN_OK;
}

static enum qn_status options_check(size_t row_count, const struct qn_split_options *options,
                                    struct qn_error *err)
{
    assert(options->kind == QN_SPLIT_RANDOM || options->column);
    if (options->fold_count == 0 && !(options->test_share > 0.0 && options->test_share < 1.0))
        return qn_fail(err, QN_INVALID, "split: the test share must lie between 0 and 1, not %g",
                       options->test_share);
    if (options->fold_count == 1 || options->fold_count > QN_FOLD_LIMIT)
        return qn_fail(err, QN_INVALID, "split: the number of folds must be 2 to %d, not %zu",
                       QN_FOLD_LIMIT, options->fold_count);
    if (row_count > UINT32_MAX) /* keeps products of two counts within 64 bits */
        return qn_fail(err, QN_UNSUPPORTED, "split: at most %" PRIu32 " rows", UINT32_MAX);
    size_t used = used_count(row_count, options->skip);
    size_t folds = options->fold_count == 0 ? 2 : options->fold_count;
    if (used < folds)
        return qn_fail(err, QN_INVALID, "split: only %zu row%s for %zu %s", used,
                       used == 1 ? "" : "s", folds, options->fold_count == 0 ? "parts" : "folds");
    if (options->kind == QN_SPLIT_TIME)
        return time_check(row_count, options, err);
    return QN_OK;
}

static enum qn_status split_create(size_t row_count, size_t fold_count, struct qn_split **out,
                                   struct qn_error *err)
{
    struct qn_split *split = QN_CALLOC(struct qn_split, 1);
    uint16_t *fold_of_row = QN_ALLOC(uint16_t, row_count);
    if (!split || !fold_of_row) {
        qn_free(split);
        qn_free(fold_of_row);
        return qn_fail_nomem(err, "split");
    }
    for (size_t row = 0; row < row_count; row++)
        fold_of_row[row] = QN_FOLD_NONE;
    split->row_count = row_count;
    split->fold_count = fold_count;
    split->fold_of_row = fold_of_row;
    *out = split;
    return QN_OK;
}

enum qn_status qn_split_make(size_t row_count, const struct qn_split_options *options,
                             struct qn_split **out, struct qn_error *err)
{
    enum qn_status status = options_check(row_count, options, err);
    if (status != QN_OK)
        return status;

    struct qn_split *split = NULL;
    struct grouping grouping = {0};
    struct qn_random random;
    qn_random_init(&random, options->seed, QN_STREAM_SPLIT);
    status =
        split_create(row_count, options->fold_count == 0 ? 2 : options->fold_count, &split, err);
    if (status != QN_OK)
        goto done;
    const struct qn_column *by = options->kind == QN_SPLIT_RANDOM ? NULL : options->column;
    status = grouping_make(row_count, by, options->skip, &grouping, err);
    if (status != QN_OK)
        goto done;

    if (options->kind == QN_SPLIT_GROUPED)
        status = split_grouped(&grouping, options, &random, split, err);
    else if (options->kind == QN_SPLIT_TIME)
        status = split_time(&grouping, options, split, err);
    else if (options->fold_count > 0)
        deal_folds(&grouping, &random, split);
    else if (options->kind == QN_SPLIT_STRATIFIED)
        status = stratified_holdout(&grouping, options, &random, split, err);
    else
        random_holdout(&grouping, options->test_share, &random, split);
    if (status != QN_OK)
        goto done;
    *out = split;
    split = NULL;
done:
    grouping_release(&grouping);
    qn_split_free(split);
    return status;
}

void qn_split_free(struct qn_split *split)
{
    if (!split)
        return;
    qn_free(split->fold_of_row);
    qn_free(split);
}

/* 1: tests in this round, 0: trains, -1: in neither part. */
static int row_part(const struct qn_split *split, size_t row, size_t fold)
{
    uint16_t own = split->fold_of_row[row];
    if (own == QN_FOLD_NONE || (split->forward && own > fold))
        return -1;
    return own == fold;
}

enum qn_status qn_split_rows(const struct qn_split *split, size_t fold, size_t **train_out,
                             size_t *train_count_out, size_t **test_out, size_t *test_count_out,
                             struct qn_error *err)
{
    assert(fold < split->fold_count);
    if (split->forward && fold == 0)
        return qn_fail(err, QN_INVALID,
                       "split: the first fold in time has no past to train on; start with fold 1");
    size_t counts[2] = {0, 0};
    for (size_t row = 0; row < split->row_count; row++) {
        int part = row_part(split, row, fold);
        if (part >= 0)
            counts[part]++;
    }
    size_t *rows[2] = {QN_ALLOC(size_t, counts[0]), QN_ALLOC(size_t, counts[1])};
    if (!rows[0] || !rows[1]) {
        qn_free(rows[0]);
        qn_free(rows[1]);
        return qn_fail_nomem(err, "split");
    }
    size_t at[2] = {0, 0};
    for (size_t row = 0; row < split->row_count; row++) {
        int part = row_part(split, row, fold);
        if (part >= 0)
            rows[part][at[part]++] = row;
    }
    *train_out = rows[0];
    *train_count_out = counts[0];
    *test_out = rows[1];
    *test_count_out = counts[1];
    return QN_OK;
}
