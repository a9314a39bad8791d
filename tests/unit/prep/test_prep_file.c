#include "prep_support.h"

#include "base/random.h"

static const char RECIPE[] =
    "{'name':'number','type':'number','actions':[{'do':'impute'},{'do':'clip'},{'do':'power'},"
    "{'do':'scale'},{'do':'indicator'}]},"
    "{'name':'colour','type':'category','actions':[{'do':'impute','with':'constant','value':'none'}"
    ",{'do':'one_hot','max_levels':3,'drop':'first'}]},"
    "{'name':'text','type':'text','actions':[{'do':'text','buckets':7}]},"
    "{'name':'date','type':'date','actions':[{'do':'date_parts'}]},"
    "{'name':'skewed','type':'number'}";

static void test_a_read_prep_is_the_written_one(void **state)
{
    (void)state;
    static const char *const categories[] = {
        RECIPE,
        MIXED_RECIPE,
        "{'name':'colour','type':'category','actions':[{'do':'target'},{'do':'scale'}]}",
        "{'name':'colour','type':'category','actions':[{'do':'frequency'}]}",
        "{'name':'colour','type':'category','actions':[{'do':'ordinal','by':'name'}]}",
        "{'name':'colour','type':'category','actions':[{'do':'levels'},{'do':'indicator'}]}",
    };
    struct qn_table *table = make_mixed_table(211);
    int32_t classes[211];
    for (size_t i = 0; i < 211; i++)
        classes[i] = (int32_t)(i % 3);
    struct qn_target target = {
        .task = QN_TASK_MULTICLASS, .row_count = 211, .class_count = 3, .classes = classes};
    for (size_t k = 0; k < sizeof(categories) / sizeof(*categories); k++) {
        struct fitted fitted = fit_rows(table, categories[k], NULL, 0, &target, NULL);
        struct qn_buffer first, second;
        qn_buffer_init(&first, 1 << 20);
        qn_buffer_init(&second, 1 << 20);
        qn_prep_write(fitted.prep, &first);
        struct qn_reader reader;
        qn_reader_init(&reader, first.bytes, first.size);
        struct qn_prep *read = NULL;
        OK(qn_prep_read(&reader, &read, &err));
        qn_prep_write(read, &second);
        assert_int_equal(first.size, second.size);
        assert_memory_equal(first.bytes, second.bytes, first.size);
        struct qn_matrix *a = NULL, *b = NULL;
        OK(qn_prep_apply(fitted.prep, table, NULL, 0, NULL, &a, NULL, &err));
        OK(qn_prep_apply(read, table, NULL, 0, NULL, &b, NULL, &err));
        check_same_matrix(a, b);
        qn_matrix_free(a);
        qn_matrix_free(b);
        qn_prep_free(read);
        qn_buffer_release(&first);
        qn_buffer_release(&second);
        fitted_release(&fitted);
    }
    qn_table_free(table);
}

/* Reads bytes that may be anything; what is accepted must be usable. */
static bool read_and_use(const char *bytes, size_t size, const struct qn_table *table)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_reader reader;
    struct qn_prep *prep = NULL;
    struct qn_matrix *matrix = NULL;
    qn_reader_init(&reader, bytes, size);
    if (qn_prep_read(&reader, &prep, &err) != QN_OK) {
        assert_true(err.message[0] != '\0');
        return false;
    }
    if (qn_prep_apply(prep, table, NULL, 0, NULL, &matrix, NULL, &err) == QN_OK)
        qn_matrix_free(matrix);
    json_decref(qn_prep_describe(prep));
    qn_prep_free(prep);
    return true;
}

static void test_damaged_bytes_are_refused_or_harmless(void **state)
{
    (void)state;
    struct qn_table *table = make_mixed_table(60);
    struct fitted fitted = fit_table(table, RECIPE);
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, 1 << 20);
    qn_prep_write(fitted.prep, &buffer);
    assert_true(read_and_use(buffer.bytes, buffer.size, table));
    for (size_t size = 0; size < buffer.size; size++)
        assert_false(read_and_use(buffer.bytes, size, table));
    struct qn_random random;
    qn_random_init(&random, 7, 0);
    size_t refused = 0;
    for (int trial = 0; trial < 3000; trial++) {
        size_t at = qn_random_below(&random, buffer.size);
        char kept = buffer.bytes[at];
        buffer.bytes[at] = (char)(kept ^ (char)(1U << qn_random_below(&random, 8)));
        refused += !read_and_use(buffer.bytes, buffer.size, table);
        buffer.bytes[at] = kept;
    }
    assert_true(refused > 1000);
    qn_buffer_char(&buffer, 'x');
    assert_false(read_and_use(buffer.bytes, buffer.size, table));
    qn_buffer_release(&buffer);
    fitted_release(&fitted);
    qn_table_free(table);
}

/* Changes the last f64 that equals `from` to `to` and expects a refusal. */
static void check_number_refused(const struct qn_table *table, const char *recipe, double from,
                                 double to)
{
    struct fitted fitted = fit_table(table, recipe);
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, 1 << 20);
    qn_prep_write(fitted.prep, &buffer);
    size_t at = buffer.size - sizeof(double);
    while (at > 0 && memcmp(buffer.bytes + at, &from, sizeof(from)) != 0)
        at--;
    assert_true(at > 0);
    memcpy(buffer.bytes + at, &to, sizeof(to));
    struct qn_reader reader;
    struct qn_prep *prep = NULL;
    qn_reader_init(&reader, buffer.bytes, buffer.size);
    FAILS(qn_prep_read(&reader, &prep, &err), QN_CORRUPT, "damaged");
    qn_buffer_release(&buffer);
    fitted_release(&fitted);
}

static void test_another_number_of_columns_is_refused(void **state)
{
    (void)state;
    struct qn_table *table = make_mixed_table(10);
    struct fitted fitted = fit_table(table, RECIPE);
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, 1 << 20);
    qn_prep_write(fitted.prep, &buffer);
    struct qn_reader reader;
    qn_reader_init(&reader, buffer.bytes, buffer.size);
    (void)qn_reader_u32(&reader); /* version */
    qn_free(qn_reader_string(&reader));
    assert_int_equal(buffer.bytes[reader.at], 5);
    buffer.bytes[reader.at] = 6;
    assert_false(read_and_use(buffer.bytes, buffer.size, table));
    qn_buffer_release(&buffer);
    fitted_release(&fitted);
    qn_table_free(table);
}

static void test_numbers_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct qn_table *table = make_table(3);
    add_numbers(table, "a", (double[]){3, 4, 8});
    add_texts(table, "c", QN_TYPE_CATEGORY, (const char *[]){"x", "x", "y"});
    const char *scale = "{'name':'a','type':'number','actions':[{'do':'scale','how':'min_max'}]}";
    check_number_refused(table, scale, 5, 0);
    check_number_refused(table, scale, 5, NAN);
    check_number_refused(table, scale, 3, INFINITY);
    check_number_refused(
        table, "{'name':'a','type':'number','actions':[{'do':'clip','quantiles':[0,1]}]}", 8, 2);
    check_number_refused(table, "{'name':'c','type':'category','actions':[{'do':'frequency'}]}",
                         2.0 / 3, 1.5);
    check_number_refused(table, "{'name':'c','type':'category','actions':[{'do':'ordinal'}]}", 1,
                         -1);
    qn_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_read_prep_is_the_written_one),
        cmocka_unit_test(test_damaged_bytes_are_refused_or_harmless),
        cmocka_unit_test(test_another_number_of_columns_is_refused),
        cmocka_unit_test(test_numbers_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
