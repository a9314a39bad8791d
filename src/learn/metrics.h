/* How good predictions are. Weights may be NULL (all 1). Names and definitions as scikit-learn's.
 */
#ifndef QN_LEARN_METRICS_H
#define QN_LEARN_METRICS_H

#include "base/json.h"
#include "learn/features.h"

#define QN_CALIBRATION_BINS 10
#define QN_CURVE_POINTS 201

struct qn_class_metrics {
    double precision, recall, f1; /* 0 where undefined, as scikit-learn's zero_division=0 */
    double support;               /* rows (weight) of the class */
    double roc_auc, pr_auc;       /* one against the rest; NaN when only one class is there */
};

/* NaN: not defined for this task or these data. */
struct qn_metrics {
    enum qn_task task;
    size_t row_count, class_count;
    /* classification */
    double accuracy, balanced_accuracy;
    double precision_macro, recall_macro, f1_macro;
    double precision_weighted, recall_weighted, f1_weighted;
    double roc_auc;         /* binary: of class 1; multiclass: macro mean, one against the rest */
    double pr_auc;          /* average precision; multiclass: macro mean */
    double log_loss, brier; /* brier: mean over rows of the squared distance (binary: of p1) */
    double matthews;
    struct qn_class_metrics *classes; /* owns; class_count */
    double *confusion; /* owns; class_count x class_count, row: true class, column: predicted */
    /* binary: expected calibration error and reliability bins by equal width of p1 */
    double calibration_error;
    double calibration_mean[QN_CALIBRATION_BINS], calibration_share[QN_CALIBRATION_BINS];
    double calibration_weight[QN_CALIBRATION_BINS];
    /* regression */
    double rmse, mae, median_error, r2, mape, max_error;
};

/* prediction: row_count x class_count probabilities, or row_count values. */
QN_MUST_CHECK enum qn_status qn_metrics_compute(const struct qn_target *target,
                                                const double *prediction, struct qn_metrics **out,
                                                struct qn_error *err);
void qn_metrics_free(struct qn_metrics *metrics);
/* An object without what is undefined; classes named. NULL when out of memory. */
json_t *qn_metrics_json(const struct qn_metrics *metrics, const char *const *class_names);

/* The metric that decides for a task: "roc_auc", "log_loss", "rmse"; and whether more is better. */
const char *qn_metrics_main(enum qn_task task, bool *more_is_better);
double qn_metrics_get(const struct qn_metrics *metrics, const char *name); /* NaN when unknown */

/* Area under the ROC curve of scores for positives, ties counted half. */
QN_MUST_CHECK enum qn_status qn_roc_auc(const int32_t *classes, int32_t positive,
                                        const double *score, size_t score_stride,
                                        const double *weights, size_t row_count, double *out,
                                        struct qn_error *err);

/* What always stands beside a score: the class shares, or the mean, of the training target, as a
 * prediction for row_count rows. */
void qn_baseline_predict(const struct qn_target *training, size_t row_count, double *out);

#endif
