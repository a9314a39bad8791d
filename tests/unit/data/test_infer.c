/* Which type a column gets, and why. */
#include "unit/data/csv_support.h"

#include "base/random.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>

/* One column, its values separated by bars. */
static struct qn_table *column_of(const char *values, char delimiter)
{
    char text[4096] = "v";
    if (delimiter == ';')
        strcpy(text, "v;w");
    size_t at = strlen(text);
    text[at++] = '\n';
    for (; *values; values++) {
        if (*values == '|' && delimiter == ';')
            text[at++] = ';';
        text[at++] = *values == '|' ? '\n' : *values;
    }
    strcpy(text + at, delimiter == ';' ? ";\n" : "\n");
    struct csv_case c = csv_case_default();
    c.options.delimiter = delimiter;
    return csv_good(text, &c);
}

struct expected {
    const char *values;
    enum qn_type type;
    const char *reason; /* part of it, or NULL */
};

static void check(const struct expected *cases, size_t count, char delimiter)
{
    for (size_t i = 0; i < count; i++) {
        struct qn_table *t = column_of(cases[i].values, delimiter);
        const struct qn_column *column = &t->columns[0];
        if (column->type != cases[i].type)
            fail_msg("'%s' is %s (%s), not %s", cases[i].values, qn_type_name(column->type),
                     column->reason, qn_type_name(cases[i].type));
        if (cases[i].reason && !strstr(column->reason, cases[i].reason))
            fail_msg("'%s': '%s', without '%s'", cases[i].values, column->reason, cases[i].reason);
        qn_table_free(t);
    }
}

#define QN_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_numbers(void **state)
{
    (void)state;
    static const struct expected cases[] = {
        {"1|2|-3", QN_TYPE_INTEGER, "all 3 values are whole numbers"},
        {"0|1|1|0", QN_TYPE_INTEGER, NULL},
        {"7", QN_TYPE_INTEGER, "the only value"},
        {"1|2.5", QN_TYPE_NUMBER, "all 2 values are numbers"},
        {"1e5|2|.5|-1.", QN_TYPE_NUMBER, NULL},
        {"inf|1|-Infinity", QN_TYPE_NUMBER, NULL},
        {"+5|3", QN_TYPE_INTEGER, NULL},
        {"9223372036854775807|1", QN_TYPE_INTEGER, NULL},
        {"9223372036854775808|1", QN_TYPE_CATEGORY, "too long for a whole number"},
        {"9223372036854775808|1.5", QN_TYPE_NUMBER, NULL},
        {"007|12|13", QN_TYPE_CATEGORY,
         "1 of 3 values are codes (leading zero or plus), first "
         "'007' in line 2"},
        {"12|13|01.5", QN_TYPE_CATEGORY, "first '01.5' in line 4"},
        {"-01|2", QN_TYPE_CATEGORY, NULL},
        {"0|0.5", QN_TYPE_NUMBER, NULL},
        {"+491711234567|+491711234568", QN_TYPE_CATEGORY, "codes"},
        {"4111111111111111|5500000000000004", QN_TYPE_CATEGORY, "16 digits or more"},
        {"4111111111111111|5", QN_TYPE_INTEGER, NULL},
        {"123456789012345|223456789012345", QN_TYPE_INTEGER, NULL},
        {"1|2|abc|3", QN_TYPE_CATEGORY, "1 of 4 values are not numbers, first 'abc' in line 4"},
        {"1-2|3-4", QN_TYPE_CATEGORY, NULL},
        {"vmx-15|vmx-16", QN_TYPE_CATEGORY, NULL},
        {"3/4|1/2", QN_TYPE_CATEGORY, NULL},
        {"0x10|0x20", QN_TYPE_CATEGORY, NULL},
        {"1_000|2", QN_TYPE_CATEGORY, NULL},
        {"1 000|2 000", QN_TYPE_CATEGORY, "thousands"},
        {"12%|50%", QN_TYPE_CATEGORY, "per cent"},
        {"$5|$6.50", QN_TYPE_CATEGORY, "currency"},
        {"555-1234|555-9876", QN_TYPE_CATEGORY, NULL},
        {"1e|e5|.|-", QN_TYPE_CATEGORY, NULL},
    };
    check(cases, QN_COUNT(cases), '\t');
    static const struct expected commas[] = {
        {"1,5|2", QN_TYPE_NUMBER, "decimal comma"},
        {"1,5|2,25|-3,0", QN_TYPE_NUMBER, NULL},
        {"1,5|2.5", QN_TYPE_CATEGORY, "decimal comma and with a decimal point"},
        {"1.234,5|2,5", QN_TYPE_CATEGORY, NULL},
        {"1.5|2", QN_TYPE_NUMBER, NULL},
        {"01,5|2,5", QN_TYPE_CATEGORY, "codes"},
        {",5|1,5", QN_TYPE_CATEGORY, NULL},
    };
    check(commas, QN_COUNT(commas), ';');
    static const struct expected not_commas[] = {{"1,5|2,5", QN_TYPE_CATEGORY, NULL}};
    check(not_commas, QN_COUNT(not_commas), '\t');
}

