#include "prep_support.h"

static const char *const LEVELS[] = {"b", "a", "a", NULL, "c", "a", "b", "d"};
enum { QN_ROWS = 8 };

static struct qn_table *levels_table(const char *const *values, size_t count)
{
    struct qn_table *table = make_table(count);
    add_texts(table, "x", QN_TYPE_CATEGORY, values);
    return table;
}

/* Fits on LEVELS and gives the features of other values. */
static struct qn_matrix *encode(const char *actions, const char *const *values, size_t count,
                                struct fitted *fitted, struct qn_prep_report *report)
{
    char recipe[512];
    snprintf(recipe, sizeof(recipe), "{'name':'x','type':'category','actions':[%s]}", actions);
    struct qn_table *table = levels_table(LEVELS, QN_ROWS), *other = levels_table(values, count);
    struct qn_matrix *matrix = NULL;
    *fitted = fit_table(table, recipe);
    qn_matrix_free(fitted->matrix);
    fitted->matrix = NULL;
    OK(qn_prep_apply(fitted->prep, other, NULL, 0, NULL, &matrix, report, &err));
    qn_table_free(table);
    qn_table_free(other);
    return matrix;
}

static const char *const OTHERS[] = {"c", "b", NULL, "zz", "a"};

static void test_one_hot(void **state)
{
    (void)state;
    struct fitted fitted;
    struct qn_prep_report report;
    struct qn_matrix *matrix =
        encode("{'do':'one_hot','max_levels':2}", OTHERS, 5, &fitted, &report);
    check_names(fitted.prep, "x=a x=b x_other x_missing");
    check_values(matrix, "x=a", (double[]){0, 0, 0, 0, 1}, 0);
    check_values(matrix, "x=b", (double[]){0, 1, 0, 0, 0}, 0);
    check_values(matrix, "x_other", (double[]){1, 0, 0, 1, 0}, 0);
    check_values(matrix, "x_missing", (double[]){0, 0, 1, 0, 0}, 0);
    assert_int_equal(report.unseen_cells, 1); /* c is not kept, but it was seen */
    qn_matrix_free(matrix);
    fitted_release(&fitted);

    matrix = encode("{'do':'one_hot','drop':'first'}", OTHERS, 5, &fitted, &report);
    check_names(fitted.prep, "x=b x=c x=d x_missing");
    check_values(matrix, "x=b", (double[]){0, 1, 0, 0, 0}, 0);
    check_values(matrix, "x=c", (double[]){1, 0, 0, 0, 0}, 0);
    check_values(matrix, "x=d", (double[]){0, 0, 0, 0, 0}, 0);
    qn_matrix_free(matrix);
    fitted_release(&fitted);
}

static void test_impute_then_one_hot(void **state)
{
    (void)state;
    struct fitted fitted;
    struct qn_prep_report report;
    struct qn_matrix *matrix =
        encode("{'do':'impute'},{'do':'one_hot'}", OTHERS, 5, &fitted, &report);
    check_names(fitted.prep, "x=a x=b x=c x=d");
    check_values(matrix, "x=a", (double[]){0, 0, 1, 0, 1}, 0);
    qn_matrix_free(matrix);
    fitted_release(&fitted);

    matrix = encode("{'do':'impute','value':'none'},{'do':'one_hot'}", OTHERS, 5, &fitted, &report);
    check_names(fitted.prep, "x=a x=b x=c x=d x=none");
    check_values(matrix, "x=none", (double[]){0, 0, 1, 0, 0}, 0);
    qn_matrix_free(matrix);
    fitted_release(&fitted);
}

static void test_frequency(void **state)
{
    (void)state;
    struct fitted fitted;
    struct qn_prep_report report;
    struct qn_matrix *matrix = encode("{'do':'frequency'}", OTHERS, 5, &fitted, &report);
    check_values(matrix, "x_frequency", (double[]){0.125, 0.25, 0.125, 0, 0.375}, 0);
    qn_matrix_free(matrix);
    fitted_release(&fitted);
    matrix = encode("{'do':'impute','value':'b'},{'do':'frequency'}", OTHERS, 5, &fitted, &report);
    check_values(matrix, "x_frequency", (double[]){0.125, 0.375, 0.375, 0, 0.375}, 0);
    qn_matrix_free(matrix);
    fitted_release(&fitted);
    matrix = encode("{'do':'impute'},{'do':'frequency'}", OTHERS, 5, &fitted, &report);
    check_values(matrix, "x_frequency", (double[]){0.125, 0.25, 0.5, 0, 0.5}, 0);
    qn_matrix_free(matrix);
    fitted_release(&fitted);
}

static void test_ordinal(void **state)
{
    (void)state;
    struct fitted fitted;
    struct qn_prep_report report;
    struct qn_matrix *matrix = encode("{'do':'ordinal'}", OTHERS, 5, &fitted, &report);
    check_values(matrix, "x_ordinal", (double[]){2, 1, NAN, -1, 0}, 0);
    qn_matrix_free(matrix);
    fitted_release(&fitted);
    matrix = encode("{'do':'ordinal','by':'given','order':['d','e','c','b','a']}", OTHERS, 5,
                    &fitted, &report);
    check_values(matrix, "x_ordinal", (double[]){2, 3, NAN, -1, 4}, 0);
    qn_matrix_free(matrix);
    fitted_release(&fitted);

    struct qn_table *table = levels_table(LEVELS, QN_ROWS);
    struct qn_recipe *recipe =
        make_recipe("{'name':'x','type':'category','actions':[{'do':'ordinal','by':'given',"
                    "'order':['a','b','c']}]}");
    struct qn_prep_options options = {.seed = 1};
    struct qn_prep *prep = NULL;
    FAILS(qn_prep_fit(recipe, table, NULL, 0, &options, &prep, NULL, &err), QN_INVALID,
          "column 'x': level 'd' is not in the order");
    qn_recipe_free(recipe);
    qn_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_hot),
        cmocka_unit_test(test_impute_then_one_hot),
        cmocka_unit_test(test_frequency),
        cmocka_unit_test(test_ordinal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
