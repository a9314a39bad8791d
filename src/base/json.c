#include "base/json.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

#define QN_JSON_TEXT_LIMIT ((size_t)1 << 30)

enum { QN_JSON_DEPTH = 64 };

/* Looks for what jansson would take or describe badly: NUL bytes and deep nesting. */
static enum qn_status check_shape(const char *text, size_t size, const char *what,
                                  struct qn_error *err)
{
    size_t line = 1, line_start = 0;
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '\0') {
            return qn_fail(err, QN_INVALID, "%s: line %zu, column %zu: a NUL byte", what, line,
                           i - line_start + 1);
        }
        if (c == '\n') {
            line++;
            line_start = i + 1;
        }
        if (in_string) {
            if (c == '\\' && i + 1 < size && text[i + 1] != '\0')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > QN_JSON_DEPTH) {
                return qn_fail(err, QN_INVALID,
                               "%s: line %zu, column %zu: nested deeper than %d levels", what, line,
                               i - line_start + 1, QN_JSON_DEPTH);
            }
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return QN_OK;
}

enum qn_status qn_json_parse(const char *text, size_t size, const char *what, json_t **out,
                             struct qn_error *err)
{
    enum qn_status status = check_shape(text, size, what, err);
    if (status != QN_OK)
        return status;
    json_error_t reason;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &reason);
    if (value) {
        *out = value;
        return QN_OK;
    }
    if (json_error_code(&reason) == json_error_out_of_memory)
        return qn_fail_nomem(err, what);
    for (char *c = reason.text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20)
            *c = ' '; /* The text quotes the input. */
    }
    return qn_fail(err, QN_INVALID, "%s: line %d, column %d: %s", what,
                   reason.line < 1 ? 1 : reason.line, reason.column < 0 ? 0 : reason.column,
                   reason.text);
}

json_t *qn_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

void qn_json_set(json_t *object, const char *key, json_t *value, bool *failed)
{
    if (json_object_set_new(object, key, value) != 0) /* releases value on failure too */
        *failed = true;
}

void qn_json_add(json_t *array, json_t *value, bool *failed)
{
    if (json_array_append_new(array, value) != 0)
        *failed = true;
}

static void write_string(struct qn_buffer *buffer, const char *text, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    static const char short_from[] = "\"\\\b\f\n\r\t";
    static const char short_to[] = "\"\\bfnrt";
    qn_buffer_char(buffer, '"');
    size_t start = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        qn_buffer_append(buffer, text + start, i - start);
        start = i + 1;
        const char *found = c != '\0' ? strchr(short_from, c) : NULL;
        qn_buffer_char(buffer, '\\');
        if (found) {
            qn_buffer_char(buffer, short_to[found - short_from]);
        } else {
            qn_buffer_text(buffer, "u00");
            qn_buffer_char(buffer, digits[c >> 4]);
            qn_buffer_char(buffer, digits[c & 15U]);
        }
    }
    qn_buffer_append(buffer, text + start, length - start);
    qn_buffer_char(buffer, '"');
}

static void write_real(struct qn_buffer *buffer, double value)
{
    char text[QN_NUMBER_TEXT_SIZE];
    if (!isfinite(value)) {
        qn_buffer_text(buffer, "null");
        return;
    }
    qn_format_double(value, text);
    qn_buffer_text(buffer, text);
    if (value == 0.0 && signbit(value)) /* "-0" would be read as the integer 0 */
        qn_buffer_text(buffer, ".0");
}

static void write_break(struct qn_buffer *buffer, int indent, int depth)
{
    if (indent <= 0)
        return;
    qn_buffer_char(buffer, '\n');
    for (int i = 0; i < indent * depth; i++)
        qn_buffer_char(buffer, ' ');
}

static void write_value(struct qn_buffer *buffer, const json_t *value, int indent, int depth);

static void write_object(struct qn_buffer *buffer, const json_t *object, int indent, int depth)
{
    /* jansson's iteration takes a plain pointer, but does not change the object. */
    json_t *iterated = (json_t *)object;
    const char *key;
    json_t *value;
    bool first = true;
    qn_buffer_char(buffer, '{');
    json_object_foreach(iterated, key, value)
    {
        if (!first)
            qn_buffer_char(buffer, ',');
        first = false;
        write_break(buffer, indent, depth + 1);
        write_string(buffer, key, strlen(key));
        qn_buffer_text(buffer, indent > 0 ? ": " : ":");
        write_value(buffer, value, indent, depth + 1);
    }
    if (!first)
        write_break(buffer, indent, depth);
    qn_buffer_char(buffer, '}');
}

