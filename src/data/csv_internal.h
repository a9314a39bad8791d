/* The CSV reader: its parts and what they hand on.
 *
 *   csv_dialect.c  the first records: delimiter, header, where the data begins
 *   csv_split.c    cuts the file into pieces of a fixed size and finds where records begin in each,
 *                  in parallel, quotes respected
 *   csv_guess.c    a few rows tell which type each column probably has
 *   csv_tokens.c   a piece becomes cells
 *   csv_parse.c    cells become values at their final place, in parallel; a column that turns out
 *                  not to be of its guessed type is read again as texts
 *   csv_fail.c     where in the file a fault is
 *   csv.c          the order of it all
 *
 * Nothing depends on the number of threads: pieces are cut by bytes, dictionaries are merged in the
 * order of pieces, and of several faults the first in the file is reported. */
#ifndef QN_DATA_CSV_INTERNAL_H
#define QN_DATA_CSV_INTERNAL_H

#include "data/infer_internal.h"

#include "base/thread.h"

/* A quote opens a field also after up to this many spaces. */
#define QN_CSV_INDENT 16
/* Readable bytes behind every buffer of a piece, so that vector loads need no care. */
#define QN_CSV_PADDING 64

/* ---- One record by one, byte by byte: for the header and for messages ---- */

struct qn__csv_field {
    size_t at, size; /* contents, without the quotes */
    bool quoted;
    bool doubled; /* has "" in it, each of which means one quote */
};

struct qn__csv_record {
    struct qn__csv_field *fields; /* owns */
    size_t count, capacity;
    size_t fault_at; /* of QN_CSV_STRAY: the byte; of QN_CSV_MORE inside quotes: the quote */
    bool in_quotes;
};

enum qn__csv_step {
    QN_CSV_RECORD, /* a record, perhaps an empty line: one field of no bytes */
    QN_CSV_END,    /* nothing left */
    QN_CSV_MORE,   /* the record goes on behind the bytes given */
    QN_CSV_STRAY,  /* text after a closing quote */
    QN_CSV_NOMEM,
};

/* The record at bytes[from]; *next is where the following one begins. final: the bytes are the end
 * of the file, so that the last record needs no newline. */
enum qn__csv_step qn__csv_record_read(const char *bytes, size_t size, size_t from, char delimiter,
                                      bool final, struct qn__csv_record *record, size_t *next);
bool qn__csv_record_is_blank(const char *bytes, const struct qn__csv_record *record);
/* An owned copy of the field as text, doubled quotes made single; trimmed unless quoted. */
char *qn__csv_field_text(const char *bytes, const struct qn__csv_field *field);

/* ---- Dialect ---- */

struct qn__csv_dialect {
    char delimiter;
    size_t data_at;   /* offset of the first record after the header */
    size_t header_at; /* offset of the header, or of the first record */
    char **names;     /* owns; as written */
    size_t column_count;
    bool header_is_numbers; /* every name is a number: perhaps there is no header */
};

QN_MUST_CHECK enum qn_status qn__csv_dialect_find(const struct qn__source *source,
                                                  const struct qn_read_options *options,
                                                  struct qn__csv_dialect *out,
                                                  struct qn_error *err);
void qn__csv_dialect_release(struct qn__csv_dialect *dialect);

/* ---- Pieces ---- */

enum qn__csv_fault {
    QN_CSV_FAULT_NONE,
    QN_CSV_FAULT_FIELDS, /* too few or too many */
    QN_CSV_FAULT_STRAY,  /* text after a closing quote */
    QN_CSV_FAULT_OPEN,   /* a quote that never closes */
    QN_CSV_FAULT_UTF8,
    QN_CSV_FAULT_NUL,
    QN_CSV_FAULT_LONG,    /* a field over the limit */
    QN_CSV_FAULT_RECORD,  /* a record over 4 GiB */
    QN_CSV_FAULT_CHANGED, /* the file is not what it was a moment ago */
    QN_CSV_FAULT_STATUS,  /* memory or I/O: error says it */
};

struct qn__csv_piece {
    size_t raw_begin, raw_end; /* bytes that this piece counts */
    size_t begin, end;         /* bytes of the records that begin here; may reach past raw_end */
    size_t ends;               /* ends of records in the raw bytes */
    size_t after_first_end;    /* offset behind the first of them */
    size_t after_last_end;
    size_t lines;     /* line ends in the raw bytes, in quotes too */
    size_t last_open; /* offset of the last opening quote */
    bool entry_quoted, exit_quoted;
    size_t entry_skip, exit_skip; /* 1: a doubled quote straddles the border */
    size_t row_limit;             /* records in [begin, end), blank lines too */
    size_t row_base;              /* sum of row_limit before: where its rows are first written */
    size_t row_count;             /* rows read */
    size_t row_first;             /* sum of row_count before: where they are in the end */
    enum qn__csv_fault fault;
    size_t fault_at; /* offset in the file */
    size_t fault_found;
    struct qn_error *error; /* owns; of QN_CSV_FAULT_STATUS, NULL when out of memory */
};

/* What one read of a file keeps. */
struct qn__csv {
    const struct qn__source *source;
    const struct qn_read_options *options;
    struct qn_pool *pool;
    struct qn__csv_dialect dialect;
    struct qn__missing missing;
    size_t piece_size;
    bool guess; /* false: every column is first read as texts; same result, slower */
    struct qn__csv_piece *pieces;
    size_t piece_count;
    struct qn__csv_column *columns; /* dialect.column_count */
    struct qn_table *table;         /* of the sum of row_limit rows until all is read */
    size_t row_count;               /* known after the first qn__csv_parse() */
    /* csv_fail.c: lines of the rows of one piece, kept for the next question */
    uint64_t *row_lines; /* owns */
    size_t row_lines_piece;
    size_t row_lines_made;
};

