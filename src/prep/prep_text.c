/* Hashed tf-idf: words fall into buckets by their hash (Weinberger et al., "Feature hashing for
 * large scale multitask learning", ICML 2009, without the sign); a bucket's value in a text with
 * `count` of its words is
 *
 *     (1 + ln count) (1 + ln((1 + n) / (1 + df)))
 *
 * where n texts were in training and df of them had the bucket; then each text has length 1. */
#include "prep/prep_internal.h"

#include "base/alloc.h"
#include "base/numeric.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define QN_FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define QN_FNV_PRIME UINT64_C(0x100000001b3)

/* Non-zero buckets of the texts of a dictionary: those of entry e are cells[starts[e] ..
 * starts[e + 1]). */
struct sparse {
    size_t *starts;    /* owns */
    uint32_t *buckets; /* owns */
    double *values;    /* owns; counts, then weights */
    size_t count, bucket_capacity, value_capacity;
};

static void sparse_release(struct sparse *sparse)
{
    qn_free(sparse->starts);
    qn_free(sparse->buckets);
    qn_free(sparse->values);
}

static bool is_word_byte(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The lower-case form of a character of two bytes, U+0080 to U+07FF, of the Latin-1 supplement,
 * Greek and Cyrillic. */
static unsigned lower_two(unsigned c)
{
    if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9 && c != 0x3A2) ||
        (c >= 0x410 && c <= 0x42F))
        return c + 0x20;
    return c >= 0x400 && c <= 0x40F ? c + 0x50 : c;
}

static uint64_t hash_byte(uint64_t hash, unsigned c)
{
    return (hash ^ c) * QN_FNV_PRIME;
}

/* FNV-1a (Fowler, Noll and Vo) and the finish of splitmix64, byte by byte: what a model learned
 * about a bucket must hold on every machine and for ever. */
static uint64_t hash_word(const unsigned char *word, size_t size)
{
    uint64_t hash = QN_FNV_OFFSET;
    for (size_t i = 0; i < size; i++) {
        unsigned c = word[i];
        if (c >= 'A' && c <= 'Z') {
            c += 'a' - 'A';
        } else if (c >= 0xC2 && c <= 0xDF && i + 1 < size) {
            unsigned folded = lower_two((c & 0x1FU) << 6 | (word[++i] & 0x3FU));
            hash = hash_byte(hash, 0xC0U | folded >> 6);
            c = 0x80U | (folded & 0x3FU);
        }
        hash = hash_byte(hash, c);
    }
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94D049BB133111EB);
    return hash ^ (hash >> 31);
}

/* The next word at or after *at; false when there is none. */
static bool next_word(const unsigned char *text, size_t size, size_t *at, size_t *word_size)
{
    while (*at < size && !is_word_byte(text[*at]))
        (*at)++;
    size_t end = *at;
    while (end < size && is_word_byte(text[end]))
        end++;
    *word_size = end - *at;
    return end > *at;
}

/* Adds the buckets of one text. `where` says where a bucket is among the cells of this text, when
 * that place is not before `start`. */
static int sparse_add(struct sparse *sparse, const unsigned char *text, size_t size,
                      size_t bucket_count, size_t *where)
{
    size_t start = sparse->count, at = 0, word_size;
    while (next_word(text, size, &at, &word_size)) {
        size_t bucket = (size_t)(hash_word(text + at, word_size) % bucket_count);
        at += word_size;
        size_t place = where[bucket];
        if (place >= start && place < sparse->count && sparse->buckets[place] == bucket) {
            sparse->values[place] += 1;
            continue;
        }
        void *buckets = sparse->buckets, *values = sparse->values;
        if (qn_grow(&buckets, &sparse->bucket_capacity, sparse->count + 1, sizeof(uint32_t)) != 0)
            return -1;
        sparse->buckets = buckets;
        if (qn_grow(&values, &sparse->value_capacity, sparse->count + 1, sizeof(double)) != 0)
            return -1;
        sparse->values = values;
        where[bucket] = sparse->count;
        sparse->buckets[sparse->count] = (uint32_t)bucket;
        sparse->values[sparse->count++] = 1;
    }
    return 0;
}

