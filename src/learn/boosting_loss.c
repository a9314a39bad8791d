/* Objectives, for a row of weight w, score s (s_k) and probability p (p_k):
 *
 *     binary       loss  w log loss(y, p), p = 1 / (1 + exp(-s))
 *                  g     w (p - y)
 *                  h     w p (1 - p)
 *     multiclass   loss  -w log p_y, p = softmax(s)
 *                  g_k   w (p_k - [y = k])
 *                  h_k   w K / (K - 1) p_k (1 - p_k)
 *     regression   loss  w (y - s)^2 / 2
 *                  g     w (s - y)
 *                  h     w
 *
 * The multiclass hessian is the diagonal, times Friedman's (2001) K / (K - 1): the trees of a round
 * do not know of each other, and full steps of all of them together go too far. */
#include "learn/boosting_internal.h"

#include "base/alloc.h"
#include "base/numeric.h"
#include "learn/tree.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define QN_BLOCK_ROWS ((size_t)4096)
/* A class without training rows starts here instead of at log 0. */
#define QN_LEAST_SHARE 1e-15

static size_t block_count(const struct qn__loss *loss)
{
    return (loss->row_count + QN_BLOCK_ROWS - 1) / QN_BLOCK_ROWS;
}

static size_t block_end(const struct qn__loss *loss, size_t index)
{
    size_t end = (index + 1) * QN_BLOCK_ROWS;
    return end < loss->row_count ? end : loss->row_count;
}

static double weight_of(const struct qn__loss *loss, size_t row)
{
    return loss->weights ? loss->weights[row] : 1.0;
}

/* Weighted sums of the classes over the rows; totals: output of class_count. */
static void class_weights(const struct qn__loss *loss, size_t class_count, const uint32_t *rows,
                          size_t row_count, double *totals)
{
    assert(loss->classes);
    memset(totals, 0, class_count * sizeof(*totals));
    for (size_t i = 0; i < row_count; i++)
        totals[loss->classes[rows[i]]] += weight_of(loss, rows[i]);
}

/* "balanced": every class has the same total weight, and the sum over classes stays. */
static enum qn_status balance(struct qn__loss *loss, size_t class_count, const uint32_t *rows,
                              size_t row_count, struct qn_error *err)
{
    double *totals = QN_ALLOC(double, class_count);
    if (!totals)
        return qn_fail_nomem(err, "gradient_boosting");
    class_weights(loss, class_count, rows, row_count, totals);
    double sum = 0, used = 0;
    for (size_t k = 0; k < class_count; k++) {
        sum += totals[k];
        used += totals[k] > 0;
    }
    for (size_t i = 0; i < loss->row_count; i++) {
        double total = totals[loss->classes[i]];
        loss->weights[i] *= total > 0 ? sum / (used * total) : 1.0;
    }
    qn_free(totals);
    return QN_OK;
}

/* The best constant scores for the rows. */
static enum qn_status set_base(struct qn__loss *loss, size_t class_count, const uint32_t *rows,
                               size_t row_count, struct qn_error *err)
{
    double sum = 0, total = 0;
    if (loss->task == QN_TASK_REGRESSION) {
        for (size_t i = 0; i < row_count; i++) {
            sum += weight_of(loss, rows[i]) * loss->values[rows[i]];
            total += weight_of(loss, rows[i]);
        }
        loss->base[0] = sum / total;
        return QN_OK;
    }
    double *totals = QN_ALLOC(double, class_count);
    if (!totals)
        return qn_fail_nomem(err, "gradient_boosting");
    class_weights(loss, class_count, rows, row_count, totals);
    for (size_t k = 0; k < class_count; k++)
        total += totals[k];
    for (size_t k = 0; k < class_count; k++)
        totals[k] = qn_log(fmax(totals[k] / total, QN_LEAST_SHARE));
    if (loss->task == QN_TASK_BINARY)
        loss->base[0] = totals[1] - totals[0];
    else
        memcpy(loss->base, totals, class_count * sizeof(*totals));
    qn_free(totals);
    return QN_OK;
}

static enum qn_status fill(struct qn__loss *loss, const struct qn_target *target,
                           int64_t class_weight, const uint32_t *rows, size_t row_count,
                           struct qn_error *err)
{
    enum qn_status status = QN_OK;
    for (size_t i = 0; loss->weights && i < loss->row_count; i++)
        loss->weights[i] = target->weights ? target->weights[i] : 1.0;
    if (target->classes && class_weight == QN_CLASS_WEIGHT_BALANCED)
        status = balance(loss, target->class_count, rows, row_count, err);
    if (status == QN_OK)
        status = set_base(loss, target->class_count, rows, row_count, err);
    if (status != QN_OK)
        return status;
    for (size_t k = 0; k < loss->output_count; k++) {
        for (size_t i = 0; i < loss->row_count; i++)
            loss->scores[k * loss->row_count + i] = loss->base[k];
    }
    return QN_OK;
}

