#define _GNU_SOURCE 1
#include "base/file.h"

#include "base/alloc.h"
#include "base/file_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QN_READ_CHUNK_BYTES = 1 << 16 };

enum qn_status qn__fail_system(struct qn_error *err, const char *path, const char *what, int number)
{
    char reason[128];
    const char *text = strerror_r(number, reason, sizeof(reason));
    enum qn_status status = QN_IO;
    if (number == ENOENT || number == ENOTDIR)
        status = QN_NOT_FOUND;
    else if (number == EISDIR)
        status = QN_INVALID;
    else if (number == ENOMEM)
        status = QN_NOMEM;
    return qn_fail(err, status, "%s: cannot %s: %s", path, what, text);
}

/* Opens for reading; folders are refused here, because read() would only fail later. */
static enum qn_status open_to_read(const char *path, int *fd_out, struct stat *info,
                                   struct qn_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return qn__fail_system(err, path, "open", errno);
    if (fstat(fd, info) != 0) {
        enum qn_status status = qn__fail_system(err, path, "inspect", errno);
        close(fd);
        return status;
    }
    if (S_ISDIR(info->st_mode)) {
        close(fd);
        return qn__fail_system(err, path, "read", EISDIR);
    }
    *fd_out = fd;
    return QN_OK;
}

enum qn_status qn_file_read(const char *path, size_t maximum_bytes, char **out, size_t *size_out,
                            struct qn_error *err)
{
    int fd = -1;
    struct stat info;
    enum qn_status status = open_to_read(path, &fd, &info, err);
    if (status != QN_OK)
        return status;

    /* The size is a hint: pipes have none, and a file may grow while it is read. */
    char *bytes = NULL;
    size_t size = 0, capacity = 0;
    size_t expected = info.st_size > 0 ? (size_t)info.st_size : QN_READ_CHUNK_BYTES;
    if (expected > maximum_bytes)
        expected = maximum_bytes;
    for (;;) {
        size_t needed =
            size == 0 ? expected + 2 : size + 2; /* the NUL, and a byte to see the end */
        if (qn_grow((void **)&bytes, &capacity, needed, 1) != 0) {
            status = qn_fail_nomem(err, path);
            goto done;
        }
        ssize_t got = read(fd, bytes + size, capacity - size - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = qn__fail_system(err, path, "read", errno);
            goto done;
        }
        if (got == 0)
            break;
        size += (size_t)got;
        if (size > maximum_bytes) {
            status = qn_fail(err, QN_INVALID, "%s: larger than the limit of %zu bytes", path,
                             maximum_bytes);
            goto done;
        }
    }
    bytes[size] = '\0';
    *out = bytes;
    *size_out = size;
    bytes = NULL;
done:
    qn_free(bytes);
    close(fd);
    return status;
}

enum qn_status qn_map_fd(int fd, const char *name, struct qn_map *out, struct qn_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return qn__fail_system(err, name, "inspect", errno);
    if (!S_ISREG(info.st_mode))
        return qn_fail(err, QN_INVALID, "%s: not a regular file", name);
    if ((uint64_t)info.st_size > (uint64_t)PTRDIFF_MAX)
        return qn_fail(err, QN_NOMEM, "%s: too large to map", name);
    size_t size = (size_t)info.st_size;
    if (size == 0) {
        *out = (struct qn_map){"", 0, NULL};
        return QN_OK;
    }
    void *base = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (base == MAP_FAILED)
        return qn__fail_system(err, name, "map", errno);
    *out = (struct qn_map){base, size, base};
    return QN_OK;
}

enum qn_status qn_map_open(const char *path, struct qn_map *out, struct qn_error *err)
{
    int fd = -1;
    struct stat info;
    enum qn_status status = open_to_read(path, &fd, &info, err);
    if (status != QN_OK)
        return status;
    status = qn_map_fd(fd, path, out, err);
    close(fd); /* The map stays. */
    return status;
}

void qn_map_close(struct qn_map *map)
{
    if (map->base)
        munmap(map->base, map->size);
    *map = (struct qn_map){"", 0, NULL};
}

enum qn_status qn_file_write(const char *path, const void *bytes, size_t size, struct qn_error *err)
{
    struct qn_publish publish;
    enum qn_status status = qn_publish_begin(path, &publish, err);
    if (status != QN_OK)
        return status;
    if (size > 0 && fwrite(bytes, 1, size, publish.stream) != size) {
        status = qn__fail_system(err, path, "write", errno);
        qn_publish_abort(&publish);
        return status;
    }
    return qn_publish_commit(&publish, err);
}

enum qn_status qn_file_temporary(const char *folder, int *fd_out, struct qn_error *err)
{
    if (!folder) {
        folder = getenv("TMPDIR");
        if (!folder || folder[0] == '\0')
            folder = "/tmp";
    }
    static const char suffix[] = "/.quern-XXXXXX";
    size_t length = strlen(folder);
    char *path = qn_alloc(length + sizeof(suffix), 1);
    if (!path)
        return qn_fail_nomem(err, "temporary file");
    memcpy(path, folder, length);
    memcpy(path + length, suffix, sizeof(suffix));
    enum qn_status status = QN_OK;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        status = qn__fail_system(err, folder, "create a temporary file", errno);
        goto done;
    }
    if (unlink(path) != 0) {
        status = qn__fail_system(err, path, "unlink", errno);
        close(fd);
        goto done;
    }
    *fd_out = fd;
done:
    qn_free(path);
    return status;
}
