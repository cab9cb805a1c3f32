/* test_on_disk.c -- a net opened with low_memory answers bit for bit as one whose weights were copied, keeps little of them in
 * memory, and tells a file that was cut or written to while in use.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "graph/on_disk.h"
#include "heap.h"
#include "level.h"
#include "weights/model_file.h"
#include <math.h>
#include <unistd.h>

enum { CLASSES = 10, IMAGES = 3, PIXELS = 32 * 32 * 3 };
static const fv_plan_opts batch = { .batch = IMAGES, .h = 32, .w = 32 };

static const char *path_in(void **state, const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", scratch_dir(state), name);
    return path;
}

/* A model file of random weights; returns its path. */
static const char *model_file(void **state, const char *network)
{
    const char *path = path_in(state, "net.safetensors");
    fv_net *net = NULL;
    assert_int_equal(fv_net_open(&net, network, &(fv_net_opts){ .seed = 5, .classes = CLASSES }, NULL, NULL), FV_OK);
    assert_int_equal(fv_net_save(net, path, NULL), FV_OK);
    fv_net_free(net);
    return path;
}

static fv_net *opened(const char *path, bool low_memory, const fv_env *env)
{
    fv_net *net = NULL;
    fv_err err = { 0 };
    const fv_env levelled = { .cpu = test_level(), .threads = 2 };
    const fv_net_opts o = { .low_memory = low_memory };
    if (fv_net_open(&net, path, &o, env ? env : &levelled, &err) != FV_OK) fail_msg("%s", err.msg);
    return net;
}

static void answer(fv_net *net, float *logits, fv_plan_info *info)
{
    float x[IMAGES * PIXELS];
    fv_plan *plan = NULL;
    fv_err err = { 0 };
    for (int i = 0; i < IMAGES * PIXELS; i++) x[i] = (float)(i * 37 % 201 - 100) / 100;
    if (fv_plan_new(&plan, net, &batch, &err) != FV_OK) fail_msg("%s", err.msg);
    fv_run(plan, IMAGES, x, logits);
    fv_plan_describe(plan, info);
    fv_plan_free(plan);
}

static void same_answers(void **state, const char *network)
{
    const char *path = model_file(state, network);
    float want[IMAGES * CLASSES], got[IMAGES * CLASSES];
    fv_plan_info whole, packed;
    fv_net *a = opened(path, false, NULL), *b = opened(path, true, NULL);
    answer(a, want, &whole);
    for (int i = 0; i < 2; i++) { /* a second plan reads the file again */
        answer(b, got, &packed);
        assert_memory_equal(want, got, sizeof want);
    }
    assert_true(whole.weight_bytes > 0);
    assert_int_equal(packed.weight_bytes, 0);
    fv_net_free(a);
    fv_net_free(b);
}

static void test_the_answers_are_those_of_copied_weights(void **state)
{
    same_answers(state, "resnet20");
    same_answers(state, "shufflenet_v1_g3"); /* whose weights are packed in another order */
    same_answers(state, "shufflenet_v2_x0_5");
}

static void test_weights_come_when_they_are_asked_for(void **state)
{
    const char *path = model_file(state, "resnet20");
    fv_net *a = opened(path, false, NULL), *b = opened(path, true, NULL);
    fv_key key;
    fv_plan_info info;
    float logits[IMAGES * CLASSES];
    answer(b, logits, &info); /* has read some of them and let go */
    for (int i = 0; fv_net_key(a, i, &key); i++) {
        int64_t n = 0, m = 0;
        const float *x = fv_net_weights(a, key.name, &n), *y = fv_net_weights(b, key.name, &m);
        assert_true(n == m && !x == !y);
        if (x) assert_memory_equal(x, y, (size_t)n * sizeof *x);
    }
    answer(b, logits, &info);
    fv_plan_info whole;
    answer(a, logits, &whole);
    assert_int_equal(info.weight_bytes, whole.weight_bytes); /* those that were asked for stay */
    fv_net_free(b);
    b = opened(path, true, NULL);
    fv_writer w = { 0 }, v = { 0 };
    assert_int_equal(fv_model_file_bytes(&w, a, NULL), FV_OK);
    assert_int_equal(fv_model_file_bytes(&v, b, NULL), FV_OK);
    assert_true(w.len == v.len && memcmp(w.p, v.p, w.len) == 0);
    fv_writer_free(&w);
    fv_writer_free(&v);
    fv_net_free(a);
    fv_net_free(b);
}

