#include "learn/boosting_internal.h"

#include "learn/tree.h"

#include <math.h>

static const struct qn_parameter_name none_name[] = {{"none", 0}, {NULL, 0}};
static const struct qn_parameter_name off_name[] = {{"off", 0}, {NULL, 0}};
static const struct qn_parameter_name class_weight_names[] = {
    {"none", QN_CLASS_WEIGHT_NONE}, {"balanced", QN_CLASS_WEIGHT_BALANCED}, {NULL, 0}};

#define QN_FIELD(field) offsetof(struct qn_boosting_options, field)

static const struct qn_parameter parameters[] = {
    {.name = "learning_rate",
     .kind = QN_PARAMETER_NUMBER,
     .offset = QN_FIELD(learning_rate),
     .fallback = 0.1,
     .minimum = 0,
     .maximum = 1,
     .minimum_open = true,
     .help = "How much of each tree's step is taken"},
    {.name = "n_estimators",
     .kind = QN_PARAMETER_INTEGER,
     .offset = QN_FIELD(n_estimators),
     .fallback = 100,
     .minimum = 1,
     .maximum = 100000,
     .help = "Rounds; with more than two classes each round grows a tree for every class"},
    {.name = "max_leaves",
     .kind = QN_PARAMETER_INTEGER,
     .offset = QN_FIELD(max_leaves),
     .fallback = 31,
     .minimum = 2,
     .maximum = 131072,
     .help = "Most leaves of a tree"},
    {.name = "max_depth",
     .kind = QN_PARAMETER_INTEGER,
     .offset = QN_FIELD(max_depth),
     .fallback = 0,
     .minimum = 1,
     .maximum = 1000,
     .names = none_name,
     .help = "Most splits between the root and a leaf"},
    {.name = "max_bins",
     .kind = QN_PARAMETER_INTEGER,
     .offset = QN_FIELD(max_bins),
     .fallback = 254,
     .minimum = 2,
     .maximum = 254,
     .help = "Bins that the values of a feature are cut into"},
    {.name = "min_child_weight",
     .kind = QN_PARAMETER_NUMBER,
     .offset = QN_FIELD(min_child_weight),
     .fallback = 1e-3,
     .minimum = 0,
     .maximum = INFINITY,
     .help = "Least sum of hessians in a leaf"},
    {.name = "min_samples_leaf",
     .kind = QN_PARAMETER_INTEGER,
     .offset = QN_FIELD(min_samples_leaf),
     .fallback = 20,
     .minimum = 1,
     .maximum = 1000000000,
     .help = "Least rows in a leaf"},
    {.name = "lambda",
     .kind = QN_PARAMETER_NUMBER,
     .offset = QN_FIELD(lambda),
     .fallback = 0,
     .minimum = 0,
     .maximum = INFINITY,
     .help = "L2 penalty on the values of leaves"},
    {.name = "min_gain",
     .kind = QN_PARAMETER_NUMBER,
     .offset = QN_FIELD(min_gain),
     .fallback = 0,
     .minimum = 0,
     .maximum = INFINITY,
     .help = "A split must lower the loss by more than this"},
    {.name = "subsample",
     .kind = QN_PARAMETER_NUMBER,
     .offset = QN_FIELD(subsample),
     .fallback = 1,
     .minimum = 0,
     .maximum = 1,
     .minimum_open = true,
     .help = "Share of the rows drawn for each round, without replacement"},
    {.name = "colsample",
     .kind = QN_PARAMETER_NUMBER,
     .offset = QN_FIELD(colsample),
     .fallback = 1,
     .minimum = 0,
     .maximum = 1,
     .minimum_open = true,
     .help = "Share of the features drawn for each tree"},
    {.name = "early_stopping_rounds",
     .kind = QN_PARAMETER_INTEGER,
     .offset = QN_FIELD(early_stopping_rounds),
     .fallback = 0,
     .minimum = 1,
     .maximum = 100000,
     .names = off_name,
     .help = "Stop when the loss on held-out rows has not fallen for so many rounds, and keep the "
             "best round"},
    {.name = "validation_fraction",
     .kind = QN_PARAMETER_NUMBER,
     .offset = QN_FIELD(validation_fraction),
     .fallback = 0.1,
     .minimum = 0,
     .maximum = 1,
     .minimum_open = true,
     .maximum_open = true,
     .help = "Share of the rows of each class that is held out for early stopping"},
    {.name = "class_weight",
     .kind = QN_PARAMETER_CHOICE,
     .offset = QN_FIELD(class_weight),
     .fallback = QN_CLASS_WEIGHT_NONE,
     .names = class_weight_names,
     .help = "balanced: every class counts the same in total"},
    {.name = NULL},
};

static size_t boosting_outputs(const void *model)
{
    const struct qn_boosting *boosting = model;
    return boosting->task == QN_TASK_REGRESSION ? 1 : boosting->class_count;
}

static size_t boosting_features(const void *model)
{
    return ((const struct qn_boosting *)model)->trees->feature_count;
}

static enum qn_status boosting_importance(const void *model, double *out, struct qn_error *err)
{
    (void)err;
    qn_trees_gain(((const struct qn_boosting *)model)->trees, out);
    return QN_OK;
}

static json_t *numbers(const double *values, size_t count, bool *failed)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count && !*failed; i++)
        qn_json_add(list, qn_json_number(values[i]), failed);
    return list;
}

/* rounds, trees, leaves; base_score, a number an output; with early stopping also best_iteration
 * (rounds kept) and validation_loss by round. */
static json_t *boosting_describe(const void *model, const char *const *names)
{
    (void)names;
    const struct qn_boosting *boosting = model;
    size_t leaf_count = 0;
    for (size_t t = 0; t < boosting->trees->tree_count; t++)
        leaf_count += qn_trees_leaves(boosting->trees, t);
    json_t *object = json_object();
    bool failed = object == NULL;
    qn_json_set(object, "n_rounds", json_integer((json_int_t)boosting->round_count), &failed);
    qn_json_set(object, "n_trees", json_integer((json_int_t)boosting->trees->tree_count), &failed);
    qn_json_set(object, "n_leaves", json_integer((json_int_t)leaf_count), &failed);
    qn_json_set(object, "base_score", numbers(boosting->base, boosting->output_count, &failed),
                &failed);
    if (boosting->history_count > 0) {
        qn_json_set(object, "best_iteration", json_integer((json_int_t)boosting->round_count),
                    &failed);
        qn_json_set(object, "validation_loss",
                    numbers(boosting->history, boosting->history_count, &failed), &failed);
    }
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

const struct qn_learner qn_gradient_boosting_learner = {
    .name = "gradient_boosting",
    .title = "Gradient boosting",
    .about = "Trees grown one after the other, each on what the ones before still get wrong; most "
             "often the best on tables",
    .paper = "Friedman, Greedy function approximation: a gradient boosting machine, Annals of "
             "Statistics 2001; Ke et al., LightGBM, NeurIPS 2017",
    .tasks = 1u << QN_TASK_BINARY | 1u << QN_TASK_MULTICLASS | 1u << QN_TASK_REGRESSION,
    .native = true,
    .parameters = {parameters, sizeof(struct qn_boosting_options)},
    .fit = qn__boosting_fit,
    .predict = qn__boosting_predict,
    .output_count = boosting_outputs,
    .feature_count = boosting_features,
    .importance = boosting_importance,
    .describe = boosting_describe,
    .write = qn__boosting_write,
    .read = qn__boosting_read,
    .free = qn__boosting_free,
};
