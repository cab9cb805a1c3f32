/* test_augment.c -- policies, jitter, PCA colour, erasing, mixup and cutmix: their formulas, their bounds, their texts, and
 * that they depend on nothing but seed, epoch and sample.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "data/augment.h"
#include "data/mix.h"
#include "image/pixels.h"

#include <math.h>

enum { SIDE = 32, FLOATS = SIDE * SIDE * 3, MANY = 20000 };

static const fv_prep prep = {
    .h = SIDE, .w = SIDE, .channels = 3, .mean = { 0.5f, 0.4f, 0.3f }, .std = { 0.25f, 0.5f, 0.125f }
};

static fv_image picture(void)
{
    fv_image im;
    assert_int_equal(fv_image_new(&im, SIDE, SIDE, 3, NULL, NULL), FV_OK);
    for (int i = 0; i < FLOATS; i++) im.px[i] = (uint8_t)(i * 13 ^ i >> 3);
    return im;
}

/* Whether the augmentation leaves the picture of this sample as it was. */
static bool leaves(const fv_augment *a, uint64_t epoch, int64_t sample)
{
    fv_image im = picture(), before = picture();
    assert_int_equal(fv_augment_run(&im, a, &prep, epoch, sample, NULL), FV_OK);
    const bool same = memcmp(im.px, before.px, FLOATS) == 0;
    fv_image_free(&im);
    fv_image_free(&before);
    return same;
}

static void test_policy_texts_are_read_or_refused_by_name(void **state)
{
    (void)state;
    static const char *const good[] = { "rand-m9-n3-mstd0.5-inc1-p0.7-mmax15",
                                        "rand",
                                        "trivial",
                                        "ta_wide",
                                        "imagenet",
                                        "original-mstd0.5",
                                        "cifar10",
                                        "rand-inc0",
                                        "rand-mstd101" };
    static const char *const bad[] = { "rnad",
                                       "rand-",
                                       "rand-m",
                                       "rand-mx",
                                       "rand-m-3",
                                       "rand-m9-w0",
                                       "rand-n1.5",
                                       "rand-p2",
                                       "trivial-m9",
                                       "rand-minf",
                                       "rand-m0x9",
                                       "rand--m9",
                                       "rand-m9n2",
                                       "rand-inc2",
                                       "imagenet-n2",
                                       "rand-mmax0",
                                       "rand-m1234567890123456789012" };
    fv_policy p;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(fv_policy_parse(&p, good[i], NULL), FV_OK);
        assert_non_null(p.kind);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fv_err err = { 0 };
        if (fv_policy_parse(&p, bad[i], &err) != FV_ARG) fail_msg("'%s' was taken", bad[i]);
        assert_null(p.kind);
        assert_true(err.msg[0] != 0);
    }
    assert_int_equal(fv_policy_parse(&p, "rand-m9-n3-mstd0.5-inc1-p0.7-mmax15", NULL), FV_OK);
    assert_true(p.magnitude == 9 && p.layers == 3 && p.deviation == 0.5 && p.increasing && p.chance == 0.7 &&
                p.most == 15);
    assert_int_equal(fv_policy_parse(&p, NULL, NULL), FV_OK);
    assert_null(p.kind);
}

static void test_policies_depend_on_seed_epoch_and_sample_alone(void **state)
{
    (void)state;
    static const char *const texts[] = { "rand-m9-mstd0.5", "rand-inc1-p1", "trivial", "imagenet", "cifar10" };
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        fv_augment a = { .seed = 4 };
        assert_int_equal(fv_policy_parse(&a.policy, texts[t], NULL), FV_OK);
        int changed = 0, other = 0;
        for (int i = 0; i < 200; i++) {
            fv_image x = picture(), y = picture(), z = picture();
            assert_int_equal(fv_augment_run(&x, &a, &prep, 1, i, NULL), FV_OK);
            assert_int_equal(fv_augment_run(&y, &a, &prep, 1, i, NULL), FV_OK);
            assert_int_equal(fv_augment_run(&z, &a, &prep, 2, i, NULL), FV_OK);
            assert_memory_equal(x.px, y.px, FLOATS);
            other += memcmp(x.px, z.px, FLOATS) != 0;
            fv_image_free(&y);
            y = picture();
            changed += memcmp(x.px, y.px, FLOATS) != 0;
            fv_image_free(&x);
            fv_image_free(&y);
            fv_image_free(&z);
        }
        assert_in_range(changed, 100, 200);
        assert_in_range(other, 100, 200);
    }
}

