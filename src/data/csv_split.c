/* Finds where records begin, in parallel. A piece of the file cannot know whether it begins inside
 * quotes; it guesses from its first quotes, counts, and says how it ends. Walking the pieces in
 * order then shows every wrong guess, and those pieces are counted again: the result is that of a
 * reader that goes through the file from its first byte. */
#include "data/csv_internal.h"

#include "base/alloc.h"

enum {
    QN_LOOKBEHIND = QN_CSV_INDENT + 1, /* spaces before a quote, and what is before them */
    QN_GUESS_QUOTES = 64,
    QN_WAVE = 64, /* pieces between two reports of progress */
};

/* The bytes of a piece with those around it that its decisions need. */
struct view {
    char *buffer; /* owns */
    size_t capacity;
    const char *bytes; /* the piece; bytes[-behind..size + 1) are of the file */
    size_t size;
    size_t behind;
    char delimiter;
};

struct split_job {
    struct qn__csv *csv;
    struct view *views; /* one a thread */
    size_t first;       /* piece of task 0 */
};

static enum qn_status view_load(const struct qn__csv *csv, const struct qn__csv_piece *piece,
                                struct view *view, struct qn_error *err)
{
    size_t data_at = csv->dialect.data_at, file_size = csv->source->size_bytes;
    size_t size = piece->raw_end - piece->raw_begin;
    size_t room = piece->raw_begin - data_at;
    view->behind = room < QN_LOOKBEHIND ? room : QN_LOOKBEHIND;
    view->size = size;
    view->delimiter = csv->dialect.delimiter;
    size_t needed = QN_LOOKBEHIND + size + 1 + QN_CSV_PADDING;
    if (needed > view->capacity) {
        char *buffer = qn_realloc(view->buffer, needed, 1);
        if (!buffer)
            return qn_fail_nomem(err, csv->source->name);
        view->buffer = buffer;
        view->capacity = needed;
    }
    view->bytes = view->buffer + QN_LOOKBEHIND;
    size_t ahead = piece->raw_end < file_size;
    memset(view->buffer + QN_LOOKBEHIND + size, ' ', 1 + QN_CSV_PADDING);
    return qn__source_pread(csv->source, view->buffer + QN_LOOKBEHIND - view->behind,
                            view->behind + size + ahead, piece->raw_begin - view->behind, err);
}

/* Whether a quote at bytes[at], met outside quotes, opens a field. */
static bool opens(const struct view *view, size_t at)
{
    size_t left = at + view->behind; /* bytes that may be looked at */
    const char *before = view->bytes + at;
    for (size_t spaces = 0; left > 0; spaces++, left--) {
        char c = *--before;
        if (c == view->delimiter || c == '\n' || c == '\r')
            return true;
        if (c != ' ' || spaces == QN_CSV_INDENT)
            return false;
    }
    return true; /* The first bytes of the data. */
}

/* Whether the piece seems to begin inside quotes: a quote behind a text and before a delimiter or
 * line end closes one; the other way round it opens one. */
static bool guess_quoted(const struct view *view)
{
    size_t seen = 0;
    for (size_t at = 0; at < view->size && seen < QN_GUESS_QUOTES; at++, seen++) {
        const char *quote = memchr(view->bytes + at, '"', view->size - at);
        if (!quote)
            return false;
        at = (size_t)(quote - view->bytes);
        char next = quote[1];
        bool ends = next == view->delimiter || next == '\n' || next == '\r';
        bool begins = opens(view, at);
        if (begins != ends)
            return ends;
    }
    return false;
}

static void count_end(struct qn__csv_piece *piece, size_t offset)
{
    if (piece->ends++ == 0)
        piece->after_first_end = offset + 1;
    piece->after_last_end = offset + 1;
}

/* The bits of a block one by one, for blocks with quotes or that begin inside them. */
static void count_slowly(const struct view *view, size_t block, uint64_t quotes, uint64_t ends,
                         struct qn__csv_piece *piece, bool *quoted, size_t *skip_to)
{
    for (uint64_t bits = quotes | ends; bits; bits &= bits - 1) {
        size_t at = block + (size_t)__builtin_ctzll(bits);
        bool is_quote = quotes & (bits & -bits);
        if (at < *skip_to)
            continue;
        if (*quoted) {
            if (is_quote && view->bytes[at + 1] == '"')
                *skip_to = at + 2;
            else if (is_quote)
                *quoted = false;
        } else if (!is_quote) {
            count_end(piece, piece->raw_begin + at);
        } else if (opens(view, at)) {
            *quoted = true;
            piece->last_open = piece->raw_begin + at;
        }
    }
}

/* Counts the ends of records in the piece, entered as piece->entry_quoted and entry_skip say. */
static void count(const struct view *view, struct qn__csv_piece *piece)
{
    bool quoted = piece->entry_quoted;
    size_t skip_to = piece->entry_skip;
    piece->ends = piece->lines = 0;
    piece->after_first_end = piece->after_last_end = 0;
    for (size_t block = 0; block < view->size; block += 64) {
        struct qn__csv_masks masks;
        qn__csv_block(view->bytes + block, &masks);
        size_t left = view->size - block;
        uint64_t inside = left < 64 ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
        uint64_t ends = masks.line_feeds;
        if (masks.carriage_returns) { /* One that a line feed follows is not yet the end. */
            uint64_t followed = masks.line_feeds >> 1;
            followed |= (uint64_t)(view->bytes[block + 64] == '\n') << 63;
            ends |= masks.carriage_returns & ~followed;
        }
        ends &= inside;
        masks.quotes &= inside;
        size_t end_count = (size_t)__builtin_popcountll(ends);
        piece->lines += end_count;
        if (masks.quotes) {
            count_slowly(view, block, masks.quotes, ends, piece, &quoted, &skip_to);
        } else if (!quoted && ends) {
            if (piece->ends == 0)
                piece->after_first_end =
                    piece->raw_begin + block + (size_t)__builtin_ctzll(ends) + 1;
            piece->after_last_end = piece->raw_begin + block + 64 - (size_t)__builtin_clzll(ends);
            piece->ends += end_count;
        }
    }
    piece->exit_quoted = quoted;
    piece->exit_skip = skip_to > view->size;
}

