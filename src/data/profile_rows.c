/* What is seen across the columns of a row: rows that repeat, and cells that are missing together.
 */
#include "data/profile_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define QN_ROWS_A_TASK 4096
#define QN_PARTS 16 /* of the hash space; each is searched for repeated rows on its own */
#define QN_PART_BITS 4
#define QN_PATTERNS_MAX 20
#define QN_NO_ROW UINT32_MAX

/* The finaliser of splitmix64 (Steele, Lea and Flood, OOPSLA 2014). */
static uint64_t mix(uint64_t value)
{
    value ^= value >> 30;
    value *= 0xBF58476D1CE4E5B9U;
    value ^= value >> 27;
    value *= 0x94D049BB133111EBU;
    return value ^ value >> 31;
}

struct row_hashes {
    const struct qn_table *table;
    uint64_t *hashes; /* row_count */
    /* Open addressing, one stretch of slots a part; a slot is a row or QN_NO_ROW. */
    uint32_t *slots;
    size_t part_from[QN_PARTS], part_size[QN_PARTS]; /* sizes are powers of two */
    size_t repeated[QN_PARTS];
};

static void hash_column(const struct qn_column *column, size_t from, size_t to, uint64_t *hashes)
{
    /* A multiplication a cell is enough: rows with one hash are compared cell by cell. */
    const uint64_t factor = 0x9E3779B97F4A7C15U;
    for (size_t row = from; row < to; row++) {
        uint64_t cell;
        if (column->type == QN_TYPE_NUMBER) {
            double value = column->values.number[row] + 0.0; /* -0 is 0 */
            if (isnan(value))
                cell = 1;
            else
                memcpy(&cell, &value, sizeof(cell));
        } else if (qn_type_is_coded(column->type)) {
            cell = (uint32_t)column->values.code[row];
        } else {
            cell = (uint64_t)column->values.integer[row];
        }
        uint64_t hash = (hashes[row] ^ cell) * factor;
        hashes[row] = hash ^ hash >> 32;
    }
}

static void hash_task(void *context, size_t index, unsigned thread)
{
    (void)thread;
    struct row_hashes *rows = context;
    size_t from = index * QN_ROWS_A_TASK, to = from + QN_ROWS_A_TASK;
    to = to < rows->table->row_count ? to : rows->table->row_count;
    for (size_t row = from; row < to; row++)
        rows->hashes[row] = 0x6A09E667F3BCC908U;
    for (size_t i = 0; i < rows->table->column_count; i++)
        hash_column(&rows->table->columns[i], from, to, rows->hashes);
    for (size_t row = from; row < to; row++)
        rows->hashes[row] = mix(rows->hashes[row]);
}

static bool rows_equal(const struct qn_table *table, size_t a, size_t b)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const struct qn_column *column = &table->columns[i];
        bool equal;
        if (column->type == QN_TYPE_NUMBER) {
            double x = column->values.number[a], y = column->values.number[b];
            equal = x == y || (isnan(x) && isnan(y));
        } else if (qn_type_is_coded(column->type)) {
            equal = column->values.code[a] == column->values.code[b];
        } else {
            equal = column->values.integer[a] == column->values.integer[b];
        }
        if (!equal)
            return false;
    }
    return true;
}

static void repeat_task(void *context, size_t part, unsigned thread)
{
    (void)thread;
    struct row_hashes *rows = context;
    uint32_t *slots = rows->slots + rows->part_from[part];
    size_t mask = rows->part_size[part] - 1;
    memset(slots, 0xFF, rows->part_size[part] * sizeof(*slots)); /* QN_NO_ROW */
    for (size_t row = 0; row < rows->table->row_count; row++) {
        uint64_t hash = rows->hashes[row];
        if (hash >> (64 - QN_PART_BITS) != part)
            continue;
        size_t at = hash & mask;
        while (slots[at] != QN_NO_ROW &&
               (rows->hashes[slots[at]] != hash || !rows_equal(rows->table, slots[at], row)))
            at = (at + 1) & mask;
        if (slots[at] == QN_NO_ROW)
            slots[at] = (uint32_t)row;
        else
            rows->repeated[part]++;
    }
}

