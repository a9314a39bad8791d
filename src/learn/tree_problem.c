/* What the trees of a fit share: resolved options, and weights and targets in fixed point. */
#include "learn/tree_internal.h"

#include "base/alloc.h"
#include "base/numeric.h"

#include <math.h>

/* Weights add up to at most this in fixed point: their sums are whole numbers that a double
 * holds exactly. */
#define QN_WEIGHT_BITS 52
/* The largest weight (or moment) times the rows stays below this, so that no sum of draws with
 * replacement overflows. */
#define QN_SUM_BITS 61
#define QN_XLOGX_LIMIT ((size_t)65536)

double qn__xlogx(const struct qn__problem *problem, int64_t weight)
{
    if ((uint64_t)weight < problem->xlogx_count)
        return problem->xlogx[weight];
    double x = (double)weight * problem->weight_unit;
    return x * qn_log(x);
}

static double log2_floor(size_t count)
{
    double bits = 0;
    for (; count > 1; count /= 2)
        bits++;
    return bits;
}

static size_t resolve_features(const struct qn__problem *problem)
{
    size_t count = problem->features->feature_count;
    double asked = problem->options.max_features, share;
    bool regression = problem->target->task == QN_TASK_REGRESSION;
    if (asked == -1 || (asked == -3 && !regression))
        share = floor(sqrt((double)count));
    else if (asked == -2)
        share = log2_floor(count);
    else if (asked <= 0)
        share = (double)count;
    else
        share = asked < 1 ? floor(asked * (double)count) : floor(asked);
    if (share < 1)
        return 1;
    return share < (double)count ? (size_t)share : count;
}

/* Rows as such, or as a share of all. */
static size_t resolve_rows(double asked, size_t row_count, size_t least)
{
    double rows = asked < 1 ? ceil(asked * (double)row_count) : asked;
    if (rows < (double)least)
        return least;
    return rows < (double)UINT32_MAX ? (size_t)rows : UINT32_MAX;
}

static enum qn_status resolve(struct qn__problem *problem, struct qn_error *err)
{
    const struct qn_tree_options *options = &problem->options;
    enum qn_task task = problem->target->task;
    int64_t criterion = options->criterion;
    bool regression = task == QN_TASK_REGRESSION;
    if (problem->features->row_count == 0 || problem->features->feature_count == 0)
        return qn_fail(err, QN_INVALID, "tree: there are no %s to learn from",
                       problem->features->row_count == 0 ? "rows" : "features");
    if (problem->features->row_count >= UINT32_MAX ||
        problem->features->feature_count > QN_FEATURE_LIMIT)
        return qn_fail(err, QN_UNSUPPORTED, "tree: %zu rows and %zu features are too many",
                       problem->features->row_count, problem->features->feature_count);
    if (criterion != QN_CRITERION_AUTO && (criterion == QN_CRITERION_SQUARED_ERROR) != regression)
        return qn_fail(err, QN_INVALID, "criterion: %s is for %s; use auto or %s",
                       regression ? "gini or entropy" : "squared_error",
                       regression ? "classes" : "numbers", regression ? "squared_error" : "gini");
    if (options->max_leaves == 1)
        return qn_fail(err, QN_INVALID, "max_leaves: 1 allows no split; use 0 or 2 and more");
    if (options->min_samples_split > 1 && options->min_samples_split < 2)
        return qn_fail(err, QN_INVALID,
                       "min_samples_split: %g is neither a share below 1 nor 2 "
                       "rows and more",
                       options->min_samples_split);
    if (regression)
        problem->kind = QN__SCORE_VARIANCE;
    else if (criterion == QN_CRITERION_ENTROPY)
        problem->kind = QN__SCORE_ENTROPY;
    else
        problem->kind = problem->target->class_count == 2 ? QN__SCORE_BINARY : QN__SCORE_GINI;
    problem->output_count = regression ? 1 : problem->target->class_count;
    problem->max_features = resolve_features(problem);
    problem->min_leaf = resolve_rows(options->min_samples_leaf, problem->features->row_count, 1);
    problem->min_split = resolve_rows(options->min_samples_split, problem->features->row_count, 2);
    return QN_OK;
}

