/* test_update.c -- training step by step through fovea.h alone: what each field of fv_update and each training option of
 * a plan does, what is refused, and that saved weights and momenta go on bit for bit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "level.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define STEP(i) (&(fv_update[]){ usual(i) }[0])

enum { SIDE = 6, CLASSES = 4, BATCH = 8, PIXELS = SIDE * SIDE * 3, CHAIN = 24, BLOCKS = 6 };

static fv_graph *new_graph(fv_val *image)
{
    const fv_env env = { .cpu = test_level() };
    fv_graph *g = NULL;
    assert_int_equal(fv_graph_new(&g, &env, NULL), FV_OK);
    *image = fv_input(g, "image", SIDE, SIDE, 3);
    return g;
}

static fv_net *net_of(fv_graph *g)
{
    const fv_env env = { .cpu = test_level() };
    const fv_prep prep = { .h = SIDE, .w = SIDE, .channels = 3 };
    fv_net *net = NULL;
    assert_int_equal(fv_net_of_graph(&net, g, "own", &prep, 11, &env, NULL), FV_OK);
    return net;
}

static fv_net *new_net(void)
{
    fv_val x;
    fv_graph *g = new_graph(&x);
    x = fv_conv2d(g, x, "conv", (fv_conv){ .out = 8, .k = 3, .pad = 1 });
    x = fv_drop_path(g, fv_relu(g, fv_batchnorm(g, x, "bn", (fv_bn){ 0 })), 0.2f);
    fv_output(g, fv_linear(g, fv_dropout(g, fv_global_avgpool(g, x), 0.3f), "fc", CLASSES));
    return net_of(g);
}

static fv_plan *new_plan(fv_net *net, fv_plan_opts o)
{
    fv_plan *p = NULL;
    fv_err err = { 0 };
    o.mode = FV_TRAIN;
    o.batch = BATCH;
    o.threads = o.threads ? o.threads : 1;
    if (fv_plan_new(&p, net, &o, &err) != FV_OK) fail_msg("%s", err.msg);
    return p;
}

typedef struct problem {
    float x[BATCH * PIXELS], soft[BATCH * CLASSES];
    int label[BATCH];
} problem;

static const problem *made(void)
{
    static problem p;
    uint32_t s = 1;
    for (int i = 0; i < BATCH * PIXELS; i++) {
        s = s * 1664525u + 1013904223u;
        p.x[i] = (float)(s >> 8) / 8388608.0f - 1.0f;
    }
    for (int i = 0; i < BATCH; i++) {
        p.label[i] = i % CLASSES;
        for (int c = 0; c < CLASSES; c++) p.soft[i * CLASSES + c] = c == p.label[i];
    }
    return &p;
}

static fv_update usual(uint64_t step)
{
    return (fv_update){ .n = BATCH,
                        .images = made()->x,
                        .labels = made()->label,
                        .lr = 0.1,
                        .momentum = 0.9,
                        .nesterov = true,
                        .seed = 5,
                        .step = step };
}

static void same_weights(fv_net *a, fv_net *b)
{
    fv_key key;
    for (int i = 0; fv_net_key(a, i, &key); i++) {
        int64_t n = 0, m = 0;
        const float *x = fv_net_weights(a, key.name, &n), *y = fv_net_weights(b, key.name, &m);
        if (n != m || (x && memcmp(x, y, (size_t)n * sizeof *x) != 0)) fail_msg("%s differs", key.name);
    }
}

static void test_labels_are_targets_of_one(void **state)
{
    (void)state;
    fv_net *a = new_net(), *b = new_net();
    fv_plan *p = new_plan(a, (fv_plan_opts){ .smoothing = 0.1 }), *q = new_plan(b, (fv_plan_opts){ .smoothing = 0.1 });
    for (uint64_t step = 0; step < 3; step++) {
        fv_update u = usual(step), v = usual(step);
        v.labels = NULL;
        v.targets = made()->soft;
        u.n = v.n = step == 1 ? 3 : BATCH;
        assert_true(fv_run_train(p, &u) == fv_run_train(q, &v));
    }
    same_weights(a, b);
    fv_plan_free(p), fv_plan_free(q), fv_net_free(a), fv_net_free(b);
}

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    fv_net *a = new_net(), *b = new_net();
    fv_plan *p = new_plan(a, (fv_plan_opts){ .clip = 0.5 }),
            *q = new_plan(b, (fv_plan_opts){ .clip = 0.5, .threads = 3 });
    for (uint64_t step = 0; step < 4; step++) assert_true(fv_run_train(p, STEP(step)) == fv_run_train(q, STEP(step)));
    same_weights(a, b);
    fv_plan_free(p), fv_plan_free(q), fv_net_free(a), fv_net_free(b);
}

/* Residual blocks with squeeze and excitation: values of all kinds that are made again. */
static fv_net *new_blocks(void)
{
    fv_val x;
    fv_graph *g = new_graph(&x);
    x = fv_relu(g,
                fv_batchnorm(g, fv_conv2d(g, x, "stem", (fv_conv){ .out = 32, .k = 3, .pad = 1 }), "bn", (fv_bn){ 0 }));
    for (int i = 0; i < BLOCKS; i++) {
        fv_scope(g, "block%d", i);
        fv_val y = fv_batchnorm(g, fv_conv2d(g, x, "conv1", (fv_conv){ .out = 48, .k = 1 }), "bn1", (fv_bn){ 0 });
        y = fv_activate(g, y, i % 2 ? FV_ACT_SILU : FV_ACT_RELU6);
        const fv_val gate = fv_conv2d(g, fv_global_avgpool(g, y), "fc", (fv_conv){ .out = 48, .k = 1 });
        y = fv_conv2d(g, fv_mul(g, y, fv_activate(g, gate, FV_ACT_SIGMOID)), "conv2", (fv_conv){ .out = 32, .k = 1 });
        x = fv_relu(g, fv_add(g, fv_batchnorm(g, y, "bn2", (fv_bn){ 0 }), x));
        fv_scope(g, NULL);
    }
    fv_output(g, fv_linear(g, fv_global_avgpool(g, x), "fc", CLASSES));
    return net_of(g);
}

