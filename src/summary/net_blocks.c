/* net_blocks.c -- finds the blocks of a network: a value on which all that follows depends ends a piece; what lies inside a
 * piece falls apart into branches, which are taken apart likewise. Names then join pieces that are one module.
 * SPDX-License-Identifier: Apache-2.0 */
#include "summary/net_blocks.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

typedef struct finder {
    const fv_graph *g;
    fv_arena *a;
    int *last_use; /* of each node: its last reader; INT_MAX: the graph's output */
    int *mark;     /* component of each node of the piece under work; 0: not in it */
} finder;

static fv_part *take_apart(finder *f, const int *node, int n);

static fv_part *new_part(finder *f, int layer)
{
    fv_part *p = fv_arena_alloc(f->a, sizeof *p);
    if (p) p->layer = layer;
    return p;
}

/* Numbers the connected pieces of these nodes from 1 in mark, in the order of their first nodes; returns how many. */
static int connect(finder *f, const int *node, int n)
{
    int count = 0;
    for (int i = 0; i < n; i++) f->mark[node[i]] = i + 1;
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = 0; i < n; i++) {
            const fv_node *v = &f->g->node[node[i]];
            for (int k = 0; k < v->nin; k++) {
                int *a = &f->mark[node[i]], *b = &f->mark[v->in[k]];
                if (!*b || *a == *b) continue;
                *a = *b = *a < *b ? *a : *b;
                changed = true;
            }
        }
    }
    for (int i = 0; i < n; i++)
        if (f->mark[node[i]] == i + 1) f->mark[node[i]] = -++count;
        else f->mark[node[i]] = f->mark[node[f->mark[node[i]] - 1]];
    for (int i = 0; i < n; i++) f->mark[node[i]] = -f->mark[node[i]];
    return count;
}

static void unmark(finder *f, const int *node, int n)
{
    for (int i = 0; i < n; i++) f->mark[node[i]] = 0;
}

/* Does it read something besides these nodes? */
static bool reads_outside(const finder *f, int reader, const int *node, int n)
{
    const fv_node *v = &f->g->node[reader];
    for (int k = 0; k < v->nin; k++) {
        bool inside = false;
        for (int i = 0; i < n && !inside; i++) inside = v->in[k] == node[i];
        if (!inside) return true;
    }
    return false;
}

static fv_part *in_a_row(finder *f, const int *node, int n)
{
    fv_part *first = NULL, **to = &first;
    for (int i = 0; i < n && !f->a->failed; i++) {
        *to = new_part(f, node[i]);
        if (*to) to = &(*to)->next;
    }
    return first;
}

/* Branches of the nodes inside, joined by `join` (-1: by nobody); what cannot be told apart comes in a row. */
static fv_part *forked(finder *f, const int *node, int n, int join)
{
    const int pieces = connect(f, node, n);
    const bool shortcut = join >= 0 && reads_outside(f, join, node, n);
    fv_part *p = new_part(f, join);
    int *piece = fv_arena_alloc(f->a, (size_t)n * sizeof *piece), *of = fv_arena_alloc(f->a, (size_t)n * sizeof *of);
    if (!p || !piece || !of) return NULL;
    for (int i = 0; i < n; i++) of[i] = f->mark[node[i]];
    unmark(f, node, n);
    if (pieces + shortcut < 2) {
        fv_part *row = in_a_row(f, node, n), *end = row;
        while (end && end->next) end = end->next;
        if (end && join >= 0) end->next = p;
        return row;
    }
    fv_branch **to = &p->branches;
    for (int k = shortcut ? 0 : 1; k <= pieces; k++) {
        int m = 0;
        for (int i = 0; k && i < n; i++)
            if (of[i] == k) piece[m++] = node[i];
        if (!(*to = fv_arena_alloc(f->a, sizeof **to))) return NULL;
        if (k) (*to)->parts = take_apart(f, piece, m);
        to = &(*to)->next;
    }
    return p;
}

static void append(fv_part **first, fv_part *p)
{
    while (*first) first = &(*first)->next;
    *first = p;
}

static fv_part *take_apart(finder *f, const int *node, int n)
{
    fv_part *first = NULL;
    int begin = 0, open = -1; /* open: the last reader of what was passed so far */
    int outer = 0;            /* the last of the nodes that reads from outside of them */
    for (int i = 0; i < n; i++)
        if (reads_outside(f, node[i], node, i)) outer = i;
    for (int i = 0; i < n && !f->a->failed; i++) {
        if (open <= node[i] && outer <= i) { /* all that follows hangs on this one */
            append(&first, i == begin ? new_part(f, node[i]) : forked(f, node + begin, i - begin, node[i]));
            begin = i + 1;
        }
        if (begin == i + 1 || f->last_use[node[i]] > open) open = f->last_use[node[i]];
    }
    if (begin < n) append(&first, forked(f, node + begin, n - begin, -1));
    return first;
}

bool fv_layer_trails(const fv_graph *g, int layer)
{
    const fv_op_id op = g->node[layer].op;
    return op == FV_OP_BATCHNORM || op == FV_OP_ACTIVATION || op == FV_OP_DROPOUT || op == FV_OP_DROP_PATH ||
           op == FV_OP_SHUFFLE || op == FV_OP_FLATTEN || op == FV_OP_LRN;
}

/* The length of the beginning of a layer's name that is its module: "layer1.0", "features.3", "blocks.1.0"; 0: none. */
static size_t module_of(const char *name)
{
    size_t at = strcspn(name, "."), numbers = 0, whole = 0;
    while (name[at] == '.' && numbers < 2) {
        const size_t digits = strspn(name + at + 1, "0123456789"), end = at + 1 + digits;
        if (!digits || (name[end] && name[end] != '.')) break;
        at = whole = end;
        numbers++;
    }
    return whole;
}

