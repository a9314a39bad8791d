/* One column: its cells run through its actions. Fitting and applying are one code path, in which
 * fitting stops at each action to learn before it is applied; so both give the same bits. */
#include "prep/prep_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void qn__output_release(struct qn__output *output)
{
    for (size_t i = 0; output->values && i < output->count; i++)
        qn_free(output->values[i]);
    qn_free(output->values);
    qn_free(output->levels);
    *output = (struct qn__output){0};
}

/* The column on its way: one of numbers, levels or dates. */
struct run {
    struct qn__column *column;
    const struct qn__column_fit *fit; /* NULL: only applied */
    const struct qn__cells *cells;
    struct qn__codes codes;
    struct qn__output output;
    size_t unseen;
    struct qn_error *err;
};

static enum qn_status add_outputs(struct run *run, size_t count)
{
    struct qn__output *output = &run->output;
    double **values = qn_realloc(output->values, output->count + count, sizeof(*values));
    if (!values)
        return qn_fail_nomem(run->err, "prepare");
    output->values = values;
    while (count-- > 0) {
        values[output->count] = QN_ALLOC(double, run->cells->row_count);
        if (!values[output->count])
            return qn_fail_nomem(run->err, "prepare");
        output->count++;
    }
    return QN_OK;
}

static bool changes_numbers(const struct qn__column *column)
{
    return column->step_count > 0;
}

static enum qn_status start_number(struct run *run)
{
    struct qn__column *column = run->column;
    const double *values = NULL;
    enum qn_status status = QN_OK;
    if (!changes_numbers(column) && qn__cells_lend(run->cells)) {
        run->output.lent = run->cells->column->values.number;
        values = run->output.lent;
    } else {
        status = add_outputs(run, 1);
        if (status == QN_OK)
            status = qn__cells_numbers(run->cells, run->output.values[0], run->err);
        if (status != QN_OK)
            return status;
        values = run->output.values[0];
    }
    if (run->fit) {
        column->missing_rows = 0;
        for (size_t i = 0; i < run->cells->row_count; i++)
            column->missing_rows += isfinite(values[i]) ? 0 : 1;
    }
    return QN_OK;
}

static enum qn_status start(struct run *run)
{
    struct qn__column *column = run->column;
    if (column->input == QN__STREAM_NUMBER)
        return start_number(run);
    if (column->input == QN__STREAM_DATE) {
        enum qn_status status = qn__cells_check_dates(run->cells, run->err);
        if (status != QN_OK)
            return status;
        uint64_t missing = 0;
        for (size_t i = 0; i < run->cells->row_count; i++)
            missing += qn__cells_moment(run->cells, i).day == QN_MISSING_INTEGER;
        if (run->fit)
            column->missing_rows = missing;
        return QN_OK;
    }
    enum qn_status status = qn__cells_codes(run->cells, &run->codes, run->err);
    if (status != QN_OK)
        return status;
    if (run->fit && column->has_levels) {
        status = qn__levels_fit(column, &run->codes, run->cells->row_count, run->err);
    } else if (run->fit) {
        column->missing_rows = 0;
        for (size_t i = 0; i < run->cells->row_count; i++)
            column->missing_rows += run->codes.codes[i] < 0;
    }
    if (status == QN_OK && column->has_levels)
        status = qn__levels_map(column, &run->codes, run->cells->row_count, &run->unseen, run->err);
    return status;
}

static enum qn_status learn_encoder(struct run *run, struct qn__step *step)
{
    const struct qn_action *action = step->action;
    if (action->kind == QN_ACTION_ORDINAL)
        return qn__ordinal_fit(run->column, step, run->err);
    if (action->kind == QN_ACTION_FREQUENCY)
        qn__frequency_fit(run->column, step, run->cells->row_count);
    return QN_OK;
}

/* An action that makes the features: dates, texts and categories become numbers. */
static enum qn_status encode(struct run *run, struct qn__step *step)
{
    enum qn_status status = add_outputs(run, step->output_count);
    if (status != QN_OK)
        return status;
    double *const *out = run->output.values;
    if (step->action->kind == QN_ACTION_DATE_PARTS) {
        qn__date_encode(step, run->cells, out);
        return QN_OK;
    }
    if (step->action->kind == QN_ACTION_TEXT)
        return qn__text_encode(step, run->fit != NULL, &run->codes, run->cells->row_count, out,
                               run->err);
    if (run->fit) {
        if (step->action->kind == QN_ACTION_TARGET)
            return qn__target_fit(run->column, step, run->codes.codes, run->fit->target,
                                  run->fit->seed, out, run->err);
        status = learn_encoder(run, step);
        if (status != QN_OK)
            return status;
    }
    qn__levels_encode(run->column, step, run->codes.codes, run->cells->row_count, out);
    return QN_OK;
}

