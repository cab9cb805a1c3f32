/* cpu.c -- CPU features, and the cores that affinity and the cgroup leave us.
 * AMX permission: arch_prctl(2) ARCH_REQ_XCOMP_PERM, Linux Documentation/arch/x86/xstate.rst.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/cpu.h"
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>

static bool has_amx(void)
{
    enum { REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18, TILE_STATE = 3 << 17 };
    const unsigned want = 1u << 22 | 1u << 24 | 1u << 25; /* leaf 7 EDX: bf16, tile, int8 */
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 27)) return false; /* OSXSAVE */
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & want) != want) return false;
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & TILE_STATE) != TILE_STATE) return false;
    return syscall(SYS_arch_prctl, REQ_XCOMP_PERM, TILE_DATA) == 0;
}

unsigned fv_cpu_features(fv_cpu level)
{
    const fv_cpu cap = level == FV_CPU_BEST ? FV_CPU_AMX : level;
    unsigned f = 0;
    __builtin_cpu_init();
    if (cap < FV_CPU_AVX2 || cap > FV_CPU_AMX || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return f;
    f |= FV_HAS_AVX2 | FV_MAY_WINOGRAD;
    if (cap < FV_CPU_AVX512 || !__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return f;
    f |= FV_HAS_AVX512;
    if (cap >= FV_CPU_AMX && has_amx()) f |= FV_HAS_AMX;
    return f;
}

void fv_cpu_relax(void)
{
    __builtin_ia32_pause();
}

static void read_brand(char brand[49])
{
    unsigned word[12] = { 0 };
    for (unsigned i = 0; i < 3; i++)
        __get_cpuid(0x80000002 + i, &word[4 * i], &word[4 * i + 1], &word[4 * i + 2], &word[4 * i + 3]);
    memcpy(brand, word, 48);
}

#elif defined(__aarch64__)

unsigned fv_cpu_features(fv_cpu level)
{
    return level == FV_CPU_BEST || level == FV_CPU_NEON ? FV_HAS_NEON | FV_MAY_WINOGRAD
                                                        : 0; /* part of the base architecture */
}

void fv_cpu_relax(void)
{
    __asm__ volatile("yield");
}

static void read_brand(char brand[49])
{
    (void)brand;
}

#else

unsigned fv_cpu_features(fv_cpu level)
{
    (void)level;
    return 0;
}

void fv_cpu_relax(void)
{
}

static void read_brand(char brand[49])
{
    (void)brand;
}

#endif

unsigned fv_env_features(const fv_env *env)
{
    return fv_cpu_features(env->cpu) & ~(env->exact || env->low_memory ? (unsigned)FV_MAY_WINOGRAD : 0u);
}

fv_cpu fv_cpu_level(void)
{
    const unsigned f = fv_cpu_features(FV_CPU_BEST);
    if (f & FV_HAS_AMX) return FV_CPU_AMX;
    if (f & FV_HAS_AVX512) return FV_CPU_AVX512;
    if (f & FV_HAS_AVX2) return FV_CPU_AVX2;
    return f & FV_HAS_NEON ? FV_CPU_NEON : FV_CPU_REF;
}

const char *fv_cpu_name(fv_cpu cpu)
{
    static const char *const name[FV_CPU_COUNT] = { [FV_CPU_REF] = "ref",
                                                    [FV_CPU_AVX2] = "avx2",
                                                    [FV_CPU_AVX512] = "avx512",
                                                    [FV_CPU_AMX] = "amx",
                                                    [FV_CPU_NEON] = "neon" };
    if (cpu == FV_CPU_BEST) cpu = fv_cpu_level();
    return (unsigned)cpu < FV_CPU_COUNT ? name[cpu] : "unknown";
}

/* The first bytes of root/path as a string; false where there is no such file. */
static bool read_text(const char *root, const char *path, char *text, size_t cap)
{
    char full[2 * PATH_MAX];
    const int len = snprintf(full, sizeof full, "%s%s", root, path);
    if (len < 0 || (size_t)len >= sizeof full) return false;
    const int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    size_t got = 0;
    ssize_t n;
    while (got < cap - 1 && (n = read(fd, text + got, cap - 1 - got)) > 0) got += (size_t)n;
    close(fd);
    text[got] = 0;
    return got > 0;
}

void fv_cpu_model(char *name, size_t cap)
{
    char brand[49] = "";
    read_brand(brand);
    if (!brand[0]) read_text("", "/sys/devices/system/cpu/cpu0/regs/identification/midr_el1", brand, sizeof brand);
    if (!brand[0]) memcpy(brand, "unknown", sizeof "unknown");
    brand[strcspn(brand, "\n")] = 0;
    snprintf(name, cap, "%s", brand + strspn(brand, " "));
}

static int cores_of(long long quota, long long period)
{
    if (quota <= 0 || period <= 0) return 0;
    const long long cores = quota / period + (quota % period != 0);
    return cores > INT_MAX ? INT_MAX : (int)cores;
}

/* Quota of one cgroup folder, either version; 0: none. */
static int folder_cores(const char *root, const char *mount, const char *group)
{
    char path[PATH_MAX + 64], text[64], *rest;
    snprintf(path, sizeof path, "%s%s/cpu.max", mount, group);
    if (read_text(root, path, text, sizeof text)) {
        const long long quota = strtoll(text, &rest, 10); /* "max 100000": no quota, and no digits */
        return rest == text ? 0 : cores_of(quota, strtoll(rest, NULL, 10));
    }
    snprintf(path, sizeof path, "%s%s/cpu.cfs_quota_us", mount, group);
    if (!read_text(root, path, text, sizeof text)) return 0;
    const long long quota = strtoll(text, NULL, 10); /* -1: no quota */
    snprintf(path, sizeof path, "%s%s/cpu.cfs_period_us", mount, group);
    return read_text(root, path, text, sizeof text) ? cores_of(quota, strtoll(text, NULL, 10)) : 0;
}

/* A line of /proc/self/cgroup, "hierarchy:controllers:/group"; where its folder is mounted, or NULL where it does not
 * hold the CPU controller. */
static const char *mount_of(const char *line, const char **group)
{
    const char *controllers = strchr(line, ':');
    const char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path) return NULL;
    *group = path + 1;
    const size_t len = (size_t)(path - controllers - 1);
    if (len == 0) return "/sys/fs/cgroup";
    if ((len == 3 && memcmp(controllers + 1, "cpu", 3) == 0) || (len >= 4 && memcmp(controllers + 1, "cpu,", 4) == 0) ||
        (len >= 4 && memcmp(path - 4, ",cpu", 4) == 0))
        return "/sys/fs/cgroup/cpu";
    return NULL;
}

int fv_cgroup_cores(const char *root)
{
    char text[8192];
    int least = 0;
    if (!read_text(root, "/proc/self/cgroup", text, sizeof text)) return 0;
    for (char *line = text, *next; line; line = next) {
        const char *group = NULL;
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        const char *mount = mount_of(line, &group);
        if (!mount) continue;
        /* Up to the root: in a container the group may be named as the host sees it, and lie at the mount itself. */
        char name[PATH_MAX];
        snprintf(name, sizeof name, "%s", group);
        for (char *slash = name;; *slash = 0) {
            const int cores = folder_cores(root, mount, name);
            if (cores > 0 && (least == 0 || cores < least)) least = cores;
            slash = strrchr(name, '/');
            if (!slash) break;
        }
    }
    return least;
}

int fv_cores(void)
{
    unsigned long mask[8192 / (8 * sizeof(unsigned long))]; /* more CPUs than a cpu_set_t holds */
    memset(mask, 0, sizeof mask);
    int cores = 0;
    if (sched_getaffinity(0, sizeof mask, (cpu_set_t *)mask) == 0) cores = CPU_COUNT_S(sizeof mask, (cpu_set_t *)mask);
    if (cores < 1) cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    const int quota = fv_cgroup_cores("");
    if (quota > 0 && quota < cores) cores = quota;
    return cores < 1 ? 1 : cores;
}