static bool same_module(const fv_graph *g, int a, int b)
{
    const size_t n = module_of(g->node[a].name), m = module_of(g->node[b].name);
    return n && n == m && memcmp(g->node[a].name, g->node[b].name, n) == 0;
}

/* The least layer of a part. */
static int first_of(const fv_part *p)
{
    int least = p->layer < 0 ? INT_MAX : p->layer;
    for (const fv_branch *b = p->branches; b; b = b->next)
        if (b->parts && first_of(b->parts) < least) least = first_of(b->parts);
    return least;
}

static int last_of(const fv_part *p)
{
    int most = p->layer;
    for (const fv_branch *b = p->branches; b; b = b->next)
        for (const fv_part *q = b->parts; q; q = q->next)
            if (last_of(q) > most) most = last_of(q);
    return most;
}

/* What the names of a block's layers have in front in common, whole words of it; else the first one's name. The last one
 * does not count: it may have the name of a whole stage. */
static void name_block(const fv_graph *g, fv_block *b)
{
    const char *name = g->node[b->first].name;
    size_t n = strlen(name);
    for (int i = b->first + 1; i < b->last; i++) {
        const char *other = g->node[i].name;
        size_t same = 0;
        if (g->node[i].aux && !g->node[i].main) continue;
        while (same < n && name[same] == other[same]) same++;
        const bool word = (name[same] == 0 || name[same] == '.') && (other[same] == 0 || other[same] == '.');
        while (!word && same > 0 && name[same] != '.') same--;
        n = same;
    }
    if (n == 0) n = strlen(name);
    if (module_of(name) && module_of(name) < n) n = module_of(name);
    snprintf(b->name, sizeof b->name, "%.*s", n < 90 ? (int)n : 90, name);
}

static bool nodes_alike(const fv_graph *g, int a, int b)
{
    const fv_node *x = &g->node[a], *y = &g->node[b];
    if (x->op != y->op || x->nin != y->nin || memcmp(&x->shape, &y->shape, sizeof x->shape) != 0) return false;
    fv_shape of[FV_MAX_IN];
    char one[64] = "", two[64] = "";
    const fv_op *op = fv_ops[x->op];
    for (int k = 0; k < x->nin; k++) {
        const fv_shape *p = &g->node[x->in[k]].shape, *q = &g->node[y->in[k]].shape;
        if (a - x->in[k] != b - y->in[k] || memcmp(p, q, sizeof *p) != 0) return false;
    }
    if (op->tell) {
        op->tell(&x->attr, fv_node_inputs(g, x, of), one, sizeof one);
        op->tell(&y->attr, fv_node_inputs(g, y, of), two, sizeof two);
    }
    return strcmp(one, two) == 0;
}

static bool blocks_alike(const fv_graph *g, const fv_block *a, const fv_block *b)
{
    if (a->last - a->first != b->last - b->first) return false;
    for (int i = 0; i <= a->last - a->first; i++)
        if (!nodes_alike(g, a->first + i, b->first + i)) return false;
    return true;
}

static void join_alike(const fv_graph *g, fv_blocks *b)
{
    int n = 0;
    for (int i = 0; i < b->n; i++) {
        fv_block *before = n ? &b->block[n - 1] : NULL;
        if (before && blocks_alike(g, before, &b->block[i])) {
            before->alike++;
            before->last_alike = b->block[i].last;
        } else {
            b->block[n++] = b->block[i];
        }
    }
    b->n = n;
}

/* The parts of the whole network in blocks. */
static void group(finder *f, fv_blocks *b, fv_part *parts)
{
    for (fv_part *p = parts; p; p = p->next) {
        fv_block *now = b->n ? &b->block[b->n - 1] : NULL;
        const int first = first_of(p), last = last_of(p);
        const bool trails = !p->branches && fv_layer_trails(f->g, p->layer);
        if (now && f->g->node[now->first].op != FV_OP_INPUT && (trails || same_module(f->g, now->first, first))) {
            now->last = last;
        } else {
            if (now) now->end = p;
            b->block[b->n++] = (fv_block){ .parts = p, .first = first, .last = last, .alike = 1 };
        }
    }
    for (int i = 0; i < b->n; i++) {
        b->block[i].last_alike = b->block[i].last;
        name_block(f->g, &b->block[i]);
    }
}

fv_status fv_blocks_find(fv_blocks *b, const fv_net *net, fv_arena *a, fv_err *err)
{
    const fv_graph *g = net->graph;
    finder f = { .g = g, .a = a };
    int *node = fv_arena_alloc(a, g->nnode * sizeof *node), n = 0;
    f.last_use = fv_arena_alloc(a, g->nnode * sizeof *f.last_use);
    f.mark = fv_arena_alloc(a, g->nnode * sizeof *f.mark);
    *b = (fv_blocks){ .block = fv_arena_alloc(a, g->nnode * sizeof *b->block) };
    if (!a->failed) {
        for (size_t i = 0; i < g->nnode; i++) {
            const fv_node *v = &g->node[i];
            f.last_use[i] = (int)i == g->output ? INT_MAX : -1;
            if (!v->main) continue;
            node[n++] = (int)i;
            for (int k = 0; k < v->nin; k++)
                if (f.last_use[v->in[k]] < (int)i) f.last_use[v->in[k]] = (int)i;
        }
        group(&f, b, take_apart(&f, node, n));
        join_alike(g, b);
    }
    return a->failed ? fv_fail(err, FV_NOMEM, "no memory for the blocks of %zu layers", g->nnode) : FV_OK;
}
