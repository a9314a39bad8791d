#include "learn/linalg.h"

#include "base/alloc.h"
#include "base/numeric.h"
#include "learn/linalg_kernel.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    QN_TILE_COLUMNS = 128, /* columns of one task's half of a Gram tile */
    QN_TILE_PANELS = QN_TILE_COLUMNS / QN__PANEL,
    QN_GROUP_ROWS = 8192,      /* fewest rows that are worth a partial sum of their own */
    QN_GROUP_LIMIT = 64,       /* partial sums at most */
    QN_PARTIAL_LIMIT = 1 << 23 /* doubles in all partial sums, unless one alone is larger */
};

/* A column of ones, long enough for any block. */
static const double ones[QN__BLOCK_ROWS] = {
#define ONE8 1, 1, 1, 1, 1, 1, 1, 1
#define ONE64 ONE8, ONE8, ONE8, ONE8, ONE8, ONE8, ONE8, ONE8
    ONE64, ONE64};

QN__INLINE void pack_body(const double *const columns[QN__PANEL], const double *shift,
                          size_t row_count, double *out)
{
    const double *c0 = columns[0], *c1 = columns[1], *c2 = columns[2], *c3 = columns[3];
    const double *c4 = columns[4], *c5 = columns[5], *c6 = columns[6], *c7 = columns[7];
    qn__vector by = *(const qn__vector *)shift;
    for (size_t r = 0; r < row_count; r++) {
        qn__vector x = {c0[r], c1[r], c2[r], c3[r], c4[r], c5[r], c6[r], c7[r]};
        *(qn__vector *)(out + r * QN__PANEL) = x - by;
    }
}
QN__DISPATCH(pack,
             (const double *const columns[QN__PANEL], const double *shift, size_t row_count,
              double *out),
             (columns, shift, row_count, out))

void qn__panel_pack(const double *const *columns, const double *shift, size_t count,
                    size_t first_row, size_t row_count, double *out)
{
    const double *at[QN__PANEL];
    double by[QN__PANEL];
    assert(row_count <= QN__BLOCK_ROWS && count <= QN__PANEL);
    for (size_t i = 0; i < QN__PANEL; i++) {
        bool real = i < count && columns[i];
        at[i] = real ? columns[i] + first_row : ones;
        by[i] = real ? shift[i] : (i < count ? 0.0 : 1.0);
    }
    pack(at, by, row_count, out);
}

QN__INLINE void scale_body(const double *panel, const double *weights, size_t depth, double *out)
{
    for (size_t t = 0; t < depth; t++)
        *(qn__vector *)(out + t * QN__PANEL) =
            *(const qn__vector *)(panel + t * QN__PANEL) * weights[t];
}
QN__DISPATCH(scale, (const double *panel, const double *weights, size_t depth, double *out),
             (panel, weights, depth, out))

void qn__panel_scale(const double *panel, const double *weights, size_t depth, double *out)
{
    scale(panel, weights, depth, out);
}

QN__INLINE void multiply_body(const double *a, size_t a_panels, const double *b, size_t b_panels,
                              size_t depth, double *c, size_t stride)
{
    for (size_t j = 0; j < b_panels; j++) {
        for (size_t i = 0; i < 2 * a_panels; i++) {
            const double *left = a + (i / 2) * depth * QN__PANEL + (i % 2) * 4;
            double *to = c + i * 4 * stride + j * QN__PANEL;
            qn__vector sum[4];
            qn__kernel(depth, left, b + j * depth * QN__PANEL, sum);
            for (size_t k = 0; k < 4; k++)
                *(qn__vector *)(to + k * stride) += sum[k];
        }
    }
}
QN__DISPATCH(multiply,
             (const double *a, size_t a_panels, const double *b, size_t b_panels, size_t depth,
              double *c, size_t stride),
             (a, a_panels, b, b_panels, depth, c, stride))

void qn__panels_multiply(const double *a, size_t a_panels, const double *b, size_t b_panels,
                         size_t depth, double *c, size_t stride)
{
    multiply(a, a_panels, b, b_panels, depth, c, stride);
}

QN__INLINE void axpy_body(double alpha, const double *x, double shift, double *y, size_t count)
{
    size_t i = 0;
    for (; i + QN__PANEL <= count; i += QN__PANEL)
        *(qn__vector *)(y + i) += alpha * (*(const qn__vector *)(x + i) - shift);
    for (; i < count; i++)
        y[i] += alpha * (x[i] - shift);
}
QN__DISPATCH(axpy, (double alpha, const double *x, double shift, double *y, size_t count),
             (alpha, x, shift, y, count))

