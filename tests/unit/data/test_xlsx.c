/* Workbooks that openpyxl and xlsxwriter wrote (tests/golden/make_xlsx.py), against what must come
 * of them; and workbooks made here, most of them wrong. */
#include "io_support.h"
#include "xlsx_property.h"

static const char *golden(const char *name, const char *ending)
{
    static char paths[2][512];
    static unsigned next;
    char *path = paths[next++ % 2];
    snprintf(path, sizeof(paths[0]), "%s/tests/golden/xlsx/%s.%s", QN_SOURCE_DIR, name, ending);
    return path;
}

/* Cuts the text up to `end` off *rest. */
static char *next_piece(char **rest, char end)
{
    char *piece = *rest;
    char *at = strchr(piece, end);
    if (at)
        *at = '\0';
    *rest = at ? at + 1 : piece + strlen(piece);
    return piece;
}

static void check_table(const struct qn_table *table, char *expected)
{
    char *names = next_piece(&expected, '\n'), *types = next_piece(&expected, '\n');
    size_t missing = 0, counted = 0;
    for (size_t c = 0; c < table->column_count; c++) {
        assert_string_equal(table->columns[c].name, next_piece(&names, '\t'));
        assert_string_equal(qn_type_name(table->columns[c].type), next_piece(&types, '\t'));
        assert_non_null(table->columns[c].reason);
        counted += table->columns[c].missing_count;
    }
    assert_string_equal(names, "");
    for (size_t row = 0; row < table->row_count; row++) {
        char *line = next_piece(&expected, '\n');
        for (size_t c = 0; c < table->column_count; c++) {
            assert_string_equal(io_cell(&table->columns[c], row), next_piece(&line, '\t'));
            missing += qn_column_is_missing(&table->columns[c], row);
        }
    }
    assert_string_equal(expected, "");
    assert_int_equal(missing, counted);
}

static void check_golden(const char *name, size_t memory_limit_bytes)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_read_options options;
    struct qn_table *table = NULL;
    qn_read_options_default(&options);
    options.memory_limit_bytes = memory_limit_bytes;
    if (io_read(qn__xlsx_read, golden(name, "xlsx"), &options, &table, &err) != QN_OK)
        fail_msg("%s: %s", name, err.message);
    char *expected = io_get(golden(name, "tsv"), NULL);
    check_table(table, expected);
    free(expected);
    qn_table_free(table);
}

static void test_golden(void **state)
{
    static const char *const names[] = {
        "types",   "epoch_1904", "iso_dates", "layout", "unresolved",
        "formats", "strings",    "inline",    "zip64",  "by_hand",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        print_message("%s\n", names[i]);
        check_golden(names[i], (size_t)1 << 30);
        check_golden(names[i], 0); /* in a mapped file */
    }
}

/* ---- Made here ---- */

static enum qn_status read_parts(const struct xlsx_part *parts, size_t count,
                                 const struct qn_read_options *options, struct qn_table **out,
                                 struct qn_error *err)
{
    const char *path = io_path("book.xlsx");
    struct xlsx_archive archive = xlsx_archive_make(parts, count);
    io_put(path, archive.bytes, archive.size);
    free(archive.bytes);
    return io_read(qn__xlsx_read, path, options, out, err);
}

static enum qn_status read_sheet(const char *rows, const struct qn_read_options *options,
                                 struct qn_table **out, struct qn_error *err)
{
    struct xlsx_part parts[XLSX_PARTS];
    char *text = malloc(strlen(rows) + 128);
    sprintf(text, "<worksheet><sheetData>%s</sheetData></worksheet>", rows);
    xlsx_parts(parts);
    parts[XLSX_SHEET].text = text;
    enum qn_status status = read_parts(parts, XLSX_PARTS, options, out, err);
    free(text);
    return status;
}

static struct qn_table *good_sheet(const char *rows, const struct qn_read_options *options)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    if (read_sheet(rows, options, &table, &err) != QN_OK)
        fail_msg("%s: %s", rows, err.message);
    return table;
}

static void refused_sheet(const char *rows, const struct qn_read_options *options,
                          const char *message)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    assert_int_not_equal(read_sheet(rows, options, &table, &err), QN_OK);
    assert_null(table);
    if (!strstr(err.message, message))
        fail_msg("'%s', not '%s'", err.message, message);
}

