/* test_metrics.c -- ranks, losses and probabilities that one can work out by hand, and a pass over made-up pictures
 * through a network whose answers are known beforehand.
 * SPDX-License-Identifier: Apache-2.0 */
#include "eval/evaluate.h"
#include "graph/net.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A few roundings of double on values below 10. */
static void near(double a, double b)
{
    if (!(fabs(a - b) <= 40 * 2.3e-16)) fail_msg("%.17g is not %.17g", a, b);
}

static void test_rank_counts_what_beats_the_label(void **state)
{
    (void)state;
    const float y[] = { 1, 5, 3, 5, -2 };
    assert_int_equal(fv_rank_of(y, 5, 1), 0);
    assert_int_equal(fv_rank_of(y, 5, 3), 1); /* a tie goes to the lower index */
    assert_int_equal(fv_rank_of(y, 5, 2), 2);
    assert_int_equal(fv_rank_of(y, 5, 0), 3);
    assert_int_equal(fv_rank_of(y, 5, 4), 4);
}

static void test_cross_entropy_by_hand(void **state)
{
    (void)state;
    const float equal[] = { 2, 2, 2, 2 }, huge[] = { 1e30f, 0 }, low[] = { -3e38f, -3e38f };
    near(fv_cross_entropy(equal, 4, 2), log(4));
    near(fv_cross_entropy(huge, 2, 0), 0);
    assert_true(fv_cross_entropy(huge, 2, 1) == (double)1e30f);
    near(fv_cross_entropy(low, 2, 0), log(2));
    const float odds[] = { 0, (float)1 };
    near(fv_cross_entropy(odds, 2, 1), log1p(exp(-1)));
}

static void test_cross_entropy_of_no_number_is_none(void **state)
{
    (void)state;
    const float nan_logit[] = { 0, NAN }, inf_logit[] = { INFINITY, 0 };
    assert_false(isfinite(fv_cross_entropy(nan_logit, 2, 0)));
    assert_false(isfinite(fv_cross_entropy(inf_logit, 2, 0)));
}

static void test_binary_cross_entropy_by_hand(void **state)
{
    (void)state;
    const float equal[] = { 0, 0, 0 }, sure[] = { 1000, -1000 }, odds[] = { 1, 1, -2 };
    near(fv_binary_cross_entropy(equal, 3, 1), log(2));
    near(fv_binary_cross_entropy(sure, 2, 0), 0);
    near(fv_binary_cross_entropy(sure, 2, 1), 1000);
    near(fv_binary_cross_entropy(odds, 3, 1), (log1p(exp(-1)) + log1p(exp(1)) + log1p(exp(-2))) / 3);
    const float bad[] = { NAN, INFINITY, -INFINITY };
    for (int i = 0; i < 6; i++) {
        float z[2] = { 0 };
        z[i / 3] = bad[i % 3];
        assert_false(isfinite(fv_binary_cross_entropy(z, 2, 0)));
    }
}

/* ---- a network that gives back the first pixel's class: 1 x 1 pixels, 3 channels, 3 classes ---- */

static fv_net *mirror(void)
{
    fv_graph *g = NULL;
    fv_net *net = NULL;
    fv_err err = { 0 };
    const fv_prep prep = { .h = 1, .w = 1, .channels = 3, .std = { 1, 1, 1 } };
    assert_int_equal(fv_graph_new(&g, NULL, &err), FV_OK);
    fv_output(g, fv_linear(g, fv_input(g, "image", 1, 1, 3), "fc", 3));
    if (fv_net_of_graph(&net, g, "mirror", &prep, 0, NULL, &err) != FV_OK) fail_msg("%s", err.msg);
    float *w = fv_net_weights(net, "fc.weight", NULL), *b = fv_net_weights(net, "fc.bias", NULL);
    for (int i = 0; i < 9; i++) w[i] = i % 4 == 0;
    for (int i = 0; i < 3; i++) b[i] = 0;
    return net;
}

