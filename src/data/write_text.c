/* Cells as delimited text and as JSON. */
#include "data/write_internal.h"

#include "base/clock.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { QN_CELL_SIZE = 64 };

/* Writes value in decimal, with at least `digits` digits, and returns the end. */
static char *put_digits(char *to, uint64_t value, int digits)
{
    char reversed[24];
    int count = 0;
    do {
        reversed[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count < digits)
        reversed[count++] = '0';
    while (count > 0)
        *to++ = reversed[--count];
    return to;
}

static char *put_integer(char *to, int64_t value)
{
    if (value < 0)
        *to++ = '-';
    return put_digits(to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);
}

static char *put_date(char *to, int64_t days)
{
    int year, month, day;
    qn_civil_from_days(days, &year, &month, &day);
    to = put_digits(to, (uint64_t)year, 4);
    *to++ = '-';
    to = put_digits(to, (uint64_t)month, 2);
    *to++ = '-';
    return put_digits(to, (uint64_t)day, 2);
}

/* "T10:00:00Z", with three or six digits of a fraction when there is one. */
static char *put_time(char *to, int64_t us)
{
    uint64_t fraction = (uint64_t)us % 1000000, seconds = (uint64_t)us / 1000000;
    *to++ = 'T';
    to = put_digits(to, seconds / 3600, 2);
    *to++ = ':';
    to = put_digits(to, seconds / 60 % 60, 2);
    *to++ = ':';
    to = put_digits(to, seconds % 60, 2);
    if (fraction != 0) {
        bool whole_millis = fraction % 1000 == 0;
        *to++ = '.';
        to = put_digits(to, whole_millis ? fraction / 1000 : fraction, whole_millis ? 3 : 6);
    }
    *to++ = 'Z';
    return to;
}

/* The text of a value that is neither coded nor missing; returns its size. The same as
 * qn_column_format() gives, without the snprintf() that would take most of the time. */
static size_t put_value(const struct qn_column *column, size_t row, char text[QN_CELL_SIZE])
{
    static const int64_t day_us = 86400000000, first_year = -719528, last_year = 2932896;
    int64_t value = column->type == QN_TYPE_NUMBER ? 0 : column->values.integer[row];
    if (column->type == QN_TYPE_INTEGER)
        return (size_t)(put_integer(text, value) - text);
    if (column->type == QN_TYPE_NUMBER)
        return qn__number_text(column->values.number[row], text);
    if (column->type == QN_TYPE_DATE && value >= first_year && value <= last_year)
        return (size_t)(put_date(text, value) - text);
    if (column->type == QN_TYPE_DATETIME && value >= first_year * day_us &&
        value < (last_year + 1) * day_us) {
        int64_t days = value / day_us - (value % day_us < 0);
        return (size_t)(put_time(put_date(text, days), value - days * day_us) - text);
    }
    return qn_column_format(column, row, text, QN_CELL_SIZE);
}

/* ---- Delimited text. ---- */

/* Whether a reader that trims spaces would take the text for something else when it stands bare. */
static bool needs_quotes(const char *text, size_t size, char delimiter)
{
    if (size == 0 || text[0] == ' ' || text[0] == '\t' || text[size - 1] == ' ' ||
        text[size - 1] == '\t' || (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0))
        return true;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == delimiter || c == '"' || c == '\n' || c == '\r')
            return true;
    }
    return false;
}

static void add_field(struct qn_buffer *out, const char *text, size_t size, char delimiter)
{
    if (!needs_quotes(text, size, delimiter)) {
        qn_buffer_append(out, text, size);
        return;
    }
    qn_buffer_char(out, '"');
    const char *end = text + size;
    while (text < end) {
        const char *quote = memchr(text, '"', (size_t)(end - text));
        const char *stop = quote ? quote + 1 : end;
        qn_buffer_append(out, text, (size_t)(stop - text));
        if (quote)
            qn_buffer_char(out, '"');
        text = stop;
    }
    qn_buffer_char(out, '"');
}

void qn__csv_header(const struct qn_table *table, char delimiter, struct qn_buffer *out)
{
    for (size_t c = 0; c < table->column_count; c++) {
        const char *name = table->columns[c].name;
        if (c > 0)
            qn_buffer_char(out, delimiter);
        add_field(out, name, strlen(name), delimiter);
    }
    qn_buffer_char(out, '\n');
}

