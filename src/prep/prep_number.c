/* Actions on numbers: impute, clip, scale. NaN is a missing value and stays one unless imputed;
 * what is fitted is fitted on the finite values. */
#include "prep/prep_internal.h"

#include "base/numeric.h"
#include "base/random.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Squares of larger numbers overflow. */
#define QN_SQUARE_LIMIT 1e150

static void swap(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

double qn__select(double *values, size_t count, size_t k)
{
    /* Quickselect (Hoare, "Algorithm 65: FIND", 1961) with random pivots: no order of the values is
     * a bad one. The result does not depend on the pivots. */
    struct qn_random random;
    qn_random_init(&random, count, k);
    size_t from = 0, end = count;
    while (end - from > 1) {
        double pivot = values[from + qn_random_below(&random, end - from)];
        /* Three parts, so that repeated values end the search early. */
        size_t less = from, at = from, more = end;
        while (at < more) {
            if (values[at] < pivot)
                swap(&values[at++], &values[less++]);
            else if (values[at] > pivot)
                swap(&values[at], &values[--more]);
            else
                at++;
        }
        if (k < less)
            end = less;
        else if (k >= more)
            from = more;
        else
            return pivot;
    }
    return values[k];
}

double qn__quantile(double *values, size_t count, double level)
{
    double place = level * (double)(count - 1);
    size_t below = (size_t)floor(place);
    if (below >= count - 1)
        return qn__select(values, count, count - 1);
    double low = qn__select(values, count, below);
    double high = values[below + 1];
    for (size_t i = below + 2; i < count; i++)
        high = values[i] < high ? values[i] : high;
    double share = place - (double)below;
    /* Written so that it stays between its ends; halves keep the difference from overflowing. */
    double gap = high / 2 - low / 2;
    return share < 0.5 ? low + gap * (2 * share) : high - gap * (2 * (1 - share));
}

static double largest_size(const double *values, size_t count)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fabs(values[i]) > largest ? fabs(values[i]) : largest;
    return largest;
}

double qn__mean(const double *values, size_t count)
{
    if (count == 0)
        return 0;
    double sum = qn_sum(values, count);
    if (isfinite(sum))
        return sum / (double)count;
    sum = 0; /* Near the end of the range: slower, and safe. */
    for (size_t i = 0; i < count; i++)
        sum += values[i] / (double)count;
    return sum;
}

/* Blocks are summed pairwise by qn_sum. */
enum { QN_BLOCK = 1024 };

double qn__deviation(const double *values, size_t count, double mean)
{
    if (count == 0)
        return 0;
    double largest = fmax(largest_size(values, count), fabs(mean));
    double unit = largest > QN_SQUARE_LIMIT ? largest : 1;
    double total = 0, drift = 0, distances[QN_BLOCK], squares[QN_BLOCK];
    for (size_t start = 0; start < count; start += QN_BLOCK) {
        size_t size = count - start < QN_BLOCK ? count - start : QN_BLOCK;
        for (size_t i = 0; i < size; i++) {
            distances[i] = values[start + i] / unit - mean / unit;
            squares[i] = distances[i] * distances[i];
        }
        total += qn_sum(squares, size);
        drift += qn_sum(distances, size);
    }
    /* The mean is rounded: what that adds is taken away (Chan, Golub and LeVeque, 1983). */
    double n = (double)count, variance = (total - drift * drift / n) / n;
    return variance > 0 ? sqrt(variance) * unit : 0;
}

