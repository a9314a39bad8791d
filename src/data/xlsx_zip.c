/* The archive of a workbook (PKWARE's APPNOTE 6.3.10, with ZIP64): only what is asked for is
 * unpacked, in pieces, to memory. Everything that archives can be made to lie about is checked
 * once, when the directory is read. */
#define ZLIB_CONST /* zlib then promises not to write to what it reads */

#include "data/xlsx_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <stdlib.h>
#include <zlib.h>

enum {
    QN_ZIP_LOCAL_BYTES = 30,
    QN_ZIP_CENTRAL_BYTES = 46,
    QN_ZIP_END_BYTES = 22,
    QN_ZIP_LOCATOR_BYTES = 20,
    QN_ZIP_END64_BYTES = 56,
    QN_ZIP_COMMENT_MOST = 65535,
    QN_ZIP_STORED = 0,
    QN_ZIP_DEFLATED = 8,
    QN_ZIP_ENCRYPTED = 1, /* flags */
    QN_ZIP64_TAG = 1,
    QN_ZIP_INPUT_BYTES = 1 << 20, /* handed to zlib at a time */
};

static uint64_t little(const char *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i > 0; i--)
        value = value << 8 | (unsigned char)at[i - 1];
    return value;
}

static enum qn_status fail_zip(const struct qn__zip *zip, struct qn_error *err, const char *what)
{
    return qn_fail(err, QN_CORRUPT,
                   "%s: the workbook's zip archive is damaged (%s); open and save it again in a "
                   "spreadsheet program, or get a new copy",
                   zip->source_name, what);
}

/* The end record: the last one whose comment ends with the file. */
static const char *find_end(const struct qn_map *map)
{
    if (map->size < QN_ZIP_END_BYTES)
        return NULL;
    size_t most = map->size - QN_ZIP_END_BYTES;
    for (size_t back = 0; back <= most && back <= QN_ZIP_COMMENT_MOST; back++) {
        const char *at = map->bytes + most - back;
        if (memcmp(at, "PK\5\6", 4) == 0 && little(at + 20, 2) == back)
            return at;
    }
    return NULL;
}

struct directory {
    uint64_t at, size, count;
    uint64_t limit_at; /* it must end before this */
};

/* The ZIP64 record that stands in for fields of the end record that are too small. */
static enum qn_status find_end64(const struct qn__zip *zip, const char *end, struct directory *out,
                                 struct qn_error *err)
{
    size_t end_at = (size_t)(end - zip->map.bytes);
    if (end_at < QN_ZIP_LOCATOR_BYTES || memcmp(end - QN_ZIP_LOCATOR_BYTES, "PK\6\7", 4) != 0)
        return fail_zip(zip, err, "its ZIP64 locator is missing");
    uint64_t at = little(end - QN_ZIP_LOCATOR_BYTES + 8, 8);
    if (at > end_at - QN_ZIP_LOCATOR_BYTES ||
        end_at - QN_ZIP_LOCATOR_BYTES - at < QN_ZIP_END64_BYTES ||
        memcmp(zip->map.bytes + at, "PK\6\6", 4) != 0)
        return fail_zip(zip, err, "its ZIP64 record is missing");
    const char *record = zip->map.bytes + at;
    *out = (struct directory){.at = little(record + 48, 8),
                              .size = little(record + 40, 8),
                              .count = little(record + 32, 8),
                              .limit_at = at};
    if (little(record + 16, 4) != 0 || little(record + 20, 4) != 0)
        return fail_zip(zip, err, "it is one of several volumes");
    return QN_OK;
}

static enum qn_status find_directory(const struct qn__zip *zip, struct directory *out,
                                     struct qn_error *err)
{
    const char *end = find_end(&zip->map);
    if (!end)
        return fail_zip(zip, err, "its end is missing, the file may be cut short");
    *out = (struct directory){.at = little(end + 16, 4),
                              .size = little(end + 12, 4),
                              .count = little(end + 10, 2),
                              .limit_at = (uint64_t)(end - zip->map.bytes)};
    bool large = out->at == UINT32_MAX || out->size == UINT32_MAX || out->count == UINT16_MAX;
    if (!large && (little(end + 4, 2) != 0 || little(end + 6, 2) != 0))
        return fail_zip(zip, err, "it is one of several volumes");
    enum qn_status status = large ? find_end64(zip, end, out, err) : QN_OK;
    if (status != QN_OK)
        return status;
    if (out->at > out->limit_at || out->size > out->limit_at - out->at)
        return fail_zip(zip, err, "its directory lies outside the file");
    if (out->count > QN_XLSX_ENTRY_LIMIT)
        return qn_fail(err, QN_INVALID,
                       "%s: the archive has %llu entries; a workbook may have at most %d",
                       zip->source_name, (unsigned long long)out->count, QN_XLSX_ENTRY_LIMIT);
    if (out->size / QN_ZIP_CENTRAL_BYTES < out->count)
        return fail_zip(zip, err, "its directory is too small");
    return QN_OK;
}

