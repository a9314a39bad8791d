#include "learn/binned.h"

#include "base/alloc.h"
#include "base/random.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* Cut points of features with many values come from a sample of at most this many rows; more would
 * move a cut by less than a hundredth of a bin. */
#define QN_SAMPLE_ROWS ((size_t)200000)
#define QN_SAMPLE_STREAM 0xb1b5u
#define QN_CODE_ROWS ((size_t)65536) /* rows of one coding task */
#define QN_LANES 16                  /* binary searches that run side by side */
#define QN_SLOTS 1024u               /* of the table that counts distinct values, a power of 2 */
#define QN_DIGIT_BITS 11u
#define QN_DIGITS (1u << QN_DIGIT_BITS)
#define QN_VALUE_BINS ((size_t)(QN_BIN_LIMIT - QN_BIN_FIRST))

/* What one thread needs while it finds cut points. */
struct scratch {
    uint64_t *keys, *spare; /* own; as long as the sample or the longest list of levels */
    uint64_t *counts;       /* owns; rows of each level */
    uint64_t slots[QN_SLOTS];
    bool used[QN_SLOTS];
    size_t digits[QN_DIGITS];
};

struct job {
    const struct qn_features *features;
    struct qn_binned *binned;
    const size_t *rows; /* NULL: all */
    size_t row_count;
    const size_t *sample; /* NULL: all of `rows` */
    size_t sample_count;
    size_t bin_limit;
    struct scratch *scratch; /* one a thread */
};

/* Doubles as integers of the same order. NaN must not come here; both zeros are one value. */
static uint64_t key_of(double value)
{
    uint64_t bits;
    double x = value + 0.0; /* -0 becomes +0 */
    memcpy(&bits, &x, sizeof(bits));
    return bits >> 63 ? ~bits : bits | (UINT64_C(1) << 63);
}

static double value_of(uint64_t key)
{
    uint64_t bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

double qn_binned_midpoint(double lower, double upper)
{
    assert(lower < upper);
    if (isinf(lower) && isinf(upper))
        return 0.0;
    if (isinf(lower))
        return upper > -DBL_MAX ? -DBL_MAX : lower;
    if (isinf(upper))
        return DBL_MAX;
    double middle = (lower + upper) / 2;
    if (!isfinite(middle))
        middle = lower / 2 + upper / 2;
    return middle >= lower && middle < upper ? middle : lower;
}

/* Least significant digit first; digits that all keys share cost one pass of counting only.
 * Returns the array (keys or spare) that holds the result. */
static uint64_t *sort_keys(uint64_t *keys, uint64_t *spare, size_t count, size_t *digits)
{
    for (unsigned shift = 0; shift < 64; shift += QN_DIGIT_BITS) {
        memset(digits, 0, QN_DIGITS * sizeof(*digits));
        for (size_t i = 0; i < count; i++)
            digits[(keys[i] >> shift) & (QN_DIGITS - 1)]++;
        if (count == 0 || digits[(keys[0] >> shift) & (QN_DIGITS - 1)] == count)
            continue;
        size_t at = 0;
        for (size_t d = 0; d < QN_DIGITS; d++) {
            size_t here = digits[d];
            digits[d] = at;
            at += here;
        }
        for (size_t i = 0; i < count; i++)
            spare[digits[(keys[i] >> shift) & (QN_DIGITS - 1)]++] = keys[i];
        uint64_t *sorted = spare;
        spare = keys;
        keys = sorted;
    }
    return keys;
}

/* The distinct values of a feature when there are at most `limit`: their keys go to
 * scratch->keys, unsorted. Returns their number, or limit + 1 when there are more. */
static size_t few_values(const struct job *job, const double *values, struct scratch *scratch,
                         size_t limit)
{
    memset(scratch->used, 0, sizeof(scratch->used));
    size_t found = 0;
    for (size_t i = 0; i < job->row_count; i++) {
        double value = values[job->rows ? job->rows[i] : i];
        if (isnan(value))
            continue;
        uint64_t key = key_of(value);
        size_t slot = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 54) & (QN_SLOTS - 1);
        while (scratch->used[slot] && scratch->slots[slot] != key)
            slot = (slot + 1) & (QN_SLOTS - 1);
        if (scratch->used[slot])
            continue;
        if (found == limit)
            return limit + 1;
        scratch->used[slot] = true;
        scratch->slots[slot] = key;
        scratch->keys[found++] = key;
    }
    return found;
}

