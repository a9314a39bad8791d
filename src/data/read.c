/* Opens what is to be read, sees what it is, and calls the reader of that format. */
#include "data/read.h"

#include "data/infer_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    QN_MAGIC_BYTES = 4096, /* looked at to tell formats apart */
    QN_THREADS_MOST = 1024,
};

const char *const qn_missing_default[] = {
    "",     "NA",   "N/A",  "n/a", "na",   "NaN",    "nan",  "NAN",    "-nan", "null",
    "NULL", "Null", "None", "nil", "<NA>", "<null>", "#N/A", "#NULL!", "?",    "-",
};
const size_t qn_missing_default_count = sizeof(qn_missing_default) / sizeof(qn_missing_default[0]);

void qn_read_options_default(struct qn_read_options *options)
{
    *options = (struct qn_read_options){
        .format = QN_FORMAT_AUTO,
        .thread_count = 2,
        .memory_limit_bytes = (size_t)4 << 30,
        .field_limit_bytes = (size_t)16 << 20,
        .column_limit = 100000,
        .name_limit_bytes = 1024,
        .category_limit = 1000,
    };
}

enum qn_status qn_read_options_check(const struct qn_read_options *options, struct qn_error *err)
{
    const size_t field_most = ((size_t)1 << 30) - 1;
    char c = options->delimiter;
    if ((unsigned)options->format > QN_FORMAT_XLSX)
        return qn_fail(err, QN_INVALID, "there is no file format %d", (int)options->format);
    if (c == '"' || c == '\n' || c == '\r' || (unsigned char)c >= 0x80)
        return qn_fail(err, QN_INVALID,
                       "the delimiter must be one ASCII character, not a quote or a line end");
    if (options->thread_count > QN_THREADS_MOST)
        return qn_fail(err, QN_INVALID, "the number of threads must be at most %d, not %u",
                       QN_THREADS_MOST, options->thread_count);
    if (options->field_limit_bytes < 1 || options->field_limit_bytes > field_most)
        return qn_fail(err, QN_INVALID, "the limit of a field must be 1 to %zu bytes, not %zu",
                       field_most, options->field_limit_bytes);
    if (options->column_limit < 1 || options->name_limit_bytes < 1)
        return qn_fail(err, QN_INVALID, "the limits of columns and names must be at least 1");
    for (size_t i = 0; i < options->override_count; i++) {
        const struct qn_type_override *override = &options->overrides[i];
        const char *fault = override->format ? qn__date_format_fault(override->format) : NULL;
        if (fault)
            return qn_fail(err, QN_INVALID, "the date format '%s' of column '%s' is wrong: %s",
                           override->format, override->name, fault);
    }
    return QN_OK;
}

/* One "name=type" or "name=date:format" of the list into *out; cuts text up. */
static enum qn_status override_parse(char *text, struct qn_type_override *out, struct qn_error *err)
{
    char *equals = strrchr(text, '=');
    if (!equals || equals == text)
        return qn_fail(err, QN_INVALID, "'%s' does not say a column and its type, such as zip=text",
                       text);
    *equals = '\0';
    char *type = equals + 1, *format = strchr(type, ':');
    if (format)
        *format++ = '\0';
    enum qn_type parsed;
    if (!qn_type_parse(type, &parsed))
        return qn_fail(err, QN_INVALID,
                       "there is no type '%s' (column '%s'); there are boolean, integer, number, "
                       "category, text, date and datetime",
                       type, text);
    if (format && parsed != QN_TYPE_DATE && parsed != QN_TYPE_DATETIME)
        return qn_fail(err, QN_INVALID,
                       "only date and datetime take a format, not %s (column '%s')", type, text);
    const char *fault = format ? qn__date_format_fault(format) : NULL;
    if (fault)
        return qn_fail(err, QN_INVALID, "the date format '%s' of column '%s' is wrong: %s", format,
                       text, fault);
    struct qn_type_override parts = {
        .name = qn_strdup(text), .type = parsed, .format = format ? qn_strdup(format) : NULL};
    if (!parts.name || (format && !parts.format)) {
        qn_free(parts.name);
        qn_free(parts.format);
        return qn_fail_nomem(err, "column types");
    }
    *out = parts;
    return QN_OK;
}

/* Takes the text up to the next bare comma out of *rest, backslashes resolved, into item. */
static void next_item(const char **rest, char *item)
{
    const char *at = *rest;
    for (; *at && *at != ','; at++) {
        if (*at == '\\' && (at[1] == ',' || at[1] == '\\'))
            at++;
        *item++ = *at;
    }
    *item = '\0';
    *rest = *at ? at + 1 : NULL;
}

