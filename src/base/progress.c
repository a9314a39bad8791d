#include "base/progress.h"

enum qn_status qn_progress_report(const struct qn_progress *progress, const char *stage,
                                  uint64_t done, uint64_t total, const char *unit,
                                  struct qn_error *err)
{
    if (!progress || !progress->update)
        return QN_OK;
    if (progress->update(progress->context, stage, done, total, unit))
        return QN_OK;
    return qn_fail(err, QN_CANCELLED, "cancelled during %s", stage);
}
