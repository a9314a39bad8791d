/* Reads a sheet of an Excel workbook. It is gone through twice: once to learn where its values are
 * and what kinds of them each column has, once to fill the columns; so nothing is guessed from a
 * sample. The rules in words are in docs/data-formats.md. */
#include "data/xlsx_internal.h"

#include "base/alloc.h"
#include "base/progress.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>

enum {
    QN_ROWS_PER_REPORT = 16384,
    QN_SPARSE_TIMES = 100, /* a table over the memory limit that is emptier than this is refused */
};

struct sheet_column {
    char *name;               /* owns; NULL: the header has none */
    unsigned kinds;           /* bit 1 << kind for each kind of value seen */
    ptrdiff_t index;          /* in the table, or -1 when it is not stored */
    struct qn_lookup *lookup; /* owns; of text columns while they are filled */
};

/* Rows of the table from `row` on stand in the sheet at sheet_row and below. */
struct run {
    size_t row;
    uint32_t sheet_row;
};

struct xlsx_reader {
    const struct qn__source *source;
    const struct qn_read_options *options;
    struct qn__xlsx_book book;
    struct qn__missing missing;
    struct sheet_column *columns; /* owns; by column of the sheet */
    size_t column_end, column_capacity;
    size_t column_first; /* those before it are empty */
    struct run *runs;    /* owns */
    size_t run_count, run_capacity;
    size_t row_count, value_count; /* without the header */
    bool any;                      /* a cell has been seen */
    bool header_is_numbers;
    uint32_t last_row; /* of the sheet, with values */
    size_t empty_rows; /* between rows with values */
    uint32_t first_empty_row;
    struct qn__xlsx_fault errors, unresolved;
    struct qn_table *table; /* owns until it is handed out */
};

#define QN_BIT(kind) (1u << (kind))

static bool is_text(const struct sheet_column *column)
{
    unsigned kinds = column->kinds;
    bool numbers = (kinds & ~(QN_BIT(QN_XLSX_INTEGER) | QN_BIT(QN_XLSX_REAL))) == 0;
    bool dates = (kinds & ~(QN_BIT(QN_XLSX_DAY) | QN_BIT(QN_XLSX_MOMENT))) == 0;
    return kinds == 0 || !(numbers || dates || kinds == QN_BIT(QN_XLSX_BOOLEAN));
}

static enum qn_type plain_type(const struct sheet_column *column)
{
    if (is_text(column))
        return QN_TYPE_TEXT;
    if (column->kinds & QN_BIT(QN_XLSX_BOOLEAN))
        return QN_TYPE_BOOLEAN;
    if (column->kinds & (QN_BIT(QN_XLSX_DAY) | QN_BIT(QN_XLSX_MOMENT)))
        return column->kinds & QN_BIT(QN_XLSX_MOMENT) ? QN_TYPE_DATETIME : QN_TYPE_DATE;
    return column->kinds & QN_BIT(QN_XLSX_REAL) ? QN_TYPE_NUMBER : QN_TYPE_INTEGER;
}

/* ---- First pass: extent, names and kinds. ---- */

static enum qn_status reach_column(struct xlsx_reader *reader, uint32_t column,
                                   struct qn_error *err)
{
    void *columns = reader->columns;
    if (qn_grow(&columns, &reader->column_capacity, (size_t)column + 1, sizeof(*reader->columns)) !=
        0)
        return qn_fail_nomem(err, reader->source->name);
    reader->columns = columns;
    while (reader->column_end <= column)
        reader->columns[reader->column_end++] = (struct sheet_column){.index = -1};
    if (column < reader->column_first)
        reader->column_first = column;
    return QN_OK;
}

/* The first value of a row. */
static enum qn_status begin_row(struct xlsx_reader *reader, uint32_t sheet_row,
                                struct qn_error *err)
{
    bool is_header = !reader->any && !reader->options->no_header;
    if (reader->any && sheet_row > reader->last_row + 1) {
        if (reader->empty_rows == 0)
            reader->first_empty_row = reader->last_row + 1;
        reader->empty_rows += sheet_row - reader->last_row - 1;
    }
    bool follows = reader->row_count > 0 && sheet_row == reader->last_row + 1;
    reader->any = true;
    reader->last_row = sheet_row;
    if (is_header)
        return QN_OK;
    if (!follows) {
        void *runs = reader->runs;
        if (qn_grow(&runs, &reader->run_capacity, reader->run_count + 1, sizeof(*reader->runs)) !=
            0)
            return qn_fail_nomem(err, reader->source->name);
        reader->runs = runs;
        reader->runs[reader->run_count++] = (struct run){reader->row_count, sheet_row};
    }
    reader->row_count++;
    return QN_OK;
}

