/* resnet.c -- residual networks and ResNeXt.
 * He, Zhang, Ren, Sun: "Deep Residual Learning for Image Recognition" (2015), table 1 and section 4.2.
 * Xie, Girshick, Dollar, Tu, He: "Aggregated Residual Transformations for Deep Neural Networks" (2016), table 1 and
 * section 5.3. Zagoruyko, Komodakis: "Wide Residual Networks" (2016), section 3.1.
 * Deviation: stride 2 sits on the 3x3 of a bottleneck ("v1.5"), as in the published PyTorch weights, whose tensor
 * names are kept; the _v1 rows have it on the first 1x1, as the paper has.
 * ResNeXt's rows _a and _b are the other two forms of its figure 3: paths of their own, named paths.0, paths.1, ...; the
 * norm of a path's two first layers is its own, too, the last norm follows the sum of all paths.
 * The CIFAR ResNeXts' names of tensors are those of the other rows, their counts follow from section 5.3 (table 7: 34.4 M
 * and 68.1 M parameters): three stages of three blocks, a 3x3 stem of 64 channels, projections where the shape changes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/resnet.h"
#include "graph/branch.h"
#include "models/models.h"

static fv_val conv_bn(fv_graph *g, fv_val x, const char *conv, const char *bn, fv_conv p)
{
    p.pad = p.k / 2;
    return fv_batchnorm(g, fv_conv2d(g, x, conv, p), bn, (fv_bn){ 0 });
}

/* ---- ImageNet: table 1, projections where the shape changes (option B) ---- */

enum { MOST_PATHS = 32 }; /* that a concatenation takes */

/* The residual function as paths of their own, each `width` channels wide. */
static fv_val paths(fv_graph *g, fv_val x, const fv_resnet *c, int width, int out, int stride)
{
    fv_val y[MOST_PATHS] = { 0 }, sum = x;

    for (int i = 0; i < c->paths && i < MOST_PATHS; i++) {
        fv_scope(g, "paths.%d", i);
        y[i] = fv_relu(g, conv_bn(g, x, "conv1", "bn1", (fv_conv){ .out = width, .k = 1 }));
        y[i] = fv_relu(g, conv_bn(g, y[i], "conv2", "bn2", (fv_conv){ .out = width, .k = 3, .stride = stride }));
        if (c->form == FV_FORM_A) {
            y[i] = fv_conv2d(g, y[i], "conv3", (fv_conv){ .out = out });
            sum = i ? fv_add(g, sum, y[i]) : y[i];
        }
        fv_scope(g, NULL);
    }
    if (c->form == FV_FORM_B) sum = fv_conv2d(g, fv_concat(g, y, c->paths), "conv3", (fv_conv){ .out = out });
    return fv_batchnorm(g, sum, "bn3", (fv_bn){ 0 });
}

static fv_val bottleneck(fv_graph *g, fv_val x, const fv_resnet *c, int planes, int stride)
{
    const int width = planes / 64 * c->width, all = width * c->paths;
    const int first = c->v1 ? stride : 1;
    fv_val y = x;

    if (c->form != FV_FORM_C) return paths(g, x, c, width, 4 * planes, stride);
    y = fv_relu(g, conv_bn(g, y, "conv1", "bn1", (fv_conv){ .out = all, .k = 1, .stride = first }));
    y = fv_relu(g, conv_bn(g, y, "conv2", "bn2",
                           (fv_conv){ .out = all, .k = 3, .stride = stride / first, .groups = c->paths }));
    return conv_bn(g, y, "conv3", "bn3", (fv_conv){ .out = 4 * planes, .k = 1 });
}

static fv_val basic(fv_graph *g, fv_val x, int planes, int stride)
{
    x = fv_relu(g, conv_bn(g, x, "conv1", "bn1", (fv_conv){ .out = planes, .k = 3, .stride = stride }));
    return conv_bn(g, x, "conv2", "bn2", (fv_conv){ .out = planes, .k = 3 });
}

static fv_val project(fv_graph *g, fv_val x, int out, int stride)
{
    return conv_bn(g, x, "downsample.0", "downsample.1", (fv_conv){ .out = out, .k = 1, .stride = stride });
}

/* Section 3.2, eq. (1)-(2). */
fv_val fv_resnet_block(fv_graph *g, fv_val x, const fv_resnet *c, int planes, int stride)
{
    const int out = c->bottleneck ? 4 * planes : planes;
    const fv_val y = c->bottleneck ? bottleneck(g, x, c, planes, stride) : basic(g, x, planes, stride);

    if (stride != 1 || fv_channels(g, x) != out) x = project(g, x, out, stride);
    return fv_relu(g, fv_add(g, fv_branch(g, y), x));
}

