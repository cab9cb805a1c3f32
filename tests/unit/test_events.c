/* test_events.c -- TensorBoard's event files read back byte by byte, by a reader of its own: checksum bit by bit, fields as
 * the .proto files number them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "base/alloc.h"
#include "train/events.h"
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- an independent reader ---- */

/* CRC-32C as it is defined: polynomial 0x1EDC6F41, reflected, all ones before and after. */
static uint32_t crc_by_bits(const uint8_t *p, size_t n)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static uint64_t little(const uint8_t *p, int n)
{
    uint64_t v = 0;
    while (n-- > 0) v = v << 8 | p[n];
    return v;
}

static void check_mask(const uint8_t *at, const uint8_t *p, size_t n)
{
    const uint32_t unmasked = (uint32_t)little(at, 4) - 0xa282ead8u;
    assert_int_equal(unmasked >> 17 | unmasked << 15, crc_by_bits(p, n));
}

typedef struct span {
    const uint8_t *p;
    size_t n;
} span;

static span next_record(span *file)
{
    assert_true(file->n >= 16);
    const size_t n = (size_t)little(file->p, 8);
    assert_true(n <= file->n - 16);
    check_mask(file->p + 8, file->p, 8);
    check_mask(file->p + 12 + n, file->p + 12, n);
    const span record = { file->p + 12, n };
    file->p += 16 + n;
    file->n -= 16 + n;
    return record;
}

static uint64_t varint(span *m)
{
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
        assert_true(m->n > 0 && shift < 64);
        const uint8_t b = *m->p++;
        m->n--;
        v |= (uint64_t)(b & 127) << shift;
        if (b < 128) return v;
    }
}

typedef struct field {
    unsigned number;
    uint64_t value; /* of a varint or of fixed bits */
    span bytes;
} field;

static bool next_field(span *m, field *f)
{
    if (m->n == 0) return false;
    const uint64_t key = varint(m);
    *f = (field){ .number = (unsigned)(key >> 3) };
    const unsigned wire = key & 7;
    assert_true(wire == 0 || wire == 1 || wire == 2 || wire == 5);
    if (wire == 0) f->value = varint(m);
    if (wire == 0) return true;
    const size_t n = wire == 1 ? 8 : wire == 5 ? 4 : (size_t)varint(m);
    assert_true(n <= m->n);
    if (wire == 2) f->bytes = (span){ m->p, n };
    else f->value = little(m->p, (int)n);
    m->p += n;
    m->n -= n;
    return true;
}

typedef struct event {
    double date;
    int64_t step;
    span version, summary, log;
} event;

static event read_event(span record)
{
    event e = { 0 };
    for (field f; next_field(&record, &f);) {
        if (f.number == 1) memcpy(&e.date, &f.value, sizeof e.date);
        else if (f.number == 2) e.step = (int64_t)f.value;
        else if (f.number == 3) e.version = f.bytes;
        else if (f.number == 5) e.summary = f.bytes;
        else if (f.number == 7) e.log = f.bytes;
        else fail_msg("field %u", f.number);
    }
    return e;
}

static void check_scalar(span *summary, const char *tag, float want)
{
    field f, inner;
    float got = NAN;
    bool named = false;
    assert_true(next_field(summary, &f) && f.number == 1);
    for (span value = f.bytes; next_field(&value, &inner);) {
        if (inner.number == 1) named = inner.bytes.n == strlen(tag) && !memcmp(inner.bytes.p, tag, inner.bytes.n);
        if (inner.number == 2) memcpy(&got, &inner.value, sizeof got);
    }
    assert_true(named);
    assert_true(got == want);
}

/* ---- tests ---- */

static void test_records_read_back(void **state)
{
    (void)state;
    fv_writer w = { 0 };
    char longest[300];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0; /* its length needs two bytes of varint, and so does its value's */
    const fv_scalar v[] = { { "Loss/train", 0.1 }, { longest, -3e5 } };
    fv_events_head(&w, 1.75e9, 0);
    fv_events_scalars(&w, 1.75e9 + 0.25, 1000000, v, 2);
    assert_false(w.failed);
    span file = { w.p, w.len };
    event e = read_event(next_record(&file));
    assert_true(e.date == 1.75e9 && e.step == 0 && e.version.n == 13 && !memcmp(e.version.p, "brain.Event:2", 13));
    assert_true(e.summary.n == 0 && e.log.n == 0);
    e = read_event(next_record(&file));
    assert_true(e.date == 1.75e9 + 0.25 && e.step == 1000000 && e.version.n == 0);
    check_scalar(&e.summary, "Loss/train", 0.1f);
    check_scalar(&e.summary, longest, -3e5f);
    assert_true(e.summary.n == 0 && file.n == 0);
    fv_writer_free(&w);
}

