/* One training run: what it may look at, how rows are split, what the report says, and what is
 * refused. */
#include "flow_support.h"

static const char *const classifiers[] = {"decision_tree", "random_forest", "extra_trees",
                                          "gradient_boosting", "logistic"};
#define CLASSIFIERS (sizeof(classifiers) / sizeof(*classifiers))

/* Training must fail with `status` and these words. */
static void refused(const struct qn_table *table, const struct qn_train_options *options,
                    enum qn_status status, const char *words)
{
    struct qn_model *model = NULL;
    struct qn_error err = QN_ERROR_INIT;
    enum qn_status found = qn_train(table, options, &model, &err);
    qn_model_free(model);
    if (found != status)
        fail_msg("%s instead of %s: %s", qn_status_name(found), qn_status_name(status),
                 err.message);
    assert_null(model);
    assert_message(&err, words);
}

/* Everything of the test rows but their class is changed; the model must not notice. */
static void spoil(struct qn_table *table, const char *target, const size_t *rows, size_t count)
{
    for (size_t c = 0; c < table->column_count; c++) {
        struct qn_column *column = &table->columns[c];
        bool classes = column->type != QN_TYPE_NUMBER;
        if (classes && strcmp(column->name, target) == 0)
            continue;
        for (size_t i = 0; i < count; i++) {
            if (column->type == QN_TYPE_NUMBER)
                column->values.number[rows[i]] = i % 2 ? 1e9 * (double)i : -3.5;
            else if (qn_type_is_coded(column->type))
                column->values.code[rows[i]] = i % 2 ? 0 : QN_MISSING_CODE;
            else
                column->values.integer[rows[i]] = (int64_t)(i % 2);
        }
        flow_count_missing(table, column);
    }
}

static void test_test_rows_are_not_looked_at(void **state)
{
    (void)state;
    static const char *const targets[] = {"kind", "price"};
    static const char *const algorithms[2][3] = {{"decision_tree", "logistic", "auto"},
                                                 {"random_forest", "ridge", "gradient_boosting"}};
    for (size_t t = 0; t < 2; t++) {
        for (size_t a = 0; a < 3; a++) {
            struct qn_table *table = flow_sample(120, 1);
            struct flow_options options;
            struct qn_parts parts;
            char before[QN_SHA256_HEX_SIZE], after[QN_SHA256_HEX_SIZE];
            flow_options_init(&options, targets[t], algorithms[t][a]);
            flow_parts(table, &options.options, &parts);
            assert_int_equal(parts.train_count + parts.test_count, 120);
            flow_train_hash(table, &options.options, before);
            spoil(table, targets[t], parts.test, parts.test_count);
            flow_train_hash(table, &options.options, after);
            assert_string_equal(before, after);
            spoil(table, targets[t], parts.train, 1); /* but one training row is noticed */
            flow_train_hash(table, &options.options, after);
            assert_string_not_equal(before, after);
            flow_parts_release(&parts);
            qn_table_free(table);
        }
    }
}

/* The report's figures are those that evaluate computes anew on the test rows, with the model as
 * it comes out. */
static void test_report_is_what_evaluate_says(void **state)
{
    (void)state;
    static const char *const targets[] = {"kind", "bought", "price"};
    struct qn_table *table = flow_sample(150, 2);
    for (size_t t = 0; t < 3; t++) {
        struct flow_options options;
        struct qn_parts parts;
        struct qn_error err = QN_ERROR_INIT;
        struct qn_metrics *metrics = NULL, *baseline = NULL;
        size_t left_out = 99;
        flow_options_init(&options, targets[t], t == 2 ? "random_forest" : "logistic");
        flow_parts(table, &options.options, &parts);
        struct qn_model *model = flow_train(table, &options.options);
        struct qn_table *test = flow_take(table, parts.test, parts.test_count);
        assert_int_equal(
            qn_model_evaluate(model, test, NULL, NULL, &metrics, &baseline, &left_out, &err),
            QN_OK);
        const char *const *names = (const char *const *)model->class_names;
        json_t *found = qn_metrics_json(metrics, names), *base = qn_metrics_json(baseline, names);
        assert_true(json_equal(found, flow_metric(model, "test")));
        assert_true(json_equal(base, flow_metric(model, "baseline")));
        assert_false(json_equal(found, base));
        assert_int_equal(left_out, 0);
        const json_t *counts = json_object_get(model->report, "row_counts");
        assert_int_equal(json_integer_value(json_object_get(counts, "test")), parts.test_count);
        assert_int_equal(json_integer_value(json_object_get(counts, "train")), parts.train_count);
        json_decref(found);
        json_decref(base);
        qn_metrics_free(metrics);
        qn_metrics_free(baseline);
        qn_table_free(test);
        qn_model_free(model);
        flow_parts_release(&parts);
    }
    qn_table_free(table);
}

