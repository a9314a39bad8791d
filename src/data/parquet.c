/* Reads Parquet through DuckDB. The file's columns are cut into sets; each set is one query on a
 * connection of its own, run by one thread, which copies chunk by chunk into the table's arrays:
 * columns of a Parquet file are stored apart, so threads never decode the same bytes, and a
 * dictionary of texts grows in the order of the rows whatever the number of threads. What becomes
 * of each type is in docs/data-formats.md. */
#include "data/data_internal.h"
#include "data/engine_internal.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/text.h"
#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum {
    QN_SETS_PER_THREAD = 4,
    QN_SET_COLUMNS_MAX = 4096, /* bounds a query's memory */
    QN_WIDE = 1024, /* a query over so many columns costs more to plan than to wait for */
    QN_CHUNKS_PER_REPORT = 32,
    QN_RECENT = 1024,            /* texts remembered by each column's cache; a power of two */
    QN_DECIMAL_EXACT_WIDTH = 15, /* 10^15 < 2^53: value and scale are exact doubles */
    QN_SQL_LIMIT = 1 << 28,
};

/* How the values of a column arrive from the engine. */
enum arrival {
    QN_ARRIVE_BOOL,
    QN_ARRIVE_I8,
    QN_ARRIVE_I16,
    QN_ARRIVE_I32,
    QN_ARRIVE_I64,
    QN_ARRIVE_U8,
    QN_ARRIVE_U16,
    QN_ARRIVE_U32,
    QN_ARRIVE_U64,
    QN_ARRIVE_I128,
    QN_ARRIVE_FLOAT,
    QN_ARRIVE_DOUBLE,
    QN_ARRIVE_MILLIS,
    QN_ARRIVE_NANOS,
    QN_ARRIVE_SECONDS,
    QN_ARRIVE_TEXT,
    QN_ARRIVE_BYTES, /* text only when all values are UTF-8 */
};

/* What the query asks for, so that the value arrives as one of the above. */
enum wish {
    QN_WISH_PLAIN,
    QN_WISH_DOUBLE,
    QN_WISH_EXACT_DOUBLE,
    QN_WISH_I128,
    QN_WISH_TEXT,
    QN_WISH_JSON
};

struct type_rule {
    duckdb_type stored;
    const char *words; /* of the type, for the reason shown to the user */
    enum qn_type type;
    enum arrival arrival;
    enum wish wish;
};

