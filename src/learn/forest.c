/* Random forests and extra trees: one tree a task, each with a random stream of its own, so that
 * the forest does not depend on the number of threads. */
#include "base/alloc.h"
#include "base/clock.h"
#include "learn/tree_internal.h"

#include <math.h>
#include <string.h>

#define QN_BATCH_MS 200.0            /* trees are grown in batches of about this time, ... */
#define QN_BATCH_TREES 8u            /* ... or this many a thread */
#define QN_BLOCK_ROWS ((size_t)4096) /* out-of-bag rows of one task; a multiple of 64 */

struct slot {
    struct qn_trees *trees; /* owns; one tree */
    uint64_t *drawn;        /* owns; bits of rows, when the out-of-bag score is asked for */
    enum qn_status status;
    struct qn_error err;
};

struct job {
    const struct qn_fit *fit;
    struct qn__problem problem;
    struct qn_binned *binned;   /* owns */
    struct qn__worker *workers; /* owns; one a thread */
    uint32_t **times;           /* owns both; one a thread: how often each row was drawn */
    unsigned thread_count;
    struct qn_forest *forest; /* owns */
    struct slot *slots;       /* owns; a batch */
    size_t slot_count;
    size_t first, count; /* the trees of this batch */
    double *votes;       /* owns; out-of-bag sums, row_count x output_count */
    uint32_t *voters;    /* owns; trees that did not see the row */
};

static void draw_rows(const struct job *job, struct qn__worker *worker, uint32_t *times)
{
    const struct qn__problem *problem = &job->problem;
    size_t draws = (size_t)floor(problem->options.max_samples * (double)problem->row_count + 0.5);
    memset(times, 0, problem->row_count * sizeof(*times));
    for (size_t i = 0; i < (draws > 0 ? draws : 1); i++)
        times[qn_random_below(&worker->random, problem->row_count)]++;
}

static void grow_task(void *context, size_t index, unsigned thread)
{
    struct job *job = context;
    const struct qn__problem *problem = &job->problem;
    struct qn__worker *worker = &job->workers[thread];
    struct slot *slot = &job->slots[index];
    uint32_t *times = job->times ? job->times[thread] : NULL;
    qn_random_init(&worker->random, job->fit->seed, job->first + index);
    slot->trees = qn_trees_create(problem->output_count, problem->features->feature_count);
    if (!slot->trees) {
        slot->status = qn_fail_nomem(&slot->err, "forest");
        return;
    }
    if (times)
        draw_rows(job, worker, times);
    if (slot->drawn)
        memset(slot->drawn, 0, (problem->features->row_count + 63) / 64 * sizeof(*slot->drawn));
    worker->item_count = 0;
    for (size_t i = 0; i < problem->row_count; i++) {
        uint32_t row = problem->rows[i];
        if (times && times[i] == 0)
            continue;
        worker->items[worker->item_count++] = qn__problem_item(problem, row, times ? times[i] : 1);
        if (slot->drawn)
            slot->drawn[row / 64] |= UINT64_C(1) << (row % 64);
    }
    worker->trees = slot->trees;
    slot->status = qn__worker_grow(worker, NULL, &slot->err);
}

/* Adds the batch's trees, in their order, to the votes of rows that they did not see. */
static void vote_task(void *context, size_t index, unsigned thread)
{
    (void)thread;
    struct job *job = context;
    const struct qn_trees *trees = job->forest->trees;
    size_t begin = index * QN_BLOCK_ROWS, end = job->problem.features->row_count;
    size_t outputs = trees->output_count;
    if (end - begin > QN_BLOCK_ROWS)
        end = begin + QN_BLOCK_ROWS;
    for (size_t t = 0; t < job->count; t++) {
        for (size_t row = begin; row < end; row++) {
            if (job->slots[t].drawn[row / 64] >> (row % 64) & 1)
                continue;
            uint32_t leaf = qn_trees_leaf(trees, job->first + t, job->problem.features, row);
            const double *values = trees->values + trees->nodes[leaf].value_at;
            for (size_t o = 0; o < outputs; o++)
                job->votes[row * outputs + o] += values[o];
            job->voters[row]++;
        }
    }
}