enum qn_status qn_type_overrides_parse(const char *text, struct qn_type_override **out,
                                       size_t *count_out, struct qn_error *err)
{
    struct qn_type_override *overrides = NULL;
    size_t count = 0, capacity = 0;
    enum qn_status status = QN_OK;
    char *item = qn_alloc(strlen(text) + 1, 1);
    if (!item)
        return qn_fail_nomem(err, "column types");
    for (const char *rest = text; rest && *text;) {
        next_item(&rest, item);
        void *grown = overrides;
        if (qn_grow(&grown, &capacity, count + 1, sizeof(*overrides)) != 0) {
            status = qn_fail_nomem(err, "column types");
            goto done;
        }
        overrides = grown;
        status = override_parse(item, &overrides[count], err);
        if (status != QN_OK)
            goto done;
        for (size_t i = 0; i < count; i++) {
            if (strcmp(overrides[i].name, overrides[count].name) == 0)
                status =
                    qn_fail(err, QN_INVALID, "column '%s' is given two types", overrides[i].name);
        }
        count++;
        if (status != QN_OK)
            goto done;
    }
    *out = overrides; /* Ownership moves to the caller. */
    *count_out = count;
    overrides = NULL;
    count = 0;
done:
    qn_type_overrides_free(overrides, count);
    qn_free(item);
    return status;
}

void qn_type_overrides_free(struct qn_type_override *overrides, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        qn_free(overrides[i].name);
        qn_free(overrides[i].format);
    }
    qn_free(overrides);
}

