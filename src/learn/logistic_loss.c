#include "learn/logistic_internal.h"

#include "base/alloc.h"
#include "base/numeric.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    QN_GROUP_ROWS = 4096,
    QN_GROUP_LIMIT = 64,
    QN_PARTIAL_LIMIT = 1 << 24 /* doubles in all partial Hessians, unless one alone is larger */
};

struct loss_job {
    const struct qn__logistic *problem;
    const double *theta;
    bool hessian;
    size_t block_count, group_count;
    size_t stride;     /* width, padded to panels */
    size_t pair_count; /* of vectors */
    size_t sums_size;  /* of a group: loss, wrong, gradient, then pair_count padded blocks */
    size_t scratch_size;
    double *sums;    /* group_count x sums_size */
    double *scratch; /* thread x scratch_size */
};

/* Scratch of a thread for one block of rows. */
struct block {
    double *panels;   /* stride x rows: the centred columns and a column of ones */
    double *weighted; /* one panel */
    double *curve;    /* weights of one Hessian block */
    double *scores;   /* vector_count x QN__BLOCK_ROWS; then the residuals */
    double *chances;  /* vector_count x QN__BLOCK_ROWS */
};

static void block_scores(const struct loss_job *job, size_t row, size_t rows, double *scores)
{
    const struct qn__logistic *problem = job->problem;
    const struct qn_feature *columns = problem->fit->features->columns;
    for (size_t k = 0; k < problem->vector_count; k++) {
        const double *theta = job->theta + k * problem->width;
        double *score = scores + k * QN__BLOCK_ROWS;
        for (size_t i = 0; i < rows; i++)
            score[i] = theta[problem->feature_count];
    }
    for (size_t j = 0; j < problem->feature_count; j++)
        for (size_t k = 0; k < problem->vector_count; k++)
            qn__axpy(job->theta[k * problem->width + j], columns[j].values + row, problem->shift[j],
                     scores + k * QN__BLOCK_ROWS, rows);
}

/* Turns scores into residuals d loss / d score; chances get p. Adds to the loss and wrong rows. */
static void binary_rows(const struct qn__logistic *problem, size_t row, size_t rows,
                        const struct block *block, double *sums)
{
    const int32_t *classes = problem->fit->target->classes + row;
    double *own = block->scores, loss = 0, product = 1;
    for (size_t i = 0; i < rows; i++)
        own[i] = classes[i] ? own[i] : -own[i];
    qn_sigmoid_many(own, block->chances, rows);
    for (size_t i = 0; i < rows; i++) {
        double weight = problem->weights ? problem->weights[row + i] : 1, q = block->chances[i];
        if (own[i] < -36)
            loss -= weight * own[i]; /* exact, and q would vanish soon */
        else if (problem->weights)
            loss -= weight * qn_log(q);
        else
            product *= q;
        if (i % 16 == 15) { /* one logarithm for 16 rows: the product is above 1e-251 */
            loss -= qn_log(product);
            product = 1;
        }
        sums[1] += weight > 0 && !(own[i] > 0);
        own[i] = classes[i] ? weight * (q - 1) : weight * (1 - q);
    }
    sums[0] += loss - qn_log(product);
}

static void multinomial_rows(const struct qn__logistic *problem, size_t row, size_t rows,
                             const struct block *block, double *sums)
{
    size_t vectors = problem->vector_count;
    double loss = 0;
    for (size_t i = 0; i < rows; i++) {
        double *score = block->scores + i, *chance = block->chances + i;
        double weight = problem->weights ? problem->weights[row + i] : 1;
        size_t own = (size_t)problem->fit->target->classes[row + i];
        double largest = -INFINITY, rival = -INFINITY, sum = 0;
        for (size_t k = 0; k < vectors; k++) {
            largest = fmax(largest, score[k * QN__BLOCK_ROWS]);
            if (k != own)
                rival = fmax(rival, score[k * QN__BLOCK_ROWS]);
        }
        for (size_t k = 0; k < vectors; k++) {
            chance[k * QN__BLOCK_ROWS] = qn_exp(score[k * QN__BLOCK_ROWS] - largest);
            sum += chance[k * QN__BLOCK_ROWS];
        }
        loss += weight * (qn_log(sum) + largest - score[own * QN__BLOCK_ROWS]);
        sums[1] += weight > 0 && !(score[own * QN__BLOCK_ROWS] > rival);
        for (size_t k = 0; k < vectors; k++) {
            chance[k * QN__BLOCK_ROWS] /= sum;
            score[k * QN__BLOCK_ROWS] = weight * (chance[k * QN__BLOCK_ROWS] - (k == own));
        }
    }
    sums[0] += loss;
}

