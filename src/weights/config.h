/* config.h -- timm's config.json, which lies beside weights as they are shared: network, classes and pre-processing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_CONFIG_H
#define FV_CONFIG_H
#include "base/alloc.h"
#include "base/bytes.h"

/* Zero: not said. Strings are the arena's. */
typedef struct fv_config {
    const char *architecture; /* NULL: the file is not of timm's, and says nothing */
    int classes;
    const char *const *class_names; /* classes of them, or NULL */
    int channels, h, w;
    double crop_pct; /* the input's share of the shorter side, both in pixels */
    fv_filter filter;
    bool has_mean, has_std;
    float mean[3], std[3];
} fv_config;

/* FV_FORMAT where the text is no JSON or a value is malformed, FV_UNSUP for a pre-processing that is not done here. */
fv_status fv_config_read(fv_config *c, fv_bytes text, fv_arena *arena, fv_err *err);

#endif
