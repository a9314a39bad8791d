/* A fitted recipe: table -> features, the same at training and at prediction; saved in the model.
 * The one answer to each surprise at prediction:
 *   unseen category    native learners: the branch with more training rows; one-hot: the "other"
 *                      column, or all zeros when training had none; frequency: 0; target: the
 *                      overall mean; ordinal: -1
 *   missing value      as the actions say; never an error
 *   missing column     QN_INVALID listing all that are missing
 *   extra column       ignored; counted in qn_prep_report
 *   wrong type         QN_INVALID naming column, row and value; integers and numbers are one type
 */
#ifndef QN_PREP_PREP_H
#define QN_PREP_PREP_H

#include "base/buffer.h"
#include "base/thread.h"
#include "data/read.h"
#include "learn/features.h"
#include "prep/recipe.h"

struct qn_prep; /* opaque, immutable once fitted: may be shared by threads */

/* Features made from a table, owning what they need. Columns of plain numbers are lent by the
 * table without a copy, so the table must outlive the matrix. */
struct qn_matrix {
    struct qn_features features; /* names owned by the qn_prep */
    size_t *source;              /* owns: for each feature, the index of its input column */
    void **owned;                /* arrays to free */
    size_t owned_count;
};

void qn_matrix_free(struct qn_matrix *matrix); /* NULL is fine */

struct qn_prep_options {
    const struct qn_target *target; /* for target encoding; rows as in `rows`; NULL: none */
    uint64_t seed;                  /* of the folds of the target encoding */
    struct qn_pool *pool;
};

/* Fits on the given rows of the table (rows NULL: all) and gives those rows' features in *matrix
 * (may be NULL when not wanted): with out-of-fold target encodings, where the recipe has any. */
QN_MUST_CHECK enum qn_status qn_prep_fit(const struct qn_recipe *recipe,
                                         const struct qn_table *table, const size_t *rows,
                                         size_t row_count, const struct qn_prep_options *options,
                                         struct qn_prep **out, struct qn_matrix **matrix,
                                         struct qn_error *err);

struct qn_prep_report {
    size_t unseen_cells;   /* categories that training did not have */
    size_t unseen_columns; /* in how many columns */
    size_t extra_columns;  /* of the table that the recipe does not know */
};

/* Features of the given rows (NULL: all) of new data. */
QN_MUST_CHECK enum qn_status qn_prep_apply(const struct qn_prep *prep, const struct qn_table *table,
                                           const size_t *rows, size_t row_count,
                                           struct qn_pool *pool, struct qn_matrix **out,
                                           struct qn_prep_report *report, struct qn_error *err);

size_t qn_prep_feature_count(const struct qn_prep *prep);
const char *const *qn_prep_feature_names(const struct qn_prep *prep); /* borrowed */
/* Input columns that are used, with the types to read new data by (integers as numbers). */
size_t qn_prep_input_count(const struct qn_prep *prep);
const struct qn_type_override *qn_prep_inputs(const struct qn_prep *prep); /* borrowed */
const struct qn_recipe *qn_prep_recipe(const struct qn_prep *prep);
/* What was learned, for people: imputed values, levels, scales; NULL: out of memory. */
json_t *qn_prep_describe(const struct qn_prep *prep);

/* The prepared rows as a table, to be written to a file. */
QN_MUST_CHECK enum qn_status qn_prep_table(const struct qn_prep *prep,
                                           const struct qn_matrix *matrix, const char *name,
                                           struct qn_table **out, struct qn_error *err);

void qn_prep_write(const struct qn_prep *prep, struct qn_buffer *buffer);
QN_MUST_CHECK enum qn_status qn_prep_read(struct qn_reader *reader, struct qn_prep **out,
                                          struct qn_error *err);
void qn_prep_free(struct qn_prep *prep);

#endif
