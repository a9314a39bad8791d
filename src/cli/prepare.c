#include "cli/cli.h"

#include "base/alloc.h"
#include "base/file.h"
#include "data/profile.h"
#include "data/write.h"
#include "flow/labels.h"
#include "prep/prep.h"

#include <math.h>
#include <string.h>

#define QN_RECIPE_MAXIMUM ((size_t)64 << 20)

static const struct qn_option prepare_options[] = {
    {"recipe", "FILE", "prepare by this recipe (one is proposed when not given)"},
    {"output", "FILE", "the prepared table: .parquet, .csv, .jsonl"},
    {"print-recipe", NULL, "print the recipe as JSON, to edit it, and stop"},
    {"for", "KIND",
     "propose for `linear` models and k-means (numbers only, scaled,\n"
     "nothing missing), or for `trees`, which need less (linear)"},
    {"target", "COL", "the column to predict: kept as it is, and used by target encoding"},
    {"drop", "COLS", "columns to leave out"},
    {"seed", "N", "of the folds of target encoding (42)"},
    {"json", NULL, "print one JSON object"},
    {NULL, NULL, NULL},
};

struct prepare_job {
    struct qn_data_settings data;
    struct qn_pool *pool;
    struct qn_table *table, *result;
    struct qn_recipe *recipe;
    struct qn_prep *prep;
    struct qn_matrix *matrix;
    struct qn_labels *labels;
    size_t *rows; /* those with a target; NULL: all */
    size_t row_count;
    char **drop;
    size_t drop_count;
    const char *target;
    bool native;
    uint64_t seed;
    struct qn_meter meter;
};

static void release(struct prepare_job *job)
{
    qn_matrix_free(job->matrix);
    qn_prep_free(job->prep);
    qn_recipe_free(job->recipe);
    qn_labels_free(job->labels);
    qn_free(job->rows);
    qn_table_free(job->result);
    qn_table_free(job->table);
    qn_pool_free(job->pool);
    qn_args_list_free(job->drop, job->drop_count);
    qn_data_settings_release(&job->data);
}

static enum qn_status propose(struct prepare_job *job, struct qn_error *err)
{
    struct qn_profile_options options;
    struct qn_profile *profile = NULL;
    qn_profile_options_default(&options);
    options.target = job->target;
    options.association_column_limit = 0;
    options.no_duplicates = true;
    options.progress = &job->meter.progress;
    const char **excluded = QN_ALLOC(const char *, job->drop_count + 1);
    if (!excluded)
        return qn_fail_nomem(err, "prepare");
    size_t count = 0;
    for (; count < job->drop_count; count++)
        excluded[count] = job->drop[count];
    if (job->target)
        excluded[count++] = job->target;
    enum qn_status status = qn_profile_make(job->table, &options, job->pool, &profile, err);
    if (status == QN_OK)
        status = qn_recipe_propose(profile, excluded, count, job->native, job->target != NULL,
                                   &job->recipe, err);
    qn_profile_free(profile);
    qn_free(excluded);
    return status;
}

static enum qn_status get_recipe(const struct qn_args *args, struct prepare_job *job,
                                 struct qn_error *err)
{
    const char *path = qn_args_value(args, "recipe");
    if (!path)
        return propose(job, err);
    char *text = NULL;
    size_t size = 0;
    enum qn_status status = qn_file_read(path, QN_RECIPE_MAXIMUM, &text, &size, err);
    if (status == QN_OK)
        status = qn_recipe_parse(text, size, path, &job->recipe, err);
    qn_free(text);
    return status;
}

/* Rows whose target is known: target encoding needs them. */
static enum qn_status use_target(struct prepare_job *job, struct qn_error *err)
{
    size_t at = 0;
    enum qn_status status = qn_table_require(job->table, job->target, &at, err);
    if (status == QN_OK)
        status = qn_labels_make(&job->table->columns[at], job->table->row_count, QN_TASK_AUTO,
                                &job->labels, err);
    if (status != QN_OK)
        return status;
    job->rows = QN_ALLOC(size_t, job->table->row_count);
    if (!job->rows)
        return qn_fail_nomem(err, "prepare");
    for (size_t row = 0; row < job->table->row_count; row++) {
        bool known = job->labels->classes ? job->labels->classes[row] >= 0
                                          : !isnan(job->labels->values[row]);
        if (known)
            job->rows[job->row_count++] = row;
    }
    return QN_OK;
}

/* The prepared features, and the target as it was. */
static enum qn_status make_result(struct prepare_job *job, struct qn_error *err)
{
    enum qn_status status =
        qn_prep_table(job->prep, job->matrix, job->table->name, &job->result, err);
    if (status != QN_OK || !job->target)
        return status;
    struct qn_table *picked = NULL;
    status = qn_table_take_rows(job->table, job->rows, job->row_count, &picked, err);
    if (status == QN_OK)
        status = qn_table_copy_column(picked, (size_t)qn_table_find(picked, job->target),
                                      job->result, err);
    qn_table_free(picked);
    return status;
}

