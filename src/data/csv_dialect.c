/* How a CSV file is written: delimiter, header, first record. */
#include "data/csv_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <stdio.h>

enum {
    QN_HEAD_BYTES = 1 << 20, /* what is looked at first */
    QN_SNIFFED_RECORDS = 200,
};

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static bool put_field(struct qn__csv_record *record, struct qn__csv_field field)
{
    void *fields = record->fields;
    if (qn_grow(&fields, &record->capacity, record->count + 1, sizeof(field)) != 0)
        return false;
    record->fields = fields;
    record->fields[record->count++] = field;
    return true;
}

/* Reads the contents of a quoted field from behind its opening quote; *at ends behind the closing
 * one. QN_CSV_MORE when there is none. */
static enum qn__csv_step quoted_read(const char *bytes, size_t size, size_t *at, bool final,
                                     struct qn__csv_field *field)
{
    field->at = *at;
    field->quoted = true;
    for (size_t i = *at; i < size; i++) {
        if (bytes[i] != '"')
            continue;
        if (i + 1 == size && !final)
            return QN_CSV_MORE; /* The next byte may double it. */
        if (i + 1 < size && bytes[i + 1] == '"') {
            field->doubled = true;
            i++;
            continue;
        }
        field->size = i - field->at;
        *at = i + 1;
        return QN_CSV_RECORD;
    }
    return QN_CSV_MORE;
}

/* One field at *at; ends on its delimiter, line end or the end of the bytes. */
static enum qn__csv_step field_read(const char *bytes, size_t size, size_t *at, char delimiter,
                                    bool final, struct qn__csv_record *record)
{
    struct qn__csv_field field = {.at = *at};
    size_t i = *at, spaces = 0;
    while (i < size && bytes[i] == ' ' && bytes[i] != delimiter && spaces < QN_CSV_INDENT) {
        i++;
        spaces++;
    }
    if (i < size && bytes[i] == '"') {
        record->fault_at = i++;
        record->in_quotes = true;
        enum qn__csv_step step = quoted_read(bytes, size, &i, final, &field);
        if (step != QN_CSV_RECORD)
            return step;
        record->in_quotes = false;
        while (i < size && bytes[i] == ' ' && bytes[i] != delimiter)
            i++;
        if (i < size && bytes[i] != delimiter && !is_line_end(bytes[i])) {
            record->fault_at = i;
            return put_field(record, field) ? QN_CSV_STRAY : QN_CSV_NOMEM;
        }
    } else {
        while (i < size && bytes[i] != delimiter && !is_line_end(bytes[i]))
            i++;
        field.size = i - field.at;
    }
    *at = i;
    return put_field(record, field) ? QN_CSV_RECORD : QN_CSV_NOMEM;
}

enum qn__csv_step qn__csv_record_read(const char *bytes, size_t size, size_t from, char delimiter,
                                      bool final, struct qn__csv_record *record, size_t *next)
{
    record->count = 0;
    record->in_quotes = false;
    if (from >= size)
        return final ? QN_CSV_END : QN_CSV_MORE;
    size_t at = from;
    for (;;) {
        enum qn__csv_step step = field_read(bytes, size, &at, delimiter, final, record);
        if (step != QN_CSV_RECORD)
            return step;
        if (at < size && bytes[at] == delimiter) {
            at++;
            continue;
        }
        if (at == size && !final)
            return QN_CSV_MORE;
        break;
    }
    if (at < size && bytes[at] == '\r') {
        if (at + 1 == size && !final)
            return QN_CSV_MORE;
        at += at + 1 < size && bytes[at + 1] == '\n';
    }
    *next = at < size ? at + 1 : size;
    return QN_CSV_RECORD;
}

bool qn__csv_record_is_blank(const char *bytes, const struct qn__csv_record *record)
{
    if (record->count != 1 || record->fields[0].quoted)
        return false;
    const char *text = bytes + record->fields[0].at;
    size_t size = record->fields[0].size;
    qn__trim(&text, &size);
    return size == 0;
}

char *qn__csv_field_text(const char *bytes, const struct qn__csv_field *field)
{
    const char *text = bytes + field->at;
    size_t size = field->size, used = 0;
    if (!field->quoted)
        qn__trim(&text, &size);
    char *copy = qn_strndup(text, size);
    if (!copy)
        return NULL;
    for (size_t i = 0; i < size; i++) {
        copy[used++] = copy[i];
        i += field->doubled && copy[i] == '"';
    }
    copy[used] = '\0';
    return copy;
}

/* The beginning of the file, as much of it as has been asked for. */
struct head {
    char *bytes; /* owns */
    size_t size;
    bool whole; /* the file is no longer */
};

