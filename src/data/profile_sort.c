/* Sorting of one column: from it come distinct values, quantiles, ranks and the commonest values.
 */
#include "data/profile_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define QN_DIGIT_BITS 11
#define QN_DIGIT_VALUES (1U << QN_DIGIT_BITS)
#define QN_DIGITS 6 /* 6 x 11 bits hold 64 */
#define QN_SCRATCH_MIN 4096

enum qn_status qn__scratch_init(struct qn__scratch *scratch, size_t row_count, struct qn_error *err)
{
    size_t capacity = row_count < QN_SCRATCH_MIN ? QN_SCRATCH_MIN : row_count;
    *scratch = (struct qn__scratch){.capacity = capacity};
    scratch->keys = QN_ALLOC(uint64_t, capacity);
    scratch->keys_spare = QN_ALLOC(uint64_t, capacity);
    scratch->rows = QN_ALLOC(uint32_t, capacity);
    scratch->rows_spare = QN_ALLOC(uint32_t, capacity);
    scratch->ends = QN_ALLOC(uint32_t, capacity);
    if (!scratch->keys || !scratch->keys_spare || !scratch->rows || !scratch->rows_spare ||
        !scratch->ends) {
        qn__scratch_release(scratch);
        return qn_fail_nomem(err, "profile");
    }
    return QN_OK;
}

void qn__scratch_release(struct qn__scratch *scratch)
{
    qn_free(scratch->keys);
    qn_free(scratch->keys_spare);
    qn_free(scratch->rows);
    qn_free(scratch->rows_spare);
    qn_free(scratch->ends);
    *scratch = (struct qn__scratch){0};
}

static unsigned digit_of(uint64_t key, unsigned digit)
{
    return (unsigned)(key >> (digit * QN_DIGIT_BITS)) & (QN_DIGIT_VALUES - 1);
}

/* Moves keys into their order by one digit; starts is the digit's histogram and is used up. */
static void scatter(struct qn__scratch *scratch, size_t count, unsigned digit, uint32_t *starts,
                    bool with_rows)
{
    uint32_t at = 0;
    for (unsigned i = 0; i < QN_DIGIT_VALUES; i++) {
        uint32_t size = starts[i];
        starts[i] = at;
        at += size;
    }
    const uint64_t *keys = scratch->keys;
    uint64_t *keys_out = scratch->keys_spare;
    if (with_rows) {
        const uint32_t *rows = scratch->rows;
        uint32_t *rows_out = scratch->rows_spare;
        for (size_t i = 0; i < count; i++) {
            uint32_t to = starts[digit_of(keys[i], digit)]++;
            keys_out[to] = keys[i];
            rows_out[to] = rows[i];
        }
        uint32_t *swap = scratch->rows;
        scratch->rows = scratch->rows_spare;
        scratch->rows_spare = swap;
    } else {
        for (size_t i = 0; i < count; i++)
            keys_out[starts[digit_of(keys[i], digit)]++] = keys[i];
    }
    uint64_t *swap = scratch->keys;
    scratch->keys = scratch->keys_spare;
    scratch->keys_spare = swap;
}

void qn__sort(struct qn__scratch *scratch, size_t count, bool with_rows)
{
    if (count < 2)
        return;
    uint32_t histogram[QN_DIGITS][QN_DIGIT_VALUES];
    memset(histogram, 0, sizeof(histogram));
    for (size_t i = 0; i < count; i++) {
        uint64_t key = scratch->keys[i];
        for (unsigned digit = 0; digit < QN_DIGITS; digit++)
            histogram[digit][digit_of(key, digit)]++;
    }
    for (unsigned digit = 0; digit < QN_DIGITS; digit++) {
        unsigned first = digit_of(scratch->keys[0], digit);
        if (histogram[digit][first] != count)
            scatter(scratch, count, digit, histogram[digit], with_rows);
    }
}

