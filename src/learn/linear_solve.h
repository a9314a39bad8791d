/* Solving the normal equations, by columns or by rows. Layer-private to linear_fit.c. */
#ifndef QN_LEARN_LINEAR_SOLVE_H
#define QN_LEARN_LINEAR_SOLVE_H

#include "learn/learner.h"
#include "learn/linalg.h"

/* A pivot below this share of its column's variance is a column that the others determine: its
 * multiple correlation with them is 1 - 5e-12. Rounding in the products is some 100 times less. */
#define QN__COLLINEAR 1e-11

/* (S^-1 A S^-1) (S w) = S^-1 right, with a unit diagonal; constant columns are rows of the
 * identity. After factoring, `matrix` holds the factor when full_rank. */
struct qn__equations {
    size_t n, rank;
    bool full_rank;
    double *matrix;   /* owns; n x n */
    double *scale;    /* owns; n */
    double *right;    /* owns; n */
    bool *constant;   /* owns; n */
    double total;     /* weight */
    double spread;    /* weighted sum of squares of the target */
    size_t *order;    /* owns; deficient: basis columns first */
    double *basis;    /* owns; deficient: rank x rank factor of the basis' matrix */
    double *depends;  /* owns; deficient: rank x (n - rank), see qn__equations_solve() */
    double *smallest; /* owns; deficient: rank x rank factor of I + depends depends' */
    double *scratch;  /* owns; 2 n */
};

QN_MUST_CHECK enum qn_status qn__equations_init(struct qn__equations *eq, size_t n,
                                                struct qn_error *err);
void qn__equations_release(struct qn__equations *eq);
QN_MUST_CHECK enum qn_status qn__equations_factor(struct qn__equations *eq, struct qn_pool *pool,
                                                  struct qn_error *err);
/* w: the solution, or of many the one with the smallest ||w||. */
void qn__equations_solve(const struct qn__equations *eq, const double *right, double *w);

/* More columns than rows: w = X' a with (X X' + alpha I) a = y. */
struct qn__wide {
    const struct qn_fit *fit;
    double alpha, total;
    bool centred;
    const double *mean; /* of the features */
    double target_mean; /* out; 0 unless centred */
    size_t rank;        /* out */
};
QN_MUST_CHECK enum qn_status qn__wide_solve(struct qn__wide *wide, double *w, double *rss,
                                            double *spread, struct qn_error *err);

#endif
