/* Cells of a table as the type that the recipe expects, whatever type the reader found. */
#include "prep/prep_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define QN_DAY_US INT64_C(86400000000)

/* Cells' text in messages and as levels made of numbers and dates. */
enum { QN_CELL_TEXT = 64 };

/* The first cell at or after `from` that is not missing; row_count when there is none. */
static size_t first_value(const struct qn__cells *cells, size_t from)
{
    while (from < cells->row_count &&
           qn_column_is_missing(cells->column, qn__cells_row(cells, from)))
        from++;
    return from;
}

static enum qn_status wrong_type(const struct qn__cells *cells, size_t i, const char *wanted,
                                 struct qn_error *err)
{
    char value[QN_CELL_TEXT];
    size_t row = qn__cells_row(cells, i);
    qn_column_format(cells->column, row, value, sizeof(value));
    return qn_fail(err, QN_INVALID,
                   "%s: column '%s', row %zu: '%s' is not %s, as the recipe expects",
                   cells->table_name, cells->column->name, row + 1, value, wanted);
}

/* A dictionary's entry as a number: what a reader takes for one, or a boolean's word. */
static double parse_entry(const struct qn_dictionary *dictionary, int32_t code)
{
    static const struct {
        const char *text;
        double value;
    } words[] = {{"true", 1},  {"yes", 1}, {"t", 1}, {"y", 1},
                 {"false", 0}, {"no", 0},  {"f", 0}, {"n", 0}};
    size_t size = 0;
    const char *text = qn_dictionary_text(dictionary, code, &size);
    double value;
    if (qn_parse_double(text, size, &value))
        return value;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strlen(words[i].text) == size && strncasecmp(words[i].text, text, size) == 0)
            return words[i].value;
    }
    return NAN;
}

static enum qn_status numbers_of_texts(const struct qn__cells *cells, double *out,
                                       struct qn_error *err)
{
    const struct qn_dictionary *dictionary = &cells->column->dictionary;
    double *parsed = QN_ALLOC(double, dictionary->count);
    if (!parsed)
        return qn_fail_nomem(err, "prepare");
    for (size_t code = 0; code < dictionary->count; code++)
        parsed[code] = parse_entry(dictionary, (int32_t)code);
    enum qn_status status = QN_OK;
    for (size_t i = 0; i < cells->row_count; i++) {
        int32_t code = cells->column->values.code[qn__cells_row(cells, i)];
        out[i] = code < 0 ? NAN : parsed[code];
        if (code >= 0 && isnan(out[i])) {
            status = wrong_type(cells, i, "a number", err);
            break;
        }
    }
    qn_free(parsed);
    return status;
}

bool qn__cells_lend(const struct qn__cells *cells)
{
    return cells->column->type == QN_TYPE_NUMBER && !cells->rows;
}

enum qn_status qn__cells_numbers(const struct qn__cells *cells, double *out, struct qn_error *err)
{
    const struct qn_column *column = cells->column;
    switch (column->type) {
    case QN_TYPE_NUMBER:
        for (size_t i = 0; i < cells->row_count; i++)
            out[i] = column->values.number[qn__cells_row(cells, i)];
        return QN_OK;
    case QN_TYPE_BOOLEAN:
    case QN_TYPE_INTEGER:
        for (size_t i = 0; i < cells->row_count; i++) {
            int64_t value = column->values.integer[qn__cells_row(cells, i)];
            out[i] = value == QN_MISSING_INTEGER ? NAN : (double)value;
        }
        return QN_OK;
    case QN_TYPE_CATEGORY:
    case QN_TYPE_TEXT:
        return numbers_of_texts(cells, out, err);
    case QN_TYPE_DATE:
    case QN_TYPE_DATETIME:
        break;
    }
    size_t at = first_value(cells, 0);
    if (at < cells->row_count)
        return wrong_type(cells, at, "a number", err);
    for (size_t i = 0; i < cells->row_count; i++)
        out[i] = NAN;
    return QN_OK;
}

enum qn_status qn__cells_check_dates(const struct qn__cells *cells, struct qn_error *err)
{
    if (qn__stream_of(cells->column->type) == QN__STREAM_DATE)
        return QN_OK;
    size_t at = first_value(cells, 0);
    return at < cells->row_count ? wrong_type(cells, at, "a date", err) : QN_OK;
}

struct qn__moment qn__cells_moment(const struct qn__cells *cells, size_t i)
{
    const struct qn_column *column = cells->column;
    if (qn__stream_of(column->type) != QN__STREAM_DATE)
        return (struct qn__moment){QN_MISSING_INTEGER, 0}; /* Checked: all are missing. */
    int64_t value = column->values.integer[qn__cells_row(cells, i)];
    if (value == QN_MISSING_INTEGER || column->type == QN_TYPE_DATE)
        return (struct qn__moment){value, 0};
    int64_t day = value / QN_DAY_US, rest = value % QN_DAY_US;
    if (rest < 0) {
        day--;
        rest += QN_DAY_US;
    }
    return (struct qn__moment){day, rest};
}

/* A dictionary of the texts of cells that are not texts. */
static enum qn_status codes_of_values(const struct qn__cells *cells, struct qn__codes *out,
                                      struct qn_error *err)
{
    struct qn_lookup *lookup = NULL;
    enum qn_status status = qn_lookup_create(&lookup, err);
    for (size_t i = 0; status == QN_OK && i < cells->row_count; i++) {
        size_t row = qn__cells_row(cells, i);
        char text[QN_CELL_TEXT];
        out->codes[i] = QN_MISSING_CODE;
        if (qn_column_is_missing(cells->column, row))
            continue;
        size_t size = qn_column_format(cells->column, row, text, sizeof(text));
        status = qn_lookup_add(lookup, text, size, &out->codes[i], err);
    }
    if (status == QN_OK)
        status = qn_lookup_take(lookup, &out->made, err);
    qn_lookup_free(lookup);
    return status;
}

enum qn_status qn__cells_codes(const struct qn__cells *cells, struct qn__codes *out,
                               struct qn_error *err)
{
    *out = (struct qn__codes){0};
    out->codes = QN_ALLOC(int32_t, cells->row_count);
    if (!out->codes)
        return qn_fail_nomem(err, "prepare");
    if (!qn_type_is_coded(cells->column->type)) {
        enum qn_status status = codes_of_values(cells, out, err);
        out->dictionary = &out->made;
        if (status != QN_OK)
            qn__codes_release(out);
        return status;
    }
    for (size_t i = 0; i < cells->row_count; i++)
        out->codes[i] = cells->column->values.code[qn__cells_row(cells, i)];
    out->dictionary = &cells->column->dictionary;
    return QN_OK;
}

void qn__codes_release(struct qn__codes *codes)
{
    qn_free(codes->codes);
    qn_free(codes->made.offsets);
    qn_free(codes->made.bytes);
    *codes = (struct qn__codes){0};
}
