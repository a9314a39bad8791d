/* What linear, ridge and logistic regression share: the fitted model, its bytes, prediction, and
 * the tables of a summary. Layer-private. */
#ifndef QN_LEARN_LINEAR_INTERNAL_H
#define QN_LEARN_LINEAR_INTERNAL_H

#include "learn/linalg.h"
#include "learn/linear.h"

enum qn__linear_kind { QN__LINEAR, QN__RIDGE, QN__LOGISTIC };

/* Notes for describe(). */
#define QN__NOTE_COLLINEAR 1u /* columns depend on each other: the smallest solution was taken */
#define QN__NOTE_SEPARABLE 2u /* no finite optimum: the classes can be told apart exactly */
#define QN__NOTE_NOT_CONVERGED 4u
#define QN__NOTE_CONSTANT 8u /* some columns have a single value */
#define QN__NOTE_ALL 15u

enum qn__solver { QN__SOLVER_CHOLESKY, QN__SOLVER_DUAL, QN__SOLVER_NEWTON, QN__SOLVER_LBFGS };
#define QN__SOLVER_COUNT 4

/* More columns than this, and standard errors (cubic in them) are left out. */
#define QN__ERRORS_LIMIT 1000

struct qn__linear_model {
    enum qn__linear_kind kind;
    enum qn__solver solver;
    uint32_t notes;
    bool has_intercept, converged;
    size_t feature_count;
    size_t class_count;   /* 0: regression */
    size_t vector_count;  /* coefficient vectors: 1, or class_count from 3 classes on */
    double *values;       /* owns all of the arrays below, in this order */
    double *coefficients; /* vector_count x feature_count */
    double *intercepts;   /* vector_count */
    double *errors;       /* standard errors, vector_count x (feature_count + 1), the intercept
                             last; NaN where not defined */
    double *means, *deviations; /* feature_count, of the training rows */
    double penalty;             /* alpha, or C */
    double objective;           /* mean squared error, or mean log loss, on the training rows */
    double r2;                  /* regression; NaN when the target is constant */
    double noise;               /* linear: standard deviation of the residuals */
    double freedom;             /* linear: residual degrees of freedom */
    uint64_t row_count, rank, iterations;
};

/* Zeroed, errors NaN. NULL: no memory. */
struct qn__linear_model *qn__linear_create(enum qn__linear_kind kind, size_t feature_count,
                                           size_t class_count);
void qn__linear_free(void *model);
size_t qn__linear_output_count(const void *model);
size_t qn__linear_feature_count(const void *model);
QN_MUST_CHECK enum qn_status qn__linear_predict(const void *model,
                                                const struct qn_features *features,
                                                struct qn_pool *pool, double *out,
                                                struct qn_error *err);
QN_MUST_CHECK enum qn_status qn__linear_importance(const void *model, double *out,
                                                   struct qn_error *err);
json_t *qn__linear_describe(const void *model, const char *const *names);
void qn__linear_write(const void *model, struct qn_buffer *buffer);
QN_MUST_CHECK enum qn_status qn__linear_read(struct qn_reader *reader, void **out,
                                             struct qn_error *err);

/* Two-sided p-values. Student's t by the regularised incomplete beta function (continued fraction,
 * DiDonato and Morris 1992), good to about 1e-10; freedom infinite is the normal distribution. */
double qn__student_p_value(double t, double freedom);
double qn__normal_p_value(double z);

/* linear_fit.c: ordinary and ridge least squares into a created model. */
QN_MUST_CHECK enum qn_status qn__least_squares(const struct qn_fit *fit, double alpha,
                                               bool fit_intercept, struct qn__linear_model *model,
                                               struct qn_error *err);

/* linear_residual.c: with residual r_i = y_i - offset - sum_j w_j (x_ij - mean_j), the sum of
 * s_i r_i^2, and gradient[j] = sum_i s_i r_i (x_ij - mean_j); gradient has feature_count + 1
 * entries, the last is sum_i s_i r_i. */
QN_MUST_CHECK enum qn_status qn__linear_residual(const struct qn_fit *fit, const double *w,
                                                 const double *mean, double offset,
                                                 double *gradient, double *sum_of_squares,
                                                 struct qn_error *err);

#endif
