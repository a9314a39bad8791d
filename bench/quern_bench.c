/* quern-bench TASK --data DIR: runs one benchmark task of bench/peers.py with Quern and prints the
 * JSON line that its `cmd` peer expects. fit_s is the call that does the work, binning included;
 * end_to_end_s adds what comes before it from plain columns in memory. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "bench.h"
#include "data/profile.h"
#include "data/read.h"
#include "learn/boosting.h"
#include "learn/kmeans.h"
#include "learn/linear.h"
#include "learn/metrics.h"
#include "learn/tree.h"
#include "prep/prep.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define BENCH_THREADS 2

static enum qn_status read_table(struct bench *bench, const char *stem, const char *ending,
                                 struct qn_table **out)
{
    struct qn_read_options options;
    qn_read_options_default(&options);
    options.thread_count = BENCH_THREADS;
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s%s", bench->folder, stem, ending);
    return qn_table_read(path, &options, out, &bench->err);
}

/* Every column but y, as the table has them: no copy. */
static enum qn_status table_features(struct bench *bench, const struct qn_table *table,
                                     struct bench_features *out)
{
    struct qn_feature *columns = QN_CALLOC(struct qn_feature, table->column_count);
    if (!columns)
        return qn_fail_nomem(&bench->err, "features");
    size_t count = 0;
    for (size_t c = 0; c < table->column_count; c++) {
        const struct qn_column *column = &table->columns[c];
        if (strcmp(column->name, "y") == 0)
            continue;
        if (column->type != QN_TYPE_NUMBER) {
            qn_free(columns);
            return qn_fail(&bench->err, QN_INVALID, "column %s is no number", column->name);
        }
        columns[count++] = (struct qn_feature){
            .name = column->name, .kind = QN_FEATURE_NUMERIC, .values = column->values.number};
    }
    out->columns = columns;
    out->features = (struct qn_features){
        .row_count = table->row_count, .feature_count = count, .columns = columns};
    return QN_OK;
}

static enum qn_status table_target(struct bench *bench, const struct qn_table *table,
                                   bool regression, struct bench_target *out)
{
    size_t at = 0;
    enum qn_status status = qn_table_require(table, "y", &at, &bench->err);
    if (status != QN_OK)
        return status;
    const int64_t *y = table->columns[at].values.integer;
    out->classes = QN_ALLOC(int32_t, table->row_count);
    out->values = QN_ALLOC(double, table->row_count);
    if (!out->classes || !out->values)
        return qn_fail_nomem(&bench->err, "target");
    for (size_t row = 0; row < table->row_count; row++) {
        out->classes[row] = (int32_t)y[row];
        out->values[row] = (double)y[row];
    }
    out->target = (struct qn_target){.task = regression ? QN_TASK_REGRESSION : QN_TASK_BINARY,
                                     .row_count = table->row_count,
                                     .class_count = regression ? 0 : 2,
                                     .classes = regression ? NULL : out->classes,
                                     .values = regression ? out->values : NULL};
    return QN_OK;
}

static void set_number(json_t *object, const char *prefix, const char *name, double value)
{
    char key[64];
    bool failed = false;
    snprintf(key, sizeof(key), "%s%s", prefix, name);
    qn_json_set(object, key, qn_json_number(value), &failed);
}

/* AUC and log loss, or the mean squared error, as harness.py's classifier() names them. */
static enum qn_status note_quality(struct bench *bench, const struct qn_target *target,
                                   const double *outputs, const char *prefix)
{
    struct qn_metrics *metrics = NULL;
    enum qn_status status = qn_metrics_compute(target, outputs, &metrics, &bench->err);
    if (status != QN_OK)
        return status;
    if (target->task == QN_TASK_REGRESSION) {
        set_number(bench->quality, prefix, "mse", metrics->rmse * metrics->rmse);
    } else {
        set_number(bench->quality, prefix, "auc", metrics->roc_auc);
        set_number(bench->quality, prefix, "logloss", metrics->log_loss);
    }
    qn_metrics_free(metrics);
    return QN_OK;
}

static enum qn_status predict_quality(struct bench *bench, const struct qn_learner *learner,
                                      const void *model, const struct qn_features *features,
                                      const struct qn_target *target, const char *prefix)
{
    double *outputs = QN_ALLOC(double, features->row_count * learner->output_count(model));
    if (!outputs)
        return qn_fail_nomem(&bench->err, "predictions");
    enum qn_status status = learner->predict(model, features, bench->pool, outputs, &bench->err);
    size_t count = features->row_count * learner->output_count(model);
    for (size_t i = 0; target->classes && i < count; i++) /* as harness.py does for every peer */
        outputs[i] = fmin(fmax(outputs[i], 1e-7), 1 - 1e-7);
    if (status == QN_OK)
        status = note_quality(bench, target, outputs, prefix);
    qn_free(outputs);
    return status;
}

