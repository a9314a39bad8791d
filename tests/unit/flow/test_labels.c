/* The target column as classes or values: which task it makes, the order of classes (that of
 * scikit-learn's LabelEncoder, numpy's sort), what is refused, and matching new data. */
#include "flow_support.h"

#include "flow/labels.h"

static struct qn_labels *make(const struct qn_table *table, enum qn_task_choice choice)
{
    struct qn_labels *labels = NULL;
    struct qn_error err = QN_ERROR_INIT;
    if (qn_labels_make(&table->columns[0], table->row_count, choice, &labels, &err) != QN_OK)
        fail_msg("%s", err.message);
    return labels;
}

/* The column cannot be a target; the message has `words`. */
static void refused(const struct qn_table *table, enum qn_task_choice choice, const char *words)
{
    struct qn_labels *labels = NULL;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_not_equal(
        qn_labels_make(&table->columns[0], table->row_count, choice, &labels, &err), QN_OK);
    assert_null(labels);
    assert_message(&err, words);
    assert_message(&err, table->columns[0].name);
}

static void assert_classes(const struct qn_labels *labels, const char *const *names, size_t count,
                           const int32_t *rows)
{
    assert_int_equal(labels->class_count, count);
    assert_int_equal(labels->task, count == 2 ? QN_TASK_BINARY : QN_TASK_MULTICLASS);
    assert_null(labels->values);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(labels->class_names[i], names[i]);
    for (size_t row = 0; row < labels->row_count; row++)
        assert_int_equal(labels->classes[row], rows[row]);
}

/* numpy.unique(["b", "B", "ä", "a", "10", "9"]) is ['10', '9', 'B', 'a', 'b', 'ä']. */
static void test_texts_by_bytes(void **state)
{
    (void)state;
    static const char *const texts[] = {"b", "B", "\xc3\xa4", "a", NULL, "10", "9", "b"};
    static const char *const names[] = {"10", "9", "B", "a", "b", "\xc3\xa4"};
    static const int32_t rows[] = {4, 2, 5, 3, -1, 0, 1, 4};
    struct qn_table *table = flow_table(8);
    flow_texts(table, "t", QN_TYPE_CATEGORY, texts);
    struct qn_labels *labels = make(table, QN_TASK_AUTO);
    assert_classes(labels, names, 6, rows);
    assert_int_equal(labels->missing_count, 1);
    assert_string_equal(labels->reason, "'t' has 6 different values");
    qn_labels_free(labels);
    table->columns[0].type = QN_TYPE_TEXT;
    labels = make(table, QN_TASK_CLASSIFY);
    assert_classes(labels, names, 6, rows);
    qn_labels_free(labels);
    qn_table_free(table);
}

/* A level that the dictionary has but no row is no class; a prefix comes first. */
static void test_levels_that_occur(void **state)
{
    (void)state;
    static const char *const texts[] = {"abc", "ab", "zz"};
    static const char *const names[] = {"ab", "abc"};
    static const int32_t rows[] = {1, 0};
    struct qn_table *whole = flow_table(3);
    flow_texts(whole, "t", QN_TYPE_CATEGORY, texts);
    struct qn_table *table = flow_take(whole, (const size_t[]){0, 1}, 2);
    struct qn_labels *labels = make(table, QN_TASK_AUTO);
    assert_classes(labels, names, 2, rows);
    qn_labels_free(labels);
    qn_table_free(table);
    qn_table_free(whole);
}

static void test_integers_by_value(void **state)
{
    (void)state;
    static const int64_t values[] = {10, 9, -2, QN_MISSING_INTEGER, 9};
    static const char *const names[] = {"-2", "9", "10"};
    static const int32_t rows[] = {2, 1, 0, -1, 1};
    struct qn_table *table = flow_table(5);
    flow_integers(table, "t", QN_TYPE_INTEGER, values);
    struct qn_labels *labels = make(table, QN_TASK_AUTO);
    assert_classes(labels, names, 3, rows);
    qn_labels_free(labels);
    labels = make(table, QN_TASK_REGRESS);
    assert_int_equal(labels->task, QN_TASK_REGRESSION);
    assert_null(labels->classes);
    assert_true(labels->values[2] == -2 && isnan(labels->values[3]));
    assert_int_equal(labels->missing_count, 1);
    qn_labels_free(labels);
    qn_table_free(table);
}

