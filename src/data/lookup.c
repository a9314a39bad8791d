/* A hash index over a growing dictionary: open addressing, linear probing. */
#include "data/data_internal.h"

#include "base/alloc.h"

#include <string.h>
#include <sys/random.h>

enum { QN_FIRST_SLOTS = 64 };

/* The tag finds the slot and tells most texts apart, so growing never looks at the texts. */
struct slot {
    uint32_t tag; /* of the hash; there are never more than 2^32 slots */
    int32_t code; /* -1: free */
};

struct qn_lookup {
    struct slot *slots; /* owns; slot_count is a power of two, at most half are taken */
    size_t slot_count;
    struct qn_dictionary dictionary;
    size_t offset_capacity, byte_capacity;
    uint64_t seed; /* random: input cannot be built to collide; codes do not depend on it */
};

static uint64_t load64(const char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    a = (a ^ b) * UINT64_C(0x9fb21c651e98df25);
    a ^= a >> 32;
    a *= UINT64_C(0xd6e8feb86659fd93);
    return a ^ (a >> 29);
}

/* Short texts dominate, so up to 16 bytes take two overlapping loads. */
static uint64_t hash_all(const char *text, size_t size, uint64_t seed)
{
    uint64_t h = seed ^ size * UINT64_C(0x9e3779b97f4a7c15);
    while (size > 16) {
        h = mix(h, load64(text));
        text += 8;
        size -= 8;
    }
    if (size >= 8)
        return mix(mix(h, load64(text)), load64(text + size - 8));
    uint64_t last = 0;
    if (size > 0) {
        /* Three bytes, or two overlapping words of four, tell apart all texts of one length. */
        if (size >= 4) {
            uint32_t low, high;
            memcpy(&low, text, 4);
            memcpy(&high, text + size - 4, 4);
            last = (uint64_t)high << 32 | low;
        } else {
            last = (uint64_t)(unsigned char)text[0] | (uint64_t)(unsigned char)text[size / 2] << 8 |
                   (uint64_t)(unsigned char)text[size - 1] << 16;
        }
    }
    return mix(h, last);
}

static uint32_t hash(const struct qn_lookup *lookup, const char *text, size_t size)
{
    return (uint32_t)(hash_all(text, size, lookup->seed) >> 32);
}

static void slots_clear(struct slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        slots[i] = (struct slot){0, QN_MISSING_CODE};
}

enum qn_status qn_lookup_create(struct qn_lookup **out, struct qn_error *err)
{
    struct qn_lookup *lookup = QN_CALLOC(struct qn_lookup, 1);
    if (!lookup)
        return qn_fail_nomem(err, "dictionary");
    lookup->slots = QN_ALLOC(struct slot, QN_FIRST_SLOTS);
    if (!lookup->slots) {
        qn_free(lookup);
        return qn_fail_nomem(err, "dictionary");
    }
    lookup->slot_count = QN_FIRST_SLOTS;
    slots_clear(lookup->slots, lookup->slot_count);
    if (getrandom(&lookup->seed, sizeof(lookup->seed), GRND_NONBLOCK) < 0)
        lookup->seed = (uint64_t)(uintptr_t)lookup; /* Early in boot: the address must do. */
    *out = lookup;
    return QN_OK;
}

void qn_lookup_free(struct qn_lookup *lookup)
{
    if (!lookup)
        return;
    qn__dictionary_release(&lookup->dictionary);
    qn_free(lookup->slots);
    qn_free(lookup);
}

size_t qn_lookup_count(const struct qn_lookup *lookup)
{
    return lookup->dictionary.count;
}

/* The slot that holds the text, or the free one where it belongs. */
static struct slot *slot_find(const struct qn_lookup *lookup, const char *text, size_t size,
                              uint32_t tag)
{
    const struct qn_dictionary *dictionary = &lookup->dictionary;
    size_t mask = lookup->slot_count - 1;
    for (size_t at = tag & mask;; at = (at + 1) & mask) {
        struct slot *slot = &lookup->slots[at];
        if (slot->code < 0)
            return slot;
        if (slot->tag != tag)
            continue;
        uint64_t from = dictionary->offsets[slot->code];
        if (dictionary->offsets[slot->code + 1] - from == size &&
            memcmp(dictionary->bytes + from, text, size) == 0)
            return slot;
    }
}

