/* The features, rearranged for counting: tiles of up to 16 features with the
 * codes of a row side by side. A row's codes are then one memory access, where columns would need
 * one a feature, and the histogram of a tile fits the first-level cache. */
#include "learn/boosting_internal.h"

#include "base/alloc.h"

#include <string.h>

enum { QN_STRIDES = 3, QN_BLOCK_ROWS = 16384 };

static const unsigned strides[QN_STRIDES] = {4, 6, 8}; /* powers of 2 that bins are padded to */

static unsigned stride_of(uint16_t bin_count)
{
    unsigned i = 0;
    while (i + 1 < QN_STRIDES && bin_count > 1u << strides[i])
        i++;
    return strides[i];
}

/* All features, those of equal stride together; counts: how many have each stride. */
static size_t order_slots(struct qn__store *store, size_t counts[QN_STRIDES])
{
    size_t slot = 0;
    for (size_t s = 0; s < QN_STRIDES; s++) {
        size_t before = slot;
        for (size_t f = 0; f < store->binned->feature_count; f++) {
            uint16_t bin_count = store->binned->features[f].bin_count;
            if (stride_of(bin_count) == strides[s])
                store->features[slot++] = (uint32_t)f;
        }
        counts[s] = slot - before;
    }
    return slot;
}

/* At least as many tiles as threads, when there are features enough: tiles are what threads share.
 * Sums are exact, so the cut does not show in the result. */
static size_t tiles_for(size_t slots, size_t thread_count)
{
    size_t tiles = (slots + QN__TILE_WIDTH - 1) / QN__TILE_WIDTH;
    if (tiles < thread_count)
        tiles = thread_count < slots ? thread_count : slots;
    return tiles;
}

static void cut_tiles(struct qn__store *store, const size_t counts[QN_STRIDES], size_t thread_count)
{
    size_t slot = 0, cell = 0;
    for (size_t s = 0; s < QN_STRIDES; s++) {
        size_t tiles = tiles_for(counts[s], thread_count), first = slot;
        for (size_t t = 0; t < tiles; t++) {
            size_t end = first + counts[s] * (t + 1) / tiles;
            struct qn__tile *tile = &store->tiles[store->tile_count++];
            *tile = (struct qn__tile){
                .slot = slot, .width = end - slot, .bin_shift = strides[s], .cell_at = cell};
            for (; slot < end; slot++) {
                store->cell_of[slot] = cell;
                cell += (size_t)1 << strides[s];
            }
        }
    }
    store->cell_count = cell;
}

struct fill {
    const struct qn__store *store;
    size_t block_count;
};

static void fill_block(void *context, size_t index, unsigned thread)
{
    (void)thread;
    const struct fill *job = context;
    const struct qn__tile *tile = &job->store->tiles[index / job->block_count];
    const struct qn_binned *binned = job->store->binned;
    size_t begin = index % job->block_count * QN_BLOCK_ROWS, end = begin + QN_BLOCK_ROWS;
    if (end > binned->row_count)
        end = binned->row_count;
    for (size_t w = 0; w < tile->width; w++) {
        const uint8_t *column = qn_binned_column(binned, job->store->features[tile->slot + w]);
        for (size_t row = begin; row < end; row++)
            tile->codes[row * tile->width + w] = column[row];
    }
}

enum qn_status qn__store_create(const struct qn_binned *binned, struct qn_pool *pool,
                                struct qn__store **out, struct qn_error *err)
{
    size_t thread_count = qn_pool_threads(pool), counts[QN_STRIDES];
    struct qn__store *store = QN_CALLOC(struct qn__store, 1);
    if (!store)
        return qn_fail_nomem(err, "gradient_boosting");
    store->binned = binned;
    store->features = QN_ALLOC(uint32_t, binned->feature_count);
    store->cell_of = QN_ALLOC(size_t, binned->feature_count);
    if (!store->features || !store->cell_of)
        goto no_memory;
    store->slot_count = order_slots(store, counts);
    size_t tile_limit = 0;
    for (size_t s = 0; s < QN_STRIDES; s++)
        tile_limit += tiles_for(counts[s], thread_count);
    store->tiles = QN_CALLOC(struct qn__tile, tile_limit);
    if (!store->tiles)
        goto no_memory;
    cut_tiles(store, counts, thread_count);
    for (size_t t = 0; t < store->tile_count; t++) {
        store->tiles[t].codes = qn_alloc(binned->row_count, store->tiles[t].width);
        if (!store->tiles[t].codes)
            goto no_memory;
    }
    struct fill job = {store, (binned->row_count + QN_BLOCK_ROWS - 1) / QN_BLOCK_ROWS};
    qn_pool_run(pool, store->tile_count * job.block_count, fill_block, &job);
    *out = store;
    return QN_OK;
no_memory:
    qn__store_free(store);
    return qn_fail_nomem(err, "gradient_boosting");
}

void qn__store_free(struct qn__store *store)
{
    if (!store)
        return;
    for (size_t t = 0; t < store->tile_count; t++)
        qn_free(store->tiles[t].codes);
    qn_free(store->tiles);
    qn_free(store->cell_of);
    qn_free(store->features);
    qn_free(store);
}
