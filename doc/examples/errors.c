/* errors.c -- what goes wrong is a status and one line; memory comes from the host, who may refuse it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fovea.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct budget {
    size_t left;
} budget;

/* A real host would give the bytes back in `release`; here the budget is for all that is ever taken. */
static void *take(void *user, size_t bytes)
{
    budget *b = user;
    if (bytes > b->left) return NULL;
    b->left -= bytes;
    return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

static void give_back(void *user, void *p)
{
    (void)user;
    free(p);
}

static void report(const char *what, fv_status s, const fv_err *err)
{
    printf("%s: %s (exit code %d): %s\n", what, fv_status_text(s), fv_status_exit(s), err->msg);
}

int main(void)
{
    budget b = { 1 << 20 };
    const fv_allocator heap = { take, give_back, &b };
    const fv_env small = { .heap = &heap };
    fv_net *net = NULL;
    fv_err a = { FV_OK, "" }, c = { FV_OK, "" }, d = { FV_OK, "" };
    report("a misspelt name", fv_net_open(&net, "resnet5O", NULL, NULL, &a), &a);
    report("a missing file",
           fv_net_open(&net, "resnet18", &(fv_net_opts){ .weights = "nowhere.safetensors" }, NULL, &c), &c);
    report("too little memory", fv_net_open(&net, "resnet18", NULL, &small, &d), &d);
    return net == NULL ? 0 : 1;
}
