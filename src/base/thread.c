#define _GNU_SOURCE 1
#include "base/thread.h"

#include "base/alloc.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { QN_MAX_THREADS = 1024 };

struct worker {
    struct qn_pool *pool;
    pthread_t handle;
    unsigned thread; /* 1 .. thread_count - 1: the caller of qn_pool_run() is 0 */
};

struct qn_pool {
    struct worker *workers; /* owns; thread_count - 1 of them */
    unsigned thread_count;
    unsigned started_count; /* workers that run */

    pthread_mutex_t lock; /* guards everything to the next blank line */
    pthread_cond_t work_ready, work_ended;
    uint64_t round; /* rises by one with each run; a worker joins each round once */
    unsigned busy_count;
    bool running, stopping;

    /* Of the current round: set under the lock before it starts, then only read. */
    void (*task)(void *context, size_t index, unsigned thread);
    void *context;
    size_t task_count;
    atomic_size_t next_index;
};

static void take_tasks(struct qn_pool *pool, unsigned thread)
{
    for (;;) {
        size_t index = atomic_fetch_add_explicit(&pool->next_index, 1, memory_order_relaxed);
        if (index >= pool->task_count)
            return;
        pool->task(pool->context, index, thread);
    }
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct qn_pool *pool = worker->pool;
    uint64_t seen_round = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->stopping && pool->round == seen_round)
            pthread_cond_wait(&pool->work_ready, &pool->lock);
        if (pool->stopping)
            break;
        seen_round = pool->round;
        pthread_mutex_unlock(&pool->lock);
        take_tasks(pool, worker->thread);
        pthread_mutex_lock(&pool->lock);
        if (--pool->busy_count == 0)
            pthread_cond_signal(&pool->work_ended);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Workers start with all signals blocked, so that a handler always runs in the caller's thread. */
static int start_workers(struct qn_pool *pool)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = 0;
    while (failure == 0 && pool->started_count < pool->thread_count - 1) {
        struct worker *worker = &pool->workers[pool->started_count];
        worker->pool = pool;
        worker->thread = pool->started_count + 1;
        failure = pthread_create(&worker->handle, NULL, worker_main, worker);
        if (failure == 0)
            pool->started_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

enum qn_status qn_pool_create(unsigned thread_count, struct qn_pool **out, struct qn_error *err)
{
    if (thread_count == 0)
        thread_count = qn_processor_count();
    if (thread_count > QN_MAX_THREADS) {
        return qn_fail(err, QN_INVALID, "threads: %u asked for, but at most %d are supported",
                       thread_count, QN_MAX_THREADS);
    }
    struct qn_pool *pool = QN_CALLOC(struct qn_pool, 1);
    if (!pool)
        return qn_fail_nomem(err, "thread pool");
    pool->thread_count = thread_count;
    pool->workers = QN_CALLOC(struct worker, thread_count - 1);
    if (!pool->workers) {
        qn_free(pool);
        return qn_fail_nomem(err, "thread pool");
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work_ready, NULL);
    pthread_cond_init(&pool->work_ended, NULL);
    int failure = start_workers(pool);
    if (failure != 0) {
        char reason[128];
        enum qn_status status =
            qn_fail(err, QN_NOMEM, "threads: cannot start %u (%s); use a smaller number",
                    thread_count, strerror_r(failure, reason, sizeof(reason)));
        qn_pool_free(pool);
        return status;
    }
    *out = pool;
    return QN_OK;
}

void qn_pool_free(struct qn_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    assert(!pool->running);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->work_ready);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started_count; i++)
        pthread_join(pool->workers[i].handle, NULL);
    pthread_cond_destroy(&pool->work_ended);
    pthread_cond_destroy(&pool->work_ready);
    pthread_mutex_destroy(&pool->lock);
    qn_free(pool->workers);
    qn_free(pool);
}

unsigned qn_pool_threads(const struct qn_pool *pool)
{
    return pool ? pool->thread_count : 1;
}

void qn_pool_run(struct qn_pool *pool, size_t task_count,
                 void (*task)(void *context, size_t index, unsigned thread), void *context)
{
    if (!pool || pool->thread_count == 1 || task_count <= 1) {
        for (size_t i = 0; i < task_count; i++)
            task(context, i, 0);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    assert(!pool->running); /* Nested, or from two threads at once. */
    pool->running = true;
    pool->task = task;
    pool->context = context;
    pool->task_count = task_count;
    atomic_store_explicit(&pool->next_index, 0, memory_order_relaxed);
    pool->busy_count = pool->thread_count - 1;
    pool->round++;
    pthread_cond_broadcast(&pool->work_ready);
    pthread_mutex_unlock(&pool->lock);

    take_tasks(pool, 0);

    pthread_mutex_lock(&pool->lock);
    while (pool->busy_count > 0)
        pthread_cond_wait(&pool->work_ended, &pool->lock);
    pool->running = false;
    pthread_mutex_unlock(&pool->lock);
}

unsigned qn_processor_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned)CPU_COUNT(&set);
    /* More processors than cpu_set_t can name. */
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > QN_MAX_THREADS ? QN_MAX_THREADS : (unsigned)online;
}
