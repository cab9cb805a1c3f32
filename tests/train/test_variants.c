/* test_variants.c -- short runs with each kind of training: stopped and resumed they end with the same bytes; what is
 * frozen stays, averages are what is saved, class weights weigh.
 * SPDX-License-Identifier: Apache-2.0 */
#include "level.h"
#include "base/alloc.h"
#include "base/bytes.h"
#include "base/rng.h"
#include "graph/net.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

enum { FILES = 5, PER_FILE = 20, RECORD = 3073, BATCH = 16 }; /* 100 pictures, 10 a class: 6 x 16 + 4 */
static char root[] = "/tmp/fovea-variants-XXXXXX", data[100];

static void make_file(const char *name, int first)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", data, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = first; i < first + PER_FILE; i++) {
        uint8_t p[RECORD] = { (uint8_t)(i % 10) };
        fv_rng r = fv_rng_of(7, 0, (uint64_t)i, FV_RNG_TEST);
        for (int k = 1; k < RECORD; k++) p[k] = (uint8_t)(fv_rng_below(&r, 100) + (k / 300 == i % 10 ? 150 : 0));
        assert_int_equal(fwrite(p, 1, RECORD, f), RECORD);
    }
    fclose(f);
}

static int make_data(void **state)
{
    (void)state;
    if (!mkdtemp(root)) return -1;
    snprintf(data, sizeof data, "%s/data", root);
    mkdir(data, 0777);
    for (int i = 0; i < FILES; i++) {
        char name[40];
        snprintf(name, sizeof name, "data_batch_%d.bin", i + 1);
        make_file(name, i * PER_FILE);
    }
    make_file("test_batch.bin", 1000);
    return 0;
}

