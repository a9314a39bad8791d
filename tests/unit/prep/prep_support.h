/* Small tables and recipes for the tests of src/prep. */
#ifndef QN_TESTS_PREP_SUPPORT_H
#define QN_TESTS_PREP_SUPPORT_H

#include "base/alloc.h"
#include "prep/prep.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK(call)                                                                                   \
    do {                                                                                           \
        struct qn_error err = QN_ERROR_INIT;                                                       \
        if ((call) != QN_OK)                                                                       \
            fail_msg("%s: %s", #call, err.message);                                                \
    } while (0)

/* The call (which names its error `err`) fails with `expected`, and the message has `text`. */
#define FAILS(call, expected, text)                                                                \
    do {                                                                                           \
        struct qn_error err = QN_ERROR_INIT;                                                       \
        assert_int_equal((call), (expected));                                                      \
        if (!strstr(err.message, (text)))                                                          \
            fail_msg("\"%s\" is not in \"%s\"", (text), err.message);                              \
    } while (0)

static inline struct qn_table *make_table(size_t row_count)
{
    struct qn_table *table = NULL;
    OK(qn_table_create("data.csv", row_count, &table, &err));
    return table;
}

static inline void add_numbers(struct qn_table *table, const char *name, const double *values)
{
    struct qn_column *column = NULL;
    OK(qn_table_add(table, name, QN_TYPE_NUMBER, &column, &err));
    memcpy(column->values.number, values, table->row_count * sizeof(*values));
    for (size_t i = 0; i < table->row_count; i++)
        column->missing_count += isnan(values[i]) ? 1 : 0;
}

static inline void add_integers(struct qn_table *table, const char *name, enum qn_type type,
                                const int64_t *values)
{
    struct qn_column *column = NULL;
    OK(qn_table_add(table, name, type, &column, &err));
    memcpy(column->values.integer, values, table->row_count * sizeof(*values));
    for (size_t i = 0; i < table->row_count; i++)
        column->missing_count += values[i] == QN_MISSING_INTEGER ? 1 : 0;
}

/* NULL is missing. */
static inline void add_texts(struct qn_table *table, const char *name, enum qn_type type,
                             const char *const *values)
{
    struct qn_column *column = NULL;
    struct qn_lookup *lookup = NULL;
    OK(qn_table_add(table, name, type, &column, &err));
    OK(qn_lookup_create(&lookup, &err));
    for (size_t i = 0; i < table->row_count; i++) {
        column->values.code[i] = QN_MISSING_CODE;
        if (values[i])
            OK(qn_lookup_add(lookup, values[i], strlen(values[i]), &column->values.code[i], &err));
        else
            column->missing_count++;
    }
    OK(qn_lookup_take(lookup, &column->dictionary, &err));
    qn_lookup_free(lookup);
}

/* The JSON may use ' for ". */
static inline struct qn_recipe *make_recipe(const char *columns)
{
    char text[4096];
    snprintf(text, sizeof(text), "{'version':1,'columns':[%s]}", columns);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    struct qn_recipe *recipe = NULL;
    OK(qn_recipe_parse(text, strlen(text), "recipe.json", &recipe, &err));
    return recipe;
}

struct fitted {
    struct qn_recipe *recipe;
    struct qn_prep *prep;
    struct qn_matrix *matrix;
};

static inline struct fitted fit_rows(const struct qn_table *table, const char *columns,
                                     const size_t *rows, size_t row_count,
                                     const struct qn_target *target, struct qn_pool *pool)
{
    struct fitted fitted = {.recipe = make_recipe(columns)};
    struct qn_prep_options options = {.target = target, .seed = 42, .pool = pool};
    OK(qn_prep_fit(fitted.recipe, table, rows, row_count, &options, &fitted.prep, &fitted.matrix,
                   &err));
    return fitted;
}

static inline struct fitted fit_table(const struct qn_table *table, const char *columns)
{
    return fit_rows(table, columns, NULL, 0, NULL, NULL);
}

static inline void fitted_release(struct fitted *fitted)
{
    qn_matrix_free(fitted->matrix);
    qn_prep_free(fitted->prep);
    qn_recipe_free(fitted->recipe);
}

static inline const struct qn_feature *feature_named(const struct qn_matrix *matrix,
                                                     const char *name)
{
    for (size_t i = 0; i < matrix->features.feature_count; i++) {
        if (strcmp(matrix->features.columns[i].name, name) == 0)
            return &matrix->features.columns[i];
    }
    fail_msg("there is no feature '%s'", name);
    return NULL;
}

/* The numeric feature has these values; NaN equals NaN. */
static inline void check_values(const struct qn_matrix *matrix, const char *name,
                                const double *expected, double tolerance)
{
    const struct qn_feature *feature = feature_named(matrix, name);
    assert_int_equal(feature->kind, QN_FEATURE_NUMERIC);
    for (size_t i = 0; i < matrix->features.row_count; i++) {
        bool same = isnan(expected[i]) ? isnan(feature->values[i])
                                       : fabs(feature->values[i] - expected[i]) <= tolerance;
        if (!same)
            fail_msg("%s, row %zu: %.17g, not %.17g", name, i, feature->values[i], expected[i]);
    }
}

/* Names, in order, parted by spaces. */
static inline void check_names(const struct qn_prep *prep, const char *expected)
{
    char text[2048] = "";
    const char *const *names = qn_prep_feature_names(prep);
    for (size_t i = 0; i < qn_prep_feature_count(prep); i++) {
        size_t size = strlen(text);
        snprintf(text + size, sizeof(text) - size, "%s%s", i > 0 ? " " : "", names[i]);
    }
    assert_string_equal(text, expected);
}

/* Bit for bit. */
static inline void check_same_matrix(const struct qn_matrix *a, const struct qn_matrix *b)
{
    assert_int_equal(a->features.row_count, b->features.row_count);
    assert_int_equal(a->features.feature_count, b->features.feature_count);
    for (size_t i = 0; i < a->features.feature_count; i++) {
        const struct qn_feature *x = &a->features.columns[i], *y = &b->features.columns[i];
        size_t rows = a->features.row_count;
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->kind, y->kind);
        assert_int_equal(x->level_count, y->level_count);
        assert_int_equal(a->source[i], b->source[i]);
        if (x->kind == QN_FEATURE_NUMERIC)
            assert_memory_equal(x->values, y->values, rows * sizeof(double));
        else
            assert_memory_equal(x->levels, y->levels, rows * sizeof(int32_t));
    }
}

