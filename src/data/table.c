/* Tables and their columns. */
#include "data/data_internal.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

#include <assert.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Columns in a mapped file start on cache lines. */
enum { QN_COLUMN_ALIGN = 64 };

static const char *const type_names[QN_TYPE_COUNT] = {
    "boolean", "integer", "number", "category", "text", "date", "datetime",
};

const char *qn_type_name(enum qn_type type)
{
    assert((unsigned)type < QN_TYPE_COUNT);
    return type_names[type];
}

bool qn_type_parse(const char *name, enum qn_type *out)
{
    for (unsigned i = 0; i < QN_TYPE_COUNT; i++) {
        if (strcmp(name, type_names[i]) == 0) {
            *out = (enum qn_type)i;
            return true;
        }
    }
    return false;
}

bool qn_type_is_coded(enum qn_type type)
{
    return type == QN_TYPE_CATEGORY || type == QN_TYPE_TEXT;
}

static size_t value_size(enum qn_type type)
{
    return qn_type_is_coded(type) ? sizeof(int32_t) : sizeof(int64_t);
}

const char *qn_dictionary_text(const struct qn_dictionary *dictionary, int32_t code,
                               size_t *size_out)
{
    assert(code >= 0 && (size_t)code < dictionary->count);
    uint64_t from = dictionary->offsets[code];
    *size_out = (size_t)(dictionary->offsets[code + 1] - from);
    return dictionary->bytes + from;
}

int32_t qn_dictionary_find(const struct qn_dictionary *dictionary, const char *text, size_t size)
{
    for (size_t i = 0; i < dictionary->count; i++) {
        size_t at_size;
        const char *at = qn_dictionary_text(dictionary, (int32_t)i, &at_size);
        if (at_size == size && memcmp(at, text, size) == 0)
            return (int32_t)i;
    }
    return QN_MISSING_CODE;
}

void qn__dictionary_release(struct qn_dictionary *dictionary)
{
    qn_free(dictionary->offsets);
    qn_free(dictionary->bytes);
    *dictionary = (struct qn_dictionary){0};
}

/* Whether the block is part of the table's mapped file, and so not for qn_free(). */
static bool is_mapped(const struct qn_table *table, const void *block)
{
    uintptr_t from = (uintptr_t)table->mapping, at = (uintptr_t)block;
    return table->mapping && at >= from && at - from < table->mapping_size;
}

static void column_release(const struct qn_table *table, struct qn_column *column)
{
    qn_free(column->name);
    if (!is_mapped(table, column->values.any))
        qn_free(column->values.any);
    qn__dictionary_release(&column->dictionary);
    qn_free(column->format);
    qn_free(column->reason);
}

void qn_table_free(struct qn_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->column_count; i++)
        column_release(table, &table->columns[i]);
    qn_free(table->columns);
    for (size_t i = 0; i < table->note_count; i++)
        qn_free(table->notes[i]);
    qn_free(table->notes);
    if (table->mapping)
        munmap(table->mapping, table->mapping_size);
    qn_free(table->name);
    qn_free(table);
}

enum qn_status qn_table_create(const char *name, size_t row_count, struct qn_table **out,
                               struct qn_error *err)
{
    struct qn_table *table = QN_CALLOC(struct qn_table, 1);
    if (!table)
        return qn_fail_nomem(err, "table");
    table->name = qn_strdup(name);
    table->row_count = row_count;
    if (!table->name) {
        qn_table_free(table);
        return qn_fail_nomem(err, "table");
    }
    *out = table;
    return QN_OK;
}

/* Grows an array that has no field for its capacity: it doubles at each power of two. */
static enum qn_status array_make_room(void **items, size_t count, size_t item_size,
                                      struct qn_error *err)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return QN_OK;
    void *grown = qn_realloc(*items, count ? count * 2 : 1, item_size);
    if (!grown)
        return qn_fail_nomem(err, "table");
    *items = grown;
    return QN_OK;
}

/* What a mapped file begins with; the columns follow, each stride bytes long. Kept there because
 * the row count may shrink after the columns have been laid out. */
struct mapped {
    _Alignas(QN_COLUMN_ALIGN) size_t stride;
    size_t column_count;
};

