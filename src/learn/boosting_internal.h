/* What the parts of gradient boosting share.
 *
 * Gradients and hessians of a round are rounded to whole multiples of a unit, so that histogram
 * sums are integers: exact, the same in any order and on any number of threads, and a sibling's
 * histogram is its parent's minus the other's without error (Shi et al., "Quantized Training of
 * Gradient Boosting Decision Trees", NeurIPS 2022, for why few bits suffice). Only the choice of
 * splits rests on them; the values of leaves come from the unrounded gradients. */
#ifndef QN_LEARN_BOOSTING_INTERNAL_H
#define QN_LEARN_BOOSTING_INTERNAL_H

#include "learn/binned.h"
#include "learn/boosting.h"

/* Longest Newton step of a score, before the learning rate, in classification. Where a class is
 * rare its probability is near 0, the loss nearly straight, and the full step of a leaf full of it
 * is about 1 / p: far beyond the minimum (XGBoost's max_delta_step is there for the same). */
#define QN__LONGEST_STEP 10.0

/* Rows of a packed histogram: what the fields below have room for. */
#define QN__PACKED_ROWS ((size_t)4096)
/* Training sets up to here get histograms of three 64-bit sums throughout and gradients of 38
 * bits: splits as exact as those of double arithmetic where speed is no concern. */
#define QN__EXACT_ROWS ((size_t)16384)
#define QN__TILE_WIDTH 16 /* features of a tile at most */

/* Categories (defaults and rules as LightGBM's): those of few rows always go right; the others are
 * ordered by gradient / (hessian + smoothing), and prefixes of the order from either end are
 * tried. */
#define QN__CATEGORY_ROWS 10        /* least rows in the node */
#define QN__CATEGORY_SMOOTHING 10.0 /* hessian added before ordering */
#define QN__CATEGORY_LAMBDA 10.0    /* added to lambda for such splits and their leaves */
#define QN__CATEGORY_PREFIX 32      /* most categories on the smaller side */
#define QN__CATEGORY_GROUP 100      /* least rows added between two tried prefixes */
#define QN__CATEGORY_ONE_AGAINST 4  /* up to so many: each against the rest, without the above */

/* Sums over rows, in units. */
struct qn__sums {
    int64_t gradient, hessian, count;
};

/* How the numbers of a row, and of a histogram's cell of up to QN__PACKED_ROWS rows, share 64 bits:
 *     three fields: gradient 27 bits (signed, on top), hessian 24, count 13
 *     hessian always 1 (squared error without weights): gradient 51 bits, count 13 */
struct qn__layout {
    unsigned gradient_shift, hessian_shift;
    uint64_t hessian_mask, count_mask;
    double gradient_unit, hessian_unit; /* of this round: true value of 1 */
    bool unit_hessian;
};

static inline struct qn__sums qn__unpack(const struct qn__layout *layout, int64_t packed)
{
    uint64_t bits = (uint64_t)packed;
    return (struct qn__sums){packed >> layout->gradient_shift,
                             (int64_t)(bits >> layout->hessian_shift & layout->hessian_mask),
                             (int64_t)(bits & layout->count_mask)};
}

static inline int64_t qn__pack(const struct qn__layout *layout, struct qn__sums sums)
{
    uint64_t hessian = layout->unit_hessian ? 0 : (uint64_t)sums.hessian << layout->hessian_shift;
    return (int64_t)(((uint64_t)sums.gradient << layout->gradient_shift) + hessian +
                     (uint64_t)sums.count);
}

/* Features side by side: the codes of a row are next to each other. */
struct qn__tile {
    size_t slot, width; /* features [slot, slot + width) in the order of slots */
    unsigned bin_shift; /* cells of a feature: 1 << bin_shift */
    size_t cell_at;     /* its cells in a histogram */
    uint8_t *codes;     /* owns; row_count x width */
};

/* The features, arranged for counting; a slot is a feature's place in that order. */
struct qn__store {
    const struct qn_binned *binned; /* borrows */
    size_t slot_count;
    uint32_t *features; /* owns; feature of each slot */
    size_t *cell_of;    /* owns; first cell of each slot in a histogram */
    size_t cell_count;
    size_t tile_count;
    struct qn__tile *tiles; /* owns */
};

