/* Cells to values, piece by piece in parallel. A batch of rows is cut into cells first and then
 * read column by column, so that each inner loop has one type. */
#include "data/csv_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>

enum {
    QN_BATCH_CELLS = 65536,
    QN_BATCH_ROWS = 128,
    QN_WAVE = 64, /* pieces between two reports of progress */
};

/* What a thread keeps from piece to piece. */
struct worker {
    struct qn__csv_bytes bytes;
    struct qn__csv_tokens tokens;
    struct qn__csv_cell *cells; /* owns; column-major, batch rows each */
    char *scratch;              /* owns; a field with its doubled quotes made single */
    size_t scratch_capacity;
    struct qn_lookup **lookups; /* owns; text_count */
    size_t *missing;            /* owns; a column each */
    unsigned *failed, *had;     /* own; as in struct qn__csv_column */
};

struct job {
    struct qn__csv *csv;
    struct worker *workers;
    unsigned worker_count;
    size_t batch_rows;
    size_t text_count;
    struct qn_dictionary *dictionaries; /* piece_count x text_count; of each piece on its own */
    struct qn_column **text_columns;    /* text_count */
    struct qn_error *text_errors;       /* text_count */
    size_t first;                       /* piece of task 0 */
};

enum qn_status qn__csv_load(const struct qn__csv *csv, const struct qn__csv_piece *piece,
                            struct qn__csv_bytes *out, struct qn_error *err)
{
    size_t size = piece->end - piece->begin;
    if (size + QN_CSV_PADDING > out->capacity) {
        qn_free(out->bytes); /* Its contents are of no use. */
        out->capacity = 0;
        out->bytes = qn_alloc(size + QN_CSV_PADDING, 1);
        if (!out->bytes)
            return qn_fail_nomem(err, csv->source->name);
        out->capacity = size + QN_CSV_PADDING;
    }
    memset(out->bytes + size, ' ', QN_CSV_PADDING);
    return qn__source_pread(csv->source, out->bytes, size, piece->begin, err);
}

/* Where a batch of one column comes from and goes to. */
struct batch {
    const struct qn__csv *csv;
    struct worker *worker;
    const struct qn__csv_cell *cells; /* row_count, one behind the other */
    size_t row_count;
    size_t column;
    size_t missing;
    unsigned failed, had;
};

static inline void cell_text(const struct batch *batch, size_t row, const char **text, size_t *size)
{
    *text = batch->worker->bytes.bytes + batch->cells[row].at;
    *size = batch->cells[row].size & QN_CSV_SIZE_MASK;
    qn__trim(text, size);
}

/* Up to 18 digits behind an optional minus, no leading zero; the other forms take the slow way. */
static inline bool fast_integer(const char *text, size_t size, int64_t *out)
{
    bool negative = *text == '-';
    text += negative;
    size -= negative;
    if (size == 0 || size > 18 || (*text == '0' && size > 1))
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9)
            return false;
        value = value * 10 + (int64_t)digit;
    }
    *out = negative ? -value : value;
    return true;
}

static void parse_integers(struct batch *batch, int64_t *out)
{
    const struct qn__missing *missing = &batch->csv->missing;
    bool comma = batch->csv->dialect.delimiter == ';';
    for (size_t row = 0; row < batch->row_count; row++) {
        const char *text;
        size_t size;
        double number;
        cell_text(batch, row, &text, &size);
        if (qn__missing_has(missing, text, size)) {
            out[row] = QN_MISSING_INTEGER;
            batch->missing++;
        } else if (!fast_integer(text, size, &out[row])) {
            enum qn__kind kind = qn__number_read(text, size, comma, &out[row], &number);
            batch->failed |= kind & ~(unsigned)QN_KIND_WHOLE;
        }
    }
}

