#include "learn/kmeans.h"

#include "learn/kmeans_internal.h"

#include "base/alloc.h"
#include "base/numeric.h"

#include <math.h>
#include <string.h>

enum { QN_INIT_PLUS_PLUS, QN_INIT_RANDOM };

static const struct qn_parameter_name inits[] = {
    {"k-means++", QN_INIT_PLUS_PLUS}, {"random", QN_INIT_RANDOM}, {NULL, 0}};

static const struct qn_parameter parameters[] = {
    {.name = "n_clusters",
     .kind = QN_PARAMETER_INTEGER,
     .offset = offsetof(struct qn_kmeans_options, n_clusters),
     .fallback = 8,
     .minimum = 1,
     .maximum = 1000000,
     .help = "Number of clusters"},
    {.name = "n_init",
     .kind = QN_PARAMETER_INTEGER,
     .offset = offsetof(struct qn_kmeans_options, n_init),
     .fallback = 10,
     .minimum = 1,
     .maximum = 100000,
     .help = "Seedings tried; the one with the lowest inertia is kept"},
    {.name = "max_iter",
     .kind = QN_PARAMETER_INTEGER,
     .offset = offsetof(struct qn_kmeans_options, max_iter),
     .fallback = 300,
     .minimum = 1,
     .maximum = 1e9,
     .help = "Most iterations of one seeding"},
    {.name = "tol",
     .kind = QN_PARAMETER_NUMBER,
     .offset = offsetof(struct qn_kmeans_options, tol),
     .fallback = 1e-4,
     .maximum = 1e300,
     .help = "Stop when the centres' summed squared movement is below this share of the mean "
             "variance of the columns"},
    {.name = "init",
     .kind = QN_PARAMETER_CHOICE,
     .offset = offsetof(struct qn_kmeans_options, init),
     .fallback = QN_INIT_PLUS_PLUS,
     .maximum = QN_INIT_RANDOM,
     .names = inits,
     .help = "How starting centres are drawn"},
    {.name = NULL},
};

/* One seeding: draws or copies the start, and iterates. */
static enum qn_status run_once(const struct qn__points *points, const struct qn_fit *fit,
                               const double *start, uint64_t run, double tolerance,
                               struct qn_kmeans *model, struct qn_error *err)
{
    const struct qn_kmeans_options *options = fit->options;
    size_t k = model->cluster_count, p = points->p;
    double *centres = model->centres;
    enum qn_status status = QN_OK;
    for (size_t i = 0; start && i < k * p; i++)
        centres[i] = start[i] - points->shift[i % p];
    if (!start && options->init == QN_INIT_RANDOM)
        status = qn__kmeans_random(points, k, fit->seed, run, centres, err);
    else if (!start)
        status = qn__kmeans_plus_plus(points, k, fit->seed, run, centres, err);
    if (status != QN_OK)
        return status;
    struct qn__lloyd_limits limits = {.max_iter = options->max_iter,
                                      .tolerance = tolerance,
                                      .progress = fit->progress,
                                      .done = run * (uint64_t)options->max_iter};
    limits.total = (uint64_t)options->max_iter * (uint64_t)(start ? 1 : options->n_init);
    status = qn__lloyd(points, k, &limits, centres, model, err);
    for (size_t i = 0; status == QN_OK && i < k * p; i++)
        centres[i] += points->shift[i % p];
    return status;
}

static enum qn_status check(const struct qn_fit *fit, struct qn_error *err)
{
    const struct qn_kmeans_options *options = fit->options;
    const struct qn_features *features = fit->features;
    if (features->feature_count == 0 || features->row_count == 0)
        return qn_fail(err, QN_INVALID, "kmeans: there are no %s to learn from",
                       features->row_count == 0 ? "rows" : "columns");
    if ((uint64_t)options->n_clusters > features->row_count)
        return qn_fail(err, QN_INVALID,
                       "kmeans: n_clusters is %lld, but there are only %zu rows; lower it",
                       (long long)options->n_clusters, features->row_count);
    return qn__features_check(features, true, "kmeans", err);
}

static enum qn_status fit_all(const struct qn_fit *fit, const double *start, struct qn_kmeans **out,
                              struct qn_error *err)
{
    const struct qn_kmeans_options *options = fit->options;
    struct qn_kmeans *best = NULL, *model = NULL;
    struct qn__points points;
    enum qn_status status = check(fit, err);
    if (status != QN_OK)
        return status;
    size_t k = (size_t)options->n_clusters, p = fit->features->feature_count;
    double *mean = QN_ALLOC(double, p), *deviation = QN_ALLOC(double, p), variance = 0;
    status = mean && deviation
                 ? qn__moments(fit->features, NULL, "kmeans", fit->pool, mean, deviation, err)
                 : qn_fail_nomem(err, "kmeans");
    if (status != QN_OK)
        goto done;
    for (size_t j = 0; j < p; j++)
        variance += deviation[j] * deviation[j] / (double)p;
    qn__points_init(&points, fit->features, mean, k * p + k + 2, fit->pool);
    uint64_t runs = start ? 1 : (uint64_t)options->n_init;
    for (uint64_t run = 0; run < runs; run++) {
        model = qn__kmeans_create(k, p);
        status = model ? run_once(&points, fit, start, run, options->tol * variance, model, err)
                       : qn_fail_nomem(err, "kmeans");
        if (status != QN_OK)
            goto done;
        if (!best || model->inertia < best->inertia) {
            qn_kmeans_free(best);
            best = model;
        } else {
            qn_kmeans_free(model);
        }
        model = NULL;
    }
    *out = best;
    best = NULL;
done:
    qn_kmeans_free(best);
    qn_kmeans_free(model);
    qn_free(deviation);
    qn_free(mean);
    return status;
}

enum qn_status qn_kmeans_fit_from(const struct qn_fit *fit, const double *centres,
                                  struct qn_kmeans **out, struct qn_error *err)
{
    return fit_all(fit, centres, out, err);
}

static enum qn_status kmeans_fit(const struct qn_fit *fit, void **out, struct qn_error *err)
{
    struct qn_kmeans *model = NULL;
    enum qn_status status = fit_all(fit, NULL, &model, err);
    if (status == QN_OK)
        *out = model;
    return status;
}

static size_t kmeans_output_count(const void *model)
{
    (void)model;
    return 1;
}

static size_t kmeans_feature_count(const void *model)
{
    return ((const struct qn_kmeans *)model)->feature_count;
}

static void kmeans_free(void *model)
{
    qn_kmeans_free(model);
}

const struct qn_learner qn_kmeans_learner = {
    .name = "kmeans",
    .title = "K-means clustering",
    .about = "Groups of rows around centres that are nearest on average",
    .paper = "Lloyd, IEEE Trans. Inf. Theory 28, 1982; seeding: Arthur and Vassilvitskii, SODA "
             "2007; bounds: Hamerly, SDM 2010",
    .tasks = 1u << QN_TASK_CLUSTERING,
    .native = false,
    .parameters = {parameters, sizeof(struct qn_kmeans_options)},
    .fit = kmeans_fit,
    .predict = qn__kmeans_predict,
    .output_count = kmeans_output_count,
    .feature_count = kmeans_feature_count,
    .importance = NULL,
    .describe = qn__kmeans_describe,
    .write = qn__kmeans_write,
    .read = qn__kmeans_read,
    .free = kmeans_free,
};
