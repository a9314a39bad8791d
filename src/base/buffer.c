#include "base/buffer.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { QN_FIRST_CAPACITY = 64 };

/* Makes room for size more bytes and the NUL; false (and failed) when that cannot be. */
static bool reserve(struct qn_buffer *buffer, size_t size)
{
    if (buffer->failed)
        return false;
    if (size > buffer->maximum - buffer->size) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->size + size + 1;
    if (needed <= buffer->capacity)
        return true;
    size_t capacity = buffer->capacity == 0 ? QN_FIRST_CAPACITY : buffer->capacity;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    if (capacity > buffer->maximum + 1)
        capacity = buffer->maximum + 1;
    char *grown = qn_realloc(buffer->bytes, capacity, 1);
    if (!grown) {
        buffer->failed = true;
        return false;
    }
    buffer->bytes = grown;
    buffer->capacity = capacity;
    return true;
}

void qn_buffer_init(struct qn_buffer *buffer, size_t maximum)
{
    /* One less than the largest size leaves the sum with the NUL representable. */
    if (maximum == SIZE_MAX)
        maximum = SIZE_MAX - 1;
    *buffer = (struct qn_buffer){NULL, 0, 0, maximum, false};
}

void qn_buffer_append(struct qn_buffer *buffer, const void *bytes, size_t size)
{
    if (!reserve(buffer, size))
        return;
    if (size > 0)
        memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
    buffer->bytes[buffer->size] = '\0';
}

void qn_buffer_text(struct qn_buffer *buffer, const char *text)
{
    qn_buffer_append(buffer, text, strlen(text));
}

void qn_buffer_char(struct qn_buffer *buffer, char c)
{
    qn_buffer_append(buffer, &c, 1);
}

void qn_buffer_format(struct qn_buffer *buffer, const char *format, ...)
{
    if (buffer->failed)
        return;
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t room = buffer->capacity - buffer->size;
    int wanted = vsnprintf(room > 0 ? buffer->bytes + buffer->size : NULL, room, format, args);
    va_end(args);
    if (wanted < 0) {
        buffer->failed = true;
    } else if (reserve(buffer, (size_t)wanted)) {
        if ((size_t)wanted >= room)
            vsnprintf(buffer->bytes + buffer->size, (size_t)wanted + 1, format, again);
        buffer->size += (size_t)wanted;
    }
    if (buffer->failed && buffer->bytes)
        buffer->bytes[buffer->size] = '\0'; /* The first try may have written past it. */
    va_end(again);
}

static void append_little(struct qn_buffer *buffer, uint64_t value, size_t size)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    qn_buffer_append(buffer, bytes, size);
}

void qn_buffer_u8(struct qn_buffer *buffer, uint8_t value)
{
    append_little(buffer, value, 1);
}

void qn_buffer_u32(struct qn_buffer *buffer, uint32_t value)
{
    append_little(buffer, value, 4);
}

void qn_buffer_u64(struct qn_buffer *buffer, uint64_t value)
{
    append_little(buffer, value, 8);
}

void qn_buffer_f64(struct qn_buffer *buffer, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    append_little(buffer, bits, 8);
}

void qn_buffer_string(struct qn_buffer *buffer, const char *text)
{
    size_t length = strlen(text);
    if (length > UINT32_MAX) {
        buffer->failed = true;
        return;
    }
    qn_buffer_u32(buffer, (uint32_t)length);
    qn_buffer_append(buffer, text, length);
}

void qn_buffer_clear(struct qn_buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
    if (buffer->bytes)
        buffer->bytes[0] = '\0';
}

void qn_buffer_release(struct qn_buffer *buffer)
{
    qn_free(buffer->bytes);
    *buffer = (struct qn_buffer){NULL, 0, 0, buffer->maximum, false};
}

enum qn_status qn_buffer_check(const struct qn_buffer *buffer, const char *what,
                               struct qn_error *err)
{
    if (!buffer->failed)
        return QN_OK;
    return qn_fail(err, QN_NOMEM, "%s: out of memory, or larger than the limit of %zu bytes", what,
                   buffer->maximum);
}

void qn_reader_init(struct qn_reader *reader, const void *bytes, size_t size)
{
    *reader = (struct qn_reader){.bytes = bytes, .size = size};
}

size_t qn_reader_left(const struct qn_reader *reader)
{
    return reader->failed ? 0 : reader->size - reader->at;
}

const void *qn_reader_bytes(struct qn_reader *reader, size_t size)
{
    if (reader->failed || size > reader->size - reader->at) {
        reader->failed = true;
        return NULL;
    }
    /* An empty read of an empty reader must still not look like a failure. */
    const void *result = reader->bytes ? reader->bytes + reader->at : (const void *)"";
    reader->at += size;
    return result;
}

static uint64_t read_little(struct qn_reader *reader, size_t size)
{
    const unsigned char *bytes = qn_reader_bytes(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; bytes && i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint8_t qn_reader_u8(struct qn_reader *reader)
{
    return (uint8_t)read_little(reader, 1);
}

uint32_t qn_reader_u32(struct qn_reader *reader)
{
    return (uint32_t)read_little(reader, 4);
}

uint64_t qn_reader_u64(struct qn_reader *reader)
{
    return read_little(reader, 8);
}

double qn_reader_f64(struct qn_reader *reader)
{
    uint64_t bits = read_little(reader, 8);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

char *qn_reader_string(struct qn_reader *reader)
{
    size_t length = qn_reader_u32(reader);
    const char *bytes = qn_reader_bytes(reader, length);
    if (!bytes)
        return NULL;
    if (memchr(bytes, '\0', length)) { /* The writer never stores one: the bytes are damaged. */
        reader->failed = true;
        return NULL;
    }
    char *copy = qn_strndup(bytes, length);
    if (!copy)
        reader->failed = reader->out_of_memory = true;
    return copy;
}

size_t qn_reader_count(struct qn_reader *reader, size_t item_size_bytes)
{
    assert(item_size_bytes > 0);
    uint64_t count = qn_reader_u64(reader);
    if (count > qn_reader_left(reader) / item_size_bytes) {
        reader->failed = true;
        return 0;
    }
    return (size_t)count;
}

enum qn_status qn_reader_check(const struct qn_reader *reader, const char *what,
                               struct qn_error *err)
{
    if (!reader->failed)
        return QN_OK;
    if (reader->out_of_memory)
        return qn_fail_nomem(err, what);
    return qn_fail(err, QN_CORRUPT, "%s: damaged or cut short near byte %zu", what, reader->at);
}
