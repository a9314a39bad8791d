/* Reads JSON lines: one object a line (objects may also span lines), or one array of objects.
 * The file is scanned twice: once to learn its columns and what kinds of values each has, once to
 * fill them; so nothing is guessed from a sample, and no value is converted twice. Objects inside
 * the objects become columns "outer.inner", two levels deep; what is deeper, and arrays, is kept as
 * JSON text. The rules in words are in docs/data-formats.md. */
#include "data/data_internal.h"
#include "data/jsonl_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    QN_DOTTED_DEPTH = 2,
    QN_ROWS_PER_REPORT = 16384,
    QN_HEAP_BYTES = 64 << 20, /* larger files are copied to a temporary one */
    QN_NAME_LIMIT = 1 << 20,  /* of a path while it is put together; names_fix() is stricter */
};

struct json_column {
    char *name; /* owns */
    size_t name_size;
    unsigned kinds;           /* bit 1 << kind for each kind of value seen */
    bool has_members;         /* an object was found here and became columns of its own */
    size_t last_row;          /* 1 + the row that had it last: finds repeated keys */
    ptrdiff_t index;          /* in the table, or -1 when it is not stored */
    struct qn_lookup *lookup; /* owns; of text columns while they are filled */
};

struct jsonl_reader {
    const struct qn__source *source;
    const struct qn_read_options *options;
    struct qn_map map;
    char *copy; /* owns; what the map shows when the file is small */
    struct qn__json_scan scan;
    bool is_array;
    bool filling; /* second pass */
    size_t row, row_count;
    struct json_column *columns; /* owns */
    size_t column_count, column_capacity;
    struct qn_lookup *names; /* owns; code is the index into columns */
    size_t guess;            /* the column expected next */
    struct qn_buffer path;   /* of the key in hand, "outer.inner" */
    struct qn_buffer text;   /* of the string in hand */
    struct qn_table *table;  /* owns until it is handed out */
};

static bool is_text(const struct json_column *column)
{
    unsigned numeric = 1u << QN_JSON_INTEGER | 1u << QN_JSON_REAL | 1u << QN_JSON_BIG;
    unsigned kinds = column->kinds & ~(1u << QN_JSON_NULL);
    if (kinds == 1u << QN_JSON_BOOLEAN || kinds == 1u << QN_JSON_INTEGER)
        return false;
    return !(kinds & 1u << QN_JSON_REAL) || (kinds & ~numeric);
}

static enum qn_type plain_type(const struct json_column *column)
{
    if (is_text(column))
        return QN_TYPE_TEXT;
    if (column->kinds & 1u << QN_JSON_BOOLEAN)
        return QN_TYPE_BOOLEAN;
    return column->kinds & 1u << QN_JSON_REAL ? QN_TYPE_NUMBER : QN_TYPE_INTEGER;
}

/* Columns that only ever were objects, or null in their place, are not columns. */
static bool is_real(const struct json_column *column)
{
    return !column->has_members || (column->kinds & ~(1u << QN_JSON_NULL));
}

static enum qn_status add_column(struct jsonl_reader *reader, struct qn_error *err)
{
    if (reader->column_count >= reader->options->column_limit)
        return qn_fail(err, QN_INVALID, "%s: has more than %zu different keys",
                       reader->source->name, reader->options->column_limit);
    if (qn_grow((void **)&reader->columns, &reader->column_capacity, reader->column_count + 1,
                sizeof(*reader->columns)) < 0)
        return qn_fail_nomem(err, reader->source->name);
    struct json_column *column = &reader->columns[reader->column_count];
    *column = (struct json_column){.name_size = reader->path.size, .index = -1};
    column->name = qn_strndup(reader->path.bytes ? reader->path.bytes : "", reader->path.size);
    if (!column->name)
        return qn_fail_nomem(err, reader->source->name);
    reader->column_count++;
    return QN_OK;
}