static enum qn_status fit(struct bench *bench, const struct bench_task *task,
                          const struct qn_features *features, const struct qn_target *target,
                          void **model)
{
    const struct qn_learner *learner = task->learner;
    void *options = qn_calloc(1, learner->parameters.options_size_bytes);
    if (!options)
        return qn_fail_nomem(&bench->err, "options");
    qn_parameters_default(&learner->parameters, options);
    enum qn_status status = QN_OK;
    for (size_t i = 0; status == QN_OK && task->parameters[i].name; i++)
        status = qn_parameters_set(&learner->parameters, options, task->parameters[i].name,
                                   task->parameters[i].value, &bench->err);
    struct qn_fit input = {.features = features,
                           .target = target,
                           .options = options,
                           .seed = 42,
                           .pool = bench->pool};
    double begin_ms = qn_clock_ms();
    if (status == QN_OK)
        status = learner->fit(&input, model, &bench->err);
    bench->fit_s = (qn_clock_ms() - begin_ms) / 1e3;
    qn_free(options);
    return status;
}

static enum qn_status run_trees(struct bench *bench, const struct bench_task *task)
{
    struct bench_features x = {0}, xt = {0};
    struct bench_target y = {0}, yt = {0};
    struct qn_table *train = NULL, *test = NULL;
    void *model = NULL;
    char stem[128];
    snprintf(stem, sizeof(stem), "%s-test", task->table);
    enum qn_status status = read_table(bench, task->table, ".parquet", &train);
    if (status == QN_OK)
        status = read_table(bench, stem, ".parquet", &test);
    if (status == QN_OK)
        status = table_features(bench, train, &x);
    if (status == QN_OK)
        status = table_features(bench, test, &xt);
    if (status == QN_OK)
        status = table_target(bench, train, false, &y);
    if (status == QN_OK)
        status = table_target(bench, test, false, &yt);
    if (status == QN_OK)
        status = fit(bench, task, &x.features, &y.target, &model);
    if (status == QN_OK)
        status = predict_quality(bench, task->learner, model, &xt.features, &yt.target, "");
    if (model)
        task->learner->free(model);
    bench_features_release(&x);
    bench_features_release(&xt);
    bench_target_release(&y);
    bench_target_release(&yt);
    qn_table_free(train);
    qn_table_free(test);
    return status;
}

/* The recipe of the linear tasks: mean for missing values, then standard scores. */
static enum qn_status scaling_recipe(struct bench *bench, const struct qn_table *table,
                                     struct qn_recipe **out)
{
    struct qn_buffer text;
    qn_buffer_init(&text, 1 << 20);
    qn_buffer_text(&text, "{\"version\":1,\"columns\":[");
    bool first = true;
    for (size_t c = 0; c < table->column_count; c++) {
        if (strcmp(table->columns[c].name, "y") == 0)
            continue;
        qn_buffer_format(&text,
                         "%s{\"name\":\"%s\",\"type\":\"number\",\"actions\":["
                         "{\"do\":\"impute\",\"with\":\"mean\"},"
                         "{\"do\":\"scale\",\"how\":\"standard\"}]}",
                         first ? "" : ",", table->columns[c].name);
        first = false;
    }
    qn_buffer_text(&text, "]}");
    enum qn_status status = qn_buffer_check(&text, "recipe", &bench->err);
    if (status == QN_OK)
        status = qn_recipe_parse(text.bytes, text.size, "recipe", out, &bench->err);
    qn_buffer_release(&text);
    return status;
}

/* Fits on the prepared training rows; scores training and test rows. */
static enum qn_status fit_linear(struct bench *bench, const struct bench_task *task,
                                 const struct qn_table *train, const struct qn_table *test,
                                 const struct qn_recipe *recipe)
{
    bool regression = task->learner != &qn_logistic_learner;
    struct qn_prep *prep = NULL;
    struct qn_matrix *x = NULL, *xt = NULL;
    struct bench_target y = {0}, yt = {0};
    void *model = NULL;
    enum qn_status status = table_target(bench, train, regression, &y);
    if (status == QN_OK)
        status = table_target(bench, test, regression, &yt);
    struct qn_prep_options options = {.seed = 42, .pool = bench->pool};
    double begin_ms = qn_clock_ms();
    if (status == QN_OK)
        status =
            qn_prep_fit(recipe, train, NULL, train->row_count, &options, &prep, &x, &bench->err);
    bench->prepare_s = (qn_clock_ms() - begin_ms) / 1e3;
    if (status == QN_OK)
        status = fit(bench, task, &x->features, &y.target, &model);
    if (status == QN_OK)
        status =
            qn_prep_apply(prep, test, NULL, test->row_count, bench->pool, &xt, NULL, &bench->err);
    if (status == QN_OK)
        status = predict_quality(bench, task->learner, model, &xt->features, &yt.target,
                                 regression ? "test_" : "");
    if (status == QN_OK)
        status = predict_quality(bench, task->learner, model, &x->features, &y.target, "train_");
    if (model)
        task->learner->free(model);
    qn_matrix_free(x);
    qn_matrix_free(xt);
    qn_prep_free(prep);
    bench_target_release(&y);
    bench_target_release(&yt);
    return status;
}

