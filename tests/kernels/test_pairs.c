/* test_pairs.c -- a convolution and the depthwise one behind it as a pair: the bits of one after the other, over
 * shapes that reach each tail and border, for any split of the units, strided, beside guard pages.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "guard.h"
#include "kernels/conv2d/conv2d.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { SHAPES = 250, BETWEEN = 0x7fc0beef /* bits that stand between the pixels of a strided operand */ };

static uint32_t next(uint32_t *s)
{
    *s = *s * 1664525u + 1013904223u;
    return *s >> 8;
}

static int pick(uint32_t *s, const int *from, int count)
{
    return from[next(s) % (uint32_t)count];
}
#define PICK(s, ...) pick(s, (const int[]){ __VA_ARGS__ }, sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

typedef struct shapes {
    fv_conv_problem p, q;
    bool bias[2];
    int spread; /* floats between pixels of x and y */
} shapes;

static shapes shapes_of(uint32_t seed)
{
    uint32_t s = seed;
    const fv_act acts[] = { FV_ACT_NONE, FV_ACT_RELU, FV_ACT_RELU6, FV_ACT_SILU, FV_ACT_HARD_SWISH };
    const int h = PICK(&s, 1, 2, 5, 9, 14), w = PICK(&s, 14, 15, 17, 28, 61, 130), c = PICK(&s, 1, 3, 16, 24, 70);
    const int oc = PICK(&s, 1, 15, 16, 17, 32, 40, 72, 100), k = PICK(&s, 3, 3, 5, 7), step = PICK(&s, 1, 1, 2, 3);
    const int top = PICK(&s, 0, 1, k / 2, k / 2), left = PICK(&s, 0, 1, k / 2, k / 2);
    const int below = PICK(&s, 0, k / 2, k / 2), right = PICK(&s, 0, k / 2, k / 2);
    const int first = PICK(&s, 1, 1, 1, 3, 5), by = first > 1 ? PICK(&s, 1, 2, 2) : 1, few = PICK(&s, 1, 2, 3, 3, 4);
    shapes v = { .bias = { PICK(&s, 0, 1, 1), PICK(&s, 0, 1, 1) }, .spread = PICK(&s, 0, 0, 5) };
    v.p = (fv_conv_problem){ .h = h, .w = w, .c = c, .oh = h, .ow = w, .oc = oc, .kh = 1, .kw = 1, .sh = 1, .sw = 1 };
    if (first > 1) {
        v.p.c = few, v.p.kh = v.p.kw = first, v.p.sh = v.p.sw = by;
        v.p.top = PICK(&s, 0, 1, first - 1), v.p.left = PICK(&s, 0, 1, first - 1);
        v.p.h = (h - 1) * by + first - v.p.top - PICK(&s, 0, 1),
        v.p.w = (w - 1) * by + first - v.p.left - PICK(&s, 0, 1);
        if (v.p.h < 1) v.p.h = 1;
    }
    v.p.dh = v.p.dw = v.p.groups = 1, v.p.act = acts[PICK(&s, 0, 1, 2, 3, 4)];
    v.q =
        (fv_conv_problem){ .h = h, .w = w, .c = oc, .oc = oc, .groups = oc, .kh = k, .kw = k, .sh = step, .sw = step };
    v.q.dh = v.q.dw = 1, v.q.top = top, v.q.left = left, v.q.act = acts[PICK(&s, 0, 1, 2, 3, 4)];
    v.q.oh = h + top + below < k ? 0 : (h + top + below - k) / step + 1;
    v.q.ow = (w + left + right - k) / step + 1;
    return v;
}

static guarded random_floats(size_t count, uint32_t seed, bool at_end)
{
    guarded g = guard_new(count * sizeof(float), at_end);
    for (size_t i = 0; i < count; i++) ((float *)g.p)[i] = (float)next(&seed) / (1 << 22) - 2.0f;
    return g;
}

static guarded packed(const fv_kernel *k, const fv_conv_problem *p, uint32_t seed)
{
    guarded raw = random_floats((size_t)p->oc * (p->c / p->groups) * p->kh * p->kw, seed, true);
    guarded to = guard_new(k->packing->floats(p) * sizeof(float), true);
    void *arg[FV_MAX_ARGS] = { to.p, raw.p };
    k->packing->fn(&(fv_work){ .problem = p, .n = 1, .arg = arg, .end = k->packing->units(p, 1) });
    guard_free(&raw);
    return to;
}

static guarded scratch_for(size_t bytes)
{
    guarded g = guard_new((bytes + 63) / 64 * 64, true);
    memset(g.p, 0xff, g.used);
    return g;
}

static void run_one(const fv_kernel *k, const fv_conv_problem *p, void *const *arg, const int *ld)
{
    guarded scratch = scratch_for(k->scratch ? k->scratch(p) : 0);
    k->fn(&(fv_work){ .problem = p, .n = 1, .arg = arg, .scratch = scratch.p, .end = k->units(p, 1), .ld = ld });
    guard_free(&scratch);
}

