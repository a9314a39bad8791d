#include "flow/train_internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "learn/kmeans.h"

#include <math.h>
#include <string.h>

void qn_train_options_default(struct qn_train_options *options)
{
    *options = (struct qn_train_options){.algorithm = "auto", .test_size = 0.2, .seed = 42};
}

static enum qn_status check_options(const struct qn_train_options *options, struct qn_error *err)
{
    if (!(options->test_size >= 0 && options->test_size < 1))
        return qn_fail(err, QN_INVALID, "test size %g: must be from 0 to below 1",
                       options->test_size);
    if (options->fold_count == 1)
        return qn_fail(err, QN_INVALID, "1 fold cannot be cross-validated: use 2 or more");
    if (options->group && options->time)
        return qn_fail(err, QN_INVALID, "choose one: rows split by group, or by time");
    if (options->fold_count > 0 && options->test)
        return qn_fail(err, QN_INVALID, "choose one: cross-validation, or a test file");
    bool needs_target = options->fold_count > 0 || options->test || options->group ||
                        options->time || options->weight;
    if (!options->target && needs_target)
        return qn_fail(err, QN_INVALID,
                       "cross-validation, a test file, group, time and weight need a target; "
                       "clustering has none");
    return QN_OK;
}

static void parts_release(struct qn_parts *parts)
{
    qn_free(parts->train);
    qn_free(parts->test);
    *parts = (struct qn_parts){0};
}

/* Which rows the final model is fitted on, and which test it. */
static enum qn_status make_parts(struct qn_trainer *trainer, struct qn_error *err)
{
    const struct qn_train_options *options = trainer->options;
    struct qn_parts *out = &trainer->parts;
    if (trainer->labels && options->fold_count == 0 && !options->test && options->test_size > 0) {
        struct qn_split *split = NULL;
        enum qn_status status = qn__trainer_split(trainer, 0, &split, err);
        if (status == QN_OK)
            status = qn_split_rows(split, 1, &out->train, &out->train_count, &out->test,
                                   &out->test_count, err);
        qn_split_free(split);
        return status;
    }
    out->train = QN_ALLOC(size_t, trainer->row_count);
    if (!out->train)
        return qn_fail_nomem(err, "train");
    memcpy(out->train, trainer->rows, trainer->row_count * sizeof(*out->train));
    out->train_count = trainer->row_count;
    return QN_OK;
}

/* Metrics on a separate table, or on held-out rows. */
static enum qn_status score_test(struct qn_trainer *trainer, const struct qn_fitted *fitted,
                                 const struct qn_table *table, const struct qn_labels *labels,
                                 json_t *metrics, json_t **importance, struct qn_error *err)
{
    const struct qn_parts *parts = &trainer->parts;
    double *outputs = NULL;
    json_t *test = NULL, *baseline = NULL;
    enum qn_status status =
        qn__trainer_predict(trainer, fitted, table, parts->test, parts->test_count, &outputs, err);
    if (status == QN_OK)
        status = qn__trainer_score(trainer, labels, parts->test, parts->test_count, outputs, &test,
                                   NULL, err);
    qn_free(outputs);
    if (status != QN_OK)
        return status;
    qn_json_set(metrics, "test", test, &trainer->failed);
    status = qn__trainer_baseline(trainer, parts->train, parts->train_count, labels, parts->test,
                                  parts->test_count, &baseline, err);
    if (status != QN_OK)
        return status;
    qn_json_set(metrics, "baseline", baseline, &trainer->failed);
    return qn__trainer_importance(trainer, fitted, table, labels, parts->test, parts->test_count,
                                  importance, err);
}

/* The separate test table's rows and labels, in the terms of the training labels. */
static enum qn_status use_test_table(struct qn_trainer *trainer, struct qn_labels **labels,
                                     struct qn_error *err)
{
    const struct qn_table *table = trainer->options->test;
    struct qn_parts *parts = &trainer->parts;
    size_t at = 0, unknown = 0;
    enum qn_status status = qn_table_require(table, trainer->options->target, &at, err);
    if (status == QN_OK)
        status = qn_labels_match(&table->columns[at], table->row_count, trainer->labels->task,
                                 trainer->labels->class_names, trainer->labels->class_count, labels,
                                 &unknown, err);
    if (status != QN_OK)
        return status;
    parts->test = QN_ALLOC(size_t, table->row_count);
    if (!parts->test)
        return qn_fail_nomem(err, "train");
    for (size_t row = 0; row < table->row_count; row++) {
        bool known =
            (*labels)->classes ? (*labels)->classes[row] >= 0 : !isnan((*labels)->values[row]);
        if (known)
            parts->test[parts->test_count++] = row;
    }
    if (unknown > 0)
        qn__trainer_warn(trainer, "%zu rows of %s have a class that training did not have", unknown,
                         table->name);
    if (parts->test_count == 0)
        return qn_fail(err, QN_INVALID, "%s: no row has a known target", table->name);
    return QN_OK;
}