/* A column without repeated values settles it. */
static bool rows_must_differ(const struct qn_profile *profile)
{
    for (size_t i = 0; i < profile->table->column_count; i++) {
        if (profile->columns[i].distinct == profile->table->row_count &&
            profile->columns[i].missing == 0)
            return true;
    }
    return false;
}

enum qn_status qn__duplicates_count(struct qn__work *work, struct qn_error *err)
{
    const struct qn_table *table = work->table;
    if (table->row_count < 2 || table->column_count == 0 || rows_must_differ(work->profile))
        return QN_OK;
    enum qn_status status = QN_OK;
    struct row_hashes rows = {.table = table};
    size_t counts[QN_PARTS] = {0}, total = 0;
    rows.hashes = QN_ALLOC(uint64_t, table->row_count);
    if (!rows.hashes)
        return qn_fail_nomem(err, "duplicate rows");
    qn_pool_run(work->pool, (table->row_count + QN_ROWS_A_TASK - 1) / QN_ROWS_A_TASK, hash_task,
                &rows);
    for (size_t row = 0; row < table->row_count; row++)
        counts[rows.hashes[row] >> (64 - QN_PART_BITS)]++;
    for (size_t part = 0; part < QN_PARTS; part++) {
        size_t size = 16;
        while (size < counts[part] + counts[part] / 2 + 1)
            size *= 2;
        rows.part_from[part] = total;
        rows.part_size[part] = size;
        total += size;
    }
    rows.slots = QN_ALLOC(uint32_t, total);
    if (!rows.slots) {
        status = qn_fail_nomem(err, "duplicate rows");
        goto done;
    }
    qn_pool_run(work->pool, QN_PARTS, repeat_task, &rows);
    for (size_t part = 0; part < QN_PARTS; part++)
        work->profile->duplicate_rows += rows.repeated[part];
done:
    qn_free(rows.slots);
    qn_free(rows.hashes);
    return status;
}

/* The set of missing columns of a row: the exclusive or of one random number a column (Zobrist
 * 1970), in 128 bits, so that two sets never meet in practice. */
struct set_key {
    uint64_t high, low;
};

struct set_keys {
    const struct qn_table *table;
    const size_t *columns; /* those with missing cells */
    size_t column_count;
    struct set_key *keys; /* row_count */
};

static void set_task(void *context, size_t index, unsigned thread)
{
    (void)thread;
    const struct set_keys *sets = context;
    size_t from = index * QN_ROWS_A_TASK, to = from + QN_ROWS_A_TASK;
    to = to < sets->table->row_count ? to : sets->table->row_count;
    memset(sets->keys + from, 0, (to - from) * sizeof(*sets->keys));
    for (size_t i = 0; i < sets->column_count; i++) {
        uint64_t number = sets->columns[i];
        struct set_key key = {mix(number * 2 + 1), mix(~(number * 2))};
        const struct qn_column *column = &sets->table->columns[sets->columns[i]];
        for (size_t row = from; row < to; row++) {
            if (qn_column_is_missing(column, row)) {
                sets->keys[row].high ^= key.high;
                sets->keys[row].low ^= key.low;
            }
        }
    }
}

struct set_count {
    struct set_key key;
    size_t rows; /* 0: the slot is empty */
    size_t first;
};

struct set_counts {
    struct set_count *slots; /* owns */
    size_t size, used;       /* size is a power of two */
};

static struct set_count *set_find(struct set_counts *counts, struct set_key key)
{
    size_t at = key.low & (counts->size - 1);
    while (counts->slots[at].rows > 0 &&
           (counts->slots[at].key.low != key.low || counts->slots[at].key.high != key.high))
        at = (at + 1) & (counts->size - 1);
    return &counts->slots[at];
}

