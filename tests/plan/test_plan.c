/* test_plan.c -- plans: rewrites keep the meaning, memory is never shared by two live values, bits do not depend on
 * batch or threads, a run allocates nothing, and every allocation may fail.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/cpu.h"
#include "base/rng.h"
#include "heap.h"
#include "level.h"
#include "plan/parts.h"
#include <float.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SIZE = 10, CLASSES = 5, BATCH = 16 };

/* A small network with everything that the rewrites look for: folded norms, a projection, a residual, a dropout. */
static fv_graph *small_graph(const fv_env *env)
{
    fv_graph *g = NULL;
    if (fv_graph_new(&g, env, NULL) != FV_OK) return NULL;
    fv_val x = fv_input(g, "image", SIZE, SIZE, 3);
    x = fv_relu(
        g, fv_batchnorm(g, fv_conv2d(g, x, "conv1", (fv_conv){ .out = 8, .k = 3, .pad = 1 }), "bn1", (fv_bn){ 0 }));
    fv_val y = fv_relu(
        g, fv_batchnorm(g, fv_conv2d(g, x, "conv2", (fv_conv){ .out = 8, .k = 3, .pad = 1 }), "bn2", (fv_bn){ 0 }));
    y = fv_batchnorm(g, fv_conv2d(g, y, "conv3", (fv_conv){ .out = 8, .k = 3, .pad = 1, .bias = true }), "bn3",
                     (fv_bn){ 0 });
    x = fv_relu(g, fv_add(g, y, x));
    y = fv_batchnorm(g, fv_conv2d(g, x, "conv4", (fv_conv){ .out = 12, .k = 3, .pad = 1, .stride = 2 }), "bn4",
                     (fv_bn){ 0 });
    fv_val skip =
        fv_batchnorm(g, fv_conv2d(g, x, "skip", (fv_conv){ .out = 12, .k = 1, .stride = 2 }), "bn5", (fv_bn){ 0 });
    x = fv_activate(g, fv_add(g, y, skip), FV_ACT_SILU);
    fv_output(g, fv_linear(g, fv_dropout(g, fv_global_avgpool(g, x), 0.5f), "fc", CLASSES));
    return g;
}

static fv_net *small_net(const fv_env *env, fv_err *err)
{
    fv_graph *g = small_graph(env);
    fv_net *net = NULL;
    if (!g ||
        fv_net_of_graph(&net, g, "small", &(fv_prep){ .h = SIZE, .w = SIZE, .channels = 3 }, 7, env, err) != FV_OK)
        return NULL;
    fv_rng r = fv_rng_of(3, 0, 0, FV_RNG_TEST); /* norms that do something */
    for (size_t i = 0; i < net->graph->nparam; i++) {
        const fv_param *p = &net->graph->param[i];
        for (size_t k = 0; p->kind >= FV_PARAM_SCALE && k < p->floats; k++)
            net->weights[p->at + k] = 0.5f + (float)fv_rng_unit(&r);
    }
    return net;
}

static fv_plan_request infer(int batch, int threads)
{
    return (fv_plan_request){
        .batch = batch, .h = SIZE, .w = SIZE, .threads = threads, .cpu = fv_cpu_features(test_level())
    };
}

static fv_plan *plan_of(fv_net *net, const fv_plan_request *rq)
{
    fv_err err = { 0 };
    fv_plan *p = NULL;
    if (fv_plan_make(&p, net, rq, &err) != FV_OK) fail_msg("%s", err.msg);
    return p;
}

static void fill(float *x, int n)
{
    fv_rng r = fv_rng_of(5, 0, 0, FV_RNG_TEST);
    for (int i = 0; i < n * SIZE * SIZE * 3; i++) x[i] = (float)fv_rng_normal(&r);
}

/* Both are f32 forms of one function of depth 6 with sums of at most 109 terms: each layer's result differs by at most
 * 2 * 109 eps of its magnitude; magnitudes here stay below 64. */