enum qn_status qn__table_reserve(struct qn_table *table, size_t column_count,
                                 const struct qn_read_options *options, struct qn_error *err)
{
    assert(table->column_count == 0 && !table->mapping);
    const size_t limit = SIZE_MAX / 4;
    size_t rows = table->row_count ? table->row_count : 1;
    if (column_count == 0)
        return QN_OK;
    if (rows > limit / sizeof(int64_t) / column_count)
        return qn_fail(err, QN_NOMEM, "%s: %zu rows of %zu columns are too many", table->name,
                       table->row_count, column_count);
    size_t stride = (rows * sizeof(int64_t) + QN_COLUMN_ALIGN - 1) & ~(size_t)(QN_COLUMN_ALIGN - 1);
    size_t size = sizeof(struct mapped) + stride * column_count;
    if (size <= options->memory_limit_bytes)
        return QN_OK;
    int fd = -1;
    enum qn_status status = qn_file_temporary(options->temporary_folder, &fd, err);
    if (status != QN_OK)
        return status;
    void *mapping = MAP_FAILED;
    /* Blocks are claimed now: a full disk found later, at a page fault, would be a SIGBUS. */
    if (posix_fallocate(fd, 0, (off_t)size) == 0)
        mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapping == MAP_FAILED) {
        char text[QN_NUMBER_TEXT_SIZE];
        qn_format_bytes(size, text);
        return qn_fail(err, QN_IO,
                       "%s: the table needs %s in the temporary folder, which has no room; name "
                       "another folder in TMPDIR or raise the memory limit",
                       table->name, text);
    }
    *(struct mapped *)mapping = (struct mapped){.stride = stride, .column_count = column_count};
    table->mapping = mapping;
    table->mapping_size = size;
    return QN_OK;
}

void *qn__table_values(const struct qn_table *table, size_t index, enum qn_type type)
{
    const struct mapped *mapped = table->mapping;
    if (mapped && index < mapped->column_count)
        return (char *)table->mapping + sizeof(*mapped) + index * mapped->stride;
    return qn_alloc(table->row_count, value_size(type));
}

enum qn_status qn__table_append(struct qn_table *table, const char *name, enum qn_type type,
                                struct qn_column **out, struct qn_error *err)
{
    void *columns = table->columns;
    enum qn_status status =
        array_make_room(&columns, table->column_count, sizeof(*table->columns), err);
    if (status != QN_OK)
        return status;
    table->columns = columns;
    struct qn_column *column = &table->columns[table->column_count];
    *column = (struct qn_column){.type = type};
    column->name = qn_strdup(name);
    column->values.any = qn__table_values(table, table->column_count, type);
    if (!column->name || !column->values.any) {
        column_release(table, column);
        return qn_fail_nomem(err, "table column");
    }
    table->column_count++;
    *out = column;
    return QN_OK;
}

enum qn_status qn_table_add(struct qn_table *table, const char *name, enum qn_type type,
                            struct qn_column **out, struct qn_error *err)
{
    if (name[0] == '\0')
        return qn_fail(err, QN_INVALID, "%s: a column needs a name", table->name);
    if (qn_table_find(table, name) >= 0)
        return qn_fail(err, QN_INVALID, "%s: there already is a column '%s'", table->name, name);
    enum qn_status status = qn__table_append(table, name, type, out, err);
    if (status == QN_OK && table->row_count > 0)
        memset((*out)->values.any, 0, table->row_count * value_size(type));
    return status;
}

enum qn_status qn__column_reset(struct qn_table *table, size_t index, enum qn_type type,
                                struct qn_error *err)
{
    struct qn_column *column = &table->columns[index];
    bool mapped = is_mapped(table, column->values.any);
    if (!mapped && value_size(type) != value_size(column->type)) {
        void *values = qn_alloc(table->row_count, value_size(type));
        if (!values)
            return qn_fail_nomem(err, "table column");
        qn_free(column->values.any);
        column->values.any = values;
    }
    qn__dictionary_release(&column->dictionary);
    column->type = type;
    column->missing_count = 0;
    return QN_OK;
}

/* printf into an owned string, or NULL. */
static char *text_make(const char *format, va_list args) QN_PRINTF(1, 0);
static char *text_make(const char *format, va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof(text), format, args);
    size_t size = strlen(text);
    size_t valid = qn_utf8_check(text, size); /* A cut may fall inside a character. */
    return qn_strndup(text, valid);
}

enum qn_status qn__column_reason(struct qn_column *column, struct qn_error *err, const char *format,
                                 ...)
{
    va_list args;
    va_start(args, format);
    char *text = text_make(format, args);
    va_end(args);
    if (!text)
        return qn_fail_nomem(err, "table column");
    qn_free(column->reason);
    column->reason = text;
    return QN_OK;
}

