#include "learn/linear_internal.h"

#include "base/alloc.h"

#include <string.h>

enum { QN_GROUP_ROWS = 8192, QN_GROUP_LIMIT = 64 };

struct residual_job {
    const struct qn_fit *fit;
    const double *w, *mean;
    double offset;
    size_t group_count, width; /* width: feature_count + 2 sums a group */
    double *partial;           /* group_count x width: gradient, sum, sum of squares */
};

static void residual_task(void *context, size_t group, unsigned thread)
{
    const struct residual_job *job = context;
    (void)thread;
    const struct qn_features *features = job->fit->features;
    const struct qn_target *target = job->fit->target;
    size_t p = features->feature_count;
    size_t first = features->row_count * group / job->group_count;
    size_t end = features->row_count * (group + 1) / job->group_count;
    double *sums = job->partial + group * job->width;
    double residual[QN__BLOCK_ROWS];
    for (size_t row = first; row < end; row += QN__BLOCK_ROWS) {
        size_t rows = end - row < QN__BLOCK_ROWS ? end - row : QN__BLOCK_ROWS;
        qn__prefetch(features, row + rows, end - row - rows);
        for (size_t i = 0; i < rows; i++)
            residual[i] = target->values[row + i] - job->offset;
        for (size_t j = 0; j < p; j++)
            qn__axpy(-job->w[j], features->columns[j].values + row, job->mean[j], residual, rows);
        for (size_t i = 0; i < rows; i++) {
            double weight = target->weights ? target->weights[row + i] : 1.0;
            double weighted = weight * residual[i];
            sums[p] += weighted;
            sums[p + 1] += weighted * residual[i];
            residual[i] = weighted;
        }
        for (size_t j = 0; j < p; j++)
            sums[j] += qn__dot(features->columns[j].values + row, job->mean[j], residual, rows);
    }
}

enum qn_status qn__linear_residual(const struct qn_fit *fit, const double *w, const double *mean,
                                   double offset, double *gradient, double *sum_of_squares,
                                   struct qn_error *err)
{
    size_t p = fit->features->feature_count;
    struct residual_job job = {.fit = fit, .w = w, .mean = mean, .offset = offset, .width = p + 2};
    job.group_count = fit->features->row_count / QN_GROUP_ROWS;
    if (job.group_count > QN_GROUP_LIMIT)
        job.group_count = QN_GROUP_LIMIT;
    if (job.group_count == 0)
        job.group_count = 1;
    job.partial = QN_CALLOC(double, job.group_count *job.width);
    if (!job.partial)
        return qn_fail_nomem(err, "residuals");
    qn_pool_run(fit->pool, job.group_count, residual_task, &job);
    memset(gradient, 0, (p + 1) * sizeof(*gradient));
    *sum_of_squares = 0;
    for (size_t group = 0; group < job.group_count; group++) {
        const double *sums = job.partial + group * job.width;
        for (size_t j = 0; j <= p; j++)
            gradient[j] += sums[j];
        *sum_of_squares += sums[p + 1];
    }
    qn_free(job.partial);
    return QN_OK;
}
