/* What must hold for any bytes whatever; for the fuzzer and for the unit test over its corpus. */
#ifndef QN_TESTS_UNIT_DATA_CSV_PROPERTY_H
#define QN_TESTS_UNIT_DATA_CSV_PROPERTY_H

#include "data/csv_internal.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

static inline enum qn_status csv_read_once(const struct qn__source *source,
                                           const struct qn_read_options *options, size_t piece_size,
                                           bool guess, char hex[65])
{
    struct qn_table *table = NULL;
    struct qn_error err = QN_ERROR_INIT;
    enum qn_status status = qn__csv_read_pieces(source, options, piece_size, guess, &table, &err);
    assert((status == QN_OK) == (table != NULL));
    assert(status == QN_OK || err.message[0] != '\0');
    for (size_t i = 0; table && i < table->column_count; i++)
        assert(table->columns[i].name[0] != '\0' && table->columns[i].reason);
    if (table)
        assert(qn_table_fingerprint(table, hex, &err) == QN_OK);
    qn_table_free(table);
    return status;
}

/* The first byte sets options; what the reader makes of the rest must not depend on how the file is
 * cut or on guessing. */
static inline void csv_property(const uint8_t *bytes, size_t size)
{
    static const char delimiters[] = {'\0', ',', ';', '\t'};
    if (size < 1 || size > 65536)
        return;
    struct qn_read_options options;
    qn_read_options_default(&options);
    options.no_header = bytes[0] & 1;
    options.delimiter = delimiters[bytes[0] >> 1 & 3];
    options.thread_count = 1;
    options.memory_limit_bytes = bytes[0] & 8 ? 0 : SIZE_MAX;
    options.field_limit_bytes = bytes[0] & 16 ? 100 : 1 << 20;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    assert(fd >= 0);
    assert(write(fd, bytes + 1, size - 1) == (ssize_t)(size - 1));
    struct qn__source source = {.path = "", .name = "fuzz.csv", .fd = fd, .size_bytes = size - 1};
    char whole[65], pieces[65];
    enum qn_status first = csv_read_once(&source, &options, 0, true, whole);
    size_t piece_size = 1 + (bytes[0] >> 5) * 37U;
    enum qn_status second = csv_read_once(&source, &options, piece_size, false, pieces);
    assert(first == second);
    assert(first != QN_OK || memcmp(whole, pieces, sizeof(whole)) == 0);
    close(fd);
}

#endif
