/* bench_start.c -- what a program pays before its first answer, at batch 1: milliseconds of opening a model file, of the plan
 * and of the first image, and the most memory that the process had (VmHWM) beside weights * 1.6 + 40 MB, by default and with
 * low_memory. One process for each; an argument keeps to the networks whose names contain it. Prints a Markdown table.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fovea.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const networks[] = {
    "alexnet",
    "vgg16",
    "googlenet",
    "resnet18",
    "resnet50",
    "resnext50_32x4d",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "shufflenet_v1_g3",
    "shufflenet_v2_x1_0",
    "efficientnet_b0",
    "efficientnet_v2_s",
};
enum { RUNS = 5 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* VmHWM in bytes. */
static double most_memory(void)
{
    char line[200];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %ld", &kib) == 1) break;
    if (f) fclose(f);
    return 1024.0 * (double)kib;
}

/* The child: prints half a line of the table. */
static int start(const char *name, const char *file, bool low)
{
    fv_net *net = NULL;
    fv_plan *plan = NULL;
    fv_err err = { 0 };
    fv_net_info info;
    const fv_env env = { .low_memory = low };
    const double begin = now();
    fv_status s = fv_net_open(&net, name, &(fv_net_opts){ .weights = file, .low_memory = true }, &env, &err);
    const double opened = now();
    if (s == FV_OK) s = fv_plan_new(&plan, net, NULL, &err);
    const double planned = now();
    if (s != FV_OK) {
        fprintf(stderr, "%s: %s\n", name, err.msg);
        return 1;
    }
    fv_net_describe(net, &info);
    float *x = calloc((size_t)info.prep.h * (size_t)info.prep.w * 3, sizeof *x), y[1000], best = 1e9f;
    if (!x || info.classes > 1000) return 1;
    const double ready = now();
    fv_run(plan, 1, x, y);
    const double first = now() - ready;
    for (int i = 0; i < RUNS; i++) {
        const double again = now();
        fv_run(plan, 1, x, y);
        if (now() - again < (double)best) best = (float)(now() - again);
    }
    const double weights = 4.0 * (double)info.params, bound = 1.6 * weights + 40e6, most = most_memory();
    printf("| %s%s | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %s |\n", name, low ? " (low memory)" : "",
           weights / 1e6, opened - begin, planned - opened, first, (double)best, most / 1e6, bound / 1e6,
           most <= bound ? "within" : "above");
    free(x);
    fv_plan_free(plan);
    fv_net_free(net);
    return 0;
}

static int save(const char *name, const char *file)
{
    fv_net *net = NULL;
    fv_err err = { 0 };
    fv_status s = fv_net_open(&net, name, NULL, NULL, &err);
    if (s == FV_OK) s = fv_net_save(net, file, &err);
    if (s != FV_OK) fprintf(stderr, "%s: %s\n", name, err.msg);
    fv_net_free(net);
    return s != FV_OK;
}

/* Runs this program again: "save", "start" or "low". */
static int again(const char *what, const char *name, const char *file)
{
    int status = 1;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "bench_start", what, name, file, (char *)NULL);
        _exit(1);
    }
    return child < 0 || waitpid(child, &status, 0) != child || status != 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "save")) return save(argv[2], argv[3]);
    if (argc == 4) return start(argv[2], argv[3], !strcmp(argv[1], "low"));
    char file[] = "/tmp/fovea-start-XXXXXX.safetensors";
    const int fd = mkstemps(file, (int)strlen(".safetensors"));
    if (fd < 0) return 1;
    close(fd);
    int failed = 0;
    printf("| network | weights MB | open ms | plan ms | first image ms | later ms | most memory MB | 1.6 weights + 40 "
           "MB | |\n"
           "|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        if (argc > 1 && !strstr(networks[i], argv[1])) continue;
        failed |=
            again("save", networks[i], file) || again("start", networks[i], file) || again("low", networks[i], file);
    }
    unlink(file);
    return failed;
}
