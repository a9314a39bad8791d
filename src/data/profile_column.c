/* The exact figures of one column. */
#include "data/profile_internal.h"

#include "base/numeric.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define QN_LN2 0.69314718055994530942
#define QN_EXACT_WHOLE 9007199254740992.0 /* 2^53 */
#define QN_OUTLIER_SPAN 3.0               /* interquartile ranges beyond the quartiles */

const double qn_profile_quantile_levels[QN_PROFILE_QUANTILES] = {0.01, 0.05, 0.1,  0.25, 0.5,
                                                                 0.75, 0.9,  0.95, 0.99};

char *qn__text(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = size < 0 ? NULL : QN_ALLOC(char, (size_t)size + 1);
    if (!text)
        return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)size + 1, format, args);
    va_end(args);
    return text;
}

bool qn__column_is_identifier(const struct qn_column_profile *column)
{
    if (column->type != QN_TYPE_INTEGER && column->type != QN_TYPE_CATEGORY &&
        column->type != QN_TYPE_TEXT)
        return false;
    return column->count > 1 && column->distinct == column->count;
}

static uint32_t run_size(const struct qn__runs *runs, size_t i)
{
    return i ? runs->ends[i] - runs->ends[i - 1] : runs->ends[0];
}

/* First run that holds the value at a position (from 0) of the sorted column. */
static size_t run_at(const struct qn__runs *runs, size_t position)
{
    size_t low = 0, high = runs->count - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (runs->ends[middle] > position)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* First run with a value of at least `bound` (above it when strictly), or count. */
static size_t run_from(const struct qn__runs *runs, double bound, bool strictly)
{
    const double *values = runs->values;
    size_t low = 0, high = runs->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strictly ? values[middle] > bound : values[middle] >= bound)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* How many values lie before a run. */
static size_t values_before(const struct qn__runs *runs, size_t run)
{
    return run ? runs->ends[run - 1] : 0;
}

/* numpy's "linear": between the two neighbours of position (n - 1) q. */
static double quantile(const struct qn__runs *runs, double level)
{
    const double *values = runs->values;
    double position = (double)(runs->total - 1) * level;
    size_t below = (size_t)position;
    size_t above = below + 1 < runs->total ? below + 1 : below;
    double t = position - (double)below;
    double a = values[run_at(runs, below)], b = values[run_at(runs, above)];
    if (!isfinite(b - a))
        return a * (1.0 - t) + b * t;
    return t >= 0.5 ? b - (b - a) * (1.0 - t) : a + (b - a) * t;
}

/* Median of |x - centre|: the distances below and above the centre are already sorted, so a merge
 * of the two finds the middle ones. */
static double median_deviation(const struct qn__runs *runs, double centre)
{
    const double *values = runs->values;
    size_t lower = (runs->total - 1) / 2, upper = runs->total / 2;
    size_t right = run_from(runs, centre, false), left = right, seen = 0;
    double at_lower = NAN;
    while (left > 0 || right < runs->count) {
        double distance;
        size_t taken;
        bool go_left = left > 0 && (right == runs->count ||
                                    centre - values[left - 1] <= values[right] - centre);
        if (go_left) {
            left--;
            distance = centre - values[left];
            taken = run_size(runs, left);
        } else {
            distance = values[right] - centre;
            taken = run_size(runs, right);
            right++;
        }
        if (seen <= lower && lower < seen + taken)
            at_lower = distance;
        if (seen <= upper && upper < seen + taken)
            return at_lower + (distance - at_lower) / 2;
        seen += taken;
    }
    return NAN;
}

#define QN_BLOCK 256 /* runs summed apart before they join the total, against rounding */

static double mean_of(const struct qn__runs *runs, double pivot)
{
    const double *values = runs->values;
    double n = (double)runs->total, total = 0;
    for (size_t from = 0; from < runs->count; from += QN_BLOCK) {
        size_t to = from + QN_BLOCK < runs->count ? from + QN_BLOCK : runs->count;
        double sum = 0;
        for (size_t i = from; i < to; i++)
            sum += (values[i] - pivot) * run_size(runs, i);
        total += sum;
    }
    double mean = pivot + total / n;
    if (isfinite(mean))
        return mean;
    mean = 0; /* The sum is too large for a double, the mean is not. */
    for (size_t i = 0; i < runs->count; i++)
        mean += values[i] * (run_size(runs, i) / n);
    return mean;
}

static void moments(const struct qn__runs *runs, struct qn_column_profile *out)
{
    const double *values = runs->values;
    double n = (double)runs->total, m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    out->mean = mean_of(runs, values[run_at(runs, (runs->total - 1) / 2)]);
    for (size_t from = 0; from < runs->count; from += QN_BLOCK) {
        size_t to = from + QN_BLOCK < runs->count ? from + QN_BLOCK : runs->count;
        double s1 = 0, s2 = 0, s3 = 0, s4 = 0;
        for (size_t i = from; i < to; i++) {
            double size = run_size(runs, i), d = values[i] - out->mean, d2 = d * d;
            s1 += size * d;
            s2 += size * d2;
            s3 += size * d2 * d;
            s4 += size * d2 * d2;
        }
        m1 += s1;
        m2 += s2;
        m3 += s3;
        m4 += s4;
    }
    /* The mean was rounded; move to where it is. It matters when the spread is tiny beside it. */
    double shift = m1 / n;
    m4 += shift * (shift * (6 * m2 - 3 * n * shift * shift) - 4 * m3);
    m3 += shift * (2 * n * shift * shift - 3 * m2);
    m2 -= n * shift * shift;
    if (runs->count == 1) {
        out->mean = values[0];
        m2 = m3 = m4 = 0;
    }
    out->std = n > 1 && isfinite(m2) ? sqrt(m2 / (n - 1)) : NAN;
    if (n > 2 && m2 > 0)
        out->skewness = n * sqrt(n - 1) / (n - 2) * (m3 / (m2 * sqrt(m2)));
    if (n > 3 && m2 > 0)
        out->kurtosis = n * (n + 1) * (n - 1) * m4 / ((n - 2) * (n - 3) * m2 * m2) -
                        3 * (n - 1) * (n - 1) / ((n - 2) * (n - 3));
    if (!isfinite(out->skewness))
        out->skewness = NAN;
    if (!isfinite(out->kurtosis))
        out->kurtosis = NAN;
}

/* Edges of the histogram; returns how many bins there are. */
static size_t bin_edges(const struct qn__runs *runs, bool whole, double *edges)
{
    const double *values = runs->values;
    double low = values[0], high = values[runs->count - 1];
    if (whole && high - low < QN_EXACT_WHOLE && fabs(low) < QN_EXACT_WHOLE &&
        fabs(high) < QN_EXACT_WHOLE) {
        double width = ceil((high - low + 1) / QN_PROFILE_BINS);
        size_t count = (size_t)ceil((high - low + 1) / width);
        for (size_t i = 0; i <= count; i++)
            edges[i] = low - 0.5 + (double)i * width;
        return count;
    }
    double step = (high - low) / QN_PROFILE_BINS;
    if (!isfinite(step) || step <= 0)
        return 0;
    for (size_t i = 0; i < QN_PROFILE_BINS; i++)
        edges[i] = low + (double)i * step;
    edges[QN_PROFILE_BINS] = high;
    return QN_PROFILE_BINS;
}

/* Whole numbers in a column of numbers: counts that were read beside missing values, say. */
static bool all_whole(const struct qn__runs *runs)
{
    const double *values = runs->values;
    for (size_t i = 0; i < runs->count; i++) {
        if (values[i] != floor(values[i]))
            return false;
    }
    return true;
}

static void histogram(const struct qn__runs *runs, bool whole, struct qn_column_profile *out)
{
    out->bin_count = bin_edges(runs, whole, out->bin_edges);
    size_t before = 0;
    for (size_t i = 0; i < out->bin_count; i++) {
        bool last = i + 1 == out->bin_count;
        size_t to =
            last ? runs->total : values_before(runs, run_from(runs, out->bin_edges[i + 1], false));
        out->bin_counts[i] = to - before;
        before = to;
    }
}

static void count_regions(const struct qn__runs *runs, struct qn_column_profile *out)
{
    size_t below = run_from(runs, 0.0, false), above = run_from(runs, 0.0, true);
    out->negatives = values_before(runs, below);
    out->zeros = values_before(runs, above) - out->negatives;
    double q1 = out->quantiles[3], q3 = out->quantiles[5], span = QN_OUTLIER_SPAN * (q3 - q1);
    out->outliers = values_before(runs, run_from(runs, q1 - span, false)) + runs->total -
                    values_before(runs, run_from(runs, q3 + span, true));
}

/* Gaps between neighbours in time; needs the runs as doubles, and uses up the other buffers. */
static void gaps(const struct qn__runs *runs, struct qn__scratch *scratch,
                 struct qn_column_profile *out)
{
    if (runs->count < 2)
        return;
    const double *values = runs->values;
    uint64_t *lent = scratch->keys, *spare = scratch->keys_spare;
    if (runs->values == (void *)lent) {
        scratch->keys = spare;
        scratch->keys_spare = lent;
    }
    size_t count = runs->count - 1;
    out->gap_max = 0;
    for (size_t i = 0; i < count; i++) {
        double gap = values[i + 1] - values[i];
        if (gap > out->gap_max) {
            out->gap_max = gap;
            out->gap_max_at = values[i];
        }
        scratch->keys[i] = (uint64_t)gap;
    }
    qn__sort(scratch, count, false); /* The runs' values are gone after this. */
    size_t below = (count - 1) / 2, above = count / 2;
    double lower = (double)scratch->keys[below], upper = (double)scratch->keys[above];
    out->gap_median = lower + (upper - lower) / 2;
}

/* Indices of the (at most QN_PROFILE_TOP) largest counts, ties to the smaller index. */
struct top_list {
    size_t index[QN_PROFILE_TOP];
    size_t size[QN_PROFILE_TOP];
    size_t count;
};

static void top_offer(struct top_list *top, size_t index, size_t size)
{
    if (top->count == QN_PROFILE_TOP && size <= top->size[QN_PROFILE_TOP - 1])
        return;
    size_t at = top->count < QN_PROFILE_TOP ? top->count++ : QN_PROFILE_TOP - 1;
    for (; at > 0 && top->size[at - 1] < size; at--) {
        top->index[at] = top->index[at - 1];
        top->size[at] = top->size[at - 1];
    }
    top->index[at] = index;
    top->size[at] = size;
}

static char *text_of_value(const struct qn__runs *runs, size_t i, enum qn_type type)
{
    char number[QN_NUMBER_TEXT_SIZE];
    if (!runs->whole) {
        qn_format_double(((const double *)runs->values)[i], number);
        return qn_strdup(number);
    }
    int64_t value = ((const int64_t *)runs->values)[i];
    if (type == QN_TYPE_BOOLEAN)
        return qn_strdup(value ? "true" : "false");
    if (type == QN_TYPE_INTEGER)
        return qn__text("%" PRId64, value);
    /* A one-cell column formats dates as everywhere else. */
    struct qn_column cell = {.type = type, .values = {.integer = &value}};
    char text[64];
    qn_column_format(&cell, 0, text, sizeof(text));
    return qn_strdup(text);
}

/* The commonest values; none when all differ and there are many: a sample would say nothing. */
static enum qn_status top_values(const struct qn__runs *runs, struct qn_column_profile *out)
{
    if (runs->count == runs->total && runs->count > QN_PROFILE_TOP)
        return QN_OK;
    struct top_list top = {.count = 0};
    for (size_t i = 0; i < runs->count; i++)
        top_offer(&top, i, run_size(runs, i));
    for (size_t i = 0; i < top.count; i++) {
        char *text = text_of_value(runs, top.index[i], out->type);
        if (!text)
            return QN_NOMEM;
        out->top[out->top_count++] = (struct qn_top){text, top.size[i]};
    }
    return QN_OK;
}

static double entropy_add(size_t size, size_t total)
{
    double p = (double)size / (double)total;
    return -p * qn_log(p) / QN_LN2;
}

static void no_figures(struct qn_column_profile *out)
{
    out->min = out->max = out->mean = out->std = out->skewness = out->kurtosis = NAN;
    out->median_deviation = out->gap_median = out->gap_max = out->gap_max_at = NAN;
    out->entropy = out->length_mean = NAN;
    for (size_t i = 0; i < QN_PROFILE_QUANTILES; i++)
        out->quantiles[i] = NAN;
}

static enum qn_status describe_values(struct qn__work *work, size_t index, unsigned thread)
{
    const struct qn_column *column = &work->table->columns[index];
    struct qn_column_profile *out = &work->profile->columns[index];
    struct qn__facts *facts = &work->facts[index];
    struct qn__scratch *scratch = &work->scratch[thread];
    struct qn__runs runs;
    unsigned infinite_signs;
    bool whole = column->type != QN_TYPE_NUMBER;
    qn__runs_make(column, work->table->row_count, scratch, facts->ranks, out, &runs,
                  &infinite_signs);
    facts->finite = runs.total;
    facts->complete = runs.total == work->table->row_count;
    if (runs.total == 0)
        return QN_OK;
    if (whole) {
        const int64_t *integers = runs.values;
        out->integer_min = integers[0];
        out->integer_max = integers[runs.count - 1];
    }
    enum qn_status status = top_values(&runs, out);
    if (status != QN_OK)
        return status;
    qn__runs_to_double(&runs);
    const double *values = runs.values;
    out->min = values[0];
    out->max = values[runs.count - 1];
    for (size_t i = 0; i < QN_PROFILE_QUANTILES; i++)
        out->quantiles[i] = quantile(&runs, qn_profile_quantile_levels[i]);
    moments(&runs, out);
    facts->centre = out->mean;
    out->median_deviation = median_deviation(&runs, quantile(&runs, 0.5));
    count_regions(&runs, out);
    histogram(&runs, whole || all_whole(&runs), out);
    if (column->type == QN_TYPE_BOOLEAN) {
        out->entropy = 0;
        for (size_t i = 0; i < runs.count; i++)
            out->entropy += entropy_add(run_size(&runs, i), runs.total);
    }
    if (column->type == QN_TYPE_DATE || column->type == QN_TYPE_DATETIME)
        gaps(&runs, scratch, out);
    return QN_OK;
}

static size_t character_count(const char *text, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

/* Lengths, entropy, numbers in disguise and the commonest values, from how often each code is. */
static enum qn_status describe_counts(const struct qn_dictionary *dictionary,
                                      const uint32_t *counts, struct qn_column_profile *out)
{
    struct top_list top = {.count = 0};
    double characters = 0;
    out->length_min = SIZE_MAX;
    out->entropy = 0;
    for (size_t code = 0; code < dictionary->count; code++) {
        if (!counts[code])
            continue;
        size_t size, length;
        double number;
        const char *text = qn_dictionary_text(dictionary, (int32_t)code, &size);
        length = character_count(text, size);
        out->distinct++;
        out->length_min = length < out->length_min ? length : out->length_min;
        out->length_max = length > out->length_max ? length : out->length_max;
        characters += (double)length * counts[code];
        out->entropy += entropy_add(counts[code], out->count);
        out->numeric_looking += qn_parse_double(text, size, &number) ? counts[code] : 0;
        top_offer(&top, code, counts[code]);
    }
    out->length_mean = characters / (double)out->count;
    for (size_t i = 0; i < top.count; i++) {
        size_t size;
        const char *text = qn_dictionary_text(dictionary, (int32_t)top.index[i], &size);
        char *copy = qn_strndup(text, size);
        if (!copy)
            return QN_NOMEM;
        out->top[out->top_count++] = (struct qn_top){copy, top.size[i]};
    }
    return QN_OK;
}

/* Numbers the codes that occur, when they are few enough to be paired with other columns. */
static enum qn_status number_levels(struct qn__work *work, size_t index, const uint32_t *counts)
{
    struct qn__facts *facts = &work->facts[index];
    const struct qn_dictionary *dictionary = &work->table->columns[index].dictionary;
    size_t limit = work->options->association_level_limit;
    size_t distinct = work->profile->columns[index].distinct;
    if (!facts->associated || distinct > limit || distinct > QN__LEVEL_MAX) {
        facts->associated = false;
        return QN_OK;
    }
    facts->level = QN_CALLOC(uint16_t, dictionary->count + 1);
    if (!facts->level)
        return QN_NOMEM;
    for (size_t code = 0; code < dictionary->count; code++) {
        if (counts[code])
            facts->level[code + 1] = (uint16_t)++facts->level_count;
    }
    return QN_OK;
}

static enum qn_status describe_codes(struct qn__work *work, size_t index)
{
    const struct qn_column *column = &work->table->columns[index];
    struct qn_column_profile *out = &work->profile->columns[index];
    size_t row_count = work->table->row_count, present = 0;
    uint32_t *counts = QN_CALLOC(uint32_t, column->dictionary.count);
    if (!counts)
        return QN_NOMEM;
    for (size_t row = 0; row < row_count; row++) {
        int32_t code = column->values.code[row];
        if (code < 0)
            continue;
        counts[code]++;
        present++;
    }
    out->count = present;
    out->missing = row_count - present;
    work->facts[index].complete = out->missing == 0;
    work->facts[index].finite = present;
    enum qn_status status = QN_OK;
    if (present > 0)
        status = describe_counts(&column->dictionary, counts, out);
    if (status == QN_OK)
        status = number_levels(work, index, counts);
    qn_free(counts);
    return status;
}

enum qn_status qn__column_describe(struct qn__work *work, size_t index, unsigned thread)
{
    const struct qn_column *column = &work->table->columns[index];
    struct qn_column_profile *out = &work->profile->columns[index];
    out->name = column->name;
    out->type = column->type;
    no_figures(out);
    return qn_type_is_coded(column->type) ? describe_codes(work, index)
                                          : describe_values(work, index, thread);
}
