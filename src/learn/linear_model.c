#include "learn/linear_internal.h"

#include "base/alloc.h"
#include "base/numeric.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static size_t value_count(size_t vectors, size_t features)
{
    return 2 * (vectors * (features + 1) + features);
}

struct qn__linear_model *qn__linear_create(enum qn__linear_kind kind, size_t feature_count,
                                           size_t class_count)
{
    struct qn__linear_model *model = QN_CALLOC(struct qn__linear_model, 1);
    if (!model)
        return NULL;
    size_t vectors = class_count > 2 ? class_count : 1;
    model->kind = kind;
    model->feature_count = feature_count;
    model->class_count = class_count;
    model->vector_count = vectors;
    model->values = QN_CALLOC(double, value_count(vectors, feature_count));
    if (!model->values) {
        qn_free(model);
        return NULL;
    }
    model->coefficients = model->values;
    model->intercepts = model->coefficients + vectors * feature_count;
    model->errors = model->intercepts + vectors;
    model->means = model->errors + vectors * (feature_count + 1);
    model->deviations = model->means + feature_count;
    for (size_t i = 0; i < vectors * (feature_count + 1); i++)
        model->errors[i] = NAN;
    model->r2 = model->noise = model->freedom = NAN;
    return model;
}

void qn__linear_free(void *model)
{
    struct qn__linear_model *linear = model;
    if (!linear)
        return;
    qn_free(linear->values);
    qn_free(linear);
}

size_t qn__linear_output_count(const void *model)
{
    const struct qn__linear_model *linear = model;
    return linear->class_count ? linear->class_count : 1;
}

size_t qn__linear_feature_count(const void *model)
{
    return ((const struct qn__linear_model *)model)->feature_count;
}

/* ---- prediction ---------------------------------------------------------------------------- */

enum { QN_TASK_ROWS = 4096 };

struct predict_job {
    const struct qn__linear_model *model;
    const struct qn_features *features;
    double *out;
    double *scratch; /* thread x vector_count x block rows */
    bool *bad;       /* task: a score was not finite */
};

static void predict_scores(const struct predict_job *job, size_t row, size_t rows, double *scores)
{
    const struct qn__linear_model *model = job->model;
    size_t p = model->feature_count;
    for (size_t k = 0; k < model->vector_count; k++) {
        double *score = scores + k * QN__BLOCK_ROWS;
        for (size_t i = 0; i < rows; i++)
            score[i] = model->intercepts[k];
        for (size_t j = 0; j < p; j++)
            qn__axpy(model->coefficients[k * p + j], job->features->columns[j].values + row, 0.0,
                     score, rows);
    }
}

static void softmax(const double *scores, size_t class_count, double *out)
{
    double largest = scores[0], sum = 0;
    for (size_t k = 1; k < class_count; k++)
        if (scores[k * QN__BLOCK_ROWS] > largest)
            largest = scores[k * QN__BLOCK_ROWS];
    for (size_t k = 0; k < class_count; k++) {
        out[k] = qn_exp(scores[k * QN__BLOCK_ROWS] - largest);
        sum += out[k];
    }
    for (size_t k = 0; k < class_count; k++)
        out[k] /= sum;
}

static void predict_block(const struct predict_job *job, size_t row, size_t rows, double *scores)
{
    const struct qn__linear_model *model = job->model;
    if (model->class_count == 0) {
        memcpy(job->out + row, scores, rows * sizeof(double));
    } else if (model->class_count == 2) {
        double chance[QN__BLOCK_ROWS];
        qn_sigmoid_many(scores, chance, rows);
        for (size_t i = 0; i < rows; i++) {
            job->out[2 * (row + i) + 1] = chance[i];
            scores[i] = -scores[i];
        }
        qn_sigmoid_many(scores, chance, rows);
        for (size_t i = 0; i < rows; i++)
            job->out[2 * (row + i)] = chance[i];
    } else {
        for (size_t i = 0; i < rows; i++)
            softmax(scores + i, model->class_count, job->out + (row + i) * model->class_count);
    }
}

static void predict_task(void *context, size_t index, unsigned thread)
{
    const struct predict_job *job = context;
    size_t vectors = job->model->vector_count;
    double *scores = job->scratch + thread * vectors * QN__BLOCK_ROWS;
    size_t first = index * QN_TASK_ROWS, end = first + QN_TASK_ROWS;
    if (end > job->features->row_count)
        end = job->features->row_count;
    for (size_t row = first; row < end; row += QN__BLOCK_ROWS) {
        size_t rows = end - row < QN__BLOCK_ROWS ? end - row : QN__BLOCK_ROWS;
        predict_scores(job, row, rows, scores);
        for (size_t k = 0; k < vectors; k++)
            for (size_t i = 0; i < rows; i++)
                if (!isfinite(scores[k * QN__BLOCK_ROWS + i]))
                    job->bad[index] = true;
        predict_block(job, row, rows, scores);
    }
}