enum qn_status qn_table_note(struct qn_table *table, struct qn_error *err, const char *format, ...)
{
    void *notes = table->notes;
    enum qn_status status = array_make_room(&notes, table->note_count, sizeof(*table->notes), err);
    if (status != QN_OK)
        return status;
    table->notes = notes;
    va_list args;
    va_start(args, format);
    char *text = text_make(format, args);
    va_end(args);
    if (!text)
        return qn_fail_nomem(err, "table note");
    table->notes[table->note_count++] = text;
    return QN_OK;
}

ptrdiff_t qn_table_find(const struct qn_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0)
            return (ptrdiff_t)i;
    }
    return -1;
}

enum qn_status qn_table_require(const struct qn_table *table, const char *name, size_t *index_out,
                                struct qn_error *err)
{
    ptrdiff_t index = qn_table_find(table, name);
    if (index >= 0) {
        *index_out = (size_t)index;
        return QN_OK;
    }
    const char *closest = NULL;
    const char **names = QN_ALLOC(const char *, table->column_count);
    if (names) {
        for (size_t i = 0; i < table->column_count; i++)
            names[i] = table->columns[i].name;
        closest = qn_text_closest(name, names, table->column_count);
    }
    enum qn_status status =
        closest ? qn_fail(err, QN_NOT_FOUND, "%s has no column '%s'; did you mean '%s'?",
                          table->name, name, closest)
                : qn_fail(err, QN_NOT_FOUND, "%s has no column '%s'", table->name, name);
    qn_free(names);
    return status;
}

bool qn_column_is_missing(const struct qn_column *column, size_t row)
{
    if (column->type == QN_TYPE_NUMBER)
        return isnan(column->values.number[row]);
    if (qn_type_is_coded(column->type))
        return column->values.code[row] < 0;
    return column->values.integer[row] == QN_MISSING_INTEGER;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return quotient - (a % b < 0);
}

static void format_date(int64_t days, char text[64])
{
    int year, month, day;
    qn_civil_from_days(days, &year, &month, &day);
    snprintf(text, 64, "%04d-%02d-%02d", year, month, day);
}

/* RFC 3339 in UTC, with as many digits of the second as are needed. */
static void format_datetime(int64_t us, char text[64])
{
    const int64_t day_us = 86400000000;
    int64_t days = floor_divide(us, day_us);
    int64_t rest = us - days * day_us;
    int seconds = (int)(rest / 1000000), fraction = (int)(rest % 1000000);
    format_date(days, text);
    size_t size = strlen(text);
    snprintf(text + size, 64 - size, "T%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60,
             seconds % 60);
    size = strlen(text);
    if (fraction % 1000 != 0)
        snprintf(text + size, 64 - size, ".%06dZ", fraction);
    else if (fraction != 0)
        snprintf(text + size, 64 - size, ".%03dZ", fraction / 1000);
    else
        snprintf(text + size, 64 - size, "Z");
}

static size_t copy_cut(const char *from, size_t size, char *text, size_t text_size)
{
    if (text_size > 0) {
        size_t fits = size < text_size ? size : text_size - 1;
        if (fits > 0)
            memcpy(text, from, fits);
        text[fits] = '\0';
    }
    return size;
}

size_t qn_column_format(const struct qn_column *column, size_t row, char *text, size_t text_size)
{
    char value[64];
    if (qn_column_is_missing(column, row))
        return copy_cut("", 0, text, text_size);
    switch (column->type) {
    case QN_TYPE_CATEGORY:
    case QN_TYPE_TEXT: {
        size_t size;
        const char *at = qn_dictionary_text(&column->dictionary, column->values.code[row], &size);
        return copy_cut(at, size, text, text_size);
    }
    case QN_TYPE_NUMBER:
        qn_format_double(column->values.number[row], value);
        break;
    case QN_TYPE_BOOLEAN:
        snprintf(value, sizeof(value), "%s", column->values.integer[row] ? "true" : "false");
        break;
    case QN_TYPE_INTEGER:
        snprintf(value, sizeof(value), "%lld", (long long)column->values.integer[row]);
        break;
    case QN_TYPE_DATE:
        format_date(column->values.integer[row], value);
        break;
    case QN_TYPE_DATETIME:
        format_datetime(column->values.integer[row], value);
        break;
    }
    return copy_cut(value, strlen(value), text, text_size);
}