/* Out-of-fold predictions by training once a fold on the other folds' rows, pooled and scored. */
static json_t *cross_validate_by_hand(const struct qn_table *table,
                                      const struct qn_train_options *whole, bool by_time)
{
    struct qn_trainer trainer = {.table = table, .options = whole, .warnings = json_array()};
    struct qn_error err = QN_ERROR_INIT;
    struct qn_split *split = NULL;
    assert_int_equal(qn__trainer_rows(&trainer, &err), QN_OK);
    assert_int_equal(qn__trainer_split(&trainer, whole->fold_count, &split, &err), QN_OK);
    assert_int_equal(split->forward, by_time);
    size_t classes = trainer.labels->class_count, pooled_count = 0;
    double *pooled = QN_ALLOC(double, table->row_count *classes);
    int32_t *truth = QN_ALLOC(int32_t, table->row_count);
    for (size_t fold = by_time ? 1 : 0; fold < split->fold_count; fold++) {
        struct qn_parts parts;
        assert_int_equal(qn_split_rows(split, fold, &parts.train, &parts.train_count, &parts.test,
                                       &parts.test_count, &err),
                         QN_OK);
        struct qn_table *train = flow_take(table, parts.train, parts.train_count);
        struct qn_table *test = flow_take(table, parts.test, parts.test_count);
        struct qn_train_options options = *whole;
        options.fold_count = 0;
        options.test_size = 0;
        struct qn_model *model = flow_train(train, &options);
        double *outputs = flow_predict(model, test);
        for (size_t i = 0; i < parts.test_count; i++) {
            memcpy(pooled + pooled_count * classes, outputs + i * classes,
                   classes * sizeof(*pooled));
            truth[pooled_count++] = trainer.labels->classes[parts.test[i]];
        }
        qn_free(outputs);
        qn_model_free(model);
        qn_table_free(train);
        qn_table_free(test);
        flow_parts_release(&parts);
    }
    struct qn_metrics *metrics = NULL;
    struct qn_target target = {.task = trainer.labels->task,
                               .row_count = pooled_count,
                               .class_count = classes,
                               .classes = truth};
    assert_int_equal(qn_metrics_compute(&target, pooled, &metrics, &err), QN_OK);
    json_t *json = qn_metrics_json(metrics, (const char *const *)trainer.labels->class_names);
    qn_metrics_free(metrics);
    qn_free(pooled);
    qn_free(truth);
    qn_split_free(split);
    qn_labels_free(trainer.labels);
    qn_free(trainer.rows);
    json_decref(trainer.warnings);
    return json;
}

static void check_cross_validation(const char *algorithm, bool by_time)
{
    struct qn_table *table = flow_sample(200, 3);
    struct qn_column *kind = flow_column(table, "kind");
    kind->values.code[17] = QN_MISSING_CODE;
    struct flow_options options;
    flow_options_init(&options, "kind", algorithm);
    options.options.test_size = 0;
    struct qn_model *model = flow_train(table, &options.options);
    options.options.recipe = qn_prep_recipe(model->prep); /* one recipe for all folds */
    options.options.fold_count = 4;
    options.options.time = by_time ? "day" : NULL;
    struct qn_model *validated = flow_train(table, &options.options);
    json_t *expected = cross_validate_by_hand(table, &options.options, by_time);
    json_t *found = json_deep_copy(flow_metric(validated, "validation"));
    const json_t *folds = json_object_get(found, "folds");
    const json_t *values = json_object_get(folds, "values");
    assert_string_equal(json_string_value(json_object_get(folds, "metric")), "log_loss");
    assert_int_equal(json_array_size(values), by_time ? 3 : 4);
    double sum = 0;
    for (size_t i = 0; i < json_array_size(values); i++)
        sum += json_number_value(json_array_get(values, i));
    double mean = json_number_value(json_object_get(folds, "mean"));
    assert_true(fabs(mean - sum / (double)json_array_size(values)) < 1e-12);
    assert_true(json_number_value(json_object_get(folds, "std")) > 0);
    json_object_del(found, "folds");
    assert_true(json_equal(found, expected));
    /* The final model is fitted on all rows, and not on fewer. */
    flow_hash(model);
    flow_hash(validated);
    assert_string_equal(model->content_hash, validated->content_hash);
    assert_null(flow_metric(validated, "test"));
    assert_non_null(flow_metric(validated, "baseline"));
    json_decref(found);
    json_decref(expected);
    qn_model_free(validated);
    qn_model_free(model);
    qn_table_free(table);
}