/* The workbook with one part replaced (text NULL: left out). */
static void refused_part(int part, const char *text, enum qn_status expected, const char *message)
{
    struct xlsx_part parts[XLSX_PARTS];
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    size_t count = XLSX_PARTS;
    xlsx_parts(parts);
    parts[XLSX_SHEET].text = "<worksheet><sheetData><row><c><v>1</v></c></row></sheetData>"
                             "</worksheet>";
    parts[part].text = text;
    if (!text) {
        parts[part] = parts[XLSX_PARTS - 1];
        count--;
    }
    enum qn_status status = read_parts(parts, count, NULL, &table, &err);
    assert_null(table);
    if (!strstr(err.message, message))
        fail_msg("'%s', not '%s'", err.message, message);
    assert_int_equal(status, expected);
}

#define HEADER                                                                                     \
    "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>x</t></is></c>"                               \
    "<c r=\"B1\" t=\"inlineStr\"><is><t>y</t></is></c></row>"

static void test_options(void **state)
{
    static const char rows[] = HEADER "<row r=\"3\"><c r=\"A3\"><v>7</v></c>"
                                      "<c r=\"B3\" t=\"s\"><v>1</v></c></row>"
                                      "<row r=\"4\"><c r=\"B4\" t=\"str\"><v>NA</v></c></row>";
    struct qn_read_options options;
    (void)state;
    qn_read_options_default(&options);
    const char *const wanted[] = {"y"};
    options.columns = wanted;
    options.wanted_count = 1;
    struct qn_table *table = good_sheet(rows, &options);
    assert_int_equal(table->column_count, 1);
    assert_string_equal(io_cell(&table->columns[0], 0), "b");
    assert_int_equal(table->columns[0].missing_count, 1);
    assert_int_equal(table->note_count, 1);
    assert_string_equal(table->notes[0], "1 empty row left out: row 2");
    qn_table_free(table);

    qn_read_options_default(&options);
    options.no_header = true;
    table = good_sheet(rows, &options);
    assert_int_equal(table->row_count, 3);
    assert_string_equal(table->columns[1].name, "c2");
    assert_string_equal(io_cell(&table->columns[0], 0), "x");
    qn_table_free(table);

    struct qn_type_override overrides[] = {{(char *)"x", QN_TYPE_TEXT, NULL},
                                           {(char *)"y", QN_TYPE_INTEGER, NULL}};
    qn_read_options_default(&options);
    options.overrides = overrides;
    options.override_count = 1;
    table = good_sheet(rows, &options);
    assert_int_equal(table->columns[0].type, QN_TYPE_TEXT);
    assert_true(table->columns[0].forced);
    assert_string_equal(io_cell(&table->columns[0], 0), "7");
    qn_table_free(table);

    options.override_count = 2;
    refused_sheet(rows, &options,
                  "book.xlsx, sheet 'Q1', cell B3, column 'y': 'b' is not of type integer");
    refused_sheet(HEADER "<row><c/><c><v>1</v></c></row><row r=\"9\"><c/><c><v>2.5</v></c></row>",
                  &options, "sheet 'Q1', cell B9, column 'y': '2.5' is not of type integer");
    overrides[0].name = (char *)"z";
    options.override_count = 1;
    refused_sheet(rows, &options, "'z'");
}

/* Missing-value words among numbers do not make a column a text; other words do. */
static void test_mixtures(void **state)
{
    (void)state;
    struct qn_table *table = good_sheet(
        HEADER "<row><c><v>1.5</v></c><c s=\"1\"><v>45351</v></c></row>"
               "<row><c t=\"str\"><v> n/a </v></c><c t=\"str\"><v>2024-03-01</v></c></row>"
               "<row><c t=\"e\"><v>#REF!</v></c><c t=\"e\"><v>#N/A</v></c></row>"
               "<row><c><v>1E3</v></c><c s=\"1\"/></row>",
        NULL);
    assert_int_equal(table->row_count, 4);
    assert_int_equal(table->columns[0].type, QN_TYPE_NUMBER);
    assert_int_equal(table->columns[0].missing_count, 2);
    assert_string_equal(io_cell(&table->columns[0], 3), "1000");
    assert_int_equal(table->columns[1].type, QN_TYPE_DATE);
    assert_string_equal(io_cell(&table->columns[1], 0), "2024-02-29");
    assert_int_equal(table->note_count, 1);
    assert_string_equal(table->notes[0],
                        "1 cell with an error such as #DIV/0! taken as missing: A4");
    qn_table_free(table);
}

