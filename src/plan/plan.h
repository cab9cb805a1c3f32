/* plan.h -- the array of steps that one run goes through, and where everything lies in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_PLAN_H
#define FV_PLAN_H
#include "base/threads.h"
#include "graph/net.h"

/* How the update treats a parameter. */
typedef struct fv_param_rule {
    double rate; /* a factor of the learning rate; 0: it is frozen, and so are the statistics of a norm all of whose
                  * parameters are */
    double wd;
} fv_param_rule;

/* What is asked of a plan. Inference: all flags off: batch-norm is folded. Training: train, backward, update, loss.
 * Gradients from a given gradient of the output, no update (tests, attribution): train, backward. */
typedef struct fv_plan_request {
    int batch, h, w; /* all set */
    bool train;      /* batch statistics, dropout */
    bool backward;
    bool update; /* by the optimiser, after the backward pass */
    bool input_grad;
    bool loss; /* appends one to the net's output: the plan's output is then the loss of each image, and it has a second
                * input "target", 1 x 1 x classes */
    fv_loss loss_kind;
    float smoothing, bce_target_thresh; /* of that loss */
    bool f64;                           /* references in double: tests */
    bool exact;                         /* no rewrites: each node on its own */
    bool grad_checkpointing;            /* as fv_plan_opts says */
    bool poison;                        /* fills what backward may not use with NaN: tests */
    fv_optimiser opt;
    double opt_eps, alpha, betas[2]; /* 0: as fv_plan_opts says */
    double wd, clip, ema;
    const fv_param_rule *rule; /* of each parameter of the graph, for the call; NULL: rate 1, wd where it is a weight */
    bool gather;
    bool set_drop; /* all dropouts drop with this chance: */
    double drop;
    const char *const *keep; /* values that stay as they are computed, in memory of their own, and in a backward plan */
    int nkeep;               /* their gradients */
    bool values_only;        /* gradients of values, not of parameters */
    fv_threads *pool;        /* borrowed; NULL: the plan makes its own */
    int threads;             /* of its own */
    unsigned cpu;            /* FV_HAS_ bits */
    int order;               /* of images, among fv_order_variant */
} fv_plan_request;

/* Ways to decide which steps take the batch image by image (segments.c). They change no bit. */
enum fv_order_variant { FV_ORDER_MODEL, FV_ORDER_WHOLE, FV_ORDER_BY_IMAGE, FV_ORDER_WEIGHTS_STAY, FV_ORDERS };

fv_status fv_plan_make(fv_plan **plan, fv_net *net, const fv_plan_request *rq, fv_err *err);
/* Buffers of the plan, floats (doubles in an f64 plan), `batch` images long: the input named `name`, the output, their
 * gradients (NULL where the plan has none), a parameter's gradient. */
void *fv_plan_input(const fv_plan *p, const char *name);
void *fv_plan_output(const fv_plan *p);
void *fv_plan_logits(const fv_plan *p); /* of the net, also where the output is the loss */
void *fv_plan_doutput(const fv_plan *p);
void *fv_plan_dinput(const fv_plan *p, const char *name);
void *fv_plan_dparam(const fv_plan *p, int param);
void *fv_plan_weights(const fv_plan *p, int param); /* the net's own floats; doubles of its own in an f64 plan */
void *fv_plan_state_of(const fv_plan *p, int k, int param); /* as fv_plan_state */
/* Exchanges the net's weights and their averages, in a plan that has some. */
void fv_plan_swap_ema(fv_plan *p);
const char *fv_optimiser_name(fv_optimiser opt); /* "sgd"; NULL: no such row */
fv_run_info *fv_plan_run_info(fv_plan *p);
/* Runs all steps on n images whose inputs stand in the plan's buffers. */
void fv_plan_run(fv_plan *p, int n);

#endif
