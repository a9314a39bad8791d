/* An arena: many small allocations, released together. */
#ifndef QN_BASE_ARENA_H
#define QN_BASE_ARENA_H

#include <stddef.h>

struct qn_arena_block;

struct qn_arena {
    struct qn_arena_block *blocks; /* owns */
    size_t used_bytes;
};

#define QN_ARENA_INIT                                                                              \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* count * size zeroed bytes, aligned for any type; NULL when out of memory. */
void *qn_arena_alloc(struct qn_arena *arena, size_t count, size_t size_bytes);
char *qn_arena_strdup(struct qn_arena *arena, const char *text);
char *qn_arena_strndup(struct qn_arena *arena, const char *text, size_t length);
void qn_arena_release(struct qn_arena *arena);

#endif
