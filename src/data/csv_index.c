/* Finds delimiters, quotes and line ends, 64 bytes at a time (the idea is simdjson's first stage:
 * Langdale and Lemire, "Parsing gigabytes of JSON per second", VLDB Journal 2019). */
#include "data/csv_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define QN_HAS_AVX2 1
#else
#define QN_HAS_AVX2 0
#endif

/* What a block has; `any` marks delimiters, quotes and line ends. */
struct block {
    uint64_t any;
    bool has_high, has_nul;
};

#if QN_HAS_AVX2

__attribute__((target("avx2"))) static inline uint64_t pair_mask(__m256i low, __m256i high)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(low) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

__attribute__((target("avx2"))) static inline __m256i structural(__m256i bytes, __m256i delimiter)
{
    __m256i quote = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"'));
    __m256i line_feed = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\n'));
    __m256i carriage = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\r'));
    __m256i ends = _mm256_or_si256(line_feed, carriage);
    return _mm256_or_si256(_mm256_or_si256(quote, _mm256_cmpeq_epi8(bytes, delimiter)), ends);
}

__attribute__((target("avx2"))) static inline struct block block_avx2(const char *at,
                                                                      char delimiter)
{
    __m256i low = _mm256_loadu_si256((const __m256i_u *)at);
    __m256i high = _mm256_loadu_si256((const __m256i_u *)(at + 32));
    __m256i wanted = _mm256_set1_epi8(delimiter);
    __m256i zero = _mm256_cmpeq_epi8(_mm256_min_epu8(low, high), _mm256_setzero_si256());
    return (struct block){
        .any = pair_mask(structural(low, wanted), structural(high, wanted)),
        .has_high = _mm256_movemask_epi8(_mm256_or_si256(low, high)) != 0,
        .has_nul = _mm256_movemask_epi8(zero) != 0,
    };
}

#endif

#if defined(__SSE2__)

static inline uint64_t equal_mask(const __m128i bytes[4], char wanted)
{
    __m128i all = _mm_set1_epi8(wanted);
    uint64_t mask = 0;
    for (int i = 0; i < 4; i++) {
        int part = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes[i], all));
        mask |= (uint64_t)(uint32_t)part << (16 * i);
    }
    return mask;
}

static inline void block_load(const char *at, __m128i bytes[4])
{
    for (int i = 0; i < 4; i++)
        bytes[i] = _mm_loadu_si128((const __m128i_u *)(at + 16 * i));
}

static inline struct block block_plain(const char *at, char delimiter)
{
    __m128i bytes[4];
    block_load(at, bytes);
    __m128i all = _mm_or_si128(_mm_or_si128(bytes[0], bytes[1]), _mm_or_si128(bytes[2], bytes[3]));
    return (struct block){
        .any = equal_mask(bytes, delimiter) | equal_mask(bytes, '"') | equal_mask(bytes, '\n') |
               equal_mask(bytes, '\r'),
        .has_high = _mm_movemask_epi8(all) != 0,
        .has_nul = equal_mask(bytes, '\0') != 0,
    };
}

void qn__csv_block(const char *block, struct qn__csv_masks *masks)
{
    __m128i bytes[4];
    block_load(block, bytes);
    masks->quotes = equal_mask(bytes, '"');
    masks->line_feeds = equal_mask(bytes, '\n');
    masks->carriage_returns = equal_mask(bytes, '\r');
}

#else

static inline struct block block_plain(const char *at, char delimiter)
{
    struct block block = {0};
    for (int i = 0; i < 64; i++) {
        char c = at[i];
        block.any |= (uint64_t)(c == delimiter || c == '"' || c == '\n' || c == '\r') << i;
        block.has_high |= (unsigned char)c >= 0x80;
        block.has_nul |= c == '\0';
    }
    return block;
}

void qn__csv_block(const char *block, struct qn__csv_masks *masks)
{
    *masks = (struct qn__csv_masks){0};
    for (int i = 0; i < 64; i++) {
        masks->quotes |= (uint64_t)(block[i] == '"') << i;
        masks->line_feeds |= (uint64_t)(block[i] == '\n') << i;
        masks->carriage_returns |= (uint64_t)(block[i] == '\r') << i;
    }
}

#endif

/* Appends the set bits. Eight are written at once, whether there are that many or not: a branch for
 * each bit would be mispredicted more often than not. */
static inline uint32_t *put_bits(uint64_t bits, uint32_t base, uint32_t *out)
{
    int count = __builtin_popcountll(bits);
    for (int done = 0; done < count; done += 8) {
        for (int i = 0; i < 8; i++) {
            out[done + i] = base + (uint32_t)__builtin_ctzll(bits | UINT64_C(1) << 63);
            bits &= bits - 1;
        }
    }
    return out + count;
}

typedef struct block block_fn(const char *at, char delimiter);

/* Inlined into each of its callers together with block_of, so that there is no call a block. */
__attribute__((always_inline)) static inline size_t
index_with(block_fn *block_of, const char *bytes, size_t from, size_t to, char delimiter,
           uint32_t *at, bool *has_high, bool *has_nul)
{
    uint32_t *out = at;
    bool high = false, nul = false;
    for (; from < to; from += 64) {
        struct block block = block_of(bytes + from, delimiter);
        if (to - from < 64)
            block.any &= (UINT64_C(1) << (to - from)) - 1;
        high |= block.has_high;
        nul |= block.has_nul;
        out = put_bits(block.any, (uint32_t)from, out);
    }
    *has_high = high;
    *has_nul = nul;
    return (size_t)(out - at);
}

size_t qn__csv_index_plain(const char *bytes, size_t from, size_t to, char delimiter, uint32_t *at,
                           bool *has_high, bool *has_nul)
{
    return index_with(block_plain, bytes, from, to, delimiter, at, has_high, has_nul);
}

#if QN_HAS_AVX2
__attribute__((target("avx2,bmi,popcnt"))) static size_t index_avx2(const char *bytes, size_t from,
                                                                    size_t to, char delimiter,
                                                                    uint32_t *at, bool *has_high,
                                                                    bool *has_nul)
{
    return index_with(block_avx2, bytes, from, to, delimiter, at, has_high, has_nul);
}
#endif

size_t qn__csv_index(const char *bytes, size_t from, size_t to, char delimiter, uint32_t *at,
                     bool *has_high, bool *has_nul)
{
#if QN_HAS_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
        return index_avx2(bytes, from, to, delimiter, at, has_high, has_nul);
#endif
    return qn__csv_index_plain(bytes, from, to, delimiter, at, has_high, has_nul);
}
