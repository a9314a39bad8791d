/* Reads CSV files; csv_internal.h says how. */
#include "data/csv_internal.h"

#include "base/alloc.h"

#include <sys/stat.h>

enum {
    QN_PIECE_LEAST = 256 << 10,
    QN_PIECE_MOST = 2 << 20,
    QN_PIECES = 64,                /* aimed at, for files that are neither small nor large */
    QN_PIECE_BYTES_A_COLUMN = 256, /* pieces of wide tables hold some rows all the same */
};

/* By the file alone, never by the number of threads. */
static size_t piece_size(const struct qn__csv *csv)
{
    size_t size = csv->source->size_bytes / QN_PIECES;
    size_t wide = csv->dialect.column_count * QN_PIECE_BYTES_A_COLUMN;
    size = size < QN_PIECE_LEAST ? QN_PIECE_LEAST : size > QN_PIECE_MOST ? QN_PIECE_MOST : size;
    return size < wide ? wide : size;
}

static enum qn_type plan_type(const struct qn__csv_column *column)
{
    switch (column->plan) {
    case QN_CSV_INTEGER:
        return QN_TYPE_INTEGER;
    case QN_CSV_NUMBER:
        return QN_TYPE_NUMBER;
    case QN_CSV_DATE:
        return qn__date_format_has_time(column->format) ? QN_TYPE_DATETIME : QN_TYPE_DATE;
    default:
        return QN_TYPE_TEXT;
    }
}

/* Names, overrides and the columns that are wanted. */
static enum qn_status columns_init(struct qn__csv *csv, struct qn_error *err)
{
    const struct qn_read_options *options = csv->options;
    size_t count = csv->dialect.column_count;
    char **names = csv->dialect.names;
    enum qn_status status = qn__names_fix(csv->table, names, count, options, err);
    if (status == QN_OK)
        status = qn__read_check_names(options, csv->source->name, (const char *const *)names, count,
                                      err);
    if (status != QN_OK)
        return status;
    csv->columns = QN_CALLOC(struct qn__csv_column, count);
    if (!csv->columns)
        return qn_fail_nomem(err, csv->source->name);
    for (size_t c = 0; c < count; c++) {
        csv->columns[c].override = qn__read_override(options, names[c], c);
        csv->columns[c].plan = qn__read_wants(options, names[c], c) ? QN_CSV_TEXTS : QN_CSV_SKIP;
    }
    return QN_OK;
}

/* Columns of the planned types, in the file's order. */
static enum qn_status table_init(struct qn__csv *csv, struct qn_error *err)
{
    size_t wanted = 0, rows = 0;
    for (size_t c = 0; c < csv->dialect.column_count; c++)
        wanted += csv->columns[c].plan != QN_CSV_SKIP;
    for (size_t i = 0; i < csv->piece_count; i++)
        rows += csv->pieces[i].row_limit;
    csv->table->row_count = rows;
    enum qn_status status = qn__table_reserve(csv->table, wanted, csv->options, err);
    for (size_t c = 0; status == QN_OK && c < csv->dialect.column_count; c++) {
        struct qn__csv_column *column = &csv->columns[c];
        if (column->plan == QN_CSV_SKIP)
            continue;
        struct qn_column *unused;
        column->index = csv->table->column_count;
        status =
            qn__table_append(csv->table, csv->dialect.names[c], plan_type(column), &unused, err);
    }
    return status;
}

/* Whether each whole number is so long that it must be an identifier. */
static bool all_identifiers(const struct qn__csv *csv, const struct qn_column *column)
{
    for (size_t row = 0; row < csv->row_count; row++) {
        int64_t value = column->values.integer[row];
        if (value != QN_MISSING_INTEGER && value < QN_IDENTIFIER_MIN && value > -QN_IDENTIFIER_MIN)
            return false;
    }
    return true;
}

/* What to do with a column after its plan was tried: done, or the next plan. The answers are those
 * of qn__infer_text_column() on the same values. */
static void judge(const struct qn__csv *csv, struct qn__csv_column *column)
{
    const struct qn_column *read = &csv->table->columns[column->index];
    const unsigned promotes = QN_KIND_DECIMAL | QN_KIND_COMMA | QN_KIND_BIG;
    bool forced = column->override != NULL;
    if (column->plan == QN_CSV_INTEGER) {
        column->done = column->failed == 0 && (forced || !all_identifiers(csv, read));
        if (column->done)
            return;
        bool decimals = column->failed & (QN_KIND_DECIMAL | QN_KIND_COMMA);
        bool number = decimals && (column->failed & ~promotes) == 0 && !forced;
        column->plan = number ? QN_CSV_NUMBER : QN_CSV_TEXTS;
        return;
    }
    if (column->plan == QN_CSV_NUMBER) {
        const unsigned both = QN_KIND_DECIMAL | QN_KIND_COMMA;
        bool one_point = (column->had & both) != both && (column->had & both) != 0;
        column->done = column->failed == 0 && (forced || one_point);
    } else {
        column->done = column->plan == QN_CSV_TEXTS || column->failed == 0;
    }
    if (!column->done)
        column->plan = QN_CSV_TEXTS;
}