/* Weights that make classes count the same: rows / (classes * rows of the class). */
static void class_weights(const struct qn__problem *problem, double *scale)
{
    const struct qn_target *target = problem->target;
    for (size_t k = 0; k < target->class_count; k++)
        scale[k] = 0;
    for (size_t i = 0; i < target->row_count; i++)
        scale[target->classes[i]]++;
    for (size_t k = 0; k < target->class_count; k++) {
        if (scale[k] > 0)
            scale[k] = (double)target->row_count / ((double)target->class_count * scale[k]);
    }
}

static double row_weight(const struct qn__problem *problem, const double *scale, size_t row)
{
    const struct qn_target *target = problem->target;
    double weight = target->weights ? target->weights[row] : 1;
    return scale ? weight * scale[target->classes[row]] : weight;
}

/* The power of 2 by which numbers become integers: their sum below 2^sum_bits, and count times the
 * largest below 2^QN_SUM_BITS. */
static int scale_bits(double sum, double largest, size_t count, int sum_bits)
{
    int sum_exponent, draw_exponent;
    (void)frexp(sum, &sum_exponent);
    (void)frexp(largest * (double)count, &draw_exponent);
    int bits = sum_bits - sum_exponent, drawn = QN_SUM_BITS - draw_exponent;
    bits = bits < drawn ? bits : drawn;
    return bits < 1000 ? bits : 1000;
}

static enum qn_status fix_weights(struct qn__problem *problem, const double *scale,
                                  struct qn_error *err)
{
    size_t row_count = problem->features->row_count;
    double sum = 0, largest = 0;
    for (size_t i = 0; i < row_count; i++) {
        double weight = row_weight(problem, scale, i);
        sum += weight;
        largest = weight > largest ? weight : largest;
    }
    if (!(sum > 0) || !isfinite(sum))
        return qn_fail(err, QN_INVALID, "weights: their sum must be above 0 and finite");
    problem->weights = QN_ALLOC(int64_t, row_count);
    if (!problem->weights)
        return qn_fail_nomem(err, "tree");
    int bits = scale_bits(sum, largest, row_count, QN_WEIGHT_BITS);
    problem->weight_unit = ldexp(1, -bits);
    for (size_t i = 0; i < row_count; i++) {
        double weight = row_weight(problem, scale, i);
        double fixed = floor(ldexp(weight, bits) + 0.5);
        /* What is too light for a whole unit still counts, or its leaf could weigh nothing. */
        problem->weights[i] = weight > 0 && fixed < 1 ? 1 : (int64_t)fixed;
    }
    return QN_OK;
}

static enum qn_status fix_moments(struct qn__problem *problem, struct qn_error *err)
{
    size_t row_count = problem->features->row_count;
    const double *y = problem->target->values;
    double weight_sum = 0, largest = 0, spread = 0;
    for (size_t i = 0; i < row_count; i++) { /* A running mean cannot overflow. */
        double weight = row_weight(problem, NULL, i);
        weight_sum += weight;
        if (weight > 0)
            problem->center += (y[i] - problem->center) * (weight / weight_sum);
    }
    for (size_t i = 0; i < row_count; i++) {
        double moment = fabs(row_weight(problem, NULL, i) * (y[i] - problem->center));
        spread += moment;
        largest = moment > largest ? moment : largest;
    }
    if (!isfinite(spread))
        return qn_fail(err, QN_INVALID,
                       "target: its values are too large to be summed; scale them");
    problem->moments = QN_ALLOC(int64_t, row_count);
    if (!problem->moments)
        return qn_fail_nomem(err, "tree");
    int bits = largest > 0 ? scale_bits(spread, largest, row_count, QN_SUM_BITS) : 0;
    problem->moment_unit = ldexp(1, -bits);
    for (size_t i = 0; i < row_count; i++) {
        double moment = row_weight(problem, NULL, i) * (y[i] - problem->center);
        problem->moments[i] = (int64_t)floor(ldexp(moment, bits) + 0.5);
    }
    return QN_OK;
}

