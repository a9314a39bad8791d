#include "cli/model_view.h"

#include "base/text.h"
#include "learn/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QN_VIEW_CLASSES 12 /* a larger confusion matrix is told in words */
#define QN_VIEW_IMPORTANCE 10

/* How metrics are called, in the order shown; `less`: smaller is better. */
static const struct {
    const char *key, *title;
} metric_titles[] = {
    {"accuracy", "accuracy"},
    {"balanced_accuracy", "balanced accuracy"},
    {"f1_macro", "F1 (macro)"},
    {"roc_auc", "ROC AUC"},
    {"pr_auc", "PR AUC"},
    {"log_loss", "log loss (less is better)"},
    {"brier", "Brier score (less is better)"},
    {"rmse", "RMSE (less is better)"},
    {"mae", "mean error (less is better)"},
    {"median_error", "median error (less is better)"},
    {"mape", "MAPE (less is better)"},
    {"r2", "R2"},
    {"inertia", "inertia"},
    {"silhouette", "silhouette (-1 to 1)"},
    {"iterations", "iterations"},
};

static void number_cell(const struct qn_console *console, const json_t *value)
{
    char text[QN_NUMBER_TEXT_SIZE] = "-";
    if (json_is_number(value))
        qn_format_human(json_number_value(value), text);
    qn_console_cell(console, text, 12, true);
}

static void heading(const struct qn_console *console, const char *text)
{
    fprintf(console->out, "\n%s%s%s\n", qn_style(console, QN_STYLE_BOLD), text,
            qn_style(console, QN_STYLE_PLAIN));
}

/* "Right for 83 of 100 rows; guessing would be right for 62." */
static void view_in_words(const struct qn_console *console, const json_t *part,
                          const json_t *baseline)
{
    const json_t *accuracy = json_object_get(part, "accuracy");
    const json_t *guess = json_object_get(baseline, "accuracy");
    const json_t *error = json_object_get(part, "mae");
    const json_t *base_error = json_object_get(baseline, "mae");
    if (accuracy && guess) {
        fprintf(console->out, "  Right for %.0f of 100 rows; guessing would be right for %.0f.\n",
                json_number_value(accuracy) * 100, json_number_value(guess) * 100);
    } else if (error && base_error) {
        char off[QN_NUMBER_TEXT_SIZE], base[QN_NUMBER_TEXT_SIZE];
        qn_format_human(json_number_value(error), off);
        qn_format_human(json_number_value(base_error), base);
        fprintf(console->out,
                "  Off by %s on average; always saying the mean would be off by %s.\n", off, base);
    }
}

/* "over 5 folds: rmse 1.234, give or take 0.1"; null where no fold had the metric, or one only. */
static void view_folds(const struct qn_console *console, const json_t *folds)
{
    const json_t *mean = json_object_get(folds, "mean"), *std = json_object_get(folds, "std");
    if (!json_is_number(mean))
        return;
    fprintf(console->out, "  over %zu folds: ", json_array_size(json_object_get(folds, "values")));
    qn_console_text(console, json_string_value(json_object_get(folds, "metric")));
    fprintf(console->out, " %.4g", json_number_value(mean));
    if (json_is_number(std))
        fprintf(console->out, ", give or take %.2g", json_number_value(std));
    fputc('\n', console->out);
}

void qn_view_scores(const struct qn_console *console, const char *title, const json_t *part,
                    const json_t *baseline)
{
    fprintf(console->out, "\n%s", qn_style(console, QN_STYLE_BOLD));
    qn_console_cell(console, title, 32, false);
    qn_console_cell(console, "model", 12, true);
    if (baseline)
        qn_console_cell(console, "baseline", 12, true);
    fprintf(console->out, "%s\n", qn_style(console, QN_STYLE_PLAIN));
    for (size_t i = 0; i < sizeof(metric_titles) / sizeof(*metric_titles); i++) {
        const json_t *value = json_object_get(part, metric_titles[i].key);
        if (!value)
            continue;
        fputs("  ", console->out);
        qn_console_cell(console, metric_titles[i].title, 30, false);
        number_cell(console, value);
        if (baseline)
            number_cell(console, json_object_get(baseline, metric_titles[i].key));
        fputc('\n', console->out);
    }
    view_folds(console, json_object_get(part, "folds"));
    view_in_words(console, part, baseline);
}

/* Width of the widest class name, within limits. */
static size_t name_width(const json_t *classes)
{
    size_t width = 6;
    for (size_t i = 0; i < json_array_size(classes); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(classes, i), "name"));
        size_t columns = name ? qn_text_width(name) : 0;
        if (columns > width)
            width = columns;
    }
    return width > 20 ? 20 : width;
}

