#include "cli/cli.h"
#include "cli/model_view.h"

static const struct qn_option evaluate_options[] = {
    {"target", "COL", "the column with the truth (the model's target)"},
    {"json", NULL, "print one JSON object"},
    {NULL, NULL, NULL},
};

struct evaluate_job {
    struct qn_data_settings data;
    struct qn_pool *pool;
    struct qn_model *model;
    struct qn_table *table;
    struct qn_metrics *metrics, *baseline;
    size_t left_out;
    struct qn_meter meter;
};

static void release(struct evaluate_job *job)
{
    qn_metrics_free(job->metrics);
    qn_metrics_free(job->baseline);
    qn_table_free(job->table);
    qn_model_free(job->model);
    qn_pool_free(job->pool);
    qn_data_settings_release(&job->data);
}

static int print(const struct qn_args *args, const struct evaluate_job *job)
{
    bool failed = false;
    const char *const *classes = (const char *const *)job->model->class_names;
    json_t *object = json_object();
    json_t *test = qn_metrics_json(job->metrics, classes);
    json_t *baseline = qn_metrics_json(job->baseline, classes);
    qn_json_set(object, "rows", json_integer((json_int_t)job->table->row_count), &failed);
    qn_json_set(object, "rows_left_out", json_integer((json_int_t)job->left_out), &failed);
    qn_json_set(object, "test", test, &failed);
    qn_json_set(object, "baseline", baseline, &failed);
    if (failed) {
        json_decref(object);
        return qn_cli_print_json(NULL);
    }
    if (qn_args_flag(args, "json"))
        return qn_cli_print_json(object);
    qn_cli_print_notes(job->table);
    struct qn_console console;
    qn_console_init(&console, stdout);
    printf("%s on %s: %zu rows", job->model->learner->title, job->table->name,
           job->table->row_count - job->left_out);
    if (job->left_out > 0)
        printf(" (%zu without a known value of the target left out)", job->left_out);
    putchar('\n');
    qn_view_scores(&console, "Score", test, baseline);
    qn_view_confusion(&console, test);
    json_decref(object);
    return QN_EXIT_GOOD;
}

static int run(const struct qn_args *args)
{
    struct evaluate_job job = {0};
    struct qn_error err = QN_ERROR_INIT;
    if (!qn_args_word(args, 1) || qn_args_word(args, 2)) {
        qn_fail(&err, QN_INVALID, "evaluate needs a model and a data file");
        return qn_cli_fail(&err, true);
    }
    if (qn_data_settings_init(args, &job.data, &err) != QN_OK)
        return qn_cli_fail(&err, true);
    qn_meter_init(&job.meter);
    job.data.read.progress = &job.meter.progress;
    enum qn_status status = qn_pool_create(job.data.read.thread_count, &job.pool, &err);
    if (status == QN_OK)
        status = qn_model_load(qn_args_word(args, 0), &job.model, &err);
    if (status == QN_OK)
        status =
            qn_model_read_data(job.model, qn_args_word(args, 1), &job.data.read, &job.table, &err);
    if (status == QN_OK)
        status = qn_model_evaluate(job.model, job.table, qn_args_value(args, "target"), job.pool,
                                   &job.metrics, &job.baseline, &job.left_out, &err);
    qn_meter_end(&job.meter);
    int code = status == QN_OK ? print(args, &job) : qn_cli_fail(&err, false);
    release(&job);
    return code;
}

const struct qn_command qn_evaluate_command = {
    .name = "evaluate",
    .usage = "MODEL DATA [--target COL]",
    .summary = "Scores a saved model on data that has the target",
    .options = evaluate_options,
    .reads_data = true,
    .examples = "  quern evaluate model.qnm last_month.csv\n",
    .run = run,
};
