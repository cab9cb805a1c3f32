/* mask_cpuid.c -- to be preloaded: this process sees a CPU without AVX-512 and AMX, whatever its libraries ask. The kernel
 * makes CPUID fault (arch_prctl ARCH_SET_CPUID, CPUs with the flag cpuid_fault); the handler answers with the CPU's own
 * words, less the bits of these instructions (Intel SDM, volume 2A, CPUID leaf 07H). Threads inherit it; programs that
 * this one starts load it anew. Ends the process with 97 where the kernel or the CPU cannot.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { CANNOT = 97 };

/* Of leaf 7: {subleaf, bits that are taken out of EAX, EBX, ECX, EDX}. */
static const struct {
    uint32_t subleaf, out[4];
} masks[] = {
    { 0,
      { 0, 1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31,
        1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14,
        1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25 } },
    { 1, { 1u << 5 | 1u << 21, 0, 0, 1u << 8 | 1u << 19 } },
};

static long set_cpuid(unsigned long allowed)
{
    return syscall(SYS_arch_prctl, ARCH_SET_CPUID, allowed);
}

static void answer(int sig, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *at = (const uint8_t *)r[REG_RIP];
    (void)info;
    if (at[0] != 0x0f || at[1] != 0xa2) { /* another fault: let it end the process */
        signal(sig, SIG_DFL);
        return;
    }
    const uint32_t leaf = (uint32_t)r[REG_RAX], subleaf = (uint32_t)r[REG_RCX];
    uint32_t v[4];
    set_cpuid(1);
    __cpuid_count(leaf, subleaf, v[0], v[1], v[2], v[3]);
    set_cpuid(0);
    for (unsigned m = 0; leaf == 7 && m < sizeof masks / sizeof *masks; m++)
        for (int i = 0; i < 4 && masks[m].subleaf == subleaf; i++) v[i] &= ~masks[m].out[i];
    r[REG_RAX] = v[0], r[REG_RBX] = v[1], r[REG_RCX] = v[2], r[REG_RDX] = v[3];
    r[REG_RIP] += 2;
}

__attribute__((constructor)) static void begin(void)
{
    const struct sigaction act = { .sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER };
    if (sigaction(SIGSEGV, &act, NULL) || set_cpuid(0)) _exit(CANNOT);
}
