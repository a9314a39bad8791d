/* Status codes and the error that a caller lends to a fallible function. */
#ifndef QN_BASE_ERROR_H
#define QN_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#define QN_MUST_CHECK __attribute__((warn_unused_result))
#define QN_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

enum qn_status {
    QN_OK = 0,
    QN_INVALID,     /* the caller's input or options are wrong; the message says what to do */
    QN_NOT_FOUND,   /* no such file, column, class ... */
    QN_IO,          /* the operating system failed a read or write */
    QN_NOMEM,       /* out of memory, or a documented memory limit reached */
    QN_CANCELLED,   /* the progress callback asked to stop */
    QN_CORRUPT,     /* stored bytes fail their checks */
    QN_UNSUPPORTED, /* well-formed, but not something this build can do */
};

#define QN_ERROR_SIZE 256

/* Lent by the caller; untouched on success, and complete enough to show a user on failure. */
struct qn_error {
    enum qn_status status;
    char message[QN_ERROR_SIZE];
};

#define QN_ERROR_INIT                                                                              \
    {                                                                                              \
        QN_OK,                                                                                     \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* Fills *err (err may be NULL) and returns status, so that `return qn_fail(...)` reads well.
 * A message that does not fit is cut on a UTF-8 boundary. */
enum qn_status qn_fail(struct qn_error *err, enum qn_status status, const char *format, ...)
    QN_PRINTF(3, 4);

/* Puts "prefix: " before the message that is already in *err, which must be there and hold a
 * failure; returns err->status. */
enum qn_status qn_fail_within(struct qn_error *err, const char *format, ...) QN_PRINTF(2, 3);

/* The usual out-of-memory failure: "WHAT: out of memory". */
enum qn_status qn_fail_nomem(struct qn_error *err, const char *what);

/* A short stable name: "invalid", "not_found" ... */
const char *qn_status_name(enum qn_status status);

#endif