/* Whole numbers are kept to the digit as long as 64 bits hold them; a program may write more than
 * the double that it keeps. */
static void test_whole_numbers(void **state)
{
    (void)state;
    struct qn_table *table =
        good_sheet(HEADER "<row><c><v>9223372036854775807</v></c><c><v>1e15</v></c></row>"
                          "<row><c><v>9007199254740993</v></c><c><v>-0</v></c></row>"
                          "<row><c t=\"e\"><v>#N/A</v></c></row>",
                   NULL);
    assert_int_equal(table->columns[0].type, QN_TYPE_INTEGER);
    assert_string_equal(io_cell(&table->columns[0], 0), "9223372036854775807");
    assert_string_equal(io_cell(&table->columns[0], 1), "9007199254740993");
    assert_int_equal(table->columns[1].type, QN_TYPE_INTEGER);
    assert_string_equal(io_cell(&table->columns[1], 0), "1000000000000000");
    qn_table_free(table);
    table = good_sheet(HEADER "<row><c><v>9223372036854775808</v></c></row>", NULL);
    assert_int_equal(table->columns[0].type, QN_TYPE_NUMBER);
    qn_table_free(table);
}

/* The format tells moments from days, even at midnight; one moment makes all of a column moments.
 */
static void test_moments(void **state)
{
    (void)state;
    struct qn_table *table =
        good_sheet(HEADER "<row><c s=\"3\"><v>45351</v></c><c s=\"1\"><v>45351</v></c></row>"
                          "<row><c s=\"3\"><v>1</v></c><c s=\"1\"><v>45351.75</v></c></row>",
                   NULL);
    assert_int_equal(table->columns[0].type, QN_TYPE_DATETIME);
    assert_string_equal(io_cell(&table->columns[0], 0), "2024-02-29T00:00:00Z");
    assert_int_equal(table->columns[1].type, QN_TYPE_DATETIME);
    assert_string_equal(io_cell(&table->columns[1], 0), "2024-02-29T00:00:00Z");
    assert_string_equal(io_cell(&table->columns[1], 1), "2024-02-29T18:00:00Z");
    qn_table_free(table);
}

/* What is inside an unknown element is not the cell's text. */
static void test_nested_texts(void **state)
{
    (void)state;
    struct qn_table *table = good_sheet(
        HEADER "<row><c><v>1<z>2</z>3<!-- 4 --></v></c><c t=\"inlineStr\"><is><r><t>p</t></r><rPh>"
               "<t>q</t></rPh><r><rPr><t>r</t></rPr><t>s</t></r></is></c></row>",
        NULL);
    assert_string_equal(io_cell(&table->columns[0], 0), "13");
    assert_string_equal(io_cell(&table->columns[1], 0), "ps");
    qn_table_free(table);
}

/* 29 February 1900 and days before the calendar are numbers, and say so. */
static void test_no_such_day(void **state)
{
    (void)state;
    struct qn_table *table =
        good_sheet(HEADER "<row><c s=\"1\"><v>60</v></c><c s=\"1\"><v>-1</v></c></row>"
                          "<row><c s=\"1\"><v>61</v></c><c s=\"1\"><v>2958466</v></c></row>",
                   NULL);
    assert_int_equal(table->columns[0].type, QN_TYPE_CATEGORY);
    assert_string_equal(io_cell(&table->columns[0], 0), "60");
    assert_string_equal(io_cell(&table->columns[0], 1), "1900-03-01");
    assert_int_equal(table->columns[1].type, QN_TYPE_INTEGER);
    assert_string_equal(io_cell(&table->columns[1], 1), "2958466");
    qn_table_free(table);
}

