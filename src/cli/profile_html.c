/* The profile as one HTML page that needs nothing else: style inside, charts as SVG, no scripts. */
#include "cli/profile_view.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

#define QN_PAGE_MAX ((size_t)1 << 30)
#define QN_OPEN_COLUMNS 60 /* with more columns their details start folded */
#define QN_ALERTS_A_KIND 20
#define QN_HEAT_COLUMNS 30
#define QN_LINKS_SHOWN 12
#define QN_LINK_LEAST 0.2
#define QN_TEXT_COLUMNS 60 /* of a value in a table */

extern const unsigned char qn_profile_css[];
extern const size_t qn_profile_css_size;

struct page {
    struct qn_buffer html;
    const struct qn_profile *profile;
};

static void text(struct page *page, const char *literal)
{
    qn_buffer_text(&page->html, literal);
}

/* Data: escaped, and kept from reordering what stands around it. */
static void data(struct page *page, const char *value)
{
    text(page, "<bdi>");
    qn__html_text(&page->html, value);
    text(page, "</bdi>");
}

static void data_fitted(struct page *page, const char *value)
{
    char fitted[512];
    qn_text_fit(value, QN_TEXT_COLUMNS, fitted, sizeof(fitted));
    data(page, fitted);
}

static void count(struct page *page, size_t value)
{
    char number[QN_NUMBER_TEXT_SIZE];
    qn_format_count(value, number);
    text(page, number);
}

static void share(struct page *page, double value)
{
    char number[QN__WORD_SIZE];
    qn__view_share(value, number);
    qn__html_text(&page->html, number);
}

static void value(struct page *page, const struct qn_column_profile *column, double number)
{
    char shown[QN__WORD_SIZE];
    qn__view_value(column, number, shown);
    text(page, shown);
}

static void base64(const unsigned char *bytes, size_t size, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        unsigned left = size - i < 3 ? (unsigned)(size - i) : 3;
        unsigned bits = (unsigned)bytes[i] << 16;
        bits |= left > 1 ? (unsigned)bytes[i + 1] << 8 : 0;
        bits |= left > 2 ? bytes[i + 2] : 0U;
        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[bits & 63] : '=';
    }
    *out = '\0';
}

static void head(struct page *page)
{
    unsigned char digest[QN_SHA256_SIZE];
    char hash[QN_SHA256_SIZE * 2];
    qn_sha256(qn_profile_css, qn_profile_css_size, digest);
    base64(digest, sizeof(digest), hash);
    /* Nothing is loaded and no script runs, even if a value of the data got past the escaping. */
    qn_buffer_format(&page->html,
                     "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                     "style-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n"
                     "<meta name=\"referrer\" content=\"no-referrer\">\n<title>Profile of ",
                     hash);
    qn__html_text(&page->html, page->profile->table->name);
    text(page, "</title>\n<style>");
    qn_buffer_append(&page->html, qn_profile_css, qn_profile_css_size);
    text(page, "</style>\n</head>\n");
}

static size_t serious_count(const struct qn_profile *profile)
{
    size_t serious = 0;
    for (size_t i = 0; i < profile->alert_count; i++)
        serious += profile->alerts[i].severity != QN_SEVERITY_INFO;
    return serious;
}

/* The sentence that the reader came for. */
static void answer(struct page *page)
{
    const struct qn_profile *profile = page->profile;
    size_t serious = serious_count(profile), notes = profile->alert_count - serious;
    text(page, "<p class=\"answer\">");
    if (serious > 0)
        qn_buffer_format(&page->html, "%zu thing%s to settle before training", serious,
                         serious == 1 ? "" : "s");
    else
        text(page, "Nothing stands in the way of training");
    if (notes > 0)
        qn_buffer_format(&page->html, ", %zu to know about", notes);
    text(page, ". ");
    if (profile->suggested_target >= 0) {
        text(page, "The column to predict is likely <a href=\"#c");
        qn_buffer_format(&page->html, "%zd\">", profile->suggested_target);
        data(page, profile->columns[profile->suggested_target].name);
        text(page, "</a> <span class=\"quiet\">(");
        qn__html_text(&page->html, profile->target_reason);
        text(page, ")</span>.");
    } else {
        text(page, "No column stands out as the one to predict.");
    }
    text(page, "</p>\n");
}

static void fact_open(struct page *page, const char *name)
{
    qn_buffer_format(&page->html, "<div><dt>%s</dt><dd>", name);
}