/* The small stem keeps the resolution of small pictures: 3x3 without stride, no pooling. */
static fv_val stem(fv_graph *g, fv_val x, fv_stem form)
{
    if (form == FV_STEM_CIFAR) return fv_relu(g, conv_bn(g, x, "conv1", "bn1", (fv_conv){ .out = 64, .k = 3 }));
    x = fv_relu(g, conv_bn(g, x, "conv1", "bn1", (fv_conv){ .out = 64, .k = 7, .stride = 2 }));
    return fv_maxpool(g, x, (fv_pool){ .k = 3, .stride = 2, .pad = 1 });
}

static const char *const stages[] = { "layer1", "layer2", "layer3", "layer4" };

static fv_val resnet(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const fv_resnet *c = cfg;

    if (c->cifar && b->stem == FV_STEM_IMAGENET) fv_fail_graph(g, "a CIFAR network has no ImageNet stem");
    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_OUT, 0, 0 }, (fv_init){ FV_INIT_TORCH, 0, 0 });
    fv_stochastic_depth(g, b);
    x = stem(g, x, c->cifar ? FV_STEM_CIFAR : b->stem);
    for (int stage = 0; stage < 4 && c->depth[stage]; stage++) {
        for (int i = 0; i < c->depth[stage]; i++) {
            fv_scope(g, "layer%d.%d", stage + 1, i);
            x = fv_resnet_block(g, x, c, 64 << stage, stage > 0 && i == 0 ? 2 : 1);
            fv_scope(g, NULL);
        }
        fv_name(g, x, stages[stage]);
    }
    return fv_linear(g, fv_global_avgpool(g, x), "fc", b->classes);
}

/* ---- CIFAR: section 4.2, 6n + 2 layers, shortcuts without weights (option A) ---- */

typedef struct cifar_cfg {
    int n;         /* blocks of a stage */
    bool projects; /* option B */
} cifar_cfg;

/* Every other pixel, and zeros for the channels that the input lacks, as many in front as behind. */
static fv_val option_a(fv_graph *g, fv_val x, int out, int stride)
{
    const int more = out - fv_channels(g, x);
    x = fv_maxpool(g, x, (fv_pool){ .k = 1, .stride = stride });
    return fv_pad(g, x, (fv_padding){ .c_front = more / 2, .c_back = more - more / 2 });
}

static fv_val cifar_block(fv_graph *g, fv_val x, const cifar_cfg *c, int width, int stride)
{
    const fv_val y = basic(g, x, width, stride);
    if (stride != 1) x = c->projects ? project(g, x, width, stride) : option_a(g, x, width, stride);
    return fv_relu(g, fv_add(g, fv_branch(g, y), x));
}

static fv_val cifar_resnet(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const cifar_cfg *c = cfg;

    if (b->stem == FV_STEM_IMAGENET) fv_fail_graph(g, "a CIFAR network has no ImageNet stem");
    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_IN, 0, 0 }, (fv_init){ FV_INIT_HE_FAN_IN, 0, 0 });
    fv_stochastic_depth(g, b);
    x = fv_relu(g, conv_bn(g, x, "conv1", "bn1", (fv_conv){ .out = 16, .k = 3 }));
    for (int stage = 0; stage < 3; stage++) {
        for (int i = 0; i < c->n; i++) {
            fv_scope(g, "layer%d.%d", stage + 1, i);
            x = cifar_block(g, x, c, 16 << stage, stage > 0 && i == 0 ? 2 : 1);
            fv_scope(g, NULL);
        }
        fv_name(g, x, stages[stage]);
    }
    return fv_linear(g, fv_global_avgpool(g, x), "linear", b->classes);
}

