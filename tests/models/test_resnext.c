/* test_resnext.c -- the three forms of ResNeXt's figure 3 are one function: with the weights of form (c) in the places
 * that belong to them, forms (a) and (b) give the same values but for rounding.
 *
 * How far two of them may lie apart: a value is a polynomial of inputs and weights (ReLU moves no two numbers further
 * apart), each form's value of it is off by at most k u / (1 - k u) of the sum of its terms' magnitudes, where u is half
 * an eps and k the number of roundings on the longest way through the network; two forms by twice that. The sum of the
 * magnitudes is what form (c) gives where every weight and input is replaced by its magnitude.
 * SPDX-License-Identifier: Apache-2.0 */
#include "level.h"
#include "models/resnet.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SIDE = 14, CHANNELS = 256, PIXELS = SIDE * SIDE * CHANNELS, PATHS = 32, WIDTH = 4 };

/* What a norm adds to a convolution's roundings: its scale's square root, sum, quotient, the scaled weight, and the
 * shift's product, difference and sum; one more for the convolution's own last sum. */
enum { NORM = 8 };

/* A block of 256 input channels, C = 32: of the first stage, d = 4, and the first of the second, d = 8, with a stride. */
static const struct place {
    int planes, stride, roundings;
} places[] = {
    { 64, 1, (256 + NORM) + (36 + NORM) + (128 + NORM) },
    { 128, 2, (256 + NORM) + (72 + NORM) + (256 + NORM) },
};
enum { PLACES = sizeof places / sizeof *places };

/* A network of this one block. */
static fv_net *open_net(fv_resnet_form form, const struct place *p)
{
    const fv_resnet c = { .bottleneck = true, .paths = PATHS, .width = WIDTH, .form = form };
    fv_graph *g;
    fv_net *net;
    fv_err err = { 0 };
    if (fv_graph_new(&g, NULL, &err) != FV_OK) fail_msg("%s", err.msg);
    fv_val x = fv_input(g, "image", SIDE, SIDE, CHANNELS);
    x = fv_resnet_block(g, x, &c, p->planes, p->stride);
    fv_output(g, fv_linear(g, fv_global_avgpool(g, x), "fc", 5));
    if (fv_net_of_graph(&net, g, "block", NULL, 3, &(fv_env){ .cpu = test_level() }, &err) != FV_OK)
        fail_msg("%s", err.msg);
    return net;
}

static bool ends(const char *s, const char *tail)
{
    const size_t n = strlen(s), m = strlen(tail);
    return n >= m && strcmp(s + n - m, tail) == 0;
}

/* Values in [-1, 1) by a linear congruence. */
static float next(uint32_t *s)
{
    *s = *s * 1664525u + 1013904223u;
    return (float)(*s >> 8) / 8388608.0f - 1.0f;
}

/* A fresh network's norms do nothing: gives them something to do. */
static void stir_norms(fv_net *net)
{
    uint32_t s = 1;
    fv_key key;
    for (int t = 0; fv_net_key(net, t, &key); t++) {
        int64_t n = 0;
        float *w = fv_net_weights(net, key.name, &n);
        if (!w || key.rank != 1) continue;
        const bool positive = ends(key.name, ".weight") || ends(key.name, "running_var");
        for (int64_t i = 0; i < n; i++) w[i] = positive ? 1 + next(&s) / 4 : next(&s) / 10;
    }
}

/* The network whose values are the sums of magnitudes: a norm takes its mean away. */
static void take_magnitudes(fv_net *net)
{
    fv_key key;
    for (int t = 0; fv_net_key(net, t, &key); t++) {
        int64_t n = 0;
        float *w = fv_net_weights(net, key.name, &n);
        for (int64_t i = 0; w && i < n; i++) w[i] = ends(key.name, "running_mean") ? -fabsf(w[i]) : fabsf(w[i]);
    }
}

/* Path i has the rows [i d, (i + 1) d) of form (c)'s first two layers, and these columns of its third. */
static void copy_path(const char *layer, int d, int path, const float *from, float *to, int64_t n)
{
    if (strncmp(layer, "conv3.", 6) != 0) memcpy(to, from + path * n, (size_t)n * sizeof *to);
    else
        for (int64_t i = 0; i < n; i++) to[i] = from[i / d * d * PATHS + path * d + i % d];
}