/* Nothing ends its blocks: no residual sums, no bottlenecks. */
static fv_net *new_chain(void)
{
    fv_val x;
    fv_graph *g = new_graph(&x);
    for (int i = 0; i < CHAIN; i++) {
        fv_scope(g, "layer%d", i);
        x = fv_batchnorm(g, fv_conv2d(g, x, "conv", (fv_conv){ .out = 64, .k = 1 }), "bn", (fv_bn){ 0 });
        x = fv_relu(g, x);
        fv_scope(g, NULL);
    }
    fv_output(g, fv_linear(g, fv_global_avgpool(g, x), "fc", CLASSES));
    return net_of(g);
}

/* Trains both ways; returns the share of the activations' memory that checkpointing takes. */
static double checkpointing_share(fv_net *a, fv_net *b)
{
    fv_plan *p = new_plan(a, (fv_plan_opts){ 0 }), *q = new_plan(b, (fv_plan_opts){ .grad_checkpointing = true });
    fv_plan_info all, less;
    fv_plan_describe(p, &all), fv_plan_describe(q, &less);
    for (uint64_t step = 0; step < 4; step++) assert_true(fv_run_train(p, STEP(step)) == fv_run_train(q, STEP(step)));
    same_weights(a, b);
    fv_plan_free(p), fv_plan_free(q), fv_net_free(a), fv_net_free(b);
    return (double)less.activation_bytes / (double)all.activation_bytes;
}

/* Kept otherwise, for each pixel of a block: sums of 48 and 32 channels and the block's value of 32. With checkpoints: the
 * blocks' values, and of one block sums, what is made of them, and gradients. */
static void test_checkpointing_takes_less_memory_and_changes_no_bit(void **state)
{
    (void)state;
    const double share = checkpointing_share(new_blocks(), new_blocks());
    print_message("%d blocks: %.2f of the activations' memory\n", BLOCKS, share);
    assert_true(share < (BLOCKS * 32 + 3 * (48 + 32)) / (BLOCKS * (32.0 + 48 + 32)));
}

/* Kept otherwise: the sums of all CHAIN convolutions. With checkpoints: every third layer's value, and in the backward pass
 * the sums and values of three layers at most. */
static void test_checkpointing_cuts_a_chain_into_blocks(void **state)
{
    (void)state;
    const double share = checkpointing_share(new_chain(), new_chain());
    print_message("%d layers: %.2f of the activations' memory\n", CHAIN, share);
    assert_true(share < (CHAIN / 3.0 + 3 + 3 + 1) / CHAIN);
}