static void test_booleans(void **state)
{
    (void)state;
    static const struct expected cases[] = {
        {"true|false|true", QN_TYPE_BOOLEAN, "true or false"},
        {"TRUE|False", QN_TYPE_BOOLEAN, NULL},
        {"true|true", QN_TYPE_BOOLEAN, NULL},
        {"yes|No|YES", QN_TYPE_CATEGORY, NULL},
        {"t|f", QN_TYPE_CATEGORY, NULL},
        {"Y|n", QN_TYPE_CATEGORY, NULL},
        {"no|no", QN_TYPE_CATEGORY, NULL}, /* may be Norway */
        {"f|f", QN_TYPE_CATEGORY, NULL},
        {"f|m", QN_TYPE_CATEGORY, NULL},
        {"true|no", QN_TYPE_CATEGORY, NULL},
        {"true|1", QN_TYPE_CATEGORY, NULL},
        {"yes|no|maybe", QN_TYPE_CATEGORY, NULL},
    };
    check(cases, QN_COUNT(cases), '\t');
}

static void test_dates(void **state)
{
    (void)state;
    static const struct expected cases[] = {
        {"2023-01-02|2024-02-29", QN_TYPE_DATE, "written %Y-%m-%d"},
        {"2023-02-30|2023-01-01", QN_TYPE_CATEGORY, NULL},
        {"2023-01-01|2023-01-02|2023-02-30", QN_TYPE_CATEGORY,
         "1 of 3 values are not dates like the first one, first '2023-02-30' in line 4"},
        {"2023-02-29|2023-01-01", QN_TYPE_CATEGORY, NULL},
        {"1900-02-29|2023-01-01", QN_TYPE_CATEGORY, NULL},
        {"2000-02-29|2023-01-01", QN_TYPE_DATE, NULL},
        {"13/01/2023|02/03/2023", QN_TYPE_DATE, "written %d/%m/%Y"},
        {"02/03/2023|01/13/2023", QN_TYPE_DATE, "written %m/%d/%Y"},
        {"02/03/2023|01/12/2023", QN_TYPE_CATEGORY, "day and month cannot be told apart"},
        {"13/01/2023|01/13/2023", QN_TYPE_CATEGORY, NULL},
        {"1.2.2023|31.12.2023", QN_TYPE_DATE, "written %d.%m.%Y"},
        {"2023/01/31|2023/02/01", QN_TYPE_DATE, NULL},
        {"2 Jan 2023|3 february 2023", QN_TYPE_DATE, "written %d %b %Y"},
        {"02-Jan-2023|03-Feb-2023", QN_TYPE_DATE, NULL},
        {"Jan 2, 2023|March 13, 2023", QN_TYPE_DATE, NULL},
        {"2023-01-02 10:20:30|2023-01-02 10:20:30.25", QN_TYPE_DATETIME, "%Y-%m-%d %H:%M:%S"},
        {"2023-01-02T10:20|2023-01-02T23:59", QN_TYPE_DATETIME, NULL},
        {"2023-01-02T10:20:30Z|2023-01-02T10:20:30+02:00", QN_TYPE_DATETIME, "%z"},
        {"2023-01-02T10:20:30Z|2023-01-02T10:20:30", QN_TYPE_CATEGORY, NULL},
        {"12/25/2023 11:59 PM|12/26/2023 1:05 am", QN_TYPE_DATETIME, "%I:%M %p"},
        {"2023-01-02 24:00:00|2023-01-02 10:20:30", QN_TYPE_CATEGORY, NULL},
        {"20230102|20230103", QN_TYPE_INTEGER, NULL},
        {"2023-01|2023-02", QN_TYPE_CATEGORY, NULL},
        {"10:20|11:30", QN_TYPE_CATEGORY, NULL},
    };
    check(cases, QN_COUNT(cases), '\t');
    struct qn_table *t = column_of("2023-01-02T10:20:30Z|2023-01-02T00:20:30.5+02:00|"
                                   "1969-12-31T23:59:59.999999-00:30",
                                   '\t');
    assert_cell(t, 0, 0, "2023-01-02T10:20:30Z");
    assert_cell(t, 0, 1, "2023-01-01T22:20:30.500Z");
    assert_cell(t, 0, 2, "1970-01-01T00:29:59.999999Z");
    qn_table_free(t);
    t = column_of("12/25/2023 12:05 AM|12/25/2023 12:05 PM", '\t');
    assert_cell(t, 0, 0, "2023-12-25T00:05:00Z");
    assert_cell(t, 0, 1, "2023-12-25T12:05:00Z");
    qn_table_free(t);
}