/* Up to 19 significant digits with at most one point; infer_number.c takes all other forms. */
static inline bool fast_number(const char *text, size_t size, double *out, bool *has_point)
{
    static const double tens[QN_TENS] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,
                                         1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13,
                                         1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
    bool negative = *text == '-';
    text += negative;
    size -= negative;
    bool is_fraction = size > 1 && text[0] == '0';
    if (size == 0 || size > 20U + is_fraction || (is_fraction && text[1] != '.'))
        return false;
    uint64_t mantissa = 0;
    size_t behind = 0; /* bytes from the point on */
    for (size_t i = 0; i < size; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit <= 9) {
            mantissa = mantissa * 10 + digit;
        } else {
            if (text[i] != '.' || behind > 0 || size == 1)
                return false;
            behind = size - i;
        }
    }
    size_t places = behind ? behind - 1 : 0;
    if (behind == 0 && size > 18) /* Too long for the mantissa, perhaps. */
        return false;
    /* Below 2^53 both operands are exact, and so one division rounds once (Clinger 1990). */
    double value = mantissa <= UINT64_C(1) << 53 ? (double)mantissa / tens[places]
                                                 : qn__decimal_divide(mantissa, places);
    *out = negative ? -value : value;
    *has_point = behind > 0;
    return true;
}

static void parse_numbers(struct batch *batch, double *out)
{
    const struct qn__missing *missing = &batch->csv->missing;
    bool comma = batch->csv->dialect.delimiter == ';';
    for (size_t row = 0; row < batch->row_count; row++) {
        const char *text;
        size_t size;
        int64_t whole;
        bool has_point;
        cell_text(batch, row, &text, &size);
        if (qn__missing_has(missing, text, size)) {
            out[row] = NAN;
            batch->missing++;
        } else if (fast_number(text, size, &out[row], &has_point)) {
            batch->had |= has_point ? QN_KIND_DECIMAL : QN_KIND_WHOLE;
        } else {
            enum qn__kind kind = qn__number_read(text, size, comma, &whole, &out[row]);
            if (kind == QN_KIND_CODE || kind == QN_KIND_OTHER)
                batch->failed |= kind;
            else
                batch->had |= kind;
        }
    }
}

static void parse_dates(struct batch *batch, const char *format, int64_t *out)
{
    for (size_t row = 0; row < batch->row_count; row++) {
        const char *text;
        size_t size;
        cell_text(batch, row, &text, &size);
        if (qn__missing_has(&batch->csv->missing, text, size)) {
            out[row] = QN_MISSING_INTEGER;
            batch->missing++;
        } else if (!qn__date_read(format, text, size, &out[row])) {
            batch->failed |= QN_KIND_OTHER;
        }
    }
}

/* The field with each doubled quote made single, in the worker's scratch space; NULL: no memory. */
static const char *undouble(struct worker *worker, const char *text, size_t *size)
{
    void *scratch = worker->scratch;
    if (qn_grow(&scratch, &worker->scratch_capacity, *size, 1) != 0)
        return NULL;
    worker->scratch = scratch;
    size_t used = 0;
    for (size_t i = 0; i < *size; i++) {
        worker->scratch[used++] = text[i];
        i += text[i] == '"';
    }
    *size = used;
    return worker->scratch;
}

static enum qn_status parse_texts(struct batch *batch, struct qn_lookup *lookup, int32_t *out,
                                  struct qn_error *err)
{
    const char *bytes = batch->worker->bytes.bytes;
    for (size_t row = 0; row < batch->row_count; row++) {
        const struct qn__csv_cell *cell = &batch->cells[row];
        const char *text, *kept = bytes + cell->at;
        size_t size, kept_size = cell->size & QN_CSV_SIZE_MASK;
        cell_text(batch, row, &text, &size);
        if (qn__missing_has(&batch->csv->missing, text, size)) {
            out[row] = QN_MISSING_CODE;
            batch->missing++;
            continue;
        }
        if (!(cell->size & QN_CSV_QUOTED)) {
            kept = text;
            kept_size = size;
        } else if (cell->size & QN_CSV_DOUBLED) {
            kept = undouble(batch->worker, kept, &kept_size);
            if (!kept)
                return qn_fail_nomem(err, batch->csv->source->name);
        }
        enum qn_status status = qn_lookup_add(lookup, kept, kept_size, &out[row], err);
        if (status != QN_OK)
            return status;
    }
    return QN_OK;
}

