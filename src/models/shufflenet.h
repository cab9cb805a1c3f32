/* shufflenet.h -- what the ShuffleNets with the authors' names of tensors share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_SHUFFLENET_H
#define FV_SHUFFLENET_H
#include <fovea.h>

/* Convolution and batch norm, numbers i and i + 1 of the present scope. Weights start as the authors have them, from
 * N(0, 1/n), n the channels that an output sees; shifts of norms start at 0, where theirs are 0.0001. */
fv_val fv_shuffle_conv_bn(fv_graph *g, fv_val x, int i, fv_conv p);
/* The first 3x3 convolution, named first_conv, and the pooling behind it. The small stem keeps the resolution of small
 * pictures: no stride, no pooling. */
fv_val fv_shuffle_stem(fv_graph *g, fv_val x, int out, fv_act act, bool pool, fv_stem form);
/* The even and the odd channels: ShuffleNetV2's shuffle and split in one. */
void fv_shuffle_halves(fv_graph *g, fv_val x, fv_val half[2]);
/* Squeeze and excitation without a squeeze, its layers named se_fc1 and se_fc2. */
fv_val fv_shuffle_attention(fv_graph *g, fv_val x);
/* The classifier behind the global average, named classifier.0: without a bias. */
fv_val fv_shuffle_classifier(fv_graph *g, fv_val x, float dropout, int classes);

#endif
