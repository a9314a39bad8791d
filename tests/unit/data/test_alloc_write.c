/* Every allocation of ours is made to fail in turn, over splits, writers and readers: each time a
 * clean error or success, nothing leaked (the sanitizers see to that) and no file left behind. */
#include "io_support.h"

#include "data/split.h"

#include <stdatomic.h>

void *__real_qn_realloc_bytes(void *block, size_t size_bytes);

static atomic_long allocations_left = -1; /* below 0: all succeed */

void *__wrap_qn_realloc_bytes(void *block, size_t size_bytes)
{
    if (size_bytes > 0 && atomic_load(&allocations_left) >= 0 &&
        atomic_fetch_sub(&allocations_left, 1) == 0) {
        atomic_store(&allocations_left, -1); /* one failure a run */
        return NULL;
    }
    return __real_qn_realloc_bytes(block, size_bytes);
}

enum { MOST_ALLOCATIONS = 5000 };

/* Runs `work` with the first, the second ... allocation failing, until none fails any more. */
static void torture(enum qn_status (*work)(void *context, struct qn_error *err), void *context)
{
    long number = 0;
    for (; number < MOST_ALLOCATIONS; number++) {
        struct qn_error err = QN_ERROR_INIT;
        atomic_store(&allocations_left, number);
        enum qn_status status = work(context, &err);
        bool reached = atomic_exchange(&allocations_left, -1) < 0;
        assert_int_equal(status, err.status);
        if (!reached) {
            assert_int_equal(status, QN_OK);
            break;
        }
        /* A pool may do with fewer threads; everything else has to say so. */
        assert_true(status == QN_NOMEM || status == QN_OK);
    }
    assert_in_range(number, 1, MOST_ALLOCATIONS - 1);
}

static struct qn_table *make_table(size_t row_count)
{
    static const char *const words[] = {"red", NULL, "a \"b\"\n", "\xc3\xbc,"};
    const char *texts[64];
    assert_true(row_count <= 64);
    for (size_t row = 0; row < row_count; row++)
        texts[row] = words[row % 4];
    struct qn_table *table = io_table(row_count);
    io_add_texts(table, "word", QN_TYPE_CATEGORY, texts);
    struct qn_column *number = io_add(table, "number", QN_TYPE_NUMBER);
    for (size_t row = 0; row < row_count; row++)
        number->values.number[row] = (double)row + 0.5;
    struct qn_column *whole = io_add(table, "whole", QN_TYPE_INTEGER);
    for (size_t row = 0; row < row_count; row++)
        whole->values.integer[row] = (int64_t)row / 3;
    return table;
}

struct write_work {
    const struct qn_table *table;
    const char *path;
    size_t size_bytes; /* of the whole file; 0 before it is known */
};

static enum qn_status write_once(void *context, struct qn_error *err)
{
    const struct write_work *work = context;
    struct stat about;
    (void)unlink(work->path);
    enum qn_status status = qn_table_write(work->table, work->path, NULL, err);
    assert_int_equal(io_folder_count(), status == QN_OK);
    if (status == QN_OK && work->size_bytes > 0) {
        assert_int_equal(stat(work->path, &about), 0);
        assert_int_equal(about.st_size, work->size_bytes);
    }
    return status;
}

static void test_writers(void **state)
{
    static const char *const names[] = {"a.csv",      "a.tsv.gz", "a.csv.zst",
                                        "a.jsonl.gz", "a.jsonl",  "a.parquet"};
    (void)state;
    struct qn_table *table = make_table(40);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct write_work work = {table, io_path(names[i]), 0};
        struct qn_error err = QN_ERROR_INIT;
        struct stat about;
        assert_int_equal(write_once(&work, &err), QN_OK);
        assert_int_equal(stat(work.path, &about), 0);
        work.size_bytes = (size_t)about.st_size;
        torture(write_once, &work);
        assert_int_equal(unlink(work.path), 0);
    }
    qn_table_free(table);
}

struct read_work {
    io_reader *reader;
    const char *path;
    const struct qn_read_options *options;
};

static enum qn_status read_once(void *context, struct qn_error *err)
{
    const struct read_work *work = context;
    struct qn_table *table = NULL;
    enum qn_status status = io_read(work->reader, work->path, work->options, &table, err);
    assert_int_equal(status == QN_OK, table != NULL);
    qn_table_free(table);
    return status;
}

static void test_readers(void **state)
{
    char path[512];
    static const char *const golden[] = {"wide_integers", "strings", "nested"};
    struct qn_type_override override = {.name = (char[]){"word"}, .type = QN_TYPE_TEXT};
    struct qn_read_options options;
    struct qn_error err = QN_ERROR_INIT;
    (void)state;
    qn_read_options_default(&options);
    struct read_work work = {qn__parquet_read, path, &options};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/tests/golden/parquet/%s.parquet", QN_SOURCE_DIR,
                 golden[i]);
        torture(read_once, &work);
    }
    struct qn_table *table = make_table(40);
    options.overrides = &override;
    options.override_count = 1;
    work.reader = qn__jsonl_read;
    work.path = io_path("b.jsonl");
    assert_int_equal(qn_table_write(table, work.path, NULL, &err), QN_OK);
    torture(read_once, &work);
    assert_int_equal(unlink(work.path), 0);
    qn_table_free(table);
}

static enum qn_status split_once(void *context, struct qn_error *err)
{
    struct qn_split *split = NULL;
    size_t *train, *test, train_count, test_count;
    enum qn_status status = qn_split_make(40, context, &split, err);
    if (status != QN_OK)
        return status;
    status = qn_split_rows(split, 1, &train, &train_count, &test, &test_count, err);
    if (status == QN_OK) {
        qn_free(train);
        qn_free(test);
    }
    qn_split_free(split);
    return status;
}

static void test_splits(void **state)
{
    (void)state;
    struct qn_table *table = make_table(40);
    for (int kind = QN_SPLIT_RANDOM; kind <= QN_SPLIT_TIME; kind++) {
        for (size_t folds = 0; folds < 4; folds += 3) {
            struct qn_split_options options = {.kind = (enum qn_split_kind)kind,
                                               .column = &table->columns[2],
                                               .test_share = 0.25,
                                               .fold_count = folds};
            torture(split_once, &options);
        }
    }
    qn_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writers),
        cmocka_unit_test(test_readers),
        cmocka_unit_test(test_splits),
    };
    return cmocka_run_group_tests(tests, io_folder_make, io_folder_remove);
}
