#include "learn/metrics_internal.h"

#include "base/alloc.h"

#include <float.h>
#include <math.h>

static double weight_of(const struct qn_target *target, size_t row)
{
    return target->weights ? target->weights[row] : 1.0;
}

/* The smallest |error| that half of the weight is at or below; between two rows their mean, so
 * that without weights it is the median. */
static double weighted_median(const struct qn__ranking *ranking, const struct qn_target *target,
                              const double *error)
{
    double total = 0;
    for (size_t i = 0; i < target->row_count; i++)
        total += weight_of(target, ranking->rows[i].row);
    double reached = 0, half = total * 0.5;
    for (size_t i = 0; i < target->row_count; i++) {
        size_t row = ranking->rows[i].row;
        reached += weight_of(target, row);
        if (weight_of(target, row) == 0.0 || reached < half)
            continue;
        if (reached - half > DBL_EPSILON)
            return error[row];
        for (size_t k = i + 1; k < target->row_count; k++) {
            size_t next = ranking->rows[k].row;
            if (weight_of(target, next) > 0.0)
                return (error[row] + error[next]) / 2;
        }
        return error[row];
    }
    return error[ranking->rows[target->row_count - 1].row];
}

static enum qn_status median_error(const struct qn_target *target, double *error, double *out,
                                   struct qn_error *err)
{
    struct qn__ranking ranking;
    enum qn_status status = qn__ranking_create(target->row_count, &ranking, err);
    if (status != QN_OK)
        return status;
    qn__ranking_sort(&ranking, error, 1, target->row_count);
    *out = weighted_median(&ranking, target, error);
    qn__ranking_release(&ranking);
    return QN_OK;
}

static double weighted_mean(const struct qn_target *target)
{
    struct qn__sum sum = {0, 0}, total = {0, 0};
    for (size_t i = 0; i < target->row_count; i++) {
        qn__sum_add(&sum, weight_of(target, i) * target->values[i]);
        qn__sum_add(&total, weight_of(target, i));
    }
    return qn__sum_value(&sum) / qn__sum_value(&total);
}

/* 1 for perfect predictions and 0 otherwise where the target is constant; not defined for a single
 * row. */
static double r_squared(double residual, double spread, size_t row_count)
{
    if (row_count < 2)
        return NAN;
    if (spread == 0)
        return residual == 0 ? 1.0 : 0.0;
    return 1.0 - residual / spread;
}

enum qn_status qn__metrics_regression(const struct qn_target *target, const double *prediction,
                                      struct qn_metrics *metrics, struct qn_error *err)
{
    double *error = QN_ALLOC(double, target->row_count);
    if (!error)
        return qn_fail_nomem(err, "metrics");
    double mean = weighted_mean(target), largest = 0;
    struct qn__sum weight = {0, 0}, square = {0, 0}, absolute = {0, 0}, percent = {0, 0};
    struct qn__sum spread = {0, 0};
    for (size_t i = 0; i < target->row_count; i++) {
        double w = weight_of(target, i), y = target->values[i];
        error[i] = fabs(y - prediction[i]);
        qn__sum_add(&weight, w);
        qn__sum_add(&square, w * (error[i] * error[i]));
        qn__sum_add(&absolute, w * error[i]);
        qn__sum_add(&percent, w * (error[i] / fmax(fabs(y), DBL_EPSILON)));
        qn__sum_add(&spread, w * ((y - mean) * (y - mean)));
        if (w > 0.0 && error[i] > largest)
            largest = error[i];
    }
    double total = qn__sum_value(&weight);
    metrics->rmse = sqrt(qn__sum_value(&square) / total);
    metrics->mae = qn__sum_value(&absolute) / total;
    metrics->mape = qn__sum_value(&percent) / total;
    metrics->r2 = r_squared(qn__sum_value(&square), qn__sum_value(&spread), target->row_count);
    metrics->max_error = largest;
    enum qn_status status = median_error(target, error, &metrics->median_error, err);
    qn_free(error);
    return status;
}
