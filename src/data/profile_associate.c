/* How columns hang together.
 *
 * Pearson and Spearman use the rows where both columns are finite (pairwise-complete), as pandas
 * does: for Spearman the ranks of such a pair are made among those rows. Cramer's V is corrected
 * for bias (W. Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", J. Korean Statistical
 * Society 42, 2013). The correlation ratio is sqrt(between / total sum of squares).
 *
 * Work is cut by columns and rows are added up in blocks of one size, in order, so that no figure
 * depends on the number of threads. */
#include "data/profile_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define QN_BLOCK 512 /* rows whose columns fit the first-level cache while a tile is added up */
#define QN_TILE 8    /* columns a side of a tile */
/* Ranks made anew, rows times pairs, before Spearman's correlation of further pairs with missing
 * values is left out: about half a minute of one core. */
#define QN_RANK_AGAIN_CELLS 4000000000ULL

struct pair_sums {
    double count, x, y, xx, yy, xy;
};

struct grid {
    const struct qn__work *work;
    const size_t *columns; /* the numeric columns that take part */
    size_t count;
    size_t tile_count;      /* a side */
    bool ranks;             /* of ranks, complete columns only; else of values */
    struct pair_sums *sums; /* upper triangle with the diagonal */
};

static size_t pair_index(size_t count, size_t a, size_t b)
{
    return a * count - a * (a + 1) / 2 + b;
}

void qn__column_load(const struct qn_column *column, size_t from, size_t count, double centre,
                     double *values, double *mask)
{
    if (column->type == QN_TYPE_NUMBER) {
        const double *numbers = column->values.number + from;
        for (size_t i = 0; i < count; i++) {
            bool finite = isfinite(numbers[i]);
            values[i] = finite ? numbers[i] - centre : 0.0;
            mask[i] = finite;
        }
        return;
    }
    const int64_t *integers = column->values.integer + from;
    for (size_t i = 0; i < count; i++) {
        bool present = integers[i] != QN_MISSING_INTEGER;
        values[i] = present ? (double)integers[i] - centre : 0.0;
        mask[i] = present;
    }
}

static double dot(const double *x, const double *y, size_t count)
{
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        s0 += x[i] * y[i];
        s1 += x[i + 1] * y[i + 1];
        s2 += x[i + 2] * y[i + 2];
        s3 += x[i + 3] * y[i + 3];
    }
    for (; i < count; i++)
        s0 += x[i] * y[i];
    return (s0 + s1) + (s2 + s3);
}

static void add_masked(struct pair_sums *sums, const double *x, const double *mask_x,
                       const double *y, const double *mask_y, size_t count)
{
    struct pair_sums s = {0, 0, 0, 0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        double a = x[i] * mask_y[i], b = y[i] * mask_x[i];
        s.count += mask_x[i] * mask_y[i];
        s.x += a;
        s.y += b;
        s.xx += a * a;
        s.yy += b * b;
        s.xy += a * b;
    }
    sums->count += s.count;
    sums->x += s.x;
    sums->y += s.y;
    sums->xx += s.xx;
    sums->yy += s.yy;
    sums->xy += s.xy;
}

/* One side of a tile: a block of rows of up to QN_TILE columns. */
struct side {
    double values[QN_TILE][QN_BLOCK];
    double mask[QN_TILE][QN_BLOCK];
};

static void side_load(const struct grid *grid, size_t tile, size_t from, size_t count,
                      struct side *side)
{
    const struct qn_table *table = grid->work->table;
    for (size_t i = 0; i < QN_TILE && tile * QN_TILE + i < grid->count; i++) {
        size_t column = grid->columns[tile * QN_TILE + i];
        const struct qn__facts *facts = &grid->work->facts[column];
        if (!grid->ranks) {
            qn__column_load(&table->columns[column], from, count, facts->centre, side->values[i],
                            side->mask[i]);
        } else if (facts->complete && facts->ranks) {
            double centre = (double)(table->row_count - 1);
            for (size_t row = 0; row < count; row++)
                side->values[i][row] = facts->ranks[from + row] - centre;
        }
    }
}