static void test_rewrites_keep_the_meaning(void **state)
{
    (void)state;
    fv_net *net = small_net(&(fv_env){ .cpu = test_level() }, NULL);
    fv_plan_request rq = infer(4, 1);
    fv_plan *fused = plan_of(net, &rq);
    rq.exact = true;
    fv_plan *exact = plan_of(net, &rq);
    rq.f64 = true;
    fv_plan *f64 = plan_of(net, &rq);
    float x[4 * SIZE * SIZE * 3], a[4 * CLASSES], b[4 * CLASSES];
    fill(x, 4);
    fv_run(fused, 4, x, a);
    fv_run(exact, 4, x, b);
    double *in = fv_plan_input(f64, "image");
    for (int i = 0; i < 4 * SIZE * SIZE * 3; i++) in[i] = (double)x[i];
    fv_plan_run(f64, 4);
    const double *want = fv_plan_output(f64), bound = 6 * 2 * 109 * (double)FLT_EPSILON * 64;
    for (int i = 0; i < 4 * CLASSES; i++) {
        assert_true(fabs((double)a[i] - want[i]) < bound);
        assert_true(fabs((double)b[i] - want[i]) < bound);
    }
    assert_true(fused->nstep + 10 < exact->nstep);
    fv_plan_free(fused), fv_plan_free(exact), fv_plan_free(f64), fv_net_free(net);
}

static void test_bits_do_not_depend_on_batch_or_threads(void **state)
{
    (void)state;
    fv_net *net = small_net(&(fv_env){ .cpu = test_level() }, NULL);
    float *x = malloc(sizeof(float) * BATCH * SIZE * SIZE * 3), all[BATCH * CLASSES], one[CLASSES], three[3 * CLASSES];
    fill(x, BATCH);
    const fv_plan_request r16 = infer(BATCH, 3), r1 = infer(1, 1), r3 = infer(3, 2);
    fv_plan *p16 = plan_of(net, &r16), *p1 = plan_of(net, &r1), *p3 = plan_of(net, &r3);
    fv_run(p16, BATCH, x, all);
    fv_run(p3, 3, x + 4 * SIZE * SIZE * 3, three);
    assert_memory_equal(three, all + 4 * CLASSES, sizeof three);
    for (int i = 0; i < BATCH; i++) {
        fv_run(p1, 1, x + i * SIZE * SIZE * 3, one);
        assert_memory_equal(one, all + i * CLASSES, sizeof one);
        fv_run(p16, 1, x + i * SIZE * SIZE * 3, one); /* a partly filled batch */
        assert_memory_equal(one, all + i * CLASSES, sizeof one);
    }
    fv_plan_free(p16), fv_plan_free(p1), fv_plan_free(p3), fv_net_free(net), free(x);
}

/* Gradients of the mean loss by the fast rows with fused epilogues, against the references in double, node by node.
 * Longest sum: 16 images of 100 pixels, so 1600 eps at worst per layer, over 12 layers forward and back. */
static void test_fast_gradients_are_those_of_the_reference(void **state)
{
    (void)state;
    fv_net *net = small_net(&(fv_env){ .cpu = test_level() }, NULL);
    fv_plan_request rq = infer(BATCH, 2);
    rq.train = rq.backward = rq.loss = true;
    fv_plan *fast = plan_of(net, &rq);
    rq.f64 = rq.exact = true;
    fv_plan *want = plan_of(net, &rq);
    float *x = fv_plan_input(fast, "image"), *t = fv_plan_input(fast, "target"), *dy = fv_plan_doutput(fast);
    double *x64 = fv_plan_input(want, "image"), *t64 = fv_plan_input(want, "target"), *dy64 = fv_plan_doutput(want);
    fill(x, BATCH);
    for (int i = 0; i < BATCH * SIZE * SIZE * 3; i++) x64[i] = (double)x[i];
    for (int i = 0; i < BATCH * CLASSES; i++) t64[i] = t[i] = i % CLASSES == i / CLASSES % CLASSES;
    for (int i = 0; i < BATCH; i++) dy64[i] = dy[i] = 1.0f / BATCH;
    fv_plan_run(fast, BATCH);
    fv_plan_run(want, BATCH);
    int compared = 0;
    for (size_t i = 0; i < net->graph->nparam; i++) {
        const float *a = fv_plan_dparam(fast, (int)i);
        const double *b = fv_plan_dparam(want, (int)i);
        double off = 0, norm = 0;
        assert_true((a == NULL) == (b == NULL));
        for (size_t k = 0; a && k < net->graph->param[i].floats; k++) {
            off += ((double)a[k] - b[k]) * ((double)a[k] - b[k]);
            norm += b[k] * b[k];
        }
        /* a bias before a norm has no gradient but rounding */
        if (a && norm > 1e-20) assert_true(sqrt(off / norm) < 12 * 1600 * (double)FLT_EPSILON), compared++;
    }
    assert_true(compared >= 17);
    fv_plan_free(fast), fv_plan_free(want), fv_net_free(net);
}

