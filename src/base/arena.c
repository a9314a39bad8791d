#include "base/arena.h"

#include "base/alloc.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

enum { QN_FIRST_BLOCK_BYTES = 4096, QN_LARGEST_BLOCK_BYTES = 1 << 20 };

struct qn_arena_block {
    struct qn_arena_block *next; /* owns */
    size_t capacity_bytes, used_bytes;
    alignas(max_align_t) unsigned char bytes[];
};

/* The newest block with room for size_bytes, or a new one in front. */
static struct qn_arena_block *block_with_room(struct qn_arena *arena, size_t size_bytes)
{
    struct qn_arena_block *block = arena->blocks;
    if (block && block->capacity_bytes - block->used_bytes >= size_bytes)
        return block;
    size_t capacity = QN_FIRST_BLOCK_BYTES;
    if (block) {
        capacity = block->capacity_bytes < QN_LARGEST_BLOCK_BYTES / 2 ? block->capacity_bytes * 2
                                                                      : QN_LARGEST_BLOCK_BYTES;
    }
    if (capacity < size_bytes)
        capacity = size_bytes;
    struct qn_arena_block *fresh = qn_alloc(sizeof(*fresh) + capacity, 1);
    if (!fresh)
        return NULL;
    fresh->next = block;
    fresh->capacity_bytes = capacity;
    fresh->used_bytes = 0;
    arena->blocks = fresh;
    return fresh;
}

void *qn_arena_alloc(struct qn_arena *arena, size_t count, size_t size_bytes)
{
    const size_t alignment = alignof(max_align_t);
    const size_t largest = (size_t)PTRDIFF_MAX - sizeof(struct qn_arena_block) - alignment;
    if (size_bytes != 0 && count > largest / size_bytes)
        return NULL;
    size_t total = count * size_bytes;
    total = total == 0 ? alignment : (total + alignment - 1) / alignment * alignment;
    struct qn_arena_block *block = block_with_room(arena, total);
    if (!block)
        return NULL;
    void *result = block->bytes + block->used_bytes;
    block->used_bytes += total;
    arena->used_bytes += total;
    return memset(result, 0, total);
}

char *qn_arena_strdup(struct qn_arena *arena, const char *text)
{
    return qn_arena_strndup(arena, text, strlen(text));
}

char *qn_arena_strndup(struct qn_arena *arena, const char *text, size_t length)
{
    if (length >= (size_t)PTRDIFF_MAX)
        return NULL;
    char *copy = qn_arena_alloc(arena, length + 1, 1);
    if (copy && length > 0)
        memcpy(copy, text, length);
    return copy;
}

void qn_arena_release(struct qn_arena *arena)
{
    struct qn_arena_block *block = arena->blocks;
    while (block) {
        struct qn_arena_block *next = block->next;
        qn_free(block);
        block = next;
    }
    arena->blocks = NULL;
    arena->used_bytes = 0;
}
