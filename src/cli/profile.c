#include "data/profile.h"
#include "cli/cli.h"
#include "cli/profile_view.h"

#include <string.h>

static const struct qn_option profile_options[] = {
    {"html", "FILE", "write a report that stands alone: charts, for screen, phone and print"},
    {"json", NULL, "print one JSON object"},
    {"target", "COL", "judge leakage and imbalance against this column (suggested)"},
    {"schema", NULL, "show the type of each column, and why, and stop"},
    {NULL, NULL, NULL},
};

struct profile_job {
    struct qn_data_settings data;
    struct qn_pool *pool;
    struct qn_table *table;
    struct qn_profile *profile;
    struct qn_meter meter;
};

static void release(struct profile_job *job)
{
    qn_profile_free(job->profile);
    qn_table_free(job->table);
    qn_pool_free(job->pool);
    qn_data_settings_release(&job->data);
}

static json_t *schema_json(const struct qn_table *table)
{
    bool failed = false;
    json_t *object = json_object(), *array = json_array();
    for (size_t i = 0; i < table->column_count; i++) {
        const struct qn_column *column = &table->columns[i];
        json_t *item = json_object();
        qn_json_set(item, "name", json_string(column->name), &failed);
        qn_json_set(item, "type", json_string(qn_type_name(column->type)), &failed);
        if (column->format)
            qn_json_set(item, "format", json_string(column->format), &failed);
        qn_json_set(item, "reason", json_string(column->reason ? column->reason : ""), &failed);
        qn_json_add(array, item, &failed);
    }
    qn_json_set(object, "columns", array, &failed);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

static int print_schema(const struct qn_args *args, const struct qn_table *table)
{
    if (qn_args_flag(args, "json"))
        return qn_cli_print_json(schema_json(table));
    struct qn_console console;
    qn_console_init(&console, stdout);
    printf("%s: %zu rows, %zu columns\n\n", table->name, table->row_count, table->column_count);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct qn_column *column = &table->columns[i];
        fputs("  ", stdout);
        qn_console_cell(&console, column->name, 24, false);
        printf("  %-9s", qn_type_name(column->type));
        printf("  %s%s%s\n", column->format ? column->format : "", column->format ? ": " : "",
               column->reason ? column->reason : "");
    }
    puts("\nForce a type with --types NAME=TYPE, a date format with --types NAME=date:%d/%m/%Y");
    return QN_EXIT_GOOD;
}

static enum qn_status make(const struct qn_args *args, struct profile_job *job,
                           struct qn_error *err)
{
    struct qn_profile_options options;
    qn_profile_options_default(&options);
    options.target = qn_args_value(args, "target");
    options.progress = &job->meter.progress;
    enum qn_status status = qn_profile_make(job->table, &options, job->pool, &job->profile, err);
    const char *html = qn_args_value(args, "html");
    if (status == QN_OK && html)
        status = qn_profile_html(job->profile, html, err);
    qn_meter_end(&job->meter);
    return status;
}

static int print(const struct qn_args *args, const struct profile_job *job, struct qn_error *err)
{
    if (qn_args_flag(args, "json"))
        return qn_cli_print_json(qn_profile_json(job->profile));
    struct qn_console console;
    qn_console_init(&console, stdout);
    qn_cli_print_notes(job->table);
    const char *html = qn_args_value(args, "html");
    if (html) {
        if (strcmp(html, "-") != 0)
            printf("Wrote %s\n", html);
        return QN_EXIT_GOOD;
    }
    if (qn_profile_print(stdout, job->profile, console.colour, console.width, err) != QN_OK)
        return qn_cli_fail(err, false);
    return QN_EXIT_GOOD;
}

static int run(const struct qn_args *args)
{
    struct profile_job job = {0};
    struct qn_error err = QN_ERROR_INIT;
    if (!qn_args_word(args, 0) || qn_args_word(args, 1)) {
        qn_fail(&err, QN_INVALID, "profile needs one data file");
        return qn_cli_fail(&err, true);
    }
    if (qn_data_settings_init(args, &job.data, &err) != QN_OK)
        return qn_cli_fail(&err, true);
    qn_meter_init(&job.meter);
    job.data.read.progress = &job.meter.progress;
    enum qn_status status = qn_pool_create(job.data.read.thread_count, &job.pool, &err);
    if (status == QN_OK)
        status = qn_table_read(qn_args_word(args, 0), &job.data.read, &job.table, &err);
    bool schema_only = qn_args_flag(args, "schema");
    if (status == QN_OK && !schema_only)
        status = make(args, &job, &err);
    qn_meter_end(&job.meter);
    int code = status != QN_OK ? qn_cli_fail(&err, false)
               : schema_only   ? print_schema(args, job.table)
                               : print(args, &job, &err);
    release(&job);
    return code;
}

const struct qn_command qn_profile_command = {
    .name = "profile",
    .usage = "DATA [--json | --html FILE] [--target COL]",
    .summary = "Shows what is in a file, what is wrong with it, and what it could predict",
    .options = profile_options,
    .reads_data = true,
    .examples = "  quern profile data.csv\n"
                "  quern profile data.csv --html report.html\n"
                "  quern profile data.csv --schema\n",
    .run = run,
};
