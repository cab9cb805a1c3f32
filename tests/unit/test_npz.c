/* test_npz.c -- NumPy's archives, stored and packed, read back element by element; cut and bent ones are refused; what is
 * written is read, by the same bytes. The files are tests/data/npz/, written by tests/data/make_npz.py.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "heap.h"
#include "weights/format.h"

static const char *const golden[] = {
    "stored.npz",
#ifdef FOVEA_HAVE_ZLIB
    "packed.npz",
#endif
};
enum { GOLDEN = sizeof golden / sizeof *golden };

static fv_bytes load(const char *name)
{
    char path[400];
    fv_bytes b;
    fv_err err = { 0 };
    snprintf(path, sizeof path, "%s/tests/data/npz/%s", FOVEA_SOURCE_DIR, name);
    if (fv_file_read(&b, path, 1 << 20, NULL, &err) != FV_OK) fail_msg("%s", err.msg);
    return b;
}

static void drop(fv_bytes b)
{
    fv_release(NULL, (void *)b.p);
}

static void counts_from(const fv_stored *t, const char *name, fv_dtype dtype, int n, int first)
{
    float v[300];
    assert_string_equal(t->name, name);
    assert_int_equal(t->dtype, dtype);
    assert_int_equal(t->data.len * 8, n * fv_dtype_bits(dtype));
    fv_dtype_floats(dtype, t->data, v);
    for (int i = 0; i < n; i++) assert_true(v[i] == (float)(first + i));
}

static void test_every_element_is_where_numpy_had_it(void **state)
{
    (void)state;
    for (int f = 0; f < GOLDEN; f++) {
        const fv_bytes file = load(golden[f]);
        fv_arena a = { 0 };
        fv_err err = { 0 };
        fv_stored_list l;
        if (fv_weights_read(file, &l, &a, &err) != FV_OK) fail_msg("%s: %s", golden[f], err.msg);
        assert_int_equal(l.count, 5);
        counts_from(&l.tensor[0], "a.weight", FV_DTYPE_F32, 24, 0);
        assert_int_equal(l.tensor[0].rank, 4);
        counts_from(&l.tensor[1], "b", FV_DTYPE_F16, 3, 1);
        counts_from(&l.tensor[2], "c", FV_DTYPE_F64, 300, 2);
        counts_from(&l.tensor[3], "d", FV_DTYPE_I64, 1, 3);
        assert_int_equal(l.tensor[3].rank, 0);
        counts_from(&l.tensor[4], "e", FV_DTYPE_F32, 0, 0);
        fv_arena_free(&a);
        drop(file);
    }
}

/* In both forms a CRC covers all data, and the two headers of an entry are compared: a flipped bit is seen, but for
 * times, versions and attributes, which mean nothing here, and then the arrays are the same. */
static void test_cuts_and_flipped_bits_do_no_harm(void **state)
{
    (void)state;
    for (int f = 0; f < GOLDEN; f++) {
        const fv_bytes file = load(golden[f]);
        uint8_t *bent = malloc(file.len);
        for (size_t n = 0; n < file.len; n++) {
            uint8_t *exact = malloc(n ? n : 1);
            fv_arena a = { 0 };
            fv_err err = { 0 };
            fv_stored_list l;
            memcpy(exact, file.p, n);
            const fv_status s = fv_weights_read((fv_bytes){ exact, n }, &l, &a, &err);
            assert_true(s == FV_FORMAT && err.msg[0] && l.count == 0);
            fv_arena_free(&a);
            free(exact);
        }
        memcpy(bent, file.p, file.len);
        for (size_t bit = 0; bit < 8 * file.len; bit++) {
            fv_arena a = { 0 };
            fv_stored_list l;
            bent[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (fv_npz.read((fv_bytes){ bent, file.len }, &l, &a, NULL) == FV_OK)
                for (size_t i = 0; i < l.count; i++)
                    if (l.tensor[i].name[0] == 'c') counts_from(&l.tensor[i], l.tensor[i].name, FV_DTYPE_F64, 300, 2);
            bent[bit / 8] ^= (uint8_t)(1 << bit % 8);
            fv_arena_free(&a);
        }
        free(bent);
        drop(file);
    }
}

static void test_what_is_written_is_read(void **state)
{
    char path[300];
    const fv_bytes file = load("stored.npz");
    fv_arena a = { 0 };
    fv_stored_list l, back;
    fv_bytes again;
    fv_err err = { 0 };
    snprintf(path, sizeof path, "%s/x.npz", scratch_dir(state));
    assert_int_equal(fv_weights_read(file, &l, &a, NULL), FV_OK);
    if (fv_npz_write(path, &l, &a, &err) != FV_OK) fail_msg("%s", err.msg);
    assert_int_equal(fv_file_read(&again, path, 1 << 20, NULL, NULL), FV_OK);
    if (fv_weights_read(again, &back, &a, &err) != FV_OK) fail_msg("%s", err.msg);
    assert_int_equal(back.count, l.count);
    for (size_t i = 0; i < l.count; i++) {
        const fv_stored *x = &l.tensor[i], *y = &back.tensor[i];
        assert_string_equal(x->name, y->name);
        assert_true(x->dtype == y->dtype && x->rank == y->rank && x->data.len == y->data.len);
        assert_memory_equal(x->dim, y->dim, sizeof x->dim);
        assert_memory_equal(x->data.p, y->data.p, x->data.len);
    }
    fv_arena_free(&a);
    drop(file);
    drop(again);
}

static void test_every_failed_allocation_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    for (int f = 0; f < GOLDEN; f++) {
        const fv_bytes file = load(golden[f]);
        int fails = 0;
        for (fv_status s = FV_NOMEM; s != FV_OK; fails++) {
            test_heap c;
            fv_arena a = { .heap = test_heap_init(&c, fails) };
            fv_stored_list l;
            fv_err err = { 0 };
            s = fv_weights_read(file, &l, &a, &err);
            assert_true(s == FV_OK || (s == FV_NOMEM && err.msg[0]));
            fv_arena_free(&a);
            assert_int_equal(c.live, 0);
        }
        assert_true(fails > 1);
        drop(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_element_is_where_numpy_had_it),
        cmocka_unit_test(test_cuts_and_flipped_bits_do_no_harm),
        cmocka_unit_test_setup_teardown(test_what_is_written_is_read, scratch_make, scratch_drop),
        cmocka_unit_test(test_every_failed_allocation_is_told_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