static enum qn_status parse_batch(struct job *job, struct worker *worker, size_t row_count,
                                  size_t row_at, struct qn_error *err)
{
    struct qn__csv *csv = job->csv;
    for (size_t c = 0; c < csv->dialect.column_count; c++) {
        const struct qn__csv_column *column = &csv->columns[c];
        if (column->plan == QN_CSV_SKIP || column->done)
            continue;
        struct batch batch = {.csv = csv,
                              .worker = worker,
                              .cells = worker->cells + c * job->batch_rows,
                              .row_count = row_count,
                              .column = c};
        struct qn_column *to = &csv->table->columns[column->index];
        enum qn_status status = QN_OK;
        if (column->plan == QN_CSV_INTEGER)
            parse_integers(&batch, to->values.integer + row_at);
        else if (column->plan == QN_CSV_NUMBER)
            parse_numbers(&batch, to->values.number + row_at);
        else if (column->plan == QN_CSV_DATE)
            parse_dates(&batch, column->format, to->values.integer + row_at);
        else
            status = parse_texts(&batch, worker->lookups[column->text_index],
                                 to->values.code + row_at, err);
        if (status != QN_OK)
            return status;
        worker->missing[c] += batch.missing;
        worker->failed[c] |= batch.failed;
        worker->had[c] |= batch.had;
    }
    return QN_OK;
}

/* Records over the buffers' bounds, before anything is allocated for them. */
static enum qn_status check_size(const struct qn__csv *csv, struct qn__csv_piece *piece,
                                 struct qn_error *err)
{
    size_t size = piece->end - piece->begin;
    if (size <= csv->options->field_limit_bytes || size <= 2 * csv->piece_size)
        return QN_OK;
    enum qn_status status = qn__csv_check_long(csv, piece, err);
    if (status == QN_OK && !piece->fault && size > QN_CSV_SIZE_MASK) {
        piece->fault = QN_CSV_FAULT_RECORD;
        piece->fault_at = piece->begin;
    }
    return status;
}

static enum qn_status parse_piece(struct job *job, struct worker *worker,
                                  struct qn__csv_piece *piece, size_t index, struct qn_error *err)
{
    struct qn__csv_tokens *tokens = &worker->tokens;
    enum qn_status status = check_size(job->csv, piece, err);
    if (status != QN_OK || piece->fault)
        return status;
    status = qn__csv_load(job->csv, piece, &worker->bytes, err);
    if (status != QN_OK)
        return status;
    qn__csv_tokens_start(tokens, worker->bytes.bytes, piece->end - piece->begin);
    size_t rows = 0, got = job->batch_rows;
    while (got == job->batch_rows && rows < piece->row_limit) {
        got = qn__csv_tokens_rows(tokens, job->batch_rows, worker->cells, NULL);
        if (tokens->fault || got > piece->row_limit - rows)
            break;
        status = parse_batch(job, worker, got, piece->row_base + rows, err);
        if (status != QN_OK)
            return status;
        rows += got;
    }
    bool is_second = job->csv->row_count > 0;
    if (tokens->fault) {
        piece->fault = tokens->fault;
        piece->fault_at = piece->begin + tokens->fault_at;
        piece->fault_found = tokens->fault_found;
    } else if (rows > piece->row_limit || (is_second && rows != piece->row_count)) {
        piece->fault = QN_CSV_FAULT_CHANGED;
    }
    piece->row_count = rows;
    for (size_t t = 0; t < job->text_count && status == QN_OK; t++)
        status = qn_lookup_take(worker->lookups[t], &job->dictionaries[index * job->text_count + t],
                                err);
    return status;
}

static void parse_task(void *context, size_t index, unsigned thread)
{
    struct job *job = context;
    struct qn__csv_piece *piece = &job->csv->pieces[job->first + index];
    struct qn_error error = QN_ERROR_INIT;
    if (parse_piece(job, &job->workers[thread], piece, job->first + index, &error) != QN_OK)
        qn__csv_keep_error(piece, &error);
}

