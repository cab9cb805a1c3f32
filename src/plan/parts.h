/* parts.h -- what a plan is made of, for the files of this folder.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_PARTS_H
#define FV_PARTS_H
#include "kernels/conv2d/conv2d.h"
#include "kernels/pool/pool.h"
#include "plan/plan.h"

/* A node of the plan's own copy of the graph, after the rewrites. */
typedef struct plan_node {
    fv_op_id op;
    const char *name; /* the graph's */
    fv_attr attr;
    int nin, in[FV_MAX_IN];
    fv_shape shape;
    int nparam, param[FV_MAX_PARAMS]; /* of the graph */
    int fold;                         /* node of the batch-norm folded into this convolution, or -1 */
    bool dead;                        /* absorbed by another node, or of no use for the output */
    bool kept;                        /* asked for by name */
    const int32_t *order; /* the input channel at each place that a convolution reads, NULL: as they are; a depthwise
                           * one makes its outputs in that order as well */
} plan_node;

typedef enum operand_kind {
    OPERAND_BLOCK,   /* in the activation block, sharing memory with others over time */
    OPERAND_OWN,     /* has its own memory as long as the plan lives */
    OPERAND_WEIGHTS, /* the net's own floats */
    OPERAND_VIEW,    /* some channels of another operand's pixels */
    OPERAND_RUN      /* the fv_run_info */
} operand_kind;

/* Something a step names. Lives from its first to its last step. */
typedef struct operand {
    operand_kind kind;
    size_t bytes;
    size_t at;               /* offset in its block */
    int first, last;         /* steps; first > last: never used */
    size_t image;            /* bytes from an image to the next; 0: it is not made of images */
    bool lane;               /* holds one image for each thread, in the thread's own part of the lanes */
    size_t copy;             /* or rows for each thread, in the block: bytes from a thread's to the next's; 0: no */
    bool given;              /* written from outside before the first step */
    bool gradient;           /* written by adding after the first time */
    bool written;            /* while lowering */
    int again;               /* likewise: 1 + the node that a step which reads it has to run again first; 0: none */
    int of, ld;              /* view: the operand it lies in, floats from a pixel to the next */
    int front;               /* view: its first channel there */
    int map;                 /* view: operand of its channels' places in `of`, or 0: they follow each other */
    int dense;               /* view: operand of a copy in order, 0: none yet */
    bool whole;              /* OPERAND_OWN: all of it is written before it is read; others begin as zeros */
    const int32_t *channels; /* OPERAND_OWN: what it holds from the start; map */
} operand;

typedef struct plan_step {
    const fv_slot *slot;
    const fv_kernel *kernel;
    fv_kernel_fn *fn; /* the kernel's, or the slot's reference in double */
    void *problem;    /* in the arena */
    int node, nargs;
    int arg[FV_MAX_ARGS];
    unsigned add, inplace; /* bits of operands, as in fv_work and fv_slot */
    int ld[FV_MAX_ARGS];   /* as in fv_work */
    int chain;             /* number of the chain that begins here, from 1; 0: none */
} plan_step;

/* Convolutions [first, end) that run in bands of `rows` rows of the last one's output; or two as a pair, whose
 * output rows are the bands then. */
typedef struct band_chain {
    int first, end, rows, bands;
    const fv_conv_pair *pair;
} band_chain;

/* A step as it runs: operands of n images. */
typedef struct step_run {
    const fv_plan *p;
    const plan_step *s;
    int n;
    void *arg[FV_MAX_ARGS];
} step_run;
step_run fv_plan_step_run(const fv_plan *p, int step, int image, int lane, int n);

/* Steps [first, end) that run one after the other on the whole batch, or all on one image before the next one. */
typedef struct segment {
    int first, end;
    bool by_image;
} segment;

/* Weights in a kernel's layout, written once: for inference. */
typedef struct pack_job {
    const fv_packing *packing; /* NULL: published layout, times the fold's factors where there is a fold */
    const void *problem;
    int param, node, to; /* to: operand */
    int fold;
    const int32_t *order; /* the node's */
    bool streams;         /* its weights are read from their file, unit by unit */
} pack_job;

