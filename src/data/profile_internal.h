/* What the parts of the profile share. */
#ifndef QN_DATA_PROFILE_INTERNAL_H
#define QN_DATA_PROFILE_INTERNAL_H

#include "base/alloc.h"
#include "data/profile.h"

#define QN__NO_RANK UINT32_MAX
#define QN__ROW_MAX ((size_t)INT32_MAX)
#define QN__LEVEL_MAX                                                                              \
    1000 /* most levels of a category that is paired, whatever the option says                     \
          */

/* Buffers of one thread, big enough for the sort of one column: lends blocks, owns them. */
struct qn__scratch {
    uint64_t *keys, *keys_spare; /* capacity values each; the sort swaps them */
    uint32_t *rows, *rows_spare;
    uint32_t *ends;
    size_t capacity;
};

QN_MUST_CHECK enum qn_status qn__scratch_init(struct qn__scratch *scratch, size_t row_count,
                                              struct qn_error *err);
void qn__scratch_release(struct qn__scratch *scratch);

/* The distinct finite values of a column, ascending; lives in a scratch. */
struct qn__runs {
    void *values;   /* count of double or int64_t */
    uint32_t *ends; /* ends[i]: how many values of the column are at most the i-th distinct one */
    size_t count, total;
    bool whole; /* values are int64_t; qn__runs_to_double() changes that */
};

/* Sorts the first `count` keys (and rows beside them when with_rows) of the scratch, ascending and
 * stable: least significant digit first, digits that are the same in all keys skipped. */
void qn__sort(struct qn__scratch *scratch, size_t count, bool with_rows);

/* Distinct values of a column that is not coded. ranks (row_count, may be NULL) gets twice the
 * average rank from 0 of each finite value, QN__NO_RANK elsewhere. Fills count, missing, infinite,
 * sorted_ascending of *out; the figures of infinite values are in infinite_signs (0 to 2). */
void qn__runs_make(const struct qn_column *column, size_t row_count, struct qn__scratch *scratch,
                   uint32_t *ranks, struct qn_column_profile *out, struct qn__runs *runs,
                   unsigned *infinite_signs);
void qn__runs_to_double(struct qn__runs *runs);

/* What later parts need to know of a column beside its profile. */
struct qn__facts {
    uint32_t *ranks; /* owns; of numeric columns that take part in Spearman's correlation */
    double centre;   /* near the mean; taken off before sums of products */
    bool numeric;    /* boolean, integer or number */
    bool complete;   /* all rows finite */
    size_t finite;   /* values neither missing nor infinite */
    uint16_t *level; /* owns; of coded columns with few levels: code + 1 -> 1 .. level_count; a
                        missing code (index 0) gives level 0 */
    size_t level_count;
    bool associated; /* takes part in associations */
};

struct qn__work {
    const struct qn_table *table;
    const struct qn_profile_options *options;
    struct qn_pool *pool;
    struct qn_profile *profile;
    struct qn__facts *facts;     /* column_count */
    struct qn__scratch *scratch; /* one a thread */
    unsigned thread_count;
    enum qn_status *failures; /* one a thread: the last failure of its tasks */
};

/* The profile of one column; ranks and levels into facts. Runs in any thread. */
enum qn_status qn__column_describe(struct qn__work *work, size_t index, unsigned thread);

/* Values [from, from + count) of a numeric column less `centre`, and mask 1; missing and infinite
 * ones give 0 and mask 0. */
void qn__column_load(const struct qn_column *column, size_t from, size_t count, double centre,
                     double *values, double *mask);

/* Ranks of a column among the rows that `keep` has too (both QN__NO_RANK where not): twice the
 * average rank from 0 into out, QN__NO_RANK elsewhere. table and out have row_count values.
 * Returns how many rows were kept. */
size_t qn__rank_again(const uint32_t *ranks, const uint32_t *keep, size_t row_count,
                      uint32_t *table, uint32_t *out);

QN_MUST_CHECK enum qn_status qn__associate(struct qn__work *work, struct qn_error *err);
QN_MUST_CHECK enum qn_status qn__duplicates_count(struct qn__work *work, struct qn_error *err);
QN_MUST_CHECK enum qn_status qn__patterns_find(struct qn__work *work, struct qn_error *err);

/* How well each column alone foretells the target, 0 to 1: AUC (or 1 - AUC) of a number for a
 * target of two classes, else the largest association of the pair; NaN when there is none. */
struct qn__strength {
    double value;
    const char *measure; /* static: "AUC", "Cramer's V" ... */
    bool linear;         /* a correlation of two numbers, plain or of ranks */
};
QN_MUST_CHECK enum qn_status qn__target_strength(struct qn__work *work, size_t target,
                                                 struct qn__strength *strength,
                                                 struct qn_error *err);
/* Are two coded columns the same but for the names of their values? */
QN_MUST_CHECK enum qn_status qn__column_renames(const struct qn_table *table, size_t a, size_t b,
                                                bool *out, struct qn_error *err);

QN_MUST_CHECK enum qn_status qn__target_suggest(struct qn_profile *profile, struct qn_error *err);
QN_MUST_CHECK enum qn_status qn__alerts_make(struct qn__work *work, struct qn_error *err);

/* All values differ and the column is a name rather than a measurement. */
bool qn__column_is_identifier(const struct qn_column_profile *column);

/* A heap text by printf; NULL when out of memory. */
char *qn__text(const char *format, ...) QN_PRINTF(1, 2);

#endif
