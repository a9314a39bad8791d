#include "learn/importance.h"

#include "base/alloc.h"
#include "base/random.h"
#include "learn/metrics.h"

#include <math.h>
#include <string.h>

struct permutation {
    const struct qn_learner *learner;
    const void *model;
    const struct qn_features *features;
    const struct qn_target *target;
    struct qn_pool *pool;
    const char *metric;
    bool more_is_better;
    struct qn_feature *columns; /* owns; those of features, some replaced */
    double *prediction;         /* owns */
    size_t *order;              /* owns; row_count */
};

/* The metric with the given columns in place. */
static enum qn_status score(const struct permutation *work, double *out, struct qn_error *err)
{
    struct qn_features features = *work->features;
    struct qn_metrics *metrics = NULL;
    features.columns = work->columns;
    enum qn_status status =
        work->learner->predict(work->model, &features, work->pool, work->prediction, err);
    if (status == QN_OK)
        status = qn_metrics_compute(work->target, work->prediction, &metrics, err);
    if (status == QN_OK)
        *out = qn_metrics_get(metrics, work->metric);
    qn_metrics_free(metrics);
    return status;
}

/* Puts copies of the group's columns in place of them. *copies owns one block of each column. */
static enum qn_status replace_columns(struct permutation *work, const size_t *groups, size_t group,
                                      void **copies, struct qn_error *err)
{
    size_t n = work->features->row_count, p = work->features->feature_count;
    for (size_t j = 0; j < p; j++) {
        if ((groups ? groups[j] : j) != group)
            continue;
        bool numeric = work->columns[j].kind == QN_FEATURE_NUMERIC;
        copies[j] = numeric ? (void *)QN_ALLOC(double, n) : (void *)QN_ALLOC(int32_t, n);
        if (!copies[j])
            return qn_fail_nomem(err, "permutation importance");
        work->columns[j].values = numeric ? copies[j] : NULL;
        work->columns[j].levels = numeric ? NULL : copies[j];
    }
    return QN_OK;
}

static void restore_columns(struct permutation *work, void **copies)
{
    for (size_t j = 0; j < work->features->feature_count; j++) {
        qn_free(copies[j]);
        copies[j] = NULL;
        work->columns[j] = work->features->columns[j];
    }
}

/* One order of the rows for all columns of the group, so that they still fit each other. */
static void shuffle_columns(const struct permutation *work, void **copies, uint64_t seed,
                            uint64_t stream)
{
    size_t n = work->features->row_count;
    struct qn_random random;
    for (size_t i = 0; i < n; i++)
        work->order[i] = i;
    qn_random_init(&random, seed, stream);
    qn_random_shuffle(&random, work->order, n);
    for (size_t j = 0; j < work->features->feature_count; j++) {
        const struct qn_feature *from = &work->features->columns[j];
        double *values = copies[j];
        int32_t *levels = copies[j];
        if (!copies[j])
            continue;
        for (size_t i = 0; i < n && from->kind == QN_FEATURE_NUMERIC; i++)
            values[i] = from->values[work->order[i]];
        for (size_t i = 0; i < n && from->kind == QN_FEATURE_CATEGORICAL; i++)
            levels[i] = from->levels[work->order[i]];
    }
}

/* worsened: repeats values, how much the metric fell for each order. */
static enum qn_status run_group(struct permutation *work, const size_t *groups, size_t group,
                                double base, size_t repeats, uint64_t seed,
                                const struct qn_progress *progress, size_t group_count,
                                void **copies, double *worsened, struct qn_error *err)
{
    enum qn_status status = replace_columns(work, groups, group, copies, err);
    for (size_t r = 0; r < repeats && status == QN_OK; r++) {
        size_t at = group * repeats + r;
        double value = 0;
        status =
            qn_progress_report(progress, "importance", at, group_count * repeats, "shuffles", err);
        if (status != QN_OK)
            break;
        shuffle_columns(work, copies, seed, at);
        status = score(work, &value, err);
        worsened[r] = work->more_is_better ? base - value : value - base;
    }
    restore_columns(work, copies);
    return status;
}

static struct qn_permutation summarise(const double *worsened, size_t repeats)
{
    struct qn_permutation out = {0, 0};
    for (size_t r = 0; r < repeats; r++)
        out.mean += worsened[r] / (double)repeats;
    for (size_t r = 0; r < repeats; r++)
        out.std += (worsened[r] - out.mean) * (worsened[r] - out.mean) / (double)repeats;
    out.std = sqrt(out.std);
    return out;
}

enum qn_status qn_permutation_importance(const struct qn_learner *learner, const void *model,
                                         const struct qn_features *features,
                                         const struct qn_target *target, const size_t *groups,
                                         size_t group_count, size_t repeats, uint64_t seed,
                                         struct qn_pool *pool, const struct qn_progress *progress,
                                         struct qn_permutation *out, struct qn_error *err)
{
    size_t n = features->row_count, p = features->feature_count;
    size_t count = groups ? group_count : p;
    double base = 0, *worsened = NULL;
    void **copies = NULL;
    struct qn_permutation *result = NULL;
    if (target->task == QN_TASK_CLUSTERING || repeats == 0)
        return qn_fail(err, QN_INVALID, "permutation importance needs a target and a repeat");
    struct permutation work = {
        .learner = learner, .model = model, .features = features, .target = target, .pool = pool};
    work.metric = qn_metrics_main(target->task, &work.more_is_better);
    work.columns = QN_ALLOC(struct qn_feature, p);
    work.prediction = QN_ALLOC(double, n * learner->output_count(model));
    work.order = QN_ALLOC(size_t, n);
    copies = QN_CALLOC(void *, p);
    worsened = QN_ALLOC(double, repeats);
    result = QN_ALLOC(struct qn_permutation, count);
    enum qn_status status = QN_OK;
    if (!work.columns || !work.prediction || !work.order || !copies || !worsened || !result) {
        status = qn_fail_nomem(err, "permutation importance");
        goto done;
    }
    memcpy(work.columns, features->columns, p * sizeof(*work.columns));
    status = score(&work, &base, err);
    for (size_t group = 0; group < count && status == QN_OK; group++) {
        status = run_group(&work, groups, group, base, repeats, seed, progress, count, copies,
                           worsened, err);
        result[group] = summarise(worsened, status == QN_OK ? repeats : 0);
    }
    if (status == QN_OK)
        memcpy(out, result, count * sizeof(*out));
done:
    qn_free(result);
    qn_free(worsened);
    qn_free(copies);
    qn_free(work.order);
    qn_free(work.prediction);
    qn_free(work.columns);
    return status;
}
