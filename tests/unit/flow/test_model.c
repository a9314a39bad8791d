/* Saving and loading models, damaged and hostile files, reading data for a model, evaluating. */
#include "flow_support.h"

#include "flow/summary.h"
#include "learn/model_file.h"

static const char *const algorithms[][2] = {
    {"kind", "decision_tree"}, {"bought", "random_forest"},
    {"price", "extra_trees"},  {"kind", "gradient_boosting"},
    {"kind", "logistic"},      {"price", "linear"},
    {"price", "ridge"},        {NULL, "kmeans"},
};
#define ALGORITHMS (sizeof(algorithms) / sizeof(*algorithms))

static struct qn_model *train(const struct qn_table *table, size_t index)
{
    static const char *const few[] = {"n_estimators=5"};
    static const char *const all_targets[] = {"kind", "bought", "price"};
    struct flow_options options;
    const char *name = algorithms[index][1];
    if (algorithms[index][0]) {
        flow_options_init(&options, algorithms[index][0], name);
    } else {
        qn_train_options_default(&options.options);
        options.options.algorithm = name;
        options.options.drop = all_targets;
        options.options.drop_count = 3;
    }
    bool ensemble = strstr(name, "forest") || strstr(name, "trees") || strstr(name, "boosting");
    if (ensemble) {
        options.options.parameters = few;
        options.options.parameter_count = 1;
    }
    return flow_train(table, &options.options);
}

/* The bytes of a model of each kind, as saved; the caller frees. */
static char *model_bytes(const struct qn_table *table, size_t index, size_t *size)
{
    char path[64], *bytes = NULL;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_model *model = train(table, index);
    flow_path(path);
    assert_int_equal(qn_model_save(model, path, &err), QN_OK);
    assert_int_equal(qn_file_read(path, (size_t)1 << 30, &bytes, size, &err), QN_OK);
    assert_int_equal(unlink(path), 0);
    qn_model_free(model);
    return bytes;
}

/* As text: 5.0 is written as 5, and read back as an integer. */
static void assert_same_json(const json_t *a, const json_t *b)
{
    char *left = qn_json_text(a, 0), *right = qn_json_text(b, 0);
    assert_string_equal(left, right);
    qn_free(left);
    qn_free(right);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(120, 21), *fresh = flow_sample(80, 22);
    for (size_t i = 0; i < ALGORITHMS; i++) {
        char path[64];
        struct qn_error err = QN_ERROR_INIT;
        struct qn_model *loaded = NULL, *model = train(table, i);
        flow_path(path);
        assert_string_equal(model->content_hash, "");
        assert_int_equal(qn_model_save(model, path, &err), QN_OK);
        assert_int_equal(qn_model_load(path, &loaded, &err), QN_OK);
        assert_string_equal(loaded->content_hash, model->content_hash);
        assert_ptr_equal(loaded->learner, model->learner);
        assert_int_equal(loaded->task, model->task);
        assert_int_equal(loaded->output_count, model->output_count);
        assert_int_equal(loaded->class_count, model->class_count);
        assert_same_json(loaded->definition, model->definition);
        assert_same_json(loaded->report, model->report);
        double *before = flow_predict(model, fresh), *after = flow_predict(loaded, fresh);
        assert_memory_equal(before, after, 80 * model->output_count * sizeof(*before));
        qn_free(before);
        qn_free(after);
        json_t *summary = qn_model_summary(loaded, "m.qnm");
        assert_string_equal(json_string_value(json_object_get(summary, "content_hash")),
                            model->content_hash);
        assert_string_equal(json_string_value(json_object_get(summary, "model")), "m.qnm");
        json_decref(summary);
        flow_hash(loaded); /* saved again: the same bytes count */
        assert_string_equal(loaded->content_hash, model->content_hash);
        qn_model_free(loaded);
        qn_model_free(model);
        unlink(path);
    }
    qn_table_free(fresh);
    qn_table_free(table);
}