static void test_levels(void **state)
{
    (void)state;
    struct qn_read_options options;
    qn_read_options_default(&options);
    assert_int_equal(qn__coded_type(20, 20, 100, &options), QN_TYPE_CATEGORY);
    assert_int_equal(qn__coded_type(21, 21, 100, &options), QN_TYPE_TEXT);
    assert_int_equal(qn__coded_type(21, 42, 100, &options), QN_TYPE_CATEGORY);
    assert_int_equal(qn__coded_type(1000, 5000, 8000, &options), QN_TYPE_CATEGORY);
    assert_int_equal(qn__coded_type(1001, 5000, 8000, &options), QN_TYPE_TEXT);
    assert_int_equal(qn__coded_type(3, 5000, 3000, &options), QN_TYPE_TEXT);
    assert_int_equal(qn__coded_type(0, 0, 0, &options), QN_TYPE_CATEGORY);
}

static void test_date_formats(void **state)
{
    (void)state;
    assert_null(qn__date_format_fault("%d/%m/%y"));
    assert_null(qn__date_format_fault("%B %d, %Y at %I:%M %p"));
    assert_non_null(qn__date_format_fault("%d/%m"));
    assert_non_null(qn__date_format_fault("%Y-%m-%d %q"));
    assert_non_null(qn__date_format_fault("%Y-%m-%d %"));
    assert_non_null(qn__date_format_fault("%Y-%Y-%m-%d"));
    assert_non_null(qn__date_format_fault("%Y-%m-%d %I:%M"));
    for (size_t i = 0; i < qn__date_format_count; i++)
        assert_null(qn__date_format_fault(qn__date_formats[i]));
    int64_t value;
    assert_true(qn__date_read("%d/%m/%y", "01/02/70", 8, &value));
    assert_int_equal(value, 31);
    assert_true(qn__date_read("%y%m%d", "691231", 6, &value));
    assert_int_equal(value, -1);
    assert_false(qn__date_read("%Y-%m-%d", "2023-01-02x", 11, &value));
    assert_false(qn__date_read("%Y-%m-%d", "2023-01-0", 8, &value));
}

/* Against strtod, which rounds correctly. */
static void test_decimals(void **state)
{
    (void)state;
    struct qn_random random;
    qn_random_init(&random, 3, 0);
    for (size_t i = 0; i < 200000; i++) {
        char text[64];
        int64_t whole;
        double number;
        uint64_t digits = qn_random_u64(&random) >> qn_random_below(&random, 62);
        int size = snprintf(text, sizeof(text), "%llu", (unsigned long long)digits);
        size_t point = qn_random_below(&random, (size_t)size + 1);
        memmove(text + point + 1, text + point, (size_t)size - point + 1);
        text[point] = '.';
        if (text[0] == '0' && text[1] != '.')
            continue;
        size = (int)strlen(text);
        enum qn__kind kind = qn__number_read(text, (size_t)size, false, &whole, &number);
        assert_int_equal(kind, QN_KIND_DECIMAL);
        if (number != strtod(text, NULL))
            fail_msg("%s: %.17g instead of %.17g", text, number, strtod(text, NULL));
    }
    double x;
    int64_t whole;
    assert_int_equal(qn__number_read("1e400", 5, false, &whole, &x), QN_KIND_DECIMAL);
    assert_true(isinf(x));
    assert_int_equal(qn__number_read("0.1e-400", 8, false, &whole, &x), QN_KIND_DECIMAL);
    assert_true(x == 0);
}

static void test_overrides_parse(void **state)
{
    (void)state;
    struct qn_type_override *o = NULL;
    size_t count = 0;
    struct qn_error err = QN_ERROR_INIT;
    const char *text = "zip=text,a\\,b=number,when=datetime:%Y-%m-%d %H:%M,x=y=date";
    assert_int_equal(qn_type_overrides_parse(text, &o, &count, &err), QN_OK);
    assert_int_equal(count, 4);
    assert_string_equal(o[1].name, "a,b");
    assert_string_equal(o[2].format, "%Y-%m-%d %H:%M");
    assert_string_equal(o[3].name, "x=y");
    assert_null(o[3].format);
    qn_type_overrides_free(o, count);
    const char *wrong[] = {"zip",          "zip=string",       "=text",         "a=text:%Y",
                           "a=date:%d/%m", "a=text,a=integer", "a=text,,b=text"};
    const char *parts[] = {"does not say",    "no type 'string'", "does not say", "only date",
                           "it needs a year", "two types",        "does not say"};
    for (size_t i = 0; i < QN_COUNT(wrong); i++) {
        o = NULL;
        assert_int_equal(qn_type_overrides_parse(wrong[i], &o, &count, &err), QN_INVALID);
        if (!strstr(err.message, parts[i]))
            fail_msg("'%s' without '%s'", err.message, parts[i]);
        assert_null(o);
    }
}

