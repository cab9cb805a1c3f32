/* features.c -- what a network computes on the way: a layer's values by name, and the gradient of a class to them, from
 * which a class-activation map is made (Selvaraju et al. 2017, eq. 1 and 2).
 * SPDX-License-Identifier: Apache-2.0 */
#include <fovea.h>
#include <stdio.h>

enum { SIZE = 64, CLASSES = 1000, CLASS = 5 };

int main(void)
{
    static float image[SIZE * SIZE * 3], dlogits[CLASSES];
    static const char *const keep[] = { "layer4" };
    fv_err err = { FV_OK, "" };
    fv_net *net = NULL;
    fv_plan *plan = NULL;
    const fv_net_opts net_opts = { .size = SIZE, .seed = 1 };
    const fv_plan_opts plan_opts = { .keep = keep, .nkeep = 1, .gradients = true };
    if (fv_net_open(&net, "resnet18", &net_opts, NULL, &err) != FV_OK ||
        fv_plan_new(&plan, net, &plan_opts, &err) != FV_OK) {
        fprintf(stderr, "features: %s\n", err.msg);
        fv_net_free(net);
        return fv_status_exit(err.status);
    }
    for (int i = 0; i < SIZE * SIZE * 3; i++) image[i] = (float)(i % 255) / 127.0f - 1.0f;
    dlogits[CLASS] = 1;
    fv_run_backward(plan, 1, image, dlogits);

    fv_shape s;
    const float *value = fv_plan_value(plan, keep[0], &s), *slope = fv_plan_gradient(plan, keep[0], NULL);
    printf("%s: %d x %d x %d\n", keep[0], s.h, s.w, s.c);
    for (int p = 0; p < s.h * s.w; p++) {
        double map = 0;
        for (int c = 0; c < s.c; c++) {
            double weight = 0;
            for (int q = 0; q < s.h * s.w; q++) weight += (double)slope[q * s.c + c] / (s.h * s.w);
            map += weight * (double)value[p * s.c + c];
        }
        printf("%8.4f%c", map > 0 ? map : 0, p % s.w == s.w - 1 ? '\n' : ' ');
    }
    fv_plan_free(plan);
    fv_net_free(net);
    return 0;
}
