/* The type of a column of texts, decided over all of its values. Works on distinct values, so a
 * category of a billion rows costs as much as its levels. The rules are in docs/data.md. */
#include "data/infer_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>

enum {
    QN_FEW_LEVELS = 20,   /* so few distinct values are levels whatever the row count */
    QN_LEVEL_BYTES = 100, /* levels are names, not paragraphs */
    QN_KINDS_NUMBER = QN_KIND_WHOLE | QN_KIND_DECIMAL | QN_KIND_BIG,
    QN_KINDS_COMMA = QN_KIND_WHOLE | QN_KIND_COMMA | QN_KIND_BIG,
};

enum qn_type qn__coded_type(size_t distinct_count, size_t value_count, size_t text_bytes,
                            const struct qn_read_options *options)
{
    if (distinct_count == 0)
        return QN_TYPE_CATEGORY;
    bool repeats = distinct_count <= QN_FEW_LEVELS || distinct_count <= value_count / 2;
    bool is_short = text_bytes / distinct_count <= QN_LEVEL_BYTES;
    return repeats && is_short && distinct_count <= options->category_limit ? QN_TYPE_CATEGORY
                                                                            : QN_TYPE_TEXT;
}

/* What the distinct values are. */
struct survey {
    size_t *counts; /* owns; rows of each code */
    size_t value_count;
    unsigned kinds; /* set of enum qn__kind */
    size_t kind_rows[QN_KIND_COUNT];
    int32_t kind_first[QN_KIND_COUNT]; /* first code of the kind, -1: none */
    bool all_identifiers;              /* every whole number has QN_IDENTIFIER_DIGITS or more */
    uint64_t dates;                    /* formats that read every value */
    uint64_t first_dates;              /* formats that read the first value */
    bool all_signs;                    /* "12%", "$1,000" */
    unsigned words;                    /* set of enum word */
};

enum word {
    QN_WORD_TRUE = 1,
    QN_WORD_FALSE = 2,
    QN_WORD_OTHER = 4,
};

static bool is_word(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && strncasecmp(word, text, size) == 0;
}

static unsigned word_read(const char *text, size_t size)
{
    if (is_word(text, size, "true"))
        return QN_WORD_TRUE;
    return is_word(text, size, "false") ? QN_WORD_FALSE : QN_WORD_OTHER;
}

/* Only true and false: other pairs, such as yes and no, are categories and keep their words. */
static bool is_boolean(unsigned words)
{
    return words != 0 && (words & QN_WORD_OTHER) == 0;
}

/* A number in disguise: per cent, currency or thousands separators. */
static bool has_sign(const char *text, size_t size)
{
    char digits[64];
    size_t count = 0;
    bool sign = false;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '%' || c == '$' || c == ',' || c == ' ' || c >= 0x80)
            sign = true; /* the bytes of a euro or pound sign, or of a no-break space */
        else if (count < sizeof(digits))
            digits[count++] = text[i];
        else
            return false;
    }
    int64_t whole;
    double number;
    enum qn__kind kind = qn__number_read(digits, count, false, &whole, &number);
    return sign && (kind & QN_KINDS_NUMBER);
}

static unsigned kind_index(enum qn__kind kind)
{
    return (unsigned)__builtin_ctz((unsigned)kind);
}

static void survey_value(struct survey *survey, int32_t code, const char *text, size_t size,
                         bool decimal_comma)
{
    int64_t whole;
    double number;
    qn__trim(&text, &size);
    enum qn__kind kind = qn__number_read(text, size, decimal_comma, &whole, &number);
    unsigned at = kind_index(kind);
    survey->kinds |= kind;
    survey->kind_rows[at] += survey->counts[code];
    if (survey->kind_first[at] < 0)
        survey->kind_first[at] = code;
    if (kind == QN_KIND_WHOLE && whole < QN_IDENTIFIER_MIN && whole > -QN_IDENTIFIER_MIN)
        survey->all_identifiers = false;
    if (survey->dates != 0) {
        survey->dates = kind == QN_KIND_OTHER ? qn__date_match(survey->dates, text, size) : 0;
        if (code == 0)
            survey->first_dates = survey->dates;
    }
    survey->words |= word_read(text, size);
    survey->all_signs = survey->all_signs && kind == QN_KIND_OTHER && has_sign(text, size);
}