static int remove_data(void **state)
{
    (void)state;
    char command[200];
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static fv_train_opts options(const char *name)
{
    static char path[8][200];
    static int next;
    char *out = path[next++ % 8];
    fv_train_opts o;
    fv_train_defaults(&o);
    snprintf(out, sizeof path[0], "%s/%s", root, name);
    o.data = data, o.model = "resnet20", o.output = out;
    o.epochs = 2, o.batch = BATCH, o.lr = 0.02, o.seed = 3, o.threads = 1;
    return o;
}

static fv_train_wish stop(void *user, const fv_train_event *e)
{
    return e->kind == FV_TRAIN_STEP && e->step == *(const int64_t *)user ? FV_TRAIN_STOP : FV_TRAIN_GO;
}

static fv_status train(const fv_train_opts *o, int64_t stop_at, fv_train_result *r, fv_err *err)
{
    const fv_env env = { .cpu = test_level() };
    return fv_train(r, o, stop_at ? stop : NULL, &stop_at, &env, err);
}

static fv_train_result train_ok(const fv_train_opts *o)
{
    fv_train_result r;
    fv_err err = { 0 };
    if (train(o, 0, &r, &err) != FV_OK) fail_msg("%s: %s", o->output, err.msg);
    assert_true(r.finished);
    return r;
}

static fv_bytes last_of(const fv_train_opts *o)
{
    char path[400];
    fv_bytes b;
    fv_err err = { 0 };
    snprintf(path, sizeof path, "%s/last.safetensors", o->output);
    if (fv_file_read(&b, path, 1 << 28, NULL, &err) != FV_OK) fail_msg("%s", err.msg);
    return b;
}

static bool same_end(const fv_train_opts *a, const fv_train_opts *b)
{
    const fv_bytes x = last_of(a), y = last_of(b);
    const bool same = x.len == y.len && memcmp(x.p, y.p, x.len) == 0;
    fv_release(NULL, (void *)x.p);
    fv_release(NULL, (void *)y.p);
    return same;
}

/* ---- resuming ---- */

static void rmsprop(fv_train_opts *o)
{
    o->opt = FV_OPT_RMSPROP, o->lr = 0.002;
}
static void adamw(fv_train_opts *o)
{
    o->opt = FV_OPT_ADAMW, o->lr = 0.002, o->betas[0] = 0.8, o->sched = FV_SCHED_ONECYCLE;
}
static void lamb(fv_train_opts *o)
{
    o->opt = FV_OPT_LAMB, o->clip = 1, o->sched = FV_SCHED_POLY;
}
static void averaged(fv_train_opts *o)
{
    o->model_ema = true, o->model_ema_decay = 0.9;
}
static void gathered(fv_train_opts *o)
{
    o->accum = 3, o->clip = 1, o->mixup = 0.2; /* 7 batches: 3 + 3 + 1 */
}
static void dropped(fv_train_opts *o)
{
    o->drop_path = 0.5;
}
static void layered(fv_train_opts *o)
{
    o->layer_decay = 0.8, o->bias_lr = 2, o->freeze = "conv1.*,bn1.*", o->wd_exempt = FV_WD_NONE;
}
static void progressive(fv_train_opts *o)
{
    o->stages = 2, o->progressive[0] = 20, o->progressive[1] = 32, o->model_ema = true, o->opt = FV_OPT_RMSPROP;
    o->lr = 0.002, o->aa = "rand-m5-n1", o->progressive_aa[0] = 1, o->progressive_aa[1] = 9;
}

static void binary(fv_train_opts *o)
{
    o->loss = FV_LOSS_BCE, o->bce_target_thresh = 0.2, o->smoothing = 0.1, o->opt = FV_OPT_LAMB;
    o->mixup = 0.2, o->cutmix = 1, o->class_weights = "balanced";
}

static const struct variant {
    const char *name;
    void (*set)(fv_train_opts *o);
    int64_t steps, stops[3]; /* of the run; after which it is stopped */
} variants[] = {
    { "rmsprop", rmsprop, 14, { 3, 7, 9 } },  { "adamw", adamw, 14, { 3, 7, 9 } },
    { "lamb", lamb, 14, { 3, 7, 9 } },        { "averaged", averaged, 14, { 3, 7, 9 } },
    { "gathered", gathered, 6, { 1, 3, 5 } }, { "dropped", dropped, 14, { 2, 7, 8 } },
    { "layered", layered, 14, { 4, 7, 10 } }, { "progressive", progressive, 14, { 4, 7, 10 } },
    { "binary", binary, 14, { 3, 7, 9 } },
};

static void test_resume_is_exact(void **state)
{
    const struct variant *v = *state;
    char name[80];
    fv_train_opts whole = options(v->name), plain = options("plain");
    v->set(&whole);
    fv_train_result r = train_ok(&whole);
    assert_int_equal(r.steps, v->steps);
    fv_train_result_free(&r);
    static bool trained; /* the plain run: once for all variants */
    if (!trained) {
        r = train_ok(&plain);
        fv_train_result_free(&r);
        trained = true;
    }
    assert_false(same_end(&whole, &plain)); /* the option does something */
    snprintf(name, sizeof name, "%s-cut", v->name);
    fv_train_opts cut = options(name);
    v->set(&cut);
    cut.resume = "auto", cut.threads = 2;
    for (int i = 0; i < 3; i++) {
        fv_err err = { 0 };
        if (train(&cut, v->stops[i], &r, &err) != FV_STOPPED) fail_msg("%s: %s", v->name, err.msg);
        assert_int_equal(r.steps, v->stops[i]);
        fv_train_result_free(&r);
    }
    r = train_ok(&cut);
    fv_train_result_free(&r);
    assert_true(same_end(&whole, &cut));
}

/* ---- what is saved ---- */

static fv_net *open_last(const fv_train_opts *o)
{
    char path[400];
    fv_net *net = NULL;
    const fv_env env = { .cpu = test_level(), .threads = 1 };
    snprintf(path, sizeof path, "%s/last.safetensors", o->output);
    assert_int_equal(fv_net_open(&net, path, NULL, &env, NULL), FV_OK);
    return net;
}

static bool same_key(fv_net *a, fv_net *b, const char *key)
{
    int64_t n = 0, m = 0;
    const float *x = fv_net_weights(a, key, &n), *y = fv_net_weights(b, key, &m);
    assert_true(x && y && n == m);
    return memcmp(x, y, (size_t)n * sizeof *x) == 0;
}

static fv_net *begun(const fv_train_opts *o)
{
    fv_net *net = NULL;
    const fv_net_opts n = { .size = 32, .seed = o->seed, .stem = FV_STEM_CIFAR, .classes = 10 };
    assert_int_equal(fv_net_open(&net, "resnet20", &n, NULL, NULL), FV_OK);
    return net;
}

static void test_what_is_frozen_stays_with_its_statistics(void **state)
{
    (void)state;
    fv_train_opts o = options("frozen");
    o.freeze = "conv1.*,bn1.*,layer1.*";
    fv_train_result r = train_ok(&o);
    fv_net *then = begun(&o), *now = open_last(&o);
    const char *const still[] = { "conv1.weight", "bn1.weight", "bn1.running_mean", "layer1.2.bn2.running_var" };
    for (int i = 0; i < 4; i++) assert_true(same_key(then, now, still[i]));
    assert_false(same_key(then, now, "layer2.0.conv1.weight"));
    assert_false(same_key(then, now, "layer2.0.bn1.running_mean"));
    fv_net_free(now);
    fv_train_result_free(&r);
    o = options("body"), o.freeze_body = true;
    r = train_ok(&o);
    now = open_last(&o);
    assert_true(same_key(then, now, "layer3.2.conv2.weight") && same_key(then, now, "layer3.2.bn2.running_mean"));
    assert_false(same_key(then, now, "linear.weight"));
    fv_net_free(now), fv_net_free(then);
    fv_train_result_free(&r);
    fv_err err = { 0 };
    o = options("nothing"), o.freeze = "*";
    assert_int_equal(train(&o, 0, &r, &err), FV_ARG);
    o.freeze = "layer9.*";
    assert_int_equal(train(&o, 0, &r, NULL), FV_ARG);
}

static void test_new_head_keeps_the_body(void **state)
{
    (void)state;
    fv_train_opts first = options("first"), second = options("second");
    char weights[400];
    fv_train_result r = train_ok(&first);
    fv_train_result_free(&r);
    snprintf(weights, sizeof weights, "%s/last.safetensors", first.output);
    second.weights = weights, second.new_head = true, second.freeze_body = true, second.seed = 8;
    r = train_ok(&second);
    fv_train_result_free(&r);
    fv_net *a = open_last(&first), *b = open_last(&second);
    assert_true(same_key(a, b, "conv1.weight") && same_key(a, b, "layer3.2.bn2.running_var"));
    second.lr = 0, second.output = options("head").output;
    r = train_ok(&second); /* a rate of 0: the head as it begins */
    fv_train_result_free(&r);
    fv_net *c = open_last(&second), *fresh = begun(&second);
    assert_true(same_key(c, fresh, "linear.weight") && same_key(c, fresh, "linear.bias"));
    assert_false(same_key(a, c, "linear.weight"));
    assert_false(same_key(b, c, "linear.weight"));
    fv_net_free(a), fv_net_free(b), fv_net_free(c), fv_net_free(fresh);
}

/* The evaluation's numbers are those of the file, which are averages: not the weights that the checkpoint goes on with. */
static void test_averages_are_evaluated_and_saved(void **state)
{
    (void)state;
    fv_train_opts o = options("ema");
    averaged(&o);
    fv_train_result r = train_ok(&o);
    fv_net *net = open_last(&o);
    fv_data *val = NULL;
    fv_metrics m;
    assert_int_equal(fv_data_open(&val, data, &(fv_data_opts){ .split = "test" }, NULL, NULL), FV_OK);
    assert_int_equal(fv_evaluate(&m, net, val, NULL, NULL), FV_OK);
    assert_true(m.top1 == r.epochs[1].top1 && fabs(m.loss - r.epochs[1].eval_loss) < 1e-12);
    fv_metrics_free(&m), fv_data_free(val), fv_net_free(net), fv_train_result_free(&r);
}

static void test_patience_ends_a_run_that_learns_nothing(void **state)
{
    (void)state;
    fv_train_opts o = options("patience");
    o.epochs = 9, o.patience = 2, o.lr = 0, o.freeze_body = true;
    fv_train_result r = train_ok(&o);
    assert_int_equal(r.nepochs, 3);
    fv_train_result_free(&r);
    o.resume = "auto"; /* it is finished */
    r = train_ok(&o);
    assert_int_equal(r.nepochs, 3);
    fv_train_result_free(&r);
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_class_weights_weigh(void **state)
{
    (void)state;
    char path[200];
    fv_train_opts plain = options("plain-weights"), even = options("even"), odd = options("odd"),
                  bal = options("balanced");
    fv_train_result r = train_ok(&plain);
    fv_train_result_free(&r);
    snprintf(path, sizeof path, "%s/weights.txt", root);
    write_text(path, "1 1 1 1 1\n1 1 1 1 1\n");
    even.class_weights = path;
    r = train_ok(&even);
    fv_train_result_free(&r);
    assert_true(same_end(&plain, &even));
    bal.class_weights = "balanced"; /* ten pictures of each class: all weigh 1 */
    r = train_ok(&bal);
    fv_train_result_free(&r);
    assert_true(same_end(&plain, &bal));
    write_text(path, "1 1 1 1 1 1 1 1 1 4");
    odd.class_weights = path;
    r = train_ok(&odd);
    fv_train_result_free(&r);
    assert_false(same_end(&plain, &odd));
    const char *const bad[] = { "1 1 1", "1 1 1 1 1 1 1 1 1 x", "1 1 1 1 1 1 1 1 1 1 1", "0 0 0 0 0 0 0 0 0 0",
                                "1 1 1 1 1 1 1 1 1 -1" };
    for (int i = 0; i < 5; i++) {
        write_text(path, bad[i]);
        if (train(&odd, 0, &r, NULL) != FV_FORMAT) fail_msg("'%s' passes", bad[i]);
    }
    odd.class_weights = "no/such/file";
    assert_int_equal(train(&odd, 0, &r, NULL), FV_NOINPUT);
}

static void test_mixed_pictures_are_of_whole_classes_above_the_threshold(void **state)
{
    (void)state;
    fv_train_opts whole = options("whole"), shares = options("shares");
    binary(&whole), binary(&shares);
    whole.epochs = shares.epochs = 1, shares.bce_target_thresh = 0;
    fv_train_result a = train_ok(&whole), b = train_ok(&shares);
    assert_false(same_end(&whole, &shares));
    assert_true(a.epochs[0].train_loss != b.epochs[0].train_loss);
    fv_train_result_free(&a), fv_train_result_free(&b);
}

static void test_drops_that_a_network_has_not_are_refused(void **state)
{
    (void)state;
    fv_train_result r;
    fv_train_opts o = options("drops");
    o.drop = 0.5; /* resnet20 has no dropout */
    assert_int_equal(train(&o, 0, &r, NULL), FV_ARG);
    o.drop = -1, o.drop_path = 0.2, o.model = "shufflenet_v2_x0_5";
    assert_int_equal(train(&o, 0, &r, NULL), FV_ARG);
}

int main(void)
{
    enum { VARIANTS = sizeof variants / sizeof *variants };
    struct CMUnitTest tests[VARIANTS + 7] = {
        cmocka_unit_test(test_what_is_frozen_stays_with_its_statistics),
        cmocka_unit_test(test_new_head_keeps_the_body),
        cmocka_unit_test(test_averages_are_evaluated_and_saved),
        cmocka_unit_test(test_patience_ends_a_run_that_learns_nothing),
        cmocka_unit_test(test_class_weights_weigh),
        cmocka_unit_test(test_mixed_pictures_are_of_whole_classes_above_the_threshold),
        cmocka_unit_test(test_drops_that_a_network_has_not_are_refused),
    };
    for (int i = 0; i < VARIANTS; i++)
        tests[i + 7] = (struct CMUnitTest){ .name = variants[i].name,
                                            .test_func = test_resume_is_exact,
                                            .initial_state = (void *)(uintptr_t)&variants[i] };
    return cmocka_run_group_tests_name("variants", tests, make_data, remove_data);
}
