/* Alone in its file, so that a test can put its own gate in front with --wrap=qn_realloc_bytes:
 * the linker only redirects calls that cross object files. */
#include "base/alloc.h"

#include <stdlib.h>

void *qn_realloc_bytes(void *block, size_t size_bytes)
{
    if (size_bytes == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size_bytes);
}
