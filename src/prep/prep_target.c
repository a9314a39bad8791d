/* Target encoding (Micci-Barreca, "A preprocessing scheme for high-cardinality categorical
 * attributes", SIGKDD Explorations 2001): a level becomes the mean of the target over its rows,
 * shrunk to the overall mean m,
 *
 *     s y + (1 - s) m   with   s = v n / (v n + w),
 *
 * where y, w and n are mean, variance and number of the level's rows and v is the variance of all:
 * the empirical Bayes estimate. A given `smooth` c makes it (sum + c m) / (n + c). Training rows
 * get the encoding of the other folds, so that no row sees its own target. Weights do not count. */
#include "prep/prep_internal.h"

#include "base/alloc.h"
#include "base/random.h"

#include <math.h>

struct encoder {
    const struct qn_target *target;
    const int32_t *levels;
    const uint8_t *folds;            /* of each row */
    size_t level_count;              /* with the one of missing values at the end */
    double smooth;                   /* < 0: auto */
    double *sums, *squares, *counts; /* level_count */
};

/* What output j of a row is a mean of: the value, or whether the class is j's. */
static double target_of(const struct qn_target *target, size_t row, size_t j)
{
    if (target->values)
        return target->values[row];
    size_t wanted = target->class_count == 2 ? 1 : j;
    return (size_t)target->classes[row] == wanted ? 1 : 0;
}

static size_t slot_of(const struct encoder *encoder, size_t row)
{
    return encoder->levels[row] >= 0 ? (size_t)encoder->levels[row] : encoder->level_count - 1;
}

/* Encodings of output j from all rows but those of `fold` (-1: from all) into out: level_count
 * values and the overall mean. */
static void encode(const struct encoder *encoder, size_t j, int fold, double *out)
{
    size_t row_count = encoder->target->row_count, used = 0;
    double total = 0, variance = 0;
    for (size_t c = 0; c < encoder->level_count; c++)
        encoder->sums[c] = encoder->squares[c] = encoder->counts[c] = 0;
    for (size_t i = 0; i < row_count; i++) {
        if (encoder->folds[i] == fold)
            continue;
        double y = target_of(encoder->target, i, j);
        size_t slot = slot_of(encoder, i);
        encoder->sums[slot] += y;
        encoder->counts[slot] += 1;
        total += y;
        used++;
    }
    double mean = used > 0 ? total / (double)used : 0;
    for (size_t i = 0; i < row_count; i++) {
        if (encoder->folds[i] == fold)
            continue;
        double y = target_of(encoder->target, i, j);
        size_t slot = slot_of(encoder, i);
        double distance = y - encoder->sums[slot] / encoder->counts[slot];
        encoder->squares[slot] += distance * distance;
        variance += (y - mean) * (y - mean);
    }
    variance = used > 0 ? variance / (double)used : 0;
    for (size_t c = 0; c < encoder->level_count; c++) {
        double n = encoder->counts[c];
        double share = variance * n / (variance * n + encoder->squares[c] / n);
        if (encoder->smooth >= 0)
            out[c] = n + encoder->smooth > 0
                         ? (encoder->sums[c] + encoder->smooth * mean) / (n + encoder->smooth)
                         : mean;
        else /* NaN: no rows, or a constant target */
            out[c] = isnan(share) ? mean : share * (encoder->sums[c] / n) + (1 - share) * mean;
    }
    out[encoder->level_count] = mean;
}

static void assign_folds(uint8_t *folds, size_t *order, size_t row_count, size_t fold_count,
                         uint64_t seed, uint64_t stream)
{
    struct qn_random random;
    qn_random_init(&random, seed, stream);
    for (size_t i = 0; i < row_count; i++)
        order[i] = i;
    qn_random_shuffle(&random, order, row_count);
    for (size_t i = 0; i < row_count; i++)
        folds[order[i]] = (uint8_t)(i % fold_count);
}

enum qn_status qn__target_fit(const struct qn__column *column, struct qn__step *step,
                              const int32_t *levels, const struct qn_target *target, uint64_t seed,
                              double *const *out, struct qn_error *err)
{
    size_t row_count = target->row_count, level_count = column->levels.count + 1;
    size_t fold_count = (size_t)qn__option_number(step->action, "folds");
    const json_t *smooth = qn__option(step->action, "smooth");
    uint8_t *folds = QN_ALLOC(uint8_t, row_count);
    size_t *order = QN_ALLOC(size_t, row_count);
    double *work = QN_ALLOC(double, 4 * level_count + 1);
    enum qn_status status = QN_OK;
    if (!folds || !order || !work) {
        status = qn_fail_nomem(err, "target encoding");
        goto done;
    }
    assign_folds(folds, order, row_count, fold_count, seed, column->recipe_index);
    struct encoder encoder = {.target = target,
                              .levels = levels,
                              .folds = folds,
                              .level_count = level_count,
                              .smooth = json_is_number(smooth) ? json_number_value(smooth) : -1,
                              .sums = work,
                              .squares = work + level_count,
                              .counts = work + 2 * level_count};
    double *encoding = work + 3 * level_count;
    for (size_t j = 0; j < step->output_count; j++) {
        encode(&encoder, j, -1, step->numbers + j * (level_count + 1));
        for (int fold = 0; fold < (int)fold_count; fold++) {
            encode(&encoder, j, fold, encoding);
            for (size_t i = 0; i < row_count; i++) {
                if (folds[i] == fold)
                    out[j][i] = encoding[slot_of(&encoder, i)];
            }
        }
    }
done:
    qn_free(folds);
    qn_free(order);
    qn_free(work);
    return status;
}
