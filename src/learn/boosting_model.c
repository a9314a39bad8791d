/* A fitted model: predictions and bytes. */
#include "learn/boosting_internal.h"

#include "base/alloc.h"
#include "base/numeric.h"

#include <math.h>
#include <string.h>

#define QN_BLOCK_ROWS ((size_t)4096)
#define QN_WHAT "gradient boosting model"

void qn__boosting_free(void *model)
{
    struct qn_boosting *boosting = model;
    if (!boosting)
        return;
    qn_free(boosting->base);
    qn_free(boosting->history);
    qn_trees_free(boosting->trees);
    qn_free(boosting);
}

/* ---- predictions ---- */

struct finish {
    const struct qn_boosting *model;
    size_t row_count, output;
    const double *column; /* scores of one output */
    double *out;
};

static size_t block_end(const struct finish *job, size_t index)
{
    size_t end = (index + 1) * QN_BLOCK_ROWS;
    return end < job->row_count ? end : job->row_count;
}

static void sigmoid_block(void *context, size_t index, unsigned thread)
{
    (void)thread;
    const struct finish *job = context;
    double share[QN_BLOCK_ROWS];
    size_t begin = index * QN_BLOCK_ROWS, end = block_end(job, index);
    qn_sigmoid_many(job->column + begin, share, end - begin);
    for (size_t row = begin; row < end; row++) {
        job->out[2 * row] = 1.0 - share[row - begin];
        job->out[2 * row + 1] = share[row - begin];
    }
}

static void scatter_block(void *context, size_t index, unsigned thread)
{
    (void)thread;
    const struct finish *job = context;
    size_t width = job->model->output_count;
    for (size_t row = index * QN_BLOCK_ROWS; row < block_end(job, index); row++)
        job->out[row * width + job->output] = job->column[row];
}

static void softmax_block(void *context, size_t index, unsigned thread)
{
    (void)thread;
    const struct finish *job = context;
    size_t width = job->model->output_count;
    for (size_t row = index * QN_BLOCK_ROWS; row < block_end(job, index); row++) {
        double *scores = job->out + row * width, largest = scores[0], sum = 0;
        for (size_t k = 1; k < width; k++)
            largest = fmax(largest, scores[k]);
        for (size_t k = 0; k < width; k++) {
            scores[k] = qn_exp(scores[k] - largest);
            sum += scores[k];
        }
        for (size_t k = 0; k < width; k++)
            scores[k] /= sum;
    }
}

/* Base score plus the trees of one output, for each row. */
static void score(const struct qn_boosting *model, const struct qn_features *features,
                  size_t output, struct qn_pool *pool, double *column)
{
    for (size_t row = 0; row < features->row_count; row++)
        column[row] = model->base[output];
    qn_trees_accumulate(model->trees, output * model->round_count,
                        (output + 1) * model->round_count, 1.0, features, pool, column);
}

enum qn_status qn__boosting_predict(const void *model, const struct qn_features *features,
                                    struct qn_pool *pool, double *out, struct qn_error *err)
{
    const struct qn_boosting *boosting = model;
    enum qn_status status = qn_trees_check(boosting->trees, features, err);
    if (status != QN_OK)
        return status;
    if (boosting->task == QN_TASK_REGRESSION) {
        score(boosting, features, 0, pool, out);
        return QN_OK;
    }
    double *column = QN_ALLOC(double, features->row_count);
    if (!column)
        return qn_fail_nomem(err, "gradient_boosting");
    struct finish job = {boosting, features->row_count, 0, column, out};
    size_t block_count = (features->row_count + QN_BLOCK_ROWS - 1) / QN_BLOCK_ROWS;
    if (boosting->task == QN_TASK_BINARY) {
        score(boosting, features, 0, pool, column);
        qn_pool_run(pool, block_count, sigmoid_block, &job);
    } else {
        for (job.output = 0; job.output < boosting->output_count; job.output++) {
            score(boosting, features, job.output, pool, column);
            qn_pool_run(pool, block_count, scatter_block, &job);
        }
        qn_pool_run(pool, block_count, softmax_block, &job);
    }
    qn_free(column);
    return QN_OK;
}

/* ---- bytes ---- */

void qn__boosting_write(const void *model, struct qn_buffer *buffer)
{
    const struct qn_boosting *boosting = model;
    qn_buffer_u8(buffer, (uint8_t)boosting->task);
    qn_buffer_u64(buffer, boosting->class_count);
    qn_buffer_u64(buffer, boosting->round_count);
    qn_buffer_u64(buffer, boosting->output_count);
    for (size_t k = 0; k < boosting->output_count; k++)
        qn_buffer_f64(buffer, boosting->base[k]);
    qn_buffer_u64(buffer, boosting->history_count);
    for (size_t i = 0; i < boosting->history_count; i++)
        qn_buffer_f64(buffer, boosting->history[i]);
    qn_trees_write(boosting->trees, buffer);
}

/* Reads a count and as many doubles, which must be finite. */
static double *read_doubles(struct qn_reader *reader, size_t *count_out, bool *no_memory)
{
    size_t count = qn_reader_count(reader, 8);
    if (reader->failed)
        return NULL;
    double *items = QN_ALLOC(double, count);
    if (!items) {
        *no_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = qn_reader_f64(reader);
        if (!isfinite(items[i]))
            reader->failed = true;
    }
    *count_out = count;
    return items;
}

static bool shape_is_right(const struct qn_boosting *model)
{
    bool classes_right = false;
    if (model->task == QN_TASK_BINARY)
        classes_right = model->class_count == 2 && model->output_count == 1;
    else if (model->task == QN_TASK_MULTICLASS)
        classes_right = model->class_count >= 2 && model->output_count == model->class_count;
    else if (model->task == QN_TASK_REGRESSION)
        classes_right = model->class_count == 0 && model->output_count == 1;
    return classes_right && model->trees->output_count == 1 &&
           model->round_count <= SIZE_MAX / model->output_count &&
           model->trees->tree_count == model->round_count * model->output_count;
}

static enum qn_status read_model(struct qn_boosting *model, struct qn_reader *reader,
                                 struct qn_error *err)
{
    bool no_memory = false;
    model->task = (enum qn_task)qn_reader_u8(reader);
    model->class_count = (size_t)qn_reader_u64(reader);
    model->round_count = (size_t)qn_reader_u64(reader);
    model->base = read_doubles(reader, &model->output_count, &no_memory);
    if (!no_memory)
        model->history = read_doubles(reader, &model->history_count, &no_memory);
    if (no_memory)
        return qn_fail_nomem(err, QN_WHAT);
    enum qn_status status = qn_reader_check(reader, QN_WHAT, err);
    if (status == QN_OK)
        status = qn_trees_read(reader, &model->trees, err);
    if (status == QN_OK && !shape_is_right(model))
        status = qn_fail(err, QN_CORRUPT, QN_WHAT ": task, classes and trees do not fit together");
    return status;
}

enum qn_status qn__boosting_read(struct qn_reader *reader, void **out, struct qn_error *err)
{
    struct qn_boosting *model = QN_CALLOC(struct qn_boosting, 1);
    if (!model)
        return qn_fail_nomem(err, QN_WHAT);
    enum qn_status status = read_model(model, reader, err);
    if (status != QN_OK) {
        qn__boosting_free(model);
        return status;
    }
    *out = model;
    return QN_OK;
}
