#include "base/alloc.h"
#include "base/random.h"
#include "learn/trees.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define QN_ROWS ((size_t)1000)

/* Appends a random tree of `splits` splits over features 0 (numbers) and 1 (70 levels). */
static void add_tree(struct qn_trees *trees, size_t splits, struct qn_random *random)
{
    struct qn_error err = QN_ERROR_INIT;
    uint32_t node, child;
    assert_int_equal(qn_trees_begin(trees, &err), QN_OK);
    assert_int_equal(qn_trees_node(trees, &node, &err), QN_OK);
    for (size_t s = 0; s < splits; s++) {
        size_t root = trees->roots[trees->tree_count - 1];
        do { /* A leaf, anywhere in the tree. */
            node = (uint32_t)(root + qn_random_below(random, trees->node_count - root));
        } while (trees->nodes[node].feature != QN_NODE_LEAF);
        for (int side = 0; side < 2; side++) {
            assert_int_equal(qn_trees_node(trees, &child, &err), QN_OK);
            *(side == 0 ? &trees->nodes[node].left : &trees->nodes[node].right) = child;
            for (size_t o = 0; o < trees->output_count; o++)
                trees->values[trees->nodes[child].value_at + o] = qn_random_normal(random);
        }
        struct qn_node *split = &trees->nodes[node];
        split->feature = (int32_t)(s % 2);
        split->gain = (double)(1 + s % 3);
        split->cover = 5;
        if (qn_random_below(random, 2))
            split->flags |= QN_NODE_MISSING_LEFT;
        if (split->feature == 0) {
            split->threshold = qn_random_normal(random);
            continue;
        }
        uint32_t at;
        assert_int_equal(qn_trees_set(trees, 2, &at, &err), QN_OK);
        split->flags |= QN_NODE_CATEGORICAL | (s % 4 == 1 ? QN_NODE_UNSEEN_LEFT : 0);
        split->set_at = at;
        split->set_words = 2;
        trees->sets[at] = qn_random_u64(random);
        trees->sets[at + 1] = qn_random_u64(random) & 63;
    }
}

static struct qn_trees *random_trees(size_t count, size_t outputs)
{
    struct qn_random random;
    struct qn_trees *trees = qn_trees_create(outputs, 2);
    assert_non_null(trees);
    qn_random_init(&random, 5, 0);
    for (size_t t = 0; t < count; t++)
        add_tree(trees, t * 3, &random);
    return trees;
}

static double numbers[QN_ROWS];
static int32_t levels[QN_ROWS];
static const struct qn_feature columns[] = {
    {.name = "x", .values = numbers},
    {.name = "c", .kind = QN_FEATURE_CATEGORICAL, .levels = levels, .level_count = 70}};
static const struct qn_features features = {QN_ROWS, 2, columns};

static int fill_features(void **state)
{
    (void)state;
    struct qn_random random;
    qn_random_init(&random, 6, 0);
    for (size_t i = 0; i < QN_ROWS; i++) {
        numbers[i] = i % 9 == 0 ? NAN : qn_random_normal(&random);
        levels[i] = (int32_t)qn_random_below(&random, 300) - 2; /* Some beyond the sets. */
    }
    return 0;
}

/* Routing as the header says it, written once more. */
static uint32_t slow_leaf(const struct qn_trees *trees, size_t tree, size_t row)
{
    uint32_t at = trees->roots[tree];
    while (trees->nodes[at].feature != QN_NODE_LEAF) {
        const struct qn_node *node = &trees->nodes[at];
        bool left;
        if (node->feature == 0)
            left = isnan(numbers[row]) ? (node->flags & QN_NODE_MISSING_LEFT) != 0
                                       : numbers[row] <= node->threshold;
        else if (levels[row] == QN_LEVEL_MISSING)
            left = (node->flags & QN_NODE_MISSING_LEFT) != 0;
        else if (levels[row] == QN_LEVEL_UNSEEN)
            left = (node->flags & QN_NODE_UNSEEN_LEFT) != 0;
        else
            left = levels[row] < 128 &&
                   (trees->sets[node->set_at + (size_t)levels[row] / 64] >> (levels[row] % 64) &
                    1) != 0;
        at = left ? node->left : node->right;
    }
    return at;
}

static void test_accumulate(void **state)
{
    (void)state;
    struct qn_trees *trees = random_trees(9, 3);
    struct qn_error err = QN_ERROR_INIT;
    double *expected = QN_CALLOC(double, QN_ROWS * 3);
    for (size_t t = 2; t < 8; t++) {
        for (size_t row = 0; row < QN_ROWS; row++) {
            uint32_t leaf = slow_leaf(trees, t, row);
            assert_int_equal(qn_trees_leaf(trees, t, &features, row), leaf);
            for (size_t o = 0; o < 3; o++)
                expected[row * 3 + o] += 0.5 * trees->values[trees->nodes[leaf].value_at + o];
        }
    }
    for (unsigned threads = 1; threads <= 3; threads++) {
        for (size_t rows = 1; rows <= QN_ROWS; rows += 333) { /* Other blocks, the same sums. */
            struct qn_features some = {rows, 2, columns};
            struct qn_pool *pool = NULL;
            double *out = QN_CALLOC(double, QN_ROWS * 3);
            assert_int_equal(qn_pool_create(threads, &pool, &err), QN_OK);
            qn_trees_accumulate(trees, 2, 8, 0.5, &some, pool, out);
            assert_memory_equal(out, expected, rows * 3 * sizeof(*out));
            qn_pool_free(pool);
            qn_free(out);
        }
    }
    qn_free(expected);
    qn_trees_free(trees);
}

