#include "prep_support.h"

enum { QN_ROWS = 400, QN_MORE_ROWS = 700 };

static struct qn_recipe *propose(const struct qn_table *table, bool native, bool supervised)
{
    struct qn_profile_options options;
    struct qn_profile *profile = NULL;
    struct qn_recipe *recipe = NULL;
    qn_profile_options_default(&options);
    options.association_column_limit = 0;
    OK(qn_profile_make(table, &options, NULL, &profile, &err));
    OK(qn_recipe_propose(profile, NULL, 0, native, supervised, &recipe, &err));
    qn_profile_free(profile);
    return recipe;
}

/* The actions proposed for the column, as "impute scale". */
static void check_proposed(const struct qn_recipe *recipe, const char *name, const char *actions,
                           const char *reason)
{
    for (size_t i = 0; i < recipe->column_count; i++) {
        const struct qn_recipe_column *column = &recipe->columns[i];
        if (strcmp(column->name, name) != 0)
            continue;
        char text[256] = "";
        for (size_t a = 0; a < column->action_count; a++) {
            size_t size = strlen(text);
            const char *kind = json_string_value(json_object_get(column->actions[a].options, "do"));
            snprintf(text + size, sizeof(text) - size, "%s%s", a > 0 ? " " : "", kind);
        }
        if (strcmp(text, actions) != 0)
            fail_msg("%s: '%s', not '%s'", name, text, actions);
        if (!strstr(column->reason, reason))
            fail_msg("%s: '%s' is not in '%s'", name, reason, column->reason);
        return;
    }
    fail_msg("'%s' is not in the recipe", name);
}

static struct qn_table *table_of_number(const char *name, double (*value)(size_t row))
{
    struct qn_table *table = make_table(QN_ROWS);
    double values[QN_ROWS];
    for (size_t i = 0; i < QN_ROWS; i++)
        values[i] = value(i);
    add_numbers(table, name, values);
    return table;
}

static void check_number(double (*value)(size_t row), const char *native, const char *matrix,
                         const char *reason)
{
    struct qn_table *table = table_of_number("x", value);
    struct qn_recipe *recipe = propose(table, true, true);
    check_proposed(recipe, "x", native, "");
    qn_recipe_free(recipe);
    recipe = propose(table, false, true);
    check_proposed(recipe, "x", matrix, reason);
    qn_recipe_free(recipe);
    qn_table_free(table);
}

static double even(size_t row)
{
    return (double)(row * 7919 % 1009) / 7 - 50;
}

static double few_missing(size_t row)
{
    return row % 50 == 0 ? NAN : even(row);
}

static double one_missing(size_t row)
{
    return row == 3 ? NAN : even(row);
}

static double nearly_all_missing(size_t row)
{
    return row % 25 == 0 ? even(row) : NAN;
}

static double constant(size_t row)
{
    (void)row;
    return 4;
}

static double skewed(size_t row)
{
    return exp((double)(row % 40) / 5);
}

/* Of skewness 1.4. */
static double somewhat_skewed(size_t row)
{
    double x = (double)(row % 40);
    return x * x * x * x;
}

static double skewed_both_ways(size_t row)
{
    return skewed(row) - 10;
}

static double outlying(size_t row)
{
    return row == 100 ? -1e6 : row == 101 ? 1e6 : even(row);
}

static double infinite(size_t row)
{
    return row % 100 == 7 ? INFINITY : even(row);
}

static double sequence(size_t row)
{
    return (double)row + 0.5;
}

static void test_numbers(void **state)
{
    (void)state;
    check_number(even, "", "impute scale", "nothing missing yet");
    check_number(few_missing, "", "impute indicator scale", "8 missing (2%)");
    check_number(one_missing, "", "impute scale", "1 missing (0.25%)");
    check_number(nearly_all_missing, "drop", "drop", "96% of its values are missing");
    check_number(constant, "drop", "drop", "constant");
    check_number(skewed, "", "impute power scale", "skewed");
    check_number(somewhat_skewed, "", "impute scale", "");
    check_number(skewed_both_ways, "", "impute scale", "");
    check_number(outlying, "", "impute clip scale", "2 outliers");
    check_number(infinite, "", "impute scale", "like the 4 infinite values");
    check_number(sequence, "", "impute scale", ""); /* fractions are never identifiers */
}

static void check_integers(const char *name, int64_t start, int64_t step, size_t count,
                           bool identifier)
{
    struct qn_table *table = make_table(count);
    int64_t *values = QN_ALLOC(int64_t, count);
    for (size_t i = 0; i < count; i++)
        values[i] = start + step * (int64_t)i;
    add_integers(table, name, QN_TYPE_INTEGER, values);
    qn_free(values);
    struct qn_recipe *recipe = propose(table, true, true);
    check_proposed(recipe, name, identifier ? "drop" : "", "");
    qn_recipe_free(recipe);
    qn_table_free(table);
}

