/* explain.c -- the steps of a plan as a table: what runs, by which kernel and why, how long, how near to the peak.
 * SPDX-License-Identifier: Apache-2.0 */
#include "explain.h"
#include <inttypes.h>
#include <string.h>

enum { NAME_WIDTH = 30, KERNEL_WIDTH = 26 };

/* The last characters of a name that is too long say more than the first. */
static void put_name(const char *name)
{
    const int length = (int)strlen(name);
    if (length > NAME_WIDTH) printf("~%-*s", NAME_WIDTH - 1, name + length - (NAME_WIDTH - 1));
    else printf("%-*s", NAME_WIDTH, name);
}

static double rate(const fv_step_info *s, double seconds, int images)
{
    return seconds > 0 ? 2.0 * (double)s->macs * images / seconds : 0;
}

void explain_table(const fv_plan *plan, const double *seconds, double whole, int images, double peak)
{
    double sum = 0;
    fv_step_info s;
    printf("\n%4s  %-*s %-16s %-*s %10s %7s %9s %6s  %s\n", "step", NAME_WIDTH, "layer", "output", KERNEL_WIDTH,
           "kernel", "ms", "%", "GFLOP/s", "% peak", "why this kernel");
    for (int i = 0; fv_plan_step_at(plan, i, &s); i++) {
        char shape[32] = "";
        const char *kernel = strncmp(s.kernel, "fv_", 3) ? s.kernel : s.kernel + 3;
        if (s.name) snprintf(shape, sizeof shape, "%dx%dx%d", s.out.h, s.out.w, s.out.c);
        printf("%4d  ", i + 1);
        put_name(s.name ? s.name : "");
        printf(" %-16s %-*s %10.4f %7.2f", shape, KERNEL_WIDTH, kernel, 1e3 * seconds[i], 100 * seconds[i] / whole);
        if (s.macs > 0)
            printf(" %9.1f %6.1f", 1e-9 * rate(&s, seconds[i], images), 100 * rate(&s, seconds[i], images) / peak);
        else printf(" %9s %6s", "", "");
        printf("  %s\n", s.reason);
        sum += seconds[i];
    }
    printf("sum of the steps %.3f ms, a run %.3f ms\n", 1e3 * sum, 1e3 * whole);
}

void explain_json(cli_json *j, const fv_plan *plan, const double *seconds, int images, double peak)
{
    fv_step_info s;
    json_open(j, "steps", '[');
    for (int i = 0; fv_plan_step_at(plan, i, &s); i++) {
        json_open(j, NULL, '{');
        json_text(j, "layer", s.name);
        json_text(j, "slot", s.slot);
        json_text(j, "kernel", s.kernel);
        json_text(j, "reason", s.reason);
        json_real(j, "ms", 1e3 * seconds[i]);
        json_int(j, "macs", s.macs);
        json_real(j, "peak_fraction", s.macs > 0 ? rate(&s, seconds[i], images) / peak : 0);
        json_close(j, '}');
    }
    json_close(j, ']');
}
