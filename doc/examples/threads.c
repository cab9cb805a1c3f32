/* threads.c -- a server's way: one network, a plan for each thread, runs at the same time. The answers are the same bits as
 * those of one plan that does all pictures in a batch.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fovea.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { WORKERS = 2, PICTURES = 8, SIZE = 32, CLASSES = 10, FLOATS = SIZE * SIZE * 3 };
static const char *const MODEL = "mobilenet_v2_035";

typedef struct worker {
    fv_plan *plan;
    const float *images;
    float *logits;
    int first;
} worker;

static void *serve(void *user)
{
    const worker *w = user;
    for (int i = w->first; i < PICTURES; i += WORKERS)
        fv_run(w->plan, 1, w->images + (size_t)i * FLOATS, w->logits + (size_t)i * CLASSES);
    return NULL;
}

int main(void)
{
    static float images[PICTURES * FLOATS], one[PICTURES * CLASSES], many[PICTURES * CLASSES];
    fv_err err = { FV_OK, "" };
    fv_net *net = NULL;
    fv_plan *batch = NULL;
    worker w[WORKERS] = { { 0 } };
    pthread_t thread[WORKERS];
    const fv_net_opts opts = { .size = SIZE, .classes = CLASSES, .stem = FV_STEM_CIFAR, .seed = 7 };
    for (int i = 0; i < PICTURES * FLOATS; i++) images[i] = (float)((i * 7919) % 509) / 254.0f - 1.0f;
    fv_status s = fv_net_open(&net, MODEL, &opts, NULL, &err);
    if (s == FV_OK) s = fv_plan_new(&batch, net, &(fv_plan_opts){ .batch = PICTURES }, &err);
    for (int i = 0; i < WORKERS && s == FV_OK; i++) {
        w[i] = (worker){ .images = images, .logits = many, .first = i };
        s = fv_plan_new(&w[i].plan, net, &(fv_plan_opts){ .threads = 1 }, &err);
    }
    if (s == FV_OK) {
        int started = 0;
        fv_run(batch, PICTURES, images, one);
        while (started < WORKERS && !pthread_create(&thread[started], NULL, serve, &w[started])) started++;
        for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
        printf("%s\n", memcmp(one, many, sizeof one) ? "the answers differ" : "the same answers, bit for bit");
    } else {
        fprintf(stderr, "threads: %s\n", err.msg);
    }
    for (int i = 0; i < WORKERS; i++) fv_plan_free(w[i].plan);
    fv_plan_free(batch);
    fv_net_free(net);
    return fv_status_exit(s);
}