static enum qn_status head_read(const struct qn__source *source, size_t size, struct head *head,
                                struct qn_error *err)
{
    if (size >= source->size_bytes)
        size = source->size_bytes;
    char *bytes = qn_realloc(head->bytes, size + 1, 1);
    if (!bytes)
        return qn_fail_nomem(err, source->name);
    head->bytes = bytes;
    enum qn_status status =
        qn__source_pread(source, bytes + head->size, size - head->size, head->size, err);
    if (status != QN_OK)
        return status;
    head->size = size;
    head->whole = size == source->size_bytes;
    return QN_OK;
}

/* How regular the first records are when cut at a delimiter. */
struct trial {
    size_t field_count; /* of the first record */
    size_t records;     /* after the first */
    size_t same;        /* of those: as many fields as the first */
    size_t several;     /* of those: more than one field */
};

static bool trial_make(const struct head *head, size_t from, char delimiter, struct trial *trial)
{
    struct qn__csv_record record = {0};
    bool first = true;
    enum qn__csv_step step = QN_CSV_RECORD;
    *trial = (struct trial){0};
    for (size_t at = from; step == QN_CSV_RECORD && trial->records < QN_SNIFFED_RECORDS;) {
        step =
            qn__csv_record_read(head->bytes, head->size, at, delimiter, head->whole, &record, &at);
        bool partial = first && step == QN_CSV_MORE; /* A header of over a megabyte. */
        if (step == QN_CSV_NOMEM || (step != QN_CSV_RECORD && step != QN_CSV_STRAY && !partial))
            break;
        if (qn__csv_record_is_blank(head->bytes, &record))
            continue;
        if (first) {
            trial->field_count = record.count;
            first = false;
            continue;
        }
        trial->records++;
        trial->same += step == QN_CSV_RECORD && record.count == trial->field_count;
        trial->several += record.count > 1;
    }
    qn_free(record.fields);
    return step != QN_CSV_NOMEM;
}

/* Whether a is the better way to cut: more regular, then more fields. */
static bool trial_is_better(const struct trial *a, const struct trial *b)
{
    /* A lone header counts as regular; shares are compared crosswise. */
    size_t a_all = a->records ? a->records : 1, b_all = b->records ? b->records : 1;
    size_t a_same = a->records ? a->same : 1, b_same = b->records ? b->same : 1;
    if (a_same * b_all != b_same * a_all)
        return a_same * b_all > b_same * a_all;
    return a->field_count > b->field_count;
}

/* The most regular delimiter that cuts the first record and at least half of the others; a file
 * that none cuts has one column. */
static enum qn_status delimiter_find(const struct qn__source *source, const struct head *head,
                                     size_t from, char *out, struct qn_error *err)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    struct trial best = {0};
    *out = ',';
    for (size_t i = 0; i < sizeof(candidates); i++) {
        struct trial trial;
        if (!trial_make(head, from, candidates[i], &trial))
            return qn_fail_nomem(err, source->name);
        if (trial.field_count < 2 || trial.several * 2 < trial.records)
            continue;
        if (best.field_count == 0 || trial_is_better(&trial, &best)) {
            best = trial;
            *out = candidates[i];
        }
    }
    return QN_OK;
}

static enum qn_status fail_first_record(const struct qn__source *source, enum qn__csv_step step,
                                        const struct qn__csv_record *record,
                                        const struct qn_read_options *options, struct qn_error *err)
{
    uint64_t line;
    enum qn_status status;
    if (step == QN_CSV_NOMEM)
        return qn_fail_nomem(err, source->name);
    if (step == QN_CSV_END)
        return qn_fail(err, QN_INVALID, "%s is empty: there is not even a header", source->name);
    status = qn__csv_line(source, record->fault_at, &line, err);
    if (status != QN_OK)
        return status;
    if (step == QN_CSV_STRAY)
        return qn_fail(err, QN_INVALID,
                       "%s, line %llu, field %zu: text after a closing quote; write a quote inside "
                       "a quoted field twice (\"\")",
                       source->name, (unsigned long long)line, record->count);
    if (record->in_quotes)
        return qn_fail(err, QN_INVALID,
                       "%s, line %llu, field %zu: the quote that opens here never closes",
                       source->name, (unsigned long long)line, record->count + 1);
    return qn_fail(err, QN_INVALID,
                   "%s: the first line has more than %zu fields or one of more than %zu bytes; is "
                   "it text?",
                   source->name, options->column_limit, options->field_limit_bytes);
}

/* Reads the first record that is not blank, taking in more of the file while it needs to. */
static enum qn_status first_record_read(const struct qn__source *source,
                                        const struct qn_read_options *options, char delimiter,
                                        struct head *head, size_t *at, size_t *next,
                                        struct qn__csv_record *record, struct qn_error *err)
{
    for (;;) {
        enum qn__csv_step step =
            qn__csv_record_read(head->bytes, head->size, *at, delimiter, head->whole, record, next);
        if (step == QN_CSV_RECORD && !qn__csv_record_is_blank(head->bytes, record))
            return QN_OK;
        if (step == QN_CSV_RECORD) {
            *at = *next;
            continue;
        }
        const struct qn__csv_field *last =
            record->count ? &record->fields[record->count - 1] : NULL;
        size_t begun = record->in_quotes ? record->fault_at : last ? last->at : *at;
        if (step != QN_CSV_MORE || head->whole || record->count > options->column_limit ||
            head->size - begun > options->field_limit_bytes)
            return fail_first_record(source, step, record, options, err);
        enum qn_status status = head_read(source, head->size * 4, head, err);
        if (status != QN_OK)
            return status;
    }
}

