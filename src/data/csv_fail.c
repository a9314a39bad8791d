/* Where in a CSV file something is: lines and fields, found again by reading. Slow is fine here. */
#include "data/csv_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum {
    QN_WALK_BYTES = 65536,
    QN_LOADS_FOR_LINES = 1000, /* pieces read again for the lines in reasons; then rows must do */
};

void qn__csv_keep_error(struct qn__csv_piece *piece, const struct qn_error *error)
{
    piece->fault = QN_CSV_FAULT_STATUS;
    if (error->status == QN_NOMEM)
        return;
    piece->error = QN_ALLOC(struct qn_error, 1);
    if (piece->error)
        *piece->error = *error;
}

/* Bytes of the file one after the other. */
struct walk {
    const struct qn__source *source;
    char *bytes; /* owns; QN_WALK_BYTES */
    size_t at, count;
    size_t offset; /* in the file, of the byte that comes next */
};

static enum qn_status walk_begin(const struct qn__source *source, size_t offset, struct walk *walk,
                                 struct qn_error *err)
{
    *walk = (struct walk){.source = source, .offset = offset};
    walk->bytes = qn_alloc(QN_WALK_BYTES, 1);
    return walk->bytes ? QN_OK : qn_fail_nomem(err, source->name);
}

/* -1 at the end of the file, -2 on failure. */
static int walk_peek(struct walk *walk, struct qn_error *err)
{
    if (walk->at == walk->count) {
        size_t left = walk->source->size_bytes - walk->offset;
        if (left == 0)
            return -1;
        walk->at = 0;
        walk->count = left < QN_WALK_BYTES ? left : QN_WALK_BYTES;
        if (qn__source_pread(walk->source, walk->bytes, walk->count, walk->offset, err) != QN_OK) {
            walk->count = 0;
            return -2;
        }
    }
    return (unsigned char)walk->bytes[walk->at];
}

static int walk_next(struct walk *walk, struct qn_error *err)
{
    int c = walk_peek(walk, err);
    if (c >= 0) {
        walk->at++;
        walk->offset++;
    }
    return c;
}

/* Line ends in [from, to). */
static enum qn_status count_lines(const struct qn__source *source, size_t from, size_t to,
                                  uint64_t *out, struct qn_error *err)
{
    struct walk walk;
    enum qn_status status = walk_begin(source, from, &walk, err);
    uint64_t lines = 0;
    while (status == QN_OK && walk.offset < to) {
        int c = walk_next(&walk, err);
        if (c == -1)
            break;
        int next = c == '\r' ? walk_peek(&walk, err) : 0;
        if (c == -2 || next == -2)
            status = QN_IO;
        else
            lines += c == '\n' || (c == '\r' && next != '\n');
    }
    qn_free(walk.bytes);
    if (status == QN_OK)
        *out = lines;
    return status;
}

enum qn_status qn__csv_line(const struct qn__source *source, size_t offset, uint64_t *line_out,
                            struct qn_error *err)
{
    uint64_t lines;
    enum qn_status status = count_lines(source, 0, offset, &lines, err);
    if (status == QN_OK)
        *line_out = lines + 1;
    return status;
}

/* Like qn__csv_line(), with the help of what the pieces have counted. */
static enum qn_status line_find(const struct qn__csv *csv, size_t offset, uint64_t *line_out,
                                struct qn_error *err)
{
    uint64_t before = 0, within = 0;
    size_t from = csv->dialect.data_at, first = from < offset ? from : offset;
    enum qn_status status = count_lines(csv->source, 0, first, &before, err);
    for (size_t i = 0; i < csv->piece_count && csv->pieces[i].raw_end <= offset; i++) {
        before += csv->pieces[i].lines;
        from = csv->pieces[i].raw_end;
    }
    if (status == QN_OK)
        status = count_lines(csv->source, from < offset ? from : offset, offset, &within, err);
    if (status == QN_OK)
        *line_out = before + within + 1;
    return status;
}

/* Field by field through records, without keeping them. */
struct field_walk {
    struct walk walk;
    char delimiter;
    bool quoted;
    size_t field;    /* of its record, from 0 */
    size_t field_at; /* offset of its first byte */
    size_t spaces;   /* what the field has so far when it has spaces only, else SIZE_MAX */
};

