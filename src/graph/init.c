/* init.c -- initialisers as rows. Fans follow PyTorch: fan_in = weights per output, fan_out = outputs x kernel area
 * (for grouped convolutions not divided by the groups). Each parameter draws from its own random stream.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/init.h"
#include "base/rng.h"
#include <math.h>

typedef struct fan {
    double in, out;
} fan;
typedef struct init_row {
    double (*draw)(fv_rng *r, double scale);
    double (*scale)(fan f, double a);
    bool draws_bias; /* else the bias is 0 */
} init_row;

static double uniform(fv_rng *r, double b)
{
    return (2 * fv_rng_unit(r) - 1) * b;
}

static double normal(fv_rng *r, double sd)
{
    return fv_rng_normal(r) * sd;
}

static double trunc_normal(fv_rng *r, double sd)
{
    double z;
    do z = fv_rng_normal(r);
    while (fabs(z) > 2);
    return z * sd;
}

static double constant(fv_rng *r, double a)
{
    (void)r;
    return a;
}

static double torch_bound(fan f, double a)
{
    (void)a;
    return 1 / sqrt(f.in);
}

static double he_in(fan f, double a)
{
    (void)a;
    return sqrt(2 / f.in);
}

static double he_out(fan f, double a)
{
    (void)a;
    return sqrt(2 / f.out);
}

static double xavier_bound(fan f, double a)
{
    (void)a;
    return sqrt(6 / (f.in + f.out));
}

static double as_given(fan f, double a)
{
    (void)f;
    return a;
}

static const init_row rows[] = {
    [FV_INIT_TORCH] = { uniform, torch_bound, true }, [FV_INIT_HE_FAN_IN] = { normal, he_in, false },
    [FV_INIT_HE_FAN_OUT] = { normal, he_out, false }, [FV_INIT_XAVIER_UNIFORM] = { uniform, xavier_bound, false },
    [FV_INIT_NORMAL] = { normal, as_given, false },   [FV_INIT_TRUNC_NORMAL] = { trunc_normal, as_given, false },
    [FV_INIT_UNIFORM] = { uniform, as_given, false }, [FV_INIT_CONSTANT] = { constant, as_given, true },
};

static fan fan_of(const fv_param *weight)
{
    const double area = weight->rank == 4 ? (double)weight->dim[2] * weight->dim[3] : 1;
    return (fan){ .in = (double)weight->floats / weight->dim[0], .out = weight->dim[0] * area };
}

void fv_init_draw(float *out, const fv_param *p, const fv_param *weight, uint64_t seed, uint64_t stream)
{
    const bool drawn = p->kind == FV_PARAM_WEIGHT || p->kind == FV_PARAM_BIAS;
    const init_row *row = &rows[p->init.kind ? p->init.kind : FV_INIT_TORCH];
    if (!drawn || (p->kind == FV_PARAM_BIAS && !row->draws_bias)) {
        for (size_t i = 0; i < p->floats; i++)
            out[i] = p->kind == FV_PARAM_SCALE ? 1 : p->kind == FV_PARAM_BIAS ? p->init.bias : 0;
        return;
    }
    fv_rng r = fv_rng_of(seed, 0, stream, FV_RNG_INIT);
    const double scale = row->scale(fan_of(weight), (double)p->init.a);
    for (size_t i = 0; i < p->floats; i++) out[i] = (float)row->draw(&r, scale);
}