/* Fields that read 0xffffffff have their values in an extra field, in this order. */
static bool read_zip64(struct qn__zip_entry *entry, const char *extra, size_t size)
{
    uint64_t *const fields[] = {&entry->size, &entry->packed_size, &entry->header_at};
    bool needed = false;
    for (size_t i = 0; i < 3; i++)
        needed |= *fields[i] == UINT32_MAX;
    while (needed && size >= 4) {
        size_t part = (size_t)little(extra + 2, 2);
        if (part > size - 4)
            return false;
        if (little(extra, 2) != QN_ZIP64_TAG) {
            extra += 4 + part;
            size -= 4 + part;
            continue;
        }
        for (size_t i = 0, at = 0; i < 3; i++) {
            if (*fields[i] != UINT32_MAX)
                continue;
            if (part - at < 8)
                return false;
            *fields[i] = little(extra + 4 + at, 8);
            at += 8;
        }
        return true;
    }
    return !needed;
}

/* One entry of the directory at *at; moves *at behind it. */
static enum qn_status read_entry(const struct qn__zip *zip, const char **at, const char *end,
                                 struct qn__zip_entry *out, struct qn_error *err)
{
    const char *record = *at;
    if (end - record < QN_ZIP_CENTRAL_BYTES || memcmp(record, "PK\1\2", 4) != 0)
        return fail_zip(zip, err, "an entry of its directory is missing");
    size_t name_size = (size_t)little(record + 28, 2), extra_size = (size_t)little(record + 30, 2);
    size_t comment_size = (size_t)little(record + 32, 2);
    size_t size = QN_ZIP_CENTRAL_BYTES + name_size + extra_size + comment_size;
    if (size > (size_t)(end - record) || name_size == 0)
        return fail_zip(zip, err, "an entry of its directory is cut short");
    *out = (struct qn__zip_entry){.name = record + QN_ZIP_CENTRAL_BYTES,
                                  .name_size = name_size,
                                  .flags = (unsigned)little(record + 8, 2),
                                  .method = (unsigned)little(record + 10, 2),
                                  .crc = (uint32_t)little(record + 16, 4),
                                  .packed_size = little(record + 20, 4),
                                  .size = little(record + 24, 4),
                                  .header_at = little(record + 42, 4)};
    if (memchr(out->name, '\0', name_size))
        return fail_zip(zip, err, "a name has a NUL byte");
    if (!read_zip64(out, out->name + name_size, extra_size))
        return fail_zip(zip, err, "a ZIP64 field is missing");
    *at = record + size;
    return QN_OK;
}

/* Where the bytes of the entry are, by its local header, which must tell the same name. */
static enum qn_status locate_entry(const struct qn__zip *zip, uint64_t limit_at,
                                   struct qn__zip_entry *entry, struct qn_error *err)
{
    if (entry->header_at > limit_at || limit_at - entry->header_at < QN_ZIP_LOCAL_BYTES)
        return fail_zip(zip, err, "an entry lies outside the file");
    const char *header = zip->map.bytes + entry->header_at;
    uint64_t left = limit_at - entry->header_at - QN_ZIP_LOCAL_BYTES;
    size_t name_size = (size_t)little(header + 26, 2), extra_size = (size_t)little(header + 28, 2);
    if (memcmp(header, "PK\3\4", 4) != 0 || name_size != entry->name_size ||
        left < name_size + extra_size ||
        memcmp(header + QN_ZIP_LOCAL_BYTES, entry->name, name_size) != 0)
        return fail_zip(zip, err, "an entry and the directory do not agree");
    if (left - name_size - extra_size < entry->packed_size)
        return fail_zip(zip, err, "an entry lies outside the file");
    entry->data_at = entry->header_at + QN_ZIP_LOCAL_BYTES + name_size + extra_size;
    entry->end_at = entry->data_at + entry->packed_size;
    return QN_OK;
}

