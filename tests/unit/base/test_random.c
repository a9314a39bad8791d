#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void follows_xoshiro(void **state)
{
    (void)state;
    /* xoshiro256** from state {1, 2, 3, 4}, worked out by hand from its definition. */
    struct qn_random random = {{1, 2, 3, 4}};
    const uint64_t first[] = {11520ULL, 0ULL, 1509978240ULL, 1215971899390074240ULL};
    for (size_t i = 0; i < 4; i++)
        assert_true(qn_random_u64(&random) == first[i]);
}

static void streams_are_fixed_and_differ(void **state)
{
    (void)state;
    struct qn_random a, b, again;
    qn_random_init(&a, 1, 2);
    qn_random_init(&again, 1, 2);
    assert_memory_equal(&a, &again, sizeof(a));
    for (uint64_t seed = 0; seed < 30; seed++) {
        for (uint64_t stream = 0; stream < 30; stream++) {
            qn_random_init(&b, seed, stream);
            if (seed != 1 || stream != 2)
                assert_memory_not_equal(&a, &b, sizeof(a));
        }
    }
    /* Bits of neighbouring streams agree half of the time. */
    int same = 0;
    for (uint64_t stream = 0; stream < 1000; stream++) {
        qn_random_init(&a, 7, stream);
        qn_random_init(&b, 7, stream + 1);
        same += __builtin_popcountll(~(qn_random_u64(&a) ^ qn_random_u64(&b)));
    }
    assert_true(abs(same - 32000) < 6 * 127);
}

static void unit_and_normal_moments(void **state)
{
    (void)state;
    struct qn_random random;
    qn_random_init(&random, 3, 0);
    const int count = 200000;
    double sum = 0, squares = 0, normal_sum = 0, normal_squares = 0, normal_fourth = 0;
    for (int i = 0; i < count; i++) {
        double u = qn_random_unit(&random);
        assert_true(u >= 0.0 && u < 1.0);
        sum += u;
        squares += u * u;
        double z = qn_random_normal(&random);
        normal_sum += z;
        normal_squares += z * z;
        normal_fourth += z * z * z * z;
    }
    /* Five standard errors. */
    assert_true(fabs(sum / count - 0.5) < 5 * 0.28868 / sqrt(count));
    assert_true(fabs(squares / count - 1.0 / 3) < 5 * 0.29815 / sqrt(count));
    assert_true(fabs(normal_sum / count) < 5 / sqrt(count));
    assert_true(fabs(normal_squares / count - 1) < 5 * sqrt(2.0) / sqrt(count));
    assert_true(fabs(normal_fourth / count - 3) < 5 * sqrt(96.0) / sqrt(count));
}

static void below_is_even(void **state)
{
    (void)state;
    struct qn_random random;
    qn_random_init(&random, 4, 0);
    int counts[7] = {0};
    for (int i = 0; i < 70000; i++)
        counts[qn_random_below(&random, 7)]++;
    double chi_square = 0;
    for (int i = 0; i < 7; i++)
        chi_square += (counts[i] - 10000.0) * (counts[i] - 10000.0) / 10000.0;
    assert_true(chi_square < 27.9); /* 6 degrees of freedom, p = 0.0001 */
    assert_int_equal(qn_random_below(&random, 1), 0);
    /* 8 draws for each 5 results: if none were drawn again, 0, 1 and 3 (modulo 5) would come twice
     * as often as 2 and 4. */
    size_t bound = (size_t)5 << 61;
    int low = 0, twos = 0;
    for (int i = 0; i < 30000; i++) {
        size_t drawn = qn_random_below(&random, bound);
        assert_true(drawn < bound);
        low += drawn < bound / 2;
        twos += drawn % 5 == 2;
    }
    assert_true(abs(low - 15000) < 5 * 87);
    assert_true(abs(twos - 6000) < 5 * 70);
}

static void shuffles_all_orders_alike(void **state)
{
    (void)state;
    struct qn_random random;
    qn_random_init(&random, 5, 0);
    int counts[6] = {0};
    for (int i = 0; i < 60000; i++) {
        size_t items[3] = {0, 1, 2};
        qn_random_shuffle(&random, items, 3);
        assert_int_equal(items[0] + items[1] + items[2], 3);
        counts[items[0] * 2 + (items[1] > items[2])]++;
    }
    for (int i = 0; i < 6; i++)
        assert_true(abs(counts[i] - 10000) < 5 * 92);
    qn_random_shuffle(&random, NULL, 0);
}

static void samples_without_replacement(void **state)
{
    (void)state;
    struct qn_random random;
    qn_random_init(&random, 6, 0);
    int counts[10] = {0};
    for (int i = 0; i < 20000; i++) {
        size_t items[10];
        for (size_t j = 0; j < 10; j++)
            items[j] = j;
        qn_random_sample(&random, items, 10, 3);
        unsigned seen = 0;
        for (size_t j = 0; j < 10; j++)
            seen |= 1U << items[j];
        assert_int_equal(seen, 1023); /* still each item once */
        for (size_t j = 0; j < 3; j++)
            counts[items[j]]++;
    }
    for (int i = 0; i < 10; i++)
        assert_true(abs(counts[i] - 6000) < 5 * 65);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_xoshiro),           cmocka_unit_test(streams_are_fixed_and_differ),
        cmocka_unit_test(unit_and_normal_moments),   cmocka_unit_test(below_is_even),
        cmocka_unit_test(shuffles_all_orders_alike), cmocka_unit_test(samples_without_replacement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