static double oob_accuracy(const struct job *job)
{
    size_t right = 0, count = 0, classes = job->forest->trees->output_count;
    for (size_t i = 0; i < job->problem.row_count; i++) {
        size_t row = job->problem.rows[i], best = 0;
        const double *votes = job->votes + row * classes;
        if (job->voters[row] == 0)
            continue;
        for (size_t k = 1; k < classes; k++)
            best = votes[k] > votes[best] ? k : best;
        right += best == (size_t)job->problem.target->classes[row];
        count++;
    }
    return count > 0 ? (double)right / (double)count : NAN;
}

static double oob_r2(const struct job *job)
{
    const double *y = job->problem.target->values;
    double count = 0, mean = 0, errors = 0, spread = 0;
    for (size_t i = 0; i < job->problem.row_count; i++) {
        size_t row = job->problem.rows[i];
        if (job->voters[row] > 0)
            mean += (y[row] - mean) / ++count;
    }
    for (size_t i = 0; i < job->problem.row_count; i++) {
        size_t row = job->problem.rows[i];
        if (job->voters[row] == 0)
            continue;
        double miss = y[row] - job->votes[row] / job->voters[row];
        errors += miss * miss;
        spread += (y[row] - mean) * (y[row] - mean);
    }
    return spread > 0 ? 1 - errors / spread : NAN;
}

static enum qn_status finish_batch(struct job *job, struct qn_error *err)
{
    for (size_t i = 0; i < job->count; i++) {
        struct slot *slot = &job->slots[i];
        if (slot->status != QN_OK)
            return qn_fail(err, slot->status, "%s", slot->err.message);
        enum qn_status status = qn_trees_join(job->forest->trees, slot->trees, err);
        if (status != QN_OK)
            return status;
        slot->trees = NULL;
    }
    if (job->votes)
        qn_pool_run(job->fit->pool,
                    (job->problem.features->row_count + QN_BLOCK_ROWS - 1) / QN_BLOCK_ROWS,
                    vote_task, job);
    return QN_OK;
}

/* Batches start small and grow while they are quick, so that progress and cancelling come often.
 * Their size has no influence on the trees. */
static enum qn_status grow_all(struct job *job, struct qn_error *err)
{
    size_t total = (size_t)job->problem.options.n_estimators, batch = job->thread_count;
    while (job->first < total) {
        double start = qn_clock_ms();
        job->count = total - job->first < batch ? total - job->first : batch;
        qn_pool_run(job->fit->pool, job->count, grow_task, job);
        enum qn_status status = finish_batch(job, err);
        if (status != QN_OK)
            return status;
        job->first += job->count;
        if (qn_clock_ms() - start < QN_BATCH_MS && 2 * batch <= job->slot_count)
            batch *= 2;
        status = qn_progress_report(job->fit->progress, "fit", job->first, total, "trees", err);
        if (status != QN_OK)
            return status;
    }
    if (job->votes)
        job->forest->oob_score =
            job->problem.kind == QN__SCORE_VARIANCE ? oob_r2(job) : oob_accuracy(job);
    return QN_OK;
}

static bool allocate(struct job *job)
{
    const struct qn__problem *problem = &job->problem;
    size_t row_count = problem->features->row_count;
    job->slot_count = (size_t)job->thread_count * QN_BATCH_TREES;
    job->forest = qn__forest_create(problem);
    job->workers = QN_CALLOC(struct qn__worker, job->thread_count);
    job->slots = QN_CALLOC(struct slot, job->slot_count);
    if (!job->forest || !job->workers || !job->slots)
        return false;
    if (problem->options.bootstrap) {
        job->times = QN_CALLOC(uint32_t *, job->thread_count);
        for (unsigned t = 0; t < job->thread_count; t++) {
            if (!job->times || !(job->times[t] = QN_ALLOC(uint32_t, problem->row_count)))
                return false;
        }
    }
    if (!problem->options.oob_score)
        return true;
    job->votes = (double *)qn_calloc(row_count * problem->output_count, sizeof(double));
    job->voters = QN_CALLOC(uint32_t, row_count);
    for (size_t i = 0; i < job->slot_count; i++) {
        job->slots[i].drawn = QN_ALLOC(uint64_t, (row_count + 63) / 64);
        if (!job->slots[i].drawn)
            return false;
    }
    return job->votes && job->voters;
}