static enum qn_status take_name(struct xlsx_reader *reader, const struct qn__xlsx_cell *cell,
                                struct qn_error *err)
{
    char scratch[QN_XLSX_TEXT_SIZE];
    size_t size;
    const char *text = qn__xlsx_cell_text(cell, scratch, &size);
    struct sheet_column *column = &reader->columns[cell->column];
    reader->header_is_numbers &= cell->kind == QN_XLSX_INTEGER || cell->kind == QN_XLSX_REAL;
    column->name = qn_strndup(text, size);
    return column->name ? QN_OK : qn_fail_nomem(err, reader->source->name);
}

static bool is_missing(const struct xlsx_reader *reader, const struct qn__xlsx_cell *cell)
{
    const char *text = cell->text;
    size_t size = cell->size;
    if (cell->kind != QN_XLSX_TEXT)
        return cell->kind == QN_XLSX_NONE;
    qn__trim(&text, &size);
    return qn__missing_has(&reader->missing, text, size);
}

static enum qn_status survey_cell(struct xlsx_reader *reader, const struct qn__xlsx_cell *cell,
                                  struct qn_error *err)
{
    enum qn_status status = QN_OK;
    if (!reader->any || cell->row != reader->last_row)
        status = begin_row(reader, cell->row, err);
    if (status == QN_OK)
        status = reach_column(reader, cell->column, err);
    if (status != QN_OK)
        return status;
    if (reader->row_count == 0)
        return take_name(reader, cell, err);
    reader->value_count++;
    if (!is_missing(reader, cell))
        reader->columns[cell->column].kinds |= QN_BIT(cell->kind);
    return QN_OK;
}

/* ---- Second pass: values into the table. ---- */

static enum qn_status store_cell(struct xlsx_reader *reader, const struct qn__xlsx_cell *cell,
                                 size_t row, struct qn_error *err)
{
    if (row >= reader->row_count || cell->column >= reader->column_end)
        return qn_fail(err, QN_IO, "%s changed while it was read", reader->source->name);
    const struct sheet_column *from = &reader->columns[cell->column];
    if (from->index < 0 || cell->kind == QN_XLSX_NONE)
        return QN_OK;
    struct qn_column *to = &reader->table->columns[from->index];
    if (from->lookup) {
        char scratch[QN_XLSX_TEXT_SIZE];
        size_t size;
        const char *text = qn__xlsx_cell_text(cell, scratch, &size);
        to->missing_count--;
        return qn_lookup_add(from->lookup, text, size, &to->values.code[row], err);
    }
    if (cell->kind == QN_XLSX_TEXT) /* a token for a missing value */
        return QN_OK;
    to->missing_count--;
    if (to->type == QN_TYPE_NUMBER)
        to->values.number[row] = cell->number;
    else if (to->type == QN_TYPE_DATETIME && cell->kind == QN_XLSX_DAY)
        to->values.integer[row] = cell->integer * INT64_C(86400000000);
    else
        to->values.integer[row] = cell->integer;
    return QN_OK;
}

/* Goes through all cells: the second time, when there is a table, fills it. */
static enum qn_status scan_sheet(struct xlsx_reader *reader, struct qn_error *err)
{
    const bool filling = reader->table != NULL;
    struct qn__xlsx_sheet sheet;
    struct qn__xlsx_cell cell;
    size_t row = 0;
    uint32_t sheet_row = UINT32_MAX;
    bool more = true, in_header = !reader->options->no_header;
    enum qn_status status = qn__xlsx_sheet_open(&reader->book, &sheet, err);
    while (status == QN_OK) {
        status = qn__xlsx_sheet_next(&sheet, &cell, &more, err);
        if (status != QN_OK || !more)
            break;
        if (cell.row != sheet_row && sheet_row != UINT32_MAX) {
            row += !in_header;
            in_header = false;
            if (row % QN_ROWS_PER_REPORT == 1)
                status = qn_progress_report(
                    reader->options->progress, "read", filling ? row + reader->row_count : row,
                    filling ? 2 * (uint64_t)reader->row_count : 0, "rows", err);
        }
        sheet_row = cell.row;
        if (status != QN_OK)
            break;
        if (!filling)
            status = survey_cell(reader, &cell, err);
        else if (!in_header)
            status = store_cell(reader, &cell, row, err);
    }
    reader->errors = sheet.errors;
    reader->unresolved = sheet.unresolved;
    qn__xlsx_sheet_close(&sheet);
    return status;
}

/* ---- From columns of the sheet to those of the table. ---- */

