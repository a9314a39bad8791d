#include "learn/boosting_internal.h"

#include <assert.h>
#include <string.h>

#define QN_ALWAYS_INLINE static inline __attribute__((always_inline))
enum { QN_AHEAD = 16 }; /* rows between asking for a row's codes and using them */

/* Called with constant width and shift, so that the inner loop becomes one load and one addition
 * to memory for each code. */
QN_ALWAYS_INLINE void add_rows(const uint8_t *codes, size_t width, unsigned shift,
                               const int64_t *packed, const uint32_t *rows, size_t row_count,
                               int64_t *cells)
{
    for (size_t i = 0; i < row_count; i++) {
        if (i + QN_AHEAD < row_count)
            __builtin_prefetch(codes + rows[i + QN_AHEAD] * width);
        const uint8_t *code = codes + rows[i] * width;
        int64_t value = packed[rows[i]];
        for (size_t w = 0; w < width; w++)
            cells[(w << shift) + code[w]] += value;
    }
}

#define QN_WIDTH(w)                                                                                \
    case w:                                                                                        \
        add_rows(tile->codes, w, shift, packed, rows, row_count, cells);                           \
        break

QN_ALWAYS_INLINE void add_by_width(const struct qn__tile *tile, unsigned shift,
                                   const int64_t *packed, const uint32_t *rows, size_t row_count,
                                   int64_t *cells)
{
    switch (tile->width) {
        QN_WIDTH(1);
        QN_WIDTH(2);
        QN_WIDTH(3);
        QN_WIDTH(4);
        QN_WIDTH(5);
        QN_WIDTH(6);
        QN_WIDTH(7);
        QN_WIDTH(8);
        QN_WIDTH(9);
        QN_WIDTH(10);
        QN_WIDTH(11);
        QN_WIDTH(12);
        QN_WIDTH(13);
        QN_WIDTH(14);
        QN_WIDTH(15);
        QN_WIDTH(16);
    default:
        assert(tile->width >= 1 && tile->width <= QN__TILE_WIDTH);
    }
}

static void add_packed(const struct qn__tile *tile, const int64_t *packed, const uint32_t *rows,
                       size_t row_count, int64_t *cells)
{
    memset(cells, 0, (tile->width << tile->bin_shift) * sizeof(*cells));
    switch (tile->bin_shift) {
    case 4:
        add_by_width(tile, 4, packed, rows, row_count, cells);
        break;
    case 6:
        add_by_width(tile, 6, packed, rows, row_count, cells);
        break;
    default:
        assert(tile->bin_shift == 8);
        add_by_width(tile, 8, packed, rows, row_count, cells);
    }
}

/* Blocks of packed sums, emptied into wide ones before a field can overflow. */
static void add_blocks(const struct qn__tile *tile, const struct qn__quantised *quantised,
                       const uint32_t *rows, size_t row_count, struct qn__sums *sums,
                       int64_t *scratch)
{
    size_t cell_count = tile->width << tile->bin_shift;
    for (size_t begin = 0; begin < row_count; begin += QN__PACKED_ROWS) {
        size_t left = row_count - begin;
        size_t count = left < QN__PACKED_ROWS ? left : QN__PACKED_ROWS;
        add_packed(tile, quantised->packed, rows + begin, count, scratch);
        for (size_t c = 0; c < cell_count; c++) {
            struct qn__sums cell = qn__unpack(&quantised->layout, scratch[c]);
            sums[c].gradient += cell.gradient;
            sums[c].hessian += cell.hessian;
            sums[c].count += cell.count;
        }
    }
}

static void add_exact(const struct qn__tile *tile, const struct qn__quantised *quantised,
                      const uint32_t *rows, size_t row_count, struct qn__sums *sums)
{
    for (size_t i = 0; i < row_count; i++) {
        const uint8_t *code = tile->codes + rows[i] * tile->width;
        int64_t gradient = quantised->gradient[rows[i]];
        int64_t hessian = quantised->hessian[rows[i]];
        for (size_t w = 0; w < tile->width; w++) {
            struct qn__sums *cell = &sums[(w << tile->bin_shift) + code[w]];
            cell->gradient += gradient;
            cell->hessian += hessian;
            cell->count++;
        }
    }
}

void qn__histogram_tile(const struct qn__tile *tile, const struct qn__quantised *quantised,
                        const uint32_t *rows, size_t row_count, struct qn__histogram *out,
                        int64_t *scratch)
{
    if (!out->wide) {
        assert(row_count <= QN__PACKED_ROWS);
        add_packed(tile, quantised->packed, rows, row_count, out->packed + tile->cell_at);
        return;
    }
    struct qn__sums *sums = out->sums + tile->cell_at;
    memset(sums, 0, (tile->width << tile->bin_shift) * sizeof(*sums));
    if (quantised->exact)
        add_exact(tile, quantised, rows, row_count, sums);
    else
        add_blocks(tile, quantised, rows, row_count, sums, scratch);
}

void qn__histogram_subtract(const struct qn__tile *tile, const struct qn__layout *layout,
                            const struct qn__histogram *parent, const struct qn__histogram *small,
                            struct qn__histogram *large)
{
    size_t end = tile->cell_at + (tile->width << tile->bin_shift);
    if (!parent->wide) {
        /* Fields cannot borrow from each other: no sum of the part is above that of the whole. */
        for (size_t c = tile->cell_at; c < end; c++)
            large->packed[c] = parent->packed[c] - small->packed[c];
        return;
    }
    for (size_t c = tile->cell_at; c < end; c++) {
        struct qn__sums part = small->wide ? small->sums[c] : qn__unpack(layout, small->packed[c]);
        struct qn__sums rest = {parent->sums[c].gradient - part.gradient,
                                parent->sums[c].hessian - part.hessian,
                                parent->sums[c].count - part.count};
        if (large->wide)
            large->sums[c] = rest;
        else
            large->packed[c] = qn__pack(layout, rest);
    }
}
