/* test_alloc.c -- blocks, arenas and checked arithmetic.
 * SPDX-License-Identifier: Apache-2.0 */
#include "heap.h"
#include "base/alloc.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_arithmetic_that_overflows_leaves_the_result(void **state)
{
    (void)state;
    size_t x = 7;
    assert_false(fv_mul_size(SIZE_MAX / 2 + 1, 2, &x) || fv_add_size(SIZE_MAX, 1, &x));
    assert_int_equal(x, 7);
    assert_true(fv_mul_size(6, 7, &x) && x == 42 && fv_add_size(x, 1, &x) && x == 43);
}

static void test_blocks_are_aligned_and_even_empty_ones_exist(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n += 33) {
        char *p = fv_alloc(NULL, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        memset(p, 1, n);
        fv_release(NULL, p);
    }
    fv_release(NULL, NULL);
}

static void test_absurd_sizes_fail_with_the_byte_count(void **state)
{
    (void)state;
    void *p = &p;
    fv_err err = { 0 };
    assert_int_equal(fv_alloc_or(NULL, &p, SIZE_MAX, &err), FV_NOMEM);
    assert_null(p);
    assert_non_null(strstr(err.msg, "18446744073709551615 bytes"));
}

static void test_growing_keeps_the_items_and_a_failure_keeps_the_block(void **state)
{
    (void)state;
    test_heap c;
    test_heap_init(&c, 1000);
    int *v = NULL;
    size_t cap = 0;
    for (int i = 0; i < 1000; i++) {
        void *p = v;
        assert_int_equal(fv_grow(&c.base, &p, &cap, (size_t)i + 1, sizeof *v, NULL), FV_OK);
        v = p;
        v[i] = i;
    }
    for (int i = 0; i < 1000; i++) assert_int_equal(v[i], i);
    assert_true(1000 - c.left < 12); /* doubling: 8 .. 1024 */
    void *p = v;
    c.left = 0;
    assert_int_equal(fv_grow(&c.base, &p, &cap, cap + 1, sizeof *v, NULL), FV_NOMEM);
    assert_int_equal(fv_grow(&c.base, &p, &cap, SIZE_MAX, sizeof *v, NULL), FV_NOMEM);
    assert_true(p == v && c.live == 1);
    fv_release(&c.base, v);
}

static void test_an_arena_gives_cleared_aligned_memory_and_takes_it_back(void **state)
{
    (void)state;
    test_heap c;
    test_heap_init(&c, 1000);
    fv_arena a = { .heap = &c.base };
    for (size_t n = 0; n < 3000; n += 7) {
        char *p = fv_arena_alloc(&a, n);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0);
        memset(p, 0xff, n);
    }
    assert_non_null(fv_arena_alloc(&a, 5000000));
    assert_true(a.total > 5000000);
    assert_string_equal(fv_arena_printf(&a, "%d-%s", 4, "x"), "4-x");
    assert_string_equal(fv_arena_strndup(&a, "abcdef", 3), "abc");
    fv_arena_free(&a);
    assert_int_equal(c.live, 0);
}

static void test_an_arena_stays_failed_until_it_is_freed(void **state)
{
    (void)state;
    test_heap c;
    test_heap_init(&c, 0);
    fv_arena a = { .heap = &c.base };
    assert_true(fv_arena_alloc(&a, 1) == NULL && a.failed);
    c.left = 9;
    assert_true(fv_arena_strdup(&a, "x") == NULL && fv_arena_printf(&a, "x") == NULL);
    fv_arena_free(&a);
    assert_true(fv_arena_alloc(&a, SIZE_MAX) == NULL && a.failed);
    fv_arena_free(&a);
    assert_non_null(fv_arena_alloc(&a, 1));
    fv_arena_free(&a);
    assert_int_equal(c.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic_that_overflows_leaves_the_result),
        cmocka_unit_test(test_blocks_are_aligned_and_even_empty_ones_exist),
        cmocka_unit_test(test_absurd_sizes_fail_with_the_byte_count),
        cmocka_unit_test(test_growing_keeps_the_items_and_a_failure_keeps_the_block),
        cmocka_unit_test(test_an_arena_gives_cleared_aligned_memory_and_takes_it_back),
        cmocka_unit_test(test_an_arena_stays_failed_until_it_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
