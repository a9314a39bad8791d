#include "prep_support.h"

static void test_apply_gives_the_bits_of_fit(void **state)
{
    (void)state;
    struct qn_table *table = make_mixed_table(997);
    size_t rows[500];
    for (size_t i = 0; i < 500; i++)
        rows[i] = i * 389 % 997;
    for (int subset = 0; subset < 2; subset++) {
        const size_t *chosen = subset ? rows : NULL;
        struct fitted fitted = fit_rows(table, MIXED_RECIPE, chosen, 500, NULL, NULL);
        struct qn_matrix *again = NULL;
        OK(qn_prep_apply(fitted.prep, table, chosen, 500, NULL, &again, NULL, &err));
        check_same_matrix(fitted.matrix, again);
        assert_int_equal(again->features.row_count, subset ? 500 : 997);
        qn_matrix_free(again);
        fitted_release(&fitted);
    }
    qn_table_free(table);
}

static void test_threads_change_nothing(void **state)
{
    (void)state;
    struct qn_table *table = make_mixed_table(1200);
    struct qn_pool *pool = NULL;
    OK(qn_pool_create(3, &pool, &err));
    struct fitted one = fit_rows(table, MIXED_RECIPE, NULL, 0, NULL, NULL);
    struct fitted three = fit_rows(table, MIXED_RECIPE, NULL, 0, NULL, pool);
    check_same_matrix(one.matrix, three.matrix);
    struct qn_buffer a, b;
    qn_buffer_init(&a, 1 << 20);
    qn_buffer_init(&b, 1 << 20);
    qn_prep_write(one.prep, &a);
    qn_prep_write(three.prep, &b);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.bytes, b.bytes, a.size);
    qn_buffer_release(&a);
    qn_buffer_release(&b);
    fitted_release(&one);
    fitted_release(&three);
    qn_pool_free(pool);
    qn_table_free(table);
}

static void test_plain_numbers_are_lent(void **state)
{
    (void)state;
    struct qn_table *table = make_table(3);
    add_numbers(table, "a", (double[]){1, NAN, INFINITY});
    struct fitted fitted =
        fit_table(table, "{'name':'a','type':'number','actions':[{'do':'indicator'}]}");
    check_names(fitted.prep, "a a_missing");
    assert_ptr_equal(fitted.matrix->features.columns[0].values, table->columns[0].values.number);
    check_values(fitted.matrix, "a_missing", (double[]){0, 1, 1}, 0);
    struct qn_matrix *picked = NULL;
    OK(qn_prep_apply(fitted.prep, table, (size_t[]){2, 0}, 2, NULL, &picked, NULL, &err));
    assert_true(isinf(picked->features.columns[0].values[0]));
    assert_true(picked->features.columns[0].values[1] == 1);
    qn_matrix_free(picked);
    fitted_release(&fitted);
    qn_table_free(table);
}

static void test_only_the_given_rows_are_learned_from(void **state)
{
    (void)state;
    struct qn_table *table = make_table(4);
    add_numbers(table, "a", (double[]){1, 1000, 3, NAN});
    add_texts(table, "c", QN_TYPE_CATEGORY, (const char *[]){"x", "y", "x", "z"});
    size_t rows[] = {0, 2};
    struct fitted fitted =
        fit_rows(table,
                 "{'name':'a','type':'number','actions':[{'do':'impute','with':'mean'}]},"
                 "{'name':'c','type':'category','actions':[{'do':'levels'}]}",
                 rows, 2, NULL, NULL);
    struct qn_matrix *all = NULL;
    struct qn_prep_report report;
    OK(qn_prep_apply(fitted.prep, table, NULL, 0, NULL, &all, &report, &err));
    check_values(all, "a", (double[]){1, 1000, 3, 2}, 0);
    const struct qn_feature *c = feature_named(all, "c");
    assert_int_equal(c->level_count, 1);
    assert_memory_equal(c->levels, ((int32_t[]){0, QN_LEVEL_UNSEEN, 0, QN_LEVEL_UNSEEN}), 16);
    assert_int_equal(report.unseen_cells, 2);
    assert_int_equal(report.unseen_columns, 1);
    assert_int_equal(report.extra_columns, 0);
    qn_matrix_free(all);
    fitted_release(&fitted);
    qn_table_free(table);
}

