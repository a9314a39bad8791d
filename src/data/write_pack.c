#include "data/write_internal.h"

#include "base/alloc.h"

#include <limits.h>
#include <zlib.h>
#include <zstd.h>

enum {
    QN_GZIP_LEVEL = 4, /* level 6 takes twice the time for files 4 % smaller */
    QN_ZSTD_LEVEL = 3,
    QN_RAW_WINDOW_BITS = -15, /* deflate without zlib's own header */
    QN_MEMORY_LEVEL = 8,
    QN_FLUSH_SIZE = 16, /* more than a flush adds beyond deflateBound() */
};

static void *zlib_alloc(void *context, unsigned count, unsigned size_bytes)
{
    (void)context;
    return qn_calloc(count, size_bytes);
}

static void zlib_free(void *context, void *block)
{
    (void)context;
    qn_free(block);
}

/* Makes room for size bytes behind what is there and returns it, or NULL. */
static char *buffer_room(struct qn_buffer *buffer, size_t size)
{
    size_t needed = buffer->size + size + 1;
    if (qn_grow((void **)&buffer->bytes, &buffer->capacity, needed, 1) < 0)
        return NULL;
    return buffer->bytes + buffer->size;
}

static enum qn_status gzip_block(const struct qn_buffer *text, struct qn_buffer *out,
                                 struct qn__packed *packed_out, struct qn_error *err)
{
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (deflateInit2(&stream, QN_GZIP_LEVEL, Z_DEFLATED, QN_RAW_WINDOW_BITS, QN_MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return qn_fail_nomem(err, "gzip");
    enum qn_status status = QN_OK;
    packed_out->crc = (uint32_t)crc32(0, NULL, 0);
    packed_out->size = text->size;
    size_t at = 0;
    do { /* zlib counts in unsigned int */
        size_t piece = text->size - at < UINT_MAX / 4 ? text->size - at : UINT_MAX / 4;
        const Bytef *bytes = (const Bytef *)text->bytes + at;
        uLong bound = deflateBound(&stream, (uLong)piece) + QN_FLUSH_SIZE;
        char *room = buffer_room(out, bound);
        if (!room) {
            status = qn_fail_nomem(err, "gzip");
            break;
        }
        stream.next_in = (Bytef *)(uintptr_t)bytes; /* zlib only reads it */
        stream.avail_in = (uInt)piece;
        stream.next_out = (Bytef *)room;
        stream.avail_out = (uInt)bound;
        int result = deflate(&stream, Z_SYNC_FLUSH);
        if (result != Z_OK || stream.avail_in > 0) {
            status = qn_fail(err, QN_IO, "gzip: compression failed (%d)", result);
            break;
        }
        out->size += bound - stream.avail_out;
        packed_out->crc = (uint32_t)crc32(packed_out->crc, bytes, (uInt)piece);
        at += piece;
    } while (at < text->size);
    (void)deflateEnd(&stream);
    return status;
}

static enum qn_status zstd_block(const struct qn_buffer *text, struct qn_buffer *out,
                                 struct qn__packed *packed_out, struct qn_error *err)
{
    enum qn_status status = QN_OK;
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t bound = ZSTD_compressBound(text->size);
    char *room = buffer_room(out, bound);
    if (!context || !room) {
        status = qn_fail_nomem(err, "zstd");
        goto done;
    }
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, QN_ZSTD_LEVEL);
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t size = ZSTD_compress2(context, room, bound, text->bytes, text->size);
    if (ZSTD_isError(size)) {
        status = qn_fail(err, QN_NOMEM, "zstd: %s", ZSTD_getErrorName(size));
        goto done;
    }
    out->size += size;
    packed_out->size = text->size;
done:
    ZSTD_freeCCtx(context);
    return status;
}

enum qn_status qn__pack_block(enum qn__packing packing, const struct qn_buffer *text,
                              struct qn_buffer *out, struct qn__packed *packed_out,
                              struct qn_error *err)
{
    struct qn__packed packed = {0};
    qn_buffer_clear(out);
    enum qn_status status = packing == QN_PACKING_GZIP ? gzip_block(text, out, &packed, err)
                                                       : zstd_block(text, out, &packed, err);
    if (status == QN_OK)
        *packed_out = packed;
    return status;
}

void qn__pack_begin(enum qn__packing packing, struct qn_buffer *out)
{
    /* Deflate; no flags, no time (the same table gives the same file), made on Unix. */
    static const unsigned char header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    if (packing == QN_PACKING_GZIP)
        qn_buffer_append(out, header, sizeof(header));
}

void qn__pack_join(struct qn__packed *whole, const struct qn__packed *block)
{
    whole->crc = (uint32_t)crc32_combine(whole->crc, block->crc, (z_off_t)block->size);
    whole->size += block->size;
}

void qn__pack_end(enum qn__packing packing, const struct qn__packed *whole, struct qn_buffer *out)
{
    static const unsigned char last_block[2] = {3, 0}; /* an empty block that says "the last" */
    if (packing != QN_PACKING_GZIP)
        return;
    qn_buffer_append(out, last_block, sizeof(last_block));
    qn_buffer_u32(out, whole->crc);
    qn_buffer_u32(out, (uint32_t)whole->size); /* modulo 2^32, as the format has it */
}
