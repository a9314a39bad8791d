#include "flow/train_internal.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

static double weight_value(const struct qn_column *column, size_t row)
{
    if (column->type == QN_TYPE_NUMBER)
        return column->values.number[row];
    int64_t value = column->values.integer[row];
    return value == QN_MISSING_INTEGER ? NAN : (double)value;
}

static enum qn_status read_weights(struct qn_trainer *trainer, struct qn_error *err)
{
    const struct qn_table *table = trainer->table;
    size_t at = 0;
    enum qn_status status = qn_table_require(table, trainer->options->weight, &at, err);
    if (status != QN_OK)
        return status;
    const struct qn_column *column = &table->columns[at];
    if (column->type != QN_TYPE_NUMBER && column->type != QN_TYPE_INTEGER)
        return qn_fail(err, QN_INVALID, "weight column '%s' must hold numbers, but is %s",
                       column->name, qn_type_name(column->type));
    double *weights = QN_ALLOC(double, table->row_count);
    if (!weights)
        return qn_fail_nomem(err, "weights");
    double sum = 0;
    for (size_t row = 0; row < table->row_count; row++) {
        weights[row] = weight_value(column, row);
        if (!(weights[row] >= 0) || isinf(weights[row])) {
            qn_free(weights);
            return qn_fail(err, QN_INVALID,
                           "weight column '%s', row %zu: a weight must be a number from 0 up",
                           column->name, row + 1);
        }
        sum += weights[row];
    }
    if (!(sum > 0)) {
        qn_free(weights);
        return qn_fail(err, QN_INVALID, "weight column '%s' is all zero", column->name);
    }
    trainer->weights = weights;
    return QN_OK;
}

static bool has_target(const struct qn_labels *labels, size_t row)
{
    if (!labels)
        return true;
    return labels->classes ? labels->classes[row] >= 0 : !isnan(labels->values[row]);
}

/* Whole numbers may be codes or counts. A learner that does only one of the two tasks settles it:
 * whoever names logistic regression means classes, whoever names ridge means numbers. */
static enum qn_task_choice choose_task(const struct qn_train_options *options,
                                       const struct qn_column *target)
{
    const struct qn_learner *learner = qn_learner_find(options->algorithm);
    if (options->task != QN_TASK_AUTO || target->type != QN_TYPE_INTEGER || !learner)
        return options->task;
    bool numbers = (learner->tasks & (1u << QN_TASK_REGRESSION)) != 0;
    bool classes = (learner->tasks & (1u << QN_TASK_BINARY | 1u << QN_TASK_MULTICLASS)) != 0;
    if (numbers == classes)
        return QN_TASK_AUTO;
    return classes ? QN_TASK_CLASSIFY : QN_TASK_REGRESS;
}

static enum qn_status read_labels(struct qn_trainer *trainer, struct qn_error *err)
{
    size_t at = 0;
    enum qn_status status = qn_table_require(trainer->table, trainer->options->target, &at, err);
    if (status != QN_OK)
        return status;
    const struct qn_column *column = &trainer->table->columns[at];
    status = qn_labels_make(column, trainer->table->row_count,
                            choose_task(trainer->options, column), &trainer->labels, err);
    if (status != QN_OK)
        return status;
    if (trainer->labels->missing_count > 0)
        qn__trainer_warn(trainer, "%zu of %zu rows have no value of '%s' and are left out",
                         trainer->labels->missing_count, trainer->table->row_count,
                         trainer->options->target);
    return QN_OK;
}

/* Columns that are named only to be kept away must be there too: a misspelt one would stay. */
static enum qn_status check_names(const struct qn_trainer *trainer, struct qn_error *err)
{
    const struct qn_train_options *options = trainer->options;
    const char *const named[] = {options->group, options->time};
    size_t at = 0;
    enum qn_status status = QN_OK;
    for (size_t i = 0; status == QN_OK && i < sizeof(named) / sizeof(*named); i++) {
        if (named[i])
            status = qn_table_require(trainer->table, named[i], &at, err);
    }
    for (size_t i = 0; status == QN_OK && i < options->drop_count; i++)
        status = qn_table_require(trainer->table, options->drop[i], &at, err);
    return status;
}

/* A row of weight 0 is as good as removed, from the preparation too. */
static enum qn_status use_rows(struct qn_trainer *trainer, struct qn_error *err)
{
    const struct qn_table *table = trainer->table;
    size_t weightless = 0;
    trainer->rows = QN_ALLOC(size_t, table->row_count);
    if (!trainer->rows)
        return qn_fail_nomem(err, "train");
    for (size_t row = 0; row < table->row_count; row++) {
        if (!has_target(trainer->labels, row))
            continue;
        if (trainer->weights && !(trainer->weights[row] > 0))
            weightless++;
        else
            trainer->rows[trainer->row_count++] = row;
    }
    if (weightless > 0)
        qn__trainer_warn(trainer, "%zu rows have weight 0 and are left out", weightless);
    if (trainer->row_count < 2)
        return qn_fail(err, QN_INVALID, "%s: %zu rows are too few to train on", table->name,
                       trainer->row_count);
    return QN_OK;
}

enum qn_status qn__trainer_rows(struct qn_trainer *trainer, struct qn_error *err)
{
    enum qn_status status = check_names(trainer, err);
    if (status == QN_OK && trainer->options->target)
        status = read_labels(trainer, err);
    if (status == QN_OK && trainer->options->weight)
        status = read_weights(trainer, err);
    return status == QN_OK ? use_rows(trainer, err) : status;
}

/* Rows that the split must pass over, as a map of the table's rows. */
static bool *skipped_rows(const struct qn_trainer *trainer)
{
    bool *skip = QN_ALLOC(bool, trainer->table->row_count);
    if (!skip)
        return NULL;
    memset(skip, 1, trainer->table->row_count * sizeof(*skip));
    for (size_t i = 0; i < trainer->row_count; i++)
        skip[trainer->rows[i]] = false;
    return skip;
}

/* Classes as a column, so that stratifying needs no second way in. */
static void class_column(const struct qn_labels *labels, char *name, struct qn_column *out)
{
    *out = (struct qn_column){.name = name, .type = QN_TYPE_CATEGORY};
    out->values.code = labels->classes;
    out->dictionary.count = labels->class_count;
}

enum qn_status qn__trainer_split(struct qn_trainer *trainer, size_t fold_count,
                                 struct qn_split **out, struct qn_error *err)
{
    const struct qn_train_options *options = trainer->options;
    struct qn_column classes;
    struct qn_split_options split = {.kind = QN_SPLIT_RANDOM,
                                     .test_share = options->test_size,
                                     .fold_count = fold_count,
                                     .seed = options->seed};
    const char *name = options->group ? options->group : options->time;
    if (name) {
        size_t at = 0;
        enum qn_status status = qn_table_require(trainer->table, name, &at, err);
        if (status != QN_OK)
            return status;
        split.kind = options->group ? QN_SPLIT_GROUPED : QN_SPLIT_TIME;
        split.column = &trainer->table->columns[at];
    } else if (trainer->labels && trainer->labels->classes) {
        split.kind = QN_SPLIT_STRATIFIED;
        ptrdiff_t at = qn_table_find(trainer->table, options->target);
        class_column(trainer->labels, trainer->table->columns[at].name, &classes);
        split.column = &classes;
    }
    bool *skip = skipped_rows(trainer);
    if (!skip)
        return qn_fail_nomem(err, "train");
    split.skip = skip;
    enum qn_status status = qn_split_make(trainer->table->row_count, &split, out, err);
    qn_free(skip);
    return status;
}
