/* The sheet as a sequence of typed cells. Dates are numbers whose format says so: days since an
 * epoch, with the time of day as the fraction (ECMA-376 part 1, 18.17.4). */
#include "data/xlsx_internal.h"

#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    QN_DAY_MS = 86400000,
    QN_EPOCH_1900 = 25569, /* serial number of 1970-01-01 */
    QN_EPOCH_1904 = 24107,
    QN_FALSE_LEAP_DAY = 60, /* 1900-02-29, which never was; days before it are off by one */
};
#define QN_EXACT_MOST 9007199254740992.0 /* 2^53 */
#define QN_SERIAL_1900_END 2958466.0     /* 10000-01-01 */
#define QN_SERIAL_1904_END 2957004.0

void qn__xlsx_cell_name(uint32_t row, uint32_t column, char out[QN_XLSX_NAME_SIZE])
{
    char letters[8];
    size_t count = 0;
    for (uint32_t left = column + 1; left > 0 && count < sizeof(letters); left = (left - 1) / 26)
        letters[count++] = (char)('A' + (left - 1) % 26);
    size_t at = 0;
    while (count > 0)
        out[at++] = letters[--count];
    snprintf(out + at, QN_XLSX_NAME_SIZE - at, "%lu", (unsigned long)row + 1);
}

static enum qn_status fail_cell(const struct qn__xlsx_sheet *sheet,
                                const struct qn__xlsx_cell *cell, struct qn_error *err,
                                const char *format, ...) QN_PRINTF(4, 5);

static enum qn_status fail_cell(const struct qn__xlsx_sheet *sheet,
                                const struct qn__xlsx_cell *cell, struct qn_error *err,
                                const char *format, ...)
{
    char what[QN_ERROR_SIZE], name[QN_SHOWN_SIZE], cell_name[QN_XLSX_NAME_SIZE];
    const struct qn__xlsx_book *book = sheet->book;
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    qn__show(book->sheet_name, strlen(book->sheet_name), name);
    qn__xlsx_cell_name(cell->row, cell->column, cell_name);
    return qn_fail(err, QN_INVALID, "%s, sheet '%s', cell %s: %s", book->source->name, name,
                   cell_name, what);
}

static void count_fault(struct qn__xlsx_fault *fault, const struct qn__xlsx_cell *cell)
{
    if (fault->count++ == 0) {
        fault->row = cell->row;
        fault->column = cell->column;
    }
}

/* ---- Where a cell is ---- */

/* "5", from 1, into *out, from 0. */
static bool read_row(const char *text, size_t size, uint32_t *out)
{
    int64_t value;
    if (!qn_parse_int64(text, size, &value) || value < 1 || value > QN_XLSX_ROW_LIMIT)
        return false;
    *out = (uint32_t)value - 1;
    return true;
}

/* "C5". */
static bool read_place(const struct qn__xml_slice *slice, uint32_t *row, uint32_t *column)
{
    uint32_t value = 0;
    size_t at = 0;
    for (; at < slice->size && at < 3 && slice->at[at] >= 'A' && slice->at[at] <= 'Z'; at++)
        value = value * 26 + (uint32_t)(slice->at[at] - 'A') + 1;
    if (value < 1 || value > QN_XLSX_COLUMN_LIMIT)
        return false;
    *column = value - 1;
    return read_row(slice->at + at, slice->size - at, row);
}

/* ---- Numbers and dates ---- */

/* Milliseconds since 1970 of a serial number: those are what spreadsheet programs keep. false when
 * it is not a moment of the calendar. */
static bool serial_ms(double serial, bool epoch_1904, int64_t *out)
{
    double first = epoch_1904 ? 0 : 1, end = epoch_1904 ? QN_SERIAL_1904_END : QN_SERIAL_1900_END;
    if (!(serial >= first && serial < end))
        return false;
    int64_t ms = (int64_t)floor(serial * QN_DAY_MS + 0.5);
    int64_t day = ms / QN_DAY_MS;
    if ((double)day >= end || (!epoch_1904 && day == QN_FALSE_LEAP_DAY))
        return false;
    int64_t epoch = epoch_1904 ? QN_EPOCH_1904 : QN_EPOCH_1900;
    if (!epoch_1904 && day < QN_FALSE_LEAP_DAY)
        epoch--;
    *out = ms - epoch * QN_DAY_MS;
    return true;
}

