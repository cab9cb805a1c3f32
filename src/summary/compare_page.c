/* compare_page.c -- a comparison as a page: accuracy against latency and against parameters, and the table.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "page/page.h"
#include "page/plot.h"
#include <math.h>
#include <stdio.h>

static double mib(size_t bytes)
{
    return (double)bytes / 1048576.0;
}

typedef struct points {
    int n, nfront; /* others first, then the front, the fastest last */
    double *x, *y;
    const char **label;
} points;

/* Of the rows with an accuracy: those off the front, and the front from the fastest on, so that it climbs. */
static bool collect(points *p, const fv_comparison *c, double (*x)(const fv_compared *), fv_arena *a)
{
    *p = (points){ .x = fv_arena_alloc(a, (size_t)(c->n + 1) * sizeof(double)),
                   .y = fv_arena_alloc(a, (size_t)(c->n + 1) * sizeof(double)),
                   .label = fv_arena_alloc(a, (size_t)(c->n + 1) * sizeof(char *)) };
    if (a->failed) return false;
    for (int front = 0; front < 2; front++)
        for (int i = c->n - 1; i >= 0; i--) {
            const fv_compared *r = &c->row[i];
            if (!(r->top1 > 0) || r->front != (front == 1) || !isfinite(x(r))) continue;
            const int at = p->n + p->nfront;
            p->x[at] = x(r);
            p->y[at] = r->top1;
            p->label[at] = r->name;
            if (front) p->nfront++;
            else p->n++;
        }
    return p->n + p->nfront > 0;
}

static double latency(const fv_compared *r)
{
    return r->latency_ms;
}

static double millions(const fv_compared *r)
{
    return 1e-6 * (double)r->cost.params;
}

static void draw(fv_writer *w, const fv_comparison *c, fv_arena *a, bool by_latency)
{
    points p;
    if (!collect(&p, c, by_latency ? latency : millions, a)) return;
    const fv_series s[] = {
        { .name = by_latency ? "the front: none is faster and better" : NULL,
          .form = FV_FORM_STEPS,
          .colour = 2,
          .n = by_latency ? p.nfront : 0,
          .x = p.x + p.n,
          .y = p.y + p.n },
        { .name = by_latency ? NULL : "the front by latency",
          .form = FV_FORM_POINTS,
          .colour = 2,
          .n = p.nfront,
          .x = p.x + p.n,
          .y = p.y + p.n,
          .label = p.label + p.n },
        { .name = "other networks",
          .form = FV_FORM_POINTS,
          .colour = 1,
          .n = p.n,
          .x = p.x,
          .y = p.y,
          .label = p.label },
    };
    fv_plot_write(w, &(fv_plot){ .title = by_latency ? "Published accuracy against the latency measured here"
                                                     : "Published accuracy against parameters",
                                 .x = { .title = by_latency ? "latency of one image" : "parameters",
                                        .unit = by_latency ? "ms" : "M",
                                        .log = true },
                                 .y = { .title = "top-1 on ImageNet", .unit = "%" },
                                 .nseries = 3,
                                 .series = s });
}

static void table(fv_writer *w, const fv_comparison *c, bool within)
{
    static const fv_column columns[] = {
        { "network", false },      { "top-1, %", true }, { "latency, ms", true },      { "images/s", true },
        { "parameters, M", true }, { "MACs, M", true },  { "memory access, M", true }, { "memory, MiB", true },
        { "input", true },         { "", false }
    };
    fv_table t = fv_table_open(w, NULL, columns, 10);
    for (int i = 0; i < c->n; i++) {
        const fv_compared *r = &c->row[i];
        if (r->within != within) continue;
        fv_cell(&t, r->name);
        fv_cell_number(&t, r->top1 > 0 ? r->top1 : NAN, 2);
        fv_cell_number(&t, r->latency_ms, 2);
        fv_cell_number(&t, r->images_per_s, 1);
        fv_cell_number(&t, 1e-6 * (double)r->cost.params, 2);
        fv_cell_number(&t, 1e-6 * (double)r->cost.macs, 1);
        fv_cell_number(&t, 1e-6 * (double)r->cost.memory_access, 1);
        fv_cell_number(&t, r->bytes ? mib(r->bytes) : NAN, 1);
        fv_cell_printf(&t, "%d px", r->size);
        if (r->front) fv_cell_badge(&t, FV_TONE_GOOD, "front");
        else fv_cell(&t, r->within ? "" : "beyond");
    }
    fv_table_close(&t);
}

static void tables(fv_writer *w, const fv_comparison *c)
{
    int beyond = 0;
    for (int i = 0; i < c->n; i++) beyond += !c->row[i].within;
    fv_page_section(w, beyond ? "Networks within the budget" : "All networks");
    table(w, c, true);
    if (!beyond) return;
    fv_page_fold(w, false, beyond == 1 ? "%d network beyond the budget" : "%d networks beyond the budget", beyond);
    table(w, c, false);
    fv_page_unfold(w);
}

static void best(fv_writer *w, const fv_comparison *c)
{
    const fv_compared *first = NULL, *fastest = NULL;
    int within = 0;
    for (int i = 0; i < c->n; i++) {
        const fv_compared *r = &c->row[i];
        within += r->within;
        if (r->within && !first) first = r;
        if (r->within && (!fastest || r->latency_ms < fastest->latency_ms)) fastest = r;
    }
    fv_facts_open(w);
    fv_fact(w, "networks", "%d", c->n);
    if (c->budget) fv_fact(w, "within the budget", "%d", within);
    if (first && first->top1 > 0) fv_fact(w, "most accurate", "%s", first->name);
    if (fastest) fv_fact(w, "fastest", "%s", fastest->name);
    fv_facts_close(w);
}

fv_status fv_comparison_page(const fv_comparison *c, const char *path, const fv_env *env, fv_err *err)
{
    const fv_allocator *heap = env ? env->heap : NULL;
    fv_writer w = { .heap = heap };
    fv_arena a = { .heap = heap };
    char lead[300];
    snprintf(lead, sizeof lead, "measured on %s, %d thread%s; throughput in batches of %d%s%s", fv_cpu_name(c->cpu),
             c->threads, c->threads == 1 ? "" : "s", c->batch, c->budget ? "; budget " : "",
             c->budget ? c->budget : "");
    fv_page_head(&w, "Networks compared", lead);
    best(&w, c);
    draw(&w, c, &a, true);
    draw(&w, c, &a, false);
    tables(&w, c);
    fv_page_text(&w, "Accuracies are those that were published with the weights of each network; latency is the median "
                     "of runs of one "
                     "image, memory what the plan of one image and its weights take while running. The memory-access "
                     "cost counts the "
                     "values that the layers of the network read and write, and their weights.");
    fv_page_foot(&w);
    const fv_status s = a.failed ? fv_fail(err, FV_NOMEM, "no memory for a page") : fv_page_save(&w, path, err);
    fv_arena_free(&a);
    fv_writer_free(&w);
    return s;
}
