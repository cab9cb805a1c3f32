/* traits.h -- what a picture's header tells that its decoded pixels no longer do.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_TRAITS_H
#define FV_TRAITS_H
#include "base/bytes.h"

typedef struct fv_traits {
    bool cmyk; /* a JPEG of four components */
    bool deep; /* more than 8 bits per channel: PNG, PGM, PPM */
} fv_traits;
fv_traits fv_image_traits(fv_bytes file); /* of any bytes */

#endif
