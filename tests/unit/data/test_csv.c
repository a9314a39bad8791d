/* CSV files as they come: dialects, headers, and everything that is wrong with them. */
#include "unit/data/csv_support.h"

#include "base/alloc.h"

static void test_plain(void **state)
{
    (void)state;
    struct qn_table *t = csv_good("id,name,score\n1,Ann,1.5\n2,Bob,\n3,Ann,-2e3\n", NULL);
    assert_int_equal(t->row_count, 3);
    assert_int_equal(t->column_count, 3);
    assert_int_equal(t->columns[0].type, QN_TYPE_INTEGER);
    assert_int_equal(t->columns[1].type, QN_TYPE_CATEGORY);
    assert_int_equal(t->columns[1].dictionary.count, 2);
    assert_int_equal(t->columns[2].type, QN_TYPE_NUMBER);
    assert_int_equal(t->columns[2].missing_count, 1);
    assert_true(t->columns[2].values.number[2] == -2000);
    assert_string_equal(t->columns[0].reason, "all 3 values are whole numbers");
    assert_int_equal(t->note_count, 0);
    qn_table_free(t);
}

static void test_line_ends(void **state)
{
    (void)state;
    const char *texts[] = {"a,b\n1,x\n2,y\n",
                           "a,b\r\n1,x\r\n2,y\r\n",
                           "a,b\r1,x\r2,y\r",
                           "a,b\n1,x\n2,y",
                           "a,b\r\n1,x\r\n2,y",
                           "a,b\r1,x\r2,y",
                           ("\xef\xbb\xbf"
                            "a,b\n1,x\n2,y"),
                           "\n\na,b\n\n1,x\n  \n2,y\n\n\n",
                           "a,b\r\n\r\n1,x\n2,y\r\n\r\n",
                           "a,b\n1,x\r\r2,y\n"};
    struct qn_table *first = csv_good(texts[0], NULL);
    for (size_t i = 1; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t piece = 1; piece <= 8; piece++) {
            struct csv_case c = csv_case_default();
            c.piece_size = piece;
            struct qn_table *t = csv_good(texts[i], &c);
            assert_same_table(first, t);
            qn_table_free(t);
        }
    }
    qn_table_free(first);
}

static void test_quotes(void **state)
{
    (void)state;
    struct qn_table *t = csv_good("a,b\n\"x, y\",\"say \"\"hi\"\"\"\n\"two\nlines\",  \" z \"  \n"
                                  "5\" pipe, plain \n",
                                  NULL);
    assert_cell(t, 0, 0, "x, y");
    assert_cell(t, 1, 0, "say \"hi\"");
    assert_cell(t, 0, 1, "two\nlines");
    assert_cell(t, 1, 1, " z ");
    assert_cell(t, 0, 2, "5\" pipe");
    assert_cell(t, 1, 2, "plain");
    qn_table_free(t);
    t = csv_good("a,b\n\"1\",\"\"\n\" 2 \",\"q\"\n", NULL); /* Quoted numbers are numbers. */
    assert_int_equal(t->columns[0].type, QN_TYPE_INTEGER);
    assert_true(qn_column_is_missing(&t->columns[1], 0));
    qn_table_free(t);
}

static void test_delimiters(void **state)
{
    (void)state;
    const char *texts[] = {"a;b;c\n1;2,5;x\n2;3,5;y\n", "a\tb\tc\n1\t2.5\tx, y\n2\t3.5\ty\n",
                           "a|b|c\n1|2.5|x\n2|3.5|y\n", "sep=;\na;b;c\n1;2,5;x\n2;3,5;y\n",
                           "sep=|\r\na|b|c\r\n1|2.5|x\r\n2|3.5|y\r\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct qn_table *t = csv_good(texts[i], NULL);
        assert_int_equal(t->column_count, 3);
        assert_int_equal(t->row_count, 2);
        assert_int_equal(t->columns[1].type, QN_TYPE_NUMBER);
        assert_true(t->columns[1].values.number[1] == 3.5);
        qn_table_free(t);
    }
    struct qn_table *t = csv_good("comment\n\"hello, world\"\nplain\n\"a;b\"\n", NULL);
    assert_int_equal(t->column_count, 1);
    assert_int_equal(t->row_count, 3);
    qn_table_free(t);
    const char *unquoted = "comment\nplain\nhello, world\n";
    csv_bad(unquoted, strlen(unquoted), NULL, "line 3: 2 fields where the header has 1");
    struct csv_case c = csv_case_default();
    c.options.delimiter = ':';
    t = csv_good("a:b\n1:x,y\n", &c);
    assert_int_equal(t->column_count, 2);
    assert_cell(t, 1, 0, "x,y");
    qn_table_free(t);
}

