/* Lloyd's iterations. Distances that cannot change a label are left out by the bounds of Hamerly
 * (Making k-means even faster, SDM 2010): a row keeps its centre while the upper bound on the
 * distance to it, plus a margin for rounding, is below the lower bound on that to any other. The
 * margin makes every label the one that computing all distances would give. */
#include "learn/kmeans_internal.h"

#include "base/alloc.h"
#include "base/numeric.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

struct lloyd {
    const struct qn__points *points;
    size_t k, p;
    double *centres;       /* borrowed; k x p */
    double *next;          /* owns; k x p: sums, then means */
    double *weight;        /* owns; k: rows of each cluster */
    double *moved;         /* owns; k: how far each centre went */
    double *half;          /* owns; k: half the distance to the nearest other centre */
    double *upper, *lower; /* owns; n each */
    int32_t *labels;       /* owns; n */
    double *sums;          /* owns; group x (k p + k + 2): sums, counts, changes, largest norm */
    size_t sums_size;
    double *scratch;  /* owns; thread x block */
    double *distance; /* owns; n, only while an empty cluster is filled */
    struct qn__centres packed;
    double margin; /* for rounding; infinite in the first iteration */
    bool assign_only;
};

static void lloyd_release(struct lloyd *state)
{
    qn_free(state->next);
    qn_free(state->weight);
    qn_free(state->upper);
    qn_free(state->labels);
    qn_free(state->sums);
    qn_free(state->scratch);
    qn_free(state->distance);
    qn__centres_release(&state->packed);
}

static enum qn_status lloyd_init(struct lloyd *state, struct qn_error *err)
{
    const struct qn__points *points = state->points;
    size_t k = state->k, p = state->p, n = points->n;
    enum qn_status status = qn__centres_init(&state->packed, k, p, err);
    if (status != QN_OK)
        return status;
    state->sums_size = k * p + k + 2;
    state->next = QN_ALLOC(double, k *p);
    state->weight = QN_ALLOC(double, 3 * k);
    state->upper = QN_ALLOC(double, 2 * n);
    state->labels = QN_ALLOC(int32_t, n);
    state->sums = QN_ALLOC(double, points->group_count * state->sums_size);
    state->scratch = QN_ALLOC(double, qn_pool_threads(points->pool) * QN__BLOCK_ROWS * p);
    if (!state->next || !state->weight || !state->upper || !state->labels || !state->sums ||
        !state->scratch)
        return qn_fail(err, QN_NOMEM, "kmeans: no memory for %zu rows", n);
    state->moved = state->weight + k;
    state->half = state->moved + k;
    state->lower = state->upper + n;
    memset(state->labels, 0xff, n * sizeof(*state->labels));
    state->margin = INFINITY;
    return QN_OK;
}

/* The nearest centres of 8 rows, unless their bounds say that nothing changes. */
static void assign_panel(struct lloyd *state, const double *panel, size_t row, size_t count,
                         double *sums)
{
    bool settled = true;
    size_t tail = state->k * state->p + state->k;
    for (size_t i = row; i < row + count && settled; i++) {
        int32_t label = state->labels[i];
        settled = state->margin < INFINITY &&
                  state->upper[i] + state->margin < fmax(state->lower[i], state->half[label]);
    }
    if (settled)
        return;
    struct qn__nearest nearest;
    qn__centres_nearest(&state->packed, panel, &nearest);
    for (size_t i = 0; i < count; i++) {
        sums[tail] += state->labels[row + i] != nearest.label[i];
        sums[tail + 1] = fmax(sums[tail + 1], nearest.norm[i]);
        state->labels[row + i] = nearest.label[i];
        state->upper[row + i] = nearest.first[i];
        state->lower[row + i] = nearest.second[i];
    }
}

static void group_task(void *context, size_t group, unsigned thread)
{
    struct lloyd *state = context;
    size_t p = state->p, first, end;
    double *panels = state->scratch + thread * QN__BLOCK_ROWS * p;
    double *sums = state->sums + group * state->sums_size, *counts = sums + state->k * p;
    qn__points_group(state->points, group, &first, &end);
    memset(sums, 0, state->sums_size * sizeof(*sums));
    for (size_t block = first; block < end; block++) {
        size_t rows = qn__points_pack(state->points, block, panels), row = block * QN__BLOCK_ROWS;
        for (size_t at = 0; at < rows; at += QN__PANEL) {
            size_t count = rows - at < QN__PANEL ? rows - at : QN__PANEL;
            const double *panel = panels + at * p;
            assign_panel(state, panel, row + at, count, sums);
            for (size_t i = 0; i < count && !state->assign_only; i++) {
                size_t label = (size_t)state->labels[row + at + i];
                double *sum = sums + label * p;
                counts[label] += 1;
                for (size_t j = 0; j < p; j++)
                    sum[j] += panel[j * QN__PANEL + i];
            }
        }
    }
}

