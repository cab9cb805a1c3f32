/* unpickle.c -- a restricted machine for pickles: protocols 2 to 5 of Python's pickletools, only the opcodes that make
 * data, only the globals of globals.def. A call is a row that turns its arguments into a value; there is nothing else
 * that could be called. No recursion: containers are numbers, their items chains.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/unpickle.h"
#include <inttypes.h>
#include <string.h>

enum { MOST_ITEMS = 1000000, LONGEST_GLOBAL = 100, PROTOCOL = 5 };

typedef enum meaning { MAKES_DICT, MAKES_TENSOR, MAKES_PARAMETER, MAKES_SIZE, NAMES_STORAGE, NAMES_DTYPE } meaning;
static const struct global_row {
    const char *module, *name;
    meaning is;
    fv_dtype dtype;
} globals[] = {
#define FV_GLOBAL(module, name, is, dtype) { module, name, is, FV_DTYPE_##dtype },
#include "weights/globals.def"
#undef FV_GLOBAL
};
enum { GLOBALS = sizeof globals / sizeof *globals };

/* Items are numbered from 1: 0 ends a chain. */
typedef struct item {
    fv_pickled v;
    uint32_t next;
} item;
typedef struct container {
    uint8_t kind, round;
    uint32_t count, first, last;
} container;

static fv_status pool_add(fv_pickle *p, fv_blocks *to, const void *v)
{
    return fv_blocks_add(to, v, p->budget, p->heap, p->err);
}

/* ---- the machine's parts ---- */

static fv_status bad(const fv_pickle *p, const char *what)
{
    return fv_fail(p->err, FV_FORMAT, "pickle, offset %zu: %s", p->r.at, what);
}

static fv_status push(fv_pickle *p, fv_pickled v)
{
    if (p->stack.count == MOST_ITEMS) return bad(p, "the stack holds more than a million values");
    return pool_add(p, &p->stack, &v);
}

static fv_pickled value_at(const fv_blocks *pool, size_t i)
{
    fv_pickled v = { 0 };
    memcpy(&v, fv_blocks_at(pool, i), sizeof v);
    return v;
}

/* Takes the top value, which may be no mark. */
static fv_status pop(fv_pickle *p, fv_pickled *v)
{
    if (!p->stack.count) return bad(p, "the stack is empty");
    *v = value_at(&p->stack, p->stack.count - 1);
    if (v->kind == FV_PICKLED_MARK) return bad(p, "a mark where a value is needed");
    p->stack.count--;
    return FV_OK;
}

/* The stack's height under the topmost mark is *from; above it are the values. */
static fv_status find_mark(const fv_pickle *p, size_t *from)
{
    for (size_t i = p->stack.count; i-- > 0;)
        if (value_at(&p->stack, i).kind == FV_PICKLED_MARK) {
            *from = i;
            return FV_OK;
        }
    return bad(p, "no mark on the stack");
}

static container *container_of(const fv_pickle *p, fv_pickled v)
{
    return fv_blocks_at(&p->containers, v.n);
}

static fv_status new_container(fv_pickle *p, fv_pickled_kind kind, fv_pickled *v)
{
    const container c = { .kind = (uint8_t)kind };
    if (p->containers.count >= UINT32_MAX) return bad(p, "too many containers");
    *v = (fv_pickled){ .kind = (uint8_t)kind, .n = (uint32_t)p->containers.count };
    return pool_add(p, &p->containers, &c);
}

static fv_status add_item(fv_pickle *p, fv_pickled to, fv_pickled v)
{
    const item it = { .v = v };
    if (p->items.count >= UINT32_MAX - 1) return bad(p, "too many items");
    FV_TRY(pool_add(p, &p->items, &it));
    const uint32_t number = (uint32_t)p->items.count;
    container *c = container_of(p, to);
    if (c->last) ((item *)fv_blocks_at(&p->items, c->last - 1))->next = number;
    else c->first = number;
    c->last = number;
    c->count++;
    return FV_OK;
}