/* "13:45:00", "23:59:58.12". */
static bool take_time(struct qn__xlsx_sheet *sheet, double serial, struct qn__xlsx_cell *cell)
{
    char *text = sheet->time;
    long ms = (long)floor(serial * QN_DAY_MS + 0.5);
    if (ms >= QN_DAY_MS)
        return false;
    int size = snprintf(text, sizeof(sheet->time), "%02ld:%02ld:%02ld.%03ld", ms / 3600000,
                        ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
    while (text[size - 1] == '0')
        size--;
    size = text[size - 1] == '.' ? size - 1 : size;
    size = size < 8 ? 8 : size;
    cell->kind = QN_XLSX_TEXT;
    cell->text = text;
    cell->size = (size_t)size;
    return true;
}

static bool take_date(struct qn__xlsx_sheet *sheet, enum qn__xlsx_format format, double serial,
                      struct qn__xlsx_cell *cell)
{
    int64_t ms;
    if (format == QN_XLSX_TIME && serial >= 0 && serial < 1)
        return take_time(sheet, serial, cell);
    if (!serial_ms(serial, sheet->book->epoch_1904, &ms))
        return false;
    bool whole = ms % QN_DAY_MS == 0;
    cell->kind = format == QN_XLSX_DATE && whole ? QN_XLSX_DAY : QN_XLSX_MOMENT;
    cell->integer = cell->kind == QN_XLSX_DAY ? ms / QN_DAY_MS : ms * 1000;
    return true;
}

static enum qn_status take_number(struct qn__xlsx_sheet *sheet, uint32_t style,
                                  struct qn__xlsx_cell *cell, struct qn_error *err)
{
    const struct qn_buffer *text = &sheet->text;
    const struct qn__xlsx_book *book = sheet->book;
    double number;
    char shown[QN_SHOWN_SIZE];
    qn__show(text->bytes, text->size, shown);
    if (!qn_parse_double(text->bytes, text->size, &number) || !isfinite(number))
        return fail_cell(sheet, cell, err, "'%s' is not a number", shown);
    enum qn__xlsx_format format =
        style < book->style_count ? (enum qn__xlsx_format)book->styles[style] : QN_XLSX_PLAIN;
    if (format != QN_XLSX_PLAIN && take_date(sheet, format, number, cell))
        return QN_OK;
    cell->number = number;
    cell->kind = QN_XLSX_INTEGER;
    if (qn_parse_int64(text->bytes, text->size, &cell->integer) &&
        cell->integer != QN_MISSING_INTEGER)
        return QN_OK;
    if (floor(number) == number && fabs(number) <= QN_EXACT_MOST)
        cell->integer = (int64_t)number;
    else
        cell->kind = QN_XLSX_REAL;
    return QN_OK;
}

/* Dates of the Strict variant are written in ISO 8601; times of day alone stay texts. */
static void take_iso(struct qn__xlsx_cell *cell)
{
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z",
                                          "%Y-%m-%dT%H:%M"};
    cell->kind = QN_XLSX_DAY;
    if (qn__date_read("%Y-%m-%d", cell->text, cell->size, &cell->integer))
        return;
    cell->kind = QN_XLSX_MOMENT;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (qn__date_read(formats[i], cell->text, cell->size, &cell->integer))
            return;
    }
    cell->kind = QN_XLSX_TEXT;
}

/* ---- Cells ---- */

enum cell_type {
    QN_CELL_NUMBER,
    QN_CELL_BOOLEAN,
    QN_CELL_ERROR,
    QN_CELL_SHARED,
    QN_CELL_STRING, /* of a formula */
    QN_CELL_INLINE,
    QN_CELL_ISO,
    QN_CELL_TYPE_COUNT,
};

static enum cell_type read_type(const struct qn__xml_slice *slice)
{
    static const char *const names[] = {"n", "b", "e", "s", "str", "inlineStr", "d"};
    if (!slice)
        return QN_CELL_NUMBER;
    for (int i = 0; i < QN_CELL_TYPE_COUNT; i++) {
        if (qn__slice_is(slice, names[i]))
            return (enum cell_type)i;
    }
    return QN_CELL_TYPE_COUNT;
}