static void test_topk_gives_probabilities_best_first(void **state)
{
    (void)state;
    fv_net *net = mirror();
    fv_top top[5];
    const char *const names[] = { "ant", "bee", "cat" };
    const float y[] = { 0, 1, 0 }, bad[] = { 0, NAN, 1 };
    assert_int_equal(fv_net_name_classes(net, names, 3, NULL), FV_OK);
    assert_int_equal(fv_topk(net, y, 2, top), 2);
    assert_true(top[0].index == 1 && top[1].index == 0);
    assert_string_equal(top[0].label, "bee");
    near(top[0].p, exp(1) / (exp(1) + 2));
    near(top[1].p, 1 / (exp(1) + 2));
    assert_int_equal(fv_topk(net, y, 5, top), 3);
    assert_int_equal(top[2].index, 2);
    assert_int_equal(fv_topk(net, bad, 1, top), -1);
    assert_int_equal(fv_topk(net, y, 0, top), 0);
    fv_net_free(net);
}

/* Ten pictures of one pixel; a pixel's brightest channel is what the network answers. Number 9 cannot be read. */
static const struct {
    uint8_t px[3];
    int label;
} samples[] = {
    { { 255, 0, 0 }, 0 }, { { 0, 255, 0 }, 1 }, { { 0, 0, 255 }, 2 }, { { 255, 0, 0 }, 1 }, { { 255, 255, 255 }, 0 },
    { { 9, 9, 9 }, 2 },   { { 0, 255, 0 }, 1 }, { { 0, 255, 0 }, 0 }, { { 0, 0, 255 }, 2 }, { { 0, 0, 0 }, 0 },
};
enum { SAMPLES = 10, BROKEN = 9 };

static fv_status get(const fv_data *d, int64_t i, int channels, fv_exif exif, fv_image *im, int *label, fv_err *err)
{
    (void)channels;
    (void)exif;
    if (i == BROKEN) return fv_fail(err, FV_FORMAT, "nine.png: torn");
    void *p;
    const fv_status s = fv_alloc_or(d->env.heap, &p, 3, err);
    if (s != FV_OK) return s;
    *im = (fv_image){ .h = 1, .w = 1, .c = 3, .px = memcpy(p, samples[i].px, 3), .heap = d->env.heap };
    *label = samples[i].label + (d->state ? 7 : 0);
    return FV_OK;
}

static const char *file(const fv_data *d, int64_t i)
{
    (void)d;
    return i == BROKEN ? "nine.png" : "some.png";
}

static const fv_source fake = { .name = "fake", .get = get, .file = file };

static fv_data ten_pictures(void)
{
    return (fv_data){ .source = &fake, .count = SAMPLES, .classes = 3, .h = 1, .w = 1, .channels = 3 };
}

/* Terms of a class: -log sigmoid(z) where it is the label, -log(1 - sigmoid(z)) where not. */
static void test_evaluation_by_the_binary_loss(void **state)
{
    (void)state;
    fv_net *net = mirror();
    fv_data d = ten_pictures();
    fv_metrics m;
    float logits[4 * 3];
    fv_eval_job job = { .data = &d, .classes = 3, .logits = logits, .max_bad = 0.1, .loss = FV_LOSS_BCE };
    const fv_prep prep = { .h = 1, .w = 1, .channels = 3, .std = { 1, 1, 1 } };
    assert_int_equal(fv_plan_new(&job.plan, net, &(fv_plan_opts){ .batch = 4, .threads = 1 }, NULL), FV_OK);
    assert_int_equal(fv_loader_new(&job.loader, &d, &(fv_loader_opts){ .prep = prep, .batch = 4, .workers = 1 }, NULL),
                     FV_OK);
    assert_int_equal(fv_evaluate_with(&m, &job, NULL), FV_OK);
    const double in = log1p(exp(-1)), out = log1p(exp(1)), dark = log(2), grey = 9.0 / 255;
    const double want =
        5 * (in + 2 * dark) + 2 * (out + 2 * dark) + in + 2 * out + log1p(exp(-grey)) + 2 * log1p(exp(grey));
    assert_true(fabs(m.loss - want / 27) < 1e-8); /* 9 / 255 is rounded to a float */
    assert_int_equal(m.correct, 6);
    fv_metrics_free(&m), fv_loader_free(job.loader), fv_plan_free(job.plan), fv_net_free(net);
}