static void tile_add(const struct grid *grid, const size_t tile[2], const struct side *left,
                     const struct side *right, size_t count)
{
    for (size_t i = 0; i < QN_TILE && tile[0] * QN_TILE + i < grid->count; i++) {
        size_t a = tile[0] * QN_TILE + i;
        const struct qn__facts *fa = &grid->work->facts[grid->columns[a]];
        for (size_t j = 0; j < QN_TILE && tile[1] * QN_TILE + j < grid->count; j++) {
            size_t b = tile[1] * QN_TILE + j;
            const struct qn__facts *fb = &grid->work->facts[grid->columns[b]];
            if (b < a)
                continue;
            struct pair_sums *sums = &grid->sums[pair_index(grid->count, a, b)];
            if (fa->complete && fb->complete) {
                if (!grid->ranks || (fa->ranks && fb->ranks))
                    sums->xy += dot(left->values[i], right->values[j], count);
            } else if (!grid->ranks && a != b) {
                add_masked(sums, left->values[i], left->mask[i], right->values[j], right->mask[j],
                           count);
            }
        }
    }
}

static void tile_task(void *context, size_t index, unsigned thread)
{
    (void)thread;
    const struct grid *grid = context;
    size_t tile[2] = {0, index};
    while (tile[1] >= grid->tile_count - tile[0]) {
        tile[1] -= grid->tile_count - tile[0];
        tile[0]++;
    }
    tile[1] += tile[0];
    struct side left, right;
    size_t row_count = grid->work->table->row_count;
    for (size_t from = 0; from < row_count; from += QN_BLOCK) {
        size_t count = row_count - from < QN_BLOCK ? row_count - from : QN_BLOCK;
        side_load(grid, tile[0], from, count, &left);
        if (tile[0] != tile[1])
            side_load(grid, tile[1], from, count, &right);
        tile_add(grid, tile, &left, tile[0] == tile[1] ? &left : &right, count);
    }
}

static double correlation(double xx, double yy, double xy)
{
    double r = xy / sqrt(xx) / sqrt(yy);
    if (xx == yy && xy == xx) /* The very same values: 1, whatever the roots round to. */
        r = 1.0;
    if (!(xx > 0) || !(yy > 0) || !isfinite(r))
        return NAN;
    return r > 1 ? 1 : r < -1 ? -1 : r;
}

static double grid_correlation(const struct grid *grid, size_t a, size_t b)
{
    const struct pair_sums *s = &grid->sums[pair_index(grid->count, a, b)];
    const struct qn__facts *fa = &grid->work->facts[grid->columns[a]];
    const struct qn__facts *fb = &grid->work->facts[grid->columns[b]];
    if (fa->complete && fb->complete)
        return correlation(grid->sums[pair_index(grid->count, a, a)].xy,
                           grid->sums[pair_index(grid->count, b, b)].xy, s->xy);
    if (s->count < 2)
        return NAN;
    /* What is left of a constant after rounding is not a spread. */
    double xx = s->xx - s->x * s->x / s->count, yy = s->yy - s->y * s->y / s->count;
    if (xx <= s->xx * 1e-14 || yy <= s->yy * 1e-14)
        return NAN;
    return correlation(xx, yy, s->xy - s->x * s->y / s->count);
}

size_t qn__rank_again(const uint32_t *ranks, const uint32_t *keep, size_t row_count,
                      uint32_t *table, uint32_t *out)
{
    /* Ranks that differ never share the slot rank / 2, since it lies between the positions of the
     * first and the last of those that tie. */
    memset(table, 0, row_count * sizeof(*table));
    for (size_t row = 0; row < row_count; row++) {
        if (keep[row] != QN__NO_RANK && ranks[row] != QN__NO_RANK)
            table[ranks[row] / 2]++;
    }
    uint32_t kept = 0;
    for (size_t slot = 0; slot < row_count; slot++) {
        uint32_t size = table[slot];
        table[slot] = 2 * kept + size - 1;
        kept += size;
    }
    for (size_t row = 0; row < row_count; row++) {
        bool both = keep[row] != QN__NO_RANK && ranks[row] != QN__NO_RANK;
        out[row] = both ? table[ranks[row] / 2] : QN__NO_RANK;
    }
    return kept;
}