static void test_cross_validation(void **state)
{
    (void)state;
    check_cross_validation("decision_tree", false);
    check_cross_validation("logistic", false);
}

static void test_cross_validation_in_time(void **state)
{
    (void)state;
    check_cross_validation("decision_tree", true);
}

static void test_groups_stay_together(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(150, 4);
    struct flow_options options;
    struct qn_parts parts, others;
    char names[150][8];
    const char *texts[150];
    for (size_t row = 0; row < 150; row++) {
        snprintf(names[row], sizeof(names[row]), "h%u", (unsigned)(row * 7 % 31));
        texts[row] = names[row];
    }
    flow_texts(table, "household", QN_TYPE_TEXT, texts);
    flow_options_init(&options, "kind", "decision_tree");
    options.options.group = "household";
    flow_parts(table, &options.options, &parts);
    assert_true(parts.test_count >= 20 && parts.test_count <= 40);
    for (size_t i = 0; i < parts.test_count; i++) {
        for (size_t k = 0; k < parts.train_count; k++)
            assert_string_not_equal(names[parts.test[i]], names[parts.train[k]]);
    }
    options.options.seed = 7; /* which groups are held out is chance, of the seed */
    flow_parts(table, &options.options, &others);
    bool same = parts.test_count == others.test_count;
    for (size_t i = 0; same && i < parts.test_count; i++)
        same = parts.test[i] == others.test[i];
    assert_false(same);
    flow_parts_release(&others);
    options.options.seed = 42;
    struct qn_model *model = flow_train(table, &options.options);
    const json_t *counts = json_object_get(model->report, "row_counts");
    assert_int_equal(json_integer_value(json_object_get(counts, "test")), parts.test_count);
    for (size_t i = 0; i < qn_prep_input_count(model->prep); i++)
        assert_string_not_equal(qn_prep_inputs(model->prep)[i].name, "household");
    qn_model_free(model);
    flow_parts_release(&parts);
    qn_table_free(table);
}

static void test_time_is_ordered(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(150, 5);
    struct flow_options options;
    struct qn_parts parts;
    flow_options_init(&options, "price", "decision_tree");
    options.options.time = "day";
    flow_parts(table, &options.options, &parts);
    const int64_t *day = flow_column(table, "day")->values.integer;
    assert_int_equal(parts.test_count, 30);
    for (size_t i = 0; i < parts.test_count; i++) {
        for (size_t k = 0; k < parts.train_count; k++)
            assert_true(day[parts.test[i]] > day[parts.train[k]]);
    }
    flow_parts_release(&parts);
    flow_column(table, "day")->values.integer[3] = QN_MISSING_INTEGER;
    refused(table, &options.options, QN_INVALID, "no time in column 'day'");
    qn_table_free(table);
}

/* A class that only the test rows have: no model can say it, and none may fall over it. */
static void test_class_that_training_lacks(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(100, 6);
    struct qn_column *kind = flow_column(table, "kind"), *day = flow_column(table, "day");
    for (size_t row = 0; row < 100; row++) {
        if (kind->values.code[row] == 2)
            kind->values.code[row] = 0;
        if (day->values.integer[row] >= 18095)
            kind->values.code[row] = 2;
    }
    for (size_t a = 0; a < CLASSIFIERS; a++) {
        struct flow_options options;
        flow_options_init(&options, "kind", classifiers[a]);
        options.options.time = "day";
        struct qn_model *model = flow_train(table, &options.options);
        assert_int_equal(model->class_count, 3);
        double *outputs = flow_predict(model, table);
        for (size_t row = 0; row < 100; row++) {
            double sum = outputs[row * 3] + outputs[row * 3 + 1] + outputs[row * 3 + 2];
            if (fabs(sum - 1) > 1e-9)
                fail_msg("%s: probabilities of row %zu add up to %g", classifiers[a], row, sum);
        }
        qn_free(outputs);
        qn_model_free(model);
    }
    qn_table_free(table);
}