/* Assigns all rows to state->centres. Sums of rows go to next and weight. Returns how many labels
 * changed. */
static size_t assign(struct lloyd *state, bool assign_only)
{
    size_t k = state->k, p = state->p, groups = state->points->group_count;
    double *all = state->sums, largest = 0;
    qn__centres_set(&state->packed, state->centres, k);
    state->assign_only = assign_only;
    qn_pool_run(state->points->pool, groups, group_task, state);
    largest = all[k * p + k + 1];
    for (size_t group = 1; group < groups; group++) {
        const double *sums = all + group * state->sums_size;
        largest = fmax(largest, sums[k * p + k + 1]);
        qn__axpy(1.0, sums, 0.0, all, k * p + k + 1);
    }
    if (isinf(state->margin)) {
        /* |error of a computed squared distance| <= 4 (p + 8) eps (largest norm)^2; the root of it
         * bounds the error of a distance. Centres are means, hence no longer than the rows. */
        for (size_t c = 0; c < k; c++)
            largest = fmax(largest, state->packed.norms[c]);
        state->margin = 4 * sqrt(16 * (double)(p + 8) * DBL_EPSILON * largest);
    }
    if (!assign_only) {
        memcpy(state->next, all, k * p * sizeof(double));
        memcpy(state->weight, all + k * p, k * sizeof(double));
    }
    return (size_t)all[k * p + k];
}

static void distance_task(void *context, size_t group, unsigned thread)
{
    struct lloyd *state = context;
    size_t p = state->p, first, end;
    double *panels = state->scratch + thread * QN__BLOCK_ROWS * p;
    double *sums = state->sums + group * state->sums_size;
    qn__points_group(state->points, group, &first, &end);
    sums[0] = 0;
    for (size_t block = first; block < end; block++) {
        size_t rows = qn__points_pack(state->points, block, panels), row = block * QN__BLOCK_ROWS;
        double squares[QN__BLOCK_ROWS];
        for (size_t i = 0; i < rows; i++) {
            const double *centre = state->centres + (size_t)state->labels[row + i] * p;
            const double *x = panels + i / QN__PANEL * QN__PANEL * p + i % QN__PANEL;
            double sum = 0;
            for (size_t j = 0; j < p; j++) {
                double gap = x[j * QN__PANEL] - centre[j];
                sum += gap * gap;
            }
            squares[i] = sum;
        }
        sums[0] += qn_sum(squares, rows);
        if (state->distance)
            memcpy(state->distance + row, squares, rows * sizeof(double));
    }
}

/* The sum of squared distances of rows to the centres of their labels. */
static double inertia(struct lloyd *state)
{
    double sum = 0;
    qn_pool_run(state->points->pool, state->points->group_count, distance_task, state);
    for (size_t group = 0; group < state->points->group_count; group++)
        sum += state->sums[group * state->sums_size];
    return sum;
}

/* An empty cluster gets the row that is farthest from its centre, the next one the next farthest,
 * as scikit-learn does. */
static enum qn_status fill_empty(struct lloyd *state, struct qn_error *err)
{
    size_t n = state->points->n, p = state->p;
    bool any = false;
    for (size_t c = 0; c < state->k; c++)
        any = any || state->weight[c] == 0;
    if (!any)
        return QN_OK;
    state->distance = QN_ALLOC(double, n);
    double *x = QN_ALLOC(double, p);
    if (!state->distance || !x) {
        qn_free(x);
        return qn_fail_nomem(err, "kmeans");
    }
    inertia(state);
    for (size_t c = 0; c < state->k; c++) {
        size_t far = 0;
        if (state->weight[c] != 0)
            continue;
        for (size_t i = 1; i < n; i++)
            if (state->distance[i] > state->distance[far])
                far = i;
        if (!(state->distance[far] > 0))
            break; /* fewer different rows than clusters */
        size_t from = (size_t)state->labels[far];
        qn__points_row(state->points, far, x);
        qn__axpy(-1.0, x, 0.0, state->next + from * p, p);
        memcpy(state->next + c * p, x, p * sizeof(*x));
        state->weight[from] -= 1;
        state->weight[c] = 1;
        state->distance[far] = 0;
    }
    qn_free(x);
    qn_free(state->distance);
    state->distance = NULL;
    return QN_OK;
}

