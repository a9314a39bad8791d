#include "learn/kmeans.h"

#include "base/alloc.h"
#include "base/numeric.h"
#include "base/random.h"
#include "learn/linalg.h"
#include "learn/linalg_kernel.h"

#include <math.h>
#include <string.h>

enum { QN_TASK_ROWS = 64 };

struct silhouette {
    size_t n, p, k;
    double *panels;  /* owns; the rows in panels of 8 */
    size_t *rows;    /* owns; which rows, when sampled */
    int32_t *labels; /* owns; n */
    size_t *counts;  /* owns; k */
    double *scratch; /* owns; thread x (k + p) */
    double *scores;  /* owns; n */
};

static void silhouette_release(struct silhouette *state)
{
    qn_free(state->panels);
    qn_free(state->rows);
    qn_free(state->labels);
    qn_free(state->counts);
    qn_free(state->scratch);
    qn_free(state->scores);
}

/* Distances of one row to the 8 of a panel. */
QN__INLINE void distances_body(const double *row, const double *panel, size_t p, double *out)
{
    qn__vector sum = {0};
    for (size_t j = 0; j < p; j++) {
        qn__vector gap = *(const qn__vector *)(panel + j * QN__PANEL) - row[j];
        sum += gap * gap;
    }
    for (size_t i = 0; i < QN__PANEL; i++)
        out[i] = sqrt(sum[i]);
}
QN__DISPATCH(distances, (const double *row, const double *panel, size_t p, double *out),
             (row, panel, p, out))

static double score_row(const struct silhouette *state, size_t i, double *scratch)
{
    size_t p = state->p, own = (size_t)state->labels[i];
    double *sums = scratch, *row = scratch + state->k;
    if (state->counts[own] < 2)
        return 0; /* alone in its cluster, by definition */
    memset(sums, 0, state->k * sizeof(*sums));
    for (size_t j = 0; j < p; j++)
        row[j] = state->panels[i / QN__PANEL * QN__PANEL * p + j * QN__PANEL + i % QN__PANEL];
    for (size_t at = 0; at < state->n; at += QN__PANEL) {
        double gaps[QN__PANEL];
        size_t count = state->n - at < QN__PANEL ? state->n - at : QN__PANEL;
        distances(row, state->panels + at * p, p, gaps);
        for (size_t k = 0; k < count; k++)
            sums[state->labels[at + k]] += gaps[k];
    }
    double within = sums[own] / (double)(state->counts[own] - 1), nearest = INFINITY;
    for (size_t c = 0; c < state->k; c++)
        if (c != own && state->counts[c] > 0)
            nearest = fmin(nearest, sums[c] / (double)state->counts[c]);
    double larger = fmax(within, nearest);
    return larger > 0 ? (nearest - within) / larger : 0;
}

static void score_task(void *context, size_t index, unsigned thread)
{
    const struct silhouette *state = context;
    size_t end = (index + 1) * QN_TASK_ROWS;
    if (end > state->n)
        end = state->n;
    for (size_t i = index * QN_TASK_ROWS; i < end; i++)
        state->scores[i] = score_row(state, i, state->scratch + thread * (state->k + state->p));
}

static enum qn_status silhouette_init(struct silhouette *state, const struct qn_features *features,
                                      const int32_t *labels, size_t sample_limit, uint64_t seed,
                                      struct qn_pool *pool, struct qn_error *err)
{
    size_t total = features->row_count, p = state->p;
    bool sampled = sample_limit > 0 && sample_limit < total;
    state->n = sampled ? sample_limit : total;
    state->panels = QN_CALLOC(double, qn__panel_count(state->n) * QN__PANEL * p);
    state->rows = QN_ALLOC(size_t, total);
    state->labels = QN_ALLOC(int32_t, state->n);
    state->counts = QN_CALLOC(size_t, state->k);
    state->scratch = QN_ALLOC(double, qn_pool_threads(pool) * (state->k + p));
    state->scores = QN_ALLOC(double, state->n);
    if (!state->panels || !state->rows || !state->labels || !state->counts || !state->scratch ||
        !state->scores)
        return qn_fail(err, QN_NOMEM, "silhouette: no memory for %zu rows", state->n);
    for (size_t i = 0; i < total; i++)
        state->rows[i] = i;
    if (sampled) {
        struct qn_random random;
        qn_random_init(&random, seed, 0);
        qn_random_sample(&random, state->rows, total, state->n);
    }
    for (size_t i = 0; i < state->n; i++) {
        size_t row = state->rows[i];
        double *to = state->panels + i / QN__PANEL * QN__PANEL * p + i % QN__PANEL;
        state->labels[i] = labels[row];
        state->counts[labels[row]]++;
        for (size_t j = 0; j < p; j++)
            to[j * QN__PANEL] = features->columns[j].values[row];
    }
    return QN_OK;
}

enum qn_status qn_silhouette(const struct qn_features *features, const int32_t *labels,
                             size_t cluster_count, size_t sample_limit, uint64_t seed,
                             struct qn_pool *pool, double *out, struct qn_error *err)
{
    struct silhouette state = {.p = features->feature_count, .k = cluster_count};
    enum qn_status status = qn__features_check(features, false, "silhouette", err);
    if (status == QN_OK)
        status = silhouette_init(&state, features, labels, sample_limit, seed, pool, err);
    if (status != QN_OK)
        goto done;
    size_t used = 0;
    for (size_t c = 0; c < cluster_count; c++)
        used += state.counts[c] > 0;
    if (used < 2) {
        *out = NAN;
        goto done;
    }
    qn_pool_run(pool, (state.n + QN_TASK_ROWS - 1) / QN_TASK_ROWS, score_task, &state);
    *out = qn_sum(state.scores, state.n) / (double)state.n;
done:
    silhouette_release(&state);
    return status;
}