/* The column of the path in hand, made when it is new; refuses a path that this row had already. */
static enum qn_status find_column(struct jsonl_reader *reader, const char *key_at, size_t *out,
                                  struct qn_error *err)
{
    const struct qn_buffer *path = &reader->path;
    const char *text = path->bytes ? path->bytes : "";
    size_t at = reader->guess < reader->column_count ? reader->guess : 0;
    bool guessed = at < reader->column_count && reader->columns[at].name_size == path->size &&
                   memcmp(reader->columns[at].name, text, path->size) == 0;
    if (!guessed) {
        int32_t code;
        enum qn_status status = qn_lookup_add(reader->names, text, path->size, &code, err);
        at = (size_t)code;
        if (status == QN_OK && at == reader->column_count)
            status = add_column(reader, err);
        if (status != QN_OK)
            return status;
    }
    if (reader->columns[at].last_row == reader->row + 1)
        return qn__json_fail(&reader->scan, key_at, err, "key \"%s\" comes twice in one object",
                             text);
    reader->columns[at].last_row = reader->row + 1;
    reader->guess = at + 1;
    *out = at;
    return QN_OK;
}

/* ---- Second pass: values into the table. ---- */

static enum qn_status store_text(struct jsonl_reader *reader, const struct json_column *column,
                                 const struct qn__json_value *value, struct qn_error *err)
{
    struct qn_column *to = &reader->table->columns[column->index];
    const char *text = value->text;
    size_t size = value->size;
    if (value->escaped) {
        qn_buffer_clear(&reader->text);
        enum qn_status status = qn__json_unescape(&reader->scan, value, &reader->text, err);
        if (status != QN_OK)
            return status;
        text = reader->text.bytes;
        size = reader->text.size;
    }
    return qn_lookup_add(column->lookup, text, size, &to->values.code[reader->row], err);
}

static double number_of(const struct qn__json_value *value)
{
    double number;
    if (qn_parse_double(value->text, value->size, &number))
        return number;
    return value->text[0] == '-' ? -(double)INFINITY : (double)INFINITY; /* 1e999 */
}

static enum qn_status store(struct jsonl_reader *reader, size_t at,
                            const struct qn__json_value *value, struct qn_error *err)
{
    const struct json_column *column = &reader->columns[at];
    if (column->index < 0 || value->kind == QN_JSON_NULL)
        return QN_OK;
    struct qn_column *to = &reader->table->columns[column->index];
    to->missing_count--;
    if (is_text(column))
        return store_text(reader, column, value, err);
    if (to->type == QN_TYPE_NUMBER) {
        to->values.number[reader->row] = number_of(value);
    } else if (to->type == QN_TYPE_BOOLEAN) {
        to->values.integer[reader->row] = value->text[0] == 't';
    } else {
        bool fits = qn_parse_int64(value->text, value->size, &to->values.integer[reader->row]);
        assert(fits);
        (void)fits;
    }
    return QN_OK;
}

/* ---- Both passes. ---- */

/* INT64_MIN fits 64 bits but stands for a missing value in tables. */
static void refine_kind(struct qn__json_value *value)
{
    int64_t integer;
    if (value->kind == QN_JSON_INTEGER && qn_parse_int64(value->text, value->size, &integer) &&
        integer == QN_MISSING_INTEGER)
        value->kind = QN_JSON_BIG;
}

static enum qn_status take_value(struct jsonl_reader *reader, size_t at, struct qn_error *err)
{
    struct qn__json_value value;
    enum qn_status status = qn__json_value(&reader->scan, &value, err);
    if (status != QN_OK)
        return status;
    if (value.size > reader->options->field_limit_bytes)
        return qn__json_fail(&reader->scan, value.text, err,
                             "a value of %zu bytes is longer than the limit of %zu", value.size,
                             reader->options->field_limit_bytes);
    if (reader->filling)
        return store(reader, at, &value, err);
    refine_kind(&value);
    reader->columns[at].kinds |= 1u << value.kind;
    return QN_OK;
}

