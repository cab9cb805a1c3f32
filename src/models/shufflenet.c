/* shufflenet.c -- parts of the networks that the authors of ShuffleNet published, as their training code has them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/shufflenet.h"
#include <stdio.h>

static const fv_init small = { FV_INIT_NORMAL, 0.01f, 0 };

fv_val fv_shuffle_conv_bn(fv_graph *g, fv_val x, int i, fv_conv p)
{
    char conv[16], norm[16];
    const int groups = p.groups ? p.groups : 1;

    snprintf(conv, sizeof conv, "%d", i);
    snprintf(norm, sizeof norm, "%d", i + 1);
    if (p.init.kind == FV_INIT_DEFAULT)
        p.init = (fv_init){ FV_INIT_NORMAL, (float)groups / (float)fv_channels(g, x), 0 };
    return fv_batchnorm(g, fv_conv2d(g, x, conv, p), norm, (fv_bn){ 0 });
}

fv_val fv_shuffle_stem(fv_graph *g, fv_val x, int out, fv_act act, bool pool, fv_stem form)
{
    const int stride = form == FV_STEM_CIFAR ? 1 : 2;

    fv_scope(g, "first_conv");
    x = fv_shuffle_conv_bn(g, x, 0, (fv_conv){ .out = out, .k = 3, .stride = stride, .pad = 1, .init = small });
    fv_scope(g, NULL);
    x = fv_activate(g, x, act);
    fv_name(g, x, "first_conv");
    if (!pool || form == FV_STEM_CIFAR) return x;
    x = fv_maxpool(g, x, (fv_pool){ .k = 3, .stride = 2, .pad = 1 });
    fv_name(g, x, "maxpool");
    return x;
}

/* A shuffle of c / 2 groups is the inverse of the paper's of 2 groups: the even channels come first. */
void fv_shuffle_halves(fv_graph *g, fv_val x, fv_val half[2])
{
    const int c = fv_channels(g, x);

    x = fv_shuffle(g, x, c / 2);
    half[0] = fv_slice(g, x, 0, c / 2);
    half[1] = fv_slice(g, x, c / 2, c);
}

fv_val fv_shuffle_attention(fv_graph *g, fv_val x)
{
    const int c = fv_channels(g, x);
    fv_default_init(g, (fv_init){ 0 }, small);
    const fv_val s = fv_relu(g, fv_linear(g, fv_global_avgpool(g, x), "se_fc1", c));
    return fv_mul(g, x, fv_activate(g, fv_linear(g, s, "se_fc2", c), FV_ACT_SIGMOID));
}

fv_val fv_shuffle_classifier(fv_graph *g, fv_val x, float dropout, int classes)
{
    fv_default_init(g, (fv_init){ 0 }, small);
    return fv_linear_no_bias(g, fv_dropout(g, x, dropout), "classifier.0", classes);
}
