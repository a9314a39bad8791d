/* Arithmetic that gives the same bits on every compiler, processor and thread count. libm's exp and
 * log differ in the last bit between machines; these are built from +, -, * and / alone. */
#ifndef QN_BASE_NUMERIC_H
#define QN_BASE_NUMERIC_H

#include <stddef.h>

double qn_exp(double x); /* within 1 ulp or so; 0 below -745, inf above 709.8 */
double qn_log(double x); /* natural; -inf at 0, NaN below */
double qn_log1p(double x);
double qn_pow(double x, double y); /* x > 0 */
double qn_sigmoid(double x);       /* 1 / (1 + exp(-x)), stable on both sides */
/* out[i] = qn_sigmoid(x[i]), same bits as one by one; written to be vectorised. */
void qn_sigmoid_many(const double *x, double *out, size_t count);

/* Sums of fixed order: pairwise over blocks of 128 (Higham 1993), independent of threads. */
double qn_sum(const double *x, size_t count);
double qn_dot(const double *x, const double *y, size_t count);

#endif
