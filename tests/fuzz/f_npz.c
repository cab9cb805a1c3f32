/* f_npz.c -- fuzz target: NumPy's archives. Every array of an accepted file has as many bytes as its shape says, and all
 * together are no more than a few times the file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/format.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(bool holds)
{
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fv_arena a = { 0 };
    fv_stored_list l;
    fv_err err = { 0 };
    const fv_status s = fv_npz.read((fv_bytes){ .p = p, .len = n }, &l, &a, &err);
    check(s == FV_OK ? err.status == FV_OK : (err.status == s && err.msg[0] && l.count == 0));
    check(a.total <= 24 * n + (3 << 20));
    unsigned sum = 0;
    for (size_t i = 0; i < l.count; i++) {
        const fv_stored *t = &l.tensor[i];
        size_t bytes = (size_t)fv_dtype_bits(t->dtype) / 8;
        for (int k = 0; k < t->rank; k++) bytes *= (size_t)t->dim[k];
        check(bytes == t->data.len && (i == 0 || strcmp(t[-1].name, t->name) < 0));
        for (size_t k = 0; k < t->data.len; k++) sum += t->data.p[k];
    }
    (void)sum;
    fv_arena_free(&a);
    return 0;
}