/* p = 0: never; and each of the layers is made with chance p, so 1 - (1 - p)^n of the pictures change at most. */
static void test_rand_makes_as_many_changes_as_it_is_told(void **state)
{
    (void)state;
    fv_augment a = { .seed = 1 };
    assert_int_equal(fv_policy_parse(&a.policy, "rand-p0", NULL), FV_OK);
    for (int i = 0; i < 50; i++) assert_true(leaves(&a, 0, i));
    assert_int_equal(fv_policy_parse(&a.policy, "rand-m10-n1-p0.5-inc1", NULL), FV_OK);
    int changed = 0;
    for (int i = 0; i < 2000; i++) changed += !leaves(&a, 0, i);
    /* AutoContrast does nothing to a picture of full range: 14 of 15. Five deviations of a binomial. */
    const double p = 0.5 * 14 / 15, off = 5 * sqrt(2000 * p * (1 - p));
    assert_true(fabs(changed - 2000 * p) <= off);
}

static void test_jitter_stays_within_its_factors(void **state)
{
    (void)state;
    const fv_augment a = { .jitter = { 0.2, 0, 0, 0 }, .seed = 3 };
    double least = 9, most = 0;
    for (int i = 0; i < 300; i++) {
        fv_image im;
        assert_int_equal(fv_image_new(&im, SIDE, SIDE, 3, NULL, NULL), FV_OK);
        memset(im.px, 200, FLOATS);
        assert_int_equal(fv_augment_run(&im, &a, &prep, 0, i, NULL), FV_OK);
        const double factor = im.px[0] / 200.0;
        least = factor < least ? factor : least;
        most = factor > most ? factor : most;
        fv_image_free(&im);
    }
    assert_true(least >= 0.8 - 1 / 200.0 && least < 0.83 && most <= 1.2 &&
                most > 1.17); /* 300 draws: 5 % at either end */
    assert_true(leaves(&(fv_augment){ .seed = 3 }, 0, 0));
}

/* The shift's covariance is P diag((sigma lambda)^2) P^T; blue first turns it. */
static void test_pca_shifts_colours_along_the_axes(void **state)
{
    (void)state;
    static const double axis[3] = { -0.5675, -0.5808, -0.5836 };
    const fv_augment a = { .pca = 0.1, .seed = 8 };
    fv_prep turned = prep;
    turned.order = FV_BGR;
    turned.std[0] = prep.std[2], turned.std[2] = prep.std[0];
    double along = 0, across = 0;
    for (int i = 0; i < MANY; i++) {
        float x[FLOATS] = { 0 }, y[FLOATS] = { 0 };
        double dot = 0, square = 0;
        fv_prep one = prep, two = turned;
        one.h = one.w = two.h = two.w = 1;
        fv_augment_finish(x, &a, &one, 5, i);
        fv_augment_finish(y, &a, &two, 5, i);
        for (int c = 0; c < 3; c++) {
            const double shift = (double)x[c] * (double)prep.std[c];
            assert_true(x[c] == y[2 - c]);
            dot += shift * axis[c];
            square += shift * shift;
        }
        along += dot * dot;
        across += square - dot * dot;
    }
    const double first = pow(0.1 * 0.2175, 2), rest = pow(0.1 * 0.0188, 2) + pow(0.1 * 0.0045, 2);
    /* The variance of a sum of n squares of N(0, s^2) is 2 n s^4: five deviations. */
    assert_true(fabs(along / MANY / first - 1) < 5 * sqrt(2.0 / MANY) + 1e-3);
    assert_true(fabs(across / MANY / rest - 1) < 5 * sqrt(2.0 / MANY) + 2e-2); /* the published axes have four digits */
    float grey[1] = { 0 };
    fv_augment_finish(grey, &a, &(fv_prep){ .h = 1, .w = 1, .channels = 1, .std = { 1 } }, 5, 0);
    assert_true(grey[0] == 0);
}

