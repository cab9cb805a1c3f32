/* clock.c -- the clocks of the system.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include <time.h>

static double ask(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double fv_clock(void)
{
    return ask(CLOCK_MONOTONIC);
}

double fv_date(void)
{
    return ask(CLOCK_REALTIME);
}