/* Spearman's correlation of a pair with missing values. */
struct rank_pair {
    size_t a, b; /* columns of the table */
    double value;
};

struct rank_pairs {
    const struct qn__work *work;
    struct rank_pair *items;
};

static double rank_correlation(const uint32_t *a, const uint32_t *b, size_t row_count, size_t kept)
{
    double xx = 0, yy = 0, xy = 0, centre = (double)kept - 1;
    for (size_t from = 0; from < row_count; from += QN_BLOCK) {
        size_t to = row_count - from < QN_BLOCK ? row_count : from + QN_BLOCK;
        double sxx = 0, syy = 0, sxy = 0;
        for (size_t row = from; row < to; row++) {
            bool both = a[row] != QN__NO_RANK && b[row] != QN__NO_RANK;
            double x = both ? a[row] - centre : 0.0, y = both ? b[row] - centre : 0.0;
            sxx += x * x;
            syy += y * y;
            sxy += x * y;
        }
        xx += sxx;
        yy += syy;
        xy += sxy;
    }
    return correlation(xx, yy, xy);
}

static void rank_task(void *context, size_t index, unsigned thread)
{
    const struct rank_pairs *pairs = context;
    const struct qn__work *work = pairs->work;
    struct rank_pair *pair = &pairs->items[index];
    const struct qn__scratch *scratch = &work->scratch[thread];
    const struct qn__facts *fa = &work->facts[pair->a], *fb = &work->facts[pair->b];
    size_t row_count = work->table->row_count, kept = fa->finite;
    const uint32_t *a = fa->ranks, *b = fb->ranks;
    if (!fb->complete) {
        kept = qn__rank_again(fa->ranks, fb->ranks, row_count, scratch->ends, scratch->rows);
        a = scratch->rows;
    }
    if (!fa->complete) {
        kept = qn__rank_again(fb->ranks, fa->ranks, row_count, scratch->ends, scratch->rows_spare);
        b = scratch->rows_spare;
    }
    pair->value = rank_correlation(a, b, row_count, kept);
}

/* Pairs of coded columns, and of a coded and a numeric one. */
struct level_pairs {
    const struct qn__work *work;
    const size_t *numeric, *coded;
    size_t numeric_count, coded_count;
    size_t level_max;
    void **buffers;  /* one a thread: (level_max + 1)^2 counts, or sums by level */
    double *ratios;  /* numeric_count x coded_count */
    double *cramers; /* upper triangle of coded_count */
};

/* Bergsma's corrected V of an ra x rb table of counts; row and column 0 are the missing ones. */
static double cramer(const uint32_t *counts, size_t ra, size_t rb)
{
    double total = 0, share = 0;
    size_t used_a = 0, used_b = 0, width = rb + 1;
    for (size_t i = 1; i <= ra; i++) {
        for (size_t j = 1; j <= rb; j++)
            total += counts[i * width + j];
    }
    double column_sums[QN__LEVEL_MAX + 1] = {0};
    for (size_t j = 1; j <= rb; j++) {
        for (size_t i = 1; i <= ra; i++)
            column_sums[j] += counts[i * width + j];
        used_b += column_sums[j] > 0;
    }
    for (size_t i = 1; i <= ra; i++) {
        double row_sum = 0;
        for (size_t j = 1; j <= rb; j++)
            row_sum += counts[i * width + j];
        if (row_sum <= 0)
            continue;
        used_a++;
        for (size_t j = 1; j <= rb; j++) {
            double n = counts[i * width + j];
            if (n > 0)
                share += n * n / (row_sum * column_sums[j]);
        }
    }
    if (used_a < 2 || used_b < 2 || total < 2)
        return NAN;
    double r = (double)used_a, k = (double)used_b, free = (r - 1) * (k - 1) / (total - 1);
    double phi2 = share - 1 > free ? share - 1 - free : 0;
    double rc = r - (r - 1) * (r - 1) / (total - 1), kc = k - (k - 1) * (k - 1) / (total - 1);
    double smaller = rc < kc ? rc : kc;
    if (!(smaller > 1))
        return NAN;
    double v = sqrt(phi2 / (smaller - 1));
    return v > 1 ? 1 : v;
}