enum qn_status qn__source_pread(const struct qn__source *source, char *bytes, size_t size,
                                size_t offset, struct qn_error *err)
{
    while (size > 0) {
        ssize_t got = pread(source->fd, bytes, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return qn_fail(err, QN_IO, "%s could not be read: %s", source->name, strerror(errno));
        if (got == 0)
            return qn_fail(err, QN_IO, "%s became shorter while it was read", source->name);
        bytes += got;
        offset += (size_t)got;
        size -= (size_t)got;
    }
    return QN_OK;
}

static enum qn_status magic_read(int fd, const char *name, char magic[QN_MAGIC_BYTES],
                                 size_t *size_out, struct qn_error *err)
{
    ssize_t got;
    do {
        got = pread(fd, magic, QN_MAGIC_BYTES, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return qn_fail(err, QN_IO, "%s could not be read: %s", name, strerror(errno));
    *size_out = (size_t)got;
    return QN_OK;
}

static bool starts(const char *magic, size_t size, const char *with, size_t with_size)
{
    return size >= with_size && memcmp(magic, with, with_size) == 0;
}

/* Objects, one a line or in an array. */
static bool is_json(const char *magic, size_t size)
{
    size_t at = starts(magic, size, "\xef\xbb\xbf", 3) ? 3 : 0;
    for (bool in_array = false; at < size; at++) {
        char c = magic[at];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            continue;
        if (c != '[' || in_array)
            return c == '{';
        in_array = true;
    }
    return false;
}

/* Below a space, and neither a tab nor a line end. */
static bool is_control(unsigned c)
{
    return c < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

/* Whether the bytes are lines of UTF-16, or of UTF-32, in the byte order whose high byte of the
 * first unit is magic[high]. Without a mark a text tells by its line feeds: each is a unit. */
static bool is_wide_text(const char *magic, size_t size, size_t high)
{
    size_t bytes = 0, feeds = 0, zeros = 0, controls = 0;
    for (size_t i = 0; i < size; i++)
        bytes += magic[i] == '\n';
    for (size_t i = 0; i + 1 < size; i += 2) {
        unsigned unit =
            (unsigned)(unsigned char)magic[i + high] << 8 | (unsigned char)magic[i + 1 - high];
        feeds += unit == '\n';
        zeros += unit == 0;
        controls += unit != 0 && is_control(unit);
    }
    return feeds > 0 && feeds == bytes && controls == 0 && (zeros == 0 || zeros * 6 > size);
}

static bool is_wide(const char *magic, size_t size)
{
    if (starts(magic, size, "\xff\xfe", 2) || starts(magic, size, "\xfe\xff", 2))
        return true;
    if (is_wide_text(magic, size, 0) || is_wide_text(magic, size, 1))
        return true;
    size_t nuls = 0;
    for (size_t i = 0; i < size; i++)
        nuls += magic[i] == '\0';
    return size >= 4 && !memchr(magic, '\n', size) && nuls >= size / 3 && nuls <= size * 3 / 4 &&
           (magic[0] == '\0') != (magic[1] == '\0');
}

/* A twentieth of controls in what is no UTF-8 either, or of NULs. A few in a short file are a text
 * with faults, which the reader can say the lines of. */
static bool is_binary(const char *magic, size_t size)
{
    const size_t nuls_few = 4, character_most = 4;
    size_t controls = 0, nuls = 0;
    for (size_t i = 0; i < size; i++) {
        controls += is_control((unsigned char)magic[i]);
        nuls += magic[i] == '\0';
    }
    if (controls * 20 <= size)
        return false;
    bool cut = size == QN_MAGIC_BYTES; /* perhaps within a character */
    bool is_text = qn_utf8_check(magic, size) + (cut ? character_most : 1) > size;
    return !is_text || (nuls >= nuls_few && nuls * 20 > size);
}

/* Content that no reader can take, with what to do about it. */
static enum qn_status refuse(const char *magic, size_t size, const char *name, struct qn_error *err)
{
    if (size == 0)
        return qn_fail(err, QN_INVALID, "%s is empty: there is not even a header", name);
    if (is_wide(magic, size))
        return qn_fail(
            err, QN_INVALID,
            "%s is UTF-16 or UTF-32, not UTF-8; convert it, for example: iconv -f UTF-16 "
            "-t UTF-8 (or save it as \"CSV UTF-8\")",
            name);
    if (starts(magic, size, "\xd0\xcf\x11\xe0", 4))
        return qn_fail(err, QN_UNSUPPORTED,
                       "%s is an old Excel file (.xls) or one with a password; save it as .xlsx "
                       "without a password, or the sheet as CSV (UTF-8)",
                       name);
    if (is_binary(magic, size))
        return qn_fail(err, QN_INVALID,
                       "%s is a binary file of no known kind; Quern reads CSV, Parquet, JSON lines "
                       "and XLSX, also with gzip or zstd",
                       name);
    return QN_OK;
}

static enum qn_format detect(const char *magic, size_t size)
{
    if (starts(magic, size, "PAR1", 4))
        return QN_FORMAT_PARQUET;
    if (starts(magic, size, "PK\x03\x04", 4))
        return QN_FORMAT_XLSX;
    return is_json(magic, size) ? QN_FORMAT_JSONL : QN_FORMAT_CSV;
}

static enum qn_status dispatch(const struct qn__source *source, enum qn_format format,
                               const struct qn_read_options *options, struct qn_table **out,
                               struct qn_error *err)
{
    switch (format) {
    case QN_FORMAT_PARQUET:
        return qn__parquet_read(source, options, out, err);
    case QN_FORMAT_JSONL:
        return qn__jsonl_read(source, options, out, err);
    case QN_FORMAT_XLSX:
        return qn__xlsx_read(source, options, out, err);
    default:
        return qn__csv_read(source, options, out, err);
    }
}

/* Replaces *fd by an unlinked copy of what it gives, decompressed. */
static enum qn_status respool(int *fd, const char *name, const struct qn_read_options *options,
                              struct qn_error *err)
{
    int copy;
    size_t size = 0;
    enum qn_status status = qn__spool(*fd, name, options, &copy, &size, err);
    if (status != QN_OK)
        return status;
    if (*fd != STDIN_FILENO)
        close(*fd);
    *fd = copy;
    return QN_OK;
}

/* Opens path for reading at any offset: a regular file, or the unlinked copy of a stream. */
static enum qn_status source_open(const char *path, const char *name,
                                  const struct qn_read_options *options, int *fd_out,
                                  struct qn_error *err)
{
    char magic[QN_MAGIC_BYTES];
    size_t size = 0;
    struct stat about;
    bool is_input = strcmp(path, "-") == 0;
    int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return qn_fail(err, errno == ENOENT ? QN_NOT_FOUND : QN_IO, "%s could not be opened: %s",
                       name, strerror(errno));
    enum qn_status status = QN_OK;
    if (fstat(fd, &about) != 0)
        status = qn_fail(err, QN_IO, "%s could not be examined: %s", name, strerror(errno));
    else if (S_ISDIR(about.st_mode))
        status = qn_fail(err, QN_INVALID, "%s is a folder; name a file in it", name);
    else if (is_input || !S_ISREG(about.st_mode) || about.st_size == 0) /* as files of /proc say */
        status = respool(&fd, name, options, err);
    if (status == QN_OK)
        status = magic_read(fd, name, magic, &size, err);
    if (status == QN_OK && (qn__is_gzip(magic, size) || qn__is_zstd(magic, size)))
        status = respool(&fd, name, options, err);
    if (status == QN_OK)
        *fd_out = fd;
    else if (fd != STDIN_FILENO)
        close(fd);
    return status;
}

/* The name that messages show: without folders. */
static const char *shown_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (strcmp(path, "-") == 0)
        return "standard input";
    return slash && slash[1] ? slash + 1 : path;
}

enum qn_status qn_table_read(const char *path, const struct qn_read_options *options,
                             struct qn_table **out, struct qn_error *err)
{
    char magic[QN_MAGIC_BYTES], fd_path[64];
    size_t size = 0;
    struct stat about;
    const char *name = shown_name(path);
    int fd = -1;
    enum qn_status status = qn_read_options_check(options, err);
    if (status == QN_OK)
        status = source_open(path, name, options, &fd, err);
    if (status != QN_OK)
        return status;
    status = magic_read(fd, name, magic, &size, err);
    enum qn_format format = options->format;
    if (status == QN_OK && format == QN_FORMAT_AUTO)
        format = detect(magic, size);
    if (status == QN_OK && format != QN_FORMAT_PARQUET && format != QN_FORMAT_XLSX)
        status = refuse(magic, size, name, err);
    if (status == QN_OK && fstat(fd, &about) != 0)
        status = qn_fail(err, QN_IO, "%s could not be examined: %s", name, strerror(errno));
    if (status != QN_OK)
        goto done;
    snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", fd);
    struct qn__source source = {.path = fd_path, .name = name, .fd = fd};
    source.size_bytes = (size_t)about.st_size;
    status = dispatch(&source, format, options, out, err);
done:
    close(fd);
    return status;
}
