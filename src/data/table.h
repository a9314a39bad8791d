/* A table: typed columns in memory (or in an unlinked file mapped to memory when they do not fit
 * the memory limit). Every reader makes one, every writer takes one. */
#ifndef QN_DATA_TABLE_H
#define QN_DATA_TABLE_H

#include "base/error.h"

#include <stdint.h>

/* What a column means. The storage follows from it:
 *   number                          double      missing: NaN (infinities are values)
 *   boolean, integer, date, datetime int64_t    missing: QN_MISSING_INTEGER
 *                                               boolean 0 or 1; date in days since 1970-01-01;
 *                                               datetime in microseconds since 1970-01-01 UTC
 *   category, text                  int32_t     code into the column's dictionary, missing: -1
 * category and text are stored alike; they differ in how they are prepared. */
enum qn_type {
    QN_TYPE_BOOLEAN,
    QN_TYPE_INTEGER,
    QN_TYPE_NUMBER,
    QN_TYPE_CATEGORY,
    QN_TYPE_TEXT,
    QN_TYPE_DATE,
    QN_TYPE_DATETIME,
};
#define QN_TYPE_COUNT 7

#define QN_MISSING_INTEGER INT64_MIN
#define QN_MISSING_CODE (-1)

/* "boolean", "integer" ... and back; false when there is no such type. */
const char *qn_type_name(enum qn_type type);
bool qn_type_parse(const char *name, enum qn_type *out);
bool qn_type_is_coded(enum qn_type type); /* category or text */

/* Distinct texts of a column, in order of first appearance in the file. Text of code c is
 * bytes[offsets[c] .. offsets[c + 1]), not NUL-terminated, valid UTF-8 without NUL. */
struct qn_dictionary {
    size_t count;
    uint64_t *offsets; /* owns; count + 1 values, offsets[0] = 0; NULL when count is 0 */
    char *bytes;       /* owns */
};

const char *qn_dictionary_text(const struct qn_dictionary *dictionary, int32_t code,
                               size_t *size_out);
/* Code of a text, or -1; linear. For many look-ups build a qn_lookup. */
int32_t qn_dictionary_find(const struct qn_dictionary *dictionary, const char *text, size_t size);

/* A hash index that grows a dictionary. */
struct qn_lookup;
QN_MUST_CHECK enum qn_status qn_lookup_create(struct qn_lookup **out, struct qn_error *err);
/* Code of the text, added when new. */
QN_MUST_CHECK enum qn_status qn_lookup_add(struct qn_lookup *lookup, const char *text, size_t size,
                                           int32_t *code_out, struct qn_error *err);
int32_t qn_lookup_find(const struct qn_lookup *lookup, const char *text, size_t size); /* or -1 */
size_t qn_lookup_count(const struct qn_lookup *lookup);
/* Moves the dictionary out; the lookup is then empty. */
QN_MUST_CHECK enum qn_status qn_lookup_take(struct qn_lookup *lookup, struct qn_dictionary *out,
                                            struct qn_error *err);
void qn_lookup_free(struct qn_lookup *lookup);

struct qn_column {
    char *name; /* owns; unique in the table, not empty, UTF-8 */
    enum qn_type type;
    union {
        void *any; /* owns, unless the table maps them from a file */
        double *number;
        int64_t *integer;
        int32_t *code;
    } values;                        /* row_count */
    struct qn_dictionary dictionary; /* of coded types */
    size_t missing_count;
    char *format; /* owns, may be NULL: how dates were written, strptime-like: "%d/%m/%Y" */
    char *reason; /* owns, may be NULL: why this type: "all 891 values are whole numbers" */
    bool forced;  /* the user gave the type */
};

struct qn_table {
    char *name; /* owns; of the source, for messages: "data.csv", "standard input" */
    size_t row_count, column_count;
    struct qn_column *columns; /* owns */
    void *mapping;             /* owns; where columns live when the table spilled to a file */
    size_t mapping_size;
    /* What happened on reading that the user should hear of, one sentence each; owns. */
    char **notes;
    size_t note_count;
};

void qn_table_free(struct qn_table *table); /* NULL is fine */

/* A table of row_count rows without columns yet. */
QN_MUST_CHECK enum qn_status qn_table_create(const char *name, size_t row_count,
                                             struct qn_table **out, struct qn_error *err);
/* Appends a column with zeroed values (row_count of them); returns it by *out (borrowed until the
 * next add). QN_INVALID when the name is already there. */
QN_MUST_CHECK enum qn_status qn_table_add(struct qn_table *table, const char *name,
                                          enum qn_type type, struct qn_column **out,
                                          struct qn_error *err);
QN_MUST_CHECK enum qn_status qn_table_note(struct qn_table *table, struct qn_error *err,
                                           const char *format, ...) QN_PRINTF(3, 4);

/* Index of a column by exact name, or -1. */
ptrdiff_t qn_table_find(const struct qn_table *table, const char *name);
/* Like find, but QN_NOT_FOUND names the table, the column and the closest name there is. */
QN_MUST_CHECK enum qn_status qn_table_require(const struct qn_table *table, const char *name,
                                              size_t *index_out, struct qn_error *err);

bool qn_column_is_missing(const struct qn_column *column, size_t row);
/* Text of a cell as a CSV would show it ("" when missing); into text, NUL-terminated, cut to
 * text_size - 1 bytes; returns the uncut size. */
size_t qn_column_format(const struct qn_column *column, size_t row, char *text, size_t text_size);

/* New table of the given rows (indices may repeat), dictionaries copied whole. */
QN_MUST_CHECK enum qn_status qn_table_take_rows(const struct qn_table *table, const size_t *rows,
                                                size_t count, struct qn_table **out,
                                                struct qn_error *err);

/* Appends a copy of a column of another table with as many rows; QN_INVALID when `to` has one of
 * that name already. */
QN_MUST_CHECK enum qn_status qn_table_copy_column(const struct qn_table *from, size_t column,
                                                  struct qn_table *to, struct qn_error *err);

/* SHA-256 over schema and cells in a fixed order: the fingerprint of training data. */
QN_MUST_CHECK enum qn_status qn_table_fingerprint(const struct qn_table *table, char hex[65],
                                                  struct qn_error *err);

#endif
