/* Inside src/flow. */
#ifndef QN_FLOW_INTERNAL_H
#define QN_FLOW_INTERNAL_H

#include "flow/model.h"
#include "flow/train.h"

/* Index of the largest value, the first of equals. */
size_t qn__arg_max(const double *values, size_t count);

/* The prediction that always stands beside the model's: class shares or mean of the training
 * target, as kept in the model's report, for row_count rows. */
enum qn_status qn__baseline_from_report(const struct qn_model *model, size_t row_count, double *out,
                                        struct qn_error *err);

#endif
