#include "cli/cli.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/model_view.h"
#include "cli/train_command.h"
#include "flow/summary.h"
#include "flow/train.h"

#include <string.h>

#define QN_RECIPE_MAXIMUM ((size_t)64 << 20)

static const struct qn_option train_options[] = {
    {"target", "COL", "the column to predict"},
    {"algorithm", "NAME", "auto (compares a few), or one of `quern algorithms`"},
    {"param", "NAME=VALUE", "a parameter of the algorithm; may be repeated"},
    {"task", "NAME", "classification or regression (decided by the target)"},
    {"test-size", "SHARE", "rows held out for the score (0.2; 0: none)"},
    {"cv", "K", "cross-validate in K folds instead, then fit on all rows"},
    {"test", "FILE", "score on this file instead"},
    {"group", "COL", "rows with the same value stay on one side of the split"},
    {"time", "COL", "train on earlier rows, test on later ones"},
    {"weight", "COL", "weight of each row"},
    {"drop", "COLS", "columns not to use"},
    {"recipe", "FILE", "prepare by this recipe instead of the proposed one"},
    {"seed", "N", "same seed, same data: same model (42)"},
    {"output", "FILE", "where to save the model (model.qnm)"},
    {"json", NULL, "print one JSON object"},
    {NULL, NULL, NULL},
};

static enum qn_status read_recipe(const char *path, struct qn_recipe **out, struct qn_error *err)
{
    char *text = NULL;
    size_t size = 0;
    enum qn_status status = qn_file_read(path, QN_RECIPE_MAXIMUM, &text, &size, err);
    if (status != QN_OK)
        return status;
    status = qn_recipe_parse(text, size, path, out, err);
    qn_free(text);
    return status;
}

static enum qn_status parse_task(const char *text, enum qn_task_choice *out, struct qn_error *err)
{
    if (strcmp(text, "classification") == 0)
        *out = QN_TASK_CLASSIFY;
    else if (strcmp(text, "regression") == 0)
        *out = QN_TASK_REGRESS;
    else
        return qn_fail(err, QN_INVALID, "--task: '%.40s' is not classification or regression",
                       text);
    return QN_OK;
}

/* --param texts, in order, behind those that the command itself gives. */
static enum qn_status collect_parameters(const struct qn_args *args, struct qn_train_job *job,
                                         struct qn_error *err)
{
    job->parameters = QN_ALLOC(const char *, job->given_count + args->count);
    if (!job->parameters)
        return qn_fail_nomem(err, "arguments");
    for (size_t i = 0; i < job->given_count; i++)
        job->parameters[job->options.parameter_count++] = job->given[i];
    for (size_t i = 0; i < args->count; i++) {
        if (args->given[i].name && strcmp(args->given[i].name, "param") == 0)
            job->parameters[job->options.parameter_count++] = args->given[i].value;
    }
    job->options.parameters = job->parameters;
    return QN_OK;
}

enum qn_status qn_train_job_init(const struct qn_args *args, struct qn_train_job *job,
                                 struct qn_error *err)
{
    struct qn_train_options *options = &job->options;
    qn_train_options_default(options);
    uint64_t folds = 0;
    const char *text;
    int ways =
        qn_args_flag(args, "test-size") + qn_args_flag(args, "cv") + qn_args_flag(args, "test");
    if (ways > 1)
        return qn_fail(err, QN_INVALID, "choose one of --test-size, --cv and --test");
    enum qn_status status = qn_data_settings_init(args, &job->data, err);
    if (status != QN_OK)
        return status;
    options->target = qn_args_value(args, "target");
    if ((text = qn_args_value(args, "algorithm")))
        options->algorithm = text;
    options->group = qn_args_value(args, "group");
    options->time = qn_args_value(args, "time");
    options->weight = qn_args_value(args, "weight");
    status = qn_args_double(args, "test-size", &options->test_size, err);
    if (status == QN_OK)
        status = qn_args_count(args, "cv", &folds, err);
    if (status == QN_OK)
        status = qn_args_count(args, "seed", &options->seed, err);
    if (status == QN_OK)
        status = qn_args_list(args, "drop", &job->drop, &options->drop_count, err);
    if (status == QN_OK && (text = qn_args_value(args, "task")))
        status = parse_task(text, &options->task, err);
    if (status == QN_OK)
        status = collect_parameters(args, job, err);
    options->fold_count = (size_t)folds;
    options->drop = (const char *const *)job->drop;
    return status;
}

void qn_train_job_release(struct qn_train_job *job)
{
    qn_model_free(job->model);
    qn_table_free(job->test);
    qn_table_free(job->table);
    qn_recipe_free(job->recipe);
    qn_pool_free(job->options.pool);
    qn_args_list_free(job->drop, job->options.drop_count);
    qn_free(job->parameters);
    qn_data_settings_release(&job->data);
}

/* Reads the test file with the training file's types, so that classes and dates agree. */
static enum qn_status read_test(struct qn_train_job *job, const char *path, struct qn_error *err)
{
    struct qn_read_options read = job->data.read;
    struct qn_type_override *types = QN_CALLOC(struct qn_type_override, job->table->column_count);
    if (!types)
        return qn_fail_nomem(err, path);
    for (size_t i = 0; i < job->table->column_count; i++) {
        const struct qn_column *column = &job->table->columns[i];
        bool whole = column->type == QN_TYPE_INTEGER;
        types[i] = (struct qn_type_override){.name = column->name,
                                             .type = whole ? QN_TYPE_NUMBER : column->type,
                                             .format = column->format};
    }
    read.overrides = types;
    read.override_count = job->table->column_count;
    read.allow_unknown = true;
    enum qn_status status = qn_table_read(path, &read, &job->test, err);
    qn_free(types);
    job->options.test = job->test;
    return status;
}

