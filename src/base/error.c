#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Shortens text[0..length) so that it does not end inside a UTF-8 sequence. */
static size_t cut_length(const char *text, size_t length)
{
    size_t start = length;
    while (start > 0 && length - start < 3 && ((unsigned char)text[start - 1] & 0xC0U) == 0x80U)
        start--;
    if (start == 0)
        return length;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t needed = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : lead >= 0xC0U ? 2 : 1;
    size_t present = length - (start - 1);
    return present < needed ? start - 1 : length;
}

static void format_cut(char out[QN_ERROR_SIZE], const char *format, va_list args)
{
    int wanted = vsnprintf(out, QN_ERROR_SIZE, format, args);
    if (wanted < 0)
        out[0] = '\0';
    else if (wanted >= QN_ERROR_SIZE)
        out[cut_length(out, QN_ERROR_SIZE - 1)] = '\0';
}

enum qn_status qn_fail(struct qn_error *err, enum qn_status status, const char *format, ...)
{
    assert(status != QN_OK);
    if (!err)
        return status;
    /* Through a local copy: the arguments may point into err->message. */
    char message[QN_ERROR_SIZE];
    va_list args;
    va_start(args, format);
    format_cut(message, format, args);
    va_end(args);
    memcpy(err->message, message, sizeof(message));
    err->status = status;
    return status;
}

enum qn_status qn_fail_within(struct qn_error *err, const char *format, ...)
{
    assert(err && err->status != QN_OK);
    char message[QN_ERROR_SIZE];
    va_list args;
    va_start(args, format);
    format_cut(message, format, args);
    va_end(args);

    size_t length = strlen(message);
    size_t room = QN_ERROR_SIZE - 1 - length;
    if (room >= 2) {
        memcpy(message + length, ": ", 2);
        length += 2;
        room -= 2;
    } else {
        room = 0; /* The prefix fills the message; half a separator would help nobody. */
    }
    size_t old_length = strlen(err->message);
    size_t kept = old_length <= room ? old_length : cut_length(err->message, room);
    memcpy(message + length, err->message, kept);
    message[length + kept] = '\0';
    memcpy(err->message, message, sizeof(message));
    return err->status;
}

enum qn_status qn_fail_nomem(struct qn_error *err, const char *what)
{
    return qn_fail(err, QN_NOMEM, "%s: out of memory", what);
}

const char *qn_status_name(enum qn_status status)
{
    switch (status) {
    case QN_OK:
        return "ok";
    case QN_INVALID:
        return "invalid";
    case QN_NOT_FOUND:
        return "not_found";
    case QN_IO:
        return "io";
    case QN_NOMEM:
        return "no_memory";
    case QN_CANCELLED:
        return "cancelled";
    case QN_CORRUPT:
        return "corrupt";
    case QN_UNSUPPORTED:
        return "unsupported";
    }
    return "unknown";
}
