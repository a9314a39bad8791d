/* Which rows train and which test. Row indices are into the table, ascending within each part. */
#ifndef QN_DATA_SPLIT_H
#define QN_DATA_SPLIT_H

#include "data/table.h"

enum qn_split_kind {
    QN_SPLIT_RANDOM,
    QN_SPLIT_STRATIFIED, /* by the codes or values of `column`: each part keeps the shares */
    QN_SPLIT_GROUPED,    /* rows with the same value of `column` stay together */
    QN_SPLIT_TIME,       /* the last rows by `column` test; folds grow forward in time */
};

/* fold_of_row[i] in [0, fold_count). For a hold-out: fold_count 2, where fold 1 is the test part
 * with about test_share of the rows. For QN_SPLIT_TIME with fold_count k: fold f is tested after
 * training on folds before it; fold 0 only trains. */
struct qn_split {
    size_t row_count;
    size_t fold_count;
    uint16_t *fold_of_row; /* owns */
    bool forward;          /* time-ordered: train on folds < f only */
};

struct qn_split_options {
    enum qn_split_kind kind;
    const struct qn_column *column; /* stratify by, group by, order by; NULL for random */
    const bool *skip;               /* rows to leave out (fold QN_FOLD_NONE), or NULL */
    double test_share;              /* of a hold-out; used when fold_count is 0 */
    size_t fold_count;              /* k of k-fold, 2..1000; 0: hold-out */
    uint64_t seed;
};

#define QN_FOLD_NONE UINT16_MAX

/* QN_INVALID says which option does not fit the data ("only 3 groups for 5 folds"). */
QN_MUST_CHECK enum qn_status qn_split_make(size_t row_count, const struct qn_split_options *options,
                                           struct qn_split **out, struct qn_error *err);
void qn_split_free(struct qn_split *split);

/* Row lists of one round, each ascending; the caller frees both with qn_free(). */
QN_MUST_CHECK enum qn_status qn_split_rows(const struct qn_split *split, size_t fold,
                                           size_t **train_out, size_t *train_count_out,
                                           size_t **test_out, size_t *test_count_out,
                                           struct qn_error *err);

#endif
