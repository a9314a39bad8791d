#include "prep_support.h"

#include "support/fail_alloc.h"

static struct qn_table *mixed;
static struct qn_profile *profile;

static enum qn_status fit_apply_store(const char *columns, struct qn_error *err)
{
    int32_t classes[40];
    for (size_t i = 0; i < 40; i++)
        classes[i] = (int32_t)(i % 2);
    struct qn_target target = {
        .task = QN_TASK_BINARY, .row_count = 40, .class_count = 2, .classes = classes};
    struct qn_prep_options options = {.target = &target, .seed = 1};
    struct qn_recipe *recipe = NULL;
    struct qn_prep *prep = NULL, *read = NULL;
    struct qn_matrix *matrix = NULL, *applied = NULL;
    struct qn_table *table = NULL;
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, 1 << 20);
    enum qn_status status = qn_recipe_parse(columns, strlen(columns), "recipe.json", &recipe, err);
    if (status == QN_OK)
        status = qn_prep_fit(recipe, mixed, NULL, 0, &options, &prep, &matrix, err);
    if (status == QN_OK)
        status = qn_prep_apply(prep, mixed, NULL, 0, NULL, &applied, NULL, err);
    if (status == QN_OK)
        status = qn_prep_table(prep, matrix, "clean", &table, err);
    if (status == QN_OK) {
        qn_prep_write(prep, &buffer);
        status = qn_buffer_check(&buffer, "prep", err);
    }
    if (status == QN_OK) {
        struct qn_reader reader;
        qn_reader_init(&reader, buffer.bytes, buffer.size);
        status = qn_prep_read(&reader, &read, err);
    }
    qn_buffer_release(&buffer);
    qn_table_free(table);
    qn_matrix_free(applied);
    qn_matrix_free(matrix);
    qn_prep_free(read);
    qn_prep_free(prep);
    qn_recipe_free(recipe);
    return status;
}

static void test_fit_apply_and_store(void **state)
{
    (void)state;
    static const char text[] =
        "{\"version\":1,\"columns\":["
        "{\"name\":\"number\",\"type\":\"number\",\"actions\":[{\"do\":\"impute\"},"
        "{\"do\":\"power\"},{\"do\":\"scale\"},{\"do\":\"indicator\"}]},"
        "{\"name\":\"skewed\",\"type\":\"number\"},"
        "{\"name\":\"integer\",\"type\":\"category\",\"actions\":[{\"do\":\"frequency\"}]},"
        "{\"name\":\"boolean\",\"type\":\"boolean\",\"actions\":[{\"do\":\"drop\"}]},"
        "{\"name\":\"date\",\"type\":\"date\",\"format\":\"%Y\",\"actions\":[]},"
        "{\"name\":\"moment\",\"type\":\"datetime\",\"actions\":[{\"do\":\"date_parts\"}]},"
        "{\"name\":\"colour\",\"type\":\"category\",\"actions\":[{\"do\":\"target\"}],"
        "\"reason\":\"many\"},"
        "{\"name\":\"text\",\"type\":\"text\",\"actions\":[{\"do\":\"text\",\"buckets\":5}]}]}";
    struct qn_error err = QN_ERROR_INIT;
    QN_FOR_EACH_FAILING_ALLOCATION(fit_apply_store(text, &err));
}

static void test_kept_levels(void **state)
{
    (void)state;
    static const char text[] =
        "{\"version\":1,\"columns\":[{\"name\":\"colour\",\"type\":\"category\"},"
        "{\"name\":\"text\",\"type\":\"text\",\"actions\":[{\"do\":\"impute\"},"
        "{\"do\":\"ordinal\",\"by\":\"name\"}]},"
        "{\"name\":\"number\",\"type\":\"category\",\"actions\":[{\"do\":\"one_hot\"}]}]}";
    struct qn_error err = QN_ERROR_INIT;
    QN_FOR_EACH_FAILING_ALLOCATION(fit_apply_store(text, &err));
}

static enum qn_status propose(bool native, struct qn_error *err)
{
    struct qn_recipe *recipe = NULL;
    const char *excluded[] = {"boolean"};
    enum qn_status status = qn_recipe_propose(profile, excluded, 1, native, true, &recipe, err);
    qn_recipe_free(recipe);
    return status;
}

static void test_propose(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    QN_FOR_EACH_FAILING_ALLOCATION(propose(false, &err));
    QN_FOR_EACH_FAILING_ALLOCATION(propose(true, &err));
}

static int set_up(void **state)
{
    (void)state;
    struct qn_profile_options options;
    qn_profile_options_default(&options);
    mixed = make_mixed_table(40);
    OK(qn_profile_make(mixed, &options, NULL, &profile, &err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    qn_profile_free(profile);
    qn_table_free(mixed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit_apply_and_store),
        cmocka_unit_test(test_kept_levels),
        cmocka_unit_test(test_propose),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
