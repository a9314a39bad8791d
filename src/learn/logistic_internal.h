/* The objective of logistic regression and its two solvers. Layer-private.
 *
 * F(w, b) = 1/S sum_i s_i loss_i + 1 / (2 C S) ||w||^2, S = sum_i s_i: scikit-learn's objective
 * divided by C S. Columns are centred, so that b is the intercept at the mean; solvers work in
 * units of each column's standard deviation. Parameters lie as vector_count x (feature_count + 1),
 * the intercept last in each vector. */
#ifndef QN_LEARN_LOGISTIC_INTERNAL_H
#define QN_LEARN_LOGISTIC_INTERNAL_H

#include "learn/linalg.h"
#include "learn/linear.h"

struct qn__logistic {
    const struct qn_fit *fit;
    size_t row_count, feature_count, class_count, vector_count;
    size_t width;          /* parameters of a vector: feature_count + 1 */
    size_t size;           /* all parameters: vector_count * width */
    const double *shift;   /* feature_count: means, or zeros without an intercept */
    const double *scale;   /* width: 1 for the intercept */
    const bool *frozen;    /* width: stays 0 (a constant column, an unwanted intercept) */
    const double *weights; /* row_count, class weights included; NULL: all 1 */
    double penalty;        /* 1 / (C S) */
    double total;          /* S over the rows in use */
    size_t block_step;     /* every block_step-th block of rows is used */
};

/* The objective at one point. */
struct qn__logistic_value {
    double loss;      /* F */
    double mean_loss; /* without the penalty */
    uint64_t wrong;   /* rows whose own class does not have the largest score */
    double *gradient; /* borrowed; size */
    double *hessian;  /* borrowed; size x size, full; NULL: not wanted */
};

/* Sums over fixed groups of rows; scratch is allocated for the call. */
QN_MUST_CHECK enum qn_status qn__logistic_evaluate(const struct qn__logistic *problem,
                                                   const double *theta,
                                                   struct qn__logistic_value *value,
                                                   struct qn_error *err);

struct qn__logistic_result {
    double *theta; /* in: start; out: solution */
    struct qn__logistic_value value;
    uint64_t iterations;
    bool converged;
    bool singular; /* Newton: the Hessian had to be regularised */
};

/* The largest |gradient| in units of standard deviations. */
double qn__logistic_slope(const struct qn__logistic *problem, const double *gradient);

/* Newton's method; a Hessian is kept while it still contracts the gradient tenfold. `near`: the
 * start is close. value.gradient must be lent; value.hessian is used for scratch and must be
 * lent too. */
QN_MUST_CHECK enum qn_status qn__logistic_newton(const struct qn__logistic *problem,
                                                 int64_t max_iter, double tol, bool near,
                                                 struct qn__logistic_result *result,
                                                 struct qn_error *err);
/* Limited-memory BFGS (Liu and Nocedal 1989), weak Wolfe line search (Lewis and Overton 2013). */
QN_MUST_CHECK enum qn_status qn__logistic_lbfgs(const struct qn__logistic *problem,
                                                int64_t max_iter, double tol,
                                                struct qn__logistic_result *result,
                                                struct qn_error *err);

/* Makes a Hessian regular and factors it in place: scaled to a unit diagonal by `diagonal` (out,
 * size), with the directions in which the softmax does not change filled by `fill` (out, width; 0
 * where none was needed). *singular tells that more had to be added. */
QN_MUST_CHECK enum qn_status qn__logistic_factor(const struct qn__logistic *problem,
                                                 double *hessian, double *diagonal, double *fill,
                                                 bool *singular, struct qn_error *err);

#endif
