#include "unit/learn/boosting_data.h"

#include "learn/metrics.h"
#include "learn/tree.h"

#include <cmocka.h>

#define LEARNER (&qn_gradient_boosting_learner)
#define NEAR(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

static struct qn_boosting *fit_on(const struct qn_features *features,
                                  const struct qn_target *target,
                                  const struct qn_boosting_options *options, unsigned threads)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_pool *pool = NULL;
    if (qn_pool_create(threads, &pool, &err) != QN_OK)
        fail_msg("%s", err.message);
    assert_int_equal(qn_parameters_check(&LEARNER->parameters, options, &err), QN_OK);
    struct qn_fit fit = {
        .features = features, .target = target, .options = options, .seed = 7, .pool = pool};
    void *model = NULL;
    if (LEARNER->fit(&fit, &model, &err) != QN_OK)
        fail_msg("%s", err.message);
    qn_pool_free(pool);
    return model;
}

static struct qn_boosting *fit(const struct table *table, const struct qn_boosting_options *options,
                               unsigned threads)
{
    return fit_on(&table->features, &table->target, options, threads);
}

/* Owned by the caller: free(). */
static double *predict(const struct qn_boosting *model, const struct qn_features *features)
{
    struct qn_error err = QN_ERROR_INIT;
    double *out = test_memory(features->row_count * LEARNER->output_count(model), sizeof(double));
    if (LEARNER->predict(model, features, NULL, out, &err) != QN_OK)
        fail_msg("%s", err.message);
    return out;
}

static struct qn_buffer bytes_of(const struct qn_boosting *model)
{
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, (size_t)1 << 30);
    LEARNER->write(model, &buffer);
    assert_false(buffer.failed);
    return buffer;
}

static void assert_same_bytes(const struct qn_boosting *a, const struct qn_boosting *b)
{
    struct qn_buffer first = bytes_of(a), second = bytes_of(b);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.bytes, second.bytes, first.size);
    qn_buffer_release(&first);
    qn_buffer_release(&second);
}

static double metric(const struct table *table, const double *prediction, const char *name)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_metrics *metrics = NULL;
    assert_int_equal(qn_metrics_compute(&table->target, prediction, &metrics, &err), QN_OK);
    double value = qn_metrics_get(metrics, name);
    qn_metrics_free(metrics);
    return value;
}

/* Both forms of histograms, all losses, sampling: the same bytes on 1, 2 and 8 threads. */
static void test_threads_do_not_show(void **state)
{
    (void)state;
    static const enum qn_task tasks[] = {QN_TASK_BINARY, QN_TASK_MULTICLASS, QN_TASK_REGRESSION};
    for (size_t i = 0; i < 6; i++) {
        size_t rows = i < 3 ? 900 : QN__EXACT_ROWS + 6000;
        struct table *table = table_create(tasks[i % 3], rows, i % 3 == 1 ? 4 : 2, i);
        struct qn_boosting_options options = boosting_defaults();
        options.n_estimators = 4;
        options.max_leaves = i < 3 ? 15 : 60;
        options.subsample = i % 2 ? 0.7 : 1.0;
        options.colsample = i % 2 ? 0.6 : 1.0;
        options.early_stopping_rounds = i == 1 ? 2 : 0;
        struct qn_boosting *one = fit(table, &options, 1), *two = fit(table, &options, 2),
                           *eight = fit(table, &options, 8);
        assert_same_bytes(one, two);
        assert_same_bytes(one, eight);
        LEARNER->free(one);
        LEARNER->free(two);
        LEARNER->free(eight);
        table_free(table);
    }
}

