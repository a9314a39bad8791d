/* Writes tables, whole or not at all. */
#ifndef QN_DATA_WRITE_H
#define QN_DATA_WRITE_H

#include "data/read.h"

/* By the path's ending: .csv .tsv .parquet .jsonl .ndjson, with .gz or .zst behind the first two
 * and JSON lines; "-" is CSV on standard output. Missing is an empty field in CSV, null elsewhere.
 * Doubles are written so that they read back as the same value; dates as ISO 8601. progress may be
 * NULL; when it cancels, what was under the path before stays. */
QN_MUST_CHECK enum qn_status qn_table_write(const struct qn_table *table, const char *path,
                                            const struct qn_progress *progress,
                                            struct qn_error *err);

#endif
