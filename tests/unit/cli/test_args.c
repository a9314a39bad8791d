/* Options from tables: every form of writing them, what is refused and what is suggested, lists,
 * and the list for --help. */
#include "cli/args.h"

#include "base/alloc.h"

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const struct qn_option first_table[] = {
    {"target", "COL", "the column to predict"},
    {"json", NULL, "print one JSON object"},
    {NULL, NULL, NULL},
};

static const struct qn_option second_table[] = {
    {"test-size", "SHARE", "rows held out\n(0.2)"},
    {"a-very-long-option-name", "VALUE", "help on a line of its own"},
    {NULL, NULL, NULL},
};

static const struct qn_option *const tables[] = {first_table, second_table, NULL};

static bool is_depth(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "max-depth") == 0;
}

/* Words of a command line, in memory that may be written to, as main() gets them. */
struct line {
    char bytes[512];
    char *words[16];
    size_t count;
};

static void line_init(struct line *line, const char *text)
{
    *line = (struct line){.count = 0};
    assert_true(strlen(text) < sizeof(line->bytes));
    memcpy(line->bytes, text, strlen(text));
    for (char *at = line->bytes; *at;) {
        assert_true(line->count < 16);
        line->words[line->count++] = at;
        at += strcspn(at, " ");
        if (*at)
            *at++ = 0;
    }
}

static void parse(struct line *line, const char *text, struct qn_args *out)
{
    struct qn_error err = QN_ERROR_INIT;
    line_init(line, text);
    if (qn_args_parse(line->words, line->count, tables, is_depth, NULL, out, &err) != QN_OK)
        fail_msg("%s: %s", text, err.message);
}

static void refused(const char *text, const char *words)
{
    struct line line;
    struct qn_args args = {0};
    struct qn_error err = QN_ERROR_INIT;
    line_init(&line, text);
    assert_int_equal(qn_args_parse(line.words, line.count, tables, is_depth, NULL, &args, &err),
                     QN_INVALID);
    assert_null(args.given);
    if (!strstr(err.message, words))
        fail_msg("'%s' gives '%s', without '%s'", text, err.message, words);
}

static void test_forms(void **state)
{
    (void)state;
    struct line line;
    struct qn_args args;
    parse(&line, "data.csv --target a=b --json - --test-size=0.5 --max-depth 3 -- --json", &args);
    assert_string_equal(qn_args_word(&args, 0), "data.csv");
    assert_string_equal(qn_args_word(&args, 1), "-");
    assert_string_equal(qn_args_word(&args, 2), "--json");
    assert_null(qn_args_word(&args, 3));
    assert_string_equal(qn_args_value(&args, "target"), "a=b");
    assert_string_equal(qn_args_value(&args, "test-size"), "0.5");
    assert_string_equal(qn_args_value(&args, "max-depth"), "3");
    assert_true(qn_args_flag(&args, "json"));
    assert_false(qn_args_flag(&args, "a-very-long-option-name"));
    qn_args_release(&args);
}

static void test_equals(void **state)
{
    (void)state;
    struct line line;
    struct qn_args args;
    parse(&line, "--max-depth=7 --target=a=b --test-size=", &args);
    assert_string_equal(qn_args_value(&args, "max-depth"), "7");
    assert_string_equal(qn_args_value(&args, "target"), "a=b");
    assert_string_equal(qn_args_value(&args, "test-size"), "");
    qn_args_release(&args);
}

/* The last value counts; a value may look like an option; nothing at all is fine. */
static void test_repeated(void **state)
{
    (void)state;
    struct line line;
    struct qn_args args;
    parse(&line, "--target a --target --json", &args);
    assert_string_equal(qn_args_value(&args, "target"), "--json");
    assert_false(qn_args_flag(&args, "json"));
    qn_args_release(&args);
    parse(&line, "", &args);
    assert_int_equal(args.count, 0);
    assert_null(qn_args_word(&args, 0));
    qn_args_release(&args);
}

static void test_refused(void **state)
{
    (void)state;
    refused("--taget x", "did you mean --target");
    refused("--taget=x", "did you mean --target");
    refused("--zzzz", "no option '--zzzz'");
    refused("--target", "--target needs a value: COL");
    refused("x --max-depth", "--max-depth needs a value");
    refused("--json=1", "--json takes no value");
    refused("-j", "two dashes");
    refused("--=x", "no option");
}

static void test_numbers(void **state)
{
    (void)state;
    struct line line;
    struct qn_args args;
    struct qn_error err = QN_ERROR_INIT;
    double share = 0.2;
    uint64_t count = 42;
    parse(&line, "--test-size 2.5e-1 --max-depth 12", &args);
    assert_int_equal(qn_args_double(&args, "test-size", &share, &err), QN_OK);
    assert_true(share == 0.25);
    assert_int_equal(qn_args_double(&args, "target", &share, &err), QN_OK);
    assert_true(share == 0.25);
    assert_int_equal(qn_args_count(&args, "max-depth", &count, &err), QN_OK);
    assert_int_equal(count, 12);
    assert_int_equal(qn_args_count(&args, "target", &count, &err), QN_OK);
    assert_int_equal(count, 12);
    assert_int_equal(qn_args_count(&args, "test-size", &count, &err), QN_INVALID);
    assert_string_equal(err.message, "--test-size: '2.5e-1' is not a whole number from 0 up");
    qn_args_release(&args);
    static const char *const wrong[] = {"-1", "99999999999999999999", "0x10", "5%"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char text[64];
        snprintf(text, sizeof(text), "--max-depth %s", wrong[i]);
        parse(&line, text, &args);
        assert_int_equal(qn_args_count(&args, "max-depth", &count, &err), QN_INVALID);
        assert_int_equal(count, 12);
        qn_args_release(&args);
    }
    parse(&line, "--test-size half", &args);
    assert_int_equal(qn_args_double(&args, "test-size", &share, &err), QN_INVALID);
    assert_string_equal(err.message, "--test-size: 'half' is not a number");
    qn_args_release(&args);
}

static void test_lists(void **state)
{
    (void)state;
    static const char *const expected[] = {"a", "b,c", "", "d\\e", "f"};
    struct line line;
    struct qn_args args;
    struct qn_error err = QN_ERROR_INIT;
    char **list = NULL;
    size_t count = 99;
    parse(&line, "--target a,b\\,c,,d\\e --target f", &args);
    assert_int_equal(qn_args_list(&args, "target", &list, &count, &err), QN_OK);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(list[i], expected[i]);
    qn_args_list_free(list, count);
    assert_int_equal(qn_args_list(&args, "test-size", &list, &count, &err), QN_OK);
    assert_null(list);
    assert_int_equal(count, 0);
    qn_args_list_free(list, count);
    qn_args_release(&args);
}

static void test_help(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    qn_options_print(stream, first_table);
    qn_options_print(stream, second_table);
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(text, "  --target COL            the column to predict\n"
                              "  --json                  print one JSON object\n"
                              "  --test-size SHARE       rows held out\n"
                              "                          (0.2)\n"
                              "  --a-very-long-option-name VALUE\n"
                              "                          help on a line of its own\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),    cmocka_unit_test(test_equals),
        cmocka_unit_test(test_repeated), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_numbers),  cmocka_unit_test(test_lists),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