static void test_learns(void **state)
{
    (void)state;
    struct qn_boosting_options options = boosting_defaults();
    struct table *train = table_create(QN_TASK_BINARY, 3000, 2, 1);
    struct table *test = table_create(QN_TASK_BINARY, 3000, 2, 2);
    struct qn_boosting *model = fit(train, &options, 2);
    double *p = predict(model, &test->features);
    assert_true(metric(test, p, "roc_auc") > 0.97);
    double gain[QN_TEST_COLUMNS];
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(LEARNER->importance(model, gain, &err), QN_OK);
    assert_true(gain[0] > gain[1] && gain[2] > gain[1] && gain[4] > gain[1]);
    free(p);
    LEARNER->free(model);
    table_free(train);
    table_free(test);

    train = table_create(QN_TASK_REGRESSION, 3000, 0, 1);
    test = table_create(QN_TASK_REGRESSION, 3000, 0, 2);
    model = fit(train, &options, 2);
    p = predict(model, &test->features);
    assert_true(metric(test, p, "r2") > 0.95);
    free(p);
    LEARNER->free(model);
    table_free(train);
    table_free(test);
}

/* Prediction by raw values gives what training saw by bins: the training score of the last round
 * is the sum that predict() makes. */
static void test_predict_is_the_sum_of_rounds(void **state)
{
    (void)state;
    struct table *table = table_create(QN_TASK_REGRESSION, 800, 0, 3);
    struct qn_boosting_options options = boosting_defaults();
    double *before = NULL;
    for (int64_t rounds = 1; rounds <= 4; rounds++) {
        options.n_estimators = rounds;
        struct qn_boosting *model = fit(table, &options, 1);
        double *now = predict(model, &table->features);
        for (size_t i = 0; before && i < table->features.row_count; i++) {
            uint32_t leaf = qn_trees_leaf(model->trees, (size_t)rounds - 1, &table->features, i);
            double step = model->trees->values[model->trees->nodes[leaf].value_at];
            NEAR(now[i], before[i] + step, 1e-12);
        }
        free(before);
        before = now;
        LEARNER->free(model);
    }
    free(before);
    table_free(table);
}

/* With rate 1 and no penalty the leaves of the first tree are the means of their rows. */
static void test_leaves_are_means(void **state)
{
    (void)state;
    struct table *table = table_create(QN_TASK_REGRESSION, 700, 0, 4);
    struct qn_boosting_options options = boosting_defaults();
    options.n_estimators = 1;
    options.learning_rate = 1;
    struct qn_boosting *model = fit(table, &options, 2);
    double *p = predict(model, &table->features);
    double *sum = test_memory(model->trees->node_count, sizeof(double));
    double *count = test_memory(model->trees->node_count, sizeof(double));
    for (size_t i = 0; i < 700; i++) {
        uint32_t leaf = qn_trees_leaf(model->trees, 0, &table->features, i);
        sum[leaf] += table->numbers[i];
        count[leaf] += 1;
    }
    for (size_t i = 0; i < 700; i++) {
        uint32_t leaf = qn_trees_leaf(model->trees, 0, &table->features, i);
        /* Leaves of categories in order are drawn towards the mean by QN__CATEGORY_LAMBDA. */
        NEAR(p[i], sum[leaf] / count[leaf], 1.0);
        assert_true(count[leaf] >= 20);
        NEAR(model->trees->nodes[leaf].cover, count[leaf], 0);
    }
    free(sum);
    free(count);
    free(p);
    LEARNER->free(model);
    table_free(table);
}

