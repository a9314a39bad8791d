/* The profile in a terminal. */
#include "cli/profile_view.h"

#include "base/alloc.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define QN_COLUMNS_SHOWN 100
#define QN_ALERTS_A_KIND 3
#define QN_LINKS_SHOWN 8
#define QN_LINK_LEAST 0.3
#define QN_TEXT_SIZE 512

struct printer {
    FILE *stream;
    const struct qn_profile *profile;
    bool colour;
    size_t width;
    size_t name_width, chart_width, value_width, count_width;
};

#define QN_BOLD "\033[1m"
#define QN_DIM "\033[2m"
#define QN_RED "\033[31m"
#define QN_YELLOW "\033[33m"
#define QN_BLUE "\033[34m"

static void style(const struct printer *printer, const char *code)
{
    if (printer->colour)
        fputs(code, printer->stream);
}

static void spaces(const struct printer *printer, size_t count)
{
    fprintf(printer->stream, "%*s", (int)count, "");
}

/* A cell of exactly `width` terminal columns, wide characters counted as two. */
static void cell(const struct printer *printer, const char *text, size_t width, bool right)
{
    char fitted[QN_TEXT_SIZE];
    size_t used = qn_text_fit(text, width, fitted, sizeof(fitted));
    size_t pad = used < width ? width - used : 0;
    if (right)
        spaces(printer, pad);
    fputs(fitted, printer->stream);
    if (!right)
        spaces(printer, pad);
}

/* Words of the text in lines of the terminal's width, further lines indented; the cursor stands at
 * `at`, after something that the first word must not touch when that is beyond the indent. */
static void wrapped(const struct printer *printer, const char *text, size_t at, size_t indent)
{
    while (*text) {
        size_t size = strcspn(text, " ");
        char word[QN_TEXT_SIZE], safe[QN_TEXT_SIZE];
        size_t kept = size < sizeof(word) - 1 ? size : sizeof(word) - 1;
        memcpy(word, text, kept);
        word[kept] = '\0';
        word[qn_utf8_check(word, kept)] = '\0';
        size_t used = qn_text_fit(word, printer->width - indent, safe, sizeof(safe));
        if (at > indent && at + 1 + used > printer->width) {
            fputc('\n', printer->stream);
            spaces(printer, indent);
            at = indent;
        } else if (at > indent) {
            fputc(' ', printer->stream);
            at++;
        }
        fputs(safe, printer->stream);
        at += used;
        text += size;
        text += strspn(text, " ");
    }
    fputc('\n', printer->stream);
}

static void heading(const struct printer *printer, const char *text)
{
    fputc('\n', printer->stream);
    style(printer, QN_BOLD);
    fputs(text, printer->stream);
    style(printer, "\033[0m");
    fputc('\n', printer->stream);
}

