/* A recipe: what is to be done with each column, as data. It is proposed from a profile, can be
 * edited as JSON (docs/recipe.md), and holds nothing learned; qn_prep is a recipe fitted on
 * training rows. */
#ifndef QN_PREP_RECIPE_H
#define QN_PREP_RECIPE_H

#include "base/json.h"
#include "data/profile.h"
#include "data/table.h"

/* What an action does to the features that the column has become so far. */
enum qn_action_kind {
    QN_ACTION_DROP,       /* the column is not used */
    QN_ACTION_IMPUTE,     /* missing -> mean, median, mode, or a constant */
    QN_ACTION_INDICATOR,  /* adds NAME_missing: 1 where missing */
    QN_ACTION_CLIP,       /* to fitted quantiles, or to given bounds */
    QN_ACTION_POWER,      /* Yeo-Johnson (2000), lambda by maximum likelihood; or log1p */
    QN_ACTION_SCALE,      /* standard, min_max, robust */
    QN_ACTION_ONE_HOT,    /* a column for each frequent level, one for the others */
    QN_ACTION_ORDINAL,    /* levels numbered by frequency, name or a given order */
    QN_ACTION_FREQUENCY,  /* share of training rows with the level */
    QN_ACTION_TARGET,     /* smoothed target mean, out-of-fold for the training rows */
    QN_ACTION_LEVELS,     /* stays a category, for learners that split categories themselves */
    QN_ACTION_DATE_PARTS, /* year, month, day, weekday, day_of_year, hour, minute, epoch_days ... */
    QN_ACTION_TEXT,       /* hashed tf-idf of words */
};

struct qn_action {
    enum qn_action_kind kind;
    json_t *options; /* owns; the validated JSON object of the action, defaults filled in */
};

struct qn_recipe_column {
    char *name; /* owns */
    enum qn_type type;
    char *format;              /* owns, may be NULL: of dates */
    struct qn_action *actions; /* owns; applied in this order; none: used as it is */
    size_t action_count;
    char *reason; /* owns, may be NULL: why this was proposed */
};

struct qn_recipe {
    struct qn_recipe_column *columns; /* owns; without the target */
    size_t column_count;
};

/* Proposes what a good practitioner would do. native: for learners that handle missing values and
 * categories themselves (identifiers and constants are dropped, dates and texts become numbers);
 * else everything becomes scaled numbers without missing values. supervised: there is a target, so
 * that target encoding may be proposed. `excluded` names columns that are
 * not features at all (target, weight, group, dropped by the user). The profile may have been made
 * without associations. */
QN_MUST_CHECK enum qn_status qn_recipe_propose(const struct qn_profile *profile,
                                               const char *const *excluded, size_t excluded_count,
                                               bool native, bool supervised, struct qn_recipe **out,
                                               struct qn_error *err);

/* Strict: unknown keys, actions, options and values out of range name their place. */
QN_MUST_CHECK enum qn_status qn_recipe_parse(const char *text, size_t size, const char *what,
                                             struct qn_recipe **out, struct qn_error *err);
QN_MUST_CHECK enum qn_status qn_recipe_from_json(const json_t *value, const char *what,
                                                 struct qn_recipe **out, struct qn_error *err);
json_t *qn_recipe_json(const struct qn_recipe *recipe); /* NULL: out of memory */
void qn_recipe_free(struct qn_recipe *recipe);

#endif
