/* Parquet through DuckDB's COPY. The table is not copied into the engine first: a table function
 * lends it in chunks, in the order of the rows. */
#include "data/engine_internal.h"
#include "data/write_internal.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

/* What the table function's callbacks share; there is one scan, by one thread. */
struct lent_table {
    const struct qn_table *table;
    size_t next_row;
};

static duckdb_type stored_type(enum qn_type type)
{
    static const duckdb_type types[QN_TYPE_COUNT] = {
        [QN_TYPE_BOOLEAN] = DUCKDB_TYPE_BOOLEAN,    [QN_TYPE_INTEGER] = DUCKDB_TYPE_BIGINT,
        [QN_TYPE_NUMBER] = DUCKDB_TYPE_DOUBLE,      [QN_TYPE_CATEGORY] = DUCKDB_TYPE_VARCHAR,
        [QN_TYPE_TEXT] = DUCKDB_TYPE_VARCHAR,       [QN_TYPE_DATE] = DUCKDB_TYPE_DATE,
        [QN_TYPE_DATETIME] = DUCKDB_TYPE_TIMESTAMP,
    };
    return types[type];
}

static void lend_bind(duckdb_bind_info info)
{
    const struct lent_table *lent = duckdb_bind_get_extra_info(info);
    for (size_t c = 0; c < lent->table->column_count; c++) {
        const struct qn_column *column = &lent->table->columns[c];
        duckdb_logical_type type = duckdb_create_logical_type(stored_type(column->type));
        duckdb_bind_add_result_column(info, column->name, type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_bind_set_cardinality(info, lent->table->row_count, true);
}

static void lend_init(duckdb_init_info info)
{
    duckdb_init_set_max_threads(info, 1);
}

static void lend_values(const struct qn_column *column, size_t first, size_t count,
                        duckdb_vector vector)
{
    void *to = duckdb_vector_get_data(vector);
    switch (column->type) {
    case QN_TYPE_BOOLEAN:
        for (size_t i = 0; i < count; i++)
            ((bool *)to)[i] = column->values.integer[first + i] == 1;
        break;
    case QN_TYPE_DATE:
        for (size_t i = 0; i < count; i++)
            ((int32_t *)to)[i] = (int32_t)column->values.integer[first + i];
        break;
    case QN_TYPE_INTEGER:
    case QN_TYPE_DATETIME:
        memcpy(to, column->values.integer + first, count * sizeof(int64_t));
        break;
    case QN_TYPE_NUMBER:
        memcpy(to, column->values.number + first, count * sizeof(double));
        break;
    case QN_TYPE_CATEGORY:
    case QN_TYPE_TEXT:
        for (size_t i = 0; i < count; i++) {
            int32_t code = column->values.code[first + i];
            size_t size;
            if (code < 0)
                continue;
            const char *text = qn_dictionary_text(&column->dictionary, code, &size);
            duckdb_vector_assign_string_element_len(vector, i, text, size);
        }
        break;
    }
}

static void lend_column(const struct qn_column *column, size_t first, size_t count,
                        duckdb_vector vector)
{
    lend_values(column, first, count, vector);
    uint64_t *valid = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!qn_column_is_missing(column, first + i))
            continue;
        if (!valid) {
            duckdb_vector_ensure_validity_writable(vector);
            valid = duckdb_vector_get_validity(vector);
        }
        duckdb_validity_set_row_invalid(valid, i);
    }
}

static void lend_rows(duckdb_function_info info, duckdb_data_chunk chunk)
{
    struct lent_table *lent = duckdb_function_get_extra_info(info);
    size_t left = lent->table->row_count - lent->next_row;
    size_t most = (size_t)duckdb_vector_size();
    size_t count = left < most ? left : most;
    for (size_t c = 0; c < lent->table->column_count; c++)
        lend_column(&lent->table->columns[c], lent->next_row, count,
                    duckdb_data_chunk_get_vector(chunk, c));
    duckdb_data_chunk_set_size(chunk, count);
    lent->next_row += count;
}