static enum qn_status run_linear(struct bench *bench, const struct bench_task *task)
{
    struct qn_table *train = NULL, *test = NULL;
    struct qn_recipe *recipe = NULL;
    enum qn_status status = read_table(bench, "higgs-1m", ".parquet", &train);
    if (status == QN_OK)
        status = read_table(bench, "higgs-1m-test", ".parquet", &test);
    if (status == QN_OK)
        status = scaling_recipe(bench, train, &recipe);
    if (status == QN_OK)
        status = fit_linear(bench, task, train, test, recipe);
    qn_recipe_free(recipe);
    qn_table_free(train);
    qn_table_free(test);
    return status;
}

/* 64 clusters from given rows, 20 iterations: the same start as every peer. */
static enum qn_status run_kmeans(struct bench *bench, const struct bench_task *task)
{
    enum { cluster_count = 64 };
    struct qn_table *table = NULL;
    struct bench_features x = {0};
    struct qn_kmeans *model = NULL;
    double *start = NULL;
    enum qn_status status = read_table(bench, task->table, ".parquet", &table);
    if (status == QN_OK)
        status = table_features(bench, table, &x);
    size_t width = x.features.feature_count;
    if (status == QN_OK && !(start = QN_ALLOC(double, cluster_count *width)))
        status = qn_fail_nomem(&bench->err, "centres");
    for (size_t k = 0; status == QN_OK && k < cluster_count; k++) {
        for (size_t f = 0; f < width; f++)
            start[k * width + f] = x.columns[f].values[k * table->row_count / cluster_count];
    }
    struct qn_kmeans_options options = {
        .n_clusters = cluster_count, .n_init = 1, .max_iter = 20, .tol = 0};
    struct qn_fit input = {
        .features = &x.features, .options = &options, .seed = 42, .pool = bench->pool};
    double begin_ms = qn_clock_ms();
    if (status == QN_OK)
        status = qn_kmeans_fit_from(&input, start, &model, &bench->err);
    bench->fit_s = (qn_clock_ms() - begin_ms) / 1e3;
    if (status == QN_OK)
        set_number(bench->quality, "", "inertia", model->inertia);
    qn_kmeans_free(model);
    qn_free(start);
    bench_features_release(&x);
    qn_table_free(table);
    return status;
}

static enum qn_status run_profile(struct bench *bench, const struct bench_task *task)
{
    struct qn_table *table = NULL;
    struct qn_profile *profile = NULL;
    struct qn_profile_options options;
    qn_profile_options_default(&options);
    enum qn_status status = read_table(bench, task->table, ".parquet", &table);
    double begin_ms = qn_clock_ms();
    if (status == QN_OK)
        status = qn_profile_make(table, &options, bench->pool, &profile, &bench->err);
    bench->fit_s = (qn_clock_ms() - begin_ms) / 1e3;
    if (status == QN_OK) {
        ptrdiff_t at = qn_table_find(table, "text100000");
        set_number(bench->quality, "", "distinct_text100000",
                   at < 0 ? NAN : (double)profile->columns[at].distinct);
    }
    qn_profile_free(profile);
    qn_table_free(table);
    return status;
}

static double column_sum(const struct qn_table *table, const char *name)
{
    ptrdiff_t at = qn_table_find(table, name);
    double sum = 0;
    for (size_t row = 0; at >= 0 && row < table->row_count; row++) {
        double value = table->columns[at].values.number[row];
        sum += isnan(value) ? 0 : value;
    }
    return sum;
}

static enum qn_status run_csv(struct bench *bench, const struct bench_task *task)
{
    struct qn_table *table = NULL;
    double begin_ms = qn_clock_ms();
    enum qn_status status = read_table(bench, task->table, ".csv", &table);
    bench->fit_s = (qn_clock_ms() - begin_ms) / 1e3;
    if (status == QN_OK) {
        set_number(bench->quality, "", "rows", (double)table->row_count);
        set_number(bench->quality, "", "sum_f0", column_sum(table, "f0"));
        set_number(bench->quality, "", "sum_f3", column_sum(table, "f3"));
    }
    qn_table_free(table);
    return status;
}