/* Gradients against differences of the loss, for each objective and both weights. */
static void test_gradients(void **state)
{
    (void)state;
    static const enum qn_task tasks[] = {QN_TASK_BINARY, QN_TASK_MULTICLASS, QN_TASK_REGRESSION};
    struct qn_error err = QN_ERROR_INIT;
    for (size_t c = 0; c < 6; c++) {
        struct table *table = table_create(tasks[c % 3], 40, c % 3 == 1 ? 4 : 2, c);
        for (size_t i = 0; c >= 3 && i < 40; i++)
            table->weights[i] = 0.5 + (double)(i % 5);
        table->target.weights = c >= 3 ? table->weights : NULL;
        uint32_t rows[40];
        for (uint32_t i = 0; i < 40; i++)
            rows[i] = i;
        struct qn__loss *loss = NULL;
        assert_int_equal(
            qn__loss_create(&table->target, QN_CLASS_WEIGHT_BALANCED, rows, 40, &loss, &err),
            QN_OK);
        for (size_t i = 0; i < 40 * loss->output_count; i++)
            loss->scores[i] += 0.05 * (double)(i % 11) - 0.2;
        for (size_t k = 0; k < loss->output_count; k++) {
            qn__loss_begin_round(loss, NULL);
            qn__loss_gradients(loss, k, NULL);
            for (uint32_t i = 0; i < 40; i++) {
                const double h = 1e-4;
                double weight = loss->weights ? loss->weights[i] : 1.0;
                double *score = &loss->scores[k * 40 + i], kept = *score;
                double at = qn__loss_mean(loss, &i, 1);
                *score = kept + h;
                double above = qn__loss_mean(loss, &i, 1);
                *score = kept - h;
                double below = qn__loss_mean(loss, &i, 1);
                *score = kept;
                NEAR(loss->gradient[i], weight * (above - below) / (2 * h), 1e-6 * weight);
                double curve = loss->hessian ? loss->hessian[i] : 1.0;
                if (tasks[c % 3] == QN_TASK_MULTICLASS)
                    curve *= 3.0 / 4.0; /* Friedman's factor for 4 classes */
                NEAR(curve, weight * (above - 2 * at + below) / (h * h), 1e-5 * weight);
            }
        }
        qn__loss_free(loss);
        table_free(table);
    }
}

/* A row of weight 2 is the row twice (with bounds that count weight, not rows). */
static void test_weights_are_copies(void **state)
{
    (void)state;
    enum { ROWS = 600 };
    struct table *table = table_create(QN_TASK_REGRESSION, ROWS, 0, 5);
    struct table *twice = table_create(QN_TASK_REGRESSION, 2 * ROWS, 0, 5);
    size_t count = 0;
    for (size_t i = 0; i < ROWS; i++) {
        /* Numbers of few values only: cut points do not depend on weights then. */
        for (size_t c = 0; c < 3; c++)
            table->values[c][i] =
                isnan(table->values[c][i]) ? (double)NAN : floor(table->values[c][i] * 8) / 8;
        table->numbers[i] = floor(table->numbers[i] * 64) / 64;
        table->weights[i] = (double)(i % 3);
        for (size_t k = 0; k < i % 3; k++, count++) {
            for (size_t c = 0; c < 4; c++)
                twice->values[c][count] = table->values[c][i];
            for (size_t c = 4; c < 6; c++)
                twice->levels[c][count] = table->levels[c][i];
            twice->numbers[count] = table->numbers[i];
        }
    }
    table->target.weights = table->weights;
    table->features.feature_count = twice->features.feature_count = 4;
    twice->features.row_count = twice->target.row_count = count;
    struct qn_boosting_options options = boosting_defaults();
    options.n_estimators = 5;
    options.min_samples_leaf = 1;
    options.min_child_weight = 12;
    struct qn_boosting *a = fit(table, &options, 1), *b = fit(twice, &options, 1);
    double *pa = predict(a, &table->features), *pb = predict(b, &table->features);
    for (size_t i = 0; i < ROWS; i++)
        NEAR(pa[i], pb[i], 1e-9);
    free(pa);
    free(pb);
    LEARNER->free(a);
    LEARNER->free(b);
    table_free(table);
    table_free(twice);
}

static void test_class_weight(void **state)
{
    (void)state;
    struct table *table = table_create(QN_TASK_BINARY, 1000, 2, 6);
    for (size_t i = 0; i < 1000; i++)
        table->classes[i] = table->numbers[i] > 4.5;
    struct qn_boosting_options options = boosting_defaults();
    options.n_estimators = 10;
    struct qn_boosting *plain = fit(table, &options, 1);
    options.class_weight = QN_CLASS_WEIGHT_BALANCED;
    struct qn_boosting *balanced = fit(table, &options, 1);
    NEAR(balanced->base[0], 0, 1e-9);
    assert_true(plain->base[0] < -1);
    double *p = predict(plain, &table->features), *q = predict(balanced, &table->features);
    assert_true(metric(table, q, "balanced_accuracy") > metric(table, p, "balanced_accuracy"));
    free(p);
    free(q);
    LEARNER->free(plain);
    LEARNER->free(balanced);
    table_free(table);
}

