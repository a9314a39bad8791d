/* What learners see: columns of numbers and category codes, and a target. All borrowed. */
#ifndef QN_LEARN_FEATURES_H
#define QN_LEARN_FEATURES_H

#include "base/error.h"

#include <stdint.h>

enum qn_feature_kind { QN_FEATURE_NUMERIC, QN_FEATURE_CATEGORICAL };

#define QN_LEVEL_MISSING (-1) /* no value */
#define QN_LEVEL_UNSEEN (-2)  /* a category that training did not have */

/* Numeric: values[row], NaN where missing. Categorical: levels[row] in [0, level_count), or one of
 * the two codes above. */
struct qn_feature {
    const char *name;
    enum qn_feature_kind kind;
    const double *values;  /* numeric, else NULL */
    const int32_t *levels; /* categorical, else NULL */
    int32_t level_count;
};

/* row_count x feature_count, by columns. */
struct qn_features {
    size_t row_count, feature_count;
    const struct qn_feature *columns;
};

enum qn_task { QN_TASK_BINARY, QN_TASK_MULTICLASS, QN_TASK_REGRESSION, QN_TASK_CLUSTERING };

const char *
qn_task_name(enum qn_task task); /* "binary", "multiclass", "regression", "clustering" */
bool qn_task_is_classification(enum qn_task task);

struct qn_target {
    enum qn_task task;
    size_t row_count;
    size_t class_count;     /* classification: 2 or more; else 0 */
    const int32_t *classes; /* [0, class_count); NULL unless classification */
    const double *values;   /* finite; NULL unless regression */
    const double *weights;  /* finite, >= 0, not all 0; NULL: all 1 */
};

#endif
