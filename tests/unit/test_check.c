/* test_check.c -- what fv_data_check finds: every kind once, none in a clean set, the same for any number of threads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "image/traits.h"

#include <fovea.h>

enum { SIDE = 40 };

/* A PGM of a smooth field that `seed` decides, with `dots` pixels changed. */
static void put(const char *dir, const char *name, unsigned seed, int side, int dots)
{
    static uint8_t file[20 + SIDE * SIDE];
    const int head = snprintf((char *)file, 20, "P5 %d %d 255\n", side, side);
    unsigned r = seed * 2654435761u + 12345;
    int at[16];
    for (int k = 0; k < 16; k++) at[k] = (int)((r = r * 1664525u + 1013904223u) >> 24);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            const int cell = y * 4 / side * 4 + x * 4 / side;
            file[head + y * side + x] = (uint8_t)(dots-- > 0 ? 255 - at[cell] : at[cell]);
        }
    scratch_write(dir, name, file, (size_t)(head + side * side));
}

typedef struct tally {
    char kinds[4000]; /* one a line */
    int n;
    int64_t done;
} tally;

static void on_finding(void *user, const fv_data_finding *f)
{
    tally *t = user;
    const size_t len = strlen(t->kinds);
    const char *name = f->file ? strrchr(f->file, '/') + 1 : "-";
    snprintf(t->kinds + len, sizeof t->kinds - len, "%s %s\n", f->kind, name);
    assert_true(f->text[0] != 0);
    t->n++;
}

static void on_progress(void *user, int64_t done, int64_t count)
{
    tally *t = user;
    assert_true(done > t->done && done <= count);
    t->done = done;
}

static fv_status check(tally *t, const char *dir, const char *inner, int workers, bool no_near, fv_err *err)
{
    char path[1000];
    fv_data_checked out;
    const fv_data_check_opts o = {
        .workers = workers, .no_near = no_near, .found = on_finding, .progress = on_progress, .user = t
    };
    snprintf(path, sizeof path, "%s%s", dir, inner);
    *t = (tally){ 0 };
    const fv_status s = fv_data_check(&out, path, &o, NULL, err);
    if (s == FV_OK) {
        assert_int_equal(out.findings, t->n);
        assert_int_equal(out.pictures, t->done);
    }
    return s;
}

static void put_clean(const char *dir)
{
    for (unsigned i = 0; i < 8; i++) {
        char name[60];
        snprintf(name, sizeof name, "d/%s/%s/%u.pgm", i < 4 ? "train" : "val", i % 2 ? "ape" : "bee", i);
        put(dir, name, i + 1, SIDE, 0);
    }
}

static void test_clean_set_has_no_findings(void **state)
{
    const char *dir = scratch_dir(state);
    tally t;
    put_clean(dir);
    assert_int_equal(check(&t, dir, "/d", 1, false, NULL), FV_OK);
    assert_string_equal(t.kinds, "");
    assert_int_equal(t.done, 8);
}

static void finds(const char *dir, const char *want)
{
    tally t, u;
    fv_err err = { 0 };
    if (check(&t, dir, "/d", 1, false, &err) != FV_OK) fail_msg("%s", err.msg);
    assert_string_equal(t.kinds, want);
    assert_int_equal(check(&u, dir, "/d", 3, false, NULL), FV_OK);
    assert_string_equal(u.kinds, want);
}

static void test_check_finds_pictures_that_are_there_twice(void **state)
{
    const char *dir = scratch_dir(state);
    put_clean(dir);
    put(dir, "d/train/ape/again.pgm", 2, SIDE, 0); /* as train/ape/1 */
    finds(dir, "duplicate again.pgm\n");
    put(dir, "d/train/bee/other.pgm", 2, SIDE, 0);
    finds(dir, "duplicate again.pgm\nconflict other.pgm\n");
    put(dir, "d/val/ape/spied.pgm", 4, SIDE, 0); /* as train/ape/3 */
    finds(dir, "duplicate again.pgm\nconflict other.pgm\nleak spied.pgm\n");
}