/* A row of weight 0 is as good as removed: from the split, the recipe and the fit. */
static void test_weight_zero_is_removed(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(120, 7);
    struct qn_column *weight = flow_add(table, "weight", QN_TYPE_NUMBER);
    size_t rows[120], count = 0;
    for (size_t row = 0; row < 120; row++) {
        weight->values.number[row] = row % 5 == 2 ? 0 : 1 + (double)(row % 3);
        if (row % 5 == 2)
            flow_column(table, "x")->values.number[row] = 1e6;
        else
            rows[count++] = row;
    }
    struct qn_table *fewer = flow_take(table, rows, count);
    for (size_t a = 0; a < CLASSIFIERS; a++) {
        struct flow_options options;
        char with[QN_SHA256_HEX_SIZE], without[QN_SHA256_HEX_SIZE], equal[QN_SHA256_HEX_SIZE];
        flow_options_init(&options, "kind", classifiers[a]);
        options.options.weight = "weight";
        flow_train_hash(table, &options.options, with);
        flow_train_hash(fewer, &options.options, without);
        assert_string_equal(with, without);
        const char *drop[] = {"bought", "price", "weight"};
        options.options.weight = NULL;
        options.options.drop = drop;
        options.options.drop_count = 3;
        flow_train_hash(fewer, &options.options, equal);
        assert_string_not_equal(with, equal); /* weights above 0 do count */
    }
    struct flow_options options;
    flow_options_init(&options, "kind", "decision_tree");
    options.options.weight = "weight";
    struct qn_model *model = flow_train(table, &options.options);
    assert_true(flow_warned(model, "24 rows have weight 0"));
    const json_t *counts = json_object_get(model->report, "row_counts");
    assert_int_equal(json_integer_value(json_object_get(counts, "left_out")), 24);
    qn_model_free(model);
    qn_table_free(fewer);
    qn_table_free(table);
}

/* Weights count in the held-out score as they do in the fit. */
static void test_weighted_score(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(120, 27);
    struct qn_column *weight = flow_add(table, "weight", QN_TYPE_INTEGER);
    for (size_t row = 0; row < 120; row++)
        weight->values.integer[row] = 1 + (int64_t)(row % 4) * 5;
    struct flow_options options;
    struct qn_parts parts;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_metrics *metrics = NULL;
    flow_options_init(&options, "price", "decision_tree");
    options.options.weight = "weight";
    flow_parts(table, &options.options, &parts);
    struct qn_model *model = flow_train(table, &options.options);
    double *outputs = flow_predict(model, table), values[120], weights[120], predicted[120];
    for (size_t i = 0; i < parts.test_count; i++) {
        size_t row = parts.test[i];
        values[i] = flow_column(table, "price")->values.number[row];
        weights[i] = (double)weight->values.integer[row];
        predicted[i] = outputs[row];
    }
    struct qn_target target = {.task = QN_TASK_REGRESSION,
                               .row_count = parts.test_count,
                               .values = values,
                               .weights = weights};
    assert_int_equal(qn_metrics_compute(&target, predicted, &metrics, &err), QN_OK);
    json_t *found = qn_metrics_json(metrics, NULL);
    assert_true(json_equal(found, flow_metric(model, "test")));
    json_decref(found);
    qn_metrics_free(metrics);
    qn_free(outputs);
    qn_model_free(model);
    flow_parts_release(&parts);
    qn_table_free(table);
}

static void test_wrong_weights(void **state)
{
    (void)state;
    static const double wrong[] = {-1, NAN, INFINITY};
    struct qn_table *table = flow_sample(40, 8);
    struct qn_column *weight = flow_add(table, "weight", QN_TYPE_NUMBER);
    struct flow_options options;
    flow_options_init(&options, "kind", "decision_tree");
    options.options.weight = "weight";
    refused(table, &options.options, QN_INVALID, "all zero");
    for (size_t i = 0; i < 3; i++) {
        for (size_t row = 0; row < 40; row++)
            weight->values.number[row] = row == 6 ? wrong[i] : 1;
        refused(table, &options.options, QN_INVALID, "row 7");
    }
    options.options.weight = "colour";
    refused(table, &options.options, QN_INVALID, "must hold numbers");
    qn_table_free(table);
}

