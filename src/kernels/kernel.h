/* kernel.h -- what a kernel is. A kernel works on raw pointers and a small problem struct and knows no graph.
 *
 * A slot is one computation (its folder's x.h holds problem struct, operands and contract). Its rows (x.def) are the
 * ways to do it, fastest first, the scalar reference last. The reference is written once (x_ref.inc) and compiled for
 * float (the last row) and for double (ref64, the yardstick of gradient and accuracy tests).
 *
 * Contract of every row: tensors are NHWC, dense but for the operands that the slot calls strided, whose pixels lie ld
 * floats apart (a slice of a wider tensor; what lies between is not touched); any size >= 1, tails inside; no alignment
 * assumed; never a byte read or written outside the operands; units are disjoint in what they write, and the
 * result does not depend on how units are split over threads, nor (for forward slots) on n.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_KERNEL_H
#define FV_KERNEL_H
#include <fovea.h>

/* Sums over a batch are made of leaves of so many images, each summed in order, joined in a fixed binary tree: the bits
 * do not depend on threads. */
enum { FV_LEAF = 8 };
enum { FV_MAX_ARGS = 12 };

/* Rows of one family of CPUs: where the build leaves their files out, the tables leave out the rows. */
#ifdef __x86_64__
#define FV_X86(...) __VA_ARGS__
#else
#define FV_X86(...)
#endif
#ifdef __aarch64__
#define FV_NEON(...) __VA_ARGS__
#else
#define FV_NEON(...)
#endif

/* Threads share maps of fewer pixels than these by channels, larger ones by rows: what one thread has written goes slowly to
 * another's cache, so steps that follow each other share alike (matrix products excepted: they read all channels). */
enum { FV_SMALL_MAP = 112 };

typedef struct fv_work {
    const void *problem; /* per-image shape and constants: the slot's struct */
    int n;               /* images */
    void *const *arg;    /* operands in the slot's order; NULL: absent */
    unsigned add;        /* bit i: arg[i] is added to instead of stored; only where the slot allows it */
    void *scratch;       /* this thread's own, row->scratch bytes, 64-byte aligned */
    int begin, end;      /* units to do, of row->units(problem, n) */
    const int *ld;       /* of operands in slot->strided: floats from a pixel to the next, 0: dense. NULL: all dense */
} fv_work;
typedef void fv_kernel_fn(const fv_work *w);

/* Floats from a pixel of operand i, of so many channels, to the next. */
static inline int fv_ld(const fv_work *w, int i, int channels)
{
    return w->ld && w->ld[i] ? w->ld[i] : channels;
}

/* What changes from run to run; kernels that need it take it as an operand. */
typedef struct fv_run_info {
    uint64_t seed, step;
    double lr, momentum, grad_scale; /* grad_scale: gradients are multiplied by it before the update (clipping) */
    bool nesterov;
    int64_t t;  /* this update's number, from 1 */
    double ema; /* what a moving average of the weights keeps of itself in this update */
    bool fresh; /* the first batch of those whose gradients are gathered */
} fv_run_info;

/* A layout of weights that a row reads instead of the published one. As a kernel: arg 0 packed out, 1 weights (OIHW),
 * 2 one factor per output channel or NULL (batch-norm folding), 3 NULL or a size_t: operand 1 begins so many floats into
 * the weights, 4 NULL or, of one tap or depthwise, int32_t[c]: the input channel that stands at each place, of its own
 * group (depthwise: of the output and operand 2 as well). Every float of the packed weights is written. */
typedef struct fv_packing {
    const char *name; /* equal names mean equal bytes: packed weights are shared by it */
    size_t (*floats)(const void *problem);
    int (*units)(const void *problem, int n);
    fv_kernel_fn *fn;
    void (*reads)(const void *problem, int unit, size_t *from, size_t *floats); /* what a unit reads; NULL: all */
} fv_packing;

typedef struct fv_kernel {
    const char *name; /* fv_<slot>_f32__<isa> */
    fv_kernel_fn *fn;
    unsigned cpu;                         /* FV_HAS_ bits */
    bool (*applies)(const void *problem); /* NULL: always */
    int (*units)(const void *problem, int n);
    size_t (*scratch)(const void *problem); /* bytes per thread; NULL: none */
    const fv_packing *packing;              /* of the weights operand; NULL: as published */
    double tol; /* allowed error against ref64, in units of eps * sum |products| (doc: the slot's header) */
    int (*parts)(const void *problem, int n); /* rows of moments that it leaves beside its output; NULL: it cannot */
    int tile; /* outputs of a side of a Winograd tile: `tol` is about the transformed terms (conv2d_winograd.inc); 0: of none */
} fv_kernel;

typedef struct fv_slot {
    const char *name;
    const fv_kernel *rows; /* ends with the reference, which always applies */
    int nrows;
    fv_kernel_fn *ref64; /* the reference in double; same units as the last row */
    int weights_arg;     /* which operand `packing` is about; -1: none */
    unsigned inplace;    /* bit i: operand 0 may be operand i's memory */
    unsigned strided;    /* bit i: operand i may have an ld of its own */
    int moments_arg;     /* operand of those rows, followed by that of their counts; 0: none */
} fv_slot;

/* The first row that the CPU has and that accepts the problem. Cannot fail: the last row is the reference. */
static inline const fv_kernel *fv_slot_choose(const fv_slot *s, unsigned cpu, const void *problem)
{
    const fv_kernel *k = s->rows;
    while ((k->cpu & ~cpu) || (k->applies && !k->applies(problem))) k++;
    return k;
}

#endif
