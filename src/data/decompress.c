/* Streams and compressed files into an unlinked temporary file, which can be read at any offset. */
#include "data/data_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/progress.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { QN_SPOOL_BYTES = 1 << 18 };

bool qn__is_gzip(const char *bytes, size_t size)
{
    return size >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0;
}

bool qn__is_zstd(const char *bytes, size_t size)
{
    /* A frame, or a skippable one, with which pzstd begins its files. */
    return size >= 4 && (memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0 ||
                         (((unsigned char)bytes[0] & 0xf0) == 0x50 &&
                          memcmp(bytes + 1, "\x2a\x4d\x18", 3) == 0));
}

struct spool {
    int from, to;
    const char *name;
    const struct qn_progress *progress;
    char *in, *out; /* own; QN_SPOOL_BYTES each */
    size_t in_size; /* bytes in `in` */
    size_t in_total, out_total;
};

/* Fills spool->in anew, to the brim or to the end, also from a pipe that gives single bytes: the
 * first ones tell what it is. in_size 0 at the end. */
static enum qn_status spool_read(struct spool *spool, struct qn_error *err)
{
    spool->in_size = 0;
    while (spool->in_size < QN_SPOOL_BYTES) {
        ssize_t got =
            read(spool->from, spool->in + spool->in_size, QN_SPOOL_BYTES - spool->in_size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return qn_fail(err, QN_IO, "%s could not be read: %s", spool->name, strerror(errno));
        if (got == 0)
            break;
        spool->in_size += (size_t)got;
    }
    spool->in_total += spool->in_size;
    return qn_progress_report(spool->progress, "unpack", spool->in_total, 0, "bytes", err);
}

static enum qn_status spool_write(struct spool *spool, const char *bytes, size_t size,
                                  struct qn_error *err)
{
    spool->out_total += size;
    while (size > 0) {
        ssize_t put = write(spool->to, bytes, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return qn_fail(err, QN_IO,
                           "%s could not be unpacked to the temporary folder: %s; name another in "
                           "TMPDIR",
                           spool->name, strerror(errno));
        bytes += put;
        size -= (size_t)put;
    }
    return QN_OK;
}

static enum qn_status spool_plain(struct spool *spool, struct qn_error *err)
{
    enum qn_status status = QN_OK;
    while (status == QN_OK && spool->in_size > 0) {
        status = spool_write(spool, spool->in, spool->in_size, err);
        if (status == QN_OK)
            status = spool_read(spool, err);
    }
    return status;
}

static enum qn_status fail_packed(const struct spool *spool, const char *format, const char *why,
                                  struct qn_error *err)
{
    return qn_fail(err, QN_CORRUPT, "%s: its %s compression is damaged near byte %zu: %s",
                   spool->name, format, spool->in_total, why);
}

static void *zlib_allocate(void *unused, unsigned count, unsigned size)
{
    (void)unused;
    return qn_calloc(count, size);
}

static void zlib_free(void *unused, void *block)
{
    (void)unused;
    qn_free(block);
}

/* One call of inflate() and the writing of what came out; *done at the end of the last member. */
static enum qn_status inflate_some(struct spool *spool, z_stream *stream, bool *between,
                                   struct qn_error *err)
{
    stream->next_out = (unsigned char *)spool->out;
    stream->avail_out = QN_SPOOL_BYTES;
    int result = inflate(stream, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR)
        return qn_fail_nomem(err, spool->name);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return fail_packed(spool, "gzip", stream->msg ? stream->msg : "not gzip", err);
    *between = result == Z_STREAM_END;
    if (*between && inflateReset(stream) != Z_OK) /* Another member may follow. */
        return fail_packed(spool, "gzip", "it cannot go on", err);
    return spool_write(spool, spool->out, QN_SPOOL_BYTES - stream->avail_out, err);
}

static enum qn_status spool_gzip(struct spool *spool, struct qn_error *err)
{
    z_stream stream = {.zalloc = zlib_allocate, .zfree = zlib_free};
    bool between = false; /* behind a whole member */
    if (inflateInit2(&stream, 15 + 16) != Z_OK)
        return qn_fail_nomem(err, spool->name);
    enum qn_status status = QN_OK;
    while (status == QN_OK && spool->in_size > 0) {
        stream.next_in = (unsigned char *)spool->in;
        stream.avail_in = (unsigned)spool->in_size;
        do {
            for (; between && stream.avail_in > 0 && *stream.next_in == 0; stream.avail_in--)
                stream.next_in++; /* Zeros behind a member are padding, as gzip sees it. */
            if (between && stream.avail_in == 0)
                break;
            status = inflate_some(spool, &stream, &between, err);
        } while (status == QN_OK && (stream.avail_in > 0 || (stream.avail_out == 0 && !between)));
        if (status == QN_OK)
            status = spool_read(spool, err);
    }
    if (status == QN_OK && !between)
        status = fail_packed(spool, "gzip", "it ends too early", err);
    inflateEnd(&stream);
    return status;
}

static enum qn_status spool_zstd(struct spool *spool, struct qn_error *err)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (!context)
        return qn_fail_nomem(err, spool->name);
    enum qn_status status = QN_OK;
    size_t hint = 1;
    while (status == QN_OK && spool->in_size > 0) {
        ZSTD_inBuffer in = {spool->in, spool->in_size, 0};
        ZSTD_outBuffer out;
        do {
            out = (ZSTD_outBuffer){spool->out, QN_SPOOL_BYTES, 0};
            hint = ZSTD_decompressStream(context, &out, &in);
            if (ZSTD_isError(hint))
                status = fail_packed(spool, "zstd", ZSTD_getErrorName(hint), err);
            else
                status = spool_write(spool, spool->out, out.pos, err);
        } while (status == QN_OK && (in.pos < in.size || (out.pos == out.size && hint != 0)));
        if (status == QN_OK)
            status = spool_read(spool, err);
    }
    if (status == QN_OK && hint != 0)
        status = fail_packed(spool, "zstd", "it ends too early", err);
    ZSTD_freeDCtx(context);
    return status;
}

enum qn_status qn__spool(int fd, const char *name, const struct qn_read_options *options,
                         int *fd_out, size_t *size_out, struct qn_error *err)
{
    struct spool spool = {.from = fd, .to = -1, .name = name, .progress = options->progress};
    spool.in = qn_alloc(QN_SPOOL_BYTES, 1);
    spool.out = qn_alloc(QN_SPOOL_BYTES, 1);
    enum qn_status status = QN_OK;
    if (!spool.in || !spool.out)
        status = qn_fail_nomem(err, name);
    if (status == QN_OK)
        status = qn_file_temporary(options->temporary_folder, &spool.to, err);
    if (status == QN_OK)
        status = spool_read(&spool, err);
    if (status != QN_OK)
        goto done;
    if (qn__is_gzip(spool.in, spool.in_size))
        status = spool_gzip(&spool, err);
    else if (qn__is_zstd(spool.in, spool.in_size))
        status = spool_zstd(&spool, err);
    else
        status = spool_plain(&spool, err);
    if (status == QN_OK && lseek(spool.to, 0, SEEK_SET) != 0) /* The copy may be spooled again. */
        status = qn_fail(err, QN_IO, "%s could not be examined: %s", name, strerror(errno));
    if (status != QN_OK)
        goto done;
    *fd_out = spool.to;
    *size_out = spool.out_total;
    spool.to = -1;
done:
    if (spool.to >= 0)
        close(spool.to);
    qn_free(spool.in);
    qn_free(spool.out);
    return status;
}
