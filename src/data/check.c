/* check.c -- looks at every picture of a data set once, on all threads, and tells what was found in the set's own order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/check.h"
#include "base/threads.h"
#include "image/pixels.h"
#include "image/traits.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 256, DEFAULT_TINY = 32, LEAST_CONTRAST = 24 };

/* ---- one picture ---- */

static uint64_t stir(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ull;
    return h ^ h >> 32;
}

/* 128 bits: among a billion pictures two differ with equal bits once in 10^20 sets. No one is meant to forge them. */
static void hash_pixels(fv_seen *s, const fv_image *im)
{
    const size_t n = (size_t)im->h * (size_t)im->w * (size_t)im->c;
    uint64_t a = (uint64_t)im->h << 32 ^ (uint64_t)im->w ^ 0x9e3779b97f4a7c15ull, b = ~a;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t word = 0;
        memcpy(&word, im->px + i, n - i < 8 ? n - i : 8);
        a = stir(a ^ word);
        b = stir(b + word) * 0x9e3779b97f4a7c15ull + a;
    }
    s->pixels[0] = a;
    s->pixels[1] = b;
}

/* 8 x 8 comparisons of neighbours in the picture shrunk to 9 x 8 greys, and its shape in 16 x 16. */
static fv_status gist_of(fv_seen *s, const fv_image *im, fv_err *err)
{
    fv_image grey, thumb = { .heap = im->heap }, small = { .heap = im->heap };
    FV_TRY(fv_image_new(&grey, im->h, im->w, 1, im->heap, err));
    const size_t row = (size_t)im->w * (size_t)im->c;
    for (int y = 0; y < im->h; y++) fv_image_put_row(&grey, y, im->px + (size_t)y * row, im->c);
    fv_status st = fv_image_resize(&thumb, &grey, FV_THUMB, FV_THUMB, NULL, FV_BILINEAR, im->heap, err);
    if (st == FV_OK) st = fv_image_resize(&small, &thumb, 8, 9, NULL, FV_BILINEAR, im->heap, err);
    uint8_t low = 255, high = 0;
    for (int i = 0; st == FV_OK && i < FV_THUMB * FV_THUMB; i++) {
        s->thumb[i] = thumb.px[i];
        low = thumb.px[i] < low ? thumb.px[i] : low;
        high = thumb.px[i] > high ? thumb.px[i] : high;
    }
    s->flat = high - low < LEAST_CONTRAST;
    for (int i = 0; st == FV_OK && i < 64; i++) {
        const uint8_t *p = small.px + i / 8 * 9 + i % 8;
        s->gist |= (uint64_t)(p[0] > p[1]) << i;
    }
    fv_image_free(&grey);
    fv_image_free(&thumb);
    fv_image_free(&small);
    return st;
}

static fv_status load(const fv_data *d, fv_seen *s, fv_image *im, fv_err *err)
{
    fv_bytes file;
    if (!d->source->bytes) return d->source->get(d, s->sample, d->channels, FV_EXIF_APPLY, im, &s->label, err);
    FV_TRY(d->source->bytes(d, s->sample, &file, &s->label, err));
    const fv_traits t = fv_image_traits(file);
    s->cmyk = t.cmyk;
    s->deep = t.deep;
    const fv_status st = fv_image_decode(im, file, d->channels, FV_EXIF_APPLY, d->env.heap, err);
    fv_release(d->env.heap, (void *)file.p);
    return st == FV_OK ? st : fv_context(err, st, "%s", d->source->file(d, s->sample));
}

static fv_status look(const fv_check *c, fv_seen *s, fv_err *err)
{
    const fv_data *d = c->data[s->split];
    fv_image im = { .heap = d->env.heap };
    FV_TRY(load(d, s, &im, err));
    const int side = im.h < im.w ? im.h : im.w;
    s->tiny = d->h == 0 && side < c->o.tiny; /* a set of one small size is meant so */
    hash_pixels(s, &im);
    const fv_status st = c->o.no_near ? FV_OK : gist_of(s, &im, err);
    fv_image_free(&im);
    return st;
}

typedef struct pass {
    fv_check *c;
    size_t first;
    bool nomem;
} pass;

static void look_at_range(void *user, int thread, int begin, int end)
{
    pass *p = user;
    (void)thread;
    for (int i = begin; i < end; i++) {
        fv_seen *s = &p->c->seen[p->first + (size_t)i];
        fv_err err = { 0 };
        const fv_status st = look(p->c, s, &err);
        s->bad = st != FV_OK;
        if (st == FV_NOMEM) __atomic_store_n(&p->nomem, true, __ATOMIC_RELAXED);
    }
}

static fv_status look_at_all(fv_check *c, fv_err *err)
{
    fv_threads *pool = NULL;
    const int threads = c->o.workers > 0 ? c->o.workers : c->env.threads > 0 ? c->env.threads : fv_cores();
    FV_TRY(fv_threads_new(&pool, threads, c->env.heap, err));
    pass p = { .c = c };
    for (; p.first < c->n && !p.nomem; p.first += BLOCK) {
        fv_threads_run(pool, (int)(c->n - p.first < BLOCK ? c->n - p.first : BLOCK), look_at_range, &p);
        const size_t done = p.first + BLOCK < c->n ? p.first + BLOCK : c->n;
        if (c->o.progress) c->o.progress(c->o.user, (int64_t)done, (int64_t)c->n);
    }
    fv_threads_free(pool);
    return p.nomem ? fv_fail(err, FV_NOMEM, "out of memory while looking at pictures") : FV_OK;
}

