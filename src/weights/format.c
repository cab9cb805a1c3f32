/* format.c -- the weight formats, in the order in which they are tried.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/format.h"
#include "base/status.h"

static const fv_weight_format *const formats[] = { &fv_safetensors };

fv_status fv_weights_read(fv_bytes file, fv_stored_list *list, fv_arena *arena, fv_err *err)
{
    const size_t n = sizeof formats / sizeof *formats;
    for (size_t i = 0; i < n; i++)
        if (formats[i]->probe(file)) return formats[i]->read(file, list, arena, err);
    *list = (fv_stored_list){ 0 };
    if (file.len >= 2 && file.p[0] == 0x80)
        return fv_fail(err, FV_UNSUP, "a pickled .pth file; save it as safetensors first");
    if (file.len >= 4 && file.p[0] == 'P' && file.p[1] == 'K')
        return fv_fail(err, FV_UNSUP, "a zip archive (.pth or .npz); save it as safetensors first");
    return fv_safetensors.read(file, list, arena, err); /* says what is wrong with it */
}
