#include "learn/model_file.h"

#include "base/alloc.h"
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { HEADER = 24, ENTRY = 72, DIGEST = 32 };

static const struct qn_section sections[] = {
    {"learner", "some bytes of a learner", 23, true},
    {"schema", "", 0, true},
    {"meta", "12345678", 8, false},
};

static char *temporary(void)
{
    static char path[64];
    snprintf(path, sizeof(path), "test_model_file_%d.qnm", (int)getpid());
    return path;
}

/* The bytes of a file with these sections, owned by the caller. */
static char *written(const struct qn_section *list, size_t count, size_t *size)
{
    struct qn_error err = QN_ERROR_INIT;
    char *bytes = NULL;
    assert_int_equal(qn_model_file_write(temporary(), list, count, &err), QN_OK);
    assert_int_equal(qn_file_read(temporary(), 1 << 20, &bytes, size, &err), QN_OK);
    assert_int_equal(unlink(temporary()), 0);
    return bytes;
}

/* Makes the front digest fit again after a change to header or table. */
static void repair(char *bytes, size_t count)
{
    qn_sha256(bytes, HEADER + count * ENTRY, (unsigned char *)bytes + HEADER + count * ENTRY);
}

static enum qn_status parse_copy(const char *bytes, size_t size, struct qn_error *err)
{
    struct qn_model_file file;
    char *copy = qn_alloc(size, 1); /* exact, so that a sanitizer sees every overrun */
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    enum qn_status status = qn_model_file_parse(copy, size, "model.qnm", &file, err);
    if (status == QN_OK)
        qn_model_file_release(&file);
    else
        qn_free(copy);
    return status;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_model_file file;
    assert_int_equal(qn_model_file_write(temporary(), sections, 3, &err), QN_OK);
    assert_int_equal(qn_model_file_read(temporary(), &file, &err), QN_OK);
    assert_int_equal(unlink(temporary()), 0);
    assert_int_equal(file.section_count, 3);
    assert_int_equal(file.size, HEADER + 3 * ENTRY + DIGEST + 24 + 8);
    for (size_t i = 0; i < 3; i++) {
        const struct qn_section *found = qn_model_file_find(&file, sections[i].name);
        assert_ptr_equal(found, &file.sections[i]);
        assert_int_equal(found->size, sections[i].size);
        assert_int_equal(found->hashed, sections[i].hashed);
        assert_memory_equal(found->bytes, sections[i].bytes, sections[i].size);
        assert_int_equal((uintptr_t)found->bytes % 8, (uintptr_t)file.bytes % 8);
    }
    assert_null(qn_model_file_find(&file, "recipe"));
    qn_model_file_release(&file);
    assert_int_equal(qn_model_file_read("no such file.qnm", &file, &err), QN_NOT_FOUND);
}

/* The documented layout, byte by byte: files written today must be read for ever. */
static void test_layout(void **state)
{
    (void)state;
    size_t size = 0;
    const struct qn_section one = {"abc", "xyz", 3, true};
    char *bytes = written(&one, 1, &size);
    static const char expected[] = "QNMODEL\n"
                                   "\1\0\0\0\1\0\0\0\210\0\0\0\0\0\0\0"
                                   "abc\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                   "\200\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0";
    assert_int_equal(size, 136);
    assert_memory_equal(bytes, expected, 64);
    assert_memory_equal(bytes + 128, "xyz\0\0\0\0\0", 8);
    unsigned char digest[DIGEST];
    qn_sha256("xyz", 3, digest);
    assert_memory_equal(bytes + 64, digest, DIGEST);
    qn_sha256(bytes, 96, digest);
    assert_memory_equal(bytes + 96, digest, DIGEST);
    qn_free(bytes);
}

static void test_damage(void **state)
{
    (void)state;
    size_t size = 0;
    char *bytes = written(sections, 3, &size);
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(parse_copy(bytes, size, &err), QN_OK);
    for (size_t at = 0; at < size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            err = (struct qn_error)QN_ERROR_INIT;
            bytes[at] = (char)(bytes[at] ^ 1 << bit);
            enum qn_status status = parse_copy(bytes, size, &err);
            assert_true(status == QN_CORRUPT || (status == QN_UNSUPPORTED && at >= 8 && at < 12));
            assert_non_null(strstr(err.message, "model.qnm"));
            bytes[at] = (char)(bytes[at] ^ 1 << bit);
        }
    }
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(parse_copy(bytes, cut, &err), QN_CORRUPT);
    qn_free(bytes);
}

