/* test_jpeg.c -- JPEG gives its pixels, refuses every truncation and the forms that are not read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "unit/formats.h"

#ifdef FOVEA_HAVE_JPEG
#include <jpeglib.h>

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

/* The last scan of a progressive picture, again and again: each costs a decoder a pass over all pixels. */
static void test_jpeg_refuses_many_scans(void **state)
{
    enum { SCANS = 501 };
    (void)state;
    unsigned long n;
    unsigned char *file = jpeg(&n, 3, true, JCS_RGB);
    size_t last = n - 2;
    while (last && !(file[last] == 0xff && file[last + 1] == 0xda)) last--;
    assert_true(last > 0);
    const size_t scan = n - 2 - last, all = last + SCANS * scan + 2;
    uint8_t *many = malloc(all);
    assert_non_null(many);
    memcpy(many, file, last);
    for (int i = 0; i < SCANS; i++) memcpy(many + last + (size_t)i * scan, file + last, scan);
    memcpy(many + all - 2, file + n - 2, 2);
    fv_image im;
    fv_err err = { 0 };
    assert_int_equal(decode(&im, many, all, 3, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "more than 500 scans"));
    assert_null(im.px);
    free(many);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg_refuses_many_scans),
        cmocka_unit_test(test_jpeg_gives_flat_colours_and_refuses_cuts),
        cmocka_unit_test(test_jpeg_takes_cmyk_for_inverted),
        cmocka_unit_test(test_jpeg_refuses_forms_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
    puts("SKIPPED test_jpeg: this build is without libjpeg");
    return 0;
}
#endif