static void add_gradient(const struct loss_job *job, size_t row, size_t rows,
                         const double *residuals, double *gradient)
{
    const struct qn__logistic *problem = job->problem;
    const struct qn_feature *columns = problem->fit->features->columns;
    for (size_t j = 0; j < problem->feature_count; j++)
        for (size_t k = 0; k < problem->vector_count; k++)
            gradient[k * problem->width + j] += qn__dot(columns[j].values + row, problem->shift[j],
                                                        residuals + k * QN__BLOCK_ROWS, rows);
    for (size_t k = 0; k < problem->vector_count; k++)
        gradient[k * problem->width + problem->feature_count] +=
            qn_sum(residuals + k * QN__BLOCK_ROWS, rows);
}

static void pack_block(const struct loss_job *job, size_t row, size_t rows, double *panels)
{
    const struct qn__logistic *problem = job->problem;
    for (size_t at = 0; at < problem->width; at += QN__PANEL) {
        const double *columns[QN__PANEL];
        double shift[QN__PANEL];
        size_t count = problem->width - at < QN__PANEL ? problem->width - at : QN__PANEL;
        for (size_t i = 0; i < count; i++) {
            bool one = at + i == problem->feature_count;
            columns[i] = one ? NULL : problem->fit->features->columns[at + i].values;
            shift[i] = one ? 0 : problem->shift[at + i];
        }
        qn__panel_pack(columns, shift, count, row, rows, panels);
        panels += rows * QN__PANEL;
    }
}

/* s p_k ([k = l] - p_l): the second derivative of the loss by the scores k and l. */
static void curvature(const struct qn__logistic *problem, size_t row, size_t rows, size_t k,
                      size_t l, const double *chances, double *out)
{
    const double *p = chances + k * QN__BLOCK_ROWS, *q = chances + l * QN__BLOCK_ROWS;
    for (size_t i = 0; i < rows; i++) {
        double weight = problem->weights ? problem->weights[row + i] : 1;
        out[i] = k == l ? weight * p[i] * (1 - p[i]) : -weight * p[i] * q[i];
    }
}

static void add_hessian(const struct loss_job *job, size_t row, size_t rows,
                        const struct block *block, double *hessian)
{
    size_t panels = job->stride / QN__PANEL, panel_size = rows * QN__PANEL;
    pack_block(job, row, rows, block->panels);
    for (size_t k = 0; k < job->problem->vector_count; k++) {
        for (size_t l = 0; l <= k; l++) {
            curvature(job->problem, row, rows, k, l, block->chances, block->curve);
            for (size_t j = 0; j < panels; j++) {
                qn__panel_scale(block->panels + j * panel_size, block->curve, rows,
                                block->weighted);
                qn__panels_multiply(block->panels + j * panel_size, panels - j, block->weighted, 1,
                                    rows, hessian + j * QN__PANEL * (job->stride + 1), job->stride);
            }
            hessian += job->stride * job->stride;
        }
    }
}

static void loss_task(void *context, size_t group, unsigned thread)
{
    const struct loss_job *job = context;
    const struct qn__logistic *problem = job->problem;
    double *sums = job->sums + group * job->sums_size;
    double *scratch = job->scratch + thread * job->scratch_size;
    size_t span = problem->vector_count * QN__BLOCK_ROWS;
    struct block block = {.scores = scratch,
                          .chances = scratch + span,
                          .curve = scratch + 2 * span,
                          .weighted = scratch + 2 * span + QN__BLOCK_ROWS};
    block.panels = block.weighted + QN__BLOCK_ROWS * QN__PANEL;
    size_t first = job->block_count * group / job->group_count;
    size_t end = job->block_count * (group + 1) / job->group_count;
    size_t step = problem->block_step * QN__BLOCK_ROWS;
    for (size_t at = first; at < end; at++) {
        size_t row = at * step;
        size_t rows = problem->row_count - row;
        if (rows > QN__BLOCK_ROWS)
            rows = QN__BLOCK_ROWS;
        block_scores(job, row, rows, block.scores);
        if (at + 1 < end)
            qn__prefetch(problem->fit->features, row + step, problem->row_count - row - step);
        if (problem->vector_count == 1)
            binary_rows(problem, row, rows, &block, sums);
        else
            multinomial_rows(problem, row, rows, &block, sums);
        add_gradient(job, row, rows, block.scores, sums + 2);
        if (job->hessian)
            add_hessian(job, row, rows, &block, sums + 2 + problem->size);
    }
}

