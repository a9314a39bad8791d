/* Splits are tested by what they promise: sizes, shares, groups kept together, order in time. */
#include "io_support.h"

#include "data/split.h"

static struct qn_split *make(size_t row_count, struct qn_split_options options)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_split *split = NULL;
    if (qn_split_make(row_count, &options, &split, &err) != QN_OK)
        fail_msg("%s", err.message);
    assert_int_equal(split->row_count, row_count);
    return split;
}

static void refuse(size_t row_count, struct qn_split_options options, const char *message)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_split *split = NULL;
    assert_int_equal(qn_split_make(row_count, &options, &split, &err), QN_INVALID);
    assert_null(split);
    assert_string_equal(err.message, message);
}

static size_t fold_size(const struct qn_split *split, size_t fold)
{
    size_t size = 0;
    for (size_t row = 0; row < split->row_count; row++)
        size += split->fold_of_row[row] == fold;
    return size;
}

/* An integer column whose value in row i is value(i). */
static struct qn_table *integers(size_t row_count, int64_t (*value)(size_t row))
{
    struct qn_table *table = io_table(row_count);
    struct qn_column *column = io_add(table, "by", QN_TYPE_INTEGER);
    for (size_t row = 0; row < row_count; row++)
        column->values.integer[row] = value(row);
    return table;
}

static size_t class_in_fold(const struct qn_table *table, const struct qn_split *split,
                            int64_t value, size_t fold)
{
    size_t count = 0;
    for (size_t row = 0; row < split->row_count; row++)
        count += table->columns[0].values.integer[row] == value && split->fold_of_row[row] == fold;
    return count;
}

static void test_random_holdout(void **state)
{
    (void)state;
    struct qn_split_options options = {.test_share = 0.2, .seed = 1};
    struct qn_split *split = make(1000, options), *again = make(1000, options);
    assert_int_equal(split->fold_count, 2);
    assert_false(split->forward);
    assert_int_equal(fold_size(split, 1), 200);
    assert_int_equal(fold_size(split, 0), 800);
    assert_memory_equal(split->fold_of_row, again->fold_of_row, 2000);
    qn_split_free(again);
    options.seed = 2;
    again = make(1000, options);
    assert_memory_not_equal(split->fold_of_row, again->fold_of_row, 2000);
    qn_split_free(again);
    qn_split_free(split);
    options.test_share = 0.001; /* at least one row on each side */
    split = make(3, options);
    assert_int_equal(fold_size(split, 1), 1);
    qn_split_free(split);
    options.test_share = 0.999;
    split = make(3, options);
    assert_int_equal(fold_size(split, 0), 1);
    qn_split_free(split);
}

static void test_random_folds(void **state)
{
    (void)state;
    struct qn_split *split = make(103, (struct qn_split_options){.fold_count = 5, .seed = 7});
    for (size_t fold = 0; fold < 5; fold++)
        assert_int_equal(fold_size(split, fold), fold < 3 ? 21 : 20);
    qn_split_free(split);
}

static void test_skipped_rows(void **state)
{
    bool skip[100];
    (void)state;
    for (size_t i = 0; i < 100; i++)
        skip[i] = i % 4 == 0;
    struct qn_split_options options = {.fold_count = 5, .seed = 7, .skip = skip};
    struct qn_split *split = make(100, options);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(split->fold_of_row[i] == QN_FOLD_NONE, skip[i]);
    for (size_t fold = 0; fold < 5; fold++)
        assert_int_equal(fold_size(split, fold), 15);
    qn_split_free(split);
}

/* 600, 300, 90, 8, 1 and 1 rows of the values 0 to 5. */
static int64_t skewed(size_t row)
{
    size_t at = row * 7919 % 1000;
    return at < 600 ? 0 : at < 900 ? 1 : at < 990 ? 2 : at < 998 ? 3 : at < 999 ? 4 : 5;
}