static enum qn_status dictionary_copy(const struct qn_dictionary *from, struct qn_dictionary *out,
                                      struct qn_error *err)
{
    *out = (struct qn_dictionary){0};
    if (from->count == 0)
        return QN_OK;
    size_t bytes = (size_t)from->offsets[from->count];
    struct qn_dictionary copy = {.count = from->count,
                                 .offsets = QN_ALLOC(uint64_t, from->count + 1),
                                 .bytes = qn_alloc(bytes, 1)};
    if (!copy.offsets || !copy.bytes) {
        qn__dictionary_release(&copy);
        return qn_fail_nomem(err, "dictionary");
    }
    memcpy(copy.offsets, from->offsets, (from->count + 1) * sizeof(*copy.offsets));
    if (bytes > 0)
        memcpy(copy.bytes, from->bytes, bytes);
    *out = copy;
    return QN_OK;
}

/* rows NULL: all of them, in order. */
static enum qn_status take_column(struct qn_table *table, const struct qn_column *from,
                                  const size_t *rows, struct qn_error *err)
{
    struct qn_column *to;
    enum qn_status status = qn__table_append(table, from->name, from->type, &to, err);
    if (status != QN_OK)
        return status;
    status = dictionary_copy(&from->dictionary, &to->dictionary, err);
    if (status != QN_OK)
        return status;
    to->forced = from->forced;
    to->format = from->format ? qn_strdup(from->format) : NULL;
    to->reason = from->reason ? qn_strdup(from->reason) : NULL;
    if ((from->format && !to->format) || (from->reason && !to->reason))
        return qn_fail_nomem(err, "table column");
    size_t count = table->row_count;
    for (size_t i = 0; i < count; i++) {
        size_t row = rows ? rows[i] : i;
        if (qn_type_is_coded(from->type))
            to->values.code[i] = from->values.code[row];
        else if (from->type == QN_TYPE_NUMBER)
            to->values.number[i] = from->values.number[row];
        else
            to->values.integer[i] = from->values.integer[row];
    }
    for (size_t i = 0; i < count; i++)
        to->missing_count += qn_column_is_missing(to, i);
    return QN_OK;
}

enum qn_status qn_table_take_rows(const struct qn_table *table, const size_t *rows, size_t count,
                                  struct qn_table **out, struct qn_error *err)
{
    for (size_t i = 0; i < count; i++)
        assert(rows[i] < table->row_count);
    struct qn_table *taken = NULL;
    enum qn_status status = qn_table_create(table->name, count, &taken, err);
    for (size_t i = 0; status == QN_OK && i < table->column_count; i++)
        status = take_column(taken, &table->columns[i], rows, err);
    if (status != QN_OK)
        goto done;
    *out = taken; /* Ownership moves to the caller. */
    taken = NULL;
done:
    qn_table_free(taken);
    return status;
}

enum qn_status qn_table_copy_column(const struct qn_table *from, size_t column, struct qn_table *to,
                                    struct qn_error *err)
{
    assert(from->row_count == to->row_count && column < from->column_count);
    const struct qn_column *source = &from->columns[column];
    if (qn_table_find(to, source->name) >= 0)
        return qn_fail(err, QN_INVALID, "%s: there are two columns '%s'", to->name, source->name);
    return take_column(to, source, NULL, err);
}

static void put_digest(struct qn_buffer *buffer, const void *bytes, size_t size)
{
    unsigned char digest[QN_SHA256_SIZE];
    qn_sha256(bytes, size, digest);
    qn_buffer_append(buffer, digest, sizeof(digest));
}

/* A digest of digests, so that no column has to be copied. Values are hashed as they lie in
 * memory: little-endian, as on every machine that Quern builds for. */
enum qn_status qn_table_fingerprint(const struct qn_table *table, char hex[65],
                                    struct qn_error *err)
{
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, SIZE_MAX / 2);
    qn_buffer_text(&buffer, "quern table 1\n");
    qn_buffer_u64(&buffer, table->row_count);
    qn_buffer_u64(&buffer, table->column_count);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct qn_column *column = &table->columns[i];
        const struct qn_dictionary *dictionary = &column->dictionary;
        qn_buffer_string(&buffer, column->name);
        qn_buffer_string(&buffer, qn_type_name(column->type));
        put_digest(&buffer, column->values.any, table->row_count * value_size(column->type));
        qn_buffer_u64(&buffer, dictionary->count);
        if (dictionary->count == 0)
            continue;
        put_digest(&buffer, dictionary->offsets,
                   (dictionary->count + 1) * sizeof(*dictionary->offsets));
        put_digest(&buffer, dictionary->bytes, (size_t)dictionary->offsets[dictionary->count]);
    }
    enum qn_status status = qn_buffer_check(&buffer, "fingerprint", err);
    if (status == QN_OK)
        qn_sha256_hex(buffer.bytes, buffer.size, hex);
    qn_buffer_release(&buffer);
    return status;
}
