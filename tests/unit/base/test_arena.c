#include "base/arena.h"

#include <stdalign.h>
#include <string.h>

#include <cmocka.h>

static void blocks_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct qn_arena arena = QN_ARENA_INIT;
    void *dirty = qn_arena_alloc(&arena, 4000, 1); /* the heap likes to give it again */
    assert_non_null(dirty);
    memset(dirty, 0xFF, 4000);
    qn_arena_release(&arena);
    unsigned char *blocks[500];
    for (size_t i = 0; i < 500; i++) {
        size_t size = i * 7 % 300; /* 0 too */
        blocks[i] = qn_arena_alloc(&arena, size, 1);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % alignof(max_align_t), 0);
        for (size_t j = 0; j < size; j++)
            assert_int_equal(blocks[i][j], 0);
        memset(blocks[i], (int)(i & 0xFF), size);
    }
    for (size_t i = 0; i < 500; i++) {
        for (size_t j = 0; j < i * 7 % 300; j++)
            assert_int_equal(blocks[i][j], i & 0xFF);
    }
    assert_true(arena.used_bytes >= 500 * 145);
    qn_arena_release(&arena);
    assert_null(arena.blocks);
    assert_int_equal(arena.used_bytes, 0);
    qn_arena_release(&arena);
}

static void large_and_impossible_sizes(void **state)
{
    (void)state;
    struct qn_arena arena = QN_ARENA_INIT;
    char *large = qn_arena_alloc(&arena, 3 << 20, 1);
    assert_non_null(large);
    large[(3 << 20) - 1] = 'x';
    assert_null(qn_arena_alloc(&arena, SIZE_MAX, 2));
    assert_null(qn_arena_alloc(&arena, SIZE_MAX - 8, 1));
    char *text = qn_arena_strdup(&arena, "wheat"), *cut = qn_arena_strndup(&arena, "wheat", 2);
    assert_string_equal(text, "wheat");
    assert_string_equal(cut, "wh");
    qn_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_zeroed_aligned_and_apart),
        cmocka_unit_test(large_and_impossible_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
