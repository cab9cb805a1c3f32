/* test_cifar.c -- CIFAR records: planes interleaved, sizes and labels checked, fine labels of CIFAR-100.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "data/sources.h"

static uint8_t records[2 * 3074];

static void fill(int labels)
{
    for (size_t i = 0; i < sizeof records; i++) records[i] = (uint8_t)(i * 7 >> 3);
    for (int r = 0; r < 2; r++)
        for (int k = 0; k < labels; k++) records[r * (3072 + labels) + k] = (uint8_t)(3 + r + 2 * k);
}

static void test_cifar_interleaves_the_planes(void **state)
{
    (void)state;
    fill(1);
    fv_image im;
    assert_int_equal(fv_cifar_get(&im, records, 1, 3, NULL, NULL), FV_OK);
    for (int i = 0; i < 1024; i++)
        for (int c = 0; c < 3; c++) assert_int_equal(im.px[3 * i + c], records[1 + 1024 * c + i]);
    fv_image_free(&im);
}

static void test_cifar_check_tells_both_numbers(void **state)
{
    (void)state;
    fill(1);
    fv_err err = { 0 };
    int64_t n;
    assert_int_equal(fv_cifar_check((fv_bytes){ records, 2 * 3073 }, 1, 10, &n, &err), FV_OK);
    assert_int_equal(n, 2);
    assert_int_equal(fv_cifar_check((fv_bytes){ records, 3074 }, 1, 10, &n, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "3074"));
    assert_non_null(strstr(err.msg, "3073"));
    assert_int_equal(fv_cifar_check((fv_bytes){ records, 0 }, 1, 10, &n, NULL), FV_FORMAT);
    records[3073] = 10;
    err = (fv_err){ 0 };
    assert_int_equal(fv_cifar_check((fv_bytes){ records, 2 * 3073 }, 1, 10, &n, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "record 1 has label 10 of 10"));
}

static void test_cifar10_opens_from_the_folder_above(void **state)
{
    const char *dir = scratch_dir(state);
    fill(1);
    for (int i = 1; i <= 5; i++) {
        char name[64];
        snprintf(name, sizeof name, "cifar-10-batches-bin/data_batch_%d.bin", i);
        scratch_write(dir, name, records, 2 * 3073);
    }
    fv_data *d;
    fv_err err = { 0 };
    assert_int_equal(fv_data_open(&d, dir, NULL, NULL, &err), FV_OK);
    assert_int_equal(d->count, 10);
    assert_null(d->class_names);
    fv_image im;
    int label;
    assert_int_equal(d->source->get(d, 9, 1, FV_EXIF_APPLY, &im, &label, &err), FV_OK);
    assert_int_equal(label, 4);
    assert_int_equal(im.c, 1);
    fv_image_free(&im);
    assert_non_null(strstr(d->source->file(d, 9), "data_batch_5"));
    fv_data_free(d);
    assert_int_equal(fv_data_open(&d, dir, &(fv_data_opts){ .split = "val" }, NULL, &err), FV_NOINPUT);
    scratch_write(dir, "cifar-10-batches-bin/batches.meta.txt", "a\nb\n", 4);
    err = (fv_err){ 0 };
    assert_int_equal(fv_data_open(&d, dir, NULL, NULL, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "2 names for 10 classes"));
}

static void test_cifar100_counts_the_fine_label(void **state)
{
    const char *dir = scratch_dir(state);
    fill(2);
    scratch_write(dir, "train.bin", records, 2 * 3074);
    fv_data *d;
    assert_int_equal(fv_data_open(&d, dir, NULL, NULL, NULL), FV_OK);
    assert_int_equal(d->classes, 100);
    fv_image im;
    int label;
    assert_int_equal(d->source->get(d, 1, 3, FV_EXIF_APPLY, &im, &label, NULL), FV_OK);
    assert_int_equal(label, 6);
    assert_int_equal(im.px[1], records[3074 + 2 + 1024]);
    fv_image_free(&im);
    fv_data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cifar_interleaves_the_planes),
        cmocka_unit_test(test_cifar_check_tells_both_numbers),
        cmocka_unit_test_setup_teardown(test_cifar10_opens_from_the_folder_above, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(test_cifar100_counts_the_fine_label, scratch_make, scratch_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
