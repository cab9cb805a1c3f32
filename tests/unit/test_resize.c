/* test_resize.c -- resize equals Pillow bit for bit; crop, flip, prepare and normalise by torchvision's rules.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "image/image.h"

#include <math.h>

/* Size and channels, new size, box; CRC-32 of Pillow's bilinear and bicubic pixels. By tests/data/make_golden.py. */
static const struct golden {
    int w, h, c, to_w, to_h;
    float box[4];
    uint32_t bilinear, bicubic;
} goldens[] = {
    // clang-format off
    { 97, 61, 3, 40, 33, { 0, 0, 97, 61 }, 0x5868a5e3, 0x2f7a640c },
    { 97, 61, 1, 150, 61, { 0, 0, 97, 61 }, 0x59d23209, 0xde2f82d5 },
    { 97, 61, 3, 97, 20, { 0, 0, 97, 61 }, 0x4a4984ef, 0xc1e7b0a1 },
    { 50, 80, 3, 31, 200, { 0, 0, 50, 80 }, 0xad5df549, 0xbc9b8dd7 },
    { 64, 64, 1, 7, 5, { 0, 0, 64, 64 }, 0xf907daf8, 0xfa46b2c4 },
    { 97, 61, 3, 24, 24, { 3.25f, 2.5f, 77.75f, 60.0f }, 0x6e16eb20, 0x80ba2ebd },
    { 97, 61, 1, 97, 61, { 1.0f, 0.0f, 96.0f, 61.0f }, 0xe1bd4d04, 0xc5cd3191 },
    // clang-format on
};

static fv_image made(int h, int w, int c)
{
    void *px = NULL;
    assert_int_equal(fv_alloc_or(NULL, &px, (size_t)(h * w * c), NULL), FV_OK);
    fv_image im = { .h = h, .w = w, .c = c, .px = px };
    for (uint32_t i = 0; i < (uint32_t)(h * w * c); i++) im.px[i] = (uint8_t)(i * 2654435761u >> 24);
    return im;
}

/* As zlib's crc32() counts it. */
static uint32_t crc32_of(const uint8_t *p, size_t n)
{
    uint32_t crc = ~UINT32_C(0);
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void test_resize_equals_pillow(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        const struct golden *g = &goldens[i];
        fv_image im = made(g->h, g->w, g->c), out;
        for (int f = FV_BILINEAR; f <= FV_BICUBIC; f++) {
            assert_int_equal(fv_image_resize(&out, &im, g->to_h, g->to_w, g->box, (fv_filter)f, NULL, NULL), FV_OK);
            const uint32_t crc = crc32_of(out.px, (size_t)(out.h * out.w * out.c));
            assert_int_equal(crc, f == FV_BILINEAR ? g->bilinear : g->bicubic);
            fv_image_free(&out);
        }
        fv_image_free(&im);
    }
}

static void test_resize_refuses_an_empty_box_and_a_huge_result(void **state)
{
    (void)state;
    fv_image im = made(4, 4, 1), out;
    const float empty[4] = { 2, 0, 2, 4 }, outside[4] = { 0, 0, 5, 4 };
    assert_int_equal(fv_image_resize(&out, &im, 2, 2, empty, FV_BILINEAR, NULL, NULL), FV_ARG);
    assert_int_equal(fv_image_resize(&out, &im, 2, 2, outside, FV_BILINEAR, NULL, NULL), FV_ARG);
    assert_int_equal(fv_image_resize(&out, &im, 16384, 16384, NULL, FV_BILINEAR, NULL, NULL), FV_FORMAT);
    assert_null(out.px);
    fv_image_free(&im);
}

static void test_crop_gives_zeros_outside(void **state)
{
    (void)state;
    fv_image im = made(5, 7, 3), out;
    for (int top = -6; top <= 6; top += 3)
        for (int left = -8; left <= 8; left += 4) {
            assert_int_equal(fv_image_crop(&out, &im, top, left, 4, 6, NULL, NULL), FV_OK);
            for (int y = 0; y < 4; y++)
                for (int x = 0; x < 6; x++) {
                    const int sy = top + y, sx = left + x, inside = sy >= 0 && sy < 5 && sx >= 0 && sx < 7;
                    for (int k = 0; k < 3; k++)
                        assert_int_equal(out.px[(y * 6 + x) * 3 + k], inside ? im.px[(sy * 7 + sx) * 3 + k] : 0);
                }
            fv_image_free(&out);
        }
    fv_image_free(&im);
}