QN_MUST_CHECK enum qn_status qn__store_create(const struct qn_binned *binned, struct qn_pool *pool,
                                              struct qn__store **out, struct qn_error *err);
void qn__store_free(struct qn__store *store);

/* Rounded gradients of a round, by row of the training set: packed, or in the exact form. */
struct qn__quantised {
    struct qn__layout layout;
    bool exact;
    int64_t *packed;   /* owns; NULL when exact */
    int64_t *gradient; /* owns; NULL unless exact, as the next */
    int64_t *hessian;  /* owns */
};

/* A histogram: sums of each bin of each slot, packed or wide. */
struct qn__histogram {
    bool wide;
    int64_t *packed;       /* cell_count */
    struct qn__sums *sums; /* cell_count */
};

/* Adds up the rows of a tile; `scratch`: 1 << 12 cells that the thread owns. */
void qn__histogram_tile(const struct qn__tile *tile, const struct qn__quantised *quantised,
                        const uint32_t *rows, size_t row_count, struct qn__histogram *out,
                        int64_t *scratch);
/* large = parent - small for the cells of a tile; large may be the parent's own memory when both
 * have the same form. */
void qn__histogram_subtract(const struct qn__tile *tile, const struct qn__layout *layout,
                            const struct qn__histogram *parent, const struct qn__histogram *small,
                            struct qn__histogram *large);

struct qn__split {
    double gain; /* decrease of the loss, at least 0; feature < 0: there is no split */
    int32_t feature;
    bool categorical, missing_left;
    bool ordered;          /* by categories in order: its leaves get QN__CATEGORY_LAMBDA */
    uint16_t bin;          /* numeric: the last bin of values on the left */
    uint64_t left_bins[4]; /* bins that go left, as bits */
    struct qn__sums left;
};

static inline bool qn__split_left(const struct qn__split *split, uint8_t code)
{
    return (split->left_bins[code >> 6] >> (code & 63) & 1) != 0;
}

/* What a split must keep to, in units of the round. */
struct qn__rules {
    double lambda, min_hessian, min_gain;
    double category_lambda, category_smoothing; /* in units */
    double gain_unit;                           /* true value of gradient^2 / hessian */
    int64_t min_rows, category_group;
};

/* The best split of a node by one slot; replaces *best when it gains more, or the same with a
 * feature before. `total`: of the node. */
void qn__split_search(const struct qn__store *store, size_t slot, const struct qn__layout *layout,
                      const struct qn__rules *rules, const struct qn__histogram *histogram,
                      struct qn__sums total, struct qn__split *best);

struct qn__grow_node {
    size_t begin, count; /* of the rows */
    struct qn__sums total;
    struct qn__split split;   /* best one; used when left != 0 */
    double gradient, hessian; /* unrounded sums */
    double lambda;            /* added to the options' for its value */
    double value;
    uint32_t left, right; /* 0: a leaf */
    uint32_t depth;
    struct qn__histogram histogram;
};

/* Histograms of one form: those that no node uses now. There is room for all that were made. */
struct qn__histogram_list {
    struct qn__histogram *free; /* owns */
    size_t free_count, made_count, capacity;
};

/* A tree on its way; buffers are kept from tree to tree. */
struct qn__grower {
    const struct qn__store *store; /* borrows, as all below without a word */
    const struct qn_boosting_options *options;
    struct qn_pool *pool;
    const struct qn__quantised *quantised;
    const double *gradient, *hessian; /* by row; hessian NULL: 1 */
    double longest_step;              /* of a leaf before the learning rate */
    struct qn__rules rules;
    const uint8_t *slot_in; /* NULL: all slots take part */

    uint32_t *rows, *spare_rows; /* own; capacity: rows of the training set */
    struct qn__grow_node *nodes; /* owns */
    size_t node_count, node_capacity, leaf_count;
    uint32_t *heap; /* owns; nodes that can be split, the best first */
    size_t heap_count, heap_capacity;
    struct qn__histogram_list packed, wide;
    struct qn__split *found; /* owns; 2 x tile_count */
    int64_t *scratch;        /* owns; threads x (1 << 12) */
};