static enum qn_status prepare(struct prepare_job *job, struct qn_error *err)
{
    struct qn_label_rows gathered = {0};
    struct qn_prep_options options = {.seed = job->seed, .pool = job->pool};
    enum qn_status status = QN_OK;
    if (job->target) {
        status = use_target(job, err);
        if (status == QN_OK)
            status = qn_labels_gather(job->labels, NULL, job->rows, job->row_count, &gathered, err);
        if (status != QN_OK)
            return status;
        options.target = &gathered.target;
    }
    size_t count = job->rows ? job->row_count : job->table->row_count;
    status = qn_prep_fit(job->recipe, job->table, job->rows, count, &options, &job->prep,
                         &job->matrix, err);
    qn_label_rows_release(&gathered);
    return status == QN_OK ? make_result(job, err) : status;
}

static int print(const struct qn_args *args, const struct prepare_job *job, const char *output)
{
    size_t rows = job->result->row_count, columns = job->result->column_count;
    size_t left_out = job->table->row_count - rows;
    if (qn_args_flag(args, "json")) {
        bool failed = false;
        json_t *object = json_object();
        qn_json_set(object, "output", json_string(output), &failed);
        qn_json_set(object, "row_count", json_integer((json_int_t)rows), &failed);
        qn_json_set(object, "column_count", json_integer((json_int_t)columns), &failed);
        qn_json_set(object, "rows_left_out", json_integer((json_int_t)left_out), &failed);
        qn_json_set(object, "learned", qn_prep_describe(job->prep), &failed);
        qn_json_set(object, "recipe", qn_recipe_json(job->recipe), &failed);
        return qn_cli_print_json(object);
    }
    qn_cli_print_notes(job->table);
    if (strcmp(output, "-") == 0)
        return QN_EXIT_GOOD;
    printf("Wrote %s: %zu rows, %zu columns made from %zu\n", output, rows, columns,
           job->table->column_count);
    if (left_out > 0)
        printf("%zu rows without a value of '%s' are left out\n", left_out, job->target);
    return QN_EXIT_GOOD;
}

static enum qn_status parse(const struct qn_args *args, struct prepare_job *job,
                            struct qn_error *err)
{
    const char *kind = qn_args_value(args, "for");
    if (!qn_args_word(args, 0) || qn_args_word(args, 1))
        return qn_fail(err, QN_INVALID, "prepare needs one data file");
    if (!qn_args_flag(args, "output") && !qn_args_flag(args, "print-recipe"))
        return qn_fail(err, QN_INVALID, "--output FILE is needed, or --print-recipe");
    if (kind && strcmp(kind, "linear") != 0 && strcmp(kind, "trees") != 0)
        return qn_fail(err, QN_INVALID, "--for: '%.40s' is not linear or trees", kind);
    job->native = kind && strcmp(kind, "trees") == 0;
    job->target = qn_args_value(args, "target");
    job->seed = 42;
    enum qn_status status = qn_args_count(args, "seed", &job->seed, err);
    if (status == QN_OK)
        status = qn_args_list(args, "drop", &job->drop, &job->drop_count, err);
    return status == QN_OK ? qn_data_settings_init(args, &job->data, err) : status;
}

static int run(const struct qn_args *args)
{
    struct prepare_job job = {0};
    struct qn_error err = QN_ERROR_INIT;
    const char *output = qn_args_value(args, "output");
    if (parse(args, &job, &err) != QN_OK) {
        release(&job);
        return qn_cli_fail(&err, true);
    }
    qn_meter_init(&job.meter);
    job.data.read.progress = &job.meter.progress;
    bool recipe_only = qn_args_flag(args, "print-recipe");
    enum qn_status status = qn_pool_create(job.data.read.thread_count, &job.pool, &err);
    if (status == QN_OK)
        status = qn_table_read(qn_args_word(args, 0), &job.data.read, &job.table, &err);
    if (status == QN_OK)
        status = get_recipe(args, &job, &err);
    if (status == QN_OK && !recipe_only)
        status = prepare(&job, &err);
    if (status == QN_OK && !recipe_only)
        status = qn_table_write(job.result, output, &job.meter.progress, &err);
    qn_meter_end(&job.meter);
    int code = QN_EXIT_GOOD;
    if (status != QN_OK)
        code = qn_cli_fail(&err, false);
    else if (recipe_only)
        code = qn_cli_print_json(qn_recipe_json(job.recipe));
    else
        code = print(args, &job, output);
    release(&job);
    return code;
}

const struct qn_command qn_prepare_command = {
    .name = "prepare",
    .usage = "DATA [--recipe FILE] --output FILE",
    .summary = "Applies a recipe to data and saves the result",
    .options = prepare_options,
    .reads_data = true,
    .examples = "  quern prepare data.csv --print-recipe > recipe.json\n"
                "  quern prepare data.csv --recipe recipe.json --output clean.parquet\n",
    .run = run,
};