static void copy_weights(fv_net *from, fv_net *to, const struct place *p)
{
    fv_key key;
    for (int t = 0; fv_net_key(to, t, &key); t++) {
        int64_t n = 0, all = 0;
        int path = 0, layer = 0;
        float *w = fv_net_weights(to, key.name, &n);
        if (!w) continue; /* num_batches_tracked */
        const bool one = sscanf(key.name, "paths.%d.%n", &path, &layer) == 1;
        const float *source = fv_net_weights(from, key.name + layer, &all);
        if (!source) fail_msg("form (c) has no %s", key.name + layer);
        assert_int_equal(all, one ? PATHS * n : n);
        if (one) copy_path(key.name + layer, p->planes / 64 * WIDTH, path, source, w, n);
        else memcpy(w, source, (size_t)n * sizeof *w);
    }
}

/* F(x), in front of the sum with the shortcut; the input is as behind a ReLU. */
static float *values_of(fv_net *net, size_t *count)
{
    const char *keep[] = { "bn3" };
    uint32_t s = 7;
    fv_plan *plan;
    fv_shape shape;
    fv_err err = { 0 };
    const fv_plan_opts o = { .batch = 1, .h = SIDE, .w = SIDE, .keep = keep, .nkeep = 1 };
    if (fv_plan_new(&plan, net, &o, &err) != FV_OK) fail_msg("%s", err.msg);
    float *x = malloc(PIXELS * sizeof *x), logits[5];
    for (int i = 0; i < PIXELS; i++) x[i] = fmaxf(next(&s), 0);
    fv_run(plan, 1, x, logits);
    const float *v = fv_plan_value(plan, keep[0], &shape);
    assert_non_null(v);
    *count = (size_t)shape.h * (size_t)shape.w * (size_t)shape.c;
    float *out = malloc(*count * sizeof *out);
    memcpy(out, v, *count * sizeof *out);
    free(x);
    fv_plan_free(plan);
    return out;
}

/* The largest distance of two forms' values, as a share of what it may be. */
static double distance(const float *a, const float *c, const float *magnitude, size_t n, int roundings)
{
    const double u = FLT_EPSILON / 2.0, bound = 2 * roundings * u / (1 - roundings * u);
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        const double off = fabs((double)a[i] - (double)c[i]) / (bound * (double)magnitude[i]);
        most = off > most || isnan(off) ? off : most;
    }
    return most;
}

static void exchange(fv_net *net, const char *one, const char *other)
{
    int64_t n = 0;
    float *x = fv_net_weights(net, one, &n), *y = fv_net_weights(net, other, &n);
    for (int64_t i = 0; i < n; i++) {
        const float t = x[i];
        x[i] = y[i];
        y[i] = t;
    }
}

static void compare_forms(const struct place *p)
{
    static const fv_resnet_form forms[] = { FV_FORM_A, FV_FORM_B };
    size_t n;
    fv_net *c = open_net(FV_FORM_C, p), *magnitudes = open_net(FV_FORM_C, p);
    stir_norms(c);
    copy_weights(c, magnitudes, p);
    take_magnitudes(magnitudes);
    float *want = values_of(c, &n), *sums = values_of(magnitudes, &n);
    for (int f = 0; f < 2; f++) {
        fv_net *net = open_net(forms[f], p);
        copy_weights(c, net, p);
        float *have = values_of(net, &n);
        const double off = distance(have, want, sums, n, p->roundings);
        if (!(off <= 1)) fail_msg("form %d, %d planes: %g times the bound", forms[f], p->planes, off);
        free(have);
        exchange(net, "paths.0.conv1.weight", "paths.1.conv1.weight"); /* a misplaced path has to be seen */
        have = values_of(net, &n);
        assert_true(distance(have, want, sums, n, p->roundings) > 1);
        free(have);
        fv_net_free(net);
    }
    free(want), free(sums);
    fv_net_free(c);
    fv_net_free(magnitudes);
}

static void test_forms_give_the_same_values(void **state)
{
    (void)state;
    for (int i = 0; i < PLACES; i++) compare_forms(&places[i]);
}

/* The paper, eq. (4): C (256 d + 3 3 d d + d 256) with C = 32 and d = 4. */
static void test_forms_have_as_many_weights(void **state)
{
    (void)state;
    for (int form = FV_FORM_C; form <= FV_FORM_B; form++) {
        fv_net *net = open_net(form, &places[0]);
        fv_key key;
        int64_t sum = 0;
        for (int t = 0; fv_net_key(net, t, &key); t++) {
            int64_t n = 0;
            if (key.rank != 4) continue;
            fv_net_weights(net, key.name, &n);
            sum += n;
        }
        assert_int_equal(sum, 70144);
        fv_net_free(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_give_the_same_values),
        cmocka_unit_test(test_forms_have_as_many_weights),
    };
    return cmocka_run_group_tests_name("resnext", tests, NULL, NULL);
}
