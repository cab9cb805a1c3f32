/* train_steps.c -- one's own training loop on arrays in memory: train_steps MODEL_FILE
 * The task: is the upper or the lower half of a noisy picture the brighter one?
 * SPDX-License-Identifier: Apache-2.0 */
#include <fovea.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

enum { SIZE = 32, BATCH = 16, STEPS = 60, CLASSES = 2, FLOATS = SIZE * SIZE * 3 };

static float noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / (1 << 24) - 0.5f;
}

static void make_batch(uint32_t *state, float *images, int *labels)
{
    for (int i = 0; i < BATCH; i++) {
        labels[i] = noise(state) > 0;
        for (int p = 0; p < FLOATS; p++)
            images[i * FLOATS + p] = noise(state) + ((p < FLOATS / 2) == (labels[i] == 0) ? 0.5f : 0.0f);
    }
}

int main(int argc, char **argv)
{
    static float images[BATCH * FLOATS];
    static int labels[BATCH];
    fv_err err = { FV_OK, "" };
    fv_net *net = NULL;
    fv_plan *plan = NULL;
    uint32_t state = 1;
    double first = 0, last = 0;
    const fv_net_opts opts = { .size = SIZE, .classes = CLASSES, .seed = 3 };
    const fv_plan_opts train = { .mode = FV_TRAIN, .batch = BATCH, .wd = 1e-4, .smoothing = 0.1 };
    fv_status s = fv_net_open(&net, "resnet20", &opts, NULL, &err);
    if (s == FV_OK) s = fv_plan_new(&plan, net, &train, &err);
    for (int step = 0; step < STEPS && s == FV_OK; step++) {
        make_batch(&state, images, labels);
        const double lr = 0.02 * 0.5 * (1 + cos(3.14159265 * step / STEPS));
        const fv_update u = { .n = BATCH,
                              .images = images,
                              .labels = labels,
                              .lr = lr,
                              .momentum = 0.9,
                              .nesterov = true,
                              .seed = 3,
                              .step = (uint64_t)step };
        last = fv_run_train(plan, &u);
        if (step == 0) first = last;
        if (step % 20 == 0) printf("step %d: loss %.4f\n", step, last);
    }
    if (s == FV_OK && argc > 1) s = fv_net_save(net, argv[1], &err);
    if (s == FV_OK)
        printf("the loss went from %.4f to %.4f: %s\n", first, last, last < first ? "learned" : "not learned");
    else fprintf(stderr, "train_steps: %s\n", err.msg);
    fv_plan_free(plan);
    fv_net_free(net);
    return fv_status_exit(s);
}
