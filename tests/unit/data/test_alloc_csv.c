/* Every allocation of the reader made to fail in turn: each failure is QN_NOMEM, and nothing leaks
 * (the address sanitizer's build checks that). */
#include "unit/data/csv_support.h"

void *__real_qn_realloc_bytes(void *block, size_t size_bytes);
void *__wrap_qn_realloc_bytes(void *block, size_t size_bytes);

/* Allocations until the one that fails; below zero: none does. Threads count too. */
static long allowed = -1;

void *__wrap_qn_realloc_bytes(void *block, size_t size_bytes)
{
    if (size_bytes > 0 && __atomic_load_n(&allowed, __ATOMIC_RELAXED) >= 0 &&
        __atomic_sub_fetch(&allowed, 1, __ATOMIC_RELAXED) < 0) {
        __atomic_store_n(&allowed, 0, __ATOMIC_RELAXED); /* and all that follow */
        return NULL;
    }
    return __real_qn_realloc_bytes(block, size_bytes);
}

static const char *const texts[] = {
    ("id,when,flag,x,x,,note,zip\n1,2023-01-02,yes,1.5,2,3,\"say \"\"hi\"\"\",007\n"
     "2,2023-01-03,no,2,abc,,\"two\nlines\",12\n\n3,,,NA,9,9,,13\n"),
    "a;b\n1,5;x\n2,5;y\n",
    "a,b\n1,2\n3\n",
    "a,b\n1,\"x\n",
    "a,b\n1,caf\xe9\n",
};

static void test_failures(void **state)
{
    (void)state;
    struct qn_type_override overrides[] = {{(char *)"zip", QN_TYPE_INTEGER, NULL},
                                           {(char *)"b", QN_TYPE_TEXT, NULL}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (int variant = 0; variant < 4; variant++) {
            struct csv_case c = csv_case_default();
            c.options.thread_count = variant & 1 ? 2 : 1;
            c.piece_size = 13;
            c.options.allow_unknown = true;
            c.options.overrides = variant & 2 ? overrides : NULL;
            c.options.override_count = variant & 2 ? 2 : 0;
            int fd = file_of(texts[i], strlen(texts[i]));
            struct qn__source source = {
                .path = "", .name = "t.csv", .fd = fd, .size_bytes = strlen(texts[i])};
            enum qn_status status = QN_NOMEM;
            long failures = 0;
            for (long fail_at = 0; status == QN_NOMEM && fail_at < 5000; fail_at++) {
                struct qn_table *table = NULL;
                struct qn_error err = QN_ERROR_INIT;
                __atomic_store_n(&allowed, fail_at, __ATOMIC_RELAXED);
                status = qn__csv_read_pieces(&source, &c.options, c.piece_size, true, &table, &err);
                __atomic_store_n(&allowed, -1, __ATOMIC_RELAXED);
                assert_true((table != NULL) == (status == QN_OK));
                assert_true(status == QN_OK || err.message[0] != '\0');
                qn_table_free(table);
                failures += status == QN_NOMEM;
            }
            assert_int_equal(status, i < 2 ? QN_OK : QN_INVALID);
            assert_in_range(failures, 5, 4000);
            close(fd);
        }
    }
}

static void test_table_failures(void **state)
{
    (void)state;
    struct qn_table *table = csv_good(texts[0], NULL);
    const size_t rows[] = {2, 0};
    enum qn_status status = QN_NOMEM;
    long failures = 0;
    for (long fail_at = 0; status == QN_NOMEM; fail_at++) {
        struct qn_table *taken = NULL;
        struct qn_error err = QN_ERROR_INIT;
        char hex[65];
        allowed = fail_at;
        status = qn_table_take_rows(table, rows, 2, &taken, &err);
        if (status == QN_OK)
            status = qn_table_fingerprint(taken, hex, &err);
        allowed = -1;
        qn_table_free(taken);
        failures += status == QN_NOMEM;
    }
    assert_int_equal(status, QN_OK);
    assert_in_range(failures, 10, 1000);
    qn_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_table_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