/* Takes one byte; its status on failure, QN_NOT_FOUND at the end of the file. */
static enum qn_status field_step(struct field_walk *fields, struct qn_error *err)
{
    int c = walk_next(&fields->walk, err);
    if (c < 0)
        return c == -1 ? QN_NOT_FOUND : QN_IO;
    if (fields->quoted) {
        if (c != '"')
            return QN_OK;
        int next = walk_peek(&fields->walk, err);
        if (next == -2)
            return QN_IO;
        if (next == '"')
            (void)walk_next(&fields->walk, err);
        else
            fields->quoted = false;
        return QN_OK;
    }
    bool ends_field = (char)c == fields->delimiter, ends_record = c == '\n' || c == '\r';
    if (ends_field || ends_record) {
        fields->field = ends_field ? fields->field + 1 : 0;
        fields->field_at = fields->walk.offset;
        fields->spaces = 0;
    } else if (c == ' ' && fields->spaces < QN_CSV_INDENT) {
        fields->spaces++;
    } else {
        fields->quoted = c == '"' && fields->spaces <= QN_CSV_INDENT;
        fields->spaces = SIZE_MAX;
    }
    return QN_OK;
}

/* The field that the byte at offset is in, and where that field begins. */
static enum qn_status field_find(const struct qn__csv *csv, const struct qn__csv_piece *piece,
                                 size_t offset, size_t *field, size_t *field_at,
                                 struct qn_error *err)
{
    struct field_walk fields = {.delimiter = csv->dialect.delimiter, .field_at = piece->begin};
    enum qn_status status = walk_begin(csv->source, piece->begin, &fields.walk, err);
    while (status == QN_OK && fields.walk.offset < offset)
        status = field_step(&fields, err);
    if (status == QN_NOT_FOUND)
        status = QN_OK;
    *field = fields.field;
    *field_at = fields.field_at;
    qn_free(fields.walk.bytes);
    return status;
}

enum qn_status qn__csv_check_long(const struct qn__csv *csv, struct qn__csv_piece *piece,
                                  struct qn_error *err)
{
    struct field_walk fields = {.delimiter = csv->dialect.delimiter, .field_at = piece->begin};
    enum qn_status status = walk_begin(csv->source, piece->begin, &fields.walk, err);
    size_t limit = csv->options->field_limit_bytes;
    while (status == QN_OK && fields.walk.offset < piece->end) {
        status = field_step(&fields, err);
        if (fields.walk.offset - fields.field_at > limit && fields.spaces != 0) {
            piece->fault = QN_CSV_FAULT_LONG;
            piece->fault_at = fields.field_at;
            break;
        }
    }
    qn_free(fields.walk.bytes);
    return status == QN_NOT_FOUND ? QN_OK : status;
}

/* "column 'name'" */
static void show_column(const struct qn__csv *csv, size_t field, char out[QN_SHOWN_SIZE + 16])
{
    char name[QN_SHOWN_SIZE];
    if (field >= csv->dialect.column_count) {
        snprintf(out, QN_SHOWN_SIZE + 16, "field %zu", field + 1);
        return;
    }
    const char *text = csv->dialect.names[field];
    qn__show(text, strlen(text), name);
    snprintf(out, QN_SHOWN_SIZE + 16, "column '%s'", name);
}

/* Faults of a whole record. */
static enum qn_status fail_record(const struct qn__csv *csv, const struct qn__csv_piece *piece,
                                  unsigned long long line, struct qn_error *err)
{
    const char *name = csv->source->name;
    size_t expected = csv->dialect.column_count, found = piece->fault_found;
    const char delimiter[] = {'\'', csv->dialect.delimiter, '\'', '\0'};
    const char *shown = csv->dialect.delimiter == '\t' ? "tab" : delimiter;
    if (piece->fault == QN_CSV_FAULT_FIELDS)
        return qn_fail(
            err, QN_INVALID,
            "%s, line %llu: %zu field%s where the %s has %zu; correct the line, or quote "
            "fields that contain the delimiter, %s",
            name, line, found, found == 1 ? "" : "s",
            csv->options->no_header ? "first line" : "header", expected, shown);
    if (piece->fault == QN_CSV_FAULT_OPEN)
        return qn_fail(err, QN_INVALID,
                       "%s, line %llu: the quote that opens a field here never closes", name, line);
    if (piece->fault == QN_CSV_FAULT_RECORD)
        return qn_fail(err, QN_INVALID, "%s, line %llu: a record of more than 1 GiB", name, line);
    return qn_fail(err, QN_IO, "%s changed while it was read; read it again", name);
}