static enum qn_status survey_make(const struct qn_column *column, size_t row_count,
                                  bool decimal_comma, struct survey *survey, struct qn_error *err)
{
    const struct qn_dictionary *dictionary = &column->dictionary;
    *survey = (struct survey){.all_identifiers = true, .dates = QN_DATE_ALL, .all_signs = true};
    memset(survey->kind_first, -1, sizeof(survey->kind_first));
    survey->counts = QN_CALLOC(size_t, dictionary->count);
    if (!survey->counts)
        return qn_fail_nomem(err, "type inference");
    for (size_t row = 0; row < row_count; row++) {
        int32_t code = column->values.code[row];
        if (code >= 0) {
            survey->counts[code]++;
            survey->value_count++;
        }
    }
    for (size_t i = 0; i < dictionary->count; i++) {
        size_t size;
        const char *text = qn_dictionary_text(dictionary, (int32_t)i, &size);
        survey_value(survey, (int32_t)i, text, size, decimal_comma);
    }
    return QN_OK;
}

void qn__show(const char *text, size_t size, char out[QN_SHOWN_SIZE])
{
    const size_t limit = 40;
    size_t kept = size > limit ? limit : size;
    kept = qn_utf8_check(text, kept);
    for (size_t i = 0; i < kept; i++)
        out[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i];
    if (kept < size) {
        memcpy(out + kept, "...", 3);
        kept += 3;
    }
    out[kept] = '\0';
}

void qn__show_place(const struct qn_table *table, size_t index, int32_t code,
                    const struct qn__where *where, char out[QN_SHOWN_SIZE])
{
    const int32_t *codes = table->columns[index].values.code;
    size_t row = 0;
    while (row < table->row_count && codes[row] != code)
        row++;
    uint64_t line;
    if (where && where->place)
        where->place(where->context, row, index, out, QN_SHOWN_SIZE);
    else if (where && where->line_of_row(where->context, row, &line))
        snprintf(out, QN_SHOWN_SIZE, "line %llu", (unsigned long long)line);
    else
        snprintf(out, QN_SHOWN_SIZE, "row %zu", row + 1);
}

enum qn_status qn__reason_uniform(struct qn_column *column, size_t value_count, bool comma,
                                  struct qn_error *err)
{
    char count[QN_NUMBER_TEXT_SIZE];
    qn_format_count(value_count, count);
    const char *what = "";
    switch (column->type) {
    case QN_TYPE_BOOLEAN:
        what = "true or false in one spelling";
        break;
    case QN_TYPE_INTEGER:
        what = "whole numbers";
        break;
    case QN_TYPE_NUMBER:
        what = comma ? "numbers, some with a decimal comma" : "numbers, some not whole";
        break;
    case QN_TYPE_DATE:
        what = "dates written ";
        break;
    case QN_TYPE_DATETIME:
        what = "dates with a time written ";
        break;
    case QN_TYPE_CATEGORY:
    case QN_TYPE_TEXT:
        what = "texts";
        break;
    }
    bool dated = column->type == QN_TYPE_DATE || column->type == QN_TYPE_DATETIME;
    const char *format = dated && column->format ? column->format : "";
    if (value_count == 1)
        return qn__column_reason(column, err, "the only value is one of %s%s", what, format);
    return qn__column_reason(column, err, "all %s values are %s%s", count, what, format);
}

enum qn_status qn__column_decode(struct qn_table *table, size_t index, enum qn_type type,
                                 const void *value_of_code, struct qn_error *err)
{
    const double missing_number = NAN;
    const int64_t missing_integer = QN_MISSING_INTEGER;
    const char *missing =
        type == QN_TYPE_NUMBER ? (const char *)&missing_number : (const char *)&missing_integer;
    struct qn_column *column = &table->columns[index];
    const char *from = column->values.any;
    char *to = qn__table_values(table, index, type);
    if (!to)
        return qn_fail_nomem(err, "table column");
    /* From the end: in a mapped file both are the same memory. */
    for (size_t row = table->row_count; row-- > 0;) {
        int32_t code;
        memcpy(&code, from + row * sizeof(code), sizeof(code));
        const char *value =
            code < 0 ? missing : (const char *)value_of_code + (size_t)code * sizeof(int64_t);
        memcpy(to + row * sizeof(int64_t), value, sizeof(int64_t));
    }
    if (to != from)
        qn_free(column->values.any);
    column->values.any = to;
    column->type = type;
    qn__dictionary_release(&column->dictionary);
    return QN_OK;
}

