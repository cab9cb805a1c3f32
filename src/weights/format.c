/* format.c -- the weight formats, in the order in which they are tried.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/format.h"
#include "base/status.h"
#include <string.h>

static const fv_weight_format *const formats[] = { &fv_safetensors, &fv_pth_legacy, &fv_npz, &fv_pth };

fv_status fv_weights_read(fv_bytes file, fv_stored_list *list, fv_arena *arena, fv_err *err)
{
    const size_t n = sizeof formats / sizeof *formats;
    for (size_t i = 0; i < n; i++)
        if (formats[i]->probe(file)) return formats[i]->read(file, list, arena, err);
    *list = (fv_stored_list){ 0 };
    if (file.len >= 262 && memcmp(file.p + 257, "ustar", 5) == 0)
        return fv_fail(err, FV_UNSUP, "a tar archive of PyTorch before 0.2; load it there, and save it again");
    return fv_safetensors.read(file, list, arena, err); /* says what is wrong with it */
}
