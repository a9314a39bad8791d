/* Columns turned into the type that the user asked for. */
#include "data/infer_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <math.h>

#define QN_DAY_US INT64_C(86400000000)

/* Any column as texts, as a CSV would show them. */
static enum qn_status make_coded(struct qn_table *table, size_t index, struct qn_error *err)
{
    struct qn_column *column = &table->columns[index];
    struct qn_lookup *lookup = NULL;
    struct qn_dictionary dictionary = {0};
    int32_t *codes = QN_ALLOC(int32_t, table->row_count);
    if (!codes)
        return qn_fail_nomem(err, "table column");
    enum qn_status status = qn_lookup_create(&lookup, err);
    for (size_t row = 0; status == QN_OK && row < table->row_count; row++) {
        char text[64];
        codes[row] = QN_MISSING_CODE;
        if (qn_column_is_missing(column, row))
            continue;
        size_t size = qn_column_format(column, row, text, sizeof(text));
        status = qn_lookup_add(lookup, text, size, &codes[row], err);
    }
    if (status == QN_OK)
        status = qn_lookup_take(lookup, &dictionary, err);
    if (status == QN_OK) {
        size_t missing_count = column->missing_count;
        status = qn__column_reset(table, index, QN_TYPE_TEXT, err);
        if (status == QN_OK) {
            memcpy(column->values.any, codes, table->row_count * sizeof(*codes));
            column->dictionary = dictionary;
            column->missing_count = missing_count;
            dictionary = (struct qn_dictionary){0};
        }
    }
    qn__dictionary_release(&dictionary);
    qn_lookup_free(lookup);
    qn_free(codes);
    return status;
}

static bool read_number(const char *text, size_t size, bool decimal_comma, double *out)
{
    int64_t whole;
    enum qn__kind kind = qn__number_read(text, size, decimal_comma, &whole, out);
    if (kind == QN_KIND_CODE) { /* The user says that 007 is seven. */
        bool plus = size > 0 && text[0] == '+';
        return qn_parse_double(text + plus, size - plus, out);
    }
    return kind != QN_KIND_OTHER;
}

static bool read_integer(const char *text, size_t size, bool decimal_comma, int64_t *out)
{
    double number;
    enum qn__kind kind = qn__number_read(text, size, decimal_comma, out, &number);
    if (kind == QN_KIND_WHOLE)
        return true;
    if (kind == QN_KIND_CODE) {
        bool plus = size > 0 && text[0] == '+';
        if (qn_parse_int64(text + plus, size - plus, out))
            return *out != QN_MISSING_INTEGER;
    }
    /* "5.0" is whole; past 2^53 a decimal no longer says which whole number. */
    if (!read_number(text, size, decimal_comma, &number) || floor(number) != number ||
        fabs(number) > 9007199254740992.0)
        return false;
    *out = (int64_t)number;
    return true;
}

/* A date in `format` as a value of `type`. */
static bool read_date(const char *format, enum qn_type type, const char *text, size_t size,
                      int64_t *out)
{
    if (!qn__date_read(format, text, size, out))
        return false;
    bool has_time = qn__date_format_has_time(format);
    if (type == QN_TYPE_DATETIME && !has_time)
        *out *= QN_DAY_US;
    if (type == QN_TYPE_DATE && has_time)
        *out = *out / QN_DAY_US - (*out % QN_DAY_US < 0);
    return true;
}

/* The one known format that reads every value; NULL when none or several do (then *several). */
static const char *find_format(const struct qn_column *column, enum qn_type type, bool *several)
{
    uint64_t candidates = 0;
    for (size_t i = 0; i < qn__date_format_count; i++) {
        if (type == QN_TYPE_DATETIME || !qn__date_format_has_time(qn__date_formats[i]))
            candidates |= UINT64_C(1) << i;
    }
    for (size_t i = 0; candidates && i < column->dictionary.count; i++) {
        size_t size;
        const char *text = qn_dictionary_text(&column->dictionary, (int32_t)i, &size);
        qn__trim(&text, &size);
        uint64_t left = qn__date_match(candidates, text, size);
        if (left == 0) /* The most usual of those so far shows where it fails. */
            return qn__date_formats[__builtin_ctzll(candidates)];
        candidates = left;
    }
    *several = __builtin_popcountll(candidates) > 1 && column->dictionary.count > 0;
    return *several ? NULL : qn__date_formats[__builtin_ctzll(candidates)];
}

static enum qn_status fail_value(const struct qn_table *table, size_t index, int32_t code,
                                 enum qn_type type, const char *format,
                                 const struct qn__where *where, struct qn_error *err)
{
    char shown[QN_SHOWN_SIZE], place[QN_SHOWN_SIZE], name[QN_SHOWN_SIZE];
    const struct qn_column *column = &table->columns[index];
    size_t size;
    const char *text = qn_dictionary_text(&column->dictionary, code, &size);
    qn__show(text, size, shown);
    qn__show(column->name, strlen(column->name), name);
    qn__show_place(table, index, code, where, place);
    return qn_fail(err, QN_INVALID,
                   "%s, %s, column '%s': '%s' is not of type %s%s%s; correct it, "
                   "list it as a missing value, or give the column another type",
                   table->name, place, name, shown, qn_type_name(type), format ? " written " : "",
                   format ? format : "");
}