static enum qn_status take_key(struct jsonl_reader *reader, const char **at_out,
                               struct qn_error *err)
{
    struct qn__json_value key;
    if (qn__json_peek(&reader->scan) != '"')
        return qn__json_fail(&reader->scan, reader->scan.bytes + reader->scan.at, err,
                             "expected a key in double quotes");
    enum qn_status status = qn__json_value(&reader->scan, &key, err);
    if (status == QN_OK)
        status = qn__json_unescape(&reader->scan, &key, &reader->path, err);
    if (status == QN_OK)
        status = qn__json_expect(&reader->scan, ':', err);
    *at_out = key.text;
    return status;
}

static void cut_path(struct jsonl_reader *reader, size_t size)
{
    reader->path.size = size;
    if (reader->path.bytes)
        reader->path.bytes[size] = '\0';
}

/* An object whose opening bracket is next; the path in hand is its prefix. Recursion is bounded by
 * QN_DOTTED_DEPTH. */
static enum qn_status take_object(struct jsonl_reader *reader, int depth, struct qn_error *err)
{
    size_t prefix = reader->path.size;
    enum qn_status status = qn__json_expect(&reader->scan, '{', err);
    if (status == QN_OK && qn__json_peek(&reader->scan) == '}') {
        reader->scan.at++;
        return QN_OK;
    }
    while (status == QN_OK) {
        const char *key_at = NULL;
        size_t at = 0;
        status = take_key(reader, &key_at, err);
        if (status == QN_OK)
            status = find_column(reader, key_at, &at, err);
        if (status != QN_OK)
            break;
        if (depth < QN_DOTTED_DEPTH && qn__json_peek(&reader->scan) == '{') {
            reader->columns[at].has_members = true;
            qn_buffer_char(&reader->path, '.');
            status = take_object(reader, depth + 1, err);
        } else {
            status = take_value(reader, at, err);
        }
        cut_path(reader, prefix);
        if (status != QN_OK)
            break;
        if (qn__json_peek(&reader->scan) != ',') {
            status = qn__json_expect(&reader->scan, '}', err);
            break;
        }
        reader->scan.at++;
    }
    return status;
}

/* Between objects: true when another one follows. */
static enum qn_status next_object(struct jsonl_reader *reader, bool *more_out, struct qn_error *err)
{
    struct qn__json_scan *scan = &reader->scan;
    enum qn_status status = QN_OK;
    int c = qn__json_peek(scan);
    if (reader->is_array && c == ']') {
        scan->at++;
        *more_out = false;
        if (qn__json_peek(scan) >= 0)
            return qn__json_fail(scan, scan->bytes + scan->at, err,
                                 "something follows the end of the array");
        return QN_OK;
    }
    if (reader->is_array && reader->row > 0) {
        status = qn__json_expect(scan, ',', err);
        c = qn__json_peek(scan);
    }
    *more_out = reader->is_array || c >= 0;
    if (status == QN_OK && *more_out && c != '{')
        return qn__json_fail(scan, scan->bytes + scan->at, err,
                             c < 0 ? "the array of objects has no end"
                                   : "expected an object, as in {\"name\": 1}");
    return status;
}

/* Puts the scan before the first object. */
static void rewind_scan(struct jsonl_reader *reader)
{
    reader->scan.at = reader->scan.size >= 3 && memcmp(reader->scan.bytes, "\xef\xbb\xbf", 3) == 0
                          ? 3 /* a byte order mark */
                          : 0;
    reader->row = 0;
    reader->is_array = qn__json_peek(&reader->scan) == '[';
    if (reader->is_array)
        reader->scan.at++;
}