static const struct type_rule type_rules[] = {
    {DUCKDB_TYPE_BOOLEAN, "booleans", QN_TYPE_BOOLEAN, QN_ARRIVE_BOOL, QN_WISH_PLAIN},
    {DUCKDB_TYPE_TINYINT, "8-bit integers", QN_TYPE_INTEGER, QN_ARRIVE_I8, QN_WISH_PLAIN},
    {DUCKDB_TYPE_SMALLINT, "16-bit integers", QN_TYPE_INTEGER, QN_ARRIVE_I16, QN_WISH_PLAIN},
    {DUCKDB_TYPE_INTEGER, "32-bit integers", QN_TYPE_INTEGER, QN_ARRIVE_I32, QN_WISH_PLAIN},
    {DUCKDB_TYPE_BIGINT, "64-bit integers", QN_TYPE_INTEGER, QN_ARRIVE_I64, QN_WISH_PLAIN},
    {DUCKDB_TYPE_UTINYINT, "unsigned 8-bit integers", QN_TYPE_INTEGER, QN_ARRIVE_U8, QN_WISH_PLAIN},
    {DUCKDB_TYPE_USMALLINT, "unsigned 16-bit integers", QN_TYPE_INTEGER, QN_ARRIVE_U16,
     QN_WISH_PLAIN},
    {DUCKDB_TYPE_UINTEGER, "unsigned 32-bit integers", QN_TYPE_INTEGER, QN_ARRIVE_U32,
     QN_WISH_PLAIN},
    {DUCKDB_TYPE_UBIGINT, "unsigned 64-bit integers", QN_TYPE_INTEGER, QN_ARRIVE_U64,
     QN_WISH_PLAIN},
    {DUCKDB_TYPE_HUGEINT, "128-bit integers", QN_TYPE_INTEGER, QN_ARRIVE_I128, QN_WISH_PLAIN},
    {DUCKDB_TYPE_FLOAT, "32-bit floats", QN_TYPE_NUMBER, QN_ARRIVE_FLOAT, QN_WISH_PLAIN},
    {DUCKDB_TYPE_DOUBLE, "64-bit floats", QN_TYPE_NUMBER, QN_ARRIVE_DOUBLE, QN_WISH_PLAIN},
    {DUCKDB_TYPE_DECIMAL, "decimals", QN_TYPE_NUMBER, QN_ARRIVE_DOUBLE, QN_WISH_DOUBLE},
    {DUCKDB_TYPE_DATE, "dates", QN_TYPE_DATE, QN_ARRIVE_I32, QN_WISH_PLAIN},
    {DUCKDB_TYPE_TIMESTAMP, "timestamps", QN_TYPE_DATETIME, QN_ARRIVE_I64, QN_WISH_PLAIN},
    {DUCKDB_TYPE_TIMESTAMP_TZ, "timestamps in UTC", QN_TYPE_DATETIME, QN_ARRIVE_I64, QN_WISH_PLAIN},
    {DUCKDB_TYPE_TIMESTAMP_S, "timestamps in seconds", QN_TYPE_DATETIME, QN_ARRIVE_SECONDS,
     QN_WISH_PLAIN},
    {DUCKDB_TYPE_TIMESTAMP_MS, "timestamps in milliseconds", QN_TYPE_DATETIME, QN_ARRIVE_MILLIS,
     QN_WISH_PLAIN},
    {DUCKDB_TYPE_TIMESTAMP_NS, "timestamps in nanoseconds", QN_TYPE_DATETIME, QN_ARRIVE_NANOS,
     QN_WISH_PLAIN},
    {DUCKDB_TYPE_VARCHAR, "strings", QN_TYPE_TEXT, QN_ARRIVE_TEXT, QN_WISH_PLAIN},
    {DUCKDB_TYPE_BLOB, "byte strings", QN_TYPE_TEXT, QN_ARRIVE_BYTES, QN_WISH_PLAIN},
    {DUCKDB_TYPE_ENUM, "enumerated strings", QN_TYPE_TEXT, QN_ARRIVE_TEXT, QN_WISH_TEXT},
    {DUCKDB_TYPE_UUID, "UUIDs", QN_TYPE_TEXT, QN_ARRIVE_TEXT, QN_WISH_TEXT},
    {DUCKDB_TYPE_TIME, "times of day", QN_TYPE_TEXT, QN_ARRIVE_TEXT, QN_WISH_TEXT},
    {DUCKDB_TYPE_TIME_NS, "times of day", QN_TYPE_TEXT, QN_ARRIVE_TEXT, QN_WISH_TEXT},
    {DUCKDB_TYPE_TIME_TZ, "times of day", QN_TYPE_TEXT, QN_ARRIVE_TEXT, QN_WISH_TEXT},
    {DUCKDB_TYPE_INTERVAL, "intervals", QN_TYPE_TEXT, QN_ARRIVE_TEXT, QN_WISH_TEXT},
    {DUCKDB_TYPE_LIST, "lists", QN_TYPE_TEXT, QN_ARRIVE_TEXT, QN_WISH_JSON},
    {DUCKDB_TYPE_ARRAY, "arrays", QN_TYPE_TEXT, QN_ARRIVE_TEXT, QN_WISH_JSON},
    {DUCKDB_TYPE_STRUCT, "structs", QN_TYPE_TEXT, QN_ARRIVE_TEXT, QN_WISH_JSON},
    {DUCKDB_TYPE_MAP, "maps", QN_TYPE_TEXT, QN_ARRIVE_TEXT, QN_WISH_JSON},
};

/* A decimal without a fraction: database exports write integers so. */
static const struct type_rule whole_decimal_rule = {
    DUCKDB_TYPE_DECIMAL, "decimals without a fraction", QN_TYPE_INTEGER, QN_ARRIVE_I128,
    QN_WISH_I128,
};
/* Integers and instants that a signed 64-bit integer cannot hold beside the missing value. */
static const struct type_rule wide_rule = {
    DUCKDB_TYPE_INVALID, "integers", QN_TYPE_TEXT, QN_ARRIVE_TEXT, QN_WISH_TEXT,
};

/* Texts seen lately, by their 16 bytes in the engine's chunk: those of up to 12 bytes are whole in
 * there, so that equal bytes are equal texts. */
struct recent_text {
    duckdb_string_t string;
    int32_t code;
};

/* One column that is read. */
struct parquet_column {
    char *engine_name; /* owns; as the engine calls it: it renames A beside a */
    struct type_rule rule;
    struct qn_lookup *lookup;   /* owns; of coded columns while they are filled */
    struct recent_text *recent; /* owns; QN_RECENT of them */
    bool overflow;              /* a value does not fit an integer: read again as text */
};

struct parquet_reader {
    const struct qn__source *source;
    const struct qn_read_options *options;
    struct qn__engine engine;
    char path[QN_ENGINE_PATH_SIZE];
    int fd; /* owns when the source has none, else -1 */
    struct qn_table *table;
    size_t row_count;
    char **names; /* owns, as its strings do; in the file's order, all columns */
    size_t name_count;
    struct parquet_column *columns; /* owns; those that are wanted, as in the table */
    size_t column_count;
    size_t set_size;         /* columns a task */
    struct qn_error *errors; /* owns; one a set */
    atomic_size_t cells_done;
    atomic_bool stop; /* one set failed: the others need not go on */
};