static bool is_number(const char *text)
{
    int64_t whole;
    double number;
    return qn__number_read(text, strlen(text), true, &whole, &number) != QN_KIND_OTHER;
}

/* Names are C strings: a NUL would cut one short. (Without a header the reader of cells finds it.)
 */
static enum qn_status check_nul(const struct qn__source *source, const struct head *head,
                                size_t from, size_t to, const struct qn__csv_record *record,
                                struct qn_error *err)
{
    const char *nul = memchr(head->bytes + from, '\0', to - from);
    if (!nul)
        return QN_OK;
    size_t at = (size_t)(nul - head->bytes), field = 0;
    uint64_t line;
    enum qn_status status = qn__csv_line(source, at, &line, err);
    if (status != QN_OK)
        return status;
    while (field + 1 < record->count && record->fields[field + 1].at <= at)
        field++;
    return qn_fail(err, QN_INVALID,
                   "%s, line %llu, field %zu: byte %zu of the file is NUL, which no text has; the "
                   "file is damaged or not text",
                   source->name, (unsigned long long)line, field + 1, at + 1);
}

static enum qn_status names_take(const struct qn__source *source, const struct head *head,
                                 const struct qn__csv_record *record, bool no_header,
                                 struct qn__csv_dialect *dialect, struct qn_error *err)
{
    dialect->names = QN_CALLOC(char *, record->count);
    if (!dialect->names)
        return qn_fail_nomem(err, source->name);
    dialect->column_count = record->count;
    dialect->header_is_numbers = !no_header;
    for (size_t i = 0; i < record->count; i++) {
        char number[32];
        snprintf(number, sizeof(number), "c%zu", i + 1);
        dialect->names[i] =
            no_header ? qn_strdup(number) : qn__csv_field_text(head->bytes, &record->fields[i]);
        if (!dialect->names[i])
            return qn_fail_nomem(err, source->name);
        if (!is_number(dialect->names[i]))
            dialect->header_is_numbers = false;
    }
    return QN_OK;
}

/* A first line "sep=;", as spreadsheets write it; returns its length, 0 when there is none. */
static size_t separator_line(const struct head *head, size_t from, char *delimiter)
{
    if (head->size - from < 6 || memcmp(head->bytes + from, "sep=", 4) != 0)
        return 0;
    const char *end = head->bytes + from + 5;
    size_t left = head->size - from - 5;
    if (!is_line_end(end[0]))
        return 0;
    *delimiter = end[-1];
    return end[0] == '\r' && left > 1 && end[1] == '\n' ? 7 : 6;
}

enum qn_status qn__csv_dialect_find(const struct qn__source *source,
                                    const struct qn_read_options *options,
                                    struct qn__csv_dialect *out, struct qn_error *err)
{
    struct head head = {0};
    struct qn__csv_record record = {0};
    struct qn__csv_dialect dialect = {.delimiter = options->delimiter};
    enum qn_status status = head_read(source, QN_HEAD_BYTES, &head, err);
    if (status != QN_OK)
        goto done;
    size_t at = head.size >= 3 && memcmp(head.bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    if (dialect.delimiter == '\0')
        at += separator_line(&head, at, &dialect.delimiter);
    if (dialect.delimiter == '\0')
        status = delimiter_find(source, &head, at, &dialect.delimiter, err);
    size_t next = at;
    if (status == QN_OK)
        status =
            first_record_read(source, options, dialect.delimiter, &head, &at, &next, &record, err);
    if (status == QN_OK && record.count > options->column_limit)
        status = qn_fail(err, QN_INVALID, "%s has %zu columns; the limit is %zu", source->name,
                         record.count, options->column_limit);
    if (status == QN_OK && !options->no_header)
        status = check_nul(source, &head, at, next, &record, err);
    if (status == QN_OK)
        status = names_take(source, &head, &record, options->no_header, &dialect, err);
    if (status != QN_OK)
        goto done;
    dialect.header_at = at;
    dialect.data_at = options->no_header ? at : next;
    *out = dialect; /* Ownership moves to the caller. */
    dialect = (struct qn__csv_dialect){0};
done:
    qn_free(record.fields);
    qn_free(head.bytes);
    qn__csv_dialect_release(&dialect);
    return status;
}

void qn__csv_dialect_release(struct qn__csv_dialect *dialect)
{
    for (size_t i = 0; dialect->names && i < dialect->column_count; i++)
        qn_free(dialect->names[i]);
    qn_free(dialect->names);
    *dialect = (struct qn__csv_dialect){0};
}