/* Losses come back per image, before the update; their mean is the answer. */
static void test_losses_and_logits_come_back(void **state)
{
    (void)state;
    fv_net *net = new_net();
    fv_plan *p = new_plan(net, (fv_plan_opts){ 0 });
    float losses[BATCH], logits[BATCH * CLASSES];
    fv_update u = usual(0);
    u.losses = losses;
    u.logits = logits;
    const double loss = fv_run_train(p, &u);
    double sum = 0;
    for (int i = 0; i < BATCH; i++) {
        double z = 0;
        for (int c = 0; c < CLASSES; c++) z += exp((double)logits[i * CLASSES + c]);
        const double want = log(z) - (double)logits[i * CLASSES + u.labels[i]];
        /* Sums of CLASSES terms and a logarithm of at most log CLASSES + 2 max |logit| < 16 in float. */
        assert_true(fabs(want - (double)losses[i]) < (CLASSES + 2) * 16 * (double)FLT_EPSILON);
        sum += (double)losses[i];
    }
    assert_true(loss == sum / BATCH);
    fv_plan_free(p), fv_net_free(net);
}

/* The same of binary cross-entropy: pictures of which a class has 0.7 and the next one 0.3, then 0.9 and 0.1. A loss is a
 * mean of CLASSES terms, each made of logits below 8 by a handful of roundings. */
static void test_binary_losses_are_means_over_classes(void **state)
{
    (void)state;
    const double thresholds[] = { 0, 0.2 }, smoothing = 0.1;
    for (int k = 0; k < 2; k++) {
        fv_net *net = new_net();
        fv_plan *p = new_plan(
            net, (fv_plan_opts){ .loss = FV_LOSS_BCE, .smoothing = smoothing, .bce_target_thresh = thresholds[k] });
        float losses[BATCH], logits[BATCH * CLASSES], mixed[BATCH * CLASSES] = { 0 };
        fv_update u = usual(0);
        u.losses = losses, u.logits = logits, u.labels = NULL, u.targets = mixed;
        for (int i = 0; i < BATCH; i++) {
            mixed[i * CLASSES + i % CLASSES] = i % 2 ? 0.9f : 0.7f;
            mixed[i * CLASSES + (i + 1) % CLASSES] = i % 2 ? 0.1f : 0.3f;
        }
        fv_run_train(p, &u);
        for (int i = 0; i < BATCH; i++) {
            double want = 0;
            for (int c = 0; c < CLASSES; c++) {
                const double z = (double)logits[i * CLASSES + c], given = (double)mixed[i * CLASSES + c];
                const double t = (1 - smoothing) * (k ? given > 0.2 : given) + smoothing / CLASSES;
                want -= (t * log(1 / (1 + exp(-z))) + (1 - t) * log(1 / (1 + exp(z)))) / CLASSES;
            }
            if (!(fabs(want - (double)losses[i]) < 8 * 8 * (double)FLT_EPSILON))
                fail_msg("image %d: %g, not %g", i, (double)losses[i], want);
        }
        fv_plan_free(p), fv_net_free(net);
    }
}

static void test_binary_loss_learns_the_same_on_any_threads(void **state)
{
    (void)state;
    fv_net *a = new_net(), *b = new_net();
    fv_plan *p = new_plan(a, (fv_plan_opts){ .loss = FV_LOSS_BCE }),
            *q = new_plan(b, (fv_plan_opts){ .loss = FV_LOSS_BCE, .threads = 3 });
    double first = 0, last = 0;
    for (uint64_t step = 0; step < 40; step++) {
        last = fv_run_train(p, STEP(step));
        if (step == 0) first = last;
        assert_true(last == fv_run_train(q, STEP(step)));
    }
    if (!(last < 0.8 * first)) fail_msg("a loss of %g, %g before", last, first);
    same_weights(a, b);
    fv_plan_free(p), fv_plan_free(q), fv_net_free(a), fv_net_free(b);
}

static void test_what_is_out_of_range_changes_nothing(void **state)
{
    (void)state;
    fv_net *a = new_net(), *b = new_net();
    fv_plan *p = new_plan(a, (fv_plan_opts){ 0 });
    const int low[BATCH] = { -1 }, high[BATCH] = { 0, CLASSES };
    fv_update bad[5] = { usual(0), usual(0), usual(0), usual(0), usual(0) };
    bad[0].n = 0;
    bad[1].n = BATCH + 1;
    bad[2].labels = low;
    bad[3].labels = high;
    bad[4].labels = NULL;
    for (int i = 0; i < 5; i++) assert_true(isnan(fv_run_train(p, &bad[i])));
    same_weights(a, b);
    fv_plan_free(p), fv_net_free(a), fv_net_free(b);
}

