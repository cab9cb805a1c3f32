/* regnet.c -- networks whose widths lie on a line, and little else.
 * Radosavovic, Kosaraju, Girshick, He, Dollar: "Designing Network Design Spaces" (2020), section 3.3, eq. (2)-(4), and
 * tables 2 and 3, with PyTorch's names of tensors; Y has squeeze and excitation (Hu, Shen, Sun 2017), of a quarter of the
 * block's input channels. Bottlenecks as wide as the block's output (section 3.4).
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/branch.h"
#include "models/models.h"
#include <math.h>

enum { STAGES = 4, STEM = 32 };

typedef struct regnet_cfg {
    int depth, first;      /* blocks in all; w0: their width at the start of the line, */
    double slope, quantum; /* wa: its slope; wm: the ratio of the widths of neighbouring stages */
    int group;             /* channels of a group */
    bool se;
} regnet_cfg;

typedef struct stage {
    int width, blocks;
} stage;

/* Eq. (2)-(4): a line of widths, each rounded to a power of wm times w0, then to multiples of 8; blocks of the same width
 * are a stage. A stage's width is rounded to whole groups. */
static void stages_of(const regnet_cfg *c, stage s[STAGES])
{
    int n = -1, last = 0;

    for (int i = 0; i < c->depth; i++) {
        const double power = rint(log((c->first + c->slope * i) / c->first) / log(c->quantum));
        const int width = (int)rint(c->first * pow(c->quantum, power) / 8) * 8;
        if (width != last && n < STAGES - 1) s[++n] = (stage){ 0 };
        s[n].width = last = width;
        s[n].blocks++;
    }
    for (int i = 0; i <= n; i++) {
        const int group = c->group < s[i].width ? c->group : s[i].width;
        int whole = (s[i].width + group / 2) / group * group;
        if (whole < 0.9 * s[i].width) whole += group;
        s[i].width = whole;
    }
}

static fv_val conv_bn(fv_graph *g, fv_val x, const char *scope, fv_conv p)
{
    p.pad = p.k / 2;
    fv_scope(g, "%s", scope);
    x = fv_batchnorm(g, fv_conv2d(g, x, "0", p), "1", (fv_bn){ 0 });
    fv_scope(g, NULL);
    return x;
}

static fv_val squeeze_excite(fv_graph *g, fv_val x, int squeezed)
{
    fv_val s = fv_conv2d(g, fv_global_avgpool(g, x), "f.se.fc1", (fv_conv){ .out = squeezed, .bias = true });
    s = fv_conv2d(g, fv_relu(g, s), "f.se.fc2", (fv_conv){ .out = fv_channels(g, x), .bias = true });
    return fv_mul(g, x, fv_activate(g, s, FV_ACT_SIGMOID));
}

static fv_val block(fv_graph *g, fv_val x, const regnet_cfg *c, int width, int stride)
{
    const int in = fv_channels(g, x), group = c->group < width ? c->group : width;
    fv_val shortcut = x, y;

    if (stride != 1 || in != width)
        shortcut = conv_bn(g, x, "proj", (fv_conv){ .out = width, .k = 1, .stride = stride });
    y = fv_relu(g, conv_bn(g, x, "f.a", (fv_conv){ .out = width, .k = 1 }));
    y = conv_bn(g, y, "f.b", (fv_conv){ .out = width, .k = 3, .stride = stride, .groups = width / group });
    y = fv_relu(g, y);
    if (c->se) y = squeeze_excite(g, y, (int)rint(0.25 * in));
    y = conv_bn(g, y, "f.c", (fv_conv){ .out = width, .k = 1 });
    return fv_relu(g, fv_add(g, shortcut, fv_branch(g, y)));
}

