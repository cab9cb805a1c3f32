/* elementwise_rows.h -- prototypes of the rows of sums and products.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_ELEMENTWISE_ROWS_H
#define FV_ELEMENTWISE_ROWS_H
#include "kernels/elementwise/elementwise.h"

enum {
    EL_PIXELS = 16,   /* of a unit, or, where factors per channel meet a small map, */
    EL_CHANNELS = 64, /* so many channels of an image */
};

static inline bool el_by_channels(const fv_el_problem *p)
{
    return p->per_channel && p->pixels < FV_SMALL_MAP;
}

#define FV_ROWS "kernels/elementwise/elementwise.def"
#include "kernels/row_prototypes.inc"
#undef FV_ROWS
#endif
