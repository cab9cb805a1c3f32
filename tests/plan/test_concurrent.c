/* test_concurrent.c -- plans of several threads of one process: each with a pool of its own, of one net or of several, with
 * one wisdom file; all get the bits that one plan alone gets. Also run under ThreadSanitizer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "level.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { HOSTS = 4, ROUNDS = 3, SIZE = 32, CLASSES = 10, BATCH = 3, PIXELS = BATCH * SIZE * SIZE * 3 };

typedef struct host {
    fv_net *net; /* shared, or NULL: its own */
    fv_env env;
    const float *images;
    float logits[BATCH * CLASSES];
    fv_status status;
    fv_err err;
} host;

static const fv_net_opts opts = { .seed = 5 };

/* Makes a plan, runs it, frees it, some times over: what one thread of a server does. */
static void *live(void *arg)
{
    host *h = arg;
    fv_net *net = h->net;
    if (!net) h->status = fv_net_open(&net, "resnet20", &opts, &h->env, &h->err);
    for (int i = 0; i < ROUNDS && h->status == FV_OK; i++) {
        fv_plan *plan = NULL;
        h->status = fv_plan_new(&plan, net, &(fv_plan_opts){ .batch = BATCH, .threads = 2 }, &h->err);
        if (h->status != FV_OK) break;
        fv_run(plan, BATCH, h->images, h->logits);
        fv_run(plan, BATCH, h->images, h->logits);
        fv_plan_free(plan);
    }
    if (!h->net) fv_net_free(net);
    return NULL;
}

static float *noise(void)
{
    float *x = malloc(PIXELS * sizeof *x);
    assert_non_null(x);
    for (uint32_t i = 0; i < PIXELS; i++) x[i] = (float)(i * 2654435761u >> 16) / 32768 - 1;
    return x;
}

static void together(fv_net *net, const fv_env *env)
{
    float *x = noise();
    host alone = { .env = { .cpu = test_level() }, .images = x }, all[HOSTS];
    pthread_t id[HOSTS];
    live(&alone);
    assert_int_equal(alone.status, FV_OK);
    for (int i = 0; i < HOSTS; i++) {
        all[i] = (host){ .net = net, .env = *env, .images = x };
        assert_int_equal(pthread_create(&id[i], NULL, live, &all[i]), 0);
    }
    for (int i = 0; i < HOSTS; i++) pthread_join(id[i], NULL);
    for (int i = 0; i < HOSTS; i++) {
        if (all[i].status != FV_OK) fail_msg("%s", all[i].err.msg);
        assert_memory_equal(alone.logits, all[i].logits, sizeof alone.logits);
    }
    free(x);
}

static void test_threads_share_a_net(void **state)
{
    (void)state;
    const fv_env env = { .cpu = test_level() };
    fv_net *net = NULL;
    assert_int_equal(fv_net_open(&net, "resnet20", &opts, &env, NULL), FV_OK);
    together(net, &env);
    fv_net_free(net);
}

static void test_threads_have_nets_of_their_own(void **state)
{
    (void)state;
    together(NULL, &(fv_env){ .cpu = test_level() });
}

static void test_threads_share_wisdom(void **state)
{
    (void)state;
    const char *folder = getenv("FOVEA_TEST_TMP");
    char path[200];
    snprintf(path, sizeof path, "%s/shared.%ld", folder ? folder : "/tmp", (long)getpid());
    together(NULL, &(fv_env){ .cpu = test_level(), .autotune = true, .wisdom = path });
    together(NULL, &(fv_env){ .cpu = test_level(), .autotune = true, .wisdom = path }); /* what they left is whole */
    assert_int_equal(access(path, R_OK), 0);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_share_a_net),
        cmocka_unit_test(test_threads_have_nets_of_their_own),
        cmocka_unit_test(test_threads_share_wisdom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
