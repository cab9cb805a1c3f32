/* summary_page.c -- a network as a page: its stages as a tower, its blocks to unfold, where the work is, all layers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "page/page.h"
#include "page/plot.h"
#include "summary/net_blocks.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Blocks that end on maps of one size. */
typedef struct stage {
    int begin, end; /* blocks */
    fv_shape out;
    fv_cost cost;
} stage;

typedef struct sheet {
    fv_writer *w;
    const fv_net *net;
    const fv_graph *g;
    fv_blocks blocks;
    stage *stage;
    int nstages, batch;
    fv_cost all;
} sheet;

static void add_cost(fv_cost *to, const fv_net *net, int first, int last)
{
    fv_layer l;
    for (int i = first; i <= last && fv_net_layer(net, i, &l); i++) {
        if (l.aux || strcmp(l.op, "input") == 0) continue;
        to->params += l.cost.params;
        to->macs += l.cost.macs;
        to->out += l.cost.out;
        to->moved += l.cost.moved;
        to->memory_access += l.cost.memory_access;
        to->stored += l.cost.stored;
    }
}

static void find_stages(sheet *s)
{
    for (int i = 0; i < s->blocks.n; i++) {
        const fv_block *b = &s->blocks.block[i];
        const fv_shape *out = &s->g->node[b->last_alike].shape;
        stage *now = s->nstages ? &s->stage[s->nstages - 1] : NULL;
        if (!now || i == 1 || now->out.h != out->h || now->out.w != out->w) { /* the input stands by itself */
            now = &s->stage[s->nstages++];
            *now = (stage){ .begin = i };
        }
        now->end = i + 1;
        now->out = *out;
        add_cost(&now->cost, s->net, b->first, b->last_alike);
    }
}

static double share(int64_t part, int64_t all)
{
    return all ? 100.0 * (double)part / (double)all : 0;
}

static int colour_of(int place)
{
    return place % 8 + 1;
}

static int blocks_in(const sheet *s, const stage *t)
{
    int n = 0;
    for (int i = t->begin; i < t->end; i++) n += s->blocks.block[i].alike;
    return n;
}

/* As wide as the maps, as high as the channels are many. */
static void tower(const sheet *s)
{
    fv_writer *w = s->w;
    char text[FV_COUNT_TEXT];
    const double most = s->stage[0].out.h > 0 ? s->stage[0].out.h : 1;
    fv_write_text(w, "<div class=\"tower\" role=\"img\" aria-label=\"stages of the network\">\n");
    for (int i = 0; i < s->nstages; i++) {
        const stage *t = &s->stage[i];
        const int wide = (int)(100 * fmin(1, t->out.h / most) + 0.5), high = 6 + (int)(3 * log2(t->out.c + 1.0));
        fv_write_printf(
            w,
            "<div class=\"tier\"><i class=\"slab k%d\" style=\"width:%d%%;height:%dpx\"></i><span><b>%d x %d x %d</b> ",
            colour_of(i), wide > 1 ? wide : 1, high, t->out.h, t->out.w, t->out.c);
        if (i == 0) {
            fv_html(w, "the picture");
        } else {
            fv_html_printf(w, "%d block%s, %s MACs (", blocks_in(s, t), blocks_in(s, t) == 1 ? "" : "s",
                           fv_short_count(text, (double)t->cost.macs));
            fv_html_number(w, share(t->cost.macs, s->all.macs), 1);
            fv_html_printf(w, " %%), %s parameters", fv_short_count(text, (double)t->cost.params));
        }
        fv_write_text(w, "</span></div>\n");
    }
    fv_write_text(w, "</div>\n");
}

static void layer_words(fv_writer *w, const fv_layer *l)
{
    static const char *const short_name[][2] = { { "conv2d", "conv" }, { "batchnorm", "norm" } };
    const char *name = l->op;
    for (int i = 0; i < 2; i++)
        if (strcmp(name, short_name[i][0]) == 0) name = short_name[i][1];
    if (strcmp(l->op, "activation") == 0) fv_html(w, l->detail);
    else if (strcmp(l->op, "dropout") == 0 || strcmp(l->op, "drop_path") == 0 || !l->detail[0]) fv_html(w, name);
    else fv_html_printf(w, "%s %s", name, l->detail);
}

