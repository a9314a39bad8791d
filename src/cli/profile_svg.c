/* The charts of the HTML profile. Colours come from the page's style sheet by class. */
#include "cli/profile_view.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

/* Units of the view boxes; the page scales them. */
#define QN_HIST_WIDTH 320.0
#define QN_HIST_HEIGHT 96.0
#define QN_AXIS_HEIGHT 18.0
#define QN_CELL 22.0
#define QN_LABEL_MIN 64.0   /* room for names beside a grid, by the longest of them */
#define QN_LETTER 6.3       /* about the width of one */
#define QN_SLANT 0.87       /* sine of 60 degrees */
#define QN_MARGIN 70.0      /* right of a grid, for the slanted names and the shares */
#define QN_LABEL_COLUMNS 20 /* characters of a name beside a chart */
#define QN_PATTERN_COLUMNS_MAX 24

void qn__html_text(struct qn_buffer *html, const char *text)
{
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '&')
            qn_buffer_text(html, "&amp;");
        else if (c == '<')
            qn_buffer_text(html, "&lt;");
        else if (c == '>')
            qn_buffer_text(html, "&gt;");
        else if (c == '"')
            qn_buffer_text(html, "&quot;");
        else if (c == '\'')
            qn_buffer_text(html, "&#39;");
        else if (c == 0x7F || (c < 0x20 && c != '\n' && c != '\t'))
            qn_buffer_text(html, "\xEF\xBF\xBD");
        else
            qn_buffer_char(html, *at);
    }
}

static void fitted_text(struct qn_buffer *html, const char *text, size_t columns)
{
    char fitted[256];
    qn_text_fit(text, columns, fitted, sizeof(fitted));
    qn__html_text(html, fitted);
}

static void bin_bars(struct qn_buffer *html, const struct qn_column_profile *column, double low,
                     double scale)
{
    size_t highest = 1;
    for (size_t i = 0; i < column->bin_count; i++)
        highest = column->bin_counts[i] > highest ? column->bin_counts[i] : highest;
    for (size_t i = 0; i < column->bin_count; i++) {
        if (column->bin_counts[i] == 0)
            continue;
        char from[QN__WORD_SIZE], to[QN__WORD_SIZE], count[QN_NUMBER_TEXT_SIZE];
        double height = (double)column->bin_counts[i] / (double)highest * QN_HIST_HEIGHT;
        double left = (column->bin_edges[i] - low) * scale;
        double width = (column->bin_edges[i + 1] - column->bin_edges[i]) * scale;
        height = height < 1 ? 1 : height; /* A single value stays to be seen. */
        qn__view_value(column, column->bin_edges[i], from);
        qn__view_value(column, column->bin_edges[i + 1], to);
        qn_format_count(column->bin_counts[i], count);
        qn_buffer_format(html,
                         "<rect class=\"bar\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\">"
                         "<title>%s to %s: %s</title></rect>",
                         left + 0.5, QN_HIST_HEIGHT - height, width > 1.5 ? width - 1 : width,
                         height, from, to, count);
    }
}

static void quartile_marks(struct qn_buffer *html, const struct qn_column_profile *column,
                           double low, double scale)
{
    static const struct {
        size_t quantile;
        const char *class, *name;
    } marks[] = {{3, "quartile", "first quartile"},
                 {4, "median", "median"},
                 {5, "quartile", "third quartile"}};
    for (size_t i = 0; i < 3; i++) {
        char value[QN__WORD_SIZE];
        double at = column->quantiles[marks[i].quantile];
        qn__view_value(column, at, value);
        qn_buffer_format(html,
                         "<line class=\"%s\" x1=\"%.2f\" x2=\"%.2f\" y1=\"0\" y2=\"%.0f\">"
                         "<title>%s: %s</title></line>",
                         marks[i].class, (at - low) * scale, (at - low) * scale, QN_HIST_HEIGHT + 3,
                         marks[i].name, value);
    }
}