enum qn_status qn__column_drop_codes(struct qn_table *table, size_t index, const bool *is_missing,
                                     struct qn_error *err)
{
    struct qn_column *column = &table->columns[index];
    struct qn_dictionary *dictionary = &column->dictionary;
    int32_t *new_code = QN_ALLOC(int32_t, dictionary->count);
    if (!new_code)
        return qn_fail_nomem(err, "type inference");
    size_t kept = 0;
    uint64_t end = 0;
    for (size_t i = 0; i < dictionary->count; i++) {
        uint64_t from = dictionary->offsets[i], size = dictionary->offsets[i + 1] - from;
        new_code[i] = is_missing[i] ? QN_MISSING_CODE : (int32_t)kept;
        if (is_missing[i])
            continue;
        memmove(dictionary->bytes + end, dictionary->bytes + from, (size_t)size);
        dictionary->offsets[kept++] = end;
        end += size;
    }
    if (kept < dictionary->count) {
        dictionary->offsets[kept] = end;
        dictionary->count = kept;
        for (size_t row = 0; row < table->row_count; row++) {
            int32_t code = column->values.code[row];
            if (code < 0)
                continue;
            column->values.code[row] = new_code[code];
            column->missing_count += new_code[code] < 0;
        }
        if (kept == 0)
            qn__dictionary_release(dictionary);
    }
    qn_free(new_code);
    return QN_OK;
}

enum qn_status qn__column_drop_missing(struct qn_table *table, size_t index,
                                       const struct qn_read_options *options, struct qn_error *err)
{
    const struct qn_dictionary *dictionary = &table->columns[index].dictionary;
    struct qn__missing missing;
    qn__missing_init(&missing, options);
    bool *is_missing = QN_CALLOC(bool, dictionary->count);
    if (!is_missing)
        return qn_fail_nomem(err, "type inference");
    bool any = false;
    for (size_t i = 0; i < dictionary->count; i++) {
        size_t size;
        const char *text = qn_dictionary_text(dictionary, (int32_t)i, &size);
        qn__trim(&text, &size);
        is_missing[i] = qn__missing_has(&missing, text, size);
        any |= is_missing[i];
    }
    enum qn_status status = any ? qn__column_drop_codes(table, index, is_missing, err) : QN_OK;
    qn_free(is_missing);
    return status;
}

/* All values as the type that the survey found, ready for qn__column_decode(). */
static enum qn_status become(struct qn_table *table, size_t index, enum qn_type type,
                             const char *format, const struct survey *survey, bool decimal_comma,
                             struct qn_error *err)
{
    struct qn_column *column = &table->columns[index];
    size_t count = column->dictionary.count;
    int64_t *integers = QN_ALLOC(int64_t, count);
    double *numbers = QN_ALLOC(double, count);
    enum qn_status status = QN_OK;
    if (!integers || !numbers) {
        status = qn_fail_nomem(err, "type inference");
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        size_t size;
        const char *text = qn_dictionary_text(&column->dictionary, (int32_t)i, &size);
        qn__trim(&text, &size);
        integers[i] = 0;
        numbers[i] = 0;
        if (type == QN_TYPE_BOOLEAN)
            integers[i] = qn__boolean_read(text, size);
        else if (format)
            (void)qn__date_read(format, text, size, &integers[i]);
        else
            (void)qn__number_read(text, size, decimal_comma, &integers[i], &numbers[i]);
    }
    if (format) {
        column->format = qn_strdup(format);
        if (!column->format) {
            status = qn_fail_nomem(err, "type inference");
            goto done;
        }
    }
    bool is_number = type == QN_TYPE_NUMBER;
    status = qn__column_decode(table, index, type,
                               is_number ? (const void *)numbers : (const void *)integers, err);
    if (status == QN_OK)
        status = qn__reason_uniform(column, survey->value_count,
                                    (survey->kinds & QN_KIND_COMMA) != 0, err);
done:
    qn_free(integers);
    qn_free(numbers);
    return status;
}

/* Rows whose text is not of the date format, and the first such code. */
static size_t count_not_dates(const struct qn_column *column, const struct survey *survey,
                              const char *format, int32_t *first)
{
    size_t rows = 0;
    *first = -1;
    for (size_t i = 0; i < column->dictionary.count; i++) {
        size_t size;
        int64_t value;
        const char *text = qn_dictionary_text(&column->dictionary, (int32_t)i, &size);
        qn__trim(&text, &size);
        if (qn__date_read(format, text, size, &value))
            continue;
        rows += survey->counts[i];
        if (*first < 0)
            *first = (int32_t)i;
    }
    return rows;
}

/* "3 of 891 values WHAT, first 'abc' in line 17" */
static void say_share(const struct qn_table *table, size_t index, const struct survey *survey,
                      size_t rows, int32_t code, const char *what, const struct qn__where *where,
                      char out[256])
{
    char shown[QN_SHOWN_SIZE], place[QN_SHOWN_SIZE];
    char part[QN_NUMBER_TEXT_SIZE], all[QN_NUMBER_TEXT_SIZE];
    size_t size;
    const char *text = qn_dictionary_text(&table->columns[index].dictionary, code, &size);
    qn__show(text, size, shown);
    qn__show_place(table, index, code, where, place);
    qn_format_count(rows, part);
    qn_format_count(survey->value_count, all);
    snprintf(out, 256, "%s of %s values %s, first '%s' in %s", part, all, what, shown, place);
}

