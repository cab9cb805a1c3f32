/* study_regular.c -- stochastic depth, losses with soft targets, momentum, schedules, random crops.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/augment.h"
#include "study/lab.h"
#include "train/schedule.h"
#include <math.h>
#include <string.h>

#define TOPIC "Regularisers, losses, optimisers"

/* ---- stochastic depth ---- */

enum { BLOCKS = 54, GROUP = 27 };

/* One value for each block, dropped with the chance of linear decay: block l of 54 with l / 54 of a half. */
static fv_val all_blocks(fv_graph *g, fv_val x, const void *arg)
{
    (void)arg;
    fv_val half[BLOCKS / GROUP];
    for (int h = 0; h < BLOCKS / GROUP; h++) {
        fv_val y[GROUP];
        for (int i = 0; i < GROUP; i++) y[i] = fv_drop_path(g, x, 0.5f * (float)(h * GROUP + i + 1) / BLOCKS);
        half[h] = fv_concat(g, y, GROUP);
    }
    return fv_concat(g, half, BLOCKS / GROUP);
}

static fv_status expected_depth(fv_lab *l, fv_err *err)
{
    enum { N = 4000 };
    fv_net *net;
    fv_plan *plan;
    float *x;
    double kept = 0, p = 0, variance = 0;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 1, 1, 1 }, all_blocks, NULL, err));
    FV_TRY(fv_lab_plan(l, &plan, net, N, (fv_plan_request){ .train = true }, err));
    FV_TRY(fv_lab_floats(l, &x, N, err));
    for (int i = 0; i < N; i++) x[i] = 1;
    const float *y = fv_lab_forward(plan, N, x, N);
    for (int i = 0; i < N * BLOCKS; i++) kept += y[i] != 0;
    for (size_t i = 0; i < net->graph->nnode; i++)
        if (net->graph->node[i].op == FV_OP_DROP_PATH) {
            const double drop = (double)net->graph->node[i].attr.p;
            p += 1 - drop, variance += drop * (1 - drop);
        }
    fv_lab_is(l, "sum of the chances to stay, 54 blocks", p, 40.25, 1e-5);
    fv_lab_is(l, "blocks kept, mean of 4,000 draws", kept / N, 40.25, 5 * sqrt(variance / N));
    return FV_OK;
}

static fv_val residual_drop(fv_graph *g, fv_val x, const void *arg)
{
    (void)arg;
    return fv_add(g, x, fv_drop_path(g, fv_conv2d(g, x, "conv", (fv_conv){ .out = 8 }), 0.3f));
}

static fv_status drop_path(fv_lab *l, fv_err *err)
{
    enum { N = 20000, C = 8, COUNT = N * C };
    fv_net *net;
    fv_plan *train, *infer;
    float *x;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 1, 1, C }, residual_drop, NULL, err));
    FV_TRY(fv_lab_plan(l, &train, net, N, (fv_plan_request){ .train = true }, err));
    FV_TRY(fv_lab_plan(l, &infer, net, N, (fv_plan_request){ 0 }, err));
    FV_TRY(fv_lab_floats(l, &x, COUNT, err));
    for (int i = 0; i < COUNT; i++) x[i] = 0.5f + 0.1f * (float)(i % C); /* the same picture N times */
    const float *y = fv_lab_forward(train, N, x, COUNT), *z = fv_lab_forward(infer, N, x, COUNT);
    double off = 0, allowed = 0;
    int partly = 0, kept = 0;
    for (int i = 0; i < N; i++) {
        int dropped = 0;
        for (int c = 0; c < C; c++) dropped += y[i * C + c] == x[i * C + c];
        partly += dropped != 0 && dropped != C;
        kept += dropped == 0;
    }
    for (int c = 0; c < C; c++) {
        double mean = 0;
        for (int i = 0; i < N; i++) mean += (double)y[i * C + c] / N;
        const double branch = fabs((double)z[c] - (double)x[c]);
        off = fmax(off, fabs(mean - (double)z[c]));
        allowed = fmax(allowed, 5 * branch * sqrt(0.3 / 0.7 / N));
    }
    fv_lab_is(l, "pictures with part of the branch dropped", partly, 0, 0);
    fv_lab_is(l, "share of pictures that keep it", (double)kept / N, 0.7, 5 * sqrt(0.21 / N));
    fv_lab_is(l, "mean over masks from the output at inference", off, 0, allowed);
    fv_graph *g;
    double sum = 0, most = 0;
    int shortcuts = 0, drops = 0, blocks = 0;
    FV_TRY(fv_lab_zoo(l, &g, "efficientnet_b0", 0, err));
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        shortcuts += n->op == FV_OP_ADD;
        blocks += n->op == FV_OP_CONV2D && n->attr.conv.groups > 1;
        if (n->op != FV_OP_DROP_PATH) continue;
        drops++;
        sum += (double)n->attr.p;
        most = fmax(most, (double)n->attr.p);
    }
    fv_lab_is(l, "blocks of EfficientNet-B0 that may be dropped", drops, shortcuts, 0);
    fv_lab_is(l, "greatest chance there", most, 0.175, 1e-6);
    fv_lab_is(l, "blocks kept on average", blocks - sum, 15.04, 0.005);
    return FV_OK;
}

