/* test_idx.c -- IDX files: sizes against bytes, names from beside.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "data/sources.h"

static const uint8_t images[] = {
    0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
};
static const uint8_t labels[] = { 0, 0, 8, 1, 0, 0, 0, 2, 4, 1 };

static void test_idx_parse_wants_the_bytes_its_header_says(void **state)
{
    (void)state;
    fv_idx x;
    fv_err err = { 0 };
    assert_int_equal(fv_idx_parse(&x, (fv_bytes){ images, sizeof images }, 3, &err), FV_OK);
    assert_int_equal(x.dim[0], 2);
    assert_int_equal(x.dim[2], 3);
    assert_int_equal(x.size, 12);
    for (size_t n = 0; n < sizeof images; n++) {
        err = (fv_err){ 0 };
        assert_int_equal(fv_idx_parse(&x, (fv_bytes){ images, n }, 3, &err), FV_FORMAT);
    }
    assert_non_null(strstr(err.msg, "28"));
    assert_non_null(strstr(err.msg, "27"));
    assert_int_equal(fv_idx_parse(&x, (fv_bytes){ images, sizeof images }, 1, NULL), FV_FORMAT);
}

static void test_idx_parse_survives_sizes_that_overflow(void **state)
{
    (void)state;
    uint8_t huge[28];
    memcpy(huge, images, sizeof huge);
    memset(huge + 4, 0xff, 12);
    fv_idx x;
    assert_int_equal(fv_idx_parse(&x, (fv_bytes){ huge, sizeof huge }, 3, NULL), FV_FORMAT);
}

static void test_idx_opens_and_finds_names(void **state)
{
    const char *dir = scratch_dir(state);
    scratch_write(dir, "train-images-idx3-ubyte", images, sizeof images);
    scratch_write(dir, "train-labels.idx1-ubyte", labels, sizeof labels);
    fv_data *d;
    fv_err err = { 0 };
    assert_int_equal(fv_data_open(&d, dir, NULL, NULL, &err), FV_OK);
    fv_data_info info;
    fv_data_describe(d, &info);
    assert_string_equal(info.source, "idx");
    assert_int_equal(info.count, 2);
    assert_int_equal(info.classes, 5);
    assert_null(info.class_names);
    fv_image im;
    int label;
    assert_int_equal(d->source->get(d, 1, 3, FV_EXIF_APPLY, &im, &label, &err), FV_OK);
    assert_int_equal(label, 1);
    assert_int_equal(im.px[0], 7);
    assert_int_equal(im.px[17], 12);
    fv_image_free(&im);
    fv_data_free(d);
    scratch_write(dir, "classes.txt", "a\nb\r\nc\nd\ne\nf\n", 13);
    assert_int_equal(fv_data_open(&d, dir, NULL, NULL, &err), FV_OK);
    assert_int_equal(d->classes, 6);
    assert_string_equal(d->class_names[1], "b");
    fv_data_free(d);
    assert_int_equal(fv_data_open(&d, dir, &(fv_data_opts){ .split = "test" }, NULL, &err), FV_NOINPUT);
    assert_null(d);
}

static void test_idx_refuses_images_without_as_many_labels(void **state)
{
    const char *dir = scratch_dir(state);
    const uint8_t three[] = { 0, 0, 8, 1, 0, 0, 0, 3, 4, 1, 0 };
    scratch_write(dir, "train-images-idx3-ubyte", images, sizeof images);
    scratch_write(dir, "train-labels-idx1-ubyte", three, sizeof three);
    fv_data *d;
    fv_err err = { 0 };
    assert_int_equal(fv_data_open(&d, dir, NULL, NULL, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "2 images and 3 labels"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idx_parse_wants_the_bytes_its_header_says),
        cmocka_unit_test(test_idx_parse_survives_sizes_that_overflow),
        cmocka_unit_test_setup_teardown(test_idx_opens_and_finds_names, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(test_idx_refuses_images_without_as_many_labels, scratch_make, scratch_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
