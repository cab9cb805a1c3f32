/* bench_slots.c -- the rows of the slots beside convolution on tensors of MobileNetV2, ShuffleNetV2 and EfficientNet-B0
 * at 224 pixels, batches of 1 and 32: one thread, best GB/s of what the slot must read and write, its share of a plain
 * copy of as many bytes measured right before, and ns per 16 values. An argument keeps to the rows whose name contains
 * it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/activation/activation.h"
#include "kernels/batchnorm/batchnorm.h"
#include "kernels/copy/copy.h"
#include "kernels/dropout/dropout.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/xent/xent.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MIN_RUNS = 5 };
#define SECONDS     0.05 /* of one row on one tensor */
#define RUN_OPERAND SIZE_MAX

typedef struct tensor {
    const char *net;
    int size, c;
} tensor;
// clang-format off
static const tensor tensors[] = {
    { "mobilenet_v2",    112,  96 },
    { "mobilenet_v2",     56,  24 },
    { "mobilenet_v2",     14, 384 },
    { "shufflenet_v2",    28, 116 },
    { "efficientnet_b0", 112,  32 },
    { "efficientnet_b0",  28, 240 },
    { "efficientnet_b0",   7, 1152 },
};
static const int batches[] = { 1, 32 };
// clang-format on

/* A call: the floats of each operand. */
typedef struct call {
    const fv_slot *slot;
    union {
        fv_act_problem act;
        fv_bn_problem bn;
        fv_copy_problem copy;
        fv_dropout_problem drop;
        fv_el_problem el;
        fv_xent_problem xent;
    } p;
    const char *note;
    int n;
    size_t values, count[FV_MAX_ARGS];
} call;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *random_floats(size_t count)
{
    float *p = aligned_alloc(64, (count * sizeof *p + 63) / 64 * 64);
    if (!p) abort();
    uint32_t s = 1;
    for (size_t i = 0; i < count; i++) {
        s = s * 1664525u + 1013904223u;
        p[i] = (float)(s >> 8) / (1 << 22) - 2;
    }
    return p;
}

/* Seconds of a copy that reads and writes so many bytes together. */
static double copy_seconds(char *to, const char *from, size_t bytes)
{
    const double start = now();
    memcpy(to, from, bytes / 2);
    __asm__ volatile("" ::"r"(to) : "memory");
    return now() - start;
}

static void measure(const call *k, const fv_kernel *row, const fv_work *w, char *spare[2], size_t bytes)
{
    double best = 1e9, copy = 1e9;
    const double begin = now();
    copy_seconds(spare[0], spare[1], bytes);
    row->fn(w);
    for (int runs = 0; runs < MIN_RUNS || now() - begin < SECONDS; runs++) {
        const double c = copy_seconds(spare[0], spare[1], bytes), start = now();
        row->fn(w);
        const double t = now() - start;
        if (t < best) best = t;
        if (c < copy) copy = c;
    }
    printf("%-32s %-11s n %2d  %9zu values  %6.1f GB/s, %4.0f %% of a copy, %6.2f ns per 16\n", row->name, k->note,
           k->n, k->values, (double)bytes / best * 1e-9, 100 * copy / best, best / (double)k->values * 16e9);
    fflush(stdout);
}

static void bench(const call *k, const char *only)
{
    const unsigned cpu = fv_cpu_features(FV_CPU_BEST);
    fv_run_info run = { .seed = 1, .lr = 0.1, .grad_scale = 1 };
    void *arg[FV_MAX_ARGS] = { NULL };
    size_t bytes = 0;
    for (int i = 0; i < FV_MAX_ARGS; i++) {
        if (k->count[i] == RUN_OPERAND) arg[i] = &run;
        else if (k->count[i]) arg[i] = random_floats(k->count[i]), bytes += k->count[i] * sizeof(float);
    }
    char *spare[2] = { (char *)random_floats(bytes / 8 + 1), (char *)random_floats(bytes / 8 + 1) };
    for (int r = 0; r < k->slot->nrows; r++) {
        const fv_kernel *row = &k->slot->rows[r];
        if ((row->cpu & ~cpu) || (row->applies && !row->applies(&k->p)) || (only && !strstr(row->name, only))) continue;
        if (row->cpu == 0 && r > 0 && !only) continue; /* the reference, where there is better */
        float *scratch = random_floats(row->scratch ? row->scratch(&k->p) / sizeof(float) + 1 : 1);
        const fv_work w = { &k->p, k->n, arg, 0, scratch, 0, row->units(&k->p, k->n), NULL };
        measure(k, row, &w, spare, bytes);
        free(scratch);
    }
    for (int i = 0; i < FV_MAX_ARGS; i++)
        if (k->count[i] != RUN_OPERAND) free(arg[i]);
    free(spare[0]);
    free(spare[1]);
}