/* A table with one column of each type, two rows. */
static void test_force(void **state)
{
    (void)state;
    static const struct {
        const char *from; /* how to write two values */
        const char *to;   /* type, perhaps with a format */
        const char *first, *error;
    } cases[] = {
        {"1|2", "number", "1", NULL},
        {"1|2", "text", "1", NULL},
        {"1.0|2.5", "integer", NULL, "'2.5' is not of type integer"},
        {"1.0|2.0", "integer", "1", NULL},
        {"1|0", "boolean", "true", NULL},
        {"1|2", "boolean", NULL, "line 3, column 'v': '2' is not of type boolean"},
        {"true|false", "integer", NULL, "'true' is not of type integer"},
        {"2023-01-02|2023-01-03", "datetime", "2023-01-02T00:00:00Z", NULL},
        {"2023-01-02|x", "date", NULL, "'x' is not of type date written %Y-%m-%d"},
        {"01/02/2023|03/04/2023", "date", NULL, "v=date:%d/%m/%Y"},
        {"20230102|20230103", "date:%Y%m%d", "2023-01-02", NULL},
        {"a|b", "number", NULL, "line 2, column 'v': 'a' is not of type number"},
        {"99999999999999999999|1", "integer", NULL, "is not of type integer"},
        {"99999999999999999999|1", "number", "1e+20", NULL},
        {"|", "number", "", NULL},
    };
    for (size_t i = 0; i < QN_COUNT(cases); i++) {
        char types[64], text[128] = "v\tw\n";
        struct qn_type_override *o = NULL;
        struct csv_case c = csv_case_default();
        struct qn_error err = QN_ERROR_INIT;
        struct qn_table *t = NULL;
        const char *bar = strchr(cases[i].from, '|');
        snprintf(types, sizeof(types), "v=%s", cases[i].to);
        snprintf(text, sizeof(text), "v\tw\n%.*s\t1\n%s\t1\n", (int)(bar - cases[i].from),
                 cases[i].from, bar + 1);
        assert_int_equal(qn_type_overrides_parse(types, &o, &c.options.override_count, &err),
                         QN_OK);
        c.options.overrides = o;
        if (cases[i].error) {
            csv_bad(text, strlen(text), &c, cases[i].error);
        } else {
            t = csv_good(text, &c);
            assert_int_equal(t->columns[0].type, o[0].type);
            assert_cell(t, 0, 0, cases[i].first);
        }
        qn_table_free(t);
        qn_type_overrides_free(o, c.options.override_count);
    }
}

/* Columns that come with a type of their own, as from Parquet. */
static void test_force_typed(void **state)
{
    (void)state;
    struct qn_read_options options;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *t;
    struct qn_column *column;
    struct qn_type_override to = {.name = (char *)"n"};
    qn_read_options_default(&options);
    assert_int_equal(qn_table_create("t", 3, &t, &err), QN_OK);
    assert_int_equal(qn_table_add(t, "n", QN_TYPE_INTEGER, &column, &err), QN_OK);
    column->values.integer[0] = 20230102;
    column->values.integer[1] = QN_MISSING_INTEGER;
    column->values.integer[2] = 20230103;
    column->missing_count = 1;
    to.type = QN_TYPE_DATE;
    to.format = (char *)"%Y%m%d";
    assert_int_equal(qn__column_force(t, 0, &to, &options, false, NULL, &err), QN_OK);
    assert_cell(t, 0, 2, "2023-01-03");
    assert_int_equal(t->columns[0].missing_count, 1);
    to.type = QN_TYPE_DATETIME;
    assert_int_equal(qn__column_force(t, 0, &to, &options, false, NULL, &err), QN_OK);
    assert_cell(t, 0, 0, "2023-01-02T00:00:00Z");
    to.type = QN_TYPE_CATEGORY;
    to.format = NULL;
    assert_int_equal(qn__column_force(t, 0, &to, &options, false, NULL, &err), QN_OK);
    assert_cell(t, 0, 0, "2023-01-02T00:00:00Z");
    assert_true(qn_column_is_missing(&t->columns[0], 1));
    to.type = QN_TYPE_NUMBER;
    assert_int_equal(qn__column_force(t, 0, &to, &options, false, NULL, &err), QN_INVALID);
    assert_non_null(strstr(err.message, "t, row 1, column 'n'"));
    qn_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),         cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_dates),           cmocka_unit_test(test_levels),
        cmocka_unit_test(test_date_formats),    cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_force),           cmocka_unit_test(test_force_typed),
        cmocka_unit_test(test_overrides_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
