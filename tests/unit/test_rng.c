/* test_rng.c -- Philox gives the paper's words, streams do not meet, and what is drawn has its distribution.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Random123's kat_vectors, philox4x32 10. */
static void test_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t ctr[4], key[2], want[4];
    } row[] = {
        { { 0 }, { 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { ~0u, ~0u, ~0u, ~0u }, { ~0u, ~0u }, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
          { 0xa4093822, 0x299f31d0 },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        fv_rng r = { 0 };
        memcpy(r.ctr, row[i].ctr, sizeof r.ctr);
        memcpy(r.key, row[i].key, sizeof r.key);
        for (int k = 0; k < 4; k++) assert_int_equal(fv_rng_u32(&r), row[i].want[k]);
    }
}

static void test_each_coordinate_has_its_own_place(void **state)
{
    (void)state;
    /* Equal only where all four are: the counter and key are compared, so no luck is involved. */
    const uint64_t v[][4] = { { 1, 0, 0, 1 },          { 0, 1, 0, 1 },          { 0, 0, 1, 1 },
                              { 0, 0, 0, 2 },          { 1ull << 63, 0, 0, 1 }, { 0, UINT32_MAX, 0, 1 },
                              { 0, 0, 1ull << 32, 1 }, { 0, 0, 1ull << 47, 1 }, { 0, 1ull << 32, 0, 1 },
                              { 0, 0, 1ull << 48, 1 } };
    const size_t n = sizeof v / sizeof *v;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++) {
            const fv_rng a = fv_rng_of(v[i][0], v[i][1], v[i][2], (uint32_t)v[i][3]);
            const fv_rng b = fv_rng_of(v[k][0], v[k][1], v[k][2], (uint32_t)v[k][3]);
            assert_true(memcmp(a.key, b.key, sizeof a.key) || memcmp(a.ctr, b.ctr, sizeof a.ctr));
        }
}

static void test_random_access_gives_the_stream(void **state)
{
    (void)state;
    fv_rng r = fv_rng_of(7, 8, 9, FV_RNG_TEST);
    for (uint32_t i = 0; i < 100; i++) assert_int_equal(fv_rng_at(7, 8, 9, FV_RNG_TEST, i), fv_rng_u32(&r));
}

/* n draws over k cells: chi-square has mean k - 1 and deviation sqrt(2 (k - 1)); six deviations for a fixed seed. */
static void test_below_is_even(void **state)
{
    (void)state;
    enum { K = 7, N = 70000 };
    fv_rng r = fv_rng_of(1, 0, 0, FV_RNG_TEST);
    double cell[K] = { 0 }, chi = 0;
    for (int i = 0; i < N; i++) cell[fv_rng_below(&r, K)]++;
    for (int k = 0; k < K; k++) chi += (cell[k] - N / K) * (cell[k] - N / K) / (N / K);
    assert_true(chi < K - 1 + 6 * sqrt(2.0 * (K - 1)));
}

static void test_below_reaches_one_and_the_largest(void **state)
{
    (void)state;
    fv_rng r = fv_rng_of(1, 0, 0, FV_RNG_TEST);
    for (int i = 0; i < 1000; i++) assert_true(fv_rng_below(&r, 1) == 0 && fv_rng_below(&r, UINT32_MAX) < UINT32_MAX);
}

/* Mean of n draws deviates by 1/sqrt(n), their variance by sqrt(2/n); five deviations for a fixed seed. */
static void test_normal_has_mean_0_and_variance_1(void **state)
{
    (void)state;
    enum { N = 100000 };
    fv_rng r = fv_rng_of(3, 0, 0, FV_RNG_TEST);
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        const double x = fv_rng_normal(&r);
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / N) < 5 / sqrt(N));
    assert_true(fabs(squares / N - 1) < 5 * sqrt(2.0 / N));
}

static void test_a_permutation_holds_each_number_once_and_depends_on_seed_and_epoch(void **state)
{
    (void)state;
    enum { N = 1000 };
    int64_t p[N], q[N];
    bool seen[N] = { false };
    fv_rng_permutation(p, N, 5, 1);
    for (int i = 0; i < N; i++) {
        assert_true(p[i] >= 0 && p[i] < N && !seen[p[i]]);
        seen[p[i]] = true;
    }
    fv_rng_permutation(q, N, 5, 1);
    assert_memory_equal(p, q, sizeof p);
    fv_rng_permutation(q, N, 5, 2);
    assert_memory_not_equal(p, q, sizeof p);
    fv_rng_permutation(q, N, 6, 1);
    assert_memory_not_equal(p, q, sizeof p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_each_coordinate_has_its_own_place),
        cmocka_unit_test(test_random_access_gives_the_stream),
        cmocka_unit_test(test_below_is_even),
        cmocka_unit_test(test_below_reaches_one_and_the_largest),
        cmocka_unit_test(test_normal_has_mean_0_and_variance_1),
        cmocka_unit_test(test_a_permutation_holds_each_number_once_and_depends_on_seed_and_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