static void test_early_stopping(void **state)
{
    (void)state;
    struct table *table = table_create(QN_TASK_BINARY, 400, 2, 8);
    struct qn_random random;
    qn_random_init(&random, 9, 0);
    for (size_t i = 0; i < 400; i++) /* mostly noise */
        table->classes[i] = qn_random_unit(&random) < (table->values[0][i] > 0 ? 0.7 : 0.3);
    struct qn_boosting_options options = boosting_defaults();
    options.n_estimators = 500;
    options.early_stopping_rounds = 5;
    options.validation_fraction = 0.25;
    struct qn_boosting *model = fit(table, &options, 2);
    assert_true(model->history_count < 500);
    assert_int_equal(model->history_count, model->round_count + 5);
    for (size_t i = 0; i < model->history_count; i++)
        assert_true(model->history[i] >= model->history[model->round_count - 1]);
    assert_int_equal(model->trees->tree_count, model->round_count);
    json_t *json = LEARNER->describe(model, NULL);
    assert_int_equal(json_integer_value(json_object_get(json, "best_iteration")),
                     model->round_count);
    assert_int_equal(json_array_size(json_object_get(json, "validation_loss")),
                     model->history_count);
    json_decref(json);
    LEARNER->free(model);

    table->features.row_count = table->target.row_count = 1;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_fit few = {
        .features = &table->features, .target = &table->target, .options = &options};
    void *none = NULL;
    assert_int_equal(LEARNER->fit(&few, &none, &err), QN_INVALID);
    assert_null(none);
    table_free(table);
}

static void test_limits_of_growth(void **state)
{
    (void)state;
    struct table *table = table_create(QN_TASK_REGRESSION, 2000, 0, 10);
    struct qn_boosting_options options = boosting_defaults();
    options.n_estimators = 3;
    options.max_depth = 3;
    struct qn_boosting *model = fit(table, &options, 1);
    for (size_t t = 0; t < 3; t++)
        assert_int_equal(qn_trees_depth(model->trees, t), 3);
    LEARNER->free(model);
    options.max_depth = 0;
    options.max_leaves = 9;
    model = fit(table, &options, 1);
    for (size_t t = 0; t < 3; t++)
        assert_int_equal(qn_trees_leaves(model->trees, t), 9);
    LEARNER->free(model);
    options.max_leaves = 31;
    options.min_gain = 1e9;
    model = fit(table, &options, 1);
    assert_int_equal(qn_trees_leaves(model->trees, 0), 1);
    LEARNER->free(model);
    options.min_gain = 0;
    options.min_samples_leaf = 500;
    model = fit(table, &options, 1);
    for (size_t i = 0; i < model->trees->node_count; i++)
        assert_true(model->trees->nodes[i].cover >= 500);
    assert_true(model->trees->node_count > 3);
    LEARNER->free(model);
    table_free(table);
}

static void test_sampling(void **state)
{
    (void)state;
    struct table *table = table_create(QN_TASK_REGRESSION, 2000, 0, 11);
    struct qn_boosting_options options = boosting_defaults();
    options.n_estimators = 6;
    options.subsample = 0.25;
    struct qn_boosting *model = fit(table, &options, 1);
    for (size_t t = 0; t < 6; t++)
        assert_true(model->trees->nodes[model->trees->roots[t]].cover == 500);
    LEARNER->free(model);
    options.subsample = 1;
    options.colsample = 0.17; /* one feature a tree */
    options.n_estimators = 30;
    model = fit(table, &options, 1);
    bool used[QN_TEST_COLUMNS] = {false};
    for (size_t t = 0; t < 30; t++) {
        size_t end = t + 1 < 30 ? model->trees->roots[t + 1] : model->trees->node_count;
        int32_t only = model->trees->nodes[model->trees->roots[t]].feature;
        for (size_t i = model->trees->roots[t]; i < end; i++) {
            int32_t feature = model->trees->nodes[i].feature;
            assert_true(feature == QN_NODE_LEAF || feature == only);
        }
        if (only != QN_NODE_LEAF)
            used[only] = true;
    }
    size_t used_count = 0;
    for (size_t c = 0; c < QN_TEST_COLUMNS; c++)
        used_count += used[c];
    assert_true(used_count >= 4);
    LEARNER->free(model);
    table_free(table);
}