static void test_flip_twice_is_nothing_and_once_mirrors(void **state)
{
    (void)state;
    fv_image im = made(3, 5, 3), twin = made(3, 5, 3);
    fv_image_flip(&im);
    for (int x = 0; x < 5; x++) assert_memory_equal(im.px + 3 * x, twin.px + 3 * (4 - x), 3);
    fv_image_flip(&im);
    assert_memory_equal(im.px, twin.px, 45);
    fv_image_free(&im);
    fv_image_free(&twin);
}

/* Where CenterCrop starts: Python's round halves to even, padding has its smaller half in front. */
static void test_prepare_centres_as_torchvision_does(void **state)
{
    (void)state;
    static const struct {
        int w, to, left; /* left < 0: padded */
    } rows[] = { { 7, 2, 2 }, { 9, 2, 4 },  { 5, 2, 2 },  { 3, 2, 0 },
                 { 8, 2, 3 }, { 4, 7, -1 }, { 4, 8, -2 }, { 6, 6, 0 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_image im = made(1, rows[i].w, 1), out;
        const fv_prep p = { .h = 1, .w = rows[i].to, .channels = 1 };
        assert_int_equal(fv_image_prepare(&out, &im, &p, NULL, NULL), FV_OK);
        for (int x = 0; x < out.w; x++) {
            const int sx = x + rows[i].left;
            assert_int_equal(out.px[x], sx >= 0 && sx < im.w ? im.px[sx] : 0);
        }
        fv_image_free(&out);
        fv_image_free(&im);
    }
}

static void test_prepare_cuts_the_longer_side_down(void **state)
{
    (void)state;
    fv_image im = made(375, 500, 3), out, by_hand, cropped;
    const fv_prep p = { .h = 224, .w = 224, .channels = 3, .resize = 256 };
    assert_int_equal(fv_image_prepare(&out, &im, &p, NULL, NULL), FV_OK);
    /* int(256 * 500 / 375) = 341; (341 - 224) / 2 = 58.5 rounds to 58 */
    assert_int_equal(fv_image_resize(&by_hand, &im, 256, 341, NULL, FV_BILINEAR, NULL, NULL), FV_OK);
    assert_int_equal(fv_image_crop(&cropped, &by_hand, 16, 58, 224, 224, NULL, NULL), FV_OK);
    assert_memory_equal(out.px, cropped.px, 224 * 224 * 3);
    fv_image_free(&out);
    fv_image_free(&by_hand);
    fv_image_free(&cropped);
    fv_image_free(&im);
    im = made(1, 16000, 1);
    assert_int_equal(fv_image_prepare(&out, &im, &p, NULL, NULL), FV_FORMAT);
    fv_image_free(&im);
}

static void test_normalise_is_float_arithmetic_in_that_order(void **state)
{
    (void)state;
    fv_image im = made(9, 13, 3);
    const fv_prep p = { .mean = { 0.485f, 0.456f, 0.406f }, .std = { 0.229f, 0.224f, 0.225f } };
    float out[9 * 13 * 3];
    fv_image_normalise(out, &im, &p);
    for (int i = 0; i < 9 * 13 * 3; i++) {
        volatile float x = (float)im.px[i] / 255.0f;
        x = x - p.mean[i % 3];
        x = x / p.std[i % 3];
        assert_true(out[i] == x);
    }
    fv_image_free(&im);
}

/* Blue first, over whole blocks and a rest: the networks of Caffe and of ShuffleNet's authors. */
static void test_normalise_turns_the_colours(void **state)
{
    (void)state;
    fv_image im = made(9, 13, 3), grey = made(9, 13, 1);
    const fv_prep p = { .std = { 1 / 255.0f, 1 / 255.0f, 1 / 255.0f }, .order = FV_BGR };
    float out[9 * 13 * 3], as_it_is[9 * 13];
    fv_image_normalise(out, &im, &p);
    for (int i = 0; i < 9 * 13; i++)
        for (int c = 0; c < 3; c++) assert_true(lroundf(out[3 * i + c]) == im.px[3 * i + 2 - c]);
    fv_image_normalise(as_it_is, &grey, &p);
    for (int i = 0; i < 9 * 13; i++) assert_true(lroundf(as_it_is[i]) == grey.px[i]);
    fv_image_free(&im);
    fv_image_free(&grey);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize_equals_pillow),
        cmocka_unit_test(test_resize_refuses_an_empty_box_and_a_huge_result),
        cmocka_unit_test(test_crop_gives_zeros_outside),
        cmocka_unit_test(test_flip_twice_is_nothing_and_once_mirrors),
        cmocka_unit_test(test_prepare_centres_as_torchvision_does),
        cmocka_unit_test(test_prepare_cuts_the_longer_side_down),
        cmocka_unit_test(test_normalise_is_float_arithmetic_in_that_order),
        cmocka_unit_test(test_normalise_turns_the_colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
