/* Reads files into tables: CSV, TSV, Parquet, JSON lines, XLSX; plain, gzip or zstd. */
#ifndef QN_DATA_READ_H
#define QN_DATA_READ_H

#include "base/progress.h"
#include "data/table.h"

enum qn_format {
    QN_FORMAT_AUTO, /* by content first, then by the file's name */
    QN_FORMAT_CSV,  /* any delimiter; TSV too */
    QN_FORMAT_PARQUET,
    QN_FORMAT_JSONL, /* one object a line, or one array of objects */
    QN_FORMAT_XLSX,
};

/* A type that the user forces: "zip=text", "when=date:%d/%m/%Y". */
struct qn_type_override {
    char *name;
    enum qn_type type;
    char *format; /* may be NULL */
};

struct qn_read_options {
    enum qn_format format;
    char delimiter;                           /* 0: found out among , ; tab | */
    bool no_header;                           /* columns are then c1, c2 ... */
    const struct qn_type_override *overrides; /* borrows */
    size_t override_count;
    /* Tokens that mean missing, exact match after trimming spaces; NULL: qn_missing_default. */
    const char *const *missing;
    size_t missing_count;
    /* Only these columns (NULL: all), in the file's order; the rest is not stored. */
    const char *const *columns;
    size_t wanted_count;
    /* Names in overrides and columns that the file does not have are passed over instead of being
     * an error: for prediction, which answers for missing columns itself. */
    bool allow_unknown;
    unsigned thread_count; /* default 2 */
    size_t
        memory_limit_bytes; /* default 4 GiB: a larger table goes to a file in temporary_folder */
    const char *temporary_folder; /* NULL: $TMPDIR or /tmp */
    size_t field_limit_bytes;     /* a longer field is an error; default 16 MiB */
    size_t column_limit;          /* default 100,000 */
    size_t name_limit_bytes;      /* a longer column name is an error; default 1,024 */
    size_t category_limit;        /* more distinct values than this make a text column: default 1000
                                     (see docs/data.md for the whole rule) */
    const struct qn_progress *progress;
};

/* "", NA, N/A, n/a, NaN, nan, null, NULL, None, ?, #N/A, - ... */
extern const char *const qn_missing_default[];
extern const size_t qn_missing_default_count;

void qn_read_options_default(struct qn_read_options *options);
QN_MUST_CHECK enum qn_status qn_read_options_check(const struct qn_read_options *options,
                                                   struct qn_error *err);

/* "zip=text,when=date:%d/%m/%Y" into an owned array; backslash-comma for a comma in a name. */
QN_MUST_CHECK enum qn_status qn_type_overrides_parse(const char *text,
                                                     struct qn_type_override **out,
                                                     size_t *count_out, struct qn_error *err);
void qn_type_overrides_free(struct qn_type_override *overrides, size_t count);

/* Reads path ("-": standard input). Types are inferred over all rows, never a sample. */
QN_MUST_CHECK enum qn_status qn_table_read(const char *path, const struct qn_read_options *options,
                                           struct qn_table **out, struct qn_error *err);

/* The schema that a model expects, for reading new data the same way: a cell that does not parse
 * as the expected type is QN_INVALID naming row and column. Used by prediction through
 * qn_read_options.overrides; date formats as found in training. */

#endif
