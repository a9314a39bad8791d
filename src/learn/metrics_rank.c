#include "learn/metrics_internal.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

enum { QN_DIGIT_BITS = 11, QN_DIGITS = 1 << QN_DIGIT_BITS, QN_PASSES = 6 };

/* Doubles as integers of the same order. */
static uint64_t key_of(double score)
{
    uint64_t bits;
    double x = score + 0.0; /* -0 becomes +0 */
    memcpy(&bits, &x, sizeof(bits));
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static size_t digit_of(uint64_t key, unsigned pass)
{
    return (size_t)(key >> (pass * QN_DIGIT_BITS)) & (QN_DIGITS - 1);
}

enum qn_status qn__ranking_create(size_t row_count, struct qn__ranking *out, struct qn_error *err)
{
    struct qn__ranked *rows = QN_ALLOC(struct qn__ranked, row_count);
    struct qn__ranked *spare = QN_ALLOC(struct qn__ranked, row_count);
    if (!rows || !spare) {
        qn_free(rows);
        qn_free(spare);
        return qn_fail_nomem(err, "metrics");
    }
    *out = (struct qn__ranking){.rows = rows, .spare = spare};
    return QN_OK;
}

void qn__ranking_release(struct qn__ranking *ranking)
{
    qn_free(ranking->rows);
    qn_free(ranking->spare);
    *ranking = (struct qn__ranking){NULL, NULL};
}

void qn__ranking_sort(struct qn__ranking *ranking, const double *score, size_t stride,
                      size_t row_count)
{
    uint64_t varying = 0;
    for (size_t i = 0; i < row_count; i++) {
        ranking->rows[i] = (struct qn__ranked){key_of(score[i * stride]), i};
        varying |= ranking->rows[i].key ^ ranking->rows[0].key;
    }
    for (unsigned pass = 0; pass < QN_PASSES; pass++) {
        if (digit_of(varying, pass) == 0)
            continue;
        size_t at[QN_DIGITS] = {0};
        for (size_t i = 0; i < row_count; i++)
            at[digit_of(ranking->rows[i].key, pass)]++;
        for (size_t digit = 0, before = 0; digit < QN_DIGITS; digit++) {
            size_t count = at[digit];
            at[digit] = before;
            before += count;
        }
        for (size_t i = 0; i < row_count; i++)
            ranking->spare[at[digit_of(ranking->rows[i].key, pass)]++] = ranking->rows[i];
        struct qn__ranked *sorted = ranking->spare;
        ranking->spare = ranking->rows;
        ranking->rows = sorted;
    }
}

/* Walks the thresholds from the highest score down: each group of equal scores adds a trapezoid to
 * the ROC curve and a step to the precision-recall curve. */
void qn__ranking_areas(const struct qn__ranking *ranking, const int32_t *classes, int32_t positive,
                       const double *weights, size_t row_count, double *roc_auc, double *pr_auc)
{
    double hits = 0, alarms = 0; /* weight of positives and negatives at or above the threshold */
    struct qn__sum roc = {0, 0}, pr = {0, 0};
    for (size_t end = row_count; end > 0;) {
        double positives = 0, negatives = 0;
        uint64_t key = ranking->rows[end - 1].key;
        for (; end > 0 && ranking->rows[end - 1].key == key; end--) {
            size_t row = ranking->rows[end - 1].row;
            double weight = weights ? weights[row] : 1.0;
            if (classes[row] == positive)
                positives += weight;
            else
                negatives += weight;
        }
        qn__sum_add(&roc, negatives * (hits + positives / 2));
        hits += positives;
        alarms += negatives;
        if (positives > 0)
            qn__sum_add(&pr, positives * (hits / (hits + alarms)));
    }
    bool defined = hits > 0 && alarms > 0;
    *roc_auc = defined ? qn__sum_value(&roc) / hits / alarms : (double)NAN;
    *pr_auc = defined ? qn__sum_value(&pr) / hits : (double)NAN;
}

enum qn_status qn_roc_auc(const int32_t *classes, int32_t positive, const double *score,
                          size_t score_stride, const double *weights, size_t row_count, double *out,
                          struct qn_error *err)
{
    for (size_t i = 0; i < row_count; i++) {
        if (isnan(score[i * score_stride]))
            return qn_fail(err, QN_INVALID, "roc_auc: the score of row %zu is not a number", i);
    }
    struct qn__ranking ranking;
    enum qn_status status = qn__ranking_create(row_count, &ranking, err);
    if (status != QN_OK)
        return status;
    double roc_auc, pr_auc;
    qn__ranking_sort(&ranking, score, score_stride, row_count);
    qn__ranking_areas(&ranking, classes, positive, weights, row_count, &roc_auc, &pr_auc);
    qn__ranking_release(&ranking);
    *out = roc_auc;
    return QN_OK;
}
