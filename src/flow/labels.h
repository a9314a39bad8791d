/* The target column as learners want it, and what task it makes. */
#ifndef QN_FLOW_LABELS_H
#define QN_FLOW_LABELS_H

#include "data/table.h"
#include "learn/features.h"

enum qn_task_choice { QN_TASK_AUTO, QN_TASK_CLASSIFY, QN_TASK_REGRESS };

/* Target values of a table's rows. classes[row] is -1 and values[row] NaN where the target is
 * missing (or, against a model's classes, unknown). */
struct qn_labels {
    enum qn_task task;
    size_t row_count;
    int32_t *classes;   /* owns; classification */
    double *values;     /* owns; regression */
    char **class_names; /* owns; sorted: numbers by value, texts by bytes */
    size_t class_count;
    size_t missing_count;
    char *reason; /* owns; why this task: "'species' has 3 different values"; NULL when matched */
};

/* Decides the task and numbers the classes. Categories, texts and booleans are classes; an integer
 * or number column is one when it has at most 2 values, or is whole with at most
 * QN_LABELS_INTEGER_CLASSES values; `choice` overrides. QN_INVALID when there are fewer than 2
 * classes, more than QN_LABELS_CLASS_LIMIT, or nothing but missing values. */
#define QN_LABELS_INTEGER_CLASSES 10
#define QN_LABELS_CLASS_LIMIT 1000
QN_MUST_CHECK enum qn_status qn_labels_make(const struct qn_column *column, size_t row_count,
                                            enum qn_task_choice choice, struct qn_labels **out,
                                            struct qn_error *err);

/* The same for new data, against a model's task and classes; the labels have no class_names of
 * their own. *unknown_out counts rows whose class the model does not know (classes[row] is -1, but
 * missing_count does not count them). */
QN_MUST_CHECK enum qn_status qn_labels_match(const struct qn_column *column, size_t row_count,
                                             enum qn_task task, char *const *class_names,
                                             size_t class_count, struct qn_labels **out,
                                             size_t *unknown_out, struct qn_error *err);
void qn_labels_free(struct qn_labels *labels);

/* The target of some rows, gathered into arrays of its own. weights: of all rows, or NULL. */
struct qn_label_rows {
    struct qn_target target; /* points to the arrays below */
    int32_t *classes;
    double *values, *weights;
};
QN_MUST_CHECK enum qn_status qn_labels_gather(const struct qn_labels *labels, const double *weights,
                                              const size_t *rows, size_t count,
                                              struct qn_label_rows *out, struct qn_error *err);
void qn_label_rows_release(struct qn_label_rows *rows);

#endif