static void test_header(void **state)
{
    (void)state;
    struct csv_case c = csv_case_default();
    struct qn_table *t = csv_good("a,b\n", NULL); /* A header alone: no rows, and no error. */
    assert_int_equal(t->row_count, 0);
    assert_int_equal(t->column_count, 2);
    assert_int_equal(t->columns[0].type, QN_TYPE_CATEGORY);
    qn_table_free(t);
    c.options.no_header = true;
    t = csv_good("1,x\n2,y\n", &c);
    assert_int_equal(t->row_count, 2);
    assert_string_equal(t->columns[1].name, "c2");
    qn_table_free(t);
    t = csv_good("1,2\n3,4\n", NULL);
    assert_int_equal(t->note_count, 1);
    assert_non_null(strstr(t->notes[0], "--no-header"));
    qn_table_free(t);
    t = csv_good("x,,x,x_2, x ,\n1,2,3,4,5,6\n", NULL);
    const char *names[] = {"x", "column_2", "x_3", "x_2", "x_4", "column_6"};
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(t->columns[i].name, names[i]);
    assert_int_equal(t->note_count, 2);
    assert_string_equal(t->notes[0], "2 columns without a name: column 2 is now 'column_2', 6 is "
                                     "now 'column_6'");
    assert_string_equal(t->notes[1], "2 columns with the name of another: column 3 is now 'x_3', 5 "
                                     "is now 'x_4'");
    qn_table_free(t);
    csv_bad("", 0, NULL, "is empty");
    csv_bad("\n \n\n", 4, NULL, "is empty");
    csv_bad("\xef\xbb\xbf", 3, NULL, "is empty");
    c = csv_case_default();
    c.options.name_limit_bytes = 5;
    csv_bad("a,toolong\n1,2\n", 14, &c, "the name of column 2, 'toolong', has 7 bytes");
    c.options.column_limit = 2;
    csv_bad("a,b,c\n1,2,3\n", 12, &c, "has 3 columns; the limit is 2");
    csv_bad("a,\xff\n1,2\n", 8, NULL, "name of column 2 is not UTF-8");
}

static void test_one_column(void **state)
{
    (void)state;
    struct qn_table *t = csv_good("a\n1\n\n3\n", NULL); /* An empty line is a missing value. */
    assert_int_equal(t->row_count, 3);
    assert_int_equal(t->columns[0].missing_count, 1);
    assert_int_equal(t->columns[0].type, QN_TYPE_INTEGER);
    qn_table_free(t);
}

static void bad(const char *text, const char *part)
{
    for (size_t piece = 0; piece < 20; piece++) {
        struct csv_case c = csv_case_default();
        c.piece_size = piece;
        c.options.thread_count = (unsigned)(piece % 3) + 1;
        csv_bad(text, strlen(text), &c, part);
    }
}

static void test_faults(void **state)
{
    (void)state;
    bad("a,b,c\n1,2,3\n4,5\n6,7,8\n", "t.csv, line 3: 2 fields where the header has 3");
    bad("a,b,c\n1,2,3\n4,\"5\n5\",6\n6,7,8,9\n", "t.csv, line 5: 4 fields where the header has 3");
    bad("a,b\n1,2\n3,\"x\n4,5\n6,7\n", "line 3: the quote that opens a field here never closes");
    bad("a,\"b\n1,2\n", "line 1, field 2: the quote that opens here never closes");
    bad("a,b\n1,2\n3,\"x\ny\" z\n", "line 4, column 'b': text after the closing quote of the field "
                                    "that begins in line 3");
    bad("a,b\n1,\"x\"\"\n", "line 2: the quote that opens a field here never closes");
    bad("a,\"b\"c\n1,2\n", "line 1, field 2: text after a closing quote");
    bad("a,b\n1,2\n3,caf\xe9\n", "line 3, column 'b': byte 14 of the file is not UTF-8");
    bad("a,b\n1,caf\xc3\n3,x\n", "line 2, column 'b': byte 10 of the file is not UTF-8");
    bad("a,b\n1,\"\xed\xa0\x80\"\n", "line 2, column 'b': byte 8 of the file is not UTF-8");
    bad("a,b\n1\n2,\xff\n", "line 2: 1 field where the header has 2");
    bad("a,b\n1,\xff\n2\n", "line 2, column 'b': byte 7 of the file is not UTF-8");
    bad("a,b\n1,2\n\xff\n2\n", "line 3, column 'a': byte 9 of the file is not UTF-8");
    csv_bad("a,b\n1,2\n\0,3\n", 12, NULL, "line 3, column 'a': byte 9 of the file is NUL");
}

