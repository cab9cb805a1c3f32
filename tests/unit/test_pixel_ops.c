/* test_pixel_ops.c -- changes of pictures: Pillow's bytes (pixel_golden.inc), and what each means.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "base/bytes.h"
#include "image/pixel_ops.h"
#include "image/pixels.h"

static const struct golden {
    fv_pixel_kind kind;
    double v;
    bool bilinear;
    int w, h, c;
    bool colours; /* all of them */
    uint32_t crc;
} goldens[] = {
#include "unit/pixel_golden.inc"
};

/* As picture() and colours() of make_pixel_golden.py. */
static fv_image picture(const struct golden *g)
{
    fv_image im;
    assert_int_equal(fv_image_new(&im, g->h, g->w, g->c, NULL, NULL), FV_OK);
    const uint32_t pixels = (uint32_t)(g->w * g->h), c = (uint32_t)g->c;
    for (uint32_t i = 0; i < pixels * c; i++) {
        const uint32_t x = i * 2654435761u ^ i / (c * 5) * 40503u;
        im.px[i] = (uint8_t)(30 + i / c * 200 / pixels + (x >> 24) % 25);
        if (g->colours) im.px[i] = (uint8_t)(i / 3 >> (16 - 8 * (i % 3)));
    }
    return im;
}

static void test_changes_equal_pillow_byte_for_byte(void **state)
{
    (void)state;
    const fv_pixel_how how = { .fill = { 124, 116, 104 } };
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        const struct golden *g = &goldens[i];
        fv_pixel_how h = how;
        fv_image im = picture(g);
        h.bilinear = g->bilinear;
        assert_int_equal(fv_pixel_run(&im, g->kind, g->v, &h, NULL), FV_OK);
        assert_true(im.w == g->w && im.h == g->h && im.c == g->c);
        if (fv_crc32(0, im.px, (size_t)(im.w * im.h * im.c)) != g->crc)
            fail_msg("%s of %g, %s, %d x %d x %d: not Pillow's bytes", fv_pixel_name(g->kind), g->v,
                     g->bilinear ? "bilinear" : "nearest", g->w, g->h, g->c);
        fv_image_free(&im);
    }
}

static void test_every_change_of_the_table_is_compared_or_told(void **state)
{
    (void)state;
    bool seen[FV_PIXEL_COUNT] = { [FV_PIXEL_IDENTITY] = true, [FV_PIXEL_CUTOUT] = true }; /* Pillow has neither */
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) seen[goldens[i].kind] = true;
    for (int k = 0; k < FV_PIXEL_COUNT; k++) {
        assert_non_null(fv_pixel_name((fv_pixel_kind)k));
        assert_true(seen[k]);
    }
}

static void test_cutout_clears_a_square_and_nothing_else(void **state)
{
    (void)state;
    const struct golden size = { .w = 20, .h = 10, .c = 3 };
    const int at[][2] = { { 5, 10 }, { 0, 0 }, { 9, 19 } };
    for (int i = 0; i < 3; i++) {
        const fv_pixel_how how = { .fill = { 1, 2, 3 }, .at = { at[i][0], at[i][1] } };
        fv_image before = picture(&size), im = picture(&size);
        assert_int_equal(fv_pixel_run(&im, FV_PIXEL_CUTOUT, 4, &how, NULL), FV_OK);
        for (int k = 0; k < 200; k++) {
            const int y = k / 20 - at[i][0], x = k % 20 - at[i][1];
            const bool cut = y >= -2 && y < 2 && x >= -2 && x < 2;
            assert_memory_equal(im.px + 3 * k, cut ? how.fill : before.px + 3 * k, 3);
        }
        fv_image_free(&im);
        fv_image_free(&before);
    }
}

static void test_a_change_without_memory_leaves_the_picture(void **state)
{
    (void)state;
    const fv_image whole = { .h = 1 << 20, .w = 4, .c = 3 }; /* larger than pictures may be: no new one is made */
    fv_image im = whole;
    fv_err err = { 0 };
    assert_int_equal(fv_pixel_run(&im, FV_PIXEL_ROTATE, 10, &(fv_pixel_how){ 0 }, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "Rotate: "));
    assert_int_equal(im.h, whole.h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_equal_pillow_byte_for_byte),
        cmocka_unit_test(test_every_change_of_the_table_is_compared_or_told),
        cmocka_unit_test(test_cutout_clears_a_square_and_nothing_else),
        cmocka_unit_test(test_a_change_without_memory_leaves_the_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
