/* Fitted recipes: columns run in parallel, each on its own, and their features form the matrix. */
#include "prep/prep_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Dense features may take this much. */
#define QN_FEATURE_BYTES ((size_t)8 << 30)

void qn__column_release(struct qn__column *column)
{
    for (size_t i = 0; i < column->step_count; i++)
        qn_free(column->steps[i].numbers);
    qn_free(column->steps);
    qn_free(column->levels.offsets);
    qn_free(column->levels.bytes);
    qn_free(column->sorted);
    qn_free(column->level_rows);
}

void qn_prep_free(struct qn_prep *prep)
{
    if (!prep)
        return;
    for (size_t i = 0; i < prep->column_count; i++)
        qn__column_release(&prep->columns[i]);
    qn_free(prep->columns);
    qn_free(prep->inputs);
    for (size_t i = 0; prep->names && i < prep->feature_count; i++)
        qn_free(prep->names[i]);
    qn_free(prep->names);
    qn_recipe_free(prep->recipe);
    qn_free(prep);
}

static enum qn_status create_column(const struct qn_recipe_column *recipe, size_t recipe_index,
                                    struct qn__column *column, struct qn_error *err)
{
    *column = (struct qn__column){.recipe = recipe,
                                  .recipe_index = recipe_index,
                                  .input = qn__stream_of(recipe->type),
                                  .fill = QN_LEVEL_MISSING};
    column->steps = QN_CALLOC(struct qn__step, recipe->action_count);
    if (!column->steps)
        return qn_fail_nomem(err, "prepare");
    bool coded = qn_type_is_coded(recipe->type), text = false, encoded = false;
    for (size_t i = 0; i < recipe->action_count; i++) {
        const struct qn_action *action = &recipe->actions[i];
        if (action->kind == QN_ACTION_INDICATOR) {
            column->indicator = true;
            continue;
        }
        column->steps[column->step_count++].action = action;
        text = text || action->kind == QN_ACTION_TEXT;
        if (action->kind == QN_ACTION_IMPUTE)
            column->imputes = coded && !encoded;
        else if (action->kind != QN_ACTION_LEVELS)
            encoded = true;
    }
    column->has_levels = coded && !text;
    column->categorical = coded && !encoded;
    return QN_OK;
}

enum qn_status qn__prep_create(struct qn_recipe *recipe, struct qn_prep **out, struct qn_error *err)
{
    struct qn_prep *prep = QN_CALLOC(struct qn_prep, 1);
    if (!prep) {
        qn_recipe_free(recipe);
        return qn_fail_nomem(err, "prepare");
    }
    prep->recipe = recipe;
    prep->columns = QN_CALLOC(struct qn__column, recipe->column_count);
    prep->inputs = QN_CALLOC(struct qn_type_override, recipe->column_count);
    enum qn_status status = prep->columns && prep->inputs ? QN_OK : qn_fail_nomem(err, "prepare");
    for (size_t i = 0; status == QN_OK && i < recipe->column_count; i++) {
        struct qn_recipe_column *column = &recipe->columns[i];
        if (column->action_count > 0 && column->actions[0].kind == QN_ACTION_DROP)
            continue;
        size_t at = prep->column_count++;
        status = create_column(column, i, &prep->columns[at], err);
        prep->inputs[at] = (struct qn_type_override){
            .name = column->name,
            .type = column->type == QN_TYPE_INTEGER ? QN_TYPE_NUMBER : column->type,
            .format = column->format};
    }
    if (status != QN_OK) {
        qn_prep_free(prep);
        return status;
    }
    *out = prep;
    return QN_OK;
}

size_t qn__step_outputs(const struct qn__column *column, const struct qn__step *step,
                        size_t input_count, size_t class_count)
{
    switch (step->action->kind) {
    case QN_ACTION_ONE_HOT:
        return qn__one_hot_layout(column, step->action).count;
    case QN_ACTION_TARGET:
        return class_count > 2 ? class_count : 1;
    case QN_ACTION_DATE_PARTS:
        return json_array_size(qn__option(step->action, "parts"));
    case QN_ACTION_TEXT:
        return (size_t)qn__option_number(step->action, "buckets");
    case QN_ACTION_ORDINAL:
    case QN_ACTION_FREQUENCY:
        return 1;
    default:
        return input_count;
    }
}

