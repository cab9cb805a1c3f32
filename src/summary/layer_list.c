/* layer_list.c -- layers written on one line become a network, to calculate sizes, receptive fields and costs with.
 *   list = [ROWSxCOLUMNS[xCHANNELS]] item item ...        separated by blanks or commas
 *   item = kind [K[xK]] { /STRIDE[xSTRIDE] | pPAD | same | ceil | dDILATION | gGROUPS | :OUTPUTS | *TIMES }
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/net.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 24, MOST_LAYERS = 4096, NAME = 60 };

typedef struct item {
    int k, kw, stride, stride_w, pad, dilation, groups, out; /* 0: not said */
    bool same, ceil;
} item;
typedef struct list {
    fv_graph *g;
    fv_val x;
    int made;        /* layers so far */
    char name[NAME]; /* of the next one */
} list;

static fv_conv conv_of(const item *i)
{
    return (fv_conv){ .out = i->out,
                      .k = i->k,
                      .kw = i->kw,
                      .stride = i->stride,
                      .stride_w = i->stride_w,
                      .pad = i->pad,
                      .same = i->same,
                      .dilation = i->dilation,
                      .groups = i->groups,
                      .bias = true };
}

static fv_val add_conv(list *l, const item *i)
{
    fv_conv c = conv_of(i);
    if (!c.out) c.out = fv_channels(l->g, l->x);
    return fv_conv2d(l->g, l->x, l->name, c);
}

static fv_val add_depthwise(list *l, const item *i)
{
    fv_conv c = conv_of(i);
    c.groups = fv_channels(l->g, l->x);
    if (!c.out) c.out = c.groups;
    return fv_conv2d(l->g, l->x, l->name, c);
}

/* What SAME adds to `in` pixels (as in op_conv2d.c): in all, half of it before. */
static int same_pads(int in, int k, int stride)
{
    const int64_t out = ((int64_t)in + stride - 1) / stride, reach = (out - 1) * stride + k;
    return reach > in ? (int)(reach - in) : 0;
}

static fv_pool pool_of(list *l, const item *i)
{
    fv_pool p = { .k = i->k, .kw = i->kw ? i->kw : i->k, .pad = i->pad, .ceil_mode = i->ceil };
    p.stride = i->stride ? i->stride : p.k;
    p.stride_w = i->stride_w ? i->stride_w : i->stride ? i->stride : p.kw;
    if (!i->same) return p;
    const fv_shape s = fv_shape_of(l->g, l->x);
    const int rows = same_pads(s.h, p.k, p.stride), columns = same_pads(s.w, p.kw, p.stride_w);
    const fv_padding z = {
        .top = rows / 2, .left = columns / 2, .bottom = rows - rows / 2, .right = columns - columns / 2
    };
    if (rows || columns) l->x = fv_pad(l->g, l->x, z);
    return p;
}

static fv_val add_maxpool(list *l, const item *i)
{
    return fv_maxpool(l->g, l->x, pool_of(l, i));
}

static fv_val add_avgpool(list *l, const item *i)
{
    return fv_avgpool(l->g, l->x, pool_of(l, i));
}

static fv_val add_global(list *l, const item *i)
{
    (void)i;
    return fv_global_avgpool(l->g, l->x);
}

static fv_val add_linear(list *l, const item *i)
{
    return fv_linear(l->g, l->x, l->name, i->out);
}

static fv_val add_relu(list *l, const item *i)
{
    (void)i;
    return fv_relu(l->g, l->x);
}

static fv_val add_bn(list *l, const item *i)
{
    (void)i;
    return fv_batchnorm(l->g, l->x, l->name, (fv_bn){ 0 });
}

/* takes: the letters of what may stand in an item of the kind; K: its kernel must, O: its outputs must. */
static const struct kind {
    const char *name, *takes;
    fv_val (*add)(list *l, const item *i);
} kinds[] = {
    { "conv", "K/psdg:*", add_conv },  { "dw", "K/psd:*", add_depthwise },
    { "pool", "K/psc*", add_maxpool }, { "avg", "K/psc*", add_avgpool },
    { "gap", "", add_global },         { "fc", "O:*", add_linear },
    { "relu", "*", add_relu },         { "bn", "*", add_bn },
};

static bool number(const char **p, int *out)
{
    char *end;
    if (**p < '0' || **p > '9') return false;
    const long v = strtol(*p, &end, 10);
    if (v > MOST) return false;
    *out = (int)v;
    *p = end;
    return true;
}

/* N or NxN. */
static bool pair(const char **p, int *a, int *b)
{
    if (!number(p, a) || *a < 1) return false;
    if (**p != 'x') return true;
    (*p)++;
    return number(p, b) && *b > 0;
}

static bool word(const char **p, const char *text)
{
    const size_t n = strlen(text);
    if (strncmp(*p, text, n) != 0) return false;
    *p += n;
    return true;
}

