/* Linear models on dense numeric columns.
 *   linear:   min_w sum_i s_i (y_i - x_i w - b)^2
 *   ridge:    ... + alpha ||w||^2 (intercept not penalised)
 *   logistic: min_w C sum_i s_i log loss(y_i, x_i w + b) + 1/2 ||w||^2, binary or multinomial
 * as scikit-learn states them, so that parameters carry over. Standard errors where defined
 * (linear and unpenalised logistic). */
#ifndef QN_LEARN_LINEAR_H
#define QN_LEARN_LINEAR_H

#include "learn/learner.h"

struct qn_linear_options { /* linear, ridge */
    double alpha;
    bool fit_intercept;
};

struct qn_logistic_options {
    double C; /* inverse strength of the L2 penalty; 0: "none", no penalty */
    bool fit_intercept;
    int64_t max_iter;
    double tol;           /* stop when the largest |gradient| of the mean loss is below */
    int64_t class_weight; /* enum qn_class_weight */
};

#endif
