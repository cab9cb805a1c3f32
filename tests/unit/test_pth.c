/* test_pth.c -- PyTorch's checkpoints: what torch wrote reads back element by element; what is cut, bent or hostile is
 * refused with a reason. The files are tests/data/pth/, written by tests/data/make_pth.py.
 * SPDX-License-Identifier: Apache-2.0 */
#include "heap.h"
#include "weights/format.h"
#include "weights/unpickle.h"
#include "weights/zip.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *const golden[] = { "zip.pth", "zip4.pth", "legacy.pth", "legacy4.pth" };
enum { GOLDEN = sizeof golden / sizeof *golden };

static fv_bytes load(const char *name)
{
    char path[400];
    fv_bytes b;
    fv_err err = { 0 };
    snprintf(path, sizeof path, "%s/tests/data/pth/%s", FOVEA_SOURCE_DIR, name);
    if (fv_file_read(&b, path, 1 << 20, NULL, &err) != FV_OK) fail_msg("%s", err.msg);
    return b;
}

static void drop(fv_bytes b)
{
    fv_release(NULL, (void *)b.p);
}

static const fv_stored *named(const fv_stored_list *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->tensor[i].name, name) == 0) return &l->tensor[i];
    return NULL;
}

static size_t elements(const fv_stored *t)
{
    size_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= (size_t)t->dim[i];
    return n;
}

static void test_every_element_is_where_torch_had_it(void **state)
{
    static const struct {
        const char *name;
        fv_dtype dtype;
        int rank, dim[4], first;
    } want[] = {
        { "a.weight", FV_DTYPE_F32, 4, { 2, 3, 2, 2 }, 0 },
        { "b.half", FV_DTYPE_F16, 1, { 3 }, 1 },
        { "c.brain", FV_DTYPE_BF16, 1, { 3 }, 2 },
        { "d.double", FV_DTYPE_F64, 2, { 2, 2 }, 3 },
        { "e.count", FV_DTYPE_I64, 0, { 0 }, 4 },
        { "f.turned", FV_DTYPE_F32, 2, { 6, 4 }, 5 },
        { "g.last", FV_DTYPE_F32, 4, { 2, 3, 2, 2 }, 6 },
        { "h.row", FV_DTYPE_F32, 1, { 5 }, 7 },
        { "i.row", FV_DTYPE_F32, 1, { 5 }, 12 },
        { "k.parameter", FV_DTYPE_F32, 1, { 4 }, 10 },
        { "l.empty", FV_DTYPE_F32, 2, { 0, 3 }, 0 },
        { "m.bytes", FV_DTYPE_U8, 1, { 3 }, 12 },
    };
    (void)state;
    for (int f = 0; f < GOLDEN; f++) {
        const fv_bytes file = load(golden[f]);
        fv_arena a = { 0 };
        fv_err err = { 0 };
        fv_stored_list l;
        float v[24];
        if (fv_weights_read(file, &l, &a, &err) != FV_OK) fail_msg("%s: %s", golden[f], err.msg);
        assert_int_equal(l.count, 13);
        for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
            const fv_stored *t = named(&l, want[i].name);
            assert_non_null(t);
            assert_int_equal(t->dtype, want[i].dtype);
            assert_int_equal(t->rank, want[i].rank);
            for (int k = 0; k < t->rank; k++) assert_int_equal(t->dim[k], want[i].dim[k]);
            assert_int_equal(t->data.len * 8, elements(t) * (size_t)fv_dtype_bits(t->dtype));
            fv_dtype_floats(t->dtype, t->data, v);
            for (size_t k = 0; k < elements(t); k++) assert_true(v[k] == (float)(want[i].first + (int)k));
        }
        const fv_stored *wide = named(&l, "j.column"); /* each element shown twice */
        fv_dtype_floats(wide->dtype, wide->data, v);
        for (int k = 0; k < 6; k++) assert_true(v[k] == (float)(9 + k / 2));
        fv_arena_free(&a);
        drop(file);
    }
}

