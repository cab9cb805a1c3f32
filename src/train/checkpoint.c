/* checkpoint.c -- writing and checking checkpoints, and which of them a folder keeps.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/checkpoint.h"
#include "base/alloc.h"
#include <dirent.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TAG = 4,
    HEAD = 16,
    SECTION_HEAD = 12,
    CRC = 4,
    FOOTER = 16,
    EPOCH_VALUES = 8,
    EPOCH_BYTES = 16 + 8 * EPOCH_VALUES
};
static const char magic[8] = { 'F', 'O', 'V', 'E', 'A', 'C', 'K', 'P' };
static const char end_tag[TAG + 1] = "END.";

/* The sections, each a span of the struct. STAT, the numbers, is made apart and stands first. */
static const struct {
    char tag[TAG + 1];
    size_t at;
} sections[] = {
    { "MODL", offsetof(fv_checkpoint, model) },   { "OPTS", offsetof(fv_checkpoint, options) },
    { "HIST", offsetof(fv_checkpoint, history) }, { "BADS", offsetof(fv_checkpoint, bad) },
    { "WGHT", offsetof(fv_checkpoint, weights) }, { "VELO", offsetof(fv_checkpoint, states) },
};
enum { SPANS = sizeof sections / sizeof *sections, SECTIONS = SPANS + 1 };

/* ---- numbers ---- */

static void put_numbers(fv_writer *w, const fv_checkpoint *c)
{
    fv_write_u32le(w, c->keys);
    fv_write_u64le(w, (uint64_t)c->step);
    fv_write_u64le(w, (uint64_t)c->batches_tracked);
    fv_write_u64le(w, (uint64_t)c->loss_n);
    fv_write_u64le(w, (uint64_t)c->right);
    fv_write_f64le(w, c->loss_sum);
    fv_write_f64le(w, c->best_top1);
}

static bool get_numbers(fv_bytes b, fv_checkpoint *c)
{
    fv_reader r = fv_reader_of(b);
    c->keys = fv_read_u32le(&r);
    c->step = (int64_t)fv_read_u64le(&r);
    c->batches_tracked = (int64_t)fv_read_u64le(&r);
    c->loss_n = (int64_t)fv_read_u64le(&r);
    c->right = (int64_t)fv_read_u64le(&r);
    c->loss_sum = fv_read_f64le(&r);
    c->best_top1 = fv_read_f64le(&r);
    return !r.failed && fv_reader_left(&r) == 0 && c->step >= 0 && c->loss_n >= 0;
}

void fv_checkpoint_put_epoch(fv_writer *w, const fv_epoch *e)
{
    const double v[EPOCH_VALUES] = { e->train_loss, e->train_top1, e->eval_loss,    e->top1,
                                     e->top5,       e->lr,         e->images_per_s, e->seconds };
    fv_write_u64le(w, (uint64_t)e->epoch);
    fv_write_u64le(w, (uint64_t)e->step);
    for (int i = 0; i < EPOCH_VALUES; i++) fv_write_f64le(w, v[i]);
}

bool fv_checkpoint_epoch(const fv_checkpoint *c, int i, fv_epoch *e)
{
    if (i < 0 || (size_t)i >= c->history.len / EPOCH_BYTES) return false;
    fv_reader r = fv_reader_of((fv_bytes){ c->history.p + (size_t)i * EPOCH_BYTES, EPOCH_BYTES });
    e->epoch = (int)fv_read_u64le(&r);
    e->step = (int64_t)fv_read_u64le(&r);
    double *const v[EPOCH_VALUES] = { &e->train_loss, &e->train_top1, &e->eval_loss,    &e->top1,
                                      &e->top5,       &e->lr,         &e->images_per_s, &e->seconds };
    for (int k = 0; k < EPOCH_VALUES; k++) *v[k] = fv_read_f64le(&r);
    return true;
}

/* ---- writing ---- */