/* Reads until every plan has held: at most an integer column that became a number and then text. */
static enum qn_status read_columns(struct qn__csv *csv, struct qn_error *err)
{
    for (;;) {
        enum qn_status status = qn__csv_parse(csv, err);
        if (status != QN_OK)
            return status;
        bool again = false;
        for (size_t c = 0; c < csv->dialect.column_count; c++) {
            struct qn__csv_column *column = &csv->columns[c];
            if (column->plan == QN_CSV_SKIP || column->done)
                continue;
            judge(csv, column);
            if (column->done)
                continue;
            again = true;
            status = qn__column_reset(csv->table, column->index, plan_type(column), err);
            if (status != QN_OK)
                return status;
        }
        if (!again)
            return QN_OK;
    }
}

/* Types and reasons of the columns as they have been read. */
static enum qn_status finish_column(struct qn__csv *csv, struct qn__csv_column *column,
                                    struct qn_error *err)
{
    struct qn_table *table = csv->table;
    struct qn_column *to = &table->columns[column->index];
    struct qn__where where = {.line_of_row = qn__csv_line_of_row, .context = csv};
    bool comma = csv->dialect.delimiter == ';';
    if (column->plan == QN_CSV_DATE) {
        to->format = qn_strdup(column->format);
        if (!to->format)
            return qn_fail_nomem(err, csv->source->name);
    }
    if (column->override)
        return qn__column_force(table, column->index, column->override, csv->options, comma, &where,
                                err);
    if (column->plan == QN_CSV_TEXTS)
        return qn__infer_text_column(table, column->index, csv->options, comma, &where, err);
    return qn__reason_uniform(to, csv->row_count - to->missing_count,
                              (column->had & QN_KIND_COMMA) != 0, err);
}

static enum qn_status check_unchanged(const struct qn__csv *csv, const struct stat *before,
                                      struct qn_error *err)
{
    struct stat now;
    if (fstat(csv->source->fd, &now) == 0 && now.st_size == before->st_size &&
        now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == before->st_mtim.tv_nsec)
        return QN_OK;
    return qn_fail(err, QN_IO, "%s changed while it was read; read it again", csv->source->name);
}

static enum qn_status read_table(struct qn__csv *csv, struct qn_error *err)
{
    struct stat before;
    if (fstat(csv->source->fd, &before) != 0)
        return qn_fail(err, QN_IO, "%s could not be examined", csv->source->name);
    enum qn_status status = columns_init(csv, err);
    if (status == QN_OK)
        status = qn__csv_split(csv, err);
    if (status == QN_OK)
        status = qn__csv_guess(csv, err);
    if (status == QN_OK)
        status = table_init(csv, err);
    if (status == QN_OK)
        status = read_columns(csv, err);
    if (status == QN_OK)
        status = check_unchanged(csv, &before, err);
    if (status != QN_OK)
        return status;
    csv->table->row_count = csv->row_count;
    for (size_t c = 0; status == QN_OK && c < csv->dialect.column_count; c++) {
        if (csv->columns[c].plan != QN_CSV_SKIP)
            status = finish_column(csv, &csv->columns[c], err);
    }
    if (status == QN_OK && csv->dialect.header_is_numbers)
        status = qn_table_note(csv->table, err,
                               "the first line, taken as the header, has only numbers; if the file "
                               "has no header, say --no-header");
    return status;
}

static void csv_release(struct qn__csv *csv)
{
    for (size_t i = 0; i < csv->piece_count && csv->pieces; i++)
        qn_free(csv->pieces[i].error);
    qn_free(csv->pieces);
    qn_free(csv->columns);
    qn_free(csv->row_lines);
    qn__csv_dialect_release(&csv->dialect);
    qn_table_free(csv->table);
    qn_pool_free(csv->pool);
}

enum qn_status qn__csv_read_pieces(const struct qn__source *source,
                                   const struct qn_read_options *options, size_t piece_bytes,
                                   bool guess, struct qn_table **out, struct qn_error *err)
{
    struct qn__csv csv = {.source = source, .options = options, .guess = guess};
    enum qn_status status = qn__csv_dialect_find(source, options, &csv.dialect, err);
    if (status == QN_OK)
        status = qn_table_create(source->name, 0, &csv.table, err);
    if (status == QN_OK)
        status = qn_pool_create(options->thread_count, &csv.pool, err);
    if (status != QN_OK)
        goto done;
    qn__missing_init(&csv.missing, options);
    csv.piece_size = piece_bytes ? piece_bytes : piece_size(&csv);
    status = read_table(&csv, err);
    if (status != QN_OK)
        goto done;
    *out = csv.table; /* Ownership moves to the caller. */
    csv.table = NULL;
done:
    csv_release(&csv);
    return status;
}

enum qn_status qn__csv_read(const struct qn__source *source, const struct qn_read_options *options,
                            struct qn_table **out, struct qn_error *err)
{
    return qn__csv_read_pieces(source, options, 0, true, out, err);
}
