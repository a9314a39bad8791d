/* The reader against one that could not be simpler, over random files, pieces of any size and any
 * number of threads. */
#include "unit/data/csv_property.h"
#include "unit/data/csv_support.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/random.h"

enum { MOST_FIELDS = 64, MOST_RECORDS = 400, MOST_CELL = 200 };

/* What the simple reader found; valid is false when the file must be refused. */
struct simple {
    bool valid;
    size_t rows, columns;
    char cells[MOST_RECORDS][MOST_FIELDS][MOST_CELL];
    bool quoted[MOST_RECORDS][MOST_FIELDS];
};

static void trim(char *text)
{
    size_t from = strspn(text, " \t"), size = strlen(text);
    while (size > from && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        size--;
    memmove(text, text + from, size - from);
    text[size - from] = '\0';
}

/* Reads one field from *at; false when it is not well-formed. */
static bool simple_field(const char *text, size_t size, size_t *at, char *cell, bool *quoted)
{
    size_t i = *at, used = 0, spaces = 0;
    while (i + spaces < size && text[i + spaces] == ' ')
        spaces++;
    *quoted = spaces <= QN_CSV_INDENT && i + spaces < size && text[i + spaces] == '"';
    if (*quoted) {
        for (i += spaces + 1;; i++) {
            if (i >= size)
                return false;
            if (text[i] == '"') {
                if (i + 1 >= size || text[i + 1] != '"')
                    break;
                i++;
            }
            cell[used++] = text[i];
        }
        for (i++; i < size && text[i] == ' ';)
            i++;
        if (i < size && !strchr(",\r\n", text[i]))
            return false;
    } else {
        while (i < size && !strchr(",\r\n", text[i]))
            cell[used++] = text[i++];
    }
    cell[used] = '\0';
    if (!*quoted)
        trim(cell);
    *at = i;
    return true;
}

static void simple_read(const char *text, size_t size, struct simple *simple)
{
    *simple = (struct simple){.valid = false};
    for (size_t at = 0; at < size;) {
        size_t fields = 0, row = simple->rows;
        for (;;) {
            if (!simple_field(text, size, &at, simple->cells[row][fields],
                              &simple->quoted[row][fields]))
                return;
            fields++;
            if (at >= size || text[at] != ',')
                break;
            at++;
        }
        if (at < size)
            at += text[at] == '\r' && at + 1 < size && text[at + 1] == '\n' ? 2 : 1;
        bool blank = fields == 1 && simple->cells[row][0][0] == '\0' && !simple->quoted[row][0];
        if (blank && simple->columns != 1)
            continue;
        if (simple->columns == 0)
            simple->columns = fields;
        if (fields != simple->columns)
            return;
        simple->rows++;
    }
    simple->valid = simple->columns > 0;
}

static void put_random_field(struct qn_random *random, struct qn_buffer *out)
{
    static const char *const bits[] = {"a", "bc", " ", "\"", "é", "7", "x y", "\t", "日本", "'",
                                       ";", "no", "-", "",   "|", "0", "q",   "ä",  ".",    "_"};
    bool quoted = qn_random_below(random, 3) == 0;
    size_t count = qn_random_below(random, 5);
    for (size_t i = qn_random_below(random, 8); quoted && i > 6; i--)
        qn_buffer_char(out, ' ');
    if (quoted)
        qn_buffer_char(out, '"');
    for (size_t i = 0; i < count; i++) {
        const char *bit = bits[qn_random_below(random, sizeof(bits) / sizeof(bits[0]))];
        if (quoted && *bit == '"') {
            qn_buffer_text(out, "\"\"");
        } else if (!quoted && *bit == '"' && i == 0) {
            qn_buffer_char(out, 'z');
            qn_buffer_char(out, '"');
        } else {
            qn_buffer_text(out, bit);
        }
        if (quoted && qn_random_below(random, 6) == 0)
            qn_buffer_text(out, qn_random_below(random, 2) ? "\n" : "\r\n,");
    }
    if (quoted)
        qn_buffer_char(out, '"');
    for (size_t i = qn_random_below(random, 8); quoted && i > 6; i--)
        qn_buffer_char(out, ' ');
}

/* A file of one to six columns, mostly well-formed; some bytes are then changed. */
static void make_random(struct qn_random *random, struct qn_buffer *out)
{
    static const char *const ends[] = {"\n", "\r\n", "\r", "\n\n", "\n  \n"};
    size_t columns = 1 + qn_random_below(random, 6), rows = 1 + qn_random_below(random, 40);
    size_t end = qn_random_below(random, 8);
    qn_buffer_clear(out);
    for (size_t row = 0; row < rows; row++) {
        for (size_t c = 0; c < columns; c++) {
            if (c > 0)
                qn_buffer_char(out, ',');
            put_random_field(random, out);
        }
        if (row + 1 < rows || qn_random_below(random, 2))
            qn_buffer_text(out, ends[end < 3 ? end : end < 6 ? 0 : qn_random_below(random, 5)]);
    }
    static const char changes[] = "\",\n\r x";
    size_t changed = qn_random_below(random, 4) == 0 ? 1 + qn_random_below(random, 3) : 0;
    for (size_t i = 0; i < changed && out->size > 0; i++) {
        size_t at = qn_random_below(random, out->size);
        if ((unsigned char)out->bytes[at] < 0x80)
            out->bytes[at] = changes[qn_random_below(random, sizeof(changes) - 1)];
    }
}

static void compare(const struct simple *simple, const struct qn_table *table, const char *text)
{
    if (table->row_count != simple->rows || table->column_count != simple->columns)
        fail_msg("%zu x %zu instead of %zu x %zu:\n%s", table->row_count, table->column_count,
                 simple->rows, simple->columns, text);
    for (size_t row = 0; row < simple->rows; row++) {
        for (size_t c = 0; c < simple->columns; c++) {
            char cell[MOST_CELL + 1], expected[MOST_CELL];
            strcpy(expected, simple->cells[row][c]);
            trim(expected); /* Spaces alone are missing, in quotes too. */
            if (expected[0] != '\0')
                strcpy(expected, simple->cells[row][c]);
            qn_column_format(&table->columns[c], row, cell, sizeof(cell));
            if (strcmp(cell, expected) != 0)
                fail_msg("row %zu, column %zu: '%s' instead of '%s':\n%s", row, c, cell, expected,
                         text);
        }
    }
}

static void test_tokens(void **state)
{
    (void)state;
    struct qn_random random;
    struct qn_buffer text;
    struct simple *simple = QN_ALLOC(struct simple, 1);
    size_t valid_count = 0;
    assert_non_null(simple);
    struct qn_type_override overrides[6];
    char names[6][3] = {"c1", "c2", "c3", "c4", "c5", "c6"};
    for (size_t i = 0; i < 6; i++)
        overrides[i] = (struct qn_type_override){.name = names[i], .type = QN_TYPE_TEXT};
    const char *no_token[] = {""};
    qn_random_init(&random, 7, 0);
    qn_buffer_init(&text, 1 << 20);
    for (size_t i = 0; i < 6000; i++) {
        struct csv_case c = csv_case_default();
        struct qn_table *table = NULL;
        struct qn_error err = QN_ERROR_INIT;
        make_random(&random, &text);
        simple_read(text.bytes, text.size, simple);
        c.options.delimiter = ',';
        c.options.no_header = c.options.allow_unknown = true;
        c.options.overrides = overrides;
        c.options.override_count = 6;
        c.options.missing = no_token;
        c.options.missing_count = 1;
        c.options.thread_count = 1 + (unsigned)qn_random_below(&random, 3);
        c.piece_size = qn_random_below(&random, 4) ? 1 + qn_random_below(&random, 100) : 0;
        enum qn_status status = csv_read(text.bytes, text.size, &c, &table, &err);
        if ((status == QN_OK) != simple->valid)
            fail_msg("%s (piece %zu): %s\n%s", simple->valid ? "refused" : "accepted", c.piece_size,
                     err.message, text.bytes);
        if (status == QN_OK)
            compare(simple, table, text.bytes);
        valid_count += simple->valid;
        qn_table_free(table);
    }
    assert_in_range(valid_count, 2000, 5900); /* Both kinds have been tried. */
    qn_buffer_release(&text);
    qn_free(simple);
}

/* Pools of values: a column mixes one or two of them. */
static const char *const pools[][4] = {
    {"1", "23", "-4", "0"},
    {"1.5", "2e3", "-.5", "inf"},
    {"007", "01", "00", "+4912345678"},
    {"2023-01-02", "2024-02-29", "1999-12-31", "2000-01-01"},
    {"13/01/2023", "14/02/2023", "28/03/2023", "05/06/2023"},
    {"01/02/2023", "03/04/2023", "05/06/2023", "07/08/2023"},
    {"2023-01-02T10:00:00Z", "2023-01-02T10:00:00.5+02:00", "2023-05-02T23:59:59-0130",
     "2023-01-02T10:00:00+01"},
    {"true", "False", "TRUE", "false"},
    {"yes", "No", "no", "YES"},
    {"y", "n", "Y", "N"},
    {"red", "green", "blue", "caf\xc3\xa9"},
    {"NA", "", "null", "?"},
    {"9999999999999999999", "12345678901234567890", "1", "2"},
    {"1234567890123456", "2234567890123456", "3234567890123456", "4234567890123456"},
    {"1,5", "2,25", "-3,0", "1"},
    {"12%", "$5", "1 000", "50%"},
};

static char make_typed(struct qn_random *random, struct qn_buffer *out)
{
    size_t pool_count = sizeof(pools) / sizeof(pools[0]);
    size_t columns = 1 + qn_random_below(random, 8), rows = qn_random_below(random, 300);
    size_t usual[8], other[8], rate = 1 + qn_random_below(random, 200);
    char delimiter = qn_random_below(random, 2) ? ';' : '\t';
    qn_buffer_clear(out);
    for (size_t c = 0; c < columns; c++) {
        usual[c] = qn_random_below(random, pool_count + 1); /* the last one has no end */
        other[c] = qn_random_below(random, pool_count);
        qn_buffer_format(out, "%sname%zu", c ? (delimiter == ';' ? ";" : "\t") : "", c);
    }
    qn_buffer_char(out, '\n');
    for (size_t row = 0; row < rows; row++) {
        for (size_t c = 0; c < columns; c++) {
            size_t pool = qn_random_below(random, rate) == 0 ? other[c] : usual[c];
            if (c > 0)
                qn_buffer_char(out, delimiter);
            bool quoted = qn_random_below(random, 9) == 0;
            char any[32];
            snprintf(any, sizeof(any), "text %zu", qn_random_below(random, 1000));
            const char *text = pool < pool_count ? pools[pool][qn_random_below(random, 4)] : any;
            qn_buffer_format(out, quoted ? "\"%s\"" : "%s", text);
        }
        qn_buffer_text(out, columns == 1 || qn_random_below(random, 30) ? "\n" : "\n\n");
    }
    return delimiter;
}

/* Guessing, cutting and threads change nothing. */
static void test_types(void **state)
{
    (void)state;
    struct qn_random random;
    struct qn_buffer text;
    size_t seen[QN_TYPE_COUNT] = {0};
    qn_random_init(&random, 11, 0);
    qn_buffer_init(&text, 1 << 20);
    for (size_t i = 0; i < 400; i++) {
        char delimiter = make_typed(&random, &text);
        struct csv_case plain = csv_case_default();
        plain.options.delimiter = delimiter;
        plain.no_guess = true;
        plain.options.thread_count = 1;
        struct qn_table *expected = csv_good(text.bytes, &plain);
        for (size_t c = 0; c < expected->column_count; c++)
            seen[expected->columns[c].type]++;
        for (unsigned threads = 1; threads <= 8; threads *= 2) {
            struct csv_case c = csv_case_default();
            c.options.delimiter = delimiter;
            c.options.thread_count = threads;
            c.piece_size = threads == 1 ? 0 : 1 + qn_random_below(&random, 2000);
            c.options.memory_limit_bytes = threads == 4 ? 0 : SIZE_MAX;
            struct qn_table *table = csv_good(text.bytes, &c);
            assert_same_table(expected, table);
            qn_table_free(table);
        }
        qn_table_free(expected);
    }
    for (size_t type = 0; type < QN_TYPE_COUNT; type++)
        assert_true(seen[type] > 0);
    qn_buffer_release(&text);
}

/* Whatever bytes: mostly pieces of CSV thrown together. */
static void test_garbage(void **state)
{
    (void)state;
    static const char *const bits[] = {"\"", ",", ";",          "\n",   "\r", "\r\n",
                                       "a",  "1", "\xc3",       "\xa9", " ",  "\"\"",
                                       "0",  ".", "2023-01-02", "NA",   "\t", "|"};
    struct qn_random random;
    struct qn_buffer text;
    qn_random_init(&random, 5, 0);
    qn_buffer_init(&text, 1 << 20);
    for (size_t i = 0; i < 3000; i++) {
        qn_buffer_clear(&text);
        qn_buffer_u8(&text, (uint8_t)qn_random_below(&random, 256));
        for (size_t left = qn_random_below(&random, 60); left > 0; left--)
            qn_buffer_text(&text, bits[qn_random_below(&random, sizeof(bits) / sizeof(bits[0]))]);
        csv_property((const uint8_t *)text.bytes, text.size);
    }
    qn_buffer_release(&text);
}

/* Both ways to find marks, against looking at each byte. */
static void test_index(void **state)
{
    (void)state;
    enum { size = 300 };
    static const char marks[] = ",\"\n\rxyz\xc3\0;";
    struct qn_random random;
    qn_random_init(&random, 9, 0);
    for (size_t round = 0; round < 3000; round++) {
        char bytes[size + QN_CSV_PADDING];
        uint32_t fast[size + 8], plain[size + 8];
        bool high[2], nul[2], has_high = false, has_nul = false;
        size_t from = qn_random_below(&random, 100), to = from + qn_random_below(&random, 200);
        memset(bytes, ' ', sizeof(bytes));
        for (size_t i = 0; i < to; i++)
            bytes[i] = marks[qn_random_below(&random, round % 2 ? 7 : sizeof(marks) - 1)];
        size_t count = qn__csv_index(bytes, from, to, ',', fast, &high[0], &nul[0]);
        assert_int_equal(qn__csv_index_plain(bytes, from, to, ',', plain, &high[1], &nul[1]),
                         count);
        size_t expected = 0;
        for (size_t i = from; i < to; i++) {
            has_high |= (unsigned char)bytes[i] >= 0x80;
            has_nul |= bytes[i] == '\0';
            if (bytes[i] != '\0' && strchr(",\"\n\r", bytes[i])) {
                assert_true(expected < count);
                assert_int_equal(fast[expected], i);
                assert_int_equal(plain[expected], i);
                expected++;
            }
        }
        assert_int_equal(expected, count);
        for (int i = 0; i < 2; i++)
            assert_true(high[i] == has_high && nul[i] == has_nul);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