/* Values that fill an equal share of the rows alone get a bin of their own; the others are shared
 * out evenly among the bins that remain, in order. Returns the number of cuts, below `limit`. */
static size_t cut_many(const uint64_t *keys, size_t count, size_t limit, double *upper)
{
    size_t heavy_count = 0, light_rows = count;
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && keys[next] == keys[i];)
            next++;
        if ((next - i) * limit >= count) {
            heavy_count++;
            light_rows -= next - i;
        }
    }
    size_t light_bins = limit - heavy_count, cuts = 0, in_bin = 0;
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && keys[next] == keys[i];)
            next++;
        if (next == count)
            break;
        bool close = (next - i) * limit >= count;
        if (!close && light_bins > 1) {
            size_t after = next + 1;
            while (after < count && after - next < (count + limit - 1) / limit &&
                   keys[after] == keys[next])
                after++;
            bool heavy_next = (after - next) * limit >= count;
            in_bin += next - i;
            close = heavy_next || in_bin * light_bins >= light_rows;
            if (close) {
                light_bins--;
                light_rows -= in_bin;
            }
        }
        if (close) {
            upper[cuts++] = qn_binned_midpoint(value_of(keys[next - 1]), value_of(keys[next]));
            in_bin = 0;
        }
    }
    assert(cuts < limit);
    return cuts;
}

static void cut_numeric(const struct job *job, size_t f, struct scratch *scratch)
{
    struct qn_binned_feature *feature = &job->binned->features[f];
    const double *values = job->features->columns[f].values;
    size_t count = few_values(job, values, scratch, job->bin_limit), cuts = 0;
    if (count <= job->bin_limit) {
        const uint64_t *keys = sort_keys(scratch->keys, scratch->spare, count, scratch->digits);
        for (; cuts + 1 < count; cuts++)
            feature->upper[cuts] =
                qn_binned_midpoint(value_of(keys[cuts]), value_of(keys[cuts + 1]));
    } else {
        count = 0;
        for (size_t i = 0; i < job->sample_count; i++) {
            size_t at = job->sample ? job->sample[i] : i;
            double value = values[job->rows ? job->rows[at] : at];
            if (!isnan(value))
                scratch->keys[count++] = key_of(value);
        }
        const uint64_t *keys = sort_keys(scratch->keys, scratch->spare, count, scratch->digits);
        cuts = cut_many(keys, count, job->bin_limit, feature->upper);
    }
    feature->bin_count = (uint16_t)(cuts + 1 + QN_BIN_FIRST);
}

/* The most frequent levels get bins; of equally frequent ones those with the lower number. */
static void cut_levels(const struct job *job, size_t f, struct scratch *scratch)
{
    struct qn_binned_feature *feature = &job->binned->features[f];
    const int32_t *levels = job->features->columns[f].levels;
    size_t level_count = (size_t)feature->level_count, seen = 0;
    memset(scratch->counts, 0, level_count * sizeof(*scratch->counts));
    for (size_t i = 0; i < job->row_count; i++) {
        int32_t level = levels[job->rows ? job->rows[i] : i];
        if (level >= 0 && level < feature->level_count)
            scratch->counts[level]++;
    }
    for (size_t l = 0; l < level_count; l++) {
        uint64_t rows = scratch->counts[l] < UINT32_MAX ? scratch->counts[l] : UINT32_MAX;
        feature->bin_of_level[l] = QN_BIN_OTHER;
        if (rows > 0)
            scratch->keys[seen++] = (UINT32_MAX - rows) << 32 | l;
    }
    const uint64_t *keys = sort_keys(scratch->keys, scratch->spare, seen, scratch->digits);
    if (seen > job->bin_limit)
        seen = job->bin_limit;
    for (size_t i = 0; i < seen; i++)
        feature->bin_of_level[keys[i] & UINT32_MAX] = QN_BIN_FIRST;
    unsigned bin = QN_BIN_FIRST;
    for (size_t l = 0; l < level_count; l++) {
        if (feature->bin_of_level[l] == QN_BIN_FIRST)
            feature->bin_of_level[l] = (uint8_t)bin++;
    }
    feature->bin_count = (uint16_t)bin;
}