static enum qn_status transform(struct run *run, const struct qn__step *step)
{
    size_t row_count = run->cells->row_count;
    double *scratch = NULL;
    if (run->fit) {
        scratch = QN_ALLOC(double, 2 * row_count);
        if (!scratch)
            return qn_fail_nomem(run->err, "prepare");
    }
    for (size_t j = 0; j < step->output_count; j++) {
        if (run->fit)
            qn__number_fit(step, j, run->output.values[j], row_count, scratch);
        qn__number_apply(step, j, run->output.values[j], row_count);
    }
    qn_free(scratch);
    return QN_OK;
}

static bool is_encoder(enum qn_action_kind kind)
{
    return kind == QN_ACTION_ONE_HOT || kind == QN_ACTION_ORDINAL || kind == QN_ACTION_FREQUENCY ||
           kind == QN_ACTION_TARGET || kind == QN_ACTION_DATE_PARTS || kind == QN_ACTION_TEXT;
}

static enum qn_status run_step(struct run *run, struct qn__step *step, size_t input_count)
{
    struct qn__column *column = run->column;
    if (run->fit) {
        const struct qn_target *target = run->fit->target;
        size_t class_count = target ? target->class_count : 0;
        if (step->action->kind == QN_ACTION_TARGET && (!target || target->row_count == 0))
            return qn_fail(run->err, QN_INVALID,
                           "column '%s': target encoding needs a target, which clustering does not "
                           "have; use 'frequency' or 'one_hot'",
                           column->recipe->name);
        step->output_count = qn__step_outputs(column, step, input_count, class_count);
        step->number_count = qn__step_numbers(column, step, input_count);
        step->numbers = QN_CALLOC(double, step->number_count);
        if (!step->numbers)
            return qn_fail_nomem(run->err, "prepare");
    }
    if (is_encoder(step->action->kind))
        return encode(run, step);
    if (column->input != QN__STREAM_NUMBER && run->output.count == 0)
        return QN_OK; /* levels, and the impute of a category: done with the levels */
    return transform(run, step);
}

/* Features of a column that no action turned into numbers. */
static enum qn_status finish_main(struct run *run)
{
    struct qn__column *column = run->column;
    if (column->categorical) {
        run->output.levels = run->codes.codes;
        run->codes.codes = NULL;
        return QN_OK;
    }
    if (column->input != QN__STREAM_DATE || column->step_count > 0)
        return QN_OK;
    enum qn_status status = add_outputs(run, 1);
    for (size_t i = 0; status == QN_OK && i < run->cells->row_count; i++)
        run->output.values[0][i] =
            qn__part_value(qn__cells_moment(run->cells, i), QN__PART_EPOCH_DAYS);
    return status;
}

static enum qn_status add_indicator(struct run *run)
{
    enum qn_status status = add_outputs(run, 1);
    if (status != QN_OK)
        return status;
    const struct qn__cells *cells = run->cells;
    double *out = run->output.values[run->output.count - 1];
    bool number = cells->column->type == QN_TYPE_NUMBER;
    for (size_t i = 0; i < cells->row_count; i++) {
        size_t row = qn__cells_row(cells, i);
        out[i] = number ? !isfinite(cells->column->values.number[row])
                        : qn_column_is_missing(cells->column, row);
    }
    return QN_OK;
}

enum qn_status qn__column_run(struct qn__column *column, const struct qn__column_fit *fit,
                              const struct qn__cells *cells, struct qn__output *out,
                              size_t *unseen_out, struct qn_error *err)
{
    struct run run = {.column = column, .fit = fit, .cells = cells, .err = err};
    enum qn_status status = start(&run);
    size_t count = 1;
    for (size_t i = 0; status == QN_OK && i < column->step_count; i++) {
        status = run_step(&run, &column->steps[i], count);
        count = column->steps[i].output_count;
    }
    if (status == QN_OK)
        status = finish_main(&run);
    if (status == QN_OK && column->indicator)
        status = add_indicator(&run);
    qn__codes_release(&run.codes);
    if (status != QN_OK) {
        qn__output_release(&run.output);
        return status;
    }
    *out = run.output;
    *unseen_out = run.unseen;
    return QN_OK;
}