static void test_which_sheet(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    assert_int_equal(io_read(qn__xlsx_read, golden("layout", "xlsx"), NULL, &table, &err), QN_OK);
    assert_int_equal(table->note_count, 4);
    assert_non_null(strstr(table->notes[0], "3 columns without a name"));
    assert_non_null(strstr(table->notes[1], "1 column with the name of another"));
    assert_string_equal(table->notes[2], "the workbook has 4 sheets; the first visible one, "
                                         "'B\xc3\xbc"
                                         "cher & 'Q1'', is read");
    assert_string_equal(table->notes[3], "2 empty rows left out: row 6 ...");
    qn_table_free(table);
    refused_part(XLSX_WORKBOOK,
                 "<workbook><sheets><sheet name=\"Q\" state=\"hidden\" r:id=\"s\"/></sheets>"
                 "</workbook>",
                 QN_INVALID, "no visible sheet");
    refused_part(XLSX_WORKBOOK,
                 "<workbook><sheets><sheet name=\"Q\" r:id=\"z\"/></sheets>"
                 "</workbook>",
                 QN_CORRUPT, "has no part in the file");
    refused_part(XLSX_WORKBOOK, "<workbook><sheets><sheet name=\"Q\"/></sheets></workbook>",
                 QN_CORRUPT, "no name or no part");
    refused_part(XLSX_WORKBOOK, "<document/>", QN_UNSUPPORTED, "not an Excel workbook");
}

static void test_bad_cells(void **state)
{
    (void)state;
    refused_sheet("", NULL, "sheet 'Q1' is empty");
    refused_sheet("<row><c r=\"A1\"/></row>", NULL, "sheet 'Q1' is empty");
    refused_sheet(HEADER "<row r=\"7\"><c r=\"C7\"><v>1,5</v></c></row>", NULL,
                  "book.xlsx, sheet 'Q1', cell C7: '1,5' is not a number");
    refused_sheet("<row><c><v>inf</v></c></row>", NULL, "'inf' is not a number");
    refused_sheet("<row><c t=\"b\"><v>2</v></c></row>", NULL, "neither true");
    refused_sheet("<row><c t=\"s\"><v>2</v></c></row>", NULL, "cell A1: its text is missing");
    refused_sheet("<row><c t=\"s\"><v>-1</v></c></row>", NULL, "cell A1: its text is missing");
    refused_sheet("<row><c t=\"q\"><v>2</v></c></row>", NULL, "its type is not known");
    refused_sheet("<row><c s=\"q\"><v>2</v></c></row>", NULL, "its format is not a number");
    refused_sheet("<row><c r=\"B1\"><v>2</v></c><c r=\"B1\"><v>2</v></c></row>", NULL,
                  "cell B1: it comes twice");
    refused_sheet("<row r=\"2\"><c r=\"B1\"><v>2</v></c></row>", NULL, "cell B1: it comes twice");
    refused_sheet("<row><c r=\"XFE1\"><v>2</v></c></row>", NULL, "there is no cell 'XFE1'");
    refused_sheet("<row><c r=\"1\"><v>2</v></c></row>", NULL, "there is no cell '1'");
    refused_sheet("<row><c r=\"XFD1\"/><c/></row>", NULL, "at most 16384 columns");
    refused_sheet("<row r=\"1048577\"/>", NULL, "a row has a number outside");
    refused_sheet("<row r=\"1048576\"/><row/>", NULL, "at most 1048576 rows");
    refused_sheet("<row r=\"2\"/><row r=\"2\"/>", NULL, "row 2 comes twice");
    struct qn_read_options options;
    qn_read_options_default(&options);
    options.field_limit_bytes = 3;
    refused_sheet("<row><c t=\"str\"><v>abcd</v></c></row>", &options, "longer than the limit");
    options.memory_limit_bytes = 1 << 20;
    refused_sheet("<row><c><v>1</v></c></row><row r=\"2\"><c><v>1</v></c></row>"
                  "<row r=\"3\"><c><v>1</v></c></row><row r=\"1048576\"><c r=\"XFD1048576\"><v>1"
                  "</v></c></row><row/>",
                  &options, "at most 1048576 rows");
}

