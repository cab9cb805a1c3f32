/* f_idx.c -- any bytes as an IDX file, plain and gzipped.
 * Property: what is accepted has exactly the bytes of its dimensions, all of them inside the input.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/sources.h"

#include <stdlib.h>

static void parse(fv_bytes file)
{
    for (int rank = 1; rank <= 3; rank += 2) {
        fv_idx x;
        if (fv_idx_parse(&x, file, rank, NULL) != FV_OK) continue;
        if (x.data < file.p || x.data + x.size != file.p + file.len) abort();
        if ((size_t)x.dim[0] * (size_t)x.dim[1] * (size_t)x.dim[2] != x.size) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse((fv_bytes){ data, size });
    fv_bytes out;
    if (fv_idx_inflate(&out, (fv_bytes){ data, size }, NULL, NULL) != FV_OK) {
        if (out.p) abort();
        return 0;
    }
    if (out.len / 1032 > size) abort();
    parse(out);
    fv_release(NULL, (void *)out.p);
    return 0;
}
