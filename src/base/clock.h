/* clock.h -- the clocks: how long something took, and what time it is.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_CLOCK_H
#define FV_CLOCK_H

double fv_clock(void); /* seconds since some moment; steady, whatever happens to the date */
double fv_date(void);  /* seconds since 1970: only to be told, never reckoned with */

#endif
