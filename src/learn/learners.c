#include "learn/learner.h"

#include <string.h>

const struct qn_learner *const qn_learners[] = {
    &qn_decision_tree_learner,
    &qn_random_forest_learner,
    &qn_extra_trees_learner,
    &qn_gradient_boosting_learner,
    &qn_logistic_learner,
    &qn_linear_learner,
    &qn_ridge_learner,
    &qn_kmeans_learner,
    NULL,
};

const struct qn_learner *qn_learner_find(const char *name)
{
    for (size_t i = 0; qn_learners[i]; i++) {
        if (strcmp(qn_learners[i]->name, name) == 0)
            return qn_learners[i];
    }
    return NULL;
}
