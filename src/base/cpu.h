/* cpu.h -- what this CPU and kernel let us use. #if on the CPU stands here and in the build only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_CPU_H
#define FV_CPU_H
#include <fovea.h>

/* Feature bits a kernel row asks for. */
enum {
    FV_HAS_AVX2 = 1 << 0,   /* with FMA */
    FV_HAS_AVX512 = 1 << 1, /* F, BW, DQ, VL */
    FV_HAS_AMX = 1 << 2,    /* tiles, bf16, int8, and the kernel's permission */
    FV_HAS_NEON = 1 << 3,
    FV_MAY_WINOGRAD = 1 << 4 /* no feature but a leave, which plans of exact sums take away */
};
/* The bits of this machine, capped at `level` (FV_CPU_BEST: no cap). Asks the kernel for the AMX permission where the
 * cap allows it. */
unsigned fv_cpu_features(fv_cpu level);
/* The same for a host: its cap, and no Winograd where it wants exact sums or little memory. */
unsigned fv_env_features(const fv_env *env);
/* The CPU's own name for itself, or what little is known; cut at cap bytes. */
void fv_cpu_model(char *name, size_t cap);
/* Tells the CPU that this is a loop that waits. */
void fv_cpu_relax(void);
/* Cores that the CPU quota of this process's cgroup (v2 cpu.max, v1 cfs quota; its parents' too) allows, rounded up;
 * 0: no quota. Files are looked for under `root`, which is "" but in tests. */
int fv_cgroup_cores(const char *root);

#endif
