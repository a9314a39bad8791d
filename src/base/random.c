#include "base/random.h"

#include "base/numeric.h"

#include <assert.h>
#include <math.h>

__extension__ typedef unsigned __int128 qn_uint128;

#define QN_GOLDEN 0x9E3779B97F4A7C15ULL /* 2^64 / golden ratio, splitmix64's increment */

/* splitmix64's output function (Steele, Lea and Flood, OOPSLA 2014; Stafford's variant 13). */
static uint64_t mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

static uint64_t rotate_left(uint64_t x, unsigned count)
{
    return (x << count) | (x >> (64 - count));
}

void qn_random_init(struct qn_random *random, uint64_t seed, uint64_t stream)
{
    /* mix64 is a bijection, so the streams of one seed all start apart; the outer one keeps near
     * stream numbers from being shifted copies of one splitmix64 sequence. */
    uint64_t x = mix64(mix64(seed + QN_GOLDEN) + (stream + 1) * 0xD1B54A32D192ED03ULL);
    for (int i = 0; i < 4; i++) {
        x += QN_GOLDEN;
        random->state[i] = mix64(x);
    }
}

uint64_t qn_random_u64(struct qn_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double qn_random_unit(struct qn_random *random)
{
    return (double)(qn_random_u64(random) >> 11) * 0x1p-53;
}

/* Lemire, "Fast random integer generation in an interval", TOMACS 2019. */
size_t qn_random_below(struct qn_random *random, size_t bound)
{
    assert(bound > 0);
    qn_uint128 product = (qn_uint128)qn_random_u64(random) * bound;
    if ((uint64_t)product < bound) {
        uint64_t threshold = (0 - (uint64_t)bound) % bound;
        while ((uint64_t)product < threshold)
            product = (qn_uint128)qn_random_u64(random) * bound;
    }
    return (size_t)(product >> 64);
}

/* Marsaglia's polar method (SIAM Review, 1964). The second value of a pair is dropped: keeping it
 * would make a draw depend on whether the ones before it were normal. */
double qn_random_normal(struct qn_random *random)
{
    for (;;) {
        double u = 2.0 * qn_random_unit(random) - 1.0;
        double v = 2.0 * qn_random_unit(random) - 1.0;
        double square = u * u + v * v;
        if (square > 0.0 && square < 1.0)
            return u * sqrt(-2.0 * qn_log(square) / square);
    }
}

static void swap(size_t *items, size_t i, size_t j)
{
    size_t kept = items[i];
    items[i] = items[j];
    items[j] = kept;
}

void qn_random_shuffle(struct qn_random *random, size_t *items, size_t count)
{
    for (size_t i = count; i > 1; i--)
        swap(items, i - 1, qn_random_below(random, i));
}

void qn_random_sample(struct qn_random *random, size_t *items, size_t total, size_t count)
{
    assert(count <= total);
    for (size_t i = 0; i < count; i++)
        swap(items, i, i + qn_random_below(random, total - i));
}
