/* What the tests of readers and writers share: scratch folders, small files, tables by hand, and
 * comparing tables cell by cell. */
#ifndef QN_TESTS_DATA_IO_SUPPORT_H
#define QN_TESTS_DATA_IO_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "data/data_internal.h"
#include "data/write.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum qn_status io_reader(const struct qn__source *source,
                                 const struct qn_read_options *options, struct qn_table **out,
                                 struct qn_error *err);

/* A folder of its own for each test program; its files are removed by io_folder_remove(). */
static char io_folder[64];

__attribute__((unused)) static int io_folder_make(void **state)
{
    (void)state;
    strcpy(io_folder, "/tmp/quern-test-XXXXXX");
    return mkdtemp(io_folder) ? 0 : -1;
}

/* The number of files in the folder. */
__attribute__((unused)) static int io_folder_count(void)
{
    int count = 0;
    DIR *folder = opendir(io_folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    if (folder)
        closedir(folder);
    return count;
}

__attribute__((unused)) static int io_folder_remove(void **state)
{
    (void)state;
    DIR *folder = opendir(io_folder);
    if (!folder)
        return -1;
    for (struct dirent *entry; (entry = readdir(folder));)
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    return rmdir(io_folder);
}

/* A path in the folder; the text stays until the next call but three. */
__attribute__((unused)) static const char *io_path(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", io_folder, name);
    return path;
}

__attribute__((unused)) static void io_put(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The whole file, NUL-terminated; free() it. */
__attribute__((unused)) static char *io_get(const char *path, size_t *size_out)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, size, file), size);
    bytes[size] = '\0';
    fclose(file);
    if (size_out)
        *size_out = size;
    return bytes;
}

/* Reads a file by the given reader, as the dispatcher would call it. */
__attribute__((unused)) static enum qn_status io_read(io_reader *reader, const char *path,
                                                      const struct qn_read_options *options,
                                                      struct qn_table **out, struct qn_error *err)
{
    struct qn_read_options standard;
    struct stat about;
    const char *slash = strrchr(path, '/');
    qn_read_options_default(&standard);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &about), 0);
    struct qn__source source = {path, slash ? slash + 1 : path, fd, (size_t)about.st_size};
    enum qn_status status = reader(&source, options ? options : &standard, out, err);
    close(fd);
    return status;
}

__attribute__((unused)) static struct qn_table *io_read_good(io_reader *reader, const char *path)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    if (io_read(reader, path, NULL, &table, &err) != QN_OK)
        fail_msg("%s: %s", path, err.message);
    assert_int_equal(err.status, QN_OK);
    return table;
}

__attribute__((unused)) static const char *io_cell(const struct qn_column *column, size_t row)
{
    static char texts[2][4096];
    static unsigned next;
    char *text = texts[next++ % 2];
    (void)qn_column_format(column, row, text, sizeof(texts[0]));
    return text;
}

__attribute__((unused)) static void io_same_tables(const struct qn_table *a,
                                                   const struct qn_table *b)
{
    assert_int_equal(a->row_count, b->row_count);
    assert_int_equal(a->column_count, b->column_count);
    for (size_t c = 0; c < a->column_count; c++) {
        const struct qn_column *left = &a->columns[c], *right = &b->columns[c];
        assert_string_equal(left->name, right->name);
        if (left->type != right->type)
            fail_msg("column %s: %s, not %s", left->name, qn_type_name(right->type),
                     qn_type_name(left->type));
        assert_int_equal(left->missing_count, right->missing_count);
        for (size_t row = 0; row < a->row_count; row++) {
            assert_int_equal(qn_column_is_missing(left, row), qn_column_is_missing(right, row));
            if (left->type == QN_TYPE_NUMBER && !qn_column_is_missing(left, row))
                assert_memory_equal(&left->values.number[row], &right->values.number[row], 8);
            else
                assert_string_equal(io_cell(left, row), io_cell(right, row));
        }
    }
}

__attribute__((unused)) static struct qn_table *io_table(size_t row_count)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table;
    assert_int_equal(qn_table_create("made.csv", row_count, &table, &err), QN_OK);
    return table;
}

__attribute__((unused)) static struct qn_column *io_add(struct qn_table *table, const char *name,
                                                        enum qn_type type)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_column *column;
    assert_int_equal(qn_table_add(table, name, type, &column, &err), QN_OK);
    return column;
}

/* A coded column of the given texts; NULL is missing. */
__attribute__((unused)) static void io_add_texts(struct qn_table *table, const char *name,
                                                 enum qn_type type, const char *const *texts)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_lookup *lookup;
    struct qn_column *column = io_add(table, name, type);
    assert_int_equal(qn_lookup_create(&lookup, &err), QN_OK);
    for (size_t row = 0; row < table->row_count; row++) {
        column->values.code[row] = QN_MISSING_CODE;
        column->missing_count += !texts[row];
        if (texts[row])
            assert_int_equal(qn_lookup_add(lookup, texts[row], strlen(texts[row]),
                                           &column->values.code[row], &err),
                             QN_OK);
    }
    assert_int_equal(qn_lookup_take(lookup, &column->dictionary, &err), QN_OK);
    qn_lookup_free(lookup);
}

#endif