/* Puts the dictionaries of all pieces together, in their order, and rewrites the codes. */
static enum qn_status merge_texts(struct job *job, size_t text, struct qn_error *err)
{
    struct qn__csv *csv = job->csv;
    struct qn_column *column = job->text_columns[text];
    struct qn_lookup *lookup = NULL;
    int32_t *code_of = NULL;
    size_t capacity = 0;
    enum qn_status status = qn_lookup_create(&lookup, err);
    for (size_t i = 0; status == QN_OK && i < csv->piece_count; i++) {
        struct qn_dictionary *from = &job->dictionaries[i * job->text_count + text];
        void *grown = code_of;
        if (qn_grow(&grown, &capacity, from->count + 1, sizeof(*code_of)) != 0) {
            status = qn_fail_nomem(err, csv->source->name);
            break;
        }
        code_of = grown;
        bool moved = false;
        for (size_t c = 0; status == QN_OK && c < from->count; c++) {
            size_t size;
            const char *at = qn_dictionary_text(from, (int32_t)c, &size);
            status = qn_lookup_add(lookup, at, size, &code_of[c], err);
            moved |= code_of[c] != (int32_t)c;
        }
        int32_t *codes = column->values.code + csv->pieces[i].row_base;
        for (size_t row = 0; status == QN_OK && moved && row < csv->pieces[i].row_count; row++) {
            if (codes[row] >= 0)
                codes[row] = code_of[codes[row]];
        }
        qn__dictionary_release(from);
    }
    if (status == QN_OK)
        status = qn_lookup_take(lookup, &column->dictionary, err);
    qn_free(code_of);
    qn_lookup_free(lookup);
    return status;
}

static void merge_task(void *context, size_t index, unsigned thread)
{
    struct job *job = context;
    (void)thread;
    struct qn_error error = QN_ERROR_INIT;
    if (merge_texts(job, index, &error) != QN_OK)
        job->text_errors[index] = error;
}

static void worker_release(struct worker *worker, size_t text_count)
{
    qn_free(worker->bytes.bytes);
    qn__csv_tokens_release(&worker->tokens);
    qn_free(worker->cells);
    qn_free(worker->scratch);
    for (size_t t = 0; worker->lookups && t < text_count; t++)
        qn_lookup_free(worker->lookups[t]);
    qn_free(worker->lookups);
    qn_free(worker->missing);
    qn_free(worker->failed);
    qn_free(worker->had);
}

static enum qn_status worker_init(const struct job *job, struct worker *worker,
                                  struct qn_error *err)
{
    size_t column_count = job->csv->dialect.column_count;
    worker->cells = QN_ALLOC(struct qn__csv_cell, job->batch_rows * column_count);
    worker->lookups = QN_CALLOC(struct qn_lookup *, job->text_count);
    worker->missing = QN_CALLOC(size_t, column_count);
    worker->failed = QN_CALLOC(unsigned, column_count);
    worker->had = QN_CALLOC(unsigned, column_count);
    if (!worker->cells || !worker->lookups || !worker->missing || !worker->failed || !worker->had ||
        !qn__csv_tokens_init(&worker->tokens, job->csv))
        return qn_fail_nomem(err, job->csv->source->name);
    enum qn_status status = QN_OK;
    for (size_t t = 0; status == QN_OK && t < job->text_count; t++)
        status = qn_lookup_create(&worker->lookups[t], err);
    return status;
}

static void job_release(struct job *job)
{
    for (unsigned i = 0; job->workers && i < job->worker_count; i++)
        worker_release(&job->workers[i], job->text_count);
    qn_free(job->workers);
    for (size_t i = 0; job->dictionaries && i < job->csv->piece_count * job->text_count; i++)
        qn__dictionary_release(&job->dictionaries[i]);
    qn_free(job->dictionaries);
    qn_free(job->text_columns);
    qn_free(job->text_errors);
}