static void test_booleans(void **state)
{
    (void)state;
    static const int64_t values[] = {1, 0, QN_MISSING_INTEGER};
    static const char *const names[] = {"false", "true"};
    static const int32_t rows[] = {1, 0, -1};
    struct qn_table *table = flow_table(3);
    flow_integers(table, "t", QN_TYPE_BOOLEAN, values);
    struct qn_labels *labels = make(table, QN_TASK_AUTO);
    assert_classes(labels, names, 2, rows);
    qn_labels_free(labels);
    qn_table_free(table);
}

/* Whole numbers are classes up to ten of them; others only up to two. */
static void test_few_numbers(void **state)
{
    (void)state;
    static const double two[] = {0.5, -0.5, NAN, -0.0};
    struct qn_table *table = flow_table(3);
    flow_numbers(table, "t", two);
    struct qn_labels *labels = make(table, QN_TASK_AUTO);
    assert_classes(labels, (const char *const[]){"-0.5", "0.5"}, 2, (const int32_t[]){1, 0, -1});
    qn_labels_free(labels);
    qn_table_free(table);
    table = flow_table(4);
    flow_numbers(table, "t", two);
    labels = make(table, QN_TASK_AUTO);
    assert_int_equal(labels->task, QN_TASK_REGRESSION);
    assert_string_equal(labels->reason, "'t' has numbers that are not whole");
    qn_labels_free(labels);
    labels = make(table, QN_TASK_CLASSIFY);
    assert_classes(labels, (const char *const[]){"-0.5", "0", "0.5"}, 3,
                   (const int32_t[]){2, 0, -1, 1});
    qn_labels_free(labels);
    qn_table_free(table);
}

static void test_many_numbers(void **state)
{
    (void)state;
    double values[12];
    for (size_t count = QN_LABELS_INTEGER_CLASSES; count <= QN_LABELS_INTEGER_CLASSES + 1;
         count++) {
        for (size_t i = 0; i < 12; i++)
            values[i] = (double)(i % count);
        struct qn_table *table = flow_table(12);
        flow_numbers(table, "t", values);
        struct qn_labels *labels = make(table, QN_TASK_AUTO);
        bool classes = count == QN_LABELS_INTEGER_CLASSES;
        assert_int_equal(labels->task, classes ? QN_TASK_MULTICLASS : QN_TASK_REGRESSION);
        assert_non_null(strstr(labels->reason, "10"));
        qn_labels_free(labels);
        qn_table_free(table);
    }
}

static void test_refused(void **state)
{
    (void)state;
    struct qn_table *table = flow_table(3);
    flow_numbers(table, "t", (const double[]){5, NAN, 5});
    refused(table, QN_TASK_AUTO, "always '5'");
    struct qn_labels *labels = make(table, QN_TASK_REGRESS); /* a constant is dull, not wrong */
    qn_labels_free(labels);
    table->columns[0].values.number[0] = NAN;
    table->columns[0].values.number[2] = NAN;
    refused(table, QN_TASK_AUTO, "no values");
    refused(table, QN_TASK_REGRESS, "no values");
    refused(table, QN_TASK_CLASSIFY, "no values");
    table->columns[0].values.number[2] = -INFINITY;
    refused(table, QN_TASK_REGRESS, "infinite in row 3");
    qn_table_free(table);
    table = flow_table(2);
    flow_texts(table, "t", QN_TYPE_CATEGORY, (const char *const[]){"a", "b"});
    refused(table, QN_TASK_REGRESS, "regression");
    table->columns[0].values.code[0] = QN_MISSING_CODE;
    refused(table, QN_TASK_AUTO, "always 'b'");
    table->columns[0].values.code[1] = QN_MISSING_CODE;
    refused(table, QN_TASK_AUTO, "no values");
    qn_table_free(table);
    table = flow_table(1);
    flow_integers(table, "t", QN_TYPE_DATE, (const int64_t[]){3});
    refused(table, QN_TASK_AUTO, "date");
    qn_table_free(table);
}

