/* What is written reads back the same, in every format; and a failed write leaves nothing. */
#include "io_support.h"

#include "base/random.h"
#include "data/write_internal.h"

#include <signal.h>
#include <sys/resource.h>

static void write_good(const struct qn_table *table, const char *path)
{
    struct qn_error err = QN_ERROR_INIT;
    if (qn_table_write(table, path, NULL, &err) != QN_OK)
        fail_msg("%s: %s", path, err.message);
}

static struct qn_table *read_back(const char *path, const struct qn_read_options *options)
{
    struct qn_read_options standard;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    qn_read_options_default(&standard);
    if (qn_table_read(path, options ? options : &standard, &table, &err) != QN_OK)
        fail_msg("%s: %s", path, err.message);
    return table;
}

/* All types, with values at their edges and missing ones. */
static struct qn_table *make_types(void)
{
    static const double numbers[] = {0.1,  -0.0,      1e300, 5e-324, NAN,
                                     -2.5, 1.0 / 3.0, 1e15,  123456, INFINITY};
    static const char *const words[] = {"red", "blue", NULL,   "red",       "a,b",
                                        "red", "blue", "blue", "z\xc3\xbc", "red"};
    static const char *const texts[] = {"a \"quoted\" word", "two\nlines", "tab\there",   NULL,
                                        " padded ",          "trailing ",  "back\\slash", "=1+1",
                                        "\xf0\x9f\x98\x80",  "cr\rhere"};
    static const int64_t day_us = 86400000000;
    struct qn_table *table = io_table(10);
    struct qn_column *column = io_add(table, "truth", QN_TYPE_BOOLEAN);
    for (size_t row = 0; row < 10; row++)
        column->values.integer[row] = row == 4 ? QN_MISSING_INTEGER : row % 3 == 0;
    column->missing_count = 1;
    column = io_add(table, "whole", QN_TYPE_INTEGER);
    for (size_t row = 0; row < 10; row++)
        column->values.integer[row] = 999999999999 / (int64_t)(row + 1) * (row % 2 ? -1 : 1);
    column->values.integer[9] = QN_MISSING_INTEGER;
    column->missing_count = 1;
    column = io_add(table, "real, \"odd\" name", QN_TYPE_NUMBER);
    memcpy(column->values.number, numbers, sizeof(numbers));
    column->missing_count = 1;
    io_add_texts(table, "word", QN_TYPE_CATEGORY, words);
    io_add_texts(table, "text", QN_TYPE_CATEGORY, texts);
    column = io_add(table, "day", QN_TYPE_DATE);
    for (size_t row = 0; row < 10; row++)
        column->values.integer[row] = (int64_t)row * 4711 - 20000;
    column->values.integer[0] = QN_MISSING_INTEGER;
    column->missing_count = 1;
    column = io_add(table, "instant", QN_TYPE_DATETIME);
    for (size_t row = 0; row < 10; row++)
        column->values.integer[row] = ((int64_t)row - 5) * 1000 * day_us + (row % 3 == 0   ? 0
                                                                            : row % 3 == 1 ? -1
                                                                                           : 1000);
    column->values.integer[1] = QN_MISSING_INTEGER;
    column->missing_count = 1;
    return table;
}

static const char *const endings[] = {"csv",   "tsv",    "csv.gz",    "CSV",       "tsv.zst",
                                      "jsonl", "ndjson", "jsonl.zst", "ndjson.gz", "parquet"};

static void test_types_round_trip(void **state)
{
    (void)state;
    struct qn_table *table = make_types();
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char name[64];
        print_message("%s\n", endings[i]);
        snprintf(name, sizeof(name), "types.%s", endings[i]);
        write_good(table, io_path(name));
        struct qn_table *back = read_back(io_path(name), NULL);
        io_same_tables(table, back);
        qn_table_free(back);
    }
    qn_table_free(table);
}

