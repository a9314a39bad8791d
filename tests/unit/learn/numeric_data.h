/* Small numeric tables for tests. */
#ifndef QN_TESTS_NUMERIC_DATA_H
#define QN_TESTS_NUMERIC_DATA_H

#include "base/alloc.h"
#include "base/random.h"
#include "learn/learner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* n x p normal numbers, a regression target, and classes that overlap. */
struct numeric_data {
    size_t n, p;
    double *x; /* by columns */
    double *y;
    int32_t *classes;
    double *weights;
    char (*names)[16];
    const char **name_list;
    struct qn_feature *columns;
    struct qn_features features;
};

/* Heap that the allocation tests do not make fail. */
static inline void *test_alloc(size_t size)
{
    void *block = calloc(1, size ? size : 1);
    assert_non_null(block);
    return block;
}

static inline struct numeric_data numeric_data_make(size_t n, size_t p, size_t class_count,
                                                    uint64_t seed)
{
    struct numeric_data data = {.n = n, .p = p};
    struct qn_random random;
    qn_random_init(&random, seed, 0);
    data.x = test_alloc(n * p * sizeof(double));
    data.y = test_alloc(n * sizeof(double));
    data.classes = test_alloc(n * sizeof(int32_t));
    data.weights = test_alloc(n * sizeof(double));
    data.names = test_alloc(p * sizeof(*data.names));
    data.name_list = test_alloc(p * sizeof(*data.name_list));
    data.columns = test_alloc(p * sizeof(*data.columns));
    for (size_t i = 0; i < n; i++) {
        double sum = qn_random_normal(&random);
        for (size_t j = 0; j < p; j++) {
            double value = qn_random_normal(&random) * (double)(1 + j % 3) + (double)j;
            data.x[j * n + i] = value;
            sum += j < 6 ? (value - (double)j) * (j % 2 ? -0.7 : 0.5) : 0;
        }
        data.y[i] = sum + 3;
        for (size_t k = 1; k < class_count; k++)
            data.classes[i] += sum > 2.0 * (double)k - (double)class_count;
        data.weights[i] = 0.25 * (double)qn_random_below(&random, 8);
    }
    for (size_t j = 0; j < p; j++) {
        snprintf(data.names[j], sizeof(data.names[j]), "x%u", (unsigned)(j & 0xffff));
        data.name_list[j] = data.names[j];
        data.columns[j] = (struct qn_feature){
            .name = data.names[j], .kind = QN_FEATURE_NUMERIC, .values = data.x + j * n};
    }
    data.features = (struct qn_features){n, p, data.columns};
    return data;
}

static inline void numeric_data_free(struct numeric_data *data)
{
    free(data->x);
    free(data->y);
    free(data->classes);
    free(data->weights);
    free(data->names);
    free(data->name_list);
    free(data->columns);
}

static inline struct qn_target numeric_data_values(const struct numeric_data *data, bool weighted)
{
    return (struct qn_target){.task = QN_TASK_REGRESSION,
                              .row_count = data->n,
                              .values = data->y,
                              .weights = weighted ? data->weights : NULL};
}

static inline struct qn_target numeric_data_classes(const struct numeric_data *data,
                                                    size_t class_count, bool weighted)
{
    return (struct qn_target){.task = class_count == 2 ? QN_TASK_BINARY : QN_TASK_MULTICLASS,
                              .row_count = data->n,
                              .class_count = class_count,
                              .classes = data->classes,
                              .weights = weighted ? data->weights : NULL};
}

/* The bytes of a model fitted with that many threads; the caller releases the buffer. */
static inline struct qn_buffer fitted_bytes(const struct qn_learner *learner,
                                            const struct qn_fit *fit, unsigned threads)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_fit with = *fit;
    struct qn_buffer buffer;
    struct qn_pool *pool = NULL;
    void *model = NULL;
    assert_int_equal(qn_pool_create(threads, &pool, &err), QN_OK);
    with.pool = pool;
    assert_int_equal(learner->fit(&with, &model, &err), QN_OK);
    qn_buffer_init(&buffer, (size_t)1 << 28);
    learner->write(model, &buffer);
    assert_false(buffer.failed);
    learner->free(model);
    qn_pool_free(pool);
    return buffer;
}

static inline void assert_threads_change_nothing(const struct qn_learner *learner,
                                                 const struct qn_fit *fit)
{
    struct qn_buffer one = fitted_bytes(learner, fit, 1);
    for (unsigned threads = 2; threads <= 8; threads *= 4) {
        struct qn_buffer many = fitted_bytes(learner, fit, threads);
        assert_int_equal(one.size, many.size);
        assert_memory_equal(one.bytes, many.bytes, one.size);
        qn_buffer_release(&many);
    }
    qn_buffer_release(&one);
}

/* Writing and reading gives the same bytes; every truncation is refused. */
static inline void assert_round_trip(const struct qn_learner *learner, const void *model)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_buffer first, second;
    struct qn_reader reader;
    void *copy = NULL;
    qn_buffer_init(&first, (size_t)1 << 28);
    qn_buffer_init(&second, (size_t)1 << 28);
    learner->write(model, &first);
    qn_reader_init(&reader, first.bytes, first.size);
    assert_int_equal(learner->read(&reader, &copy, &err), QN_OK);
    assert_int_equal(qn_reader_left(&reader), 0);
    learner->write(copy, &second);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.bytes, second.bytes, first.size);
    learner->free(copy);
    for (size_t size = 0; size < first.size; size++) {
        void *none = NULL;
        struct qn_error why = QN_ERROR_INIT;
        qn_reader_init(&reader, first.bytes, size);
        assert_int_equal(learner->read(&reader, &none, &why), QN_CORRUPT);
        assert_null(none);
        assert_true(why.message[0] != '\0');
    }
    qn_buffer_release(&first);
    qn_buffer_release(&second);
}

/* A byte of a written model is changed in many ways: reading never crashes, and what it accepts
 * can be used. */
static inline void assert_survives_damage(const struct qn_learner *learner, const void *model,
                                          const struct qn_features *features)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, (size_t)1 << 28);
    learner->write(model, &buffer);
    for (size_t at = 0; at < buffer.size; at++) {
        for (int flip = 1; flip < 256; flip *= 4) {
            struct qn_reader reader;
            void *copy = NULL;
            buffer.bytes[at] = (char)(buffer.bytes[at] ^ flip);
            qn_reader_init(&reader, buffer.bytes, buffer.size);
            if (learner->read(&reader, &copy, &err) == QN_OK) {
                if (learner->feature_count(copy) == features->feature_count) {
                    size_t outputs = learner->output_count(copy);
                    double *out = test_alloc(features->row_count * outputs * sizeof(double));
                    if (learner->predict(copy, features, NULL, out, &err) != QN_OK)
                        assert_true(err.message[0] != '\0');
                    free(out);
                }
                learner->free(copy);
            }
            buffer.bytes[at] = (char)(buffer.bytes[at] ^ flip);
        }
    }
    qn_buffer_release(&buffer);
}

/* A progress callback that asks to stop at its count-th call. */
struct stop_after {
    int count, calls;
};

static inline bool stop_after_update(void *context, const char *stage, uint64_t done,
                                     uint64_t total, const char *unit)
{
    struct stop_after *stop = context;
    (void)stage, (void)done, (void)total, (void)unit;
    return ++stop->calls < stop->count;
}

#endif
