/* statistics.h -- mean and deviation of the training pictures.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_STATISTICS_H
#define FV_STATISTICS_H
#include "data/source.h"

/* Sets prep's mean and std from up to 10,000 pictures spread evenly over the set, of prep's channels. The sums are
 * exact, so the same set always gives the same figures. Leaves prep where no picture can be read or all are one grey. */
void fv_picture_statistics(const fv_data *d, fv_prep *prep);

#endif
