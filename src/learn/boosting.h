/* Gradient-boosted trees on histograms (Friedman 2001; Ke et al. 2017, LightGBM; Chen and Guestrin
 * 2016, XGBoost): leaf-wise growth, second-order gains, native missing values and categories.
 * Objectives: log loss (binary), softmax cross-entropy (multiclass), squared error. */
#ifndef QN_LEARN_BOOSTING_H
#define QN_LEARN_BOOSTING_H

#include "learn/learner.h"
#include "learn/trees.h"

struct qn_boosting_options {
    double learning_rate;
    int64_t n_estimators; /* rounds; multiclass grows one tree a class in each */
    int64_t max_leaves;
    int64_t max_depth;       /* 0: no limit */
    int64_t max_bins;        /* bins of values a feature, 2..254 */
    double min_child_weight; /* least hessian sum in a leaf */
    int64_t min_samples_leaf;
    double lambda; /* L2 on leaf values */
    double min_gain;
    double subsample;              /* share of rows for each round */
    double colsample;              /* share of features for each tree */
    int64_t early_stopping_rounds; /* 0: off */
    double validation_fraction;    /* held out for early stopping */
    int64_t class_weight;          /* enum qn_class_weight */
};

#endif
