#include "prep_support.h"

enum { QN_ROWS = 100 };

static struct qn_table *levels_table(void)
{
    static const char *const levels[] = {"a", "b", "a", "c", NULL, "a", "b"};
    const char *values[QN_ROWS];
    struct qn_table *table = make_table(QN_ROWS);
    for (size_t i = 0; i < QN_ROWS; i++)
        values[i] = levels[i % 7];
    add_texts(table, "x", QN_TYPE_CATEGORY, values);
    return table;
}

static const char RECIPE[] =
    "{'name':'x','type':'category','actions':[{'do':'target','smooth':0,'folds':4}]}";

static const char AUTO_RECIPE[] =
    "{'name':'x','type':'category','actions':[{'do':'target','folds':4}]}";

static void check_own_target(const char *recipe)
{
    struct qn_table *table = levels_table();
    double values[QN_ROWS];
    for (size_t i = 0; i < QN_ROWS; i++)
        values[i] = (double)(i * 37 % 101);
    struct qn_target target = {.task = QN_TASK_REGRESSION, .row_count = QN_ROWS, .values = values};
    struct fitted before = fit_rows(table, recipe, NULL, 0, &target, NULL);
    for (size_t row = 0; row < QN_ROWS; row += 9) {
        double kept = values[row];
        values[row] = 1e6;
        struct fitted after = fit_rows(table, recipe, NULL, 0, &target, NULL);
        assert_true(before.matrix->features.columns[0].values[row] ==
                    after.matrix->features.columns[0].values[row]);
        size_t changed = 0;
        for (size_t i = 0; i < QN_ROWS; i++)
            changed += before.matrix->features.columns[0].values[i] !=
                       after.matrix->features.columns[0].values[i];
        assert_true(changed > 0);
        values[row] = kept;
        fitted_release(&after);
    }
    fitted_release(&before);
    qn_table_free(table);
}

static void test_a_row_does_not_see_its_own_target(void **state)
{
    (void)state;
    check_own_target(RECIPE);
    check_own_target(AUTO_RECIPE);
}

static void test_prediction_uses_all_rows(void **state)
{
    (void)state;
    struct qn_table *table = levels_table(), *other = make_table(4);
    int32_t classes[QN_ROWS];
    double ones[3] = {0}, rows[3] = {0}, total = 0;
    for (size_t i = 0; i < QN_ROWS; i++) {
        classes[i] = i * i % 5 == 1;
        size_t level = (size_t)("0102301"[i % 7] - '0');
        total += classes[i];
        if (level < 3) {
            ones[level] += classes[i];
            rows[level] += 1;
        }
    }
    struct qn_target target = {
        .task = QN_TASK_BINARY, .row_count = QN_ROWS, .class_count = 2, .classes = classes};
    struct fitted fitted = fit_rows(table, RECIPE, NULL, 0, &target, NULL);
    struct qn_matrix *matrix = NULL;
    add_texts(other, "x", QN_TYPE_CATEGORY, (const char *[]){"c", "b", "a", "unseen"});
    OK(qn_prep_apply(fitted.prep, other, NULL, 0, NULL, &matrix, NULL, &err));
    check_values(
        matrix, "x_target",
        (double[]){ones[2] / rows[2], ones[1] / rows[1], ones[0] / rows[0], total / QN_ROWS},
        1e-15);
    qn_matrix_free(matrix);
    fitted_release(&fitted);
    qn_table_free(table);
    qn_table_free(other);
}

static void test_it_needs_a_target(void **state)
{
    (void)state;
    struct qn_table *table = levels_table();
    struct qn_recipe *recipe = make_recipe(RECIPE);
    struct qn_prep_options options = {.seed = 1};
    struct qn_prep *prep = NULL;
    FAILS(qn_prep_fit(recipe, table, NULL, 0, &options, &prep, NULL, &err), QN_INVALID,
          "column 'x': target encoding needs a target");
    qn_recipe_free(recipe);
    qn_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_does_not_see_its_own_target),
        cmocka_unit_test(test_prediction_uses_all_rows),
        cmocka_unit_test(test_it_needs_a_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
