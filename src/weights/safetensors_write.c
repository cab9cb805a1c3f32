/* safetensors_write.c -- the head of a safetensors file: tensors sorted by alignment, then name; the header padded with
 * spaces so that the data lies at a multiple of 8. So does the reference writer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "weights/format.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int by_alignment(const void *a, const void *b)
{
    const fv_stored *x = a, *y = b;
    const int bx = fv_dtype_bits(x->dtype), by = fv_dtype_bits(y->dtype);
    return bx != by ? (bx < by ? 1 : -1) : strcmp(x->name, y->name);
}

static void put_metadata(fv_writer *w, const fv_stored_list *l)
{
    fv_write_printf(w, "\"__metadata__\":{");
    for (size_t i = 0; i < l->pairs; i++) {
        if (i) fv_write_u8(w, ',');
        fv_json_put_string(w, l->pair[i].key);
        fv_write_u8(w, ':');
        fv_json_put_string(w, l->pair[i].value);
    }
    fv_write_u8(w, '}');
}

static void put_tensor(fv_writer *w, const fv_stored *t, size_t begin)
{
    fv_json_put_string(w, t->name);
    fv_write_printf(w, ":{\"dtype\":\"%s\",\"shape\":[", fv_dtype_name(t->dtype));
    for (int i = 0; i < t->rank; i++) fv_write_printf(w, "%s%" PRId64, i ? "," : "", t->dim[i]);
    fv_write_printf(w, "],\"data_offsets\":[%zu,%zu]}", begin, begin + t->data.len);
}

void fv_safetensors_head(fv_writer *w, fv_stored_list *l)
{
    const size_t length_at = w->len;
    size_t at = 0;
    fv_write_u64le(w, 0);
    fv_write_u8(w, '{');
    if (l->pairs) put_metadata(w, l);
    if (l->count) qsort(l->tensor, l->count, sizeof *l->tensor, by_alignment);
    for (size_t i = 0; i < l->count; i++) {
        if (i || l->pairs) fv_write_u8(w, ',');
        put_tensor(w, &l->tensor[i], at);
        at += l->tensor[i].data.len;
    }
    fv_write_u8(w, '}');
    while ((w->len - length_at) % 8 && !w->failed) fv_write_u8(w, ' ');
    if (w->failed) return;
    const uint64_t n = w->len - length_at - 8;
    for (int i = 0; i < 8; i++) w->p[length_at + (size_t)i] = (uint8_t)(n >> (8 * i));
}