/* The size that was seen on opening is no longer there. */
static void test_shrunk(void **state)
{
    (void)state;
    const char *text = "a,b\n1,2\n";
    struct csv_case c = csv_case_default();
    struct qn_table *table = NULL;
    struct qn_error err = QN_ERROR_INIT;
    int fd = file_of(text, strlen(text));
    struct qn__source source = {.path = "", .name = "t.csv", .fd = fd, .size_bytes = 1000};
    assert_int_equal(qn__csv_read(&source, &c.options, &table, &err), QN_IO);
    assert_string_equal(err.message, "t.csv became shorter while it was read");
    assert_null(table);
    close(fd);
}

static void test_limits(void **state)
{
    (void)state;
    struct csv_case c = csv_case_default();
    size_t size = 4 << 20;
    char *text = qn_alloc(size + 64, 1);
    assert_non_null(text);
    int head = sprintf(text, "a,b\n1,2\n3,");
    memset(text + head, 'x', size);
    strcpy(text + head + size, "\n");
    c.options.field_limit_bytes = 1000;
    for (size_t piece = 0; piece < 3; piece++) {
        c.piece_size = piece * 1000;
        csv_bad(text, strlen(text), &c, "line 3, column 'b': a field of more than 1000 bytes");
    }
    text[head] = '"';
    text[head + (int)size - 1] = '"';
    csv_bad(text, strlen(text), &c, "line 3, column 'b': a field of more than 1000 bytes");
    c.options.field_limit_bytes = size;
    struct qn_table *t = csv_good(text, &c);
    assert_int_equal(t->row_count, 2);
    size_t length;
    qn_dictionary_text(&t->columns[1].dictionary, 1, &length);
    assert_int_equal(length, size - 2);
    qn_table_free(t);
    qn_free(text);
}

static void test_wide(void **state)
{
    (void)state;
    enum { columns = 100000, rows = 3 };
    char *text = qn_alloc((size_t)columns * (rows + 1) * 8, 1);
    assert_non_null(text);
    char *at = text;
    for (int row = 0; row <= rows; row++) {
        for (int c = 0; c < columns; c++)
            at += sprintf(at, row ? "%d%c" : "n%d%c", c % 7 + row, c + 1 < columns ? ',' : '\n');
    }
    struct qn_table *t = csv_good(text, NULL);
    assert_int_equal(t->column_count, columns);
    assert_int_equal(t->row_count, rows);
    assert_cell(t, 8, 2, "4");
    qn_table_free(t);
    struct csv_case c = csv_case_default();
    c.options.column_limit = columns - 1;
    csv_bad(text, strlen(text), &c, "columns; the limit is 99999");
    qn_free(text);
}

static void test_selection(void **state)
{
    (void)state;
    struct csv_case c = csv_case_default();
    const char *wanted[] = {"c", "a"};
    c.options.columns = wanted;
    c.options.wanted_count = 2;
    struct qn_table *t = csv_good("a,b,c\n1,x,2.5\n2,y,3.5\n", &c);
    assert_int_equal(t->column_count, 2);
    assert_string_equal(t->columns[0].name, "a");
    assert_string_equal(t->columns[1].name, "c");
    assert_cell(t, 1, 1, "3.5");
    qn_table_free(t);
    wanted[1] = "colour";
    csv_bad("color,b,c\n1,x,2.5\n", 18, &c, "has no column 'colour'; did you mean 'color'?");
    c.options.allow_unknown = true;
    t = csv_good("color,b,c\n1,x,2.5\n", &c);
    assert_int_equal(t->column_count, 1);
    qn_table_free(t);
}