#define FOREST                                                                                     \
    {                                                                                              \
        {"n_estimators", "100"},                                                                   \
        {                                                                                          \
            "max_features", "sqrt"                                                                 \
        }                                                                                          \
    }
#define BOOSTING                                                                                   \
    {                                                                                              \
        {"n_estimators", "100"}, {"learning_rate", "0.1"},                                         \
        {                                                                                          \
            "max_leaves", "255"                                                                    \
        }                                                                                          \
    }
#define BOOSTING_D6                                                                                \
    {                                                                                              \
        {"n_estimators", "100"}, {"learning_rate", "0.1"}, {"max_leaves", "64"},                   \
        {                                                                                          \
            "max_depth", "6"                                                                       \
        }                                                                                          \
    }

static const struct bench_task tasks[] = {
    {"gbdt-100k", "higgs-100k", run_trees, &qn_gradient_boosting_learner, BOOSTING},
    {"gbdt-1m", "higgs-1m", run_trees, &qn_gradient_boosting_learner, BOOSTING},
    {"gbdt-d6-100k", "higgs-100k", run_trees, &qn_gradient_boosting_learner, BOOSTING_D6},
    {"gbdt-d6-1m", "higgs-1m", run_trees, &qn_gradient_boosting_learner, BOOSTING_D6},
    {"gbdt-wide", "wide-100k", run_trees, &qn_gradient_boosting_learner, BOOSTING},
    {"forest-100k", "higgs-100k", run_trees, &qn_random_forest_learner, FOREST},
    {"forest-1m", "higgs-1m", run_trees, &qn_random_forest_learner, FOREST},
    {"tree-1m",
     "higgs-1m",
     run_trees,
     &qn_decision_tree_learner,
     {{"max_depth", "12"}, {"min_samples_leaf", "20"}}},
    {"logistic-1m",
     "higgs-1m",
     run_linear,
     &qn_logistic_learner,
     {{"C", "1"}, {"tol", "1e-6"}, {"max_iter", "1000"}}},
    {"linear-1m", "higgs-1m", run_linear, &qn_linear_learner, {{0}}},
    {"kmeans", "kmeans", run_kmeans, &qn_kmeans_learner, {{0}}},
    {"kmeans-uniform", "kmeans-uniform", run_kmeans, &qn_kmeans_learner, {{0}}},
    {"profile-1m", "profile-1m", run_profile, NULL, {{0}}},
    {"csv-read", "csv-mixed", run_csv, NULL, {{0}}},
    {"csv-float", "csv-float", run_csv, NULL, {{0}}},
};

static int print_line(const struct bench *bench, const struct bench_task *task)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    bool failed = false;
    json_t *line = json_object();
    qn_json_set(line, "task", json_string(task->name), &failed);
    qn_json_set(line, "version", json_string(QN_VERSION), &failed);
    qn_json_set(line, "fit_s", qn_json_number(bench->fit_s), &failed);
    qn_json_set(line, "end_to_end_s", qn_json_number(bench->fit_s + bench->prepare_s), &failed);
    qn_json_set(line, "quality", json_incref(bench->quality), &failed);
    qn_json_set(line, "peak_rss_mb", qn_json_number((double)usage.ru_maxrss / 1024), &failed);
    qn_json_set(line, "cpu_s", qn_json_number(cpu_s), &failed);
    char *text = failed ? NULL : qn_json_text(line, 0);
    json_decref(line);
    if (!text)
        return 1;
    puts(text);
    qn_free(text);
    return 0;
}

int main(int argc, char **argv)
{
    struct bench bench = {.folder = "build/bench-data", .err = QN_ERROR_INIT};
    if (argc == 4 && strcmp(argv[2], "--data") == 0)
        bench.folder = argv[3];
    else if (argc != 2) {
        fputs("usage: quern-bench TASK [--data DIR]\n", stderr);
        return 2;
    }
    const struct bench_task *task = NULL;
    for (size_t i = 0; i < sizeof(tasks) / sizeof(*tasks); i++) {
        if (strcmp(tasks[i].name, argv[1]) == 0)
            task = &tasks[i];
    }
    if (!task) {
        fprintf(stderr, "quern-bench: no task '%s'\n", argv[1]);
        return 2;
    }
    bench.quality = json_object();
    enum qn_status status = qn_pool_create(BENCH_THREADS, &bench.pool, &bench.err);
    if (status == QN_OK)
        status = task->run(&bench, task);
    int code = 1;
    if (status == QN_OK)
        code = print_line(&bench, task);
    else
        fprintf(stderr, "quern-bench: %s\n", bench.err.message);
    json_decref(bench.quality);
    qn_pool_free(bench.pool);
    return code;
}