static void test_too_many_classes(void **state)
{
    (void)state;
    enum { ROWS = QN_LABELS_CLASS_LIMIT + 1 };
    char names[ROWS][8];
    const char *texts[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        snprintf(names[i], sizeof(names[i]), "%05u", (unsigned)(ROWS - i));
        texts[i] = names[i];
    }
    struct qn_table *table = flow_table(ROWS);
    flow_texts(table, "t", QN_TYPE_TEXT, texts);
    refused(table, QN_TASK_AUTO, "more than 1000 classes");
    table->columns[0].values.code[0] = QN_MISSING_CODE;
    struct qn_labels *labels = make(table, QN_TASK_AUTO);
    assert_int_equal(labels->class_count, QN_LABELS_CLASS_LIMIT);
    assert_string_equal(labels->class_names[0], "00001");
    assert_int_equal(labels->classes[ROWS - 1], 0);
    qn_labels_free(labels);
    qn_table_free(table);
    table = flow_table(ROWS);
    struct qn_column *column = flow_add(table, "n", QN_TYPE_INTEGER);
    for (size_t i = 0; i < ROWS; i++)
        column->values.integer[i] = (int64_t)i;
    refused(table, QN_TASK_CLASSIFY, "more than 1000 classes");
    qn_table_free(table);
}

/* A name near the limit of the reader: the reason is cut, and stays UTF-8. */
static void test_long_name(void **state)
{
    (void)state;
    char name[1001];
    for (size_t i = 0; i < 500; i++)
        memcpy(name + 2 * i, "\xc3\xa4", 2);
    name[1000] = 0;
    struct qn_table *table = flow_table(2);
    flow_integers(table, name, QN_TYPE_INTEGER, (const int64_t[]){1, 2});
    struct qn_labels *labels = make(table, QN_TASK_AUTO);
    size_t size = strlen(labels->reason);
    assert_int_equal(qn_utf8_check(labels->reason, size), size);
    assert_non_null(strstr(labels->reason, "' has 2 different values"));
    qn_labels_free(labels);
    qn_table_free(table);
}

static struct qn_labels *match(const struct qn_table *table, enum qn_task task,
                               const char *const *names, size_t count, size_t *unknown)
{
    struct qn_labels *labels = NULL;
    struct qn_error err = QN_ERROR_INIT;
    if (qn_labels_match(&table->columns[0], table->row_count, task, (char *const *)names, count,
                        &labels, unknown, &err) != QN_OK)
        fail_msg("%s", err.message);
    return labels;
}

static void assert_matched(const struct qn_table *table, const char *const *names, size_t count,
                           const int32_t *rows, size_t missing, size_t unknown)
{
    size_t found = 99;
    struct qn_labels *labels =
        match(table, count == 2 ? QN_TASK_BINARY : QN_TASK_MULTICLASS, names, count, &found);
    for (size_t row = 0; row < table->row_count; row++)
        assert_int_equal(labels->classes[row], rows[row]);
    assert_int_equal(labels->missing_count, missing);
    assert_int_equal(found, unknown);
    assert_int_equal(labels->class_count, count);
    qn_labels_free(labels);
}

static void test_match_texts(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    struct qn_table *table = flow_table(6);
    flow_texts(table, "t", QN_TYPE_TEXT,
               (const char *const[]){"c", "new", NULL, "a", "new", "newer"});
    assert_matched(table, names, 3, (const int32_t[]){2, -1, -1, 0, -1, -1}, 1, 3);
    qn_table_free(table);
}

/* Numbers are matched by value, whatever type they were read as. */
static void test_match_numbers(void **state)
{
    (void)state;
    static const char *const names[] = {"-2", "0.5", "10"};
    struct qn_table *table = flow_table(4);
    flow_numbers(table, "t", (const double[]){10, NAN, 0.5, 7});
    assert_matched(table, names, 3, (const int32_t[]){2, -1, 1, -1}, 1, 1);
    qn_table_free(table);
    table = flow_table(4);
    flow_integers(table, "t", QN_TYPE_INTEGER, (const int64_t[]){-2, QN_MISSING_INTEGER, 10, 11});
    assert_matched(table, names, 3, (const int32_t[]){0, -1, 2, -1}, 1, 1);
    qn_table_free(table);
    table = flow_table(2);
    flow_texts(table, "t", QN_TYPE_CATEGORY, (const char *const[]){"10", "ten"});
    assert_matched(table, names, 3, (const int32_t[]){2, -1}, 0, 1);
    qn_table_free(table);
}