static enum qn_status query(const struct parquet_reader *reader, const char *sql, bool streaming,
                            duckdb_result *out, struct qn_error *err)
{
    return qn__engine_query(reader->engine.connection, sql, streaming, reader->source->name, out,
                            err);
}

static void quote_name(struct qn_buffer *sql, const char *name)
{
    qn_buffer_char(sql, '"');
    for (; *name; name++) {
        if (*name == '"')
            qn_buffer_char(sql, '"');
        qn_buffer_char(sql, *name);
    }
    qn_buffer_char(sql, '"');
}

static void add_expression(struct qn_buffer *sql, const struct parquet_column *column)
{
    static const char *const before[] = {
        [QN_WISH_PLAIN] = "",     [QN_WISH_DOUBLE] = "cast(", [QN_WISH_EXACT_DOUBLE] = "cast(cast(",
        [QN_WISH_I128] = "cast(", [QN_WISH_TEXT] = "cast(",   [QN_WISH_JSON] = "cast(to_json(",
    };
    static const char *const after[] = {
        [QN_WISH_PLAIN] = "",
        [QN_WISH_DOUBLE] = " as double)",
        [QN_WISH_EXACT_DOUBLE] = " as varchar) as double)",
        [QN_WISH_I128] = " as hugeint)",
        [QN_WISH_TEXT] = " as varchar)",
        [QN_WISH_JSON] = ") as varchar)",
    };
    qn_buffer_text(sql, before[column->rule.wish]);
    quote_name(sql, column->engine_name);
    qn_buffer_text(sql, after[column->rule.wish]);
}

/* ---- Filling: one chunk's vector into rows [row, row + count) of a column. ---- */

struct fill {
    struct parquet_column *from;
    struct qn_column *to;
    const char *table_name;
    size_t row, count;
    const uint64_t *valid; /* bits; NULL when no value is missing */
    const void *data;
};

static bool is_valid(const struct fill *fill, size_t i)
{
    return !fill->valid || (fill->valid[i / 64] >> (i % 64) & 1);
}

/* Defines a loop over one arrival type: the plain conversion to int64_t or double. */
#define QN_FILL_INTEGERS(name, c_type)                                                             \
    static void name(const struct fill *fill)                                                      \
    {                                                                                              \
        const c_type *from = fill->data;                                                           \
        int64_t *to = fill->to->values.integer + fill->row;                                        \
        for (size_t i = 0; i < fill->count; i++)                                                   \
            to[i] = is_valid(fill, i) ? (int64_t)from[i] : QN_MISSING_INTEGER;                     \
    }
#define QN_FILL_NUMBERS(name, c_type)                                                              \
    static void name(const struct fill *fill)                                                      \
    {                                                                                              \
        const c_type *from = fill->data;                                                           \
        double *to = fill->to->values.number + fill->row;                                          \
        for (size_t i = 0; i < fill->count; i++)                                                   \
            to[i] = is_valid(fill, i) ? (double)from[i] : (double)NAN;                             \
    }
/* Instants in units of `microseconds` microseconds each, with a check. */
#define QN_FILL_INSTANTS(name, microseconds)                                                       \
    static void name(const struct fill *fill)                                                      \
    {                                                                                              \
        const int64_t *from = fill->data;                                                          \
        int64_t *to = fill->to->values.integer + fill->row;                                        \
        for (size_t i = 0; i < fill->count; i++) {                                                 \
            bool valid = is_valid(fill, i);                                                        \
            to[i] = QN_MISSING_INTEGER;                                                            \
            if (valid && __builtin_mul_overflow(from[i], INT64_C(microseconds), &to[i]))           \
                fill->from->overflow = true;                                                       \
        }                                                                                          \
    }

QN_FILL_INTEGERS(fill_bool, bool)
QN_FILL_INTEGERS(fill_i8, int8_t)
QN_FILL_INTEGERS(fill_i16, int16_t)
QN_FILL_INTEGERS(fill_i32, int32_t)
QN_FILL_INTEGERS(fill_u8, uint8_t)
QN_FILL_INTEGERS(fill_u16, uint16_t)
QN_FILL_INTEGERS(fill_u32, uint32_t)
QN_FILL_NUMBERS(fill_float, float)
QN_FILL_NUMBERS(fill_double, double)
QN_FILL_INSTANTS(fill_seconds, 1000000)
QN_FILL_INSTANTS(fill_millis, 1000)

static void fill_i64(const struct fill *fill)
{
    const int64_t *from = fill->data;
    int64_t *to = fill->to->values.integer + fill->row;
    for (size_t i = 0; i < fill->count; i++) {
        bool valid = is_valid(fill, i);
        to[i] = valid ? from[i] : QN_MISSING_INTEGER;
        if (valid && from[i] == QN_MISSING_INTEGER)
            fill->from->overflow = true;
    }
}

static void fill_u64(const struct fill *fill)
{
    const uint64_t *from = fill->data;
    int64_t *to = fill->to->values.integer + fill->row;
    for (size_t i = 0; i < fill->count; i++) {
        bool valid = is_valid(fill, i);
        to[i] = valid ? (int64_t)from[i] : QN_MISSING_INTEGER;
        if (valid && from[i] > INT64_MAX)
            fill->from->overflow = true;
    }
}

