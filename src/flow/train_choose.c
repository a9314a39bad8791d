#include "flow/train_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

/* "auto" compares candidates by cross-validation on the training rows, as long as the table is
 * small enough for that to take seconds; above, boosting is known to win on tables most often
 * (Grinsztajn, Oyallon, Varoquaux: Why do tree-based models still outperform deep learning on
 * tabular data?, NeurIPS 2022). */
#define QN_CHOOSE_FOLDS 3
#define QN_CHOOSE_ROWS 10000    /* a larger training part is thinned to this for the comparison */
#define QN_CHOOSE_CELLS 2000000 /* rows x columns x outputs; above, it is thinned to this */
#define QN_CHOOSE_ENOUGH 2000   /* rows that stand for all, however many those are */

static bool takes_task(const struct qn_learner *learner, enum qn_task task)
{
    return (learner->tasks & (1u << task)) != 0;
}

static enum qn_status unknown_algorithm(const char *name, struct qn_error *err)
{
    const char *names[32];
    size_t count = 0;
    for (size_t i = 0; qn_learners[i] && count < 32; i++)
        names[count++] = qn_learners[i]->name;
    const char *closest = qn_text_closest(name, names, count);
    return qn_fail(err, QN_INVALID, "no algorithm '%.60s'%s%s%s; `quern algorithms` lists them",
                   name, closest ? ": did you mean '" : "", closest ? closest : "",
                   closest ? "'?" : "");
}

/* Takes `name=value` texts into the options of the learner. */
static enum qn_status set_parameters(struct qn_trainer *trainer, struct qn_error *err)
{
    const struct qn_parameter_table *table = &trainer->learner->parameters;
    qn_free(trainer->parameters);
    trainer->parameters = qn_calloc(1, table->options_size_bytes);
    if (!trainer->parameters)
        return qn_fail_nomem(err, "train");
    qn_parameters_default(table, trainer->parameters);
    for (size_t i = 0; i < trainer->options->parameter_count; i++) {
        const char *text = trainer->options->parameters[i];
        const char *equals = strchr(text, '=');
        if (!equals || equals == text)
            return qn_fail(err, QN_INVALID, "parameter '%.60s': write NAME=VALUE", text);
        char *name = qn_strndup(text, (size_t)(equals - text));
        if (!name)
            return qn_fail_nomem(err, "train");
        enum qn_status status =
            qn_parameters_set(table, trainer->parameters, name, equals + 1, err);
        qn_free(name);
        if (status != QN_OK)
            return qn_fail_within(err, "%s", trainer->learner->name);
    }
    return qn_parameters_check(table, trainer->parameters, err);
}

static enum qn_status use_learner(struct qn_trainer *trainer, const struct qn_learner *learner,
                                  struct qn_error *err)
{
    trainer->learner = learner;
    enum qn_status status = set_parameters(trainer, err);
    if (status == QN_OK)
        status = qn__trainer_propose(trainer, learner->native, err);
    return status;
}

static enum qn_status use_named(struct qn_trainer *trainer, const char *name, enum qn_task task,
                                struct qn_error *err)
{
    const struct qn_learner *learner = qn_learner_find(name);
    if (!learner)
        return unknown_algorithm(name, err);
    if (!takes_task(learner, task))
        return qn_fail(err, QN_INVALID, "%s does not do %s: %s", learner->name, qn_task_name(task),
                       trainer->labels ? trainer->labels->reason : "there is no target");
    return use_learner(trainer, learner, err);
}

/* Out-of-fold main metric of the current learner over the rows. */
static enum qn_status cross_validate(struct qn_trainer *trainer, const struct qn_split *split,
                                     double *out, struct qn_error *err)
{
    double sum = 0;
    size_t folds = 0;
    for (size_t fold = split->forward ? 1 : 0; fold < split->fold_count; fold++) {
        struct qn_parts parts = {0};
        struct qn_fitted fitted = {0};
        double *outputs = NULL, score = NAN;
        enum qn_status status = qn_split_rows(split, fold, &parts.train, &parts.train_count,
                                              &parts.test, &parts.test_count, err);
        if (status == QN_OK)
            status = qn__trainer_fit(trainer, parts.train, parts.train_count, &fitted, NULL, err);
        if (status == QN_OK)
            status = qn__trainer_predict(trainer, &fitted, trainer->table, parts.test,
                                         parts.test_count, &outputs, err);
        if (status == QN_OK)
            status = qn__trainer_score(trainer, trainer->labels, parts.test, parts.test_count,
                                       outputs, NULL, &score, err);
        qn_free(outputs);
        qn_free(parts.train);
        qn_free(parts.test);
        qn__fitted_release(trainer->learner, &fitted);
        if (status != QN_OK)
            return status;
        if (!isnan(score)) {
            sum += score;
            folds++;
        }
    }
    *out = folds > 0 ? sum / (double)folds : NAN;
    return QN_OK;
}

static void note_candidate(struct qn_trainer *trainer, const char *metric, double score)
{
    json_t *item = json_object();
    qn_json_set(item, "algorithm", json_string(trainer->learner->name), &trainer->failed);
    qn_json_set(item, metric, qn_json_number(score), &trainer->failed);
    qn_json_add(trainer->candidates, item, &trainer->failed);
}