static void fact_close(struct page *page)
{
    text(page, "</dd></div>");
}

static void key_figures(struct page *page)
{
    const struct qn_profile *profile = page->profile;
    const struct qn_table *table = profile->table;
    size_t missing = 0, numbers = 0, categories = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        missing += profile->columns[i].missing;
        categories += qn_type_is_coded(table->columns[i].type);
        numbers +=
            table->columns[i].type == QN_TYPE_NUMBER || table->columns[i].type == QN_TYPE_INTEGER;
    }
    double cells = (double)table->row_count * (double)table->column_count;
    text(page, "<dl class=\"key\">");
    fact_open(page, "Rows");
    count(page, table->row_count);
    fact_close(page);
    fact_open(page, "Columns");
    count(page, table->column_count);
    text(page, " <small>");
    count(page, numbers);
    text(page, " numbers, ");
    count(page, categories);
    text(page, " categories or texts</small>");
    fact_close(page);
    fact_open(page, "Missing cells");
    share(page, cells > 0 ? (double)missing / cells : 0);
    fact_close(page);
    fact_open(page, "Duplicate rows");
    count(page, profile->duplicate_rows);
    fact_close(page);
    text(page, "</dl>\n");
}

static void alert_item(struct page *page, const struct qn_alert *alert)
{
    static const char *const words[] = {"note", "warning", "error"};
    static const char *const shapes[] = {"\xE2\x97\x8B", "\xE2\x96\xB2", "\xE2\x96\xA0"};
    qn_buffer_format(&page->html,
                     "<li class=\"%s\"><span class=\"tag\"><span aria-hidden=\"true\">%s</span> "
                     "%s</span><p>",
                     words[alert->severity], shapes[alert->severity], words[alert->severity]);
    if (alert->column >= 0)
        qn_buffer_format(&page->html, "<a href=\"#c%zd\">", alert->column);
    data(page, alert->message);
    text(page, alert->column >= 0 ? "</a>" : "");
    text(page, "</p><p class=\"action\">");
    data(page, alert->action);
    text(page, "</p></li>\n");
}

static void alerts(struct page *page)
{
    const struct qn_profile *profile = page->profile;
    if (profile->alert_count == 0)
        return;
    text(page, "<section aria-labelledby=\"h-alerts\"><h2 id=\"h-alerts\">Worth a look</h2>\n"
               "<ul class=\"alerts\">\n");
    size_t run = 0;
    for (size_t i = 0; i < profile->alert_count; i++) {
        const struct qn_alert *alert = &profile->alerts[i];
        bool same = i > 0 && strcmp(profile->alerts[i - 1].kind, alert->kind) == 0 &&
                    profile->alerts[i - 1].severity == alert->severity;
        run = same ? run + 1 : 0;
        if (run < QN_ALERTS_A_KIND)
            alert_item(page, alert);
        else if (run == QN_ALERTS_A_KIND)
            qn_buffer_format(&page->html,
                             "<li class=\"more\">More columns are like these (%s); the JSON "
                             "profile lists them all.</li>\n",
                             alert->kind);
    }
    text(page, "</ul></section>\n");
}

/* What the chart of a column shows, in words. */
static void lead(struct page *page, const struct qn_column_profile *column)
{
    char span[QN__WORD_SIZE];
    text(page, "<p class=\"lead\">");
    if (column->count == 0) {
        text(page, "No values at all");
    } else if (column->distinct == 1) {
        text(page, "One value only");
    } else if (qn_type_is_coded(column->type) && column->distinct == column->count) {
        text(page, "Every value is different");
    } else if (qn_type_is_coded(column->type) || column->type == QN_TYPE_BOOLEAN) {
        double part = (double)column->top[0].count / (double)column->count;
        bool most = column->top[0].count * 2 > column->count;
        if (most) {
            share(page, part);
            text(page, " are ");
        } else {
            text(page, "The commonest is ");
        }
        data_fitted(page, column->top[0].text);
        if (!most) {
            text(page, ", ");
            share(page, part);
        }
    } else if (column->count == column->infinite) {
        text(page, "All values are infinite");
    } else if (column->type == QN_TYPE_DATE || column->type == QN_TYPE_DATETIME) {
        qn__view_span(column, column->max - column->min, span);
        qn_buffer_format(&page->html, "Spans %s", span);
        if (column->gap_max > 2 * column->gap_median) {
            qn__view_span(column, column->gap_max, span);
            qn_buffer_format(&page->html, "; the longest gap is %s, after ", span);
            value(page, column, column->gap_max_at);
        }
    } else if (column->quantiles[3] == column->quantiles[5]) {
        text(page, "At least half are ");
        value(page, column, column->quantiles[4]);
    } else {
        text(page, "Half lie between ");
        value(page, column, column->quantiles[3]);
        text(page, " and ");
        value(page, column, column->quantiles[5]);
    }
    text(page, "</p>");
}