/* The same cells as qn_column_format() shows, in the plainest case. */
static void test_exact_text(void **state)
{
    static const char *const texts[] = {"plain", NULL, "a\"b", "", "x,y"};
    (void)state;
    struct qn_table *table = io_table(5);
    io_add_texts(table, "t", QN_TYPE_TEXT, texts);
    struct qn_column *number = io_add(table, "n,1", QN_TYPE_NUMBER);
    number->values.number[1] = 2.5;
    number->values.number[2] = (double)INFINITY;
    struct qn_column *when = io_add(table, "w", QN_TYPE_DATETIME);
    for (int64_t i = 0; i < 5; i++)
        when->values.integer[i] = i * 1000001 - 1;
    when->values.integer[2] = QN_MISSING_INTEGER;
    write_good(table, io_path("exact.csv"));
    char *text = io_get(io_path("exact.csv"), NULL);
    assert_string_equal(text, "t,\"n,1\",w\n"
                              "plain,0,1969-12-31T23:59:59.999999Z\n"
                              ",2.5,1970-01-01T00:00:01Z\n"
                              "\"a\"\"b\",inf,\n"
                              "\"\",0,1970-01-01T00:00:03.000002Z\n"
                              "\"x,y\",0,1970-01-01T00:00:04.000003Z\n");
    free(text);
    write_good(table, io_path("exact.jsonl"));
    text = io_get(io_path("exact.jsonl"), NULL);
    assert_string_equal(text,
                        "{\"t\":\"plain\",\"n,1\":0.0,\"w\":\"1969-12-31T23:59:59.999999Z\"}\n"
                        "{\"t\":null,\"n,1\":2.5,\"w\":\"1970-01-01T00:00:01Z\"}\n"
                        "{\"t\":\"a\\\"b\",\"n,1\":1e999,\"w\":null}\n"
                        "{\"t\":\"\",\"n,1\":0.0,\"w\":\"1970-01-01T00:00:03.000002Z\"}\n"
                        "{\"t\":\"x,y\",\"n,1\":0.0,\"w\":\"1970-01-01T00:00:04.000003Z\"}\n");
    free(text);
    qn_table_free(table);
}

/* Texts that look like something else come back untouched when their type is given and no token
 * means missing; only the empty text always means missing in a CSV. */
static void test_any_text_round_trips(void **state)
{
    static const char *const texts[] = {"NA",   "12", "007",  "1e5",        "null",
                                        "?",    "-",  "true", "\"\"",       ",",
                                        "\r\n", "'x", "#N/A", "2024-02-29", "\xef\xbb\xbfmark"};
    enum { COUNT = sizeof(texts) / sizeof(texts[0]) };
    struct qn_type_override overrides[] = {{.name = (char[]){"t"}, .type = QN_TYPE_TEXT}};
    static const char *const none[] = {"never"};
    struct qn_read_options options;
    (void)state;
    qn_read_options_default(&options);
    options.overrides = overrides;
    options.override_count = 1;
    options.missing = none;
    options.missing_count = 1;
    struct qn_table *table = io_table(COUNT);
    io_add_texts(table, "t", QN_TYPE_TEXT, texts);
    io_add(table, "other", QN_TYPE_INTEGER);
    const char *const names[] = {"any.csv", "any.tsv", "any.jsonl", "any.parquet"};
    for (size_t i = 0; i < 4; i++) {
        write_good(table, io_path(names[i]));
        struct qn_table *back = read_back(io_path(names[i]), &options);
        assert_int_equal(back->columns[0].type, QN_TYPE_TEXT);
        assert_int_equal(back->row_count, COUNT);
        for (size_t row = 0; row < COUNT; row++)
            assert_string_equal(io_cell(&back->columns[0], row), texts[row]);
        qn_table_free(back);
    }
    qn_table_free(table);
}

/* A column alone, with missing values: its rows are empty lines. */
static void test_single_column(void **state)
{
    static const char *const texts[] = {"b", NULL, "a", "b", NULL};
    (void)state;
    struct qn_table *table = io_table(5);
    io_add_texts(table, "only", QN_TYPE_CATEGORY, texts);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "only.%s", endings[i]);
        write_good(table, io_path(name));
        struct qn_table *back = read_back(io_path(name), NULL);
        io_same_tables(table, back);
        qn_table_free(back);
    }
    qn_table_free(table);
}

