/* test_decode.c -- every format gives its pixels, refuses every truncation, and checks sizes before taking memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "image/image.h"

#include <stdio.h>

#include <jpeglib.h>

static fv_image made(int h, int w, int c)
{
    void *px = NULL;
    assert_int_equal(fv_alloc_or(NULL, &px, (size_t)(h * w * c), NULL), FV_OK);
    fv_image im = { h, w, c, px, NULL };
    for (uint32_t i = 0; i < (uint32_t)(h * w * c); i++) im.px[i] = (uint8_t)(i * 2654435761u >> 24);
    return im;
}

static fv_status decode(fv_image *im, const void *p, size_t n, int channels, fv_err *err)
{
    return fv_image_decode(im, (fv_bytes){ p, n }, channels, FV_EXIF_APPLY, NULL, err);
}

static void refuse_every_cut(const uint8_t *p, size_t n)
{
    for (size_t cut = 0; cut < n; cut++) {
        fv_image im;
        fv_err err = { 0 };
        assert_int_equal(decode(&im, p, cut, 3, &err), FV_FORMAT);
        assert_null(im.px);
        assert_int_not_equal(err.msg[0], 0);
    }
}

static unsigned char *jpeg(unsigned long *n, int components, bool progressive, J_COLOR_SPACE space)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr mgr;
    unsigned char *out = NULL;
    uint8_t row[16 * 4];
    *n = 0;
    c.err = jpeg_std_error(&mgr);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &out, n);
    c.image_width = c.image_height = 16;
    c.input_components = components;
    c.in_color_space = space;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, 100, TRUE);
    if (progressive) jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    for (int i = 0; i < 16 * components; i++) row[i] = (uint8_t)(40 + 50 * (i % components));
    JSAMPROW line = row;
    while (c.next_scanline < 16) jpeg_write_scanlines(&c, &line, 1);
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return out;
}

static void test_jpeg_gives_flat_colours_and_refuses_cuts(void **state)
{
    (void)state;
    for (int progressive = 0; progressive < 2; progressive++) {
        unsigned long n;
        unsigned char *file = jpeg(&n, 3, progressive, JCS_RGB);
        fv_image im;
        assert_int_equal(decode(&im, file, n, 3, NULL), FV_OK);
        /* Quality 100 divides by 1: a flat block errs by rounding Y, Cb, Cr to whole numbers only, < 1.8 per channel. */
        for (int i = 0; i < 16 * 16 * 3; i++) assert_true(abs(im.px[i] - (40 + 50 * (i % 3))) <= 2);
        fv_image_free(&im);
        refuse_every_cut(file, n);
        free(file);
    }
}

static void test_jpeg_takes_cmyk_for_inverted(void **state)
{
    (void)state;
    unsigned long n;
    unsigned char *file = jpeg(&n, 4, false, JCS_CMYK);
    fv_image im;
    assert_int_equal(decode(&im, file, n, 3, NULL), FV_OK);
    /* Stored 40, 90, 140, 190 are 255 - ink: channel = stored * 190 / 255; the DCT may err by 1. */
    for (int k = 0; k < 3; k++) assert_true(abs(im.px[k] - (40 + 50 * k) * 190 / 255) <= 2);
    fv_image_free(&im);
    free(file);
}

static void test_jpeg_refuses_forms_by_name(void **state)
{
    (void)state;
    unsigned long n;
    unsigned char *file = jpeg(&n, 1, false, JCS_GRAYSCALE);
    fv_image im;
    size_t sof = 2;
    while (file[sof + 1] != 0xc0) sof += 2u + ((size_t)file[sof + 2] << 8 | file[sof + 3]);
    fv_err err = { 0 };
    file[sof + 4] = 12;
    assert_int_equal(decode(&im, file, n, 3, &err), FV_UNSUP);
    assert_non_null(strstr(err.msg, "12-bit"));
    file[sof + 4] = 8;
    file[sof + 1] = 0xc3;
    err = (fv_err){ 0 };
    assert_int_equal(decode(&im, file, n, 3, &err), FV_UNSUP);
    assert_non_null(strstr(err.msg, "lossless"));
    file[sof + 1] = 0xc0;
    memset(file + sof + 5, 0x3f, 4); /* 16191 x 16191: too many pixels */
    err = (fv_err){ 0 };
    assert_int_equal(decode(&im, file, n, 3, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "16191"));
    free(file);
}

static void test_png_written_reads_back_and_refuses_cuts(void **state)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/a.png", scratch_dir(state));
    for (int c = 1; c <= 3; c += 2) {
        fv_image im = made(5, 7, c), back;
        fv_bytes file;
        assert_int_equal(fv_image_write_png(&im, path, NULL), FV_OK);
        assert_int_equal(fv_image_load(&back, path, c, FV_EXIF_APPLY, NULL, NULL), FV_OK);
        assert_memory_equal(back.px, im.px, (size_t)(35 * c));
        fv_image_free(&back);
        assert_int_equal(fv_file_read(&file, path, 100000, NULL, NULL), FV_OK);
        refuse_every_cut(file.p, file.len);
        fv_release(NULL, (void *)file.p);
        fv_image_free(&im);
    }
}

static void test_pnm_kinds_give_their_pixels(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t len;
        uint8_t px[3];
    } rows[] = {
        { "P1 3 1 10 1", 11, { 0, 255, 0 } },
        { "P2 3 1 15\n#c\n0 15 5", 20, { 0, 255, 85 } },
        { "P4 3 1\n\xa0", 8, { 0, 255, 0 } },
        { "P5 3 1 255\n\1\2\3", 14, { 1, 2, 3 } },
        { "P5 3 1 65535\n\0\1\1\0\0\377", 19, { 1, 255, 255 } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_image im;
        assert_int_equal(decode(&im, rows[i].file, rows[i].len, 1, NULL), FV_OK);
        assert_memory_equal(im.px, rows[i].px, 3);
        fv_image_free(&im);
        assert_int_equal(decode(&im, rows[i].file, rows[i].len - 2, 1, NULL), FV_FORMAT);
    }
}

static void test_what_is_no_picture_is_refused(void **state)
{
    (void)state;
    fv_image im;
    assert_int_equal(decode(&im, "", 0, 3, NULL), FV_FORMAT);
    assert_int_equal(decode(&im, "hello, world", 12, 3, NULL), FV_FORMAT);
    assert_int_equal(decode(&im, "P5 20000 1 255\n", 15, 3, NULL), FV_FORMAT);
    assert_true(fv_image_known_extension("a/b.c/X.JPeG"));
    assert_false(fv_image_known_extension("a.jpg/b"));
    assert_false(fv_image_known_extension("a.jp"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg_gives_flat_colours_and_refuses_cuts),
        cmocka_unit_test(test_jpeg_takes_cmyk_for_inverted),
        cmocka_unit_test(test_jpeg_refuses_forms_by_name),
        cmocka_unit_test_setup_teardown(test_png_written_reads_back_and_refuses_cuts, scratch_make, scratch_drop),
        cmocka_unit_test(test_pnm_kinds_give_their_pixels),
        cmocka_unit_test(test_what_is_no_picture_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
