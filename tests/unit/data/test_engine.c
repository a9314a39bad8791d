#include "io_support.h"

#include "data/engine_internal.h"

static struct qn__engine open_engine(size_t memory_limit_bytes)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn__engine engine = {0};
    struct qn__engine_options options = {
        .thread_count = 2, .memory_limit_bytes = memory_limit_bytes, .temporary_folder = io_folder};
    if (qn__engine_open(&options, &engine, &err) != QN_OK)
        fail_msg("%s", err.message);
    return engine;
}

static void check_setting(const struct qn__engine *engine, const char *name, const char *expected)
{
    char sql[128];
    struct qn_error err = QN_ERROR_INIT;
    duckdb_result result;
    snprintf(sql, sizeof(sql), "select current_setting('%s')::varchar", name);
    assert_int_equal(qn__engine_query(engine->connection, sql, false, "x", &result, &err), QN_OK);
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    assert_non_null(chunk);
    duckdb_string_t *text = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    assert_int_equal(duckdb_string_t_length(*text), strlen(expected));
    assert_memory_equal(duckdb_string_t_data(text), expected, strlen(expected));
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
}

static void test_settings(void **state)
{
    (void)state;
    struct qn__engine engine = open_engine((size_t)64 << 20);
    check_setting(&engine, "threads", "2");
    check_setting(&engine, "autoinstall_known_extensions", "false");
    check_setting(&engine, "autoload_known_extensions", "false");
    check_setting(&engine, "allow_community_extensions", "false");
    check_setting(&engine, "memory_limit", "64.0 MiB");
    qn__engine_close(&engine);
    qn__engine_close(&(struct qn__engine){0});
}

static void refuse(const struct qn__engine *engine, const char *sql, enum qn_status expected,
                   const char *message)
{
    struct qn_error err = QN_ERROR_INIT;
    duckdb_result result;
    assert_int_equal(
        qn__engine_query(engine->connection, sql, false, "data.parquet", &result, &err), expected);
    assert_string_equal(err.message, message);
}

static void test_messages(void **state)
{
    (void)state;
    struct qn__engine engine = open_engine((size_t)32 << 20);
    refuse(&engine, "select * from range(20000000) t(x) order by hash(x) desc, x::varchar",
           QN_NOMEM, "data.parquet: does not fit into the memory limit; raise it");
    refuse(&engine, "select * from read_parquet('/proc/self/fd/999999')", QN_IO,
           "data.parquet: No files found that match the pattern \"data.parquet\"");
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn__engine_fail(&err, "a.parquet", "Catalog Error: no x\nLINE 1: select"),
                     QN_CORRUPT);
    assert_string_equal(err.message, "a.parquet: no x");
    assert_int_equal(qn__engine_fail(&err, "a.parquet", NULL), QN_CORRUPT);
    qn__engine_close(&engine);
}

/* A message much longer than ours may be, with the path at every place of the cut. */
static void test_long_messages(void **state)
{
    (void)state;
    for (size_t size = 180; size < 300; size++) {
        char message[512];
        struct qn_error err = QN_ERROR_INIT;
        memset(message, 'x', size);
        strcpy(message + size, "/proc/self/fd/12345 and more");
        assert_int_equal(qn__engine_fail(&err, "a-long-name.parquet", message), QN_CORRUPT);
        assert_true(strlen(err.message) < QN_ERROR_SIZE);
        assert_null(strstr(err.message, "/proc/"));
    }
}

static void test_extensions_stay_out(void **state)
{
    struct qn_error err = QN_ERROR_INIT;
    duckdb_result result;
    (void)state;
    struct qn__engine engine = open_engine(0);
    assert_int_not_equal(qn__engine_query(engine.connection,
                                          "select * from read_csv('http://localhost:1/x.csv')",
                                          false, "x", &result, &err),
                         QN_OK);
    assert_non_null(strstr(err.message, "httpfs"));
    qn__engine_close(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_long_messages),
        cmocka_unit_test(test_extensions_stay_out),
    };
    return cmocka_run_group_tests(tests, io_folder_make, io_folder_remove);
}
