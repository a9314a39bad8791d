/* The rounds of boosting: sampling, a tree for each output, scores, early stopping. */
#include "learn/boosting_internal.h"

#include "base/alloc.h"
#include "base/random.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define QN_BLOCK_ROWS ((size_t)8192)

/* Random streams of a seed. */
enum { QN_STREAM_HOLD_OUT = 1, QN_STREAM_ROWS, QN_STREAM_FEATURES, QN_STREAM_ROUNDING };

/* How large a tree list was, to go back to. */
struct mark {
    size_t tree_count, node_count, value_count, set_count;
};

struct fitter {
    const struct qn_fit *fit;
    const struct qn_boosting_options *options;
    uint32_t *training, *validation; /* own; rows, rising */
    size_t training_count, validation_count;
    uint32_t *outside; /* owns; rows that the current trees do not see */
    size_t outside_count, bag_count;
    struct qn_binned *binned; /* owns, as all below */
    struct qn__store *store;
    struct qn__loss *loss;
    struct qn__quantised *quantised;
    struct qn__grower *grower;
    uint8_t *slot_in;
    size_t *slot_order;
    struct qn_trees **trees; /* one list an output */
    struct mark *marks;      /* of the best round, one an output */
    double *history;
    size_t history_count, history_capacity;
    size_t round_count, best_round;
};

static enum qn_status no_memory(struct qn_error *err)
{
    return qn_fail_nomem(err, "gradient_boosting");
}

static struct qn_random stream_of(const struct fitter *fitter, unsigned stream, size_t index)
{
    struct qn_random random;
    qn_random_init(&random, fitter->fit->seed, (uint64_t)index << 8 | stream);
    return random;
}

/* ---- rows ---- */

/* Algorithm S (Knuth, TAOCP 2, 3.4.2): a sample without replacement, in order. Those drawn go to
 * `in`, the others to `out`. */
static void sample(struct qn_random *random, const uint32_t *rows, size_t row_count, size_t wanted,
                   uint32_t *in, uint32_t *out, size_t *out_count)
{
    for (size_t i = 0, drawn = 0; i < row_count; i++) {
        if (qn_random_below(random, row_count - i) < wanted - drawn)
            in[drawn++] = rows[i];
        else
            out[(*out_count)++] = rows[i];
    }
}

static size_t share_of(double share, size_t count)
{
    size_t part = (size_t)floor(share * (double)count + 0.5);
    return part < 1 ? 1 : part > count ? count : part;
}

/* Marks the rows to hold out: of each class the same share (regression: of all). */
static enum qn_status hold_out(struct fitter *fitter, struct qn_error *err)
{
    const struct qn_target *target = fitter->fit->target;
    size_t class_count = target->classes ? target->class_count : 1;
    size_t n = fitter->training_count;
    size_t *wanted = QN_CALLOC(size_t, class_count), *left = QN_CALLOC(size_t, class_count);
    if (!wanted || !left) {
        qn_free(wanted);
        qn_free(left);
        return no_memory(err);
    }
    for (size_t i = 0; i < n; i++)
        left[target->classes ? target->classes[fitter->training[i]] : 0]++;
    /* Rounded as a running total, so that many small classes together give their share too. */
    for (size_t k = 0, before = 0, taken = 0; k < class_count; k++) {
        before += left[k];
        size_t due = (size_t)floor(fitter->options->validation_fraction * (double)before + 0.5);
        wanted[k] = due - taken;
        taken = due;
    }
    struct qn_random random = stream_of(fitter, QN_STREAM_HOLD_OUT, 0);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = fitter->training[i];
        size_t class = target->classes ? (size_t)target->classes[row] : 0;
        if (qn_random_below(&random, left[class]--) < wanted[class]) {
            wanted[class]--;
            fitter->validation[fitter->validation_count++] = row;
        } else {
            fitter->training[kept++] = row;
        }
    }
    fitter->training_count = kept;
    qn_free(wanted);
    qn_free(left);
    if (fitter->validation_count == 0 || kept == 0)
        return qn_fail(err, QN_INVALID,
                       "early_stopping_rounds: %zu rows are too few to hold out a share of %g; "
                       "use more rows or turn it off",
                       n, fitter->options->validation_fraction);
    return QN_OK;
}

