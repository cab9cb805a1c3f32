/* op.h -- what an op is: shape, cost, parameters, and how its forward and backward are made of kernels.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_OP_H
#define FV_OP_H
#include "base/status.h"
#include "kernels/kernel.h"

enum { FV_MAX_IN = 32, FV_MAX_PARAMS = 5, FV_MAX_AUX = 3 };

/* Attributes of a node. `act` and `residual` are the epilogue that the planner may fuse into conv2d, batchnorm and add:
 * y = act(op(x) + residual), the residual being the last input. */
typedef struct fv_attr {
    union {
        struct {
            int out, kh, kw, sh, sw, top, left, bottom, right, dil, groups;
            bool bias, same;
        } conv; /* also linear: 1 x 1 */
        struct {
            float eps, momentum;
        } bn;
        struct {
            int kh, kw, sh, sw, pad;
            bool ceil_mode, exclude_pad, global;
        } pool;
        fv_lrn lrn;
        fv_padding pad;
        struct {
            int begin, end;
        } slice;
        int groups; /* shuffle */
        float p;    /* dropout, drop_path: chance of zero */
        struct {
            float smoothing, threshold; /* threshold: bce */
        } xent;
    };
    fv_act act;
    bool residual;
    uint32_t node; /* number of the node in its graph: part of dropout's random key */
} fv_attr;

typedef enum fv_param_kind {
    FV_PARAM_WEIGHT, /* decays */
    FV_PARAM_BIAS,   /* does not */
    FV_PARAM_SCALE,  /* of a norm: does not decay */
    FV_PARAM_SHIFT,
    FV_PARAM_RUNNING, /* statistics: not trained */
    FV_PARAM_COUNT    /* num_batches_tracked: an int64 scalar, no floats */
} fv_param_kind;
typedef struct fv_param_spec {
    const char *suffix; /* "weight" */
    fv_param_kind kind;
    int rank, dim[4]; /* published order: OIHW */
    fv_init init;
} fv_param_spec;

/* An operand of a step. */
typedef struct fv_arg {
    int32_t id; /* 0: absent */
} fv_arg;
#define FV_NONE ((fv_arg){ 0 })

/* What an op sees of the plan while it is lowered. Shapes are per image (n = 1). In backward, an operand that the op
 * does not declare in `saves` must not be used. Absent gradients (nobody needs them) are FV_NONE. */
typedef struct fv_lower {
    const fv_attr *attr;
    const fv_shape *x;
    int nx;
    fv_shape y;
    int batch;  /* most images of a run */
    bool train; /* batch-norm uses the batch's statistics, dropout drops */
    fv_arg in[FV_MAX_IN], out, param[FV_MAX_PARAMS], aux[FV_MAX_AUX];
    fv_arg din[FV_MAX_IN], dout, dparam[FV_MAX_PARAMS];
    fv_arg run; /* fv_run_info */
    /* A scratch tensor of so many floats that lives from here to the last step that names it. */
    fv_arg (*temp)(struct fv_lower *l, size_t floats);
    /* Moments of x by channel, which the step that makes x is then told to leave beside it: rows of 2 c floats, and in
     * *counts their pixels (see bn_finish). FV_NONE where that step cannot. */
    fv_arg (*moments)(struct fv_lower *l, fv_arg x, int c, fv_arg *counts);
    /* Appends a step. `slot`'s operands in order; written operands come first and are counted by nout: a gradient's
     * first writer stores, later ones add. The problem is copied. A step all of whose outputs are absent is left out. */
    void (*step)(struct fv_lower *l, const fv_slot *slot, const void *problem, size_t bytes, int nout, int nargs,
                 const fv_arg *args);
} fv_lower;

enum { FV_SAVE_X = 1, FV_SAVE_Y = 2, FV_SAVE_AUX = 4 }; /* what backward reads besides dy and the parameters */

/* What of its inputs an op reads where a network runs: all, as much as it writes, or nothing, for its output is its input
 * by another name. */
typedef enum fv_traffic { FV_TRAFFIC_ALL, FV_TRAFFIC_OUTPUT, FV_TRAFFIC_NONE } fv_traffic;

/* Pixels of the input that one pixel of the output sees, from edge to edge, and the steps between neighbours' windows. */
typedef struct fv_window {
    int kh, kw, sh, sw;
} fv_window;

typedef struct fv_op {
    const char *name;
    int min_in, max_in;
    unsigned saves;
    fv_status (*shape)(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err);
    int64_t (*macs)(const fv_attr *a, const fv_shape *x, const fv_shape *y); /* NULL: 0 */
    int (*params)(const fv_attr *a, const fv_shape *x, fv_param_spec *out);  /* NULL: none; returns how many */
    int (*aux)(const fv_attr *a, const fv_shape *x, const fv_shape *y, int batch, size_t floats[FV_MAX_AUX]); /* NULL */
    void (*forward)(fv_lower *l);
    void (*again)(fv_lower *l);    /* makes the value a second time from what backward has; NULL: it cannot */
    void (*backward)(fv_lower *l); /* emits steps that write l->din and l->dparam from l->dout */
    fv_window (*window)(const fv_attr *a, const fv_shape *x);                 /* NULL: one pixel sees one */
    void (*tell)(const fv_attr *a, const fv_shape *x, char *out, size_t cap); /* its attributes in words; NULL: none */
    fv_traffic traffic;
} fv_op;

/* ops.def: FV_OP(id, symbol): enum and table. */
typedef enum fv_op_id {
#define FV_OP(id, symbol) FV_OP_##id,
#include "ops/ops.def"
#undef FV_OP
    FV_OP_COUNT
} fv_op_id;
#define FV_OP(id, symbol) extern const fv_op symbol;
#include "ops/ops.def"
#undef FV_OP
extern const fv_op *const fv_ops[FV_OP_COUNT];

#endif
