/* clock.h -- the one clock: how long something took.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_CLOCK_H
#define FV_CLOCK_H

double fv_clock(void); /* seconds since some moment; steady, whatever happens to the date */

#endif
