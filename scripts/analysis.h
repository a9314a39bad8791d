/* Read before every source by clang-tidy only: its analyzer sees one file at a time, and would
 * otherwise follow paths on which a function of base/error.h reports a failure as QN_OK. */
#ifndef QN_ANALYSIS_H
#define QN_ANALYSIS_H

#include "base/error.h"

#define qn_fail(err, status, ...) (qn_fail((err), (status), __VA_ARGS__), (status))
#define qn_fail_within(err, ...) (qn_fail_within((err), __VA_ARGS__), QN_INVALID)
#define qn_fail_nomem(err, what) (qn_fail_nomem((err), (what)), QN_NOMEM)

#endif
