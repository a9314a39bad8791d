/* Publishing: a file is written under a temporary name in the folder of its path, synced, and
 * renamed, so that a reader sees the old file or the new one and a crash leaves no half. Pipes,
 * devices and standard output cannot be renamed over; those are written directly, and then
 * publish->temporary equals publish->path. */
#define _GNU_SOURCE 1
#include "base/file.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    QN_NAME_KEPT_BYTES = 200, /* of the file's name: ".NAME.tmp-RANDOM" must fit 255 */
    QN_RANDOM_DIGITS = 16,
    QN_NAME_TRIES = 16,
};

static bool is_direct(const struct qn_publish *publish)
{
    return strcmp(publish->temporary, publish->path) == 0;
}

static void forget(struct qn_publish *publish)
{
    qn_free(publish->temporary);
    qn_free(publish->path);
    *publish = (struct qn_publish){NULL, NULL, NULL};
}

/* The length of the folder's part of path, with its slash; 0 when there is none. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* FOLDER/.NAME.tmp-RANDOM, owned by the caller; NULL when out of memory. */
static char *temporary_name(const char *path)
{
    static const char digits[] = "0123456789abcdef";
    static const char infix[] = ".tmp-";
    size_t folder = folder_length(path);
    const char *name = path + folder;
    size_t kept = strlen(name);
    if (kept > QN_NAME_KEPT_BYTES)
        kept = QN_NAME_KEPT_BYTES;
    char *result = qn_alloc(folder + 1 + kept + sizeof(infix) + QN_RANDOM_DIGITS, 1);
    if (!result)
        return NULL;
    char *at = result;
    memcpy(at, path, folder);
    at += folder;
    *at++ = '.';
    memcpy(at, name, kept);
    at += kept;
    memcpy(at, infix, sizeof(infix) - 1);
    at += sizeof(infix) - 1;
    /* Should the system have no randomness to give yet, the time keeps tries apart. */
    uint64_t noise = (uint64_t)qn_clock_unix_us() * 0x9E3779B97F4A7C15ULL;
    ssize_t got = getrandom(&noise, sizeof(noise), GRND_NONBLOCK);
    (void)got;
    for (size_t i = 0; i < QN_RANDOM_DIGITS; i++)
        *at++ = digits[(noise >> (4 * i)) & 15U];
    *at = '\0';
    return result;
}

/* What may be replaced: nothing, or a regular file that the user could also write to. Sets *direct
 * for what must be written in place, and *mode to the permissions to keep (0 for a new file). */
static enum qn_status check_target(const char *path, bool *direct, mode_t *mode,
                                   struct qn_error *err)
{
    struct stat info;
    *direct = false;
    *mode = 0;
    size_t folder = folder_length(path);
    if (path[folder] == '\0')
        return qn_fail(err, QN_INVALID, "\"%s\": cannot write: this names a folder", path);
    if (strcmp(path, "/dev/stdout") == 0 || strcmp(path, "/dev/stderr") == 0 ||
        strncmp(path, "/dev/fd/", 8) == 0) {
        *direct = true; /* also when it leads to a regular file, which others may hold open */
        return QN_OK;
    }
    if (stat(path, &info) != 0) {
        if (errno == ENOENT)
            return QN_OK; /* A missing folder shows when the temporary file is created. */
        return qn__fail_system(err, path, "write", errno);
    }
    if (S_ISDIR(info.st_mode))
        return qn__fail_system(err, path, "write", EISDIR);
    if (access(path, W_OK) != 0)
        return qn__fail_system(err, path, "write", errno);
    *direct = !S_ISREG(info.st_mode);
    *mode = info.st_mode & 07777;
    return QN_OK;
}

/* Creates the temporary file itself, so that an unwritable folder fails now and not after an hour
 * of work. */
static enum qn_status create_temporary(const char *path, mode_t mode, char **temporary_out,
                                       int *fd_out, struct qn_error *err)
{
    int fd = -1;
    char *temporary = NULL;
    for (int i = 0; fd < 0 && i < QN_NAME_TRIES; i++) {
        qn_free(temporary);
        temporary = temporary_name(path);
        if (!temporary)
            return qn_fail_nomem(err, path);
        fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0) {
        enum qn_status status = qn__fail_system(err, path, "write", errno);
        qn_free(temporary);
        return status;
    }
    /* Where a file system has no permissions to keep, the file is as good without. */
    if (mode != 0 && fchmod(fd, mode) != 0)
        errno = 0;
    *temporary_out = temporary;
    *fd_out = fd;
    return QN_OK;
}