/* A few cells far apart would make a huge table of nothing. */
static enum qn_status check_extent(const struct xlsx_reader *reader, size_t column_count,
                                   struct qn_error *err)
{
    uint64_t cells = (uint64_t)reader->row_count * column_count;
    if (cells <= reader->options->memory_limit_bytes / sizeof(int64_t) ||
        cells / QN_SPARSE_TIMES <= reader->value_count)
        return QN_OK;
    return qn_fail(err, QN_INVALID,
                   "%s: sheet '%s' has %zu values spread over %zu rows and %zu columns; remove the "
                   "stray ones, or raise the memory limit",
                   reader->source->name, reader->book.sheet_name, reader->value_count,
                   reader->row_count, column_count);
}

static enum qn_status append_columns(struct xlsx_reader *reader, char **names, struct qn_error *err)
{
    enum qn_status status = QN_OK;
    for (size_t c = reader->column_first; status == QN_OK && c < reader->column_end; c++) {
        struct sheet_column *column = &reader->columns[c];
        struct qn_column *made;
        size_t number = c - reader->column_first;
        if (!qn__read_wants(reader->options, names[number], number))
            continue;
        column->index = (ptrdiff_t)reader->table->column_count;
        status = qn__table_append(reader->table, names[number], plain_type(column), &made, err);
        if (status == QN_OK && is_text(column))
            status = qn_lookup_create(&column->lookup, err);
    }
    return status;
}

static enum qn_status make_table(struct xlsx_reader *reader, char **names, size_t count,
                                 struct qn_error *err)
{
    const struct qn_read_options *options = reader->options;
    const char *name = reader->source->name;
    size_t wanted = 0;
    enum qn_status status = qn_table_create(name, reader->row_count, &reader->table, err);
    if (status == QN_OK)
        status = qn__names_fix(reader->table, names, count, options, err);
    if (status == QN_OK)
        status = qn__read_check_names(options, name, (const char *const *)names, count, err);
    for (size_t i = 0; status == QN_OK && i < count; i++)
        wanted += qn__read_wants(options, names[i], i);
    if (status == QN_OK)
        status = check_extent(reader, wanted, err);
    if (status == QN_OK)
        status = qn__table_reserve(reader->table, wanted, options, err);
    return status == QN_OK ? append_columns(reader, names, err) : status;
}

static enum qn_status name_columns(struct xlsx_reader *reader, struct qn_error *err)
{
    size_t count = reader->column_end - reader->column_first;
    char **names = QN_CALLOC(char *, count);
    enum qn_status status = QN_OK;
    if (!names)
        return qn_fail_nomem(err, reader->source->name);
    for (size_t i = 0; status == QN_OK && i < count; i++) {
        char number[32];
        const char *name = reader->columns[reader->column_first + i].name;
        snprintf(number, sizeof(number), "c%zu", i + 1);
        if (!name)
            name = reader->options->no_header ? number : "";
        names[i] = qn_strdup(name);
        if (!names[i])
            status = qn_fail_nomem(err, reader->source->name);
    }
    if (status == QN_OK)
        status = make_table(reader, names, count, err);
    for (size_t i = 0; i < count; i++)
        qn_free(names[i]);
    qn_free(names);
    return status;
}

/* Every cell is missing until a value comes. */
static void clear_columns(struct qn_table *table)
{
    for (size_t c = 0; c < table->column_count; c++) {
        struct qn_column *column = &table->columns[c];
        column->missing_count = table->row_count;
        for (size_t row = 0; row < table->row_count; row++) {
            if (qn_type_is_coded(column->type))
                column->values.code[row] = QN_MISSING_CODE;
            else if (column->type == QN_TYPE_NUMBER)
                column->values.number[row] = (double)NAN;
            else
                column->values.integer[row] = QN_MISSING_INTEGER;
        }
    }
}

/* "sheet 'Q1', cell C7" for messages. */
static void show_place(void *context, size_t row, size_t index, char *out, size_t out_size)
{
    const struct xlsx_reader *reader = context;
    const size_t most = 30;
    const char *name = reader->book.sheet_name;
    size_t size = strlen(name), low = 0, high = reader->run_count, column = reader->column_first;
    char shown[QN_SHOWN_SIZE], cell[QN_XLSX_NAME_SIZE];
    while (column < reader->column_end && reader->columns[column].index != (ptrdiff_t)index)
        column++;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (reader->runs[middle].row <= row)
            low = middle;
        else
            high = middle;
    }
    uint32_t sheet_row = reader->runs[low].sheet_row + (uint32_t)(row - reader->runs[low].row);
    qn__xlsx_cell_name(sheet_row, (uint32_t)column, cell);
    size_t kept = size > most ? qn_utf8_check(name, most) : size;
    qn__show(name, kept, shown);
    snprintf(out, out_size, "sheet '%s%s', cell %s", shown, kept < size ? "..." : "", cell);
}

