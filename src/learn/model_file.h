/* The .qnm container: named sections, each with its SHA-256; versioned, little-endian, no code.
 * See docs/model-file.md. */
#ifndef QN_LEARN_MODEL_FILE_H
#define QN_LEARN_MODEL_FILE_H

#include "base/buffer.h"
#include "base/hash.h"

#define QN_MODEL_FILE_VERSION 1
#define QN_MODEL_FILE_SECTIONS 16
#define QN_MODEL_FILE_MAXIMUM ((size_t)1 << 33)

struct qn_section {
    char name[16]; /* "learner", "recipe", "schema", "metrics", "meta" */
    const void *bytes;
    size_t size;
    bool hashed; /* counts in the content hash */
};

/* Writes the file durably (whole or not at all). */
QN_MUST_CHECK enum qn_status qn_model_file_write(const char *path,
                                                 const struct qn_section *sections,
                                                 size_t section_count, struct qn_error *err);

/* The content hash that a file of these sections has: over the names and bytes of the hashed ones.
 */
void qn_model_file_hash(const struct qn_section *sections, size_t section_count,
                        char hex[QN_SHA256_HEX_SIZE]);

struct qn_model_file {
    char *bytes; /* owns */
    size_t size;
    size_t section_count;
    struct qn_section sections[QN_MODEL_FILE_SECTIONS]; /* borrow from bytes */
    char content_hash[QN_SHA256_HEX_SIZE]; /* over the hashed sections' names and bytes */
};

/* QN_CORRUPT when truncated, changed or hostile; QN_UNSUPPORTED when from a newer version. */
QN_MUST_CHECK enum qn_status qn_model_file_read(const char *path, struct qn_model_file *out,
                                                struct qn_error *err);
/* The same from memory; takes bytes (qn_alloc) on success only. `name` is for messages. */
QN_MUST_CHECK enum qn_status qn_model_file_parse(char *bytes, size_t size, const char *name,
                                                 struct qn_model_file *out, struct qn_error *err);
const struct qn_section *qn_model_file_find(const struct qn_model_file *file, const char *name);
void qn_model_file_release(struct qn_model_file *file);

#endif