static void cramer_task(void *context, size_t index, unsigned thread)
{
    const struct level_pairs *pairs = context;
    const struct qn__work *work = pairs->work;
    uint32_t *counts = pairs->buffers[thread];
    size_t row_count = work->table->row_count;
    const struct qn__facts *fa = &work->facts[pairs->coded[index]];
    const int32_t *codes_a = work->table->columns[pairs->coded[index]].values.code;
    for (size_t b = index + 1; b < pairs->coded_count; b++) {
        const struct qn__facts *fb = &work->facts[pairs->coded[b]];
        const int32_t *codes_b = work->table->columns[pairs->coded[b]].values.code;
        size_t width = fb->level_count + 1;
        memset(counts, 0, (fa->level_count + 1) * width * sizeof(*counts));
        for (size_t row = 0; row < row_count; row++)
            counts[fa->level[codes_a[row] + 1] * width + fb->level[codes_b[row] + 1]]++;
        pairs->cramers[pair_index(pairs->coded_count, index, b)] =
            cramer(counts, fa->level_count, fb->level_count);
    }
}

/* Sums of a numeric column by the levels of a coded one; level 0 takes what is missing in either.
 */
struct level_sums {
    double count, x, xx;
};

static double correlation_ratio(const struct level_sums *sums, size_t level_count)
{
    struct level_sums all = {0, 0, 0};
    double between = 0;
    size_t used = 0;
    for (size_t i = 1; i <= level_count; i++) {
        if (!(sums[i].count > 0))
            continue;
        used++;
        all.count += sums[i].count;
        all.x += sums[i].x;
        all.xx += sums[i].xx;
        between += sums[i].x * sums[i].x / sums[i].count;
    }
    double mean_part = all.x * all.x / all.count;
    double total = all.xx - mean_part;
    between -= mean_part;
    if (used < 2 || !(total > all.xx * 1e-14))
        return NAN;
    double ratio = between > 0 ? sqrt(between / total) : 0.0;
    return ratio > 1 ? 1 : ratio;
}

static void ratio_add(const struct level_pairs *pairs, size_t coded, size_t from, size_t count,
                      const double *values, const double *mask, struct level_sums *sums)
{
    const uint16_t *level = pairs->work->facts[pairs->coded[coded]].level;
    const int32_t *codes = pairs->work->table->columns[pairs->coded[coded]].values.code + from;
    for (size_t i = 0; i < count; i++) {
        unsigned at = mask[i] > 0 ? level[codes[i] + 1] : 0;
        sums[at].count += 1;
        sums[at].x += values[i];
        sums[at].xx += values[i] * values[i];
    }
}

static void ratio_task(void *context, size_t index, unsigned thread)
{
    const struct level_pairs *pairs = context;
    const struct qn__work *work = pairs->work;
    struct level_sums *sums = pairs->buffers[thread];
    size_t row_count = work->table->row_count;
    const struct qn_column *column = &work->table->columns[pairs->numeric[index]];
    double centre = work->facts[pairs->numeric[index]].centre;
    double values[QN_BLOCK], mask[QN_BLOCK];
    size_t side = pairs->level_max + 1;
    memset(sums, 0, pairs->coded_count * side * sizeof(*sums));
    for (size_t from = 0; from < row_count; from += QN_BLOCK) {
        size_t count = row_count - from < QN_BLOCK ? row_count - from : QN_BLOCK;
        qn__column_load(column, from, count, centre, values, mask);
        for (size_t c = 0; c < pairs->coded_count; c++)
            ratio_add(pairs, c, from, count, values, mask, sums + c * side);
    }
    for (size_t c = 0; c < pairs->coded_count; c++)
        pairs->ratios[index * pairs->coded_count + c] =
            correlation_ratio(sums + c * side, work->facts[pairs->coded[c]].level_count);
}

/* Everything that the stages hand on; owns what it points to. */
struct plan {
    struct qn__work *work;
    size_t *numeric, *coded;
    size_t numeric_count, coded_count;
    struct pair_sums *value_sums, *rank_sums;
    struct rank_pair *rank_pairs;
    size_t rank_pair_count;
    struct level_pairs levels;
};

