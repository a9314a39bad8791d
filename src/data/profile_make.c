/* The stages of a profile: columns, associations, rows, target, alerts. */
#include "data/profile_internal.h"

#include <math.h>
#include <string.h>

#define QN_ASSOCIATION_COLUMNS 200
#define QN_ASSOCIATION_LEVELS 200
#define QN_RANK_BYTES_MAX ((size_t)2 << 30) /* of all columns; further ones have no Spearman */

void qn_profile_options_default(struct qn_profile_options *options)
{
    *options = (struct qn_profile_options){.association_column_limit = QN_ASSOCIATION_COLUMNS,
                                           .association_level_limit = QN_ASSOCIATION_LEVELS};
}

void qn_profile_free(struct qn_profile *profile)
{
    if (!profile)
        return;
    for (size_t i = 0; profile->columns && i < profile->table->column_count; i++) {
        for (size_t t = 0; t < profile->columns[i].top_count; t++)
            qn_free(profile->columns[i].top[t].text);
    }
    for (size_t i = 0; i < profile->pattern_count; i++)
        qn_free(profile->patterns[i].columns);
    for (size_t i = 0; i < profile->alert_count; i++) {
        qn_free(profile->alerts[i].message);
        qn_free(profile->alerts[i].action);
    }
    qn_free(profile->columns);
    qn_free(profile->associations);
    qn_free(profile->patterns);
    qn_free(profile->alerts);
    qn_free(profile->target_reason);
    qn_free(profile);
}

static void work_release(struct qn__work *work)
{
    for (size_t i = 0; work->facts && i < work->table->column_count; i++) {
        qn_free(work->facts[i].ranks);
        qn_free(work->facts[i].level);
    }
    for (unsigned i = 0; work->scratch && i < work->thread_count; i++)
        qn__scratch_release(&work->scratch[i]);
    qn_free(work->facts);
    qn_free(work->scratch);
    qn_free(work->failures);
}

static enum qn_status work_init(struct qn__work *work, struct qn_error *err)
{
    const struct qn_table *table = work->table;
    work->facts = QN_CALLOC(struct qn__facts, table->column_count);
    work->scratch = QN_CALLOC(struct qn__scratch, work->thread_count);
    work->failures = QN_CALLOC(enum qn_status, work->thread_count);
    if (!work->facts || !work->scratch || !work->failures)
        return qn_fail_nomem(err, "profile");
    for (unsigned i = 0; i < work->thread_count; i++) {
        enum qn_status status = qn__scratch_init(&work->scratch[i], table->row_count, err);
        if (status != QN_OK)
            return status;
    }
    size_t numeric = 0, rank_bytes = 0, limit = work->options->association_column_limit;
    for (size_t i = 0; i < table->column_count; i++) {
        struct qn__facts *facts = &work->facts[i];
        enum qn_type type = table->columns[i].type;
        facts->numeric =
            type == QN_TYPE_BOOLEAN || type == QN_TYPE_INTEGER || type == QN_TYPE_NUMBER;
        if (qn_type_is_coded(type)) {
            facts->associated = limit > 0; /* The limit is kept once the levels are known. */
            continue;
        }
        facts->associated = facts->numeric && numeric < limit;
        if (!facts->associated)
            continue;
        numeric++;
        rank_bytes += table->row_count * sizeof(*facts->ranks);
        if (rank_bytes > QN_RANK_BYTES_MAX)
            continue;
        facts->ranks = QN_ALLOC(uint32_t, table->row_count);
        if (!facts->ranks)
            return qn_fail_nomem(err, "profile");
    }
    return QN_OK;
}

struct batch {
    struct qn__work *work;
    size_t from;
};

static void describe_task(void *context, size_t index, unsigned thread)
{
    const struct batch *batch = context;
    enum qn_status status = qn__column_describe(batch->work, batch->from + index, thread);
    if (status != QN_OK)
        batch->work->failures[thread] = status;
}

/* All columns; in batches when someone wants to hear how far it is. */
static enum qn_status describe_columns(struct qn__work *work, struct qn_error *err)
{
    size_t column_count = work->table->column_count;
    const struct qn_progress *progress = work->options->progress;
    size_t step = progress ? (size_t)work->thread_count * 4 : column_count;
    for (size_t from = 0; from < column_count; from += step) {
        size_t count = column_count - from < step ? column_count - from : step;
        enum qn_status status =
            qn_progress_report(progress, "profile", from, column_count, "columns", err);
        if (status != QN_OK)
            return status;
        struct batch batch = {work, from};
        qn_pool_run(work->pool, count, describe_task, &batch);
        for (unsigned i = 0; i < work->thread_count; i++) {
            if (work->failures[i] != QN_OK)
                return qn_fail_nomem(err, "profile");
        }
    }
    return qn_progress_report(progress, "profile", column_count, column_count, "columns", err);
}

static enum qn_status run_stages(struct qn__work *work, struct qn_error *err)
{
    struct qn_profile *profile = work->profile;
    size_t index;
    enum qn_status status = QN_OK;
    if (work->options->target) {
        status = qn_table_require(work->table, work->options->target, &index, err);
        if (status != QN_OK)
            return status;
        profile->target = (ptrdiff_t)index;
    }
    status = work_init(work, err);
    if (status == QN_OK)
        status = describe_columns(work, err);
    if (status == QN_OK && work->options->association_column_limit > 0)
        status = qn__associate(work, err);
    if (status == QN_OK && !work->options->no_duplicates)
        status = qn__duplicates_count(work, err);
    if (status == QN_OK && !work->options->no_duplicates)
        status = qn__patterns_find(work, err);
    if (status == QN_OK)
        status = qn__target_suggest(profile, err);
    if (status == QN_OK && profile->target < 0)
        profile->target = profile->suggested_target;
    if (status == QN_OK)
        status = qn__alerts_make(work, err);
    return status;
}

enum qn_status qn_profile_make(const struct qn_table *table,
                               const struct qn_profile_options *options, struct qn_pool *pool,
                               struct qn_profile **out, struct qn_error *err)
{
    struct qn_profile_options defaults;
    qn_profile_options_default(&defaults);
    if (table->row_count > QN__ROW_MAX)
        return qn_fail(err, QN_UNSUPPORTED,
                       "%s has %zu rows; a profile takes at most %zu: profile a part of it",
                       table->name, table->row_count, QN__ROW_MAX);
    struct qn_profile *profile = QN_CALLOC(struct qn_profile, 1);
    if (!profile)
        return qn_fail_nomem(err, "profile");
    profile->table = table;
    profile->target = profile->suggested_target = -1;
    struct qn__work work = {.table = table,
                            .options = options ? options : &defaults,
                            .pool = pool,
                            .profile = profile,
                            .thread_count = qn_pool_threads(pool)};
    profile->columns = QN_CALLOC(struct qn_column_profile, table->column_count);
    enum qn_status status =
        profile->columns ? run_stages(&work, err) : qn_fail_nomem(err, "profile");
    work_release(&work);
    if (status != QN_OK) {
        qn_profile_free(profile);
        return status;
    }
    *out = profile;
    return QN_OK;
}