// clang-format off
#define BASIC(...)           &(const fv_resnet){ { __VA_ARGS__ }, false, 1, 64, FV_FORM_C, false, false }
#define BOTTLE(...)          &(const fv_resnet){ { __VA_ARGS__ }, true, 1, 64, FV_FORM_C, false, false }
#define V1(...)              &(const fv_resnet){ { __VA_ARGS__ }, true, 1, 64, FV_FORM_C, true, false }
#define R50                  { 3, 4, 6, 3 }
#define R101                 { 3, 4, 23, 3 }
#define NEXT(depth, C, d)    &(const fv_resnet){ depth, true, C, d, FV_FORM_C, false, false }
#define FORM(form)           &(const fv_resnet){ R50, true, 32, 4, form, false, false }
#define NEXT29(C, d)         &(const fv_resnet){ { 3, 3, 3, 0 }, true, C, d, FV_FORM_C, false, true }
#define N(n)                 &(const cifar_cfg){ n, false }
#define NB(n)                &(const cifar_cfg){ n, true }
#define IMAGENET             224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000
#define NEWER                224, 232, FV_BILINEAR, FV_NORM_IMAGENET, 1000
#define CIFAR                32, 32, FV_BILINEAR, FV_NORM_IMAGENET, 10
#define TV                   "torchvision, IMAGENET1K_V1 weights"
#define PAPER                "He et al. 2015, table 6"
#define AUTHORS              "the authors' models, one crop"
#define XIE                  "Xie et al. 2016, table 7"
const fv_model fv_models_resnet[] = {
    /* name                 family      build         config                input     params       MACs          top1    source */
    { "resnet18",          "resnet",  resnet,       BASIC(2, 2,  2, 2),    IMAGENET, 11689512,  1814073344, 69.758, TV },
    { "resnet34",          "resnet",  resnet,       BASIC(3, 4,  6, 3),    IMAGENET, 21797672,  3663761408, 73.314, TV },
    { "resnet50",          "resnet",  resnet,       BOTTLE(3, 4,  6, 3),   IMAGENET, 25557032,  4089184256, 76.130, TV },
    { "resnet101",         "resnet",  resnet,       BOTTLE(3, 4, 23, 3),   IMAGENET, 44549160,  7801405440, 77.374, TV },
    { "resnet152",         "resnet",  resnet,       BOTTLE(3, 8, 36, 3),   IMAGENET, 60192808, 11513626624, 78.312, TV },
    { "resnet50_v1",       "resnet",  resnet,       V1(3, 4,  6, 3),       IMAGENET, 25557032,  3857973248, 75.3,   AUTHORS },
    { "resnet101_v1",      "resnet",  resnet,       V1(3, 4, 23, 3),       IMAGENET, 44549160,  7570194432, 76.4,   AUTHORS },
    { "resnet152_v1",      "resnet",  resnet,       V1(3, 8, 36, 3),       IMAGENET, 60192808, 11282415616, 77.0,   AUTHORS },
    { "wide_resnet50_2",   "resnet",  resnet,       NEXT(R50, 1, 128),     IMAGENET, 68883240, 11398021120, 78.468, TV },
    { "wide_resnet101_2",  "resnet",  resnet,       NEXT(R101, 1, 128),    IMAGENET, 126886696, 22753050624, 78.848, TV },
    { "resnext50_32x4d",   "resnext", resnet,       NEXT(R50, 32, 4),      IMAGENET, 25028904,  4230479872, 77.618, TV },
    { "resnext101_32x8d",  "resnext", resnet,       NEXT(R101, 32, 8),     IMAGENET, 88791336, 16414015488, 79.312, TV },
    { "resnext101_64x4d",  "resnext", resnet,       NEXT(R101, 64, 4),     NEWER,    83455272, 15460270080, 83.246, TV },
    { "resnext50_32x4d_a", "resnext", resnet,       FORM(FV_FORM_A),          IMAGENET, 25028904,  4230479872, 0,      NULL },
    { "resnext50_32x4d_b", "resnext", resnet,       FORM(FV_FORM_B),          IMAGENET, 25028904,  4230479872, 0,      NULL },
    { "resnext29_8x64d",   "resnext", resnet,       NEXT29(8, 64),         CIFAR,    34426698,  5387266048, 96.35,  XIE },
    { "resnext29_16x64d",  "resnext", resnet,       NEXT29(16, 64),        CIFAR,    68155210,  10688866304, 96.42,  XIE },
    { "resnet20",          "resnet",  cifar_resnet, N(3),                  CIFAR,      269722,    40551040, 91.25,  PAPER },
    { "resnet32",          "resnet",  cifar_resnet, N(5),                  CIFAR,      464154,    68862592, 92.49,  PAPER },
    { "resnet44",          "resnet",  cifar_resnet, N(7),                  CIFAR,      658586,    97174144, 92.83,  PAPER },
    { "resnet56",          "resnet",  cifar_resnet, N(9),                  CIFAR,      853018,   125485696, 93.03,  PAPER },
    { "resnet110",         "resnet",  cifar_resnet, N(18),                 CIFAR,     1727962,   252887680, 93.57,  PAPER },
    { "resnet1202",        "resnet",  cifar_resnet, N(200),                CIFAR,    19421274,  2829238912, 92.07,  PAPER },
    { "resnet20_b",        "resnet",  cifar_resnet, NB(3),                 CIFAR,      272474,    40813184, 0,      NULL },
    { 0 }
};
// clang-format on