/* A block of pixels of c floats, `spread` apart, that ends with the last one. */
static guarded block(int pixels, int c, int spread, bool at_end)
{
    const size_t floats = (size_t)pixels * (c + spread) - spread;
    guarded g = guard_new(floats * sizeof(float), at_end);
    for (size_t i = 0; i < floats; i++) ((uint32_t *)g.p)[i] = BETWEEN;
    return g;
}

static bool equals_one_by_one(const shapes *v, const fv_kernel *first, const fv_kernel *second, uint32_t seed)
{
    const fv_conv_pair *pair = fv_conv_pair_of(first, &v->p, second, &v->q);
    const int c = v->p.c, oc = v->p.oc, spread = v->spread, pixels = v->p.h * v->p.w, out = v->q.oh * v->q.ow;
    const bool at_end = seed & 1;
    if (!pair) return false;
    guarded x = block(pixels, c, spread, at_end),
            between = guard_new((size_t)v->q.h * v->q.w * oc * sizeof(float), true);
    for (int i = 0; i < pixels; i++)
        for (int k = 0; k < c; k++)
            ((float *)x.p)[(size_t)i * (c + spread) + k] = (float)next(&seed) / (1 << 22) - 2.0f;
    guarded y = block(out, oc, spread, at_end), want = block(out, oc, spread, at_end);
    guarded w[2] = { packed(first, &v->p, seed), packed(second, &v->q, seed + 1) };
    guarded b[2] = { random_floats((size_t)oc, seed, at_end), random_floats((size_t)oc, seed + 2, at_end) };
    const int ld[2][FV_MAX_ARGS] = { { 0, c + spread }, { oc + spread } };
    void *one[FV_MAX_ARGS] = { between.p, x.p, w[0].p, v->bias[0] ? b[0].p : NULL };
    void *two[FV_MAX_ARGS] = { want.p, between.p, w[1].p, v->bias[1] ? b[1].p : NULL };
    run_one(first, &v->p, one, ld[0]);
    run_one(second, &v->q, two, ld[1]);

    one[0] = two[1] = NULL, two[0] = y.p;
    guarded scratch = scratch_for(pair->scratch(&v->p, &v->q));
    const int units = v->q.oh, parts = 1 + (int)(next(&seed) % 5);
    double seconds[2] = { 0, 0 };
    for (int i = parts - 1; i >= 0; i--) { /* in no order */
        const fv_work a = { .problem = &v->p, .n = 1, .arg = one, .ld = ld[0] };
        fv_work z = { .problem = &v->q, .n = 1, .arg = two, .ld = ld[1], .scratch = scratch.p };
        z.begin = (int)((int64_t)units * i / parts), z.end = (int)((int64_t)units * (i + 1) / parts);
        memset(scratch.p, 0xff, scratch.used);
        pair->run(&a, &z, i ? NULL : seconds);
    }
    const bool same = memcmp(y.p, want.p, y.used) == 0;
    guarded *all[] = { &x, &between, &y, &want, &w[0], &w[1], &b[0], &b[1], &scratch };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) guard_free(all[i]);
    if (!same)
        print_error("%s: another result; %dx%dx%d, kernel %d, stride %d -> %d, kernel %d, stride %d, before %d %d, -> "
                    "%dx%d, spread %d\n",
                    first->name, v->p.h, v->p.w, c, v->p.kh, v->p.sh, oc, v->q.kh, v->q.sh, v->q.top, v->q.left,
                    v->q.oh, v->q.ow, spread);
    assert_true(same);
    return true;
}

/* The rows of the direct and of the depthwise convolution at a level. */
static const fv_kernel *row(unsigned cpu, const fv_conv_problem *p)
{
    return fv_slot_choose(&fv_slot_conv2d, cpu & ~(unsigned)FV_MAY_WINOGRAD, p);
}

static void all_levels(void **state)
{
    (void)state;
    const fv_cpu levels[] = { FV_CPU_AVX2, FV_CPU_AVX512, FV_CPU_NEON };
    const unsigned have = fv_cpu_features(FV_CPU_BEST);
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
        const unsigned cpu = fv_cpu_features(levels[l]);
        int pairs = 0;
        if (!cpu || (cpu & ~have)) continue;
        for (uint32_t seed = 1; seed <= SHAPES; seed++) {
            const shapes v = shapes_of(seed);
            if (v.q.oh < 1 || v.q.ow < 1) continue;
            pairs += equals_one_by_one(&v, row(cpu, &v.p), row(cpu, &v.q), seed);
        }
        assert_true(pairs > SHAPES / 2 || !(cpu & (FV_HAS_AVX2 | FV_HAS_AVX512 | FV_HAS_NEON)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(all_levels) };
    return cmocka_run_group_tests_name("pairs", tests, NULL, NULL);
}