static bool set_grow(struct set_counts *counts)
{
    struct set_counts larger = {.size = counts->size ? counts->size * 4 : 256,
                                .used = counts->used};
    larger.slots = QN_CALLOC(struct set_count, larger.size);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < counts->size; i++) {
        if (counts->slots[i].rows > 0)
            *set_find(&larger, counts->slots[i].key) = counts->slots[i];
    }
    qn_free(counts->slots);
    *counts = larger;
    return true;
}

static bool set_count_rows(const struct set_keys *sets, struct set_counts *counts)
{
    for (size_t row = 0; row < sets->table->row_count; row++) {
        if (counts->used * 2 >= counts->size && !set_grow(counts))
            return false;
        struct set_count *slot = set_find(counts, sets->keys[row]);
        if (slot->rows == 0) {
            slot->key = sets->keys[row];
            slot->first = row;
            counts->used++;
        }
        slot->rows++;
    }
    return true;
}

/* The most frequent sets, ties to the one that is first in the file; returns how many. */
static size_t set_top(const struct set_counts *counts, struct set_count *top)
{
    size_t used = 0;
    for (size_t i = 0; i < counts->size; i++) {
        struct set_count item = counts->slots[i];
        if (item.rows == 0)
            continue;
        size_t at = used < QN_PATTERNS_MAX ? used++ : QN_PATTERNS_MAX;
        for (; at > 0 && (top[at - 1].rows < item.rows ||
                          (top[at - 1].rows == item.rows && top[at - 1].first > item.first));
             at--) {
            if (at < QN_PATTERNS_MAX)
                top[at] = top[at - 1];
        }
        if (at < QN_PATTERNS_MAX)
            top[at] = item;
    }
    return used;
}

static enum qn_status set_publish(const struct set_keys *sets, const struct set_count *top,
                                  size_t top_count, struct qn_profile *profile)
{
    profile->patterns = QN_CALLOC(struct qn_missing_pattern, top_count);
    if (!profile->patterns)
        return QN_NOMEM;
    for (size_t i = 0; i < top_count; i++) {
        struct qn_missing_pattern *pattern = &profile->patterns[i];
        pattern->rows = top[i].rows;
        pattern->columns = QN_ALLOC(size_t, sets->column_count);
        profile->pattern_count++;
        if (!pattern->columns)
            return QN_NOMEM;
        for (size_t c = 0; c < sets->column_count; c++) {
            if (qn_column_is_missing(&sets->table->columns[sets->columns[c]], top[i].first))
                pattern->columns[pattern->column_count++] = sets->columns[c];
        }
    }
    return QN_OK;
}

enum qn_status qn__patterns_find(struct qn__work *work, struct qn_error *err)
{
    const struct qn_table *table = work->table;
    enum qn_status status = QN_OK;
    struct set_keys sets = {.table = table};
    struct set_counts counts = {.slots = NULL};
    struct set_count top[QN_PATTERNS_MAX];
    size_t *columns = QN_ALLOC(size_t, table->column_count);
    if (!columns)
        return qn_fail_nomem(err, "missing cells");
    for (size_t i = 0; i < table->column_count; i++) {
        if (work->profile->columns[i].missing > 0)
            columns[sets.column_count++] = i;
    }
    sets.columns = columns;
    size_t top_count = 0;
    if (sets.column_count == 0) {
        top[0] = (struct set_count){.rows = table->row_count};
        top_count = table->row_count > 0;
    } else {
        sets.keys = QN_ALLOC(struct set_key, table->row_count);
        if (!sets.keys) {
            status = qn_fail_nomem(err, "missing cells");
            goto done;
        }
        qn_pool_run(work->pool, (table->row_count + QN_ROWS_A_TASK - 1) / QN_ROWS_A_TASK, set_task,
                    &sets);
        if (!set_count_rows(&sets, &counts)) {
            status = qn_fail_nomem(err, "missing cells");
            goto done;
        }
        top_count = set_top(&counts, top);
    }
    if (set_publish(&sets, top, top_count, work->profile) != QN_OK)
        status = qn_fail_nomem(err, "missing cells");
done:
    qn_free(counts.slots);
    qn_free(sets.keys);
    qn_free(columns);
    return status;
}
