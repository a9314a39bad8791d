/* What the tests of flow share: tables made in memory, training and saving that must succeed. */
#ifndef QN_TESTS_UNIT_FLOW_SUPPORT_H
#define QN_TESTS_UNIT_FLOW_SUPPORT_H

#include "flow/train_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/random.h"
#include "base/text.h"

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static inline struct qn_table *flow_table(size_t row_count)
{
    struct qn_table *table = NULL;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_table_create("t.csv", row_count, &table, &err), QN_OK);
    return table;
}

static inline struct qn_column *flow_add(struct qn_table *table, const char *name,
                                         enum qn_type type)
{
    struct qn_column *column = NULL;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_table_add(table, name, type, &column, &err), QN_OK);
    return column;
}

static inline void flow_count_missing(const struct qn_table *table, struct qn_column *column)
{
    column->missing_count = 0;
    for (size_t row = 0; row < table->row_count; row++)
        column->missing_count += qn_column_is_missing(column, row) ? 1 : 0;
}

/* values: row_count of the table; NaN is missing. */
static inline void flow_numbers(struct qn_table *table, const char *name, const double *values)
{
    struct qn_column *column = flow_add(table, name, QN_TYPE_NUMBER);
    for (size_t row = 0; row < table->row_count; row++)
        column->values.number[row] = values[row];
    flow_count_missing(table, column);
}

/* For booleans, integers, dates; QN_MISSING_INTEGER is missing. */
static inline void flow_integers(struct qn_table *table, const char *name, enum qn_type type,
                                 const int64_t *values)
{
    struct qn_column *column = flow_add(table, name, type);
    for (size_t row = 0; row < table->row_count; row++)
        column->values.integer[row] = values[row];
    flow_count_missing(table, column);
}

/* texts: NULL is missing; codes in order of first appearance, as a reader makes them. */
static inline void flow_texts(struct qn_table *table, const char *name, enum qn_type type,
                              const char *const *texts)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_lookup *lookup = NULL;
    struct qn_column *column = flow_add(table, name, type);
    assert_int_equal(qn_lookup_create(&lookup, &err), QN_OK);
    for (size_t row = 0; row < table->row_count; row++) {
        column->values.code[row] = QN_MISSING_CODE;
        if (texts[row])
            assert_int_equal(qn_lookup_add(lookup, texts[row], strlen(texts[row]),
                                           &column->values.code[row], &err),
                             QN_OK);
    }
    assert_int_equal(qn_lookup_take(lookup, &column->dictionary, &err), QN_OK);
    qn_lookup_free(lookup);
    flow_count_missing(table, column);
}

/* A table that can be learned from, with all that a real one has. Columns: x, gap (a number with
 * missing cells), colour (3 levels, some missing), day (of a date), block (integer: rows / 5),
 * kind (3 classes that follow from x and colour, with some noise), bought (boolean), price (number,
 * 2 x plus what the colour adds, plus noise). */
static inline struct qn_table *flow_sample(size_t row_count, uint64_t seed)
{
    static const char *const colours[] = {"red", "green", "blue"};
    static const char *const kinds[] = {"oak", "ash", "fir"};
    struct qn_table *table = flow_table(row_count);
    struct qn_random random;
    qn_random_init(&random, seed, 77);
    double *x = QN_ALLOC(double, row_count), *gap = QN_ALLOC(double, row_count);
    double *price = QN_ALLOC(double, row_count);
    int64_t *day = QN_ALLOC(int64_t, row_count), *block = QN_ALLOC(int64_t, row_count);
    int64_t *bought = QN_ALLOC(int64_t, row_count);
    const char **colour = QN_ALLOC(const char *, row_count);
    const char **kind = QN_ALLOC(const char *, row_count);
    for (size_t i = 0; i < row_count; i++) {
        size_t level = qn_random_below(&random, 3);
        x[i] = qn_random_normal(&random);
        gap[i] = qn_random_below(&random, 10) == 0 ? NAN : x[i] + qn_random_normal(&random);
        colour[i] = qn_random_below(&random, 12) == 0 ? NULL : colours[level];
        day[i] = 18000 + (int64_t)(i * 7 % row_count);
        block[i] = (int64_t)(i / 5);
        double score = x[i] + (double)level + 0.3 * qn_random_normal(&random);
        kind[i] = kinds[score < 0.4 ? 0 : score < 1.6 ? 1 : 2];
        bought[i] = score > 1;
        price[i] = 2 * x[i] + (double)level + 0.2 * qn_random_normal(&random);
    }
    flow_numbers(table, "x", x);
    flow_numbers(table, "gap", gap);
    flow_texts(table, "colour", QN_TYPE_CATEGORY, colour);
    flow_integers(table, "day", QN_TYPE_DATE, day);
    flow_integers(table, "block", QN_TYPE_INTEGER, block);
    flow_texts(table, "kind", QN_TYPE_CATEGORY, kind);
    flow_integers(table, "bought", QN_TYPE_BOOLEAN, bought);
    flow_numbers(table, "price", price);
    void *scratch[] = {x, gap, price, day, block, bought, colour, kind};
    for (size_t i = 0; i < sizeof(scratch) / sizeof(*scratch); i++)
        qn_free(scratch[i]);
    return table;
}