/* Moves the values from height `from` on into the container. */
static fv_status take_items(fv_pickle *p, fv_pickled to, size_t from)
{
    for (size_t i = from; i < p->stack.count; i++) {
        const fv_pickled v = value_at(&p->stack, i);
        if (v.kind == FV_PICKLED_MARK) return bad(p, "a mark where a value is needed");
        FV_TRY(add_item(p, to, v));
    }
    p->stack.count = from;
    return FV_OK;
}

uint32_t fv_pickle_first(const fv_pickle *p, fv_pickled v)
{
    return container_of(p, v)->first;
}

fv_pickled fv_pickle_item(const fv_pickle *p, uint32_t *at)
{
    const item *it = fv_blocks_at(&p->items, *at - 1);
    *at = it->next;
    return it->v;
}

bool fv_pickle_enter(fv_pickle *p, fv_pickled v, uint8_t round)
{
    container *c = container_of(p, v);
    const bool first = c->round != round;
    c->round = round;
    return first;
}

fv_bytes fv_pickle_text(const fv_pickle *p, fv_pickled v)
{
    return (fv_bytes){ p->r.bytes.p + v.at, v.n };
}

static bool text_is(const fv_pickle *p, fv_pickled v, const char *text)
{
    const fv_bytes t = fv_pickle_text(p, v);
    return v.kind == FV_PICKLED_TEXT && t.len == strlen(text) && memcmp(t.p, text, t.len) == 0;
}

/* The first `cap` items; returns how many there are. */
static uint32_t items_of(const fv_pickle *p, fv_pickled v, fv_pickled *out, uint32_t cap)
{
    uint32_t at = fv_pickle_first(p, v);
    for (uint32_t i = 0; at && i < cap; i++) out[i] = fv_pickle_item(p, &at);
    return container_of(p, v)->count;
}

/* ---- storages and tensors ---- */

static void storage_of(const fv_pickle *p, fv_pickled v, fv_pickled_storage *s)
{
    fv_pickled part[5];
    items_of(p, v, part, 5);
    s->key = fv_pickle_text(p, part[2]);
    s->dtype = globals[part[1].n].dtype;
    s->elements = (uint64_t)part[4].i;
}

bool fv_pickle_storage(const fv_pickle *p, uint32_t *at, fv_pickled_storage *s)
{
    while (*at < p->containers.count) {
        const fv_pickled v = { .kind = FV_PICKLED_STORAGE, .n = (*at)++ };
        if (container_of(p, v)->kind != FV_PICKLED_STORAGE) continue;
        storage_of(p, v, s);
        return true;
    }
    return false;
}

static fv_status make_storage(fv_pickle *p, int unused)
{
    fv_pickled id = { 0 }, part[6] = { 0 };
    (void)unused;
    FV_TRY(pop(p, &id));
    if (id.kind != FV_PICKLED_TUPLE) return bad(p, "a persistent id is not a tuple");
    const uint32_t n = items_of(p, id, part, 6);
    if (n && part[0].kind == FV_PICKLED_TEXT && !text_is(p, part[0], "storage")) {
        const fv_bytes what = fv_pickle_text(p, part[0]);
        return fv_fail(p->err, FV_UNSUP, "holds a pickled '%.*s'; save the state dict only",
                       what.len < 50 ? (int)what.len : 50, (const char *)what.p);
    }
    if ((n != 5 && n != 6) || part[0].kind != FV_PICKLED_TEXT || part[1].kind != FV_PICKLED_GLOBAL ||
        globals[part[1].n].is != NAMES_STORAGE || part[2].kind != FV_PICKLED_TEXT || part[3].kind != FV_PICKLED_TEXT ||
        part[4].kind != FV_PICKLED_INT || part[4].i < 0)
        return bad(p, "malformed id of a storage");
    if (n == 6 && part[5].kind != FV_PICKLED_NONE)
        return fv_fail(p->err, FV_UNSUP, "holds storages that are views of others, of PyTorch before 0.4");
    container_of(p, id)->kind = FV_PICKLED_STORAGE;
    id.kind = FV_PICKLED_STORAGE;
    return push(p, id);
}