static void test_erasing_keeps_to_its_chance_and_area(void **state)
{
    (void)state;
    static const fv_erase modes[] = { FV_ERASE_PIXELS, FV_ERASE_MEAN, FV_ERASE_COLOUR };
    for (int m = 0; m < 3; m++) {
        const fv_augment a = { .erase = 0.25, .erase_with = modes[m], .seed = 2 };
        int erased = 0;
        for (int i = 0; i < 2000; i++) {
            float x[FLOATS];
            int cells = 0, top = SIDE, left = SIDE, bottom = -1, right = -1;
            for (int k = 0; k < FLOATS; k++) x[k] = 100;
            fv_augment_finish(x, &a, &prep, 1, i);
            for (int k = 0; k < SIDE * SIDE; k++) {
                if (x[3 * k] == 100) continue;
                const int r = k / SIDE, c = k % SIDE;
                cells++;
                top = r < top ? r : top, bottom = r > bottom ? r : bottom;
                left = c < left ? c : left, right = c > right ? c : right;
                if (modes[m] == FV_ERASE_MEAN) assert_true(x[3 * k] == 0 && x[3 * k + 1] == 0 && x[3 * k + 2] == 0);
            }
            if (cells == 0) continue;
            erased++;
            assert_int_equal(cells, (bottom - top + 1) * (right - left + 1)); /* one rectangle */
            assert_true(cells >= 0.02 * SIDE * SIDE - SIDE && cells <= SIDE * SIDE / 3.0 + SIDE);
        }
        assert_true(fabs(erased - 500.0) <
                    5 * sqrt(2000 * 0.25 * 0.75)); /* hardly one in a million finds no place in ten tries */
    }
}

/* ---- mixing ---- */

static void test_beta_has_its_mean_and_variance(void **state)
{
    (void)state;
    static const double alphas[] = { 0.001, 0.2, 1, 4 };
    for (int a = 0; a < 4; a++) {
        fv_rng r = fv_rng_of(1, 2, (uint64_t)a, FV_RNG_TEST);
        double sum = 0, square = 0;
        for (int i = 0; i < MANY; i++) {
            const double x = fv_mix_beta(&r, alphas[a]);
            assert_true(x >= 0 && x <= 1);
            sum += x;
            square += (x - 0.5) * (x - 0.5);
        }
        const double variance = 1 / (4 * (2 * alphas[a] + 1));
        assert_true(fabs(sum / MANY - 0.5) < 5 * sqrt(variance / MANY));
        /* (x - 1/2)^2 lies in 0 .. 1/4, so its deviation is at most 1/8. */
        assert_true(fabs(square / MANY - variance) < 5 * 0.125 / sqrt(MANY));
    }
}

enum { N = 5, CLASSES = 4 };
typedef struct mixed {
    float x[N][FLOATS], targets[N * CLASSES];
    bool done;
} mixed;
static const int labels[N] = { 0, 1, 2, 3, 0 };

/* Image i is full of the number i. */
static void mix(mixed *b, const fv_mix *m, uint64_t batch)
{
    memset(b->targets, 0x7f, sizeof b->targets);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < FLOATS; k++) b->x[i][k] = (float)i;
    b->done = fv_mix_run(m, &(fv_mix_batch){ b->x[0], N, SIDE, SIDE, 3, CLASSES, labels, b->targets }, 1, batch);
}

