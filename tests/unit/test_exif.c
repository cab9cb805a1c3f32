/* test_exif.c -- the orientation read from a TIFF block, and the eight turns.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "image/pixels.h"

static const uint8_t little[] = { 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0 };
static const uint8_t big[] = { 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0 };

static void test_exif_reads_both_byte_orders(void **state)
{
    (void)state;
    assert_int_equal(fv_exif_orientation((fv_bytes){ little, sizeof little }), 6);
    assert_int_equal(fv_exif_orientation((fv_bytes){ big, sizeof big }), 8);
}

static void test_exif_that_is_damaged_means_upright(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof little; n++) assert_int_equal(fv_exif_orientation((fv_bytes){ little, n }), 1);
    uint8_t odd[sizeof little];
    static const struct {
        int at, value;
    } faults[] = { { 0, 'X' }, { 2, 43 }, { 4, 200 }, { 12, 4 }, { 14, 2 }, { 18, 9 }, { 18, 0 } };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        memcpy(odd, little, sizeof odd);
        odd[faults[i].at] = (uint8_t)faults[i].value;
        assert_int_equal(fv_exif_orientation((fv_bytes){ odd, sizeof odd }), 1);
    }
}

/* TIFF 6.0, tag 274: the picture 123/456 as it must look after turning. */
static void test_orientations_turn_as_the_standard_says(void **state)
{
    (void)state;
    static const struct {
        int h;
        const char *px;
    } want[9] = { [1] = { 2, "123456" }, [2] = { 2, "321654" }, [3] = { 2, "654321" }, [4] = { 2, "456123" },
                  [5] = { 3, "142536" }, [6] = { 3, "415263" }, [7] = { 3, "635241" }, [8] = { 3, "362514" } };
    for (int o = 1; o <= 8; o++) {
        fv_image im;
        assert_int_equal(fv_image_new(&im, 2, 3, 1, NULL, NULL), FV_OK);
        memcpy(im.px, "123456", 6);
        assert_int_equal(fv_image_orient(&im, o, NULL), FV_OK);
        assert_int_equal(im.h, want[o].h);
        assert_memory_equal(im.px, want[o].px, 6);
        fv_image_free(&im);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exif_reads_both_byte_orders),
        cmocka_unit_test(test_exif_that_is_damaged_means_upright),
        cmocka_unit_test(test_orientations_turn_as_the_standard_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