/* The values of all codes as `type`; -1 or the first code that is not of it. */
static int32_t read_codes(const struct qn_column *column, enum qn_type type, const char *format,
                          bool decimal_comma, int64_t *integers, double *numbers)
{
    for (size_t i = 0; i < column->dictionary.count; i++) {
        size_t size;
        const char *text = qn_dictionary_text(&column->dictionary, (int32_t)i, &size);
        qn__trim(&text, &size);
        bool good;
        if (type == QN_TYPE_NUMBER) {
            good = read_number(text, size, decimal_comma, &numbers[i]);
        } else if (type == QN_TYPE_INTEGER) {
            good = read_integer(text, size, decimal_comma, &integers[i]);
        } else if (type == QN_TYPE_BOOLEAN) {
            integers[i] = qn__boolean_read(text, size);
            good = integers[i] >= 0;
        } else {
            good = read_date(format, type, text, size, &integers[i]);
        }
        if (!good)
            return (int32_t)i;
    }
    return -1;
}

static enum qn_status force_texts(struct qn_table *table, size_t index,
                                  const struct qn_type_override *override, bool decimal_comma,
                                  const struct qn__where *where, struct qn_error *err)
{
    struct qn_column *column = &table->columns[index];
    enum qn_type type = override->type;
    bool dated = type == QN_TYPE_DATE || type == QN_TYPE_DATETIME, several = false;
    const char *format = dated ? override->format : NULL;
    size_t count = column->dictionary.count;
    int64_t *integers = QN_ALLOC(int64_t, count);
    double *numbers = QN_ALLOC(double, count);
    char *kept_format = NULL;
    enum qn_status status = QN_OK;
    if (dated && !format)
        format = find_format(column, type, &several);
    if (several) {
        status =
            qn_fail(err, QN_INVALID,
                    "%s: the dates of column '%s' can be read in several ways; say the format, "
                    "such as %s=%s:%%d/%%m/%%Y",
                    table->name, column->name, column->name, qn_type_name(type));
        goto done;
    }
    kept_format = format ? qn_strdup(format) : NULL;
    if (!integers || !numbers || (format && !kept_format)) {
        status = qn_fail_nomem(err, "table column");
        goto done;
    }
    int32_t bad = read_codes(column, type, format, decimal_comma, integers, numbers);
    if (bad >= 0) {
        status = fail_value(table, index, bad, type, format, where, err);
        goto done;
    }
    const void *values = type == QN_TYPE_NUMBER ? (const void *)numbers : (const void *)integers;
    status = qn__column_decode(table, index, type, values, err);
    if (status == QN_OK) {
        qn_free(column->format);
        column->format = kept_format;
        kept_format = NULL;
    }
done:
    qn_free(kept_format);
    qn_free(integers);
    qn_free(numbers);
    return status;
}

/* Conversions that need no detour over texts; false when there is none. */
static bool force_direct(struct qn_table *table, size_t index, enum qn_type type)
{
    struct qn_column *column = &table->columns[index];
    if (column->type == type || (qn_type_is_coded(column->type) && qn_type_is_coded(type))) {
        column->type = type;
        return true;
    }
    bool whole = column->type == QN_TYPE_INTEGER || column->type == QN_TYPE_BOOLEAN;
    if (whole && type == QN_TYPE_NUMBER) {
        int64_t *from = column->values.integer;
        double *to = column->values.any;
        for (size_t row = 0; row < table->row_count; row++) {
            int64_t value;
            memcpy(&value, from + row, sizeof(value));
            double number = value == QN_MISSING_INTEGER ? NAN : (double)value;
            memcpy(to + row, &number, sizeof(number));
        }
    } else if (column->type == QN_TYPE_BOOLEAN && type == QN_TYPE_INTEGER) {
        ; /* Stored alike. */
    } else if (column->type == QN_TYPE_DATE && type == QN_TYPE_DATETIME) {
        for (size_t row = 0; row < table->row_count; row++) {
            if (column->values.integer[row] != QN_MISSING_INTEGER)
                column->values.integer[row] *= QN_DAY_US;
        }
    } else {
        return false;
    }
    column->type = type;
    return true;
}

enum qn_status qn__column_force(struct qn_table *table, size_t index,
                                const struct qn_type_override *override,
                                const struct qn_read_options *options, bool decimal_comma,
                                const struct qn__where *where, struct qn_error *err)
{
    enum qn_status status = QN_OK;
    if (qn_type_is_coded(table->columns[index].type))
        status = qn__column_drop_missing(table, index, options, err);
    if (status == QN_OK && !force_direct(table, index, override->type)) {
        if (!qn_type_is_coded(table->columns[index].type))
            status = make_coded(table, index, err);
        if (status == QN_OK && qn_type_is_coded(override->type))
            table->columns[index].type = override->type;
        else if (status == QN_OK)
            status = force_texts(table, index, override, decimal_comma, where, err);
    }
    if (status != QN_OK)
        return status;
    table->columns[index].forced = true;
    return qn__column_reason(&table->columns[index], err, "given by the user");
}
