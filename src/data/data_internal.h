/* What the files of src/data share: readers hand their columns over to the same rules for names,
 * types and missing values, so that every format answers alike. */
#ifndef QN_DATA_DATA_INTERNAL_H
#define QN_DATA_DATA_INTERNAL_H

#include "data/read.h"

/* ---- Readers. qn_table_read() looks at the content and calls one of these. `path` is a regular
 * file (standard input has been copied to a temporary one); `name` is what messages call it. ----
 */

struct qn__source {
    const char *path; /* opens the bytes: a real path, or /proc/self/fd/N of a temporary file */
    const char *name; /* for messages and for qn_table.name: "data.csv", "standard input" */
    int fd; /* open for reading, at any offset; -1 for readers that open path themselves */
    size_t size_bytes;
};

/* Reads exactly size bytes at offset; QN_IO also when the file has become shorter. */
QN_MUST_CHECK enum qn_status qn__source_pread(const struct qn__source *source, char *bytes,
                                              size_t size, size_t offset, struct qn_error *err);

QN_MUST_CHECK enum qn_status qn__csv_read(const struct qn__source *source,
                                          const struct qn_read_options *options,
                                          struct qn_table **out, struct qn_error *err);
QN_MUST_CHECK enum qn_status qn__parquet_read(const struct qn__source *source,
                                              const struct qn_read_options *options,
                                              struct qn_table **out, struct qn_error *err);
QN_MUST_CHECK enum qn_status qn__jsonl_read(const struct qn__source *source,
                                            const struct qn_read_options *options,
                                            struct qn_table **out, struct qn_error *err);
QN_MUST_CHECK enum qn_status qn__xlsx_read(const struct qn__source *source,
                                           const struct qn_read_options *options,
                                           struct qn_table **out, struct qn_error *err);

/* ---- Options, by column name. `at` is a guess of where the name stands in the list. ---- */

/* Whether the caller asked for this column (true when no columns were named). */
bool qn__read_wants(const struct qn_read_options *options, const char *name, size_t at);
/* The type that the caller forces on it, or NULL. */
const struct qn_type_override *qn__read_override(const struct qn_read_options *options,
                                                 const char *name, size_t at);
/* Every name in options->columns and options->overrides must be among names[0..count): QN_NOT_FOUND
 * names the closest one. Does nothing when options->allow_unknown. */
QN_MUST_CHECK enum qn_status qn__read_check_names(const struct qn_read_options *options,
                                                  const char *table_name, const char *const *names,
                                                  size_t count, struct qn_error *err);
/* Whether text (spaces around it do not count) is one of the tokens for a missing value. */
bool qn__is_missing_token(const struct qn_read_options *options, const char *text, size_t size);

/* ---- Tables under construction ---- */

/* Makes names[0..count) (heap strings, owned by the caller) fit for a table: trimmed; an empty one
 * becomes "column_N" (N counts from 1); a repeated one gets "_2", "_3" ... ; each with one note on
 * the table. Too many or too long ones, and invalid UTF-8, are errors. */
QN_MUST_CHECK enum qn_status qn__names_fix(struct qn_table *table, char **names, size_t count,
                                           const struct qn_read_options *options,
                                           struct qn_error *err);

/* When column_count columns of the table's row_count would not fit options->memory_limit_bytes,
 * reserves a mapped temporary file; columns added from then on live there. Before the first add. */
QN_MUST_CHECK enum qn_status qn__table_reserve(struct qn_table *table, size_t column_count,
                                               const struct qn_read_options *options,
                                               struct qn_error *err);
/* qn_table_add() that neither looks for a repeated name nor zeroes the values. */
QN_MUST_CHECK enum qn_status qn__table_append(struct qn_table *table, const char *name,
                                              enum qn_type type, struct qn_column **out,
                                              struct qn_error *err);
/* Fresh storage for the values of column `index` as `type`: the slot of the mapped file (which its
 * present values may share), or a heap block of the caller's; NULL when out of memory. */
void *qn__table_values(const struct qn_table *table, size_t index, enum qn_type type);
/* Gives the column storage for another type; values are then undefined, the dictionary is freed. */
QN_MUST_CHECK enum qn_status qn__column_reset(struct qn_table *table, size_t index,
                                              enum qn_type type, struct qn_error *err);
/* reason = printf(...); replaces the one that is there. */
QN_MUST_CHECK enum qn_status qn__column_reason(struct qn_column *column, struct qn_error *err,
                                               const char *format, ...) QN_PRINTF(3, 4);
void qn__dictionary_release(struct qn_dictionary *dictionary);

/* ---- Types (docs/data.md has the rules in words) ---- */

/* Category or text, for a column whose values are texts whatever they look like. value_count
 * counts rows that are not missing; text_bytes is the size of all distinct values together. */
enum qn_type qn__coded_type(size_t distinct_count, size_t value_count, size_t text_bytes,
                            const struct qn_read_options *options);

/* Where a row of the table was in the file, for messages: "line 17". NULL: "row N" is said. */
struct qn__where {
    bool (*line_of_row)(void *context, size_t row, uint64_t *line_out);
    void *context;
    /* For formats without lines, instead: "sheet 'Q1', cell C7" of column `index`; cuts it to fit.
     */
    void (*place)(void *context, size_t row, size_t index, char *out, size_t out_size);
};

/* Takes a column of texts (coded; missing -1) and turns it in place into the type that all of its
 * values have, with a reason. Tokens for missing values become missing. decimal_comma: "1,5" is a
 * number. For formats without types of their own: CSV, JSON strings, XLSX text cells. */
QN_MUST_CHECK enum qn_status
qn__infer_text_column(struct qn_table *table, size_t index, const struct qn_read_options *options,
                      bool decimal_comma, const struct qn__where *where, struct qn_error *err);

/* Turns column `index` of any type into the type that the user asked for. A value that does not fit
 * is QN_INVALID naming table, row or line, column and value. Sets forced and reason. */
QN_MUST_CHECK enum qn_status qn__column_force(struct qn_table *table, size_t index,
                                              const struct qn_type_override *override,
                                              const struct qn_read_options *options,
                                              bool decimal_comma, const struct qn__where *where,
                                              struct qn_error *err);

/* ---- Decompression: copies fd (gzip or zstd, by its first bytes) or standard input to an unlinked
 * temporary file. ---- */
QN_MUST_CHECK enum qn_status qn__spool(int fd, const char *name,
                                       const struct qn_read_options *options, int *fd_out,
                                       size_t *size_out, struct qn_error *err);
/* By the first bytes of a file. */
bool qn__is_gzip(const char *bytes, size_t size);
bool qn__is_zstd(const char *bytes, size_t size);

#endif