static void cut_task(void *context, size_t f, unsigned thread)
{
    const struct job *job = context;
    if (job->features->columns[f].kind == QN_FEATURE_NUMERIC)
        cut_numeric(job, f, &job->scratch[thread]);
    else
        cut_levels(job, f, &job->scratch[thread]);
}

/* Codes of values[0..count): a search over all cut points, padded to a power of 2, in which each
 * step is the same for every value, so that nothing is predicted and QN_LANES of them overlap. */
static void code_values(const struct qn_binned_feature *feature, const double *values, size_t count,
                        uint8_t *codes)
{
    double upper[QN_BIN_LIMIT];
    unsigned cut_count = feature->bin_count - 1u - QN_BIN_FIRST, half = 1;
    for (unsigned i = 0; i < QN_BIN_LIMIT; i++)
        upper[i] = i < cut_count ? feature->upper[i] : INFINITY;
    while (half < cut_count + 1)
        half *= 2;
    for (size_t at = 0; at < count; at += QN_LANES) {
        double x[QN_LANES];
        unsigned bin[QN_LANES] = {0};
        size_t lanes = count - at < QN_LANES ? count - at : QN_LANES;
        memset(x, 0, sizeof(x));
        memcpy(x, values + at, lanes * sizeof(*x));
        for (unsigned step = half / 2; step > 0; step /= 2) {
            for (unsigned l = 0; l < QN_LANES; l++)
                bin[l] += x[l] > upper[bin[l] + step - 1] ? step : 0;
        }
        for (size_t l = 0; l < lanes; l++)
            codes[at + l] =
                isnan(x[l]) ? (uint8_t)QN_BIN_MISSING : (uint8_t)(bin[l] + QN_BIN_FIRST);
    }
}

uint8_t qn_binned_code(const struct qn_binned_feature *feature, double value, int32_t level)
{
    uint8_t code;
    if (feature->kind == QN_FEATURE_NUMERIC) {
        code_values(feature, &value, 1, &code);
        return code;
    }
    if (level == QN_LEVEL_MISSING)
        return QN_BIN_MISSING;
    return level >= 0 && level < feature->level_count ? feature->bin_of_level[level]
                                                      : (uint8_t)QN_BIN_OTHER;
}

static void code_task(void *context, size_t index, unsigned thread)
{
    (void)thread;
    const struct job *job = context;
    const struct qn_binned *binned = job->binned;
    size_t f = index % binned->feature_count;
    size_t first = index / binned->feature_count * QN_CODE_ROWS;
    size_t count = binned->row_count - first;
    uint8_t *codes = binned->columns + f * binned->stride + first;
    const struct qn_feature *column = &job->features->columns[f];
    if (count > QN_CODE_ROWS)
        count = QN_CODE_ROWS;
    if (column->kind == QN_FEATURE_NUMERIC) {
        code_values(&binned->features[f], column->values + first, count, codes);
        return;
    }
    for (size_t i = 0; i < count; i++)
        codes[i] = qn_binned_code(&binned->features[f], 0, column->levels[first + i]);
}

/* One row of each of equally long stretches: spread evenly, without a period of its own. */
static void draw_sample(size_t *sample, size_t count, size_t total)
{
    struct qn_random random;
    qn_random_init(&random, 0, QN_SAMPLE_STREAM);
    size_t width = total / count, longer = total % count, at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t here = width + (i < longer);
        sample[i] = at + qn_random_below(&random, here);
        at += here;
    }
}

