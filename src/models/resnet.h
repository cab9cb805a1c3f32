/* resnet.h -- the residual block of ResNet, its wide forms and ResNeXt.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_RESNET_H
#define FV_RESNET_H
#include <fovea.h>

/* ResNeXt, figure 3: one grouped convolution, paths that are added, paths that are concatenated in front of one 1x1. */
typedef enum fv_resnet_form { FV_FORM_C, FV_FORM_A, FV_FORM_B } fv_resnet_form;

typedef struct fv_resnet {
    int depth[4]; /* blocks of each stage; 0: there is none */
    bool bottleneck;
    int paths, width; /* of a bottleneck: ResNeXt's C, and d, the channels of each in the first stage; 1 and 64 */
    fv_resnet_form form;
    bool v1, cifar; /* the stride is the first 1x1's; small pictures */
} fv_resnet;

/* y = relu(F(x) + shortcut(x)); planes: 64 in the first stage, twice as many in each that follows. Parameters stand under
 * the scope of the caller. */
fv_val fv_resnet_block(fv_graph *g, fv_val x, const fv_resnet *c, int planes, int stride);

#endif
