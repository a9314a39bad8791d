/* Random tables with numbers, categories and missing values, and fits over them. */
#ifndef QN_TESTS_TREE_FIXTURE_H
#define QN_TESTS_TREE_FIXTURE_H

#include "base/alloc.h"
#include "base/random.h"
#include "learn/tree.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define QN_FIXTURE_COLUMNS 8
#define QN_FIXTURE_LEVELS 5

struct fixture {
    struct qn_feature columns[QN_FIXTURE_COLUMNS]; /* own their arrays */
    struct qn_features features;
    struct qn_target target;
    int32_t *classes;         /* owns */
    double *values, *weights; /* own; weights start as NULL in target */
};

/* Even columns are numbers below `distinct`, odd ones categories; one cell in ten is missing when
 * asked for. Classes and values depend on columns 0 and 1, with noise. */
static inline struct fixture fixture_create(size_t rows, size_t columns, int class_count,
                                            size_t distinct, bool missing, uint64_t seed)
{
    struct fixture fixture = {.features = {rows, columns, NULL}};
    struct qn_random random;
    qn_random_init(&random, seed, 0);
    assert_true(columns <= QN_FIXTURE_COLUMNS);
    for (size_t c = 0; c < columns; c++) {
        struct qn_feature *column = &fixture.columns[c];
        double *values = c % 2 == 0 ? QN_ALLOC(double, rows) : NULL;
        int32_t *levels = c % 2 == 1 ? QN_ALLOC(int32_t, rows) : NULL;
        assert_true(values || levels);
        for (size_t i = 0; i < rows; i++) {
            bool gone = qn_random_below(&random, 10) == 0 && missing;
            if (values)
                values[i] = gone ? NAN : 0.25 * (double)qn_random_below(&random, distinct) - 1;
            else
                levels[i] =
                    gone ? QN_LEVEL_MISSING : (int32_t)qn_random_below(&random, QN_FIXTURE_LEVELS);
        }
        *column = (struct qn_feature){.name = "column",
                                      .kind = values ? QN_FEATURE_NUMERIC : QN_FEATURE_CATEGORICAL,
                                      .values = values,
                                      .levels = levels,
                                      .level_count = levels ? QN_FIXTURE_LEVELS : 0};
    }
    fixture.classes = QN_ALLOC(int32_t, rows);
    fixture.values = QN_ALLOC(double, rows);
    fixture.weights = QN_ALLOC(double, rows);
    assert_true(fixture.classes && fixture.values && fixture.weights);
    for (size_t i = 0; i < rows; i++) {
        double x = fixture.columns[0].values[i];
        double signal = (isnan(x) ? 1 : x) * 4 / (double)distinct +
                        (columns > 1 ? fixture.columns[1].levels[i] % 2 : 0);
        fixture.values[i] = signal + qn_random_normal(&random) * 0.3;
        size_t noise = qn_random_below(&random, 100);
        fixture.classes[i] = noise < 20     ? (int32_t)noise % (class_count > 0 ? class_count : 1)
                             : signal > 0.6 ? 1
                                            : 0;
        fixture.weights[i] = (double)qn_random_below(&random, 4);
    }
    fixture.weights[0] = 1;
    fixture.target = (struct qn_target){.task = class_count == 0   ? QN_TASK_REGRESSION
                                                : class_count == 2 ? QN_TASK_BINARY
                                                                   : QN_TASK_MULTICLASS,
                                        .row_count = rows,
                                        .class_count = (size_t)class_count,
                                        .classes = class_count ? fixture.classes : NULL,
                                        .values = class_count ? NULL : fixture.values};
    return fixture;
}

/* The features, which point into the fixture: ask again after it was copied. */
static inline const struct qn_features *fixture_features(struct fixture *fixture)
{
    fixture->features.columns = fixture->columns;
    return &fixture->features;
}

static inline void fixture_release(struct fixture *fixture)
{
    for (size_t c = 0; c < fixture->features.feature_count; c++) {
        qn_free((void *)(uintptr_t)fixture->columns[c].values);
        qn_free((void *)(uintptr_t)fixture->columns[c].levels);
    }
    qn_free(fixture->classes);
    qn_free(fixture->values);
    qn_free(fixture->weights);
}

/* settings: "name=value name=value". */
static inline enum qn_status fixture_try(struct fixture *fixture, const struct qn_learner *learner,
                                         const char *settings, struct qn_pool *pool, void **out,
                                         struct qn_error *err)
{
    struct qn_tree_options options;
    qn_parameters_default(&learner->parameters, &options);
    while (*settings) {
        char name[64], value[64];
        size_t name_size = strcspn(settings, "="), value_size;
        snprintf(name, sizeof(name), "%.*s", (int)name_size, settings);
        settings += name_size + 1;
        value_size = strcspn(settings, " ");
        snprintf(value, sizeof(value), "%.*s", (int)value_size, settings);
        settings += value_size + (settings[value_size] == ' ');
        enum qn_status status = qn_parameters_set(&learner->parameters, &options, name, value, err);
        if (status != QN_OK)
            return status;
    }
    struct qn_fit fit = {.features = fixture_features(fixture),
                         .target = &fixture->target,
                         .options = &options,
                         .seed = 7,
                         .pool = pool};
    return learner->fit(&fit, out, err);
}

static inline struct qn_forest *fixture_fit(struct fixture *fixture,
                                            const struct qn_learner *learner, const char *settings,
                                            unsigned threads)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_pool *pool = NULL;
    void *model = NULL;
    assert_int_equal(qn_pool_create(threads, &pool, &err), QN_OK);
    enum qn_status status = fixture_try(fixture, learner, settings, pool, &model, &err);
    if (status != QN_OK)
        print_error("%s: %s\n", settings, err.message);
    assert_int_equal(status, QN_OK);
    qn_pool_free(pool);
    return model;
}

/* Predictions for the fixture's own rows; owned by the caller. */
static inline double *fixture_predict(struct fixture *fixture, const struct qn_forest *forest)
{
    struct qn_error err = QN_ERROR_INIT;
    double *out = QN_ALLOC(double, fixture->features.row_count * forest->trees->output_count);
    assert_non_null(out);
    assert_int_equal(
        qn_decision_tree_learner.predict(forest, fixture_features(fixture), NULL, out, &err),
        QN_OK);
    return out;
}

static inline struct qn_buffer fixture_bytes(const struct qn_forest *forest)
{
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, (size_t)1 << 28);
    qn_decision_tree_learner.write(forest, &buffer);
    assert_false(buffer.failed);
    return buffer;
}

static inline void fixture_same_bytes(const struct qn_forest *a, const struct qn_forest *b)
{
    struct qn_buffer x = fixture_bytes(a), y = fixture_bytes(b);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.bytes, y.bytes, x.size);
    qn_buffer_release(&x);
    qn_buffer_release(&y);
}

#endif
