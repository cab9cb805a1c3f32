/* test_accuracy.c -- how far the logits of whole networks lie from those of double precision: the ordinary inference
 * plan may be at most five times as far as plain loops in float, without Winograd twice. One network of each family; with
 * FOVEA_DEEP all of them.
 *
 * Why two: both plans round every product and sum to the same 24 bits, so their errors are random sums of the same
 * number of terms of the same size. Sums in another order (blocks, vectors) have a smaller error than a plain loop's;
 * what is fused or folded rounds less often, except that a folded weight is rounded once more, which adds an error as
 * large as that of the weight's products: at most sqrt(2) in all. The rest is for luck, of which a quotient of two
 * random norms needs some. Five for Winograd is the product's promise (README), not derived.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "base/rng.h"
#include "level.h"
#include "plan/plan.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SIDE = 64, CALIBRATION = 8, IMAGES = 4, MAX_ROWS = 400 };
static const char *const quick[] = { "resnet18", "mobilenet_v2", "shufflenet_v2_x1_0", "efficientnet_b0" };

static fv_net *open_net(const fv_model *m)
{
    fv_net *net = NULL;
    fv_err err = { 0 };
    const fv_net_opts small = { .seed = 1, .size = m->size < SIDE ? m->size : SIDE }, own = { .seed = 1 };
    if (fv_net_open(&net, m->name, &small, NULL, NULL) == FV_OK) return net;
    if (fv_net_open(&net, m->name, &own, NULL, &err) != FV_OK) fail_msg("%s", err.msg); /* too many poolings */
    return net;
}

static fv_plan *plan_of(fv_net *net, fv_plan_request rq)
{
    fv_plan *p = NULL;
    fv_err err = { 0 };
    rq.h = rq.w = net->prep.h;
    rq.threads = fv_cores();
    if (fv_plan_make(&p, net, &rq, &err) != FV_OK) fail_msg("%s", err.msg);
    return p;
}

static int pixels_of(const fv_net *net)
{
    return net->prep.h * net->prep.h * 3;
}

/* Pixel i of a made-up picture: pictures of a stream differ, and are the same in float and double. */
static float pixel(fv_rng *r)
{
    return (float)fv_rng_normal(r);
}

/* Batch-norm statistics of a batch of pictures: a forward pass in training form whose momentum is 1. */
static void calibrate(fv_net *net)
{
    for (size_t i = 0; i < net->graph->nnode; i++)
        if (net->graph->node[i].op == FV_OP_BATCHNORM) net->graph->node[i].attr.bn.momentum = 1;
    fv_plan *p =
        plan_of(net, (fv_plan_request){ .batch = CALIBRATION, .train = true, .cpu = fv_cpu_features(test_level()) });
    fv_rng r = fv_rng_of(1, 0, 0, FV_RNG_TEST);
    float *x = fv_plan_input(p, NULL);
    for (int i = 0; i < CALIBRATION * pixels_of(net); i++) x[i] = pixel(&r);
    fv_plan_run(p, CALIBRATION);
    fv_plan_free(p);
}

/* The logits of IMAGES pictures by a plan of that kind, as doubles. */
static double *logits(fv_net *net, fv_plan_request rq)
{
    rq.batch = IMAGES;
    fv_plan *p = plan_of(net, rq);
    fv_rng r = fv_rng_of(2, 0, 0, FV_RNG_TEST);
    void *x = fv_plan_input(p, NULL);
    for (int i = 0; i < IMAGES * pixels_of(net); i++) {
        const float v = pixel(&r);
        if (rq.f64) ((double *)x)[i] = (double)v;
        else ((float *)x)[i] = v;
    }
    fv_plan_run(p, IMAGES);
    const void *y = fv_plan_output(p);
    const int n = IMAGES * net->classes;
    double *out = malloc((size_t)n * sizeof *out);
    for (int i = 0; i < n; i++) out[i] = rq.f64 ? ((const double *)y)[i] : (double)((const float *)y)[i];
    fv_plan_free(p);
    return out;
}

/* ||y - truth|| / ||truth|| */
static double distance(const double *y, const double *truth, int n)
{
    double off = 0, all = 0;
    for (int i = 0; i < n; i++) {
        off += (y[i] - truth[i]) * (y[i] - truth[i]);
        all += truth[i] * truth[i];
    }
    return sqrt(off / all);
}

static void test_logits_are_as_exact_as_those_of_plain_loops(void **state)
{
    const fv_model *m = *state;
    fv_net *net = open_net(m);
    calibrate(net);
    double *truth = logits(net, (fv_plan_request){ .f64 = true, .exact = true });
    double *loops = logits(net, (fv_plan_request){ .exact = true });
    const int n = IMAGES * net->classes;
    const double plain = distance(loops, truth, n);
    assert_true(plain > 0);
    for (int exact = 0; exact < 2; exact++) {
        const fv_env env = { .cpu = test_level(), .exact = exact };
        double *ours = logits(net, (fv_plan_request){ .cpu = fv_env_features(&env) });
        const double off = distance(ours, truth, n);
        print_message("%-20s %s %.2e, plain loops %.2e, ratio %.2f\n", m->name, exact ? "exact  " : "default", off,
                      plain, off / plain);
        if (!(off <= (exact ? 2 : 5) * plain))
            fail_msg("%s: %.3g from double precision, plain loops %.3g", m->name, off, plain);
        free(ours);
    }
    free(truth);
    free(loops);
    fv_net_free(net);
}

static bool wanted(const fv_model *m)
{
    bool yes = getenv("FOVEA_DEEP") != NULL;
    for (size_t i = 0; i < sizeof quick / sizeof *quick; i++) yes |= strcmp(quick[i], m->name) == 0;
    return yes;
}

int main(void)
{
    struct CMUnitTest tests[MAX_ROWS];
    int n = 0;
    for (int i = 0; fv_model_at(i) && n < MAX_ROWS; i++) {
        const fv_model *m = fv_model_at(i);
        if (wanted(m))
            tests[n++] =
                (struct CMUnitTest){ m->name, test_logits_are_as_exact_as_those_of_plain_loops, NULL, NULL, (void *)m };
    }
    return _cmocka_run_group_tests("accuracy", tests, (size_t)n, NULL, NULL);
}
