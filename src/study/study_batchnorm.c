/* study_batchnorm.c -- batch normalisation: what it does in training, what remains of it at inference.
 * SPDX-License-Identifier: Apache-2.0 */
#include "study/lab.h"
#include <math.h>

#define TOPIC "Batch normalisation"

enum { N = 16, SIDE = 6, C = 8, PIXELS = N * SIDE * SIDE, COUNT = PIXELS * C };
static const float eps = 1e-5f;

static fv_val norm(fv_graph *g, fv_val x, const void *arg)
{
    (void)arg;
    return fv_batchnorm(g, x, "bn", (fv_bn){ .eps = eps });
}

typedef struct moments {
    double mean, var; /* var: divided by the number */
} moments;

static moments of_channel(const float *x, int c)
{
    double sum = 0, square = 0;
    for (int i = 0; i < PIXELS; i++) sum += (double)x[i * C + c];
    for (int i = 0; i < PIXELS; i++) square += pow((double)x[i * C + c] - sum / PIXELS, 2);
    return (moments){ sum / PIXELS, square / PIXELS };
}

/* The input has other moments in each channel; gamma and beta differ, too. */
static fv_status setting(fv_lab *l, fv_net **net, fv_plan **plan, float **x, fv_err *err)
{
    FV_TRY(fv_lab_net(l, net, (fv_shape){ 1, SIDE, SIDE, C }, norm, NULL, err));
    FV_TRY(fv_lab_noise(l, x, COUNT, 1, err));
    for (int i = 0; i < COUNT; i++) (*x)[i] = (*x)[i] * (1 + 0.3f * (float)(i % C)) + 0.5f * (float)(i % C);
    float *gamma = fv_net_weights(*net, "bn.weight", NULL), *beta = fv_net_weights(*net, "bn.bias", NULL);
    for (int c = 0; c < C; c++) gamma[c] = 0.5f + 0.25f * (float)c, beta[c] = (float)c - 3;
    return fv_lab_plan(l, plan, *net, N, (fv_plan_request){ .train = true, .backward = true, .input_grad = true }, err);
}

static fv_status training(fv_lab *l, fv_err *err)
{
    fv_net *net;
    fv_plan *plan;
    float *x, *dy;
    FV_TRY(setting(l, &net, &plan, &x, err));
    FV_TRY(fv_lab_noise(l, &dy, COUNT, 2, err));
    const float *dx = fv_lab_backward(plan, N, x, COUNT, dy, COUNT), *y = fv_plan_output(plan);
    double mean = 0, deviation = 0, sum = 0;
    for (int c = 0; c < C; c++) {
        const moments in = of_channel(x, c), out = of_channel(y, c);
        const double gamma = 0.5 + 0.25 * c, want = gamma * sqrt(in.var / (in.var + (double)eps));
        mean = fmax(mean, fabs(out.mean - (c - 3)));
        deviation = fmax(deviation, fabs(sqrt(out.var) - want));
        double total = 0, size = 0;
        for (int i = 0; i < PIXELS; i++) total += (double)dx[i * C + c], size += fabs((double)dx[i * C + c]);
        sum = fmax(sum, fabs(total) / size);
    }
    fv_lab_is(l, "output mean, from beta", mean, 0, 1e-5);
    fv_lab_is(l, "output deviation, from gamma sigma / sqrt(sigma^2 + eps)", deviation, 0, 1e-5);
    fv_lab_is(l, "sum of a channel's gradients over the sum of their sizes", sum, 0, 1e-5);
    fv_lab_above(l, "deviation of the channel with gamma 2.25", sqrt(of_channel(y, C - 1).var), 1);
    return FV_OK;
}

static fv_status running(fv_lab *l, fv_err *err)
{
    fv_net *net;
    fv_plan *plan;
    float *x;
    double mean = 0, var = 0, biased = INFINITY;
    FV_TRY(setting(l, &net, &plan, &x, err));
    fv_lab_forward(plan, N, x, COUNT);
    const float *m = fv_net_weights(net, "bn.running_mean", NULL), *v = fv_net_weights(net, "bn.running_var", NULL);
    for (int c = 0; c < C; c++) {
        const moments in = of_channel(x, c);
        mean = fmax(mean, fabs((double)m[c] - 0.1 * in.mean));
        var = fmax(var, fabs((double)v[c] - (0.9 + 0.1 * in.var * PIXELS / (PIXELS - 1))));
        biased = fmin(biased, fabs((double)v[c] - (0.9 + 0.1 * in.var)));
    }
    fv_lab_is(l, "running mean after a step, from .1 mu", mean, 0, 1e-6);
    fv_lab_is(l, "running variance, from .9 + .1 sigma^2 M / (M - 1)", var, 0, 2e-6);
    fv_lab_above(l, "from .9 + .1 sigma^2, the least of the channels", biased, 1e-5);
    return FV_OK;
}

/* ---- biases in front of it ---- */

static fv_val biased(fv_graph *g, fv_val x, const void *arg)
{
    (void)arg;
    x = fv_conv2d(g, x, "conv", (fv_conv){ .out = C, .k = 3, .pad = 1, .bias = true });
    return fv_batchnorm(g, x, "bn", (fv_bn){ 0 });
}