static void test_missing_targets_are_left_out(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(100, 9);
    size_t rows[100], count = 0;
    for (size_t row = 0; row < 100; row++) {
        if (row % 7 == 0)
            flow_column(table, "price")->values.number[row] = NAN;
        else
            rows[count++] = row;
    }
    struct qn_table *fewer = flow_take(table, rows, count);
    struct flow_options options;
    char with[QN_SHA256_HEX_SIZE], without[QN_SHA256_HEX_SIZE];
    flow_options_init(&options, "price", "ridge");
    flow_train_hash(table, &options.options, with);
    flow_train_hash(fewer, &options.options, without);
    assert_string_equal(with, without);
    struct qn_model *model = flow_train(table, &options.options);
    assert_true(flow_warned(model, "15 of 100 rows have no value of 'price'"));
    qn_model_free(model);
    qn_table_free(fewer);
    qn_table_free(table);
}

/* Threads and the time of day must not show in the content hash; the seed must. */
static void test_hash(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(300, 10);
    for (size_t a = 0; a < CLASSIFIERS; a++) {
        char first[QN_SHA256_HEX_SIZE], other[QN_SHA256_HEX_SIZE];
        struct flow_options options;
        flow_options_init(&options, "kind", classifiers[a]);
        flow_train_hash(table, &options.options, first);
        for (unsigned threads = 2; threads <= 3; threads++) {
            struct qn_error err = QN_ERROR_INIT;
            assert_int_equal(qn_pool_create(threads, &options.options.pool, &err), QN_OK);
            flow_train_hash(table, &options.options, other);
            assert_string_equal(first, other);
            qn_pool_free(options.options.pool);
            options.options.pool = NULL;
        }
        struct qn_model *model = flow_train(table, &options.options);
        assert_int_equal(json_object_set_new(model->report, "created_at", json_string("never")), 0);
        flow_hash(model);
        assert_string_equal(model->content_hash, first);
        qn_model_free(model);
        options.options.seed = 43;
        flow_train_hash(table, &options.options, other);
        assert_string_not_equal(first, other);
    }
    qn_table_free(table);
}

static void test_test_table(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(120, 11), *test = flow_sample(50, 12);
    struct qn_column *kind = flow_column(test, "kind");
    static const char *const texts[] = {"ash", "elm", NULL, "fir", "oak"};
    const char *kinds[50];
    for (size_t row = 0; row < 50; row++)
        kinds[row] = texts[row % 5];
    kind->name[0] = 'K'; /* out of the way */
    flow_texts(test, "kind", QN_TYPE_TEXT, kinds);
    struct flow_options options;
    flow_options_init(&options, "kind", "random_forest");
    options.options.test = test;
    struct qn_model *model = flow_train(table, &options.options);
    const json_t *counts = json_object_get(model->report, "row_counts");
    assert_int_equal(json_integer_value(json_object_get(counts, "train")), 120);
    assert_int_equal(json_integer_value(json_object_get(counts, "test")), 30);
    assert_true(flow_warned(model, "10 rows of t.csv have a class that training did not have"));
    struct qn_metrics *metrics = NULL, *baseline = NULL;
    struct qn_error err = QN_ERROR_INIT;
    size_t left_out = 0;
    assert_int_equal(
        qn_model_evaluate(model, test, NULL, NULL, &metrics, &baseline, &left_out, &err), QN_OK);
    assert_int_equal(left_out, 20);
    json_t *found = qn_metrics_json(metrics, (const char *const *)model->class_names);
    assert_true(json_equal(found, flow_metric(model, "test")));
    json_decref(found);
    qn_metrics_free(metrics);
    qn_metrics_free(baseline);
    qn_model_free(model);
    qn_table_free(test);
    qn_table_free(table);
}

