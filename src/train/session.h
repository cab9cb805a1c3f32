/* session.h -- a training run under way: all it has opened, and where it stands.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_SESSION_H
#define FV_SESSION_H
#include "base/threads.h"
#include "data/loader.h"
#include "eval/gallery.h"
#include "data/mix.h"
#include "graph/net.h"
#include "plan/plan.h"
#include "train/checkpoint.h"
#include "train/events.h"
#include "train/schedule.h"

typedef struct fv_session {
    fv_train_opts o; /* effective: no default is left open */
    fv_env env;
    fv_train_watch *watch;
    void *user;
    fv_arena arena;

    fv_data *train, *val;
    bool small; /* all pictures have one small size */
    fv_net *net;
    fv_threads *pool;
    fv_plan *learn, *judge;    /* training and inference; they share the pool and the net */
    const fv_param_rule *rule; /* of each parameter */
    int stage;                 /* whose plan `learn` is */
    fv_prep train_prep;        /* of its pictures */
    fv_augment augment;
    fv_mix mix;
    float *class_weight, *image_weight; /* of each class; of a batch; NULL: all weigh alike */
    fv_loader *train_loader, *val_loader;
    float *targets; /* of a mixed batch; NULL: batches are not mixed */
    float *logits;  /* of a batch */
    float *states;  /* gathered for a checkpoint */
    size_t state_floats;
    bool single_pixel_norm; /* some norm sees one value per picture and channel */
    fv_writer identity;
    uint32_t keys; /* checksum of the state dict's names and shapes */

    fv_schedule schedule;
    int64_t step, epoch_steps, steps; /* done; of an epoch; of the run */
    double loss_sum, best_top1;
    int64_t loss_n, right;
    fv_epoch *epochs; /* finished ones, on the plain heap: the result takes them over */
    size_t nepochs, epoch_cap;
    uint8_t *bad; /* a bit per training picture */
    size_t bad_bytes;
    int64_t nbad;
    bool pending; /* the update under way has gathered gradients */

    fv_gallery *gallery;         /* of the last evaluation */
    fv_metrics metrics;          /* likewise */
    int64_t saved, saved_before; /* steps of the two checkpoints to keep; -1: none */
    int failed_saves;            /* in a row */
    fv_train_wish wish;
    double started, epoch_started; /* clocks: of this process, of this epoch */
    fv_events events;
    int64_t first_step, epoch_images;
} fv_session;

fv_status fv_session_open(fv_session *s, fv_err *err); /* o, env, watch and user are set; opens the rest */
void fv_session_close(fv_session *s);

/* tuning.c: the rule of each parameter. */
fv_status fv_session_rules(fv_session *s, fv_err *err);
/* The classifier as its initialisers have it. */
fv_status fv_session_new_head(fv_session *s, fv_err *err);
/* layer[i]: which layer parameter i belongs to, 0 is the first. Returns how many there are. */
int fv_session_layers(const fv_graph *g, int *layer);

/* classes.c: what the options say of the classes' weights. */
fv_status fv_session_class_weights(fv_session *s, fv_err *err);
/* Of the pictures of a batch, or NULL; a mixed picture has a share of each class's. */
const float *fv_session_weights_of(fv_session *s, const fv_batch *b, const float *targets);

/* stages.c: what a stage of progressive learning trains with; without stages there is one. */
typedef struct fv_stage {
    int size;
    double drop, mixup, cutmix, magnitude; /* drop, magnitude below 0: as network and policy have it */
} fv_stage;
int fv_session_stages(const fv_train_opts *o);
int fv_session_stage_of(const fv_train_opts *o, int64_t epoch); /* from 0 */
fv_stage fv_session_stage_at(const fv_train_opts *o, int size, int stage);
/* Tries the plans of all stages, and stays with that of the first. */
fv_status fv_session_open_stages(fv_session *s, fv_err *err);
fv_status fv_session_enter_stage(fv_session *s, int stage, fv_err *err);

/* Continues from where s->o.resume says; without it, or where "auto" finds nothing, the run starts at step 0. */
fv_status fv_session_resume(fv_session *s, fv_err *err);

/* The folder of results, with its parents. FV_CREATE where nothing can be written there. */
fv_status fv_session_folder(const fv_session *s, fv_err *err);
/* Removes temporary files of runs that were killed in this folder. */
void fv_session_sweep(const fv_session *s);
/* The learning plan's states into s->states, or from there into the plan. */
void fv_session_move_states(fv_session *s, bool out);
fv_status fv_session_write_args(const fv_session *s, fv_err *err);
/* The checkpoint of this step. FV_DIVERGED where a weight is not finite: nothing is written then. */
fv_status fv_session_checkpoint(fv_session *s, fv_err *err);
/* After an evaluation: the best model where this one is better, the last model, results.csv, report.html, a checkpoint. */
fv_status fv_session_results(fv_session *s, bool best, fv_err *err);
/* What a failed save means: nothing twice, FV_IO the third time in a row; a run that diverged or has no
 * memory left always ends. */
fv_status fv_session_saved(fv_session *s, fv_status saved, fv_err *why, fv_err *err);
fv_status fv_session_diverged(const fv_session *s, const char *what, fv_err *err); /* names the last good checkpoint */

#endif
