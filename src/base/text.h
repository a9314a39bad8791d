/* Text: UTF-8, numbers and sizes, independent of the locale. */
#ifndef QN_BASE_TEXT_H
#define QN_BASE_TEXT_H

#include "base/error.h"

#include <stdint.h>

#define QN_NUMBER_TEXT_SIZE 32

/* Offset of the first byte that is not valid UTF-8 (overlong forms and surrogates are not), or
 * size when all is well. */
size_t qn_utf8_check(const char *text, size_t size);
/* Terminal columns that the text takes (wide characters 2, combining 0). */
size_t qn_text_width(const char *text);
/* Copies text into out, cut to at most `columns` terminal columns with an ellipsis when longer;
 * control characters become '?'. Returns the columns used. */
size_t qn_text_fit(const char *text, size_t columns, char *out, size_t out_size);

/* The whole of text[0..size) as a number, correctly rounded; no spaces, no hexadecimal; "inf" and
 * "-Infinity" count, "nan" does not; past the range it is an infinity or 0. false when it is not
 * one. */
bool qn_parse_double(const char *text, size_t size, double *out);
bool qn_parse_int64(const char *text, size_t size, int64_t *out); /* false on overflow too */
/* "512M", "2GiB", "1.5g", "4096": bytes, in powers of 1024. */
QN_MUST_CHECK enum qn_status qn_parse_size(const char *text, size_t *out, struct qn_error *err);

/* The shortest text that reads back as the same double: "0.1", "1e+20", "nan", "inf". */
void qn_format_double(double value, char text[QN_NUMBER_TEXT_SIZE]);
/* For people: 4 significant digits, thousands separated by commas, "1,234", "0.001235". */
void qn_format_human(double value, char text[QN_NUMBER_TEXT_SIZE]);
void qn_format_count(uint64_t value, char text[QN_NUMBER_TEXT_SIZE]); /* "1,234,567" */
void qn_format_bytes(uint64_t value, char text[QN_NUMBER_TEXT_SIZE]); /* "1.2 MiB" */

/* The closest of `names` (edit distance at most a third of the length), or NULL: "did you mean". */
const char *qn_text_closest(const char *text, const char *const *names, size_t name_count);

#endif