static void test_match_booleans(void **state)
{
    (void)state;
    static const char *const names[] = {"false", "true"};
    struct qn_table *table = flow_table(3);
    flow_integers(table, "t", QN_TYPE_BOOLEAN, (const int64_t[]){1, 0, QN_MISSING_INTEGER});
    assert_matched(table, names, 2, (const int32_t[]){1, 0, -1}, 1, 0);
    qn_table_free(table);
    table = flow_table(5);
    flow_texts(table, "t", QN_TYPE_CATEGORY,
               (const char *const[]){"Yes", "no", "maybe", "true", "F"});
    assert_matched(table, names, 2, (const int32_t[]){1, 0, -1, 1, 0}, 0, 1);
    qn_table_free(table);
    table = flow_table(2); /* only the two boolean classes are read that way */
    flow_texts(table, "t", QN_TYPE_CATEGORY, (const char *const[]){"yes", "true"});
    assert_matched(table, (const char *const[]){"maybe", "true"}, 2, (const int32_t[]){-1, 1}, 0,
                   1);
    qn_table_free(table);
}

static void test_match_regression(void **state)
{
    (void)state;
    size_t unknown = 99;
    struct qn_table *table = flow_table(2);
    flow_integers(table, "t", QN_TYPE_INTEGER, (const int64_t[]){4, QN_MISSING_INTEGER});
    struct qn_labels *labels = match(table, QN_TASK_REGRESSION, NULL, 0, &unknown);
    assert_true(labels->values[0] == 4 && isnan(labels->values[1]));
    assert_int_equal(labels->missing_count, 1);
    assert_int_equal(unknown, 0);
    qn_labels_free(labels);
    qn_table_free(table);
    table = flow_table(1);
    flow_texts(table, "t", QN_TYPE_CATEGORY, (const char *const[]){"x"});
    flow_integers(table, "d", QN_TYPE_DATE, (const int64_t[]){3});
    for (size_t i = 0; i < 2; i++) {
        struct qn_error err = QN_ERROR_INIT;
        labels = NULL;
        assert_int_equal(qn_labels_match(&table->columns[i], 1, QN_TASK_REGRESSION, NULL, 0,
                                         &labels, &unknown, &err),
                         QN_INVALID);
        assert_message(&err, "must hold numbers");
        assert_null(labels);
    }
    qn_table_free(table);
}

static void test_gather(void **state)
{
    (void)state;
    static const size_t rows[] = {2, 0};
    struct qn_error err = QN_ERROR_INIT;
    struct qn_label_rows got;
    struct qn_table *table = flow_table(3);
    flow_integers(table, "t", QN_TYPE_INTEGER, (const int64_t[]){7, 8, 9});
    struct qn_labels *labels = make(table, QN_TASK_AUTO);
    assert_int_equal(qn_labels_gather(labels, (const double[]){0.5, 1, 2}, rows, 2, &got, &err),
                     QN_OK);
    assert_int_equal(got.target.row_count, 2);
    assert_int_equal(got.target.class_count, 3);
    assert_int_equal(got.target.classes[0], 2);
    assert_int_equal(got.target.classes[1], 0);
    assert_true(got.target.weights[0] == 2 && got.target.weights[1] == 0.5);
    assert_null(got.target.values);
    qn_label_rows_release(&got);
    qn_labels_free(labels);
    labels = make(table, QN_TASK_REGRESS);
    assert_int_equal(qn_labels_gather(labels, NULL, rows, 2, &got, &err), QN_OK);
    assert_true(got.target.values[0] == 9 && got.target.values[1] == 7);
    assert_null(got.target.weights);
    assert_null(got.target.classes);
    assert_int_equal(got.target.class_count, 0);
    qn_label_rows_release(&got);
    qn_labels_free(labels);
    qn_labels_free(NULL);
    qn_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_by_bytes),    cmocka_unit_test(test_levels_that_occur),
        cmocka_unit_test(test_integers_by_value), cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_few_numbers),       cmocka_unit_test(test_many_numbers),
        cmocka_unit_test(test_refused),           cmocka_unit_test(test_too_many_classes),
        cmocka_unit_test(test_long_name),         cmocka_unit_test(test_match_texts),
        cmocka_unit_test(test_match_numbers),     cmocka_unit_test(test_match_booleans),
        cmocka_unit_test(test_match_regression),  cmocka_unit_test(test_gather),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