static enum qn_status plan_columns(struct plan *plan, struct qn_error *err)
{
    const struct qn__work *work = plan->work;
    plan->numeric = QN_ALLOC(size_t, work->table->column_count);
    plan->coded = QN_ALLOC(size_t, work->table->column_count);
    if (!plan->numeric || !plan->coded)
        return qn_fail_nomem(err, "profile");
    for (size_t i = 0; i < work->table->column_count; i++) {
        const struct qn__facts *facts = &work->facts[i];
        if (!facts->associated)
            continue;
        if (facts->numeric)
            plan->numeric[plan->numeric_count++] = i;
        else if (plan->coded_count < work->options->association_column_limit)
            plan->coded[plan->coded_count++] = i;
        if (facts->level_count > plan->levels.level_max)
            plan->levels.level_max = facts->level_count;
    }
    return QN_OK;
}

static enum qn_status report(const struct plan *plan, unsigned done, struct qn_error *err)
{
    return qn_progress_report(plan->work->options->progress, "correlations", done, 4, "steps", err);
}

static enum qn_status run_grids(struct plan *plan, struct qn_error *err)
{
    size_t p = plan->numeric_count, pairs = p * (p + 1) / 2;
    plan->value_sums = QN_CALLOC(struct pair_sums, pairs);
    plan->rank_sums = QN_CALLOC(struct pair_sums, pairs);
    if (!plan->value_sums || !plan->rank_sums)
        return qn_fail_nomem(err, "correlations");
    struct grid grid = {.work = plan->work,
                        .columns = plan->numeric,
                        .count = p,
                        .tile_count = (p + QN_TILE - 1) / QN_TILE,
                        .sums = plan->value_sums};
    size_t tasks = grid.tile_count * (grid.tile_count + 1) / 2;
    qn_pool_run(plan->work->pool, tasks, tile_task, &grid);
    enum qn_status status = report(plan, 1, err);
    if (status != QN_OK)
        return status;
    grid.ranks = true;
    grid.sums = plan->rank_sums;
    qn_pool_run(plan->work->pool, tasks, tile_task, &grid);
    return report(plan, 2, err);
}

/* Which pairs are ranked anew; the first ones, as far as QN_RANK_AGAIN_CELLS goes. */
static enum qn_status run_ranks(struct plan *plan, struct qn_error *err)
{
    const struct qn__work *work = plan->work;
    size_t p = plan->numeric_count;
    plan->rank_pairs = QN_ALLOC(struct rank_pair, p * (p + 1) / 2);
    if (!plan->rank_pairs)
        return qn_fail_nomem(err, "correlations");
    size_t limit = (size_t)(QN_RANK_AGAIN_CELLS / (work->table->row_count + 1));
    for (size_t i = 0; i < p; i++) {
        for (size_t j = i + 1; j < p && plan->rank_pair_count < limit; j++) {
            const struct qn__facts *fa = &work->facts[plan->numeric[i]];
            const struct qn__facts *fb = &work->facts[plan->numeric[j]];
            if (!fa->ranks || !fb->ranks || (fa->complete && fb->complete))
                continue;
            plan->rank_pairs[plan->rank_pair_count++] =
                (struct rank_pair){plan->numeric[i], plan->numeric[j], NAN};
        }
    }
    struct rank_pairs pairs = {work, plan->rank_pairs};
    qn_pool_run(work->pool, plan->rank_pair_count, rank_task, &pairs);
    return report(plan, 3, err);
}

static enum qn_status run_levels(struct plan *plan, struct qn_error *err)
{
    struct level_pairs *levels = &plan->levels;
    const struct qn__work *work = plan->work;
    size_t side = levels->level_max + 1, counts_size = side * side * sizeof(uint32_t),
           sums_size = plan->coded_count * side * sizeof(struct level_sums);
    levels->work = work;
    levels->numeric = plan->numeric;
    levels->coded = plan->coded;
    levels->numeric_count = plan->numeric_count;
    levels->coded_count = plan->coded_count;
    levels->ratios = QN_ALLOC(double, plan->numeric_count * plan->coded_count);
    levels->cramers = QN_ALLOC(double, plan->coded_count *(plan->coded_count + 1) / 2);
    levels->buffers = QN_CALLOC(void *, work->thread_count);
    if (!levels->ratios || !levels->cramers || !levels->buffers)
        return qn_fail_nomem(err, "correlations");
    for (unsigned i = 0; i < work->thread_count; i++) {
        levels->buffers[i] = qn_alloc(1, counts_size > sums_size ? counts_size : sums_size);
        if (!levels->buffers[i])
            return qn_fail_nomem(err, "correlations");
    }
    qn_pool_run(work->pool, plan->coded_count, cramer_task, levels);
    if (plan->coded_count > 0)
        qn_pool_run(work->pool, plan->numeric_count, ratio_task, levels);
    return report(plan, 4, err);
}