static void bench_acts(const tensor *t, int n, size_t all, const char *only)
{
    static const char *const names[] = {
        [FV_ACT_RELU] = "relu",
        [FV_ACT_RELU6] = "relu6",
        [FV_ACT_SIGMOID] = "sigmoid",
        [FV_ACT_TANH] = "tanh",
        [FV_ACT_HARD_SWISH] = "hard_swish",
        [FV_ACT_SILU] = "silu",
        [FV_ACT_NONE] = "none",
        [FV_ACT_HARD_SIGMOID] = "hard_sigm",
    };
    for (int a = FV_ACT_NONE + 1; a < FV_ACT_COUNT; a++) {
        call k = { .slot = &fv_slot_act, .note = names[a], .n = n, .values = all, .count = { all, all } };
        k.p.act = (fv_act_problem){ all / n, (fv_act)a, t->c };
        bench(&k, only);
        k.slot = &fv_slot_act_back, k.count[2] = all;
        bench(&k, only);
    }
}

static void bench_elements(const tensor *t, int n, size_t all, const char *only)
{
    const size_t c = (size_t)t->c, pixels = all / n / c, one = n * c;
    call k = { .slot = &fv_slot_add, .note = t->net, .n = n, .values = all, .count = { all, all, all } };
    k.p.el = (fv_el_problem){ .pixels = pixels, .c = t->c };
    bench(&k, only);
    k.slot = &fv_slot_mul, k.count[2] = one, k.p.el.per_channel = true;
    bench(&k, only);
    k.slot = &fv_slot_mul_reduce, k.count[0] = one, k.count[2] = all;
    bench(&k, only);
    call d = { .slot = &fv_slot_drop_path, .note = t->net, .n = n, .values = all, .count = { all, all, RUN_OPERAND } };
    d.p.drop = (fv_dropout_problem){ all / n, 0.2, 3 };
    bench(&d, only);
    call s = { .slot = &fv_slot_shuffle, .note = t->net, .n = n, .values = all, .count = { all, all } };
    s.p.copy = (fv_copy_problem){ .h = t->size, .w = t->size, .c = t->c, .oc = t->c, .groups = 2 };
    bench(&s, only);
    s.slot = &fv_slot_gather;
    bench(&s, only);
}

static void bench_batchnorm(const tensor *t, int n, size_t all, fv_act act, const char *only)
{
    const size_t c = (size_t)t->c, part = fv_bn_part_floats(n, t->c), y = act == FV_ACT_RELU6 ? all : 0;
    const char *note = act == FV_ACT_SILU ? "silu" : "relu6";
    call k = { .slot = &fv_slot_bn_moments, .note = note, .n = n, .values = all, .count = { part, all } };
    k.p.bn = (fv_bn_problem){ all / n / c, t->c, 1e-3, 0.1, act };
    bench(&k, only);
    call apply = k;
    apply.slot = &fv_slot_bn_apply;
    memcpy(apply.count, (size_t[]){ all, all, 2 * c, c, c }, 5 * sizeof(size_t));
    bench(&apply, only);
    call reduce = k;
    reduce.slot = &fv_slot_bn_reduce;
    memcpy(reduce.count, (size_t[]){ part, all, all, 2 * c, y, c, c }, 7 * sizeof(size_t));
    bench(&reduce, only);
    call dx = k;
    dx.slot = &fv_slot_bn_dx;
    memcpy(dx.count, (size_t[]){ all, 0, all, all, 2 * c, c, 2 * c, y, c }, 9 * sizeof(size_t));
    bench(&dx, only);
}

static void bench_loss(int n, const char *only)
{
    const size_t all = (size_t)n * 1000;
    call k = { .slot = &fv_slot_softmax_xent, .note = "1000 ways", .n = n, .values = all };
    k.count[0] = (size_t)n, k.count[1] = k.count[2] = all, k.p.xent = (fv_xent_problem){ .k = 1000, .smoothing = 0.1 };
    bench(&k, only);
    k.slot = &fv_slot_bce;
    bench(&k, only);
    k.slot = &fv_slot_softmax_xent_back, k.count[0] = k.count[3] = all, k.count[1] = (size_t)n;
    bench(&k, only);
    k.slot = &fv_slot_bce_back;
    bench(&k, only);
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        const int n = batches[b];
        for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
            const tensor *t = &tensors[i];
            const size_t all = (size_t)n * t->size * t->size * t->c;
            if (i == 0 || i == 5) bench_acts(t, n, all, only);
            bench_elements(t, n, all, only);
            bench_batchnorm(t, n, all, FV_ACT_RELU6, only);
            bench_batchnorm(t, n, all, FV_ACT_SILU, only);
        }
        bench_loss(n, only);
    }
    return 0;
}