/* A value far to the right in each of many rows: refused when it would not fit memory. */
static void test_sparse(void **state)
{
    (void)state;
    size_t size = 0;
    char *rows = malloc(1 << 20);
    for (int row = 1; row <= 4000; row++)
        size += (size_t)sprintf(rows + size, "<row r=\"%d\"><c r=\"%s%d\"><v>1</v></c></row>", row,
                                row % 2 ? "A" : "XFD", row);
    struct qn_read_options options;
    qn_read_options_default(&options);
    options.memory_limit_bytes = 1 << 20;
    refused_sheet(rows, &options, "3999 values spread over 3999 rows and 16384 columns");
    free(rows);
    struct qn_table *table = good_sheet("<row r=\"5\"><c r=\"B5\" t=\"s\"><v>0</v></c></row>"
                                        "<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>",
                                        NULL);
    assert_int_equal(table->row_count, 1);
    assert_int_equal(table->column_count, 16383);
    assert_string_equal(table->columns[0].name, "a");
    assert_string_equal(io_cell(&table->columns[16382], 0), "1");
    qn_table_free(table);
}

/* ---- XML ---- */

static void test_bad_xml(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "it ends too early"},
        {"<worksheet>", "it ends too early"},
        {"hello", "it is not XML"},
        {"<worksheet/><worksheet/>", "two outermost"},
        {"<worksheet></sheet>", "does not match"},
        {"</worksheet>", "no start"},
        {"<worksheet", "ends inside a tag"},
        {"<worksheet a/>", "an attribute has no value"},
        {"<worksheet a=b/>", "not in quotes"},
        {"<worksheet a='1' a='2'/>", "comes twice in a tag"},
        {"<worksheet a='1'b='2'/>", "not well-formed"},
        {"<worksheet a='<'/>", "not well-formed"},
        {"<worksheet a='&x;'/>", "entity in an attribute"},
        {"<1/>", "not well-formed"},
        {"< worksheet/>", "not well-formed"},
        {"<!DOCTYPE worksheet [<!ENTITY x 'y'>]><worksheet/>", "document types"},
        {"<worksheet><!ENTITY x 'y'></worksheet>", "document types"},
        {"<?xml version='1.0' encoding='ISO-8859-1'?><worksheet/>", "not written in UTF-8"},
        {"<worksheet>&x;</worksheet>", "entity is not known"},
        {"<worksheet>&#0;</worksheet>", "entity is not known"},
        {"<worksheet>&#xD800;</worksheet>", "entity is not known"},
        {"<worksheet>&#x110000;</worksheet>", "entity is not known"},
        {"<worksheet>&amp", "entity is not known"},
        {"<worksheet><!-- </worksheet>", "the file ends before -->"},
        {"<worksheet \xff='1'/>", "a tag is not UTF-8"},
        {"<chartsheet/>", "not a sheet of cells"},
        {"<worksheet><sheetData><row><c t='str'><v>\xff</v></c></row></sheetData></worksheet>",
         "a text is not UTF-8"},
        {"<worksheet><sheetData><row><c t='str'><v>\1</v></c></row></sheetData></worksheet>",
         "a text is not UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].text[0] != '\0') {
            refused_part(XLSX_SHEET, cases[i].text, QN_CORRUPT, cases[i].message);
            continue;
        }
        refused_part(XLSX_SHEET, " ", QN_CORRUPT, cases[i].message);
    }
}

static void test_xml_limits(void **state)
{
    (void)state;
    const size_t size = 1 << 18;
    char *text = malloc(size + 64);
    size_t at = 0;
    for (int i = 0; i < 65; i++)
        at += (size_t)sprintf(text + at, "<a>");
    refused_part(XLSX_STRINGS, text, QN_CORRUPT, "nested deeper than 64");
    at = (size_t)sprintf(text, "<worksheet");
    for (int i = 0; i < 65; i++)
        at += (size_t)sprintf(text + at, " a%d=''", i);
    sprintf(text + at, "/>");
    refused_part(XLSX_SHEET, text, QN_CORRUPT, "more than 64 attributes");
    memset(text, 'a', size);
    memcpy(text, "<worksheet a='", 14);
    sprintf(text + size, "'/>");
    refused_part(XLSX_SHEET, text, QN_CORRUPT, "longer than 64 KiB");
    free(text);
}

