#include "flow/train_internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a recipe is proposed from: at most so many cells, but at least so many rows. */
#define QN_PROFILE_CELLS ((size_t)50000000)
#define QN_PROFILE_ROWS ((size_t)10000)

#define QN_TRAIN_EXCLUDED 3 /* target, group, weight */

void qn__trainer_warn(struct qn_trainer *trainer, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    /* A cut may fall inside a character, which JSON refuses. */
    size_t valid = qn_utf8_check(text, strlen(text));
    qn_json_add(trainer->warnings, json_stringn(text, valid), &trainer->failed);
}

const struct qn_recipe *qn__trainer_recipe(const struct qn_trainer *trainer)
{
    return trainer->options->recipe ? trainer->options->recipe : trainer->recipe;
}

size_t qn__trainer_outputs(const struct qn_trainer *trainer)
{
    return trainer->labels && trainer->labels->classes ? trainer->labels->class_count : 1;
}

/* The training rows as a table, so that the profile cannot see the others. A sample of very many:
 * which recipe is proposed does not hang on the last of them, and a table that lives in a file is
 * not to be copied to memory whole. */
static enum qn_status take_training_rows(struct qn_trainer *trainer, struct qn_error *err)
{
    const struct qn_table *table = trainer->table;
    const struct qn_parts *parts = &trainer->parts;
    size_t columns = table->column_count > 0 ? table->column_count : 1;
    size_t limit = QN_PROFILE_CELLS / columns;
    limit = limit < QN_PROFILE_ROWS ? QN_PROFILE_ROWS : limit;
    if (trainer->profiled || (parts->train_count == table->row_count && table->row_count <= limit))
        return QN_OK;
    size_t count = parts->train_count < limit ? parts->train_count : limit;
    size_t *rows = QN_ALLOC(size_t, count);
    if (!rows)
        return qn_fail_nomem(err, "train");
    for (size_t i = 0; i < count; i++)
        rows[i] = parts->train[i * parts->train_count / count];
    enum qn_status status = qn_table_take_rows(table, rows, count, &trainer->profiled, err);
    qn_free(rows);
    return status;
}

static enum qn_status make_profile(struct qn_trainer *trainer, struct qn_error *err)
{
    struct qn_profile_options options;
    qn_profile_options_default(&options);
    options.target = trainer->options->target;
    options.association_column_limit = 0;
    options.no_duplicates = true;
    options.progress = trainer->options->progress;
    enum qn_status status = take_training_rows(trainer, err);
    if (status != QN_OK)
        return status;
    const struct qn_table *table = trainer->profiled ? trainer->profiled : trainer->table;
    return qn_profile_make(table, &options, trainer->options->pool, &trainer->profile, err);
}

/* Columns that are not features: target, group, weight, and those to drop. The column that orders
 * rows in time may still tell the season: it stays a feature. */
static const char **excluded_names(const struct qn_train_options *options, size_t *count_out)
{
    const char *const named[QN_TRAIN_EXCLUDED] = {options->target, options->group, options->weight};
    const char **names = QN_ALLOC(const char *, options->drop_count + QN_TRAIN_EXCLUDED);
    size_t count = 0;
    for (size_t i = 0; names && i < QN_TRAIN_EXCLUDED; i++) {
        if (named[i])
            names[count++] = named[i];
    }
    for (size_t i = 0; names && i < options->drop_count; i++)
        names[count++] = options->drop[i];
    *count_out = count;
    return names;
}

/* A recipe that somebody wrote must not use what is not a feature: least of all the target. */
static enum qn_status check_recipe(const struct qn_recipe *recipe, const char *const *excluded,
                                   size_t excluded_count, struct qn_error *err)
{
    for (size_t i = 0; i < recipe->column_count; i++) {
        const struct qn_recipe_column *column = &recipe->columns[i];
        if (column->action_count > 0 && column->actions[0].kind == QN_ACTION_DROP)
            continue;
        for (size_t k = 0; k < excluded_count; k++) {
            if (strcmp(column->name, excluded[k]) == 0)
                return qn_fail(
                    err, QN_INVALID,
                    "the recipe uses column '%.80s', which is the target, group, weight, "
                    "or dropped: take it out of the recipe",
                    column->name);
        }
    }
    return QN_OK;
}