static void put_section_head(fv_writer *w, const char *tag, size_t len)
{
    fv_write_bytes(w, tag, TAG);
    fv_write_u64le(w, len);
}

/* Heads, numbers, checksums and footer go into `w`, one after the other; the large spans stay where they are. Part 2i
 * of the file is what w has for section i, part 2i + 1 its span. */
static fv_status lay_out(fv_writer *w, const fv_checkpoint *c, fv_span part[2 * SPANS + 1], fv_err *err)
{
    size_t mark[SPANS + 2] = { 0 }, total = 0;
    uint32_t all = 0;

    fv_write_bytes(w, magic, sizeof magic);
    fv_write_u32le(w, FV_CHECKPOINT_VERSION);
    fv_write_u32le(w, SECTIONS);
    fv_writer numbers = { .heap = w->heap };
    put_numbers(&numbers, c);
    put_section_head(w, "STAT", numbers.len);
    fv_write_bytes(w, numbers.p, numbers.len);
    w->failed |= numbers.failed;
    fv_writer_free(&numbers);
    if (!w->failed) fv_write_u32le(w, fv_crc32c(0, w->p + HEAD, w->len - HEAD));

    for (int i = 0; i < SPANS && !w->failed; i++) {
        const fv_bytes *b = (const fv_bytes *)((const char *)c + sections[i].at);
        const size_t head = w->len;
        put_section_head(w, sections[i].tag, b->len);
        if (w->failed) break;
        const uint32_t crc = fv_crc32c(0, w->p + head, SECTION_HEAD);
        all = fv_crc32c(fv_crc32c(all, w->p + mark[i], w->len - mark[i]), b->p, b->len);
        mark[i + 1] = w->len;
        total += b->len;
        part[2 * i + 1] = (fv_span){ b->p, b->len };
        fv_write_u32le(w, fv_crc32c(crc, b->p, b->len));
    }
    put_section_head(w, end_tag, total + w->len + FOOTER);
    if (!w->failed) fv_write_u32le(w, fv_crc32c(all, w->p + mark[SPANS], w->len - mark[SPANS]));
    if (w->failed) return fv_fail(err, FV_NOMEM, "no memory for the frame of a checkpoint");
    mark[SPANS + 1] = w->len;
    for (int i = 0; i <= SPANS; i++) part[2 * i] = (fv_span){ w->p + mark[i], mark[i + 1] - mark[i] };
    return FV_OK;
}

fv_status fv_checkpoint_write(const char *path, const fv_checkpoint *c, const fv_allocator *heap, fv_err *err)
{
    fv_writer w = { .heap = heap };
    fv_span part[2 * SPANS + 1];
    fv_status s = lay_out(&w, c, part, err);
    if (s == FV_OK) s = fv_file_write(path, part, 2 * SPANS + 1, err);
    fv_writer_free(&w);
    return s;
}

/* ---- reading ---- */

static fv_status get_section(fv_reader *r, const char *tag, fv_bytes *out, fv_err *err)
{
    const size_t at = r->at;
    const fv_bytes name = fv_read_bytes(r, TAG);
    const uint64_t len = fv_read_u64le(r);
    *out = fv_read_bytes(r, len);
    const uint32_t crc = fv_read_u32le(r);
    if (r->failed) return fv_fail(err, FV_FORMAT, "offset %zu: section %s is cut short", at, tag);
    if (memcmp(name.p, tag, TAG) != 0) return fv_fail(err, FV_FORMAT, "offset %zu: section %s expected", at, tag);
    if (fv_crc32c(0, r->bytes.p + at, SECTION_HEAD + out->len) != crc)
        return fv_fail(err, FV_FORMAT, "offset %zu: section %s is damaged (CRC)", at, tag);
    return FV_OK;
}

