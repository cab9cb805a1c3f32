/* test_memory.c -- each allocation of opening, planning, reading, evaluating, training and resuming fails once, in turn: FV_NOMEM
 * comes back every time, nothing leaks, and no picture is blamed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "heap.h"
#include "level.h"
#include <unistd.h>

enum { SIDE = 8, EACH = 2 }; /* pictures of each class */

static const char *root; /* of the group's files */

/* Two classes of PPM pictures. */
static int make_files(void **state)
{
    if (scratch_make(state) != 0) return -1;
    root = *state;
    char picture[11 + SIDE * SIDE * 3] = "P6 8 8 255\n";
    const char *const splits[] = { "train", "val" }, *const classes[] = { "cat", "dog" };
    for (int s = 0; s < 2; s++)
        for (int c = 0; c < 2; c++)
            for (int i = 0; i < EACH; i++) {
                char name[60];
                snprintf(name, sizeof name, "data/%s/%s/%d.ppm", splits[s], classes[c], i);
                for (int k = 0; k < SIDE * SIDE * 3; k++) picture[11 + k] = (char)((k * 37 + i * 11 + c * 90) % 128);
                scratch_write(root, name, picture, sizeof picture);
            }
    return 0;
}

static const char *in_root(const char *name)
{
    static char path[4][600];
    static int next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", root, name);
    return p;
}

/* Runs `attempt` with the first, the second, ... allocation failing, until one run meets no failure. */
static void fail_each(fv_status (*attempt)(const fv_env *env, fv_err *err), int least)
{
    for (int n = 0;; n++) {
        test_heap h;
        fv_err err = { 0 };
        const fv_env env = { .heap = test_heap_init(&h, n), .cpu = test_level(), .threads = 2 };
        h.once = true;
        const fv_status s = attempt(&env, &err);
        if (h.live != 0) fail_msg("%d blocks leak where allocation %d failed", h.live, n);
        if (h.calls <= n) {
            if (s != FV_OK) fail_msg("%s", err.msg);
            if (n < least) fail_msg("only %d allocations go through the heap", n);
            print_message("%d allocations failed in turn\n", n);
            return;
        }
        if (s != FV_NOMEM || err.msg[0] == 0) fail_msg("allocation %d failed: status %d, '%s'", n, s, err.msg);
    }
}

static const fv_net_opts small = { .classes = 2, .size = SIDE, .stem = FV_STEM_CIFAR };

static fv_status open_by_name(const fv_env *env, fv_err *err)
{
    fv_net *net = (fv_net *)1;
    const fv_status s = fv_net_open(&net, "resnet20", &small, env, err);
    if (s != FV_OK) assert_null(net);
    fv_net_free(net);
    return s;
}

static void test_opening_by_name(void **state)
{
    (void)state;
    fail_each(open_by_name, 3);
}

/* Views, an order of channels, kept values and their gradients; squeeze and excitation in training. */
static fv_status plan_both(const fv_env *env, fv_err *err)
{
    static const char *const keep[] = { "stage2", "conv5" };
    const fv_plan_opts infer = { .batch = 2, .keep = keep, .nkeep = 2, .gradients = true };
    const fv_plan_opts train = { .mode = FV_TRAIN, .batch = 2, .clip = 1 };
    const fv_net_opts opts = { .classes = 2, .size = 32, .stem = FV_STEM_CIFAR, .no_weights = true };
    fv_net *net = NULL, *other = NULL;
    fv_plan *plan = NULL, *step = NULL;
    fv_status s = fv_net_open(&net, "shufflenet_v2_x0_5", &opts, env, err);
    if (s == FV_OK) s = fv_plan_new(&plan, net, &infer, err);
    if (s == FV_OK) s = fv_net_open(&other, "efficientnet_b0", &opts, env, err);
    if (s == FV_OK) s = fv_plan_new(&step, other, &train, err);
    fv_plan_free(plan), fv_plan_free(step), fv_net_free(net), fv_net_free(other);
    return s;
}

static void test_planning(void **state)
{
    (void)state;
    fail_each(plan_both, 30);
}

static fv_status save_and_open(const fv_env *env, fv_err *err)
{
    fv_net *net = NULL;
    fv_status s = fv_net_open(&net, in_root("net.safetensors"), NULL, env, err);
    if (s == FV_OK) s = fv_net_save(net, in_root("again.safetensors"), err);
    fv_net_free(net);
    return s;
}

static void test_opening_and_saving_a_model_file(void **state)
{
    (void)state;
    fv_net *net = NULL;
    assert_int_equal(fv_net_open(&net, "resnet20", &small, NULL, NULL), FV_OK);
    assert_int_equal(fv_net_save(net, in_root("net.safetensors"), NULL), FV_OK);
    fv_net_free(net);
    fail_each(save_and_open, 6);
}

