/* What the files of src/prep share: the rules of actions, and the fitted state of one column. */
#ifndef QN_PREP_PREP_INTERNAL_H
#define QN_PREP_PREP_INTERNAL_H

#include "prep/prep.h"

/* ---- Actions as data (recipe_options.c) ---- */

/* What flows from one action of a column to the next. */
enum qn__stream {
    QN__STREAM_NUMBER,
    QN__STREAM_CATEGORY,
    QN__STREAM_TEXT, /* coded like a category */
    QN__STREAM_DATE,
    QN__STREAM_END, /* levels: nothing may follow */
};

enum qn__stream qn__stream_of(enum qn_type type);
const char *qn__action_name(enum qn_action_kind kind);
/* Validates one action's JSON against the column's stream, which moves on. `place` is for messages:
 * "recipe.json: columns[3].actions[0]". */
QN_MUST_CHECK enum qn_status qn__action_parse(const json_t *value, const char *place,
                                              enum qn__stream *stream, struct qn_action *out,
                                              struct qn_error *err);
/* An action's option; it is there, because defaults were filled in. */
const char *qn__option_text(const struct qn_action *action, const char *key);
double qn__option_number(const struct qn_action *action, const char *key);
const json_t *qn__option(const struct qn_action *action, const char *key); /* NULL: not given */

/* Parts of dates, in the order of the features. */
enum qn__part {
    QN__PART_YEAR,
    QN__PART_QUARTER,
    QN__PART_MONTH,
    QN__PART_DAY,
    QN__PART_DAY_OF_YEAR,
    QN__PART_WEEKDAY,
    QN__PART_WEEKEND,
    QN__PART_HOUR,
    QN__PART_MINUTE,
    QN__PART_SECOND,
    QN__PART_EPOCH_DAYS,
};
#define QN__PART_COUNT 11
extern const char *const qn__part_names[QN__PART_COUNT + 1]; /* NULL-terminated */

/* ---- Numbers (prep_number.c, prep_power.c) ---- */

/* The k-th smallest (from 0) of values[0..count), which are reordered: smaller ones end up before
 * it, larger ones behind. No NaN. */
double qn__select(double *values, size_t count, size_t k);
/* Quantile with linear interpolation, as numpy's default; values are reordered; count > 0. */
double qn__quantile(double *values, size_t count, double level);
double qn__mean(const double *values, size_t count);
/* Square root of the mean squared distance to `mean`. */
double qn__deviation(const double *values, size_t count, double mean);
double qn__yeo_johnson(double x, double lambda);
/* Lambda of the largest likelihood in [-4, 4]; values are overwritten; scratch has count values. */
double qn__yeo_johnson_fit(double *values, size_t count, double *scratch);

/* ---- A fitted column ---- */

/* What an action learned. `numbers` by kind, with w features coming in:
 *   impute     w: what replaces a missing value (categories: none; see qn__column.fill)
 *   clip       2 w: low, high       power  w: lambda (none with log1p)      scale 2 w: centre,
 * width ordinal    a rank for each level frequency  a share for each level, then that of missing
 *   target     by output: a mean for each level, that of missing, that of unseen
 *   text       idf of each bucket
 * others: none. */
struct qn__step {
    const struct qn_action *action; /* borrows from the recipe */
    size_t output_count;            /* features after this action */
    double *numbers;                /* owns */
    size_t number_count;
};

struct qn__column {
    const struct qn_recipe_column *recipe; /* borrows */
    size_t recipe_index;
    enum qn__stream input;
    struct qn__step *steps; /* owns; of the actions but drop and indicator */
    size_t step_count;
    /* Coded input that is encoded or kept: levels by training frequency, then by bytes. */
    bool has_levels;
    struct qn_dictionary levels; /* owns */
    int32_t *sorted;             /* owns; levels in the order of their bytes, for look-ups */
    uint64_t *level_rows;        /* owns; training rows of each level */
    uint64_t missing_rows;       /* of training: missing, and infinite ones of numbers */
    int32_t fill;                /* level in place of a missing value, or QN_LEVEL_MISSING */
    bool imputes;                /* a category's missing values are replaced: by `fill` */
    bool indicator;
    bool categorical;  /* the one main feature keeps its levels */
    size_t main_count; /* features without the indicator */
    size_t first;      /* of its features in the matrix */
};

struct qn_prep {
    struct qn_recipe *recipe;   /* owns */
    struct qn__column *columns; /* owns; those that are used */
    size_t column_count;
    struct qn_type_override *inputs; /* owns; names and formats borrowed from the recipe */
    char **names;                    /* owns; of features */
    size_t feature_count;
};

void qn__column_release(struct qn__column *column);
static inline size_t qn__column_features(const struct qn__column *column)
{
    return column->main_count + (column->indicator ? 1 : 0);
}
/* Columns, steps and inputs as the recipe says, without what is learned; takes recipe, also when it
 * fails. */
QN_MUST_CHECK enum qn_status qn__prep_create(struct qn_recipe *recipe, struct qn_prep **out,
                                             struct qn_error *err);
/* Features of a step and its numbers, once levels and missing rows are known. class_count: of the
 * target. */
size_t qn__step_outputs(const struct qn__column *column, const struct qn__step *step,
                        size_t input_count, size_t class_count);
size_t qn__step_numbers(const struct qn__column *column, const struct qn__step *step,
                        size_t input_count);