/* A tuple of whole numbers from 0; -1: it is none. */
static int numbers_of(const fv_pickle *p, fv_pickled v, int64_t *out)
{
    fv_pickled part[FV_PICKLED_RANK];
    if (v.kind != FV_PICKLED_TUPLE) return -1;
    const uint32_t n = items_of(p, v, part, FV_PICKLED_RANK);
    if (n > FV_PICKLED_RANK) return -1;
    for (uint32_t i = 0; i < n; i++) {
        if (part[i].kind != FV_PICKLED_INT || part[i].i < 0) return -1;
        out[i] = part[i].i;
    }
    return (int)n;
}

void fv_pickle_tensor(const fv_pickle *p, fv_pickled v, fv_pickled_tensor *t)
{
    fv_pickled part[4];
    items_of(p, v, part, 4);
    storage_of(p, part[0], &t->storage);
    t->offset = (uint64_t)part[1].i;
    t->rank = numbers_of(p, part[2], t->dim);
    numbers_of(p, part[3], t->stride);
}

static fv_status make_tensor(fv_pickle *p, fv_pickled args)
{
    fv_pickled part[4];
    int64_t dim[FV_PICKLED_RANK], stride[FV_PICKLED_RANK];
    const uint32_t n = items_of(p, args, part, 4);
    if (n < 4 || n > 7 || part[0].kind != FV_PICKLED_STORAGE || part[1].kind != FV_PICKLED_INT || part[1].i < 0)
        return bad(p, "malformed tensor");
    const int rank = numbers_of(p, part[2], dim);
    if (rank < 0 || numbers_of(p, part[3], stride) != rank)
        return bad(p, "a tensor's sizes and strides are not equally many numbers from 0, at most 8");
    args.kind = FV_PICKLED_TENSOR;
    return push(p, args);
}

/* ---- calls ---- */

/* OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]). */
static fv_status make_dict(fv_pickle *p, fv_pickled args)
{
    fv_pickled dict = { 0 }, list = { 0 }, pair, part[2];
    FV_TRY(new_container(p, FV_PICKLED_DICT, &dict));
    const uint32_t n = items_of(p, args, &list, 1);
    if (n > 1 || (n == 1 && list.kind != FV_PICKLED_LIST)) return bad(p, "malformed OrderedDict");
    for (uint32_t at = n ? fv_pickle_first(p, list) : 0; at;) {
        pair = fv_pickle_item(p, &at);
        if ((pair.kind != FV_PICKLED_LIST && pair.kind != FV_PICKLED_TUPLE) || items_of(p, pair, part, 2) != 2)
            return bad(p, "malformed OrderedDict");
        FV_TRY(add_item(p, dict, part[0]));
        FV_TRY(add_item(p, dict, part[1]));
    }
    return push(p, dict);
}

static fv_status call(fv_pickle *p, fv_pickled what, fv_pickled args)
{
    fv_pickled first = { 0 };
    if (what.kind != FV_PICKLED_GLOBAL || args.kind != FV_PICKLED_TUPLE) return bad(p, "a call of what is no function");
    const struct global_row *g = &globals[what.n];
    const uint32_t n = items_of(p, args, &first, 1);
    switch (g->is) {
    case MAKES_DICT:
        return make_dict(p, args);
    case MAKES_TENSOR:
        return make_tensor(p, args);
    case MAKES_PARAMETER:
        if (!n || first.kind != FV_PICKLED_TENSOR) return bad(p, "a parameter of what is no tensor");
        return push(p, first);
    case MAKES_SIZE:
        if (n != 1 || first.kind != FV_PICKLED_TUPLE) return bad(p, "malformed torch.Size");
        return push(p, first);
    case NAMES_STORAGE:
    case NAMES_DTYPE:
        break;
    }
    return fv_fail(p->err, FV_UNSUP, "calls '%s.%s', which is never done", g->module, g->name);
}

static fv_status reduce(fv_pickle *p, int unused)
{
    fv_pickled what = { 0 }, args = { 0 };
    (void)unused;
    FV_TRY(pop(p, &args));
    FV_TRY(pop(p, &what));
    return call(p, what, args);
}

