#include "learn/model_file.h"

#include "base/alloc.h"
#include "base/file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* The layout is docs/model-file.md's: header, table, digest of both, sections. */
enum {
    QN_NAME_SIZE = 16,
    QN_HEADER_SIZE = 24,
    QN_ENTRY_SIZE = QN_NAME_SIZE + 3 * 8 + QN_SHA256_SIZE,
    QN_ALIGNMENT = 8,
    QN_FLAG_HASHED = 1
};

static const char magic[8] = "QNMODEL\n";

static size_t padded(size_t size)
{
    return (size + QN_ALIGNMENT - 1) / QN_ALIGNMENT * QN_ALIGNMENT;
}

static size_t front_size(size_t section_count)
{
    return QN_HEADER_SIZE + section_count * QN_ENTRY_SIZE + QN_SHA256_SIZE;
}

/* Lower-case letters, digits and underscores, ended and filled up by NULs. */
static bool name_is_sound(const char name[QN_NAME_SIZE])
{
    size_t length = 0;
    while (length < QN_NAME_SIZE && name[length] &&
           strchr("abcdefghijklmnopqrstuvwxyz0123456789_", name[length]))
        length++;
    for (size_t i = length; i < QN_NAME_SIZE; i++)
        if (name[i])
            return false;
    return length > 0 && length < QN_NAME_SIZE;
}

static bool names_differ(const struct qn_section *sections, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (memcmp(sections[i].name, sections[k].name, QN_NAME_SIZE) == 0)
                return false;
    return true;
}

static enum qn_status write_all(FILE *stream, const struct qn_buffer *front,
                                const struct qn_section *sections, size_t section_count,
                                const char *path, struct qn_error *err)
{
    static const char zeros[QN_ALIGNMENT];
    bool good = fwrite(front->bytes, 1, front->size, stream) == front->size;
    for (size_t i = 0; i < section_count && good; i++) {
        size_t size = sections[i].size, fill = padded(size) - size;
        good = (size == 0 || fwrite(sections[i].bytes, 1, size, stream) == size) &&
               fwrite(zeros, 1, fill, stream) == fill;
    }
    return good ? QN_OK : qn_fail(err, QN_IO, "%s: cannot be written; is the disk full?", path);
}

static void build_front(struct qn_buffer *front, const struct qn_section *sections,
                        size_t section_count, size_t file_size)
{
    unsigned char digest[QN_SHA256_SIZE];
    size_t at = front_size(section_count);
    qn_buffer_append(front, magic, sizeof(magic));
    qn_buffer_u32(front, QN_MODEL_FILE_VERSION);
    qn_buffer_u32(front, (uint32_t)section_count);
    qn_buffer_u64(front, file_size);
    for (size_t i = 0; i < section_count; i++) {
        qn_sha256(sections[i].bytes, sections[i].size, digest);
        qn_buffer_append(front, sections[i].name, QN_NAME_SIZE);
        qn_buffer_u64(front, at);
        qn_buffer_u64(front, sections[i].size);
        qn_buffer_u64(front, sections[i].hashed ? QN_FLAG_HASHED : 0);
        qn_buffer_append(front, digest, sizeof(digest));
        at += padded(sections[i].size);
    }
    if (front->failed)
        return;
    qn_sha256(front->bytes, front->size, digest);
    qn_buffer_append(front, digest, sizeof(digest));
}

enum qn_status qn_model_file_write(const char *path, const struct qn_section *sections,
                                   size_t section_count, struct qn_error *err)
{
    struct qn_buffer front;
    struct qn_publish publish;
    size_t size = front_size(section_count);
    assert(section_count <= QN_MODEL_FILE_SECTIONS && names_differ(sections, section_count));
    for (size_t i = 0; i < section_count; i++) {
        assert(name_is_sound(sections[i].name));
        if (sections[i].size > QN_MODEL_FILE_MAXIMUM - size - QN_ALIGNMENT)
            return qn_fail(err, QN_INVALID, "%s: the model is larger than %zu GiB", path,
                           QN_MODEL_FILE_MAXIMUM >> 30);
        size += padded(sections[i].size);
    }
    qn_buffer_init(&front, front_size(QN_MODEL_FILE_SECTIONS));
    build_front(&front, sections, section_count, size);
    enum qn_status status = qn_buffer_check(&front, "model file", err);
    if (status == QN_OK)
        status = qn_publish_begin(path, &publish, err);
    if (status != QN_OK)
        goto done;
    status = write_all(publish.stream, &front, sections, section_count, path, err);
    if (status == QN_OK)
        status = qn_publish_commit(&publish, err);
    else
        qn_publish_abort(&publish);
done:
    qn_buffer_release(&front);
    return status;
}

enum qn_status qn_model_file_read(const char *path, struct qn_model_file *out, struct qn_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    enum qn_status status = qn_file_read(path, QN_MODEL_FILE_MAXIMUM, &bytes, &size, err);
    if (status != QN_OK)
        return status;
    status = qn_model_file_parse(bytes, size, path, out, err);
    if (status != QN_OK)
        qn_free(bytes);
    return status;
}

