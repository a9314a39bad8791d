#include "learn/features.h"

const char *qn_task_name(enum qn_task task)
{
    switch (task) {
    case QN_TASK_BINARY:
        return "binary";
    case QN_TASK_MULTICLASS:
        return "multiclass";
    case QN_TASK_REGRESSION:
        return "regression";
    case QN_TASK_CLUSTERING:
        return "clustering";
    }
    return "unknown";
}

bool qn_task_is_classification(enum qn_task task)
{
    return task == QN_TASK_BINARY || task == QN_TASK_MULTICLASS;
}