/* Rows without weight take no part. */
static enum qn_status choose_rows(struct fitter *fitter, struct qn_error *err)
{
    const struct qn_target *target = fitter->fit->target;
    size_t n = target->row_count;
    if (n == 0)
        return qn_fail(err, QN_INVALID, "gradient_boosting: there are no rows to learn from");
    if (n > UINT32_MAX)
        return qn_fail(err, QN_UNSUPPORTED, "gradient_boosting: %zu rows; at most %u are supported",
                       n, UINT32_MAX);
    fitter->training = QN_ALLOC(uint32_t, n);
    fitter->validation = QN_ALLOC(uint32_t, n);
    fitter->outside = QN_ALLOC(uint32_t, n);
    if (!fitter->training || !fitter->validation || !fitter->outside)
        return no_memory(err);
    for (size_t row = 0; row < n; row++) {
        if (!target->weights || target->weights[row] > 0)
            fitter->training[fitter->training_count++] = (uint32_t)row;
    }
    assert(fitter->training_count > 0);
    return fitter->options->early_stopping_rounds > 0 ? hold_out(fitter, err) : QN_OK;
}

static enum qn_status bin_features(struct fitter *fitter, struct qn_error *err)
{
    const struct qn_fit *fit = fitter->fit;
    size_t *rows = NULL;
    if (fitter->training_count < fit->target->row_count) {
        rows = QN_ALLOC(size_t, fitter->training_count);
        if (!rows)
            return no_memory(err);
        for (size_t i = 0; i < fitter->training_count; i++)
            rows[i] = fitter->training[i];
    }
    enum qn_status status =
        qn_binned_create(fit->features, rows, fitter->training_count,
                         (size_t)fitter->options->max_bins, fit->pool, &fitter->binned, err);
    qn_free(rows);
    return status;
}

static enum qn_status create_trees(struct fitter *fitter, struct qn_error *err)
{
    size_t outputs = fitter->loss->output_count;
    fitter->trees = QN_CALLOC(struct qn_trees *, outputs);
    fitter->marks = QN_CALLOC(struct mark, outputs);
    fitter->slot_in = QN_CALLOC(uint8_t, fitter->store->slot_count);
    fitter->slot_order = QN_ALLOC(size_t, fitter->store->slot_count);
    if (!fitter->trees || !fitter->marks || !fitter->slot_in || !fitter->slot_order)
        return no_memory(err);
    for (size_t k = 0; k < outputs; k++) {
        fitter->trees[k] = qn_trees_create(1, fitter->fit->features->feature_count);
        if (!fitter->trees[k])
            return no_memory(err);
    }
    return QN_OK;
}

static enum qn_status prepare(struct fitter *fitter, struct qn_error *err)
{
    const struct qn_fit *fit = fitter->fit;
    enum qn_status status = choose_rows(fitter, err);
    if (status == QN_OK)
        status = bin_features(fitter, err);
    if (status == QN_OK)
        status = qn__store_create(fitter->binned, fit->pool, &fitter->store, err);
    if (status == QN_OK)
        status = qn__loss_create(fit->target, fitter->options->class_weight, fitter->training,
                                 fitter->training_count, &fitter->loss, err);
    if (status == QN_OK)
        status =
            qn__quantised_create(fitter->loss, fitter->training_count, &fitter->quantised, err);
    if (status == QN_OK)
        status = qn__grower_create(fitter->store, fitter->options, fitter->training_count,
                                   fit->pool, &fitter->grower, err);
    if (status != QN_OK)
        return status;
    fitter->grower->quantised = fitter->quantised;
    fitter->grower->gradient = fitter->loss->gradient;
    fitter->grower->hessian = fitter->loss->hessian;
    fitter->grower->longest_step =
        fit->target->task == QN_TASK_REGRESSION ? (double)INFINITY : QN__LONGEST_STEP;
    return create_trees(fitter, err);
}

/* ---- a round ---- */

/* The rows of the round, into the grower. They are drawn again before each of its trees, since
 * growing reorders them. */
static void draw_rows(struct fitter *fitter, size_t round)
{
    fitter->outside_count = 0;
    fitter->bag_count = fitter->training_count;
    if (fitter->options->subsample < 1.0) {
        struct qn_random random = stream_of(fitter, QN_STREAM_ROWS, round);
        fitter->bag_count = share_of(fitter->options->subsample, fitter->training_count);
        sample(&random, fitter->training, fitter->training_count, fitter->bag_count,
               fitter->grower->rows, fitter->outside, &fitter->outside_count);
    } else {
        memcpy(fitter->grower->rows, fitter->training,
               fitter->training_count * sizeof(*fitter->training));
    }
    memcpy(fitter->outside + fitter->outside_count, fitter->validation,
           fitter->validation_count * sizeof(*fitter->validation));
    fitter->outside_count += fitter->validation_count;
}