static inline struct qn_table *flow_take(const struct qn_table *table, const size_t *rows,
                                         size_t count)
{
    struct qn_table *taken = NULL;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_table_take_rows(table, rows, count, &taken, &err), QN_OK);
    return taken;
}

static inline struct qn_column *flow_column(const struct qn_table *table, const char *name)
{
    ptrdiff_t at = qn_table_find(table, name);
    assert_true(at >= 0);
    return &table->columns[at];
}

static const char *const flow_other_targets[] = {"kind", "bought", "price"};

/* Options for one target of flow_sample(); the other two, which tell too much, are dropped. */
struct flow_options {
    struct qn_train_options options;
    const char *drop[2];
};

static inline void flow_options_init(struct flow_options *out, const char *target,
                                     const char *algorithm)
{
    qn_train_options_default(&out->options);
    out->options.target = target;
    out->options.algorithm = algorithm;
    size_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(flow_other_targets[i], target) != 0)
            out->drop[count++] = flow_other_targets[i];
    }
    out->options.drop = out->drop;
    out->options.drop_count = count;
}

static inline struct qn_model *flow_train(const struct qn_table *table,
                                          const struct qn_train_options *options)
{
    struct qn_model *model = NULL;
    struct qn_error err = QN_ERROR_INIT;
    if (qn_train(table, options, &model, &err) != QN_OK)
        fail_msg("%s", err.message);
    return model;
}

/* A path of this program's own, in the folder that it runs in. */
static inline void flow_path(char path[64])
{
    snprintf(path, 64, "flow-test-%ld.qnm", (long)getpid());
}

/* Saves the model and removes the file: what stays is model->content_hash. */
static inline void flow_hash(struct qn_model *model)
{
    char path[64];
    struct qn_error err = QN_ERROR_INIT;
    flow_path(path);
    assert_int_equal(qn_model_save(model, path, &err), QN_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(strlen(model->content_hash), 64);
}

/* Trains, and keeps only the content hash. */
static inline void flow_train_hash(const struct qn_table *table,
                                   const struct qn_train_options *options,
                                   char hash[QN_SHA256_HEX_SIZE])
{
    struct qn_model *model = flow_train(table, options);
    flow_hash(model);
    memcpy(hash, model->content_hash, QN_SHA256_HEX_SIZE);
    qn_model_free(model);
}

static inline double *flow_predict(const struct qn_model *model, const struct qn_table *table)
{
    double *outputs = NULL;
    struct qn_error err = QN_ERROR_INIT;
    if (qn_model_predict(model, table, NULL, table->row_count, NULL, &outputs, NULL, &err) != QN_OK)
        fail_msg("%s", err.message);
    return outputs;
}

/* The parts that qn_train() makes of the table's rows with these options. */
static inline void flow_parts(const struct qn_table *table, const struct qn_train_options *options,
                              struct qn_parts *out)
{
    struct qn_trainer trainer = {.table = table, .options = options, .warnings = json_array()};
    struct qn_error err = QN_ERROR_INIT;
    struct qn_split *split = NULL;
    assert_int_equal(qn__trainer_rows(&trainer, &err), QN_OK);
    assert_int_equal(qn__trainer_split(&trainer, 0, &split, &err), QN_OK);
    assert_int_equal(
        qn_split_rows(split, 1, &out->train, &out->train_count, &out->test, &out->test_count, &err),
        QN_OK);
    qn_split_free(split);
    qn_labels_free(trainer.labels);
    qn_free(trainer.weights);
    qn_free(trainer.rows);
    json_decref(trainer.warnings);
}

static inline void flow_parts_release(struct qn_parts *parts)
{
    qn_free(parts->train);
    qn_free(parts->test);
}

static inline const json_t *flow_metric(const struct qn_model *model, const char *part)
{
    return json_object_get(json_object_get(model->report, "metrics"), part);
}

/* Whether one of the report's warnings has these words. */
static inline bool flow_warned(const struct qn_model *model, const char *words)
{
    const json_t *warnings = json_object_get(model->report, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        if (strstr(json_string_value(json_array_get(warnings, i)), words))
            return true;
    }
    return false;
}

#define assert_message(err, words)                                                                 \
    do {                                                                                           \
        if (!strstr((err)->message, (words)))                                                      \
            fail_msg("the message is '%s', without '%s'", (err)->message, (words));                \
    } while (0)

#endif
