#include "cli/cli.h"

#include "base/alloc.h"
#include "data/write.h"
#include "flow/model.h"

#include <string.h>

static const struct qn_option predict_options[] = {
    {"output", "FILE",
     "where to write: .csv, .tsv, .parquet, .jsonl, with .gz or .zst\n"
     "(standard output, as CSV)"},
    {"keep", "COLS",
     "input columns to keep beside the prediction, or all\n"
     "(those that the model does not use, such as identifiers)"},
    {"json", NULL, "print one JSON object: rows, and counts of what was unusual"},
    {NULL, NULL, NULL},
};

/* Rows predicted at a time are all rows: the table is in memory anyway. */
struct predict_job {
    struct qn_data_settings data;
    struct qn_pool *pool;
    struct qn_model *model;
    struct qn_table *table, *result;
    struct qn_prep_report report;
    double *outputs;
    char **keep;
    size_t keep_count;
    struct qn_meter meter;
};

static void release(struct predict_job *job)
{
    qn_table_free(job->result);
    qn_free(job->outputs);
    qn_table_free(job->table);
    qn_model_free(job->model);
    qn_pool_free(job->pool);
    qn_args_list_free(job->keep, job->keep_count);
    qn_data_settings_release(&job->data);
}

static enum qn_status predict(const struct qn_args *args, struct predict_job *job,
                              struct qn_error *err)
{
    const char *path = qn_args_word(args, 1);
    enum qn_status status = qn_pool_create(job->data.read.thread_count, &job->pool, err);
    if (status == QN_OK)
        status = qn_model_load(qn_args_word(args, 0), &job->model, err);
    if (status == QN_OK)
        status = qn_model_read_data(job->model, path, &job->data.read, &job->table, err);
    if (status == QN_OK)
        status = qn_model_predict(job->model, job->table, NULL, job->table->row_count, job->pool,
                                  &job->outputs, &job->report, err);
    if (status == QN_OK)
        status = qn_model_predictions(job->model, job->table, (const char *const *)job->keep,
                                      job->keep_count, job->outputs, &job->result, err);
    return status;
}

static int print_json(const struct predict_job *job, const char *output)
{
    bool failed = false;
    json_t *object = json_object();
    qn_json_set(object, "rows", json_integer((json_int_t)job->table->row_count), &failed);
    qn_json_set(object, "output", json_string(output), &failed);
    qn_json_set(object, "unseen_categories", json_integer((json_int_t)job->report.unseen_cells),
                &failed);
    qn_json_set(object, "extra_columns", json_integer((json_int_t)job->report.extra_columns),
                &failed);
    return qn_cli_print_json(object);
}

static void print_notes(const struct predict_job *job, const char *output)
{
    qn_cli_print_notes(job->table);
    if (job->report.unseen_cells > 0)
        fprintf(stderr,
                "quern: %zu cells in %zu columns hold a category that training did not have\n",
                job->report.unseen_cells, job->report.unseen_columns);
    if (strcmp(output, "-") != 0)
        printf("Wrote %s: %zu rows predicted by %s\n", output, job->table->row_count,
               job->model->learner->title);
}

static int run(const struct qn_args *args)
{
    struct predict_job job = {0};
    struct qn_error err = QN_ERROR_INIT;
    const char *output = qn_args_value(args, "output");
    enum qn_status status = QN_OK;
    if (!qn_args_word(args, 1) || qn_args_word(args, 2))
        status = qn_fail(&err, QN_INVALID, "predict needs a model and a data file");
    else if (qn_args_flag(args, "json") && !output)
        status = qn_fail(&err, QN_INVALID, "--json needs --output FILE for the predictions");
    if (status == QN_OK)
        status = qn_data_settings_init(args, &job.data, &err);
    if (status == QN_OK)
        status = qn_args_list(args, "keep", &job.keep, &job.keep_count, &err);
    if (status != QN_OK) {
        release(&job);
        return qn_cli_fail(&err, true);
    }
    if (!output)
        output = "-";
    qn_meter_init(&job.meter);
    job.data.read.progress = &job.meter.progress;
    status = predict(args, &job, &err);
    if (status == QN_OK)
        status = qn_table_write(job.result, output, &job.meter.progress, &err);
    qn_meter_end(&job.meter);
    int code = QN_EXIT_GOOD;
    if (status != QN_OK)
        code = qn_cli_fail(&err, false);
    else if (qn_args_flag(args, "json"))
        code = print_json(&job, output);
    else
        print_notes(&job, output);
    release(&job);
    return code;
}

const struct qn_command qn_predict_command = {
    .name = "predict",
    .usage = "MODEL DATA [--output FILE]",
    .summary = "Predicts rows of a file with a saved model",
    .options = predict_options,
    .reads_data = true,
    .examples =
        "  quern predict model.qnm new.csv --output predictions.csv\n"
        "  quern predict model.qnm new.parquet --keep id,name --output predictions.parquet\n"
        "  cat new.csv | quern predict model.qnm -\n",
    .run = run,
};