static int by_place(const void *left, const void *right)
{
    const struct qn__zip_entry *a = left, *b = right;
    return (a->header_at > b->header_at) - (a->header_at < b->header_at);
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static enum qn_status check_names(const struct qn__zip *zip, struct qn_error *err)
{
    struct qn_lookup *names = NULL;
    struct qn_buffer name;
    qn_buffer_init(&name, SIZE_MAX / 2);
    enum qn_status status = qn_lookup_create(&names, err);
    for (size_t i = 0; status == QN_OK && i < zip->entry_count; i++) {
        const struct qn__zip_entry *entry = &zip->entries[i];
        int32_t code;
        qn_buffer_clear(&name);
        for (size_t k = 0; k < entry->name_size; k++)
            qn_buffer_char(&name, (char)lower(entry->name[k]));
        status = qn_buffer_check(&name, zip->source_name, err);
        if (status == QN_OK)
            status = qn_lookup_add(names, name.bytes, name.size, &code, err);
        if (status == QN_OK && (size_t)code != i)
            status = fail_zip(zip, err, "two entries have the same name");
    }
    qn_lookup_free(names);
    qn_buffer_release(&name);
    return status;
}

static enum qn_status read_directory(struct qn__zip *zip, struct qn_error *err)
{
    struct directory directory;
    enum qn_status status = find_directory(zip, &directory, err);
    if (status != QN_OK)
        return status;
    zip->entries = QN_ALLOC(struct qn__zip_entry, (size_t)directory.count);
    if (!zip->entries)
        return qn_fail_nomem(err, zip->source_name);
    const char *at = zip->map.bytes + directory.at, *end = at + directory.size;
    for (size_t i = 0; status == QN_OK && i < directory.count; i++) {
        status = read_entry(zip, &at, end, &zip->entries[i], err);
        if (status == QN_OK)
            status = locate_entry(zip, directory.at, &zip->entries[i], err);
    }
    if (status != QN_OK)
        return status;
    zip->entry_count = (size_t)directory.count;
    if (zip->entry_count > 0)
        qsort(zip->entries, zip->entry_count, sizeof(*zip->entries), by_place);
    for (size_t i = 1; i < zip->entry_count; i++) {
        if (zip->entries[i].header_at < zip->entries[i - 1].end_at)
            return fail_zip(zip, err, "two entries overlap");
    }
    return check_names(zip, err);
}

enum qn_status qn__zip_open(const struct qn__source *source, struct qn__zip *out,
                            struct qn_error *err)
{
    struct qn__zip zip = {.source_name = source->name};
    enum qn_status status = source->fd >= 0 ? qn_map_fd(source->fd, source->name, &zip.map, err)
                                            : qn_map_open(source->path, &zip.map, err);
    if (status != QN_OK)
        return status;
    status = read_directory(&zip, err);
    if (status == QN_OK)
        *out = zip;
    else
        qn__zip_close(&zip);
    return status;
}

void qn__zip_close(struct qn__zip *zip)
{
    qn_free(zip->entries);
    qn_map_close(&zip->map);
    *zip = (struct qn__zip){0};
}

const struct qn__zip_entry *qn__zip_find(const struct qn__zip *zip, const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < zip->entry_count; i++) {
        const struct qn__zip_entry *entry = &zip->entries[i];
        size_t same = 0;
        while (entry->name_size == size && same < size &&
               lower(entry->name[same]) == lower(name[same]))
            same++;
        if (same == size && entry->name_size == size)
            return entry;
    }
    return NULL;
}

/* ---- Streams ---- */

struct qn__zip_stream {
    const struct qn__zip *zip; /* borrows */
    const struct qn__zip_entry *entry;
    const char *in;
    uint64_t in_left, out_left;
    uLong crc;
    bool inflating; /* `z` is initialised */
    bool ended;     /* deflate has told its end */
    z_stream z;
};

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

static enum qn_status fail_part(const struct qn__zip *zip, const struct qn__zip_entry *entry,
                                enum qn_status status, const char *what, struct qn_error *err)
{
    char shown[QN_SHOWN_SIZE];
    qn__show(entry->name, entry->name_size, shown);
    return qn_fail(err, status, "%s: part '%s' of the workbook %s", zip->source_name, shown, what);
}