static void top_table(struct page *page, const struct qn_column_profile *column)
{
    size_t shown = 0;
    text(page, "<table class=\"bars\"><caption class=\"hidden\">Commonest values</caption><thead "
               "class=\"hidden\"><tr><th scope=\"col\">Value</th><th scope=\"col\">Picture</th>"
               "<th scope=\"col\">Count</th><th scope=\"col\">Share</th></tr></thead><tbody>");
    size_t limit = column->top_count == QN_PROFILE_TOP && column->distinct > QN_PROFILE_TOP
                       ? QN_PROFILE_TOP - 3
                       : column->top_count;
    for (size_t i = 0; i < limit; i++) {
        double part = (double)column->top[i].count / (double)column->count;
        text(page, "<tr><th scope=\"row\">");
        data_fitted(page, column->top[i].text);
        text(page, "</th><td>");
        qn__svg_bar(&page->html, part);
        text(page, "</td><td>");
        count(page, column->top[i].count);
        text(page, "</td><td>");
        share(page, part);
        text(page, "</td></tr>");
        shown += column->top[i].count;
    }
    if (column->distinct > limit) {
        double part = (double)(column->count - shown) / (double)column->count;
        text(page, "<tr class=\"others\"><th scope=\"row\">");
        count(page, column->distinct - limit);
        text(page, " others</th><td>");
        qn__svg_bar(&page->html, part);
        text(page, "</td><td>");
        count(page, column->count - shown);
        text(page, "</td><td>");
        share(page, part);
        text(page, "</td></tr>");
    }
    text(page, "</tbody></table>");
}

static void figure_row(struct page *page, const char *name, const char *shown)
{
    qn_buffer_format(&page->html, "<tr><th scope=\"row\">%s</th><td>%s</td></tr>", name, shown);
}

static void number_row(struct page *page, const char *name, double number)
{
    char shown[QN_NUMBER_TEXT_SIZE] = "-";
    if (isfinite(number))
        qn_format_human(number, shown);
    figure_row(page, name, shown);
}

static void value_figures(struct page *page, const struct qn_column_profile *column)
{
    char shown[QN__WORD_SIZE], name[32];
    bool is_time = column->type == QN_TYPE_DATE || column->type == QN_TYPE_DATETIME;
    qn__view_value(column, column->mean, shown);
    figure_row(page, "Mean", shown);
    if (is_time) {
        qn__view_span(column, column->std, shown);
        figure_row(page, "Standard deviation", shown);
        if (isfinite(column->gap_median)) {
            qn__view_span(column, column->gap_median, shown);
            figure_row(page, "Median gap", shown);
            qn__view_span(column, column->gap_max, shown);
            figure_row(page, "Longest gap", shown);
        }
    } else {
        number_row(page, "Standard deviation", column->std);
        number_row(page, "Median deviation", column->median_deviation);
        number_row(page, "Skewness", column->skewness);
        number_row(page, "Excess kurtosis", column->kurtosis);
        number_row(page, "Zeros", (double)column->zeros);
        number_row(page, "Negative", (double)column->negatives);
        number_row(page, "Infinite", (double)column->infinite);
        number_row(page, "Beyond 3 interquartile ranges", (double)column->outliers);
    }
    for (size_t i = 0; i < QN_PROFILE_QUANTILES; i++) {
        snprintf(name, sizeof(name), "%g%% quantile", qn_profile_quantile_levels[i] * 100);
        qn__view_value(column, column->quantiles[i], shown);
        figure_row(page, name, shown);
    }
}

static void bin_figures(struct page *page, const struct qn_column_profile *column)
{
    if (column->bin_count == 0)
        return;
    text(page, "<table><caption>Histogram</caption><thead><tr><th scope=\"col\">From</th>"
               "<th scope=\"col\">To</th><th scope=\"col\">Count</th></tr></thead><tbody>");
    for (size_t i = 0; i < column->bin_count; i++) {
        text(page, "<tr><td>");
        value(page, column, column->bin_edges[i]);
        text(page, "</td><td>");
        value(page, column, column->bin_edges[i + 1]);
        text(page, "</td><td>");
        count(page, column->bin_counts[i]);
        text(page, "</td></tr>");
    }
    text(page, "</tbody></table>");
}

