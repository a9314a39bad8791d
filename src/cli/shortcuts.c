/* The commands of one algorithm: quern kmeans, decision-tree, random-forest. Parameters of the
 * algorithm are options by their own names: --max-depth 5. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "cli/model_view.h"
#include "cli/train_command.h"
#include "data/write.h"
#include "flow/model.h"

#include <string.h>

#define QN_SHORTCUT_PARAMETERS 64

static const struct qn_option kmeans_options[] = {
    {"data", "DATA", "the file to cluster"},
    {"clusters", "K", "how many clusters (n_clusters)"},
    {"output", "FILE", "the input with a `cluster` column: .csv, .parquet, .jsonl"},
    {"model", "FILE", "also save the model, to give new rows their cluster"},
    {"drop", "COLS", "columns not to use"},
    {"recipe", "FILE", "prepare by this recipe instead of the proposed one"},
    {"seed", "N", "same seed, same data: same clusters (42)"},
    {"json", NULL, "print one JSON object"},
    {NULL, NULL, NULL},
};

static const struct qn_option tree_options[] = {
    {"data", "DATA", "the file to learn from"},
    {"target", "COL", "the column to predict"},
    {"task", "NAME", "classification or regression (decided by the target)"},
    {"test-size", "SHARE", "rows held out for the score (0.2; 0: none)"},
    {"cv", "K", "cross-validate in K folds instead"},
    {"test", "FILE", "score on this file instead"},
    {"output", "FILE", "save the model (not saved when not given)"},
    {"group", "COL", "rows with the same value stay on one side of the split"},
    {"time", "COL", "train on earlier rows, test on later ones"},
    {"weight", "COL", "weight of each row"},
    {"drop", "COLS", "columns not to use"},
    {"recipe", "FILE", "prepare by this recipe instead of the proposed one"},
    {"seed", "N", "same seed, same data: same model (42)"},
    {"json", NULL, "print one JSON object"},
    {NULL, NULL, NULL},
};

/* "max-depth" is the parameter max_depth. */
static bool same_name(const char *option, const char *parameter)
{
    while (*option && (*option == *parameter || (*option == '-' && *parameter == '_'))) {
        option++;
        parameter++;
    }
    return *option == *parameter;
}

static const struct qn_parameter *find_parameter(const struct qn_learner *learner,
                                                 const char *option)
{
    const struct qn_parameter *parameter = learner->parameters.parameters;
    while (parameter->name && !same_name(option, parameter->name))
        parameter++;
    return parameter->name ? parameter : NULL;
}

static bool kmeans_extra(void *context, const char *name)
{
    (void)context;
    return find_parameter(&qn_kmeans_learner, name) != NULL;
}

static bool tree_extra(void *context, const char *name)
{
    (void)context;
    return find_parameter(&qn_decision_tree_learner, name) != NULL;
}

static bool forest_extra(void *context, const char *name)
{
    (void)context;
    return find_parameter(&qn_random_forest_learner, name) != NULL;
}

/* Options that are parameters, as "name=value" texts; the caller frees them. */
static enum qn_status parameters_of(const struct qn_args *args, const struct qn_learner *learner,
                                    char **out, size_t *count, struct qn_error *err)
{
    for (size_t i = 0; i < args->count && *count < QN_SHORTCUT_PARAMETERS; i++) {
        const char *name = args->given[i].name;
        if (name && strcmp(name, "clusters") == 0)
            name = "n-clusters";
        const struct qn_parameter *parameter = name ? find_parameter(learner, name) : NULL;
        if (!parameter)
            continue;
        struct qn_buffer text;
        qn_buffer_init(&text, 1 << 16);
        qn_buffer_format(&text, "%s=%s", parameter->name, args->given[i].value);
        enum qn_status status = qn_buffer_check(&text, "arguments", err);
        if (status != QN_OK) {
            qn_buffer_release(&text);
            return status;
        }
        out[(*count)++] = text.bytes; /* The array owns the text now. */
    }
    return QN_OK;
}

static enum qn_status save_clusters(struct qn_train_job *job, const char *path,
                                    struct qn_error *err)
{
    static const char *const all[] = {"all"};
    double *outputs = NULL;
    struct qn_table *result = NULL;
    enum qn_status status = qn_model_predict(job->model, job->table, NULL, job->table->row_count,
                                             job->options.pool, &outputs, NULL, err);
    if (status == QN_OK)
        status = qn_model_predictions(job->model, job->table, all, 1, outputs, &result, err);
    if (status == QN_OK)
        status = qn_table_write(result, path, job->options.progress, err);
    qn_table_free(result);
    qn_free(outputs);
    return status;
}

