#include "unit/data/csv_support.h"

#include "base/alloc.h"
#include "base/random.h"

#include <zlib.h>
#include <zstd.h>

static size_t gzip(const char *bytes, size_t size, char *out, size_t room)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (unsigned char *)(uintptr_t)bytes;
    stream.avail_in = (unsigned)size;
    stream.next_out = (unsigned char *)out;
    stream.avail_out = (unsigned)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

/* Spools the bytes and compares what comes out; expected NULL: it must fail. */
static void check(const char *packed, size_t packed_size, const char *expected, size_t size)
{
    int fd = file_of(packed, packed_size), out = -1;
    size_t out_size = 0;
    struct qn_read_options options;
    struct qn_error err = QN_ERROR_INIT;
    qn_read_options_default(&options);
    lseek(fd, 0, SEEK_SET);
    enum qn_status status = qn__spool(fd, "data.csv.gz", &options, &out, &out_size, &err);
    close(fd);
    if (!expected) {
        assert_int_equal(status, QN_CORRUPT);
        assert_non_null(strstr(err.message, "data.csv.gz"));
        assert_int_equal(out, -1);
        return;
    }
    assert_int_equal(status, QN_OK);
    assert_int_equal(out_size, size);
    char *back = qn_alloc(size + 1, 1);
    assert_int_equal(pread(out, back, size + 1, 0), size);
    assert_memory_equal(back, expected, size);
    qn_free(back);
    close(out);
}

static void test_both(void **state)
{
    (void)state;
    const size_t size = 3000000, room = 4000000;
    struct qn_random random;
    char *bytes = qn_alloc(size, 1), *packed = qn_alloc(room, 1);
    qn_random_init(&random, 1, 0);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)('a' + qn_random_below(&random, 20));
    check("plain", 5, "plain", 5);
    check("", 0, "", 0);
    size_t packed_size = gzip(bytes, size, packed, room);
    check(packed, packed_size, bytes, size);
    check(packed, packed_size / 2, NULL, 0);
    check(packed, packed_size - 1, NULL, 0);
    packed[packed_size / 2] ^= 1;
    check(packed, packed_size, NULL, 0);
    /* Two members, as of a log that was appended to. */
    packed_size = gzip(bytes, size / 2, packed, room);
    packed_size += gzip(bytes + size / 2, size / 2, packed + packed_size, room - packed_size);
    check(packed, packed_size, bytes, size);
    packed_size = gzip("", 0, packed, room);
    check(packed, packed_size, "", 0);
    packed_size = ZSTD_compress(packed, room, bytes, size, 3);
    assert_false(ZSTD_isError(packed_size));
    check(packed, packed_size, bytes, size);
    check(packed, packed_size / 2, NULL, 0);
    packed_size = ZSTD_compress(packed, room, bytes, size / 2, 3);
    packed_size +=
        ZSTD_compress(packed + packed_size, room - packed_size, bytes + size / 2, size / 2, 3);
    check(packed, packed_size, bytes, size);
    memset(packed + 4, 0xff, 100);
    check(packed, packed_size, NULL, 0);
    qn_free(packed);
    qn_free(bytes);
}

/* What comes out may fill the buffer of 256 KiB to the last byte just when the member ends. */
static void test_border(void **state)
{
    (void)state;
    const size_t buffer = 1 << 18, room = 1 << 20;
    char *bytes = qn_alloc(2 * buffer, 1), *packed = qn_alloc(room, 1);
    memset(bytes, 'x', 2 * buffer);
    for (size_t size = buffer; size <= 2 * buffer; size += buffer) {
        size_t packed_size = gzip(bytes, size, packed, room);
        check(packed, packed_size, bytes, size);
        check(packed, packed_size - 1, NULL, 0);
        packed_size = ZSTD_compress(packed, room, bytes, size, 3);
        check(packed, packed_size, bytes, size);
        check(packed, packed_size - 1, NULL, 0);
    }
    qn_free(packed);
    qn_free(bytes);
}

static void test_padding(void **state)
{
    (void)state;
    char packed[1024] = {0};
    size_t size = gzip("plain", 5, packed, sizeof(packed));
    memset(packed + size, 0, 500);
    check(packed, size + 500, "plain", 5);
    memset(packed + size, 'x', 9);
    check(packed, size + 9, NULL, 0);
    /* pzstd begins its files with a frame to skip. */
    memcpy(packed, "\x50\x2a\x4d\x18\x04\0\0\0abcd", 12);
    size = ZSTD_compress(packed + 12, sizeof(packed) - 12, "plain", 5, 3);
    check(packed, 12 + size, "plain", 5);
}

static void test_table(void **state)
{
    (void)state;
    char packed[256], path[64];
    const char *text = "a,b\n1,x\n2,y\n";
    size_t size = gzip(text, strlen(text), packed, sizeof(packed));
    int fd = file_of(packed, size);
    struct qn_read_options options;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    qn_read_options_default(&options);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    assert_int_equal(qn_table_read(path, &options, &table, &err), QN_OK);
    assert_int_equal(table->row_count, 2);
    qn_table_free(table);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_border),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
