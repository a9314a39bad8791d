#include "base/alloc.h"

#include <string.h>

#include <cmocka.h>

static void gives_memory(void **state)
{
    (void)state;
    int *numbers = QN_ALLOC(int, 10);
    assert_non_null(numbers);
    numbers[9] = 7;
    numbers = qn_realloc(numbers, 1000, sizeof(*numbers));
    assert_non_null(numbers);
    assert_int_equal(numbers[9], 7);
    qn_free(numbers);
    qn_free(NULL);

    unsigned char *zeros = QN_CALLOC(unsigned char, 5000);
    assert_non_null(zeros);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(zeros[i], 0);
    qn_free(zeros);
}

static void nothing_is_a_block(void **state)
{
    (void)state;
    void *a = qn_alloc(0, 8), *b = qn_calloc(3, 0), *c = qn_realloc(NULL, 0, 1);
    assert_true(a && b && c);
    c = qn_realloc(c, 0, 8); /* still a block, not a free */
    assert_non_null(c);
    qn_free(a);
    qn_free(b);
    qn_free(c);
    assert_null(qn_realloc_bytes(qn_alloc(1, 1), 0));
}

static void refuses_overflow(void **state)
{
    (void)state;
    assert_null(qn_alloc(SIZE_MAX / 2, 3));
    assert_null(qn_alloc(SIZE_MAX / 8 + 2, 8)); /* wraps to 8 bytes */
    assert_null(qn_calloc(SIZE_MAX, SIZE_MAX));
    /* volatile: the compiler would warn of sizes that it can see. */
    volatile size_t huge = (size_t)PTRDIFF_MAX + 1;
    assert_null(qn_alloc(huge, 1));
    char *kept = qn_strdup("kept");
    assert_null(qn_realloc(kept, huge, 2));
    assert_string_equal(kept, "kept");
    assert_null(qn_strndup(kept, huge));
    qn_free(kept);
}

static void copies_text(void **state)
{
    (void)state;
    char *a = qn_strdup("abc"), *b = qn_strndup("abc", 2), *c = qn_strndup(NULL, 0);
    assert_string_equal(a, "abc");
    assert_string_equal(b, "ab");
    assert_string_equal(c, "");
    qn_free(a);
    qn_free(b);
    qn_free(c);
}

static void grows_by_doubling(void **state)
{
    (void)state;
    double *items = NULL;
    size_t capacity = 0, changes = 0;
    for (size_t i = 0; i < 10000; i++) {
        size_t before = capacity;
        assert_int_equal(qn_grow((void **)&items, &capacity, i + 1, sizeof(*items)), 0);
        assert_true(capacity >= i + 1);
        changes += before != capacity;
        items[i] = (double)i;
    }
    assert_true(changes <= 12);
    assert_true(items[0] == 0.0 && items[9999] == 9999.0);
    size_t kept = capacity;
    assert_int_equal(qn_grow((void **)&items, &capacity, SIZE_MAX - 1, sizeof(*items)), -1);
    assert_int_equal(capacity, kept);
    assert_true(items[9999] == 9999.0);
    qn_free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_memory),      cmocka_unit_test(nothing_is_a_block),
        cmocka_unit_test(refuses_overflow),  cmocka_unit_test(copies_text),
        cmocka_unit_test(grows_by_doubling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