/* Finite values of the row to scratch; returns their number. */
static size_t gather_finite(const double *values, size_t row_count, double *scratch)
{
    size_t count = 0;
    for (size_t i = 0; i < row_count; i++) {
        scratch[count] = values[i];
        count += isfinite(values[i]) ? 1 : 0;
    }
    return count;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The most frequent value; of several the smallest. */
static double mode(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    size_t best_run = 0, start = 0;
    double best = 0;
    for (size_t i = 1; i <= count; i++) {
        if (i < count && values[i] == values[start])
            continue;
        if (i - start > best_run) {
            best_run = i - start;
            best = values[start];
        }
        start = i;
    }
    return best;
}

static double fit_fill(const struct qn_action *action, double *finite, size_t count)
{
    const char *with = qn__option_text(action, "with");
    if (strcmp(with, "constant") == 0)
        return json_number_value(qn__option(action, "value"));
    if (count == 0)
        return 0; /* Nothing was there to learn from. */
    if (strcmp(with, "mean") == 0)
        return qn__mean(finite, count);
    return strcmp(with, "mode") == 0 ? mode(finite, count) : qn__quantile(finite, count, 0.5);
}

static void fit_clip(const struct qn_action *action, double *finite, size_t count, double *low,
                     double *high)
{
    const json_t *bounds = qn__option(action, "bounds");
    if (bounds) {
        *low = json_number_value(json_array_get(bounds, 0));
        *high = json_number_value(json_array_get(bounds, 1));
        return;
    }
    const json_t *levels = qn__option(action, "quantiles");
    *low = -DBL_MAX;
    *high = DBL_MAX;
    if (count == 0)
        return;
    *low = qn__quantile(finite, count, json_number_value(json_array_get(levels, 0)));
    *high = qn__quantile(finite, count, json_number_value(json_array_get(levels, 1)));
}

static void fit_scale(const struct qn_action *action, double *finite, size_t count, double *centre,
                      double *width)
{
    const char *how = qn__option_text(action, "how");
    *centre = 0;
    *width = 1;
    if (count == 0)
        return;
    double spread = 0;
    if (strcmp(how, "standard") == 0) {
        *centre = qn__mean(finite, count);
        spread = qn__deviation(finite, count, *centre);
        /* What rounding leaves of a constant is not a width. */
        if (spread <= (double)count * DBL_EPSILON * fabs(*centre))
            spread = 0;
    } else if (strcmp(how, "min_max") == 0) {
        double low = finite[0], high = finite[0];
        for (size_t i = 1; i < count; i++) {
            low = finite[i] < low ? finite[i] : low;
            high = finite[i] > high ? finite[i] : high;
        }
        *centre = low;
        spread = high - low;
    } else {
        *centre = qn__quantile(finite, count, 0.5);
        spread = qn__quantile(finite, count, 0.75) - qn__quantile(finite, count, 0.25);
    }
    if (spread >= DBL_MIN) /* Smaller ones would overflow what is divided by them. */
        *width = spread > DBL_MAX ? DBL_MAX : spread;
}

void qn__number_fit(const struct qn__step *step, size_t j, const double *values, size_t row_count,
                    double *scratch)
{
    const struct qn_action *action = step->action;
    size_t count = gather_finite(values, row_count, scratch);
    double *numbers = step->numbers;
    switch (action->kind) {
    case QN_ACTION_IMPUTE:
        numbers[j] = fit_fill(action, scratch, count);
        break;
    case QN_ACTION_CLIP:
        fit_clip(action, scratch, count, &numbers[2 * j], &numbers[2 * j + 1]);
        break;
    case QN_ACTION_SCALE:
        fit_scale(action, scratch, count, &numbers[2 * j], &numbers[2 * j + 1]);
        break;
    case QN_ACTION_POWER:
        if (step->number_count > 0)
            numbers[j] = qn__yeo_johnson_fit(scratch, count, scratch + row_count);
        break;
    default:
        break;
    }
}

/* A finite input gives a finite output. */
static double bounded(double x)
{
    return x > DBL_MAX ? DBL_MAX : x < -DBL_MAX ? -DBL_MAX : x;
}

static void apply_power(const struct qn__step *step, size_t j, double *values, size_t row_count)
{
    for (size_t i = 0; i < row_count; i++) {
        double x = values[i];
        if (!isfinite(x))
            continue;
        if (step->number_count > 0)
            values[i] = bounded(qn__yeo_johnson(x, step->numbers[j]));
        else
            values[i] = x < 0 ? -qn_log1p(-x) : qn_log1p(x);
    }
}

void qn__number_apply(const struct qn__step *step, size_t j, double *values, size_t row_count)
{
    const double *numbers = step->numbers;
    switch (step->action->kind) {
    case QN_ACTION_IMPUTE:
        for (size_t i = 0; i < row_count; i++)
            values[i] = isfinite(values[i]) ? values[i] : numbers[j];
        break;
    case QN_ACTION_CLIP:
        for (size_t i = 0; i < row_count; i++) {
            double x = values[i];
            x = x < numbers[2 * j] ? numbers[2 * j] : x;
            values[i] = x > numbers[2 * j + 1] ? numbers[2 * j + 1] : x;
        }
        break;
    case QN_ACTION_SCALE:
        for (size_t i = 0; i < row_count; i++) {
            double scaled = (values[i] - numbers[2 * j]) / numbers[2 * j + 1];
            values[i] = isfinite(values[i]) ? bounded(scaled) : values[i];
        }
        break;
    case QN_ACTION_POWER:
        apply_power(step, j, values, row_count);
        break;
    default:
        break;
    }
}
