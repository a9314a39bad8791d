#include "learn/boosting_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Gains below this share of the node's own score are rounding noise. */
#define QN_NOISE 1e-12

#define QN_ALWAYS_INLINE static inline __attribute__((always_inline))

/* A search in one feature of one node. Scores gradient^2 / (hessian + lambda), summed over both
 * sides, are compared as fractions, which saves the divisions. */
struct search {
    const struct qn__layout *layout;
    const struct qn__rules *rules;
    const int64_t *packed;       /* the feature's cells; NULL when wide */
    const struct qn__sums *sums; /* the same, wide */
    struct qn__sums total;
    double lambda;
    double best_top, best_bottom; /* the best score so far, as a fraction */
    struct qn__sums best_left;
    size_t best_at;
    bool found, best_missing_left;
};

QN_ALWAYS_INLINE struct qn__sums cell_at(const struct search *search, bool wide, size_t at)
{
    return wide ? search->sums[at] : qn__unpack(search->layout, search->packed[at]);
}

static inline struct qn__sums plus(struct qn__sums a, struct qn__sums b)
{
    return (struct qn__sums){a.gradient + b.gradient, a.hessian + b.hessian, a.count + b.count};
}

/* Takes the split when it scores best so far. */
QN_ALWAYS_INLINE bool consider(struct search *search, struct qn__sums left)
{
    const struct qn__rules *rules = search->rules;
    double left_hessian = (double)left.hessian;
    double right_hessian = (double)(search->total.hessian - left.hessian);
    if (left_hessian < rules->min_hessian || right_hessian < rules->min_hessian)
        return false;
    double left_gradient = (double)left.gradient;
    double right_gradient = (double)(search->total.gradient - left.gradient);
    left_hessian += search->lambda;
    right_hessian += search->lambda;
    double top = left_gradient * left_gradient * right_hessian +
                 right_gradient * right_gradient * left_hessian;
    double bottom = left_hessian * right_hessian;
    if (!(top * search->best_bottom > search->best_top * bottom))
        return false;
    search->best_top = top;
    search->best_bottom = bottom;
    search->best_left = left;
    search->found = true;
    return true;
}

/* Thresholds after each bin of values in [QN_BIN_FIRST, end), beginning with `left` on the left. */
QN_ALWAYS_INLINE void scan_values(struct search *search, bool wide, size_t end,
                                  struct qn__sums left, bool missing_left)
{
    int64_t least = search->rules->min_rows, most = search->total.count - least;
    for (size_t bin = QN_BIN_FIRST; bin < end; bin++) {
        struct qn__sums cell = cell_at(search, wide, bin);
        if (cell.count == 0)
            continue;
        left = plus(left, cell);
        if (left.count < least)
            continue;
        if (left.count > most)
            break;
        if (consider(search, left)) {
            search->best_at = bin;
            search->best_missing_left = missing_left;
        }
    }
}

QN_ALWAYS_INLINE void search_numeric(struct search *search, bool wide, size_t bin_count)
{
    struct qn__sums missing = cell_at(search, wide, QN_BIN_MISSING), none = {0, 0, 0};
    /* With missing values on the right, all values may be on the left; the bounds on rows keep an
     * empty side from being considered. */
    scan_values(search, wide, bin_count, none, false);
    if (missing.count > 0)
        scan_values(search, wide, bin_count, missing, true);
}

struct category {
    double ratio;
    struct qn__sums sums;
    uint8_t bin;
};

/* Prefixes of categories[0 .. count), or suffixes when `step` is -1. The best is the number of
 * categories on the left, with the direction in best_missing_left. */
static void scan_prefixes(struct search *search, const struct category *categories, size_t count,
                          bool backwards)
{
    const struct qn__rules *rules = search->rules;
    size_t limit = (count + 1) / 2;
    if (limit > QN__CATEGORY_PREFIX)
        limit = QN__CATEGORY_PREFIX;
    struct qn__sums left = {0, 0, 0};
    int64_t group = 0;
    for (size_t i = 0; i < limit; i++) {
        const struct category *category = &categories[backwards ? count - 1 - i : i];
        left = plus(left, category->sums);
        group += category->sums.count;
        int64_t right_count = search->total.count - left.count;
        if (left.count < rules->min_rows || (double)left.hessian < rules->min_hessian)
            continue;
        if (right_count < rules->min_rows || right_count < rules->category_group)
            break;
        if (group < rules->category_group)
            continue;
        group = 0;
        if (consider(search, left)) {
            search->best_at = i + 1;
            search->best_missing_left = backwards;
        }
    }
}

/* Insertion: few categories have rows enough in all but the topmost nodes. Ties stay in the order
 * of bins. */