static void test_nested_dicts_become_dotted_names(void **state)
{
    (void)state;
    const fv_bytes file = load("trainer.pth");
    fv_arena a = { 0 };
    fv_stored_list l;
    assert_int_equal(fv_weights_read(file, &l, &a, NULL), FV_OK);
    assert_non_null(named(&l, "state_dict.module.0.weight"));
    assert_non_null(named(&l, "state_dict.module.1.num_batches_tracked"));
    assert_non_null(named(&l, "optimizer.state.0.momentum_buffer"));
    assert_int_equal(l.count, 7 + 4);
    fv_arena_free(&a);
    drop(file);
}

static void refused(const void *p, size_t n, fv_status status, const char *reason)
{
    uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees each byte past the end */
    fv_arena a = { 0 };
    fv_err err = { 0 };
    fv_stored_list l;
    memcpy(exact, p, n);
    const fv_status s = fv_weights_read((fv_bytes){ exact, n }, &l, &a, &err);
    if (s != status || !strstr(err.msg, reason)) fail_msg("gave %d '%s', not %d '%s'", s, err.msg, status, reason);
    assert_int_equal(l.count, 0);
    fv_arena_free(&a);
    free(exact);
}

static void test_a_foreign_object_is_refused_by_its_name(void **state)
{
    (void)state;
    const fv_bytes file = load("namespace.pth");
    refused(file.p, file.len, FV_UNSUP, "asks for 'argparse.Namespace'");
    drop(file);
}

static void test_a_tar_of_before_is_refused_by_name(void **state)
{
    (void)state;
    uint8_t tar[1024] = "sys_info";
    fv_arena a = { 0 };
    fv_stored_list l;
    fv_err err = { 0 };
    memcpy(tar + 257, "ustar", 6);
    assert_int_equal(fv_weights_read((fv_bytes){ tar, sizeof tar }, &l, &a, &err), FV_UNSUP);
    assert_non_null(strstr(err.msg, "tar archive"));
    fv_arena_free(&a);
}

static void test_every_cut_is_refused(void **state)
{
    (void)state;
    for (int f = 0; f < GOLDEN; f++) {
        const fv_bytes file = load(golden[f]);
        for (size_t n = 0; n < file.len; n++) {
            uint8_t *exact = malloc(n ? n : 1);
            fv_arena a = { 0 };
            fv_err err = { 0 };
            fv_stored_list l;
            memcpy(exact, file.p, n);
            const fv_status s = fv_weights_read((fv_bytes){ exact, n }, &l, &a, &err);
            if (s != FV_FORMAT || !err.msg[0]) fail_msg("%s cut at %zu gave %d", golden[f], n, s);
            fv_arena_free(&a);
            free(exact);
        }
        drop(file);
    }
}

/* A flipped bit may change a number or a name, and in a zip archive nothing that a CRC covers. Whatever is accepted
 * has its data inside the file or the arena, and of the size that its shape says. */
