/* policy.h -- which changes of pixel_ops.h a training picture goes through, and how strongly: RandAugment, TrivialAugment,
 * AutoAugment's learnt tables, by the names that timm and torchvision give them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_POLICY_H
#define FV_POLICY_H
#include "base/rng.h"
#include "image/pixel_ops.h"

/* What a text says; zero: none. Plain data. */
typedef struct fv_policy {
    const struct fv_policy_kind *kind; /* NULL: no policy */
    double magnitude;                  /* of "rand", 0 .. 10 unless mmax says more */
    int layers;                        /* changes drawn for a picture */
    double chance;                     /* that a drawn one is made */
    double deviation;                  /* of the magnitude; beyond 100: even from 0 to the magnitude */
    double most;                       /* magnitude's upper end */
    bool increasing;                   /* a larger magnitude always changes more */
} fv_policy;

/* "rand-m9-n2-mstd0.5-inc1-p0.5-mmax10", "trivial", "imagenet", "cifar10" (doc/FORMATS.md); NULL, "" and "none": no policy.
 * FV_ARG for anything else. */
fv_status fv_policy_parse(fv_policy *p, const char *text, fv_err *err);
/* Draws from r and changes the picture; fill: what comes in from outside, where the kind does not want black. */
fv_status fv_policy_run(fv_image *im, const fv_policy *p, const uint8_t fill[3], fv_rng *r, fv_err *err);

#endif