/* ---- losses ---- */

static fv_val pass(fv_graph *g, fv_val x, const void *arg)
{
    (void)arg;
    return fv_flatten(g, x);
}

static fv_status loss_plan(fv_lab *l, fv_plan **plan, int classes, float smoothing, fv_err *err)
{
    fv_net *net;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 1, 1, classes }, pass, NULL, err));
    return fv_lab_plan(
        l, plan, net, 1,
        (fv_plan_request){ .loss = true, .smoothing = smoothing, .backward = true, .train = true, .input_grad = true },
        err);
}

static double loss_of(fv_plan *plan, const float *logits, const float *target, int classes)
{
    memcpy(fv_plan_input(plan, "target"), target, (size_t)classes * sizeof *target);
    return (double)*fv_lab_forward(plan, 1, logits, (size_t)classes);
}

static fv_status smoothing(fv_lab *l, fv_err *err)
{
    enum { K = 1000 };
    const double eps = 0.1, top = 1 - eps + eps / K, low = eps / K;
    fv_plan *plan;
    float *z, *target, one = 1;
    FV_TRY(loss_plan(l, &plan, K, (float)eps, err));
    FV_TRY(fv_lab_floats(l, &z, K, err));
    FV_TRY(fv_lab_floats(l, &target, K, err));
    target[0] = 1;
    memcpy(fv_plan_doutput(plan), &one, sizeof one);
    z[0] = (float)log(top / low); /* the others 0 */
    const double least = loss_of(plan, z, target, K);
    const float *dz = fv_plan_dinput(plan, NULL);
    double steepest = 0;
    for (int i = 0; i < K; i++) steepest = fmax(steepest, fabs((double)dz[i]));
    fv_lab_is(l, "loss at its minimum", least, 1.01485, 5e-6);
    fv_lab_is(l, "entropy of the target", -(top * log(top) + (K - 1) * low * log(low)), 1.01485, 5e-6);
    fv_lab_is(l, "steepest slope there", steepest, 0, 1e-5);
    z[0] += 1;
    fv_lab_above(l, "loss when surer by 1", loss_of(plan, z, target, K), least + 0.01);
    z[0] -= 2;
    fv_lab_above(l, "loss when less sure by 1", loss_of(plan, z, target, K), least + 0.01);
    fv_lab_plot(l, (fv_study_plot){ "Smoothed cross-entropy, 1,000 classes, eps .1", "logit of the label", "loss",
                                    false, false });
    fv_lab_curve(l, "smoothed", false);
    for (int i = 0; i <= 40; i++) {
        z[0] = 0.5f * (float)i;
        fv_lab_point(l, (double)z[0], loss_of(plan, z, target, K));
    }
    return FV_OK;
}

static fv_status mixup(fv_lab *l, fv_err *err)
{
    enum { K = 10 };
    const float lambda = 0.3f;
    fv_plan *plan;
    float *z, *a, *b, *mixed;
    FV_TRY(loss_plan(l, &plan, K, 0, err));
    FV_TRY(fv_lab_noise(l, &z, K, 1, err));
    FV_TRY(fv_lab_floats(l, &a, K, err));
    FV_TRY(fv_lab_floats(l, &b, K, err));
    FV_TRY(fv_lab_floats(l, &mixed, K, err));
    a[2] = b[7] = 1;
    for (int i = 0; i < K; i++) mixed[i] = lambda * a[i] + (1 - lambda) * b[i];
    const double of_a = loss_of(plan, z, a, K), of_b = loss_of(plan, z, b, K), of_mix = loss_of(plan, z, mixed, K);
    const double weight = (double)lambda;
    fv_lab_is(l, "loss of the mixed target", of_mix, weight * of_a + (1 - weight) * of_b, 1e-6);
    fv_lab_above(l, "losses of the two targets differ by", fabs(of_a - of_b), 0.05);
    return FV_OK;
}