static void test_shape_and_gain(void **state)
{
    (void)state;
    struct qn_trees *trees = random_trees(3, 1);
    double gain[2];
    assert_int_equal(qn_trees_leaves(trees, 0), 1);
    assert_int_equal(qn_trees_depth(trees, 0), 0);
    assert_int_equal(qn_trees_leaves(trees, 1), 4);
    assert_int_equal(qn_trees_leaves(trees, 2), 7);
    assert_true(qn_trees_depth(trees, 2) >= 3 && qn_trees_depth(trees, 2) <= 6);
    qn_trees_gain(trees,
                  gain); /* Splits of 1, 2, 3 | 1, 2, 3, 1, 2, 3 by features 0, 1, 0 | 0, 1 .. */
    assert_true(fabs(gain[0] - 10.0 / 18) < 1e-15 && fabs(gain[1] - 8.0 / 18) < 1e-15);
    qn_trees_free(trees);
    trees = random_trees(1, 1);
    qn_trees_gain(trees, gain);
    assert_true(gain[0] == 0 && gain[1] == 0);
    qn_trees_free(trees);
}

static struct qn_buffer write(const struct qn_trees *trees)
{
    struct qn_buffer buffer;
    qn_buffer_init(&buffer, (size_t)1 << 24);
    qn_trees_write(trees, &buffer);
    assert_false(buffer.failed);
    return buffer;
}

static enum qn_status read(const struct qn_buffer *buffer, struct qn_trees **out)
{
    struct qn_error err = QN_ERROR_INIT;
    struct qn_reader reader;
    qn_reader_init(&reader, buffer->bytes, buffer->size);
    return qn_trees_read(&reader, out, &err);
}

static void test_join_and_bytes(void **state)
{
    (void)state;
    struct qn_trees *whole = random_trees(6, 2), *first = random_trees(3, 2), *again = NULL;
    struct qn_error err = QN_ERROR_INIT;
    struct qn_random random;
    qn_random_init(&random, 5, 0);
    struct qn_trees *scratch = qn_trees_create(2, 2), *last = qn_trees_create(2, 2);
    for (size_t t = 0; t < 6; t++) /* The same draws, put into two ensembles. */
        add_tree(t < 3 ? scratch : last, t * 3, &random);
    qn_trees_free(scratch);
    assert_int_equal(qn_trees_join(first, last, &err), QN_OK);
    struct qn_buffer a = write(whole), b = write(first);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.bytes, b.bytes, a.size);
    qn_buffer_release(&b);
    assert_int_equal(read(&a, &again), QN_OK);
    b = write(again);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.bytes, b.bytes, a.size);
    qn_buffer_release(&a);
    qn_buffer_release(&b);
    qn_trees_free(whole);
    qn_trees_free(first);
    qn_trees_free(again);
}

static void test_check(void **state)
{
    (void)state;
    struct qn_trees *trees = random_trees(4, 1), *again = NULL;
    struct qn_buffer buffer = write(trees);
    struct qn_error err = QN_ERROR_INIT;
    const struct qn_feature swapped[] = {columns[1], columns[0]};
    struct qn_features others = {QN_ROWS, 2, swapped}, fewer = {QN_ROWS, 1, columns};
    assert_int_equal(read(&buffer, &again), QN_OK);
    assert_int_equal(qn_trees_check(again, &features, &err), QN_OK);
    assert_int_equal(qn_trees_check(again, &others, &err), QN_INVALID);
    assert_int_equal(qn_trees_check(again, &fewer, &err), QN_INVALID);
    qn_buffer_release(&buffer);
    qn_trees_free(trees);
    qn_trees_free(again);
}

/* One thing wrong in otherwise good trees, each refused. */
static void test_bad_links_are_refused(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 15; wrong++) {
        struct qn_trees *trees = random_trees(3, 1), *again = NULL;
        uint32_t root = trees->roots[2];
        struct qn_node *node = &trees->nodes[root], *second = NULL;
        for (size_t i = root + 1; i < trees->node_count && !second; i++) {
            if (trees->nodes[i].feature == 1)
                second = &trees->nodes[i];
        }
        assert_true(node->feature == 0 && second);
        switch (wrong) {
        case 0:
            break; /* nothing: must be read */
        case 1:
            second->left = root;
            break;
        case 2:
            second->left = second->right;
            break;
        case 3:
            node->right = node->left;
            break;
        case 4:
            second->left = (uint32_t)trees->node_count;
            break;
        case 5:
            second->right = 1; /* in another tree */
            break;
        case 6:
            node->feature = 2;
            break;
        case 7:
            second->set_words = (uint32_t)trees->set_count + 1;
            break;
        case 8:
            second->set_at = UINT32_MAX;
            break;
        case 9:
            node->threshold = NAN;
            break;
        case 10:
            trees->nodes[1].value_at = (uint32_t)trees->value_count;
            break;
        case 11:
            trees->values[2] = INFINITY;
            break;
        case 12:
            trees->roots[1] = trees->roots[2];
            break;
        case 14:
            second->feature = QN_NODE_LEAF; /* its children hang in the air */
            break;
        case 13:
            second->feature = 0; /* a feature that is numbers here and levels there */
            break;
        }
        struct qn_buffer buffer = write(trees);
        enum qn_status status = read(&buffer, &again);
        if (status != (wrong ? QN_CORRUPT : QN_OK))
            print_error("case %d\n", wrong);
        assert_int_equal(status, wrong ? QN_CORRUPT : QN_OK);
        qn_buffer_release(&buffer);
        qn_trees_free(trees);
        qn_trees_free(again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accumulate),
        cmocka_unit_test(test_shape_and_gain),
        cmocka_unit_test(test_join_and_bytes),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_bad_links_are_refused),
    };
    return cmocka_run_group_tests(tests, fill_features, NULL);
}
