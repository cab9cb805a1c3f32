/* f_safetensors.c -- fuzz target: every tensor of an accepted file lies inside it, the spans fill it, the list costs no
 * more memory than the header's length accounts for, and a file written from the list reads back equal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/format.h"
#include "weights/model_file.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(bool holds)
{
    if (!holds) abort();
}

static void same(const fv_stored_list *a, const fv_stored_list *b)
{
    check(a->count == b->count && a->pairs == b->pairs);
    for (size_t i = 0; i < a->count; i++) {
        const fv_stored *x = &a->tensor[i], *y = &b->tensor[i];
        check(strcmp(x->name, y->name) == 0 && x->dtype == y->dtype && x->rank == y->rank);
        check(memcmp(x->dim, y->dim, sizeof x->dim) == 0 && x->data.len == y->data.len);
        check(!x->data.len || memcmp(x->data.p, y->data.p, x->data.len) == 0);
    }
    for (size_t i = 0; i < a->pairs; i++)
        check(strcmp(a->pair[i].key, b->pair[i].key) == 0 && strcmp(a->pair[i].value, b->pair[i].value) == 0);
}

/* `l` is read from `file` once more, because writing brings a list into the file's order. */
static void write_again(fv_bytes file, const fv_stored_list *l)
{
    fv_arena a = { 0 };
    fv_writer w = { 0 };
    fv_stored_list written, back;
    check(fv_safetensors.read(file, &written, &a, NULL) == FV_OK);
    fv_safetensors_head(&w, &written);
    for (size_t i = 0; i < written.count; i++) fv_write_bytes(&w, written.tensor[i].data.p, written.tensor[i].data.len);
    check(!w.failed && fv_safetensors.read((fv_bytes){ .p = w.p, .len = w.len }, &back, &a, NULL) == FV_OK);
    same(l, &back);
    fv_writer_free(&w);
    fv_arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    const fv_bytes file = { .p = p, .len = n };
    fv_arena a = { 0 };
    fv_stored_list l;
    fv_err err = { 0 };
    fv_model_meta meta;
    const fv_status s = fv_safetensors.read(file, &l, &a, &err);
    check(s == FV_OK ? err.status == FV_OK : (err.status == s && err.msg[0] && l.count == 0));
    check(a.total <= 4 * n + (1 << 16));
    size_t bytes = 0;
    for (size_t i = 0; i < l.count; i++) {
        const fv_bytes d = l.tensor[i].data;
        check(d.p >= p && d.p <= p + n && d.len <= (size_t)(p + n - d.p));
        bytes += d.len;
    }
    check(bytes <= n);
    if (s == FV_OK) write_again(file, &l);
    fv_model_file_peek(&meta, file, &a, NULL);
    fv_arena_free(&a);
    return 0;
}