/* ---- momentum ---- */

static fv_val one_layer(fv_graph *g, fv_val x, const void *arg)
{
    (void)arg;
    return fv_linear_no_bias(g, x, "fc", 3);
}

/* Steps of the library, and by Caffe's form v = mu v + lr g, w -= v with the same gradients; the largest gap. */
static fv_status two_forms(fv_lab *l, double *gap, const double *lr, int steps, fv_err *err)
{
    enum { IN = 4, OUT = 3, N = 6, COUNT = IN * OUT };
    static const int labels[N] = { 0, 1, 2, 0, 1, 2 };
    const double mu = 0.9;
    double before[COUNT] = { 0 }, caffe[COUNT], w[COUNT];
    fv_net *net;
    fv_plan *plan;
    float *x;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 1, 1, IN }, one_layer, NULL, err));
    FV_TRY(fv_lab_noise(l, &x, N * IN, 1, err));
    FV_TRY(fv_lab_plan(l, &plan, net, N,
                       (fv_plan_request){ .train = true, .backward = true, .update = true, .loss = true }, err));
    const float *weights = fv_net_weights(net, "fc.weight", NULL);
    for (int i = 0; i < COUNT; i++) w[i] = (double)weights[i], caffe[i] = 0;
    for (int s = 0; s < steps; s++) {
        fv_run_train(plan, &(fv_update){ .n = N, .images = x, .labels = labels, .lr = lr[s], .momentum = mu });
        const float *v = fv_plan_state(plan, 0, "fc.weight", NULL);
        for (int i = 0; i < COUNT; i++) {
            const double g = (double)v[i] - mu * before[i];
            before[i] = (double)v[i];
            caffe[i] = mu * caffe[i] + lr[s] * g;
            w[i] -= caffe[i];
        }
    }
    *gap = 0;
    for (int i = 0; i < COUNT; i++) *gap = fmax(*gap, fabs(w[i] - (double)weights[i]));
    return FV_OK;
}

static fv_status momentum(fv_lab *l, fv_err *err)
{
    static const double still[] = { 0.1, 0.1, 0.1, 0.1 }, falling[] = { 0.1, 0.1, 0.01, 0.01 };
    double same, other;
    FV_TRY(two_forms(l, &same, still, 4, err));
    FV_TRY(two_forms(l, &other, falling, 4, err));
    fv_lab_is(l, "the two forms apart, steady rate", same, 0, 1e-6);
    fv_lab_above(l, "apart when the rate falls to a tenth", other, 1e-3);
    return FV_OK;
}

static fv_status schedule(fv_lab *l, fv_err *err)
{
    const fv_schedule s = { .kind = FV_SCHED_COSINE, .lr = 0.4, .epoch_steps = 10, .steps = 100 };
    const fv_schedule warm = {
        .kind = FV_SCHED_COSINE, .lr = 0.4, .epoch_steps = 10, .steps = 100, .warmup_epochs = 2
    };
    double off = 0, bend = 0, mean = 0;
    (void)err;
    fv_lab_plot(l, (fv_study_plot){ "Cosine schedule of 100 steps", "step", "learning rate", false, false });
    fv_lab_curve(l, "cosine", false);
    for (int t = 0; t < 100; t++) {
        const double rate = fv_schedule_lr(&s, t);
        off = fmax(off, fabs(rate - 0.5 * 0.4 * (1 + cos(acos(-1.0) * t / 100))));
        mean += rate / 100;
        fv_lab_point(l, t, rate);
    }
    fv_lab_curve(l, "with two epochs of warm-up", false);
    for (int t = 0; t < 100; t++) fv_lab_point(l, t, fv_schedule_lr(&warm, t));
    for (int t = 1; t < 19; t++) {
        const double a = fv_schedule_lr(&warm, t - 1), b = fv_schedule_lr(&warm, t), c = fv_schedule_lr(&warm, t + 1);
        bend = fmax(bend, fabs(a - 2 * b + c));
    }
    fv_lab_is(l, "from lr / 2 (1 + cos(pi t / T))", off, 0, 1e-12);
    fv_lab_is(l, "mean rate / the highest", mean / 0.4, 0.5, 0.006);
    fv_lab_is(l, "second difference while warming up", bend, 0, 1e-12);
    return FV_OK;
}