static const char *picture; /* of the run */

static fv_status load_picture(const fv_env *env, fv_err *err)
{
    float x[SIDE * SIDE * 3];
    const fv_prep prep = { .h = 4, .w = 4, .channels = 3, .resize = 6, .std = { 1, 1, 1 } };
    return fv_load_image(picture, &prep, x, env, err);
}

static fv_status export_picture(const fv_env *env, fv_err *err)
{
    fv_data *d = NULL;
    fv_status s = fv_data_open(&d, in_root("data"), NULL, env, err);
    if (s == FV_OK) s = fv_data_export_png(d, 0, in_root("out.png"), NULL, err);
    fv_data_free(d);
    return s;
}

static void test_pictures(void **state)
{
    (void)state;
    picture = in_root("data/train/cat/0.ppm");
    fail_each(load_picture, 3);
    fv_data *d = NULL;
    assert_int_equal(fv_data_open(&d, in_root("data"), NULL, NULL, NULL), FV_OK);
    const fv_status png = fv_data_export_png(d, 0, in_root("out.png"), NULL, NULL);
    fv_data_free(d);
    if (png == FV_UNSUP) return;
    fail_each(export_picture, 6);
    picture = in_root("out.png");
    fail_each(load_picture, 4);
}

static fv_status evaluate(const fv_env *env, fv_err *err)
{
    fv_net *net = NULL;
    fv_data *d = NULL;
    fv_metrics m = { 0 };
    const fv_data_opts of_val = { .split = "val" };
    const fv_eval_opts o = { .batch = 2, .workers = 2, .max_bad = 1 }; /* any picture would be forgiven */
    fv_status s = fv_net_open(&net, "resnet20", &small, env, err);
    if (s == FV_OK) s = fv_data_open(&d, in_root("data"), &of_val, env, err);
    if (s == FV_OK) s = fv_evaluate(&m, net, d, &o, err);
    assert_int_equal(m.nbad, 0);
    fv_metrics_free(&m), fv_data_free(d), fv_net_free(net);
    return s;
}

static void test_evaluating(void **state)
{
    (void)state;
    fail_each(evaluate, 30);
}

static fv_train_opts training(const char *output)
{
    fv_train_opts o;
    fv_train_defaults(&o);
    o.data = in_root("data");
    o.model = "resnet20";
    o.output = output;
    o.epochs = 1;
    o.batch = 2;
    o.threads = 2;
    o.workers = 2;
    o.max_bad = 1; /* any picture would be forgiven */
    return o;
}

static fv_status train_anew(const fv_env *env, fv_err *err)
{
    fv_train_result r;
    const fv_train_opts o = training(in_root("run"));
    nftw(o.output, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
    const fv_status s = fv_train(&r, &o, NULL, NULL, env, err);
    assert_int_equal(r.bad, 0);
    fv_train_result_free(&r);
    return s;
}

static void test_training(void **state)
{
    (void)state;
    fail_each(train_anew, 60);
}

static fv_train_wish stop_at_one(void *user, const fv_train_event *e)
{
    (void)user;
    return e->kind == FV_TRAIN_STEP && e->step == 1 ? FV_TRAIN_STOP : FV_TRAIN_GO;
}

static fv_status train_on(const fv_env *env, fv_err *err)
{
    fv_train_result r;
    fv_train_opts o = training(in_root("stopped"));
    o.resume = in_root("stopped/checkpoint-1.fvc");
    const fv_status s = fv_train(&r, &o, NULL, NULL, env, err);
    assert_int_equal(r.bad, 0);
    fv_train_result_free(&r);
    /* What the run wrote goes, but for what it started from. */
    unlink(in_root("stopped/checkpoint-2.fvc"));
    return s;
}

static void test_resuming(void **state)
{
    (void)state;
    fv_train_result r;
    const fv_train_opts o = training(in_root("stopped"));
    const fv_env env = { .cpu = test_level() };
    assert_int_equal(fv_train(&r, &o, stop_at_one, NULL, &env, NULL), FV_STOPPED);
    fv_train_result_free(&r);
    fail_each(train_on, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opening_by_name),
        cmocka_unit_test(test_planning),
        cmocka_unit_test(test_opening_and_saving_a_model_file),
        cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_evaluating),
        cmocka_unit_test(test_training),
        cmocka_unit_test(test_resuming),
    };
    return cmocka_run_group_tests_name("memory", tests, make_files, scratch_drop);
}
