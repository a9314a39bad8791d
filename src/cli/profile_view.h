/* A profile for people: in the terminal, and as one self-contained HTML page. */
#ifndef QN_CLI_PROFILE_VIEW_H
#define QN_CLI_PROFILE_VIEW_H

#include "base/buffer.h"
#include "data/profile.h"

#include <stdio.h>

/* A table with small histograms, the alerts, the strongest links and the likely target, at most
 * `width` terminal columns wide (40 at least); colour adds ANSI escapes. */
QN_MUST_CHECK enum qn_status qn_profile_print(FILE *stream, const struct qn_profile *profile,
                                              bool colour, size_t width, struct qn_error *err);

/* Writes the page to path, whole or not at all. */
QN_MUST_CHECK enum qn_status qn_profile_html(const struct qn_profile *profile, const char *path,
                                             struct qn_error *err);

/* Private to the two views from here on. */

#define QN__WORD_SIZE 64

/* A figure of a column: "1,234", "0.25", "2024-02-29"; "-" when there is none. */
void qn__view_value(const struct qn_column_profile *column, double value, char text[QN__WORD_SIZE]);
/* A share of 1 as a percentage that is never rounded to 0 or 100: "38.4%", "<0.1%". */
void qn__view_share(double share, char text[QN__WORD_SIZE]);
/* A span of time in the units of a column: "12 days", "3.5 hours". */
void qn__view_span(const struct qn_column_profile *column, double span, char text[QN__WORD_SIZE]);

/* The strongest association of each pair of columns, strongest first, at most `limit` of at least
 * `least` in absolute value. *out is the caller's to qn_free(). */
QN_MUST_CHECK enum qn_status qn__view_links(const struct qn_profile *profile, size_t limit,
                                            double least, struct qn_association **out,
                                            size_t *count_out, struct qn_error *err);
const char *qn__view_measure(enum qn_measure measure);

/* Text as HTML: markup is escaped, control characters become U+FFFD. */
void qn__html_text(struct qn_buffer *html, const char *text);

/* Charts, as inline SVG with a description for screen readers and a title a mark. */
void qn__svg_histogram(struct qn_buffer *html, const struct qn_column_profile *column);
void qn__svg_bar(struct qn_buffer *html, double share);
void qn__svg_heat_map(struct qn_buffer *html, const struct qn_profile *profile,
                      const size_t *columns, size_t count, const double *values);
void qn__svg_patterns(struct qn_buffer *html, const struct qn_profile *profile);

#endif