/* Texts longer than the window come out whole, wherever its border falls. */
static void test_long_texts(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 7; shift++) {
        size_t at = 0, length = 0;
        char *rows = malloc(4 << 20);
        at += (size_t)sprintf(rows, "%.*s" HEADER "<row><c t=\"str\"><v>", (int)shift, "       ");
        for (size_t i = 0; i < 100000; i++, length += 3)
            at += (size_t)sprintf(rows + at, "&amp;\xc3\xa9");
        sprintf(rows + at, "</v></c></row>");
        struct qn_table *table = good_sheet(rows, NULL);
        size_t size;
        const char *text = qn_dictionary_text(&table->columns[0].dictionary, 0, &size);
        assert_int_equal(size, length);
        for (size_t i = 0; i < size; i += 3)
            assert_memory_equal(text + i, "&\xc3\xa9", 3);
        qn_table_free(table);
        free(rows);
    }
}

/* ---- Archives ---- */

static void refused_archive(struct xlsx_archive archive, enum qn_status expected,
                            const char *message)
{
    const char *path = io_path("book.xlsx");
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    io_put(path, archive.bytes, archive.size);
    free(archive.bytes);
    enum qn_status status = io_read(qn__xlsx_read, path, NULL, &table, &err);
    assert_null(table);
    if (!strstr(err.message, message))
        fail_msg("'%s', not '%s'", err.message, message);
    assert_int_equal(status, expected);
}

static struct xlsx_archive good_archive(void)
{
    struct xlsx_part parts[XLSX_PARTS];
    xlsx_parts(parts);
    parts[XLSX_SHEET].text = "<worksheet><sheetData><row><c><v>1</v></c></row></sheetData>"
                             "</worksheet>";
    return xlsx_archive_make(parts, XLSX_PARTS);
}

static void test_wide_archive(void **state)
{
    (void)state;
    struct xlsx_part parts[XLSX_PARTS];
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    const char *path = io_path("book.xlsx");
    xlsx_parts(parts);
    parts[XLSX_SHEET].text = "<worksheet><sheetData><row><c><v>1</v></c></row></sheetData>"
                             "</worksheet>";
    struct xlsx_archive archive = xlsx_archive_build(parts, XLSX_PARTS, true);
    io_put(path, archive.bytes, archive.size);
    if (io_read(qn__xlsx_read, path, NULL, &table, &err) != QN_OK)
        fail_msg("%s", err.message);
    assert_string_equal(table->columns[0].name, "1");
    qn_table_free(table);
    archive.bytes[archive.size - 22 - 20 + 8]++; /* place of the wide end record */
    refused_archive(archive, QN_CORRUPT, "its ZIP64 record is missing");
    archive = xlsx_archive_build(parts, XLSX_PARTS, true);
    archive.bytes[archive.directory_at + 46 + strlen(parts[0].name) + 5] = 2; /* not ZIP64 */
    refused_archive(archive, QN_CORRUPT, "a ZIP64 field is missing");
}

