#include "base/alloc.h"
#include "base/buffer.h"

#include <math.h>
#include <string.h>

#include <cmocka.h>

static void appends(void **state)
{
    (void)state;
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, SIZE_MAX);
    qn_buffer_text(&buffer, "a");
    qn_buffer_char(&buffer, 'b');
    qn_buffer_append(&buffer, "cd!", 2);
    qn_buffer_format(&buffer, "%d-%s", 12, "x");
    qn_buffer_append(&buffer, NULL, 0);
    assert_string_equal(buffer.bytes, "abcd12-x");
    assert_int_equal(buffer.size, 8);
    for (int i = 0; i < 1000; i++)
        qn_buffer_format(&buffer, "%06d", i); /* crosses each capacity */
    assert_int_equal(buffer.size, 6008);
    assert_string_equal(buffer.bytes + 6002, "000999");
    assert_string_equal(buffer.bytes + 5996, "000998000999");
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_buffer_check(&buffer, "report", &err), QN_OK);
    assert_string_equal(err.message, "");
    qn_buffer_clear(&buffer);
    assert_string_equal(buffer.bytes, "");
    qn_buffer_release(&buffer);
    qn_buffer_release(&buffer);
}

static void keeps_to_its_maximum(void **state)
{
    (void)state;
    struct qn_buffer buffer;
    struct qn_error err = QN_ERROR_INIT;
    qn_buffer_init(&buffer, 5);
    qn_buffer_text(&buffer, "abc");
    qn_buffer_format(&buffer, "%s", "de"); /* exactly full */
    assert_false(buffer.failed);
    qn_buffer_char(&buffer, 'f');
    assert_true(buffer.failed);
    assert_string_equal(buffer.bytes, "abcde");
    assert_int_equal(qn_buffer_check(&buffer, "report", &err), QN_NOMEM);
    assert_non_null(strstr(err.message, "report"));
    qn_buffer_clear(&buffer);
    qn_buffer_format(&buffer, "%s", "too long");
    assert_true(buffer.failed);
    assert_string_equal(buffer.bytes, ""); /* nothing of a write that failed */
    qn_buffer_char(&buffer, 'a');          /* the failure sticks */
    assert_int_equal(buffer.size, 0);
    qn_buffer_release(&buffer);
}

static void reads_what_was_written(void **state)
{
    (void)state;
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, 1000);
    qn_buffer_u8(&buffer, 200);
    qn_buffer_u32(&buffer, 0x01020304U);
    qn_buffer_u64(&buffer, UINT64_MAX - 1);
    qn_buffer_f64(&buffer, -0.0);
    qn_buffer_string(&buffer, "caf\xC3\xA9");
    qn_buffer_string(&buffer, "");
    qn_buffer_u64(&buffer, 2);
    qn_buffer_append(&buffer, "abcdefgh", 8);
    assert_int_equal(buffer.bytes[1], 4); /* little-endian */

    struct qn_reader reader;
    qn_reader_init(&reader, buffer.bytes, buffer.size);
    assert_int_equal(qn_reader_u8(&reader), 200);
    assert_int_equal(qn_reader_u32(&reader), 0x01020304U);
    assert_true(qn_reader_u64(&reader) == UINT64_MAX - 1);
    double zero = qn_reader_f64(&reader);
    assert_true(zero == 0.0 && signbit(zero));
    char *text = qn_reader_string(&reader), *empty = qn_reader_string(&reader);
    assert_string_equal(text, "caf\xC3\xA9");
    assert_string_equal(empty, "");
    assert_int_equal(qn_reader_count(&reader, 4), 2);
    assert_memory_equal(qn_reader_bytes(&reader, 8), "abcdefgh", 8);
    assert_int_equal(qn_reader_left(&reader), 0);
    assert_non_null(qn_reader_bytes(&reader, 0));
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_reader_check(&reader, "model", &err), QN_OK);
    qn_free(text);
    qn_free(empty);

    /* Each cut of the bytes is noticed, and nothing is read past it. */
    for (size_t size = 0; size < buffer.size; size++) {
        char *copy = qn_alloc(size, 1); /* of its exact size, for the sanitizer */
        assert_non_null(copy);
        memcpy(copy, buffer.bytes, size);
        qn_reader_init(&reader, copy, size);
        (void)qn_reader_u8(&reader);
        (void)qn_reader_u32(&reader);
        (void)qn_reader_u64(&reader);
        (void)qn_reader_f64(&reader);
        qn_free(qn_reader_string(&reader));
        qn_free(qn_reader_string(&reader));
        (void)qn_reader_count(&reader, 4);
        (void)qn_reader_bytes(&reader, 8);
        assert_true(reader.failed);
        assert_int_equal(qn_reader_u32(&reader), 0);
        assert_int_equal(qn_reader_left(&reader), 0);
        assert_int_equal(qn_reader_check(&reader, "model", &err), QN_CORRUPT);
        qn_free(copy);
    }
    qn_buffer_release(&buffer);
}

static void distrusts_lengths(void **state)
{
    (void)state;
    struct qn_buffer buffer;
    struct qn_reader reader;
    qn_buffer_init(&buffer, 1000);
    qn_buffer_u64(&buffer, 3);
    qn_buffer_append(&buffer, "12345678", 8);
    qn_reader_init(&reader, buffer.bytes, buffer.size);
    assert_int_equal(qn_reader_count(&reader, 3), 0);
    assert_true(reader.failed);
    qn_buffer_clear(&buffer);
    qn_buffer_u64(&buffer, UINT64_C(1) << 61); /* times 8 it would wrap to 0 */
    qn_buffer_u64(&buffer, 0);
    qn_reader_init(&reader, buffer.bytes, buffer.size);
    assert_int_equal(qn_reader_count(&reader, 8), 0);
    assert_true(reader.failed);
    qn_reader_init(&reader, "\x03\0\0\0a\0b", 7); /* a NUL inside a string */
    assert_null(qn_reader_string(&reader));
    assert_true(reader.failed);
    qn_reader_init(&reader, NULL, 0);
    assert_int_equal(qn_reader_u8(&reader), 0);
    assert_true(reader.failed);
    qn_buffer_release(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends),
        cmocka_unit_test(keeps_to_its_maximum),
        cmocka_unit_test(reads_what_was_written),
        cmocka_unit_test(distrusts_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
