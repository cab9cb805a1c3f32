/* dtype.h -- element types of files, as rows.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_DTYPE_H
#define FV_DTYPE_H
#include "base/bytes.h"

/* dtypes.def: FV_DTYPE(id, name in safetensors, bits, is it a floating type, how it becomes float or NULL). */
typedef enum fv_dtype {
#define FV_DTYPE(id, text, bits, floating, convert) FV_DTYPE_##id,
#include "tensor/dtypes.def"
#undef FV_DTYPE
    FV_DTYPE_COUNT
} fv_dtype;

const char *fv_dtype_name(fv_dtype d);
int fv_dtype_bits(fv_dtype d);
bool fv_dtype_floating(fv_dtype d); /* a floating type that can be converted: one for weights */
/* Copies data.len * 8 / bits values as floats, from any alignment. The type must be one that can be converted. */
void fv_dtype_floats(fv_dtype d, fv_bytes data, float *out);

#endif