/* Doubles in order as unsigned integers: negative ones have all bits turned, others the sign. */
static uint64_t key_of_double(double value)
{
    uint64_t bits;
    value += 0.0; /* -0 is 0 */
    memcpy(&bits, &value, sizeof(bits));
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static double double_of_key(uint64_t key)
{
    uint64_t bits = key >> 63 ? key & ~((uint64_t)1 << 63) : ~key;
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static size_t collect_numbers(const struct qn_column *column, size_t row_count,
                              struct qn__scratch *scratch, struct qn_column_profile *out,
                              unsigned *infinite_signs)
{
    size_t size = 0, negative_infinite = 0;
    double previous = -INFINITY;
    bool sorted = true;
    for (size_t row = 0; row < row_count; row++) {
        double value = column->values.number[row];
        /* Written without early exits: also NaN is not less than a number. */
        sorted &= value >= previous;
        previous = value;
        if (isfinite(value)) {
            scratch->keys[size] = key_of_double(value);
            scratch->rows[size++] = (uint32_t)row;
        } else if (isnan(value)) {
            out->missing++;
        } else {
            out->infinite++;
            negative_infinite += value < 0;
        }
    }
    out->sorted_ascending = sorted;
    *infinite_signs =
        (negative_infinite > 0 ? 1U : 0U) + (out->infinite > negative_infinite ? 1U : 0U);
    return size;
}

/* Keys are values less the smallest one, so that narrow columns have few digits. */
static size_t collect_integers(const struct qn_column *column, size_t row_count,
                               struct qn__scratch *scratch)
{
    size_t size = 0;
    for (size_t row = 0; row < row_count; row++) {
        int64_t value = column->values.integer[row];
        scratch->keys[size] = (uint64_t)value;
        scratch->rows[size] = (uint32_t)row;
        size += value != QN_MISSING_INTEGER;
    }
    return size;
}

/* Distinct values of sorted keys into the spare keys; ranks of all rows on the way. */
static void runs_of_sorted(struct qn__scratch *scratch, size_t size, bool whole, uint64_t base,
                           uint32_t *ranks, struct qn__runs *runs)
{
    const uint64_t *keys = scratch->keys;
    double *numbers = (double *)(void *)scratch->keys_spare;
    int64_t *integers = (int64_t *)(void *)scratch->keys_spare;
    size_t count = 0;
    for (size_t from = 0, to; from < size; from = to) {
        uint64_t key = keys[from];
        to = from + 1;
        while (to < size && keys[to] == key)
            to++;
        if (whole)
            integers[count] = (int64_t)(key + base);
        else
            numbers[count] = double_of_key(key);
        scratch->ends[count++] = (uint32_t)to;
        if (ranks) {
            uint32_t rank = (uint32_t)(from + to - 1);
            for (size_t i = from; i < to; i++)
                ranks[scratch->rows[i]] = rank;
        }
    }
    *runs = (struct qn__runs){.values = scratch->keys_spare,
                              .ends = scratch->ends,
                              .count = count,
                              .total = size,
                              .whole = whole};
}

/* The same for integers of a small range, by counting. */
static void runs_of_counts(const struct qn_column *column, size_t row_count, int64_t low,
                           size_t range, struct qn__scratch *scratch, uint32_t *ranks,
                           struct qn__runs *runs)
{
    uint32_t *counts = (uint32_t *)(void *)scratch->keys_spare;
    int64_t *integers = (int64_t *)(void *)scratch->keys;
    memset(counts, 0, range * sizeof(*counts));
    const int64_t *values = column->values.integer;
    for (size_t row = 0; row < row_count; row++) {
        if (values[row] != QN_MISSING_INTEGER)
            counts[(uint64_t)values[row] - (uint64_t)low]++;
    }
    size_t count = 0;
    uint32_t from = 0;
    for (size_t i = 0; i < range; i++) {
        if (!counts[i])
            continue;
        uint32_t to = from + counts[i];
        integers[count] = (int64_t)((uint64_t)low + i);
        scratch->ends[count++] = to;
        counts[i] = from + to - 1; /* From here on: the rank. */
        from = to;
    }
    if (ranks) {
        for (size_t row = 0; row < row_count; row++)
            ranks[row] = values[row] == QN_MISSING_INTEGER
                             ? QN__NO_RANK
                             : counts[(uint64_t)values[row] - (uint64_t)low];
    }
    *runs = (struct qn__runs){.values = scratch->keys,
                              .ends = scratch->ends,
                              .count = count,
                              .total = from,
                              .whole = true};
}

static void runs_of_integers(const struct qn_column *column, size_t row_count,
                             struct qn__scratch *scratch, uint32_t *ranks,
                             struct qn_column_profile *out, struct qn__runs *runs)
{
    int64_t low = INT64_MAX, high = INT64_MIN, previous = INT64_MIN;
    bool sorted = true;
    for (size_t row = 0; row < row_count; row++) {
        int64_t value = column->values.integer[row];
        bool missing = value == QN_MISSING_INTEGER;
        out->missing += missing;
        low = missing || value > low ? low : value;
        high = value < high ? high : value;
        sorted &= value >= previous;
        previous = value;
    }
    out->sorted_ascending = sorted && out->missing == 0;
    if (out->missing == row_count) {
        *runs = (struct qn__runs){.values = scratch->keys, .ends = scratch->ends, .whole = true};
        return;
    }
    uint64_t range = (uint64_t)high - (uint64_t)low;
    if (range < QN_SCRATCH_MIN || range < row_count) {
        runs_of_counts(column, row_count, low, (size_t)range + 1, scratch, ranks, runs);
        return;
    }
    size_t size = collect_integers(column, row_count, scratch);
    for (size_t i = 0; i < size; i++)
        scratch->keys[i] -= (uint64_t)low;
    qn__sort(scratch, size, ranks != NULL);
    runs_of_sorted(scratch, size, true, (uint64_t)low, ranks, runs);
}

void qn__runs_make(const struct qn_column *column, size_t row_count, struct qn__scratch *scratch,
                   uint32_t *ranks, struct qn_column_profile *out, struct qn__runs *runs,
                   unsigned *infinite_signs)
{
    assert(row_count <= scratch->capacity && row_count <= QN__ROW_MAX);
    assert(!qn_type_is_coded(column->type));
    if (ranks)
        memset(ranks, 0xFF, row_count * sizeof(*ranks)); /* QN__NO_RANK */
    *infinite_signs = 0;
    if (column->type == QN_TYPE_NUMBER) {
        size_t size = collect_numbers(column, row_count, scratch, out, infinite_signs);
        qn__sort(scratch, size, ranks != NULL);
        runs_of_sorted(scratch, size, false, 0, ranks, runs);
    } else {
        runs_of_integers(column, row_count, scratch, ranks, out, runs);
    }
    out->count = row_count - out->missing;
    out->distinct = runs->count + *infinite_signs;
}

void qn__runs_to_double(struct qn__runs *runs)
{
    if (!runs->whole)
        return;
    const int64_t *integers = runs->values;
    double *numbers = runs->values;
    for (size_t i = 0; i < runs->count; i++) {
        double value = (double)integers[i];
        memcpy(&numbers[i], &value, sizeof(value));
    }
    runs->whole = false;
}
