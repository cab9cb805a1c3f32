/* clock.c -- the steady clock of the system.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include <time.h>

double fv_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
