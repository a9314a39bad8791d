/* A trained model as text on a terminal: what one would show a colleague. */
#ifndef QN_CLI_MODEL_VIEW_H
#define QN_CLI_MODEL_VIEW_H

#include "cli/console.h"
#include "flow/model.h"

/* "Held-out score" beside the baseline, in words and numbers. `part` is an object of metrics as
 * qn_metrics_json() makes it; baseline may be NULL. */
void qn_view_scores(const struct qn_console *console, const char *title, const json_t *part,
                    const json_t *baseline);
/* Confusion matrix and per-class figures, where there are any. */
void qn_view_confusion(const struct qn_console *console, const json_t *part);
void qn_view_importance(const struct qn_console *console, const struct qn_model *model,
                        size_t limit);
/* Everything of a model after training, or for `inspect`. */
void qn_view_model(const struct qn_console *console, const struct qn_model *model);

#endif
