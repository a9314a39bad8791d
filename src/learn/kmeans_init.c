/* Starting centres. k-means++ in its greedy form (Arthur and Vassilvitskii 2007, section 5): each
 * step draws 2 + log k candidates and keeps the one that lowers the potential most. */
#include "learn/kmeans_internal.h"

#include "base/alloc.h"
#include "base/numeric.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

/* One pass over the rows serves a step: it lowers `closest` by the last chosen centre, which is
 * centre 0 of the pack, and sums what each candidate would leave. */
struct seeding {
    const struct qn__points *points;
    size_t trials; /* candidates of this pass */
    size_t trial_limit;
    struct qn__centres packed;
    double *values;     /* owns; (trial_limit + 1) x p: the last chosen centre, candidates */
    double *closest;    /* owns; n, padded to panels with zeros: squared distances */
    double *potentials; /* owns; trial_limit x block_count */
    double *chosen;     /* owns; block_count: potentials of the chosen centre */
    size_t *rows;       /* owns; trial_limit */
    double *scratch;    /* owns; thread x scratch_size */
    size_t scratch_size;
};

static void seeding_release(struct seeding *seeding)
{
    qn_free(seeding->values);
    qn_free(seeding->closest);
    qn_free(seeding->potentials);
    qn_free(seeding->chosen);
    qn_free(seeding->rows);
    qn_free(seeding->scratch);
    qn__centres_release(&seeding->packed);
}

static enum qn_status seeding_init(struct seeding *seeding, size_t k, struct qn_error *err)
{
    const struct qn__points *points = seeding->points;
    size_t p = points->p, padded = qn__panel_count(points->n) * QN__PANEL;
    seeding->trial_limit = 2 + (size_t)qn_log((double)k);
    enum qn_status status = qn__centres_init(&seeding->packed, seeding->trial_limit + 1, p, err);
    if (status != QN_OK)
        return status;
    seeding->scratch_size = QN__BLOCK_ROWS * p +
                            (qn__panel_count(seeding->trial_limit + 1) + 1) * QN__PANEL * QN__PANEL;
    seeding->values = QN_ALLOC(double, (seeding->trial_limit + 1) * p);
    seeding->closest = QN_ALLOC(double, padded);
    seeding->potentials = QN_ALLOC(double, seeding->trial_limit * points->block_count);
    seeding->chosen = QN_ALLOC(double, points->block_count);
    seeding->rows = QN_ALLOC(size_t, seeding->trial_limit);
    seeding->scratch = QN_ALLOC(double, qn_pool_threads(points->pool) * seeding->scratch_size);
    if (!seeding->values || !seeding->closest || !seeding->potentials || !seeding->chosen ||
        !seeding->rows || !seeding->scratch)
        return qn_fail(err, QN_NOMEM, "kmeans: no memory for %zu rows", points->n);
    for (size_t i = 0; i < padded; i++)
        seeding->closest[i] = i < points->n ? INFINITY : 0;
    return QN_OK;
}

static void seeding_task(void *context, size_t block, unsigned thread)
{
    struct seeding *seeding = context;
    size_t p = seeding->points->p, row = block * QN__BLOCK_ROWS, trials = seeding->trials;
    double *panels = seeding->scratch + thread * seeding->scratch_size;
    double *squares = panels + QN__BLOCK_ROWS * p;
    size_t rows = qn__points_pack(seeding->points, block, panels);
    double *potentials = seeding->potentials + block;
    for (size_t t = 0; t < trials; t++)
        potentials[t * seeding->points->block_count] = 0;
    for (size_t at = 0; at < rows; at += QN__PANEL) {
        double *closest = seeding->closest + row + at;
        qn__centres_distances(&seeding->packed, panels + at * p, squares);
        for (size_t i = 0; i < QN__PANEL; i++)
            closest[i] = squares[i] < closest[i] ? squares[i] : closest[i];
        for (size_t t = 0; t < trials; t++) {
            const double *square = squares + (t + 1) * QN__PANEL;
            double sum = 0;
            for (size_t i = 0; i < QN__PANEL; i++)
                sum += square[i] < closest[i] ? square[i] : closest[i];
            potentials[t * seeding->points->block_count] += sum;
        }
    }
}