QN_MUST_CHECK enum qn_status qn__grower_create(const struct qn__store *store,
                                               const struct qn_boosting_options *options,
                                               size_t row_count, struct qn_pool *pool,
                                               struct qn__grower **out, struct qn_error *err);
void qn__grower_free(struct qn__grower *grower);
/* Grows from grower->rows[0 .. row_count), rising. Afterwards nodes have values (with the learning
 * rate) and the rows of each leaf are at [begin, begin + count), rising. */
QN_MUST_CHECK enum qn_status qn__grower_grow(struct qn__grower *grower, size_t row_count,
                                             struct qn_error *err);
/* The value that a row of the binned store gets. */
double qn__grower_value(const struct qn__grower *grower, size_t row);
QN_MUST_CHECK enum qn_status qn__grower_emit(const struct qn__grower *grower,
                                             struct qn_trees *trees, struct qn_error *err);
/* Cuts rows into those that go left, then those that go right, both in order; returns how many go
 * left. Parallel over blocks. */
size_t qn__partition(const uint8_t *codes, const struct qn__split *split, uint32_t *rows,
                     uint32_t *spare, size_t count, struct qn_pool *pool);

/* The objective: scores (class-major: K x row_count) to gradients. */
struct qn__loss {
    enum qn_task task;
    size_t row_count, output_count; /* scores a row: 1, or the classes */
    const int32_t *classes;
    const double *values;
    double *weights;  /* owns; sample weight times class weight; NULL: all 1 */
    double *scores;   /* owns; output_count x row_count */
    double *log_sum;  /* owns; multiclass: log of the sum of exp(score), by row */
    double *gradient; /* owns; by row */
    double *hessian;  /* owns; by row; NULL: all 1 */
    double *base;     /* owns; output_count */
};

QN_MUST_CHECK enum qn_status qn__loss_create(const struct qn_target *target, int64_t class_weight,
                                             const uint32_t *rows, size_t row_count,
                                             struct qn__loss **out, struct qn_error *err);
void qn__loss_free(struct qn__loss *loss);
/* Before a round (multiclass), then before each of its trees. */
void qn__loss_begin_round(struct qn__loss *loss, struct qn_pool *pool);
void qn__loss_gradients(struct qn__loss *loss, size_t output, struct qn_pool *pool);
/* Mean weighted loss of the rows: log loss, or half the mean squared error. */
double qn__loss_mean(const struct qn__loss *loss, const uint32_t *rows, size_t row_count);

QN_MUST_CHECK enum qn_status qn__quantised_create(const struct qn__loss *loss,
                                                  size_t training_count, struct qn__quantised **out,
                                                  struct qn_error *err);
void qn__quantised_free(struct qn__quantised *quantised);
/* Rounds the gradients of the given rows. With three fields rounding is up or down at random with
 * the expectation kept, by (key, row); else to the nearest. */
void qn__quantise(struct qn__quantised *quantised, const struct qn__loss *loss,
                  const uint32_t *rows, size_t row_count, uint64_t key, struct qn_pool *pool);

/* A fitted model. */
struct qn_boosting {
    enum qn_task task;
    size_t output_count;    /* scores a row */
    size_t class_count;     /* 0 for regression */
    size_t round_count;     /* kept: the best one when stopped early */
    double *base;           /* owns; output_count */
    struct qn_trees *trees; /* owns; round_count trees of output 0, then of output 1 ... */
    size_t history_count;   /* rounds with a validation loss; 0 without early stopping */
    double *history;        /* owns */
};

void qn__boosting_free(void *model);
enum qn_status qn__boosting_fit(const struct qn_fit *fit, void **out, struct qn_error *err);
enum qn_status qn__boosting_predict(const void *model, const struct qn_features *features,
                                    struct qn_pool *pool, double *out, struct qn_error *err);
void qn__boosting_write(const void *model, struct qn_buffer *buffer);
enum qn_status qn__boosting_read(struct qn_reader *reader, void **out, struct qn_error *err);

#endif