QN_MUST_CHECK enum qn_status qn__csv_split(struct qn__csv *csv, struct qn_error *err);

/* ---- Tokens ---- */

/* Bit i of each mask is byte i of a block of 64. */
struct qn__csv_masks {
    uint64_t quotes, line_feeds, carriage_returns;
};
void qn__csv_block(const char *block, struct qn__csv_masks *masks);

/* Writes the offsets (from bytes) of delimiters, quotes and line ends in bytes[from..to) to `at`,
 * which has room for to - from + 8; returns their number. *has_high: a byte over 127 is among the
 * bytes, *has_nul: a NUL. */
size_t qn__csv_index(const char *bytes, size_t from, size_t to, char delimiter, uint32_t *at,
                     bool *has_high, bool *has_nul);

/* The same without AVX2, as on processors that lack it. */
size_t qn__csv_index_plain(const char *bytes, size_t from, size_t to, char delimiter, uint32_t *at,
                           bool *has_high, bool *has_nul);

struct qn__csv_cell {
    uint32_t at;   /* from the beginning of the piece */
    uint32_t size; /* low 30 bits; the upper two are the flags below */
};
#define QN_CSV_QUOTED (UINT32_C(1) << 30)
#define QN_CSV_DOUBLED (UINT32_C(1) << 31)
#define QN_CSV_SIZE_MASK (QN_CSV_QUOTED - 1)

struct qn__csv_tokens {
    const char *bytes;
    size_t size;
    char delimiter;
    size_t column_count, field_limit;
    uint32_t *index; /* owns; of the segment that is being read */
    size_t index_count, index_next;
    size_t indexed; /* bytes that the index has seen */
    size_t checked; /* bytes that are known to be UTF-8 */
    size_t next;    /* where the next record begins */
    size_t blank_count;
    enum qn__csv_fault fault;
    size_t fault_at, fault_found;
    enum qn__csv_fault held; /* found in the segment, but behind marks that come first */
    size_t held_at;
};

/* Allocates the index; false when out of memory. */
bool qn__csv_tokens_init(struct qn__csv_tokens *tokens, const struct qn__csv *csv);
void qn__csv_tokens_release(struct qn__csv_tokens *tokens);
/* Begins at the first byte of a piece; bytes[size..size + QN_CSV_PADDING) are readable spaces. */
void qn__csv_tokens_start(struct qn__csv_tokens *tokens, const char *bytes, size_t size);
/* Up to row_count records into cells[column * row_count + row]; blank lines are left out where
 * there is more than one column. Returns the rows; fewer than asked at the end or at a fault.
 * starts (may be NULL) gets the offset of each record. */
size_t qn__csv_tokens_rows(struct qn__csv_tokens *tokens, size_t row_count,
                           struct qn__csv_cell *cells, uint32_t *starts);

/* ---- Columns ---- */

enum qn__csv_plan {
    QN_CSV_SKIP,
    QN_CSV_INTEGER,
    QN_CSV_NUMBER,
    QN_CSV_DATE, /* and datetime: by `format` */
    QN_CSV_TEXTS,
};

struct qn__csv_column {
    enum qn__csv_plan plan;
    bool done;          /* read, and the plan held */
    unsigned failed;    /* set of enum qn__kind of the cells that the plan could not read */
    unsigned had;       /* set of enum qn__kind of those that a number column did read */
    const char *format; /* static or borrowed from the options */
    size_t index;       /* in the table */
    size_t text_index;  /* among the columns that are read as texts in this pass */
    const struct qn_type_override *override;
};

/* Plans of all columns, from rows at several places of the file. */
QN_MUST_CHECK enum qn_status qn__csv_guess(struct qn__csv *csv, struct qn_error *err);
/* Reads all columns that are not done; leaves what failed in `failed`. */
QN_MUST_CHECK enum qn_status qn__csv_parse(struct qn__csv *csv, struct qn_error *err);
/* The records of a piece in a buffer that the caller reuses and frees, spaces behind them. */
struct qn__csv_bytes {
    char *bytes; /* owns */
    size_t capacity;
};
QN_MUST_CHECK enum qn_status qn__csv_load(const struct qn__csv *csv,
                                          const struct qn__csv_piece *piece,
                                          struct qn__csv_bytes *out, struct qn_error *err);

/* ---- Faults ---- */

/* Marks the piece as failed by memory or I/O; runs in tasks. */
void qn__csv_keep_error(struct qn__csv_piece *piece, const struct qn_error *error);
/* The fault of the piece in words. */
enum qn_status qn__csv_fail(const struct qn__csv *csv, const struct qn__csv_piece *piece,
                            struct qn_error *err);
/* Line (from 1) of the byte at offset; reads the file. */
QN_MUST_CHECK enum qn_status qn__csv_line(const struct qn__source *source, size_t offset,
                                          uint64_t *line_out, struct qn_error *err);
/* Whether a field of a piece too large for one buffer is over the limit: sets the fault. */
QN_MUST_CHECK enum qn_status qn__csv_check_long(const struct qn__csv *csv,
                                                struct qn__csv_piece *piece, struct qn_error *err);
/* For struct qn__where; context is a struct qn__csv. */
bool qn__csv_line_of_row(void *context, size_t row, uint64_t *line_out);

/* ---- For tests: piece_size 0 is the usual one ---- */
QN_MUST_CHECK enum qn_status qn__csv_read_pieces(const struct qn__source *source,
                                                 const struct qn_read_options *options,
                                                 size_t piece_size, bool guess,
                                                 struct qn_table **out, struct qn_error *err);

#endif