/* One fold: fit on the others, predict it into `pooled` (row-major by position in the table). */
static enum qn_status run_fold(struct qn_trainer *trainer, const struct qn_split *split,
                               size_t fold, double *pooled, double *score, struct qn_error *err)
{
    struct qn_parts parts = {0};
    struct qn_fitted fitted = {0};
    double *outputs = NULL;
    size_t width = qn__trainer_outputs(trainer);
    enum qn_status status = qn_split_rows(split, fold, &parts.train, &parts.train_count,
                                          &parts.test, &parts.test_count, err);
    if (status == QN_OK)
        status = qn__trainer_fit(trainer, parts.train, parts.train_count, &fitted, NULL, err);
    if (status == QN_OK)
        status = qn__trainer_predict(trainer, &fitted, trainer->table, parts.test, parts.test_count,
                                     &outputs, err);
    if (status == QN_OK)
        status = qn__trainer_score(trainer, trainer->labels, parts.test, parts.test_count, outputs,
                                   NULL, score, err);
    for (size_t i = 0; status == QN_OK && i < parts.test_count; i++)
        memcpy(pooled + parts.test[i] * width, outputs + i * width, width * sizeof(*pooled));
    qn_free(outputs);
    qn__fitted_release(trainer->learner, &fitted);
    parts_release(&parts);
    return status;
}

/* A fold whose test rows are all of one class has no ROC AUC: it is null, and left out of mean and
 * standard deviation. */