static fv_status bias(fv_lab *l, fv_err *err)
{
    fv_net *net;
    fv_plan *train, *infer;
    float *x, *dy, *first, *kept;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, SIDE, SIDE, C }, biased, NULL, err));
    FV_TRY(fv_lab_plan(l, &train, net, N, (fv_plan_request){ .train = true, .backward = true }, err));
    FV_TRY(fv_lab_noise(l, &x, COUNT, 1, err));
    FV_TRY(fv_lab_noise(l, &dy, COUNT, 2, err));
    FV_TRY(fv_lab_floats(l, &first, COUNT, err));
    FV_TRY(fv_lab_floats(l, &kept, COUNT, err));
    fv_lab_fill(net, "conv.bias", 0);
    fv_lab_backward(train, N, x, COUNT, dy, COUNT);
    for (int i = 0; i < COUNT; i++) first[i] = ((const float *)fv_plan_output(train))[i];
    size_t n = 0;
    double gradient = 0, weight = 0;
    const float *db = fv_lab_gradient(train, net, "conv.bias", &n);
    for (size_t i = 0; i < n; i++) gradient = fmax(gradient, fabs((double)db[i]));
    const float *dw = fv_lab_gradient(train, net, "conv.weight", &n);
    for (size_t i = 0; i < n; i++) weight = fmax(weight, fabs((double)dw[i]));
    fv_lab_is(l, "largest gradient of the bias over that of the weights", gradient / weight, 0, 1e-5);
    FV_TRY(fv_lab_plan(l, &infer, net, N, (fv_plan_request){ 0 }, err));
    const float *y = fv_lab_forward(infer, N, x, COUNT);
    for (int i = 0; i < COUNT; i++) kept[i] = y[i];
    fv_lab_fill(net, "conv.bias", 0.5f);
    const float *z = fv_lab_forward(train, N, x, COUNT);
    fv_lab_is(l, "change by a bias of .5, training", fv_lab_gap(z, first, COUNT), 0, 1e-5);
    /* the running mean knows only a tenth of the new bias */
    fv_plan_repack(infer);
    fv_lab_above(l, "change by it at inference, before the running mean has followed",
                 fv_lab_gap(fv_lab_forward(infer, N, x, COUNT), kept, COUNT), 0.05);
    float *mean = fv_net_weights(net, "bn.running_mean", NULL);
    for (int c = 0; c < C; c++) mean[c] = 0;
    fv_lab_fill(net, "bn.running_var", 1);
    fv_lab_fill(net, "conv.bias", 0);
    fv_plan_repack(infer);
    y = fv_lab_forward(infer, N, x, COUNT);
    for (int i = 0; i < COUNT; i++) kept[i] = y[i];
    fv_lab_fill(net, "conv.bias", 0.5f);
    for (int c = 0; c < C; c++) mean[c] = 0.5f;
    fv_plan_repack(infer);
    fv_lab_is(l, "change once it has", fv_lab_gap(fv_lab_forward(infer, N, x, COUNT), kept, COUNT), 0, 1e-5);
    return FV_OK;
}

static fv_status fold(fv_lab *l, fv_err *err)
{
    fv_net *net;
    fv_plan *folded, *exact;
    float *x;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, SIDE, SIDE, C }, biased, NULL, err));
    FV_TRY(fv_lab_noise(l, &x, COUNT, 1, err));
    static const char *const keys[] = { "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var" };
    for (int k = 0; k < 4; k++) {
        float *v = fv_net_weights(net, keys[k], NULL);
        for (int c = 0; c < C; c++) v[c] = k == 3 ? 0.5f + 0.25f * (float)c : 0.3f * (float)(c - k);
    }
    FV_TRY(fv_lab_plan(l, &folded, net, N, (fv_plan_request){ 0 }, err));
    FV_TRY(fv_lab_plan(l, &exact, net, N, (fv_plan_request){ .exact = true }, err));
    fv_plan_info short_plan, long_plan;
    fv_plan_describe(folded, &short_plan);
    fv_plan_describe(exact, &long_plan);
    const float *a = fv_lab_forward(folded, N, x, COUNT), *b = fv_lab_forward(exact, N, x, COUNT);
    fv_lab_is(l, "folded from unfolded", fv_lab_gap(a, b, COUNT), 0, 1e-5);
    fv_lab_below(l, "steps of the folded plan", short_plan.steps, long_plan.steps);
    return FV_OK;
}

/* ---- batch size ---- */