static fv_status new_object(fv_pickle *p, int unused)
{
    fv_pickled what = { 0 }, args = { 0 };
    (void)unused;
    FV_TRY(pop(p, &args));
    FV_TRY(pop(p, &what));
    if (what.kind == FV_PICKLED_GLOBAL && globals[what.n].is != MAKES_DICT)
        return fv_fail(p->err, FV_UNSUP, "makes a '%s.%s', which is never done", globals[what.n].module,
                       globals[what.n].name);
    return call(p, what, args);
}

/* Attributes of an OrderedDict (a state dict's versions of modules): dropped. */
static fv_status build(fv_pickle *p, int unused)
{
    fv_pickled state = { 0 }, object = { 0 };
    (void)unused;
    FV_TRY(pop(p, &state));
    FV_TRY(pop(p, &object));
    if (object.kind != FV_PICKLED_DICT || (state.kind != FV_PICKLED_DICT && state.kind != FV_PICKLED_TUPLE))
        return bad(p, "attributes for what is no OrderedDict");
    return push(p, object);
}

static fv_status push_global(fv_pickle *p, fv_bytes module, fv_bytes name)
{
    for (uint32_t i = 0; i < GLOBALS; i++)
        if (module.len == strlen(globals[i].module) && memcmp(module.p, globals[i].module, module.len) == 0 &&
            name.len == strlen(globals[i].name) && memcmp(name.p, globals[i].name, name.len) == 0)
            return push(p, (fv_pickled){ .kind = FV_PICKLED_GLOBAL, .n = i });
    const int m = module.len < LONGEST_GLOBAL ? (int)module.len : LONGEST_GLOBAL;
    const int n = name.len < LONGEST_GLOBAL ? (int)name.len : LONGEST_GLOBAL;
    return fv_fail(p->err, FV_UNSUP, "asks for '%.*s.%.*s', which is not loaded; save the state dict only", m,
                   (const char *)module.p, n, (const char *)name.p);
}

static fv_bytes read_line(fv_reader *r)
{
    const uint8_t *from = r->bytes.p + r->at, *end = memchr(from, '\n', fv_reader_left(r));
    const fv_bytes line = fv_read_bytes(r, end ? (uint64_t)(end - from) : UINT64_MAX);
    fv_read_skip(r, 1);
    return line;
}

static fv_status global(fv_pickle *p, int from_stack)
{
    fv_pickled module = { 0 }, name = { 0 };
    if (from_stack) {
        FV_TRY(pop(p, &name));
        FV_TRY(pop(p, &module));
        if (module.kind != FV_PICKLED_TEXT || name.kind != FV_PICKLED_TEXT) return bad(p, "a global without a name");
        return push_global(p, fv_pickle_text(p, module), fv_pickle_text(p, name));
    }
    const fv_bytes m = read_line(&p->r), n = read_line(&p->r);
    return p->r.failed ? bad(p, "a global without a name") : push_global(p, m, n);
}

/* ---- plain values ---- */

static fv_status constant(fv_pickle *p, int kind)
{
    return push(p, (fv_pickled){ .kind = (uint8_t)kind });
}

static fv_status boolean(fv_pickle *p, int v)
{
    return push(p, (fv_pickled){ .kind = FV_PICKLED_BOOL, .i = v });
}

/* An unsigned number of so many bytes, or a signed one of four (-4). */
static uint64_t number(fv_pickle *p, int bytes)
{
    switch (bytes) {
    case 1:
        return fv_read_u8(&p->r);
    case 2:
        return fv_read_u16le(&p->r);
    case 8:
        return fv_read_u64le(&p->r);
    case -4:
        return (uint64_t)(int64_t)(int32_t)fv_read_u32le(&p->r);
    default:
        return fv_read_u32le(&p->r);
    }
}

static fv_status integer(fv_pickle *p, int bytes)
{
    return push(p, (fv_pickled){ .kind = FV_PICKLED_INT, .i = (int64_t)number(p, bytes) });
}