static void insert(struct category *categories, size_t count, struct category added)
{
    size_t at = count;
    for (; at > 0 && categories[at - 1].ratio > added.ratio; at--)
        categories[at] = categories[at - 1];
    categories[at] = added;
}

static void set_bin(uint64_t bins[4], size_t bin)
{
    bins[bin >> 6] |= UINT64_C(1) << (bin & 63);
}

static void search_ordered(struct search *search, bool wide, size_t bin_count, uint64_t bins[4])
{
    struct category categories[QN_BIN_LIMIT];
    size_t count = 0;
    for (size_t bin = 0; bin < bin_count; bin++) {
        struct qn__sums sums = cell_at(search, wide, bin);
        if (sums.count < QN__CATEGORY_ROWS)
            continue;
        double ratio =
            (double)sums.gradient / ((double)sums.hessian + search->rules->category_smoothing);
        insert(categories, count++, (struct category){ratio, sums, (uint8_t)bin});
    }
    search->lambda += search->rules->category_lambda;
    scan_prefixes(search, categories, count, false);
    scan_prefixes(search, categories, count, true);
    for (size_t i = 0; search->found && i < search->best_at; i++)
        set_bin(bins, categories[search->best_missing_left ? count - 1 - i : i].bin);
}

static void search_one_against(struct search *search, bool wide, size_t bin_count, uint64_t bins[4])
{
    for (size_t bin = 0; bin < bin_count; bin++) {
        struct qn__sums sums = cell_at(search, wide, bin);
        int64_t least = search->rules->min_rows;
        if (sums.count >= least && search->total.count - sums.count >= least &&
            consider(search, sums))
            search->best_at = bin;
    }
    if (search->found)
        set_bin(bins, search->best_at);
}

/* Which side takes what the node has no rows of: the one with more. */
static bool larger_left(const struct search *search)
{
    return search->best_left.count > search->total.count - search->best_left.count;
}

static void finish_numeric(const struct search *search, bool wide, struct qn__split *split)
{
    bool any_missing = cell_at(search, wide, QN_BIN_MISSING).count > 0;
    split->bin = (uint16_t)search->best_at;
    split->missing_left = any_missing ? search->best_missing_left : larger_left(search);
    for (size_t bin = QN_BIN_FIRST; bin <= search->best_at; bin++)
        set_bin(split->left_bins, bin);
    if (split->missing_left)
        set_bin(split->left_bins, QN_BIN_MISSING);
}

static void finish_categorical(const struct search *search, bool wide, struct qn__split *split)
{
    if (larger_left(search)) {
        for (size_t bin = 0; bin < QN_BIN_FIRST; bin++) {
            if (cell_at(search, wide, bin).count == 0)
                set_bin(split->left_bins, bin);
        }
    }
    split->missing_left = (split->left_bins[0] >> QN_BIN_MISSING & 1) != 0;
}

void qn__split_search(const struct qn__store *store, size_t slot, const struct qn__layout *layout,
                      const struct qn__rules *rules, const struct qn__histogram *histogram,
                      struct qn__sums total, struct qn__split *best)
{
    uint32_t feature = store->features[slot];
    const struct qn_binned_feature *binned = &store->binned->features[feature];
    bool wide = histogram->wide;
    struct search search = {.layout = layout,
                            .rules = rules,
                            .packed = wide ? NULL : histogram->packed + store->cell_of[slot],
                            .sums = wide ? histogram->sums + store->cell_of[slot] : NULL,
                            .total = total,
                            .lambda = rules->lambda};
    double score =
        (double)total.gradient * (double)total.gradient / ((double)total.hessian + rules->lambda);
    search.best_top = score * (1.0 + QN_NOISE) + rules->min_gain;
    search.best_bottom = 1.0;
    struct qn__split split = {.feature = (int32_t)feature,
                              .categorical = binned->kind == QN_FEATURE_CATEGORICAL};
    split.ordered =
        split.categorical && binned->bin_count > QN_BIN_FIRST + QN__CATEGORY_ONE_AGAINST;
    if (!split.categorical && wide)
        search_numeric(&search, true, binned->bin_count);
    else if (!split.categorical)
        search_numeric(&search, false, binned->bin_count);
    else if (split.ordered)
        search_ordered(&search, wide, binned->bin_count, split.left_bins);
    else
        search_one_against(&search, wide, binned->bin_count, split.left_bins);
    if (!search.found)
        return;
    split.gain = 0.5 * (search.best_top / search.best_bottom - score) * rules->gain_unit;
    split.left = search.best_left;
    bool better = best->feature < 0 || split.gain > best->gain ||
                  (split.gain == best->gain && split.feature < best->feature);
    if (!better)
        return;
    if (split.categorical)
        finish_categorical(&search, wide, &split);
    else
        finish_numeric(&search, wide, &split);
    *best = split;
}