static enum qn_status scan_all(struct jsonl_reader *reader, struct qn_error *err)
{
    rewind_scan(reader);
    for (size_t c = 0; c < reader->column_count; c++)
        reader->columns[c].last_row = 0;
    for (;;) {
        bool more;
        enum qn_status status = next_object(reader, &more, err);
        if (status != QN_OK || !more)
            return status;
        reader->guess = 0;
        cut_path(reader, 0);
        status = take_object(reader, 0, err);
        if (status == QN_OK && ++reader->row % QN_ROWS_PER_REPORT == 0)
            status = qn_progress_report(reader->options->progress, "read",
                                        reader->scan.at / 2 +
                                            (reader->filling ? reader->scan.size / 2 : 0),
                                        reader->scan.size, "bytes", err);
        if (status != QN_OK)
            return status;
    }
}

/* ---- From keys to columns of the table. ---- */

static enum qn_status make_table(struct jsonl_reader *reader, char **names, size_t count,
                                 struct qn_error *err)
{
    const struct qn_read_options *options = reader->options;
    const char *name = reader->source->name;
    enum qn_status status = qn_table_create(name, reader->row_count, &reader->table, err);
    if (status == QN_OK)
        status = qn__names_fix(reader->table, names, count, options, err);
    if (status == QN_OK)
        status = qn__read_check_names(options, name, (const char *const *)names, count, err);
    size_t wanted = 0;
    for (size_t i = 0; status == QN_OK && i < count; i++)
        wanted += qn__read_wants(options, names[i], i);
    if (status == QN_OK && wanted == 0)
        status = qn_fail(err, QN_INVALID, "%s: has no columns", name);
    if (status == QN_OK)
        status = qn__table_reserve(reader->table, wanted, options, err);
    size_t at = 0;
    for (size_t c = 0; status == QN_OK && c < reader->column_count; c++) {
        struct json_column *column = &reader->columns[c];
        if (!is_real(column))
            continue;
        struct qn_column *made;
        size_t number = at++;
        if (!qn__read_wants(options, names[number], number))
            continue;
        column->index = (ptrdiff_t)reader->table->column_count;
        status = qn__table_append(reader->table, names[number], plain_type(column), &made, err);
        if (status == QN_OK && is_text(column))
            status = qn_lookup_create(&column->lookup, err);
    }
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

static enum qn_status name_columns(struct jsonl_reader *reader, struct qn_error *err)
{
    char **names = QN_CALLOC(char *, reader->column_count);
    size_t count = 0;
    enum qn_status status = QN_OK;
    if (!names)
        return qn_fail_nomem(err, reader->source->name);
    for (size_t c = 0; c < reader->column_count; c++) {
        if (!is_real(&reader->columns[c]))
            continue;
        names[count] = qn_strndup(reader->columns[c].name, reader->columns[c].name_size);
        if (!names[count++]) {
            status = qn_fail_nomem(err, reader->source->name);
            goto done;
        }
    }
    status = make_table(reader, names, count, err);
done:
    for (size_t i = 0; i < count; i++)
        qn_free(names[i]);
    qn_free(names);
    return status;
}

/* The line on which a row begins, found by reading the file once more: only errors need it. */
static bool line_of_row(void *context, size_t row, uint64_t *line_out)
{
    struct jsonl_reader *reader = context;
    struct qn__json_value unused;
    bool more = true;
    rewind_scan(reader);
    while (next_object(reader, &more, NULL) == QN_OK && more) {
        if (reader->row == row) {
            *line_out = 1;
            for (size_t i = 0; i < reader->scan.at; i++)
                *line_out += reader->scan.bytes[i] == '\n';
            return true;
        }
        if (qn__json_value(&reader->scan, &unused, NULL) != QN_OK)
            return false;
        reader->row++;
    }
    return false;
}

static enum qn_status finish_column(struct jsonl_reader *reader, struct json_column *column,
                                    struct qn_error *err)
{
    const struct qn__where where = {.line_of_row = line_of_row, .context = reader};
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
        [QN_TYPE_BOOLEAN] = "true or false",
        [QN_TYPE_INTEGER] = "whole numbers",
        [QN_TYPE_NUMBER] = "numbers",
    };
    return qn__column_reason(to, err, "all %zu values are JSON %s",
                             reader->row_count - to->missing_count, kinds[to->type]);
}