static enum qn_status register_table(duckdb_connection connection, struct lent_table *lent,
                                     const char *name, struct qn_error *err)
{
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_table_function_set_name(function, "quern_table");
    duckdb_table_function_set_extra_info(function, lent, NULL);
    duckdb_table_function_set_bind(function, lend_bind);
    duckdb_table_function_set_init(function, lend_init);
    duckdb_table_function_set_function(function, lend_rows);
    duckdb_state state = duckdb_register_table_function(connection, function);
    duckdb_destroy_table_function(&function);
    if (state != DuckDBSuccess)
        return qn_fail_nomem(err, name);
    return QN_OK;
}

/* Parquet counts days in 32 bits. */
static enum qn_status check_dates(const struct qn_table *table, const char *name,
                                  struct qn_error *err)
{
    for (size_t c = 0; c < table->column_count; c++) {
        const struct qn_column *column = &table->columns[c];
        if (column->type != QN_TYPE_DATE)
            continue;
        for (size_t row = 0; row < table->row_count; row++) {
            int64_t days = column->values.integer[row];
            if (days != QN_MISSING_INTEGER && (days <= INT32_MIN || days >= INT32_MAX))
                return qn_fail(err, QN_UNSUPPORTED,
                               "%s: the date in row %zu of column '%s' is too far away for Parquet",
                               name, row + 1, column->name);
        }
    }
    return QN_OK;
}

/* DuckDB would silently rename a column whose name another one has in other letters. */
static enum qn_status check_names(const struct qn_table *table, const char *name,
                                  struct qn_error *err)
{
    struct qn_lookup *seen = NULL;
    struct qn_buffer lower;
    qn_buffer_init(&lower, SIZE_MAX);
    enum qn_status status = qn_lookup_create(&seen, err);
    for (size_t c = 0; status == QN_OK && c < table->column_count; c++) {
        const char *own = table->columns[c].name;
        int32_t code = 0;
        qn_buffer_clear(&lower);
        for (const char *at = own; *at; at++)
            qn_buffer_char(&lower, *at >= 'A' && *at <= 'Z' ? (char)(*at + ('a' - 'A')) : *at);
        status = qn_buffer_check(&lower, name, err);
        if (status == QN_OK)
            status = qn_lookup_add(seen, lower.bytes, lower.size, &code, err);
        if (status == QN_OK && (size_t)code != c)
            status = qn_fail(err, QN_UNSUPPORTED,
                             "%s: columns '%s' and '%s' differ in case only, which this Parquet "
                             "writer cannot keep apart; rename one or write CSV",
                             name, table->columns[code].name, own);
    }
    qn_lookup_free(seen);
    qn_buffer_release(&lower);
    return status;
}

enum qn_status qn__parquet_write(const struct qn_table *table, int fd, const char *name,
                                 struct qn_error *err)
{
    struct qn__engine engine = {0};
    struct lent_table lent = {.table = table};
    struct qn_buffer sql;
    duckdb_result result = {0};
    char path[QN_ENGINE_PATH_SIZE];
    qn_buffer_init(&sql, 1024);
    qn__engine_path(fd, path);
    enum qn_status status = check_names(table, name, err);
    if (status == QN_OK)
        status = check_dates(table, name, err);
    if (status != QN_OK)
        goto done;
    struct qn__engine_options options = {.thread_count = 2};
    status = qn__engine_open(&options, &engine, err);
    if (status != QN_OK)
        goto done;
    status = register_table(engine.connection, &lent, name, err);
    if (status != QN_OK)
        goto done;
    qn_buffer_format(&sql,
                     "copy (select * from quern_table()) to '%s' "
                     "(format parquet, compression zstd, use_tmp_file false)",
                     path);
    status = qn_buffer_check(&sql, name, err);
    if (status == QN_OK)
        status = qn__engine_query(engine.connection, sql.bytes, false, name, &result, err);
    if (status == QN_OK)
        duckdb_destroy_result(&result);
done:
    qn_buffer_release(&sql);
    qn__engine_close(&engine);
    return status;
}
