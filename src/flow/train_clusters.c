#include "flow/train_internal.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>

/* How a numeric column differs between clusters, in its own units. */
struct contrast {
    const struct qn_column *column;
    double *means;     /* by cluster; NaN where a cluster has no value */
    double separation; /* share of the column's variance that lies between clusters (eta squared) */
};

static int compare_contrasts(const void *left, const void *right)
{
    const struct contrast *a = left, *b = right;
    if (a->separation > b->separation || a->separation < b->separation)
        return a->separation > b->separation ? -1 : 1;
    return (a->column > b->column) - (a->column < b->column);
}

static double cell(const struct qn_column *column, size_t row)
{
    if (column->type == QN_TYPE_NUMBER)
        return isinf(column->values.number[row]) ? NAN : column->values.number[row];
    int64_t value = column->values.integer[row];
    return value == QN_MISSING_INTEGER ? NAN : (double)value;
}

/* Means by cluster; counts is scratch of cluster_count. */
static void measure(struct contrast *contrast, const size_t *rows, size_t row_count,
                    const int32_t *labels, size_t cluster_count, double *counts)
{
    double total = 0, count = 0, between = 0, within = 0;
    for (size_t k = 0; k < cluster_count; k++)
        contrast->means[k] = counts[k] = 0;
    for (size_t i = 0; i < row_count; i++) {
        double value = cell(contrast->column, rows[i]);
        if (isnan(value))
            continue;
        contrast->means[labels[i]] += value;
        counts[labels[i]]++;
        total += value;
        count++;
    }
    double mean = total / count;
    for (size_t k = 0; k < cluster_count; k++) {
        contrast->means[k] = counts[k] > 0 ? contrast->means[k] / counts[k] : NAN;
        if (counts[k] > 0)
            between += counts[k] * (contrast->means[k] - mean) * (contrast->means[k] - mean);
    }
    for (size_t i = 0; i < row_count; i++) {
        double value = cell(contrast->column, rows[i]);
        double off = isnan(value) ? 0 : value - contrast->means[labels[i]];
        within += off * off;
    }
    contrast->separation = between + within > 0 ? between / (between + within) : 0;
}

static json_t *contrasts_json(const struct contrast *contrasts, size_t count, size_t cluster_count,
                              bool *failed)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object(), *means = json_array();
        qn_json_set(item, "name", json_string(contrasts[i].column->name), failed);
        qn_json_set(item, "separation", qn_json_number(contrasts[i].separation), failed);
        for (size_t k = 0; k < cluster_count; k++)
            qn_json_add(means, qn_json_number(contrasts[i].means[k]), failed);
        qn_json_set(item, "means", means, failed);
        qn_json_add(array, item, failed);
    }
    return array;
}

enum qn_status qn__trainer_contrasts(struct qn_trainer *trainer, const struct qn_prep *prep,
                                     const size_t *rows, size_t row_count, const int32_t *labels,
                                     size_t cluster_count, json_t **out, struct qn_error *err)
{
    size_t limit = qn_prep_input_count(prep), count = 0;
    struct contrast *contrasts = QN_CALLOC(struct contrast, limit);
    double *means = QN_ALLOC(double, (limit + 1) * cluster_count);
    if (!contrasts || !means) {
        qn_free(contrasts);
        qn_free(means);
        return qn_fail_nomem(err, "clusters");
    }
    for (size_t i = 0; i < limit; i++) {
        ptrdiff_t at = qn_table_find(trainer->table, qn_prep_inputs(prep)[i].name);
        const struct qn_column *column = at < 0 ? NULL : &trainer->table->columns[at];
        if (!column || (column->type != QN_TYPE_NUMBER && column->type != QN_TYPE_INTEGER))
            continue;
        contrasts[count] =
            (struct contrast){.column = column, .means = means + count * cluster_count};
        measure(&contrasts[count++], rows, row_count, labels, cluster_count,
                means + limit * cluster_count);
    }
    qsort(contrasts, count, sizeof(*contrasts), compare_contrasts);
    *out = contrasts_json(contrasts, count, cluster_count, &trainer->failed);
    qn_free(contrasts);
    qn_free(means);
    return QN_OK;
}