static void split_task(void *context, size_t index, unsigned thread)
{
    struct split_job *job = context;
    struct qn__csv_piece *piece = &job->csv->pieces[job->first + index];
    struct view *view = &job->views[thread];
    struct qn_error error = QN_ERROR_INIT;
    if (view_load(job->csv, piece, view, &error) != QN_OK) {
        qn__csv_keep_error(piece, &error);
        return;
    }
    piece->entry_quoted = job->first + index > 0 && guess_quoted(view);
    count(view, piece);
}

static enum qn_status count_all(struct split_job *job, struct qn_error *err)
{
    struct qn__csv *csv = job->csv;
    for (; job->first < csv->piece_count; job->first += QN_WAVE) {
        size_t left = csv->piece_count - job->first;
        qn_pool_run(csv->pool, left < QN_WAVE ? left : QN_WAVE, split_task, job);
        enum qn_status status =
            qn_progress_report(csv->options->progress, "scan", csv->pieces[job->first].raw_begin,
                               csv->source->size_bytes, "bytes", err);
        if (status != QN_OK)
            return status;
    }
    return QN_OK;
}

/* Goes through the pieces in order and counts again those that were entered wrongly. */
static enum qn_status settle(struct split_job *job, struct qn_error *err)
{
    struct qn__csv *csv = job->csv;
    bool quoted = false;
    size_t skip = 0, last_open = 0;
    for (size_t i = 0; i < csv->piece_count; i++) {
        struct qn__csv_piece *piece = &csv->pieces[i];
        if (piece->fault)
            return qn__csv_fail(csv, piece, err);
        if (piece->entry_quoted != quoted || piece->entry_skip != skip) {
            enum qn_status status = view_load(csv, piece, &job->views[0], err);
            if (status != QN_OK)
                return status;
            piece->entry_quoted = quoted;
            piece->entry_skip = skip;
            piece->last_open = 0;
            count(&job->views[0], piece);
        }
        quoted = piece->exit_quoted;
        skip = piece->exit_skip;
        if (piece->last_open > 0 || (i == 0 && quoted))
            last_open = piece->last_open;
    }
    if (!quoted)
        return QN_OK;
    struct qn__csv_piece fault = {.fault = QN_CSV_FAULT_OPEN, .fault_at = last_open};
    return qn__csv_fail(csv, &fault, err);
}

/* Gives each piece the records that begin in it, from its first end of a record to that of the next
 * piece that has one. */
static void deal(struct qn__csv *csv)
{
    size_t file_size = csv->source->size_bytes, next_begin = file_size;
    bool has_next = false;
    for (size_t i = csv->piece_count; i-- > 0;) {
        struct qn__csv_piece *piece = &csv->pieces[i];
        bool owns_records = i == 0 || piece->ends > 0;
        piece->begin = i == 0 ? csv->dialect.data_at : piece->after_first_end;
        if (!owns_records)
            piece->begin = next_begin;
        piece->end = next_begin;
        if (!owns_records)
            continue;
        /* The last one ends at a border of its successor, or at the end of the file. */
        size_t last_end = piece->ends ? piece->after_last_end : piece->begin;
        piece->row_limit = piece->ends - (i > 0) + (has_next || last_end < file_size);
        next_begin = piece->begin;
        has_next = true;
    }
    size_t base = 0;
    for (size_t i = 0; i < csv->piece_count; i++) {
        csv->pieces[i].row_base = base;
        base += csv->pieces[i].row_limit;
    }
}

enum qn_status qn__csv_split(struct qn__csv *csv, struct qn_error *err)
{
    size_t size = csv->source->size_bytes - csv->dialect.data_at;
    unsigned thread_count = qn_pool_threads(csv->pool);
    struct split_job job = {.csv = csv, .views = QN_CALLOC(struct view, thread_count)};
    csv->piece_count = (size + csv->piece_size - 1) / csv->piece_size;
    csv->pieces = QN_CALLOC(struct qn__csv_piece, csv->piece_count);
    enum qn_status status = QN_OK;
    if (!job.views || !csv->pieces) {
        status = qn_fail_nomem(err, csv->source->name);
        goto done;
    }
    for (size_t i = 0; i < csv->piece_count; i++) {
        struct qn__csv_piece *piece = &csv->pieces[i];
        piece->raw_begin = csv->dialect.data_at + i * csv->piece_size;
        piece->raw_end =
            i + 1 < csv->piece_count ? piece->raw_begin + csv->piece_size : csv->source->size_bytes;
    }
    status = count_all(&job, err);
    if (status == QN_OK)
        status = settle(&job, err);
    if (status == QN_OK)
        deal(csv);
done:
    for (unsigned i = 0; job.views && i < thread_count; i++)
        qn_free(job.views[i].buffer);
    qn_free(job.views);
    return status;
}
