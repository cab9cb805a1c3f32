/* inverted.h -- the inverted residual block of MobileNetV2, V3, MnasNet and EfficientNet, in the spellings of its
 * tensors' names that published weights have.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_INVERTED_H
#define FV_INVERTED_H
#include <fovea.h>

typedef enum fv_spelling {
    FV_SPELL_TORCHVISION, /* block.0.0, block.0.1, block.1.0, ...: parts counted as they are present */
    FV_SPELL_TIMM,        /* conv_pw, bn1, conv_dw, bn2, se.conv_reduce, se.conv_expand, conv_pwl, bn3 */
    FV_SPELL_MNASNET      /* layers.0, layers.1, layers.3, layers.4, ...: torchvision's; activations count, too */
} fv_spelling;

typedef struct fv_inverted {
    int wide, out;  /* channels between, and behind; wide as many as come in: no expansion */
    int k, stride;  /* of the convolution in between */
    int squeezed;   /* channels of squeeze and excitation; 0: there is none */
    fv_act act;     /* behind expansion and convolution, */
    fv_act squeeze; /* the squeeze, */
    fv_act gate;    /* the excitation */
    bool fused;     /* expansion and convolution are one, */
    bool two;       /* and the projection stands behind it also where nothing is expanded */
    fv_bn bn;
    bool same;  /* TensorFlow's padding */
    bool drops; /* the paper has stochastic depth, */
    float drop; /* with this chance */
    fv_spelling spelling;
} fv_inverted;

/* Convolution (a size k above 1 pads by k / 2, or as TensorFlow does), batch norm, activation. */
fv_val fv_conv_bn(fv_graph *g, fv_val x, const char *conv, const char *norm, fv_conv p, fv_bn bn, fv_act act);
/* Expand, filter each channel, weigh the channels, project; the shortcut joins equal shapes. */
fv_val fv_inverted_residual(fv_graph *g, fv_val x, const fv_inverted *b);

#endif