static void draw_features(struct fitter *fitter, size_t tree)
{
    size_t slots = fitter->store->slot_count;
    fitter->grower->slot_in = NULL;
    if (fitter->options->colsample >= 1.0 || slots == 0)
        return;
    size_t wanted = share_of(fitter->options->colsample, slots);
    struct qn_random random = stream_of(fitter, QN_STREAM_FEATURES, tree);
    for (size_t i = 0; i < slots; i++)
        fitter->slot_order[i] = i;
    qn_random_sample(&random, fitter->slot_order, slots, wanted);
    memset(fitter->slot_in, 0, slots);
    for (size_t i = 0; i < wanted; i++)
        fitter->slot_in[fitter->slot_order[i]] = 1;
    fitter->grower->slot_in = fitter->slot_in;
}

struct update {
    struct fitter *fitter;
    double *scores;
};

static void update_leaf(void *context, size_t index, unsigned thread)
{
    (void)thread;
    const struct update *job = context;
    const struct qn__grower *grower = job->fitter->grower;
    const struct qn__grow_node *node = &grower->nodes[index];
    if (node->left != 0)
        return;
    for (size_t i = node->begin; i < node->begin + node->count; i++)
        job->scores[grower->rows[i]] += node->value;
}

static void update_outside(void *context, size_t index, unsigned thread)
{
    (void)thread;
    const struct update *job = context;
    const struct fitter *fitter = job->fitter;
    size_t end = (index + 1) * QN_BLOCK_ROWS;
    if (end > fitter->outside_count)
        end = fitter->outside_count;
    for (size_t i = index * QN_BLOCK_ROWS; i < end; i++) {
        uint32_t row = fitter->outside[i];
        job->scores[row] += qn__grower_value(fitter->grower, row);
    }
}

static enum qn_status grow_tree(struct fitter *fitter, size_t round, size_t output,
                                struct qn_error *err)
{
    struct qn_pool *pool = fitter->fit->pool;
    struct qn__grower *grower = fitter->grower;
    size_t tree = round * fitter->loss->output_count + output;
    draw_rows(fitter, round);
    draw_features(fitter, tree);
    qn__loss_gradients(fitter->loss, output, pool);
    struct qn_random random = stream_of(fitter, QN_STREAM_ROUNDING, tree);
    qn__quantise(fitter->quantised, fitter->loss, grower->rows, fitter->bag_count,
                 qn_random_u64(&random), pool);
    enum qn_status status = qn__grower_grow(grower, fitter->bag_count, err);
    if (status == QN_OK)
        status = qn__grower_emit(grower, fitter->trees[output], err);
    if (status != QN_OK)
        return status;
    struct update job = {fitter, fitter->loss->scores + output * fitter->loss->row_count};
    qn_pool_run(pool, grower->node_count, update_leaf, &job);
    qn_pool_run(pool, (fitter->outside_count + QN_BLOCK_ROWS - 1) / QN_BLOCK_ROWS, update_outside,
                &job);
    return QN_OK;
}

static void mark_best(struct fitter *fitter)
{
    for (size_t k = 0; k < fitter->loss->output_count; k++) {
        const struct qn_trees *trees = fitter->trees[k];
        fitter->marks[k] = (struct mark){trees->tree_count, trees->node_count, trees->value_count,
                                         trees->set_count};
    }
    fitter->best_round = fitter->round_count;
}

static void back_to_best(struct fitter *fitter)
{
    for (size_t k = 0; k < fitter->loss->output_count; k++) {
        struct qn_trees *trees = fitter->trees[k];
        trees->tree_count = fitter->marks[k].tree_count;
        trees->node_count = fitter->marks[k].node_count;
        trees->value_count = fitter->marks[k].value_count;
        trees->set_count = fitter->marks[k].set_count;
    }
    fitter->round_count = fitter->best_round;
}

