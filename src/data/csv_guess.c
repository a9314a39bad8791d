/* Which type each column probably has, from rows at a few places of the file. Only speed depends on
 * it: csv_parse.c finds every cell that does not fit, and such a column is read again. */
#include "data/csv_internal.h"

#include "base/alloc.h"

#include <assert.h>

enum {
    QN_SAMPLED_PIECES = 8,
    QN_SAMPLED_ROWS = 200,     /* of the first piece; a quarter of the others */
    QN_SAMPLED_CELLS = 200000, /* at a time */
};

struct sample {
    unsigned kinds; /* set of enum qn__kind */
    uint64_t dates; /* formats that read all values so far */
};

static void sample_cell(const struct qn__csv *csv, const char *bytes,
                        const struct qn__csv_cell *cell, struct sample *sample)
{
    const char *text = bytes + cell->at;
    size_t size = cell->size & QN_CSV_SIZE_MASK;
    int64_t whole;
    double number;
    qn__trim(&text, &size);
    if (qn__missing_has(&csv->missing, text, size))
        return;
    enum qn__kind kind =
        qn__number_read(text, size, csv->dialect.delimiter == ';', &whole, &number);
    sample->kinds |= kind;
    if (kind != QN_KIND_OTHER || (cell->size & QN_CSV_DOUBLED))
        sample->dates = 0;
    else if (sample->dates)
        sample->dates = qn__date_match(sample->dates, text, size);
}

static void plan_from_sample(const struct sample *sample, struct qn__csv_column *column)
{
    unsigned kinds = sample->kinds;
    column->plan = QN_CSV_TEXTS;
    if (kinds == QN_KIND_WHOLE) {
        column->plan = QN_CSV_INTEGER;
    } else if (kinds & (QN_KIND_DECIMAL | QN_KIND_COMMA) &&
               !(kinds & (QN_KIND_CODE | QN_KIND_OTHER))) {
        column->plan = QN_CSV_NUMBER;
    } else if (kinds == QN_KIND_OTHER && __builtin_popcountll(sample->dates) == 1) {
        column->plan = QN_CSV_DATE;
        column->format = qn__date_formats[__builtin_ctzll(sample->dates)];
    }
}

/* What the user has said needs no guess; texts are the way in for the rest. */
static void plan_from_override(struct qn__csv_column *column)
{
    column->plan = QN_CSV_TEXTS;
    if (column->override->type == QN_TYPE_INTEGER) {
        column->plan = QN_CSV_INTEGER;
    } else if (column->override->type == QN_TYPE_NUMBER) {
        column->plan = QN_CSV_NUMBER;
    } else if (column->override->format && (column->override->type == QN_TYPE_DATE ||
                                            column->override->type == QN_TYPE_DATETIME)) {
        bool has_time = qn__date_format_has_time(column->override->format);
        if (has_time == (column->override->type == QN_TYPE_DATETIME)) {
            column->plan = QN_CSV_DATE;
            column->format = column->override->format;
        }
    }
}

/* A fault in the piece is left for csv_parse.c to find and report. */
static enum qn_status sample_piece(const struct qn__csv *csv, const struct qn__csv_piece *piece,
                                   size_t row_count, struct qn__csv_tokens *tokens,
                                   struct qn__csv_cell *cells, struct sample *samples,
                                   struct qn_error *err)
{
    struct qn__csv_bytes bytes = {0};
    enum qn_status status = qn__csv_load(csv, piece, &bytes, err);
    if (status != QN_OK)
        return status;
    qn__csv_tokens_start(tokens, bytes.bytes, piece->end - piece->begin);
    size_t rows = qn__csv_tokens_rows(tokens, row_count, cells, NULL);
    for (size_t c = 0; c < csv->dialect.column_count; c++) {
        if (csv->columns[c].plan == QN_CSV_SKIP || csv->columns[c].override)
            continue;
        for (size_t row = 0; row < rows; row++)
            sample_cell(csv, bytes.bytes, &cells[c * row_count + row], &samples[c]);
    }
    qn_free(bytes.bytes);
    return QN_OK;
}

/* Whether a piece is small enough to be read just for a guess. */
static bool is_usual(const struct qn__csv *csv, const struct qn__csv_piece *piece)
{
    return piece->end - piece->begin <= 2 * csv->piece_size;
}

static enum qn_status sample_pieces(struct qn__csv *csv, struct sample *samples,
                                    struct qn_error *err)
{
    size_t column_count = csv->dialect.column_count;
    assert(column_count > 0);
    size_t most = QN_SAMPLED_CELLS / column_count;
    most = most < 4 ? 4 : most > QN_SAMPLED_ROWS ? QN_SAMPLED_ROWS : most;
    struct qn__csv_tokens tokens = {0};
    struct qn__csv_cell *cells = QN_ALLOC(struct qn__csv_cell, most * column_count);
    enum qn_status status = QN_OK;
    if (!cells || !qn__csv_tokens_init(&tokens, csv)) {
        status = qn_fail_nomem(err, csv->source->name);
        goto done;
    }
    size_t step = csv->piece_count / QN_SAMPLED_PIECES + 1;
    for (size_t i = 0; status == QN_OK && i < csv->piece_count; i += step) {
        size_t rows = i == 0 ? most : (most + 3) / 4;
        if (is_usual(csv, &csv->pieces[i]))
            status = sample_piece(csv, &csv->pieces[i], rows, &tokens, cells, samples, err);
    }
done:
    qn__csv_tokens_release(&tokens);
    qn_free(cells);
    return status;
}

enum qn_status qn__csv_guess(struct qn__csv *csv, struct qn_error *err)
{
    size_t column_count = csv->dialect.column_count;
    struct sample *samples = QN_ALLOC(struct sample, column_count);
    if (!samples)
        return qn_fail_nomem(err, csv->source->name);
    for (size_t c = 0; c < column_count; c++)
        samples[c] = (struct sample){.dates = QN_DATE_ALL};
    enum qn_status status = csv->guess ? sample_pieces(csv, samples, err) : QN_OK;
    for (size_t c = 0; status == QN_OK && c < column_count; c++) {
        struct qn__csv_column *column = &csv->columns[c];
        if (column->plan == QN_CSV_SKIP)
            continue;
        if (!csv->guess)
            column->plan = QN_CSV_TEXTS;
        else if (column->override)
            plan_from_override(column);
        else
            plan_from_sample(&samples[c], column);
    }
    qn_free(samples);
    return status;
}
