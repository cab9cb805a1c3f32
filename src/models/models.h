/* models.h -- the families of networks: models.def names each, and each has its table of rows in a file of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_MODELS_H
#define FV_MODELS_H
#include <fovea.h>

/* fv_models_<family>: rows, the last one with a NULL name. */
#define FV_FAMILY(family) extern const fv_model fv_models_##family[];
#include "models/models.def"
#undef FV_FAMILY

/* The channels of a layer in a network scaled by `width`: the nearest multiple of 8, but not less than 90 % of the
 * product. The rule of the MobileNets and of EfficientNet; written down first in TensorFlow Slim (_make_divisible). */
int fv_scaled_channels(int channels, double width);

#endif
