#include "base/hash.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void sha256_vectors(void **state)
{
    (void)state;
    char hex[QN_SHA256_HEX_SIZE];
    qn_sha256_hex("", 0, hex); /* FIPS 180-4's examples */
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    qn_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    unsigned char digest[QN_SHA256_SIZE];
    qn_sha256("abc", 3, digest);
    assert_int_equal(digest[0], 0xba);
    assert_int_equal(digest[31], 0xad);
}

/* Each flipped bit of the input flips each bit of the output about half of the time. */
static void avalanches_at_each_length(void **state)
{
    (void)state;
    struct qn_random random;
    qn_random_init(&random, 1, 0);
    for (size_t size = 1; size <= 40; size++) {
        unsigned flips[64] = {0};
        unsigned trials = 0;
        for (int round = 0; round < 40; round++) {
            unsigned char bytes[40];
            for (size_t i = 0; i < size; i++)
                bytes[i] = (unsigned char)qn_random_below(&random, 256);
            uint64_t before = qn_hash64(bytes, size, 9);
            for (size_t bit = 0; bit < size * 8; bit++) {
                bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
                uint64_t change = before ^ qn_hash64(bytes, size, 9);
                bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
                assert_true(change != 0);
                for (unsigned i = 0; i < 64; i++)
                    flips[i] += (unsigned)(change >> i & 1U);
                trials++;
            }
        }
        for (unsigned i = 0; i < 64; i++) {
            assert_true(flips[i] > trials * 0.36);
            assert_true(flips[i] < trials * 0.64);
        }
    }
}

static void spreads_small_keys(void **state)
{
    (void)state;
    /* Sequential texts into 65,536 buckets by low bits and by high bits: the number of empty
     * buckets is that of random throws, 65,536 / e, within 5 standard deviations. */
    static unsigned char low[65536], high[65536];
    for (int i = 0; i < 65536; i++) {
        char text[16];
        int length = snprintf(text, sizeof(text), "id%d", i);
        uint64_t hash = qn_hash64(text, (size_t)length, 0);
        low[hash & 0xFFFF] = 1;
        high[hash >> 48] = 1;
    }
    int empty_low = 0, empty_high = 0;
    for (int i = 0; i < 65536; i++) {
        empty_low += !low[i];
        empty_high += !high[i];
    }
    assert_true(abs(empty_low - 24109) < 400);
    assert_true(abs(empty_high - 24109) < 400);
}

static void size_and_seed_count(void **state)
{
    (void)state;
    unsigned char zeros[40] = {0};
    for (size_t a = 0; a < 40; a++) {
        assert_true(qn_hash64(zeros, a, 1) != qn_hash64(zeros, a, 2));
        for (size_t b = 0; b < a; b++)
            assert_true(qn_hash64(zeros, a, 1) != qn_hash64(zeros, b, 1));
    }
    assert_true(qn_hash64(NULL, 0, 1) == qn_hash64("", 0, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_vectors),
        cmocka_unit_test(avalanches_at_each_length),
        cmocka_unit_test(spreads_small_keys),
        cmocka_unit_test(size_and_seed_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