/* A run that goes on behind step 40: what an older file says of step 41 and later is to be forgotten. */
static void test_resumed_run_says_where(void **state)
{
    (void)state;
    fv_writer w = { 0 };
    fv_events_head(&w, 2, 40);
    span file = { w.p, w.len };
    (void)next_record(&file);
    event e = read_event(next_record(&file));
    field f;
    assert_true(e.step == 41 && next_field(&e.log, &f) && f.number == 1 && f.value == 1);
    assert_true(file.n == 0);
    fv_writer_free(&w);
}

/* The one event file of the folder; the caller releases. */
static fv_bytes only_file(const char *folder)
{
    fv_bytes b = { 0 };
    int files = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[1000];
        if (!strstr(e->d_name, "tfevents")) continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        assert_int_equal(fv_file_read(&b, path, 1 << 20, NULL, NULL), FV_OK);
        files++;
    }
    if (d) closedir(d);
    assert_int_equal(files, 1);
    return b;
}

static void test_file_grows_and_a_new_run_replaces_it(void **state)
{
    const char *folder = scratch_dir(state);
    const fv_env env = { 0 };
    fv_events e;
    const fv_scalar v = { "lr", 0.5 };
    scratch_write(folder, "events.out.tfevents.1.host.2.0", "old", 3);
    scratch_write(folder, "notes.txt", "kept", 4);
    fv_events_begin(&e, folder, 0, &env);
    assert_int_equal(fv_events_add(&e, 1, &v, 1, true, &env, NULL), FV_OK);
    fv_bytes first = only_file(folder);
    assert_int_equal(fv_events_add(&e, 2, &v, 1, false, &env, NULL), FV_OK);
    fv_events_free(&e); /* writes what waited */
    fv_bytes all = only_file(folder);
    assert_true(all.len > first.len && memcmp(all.p, first.p, first.len) == 0);
    span file = { all.p, all.len };
    for (int i = 0; i < 3; i++) assert_int_equal(read_event(next_record(&file)).step, i);
    assert_true(file.n == 0);
    char notes[1000];
    snprintf(notes, sizeof notes, "%s/notes.txt", folder);
    assert_true(access(notes, F_OK) == 0);
    fv_release(NULL, (void *)first.p);
    fv_release(NULL, (void *)all.p);
}

/* The limit lets a part of the second write through, as a full disk would. */
static void test_append_that_fails_keeps_the_length(void **state)
{
    char path[1000], text[60] = { 0 };
    struct rlimit before, now;
    struct stat st;
    fv_err err = { 0 };
    snprintf(path, sizeof path, "%s/log", scratch_dir(state));
    assert_int_equal(fv_file_append(path, (fv_span){ text, sizeof text }, NULL), FV_OK);
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    now = before;
    now.rlim_cur = 100;
    setrlimit(RLIMIT_FSIZE, &now);
    const fv_status s = fv_file_append(path, (fv_span){ text, sizeof text }, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, old);
    assert_int_equal(s, FV_IO);
    assert_non_null(strstr(err.msg, "log"));
    assert_true(stat(path, &st) == 0 && st.st_size == 60);
    assert_int_equal(fv_file_append(path, (fv_span){ text, sizeof text }, NULL), FV_OK);
    assert_true(stat(path, &st) == 0 && st.st_size == 120);
}

static void count_warnings(void *user, fv_log_level level, const char *text)
{
    (void)text;
    *(int *)user += level == FV_LOG_WARN;
}

static void test_file_that_cannot_be_written_is_told_once(void **state)
{
    (void)state;
    int warnings = 0;
    const fv_env env = { .log = count_warnings, .log_user = &warnings };
    const fv_scalar v = { "lr", 0.5 };
    fv_events e;
    fv_events_begin(&e, "/nonexistent", 7, &env);
    for (int i = 0; i < 3; i++) assert_int_equal(fv_events_add(&e, i, &v, 1, true, &env, NULL), FV_OK);
    fv_events_free(&e);
    assert_int_equal(warnings, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_read_back),
        cmocka_unit_test(test_resumed_run_says_where),
        cmocka_unit_test_setup_teardown(test_file_grows_and_a_new_run_replaces_it, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(test_append_that_fails_keeps_the_length, scratch_make, scratch_drop),
        cmocka_unit_test(test_file_that_cannot_be_written_is_told_once),
    };
    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