void qn__svg_histogram(struct qn_buffer *html, const struct qn_column_profile *column)
{
    if (column->bin_count == 0)
        return;
    double low = column->bin_edges[0], high = column->bin_edges[column->bin_count];
    double scale = QN_HIST_WIDTH / (high - low);
    char min[QN__WORD_SIZE], max[QN__WORD_SIZE], q1[QN__WORD_SIZE], q2[QN__WORD_SIZE],
        q3[QN__WORD_SIZE];
    qn__view_value(column, column->min, min);
    qn__view_value(column, column->max, max);
    qn__view_value(column, column->quantiles[3], q1);
    qn__view_value(column, column->quantiles[4], q2);
    qn__view_value(column, column->quantiles[5], q3);
    qn_buffer_format(html,
                     "<svg class=\"histogram\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
                     "aria-label=\"Histogram of ",
                     QN_HIST_WIDTH, QN_HIST_HEIGHT + QN_AXIS_HEIGHT);
    qn__html_text(html, column->name);
    qn_buffer_format(html, ": from %s to %s, the middle half between %s and %s, median %s\">", min,
                     max, q1, q3, q2);
    bin_bars(html, column, low, scale);
    qn_buffer_format(html, "<line class=\"axis\" x1=\"0\" x2=\"%.0f\" y1=\"%.0f\" y2=\"%.0f\"/>",
                     QN_HIST_WIDTH, QN_HIST_HEIGHT, QN_HIST_HEIGHT);
    if (column->type != QN_TYPE_BOOLEAN && column->distinct > 2)
        quartile_marks(html, column, low, scale);
    qn_buffer_format(html,
                     "<text x=\"0\" y=\"%.0f\">%s</text>"
                     "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">%s</text></svg>",
                     QN_HIST_HEIGHT + QN_AXIS_HEIGHT - 3, min, QN_HIST_WIDTH,
                     QN_HIST_HEIGHT + QN_AXIS_HEIGHT - 3, max);
}

void qn__svg_bar(struct qn_buffer *html, double share)
{
    qn_buffer_format(html,
                     "<svg class=\"share\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" "
                     "aria-hidden=\"true\"><rect class=\"rest\" width=\"100\" height=\"8\"/>"
                     "<rect class=\"bar\" width=\"%.2f\" height=\"8\"/></svg>",
                     share > 0 && share < 0.005 ? 0.5 : share * 100);
}

/* Where a grid with names at its left and top begins. */
struct corner {
    double left, top;
};

static struct corner corner_of(const struct qn_profile *profile, const size_t *columns,
                               size_t count)
{
    double longest = 0;
    for (size_t i = 0; i < count; i++) {
        double width = (double)qn_text_width(profile->columns[columns[i]].name);
        longest = width > longest ? width : longest;
    }
    longest = (longest < QN_LABEL_COLUMNS ? longest : QN_LABEL_COLUMNS) * QN_LETTER + 12;
    longest = longest > QN_LABEL_MIN ? longest : QN_LABEL_MIN;
    return (struct corner){longest, longest * QN_SLANT + 10};
}

static void column_labels(struct qn_buffer *html, const struct qn_profile *profile,
                          struct corner corner, const size_t *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double at = corner.left + ((double)i + 0.5) * QN_CELL + 4;
        qn_buffer_format(html, "<text x=\"%.1f\" y=\"%.1f\" transform=\"rotate(-60 %.1f %.1f)\">",
                         at, corner.top - 6, at, corner.top - 6);
        fitted_text(html, profile->columns[columns[i]].name, QN_LABEL_COLUMNS);
        qn_buffer_text(html, "</text>");
    }
}

static void heat_cell(struct qn_buffer *html, const struct qn_profile *profile, size_t row,
                      size_t column, double value, double left, double top)
{
    double strength = fabs(value) < 1 ? fabs(value) : 1;
    const char *class = isnan(value) ? "undefined" : value < 0 ? "negative" : "positive";
    qn_buffer_format(html,
                     "<g><rect class=\"%s\" x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" "
                     "fill-opacity=\"%.3f\"/><title>",
                     class, left + 1, top + 1, QN_CELL - 2, QN_CELL - 2,
                     isnan(value) ? 1.0 : strength);
    qn__html_text(html, profile->columns[row].name);
    qn_buffer_text(html, " and ");
    qn__html_text(html, profile->columns[column].name);
    if (isnan(value))
        qn_buffer_text(html, ": undefined</title></g>");
    else
        qn_buffer_format(html, ": %.3f</title>", value);
    if (isnan(value))
        return;
    /* Numbers for print and for those who do not see the colours. */
    if (strength >= 0.3)
        qn_buffer_format(html,
                         "<text class=\"cell%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">"
                         "%s%.0f</text>",
                         strength > 0.75 ? " strong" : "", left + QN_CELL / 2,
                         top + QN_CELL / 2 + 3, value < 0 ? "\xE2\x88\x92" : "", strength * 100);
    qn_buffer_text(html, "</g>");
}

