/* Gradient boosting against scikit-learn and LightGBM on the tables of make_boosting.py. Exact: a
 * single tree is scikit-learn's. Quality: on the held-out rows, with the same parameters, not far
 * from the worse of the two:
 *     roc_auc >= worse - 0.01, accuracy >= worse - 0.02
 *     log_loss <= 1.05 x worse + 0.01, rmse <= 1.03 x worse */
#include "base/alloc.h"
#include "learn/boosting.h"
#include "learn/metrics.h"

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QN_FOLDER QN_SOURCE_DIR "/tests/golden/boosting/"
#define QN_LINE_BYTES 8192
#define QN_LEARNER (&qn_gradient_boosting_learner)

struct part {
    size_t row_count, capacity;
    double **cells; /* own; by columns, the target last */
};

struct table {
    size_t column_count;  /* features */
    bool *categorical;    /* owns */
    struct part parts[2]; /* training, test */
};

static void add_row(struct part *part, size_t width, const double *row)
{
    if (part->row_count == part->capacity) {
        part->capacity = part->capacity == 0 ? 64 : part->capacity * 2;
        for (size_t c = 0; c < width; c++) {
            part->cells[c] = qn_realloc(part->cells[c], part->capacity, sizeof(double));
            assert_non_null(part->cells[c]);
        }
    }
    for (size_t c = 0; c < width; c++)
        part->cells[c][part->row_count] = row[c];
    part->row_count++;
}

/* Cells of a line; an empty one is missing. */
static void read_row(const char *line, double *row, size_t width)
{
    for (size_t c = 0; c < width; c++) {
        char *end = NULL;
        row[c] = *line == ',' ? (double)NAN : strtod(line, &end);
        line = end ? end : line;
        assert_true(*line == ',' || *line == '\n');
        line++;
    }
}

static struct table read_table(const char *name)
{
    char line[QN_LINE_BYTES], path[512];
    snprintf(path, sizeof(path), QN_FOLDER "%s.csv", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    struct table table = {0};
    for (const char *at = line; (at = strchr(at, ':')); at++)
        table.column_count++;
    table.categorical = QN_CALLOC(bool, table.column_count);
    assert_non_null(table.categorical);
    size_t column = 0;
    for (const char *at = line; (at = strchr(at, ':')); at++)
        table.categorical[column++] = at[-1] == 'c';
    size_t width = table.column_count + 2; /* target and part */
    double *row = QN_ALLOC(double, width);
    assert_non_null(row);
    for (size_t p = 0; p < 2; p++) {
        table.parts[p].cells = QN_CALLOC(double *, width);
        assert_non_null(table.parts[p].cells);
    }
    while (fgets(line, sizeof(line), file)) {
        read_row(line, row, width);
        add_row(&table.parts[row[width - 1] != 0], width - 1, row);
    }
    qn_free(row);
    fclose(file);
    return table;
}

static void release_table(struct table *table)
{
    for (size_t p = 0; p < 2; p++) {
        for (size_t c = 0; c < table->column_count + 1; c++)
            qn_free(table->parts[p].cells[c]);
        qn_free(table->parts[p].cells);
    }
    qn_free(table->categorical);
}

/* What a learner takes, made of a part. */
struct view {
    struct qn_features features;
    struct qn_feature *columns; /* owns, with the levels */
    struct qn_target target;
    int32_t *classes; /* owns */
};

static int32_t *whole(const double *cells, size_t count)
{
    int32_t *out = QN_ALLOC(int32_t, count);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++)
        out[i] = isnan(cells[i]) ? QN_LEVEL_MISSING : (int32_t)cells[i];
    return out;
}

static struct view view_of(const struct table *table, const struct part *part, enum qn_task task,
                           size_t class_count)
{
    struct view view = {.columns = QN_CALLOC(struct qn_feature, table->column_count)};
    assert_non_null(view.columns);
    for (size_t c = 0; c < table->column_count; c++) {
        struct qn_feature *column = &view.columns[c];
        column->name = "x";
        if (table->categorical[c]) {
            column->kind = QN_FEATURE_CATEGORICAL;
            column->levels = whole(part->cells[c], part->row_count);
            column->level_count = 25;
        } else {
            column->values = part->cells[c];
        }
    }
    view.features = (struct qn_features){part->row_count, table->column_count, view.columns};
    const double *target = part->cells[table->column_count];
    if (task != QN_TASK_REGRESSION)
        view.classes = whole(target, part->row_count);
    view.target = (struct qn_target){.task = task,
                                     .row_count = part->row_count,
                                     .class_count = class_count,
                                     .classes = view.classes,
                                     .values = view.classes ? NULL : target};
    return view;
}

static void release_view(struct view *view)
{
    for (size_t c = 0; c < view->features.feature_count; c++)
        qn_free((void *)(uintptr_t)view->columns[c].levels);
    qn_free(view->columns);
    qn_free(view->classes);
}

