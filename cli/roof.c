/* roof.c -- what a step must take at least.
 * SPDX-License-Identifier: Apache-2.0 */
#include "roof.h"

double roof_rate(roof *r, int64_t bytes)
{
    int i = 0;
    while (i + 1 < ROOF_SIZES && ((int64_t)128 << 10 << i) < bytes) i++;
    if (r->rate[i] <= 0) r->rate[i] = 1e9 * fv_stream_gbs(r->threads, (size_t)128 << 10 << i, r->cpu);
    return r->rate[i] > 0 || i == 0 ? r->rate[i] : roof_rate(r, ((int64_t)64 << 10 << i)); /* no memory for it */
}

/* Inputs and outputs come and go as far as their own size; by image each thread has one of its own at a time. */
roof_step roof_of(roof *r, const fv_step_info *s)
{
    const int64_t values = s->bytes - s->weight_bytes;
    const int64_t there = s->by_image ? values / r->images * r->threads : values;
    const double near = roof_rate(r, there), far = roof_rate(r, r->all);
    roof_step at = { .bound = "compute" };
    at.compute = 2.0 * (double)s->products * r->images / r->peak;
    at.memory = (near > 0 ? (double)values / near : 0) + (far > 0 ? (double)s->weight_bytes / far : 0);
    at.least = at.compute > at.memory ? at.compute : at.memory;
    if (at.memory > at.compute) at.bound = "memory";
    at.intensity = s->bytes > 0 ? 2.0 * (double)s->macs * r->images / (double)s->bytes : 0;
    return at;
}
