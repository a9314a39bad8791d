/* The terminal's and the page's view of a profile. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/profile_view.h"

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add_text(struct qn_table *table, const char *name, const char *const *values,
                     size_t count)
{
    struct qn_column *column;
    struct qn_lookup *lookup;
    assert_int_equal(qn_table_add(table, name, QN_TYPE_CATEGORY, &column, NULL), QN_OK);
    assert_int_equal(qn_lookup_create(&lookup, NULL), QN_OK);
    for (size_t row = 0; row < table->row_count; row++) {
        const char *value = values[row % count];
        assert_int_equal(
            qn_lookup_add(lookup, value, strlen(value), &column->values.code[row], NULL), QN_OK);
    }
    assert_int_equal(qn_lookup_take(lookup, &column->dictionary, NULL), QN_OK);
    qn_lookup_free(lookup);
}

static void add_numbers(struct qn_table *table, const char *name, size_t times)
{
    struct qn_column *column;
    assert_int_equal(qn_table_add(table, name, QN_TYPE_NUMBER, &column, NULL), QN_OK);
    for (size_t row = 0; row < table->row_count; row++)
        column->values.number[row] = row % 9 == 1 ? NAN : (double)(row * times % 31) / 4;
}

/* Names and values that try to be markup, escape sequences and turned text. */
static struct qn_table *hostile(void)
{
    static const char *const values[] = {"</title><script>alert(1)</script>", "\" onload='x'",
                                         "\033[31mred", "\xE2\x80\xAEright"};
    struct qn_table *table;
    assert_int_equal(qn_table_create("<img src=x>.csv", 60, &table, NULL), QN_OK);
    add_text(table, "<script>alert('name')</script>", values, 4);
    add_numbers(table, "a\033[2Jb", 7);
    add_numbers(table, "東京タワー東京タワー東京タワー", 5);
    return table;
}

static struct qn_profile *profile_of(const struct qn_table *table)
{
    struct qn_profile *profile;
    assert_int_equal(qn_profile_make(table, NULL, NULL, &profile, NULL), QN_OK);
    return profile;
}

static char *page_of(const struct qn_table *table)
{
    char path[] = "/tmp/quern-profile-XXXXXX", *html;
    size_t size;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct qn_profile *profile = profile_of(table);
    assert_int_equal(qn_profile_html(profile, path, NULL), QN_OK);
    assert_int_equal(qn_file_read(path, (size_t)1 << 30, &html, &size, NULL), QN_OK);
    assert_int_equal(strlen(html), size);
    unlink(path);
    qn_profile_free(profile);
    return html;
}

static char *print_of(const struct qn_table *table, bool colour, size_t width)
{
    char *text = NULL;
    size_t size;
    struct qn_profile *profile = profile_of(table);
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    assert_int_equal(qn_profile_print(stream, profile, colour, width, NULL), QN_OK);
    fclose(stream);
    qn_profile_free(profile);
    return text;
}

static void test_page_is_inert(void **state)
{
    (void)state;
    struct qn_table *table = hostile();
    char *html = page_of(table);
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "<img"));
    assert_null(strchr(html, '\033'));
    assert_non_null(strstr(html, "&lt;script&gt;alert(&#39;name&#39;)"));
    assert_non_null(strstr(html, "&quot; onload=&#39;x&#39;"));
    assert_non_null(strstr(html, "default-src 'none'; style-src 'sha256-"));
    assert_null(strstr(html, "style=\""));
    assert_null(strstr(html, "http://"));
    assert_null(strstr(html, "https://"));
    assert_int_equal(qn_utf8_check(html, strlen(html)), strlen(html));
    qn_free(html);
    qn_table_free(table);
}

/* Each element that is opened is closed, in order. */
static void test_page_is_balanced(void **state)
{
    (void)state;
    struct qn_table *table = hostile();
    char *html = page_of(table), *open[64];
    size_t depth = 0;
    char *last = strstr(html, "</html>");
    assert_non_null(last);
    *last = '\0';
    for (char *at = strstr(html, "<body"); at; at = strchr(at + 1, '<')) {
        size_t size = strcspn(at + 1, " >/");
        char *end = strchr(at, '>');
        assert_non_null(end);
        if (at[1] == '/') {
            assert_true(depth > 0);
            depth--;
            size = strcspn(at + 2, ">");
            assert_memory_equal(open[depth] + 1, at + 2, size);
        } else if (end[-1] != '/') {
            assert_true(size > 0 && depth < 64);
            open[depth++] = at;
        }
    }
    assert_int_equal(depth, 0);
    qn_free(html);
    qn_table_free(table);
}