static fv_val regnet(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    static const char *const names[] = { "trunk_output.block1", "trunk_output.block2", "trunk_output.block3",
                                         "trunk_output.block4" };
    const regnet_cfg *c = cfg;
    stage s[STAGES] = { 0 };

    stages_of(c, s);
    fv_stochastic_depth(g, b);
    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_OUT, 0, 0 }, (fv_init){ FV_INIT_NORMAL, 0.01f, 0 });
    x = conv_bn(g, x, "stem", (fv_conv){ .out = STEM, .k = 3, .stride = b->stem == FV_STEM_CIFAR ? 1 : 2 });
    x = fv_relu(g, x);
    for (int k = 0; k < STAGES; k++) {
        for (int i = 0; i < s[k].blocks; i++) {
            fv_scope(g, "trunk_output.block%d.block%d-%d", k + 1, k + 1, i);
            x = block(g, x, c, s[k].width, i == 0 ? 2 : 1);
            fv_scope(g, NULL);
        }
        fv_name(g, x, names[k]);
    }
    return fv_linear(g, fv_global_avgpool(g, x), "fc", b->classes);
}

// clang-format off
#define X(depth, w0, wa, wm, group) &(const regnet_cfg){ depth, w0, wa, wm, group, false }
#define Y(depth, w0, wa, wm, group) &(const regnet_cfg){ depth, w0, wa, wm, group, true }
#define IMAGENET 224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000
#define TV       "torchvision, IMAGENET1K_V1 weights"
const fv_model fv_models_regnet[] = {
    /* name             family    build   config                         input     params     MACs         top1    source */
    { "regnet_x_400mf",  "regnet", regnet, X(22, 24, 24.48, 2.54, 16),    IMAGENET,   5495976,   413812608, 72.834, TV },
    { "regnet_x_800mf",  "regnet", regnet, X(16, 56, 35.73, 2.28, 16),    IMAGENET,   7259656,   799699712, 75.212, TV },
    { "regnet_x_1_6gf",  "regnet", regnet, X(18, 80, 34.01, 2.25, 24),    IMAGENET,   9190136,  1602849792, 77.040, TV },
    { "regnet_x_3_2gf",  "regnet", regnet, X(25, 88, 26.31, 2.25, 48),    IMAGENET,  15296552,  3176621952, 78.364, TV },
    { "regnet_x_8gf",    "regnet", regnet, X(23, 80, 49.56, 2.88, 120),   IMAGENET,  39572648,  7995132416, 79.344, TV },
    { "regnet_x_16gf",   "regnet", regnet, X(22, 216, 55.59, 2.1, 128),   IMAGENET,  54278536, 15940755456, 80.058, TV },
    { "regnet_x_32gf",   "regnet", regnet, X(23, 320, 69.86, 2.0, 168),   IMAGENET, 107811560, 31735929792, 80.622, TV },
    { "regnet_y_400mf",  "regnet", regnet, Y(16, 48, 27.89, 2.09, 8),     IMAGENET,   4344144,   401842848, 74.046, TV },
    { "regnet_y_800mf",  "regnet", regnet, Y(14, 56, 38.84, 2.4, 16),     IMAGENET,   6432512,   833856256, 76.420, TV },
    { "regnet_y_1_6gf",  "regnet", regnet, Y(27, 48, 20.71, 2.65, 24),    IMAGENET,  11202430,  1612076160, 77.950, TV },
    { "regnet_y_3_2gf",  "regnet", regnet, Y(21, 80, 42.63, 2.66, 24),    IMAGENET,  19436338,  3176482752, 78.948, TV },
    { "regnet_y_8gf",    "regnet", regnet, Y(17, 192, 76.82, 2.19, 56),   IMAGENET,  39381472,  8473070592, 80.032, TV },
    { "regnet_y_16gf",   "regnet", regnet, Y(18, 200, 106.23, 2.48, 112), IMAGENET,  83590140, 15911510272, 80.424, TV },
    { "regnet_y_32gf",   "regnet", regnet, Y(20, 232, 115.89, 2.53, 232), IMAGENET, 145046770, 32279552832, 80.878, TV },
    { 0 }
};
// clang-format on