static double train_steps(fv_net *net, int threads, int steps)
{
    fv_plan *p = NULL;
    assert_int_equal(
        fv_plan_new(&p, net, &(fv_plan_opts){ .mode = FV_TRAIN, .batch = BATCH, .threads = threads }, NULL), FV_OK);
    float x[BATCH * SIZE * SIZE * 3];
    int label[BATCH];
    double loss = 0;
    fill(x, BATCH);
    for (int i = 0; i < BATCH; i++) label[i] = i % CLASSES;
    fv_update u = { .images = x, .labels = label, .lr = 0.05, .momentum = 0.9 };
    for (int s = 0; s < steps; s++) {
        u.n = s == 2 ? BATCH - 3 : BATCH;
        u.step = (uint64_t)s;
        loss = fv_run_train(p, &u);
    }
    fv_plan_free(p);
    return loss;
}

static void test_training_bits_do_not_depend_on_threads(void **state)
{
    (void)state;
    fv_net *a = small_net(&(fv_env){ .cpu = test_level() }, NULL),
           *b = small_net(&(fv_env){ .cpu = test_level() }, NULL);
    assert_true(train_steps(a, 1, 5) == train_steps(b, 3, 5));
    assert_memory_equal(a->weights, b->weights, a->graph->floats * sizeof(float));
    fv_net_free(a), fv_net_free(b);
}

static void test_training_lowers_the_loss(void **state)
{
    (void)state;
    fv_net *net = small_net(&(fv_env){ .cpu = test_level() }, NULL);
    const double first = train_steps(net, 2, 1), last = train_steps(net, 2, 60);
    assert_true(isfinite(last) && last < first / 2);
    fv_net_free(net);
}

/* Two operands of the block that live in one step must not overlap, unless one took the other's place there. */
static void check_memory(const fv_plan *p)
{
    for (size_t i = 1; i < p->noperand; i++)
        for (size_t k = i + 1; k < p->noperand; k++) {
            const operand *a = &p->operand[i], *b = &p->operand[k];
            const bool block = a->kind == OPERAND_BLOCK && b->kind == OPERAND_BLOCK && a->last >= 0 && b->last >= 0 &&
                               a->lane == b->lane;
            const bool alive = a->first <= b->last && b->first <= a->last;
            const bool apart = a->at + a->bytes <= b->at || b->at + b->bytes <= a->at;
            const bool handed = a->at == b->at && a->bytes == b->bytes && (a->last == b->first || b->last == a->first);
            if (block && alive && !apart) assert_true(handed);
        }
}

static void test_live_operands_never_overlap(void **state)
{
    (void)state;
    fv_net *net = small_net(&(fv_env){ .cpu = test_level() }, NULL);
    fv_plan_request rq = infer(4, 1);
    fv_plan *p = plan_of(net, &rq);
    size_t sum = 0;
    check_memory(p);
    for (size_t i = 1; i < p->noperand; i++) sum += p->operand[i].kind == OPERAND_BLOCK ? p->operand[i].bytes : 0;
    assert_true(p->block_bytes < sum);
    fv_plan_free(p);
    rq.train = rq.backward = rq.update = rq.loss = rq.input_grad = true;
    rq.clip = 1;
    p = plan_of(net, &rq);
    check_memory(p);
    fv_plan_free(p), fv_net_free(net);
}

