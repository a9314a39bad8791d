/* Words and choices that the terminal's and the page's view of a profile share. */
#include "cli/profile_view.h"

#include "base/alloc.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void qn__view_value(const struct qn_column_profile *column, double value, char text[QN__WORD_SIZE])
{
    char number[QN_NUMBER_TEXT_SIZE];
    bool is_time = column->type == QN_TYPE_DATE || column->type == QN_TYPE_DATETIME;
    if (!isfinite(value)) {
        snprintf(text, QN__WORD_SIZE, "-");
    } else if (is_time && fabs(value) < 9e18) {
        /* To the second, and without a time of day that is midnight throughout. */
        bool days = column->type == QN_TYPE_DATE;
        double unit = days ? 1 : 1e6;
        int64_t rounded = (int64_t)(floor(value / unit + 0.5) * unit);
        struct qn_column cell = {.type = column->type, .values = {.integer = &rounded}};
        qn_column_format(&cell, 0, text, QN__WORD_SIZE);
        char *time = days ? NULL : strchr(text, 'T');
        if (time && strncmp(time, "T00:00:00", 9) == 0)
            *time = '\0';
        else if (time)
            *time = ' ';
        if (time && *time && text[strlen(text) - 1] == 'Z')
            text[strlen(text) - 1] = '\0';
    } else {
        qn_format_human(value, number);
        size_t size = 0;
        /* Four digits need no comma, and years must not have one. */
        for (const char *at = number; *at; at++) {
            if (*at != ',' || fabs(value) >= 9999.5)
                text[size++] = *at;
        }
        text[size] = '\0';
    }
}

void qn__view_share(double share, char text[QN__WORD_SIZE])
{
    double percent = share * 100;
    if (percent > 0 && percent < 0.1)
        snprintf(text, QN__WORD_SIZE, "<0.1%%");
    else if (percent > 99.9 && percent < 100)
        snprintf(text, QN__WORD_SIZE, ">99.9%%");
    else
        snprintf(text, QN__WORD_SIZE, percent <= 0 || percent >= 100 ? "%.0f%%" : "%.1f%%",
                 percent);
}

void qn__view_span(const struct qn_column_profile *column, double span, char text[QN__WORD_SIZE])
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {0, "second"}};
    double seconds = column->type == QN_TYPE_DATE ? span * 86400 : span / 1e6;
    size_t i = 0;
    while (seconds < units[i].seconds)
        i++;
    double amount = units[i].seconds > 0 ? seconds / units[i].seconds : seconds;
    char number[QN_NUMBER_TEXT_SIZE];
    qn_format_human(amount, number);
    bool one = strcmp(number, "1") == 0;
    snprintf(text, QN__WORD_SIZE, "%s %s%s", number, units[i].name, one ? "" : "s");
}

const char *qn__view_measure(enum qn_measure measure)
{
    static const char *const names[] = {"correlation", "rank correlation", "Cramer's V",
                                        "correlation ratio"};
    return names[measure];
}

static int by_pair(const void *left, const void *right)
{
    const struct qn_association *x = left, *y = right;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    if (x->b != y->b)
        return x->b < y->b ? -1 : 1;
    double u = fabs(x->value), v = fabs(y->value);
    if (u != v)
        return u > v ? -1 : 1;
    return (int)x->measure - (int)y->measure;
}

static int by_strength(const void *left, const void *right)
{
    const struct qn_association *x = left, *y = right;
    double u = fabs(x->value), v = fabs(y->value);
    if (u != v)
        return u > v ? -1 : 1;
    return by_pair(left, right);
}

enum qn_status qn__view_links(const struct qn_profile *profile, size_t limit, double least,
                              struct qn_association **out, size_t *count_out, struct qn_error *err)
{
    struct qn_association *links = QN_ALLOC(struct qn_association, profile->association_count);
    if (!links)
        return qn_fail_nomem(err, "profile");
    size_t kept = 0, count = 0;
    for (size_t i = 0; i < profile->association_count; i++) {
        if (fabs(profile->associations[i].value) >= least)
            links[kept++] = profile->associations[i];
    }
    qsort(links, kept, sizeof(*links), by_pair);
    for (size_t i = 0; i < kept; i++) {
        if (count == 0 || links[count - 1].a != links[i].a || links[count - 1].b != links[i].b)
            links[count++] = links[i];
    }
    qsort(links, count, sizeof(*links), by_strength);
    *out = links;
    *count_out = count < limit ? count : limit;
    return QN_OK;
}
