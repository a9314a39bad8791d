/* The parameters of the three learners. */
#include "learn/tree_internal.h"

#define QN_FIELD(field) .name = #field, .offset = offsetof(struct qn_tree_options, field)
#define QN_MANY 1e9

static const struct qn_parameter_name criteria[] = {{"auto", QN_CRITERION_AUTO},
                                                    {"gini", QN_CRITERION_GINI},
                                                    {"entropy", QN_CRITERION_ENTROPY},
                                                    {"squared_error", QN_CRITERION_SQUARED_ERROR},
                                                    {NULL, 0}};
static const struct qn_parameter_name splitters[] = {{"auto", QN_SPLITTER_AUTO},
                                                     {"exact", QN_SPLITTER_EXACT},
                                                     {"histogram", QN_SPLITTER_HISTOGRAM},
                                                     {NULL, 0}};
static const struct qn_parameter_name no_limit[] = {{"none", 0}, {NULL, 0}};
static const struct qn_parameter_name feature_counts[] = {
    {"auto", -3}, {"log2", -2}, {"sqrt", -1}, {"all", 0}, {NULL, 0}};
static const struct qn_parameter_name class_weights[] = {
    {"none", QN_CLASS_WEIGHT_NONE}, {"balanced", QN_CLASS_WEIGHT_BALANCED}, {NULL, 0}};

#define QN_CRITERION                                                                               \
    {                                                                                              \
        QN_FIELD(criterion),                                                                       \
            .kind = QN_PARAMETER_CHOICE, .names = criteria,                                        \
            .help =                                                                                \
                "Impurity that splits reduce; auto is gini for classes, squared_error for numbers" \
    }
#define QN_SPLITTER                                                                                \
    {                                                                                              \
        QN_FIELD(splitter),                                                                        \
            .kind = QN_PARAMETER_CHOICE, .names = splitters,                                       \
            .help =                                                                                \
                "Thresholds between all values (exact) or between 254 bins (histogram); auto is "  \
                "exact up to 10,000 rows"                                                          \
    }
#define QN_MAX_DEPTH                                                                               \
    {                                                                                              \
        QN_FIELD(max_depth), .kind = QN_PARAMETER_INTEGER, .minimum = 0, .maximum = QN_MANY,       \
                             .names = no_limit,                                                    \
                             .help = "Most questions from the root to a leaf; 0 or none: no limit" \
    }
#define QN_MAX_LEAVES                                                                              \
    {                                                                                              \
        QN_FIELD(max_leaves),                                                                      \
            .kind = QN_PARAMETER_INTEGER, .minimum = 0, .maximum = QN_MANY, .names = no_limit,     \
            .help = "Most leaves, the best splits first (2 or more); 0 or none: no limit"          \
    }
#define QN_MIN_SAMPLES_SPLIT                                                                       \
    {                                                                                              \
        QN_FIELD(min_samples_split),                                                               \
            .kind = QN_PARAMETER_NUMBER, .fallback = 2, .minimum = 0, .minimum_open = true,        \
            .maximum = QN_MANY,                                                                    \
            .help = "Fewest rows of a node that is split; below 1 a share of all rows"             \
    }
#define QN_MIN_SAMPLES_LEAF                                                                        \
    {                                                                                              \
        QN_FIELD(min_samples_leaf), .kind = QN_PARAMETER_NUMBER, .fallback = 1, .minimum = 0,      \
                                    .minimum_open = true, .maximum = QN_MANY,                      \
                                    .help = "Fewest rows of a leaf; below 1 a share of all rows"   \
    }
#define QN_MIN_IMPURITY_DECREASE                                                                   \
    {                                                                                              \
        QN_FIELD(min_impurity_decrease),                                                           \
            .kind = QN_PARAMETER_NUMBER, .minimum = 0, .maximum = 1e300,                           \
            .help = "Least decrease of impurity of a split, times the node's share of the rows"    \
    }
#define QN_MAX_FEATURES(value)                                                                     \
    {                                                                                              \
        QN_FIELD(max_features),                                                                    \
            .kind = QN_PARAMETER_NUMBER, .fallback = (value), .minimum = 0, .maximum = QN_MANY,    \
            .names = feature_counts,                                                               \
            .help =                                                                                \
                "Features tried at each split, drawn at random: a count, a share below 1, or a "   \
                "word; auto is sqrt for classes and all for numbers"                               \
    }
#define QN_N_ESTIMATORS                                                                            \
    {                                                                                              \
        QN_FIELD(n_estimators), .kind = QN_PARAMETER_INTEGER, .fallback = 100, .minimum = 1,       \
                                .maximum = 100000, .help = "Number of trees"                       \
    }
#define QN_BOOTSTRAP(value)                                                                        \
    {                                                                                              \
        QN_FIELD(bootstrap), .kind = QN_PARAMETER_BOOLEAN, .fallback = (value), .maximum = 1,      \
                             .help = "Grow each tree on rows drawn with replacement"               \
    }
#define QN_MAX_SAMPLES                                                                             \
    {                                                                                              \
        QN_FIELD(max_samples),                                                                     \
            .kind = QN_PARAMETER_NUMBER, .fallback = 1, .minimum = 0, .minimum_open = true,        \
            .maximum = 1,                                                                          \
            .help = "Rows drawn for each tree, as a share of all; with bootstrap only"             \
    }
#define QN_CLASS_WEIGHT                                                                            \
    {                                                                                              \
        QN_FIELD(class_weight), .kind = QN_PARAMETER_CHOICE, .names = class_weights,               \
                                .help = "balanced weighs rows so that all classes count the same"  \
    }
#define QN_OOB_SCORE                                                                               \
    {                                                                                              \
        QN_FIELD(oob_score),                                                                       \
            .kind = QN_PARAMETER_BOOLEAN, .maximum = 1,                                            \
            .help = "Score each row by the trees that did not see it; with bootstrap only"         \
    }

const struct qn_parameter qn__decision_tree_parameters[] = {
    QN_CRITERION,
    QN_SPLITTER,
    QN_MAX_DEPTH,
    QN_MAX_LEAVES,
    QN_MIN_SAMPLES_SPLIT,
    QN_MIN_SAMPLES_LEAF,
    QN_MIN_IMPURITY_DECREASE,
    QN_MAX_FEATURES(0),
    QN_CLASS_WEIGHT,
    {.name = NULL},
};

const struct qn_parameter qn__random_forest_parameters[] = {
    QN_N_ESTIMATORS,
    QN_CRITERION,
    QN_MAX_DEPTH,
    QN_MAX_LEAVES,
    QN_MIN_SAMPLES_SPLIT,
    QN_MIN_SAMPLES_LEAF,
    QN_MIN_IMPURITY_DECREASE,
    QN_MAX_FEATURES(-3),
    QN_BOOTSTRAP(1),
    QN_MAX_SAMPLES,
    QN_CLASS_WEIGHT,
    QN_OOB_SCORE,
    {.name = NULL},
};

const struct qn_parameter qn__extra_trees_parameters[] = {
    QN_N_ESTIMATORS,
    QN_CRITERION,
    QN_MAX_DEPTH,
    QN_MAX_LEAVES,
    QN_MIN_SAMPLES_SPLIT,
    QN_MIN_SAMPLES_LEAF,
    QN_MIN_IMPURITY_DECREASE,
    QN_MAX_FEATURES(-3),
    QN_BOOTSTRAP(0),
    QN_MAX_SAMPLES,
    QN_CLASS_WEIGHT,
    QN_OOB_SCORE,
    {.name = NULL},
};