static void test_stratified_holdout(void **state)
{
    static const size_t tested[] = {150, 75, 23, 2, 0, 0};
    (void)state;
    struct qn_table *table = integers(1000, skewed);
    struct qn_split_options options = {
        .kind = QN_SPLIT_STRATIFIED, .column = &table->columns[0], .test_share = 0.25, .seed = 3};
    struct qn_split *split = make(1000, options);
    /* A quarter of the 998 rows whose value occurs twice is 249.5: the largest remainders get the
     * rows that rounding down leaves over. Single rows train. */
    assert_int_equal(fold_size(split, 1), 250);
    for (int64_t value = 0; value < 6; value++)
        assert_int_equal(class_in_fold(table, split, value, 1), tested[value]);
    qn_split_free(split);
    options.test_share = 0.75;
    split = make(1000, options);
    for (int64_t value = 0; value < 4; value++)
        assert_true(class_in_fold(table, split, value, 0) > 0);
    assert_int_equal(class_in_fold(table, split, 4, 0), 1);
    qn_split_free(split);
    qn_table_free(table);
}

static int64_t in_pairs(size_t row)
{
    return row < 900 ? -1 : (int64_t)row / 2;
}

/* Each of the 50 pairs is on both sides, though a tenth of the rows could not hold them in share;
 * the big class gives way. */
static void test_small_classes_are_in_both_parts(void **state)
{
    (void)state;
    struct qn_table *table = integers(1000, in_pairs);
    for (int turn = 0; turn < 2; turn++) {
        struct qn_split_options options = {.kind = QN_SPLIT_STRATIFIED,
                                           .column = &table->columns[0],
                                           .test_share = turn == 0 ? 0.1 : 0.9,
                                           .seed = 3};
        struct qn_split *split = make(1000, options);
        for (int64_t value = 450; value < 500; value++)
            assert_int_equal(class_in_fold(table, split, value, 1), 1);
        assert_int_equal(fold_size(split, 1), turn == 0 ? 100 : 900);
        qn_split_free(split);
    }
    qn_table_free(table);
}

static void test_stratified_folds(void **state)
{
    (void)state;
    struct qn_table *table = integers(1000, skewed);
    struct qn_split_options options = {
        .kind = QN_SPLIT_STRATIFIED, .column = &table->columns[0], .fold_count = 7, .seed = 3};
    struct qn_split *split = make(1000, options);
    static const size_t sizes[] = {600, 300, 90, 8};
    for (size_t fold = 0; fold < 7; fold++) {
        assert_in_range(fold_size(split, fold), 142, 143);
        for (size_t value = 0; value < 4; value++)
            assert_in_range(class_in_fold(table, split, (int64_t)value, fold), sizes[value] / 7,
                            sizes[value] / 7 + 1);
    }
    qn_split_free(split);
    qn_table_free(table);
}

/* Numbers: missing values are a class, and -0 is 0. */
static void test_stratified_numbers(void **state)
{
    (void)state;
    struct qn_table *table = io_table(40);
    struct qn_column *column = io_add(table, "y", QN_TYPE_NUMBER);
    for (size_t row = 0; row < 40; row++)
        column->values.number[row] = row < 10 ? (double)NAN : row < 20 ? -1.5 : 7;
    column->values.number[20] = 0.0;
    column->values.number[39] = -0.0;
    struct qn_split *split =
        make(40, (struct qn_split_options){
                     .kind = QN_SPLIT_STRATIFIED, .column = column, .test_share = 0.5, .seed = 1});
    size_t tested[3] = {0};
    for (size_t row = 0; row < 40; row++)
        tested[row < 10 ? 0 : row < 20 ? 1 : 2] += split->fold_of_row[row] == 1;
    assert_int_equal(tested[0], 5);
    assert_int_equal(tested[1], 5);
    assert_int_equal(tested[2], 10);
    assert_int_equal(split->fold_of_row[20] + split->fold_of_row[39], 1);
    qn_split_free(split);
    qn_table_free(table);
}

static int64_t group_of(size_t row) /* sizes 1, 2, 3 ... */
{
    int64_t group = 0;
    for (size_t end = 1; row >= end; end += (size_t)group + 1)
        group++;
    return group;
}