static void test_page_of_nothing(void **state)
{
    (void)state;
    struct qn_table *table;
    assert_int_equal(qn_table_create("empty.csv", 0, &table, NULL), QN_OK);
    char *html = page_of(table);
    assert_non_null(strstr(html, "No column stands out"));
    qn_free(html);
    add_numbers(table, "a", 1);
    html = page_of(table);
    assert_non_null(strstr(html, "No values at all"));
    qn_free(html);
    qn_table_free(table);
}

static void test_page_is_not_written(void **state)
{
    (void)state;
    struct qn_table *table = hostile();
    struct qn_profile *profile = profile_of(table);
    struct qn_error err = QN_ERROR_INIT;
    assert_int_not_equal(qn_profile_html(profile, "/nowhere/at/all.html", &err), QN_OK);
    assert_non_null(strstr(err.message, "/nowhere/at/all.html"));
    qn_profile_free(profile);
    qn_table_free(table);
}

static void test_print_fits(void **state)
{
    (void)state;
    struct qn_table *table = hostile();
    for (size_t width = 60; width <= 140; width += 20) {
        char *text = print_of(table, false, width);
        assert_null(strchr(text, '\033'));
        for (char *line = text; *line;) {
            size_t size = strcspn(line, "\n");
            line[size] = '\0';
            if (qn_text_width(line) > width)
                fail_msg("%zu columns in %zu: %s", qn_text_width(line), width, line);
            line += size + 1;
        }
        free(text);
    }
    char *text = print_of(table, true, 100);
    assert_non_null(strstr(text, "\033[1m"));
    assert_null(strstr(text, "\033[2J")); /* the name's own escape */
    free(text);
    qn_table_free(table);
}

static void test_print_many_columns(void **state)
{
    (void)state;
    struct qn_table *table;
    assert_int_equal(qn_table_create("wide.csv", 30, &table, NULL), QN_OK);
    for (size_t i = 0; i < 130; i++) {
        char name[16];
        snprintf(name, sizeof(name), "x%zu", i);
        add_numbers(table, name, i + 1);
    }
    char *text = print_of(table, false, 100);
    assert_non_null(strstr(text, "... and 30 more columns"));
    assert_non_null(strstr(text, "more columns like these (missing)"));
    assert_non_null(strstr(text, "x99 "));
    assert_null(strstr(text, "\nx100 "));
    free(text);
    qn_table_free(table);
}

static void test_values(void **state)
{
    (void)state;
    char text[QN__WORD_SIZE];
    struct qn_column_profile column = {.type = QN_TYPE_NUMBER};
    qn__view_value(&column, 2007, text);
    assert_string_equal(text, "2007");
    qn__view_value(&column, 1234567, text);
    assert_string_equal(text, "1,234,567");
    qn__view_value(&column, NAN, text);
    assert_string_equal(text, "-");
    column.type = QN_TYPE_DATETIME;
    qn__view_value(&column, 86400e6, text);
    assert_string_equal(text, "1970-01-02");
    qn__view_value(&column, 86461.4e6, text);
    assert_string_equal(text, "1970-01-02 00:01:01");
    qn__view_span(&column, 5400e6, text);
    assert_string_equal(text, "1.5 hours");
    column.type = QN_TYPE_DATE;
    qn__view_span(&column, 1, text);
    assert_string_equal(text, "1 day");
    qn__view_share(0.99999, text);
    assert_string_equal(text, ">99.9%");
    qn__view_share(0.00001, text);
    assert_string_equal(text, "<0.1%");
    qn__view_share(0.3842, text);
    assert_string_equal(text, "38.4%");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_is_inert),   cmocka_unit_test(test_page_is_balanced),
        cmocka_unit_test(test_page_of_nothing), cmocka_unit_test(test_page_is_not_written),
        cmocka_unit_test(test_print_fits),      cmocka_unit_test(test_print_many_columns),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
