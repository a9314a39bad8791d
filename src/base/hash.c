#include "base/hash.h"

#include <sodium/crypto_hash_sha256.h>
#include <string.h>

__extension__ typedef unsigned __int128 qn_uint128;

/* Odd constants with about half of their bits set, from the binary expansion of e, pi and
 * sqrt(2). */
#define QN_HASH_A 0x8AED2A6ABF715881ULL
#define QN_HASH_B 0x243F6A8885A308D3ULL
#define QN_HASH_C 0xB504F333F9DE6485ULL

void qn_sha256(const void *bytes, size_t size, unsigned char digest[QN_SHA256_SIZE])
{
    /* Needs no sodium_init(), and cannot fail. */
    (void)crypto_hash_sha256(digest, bytes, size);
}

void qn_sha256_hex(const void *bytes, size_t size, char hex[QN_SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[QN_SHA256_SIZE];
    qn_sha256(bytes, size, digest);
    for (size_t i = 0; i < QN_SHA256_SIZE; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15U];
    }
    hex[QN_SHA256_HEX_SIZE - 1] = '\0';
}

static uint64_t load64(const unsigned char *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

static uint64_t load32(const unsigned char *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

/* The two halves of a 128-bit product, folded: each output bit depends on most input bits. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    qn_uint128 product = (qn_uint128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A multiply-and-fold hash in the manner of Wang Yi's wyhash: short keys take two overlapping
 * reads and two multiplications, long ones a multiplication for each 16 bytes. */
uint64_t qn_hash64(const void *bytes, size_t size, uint64_t seed)
{
    const unsigned char *at = bytes;
    uint64_t state = fold(seed ^ QN_HASH_A, QN_HASH_B);
    uint64_t a = 0, b = 0;
    if (size > 16) {
        const unsigned char *last = at + size - 16;
        for (; at < last; at += 16)
            state = fold(load64(at) ^ QN_HASH_A ^ state, load64(at + 8) ^ QN_HASH_C);
        a = load64(last);
        b = load64(last + 8);
    } else if (size >= 8) {
        a = load64(at);
        b = load64(at + size - 8);
    } else if (size >= 4) {
        a = load32(at);
        b = load32(at + size - 4);
    } else if (size > 0) {
        a = (uint64_t)at[0] << 16 | (uint64_t)at[size / 2] << 8 | at[size - 1];
    }
    return fold(fold(a ^ QN_HASH_B ^ state, b ^ QN_HASH_C) ^ state ^ size, QN_HASH_A);
}