/* A layer, and behind it those that are said with it; returns the part that follows them. */
static const fv_part *row(const sheet *s, const fv_part *p, const fv_part *end)
{
    fv_writer *w = s->w;
    fv_layer l;
    fv_net_layer(s->net, p->layer, &l);
    fv_write_text(w,
                  fv_layer_trails(s->g, p->layer) ? "<div class=\"row lone\" title=\"" : "<div class=\"row\" title=\"");
    fv_html(w, l.name);
    fv_write_text(w, "\">");
    layer_words(w, &l);
    for (p = p->next; p && p != end && !p->branches && fv_layer_trails(s->g, p->layer); p = p->next) {
        fv_net_layer(s->net, p->layer, &l);
        fv_write_text(w, " <span class=\"tag\">\xc2\xb7 ");
        layer_words(w, &l);
        fv_write_text(w, "</span>");
    }
    fv_html_printf(w, " \xe2\x86\x92 %d x %d x %d", l.out.h, l.out.w, l.out.c);
    fv_write_text(w, "</div>\n");
    return p;
}

static void rows(const sheet *s, const fv_part *p, const fv_part *end)
{
    while (p && p != end) {
        if (!p->branches) {
            p = row(s, p, end);
            continue;
        }
        fv_write_text(s->w, "<div class=\"fork\">\n");
        for (const fv_branch *b = p->branches; b; b = b->next) {
            fv_write_text(s->w, "<div>");
            if (b->parts) rows(s, b->parts, NULL);
            else fv_write_text(s->w, "<div class=\"row lone\">as it is</div>");
            fv_write_text(s->w, "</div>\n");
        }
        fv_write_text(s->w, "</div>\n");
        p = p->layer >= 0 ? row(s, p, end) : p->next;
    }
}

/* The layers of a block that do the work, by name; its joining last. */
static void block_words(const sheet *s, const fv_block *b)
{
    fv_layer l;
    int said = 0, more = 0;
    for (int i = b->first; i <= b->last; i++) {
        const fv_node *n = &s->g->node[i];
        if (!n->main || fv_layer_trails(s->g, i) || n->op == FV_OP_SLICE || n->op == FV_OP_PAD) continue;
        if (said == 6) {
            more++;
            continue;
        }
        fv_net_layer(s->net, i, &l);
        if (said++) fv_html(s->w, ", ");
        layer_words(s->w, &l);
    }
    if (more) fv_html_printf(s->w, " and %d more", more);
}

static void block(const sheet *s, const fv_block *b, int place)
{
    fv_writer *w = s->w;
    char text[FV_COUNT_TEXT];
    fv_cost cost = { 0 };
    add_cost(&cost, s->net, b->first, b->last_alike);
    const fv_shape *out = &s->g->node[b->last].shape;
    fv_write_printf(w, "<details class=\"block k%d\"><summary><b>", colour_of(place));
    fv_html(w, b->name);
    if (b->alike > 1) fv_html_printf(w, " \xc3\x97 %d", b->alike);
    fv_write_text(w, "</b><span class=\"what\">");
    block_words(s, b);
    fv_html_printf(w, "; %s MACs", fv_short_count(text, (double)cost.macs));
    fv_html_printf(w, ", %s parameters", fv_short_count(text, (double)cost.params));
    fv_write_printf(
        w, "</span><span class=\"size\">%d x %d x %d<i class=\"share\" style=\"width:%d%%\"></i></span></summary>\n",
        out->h, out->w, out->c, (int)(share(cost.macs, s->all.macs) + 0.5));
    rows(s, b->parts, b->end);
    if (b->alike > 1) fv_page_text(w, "%d times, one after another", b->alike);
    fv_write_text(w, "</details>\n");
}

