/* DuckDB behind one small face: an engine in memory that reads and writes only the files that its
 * caller opened, never loads an extension and never speaks to a network. Files are handed to it as
 * /proc/self/fd/N, so no name, however odd, is parsed as a pattern, an address or SQL. */
#ifndef QN_DATA_ENGINE_INTERNAL_H
#define QN_DATA_ENGINE_INTERNAL_H

#include "base/error.h"

#include <duckdb.h>

#define QN_ENGINE_PATH_SIZE 32

struct qn__engine {
    duckdb_database database;
    duckdb_connection connection;
};

struct qn__engine_options {
    unsigned thread_count;        /* threads of the engine's own; 1: queries run in their caller */
    size_t memory_limit_bytes;    /* 0: the engine's default */
    const char *temporary_folder; /* NULL: $TMPDIR or /tmp */
};

QN_MUST_CHECK enum qn_status qn__engine_open(const struct qn__engine_options *options,
                                             struct qn__engine *out, struct qn_error *err);
void qn__engine_close(struct qn__engine *engine); /* a zeroed engine is fine */

/* "/proc/self/fd/N". */
void qn__engine_path(int fd, char path[QN_ENGINE_PATH_SIZE]);

/* Runs one statement; `name` is what messages call the file it is about. The caller destroys *out
 * with duckdb_destroy_result(). streaming: chunks are made while they are fetched. */
QN_MUST_CHECK enum qn_status qn__engine_query(duckdb_connection connection, const char *sql,
                                              bool streaming, const char *name, duckdb_result *out,
                                              struct qn_error *err);

/* Turns a message of DuckDB's about the file `name` into one sentence of ours. */
enum qn_status qn__engine_fail(struct qn_error *err, const char *name, const char *message);

#endif
