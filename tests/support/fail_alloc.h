/* Makes each allocation of a call fail in turn. For programs that are linked with
 * --wrap=qn_realloc_bytes (those named test_alloc_<name>.c); include it in one file of a program.
 */
#ifndef QN_SUPPORT_FAIL_ALLOC_H
#define QN_SUPPORT_FAIL_ALLOC_H

#include "base/alloc.h"
#include "base/error.h"

#include <stdatomic.h>
#include <stdint.h>

#include <cmocka.h>

/* Counts requests for memory while armed; atomic, because tasks of a pool allocate too. */
static atomic_size_t qn_fail_alloc_seen;  /* requests since arming */
static atomic_size_t qn_fail_alloc_first; /* this one fails; 0 when not armed */
static atomic_bool qn_fail_alloc_sticky;  /* and all after it */
static atomic_llong qn_fail_alloc_live;   /* blocks not yet freed */

void *__real_qn_realloc_bytes(void *block, size_t size_bytes);
void *__wrap_qn_realloc_bytes(void *block, size_t size_bytes);

void *__wrap_qn_realloc_bytes(void *block, size_t size_bytes)
{
    if (size_bytes == 0) { /* Freeing never fails. */
        if (block)
            qn_fail_alloc_live--;
        return __real_qn_realloc_bytes(block, 0);
    }
    size_t first = qn_fail_alloc_first;
    if (first != 0) {
        size_t seen = ++qn_fail_alloc_seen;
        if (seen == first || (seen > first && qn_fail_alloc_sticky))
            return NULL;
    }
    void *result = __real_qn_realloc_bytes(block, size_bytes);
    if (result && !block)
        qn_fail_alloc_live++;
    return result;
}

static inline void qn_fail_alloc_arm(size_t first, bool sticky)
{
    qn_fail_alloc_seen = 0;
    qn_fail_alloc_sticky = sticky;
    qn_fail_alloc_first = first;
}

/* Whether the armed failure has happened. */
static inline bool qn_fail_alloc_disarm(void)
{
    bool happened = qn_fail_alloc_seen >= qn_fail_alloc_first;
    qn_fail_alloc_first = 0;
    return happened;
}

/* Runs `call`, an expression of enum qn_status that releases all it makes, with the first
 * allocation failing, then with the second, and so on until no allocation is left to fail. Each
 * run must give QN_NOMEM and leave no block behind, and the last one QN_OK; then the same again
 * with all allocations after the failing one failing too. A call that allocates nothing fails. */
#define QN_FOR_EACH_FAILING_ALLOCATION(call)                                                       \
    do {                                                                                           \
        for (int qn_sticky = 0; qn_sticky < 2; qn_sticky++) {                                      \
            bool qn_happened = true;                                                               \
            for (size_t qn_k = 1; qn_happened; qn_k++) {                                           \
                long long qn_live = qn_fail_alloc_live;                                            \
                qn_fail_alloc_arm(qn_k, qn_sticky != 0);                                           \
                enum qn_status qn_result = (call);                                                 \
                qn_happened = qn_fail_alloc_disarm();                                              \
                if (qn_result != (qn_happened ? QN_NOMEM : QN_OK)) {                               \
                    print_error("allocation %zu%s: %s\n", qn_k, qn_sticky ? " and later" : "",     \
                                qn_status_name(qn_result));                                        \
                }                                                                                  \
                assert_int_equal(qn_result, qn_happened ? QN_NOMEM : QN_OK);                       \
                if (qn_fail_alloc_live != qn_live)                                                 \
                    print_error("allocation %zu: a block is left\n", qn_k);                        \
                assert_int_equal(qn_fail_alloc_live, qn_live);                                     \
                assert_true(qn_happened || qn_k > 1);                                              \
            }                                                                                      \
        }                                                                                          \
    } while (0)

#endif
