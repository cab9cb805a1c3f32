/* lab.h -- what a study works with: small networks, plans, memory and data that the lab owns and frees when the study has
 * ended, and the book in which it writes what it finds. A study returns the first failure of what it asks for (no memory,
 * no data); whether its claim holds is told by its findings alone.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_LAB_H
#define FV_LAB_H
#include "base/alloc.h"
#include "base/status.h"
#include "plan/plan.h"

typedef struct fv_lab fv_lab;
typedef fv_status fv_study_fn(fv_lab *l, fv_err *err);
typedef struct fv_study_row {
    fv_study about;
    fv_study_fn *run;
} fv_study_row;

/* fv_studies_<topic>: rows, the last one with a NULL run. */
#define FV_TOPIC(topic) extern const fv_study_row fv_studies_##topic[];
#include "study/topics.def"
#undef FV_TOPIC

/* ---- the book ---- */

/* A line of the result: `measured` is to be `expected`, give or take. */
void fv_lab_is(fv_lab *l, const char *what, double measured, double expected, double tolerance);
void fv_lab_below(fv_lab *l, const char *what, double measured, double bound); /* measured < bound */
void fv_lab_above(fv_lab *l, const char *what, double measured, double bound);
void fv_lab_tell(fv_lab *l, const char *what, double measured); /* judged by nobody */
/* Text of the lab's, as long as it: for names that are made while running. */
const char *fv_lab_text(fv_lab *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The plot of the page; the points that follow belong to the newest curve. One plot a study. */
typedef struct fv_study_plot {
    const char *title, *x, *y; /* axes, with units */
    bool log_x, log_y;
} fv_study_plot;
void fv_lab_plot(fv_lab *l, fv_study_plot plot);
/* Bars instead, whose places 1, 2, ... have names; NULL ends them. */
void fv_lab_bars(fv_lab *l, const char *title, const char *y, const char *const *places);
void fv_lab_curve(fv_lab *l, const char *name, bool published); /* published: somebody else's points */
void fv_lab_point(fv_lab *l, double x, double y);

/* Is this the short form, for tests? */
bool fv_lab_small(const fv_lab *l);
/* Tells the host that share `done` (0 to 1) of the study is over; FV_INTERRUPTED where it wants no more. */
fv_status fv_lab_progress(fv_lab *l, double done, fv_err *err);

/* ---- material ---- */

typedef fv_val fv_lab_build(fv_graph *g, fv_val x, const void *arg);
typedef struct fv_lab_cost {
    int64_t params, macs, weights; /* weights: of convolutions and linear layers, without biases and norms */
    int field;                     /* receptive field of the output, pixels */
    fv_shape out;
} fv_lab_cost;
/* A network of an input of h x w x c, with weights from the study's seed. */
fv_status fv_lab_net(fv_lab *l, fv_net **net, fv_shape in, fv_lab_build *build, const void *arg, fv_err *err);
/* What it would take: the graph is counted. */
fv_status fv_lab_count(fv_lab *l, fv_lab_cost *cost, fv_shape in, fv_lab_build *build, const void *arg, fv_err *err);
/* The graph of a network of the zoo, without weights; size 0: its row's. */
fv_status fv_lab_zoo(fv_lab *l, fv_graph **g, const char *name, int size, fv_err *err);
/* Receptive field of a value. */
int fv_lab_field(const fv_graph *g, int value);
int64_t fv_lab_node_macs(const fv_graph *g, const fv_node *n);
int fv_lab_find(const fv_graph *g, const char *name); /* the last node of that name; -1: none */

/* A plan for `batch` images of the net's own size; rq: what else is asked, zero fields filled in. With rq.threads it has
 * threads of its own, else the lab's. */
fv_status fv_lab_plan(fv_lab *l, fv_plan **plan, fv_net *net, int batch, fv_plan_request rq, fv_err *err);
/* Runs n images, `floats` of input in all; the output's floats. The backward form needs a plan with `backward`, and gives
 * the gradient of sum(dy * output) on the input where the plan has input_grad, else NULL; those of parameters follow. */
const float *fv_lab_forward(fv_plan *plan, int n, const float *x, size_t floats);
const float *fv_lab_backward(fv_plan *plan, int n, const float *x, size_t floats, const float *dy, size_t outs);
const float *fv_lab_gradient(fv_plan *plan, const fv_net *net, const char *key, size_t *count);

fv_status fv_lab_floats(fv_lab *l, float **p, size_t n, fv_err *err); /* zeros */
fv_status fv_lab_noise(fv_lab *l, float **p, size_t n, uint64_t seed, fv_err *err);
void fv_lab_fill(fv_net *net, const char *key, float value);
void fv_lab_copy(fv_net *to, const char *to_key, fv_net *from, const char *from_key);
/* Largest |a - b| over the largest |b|, which is a relative error; infinite where one is not finite. */
double fv_lab_gap(const float *a, const float *b, size_t n);
const fv_env *fv_lab_env(const fv_lab *l);

/* ---- data and training ---- */

/* Pictures in memory, grey, side x side, normalised, with their labels; the order is the data set's, classes mixed. */
typedef struct fv_lab_set {
    int side, classes, n, ntest;
    const float *x, *xtest;
    const int *y, *ytest;
} fv_lab_set;
/* FV_NOINPUT where the data are not there: the study is then told as not run, and how to get them. */
fv_status fv_lab_data(fv_lab *l, fv_lab_set *set, int side, int n, int ntest, fv_err *err);

typedef struct fv_lab_epoch {
    double loss, train_error, test_error; /* shares; train_error of the answers while it learned */
} fv_lab_epoch;
typedef struct fv_lab_recipe {
    int epochs, batch;
    double lr, wd; /* SGD with momentum 0.9; cosine to zero where `cosine` */
    bool cosine;
    int shift;       /* augmentation: moves by up to so many pixels, and mirrors */
    double from, to; /* of the study's progress */
    uint64_t seed;
} fv_lab_recipe;
/* Trains the net on the set, and tests it after each epoch: epochs[0 .. recipe->epochs). */
fv_status fv_lab_train(fv_lab *l, fv_net *net, const fv_lab_set *set, const fv_lab_recipe *r, fv_lab_epoch *epochs,
                       fv_err *err);
/* Median seconds of a run of each plan on one image: they take turns, `runs` times after two to warm up. */
fv_status fv_lab_race(fv_lab *l, double *seconds, fv_plan *const *plans, int n, int runs, fv_err *err);

#endif
