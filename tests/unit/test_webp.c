/* test_webp.c -- WebP gives the pixels that went in, stands upright, refuses every truncation and what moves.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "unit/formats.h"

#ifdef FOVEA_HAVE_WEBP
#include <webp/encode.h>

enum { W = 5, H = 3 };

static void fill(uint8_t *px, int n)
{
    for (uint32_t i = 0; i < (uint32_t)n; i++) px[i] = (uint8_t)((i * 2654435761u >> 24) | 1);
}

static void test_lossless_pixels_come_back(void **state)
{
    (void)state;
    uint8_t px[W * H * 3], *file = NULL;
    fill(px, sizeof px);
    const size_t n = WebPEncodeLosslessRGB(px, W, H, W * 3, &file);
    fv_image im;
    assert_true(n > 0);
    assert_int_equal(decode(&im, file, n, 3, NULL), FV_OK);
    assert_true(im.w == W && im.h == H && im.c == 3);
    assert_memory_equal(im.px, px, sizeof px);
    fv_image_free(&im);
    assert_int_equal(decode(&im, file, n, 1, NULL), FV_OK);
    for (int i = 0; i < W * H; i++)
        assert_int_equal(im.px[i],
                         (19595u * px[3 * i] + 38470u * px[3 * i + 1] + 7471u * px[3 * i + 2] + 32768u) >> 16);
    fv_image_free(&im);
    WebPFree(file);
}

static void test_alpha_is_dropped(void **state)
{
    (void)state;
    uint8_t px[W * H * 4], *file = NULL;
    fill(px, sizeof px);
    for (int i = 0; i < W * H; i++) px[4 * i + 3] = 128;
    const size_t n = WebPEncodeLosslessRGBA(px, W, H, W * 4, &file);
    fv_image im;
    assert_int_equal(decode(&im, file, n, 3, NULL), FV_OK);
    for (int i = 0; i < W * H; i++) assert_memory_equal(im.px + 3 * i, px + 4 * i, 3);
    fv_image_free(&im);
    WebPFree(file);
}

/* A flat colour survives the lossy form up to the rounding of Y'CbCr and back and of one coefficient: a few steps. */
static void test_lossy_colour_is_near(void **state)
{
    (void)state;
    uint8_t px[16 * 16 * 3], *file = NULL;
    for (int i = 0; i < 256; i++) memcpy(px + 3 * i, (uint8_t[]){ 200, 100, 50 }, 3);
    const size_t n = WebPEncodeRGB(px, 16, 16, 48, 100, &file);
    fv_image im;
    assert_int_equal(decode(&im, file, n, 3, NULL), FV_OK);
    for (int i = 0; i < 768; i++) assert_in_range(im.px[i] + 4 - px[i], 0, 8);
    fv_image_free(&im);
    refuse_every_cut(file, n - 1); /* the last byte may be padding */
    WebPFree(file);
}

static size_t put32(uint8_t *p, size_t n, size_t v)
{
    for (int i = 0; i < 4; i++) p[n + (size_t)i] = (uint8_t)(v >> (8 * i));
    return n + 4;
}

static size_t chunk(uint8_t *p, size_t n, const char *type, const void *body, size_t len)
{
    memcpy(p + n, type, 4);
    n = put32(p, n + 4, len);
    memcpy(p + n, body, len);
    n += len;
    if (len % 2) p[n++] = 0;
    return n;
}

/* The extended form of a lossless file, RIFF "WEBP" VP8X VP8L EXIF, with the flags given. */
static size_t extend(uint8_t *out, const uint8_t *file, size_t n, uint8_t flags)
{
    const uint8_t vp8x[10] = { flags, 0, 0, 0, W - 1, 0, 0, H - 1, 0, 0 };
    const uint8_t exif[] = { 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0 };
    memcpy(out, "RIFF....WEBP", 12);
    size_t at = chunk(out, 12, "VP8X", vp8x, sizeof vp8x);
    memcpy(out + at, file + 12, n - 12);
    at = chunk(out, at + n - 12, "EXIF", exif, sizeof exif);
    put32(out, 4, at - 8);
    return at;
}

