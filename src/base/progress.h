/* How long work reports where it is, and learns that it should stop. */
#ifndef QN_BASE_PROGRESS_H
#define QN_BASE_PROGRESS_H

#include "base/error.h"

#include <stdint.h>

/* update() is called from the thread that called the long function, at most every few
 * milliseconds' worth of work: stage is a static text ("read", "fit"), done of total in units of
 * `unit` ("rows", "trees"; total 0 when not known). It returns false to cancel. */
struct qn_progress {
    bool (*update)(void *context, const char *stage, uint64_t done, uint64_t total,
                   const char *unit);
    void *context;
};

/* progress may be NULL. QN_OK, or QN_CANCELLED with "cancelled during STAGE". */
QN_MUST_CHECK enum qn_status qn_progress_report(const struct qn_progress *progress,
                                                const char *stage, uint64_t done, uint64_t total,
                                                const char *unit, struct qn_error *err);

#endif
