#include "base/alloc.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* False when count * size_bytes does not fit what malloc can ever give. A product of 0 becomes 1,
 * because the gate takes 0 for "free". */
static int product(size_t count, size_t size_bytes, size_t *out)
{
    if (size_bytes != 0 && count > (size_t)PTRDIFF_MAX / size_bytes)
        return 0;
    *out = count * size_bytes;
    if (*out == 0)
        *out = 1;
    return 1;
}

void *qn_alloc(size_t count, size_t size_bytes)
{
    size_t total;
    return product(count, size_bytes, &total) ? qn_realloc_bytes(NULL, total) : NULL;
}

void *qn_calloc(size_t count, size_t size_bytes)
{
    size_t total;
    if (!product(count, size_bytes, &total))
        return NULL;
    void *block = qn_realloc_bytes(NULL, total);
    if (block)
        memset(block, 0, total);
    return block;
}

void *qn_realloc(void *block, size_t count, size_t size_bytes)
{
    size_t total;
    return product(count, size_bytes, &total) ? qn_realloc_bytes(block, total) : NULL;
}

char *qn_strdup(const char *text)
{
    return qn_strndup(text, strlen(text));
}

char *qn_strndup(const char *text, size_t length)
{
    if (length >= (size_t)PTRDIFF_MAX)
        return NULL;
    char *copy = qn_alloc(length + 1, 1);
    if (!copy)
        return NULL;
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void qn_free(void *block)
{
    if (block)
        qn_realloc_bytes(block, 0);
}

int qn_grow(void **items, size_t *capacity, size_t needed, size_t item_size_bytes)
{
    assert(item_size_bytes > 0);
    if (needed <= *capacity)
        return 0;
    size_t wanted = *capacity < 4 ? 8 : *capacity;
    while (wanted < needed) {
        if (wanted > SIZE_MAX / 2) {
            wanted = needed;
            break;
        }
        wanted *= 2;
    }
    void *grown = qn_realloc(*items, wanted, item_size_bytes);
    if (!grown)
        return -1;
    *items = grown;
    *capacity = wanted;
    return 0;
}
