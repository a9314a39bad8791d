#include "learn/boosting_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define QN_BLOCK_ROWS ((size_t)8192)

enum {
    QN_COUNT_BITS = 13,
    QN_HESSIAN_BITS = 24,
    QN_GRADIENT_LIMIT = (1 << 14) - 1, /* of a row, three fields */
    QN_HESSIAN_LIMIT = (1 << 12) - 1,
    QN_LONG_BITS = 38, /* of a row's gradient where it has the room */
    QN_SUM_BITS = 62   /* of a sum over all rows */
};

/* Bits for a row's numbers so that the sum over all rows stays below 2^62. */
static double long_limit(size_t row_count)
{
    int row_bits = 0;
    while (row_bits < 63 && (UINT64_C(1) << row_bits) < row_count)
        row_bits++;
    int bits = QN_SUM_BITS - row_bits < QN_LONG_BITS ? QN_SUM_BITS - row_bits : QN_LONG_BITS;
    return ldexp(1.0, bits);
}

enum qn_status qn__quantised_create(const struct qn__loss *loss, size_t training_count,
                                    struct qn__quantised **out, struct qn_error *err)
{
    struct qn__quantised *quantised = QN_CALLOC(struct qn__quantised, 1);
    if (!quantised)
        return qn_fail_nomem(err, "gradient_boosting");
    struct qn__layout *layout = &quantised->layout;
    layout->unit_hessian = loss->hessian == NULL;
    layout->count_mask = (UINT64_C(1) << QN_COUNT_BITS) - 1;
    if (layout->unit_hessian) {
        /* The hessian is the count, and is read from the same bits. */
        layout->gradient_shift = QN_COUNT_BITS;
        layout->hessian_shift = 0;
        layout->hessian_mask = layout->count_mask;
    } else {
        layout->gradient_shift = QN_COUNT_BITS + QN_HESSIAN_BITS;
        layout->hessian_shift = QN_COUNT_BITS;
        layout->hessian_mask = (UINT64_C(1) << QN_HESSIAN_BITS) - 1;
    }
    quantised->exact = training_count <= QN__EXACT_ROWS;
    bool complete;
    if (quantised->exact) {
        quantised->gradient = QN_ALLOC(int64_t, loss->row_count);
        quantised->hessian = QN_ALLOC(int64_t, loss->row_count);
        complete = quantised->gradient && quantised->hessian;
    } else {
        quantised->packed = QN_ALLOC(int64_t, loss->row_count);
        complete = quantised->packed != NULL;
    }
    if (!complete) {
        qn__quantised_free(quantised);
        return qn_fail_nomem(err, "gradient_boosting");
    }
    *out = quantised;
    return QN_OK;
}

void qn__quantised_free(struct qn__quantised *quantised)
{
    if (!quantised)
        return;
    qn_free(quantised->packed);
    qn_free(quantised->gradient);
    qn_free(quantised->hessian);
    qn_free(quantised);
}

/* splitmix64's output function: 64 bits for each (key, row). */
static uint64_t mix(uint64_t key, uint64_t row)
{
    uint64_t x = key + row * UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* The integer at or below x + chance, with chance in [0, 1): x is never far from the limits of
 * int64_t here, and adding a power of 2 keeps the truncation on one side of 0. */
static int64_t round_by(double x, double chance)
{
    const double offset = 1 << 15;
    return (int64_t)(x + chance + offset) - (1 << 15);
}

struct job {
    struct qn__quantised *quantised;
    const struct qn__loss *loss;
    const uint32_t *rows;
    size_t row_count;
    double gradient_factor, hessian_factor; /* 1 / unit */
    uint64_t key;
};

static void quantise_exact(const struct job *job, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        uint32_t row = job->rows[i];
        double hessian = job->loss->hessian ? job->loss->hessian[row] : 1.0;
        job->quantised->gradient[row] = llround(job->loss->gradient[row] * job->gradient_factor);
        job->quantised->hessian[row] = llround(hessian * job->hessian_factor);
    }
}

static void quantise_block(void *context, size_t index, unsigned thread)
{
    (void)thread;
    const struct job *job = context;
    const struct qn__layout *layout = &job->quantised->layout;
    size_t begin = index * QN_BLOCK_ROWS, end = begin + QN_BLOCK_ROWS;
    if (end > job->row_count)
        end = job->row_count;
    if (job->quantised->exact) {
        quantise_exact(job, begin, end);
        return;
    }
    const double *gradient = job->loss->gradient, *hessian = job->loss->hessian;
    for (size_t i = begin; i < end; i++) {
        uint32_t row = job->rows[i];
        struct qn__sums sums = {0, 1, 1};
        if (layout->unit_hessian) {
            sums.gradient = llround(gradient[row] * job->gradient_factor);
        } else {
            uint64_t bits = mix(job->key, row);
            double first = (double)(bits >> 32) * 0x1p-32;
            double second = (double)(bits & UINT32_MAX) * 0x1p-32;
            sums.gradient = round_by(gradient[row] * job->gradient_factor, first);
            sums.hessian = round_by(hessian[row] * job->hessian_factor, second);
        }
        job->quantised->packed[row] = qn__pack(layout, sums);
    }
}

/* limit / largest; 1 when all are 0. */
static double factor_for(double limit, double largest)
{
    if (!(largest > 0))
        return 1.0;
    double factor = limit / largest;
    return isfinite(factor) && factor > 0 ? factor : 1.0;
}

void qn__quantise(struct qn__quantised *quantised, const struct qn__loss *loss,
                  const uint32_t *rows, size_t row_count, uint64_t key, struct qn_pool *pool)
{
    double gradient = 0, hessian = 0;
    for (size_t i = 0; i < row_count; i++) {
        gradient = fmax(gradient, fabs(loss->gradient[rows[i]]));
        if (loss->hessian)
            hessian = fmax(hessian, loss->hessian[rows[i]]);
    }
    bool exact = quantised->exact, unit_hessian = quantised->layout.unit_hessian;
    double limit = long_limit(row_count);
    struct job job = {
        .quantised = quantised, .loss = loss, .rows = rows, .row_count = row_count, .key = key};
    job.gradient_factor =
        factor_for(exact || unit_hessian ? limit : QN_GRADIENT_LIMIT - 1, gradient);
    job.hessian_factor =
        unit_hessian ? 1.0 : factor_for(exact ? limit : QN_HESSIAN_LIMIT - 1, hessian);
    quantised->layout.gradient_unit = 1.0 / job.gradient_factor;
    quantised->layout.hessian_unit = 1.0 / job.hessian_factor;
    qn_pool_run(pool, (row_count + QN_BLOCK_ROWS - 1) / QN_BLOCK_ROWS, quantise_block, &job);
}