static void test_bad_archives(void **state)
{
    (void)state;
    struct xlsx_archive archive = {0};
    xlsx_put(&archive, "PK\3\4", 4);
    refused_archive(archive, QN_CORRUPT, "its end is missing");
    archive = good_archive();
    archive.size--;
    refused_archive(archive, QN_CORRUPT, "its end is missing");
    archive = good_archive();
    archive.bytes[archive.size - 6]--; /* place of the directory */
    refused_archive(archive, QN_CORRUPT, "an entry of its directory is missing");
    archive = good_archive();
    archive.bytes[archive.size - 3] = 0x7f;
    refused_archive(archive, QN_CORRUPT, "its directory lies outside the file");
    archive = good_archive();
    archive.bytes[archive.size - 11] = 0x27;
    archive.bytes[archive.size - 12] = 0x11;
    refused_archive(archive, QN_INVALID, "10001 entries");
    archive = good_archive();
    archive.bytes[archive.directory_at + 42] = 1; /* place of the first entry */
    refused_archive(archive, QN_CORRUPT, "do not agree");
    archive = good_archive();
    archive.bytes[archive.directory_at + 20] += 40; /* its packed size reaches into the next */
    refused_archive(archive, QN_CORRUPT, "two entries overlap");
    archive = good_archive();
    archive.bytes[archive.directory_at + 22] = 0x7f;
    refused_archive(archive, QN_CORRUPT, "lies outside the file");
    archive = good_archive();
    archive.bytes[archive.directory_at + 8] = 1;
    refused_archive(archive, QN_UNSUPPORTED, "protected by a password");
    archive = good_archive();
    archive.bytes[archive.directory_at + 10] = 12;
    refused_archive(archive, QN_UNSUPPORTED, "packed in an unusual way");
    archive = good_archive();
    archive.bytes[archive.directory_at + 10] = 8; /* stored bytes are no deflate stream */
    refused_archive(archive, QN_CORRUPT, "does not unpack");
    archive = good_archive();
    archive.bytes[archive.directory_at + 16] ^= 1;
    refused_archive(archive, QN_CORRUPT, "its checksum is wrong");
    archive = good_archive();
    archive.bytes[archive.directory_at + 24]++;
    refused_archive(archive, QN_CORRUPT, "two different sizes");
    const struct xlsx_part twice[] = {{"_rels/.rels", "x", 0}, {"_RELS/.rels", "x", 0}};
    refused_archive(xlsx_archive_make(twice, 2), QN_CORRUPT, "two entries have the same name");
}

static void test_other_archives(void **state)
{
    static const struct xlsx_part readme = {"README", "hello", 0};
    static const struct xlsx_part document = {"mimetype", "application/vnd.oasis", 0};
    static const struct xlsx_part binary = {"xl/workbook.bin", "x", 0};
    (void)state;
    refused_archive(xlsx_archive_make(NULL, 0), QN_UNSUPPORTED, "not an Excel workbook");
    refused_archive(xlsx_archive_make(&readme, 1), QN_UNSUPPORTED, "not an Excel workbook");
    refused_archive(xlsx_archive_make(&document, 1), QN_UNSUPPORTED, "OpenDocument");
    refused_archive(xlsx_archive_make(&binary, 1), QN_UNSUPPORTED, ".xlsb");
    refused_part(XLSX_LINKS, NULL, QN_CORRUPT, "'xl/_rels/workbook.xml.rels'");
    refused_part(XLSX_STRINGS, NULL, QN_CORRUPT,
                 "part 'xl/strings.xml' of the workbook is missing");
}

/* Deflated zeros or spaces: a thousand times larger than packed. */
static void test_bomb(void **state)
{
    (void)state;
    const size_t size = QN_XLSX_PART_BYTES + (1 << 20);
    struct xlsx_part parts[XLSX_PARTS];
    struct qn_read_options options;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_table *table = NULL;
    char *text = malloc(size + 1);
    memset(text, ' ', size);
    text[size] = '\0';
    memcpy(text, "<sst>", 5);
    memcpy(text + size - 6, "</sst>", 6);
    qn_read_options_default(&options);
    options.memory_limit_bytes = 1000;
    xlsx_parts(parts);
    parts[XLSX_STRINGS].text = text;
    assert_int_equal(read_parts(parts, XLSX_PARTS, &options, &table, &err), QN_NOMEM);
    assert_non_null(strstr(err.message, "unpacks to more than 64.0 MiB"));
    free(text);
}

/* Every prefix of a real file, and every byte of it changed: an error or a table, nothing else. */
static void test_damage(void **state)
{
    (void)state;
    size_t size;
    const char *path = io_path("damaged.xlsx");
    char *bytes = io_get(golden("zip64", "xlsx"), &size);
    for (size_t cut = 0; cut < size; cut += 1 + cut / 64) {
        struct qn_error err = QN_ERROR_INIT;
        struct qn_table *table = NULL;
        io_put(path, bytes, cut);
        assert_int_not_equal(io_read(qn__xlsx_read, path, NULL, &table, &err), QN_OK);
        assert_null(table);
        assert_true(err.message[0] != '\0');
    }
    for (size_t i = 0; i < size; i += 3) {
        struct qn_error err = QN_ERROR_INIT;
        struct qn_table *table = NULL;
        bytes[i] = (char)(bytes[i] ^ (1 << i % 8));
        io_put(path, bytes, size);
        enum qn_status status = io_read(qn__xlsx_read, path, NULL, &table, &err);
        assert_true((table != NULL) == (status == QN_OK));
        assert_true(status == QN_OK || err.message[0] != '\0');
        qn_table_free(table);
        bytes[i] = (char)(bytes[i] ^ (1 << i % 8));
    }
    free(bytes);
}