enum qn_status qn__trainer_propose(struct qn_trainer *trainer, bool native, struct qn_error *err)
{
    const struct qn_train_options *options = trainer->options;
    double begin_ms = qn_clock_ms();
    size_t count = 0;
    const char **excluded = excluded_names(options, &count);
    if (!excluded)
        return qn_fail_nomem(err, "train");
    enum qn_status status = QN_OK;
    if (options->recipe) {
        status = check_recipe(options->recipe, excluded, count, err);
        qn_free(excluded);
        return status;
    }
    if (!trainer->profile)
        status = make_profile(trainer, err);
    if (status == QN_OK) {
        qn_recipe_free(trainer->recipe);
        trainer->recipe = NULL;
        status = qn_recipe_propose(trainer->profile, excluded, count, native,
                                   trainer->labels != NULL, &trainer->recipe, err);
    }
    qn_free(excluded);
    trainer->prepare_ms += qn_clock_ms() - begin_ms;
    return status;
}

void qn__fitted_release(const struct qn_learner *learner, struct qn_fitted *fitted)
{
    if (fitted->fitted)
        learner->free(fitted->fitted);
    qn_prep_free(fitted->prep);
    *fitted = (struct qn_fitted){0};
}

/* The learner on a matrix that is ready. */
static enum qn_status fit_learner(struct qn_trainer *trainer, const struct qn_matrix *matrix,
                                  const struct qn_target *target, void **out, double **outputs,
                                  struct qn_error *err)
{
    const struct qn_learner *learner = trainer->learner;
    struct qn_fit fit = {.features = &matrix->features,
                         .target = target,
                         .options = trainer->parameters,
                         .seed = trainer->options->seed,
                         .pool = trainer->options->pool,
                         .progress = trainer->options->progress};
    double begin_ms = qn_clock_ms();
    void *fitted = NULL;
    enum qn_status status = learner->fit(&fit, &fitted, err);
    trainer->fit_ms += qn_clock_ms() - begin_ms;
    if (status != QN_OK)
        return status;
    if (outputs) {
        begin_ms = qn_clock_ms();
        double *predicted =
            QN_ALLOC(double, matrix->features.row_count *qn__trainer_outputs(trainer));
        status = predicted ? learner->predict(fitted, &matrix->features, trainer->options->pool,
                                              predicted, err)
                           : qn_fail_nomem(err, "predictions");
        trainer->evaluate_ms += qn_clock_ms() - begin_ms;
        if (status != QN_OK) {
            qn_free(predicted);
            learner->free(fitted);
            return status;
        }
        *outputs = predicted;
    }
    *out = fitted;
    return QN_OK;
}

enum qn_status qn__trainer_fit(struct qn_trainer *trainer, const size_t *rows, size_t count,
                               struct qn_fitted *out, double **outputs, struct qn_error *err)
{
    struct qn_label_rows gathered = {0};
    struct qn_matrix *matrix = NULL;
    struct qn_fitted fitted = {0};
    enum qn_status status = QN_OK;
    const struct qn_target *target = NULL;
    if (trainer->labels) {
        status = qn_labels_gather(trainer->labels, trainer->weights, rows, count, &gathered, err);
        if (status != QN_OK)
            return status;
        target = &gathered.target;
    }
    struct qn_prep_options prep = {
        .target = target, .seed = trainer->options->seed, .pool = trainer->options->pool};
    double begin_ms = qn_clock_ms();
    status = qn_prep_fit(qn__trainer_recipe(trainer), trainer->table, rows, count, &prep,
                         &fitted.prep, &matrix, err);
    trainer->prepare_ms += qn_clock_ms() - begin_ms;
    if (status == QN_OK && matrix->features.feature_count == 0)
        status = qn_fail(err, QN_INVALID,
                         "no column is left to learn from: each one is constant, an identifier, "
                         "or dropped (see `quern profile`)");
    if (status == QN_OK)
        status = fit_learner(trainer, matrix, target, &fitted.fitted, outputs, err);
    qn_matrix_free(matrix);
    qn_label_rows_release(&gathered);
    if (status != QN_OK) {
        qn__fitted_release(trainer->learner, &fitted);
        return status;
    }
    *out = fitted;
    return QN_OK;
}