static void release(struct job *job)
{
    for (unsigned t = 0; t < job->thread_count; t++) {
        if (job->workers)
            qn__worker_release(&job->workers[t]);
        if (job->times)
            qn_free(job->times[t]);
    }
    for (size_t i = 0; job->slots && i < job->slot_count; i++) {
        qn_trees_free(job->slots[i].trees);
        qn_free(job->slots[i].drawn);
    }
    qn_free(job->workers);
    qn_free(job->times);
    qn_free(job->slots);
    qn_free(job->votes);
    qn_free(job->voters);
    qn__problem_release(&job->problem);
    qn_binned_free(job->binned);
    qn__forest_free(job->forest);
}

static enum qn_status fit_forest(const struct qn_fit *fit, bool shuffled, void **out,
                                 struct qn_error *err)
{
    const struct qn_tree_options *options = fit->options;
    struct job job = {.fit = fit, .thread_count = qn_pool_threads(fit->pool)};
    if (options->oob_score && !options->bootstrap)
        return qn_fail(err, QN_INVALID, "oob_score: needs bootstrap=true, which leaves rows out");
    if (options->max_samples < 1 && !options->bootstrap)
        return qn_fail(err, QN_INVALID, "max_samples: needs bootstrap=true, which draws rows");
    enum qn_status status = qn__problem_init(&job.problem, fit, shuffled, err);
    if (status != QN_OK)
        return status;
    status = qn_binned_create(fit->features, NULL, 0, QN_BIN_LIMIT - QN_BIN_FIRST, fit->pool,
                              &job.binned, err);
    if (status != QN_OK)
        goto done;
    job.problem.binned = job.binned;
    if (!allocate(&job)) {
        status = qn_fail_nomem(err, "forest");
        goto done;
    }
    for (unsigned t = 0; t < job.thread_count && status == QN_OK; t++)
        status = qn__worker_init(&job.workers[t], &job.problem, NULL, err);
    if (status == QN_OK)
        status = grow_all(&job, err);
    if (status != QN_OK)
        goto done;
    *out = job.forest;
    job.forest = NULL;
done:
    release(&job);
    return status;
}

static enum qn_status random_forest_fit(const struct qn_fit *fit, void **out, struct qn_error *err)
{
    return fit_forest(fit, false, out, err);
}

static enum qn_status extra_trees_fit(const struct qn_fit *fit, void **out, struct qn_error *err)
{
    return fit_forest(fit, true, out, err);
}

#define QN_TASKS (1u << QN_TASK_BINARY | 1u << QN_TASK_MULTICLASS | 1u << QN_TASK_REGRESSION)

const struct qn_learner qn_random_forest_learner = {
    .name = "random_forest",
    .title = "Random forest",
    .about = "The average of many trees, each grown on other rows and other columns",
    .paper = "Breiman, Machine Learning 45, 2001",
    .tasks = QN_TASKS,
    .native = true,
    .parameters = {qn__random_forest_parameters, sizeof(struct qn_tree_options)},
    .fit = random_forest_fit,
    .predict = qn__forest_predict,
    .output_count = qn__forest_output_count,
    .feature_count = qn__forest_feature_count,
    .importance = qn__forest_importance,
    .describe = qn__forest_describe,
    .write = qn__forest_write,
    .read = qn__forest_read,
    .free = qn__forest_free,
};

const struct qn_learner qn_extra_trees_learner = {
    .name = "extra_trees",
    .title = "Extremely randomised trees",
    .about = "The average of many trees whose thresholds are drawn at random",
    .paper = "Geurts, Ernst and Wehenkel, Machine Learning 63, 2006",
    .tasks = QN_TASKS,
    .native = true,
    .parameters = {qn__extra_trees_parameters, sizeof(struct qn_tree_options)},
    .fit = extra_trees_fit,
    .predict = qn__forest_predict,
    .output_count = qn__forest_output_count,
    .feature_count = qn__forest_feature_count,
    .importance = qn__forest_importance,
    .describe = qn__forest_describe,
    .write = qn__forest_write,
    .read = qn__forest_read,
    .free = qn__forest_free,
};