size_t qn__step_numbers(const struct qn__column *column, const struct qn__step *step,
                        size_t input_count)
{
    size_t level_count = column->levels.count;
    switch (step->action->kind) {
    case QN_ACTION_IMPUTE:
        return column->imputes ? 0 : input_count;
    case QN_ACTION_CLIP:
    case QN_ACTION_SCALE:
        return 2 * input_count;
    case QN_ACTION_POWER:
        return strcmp(qn__option_text(step->action, "how"), "log1p") == 0 ? 0 : input_count;
    case QN_ACTION_ORDINAL:
        return level_count;
    case QN_ACTION_FREQUENCY:
        return level_count + 1;
    case QN_ACTION_TARGET:
        return step->output_count * (level_count + 2);
    case QN_ACTION_TEXT:
        return step->output_count;
    default:
        return 0;
    }
}

enum qn_status qn__prep_place(struct qn_prep *prep, struct qn_error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < prep->column_count; i++) {
        struct qn__column *column = &prep->columns[i];
        column->main_count =
            column->step_count > 0 ? column->steps[column->step_count - 1].output_count : 1;
        column->first = total;
        total += qn__column_features(column);
    }
    prep->names = QN_CALLOC(char *, total);
    if (!prep->names)
        return qn_fail_nomem(err, "prepare");
    prep->feature_count = total;
    return QN_OK;
}

/* ---- Running the columns ---- */

struct job {
    struct qn_prep *prep;
    const struct qn_table *table;
    const size_t *rows;
    size_t row_count;
    const struct qn__column_fit *fit; /* NULL: only applied */
    size_t *sources;                  /* owns; the table's column of each input */
    struct qn__output *outputs;       /* owns; of each input */
    size_t *unseen;                   /* owns */
    struct result {
        enum qn_status status;
        struct qn_error err;
    } * results; /* owns */
    bool keep;   /* the features are wanted */
};

static void job_release(struct job *job)
{
    for (size_t i = 0; job->outputs && i < job->prep->column_count; i++)
        qn__output_release(&job->outputs[i]);
    qn_free(job->outputs);
    qn_free(job->sources);
    qn_free(job->unseen);
    qn_free(job->results);
}

/* Names all columns that are not there, as far as the message holds them. */
static enum qn_status fail_missing(const struct job *job, const bool *there, struct qn_error *err)
{
    char list[150] = "";
    size_t size = 0, missing = 0, named = 0;
    for (size_t i = 0; i < job->prep->column_count; i++) {
        if (there[i])
            continue;
        const char *name = job->prep->inputs[i].name;
        missing++;
        size_t needed = strlen(name) + 4;
        if (size + needed < sizeof(list) && named + 1 == missing) {
            size += (size_t)snprintf(list + size, sizeof(list) - size, "%s'%s'", named ? ", " : "",
                                     name);
            named++;
        }
    }
    char more[64] = "";
    if (named < missing)
        snprintf(more, sizeof(more), "%s%zu%s", named ? " and " : "", missing - named,
                 named ? " more" : " with long names");
    return qn_fail(err, QN_INVALID, "%.60s: %s missing that the recipe needs: %s%s",
                   job->table->name, missing == 1 ? "a column is" : "columns are", list, more);
}

/* Finds the input columns; *extra_out counts columns that the recipe does not know. */
static enum qn_status find_columns(struct job *job, size_t *extra_out, struct qn_error *err)
{
    const struct qn_recipe *recipe = job->prep->recipe;
    struct qn_lookup *lookup = NULL;
    bool *there = QN_CALLOC(bool, job->prep->column_count);
    if (!there)
        return qn_fail_nomem(err, "prepare");
    enum qn_status status = qn_lookup_create(&lookup, err);
    for (size_t i = 0; status == QN_OK && i < job->table->column_count; i++) {
        const char *name = job->table->columns[i].name;
        int32_t code;
        status = qn_lookup_add(lookup, name, strlen(name), &code, err);
    }
    if (status == QN_OK) {
        size_t at = 0, known = 0, found = 0;
        for (size_t i = 0; i < recipe->column_count; i++) {
            const char *name = recipe->columns[i].name;
            int32_t code = qn_lookup_find(lookup, name, strlen(name));
            known += code >= 0;
            if (at >= job->prep->column_count || job->prep->columns[at].recipe_index != i)
                continue; /* dropped */
            there[at] = code >= 0;
            found += code >= 0;
            job->sources[at++] = code >= 0 ? (size_t)code : 0;
        }
        *extra_out = job->table->column_count - known;
        if (found < job->prep->column_count)
            status = fail_missing(job, there, err);
    }
    qn_lookup_free(lookup);
    qn_free(there);
    return status;
}

static struct qn__cells cells_of(const struct job *job, size_t i)
{
    return (struct qn__cells){.table_name = job->table->name,
                              .column = &job->table->columns[job->sources[i]],
                              .rows = job->rows,
                              .row_count = job->row_count};
}