static void stages(const sheet *s)
{
    for (int i = 0; i < s->nstages; i++) {
        const stage *t = &s->stage[i];
        if (i == 0) continue;
        fv_write_text(s->w, "<h3>");
        fv_html_printf(s->w, "%d x %d", t->out.h, t->out.w);
        fv_write_text(s->w, "</h3>\n");
        for (int k = t->begin; k < t->end; k++) block(s, &s->blocks.block[k], i);
    }
}

/* The stages' shares of work, weights and traffic. */
static void work(const sheet *s, fv_arena *a)
{
    const int n = s->nstages - 1;
    const char **group = fv_arena_alloc(a, (size_t)(n + 1) * sizeof *group);
    double *value = fv_arena_alloc(a, (size_t)(3 * n + 1) * sizeof *value);
    if (!group || !value || n < 1) return;
    for (int i = 0; i < n; i++) {
        const stage *t = &s->stage[i + 1];
        group[i] = fv_arena_printf(a, "%d x %d x %d", t->out.h, t->out.w, t->out.c);
        if (!group[i]) return;
        value[i] = share(t->cost.macs, s->all.macs);
        value[n + i] = share(t->cost.params, s->all.params);
        value[2 * n + i] = share(t->cost.memory_access, s->all.memory_access);
    }
    const fv_bar bars[] = { { .name = "MACs", .value = value },
                            { .name = "parameters", .value = value + n },
                            { .name = "memory access", .value = value + 2 * n } };
    fv_page_section(s->w, "Where the work is");
    fv_bars_write(s->w, &(fv_bars){ .title = "Share of each stage",
                                    .axis = { .title = "share of the whole", .unit = "%" },
                                    .ngroups = n,
                                    .nseries = 3,
                                    .group = group,
                                    .series = bars,
                                    .decimals = 1 });
}

static double mib(int64_t bytes)
{
    return (double)bytes / 1048576.0;
}

static int64_t moved_bytes(const fv_cost *c, int batch)
{
    return 4 * (c->moved * batch + (c->moved ? c->stored : 0));
}

static void count_cell(fv_table *t, int64_t v)
{
    char text[FV_COUNT_TEXT];
    fv_cell(t, fv_count_text(text, v));
}

static void operators(const sheet *s)
{
    static const fv_column columns[] = { { "operator", false }, { "layers", true },   { "parameters", true },
                                         { "MACs", true },      { "MACs, %", true },  { "memory access", true },
                                         { "access, %", true }, { "MiB moved", true } };
    fv_operator op;
    fv_page_section(s->w, "Operators");
    fv_table t = fv_table_open(s->w, NULL, columns, 8);
    for (int i = 0; fv_net_operator(s->net, i, &op); i++) {
        fv_cell(&t, op.op);
        count_cell(&t, op.layers);
        count_cell(&t, op.cost.params);
        count_cell(&t, op.cost.macs);
        fv_cell_number(&t, share(op.cost.macs, s->all.macs), 2);
        count_cell(&t, op.cost.memory_access);
        fv_cell_number(&t, share(op.cost.memory_access, s->all.memory_access), 2);
        fv_cell_number(&t, mib(moved_bytes(&op.cost, s->batch)), 2);
    }
    fv_table_close(&t);
}

static void layers(const sheet *s)
{
    static const fv_column columns[] = { { "layer", false },     { "operator", false }, { "output", true },
                                         { "parameters", true }, { "MACs", true },      { "access", true },
                                         { "MiB made", true },   { "sees, px", true },  { "step, px", true } };
    fv_layer l;
    fv_page_section(s->w, "Layers");
    fv_page_text(
        s->w,
        "Access is the memory-access cost of one image: values read and written, and weights. What a layer sees is its "
        "receptive field, before the border cuts it; its step lies between the windows of neighbouring pixels.");
    fv_page_fold(s->w, false, "every layer");
    fv_table t = fv_table_open(s->w, NULL, columns, 9);
    for (int i = 0; fv_net_layer(s->net, i, &l); i++) {
        fv_cell_printf(&t, "%s%s", l.name, l.aux ? " (auxiliary)" : "");
        fv_cell_printf(&t, "%s %s", l.op, l.detail);
        fv_cell_printf(&t, "%d x %d x %d", l.out.h, l.out.w, l.out.c);
        count_cell(&t, l.cost.params);
        count_cell(&t, l.cost.macs);
        count_cell(&t, l.cost.memory_access);
        fv_cell_number(&t, mib(4 * l.cost.out * s->batch), 3);
        fv_cell_printf(&t, l.receptive_field == l.receptive_field_w ? "%d" : "%d x %d", l.receptive_field,
                       l.receptive_field_w);
        fv_cell_printf(&t, l.stride == l.stride_w ? "%d" : "%d x %d", l.stride, l.stride_w);
    }
    fv_table_close(&t);
    fv_page_unfold(s->w);
}