/* Length, then that many bytes: little-endian, two's complement. */
static fv_status long_integer(fv_pickle *p, int bytes)
{
    const fv_bytes b = fv_read_bytes(&p->r, number(p, bytes));
    uint64_t v = b.len && b.p[b.len - 1] & 0x80 ? UINT64_MAX : 0;
    if (p->r.failed || b.len > UINT32_MAX) return bad(p, "a number that ends after the pickle");
    if (b.len > 8) return push(p, (fv_pickled){ .kind = FV_PICKLED_BIG, .n = (uint32_t)b.len, .at = p->r.at - b.len });
    for (size_t i = b.len; i-- > 0;) v = v << 8 | b.p[i];
    return push(p, (fv_pickled){ .kind = FV_PICKLED_INT, .i = (int64_t)v });
}

static fv_status real(fv_pickle *p, int unused)
{
    (void)unused;
    const uint64_t high = fv_read_u32be(&p->r), bits = high << 32 | fv_read_u32be(&p->r);
    fv_pickled v = { .kind = FV_PICKLED_REAL };
    memcpy(&v.d, &bits, sizeof v.d);
    return push(p, v);
}

static fv_status text(fv_pickle *p, int bytes)
{
    const fv_bytes b = fv_read_bytes(&p->r, number(p, bytes));
    if (p->r.failed || b.len > UINT32_MAX) return bad(p, "a text that ends after the pickle");
    return push(p, (fv_pickled){ .kind = FV_PICKLED_TEXT, .n = (uint32_t)b.len, .at = p->r.at - b.len });
}

/* ---- containers ---- */

static fv_status empty(fv_pickle *p, int kind)
{
    fv_pickled v = { 0 };
    FV_TRY(new_container(p, (fv_pickled_kind)kind, &v));
    return push(p, v);
}

/* A tuple of the topmost n values. */
static fv_status short_tuple(fv_pickle *p, int n)
{
    fv_pickled v = { 0 };
    if (p->stack.count < (size_t)n) return bad(p, "the stack is empty");
    FV_TRY(new_container(p, FV_PICKLED_TUPLE, &v));
    FV_TRY(take_items(p, v, p->stack.count - (size_t)n));
    return push(p, v);
}

static fv_status from_mark(fv_pickle *p, int kind)
{
    fv_pickled v = { 0 };
    size_t from = 0;
    FV_TRY(find_mark(p, &from));
    if (kind == FV_PICKLED_DICT && (p->stack.count - from - 1) % 2) return bad(p, "a key without a value");
    FV_TRY(new_container(p, (fv_pickled_kind)kind, &v));
    FV_TRY(take_items(p, v, from + 1));
    p->stack.count = from;
    return push(p, v);
}

/* Adds the values from height `from` on to the container right under `below`. */
static fv_status extend(fv_pickle *p, fv_pickled_kind kind, size_t below, size_t from)
{
    if (!below) return bad(p, "the stack is empty");
    const fv_pickled to = value_at(&p->stack, below - 1);
    if (to.kind != kind)
        return bad(p, kind == FV_PICKLED_LIST ? "items for what is no list" : "items for what is no dict");
    if (kind == FV_PICKLED_DICT && (p->stack.count - from) % 2) return bad(p, "a key without a value");
    FV_TRY(take_items(p, to, from));
    p->stack.count = below;
    return FV_OK;
}

static fv_status add_one(fv_pickle *p, int kind)
{
    const size_t n = kind == FV_PICKLED_DICT ? 2 : 1;
    if (p->stack.count < n) return bad(p, "the stack is empty");
    return extend(p, (fv_pickled_kind)kind, p->stack.count - n, p->stack.count - n);
}

static fv_status add_many(fv_pickle *p, int kind)
{
    size_t mark = 0;
    FV_TRY(find_mark(p, &mark));
    return extend(p, (fv_pickled_kind)kind, mark, mark + 1);
}

/* ---- stack and memo ---- */

