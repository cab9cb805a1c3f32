/* inverted.c -- inverted residuals with linear bottlenecks (Sandler et al. 2018, section 3.3), squeeze and excitation in
 * between (Hu, Shen, Sun 2017), and the fused form (Tan, Le 2021, figure 2).
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/inverted.h"
#include "graph/branch.h"
#include <stdio.h>

fv_val fv_conv_bn(fv_graph *g, fv_val x, const char *conv, const char *norm, fv_conv p, fv_bn bn, fv_act act)
{
    p.pad = p.same ? 0 : p.k / 2;
    return fv_activate(g, fv_batchnorm(g, fv_conv2d(g, x, conv, p), norm, bn), act);
}

/* The next part: a convolution and its batch norm, which PyTorch's networks count and timm's call by name. */
typedef struct parts {
    fv_graph *g;
    const fv_inverted *b;
    int parts, norms;
} parts;

static fv_val part(parts *q, fv_val x, const char *timm, fv_conv p, fv_act act)
{
    char conv[24], norm[24];

    p.same = q->b->same;
    if (q->b->spelling == FV_SPELL_TIMM) {
        snprintf(conv, sizeof conv, "%s", timm);
        snprintf(norm, sizeof norm, "bn%d", ++q->norms);
    } else if (q->b->spelling == FV_SPELL_MNASNET) {
        snprintf(conv, sizeof conv, "layers.%d", 3 * q->parts);
        snprintf(norm, sizeof norm, "layers.%d", 3 * q->parts++ + 1);
    } else {
        snprintf(conv, sizeof conv, "block.%d.0", q->parts);
        snprintf(norm, sizeof norm, "block.%d.1", q->parts++);
    }
    return fv_conv_bn(q->g, x, conv, norm, p, q->b->bn, act);
}

/* A factor for each channel, from the means of all channels: Hu et al., eq. (2)-(4). */
static fv_val squeeze_excite(parts *q, fv_val x)
{
    const bool timm = q->b->spelling == FV_SPELL_TIMM;
    fv_val s = fv_global_avgpool(q->g, x);

    if (timm) fv_scope(q->g, "se");
    else fv_scope(q->g, "block.%d", q->parts++);
    s = fv_conv2d(q->g, s, timm ? "conv_reduce" : "fc1", (fv_conv){ .out = q->b->squeezed, .bias = true });
    s = fv_activate(q->g, s, q->b->squeeze);
    s = fv_conv2d(q->g, s, timm ? "conv_expand" : "fc2", (fv_conv){ .out = q->b->wide, .bias = true });
    s = fv_activate(q->g, s, q->b->gate);
    fv_scope(q->g, NULL);
    return fv_mul(q->g, x, s);
}

fv_val fv_inverted_residual(fv_graph *g, fv_val x, const fv_inverted *b)
{
    const int in = fv_channels(g, x);
    const bool expands = b->wide != in;
    parts q = { .g = g, .b = b };
    fv_val y = x;

    if (b->fused && !expands && !b->two) { /* one convolution, with an activation */
        y = part(&q, y, "conv", (fv_conv){ .out = b->out, .k = b->k, .stride = b->stride }, b->act);
    } else {
        if (b->fused) y = part(&q, y, "conv_exp", (fv_conv){ .out = b->wide, .k = b->k, .stride = b->stride }, b->act);
        else if (expands) y = part(&q, y, "conv_pw", (fv_conv){ .out = b->wide, .k = 1 }, b->act);
        const fv_conv filter = { .out = b->wide, .k = b->k, .stride = b->stride, .groups = b->wide };
        if (!b->fused) y = part(&q, y, "conv_dw", filter, b->act);
        if (b->squeezed) y = squeeze_excite(&q, y);
        y = part(&q, y, expands || b->fused ? "conv_pwl" : "conv_pw", (fv_conv){ .out = b->out, .k = 1 }, FV_ACT_NONE);
    }
    if (b->stride != 1 || in != b->out) return y;
    return fv_add(g, b->drops ? fv_drop_path(g, y, b->drop) : fv_branch(g, y), x);
}
