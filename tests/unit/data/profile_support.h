/* Small tables for tests of the profile. Values are given as text, split at spaces; "NA" is
 * missing. */
#ifndef QN_TEST_PROFILE_SUPPORT_H
#define QN_TEST_PROFILE_SUPPORT_H

#include "base/alloc.h"
#include "base/text.h"
#include "data/profile.h"

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline struct qn_table *table_new(size_t row_count)
{
    struct qn_table *table;
    assert_int_equal(qn_table_create("test.csv", row_count, &table, NULL), QN_OK);
    return table;
}

static inline struct qn_column *column_new(struct qn_table *table, const char *name,
                                           enum qn_type type)
{
    struct qn_column *column;
    assert_int_equal(qn_table_add(table, name, type, &column, NULL), QN_OK);
    return column;
}

/* Sets a cell by its text; coded columns look the text up in their dictionary by a lookup. */
static inline void cell_set(struct qn_column *column, struct qn_lookup *lookup, size_t row,
                            const char *text)
{
    bool missing = strcmp(text, "NA") == 0;
    column->missing_count += missing;
    if (column->type == QN_TYPE_NUMBER)
        column->values.number[row] = missing ? NAN : strtod(text, NULL);
    else if (!qn_type_is_coded(column->type))
        column->values.integer[row] = missing ? QN_MISSING_INTEGER : strtoll(text, NULL, 10);
    else if (missing)
        column->values.code[row] = QN_MISSING_CODE;
    else
        assert_int_equal(qn_lookup_add(lookup, text, strlen(text), &column->values.code[row], NULL),
                         QN_OK);
}

/* A column of the values, which repeat from the start when there are fewer than rows. */
static inline void add(struct qn_table *table, const char *name, enum qn_type type,
                       const char *values)
{
    struct qn_column *column = column_new(table, name, type);
    struct qn_lookup *lookup;
    assert_int_equal(qn_lookup_create(&lookup, NULL), QN_OK);
    const char *at = values;
    for (size_t row = 0; row < table->row_count; row++) {
        char word[128];
        size_t size = strcspn(at, " ");
        assert_in_range(size, 1, sizeof(word) - 1);
        memcpy(word, at, size);
        word[size] = '\0';
        cell_set(column, lookup, row, word);
        at += size;
        at = *at ? at + 1 : values;
    }
    if (qn_type_is_coded(type))
        assert_int_equal(qn_lookup_take(lookup, &column->dictionary, NULL), QN_OK);
    qn_lookup_free(lookup);
}

/* A column whose cells are printed from the row number: format takes one size_t, made by
 * (row * times) % modulo. */
static inline void add_rows(struct qn_table *table, const char *name, enum qn_type type,
                            const char *prefix, size_t times, size_t modulo)
{
    struct qn_column *column = column_new(table, name, type);
    struct qn_lookup *lookup;
    assert_int_equal(qn_lookup_create(&lookup, NULL), QN_OK);
    for (size_t row = 0; row < table->row_count; row++) {
        char word[128];
        snprintf(word, sizeof(word), "%s%zu", prefix, row * times % modulo);
        cell_set(column, lookup, row, word);
    }
    if (qn_type_is_coded(type))
        assert_int_equal(qn_lookup_take(lookup, &column->dictionary, NULL), QN_OK);
    qn_lookup_free(lookup);
}

static inline struct qn_profile *profile_of(const struct qn_table *table, const char *target)
{
    struct qn_profile_options options;
    struct qn_profile *profile;
    struct qn_error err = QN_ERROR_INIT;
    qn_profile_options_default(&options);
    options.target = target;
    if (qn_profile_make(table, &options, NULL, &profile, &err) != QN_OK)
        fail_msg("%s", err.message);
    return profile;
}

/* The alert of a kind about a column (NULL: the table), or NULL. */
static inline const struct qn_alert *alert_of(const struct qn_profile *profile, const char *kind,
                                              const char *column)
{
    for (size_t i = 0; i < profile->alert_count; i++) {
        const struct qn_alert *alert = &profile->alerts[i];
        const char *name = alert->column < 0 ? NULL : profile->columns[alert->column].name;
        bool same = column ? name && strcmp(name, column) == 0 : !name;
        if (same && strcmp(alert->kind, kind) == 0)
            return alert;
    }
    return NULL;
}

#endif