static void test_summary_of_an_unsaved_model(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(60, 23);
    struct qn_model *model = train(table, 0);
    json_t *summary = qn_model_summary(model, NULL);
    static const char *const keys[] = {"task",     "algorithm",  "target",     "classes",
                                       "features", "parameters", "metrics",    "importance",
                                       "warnings", "row_counts", "timings_ms", "seed"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        assert_non_null(json_object_get(summary, keys[i]));
    assert_null(json_object_get(summary, "content_hash"));
    assert_null(json_object_get(summary, "model"));
    json_decref(summary);
    qn_model_free(model);
    qn_table_free(table);
}

static enum qn_status parse(const char *bytes, size_t size, struct qn_model **out,
                            struct qn_error *err)
{
    char *copy = qn_alloc(size, 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    enum qn_status status = qn_model_parse(copy, size, "m.qnm", out, err);
    if (status != QN_OK)
        qn_free(copy); /* else it is the model's */
    return status;
}

/* Cut anywhere, and every bit of some bytes flipped: an error that names the file, never a model.
 */
static void test_damaged_files(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(40, 24);
    size_t size = 0;
    char *bytes = model_bytes(table, 0, &size);
    struct qn_model *model = NULL;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(parse(bytes, size, &model, &err), QN_OK);
    qn_model_free(model);
    for (size_t cut = 0; cut < size; cut += 1 + cut / 100) {
        model = NULL;
        assert_int_not_equal(parse(bytes, cut, &model, &err), QN_OK);
        assert_null(model);
        assert_message(&err, "m.qnm");
    }
    for (size_t at = 0; at < size; at += 1 + at / 200) {
        bytes[at] = (char)(bytes[at] ^ (1 << at % 8));
        model = NULL;
        assert_int_not_equal(parse(bytes, size, &model, &err), QN_OK);
        assert_null(model);
        bytes[at] = (char)(bytes[at] ^ (1 << at % 8));
    }
    qn_free(bytes);
    qn_table_free(table);
}

/* The file with one section changed, and checksums that fit. */
static enum qn_status load_with(const char *bytes, size_t size, const char *section,
                                const char *content, size_t content_size, struct qn_error *err)
{
    char path[64];
    struct qn_model_file file;
    struct qn_model *model = NULL;
    char *copy = qn_alloc(size, 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    assert_int_equal(qn_model_file_parse(copy, size, "m.qnm", &file, err), QN_OK);
    struct qn_section sections[QN_MODEL_FILE_SECTIONS];
    size_t count = 0;
    for (size_t i = 0; i < file.section_count; i++) {
        sections[count] = file.sections[i];
        if (strcmp(sections[count].name, section) == 0) {
            sections[count].bytes = content;
            sections[count].size = content_size;
        }
        count += content || strcmp(sections[count].name, section) != 0;
    }
    flow_path(path);
    assert_int_equal(qn_model_file_write(path, sections, count, err), QN_OK);
    qn_model_file_release(&file);
    enum qn_status status = qn_model_load(path, &model, err);
    if (status != QN_OK)
        assert_null(model);
    qn_model_free(model);
    assert_int_equal(unlink(path), 0);
    return status;
}

/* Bytes of something else may look like those of a newer version. */
static void assert_refused(enum qn_status status, const struct qn_error *err)
{
    if (status != QN_CORRUPT && status != QN_UNSUPPORTED)
        fail_msg("%s: %s", qn_status_name(status), err->message);
    assert_message(err, ".qnm");
}

/* Sections whose checksums are right and whose content is not. */
static void test_hostile_definitions(void **state)
{
    (void)state;
    static const char good[] = "{\"task\":\"multiclass\",\"algorithm\":\"decision_tree\","
                               "\"target\":\"kind\",\"target_type\":\"category\","
                               "\"classes\":[\"ash\",\"fir\",\"oak\"]}";
    static const char *const changes[][2] = {
        {"multiclass", "binary"},
        {"multiclass", "regression"},
        {"multiclass", "clustering"},
        {"multiclass", "divination"},
        {"\"fir\"", "\"ash\""}, /* a class twice */
        {"\"fir\"", "7"},
        {",\"oak\"", ""},
        {"\"oak\"", "\"oak\",\"elm\""},
        {"\"ash\",\"fir\",\"oak\"", "\"ash\""},
        {"decision_tree", "kmeans"},
        {"\"decision_tree\"", "null"},
        {"\"kind\"", "null"},
        {"category", "colour"},
        {"{", "["},
    };
    struct qn_table *table = flow_sample(60, 25);
    size_t size = 0;
    char *bytes = model_bytes(table, 0, &size), text[512];
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(load_with(bytes, size, "definition", good, strlen(good), &err), QN_OK);
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        const char *at = strstr(good, changes[i][0]);
        assert_non_null(at);
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, changes[i][1],
                 at + strlen(changes[i][0]));
        enum qn_status status = load_with(bytes, size, "definition", text, strlen(text), &err);
        if (status != QN_CORRUPT)
            fail_msg("%s: %s", text, qn_status_name(status));
    }
    size_t cluster_size = 0; /* one output a row, as regression has, and yet no regression */
    char *clusters = model_bytes(table, 7, &cluster_size);
    static const char renamed[] = "{\"task\":\"regression\",\"algorithm\":\"kmeans\","
                                  "\"target\":\"price\",\"target_type\":\"number\"}";
    assert_int_equal(
        load_with(clusters, cluster_size, "definition", renamed, strlen(renamed), &err),
        QN_CORRUPT);
    qn_free(clusters);
    static const char other[] = "{\"task\":\"regression\",\"algorithm\":\"oracle\"}";
    assert_int_equal(load_with(bytes, size, "definition", other, strlen(other), &err),
                     QN_UNSUPPORTED);
    assert_message(&err, "oracle");
    static const char *const sections[] = {"definition", "recipe", "learner", "report"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(load_with(bytes, size, sections[i], NULL, 0, &err), QN_CORRUPT);
        assert_int_equal(load_with(bytes, size, sections[i], "", 0, &err), QN_CORRUPT);
        assert_refused(load_with(bytes, size, sections[i], "\0\0\0\0\0\0\0\0", 8, &err), &err);
    }
    qn_free(bytes);
    qn_table_free(table);
}

/* A section that goes on behind what its decoder reads, or belongs to another model. */
static void test_sections_that_do_not_fit(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(60, 26);
    size_t size = 0, other_size = 0;
    struct qn_error err = QN_ERROR_INIT;
    char *bytes = model_bytes(table, 0, &size), *other = model_bytes(table, 5, &other_size);
    static const char *const names[] = {"recipe", "learner"};
    for (size_t i = 0; i < 2; i++) {
        struct qn_model_file file, foreign;
        char *copy = qn_alloc(size, 1), *foreign_copy = qn_alloc(other_size, 1);
        memcpy(copy, bytes, size);
        memcpy(foreign_copy, other, other_size);
        assert_int_equal(qn_model_file_parse(copy, size, "m.qnm", &file, &err), QN_OK);
        assert_int_equal(qn_model_file_parse(foreign_copy, other_size, "m.qnm", &foreign, &err),
                         QN_OK);
        const struct qn_section *section = qn_model_file_find(&file, names[i]);
        char *longer = qn_alloc(section->size + 1, 1);
        memcpy(longer, section->bytes, section->size);
        longer[section->size] = 0;
        assert_int_equal(load_with(bytes, size, names[i], longer, section->size, &err), QN_OK);
        assert_int_equal(load_with(bytes, size, names[i], longer, section->size + 1, &err),
                         QN_CORRUPT);
        section = qn_model_file_find(&foreign, names[i]);
        assert_refused(load_with(bytes, size, names[i], section->bytes, section->size, &err), &err);
        qn_free(longer);
        qn_model_file_release(&file);
        qn_model_file_release(&foreign);
    }
    qn_free(bytes);
    qn_free(other);
    qn_table_free(table);
}

static void test_files_that_are_none(void **state)
{
    (void)state;
    struct qn_model *model = NULL;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_model_load("there-is-no-such-file.qnm", &model, &err), QN_NOT_FOUND);
    assert_message(&err, "there-is-no-such-file.qnm");
    struct qn_table *table = flow_sample(40, 27);
    struct qn_model *trained = train(table, 0);
    assert_int_not_equal(qn_model_save(trained, "no-such-folder/m.qnm", &err), QN_OK);
    assert_string_equal(trained->content_hash, "");
    qn_model_free(trained);
    qn_table_free(table);
}