static void test_senseless_training_options_are_refused(void **state)
{
    (void)state;
    fv_net *net = new_net();
    const fv_plan_opts bad[] = {
        { .mode = FV_TRAIN, .wd = -1 },
        { .mode = FV_TRAIN, .smoothing = 1 },
        { .mode = FV_TRAIN, .smoothing = -0.1 },
        { .mode = FV_TRAIN, .clip = -1 },
        { .mode = FV_TRAIN, .clip = INFINITY },
        { .mode = FV_TRAIN, .wd = NAN },
        { .mode = FV_INFER, .wd = 1e-4 },
        { .mode = FV_INFER, .loss = FV_LOSS_BCE },
        { .mode = FV_TRAIN, .loss = (fv_loss)2 },
        { .mode = FV_TRAIN, .bce_target_thresh = 0.2 },
        { .mode = FV_TRAIN, .loss = FV_LOSS_BCE, .bce_target_thresh = 1 },
        { .mode = FV_TRAIN, .loss = FV_LOSS_BCE, .bce_target_thresh = NAN },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fv_plan *p = (fv_plan *)1;
        fv_err err = { 0 };
        assert_int_equal(fv_plan_new(&p, net, &bad[i], &err), FV_ARG);
        assert_null(p);
        assert_true(err.msg[0]);
    }
    fv_net_free(net);
}

/* One step without momentum: with decay, w - lr (g + wd w); without, w - lr g. Three roundings of each. */
static void test_decay_pulls_at_weights_alone(void **state)
{
    (void)state;
    const double lr = 0.1, wd = 0.5;
    fv_net *first = new_net(), *a = new_net(), *b = new_net();
    fv_plan *p = new_plan(a, (fv_plan_opts){ .wd = wd }), *q = new_plan(b, (fv_plan_opts){ 0 });
    fv_update u = usual(0);
    u.momentum = 0;
    u.nesterov = false;
    u.lr = lr;
    assert_true(fv_run_train(p, &u) == fv_run_train(q, &u));
    const char *const keys[] = { "conv.weight", "fc.weight", "fc.bias", "bn.weight", "bn.bias" };
    for (int k = 0; k < 5; k++) {
        int64_t n;
        const float *w = fv_net_weights(first, keys[k], &n), *x = fv_net_weights(a, keys[k], NULL);
        const float *y = fv_net_weights(b, keys[k], NULL);
        for (int64_t i = 0; i < n; i++) {
            const double pull = k < 2 ? lr * wd * (double)w[i] : 0;
            const double size = fabs((double)w[i]) + fabs((double)x[i]) + fabs((double)y[i]);
            const double bound = k < 2 ? 3 * (double)FLT_EPSILON * size : 0;
            if (!(fabs((double)y[i] - pull - (double)x[i]) <= bound)) fail_msg("%s[%d]", keys[k], (int)i);
        }
    }
    fv_plan_free(p), fv_plan_free(q), fv_net_free(first), fv_net_free(a), fv_net_free(b);
}

/* Clipped at c, a step without momentum moves all weights together by lr * c where the gradient's norm is above. */
static void test_clipping_bounds_the_step(void **state)
{
    (void)state;
    const double clip = 1e-2, lr = 1;
    fv_net *first = new_net(), *a = new_net();
    fv_plan *p = new_plan(a, (fv_plan_opts){ .clip = clip });
    fv_update u = usual(0);
    u.momentum = 0;
    u.nesterov = false;
    u.lr = lr;
    fv_run_train(p, &u);
    double sum = 0, size = 0;
    const char *const keys[] = { "conv.weight", "fc.weight", "fc.bias", "bn.weight", "bn.bias" };
    for (int k = 0; k < 5; k++) {
        int64_t n;
        const float *w = fv_net_weights(first, keys[k], &n), *x = fv_net_weights(a, keys[k], NULL);
        for (int64_t i = 0; i < n; i++) {
            sum += ((double)x[i] - (double)w[i]) * ((double)x[i] - (double)w[i]);
            size += (double)w[i] * (double)w[i];
        }
    }
    /* The differences carry the roundings of w: half an eps of each, so eps |w| together; the norm itself is a float
     * sum in blocks, and its 1e-6 in the denominator is 1e-4 of this clip at most. */
    assert_true(fabs(sqrt(sum) - lr * clip) <= (double)FLT_EPSILON * (sqrt(size) + 512 * clip) + 1e-4 * clip);
    fv_plan_free(p), fv_net_free(first), fv_net_free(a);
}