enum { PLANNERS = 3, ROUNDS = 5 };
typedef struct planner {
    fv_net *net;
    float logits[IMAGES * CLASSES];
} planner;

static void *plan_and_answer(void *user)
{
    planner *me = user;
    fv_plan_info info;
    answer(me->net, me->logits, &info);
    return NULL;
}

static void test_plans_made_at_the_same_time_share_what_they_read(void **state)
{
    const char *path = model_file(state, "resnet20");
    float want[IMAGES * CLASSES];
    fv_plan_info info;
    fv_net *a = opened(path, false, NULL), *b = opened(path, true, NULL);
    answer(a, want, &info);
    for (int round = 0; round < ROUNDS; round++) {
        planner all[PLANNERS];
        pthread_t thread[PLANNERS];
        for (int i = 0; i < PLANNERS; i++) {
            all[i] = (planner){ .net = b };
            assert_int_equal(pthread_create(&thread[i], NULL, plan_and_answer, &all[i]), 0);
        }
        for (int i = 0; i < PLANNERS; i++) pthread_join(thread[i], NULL);
        for (int i = 0; i < PLANNERS; i++) assert_memory_equal(want, all[i].logits, sizeof want);
    }
    answer(b, want, &info);
    assert_int_equal(info.weight_bytes, 0);
    fv_net_free(a);
    fv_net_free(b);
}

static void test_a_file_that_was_cut_is_told_and_kills_nobody(void **state)
{
    const char *path = model_file(state, "resnet20");
    struct stat st;
    for (int cut = 0; cut < 2; cut++) {
        fv_net *net = opened(path, true, NULL);
        fv_plan *plan = NULL;
        fv_err err = { 0 };
        int64_t n;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(truncate(path, cut ? st.st_size / 2 : st.st_size + 8), 0);
        assert_int_equal(fv_plan_new(&plan, net, &batch, &err), FV_FORMAT);
        assert_null(plan);
        assert_non_null(strstr(err.msg, "while in use"));
        assert_null(fv_net_weights(net, "linear.weight", &n));
        err = (fv_err){ 0 };
        assert_int_equal(fv_net_save(net, path_in(state, "copy.safetensors"), &err), FV_FORMAT);
        assert_non_null(strstr(err.msg, "while in use"));
        fv_net_free(net);
        path = model_file(state, "resnet20");
    }
}

/* The name may go to another file meanwhile: the net's is the one that it opened. */
static void test_a_file_that_was_replaced_does_no_harm(void **state)
{
    const char *path = model_file(state, "resnet20");
    float want[IMAGES * CLASSES], got[IMAGES * CLASSES];
    fv_plan_info info;
    fv_net *a = opened(path, false, NULL), *b = opened(path, true, NULL);
    assert_int_equal(unlink(path), 0);
    answer(a, want, &info);
    answer(b, got, &info);
    assert_memory_equal(want, got, sizeof want);
    fv_net_free(a);
    fv_net_free(b);
}

static void keep_log(void *user, fv_log_level level, const char *text)
{
    snprintf(user, 300, "%d %s", level, text);
}

