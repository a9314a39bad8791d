/* What is in a table: exact statistics of each column, how columns hang together, and alerts. */
#ifndef QN_DATA_PROFILE_H
#define QN_DATA_PROFILE_H

#include "base/json.h"
#include "base/progress.h"
#include "base/thread.h"
#include "data/table.h"

#define QN_PROFILE_BINS 20
#define QN_PROFILE_TOP 10
#define QN_PROFILE_QUANTILES 9 /* 0.01 0.05 0.1 0.25 0.5 0.75 0.9 0.95 0.99 */

extern const double qn_profile_quantile_levels[QN_PROFILE_QUANTILES];

struct qn_top {
    char *text; /* owns */
    size_t count;
};

struct qn_column_profile {
    const char *name; /* borrows from the table */
    enum qn_type type;
    size_t count; /* not missing */
    size_t missing;
    size_t distinct; /* exact, of values that are not missing */
    /* numbers, integers, booleans; dates and datetimes in their own units */
    /* The figures below describe the finite values; `infinite` says how many others there are.
     * Sample std (n - 1); skewness and excess kurtosis adjusted for bias (G1 and G2 of Joanes and
     * Gill 1998, as pandas and SAS); NaN when undefined. */
    double min, max, mean, std, skewness, kurtosis;
    int64_t integer_min, integer_max;       /* min and max of integer storage, exact past 2^53 */
    double quantiles[QN_PROFILE_QUANTILES]; /* linear interpolation, as numpy's default */
    double median_deviation;                /* median |x - median| */
    size_t zeros, negatives, infinite;
    size_t outliers; /* outside [q1 - 3 iqr, q3 + 3 iqr] */
    /* bins are [edge, next edge), the last one closed; whole-number columns have edges between
     * their values, so that no bin holds more whole numbers than another (but perhaps the last) */
    double bin_edges[QN_PROFILE_BINS + 1];
    size_t bin_counts[QN_PROFILE_BINS];
    size_t bin_count;      /* 0 when there is no histogram */
    bool sorted_ascending; /* non-decreasing down the file, no missing */
    /* dates and datetimes; equal values make no gap */
    double gap_median, gap_max; /* between neighbours in time, in the column's units */
    double gap_max_at;          /* the value before the largest gap */
    /* coded types, and all types for `top` */
    struct qn_top top[QN_PROFILE_TOP];
    size_t top_count;
    size_t length_min, length_max; /* characters */
    double length_mean;
    double entropy;         /* bits, of coded and boolean columns */
    size_t numeric_looking; /* coded columns: values that parse as a number: mixed types */
};

enum qn_measure { QN_MEASURE_PEARSON, QN_MEASURE_SPEARMAN, QN_MEASURE_CRAMER, QN_MEASURE_ETA };

/* One pair; Pearson and Spearman between numeric columns, Cramer's V (bias-corrected, Bergsma
 * 2013) between categories, correlation ratio between a category and a number. */
struct qn_association {
    size_t a, b; /* columns, a < b */
    enum qn_measure measure;
    double value; /* NaN when undefined (constant column) */
};

enum qn_severity { QN_SEVERITY_INFO, QN_SEVERITY_WARNING, QN_SEVERITY_ERROR };

struct qn_alert {
    ptrdiff_t column; /* -1: the whole table */
    const char *kind; /* static: "constant", "unique_identifier", "high_cardinality", "imbalance",
                         "skewed", "zeros", "infinite", "outliers", "mixed_types",
                         "near_duplicate", "leakage", "missing", "duplicate_rows" */
    enum qn_severity severity;
    char *message; /* owns; what was seen, with numbers */
    char *action;  /* owns; what to do */
};

/* A set of columns that are missing together, and in how many rows. */
struct qn_missing_pattern {
    size_t *columns; /* owns */
    size_t column_count;
    size_t rows;
};

struct qn_profile {
    const struct qn_table *table;      /* borrows */
    struct qn_column_profile *columns; /* table->column_count */
    struct qn_association *associations;
    size_t association_count;
    size_t spearman_skipped; /* pairs left out: ranking them anew would take too long or too much
                                memory (docs/profile.md) */
    size_t duplicate_rows;   /* rows that repeat an earlier one */
    struct qn_missing_pattern *patterns; /* most frequent first, at most 20; "nothing missing" has
                                            column_count 0 */
    size_t pattern_count;
    struct qn_alert *alerts; /* worst first */
    size_t alert_count;
    ptrdiff_t target;           /* leakage and imbalance were judged against it; -1: none */
    ptrdiff_t suggested_target; /* -1: none stands out */
    char *target_reason;        /* owns, may be NULL */
};

struct qn_profile_options {
    const char *target; /* NULL: suggested, and leakage is judged against the suggestion */
    size_t association_column_limit; /* the first so many columns of each kind are paired;
                                        default 200, 0 turns associations off */
    size_t association_level_limit;  /* categories with more levels are left out: default 200 */
    bool no_duplicates;              /* leave out duplicate rows and patterns */
    const struct qn_progress *progress;
};

void qn_profile_options_default(struct qn_profile_options *options);

QN_MUST_CHECK enum qn_status qn_profile_make(const struct qn_table *table,
                                             const struct qn_profile_options *options,
                                             struct qn_pool *pool, struct qn_profile **out,
                                             struct qn_error *err);
void qn_profile_free(struct qn_profile *profile);

/* The object that `quern profile --json` prints (see docs/profile.md); NULL when out of memory. */
json_t *qn_profile_json(const struct qn_profile *profile);

#endif
