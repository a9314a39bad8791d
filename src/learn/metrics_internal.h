/* What the parts of the metrics share. */
#ifndef QN_LEARN_METRICS_INTERNAL_H
#define QN_LEARN_METRICS_INTERNAL_H

#include "learn/metrics.h"

/* A sum with the lost low parts kept (Neumaier 1974): exact enough that the order of rows does not
 * show in what is reported. */
struct qn__sum {
    double high, low;
};

static inline void qn__sum_add(struct qn__sum *sum, double x)
{
    double total = sum->high + x;
    double lost_high = (sum->high - total) + x, lost_x = (x - total) + sum->high;
    sum->low += (sum->high < 0 ? -sum->high : sum->high) >= (x < 0 ? -x : x) ? lost_high : lost_x;
    sum->high = total;
}

static inline double qn__sum_value(const struct qn__sum *sum)
{
    return sum->high + sum->low;
}

/* A row in the order of a score. */
struct qn__ranked {
    uint64_t key; /* orders as the score does; equal for equal scores (-0 and 0 too) */
    size_t row;
};

/* Two blocks of row_count, made once and used for every class. */
struct qn__ranking {
    struct qn__ranked *rows, *spare; /* own */
};

QN_MUST_CHECK enum qn_status qn__ranking_create(size_t row_count, struct qn__ranking *out,
                                                struct qn_error *err);
void qn__ranking_release(struct qn__ranking *ranking);
/* Sorts all rows by rising score[row * stride]; equal scores stay in the order of rows. O(n). */
void qn__ranking_sort(struct qn__ranking *ranking, const double *score, size_t stride,
                      size_t row_count);
/* Areas under the ROC and the precision-recall curve of a sorted ranking; NaN when there are only
 * positives or only negatives (by weight). */
void qn__ranking_areas(const struct qn__ranking *ranking, const int32_t *classes, int32_t positive,
                       const double *weights, size_t row_count, double *roc_auc, double *pr_auc);

QN_MUST_CHECK enum qn_status qn__metrics_classification(const struct qn_target *target,
                                                        const double *probability,
                                                        struct qn_metrics *metrics,
                                                        struct qn_error *err);
QN_MUST_CHECK enum qn_status qn__metrics_regression(const struct qn_target *target,
                                                    const double *prediction,
                                                    struct qn_metrics *metrics,
                                                    struct qn_error *err);

#endif