static struct qn_table *make_long(size_t row_count)
{
    struct qn_table *table = io_table(row_count);
    struct qn_column *row_number = io_add(table, "row", QN_TYPE_INTEGER);
    for (size_t row = 0; row < row_count; row++)
        row_number->values.integer[row] = (int64_t)row;
    struct qn_column *number = io_add(table, "number", QN_TYPE_NUMBER);
    for (size_t row = 0; row < row_count; row++)
        number->values.number[row] = sqrt((double)row + 0.5);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_lookup *lookup;
    struct qn_column *word = io_add(table, "word", QN_TYPE_TEXT);
    assert_int_equal(qn_lookup_create(&lookup, &err), QN_OK);
    for (size_t row = 0; row < row_count; row++) {
        char text[32];
        size_t size = (size_t)snprintf(text, sizeof(text), "w%zu", row * row % 9973);
        assert_int_equal(qn_lookup_add(lookup, text, size, &word->values.code[row], &err), QN_OK);
    }
    assert_int_equal(qn_lookup_take(lookup, &word->dictionary, &err), QN_OK);
    qn_lookup_free(lookup);
    return table;
}

/* Many blocks: in their order, the same bytes each time. */
static void test_many_blocks(void **state)
{
    (void)state;
    struct qn_table *table = make_long(600000);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char name[64];
        if (strcmp(endings[i], "CSV") == 0 || strstr(endings[i], "ndjson"))
            continue;
        snprintf(name, sizeof(name), "long.%s", endings[i]);
        const char *path = io_path(name);
        write_good(table, path);
        struct qn_table *back = read_back(path, NULL);
        assert_int_equal(back->row_count, table->row_count);
        assert_memory_equal(back->columns[0].values.any, table->columns[0].values.any,
                            table->row_count * 8);
        assert_memory_equal(back->columns[1].values.any, table->columns[1].values.any,
                            table->row_count * 8);
        assert_memory_equal(back->columns[2].values.any, table->columns[2].values.any,
                            table->row_count * 4);
        qn_table_free(back);
        size_t first_size, second_size;
        char *first = io_get(path, &first_size);
        write_good(table, path);
        char *second = io_get(path, &second_size);
        assert_int_equal(first_size, second_size);
        assert_memory_equal(first, second, first_size);
        free(first);
        free(second);
        assert_int_equal(unlink(path), 0);
    }
    qn_table_free(table);
}

static void test_no_rows(void **state)
{
    (void)state;
    struct qn_table *table = io_table(0);
    io_add(table, "x", QN_TYPE_INTEGER);
    io_add(table, "s", QN_TYPE_CATEGORY);
    write_good(table, io_path("none.csv"));
    char *text = io_get(io_path("none.csv"), NULL);
    assert_string_equal(text, "x,s\n");
    free(text);
    write_good(table, io_path("none.parquet"));
    struct qn_table *back = read_back(io_path("none.parquet"), NULL);
    io_same_tables(table, back);
    qn_table_free(back);
    qn_table_free(table);
}

static void refuse(const struct qn_table *table, const char *path, enum qn_status expected,
                   const char *part)
{
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_table_write(table, path, NULL, &err), expected);
    if (!strstr(err.message, part))
        fail_msg("\"%s\" is not in \"%s\"", part, err.message);
    assert_null(strstr(err.message, "/proc/"));
}

/* DuckDB would rename the second one. */
static void test_names_by_case(void **state)
{
    (void)state;
    struct qn_table *table = io_table(1);
    io_add(table, "age", QN_TYPE_INTEGER);
    io_add(table, "ages", QN_TYPE_INTEGER);
    io_add(table, "Age", QN_TYPE_INTEGER);
    refuse(table, io_path("case.parquet"), QN_UNSUPPORTED,
           "columns 'age' and 'Age' differ in case only");
    write_good(table, io_path("case.csv"));
    qn_table_free(table);
}