/* The inputs that the fuzzer starts from, and those it once failed on. */
static void test_corpus(void **state)
{
    (void)state;
    DIR *folder = opendir(QN_SOURCE_DIR "/tests/fuzz/corpus/xlsx");
    size_t count = 0;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[1024];
        size_t size;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/xlsx/%s", QN_SOURCE_DIR, entry->d_name);
        char *bytes = io_get(path, &size);
        xlsx_property((const uint8_t *)bytes, size);
        free(bytes);
        count++;
    }
    closedir(folder);
    assert_true(count >= 14);
}

/* ---- Pieces ---- */

static void test_formats(void **state)
{
    static const struct {
        const char *code;
        enum qn__xlsx_format format;
    } cases[] = {
        {"General", QN_XLSX_PLAIN},
        {"0.00", QN_XLSX_PLAIN},
        {"yyyy-mm-dd", QN_XLSX_DATE},
        {"YYYY", QN_XLSX_DATE},
        {"mmm", QN_XLSX_DATE},
        {"mm:ss.0", QN_XLSX_TIME},
        {"h AM/PM", QN_XLSX_TIME},
        {"d/m/yy h:mm", QN_XLSX_DATETIME},
        {"[h]:mm", QN_XLSX_PLAIN},
        {"[mm]:ss", QN_XLSX_PLAIN},
        {"[Red]0", QN_XLSX_PLAIN},
        {"[$-409]d-mmm", QN_XLSX_DATE},
        {"[Magenta]0", QN_XLSX_PLAIN},
        {"\"day\" 0", QN_XLSX_PLAIN},
        {"0\\d", QN_XLSX_PLAIN},
        {"_d0", QN_XLSX_PLAIN},
        {"*y0", QN_XLSX_PLAIN},
        {"0;yyyy", QN_XLSX_PLAIN},
        {"yyyy;@", QN_XLSX_DATE},
        {"\"open", QN_XLSX_PLAIN},
        {"", QN_XLSX_PLAIN},
        {"\\", QN_XLSX_PLAIN},
        {"#,##0 [$\xe2\x82\xac]", QN_XLSX_PLAIN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (qn__xlsx_format_read(cases[i].code, strlen(cases[i].code)) != cases[i].format)
            fail_msg("'%s'", cases[i].code);
    }
}

static void test_cell_names(void **state)
{
    (void)state;
    char name[QN_XLSX_NAME_SIZE];
    static const struct {
        uint32_t row, column;
        const char *name;
    } cases[] = {{0, 0, "A1"},     {4, 25, "Z5"},
                 {0, 26, "AA1"},   {9, 701, "ZZ10"},
                 {0, 702, "AAA1"}, {QN_XLSX_ROW_LIMIT - 1, QN_XLSX_COLUMN_LIMIT - 1, "XFD1048576"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        qn__xlsx_cell_name(cases[i].row, cases[i].column, name);
        assert_string_equal(name, cases[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),       cmocka_unit_test(test_options),
        cmocka_unit_test(test_mixtures),     cmocka_unit_test(test_no_such_day),
        cmocka_unit_test(test_moments),      cmocka_unit_test(test_nested_texts),
        cmocka_unit_test(test_wide_archive), cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_which_sheet),  cmocka_unit_test(test_bad_cells),
        cmocka_unit_test(test_sparse),       cmocka_unit_test(test_bad_xml),
        cmocka_unit_test(test_xml_limits),   cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_bad_archives), cmocka_unit_test(test_other_archives),
        cmocka_unit_test(test_bomb),         cmocka_unit_test(test_damage),
        cmocka_unit_test(test_corpus),       cmocka_unit_test(test_formats),
        cmocka_unit_test(test_cell_names),
    };
    return cmocka_run_group_tests(tests, io_folder_make, io_folder_remove);
}