void qn__axpy(double alpha, const double *x, double shift, double *y, size_t count)
{
    axpy(alpha, x, shift, y, count);
}

void qn__prefetch(const struct qn_features *features, size_t row, size_t left)
{
    enum { LINE = 8 }; /* doubles of a cache line */
    size_t count = left < QN__BLOCK_ROWS ? left : QN__BLOCK_ROWS;
    if (features->feature_count > 256)
        return; /* more than a cache would keep until it is used */
    for (size_t j = 0; j < features->feature_count; j++)
        for (size_t i = 0; i < count; i += LINE)
            __builtin_prefetch(features->columns[j].values + row + i, 0, 2);
}

/* ---- Gram matrices ------------------------------------------------------------------------- */

/* Rows are cut into groups and columns into tiles, both by the data alone. Task (group, tile pair)
 * fills its part of the group's partial matrix; partial matrices are then added in order. */
struct gram_job {
    const struct qn__gram *gram;
    size_t stride; /* padded column count */
    size_t group_count, tile_count, pair_count;
    size_t first_task; /* of this batch */
    double *partial;   /* group_count x stride x stride */
    double *scratch;   /* thread x scratch_size */
    size_t scratch_size;
};

static void gram_pack(const struct qn__gram *gram, size_t tile, size_t row, size_t row_count,
                      double *out)
{
    size_t first = tile * QN_TILE_COLUMNS;
    size_t end = first + QN_TILE_COLUMNS;
    if (end > gram->column_count)
        end = gram->column_count;
    for (size_t at = first; at < end; at += QN__PANEL) {
        size_t count = end - at < QN__PANEL ? end - at : QN__PANEL;
        qn__panel_pack(gram->columns + at, gram->shift + at, count, row, row_count, out);
        out += row_count * QN__PANEL;
    }
}

static size_t tile_panels(const struct qn__gram *gram, size_t tile)
{
    size_t left = gram->column_count - tile * QN_TILE_COLUMNS;
    return qn__panel_count(left < QN_TILE_COLUMNS ? left : QN_TILE_COLUMNS);
}

/* The pair-th of the tile pairs (i, j), j <= i, in the order (0,0) (1,0) (1,1) (2,0) ... */
static void gram_pair(size_t pair, size_t *i, size_t *j)
{
    size_t row = 0;
    while (pair > row) {
        pair -= row + 1;
        row++;
    }
    *i = row;
    *j = pair;
}

static void gram_task(void *context, size_t index, unsigned thread)
{
    const struct gram_job *job = context;
    const struct qn__gram *gram = job->gram;
    size_t task = job->first_task + index, group = task / job->pair_count, i, j;
    gram_pair(task % job->pair_count, &i, &j);
    size_t first = gram->row_count * group / job->group_count;
    size_t end = gram->row_count * (group + 1) / job->group_count;
    size_t i_panels = tile_panels(gram, i), j_panels = tile_panels(gram, j);
    double *a = job->scratch + thread * job->scratch_size;
    double *b = a + QN_TILE_COLUMNS * QN__BLOCK_ROWS;
    double *weighted = b + QN_TILE_COLUMNS * QN__BLOCK_ROWS;
    double *c = job->partial + group * job->stride * job->stride +
                i * QN_TILE_COLUMNS * job->stride + j * QN_TILE_COLUMNS;
    for (size_t row = first; row < end; row += QN__BLOCK_ROWS) {
        size_t rows = end - row < QN__BLOCK_ROWS ? end - row : QN__BLOCK_ROWS;
        size_t panel_size = rows * QN__PANEL;
        gram_pack(gram, i, row, rows, a);
        if (i != j)
            gram_pack(gram, j, row, rows, b);
        for (size_t k = 0; k < j_panels; k++) {
            const double *right = (i == j ? a : b) + k * panel_size;
            size_t from = i == j ? k : 0; /* the lower triangle is enough */
            if (gram->weights) {
                qn__panel_scale(right, gram->weights + row, rows, weighted);
                right = weighted;
            }
            qn__panels_multiply(a + from * panel_size, i_panels - from, right, 1, rows,
                                c + from * QN__PANEL * job->stride + k * QN__PANEL, job->stride);
        }
    }
}