/* Why the values are no numbers and no dates. */
static void say_why_text(const struct qn_table *table, size_t index, const struct survey *survey,
                         const struct qn__where *where, char out[256])
{
    const size_t *rows = survey->kind_rows;
    const int32_t *first = survey->kind_first;
    const unsigned other = kind_index(QN_KIND_OTHER), coded = kind_index(QN_KIND_CODE);
    const unsigned big = kind_index(QN_KIND_BIG);
    int32_t code = -1;
    size_t not_dates = 0;
    if (survey->first_dates != 0) {
        const char *format = qn__date_formats[__builtin_ctzll(survey->first_dates)];
        not_dates = count_not_dates(&table->columns[index], survey, format, &code);
    }
    if (survey->dates != 0) {
        snprintf(out, 256,
                 "dates where day and month cannot be told apart: say which with "
                 "date:%%d/%%m/%%Y or date:%%m/%%d/%%Y (or datetime:)");
    } else if (survey->kinds == QN_KIND_WHOLE) {
        snprintf(out, 256, "whole numbers of %d digits or more are identifiers",
                 QN_IDENTIFIER_DIGITS);
    } else if (survey->all_signs) {
        snprintf(out, 256, "numbers with per cent, currency or thousands signs are not read");
    } else if (survey->first_dates != 0 && not_dates < survey->value_count) {
        say_share(table, index, survey, not_dates, code, "are not dates like the first one", where,
                  out);
    } else if (rows[other] > 0 && rows[other] < survey->value_count) {
        say_share(table, index, survey, rows[other], first[other], "are not numbers", where, out);
    } else if (rows[coded] > 0) {
        say_share(table, index, survey, rows[coded], first[coded],
                  "are codes (leading zero or plus)", where, out);
    } else if (rows[big] > 0) {
        say_share(table, index, survey, rows[big], first[big], "are too long for a whole number",
                  where, out);
    } else if (survey->kinds != QN_KIND_OTHER) {
        snprintf(out, 256, "numbers with a decimal comma and with a decimal point");
    } else {
        snprintf(out, 256, "the values are not numbers, dates or true and false");
    }
}

static enum qn_status stay_text(struct qn_table *table, size_t index, const struct survey *survey,
                                const struct qn_read_options *options,
                                const struct qn__where *where, struct qn_error *err)
{
    struct qn_column *column = &table->columns[index];
    size_t distinct = column->dictionary.count;
    if (distinct == 0) {
        column->type = QN_TYPE_CATEGORY;
        return qn__column_reason(column, err, "there are no values: all are missing");
    }
    char why[256], count[QN_NUMBER_TEXT_SIZE];
    say_why_text(table, index, survey, where, why);
    qn_format_count(distinct, count);
    column->type = qn__coded_type(distinct, survey->value_count,
                                  (size_t)column->dictionary.offsets[distinct], options);
    return qn__column_reason(column, err, "%s; %s distinct", why, count);
}

enum qn_status qn__infer_text_column(struct qn_table *table, size_t index,
                                     const struct qn_read_options *options, bool decimal_comma,
                                     const struct qn__where *where, struct qn_error *err)
{
    struct survey survey = {0};
    enum qn_status status = qn__column_drop_missing(table, index, options, err);
    if (status == QN_OK)
        status = survey_make(&table->columns[index], table->row_count, decimal_comma, &survey, err);
    if (status != QN_OK)
        goto done;
    enum qn_type type = QN_TYPE_TEXT;
    const char *format = NULL;
    unsigned kinds = survey.kinds;
    if (is_boolean(survey.words)) {
        type = QN_TYPE_BOOLEAN;
    } else if (kinds == QN_KIND_WHOLE && !survey.all_identifiers) {
        type = QN_TYPE_INTEGER;
    } else if (((kinds & QN_KIND_DECIMAL) && (kinds & ~(unsigned)QN_KINDS_NUMBER) == 0) ||
               ((kinds & QN_KIND_COMMA) && (kinds & ~(unsigned)QN_KINDS_COMMA) == 0)) {
        type = QN_TYPE_NUMBER;
    } else if (kinds == QN_KIND_OTHER && __builtin_popcountll(survey.dates) == 1) {
        format = qn__date_formats[__builtin_ctzll(survey.dates)];
        type = qn__date_format_has_time(format) ? QN_TYPE_DATETIME : QN_TYPE_DATE;
    }
    status = type == QN_TYPE_TEXT ? stay_text(table, index, &survey, options, where, err)
                                  : become(table, index, type, format, &survey, decimal_comma, err);
done:
    qn_free(survey.counts);
    return status;
}
