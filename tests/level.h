/* level.h -- the instruction set a test runs at: FOVEA_CPU, as the command reads it; else the best there is.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_TEST_LEVEL_H
#define FV_TEST_LEVEL_H
#include <fovea.h>
#include <stdlib.h>
#include <string.h>

static inline fv_cpu test_level(void)
{
    const char *wanted = getenv("FOVEA_CPU");
    for (int c = FV_CPU_REF; wanted && c < FV_CPU_COUNT; c++)
        if (strcmp(wanted, fv_cpu_name((fv_cpu)c)) == 0) return (fv_cpu)c;
    return FV_CPU_BEST;
}

#endif