static void test_no_flipped_bit_does_harm(void **state)
{
    (void)state;
    for (int f = 0; f < GOLDEN; f++) {
        const fv_bytes file = load(golden[f]);
        uint8_t *bent = malloc(file.len);
        memcpy(bent, file.p, file.len);
        size_t accepted = 0;
        for (size_t bit = 0; bit < 8 * file.len; bit++) {
            fv_arena a = { 0 };
            fv_stored_list l;
            bent[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (fv_weights_read((fv_bytes){ bent, file.len }, &l, &a, NULL) == FV_OK) {
                accepted++;
                for (size_t i = 0; i < l.count; i++)
                    assert_int_equal(l.tensor[i].data.len * 8,
                                     elements(&l.tensor[i]) * (size_t)fv_dtype_bits(l.tensor[i].dtype));
            }
            bent[bit / 8] ^= (uint8_t)(1 << bit % 8);
            fv_arena_free(&a);
        }
        assert_true(accepted < 8 * file.len);
        free(bent);
        drop(file);
    }
}

/* ---- pickles by hand ---- */

#define PICKLE(text) text, sizeof text - 1

static void test_pickles_that_do_more_than_hold_data_are_refused(void **state)
{
    static const struct {
        const char *p;
        size_t n;
        fv_status status;
        const char *reason;
    } cases[] = {
        { PICKLE("\x80\x02"
                 "cposix\nsystem\n(X\x02\0\0\0idtR."),
          FV_UNSUP, "asks for 'posix.system'" },
        { PICKLE("\x80\x04\x8c\x08"
                 "builtins\x8c\x04"
                 "eval\x93."),
          FV_UNSUP, "asks for 'builtins.eval'" },
        { PICKLE("\x80\x02"
                 "ctorch._utils\n_rebuild_tensor_v3\n."),
          FV_UNSUP, "_rebuild_tensor_v3" },
        { PICKLE("\x80\x02(ios\nsystem\n."), FV_UNSUP, "opcode 0x69" },
        { PICKLE("\x80\x02\x82\x01."), FV_UNSUP, "opcode 0x82" },
        { PICKLE("\x80\x02"
                 "ctorch\nFloatStorage\n)R."),
          FV_UNSUP, "calls 'torch.FloatStorage'" },
        { PICKLE("\x80\x02"
                 "ctorch\nSize\n)\x81."),
          FV_UNSUP, "makes a 'torch.Size'" },
        { PICKLE("\x80\x02K\x01)R."), FV_FORMAT, "call of what is no function" },
        { PICKLE("\x80\x02}K\x01"
                 "b."),
          FV_FORMAT, "attributes for what is no OrderedDict" },
        { PICKLE("\x80\x02]}b."), FV_FORMAT, "attributes for what is no OrderedDict" },
        { PICKLE("\x80\x02K\x01K\x02K\x03s."), FV_FORMAT, "items for what is no dict" },
        { PICKLE("\x80\x02)K\x02"
                 "a."),
          FV_FORMAT, "items for what is no list" },
        { PICKLE("\x80\x02}(K\x01u."), FV_FORMAT, "a key without a value" },
        { PICKLE("\x80\x02X\xff\xff\xff\x7f"
                 "abc."),
          FV_FORMAT, "ends after the pickle" },
        { PICKLE("\x80\x02\x8b\xff\xff\xff\xff."), FV_FORMAT, "ends after the pickle" },
        { PICKLE("\x80\x02h\x05."), FV_FORMAT, "nothing was put there" },
        { PICKLE("\x80\x02Nr\xff\xff\xff\xff."), FV_FORMAT, "memo holds more" },
        { PICKLE("\x80\x02Nr\xff\xff\x0e\0."), FV_FORMAT, "more objects than" },
        { PICKLE("\x80\x02NN."), FV_FORMAT, "left on the stack" },
        { PICKLE("\x80\x02(."), FV_FORMAT, "a mark where" },
        { PICKLE("\x80\x02."), FV_FORMAT, "the stack is empty" },
        { PICKLE("\x80\x02N"), FV_FORMAT, "without STOP" },
        { PICKLE("\x80\x06N."), FV_UNSUP, "protocol 6" },
        { PICKLE("\x80\x02(X\x06\0\0\0moduleNNNNtQ."), FV_UNSUP, "a pickled 'module'" },
        { PICKLE("\x80\x02(X\x07\0\0\0storagectorch\nSize\nX\1\0\0\0"
                 "0X\3\0\0\0cpuK\1tQ."),
          FV_FORMAT, "id of a storage" },
        { PICKLE("\x80\x02(X\x07\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"
                 "0X\3\0\0\0cpuJ\xff\xff\xff\xfftQ."),
          FV_FORMAT, "id of a storage" },
        { PICKLE("\x80\x02"
                 "ctorch._utils\n_rebuild_tensor_v2\n)R."),
          FV_FORMAT, "malformed tensor" },
        { PICKLE("\x80\x02"
                 "ctorch._utils\n_rebuild_parameter\n)R."),
          FV_FORMAT, "what is no tensor" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *exact = malloc(cases[i].n);
        fv_reader r = fv_reader_of((fv_bytes){ exact, cases[i].n });
        fv_pickle p;
        fv_err err = { 0 };
        size_t budget = 1 << 20;
        memcpy(exact, cases[i].p, cases[i].n);
        const fv_status s = fv_unpickle(&p, &r, &budget, NULL, &err);
        fv_pickle_free(&p);
        if (s != cases[i].status || !strstr(err.msg, cases[i].reason))
            fail_msg("case %zu gave %d '%s', not '%s'", i, s, err.msg, cases[i].reason);
        free(exact);
    }
}

static void test_a_small_pickle_cannot_take_much_memory(void **state)
{
    (void)state;
    enum { LENGTH = 2000000 };
    uint8_t *p = malloc(LENGTH);
    memset(p, '}', LENGTH);
    p[LENGTH - 1] = '.';
    fv_reader r = fv_reader_of((fv_bytes){ p, LENGTH });
    fv_pickle pickle;
    fv_err err = { 0 };
    size_t budget = LENGTH;
    assert_int_equal(fv_unpickle(&pickle, &r, &budget, NULL, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "more objects than a file of this size can mean"));
    fv_pickle_free(&pickle);
    free(p);
}

/* A legacy file around a pickled object and storages. */
static size_t legacy_of(uint8_t *out, const char *object, size_t n, const char *rest, size_t m)
{
    static const char head[] = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
                               "\x80\x02}X\x0d\0\0\0little_endian\x88s.";
    memcpy(out, head, sizeof head - 1);
    memcpy(out + sizeof head - 1, object, n);
    memcpy(out + sizeof head - 1 + n, rest, m);
    return sizeof head - 1 + n + m;
}

/* {"w": tensor of storage "0" (3 floats) at `offset`, one dimension of `size` with `stride`} */
#define VIEW(offset, size, stride)                                                                                     \
    "\x80\x02}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"        \
    "0"                                                                                                                \
    "X\3\0\0\0cpuK\3tQJ" offset "J" size "\x85J" stride "\x85\x89}tRs."
#define STORAGE                                                                                                        \
    "\x80\x02]X\1\0\0\0"                                                                                               \
    "0"                                                                                                                \
    "a.\3\0\0\0\0\0\0\0"                                                                                               \
    "\0\0\0\0\0\0\x80\x3f\0\0\0\x40"

static void test_tensors_stay_within_their_storage(void **state)
{
    static const struct {
        const char *object;
        size_t n;
        const char *reason;
    } cases[] = {
        { PICKLE(VIEW("\1\0\0\0", "\3\0\0\0", "\1\0\0\0")), "reaches beyond its storage of 3 elements" },
        { PICKLE(VIEW("\0\0\0\0", "\2\0\0\0", "\3\0\0\0")), "reaches beyond" },
        { PICKLE(VIEW("\0\0\0\0", "\xff\xff\xff\x7f", "\xff\xff\xff\x7f")), "reaches beyond" },
        { PICKLE(VIEW("\0\0\0\0", "\xff\xff\xff\x7f", "\0\0\0\0")), "its view is larger than the file" },
        { PICKLE(VIEW("\xff\xff\xff\xff", "\1\0\0\0", "\1\0\0\0")), "malformed tensor" },
        { PICKLE(VIEW("\0\0\0\0", "\1\0\0\0", "\xff\xff\xff\xff")), "sizes and strides" },
    };
    uint8_t file[1000];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(file, legacy_of(file, cases[i].object, cases[i].n, PICKLE(STORAGE)), FV_FORMAT, cases[i].reason);
    static const char fine[] = VIEW("\0\0\0\0", "\3\0\0\0", "\1\0\0\0");
    const size_t n = legacy_of(file, PICKLE(fine), PICKLE(STORAGE));
    fv_arena a = { 0 };
    fv_stored_list l;
    assert_int_equal(fv_weights_read((fv_bytes){ file, n }, &l, &a, NULL), FV_OK);
    fv_arena_free(&a);
    refused(file, n - 1, FV_FORMAT, "file is 1 bytes short");
    file[n] = 0;
    refused(file, n + 1, FV_FORMAT, "1 bytes after the last storage");
    refused(file, legacy_of(file, PICKLE(fine), PICKLE("\x80\x02].")), FV_FORMAT, "storage '0' has no data");
    refused(file,
            legacy_of(file, PICKLE(fine),
                      PICKLE("\x80\x02]X\1\0\0\0"
                             "1"
                             "a.\0\0\0\0\0\0\0\0")),
            FV_FORMAT, "a storage that nothing names");
    refused(file,
            legacy_of(file, PICKLE(fine),
                      PICKLE("\x80\x02]X\1\0\0\0"
                             "0"
                             "a.\4\0\0\0\0\0\0\0"
                             "0123456789012345")),
            FV_FORMAT, "4 elements, 3 are expected");
}

static void test_a_circle_of_dicts_ends(void **state)
{
    (void)state;
    uint8_t file[300];
    refused(file, legacy_of(file, PICKLE("\x80\x02}q\0X\1\0\0\0ah\0s."), PICKLE("\x80\x02].")), FV_FORMAT,
            "holds no tensors");
}

/* ---- zip archives, bent ---- */

/* Where the directory's entry of a name begins. */
static size_t central(const uint8_t *p, size_t n, const char *tail)
{
    const size_t t = strlen(tail);
    for (size_t i = 0; i + 46 < n; i++) {
        const size_t len = (size_t)(p[i + 28] | p[i + 29] << 8);
        if (memcmp(p + i, "PK\1\2", 4) == 0 && len >= t && memcmp(p + i + 46 + len - t, tail, t) == 0) return i;
    }
    fail_msg("no entry '%s'", tail);
    return 0;
}

static size_t local(const uint8_t *p, size_t at)
{
    return (size_t)p[at + 42] | (size_t)p[at + 43] << 8;
}

static void test_archives_that_contradict_themselves_are_refused(void **state)
{
    (void)state;
    const fv_bytes file = load("zip.pth");
    uint8_t *p = malloc(file.len + 1);
    const size_t n = file.len, c = central(file.p, n, "/data.pkl"), l = local(file.p, c);
#define BENT(change, status, reason)                                                                                   \
    do {                                                                                                               \
        memcpy(p, file.p, n);                                                                                          \
        change;                                                                                                        \
        refused(p, n, status, reason);                                                                                 \
    } while (0)
    BENT((p[c + 8] |= 1, p[l + 6] |= 1), FV_UNSUP, "encrypted");
    BENT((p[c + 10] = 8, p[l + 8] = 8), FV_UNSUP, "is packed");
    BENT((p[c + 10] = 12, p[l + 8] = 12), FV_UNSUP, "packed by method 12");
    BENT(p[l + 8] = 8, FV_FORMAT, "disagree");
    BENT(p[l + 30] ^= 1, FV_FORMAT, "disagree");
    BENT(p[c + 16] ^= 1, FV_FORMAT, "");
    BENT(p[c + 20] ^= 1, FV_FORMAT, "another size");
    BENT(memcpy(p + c + 46, "..", 2), FV_FORMAT, "");
    BENT((memcpy(p + c + 46, "../", 3), memcpy(p + l + 30, "../", 3)), FV_FORMAT, "holds '..'");
    BENT((p[c + 46] = '/', p[l + 30] = '/'), FV_FORMAT, "no relative path");
    BENT((p[c + 46 + 5] = 'x', p[l + 30 + 5] = 'x'), FV_FORMAT, "without 'data.pkl'");
    BENT(memcpy(p + c + 42, p + central(p, n, "/version") + 42, 4), FV_FORMAT, "disagree");
    BENT(p[n - 22 + 10] ^= 1, FV_FORMAT, "");
    BENT(p[n - 22 + 16] ^= 1, FV_FORMAT, "");
    const size_t data = central(file.p, n, "/data/0");
    BENT(p[local(p, data) + 200] ^= 1, FV_FORMAT, "wrong CRC");
    BENT((p[data + 46 + 9] = '1', p[local(p, data) + 30 + 9] = '1'), FV_FORMAT, "two entries are called");
    memcpy(p, file.p, n);
    p[n] = 0;
    refused(p, n + 1, FV_FORMAT, "no end record");
    free(p);
    drop(file);
}

/* zip.pth with the end records of an archive that may be larger than 4 GiB. */
typedef struct zip64 {
    uint8_t p[1 << 16];
    size_t n, record, locator, end; /* where the three records lie */
} zip64;

static void put64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(v >> (8 * i));
}

static void make_zip64(zip64 *z, fv_bytes file)
{
    enum { RECORD = 56, LOCATOR = 20, END = 22 };
    assert_true(file.len + RECORD + LOCATOR < sizeof z->p);
    const uint8_t *end = file.p + file.len - END;
    memset(z, 0, sizeof *z);
    z->record = file.len - END;
    if (memcmp(end - LOCATOR, "PK\6\7", 4) == 0) z->record -= RECORD + LOCATOR; /* PyTorch's own */
    memcpy(z->p, file.p, z->record);
    z->locator = z->record + RECORD, z->end = z->locator + LOCATOR, z->n = z->end + END;
    memcpy(z->p + z->end, end, END);
    uint8_t *r = z->p + z->record, *l = z->p + z->locator;
    memcpy(r, "PK\6\6", 4);
    put64(r + 4, RECORD - 12);
    memcpy(r + 24, end + 8, 2); /* entries here, and in all */
    memcpy(r + 32, end + 10, 2);
    memcpy(r + 40, end + 12, 4); /* the directory's length and place */
    memcpy(r + 48, end + 16, 4);
    memcpy(l, "PK\6\7", 4);
    put64(l + 8, z->record);
    l[16] = 1;
}

static void test_zip64_records_that_lie_are_refused(void **state)
{
    (void)state;
    const fv_bytes file = load("zip.pth");
    zip64 *z = malloc(sizeof *z);
    fv_arena a = { 0 };
    fv_stored_list l;
    fv_err err = { 0 };
    make_zip64(z, file);
    memset(z->p + z->end + 8, 0xff, 12); /* all of it stands in the large record */
    if (fv_weights_read((fv_bytes){ z->p, z->n }, &l, &a, &err) != FV_OK) fail_msg("%s", err.msg);
    fv_arena_free(&a);
#define LIE(change, reason)                                                                                            \
    do {                                                                                                               \
        make_zip64(z, file);                                                                                           \
        change;                                                                                                        \
        refused(z->p, z->n, FV_FORMAT, reason);                                                                        \
    } while (0)
    LIE(put64(z->p + z->locator + 8, z->record + 1), "no zip64 end record");
    LIE(put64(z->p + z->locator + 8, UINT64_MAX - 8), "no zip64 end record");
    LIE(put64(z->p + z->record + 4, UINT64_MAX), "of a wrong size");
    LIE((put64(z->p + z->record + 24, 1), put64(z->p + z->record + 32, 1)), "disagree");
    LIE(put64(z->p + z->record + 32, UINT64_MAX), "several parts");
    LIE(put64(z->p + z->record + 40, 1u << 20), "disagree");
    LIE((memset(z->p + z->end + 16, 0xff, 4), put64(z->p + z->record + 48, UINT64_MAX)), "does not end at");
    LIE((memset(z->p + z->end + 8, 0xff, 4), put64(z->p + z->record + 24, UINT64_MAX / 2),
         put64(z->p + z->record + 32, UINT64_MAX / 2)),
        "more entries than");
    LIE(z->p[z->locator + 16] = 2, "several parts");
    free(z);
    drop(file);
}

static void test_every_failed_allocation_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    for (int f = 0; f < GOLDEN; f++) {
        const fv_bytes file = load(golden[f]);
        int fails = 0;
        for (fv_status s = FV_NOMEM; s != FV_OK; fails++) {
            test_heap c;
            fv_arena a = { .heap = test_heap_init(&c, fails) };
            fv_stored_list l;
            fv_err err = { 0 };
            s = fv_weights_read(file, &l, &a, &err);
            assert_true(s == FV_OK || (s == FV_NOMEM && err.msg[0]));
            fv_arena_free(&a);
            assert_int_equal(c.live, 0);
        }
        assert_true(fails > 5);
        drop(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_element_is_where_torch_had_it),
        cmocka_unit_test(test_nested_dicts_become_dotted_names),
        cmocka_unit_test(test_a_foreign_object_is_refused_by_its_name),
        cmocka_unit_test(test_a_tar_of_before_is_refused_by_name),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_no_flipped_bit_does_harm),
        cmocka_unit_test(test_pickles_that_do_more_than_hold_data_are_refused),
        cmocka_unit_test(test_a_small_pickle_cannot_take_much_memory),
        cmocka_unit_test(test_tensors_stay_within_their_storage),
        cmocka_unit_test(test_a_circle_of_dicts_ends),
        cmocka_unit_test(test_archives_that_contradict_themselves_are_refused),
        cmocka_unit_test(test_zip64_records_that_lie_are_refused),
        cmocka_unit_test(test_every_failed_allocation_is_told_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
