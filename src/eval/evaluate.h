/* evaluate.h -- one pass over a labelled set through an inference plan that stands already.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_EVALUATE_H
#define FV_EVALUATE_H
#include "data/loader.h"

typedef struct fv_eval_job {
    fv_plan *plan;                                          /* inference, for the loader's batch and picture size */
    fv_loader *loader;                                      /* started anew here, without shuffling */
    const fv_data *data;                                    /* the loader's: names files */
    int classes;                                            /* logits of an image */
    int views;                                              /* of each picture; 0: 1 */
    float *logits;                                          /* batch x views x classes, the caller's */
    double max_bad;                                         /* share of unreadable pictures that is forgiven */
    int topk;                                               /* 0: 5 */
    fv_loss loss;                                           /* of the figures */
    struct fv_gallery *gallery;                             /* NULL, or cleared and filled anew (gallery.h) */
    bool (*go_on)(void *user, int64_t done, int64_t count); /* asked after each batch; may be NULL */
    void *user;
} fv_eval_job;

/* FV_STOPPED where go_on said no; FV_FORMAT where too many pictures are bad (the first is named) or a label has no
 * logit; FV_BUG where a logit is not finite. On failure m holds nothing. */
fv_status fv_evaluate_with(fv_metrics *m, const fv_eval_job *job, fv_err *err);

/* What a row of logits says of a picture whose class is known. */
typedef struct fv_answer {
    int label, predicted; /* the largest logit, of equal ones the first */
    int rank;             /* fv_rank_of the label */
    double p, p_label;    /* softmax probabilities of the two */
    double loss;          /* fv_cross_entropy */
} fv_answer;
fv_answer fv_answer_of(const float *logits, int classes, int label);

/* The bin of a probability. */
int fv_bin_of(double p);
/* ece and mce of m's bins, which hold sums of probabilities so far and then means. */
void fv_calibrate(fv_metrics *m);

/* How many logits beat the label's: larger ones, and equal ones of a lower index. */
int fv_rank_of(const float *logits, int classes, int label);
/* -log softmax(logits)[label]; not finite where a logit is not. */
double fv_cross_entropy(const float *logits, int classes, int label);
/* The mean over the classes of -log sigmoid(z), for the label's logit z, and -log (1 - sigmoid(z)), for the others; not
 * finite where a logit is not. */
double fv_binary_cross_entropy(const float *logits, int classes, int label);

#endif