static enum qn_status take_shared(const struct qn__xlsx_sheet *sheet, struct qn__xlsx_cell *cell,
                                  struct qn_error *err)
{
    const struct qn__xlsx_book *book = sheet->book;
    int64_t index;
    if (!qn_parse_int64(sheet->text.bytes, sheet->text.size, &index) || index < 0 ||
        (uint64_t)index >= book->string_count)
        return fail_cell(sheet, cell, err,
                         "its text is missing among the shared strings; open and save the file "
                         "again in a spreadsheet program");
    uint64_t from = index > 0 ? book->string_ends[index - 1] : 0;
    cell->kind = QN_XLSX_TEXT;
    cell->size = (size_t)(book->string_ends[index] - from);
    cell->text = cell->size > 0 ? book->strings.bytes + from : "";
    return QN_OK;
}

/* What stands in sheet->text becomes the value of the cell. */
static enum qn_status take_value(struct qn__xlsx_sheet *sheet, enum cell_type type, uint32_t style,
                                 struct qn__xlsx_cell *cell, struct qn_error *err)
{
    const struct qn_buffer *text = &sheet->text;
    cell->text = text->bytes;
    cell->size = text->size;
    cell->kind = QN_XLSX_TEXT;
    switch (type) {
    case QN_CELL_NUMBER:
        return take_number(sheet, style, cell, err);
    case QN_CELL_SHARED:
        return take_shared(sheet, cell, err);
    case QN_CELL_ISO:
        take_iso(cell);
        return QN_OK;
    case QN_CELL_BOOLEAN:
        if (text->size != 1 || (text->bytes[0] != '0' && text->bytes[0] != '1'))
            return fail_cell(sheet, cell, err, "it says neither true (1) nor false (0)");
        cell->kind = QN_XLSX_BOOLEAN;
        cell->integer = text->bytes[0] == '1';
        return QN_OK;
    case QN_CELL_ERROR:
        cell->kind = QN_XLSX_NONE;
        if (strcmp(text->bytes, "#N/A") != 0)
            count_fault(&sheet->errors, cell);
        return QN_OK;
    default:
        return QN_OK;
    }
}

/* Goes through the children of <c>, up to its end: the value into sheet->text. */
static enum qn_status read_children(struct qn__xlsx_sheet *sheet, enum cell_type type,
                                    bool *has_formula, struct qn_error *err)
{
    struct qn__xml *xml = &sheet->xml;
    const size_t depth = xml->depth;
    bool found = true;
    enum qn_status status = QN_OK;
    qn_buffer_clear(&sheet->text);
    while (status == QN_OK && found) {
        status = qn__xml_child(xml, depth, &found, err);
        if (status != QN_OK || !found)
            break;
        *has_formula |= qn__xml_is(xml, "f");
        if (qn__xml_is(xml, "v") && type != QN_CELL_INLINE)
            status = qn__xml_text(xml, &sheet->text, err);
        else if (qn__xml_is(xml, "is") && type == QN_CELL_INLINE)
            status = qn__xlsx_string(xml, &sheet->text, err);
    }
    return status;
}

/* Row and column of the cell whose start tag came last: given, or next to the one before. */
static enum qn_status place_cell(struct qn__xlsx_sheet *sheet, struct qn__xlsx_cell *cell,
                                 struct qn_error *err)
{
    const struct qn__xml_slice *place = qn__xml_attribute(&sheet->xml, "r", false);
    cell->row = sheet->row;
    cell->column = sheet->next_column;
    if (place && !read_place(place, &cell->row, &cell->column)) {
        char shown[QN_SHOWN_SIZE];
        qn__show(place->at, place->size, shown);
        return qn__xml_fail(&sheet->xml, err, "there is no cell '%s'", shown);
    }
    if (cell->row != sheet->row || cell->column < sheet->next_column)
        return fail_cell(sheet, cell, err, "it comes twice, or in the wrong place");
    if (cell->column >= QN_XLSX_COLUMN_LIMIT)
        return fail_cell(sheet, cell, err, "a sheet has at most %d columns", QN_XLSX_COLUMN_LIMIT);
    sheet->next_column = cell->column + 1;
    return QN_OK;
}