static void test_small_and_odd(void **state)
{
    (void)state;
    struct qn_boosting_options options = boosting_defaults();
    struct table *table = table_create(QN_TASK_REGRESSION, 300, 0, 12);
    /* A constant target: one lone leaf, and the constant comes back. */
    for (size_t i = 0; i < 300; i++)
        table->numbers[i] = -3.25;
    struct qn_boosting *model = fit(table, &options, 2);
    double *p = predict(model, &table->features);
    for (size_t i = 0; i < 300; i++)
        NEAR(p[i], -3.25, 0);
    assert_int_equal(model->trees->node_count, 1);
    free(p);
    LEARNER->free(model);
    table_free(table);

    /* One feature; then one that is missing throughout. */
    table = table_create(QN_TASK_REGRESSION, 300, 0, 13);
    table->features.feature_count = 1;
    model = fit(table, &options, 2);
    p = predict(model, &table->features);
    assert_true(metric(table, p, "r2") > 0.5);
    free(p);
    LEARNER->free(model);
    for (size_t i = 0; i < 300; i++)
        table->values[0][i] = NAN;
    model = fit(table, &options, 2);
    assert_int_equal(model->trees->node_count, 1);
    LEARNER->free(model);

    /* Two rows. */
    table->values[0][0] = 1;
    table->features.row_count = table->target.row_count = 2;
    options.min_samples_leaf = 1;
    options.learning_rate = 1;
    model = fit(table, &options, 2);
    p = predict(model, &table->features);
    NEAR(p[0], table->numbers[0], 1e-12);
    NEAR(p[1], table->numbers[1], 1e-12);
    free(p);
    LEARNER->free(model);
    table_free(table);
}

/* Missing on one side and values on the other, with no threshold between values. */
static void test_split_off_missing(void **state)
{
    (void)state;
    struct table *table = table_create(QN_TASK_REGRESSION, 400, 0, 14);
    table->features.feature_count = 1;
    for (size_t i = 0; i < 400; i++) {
        table->values[0][i] = i % 4 == 0 ? (double)NAN : 5.0;
        table->numbers[i] = i % 4 == 0 ? 1.0 : 2.0;
    }
    struct qn_boosting_options options = boosting_defaults();
    options.n_estimators = 1;
    options.learning_rate = 1;
    struct qn_boosting *model = fit(table, &options, 1);
    double *p = predict(model, &table->features);
    for (size_t i = 0; i < 400; i++)
        NEAR(p[i], table->numbers[i], 1e-12);
    free(p);
    table->values[0][1] = INFINITY;
    p = predict(model, &table->features);
    NEAR(p[1], 2.0, 1e-12);
    free(p);
    LEARNER->free(model);
    table_free(table);
}

static void test_many_classes(void **state)
{
    (void)state;
    enum { ROWS = 1500, CLASSES = 300 };
    struct table *table = table_create(QN_TASK_MULTICLASS, ROWS, CLASSES, 15);
    for (size_t i = 0; i < ROWS; i++)
        table->classes[i] = (int32_t)(i % CLASSES);
    for (size_t i = 0; i < ROWS; i++)
        table->values[0][i] = (double)(i % CLASSES) / 10;
    struct qn_boosting_options options = boosting_defaults();
    options.n_estimators = 2;
    options.min_samples_leaf = 2;
    struct qn_boosting *model = fit(table, &options, 2);
    double *p = predict(model, &table->features);
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0;
        for (size_t k = 0; k < CLASSES; k++)
            sum += p[i * CLASSES + k];
        NEAR(sum, 1.0, 1e-12);
    }
    assert_true(metric(table, p, "accuracy") > 0.7);
    free(p);
    LEARNER->free(model);
    table_free(table);
}

