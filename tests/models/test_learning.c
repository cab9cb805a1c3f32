/* test_learning.c -- a network of each family, with the small stem, learns a handful of pictures by heart.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "level.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SIDE = 32, PICTURES = 8, CLASSES = 4, STEPS = 16, PIXELS = SIDE * SIDE * 3 };

/* Noise with a brighter channel or none, which is the class. */
static float *pictures(void)
{
    fv_rng r = fv_rng_of(1, 0, 0, FV_RNG_TEST);
    float *x = malloc(sizeof *x * PICTURES * PIXELS);
    for (int i = 0; i < PICTURES * PIXELS; i++)
        x[i] = (float)(fv_rng_normal(&r) + (i % 3 == i / PIXELS % CLASSES ? 1 : 0));
    return x;
}

typedef struct lesson {
    const char *model;
    double lr;
} lesson;

/* Dropout makes the loss of single steps jump: the last quarter's mean is compared with the first step's, which is what
 * a network knows that has seen nothing. */
static void test_loss_falls_by_half(void **state)
{
    const lesson *l = *state;
    fv_net *net = NULL;
    fv_plan *plan = NULL;
    fv_err err = { 0 };
    const fv_net_opts o = { .classes = CLASSES, .size = SIDE, .stem = FV_STEM_CIFAR, .seed = 1 };
    int labels[PICTURES];
    float *x = pictures();
    double first = 0, last = 0;
    for (int i = 0; i < PICTURES; i++) labels[i] = i % CLASSES;
    if (fv_net_open(&net, l->model, &o, &(fv_env){ .cpu = test_level() }, &err) != FV_OK) fail_msg("%s", err.msg);
    if (fv_plan_new(&plan, net, &(fv_plan_opts){ .mode = FV_TRAIN, .batch = PICTURES }, &err) != FV_OK)
        fail_msg("%s", err.msg);
    for (int step = 0; step < STEPS; step++) {
        const fv_update u = {
            .n = PICTURES, .images = x, .labels = labels, .lr = l->lr, .momentum = 0.9, .step = (uint64_t)step
        };
        const double loss = fv_run_train(plan, &u);
        if (step == 0) first = loss;
        if (step >= STEPS - STEPS / 4) last += loss / (STEPS / 4);
    }
    print_message("%s: the loss falls from %.3f to %.3f\n", l->model, first, last);
    assert_true(isfinite(last));
    if (!(last < 0.5 * first)) fail_msg("%s: the loss goes from %.3f to %.3f", l->model, first, last);
    fv_plan_free(plan);
    fv_net_free(net);
    free(x);
}

int main(void)
{
    /* The classifier of EfficientNet starts at U(-b, b), b = 1/sqrt(classes): wide for so few. */
    static lesson lessons[] = {
        { "resnet18", 0.02 }, { "mobilenet_v2_035", 0.02 }, { "shufflenet_v2_x0_5", 0.02 }, { "efficientnet_b0", 0.002 }
    };
    enum { LESSONS = sizeof lessons / sizeof *lessons };
    struct CMUnitTest tests[LESSONS];
    for (int i = 0; i < LESSONS; i++)
        tests[i] = (struct CMUnitTest){ lessons[i].model, test_loss_falls_by_half, NULL, NULL, &lessons[i] };
    return cmocka_run_group_tests_name("learning", tests, NULL, NULL);
}
