#include "base/alloc.h"
#include "base/json.h"

#include <math.h>
#include <string.h>

#include <cmocka.h>

static void assert_refused(const char *text, size_t size, const char *message_start)
{
    struct qn_error err = QN_ERROR_INIT;
    json_t *value = NULL;
    assert_int_equal(qn_json_parse(text, size, "recipe.json", &value, &err), QN_INVALID);
    assert_null(value);
    if (strncmp(err.message, message_start, strlen(message_start)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", err.message, message_start);
}

static void refuses_and_says_where(void **state)
{
    (void)state;
#define REFUSED(text, message) assert_refused(text, sizeof(text) - 1, message)
    REFUSED("", "recipe.json: line 1, column 0: ");
    REFUSED("{\"a\": 1,\n  \"b\" 2}", "recipe.json: line 2, column 7: ");
    REFUSED("{\"a\": 1, \"a\": 2}", "recipe.json: line 1, column 12: duplicate object key");
    REFUSED("[1] [2]", "recipe.json: line 1, column 5: end of file expected");
    REFUSED("[\"a\0b\"]", "recipe.json: line 1, column 4: a NUL byte");
    REFUSED("{\n\"a\\\0\"}", "recipe.json: line 2, column 4: a NUL byte");
    REFUSED("[\"\\u0000\"]", "recipe.json: line 1, ");
    REFUSED("[\"\xFF\"]", "recipe.json: line 1, ");
    REFUSED("[NaN]", "recipe.json: line 1, ");
    REFUSED("[1e999]", "recipe.json: line 1, ");
    REFUSED("[01]", "recipe.json: line 1, ");
#undef REFUSED
    char deep[200];
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    assert_refused(deep, 130, "recipe.json: line 1, column 65: nested deeper than 64 levels");
    json_t *value = NULL;
    assert_int_equal(qn_json_parse(deep + 1, 128, "x", &value, NULL), QN_OK);
    json_decref(value);
    /* Brackets inside strings are no nesting. */
    memset(deep, '[', 100);
    deep[0] = deep[99] = '"';
    memcpy(deep + 5, "\\\"", 2);
    assert_int_equal(qn_json_parse(deep, 100, "x", &value, NULL), QN_OK);
    json_decref(value);
}

static void writes_what_it_read(void **state)
{
    (void)state;
    static const char text[] = "{\"z\":1,\"a\":[true,false,null,-12,0.1,1e+20,1.5,\"\"],"
                               "\"s\":\"q\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001 \xC3\xA9/\",\"e\":{},"
                               "\"l\":[],\"minus\":-0.0,\"big\":9223372036854775807}";
    json_t *value = NULL, *again = NULL;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_json_parse(text, sizeof(text) - 1, "x", &value, &err), QN_OK);
    char *written = qn_json_text(value, 0);
    assert_string_equal(written, text);
    qn_free(written);
    written = qn_json_text(value, 2);
    assert_int_equal(qn_json_parse(written, strlen(written), "x", &again, &err), QN_OK);
    assert_true(json_equal(value, again));
    qn_free(written);
    json_decref(again);
    json_decref(value);

    static const char small[] = "{\"a\":[1,{\"b\":2}],\"c\":{}}";
    assert_int_equal(qn_json_parse(small, sizeof(small) - 1, "x", &value, &err), QN_OK);
    written = qn_json_text(value, 2);
    assert_string_equal(
        written, "{\n  \"a\": [\n    1,\n    {\n      \"b\": 2\n    }\n  ],\n  \"c\": {}\n}");
    qn_free(written);
    json_decref(value);
    assert_null(qn_json_text(NULL, 0));
}

static void builds(void **state)
{
    (void)state;
    bool failed = false;
    json_t *object = json_object(), *array = json_array();
    qn_json_set(object, "x", qn_json_number(0.5), &failed);
    qn_json_set(object, "bad", qn_json_number(NAN), &failed);
    qn_json_add(array, qn_json_number(-INFINITY), &failed);
    qn_json_add(array, json_integer(3), &failed);
    qn_json_set(object, "list", array, &failed);
    assert_false(failed);
    char *text = qn_json_text(object, 0);
    assert_string_equal(text, "{\"x\":0.5,\"bad\":null,\"list\":[null,3]}");
    qn_free(text);
    qn_json_set(object, "lost", NULL, &failed);
    assert_true(failed);
    failed = false;
    qn_json_add(NULL, json_integer(1), &failed); /* the value is released */
    assert_true(failed);
    json_decref(object);
}

static void knows_its_keys(void **state)
{
    (void)state;
    static const char *const known[] = {"target", "drop", "steps", NULL};
    static const char *const none[] = {NULL};
    struct qn_error err = QN_ERROR_INIT;
    json_t *object = json_pack("{s:i, s:i}", "target", 1, "steps", 2);
    assert_int_equal(qn_json_known(object, "recipe", known, &err), QN_OK);
    assert_int_equal(qn_json_known(object, "recipe", none, &err), QN_INVALID);
    assert_string_equal(err.message, "recipe: unknown key \"target\"");
    json_decref(object);
    object = json_pack("{s:i}", "traget", 1);
    assert_int_equal(qn_json_known(object, "recipe", known, &err), QN_INVALID);
    assert_string_equal(err.message, "recipe: unknown key \"traget\"; did you mean \"target\"?");
    json_decref(object);
    object = json_pack("{s:i}", "colour", 1);
    assert_int_equal(qn_json_known(object, "recipe", known, &err), QN_INVALID);
    assert_string_equal(err.message,
                        "recipe: unknown key \"colour\"; the known ones are target, drop, steps");
    json_decref(object);
    object = json_array();
    assert_int_equal(qn_json_known(object, "recipe", known, &err), QN_INVALID);
    assert_string_equal(err.message, "recipe: must be an object");
    json_decref(object);
}

static void reads_typed_values(void **state)
{
    (void)state;
    static const char text[] = "{\"d\":1.5,\"i\":3,\"f\":1e3,\"b\":true,\"s\":\"x\",\"n\":null,"
                               "\"huge\":1e300}";
    json_t *object = NULL;
    struct qn_error err = QN_ERROR_INIT;
    assert_int_equal(qn_json_parse(text, sizeof(text) - 1, "x", &object, &err), QN_OK);
    double d = 9;
    int64_t i = 9;
    bool b = false;
    const char *s = "default";
    assert_int_equal(qn_json_get_double(object, "absent", &d, &err), QN_OK);
    assert_int_equal(qn_json_get_int(object, "absent", &i, &err), QN_OK);
    assert_int_equal(qn_json_get_bool(object, "absent", &b, &err), QN_OK);
    assert_int_equal(qn_json_get_string(object, "absent", &s, &err), QN_OK);
    assert_true(d == 9 && i == 9 && !b);
    assert_string_equal(s, "default");
    assert_int_equal(qn_json_get_double(object, "d", &d, &err), QN_OK);
    assert_true(d == 1.5);
    assert_int_equal(qn_json_get_double(object, "i", &d, &err), QN_OK);
    assert_true(d == 3);
    assert_int_equal(qn_json_get_int(object, "i", &i, &err), QN_OK);
    assert_int_equal(i, 3);
    assert_int_equal(qn_json_get_int(object, "f", &i, &err), QN_OK);
    assert_int_equal(i, 1000);
    assert_int_equal(qn_json_get_bool(object, "b", &b, &err), QN_OK);
    assert_true(b);
    assert_int_equal(qn_json_get_string(object, "s", &s, &err), QN_OK);
    assert_string_equal(s, "x");

    assert_int_equal(qn_json_get_double(object, "n", &d, &err), QN_INVALID);
    assert_string_equal(err.message, "\"n\" must be a number, not null");
    assert_int_equal(qn_json_get_int(object, "d", &i, &err), QN_INVALID);
    assert_string_equal(err.message, "\"d\" must be a whole number, not 1.5");
    assert_int_equal(qn_json_get_int(object, "huge", &i, &err), QN_INVALID);
    assert_int_equal(qn_json_get_int(object, "s", &i, &err), QN_INVALID);
    assert_string_equal(err.message, "\"s\" must be a whole number, not a string");
    assert_int_equal(qn_json_get_bool(object, "i", &b, &err), QN_INVALID);
    assert_string_equal(err.message, "\"i\" must be true or false, not a number");
    assert_int_equal(qn_json_get_string(object, "b", &s, &err), QN_INVALID);
    assert_string_equal(err.message, "\"b\" must be a string, not a boolean");
    assert_true(d == 3 && i == 1000 && b);
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_and_says_where),
        cmocka_unit_test(writes_what_it_read),
        cmocka_unit_test(builds),
        cmocka_unit_test(knows_its_keys),
        cmocka_unit_test(reads_typed_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
