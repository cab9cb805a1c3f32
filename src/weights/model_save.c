/* model_save.c -- a net as a model file. The weights go to the disk from where they lie, without a second copy.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/status.h"
#include "graph/on_disk.h"
#include "weights/format.h"
#include "weights/model_file.h"
#include "weights/model_words.h"
#include <math.h>
#include <string.h>

/* The shortest decimal that reads back as the same float: 0.485, not the double 0.48500001430511475. */
static void put_float(fv_writer *w, float v)
{
    double scale = 1;
    for (int n = 0; n <= 9; n++, scale *= 10) {
        const double near = round((double)v * scale) / scale;
        if ((float)near == v) {
            fv_json_put_double(w, near);
            return;
        }
    }
    fv_json_put_double(w, v);
}

static void put_floats(fv_writer *w, const char *key, const float *v, int n)
{
    fv_write_printf(w, ",\"%s\":[", key);
    for (int i = 0; i < n; i++) {
        if (i) fv_write_u8(w, ',');
        put_float(w, v[i]);
    }
    fv_write_u8(w, ']');
}

static void put_prep(fv_writer *w, const fv_prep *p)
{
    fv_write_printf(w, "{\"h\":%d,\"w\":%d,\"channels\":%d,\"resize\":%d,\"filter\":\"%s\",\"exif\":\"%s\"", p->h, p->w,
                    p->channels, p->resize, fv_filter_words[p->filter], fv_exif_words[p->exif]);
    put_floats(w, "mean", p->mean, p->channels);
    put_floats(w, "std", p->std, p->channels);
    if (p->channels == 3) fv_write_printf(w, ",\"order\":\"%s\"", fv_order_words[p->order]);
    fv_write_u8(w, '}');
}

static void put_class_names(fv_writer *w, const fv_net *net)
{
    fv_write_u8(w, '[');
    for (int i = 0; i < net->classes; i++) {
        if (i) fv_write_u8(w, ',');
        fv_json_put_string(w, net->class_names[i]);
    }
    fv_write_u8(w, ']');
}

/* A text made by a writer, as a string of the arena. */
static const char *settle(fv_writer *w, fv_arena *a)
{
    char *s = w->failed ? NULL : fv_arena_strndup(a, (const char *)w->p, w->len);
    if (!s) a->failed = true;
    fv_writer_free(w);
    return s;
}

static void add_pairs(fv_stored_list *l, const fv_net *net, fv_arena *a)
{
    fv_writer w = { .heap = a->heap };
    l->pair = fv_arena_alloc(a, 7 * sizeof *l->pair);
    if (!l->pair) return;
    l->pair[l->pairs++] = (fv_pair){ "format", "pt" };
    if (net->class_names) {
        put_class_names(&w, net);
        l->pair[l->pairs++] = (fv_pair){ "fovea.class_names", settle(&w, a) };
    }
    l->pair[l->pairs++] = (fv_pair){ "fovea.classes", fv_arena_printf(a, "%d", net->classes) };
    l->pair[l->pairs++] = (fv_pair){ "fovea.network", net->name };
    if (net->prep.h > 0) {
        put_prep(&w, &net->prep);
        l->pair[l->pairs++] = (fv_pair){ "fovea.prep", settle(&w, a) };
    }
    l->pair[l->pairs++] = (fv_pair){ "fovea.stem", fv_stem_words[net->stem] };
    l->pair[l->pairs++] = (fv_pair){ "fovea.version", FV_VERSION };
}

static fv_bytes bytes_of(const void *p, size_t n)
{
    return (fv_bytes){ .p = p, .len = n };
}

/* Borrows the net's weights, which are read first where they lie in their file. */
static fv_status list_of(fv_stored_list *l, const fv_net *net, fv_arena *a, fv_err *err)
{
    const fv_graph *g = net->graph;
    FV_TRY(fv_net_fill_all(net, err));
    *l = (fv_stored_list){ .count = g->nparam };
    l->tensor = fv_arena_alloc(a, g->nparam * sizeof *l->tensor);
    for (size_t i = 0; l->tensor && i < g->nparam; i++) {
        const fv_param *p = &g->param[i];
        fv_stored *t = &l->tensor[i];
        const bool count = p->kind == FV_PARAM_COUNT;
        *t = (fv_stored){ .name = p->name, .dtype = count ? FV_DTYPE_I64 : FV_DTYPE_F32, .rank = p->rank };
        for (int k = 0; k < p->rank; k++) t->dim[k] = p->dim[k];
        t->data = count ? bytes_of(&net->batches_tracked, sizeof net->batches_tracked)
                        : bytes_of(net->weights + p->at, p->floats * sizeof(float));
    }
    add_pairs(l, net, a);
    return a->failed ? fv_fail(err, FV_NOMEM, "no memory to list %zu tensors", g->nparam) : FV_OK;
}

fv_status fv_model_file_bytes(fv_writer *w, const fv_net *net, fv_err *err)
{
    fv_arena a = { .heap = net->env.heap };
    fv_stored_list l;
    fv_status s = list_of(&l, net, &a, err);
    if (s == FV_OK) {
        fv_safetensors_head(w, &l);
        for (size_t i = 0; i < l.count; i++) fv_write_bytes(w, l.tensor[i].data.p, l.tensor[i].data.len);
        if (w->failed) s = fv_fail(err, FV_NOMEM, "no memory for a model file of %zu bytes and more", w->len);
    }
    fv_arena_free(&a);
    return s;
}

static fv_status save(const fv_net *net, const char *path, fv_writer *head, fv_arena *a, fv_err *err)
{
    fv_stored_list l;
    FV_TRY(list_of(&l, net, a, err));
    const size_t len = strlen(path);
    if (len > 4 && strcmp(path + len - 4, ".npz") == 0) return fv_npz_write(path, &l, a, err);
    fv_safetensors_head(head, &l);
    fv_span *parts = fv_arena_alloc(a, (l.count + 1) * sizeof *parts);
    if (head->failed || !parts)
        return fv_fail(err, FV_NOMEM, "no memory for a header of %zu bytes and more", head->len);
    parts[0] = (fv_span){ head->p, head->len };
    for (size_t i = 0; i < l.count; i++) parts[i + 1] = (fv_span){ l.tensor[i].data.p, l.tensor[i].data.len };
    return fv_file_write(path, parts, (int)l.count + 1, err);
}

fv_status fv_net_save(const fv_net *net, const char *path, fv_err *err)
{
    fv_arena a = { .heap = net->env.heap };
    fv_writer head = { .heap = net->env.heap };
    const fv_status s = save(net, path, &head, &a, err);
    fv_writer_free(&head);
    fv_arena_free(&a);
    return s;
}
