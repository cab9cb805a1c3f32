/* test_tune.c -- autotune: whatever is chosen, the bits are the same; what was timed once is not timed again; a wisdom file
 * that is broken or of another version is told in one line and does no harm.
 * SPDX-License-Identifier: Apache-2.0 */
#include "level.h"
#include "plan/tune.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { SIZE = 24, CLASSES = 5, BATCH = 5 };

/* What a host says, and a file for its wisdom. */
typedef struct host {
    fv_env env;
    char path[200];
    int lines;
} host;

static void count_line(void *user, fv_log_level level, const char *text)
{
    host *h = user;
    h->lines += level == FV_LOG_WARN && text[0];
}

static void set_host(host *h, const char *name)
{
    const char *folder = getenv("FOVEA_TEST_TMP");
    *h = (host){ .env = { .cpu = test_level(), .autotune = true, .log = count_line, .threads = 2 } };
    h->env.log_user = h;
    snprintf(h->path, sizeof h->path, "%s/%s.%ld", folder ? folder : "/tmp", name, (long)getpid());
    h->env.wisdom = h->path;
    unlink(h->path);
}

/* Each kind of convolution that has blocks: tiles, depthwise, products of 1 x 1 and 3 x 3, a linear layer. */
static fv_net *small_net(const fv_env *env)
{
    fv_graph *g = NULL;
    fv_net *net = NULL;
    assert_int_equal(fv_graph_new(&g, env, NULL), FV_OK);
    fv_val x = fv_input(g, "image", SIZE, SIZE, 3);
    x = fv_relu(g, fv_conv2d(g, x, "stem", (fv_conv){ .out = 32, .k = 3, .pad = 1, .bias = true }));
    fv_val y = fv_relu(g, fv_conv2d(g, x, "tiles", (fv_conv){ .out = 32, .k = 3, .pad = 1 }));
    y = fv_activate(g, fv_conv2d(g, y, "apart", (fv_conv){ .out = 32, .k = 3, .pad = 1, .groups = 32 }), FV_ACT_SILU);
    x = fv_add(g, x, fv_conv2d(g, y, "mix", (fv_conv){ .out = 32 }));
    x = fv_relu(g, fv_conv2d(g, x, "down", (fv_conv){ .out = 48, .k = 3, .stride = 2, .pad = 1 }));
    fv_output(g, fv_linear(g, fv_global_avgpool(g, x), "fc", CLASSES));
    const fv_prep prep = { .h = SIZE, .w = SIZE, .channels = 3 };
    assert_int_equal(fv_net_of_graph(&net, g, "small", &prep, 7, env, NULL), FV_OK);
    return net;
}

/* Runs a fresh plan; returns how many problems it timed. */
static int logits(const fv_env *env, int batch, float *out)
{
    static const uint32_t step = 2654435761u;
    fv_net *net = small_net(env);
    fv_plan *plan = NULL;
    fv_err err = { 0 };
    fv_plan_info info;
    float *x = malloc(sizeof(float) * BATCH * SIZE * SIZE * 3);
    assert_non_null(x);
    for (uint32_t i = 0; i < BATCH * SIZE * SIZE * 3; i++) x[i] = (float)(i * step >> 16) / 32768 - 1;
    if (fv_plan_new(&plan, net, &(fv_plan_opts){ .batch = batch }, &err) != FV_OK) fail_msg("%s", err.msg);
    fv_run(plan, batch, x, out);
    fv_plan_describe(plan, &info);
    fv_plan_free(plan);
    fv_net_free(net);
    free(x);
    return info.timed;
}

static fv_wisdom wisdom_at(const char *path)
{
    fv_wisdom w = { 0 };
    fv_err err = { 0 };
    if (fv_wisdom_read(&w, path, FV_VARIANTS, &err) != FV_OK) fail_msg("%s", err.msg);
    return w;
}

static void test_any_choice_gives_the_same_bits(void **state)
{
    (void)state;
    host h;
    set_host(&h, "bits");
    const fv_env plain = { .cpu = test_level(), .threads = 1 };
    float want[BATCH * CLASSES], got[BATCH * CLASSES];
    for (int batch = 1; batch <= BATCH; batch += BATCH - 1) {
        const size_t bytes = sizeof(float) * (size_t)batch * CLASSES;
        assert_int_equal(logits(&plain, batch, want), 0);
        logits(&h.env, batch, got);
        assert_memory_equal(want, got, bytes);
        for (int v = 0; v < 9; v++) {
            fv_wisdom w = wisdom_at(h.path);
            for (size_t i = 0; i < w.n; i++) w.choice[i].number = v;
            if (w.n) assert_int_equal(fv_wisdom_write(&w, h.path, FV_VARIANTS, NULL), FV_OK);
            fv_wisdom_free(&w);
            logits(&h.env, batch, got);
            assert_memory_equal(want, got, bytes);
        }
    }
    unlink(h.path);
}

