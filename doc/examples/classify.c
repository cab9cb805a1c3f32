/* classify.c -- the most likely classes of pictures: classify MODEL WEIGHTS PICTURE...
 * MODEL: a network's name, or a model file (then WEIGHTS is "-"). Without trained weights the answers mean nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fovea.h>
#include <stdio.h>
#include <stdlib.h>

static int tell(const fv_err *err)
{
    fprintf(stderr, "classify: %s\n", err->msg);
    return fv_status_exit(err->status);
}

static int classify(fv_net *net, char **pictures, int count)
{
    fv_err err = { FV_OK, "" };
    fv_net_info info;
    fv_plan *plan = NULL;
    fv_net_describe(net, &info);
    if (fv_plan_new(&plan, net, NULL, &err) != FV_OK) return tell(&err);
    float *input = malloc(sizeof *input * (size_t)info.prep.h * (size_t)info.prep.w * (size_t)info.prep.channels);
    float *logits = malloc(sizeof *logits * (size_t)info.classes);
    int code = input && logits ? 0 : fv_status_exit(FV_NOMEM);
    for (int i = 0; i < count && code == 0; i++) {
        fv_top top[3];
        if (fv_load_image(pictures[i], &info.prep, input, NULL, &err) != FV_OK) {
            code = tell(&err);
            break;
        }
        fv_run(plan, 1, input, logits);
        const int n = fv_topk(net, logits, 3, top);
        for (int k = 0; k < n; k++)
            printf("%s: class %d %s, p %.4f\n", pictures[i], top[k].index, top[k].label ? top[k].label : "", top[k].p);
    }
    free(input);
    free(logits);
    fv_plan_free(plan);
    return code;
}

int main(int argc, char **argv)
{
    fv_err err = { FV_OK, "" };
    fv_net *net = NULL;
    fv_net_opts opts = { 0 };
    if (argc < 4) {
        fprintf(stderr, "usage: classify MODEL WEIGHTS|- PICTURE...\n");
        return 2;
    }
    if (argv[2][0] != '-') opts.weights = argv[2];
    if (fv_net_open(&net, argv[1], &opts, NULL, &err) != FV_OK) return tell(&err);
    const int code = classify(net, argv + 3, argc - 3);
    fv_net_free(net);
    return code;
}