static void fill_i128(const struct fill *fill)
{
    const duckdb_hugeint *from = fill->data;
    int64_t *to = fill->to->values.integer + fill->row;
    for (size_t i = 0; i < fill->count; i++) {
        to[i] = QN_MISSING_INTEGER;
        if (!is_valid(fill, i))
            continue;
        to[i] = (int64_t)from[i].lower;
        if (from[i].upper != (to[i] < 0 ? -1 : 0) || to[i] == QN_MISSING_INTEGER)
            fill->from->overflow = true;
    }
}

/* Nanoseconds are cut (towards the past) to microseconds. */
static void fill_nanos(const struct fill *fill)
{
    const int64_t *from = fill->data;
    int64_t *to = fill->to->values.integer + fill->row;
    for (size_t i = 0; i < fill->count; i++) {
        to[i] = QN_MISSING_INTEGER;
        if (is_valid(fill, i))
            to[i] = from[i] / 1000 - (from[i] % 1000 < 0);
    }
}

/* Texts come new so seldom that each is looked through for what a table may not hold. */
static enum qn_status check_text(const struct fill *fill, size_t row, const char *text, size_t size,
                                 struct qn_error *err)
{
    if (memchr(text, '\0', size))
        return qn_fail(err, QN_INVALID, "%s: row %zu of column '%s' has a NUL byte in its text",
                       fill->table_name, row + 1, fill->to->name);
    if (qn_utf8_check(text, size) != size)
        return qn_fail(err, QN_INVALID,
                       "%s: column '%s' holds bytes that are not text (row %zu); leave the column "
                       "out",
                       fill->table_name, fill->to->name, row + 1);
    return QN_OK;
}

static enum qn_status text_code(const struct fill *fill, size_t i, duckdb_string_t *string,
                                int32_t *code_out, struct qn_error *err)
{
    struct qn_lookup *lookup = fill->from->lookup;
    const char *text = duckdb_string_t_data(string);
    size_t size = duckdb_string_t_length(*string);
    size_t before = qn_lookup_count(lookup);
    enum qn_status status = qn_lookup_add(lookup, text, size, code_out, err);
    if (status != QN_OK)
        return qn_fail_within(err, "%s: column '%s'", fill->table_name, fill->to->name);
    if (qn_lookup_count(lookup) > before)
        return check_text(fill, fill->row + i, text, size, err);
    return QN_OK;
}

static struct recent_text *recent_slot(const struct fill *fill, const duckdb_string_t *string)
{
    uint64_t halves[2];
    memcpy(halves, string, sizeof(halves));
    uint64_t mixed =
        (halves[0] ^ (halves[1] << 21 | halves[1] >> 43)) * UINT64_C(0x9e3779b97f4a7c15);
    return &fill->from->recent[mixed >> 54];
}

static enum qn_status fill_text(const struct fill *fill, struct qn_error *err)
{
    _Static_assert(sizeof(duckdb_string_t) == 16 && QN_RECENT == 1 << 10, "slots by 10 bits");
    duckdb_string_t *from = (duckdb_string_t *)(uintptr_t)fill->data; /* its getter is not const */
    int32_t *to = fill->to->values.code + fill->row;
    for (size_t i = 0; i < fill->count; i++) {
        to[i] = QN_MISSING_CODE;
        if (!is_valid(fill, i))
            continue;
        struct recent_text *recent = recent_slot(fill, &from[i]);
        bool whole = duckdb_string_is_inlined(from[i]);
        if (whole && recent->code >= 0 && memcmp(&recent->string, &from[i], 16) == 0) {
            to[i] = recent->code;
            continue;
        }
        enum qn_status status = text_code(fill, i, &from[i], &to[i], err);
        if (status != QN_OK)
            return status;
        if (whole) {
            recent->string = from[i];
            recent->code = to[i];
        }
    }
    return QN_OK;
}

static enum qn_status fill_column(const struct fill *fill, struct qn_error *err)
{
    static void (*const fills[])(const struct fill *) = {
        [QN_ARRIVE_BOOL] = fill_bool,       [QN_ARRIVE_I8] = fill_i8,
        [QN_ARRIVE_I16] = fill_i16,         [QN_ARRIVE_I32] = fill_i32,
        [QN_ARRIVE_I64] = fill_i64,         [QN_ARRIVE_U8] = fill_u8,
        [QN_ARRIVE_U16] = fill_u16,         [QN_ARRIVE_U32] = fill_u32,
        [QN_ARRIVE_U64] = fill_u64,         [QN_ARRIVE_I128] = fill_i128,
        [QN_ARRIVE_FLOAT] = fill_float,     [QN_ARRIVE_DOUBLE] = fill_double,
        [QN_ARRIVE_SECONDS] = fill_seconds, [QN_ARRIVE_MILLIS] = fill_millis,
        [QN_ARRIVE_NANOS] = fill_nanos,
    };
    enum arrival arrival = fill->from->rule.arrival;
    if (arrival == QN_ARRIVE_TEXT || arrival == QN_ARRIVE_BYTES)
        return fill_text(fill, err);
    fills[arrival](fill);
    return QN_OK;
}

