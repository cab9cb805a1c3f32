/* test_pool.c -- maxpool where values are not finite: every row against the reference in double, bit for bit but for
 * which NaN. test_slots has the rest.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "base/rng.h"
#include "kernels/pool/pool.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { HIGH = 9, WIDE = 12, CHANNELS = 150, MOST = HIGH * WIDE * CHANNELS };

static const struct {
    int k, s, pad;
} windows[] = { { 3, 1, 1 }, { 3, 2, 1 }, { 3, 2, 0 }, { 2, 2, 0 }, { 2, 1, 0 }, { 5, 3, 2 }, { 1, 1, 0 } };
static const int channels[] = { 1, 16, 24, 32, 40, 64, 70, 130, CHANNELS };

/* One value of `rare` is a NaN or an infinity. */
static void fill(fv_rng *r, float *x, double *wide, size_t n, uint32_t rare)
{
    const float odd[] = { NAN, INFINITY, -INFINITY };
    for (size_t i = 0; i < n; i++) {
        x[i] = fv_rng_below(r, rare) ? (float)fv_rng_unit(r) - 0.5f : odd[fv_rng_below(r, 3)];
        wide[i] = (double)x[i];
    }
}

static void check(const fv_pool_problem *p, const float *x, const double *wide)
{
    static float y[MOST];
    static double want[MOST];
    void *arg[] = { y, (void *)x }, *doubles[] = { want, (void *)wide };
    const fv_slot *slot = &fv_slot_maxpool;
    fv_work w = { .problem = p, .n = 1, .arg = doubles, .end = slot->rows[0].units(p, 1) };
    slot->ref64(&w);
    w.arg = arg;
    for (int r = 0; r < slot->nrows; r++) {
        const fv_kernel *row = &slot->rows[r];
        if (row->cpu & ~fv_cpu_features(FV_CPU_BEST)) continue;
        w.end = row->units(p, 1);
        row->fn(&w);
        for (int i = 0; i < p->oh * p->ow * p->c; i++)
            if (isnan(want[i]) ? !isnan(y[i]) : (double)y[i] != want[i])
                fail_msg("%s: %d x %d by %d, %d channels: value %d is %g, not %g", row->name, p->kh, p->kw, p->sw, p->c,
                         i, (double)y[i], want[i]);
    }
}

static void test_what_is_not_finite(void **state)
{
    (void)state;
    static float x[MOST];
    static double wide[MOST];
    fv_rng r = fv_rng_of(11, 0, 0, FV_RNG_TEST);
    for (size_t k = 0; k < sizeof windows / sizeof *windows; k++) {
        for (size_t c = 0; c < sizeof channels / sizeof *channels; c++) {
            fv_pool_problem p = { .h = HIGH, .w = WIDE, .c = channels[c], .kh = windows[k].k, .kw = windows[k].k };
            p.sh = p.sw = windows[k].s, p.top = p.left = windows[k].pad;
            p.oh = (p.h + 2 * p.top - p.kh) / p.sh + 1, p.ow = (p.w + 2 * p.left - p.kw) / p.sw + 1;
            for (uint32_t rare = 2; rare <= 2000; rare *= 10) {
                fill(&r, x, wide, (size_t)p.h * p.w * p.c, rare);
                check(&p, x, wide);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_is_not_finite) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
