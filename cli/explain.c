/* explain.c -- the steps of a plan as a table: what runs, by which kernel and why, how long, how near to the roofline.
 * SPDX-License-Identifier: Apache-2.0 */
#include "explain.h"
#include <inttypes.h>
#include <string.h>

enum { NAME_WIDTH = 30, KERNEL_WIDTH = 26, LOSSES = 3 };

/* The last characters of a name that is too long say more than the first. */
static void put_name(const char *name)
{
    const int length = (int)strlen(name);
    if (length > NAME_WIDTH) printf("~%-*s", NAME_WIDTH - 1, name + length - (NAME_WIDTH - 1));
    else printf("%-*s", NAME_WIDTH, name);
}

static const char *short_kernel(const char *kernel)
{
    return strncmp(kernel, "fv_", 3) ? kernel : kernel + 3;
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static double rate(const fv_step_info *s, double seconds, int images)
{
    return share(2.0 * (double)s->macs * images, seconds);
}

/* ---- what remains beside the steps ---- */

typedef struct rest {
    int steps;
    double sum, least, overhead[FV_OVERHEADS], between; /* of the steps, of their roofs; beside them; nobody's */
} rest;

static rest rest_of(explanation *e)
{
    rest r = { 0 };
    fv_step_info s;
    for (; fv_plan_step_at(e->plan, r.steps, &s); r.steps++) {
        r.sum += e->seconds[r.steps];
        r.least += roof_of(&e->roof, &s).least;
    }
    r.between = e->whole - r.sum;
    for (int i = 0; i < FV_OVERHEADS; i++) {
        r.overhead[i] = e->seconds[r.steps + i];
        r.between -= r.overhead[i];
    }
    return r;
}

static const struct {
    const char *text, *key;
} overheads[FV_OVERHEADS] = { [FV_COPYING_IN] = { "copying images in", "copying_in_ms" },
                              [FV_COPYING_OUT] = { "copying logits out", "copying_out_ms" },
                              [FV_WAITING] = { "waiting for other threads", "waiting_ms" } };

/* ---- where most time is lost ---- */

/* Steps by the time above their roof, the largest first; returns how many. */
static int losses(explanation *e, int *step, double *lost)
{
    fv_step_info s;
    int n = 0;
    for (int i = 0; fv_plan_step_at(e->plan, i, &s); i++) {
        const double above = e->seconds[i] - roof_of(&e->roof, &s).least;
        int at = n;
        while (at > 0 && lost[at - 1] < above) at--;
        if (at == LOSSES || above <= 0) continue;
        const int moved = n < LOSSES ? n - at : LOSSES - 1 - at;
        memmove(step + at + 1, step + at, (size_t)moved * sizeof *step);
        memmove(lost + at + 1, lost + at, (size_t)moved * sizeof *lost);
        step[at] = i;
        lost[at] = above;
        n += n < LOSSES;
    }
    return n;
}

static const char *layer_of(const fv_step_info *s)
{
    return s->name ? s->name : s->slot;
}

/* ---- as text ---- */

static void put_step(explanation *e, int i, const fv_step_info *s)
{
    char shape[32] = "";
    const double seconds = e->seconds[i], flops = rate(s, seconds, e->roof.images);
    const roof_step r = roof_of(&e->roof, s);
    if (s->name) snprintf(shape, sizeof shape, "%dx%dx%d", s->out.h, s->out.w, s->out.c);
    printf("%4d  ", i + 1);
    put_name(s->name ? s->name : "");
    printf(" %-16s %-*s %10.4f %6.2f", shape, KERNEL_WIDTH, short_kernel(s->kernel), 1e3 * seconds,
           100 * share(seconds, e->whole));
    if (s->macs > 0) printf(" %9.1f %6.1f", 1e-9 * flops, 100 * flops / e->roof.peak);
    else printf(" %9s %6s", "", "");
    printf(" %9.3f", (double)s->bytes / (1 << 20));
    if (s->macs > 0) printf(" %7.1f", r.intensity);
    else printf(" %7s", "");
    printf(" %7s %6.1f  %s\n", r.bound, 100 * share(r.least, seconds), s->reason);
}

static void put_beside(const char *what, double seconds, double whole)
{
    printf("      %-*s %-16s %-*s %10.4f %6.2f\n", NAME_WIDTH, what, "", KERNEL_WIDTH, "", 1e3 * seconds,
           100 * share(seconds, whole));
}

static void put_losses(explanation *e)
{
    int step[LOSSES];
    double lost[LOSSES];
    const int n = losses(e, step, lost);
    fv_step_info s;
    if (!n) return;
    printf("most is lost against the roofline in");
    for (int i = 0; i < n; i++) {
        fv_plan_step_at(e->plan, step[i], &s);
        printf("%s step %d %s (%.3f of %.3f ms, %s)", i ? "," : "", step[i] + 1, layer_of(&s), 1e3 * lost[i],
               1e3 * e->seconds[step[i]], roof_of(&e->roof, &s).bound);
    }
    printf("\n");
}

void explain_table(explanation *e)
{
    const rest r = rest_of(e);
    fv_step_info s;
    printf("\n%4s  %-*s %-16s %-*s %10s %6s %9s %6s %9s %7s %7s %6s  %s\n", "step", NAME_WIDTH, "layer", "output",
           KERNEL_WIDTH, "kernel", "ms", "%", "GFLOP/s", "% peak", "MiB", "FLOP/B", "bound", "% roof",
           "why this kernel");
    for (int i = 0; fv_plan_step_at(e->plan, i, &s); i++) put_step(e, i, &s);
    for (int i = 0; i < FV_OVERHEADS; i++)
        if (r.overhead[i] > 0) put_beside(overheads[i].text, r.overhead[i], e->whole);
    put_beside("between the steps", r.between, e->whole);
    printf("steps %.3f ms, beside them %.3f ms: %.3f ms, %+.1f %% of the median run\n", 1e3 * r.sum,
           1e3 * (e->whole - r.sum), 1e3 * e->whole, 100 * (e->whole / e->median - 1));
    printf("roofline: %.1f GFLOP/s; values at up to %.1f GB/s, weights at %.1f; all steps on it: %.3f ms, %.1f %% of "
           "these\n",
           1e-9 * e->roof.peak, 1e-9 * roof_rate(&e->roof, 0), 1e-9 * roof_rate(&e->roof, e->roof.all), 1e3 * r.least,
           100 * share(r.least, r.sum));
    put_losses(e);
}

/* ---- as JSON ---- */

static void json_step(explanation *e, cli_json *j, int i, const fv_step_info *s)
{
    const double seconds = e->seconds[i];
    const roof_step r = roof_of(&e->roof, s);
    json_open(j, NULL, '{');
    json_text(j, "layer", s->name);
    json_text(j, "slot", s->slot);
    json_text(j, "kernel", s->kernel);
    json_text(j, "reason", s->reason);
    json_real(j, "ms", 1e3 * seconds);
    json_int(j, "macs", s->macs);
    json_int(j, "products", s->products);
    json_real(j, "peak_fraction", share(rate(s, seconds, e->roof.images), e->roof.peak));
    json_int(j, "bytes", s->bytes);
    json_int(j, "weight_bytes", s->weight_bytes);
    json_real(j, "flop_per_byte", r.intensity);
    json_text(j, "bound", r.bound);
    json_real(j, "roof_ms", 1e3 * r.least);
    json_bool(j, "by_image", s->by_image);
    json_close(j, '}');
}

static void json_losses(explanation *e, cli_json *j)
{
    int step[LOSSES];
    double lost[LOSSES];
    const int n = losses(e, step, lost);
    fv_step_info s;
    json_open(j, "losses", '[');
    for (int i = 0; i < n; i++) {
        fv_plan_step_at(e->plan, step[i], &s);
        json_open(j, NULL, '{');
        json_int(j, "step", step[i]);
        json_text(j, "layer", layer_of(&s));
        json_real(j, "lost_ms", 1e3 * lost[i]);
        json_close(j, '}');
    }
    json_close(j, ']');
}

void explain_json(explanation *e, cli_json *j)
{
    const rest r = rest_of(e);
    fv_step_info s;
    json_open(j, "steps", '[');
    for (int i = 0; fv_plan_step_at(e->plan, i, &s); i++) json_step(e, j, i, &s);
    json_close(j, ']');
    json_real(j, "steps_ms", 1e3 * r.sum);
    json_real(j, "explained_ms", 1e3 * e->whole);
    json_open(j, "overheads", '{');
    for (int i = 0; i < FV_OVERHEADS; i++) json_real(j, overheads[i].key, 1e3 * r.overhead[i]);
    json_real(j, "between_ms", 1e3 * r.between);
    json_close(j, '}');
    json_real(j, "roof_ms", 1e3 * r.least);
    json_real(j, "peak_gflops", 1e-9 * e->roof.peak);
    json_real(j, "weights_gbs", 1e-9 * roof_rate(&e->roof, e->roof.all));
    json_losses(e, j);
}
