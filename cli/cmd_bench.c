/* cmd_bench.c -- how fast a network runs or trains here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "explain.h"
#include "network.h"
#include "output.h"
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

typedef struct bench_args {
    cli_network net;
    int batch;
    bool train, grad_checkpointing, explain;
} bench_args;
const cli_option options_bench[] = {
    NETWORK_OPTIONS(bench_args, net),
    { "batch-size", 'b', CLI_INT, offsetof(bench_args, batch), "N", "images of a run (1)", 1, 65536 },
    { "train", 0, CLI_FLAG, offsetof(bench_args, train), "", "time forward, backward and update (counted as 3 x MACs)",
      0, 0 },
    { "grad-checkpointing", 0, CLI_FLAG, offsetof(bench_args, grad_checkpointing), "",
      "with --train: much less memory, up to a quarter slower", 0, 0 },
    { "explain", 0, CLI_FLAG, offsetof(bench_args, explain), "",
      "list the steps: kernel, why it, time, bytes, how near to the roofline", 0, 0 },
    { 0 },
};

enum { WARM_UP = 2, LEAST_RUNS = 7, MOST_RUNS = 10000, MOST_EXPLAINED = 400 };
static const double LEAST_SECONDS = 2;

typedef struct bench_result {
    double median, min; /* seconds of a batch */
    int runs;
    double *steps, whole; /* --explain: seconds of each step and overhead and of a run, between the timed runs */
} bench_result;

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Pictures of noise in [-1, 1): a fixed linear congruential sequence (Knuth's MMIX), so that each run does the same. */
static void make_input(float *x, size_t n)
{
    uint64_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        x[i] = (float)(state >> 40) / 8388608.0f - 1.0f;
    }
}

/* What a run reads and writes. */
typedef struct bench_data {
    float *x, *logits;
    size_t pixels;
    bool passing; /* the plan's own room, where the input has to be written for each run */
    int *labels;
} bench_data;

static double run_once(const bench_args *a, fv_plan *plan, const bench_data *d, int step)
{
    if (d->passing) make_input(d->x, d->pixels);
    const double start = cli_now();
    const fv_update u = {
        .n = a->batch, .images = d->x, .labels = d->labels, .lr = 1e-3, .momentum = 0.9, .step = (uint64_t)step
    };
    if (a->train) (void)fv_run_train(plan, &u);
    else fv_run(plan, a->batch, d->x, d->logits);
    return cli_now() - start;
}

typedef struct explained {
    double whole;
    const double *steps;
} explained;

static int by_whole(const void *a, const void *b)
{
    return ascending(&((const explained *)a)->whole, &((const explained *)b)->whole);
}

/* Runs step by step: the clock is read between steps only here. Each follows a timed one, so that a machine that slows
 * down slows both. */
typedef struct profile {
    size_t each; /* steps and overheads */
    int n;
    double *all;
    explained *run;
} profile;

static void profile_once(profile *p, const bench_args *a, fv_plan *plan, const bench_data *d, int step)
{
    if (p->n == MOST_EXPLAINED) return;
    explained *e = &p->run[p->n];
    double *seconds = p->all + (size_t)p->n++ * p->each;
    e->steps = seconds;
    fv_plan_profile(plan, seconds);
    e->whole = run_once(a, plan, d, step);
    fv_plan_profile(plan, NULL);
}

/* Means of the middle quarter, so that what disturbed some of the runs is left out of the sum as of the median. */
static void middle_runs(bench_result *r, profile *p)
{
    const int first = 3 * p->n / 8, end = p->n - first;
    qsort(p->run, (size_t)p->n, sizeof *p->run, by_whole);
    for (int i = first; i < end; i++) {
        r->whole += p->run[i].whole / (end - first);
        for (size_t k = 0; k < p->each; k++) r->steps[k] += p->run[i].steps[k] / (end - first);
    }
}

static int measure(bench_result *r, const bench_args *a, fv_plan *plan, const fv_net_info *info, int steps)
{
    const size_t answers = (size_t)a->batch * (size_t)info->classes;
    bench_data d = { .passing = a->net.low_memory && !a->train };
    d.pixels = (size_t)a->batch * (size_t)info->prep.h * (size_t)info->prep.w * (size_t)info->prep.channels;
    d.x = d.passing ? fv_plan_images(plan) : calloc(d.pixels, sizeof *d.x);
    d.logits = calloc(answers, sizeof *d.logits);
    d.labels = calloc((size_t)a->batch, sizeof *d.labels);
    double *times = calloc(MOST_RUNS, sizeof *times);
    profile p = { .each = (size_t)steps + FV_OVERHEADS };
    if (a->explain) {
        p.all = calloc(p.each * MOST_EXPLAINED, sizeof *p.all);
        p.run = calloc(MOST_EXPLAINED, sizeof *p.run);
        r->steps = calloc(p.each, sizeof *r->steps);
    }
    int code = -1;
    if (!d.x || !d.logits || !d.labels || !times || (a->explain && !(p.all && p.run && r->steps))) {
        code = cli_nomem(sizeof(float) * (d.pixels + answers));
    } else {
        make_input(d.x, d.pixels);
        for (int i = 0; i < a->batch; i++) d.labels[i] = i % info->classes;
        for (int i = 0; i < WARM_UP; i++) run_once(a, plan, &d, i);
        const double start = cli_now();
        int n = 0;
        while (n < MOST_RUNS && (n < LEAST_RUNS || cli_now() - start < LEAST_SECONDS * (a->explain ? 2 : 1))) {
            times[n] = run_once(a, plan, &d, WARM_UP + n);
            if (a->explain) profile_once(&p, a, plan, &d, WARM_UP + n);
            n++;
        }
        qsort(times, (size_t)n, sizeof *times, ascending);
        r->median = n % 2 ? times[n / 2] : 0.5 * (times[n / 2 - 1] + times[n / 2]);
        r->min = times[0], r->runs = n;
        if (a->explain) middle_runs(r, &p);
    }
    if (!d.passing) free(d.x);
    free(d.logits);
    free(d.labels);
    free(times);
    free(p.all);
    free(p.run);
    return code;
}