static void test_evaluation_counts_by_hand(void **state)
{
    (void)state;
    for (int batch = 1; batch <= 11; batch += 5) {
        fv_net *net = mirror();
        fv_data d = ten_pictures();
        fv_metrics m;
        fv_err err = { 0 };
        const fv_eval_opts o = { .batch = batch, .workers = 2, .max_bad = 0.1, .topk = 2 };
        if (fv_evaluate(&m, net, &d, &o, &err) != FV_OK) fail_msg("%s", err.msg);
        assert_int_equal(m.n, 9);
        assert_int_equal(m.correct, 6);
        assert_true(m.top1 == 100.0 * 6 / 9 && m.top5 == 100);
        const int64_t want[9] = { 2, 1, 0, 1, 2, 0, 1, 0, 2 }; /* the grey one of label 2 ties and goes to class 0 */
        assert_memory_equal(m.confusion, want, sizeof want);
        /* Five answers are right with one channel lit, two are wrong with one lit, two have all alike. Pixels are 0 or
         * 1 exactly after x / 255, so the only errors are those of double. */
        near(m.loss, (5 * log1p(2 * exp(-1)) + 2 * (1 + log1p(2 * exp(-1))) + 2 * log(3)) / 9);
        assert_true(m.k == 2 && m.topk == 100.0 * 8 / 9); /* only the last one's label comes third, by the tie */
        /* Seven answers of e / (e + 2) = 0.576, bin 8, five of them right; two of 1/3, bin 5 by (4/15, 5/15], one right. */
        const double sure = exp(1) / (exp(1) + 2);
        assert_true(m.bin[8].n == 7 && m.bin[8].correct == 5 && m.bin[4].n == 2 && m.bin[4].correct == 1);
        near(m.bin[8].p, sure);
        near(m.ece, (fabs(5 - 7 * sure) + fabs(1 - 2 / 3.0)) / 9);
        near(m.mce, 1.0 / 2 - 1 / 3.0);
        assert_int_equal(m.nbad, 1);
        assert_string_equal(m.bad[0].file, "nine.png");
        assert_string_equal(m.bad[0].reason, "nine.png: torn");
        fv_metrics_free(&m);
        fv_net_free(net);
    }
}

/* The confusion matrix of a three-class example with a fourth class that never occurs:
 *             answered 0  1  2
 *   label 0            4  1  0     precision 4/6, recall 4/5, F1 8/11
 *   label 1            2  3  1     precision 3/4, recall 3/6, F1 6/10
 *   label 2            0  0  0     precision 0/1, no recall,  F1 0 */
static void test_class_scores_by_hand(void **state)
{
    (void)state;
    int64_t confusion[16] = { 4, 1, 0, 0, 2, 3, 1, 0 };
    const fv_metrics m = { .n = 11, .classes = 4, .confusion = confusion };
    const fv_class_score want[4] = {
        { 5, 6, 4, 100.0 * 4 / 6, 80, 100.0 * 8 / 11 }, { 6, 4, 3, 75, 50, 60 }, { 0, 1, 0, 0, 0, 0 }, { 0 }
    };
    fv_class_score macro, weighted;
    for (int i = 0; i < 4; i++) {
        const fv_class_score s = fv_score_class(&m, i);
        assert_true(s.n == want[i].n && s.answered == want[i].answered && s.correct == want[i].correct);
        assert_true(s.precision == want[i].precision && s.recall == want[i].recall && s.f1 == want[i].f1);
    }
    fv_score_means(&m, &macro, &weighted);
    const double rounding = 100 * 8 * 2.3e-16; /* a handful of roundings of numbers up to 100 */
    assert_true(fabs(macro.precision - (400.0 / 6 + 75) / 3) < rounding);
    assert_true(fabs(macro.recall - 130.0 / 3) < rounding);
    assert_true(fabs(macro.f1 - (800.0 / 11 + 60) / 3) < rounding);
    assert_true(fabs(weighted.precision - (5 * 400.0 / 6 + 6 * 75) / 11) < rounding);
    assert_true(fabs(weighted.recall - 700.0 / 11) < rounding); /* which is the accuracy */
    assert_true(fabs(weighted.f1 - (5 * 800.0 / 11 + 6 * 60) / 11) < rounding);
    assert_true(macro.n == 11 && macro.answered == 11 && macro.correct == 7);
}

