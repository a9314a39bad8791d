#include "prep_support.h"

static struct fitted fit_texts(const char *const *texts, size_t count, struct qn_table **table)
{
    *table = make_table(count);
    add_texts(*table, "x", QN_TYPE_TEXT, texts);
    return fit_table(*table, "{'name':'x','type':'text','actions':[{'do':'text','buckets':64}]}");
}

static bool same_row(const struct qn_matrix *matrix, size_t a, size_t b)
{
    for (size_t j = 0; j < matrix->features.feature_count; j++) {
        const double *values = matrix->features.columns[j].values;
        if (values[a] != values[b])
            return false;
    }
    return true;
}

static double row_length(const struct qn_matrix *matrix, size_t row)
{
    double squares = 0;
    for (size_t j = 0; j < matrix->features.feature_count; j++) {
        double value = matrix->features.columns[j].values[row];
        squares += value * value;
    }
    return sqrt(squares);
}

static void test_case_order_and_punctuation_do_not_count(void **state)
{
    (void)state;
    const char *const texts[] = {"Red HOUSE 7",
                                 "  house, (red) 7!",
                                 "ÄRGER Ωμέγα ПРИВЕТ ЁЖ",
                                 "ärger ωμέγα привет ёж",
                                 "red house",
                                 "don't",
                                 "don t"};
    struct qn_table *table;
    struct fitted fitted = fit_texts(texts, 7, &table);
    assert_true(same_row(fitted.matrix, 0, 1));
    assert_true(same_row(fitted.matrix, 2, 3));
    assert_false(same_row(fitted.matrix, 0, 4));
    assert_false(same_row(fitted.matrix, 0, 2));
    assert_true(same_row(fitted.matrix, 5, 6));
    fitted_release(&fitted);
    qn_table_free(table);
}

static void test_texts_have_length_one_or_none(void **state)
{
    (void)state;
    const char *const texts[] = {"one", "one two two", NULL, "", "...", "one one one one"};
    struct qn_table *table;
    struct fitted fitted = fit_texts(texts, 6, &table);
    const double expected[] = {1, 1, 0, 0, 0, 1};
    for (size_t i = 0; i < 6; i++)
        assert_true(fabs(row_length(fitted.matrix, i) - expected[i]) < 1e-14);
    assert_true(same_row(fitted.matrix, 0, 5));
    fitted_release(&fitted);
    qn_table_free(table);
}

/* Buckets are part of the model file: they never move. */
static void test_buckets_are_fixed(void **state)
{
    (void)state;
    const char *const texts[] = {"house", "straße", "42"};
    static const size_t buckets[] = {29, 58, 2};
    struct qn_table *table;
    struct fitted fitted = fit_texts(texts, 3, &table);
    for (size_t i = 0; i < 3; i++)
        assert_true(fitted.matrix->features.columns[buckets[i]].values[i] == 1);
    fitted_release(&fitted);
    qn_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_order_and_punctuation_do_not_count),
        cmocka_unit_test(test_texts_have_length_one_or_none),
        cmocka_unit_test(test_buckets_are_fixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
