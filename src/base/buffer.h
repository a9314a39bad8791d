/* A growing byte buffer with a maximum. Errors stick: check once with qn_buffer_failed(). */
#ifndef QN_BASE_BUFFER_H
#define QN_BASE_BUFFER_H

#include "base/error.h"

#include <stdint.h>

struct qn_buffer {
    char *bytes; /* owns; always NUL-terminated after the first append */
    size_t size; /* without the NUL */
    size_t capacity;
    size_t maximum; /* appending past it fails */
    bool failed;    /* out of memory or over the maximum; contents are then incomplete */
};

void qn_buffer_init(struct qn_buffer *buffer, size_t maximum);
void qn_buffer_append(struct qn_buffer *buffer, const void *bytes, size_t size);
void qn_buffer_text(struct qn_buffer *buffer, const char *text);
void qn_buffer_char(struct qn_buffer *buffer, char c);
void qn_buffer_format(struct qn_buffer *buffer, const char *format, ...) QN_PRINTF(2, 3);
/* Little-endian fixed-width values, and a 32-bit length followed by bytes. */
void qn_buffer_u8(struct qn_buffer *buffer, uint8_t value);
void qn_buffer_u32(struct qn_buffer *buffer, uint32_t value);
void qn_buffer_u64(struct qn_buffer *buffer, uint64_t value);
void qn_buffer_f64(struct qn_buffer *buffer, double value);
void qn_buffer_string(struct qn_buffer *buffer, const char *text);
void qn_buffer_clear(struct qn_buffer *buffer);
void qn_buffer_release(struct qn_buffer *buffer);
/* QN_OK, or QN_NOMEM naming `what`. */
QN_MUST_CHECK enum qn_status qn_buffer_check(const struct qn_buffer *buffer, const char *what,
                                             struct qn_error *err);

/* Reads what the functions above wrote. Every read is bounds-checked; after the first failure
 * all reads give 0 or NULL and `failed` stays set, so a decoder checks once per section. */
struct qn_reader {
    const unsigned char *bytes; /* borrows */
    size_t size, at;
    bool failed;
    bool out_of_memory; /* the failure was a heap copy, not the bytes */
};

void qn_reader_init(struct qn_reader *reader, const void *bytes, size_t size);
uint8_t qn_reader_u8(struct qn_reader *reader);
uint32_t qn_reader_u32(struct qn_reader *reader);
uint64_t qn_reader_u64(struct qn_reader *reader);
double qn_reader_f64(struct qn_reader *reader);
/* Lends size bytes inside the buffer, or NULL. */
const void *qn_reader_bytes(struct qn_reader *reader, size_t size);
/* A heap copy of a string written by qn_buffer_string(), owned by the caller; NULL on failure. */
char *qn_reader_string(struct qn_reader *reader);
/* A count, written by qn_buffer_u64(), that must be followed by at least count * item_size_bytes
 * bytes (item_size_bytes > 0): guards allocations. */
size_t qn_reader_count(struct qn_reader *reader, size_t item_size_bytes);
size_t qn_reader_left(const struct qn_reader *reader); /* 0 after a failure */
/* QN_OK, QN_NOMEM when a copy could not be made, else QN_CORRUPT; the message names `what`. */
QN_MUST_CHECK enum qn_status qn_reader_check(const struct qn_reader *reader, const char *what,
                                             struct qn_error *err);

#endif