/* next: sums to means; then the centres go there. Returns the sum of squared movements. */
static double move_centres(struct lloyd *state)
{
    size_t p = state->p;
    double total = 0;
    for (size_t c = 0; c < state->k; c++) {
        double *next = state->next + c * p, *centre = state->centres + c * p, square = 0;
        for (size_t j = 0; j < p; j++) {
            double value = state->weight[c] > 0 ? next[j] / state->weight[c] : centre[j];
            double gap = value - centre[j];
            square += gap * gap;
            centre[j] = value;
        }
        state->moved[c] = sqrt(square);
        total += square;
    }
    return total;
}

struct bound_task {
    struct lloyd *state;
    double largest, second; /* of the movements */
    size_t farthest;
};

static void half_task(void *context, size_t c, unsigned thread)
{
    struct lloyd *state = context;
    (void)thread;
    size_t p = state->p;
    double nearest = INFINITY;
    for (size_t d = 0; d < state->k; d++) {
        double square = 0;
        for (size_t j = 0; j < p && d != c; j++) {
            double gap = state->centres[c * p + j] - state->centres[d * p + j];
            square += gap * gap;
        }
        if (d != c && square < nearest)
            nearest = square;
    }
    state->half[c] = sqrt(nearest) / 2;
}

static void bound_rows(void *context, size_t block, unsigned thread)
{
    const struct bound_task *task = context;
    struct lloyd *state = task->state;
    (void)thread;
    size_t first = block * QN__BLOCK_ROWS * 32, end = first + (size_t)QN__BLOCK_ROWS * 32;
    if (end > state->points->n)
        end = state->points->n;
    for (size_t i = first; i < end; i++) {
        size_t label = (size_t)state->labels[i];
        state->upper[i] += state->moved[label];
        state->lower[i] -= label == task->farthest ? task->second : task->largest;
    }
}

static void update_bounds(struct lloyd *state)
{
    struct bound_task task = {.state = state};
    for (size_t c = 0; c < state->k; c++) {
        if (state->moved[c] > task.largest) {
            task.second = task.largest;
            task.largest = state->moved[c];
            task.farthest = c;
        } else if (state->moved[c] > task.second) {
            task.second = state->moved[c];
        }
    }
    size_t rows = (size_t)QN__BLOCK_ROWS * 32;
    qn_pool_run(state->points->pool, state->k, half_task, state);
    qn_pool_run(state->points->pool, (state->points->n + rows - 1) / rows, bound_rows, &task);
}

enum qn_status qn__lloyd(const struct qn__points *points, size_t k,
                         const struct qn__lloyd_limits *limits, double *centres,
                         struct qn_kmeans *model, struct qn_error *err)
{
    struct lloyd state = {.points = points, .k = k, .p = points->p, .centres = centres};
    bool settled = false; /* no label changed: the labels belong to the centres */
    enum qn_status status = lloyd_init(&state, err);
    model->iterations = 0;
    model->converged = false;
    while (status == QN_OK && !model->converged && model->iterations < limits->max_iter) {
        status =
            qn_progress_report(limits->progress, "fit", limits->done + (uint64_t)model->iterations,
                               limits->total, "iterations", err);
        if (status != QN_OK)
            break;
        size_t changed = assign(&state, false);
        status = fill_empty(&state, err);
        if (status != QN_OK)
            break;
        double movement = move_centres(&state);
        update_bounds(&state);
        model->iterations++;
        settled = changed == 0;
        model->converged = settled || movement <= limits->tolerance;
    }
    if (status != QN_OK)
        goto done;
    if (!settled)
        assign(&state, true);
    model->inertia = inertia(&state);
    memset(model->sizes, 0, k * sizeof(*model->sizes));
    for (size_t i = 0; i < points->n; i++)
        model->sizes[state.labels[i]]++;
done:
    lloyd_release(&state);
    return status;
}
