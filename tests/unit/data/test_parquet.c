/* Files that pyarrow and polars wrote (tests/golden/make_parquet.py), against what must come of
 * them. */
#include "io_support.h"

static const char *golden(const char *name, const char *ending)
{
    static char paths[2][512];
    static unsigned next;
    char *path = paths[next++ % 2];
    snprintf(path, sizeof(paths[0]), "%s/tests/golden/parquet/%s.%s", QN_SOURCE_DIR, name, ending);
    return path;
}

/* Cuts the next tab-separated field off *line. */
static char *next_field(char **line)
{
    char *field = *line;
    char *end = strchr(field, '\t');
    if (end)
        *end = '\0';
    *line = end ? end + 1 : field + strlen(field);
    return field;
}

static char *next_line(char **text)
{
    char *line = *text;
    char *end = strchr(line, '\n');
    assert_non_null(end);
    *end = '\0';
    *text = end + 1;
    return line;
}

static void check_golden(const char *name)
{
    struct qn_table *table = io_read_good(qn__parquet_read, golden(name, "parquet"));
    char *expected = io_get(golden(name, "tsv"), NULL);
    char *at = expected;
    char *names = next_line(&at), *types = next_line(&at);
    for (size_t c = 0; c < table->column_count; c++) {
        assert_string_equal(table->columns[c].name, next_field(&names));
        assert_string_equal(qn_type_name(table->columns[c].type), next_field(&types));
        assert_non_null(table->columns[c].reason);
    }
    assert_string_equal(names, "");
    size_t missing = 0, counted = 0;
    for (size_t row = 0; row < table->row_count; row++) {
        char *line = next_line(&at);
        for (size_t c = 0; c < table->column_count; c++) {
            assert_string_equal(io_cell(&table->columns[c], row), next_field(&line));
            missing += qn_column_is_missing(&table->columns[c], row);
        }
    }
    assert_string_equal(at, "");
    for (size_t c = 0; c < table->column_count; c++)
        counted += table->columns[c].missing_count;
    assert_int_equal(missing, counted);
    free(expected);
    qn_table_free(table);
}

static void test_golden(void **state)
{
    static const char *const names[] = {
        "booleans",   "integers",    "unsigned",    "wide_integers", "floats",
        "decimals",   "strings",     "dates",       "timestamps",    "int96",
        "times",      "nested",      "names",       "nothing",       "no_rows",
        "row_groups", "packed_none", "packed_gzip", "packed_snappy", "packed_brotli",
        "packed_lz4", "polars",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        print_message("%s\n", names[i]);
        check_golden(names[i]);
    }
}

static void test_thread_counts_agree(void **state)
{
    struct qn_read_options options;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *one, *many;
    (void)state;
    qn_read_options_default(&options);
    options.thread_count = 1;
    assert_int_equal(io_read(qn__parquet_read, golden("strings", "parquet"), &options, &one, &err),
                     QN_OK);
    options.thread_count = 3;
    assert_int_equal(io_read(qn__parquet_read, golden("strings", "parquet"), &options, &many, &err),
                     QN_OK);
    io_same_tables(one, many);
    qn_table_free(one);
    qn_table_free(many);
}

static void test_column_choice(void **state)
{
    const char *wanted[] = {"it's", "a"};
    struct qn_read_options options;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table;
    (void)state;
    qn_read_options_default(&options);
    options.columns = wanted;
    options.wanted_count = 2;
    assert_int_equal(io_read(qn__parquet_read, golden("names", "parquet"), &options, &table, &err),
                     QN_OK);
    assert_int_equal(table->column_count, 2); /* in the file's order */
    assert_string_equal(table->columns[0].name, "a");
    assert_int_equal(table->columns[0].values.integer[0], 0);
    assert_string_equal(table->columns[1].name, "it's");
    assert_int_equal(table->columns[1].values.integer[0], 3);
    qn_table_free(table);
}

static void test_override(void **state)
{
    struct qn_type_override override = {.name = (char[]){"row"}, .type = QN_TYPE_TEXT};
    struct qn_read_options options;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table;
    (void)state;
    qn_read_options_default(&options);
    options.overrides = &override;
    options.override_count = 1;
    assert_int_equal(
        io_read(qn__parquet_read, golden("row_groups", "parquet"), &options, &table, &err), QN_OK);
    assert_int_equal(table->columns[0].type, QN_TYPE_TEXT);
    assert_true(table->columns[0].forced);
    assert_string_equal(io_cell(&table->columns[0], 2499), "2499");
    qn_table_free(table);
}

static void test_bytes_refused(void **state)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    (void)state;
    assert_int_equal(
        io_read(qn__parquet_read, golden("refused_bytes", "parquet"), NULL, &table, &err),
        QN_INVALID);
    assert_null(table);
    assert_string_equal(err.message, "refused_bytes.parquet: column 'picture' holds bytes that are "
                                     "not text (row 1); leave the column out");
}

/* A name full of pattern characters and quotes is that one file. */
static void test_odd_file_name(void **state)
{
    size_t size;
    (void)state;
    char *bytes = io_get(golden("integers", "parquet"), &size);
    const char *path = io_path("it's \"a\" [b]*?.parquet");
    io_put(path, bytes, size);
    free(bytes);
    struct qn_table *table = io_read_good(qn__parquet_read, path);
    assert_int_equal(table->column_count, 4);
    assert_string_equal(table->name, "it's \"a\" [b]*?.parquet");
    qn_table_free(table);
}

static void check_message(const struct qn_error *err)
{
    assert_int_equal(strncmp(err->message, "damaged.parquet: ", 17), 0);
    assert_null(strstr(err->message, "/proc/"));
    assert_null(strstr(err->message, "select"));
    assert_null(strstr(err->message, "LINE"));
    assert_null(strchr(err->message, '\n'));
}

/* Cut short or flipped anywhere: an error with the file's name, or a table, never a crash. */
static void test_damaged_files(void **state)
{
    size_t size, failures = 0;
    (void)state;
    char *bytes = io_get(golden("strings", "parquet"), &size);
    const char *path = io_path("damaged.parquet");
    for (size_t i = 0; i < 120; i++) {
        struct qn_error err = QN_ERROR_INIT;
        struct qn_table *table = NULL;
        size_t at = size * i / 120;
        char kept = bytes[at];
        if (i % 2 == 0)
            bytes[at] = (char)~kept;
        io_put(path, bytes, i % 2 == 0 ? size : at);
        bytes[at] = kept;
        if (io_read(qn__parquet_read, path, NULL, &table, &err) == QN_OK) {
            qn_table_free(table);
            continue;
        }
        check_message(&err);
        failures++;
    }
    assert_true(failures > 60); /* every cut and then some */
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),        cmocka_unit_test(test_thread_counts_agree),
        cmocka_unit_test(test_column_choice), cmocka_unit_test(test_override),
        cmocka_unit_test(test_bytes_refused), cmocka_unit_test(test_odd_file_name),
        cmocka_unit_test(test_damaged_files),
    };
    return cmocka_run_group_tests(tests, io_folder_make, io_folder_remove);
}