static int open_direct(const char *path)
{
    /* A copy of the descriptor, not a second opening: that would start at offset 0 again when
     * standard output goes to a file. */
    if (strcmp(path, "/dev/stdout") == 0)
        return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    if (strcmp(path, "/dev/stderr") == 0)
        return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    return open(path, O_WRONLY | O_CLOEXEC);
}

static enum qn_status begin(const char *path, bool with_stream, struct qn_publish *out,
                            struct qn_error *err)
{
    struct qn_publish publish = {NULL, NULL, NULL};
    int fd = -1;
    bool direct;
    mode_t mode;
    enum qn_status status = check_target(path, &direct, &mode, err);
    if (status != QN_OK)
        return status;
    publish.path = qn_strdup(path);
    if (!publish.path)
        return qn_fail_nomem(err, path);
    if (direct) {
        publish.temporary = qn_strdup(path);
        status = publish.temporary ? QN_OK : qn_fail_nomem(err, path);
        if (status == QN_OK && with_stream && (fd = open_direct(path)) < 0)
            status = qn__fail_system(err, path, "open", errno);
    } else {
        status = create_temporary(path, mode, &publish.temporary, &fd, err);
    }
    if (status != QN_OK)
        goto done;
    if (with_stream) {
        publish.stream = fdopen(fd, "w");
        if (!publish.stream) {
            status = qn__fail_system(err, path, "open", errno);
            goto done;
        }
        fd = -1; /* The stream owns it. */
    }
    *out = publish;
    publish = (struct qn_publish){NULL, NULL, NULL};
done:
    if (fd >= 0)
        close(fd);
    qn_publish_abort(&publish);
    return status;
}

enum qn_status qn_publish_begin(const char *path, struct qn_publish *out, struct qn_error *err)
{
    return begin(path, true, out, err);
}

enum qn_status qn_publish_begin_path(const char *path, struct qn_publish *out, struct qn_error *err)
{
    return begin(path, false, out, err);
}

/* Syncs the folder of path, so that the rename itself survives a crash. The path is cut in place
 * for a moment: running out of memory after the rename would be a failure that is none. */
static int sync_folder(char *path)
{
    size_t length = folder_length(path);
    char kept = path[length];
    path[length] = '\0';
    int fd = open(length == 0 ? "." : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    path[length] = kept;
    /* A folder that may be written but not read, or a file system that cannot sync one: the file
     * is in place, and there is nothing more to do about it. */
    if (fd < 0)
        return errno == EACCES ? 0 : errno;
    int failure = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : errno;
    close(fd);
    return failure;
}

/* Flushes, syncs and closes; 0 or an errno value. */
static int finish_stream(struct qn_publish *publish, bool direct)
{
    int failure = 0;
    errno = 0;
    if (fflush(publish->stream) != 0 || ferror(publish->stream))
        failure = errno != 0 ? errno : EIO; /* An earlier failed write left only the flag. */
    if (failure == 0 && !direct && fsync(fileno(publish->stream)) != 0)
        failure = errno;
    if (fclose(publish->stream) != 0 && failure == 0)
        failure = errno;
    publish->stream = NULL;
    return failure;
}

/* The same for a file that another library has written and closed. */
static int sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int failure = fsync(fd) != 0 ? errno : 0;
    close(fd);
    return failure;
}

enum qn_status qn_publish_commit(struct qn_publish *publish, struct qn_error *err)
{
    assert(publish->path && publish->temporary);
    bool direct = is_direct(publish);
    enum qn_status status = QN_OK;
    int failure = 0;
    if (publish->stream)
        failure = finish_stream(publish, direct);
    else if (!direct)
        failure = sync_path(publish->temporary);
    if (failure != 0) {
        status = qn__fail_system(err, publish->path, "write", failure);
    } else if (!direct && rename(publish->temporary, publish->path) != 0) {
        status = qn__fail_system(err, publish->path, "replace", errno);
    } else if (!direct) {
        failure = sync_folder(publish->path);
        if (failure != 0)
            status = qn__fail_system(err, publish->path, "sync the folder", failure);
        forget(publish); /* Nothing is left under the temporary name. */
    }
    qn_publish_abort(publish);
    return status;
}

void qn_publish_abort(struct qn_publish *publish)
{
    if (publish->stream)
        fclose(publish->stream);
    publish->stream = NULL;
    if (publish->temporary && !is_direct(publish))
        unlink(publish->temporary);
    forget(publish);
}
