/* Reads the JSON files of golden results: a table of columns and numbers beside it. */
#ifndef QN_TESTS_GOLDEN_DATA_H
#define QN_TESTS_GOLDEN_DATA_H

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "learn/learner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct golden {
    json_t *json; /* owns */
    struct qn_features features;
    struct qn_feature *columns; /* owns, with their values */
};

/* A new array with the numbers of a JSON array; NULL for a missing one. */
static double *golden_numbers(const json_t *array, size_t *count)
{
    if (!array)
        return NULL;
    size_t size = json_array_size(array);
    double *out = QN_ALLOC(double, size);
    assert_non_null(out);
    for (size_t i = 0; i < size; i++)
        out[i] = json_number_value(json_array_get(array, i));
    if (count)
        *count = size;
    return out;
}

static struct golden golden_read(const char *folder, const char *name)
{
    char path[512], *text = NULL;
    size_t size = 0;
    struct golden golden = {0};
    struct qn_error err = QN_ERROR_INIT;
    snprintf(path, sizeof(path), "%s/tests/golden/%s/%s.json", QN_SOURCE_DIR, folder, name);
    assert_int_equal(qn_file_read(path, (size_t)1 << 26, &text, &size, &err), QN_OK);
    assert_int_equal(qn_json_parse(text, size, path, &golden.json, &err), QN_OK);
    qn_free(text);
    const json_t *columns = json_object_get(golden.json, "columns");
    size_t p = json_array_size(columns), n = 0;
    golden.columns = QN_CALLOC(struct qn_feature, p);
    assert_non_null(golden.columns);
    for (size_t j = 0; j < p; j++) {
        golden.columns[j].name = "column";
        golden.columns[j].kind = QN_FEATURE_NUMERIC;
        golden.columns[j].values = golden_numbers(json_array_get(columns, j), &n);
    }
    golden.features = (struct qn_features){n, p, golden.columns};
    return golden;
}

static void golden_release(struct golden *golden)
{
    for (size_t j = 0; j < golden->features.feature_count; j++)
        qn_free((void *)(uintptr_t)golden->columns[j].values);
    qn_free(golden->columns);
    json_decref(golden->json);
}

#endif