/* ---- random crops ---- */

static fv_status crops(fv_lab *l, fv_err *err)
{
    enum { N = 20000, H = 400, W = 400 };
    const fv_augment a = { .random_resized_crop = true, .seed = 1 };
    double least = 1, most = 0, narrow = 10, wide = 0, aspect = 0, share = 0;
    int outside = 0;
    (void)err;
    for (int i = 0; i < N; i++) {
        const fv_cut c = fv_augment_cut(&a, H, W, 0, i);
        const double area = (double)c.h * c.w / H / W, ratio = (double)c.w / c.h;
        outside += c.top < 0 || c.left < 0 || c.top + c.h > H || c.left + c.w > W;
        least = fmin(least, area), most = fmax(most, area);
        narrow = fmin(narrow, ratio), wide = fmax(wide, ratio);
        aspect += log(ratio) / N;
        share += area / N;
    }
    fv_lab_is(l, "crops that leave the picture", outside, 0, 0);
    /* sides are rounded to a pixel of at least 98: 1 % */
    fv_lab_is(l, "least share of the area", least, 0.08, 0.002);
    fv_lab_above(l, "greatest", most, 0.95);
    fv_lab_is(l, "narrowest aspect", narrow, 0.75, 0.01);
    fv_lab_is(l, "widest", wide, 4.0 / 3, 0.015);
    /* uniform in ln from -.288 to .288: deviation .166; 5 of them over sqrt(20,000) */
    fv_lab_is(l, "mean logarithm of the aspect", aspect, 0, 5 * 0.166 / sqrt(N));
    fv_lab_tell(l, "mean share of the area", share);
    /* AlexNet's crops: where a window of 224 may begin in 256 pixels, and its mirror image */
    int places = 0;
    for (int y = 0; y + 224 < 256; y++)
        for (int x = 0; x + 224 < 256; x++) places += 2;
    fv_lab_is(l, "AlexNet's pictures from one", places, 2048, 0);
    return FV_OK;
}

/* ---- colours ---- */

static fv_status pca_colour(fv_lab *l, fv_err *err)
{
    enum { N = 20000, PIXELS = 4 };
    /* columns are the axes; published with Facebook's ResNet code */
    static const double axes[3][3] = { { -.5675, .7192, .4009 },
                                       { -.5808, -.0045, -.8140 },
                                       { -.5836, -.6948, .4203 } };
    static const double lengths[3] = { .2175, .0188, .0045 };
    static const double sigma = 0.1;
    const fv_augment a = { .pca = sigma, .seed = 1 };
    const fv_prep prep = { .h = 2, .w = 2, .channels = 3, .std = { 1, 1, 1 }, .order = FV_RGB };
    double square[3] = { 0 }, crossed[3] = { 0 }, orthonormal = 0;
    int uneven = 0;
    (void)err;
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            double dot = 0;
            for (int c = 0; c < 3; c++) dot += axes[c][i] * axes[c][k];
            orthonormal = fmax(orthonormal, fabs(dot - (i == k)));
        }
    for (int n = 0; n < N; n++) {
        float x[PIXELS * 3] = { 0 };
        double along[3] = { 0 };
        fv_augment_finish(x, &a, &prep, 0, n);
        for (int i = 3; i < PIXELS * 3; i++) uneven += x[i] != x[i % 3];
        for (int k = 0; k < 3; k++)
            for (int c = 0; c < 3; c++) along[k] += axes[c][k] * (double)x[c];
        for (int k = 0; k < 3; k++) {
            square[k] += along[k] * along[k] / N;
            crossed[k] += along[k] * along[(k + 1) % 3] / N;
        }
    }
    fv_lab_is(l, "published axes, from orthonormal", orthonormal, 0, 1e-3);
    fv_lab_is(l, "pixels with another shift than their picture", uneven, 0, 0);
    /* a deviation of N draws is known to 1 / sqrt(2 N); the axes are to 1e-3 of the longest */
    for (int k = 0; k < 3; k++)
        fv_lab_is(l, fv_lab_text(l, "deviation along axis %d", k + 1), sqrt(square[k]), sigma * lengths[k],
                  5 * sigma * lengths[k] / sqrt(2.0 * N) + 1e-3 * sigma * lengths[0]);
    for (int k = 0; k < 3; k++) {
        const double scale = sigma * sigma * lengths[k] * lengths[(k + 1) % 3];
        fv_lab_is(l, fv_lab_text(l, "correlation of axes %d and %d", k + 1, (k + 1) % 3 + 1), crossed[k] / scale, 0,
                  5 / sqrt(N) + 1e-3 * lengths[0] * lengths[0] / (lengths[k] * lengths[(k + 1) % 3]));
    }
    return FV_OK;
}