/* What the last map with more than one pixel sees. */
static int last_field(const sheet *s)
{
    int field = 1;
    for (size_t i = 0; i < s->g->nnode; i++)
        if (s->g->node[i].main && s->g->node[i].shape.h > 1) field = s->g->node[i].reach.h;
    return field;
}

static void facts(const sheet *s, const fv_net_info *info, const fv_plan_info *plan)
{
    fv_writer *w = s->w;
    char text[FV_COUNT_TEXT];
    const fv_model *m = fv_model_find(info->name);
    fv_facts_open(w);
    fv_fact(w, "parameters", "%s", fv_count_text(text, info->params));
    fv_fact(w, "multiply-adds of one image", "%s", fv_short_count(text, (double)info->macs));
    fv_fact(w, "memory access of one image", "%s", fv_short_count(text, (double)s->all.memory_access));
    fv_fact(w, "layers", "%s", fv_count_text(text, (int64_t)s->g->nnode - 1));
    fv_fact(w, "the last map sees", "%d px", last_field(s));
    fv_fact(w, "activations made", "%.1f MiB", mib(4 * s->all.out * s->batch));
    if (plan) fv_fact(w, "activations at once", "%.1f MiB", mib((int64_t)plan->activation_bytes));
    if (plan) fv_fact(w, "memory while running", "%.1f MiB", mib((int64_t)plan->total_bytes));
    if (m && m->top1 > 0 && info->classes == m->classes) fv_fact(w, "published top-1", "%.2f %%", m->top1);
    fv_facts_close(w);
}

static void page(sheet *s, fv_arena *a, const fv_plan_info *plan)
{
    fv_net_info info;
    char lead[200];
    fv_net_describe(s->net, &info);
    snprintf(lead, sizeof lead, "%s%snetwork of %d classes, input %d x %d x %d, %d image%s at once",
             info.family ? info.family : "", info.family ? ", " : "", info.classes, s->g->node[0].shape.h,
             s->g->node[0].shape.w, s->g->node[0].shape.c, s->batch, s->batch == 1 ? "" : "s");
    fv_page_head(s->w, info.name, lead);
    facts(s, &info, plan);
    fv_page_section(s->w, "The network");
    fv_page_text(s->w, "From the picture down: each bar is as wide as the maps of its stage, and the higher the more "
                       "channels they have. "
                       "Below, every block unfolds.");
    tower(s);
    stages(s);
    work(s, a);
    operators(s);
    layers(s);
    fv_page_foot(s->w);
}

fv_status fv_net_page(const fv_net *net, int batch, const fv_plan_info *plan, const char *path, fv_err *err)
{
    fv_arena a = { .heap = net->env.heap };
    fv_writer w = { .heap = net->env.heap };
    sheet s = { .w = &w, .net = net, .g = net->graph, .batch = batch < 1 ? 1 : batch };
    fv_status status = fv_blocks_find(&s.blocks, net, &a, err);
    if (status == FV_OK) {
        s.stage = fv_arena_alloc(&a, (size_t)(s.blocks.n + 1) * sizeof *s.stage);
        fv_net_cost(net, &s.all);
        if (s.stage) find_stages(&s), page(&s, &a, plan);
        status = a.failed ? fv_fail(err, FV_NOMEM, "no memory for a page") : fv_page_save(&w, path, err);
    }
    fv_writer_free(&w);
    fv_arena_free(&a);
    return status;
}