/* A CSV file of this text, read for the model. */
static enum qn_status read_for(const struct qn_model *model, const char *text,
                               struct qn_table **out, struct qn_error *err)
{
    char path[64];
    flow_path(path);
    assert_int_equal(qn_file_write(path, text, strlen(text), err), QN_OK);
    enum qn_status status = qn_model_read_data(model, path, NULL, out, err);
    assert_int_equal(unlink(path), 0);
    return status;
}

static void test_reading_for_a_model(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(100, 28), *got = NULL;
    struct qn_model *model = train(table, 0);
    struct qn_error err = QN_ERROR_INIT;
    struct qn_prep_report report;
    double *outputs = NULL;
    /* Types are those of training: 2 is a number, 7 a colour that is new; others are inferred. */
    assert_int_equal(read_for(model,
                              "id,x,gap,colour,day,block,extra\n"
                              "01,2,,7,2019-04-14,1,1.5\n02,-1.5,3,red,2019-05-01,2,2\n",
                              &got, &err),
                     QN_OK);
    assert_int_equal(flow_column(got, "x")->type, QN_TYPE_NUMBER);
    assert_int_equal(flow_column(got, "colour")->type, QN_TYPE_CATEGORY);
    assert_int_equal(qn_model_predict(model, got, NULL, 2, NULL, &outputs, &report, &err), QN_OK);
    assert_int_equal(report.unseen_cells, 1);
    assert_int_equal(report.unseen_columns, 1);
    assert_true(report.extra_columns >= 2);
    qn_free(outputs);
    qn_table_free(got);
    assert_int_equal(read_for(model, "x,colour,block\n2,red,1\n", &got, &err), QN_OK);
    assert_int_equal(qn_model_predict(model, got, NULL, 1, NULL, &outputs, NULL, &err), QN_INVALID);
    assert_message(&err, "gap");
    assert_message(&err, "day");
    qn_table_free(got);
    got = NULL;
    assert_int_equal(
        read_for(model, "x,gap,colour,day,block\nbig,1,red,2019-04-14,1\n", &got, &err),
        QN_INVALID);
    assert_message(&err, "big");
    assert_null(got);
    qn_model_free(model);
    qn_table_free(table);
}

