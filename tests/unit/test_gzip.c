/* test_gzip.c -- gzipped IDX files: as the plain ones, and bounded by their header.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/gzip_maker.h"

#include "data/sources.h"

static const uint8_t images[] = {
    0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
};
static const uint8_t labels[] = { 0, 0, 8, 1, 0, 0, 0, 2, 4, 1 };

#ifdef FOVEA_HAVE_ZLIB
static void test_idx_inflate_stops_at_the_size_of_the_header(void **state)
{
    (void)state;
    uint8_t gz[300], longer[sizeof images + 1] = { 0 };
    fv_bytes out;
    const size_t n = gzip(gz, sizeof gz, images, sizeof images);
    assert_int_equal(fv_idx_inflate(&out, (fv_bytes){ gz, n }, NULL, NULL), FV_OK);
    assert_int_equal(out.len, sizeof images);
    assert_memory_equal(out.p, images, sizeof images);
    fv_release(NULL, (void *)out.p);
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(fv_idx_inflate(&out, (fv_bytes){ gz, cut }, NULL, NULL), FV_FORMAT);
    memcpy(longer, images, sizeof images);
    const size_t more = gzip(gz, sizeof gz, longer, sizeof longer);
    assert_int_equal(fv_idx_inflate(&out, (fv_bytes){ gz, more }, NULL, NULL), FV_FORMAT);
    const size_t less = gzip(gz, sizeof gz, images, sizeof images - 1);
    assert_int_equal(fv_idx_inflate(&out, (fv_bytes){ gz, less }, NULL, NULL), FV_FORMAT);
    assert_null(out.p);
}

static void test_idx_inflate_refuses_a_bomb_from_its_header(void **state)
{
    (void)state;
    uint8_t head[16] = { 0, 0, 8, 3, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0, 1, 0 }, gz[200];
    fv_bytes out;
    fv_err err = { 0 };
    const size_t n = gzip(gz, sizeof gz, head, sizeof head);
    assert_int_equal(fv_idx_inflate(&out, (fv_bytes){ gz, n }, NULL, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "cannot come from"));
}

static void test_gzipped_files_are_opened(void **state)
{
    const char *dir = scratch_dir(state);
    uint8_t gz[300];
    scratch_write(dir, "train-images-idx3-ubyte.gz", gz, gzip(gz, sizeof gz, images, sizeof images));
    scratch_write(dir, "train-labels.idx1-ubyte.gz", gz, gzip(gz, sizeof gz, labels, sizeof labels));
    fv_data *d;
    fv_image im;
    int label;
    assert_int_equal(fv_data_open(&d, dir, NULL, NULL, NULL), FV_OK);
    assert_int_equal(d->source->get(d, 0, 1, FV_EXIF_APPLY, &im, &label, NULL), FV_OK);
    assert_int_equal(label, 4);
    assert_memory_equal(im.px, images + 16, 6);
    fv_image_free(&im);
    fv_data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idx_inflate_stops_at_the_size_of_the_header),
        cmocka_unit_test(test_idx_inflate_refuses_a_bomb_from_its_header),
        cmocka_unit_test_setup_teardown(test_gzipped_files_are_opened, scratch_make, scratch_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
static void test_gzipped_files_are_refused_by_name(void **state)
{
    const char *dir = scratch_dir(state);
    scratch_write(dir, "train-images-idx3-ubyte", images, sizeof images);
    scratch_write(dir, "train-labels-idx1-ubyte", labels, sizeof labels);
    scratch_write(dir, "t10k-images-idx3-ubyte.gz", "\x1f\x8b\x08", 3);
    scratch_write(dir, "t10k-labels-idx1-ubyte", labels, sizeof labels);
    fv_data *d;
    fv_err err = { 0 };
    assert_int_equal(fv_data_open(&d, dir, NULL, NULL, &err), FV_OK);
    fv_data_free(d);
    assert_int_equal(fv_data_open(&d, dir, &(fv_data_opts){ .split = "test" }, NULL, &err), FV_UNSUP);
    assert_null(d);
    assert_non_null(strstr(err.msg, "t10k-images-idx3-ubyte.gz: gzip is not read"));
    puts("SKIPPED gzipped data: this build is without zlib");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_gzipped_files_are_refused_by_name, scratch_make, scratch_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