/* ---- RMSprop ---- */

/* The change of one layer's weights by a first step, and the gradient that SGD's state shows. */
static fv_status first_step(fv_lab *l, const float **change, fv_optimiser opt, fv_err *err)
{
    enum { IN = 4, N = 6, COUNT = IN * 3 };
    static const int labels[N] = { 0, 1, 2, 0, 1, 2 };
    fv_net *net;
    fv_plan *plan;
    float *x, *before;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 1, 1, IN }, one_layer, NULL, err));
    FV_TRY(fv_lab_noise(l, &x, N * IN, 1, err));
    FV_TRY(fv_lab_floats(l, &before, COUNT, err));
    FV_TRY(fv_lab_plan(l, &plan, net, N,
                       (fv_plan_request){ .train = true, .backward = true, .update = true, .loss = true, .opt = opt },
                       err));
    const float *w = fv_net_weights(net, "fc.weight", NULL);
    memcpy(before, w, COUNT * sizeof *w);
    fv_run_train(plan, &(fv_update){ .n = N, .images = x, .labels = labels, .lr = 1, .momentum = 0 });
    for (int i = 0; i < COUNT; i++) before[i] -= w[i];
    *change = before;
    return FV_OK;
}

static fv_status rmsprop(fv_lab *l, fv_err *err)
{
    enum { COUNT = 12 };
    const double eps = 1e-3, alpha = 0.9;
    const float *g, *step;
    double tf = 0, torch = INFINITY, widest = 0;
    FV_TRY(first_step(l, &g, FV_OPT_SGD, err));
    FV_TRY(first_step(l, &step, FV_OPT_RMSPROP, err));
    for (int i = 0; i < COUNT; i++) {
        const double d = (double)g[i], s = (double)step[i];
        tf = fmax(tf, fabs(s - d / sqrt(alpha + (1 - alpha) * d * d + eps)));
        torch = fmin(torch, fabs(s - d / (sqrt((1 - alpha) * d * d) + eps)));
        widest = fmax(widest, fabs(d));
    }
    fv_lab_is(l, "step from g / sqrt(.9 + .1 g^2 + eps)", tf, 0, 1e-6);
    fv_lab_above(l, "from g / (sqrt(.1 g^2) + eps), the least of the weights", torch, 0.5);
    fv_lab_tell(l, "largest gradient", widest);
    return FV_OK;
}