static void test_rows_and_no_rows(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(60, 29);
    struct qn_error err = QN_ERROR_INIT;
    for (size_t i = 0; i < ALGORITHMS; i++) {
        static const size_t rows[] = {7, 7, 59, 0};
        struct qn_model *model = train(table, i);
        size_t width = model->output_count;
        double *some = NULL, *none = NULL, *all = flow_predict(model, table);
        assert_int_equal(qn_model_predict(model, table, rows, 4, NULL, &some, NULL, &err), QN_OK);
        for (size_t k = 0; k < 4; k++)
            assert_memory_equal(some + k * width, all + rows[k] * width, width * sizeof(*all));
        assert_int_equal(qn_model_predict(model, table, rows, 0, NULL, &none, NULL, &err), QN_OK);
        qn_free(some);
        qn_free(none);
        qn_free(all);
        qn_model_free(model);
    }
    qn_table_free(table);
}

static void test_evaluate(void **state)
{
    (void)state;
    struct qn_table *table = flow_sample(100, 30);
    struct qn_metrics *metrics = NULL, *baseline = NULL;
    struct qn_error err = QN_ERROR_INIT;
    size_t left_out = 0;
    struct qn_model *model = train(table, 0);
    const char *truth[100];
    for (size_t row = 0; row < 100; row++)
        truth[row] = row < 10 ? "elm" : row < 15 ? NULL : "oak";
    flow_texts(table, "truth", QN_TYPE_TEXT, truth);
    assert_int_equal(
        qn_model_evaluate(model, table, "truth", NULL, &metrics, &baseline, &left_out, &err),
        QN_OK);
    assert_int_equal(left_out, 15);
    assert_int_equal(metrics->row_count, 85);
    double *outputs = flow_predict(model, table);
    size_t right = 0;
    for (size_t row = 15; row < 100; row++)
        right += qn__arg_max(outputs + row * 3, 3) == 2;
    assert_true(right > 0 && right < 85);
    assert_true(fabs(metrics->accuracy - (double)right / 85) < 1e-12);
    qn_free(outputs);
    qn_metrics_free(metrics);
    qn_metrics_free(baseline);
    for (size_t row = 10; row < 100; row++)
        flow_column(table, "truth")->values.code[row] = 0;
    metrics = NULL;
    assert_int_equal(
        qn_model_evaluate(model, table, "truth", NULL, &metrics, &baseline, &left_out, &err),
        QN_INVALID);
    assert_message(&err, "no row has a known value of 'truth'");
    assert_int_equal(
        qn_model_evaluate(model, table, "kinds", NULL, &metrics, &baseline, &left_out, &err),
        QN_NOT_FOUND);
    assert_message(&err, "did you mean 'kind'");
    assert_null(metrics);
    qn_model_free(model);
    model = train(table, 7);
    assert_int_equal(
        qn_model_evaluate(model, table, NULL, NULL, &metrics, &baseline, &left_out, &err),
        QN_UNSUPPORTED);
    qn_model_free(model);
    qn_model_free(NULL);
    qn_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_summary_of_an_unsaved_model),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_hostile_definitions),
        cmocka_unit_test(test_sections_that_do_not_fit),
        cmocka_unit_test(test_files_that_are_none),
        cmocka_unit_test(test_reading_for_a_model),
        cmocka_unit_test(test_rows_and_no_rows),
        cmocka_unit_test(test_evaluate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
