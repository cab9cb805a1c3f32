/* mobilenet_v1.c -- a convolution split in two: each channel by itself, then the channels of each pixel.
 * Howard et al.: "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications" (2017), table 1,
 * with timm's names of tensors. The resolution multiplier is the input's size. Deviations: ReLU6 for ReLU, as released;
 * the last depthwise convolution has stride 1 (the paper's table says 2, and the same size before and behind it).
 * The tf_ rows pad and normalise as TensorFlow does.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/inverted.h"
#include "models/models.h"

typedef struct mobilenet_v1_cfg {
    double width; /* section 3.3 */
    bool tf;
} mobilenet_v1_cfg;

static const struct stage {
    int out, repeat, stride;
} stages[] = { { 64, 1, 1 }, { 128, 2, 2 }, { 256, 2, 2 }, { 512, 6, 2 }, { 1024, 2, 2 } };
enum { STAGES = sizeof stages / sizeof *stages };

static int scaled(int channels, double width)
{
    const int c = (int)(channels * width);
    return c < 8 ? 8 : c;
}

/* Section 3.1, figure 3. */
static fv_val separable(fv_graph *g, fv_val x, int out, int stride, bool tf, fv_bn bn)
{
    const int in = fv_channels(g, x);
    const fv_conv filter = { .out = in, .k = 3, .stride = stride, .groups = in, .same = tf };

    x = fv_conv_bn(g, x, "conv_dw", "bn1", filter, bn, FV_ACT_RELU6);
    return fv_conv_bn(g, x, "conv_pw", "bn2", (fv_conv){ .out = out, .k = 1 }, bn, FV_ACT_RELU6);
}

static fv_val mobilenet_v1(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    static const char *const names[STAGES] = { "blocks.0", "blocks.1", "blocks.2", "blocks.3", "blocks.4" };
    const mobilenet_v1_cfg *c = cfg;
    const fv_bn bn = c->tf ? (fv_bn){ 1e-3f, 0.0003f } : (fv_bn){ 0 };
    const int stride = b->stem == FV_STEM_CIFAR ? 1 : 2;

    fv_default_init(g, (fv_init){ FV_INIT_TRUNC_NORMAL, 0.09f, 0 }, (fv_init){ FV_INIT_TRUNC_NORMAL, 0.09f, 0 });
    x = fv_conv_bn(g, x, "conv_stem", "bn1",
                   (fv_conv){ .out = scaled(32, c->width), .k = 3, .stride = stride, .same = c->tf }, bn, FV_ACT_RELU6);
    for (int s = 0; s < STAGES; s++) {
        for (int i = 0; i < stages[s].repeat; i++) {
            fv_scope(g, "blocks.%d.%d", s, i);
            x = separable(g, x, scaled(stages[s].out, c->width), i == 0 ? stages[s].stride : 1, c->tf, bn);
            fv_scope(g, NULL);
        }
        fv_name(g, x, names[s]);
    }
    x = fv_dropout(g, fv_global_avgpool(g, x), 0.001f);
    return fv_linear(g, x, "classifier", b->classes);
}

// clang-format off
#define W(width)  &(const mobilenet_v1_cfg){ width, false }
#define TF(width) &(const mobilenet_v1_cfg){ width, true }
#define UNIT 224, 256, FV_BILINEAR, FV_NORM_UNIT, 1000
#define TIMM "timm, mobilenetv1_100.ra4_e3600_r224_in1k"
#define SLIM "TensorFlow Slim, mobilenet_v1 checkpoints"
const fv_model fv_models_mobilenet_v1[] = {
    /* name                 family          build         config    input                                   params  MACs       top1   source */
    { "mobilenet_v1",       "mobilenet_v1", mobilenet_v1, W(1.0),   224, 256, FV_BICUBIC, FV_NORM_UNIT, 1000, 4231976, 568740352, 75.39, TIMM },
    { "mobilenet_v1_075",   "mobilenet_v1", mobilenet_v1, W(0.75),  UNIT, 2585560, 325400448, 68.4, SLIM },
    { "mobilenet_v1_050",   "mobilenet_v1", mobilenet_v1, W(0.5),   UNIT, 1331592, 149497088, 63.3, SLIM },
    { "mobilenet_v1_025",   "mobilenet_v1", mobilenet_v1, W(0.25),  UNIT,  470072,  41030272, 49.8, SLIM },
    { "tf_mobilenetv1_100", "mobilenet_v1", mobilenet_v1, TF(1.0),  UNIT, 4231976, 568740352, 70.9, SLIM },
    { "tf_mobilenetv1_075", "mobilenet_v1", mobilenet_v1, TF(0.75), UNIT, 2585560, 325400448, 68.4, SLIM },
    { "tf_mobilenetv1_050", "mobilenet_v1", mobilenet_v1, TF(0.5),  UNIT, 1331592, 149497088, 63.3, SLIM },
    { "tf_mobilenetv1_025", "mobilenet_v1", mobilenet_v1, TF(0.25), UNIT,  470072,  41030272, 49.8, SLIM },
    { 0 }
};
// clang-format on