static void test_clusters(void **state)
{
    (void)state;
    static const char *const parameters[] = {"n_clusters=3"};
    static const char *const drop[] = {"kind", "bought"};
    struct qn_table *table = flow_sample(90, 13);
    struct qn_train_options options;
    qn_train_options_default(&options);
    options.parameters = parameters;
    options.parameter_count = 1;
    options.drop = drop;
    options.drop_count = 2;
    struct qn_model *model = flow_train(table, &options);
    assert_string_equal(model->learner->name, "kmeans");
    assert_int_equal(model->task, QN_TASK_CLUSTERING);
    assert_null(model->target);
    const json_t *train = flow_metric(model, "train");
    assert_true(json_number_value(json_object_get(train, "inertia")) > 0);
    assert_true(json_is_number(json_object_get(train, "silhouette")));
    const json_t *sizes = json_object_get(train, "cluster_sizes");
    size_t counted[3] = {0};
    double *outputs = flow_predict(model, table);
    for (size_t row = 0; row < 90; row++)
        counted[(size_t)outputs[row]]++;
    for (size_t k = 0; k < 3; k++)
        assert_int_equal(json_integer_value(json_array_get(sizes, k)), counted[k]);
    qn_free(outputs);
    qn_model_free(model);
    options.fold_count = 3;
    refused(table, &options, QN_INVALID, "need a target");
    options.fold_count = 0;
    options.weight = "price";
    refused(table, &options, QN_INVALID, "need a target");
    options.weight = NULL;
    options.algorithm = "ridge";
    refused(table, &options, QN_INVALID, "does not do clustering");
    qn_table_free(table);
}

static void test_refused(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(60, 14);
    struct flow_options plain, options;
    flow_options_init(&plain, "kind", "decision_tree");
    options = plain;
    options.options.target = "kinds";
    refused(table, &options.options, QN_NOT_FOUND, "did you mean 'kind'");
    options.options.target = "day";
    refused(table, &options.options, QN_UNSUPPORTED, "date");
    options = plain;
    options.options.algorithm = "decision_three";
    refused(table, &options.options, QN_INVALID, "did you mean 'decision_tree'");
    options.options.algorithm = "ridge";
    refused(table, &options.options, QN_INVALID, "ridge does not do multiclass");
    options = plain;
    options.options.group = "blocks";
    options.options.test_size = 0;
    refused(table, &options.options, QN_NOT_FOUND, "did you mean 'block'");
    static const char *const misspelt[] = {"prices"};
    options = plain;
    options.options.drop = misspelt;
    options.options.drop_count = 1;
    refused(table, &options.options, QN_NOT_FOUND, "did you mean 'price'");
    options = plain;
    options.options.test_size = 1;
    refused(table, &options.options, QN_INVALID, "test size");
    options.options.test_size = NAN;
    refused(table, &options.options, QN_INVALID, "test size");
    options = plain;
    options.options.fold_count = 1;
    refused(table, &options.options, QN_INVALID, "1 fold");
    options.options.fold_count = 61;
    refused(table, &options.options, QN_INVALID, "60 rows for 61 folds");
    options = plain;
    options.options.group = "block";
    options.options.time = "day";
    refused(table, &options.options, QN_INVALID, "choose one");
    static const char *const parameters[] = {"max_depth=x", "max_dept=3", "max_depth", "=3"};
    static const char *const words[] = {"max_depth", "did you mean 'max_depth'", "NAME=VALUE",
                                        "NAME=VALUE"};
    for (size_t i = 0; i < 4; i++) {
        options = plain;
        options.options.parameters = parameters + i;
        options.options.parameter_count = 1;
        refused(table, &options.options, QN_INVALID, words[i]);
    }
    static const char *const everything[] = {"x",     "gap",    "colour", "day",
                                             "block", "bought", "price"};
    options = plain;
    options.options.drop = everything;
    options.options.drop_count = 7;
    refused(table, &options.options, QN_INVALID, "no column is left");
    qn_table_free(table);
}

/* A recipe made without a target in mind would let the model read the answer. */
static void test_recipe_with_the_target(void **state)
{
    (void)state;
    static const char text[] = "{\"version\": 1, \"columns\": ["
                               "{\"name\": \"x\", \"type\": \"number\", \"actions\": []},"
                               "{\"name\": \"price\", \"type\": \"number\", \"actions\": []}]}";
    struct qn_table *table = flow_sample(60, 15);
    struct qn_recipe *recipe = NULL;
    struct qn_error err = QN_ERROR_INIT;
    struct flow_options options;
    assert_int_equal(qn_recipe_parse(text, strlen(text), "r.json", &recipe, &err), QN_OK);
    flow_options_init(&options, "price", "decision_tree");
    options.options.recipe = recipe;
    refused(table, &options.options, QN_INVALID, "'price'");
    flow_options_init(&options, "kind", "decision_tree");
    options.options.recipe = recipe;
    refused(table, &options.options, QN_INVALID, "'price'"); /* which is to be dropped */
    options.options.drop_count = 0;
    struct qn_model *model = flow_train(table, &options.options);
    assert_int_equal(qn_prep_input_count(model->prep), 2);
    qn_model_free(model);
    qn_recipe_free(recipe);
    qn_table_free(table);
}