static json_t *fold_scores(const double *scores, size_t count, const char *metric)
{
    bool failed = false;
    double sum = 0, square = 0, defined = 0;
    json_t *object = json_object(), *values = json_array();
    for (size_t i = 0; i < count; i++) {
        sum += isnan(scores[i]) ? 0 : scores[i];
        defined += isnan(scores[i]) ? 0 : 1;
        qn_json_add(values, qn_json_number(scores[i]), &failed);
    }
    double mean = defined > 0 ? sum / defined : NAN;
    for (size_t i = 0; i < count; i++)
        square += isnan(scores[i]) ? 0 : (scores[i] - mean) * (scores[i] - mean);
    double std = defined > 1 ? sqrt(square / (defined - 1)) : NAN;
    qn_json_set(object, "metric", json_string(metric), &failed);
    qn_json_set(object, "values", values, &failed);
    qn_json_set(object, "mean", qn_json_number(mean), &failed);
    qn_json_set(object, "std", qn_json_number(std), &failed);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

/* Pooled out-of-fold predictions become the validation metrics. */
static enum qn_status score_pooled(struct qn_trainer *trainer, const struct qn_split *split,
                                   const double *pooled, const double *scores, size_t score_count,
                                   json_t *metrics, struct qn_error *err)
{
    size_t width = qn__trainer_outputs(trainer), count = 0;
    size_t *rows = QN_ALLOC(size_t, trainer->table->row_count);
    double *outputs = QN_ALLOC(double, trainer->table->row_count *width);
    json_t *validation = NULL, *baseline = NULL;
    enum qn_status status = QN_OK;
    if (!rows || !outputs) {
        status = qn_fail_nomem(err, "train");
        goto done;
    }
    for (size_t row = 0; row < trainer->table->row_count; row++) {
        uint16_t fold = split->fold_of_row[row];
        if (fold == QN_FOLD_NONE || (split->forward && fold == 0))
            continue;
        memcpy(outputs + count * width, pooled + row * width, width * sizeof(*outputs));
        rows[count++] = row;
    }
    status =
        qn__trainer_score(trainer, trainer->labels, rows, count, outputs, &validation, NULL, err);
    if (status == QN_OK)
        status = qn__trainer_baseline(trainer, trainer->rows, trainer->row_count, trainer->labels,
                                      rows, count, &baseline, err);
    if (status != QN_OK) {
        json_decref(validation);
        goto done;
    }
    const char *metric = qn_metrics_main(trainer->labels->task, NULL);
    qn_json_set(validation, "folds", fold_scores(scores, score_count, metric), &trainer->failed);
    qn_json_set(metrics, "validation", validation, &trainer->failed);
    qn_json_set(metrics, "baseline", baseline, &trainer->failed);
done:
    qn_free(rows);
    qn_free(outputs);
    return status;
}

static enum qn_status cross_validate(struct qn_trainer *trainer, json_t *metrics,
                                     struct qn_error *err)
{
    size_t width = qn__trainer_outputs(trainer), score_count = 0;
    struct qn_split *split = NULL;
    double *pooled = QN_ALLOC(double, trainer->table->row_count *width);
    double *scores = QN_ALLOC(double, trainer->options->fold_count);
    enum qn_status status = pooled && scores ? QN_OK : qn_fail_nomem(err, "train");
    if (status == QN_OK)
        status = qn__trainer_split(trainer, trainer->options->fold_count, &split, err);
    for (size_t fold = 0; status == QN_OK && fold < split->fold_count; fold++) {
        if (split->forward && fold == 0)
            continue;
        status = run_fold(trainer, split, fold, pooled, &scores[score_count++], err);
    }
    if (status == QN_OK)
        status = score_pooled(trainer, split, pooled, scores, score_count, metrics, err);
    qn_split_free(split);
    qn_free(pooled);
    qn_free(scores);
    return status;
}

/* Inertia comes from the learner; the silhouette needs the rows. */
static enum qn_status score_clusters(struct qn_trainer *trainer, const struct qn_fitted *fitted,
                                     const double *outputs, json_t *metrics, struct qn_error *err)
{
    const struct qn_parts *parts = &trainer->parts;
    const struct qn_kmeans *model = fitted->fitted;
    struct qn_matrix *matrix = NULL;
    double silhouette = NAN;
    int32_t *labels = QN_ALLOC(int32_t, parts->train_count);
    if (!labels)
        return qn_fail_nomem(err, "silhouette");
    for (size_t i = 0; i < parts->train_count; i++)
        labels[i] = (int32_t)outputs[i];
    enum qn_status status =
        qn_prep_apply(fitted->prep, trainer->table, parts->train, parts->train_count,
                      trainer->options->pool, &matrix, NULL, err);
    if (status == QN_OK)
        status = qn_silhouette(&matrix->features, labels, model->cluster_count, 2000,
                               trainer->options->seed, trainer->options->pool, &silhouette, err);
    qn_matrix_free(matrix);
    json_t *contrasts = NULL;
    if (status == QN_OK)
        status = qn__trainer_contrasts(trainer, fitted->prep, parts->train, parts->train_count,
                                       labels, model->cluster_count, &contrasts, err);
    qn_free(labels);
    if (status != QN_OK)
        return status;
    json_t *train = json_object(), *sizes = json_array();
    qn_json_set(train, "inertia", qn_json_number(model->inertia), &trainer->failed);
    qn_json_set(train, "silhouette", qn_json_number(silhouette), &trainer->failed);
    qn_json_set(train, "iterations", json_integer(model->iterations), &trainer->failed);
    for (size_t i = 0; i < model->cluster_count; i++)
        qn_json_add(sizes, json_integer((json_int_t)model->sizes[i]), &trainer->failed);
    qn_json_set(train, "cluster_sizes", sizes, &trainer->failed);
    qn_json_set(train, "contrasts", contrasts, &trainer->failed);
    qn_json_set(metrics, "train", train, &trainer->failed);
    return QN_OK;
}

static bool no_better(const json_t *held, const json_t *baseline, const char *metric, bool more)
{
    const json_t *score = json_object_get(held, metric), *base = json_object_get(baseline, metric);
    if (!json_is_number(score) || !json_is_number(base))
        return false;
    double gain = json_number_value(score) - json_number_value(base);
    return more ? gain <= 0 : gain >= 0;
}

/* What the scores say that a reader should not miss. */
static void warn_about_scores(struct qn_trainer *trainer, const json_t *metrics)
{
    bool more = true;
    const char *metric = qn_metrics_main(trainer->labels->task, &more);
    const json_t *held = json_object_get(metrics, "test");
    if (!held)
        held = json_object_get(metrics, "validation");
    const json_t *baseline = json_object_get(metrics, "baseline");
    if (!held)
        qn__trainer_warn(trainer, "no rows were held out: the score on training rows flatters");
    if (!held || !baseline || !no_better(held, baseline, metric, more))
        return;
    if (trainer->labels->classes && !no_better(held, baseline, "accuracy", true))
        qn__trainer_warn(
            trainer,
            "its classes are better than guessing, but not its probabilities (%s %.4g, "
            "baseline %.4g): they are too sure",
            metric, json_number_value(json_object_get(held, metric)),
            json_number_value(json_object_get(baseline, metric)));
    else
        qn__trainer_warn(trainer, "the model is no better than guessing (%s %.4g, baseline %.4g)",
                         metric, json_number_value(json_object_get(held, metric)),
                         json_number_value(json_object_get(baseline, metric)));
}

/* Everything between the choice of the learner and the report. */
static enum qn_status run(struct qn_trainer *trainer, struct qn_fitted *fitted, json_t *metrics,
                          json_t **importance, struct qn_error *err)
{
    const struct qn_parts *parts = &trainer->parts;
    double *outputs = NULL;
    struct qn_labels *test_labels = NULL;
    json_t *train = NULL;
    enum qn_status status = QN_OK;
    if (trainer->labels && trainer->options->fold_count > 0)
        status = cross_validate(trainer, metrics, err);
    if (status == QN_OK)
        status = qn__trainer_fit(trainer, parts->train, parts->train_count, fitted, &outputs, err);
    if (status != QN_OK)
        return status;
    if (!trainer->labels) {
        status = score_clusters(trainer, fitted, outputs, metrics, err);
        goto done;
    }
    status = qn__trainer_score(trainer, trainer->labels, parts->train, parts->train_count, outputs,
                               &train, NULL, err);
    if (status != QN_OK)
        goto done;
    qn_json_set(metrics, "train", train, &trainer->failed);
    const struct qn_table *table = trainer->table;
    if (trainer->options->test) {
        table = trainer->options->test;
        status = use_test_table(trainer, &test_labels, err);
    }
    if (status == QN_OK && parts->test_count > 0)
        status = score_test(trainer, fitted, table, test_labels ? test_labels : trainer->labels,
                            metrics, importance, err);
    else if (status == QN_OK)
        status = qn__trainer_importance(trainer, fitted, table, trainer->labels, parts->train,
                                        parts->train_count, importance, err);
    if (status == QN_OK)
        warn_about_scores(trainer, metrics);
done:
    qn_labels_free(test_labels);
    qn_free(outputs);
    return status;
}

static void profile_release(struct qn_trainer *trainer)
{
    qn_profile_free(trainer->profile);
    qn_table_free(trainer->profiled);
    trainer->profile = NULL;
    trainer->profiled = NULL;
}

static void trainer_release(struct qn_trainer *trainer)
{
    qn_free(trainer->parameters);
    qn_labels_free(trainer->labels);
    qn_free(trainer->weights);
    profile_release(trainer);
    parts_release(&trainer->parts);
    qn_recipe_free(trainer->recipe);
    qn_free(trainer->rows);
    json_decref(trainer->warnings);
    json_decref(trainer->candidates);
}

enum qn_status qn_train(const struct qn_table *table, const struct qn_train_options *options,
                        struct qn_model **out, struct qn_error *err)
{
    struct qn_trainer trainer = {.table = table, .options = options};
    struct qn_fitted fitted = {0};
    json_t *metrics = json_object(), *importance = NULL;
    trainer.warnings = json_array();
    enum qn_status status = check_options(options, err);
    if (status == QN_OK && (!metrics || !trainer.warnings))
        status = qn_fail_nomem(err, "train");
    for (size_t i = 0; status == QN_OK && i < table->note_count; i++)
        qn__trainer_warn(&trainer, "%s", table->notes[i]);
    if (status == QN_OK)
        status = qn__trainer_rows(&trainer, err);
    if (status == QN_OK)
        status = make_parts(&trainer, err);
    if (status == QN_OK)
        status = qn__trainer_choose(&trainer, err);
    profile_release(&trainer); /* the recipe is made; what it was made from may be large */
    if (status == QN_OK)
        status = run(&trainer, &fitted, metrics, &importance, err);
    if (status == QN_OK)
        status = qn__trainer_model(&trainer, &fitted, metrics, importance, out, err);
    if (trainer.learner)
        qn__fitted_release(trainer.learner, &fitted);
    json_decref(metrics);
    json_decref(importance);
    trainer_release(&trainer);
    return status;
}
