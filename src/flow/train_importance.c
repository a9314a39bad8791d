#include "flow/train_internal.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Permutation is repeated over at most so many rows and features; more cost more than they tell. */
#define QN_IMPORTANCE_ROWS 5000
#define QN_IMPORTANCE_FEWEST_ROWS 250
#define QN_IMPORTANCE_OUTPUTS 200000 /* rows x features x outputs of a repeat */
#define QN_IMPORTANCE_COLUMNS 200
#define QN_IMPORTANCE_REPEATS 3

/* One input column's importance. */
struct entry {
    const char *name;
    double mean, std, gain;
    bool permuted;
    size_t order;
};

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    double x = a->permuted ? a->mean : a->gain, y = b->permuted ? b->mean : b->gain;
    if (x > y || x < y)
        return x > y ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static json_t *entries_json(const struct entry *entries, size_t count, bool has_gain)
{
    bool failed = false;
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object();
        qn_json_set(item, "feature", json_string(entries[i].name), &failed);
        double main = entries[i].permuted ? entries[i].mean : entries[i].gain;
        qn_json_set(item, "importance", qn_json_number(main), &failed);
        if (entries[i].permuted)
            qn_json_set(item, "std", qn_json_number(entries[i].std), &failed);
        if (has_gain)
            qn_json_set(item, "gain", qn_json_number(entries[i].gain), &failed);
        qn_json_add(array, item, &failed);
    }
    if (!failed)
        return array;
    json_decref(array);
    return NULL;
}

/* Gains of features, added up by input column. */
static enum qn_status add_gains(struct qn_trainer *trainer, const struct qn_fitted *fitted,
                                const struct qn_matrix *matrix, struct entry *entries,
                                struct qn_error *err)
{
    double *gains = QN_CALLOC(double, matrix->features.feature_count);
    if (!gains)
        return qn_fail_nomem(err, "importance");
    enum qn_status status = trainer->learner->importance(fitted->fitted, gains, err);
    for (size_t f = 0; status == QN_OK && f < matrix->features.feature_count; f++)
        entries[matrix->source[f]].gain += gains[f];
    qn_free(gains);
    return status;
}

static enum qn_status permute(struct qn_trainer *trainer, const struct qn_fitted *fitted,
                              const struct qn_matrix *matrix, const struct qn_labels *labels,
                              const size_t *rows, size_t count, struct entry *entries,
                              size_t entry_count, struct qn_error *err)
{
    struct qn_label_rows gathered;
    struct qn_permutation *results = QN_CALLOC(struct qn_permutation, entry_count);
    if (!results)
        return qn_fail_nomem(err, "importance");
    /* Weights belong to the training table; a separate test table has none. */
    const double *weights = labels == trainer->labels ? trainer->weights : NULL;
    enum qn_status status = qn_labels_gather(labels, weights, rows, count, &gathered, err);
    if (status == QN_OK) {
        status = qn_permutation_importance(
            trainer->learner, fitted->fitted, &matrix->features, &gathered.target, matrix->source,
            entry_count, QN_IMPORTANCE_REPEATS, trainer->options->seed, trainer->options->pool,
            trainer->options->progress, results, err);
        qn_label_rows_release(&gathered);
    }
    for (size_t i = 0; status == QN_OK && i < entry_count; i++) {
        entries[i].mean = results[i].mean;
        entries[i].std = results[i].std;
        entries[i].permuted = !isnan(results[i].mean); /* no metric: one class only was sampled */
    }
    qn_free(results);
    return status;
}

/* How many rows to permute: with many features or classes fewer, or it would take longer than the
 * fit. */
static size_t row_limit(const struct qn_trainer *trainer, size_t entry_count)
{
    size_t limit = QN_IMPORTANCE_OUTPUTS / (qn__trainer_outputs(trainer) * (entry_count + 1));
    if (limit < QN_IMPORTANCE_FEWEST_ROWS)
        return QN_IMPORTANCE_FEWEST_ROWS;
    return limit < QN_IMPORTANCE_ROWS ? limit : QN_IMPORTANCE_ROWS;
}

/* A deterministic thinning of rows to at most `limit`: every so many-th. */
static size_t thin_rows(const size_t *rows, size_t count, size_t limit, size_t *out)
{
    if (count <= limit) {
        memcpy(out, rows, count * sizeof(*rows));
        return count;
    }
    for (size_t i = 0; i < limit; i++)
        out[i] = rows[i * count / limit];
    return limit;
}

enum qn_status qn__trainer_importance(struct qn_trainer *trainer, const struct qn_fitted *fitted,
                                      const struct qn_table *table, const struct qn_labels *labels,
                                      const size_t *rows, size_t count, json_t **out,
                                      struct qn_error *err)
{
    double begin_ms = qn_clock_ms();
    size_t entry_count = qn_prep_input_count(fitted->prep);
    const struct qn_type_override *inputs = qn_prep_inputs(fitted->prep);
    struct entry *entries = QN_CALLOC(struct entry, entry_count);
    size_t limit = row_limit(trainer, entry_count);
    size_t *sample = QN_ALLOC(size_t, limit < count ? limit : count);
    struct qn_matrix *matrix = NULL;
    enum qn_status status = QN_OK;
    if (!entries || !sample) {
        status = qn_fail_nomem(err, "importance");
        goto done;
    }
    for (size_t i = 0; i < entry_count; i++)
        entries[i] = (struct entry){.name = inputs[i].name, .order = i};
    size_t sample_count = thin_rows(rows, count, limit, sample);
    status = qn_prep_apply(fitted->prep, table, sample, sample_count, trainer->options->pool,
                           &matrix, NULL, err);
    if (status != QN_OK)
        goto done;
    bool has_gain = trainer->learner->importance != NULL;
    if (has_gain)
        status = add_gains(trainer, fitted, matrix, entries, err);
    if (status == QN_OK && labels && sample_count > 1 && entry_count <= QN_IMPORTANCE_COLUMNS)
        status = permute(trainer, fitted, matrix, labels, sample, sample_count, entries,
                         entry_count, err);
    if (status != QN_OK)
        goto done;
    qsort(entries, entry_count, sizeof(*entries), compare_entries);
    *out = entries_json(entries, entry_count, has_gain);
    if (!*out)
        status = qn_fail_nomem(err, "importance");
done:
    qn_matrix_free(matrix);
    qn_free(entries);
    qn_free(sample);
    trainer->evaluate_ms += qn_clock_ms() - begin_ms;
    return status;
}