static void add(struct qn_profile *profile, size_t a, size_t b, enum qn_measure measure,
                double value)
{
    profile->associations[profile->association_count++] =
        (struct qn_association){a < b ? a : b, a < b ? b : a, measure, value};
}

static void publish_numbers(const struct plan *plan, struct qn_profile *profile)
{
    struct grid values = {.work = plan->work,
                          .columns = plan->numeric,
                          .count = plan->numeric_count,
                          .sums = plan->value_sums};
    struct grid ranks = values;
    ranks.sums = plan->rank_sums;
    size_t again = 0;
    for (size_t i = 0; i < plan->numeric_count; i++) {
        for (size_t j = i + 1; j < plan->numeric_count; j++)
            add(profile, plan->numeric[i], plan->numeric[j], QN_MEASURE_PEARSON,
                grid_correlation(&values, i, j));
    }
    for (size_t i = 0; i < plan->numeric_count; i++) {
        const struct qn__facts *fa = &plan->work->facts[plan->numeric[i]];
        for (size_t j = i + 1; j < plan->numeric_count; j++) {
            const struct qn__facts *fb = &plan->work->facts[plan->numeric[j]];
            double value = NAN;
            bool complete = fa->complete && fb->complete;
            if (!fa->ranks || !fb->ranks || (!complete && again == plan->rank_pair_count))
                profile->spearman_skipped++;
            else
                value = complete ? grid_correlation(&ranks, i, j) : plan->rank_pairs[again++].value;
            add(profile, plan->numeric[i], plan->numeric[j], QN_MEASURE_SPEARMAN, value);
        }
    }
}

static enum qn_status publish(const struct plan *plan, struct qn_error *err)
{
    struct qn_profile *profile = plan->work->profile;
    size_t p = plan->numeric_count, c = plan->coded_count;
    size_t total = p * (p + 1) + c * (c + 1) / 2 + p * c;
    profile->associations = QN_ALLOC(struct qn_association, total);
    if (!profile->associations)
        return qn_fail_nomem(err, "correlations");
    publish_numbers(plan, profile);
    for (size_t i = 0; i < c; i++) {
        for (size_t j = i + 1; j < c; j++)
            add(profile, plan->coded[i], plan->coded[j], QN_MEASURE_CRAMER,
                plan->levels.cramers[pair_index(c, i, j)]);
    }
    for (size_t i = 0; i < p; i++) {
        for (size_t j = 0; j < c; j++)
            add(profile, plan->numeric[i], plan->coded[j], QN_MEASURE_ETA,
                plan->levels.ratios[i * c + j]);
    }
    assert(profile->association_count <= total);
    return QN_OK;
}

enum qn_status qn__associate(struct qn__work *work, struct qn_error *err)
{
    struct plan plan = {.work = work};
    enum qn_status status = plan_columns(&plan, err);
    if (status == QN_OK)
        status = run_grids(&plan, err);
    if (status == QN_OK)
        status = run_ranks(&plan, err);
    if (status == QN_OK)
        status = run_levels(&plan, err);
    if (status == QN_OK)
        status = publish(&plan, err);
    for (unsigned i = 0; plan.levels.buffers && i < work->thread_count; i++)
        qn_free(plan.levels.buffers[i]);
    qn_free(plan.levels.buffers);
    qn_free(plan.levels.ratios);
    qn_free(plan.levels.cramers);
    qn_free(plan.rank_pairs);
    qn_free(plan.rank_sums);
    qn_free(plan.value_sums);
    qn_free(plan.coded);
    qn_free(plan.numeric);
    return status;
}
