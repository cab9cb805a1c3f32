/* plan.h -- the array of steps that one run goes through, and where everything lies in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_PLAN_H
#define FV_PLAN_H
#include "base/threads.h"
#include "graph/net.h"

/* What is asked of a plan. Inference: all flags off: batch-norm is folded. Training: train, backward, update, loss.
 * Gradients from a given gradient of the output, no update (tests, attribution): train, backward. */
typedef struct fv_plan_request {
    int batch, h, w; /* all set */
    bool train;      /* batch statistics, dropout */
    bool backward;
    bool update; /* SGD steps after the backward pass */
    bool input_grad;
    bool loss;       /* appends softmax cross-entropy to the net's output: the plan's output is then the loss of
                              * each image, and it has a second input "target", 1 x 1 x classes */
    float smoothing; /* of that loss */
    bool f64;        /* references in double: tests */
    bool exact;      /* no rewrites: each node on its own */
    bool poison;     /* fills what backward may not use with NaN: tests */
    double wd, clip;
    const char *const *keep; /* values that stay as they are computed, in memory of their own, and in a backward plan */
    int nkeep;               /* their gradients */
    bool values_only;        /* gradients of values, not of parameters */
    fv_threads *pool;        /* borrowed; NULL: the plan makes its own */
    int threads;             /* of its own */
    unsigned cpu;            /* FV_HAS_ bits */
} fv_plan_request;

fv_status fv_plan_make(fv_plan **plan, fv_net *net, const fv_plan_request *rq, fv_err *err);
/* Buffers of the plan, floats (doubles in an f64 plan), `batch` images long: the input named `name`, the output, their
 * gradients (NULL where the plan has none), a parameter's gradient. */
void *fv_plan_input(const fv_plan *p, const char *name);
void *fv_plan_output(const fv_plan *p);
void *fv_plan_logits(const fv_plan *p); /* of the net, also where the output is the loss */
void *fv_plan_doutput(const fv_plan *p);
void *fv_plan_dinput(const fv_plan *p, const char *name);
void *fv_plan_dparam(const fv_plan *p, int param);
void *fv_plan_weights(const fv_plan *p, int param);  /* the net's own floats; doubles of its own in an f64 plan */
void *fv_plan_velocity(const fv_plan *p, int param); /* the optimiser's momentum, kept between runs */
fv_run_info *fv_plan_run_info(fv_plan *p);
/* Runs all steps on n images whose inputs stand in the plan's buffers. */
void fv_plan_run(fv_plan *p, int n);

#endif
