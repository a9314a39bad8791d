/* The terminal: colours, width, progress, bars. */
#ifndef QN_CLI_CONSOLE_H
#define QN_CLI_CONSOLE_H

#include "base/progress.h"

#include <stdio.h>

struct qn_console {
    FILE *out;
    bool colour;  /* out is a terminal, and NO_COLOR is not set */
    size_t width; /* columns of the terminal; 80 when out is none */
};

void qn_console_init(struct qn_console *console, FILE *out);

enum qn_style {
    QN_STYLE_PLAIN,
    QN_STYLE_BOLD,
    QN_STYLE_DIM,
    QN_STYLE_GOOD,
    QN_STYLE_WARN,
    QN_STYLE_BAD
};
/* The escape sequence, or "" without colours; QN_STYLE_PLAIN ends any. */
const char *qn_style(const struct qn_console *console, enum qn_style style);

/* Text from data or files, safe to show: control characters become '?', NULL (a damaged report may
 * lack a text) is "?", and what is longer than a page is cut. */
void qn_console_text(const struct qn_console *console, const char *text);
/* The same, padded to `columns` of the terminal, cut with an ellipsis when longer. */
void qn_console_cell(const struct qn_console *console, const char *text, size_t columns,
                     bool right);
/* A bar of value / maximum in eighths of a character, padded to `columns`. */
void qn_console_bar(const struct qn_console *console, double value, double maximum, size_t columns);

/* A line on standard error with rate and time left, once work has taken a second; only when
 * standard error is a terminal. Interrupt (ctrl-c) cancels the work. */
struct qn_meter {
    struct qn_progress progress; /* to be passed on */
    bool visible, shown;
    const char *stage;
    double begin_ms, last_ms;
};
void qn_meter_init(struct qn_meter *meter);
void qn_meter_end(struct qn_meter *meter); /* wipes the line */

#endif
