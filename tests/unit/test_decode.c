/* test_decode.c -- every format gives its pixels, refuses every truncation, and checks sizes before taking memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "unit/formats.h"

static fv_image made(int h, int w, int c)
{
    void *px = NULL;
    assert_int_equal(fv_alloc_or(NULL, &px, (size_t)(h * w * c), NULL), FV_OK);
    fv_image im = { .h = h, .w = w, .c = c, .px = px };
    for (uint32_t i = 0; i < (uint32_t)(h * w * c); i++) im.px[i] = (uint8_t)(i * 2654435761u >> 24);
    return im;
}

/* Whether this build has the format's library. */
static bool is_read(const char *name)
{
    const fv_image_format *const *f = fv_image_formats;
    while (strcmp((*f)->name, name) != 0) f++;
    return (*f)->decode;
}

static void test_png_written_reads_back_and_refuses_cuts(void **state)
{
    if (!is_read("PNG")) skip();
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

/* A file of nothing but its magic number is cut short, or of a format that this build is without. */
static void test_a_format_is_read_or_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *magic;
        size_t len;
    } rows[] = { { "JPEG", "\xff\xd8\xff", 3 }, { "PNG", "\x89PNG\r\n\x1a\n", 8 }, { "WebP", "RIFF\0\0\0\0WEBP", 12 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_image im;
        fv_err err = { 0 };
        const bool reads = is_read(rows[i].name);
        assert_int_equal(decode(&im, rows[i].magic, rows[i].len, 3, &err), reads ? FV_FORMAT : FV_UNSUP);
        assert_null(im.px);
        if (!reads) assert_memory_equal(err.msg, rows[i].name, strlen(rows[i].name));
    }
    uint8_t dot = 0;
    const fv_image one = { .h = 1, .w = 1, .c = 1, .px = &dot };
    fv_err err = { 0 };
    assert_int_equal(fv_image_write_png(&one, "/nonexistent/a.png", &err), is_read("PNG") ? FV_CREATE : FV_UNSUP);
    assert_non_null(strstr(err.msg, "/nonexistent/a.png"));
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
        cmocka_unit_test_setup_teardown(test_png_written_reads_back_and_refuses_cuts, scratch_make, scratch_drop),
        cmocka_unit_test(test_pnm_kinds_give_their_pixels),
        cmocka_unit_test(test_a_format_is_read_or_refused_by_name),
        cmocka_unit_test(test_what_is_no_picture_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