static void test_orientation_is_applied_unless_ignored(void **state)
{
    (void)state;
    uint8_t px[W * H * 3], *file = NULL, out[2000];
    fill(px, sizeof px);
    const size_t n = WebPEncodeLosslessRGB(px, W, H, W * 3, &file);
    assert_true(n + 100 < sizeof out);
    const size_t all = extend(out, file, n, 0x08);
    fv_image im;
    assert_int_equal(decode(&im, out, all, 3, NULL), FV_OK);
    assert_true(im.w == H && im.h == W); /* 6: a quarter turn clockwise: the first row goes down the right side */
    for (int x = 0; x < W; x++) assert_memory_equal(im.px + (x * H + H - 1) * 3, px + 3 * x, 3);
    fv_image_free(&im);
    assert_int_equal(fv_image_decode(&im, (fv_bytes){ out, all }, 3, FV_EXIF_IGNORE, NULL, NULL), FV_OK);
    assert_memory_equal(im.px, px, sizeof px);
    fv_image_free(&im);
    WebPFree(file);
}

/* An animation of two frames, W x H and 1 x 1, on a canvas of (W + 4) x (H + 2), the first at (2, 2). */
static size_t animate(uint8_t *out, const uint8_t *file, size_t n, uint8_t x)
{
    const uint8_t vp8x[10] = { 0x02, 0, 0, 0, W + 3, 0, 0, H + 1, 0, 0 }, anim[6] = { 9, 9, 9, 255, 0, 0 };
    const uint8_t last[16] = { 0 };
    uint8_t frame[1500] = { x, 0, 0, 1, 0, 0, W - 1, 0, 0, H - 1 };
    memcpy(out, "RIFF....WEBP", 12);
    size_t at = chunk(out, 12, "VP8X", vp8x, sizeof vp8x);
    at = chunk(out, at, "ANIM", anim, sizeof anim);
    memcpy(frame + 16, file + 12, n - 12);
    at = chunk(out, at, "ANMF", frame, 16 + n - 12);
    at = chunk(out, at, "ANMF", last, sizeof last);
    put32(out, 4, at - 8);
    return at;
}

static void test_of_an_animation_the_first_frame_is_read(void **state)
{
    (void)state;
    uint8_t px[W * H * 3], *file = NULL, out[2000], want[(W + 4) * (H + 2) * 3] = { 0 };
    fill(px, sizeof px);
    const size_t n = WebPEncodeLosslessRGB(px, W, H, W * 3, &file);
    assert_true(n < 1400);
    size_t all = animate(out, file, n, 1);
    fv_image im;
    fv_err err = { 0 };
    if (decode(&im, out, all, 3, &err) != FV_OK) fail_msg("%s", err.msg);
    assert_true(im.w == W + 4 && im.h == H + 2);
    for (int y = 0; y < H; y++) memcpy(want + ((y + 2) * (W + 4) + 2) * 3, px + y * W * 3, W * 3);
    assert_memory_equal(im.px, want, sizeof want);
    fv_image_free(&im);
    all = animate(out, file, n, 3);
    err = (fv_err){ 0 };
    assert_int_equal(decode(&im, out, all, 3, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "outside the canvas"));
    all = extend(out, file, n, 0x02);
    err = (fv_err){ 0 };
    assert_int_equal(decode(&im, out, all, 3, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "without a frame"));
    assert_null(im.px);
    WebPFree(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lossless_pixels_come_back),
        cmocka_unit_test(test_alpha_is_dropped),
        cmocka_unit_test(test_lossy_colour_is_near),
        cmocka_unit_test(test_orientation_is_applied_unless_ignored),
        cmocka_unit_test(test_of_an_animation_the_first_frame_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
    printf("SKIPPED WebP: this build is without libwebp\n");
    return 0;
}
#endif
