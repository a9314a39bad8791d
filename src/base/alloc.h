/* All heap memory of Quern's own code comes from here, so that tests can make each allocation fail
 * (they link with --wrap=qn_realloc_bytes). */
#ifndef QN_BASE_ALLOC_H
#define QN_BASE_ALLOC_H

#include <stddef.h>

/* The one gate: (re)allocates size bytes; size 0 frees and returns NULL. NULL on failure, and the
 * old block stays. Contents of new bytes are undefined. */
void *qn_realloc_bytes(void *block, size_t size_bytes);

/* count * size bytes, checked for overflow; NULL when out of memory. count 0 gives a valid block.
 */
void *qn_alloc(size_t count, size_t size_bytes);  /* undefined contents */
void *qn_calloc(size_t count, size_t size_bytes); /* zeroed */
void *qn_realloc(void *block, size_t count, size_t size_bytes);
char *qn_strdup(const char *text);
char *qn_strndup(const char *text, size_t length);
void qn_free(void *block); /* NULL is fine */

/* Typed forms: double *x = QN_ALLOC(double, n). */
#define QN_ALLOC(type, count) ((type *)qn_alloc((count), sizeof(type)))
#define QN_CALLOC(type, count) ((type *)qn_calloc((count), sizeof(type)))

/* Makes room for at least `needed` items in a growing array: doubles the capacity.
 * Returns 0, or -1 when out of memory (array untouched). */
int qn_grow(void **items, size_t *capacity, size_t needed, size_t item_size_bytes);

#endif
