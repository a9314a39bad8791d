/* The binned store: every feature as one byte a cell, made once and shared by all trees, folds and
 * trials. Numeric features are cut at (weighted) quantiles into at most 254 value bins; when a
 * feature has no more distinct values than that, each has a bin of its own and splits are exact. */
#ifndef QN_LEARN_BINNED_H
#define QN_LEARN_BINNED_H

#include "base/thread.h"
#include "learn/features.h"

#define QN_BIN_MISSING 0 /* no value */
#define QN_BIN_OTHER 1   /* unseen at training, or too rare to have a bin of its own */
#define QN_BIN_FIRST 2   /* first bin of values */
#define QN_BIN_LIMIT 256

struct qn_binned_feature {
    enum qn_feature_kind kind;
    uint16_t bin_count; /* reserved ones included: bins in use are [0, bin_count) */
    /* numeric: upper[b - QN_BIN_FIRST] is the threshold between bin b and b + 1, half-way between
     * neighbouring values; x is in the first bin with x <= upper. bin_count - 3 values. */
    double *upper;
    /* categorical: bin of each level; the most frequent levels have bins of their own, in order of
     * level. */
    uint8_t *bin_of_level;
    int32_t level_count;
};

struct qn_binned {
    size_t row_count, feature_count;
    struct qn_binned_feature *features; /* owns */
    uint8_t *columns;                   /* owns: codes by columns, column f at f * stride */
    size_t stride;                      /* row_count rounded up to 64 */
};

/* bin_limit: bins of values for each feature, 2..254. The cut points are computed from `rows`
 * (NULL: all, and row_count is not looked at), so that a fold never sees another's data; all rows
 * are coded. Features with more distinct values than bin_limit are cut by a fixed sample of at most
 * 200,000 of the rows. Levels without a row get no bin. Numeric features have at least one bin. */
QN_MUST_CHECK enum qn_status qn_binned_create(const struct qn_features *features,
                                              const size_t *rows, size_t row_count,
                                              size_t bin_limit, struct qn_pool *pool,
                                              struct qn_binned **out, struct qn_error *err);
void qn_binned_free(struct qn_binned *binned);
const uint8_t *qn_binned_column(const struct qn_binned *binned, size_t feature);
uint8_t qn_binned_code(const struct qn_binned_feature *feature, double value, int32_t level);
/* The threshold between neighbouring values lower < upper: half-way, and lower <= threshold < upper
 * whatever the rounding; finite unless lower is -infinity and nothing finite is below upper. */
double qn_binned_midpoint(double lower, double upper);

#endif
