/* Cuts a piece, whose first byte begins a record and whose last byte ends one, into cells. */
#include "data/csv_internal.h"

#include "base/alloc.h"
#include "base/text.h"

/* Bytes that are indexed at a time: small enough to stay in the first-level cache. */
enum { QN_SEGMENT = 16384 };

bool qn__csv_tokens_init(struct qn__csv_tokens *tokens, const struct qn__csv *csv)
{
    *tokens = (struct qn__csv_tokens){
        .delimiter = csv->dialect.delimiter,
        .column_count = csv->dialect.column_count,
        .field_limit = csv->options->field_limit_bytes,
        .index = QN_ALLOC(uint32_t, QN_SEGMENT + 64),
    };
    return tokens->index != NULL;
}

void qn__csv_tokens_release(struct qn__csv_tokens *tokens)
{
    qn_free(tokens->index);
    tokens->index = NULL;
}

void qn__csv_tokens_start(struct qn__csv_tokens *tokens, const char *bytes, size_t size)
{
    tokens->bytes = bytes;
    tokens->size = size;
    tokens->index_count = tokens->index_next = 0;
    tokens->indexed = tokens->checked = tokens->next = tokens->blank_count = 0;
    tokens->fault = tokens->held = QN_CSV_FAULT_NONE;
}

/* Faults of bytes wait until the records before them are through: those may have faults too, and
 * the first one in the file counts. Forgets the marks behind the fault; false when none are left.
 */
static bool hold(struct qn__csv_tokens *tokens, enum qn__csv_fault fault, size_t at)
{
    tokens->held = fault;
    tokens->held_at = at;
    while (tokens->index_count > 0 && tokens->index[tokens->index_count - 1] >= at)
        tokens->index_count--;
    if (tokens->index_count > 0)
        return true;
    tokens->fault = fault;
    tokens->fault_at = at;
    return false;
}

static bool fail(struct qn__csv_tokens *tokens, enum qn__csv_fault fault, size_t at)
{
    tokens->fault = fault;
    tokens->fault_at = at;
    return false;
}

/* UTF-8 up to `end`, or false with tokens->checked on the first bad byte. A character that goes on
 * behind the end waits for the next segment. */
static bool check_utf8(struct qn__csv_tokens *tokens, size_t end)
{
    size_t size = end - tokens->checked;
    size_t good = qn_utf8_check(tokens->bytes + tokens->checked, size);
    tokens->checked += good;
    if (good == size || (size - good < 4 && end < tokens->size))
        return true;
    return false;
}

/* Indexes the next segment; false at the end and at a fault. */
static bool refill(struct qn__csv_tokens *tokens)
{
    if (tokens->held)
        return fail(tokens, tokens->held, tokens->held_at);
    while (tokens->indexed < tokens->size) {
        size_t from = tokens->indexed, left = tokens->size - from;
        size_t to = left < QN_SEGMENT ? tokens->size : from + QN_SEGMENT;
        bool has_high, has_nul;
        tokens->index_count = qn__csv_index(tokens->bytes, from, to, tokens->delimiter,
                                            tokens->index, &has_high, &has_nul);
        tokens->index_next = 0;
        tokens->indexed = to;
        if (has_nul) {
            const char *nul = memchr(tokens->bytes + from, '\0', to - from);
            if (nul)
                return hold(tokens, QN_CSV_FAULT_NUL, (size_t)(nul - tokens->bytes));
        }
        /* A character begun in the segment before must end here, in whichever bytes. */
        bool waiting = tokens->checked < from;
        if (!has_high && !waiting)
            tokens->checked = to;
        else if (!check_utf8(tokens, to))
            return hold(tokens, QN_CSV_FAULT_UTF8, tokens->checked);
        if (tokens->index_count > 0)
            return true;
    }
    return false;
}

/* Offset of the next delimiter, quote or line end; size when there is none. */
static inline size_t next_mark(struct qn__csv_tokens *tokens)
{
    if (__builtin_expect(tokens->index_next == tokens->index_count, 0) && !refill(tokens))
        return tokens->size;
    return tokens->index[tokens->index_next++];
}

static bool is_indent(const char *from, size_t size)
{
    if (size > QN_CSV_INDENT)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (from[i] != ' ')
            return false;
    }
    return true;
}

/* The rest of a quoted field whose opening quote is at `open`. Returns the offset of the delimiter
 * or line end behind it and fills *cell, or returns size on a fault. */
