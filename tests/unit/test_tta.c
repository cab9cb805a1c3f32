/* test_tta.c -- the views of a picture: where they are cut, that they are mirrored, and the mean of what is said of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "eval/evaluate.h"
#include "image/pixels.h"

#include <math.h>

enum { SIDE = 4, FLOATS = SIDE * SIDE };
static float out[10 * FLOATS];

/* h x w, each pixel its own number. */
static fv_image picture(int h, int w)
{
    fv_image im;
    assert_int_equal(fv_image_new(&im, h, w, 1, NULL, NULL), FV_OK);
    for (int i = 0; i < h * w; i++) im.px[i] = (uint8_t)(i + 1);
    return im;
}

static fv_prep prep_of(fv_tta tta, int resize)
{
    return (fv_prep){
        .h = SIDE, .w = SIDE, .channels = 1, .resize = resize, .filter = FV_BILINEAR, .std = { 1 / 255.0f }, .tta = tta
    };
}

/* View v is the crop at (top, left), mirrored or not. */
static void view_is(int v, const fv_image *im, int top, int left, bool mirrored)
{
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const int from = left + (mirrored ? SIDE - 1 - x : x), row = top + y;
            const bool inside = from >= 0 && from < im->w && row >= 0 && row < im->h;
            const int want = inside ? im->px[row * im->w + from] : 0;
            assert_int_equal((int)rintf(out[v * FLOATS + y * SIDE + x]), want);
        }
}

static void test_ten_views_are_corners_and_centre_and_their_mirrors(void **state)
{
    (void)state;
    fv_image im = picture(7, 9);
    const fv_prep p = prep_of(FV_TTA_TEN, 0);
    const int at[5][2] = {
        { 0, 0 }, { 0, 5 }, { 3, 0 }, { 3, 5 }, { 2, 2 }
    }; /* (7 - 4) / 2 = 1.5: to even, as torchvision */
    assert_int_equal(fv_image_views(out, &im, &p, NULL, NULL), FV_OK);
    for (int v = 0; v < 10; v++) view_is(v, &im, at[v % 5][0], at[v % 5][1], v >= 5);
    fv_image_free(&im);
}

static void test_fewer_views_are_the_first_ones(void **state)
{
    (void)state;
    fv_image im = picture(7, 9);
    fv_prep p = prep_of(FV_TTA_FLIP, 0);
    assert_int_equal(fv_image_views(out, &im, &p, NULL, NULL), FV_OK);
    view_is(0, &im, 2, 2, false);
    view_is(1, &im, 2, 2, true);
    p.tta = FV_TTA_NONE;
    memset(out, 0, sizeof out);
    assert_int_equal(fv_image_views(out, &im, &p, NULL, NULL), FV_OK);
    view_is(0, &im, 2, 2, false);
    assert_true(out[FLOATS] == 0);
    fv_image_free(&im);
    assert_true(fv_views(FV_TTA_NONE) == 1 && fv_views(FV_TTA_FLIP) == 2 && fv_views(FV_TTA_FIVE) == 5 &&
                fv_views(FV_TTA_TEN) == 10);
}

/* One view is what fv_image_prepare makes, also where it resizes; what is too small is padded in every view. */
static void test_the_centre_is_the_usual_input(void **state)
{
    (void)state;
    static float usual[FLOATS];
    const int sizes[][2] = { { 4, 4 }, { 9, 5 }, { 3, 12 }, { 2, 3 }, { 13, 13 } };
    for (int i = 0; i < 5; i++)
        for (int resize = 0; resize <= 6; resize += 6) {
            fv_image im = picture(sizes[i][0], sizes[i][1]), ready;
            fv_prep p = prep_of(FV_TTA_FIVE, resize);
            assert_int_equal(fv_image_prepare(&ready, &im, &p, NULL, NULL), FV_OK);
            fv_image_normalise(usual, &ready, &p);
            assert_int_equal(fv_image_views(out, &im, &p, NULL, NULL), FV_OK);
            assert_memory_equal(out + 4 * FLOATS, usual, sizeof usual);
            fv_image_free(&im);
            fv_image_free(&ready);
        }
}

static void test_mean_of_views_is_that_of_probabilities(void **state)
{
    (void)state;
    float z[6] = { 0, logf(3), -1000, 5, 5 + logf(3), 5 };
    fv_mean_of_views(z, 3, 2);
    const double want[3] = { (1.0 / 4 + 1.0 / 5) / 2, (3.0 / 4 + 3.0 / 5) / 2, (0 + 1.0 / 5) / 2 };
    for (int i = 0; i < 3; i++) assert_true(fabs(exp((double)z[i]) - want[i]) < 1e-6);
    assert_true(fabs(fv_cross_entropy(z, 3, 1) + log(want[1])) < 1e-6);
    float far[4] = { 0, 2000, 0, 2000 }; /* a probability of 0 has a finite logarithm here */
    fv_mean_of_views(far, 2, 2);
    assert_true(isfinite(far[0]) && fabsf(far[1]) < 1e-6f);
    float bad[4] = { 1, 2, NAN, 2 };
    fv_mean_of_views(bad, 2, 2);
    assert_true(isnan(bad[0]) && isnan(bad[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_views_are_corners_and_centre_and_their_mirrors),
        cmocka_unit_test(test_fewer_views_are_the_first_ones),
        cmocka_unit_test(test_the_centre_is_the_usual_input),
        cmocka_unit_test(test_mean_of_views_is_that_of_probabilities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