/* ---- One set of columns: columns [first, last). ---- */

static enum qn_status set_begin(struct parquet_reader *reader, size_t first, size_t last,
                                struct qn_error *err)
{
    for (size_t c = first; c < last; c++) {
        struct parquet_column *column = &reader->columns[c];
        if (column->rule.arrival < QN_ARRIVE_TEXT)
            continue;
        enum qn_status status = qn_lookup_create(&column->lookup, err);
        if (status != QN_OK)
            return status;
        column->recent = QN_ALLOC(struct recent_text, QN_RECENT);
        if (!column->recent)
            return qn_fail_nomem(err, reader->source->name);
        for (size_t i = 0; i < QN_RECENT; i++)
            column->recent[i].code = -1;
    }
    return QN_OK;
}

/* Category or text follows from the values; missing values are counted. */
static enum qn_status set_end(struct parquet_reader *reader, size_t first, size_t last,
                              struct qn_error *err)
{
    for (size_t c = first; c < last; c++) {
        struct parquet_column *from = &reader->columns[c];
        struct qn_column *to = &reader->table->columns[c];
        if (from->overflow)
            continue;
        to->missing_count = 0;
        for (size_t row = 0; row < reader->row_count; row++)
            to->missing_count += qn_column_is_missing(to, row);
        enum qn_status status = QN_OK;
        if (from->lookup) {
            status = qn_lookup_take(from->lookup, &to->dictionary, err);
            if (status != QN_OK)
                return status;
            const struct qn_dictionary *texts = &to->dictionary;
            size_t text_bytes = texts->count > 0 ? (size_t)texts->offsets[texts->count] : 0;
            to->type = qn__coded_type(texts->count, reader->row_count - to->missing_count,
                                      text_bytes, reader->options);
        }
        status = qn__column_reason(to, err, "the file stores it as %s", from->rule.words);
        if (status != QN_OK)
            return status;
    }
    return QN_OK;
}

static enum qn_status set_report(struct parquet_reader *reader, size_t cells, size_t chunk,
                                 unsigned thread, struct qn_error *err)
{
    size_t done = atomic_fetch_add(&reader->cells_done, cells) + cells;
    if (atomic_load(&reader->stop))
        return qn_fail(err, QN_CANCELLED, "stopped"); /* not shown: another set has the reason */
    if (thread != 0 || chunk % QN_CHUNKS_PER_REPORT != 0)
        return QN_OK;
    return qn_progress_report(reader->options->progress, "read", done / reader->column_count,
                              reader->row_count, "rows", err);
}

/* Copies a result into the columns. */
static enum qn_status set_fetch(struct parquet_reader *reader, duckdb_result *result, size_t first,
                                size_t last, unsigned thread, struct qn_error *err)
{
    enum qn_status status = QN_OK;
    duckdb_data_chunk chunk = NULL;
    size_t row = 0;
    for (size_t number = 0; status == QN_OK; number++) {
        chunk = duckdb_fetch_chunk(*result);
        if (!chunk)
            break;
        size_t count = (size_t)duckdb_data_chunk_get_size(chunk);
        if (count > reader->row_count - row)
            status = qn_fail(err, QN_CORRUPT, "%s: has more rows than it declares",
                             reader->source->name);
        for (size_t c = first; status == QN_OK && c < last; c++) {
            duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, c - first);
            struct fill fill = {
                .from = &reader->columns[c],
                .to = &reader->table->columns[c],
                .table_name = reader->source->name,
                .row = row,
                .count = count,
                .valid = duckdb_vector_get_validity(vector),
                .data = duckdb_vector_get_data(vector),
            };
            status = fill_column(&fill, err);
        }
        row += count;
        duckdb_destroy_data_chunk(&chunk);
        if (status == QN_OK)
            status = set_report(reader, count * (last - first), number, thread, err);
    }
    if (status != QN_OK)
        return status;
    const char *failure = duckdb_result_error(result);
    if (failure && *failure)
        return qn__engine_fail(err, reader->source->name, failure);
    if (row != reader->row_count)
        return qn_fail(err, QN_CORRUPT, "%s: has %zu rows but declares %zu", reader->source->name,
                       row, reader->row_count);
    return QN_OK;
}