static void details(struct page *page, const struct qn_column_profile *column)
{
    if (column->count == 0 || column->count == column->infinite)
        return;
    text(page, "<details><summary>All figures</summary><div class=\"figures\"><table><caption>"
               "Figures</caption><tbody>");
    if (qn_type_is_coded(column->type)) {
        number_row(page, "Shortest, in characters", (double)column->length_min);
        number_row(page, "Longest", (double)column->length_max);
        number_row(page, "Mean length", column->length_mean);
        number_row(page, "Entropy, in bits", column->entropy);
        number_row(page, "Values that look like numbers", (double)column->numeric_looking);
        text(page, "</tbody></table>");
    } else {
        value_figures(page, column);
        text(page, "</tbody></table>");
        bin_figures(page, column);
        if (column->top_count > 0 && column->type != QN_TYPE_BOOLEAN)
            top_table(page, column);
    }
    text(page, "</div></details>");
}

static void column_facts(struct page *page, const struct qn_column_profile *column)
{
    size_t rows = column->count + column->missing;
    text(page, "<dl class=\"facts\">");
    fact_open(page, "Missing");
    if (column->missing == 0) {
        text(page, "none");
    } else {
        share(page, (double)column->missing / (double)rows);
        text(page, " <small>(");
        count(page, column->missing);
        text(page, ")</small>");
    }
    fact_close(page);
    fact_open(page, "Distinct");
    count(page, column->distinct);
    fact_close(page);
    if (!qn_type_is_coded(column->type) && column->type != QN_TYPE_BOOLEAN &&
        column->count > column->infinite) {
        fact_open(page, "Median");
        value(page, column, column->quantiles[4]);
        fact_close(page);
        fact_open(page, "Mean");
        value(page, column, column->mean);
        fact_close(page);
    } else if (qn_type_is_coded(column->type) && column->count > 0) {
        fact_open(page, "Length");
        if (column->length_min == column->length_max)
            qn_buffer_format(&page->html, "%zu", column->length_min);
        else
            qn_buffer_format(&page->html, "%zu to %zu", column->length_min, column->length_max);
        fact_close(page);
    }
    text(page, "</dl>");
}

static void column_card(struct page *page, size_t index)
{
    const struct qn_profile *profile = page->profile;
    const struct qn_column_profile *column = &profile->columns[index];
    const struct qn_column *source = &profile->table->columns[index];
    bool folded = profile->table->column_count > QN_OPEN_COLUMNS;
    bool bars = qn_type_is_coded(column->type) || column->type == QN_TYPE_BOOLEAN;
    qn_buffer_format(&page->html, "<article class=\"column\" id=\"c%zu\">", index);
    text(page, folded ? "<details><summary><h3>" : "<h3>");
    data(page, column->name);
    qn_buffer_format(&page->html, "</h3> <span class=\"type\">%s</span>",
                     qn_type_name(column->type));
    if ((ptrdiff_t)index == profile->target)
        text(page, " <span class=\"type target\">target</span>");
    if (folded && column->missing > 0) {
        text(page, " <span class=\"type\">");
        share(page, (double)column->missing / (double)(column->count + column->missing));
        text(page, " missing</span>");
    }
    text(page, folded ? "</summary>" : "");
    lead(page, column);
    if (bars && column->count > 0 && column->distinct < column->count)
        top_table(page, column);
    else if (!bars)
        qn__svg_histogram(&page->html, column);
    else if (column->top_count > 0) {
        text(page, "<p class=\"quiet\">For example ");
        for (size_t i = 0; i < 3 && i < column->top_count; i++) {
            text(page, i ? ", " : "");
            data_fitted(page, column->top[i].text);
        }
        text(page, "</p>");
    }
    column_facts(page, column);
    details(page, column);
    if (source->reason) {
        text(page, "<p class=\"quiet reason\">Read as ");
        qn_buffer_format(&page->html, "%s: ", qn_type_name(column->type));
        data(page, source->reason);
        text(page, "</p>");
    }
    text(page, folded ? "</details></article>\n" : "</article>\n");
}