static int run_job(const struct qn_args *args, const struct qn_learner *learner,
                   struct qn_train_job *job, struct qn_error *err)
{
    bool clustering = learner == &qn_kmeans_learner;
    const char *path = qn_args_value(args, "data"), *output = qn_args_value(args, "output");
    const char *surplus = qn_args_word(args, path ? 0 : 1);
    if (!path)
        path = qn_args_word(args, 0);
    if (surplus) {
        qn_fail(err, QN_INVALID, "'%.60s' is one word too many; options begin with --", surplus);
        return qn_cli_fail(err, true);
    }
    if (!path || (!clustering && !qn_args_flag(args, "target"))) {
        qn_fail(err, QN_INVALID, "--data FILE%s needed",
                clustering ? " is" : " and --target COL are");
        return qn_cli_fail(err, true);
    }
    if (qn_train_job_init(args, job, err) != QN_OK)
        return qn_cli_fail(err, true);
    job->options.algorithm = learner->name;
    if (qn_train_job_run(args, path, job, err) != QN_OK)
        return qn_cli_fail(err, false);
    if (!clustering)
        return qn_train_job_finish(args, job, output, err);
    if (output && save_clusters(job, output, err) != QN_OK)
        return qn_cli_fail(err, false);
    const char *model = qn_args_value(args, "model");
    bool piped = output && strcmp(output, "-") == 0;
    if (piped) /* the rows are on standard output, where nothing else may be */
        return !model || qn_train_job_save(job, model, err) == QN_OK ? QN_EXIT_GOOD
                                                                     : qn_cli_fail(err, false);
    int code = qn_train_job_finish(args, job, model, err);
    if (code == QN_EXIT_GOOD && output && !qn_args_flag(args, "json"))
        printf("\nWrote %s: the input with a `cluster` column\n", output);
    return code;
}

static int run_learner(const struct qn_args *args, const struct qn_learner *learner)
{
    char *parameters[QN_SHORTCUT_PARAMETERS];
    size_t count = 0;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_train_job job = {0};
    int code = QN_EXIT_FAILED;
    if (parameters_of(args, learner, parameters, &count, &err) != QN_OK) {
        code = qn_cli_fail(&err, false);
    } else {
        job.given = (const char *const *)parameters;
        job.given_count = count;
        code = run_job(args, learner, &job, &err);
    }
    qn_train_job_release(&job);
    for (size_t i = 0; i < count; i++)
        qn_free(parameters[i]);
    return code;
}

static int run_kmeans(const struct qn_args *args)
{
    return run_learner(args, &qn_kmeans_learner);
}

static int run_tree(const struct qn_args *args)
{
    return run_learner(args, &qn_decision_tree_learner);
}

static int run_forest(const struct qn_args *args)
{
    return run_learner(args, &qn_random_forest_learner);
}

const struct qn_command qn_kmeans_command = {
    .name = "kmeans",
    .usage = "--data DATA --clusters K [--output FILE] [--PARAMETER VALUE ...]",
    .summary = "Clusters rows by k-means",
    .options = kmeans_options,
    .reads_data = true,
    .examples = "  quern kmeans --data data.csv --clusters 3 --output results.csv\n"
                "  quern algorithms kmeans        its parameters\n",
    .extra = kmeans_extra,
    .run = run_kmeans,
};

const struct qn_command qn_decision_tree_command = {
    .name = "decision-tree",
    .usage = "--data DATA --target COL [--PARAMETER VALUE ...]",
    .summary = "Fits one decision tree",
    .options = tree_options,
    .reads_data = true,
    .examples = "  quern decision-tree --data data.csv --target class --max-depth 5\n"
                "  quern algorithms decision_tree        its parameters\n",
    .extra = tree_extra,
    .run = run_tree,
};

const struct qn_command qn_random_forest_command = {
    .name = "random-forest",
    .usage = "--data DATA --target COL [--PARAMETER VALUE ...]",
    .summary = "Fits a random forest",
    .options = tree_options,
    .reads_data = true,
    .examples = "  quern random-forest --data data.csv --target class --n-estimators 100\n"
                "  quern algorithms random_forest        its parameters\n",
    .extra = forest_extra,
    .run = run_forest,
};
