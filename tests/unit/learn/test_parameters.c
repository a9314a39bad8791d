#include "learn/parameters.h"

#include "base/alloc.h"

#include <cmocka.h>
#include <math.h>
#include <string.h>

struct options {
    int64_t max_depth;
    double rate;
    double share;
    bool bootstrap;
    int64_t criterion;
    double max_features;
};

static const struct qn_parameter_name none[] = {{"none", 0}, {NULL, 0}};
static const struct qn_parameter_name criteria[] = {{"gini", 1}, {"entropy", 2}, {NULL, 0}};
static const struct qn_parameter_name features[] = {{"sqrt", -1}, {"log2", -2}, {NULL, 0}};

static const struct qn_parameter list[] = {
    {.name = "max_depth",
     .kind = QN_PARAMETER_INTEGER,
     .offset = offsetof(struct options, max_depth),
     .fallback = 0,
     .minimum = 1,
     .maximum = INFINITY,
     .names = none,
     .help = "h"},
    {.name = "rate",
     .kind = QN_PARAMETER_NUMBER,
     .offset = offsetof(struct options, rate),
     .fallback = 0.1,
     .minimum = 0,
     .maximum = 1,
     .minimum_open = true,
     .help = "h"},
    {.name = "share",
     .kind = QN_PARAMETER_NUMBER,
     .offset = offsetof(struct options, share),
     .fallback = 0.5,
     .minimum = 0,
     .maximum = 1,
     .help = "h"},
    {.name = "bootstrap",
     .kind = QN_PARAMETER_BOOLEAN,
     .offset = offsetof(struct options, bootstrap),
     .fallback = 1,
     .help = "h"},
    {.name = "criterion",
     .kind = QN_PARAMETER_CHOICE,
     .offset = offsetof(struct options, criterion),
     .fallback = 1,
     .names = criteria,
     .help = "h"},
    {.name = "max_features",
     .kind = QN_PARAMETER_NUMBER,
     .offset = offsetof(struct options, max_features),
     .fallback = -1,
     .minimum = 0,
     .maximum = INFINITY,
     .minimum_open = true,
     .names = features,
     .help = "h"},
    {.name = NULL},
};

static const struct qn_parameter_table table = {list, sizeof(struct options)};

static struct options defaults(void)
{
    struct options options;
    memset(&options, 0xff, sizeof(options));
    qn_parameters_default(&table, &options);
    return options;
}

static void test_defaults(void **state)
{
    (void)state;
    struct options options = defaults();
    assert_int_equal(options.max_depth, 0);
    assert_true(options.rate == 0.1 && options.share == 0.5 && options.max_features == -1.0);
    assert_true(options.bootstrap);
    assert_int_equal(options.criterion, 1);
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_parameters_check(&table, &options, &err), QN_OK);
    assert_string_equal(err.message, "");
}

static void assert_set(struct options *options, const char *name, const char *value)
{
    struct qn_error err = QN_ERROR_INIT;
    if (qn_parameters_set(&table, options, name, value, &err) != QN_OK)
        fail_msg("%s=%s: %s", name, value, err.message);
}

static void test_set(void **state)
{
    (void)state;
    struct options options = defaults();
    assert_set(&options, "max_depth", "7");
    assert_int_equal(options.max_depth, 7);
    assert_set(&options, "max_depth", "none");
    assert_int_equal(options.max_depth, 0);
    assert_set(&options, "rate", "1");
    assert_true(options.rate == 1.0);
    assert_set(&options, "share", "0");
    assert_true(options.share == 0.0);
    assert_set(&options, "bootstrap", "false");
    assert_false(options.bootstrap);
    assert_set(&options, "bootstrap", "yes");
    assert_true(options.bootstrap);
    assert_set(&options, "criterion", "entropy");
    assert_int_equal(options.criterion, 2);
    assert_set(&options, "max_features", "log2");
    assert_true(options.max_features == -2.0);
    assert_set(&options, "max_features", "2.5e-1");
    assert_true(options.max_features == 0.25);
}

static void test_set_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *message;
    } cases[] = {
        {"max_depth", "abc",
         "max_depth: 'abc' is not a whole number; allowed: 1 or more, or 'none'"},
        {"max_depth", "2.5",
         "max_depth: '2.5' is not a whole number; allowed: 1 or more, or 'none'"},
        {"max_depth", "", "max_depth: '' is not a whole number; allowed: 1 or more, or 'none'"},
        {"max_depth", "-1", "max_depth: -1 is not allowed; allowed: 1 or more, or 'none'"},
        {"max_depth", "9007199254740993", NULL},
        {"rate", "0", "rate: 0 is not allowed; allowed: above 0 and at most 1"},
        {"rate", "nan", NULL},
        {"max_features", "inf", NULL},
        {"share", "1.5", "share: 1.5 is not allowed; allowed: 0 to 1"},
        {"share", "none", "share: 'none' is not a number; allowed: 0 to 1"},
        {"bootstrap", "maybe", "bootstrap: 'maybe' is not allowed; allowed: true or false"},
        {"criterion", "gin", "criterion: 'gin' is not allowed; allowed: 'gini' or 'entropy'"},
        {"criterion", "1", "criterion: '1' is not allowed; allowed: 'gini' or 'entropy'"},
        {"max_features", "-1.5",
         "max_features: -1.5 is not allowed; allowed: above 0, 'sqrt', or 'log2'"},
        {"max_dpeth", "3", "no parameter 'max_dpeth': did you mean 'max_depth'?"},
        {"zzz", "3",
         "no parameter 'zzz'; there are: max_depth, rate, share, bootstrap, criterion, "
         "max_features"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct options options = defaults(), before = options;
        struct qn_error err = QN_ERROR_INIT;
        assert_int_equal(qn_parameters_set(&table, &options, cases[i].name, cases[i].value, &err),
                         QN_INVALID);
        assert_int_equal(err.status, QN_INVALID);
        if (cases[i].message)
            assert_string_equal(err.message, cases[i].message);
        assert_memory_equal(&options, &before, sizeof(options));
    }
}

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    return json;
}

