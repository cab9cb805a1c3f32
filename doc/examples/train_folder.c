/* train_folder.c -- a whole training by one call, watched: train_folder DATA OUTPUT
 * SPDX-License-Identifier: Apache-2.0 */
#include <fovea.h>
#include <stdio.h>

static fv_train_wish watch(void *user, const fv_train_event *e)
{
    FILE *to = user;
    if (e->kind == FV_TRAIN_BEGIN) fprintf(to, "%s\n", e->text);
    if (e->kind == FV_TRAIN_EPOCH)
        fprintf(to, "epoch %d of %d: loss %.3f, top-1 %.1f %%\n", e->row->epoch, e->epochs, e->row->train_loss,
                e->row->top1);
    return FV_TRAIN_GO; /* FV_TRAIN_STOP would save and return FV_STOPPED: to be resumed */
}

int main(int argc, char **argv)
{
    fv_err err = { FV_OK, "" };
    fv_train_result result;
    fv_train_opts opts;
    if (argc != 3) {
        fprintf(stderr, "usage: train_folder DATA OUTPUT\n");
        return 2;
    }
    fv_train_defaults(&opts);
    opts.data = argv[1];
    opts.output = argv[2];
    opts.model = "resnet20";
    opts.size = 32;
    opts.epochs = 2;
    opts.batch = 4;
    opts.lr = 0.01;
    opts.resume = "auto";
    const fv_status s = fv_train(&result, &opts, watch, stdout, NULL, &err);
    if (s == FV_OK) printf("best top-1 %.1f %% after %lld steps\n", result.best_top1, (long long)result.steps);
    else fprintf(stderr, "train_folder: %s\n", err.msg);
    fv_train_result_free(&result);
    return fv_status_exit(s);
}