static fv_status drop(fv_pickle *p, int to_mark)
{
    size_t from = 0;
    if (to_mark) {
        FV_TRY(find_mark(p, &from));
    } else {
        if (!p->stack.count) return bad(p, "the stack is empty");
        from = p->stack.count - 1;
    }
    p->stack.count = from;
    return FV_OK;
}

static fv_status duplicate(fv_pickle *p, int unused)
{
    fv_pickled v = { 0 };
    (void)unused;
    FV_TRY(pop(p, &v));
    FV_TRY(push(p, v));
    return push(p, v);
}

static fv_status get(fv_pickle *p, int bytes)
{
    const uint64_t i = number(p, bytes);
    if (p->r.failed || i >= p->memo.count) return bad(p, "nothing was put there in the memo");
    const fv_pickled v = value_at(&p->memo, (size_t)i);
    return v.kind == FV_PICKLED_UNSET ? bad(p, "nothing was put there in the memo") : push(p, v);
}

static fv_status put_at(fv_pickle *p, uint64_t i)
{
    const fv_pickled unset = { 0 };
    fv_pickled v = { 0 };
    if (i >= MOST_ITEMS) return bad(p, "the memo holds more than a million values");
    FV_TRY(pop(p, &v));
    FV_TRY(push(p, v));
    while (p->memo.count <= i) FV_TRY(pool_add(p, &p->memo, &unset));
    memcpy(fv_blocks_at(&p->memo, (size_t)i), &v, sizeof v);
    return FV_OK;
}

static fv_status put(fv_pickle *p, int bytes)
{
    const uint64_t i = number(p, bytes);
    return p->r.failed ? bad(p, "the pickle ends without STOP") : put_at(p, i);
}

static fv_status memoize(fv_pickle *p, int unused)
{
    (void)unused;
    return put_at(p, p->memo.count);
}

static fv_status protocol(fv_pickle *p, int unused)
{
    (void)unused;
    const uint8_t v = fv_read_u8(&p->r);
    return v > PROTOCOL ? fv_fail(p->err, FV_UNSUP, "pickle protocol %d; up to %d are read", v, (int)PROTOCOL) : FV_OK;
}

/* Frames only help to read from a stream. */
static fv_status frame(fv_pickle *p, int unused)
{
    (void)unused;
    return fv_read_u64le(&p->r) > fv_reader_left(&p->r) ? bad(p, "a frame that ends after the pickle") : FV_OK;
}

static const struct opcode_row {
    fv_status (*run)(fv_pickle *p, int arg);
    int arg;
} opcodes[256] = {
#define FV_OPCODE(code, run, arg) [code] = { run, arg },
#include "weights/opcodes.def"
#undef FV_OPCODE
};

static fv_status run(fv_pickle *p)
{
    for (;;) {
        const uint8_t code = fv_read_u8(&p->r);
        if (p->r.failed) return bad(p, "the pickle ends without STOP");
        if (code == '.') break;
        if (!opcodes[code].run)
            return fv_fail(p->err, FV_UNSUP, "pickle, offset %zu: opcode 0x%02x is not read", p->r.at - 1, code);
        FV_TRY(opcodes[code].run(p, opcodes[code].arg));
        if (p->r.failed) return bad(p, "the pickle ends without STOP");
    }
    FV_TRY(pop(p, &p->root));
    return p->stack.count ? bad(p, "values are left on the stack") : FV_OK;
}

fv_status fv_unpickle(fv_pickle *p, fv_reader *r, size_t *budget, const fv_allocator *heap, fv_err *err)
{
    *p = (fv_pickle){ .heap = heap, .r = *r, .budget = budget, .err = err };
    p->stack.item = p->memo.item = sizeof(fv_pickled);
    p->items.item = sizeof(item);
    p->containers.item = sizeof(container);
    const fv_status s = run(p);
    *r = p->r;
    fv_blocks_free(&p->stack, heap);
    fv_blocks_free(&p->memo, heap);
    return s;
}

void fv_pickle_free(fv_pickle *p)
{
    fv_blocks_free(&p->items, p->heap);
    fv_blocks_free(&p->containers, p->heap);
}