static size_t quoted_cell(struct qn__csv_tokens *tokens, size_t open, struct qn__csv_cell *cell)
{
    const char *bytes = tokens->bytes;
    uint32_t flags = QN_CSV_QUOTED;
    size_t mark;
    for (;;) {
        mark = next_mark(tokens);
        if (mark >= tokens->size) {
            if (!tokens->fault)
                fail(tokens, QN_CSV_FAULT_OPEN, open);
            return tokens->size;
        }
        if (bytes[mark] != '"')
            continue;
        if (mark + 1 >= tokens->size || bytes[mark + 1] != '"')
            break;
        flags |= QN_CSV_DOUBLED;
        (void)next_mark(tokens); /* the second of the two */
    }
    size_t size = mark - open - 1;
    if (size > tokens->field_limit) {
        fail(tokens, QN_CSV_FAULT_LONG, open);
        return tokens->size;
    }
    *cell = (struct qn__csv_cell){(uint32_t)(open + 1), (uint32_t)size | flags};
    size_t after = next_mark(tokens);
    if (tokens->fault)
        return tokens->size;
    for (size_t at = mark + 1; at < after; at++) {
        if (bytes[at] != ' ') {
            fail(tokens, QN_CSV_FAULT_STRAY, at);
            return tokens->size;
        }
    }
    if (after < tokens->size && bytes[after] == '"') {
        fail(tokens, QN_CSV_FAULT_STRAY, after);
        return tokens->size;
    }
    return after;
}

/* A record at `start` into cells[column * stride]; returns the offset behind its line end, or 0 on
 * a fault. *count_out is the number of fields. */
static size_t record_cells(struct qn__csv_tokens *tokens, size_t start, struct qn__csv_cell *cells,
                           size_t stride, size_t *count_out)
{
    const char *bytes = tokens->bytes;
    const char delimiter = tokens->delimiter;
    size_t column = 0, column_count = tokens->column_count, size = tokens->size;
    struct qn__csv_cell ignored = {0, 0}, *cell = cells;
    for (size_t mark = next_mark(tokens);; mark = next_mark(tokens)) {
        if (__builtin_expect(mark >= size, 0) && tokens->fault)
            return 0;
        char c = mark < size ? bytes[mark] : '\n';
        if (c == '"') {
            if (!is_indent(bytes + start, mark - start))
                continue; /* A quote within a plain field means itself. */
            mark = quoted_cell(tokens, mark, cell);
            if (tokens->fault)
                return 0;
            c = mark < size ? bytes[mark] : '\n';
        } else {
            if (__builtin_expect(mark - start > tokens->field_limit, 0)) {
                fail(tokens, QN_CSV_FAULT_LONG, start);
                return 0;
            }
            *cell = (struct qn__csv_cell){(uint32_t)start, (uint32_t)(mark - start)};
        }
        column++;
        cell = column < column_count ? cell + stride : &ignored;
        start = mark + 1;
        if (c == delimiter)
            continue;
        if (c == '\r' && start < size && bytes[start] == '\n')
            start = next_mark(tokens) + 1;
        *count_out = column;
        return start;
    }
}

static bool is_blank(const struct qn__csv_tokens *tokens, const struct qn__csv_cell *cell)
{
    const char *text = tokens->bytes + cell->at;
    size_t size = cell->size & QN_CSV_SIZE_MASK;
    qn__trim(&text, &size);
    return size == 0 && !(cell->size & QN_CSV_QUOTED);
}

size_t qn__csv_tokens_rows(struct qn__csv_tokens *tokens, size_t row_count,
                           struct qn__csv_cell *cells, uint32_t *starts)
{
    size_t row = 0;
    while (row < row_count && !tokens->fault) {
        size_t start = tokens->next, field_count = 0;
        if (start >= tokens->size)
            break;
        size_t next = record_cells(tokens, start, cells + row, row_count, &field_count);
        if (tokens->fault)
            break;
        tokens->next = next;
        if (field_count == 1 && tokens->column_count > 1 && is_blank(tokens, cells + row)) {
            tokens->blank_count++;
            continue;
        }
        if (field_count != tokens->column_count) {
            fail(tokens, QN_CSV_FAULT_FIELDS, start);
            tokens->fault_found = field_count;
            break;
        }
        if (starts)
            starts[row] = (uint32_t)start;
        row++;
    }
    return row;
}