enum qn_status qn__csv_fail(const struct qn__csv *csv, const struct qn__csv_piece *piece,
                            struct qn_error *err)
{
    const char *name = csv->source->name;
    if (piece->fault == QN_CSV_FAULT_STATUS)
        return piece->error ? qn_fail(err, piece->error->status, "%s", piece->error->message)
                            : qn_fail_nomem(err, name);
    uint64_t line = 0, open_line = 0;
    size_t field = 0, field_at = 0;
    char column[QN_SHOWN_SIZE + 16];
    enum qn_status status = line_find(csv, piece->fault_at, &line, err);
    if (status != QN_OK)
        return status;
    unsigned long long shown = line;
    if (piece->fault == QN_CSV_FAULT_FIELDS || piece->fault == QN_CSV_FAULT_OPEN ||
        piece->fault == QN_CSV_FAULT_RECORD || piece->fault == QN_CSV_FAULT_CHANGED)
        return fail_record(csv, piece, shown, err);
    status = field_find(csv, piece, piece->fault_at, &field, &field_at, err);
    if (status == QN_OK)
        status = line_find(csv, field_at, &open_line, err);
    if (status != QN_OK)
        return status;
    show_column(csv, field, column);
    switch (piece->fault) {
    case QN_CSV_FAULT_STRAY:
        return qn_fail(err, QN_INVALID,
                       "%s, line %llu, %s: text after the closing quote of the field that begins "
                       "in line %llu; write a quote inside a quoted field twice (\"\")",
                       name, shown, column, (unsigned long long)open_line);
    case QN_CSV_FAULT_UTF8:
        return qn_fail(
            err, QN_INVALID,
            "%s, line %llu, %s: byte %zu of the file is not UTF-8; convert the file, for "
            "example: iconv -f WINDOWS-1252 -t UTF-8",
            name, shown, column, piece->fault_at + 1);
    case QN_CSV_FAULT_NUL:
        return qn_fail(
            err, QN_INVALID,
            "%s, line %llu, %s: byte %zu of the file is NUL, which no text has; the file "
            "is damaged or not text",
            name, shown, column, piece->fault_at + 1);
    default:
        return qn_fail(err, QN_INVALID,
                       "%s, line %llu, %s: a field of more than %zu bytes, the limit; is a quote "
                       "missing?",
                       name, (unsigned long long)open_line, column,
                       csv->options->field_limit_bytes);
    }
}

/* Lines of all rows of the piece into csv->row_lines. */
static enum qn_status make_row_lines(struct qn__csv *csv, size_t index, struct qn_error *err)
{
    const struct qn__csv_piece *piece = &csv->pieces[index];
    struct qn__csv_bytes bytes = {0};
    struct qn__csv_tokens tokens = {0};
    size_t rows = piece->row_count;
    uint64_t line = 0;
    struct qn__csv_cell *cells = QN_ALLOC(struct qn__csv_cell, csv->dialect.column_count);
    uint64_t *lines = QN_ALLOC(uint64_t, rows);
    enum qn_status status = QN_OK;
    if (!cells || !lines || !qn__csv_tokens_init(&tokens, csv))
        status = qn_fail_nomem(err, csv->source->name);
    if (status == QN_OK)
        status = qn__csv_load(csv, piece, &bytes, err);
    if (status == QN_OK)
        status = line_find(csv, piece->begin, &line, err);
    if (status != QN_OK)
        goto done;
    qn__csv_tokens_start(&tokens, bytes.bytes, piece->end - piece->begin);
    size_t at = 0;
    for (size_t row = 0; row < rows; row++) {
        uint32_t start = 0;
        if (qn__csv_tokens_rows(&tokens, 1, cells, &start) != 1) {
            status = qn_fail(err, QN_IO, "%s changed while it was read", csv->source->name);
            goto done;
        }
        for (; at < start; at++) {
            char c = bytes.bytes[at];
            line += c == '\n' || (c == '\r' && bytes.bytes[at + 1] != '\n');
        }
        lines[row] = line;
    }
    qn_free(csv->row_lines);
    csv->row_lines = lines;
    csv->row_lines_piece = index;
    lines = NULL;
done:
    qn__csv_tokens_release(&tokens);
    qn_free(bytes.bytes);
    qn_free(cells);
    qn_free(lines);
    return status;
}

bool qn__csv_line_of_row(void *context, size_t row, uint64_t *line_out)
{
    struct qn__csv *csv = context;
    size_t index = 0;
    while (index < csv->piece_count &&
           row >= csv->pieces[index].row_first + csv->pieces[index].row_count)
        index++;
    if (index == csv->piece_count)
        return false;
    if (!csv->row_lines || csv->row_lines_piece != index) {
        struct qn_error ignored = QN_ERROR_INIT;
        if (csv->row_lines_made++ >= QN_LOADS_FOR_LINES ||
            make_row_lines(csv, index, &ignored) != QN_OK)
            return false;
    }
    *line_out = csv->row_lines[row - csv->pieces[index].row_first];
    return true;
}