/* A table with a column of each type and missing values in all, of any size. */
static inline struct qn_table *make_mixed_table(size_t row_count)
{
    static const char *const colours[] = {"red", "green", "blue", "red", NULL, "grün", "red"};
    static const char *const words[] = {"a short text",           "another one",
                                        "a text, a text!",        NULL,
                                        "nothing in common here", "Über ÜBER über"};
    struct qn_table *table = make_table(row_count);
    double *number = QN_ALLOC(double, row_count), *skewed = QN_ALLOC(double, row_count);
    int64_t *integer = QN_ALLOC(int64_t, row_count), *boolean = QN_ALLOC(int64_t, row_count);
    int64_t *date = QN_ALLOC(int64_t, row_count), *moment = QN_ALLOC(int64_t, row_count);
    const char **colour = QN_ALLOC(const char *, row_count);
    const char **text = QN_ALLOC(const char *, row_count);
    for (size_t i = 0; i < row_count; i++) {
        number[i] = i % 11 == 3 ? NAN : (double)(i * 7919 % 1009) / 10 - 20;
        skewed[i] = i % 17 == 5 ? INFINITY : (double)(i % 13) * (double)(i % 13) * (double)(i % 7);
        integer[i] = i % 5 == 4 ? QN_MISSING_INTEGER : (int64_t)(i * 31 % 97);
        boolean[i] = i % 9 == 8 ? QN_MISSING_INTEGER : (int64_t)(i * i % 3 == 1);
        date[i] = i % 8 == 6 ? QN_MISSING_INTEGER : (int64_t)(i * 37 % 4000) - 1000;
        moment[i] = i % 7 == 6 ? QN_MISSING_INTEGER : (int64_t)i * INT64_C(7777777777) - 5;
        colour[i] = colours[i * i % 7];
        text[i] = words[i * 5 % 6];
    }
    add_numbers(table, "number", number);
    add_numbers(table, "skewed", skewed);
    add_integers(table, "integer", QN_TYPE_INTEGER, integer);
    add_integers(table, "boolean", QN_TYPE_BOOLEAN, boolean);
    add_integers(table, "date", QN_TYPE_DATE, date);
    add_integers(table, "moment", QN_TYPE_DATETIME, moment);
    add_texts(table, "colour", QN_TYPE_CATEGORY, colour);
    add_texts(table, "text", QN_TYPE_TEXT, text);
    qn_free(number);
    qn_free(skewed);
    qn_free(integer);
    qn_free(boolean);
    qn_free(date);
    qn_free(moment);
    qn_free(colour);
    qn_free(text);
    return table;
}

/* Every action that needs no target, on make_mixed_table(). */
static const char MIXED_RECIPE[] =
    "{'name':'number','type':'number','actions':[{'do':'impute','with':'mean'},{'do':'indicator'},"
    "{'do':'clip'},{'do':'scale','how':'robust'}]},"
    "{'name':'skewed','type':'number','actions':[{'do':'impute'},{'do':'power'},{'do':'scale'}]},"
    "{'name':'integer','type':'integer','actions':[{'do':'impute','with':'mode'},{'do':'power',"
    "'how':'log1p'},{'do':'scale','how':'min_max'}]},"
    "{'name':'boolean','type':'boolean'},"
    "{'name':'date','type':'date','actions':[{'do':'date_parts'},{'do':'impute'},{'do':'scale'}]},"
    "{'name':'moment','type':'datetime','actions':[{'do':'date_parts','parts':['hour','minute',"
    "'second','quarter','weekend','day_of_year']},{'do':'indicator'}]},"
    "{'name':'colour','type':'category','actions':[{'do':'one_hot','max_levels':2}]},"
    "{'name':'text','type':'text','actions':[{'do':'text','buckets':16}]}";

#endif
