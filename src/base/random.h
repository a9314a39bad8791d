/* Deterministic random numbers: xoshiro256** (Blackman and Vigna, 2018) seeded by splitmix64.
 * Each use draws from its own stream (seed, stream), so that threads never change results. */
#ifndef QN_BASE_RANDOM_H
#define QN_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct qn_random {
    uint64_t state[4];
};

void qn_random_init(struct qn_random *random, uint64_t seed, uint64_t stream);
uint64_t qn_random_u64(struct qn_random *random);
double qn_random_unit(struct qn_random *random);                /* [0, 1), 53 bits */
size_t qn_random_below(struct qn_random *random, size_t bound); /* [0, bound), unbiased */
double qn_random_normal(struct qn_random *random);              /* mean 0, variance 1 */
void qn_random_shuffle(struct qn_random *random, size_t *items, size_t count); /* Fisher-Yates */
/* First `count` items of `items` become a random sample without replacement of all `total`. */
void qn_random_sample(struct qn_random *random, size_t *items, size_t total, size_t count);

#endif