/* The columns' places in the matrix, and room for names, once all steps are known. */
QN_MUST_CHECK enum qn_status qn__prep_place(struct qn_prep *prep, struct qn_error *err);
/* Names for the features, all different. */
QN_MUST_CHECK enum qn_status qn__prep_name(struct qn_prep *prep, struct qn_error *err);

/* ---- Cells of a table as what the recipe expects (prep_input.c) ---- */

/* Rows of an input column; `rows` NULL: all of them, in order. */
struct qn__cells {
    const char *table_name;
    const struct qn_column *column;
    const size_t *rows;
    size_t row_count;
};

static inline size_t qn__cells_row(const struct qn__cells *cells, size_t i)
{
    return cells->rows ? cells->rows[i] : i;
}

/* Numbers into out (row_count), NaN where missing. */
QN_MUST_CHECK enum qn_status qn__cells_numbers(const struct qn__cells *cells, double *out,
                                               struct qn_error *err);
/* Whether the numbers can be lent as they are. */
bool qn__cells_lend(const struct qn__cells *cells);

/* Days since 1970-01-01 and microseconds into the day; day QN_MISSING_INTEGER where missing. */
struct qn__moment {
    int64_t day, microsecond;
};
QN_MUST_CHECK enum qn_status qn__cells_check_dates(const struct qn__cells *cells,
                                                   struct qn_error *err);
struct qn__moment qn__cells_moment(const struct qn__cells *cells, size_t i);

/* Codes into a dictionary: the column's own, or one made of the cells' texts. */
struct qn__codes {
    int32_t *codes;                         /* owns; row_count, -1 where missing */
    const struct qn_dictionary *dictionary; /* borrows: the column's, or &made */
    struct qn_dictionary made;              /* owns */
};
QN_MUST_CHECK enum qn_status qn__cells_codes(const struct qn__cells *cells, struct qn__codes *out,
                                             struct qn_error *err);
void qn__codes_release(struct qn__codes *codes);

/* ---- Levels and encoders (prep_level.c, prep_target.c) ---- */

QN_MUST_CHECK enum qn_status qn__levels_fit(struct qn__column *column,
                                            const struct qn__codes *codes, size_t row_count,
                                            struct qn_error *err);
/* The order of column->levels by bytes into column->sorted; false when two are equal. */
QN_MUST_CHECK enum qn_status qn__levels_sort(struct qn__column *column, bool *unique_out,
                                             struct qn_error *err);
/* Codes of the table become levels of the column, in place; counts unseen cells. */
QN_MUST_CHECK enum qn_status qn__levels_map(const struct qn__column *column,
                                            struct qn__codes *codes, size_t row_count,
                                            size_t *unseen_out, struct qn_error *err);
/* The ordinal's ranks or the frequency's shares. */
QN_MUST_CHECK enum qn_status qn__ordinal_fit(const struct qn__column *column, struct qn__step *step,
                                             struct qn_error *err);
void qn__frequency_fit(const struct qn__column *column, struct qn__step *step, size_t row_count);
/* Encodes levels into out (step->output_count arrays of row_count). */
void qn__levels_encode(const struct qn__column *column, const struct qn__step *step,
                       const int32_t *levels, size_t row_count, double *const *out);
/* Places of one-hot's columns; -1: it has none. */
struct qn__one_hot {
    size_t first, kept; /* levels [first, kept) have a column each */
    ptrdiff_t other, missing;
    size_t count;
};
struct qn__one_hot qn__one_hot_layout(const struct qn__column *column,
                                      const struct qn_action *action);
/* Fits step->numbers; the training rows' out-of-fold values go to out. */
QN_MUST_CHECK enum qn_status qn__target_fit(const struct qn__column *column, struct qn__step *step,
                                            const int32_t *levels, const struct qn_target *target,
                                            uint64_t seed, double *const *out,
                                            struct qn_error *err);

/* ---- Dates and texts ---- */

void qn__date_encode(const struct qn__step *step, const struct qn__cells *cells,
                     double *const *out);
double qn__part_value(struct qn__moment moment, enum qn__part part);
/* Fits idf when `fit`, then writes the buckets of each row to out. */
QN_MUST_CHECK enum qn_status qn__text_encode(const struct qn__step *step, bool fit,
                                             const struct qn__codes *codes, size_t row_count,
                                             double *const *out, struct qn_error *err);

/* ---- Numeric actions on feature number j of a step ---- */

/* scratch: 2 row_count values. */
void qn__number_fit(const struct qn__step *step, size_t j, const double *values, size_t row_count,
                    double *scratch);
void qn__number_apply(const struct qn__step *step, size_t j, double *values, size_t row_count);

/* ---- One column: cells -> features (prep_column.c) ---- */

struct qn__output {
    double **values; /* owns; qn__column_features() arrays; NULL for the categorical one */
    double *lent;    /* the table's own array in place of values[0], when not NULL */
    int32_t *levels; /* owns; of the categorical feature */
    size_t count;    /* arrays of values */
};
void qn__output_release(struct qn__output *output);

struct qn__column_fit {
    const struct qn_target *target;
    uint64_t seed;
};
/* fit NULL: applies what was learned. */
QN_MUST_CHECK enum qn_status qn__column_run(struct qn__column *column,
                                            const struct qn__column_fit *fit,
                                            const struct qn__cells *cells, struct qn__output *out,
                                            size_t *unseen_out, struct qn_error *err);

#endif
