#include "data/jsonl_internal.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum qn_status qn__json_fail(const struct qn__json_scan *scan, const char *at, struct qn_error *err,
                             const char *format, ...)
{
    char message[QN_ERROR_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    size_t line = 1;
    const char *start = scan->bytes;
    const char *newline;
    while (start < at && (newline = memchr(start, '\n', (size_t)(at - start)))) {
        line++;
        start = newline + 1;
    }
    return qn_fail(err, QN_INVALID, "%s: line %zu, column %zu: %s", scan->name, line,
                   (size_t)(at - start) + 1, message);
}

static enum qn_status fail_here(const struct qn__json_scan *scan, struct qn_error *err,
                                const char *message)
{
    const char *at = scan->bytes + scan->at;
    if (scan->at == scan->size)
        return qn__json_fail(scan, at, err, "the file ends inside a value (%s)", message);
    return qn__json_fail(scan, at, err, "%s", message);
}

int qn__json_peek(struct qn__json_scan *scan)
{
    while (scan->at < scan->size) {
        unsigned char c = (unsigned char)scan->bytes[scan->at];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            return c;
        scan->at++;
    }
    return -1;
}

enum qn_status qn__json_expect(struct qn__json_scan *scan, char c, struct qn_error *err)
{
    if (qn__json_peek(scan) != (unsigned char)c) {
        char message[] = "expected '?'";
        message[sizeof(message) - 3] = c;
        return fail_here(scan, err, message);
    }
    scan->at++;
    return QN_OK;
}

static bool is_hexadecimal(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The backslash is at scan->at. */
static enum qn_status scan_escape(struct qn__json_scan *scan, struct qn_error *err)
{
    const char *bytes = scan->bytes + scan->at;
    size_t left = scan->size - scan->at;
    if (left >= 2 && bytes[1] != '\0' && strchr("\"\\/bfnrt", bytes[1])) {
        scan->at += 2;
        return QN_OK;
    }
    if (left >= 6 && bytes[1] == 'u' && is_hexadecimal(bytes[2]) && is_hexadecimal(bytes[3]) &&
        is_hexadecimal(bytes[4]) && is_hexadecimal(bytes[5])) {
        scan->at += 6;
        return QN_OK;
    }
    return fail_here(scan, err, "a backslash in a string begins no escape that JSON knows");
}

static enum qn_status scan_string(struct qn__json_scan *scan, struct qn__json_value *out,
                                  struct qn_error *err)
{
    size_t start = ++scan->at;
    bool escaped = false;
    for (;;) {
        if (scan->at == scan->size)
            return qn__json_fail(scan, scan->bytes + start - 1, err,
                                 "the string that begins here has no end");
        unsigned char c = (unsigned char)scan->bytes[scan->at];
        if (c == '"')
            break;
        if (c < 0x20)
            return fail_here(scan, err,
                             c == '\n' ? "a string has no end before the line ends"
                                       : "a control character in a string must be escaped");
        if (c == '\\') {
            enum qn_status status = scan_escape(scan, err);
            if (status != QN_OK)
                return status;
            escaped = true;
        } else {
            scan->at++;
        }
    }
    *out = (struct qn__json_value){QN_JSON_STRING, scan->bytes + start, scan->at - start, escaped};
    scan->at++;
    return QN_OK;
}

static size_t skip_digits(struct qn__json_scan *scan)
{
    size_t start = scan->at;
    while (scan->at < scan->size && scan->bytes[scan->at] >= '0' && scan->bytes[scan->at] <= '9')
        scan->at++;
    return scan->at - start;
}

static bool accept(struct qn__json_scan *scan, const char *any_of)
{
    if (scan->at == scan->size || scan->bytes[scan->at] == '\0' ||
        !strchr(any_of, scan->bytes[scan->at]))
        return false;
    scan->at++;
    return true;
}

static enum qn_status scan_number(struct qn__json_scan *scan, struct qn__json_value *out,
                                  struct qn_error *err)
{
    size_t start = scan->at;
    (void)accept(scan, "-");
    bool zero = scan->at < scan->size && scan->bytes[scan->at] == '0';
    size_t digits = skip_digits(scan);
    bool real = false;
    if (digits == 0)
        return fail_here(scan, err, "expected a value");
    if (zero && digits > 1)
        return qn__json_fail(scan, scan->bytes + start, err,
                             "a number may not begin with a zero before other digits");
    if (accept(scan, ".")) {
        real = true;
        if (skip_digits(scan) == 0)
            return fail_here(scan, err, "expected a digit after the decimal point");
    }
    if (accept(scan, "eE")) {
        real = true;
        (void)accept(scan, "+-");
        if (skip_digits(scan) == 0)
            return fail_here(scan, err, "expected a digit in the exponent");
    }
    out->text = scan->bytes + start;
    out->size = scan->at - start;
    out->escaped = false;
    int64_t unused;
    out->kind = real                                            ? QN_JSON_REAL
                : qn_parse_int64(out->text, out->size, &unused) ? QN_JSON_INTEGER
                                                                : QN_JSON_BIG;
    return QN_OK;
}

static bool accept_word(struct qn__json_scan *scan, const char *word, enum qn__json_kind kind,
                        struct qn__json_value *out)
{
    size_t size = strlen(word);
    if (scan->size - scan->at < size || memcmp(scan->bytes + scan->at, word, size) != 0)
        return false;
    *out = (struct qn__json_value){kind, scan->bytes + scan->at, size, false};
    scan->at += size;
    return true;
}

static enum qn_status scan_scalar(struct qn__json_scan *scan, struct qn__json_value *out,
                                  struct qn_error *err)
{
    if (qn__json_peek(scan) == '"')
        return scan_string(scan, out, err);
    if (accept_word(scan, "null", QN_JSON_NULL, out) ||
        accept_word(scan, "true", QN_JSON_BOOLEAN, out) ||
        accept_word(scan, "false", QN_JSON_BOOLEAN, out))
        return QN_OK;
    return scan_number(scan, out, err);
}

/* After an opening bracket, a key or a comma inside an array or object: one step of the loop in
 * scan_nested(). Consumes the key of a member. */
static enum qn_status scan_key(struct qn__json_scan *scan, struct qn_error *err)
{
    struct qn__json_value key;
    if (qn__json_peek(scan) != '"')
        return fail_here(scan, err, "expected a key in double quotes");
    enum qn_status status = scan_string(scan, &key, err);
    if (status == QN_OK)
        status = qn__json_expect(scan, ':', err);
    return status;
}

/* An array or object, without recursion: closers[] holds the bracket that ends each open level. */
static enum qn_status scan_nested(struct qn__json_scan *scan, struct qn__json_value *out,
                                  struct qn_error *err)
{
    char closers[QN_JSON_DEPTH_MAX];
    size_t depth = 0, start = scan->at;
    enum qn_status status = QN_OK;
    bool want_value = true; /* else a comma or a closing bracket */
    while (status == QN_OK && (depth > 0 || want_value)) {
        int c = qn__json_peek(scan);
        if (want_value && (c == '{' || c == '[')) {
            if (depth == QN_JSON_DEPTH_MAX)
                return fail_here(scan, err, "nested more than 64 deep");
            closers[depth++] = c == '{' ? '}' : ']';
            scan->at++;
            want_value = qn__json_peek(scan) != closers[depth - 1];
            if (want_value && c == '{')
                status = scan_key(scan, err);
        } else if (want_value) {
            struct qn__json_value unused;
            status = scan_scalar(scan, &unused, err);
            want_value = false;
        } else if (c == ',') {
            scan->at++;
            want_value = true;
            if (closers[depth - 1] == '}')
                status = scan_key(scan, err);
        } else if (c == closers[depth - 1]) {
            scan->at++;
            depth--;
        } else {
            status = fail_here(scan, err, "expected ',' or a closing bracket");
        }
    }
    if (status == QN_OK)
        *out =
            (struct qn__json_value){QN_JSON_NESTED, scan->bytes + start, scan->at - start, false};
    return status;
}

enum qn_status qn__json_value(struct qn__json_scan *scan, struct qn__json_value *out,
                              struct qn_error *err)
{
    int c = qn__json_peek(scan);
    return c == '{' || c == '[' ? scan_nested(scan, out, err) : scan_scalar(scan, out, err);
}

static unsigned hexadecimal(const char *text)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)text[i];
        value = value * 16 + (c <= '9' ? c - 48u : (c | 0x20u) - 97u + 10u);
    }
    return value;
}