/* Tables that lie, with checksums that fit. */
static void test_hostile(void **state)
{
    (void)state;
    size_t size = 0;
    struct qn_error err = QN_ERROR_INIT;
    static const struct {
        size_t at;
        int value;
    } lies[] = {
        {12, 17},            /* sections beyond the limit */
        {12, 4},             /* one more than there is room for */
        {12, 2},             /* bytes that belong to none */
        {16, 1},             /* size */
        {HEADER + 16, 1},    /* offset */
        {HEADER + 23, 0x80}, /* huge offset */
        {HEADER + 24, 24},   /* size that takes the filling in */
        {HEADER + 31, 0xff}, /* size that overflows when filled up */
        {HEADER + 32, 3},    /* unknown flag */
        {HEADER, 'L'},       /* name with a capital */
        {HEADER, 0},         /* no name */
        {HEADER + 9, 'x'},   /* bytes behind the name's end */
    };
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        char *bytes = written(sections, 3, &size);
        bytes[lies[i].at] = (char)lies[i].value;
        repair(bytes, (size_t)bytes[12] < 4 ? (size_t)bytes[12] : 3);
        assert_int_equal(parse_copy(bytes, size, &err), QN_CORRUPT);
        qn_free(bytes);
    }
    char *bytes = written(sections, 3, &size);
    memcpy(bytes + HEADER + ENTRY, bytes + HEADER, 16); /* a name twice */
    repair(bytes, 3);
    assert_int_equal(parse_copy(bytes, size, &err), QN_CORRUPT);
    bytes[8] = 2;
    assert_int_equal(parse_copy(bytes, size, &err), QN_UNSUPPORTED);
    assert_non_null(strstr(err.message, "newer"));
    qn_free(bytes);
}

/* Bytes behind the last section, with a size and a checksum that fit. */
static void test_bytes_behind(void **state)
{
    (void)state;
    size_t size = 0;
    struct qn_error err = QN_ERROR_INIT;
    char *bytes = written(sections, 3, &size), *longer = qn_alloc(size + 8, 1);
    assert_non_null(longer);
    memcpy(longer, bytes, size);
    memset(longer + size, 0, 8);
    for (size_t i = 0; i < 8; i++)
        longer[16 + i] = (char)((size + 8) >> (8 * i));
    repair(longer, 3);
    assert_int_equal(parse_copy(longer, size + 8, &err), QN_CORRUPT);
    qn_free(longer);
    qn_free(bytes);
}

static void hash_of(const struct qn_section *list, size_t count, char hash[QN_SHA256_HEX_SIZE])
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_model_file file;
    size_t size = 0;
    char *bytes = written(list, count, &size);
    assert_int_equal(qn_model_file_parse(bytes, size, "model", &file, &err), QN_OK);
    memcpy(hash, file.content_hash, QN_SHA256_HEX_SIZE);
    char before[QN_SHA256_HEX_SIZE]; /* the same without a file */
    qn_model_file_hash(list, count, before);
    assert_string_equal(before, hash);
    qn_model_file_release(&file);
}

static void test_content_hash(void **state)
{
    (void)state;
    struct qn_section other[3];
    char hash[QN_SHA256_HEX_SIZE], changed[QN_SHA256_HEX_SIZE];
    hash_of(sections, 3, hash);
    assert_int_equal(strlen(hash), 64);
    memcpy(other, sections, sizeof(other));
    other[2].bytes = "87654321 later";
    other[2].size = 14;
    hash_of(other, 3, changed);
    assert_string_equal(hash, changed);
    other[0].bytes = "some bytes of a learneR";
    hash_of(other, 3, changed);
    assert_string_not_equal(hash, changed);
    memcpy(other, sections, sizeof(other));
    memcpy(other[0].name, "learned", 8);
    hash_of(other, 3, changed);
    assert_string_not_equal(hash, changed);
    hash_of(sections, 0, changed);
    assert_string_not_equal(hash, changed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_layout),
        cmocka_unit_test(test_damage),       cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_content_hash), cmocka_unit_test(test_bytes_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
