/* JSON by jansson, with Quern's errors and limits. A json_t is reference-counted: json_decref(). */
#ifndef QN_BASE_JSON_H
#define QN_BASE_JSON_H

#include "base/error.h"

#include <jansson.h>
#include <stdint.h>

/* Parses text[0..size): one value, duplicate keys refused, nested at most 64 deep; the error names
 * `what`, line and column. */
QN_MUST_CHECK enum qn_status qn_json_parse(const char *text, size_t size, const char *what,
                                           json_t **out, struct qn_error *err);

/* A number, or JSON null when value is not finite. NULL when out of memory. */
json_t *qn_json_number(double value);

/* Adds `value` (takes it; NULL or a failure marks *failed). Lets builders check once at the end. */
void qn_json_set(json_t *object, const char *key, json_t *value, bool *failed);
void qn_json_add(json_t *array, json_t *value, bool *failed);

/* Text of value, owned by the caller (qn_free), with shortest round-trip numbers; indent 0 is one
 * line. Keys keep their order of insertion. NULL when out of memory. */
char *qn_json_text(const json_t *value, int indent);

/* Strict reading of an object: each key must be one of `known` (NULL-terminated), else QN_INVALID
 * names the unknown key, the place (`what`) and the closest known one. */
QN_MUST_CHECK enum qn_status qn_json_known(const json_t *object, const char *what,
                                           const char *const *known, struct qn_error *err);
/* Reads an optional key of the right type into *out; absent leaves *out; wrong type is QN_INVALID.
 * Strings are borrowed from the object. */
QN_MUST_CHECK enum qn_status qn_json_get_double(const json_t *object, const char *key, double *out,
                                                struct qn_error *err);
QN_MUST_CHECK enum qn_status qn_json_get_int(const json_t *object, const char *key, int64_t *out,
                                             struct qn_error *err);
QN_MUST_CHECK enum qn_status qn_json_get_bool(const json_t *object, const char *key, bool *out,
                                              struct qn_error *err);
QN_MUST_CHECK enum qn_status qn_json_get_string(const json_t *object, const char *key,
                                                const char **out, struct qn_error *err);

#endif