/* Adds the groups' sums into the first, in order. */
static void add_groups(const struct loss_job *job)
{
    for (size_t group = 1; group < job->group_count; group++)
        qn__axpy(1.0, job->sums + group * job->sums_size, 0.0, job->sums, job->sums_size);
}

static void unpack_hessian(const struct loss_job *job, double *out)
{
    assert(out);
    const struct qn__logistic *problem = job->problem;
    const double *block = job->sums + 2 + problem->size;
    size_t width = problem->width, size = problem->size;
    for (size_t k = 0; k < problem->vector_count; k++) {
        for (size_t l = 0; l <= k; l++) {
            for (size_t i = 0; i < width; i++) {
                for (size_t j = 0; j <= i; j++) {
                    double value = block[i * job->stride + j] / problem->total;
                    if (k == l && i == j && i < problem->feature_count)
                        value += problem->penalty;
                    out[(k * width + i) * size + l * width + j] = value;
                    out[(k * width + j) * size + l * width + i] = value;
                    out[(l * width + i) * size + k * width + j] = value;
                    out[(l * width + j) * size + k * width + i] = value;
                }
            }
            block += job->stride * job->stride;
        }
    }
}

static void finish(const struct loss_job *job, struct qn__logistic_value *value)
{
    const struct qn__logistic *problem = job->problem;
    double squares = 0;
    for (size_t i = 0; i < problem->size; i++) {
        size_t j = i % problem->width;
        double slope = job->sums[2 + i] / problem->total;
        if (j < problem->feature_count) {
            slope += problem->penalty * job->theta[i];
            squares += job->theta[i] * job->theta[i];
        }
        value->gradient[i] = problem->frozen[j] ? 0 : slope;
    }
    value->mean_loss = job->sums[0] / problem->total;
    value->loss = value->mean_loss + problem->penalty / 2 * squares;
    value->wrong = (uint64_t)job->sums[1];
    if (job->hessian)
        unpack_hessian(job, value->hessian);
}

enum qn_status qn__logistic_evaluate(const struct qn__logistic *problem, const double *theta,
                                     struct qn__logistic_value *value, struct qn_error *err)
{
    enum qn_status status = QN_OK;
    size_t vectors = problem->vector_count, step = problem->block_step;
    struct loss_job job = {.problem = problem, .theta = theta, .hessian = value->hessian != NULL};
    size_t blocks = (problem->row_count + QN__BLOCK_ROWS - 1) / QN__BLOCK_ROWS;
    job.block_count = (blocks + step - 1) / step;
    job.stride = qn__panel_count(problem->width) * QN__PANEL;
    job.pair_count = vectors * (vectors + 1) / 2;
    job.sums_size = 2 + problem->size;
    job.scratch_size = (2 * vectors + 1 + QN__PANEL) * QN__BLOCK_ROWS;
    if (job.hessian) {
        job.sums_size += job.pair_count * job.stride * job.stride;
        job.scratch_size += job.stride * QN__BLOCK_ROWS;
    }
    job.group_count = job.block_count / (QN_GROUP_ROWS / QN__BLOCK_ROWS);
    if (job.group_count > QN_GROUP_LIMIT)
        job.group_count = QN_GROUP_LIMIT;
    if (job.group_count > QN_PARTIAL_LIMIT / job.sums_size)
        job.group_count = QN_PARTIAL_LIMIT / job.sums_size;
    if (job.group_count == 0)
        job.group_count = 1;
    job.sums = QN_CALLOC(double, job.group_count *job.sums_size);
    job.scratch = QN_ALLOC(double, qn_pool_threads(problem->fit->pool) * job.scratch_size);
    if (!job.sums || !job.scratch) {
        status = qn_fail(err, QN_NOMEM, "logistic regression: no memory for %zu parameters",
                         problem->size);
        goto done;
    }
    qn_pool_run(problem->fit->pool, job.group_count, loss_task, &job);
    add_groups(&job);
    finish(&job, value);
done:
    qn_free(job.scratch);
    qn_free(job.sums);
    return status;
}