enum qn_status qn__linear_predict(const void *model, const struct qn_features *features,
                                  struct qn_pool *pool, double *out, struct qn_error *err)
{
    struct predict_job job = {.model = model, .features = features, .out = out};
    const char *what = "linear model";
    enum qn_status status = qn__features_check(features, true, what, err);
    if (status != QN_OK)
        return status;
    assert(features->feature_count == job.model->feature_count);
    size_t task_count = (features->row_count + QN_TASK_ROWS - 1) / QN_TASK_ROWS;
    job.scratch =
        QN_ALLOC(double, qn_pool_threads(pool) * job.model->vector_count * QN__BLOCK_ROWS);
    job.bad = QN_CALLOC(bool, task_count);
    if (!job.scratch || !job.bad) {
        status = qn_fail_nomem(err, "prediction");
        goto done;
    }
    qn_pool_run(pool, task_count, predict_task, &job);
    for (size_t i = 0; i < task_count && status == QN_OK; i++) {
        if (!job.bad[i])
            continue;
        status = qn__features_check(features, false, what, err);
        if (status == QN_OK)
            status = qn_fail(err, QN_INVALID, "%s: the prediction of a row is too large", what);
    }
done:
    qn_free(job.bad);
    qn_free(job.scratch);
    return status;
}

enum qn_status qn__linear_importance(const void *model, double *out, struct qn_error *err)
{
    const struct qn__linear_model *linear = model;
    size_t p = linear->feature_count;
    double total = 0;
    (void)err;
    for (size_t j = 0; j < p; j++) {
        double sum = 0;
        for (size_t k = 0; k < linear->vector_count; k++)
            sum += fabs(linear->coefficients[k * p + j]);
        out[j] = sum * linear->deviations[j];
        total += out[j];
    }
    for (size_t j = 0; j < p; j++)
        out[j] = total > 0 ? out[j] / total : 0;
    return QN_OK;
}

/* ---- bytes --------------------------------------------------------------------------------- */

void qn__linear_write(const void *model, struct qn_buffer *buffer)
{
    const struct qn__linear_model *linear = model;
    qn_buffer_u8(buffer, (uint8_t)linear->kind);
    qn_buffer_u8(buffer, (uint8_t)linear->solver);
    qn_buffer_u8(buffer, linear->has_intercept);
    qn_buffer_u8(buffer, linear->converged);
    qn_buffer_u32(buffer, linear->notes);
    qn_buffer_u64(buffer, linear->feature_count);
    qn_buffer_u64(buffer, linear->class_count);
    qn_buffer_u64(buffer, linear->row_count);
    qn_buffer_u64(buffer, linear->rank);
    qn_buffer_u64(buffer, linear->iterations);
    qn_buffer_f64(buffer, linear->penalty);
    qn_buffer_f64(buffer, linear->objective);
    qn_buffer_f64(buffer, linear->r2);
    qn_buffer_f64(buffer, linear->noise);
    qn_buffer_f64(buffer, linear->freedom);
    size_t count = value_count(linear->vector_count, linear->feature_count);
    for (size_t i = 0; i < count; i++)
        qn_buffer_f64(buffer, linear->values[i]);
}

/* What a fit can produce, and nothing else. */
static bool model_is_sound(const struct qn__linear_model *model)
{
    size_t fitted = model->vector_count * (model->feature_count + 1);
    for (size_t i = 0; i < fitted; i++)
        if (!isfinite(model->values[i]))
            return false;
    for (size_t j = 0; j < model->feature_count; j++)
        if (!isfinite(model->means[j]) || !isfinite(model->deviations[j]) ||
            model->deviations[j] < 0)
            return false;
    return (model->kind == QN__LOGISTIC) == (model->class_count >= 2);
}

enum qn_status qn__linear_read(struct qn_reader *reader, void **out, struct qn_error *err)
{
    uint8_t kind = qn_reader_u8(reader), solver = qn_reader_u8(reader);
    uint8_t has_intercept = qn_reader_u8(reader), converged = qn_reader_u8(reader);
    uint32_t notes = qn_reader_u32(reader);
    uint64_t features = qn_reader_u64(reader), classes = qn_reader_u64(reader);
    uint64_t rows = qn_reader_u64(reader), rank = qn_reader_u64(reader);
    uint64_t iterations = qn_reader_u64(reader);
    double facts[5];
    for (size_t i = 0; i < 5; i++)
        facts[i] = qn_reader_f64(reader);
    bool wrong = reader->failed || kind > QN__LOGISTIC || solver >= QN__SOLVER_COUNT ||
                 has_intercept > 1 || converged > 1 || (notes & ~QN__NOTE_ALL) != 0 ||
                 features == 0 || features > INT32_MAX || classes > INT32_MAX || classes == 1;
    size_t vectors = classes > 2 ? (size_t)classes : 1;
    if (wrong || value_count(vectors, (size_t)features) > qn_reader_left(reader) / sizeof(double))
        return qn_fail(err, QN_CORRUPT, "linear model: damaged (sizes do not fit)");
    struct qn__linear_model *model =
        qn__linear_create((enum qn__linear_kind)kind, (size_t)features, (size_t)classes);
    if (!model)
        return qn_fail_nomem(err, "linear model");
    model->solver = (enum qn__solver)solver;
    model->has_intercept = has_intercept;
    model->converged = converged;
    model->notes = notes;
    model->row_count = rows;
    model->rank = rank;
    model->iterations = iterations;
    model->penalty = facts[0];
    model->objective = facts[1];
    model->r2 = facts[2];
    model->noise = facts[3];
    model->freedom = facts[4];
    size_t count = value_count(vectors, (size_t)features);
    for (size_t i = 0; i < count; i++)
        model->values[i] = qn_reader_f64(reader);
    if (!model_is_sound(model)) {
        qn__linear_free(model);
        return qn_fail(err, QN_CORRUPT, "linear model: damaged (impossible values)");
    }
    *out = model;
    return QN_OK;
}