// clang-format off
const fv_study_row fv_studies_regular[] = {
    { { "stochastic-depth", TOPIC,
        "With linear decay to one half, 54 residual blocks are on average 40.25 deep while training.",
        NULL, "Huang et al. 2016, section 3", "4,000 draws of all 54 blocks by the library's op",
        "54 - .5 (55 / 2) = 40.25", "A quarter of the time of training saved, a better network, and all of its depth at inference.",
        FV_STUDY_EXACT, false, 0.1 }, expected_depth },
    { { "drop-path", TOPIC,
        "Stochastic depth drops a whole branch for a picture and scales it by 1 / (1 - p) otherwise, so that its mean is the output at inference; EfficientNet-B0 drops where there is a shortcut only, with at most .175.",
        "\"It deactivates neurons\": that is dropout, which EfficientNet has besides, in front of the classifier.",
        "Huang et al. 2016; Tan, Le 2019 with the released code",
        "20,000 draws of one residual block, and B0's graph",
        "all of a branch or none; share .7; mean as at inference; 9 blocks, 15.04 of 16 kept",
        "A block without a shortcut cannot be dropped: nothing would be left.",
        FV_STUDY_EXACT, false, 0.1 }, drop_path },
    { { "label-smoothing", TOPIC,
        "The loss with smoothing eps has its minimum at the entropy of the smoothed target: 1.01485 for 1,000 classes and eps = .1, not 0.",
        NULL, "Szegedy et al. 2016, section 7", "the loss and its gradient at the minimum and beside it",
        "1.01485; slope 0; more on both sides",
        "A loss that stays near 1 is no sign of a bad run. The finite minimum is the point: logits need not grow for ever.",
        FV_STUDY_EXACT, false, 0.1 }, smoothing },
    { { "mixup-target", TOPIC,
        "The cross-entropy with a mixed target is the mix of both cross-entropies.",
        NULL, "Zhang et al. 2018, section 2", "the loss of one output with two labels and with their mixture",
        "equal to 1e-6", "So mixup can be written with two losses or with one soft target. The second form also takes CutMix and smoothing.",
        FV_STUDY_EXACT, false, 0.1 }, mixup },
    { { "momentum-forms", TOPIC,
        "v = mu v + g, w -= lr v and v = mu v + lr g, w -= v are the same while the rate is steady, and differ when it changes.",
        NULL, "Goyal et al. 2017, section 3, remark 2; Caffe's and PyTorch's solvers",
        "four steps of the library, replayed in the other form with the same gradients",
        "equal to 1e-6; then apart",
        "After a fall of the rate Caffe's form goes on at the old speed for about ten steps. Recipes carried from one to the other give slightly other networks.",
        FV_STUDY_EXACT, false, 0.1 }, momentum },
    { { "cosine-schedule", TOPIC,
        "The rate at step t of T is lr / 2 (1 + cos(pi t / T)), half of the highest on average; warm-up is linear.",
        NULL, "Loshchilov, Hutter 2017, equation 5; Goyal et al. 2017, section 2.2", "the schedule's row, step by step",
        "no difference; mean .5", "It has no times to choose at which the rate falls, which is why it has replaced steps in most recipes.",
        FV_STUDY_EXACT, false, 0.1 }, schedule },
    { { "random-crops", TOPIC,
        "A random resized crop has an area of 8 to 100 % and an aspect from 3/4 to 4/3, uniform in its logarithm; AlexNet's crops make 2,048 pictures of one.",
        NULL, "Szegedy et al. 2014, section 6; Krizhevsky et al. 2012, section 4.1", "20,000 cuts of the augmentation's row",
        ".08; .75 and 1.333; mean logarithm 0; 2,048",
        "Most of the accuracy of a network on few pictures comes from here. Sampling the aspect itself instead of its logarithm would favour wide crops.",
        FV_STUDY_EXACT, false, 0.1 }, crops },
    { { "pca-colour", TOPIC,
        "PCA colour adds one shift per picture along the three axes of ImageNet's colours, with deviations .1 times their lengths: .02175, .00188, .00045.",
        NULL, "Krizhevsky et al. 2012, section 4.1; axes as published with Facebook's ResNet code", "20,000 draws of the augmentation's step",
        "orthonormal axes; the three deviations; no correlation; the same shift in all pixels",
        "It changes the light, not the things. Nearly all of it is brightness: the first axis is almost grey and ten times as long as the second.",
        FV_STUDY_EXACT, false, 0.1 }, pca_colour },
    { { "rmsprop-forms", TOPIC,
        "TensorFlow's RMSprop begins with a mean square of 1 and has eps inside the root; PyTorch's begins with 0 and has it outside.",
        "\"RMSprop\" without a word on which: the first step differs by a factor of up to 3 / |g|.",
        "Tan, Le 2019 and Howard et al. 2019, with TensorFlow's and PyTorch's code", "a first step of the library against both formulas, the gradient taken from SGD",
        "TensorFlow's to 1e-6, far from PyTorch's",
        "The recipes of MobileNetV3 and EfficientNet were tuned with TensorFlow's form; with the other they diverge in the first steps unless the warm-up is long.",
        FV_STUDY_EXACT, false, 0.1 }, rmsprop },
    { { 0 }, NULL },
};
// clang-format on