static enum qn_status job_init(struct qn__csv *csv, struct job *job, struct qn_error *err)
{
    size_t column_count = csv->dialect.column_count;
    *job = (struct job){.csv = csv, .worker_count = qn_pool_threads(csv->pool)};
    assert(column_count > 0);
    job->batch_rows = QN_BATCH_CELLS / column_count;
    job->batch_rows = job->batch_rows < 1               ? 1
                      : job->batch_rows > QN_BATCH_ROWS ? QN_BATCH_ROWS
                                                        : job->batch_rows;
    for (size_t c = 0; c < column_count; c++) {
        struct qn__csv_column *column = &csv->columns[c];
        if (column->plan == QN_CSV_TEXTS && !column->done)
            column->text_index = job->text_count++;
    }
    job->workers = QN_CALLOC(struct worker, job->worker_count);
    job->dictionaries = QN_CALLOC(struct qn_dictionary, csv->piece_count * job->text_count);
    job->text_columns = QN_CALLOC(struct qn_column *, job->text_count);
    job->text_errors = QN_CALLOC(struct qn_error, job->text_count);
    if (!job->workers || !job->dictionaries || !job->text_columns || !job->text_errors)
        return qn_fail_nomem(err, csv->source->name);
    for (size_t c = 0; c < column_count; c++) {
        const struct qn__csv_column *column = &csv->columns[c];
        if (column->plan == QN_CSV_TEXTS && !column->done)
            job->text_columns[column->text_index] = &csv->table->columns[column->index];
    }
    enum qn_status status = QN_OK;
    for (unsigned i = 0; status == QN_OK && i < job->worker_count; i++)
        status = worker_init(job, &job->workers[i], err);
    return status;
}

static enum qn_status parse_all(struct job *job, struct qn_error *err)
{
    struct qn__csv *csv = job->csv;
    for (; job->first < csv->piece_count; job->first += QN_WAVE) {
        size_t left = csv->piece_count - job->first, count = left < QN_WAVE ? left : QN_WAVE;
        qn_pool_run(csv->pool, count, parse_task, job);
        for (size_t i = 0; i < count; i++) {
            if (csv->pieces[job->first + i].fault)
                return qn__csv_fail(csv, &csv->pieces[job->first + i], err);
        }
        enum qn_status status =
            qn_progress_report(csv->options->progress, "read", csv->pieces[job->first].raw_end,
                               csv->source->size_bytes, "bytes", err);
        if (status != QN_OK)
            return status;
    }
    return QN_OK;
}

/* What the threads have seen of each column, put together; sums and sets know no order. */
static void collect(struct job *job)
{
    struct qn__csv *csv = job->csv;
    for (size_t c = 0; c < csv->dialect.column_count; c++) {
        struct qn__csv_column *column = &csv->columns[c];
        if (column->plan == QN_CSV_SKIP || column->done)
            continue;
        struct qn_column *to = &csv->table->columns[column->index];
        to->missing_count = 0;
        column->failed = column->had = 0;
        for (unsigned i = 0; i < job->worker_count; i++) {
            to->missing_count += job->workers[i].missing[c];
            column->failed |= job->workers[i].failed[c];
            column->had |= job->workers[i].had[c];
        }
    }
}

/* Closes the gaps that blank lines have left between the rows of pieces. */
static void close_gaps(struct qn__csv *csv)
{
    size_t first = 0;
    for (size_t i = 0; i < csv->piece_count; i++) {
        struct qn__csv_piece *piece = &csv->pieces[i];
        piece->row_first = first;
        first += piece->row_count;
        for (size_t c = 0; piece->row_first < piece->row_base && c < csv->dialect.column_count;
             c++) {
            const struct qn__csv_column *column = &csv->columns[c];
            if (column->plan == QN_CSV_SKIP || column->done)
                continue;
            size_t width = column->plan == QN_CSV_TEXTS ? sizeof(int32_t) : sizeof(int64_t);
            char *values = csv->table->columns[column->index].values.any;
            memmove(values + piece->row_first * width, values + piece->row_base * width,
                    piece->row_count * width);
        }
    }
    csv->row_count = first;
}

enum qn_status qn__csv_parse(struct qn__csv *csv, struct qn_error *err)
{
    struct job job;
    enum qn_status status = job_init(csv, &job, err);
    if (status == QN_OK)
        status = parse_all(&job, err);
    if (status != QN_OK)
        goto done;
    qn_pool_run(csv->pool, job.text_count, merge_task, &job);
    for (size_t t = 0; t < job.text_count && status == QN_OK; t++) {
        if (job.text_errors[t].status != QN_OK)
            status = qn_fail(err, job.text_errors[t].status, "%s", job.text_errors[t].message);
    }
    collect(&job);
    close_gaps(csv);
done:
    job_release(&job);
    return status;
}
