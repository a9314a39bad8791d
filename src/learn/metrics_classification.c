#include "learn/metrics_internal.h"

#include "base/alloc.h"
#include "base/numeric.h"

#include <float.h>
#include <math.h>
#include <string.h>

static double weight_of(const struct qn_target *target, size_t row)
{
    return target->weights ? target->weights[row] : 1.0;
}

/* The first of the largest probabilities. */
static size_t predicted_class(const double *probability, size_t class_count)
{
    size_t best = 0;
    for (size_t k = 1; k < class_count; k++) {
        if (probability[k] > probability[best])
            best = k;
    }
    return best;
}

static double brier_of(const double *probability, size_t class_count, size_t actual)
{
    if (class_count == 2) {
        double miss = probability[1] - (actual == 1 ? 1.0 : 0.0);
        return miss * miss;
    }
    double sum = 0;
    for (size_t k = 0; k < class_count; k++) {
        double miss = probability[k] - (actual == k ? 1.0 : 0.0);
        sum += miss * miss;
    }
    return sum;
}

/* Confusion matrix, log loss and Brier score in one pass. Probabilities are clipped as
 * scikit-learn clips them, so that a certain and wrong prediction costs 36 and not infinity. */
static void score_rows(const struct qn_target *target, const double *probability,
                       struct qn_metrics *metrics)
{
    size_t class_count = target->class_count;
    struct qn__sum loss = {0, 0}, brier = {0, 0}, total = {0, 0};
    for (size_t i = 0; i < target->row_count; i++) {
        const double *p = probability + i * class_count;
        size_t actual = (size_t)target->classes[i];
        double weight = weight_of(target, i);
        metrics->confusion[actual * class_count + predicted_class(p, class_count)] += weight;
        double clipped = fmin(fmax(p[actual], DBL_EPSILON), 1.0 - DBL_EPSILON);
        qn__sum_add(&loss, -weight * qn_log(clipped));
        qn__sum_add(&brier, weight * brier_of(p, class_count, actual));
        qn__sum_add(&total, weight);
    }
    metrics->log_loss = qn__sum_value(&loss) / qn__sum_value(&total);
    metrics->brier = qn__sum_value(&brier) / qn__sum_value(&total);
}

/* What a class's row and column of the confusion matrix add up to. */
struct margins {
    double hit, actual, predicted;
};

static struct margins margins_of(const struct qn_metrics *metrics, size_t k)
{
    struct margins sums = {metrics->confusion[k * metrics->class_count + k], 0, 0};
    for (size_t other = 0; other < metrics->class_count; other++) {
        sums.actual += metrics->confusion[k * metrics->class_count + other];
        sums.predicted += metrics->confusion[other * metrics->class_count + k];
    }
    return sums;
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0.0;
}

/* Macro means are over classes that occur, as target or as prediction; balanced accuracy over
 * those that occur as target. */
static void score_classes(struct qn_metrics *metrics)
{
    double total = 0, hits = 0, product = 0, squares_actual = 0, squares_predicted = 0;
    double recall_actual = 0;
    size_t seen_count = 0, actual_count = 0;
    double macro[3] = {0}, weighted[3] = {0};
    for (size_t k = 0; k < metrics->class_count; k++) {
        struct qn_class_metrics *class = &metrics->classes[k];
        struct margins sums = margins_of(metrics, k);
        class->precision = ratio(sums.hit, sums.predicted);
        class->recall = ratio(sums.hit, sums.actual);
        class->f1 = ratio(2 * sums.hit, sums.actual + sums.predicted);
        class->support = sums.actual;
        const double scores[3] = {class->precision, class->recall, class->f1};
        for (size_t s = 0; s < 3; s++) {
            macro[s] += scores[s];
            weighted[s] += scores[s] * sums.actual;
        }
        seen_count += sums.actual > 0 || sums.predicted > 0;
        actual_count += sums.actual > 0;
        recall_actual += class->recall;
        total += sums.actual;
        hits += sums.hit;
        product += sums.actual * sums.predicted;
        squares_actual += sums.actual * sums.actual;
        squares_predicted += sums.predicted * sums.predicted;
    }
    double seen = (double)seen_count;
    metrics->accuracy = hits / total;
    metrics->balanced_accuracy = recall_actual / (double)actual_count;
    metrics->precision_macro = macro[0] / seen;
    metrics->recall_macro = macro[1] / seen;
    metrics->f1_macro = macro[2] / seen;
    metrics->precision_weighted = weighted[0] / total;
    metrics->recall_weighted = weighted[1] / total;
    metrics->f1_weighted = weighted[2] / total;
    double spread = (total * total - squares_predicted) * (total * total - squares_actual);
    metrics->matthews = spread > 0 ? (hits * total - product) / sqrt(spread) : 0.0;
}