static enum qn_status set_read(struct parquet_reader *reader, size_t first, size_t last,
                               unsigned thread, struct qn_error *err)
{
    struct qn_buffer sql;
    duckdb_connection connection = NULL;
    duckdb_result result = {0};
    bool has_result = false;
    qn_buffer_init(&sql, QN_SQL_LIMIT);
    enum qn_status status = set_begin(reader, first, last, err);
    if (status != QN_OK)
        goto done;
    qn_buffer_text(&sql, "select ");
    for (size_t c = first; c < last; c++) {
        qn_buffer_text(&sql, c > first ? ", " : "");
        add_expression(&sql, &reader->columns[c]);
    }
    qn_buffer_format(&sql, " from read_parquet('%s', hive_partitioning = false)", reader->path);
    status = qn_buffer_check(&sql, reader->source->name, err);
    if (status != QN_OK)
        goto done;
    if (duckdb_connect(reader->engine.database, &connection) != DuckDBSuccess) {
        status = qn_fail_nomem(err, reader->source->name);
        goto done;
    }
    status = qn__engine_query(connection, sql.bytes, true, reader->source->name, &result, err);
    if (status != QN_OK)
        goto done;
    has_result = true;
    status = set_fetch(reader, &result, first, last, thread, err);
    if (status == QN_OK)
        status = set_end(reader, first, last, err);
done:
    if (has_result)
        duckdb_destroy_result(&result);
    if (connection)
        duckdb_disconnect(&connection);
    qn_buffer_release(&sql);
    for (size_t c = first; c < last; c++) {
        qn_free(reader->columns[c].recent);
        qn_lookup_free(reader->columns[c].lookup);
        reader->columns[c].recent = NULL;
        reader->columns[c].lookup = NULL;
    }
    return status;
}

static void set_task(void *context, size_t index, unsigned thread)
{
    struct parquet_reader *reader = context;
    size_t first = index * reader->set_size;
    size_t last = first + reader->set_size;
    if (last > reader->column_count)
        last = reader->column_count;
    if (atomic_load(&reader->stop))
        return;
    if (set_read(reader, first, last, thread, &reader->errors[index]) != QN_OK)
        atomic_store(&reader->stop, true);
}

/* ---- The whole file. ---- */