static void test_mixup_mixes_pictures_and_labels_by_one_share(void **state)
{
    (void)state;
    static mixed b;
    const fv_mix m = { .mixup = 0.5, .chance = 1, .cut = 0.5, .seed = 6 };
    for (uint64_t batch = 0; batch < 20; batch++) {
        mix(&b, &m, batch);
        assert_true(b.done);
        const float lambda = b.targets[CLASSES + 1]; /* image 1 has label 1, its partner 3 label 3 */
        assert_true(fabsf(b.targets[CLASSES + 3] - (1 - lambda)) < 1e-6f && b.targets[CLASSES] == 0);
        for (int i = 0; i < N; i++)
            for (int k = 0; k < FLOATS; k++)
                assert_true(fabsf(b.x[i][k] - (lambda * (float)i + (1 - lambda) * (float)(N - 1 - i))) < 1e-6f * N);
        assert_true(b.targets[0] == 1);                             /* images 0 and 4 have one label */
        assert_true(fabsf(b.targets[2 * CLASSES + 2] - 1) < 1e-6f); /* the one in the middle is its own partner */
    }
}

static void test_cutmix_labels_by_the_area_that_was_exchanged(void **state)
{
    (void)state;
    static mixed b;
    const fv_mix m = { .cutmix = 1, .chance = 1, .seed = 6 };
    double sum = 0;
    for (uint64_t batch = 0; batch < 200; batch++) {
        mix(&b, &m, batch);
        int own = 0;
        for (int k = 0; k < FLOATS; k++) {
            assert_true(b.x[1][k] == 1 || b.x[1][k] == 3);
            assert_true(b.x[1][k] + b.x[3][k] == 4); /* what one gives, the other has */
            own += b.x[1][k] == 1;
        }
        assert_true(b.targets[CLASSES + 1] == (float)(own / (double)FLOATS));
        sum += own / (double)FLOATS;
    }
    assert_in_range(sum / 200 * 100, 55, 75); /* the border clips boxes: more of the picture stays than 1/2 */
}

static void test_mixing_chooses_by_its_chances(void **state)
{
    (void)state;
    static mixed b;
    const fv_mix m = { .mixup = 1, .cutmix = 1, .chance = 0.5, .cut = 0.25, .seed = 9 };
    int done = 0, cut = 0;
    for (uint64_t batch = 0; batch < 1000; batch++) {
        mix(&b, &m, batch);
        done += b.done;
        if (!b.done) assert_true(b.x[1][0] == 1 && b.x[3][FLOATS - 1] == 3);
        bool whole = true;
        for (int k = 0; k < FLOATS; k++) whole &= b.x[1][k] == 1 || b.x[1][k] == 3;
        cut += b.done && whole;
    }
    assert_true(fabs(done - 500.0) < 5 * sqrt(250));
    assert_true(fabs(cut - done * 0.25) < 5 * sqrt(done * 0.25 * 0.75));
    mix(&b, &(fv_mix){ .chance = 1 }, 0);
    assert_false(b.done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_texts_are_read_or_refused_by_name),
        cmocka_unit_test(test_policies_depend_on_seed_epoch_and_sample_alone),
        cmocka_unit_test(test_rand_makes_as_many_changes_as_it_is_told),
        cmocka_unit_test(test_jitter_stays_within_its_factors),
        cmocka_unit_test(test_pca_shifts_colours_along_the_axes),
        cmocka_unit_test(test_erasing_keeps_to_its_chance_and_area),
        cmocka_unit_test(test_beta_has_its_mean_and_variance),
        cmocka_unit_test(test_mixup_mixes_pictures_and_labels_by_one_share),
        cmocka_unit_test(test_cutmix_labels_by_the_area_that_was_exchanged),
        cmocka_unit_test(test_mixing_chooses_by_its_chances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