static void test_refusals(void **state)
{
    (void)state;
    struct qn_table *table = make_types();
    refuse(table, "data.xls", QN_INVALID, "data.xls: the ending names the format");
    refuse(table, ".csv", QN_INVALID, "the ending names the format");
    refuse(table, "x.parquet.gz", QN_INVALID, "compressed inside");
    refuse(table, io_path("no/such/folder.csv"), QN_NOT_FOUND, "No such file or directory");
    refuse(table, io_path("no/such/folder.parquet"), QN_NOT_FOUND, "No such file or directory");
    table->columns[5].values.integer[3] = INT64_C(1) << 40;
    refuse(table, io_path("far.parquet"), QN_UNSUPPORTED,
           "row 4 of column 'day' is too far away for Parquet");
    qn_table_free(table);
    table = io_table(3);
    refuse(table, io_path("bare.csv"), QN_INVALID, "without columns");
    qn_table_free(table);
}

/* The file size limit stands for a full disk: both fail a write in the middle. */
static void test_full_disk(void **state)
{
    struct rlimit before, small;
    (void)state;
    struct qn_table *table = make_long(200000);
    int files = io_folder_count();
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "full.%s", endings[i]);
        const char *path = io_path(name);
        io_put(path, "old", 3);
        small = before;
        small.rlim_cur = 100000;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        struct qn_error err = QN_ERROR_INIT;
        enum qn_status status = qn_table_write(table, path, NULL, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(status, QN_IO);
        print_message("%s\n", err.message);
        assert_non_null(strstr(err.message, name));
        assert_non_null(strstr(err.message, "File too large"));
        char *text = io_get(path, NULL);
        assert_string_equal(text, "old"); /* what was there stays */
        free(text);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(io_folder_count(), files);
    }
    qn_table_free(table);
}

static void check_number(double value)
{
    char expected[QN_NUMBER_TEXT_SIZE], text[QN_NUMBER_TEXT_SIZE + 1];
    qn_format_double(value, expected);
    size_t size = qn__number_text(value, text);
    assert_true(size < QN_NUMBER_TEXT_SIZE);
    text[size] = '\0';
    assert_string_equal(text, expected);
}

/* The fast way gives the text of the plain one, digit for digit. */
static void test_number_text(void **state)
{
    static const double odd[] = {
        0.0,     -0.0,   1e-4,          9.999999999999999e-5, 0.1,           0.3,      1.0 / 3,
        9.5,     1e15,   1e14,          999999999999999.9,    1e-5,          5e-324,   1e300,
        0x1p-13, 0x1p49, 123456789.125, 4503599627370495.5,   0.00012207031, INFINITY, -INFINITY,
        NAN};
    struct qn_random random;
    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        check_number(odd[i]);
        check_number(-odd[i]);
        check_number(nextafter(odd[i], 0));
        check_number(nextafter(odd[i], 1e308));
    }
    for (int power = -20; power < 60; power++)
        check_number(ldexp(1, power));
    qn_random_init(&random, 1, 1);
    for (int power = -6; power < 17; power++) {
        for (int i = 0; i < 4000; i++) {
            double value = qn_random_unit(&random) * pow(10, power);
            check_number(value);
            check_number(-(double)(float)value);
            double digits = pow(10, i % 8);
            check_number(floor(value * digits) / digits);
            check_number(ldexp(1, power * 3) * (1 + (i % 2) * 0x1p-52));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_round_trip), cmocka_unit_test(test_exact_text),
        cmocka_unit_test(test_number_text),      cmocka_unit_test(test_any_text_round_trips),
        cmocka_unit_test(test_single_column),    cmocka_unit_test(test_many_blocks),
        cmocka_unit_test(test_no_rows),          cmocka_unit_test(test_names_by_case),
        cmocka_unit_test(test_refusals),         cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, io_folder_make, io_folder_remove);
}