static struct qn_binned *create_empty(const struct qn_features *features)
{
    size_t stride = (features->row_count + 63) / 64 * 64;
    struct qn_binned *binned = QN_CALLOC(struct qn_binned, 1);
    if (!binned)
        return NULL;
    binned->row_count = features->row_count;
    binned->feature_count = features->feature_count;
    binned->stride = stride;
    binned->features = QN_CALLOC(struct qn_binned_feature, features->feature_count);
    binned->columns = (uint8_t *)qn_calloc(features->feature_count, stride);
    bool failed = !binned->features || !binned->columns;
    for (size_t f = 0; f < features->feature_count && !failed; f++) {
        const struct qn_feature *column = &features->columns[f];
        struct qn_binned_feature *feature = &binned->features[f];
        feature->kind = column->kind;
        feature->level_count = column->level_count;
        if (column->kind == QN_FEATURE_NUMERIC) {
            feature->upper = QN_CALLOC(double, QN_VALUE_BINS);
            failed = !feature->upper;
        } else {
            feature->bin_of_level = QN_CALLOC(uint8_t, (size_t)column->level_count);
            failed = !feature->bin_of_level;
        }
    }
    if (failed) {
        qn_binned_free(binned);
        return NULL;
    }
    return binned;
}

static bool scratch_create(struct job *job, unsigned threads)
{
    size_t longest = job->sample_count, levels = 1;
    for (size_t f = 0; f < job->features->feature_count; f++) {
        const struct qn_feature *column = &job->features->columns[f];
        if (column->kind == QN_FEATURE_CATEGORICAL && (size_t)column->level_count > levels)
            levels = (size_t)column->level_count;
    }
    if (longest < levels)
        longest = levels;
    if (longest < QN_VALUE_BINS)
        longest = QN_VALUE_BINS;
    job->scratch = QN_CALLOC(struct scratch, threads);
    if (!job->scratch)
        return false;
    for (unsigned t = 0; t < threads; t++) {
        struct scratch *scratch = &job->scratch[t];
        scratch->keys = QN_ALLOC(uint64_t, longest);
        scratch->spare = QN_ALLOC(uint64_t, longest);
        scratch->counts = QN_ALLOC(uint64_t, levels);
        if (!scratch->keys || !scratch->spare || !scratch->counts)
            return false;
    }
    return true;
}

static void scratch_free(struct scratch *scratch, unsigned threads)
{
    for (unsigned t = 0; scratch && t < threads; t++) {
        qn_free(scratch[t].keys);
        qn_free(scratch[t].spare);
        qn_free(scratch[t].counts);
    }
    qn_free(scratch);
}

enum qn_status qn_binned_create(const struct qn_features *features, const size_t *rows,
                                size_t row_count, size_t bin_limit, struct qn_pool *pool,
                                struct qn_binned **out, struct qn_error *err)
{
    assert(bin_limit >= 2 && bin_limit <= QN_VALUE_BINS);
    enum qn_status status = QN_OK;
    unsigned threads = qn_pool_threads(pool);
    struct job job = {.features = features, .rows = rows, .bin_limit = bin_limit};
    size_t *sample = NULL;
    job.row_count = rows ? row_count : features->row_count;
    job.sample_count = job.row_count < QN_SAMPLE_ROWS ? job.row_count : QN_SAMPLE_ROWS;
    if (job.sample_count < job.row_count)
        sample = QN_ALLOC(size_t, job.sample_count);
    job.binned = create_empty(features);
    if (!job.binned || !scratch_create(&job, threads) ||
        (job.sample_count < job.row_count && !sample)) {
        status = qn_fail_nomem(err, "binning the features");
        goto done;
    }
    if (sample)
        draw_sample(sample, job.sample_count, job.row_count);
    job.sample = sample;
    qn_pool_run(pool, features->feature_count, cut_task, &job);
    size_t blocks = (features->row_count + QN_CODE_ROWS - 1) / QN_CODE_ROWS;
    qn_pool_run(pool, features->feature_count * blocks, code_task, &job);
    *out = job.binned;
    job.binned = NULL;
done:
    qn_free(sample);
    scratch_free(job.scratch, threads);
    qn_binned_free(job.binned);
    return status;
}

void qn_binned_free(struct qn_binned *binned)
{
    if (!binned)
        return;
    for (size_t f = 0; binned->features && f < binned->feature_count; f++) {
        qn_free(binned->features[f].upper);
        qn_free(binned->features[f].bin_of_level);
    }
    qn_free(binned->features);
    qn_free(binned->columns);
    qn_free(binned);
}

const uint8_t *qn_binned_column(const struct qn_binned *binned, size_t feature)
{
    assert(feature < binned->feature_count);
    return binned->columns + feature * binned->stride;
}