static enum qn_status sparse_make(const struct qn_dictionary *dictionary, const uint64_t *rows,
                                  size_t bucket_count, struct sparse *out, struct qn_error *err)
{
    size_t *where = QN_CALLOC(size_t, bucket_count);
    *out = (struct sparse){.starts = QN_CALLOC(size_t, dictionary->count + 1)};
    int failed = !where || !out->starts;
    for (size_t code = 0; !failed && code < dictionary->count; code++) {
        size_t size = 0;
        const char *text = qn_dictionary_text(dictionary, (int32_t)code, &size);
        if (rows[code] > 0) /* Texts of other rows cost nothing. */
            failed = sparse_add(out, (const unsigned char *)text, size, bucket_count, where);
        out->starts[code + 1] = out->count;
    }
    qn_free(where);
    if (!failed)
        return QN_OK;
    sparse_release(out);
    return qn_fail_nomem(err, "text");
}

static void fit_idf(const struct sparse *sparse, const uint64_t *rows, size_t entry_count,
                    const struct qn__step *step)
{
    double text_count = 0;
    double *idf = step->numbers;
    for (size_t b = 0; b < step->number_count; b++)
        idf[b] = 0;
    for (size_t code = 0; code < entry_count; code++) {
        text_count += (double)rows[code];
        for (size_t at = sparse->starts[code]; at < sparse->starts[code + 1]; at++)
            idf[sparse->buckets[at]] += (double)rows[code];
    }
    for (size_t b = 0; b < step->number_count; b++)
        idf[b] = qn_log((1 + text_count) / (1 + idf[b])) + 1;
}

/* Counts become weights of length 1. */
static void weigh(struct sparse *sparse, size_t entry_count, const double *idf)
{
    assert(entry_count == 0 || sparse->starts[entry_count] == 0 || sparse->values);
    for (size_t code = 0; code < entry_count; code++) {
        double squares = 0;
        for (size_t at = sparse->starts[code]; at < sparse->starts[code + 1]; at++) {
            double weight = (1 + qn_log(sparse->values[at])) * idf[sparse->buckets[at]];
            sparse->values[at] = weight;
            squares += weight * weight;
        }
        for (size_t at = sparse->starts[code]; at < sparse->starts[code + 1]; at++)
            sparse->values[at] /= sqrt(squares);
    }
}

enum qn_status qn__text_encode(const struct qn__step *step, bool fit, const struct qn__codes *codes,
                               size_t row_count, double *const *out, struct qn_error *err)
{
    size_t entry_count = codes->dictionary->count;
    struct sparse sparse;
    uint64_t *rows = QN_CALLOC(uint64_t, entry_count);
    if (!rows)
        return qn_fail_nomem(err, "text");
    for (size_t i = 0; i < row_count; i++) {
        if (codes->codes[i] >= 0)
            rows[codes->codes[i]]++;
    }
    enum qn_status status = sparse_make(codes->dictionary, rows, step->output_count, &sparse, err);
    if (status != QN_OK) {
        qn_free(rows);
        return status;
    }
    if (fit)
        fit_idf(&sparse, rows, entry_count, step);
    weigh(&sparse, entry_count, step->numbers);
    for (size_t j = 0; j < step->output_count; j++)
        memset(out[j], 0, row_count * sizeof(**out));
    for (size_t i = 0; i < row_count; i++) {
        int32_t code = codes->codes[i];
        for (size_t at = code < 0 ? 0 : sparse.starts[code];
             code >= 0 && at < sparse.starts[code + 1]; at++)
            out[sparse.buckets[at]][i] = sparse.values[at];
    }
    sparse_release(&sparse);
    qn_free(rows);
    return QN_OK;
}
