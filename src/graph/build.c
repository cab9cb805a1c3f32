/* build.c -- the public builder: options with their defaults become attributes of a node.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/node.h"
#include <string.h>

static int or_else(int value, int otherwise)
{
    return value ? value : otherwise;
}

static fv_val one(fv_graph *g, fv_op_id id, const char *name, fv_attr a, fv_val x)
{
    return fv_node_add(g, id, name, a, &x, 1, (fv_init){ 0 });
}

fv_val fv_input(fv_graph *g, const char *name, int h, int w, int c)
{
    const int most = 1 << 24;
    if (h < 1 || w < 1 || c < 1 || h > most || w > most || c > most) {
        fv_fail(&g->err, FV_ARG, "input '%s': %d x %d x %d", name, h, w, c);
        return (fv_val){ 0 };
    }
    const fv_val x = fv_node_add(g, FV_OP_INPUT, name, (fv_attr){ 0 }, NULL, 0, (fv_init){ 0 });
    if (g->err.status == FV_OK) g->node[x.id].shape = (fv_shape){ 1, h, w, c };
    return x;
}

fv_val fv_conv2d(fv_graph *g, fv_val x, const char *name, fv_conv p)
{
    fv_attr a = { 0 };
    a.conv.out = p.out;
    a.conv.kh = or_else(p.k, 1);
    a.conv.kw = or_else(p.kw, a.conv.kh);
    a.conv.sh = or_else(p.stride, 1);
    a.conv.sw = or_else(p.stride_w, a.conv.sh);
    const bool sides = p.pads[0] || p.pads[1] || p.pads[2] || p.pads[3];
    a.conv.top = sides ? p.pads[0] : p.pad;
    a.conv.left = sides ? p.pads[1] : p.pad;
    a.conv.bottom = sides ? p.pads[2] : p.pad;
    a.conv.right = sides ? p.pads[3] : p.pad;
    a.conv.dil = or_else(p.dilation, 1);
    a.conv.groups = or_else(p.groups, 1);
    a.conv.same = p.same;
    a.conv.bias = p.bias;
    const fv_init init = p.init.kind == FV_INIT_DEFAULT ? g->conv_init : p.init;
    return fv_node_add(g, FV_OP_CONV2D, name, a, &x, 1, init);
}

static fv_val linear(fv_graph *g, fv_val x, const char *name, int out, bool bias)
{
    const fv_shape s = fv_shape_of(g, x);
    if (s.h > 1 || s.w > 1) x = fv_flatten(g, x);
    fv_attr a = { 0 };
    a.conv.out = out;
    a.conv.kh = a.conv.kw = a.conv.sh = a.conv.sw = a.conv.dil = a.conv.groups = 1;
    a.conv.bias = bias;
    return fv_node_add(g, FV_OP_LINEAR, name, a, &x, 1, g->linear_init);
}

fv_val fv_linear(fv_graph *g, fv_val x, const char *name, int out)
{
    return linear(g, x, name, out, true);
}

fv_val fv_linear_no_bias(fv_graph *g, fv_val x, const char *name, int out)
{
    return linear(g, x, name, out, false);
}

fv_val fv_batchnorm(fv_graph *g, fv_val x, const char *name, fv_bn p)
{
    fv_attr a = { 0 };
    a.bn.eps = p.eps != 0 ? p.eps : 1e-5f;
    a.bn.momentum = p.momentum != 0 ? p.momentum : 0.1f;
    return one(g, FV_OP_BATCHNORM, name, a, x);
}

fv_val fv_lrn2d(fv_graph *g, fv_val x, fv_lrn p)
{
    fv_attr a = { 0 };
    a.lrn.n = or_else(p.n, 5);
    a.lrn.alpha = p.alpha != 0 ? p.alpha : 1e-4f;
    a.lrn.beta = p.beta != 0 ? p.beta : 0.75f;
    a.lrn.k = p.k != 0 ? p.k : 2;
    return one(g, FV_OP_LRN, NULL, a, x);
}

static fv_val pool(fv_graph *g, fv_op_id id, fv_val x, fv_pool p)
{
    fv_attr a = { 0 };
    a.pool.kh = or_else(p.k, 1);
    a.pool.kw = or_else(p.kw, a.pool.kh);
    a.pool.sh = or_else(p.stride, 1);
    a.pool.sw = or_else(p.stride_w, a.pool.sh);
    a.pool.pad = p.pad;
    a.pool.ceil_mode = p.ceil_mode;
    a.pool.exclude_pad = p.exclude_pad;
    return one(g, id, NULL, a, x);
}

fv_val fv_maxpool(fv_graph *g, fv_val x, fv_pool p)
{
    return pool(g, FV_OP_MAXPOOL, x, p);
}

fv_val fv_avgpool(fv_graph *g, fv_val x, fv_pool p)
{
    return pool(g, FV_OP_AVGPOOL, x, p);
}

fv_val fv_global_avgpool(fv_graph *g, fv_val x)
{
    const fv_shape s = fv_shape_of(g, x);
    fv_attr a = { 0 };
    a.pool.kh = s.h;
    a.pool.kw = s.w;
    a.pool.sh = a.pool.sw = 1;
    a.pool.global = true;
    return one(g, FV_OP_AVGPOOL, NULL, a, x);
}

fv_val fv_activate(fv_graph *g, fv_val x, fv_act act)
{
    if (act == FV_ACT_NONE) return x;
    if ((unsigned)act >= FV_ACT_COUNT) {
        fv_fail(&g->err, FV_ARG, "%sactivation %d is unknown", g->scope, (int)act);
        return x;
    }
    return one(g, FV_OP_ACTIVATION, NULL, (fv_attr){ .act = act }, x);
}

fv_val fv_relu(fv_graph *g, fv_val x)
{
    return fv_activate(g, x, FV_ACT_RELU);
}

fv_val fv_add(fv_graph *g, fv_val a, fv_val b)
{
    return fv_node_add(g, FV_OP_ADD, NULL, (fv_attr){ 0 }, (fv_val[]){ a, b }, 2, (fv_init){ 0 });
}

fv_val fv_mul(fv_graph *g, fv_val a, fv_val b)
{
    return fv_node_add(g, FV_OP_MUL, NULL, (fv_attr){ 0 }, (fv_val[]){ a, b }, 2, (fv_init){ 0 });
}

fv_val fv_concat(fv_graph *g, const fv_val *x, int n)
{
    return fv_node_add(g, FV_OP_CONCAT, NULL, (fv_attr){ 0 }, x, n, (fv_init){ 0 });
}

fv_val fv_slice(fv_graph *g, fv_val x, int begin, int end)
{
    fv_attr a = { 0 };
    a.slice.begin = begin;
    a.slice.end = end;
    return one(g, FV_OP_SLICE, NULL, a, x);
}

fv_val fv_shuffle(fv_graph *g, fv_val x, int groups)
{
    return one(g, FV_OP_SHUFFLE, NULL, (fv_attr){ .groups = groups }, x);
}

fv_val fv_pad(fv_graph *g, fv_val x, fv_padding p)
{
    return one(g, FV_OP_PAD, NULL, (fv_attr){ .pad = p }, x);
}

/* A chance of 0 is the identity and leaves no node. */
fv_val fv_dropout(fv_graph *g, fv_val x, float p)
{
    return p != 0 ? one(g, FV_OP_DROPOUT, NULL, (fv_attr){ .p = p }, x) : x;
}

fv_val fv_drop_path(fv_graph *g, fv_val x, float p)
{
    return p != 0 ? one(g, FV_OP_DROP_PATH, NULL, (fv_attr){ .p = p }, x) : x;
}

fv_val fv_flatten(fv_graph *g, fv_val x)
{
    return one(g, FV_OP_FLATTEN, NULL, (fv_attr){ 0 }, x);
}

fv_val fv_softmax_xent(fv_graph *g, fv_val logits, fv_val target, float smoothing)
{
    return fv_node_add(g, FV_OP_SOFTMAX_XENT, NULL, (fv_attr){ .xent.smoothing = smoothing },
                       (fv_val[]){ logits, target }, 2, (fv_init){ 0 });
}
