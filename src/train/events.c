/* events.c -- TensorBoard's event files. A record is u64 length, masked CRC-32C of it, bytes, masked CRC-32C of those; the
 * bytes are an Event in Protocol Buffers: 1 wall_time, 2 step, 3 file_version, 5 summary, 7 session_log. A summary has a
 * value (1) per scalar: 1 tag, 2 simple_value. The run's own file is appended to and never rewritten.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/events.h"
#include "base/clock.h"
#include "base/log.h"
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { VARINT = 0, BITS64 = 1, SPAN = 2, BITS32 = 5 }; /* wire types */
static const char prefix[] = "events.out.tfevents.";
static const double every = 5; /* seconds between writes */

/* ---- Protocol Buffers ---- */

static void put_varint(fv_writer *w, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) fv_write_u8(w, (uint8_t)(v | 0x80));
    fv_write_u8(w, (uint8_t)v);
}

static void put_key(fv_writer *w, unsigned field, unsigned type)
{
    put_varint(w, field << 3 | type);
}

static void put_span(fv_writer *w, unsigned field, const void *p, size_t n)
{
    put_key(w, field, SPAN);
    put_varint(w, n);
    fv_write_bytes(w, p, n);
}

/* The writer `inner` becomes a field of w, and empty. */
static void put_message(fv_writer *w, unsigned field, fv_writer *inner)
{
    put_span(w, field, inner->p, inner->len);
    w->failed |= inner->failed;
    inner->len = 0;
}

static void put_float(fv_writer *w, unsigned field, double v)
{
    const float f = (float)v;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    put_key(w, field, BITS32);
    fv_write_u32le(w, bits);
}

static void put_when(fv_writer *event, double date, int64_t step)
{
    put_key(event, 1, BITS64);
    fv_write_f64le(event, date);
    put_key(event, 2, VARINT);
    put_varint(event, (uint64_t)step);
}

/* ---- records ---- */

static uint32_t masked(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/* The event becomes a record of w, and empty. */
static void put_record(fv_writer *w, fv_writer *event)
{
    uint8_t head[8];
    for (int i = 0; i < 8; i++) head[i] = (uint8_t)((uint64_t)event->len >> 8 * i);
    fv_write_bytes(w, head, sizeof head);
    fv_write_u32le(w, masked(fv_crc32c(0, head, sizeof head)));
    fv_write_bytes(w, event->p, event->len);
    fv_write_u32le(w, masked(fv_crc32c(0, event->p, event->len)));
    w->failed |= event->failed;
    event->len = 0;
}

void fv_events_head(fv_writer *w, double date, int64_t step)
{
    static const char version[] = "brain.Event:2";
    static const uint8_t start[] = { 1 << 3 | VARINT, 1 }; /* SessionLog: status START */
    fv_writer event = { .heap = w->heap };
    put_when(&event, date, 0);
    put_span(&event, 3, version, sizeof version - 1);
    put_record(w, &event);
    if (step > 0) {
        put_when(&event, date, step + 1);
        put_span(&event, 7, start, sizeof start);
        put_record(w, &event);
    }
    fv_writer_free(&event);
}

void fv_events_scalars(fv_writer *w, double date, int64_t step, const fv_scalar *v, int n)
{
    fv_writer event = { .heap = w->heap }, summary = event, value = event;
    put_when(&event, date, step);
    for (int i = 0; i < n; i++) {
        put_span(&value, 1, v[i].tag, strlen(v[i].tag));
        put_float(&value, 2, v[i].value);
        put_message(&summary, 1, &value);
    }
    put_message(&event, 5, &summary);
    put_record(w, &event);
    fv_writer_free(&event);
    fv_writer_free(&summary);
    fv_writer_free(&value);
}

/* ---- the file ---- */

static void remove_earlier(const char *folder)
{
    char path[PATH_MAX];
    DIR *d = opendir(folder);
    for (const struct dirent *f; d && (f = readdir(d));) {
        if (strncmp(f->d_name, prefix, sizeof prefix - 1) != 0) continue;
        const int n = snprintf(path, sizeof path, "%s/%s", folder, f->d_name);
        if (n > 0 && (size_t)n < sizeof path) unlink(path);
    }
    if (d) closedir(d);
}

static void give_up(fv_events *e, const fv_env *env, const char *why)
{
    e->given_up = true;
    if (env) fv_log(env, FV_LOG_WARN, "no more events for TensorBoard: %s", why);
}

static void write_waiting(fv_events *e, const fv_env *env)
{
    fv_err why = { 0 };
    if (e->waiting.len == 0 || e->given_up) return;
    if (fv_file_append(e->path, (fv_span){ e->waiting.p, e->waiting.len }, &why) != FV_OK) give_up(e, env, why.msg);
    e->waiting.len = 0;
    e->written = fv_clock();
}

void fv_events_begin(fv_events *e, const char *folder, int64_t step, const fv_env *env)
{
    char host[65] = "";
    *e = (fv_events){ .waiting.heap = env->heap, .written = fv_clock() };
    if (gethostname(host, sizeof host - 1) != 0 || !*host || strchr(host, '/'))
        snprintf(host, sizeof host, "localhost");
    if (step == 0) remove_earlier(folder);
    const int n =
        snprintf(e->path, sizeof e->path, "%s/%s%.0f.%s.%ld.0", folder, prefix, fv_date(), host, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof e->path) give_up(e, env, "the file's name is too long");
    fv_events_head(&e->waiting, fv_date(), step);
}

fv_status fv_events_add(fv_events *e, int64_t step, const fv_scalar *v, int n, bool now, const fv_env *env, fv_err *err)
{
    if (e->given_up) return FV_OK;
    fv_events_scalars(&e->waiting, fv_date(), step, v, n);
    if (e->waiting.failed) return fv_fail(err, FV_NOMEM, "no memory for TensorBoard's events");
    if (now || fv_clock() - e->written > every) write_waiting(e, env);
    return FV_OK;
}

void fv_events_free(fv_events *e)
{
    write_waiting(e, NULL);
    fv_writer_free(&e->waiting);
}
