/* What must hold for any bytes whatever, as a workbook or, because checksums would stop most of
 * those, as one of the parts of a good one; for the fuzzer and for the unit test over its corpus.
 */
#ifndef QN_TESTS_UNIT_DATA_XLSX_PROPERTY_H
#define QN_TESTS_UNIT_DATA_XLSX_PROPERTY_H

#include "xlsx_support.h"

#include "data/xlsx_internal.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

static inline enum qn_status xlsx_read_once(int fd, size_t size,
                                            const struct qn_read_options *options, char hex[65])
{
    struct qn__source source = {.path = "", .name = "fuzz.xlsx", .fd = fd, .size_bytes = size};
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    enum qn_status status = qn__xlsx_read(&source, options, &table, &err);
    assert((status == QN_OK) == (table != NULL));
    assert(status == QN_OK ? err.message[0] == '\0' : err.message[0] != '\0');
    for (size_t i = 0; table && i < table->column_count; i++)
        assert(table->columns[i].name[0] != '\0' && table->columns[i].reason);
    if (table)
        assert(qn_table_fingerprint(table, hex, &err) == QN_OK);
    qn_table_free(table);
    return status;
}

/* The first byte says which part, the second sets options. */
static inline void xlsx_property(const uint8_t *bytes, size_t size)
{
    if (size < 3 || size > 65536)
        return;
    struct qn_read_options options;
    qn_read_options_default(&options);
    options.no_header = bytes[1] & 1;
    options.memory_limit_bytes = 4 << 20;
    options.field_limit_bytes = bytes[1] & 2 ? 100 : 1 << 20;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    assert(fd >= 0);
    struct xlsx_archive archive = {0};
    const unsigned part = bytes[0] % (XLSX_PARTS + 1);
    if (part < XLSX_PARTS) {
        struct xlsx_part parts[XLSX_PARTS];
        xlsx_parts(parts);
        parts[XLSX_SHEET].text =
            "<worksheet><sheetData><row><c><v>1</v></c></row><row><c t=\"s\"><v>0</v></c>"
            "<c s=\"1\"><v>45351</v></c></row></sheetData></worksheet>";
        parts[part].text = (const char *)bytes + 2;
        parts[part].size = size - 2;
        archive = xlsx_archive_make(parts, XLSX_PARTS);
    } else {
        xlsx_put(&archive, bytes + 2, size - 2);
    }
    assert(write(fd, archive.bytes, archive.size) == (ssize_t)archive.size);
    char first[65], mapped[65];
    enum qn_status status = xlsx_read_once(fd, archive.size, &options, first);
    if (status == QN_OK && bytes[1] & 4) {
        options.memory_limit_bytes = 0;
        if (xlsx_read_once(fd, archive.size, &options, mapped) == QN_OK)
            assert(memcmp(first, mapped, sizeof(first)) == 0);
    }
    free(archive.bytes);
    close(fd);
}

#endif