static void test_weights_that_are_not_finite_are_told_by_the_plan_or_refused(void **state)
{
    const char *path = model_file(state, "resnet20");
    fv_net *net = opened(path, false, NULL);
    int64_t n;
    fv_net_weights(net, "conv1.weight", &n)[3] = NAN;
    assert_int_equal(fv_net_save(net, path, NULL), FV_OK);
    fv_net_free(net);
    char log[300] = "";
    const fv_env env = { .log = keep_log, .log_user = log, .threads = 2, .cpu = test_level() };
    net = opened(path, true, &env);
    assert_string_equal(log, "");
    float logits[IMAGES * CLASSES];
    fv_plan_info info;
    answer(net, logits, &info);
    assert_string_equal(log, "1 1 weights are not finite, the first in 'conv1.weight'");
    fv_net_free(net);
    for (int low = 0; low < 2; low++) {
        fv_err err = { 0 };
        const fv_net_opts o = { .low_memory = low, .strict = true };
        assert_int_equal(fv_net_open(&net, path, &o, NULL, &err), FV_FORMAT);
        assert_non_null(strstr(err.msg, "not finite"));
        assert_null(net);
    }
}

static void test_every_failed_allocation_is_told_and_leaks_nothing(void **state)
{
    const char *path = model_file(state, "resnet20");
    for (int i = 0;; i++) {
        test_heap h;
        fv_net *net = NULL;
        fv_plan *plan = NULL;
        fv_err err = { 0 };
        const fv_env env = { .heap = test_heap_init(&h, i), .threads = 2, .cpu = test_level() };
        h.once = true;
        fv_status s = fv_net_open(&net, path, &(fv_net_opts){ .low_memory = true }, &env, &err);
        if (s == FV_OK) s = fv_plan_new(&plan, net, &batch, &err);
        fv_plan_free(plan);
        fv_net_free(net);
        assert_int_equal(h.live, 0);
        if (h.calls <= i) {
            assert_int_equal(s, FV_OK);
            return;
        }
        if (s != FV_NOMEM || !err.msg[0]) fail_msg("allocation %d: status %d, '%s'", i, s, err.msg);
    }
}

static void *dirty_memory(void *user, size_t bytes)
{
    (void)user;
    void *p = aligned_alloc(64, bytes);
    return p ? memset(p, 0xff, bytes) : NULL;
}

static void give_back(void *user, void *p)
{
    (void)user;
    free(p);
}

/* Checkpoints hold what lies between the tensors, too, and none that is not finite is written. */
static void nothing_is_left_from_before(void **state, const char *network)
{
    const char *path = model_file(state, network);
    const fv_allocator heap = { dirty_memory, give_back, NULL };
    const fv_env env = { .heap = &heap, .cpu = test_level() };
    fv_net *first = opened(path, false, NULL);
    for (int i = 0; i < 3; i++) {
        fv_net *net = NULL;
        const fv_net_opts o = { .classes = CLASSES, .low_memory = i == 2 };
        assert_int_equal(fv_net_open(&net, i ? path : network, &o, &env, NULL), FV_OK);
        assert_int_equal(fv_net_fill_all(net, NULL), FV_OK);
        for (size_t k = 0; k < net->graph->floats; k++) assert_true(isfinite(net->weights[k]));
        if (i) assert_memory_equal(net->weights, first->weights, net->graph->floats * sizeof(float));
        fv_net_free(net);
    }
    fv_net_free(first);
}

static void test_nothing_between_weights_is_left_from_before(void **state)
{
    nothing_is_left_from_before(state, "resnet20");
    nothing_is_left_from_before(state, "preact_resnet20"); /* its tensors are not numbered as they lie */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_drop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_answers_are_those_of_copied_weights),
        TEST(test_weights_come_when_they_are_asked_for),
        TEST(test_plans_made_at_the_same_time_share_what_they_read),
        TEST(test_a_file_that_was_cut_is_told_and_kills_nobody),
        TEST(test_a_file_that_was_replaced_does_no_harm),
        TEST(test_weights_that_are_not_finite_are_told_by_the_plan_or_refused),
        TEST(test_every_failed_allocation_is_told_and_leaks_nothing),
        TEST(test_nothing_between_weights_is_left_from_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