/* Magic, version, size and the digest over header and table. */
static enum qn_status parse_front(struct qn_reader *reader, const char *name, size_t *count_out,
                                  struct qn_error *err)
{
    const unsigned char *bytes = reader->bytes;
    unsigned char digest[QN_SHA256_SIZE];
    const char *start = qn_reader_bytes(reader, sizeof(magic));
    if (!start || memcmp(start, magic, sizeof(magic)) != 0)
        return qn_fail(err, QN_CORRUPT, "%s: not a Quern model file", name);
    uint32_t version = qn_reader_u32(reader), count = qn_reader_u32(reader);
    uint64_t file_size = qn_reader_u64(reader);
    if (!reader->failed && version > QN_MODEL_FILE_VERSION)
        return qn_fail(err, QN_UNSUPPORTED,
                       "%s: format version %u is newer than this program's %d; update Quern", name,
                       version, QN_MODEL_FILE_VERSION);
    if (reader->failed || reader->size < file_size)
        return qn_fail(err, QN_CORRUPT, "%s: truncated; copy it again", name);
    if (version == 0 || count > QN_MODEL_FILE_SECTIONS || reader->size > file_size ||
        front_size(count) > file_size)
        return qn_fail(err, QN_CORRUPT, "%s: damaged header", name);
    size_t table_end = front_size(count) - QN_SHA256_SIZE;
    qn_sha256(bytes, table_end, digest);
    if (memcmp(digest, bytes + table_end, QN_SHA256_SIZE) != 0)
        return qn_fail(err, QN_CORRUPT, "%s: damaged (the table's checksum does not fit)", name);
    *count_out = count;
    return QN_OK;
}

/* One entry: its bytes must begin where those of the last ended, at *at. */
static enum qn_status parse_section(struct qn_reader *reader, const char *name, size_t *at,
                                    struct qn_section *out, struct qn_error *err)
{
    unsigned char digest[QN_SHA256_SIZE];
    const char *section = qn_reader_bytes(reader, QN_NAME_SIZE);
    uint64_t offset = qn_reader_u64(reader), size = qn_reader_u64(reader);
    uint64_t flags = qn_reader_u64(reader);
    const void *expected = qn_reader_bytes(reader, QN_SHA256_SIZE);
    if (!section || !expected || !name_is_sound(section) || offset != *at ||
        size > reader->size - *at || padded((size_t)size) > reader->size - *at ||
        flags > QN_FLAG_HASHED)
        return qn_fail(err, QN_CORRUPT, "%s: damaged table", name);
    memcpy(out->name, section, QN_NAME_SIZE);
    out->bytes = reader->bytes + *at;
    out->size = (size_t)size;
    out->hashed = flags & QN_FLAG_HASHED;
    *at += padded(out->size);
    for (const unsigned char *fill = reader->bytes + offset + size; fill < reader->bytes + *at;
         fill++)
        if (*fill)
            return qn_fail(err, QN_CORRUPT, "%s: damaged after section '%s'", name, out->name);
    qn_sha256(out->bytes, out->size, digest);
    if (memcmp(digest, expected, QN_SHA256_SIZE) != 0)
        return qn_fail(err, QN_CORRUPT, "%s: section '%s' is damaged (its checksum does not fit)",
                       name, out->name);
    return QN_OK;
}

/* What the content hash is taken over: name, size and digest of each hashed section. */
struct content {
    unsigned char bytes[QN_MODEL_FILE_SECTIONS * (QN_NAME_SIZE + 8 + QN_SHA256_SIZE)];
    size_t size;
};

static void content_add(struct content *content, const struct qn_section *section,
                        const void *digest)
{
    unsigned char *to = content->bytes + content->size;
    if (!section->hashed)
        return;
    memcpy(to, section->name, QN_NAME_SIZE);
    for (size_t i = 0; i < 8; i++)
        to[QN_NAME_SIZE + i] = (unsigned char)((uint64_t)section->size >> (8 * i));
    memcpy(to + QN_NAME_SIZE + 8, digest, QN_SHA256_SIZE);
    content->size += QN_NAME_SIZE + 8 + QN_SHA256_SIZE;
}

void qn_model_file_hash(const struct qn_section *sections, size_t section_count,
                        char hex[QN_SHA256_HEX_SIZE])
{
    struct content content = {.size = 0};
    assert(section_count <= QN_MODEL_FILE_SECTIONS);
    for (size_t i = 0; i < section_count; i++) {
        unsigned char digest[QN_SHA256_SIZE];
        qn_sha256(sections[i].bytes, sections[i].size, digest);
        content_add(&content, &sections[i], digest);
    }
    qn_sha256_hex(content.bytes, content.size, hex);
}

/* The same, from the digests in the table, which have been checked. */
static void hash_content(struct qn_model_file *file)
{
    struct content content = {.size = 0};
    for (size_t i = 0; i < file->section_count; i++)
        content_add(&content, &file->sections[i],
                    file->bytes + QN_HEADER_SIZE + (i + 1) * QN_ENTRY_SIZE - QN_SHA256_SIZE);
    qn_sha256_hex(content.bytes, content.size, file->content_hash);
}

enum qn_status qn_model_file_parse(char *bytes, size_t size, const char *name,
                                   struct qn_model_file *out, struct qn_error *err)
{
    struct qn_model_file file = {.bytes = bytes, .size = size};
    struct qn_reader reader;
    qn_reader_init(&reader, bytes, size);
    enum qn_status status = parse_front(&reader, name, &file.section_count, err);
    size_t at = status == QN_OK ? front_size(file.section_count) : 0;
    for (size_t i = 0; i < file.section_count && status == QN_OK; i++)
        status = parse_section(&reader, name, &at, &file.sections[i], err);
    if (status != QN_OK)
        return status;
    if (at != size || !names_differ(file.sections, file.section_count))
        return qn_fail(err, QN_CORRUPT, "%s: damaged table", name);
    hash_content(&file);
    *out = file;
    return QN_OK;
}

const struct qn_section *qn_model_file_find(const struct qn_model_file *file, const char *name)
{
    for (size_t i = 0; i < file->section_count; i++)
        if (strcmp(file->sections[i].name, name) == 0)
            return &file->sections[i];
    return NULL;
}

void qn_model_file_release(struct qn_model_file *file)
{
    qn_free(file->bytes);
    memset(file, 0, sizeof(*file));
}
