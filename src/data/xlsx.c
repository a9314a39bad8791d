/* Excel workbooks are recognised, and refused with what to do instead. */
#include "data/data_internal.h"

enum qn_status qn__xlsx_read(const struct qn__source *source, const struct qn_read_options *options,
                             struct qn_table **out, struct qn_error *err)
{
    (void)options;
    (void)out;
    return qn_fail(err, QN_UNSUPPORTED,
                   "%s: Excel workbooks are not read; save the sheet as CSV (UTF-8) and give that",
                   source->name);
}