static enum qn_status reader_open(struct parquet_reader *reader, struct qn_error *err)
{
    int fd = reader->source->fd;
    if (fd < 0) {
        fd = reader->fd = open(reader->source->path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return qn_fail(err, errno == ENOENT ? QN_NOT_FOUND : QN_IO, "%s: %s",
                           reader->source->name, strerror(errno));
    }
    qn__engine_path(fd, reader->path);
    /* One engine thread: each query is run by the thread of ours that fetches from it. */
    struct qn__engine_options options = {
        .thread_count = 1,
        .memory_limit_bytes = reader->options->memory_limit_bytes,
        .temporary_folder = reader->options->temporary_folder,
    };
    enum qn_status status = qn__engine_open(&options, &reader->engine, err);
    if (status != QN_OK)
        return status;
    duckdb_result result = {0};
    /* A wide file's footer is parsed once, not by each query again. */
    status = query(reader, "set parquet_metadata_cache = true", false, &result, err);
    if (status == QN_OK)
        duckdb_destroy_result(&result);
    return status;
}

static enum qn_status read_row_count(struct parquet_reader *reader, struct qn_error *err)
{
    struct qn_buffer sql;
    duckdb_result result = {0};
    qn_buffer_init(&sql, QN_SQL_LIMIT);
    qn_buffer_format(&sql, "select num_rows from parquet_file_metadata('%s')", reader->path);
    enum qn_status status = qn_buffer_check(&sql, reader->source->name, err);
    if (status == QN_OK)
        status = query(reader, sql.bytes, false, &result, err);
    qn_buffer_release(&sql);
    if (status != QN_OK)
        return status;
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    int64_t count = -1;
    if (chunk && duckdb_data_chunk_get_size(chunk) == 1)
        count = *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    if (count < 0 || (uint64_t)count > SIZE_MAX / 16)
        return qn_fail(err, QN_CORRUPT, "%s: declares no plausible number of rows",
                       reader->source->name);
    reader->row_count = (size_t)count;
    return QN_OK;
}

/* Walks parquet_schema(), which lists the tree depth first with the root before all: the children
 * of the root are the columns, under the names that the file gives them. */
struct schema_walk {
    int64_t below; /* elements still to come inside the current column */
    bool root_seen;
};

static enum qn_status schema_chunk(struct parquet_reader *reader, duckdb_data_chunk chunk,
                                   struct schema_walk *walk, size_t *capacity, struct qn_error *err)
{
    duckdb_vector children = duckdb_data_chunk_get_vector(chunk, 1);
    duckdb_string_t *names = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    const int64_t *child_count = duckdb_vector_get_data(children);
    uint64_t *valid = duckdb_vector_get_validity(children);
    for (idx_t i = 0; i < duckdb_data_chunk_get_size(chunk); i++) {
        int64_t own = !valid || duckdb_validity_row_is_valid(valid, i) ? child_count[i] : 0;
        bool top = walk->root_seen && walk->below == 0;
        if (walk->root_seen)
            walk->below += top ? own : own - 1;
        walk->root_seen = true;
        if (!top)
            continue;
        if (qn_grow((void **)&reader->names, capacity, reader->name_count + 1, sizeof(char *)) < 0)
            return qn_fail_nomem(err, reader->source->name);
        size_t size = duckdb_string_t_length(names[i]);
        char *name = qn_strndup(duckdb_string_t_data(&names[i]), size);
        if (!name)
            return qn_fail_nomem(err, reader->source->name);
        reader->names[reader->name_count++] = name;
    }
    return QN_OK;
}

static enum qn_status read_names(struct parquet_reader *reader, struct qn_error *err)
{
    struct qn_buffer sql;
    duckdb_result result = {0};
    qn_buffer_init(&sql, QN_SQL_LIMIT);
    qn_buffer_format(&sql, "select name, num_children from parquet_schema('%s')", reader->path);
    enum qn_status status = qn_buffer_check(&sql, reader->source->name, err);
    if (status == QN_OK)
        status = query(reader, sql.bytes, false, &result, err);
    qn_buffer_release(&sql);
    if (status != QN_OK)
        return status;
    struct schema_walk walk = {0};
    size_t capacity = 0;
    while (status == QN_OK) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
        if (!chunk)
            break;
        status = schema_chunk(reader, chunk, &walk, &capacity, err);
        duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    return status;
}

static const struct type_rule *find_rule(duckdb_type type)
{
    for (size_t i = 0; i < sizeof(type_rules) / sizeof(type_rules[0]); i++) {
        if (type_rules[i].stored == type)
            return &type_rules[i];
    }
    return NULL;
}

/* The rule for column `at` of the prepared "select *". */
static enum qn_status choose_rule(const struct parquet_reader *reader,
                                  duckdb_prepared_statement all, size_t at, struct type_rule *out,
                                  struct qn_error *err)
{
    duckdb_logical_type type = duckdb_prepared_statement_column_logical_type(all, at);
    duckdb_type id = duckdb_get_type_id(type);
    const struct type_rule *rule = find_rule(id);
    unsigned width = 0, scale = 0;
    if (id == DUCKDB_TYPE_DECIMAL) {
        width = duckdb_decimal_width(type);
        scale = duckdb_decimal_scale(type);
    }
    duckdb_destroy_logical_type(&type);
    if (!rule)
        return qn_fail(err, QN_UNSUPPORTED,
                       "%s: column '%s' has a type that cannot be read; leave the column out",
                       reader->source->name, reader->names[at]);
    *out = *rule;
    if (id == DUCKDB_TYPE_DECIMAL && scale == 0)
        *out = whole_decimal_rule;
    else if (id == DUCKDB_TYPE_DECIMAL && width > QN_DECIMAL_EXACT_WIDTH)
        out->wish = QN_WISH_EXACT_DOUBLE;
    return QN_OK;
}

/* Adds the wanted columns of the prepared "select *" to the reader and, once their number is
 * known, to the table. */
static enum qn_status add_columns(struct parquet_reader *reader, duckdb_prepared_statement all,
                                  struct qn_error *err)
{
    const struct qn_read_options *options = reader->options;
    reader->columns = QN_CALLOC(struct parquet_column, reader->name_count);
    if (!reader->columns)
        return qn_fail_nomem(err, reader->source->name);
    size_t wanted = 0;
    for (size_t i = 0; i < reader->name_count; i++)
        wanted += qn__read_wants(options, reader->names[i], i);
    enum qn_status status = qn__table_reserve(reader->table, wanted, options, err);
    for (size_t i = 0; status == QN_OK && i < reader->name_count; i++) {
        if (!qn__read_wants(options, reader->names[i], i))
            continue;
        struct parquet_column *column = &reader->columns[reader->column_count];
        struct qn_column *unused;
        const char *engine_name = duckdb_prepared_statement_column_name(all, i);
        column->engine_name = engine_name ? qn_strdup(engine_name) : NULL;
        duckdb_free((void *)(uintptr_t)engine_name);
        reader->column_count++;
        if (!column->engine_name)
            return qn_fail_nomem(err, reader->source->name);
        status = choose_rule(reader, all, i, &column->rule, err);
        if (status == QN_OK)
            status =
                qn__table_append(reader->table, reader->names[i], column->rule.type, &unused, err);
    }
    return status;
}

static enum qn_status read_schema(struct parquet_reader *reader, struct qn_error *err)
{
    const char *name = reader->source->name;
    struct qn_buffer sql;
    duckdb_prepared_statement all = NULL;
    qn_buffer_init(&sql, QN_SQL_LIMIT);
    enum qn_status status = read_names(reader, err);
    if (status != QN_OK)
        goto done;
    qn_buffer_format(&sql, "select * from read_parquet('%s', hive_partitioning = false)",
                     reader->path);
    status = qn_buffer_check(&sql, name, err);
    if (status != QN_OK)
        goto done;
    if (duckdb_prepare(reader->engine.connection, sql.bytes, &all) != DuckDBSuccess) {
        status = qn__engine_fail(err, name, duckdb_prepare_error(all));
        goto done;
    }
    if (duckdb_prepared_statement_column_count(all) != reader->name_count) {
        status = qn_fail(err, QN_CORRUPT, "%s: its list of columns contradicts itself", name);
        goto done;
    }
    status = qn__names_fix(reader->table, reader->names, reader->name_count, reader->options, err);
    if (status == QN_OK)
        status = qn__read_check_names(reader->options, name, (const char *const *)reader->names,
                                      reader->name_count, err);
    if (status == QN_OK)
        status = add_columns(reader, all, err);
done:
    duckdb_destroy_prepare(&all);
    qn_buffer_release(&sql);
    return status;
}

/* The sets are small enough to keep all threads busy to the end; results do not depend on them. */
static enum qn_status read_columns(struct parquet_reader *reader, struct qn_error *err)
{
    unsigned threads = reader->options->thread_count;
    struct qn_pool *pool = NULL;
    enum qn_status status = qn_pool_create(threads, &pool, err);
    if (status != QN_OK)
        return status;
    size_t share = qn_pool_threads(pool);
    if (reader->column_count < QN_WIDE)
        share *= QN_SETS_PER_THREAD;
    reader->set_size = (reader->column_count + share - 1) / share;
    if (reader->set_size > QN_SET_COLUMNS_MAX)
        reader->set_size = QN_SET_COLUMNS_MAX;
    size_t sets = (reader->column_count + reader->set_size - 1) / reader->set_size;
    reader->errors = QN_CALLOC(struct qn_error, sets);
    if (!reader->errors) {
        status = qn_fail_nomem(err, reader->source->name);
        goto done;
    }
    qn_pool_run(pool, sets, set_task, reader);
    for (size_t i = 0; i < sets; i++) {
        const struct qn_error *error = &reader->errors[i];
        bool follows = error->status == QN_CANCELLED && strcmp(error->message, "stopped") == 0;
        if (error->status != QN_OK && !follows && status == QN_OK)
            status = qn_fail(err, error->status, "%s", error->message);
    }
done:
    qn_pool_free(pool);
    return status;
}

/* Columns with a value that no integer column can hold come again, digit for digit, as text. */
static enum qn_status reread_wide(struct parquet_reader *reader, struct qn_error *err)
{
    enum qn_status status = QN_OK;
    for (size_t c = 0; status == QN_OK && c < reader->column_count; c++) {
        struct parquet_column *column = &reader->columns[c];
        if (!column->overflow)
            continue;
        column->overflow = false;
        column->rule = wide_rule;
        status = qn__column_reset(reader->table, c, QN_TYPE_TEXT, err);
        if (status == QN_OK)
            status = set_read(reader, c, c + 1, 0, err);
        if (status == QN_OK)
            status = qn__column_reason(&reader->table->columns[c], err,
                                       "the file has values beyond 64-bit integers");
    }
    return status;
}

static enum qn_status force_types(struct parquet_reader *reader, struct qn_error *err)
{
    enum qn_status status = QN_OK;
    for (size_t c = 0; status == QN_OK && c < reader->column_count; c++) {
        const struct qn_type_override *override =
            qn__read_override(reader->options, reader->table->columns[c].name, c);
        if (override)
            status =
                qn__column_force(reader->table, c, override, reader->options, false, NULL, err);
    }
    return status;
}

static void reader_release(struct parquet_reader *reader)
{
    qn__engine_close(&reader->engine);
    if (reader->fd >= 0)
        (void)close(reader->fd);
    qn_table_free(reader->table);
    for (size_t i = 0; i < reader->name_count; i++)
        qn_free(reader->names[i]);
    qn_free(reader->names);
    for (size_t c = 0; c < reader->column_count; c++)
        qn_free(reader->columns[c].engine_name);
    qn_free(reader->columns);
    qn_free(reader->errors);
}

enum qn_status qn__parquet_read(const struct qn__source *source,
                                const struct qn_read_options *options, struct qn_table **out,
                                struct qn_error *err)
{
    struct parquet_reader reader = {.source = source, .options = options, .fd = -1};
    enum qn_status status = reader_open(&reader, err);
    if (status == QN_OK)
        status = read_row_count(&reader, err);
    if (status == QN_OK)
        status = qn_table_create(source->name, reader.row_count, &reader.table, err);
    if (status == QN_OK)
        status = read_schema(&reader, err);
    if (status == QN_OK && reader.column_count == 0)
        status = qn_fail(err, QN_INVALID, "%s: has no columns", source->name);
    if (status == QN_OK)
        status = read_columns(&reader, err);
    if (status == QN_OK)
        status = reread_wide(&reader, err);
    if (status == QN_OK)
        status = force_types(&reader, err);
    if (status == QN_OK) {
        *out = reader.table;
        reader.table = NULL;
    }
    reader_release(&reader);
    return status;
}
