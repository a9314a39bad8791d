#include "prep_support.h"

#include "base/file.h"

static enum qn_status parse(const char *text, struct qn_recipe **out, struct qn_error *err)
{
    char json[2048];
    snprintf(json, sizeof(json), "%s", text);
    for (char *c = json; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    return qn_recipe_parse(json, strlen(json), "recipe.json", out, err);
}

/* One column with these actions is refused with this text. */
static void check_refused(const char *type, const char *actions, const char *message)
{
    char text[1024];
    struct qn_recipe *recipe = NULL;
    snprintf(text, sizeof(text),
             "{'version':1,'columns':[{'name':'a','type':'%s','actions':[%s]}]}", type, actions);
    FAILS(parse(text, &recipe, &err), QN_INVALID, message);
    assert_null(recipe);
}

static void test_defaults_are_filled_in(void **state)
{
    (void)state;
    struct qn_recipe *recipe = make_recipe(
        "{'name':'a','type':'number','actions':[{'do':'impute'},{'do':'clip'},{'do':'power'},"
        "{'do':'scale'}],'reason':'r'},"
        "{'name':'b','type':'category','actions':[{'do':'impute'},{'do':'one_hot'}]},"
        "{'name':'c','type':'date','format':'%d/%m/%Y','actions':[{'do':'date_parts'}]},"
        "{'name':'d','type':'text','actions':[{'do':'text'}]},"
        "{'name':'e','type':'category','actions':[{'do':'target'},{'do':'scale'}]},"
        "{'name':'f','type':'category','actions':[{'do':'ordinal'}]},"
        "{'name':'g','type':'number','actions':[{'do':'clip','bounds':[0,1]},"
        "{'do':'impute','value':3}]}");
    json_t *json = qn_recipe_json(recipe);
    char *text = qn_json_text(json, 0);
    assert_string_equal(
        text,
        "{\"version\":1,\"columns\":["
        "{\"name\":\"a\",\"type\":\"number\",\"actions\":[{\"do\":\"impute\",\"with\":\"median\"},"
        "{\"do\":\"clip\",\"quantiles\":[0.01,0.99]},{\"do\":\"power\",\"how\":\"yeo_johnson\"},"
        "{\"do\":\"scale\",\"how\":\"standard\"}],\"reason\":\"r\"},"
        "{\"name\":\"b\",\"type\":\"category\",\"actions\":[{\"do\":\"impute\",\"with\":\"mode\"},"
        "{\"do\":\"one_hot\",\"max_levels\":30,\"drop\":\"none\"}]},"
        "{\"name\":\"c\",\"type\":\"date\",\"format\":\"%d/%m/%Y\",\"actions\":[{\"do\":"
        "\"date_parts\",\"parts\":[\"year\",\"month\",\"day\",\"weekday\",\"hour\",\"minute\","
        "\"epoch_days\"]}]},"
        "{\"name\":\"d\",\"type\":\"text\",\"actions\":[{\"do\":\"text\",\"buckets\":64}]},"
        "{\"name\":\"e\",\"type\":\"category\",\"actions\":[{\"do\":\"target\",\"smooth\":\"auto\","
        "\"folds\":5},{\"do\":\"scale\",\"how\":\"standard\"}]},"
        "{\"name\":\"f\",\"type\":\"category\",\"actions\":[{\"do\":\"ordinal\",\"by\":"
        "\"frequency\"}]},"
        "{\"name\":\"g\",\"type\":\"number\",\"actions\":[{\"do\":\"clip\",\"bounds\":[0,1]},"
        "{\"do\":\"impute\",\"with\":\"constant\",\"value\":3}]}]}");

    /* What was written reads back as the same. */
    struct qn_recipe *again = NULL;
    OK(qn_recipe_parse(text, strlen(text), "recipe.json", &again, &err));
    json_t *second = qn_recipe_json(again);
    assert_true(json_equal(json, second));
    json_decref(second);
    qn_recipe_free(again);
    qn_free(text);
    json_decref(json);
    qn_recipe_free(recipe);
}

static void test_errors_name_their_place(void **state)
{
    (void)state;
    check_refused("number", "{'do':'impute','with':'medain'}",
                  "recipe.json: columns[0].actions[0].with: 'medain' is not known; did you mean "
                  "'median'?");
    check_refused("number", "{'do':'scale'},{'do':'skale'}",
                  "recipe.json: columns[0].actions[1].do: 'skale' is not known; did you mean "
                  "'scale'?");
    check_refused("numbr", "", "columns[0].type: 'numbr' is not known; did you mean 'number'?");
    check_refused("xyz", "", "there are boolean, integer");
    check_refused("number", "{'do':'impute','wiht':'mean'}",
                  "columns[0].actions[0]: unknown key \"wiht\"; did you mean \"with\"?");
    check_refused("number", "{'do':'impute','with':'qqqqqq'}",
                  "'qqqqqq' is not known; there are mean, median, mode, constant");
    check_refused("number", "3", "columns[0].actions[0]: must be an object");
    check_refused("number", "{}", "\"do\" must name an action");
    check_refused("number", "{'do':'impute','with':3}", "actions[0].with: must be a text");
}

static void test_streams_are_checked(void **state)
{
    (void)state;
    check_refused("number", "{'do':'one_hot'}",
                  "'one_hot' cannot follow here: the column is a "
                  "number");
    check_refused("category", "{'do':'scale'}", "the column is a category");
    check_refused("text", "{'do':'clip'}", "the column is a text");
    check_refused("date", "{'do':'scale'}", "the column is a date");
    check_refused("category", "{'do':'one_hot'},{'do':'target'}", "the column is a number");
    check_refused("category", "{'do':'levels'},{'do':'one_hot'}", "kept by 'levels'");
    check_refused("number", "{'do':'drop'},{'do':'scale'}", "must be the only action");
    check_refused("number", "{'do':'impute'},{'do':'impute'}",
                  "columns[0].actions[1]: a second 'impute'");
    check_refused("number", "{'do':'indicator'},{'do':'indicator'}", "a second 'indicator'");
    check_refused("text", "{'do':'impute'},{'do':'text'}",
                  "columns[0].actions[1]: 'text' takes a missing value for an empty text");
}

static void test_options_are_checked(void **state)
{
    (void)state;
    check_refused("category", "{'do':'impute','with':'mean'}", "'mean' is for numbers");
    check_refused("category", "{'do':'impute','value':1}", "must be a text");
    check_refused("number", "{'do':'impute','value':'x'}", "must be a number");
    check_refused("number", "{'do':'impute','with':'constant'}", "needs a \"value\"");
    check_refused("number", "{'do':'impute','with':'mean','value':1}", "goes with");
    check_refused("number", "{'do':'impute','value':[1]}", "must be a number or a text");
    check_refused("number", "{'do':'clip','quantiles':[0.9,0.1]}", "must be below");
    check_refused("number", "{'do':'clip','quantiles':[0,1.5]}", "both must be in [0, 1]");
    check_refused("number", "{'do':'clip','quantiles':[0.5]}", "must be two numbers");
    check_refused("number", "{'do':'clip','quantiles':[0,1],'bounds':[1,2]}", "not both");
    check_refused("category", "{'do':'one_hot','max_levels':0}", "0 is not in [1, 10000]");
    check_refused("category", "{'do':'one_hot','max_levels':2.5}", "must be a whole number");
    check_refused("category", "{'do':'target','smooth':'much'}", "must be a number or 'auto'");
    check_refused("category", "{'do':'target','smooth':-1}", "-1 is not in");
    check_refused("category", "{'do':'target','folds':1}", "1 is not in [2, 100]");
    check_refused("category", "{'do':'ordinal','by':'given'}", "needs an \"order\"");
    check_refused("category", "{'do':'ordinal','order':['a']}", "goes with \"by\": \"given\"");
    check_refused("category", "{'do':'ordinal','by':'given','order':['a','a']}", "is there twice");
    check_refused("category", "{'do':'ordinal','by':'given','order':['a',1]}", "must be a text");
    check_refused("date", "{'do':'date_parts','parts':[]}", "at least one");
    check_refused("date", "{'do':'date_parts','parts':['yaer']}", "did you mean 'year'?");
    check_refused("text", "{'do':'text','buckets':100000}", "not in [1, 65536]");
}

static void test_the_frame_is_checked(void **state)
{
    (void)state;
    struct qn_recipe *recipe = NULL;
    FAILS(parse("{'columns':[]}", &recipe, &err), QN_INVALID, "\"version\" must be 1");
    FAILS(parse("{'version':2,'columns':[]}", &recipe, &err), QN_UNSUPPORTED, "version 2");
    FAILS(parse("{'version':1}", &recipe, &err), QN_INVALID, "\"columns\" must be a list");
    FAILS(parse("{'version':1,'columns':[],'x':1}", &recipe, &err), QN_INVALID, "unknown key");
    FAILS(parse("[1]", &recipe, &err), QN_INVALID, "must be an object");
    FAILS(parse("{'version':1,'columns':[", &recipe, &err), QN_INVALID, "recipe.json: line 1");
    FAILS(parse("{'version':1,'columns':[{'type':'number'}]}", &recipe, &err), QN_INVALID,
          "\"name\" must name a column");
    FAILS(parse("{'version':1,'columns':[{'name':'a'}]}", &recipe, &err), QN_INVALID,
          "\"type\" must be one of");
    FAILS(parse("{'version':1,'columns':[{'name':'a','type':'number','format':'%Y'}]}", &recipe,
                &err),
          QN_INVALID, "columns[0].format");
    FAILS(parse("{'version':1,'columns':[{'name':'a','type':'number'},{'name':'a','type':'text',"
                "'actions':[]}]}",
                &recipe, &err),
          QN_INVALID, "columns[1].name: 'a' is there twice (first in columns[0])");
    FAILS(
        parse("{'version':1,'columns':[{'name':'a','type':'number','actions':{}}]}", &recipe, &err),
        QN_INVALID, "columns[0].actions: must be a list");
}

/* The complete example of docs/recipe.md is what the page says it is: a recipe. */
static void test_the_documented_example_parses(void **state)
{
    (void)state;
    char *page = NULL;
    size_t size = 0;
    OK(qn_file_read(QN_SOURCE_DIR "/docs/recipe.md", 1 << 20, &page, &size, &err));
    size_t found = 0;
    for (char *from = page; (from = strstr(from, "```json\n")); from++) {
        from += strlen("```json\n");
        char *end = strstr(from, "\n```");
        assert_non_null(end);
        struct qn_recipe *recipe = NULL;
        OK(qn_recipe_parse(from, (size_t)(end - from), "docs/recipe.md", &recipe, &err));
        assert_true(recipe->column_count >= 8);
        qn_recipe_free(recipe);
        found++;
    }
    assert_int_equal(found, 1);
    qn_free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_filled_in),
        cmocka_unit_test(test_errors_name_their_place),
        cmocka_unit_test(test_streams_are_checked),
        cmocka_unit_test(test_options_are_checked),
        cmocka_unit_test(test_the_frame_is_checked),
        cmocka_unit_test(test_the_documented_example_parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