static void test_what_is_known_is_not_timed_again(void **state)
{
    (void)state;
    host h;
    set_host(&h, "known");
    float out[BATCH * CLASSES];
    const int first = logits(&h.env, BATCH, out);
    const bool fast = test_level() != FV_CPU_REF;
    assert_true(first >= (fast ? 6 : 1)); /* five convolutions, a linear layer; the order of images */
    assert_int_equal(logits(&h.env, BATCH, out), 0);
    assert_true((logits(&h.env, 1, out) > 0) == fast); /* another batch is another problem */
    assert_int_equal(logits(&h.env, 1, out), 0);
    assert_int_equal(h.lines, 0);
    unlink(h.path);
    h.env.wisdom = NULL;
    assert_true((logits(&h.env, 1, out) > 0) == fast);
    assert_int_equal(access(h.path, F_OK), -1);
}

static void test_broken_wisdom_is_told_and_does_no_harm(void **state)
{
    (void)state;
    static const struct {
        int format, variants; /* 0: only the rest */
        const char *rest;
    } texts[] = {
        { 0, 0, "" },
        { 0, 0, "not JSON" },
        { 0, 0, "[]" },
        { 0, 0, "{}" },
        { 2, FV_VARIANTS, "{}}" },
        { 1, FV_VARIANTS + 1, "{}}" },
        { 1, FV_VARIANTS, "{\"a\": -1}}" },
        { 1, FV_VARIANTS, "{\"a\": 64}}" },
        { 1, FV_VARIANTS, "{\"a\": 1}" },
        { 1, FV_VARIANTS, "{\"a\": 1}} more" },
    };
    host h;
    set_host(&h, "broken");
    const fv_env plain = { .cpu = test_level(), .threads = 1 };
    float want[CLASSES], got[CLASSES];
    logits(&plain, 1, want);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        FILE *f = fopen(h.path, "w");
        assert_non_null(f);
        if (texts[i].format)
            fprintf(f, "{\"fovea_wisdom\": %d, \"variants\": %d, \"choices\": ", texts[i].format, texts[i].variants);
        fputs(texts[i].rest, f);
        fclose(f);
        h.lines = 0;
        logits(&h.env, 1, got);
        assert_memory_equal(want, got, sizeof want);
        assert_int_equal(h.lines, 1);
        if (test_level() == FV_CPU_REF) continue; /* nothing is timed, so nothing is written in its place */
        logits(&h.env, 1, got);
        assert_int_equal(h.lines, 1); /* it is whole again */
    }
    unlink(h.path);
    h.env.wisdom = "/nonexistent/wisdom.json";
    h.lines = 0;
    const int timed = logits(&h.env, 1, got);
    assert_memory_equal(want, got, sizeof want);
    assert_int_equal(h.lines, timed > 0);
}

static void test_choices_are_bounded(void **state)
{
    (void)state;
    fv_wisdom w = { 0 };
    char key[20];
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof key, "key %d \"", i % 20);
        assert_int_equal(fv_wisdom_put(&w, key, i, NULL), FV_OK);
    }
    assert_int_equal(w.n, 20);
    assert_int_equal(fv_wisdom_find(&w, "key 3 \""), 23);
    assert_int_equal(fv_wisdom_find(&w, "key 20 \""), -1);
    host h;
    set_host(&h, "bounded");
    assert_int_equal(fv_wisdom_write(&w, h.path, FV_VARIANTS, NULL), FV_OK);
    fv_wisdom again = wisdom_at(h.path);
    assert_int_equal(again.n, 20);
    assert_int_equal(fv_wisdom_find(&again, "key 3 \""), 23);
    fv_wisdom_free(&again);
    fv_wisdom_free(&w);
    unlink(h.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_choice_gives_the_same_bits),
        cmocka_unit_test(test_what_is_known_is_not_timed_again),
        cmocka_unit_test(test_broken_wisdom_is_told_and_does_no_harm),
        cmocka_unit_test(test_choices_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
