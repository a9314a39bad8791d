/* The XLSX reader: its parts and what they hand on.
 *
 *   xlsx_zip.c    the archive: a checked directory, and streams of unpacked bytes
 *   xlsx_xml.c    such a stream becomes start tags, end tags and texts
 *   xlsx_book.c   which sheet is read; number formats; shared strings
 *   xlsx_cells.c  the sheet as a sequence of typed cells
 *   xlsx.c        cells become columns of a table
 *
 * Nothing is written to disk and no sheet is held in memory: it is unpacked twice, once to learn
 * its extent and its kinds of values, once to fill the table. */
#ifndef QN_DATA_XLSX_INTERNAL_H
#define QN_DATA_XLSX_INTERNAL_H

#include "data/infer_internal.h"

#include "base/buffer.h"
#include "base/file.h"

/* ---- Archive ---- */

#define QN_XLSX_ENTRY_LIMIT 10000
/* What may be unpacked: the sheet four times the memory limit, any other part once, each and this
 * much. Sheets are never held in memory, shared strings are. */
#define QN_XLSX_PART_BYTES ((size_t)64 << 20)
#define QN_XLSX_SHEET_TIMES 4
/* The limits of the format itself. */
#define QN_XLSX_ROW_LIMIT 1048576
#define QN_XLSX_COLUMN_LIMIT 16384

struct qn__zip_entry {
    const char *name; /* borrows from the map; not NUL-terminated */
    size_t name_size;
    uint64_t header_at, packed_size, size;
    uint64_t data_at, end_at; /* by its local header */
    uint32_t crc;
    unsigned method, flags;
};

struct qn__zip {
    const char *source_name; /* borrows */
    struct qn_map map;
    struct qn__zip_entry *entries; /* owns; in the order of header_at */
    size_t entry_count;
};

/* Reads the directory and checks all of it: entries lie inside the file, do not overlap, have
 * different names (letter case aside) and agree with their local headers. */
QN_MUST_CHECK enum qn_status qn__zip_open(const struct qn__source *source, struct qn__zip *out,
                                          struct qn_error *err);
void qn__zip_close(struct qn__zip *zip);
/* By name, letter case aside; NULL when there is none. */
const struct qn__zip_entry *qn__zip_find(const struct qn__zip *zip, const char *name);

struct qn__zip_stream;
/* limit: more declared or unpacked bytes than this are QN_NOMEM. Borrows zip. */
QN_MUST_CHECK enum qn_status qn__zip_stream_open(const struct qn__zip *zip,
                                                 const struct qn__zip_entry *entry, size_t limit,
                                                 struct qn__zip_stream **out, struct qn_error *err);
/* Up to size bytes; *got is 0 at the end, by when size and checksum have been found right. */
QN_MUST_CHECK enum qn_status qn__zip_stream_read(struct qn__zip_stream *stream, char *bytes,
                                                 size_t size, size_t *got, struct qn_error *err);
void qn__zip_stream_free(struct qn__zip_stream *stream); /* NULL is fine */

/* ---- XML ---- */

enum {
    QN_XML_DEPTH_LIMIT = 64,
    QN_XML_ATTRIBUTE_LIMIT = 64,
    QN_XML_TAG_BYTES = 1 << 16,    /* a longer tag is an error */
    QN_XML_WINDOW_BYTES = 1 << 18, /* of the part, in memory at a time */
};

struct qn__xml_slice {
    const char *at;
    size_t size;
};

struct qn__xml_attribute {
    struct qn__xml_slice name; /* with its prefix */
    struct qn__xml_slice value;
};

enum qn__xml_event {
    QN_XML_START,
    QN_XML_END,
    QN_XML_TEXT,
    QN_XML_EOF,
};

/* A strict tokenizer of one part: UTF-8 only, no document type and so no entities but the five
 * named ones and numbers, tags must match. Namespaces are told by local names alone. */
struct qn__xml {
    const char *source_name, *part; /* borrow; for messages */
    struct qn__zip_stream *stream;  /* owns */
    char *window;                   /* owns; QN_XML_WINDOW_BYTES */
    size_t at, size;                /* of the window */
    uint64_t window_at;             /* offset of the window in the part */
    bool ended;
    enum qn__xml_event event;
    struct qn__xml_slice name; /* local name of a tag; until the next event */
    struct qn__xml_attribute attributes[QN_XML_ATTRIBUTE_LIMIT];
    size_t attribute_count;
    struct qn_buffer *text; /* where texts go, decoded; NULL: they are passed over */
    size_t depth;           /* open elements; a start tag counts its own */
    bool closing;           /* of <a/>: the end comes next */
    bool had_root;
    struct qn_buffer open; /* names of the open elements */
    size_t open_at[QN_XML_DEPTH_LIMIT];
};

/* limit as for qn__zip_stream_open(). entry is in zip. */
QN_MUST_CHECK enum qn_status qn__xml_open(struct qn__xml *xml, const struct qn__zip *zip,
                                          const struct qn__zip_entry *entry, const char *part,
                                          size_t limit, struct qn_error *err);
void qn__xml_close(struct qn__xml *xml);
QN_MUST_CHECK enum qn_status qn__xml_next(struct qn__xml *xml, struct qn_error *err);
/* Goes to the next child of the element at `depth` (0: to the root), past whatever is left of the
 * one before. *found is false when the element has no more. */