static void test_overrides(void **state)
{
    (void)state;
    struct csv_case c = csv_case_default();
    struct qn_error err = QN_ERROR_INIT;
    struct qn_type_override *overrides;
    assert_int_equal(
        qn_type_overrides_parse("zip=text,when=date:%d/%m/%Y,n=number,i=integer,b=boolean",
                                &overrides, &c.options.override_count, &err),
        QN_OK);
    c.options.overrides = overrides;
    struct qn_table *t =
        csv_good("zip,when,n,i,b\n123,01/02/2023,1,5.0,1\n99,03/04/2023,2,007,0\n", &c);
    assert_int_equal(t->columns[0].type, QN_TYPE_TEXT);
    assert_int_equal(t->columns[1].type, QN_TYPE_DATE);
    assert_cell(t, 1, 0, "2023-02-01");
    assert_string_equal(t->columns[1].format, "%d/%m/%Y");
    assert_int_equal(t->columns[2].type, QN_TYPE_NUMBER);
    assert_cell(t, 3, 0, "5");
    assert_cell(t, 3, 1, "7");
    assert_cell(t, 4, 0, "true");
    for (size_t i = 0; i < 5; i++)
        assert_true(t->columns[i].forced);
    qn_table_free(t);
    const char *bad_date = "zip,when,n,i,b\n1,01/02/2023,1,5,1\n1,31/02/2023,1,5,1\n";
    csv_bad(bad_date, strlen(bad_date), &c,
            "t.csv, line 3, column 'when': '31/02/2023' is not of type date written %d/%m/%Y");
    const char *bad_integer = "zip,when,n,i,b\n1,01/02/2023,1,5,1\n\n1,01/02/2023,1,5.5,1\n";
    csv_bad(bad_integer, strlen(bad_integer), &c,
            "line 4, column 'i': '5.5' is not of type integer");
    csv_bad("a\n1\n", 4, &c, "has no column 'zip'");
    qn_type_overrides_free(overrides, c.options.override_count);
}

static void test_missing(void **state)
{
    (void)state;
    struct qn_table *t = csv_good("a,b,c\n1,x,NA\n NA ,null,NA\n\"NA\",\"\",NA\n-,?,\n", NULL);
    assert_int_equal(t->columns[0].type, QN_TYPE_INTEGER);
    assert_int_equal(t->columns[0].missing_count, 3);
    assert_int_equal(t->columns[1].missing_count, 3);
    assert_int_equal(t->columns[2].missing_count, 4);
    assert_int_equal(t->columns[2].type, QN_TYPE_CATEGORY);
    assert_string_equal(t->columns[2].reason, "there are no values: all are missing");
    qn_table_free(t);
    struct csv_case c = csv_case_default();
    const char *tokens[] = {"-999", "void"};
    c.options.missing = tokens;
    c.options.missing_count = 2;
    t = csv_good("a,b\n1,NA\n-999,void\n,x\n", &c);
    assert_int_equal(t->columns[0].type, QN_TYPE_INTEGER);
    assert_int_equal(t->columns[0].missing_count, 2);
    assert_cell(t, 1, 0, "NA");
    assert_int_equal(t->columns[1].missing_count, 1);
    qn_table_free(t);
}

static void test_spill(void **state)
{
    (void)state;
    const char *text = "a,b,c,d\n1,x,2.5,yes\n\n2,y,3,no\n1,zz,1,yes\n";
    struct csv_case c = csv_case_default();
    struct qn_table *plain = csv_good(text, NULL);
    c.options.memory_limit_bytes = 1;
    for (size_t piece = 0; piece < 9; piece++) {
        c.piece_size = piece;
        c.no_guess = piece % 2;
        struct qn_table *spilled = csv_good(text, &c);
        assert_non_null(spilled->mapping);
        assert_same_table(plain, spilled);
        qn_table_free(spilled);
    }
    qn_table_free(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),     cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_quotes),    cmocka_unit_test(test_delimiters),
        cmocka_unit_test(test_header),    cmocka_unit_test(test_one_column),
        cmocka_unit_test(test_faults),    cmocka_unit_test(test_limits),
        cmocka_unit_test(test_wide),      cmocka_unit_test(test_selection),
        cmocka_unit_test(test_overrides), cmocka_unit_test(test_missing),
        cmocka_unit_test(test_spill),     cmocka_unit_test(test_shrunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