/* Fits on one view and predicts another; the caller owns the predictions. */
static double *fit_predict(const struct view *train, const struct view *test,
                           const json_t *parameters)
{
    struct qn_boosting_options options;
    struct qn_error err = QN_ERROR_INIT;
    qn_parameters_default(&QN_LEARNER->parameters, &options);
    if (parameters)
        assert_int_equal(
            qn_parameters_set_json(&QN_LEARNER->parameters, &options, parameters, &err), QN_OK);
    struct qn_fit fit = {
        .features = &train->features, .target = &train->target, .options = &options, .seed = 1};
    void *model = NULL;
    if (QN_LEARNER->fit(&fit, &model, &err) != QN_OK)
        fail_msg("%s", err.message);
    double *out = QN_ALLOC(double, test->features.row_count * QN_LEARNER->output_count(model));
    assert_non_null(out);
    assert_int_equal(QN_LEARNER->predict(model, &test->features, NULL, out, &err), QN_OK);
    QN_LEARNER->free(model);
    return out;
}

static void check_metric(const char *table, const char *metric, double ours, double first,
                         double second)
{
    bool more = strcmp(metric, "roc_auc") == 0 || strcmp(metric, "accuracy") == 0;
    double worse = more ? fmin(first, second) : fmax(first, second), bound;
    if (strcmp(metric, "roc_auc") == 0)
        bound = worse - 0.01;
    else if (strcmp(metric, "accuracy") == 0)
        bound = worse - 0.02;
    else if (strcmp(metric, "log_loss") == 0)
        bound = 1.05 * worse + 0.01;
    else
        bound = 1.03 * worse;
    print_message("%-20s %-9s %.4f   scikit-learn %.4f   lightgbm %.4f\n", table, metric, ours,
                  first, second);
    if (more ? !(ours >= bound) : !(ours <= bound))
        fail_msg("%s: %s is %.5f, the bound is %.5f", table, metric, ours, bound);
}

static void check_table(const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *task_name = json_string_value(json_object_get(json, "task"));
    enum qn_task task = QN_TASK_BINARY;
    while (strcmp(qn_task_name(task), task_name) != 0)
        task++;
    size_t class_count = (size_t)json_integer_value(json_object_get(json, "class_count"));
    struct table table = read_table(name);
    struct view train = view_of(&table, &table.parts[0], task, class_count);
    struct view test = view_of(&table, &table.parts[1], task, class_count);
    double *prediction = fit_predict(&train, &test, NULL);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_metrics *metrics = NULL;
    assert_int_equal(qn_metrics_compute(&test.target, prediction, &metrics, &err), QN_OK);
    const json_t *peers = json_object_get(json, "peers");
    const char *metric;
    json_t *value;
    json_object_foreach(json_object_get(peers, "scikit-learn"), metric, value)
    {
        const json_t *other = json_object_get(json_object_get(peers, "lightgbm"), metric);
        check_metric(name, metric, qn_metrics_get(metrics, metric), json_number_value(value),
                     json_number_value(other));
    }
    qn_metrics_free(metrics);
    qn_free(prediction);
    release_view(&train);
    release_view(&test);
    release_table(&table);
}

static void test_quality(void **state)
{
    const json_t *tables = json_object_get(*state, "tables");
    assert_true(json_array_size(tables) >= 10);
    for (size_t i = 0; i < json_array_size(tables); i++)
        check_table(json_array_get(tables, i));
}

/* One round with rate 1 on squared error is a regression tree grown best-first. */
static void test_one_round_is_a_tree(void **state)
{
    const json_t *cases = json_object_get(*state, "exact");
    struct table table = read_table("exact");
    struct view train = view_of(&table, &table.parts[0], QN_TASK_REGRESSION, 0);
    assert_true(json_array_size(cases) >= 4);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *json = json_array_get(cases, i);
        json_t *parameters = json_pack(
            "{s:i, s:i, s:O, s:O, s:O}", "n_estimators", 1, "learning_rate", 1, "max_leaves",
            json_object_get(json, "max_leaves"), "max_depth", json_object_get(json, "max_depth"),
            "min_samples_leaf", json_object_get(json, "min_samples_leaf"));
        double *prediction = fit_predict(&train, &train, parameters);
        const json_t *expected = json_object_get(json, "prediction");
        assert_int_equal(json_array_size(expected), train.features.row_count);
        for (size_t row = 0; row < train.features.row_count; row++) {
            double wanted = json_number_value(json_array_get(expected, row));
            if (!(fabs(prediction[row] - wanted) < 1e-10))
                fail_msg("tree %zu, row %zu: %.12g, scikit-learn has %.12g", i, row,
                         prediction[row], wanted);
        }
        qn_free(prediction);
        json_decref(parameters);
    }
    release_view(&train);
    release_table(&table);
}

static int setup(void **state)
{
    *state = json_load_file(QN_FOLDER "expected.json", 0, NULL);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    json_decref(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quality),
        cmocka_unit_test(test_one_round_is_a_tree),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
