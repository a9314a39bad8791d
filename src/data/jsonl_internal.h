/* A strict JSON scanner over bytes in memory: it allocates nothing and copies nothing. */
#ifndef QN_DATA_JSONL_INTERNAL_H
#define QN_DATA_JSONL_INTERNAL_H

#include "base/buffer.h"

#define QN_JSON_DEPTH_MAX 64

enum qn__json_kind {
    QN_JSON_NULL,
    QN_JSON_BOOLEAN,
    QN_JSON_INTEGER, /* fits 64 bits */
    QN_JSON_BIG,     /* an integer that does not */
    QN_JSON_REAL,
    QN_JSON_STRING,
    QN_JSON_NESTED, /* an array or object */
};

/* One value: the bytes that it takes in the file; for a string those between its quotes. */
struct qn__json_value {
    enum qn__json_kind kind;
    const char *text; /* borrows */
    size_t size;
    bool escaped; /* the string has backslashes */
};

struct qn__json_scan {
    const char *bytes; /* borrows; valid UTF-8 */
    size_t size, at;
    const char *name; /* for messages */
};

/* Skips white space; the next byte, or -1 at the end. */
int qn__json_peek(struct qn__json_scan *scan);
/* Skips white space and consumes c, or fails. */
QN_MUST_CHECK enum qn_status qn__json_expect(struct qn__json_scan *scan, char c,
                                             struct qn_error *err);
/* Scans any value, at most QN_JSON_DEPTH_MAX deep. */
QN_MUST_CHECK enum qn_status qn__json_value(struct qn__json_scan *scan, struct qn__json_value *out,
                                            struct qn_error *err);
/* Appends the text that a string stands for; a NUL in it, or half a surrogate pair, is an error. */
QN_MUST_CHECK enum qn_status qn__json_unescape(struct qn__json_scan *scan,
                                               const struct qn__json_value *string,
                                               struct qn_buffer *out, struct qn_error *err);
/* "NAME: line L, column C: MESSAGE" for the byte at `at`. */
enum qn_status qn__json_fail(const struct qn__json_scan *scan, const char *at, struct qn_error *err,
                             const char *format, ...) QN_PRINTF(4, 5);

#endif