static void test_a_run_allocates_nothing(void **state)
{
    (void)state;
    test_heap h;
    const fv_env env = { .heap = test_heap_init(&h, INT_MAX), .cpu = test_level() };
    fv_net *net = small_net(&env, NULL);
    fv_plan *p = NULL;
    assert_int_equal(fv_plan_new(&p, net, &(fv_plan_opts){ .mode = FV_TRAIN, .batch = 2, .threads = 2 }, NULL), FV_OK);
    float x[2 * SIZE * SIZE * 3];
    fill(x, 2);
    const int before = h.calls;
    fv_run_train(p, &(fv_update){ .n = 2, .images = x, .labels = (int[]){ 0, 1 }, .lr = 0.1 });
    assert_int_equal(h.calls, before);
    fv_plan_free(p), fv_net_free(net);
    assert_int_equal(h.live, 0);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    for (int n = 0;; n++) {
        test_heap h;
        const fv_env env = { .heap = test_heap_init(&h, n), .cpu = test_level() };
        fv_err err = { 0 };
        fv_net *net = small_net(&env, &err);
        fv_plan *p = NULL;
        fv_status s = net ? fv_plan_new(&p, net, &(fv_plan_opts){ .mode = FV_TRAIN, .threads = 2 }, &err) : FV_NOMEM;
        if (s != FV_OK) assert_null(p);
        fv_plan_free(p), fv_net_free(net);
        assert_int_equal(h.live, 0);
        if (s == FV_OK) {
            assert_true(n > 20);
            return;
        }
        assert_int_equal(s, FV_NOMEM);
    }
}

static void test_another_input_size_fits_a_convolutional_net(void **state)
{
    (void)state;
    fv_net *net = small_net(&(fv_env){ .cpu = test_level() }, NULL);
    fv_plan *p = NULL;
    fv_err err = { 0 };
    assert_int_equal(fv_plan_new(&p, net, &(fv_plan_opts){ .h = 23, .w = 17 }, &err), FV_OK);
    float *x = calloc(23 * 17 * 3, sizeof *x), y[CLASSES];
    fv_run(p, 1, x, y);
    for (int i = 0; i < CLASSES; i++) assert_true(isfinite(y[i]));
    fv_plan_free(p), fv_net_free(net), free(x);
}

static void test_a_size_that_does_not_fit_is_told(void **state)
{
    (void)state;
    fv_graph *g = NULL;
    fv_net *net = NULL;
    fv_plan *p = NULL;
    fv_err err = { 0 };
    assert_int_equal(fv_graph_new(&g, NULL, NULL), FV_OK);
    fv_output(g, fv_linear(g, fv_input(g, "image", 4, 4, 3), "fc", 2));
    assert_int_equal(fv_net_of_graph(&net, g, "flat", &(fv_prep){ .h = 4, .w = 4 }, 0, NULL, NULL), FV_OK);
    assert_int_equal(fv_plan_new(&p, net, &(fv_plan_opts){ .h = 5, .w = 4 }, &err), FV_SHAPE);
    assert_non_null(strstr(err.msg, "fc does not fit an input of 5 x 4 pixels"));
    fv_net_free(net);
}

/* Kept values are those of the plan that fuses nothing, up to rounding (the bound of the test of rewrites); what is
 * not kept is not to be had, and an unknown name is told. */