/* A batch-norm folded into a convolution: w' = w * factor, b' = (b - mean) * factor + shift. */
typedef struct fold_job {
    int conv, bn;  /* nodes */
    int bias;      /* operand, one float per channel */
    size_t factor; /* place of the first channel's, while packing */
} fold_job;

struct fv_plan {
    fv_net *net;
    fv_plan_request rq;
    fv_arena arena;
    plan_node *node; /* indices as in the graph, then the loss's own */
    int nnode, output, logits, target;
    int naux, aux_loss[FV_MAX_AUX_OUTPUTS]; /* nodes of the auxiliary classifiers' losses */
    fv_shape input_shape;

    operand *operand; /* 0 is the absent one */
    size_t noperand, operand_cap;
    int *home;                       /* concat node in whose memory a value is written, -1: none; NULL: no views
                                      * */
    int *value, *dvalue;             /* operand of each node's value and gradient; 0: none yet */
    int *dparam, *gathered, *weight; /* operand per parameter */
    int *state[FV_STATES];           /* likewise */
    const fv_param_rule *rule;       /* of each parameter, in the arena */
    int *aux;                        /* FV_MAX_AUX per node */
    int run_operand, doutput;

    plan_step *step;
    size_t nstep, step_cap;
    pack_job *pack;
    size_t npack, pack_cap;
    fold_job *fold;
    size_t nfold, fold_cap, nfactor;
    float *factors; /* of all folds; NULL: only while packing */
    bool *held; /* parameters that packing holds in memory meanwhile; NULL: none lies in a file, or all are needed */
    segment *segment; /* in the arena */
    size_t nsegment;
    band_chain *chain; /* likewise */
    size_t nchain;

    uint8_t *memory, *own, *block, *lanes, *room; /* memory: what the others lie in; room: for scratch, */
    uint8_t *scratch, *wide_scratch;              /* which is wide_scratch where a timed variant wants more; or NULL */
    void **pointer;                               /* of each operand */
    size_t block_bytes, lane_bytes, own_bytes, packed_bytes, scratch_bytes, room_bytes;
    fv_threads *pool, *own_pool;
    fv_run_info run;
    int lent;            /* the images' operand, where a run may read them in the caller's memory; 0: they are copied */
    int update_from;     /* first of the steps that an update is made of, where gradients are gathered */
    bool more;           /* this run is without them */
    int64_t gathered_n;  /* images since the last update, */
    double gathered_sum; /* and the sum of their weights */
    size_t real;         /* bytes of an element */
    double plan_ms;
    int timed;       /* problems that were timed for this plan */
    double *seconds; /* of each step, added to by runs; or NULL */
};

/* plan.c: a plan without timing variants. */
fv_status fv_plan_make_once(fv_plan **plan, fv_net *net, const fv_plan_request *rq, fv_err *err);
/* rewrite.c: copies the graph, appends the loss, rewrites, marks what the output does not need as dead. */
fv_status fv_plan_nodes(fv_plan *p, fv_err *err);
/* run.c: finds p->lent. */
void fv_plan_lend(fv_plan *p);
/* plan.c: the operand that the images are. */
int fv_plan_input_operand(const fv_plan *p);
/* Is the value reached from outside, so that it needs memory of its own? */
bool fv_plan_named(const fv_plan *p, int v);
/* recompute.c: which nodes' values are dropped after the forward pass, to be made again when the backward pass reads them.
 * In the arena; NULL: no memory. */
