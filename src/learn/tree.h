/* Decision tree, random forest and extremely randomised trees (Breiman et al. 1984; Breiman 2001;
 * Geurts et al. 2006). Impurity: gini, entropy, squared error; missing values and categories are
 * split natively (categories by the ordering of Fisher 1958, exact for two classes and
 * regression). */
#ifndef QN_LEARN_TREE_H
#define QN_LEARN_TREE_H

#include "learn/learner.h"
#include "learn/trees.h"

/* All sums that decide about splits are of 64-bit integers (weights and targets in fixed point), so
 * that their order, and the number of threads, cannot matter. Numeric thresholds lie half-way
 * between the values (histogram: the bins) of the node's rows on either side. A missing value goes
 * where it served the training rows best, or, when the node had none, to the branch with more rows.
 * Levels are ordered by their share of class 1, their mean, or with three classes or more by their
 * share of the node's most frequent class; a level that the node did not have goes with more rows.
 */

enum qn_criterion {
    QN_CRITERION_AUTO,
    QN_CRITERION_GINI,
    QN_CRITERION_ENTROPY,
    QN_CRITERION_SQUARED_ERROR
};
enum qn_splitter { QN_SPLITTER_AUTO, QN_SPLITTER_EXACT, QN_SPLITTER_HISTOGRAM };
enum qn_class_weight { QN_CLASS_WEIGHT_NONE, QN_CLASS_WEIGHT_BALANCED };

/* Shared by the three; a field that an algorithm has no parameter for keeps its default. */
struct qn_tree_options {
    int64_t criterion;
    int64_t splitter;         /* decision_tree: exact up to 10,000 rows, histogram above */
    int64_t max_depth;        /* 0: no limit */
    int64_t max_leaves;       /* 0: no limit */
    double min_samples_split; /* >= 2: rows; below 1: share */
    double min_samples_leaf;
    double min_impurity_decrease;
    double max_features; /* -3 auto (sqrt; all for regression), -2 log2, -1 sqrt, 0 all, below 1 a
                            share, else a count */
    int64_t n_estimators;
    bool bootstrap;
    double max_samples; /* share of rows drawn for each tree with bootstrap, (0, 1] */
    int64_t class_weight;
    bool oob_score;
};

/* What a forest keeps beside its trees. oob_score: accuracy or R2 over rows that some tree did not
 * see; NaN when not asked for. */
struct qn_forest {
    struct qn_trees *trees; /* owns; leaf values are class shares or means, averaged over trees */
    enum qn_task task;
    double oob_score;
};

#endif