static void test_levels_go_by_frequency_then_bytes(void **state)
{
    (void)state;
    struct qn_table *table = make_table(6);
    add_texts(table, "c", QN_TYPE_CATEGORY, (const char *[]){"b", "z", "a", "z", NULL, "Z"});
    struct fitted fitted =
        fit_table(table, "{'name':'c','type':'category','actions':[{'do':'levels'}]}");
    const struct qn_feature *c = feature_named(fitted.matrix, "c");
    /* z, then Z, a, b */
    assert_memory_equal(c->levels, ((int32_t[]){3, 0, 2, 0, QN_LEVEL_MISSING, 1}), 24);
    assert_int_equal(c->level_count, 4);
    fitted_release(&fitted);
    qn_table_free(table);
}

static void test_missing_and_extra_columns(void **state)
{
    (void)state;
    struct qn_table *table = make_table(2), *other = make_table(2);
    add_numbers(table, "a", (double[]){1, 2});
    add_numbers(table, "b", (double[]){1, 2});
    add_numbers(table, "unused", (double[]){1, 2});
    add_numbers(other, "x", (double[]){1, 2});
    add_numbers(other, "y", (double[]){1, 2});
    struct fitted fitted = fit_table(table, "{'name':'a','type':'number'},{'name':'b','type':"
                                            "'number'},{'name':'unused','type':'number',"
                                            "'actions':[{'do':'drop'}]}");
    assert_int_equal(qn_prep_input_count(fitted.prep), 2);
    struct qn_matrix *matrix = NULL;
    struct qn_prep_report report;
    FAILS(qn_prep_apply(fitted.prep, other, NULL, 0, NULL, &matrix, NULL, &err), QN_INVALID,
          "data.csv: columns are missing that the recipe needs: 'a', 'b'");
    add_numbers(other, "b", (double[]){1, 2});
    FAILS(qn_prep_apply(fitted.prep, other, NULL, 0, NULL, &matrix, NULL, &err), QN_INVALID,
          "a column is missing that the recipe needs: 'a'");
    add_numbers(other, "a", (double[]){3, 4});
    OK(qn_prep_apply(fitted.prep, other, NULL, 0, NULL, &matrix, &report, &err));
    assert_int_equal(report.extra_columns, 2);
    check_values(matrix, "a", (double[]){3, 4}, 0);
    qn_matrix_free(matrix);
    fitted_release(&fitted);
    qn_table_free(table);
    qn_table_free(other);
}

/* Fits on `table` and applies to `other`, whose column "a" has another type. */
static struct qn_matrix *apply_other(struct qn_table *table, struct qn_table *other,
                                     const char *recipe, struct fitted *fitted)
{
    struct qn_matrix *matrix = NULL;
    *fitted = fit_table(table, recipe);
    OK(qn_prep_apply(fitted->prep, other, NULL, 0, NULL, &matrix, NULL, &err));
    return matrix;
}