/* ---- telling ---- */

const char *fv_check_class(const fv_check *c, int label, char *buf, size_t cap)
{
    const fv_data *d = c->data[0];
    if (d->class_names && label >= 0 && label < d->classes) return d->class_names[label];
    snprintf(buf, cap, "%d", label);
    return buf;
}

void fv_check_tell(fv_check *c, const char *kind, const fv_seen *a, const fv_seen *b, const char *fmt, ...)
{
    char text[9000];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    c->out->findings++;
    fv_data_finding f = { .kind = kind, .text = text, .sample = -1, .other_sample = -1 };
    if (a) {
        f.split = c->data[a->split]->split;
        f.file = c->data[a->split]->source->file(c->data[a->split], a->sample);
        f.sample = a->sample;
        f.packed = !c->data[a->split]->source->bytes;
    }
    if (b) {
        f.other_split = c->data[b->split]->split;
        f.other = c->data[b->split]->source->file(c->data[b->split], b->sample);
        f.other_sample = b->sample;
    }
    if (c->o.found) c->o.found(c->o.user, &f);
}

static void tell_pictures(fv_check *c)
{
    for (size_t i = 0; i < c->n; i++) {
        fv_seen *s = &c->seen[i];
        fv_err err = { 0 };
        if (s->bad) {
            look(c, s, &err); /* once more, for what is wrong with it */
            fv_check_tell(c, "unreadable", s, NULL, "%s", err.msg);
        }
        if (s->tiny) fv_check_tell(c, "tiny", s, NULL, "its shorter side has fewer than %d pixels", c->o.tiny);
        if (s->cmyk) fv_check_tell(c, "cmyk", s, NULL, "four colours of print, turned into three by a rule of thumb");
        if (s->deep)
            fv_check_tell(c, "16-bit", s, NULL,
                          "more than 8 bits per channel: the lower ones are lost, or greys clipped");
    }
}

/* ---- the set ---- */

/* A split by another name is the same one: CIFAR's and IDX's val is their test. */
static bool opened(const fv_check *c, const fv_data *d)
{
    for (int i = 0; i < c->splits; i++)
        if (strcmp(c->data[i]->split, d->split) == 0) return true;
    return false;
}

static fv_status open_splits(fv_check *c, const char *path, fv_err *err)
{
    static const char *const splits[FV_CHECK_SPLITS] = { "train", "val", "test" };
    for (int i = 0; i < FV_CHECK_SPLITS; i++) {
        fv_data *d;
        fv_err why = { 0 };
        fv_data_opts o = { .split = splits[i], .seed = c->o.seed };
        if (c->splits > 0) o.class_names = c->data[0]->class_names, o.classes = c->data[0]->classes;
        const fv_status s = fv_data_open(&d, path, &o, &c->env, &why);
        if (s == FV_NOINPUT && (i > 0 || fv_data_open(&d, path, NULL, &c->env, NULL) == FV_NOINPUT) &&
            c->splits + i > 0)
            continue;
        if (s == FV_FORMAT && c->splits > 0) { /* of the other splits something can still be said */
            fv_check_tell(c, "split", NULL, NULL, "%s", why.msg);
            continue;
        }
        if (s != FV_OK) return fv_fail(err, s, "%s", why.msg);
        if (opened(c, d)) fv_data_free(d);
        else c->data[c->splits++] = d;
    }
    return FV_OK;
}

static fv_status list_samples(fv_check *c, fv_err *err)
{
    size_t total = 0;
    for (int i = 0; i < c->splits; i++) total += (size_t)c->data[i]->count;
    FV_TRY(fv_alloc_zero(c->env.heap, (void **)&c->seen, total * sizeof *c->seen, err));
    for (int i = 0; i < c->splits; i++)
        for (int64_t k = 0; k < c->data[i]->count; k++) c->seen[c->n++] = (fv_seen){ .sample = k, .split = i };
    c->out->pictures = (int64_t)c->n;
    return FV_OK;
}

fv_status fv_data_check(fv_data_checked *out, const char *path, const fv_data_check_opts *opts, const fv_env *env,
                        fv_err *err)
{
    fv_check c = { .o = opts ? *opts : (fv_data_check_opts){ 0 }, .out = out };
    if (env) c.env = *env;
    if (c.o.tiny == 0) c.o.tiny = DEFAULT_TINY;
    if (c.o.imbalance == 0) c.o.imbalance = 10;
    *out = (fv_data_checked){ 0 };
    fv_status s = open_splits(&c, path, err);
    if (s == FV_OK) s = list_samples(&c, err);
    if (s == FV_OK) s = look_at_all(&c, err);
    if (s == FV_OK) tell_pictures(&c);
    if (s == FV_OK) s = fv_check_pairs(&c, err);
    if (s == FV_OK) s = fv_check_classes(&c, path, err);
    for (int i = 0; i < c.splits; i++) {
        out->count[i] = c.data[i]->count;
        snprintf(out->split[i], sizeof out->split[i], "%s", c.data[i]->split);
        fv_data_free(c.data[i]);
    }
    out->splits = c.splits;
    fv_release(c.env.heap, c.seen);
    return s;
}