/* A category that training did not have goes with more rows, on whichever side they are. */
static void test_unseen_category(void **state)
{
    (void)state;
    for (size_t common = 0; common < 2; common++) {
        struct table *table = table_create(QN_TASK_REGRESSION, 500, 0, 16);
        table->columns[0] = table->columns[5];
        table->features.feature_count = 1;
        for (size_t i = 0; i < 500; i++) {
            bool odd_one_out = (i % 5 == 0) != (common == 1);
            table->levels[5][i] = odd_one_out ? 0 : i % 2 ? 1 : 2;
            table->numbers[i] = odd_one_out ? 10.0 : 1.0;
        }
        struct qn_boosting_options options = boosting_defaults();
        options.n_estimators = 1;
        options.learning_rate = 1;
        struct qn_boosting *model = fit(table, &options, 1);
        double expected = common ? 10.0 : 1.0;
        table->levels[5][0] = QN_LEVEL_UNSEEN;
        table->levels[5][5] = QN_LEVEL_MISSING;
        double *p = predict(model, &table->features);
        NEAR(p[0], expected, 1e-12);
        NEAR(p[5], expected, 1e-12);
        NEAR(p[10], table->numbers[10], 1e-12);
        free(p);
        LEARNER->free(model);
        table_free(table);
    }
}

/* Rows of weight 0 are as if they were not there. */
static void test_rows_without_weight(void **state)
{
    (void)state;
    enum { ROWS = 500 };
    struct table *table = table_create(QN_TASK_REGRESSION, ROWS, 0, 19);
    struct table *half = table_create(QN_TASK_REGRESSION, ROWS, 0, 19);
    for (size_t i = 0; i < ROWS; i++) {
        half->weights[i] = i < ROWS / 2 ? 1.0 : 0.0;
        half->numbers[i] = i < ROWS / 2 ? table->numbers[i] : 1e6;
    }
    half->target.weights = half->weights;
    table->target.weights = table->weights;
    table->features.row_count = table->target.row_count = ROWS / 2;
    struct qn_boosting_options options = boosting_defaults();
    options.n_estimators = 5;
    struct qn_boosting *a = fit(table, &options, 1), *b = fit(half, &options, 1);
    assert_same_bytes(a, b);
    LEARNER->free(a);
    LEARNER->free(b);
    table_free(table);
    table_free(half);
}

/* A base score that is not a number. */
static void test_bad_base_score(void **state)
{
    (void)state;
    enum { BASE_AT = 1 + 3 * 8 };
    struct table *table = table_create(QN_TASK_REGRESSION, 100, 0, 20);
    struct qn_boosting_options options = boosting_defaults();
    options.n_estimators = 1;
    struct qn_boosting *model = fit(table, &options, 1);
    struct qn_buffer buffer = bytes_of(model);
    memset(buffer.bytes + BASE_AT, 0xff, 8);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_reader reader;
    void *again = NULL;
    qn_reader_init(&reader, buffer.bytes, buffer.size);
    assert_int_equal(LEARNER->read(&reader, &again, &err), QN_CORRUPT);
    assert_null(again);
    qn_buffer_release(&buffer);
    LEARNER->free(model);
    table_free(table);
}