static enum qn_status read_file(struct jsonl_reader *reader, struct qn_error *err)
{
    struct qn__json_scan *scan = &reader->scan;
    *scan = (struct qn__json_scan){reader->map.bytes, reader->map.size, 0, reader->source->name};
    size_t valid = qn_utf8_check(scan->bytes, scan->size);
    if (valid < scan->size)
        return qn__json_fail(scan, scan->bytes + valid, err, "a byte that is not UTF-8");
    enum qn_status status = scan_all(reader, err);
    if (status != QN_OK)
        return status;
    reader->row_count = reader->row;
    if (reader->row_count == 0)
        return qn_fail(err, QN_INVALID, "%s: holds no objects", reader->source->name);
    status = name_columns(reader, err);
    if (status != QN_OK)
        return status;
    clear_columns(reader->table);
    reader->filling = true;
    status = scan_all(reader, err);
    for (size_t c = 0; status == QN_OK && c < reader->column_count; c++) {
        if (reader->columns[c].index >= 0)
            status = finish_column(reader, &reader->columns[c], err);
    }
    return status;
}

/* Shows the file as one piece of memory. A file that has a name is copied, because another program
 * may cut it short, and then its map would kill the process. */
static enum qn_status take_bytes(struct jsonl_reader *reader, struct qn_error *err)
{
    const struct qn__source *source = reader->source;
    struct stat about;
    if (source->fd < 0)
        return qn_map_open(source->path, &reader->map, err);
    if (fstat(source->fd, &about) != 0)
        return qn_fail(err, QN_IO, "%s could not be examined: %s", source->name, strerror(errno));
    if (about.st_nlink == 0)
        return qn_map_fd(source->fd, source->name, &reader->map, err);
    if (source->size_bytes <= QN_HEAP_BYTES) {
        reader->copy = qn_alloc(source->size_bytes + 1, 1);
        if (!reader->copy)
            return qn_fail_nomem(err, source->name);
        reader->map = (struct qn_map){reader->copy, source->size_bytes, NULL};
        return qn__source_pread(source, reader->copy, source->size_bytes, 0, err);
    }
    int fd = -1;
    size_t size;
    enum qn_status status = qn__spool(source->fd, source->name, reader->options, &fd, &size, err);
    if (status != QN_OK)
        return status;
    status = qn_map_fd(fd, source->name, &reader->map, err);
    close(fd); /* The map stays. */
    return status;
}

enum qn_status qn__jsonl_read(const struct qn__source *source,
                              const struct qn_read_options *options, struct qn_table **out,
                              struct qn_error *err)
{
    struct jsonl_reader reader = {.source = source, .options = options};
    qn_buffer_init(&reader.path, QN_NAME_LIMIT);
    qn_buffer_init(&reader.text, SIZE_MAX);
    enum qn_status status = take_bytes(&reader, err);
    if (status == QN_OK)
        status = qn_lookup_create(&reader.names, err);
    if (status == QN_OK)
        status = read_file(&reader, err);
    if (status == QN_OK) {
        *out = reader.table;
        reader.table = NULL;
    }
    for (size_t c = 0; c < reader.column_count; c++) {
        qn_free(reader.columns[c].name);
        qn_lookup_free(reader.columns[c].lookup);
    }
    qn_free(reader.columns);
    qn_lookup_free(reader.names);
    qn_buffer_release(&reader.path);
    qn_buffer_release(&reader.text);
    qn_table_free(reader.table);
    qn_map_close(&reader.map);
    qn_free(reader.copy);
    return status;
}