static void test_numbers_arrive_as_other_types(void **state)
{
    (void)state;
    struct qn_table *table = make_table(2);
    add_numbers(table, "a", (double[]){1, 2});
    struct fitted fitted = fit_table(table, "{'name':'a','type':'number'}");
    const double expected[] = {1, NAN, 0};
    struct qn_table *others[4];
    for (size_t i = 0; i < 4; i++)
        others[i] = make_table(3);
    add_integers(others[0], "a", QN_TYPE_INTEGER, (int64_t[]){1, QN_MISSING_INTEGER, 0});
    add_integers(others[1], "a", QN_TYPE_BOOLEAN, (int64_t[]){1, QN_MISSING_INTEGER, 0});
    add_texts(others[2], "a", QN_TYPE_CATEGORY, (const char *[]){"1e0", NULL, "0.0"});
    add_texts(others[3], "a", QN_TYPE_TEXT, (const char *[]){"Yes", NULL, "false"});
    for (size_t i = 0; i < 4; i++) {
        struct qn_matrix *matrix = NULL;
        OK(qn_prep_apply(fitted.prep, others[i], NULL, 0, NULL, &matrix, NULL, &err));
        check_values(matrix, "a", expected, 0);
        qn_matrix_free(matrix);
        qn_table_free(others[i]);
    }
    struct qn_table *bad = make_table(3);
    struct qn_matrix *matrix = NULL;
    add_texts(bad, "a", QN_TYPE_CATEGORY, (const char *[]){"1", "1,5", "x"});
    FAILS(qn_prep_apply(fitted.prep, bad, NULL, 0, NULL, &matrix, NULL, &err), QN_INVALID,
          "data.csv: column 'a', row 2: '1,5' is not a number");
    /* Rows that are not asked for do not matter. */
    OK(qn_prep_apply(fitted.prep, bad, (size_t[]){0}, 1, NULL, &matrix, NULL, &err));
    qn_matrix_free(matrix);
    qn_table_free(bad);
    bad = make_table(2);
    add_integers(bad, "a", QN_TYPE_DATE, (int64_t[]){QN_MISSING_INTEGER, 1});
    FAILS(qn_prep_apply(fitted.prep, bad, NULL, 0, NULL, &matrix, NULL, &err), QN_INVALID,
          "row 2: '1970-01-02' is not a number");
    qn_table_free(bad);
    fitted_release(&fitted);
    qn_table_free(table);
}

static void test_categories_arrive_as_other_types(void **state)
{
    (void)state;
    struct qn_table *table = make_table(4), *other = make_table(4);
    add_texts(table, "a", QN_TYPE_CATEGORY, (const char *[]){"1", "1", "1", "2"});
    add_integers(other, "a", QN_TYPE_INTEGER, (int64_t[]){2, 1, QN_MISSING_INTEGER, 3});
    struct fitted fitted;
    struct qn_matrix *matrix = apply_other(table, other, "{'name':'a','type':'category'}", &fitted);
    assert_memory_equal(matrix->features.columns[0].levels,
                        ((int32_t[]){1, 0, QN_LEVEL_MISSING, QN_LEVEL_UNSEEN}), 16);
    qn_matrix_free(matrix);
    fitted_release(&fitted);
    qn_table_free(table);
    qn_table_free(other);
}

static void test_dates_arrive_as_datetimes(void **state)
{
    (void)state;
    struct qn_table *table = make_table(2), *other = make_table(2);
    add_integers(table, "a", QN_TYPE_DATE, (int64_t[]){0, 1});
    add_integers(other, "a", QN_TYPE_DATETIME, (int64_t[]){-1, INT64_C(43200000000)});
    struct fitted fitted;
    struct qn_matrix *matrix = apply_other(
        table, other,
        "{'name':'a','type':'date','actions':[{'do':'date_parts','parts':['year','hour']}]}",
        &fitted);
    check_values(matrix, "a_year", (double[]){1969, 1970}, 0);
    check_values(matrix, "a_hour", (double[]){23, 12}, 0);
    qn_matrix_free(matrix);
    struct qn_table *bad = make_table(2);
    add_texts(bad, "a", QN_TYPE_TEXT, (const char *[]){NULL, "soon"});
    FAILS(qn_prep_apply(fitted.prep, bad, NULL, 0, NULL, &matrix, NULL, &err), QN_INVALID,
          "column 'a', row 2: 'soon' is not a date");
    qn_table_free(bad);
    fitted_release(&fitted);
    qn_table_free(table);
    qn_table_free(other);
}

static void test_names_are_unique(void **state)
{
    (void)state;
    struct qn_table *table = make_table(3);
    add_numbers(table, "a_missing", (double[]){1, 2, 3});
    add_numbers(table, "a", (double[]){1, NAN, 3});
    add_texts(table, "c", QN_TYPE_CATEGORY, (const char *[]){"x", NULL, "y"});
    struct fitted fitted =
        fit_table(table, "{'name':'a_missing','type':'number'},"
                         "{'name':'a','type':'number','actions':[{'do':'indicator'}]},"
                         "{'name':'c','type':'category','actions':[{'do':'one_hot'},"
                         "{'do':'indicator'}]}");
    check_names(fitted.prep, "a_missing a a_missing_2 c=x c=y c_missing c_missing_2");
    assert_memory_equal(fitted.matrix->source, ((size_t[]){0, 1, 1, 2, 2, 2, 2}),
                        7 * sizeof(size_t));
    fitted_release(&fitted);
    qn_table_free(table);
}