static double mib(size_t bytes)
{
    return (double)bytes / (1 << 20);
}

/* Before the runs: what is going to run, and the memory that it takes. */
static void show_plan(const bench_args *a, const fv_net_info *info, const fv_plan_info *plan)
{
    printf("%s%s, batch %d, %d x %d x %d, %d threads\n", info->name, a->train ? ", training" : "", a->batch,
           info->prep.h, info->prep.w, info->prep.channels, plan->threads);
    printf("plan of %d steps; memory: activations %.1f MiB, weights %.1f, packed %.1f, other %.1f, in all %.1f MiB\n",
           plan->steps, mib(plan->activation_bytes), mib(plan->weight_bytes), mib(plan->packed_bytes),
           mib(plan->other_bytes), mib(plan->total_bytes));
    if (plan->timed) printf("autotune has timed %d problems in %.1f s\n", plan->timed, 1e-3 * plan->plan_ms);
    fflush(stdout);
}

static void show(const cli *c, const bench_args *a, const fv_net_info *info, const fv_plan *plan,
                 const fv_plan_info *made, const bench_result *r, double load_ms)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const double peak = 1e9 * fv_peak_gflops(made->threads, c->env.cpu);
    const double flops = 2.0 * (a->train ? 3.0 : 1.0) * (double)made->macs * a->batch / r->median;
    explanation e = { .plan = plan, .seconds = r->steps, .whole = r->whole, .median = r->median };
    e.roof = (roof){ .threads = made->threads, .cpu = c->env.cpu, .images = a->batch, .peak = peak };
    e.roof.all = (int64_t)(made->activation_bytes + made->packed_bytes);
    const double rss = (double)usage.ru_maxrss / 1024.0, per_s = a->batch / r->median;
    if (!c->json) {
        printf("median %.3f ms, least %.3f ms of %d runs: %.1f images/s\n", 1e3 * r->median, 1e3 * r->min, r->runs,
               per_s);
        printf("load %.1f ms, plan %.1f ms, peak memory %.1f MiB\n", load_ms, made->plan_ms, rss);
        printf("%.1f GFLOP/s: %.1f %% of the peak measured here%s\n", 1e-9 * flops, 100 * flops / peak,
               a->train ? " (a training step is counted as 3 x the forward MACs)" : "");
        if (a->explain) explain_table(&e);
        return;
    }
    cli_json j = { .out = stdout };
    json_open(&j, NULL, '{');
    json_text(&j, "model", info->name);
    json_int(&j, "batch_size", a->batch);
    json_int(&j, "threads", made->threads);
    json_bool(&j, "train", a->train);
    json_real(&j, "median_ms", 1e3 * r->median);
    json_real(&j, "min_ms", 1e3 * r->min);
    json_real(&j, "images_per_s", per_s);
    json_int(&j, "runs", r->runs);
    json_real(&j, "plan_ms", made->plan_ms);
    json_int(&j, "timed", made->timed);
    json_int(&j, "plan_bytes", (int64_t)made->total_bytes);
    json_real(&j, "load_ms", load_ms);
    json_real(&j, "peak_rss_mib", rss);
    json_int(&j, "macs", made->macs);
    json_real(&j, "peak_fraction", flops / peak);
    if (a->explain) explain_json(&e, &j);
    json_close(&j, '}');
}

int cmd_bench(cli *c, int argc, char **argv)
{
    bench_args a = { .batch = 1 };
    fv_net *net = NULL;
    fv_plan *plan = NULL;
    fv_err err = { 0 };
    int n = 0;
    int code = cli_parse(c, &a, argc, argv, &n);
    if (code < 0) code = cli_expect(c, n, 0, 0);
    const double start = cli_now();
    a.net.trains = a.train;
    if (code < 0 && a.train && (a.net.autotune || a.net.wisdom))
        code = cli_usage(c, "--autotune is for inference, not for --train");
    if (code < 0) code = cli_open_network(c, &a.net, false, &net);
    if (code >= 0) return code;
    const double load_ms = 1e3 * (cli_now() - start);
    const fv_plan_opts opts = { .mode = a.train ? FV_TRAIN : FV_INFER,
                                .batch = a.batch,
                                .grad_checkpointing = a.grad_checkpointing };
    if (fv_plan_new(&plan, net, &opts, &err) != FV_OK) {
        code = cli_fail(&err);
    } else {
        fv_net_info info;
        fv_plan_info made;
        bench_result result = { 0 };
        fv_net_describe(net, &info);
        fv_plan_describe(plan, &made);
        if (!c->json) show_plan(&a, &info, &made);
        code = measure(&result, &a, plan, &info, made.steps);
        if (code < 0) {
            show(c, &a, &info, plan, &made, &result, load_ms);
            code = 0;
        }
        free(result.steps);
    }
    fv_plan_free(plan);
    fv_net_free(net);
    return code;
}