static void view_matrix(const struct qn_console *console, const json_t *matrix,
                        const json_t *classes)
{
    size_t count = json_array_size(classes), width = name_width(classes);
    heading(console, "Confusion matrix (rows: actual, columns: predicted)");
    fprintf(console->out, "  %*s", (int)width, "");
    for (size_t k = 0; k < count; k++) {
        fputc(' ', console->out);
        qn_console_cell(console,
                        json_string_value(json_object_get(json_array_get(classes, k), "name")),
                        width < 8 ? 8 : width, true);
    }
    fputc('\n', console->out);
    for (size_t i = 0; i < count; i++) {
        fputs("  ", console->out);
        qn_console_cell(console,
                        json_string_value(json_object_get(json_array_get(classes, i), "name")),
                        width, false);
        for (size_t k = 0; k < count; k++) {
            char text[QN_NUMBER_TEXT_SIZE];
            qn_format_human(json_number_value(json_array_get(json_array_get(matrix, i), k)), text);
            fprintf(console->out, " %s",
                    qn_style(console, i == k ? QN_STYLE_GOOD : QN_STYLE_PLAIN));
            qn_console_cell(console, text, width < 8 ? 8 : width, true);
            fputs(qn_style(console, QN_STYLE_PLAIN), console->out);
        }
        fputc('\n', console->out);
    }
}

void qn_view_confusion(const struct qn_console *console, const json_t *part)
{
    const json_t *classes = json_object_get(part, "classes");
    const json_t *matrix = json_object_get(part, "confusion_matrix");
    size_t count = json_array_size(classes);
    if (count == 0)
        return;
    if (count <= QN_VIEW_CLASSES && matrix)
        view_matrix(console, matrix, classes);
    heading(console, "By class");
    size_t width = name_width(classes);
    fprintf(console->out, "  %*s%12s%12s%12s%12s\n", (int)width, "", "precision", "recall", "F1",
            "rows");
    size_t shown = count <= QN_VIEW_CLASSES * 2 ? count : QN_VIEW_CLASSES * 2;
    for (size_t i = 0; i < shown; i++) {
        const json_t *class = json_array_get(classes, i);
        fputs("  ", console->out);
        qn_console_cell(console, json_string_value(json_object_get(class, "name")), width, false);
        number_cell(console, json_object_get(class, "precision"));
        number_cell(console, json_object_get(class, "recall"));
        number_cell(console, json_object_get(class, "f1"));
        number_cell(console, json_object_get(class, "support"));
        fputc('\n', console->out);
    }
    if (shown < count)
        fprintf(console->out, "  and %zu more classes (--json has them)\n", count - shown);
}

void qn_view_importance(const struct qn_console *console, const struct qn_model *model,
                        size_t limit)
{
    const json_t *list = json_object_get(model->report, "importance");
    size_t count = json_array_size(list);
    if (count == 0)
        return;
    bool permuted = json_object_get(json_array_get(list, 0), "std") != NULL;
    char title[128];
    if (permuted)
        snprintf(title, sizeof(title), "What matters most (how much worse %s gets without it)",
                 qn_metrics_main(model->task, NULL));
    else
        snprintf(title, sizeof(title), "What matters most (share of what the model gained)");
    heading(console, title);
    double maximum = json_number_value(json_object_get(json_array_get(list, 0), "importance"));
    size_t shown = count < limit ? count : limit;
    for (size_t i = 0; i < shown; i++) {
        const json_t *item = json_array_get(list, i);
        double value = json_number_value(json_object_get(item, "importance"));
        char text[QN_NUMBER_TEXT_SIZE];
        qn_format_human(value, text);
        fputs("  ", console->out);
        qn_console_cell(console, json_string_value(json_object_get(item, "feature")), 24, false);
        fputc(' ', console->out);
        qn_console_bar(console, value, maximum, 28);
        qn_console_cell(console, text, 12, true);
        fputc('\n', console->out);
    }
    if (shown < count)
        fprintf(console->out, "  and %zu more\n", count - shown);
}