static void test_bins_are_open_below(void **state)
{
    (void)state;
    assert_int_equal(fv_bin_of(0), 0);
    assert_int_equal(fv_bin_of(0.2), 2); /* 3 / 15 closes bin 2 */
    assert_int_equal(fv_bin_of(0.2001), 3);
    assert_int_equal(fv_bin_of(0.4), 5);
    assert_int_equal(fv_bin_of(1), FV_BINS - 1);
}

/* Three bins, two of them used: 10 answers of mean p 0.9, 6 right; 30 of 0.5, 18 right: ECE = (10 * 0.3 + 30 * 0.1) / 40. */
static void test_calibration_error_by_hand(void **state)
{
    (void)state;
    fv_metrics m = { .bin[13] = { .n = 10, .correct = 6, .p = 9 }, .bin[7] = { .n = 30, .correct = 18, .p = 15 } };
    fv_calibrate(&m);
    near(m.ece, 0.15);
    near(m.mce, 0.3);
    near(m.bin[13].p, 0.9);
    m = (fv_metrics){ 0 };
    fv_calibrate(&m);
    assert_true(m.ece == 0 && m.mce == 0);
}

static void test_answer_tells_both_probabilities(void **state)
{
    (void)state;
    const float y[] = { 1, 3, 3 };
    const fv_answer a = fv_answer_of(y, 3, 2);
    assert_true(a.label == 2 && a.predicted == 1 && a.rank == 1);
    near(a.p, 1 / (2 + exp(-2)));
    near(a.p_label, 1 / (2 + exp(-2)));
    near(a.loss, fv_cross_entropy(y, 3, 2));
    near(fv_answer_of(y, 3, 0).p_label, exp(-2) / (2 + exp(-2)));
}

static void test_too_many_bad_pictures_name_the_first(void **state)
{
    (void)state;
    fv_net *net = mirror();
    fv_data d = ten_pictures();
    fv_metrics m;
    fv_err err = { 0 };
    assert_int_equal(fv_evaluate(&m, net, &d, &(fv_eval_opts){ .max_bad = 0.09 }, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "nine.png: torn"));
    assert_null(m.confusion);
    fv_net_free(net);
}

static void test_label_without_a_logit_is_refused(void **state)
{
    (void)state;
    fv_net *net = mirror();
    fv_data d = ten_pictures();
    fv_metrics m;
    fv_err err = { 0 };
    d.state = &d; /* labels 7 too high */
    assert_int_equal(fv_evaluate(&m, net, &d, &(fv_eval_opts){ .max_bad = 1 }, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "label"));
    d.classes = 4;
    err = (fv_err){ 0 };
    assert_int_equal(fv_evaluate(&m, net, &d, NULL, &err), FV_SHAPE);
    fv_net_free(net);
}

static void test_answer_that_is_not_finite_is_our_bug(void **state)
{
    (void)state;
    fv_net *net = mirror();
    fv_data d = ten_pictures();
    fv_metrics m;
    fv_err err = { 0 };
    fv_net_weights(net, "fc.bias", NULL)[1] = NAN;
    assert_int_equal(fv_evaluate(&m, net, &d, &(fv_eval_opts){ .max_bad = 1 }, &err), FV_BUG);
    assert_non_null(strstr(err.msg, "finite"));
    fv_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rank_counts_what_beats_the_label),
        cmocka_unit_test(test_cross_entropy_by_hand),
        cmocka_unit_test(test_cross_entropy_of_no_number_is_none),
        cmocka_unit_test(test_topk_gives_probabilities_best_first),
        cmocka_unit_test(test_evaluation_counts_by_hand),
        cmocka_unit_test(test_evaluation_by_the_binary_loss),
        cmocka_unit_test(test_binary_cross_entropy_by_hand),
        cmocka_unit_test(test_class_scores_by_hand),
        cmocka_unit_test(test_bins_are_open_below),
        cmocka_unit_test(test_calibration_error_by_hand),
        cmocka_unit_test(test_answer_tells_both_probabilities),
        cmocka_unit_test(test_too_many_bad_pictures_name_the_first),
        cmocka_unit_test(test_label_without_a_logit_is_refused),
        cmocka_unit_test(test_answer_that_is_not_finite_is_our_bug),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
