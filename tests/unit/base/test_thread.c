#include "base/alloc.h"
#include "base/thread.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { MAX_TASKS = 3000, MAX_THREADS = 8 };

struct tally {
    unsigned char runs[MAX_TASKS]; /* plain bytes: one thread owns each, as in real use */
    unsigned thread_count;
    atomic_int wrong_thread, active[MAX_THREADS];
    size_t last_index; /* only for runs in order */
    bool in_order;
};

static void count_task(void *context, size_t index, unsigned thread)
{
    struct tally *tally = context;
    if (thread >= tally->thread_count)
        tally->wrong_thread++;
    else if (tally->active[thread]++ != 0)
        tally->wrong_thread++; /* two tasks at once under one number */
    tally->runs[index]++;
    if (thread < tally->thread_count)
        tally->active[thread]--;
}

static void every_task_runs_once(void **state)
{
    (void)state;
    struct tally *tally = qn_calloc(1, sizeof(*tally));
    assert_non_null(tally);
    for (unsigned threads = 1; threads <= MAX_THREADS; threads++) {
        struct qn_pool *pool = NULL;
        assert_int_equal(qn_pool_create(threads, &pool, NULL), QN_OK);
        assert_int_equal(qn_pool_threads(pool), threads);
        const size_t counts[] = {0, 1, 2, 3, 7, 100, MAX_TASKS};
        for (size_t round = 0; round < 70; round++) {
            size_t count = counts[round % 7];
            memset(tally->runs, 0, sizeof(tally->runs));
            tally->thread_count = threads;
            qn_pool_run(pool, count, count_task, tally);
            for (size_t i = 0; i < MAX_TASKS; i++)
                assert_int_equal(tally->runs[i], i < count);
        }
        assert_int_equal(tally->wrong_thread, 0);
        qn_pool_free(pool);
    }
    qn_free(tally);
}

static void note_order(void *context, size_t index, unsigned thread)
{
    struct tally *tally = context;
    tally->in_order = tally->in_order && index == tally->last_index && thread == 0;
    tally->last_index++;
}

static void no_pool_runs_in_order(void **state)
{
    (void)state;
    struct tally tally = {.in_order = true};
    qn_pool_run(NULL, 100, note_order, &tally);
    assert_true(tally.in_order);
    assert_int_equal(tally.last_index, 100);
    assert_int_equal(qn_pool_threads(NULL), 1);
    qn_pool_free(NULL);
}

static void wait_for_all(void *context, size_t index, unsigned thread)
{
    (void)index;
    (void)thread;
    atomic_int *arrived = context;
    (*arrived)++;
    struct timespec pause = {0, 1000000};
    for (int i = 0; *arrived < 4 && i < 20000; i++)
        nanosleep(&pause, NULL);
}

static void tasks_run_at_the_same_time(void **state)
{
    (void)state;
    struct qn_pool *pool = NULL;
    assert_int_equal(qn_pool_create(4, &pool, NULL), QN_OK);
    atomic_int arrived = 0;
    qn_pool_run(pool, 4, wait_for_all, &arrived); /* would take 80 s one after the other */
    assert_int_equal(arrived, 4);
    qn_pool_free(pool);
}

static void refuses_too_many(void **state)
{
    (void)state;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_pool *pool = NULL;
    assert_int_equal(qn_pool_create(1000000, &pool, &err), QN_INVALID);
    assert_null(pool);
    assert_non_null(strstr(err.message, "1000000"));
}

static void zero_means_all_processors(void **state)
{
    (void)state;
    struct qn_pool *pool = NULL;
    assert_true(qn_processor_count() >= 1);
    assert_int_equal(qn_pool_create(0, &pool, NULL), QN_OK);
    assert_int_equal(qn_pool_threads(pool), qn_processor_count());
    qn_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once),       cmocka_unit_test(no_pool_runs_in_order),
        cmocka_unit_test(tasks_run_at_the_same_time), cmocka_unit_test(refuses_too_many),
        cmocka_unit_test(zero_means_all_processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
