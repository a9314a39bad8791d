/* Made-up tables for the tests of gradient boosting. */
#ifndef QN_TEST_BOOSTING_DATA_H
#define QN_TEST_BOOSTING_DATA_H

#include "base/alloc.h"
#include "base/random.h"
#include "learn/boosting_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QN_TEST_COLUMNS 6

struct table {
    struct qn_feature columns[QN_TEST_COLUMNS];
    struct qn_features features;
    struct qn_target target;
    double *values[QN_TEST_COLUMNS];
    int32_t *levels[QN_TEST_COLUMNS];
    double *numbers, *weights;
    int32_t *classes;
};

static inline void *test_memory(size_t count, size_t size)
{
    void *block = calloc(count > 0 ? count : 1, size);
    if (!block)
        abort();
    return block;
}

/* Columns 0, 1: numbers; 2: numbers, a tenth missing; 3: few values; 4: 12 categories, some
 * missing; 5: 3 categories. The target depends on all but column 1. */
static inline struct table *table_create(enum qn_task task, size_t rows, size_t class_count,
                                         uint64_t seed)
{
    struct table *t = test_memory(1, sizeof(*t));
    struct qn_random random;
    qn_random_init(&random, seed, 0);
    for (size_t c = 0; c < QN_TEST_COLUMNS; c++) {
        bool numeric = c < 4;
        t->columns[c].name = "x";
        t->columns[c].kind = numeric ? QN_FEATURE_NUMERIC : QN_FEATURE_CATEGORICAL;
        if (numeric)
            t->columns[c].values = t->values[c] = test_memory(rows, sizeof(double));
        else
            t->columns[c].levels = t->levels[c] = test_memory(rows, sizeof(int32_t));
    }
    t->columns[4].level_count = 12;
    t->columns[5].level_count = 3;
    t->numbers = test_memory(rows, sizeof(double));
    t->classes = test_memory(rows, sizeof(int32_t));
    t->weights = test_memory(rows, sizeof(double));
    for (size_t i = 0; i < rows; i++) {
        t->values[0][i] = qn_random_normal(&random);
        t->values[1][i] = qn_random_normal(&random);
        t->values[2][i] = qn_random_below(&random, 10) == 0 ? (double)NAN : qn_random_unit(&random);
        t->values[3][i] = (double)qn_random_below(&random, 4);
        t->levels[4][i] = (int32_t)qn_random_below(&random, 13) - 1;
        t->levels[5][i] = (int32_t)qn_random_below(&random, 3);
        double x = 2 * t->values[0][i] + (isnan(t->values[2][i]) ? 1.5 : t->values[2][i]) +
                   (t->values[3][i] == 2 ? 1.0 : 0.0) + (t->levels[4][i] % 3 == 1 ? 1.0 : -0.5) +
                   (t->levels[5][i] == 1 ? t->values[0][i] : 0.0);
        t->numbers[i] = x + 0.3 * qn_random_normal(&random);
        double scaled = (t->numbers[i] + 4) / 8 * (double)class_count;
        double top = (double)(class_count > 0 ? class_count - 1 : 0);
        t->classes[i] = (int32_t)fmin(fmax(floor(scaled), 0), top);
        t->weights[i] = 1.0;
    }
    t->features = (struct qn_features){rows, QN_TEST_COLUMNS, t->columns};
    bool regression = task == QN_TASK_REGRESSION;
    t->target = (struct qn_target){.task = task,
                                   .row_count = rows,
                                   .class_count = regression ? 0 : class_count,
                                   .classes = regression ? NULL : t->classes,
                                   .values = regression ? t->numbers : NULL};
    return t;
}

static inline void table_free(struct table *t)
{
    for (size_t c = 0; c < QN_TEST_COLUMNS; c++) {
        free(t->values[c]);
        free(t->levels[c]);
    }
    free(t->numbers);
    free(t->weights);
    free(t->classes);
    free(t);
}

static inline struct qn_boosting_options boosting_defaults(void)
{
    struct qn_boosting_options options;
    qn_parameters_default(&qn_gradient_boosting_learner.parameters, &options);
    return options;
}

#endif