/* Counts as a row of blocks; an empty bin is a space, the smallest other one a low block. */
static void blocks(const struct printer *printer, const size_t *counts, size_t count)
{
    static const char *const levels[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    size_t highest = 1, width = printer->chart_width;
    size_t merge = count > width ? (count + width - 1) / width : 1;
    size_t merged[QN_PROFILE_BINS] = {0};
    for (size_t i = 0; i < count; i++)
        merged[i / merge] += counts[i];
    count = (count + merge - 1) / merge;
    for (size_t i = 0; i < count; i++)
        highest = merged[i] > highest ? merged[i] : highest;
    style(printer, QN_BLUE);
    for (size_t i = 0; i < count; i++) {
        double share = (double)merged[i] / (double)highest;
        size_t level = merged[i] == 0 ? 0 : 1 + (size_t)(share * 7 + 0.5);
        fputs(levels[level], printer->stream);
    }
    style(printer, "\033[0m");
    spaces(printer, width > count ? width - count : 0);
}

static void chart(const struct printer *printer, const struct qn_column_profile *column)
{
    if (printer->chart_width == 0)
        return;
    fputs("  ", printer->stream);
    if (!qn_type_is_coded(column->type)) {
        blocks(printer, column->bin_counts, column->bin_count);
        return;
    }
    size_t counts[QN_PROFILE_TOP];
    for (size_t i = 0; i < column->top_count; i++)
        counts[i] = column->top[i].count;
    /* Bars of equal height say nothing. */
    bool flat = column->distinct == column->count;
    blocks(printer, counts, flat ? 0 : column->top_count);
}

/* "male 64.8%, female 35.2%", as far as it fits. */
static void top_values(const struct printer *printer, const struct qn_column_profile *column,
                       size_t width)
{
    char line[QN_TEXT_SIZE] = "";
    size_t used = 0, size = 0;
    for (size_t i = 0; i < column->top_count; i++) {
        char value[QN_TEXT_SIZE], share[QN__WORD_SIZE], item[QN_TEXT_SIZE + QN__WORD_SIZE + 4];
        qn_text_fit(column->top[i].text, width > 12 ? width - 8 : 4, value, sizeof(value));
        qn__view_share((double)column->top[i].count / (double)column->count, share);
        if (column->distinct == column->count)
            share[0] = '\0'; /* Each is there once. */
        snprintf(item, sizeof(item), "%s%s%s%s", i ? ", " : "", value, share[0] ? " " : "", share);
        size_t columns = qn_text_width(item), bytes = strlen(item);
        if ((i > 0 && used + columns > width) || size + bytes >= sizeof(line))
            break;
        memcpy(line + size, item, bytes + 1);
        size += bytes;
        used += columns;
    }
    fputs(line, printer->stream);
}

static void summary(const struct printer *printer, const struct qn_column_profile *column)
{
    size_t width = printer->value_width * 3 + 2;
    if (printer->value_width == 0)
        return;
    fputs("  ", printer->stream);
    if (qn_type_is_coded(column->type) || column->type == QN_TYPE_BOOLEAN) {
        top_values(printer, column, width);
        return;
    }
    if (column->count == column->infinite)
        return;
    char text[QN__WORD_SIZE];
    double values[] = {column->min, column->quantiles[4], column->max};
    for (size_t i = 0; i < 3; i++) {
        qn__view_value(column, values[i], text);
        if (column->type == QN_TYPE_DATETIME && printer->value_width < 19)
            text[10] = '\0'; /* The day is enough here. */
        if (i)
            fputc(' ', printer->stream);
        cell(printer, text, printer->value_width, true);
    }
}

static void column_line(const struct printer *printer, const struct qn_column_profile *column)
{
    char text[QN__WORD_SIZE];
    double share = (double)column->missing / (double)(column->count + column->missing);
    cell(printer, column->name, printer->name_width, false);
    fputs("  ", printer->stream);
    style(printer, QN_DIM);
    cell(printer, qn_type_name(column->type), 8, false);
    style(printer, "\033[0m");
    if (column->missing)
        qn__view_share(share, text);
    else
        snprintf(text, sizeof(text), "-");
    style(printer, share > 0.05 ? QN_YELLOW : "");
    cell(printer, text, 8, true);
    style(printer, share > 0.05 ? "\033[0m" : "");
    qn_format_count(column->distinct, text);
    cell(printer, text, printer->count_width + 2, true);
    chart(printer, column);
    summary(printer, column);
    fputc('\n', printer->stream);
}

static void lay_out(struct printer *printer)
{
    const struct qn_profile *profile = printer->profile;
    char text[QN__WORD_SIZE];
    printer->name_width = 6;
    printer->count_width = 8;
    printer->value_width = 7;
    for (size_t i = 0; i < profile->table->column_count && i < QN_COLUMNS_SHOWN; i++) {
        size_t width = qn_text_width(profile->columns[i].name);
        printer->name_width = width > printer->name_width ? width : printer->name_width;
        qn_format_count(profile->columns[i].distinct, text);
        printer->count_width =
            strlen(text) > printer->count_width ? strlen(text) : printer->count_width;
        bool is_time = profile->columns[i].type == QN_TYPE_DATE ||
                       profile->columns[i].type == QN_TYPE_DATETIME;
        if (is_time)
            printer->value_width = 10;
    }
    size_t name_limit = printer->width >= 100 ? 28 : 14;
    printer->name_width = printer->name_width < name_limit ? printer->name_width : name_limit;
    size_t rest = 2 + 8 + 8 + printer->count_width + 2;
    size_t name_room = printer->width > rest + 8 ? printer->width - rest : 8;
    printer->name_width = printer->name_width < name_room ? printer->name_width : name_room;
    rest += printer->name_width;
    /* Values first, then a chart; where there is no room for values, the chart alone. */
    size_t values = printer->value_width * 3 + 4;
    if (rest + values > printer->width)
        printer->value_width = values = 0;
    printer->chart_width = rest + values + 22 <= printer->width   ? 20
                           : rest + values + 12 <= printer->width ? 10
                                                                  : 0;
    rest += printer->chart_width ? printer->chart_width + 2 : 0;
    if (printer->value_width > 0) {
        printer->value_width = (printer->width - rest - 4) / 3;
        printer->value_width = printer->value_width < 14 ? printer->value_width : 14;
    }
}

static void columns(const struct printer *printer)
{
    const struct qn_profile *profile = printer->profile;
    size_t column_count = profile->table->column_count;
    fputc('\n', printer->stream);
    style(printer, QN_DIM);
    cell(printer, "column", printer->name_width, false);
    fputs("  type    ", printer->stream);
    cell(printer, "missing", 8, true);
    cell(printer, "distinct", printer->count_width + 2, true);
    if (printer->chart_width) {
        fputs("  ", printer->stream);
        cell(printer, "shape", printer->chart_width, false);
    }
    static const char *const values[] = {"min", "median", "max"};
    for (size_t i = 0; i < 3 && printer->value_width > 0; i++) {
        fputs(i ? " " : "  ", printer->stream);
        cell(printer, values[i], printer->value_width, true);
    }
    style(printer, "\033[0m");
    fputc('\n', printer->stream);
    for (size_t i = 0; i < column_count && i < QN_COLUMNS_SHOWN; i++)
        column_line(printer, &profile->columns[i]);
    if (column_count > QN_COLUMNS_SHOWN) {
        char more[QN_NUMBER_TEXT_SIZE], text[QN_TEXT_SIZE];
        qn_format_count(column_count - QN_COLUMNS_SHOWN, more);
        snprintf(text, sizeof(text), "... and %s more columns; --html and --json show all", more);
        wrapped(printer, text, 0, 0);
    }
}

static void alert_lines(const struct printer *printer, const struct qn_alert *alert)
{
    static const char *const words[] = {"note   ", "warning", "error  "};
    static const char *const colours[] = {QN_BLUE, QN_YELLOW, QN_RED};
    fputs("  ", printer->stream);
    style(printer, colours[alert->severity]);
    fputs(words[alert->severity], printer->stream);
    style(printer, "\033[0m");
    fputs("  ", printer->stream);
    wrapped(printer, alert->message, 11, 11);
    style(printer, QN_DIM);
    spaces(printer, 11);
    wrapped(printer, alert->action, 11, 11);
    style(printer, "\033[0m");
}

/* Alerts of one kind and severity follow each other: a few of them, and how many more. */
static void alerts(const struct printer *printer)
{
    const struct qn_profile *profile = printer->profile;
    if (profile->alert_count == 0)
        return;
    heading(printer, "Worth a look");
    for (size_t from = 0, to; from < profile->alert_count; from = to) {
        const struct qn_alert *first = &profile->alerts[from];
        for (to = from + 1;
             to < profile->alert_count && strcmp(profile->alerts[to].kind, first->kind) == 0 &&
             profile->alerts[to].severity == first->severity;
             to++)
            ;
        size_t shown = to - from <= QN_ALERTS_A_KIND + 1 ? to - from : QN_ALERTS_A_KIND;
        for (size_t i = from; i < from + shown; i++)
            alert_lines(printer, &profile->alerts[i]);
        if (shown < to - from)
            fprintf(printer->stream, "           ... and %zu more columns like these (%s)\n",
                    to - from - shown, first->kind);
    }
}

static enum qn_status links(const struct printer *printer, struct qn_error *err)
{
    const struct qn_profile *profile = printer->profile;
    struct qn_association *list;
    size_t count;
    enum qn_status status =
        qn__view_links(profile, QN_LINKS_SHOWN, QN_LINK_LEAST, &list, &count, err);
    if (status != QN_OK)
        return status;
    if (count > 0)
        heading(printer, "Strongest links");
    size_t width = printer->name_width < 24 ? printer->name_width : 24;
    size_t room = (printer->width - 10) / 2 > 16 ? 24 : 12;
    width = width < room ? width : room;
    for (size_t i = 0; i < count; i++) {
        fputs("  ", printer->stream);
        cell(printer, profile->columns[list[i].a].name, width, false);
        fputs("  ", printer->stream);
        cell(printer, profile->columns[list[i].b].name, width, false);
        fprintf(printer->stream, "  %6.3f  %s\n", list[i].value, qn__view_measure(list[i].measure));
    }
    qn_free(list);
    return QN_OK;
}

static void first_line(const struct printer *printer)
{
    const struct qn_profile *profile = printer->profile;
    const struct qn_table *table = profile->table;
    char rows[QN_NUMBER_TEXT_SIZE], count[QN_NUMBER_TEXT_SIZE], share[QN__WORD_SIZE];
    char text[QN_TEXT_SIZE], name[QN_TEXT_SIZE / 2];
    size_t missing = 0;
    for (size_t i = 0; i < table->column_count; i++)
        missing += profile->columns[i].missing;
    double cells = (double)table->row_count * (double)table->column_count;
    qn_format_count(table->row_count, rows);
    qn_format_count(table->column_count, count);
    qn__view_share(cells > 0 ? (double)missing / cells : 0, share);
    size_t used = qn_text_fit(table->name, printer->width / 2, name, sizeof(name));
    style(printer, QN_BOLD);
    fputs(name, printer->stream);
    style(printer, "\033[0m");
    fputc(':', printer->stream);
    char repeated[QN_NUMBER_TEXT_SIZE];
    qn_format_count(profile->duplicate_rows, repeated);
    snprintf(text, sizeof(text), "%s row%s, %s column%s, %s of cells missing, %s duplicate row%s",
             rows, table->row_count == 1 ? "" : "s", count, table->column_count == 1 ? "" : "s",
             share, repeated, profile->duplicate_rows == 1 ? "" : "s");
    wrapped(printer, text, used + 1, 2);
}

static void target_line(const struct printer *printer)
{
    const struct qn_profile *profile = printer->profile;
    if (profile->suggested_target < 0)
        return;
    heading(printer, "Likely target");
    fputs("  ", printer->stream);
    style(printer, QN_BOLD);
    char name[QN_TEXT_SIZE];
    size_t used =
        qn_text_fit(profile->columns[profile->suggested_target].name, 32, name, sizeof(name));
    fputs(name, printer->stream);
    style(printer, "\033[0m");
    fputc(' ', printer->stream);
    wrapped(printer, profile->target_reason, used + 3, 2);
}

enum qn_status qn_profile_print(FILE *stream, const struct qn_profile *profile, bool colour,
                                size_t width, struct qn_error *err)
{
    struct printer printer = {stream, profile, colour, width < 40 ? 40 : width, 0, 0, 0, 0};
    lay_out(&printer);
    first_line(&printer);
    if (profile->table->column_count > 0)
        columns(&printer);
    alerts(&printer);
    enum qn_status status = links(&printer, err);
    if (status != QN_OK)
        return status;
    target_line(&printer);
    if (fflush(stream) != 0 || ferror(stream))
        return qn_fail(err, QN_IO, "cannot write the profile: %s", strerror(errno));
    return QN_OK;
}