enum qn_status qn__loss_create(const struct qn_target *target, int64_t class_weight,
                               const uint32_t *rows, size_t row_count, struct qn__loss **out,
                               struct qn_error *err)
{
    struct qn__loss *loss = QN_CALLOC(struct qn__loss, 1);
    if (!loss)
        return qn_fail_nomem(err, "gradient_boosting");
    size_t n = target->row_count;
    bool balanced = target->classes && class_weight == QN_CLASS_WEIGHT_BALANCED;
    bool weighted = target->weights || balanced;
    loss->task = target->task;
    loss->row_count = n;
    loss->output_count = target->task == QN_TASK_MULTICLASS ? target->class_count : 1;
    loss->classes = target->classes;
    loss->values = target->values;
    bool curved = weighted || target->task != QN_TASK_REGRESSION;
    bool many = target->task == QN_TASK_MULTICLASS;
    loss->weights = weighted ? QN_ALLOC(double, n) : NULL;
    loss->hessian = curved ? QN_ALLOC(double, n) : NULL;
    loss->log_sum = many ? QN_ALLOC(double, n) : NULL;
    loss->gradient = QN_ALLOC(double, n);
    loss->base = QN_ALLOC(double, loss->output_count);
    loss->scores =
        n <= SIZE_MAX / loss->output_count ? QN_ALLOC(double, n * loss->output_count) : NULL;
    enum qn_status status;
    if ((weighted && !loss->weights) || (curved && !loss->hessian) || (many && !loss->log_sum) ||
        !loss->gradient || !loss->base || !loss->scores)
        status = qn_fail_nomem(err, "gradient_boosting");
    else
        status = fill(loss, target, class_weight, rows, row_count, err);
    if (status != QN_OK) {
        qn__loss_free(loss);
        return status;
    }
    *out = loss;
    return QN_OK;
}

void qn__loss_free(struct qn__loss *loss)
{
    if (!loss)
        return;
    qn_free(loss->weights);
    qn_free(loss->scores);
    qn_free(loss->log_sum);
    qn_free(loss->gradient);
    qn_free(loss->hessian);
    qn_free(loss->base);
    qn_free(loss);
}

/* log of the sum of exp(score), without overflow. */
static double log_sum_of(const struct qn__loss *loss, size_t row)
{
    double largest = loss->scores[row], sum = 0;
    for (size_t k = 1; k < loss->output_count; k++)
        largest = fmax(largest, loss->scores[k * loss->row_count + row]);
    for (size_t k = 0; k < loss->output_count; k++)
        sum += qn_exp(loss->scores[k * loss->row_count + row] - largest);
    return largest + qn_log(sum);
}

static void log_sum_block(void *context, size_t index, unsigned thread)
{
    (void)thread;
    struct qn__loss *loss = context;
    for (size_t row = index * QN_BLOCK_ROWS; row < block_end(loss, index); row++)
        loss->log_sum[row] = log_sum_of(loss, row);
}

void qn__loss_begin_round(struct qn__loss *loss, struct qn_pool *pool)
{
    if (loss->task == QN_TASK_MULTICLASS)
        qn_pool_run(pool, block_count(loss), log_sum_block, loss);
}

struct gradient_job {
    struct qn__loss *loss;
    size_t output;
};

static void regression_block(struct qn__loss *loss, size_t begin, size_t end)
{
    for (size_t row = begin; row < end; row++) {
        double weight = weight_of(loss, row);
        loss->gradient[row] = weight * (loss->scores[row] - loss->values[row]);
        if (loss->hessian)
            loss->hessian[row] = weight;
    }
}

static void gradient_block(void *context, size_t index, unsigned thread)
{
    (void)thread;
    struct gradient_job *job = context;
    struct qn__loss *loss = job->loss;
    size_t begin = index * QN_BLOCK_ROWS, end = block_end(loss, index);
    if (loss->task == QN_TASK_REGRESSION) {
        regression_block(loss, begin, end);
        return;
    }
    double share[QN_BLOCK_ROWS];
    const double *scores = loss->scores + job->output * loss->row_count;
    bool binary = loss->task == QN_TASK_BINARY;
    int32_t positive = binary ? 1 : (int32_t)job->output;
    double classes = (double)loss->output_count;
    double factor = binary ? 1.0 : classes / (classes - 1.0);
    if (binary) {
        qn_sigmoid_many(scores + begin, share, end - begin);
    } else {
        for (size_t row = begin; row < end; row++)
            share[row - begin] = qn_exp(scores[row] - loss->log_sum[row]);
    }
    for (size_t row = begin; row < end; row++) {
        double p = share[row - begin], weight = weight_of(loss, row);
        loss->gradient[row] = weight * (p - (loss->classes[row] == positive ? 1.0 : 0.0));
        loss->hessian[row] = weight * (factor * (p * (1.0 - p)));
    }
}

void qn__loss_gradients(struct qn__loss *loss, size_t output, struct qn_pool *pool)
{
    struct gradient_job job = {loss, output};
    qn_pool_run(pool, block_count(loss), gradient_block, &job);
}

static double loss_of(const struct qn__loss *loss, size_t row)
{
    if (loss->task == QN_TASK_REGRESSION) {
        double miss = loss->values[row] - loss->scores[row];
        return 0.5 * miss * miss;
    }
    if (loss->task == QN_TASK_MULTICLASS) {
        size_t class = (size_t)loss->classes[row];
        return log_sum_of(loss, row) - loss->scores[class * loss->row_count + row];
    }
    double margin = loss->classes[row] == 1 ? loss->scores[row] : -loss->scores[row];
    return margin > 0 ? qn_log1p(qn_exp(-margin)) : qn_log1p(qn_exp(margin)) - margin;
}

double qn__loss_mean(const struct qn__loss *loss, const uint32_t *rows, size_t row_count)
{
    double sum = 0, total = 0;
    for (size_t i = 0; i < row_count; i++) {
        double weight = weight_of(loss, rows[i]);
        sum += weight * loss_of(loss, rows[i]);
        total += weight;
    }
    return sum / total;
}