static void check_together(const struct qn_table *table, const struct qn_split *split)
{
    const int64_t *group = table->columns[0].values.integer;
    for (size_t i = 1; i < split->row_count; i++) {
        if (group[i] == group[i - 1])
            assert_int_equal(split->fold_of_row[i], split->fold_of_row[i - 1]);
    }
}

static void test_grouped(void **state)
{
    (void)state;
    struct qn_table *table = integers(210, group_of); /* groups of 1 to 20 rows */
    struct qn_split_options options = {
        .kind = QN_SPLIT_GROUPED, .column = &table->columns[0], .fold_count = 5, .seed = 1};
    struct qn_split *split = make(210, options);
    check_together(table, split);
    for (size_t fold = 0; fold < 5; fold++)
        assert_int_equal(fold_size(split, fold), 42); /* 20 + 11 + 10 + 1, 19 + 12 + 9 + 2 ... */
    qn_split_free(split);
    options.fold_count = 0;
    for (uint64_t seed = 0; seed < 30; seed++) {
        options.test_share = 0.3;
        options.seed = seed;
        split = make(210, options);
        check_together(table, split);
        assert_in_range(fold_size(split, 1), 54, 72);
        qn_split_free(split);
    }
    qn_table_free(table);
}

static int64_t two_groups(size_t row)
{
    return row < 90 ? 1 : 2;
}

static void test_grouped_holdout_of_two(void **state)
{
    (void)state;
    struct qn_table *table = integers(100, two_groups);
    struct qn_split_options options = {
        .kind = QN_SPLIT_GROUPED, .column = &table->columns[0], .test_share = 0.05, .seed = 1};
    struct qn_split *split = make(100, options);
    assert_int_equal(fold_size(split, 1), 10);
    qn_split_free(split);
    options.fold_count = 3;
    refuse(100, options,
           "split: only 2 groups in column 'by' for 3 folds; ask for fewer or group by another "
           "column");
    qn_table_free(table);
}

static int64_t backwards_hours(size_t row) /* five rows share an instant */
{
    return 1000 - (int64_t)row / 5;
}

static void check_order(const struct qn_table *table, const struct qn_split *split)
{
    const int64_t *time = table->columns[0].values.integer;
    for (size_t i = 0; i < split->row_count; i++) {
        for (size_t j = 0; j < split->row_count; j++) {
            if (time[i] == time[j])
                assert_int_equal(split->fold_of_row[i], split->fold_of_row[j]);
            else if (time[i] < time[j])
                assert_true(split->fold_of_row[i] <= split->fold_of_row[j]);
        }
    }
}

static void test_time(void **state)
{
    (void)state;
    struct qn_table *table = integers(103, backwards_hours);
    table->columns[0].type = QN_TYPE_DATETIME;
    struct qn_split_options options = {
        .kind = QN_SPLIT_TIME, .column = &table->columns[0], .test_share = 0.2};
    struct qn_split *split = make(103, options);
    check_order(table, split);
    assert_true(split->forward);
    assert_int_equal(fold_size(split, 1), 20); /* 21 would cut an instant in two */
    qn_split_free(split);
    options.fold_count = 4;
    split = make(103, options);
    check_order(table, split);
    for (size_t fold = 0; fold < 4; fold++)
        assert_in_range(fold_size(split, fold), 23, 30);

    struct qn_error err = QN_ERROR_INIT;
    size_t *train, *test, train_count, test_count;
    assert_int_equal(qn_split_rows(split, 2, &train, &train_count, &test, &test_count, &err),
                     QN_OK);
    assert_int_equal(train_count, fold_size(split, 0) + fold_size(split, 1));
    assert_int_equal(test_count, fold_size(split, 2));
    for (size_t i = 0; i < train_count; i++)
        assert_true(split->fold_of_row[train[i]] < 2);
    for (size_t i = 0; i < test_count; i++)
        assert_int_equal(split->fold_of_row[test[i]], 2);
    qn_free(train);
    qn_free(test);
    assert_int_equal(qn_split_rows(split, 0, &train, &train_count, &test, &test_count, &err),
                     QN_INVALID);
    qn_split_free(split);
    qn_table_free(table);
}

static int64_t crowded_end(size_t row)
{
    return row < 3 ? (int64_t)row : 99;
}

