#include "data/engine_internal.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QN_SETTING_SIZE 4352 /* a path and a little */

static bool set_option(duckdb_config config, const char *name, const char *value)
{
    return duckdb_set_config(config, name, value) == DuckDBSuccess;
}

/* A folder of its own for each engine: two engines in one folder would share file names. DuckDB
 * makes it when it first spills, and removes it on closing. */
static bool set_temporary_folder(duckdb_config config, const char *folder)
{
    char text[QN_SETTING_SIZE];
    if (!folder)
        folder = getenv("TMPDIR");
    if (!folder || !*folder)
        folder = "/tmp";
    int size = snprintf(text, sizeof(text), "%s/quern-%ld-%" PRId64, folder, (long)getpid(),
                        qn_clock_unix_us());
    return size > 0 && (size_t)size < sizeof(text) && set_option(config, "temp_directory", text);
}

static bool set_options(duckdb_config config, const struct qn__engine_options *options)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%u", options->thread_count);
    bool ok = set_option(config, "threads", text) &&
              set_option(config, "autoinstall_known_extensions", "false") &&
              set_option(config, "autoload_known_extensions", "false") &&
              set_option(config, "allow_community_extensions", "false") &&
              set_temporary_folder(config, options->temporary_folder);
    if (ok && options->memory_limit_bytes > 0) {
        (void)snprintf(text, sizeof(text), "%zuKiB", options->memory_limit_bytes / 1024 + 1);
        ok = set_option(config, "memory_limit", text);
    }
    return ok;
}

enum qn_status qn__engine_open(const struct qn__engine_options *options, struct qn__engine *out,
                               struct qn_error *err)
{
    struct qn__engine engine = {0};
    char *reason = NULL;
    duckdb_config config = NULL;
    enum qn_status status = QN_OK;
    if (duckdb_create_config(&config) != DuckDBSuccess) {
        status = qn_fail_nomem(err, "table engine");
        goto done;
    }
    if (!set_options(config, options)) {
        status = qn_fail(err, QN_INVALID,
                         "table engine: thread count, memory limit or temporary "
                         "folder was refused");
        goto done;
    }
    if (duckdb_open_ext(NULL, &engine.database, config, &reason) != DuckDBSuccess) {
        status = qn__engine_fail(err, "table engine", reason);
        goto done;
    }
    if (duckdb_connect(engine.database, &engine.connection) != DuckDBSuccess) {
        status = qn_fail_nomem(err, "table engine");
        goto done;
    }
    *out = engine;
    memset(&engine, 0, sizeof(engine));
done:
    duckdb_free(reason);
    duckdb_destroy_config(&config);
    qn__engine_close(&engine);
    return status;
}

void qn__engine_close(struct qn__engine *engine)
{
    if (engine->connection)
        duckdb_disconnect(&engine->connection);
    if (engine->database)
        duckdb_close(&engine->database);
}

void qn__engine_path(int fd, char path[QN_ENGINE_PATH_SIZE])
{
    (void)snprintf(path, QN_ENGINE_PATH_SIZE, "/proc/self/fd/%d", fd);
}

/* "Invalid Input Error: the reason" -> "the reason". */
static const char *skip_kind(const char *message)
{
    static const char marker[] = "Error: ";
    const char *found = strstr(message, marker);
    return found && found - message < 40 ? found + sizeof(marker) - 1 : message;
}

enum qn_status qn__engine_fail(struct qn_error *err, const char *name, const char *message)
{
    static const char prefix[] = "/proc/self/fd/";
    char text[QN_ERROR_SIZE];
    if (!message)
        message = "no reason given";
    if (strncmp(message, "Out of Memory", 13) == 0)
        return qn_fail(err, QN_NOMEM, "%s: does not fit into the memory limit; raise it", name);
    bool io = strncmp(message, "IO Error", 8) == 0;
    const char *at = skip_kind(message);
    size_t size = 0;
    while (*at && *at != '\n' && size + 1 < sizeof(text)) {
        if (strncmp(at, prefix, sizeof(prefix) - 1) == 0) { /* the file, under its real name */
            int taken = snprintf(text + size, sizeof(text) - size, "%s", name);
            size += (size_t)taken < sizeof(text) - size ? (size_t)taken : sizeof(text) - size - 1;
            at += sizeof(prefix) - 1;
            at += strspn(at, "0123456789");
        } else {
            text[size++] = *at++;
        }
    }
    text[size] = '\0';
    return qn_fail(err, io ? QN_IO : QN_CORRUPT, "%s: %s", name, text);
}

enum qn_status qn__engine_query(duckdb_connection connection, const char *sql, bool streaming,
                                const char *name, duckdb_result *out, struct qn_error *err)
{
    enum qn_status status = QN_OK;
    duckdb_prepared_statement statement = NULL;
    duckdb_result result = {0};
    if (duckdb_prepare(connection, sql, &statement) != DuckDBSuccess) {
        status = qn__engine_fail(err, name, duckdb_prepare_error(statement));
        goto done;
    }
    duckdb_state state = streaming ? duckdb_execute_prepared_streaming(statement, &result)
                                   : duckdb_execute_prepared(statement, &result);
    if (state != DuckDBSuccess) {
        status = qn__engine_fail(err, name, duckdb_result_error(&result));
        duckdb_destroy_result(&result);
        goto done;
    }
    *out = result;
done:
    duckdb_destroy_prepare(&statement);
    return status;
}