static void write_array(struct qn_buffer *buffer, const json_t *array, int indent, int depth)
{
    size_t count = json_array_size(array);
    qn_buffer_char(buffer, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            qn_buffer_char(buffer, ',');
        write_break(buffer, indent, depth + 1);
        write_value(buffer, json_array_get(array, i), indent, depth + 1);
    }
    if (count > 0)
        write_break(buffer, indent, depth);
    qn_buffer_char(buffer, ']');
}

static void write_value(struct qn_buffer *buffer, const json_t *value, int indent, int depth)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(buffer, value, indent, depth);
        break;
    case JSON_ARRAY:
        write_array(buffer, value, indent, depth);
        break;
    case JSON_STRING:
        write_string(buffer, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        qn_buffer_format(buffer, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        write_real(buffer, json_real_value(value));
        break;
    case JSON_TRUE:
        qn_buffer_text(buffer, "true");
        break;
    case JSON_FALSE:
        qn_buffer_text(buffer, "false");
        break;
    case JSON_NULL:
        qn_buffer_text(buffer, "null");
        break;
    }
}

char *qn_json_text(const json_t *value, int indent)
{
    if (!value)
        return NULL; /* a builder that ran out of memory */
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, QN_JSON_TEXT_LIMIT);
    write_value(&buffer, value, indent, 0);
    if (buffer.failed) {
        qn_buffer_release(&buffer);
        return NULL;
    }
    return buffer.bytes; /* Ownership moves to the caller. */
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

enum qn_status qn_json_known(const json_t *object, const char *what, const char *const *known,
                             struct qn_error *err)
{
    if (!json_is_object(object))
        return qn_fail(err, QN_INVALID, "%s: must be an object", what);
    size_t known_count = 0;
    while (known[known_count])
        known_count++;
    json_t *iterated = (json_t *)object;
    const char *key;
    json_t *value;
    json_object_foreach(iterated, key, value)
    {
        size_t i = 0;
        while (i < known_count && strcmp(known[i], key) != 0)
            i++;
        if (i < known_count)
            continue;
        const char *closest = qn_text_closest(key, known, known_count);
        if (closest) {
            return qn_fail(err, QN_INVALID, "%s: unknown key \"%s\"; did you mean \"%s\"?", what,
                           key, closest);
        }
        struct qn_buffer names;
        qn_buffer_init(&names, QN_ERROR_SIZE);
        for (i = 0; i < known_count; i++)
            qn_buffer_format(&names, "%s%s", i > 0 ? ", " : "", known[i]);
        enum qn_status status =
            names.size == 0
                ? qn_fail(err, QN_INVALID, "%s: unknown key \"%s\"", what, key)
                : qn_fail(err, QN_INVALID, "%s: unknown key \"%s\"; the known ones are %s%s", what,
                          key, names.bytes, names.failed ? " ..." : "");
        qn_buffer_release(&names);
        return status;
    }
    return QN_OK;
}

static enum qn_status wrong_type(const char *key, const char *wanted, const json_t *value,
                                 struct qn_error *err)
{
    return qn_fail(err, QN_INVALID, "\"%s\" must be %s, not %s", key, wanted, type_name(value));
}

enum qn_status qn_json_get_double(const json_t *object, const char *key, double *out,
                                  struct qn_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return QN_OK;
    if (!json_is_number(value))
        return wrong_type(key, "a number", value, err);
    *out = json_number_value(value);
    return QN_OK;
}

enum qn_status qn_json_get_int(const json_t *object, const char *key, int64_t *out,
                               struct qn_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return QN_OK;
    if (json_is_integer(value)) {
        *out = (int64_t)json_integer_value(value);
        return QN_OK;
    }
    if (!json_is_real(value))
        return wrong_type(key, "a whole number", value, err);
    double real = json_real_value(value); /* 1e6 and 10.0 are whole numbers to their writer */
    if (floor(real) != real || fabs(real) > 0x1p53)
        return qn_fail(err, QN_INVALID, "\"%s\" must be a whole number, not %g", key, real);
    *out = (int64_t)real;
    return QN_OK;
}

enum qn_status qn_json_get_bool(const json_t *object, const char *key, bool *out,
                                struct qn_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return QN_OK;
    if (!json_is_boolean(value))
        return wrong_type(key, "true or false", value, err);
    *out = json_is_true(value);
    return QN_OK;
}

enum qn_status qn_json_get_string(const json_t *object, const char *key, const char **out,
                                  struct qn_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return QN_OK;
    if (!json_is_string(value))
        return wrong_type(key, "a string", value, err);
    *out = json_string_value(value);
    return QN_OK;
}