static fv_status check_head(fv_reader *r, fv_err *err)
{
    const fv_bytes file = r->bytes, head = fv_read_bytes(r, sizeof magic);
    const uint32_t version = fv_read_u32le(r), count = fv_read_u32le(r);
    if (r->failed || file.len < HEAD + FOOTER || memcmp(head.p, magic, sizeof magic) != 0)
        return fv_fail(err, FV_FORMAT, "no Fovea checkpoint, or cut short at %zu bytes", file.len);
    if (version > FV_CHECKPOINT_VERSION)
        return fv_fail(err, FV_UNSUP, "checkpoint version %u; this program reads up to %d", version,
                       FV_CHECKPOINT_VERSION);
    if (version == 0 || count != SECTIONS) return fv_fail(err, FV_FORMAT, "offset 8: damaged head");
    return FV_OK;
}

static fv_status check_end(fv_reader *r, fv_err *err)
{
    const fv_bytes file = r->bytes;
    const size_t at = r->at;
    if (fv_reader_left(r) != FOOTER)
        return fv_fail(err, FV_FORMAT, "offset %zu: %zu bytes in the place of the end", at, fv_reader_left(r));
    const fv_bytes tag = fv_read_bytes(r, TAG);
    const uint64_t total = fv_read_u64le(r);
    const uint32_t crc = fv_read_u32le(r);
    if (memcmp(tag.p, end_tag, TAG) != 0 || total != file.len)
        return fv_fail(err, FV_FORMAT, "offset %zu: the end is damaged", at);
    if (fv_crc32c(0, file.p, file.len - CRC) != crc) return fv_fail(err, FV_FORMAT, "damaged (CRC of the whole file)");
    return FV_OK;
}

/* Sections first: their own checksums say which of them is damaged. */
fv_status fv_checkpoint_parse(fv_checkpoint *c, fv_bytes file, fv_err *err)
{
    fv_reader r = fv_reader_of(file);
    fv_bytes numbers;
    *c = (fv_checkpoint){ 0 };
    FV_TRY(check_head(&r, err));
    FV_TRY(get_section(&r, "STAT", &numbers, err));
    if (!get_numbers(numbers, c)) return fv_fail(err, FV_FORMAT, "section STAT is malformed");
    for (int i = 0; i < SPANS; i++)
        FV_TRY(get_section(&r, sections[i].tag, (fv_bytes *)((char *)c + sections[i].at), err));
    FV_TRY(check_end(&r, err));
    if (c->history.len % EPOCH_BYTES != 0) return fv_fail(err, FV_FORMAT, "section HIST has %zu bytes", c->history.len);
    return FV_OK;
}

/* ---- files ---- */

static const char prefix[] = "checkpoint-", suffix[] = ".fvc";

bool fv_checkpoint_path(char *path, size_t cap, const char *folder, int64_t step)
{
    const int n = snprintf(path, cap, "%s/%s%" PRId64 "%s", folder, prefix, step, suffix);
    return n > 0 && (size_t)n < cap;
}

/* The step in a file name of ours, or -1. */
static int64_t step_of(const char *name)
{
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) return -1;
    char *end;
    const char *digits = name + sizeof prefix - 1;
    const long long step = strtoll(digits, &end, 10);
    return *digits >= '0' && *digits <= '9' && strcmp(end, suffix) == 0 ? step : -1;
}

bool fv_checkpoint_is_name(const char *name, size_t len)
{
    char copy[64];
    if (len >= sizeof copy) return false;
    memcpy(copy, name, len);
    copy[len] = 0;
    return step_of(copy) >= 0;
}

int64_t fv_checkpoint_newest(const char *folder, int64_t below)
{
    int64_t newest = -1;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        const int64_t step = step_of(e->d_name);
        if (step > newest && step < below) newest = step;
    }
    if (d) closedir(d);
    return newest;
}

void fv_checkpoint_keep(const char *folder, int64_t a, int64_t b)
{
    char path[4096];
    for (int64_t step = fv_checkpoint_newest(folder, INT64_MAX); step >= 0; step = fv_checkpoint_newest(folder, step))
        if (step != a && step != b && fv_checkpoint_path(path, sizeof path, folder, step)) unlink(path);
}