/* Features that the column needs memory for, or at most will. */
static size_t feature_bound(const struct job *job, size_t i)
{
    const struct qn__column *column = &job->prep->columns[i];
    struct qn__cells cells = cells_of(job, i);
    bool lent =
        column->input == QN__STREAM_NUMBER && column->step_count == 0 && qn__cells_lend(&cells);
    if (lent)
        return column->indicator ? 1 : 0;
    if (!job->fit)
        return qn__column_features(column);
    const struct qn_column *source = &job->table->columns[job->sources[i]];
    const struct qn_target *target = job->fit->target;
    size_t count = 1;
    for (size_t s = 0; s < column->step_count; s++) {
        const struct qn__step *step = &column->steps[s];
        if (step->action->kind == QN_ACTION_ONE_HOT) {
            size_t limit = (size_t)qn__option_number(step->action, "max_levels");
            bool fewer = qn_type_is_coded(source->type) && source->dictionary.count < limit;
            count = (fewer ? source->dictionary.count : limit) + 2;
        } else {
            count = qn__step_outputs(column, step, count, target ? target->class_count : 0);
        }
    }
    return count + (column->indicator ? 1 : 0);
}

static enum qn_status check_size(const struct job *job, struct qn_error *err)
{
    size_t total = 0, most = 0, widest = 0;
    for (size_t i = 0; i < job->prep->column_count; i++) {
        size_t count = feature_bound(job, i);
        total += count;
        if (count > most) {
            most = count;
            widest = i;
        }
    }
    if (job->row_count == 0 || total <= QN_FEATURE_BYTES / sizeof(double) / job->row_count)
        return QN_OK;
    char rows[QN_NUMBER_TEXT_SIZE], features[QN_NUMBER_TEXT_SIZE];
    qn_format_count(job->row_count, rows);
    qn_format_count(total, features);
    return qn_fail(err, QN_NOMEM,
                   "%s rows of %s features are more than the 8 GiB that they may take; column "
                   "'%.60s' makes %zu of them: change its actions, drop it, or use fewer rows",
                   rows, features, job->prep->inputs[widest].name, most);
}

static void run_task(void *context, size_t index, unsigned thread)
{
    (void)thread;
    struct job *job = context;
    struct qn__cells cells = cells_of(job, index);
    struct result *result = &job->results[index];
    result->status = qn__column_run(&job->prep->columns[index], job->fit, &cells,
                                    &job->outputs[index], &job->unseen[index], &result->err);
    if (!job->keep)
        qn__output_release(&job->outputs[index]);
}

static enum qn_status job_run(struct job *job, struct qn_pool *pool, size_t *extra_out,
                              struct qn_error *err)
{
    size_t count = job->prep->column_count;
    job->sources = QN_CALLOC(size_t, count);
    job->outputs = QN_CALLOC(struct qn__output, count);
    job->unseen = QN_CALLOC(size_t, count);
    job->results = QN_CALLOC(struct result, count);
    if (!job->sources || !job->outputs || !job->unseen || !job->results)
        return qn_fail_nomem(err, "prepare");
    enum qn_status status = find_columns(job, extra_out, err);
    if (status == QN_OK)
        status = check_size(job, err);
    if (status != QN_OK)
        return status;
    qn_pool_run(pool, count, run_task, job);
    for (size_t i = 0; i < count; i++) {
        if (job->results[i].status !=
            QN_OK) /* The first in the recipe's order, whoever ran first. */
            return qn_fail(err, job->results[i].status, "%s", job->results[i].err.message);
    }
    return QN_OK;
}

/* ---- The matrix ---- */

void qn_matrix_free(struct qn_matrix *matrix)
{
    if (!matrix)
        return;
    for (size_t i = 0; i < matrix->owned_count; i++)
        qn_free(matrix->owned[i]);
    qn_free(matrix->owned);
    qn_free(matrix->source);
    qn_free((void *)matrix->features.columns);
    qn_free(matrix);
}

static void fill_features(struct job *job, struct qn_feature *features, struct qn_matrix *matrix)
{
    const struct qn_prep *prep = job->prep;
    for (size_t i = 0; i < prep->column_count; i++) {
        const struct qn__column *column = &prep->columns[i];
        struct qn__output *output = &job->outputs[i];
        size_t at = column->first;
        if (output->levels) {
            features[at].kind = QN_FEATURE_CATEGORICAL;
            features[at].levels = output->levels;
            features[at++].level_count = (int32_t)column->levels.count;
            matrix->owned[matrix->owned_count++] = output->levels;
        } else if (output->lent) {
            features[at++].values = output->lent;
        }
        for (size_t j = 0; j < output->count; j++) {
            features[at++].values = output->values[j];
            matrix->owned[matrix->owned_count++] = output->values[j];
        }
        assert(at == column->first + qn__column_features(column));
        for (size_t f = column->first; f < at; f++) {
            features[f].name = prep->names[f];
            matrix->source[f] = i;
        }
        output->levels = NULL; /* Ownership moved to the matrix. */
        output->count = 0;
    }
}