/* Adds the partial matrices in order and writes the full symmetric result. */
static void gram_reduce(const struct gram_job *job, double *out)
{
    size_t n = job->gram->column_count, size = job->stride * job->stride;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t group = 0; group < job->group_count; group++)
                sum += job->partial[group * size + i * job->stride + j];
            out[i * n + j] = sum;
            out[j * n + i] = sum;
        }
    }
}

enum qn_status qn__gram_compute(const struct qn__gram *gram, struct qn_pool *pool,
                                const struct qn_progress *progress, double *out,
                                struct qn_error *err)
{
    enum qn_status status = QN_OK;
    struct gram_job job = {.gram = gram};
    job.stride = qn__panel_count(gram->column_count) * QN__PANEL;
    job.group_count = gram->row_count / QN_GROUP_ROWS;
    if (job.group_count > QN_GROUP_LIMIT)
        job.group_count = QN_GROUP_LIMIT;
    if (job.group_count > QN_PARTIAL_LIMIT / job.stride / job.stride)
        job.group_count = QN_PARTIAL_LIMIT / job.stride / job.stride;
    if (job.group_count == 0)
        job.group_count = 1;
    job.tile_count = (gram->column_count + QN_TILE_COLUMNS - 1) / QN_TILE_COLUMNS;
    job.pair_count = job.tile_count * (job.tile_count + 1) / 2;
    job.scratch_size = (2 * QN_TILE_COLUMNS + QN__PANEL) * QN__BLOCK_ROWS;
    job.partial = QN_CALLOC(double, job.group_count *job.stride *job.stride);
    job.scratch = QN_ALLOC(double, qn_pool_threads(pool) * job.scratch_size);
    if (!job.partial || !job.scratch) {
        status = qn_fail(err, QN_NOMEM, "no memory for a matrix of %zu x %zu products",
                         gram->column_count, gram->column_count);
        goto done;
    }
    size_t task_count = job.group_count * job.pair_count;
    /* Batches only so that a long computation can be cancelled; they change no result. */
    for (job.first_task = 0; job.first_task < task_count && status == QN_OK;) {
        size_t batch = task_count - job.first_task < 256 ? task_count - job.first_task : 256;
        qn_pool_run(pool, batch, gram_task, &job);
        job.first_task += batch;
        status = qn_progress_report(progress, "fit", job.first_task, task_count, "blocks", err);
    }
    if (status == QN_OK)
        gram_reduce(&job, out);
done:
    qn_free(job.scratch);
    qn_free(job.partial);
    return status;
}

/* ---- moments and checks -------------------------------------------------------------------- */

enum {
    QN_MOMENT_ROWS = 4096, /* rows of one partial sum */
    QN_SAMPLE_BLOCKS = 64,
    QN_SAMPLE_ROWS = 256 /* of one block of the sample */
};

double qn__sample_mean(const double *x, size_t row_count)
{
    if (row_count <= (size_t)QN_SAMPLE_BLOCKS * QN_SAMPLE_ROWS)
        return qn_sum(x, row_count) / (double)row_count;
    double means[QN_SAMPLE_BLOCKS];
    for (size_t i = 0; i < QN_SAMPLE_BLOCKS; i++) {
        size_t first = (row_count - QN_SAMPLE_ROWS) / (QN_SAMPLE_BLOCKS - 1) * i;
        means[i] = qn_sum(x + first, QN_SAMPLE_ROWS) / QN_SAMPLE_ROWS;
    }
    return qn_sum(means, QN_SAMPLE_BLOCKS) / QN_SAMPLE_BLOCKS;
}

QN__INLINE double lanes_sum(const qn__vector *sum)
{
    const qn__vector v = *sum;
    return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}

QN__INLINE void dot_body(const double *x, double shift, const double *y, size_t count, double *out)
{
    qn__vector sum = {0};
    double tail = 0;
    size_t i = 0;
    for (; i + QN__PANEL <= count; i += QN__PANEL)
        sum += (*(const qn__vector *)(x + i) - shift) * *(const qn__vector *)(y + i);
    for (; i < count; i++)
        tail += (x[i] - shift) * y[i];
    *out = lanes_sum(&sum) + tail;
}
QN__DISPATCH(dot, (const double *x, double shift, const double *y, size_t count, double *out),
             (x, shift, y, count, out))