static void columns(struct page *page)
{
    size_t column_count = page->profile->table->column_count;
    if (column_count == 0)
        return;
    text(page, "<section aria-labelledby=\"h-columns\"><h2 id=\"h-columns\">Columns</h2>\n");
    if (column_count > QN_OPEN_COLUMNS)
        text(page, "<p class=\"quiet\">Open a column to see its figures.</p>");
    else
        text(page, "<p class=\"quiet legend\"><span class=\"key-median\"></span> median "
                   "<span class=\"key-quartile\"></span> quartiles: half of the values lie between "
                   "them</p>");
    text(page, column_count > QN_OPEN_COLUMNS ? "<div class=\"columns folded\">\n"
                                              : "<div class=\"columns\">\n");
    for (size_t i = 0; i < column_count; i++)
        column_card(page, i);
    text(page, "</div></section>\n");
}

/* The columns of the heat map, in table order: those of the strongest links when there are more. */
static size_t heat_columns(const struct qn_association *links, size_t link_count, size_t *out)
{
    size_t used = 0;
    for (size_t i = 0; i < link_count; i++) {
        size_t pair[2] = {links[i].a, links[i].b};
        for (size_t k = 0; k < 2; k++) {
            size_t at = 0;
            while (at < used && out[at] != pair[k])
                at++;
            if (at == used && used < QN_HEAT_COLUMNS)
                out[used++] = pair[k];
        }
    }
    for (size_t i = 1; i < used; i++) {
        for (size_t j = i; j > 0 && out[j - 1] > out[j]; j--) {
            size_t swap = out[j];
            out[j] = out[j - 1];
            out[j - 1] = swap;
        }
    }
    return used;
}

static void heat_map(struct page *page, const struct qn_association *links, size_t link_count)
{
    size_t chosen[QN_HEAT_COLUMNS];
    double values[QN_HEAT_COLUMNS * QN_HEAT_COLUMNS];
    size_t used = heat_columns(links, link_count, chosen);
    if (used < 3)
        return;
    for (size_t i = 0; i < used * used; i++)
        values[i] = NAN;
    for (size_t i = 0; i < link_count; i++) {
        size_t a = 0, b = 0;
        while (a < used && chosen[a] != links[i].a)
            a++;
        while (b < used && chosen[b] != links[i].b)
            b++;
        if (a < used && b < used)
            values[a * used + b] = values[b * used + a] = links[i].value;
    }
    text(page, "<figure><figcaption>");
    if (used < page->profile->table->column_count)
        qn_buffer_format(&page->html, "The %zu columns with the strongest links. ", used);
    text(page, "Numbers are hundredths; <span class=\"word-positive\">blue</span> grows together, "
               "<span class=\"word-negative\">orange</span> goes apart.</figcaption>"
               "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Heat map\">");
    qn__svg_heat_map(&page->html, page->profile, chosen, used, values);
    text(page, "</div></figure>");
}

static void link_table(struct page *page, const struct qn_association *links, size_t link_count)
{
    const struct qn_profile *profile = page->profile;
    text(page, "<div class=\"scroll\"><table class=\"links\"><caption>Strongest links</caption>"
               "<thead><tr><th scope=\"col\">Column</th><th scope=\"col\">With</th>"
               "<th scope=\"col\">Strength</th><th scope=\"col\">Measure</th></tr></thead><tbody>");
    for (size_t i = 0; i < link_count; i++) {
        qn_buffer_format(&page->html, "<tr><td><a href=\"#c%zu\">", links[i].a);
        data_fitted(page, profile->columns[links[i].a].name);
        qn_buffer_format(&page->html, "</a></td><td><a href=\"#c%zu\">", links[i].b);
        data_fitted(page, profile->columns[links[i].b].name);
        qn_buffer_format(&page->html, "</a></td><td class=\"number\">%s%.3f</td><td>%s</td></tr>",
                         links[i].value < 0 ? "\xE2\x88\x92" : "", fabs(links[i].value),
                         qn__view_measure(links[i].measure));
    }
    text(page, "</tbody></table></div>");
}

/* What was not looked at. Pairs go over the first columns of a kind, so the last column
 * that occurs in one says how far they go. */