static void test_values_are_kept_by_name(void **state)
{
    (void)state;
    static const char *const keep[] = { "bn1", "conv4", "skip" };
    fv_net *net = small_net(&(fv_env){ .cpu = test_level() }, NULL);
    fv_plan_request rq = infer(2, 1);
    rq.keep = keep, rq.nkeep = 3;
    fv_plan *fused = plan_of(net, &rq);
    rq.exact = true;
    fv_plan *exact = plan_of(net, &rq);
    fill(fv_plan_input(fused, NULL), 2);
    fill(fv_plan_input(exact, NULL), 2);
    fv_plan_run(fused, 2);
    fv_plan_run(exact, 2);
    for (int k = 0; k < 3; k++) {
        fv_shape a = { 0 }, b = { 0 };
        const float *x = fv_plan_value(fused, keep[k], &a), *y = fv_plan_value(exact, keep[k], &b);
        assert_non_null(x);
        assert_memory_equal(&a, &b, sizeof a);
        for (int i = 0; i < 2 * a.h * a.w * a.c; i++)
            assert_true(fabsf(x[i] - y[i]) <= 4 * 6 * 2 * 109 * FLT_EPSILON * 64);
    }
    assert_null(fv_plan_value(fused, "conv1", NULL));
    assert_null(fv_plan_gradient(fused, "bn1", NULL));
    fv_plan_free(fused);
    fv_plan_free(exact);
    fv_err err = { 0 };
    fv_plan *none = NULL;
    const fv_plan_opts o = { .keep = (const char *const[]){ "bm1" }, .nkeep = 1 };
    assert_int_equal(fv_plan_new(&none, net, &o, &err), FV_ARG);
    assert_non_null(strstr(err.msg, "'bm1'"));
    assert_null(none);
    fv_net_free(net);
}

/* d/dt of a logit along a kept value's gradient, by central differences of the head that follows it: here the value is
 * the input of the last layer but the pooling, so the gradient is the weight over the number of pixels, exactly. */
static void test_gradients_of_kept_values(void **state)
{
    (void)state;
    static const char *const keep[] = { "last" };
    const fv_env env = { .cpu = test_level() };
    fv_err err = { 0 };
    fv_graph *g = NULL;
    fv_net *net = NULL;
    fv_plan *p = NULL;
    assert_int_equal(fv_graph_new(&g, &env, &err), FV_OK);
    fv_val x = fv_conv2d(g, fv_input(g, "image", SIZE, SIZE, 3), "conv", (fv_conv){ .out = 8, .k = 3, .pad = 1 });
    x = fv_relu(g, fv_batchnorm(g, x, "bn", (fv_bn){ 0 }));
    fv_name(g, x, "last");
    fv_output(g, fv_linear(g, fv_global_avgpool(g, x), "fc", CLASSES));
    assert_int_equal(fv_net_of_graph(&net, g, "head", &(fv_prep){ .h = SIZE, .w = SIZE, .channels = 3 }, 7, &env, &err),
                     FV_OK);
    const fv_plan_opts o = { .batch = 2, .threads = 2, .keep = keep, .nkeep = 1, .gradients = true };
    assert_int_equal(fv_plan_new(&p, net, &o, &err), FV_OK);
    float images[2 * SIZE * SIZE * 3], dlogits[2 * CLASSES] = { 0 };
    fill(images, 2);
    dlogits[1] = 1, dlogits[CLASSES + 3] = 2;
    fv_run_backward(p, 2, images, dlogits);
    fv_shape s = { 0 };
    const float *d = fv_plan_gradient(p, "last", &s), *w = fv_net_weights(net, "fc.weight", NULL);
    assert_non_null(d);
    assert_int_equal(s.c, 8);
    for (int i = 0; i < SIZE * SIZE * 8; i++) {
        const float first = w[8 + i % 8] / (SIZE * SIZE), second = 2 * w[3 * 8 + i % 8] / (SIZE * SIZE);
        assert_true(fabsf(d[i] - first) <= 4 * FLT_EPSILON * fabsf(first));
        assert_true(fabsf(d[SIZE * SIZE * 8 + i] - second) <= 4 * FLT_EPSILON * fabsf(second));
    }
    fv_plan_free(p);
    fv_net_free(net);
}