enum qn_status qn__trainer_predict(struct qn_trainer *trainer, const struct qn_fitted *fitted,
                                   const struct qn_table *table, const size_t *rows, size_t count,
                                   double **outputs, struct qn_error *err)
{
    double begin_ms = qn_clock_ms();
    struct qn_matrix *matrix = NULL;
    enum qn_status status =
        qn_prep_apply(fitted->prep, table, rows, count, trainer->options->pool, &matrix, NULL, err);
    if (status != QN_OK)
        return status;
    double *predicted = QN_ALLOC(double, count *qn__trainer_outputs(trainer));
    if (!predicted)
        status = qn_fail_nomem(err, "predictions");
    else
        status = trainer->learner->predict(fitted->fitted, &matrix->features,
                                           trainer->options->pool, predicted, err);
    qn_matrix_free(matrix);
    trainer->evaluate_ms += qn_clock_ms() - begin_ms;
    if (status != QN_OK) {
        qn_free(predicted);
        return status;
    }
    *outputs = predicted;
    return QN_OK;
}

enum qn_status qn__trainer_score(struct qn_trainer *trainer, const struct qn_labels *labels,
                                 const size_t *rows, size_t count, const double *outputs,
                                 json_t **out, double *main_out, struct qn_error *err)
{
    double begin_ms = qn_clock_ms();
    struct qn_label_rows gathered;
    /* Weights belong to the training table; a separate test table has none. */
    const double *weights = labels == trainer->labels ? trainer->weights : NULL;
    enum qn_status status = qn_labels_gather(labels, weights, rows, count, &gathered, err);
    if (status != QN_OK)
        return status;
    struct qn_metrics *metrics = NULL;
    status = qn_metrics_compute(&gathered.target, outputs, &metrics, err);
    qn_label_rows_release(&gathered);
    trainer->evaluate_ms += qn_clock_ms() - begin_ms;
    if (status != QN_OK)
        return status;
    if (out) {
        *out = qn_metrics_json(metrics, (const char *const *)trainer->labels->class_names);
        if (!*out)
            status = qn_fail_nomem(err, "metrics");
    }
    if (main_out)
        *main_out = qn_metrics_get(metrics, qn_metrics_main(trainer->labels->task, NULL));
    qn_metrics_free(metrics);
    return status;
}

enum qn_status qn__trainer_baseline(struct qn_trainer *trainer, const size_t *train,
                                    size_t train_count, const struct qn_labels *labels,
                                    const size_t *rows, size_t count, json_t **out,
                                    struct qn_error *err)
{
    struct qn_label_rows gathered;
    double *outputs = QN_ALLOC(double, count *qn__trainer_outputs(trainer));
    if (!outputs)
        return qn_fail_nomem(err, "metrics");
    enum qn_status status =
        qn_labels_gather(trainer->labels, trainer->weights, train, train_count, &gathered, err);
    if (status == QN_OK) {
        qn_baseline_predict(&gathered.target, count, outputs);
        status = qn__trainer_score(trainer, labels, rows, count, outputs, out, NULL, err);
        qn_label_rows_release(&gathered);
    }
    qn_free(outputs);
    return status;
}
