#include "learn/kmeans_internal.h"

#include "base/alloc.h"
#include "base/numeric.h"
#include "learn/linalg_kernel.h"

#include <math.h>
#include <string.h>

enum {
    QN_GROUP_BLOCKS = 32, /* fewest blocks of a group */
    QN_GROUP_LIMIT = 64,
    QN_PARTIAL_LIMIT = 1 << 22 /* doubles in all partial sums, unless one alone is larger */
};

/* Comparisons are made on four rows at a time: compilers turn comparisons of 8 doubles into eight
 * scalar ones where the instructions for masks are missing. */
typedef double half __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t mask __attribute__((vector_size(32)));

void qn__points_init(struct qn__points *points, const struct qn_features *features,
                     const double *shift, size_t group_size, struct qn_pool *pool)
{
    *points = (struct qn__points){.features = features,
                                  .pool = pool,
                                  .n = features->row_count,
                                  .p = features->feature_count,
                                  .shift = shift};
    points->block_count = (points->n + QN__BLOCK_ROWS - 1) / QN__BLOCK_ROWS;
    size_t count = points->block_count / QN_GROUP_BLOCKS;
    if (count > QN_GROUP_LIMIT)
        count = QN_GROUP_LIMIT;
    if (count > QN_PARTIAL_LIMIT / group_size)
        count = QN_PARTIAL_LIMIT / group_size;
    points->group_count = count > 0 ? count : 1;
}

void qn__points_group(const struct qn__points *points, size_t group, size_t *first, size_t *end)
{
    *first = points->block_count * group / points->group_count;
    *end = points->block_count * (group + 1) / points->group_count;
}

QN__INLINE void pack_column_body(const double *x, double shift, size_t panels, size_t stride,
                                 double *out)
{
    for (size_t i = 0; i < panels; i++)
        *(qn__vector *)(out + i * stride) = *(const qn__vector *)(x + i * QN__PANEL) - shift;
}
QN__DISPATCH(pack_column,
             (const double *x, double shift, size_t panels, size_t stride, double *out),
             (x, shift, panels, stride, out))

size_t qn__points_pack(const struct qn__points *points, size_t block, double *out)
{
    size_t row = block * QN__BLOCK_ROWS, rows = points->n - row;
    if (rows > QN__BLOCK_ROWS)
        rows = QN__BLOCK_ROWS;
    size_t whole = rows / QN__PANEL, stride = points->p * QN__PANEL;
    for (size_t j = 0; j < points->p; j++) {
        const double *x = points->features->columns[j].values + row;
        double *to = out + j * QN__PANEL;
        pack_column(x, points->shift[j], whole, stride, to);
        for (size_t i = 0; whole * QN__PANEL < rows && i < QN__PANEL; i++) {
            size_t from = whole * QN__PANEL + i < rows ? whole * QN__PANEL + i : rows - 1;
            to[whole * stride + i] = x[from] - points->shift[j];
        }
    }
    return rows;
}

void qn__points_row(const struct qn__points *points, size_t row, double *out)
{
    for (size_t j = 0; j < points->p; j++)
        out[j] = points->features->columns[j].values[row] - points->shift[j];
}

enum qn_status qn__centres_init(struct qn__centres *centres, size_t limit, size_t p,
                                struct qn_error *err)
{
    size_t panels = qn__panel_count(limit);
    *centres = (struct qn__centres){.p = p};
    centres->panels = QN_ALLOC(double, panels *QN__PANEL *p);
    centres->norms = QN_ALLOC(double, panels *QN__PANEL);
    if (!centres->panels || !centres->norms)
        return qn_fail(err, QN_NOMEM, "kmeans: no memory for %zu centres", limit);
    return QN_OK;
}

void qn__centres_set(struct qn__centres *centres, const double *values, size_t count)
{
    size_t p = centres->p;
    centres->count = count;
    for (size_t c = 0; c < qn__panel_count(count) * QN__PANEL; c++) {
        double *panel = centres->panels + c / QN__PANEL * QN__PANEL * p + c % QN__PANEL;
        for (size_t j = 0; j < p; j++)
            panel[j * QN__PANEL] = c < count ? values[c * p + j] : 0;
        centres->norms[c] = c < count ? qn_dot(values + c * p, values + c * p, p) : INFINITY;
    }
}

