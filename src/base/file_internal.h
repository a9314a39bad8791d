/* Shared by file.c and publish.c. */
#ifndef QN_BASE_FILE_INTERNAL_H
#define QN_BASE_FILE_INTERNAL_H

#include "base/error.h"

/* "PATH: cannot WHAT: reason" for an errno value: QN_NOT_FOUND where a name does not exist,
 * QN_INVALID for a folder, QN_NOMEM, else QN_IO. */
enum qn_status qn__fail_system(struct qn_error *err, const char *path, const char *what,
                               int number);

#endif