/* Reads <c>, whose start tag came last. *filled is false when the cell is empty. */
static enum qn_status read_cell(struct qn__xlsx_sheet *sheet, struct qn__xlsx_cell *cell,
                                bool *filled, struct qn_error *err)
{
    *cell = (struct qn__xlsx_cell){0};
    *filled = false;
    enum qn_status status = place_cell(sheet, cell, err);
    if (status != QN_OK)
        return status;
    const struct qn__xml_slice *given = qn__xml_attribute(&sheet->xml, "s", false);
    enum cell_type type = read_type(qn__xml_attribute(&sheet->xml, "t", false));
    int64_t style = 0;
    if (type == QN_CELL_TYPE_COUNT)
        return fail_cell(sheet, cell, err, "its type is not known");
    if (given &&
        (!qn_parse_int64(given->at, given->size, &style) || style < 0 || style > UINT32_MAX))
        return fail_cell(sheet, cell, err, "its format is not a number");
    bool has_formula = false;
    status = read_children(sheet, type, &has_formula, err);
    if (status != QN_OK)
        return status;
    if (sheet->text.size == 0) {
        if (has_formula && type != QN_CELL_STRING) {
            *filled = true;
            count_fault(&sheet->unresolved, cell);
        }
        return QN_OK;
    }
    status = take_value(sheet, type, (uint32_t)style, cell, err);
    size_t limit = sheet->book->options->field_limit_bytes;
    if (status == QN_OK && cell->kind == QN_XLSX_TEXT && cell->size > limit)
        return fail_cell(sheet, cell, err, "a text of %zu bytes is longer than the limit of %zu",
                         cell->size, limit);
    *filled = cell->kind != QN_XLSX_TEXT || cell->size > 0;
    return status;
}

/* ---- Rows ---- */

enum qn_status qn__xlsx_sheet_open(const struct qn__xlsx_book *book, struct qn__xlsx_sheet *out,
                                   struct qn_error *err)
{
    *out = (struct qn__xlsx_sheet){.book = book};
    qn_buffer_init(&out->text, SIZE_MAX);
    const struct qn__zip_entry *entry = qn__zip_find(&book->zip, book->sheet_part);
    if (!entry)
        return qn_fail(err, QN_CORRUPT,
                       "%s: the part of sheet '%s' is missing; open and save the file again in a "
                       "spreadsheet program",
                       book->source->name, book->sheet_name);
    size_t memory = book->options->memory_limit_bytes;
    size_t limit = memory > SIZE_MAX / (2 * QN_XLSX_SHEET_TIMES)
                       ? SIZE_MAX
                       : QN_XLSX_PART_BYTES + QN_XLSX_SHEET_TIMES * memory;
    enum qn_status status =
        qn__xml_open(&out->xml, &book->zip, entry, book->sheet_part, limit, err);
    bool found = false;
    if (status == QN_OK)
        status = qn__xml_child(&out->xml, 0, &found, err);
    if (status == QN_OK && found && !qn__xml_is(&out->xml, "worksheet"))
        return qn__xml_fail(&out->xml, err, "it is not a sheet of cells");
    while (status == QN_OK && found) {
        status = qn__xml_child(&out->xml, 1, &found, err);
        if (status == QN_OK && found && qn__xml_is(&out->xml, "sheetData")) {
            out->rows_depth = out->xml.depth;
            break;
        }
    }
    return status;
}

void qn__xlsx_sheet_close(struct qn__xlsx_sheet *sheet)
{
    qn__xml_close(&sheet->xml);
    qn_buffer_release(&sheet->text);
}

