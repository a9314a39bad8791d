/* A fixed pool of threads. Work is cut into tasks by the caller, never by the number of threads,
 * so that results do not depend on it. */
#ifndef QN_BASE_THREAD_H
#define QN_BASE_THREAD_H

#include "base/error.h"

struct qn_pool;

/* thread_count 1 runs everything in the caller; 0 means all processors of the machine. */
QN_MUST_CHECK enum qn_status qn_pool_create(unsigned thread_count, struct qn_pool **out,
                                            struct qn_error *err);
void qn_pool_free(struct qn_pool *pool);              /* joins; NULL is fine */
unsigned qn_pool_threads(const struct qn_pool *pool); /* a NULL pool has 1 */

/* Calls task(context, index, thread) for each index in [0, task_count), in any order, on up to all
 * threads (thread in [0, qn_pool_threads)), and returns when all have ended. Not to be nested.
 * A NULL pool runs them in order in the caller. */
void qn_pool_run(struct qn_pool *pool, size_t task_count,
                 void (*task)(void *context, size_t index, unsigned thread), void *context);

/* The processors that this process may use. */
unsigned qn_processor_count(void);

#endif