static void link_limits(struct page *page)
{
    const struct qn_profile *profile = page->profile;
    size_t last_number = 0, beyond = 0;
    for (size_t i = 0; i < profile->association_count; i++) {
        const struct qn_association *pair = &profile->associations[i];
        if (pair->measure == QN_MEASURE_PEARSON && pair->b > last_number)
            last_number = pair->b;
    }
    for (size_t i = last_number + 1; last_number > 0 && i < profile->table->column_count; i++) {
        enum qn_type type = profile->columns[i].type;
        beyond += type == QN_TYPE_NUMBER || type == QN_TYPE_INTEGER || type == QN_TYPE_BOOLEAN;
    }
    if (beyond > 0) {
        text(page, "<p class=\"quiet\">Links of the last ");
        count(page, beyond);
        text(page, " number columns were not sought.</p>");
    }
    if (profile->spearman_skipped > 0) {
        text(page, "<p class=\"quiet\">Rank correlations of ");
        count(page, profile->spearman_skipped);
        text(page, " pairs were left out: there are too many rows to rank again.</p>");
    }
}

static enum qn_status associations(struct page *page, struct qn_error *err)
{
    struct qn_association *links;
    size_t link_count, strong = 0;
    enum qn_status status = qn__view_links(page->profile, SIZE_MAX, 0.0, &links, &link_count, err);
    if (status != QN_OK)
        return status;
    while (strong < link_count && strong < QN_LINKS_SHOWN &&
           fabs(links[strong].value) >= QN_LINK_LEAST)
        strong++;
    if (link_count > 0) {
        text(page, "<section aria-labelledby=\"h-links\"><h2 id=\"h-links\">How columns hang "
                   "together</h2>\n");
        link_limits(page);
        text(page, "<div class=\"wide\">");
        heat_map(page, links, link_count);
        if (strong > 0)
            link_table(page, links, strong);
        else
            text(page, "<p>No two columns have a link stronger than 0.2.</p>");
        text(page, "</div></section>\n");
    }
    qn_free(links);
    return QN_OK;
}

static void missing(struct page *page)
{
    const struct qn_profile *profile = page->profile;
    size_t with_missing = 0;
    for (size_t i = 0; i < profile->table->column_count; i++)
        with_missing += profile->columns[i].missing > 0;
    if (with_missing == 0 || profile->pattern_count == 0)
        return;
    text(page, "<section aria-labelledby=\"h-missing\"><h2 id=\"h-missing\">What is missing "
               "together</h2>\n<p class=\"quiet\">Each line is a set of rows; a filled square is a "
               "missing column.");
    if (with_missing > 24)
        qn_buffer_format(&page->html, " The first 24 of %zu columns are shown.", with_missing);
    text(page, "</p><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Missing "
               "cells\">");
    qn__svg_patterns(&page->html, profile);
    text(page, "</div></section>\n");
}

static void footer(struct page *page)
{
    text(page,
         "<footer><p>All figures are exact: every row was read. Standard deviations are of a "
         "sample; quantiles are interpolated linearly. Figures of numbers leave out infinite "
         "values. Correlation is Pearson's and rank correlation Spearman's, over the rows where "
         "both columns have values; Cramer's V (corrected for bias) is between categories, the "
         "correlation ratio between a category and a number.</p><p>Made by Quern.</p></footer>\n");
}

enum qn_status qn_profile_html(const struct qn_profile *profile, const char *path,
                               struct qn_error *err)
{
    struct page page = {.profile = profile};
    struct qn_publish publish;
    qn_buffer_init(&page.html, QN_PAGE_MAX);
    head(&page);
    text(&page, "<body>\n<main>\n<header><p class=\"kicker\">Profile</p><h1>");
    data(&page, profile->table->name);
    text(&page, "</h1>\n");
    answer(&page);
    key_figures(&page);
    text(&page, "</header>\n");
    alerts(&page);
    columns(&page);
    enum qn_status status = associations(&page, err);
    if (status != QN_OK)
        goto done;
    missing(&page);
    footer(&page);
    text(&page, "</main>\n</body>\n</html>\n");
    status = qn_buffer_check(&page.html, "HTML profile", err);
    if (status == QN_OK)
        status = qn_publish_begin(path, &publish, err);
    if (status != QN_OK)
        goto done;
    if (fwrite(page.html.bytes, 1, page.html.size, publish.stream) != page.html.size) {
        status = qn_fail(err, QN_IO, "cannot write %s", path);
        qn_publish_abort(&publish);
        goto done;
    }
    status = qn_publish_commit(&publish, err);
done:
    qn_buffer_release(&page.html);
    return status;
}