static void test_check_finds_pictures_that_are_nearly_the_same(void **state)
{
    const char *dir = scratch_dir(state);
    tally t;
    put_clean(dir);
    put(dir, "d/val/bee/near.pgm", 1, SIDE, 3); /* three pixels of train/bee/0 */
    finds(dir, "near-leak near.pgm\n");
    put(dir, "d/val/bee/nearer.pgm", 1, SIDE, 2); /* one finding for each further one, not for each pair */
    finds(dir, "near-duplicate nearer.pgm\nnear-leak near.pgm\n");
    assert_int_equal(check(&t, dir, "/d", 2, true, NULL), FV_OK);
    assert_string_equal(t.kinds, "");
}

static void test_check_finds_pictures_that_are_odd(void **state)
{
    const char *dir = scratch_dir(state);
    static const char broken[] = "P5 40 40 255\n1",
                      deep[] = "P5 33 1 65535\n0123456789012345678901234567890123456789012345678901234567890123456";
    put_clean(dir);
    scratch_write(dir, "d/train/ape/broken.pgm", broken, sizeof broken - 1);
    put(dir, "d/train/bee/little.pgm", 77, 16, 0);
    scratch_write(dir, "d/val/bee/deep.pgm", deep, 14 + 66);
    finds(dir, "unreadable broken.pgm\ntiny little.pgm\ntiny deep.pgm\n16-bit deep.pgm\n");
}

static void test_check_finds_classes_that_mislead(void **state)
{
    const char *dir = scratch_dir(state);
    for (unsigned i = 0; i < 33; i++) {
        char name[60];
        snprintf(name, sizeof name, "d/train/%s/%u.pgm", i < 30 ? "1" : i == 30 ? "2" : "10", i);
        put(dir, name, i + 1, SIDE, 0);
    }
    put(dir, "d/val/10/a.pgm", 40, SIDE, 0);
    put(dir, "d/val/2/b.pgm", 41, SIDE, 0);
    scratch_write(dir, "d/classes.txt", "1\n2\n10\n", 7);
    finds(dir, "imbalance -\nmissing-class -\norder -\norder -\n"); /* sorted as text, and another order in the list */
    put(dir, "d/val/3/c.pgm", 42, SIDE, 0);
    finds(dir, "split -\nimbalance -\norder -\norder -\n"); /* val cannot be opened: no class 3 in train */
}

static void test_check_refuses_what_is_no_set(void **state)
{
    const char *dir = scratch_dir(state);
    tally t;
    fv_err err = { 0 };
    assert_int_equal(check(&t, dir, "/absent", 1, false, &err), FV_NOINPUT);
    assert_non_null(strstr(err.msg, "absent"));
}

static void test_traits_are_told_by_headers(void **state)
{
    (void)state;
    uint8_t jpeg[64] = { 0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xff, 0xc2, 0, 20, 8, 0, 8, 0, 8, 4 };
    const fv_bytes b = { jpeg, sizeof jpeg };
    assert_true(fv_image_traits(b).cmyk && !fv_image_traits(b).deep);
    jpeg[18] = 3, jpeg[13] = 12;
    assert_true(!fv_image_traits(b).cmyk && fv_image_traits(b).deep);
    uint8_t png[64] = "\x89PNG\r\n\x1a\n";
    png[24] = 16;
    assert_true(fv_image_traits((fv_bytes){ png, sizeof png }).deep);
    png[24] = 8;
    assert_false(fv_image_traits((fv_bytes){ png, sizeof png }).deep);
    static const char pnm[] = "P6 # 65535\n2 2 255\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    assert_false(fv_image_traits((fv_bytes){ (const uint8_t *)pnm, sizeof pnm }).deep);
    for (size_t n = 0; n < sizeof jpeg; n++) fv_image_traits((fv_bytes){ jpeg, n }); /* never beyond the end */
}

#define WITH_FOLDER(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_drop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_clean_set_has_no_findings),
        WITH_FOLDER(test_check_finds_pictures_that_are_there_twice),
        WITH_FOLDER(test_check_finds_pictures_that_are_nearly_the_same),
        WITH_FOLDER(test_check_finds_pictures_that_are_odd),
        WITH_FOLDER(test_check_finds_classes_that_mislead),
        WITH_FOLDER(test_check_refuses_what_is_no_set),
        cmocka_unit_test(test_traits_are_told_by_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