/* Whether these data cannot be had by this way, though perhaps by another. */
static bool is_refusal(enum qn_status status)
{
    return status == QN_INVALID || status == QN_UNSUPPORTED;
}

/* Runs each candidate over the folds; the best becomes the learner. One that cannot learn from
 * these data is passed over, unless none can. */
static enum qn_status compare(struct qn_trainer *trainer, const struct qn_split *split,
                              const char *const *names, struct qn_error *err)
{
    bool more = true;
    const char *metric = qn_metrics_main(trainer->labels->task, &more);
    const struct qn_learner *best = NULL;
    double best_score = NAN;
    struct qn_error refusal = QN_ERROR_INIT;
    for (size_t i = 0; names[i]; i++) {
        double score = NAN;
        enum qn_status status = use_learner(trainer, qn_learner_find(names[i]), &refusal);
        if (status == QN_OK)
            status = cross_validate(trainer, split, &score, &refusal);
        if (is_refusal(status)) {
            qn__trainer_warn(trainer, "%s was not compared: %s", names[i], refusal.message);
            continue;
        }
        if (status != QN_OK)
            return qn_fail(err, status, "%s", refusal.message);
        note_candidate(trainer, metric, score);
        bool better = isnan(best_score) || (more ? score > best_score : score < best_score);
        if (!best || (!isnan(score) && better)) {
            best = trainer->learner;
            best_score = score;
        }
    }
    if (!best)
        return qn_fail(err, refusal.status, "%s", refusal.message);
    return use_learner(trainer, best, err);
}

/* Folds for the comparison; without them (two groups cannot make three folds) there is none, and
 * boosting it is. */
static enum qn_status split_and_compare(struct qn_trainer *trainer, const char *const *names,
                                        struct qn_error *err)
{
    struct qn_split *split = NULL;
    struct qn_error refusal = QN_ERROR_INIT;
    enum qn_status status = qn__trainer_split(trainer, QN_CHOOSE_FOLDS, &split, &refusal);
    if (is_refusal(status))
        return use_learner(trainer, &qn_gradient_boosting_learner, err);
    if (status != QN_OK)
        return qn_fail(err, status, "%s", refusal.message);
    status = compare(trainer, split, names, err);
    qn_split_free(split);
    return status;
}

/* The split is of trainer->rows; here they are for a moment a sample of the training part. */
static enum qn_status compare_on(struct qn_trainer *trainer, const char *const *names,
                                 const size_t *rows, size_t count, size_t limit,
                                 struct qn_error *err)
{
    size_t *sample = QN_ALLOC(size_t, limit);
    if (!sample)
        return qn_fail_nomem(err, "train");
    for (size_t i = 0; i < limit; i++)
        sample[i] = rows[i * count / limit];
    size_t *all_rows = trainer->rows, all_count = trainer->row_count;
    trainer->rows = sample;
    trainer->row_count = limit;
    enum qn_status status = split_and_compare(trainer, names, err);
    trainer->rows = all_rows;
    trainer->row_count = all_count;
    qn_free(sample);
    return status;
}

/* Rows to compare on: as many as take seconds. */
static size_t sample_size(const struct qn_trainer *trainer, size_t count)
{
    size_t width = trainer->table->column_count * qn__trainer_outputs(trainer);
    size_t limit = QN_CHOOSE_CELLS / (width > 0 ? width : 1);
    limit = limit < QN_CHOOSE_ROWS ? limit : QN_CHOOSE_ROWS;
    return limit < count ? limit : count;
}

enum qn_status qn__trainer_choose(struct qn_trainer *trainer, struct qn_error *err)
{
    static const char *const classifiers[] = {"logistic", "random_forest", "gradient_boosting",
                                              NULL};
    static const char *const regressors[] = {"ridge", "random_forest", "gradient_boosting", NULL};
    const struct qn_train_options *options = trainer->options;
    const size_t *rows = trainer->parts.train;
    size_t count = trainer->parts.train_count;
    enum qn_task task = trainer->labels ? trainer->labels->task : QN_TASK_CLUSTERING;
    if (strcmp(options->algorithm, "auto") != 0)
        return use_named(trainer, options->algorithm, task, err);
    if (!trainer->labels)
        return use_named(trainer, "kmeans", task, err);
    /* Parameters and recipes speak to one algorithm: they name it, or it is boosting. */
    size_t limit = sample_size(trainer, count);
    bool stands_for_all = limit >= QN_CHOOSE_ENOUGH || limit * 2 >= count;
    if (options->parameter_count > 0 || options->recipe || !stands_for_all || count < 30)
        return use_named(trainer, count < 30 ? "decision_tree" : "gradient_boosting", task, err);
    trainer->candidates = json_array();
    if (!trainer->candidates)
        return qn_fail_nomem(err, "train");
    return compare_on(trainer, task == QN_TASK_REGRESSION ? regressors : classifiers, rows, count,
                      limit, err);
}