int32_t qn_lookup_find(const struct qn_lookup *lookup, const char *text, size_t size)
{
    return slot_find(lookup, text, size, hash(lookup, text, size))->code;
}

static int slots_double(struct qn_lookup *lookup)
{
    size_t count = lookup->slot_count * 2;
    struct slot *slots = QN_ALLOC(struct slot, count);
    if (!slots)
        return -1;
    slots_clear(slots, count);
    for (size_t i = 0; i < lookup->slot_count; i++) {
        struct slot slot = lookup->slots[i];
        if (slot.code < 0)
            continue;
        size_t at = slot.tag & (count - 1);
        while (slots[at].code >= 0)
            at = (at + 1) & (count - 1);
        slots[at] = slot;
    }
    qn_free(lookup->slots);
    lookup->slots = slots;
    lookup->slot_count = count;
    return 0;
}

static int dictionary_append(struct qn_lookup *lookup, const char *text, size_t size)
{
    struct qn_dictionary *dictionary = &lookup->dictionary;
    void *offsets = dictionary->offsets, *bytes = dictionary->bytes;
    uint64_t end = dictionary->count ? dictionary->offsets[dictionary->count] : 0;
    if (qn_grow(&offsets, &lookup->offset_capacity, dictionary->count + 2,
                sizeof(*dictionary->offsets)) != 0)
        return -1;
    dictionary->offsets = offsets;
    dictionary->offsets[0] = 0;
    if (qn_grow(&bytes, &lookup->byte_capacity, (size_t)end + size + 1, 1) != 0)
        return -1;
    dictionary->bytes = bytes;
    if (size > 0)
        memcpy(dictionary->bytes + end, text, size);
    dictionary->offsets[++dictionary->count] = end + size;
    return 0;
}

enum qn_status qn_lookup_add(struct qn_lookup *lookup, const char *text, size_t size,
                             int32_t *code_out, struct qn_error *err)
{
    uint32_t tag = hash(lookup, text, size);
    struct slot *slot = slot_find(lookup, text, size, tag);
    if (slot->code >= 0) {
        *code_out = slot->code;
        return QN_OK;
    }
    size_t count = lookup->dictionary.count;
    if (count >= INT32_MAX)
        return qn_fail(err, QN_UNSUPPORTED, "more than 2,147,483,647 distinct texts in a column");
    if ((count + 1) * 2 > lookup->slot_count) {
        if (slots_double(lookup) != 0)
            return qn_fail_nomem(err, "dictionary");
        slot = slot_find(lookup, text, size, tag);
    }
    if (dictionary_append(lookup, text, size) != 0)
        return qn_fail_nomem(err, "dictionary");
    *slot = (struct slot){tag, (int32_t)count};
    *code_out = (int32_t)count;
    return QN_OK;
}

enum qn_status qn_lookup_take(struct qn_lookup *lookup, struct qn_dictionary *out,
                              struct qn_error *err)
{
    struct slot *slots = lookup->slots;
    if (lookup->slot_count > QN_FIRST_SLOTS) {
        slots = QN_ALLOC(struct slot, QN_FIRST_SLOTS);
        if (!slots)
            return qn_fail_nomem(err, "dictionary");
        qn_free(lookup->slots);
        lookup->slots = slots;
        lookup->slot_count = QN_FIRST_SLOTS;
    }
    slots_clear(slots, lookup->slot_count);
    *out = lookup->dictionary;
    if (out->count == 0)
        qn__dictionary_release(out);
    lookup->dictionary = (struct qn_dictionary){0};
    lookup->offset_capacity = lookup->byte_capacity = 0;
    return QN_OK;
}
