/* What the tests of the CSV reader share: text in memory becomes a file, a file becomes a table. */
#ifndef QN_TESTS_UNIT_DATA_CSV_SUPPORT_H
#define QN_TESTS_UNIT_DATA_CSV_SUPPORT_H

#include "data/csv_internal.h"

#include "base/file.h"

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* An unlinked file with these bytes. */
static inline int file_of(const char *bytes, size_t size)
{
    int fd = -1;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_file_temporary(NULL, &fd, &err), QN_OK);
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        assert_true(put > 0);
        bytes += put;
        size -= (size_t)put;
    }
    return fd;
}

struct csv_case {
    struct qn_read_options options;
    size_t piece_size; /* 0: the usual one */
    bool no_guess;
};

static inline struct csv_case csv_case_default(void)
{
    struct csv_case c = {.piece_size = 0};
    qn_read_options_default(&c.options);
    return c;
}

static inline enum qn_status csv_read(const char *bytes, size_t size, const struct csv_case *c,
                                      struct qn_table **out, struct qn_error *err)
{
    int fd = file_of(bytes, size);
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct qn__source source = {.path = path, .name = "t.csv", .fd = fd, .size_bytes = size};
    enum qn_status status =
        qn__csv_read_pieces(&source, &c->options, c->piece_size, !c->no_guess, out, err);
    close(fd);
    return status;
}

/* Reads text that must be good. */
static inline struct qn_table *csv_good(const char *text, const struct csv_case *c)
{
    struct qn_table *table = NULL;
    struct qn_error err = QN_ERROR_INIT;
    struct csv_case usual = csv_case_default();
    if (csv_read(text, strlen(text), c ? c : &usual, &table, &err) != QN_OK)
        fail_msg("%s", err.message);
    return table;
}

/* Reads bytes that must be refused; the message must have `part`. */
static inline void csv_bad(const char *bytes, size_t size, const struct csv_case *c,
                           const char *part)
{
    struct qn_table *table = NULL;
    struct qn_error err = QN_ERROR_INIT;
    struct csv_case usual = csv_case_default();
    enum qn_status status = csv_read(bytes, size, c ? c : &usual, &table, &err);
    if (status == QN_OK)
        fail_msg("accepted, though it should be refused with '%s'", part);
    assert_null(table);
    if (!strstr(err.message, part))
        fail_msg("the message is '%s', without '%s'", err.message, part);
}

static inline void assert_cell(const struct qn_table *table, size_t column, size_t row,
                               const char *expected)
{
    char text[256];
    qn_column_format(&table->columns[column], row, text, sizeof(text));
    assert_string_equal(text, expected);
}

/* Same cells, types, reasons and notes. */
static inline void assert_same_table(const struct qn_table *a, const struct qn_table *b)
{
    char ha[65], hb[65];
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(a->row_count, b->row_count);
    assert_int_equal(a->column_count, b->column_count);
    for (size_t i = 0; i < a->column_count; i++) {
        const struct qn_column *x = &a->columns[i], *y = &b->columns[i];
        assert_string_equal(x->name, y->name);
        assert_string_equal(qn_type_name(x->type), qn_type_name(y->type));
        assert_string_equal(x->reason, y->reason);
        assert_string_equal(x->format ? x->format : "", y->format ? y->format : "");
        assert_int_equal(x->missing_count, y->missing_count);
        assert_int_equal(x->dictionary.count, y->dictionary.count);
    }
    assert_int_equal(a->note_count, b->note_count);
    assert_int_equal(qn_table_fingerprint(a, ha, &err), QN_OK);
    assert_int_equal(qn_table_fingerprint(b, hb, &err), QN_OK);
    assert_string_equal(ha, hb);
}

#endif