static enum qn_status finish_column(struct xlsx_reader *reader, struct sheet_column *column,
                                    struct qn_error *err)
{
    const struct qn__where where = {.context = reader, .place = show_place};
    size_t index = (size_t)column->index;
    struct qn_column *to = &reader->table->columns[index];
    const struct qn_type_override *override = qn__read_override(reader->options, to->name, index);
    enum qn_status status = QN_OK;
    if (column->lookup)
        status = qn_lookup_take(column->lookup, &to->dictionary, err);
    if (status != QN_OK)
        return status;
    if (override)
        return qn__column_force(reader->table, index, override, reader->options, false, &where,
                                err);
    if (column->lookup)
        return qn__infer_text_column(reader->table, index, reader->options, false, &where, err);
    static const char *const kinds[] = {
        [QN_TYPE_BOOLEAN] = "true or false",   [QN_TYPE_INTEGER] = "whole numbers",
        [QN_TYPE_NUMBER] = "numbers",          [QN_TYPE_DATE] = "days",
        [QN_TYPE_DATETIME] = "days and times",
    };
    return qn__column_reason(to, err, "all %zu cells with a value are formatted as %s",
                             reader->row_count - to->missing_count, kinds[to->type]);
}

/* ---- The order of it all. ---- */

static enum qn_status note_fault(struct xlsx_reader *reader, const struct qn__xlsx_fault *fault,
                                 const char *what, struct qn_error *err)
{
    char cell[QN_XLSX_NAME_SIZE];
    if (fault->count == 0)
        return QN_OK;
    qn__xlsx_cell_name(fault->row, fault->column, cell);
    return qn_table_note(reader->table, err, "%zu cell%s %s: %s%s", fault->count,
                         fault->count == 1 ? "" : "s", what, cell, fault->count > 1 ? " ..." : "");
}

static enum qn_status note_all(struct xlsx_reader *reader, struct qn_error *err)
{
    char name[QN_SHOWN_SIZE];
    const struct qn__xlsx_book *book = &reader->book;
    enum qn_status status = QN_OK;
    qn__show(book->sheet_name, strlen(book->sheet_name), name);
    if (book->sheet_count > 1)
        status = qn_table_note(reader->table, err,
                               "the workbook has %zu sheets; the first visible one, '%s', is read",
                               book->sheet_count, name);
    if (status == QN_OK && !reader->options->no_header && reader->header_is_numbers)
        status = qn_table_note(reader->table, err,
                               "the first row, taken as the header, has only numbers; if the sheet "
                               "has no header, say --no-header");
    if (status == QN_OK && reader->empty_rows > 0)
        status = qn_table_note(reader->table, err, "%zu empty row%s left out: row %lu%s",
                               reader->empty_rows, reader->empty_rows == 1 ? "" : "s",
                               (unsigned long)reader->first_empty_row + 1,
                               reader->empty_rows > 1 ? " ..." : "");
    if (status == QN_OK)
        status = note_fault(reader, &reader->errors,
                            "with an error such as #DIV/0! taken as missing", err);
    if (status == QN_OK)
        status = note_fault(reader, &reader->unresolved,
                            "with a formula but no saved result taken as missing (open and save "
                            "the file in a spreadsheet program)",
                            err);
    return status;
}

static enum qn_status read_sheet(struct xlsx_reader *reader, struct qn_error *err)
{
    enum qn_status status = scan_sheet(reader, err);
    if (status == QN_OK && !reader->any)
        status = qn_fail(err, QN_INVALID, "%s: sheet '%s' is empty: there is not even a header",
                         reader->source->name, reader->book.sheet_name);
    if (status == QN_OK)
        status = name_columns(reader, err);
    if (status == QN_OK)
        status = note_all(reader, err);
    if (status != QN_OK)
        return status;
    clear_columns(reader->table);
    status = scan_sheet(reader, err);
    for (size_t c = 0; status == QN_OK && c < reader->column_end; c++) {
        if (reader->columns[c].index >= 0)
            status = finish_column(reader, &reader->columns[c], err);
    }
    return status;
}

enum qn_status qn__xlsx_read(const struct qn__source *source, const struct qn_read_options *options,
                             struct qn_table **out, struct qn_error *err)
{
    struct xlsx_reader reader = {
        .source = source, .options = options, .column_first = SIZE_MAX, .header_is_numbers = true};
    qn__missing_init(&reader.missing, options);
    enum qn_status status = qn__xlsx_book_open(source, options, &reader.book, err);
    if (status != QN_OK)
        return status;
    status = read_sheet(&reader, err);
    if (status == QN_OK) {
        *out = reader.table; /* Ownership moves to the caller. */
        reader.table = NULL;
    }
    for (size_t c = 0; c < reader.column_end; c++) {
        qn_free(reader.columns[c].name);
        qn_lookup_free(reader.columns[c].lookup);
    }
    qn_free(reader.columns);
    qn_free(reader.runs);
    qn_table_free(reader.table);
    qn__xlsx_book_close(&reader.book);
    return status;
}