/* Rows of each cluster, and the columns that tell the clusters apart. */
static void view_clusters(const struct qn_console *console, const json_t *part)
{
    const json_t *sizes = json_object_get(part, "cluster_sizes");
    const json_t *contrasts = json_object_get(part, "contrasts");
    size_t count = json_array_size(sizes), shown = count < 6 ? count : 6;
    if (count == 0)
        return;
    heading(console, "What tells them apart (means, in the columns' own units)");
    fprintf(console->out, "  %-24s", "cluster");
    for (size_t k = 0; k < shown; k++)
        fprintf(console->out, "%12zu", k);
    fprintf(console->out, "\n  %-24s", "rows");
    for (size_t k = 0; k < shown; k++)
        number_cell(console, json_array_get(sizes, k));
    fputc('\n', console->out);
    for (size_t i = 0; i < json_array_size(contrasts) && i < QN_VIEW_IMPORTANCE; i++) {
        const json_t *item = json_array_get(contrasts, i);
        fputs("  ", console->out);
        qn_console_cell(console, json_string_value(json_object_get(item, "name")), 24, false);
        for (size_t k = 0; k < shown; k++)
            number_cell(console, json_array_get(json_object_get(item, "means"), k));
        fputc('\n', console->out);
    }
    if (shown < count)
        fprintf(console->out, "  and %zu more clusters (--json has them)\n", count - shown);
}

static void view_warnings(const struct qn_console *console, const struct qn_model *model)
{
    const json_t *warnings = json_object_get(model->report, "warnings");
    size_t count = json_array_size(warnings);
    if (count == 0)
        return;
    heading(console, "Worth knowing");
    for (size_t i = 0; i < count && i < 12; i++) {
        fprintf(console->out, "  %s!%s ", qn_style(console, QN_STYLE_WARN),
                qn_style(console, QN_STYLE_PLAIN));
        qn_console_text(console, json_string_value(json_array_get(warnings, i)));
        fputc('\n', console->out);
    }
    if (count > 12)
        fprintf(console->out, "  and %zu more (--json has them)\n", count - 12);
}

static void view_candidates(const struct qn_console *console, const struct qn_model *model)
{
    const json_t *candidates = json_object_get(model->report, "candidates");
    if (json_array_size(candidates) == 0)
        return;
    bool more = true;
    const char *metric = qn_metrics_main(model->task, &more);
    char title[96];
    snprintf(title, sizeof(title), "Compared by 3-fold cross-validation (%s, %s is better)", metric,
             more ? "more" : "less");
    heading(console, title);
    for (size_t i = 0; i < json_array_size(candidates); i++) {
        const json_t *item = json_array_get(candidates, i);
        const char *name = json_string_value(json_object_get(item, "algorithm"));
        bool chosen = name && strcmp(name, model->learner->name) == 0;
        fputs(chosen ? "  * " : "    ", console->out);
        qn_console_cell(console, name, 28, false);
        number_cell(console, json_object_get(item, metric));
        fputc('\n', console->out);
    }
}

static void view_head(const struct qn_console *console, const struct qn_model *model)
{
    const json_t *report = model->report;
    fprintf(console->out, "%s%s%s", qn_style(console, QN_STYLE_BOLD), model->learner->title,
            qn_style(console, QN_STYLE_PLAIN));
    if (model->target) {
        const char *reason = json_string_value(json_object_get(report, "task_reason"));
        fputs(" predicting '", console->out);
        qn_console_text(console, model->target);
        fprintf(console->out, "' (%s%s", qn_task_name(model->task), reason ? ": " : "");
        qn_console_text(console, reason ? reason : "");
        fputc(')', console->out);
    }
    char train[QN_NUMBER_TEXT_SIZE], test[QN_NUMBER_TEXT_SIZE];
    const json_t *counts = json_object_get(report, "row_counts");
    json_int_t tested = json_integer_value(json_object_get(counts, "test"));
    qn_format_count((uint64_t)json_integer_value(json_object_get(counts, "train")), train);
    qn_format_count((uint64_t)tested, test);
    fprintf(console->out, "\n%s rows to train on", train);
    if (tested > 0)
        fprintf(console->out, ", %s held out", test);
    fprintf(console->out, "; %zu columns used\n", qn_prep_input_count(model->prep));
}

void qn_view_model(const struct qn_console *console, const struct qn_model *model)
{
    const json_t *metrics = json_object_get(model->report, "metrics");
    const json_t *baseline = json_object_get(metrics, "baseline");
    const json_t *part = json_object_get(metrics, "test");
    const char *title = "Score on held-out rows";
    if (!part) {
        part = json_object_get(metrics, "validation");
        title = "Score by cross-validation";
    }
    if (!part) {
        part = json_object_get(metrics, "train");
        title = model->task == QN_TASK_CLUSTERING ? "Clusters" : "Score on training rows";
    }
    view_head(console, model);
    view_candidates(console, model);
    qn_view_scores(console, title, part, baseline);
    qn_view_confusion(console, part);
    view_clusters(console, part);
    qn_view_importance(console, model, QN_VIEW_IMPORTANCE);
    view_warnings(console, model);
}