static enum qn_status list_rows(struct qn__problem *problem, struct qn_error *err)
{
    size_t row_count = problem->features->row_count;
    problem->rows = QN_ALLOC(uint32_t, row_count);
    if (!problem->rows)
        return qn_fail_nomem(err, "tree");
    for (size_t i = 0; i < row_count; i++) {
        if (!problem->weights || problem->weights[i] > 0)
            problem->rows[problem->row_count++] = (uint32_t)i;
    }
    return QN_OK;
}

static enum qn_status fill_xlogx(struct qn__problem *problem, struct qn_error *err)
{
    size_t row_count = problem->features->row_count;
    size_t count = row_count < QN_XLOGX_LIMIT ? row_count + 1 : QN_XLOGX_LIMIT;
    problem->xlogx = QN_ALLOC(double, count);
    if (!problem->xlogx)
        return qn_fail_nomem(err, "tree");
    problem->xlogx[0] = 0;
    for (size_t i = 1; i < count; i++)
        problem->xlogx[i] =
            (double)i * problem->weight_unit * qn_log((double)i * problem->weight_unit);
    problem->xlogx_count = count;
    return QN_OK;
}

enum qn_status qn__problem_init(struct qn__problem *problem, const struct qn_fit *fit,
                                bool shuffled, struct qn_error *err)
{
    *problem = (struct qn__problem){.features = fit->features,
                                    .target = fit->target,
                                    .options = *(const struct qn_tree_options *)fit->options,
                                    .shuffled = shuffled,
                                    .weight_unit = 1,
                                    .moment_unit = 1};
    double *scale = NULL;
    enum qn_status status = resolve(problem, err);
    if (status != QN_OK)
        return status;
    if (problem->options.class_weight == QN_CLASS_WEIGHT_BALANCED &&
        problem->kind != QN__SCORE_VARIANCE) {
        scale = QN_ALLOC(double, problem->target->class_count);
        if (!scale)
            return qn_fail_nomem(err, "tree");
        class_weights(problem, scale);
    }
    if (scale || problem->target->weights)
        status = fix_weights(problem, scale, err);
    if (status == QN_OK && problem->kind == QN__SCORE_VARIANCE)
        status = fix_moments(problem, err);
    if (status == QN_OK && problem->kind == QN__SCORE_ENTROPY)
        status = fill_xlogx(problem, err);
    if (status == QN_OK)
        status = list_rows(problem, err);
    qn_free(scale);
    if (status != QN_OK) {
        qn__problem_release(problem);
        return status;
    }
    problem->counted = problem->min_leaf > 1 && (problem->weights || problem->options.bootstrap);
    problem->channels =
        (problem->kind == QN__SCORE_VARIANCE ? 2 : problem->output_count) + problem->counted;
    return QN_OK;
}

void qn__problem_release(struct qn__problem *problem)
{
    qn_free(problem->weights);
    qn_free(problem->moments);
    qn_free(problem->xlogx);
    qn_free(problem->rows);
    *problem = (struct qn__problem){.features = NULL};
}

struct qn__item qn__problem_item(const struct qn__problem *problem, uint32_t row, uint32_t times)
{
    if (problem->kind == QN__SCORE_VARIANCE)
        return (struct qn__item){row, times, problem->moments[row] * times};
    int64_t weight = problem->weights ? problem->weights[row] : 1;
    return (struct qn__item){row, (uint32_t)problem->target->classes[row], weight * times};
}
