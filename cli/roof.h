/* roof.h -- the roofline of a plan's steps: the least time that their products and their bytes take on this machine.
 * Williams, Waterman, Patterson: "Roofline" (2009), with a roof for each size of memory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ROOF_H
#define CLI_ROOF_H
#include <fovea.h>

enum { ROOF_SIZES = 12 }; /* 128 KiB << i */
typedef struct roof {
    int threads;
    fv_cpu cpu;
    int images;              /* of a run */
    double peak;             /* FLOP/s */
    int64_t all;             /* bytes that a run goes through: weights come from as far as that */
    double rate[ROOF_SIZES]; /* bytes/s of blocks of these sizes; 0: not measured yet */
} roof;

typedef struct roof_step {
    double compute, memory; /* seconds of its products, of its bytes */
    double least;           /* the larger of the two */
    double intensity;       /* FLOP per byte, of the multiply-adds as written */
    const char *bound;      /* "compute" or "memory" */
} roof_step;

/* bytes/s of a block of so many bytes; measures it the first time. */
double roof_rate(roof *r, int64_t bytes);
roof_step roof_of(roof *r, const fv_step_info *s);

#endif