QN_MUST_CHECK enum qn_status qn__xml_child(struct qn__xml *xml, size_t depth, bool *found,
                                           struct qn_error *err);
/* Appends the text of the element whose start tag came last, and goes to its end tag. */
QN_MUST_CHECK enum qn_status qn__xml_text(struct qn__xml *xml, struct qn_buffer *out,
                                          struct qn_error *err);
bool qn__xml_is(const struct qn__xml *xml, const char *local_name);
/* NULL when the start tag lacks it. `name` has no prefix; prefixed: any prefix will do. */
const struct qn__xml_slice *qn__xml_attribute(const struct qn__xml *xml, const char *name,
                                              bool prefixed);
bool qn__slice_is(const struct qn__xml_slice *slice, const char *text); /* NULL is not */
bool qn__slice_ends(const struct qn__xml_slice *slice, const char *text);
/* Names file, part and byte; returns QN_CORRUPT. */
enum qn_status qn__xml_fail(const struct qn__xml *xml, struct qn_error *err, const char *format,
                            ...) QN_PRINTF(3, 4);

/* ---- Workbook ---- */

enum qn__xlsx_format {
    QN_XLSX_PLAIN,
    QN_XLSX_DATE,     /* a day */
    QN_XLSX_DATETIME, /* a day and a time */
    QN_XLSX_TIME,     /* a time of day */
};

struct qn__xlsx_book {
    const struct qn__source *source; /* borrows */
    const struct qn_read_options *options;
    struct qn__zip zip;
    bool epoch_1904;
    size_t sheet_count;
    char *sheet_name;      /* owns; of the sheet that is read */
    char *sheet_part;      /* owns; its name in the archive */
    unsigned char *styles; /* owns; enum qn__xlsx_format of each cell format */
    size_t style_count;
    uint64_t *string_ends; /* owns; where each shared string ends in `strings` */
    size_t string_count, string_capacity;
    struct qn_buffer strings;
};

QN_MUST_CHECK enum qn_status qn__xlsx_book_open(const struct qn__source *source,
                                                const struct qn_read_options *options,
                                                struct qn__xlsx_book *out, struct qn_error *err);
void qn__xlsx_book_close(struct qn__xlsx_book *book);
/* What a number under this format code is: "yyyy-mm-dd", "[h]:mm". */
enum qn__xlsx_format qn__xlsx_format_read(const char *code, size_t size);
/* Appends the text of <si> or <is>, whose start tag came last: runs joined, phonetic ones left out,
 * _x000D_ decoded. */
QN_MUST_CHECK enum qn_status qn__xlsx_string(struct qn__xml *xml, struct qn_buffer *out,
                                             struct qn_error *err);

/* ---- Cells ---- */

enum qn__xlsx_kind {
    QN_XLSX_NONE, /* an error value, or a formula without a result */
    QN_XLSX_BOOLEAN,
    QN_XLSX_INTEGER,
    QN_XLSX_REAL,
    QN_XLSX_DAY,
    QN_XLSX_MOMENT,
    QN_XLSX_TEXT,
};

struct qn__xlsx_cell {
    uint32_t row, column; /* from 0 */
    enum qn__xlsx_kind kind;
    int64_t integer; /* boolean, integer, days or microseconds since 1970 */
    double number;
    const char *text; /* until the next cell */
    size_t size;
};

struct qn__xlsx_fault {
    size_t count;
    uint32_t row, column; /* of the first */
};

struct qn__xlsx_sheet {
    const struct qn__xlsx_book *book; /* borrows */
    struct qn__xml xml;
    size_t rows_depth;      /* of <sheetData>; 0: there is none */
    bool in_row;            /* the cells of a row are being read */
    uint32_t row, next_row; /* from 0 */
    uint32_t next_column;
    struct qn_buffer text;
    char time[48];                    /* of a cell that is a time of day */
    struct qn__xlsx_fault errors;     /* #DIV/0! and others, not #N/A */
    struct qn__xlsx_fault unresolved; /* formulas without a saved result */
};

QN_MUST_CHECK enum qn_status qn__xlsx_sheet_open(const struct qn__xlsx_book *book,
                                                 struct qn__xlsx_sheet *out, struct qn_error *err);
void qn__xlsx_sheet_close(struct qn__xlsx_sheet *sheet);
/* The next cell that is not empty, row by row from left to right; *more is false at the end. */
QN_MUST_CHECK enum qn_status qn__xlsx_sheet_next(struct qn__xlsx_sheet *sheet,
                                                 struct qn__xlsx_cell *cell, bool *more,
                                                 struct qn_error *err);

#define QN_XLSX_NAME_SIZE 16
/* "C7" of row 6, column 2. */
void qn__xlsx_cell_name(uint32_t row, uint32_t column, char out[QN_XLSX_NAME_SIZE]);
/* As a CSV would show it: "12", "0.1", "true", "2024-02-29". Borrowed from the cell or scratch. */
#define QN_XLSX_TEXT_SIZE 64
const char *qn__xlsx_cell_text(const struct qn__xlsx_cell *cell, char scratch[QN_XLSX_TEXT_SIZE],
                               size_t *size_out);

#endif
