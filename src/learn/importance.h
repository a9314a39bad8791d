/* Permutation importance (Breiman 2001): how much the main metric worsens when a feature's values
 * are shuffled among the rows. Model-agnostic; run on held-out rows. */
#ifndef QN_LEARN_IMPORTANCE_H
#define QN_LEARN_IMPORTANCE_H

#include "learn/learner.h"

struct qn_permutation {
    double mean, std; /* over repeats; positive: the feature helps */
};

/* out: feature_count entries. groups (NULL: each feature alone) gives the group of each feature:
 * features of one group are shuffled together (all columns that one input column became), and
 * out has group_count entries. */
QN_MUST_CHECK enum qn_status
qn_permutation_importance(const struct qn_learner *learner, const void *model,
                          const struct qn_features *features, const struct qn_target *target,
                          const size_t *groups, size_t group_count, size_t repeats, uint64_t seed,
                          struct qn_pool *pool, const struct qn_progress *progress,
                          struct qn_permutation *out, struct qn_error *err);

#endif