static void test_too_many_features_are_refused(void **state)
{
    (void)state;
    struct qn_table *table = make_mixed_table(20000);
    struct qn_recipe *recipe =
        make_recipe("{'name':'number','type':'number','actions':[{'do':'scale'}]},"
                    "{'name':'text','type':'text','actions':[{'do':'text','buckets':65536}]}");
    struct qn_prep_options options = {.seed = 1};
    struct qn_prep *prep = NULL;
    FAILS(qn_prep_fit(recipe, table, NULL, 0, &options, &prep, NULL, &err), QN_NOMEM,
          "20,000 rows of 65,537 features are more than the 8 GiB that they may take; column "
          "'text' makes 65536");
    qn_recipe_free(recipe);
    qn_table_free(table);
}

static void test_prepared_rows_become_a_table(void **state)
{
    (void)state;
    struct qn_table *table = make_mixed_table(50), *out = NULL;
    struct fitted fitted = fit_table(
        table, "{'name':'number','type':'number','actions':[{'do':'impute'},{'do':'indicator'}]},"
               "{'name':'integer','type':'integer'},{'name':'boolean','type':'boolean'},"
               "{'name':'date','type':'date'},{'name':'moment','type':'datetime'},"
               "{'name':'colour','type':'category'},{'name':'text','type':'text'}");
    OK(qn_prep_table(fitted.prep, fitted.matrix, "clean", &out, &err));
    assert_int_equal(out->column_count, 8);
    assert_int_equal(out->columns[0].missing_count, 0);
    for (size_t c = 2; c < 8; c++) {
        const struct qn_column *to = &out->columns[c];
        const struct qn_column *from = &table->columns[qn_table_find(table, to->name)];
        assert_int_equal(to->type, from->type);
        assert_int_equal(to->missing_count, from->missing_count);
        for (size_t row = 0; row < 50; row++) {
            char a[100], b[100];
            qn_column_format(from, row, a, sizeof(a));
            qn_column_format(to, row, b, sizeof(b));
            assert_string_equal(a, b);
        }
    }
    json_t *description = qn_prep_describe(fitted.prep);
    assert_int_equal(json_array_size(json_object_get(description, "columns")), 7);
    json_decref(description);
    qn_table_free(out);
    fitted_release(&fitted);
    qn_table_free(table);
}

static void test_empty_tables_have_features(void **state)
{
    (void)state;
    struct qn_table *table = make_mixed_table(40), *empty = make_mixed_table(0);
    struct fitted fitted = fit_table(table, MIXED_RECIPE);
    struct qn_matrix *matrix = NULL;
    OK(qn_prep_apply(fitted.prep, empty, NULL, 0, NULL, &matrix, NULL, &err));
    assert_int_equal(matrix->features.row_count, 0);
    assert_int_equal(matrix->features.feature_count, fitted.matrix->features.feature_count);
    qn_matrix_free(matrix);
    fitted_release(&fitted);
    fitted = fit_table(empty, MIXED_RECIPE);
    fitted_release(&fitted);
    qn_table_free(table);
    qn_table_free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apply_gives_the_bits_of_fit),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_plain_numbers_are_lent),
        cmocka_unit_test(test_only_the_given_rows_are_learned_from),
        cmocka_unit_test(test_levels_go_by_frequency_then_bytes),
        cmocka_unit_test(test_missing_and_extra_columns),
        cmocka_unit_test(test_numbers_arrive_as_other_types),
        cmocka_unit_test(test_categories_arrive_as_other_types),
        cmocka_unit_test(test_dates_arrive_as_datetimes),
        cmocka_unit_test(test_names_are_unique),
        cmocka_unit_test(test_too_many_features_are_refused),
        cmocka_unit_test(test_prepared_rows_become_a_table),
        cmocka_unit_test(test_empty_tables_have_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