/* Goes to the next <row>; sheet->in_row is false when there is none. */
static enum qn_status next_row(struct qn__xlsx_sheet *sheet, struct qn_error *err)
{
    struct qn__xml *xml = &sheet->xml;
    bool found;
    do {
        enum qn_status status = qn__xml_child(xml, sheet->rows_depth, &found, err);
        if (status != QN_OK)
            return status;
    } while (found && !qn__xml_is(xml, "row"));
    sheet->in_row = found;
    if (!found)
        return QN_OK;
    const struct qn__xml_slice *given = qn__xml_attribute(xml, "r", false);
    sheet->row = sheet->next_row;
    if (given && !read_row(given->at, given->size, &sheet->row))
        return qn__xml_fail(xml, err, "a row has a number outside 1 to %d", QN_XLSX_ROW_LIMIT);
    if (sheet->row < sheet->next_row)
        return qn__xml_fail(xml, err, "row %lu comes twice, or in the wrong place",
                            (unsigned long)sheet->row + 1);
    if (sheet->row >= QN_XLSX_ROW_LIMIT)
        return qn__xml_fail(xml, err, "a sheet has at most %d rows", QN_XLSX_ROW_LIMIT);
    sheet->next_row = sheet->row + 1;
    sheet->next_column = 0;
    return QN_OK;
}

/* Behind the rows: the rest must be well-formed and the checksum right. */
static enum qn_status finish(struct qn__xlsx_sheet *sheet, struct qn_error *err)
{
    enum qn_status status = QN_OK;
    while (status == QN_OK && sheet->xml.event != QN_XML_EOF)
        status = qn__xml_next(&sheet->xml, err);
    return status;
}

enum qn_status qn__xlsx_sheet_next(struct qn__xlsx_sheet *sheet, struct qn__xlsx_cell *cell,
                                   bool *more, struct qn_error *err)
{
    bool filled = false;
    *more = false;
    while (sheet->rows_depth > 0 && !filled) {
        enum qn_status status = QN_OK;
        if (!sheet->in_row) {
            status = next_row(sheet, err);
            if (status != QN_OK)
                return status;
            if (!sheet->in_row)
                break;
        }
        status = qn__xml_child(&sheet->xml, sheet->rows_depth + 1, &sheet->in_row, err);
        if (status == QN_OK && sheet->in_row && qn__xml_is(&sheet->xml, "c"))
            status = read_cell(sheet, cell, &filled, err);
        if (status != QN_OK)
            return status;
    }
    *more = filled;
    return filled ? QN_OK : finish(sheet, err);
}

/* ---- Texts of cells ---- */

static int put_date(int64_t days, char text[QN_XLSX_TEXT_SIZE])
{
    int year, month, day;
    qn_civil_from_days(days, &year, &month, &day);
    return snprintf(text, QN_XLSX_TEXT_SIZE, "%04d-%02d-%02d", year, month, day);
}

static int put_moment(int64_t us, char text[QN_XLSX_TEXT_SIZE])
{
    const int64_t day_us = (int64_t)QN_DAY_MS * 1000;
    int64_t days = us / day_us - (us % day_us < 0);
    long ms = (long)((us - days * day_us) / 1000);
    int size = put_date(days, text);
    size += snprintf(text + size, QN_XLSX_TEXT_SIZE - (size_t)size, "T%02ld:%02ld:%02ld",
                     ms / 3600000, ms / 60000 % 60, ms / 1000 % 60);
    if (ms % 1000 != 0)
        size += snprintf(text + size, QN_XLSX_TEXT_SIZE - (size_t)size, ".%03ld", ms % 1000);
    return size + snprintf(text + size, QN_XLSX_TEXT_SIZE - (size_t)size, "Z");
}

const char *qn__xlsx_cell_text(const struct qn__xlsx_cell *cell, char scratch[QN_XLSX_TEXT_SIZE],
                               size_t *size_out)
{
    int size = 0;
    scratch[0] = '\0';
    switch (cell->kind) {
    case QN_XLSX_TEXT:
        *size_out = cell->size;
        return cell->text;
    case QN_XLSX_BOOLEAN:
        size = snprintf(scratch, QN_XLSX_TEXT_SIZE, "%s", cell->integer ? "true" : "false");
        break;
    case QN_XLSX_INTEGER:
        size = snprintf(scratch, QN_XLSX_TEXT_SIZE, "%lld", (long long)cell->integer);
        break;
    case QN_XLSX_REAL:
        qn_format_double(cell->number, scratch);
        size = (int)strlen(scratch);
        break;
    case QN_XLSX_DAY:
        size = put_date(cell->integer, scratch);
        break;
    case QN_XLSX_MOMENT:
        size = put_moment(cell->integer, scratch);
        break;
    default:
        break;
    }
    *size_out = (size_t)size;
    return scratch;
}