static void append_utf8(struct qn_buffer *out, unsigned code)
{
    char bytes[4];
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size; i-- > 1; code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    bytes[0] = (char)(leads[size] | code);
    qn_buffer_append(out, bytes, size);
}

/* The escape "\uXXXX" (or a pair of them) at *at; moves *at behind it. */
static enum qn_status append_code(struct qn__json_scan *scan, const char **at, const char *end,
                                  struct qn_buffer *out, struct qn_error *err)
{
    unsigned code = hexadecimal(*at + 2);
    size_t size = 6;
    if (code == 0)
        return qn__json_fail(scan, *at, err, "a NUL character in a text");
    if (code >= 0xd800 && code < 0xdc00 && end - *at >= 12 && (*at)[6] == '\\' && (*at)[7] == 'u') {
        unsigned low = hexadecimal(*at + 8);
        if (low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            size = 12;
        }
    }
    if (code >= 0xd800 && code < 0xe000)
        return qn__json_fail(scan, *at, err, "half of a surrogate pair in a text");
    append_utf8(out, code);
    *at += size;
    return QN_OK;
}

enum qn_status qn__json_unescape(struct qn__json_scan *scan, const struct qn__json_value *string,
                                 struct qn_buffer *out, struct qn_error *err)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *at = string->text;
    const char *end = at + string->size;
    while (at < end) {
        const char *slash = string->escaped ? memchr(at, '\\', (size_t)(end - at)) : NULL;
        qn_buffer_append(out, at, (size_t)((slash ? slash : end) - at));
        if (!slash)
            break;
        at = slash;
        if (at[1] == 'u') {
            enum qn_status status = append_code(scan, &at, end, out, err);
            if (status != QN_OK)
                return status;
        } else {
            qn_buffer_char(out, values[strchr(names, at[1]) - names]);
            at += 2;
        }
    }
    return qn_buffer_check(out, scan->name, err);
}
