/* Hashes: SHA-256 for content (libsodium), a fast 64-bit hash for tables in memory. */
#ifndef QN_BASE_HASH_H
#define QN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define QN_SHA256_SIZE 32
#define QN_SHA256_HEX_SIZE 65 /* with the NUL */

void qn_sha256(const void *bytes, size_t size, unsigned char digest[QN_SHA256_SIZE]);
void qn_sha256_hex(const void *bytes, size_t size, char hex[QN_SHA256_HEX_SIZE]);

/* Good avalanche, not keyed: never for data that an attacker can choose to make a table slow
 * without also passing a random seed. */
uint64_t qn_hash64(const void *bytes, size_t size, uint64_t seed);

#endif