enum qn_status qn__zip_stream_open(const struct qn__zip *zip, const struct qn__zip_entry *entry,
                                   size_t limit, struct qn__zip_stream **out, struct qn_error *err)
{
    if (entry->flags & QN_ZIP_ENCRYPTED)
        return fail_part(zip, entry, QN_UNSUPPORTED,
                         "is protected by a password; save it without one", err);
    if (entry->method != QN_ZIP_STORED && entry->method != QN_ZIP_DEFLATED)
        return fail_part(zip, entry, QN_UNSUPPORTED,
                         "is packed in an unusual way; open and save it in a spreadsheet program",
                         err);
    if (entry->method == QN_ZIP_STORED && entry->packed_size != entry->size)
        return fail_part(zip, entry, QN_CORRUPT, "has two different sizes", err);
    if (entry->size > limit) {
        char text[QN_NUMBER_TEXT_SIZE], what[128];
        qn_format_bytes(limit, text);
        snprintf(what, sizeof(what),
                 "unpacks to more than %s, the limit under this memory limit; raise it", text);
        return fail_part(zip, entry, QN_NOMEM, what, err);
    }
    struct qn__zip_stream *stream = QN_CALLOC(struct qn__zip_stream, 1);
    if (!stream)
        return qn_fail_nomem(err, zip->source_name);
    stream->zip = zip;
    stream->entry = entry;
    stream->in = zip->map.bytes + entry->data_at;
    stream->in_left = entry->packed_size;
    stream->out_left = entry->size;
    stream->crc = crc32(0, NULL, 0);
    stream->z.zalloc = zlib_allocate;
    stream->z.zfree = zlib_free;
    if (entry->method == QN_ZIP_DEFLATED) {
        if (inflateInit2(&stream->z, -MAX_WBITS) != Z_OK) {
            qn_free(stream);
            return qn_fail_nomem(err, zip->source_name);
        }
        stream->inflating = true;
    }
    *out = stream;
    return QN_OK;
}

void qn__zip_stream_free(struct qn__zip_stream *stream)
{
    if (!stream)
        return;
    if (stream->inflating)
        inflateEnd(&stream->z);
    qn_free(stream);
}

/* Unpacks up to size bytes; the entry's declared size is never passed. */
static enum qn_status inflate_some(struct qn__zip_stream *stream, char *bytes, size_t size,
                                   size_t *got, struct qn_error *err)
{
    z_stream *z = &stream->z;
    z->next_out = (unsigned char *)bytes;
    z->avail_out = (unsigned)size;
    int result = Z_OK;
    while (z->avail_out > 0 && result == Z_OK) {
        uint64_t most = stream->in_left < QN_ZIP_INPUT_BYTES ? stream->in_left : QN_ZIP_INPUT_BYTES;
        z->next_in = (const unsigned char *)stream->in;
        z->avail_in = (unsigned)most;
        result = inflate(z, Z_NO_FLUSH);
        uint64_t used = most - z->avail_in;
        stream->in += used;
        stream->in_left -= used;
    }
    *got = size - z->avail_out;
    stream->ended = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR)
        return qn_fail_nomem(err, stream->zip->source_name);
    if (result != Z_OK && result != Z_STREAM_END)
        return fail_part(stream->zip, stream->entry, QN_CORRUPT,
                         "is damaged: it does not unpack; get a new copy of the file", err);
    return QN_OK;
}

/* All bytes are out: the stream must end here too, with the right checksum. */
static enum qn_status finish(struct qn__zip_stream *stream, struct qn_error *err)
{
    char one;
    size_t got = 0;
    enum qn_status status = QN_OK;
    if (stream->inflating && !stream->ended)
        status = inflate_some(stream, &one, 1, &got, err);
    if (status == QN_OK && (got > 0 || stream->in_left > 0))
        status = fail_part(stream->zip, stream->entry, QN_CORRUPT,
                           "is larger than the archive says; the file is damaged", err);
    if (status == QN_OK && stream->crc != stream->entry->crc)
        status = fail_part(stream->zip, stream->entry, QN_CORRUPT,
                           "is damaged: its checksum is wrong; get a new copy of the file", err);
    return status;
}

enum qn_status qn__zip_stream_read(struct qn__zip_stream *stream, char *bytes, size_t size,
                                   size_t *got, struct qn_error *err)
{
    enum qn_status status = QN_OK;
    if (size > stream->out_left)
        size = (size_t)stream->out_left;
    if (size > QN_ZIP_INPUT_BYTES)
        size = QN_ZIP_INPUT_BYTES;
    *got = size;
    if (size == 0)
        return finish(stream, err);
    if (stream->inflating) {
        status = inflate_some(stream, bytes, size, got, err);
        if (status == QN_OK && *got < size)
            status = fail_part(stream->zip, stream->entry, QN_CORRUPT,
                               "is smaller than the archive says; the file is damaged", err);
    } else {
        memcpy(bytes, stream->in, size);
        stream->in += size;
        stream->in_left -= size;
    }
    if (status != QN_OK)
        return status;
    stream->out_left -= *got;
    stream->crc = crc32(stream->crc, (const unsigned char *)bytes, (unsigned)*got);
    return QN_OK;
}