/* Nearly all rows share the last instant: each fold still gets one. */
static void test_time_crowded(void **state)
{
    (void)state;
    struct qn_table *table = integers(20, crowded_end);
    struct qn_split *split =
        make(20, (struct qn_split_options){
                     .kind = QN_SPLIT_TIME, .column = &table->columns[0], .fold_count = 4});
    for (size_t row = 0; row < 20; row++)
        assert_int_equal(split->fold_of_row[row], row < 3 ? row : 3);
    qn_split_free(split);
    qn_table_free(table);
}

static void test_time_refusals(void **state)
{
    static const char *const texts[] = {"a", "b", "c", "d"};
    (void)state;
    struct qn_table *table = integers(4, two_groups);
    struct qn_split_options options = {
        .kind = QN_SPLIT_TIME, .column = &table->columns[0], .test_share = 0.5};
    refuse(4, options, "split: only 1 different time in column 'by' for 2 parts");
    table->columns[0].values.integer[1] = QN_MISSING_INTEGER;
    refuse(4, options, "split: 1 row has no time in column 'by'; fill or leave out those rows");
    bool skip[4] = {false, true, false, false};
    table->columns[0].values.integer[3] = 7;
    options.skip = skip;
    qn_split_free(make(4, options)); /* a row that is left out needs no time */
    io_add_texts(table, "word", QN_TYPE_TEXT, texts);
    options.column = &table->columns[1];
    refuse(4, options,
           "split: column 'word' is text and gives no order in time; choose a date, datetime or "
           "numeric column, or give its type");
    qn_table_free(table);
}

static void test_refusals(void **state)
{
    (void)state;
    struct qn_table *table = integers(3, group_of);
    refuse(3, (struct qn_split_options){.test_share = 0.0},
           "split: the test share must lie between 0 and 1, not 0");
    refuse(3, (struct qn_split_options){.test_share = (double)NAN},
           "split: the test share must lie between 0 and 1, not nan");
    refuse(3, (struct qn_split_options){.fold_count = 1},
           "split: the number of folds must be 2 to 1000, not 1");
    refuse(3, (struct qn_split_options){.fold_count = 5}, "split: only 3 rows for 5 folds");
    refuse(1, (struct qn_split_options){.test_share = 0.5}, "split: only 1 row for 2 parts");
    table->columns[0].values.integer[2] = 9;
    refuse(3,
           (struct qn_split_options){
               .kind = QN_SPLIT_STRATIFIED, .column = &table->columns[0], .test_share = 0.5},
           "split: no value of 'by' occurs twice, so it cannot be in both parts; split at random "
           "instead");
    qn_table_free(table);
}

static void test_rows_of_folds(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    bool skip[50] = {[3] = true};
    struct qn_split *split =
        make(50, (struct qn_split_options){.fold_count = 5, .seed = 1, .skip = skip});
    unsigned tested[50] = {0};
    for (size_t fold = 0; fold < 5; fold++) {
        size_t *train, *test, train_count, test_count;
        assert_int_equal(qn_split_rows(split, fold, &train, &train_count, &test, &test_count, &err),
                         QN_OK);
        assert_int_equal(train_count + test_count, 49);
        for (size_t i = 0; i < test_count; i++)
            tested[test[i]]++;
        for (size_t i = 1; i < train_count; i++)
            assert_true(train[i - 1] < train[i]);
        qn_free(train);
        qn_free(test);
    }
    for (size_t row = 0; row < 50; row++)
        assert_int_equal(tested[row], row != 3);
    qn_split_free(split);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_holdout),
        cmocka_unit_test(test_random_folds),
        cmocka_unit_test(test_skipped_rows),
        cmocka_unit_test(test_stratified_holdout),
        cmocka_unit_test(test_small_classes_are_in_both_parts),
        cmocka_unit_test(test_stratified_folds),
        cmocka_unit_test(test_stratified_numbers),
        cmocka_unit_test(test_grouped),
        cmocka_unit_test(test_grouped_holdout_of_two),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_time_crowded),
        cmocka_unit_test(test_time_refusals),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_rows_of_folds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