/* One modifier at *p, whose letter goes to *letter; false where there is none that can be read. */
static bool modifier(const char **p, item *i, int *times, char *letter)
{
    if (word(p, "same")) return *letter = 's', i->same = true;
    if (word(p, "ceil")) return *letter = 'c', i->ceil = true;
    *letter = *(*p)++;
    switch (*letter) {
    case '/':
        return pair(p, &i->stride, &i->stride_w);
    case 'p':
        return number(p, &i->pad);
    case 'd':
        return number(p, &i->dilation) && i->dilation > 0;
    case 'g':
        return number(p, &i->groups) && i->groups > 0;
    case ':':
        return number(p, &i->out) && i->out > 0;
    case '*':
        return number(p, times) && *times > 0;
    default:
        return false;
    }
}

static const struct kind *kind_of(const char **p)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (word(p, kinds[i].name)) return &kinds[i];
    return NULL;
}

static fv_status add_item(list *l, const char *text, fv_err *err)
{
    item i = { 0 };
    int times = 1, place = l->made + 1;
    const char *p = text;
    const struct kind *kind = kind_of(&p);
    if (!kind)
        return fv_fail(err, FV_ARG, "layer %d, '%s': no such kind; there are conv dw pool avg gap fc relu bn", place,
                       text);
    const bool sized = *p >= '0' && *p <= '9';
    if (sized && (kind->takes[0] != 'K' || !pair(&p, &i.k, &i.kw)))
        return fv_fail(err, FV_ARG, "layer %d, '%s': '%s' has no such size", place, text, kind->name);
    if (kind->takes[0] == 'K' && !sized)
        return fv_fail(err, FV_ARG, "layer %d, '%s': no size, as in '%s3'", place, text, kind->name);
    while (*p) {
        const char *at = p;
        char letter;
        if (!modifier(&p, &i, &times, &letter) || !strchr(kind->takes, letter))
            return fv_fail(err, FV_ARG, "layer %d, '%s': '%s' does not say something of '%s'", place, text, at,
                           kind->name);
    }
    if (kind->takes[0] == 'O' && !i.out)
        return fv_fail(err, FV_ARG, "layer %d, '%s': no outputs, as in 'fc:10'", place, text);
    if (i.same && i.pad) return fv_fail(err, FV_ARG, "layer %d, '%s': a padding beside 'same'", place, text);
    for (int k = 0; k < times; k++) {
        if (l->made++ == MOST_LAYERS) return fv_fail(err, FV_ARG, "more than %d layers", MOST_LAYERS);
        snprintf(l->name, sizeof l->name, "%d.%.*s", l->made, (int)strcspn(text, "*"), text);
        l->x = kind->add(l, &i);
        fv_name(l->g, l->x, l->name);
    }
    return FV_OK;
}

/* ROWSxCOLUMNS[xCHANNELS] in front of the list. */
static bool read_input(const char *text, fv_shape *s)
{
    fv_shape got = *s;
    const char *p = text;
    if (!pair(&p, &got.h, &got.w) || strchr(text, 'x') == NULL) return false;
    if (*p == 'x' && (p++, !number(&p, &got.c))) return false;
    if (*p) return false;
    *s = got;
    return true;
}

static fv_status read_list(list *l, char *text, fv_shape input, fv_err *err)
{
    static const char between[] = " ,\t\n";
    bool first = true;
    for (char *p = text + strspn(text, between); *p; p += strspn(p, between), first = false) {
        const size_t n = strcspn(p, between);
        const bool last = p[n] == 0;
        p[n] = 0;
        const bool is_input = first && read_input(p, &input);
        if (first) l->x = fv_input(l->g, "image", input.h, input.w, input.c);
        if (!is_input) FV_TRY(add_item(l, p, err));
        p += last ? n : n + 1;
    }
    if (!l->made) return fv_fail(err, FV_ARG, "a list without layers");
    fv_output(l->g, l->x);
    return fv_graph_check(l->g, err);
}

fv_status fv_net_of_layers(fv_net **net, const char *layers, int size, int channels, const fv_env *env, fv_err *err)
{
    const fv_shape input = { 1, size ? size : 224, size ? size : 224, channels ? channels : 3 };
    list l = { 0 };
    *net = NULL;
    if (!layers) return fv_fail(err, FV_ARG, "no layers");
    FV_TRY(fv_graph_new(&l.g, env, err));
    char *copy = fv_arena_strdup(&l.g->arena, layers);
    const fv_status s =
        copy ? read_list(&l, copy, input, err) : fv_fail(err, FV_NOMEM, "no memory for a list of layers");
    if (s != FV_OK) {
        fv_graph_free(l.g);
        return s;
    }
    const fv_shape in = l.g->node[0].shape;
    FV_TRY(fv_net_new(net, l.g, "layers", env, err));
    (*net)->prep = (fv_prep){ .h = in.h, .w = in.w, .channels = in.c };
    return FV_OK;
}