static void test_an_identifier_is_never_missing(void **state)
{
    (void)state;
    struct qn_table *table = make_table(50);
    int64_t values[50];
    for (size_t i = 0; i < 50; i++)
        values[i] = i == 7 ? QN_MISSING_INTEGER : (int64_t)i * 3;
    add_integers(table, "parent_id", QN_TYPE_INTEGER, values);
    struct qn_recipe *recipe = propose(table, true, true);
    check_proposed(recipe, "parent_id", "", "1 missing");
    qn_recipe_free(recipe);
    qn_table_free(table);
}

static void test_identifiers_of_numbers(void **state)
{
    (void)state;
    check_integers("PassengerId", 100, 3, 50, true);
    check_integers("customer_id", 100, -3, 50, true);
    check_integers("ID", 100, 3, 50, true);
    check_integers("paid", 100, 3, 50, false);
    check_integers("Humid", 100, 3, 50, false);
    check_integers("x", 1, 1, 50, true);
    check_integers("x", 0, 1, 50, true);
    check_integers("year", 1970, 1, 50, false);
    check_integers("x", 7, 1, 2000, true);
    check_integers("x", 1, 2, 50, false);
    check_integers("id", 1, 1, 5, false);
}

static struct qn_recipe *propose_texts(size_t rows, enum qn_type type, const char *format,
                                       size_t distinct, bool native, bool supervised)
{
    struct qn_table *table = make_table(rows);
    char texts[QN_MORE_ROWS][80];
    const char *values[QN_MORE_ROWS];
    for (size_t i = 0; i < rows; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%s%zu", format, i % distinct);
        values[i] = texts[i];
    }
    add_texts(table, "x", type, values);
    struct qn_recipe *recipe = propose(table, native, supervised);
    qn_table_free(table);
    return recipe;
}

static void test_categories_and_texts(void **state)
{
    (void)state;
    static const struct {
        enum qn_type type;
        const char *format;
        size_t distinct;
        const char *native, *supervised, *clustering;
    } cases[] = {
        {QN_TYPE_CATEGORY, "v", 3, "levels", "one_hot", "one_hot"},
        {QN_TYPE_CATEGORY, "v", 30, "levels", "one_hot", "one_hot"},
        {QN_TYPE_CATEGORY, "v", 31, "levels", "target scale", "frequency scale"},
        {QN_TYPE_TEXT, "v", 399, "levels", "target scale", "frequency scale"},
        {QN_TYPE_CATEGORY, "v", QN_ROWS, "drop", "drop", "drop"},
        {QN_TYPE_TEXT, "v", QN_ROWS, "drop", "drop", "drop"},
        {QN_TYPE_TEXT, "a few words ", QN_ROWS, "text", "text", "text"},
        {QN_TYPE_TEXT, "a few words ", 350, "text", "text", "text"},
        {QN_TYPE_TEXT, "a few words ", 200, "levels", "target scale", "frequency scale"},
        {QN_TYPE_TEXT, "more words than a title has, so that it is a text ", 200, "text", "text",
         "text"},
        {QN_TYPE_CATEGORY, "a few words ", 350, "text", "text", "text"},
        {QN_TYPE_CATEGORY, "a few words ", 20, "levels", "one_hot", "one_hot"},
        {QN_TYPE_CATEGORY, "v", 1, "drop", "drop", "drop"},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
        for (int way = 0; way < 3; way++) {
            struct qn_recipe *recipe = propose_texts(QN_ROWS, cases[k].type, cases[k].format,
                                                     cases[k].distinct, way == 0, way == 1);
            check_proposed(recipe, "x",
                           way == 0   ? cases[k].native
                           : way == 1 ? cases[k].supervised
                                      : cases[k].clustering,
                           "");
            qn_recipe_free(recipe);
        }
    }
}

/* 35 levels of 20 rows are enough to learn from each, 36 of 19 are not. */
static void test_thin_levels_are_encoded_for_trees(void **state)
{
    (void)state;
    static const struct {
        size_t distinct;
        bool supervised;
        const char *action, *reason;
    } cases[] = {{35, true, "levels", "splits itself"},
                 {36, true, "target", "36 levels of 19.4 rows"},
                 {36, false, "levels", "splits itself"}};
    for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
        struct qn_recipe *recipe = propose_texts(QN_MORE_ROWS, QN_TYPE_CATEGORY, "v",
                                                 cases[k].distinct, true, cases[k].supervised);
        check_proposed(recipe, "x", cases[k].action, cases[k].reason);
        qn_recipe_free(recipe);
    }
}