/* Notes the validation loss of the round; *stop when it did not fall for too long. */
static enum qn_status validate(struct fitter *fitter, bool *stop, struct qn_error *err)
{
    if (fitter->options->early_stopping_rounds == 0) {
        mark_best(fitter);
        return QN_OK;
    }
    if (qn_grow((void **)&fitter->history, &fitter->history_capacity, fitter->history_count + 1,
                sizeof(*fitter->history)) != 0)
        return no_memory(err);
    double loss = qn__loss_mean(fitter->loss, fitter->validation, fitter->validation_count);
    fitter->history[fitter->history_count++] = loss;
    if (fitter->best_round == 0 || loss < fitter->history[fitter->best_round - 1])
        mark_best(fitter);
    *stop =
        fitter->round_count - fitter->best_round >= (size_t)fitter->options->early_stopping_rounds;
    return QN_OK;
}

/* Without sampling, a round whose trees are all lone leaves would only be repeated. */
static bool nothing_to_split(const struct fitter *fitter, size_t leaf_trees)
{
    return leaf_trees == fitter->loss->output_count && fitter->options->subsample >= 1.0 &&
           fitter->options->colsample >= 1.0;
}

static enum qn_status run_rounds(struct fitter *fitter, struct qn_error *err)
{
    size_t wanted = (size_t)fitter->options->n_estimators;
    bool stop = false;
    for (size_t round = 0; round < wanted && !stop; round++) {
        enum qn_status status =
            qn_progress_report(fitter->fit->progress, "fit", round, wanted, "rounds", err);
        if (status != QN_OK)
            return status;
        size_t leaf_trees = 0;
        qn__loss_begin_round(fitter->loss, fitter->fit->pool);
        for (size_t k = 0; k < fitter->loss->output_count; k++) {
            status = grow_tree(fitter, round, k, err);
            if (status != QN_OK)
                return status;
            leaf_trees += fitter->grower->node_count == 1;
        }
        fitter->round_count++;
        status = validate(fitter, &stop, err);
        if (status != QN_OK)
            return status;
        stop = stop || nothing_to_split(fitter, leaf_trees);
    }
    back_to_best(fitter);
    return qn_progress_report(fitter->fit->progress, "fit", wanted, wanted, "rounds", err);
}

/* ---- the model ---- */

static enum qn_status make_model(struct fitter *fitter, struct qn_boosting **out,
                                 struct qn_error *err)
{
    const struct qn_target *target = fitter->fit->target;
    struct qn_boosting *model = QN_CALLOC(struct qn_boosting, 1);
    if (!model)
        return no_memory(err);
    model->task = target->task;
    model->output_count = fitter->loss->output_count;
    model->class_count = target->classes ? target->class_count : 0;
    model->round_count = fitter->round_count;
    model->base = fitter->loss->base;
    fitter->loss->base = NULL;
    model->history = fitter->history;
    model->history_count = fitter->history_count;
    fitter->history = NULL;
    model->trees = fitter->trees[0];
    fitter->trees[0] = NULL;
    for (size_t k = 1; k < model->output_count; k++) {
        enum qn_status status = qn_trees_join(model->trees, fitter->trees[k], err);
        if (status != QN_OK) {
            qn__boosting_free(model);
            return status;
        }
        fitter->trees[k] = NULL;
    }
    *out = model;
    return QN_OK;
}

static void release(struct fitter *fitter)
{
    for (size_t k = 0; fitter->trees && k < fitter->loss->output_count; k++)
        qn_trees_free(fitter->trees[k]);
    qn_free(fitter->trees);
    qn_free(fitter->marks);
    qn_free(fitter->slot_in);
    qn_free(fitter->slot_order);
    qn_free(fitter->history);
    qn__grower_free(fitter->grower);
    qn__quantised_free(fitter->quantised);
    qn__loss_free(fitter->loss);
    qn__store_free(fitter->store);
    qn_binned_free(fitter->binned);
    qn_free(fitter->training);
    qn_free(fitter->validation);
    qn_free(fitter->outside);
}

enum qn_status qn__boosting_fit(const struct qn_fit *fit, void **out, struct qn_error *err)
{
    assert(fit->target && fit->target->task != QN_TASK_CLUSTERING);
    assert(fit->target->row_count == fit->features->row_count);
    struct fitter fitter = {.fit = fit, .options = fit->options};
    struct qn_boosting *model = NULL;
    enum qn_status status = prepare(&fitter, err);
    if (status == QN_OK)
        status = run_rounds(&fitter, err);
    if (status == QN_OK)
        status = make_model(&fitter, &model, err);
    release(&fitter);
    if (status == QN_OK)
        *out = model;
    return status;
}
