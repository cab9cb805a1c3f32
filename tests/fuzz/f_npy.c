/* f_npy.c -- fuzz target: an accepted array has as many values as its shape says, which the file's bytes paid for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tensor/npy.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fv_array a;
    fv_err err = { 0 };
    const fv_status s = fv_npy_parse(&a, (fv_bytes){ .p = p, .len = n }, NULL, &err);
    if ((s == FV_OK) != (a.data != NULL) || s != err.status) abort();
    size_t count = 1;
    for (int i = 0; i < a.rank; i++) count *= (size_t)a.dim[i];
    if (s == FV_OK && count > n) abort();
    float sum = 0;
    for (size_t i = 0; a.data && i < count; i++) sum += a.data[i];
    (void)sum;
    fv_array_free(&a, NULL);
    return 0;
}
