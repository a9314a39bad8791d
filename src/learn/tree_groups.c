/* Splits of a categorical feature: levels ordered by their target (Fisher 1958), then cut like
 * numbers. */
#include "learn/tree_internal.h"

#include <math.h>
#include <stdlib.h>

static int compare_groups(const void *a, const void *b)
{
    const struct qn__group *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->level < y->level ? -1 : x->level > y->level;
}

void qn__groups_order(const struct qn__problem *problem, const int64_t *totals, const int64_t *sums,
                      struct qn__group *groups, size_t count)
{
    size_t of = 1;
    if (problem->kind != QN__SCORE_VARIANCE && problem->output_count > 2) {
        of = 0;
        for (size_t k = 1; k < problem->output_count; k++)
            of = totals[k] > totals[of] ? k : of;
    }
    for (size_t i = 0; i < count; i++) {
        const int64_t *sum = sums + groups[i].at * problem->channels;
        groups[i].key = (double)sum[of] / (double)qn__weight(problem, sum);
    }
    if (count > 1)
        qsort(groups, count, sizeof(*groups), compare_groups);
}

/* work: 3 * channels. `only`: SIZE_MAX, or the one prefix that may be tried. */
void qn__groups_scan(const struct qn__problem *problem, const int64_t *totals, const int64_t *sums,
                     const struct qn__group *groups, size_t count, const int64_t *missing,
                     size_t only, int64_t *work, struct qn__split *split)
{
    size_t channels = problem->channels;
    int64_t *left = work, *with = work + channels, *right = work + 2 * channels;
    for (size_t c = 0; c < channels; c++)
        left[c] = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t *sum = sums + groups[i].at * channels;
        for (size_t c = 0; c < channels; c++) {
            left[c] += sum[c];
            with[c] = left[c] + (missing ? missing[c] : 0);
        }
        if (only != SIZE_MAX && only != i + 1)
            continue;
        if ((missing || i + 1 < count) && qn__try(problem, totals, left, right, &split->score)) {
            split->prefix = i + 1;
            split->missing_left = false;
        }
        if (missing && i + 1 < count && qn__try(problem, totals, with, right, &split->score)) {
            split->prefix = i + 1;
            split->missing_left = true;
        }
    }
}