enum qn_status qn_train_job_run(const struct qn_args *args, const char *path,
                                struct qn_train_job *job, struct qn_error *err)
{
    qn_meter_init(&job->meter);
    job->data.read.progress = &job->meter.progress;
    job->options.progress = &job->meter.progress;
    double begin_ms = qn_clock_ms();
    const char *text;
    enum qn_status status = qn_pool_create(job->data.read.thread_count, &job->options.pool, err);
    if (status == QN_OK)
        status = qn_table_read(path, &job->data.read, &job->table, err);
    if (status == QN_OK && (text = qn_args_value(args, "test")))
        status = read_test(job, text, err);
    if (status == QN_OK && (text = qn_args_value(args, "recipe")))
        status = read_recipe(text, &job->recipe, err);
    job->options.recipe = job->recipe;
    job->read_ms = qn_clock_ms() - begin_ms;
    if (status == QN_OK)
        status = qn_train(job->table, &job->options, &job->model, err);
    qn_meter_end(&job->meter);
    return status;
}

enum qn_status qn_train_job_save(struct qn_train_job *job, const char *path, struct qn_error *err)
{
    bool failed = false;
    json_t *timings = json_object_get(job->model->report, "timings_ms");
    qn_json_set(timings, "read", qn_json_number(job->read_ms), &failed);
    double begin_ms = qn_clock_ms();
    enum qn_status status = qn_model_save(job->model, path, err);
    qn_json_set(timings, "save", qn_json_number(qn_clock_ms() - begin_ms), &failed);
    if (status == QN_OK && failed)
        status = qn_fail_nomem(err, "train");
    return status;
}

static void view_end(const struct qn_console *console, const struct qn_train_job *job,
                     const char *output)
{
    json_t *timings = json_object_get(job->model->report, "timings_ms");
    const char *key;
    json_t *value;
    double total = 0;
    json_object_foreach(timings, key, value)
    {
        total += json_number_value(value);
    }
    fprintf(console->out, "\nSaved %s%s%s in %.2f s", qn_style(console, QN_STYLE_BOLD), output,
            qn_style(console, QN_STYLE_PLAIN), total / 1e3);
    fprintf(console->out, " (read %.2f, prepare %.2f, fit %.2f, evaluate %.2f)\n",
            json_number_value(json_object_get(timings, "read")) / 1e3,
            json_number_value(json_object_get(timings, "prepare")) / 1e3,
            json_number_value(json_object_get(timings, "fit")) / 1e3,
            json_number_value(json_object_get(timings, "evaluate")) / 1e3);
    fprintf(console->out, "Next: quern predict %s NEW.csv\n", output);
}

int qn_train_job_finish(const struct qn_args *args, struct qn_train_job *job, const char *output,
                        struct qn_error *err)
{
    if (output && qn_train_job_save(job, output, err) != QN_OK)
        return qn_cli_fail(err, false);
    if (qn_args_flag(args, "json"))
        return qn_cli_print_json(qn_model_summary(job->model, output));
    struct qn_console console;
    qn_console_init(&console, stdout);
    qn_view_model(&console, job->model);
    if (output)
        view_end(&console, job, output);
    return QN_EXIT_GOOD;
}

static int run(const struct qn_args *args)
{
    struct qn_train_job job = {0};
    struct qn_error err = QN_ERROR_INIT;
    const char *path = qn_args_word(args, 0), *output = qn_args_value(args, "output");
    enum qn_status status = QN_OK;
    if (!path || qn_args_word(args, 1))
        status =
            qn_fail(&err, QN_INVALID, "train needs one data file: quern train DATA --target COL");
    else if (!qn_args_flag(args, "target") &&
             strcmp(qn_args_flag(args, "algorithm") ? qn_args_value(args, "algorithm") : "",
                    "kmeans") != 0)
        status =
            qn_fail(&err, QN_INVALID, "--target COL is needed; `quern profile DATA` suggests one");
    if (status == QN_OK)
        status = qn_train_job_init(args, &job, &err);
    int code = QN_EXIT_USAGE;
    if (status != QN_OK) {
        code = qn_cli_fail(&err, true);
    } else {
        status = qn_train_job_run(args, path, &job, &err);
        code = status == QN_OK
                   ? qn_train_job_finish(args, &job, output ? output : "model.qnm", &err)
                   : qn_cli_fail(&err, false);
    }
    qn_train_job_release(&job);
    return code;
}

const struct qn_command qn_train_command = {
    .name = "train",
    .usage = "DATA --target COL [options]",
    .summary = "Fits a model, scores it beside a baseline, saves it",
    .options = train_options,
    .reads_data = true,
    .examples = "  quern train penguins.csv --target species\n"
                "  quern train penguins.csv --target species --algorithm random_forest "
                "--param n_estimators=300\n"
                "  quern train sales.parquet --target amount --time day --cv 5 --json\n",
    .run = run,
};
