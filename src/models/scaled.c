/* scaled.c -- the widths of scaled networks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"

int fv_scaled_channels(int channels, double width)
{
    const double exact = channels * width;
    int c = (int)(exact + 4) / 8 * 8;
    if (c < 8) c = 8;
    return c < 0.9 * exact ? c + 8 : c;
}