static void test_bytes_round_trip(void **state)
{
    (void)state;
    static const enum qn_task tasks[] = {QN_TASK_BINARY, QN_TASK_MULTICLASS, QN_TASK_REGRESSION};
    for (size_t c = 0; c < 3; c++) {
        struct table *table = table_create(tasks[c], 300, c == 1 ? 3 : 2, 17);
        struct qn_boosting_options options = boosting_defaults();
        options.n_estimators = 5;
        options.early_stopping_rounds = c == 0 ? 5 : 0;
        struct qn_boosting *model = fit(table, &options, 1);
        struct qn_buffer buffer = bytes_of(model);
        struct qn_error err = QN_ERROR_INIT;
        struct qn_reader reader;
        void *again = NULL;
        qn_reader_init(&reader, buffer.bytes, buffer.size);
        assert_int_equal(LEARNER->read(&reader, &again, &err), QN_OK);
        assert_int_equal(qn_reader_left(&reader), 0);
        assert_same_bytes(model, again);
        double *p = predict(model, &table->features), *q = predict(again, &table->features);
        size_t outputs = LEARNER->output_count(model);
        assert_memory_equal(p, q, 300 * outputs * sizeof(double));
        assert_int_equal(LEARNER->feature_count(again), QN_TEST_COLUMNS);
        free(p);
        free(q);
        LEARNER->free(again);
        for (size_t size = 0; size < buffer.size; size += 1 + buffer.size / 400) {
            qn_reader_init(&reader, buffer.bytes, size);
            assert_int_equal(LEARNER->read(&reader, &again, &err), QN_CORRUPT);
        }
        /* Any one byte changed: an error, or a model that can still be used and freed. */
        for (size_t at = 0; at < buffer.size; at += 1 + buffer.size / 900) {
            buffer.bytes[at] = (char)(buffer.bytes[at] ^ 0x41);
            qn_reader_init(&reader, buffer.bytes, buffer.size);
            if (LEARNER->read(&reader, &again, &err) == QN_OK) {
                double *out = test_memory(300 * LEARNER->output_count(again), sizeof(double));
                if (LEARNER->predict(again, &table->features, NULL, out, &err) == QN_OK)
                    assert_non_null(out);
                free(out);
                LEARNER->free(again);
            }
            buffer.bytes[at] = (char)(buffer.bytes[at] ^ 0x41);
        }
        qn_buffer_release(&buffer);
        LEARNER->free(model);
        table_free(table);
    }
}

struct watch {
    uint64_t calls, stop_at, done, total;
};

static bool update(void *context, const char *stage, uint64_t done, uint64_t total,
                   const char *unit)
{
    struct watch *watch = context;
    assert_string_equal(stage, "fit");
    assert_string_equal(unit, "rounds");
    assert_true(done >= watch->done);
    watch->done = done;
    watch->total = total;
    return ++watch->calls != watch->stop_at;
}

static void test_progress_and_cancel(void **state)
{
    (void)state;
    struct table *table = table_create(QN_TASK_BINARY, 500, 2, 18);
    struct qn_boosting_options options = boosting_defaults();
    options.n_estimators = 12;
    struct watch watch = {0};
    struct qn_progress progress = {update, &watch};
    struct qn_fit fit = {.features = &table->features,
                         .target = &table->target,
                         .options = &options,
                         .progress = &progress};
    struct qn_error err = QN_ERROR_INIT;
    void *model = NULL;
    assert_int_equal(LEARNER->fit(&fit, &model, &err), QN_OK);
    assert_int_equal(watch.calls, 13);
    assert_int_equal(watch.done, watch.total);
    LEARNER->free(model);
    model = NULL;
    watch = (struct watch){.stop_at = 6};
    assert_int_equal(LEARNER->fit(&fit, &model, &err), QN_CANCELLED);
    assert_null(model);
    assert_int_equal(watch.calls, 6);
    table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_do_not_show),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_predict_is_the_sum_of_rounds),
        cmocka_unit_test(test_leaves_are_means),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_weights_are_copies),
        cmocka_unit_test(test_class_weight),
        cmocka_unit_test(test_early_stopping),
        cmocka_unit_test(test_limits_of_growth),
        cmocka_unit_test(test_sampling),
        cmocka_unit_test(test_small_and_odd),
        cmocka_unit_test(test_split_off_missing),
        cmocka_unit_test(test_many_classes),
        cmocka_unit_test(test_unseen_category),
        cmocka_unit_test(test_rows_without_weight),
        cmocka_unit_test(test_bad_base_score),
        cmocka_unit_test(test_bytes_round_trip),
        cmocka_unit_test(test_progress_and_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