double qn__dot(const double *x, double shift, const double *y, size_t count)
{
    double out;
    dot(x, shift, y, count, &out);
    return out;
}

struct moment_job {
    const struct qn_features *features;
    const double *weights;
    const double *shift;
    double *sums, *squares; /* feature x block */
    size_t block_count;
};

QN__INLINE void moment_body(const double *x, const double *weights, double shift, size_t count,
                            double out[2])
{
    qn__vector sum = {0}, square = {0};
    double tail = 0, tail_square = 0;
    size_t i = 0;
    for (; i + QN__PANEL <= count; i += QN__PANEL) {
        qn__vector v = *(const qn__vector *)(x + i) - shift, weighted = v;
        if (weights)
            weighted *= *(const qn__vector *)(weights + i);
        sum += weighted;
        square += weighted * v;
    }
    for (; i < count; i++) {
        double v = x[i] - shift, weighted = weights ? v * weights[i] : v;
        tail += weighted;
        tail_square += weighted * v;
    }
    out[0] = lanes_sum(&sum) + tail;
    out[1] = lanes_sum(&square) + tail_square;
}
QN__DISPATCH(moment,
             (const double *x, const double *weights, double shift, size_t count, double out[2]),
             (x, weights, shift, count, out))

static void moment_task(void *context, size_t index, unsigned thread)
{
    const struct moment_job *job = context;
    (void)thread;
    size_t column = index / job->block_count, block = index % job->block_count;
    size_t first = block * QN_MOMENT_ROWS, count = job->features->row_count - first;
    if (count > QN_MOMENT_ROWS)
        count = QN_MOMENT_ROWS;
    double out[2];
    moment(job->features->columns[column].values + first,
           job->weights ? job->weights + first : NULL, job->shift[column], count, out);
    job->sums[index] = out[0];
    job->squares[index] = out[1];
}

enum qn_status qn__moments(const struct qn_features *features, const double *weights,
                           const char *what, struct qn_pool *pool, double *mean, double *deviation,
                           struct qn_error *err)
{
    enum qn_status status = QN_OK;
    size_t p = features->feature_count, n = features->row_count;
    struct moment_job job = {.features = features, .weights = weights, .shift = mean};
    job.block_count = (n + QN_MOMENT_ROWS - 1) / QN_MOMENT_ROWS;
    job.sums = QN_ALLOC(double, 2 * p * job.block_count);
    if (!job.sums)
        return qn_fail_nomem(err, "means of the columns");
    job.squares = job.sums + p * job.block_count;
    double total = weights ? qn_sum(weights, n) : (double)n;
    for (size_t j = 0; j < p; j++)
        mean[j] = qn__sample_mean(features->columns[j].values, n);
    qn_pool_run(pool, p * job.block_count, moment_task, &job);
    for (size_t j = 0; j < p && status == QN_OK; j++) {
        size_t at = j * job.block_count;
        double offset = qn_sum(job.sums + at, job.block_count) / total;
        double square = qn_sum(job.squares + at, job.block_count) / total - offset * offset;
        mean[j] += offset;
        deviation[j] = square > 0 ? sqrt(square) : 0;
        if (deviation[j] <= 1e-14 * fabs(mean[j]))
            deviation[j] = 0;
        if (!isfinite(mean[j]) || !isfinite(square)) {
            status = qn__features_check(features, false, what, err);
            if (status == QN_OK)
                status = qn_fail(err, QN_INVALID, "%s: the values of column '%s' are too large",
                                 what, features->columns[j].name);
        }
    }
    qn_free(job.sums);
    return status;
}

enum qn_status qn__features_check(const struct qn_features *features, bool kinds_only,
                                  const char *what, struct qn_error *err)
{
    for (size_t j = 0; j < features->feature_count; j++) {
        const struct qn_feature *column = &features->columns[j];
        if (column->kind != QN_FEATURE_NUMERIC)
            return qn_fail(err, QN_INVALID,
                           "%s: column '%s' holds categories; encode it as numbers first", what,
                           column->name);
        for (size_t i = 0; !kinds_only && i < features->row_count; i++) {
            double v = column->values[i];
            if (isfinite(v))
                continue;
            return qn_fail(err, QN_INVALID, "%s: column '%s' has %s value in row %zu; %s", what,
                           column->name, isnan(v) ? "a missing" : "an infinite", i + 1,
                           isnan(v) ? "impute it first" : "clip or drop it first");
        }
    }
    return QN_OK;
}
