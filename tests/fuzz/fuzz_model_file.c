/* The model file's container: any bytes give an error or a table whose every section lies inside
 * the file. Checksums would keep a fuzzer at the front door, so every input is also tried with
 * its checksums made to fit. */
#include "base/alloc.h"
#include "learn/model_file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QN_HEADER = 24, QN_ENTRY = 72, QN_DIGEST_AT = 40 };

static uint64_t load(const unsigned char *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

static void repair(unsigned char *bytes, size_t size)
{
    if (size < QN_HEADER)
        return;
    uint64_t count = load(bytes + 12, 4);
    if (count > QN_MODEL_FILE_SECTIONS || QN_HEADER + count * QN_ENTRY + QN_SHA256_SIZE > size)
        return;
    for (size_t i = 0; i < 8; i++)
        bytes[16 + i] = (unsigned char)(size >> (8 * i));
    for (size_t i = 0; i < count; i++) {
        unsigned char *entry = bytes + QN_HEADER + i * QN_ENTRY;
        uint64_t offset = load(entry + 16, 8), length = load(entry + 24, 8);
        if (offset <= size && length <= size - offset)
            qn_sha256(bytes + offset, length, entry + QN_DIGEST_AT);
    }
    size_t front = QN_HEADER + count * QN_ENTRY;
    qn_sha256(bytes, front, bytes + front);
}

static void parse(const uint8_t *data, size_t size, int repaired)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_model_file file;
    char *bytes = qn_alloc(size, 1);
    if (!bytes)
        return;
    if (size > 0)
        memcpy(bytes, data, size);
    if (repaired)
        repair((unsigned char *)bytes, size);
    if (qn_model_file_parse(bytes, size, "fuzz", &file, &err) != QN_OK) {
        if (err.message[0] == '\0')
            abort();
        qn_free(bytes);
        return;
    }
    unsigned total = 0;
    for (size_t i = 0; i < file.section_count; i++) {
        const struct qn_section *section = &file.sections[i];
        if (qn_model_file_find(&file, section->name) != section)
            abort();
        for (size_t k = 0; k < section->size; k++)
            total += ((const unsigned char *)section->bytes)[k];
    }
    if (total > 255u * size)
        abort();
    qn_model_file_release(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse(data, size, 0);
    parse(data, size, 1);
    return 0;
}