static enum qn_status score_ranking(const struct qn_target *target, const double *probability,
                                    struct qn_metrics *metrics, struct qn_error *err)
{
    size_t class_count = target->class_count;
    struct qn__ranking ranking;
    enum qn_status status = qn__ranking_create(target->row_count, &ranking, err);
    if (status != QN_OK)
        return status;
    double roc_sum = 0, pr_sum = 0;
    size_t defined_count = 0;
    for (size_t k = 0; k < class_count; k++) {
        struct qn_class_metrics *class = &metrics->classes[k];
        class->roc_auc = class->pr_auc = NAN;
        if (class->support == 0) /* A class without rows needs no sorting. */
            continue;
        qn__ranking_sort(&ranking, probability + k, class_count, target->row_count);
        qn__ranking_areas(&ranking, target->classes, (int32_t)k, target->weights, target->row_count,
                          &class->roc_auc, &class->pr_auc);
        if (isnan(class->roc_auc))
            continue;
        roc_sum += class->roc_auc;
        pr_sum += class->pr_auc;
        defined_count++;
    }
    qn__ranking_release(&ranking);
    if (target->task == QN_TASK_BINARY) {
        metrics->roc_auc = metrics->classes[1].roc_auc;
        metrics->pr_auc = metrics->classes[1].pr_auc;
    } else if (defined_count > 0) {
        metrics->roc_auc = roc_sum / (double)defined_count;
        metrics->pr_auc = pr_sum / (double)defined_count;
    }
    return QN_OK;
}

/* Bins (0, 0.1], (0.1, 0.2] ...; 0 itself is in the first. */
static size_t calibration_bin(double probability)
{
    size_t bin = 0;
    while (bin + 1 < QN_CALIBRATION_BINS && probability > (double)(bin + 1) * 0.1)
        bin++;
    return bin;
}

static void score_calibration(const struct qn_target *target, const double *probability,
                              struct qn_metrics *metrics)
{
    struct qn__sum mean[QN_CALIBRATION_BINS], share[QN_CALIBRATION_BINS],
        weight[QN_CALIBRATION_BINS];
    memset(mean, 0, sizeof(mean));
    memset(share, 0, sizeof(share));
    memset(weight, 0, sizeof(weight));
    for (size_t i = 0; i < target->row_count; i++) {
        double p = probability[2 * i + 1], w = weight_of(target, i);
        size_t bin = calibration_bin(p);
        qn__sum_add(&mean[bin], w * p);
        qn__sum_add(&weight[bin], w);
        if (target->classes[i] == 1)
            qn__sum_add(&share[bin], w);
    }
    double total = 0, error = 0;
    for (size_t bin = 0; bin < QN_CALIBRATION_BINS; bin++) {
        double in_bin = qn__sum_value(&weight[bin]);
        metrics->calibration_weight[bin] = in_bin;
        metrics->calibration_mean[bin] = in_bin > 0 ? qn__sum_value(&mean[bin]) / in_bin : NAN;
        metrics->calibration_share[bin] = in_bin > 0 ? qn__sum_value(&share[bin]) / in_bin : NAN;
        if (in_bin > 0) {
            total += in_bin;
            error += fabs(qn__sum_value(&mean[bin]) - qn__sum_value(&share[bin]));
        }
    }
    metrics->calibration_error = error / total;
}

enum qn_status qn__metrics_classification(const struct qn_target *target, const double *probability,
                                          struct qn_metrics *metrics, struct qn_error *err)
{
    size_t class_count = target->class_count;
    metrics->classes = QN_CALLOC(struct qn_class_metrics, class_count);
    metrics->confusion =
        class_count <= SIZE_MAX / class_count ? QN_CALLOC(double, class_count *class_count) : NULL;
    if (!metrics->classes || !metrics->confusion)
        return qn_fail_nomem(err, "metrics");
    score_rows(target, probability, metrics);
    score_classes(metrics);
    if (target->task == QN_TASK_BINARY)
        score_calibration(target, probability, metrics);
    return score_ranking(target, probability, metrics, err);
}
