#include "learn/boosting_internal.h"

#include <string.h>

/* Rows of one task; up to here no other thread is asked. */
#define QN_BLOCK_ROWS ((size_t)16384)
#define QN_BLOCKS 256 /* counted at once; more rows come in rounds of their own */

struct partition {
    const uint8_t *codes;
    uint8_t goes_left[QN_BIN_LIMIT];
    uint32_t *rows, *spare;
    size_t count;
    size_t left_count[QN_BLOCKS], left_at[QN_BLOCKS], right_at[QN_BLOCKS];
};

static size_t block_count_of(size_t count)
{
    return (count + QN_BLOCK_ROWS - 1) / QN_BLOCK_ROWS;
}

static size_t block_size(const struct partition *job, size_t block)
{
    size_t left = job->count - block * QN_BLOCK_ROWS;
    return left < QN_BLOCK_ROWS ? left : QN_BLOCK_ROWS;
}

/* Left rows to the front of the block's spare memory, right ones to its end, backwards. Both are
 * written every time and only the right cursor moves: which way a row goes cannot be predicted. */
static void split_block(void *context, size_t block, unsigned thread)
{
    (void)thread;
    struct partition *job = context;
    size_t size = block_size(job, block), left = 0, right = size;
    const uint32_t *rows = job->rows + block * QN_BLOCK_ROWS;
    uint32_t *spare = job->spare + block * QN_BLOCK_ROWS;
    for (size_t i = 0; i < size; i++) {
        size_t to_left = job->goes_left[job->codes[rows[i]]];
        spare[left] = rows[i];
        spare[right - 1] = rows[i];
        left += to_left;
        right -= 1 - to_left;
    }
    job->left_count[block] = left;
}

static void gather_block(void *context, size_t block, unsigned thread)
{
    (void)thread;
    const struct partition *job = context;
    size_t size = block_size(job, block), left = job->left_count[block];
    const uint32_t *spare = job->spare + block * QN_BLOCK_ROWS;
    memcpy(job->rows + job->left_at[block], spare, left * sizeof(*spare));
    uint32_t *right = job->rows + job->right_at[block];
    for (size_t i = 0; i < size - left; i++)
        right[i] = spare[size - 1 - i];
}

/* One round: count <= QN_BLOCKS * QN_BLOCK_ROWS. */
static size_t partition_round(struct partition *job, struct qn_pool *pool)
{
    size_t block_count = block_count_of(job->count);
    qn_pool_run(pool, block_count, split_block, job);
    size_t left = 0;
    for (size_t b = 0; b < block_count; b++) {
        job->left_at[b] = left;
        left += job->left_count[b];
    }
    for (size_t b = 0, right = left; b < block_count; b++) {
        job->right_at[b] = right;
        right += block_size(job, b) - job->left_count[b];
    }
    qn_pool_run(pool, block_count, gather_block, job);
    return left;
}

size_t qn__partition(const uint8_t *codes, const struct qn__split *split, uint32_t *rows,
                     uint32_t *spare, size_t count, struct qn_pool *pool)
{
    const size_t round = QN_BLOCKS * QN_BLOCK_ROWS;
    struct partition job = {.codes = codes, .spare = spare};
    for (size_t code = 0; code < QN_BIN_LIMIT; code++)
        job.goes_left[code] = qn__split_left(split, (uint8_t)code);
    size_t left = 0;
    for (size_t begin = 0; begin < count; begin += round) {
        job.rows = rows + begin;
        job.count = count - begin < round ? count - begin : round;
        size_t added = partition_round(&job, pool);
        size_t right_before = begin - left;
        if (right_before > 0) {
            /* Rows of this round that go left trade places with the right ones before them. */
            memcpy(spare, rows + begin, added * sizeof(*rows));
            memmove(rows + left + added, rows + left, right_before * sizeof(*rows));
            memcpy(rows + left, spare, added * sizeof(*rows));
        }
        left += added;
    }
    return left;
}