static void test_dates_become_the_parts_that_vary(void **state)
{
    (void)state;
    struct qn_table *table = make_table(QN_ROWS);
    int64_t days[QN_ROWS], moments[QN_ROWS];
    for (size_t i = 0; i < QN_ROWS; i++) {
        days[i] = 19723 + (int64_t)(i % 31); /* January 2024 */
        moments[i] = days[i] * INT64_C(86400000000) + (int64_t)(i % 24) * INT64_C(3600000000);
    }
    add_integers(table, "day", QN_TYPE_DATE, days);
    add_integers(table, "moment", QN_TYPE_DATETIME, moments);
    struct qn_recipe *recipe = propose(table, false, true);
    check_proposed(recipe, "day", "date_parts impute scale", "day, weekday, and the days since");
    check_proposed(recipe, "moment", "date_parts impute scale", "day, weekday, hour, and");
    char *parts = qn_json_text(json_object_get(recipe->columns[0].actions[0].options, "parts"), 0);
    assert_string_equal(parts, "[\"day\",\"weekday\",\"epoch_days\"]");
    qn_free(parts);
    qn_recipe_free(recipe);
    recipe = propose(table, true, true);
    check_proposed(recipe, "day", "date_parts", "");
    qn_recipe_free(recipe);
    qn_table_free(table);
}

static void test_excluded_columns_are_left_out(void **state)
{
    (void)state;
    struct qn_table *table = make_mixed_table(50);
    struct qn_profile_options options;
    struct qn_profile *profile = NULL;
    struct qn_recipe *recipe = NULL;
    qn_profile_options_default(&options);
    OK(qn_profile_make(table, &options, NULL, &profile, &err));
    OK(qn_recipe_propose(profile, (const char *const[]){"colour", "number", "nowhere"}, 3, false,
                         true, &recipe, &err));
    assert_int_equal(recipe->column_count, table->column_count - 2);
    check_proposed(recipe, "boolean", "impute indicator", "true and false as 1 and 0");
    for (size_t i = 0; i < recipe->column_count; i++) {
        assert_string_not_equal(recipe->columns[i].name, "colour");
        assert_string_not_equal(recipe->columns[i].name, "number");
    }
    qn_recipe_free(recipe);
    qn_profile_free(profile);
    qn_table_free(table);
}

/* For learners that need it nothing is missing, in training or when new data have more missing. */
static void test_the_matrix_is_never_missing(void **state)
{
    (void)state;
    struct qn_table *table = make_mixed_table(QN_ROWS), *gone = make_table(2);
    double nothing[2] = {NAN, INFINITY};
    const char *none[2] = {NULL, "never seen"};
    for (size_t i = 0; i < table->column_count; i++) {
        if (qn_type_is_coded(table->columns[i].type))
            add_texts(gone, table->columns[i].name, table->columns[i].type, none);
        else if (table->columns[i].type >= QN_TYPE_DATE)
            add_integers(gone, table->columns[i].name, table->columns[i].type,
                         (int64_t[]){QN_MISSING_INTEGER, INT64_MAX});
        else
            add_numbers(gone, table->columns[i].name, nothing);
    }
    for (int supervised = 0; supervised < 2; supervised++) {
        struct qn_recipe *recipe = propose(table, false, supervised);
        struct qn_prep *prep = NULL;
        struct qn_matrix *matrices[2] = {NULL, NULL};
        double values[QN_ROWS];
        for (size_t i = 0; i < QN_ROWS; i++)
            values[i] = even(i);
        struct qn_target target = {
            .task = QN_TASK_REGRESSION, .row_count = QN_ROWS, .values = values};
        struct qn_prep_options options = {.target = supervised ? &target : NULL};
        OK(qn_prep_fit(recipe, table, NULL, 0, &options, &prep, &matrices[0], &err));
        OK(qn_prep_apply(prep, gone, NULL, 0, NULL, &matrices[1], NULL, &err));
        for (size_t m = 0; m < 2; m++) {
            const struct qn_features *features = &matrices[m]->features;
            for (size_t f = 0; f < features->feature_count; f++) {
                assert_int_equal(features->columns[f].kind, QN_FEATURE_NUMERIC);
                for (size_t row = 0; row < features->row_count; row++) {
                    if (!isfinite(features->columns[f].values[row]))
                        fail_msg("%s is %g", features->columns[f].name,
                                 features->columns[f].values[row]);
                }
            }
            qn_matrix_free(matrices[m]);
        }
        qn_prep_free(prep);
        qn_recipe_free(recipe);
    }
    qn_table_free(table);
    qn_table_free(gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_identifiers_of_numbers),
        cmocka_unit_test(test_an_identifier_is_never_missing),
        cmocka_unit_test(test_categories_and_texts),
        cmocka_unit_test(test_thin_levels_are_encoded_for_trees),
        cmocka_unit_test(test_dates_become_the_parts_that_vary),
        cmocka_unit_test(test_excluded_columns_are_left_out),
        cmocka_unit_test(test_the_matrix_is_never_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