static fv_status batch_size(fv_lab *l, fv_err *err)
{
    enum { SETS = 64, MOST = 64 };
    static const int sizes[] = { 2, 4, 8, 16, 32, 64 };
    double spread[6];
    float *x;
    const size_t image = SIDE * SIDE * C;
    fv_lab_plot(l, (fv_study_plot){ "How much one picture's values depend on its company", "batch size",
                                    "standard deviation of a normalised value", true, true });
    fv_lab_curve(l, "measured", false);
    FV_TRY(fv_lab_noise(l, &x, (SETS * MOST + 1) * image, 1, err));
    for (int k = 0; k < 6; k++) {
        fv_net *net;
        fv_plan *plan;
        float *batch;
        double sum = 0, square = 0;
        FV_TRY(fv_lab_floats(l, &batch, MOST * image, err));
        FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, SIDE, SIDE, C }, norm, NULL, err));
        FV_TRY(fv_lab_plan(l, &plan, net, sizes[k], (fv_plan_request){ .train = true }, err));
        for (int s = 0; s < SETS; s++) {
            /* the same picture first, others behind it; a picture's pixels share its brightness */
            for (size_t i = 0; i < (size_t)sizes[k] * image; i++) {
                const size_t picture = i < image ? 0 : (size_t)s * MOST + i / image;
                batch[i] = 0.3f * x[picture * image + i % image] + x[picture * image + i % C];
            }
            const float *y = fv_lab_forward(plan, sizes[k], batch, (size_t)sizes[k] * image);
            sum += (double)y[0] / SETS;
            square += (double)y[0] * (double)y[0] / SETS;
        }
        spread[k] = sqrt(fmax(square - sum * sum, 0));
        fv_lab_point(l, sizes[k], spread[k]);
        if (k == 0) fv_lab_tell(l, "deviation of one value, batch of 2", spread[k]);
    }
    fv_lab_curve(l, "1 / sqrt(m) through the last", false);
    for (int k = 0; k < 6; k++) fv_lab_point(l, sizes[k], spread[5] * sqrt(64.0 / sizes[k]));
    fv_lab_tell(l, "batch of 64", spread[5]);
    fv_lab_above(l, "batch of 2 / batch of 64", spread[0] / spread[5], 2);
    /* 1/sqrt(m) foretells 2 from 16 to 64; 64 draws know a deviation to about 9 %, their quotient to 13 %. */
    fv_lab_is(l, "batch of 16 / batch of 64", spread[3] / spread[5], 2, 0.8);
    return FV_OK;
}

// clang-format off
const fv_study_row fv_studies_batchnorm[] = {
    { { "batchnorm-training", TOPIC,
        "In training each channel leaves with mean beta and deviation gamma sigma / sqrt(sigma^2 + eps), and its gradients sum to 0.",
        "It \"normalises to 0 to 1\": to zero mean and unit variance, and gamma and beta can make any scale of it, the identity included.",
        "Ioffe, Szegedy 2015, algorithm 1",
        "a batch of 16 with other moments in each channel, forward and backward",
        "no difference but rounding",
        "The gradient is taken through the statistics, too, which is why it sums to zero: adding a constant to a channel changes nothing, so no gradient may point there.",
        FV_STUDY_EXACT, false, 0.1 }, training },
    { { "batchnorm-running", TOPIC,
        "Inference uses moving averages: after one step .1 mu and .9 + .1 sigma^2 M / (M - 1), the variance unbiased, while training divides by the biased one.",
        "Statistics \"computed from all batches\".",
        "Ioffe, Szegedy 2015, algorithm 2; PyTorch's BatchNorm2d",
        "one training step, compared with sums in double",
        "no difference but rounding; the biased form differs",
        "Networks of the last epochs count, early ones are forgotten. With small batches M / (M - 1) is not small: libraries that leave it out give other answers with the same weights.",
        FV_STUDY_EXACT, false, 0.1 }, running },
    { { "batchnorm-bias", TOPIC,
        "A bias in front of batch norm changes nothing in training and gets no gradient; at inference the running mean absorbs it.",
        "\"The result is the same\" without the bias: while training, and at inference only when the running mean has followed.",
        "Ioffe, Szegedy 2015, section 3.2",
        "a convolution with and without a bias of .5, in both modes",
        "0 in training, no gradient; a change at inference until the mean follows",
        "So most networks leave the bias out. Some published weights (VGG with batch norm) keep it, and a loader that drops it gives wrong answers.",
        FV_STUDY_EXACT, false, 0.1 }, bias },
    { { "batchnorm-fold", TOPIC,
        "At inference batch norm folds into the convolution: W' = W gamma / sqrt(v + eps), b' = (b - mu) gamma / sqrt(v + eps) + beta.",
        NULL, "Jacob et al. 2018, section 3.2",
        "plans the same network folded and unfolded",
        "equal to 1e-5; fewer steps",
        "It costs nothing at inference: the fold is done once, when the plan is made. This is one reason why it won over norms that depend on the picture.",
        FV_STUDY_EXACT, false, 0.1 }, fold },
    { { "batchnorm-batch-size", TOPIC,
        "What a picture becomes depends on the pictures beside it, the more the smaller the batch: about as 1 / sqrt(m).",
        NULL, "Ioffe 2017; Wu, He 2018, figure 1",
        "the same picture in 64 batches of other pictures, for six sizes of batch",
        "batch of 2 / of 64 above 2; of 16 / of 64 near 2",
        "This noise regularises at 32 and ruins training at 2. It is why gradient accumulation does not replace a large batch, and why several machines need synchronised statistics.",
        FV_STUDY_MEASURED, false, 0.2 }, batch_size },
    { { 0 }, NULL },
};
// clang-format on
