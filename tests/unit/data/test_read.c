/* Opening: what a file is, and what cannot be read. */
#include "data/read.h"

#include "base/file.h"

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/qn-test-read-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void write_file(const char *name, const char *bytes, size_t size, char path[128])
{
    struct qn_error err = QN_ERROR_INIT;
    snprintf(path, 128, "%s/%s", folder, name);
    assert_int_equal(qn_file_write(path, bytes, size, &err), QN_OK);
}

static void refused(const char *name, const char *bytes, size_t size, const char *part)
{
    char path[128];
    struct qn_read_options options;
    struct qn_table *table = NULL;
    struct qn_error err = QN_ERROR_INIT;
    qn_read_options_default(&options);
    write_file(name, bytes, size, path);
    assert_int_not_equal(qn_table_read(path, &options, &table, &err), QN_OK);
    assert_null(table);
    if (!strstr(err.message, part) || !strstr(err.message, name))
        fail_msg("the message is '%s', without '%s'", err.message, part);
    unlink(path);
}

static void test_refused(void **state)
{
    (void)state;
    refused("empty.csv", "", 0, "is empty");
    refused("utf16.csv",
            "\xff\xfe"
            "a\0,\0b\0\n\0",
            10, "UTF-16");
    refused("utf16be.csv", "\xfe\xff\0a\0,\0b\0\n", 10, "UTF-16");
    refused("utf16-bare.csv",
            "a\0,\0b\0\n\0"
            "1\0,\0"
            "2\0\n\0",
            16, "UTF-16");
    refused("old.xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, "old Excel");
    refused("image.csv", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0", 20, "binary file");
    refused("latin.csv", "name\ncaf\xe9\n", 10,
            "line 2, column 'name': byte 9 of the file is not "
            "UTF-8");
}

static void test_unopened(void **state)
{
    (void)state;
    char path[128];
    struct qn_read_options options;
    struct qn_table *table = NULL;
    struct qn_error err = QN_ERROR_INIT;
    qn_read_options_default(&options);
    snprintf(path, sizeof(path), "%s/none.csv", folder);
    assert_int_equal(qn_table_read(path, &options, &table, &err), QN_NOT_FOUND);
    assert_string_equal(err.message, "none.csv could not be opened: No such file or directory");
    assert_int_equal(qn_table_read(folder, &options, &table, &err), QN_INVALID);
    assert_non_null(strstr(err.message, "is a folder"));
    if (geteuid() != 0) {
        write_file("closed.csv", "a\n1\n", 4, path);
        chmod(path, 0);
        assert_int_equal(qn_table_read(path, &options, &table, &err), QN_IO);
        assert_non_null(strstr(err.message, "Permission denied"));
        unlink(path);
    }
    assert_null(table);
}

/* Standard input, as a file and as a pipe. */
static void test_input(void **state)
{
    (void)state;
    int kept = dup(STDIN_FILENO), ends[2];
    struct qn_read_options options;
    struct qn_table *table = NULL;
    struct qn_error err = QN_ERROR_INIT;
    qn_read_options_default(&options);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "a,b\n1,x\n", 8), 8);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    assert_int_equal(qn_table_read("-", &options, &table, &err), QN_OK);
    assert_string_equal(table->name, "standard input");
    assert_int_equal(table->row_count, 1);
    qn_table_free(table);
    char path[128];
    write_file("in.csv", "a,b\n1,x\n2,y\n", 12, path);
    int fd = open(path, O_RDONLY);
    dup2(fd, STDIN_FILENO);
    close(fd);
    assert_int_equal(qn_table_read("-", &options, &table, &err), QN_OK);
    assert_int_equal(table->row_count, 2);
    qn_table_free(table);
    dup2(kept, STDIN_FILENO); /* Reading has not closed it. */
    close(kept);
    unlink(path);
}

static void test_name(void **state)
{
    (void)state;
    char path[128];
    struct qn_read_options options;
    struct qn_table *table = NULL;
    struct qn_error err = QN_ERROR_INIT;
    qn_read_options_default(&options);
    write_file("people.tsv", "a\tb\n1\tx\n", 8, path);
    assert_int_equal(qn_table_read(path, &options, &table, &err), QN_OK);
    assert_string_equal(table->name, "people.tsv");
    assert_int_equal(table->column_count, 2);
    qn_table_free(table);
    unlink(path);
}

static bool stop(void *context, const char *stage, uint64_t done, uint64_t total, const char *unit)
{
    (void)stage, (void)done, (void)total, (void)unit;
    return --*(int *)context > 0;
}

static void test_cancel(void **state)
{
    (void)state;
    char path[128];
    struct qn_read_options options;
    qn_read_options_default(&options);
    write_file("c.csv", "a,b\n1,x\n", 8, path);
    for (int after = 1; after <= 2; after++) {
        int left = after;
        struct qn_progress progress = {stop, &left};
        struct qn_table *table = NULL;
        struct qn_error err = QN_ERROR_INIT;
        options.progress = &progress;
        assert_int_equal(qn_table_read(path, &options, &table, &err), QN_CANCELLED);
        assert_null(table);
    }
    unlink(path);
}

static void test_options(void **state)
{
    (void)state;
    struct qn_read_options good, o;
    struct qn_error err = QN_ERROR_INIT;
    qn_read_options_default(&good);
    assert_int_equal(qn_read_options_check(&good, &err), QN_OK);
    o = good;
    o.delimiter = '"';
    assert_int_equal(qn_read_options_check(&o, &err), QN_INVALID);
    o.delimiter = '\n';
    assert_int_equal(qn_read_options_check(&o, &err), QN_INVALID);
    o = good;
    o.field_limit_bytes = (size_t)1 << 30;
    assert_int_equal(qn_read_options_check(&o, &err), QN_INVALID);
    o.field_limit_bytes = 0;
    assert_int_equal(qn_read_options_check(&o, &err), QN_INVALID);
    o = good;
    o.column_limit = 0;
    assert_int_equal(qn_read_options_check(&o, &err), QN_INVALID);
    o = good;
    o.thread_count = 100000;
    assert_int_equal(qn_read_options_check(&o, &err), QN_INVALID);
    o = good;
    struct qn_type_override override = {(char *)"d", QN_TYPE_DATE, (char *)"%d"};
    o.overrides = &override;
    o.override_count = 1;
    assert_int_equal(qn_read_options_check(&o, &err), QN_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused), cmocka_unit_test(test_unopened),
        cmocka_unit_test(test_input),   cmocka_unit_test(test_name),
        cmocka_unit_test(test_cancel),  cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