static void carry_over(fv_net *from, fv_plan *p, fv_net *to, fv_plan *q)
{
    fv_key key;
    for (int i = 0; fv_net_key(from, i, &key); i++) {
        int64_t n = 0, m = 0;
        const float *w = fv_net_weights(from, key.name, &n), *v = fv_plan_state(p, 0, key.name, &m);
        if (w) memcpy(fv_net_weights(to, key.name, NULL), w, (size_t)n * sizeof *w);
        if (v) memcpy(fv_plan_state(q, 0, key.name, NULL), v, (size_t)m * sizeof *v);
        assert_true(!v || m == n);
    }
    assert_non_null(fv_plan_state(p, 0, "conv.weight", NULL));
    assert_null(fv_plan_state(p, 0, "bn.running_mean", NULL));
    assert_null(fv_plan_state(p, 0, "no.such", NULL));
}

static void test_saved_weights_and_momenta_go_on_bit_for_bit(void **state)
{
    (void)state;
    fv_net *a = new_net(), *b = new_net();
    fv_plan *p = new_plan(a, (fv_plan_opts){ .wd = 1e-3 }), *q = new_plan(b, (fv_plan_opts){ .wd = 1e-3 });
    for (uint64_t step = 0; step < 3; step++) fv_run_train(p, STEP(step));
    carry_over(a, p, b, q);
    for (uint64_t step = 3; step < 6; step++) assert_true(fv_run_train(p, STEP(step)) == fv_run_train(q, STEP(step)));
    same_weights(a, b);
    fv_plan_free(p), fv_plan_free(q), fv_net_free(a), fv_net_free(b);
}

/* The step is the key of the masks: equal steps, equal losses; another step, another mask. lr 0 leaves the weights. */
static void test_step_is_the_key_of_dropout(void **state)
{
    (void)state;
    fv_net *net = new_net();
    fv_plan *p = new_plan(net, (fv_plan_opts){ 0 });
    fv_update u = usual(1);
    u.lr = 0;
    const double first = fv_run_train(p, &u);
    assert_true(fv_run_train(p, &u) == first);
    u.step = 2;
    assert_true(fv_run_train(p, &u) != first);
    u.step = 1;
    u.seed++;
    assert_true(fv_run_train(p, &u) != first);
    fv_plan_free(p), fv_net_free(net);
}

static void test_repacked_plan_answers_with_the_new_weights(void **state)
{
    (void)state;
    fv_net *net = new_net();
    fv_plan *learn = new_plan(net, (fv_plan_opts){ 0 }), *old = NULL, *fresh = NULL;
    const fv_plan_opts o = { .batch = BATCH, .threads = 1 };
    float before[BATCH * CLASSES], after[BATCH * CLASSES], want[BATCH * CLASSES];
    assert_int_equal(fv_plan_new(&old, net, &o, NULL), FV_OK);
    fv_run(old, BATCH, made()->x, before);
    fv_run_train(learn, STEP(0));
    fv_plan_repack(old);
    fv_run(old, BATCH, made()->x, after);
    assert_int_equal(fv_plan_new(&fresh, net, &o, NULL), FV_OK);
    fv_run(fresh, BATCH, made()->x, want);
    assert_memory_equal(after, want, sizeof want);
    assert_memory_not_equal(after, before, sizeof before);
    fv_plan_free(learn), fv_plan_free(old), fv_plan_free(fresh), fv_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_are_targets_of_one),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_checkpointing_takes_less_memory_and_changes_no_bit),
        cmocka_unit_test(test_checkpointing_cuts_a_chain_into_blocks),
        cmocka_unit_test(test_losses_and_logits_come_back),
        cmocka_unit_test(test_binary_losses_are_means_over_classes),
        cmocka_unit_test(test_binary_loss_learns_the_same_on_any_threads),
        cmocka_unit_test(test_what_is_out_of_range_changes_nothing),
        cmocka_unit_test(test_senseless_training_options_are_refused),
        cmocka_unit_test(test_decay_pulls_at_weights_alone),
        cmocka_unit_test(test_clipping_bounds_the_step),
        cmocka_unit_test(test_saved_weights_and_momenta_go_on_bit_for_bit),
        cmocka_unit_test(test_step_is_the_key_of_dropout),
        cmocka_unit_test(test_repacked_plan_answers_with_the_new_weights),
    };
    return cmocka_run_group_tests_name("update", tests, NULL, NULL);
}