/* The row at `target` along the running sum of squared distances to the nearest centre. The last
 * chosen centre is put into the block's distances here, if the pass has not done so yet. */
static size_t draw_row(struct seeding *seeding, double target)
{
    size_t block = 0, blocks = seeding->points->block_count;
    while (block + 1 < blocks && target >= seeding->chosen[block])
        target -= seeding->chosen[block++];
    while (block > 0 && !(seeding->chosen[block] > 0)) /* rounding ran past the last one */
        block--;
    seeding->trials = 0;
    seeding_task(seeding, block, 0);
    size_t row = block * QN__BLOCK_ROWS, end = row + QN__BLOCK_ROWS;
    if (end > seeding->points->n)
        end = seeding->points->n;
    size_t drawn = row;
    for (; row < end; row++) {
        if (!(seeding->closest[row] > 0))
            continue;
        drawn = row;
        if (target < seeding->closest[row])
            break;
        target -= seeding->closest[row];
    }
    return drawn;
}

/* Draws candidates behind centre 0 of values. */
static void draw_candidates(struct seeding *seeding, struct qn_random *random)
{
    size_t p = seeding->points->p;
    double total = qn_sum(seeding->chosen, seeding->points->block_count);
    for (size_t t = 0; t < seeding->trial_limit; t++) {
        double at = qn_random_unit(random);
        size_t row =
            total > 0 ? draw_row(seeding, at * total) : (size_t)(at * (double)seeding->points->n);
        seeding->rows[t] = row;
        qn__points_row(seeding->points, row, seeding->values + (t + 1) * p);
    }
}

/* Runs the pass and keeps the best candidate as centre 0. */
static void choose_candidate(struct seeding *seeding, size_t trials)
{
    size_t p = seeding->points->p, blocks = seeding->points->block_count, best = 0;
    double lowest = INFINITY;
    qn__centres_set(&seeding->packed, seeding->values, trials + 1);
    seeding->trials = trials;
    qn_pool_run(seeding->points->pool, blocks, seeding_task, seeding);
    for (size_t t = 0; t < trials; t++) {
        double total = qn_sum(seeding->potentials + t * blocks, blocks);
        if (total < lowest) {
            lowest = total;
            best = t;
        }
    }
    memcpy(seeding->chosen, seeding->potentials + best * blocks, blocks * sizeof(double));
    memmove(seeding->values, seeding->values + (best + 1) * p, p * sizeof(double));
}

enum qn_status qn__kmeans_plus_plus(const struct qn__points *points, size_t k, uint64_t seed,
                                    uint64_t stream, double *centres, struct qn_error *err)
{
    struct seeding seeding = {.points = points};
    struct qn_random random;
    size_t p = points->p;
    enum qn_status status = seeding_init(&seeding, k, err);
    if (status != QN_OK)
        goto done;
    qn_random_init(&random, seed, stream);
    qn__points_row(points, qn_random_below(&random, points->n), seeding.values);
    memcpy(seeding.values + p, seeding.values, p * sizeof(double));
    choose_candidate(&seeding, 1);
    for (size_t c = 0; c < k; c++) {
        memcpy(centres + c * p, seeding.values, p * sizeof(double));
        if (c + 1 == k)
            break;
        qn__centres_set(&seeding.packed, seeding.values, 1);
        draw_candidates(&seeding, &random);
        choose_candidate(&seeding, seeding.trial_limit);
    }
done:
    seeding_release(&seeding);
    return status;
}

enum qn_status qn__kmeans_random(const struct qn__points *points, size_t k, uint64_t seed,
                                 uint64_t stream, double *centres, struct qn_error *err)
{
    struct qn_random random;
    size_t *rows = QN_ALLOC(size_t, points->n);
    if (!rows)
        return qn_fail_nomem(err, "kmeans");
    for (size_t i = 0; i < points->n; i++)
        rows[i] = i;
    qn_random_init(&random, seed, stream);
    qn_random_sample(&random, rows, points->n, k);
    for (size_t c = 0; c < k; c++)
        qn__points_row(points, rows[c], centres + c * points->p);
    qn_free(rows);
    return QN_OK;
}