void qn__centres_release(struct qn__centres *centres)
{
    qn_free(centres->panels);
    qn_free(centres->norms);
}

/* Lane by lane; a macro, since a vector may not pass through a call in every build. */
#define CHOOSE(which, yes, no) ((half)(((mask)(yes) & (which)) | ((mask)(no) & ~(which))))

/* The two nearest so far of four rows; labels as doubles, which mix with the same masks. */
struct four {
    half first, second, label;
};

QN__INLINE void panel_norms(const double *panel, size_t p, qn__vector *out)
{
    qn__vector sum = {0};
    for (size_t j = 0; j < p; j++) {
        qn__vector x = *(const qn__vector *)(panel + j * QN__PANEL);
        sum += x * x;
    }
    *out = sum;
}

QN__INLINE void compare(struct four *four, const double *products, double norm, double label)
{
    half score = norm - 2 * *(const half *)products;
    mask nearer = (mask)(score < four->first);
    mask between = (mask)(score < four->second) & ~nearer;
    four->second = CHOOSE(nearer, four->first, CHOOSE(between, score, four->second));
    four->first = CHOOSE(nearer, score, four->first);
    half own = label - (half){0};
    four->label = CHOOSE(nearer, own, four->label);
}

QN__INLINE void nearest_body(const struct qn__centres *centres, const double *panel,
                             struct qn__nearest *out)
{
    size_t p = centres->p;
    half far = INFINITY - (half){0};
    struct four low = {far, far, {0}}, high = low;
    for (size_t c = 0; c < centres->count; c += 4) {
        const double *left = centres->panels + c / QN__PANEL * QN__PANEL * p + c % QN__PANEL;
        qn__vector products[4];
        qn__kernel(p, left, panel, products);
        for (size_t i = 0; i < 4; i++) {
            const double *product = (const double *)&products[i];
            compare(&low, product, centres->norms[c + i], (double)(c + i));
            compare(&high, product + 4, centres->norms[c + i], (double)(c + i));
        }
    }
    qn__vector norms;
    panel_norms(panel, p, &norms);
    for (size_t i = 0; i < QN__PANEL; i++) {
        const struct four *from = i < 4 ? &low : &high;
        out->label[i] = (int32_t)from->label[i % 4];
        out->first[i] = sqrt(fmax(from->first[i % 4] + norms[i], 0));
        out->second[i] = sqrt(fmax(from->second[i % 4] + norms[i], 0));
        out->norm[i] = norms[i];
    }
}
QN__DISPATCH(nearest,
             (const struct qn__centres *centres, const double *panel, struct qn__nearest *out),
             (centres, panel, out))

void qn__centres_nearest(const struct qn__centres *centres, const double *panel,
                         struct qn__nearest *out)
{
    nearest(centres, panel, out);
}

QN__INLINE void distances_body(const struct qn__centres *centres, const double *panel, double *out)
{
    size_t p = centres->p;
    qn__vector norms;
    panel_norms(panel, p, &norms);
    for (size_t c = 0; c < centres->count; c += 4) {
        const double *left = centres->panels + c / QN__PANEL * QN__PANEL * p + c % QN__PANEL;
        qn__vector products[4];
        qn__kernel(p, left, panel, products);
        for (size_t i = 0; i < 4; i++) {
            qn__vector square = (centres->norms[c + i] - 2 * products[i]) + norms;
            double *to = out + (c + i) * QN__PANEL;
            *(qn__vector *)to = square;
            for (size_t k = 0; k < QN__PANEL; k++)
                to[k] = to[k] > 0 ? to[k] : 0;
        }
    }
}
QN__DISPATCH(distances, (const struct qn__centres *centres, const double *panel, double *out),
             (centres, panel, out))

void qn__centres_distances(const struct qn__centres *centres, const double *panel, double *out)
{
    distances(centres, panel, out);
}