static enum qn_status make_matrix(struct job *job, struct qn_matrix **out, struct qn_error *err)
{
    size_t count = job->prep->feature_count;
    struct qn_matrix *matrix = QN_CALLOC(struct qn_matrix, 1);
    struct qn_feature *features = QN_CALLOC(struct qn_feature, count);
    if (!matrix || !features)
        goto failed;
    matrix->source = QN_CALLOC(size_t, count);
    matrix->owned = QN_CALLOC(void *, count);
    if (!matrix->source || !matrix->owned)
        goto failed;
    matrix->features = (struct qn_features){
        .row_count = job->row_count, .feature_count = count, .columns = features};
    fill_features(job, features, matrix);
    *out = matrix;
    return QN_OK;
failed:
    qn_free(features);
    qn_matrix_free(matrix);
    return qn_fail_nomem(err, "prepare");
}

/* ---- Fit and apply ---- */

static enum qn_status copy_recipe(const struct qn_recipe *recipe, struct qn_recipe **out,
                                  struct qn_error *err)
{
    json_t *json = qn_recipe_json(recipe);
    if (!json)
        return qn_fail_nomem(err, "recipe");
    enum qn_status status = qn_recipe_from_json(json, "recipe", out, err);
    json_decref(json);
    return status;
}

enum qn_status qn_prep_fit(const struct qn_recipe *recipe, const struct qn_table *table,
                           const size_t *rows, size_t row_count,
                           const struct qn_prep_options *options, struct qn_prep **out,
                           struct qn_matrix **matrix, struct qn_error *err)
{
    assert(!options->target || options->target->row_count == (rows ? row_count : table->row_count));
    struct qn_recipe *copy = NULL;
    struct qn_prep *prep = NULL;
    struct qn_matrix *made = NULL;
    size_t extra = 0;
    enum qn_status status = copy_recipe(recipe, &copy, err);
    if (status == QN_OK)
        status = qn__prep_create(copy, &prep, err);
    if (status != QN_OK)
        return status;
    struct qn__column_fit fit = {.target = options->target, .seed = options->seed};
    struct job job = {.prep = prep,
                      .table = table,
                      .rows = rows,
                      .row_count = rows ? row_count : table->row_count,
                      .fit = &fit,
                      .keep = matrix != NULL};
    status = job_run(&job, options->pool, &extra, err);
    if (status == QN_OK)
        status = qn__prep_place(prep, err);
    if (status == QN_OK)
        status = qn__prep_name(prep, err);
    if (status == QN_OK && matrix)
        status = make_matrix(&job, &made, err);
    job_release(&job);
    if (status != QN_OK) {
        qn_prep_free(prep);
        return status;
    }
    *out = prep;
    if (matrix)
        *matrix = made;
    return QN_OK;
}

enum qn_status qn_prep_apply(const struct qn_prep *prep, const struct qn_table *table,
                             const size_t *rows, size_t row_count, struct qn_pool *pool,
                             struct qn_matrix **out, struct qn_prep_report *report,
                             struct qn_error *err)
{
    struct qn_prep_report counted = {0};
    /* Without a fit nothing of the prep is written to. */
    struct job job = {.prep = (struct qn_prep *)(uintptr_t)prep,
                      .table = table,
                      .rows = rows,
                      .row_count = rows ? row_count : table->row_count,
                      .keep = true};
    enum qn_status status = job_run(&job, pool, &counted.extra_columns, err);
    if (status == QN_OK)
        status = make_matrix(&job, out, err);
    for (size_t i = 0; status == QN_OK && i < prep->column_count; i++) {
        counted.unseen_cells += job.unseen[i];
        counted.unseen_columns += job.unseen[i] > 0;
    }
    job_release(&job);
    if (status == QN_OK && report)
        *report = counted;
    return status;
}

size_t qn_prep_feature_count(const struct qn_prep *prep)
{
    return prep->feature_count;
}

const char *const *qn_prep_feature_names(const struct qn_prep *prep)
{
    return (const char *const *)prep->names;
}

size_t qn_prep_input_count(const struct qn_prep *prep)
{
    return prep->column_count;
}

const struct qn_type_override *qn_prep_inputs(const struct qn_prep *prep)
{
    return prep->inputs;
}

const struct qn_recipe *qn_prep_recipe(const struct qn_prep *prep)
{
    return prep->recipe;
}
