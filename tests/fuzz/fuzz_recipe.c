/* Any bytes as a recipe: what is accepted is written and read back as the same, and can be fitted
 * to a small table, whose columns have the names a to e. */
#include "base/alloc.h"
#include "prep/prep.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { QN_ROWS = 6, QN_MAXIMUM = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void add_text_column(struct qn_table *table, const char *name, enum qn_type type)
{
    static const char *const texts[QN_ROWS] = {"x", "y y", "x", "", "12", "Ünï y"};
    struct qn_error err = QN_ERROR_INIT;
    struct qn_column *column = NULL;
    struct qn_lookup *lookup = NULL;
    enum qn_status status = qn_table_add(table, name, type, &column, &err);
    assert(status == QN_OK);
    status = qn_lookup_create(&lookup, &err);
    assert(status == QN_OK);
    for (size_t i = 0; i < QN_ROWS; i++) {
        status = qn_lookup_add(lookup, texts[i], strlen(texts[i]), &column->values.code[i], &err);
        assert(status == QN_OK);
    }
    column->values.code[1] = QN_MISSING_CODE;
    column->missing_count = 1;
    status = qn_lookup_take(lookup, &column->dictionary, &err);
    assert(status == QN_OK);
    qn_lookup_free(lookup);
}

static struct qn_table *make_table(void)
{
    static const double numbers[QN_ROWS] = {1, -2.5, NAN, 1e300, INFINITY, 0};
    static const int64_t days[QN_ROWS] = {0, -1, 19000, QN_MISSING_INTEGER, INT64_C(5000000000), 5};
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    struct qn_column *column = NULL;
    enum qn_status status = qn_table_create("fuzz", QN_ROWS, &table, &err);
    assert(status == QN_OK);
    status = qn_table_add(table, "a", QN_TYPE_NUMBER, &column, &err);
    assert(status == QN_OK);
    memcpy(column->values.number, numbers, sizeof(numbers));
    status = qn_table_add(table, "b", QN_TYPE_DATE, &column, &err);
    assert(status == QN_OK);
    memcpy(column->values.integer, days, sizeof(days));
    status = qn_table_add(table, "c", QN_TYPE_DATETIME, &column, &err);
    assert(status == QN_OK);
    memcpy(column->values.integer, days, sizeof(days));
    add_text_column(table, "d", QN_TYPE_CATEGORY);
    add_text_column(table, "e", QN_TYPE_TEXT);
    return table;
}

static char *write_recipe(const struct qn_recipe *recipe)
{
    json_t *json = qn_recipe_json(recipe);
    assert(json);
    char *text = qn_json_text(json, 0);
    assert(text);
    json_decref(json);
    return text;
}

static void fit(const struct qn_recipe *recipe)
{
    static const double values[QN_ROWS] = {1, 2, 3, 4, 5, 6};
    struct qn_target target = {.task = QN_TASK_REGRESSION, .row_count = QN_ROWS, .values = values};
    struct qn_prep_options options = {.target = &target, .seed = 1};
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = make_table();
    struct qn_prep *prep = NULL, *read = NULL;
    struct qn_matrix *matrix = NULL;
    if (qn_prep_fit(recipe, table, NULL, 0, &options, &prep, &matrix, &err) == QN_OK) {
        struct qn_buffer buffer;
        struct qn_reader reader;
        qn_buffer_init(&buffer, (size_t)1 << 28);
        qn_prep_write(prep, &buffer);
        qn_reader_init(&reader, buffer.bytes, buffer.size);
        enum qn_status status = qn_prep_read(&reader, &read, &err);
        assert(status == QN_OK);
        qn_buffer_release(&buffer);
    }
    assert(prep || err.message[0]);
    qn_matrix_free(matrix);
    qn_prep_free(read);
    qn_prep_free(prep);
    qn_table_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_recipe *recipe = NULL, *again = NULL;
    if (size > QN_MAXIMUM)
        return 0;
    if (qn_recipe_parse((const char *)bytes, size, "fuzz", &recipe, &err) != QN_OK) {
        assert(err.message[0]);
        return 0;
    }
    char *text = write_recipe(recipe);
    enum qn_status status = qn_recipe_parse(text, strlen(text), "again", &again, &err);
    assert(status == QN_OK);
    char *second = write_recipe(again);
    assert(strcmp(text, second) == 0);
    fit(recipe);
    qn_free(text);
    qn_free(second);
    qn_recipe_free(recipe);
    qn_recipe_free(again);
    return 0;
}