/* The table of steps covers the plan, names its kernels, and its times add up to no more than the run's. */
static void test_steps_are_explained(void **state)
{
    (void)state;
    fv_net *net = small_net(&(fv_env){ .cpu = test_level() }, NULL);
    fv_plan_request rq = infer(1, 1);
    fv_plan *p = plan_of(net, &rq);
    fv_plan_info info;
    fv_plan_describe(p, &info);
    int64_t macs = 0;
    fv_step_info s;
    for (int i = 0; i < info.steps; i++) {
        assert_true(fv_plan_step_at(p, i, &s));
        assert_true(s.slot && s.kernel && s.reason);
        assert_true(s.products <= s.macs && (s.products > 0) == (s.macs > 0));
        assert_true(s.bytes > s.weight_bytes && s.weight_bytes >= 0 && !s.by_image);
        macs += s.macs;
    }
    assert_false(fv_plan_step_at(p, info.steps, &s));
    assert_int_equal(macs, info.macs);
    assert_int_equal(info.total_bytes,
                     info.activation_bytes + info.packed_bytes + info.weight_bytes + info.other_bytes);
    double *seconds = calloc((size_t)info.steps + FV_OVERHEADS, sizeof *seconds), sum = 0;
    float *image = calloc(SIZE * SIZE * 3, sizeof *image), logits[CLASSES];
    fv_plan_profile(p, seconds);
    const double start = fv_clock();
    fv_run(p, 1, image, logits);
    const double whole = fv_clock() - start;
    fv_plan_profile(p, NULL);
    for (int i = 0; i < info.steps; i++) sum += seconds[i];
    assert_true(sum > 0 && seconds[info.steps + FV_COPYING_OUT] > 0);
    for (int i = 0; i < FV_OVERHEADS; i++) sum += seconds[info.steps + i];
    assert_true(sum <= whole);
    free(image);
    free(seconds);
    fv_plan_free(p);
    fv_net_free(net);
}

/* A gate of few weights on a large map: to take the whole batch for them would send all maps through memory. */
static void test_a_gate_does_not_change_the_order(void **state)
{
    (void)state;
    const fv_env env = { .cpu = test_level() };
    fv_graph *g = NULL;
    fv_net *net = NULL;
    assert_int_equal(fv_graph_new(&g, &env, NULL), FV_OK);
    fv_val x =
        fv_relu(g, fv_conv2d(g, fv_input(g, "image", 32, 32, 3), "conv", (fv_conv){ .out = 64, .k = 3, .pad = 1 }));
    fv_val s = fv_relu(g, fv_conv2d(g, fv_global_avgpool(g, x), "fc1", (fv_conv){ .out = 16, .k = 1 }));
    s = fv_activate(g, fv_conv2d(g, s, "fc2", (fv_conv){ .out = 64, .k = 1 }), FV_ACT_SIGMOID);
    x = fv_conv2d(g, fv_mul(g, x, s), "project", (fv_conv){ .out = 24, .k = 1 });
    fv_output(g, fv_linear(g, fv_global_avgpool(g, x), "fc", CLASSES));
    const fv_prep prep = { .h = 32, .w = 32, .channels = 3 };
    assert_int_equal(fv_net_of_graph(&net, g, "gated", &prep, 7, &env, NULL), FV_OK);
    fv_plan_request rq = infer(BATCH, 1);
    rq.h = rq.w = 32;
    fv_plan *p = plan_of(net, &rq);
    fv_plan_info info;
    fv_plan_describe(p, &info);
    fv_step_info step;
    for (int i = 0; i < info.steps - 2; i++) { /* all but the average and the classifier */
        assert_true(fv_plan_step_at(p, i, &step));
        assert_true(step.by_image);
    }
    fv_plan_free(p);
    fv_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_kept_by_name),
        cmocka_unit_test(test_gradients_of_kept_values),
        cmocka_unit_test(test_steps_are_explained),
        cmocka_unit_test(test_a_gate_does_not_change_the_order),
        cmocka_unit_test(test_rewrites_keep_the_meaning),
        cmocka_unit_test(test_bits_do_not_depend_on_batch_or_threads),
        cmocka_unit_test(test_fast_gradients_are_those_of_the_reference),
        cmocka_unit_test(test_training_bits_do_not_depend_on_threads),
        cmocka_unit_test(test_training_lowers_the_loss),
        cmocka_unit_test(test_live_operands_never_overlap),
        cmocka_unit_test(test_a_run_allocates_nothing),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_another_input_size_fits_a_convolutional_net),
        cmocka_unit_test(test_a_size_that_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
