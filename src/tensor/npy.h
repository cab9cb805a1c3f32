/* npy.h -- NumPy's array files in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_NPY_H
#define FV_NPY_H
#include "base/bytes.h"

/* Versions 1 to 3; <f4, <f8, |u1 and <i8 become floats; C order. FV_FORMAT, FV_UNSUP (names what), FV_NOMEM. */
fv_status fv_npy_parse(fv_array *a, fv_bytes file, const fv_allocator *heap, fv_err *err);

#endif