static void add_csv_cell(const struct qn_column *column, size_t row, char delimiter,
                         struct qn_buffer *out)
{
    char text[QN_CELL_SIZE];
    if (qn_column_is_missing(column, row))
        return;
    if (!qn_type_is_coded(column->type)) {
        qn_buffer_append(out, text, put_value(column, row, text));
        return;
    }
    size_t size;
    const char *at = qn_dictionary_text(&column->dictionary, column->values.code[row], &size);
    add_field(out, at, size, delimiter);
}

void qn__csv_rows(const struct qn_table *table, char delimiter, size_t first, size_t last,
                  struct qn_buffer *out)
{
    for (size_t row = first; row < last && !out->failed; row++) {
        for (size_t c = 0; c < table->column_count; c++) {
            if (c > 0)
                qn_buffer_char(out, delimiter);
            add_csv_cell(&table->columns[c], row, delimiter, out);
        }
        qn_buffer_char(out, '\n');
    }
}

/* ---- JSON. ---- */

static void add_json_string(struct qn_buffer *out, const char *text, size_t size)
{
    static const char hexadecimal[] = "0123456789abcdef";
    qn_buffer_char(out, '"');
    size_t from = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        qn_buffer_append(out, text + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\') {
            char escape[2] = {'\\', (char)c};
            qn_buffer_append(out, escape, sizeof(escape));
        } else if (c == '\n') {
            qn_buffer_append(out, "\\n", 2);
        } else if (c == '\t') {
            qn_buffer_append(out, "\\t", 2);
        } else {
            char escape[6] = {'\\', 'u', '0', '0', hexadecimal[c >> 4], hexadecimal[c & 15]};
            qn_buffer_append(out, escape, sizeof(escape));
        }
    }
    qn_buffer_append(out, text + from, size - from);
    qn_buffer_char(out, '"');
}

/* A number that JSON readers take for a real one: 5 is "5.0". JSON has no infinities; 1e999 is
 * well-formed and reads as one. */
static void add_json_number(struct qn_buffer *out, const struct qn_column *column, size_t row)
{
    char text[QN_CELL_SIZE];
    double value = column->values.number[row];
    if (isinf(value)) {
        qn_buffer_text(out, value > 0 ? "1e999" : "-1e999");
        return;
    }
    size_t size = put_value(column, row, text);
    bool whole = true;
    for (size_t i = 0; i < size; i++)
        whole = whole && text[i] != '.' && text[i] != 'e';
    qn_buffer_append(out, text, size);
    if (whole)
        qn_buffer_append(out, ".0", 2);
}

static void add_json_cell(const struct qn_column *column, size_t row, struct qn_buffer *out)
{
    char text[QN_CELL_SIZE];
    if (qn_column_is_missing(column, row)) {
        qn_buffer_append(out, "null", 4);
        return;
    }
    switch (column->type) {
    case QN_TYPE_CATEGORY:
    case QN_TYPE_TEXT: {
        size_t size;
        const char *at = qn_dictionary_text(&column->dictionary, column->values.code[row], &size);
        add_json_string(out, at, size);
        break;
    }
    case QN_TYPE_NUMBER:
        add_json_number(out, column, row);
        break;
    case QN_TYPE_BOOLEAN:
    case QN_TYPE_INTEGER:
        qn_buffer_append(out, text, put_value(column, row, text));
        break;
    case QN_TYPE_DATE:
    case QN_TYPE_DATETIME:
        add_json_string(out, text, put_value(column, row, text));
        break;
    }
}

void qn__jsonl_rows(const struct qn_table *table, size_t first, size_t last, struct qn_buffer *out)
{
    for (size_t row = first; row < last && !out->failed; row++) {
        for (size_t c = 0; c < table->column_count; c++) {
            const struct qn_column *column = &table->columns[c];
            qn_buffer_char(out, c == 0 ? '{' : ',');
            add_json_string(out, column->name, strlen(column->name));
            qn_buffer_char(out, ':');
            add_json_cell(column, row, out);
        }
        qn_buffer_append(out, "}\n", 2);
    }
}
