/* Files: whole reads, maps, and durable publishing (write, fsync, rename, fsync of the folder). */
#ifndef QN_BASE_FILE_H
#define QN_BASE_FILE_H

#include "base/error.h"

#include <stdint.h>
#include <stdio.h>

/* Reads a whole file of at most maximum_bytes; *out is owned by the caller and NUL-terminated. */
QN_MUST_CHECK enum qn_status qn_file_read(const char *path, size_t maximum_bytes, char **out,
                                          size_t *size_out, struct qn_error *err);

/* A read-only map of a regular file; an empty file gives bytes "" and size 0. */
struct qn_map {
    const char *bytes;
    size_t size;
    void *base;
};
QN_MUST_CHECK enum qn_status qn_map_open(const char *path, struct qn_map *out,
                                         struct qn_error *err);
QN_MUST_CHECK enum qn_status qn_map_fd(int fd, const char *name, struct qn_map *out,
                                       struct qn_error *err);
void qn_map_close(struct qn_map *map);

/* A file that appears under its final name whole or not at all. A file that it replaces gives it
 * its permissions; a symbolic link is replaced, not followed. Pipes, devices and /dev/stdout are
 * written in place instead, and `temporary` is then the path itself. */
struct qn_publish {
    char *path;      /* owns */
    char *temporary; /* owns; in the same folder as path */
    FILE *stream;    /* write here; NULL after commit or abort */
};
/* Fails for a folder, and where the file could not be written in the end. */
QN_MUST_CHECK enum qn_status qn_publish_begin(const char *path, struct qn_publish *out,
                                              struct qn_error *err);
/* Like begin, but without a stream: another library writes publish->temporary itself, over the
 * empty file that is there, and closes it before commit. */
QN_MUST_CHECK enum qn_status qn_publish_begin_path(const char *path, struct qn_publish *out,
                                                   struct qn_error *err);
/* Flushes, syncs and renames; on failure the temporary file is removed. Releases *publish. */
QN_MUST_CHECK enum qn_status qn_publish_commit(struct qn_publish *publish, struct qn_error *err);
/* Removes the temporary file; does nothing after commit. */
void qn_publish_abort(struct qn_publish *publish);

QN_MUST_CHECK enum qn_status qn_file_write(const char *path, const void *bytes, size_t size,
                                           struct qn_error *err);

/* An unlinked temporary file (in folder, or in $TMPDIR or /tmp when NULL), open for reading and
 * writing; the caller closes it. */
QN_MUST_CHECK enum qn_status qn_file_temporary(const char *folder, int *fd_out,
                                               struct qn_error *err);

#endif
