/* bench_kernels.c -- the rows of the convolution slots on the layers of ResNet-50 (one image) and ResNet-20 (128): one
 * thread, best and median GFLOP/s, and the median share of the multiply-add peak measured right before each run. An
 * argument keeps to the rows whose name contains it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/conv2d/conv2d.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_RUNS = 400, MIN_RUNS = 5 };
#define SECONDS 0.15 /* of one row on one layer */

typedef struct layer {
    const char *net;
    int n, size, c, oc, k, stride, groups;
} layer;
// clang-format off
static const layer layers[] = {
    { "resnet50",   1, 224,    3,   64, 7, 2, 1 },
    { "resnet50",   1,  56,   64,   64, 1, 1, 1 },
    { "resnet50",   1,  56,   64,   64, 3, 1, 1 },
    { "resnet50",   1,  56,   64,  256, 1, 1, 1 },
    { "resnet50",   1,  56,  128,  128, 3, 2, 1 },
    { "resnet50",   1,  28,  512,  128, 1, 1, 1 },
    { "resnet50",   1,  28,  128,  128, 3, 1, 1 },
    { "resnet50",   1,  14, 1024,  256, 1, 1, 1 },
    { "resnet50",   1,  14,  256,  256, 3, 1, 1 },
    { "resnet50",   1,   7,  512,  512, 3, 1, 1 },
    { "resnet50",   1,   7,  512, 2048, 1, 1, 1 },
    { "resnet50",  16,  56,   64,   64, 3, 1, 1 },
    { "resnet50",  16,  28,  512,  128, 1, 1, 1 },
    { "resnet50",  16,  14,  256,  256, 3, 1, 1 },
    { "resnet20", 128,  32,    3,   16, 3, 1, 1 },
    { "resnet20", 128,  32,   16,   16, 3, 1, 1 },
    { "resnet20", 128,  32,   16,   32, 3, 2, 1 },
    { "resnet20", 128,  16,   32,   32, 3, 1, 1 },
    { "resnet20", 128,   8,   64,   64, 3, 1, 1 },
    { "mobilenet",  1, 112,   32,   32, 3, 1, 32 },
    { "mobilenet",  1,  28,  192,  192, 3, 1, 192 },
    { "mobilenet",  1,  14,  672,  672, 5, 2, 672 },
};
// clang-format on
static const fv_slot *const slots[] = { &fv_slot_conv2d, &fv_slot_conv2d_dgrad, &fv_slot_conv2d_wgrad,
                                        &fv_slot_conv2d_bgrad };

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
        p[i] = (float)(s >> 8) / (1 << 24) - 0.5f;
    }
    return p;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* GFLOP/s of one thread at the row's level. */
static double peak_now(unsigned cpu)
{
    const fv_cpu level = cpu & FV_HAS_AVX512 ? FV_CPU_AVX512
                         : cpu & FV_HAS_AVX2 ? FV_CPU_AVX2
                         : cpu & FV_HAS_NEON ? FV_CPU_NEON
                                             : FV_CPU_REF;
    return fv_peak_gflops(1, level) * 1e9;
}

static void measure(const fv_kernel *k, const fv_work *w, const layer *l, double flops)
{
    double best = 0, share[MAX_RUNS], rate[MAX_RUNS];
    int runs = 0;
    const double begin = now();
    k->fn(w);
    for (; runs < MAX_RUNS && (runs < MIN_RUNS || now() - begin < SECONDS); runs++) {
        const double peak = peak_now(k->cpu), start = now();
        k->fn(w);
        rate[runs] = flops / (now() - start);
        share[runs] = rate[runs] / peak;
        if (rate[runs] > best) best = rate[runs];
    }
    qsort(rate, (size_t)runs, sizeof *rate, by_value);
    qsort(share, (size_t)runs, sizeof *share, by_value);
    printf("%-30s %-9s n %3d  %3d x %4d -> %4d  k%d s%d g%-3d  %6.1f GFLOP/s, median %6.1f, %3.0f %% of the peak\n",
           k->name, l->net, l->n, l->size, l->c, l->oc, l->k, l->stride, l->groups, best * 1e-9, rate[runs / 2] * 1e-9,
           100 * share[runs / 2]);
    fflush(stdout);
}

static void bench(const fv_slot *slot, const layer *l, unsigned cpu, const char *only)
{
    const int o = (l->size + l->stride - 1) / l->stride;
    fv_conv_problem p = { .h = l->size, .w = l->size, .c = l->c, .oh = o, .ow = o, .oc = l->oc, .groups = l->groups };
    p.kh = p.kw = l->k, p.sh = p.sw = l->stride, p.top = p.left = l->k / 2, p.dh = p.dw = 1;
    const size_t in = (size_t)l->n * l->size * l->size * l->c, out = (size_t)l->n * o * o * l->oc;
    const size_t weights = (size_t)l->oc * (l->c / l->groups) * l->k * l->k;
    const double flops = slot == &fv_slot_conv2d_bgrad ? (double)out : 2.0 * (double)out * (double)weights / l->oc;
    float *x = random_floats(in), *y = random_floats(out), *w = random_floats(weights);
    float *bias = random_floats((size_t)l->oc);
    void *const args[4][FV_MAX_ARGS] = { { y, x, w, bias }, { x, y, w }, { w, y, x }, { bias, y } };
    int s = 0;
    while (slots[s] != slot) s++;
    for (int r = 0; r < slot->nrows; r++) {
        const fv_kernel *k = &slot->rows[r];
        if ((k->cpu & ~cpu) || (k->applies && !k->applies(&p)) || (only && !strstr(k->name, only))) continue;
        if (k->cpu == 0 && !only) continue; /* the reference takes too long */
        void *arg[FV_MAX_ARGS];
        memcpy(arg, args[s], sizeof arg);
        float *packed = NULL, *scratch = random_floats(k->scratch ? k->scratch(&p) / sizeof(float) + 1 : 1);
        if (k->packing) {
            packed = random_floats(k->packing->floats(&p));
            void *pack_arg[FV_MAX_ARGS] = { packed, w };
            const fv_work pack = { &p, 1, pack_arg, 0, NULL, 0, k->packing->units(&p, 1), NULL };
            k->packing->fn(&pack);
            arg[slot->weights_arg] = packed;
        }
        const fv_work work = { &p, l->n, arg, 0, scratch, 0, k->units(&p, l->n), NULL };
        measure(k, &work, l, flops);
        free(packed);
        free(scratch);
    }
    free(x);
    free(y);
    free(w);
    free(bias);
}

int main(int argc, char **argv)
{
    const unsigned cpu = fv_cpu_features(FV_CPU_BEST);
    for (size_t s = 0; s < sizeof slots / sizeof *slots; s++)
        for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
            bench(slots[s], &layers[i], cpu, argc > 1 ? argv[1] : NULL);
    return 0;
}