/* Two groups make a hold-out but no three folds: nothing is compared, and training goes on. */
static void test_auto(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(80, 16);
    struct flow_options options;
    flow_options_init(&options, "price", "auto");
    struct qn_model *model = flow_train(table, &options.options);
    const json_t *candidates = json_object_get(model->report, "candidates");
    assert_int_equal(json_array_size(candidates), 3);
    double best = INFINITY;
    const char *name = "";
    for (size_t i = 0; i < 3; i++) {
        const json_t *item = json_array_get(candidates, i);
        double score = json_number_value(json_object_get(item, "rmse"));
        if (score < best) {
            best = score;
            name = json_string_value(json_object_get(item, "algorithm"));
        }
    }
    assert_string_equal(model->learner->name, name);
    qn_model_free(model);
    for (size_t row = 0; row < 80; row++)
        flow_column(table, "block")->values.integer[row] = row % 3 == 0;
    options.options.group = "block";
    model = flow_train(table, &options.options);
    assert_string_equal(model->learner->name, "gradient_boosting");
    assert_int_equal(json_array_size(json_object_get(model->report, "candidates")), 0);
    qn_model_free(model);
    qn_table_free(table);
}

static void test_useless_model_is_called_out(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(200, 17);
    struct qn_random random;
    qn_random_init(&random, 1, 1);
    for (size_t row = 0; row < 200; row++)
        flow_column(table, "price")->values.number[row] = qn_random_normal(&random);
    struct flow_options options;
    flow_options_init(&options, "price", "decision_tree");
    struct qn_model *model = flow_train(table, &options.options);
    assert_true(flow_warned(model, "no better than guessing"));
    qn_model_free(model);
    options.options.test_size = 0;
    model = flow_train(table, &options.options);
    assert_true(flow_warned(model, "no rows were held out"));
    assert_null(flow_metric(model, "test"));
    qn_model_free(model);
    qn_table_free(table);
}

static void test_importance(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(300, 18);
    struct flow_options options;
    flow_options_init(&options, "price", "ridge");
    struct qn_model *model = flow_train(table, &options.options);
    const json_t *list = json_object_get(model->report, "importance");
    assert_int_equal(json_array_size(list), qn_prep_input_count(model->prep));
    const json_t *first = json_array_get(list, 0);
    assert_string_equal(json_string_value(json_object_get(first, "feature")), "x");
    double last = INFINITY;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        double value = json_number_value(json_object_get(item, "importance"));
        assert_true(value <= last);
        assert_non_null(json_object_get(item, "std"));
        last = value;
    }
    qn_model_free(model);
    qn_table_free(table);
}

static bool stop_at_fit(void *context, const char *stage, uint64_t done, uint64_t total,
                        const char *unit)
{
    (void)done;
    (void)total;
    (void)unit;
    unsigned *calls = context;
    (*calls)++;
    return strcmp(stage, "importance") != 0;
}

static void test_cancelled(void **state)
{
    (void)state;
    unsigned calls = 0;
    struct qn_progress progress = {.update = stop_at_fit, .context = &calls};
    struct qn_table *table = flow_sample(60, 19);
    struct flow_options options;
    flow_options_init(&options, "kind", "random_forest");
    options.options.progress = &progress;
    refused(table, &options.options, QN_CANCELLED, "cancelled during importance");
    assert_true(calls > 1);
    qn_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_test_rows_are_not_looked_at),
        cmocka_unit_test(test_report_is_what_evaluate_says),
        cmocka_unit_test(test_cross_validation),
        cmocka_unit_test(test_cross_validation_in_time),
        cmocka_unit_test(test_groups_stay_together),
        cmocka_unit_test(test_time_is_ordered),
        cmocka_unit_test(test_class_that_training_lacks),
        cmocka_unit_test(test_weight_zero_is_removed),
        cmocka_unit_test(test_weighted_score),
        cmocka_unit_test(test_wrong_weights),
        cmocka_unit_test(test_missing_targets_are_left_out),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_test_table),
        cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_recipe_with_the_target),
        cmocka_unit_test(test_auto),
        cmocka_unit_test(test_useless_model_is_called_out),
        cmocka_unit_test(test_importance),
        cmocka_unit_test(test_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