static void test_set_json(void **state)
{
    (void)state;
    struct options options = defaults();
    struct qn_error err = QN_ERROR_INIT;
    json_t *json = parse("{\"max_depth\": 5, \"rate\": 0.25, \"bootstrap\": false, \"criterion\": "
                         "\"entropy\", \"max_features\": \"sqrt\", \"share\": 1}");
    assert_int_equal(qn_parameters_set_json(&table, &options, json, &err), QN_OK);
    json_decref(json);
    assert_int_equal(options.max_depth, 5);
    assert_true(options.rate == 0.25 && options.share == 1.0 && options.max_features == -1.0);
    assert_false(options.bootstrap);
    assert_int_equal(options.criterion, 2);
    json = parse("{\"max_depth\": 6.0}");
    assert_int_equal(qn_parameters_set_json(&table, &options, json, &err), QN_OK);
    assert_int_equal(options.max_depth, 6);
    json_decref(json);
}

static void test_set_json_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"[1]", "parameters: an object {\"name\": value} is expected"},
        {"{\"share\": 0.2, \"max_depth\": 2.5}",
         "max_depth: '2.5' is not a whole number; allowed: 1 or more, or 'none'"},
        {"{\"share\": 0.2, \"max_depth\": null}",
         "max_depth: 'null' is not a whole number; allowed: 1 or more, or 'none'"},
        {"{\"share\": 0.2, \"bootstrap\": 1}",
         "bootstrap: '1' is not allowed; allowed: true or false"},
        {"{\"share\": 0.2, \"bootstrap\": \"true\"}",
         "bootstrap: 'true' is not allowed; allowed: true or false"},
        {"{\"share\": 0.2, \"rate\": \"0.5\"}",
         "rate: '0.5' is not a number; allowed: above 0 and at most 1"},
        {"{\"share\": 0.2, \"rate\": 2}", "rate: 2 is not allowed; allowed: above 0 and at most 1"},
        {"{\"share\": 0.2, \"criterion\": 1}",
         "criterion: '1' is not allowed; allowed: 'gini' or 'entropy'"},
        {"{\"share\": 0.2, \"max_dept\": 1}", "no parameter 'max_dept': did you mean 'max_depth'?"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct options options = defaults(), before = options;
        struct qn_error err = QN_ERROR_INIT;
        json_t *json = parse(cases[i].text);
        assert_int_equal(qn_parameters_set_json(&table, &options, json, &err), QN_INVALID);
        assert_string_equal(err.message, cases[i].message);
        assert_memory_equal(&options, &before, sizeof(options)); /* all or nothing */
        json_decref(json);
    }
}

static void test_check(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    struct options options = defaults();
    options.rate = NAN;
    assert_int_equal(qn_parameters_check(&table, &options, &err), QN_INVALID);
    options = defaults();
    options.criterion = 7;
    assert_int_equal(qn_parameters_check(&table, &options, &err), QN_INVALID);
    assert_string_equal(err.message, "criterion: 7 is not allowed; allowed: 'gini' or 'entropy'");
    options = defaults();
    options.max_depth = -3;
    assert_int_equal(qn_parameters_check(&table, &options, &err), QN_INVALID);
}

static void test_json(void **state)
{
    (void)state;
    struct options options = defaults();
    json_t *json = qn_parameters_json(&table, &options);
    json_t *expected = parse("{\"max_depth\": \"none\", \"rate\": 0.1, \"share\": 0.5, "
                             "\"bootstrap\": true, \"criterion\": \"gini\", "
                             "\"max_features\": \"sqrt\"}");
    assert_true(json_equal(json, expected));
    /* What is written can be read back. */
    struct options again;
    memset(&again, 0, sizeof(again));
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_parameters_set_json(&table, &again, json, &err), QN_OK);
    assert_true(again.rate == options.rate && again.max_features == options.max_features);
    assert_int_equal(again.criterion, options.criterion);
    json_decref(json);
    json_decref(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_set_refuses),
        cmocka_unit_test(test_set_json),
        cmocka_unit_test(test_set_json_refuses),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