const bool *fv_plan_drops(fv_plan *p);
/* lower.c: steps and operands from the nodes. */
fv_status fv_plan_lower(fv_plan *p, fv_err *err);
int fv_plan_operand(fv_plan *p, operand_kind kind, size_t bytes, fv_err *err); /* 0 on failure */
/* An operand for the value of a node, of its own memory or in the block. */
int fv_plan_tensor(fv_plan *p, int v, bool own, fv_err *err);
/* segments.c: the order in which a batch goes through the steps. */
fv_status fv_plan_segments(fv_plan *p, fv_err *err);
/* bands.c: is it an inference plan that is to take little memory? */
bool fv_plan_is_short(const fv_plan *p);
/* Can step i + 1, the only reader of what step i makes, read it band by band? */
bool fv_plan_is_link(const fv_plan *p, int i);
/* twice.c: large values that are read twice are made twice. Changes the steps. */
fv_status fv_plan_twice(fv_plan *p, fv_err *err);
/* sums.c: averages of large maps in two steps, where threads share the rows. Changes the steps. */
fv_status fv_plan_sums(fv_plan *p, fv_err *err);
/* Is it an average over whole images? And, of one that was split, the sums of rows? */
bool fv_plan_averages_image(const plan_step *s);
bool fv_plan_sums_rows(const fv_pool_problem *q);
/* Such a step as two, of an operand of their own between them; false: no memory. */
bool fv_plan_split_average(fv_plan *p, const plan_step *s, plan_step part[2], fv_err *err);
/* Room for `n` steps before step `at`; false: no memory. */
bool fv_plan_make_room(fv_plan *p, int at, int n, fv_err *err);
/* lower.c: when each operand lives, of the steps as they are now. */
void fv_plan_set_lives(fv_plan *p);
/* Convolutions that go through an image band by band. */
fv_status fv_plan_bands(fv_plan *p, fv_err *err);
size_t fv_plan_band_scratch(const fv_plan *p); /* bytes of a thread, at most */
/* Bands [begin, end) of an image, whose operands are in `lane`, by this thread. */
void fv_plan_run_bands(const fv_plan *p, const band_chain *c, int image, int lane, int thread, int begin, int end);
/* pairs.c: elsewhere, convolutions and the depthwise ones behind them that run as pairs. */
void fv_plan_pairs(fv_plan *p);
size_t fv_plan_pair_scratch(const fv_plan *p, const band_chain *c);
void fv_plan_run_pair(const fv_plan *p, const band_chain *c, int image, int lane, int thread, int begin, int end);
/* views.c: values that are channels of others: before the steps, which then read and write them in place. */
fv_status fv_plan_views(fv_plan *p, fv_err *err);
/* The operand whose memory it is. */
int fv_plan_base(const fv_plan *p, int id);
/* Puts plain operands, strides and maps in the place of a step's views, copying where the slot cannot read them. */
void fv_plan_resolve(fv_plan *p, const fv_slot *slot, plan_step *s, fv_err *err);
/* The steps of a concatenation whose value is made of views; false: the op is to make them. */
bool fv_plan_join(fv_plan *p, int node, fv_err *err);
/* update.c: the rules of all parameters. */
fv_status fv_plan_rules(fv_plan *p, fv_err *err);
/* Is any parameter of the node trained? */
bool fv_plan_trains(const fv_plan *p, const plan_node *n);
/* Are gradients used up right after their node's backward pass, by its update or by gathering? */
bool fv_plan_spends_early(const fv_plan *p);
void fv_plan_spend(fv_plan *p, const plan_node *n, fv_err *err);
/* The steps behind the backward pass. */
void fv_plan_update_all(fv_plan *p, fv_err *err);
/* Once there is memory: what states begin with. */
void fv_plan_begin_states(fv_plan *p);
/* A step as an op's lowering appends one. */
void fv_plan_step(fv_plan *p, int node, const fv_slot *slot, const void *problem, size_t bytes, int nout, int nargs,
                  const int *arg, fv_err *err);
/* Puts a complete step behind the others. */
void fv_plan_append(fv_plan *p, const plan_step *s, fv_err *err);
/* memory.c: offsets by liveness, then the blocks themselves. */
fv_status fv_plan_memory(fv_plan *p, fv_err *err);
/* So many bytes of scratch for each thread from now on, which the variants that are timed may want. */
fv_status fv_plan_scratch(fv_plan *p, size_t bytes, fv_err *err);
/* pack.c: where the weights operand of a step comes from. */
int fv_plan_packed(fv_plan *p, const plan_node *n, int node, int param, const fv_packing *packing, const void *problem,
                   fv_err *err);
int fv_plan_folded_bias(fv_plan *p, int node, fv_err *err);
/* Where weights lie in their file: gives the steps copies of what they read as published, so that nothing else stays. */
fv_status fv_plan_fetch(fv_plan *p, fv_err *err);
fv_status fv_plan_pack(fv_plan *p, fv_err *err);

#endif
