/* resize.c -- Pillow's antialiased Image.resize, bit for bit (its Resample.c): separable, weights in 22-bit fixed
 * point, always the horizontal pass first, 8 bits between the passes, a pass that changes nothing left out. (Recent
 * Pillow starts with the vertical pass where that is cheaper; its results then differ a little.)
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/pixels.h"

#include <math.h>
#include <string.h>

enum { BITS = 22 }; /* 8 bits of pixel + 22 + sign, and one bit for overshoot */

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static double bicubic(double x) /* Keys with a = -0.5 */
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static const struct kernel {
    double (*f)(double);
    double support;
} kernels[] = {
    [FV_FILTER_DEFAULT] = { bilinear, 1 },
    [FV_BILINEAR] = { bilinear, 1 },
    [FV_BICUBIC] = { bicubic, 2 },
};

/* Output i of one axis is sum over j < n[i] of weight[i * taps + j] * input[first[i] + j]. One block of memory. */
typedef struct axis {
    int out, taps;
    int32_t *weight, *first, *n;
    bool skip; /* nothing changes along this axis */
} axis;

static void weigh(axis *a, int i, int in, double from, double scale, const struct kernel *k, double *w)
{
    const double wide = scale < 1 ? 1 : scale, support = k->support * wide, step = 1 / wide;
    const double centre = from + (i + 0.5) * scale;
    int first = (int)(centre - support + 0.5), last = (int)(centre + support + 0.5);
    if (first < 0) first = 0;
    if (last > in) last = in;
    a->first[i] = first;
    a->n[i] = last - first;
    double sum = 0;
    for (int j = 0; j < a->n[i]; j++) {
        w[j] = k->f((j + first - centre + 0.5) * step);
        sum += w[j];
    }
    for (int j = 0; j < a->n[i]; j++) {
        if (sum != 0) w[j] /= sum;
        const double fixed = w[j] * (1 << BITS);
        a->weight[(size_t)i * (size_t)a->taps + (size_t)j] = (int32_t)(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
}

/* The span [from, to) of `in` input pixels becomes `out` pixels; floats, because Pillow's box is one of floats. */
static fv_status axis_make(axis *a, int in, float from, float to, int out, fv_filter filter, const fv_allocator *heap,
                           fv_err *err)
{
    const struct kernel *k = &kernels[filter];
    const double scale = (double)(to - from) / out, support = k->support * (scale < 1 ? 1 : scale);
    a->out = out;
    a->skip = in == out && from == 0 && to == (float)in;
    a->taps = (int)ceil(support) * 2 + 1;
    double *w = NULL;
    const size_t words = (size_t)out * ((size_t)a->taps + 2);
    FV_TRY(fv_alloc_or(heap, (void **)&a->weight, words * sizeof *a->weight, err));
    a->first = a->weight + (size_t)out * (size_t)a->taps;
    a->n = a->first + out;
    FV_TRY(fv_alloc_or(heap, (void **)&w, (size_t)a->taps * sizeof *w, err));
    for (int i = 0; i < out; i++) weigh(a, i, in, from, scale, k, w);
    fv_release(heap, w);
    return FV_OK;
}

static uint8_t clip8(int32_t v)
{
    v >>= BITS;
    return v < 0 ? 0 : v > 255 ? 255 : (uint8_t)v;
}

static void row_1(uint8_t *restrict out, const uint8_t *restrict in, const axis *a)
{
    for (int x = 0; x < a->out; x++) {
        const int32_t *w = a->weight + (size_t)x * (size_t)a->taps;
        const uint8_t *p = in + a->first[x];
        int32_t v = 1 << (BITS - 1);
        for (int j = 0; j < a->n[x]; j++) v += w[j] * p[j];
        out[x] = clip8(v);
    }
}

static void row_3(uint8_t *restrict out, const uint8_t *restrict in, const axis *a)
{
    for (int x = 0; x < a->out; x++) {
        const int32_t *w = a->weight + (size_t)x * (size_t)a->taps;
        const uint8_t *p = in + 3 * (size_t)a->first[x];
        int32_t r = 1 << (BITS - 1), g = r, b = r;
        for (int j = 0; j < a->n[x]; j++, p += 3) {
            r += w[j] * p[0];
            g += w[j] * p[1];
            b += w[j] * p[2];
        }
        out[3 * x] = clip8(r);
        out[3 * x + 1] = clip8(g);
        out[3 * x + 2] = clip8(b);
    }
}

/* Rows first .. first + mid->h of `in` become the rows of mid. */
static void horizontal(fv_image *mid, const fv_image *in, int first, const axis *a)
{
    for (int y = 0; y < mid->h; y++) {
        uint8_t *out = mid->px + (size_t)y * (size_t)mid->w * (size_t)mid->c;
        const uint8_t *from = in->px + (size_t)(first + y) * (size_t)in->w * (size_t)in->c;
        if (a->skip) memcpy(out, from, (size_t)mid->w * (size_t)mid->c);
        else if (in->c == 1) row_1(out, from, a);
        else row_3(out, from, a);
    }
}

/* mid begins at row `first` of the picture that the axis was made for. sum: a row of 32-bit sums. */
static void vertical(fv_image *out, const fv_image *mid, int first, const axis *a, int32_t *restrict sum)
{
    const size_t row = (size_t)mid->w * (size_t)mid->c;
    for (int y = 0; y < out->h; y++) {
        const uint8_t *restrict p = mid->px + (size_t)(a->first[y] - first) * row;
        const int32_t *w = a->weight + (size_t)y * (size_t)a->taps;
        for (size_t x = 0; x < row; x++) sum[x] = 1 << (BITS - 1);
        for (int j = 0; j < a->n[y]; j++, p += row) {
            const int32_t weight = w[j];
            for (size_t x = 0; x < row; x++) sum[x] += weight * p[x];
        }
        uint8_t *restrict to = out->px + (size_t)y * row;
        for (size_t x = 0; x < row; x++) to[x] = clip8(sum[x]);
    }
}

typedef struct job {
    axis x, y;
    fv_image mid;
    int32_t *sum;
} job;

static fv_status passes(job *j, fv_image *out, const fv_image *in, fv_err *err)
{
    const int w = j->x.out, h = j->y.out, c = in->c;
    if (j->y.skip) {
        FV_TRY(fv_image_new(out, h, w, c, out->heap, err));
        horizontal(out, in, 0, &j->x);
        return FV_OK;
    }
    const int first = j->y.first[0], last = j->y.first[h - 1] + j->y.n[h - 1];
    FV_TRY(fv_image_new(&j->mid, last - first, w, c, out->heap, err));
    FV_TRY(fv_alloc_or(out->heap, (void **)&j->sum, (size_t)w * (size_t)c * sizeof *j->sum, err));
    FV_TRY(fv_image_new(out, h, w, c, out->heap, err));
    horizontal(&j->mid, in, first, &j->x);
    vertical(out, &j->mid, first, &j->y, j->sum);
    return FV_OK;
}

fv_status fv_image_resize(fv_image *out, const fv_image *in, int h, int w, const float box[4], fv_filter filter,
                          const fv_allocator *heap, fv_err *err)
{
    *out = (fv_image){ .heap = heap };
    const float whole[4] = { 0, 0, (float)in->w, (float)in->h };
    const float *b = box ? box : whole;
    if (!(b[0] >= 0 && b[1] >= 0 && b[2] <= whole[2] && b[3] <= whole[3] && b[0] < b[2] && b[1] < b[3]))
        return fv_fail(err, FV_ARG, "the box to resize from is empty or not inside the picture");
    FV_TRY(fv_image_check(h, w, err));
    job j = { .mid.heap = heap };
    fv_status s = axis_make(&j.x, in->w, b[0], b[2], w, filter, heap, err);
    if (s == FV_OK) s = axis_make(&j.y, in->h, b[1], b[3], h, filter, heap, err);
    if (s == FV_OK) s = passes(&j, out, in, err);
    fv_release(heap, j.x.weight);
    fv_release(heap, j.y.weight);
    fv_release(heap, j.sum);
    fv_image_free(&j.mid);
    return s;
}