void qn__svg_heat_map(struct qn_buffer *html, const struct qn_profile *profile,
                      const size_t *columns, size_t count, const double *values)
{
    double side = (double)count * QN_CELL;
    struct corner corner = corner_of(profile, columns, count);
    qn_buffer_format(html,
                     "<svg class=\"heat\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" role=\"img\" "
                     "aria-label=\"Association of each pair of columns; the table of the strongest "
                     "links says the same in words\">",
                     corner.left + side + QN_MARGIN, corner.top + side + 4,
                     corner.left + side + QN_MARGIN);
    column_labels(html, profile, corner, columns, count);
    for (size_t i = 0; i < count; i++) {
        double top = corner.top + (double)i * QN_CELL;
        qn_buffer_format(html, "<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">", corner.left - 6,
                         top + QN_CELL / 2 + 4);
        fitted_text(html, profile->columns[columns[i]].name, QN_LABEL_COLUMNS);
        qn_buffer_text(html, "</text>");
        for (size_t j = 0; j < count; j++) {
            if (i != j)
                heat_cell(html, profile, columns[i], columns[j], values[i * count + j],
                          corner.left + (double)j * QN_CELL, top);
        }
    }
    qn_buffer_text(html, "</svg>");
}

static void pattern_row(struct qn_buffer *html, const struct qn_profile *profile,
                        const struct qn_missing_pattern *pattern, const size_t *columns,
                        size_t count, struct corner at)
{
    char rows[QN_NUMBER_TEXT_SIZE], share[QN__WORD_SIZE];
    qn_format_count(pattern->rows, rows);
    qn__view_share((double)pattern->rows / (double)profile->table->row_count, share);
    qn_buffer_format(html, "<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%s rows</text>",
                     at.left - 6, at.top + QN_CELL / 2 + 4, rows);
    for (size_t i = 0; i < count; i++) {
        bool missing = false;
        for (size_t j = 0; j < pattern->column_count; j++)
            missing |= pattern->columns[j] == columns[i];
        qn_buffer_format(html,
                         "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.0f\" "
                         "height=\"%.0f\"><title>%s</title></rect>",
                         missing ? "gone" : "there", at.left + (double)i * QN_CELL + 1, at.top + 1,
                         QN_CELL - 2, QN_CELL - 2, missing ? "missing" : "there");
    }
    qn_buffer_format(html, "<text x=\"%.1f\" y=\"%.1f\">%s</text>",
                     at.left + (double)count * QN_CELL + 8, at.top + QN_CELL / 2 + 4, share);
}

void qn__svg_patterns(struct qn_buffer *html, const struct qn_profile *profile)
{
    size_t columns[QN_PATTERN_COLUMNS_MAX], count = 0;
    for (size_t i = 0; i < profile->table->column_count && count < QN_PATTERN_COLUMNS_MAX; i++) {
        if (profile->columns[i].missing > 0)
            columns[count++] = i;
    }
    struct corner corner = corner_of(profile, columns, count);
    double width = corner.left + (double)count * QN_CELL + QN_MARGIN;
    double height = corner.top + (double)profile->pattern_count * QN_CELL + 4;
    qn_buffer_format(html,
                     "<svg class=\"patterns\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
                     "role=\"img\" aria-label=\"Which columns are missing in the same rows\">",
                     width, height, width);
    column_labels(html, profile, corner, columns, count);
    for (size_t i = 0; i < profile->pattern_count; i++)
        pattern_row(html, profile, &profile->patterns[i], columns, count,
                    (struct corner){corner.left, corner.top + (double)i * QN_CELL});
    qn_buffer_text(html, "</svg>");
}
