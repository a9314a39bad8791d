/* A model in words and numbers: the object that `train --json` and `inspect --json` print. */
#ifndef QN_FLOW_SUMMARY_H
#define QN_FLOW_SUMMARY_H

#include "flow/model.h"

/* path may be NULL. Keys as docs/cli.md lists them; NULL when out of memory. */
json_t *qn_model_summary(const struct qn_model *model, const char *path);

#endif
