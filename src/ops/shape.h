/* shape.h -- checked shapes and counts for ops.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_SHAPE_H
#define FV_SHAPE_H
#include "ops/op.h"

enum { FV_MAX_DIM = 1 << 24 };

/* *y = 1 x h x w x c, or FV_SHAPE where a size lies outside 1 .. 2^24 or the values outside 2^40. */
fv_status fv_shape_set(fv_shape *y, int64_t h, int64_t w, int64_t c, fv_err *err);
bool fv_shape_same(const fv_shape *a, const fv_shape *b);
fv_status fv_shape_keep(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err); /* y = x[0] */
static inline size_t fv_shape_pixels(const fv_shape *s)
{
    return (size_t)s->h * s->w;
}
static inline size_t fv_shape_count(const fv_shape *s)
{
    return (size_t)s->h * s->w * s->c;
}
/* Product that stops at 2^50: a count for people, not a size. */
int64_t fv_count_times(int64_t a, int64_t b);

/* dx = dy, or y = x: the whole tensor of shape s. */
void fv_emit_copy(fv_lower *l, const fv_shape *s, fv_arg to, fv_arg from);
/* y = act(x); dx = dy * act'(by y). */
void fv_emit_act_by_value(fv_lower *l, const fv_shape *s, fv_act act, fv_arg dx, fv_arg dy, fv_arg y);

#endif
