/* test_train.c -- whole runs on a small made-up data set in CIFAR-10's format: a run learns, and however it is cut up
 * or spread over threads, it ends with the same bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "level.h"
#include "base/alloc.h"
#include "base/bytes.h"
#include "base/rng.h"
#include "train/checkpoint.h"
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { FILES = 5, PER_FILE = 20, RECORD = 3073, BATCH = 16, STEPS = 7, EPOCHS = 2 }; /* 100 pictures: 6 x 16 + 4 */

static char root[] = "/tmp/fovea-train-XXXXXX";
static char data[100];

/* ---- the data: noise, with a bright patch whose place and colour are the class's ---- */

static void make_record(uint8_t *p, int i)
{
    const int label = i % 10;
    fv_rng r = fv_rng_of(7, 0, (uint64_t)i, FV_RNG_TEST);
    p[0] = (uint8_t)label;
    for (int k = 1; k < RECORD; k++) p[k] = (uint8_t)fv_rng_below(&r, 100);
    for (int y = 0; y < 12; y++)
        for (int x = 0; x < 12; x++) p[1 + label % 3 * 1024 + (2 + label / 3 * 6 + y) * 32 + 10 + x] = 255;
}

static void make_file(const char *name, int first)
{
    char path[200];
    uint8_t record[RECORD];
    snprintf(path, sizeof path, "%s/%s", data, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < PER_FILE; i++) {
        make_record(record, first + i);
        assert_int_equal(fwrite(record, 1, RECORD, f), RECORD);
    }
    fclose(f);
}

static void remove_folder(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char inner[600];
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        if (unlink(inner) != 0) remove_folder(inner);
    }
    if (d) closedir(d);
    rmdir(path);
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
    remove_folder(root);
    return 0;
}

/* ---- runs ---- */

typedef struct watcher {
    int64_t stop_at; /* step to stop after; 0: never */
    fv_train_wish wish;
    bool in_eval; /* stop in the first evaluation instead */
    int saved, evals, rows;
} watcher;

static fv_train_wish watch(void *user, const fv_train_event *e)
{
    watcher *w = user;
    w->saved += e->kind == FV_TRAIN_SAVED;
    w->rows += e->kind == FV_TRAIN_EPOCH;
    if (e->kind == FV_TRAIN_EVAL && w->evals++ == 0 && w->in_eval) return w->wish;
    return e->kind == FV_TRAIN_STEP && e->step == w->stop_at ? w->wish : FV_TRAIN_GO;
}

static fv_train_opts options(const char *output)
{
    fv_train_opts o;
    fv_train_defaults(&o);
    o.data = data;
    o.model = "resnet20";
    o.output = output;
    o.epochs = EPOCHS;
    o.batch = BATCH;
    o.lr = 0.05;
    o.seed = 3;
    o.threads = 1;
    return o;
}

/* root/name; stays good for the three calls that follow. */
static const char *folder(const char *name)
{
    static char path[4][200];
    static int next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", root, name);
    return p;
}

static void logged(void *user, fv_log_level level, const char *text)
{
    if (level == FV_LOG_WARN) snprintf(user, 500, "%s", text);
}

static fv_status train(const fv_train_opts *o, watcher *w, fv_train_result *r, char last_warning[500], fv_err *err)
{
    const fv_env env = { .cpu = test_level(), .log = last_warning ? logged : NULL, .log_user = last_warning };
    *err = (fv_err){ 0 };
    return fv_train(r, o, w ? watch : NULL, w, &env, err);
}

static void train_ok(const fv_train_opts *o, watcher *w)
{
    fv_train_result r;
    fv_err err;
    if (train(o, w, &r, NULL, &err) != FV_OK) fail_msg("%s", err.msg);
    assert_true(r.finished);
    fv_train_result_free(&r);
}

static void ends_with(const fv_train_opts *o, watcher *w, fv_status want, const char *said)
{
    fv_train_result r;
    fv_err err;
    const fv_status s = train(o, w, &r, NULL, &err);
    if (s != want || !strstr(err.msg, said)) fail_msg("status %d, '%s'; wanted %d, '%s'", s, err.msg, want, said);
    assert_false(r.finished);
    fv_train_result_free(&r);
}

static fv_bytes contents(const char *dir, const char *name)
{
    char path[1000];
    fv_bytes b;
    fv_err err = { 0 };
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (fv_file_read(&b, path, 1 << 28, NULL, &err) != FV_OK) fail_msg("%s", err.msg);
    return b;
}

static void same_file(const char *a, const char *b, const char *name)
{
    const fv_bytes x = contents(a, name), y = contents(b, name);
    if (x.len != y.len || memcmp(x.p, y.p, x.len) != 0) fail_msg("%s differs in %s and %s", name, a, b);
    fv_release(NULL, (void *)x.p);
    fv_release(NULL, (void *)y.p);
}

static bool there(const char *dir, const char *name)
{
    char path[1000];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &st) == 0;
}

/* The yardstick of the tests below: one uninterrupted run on one thread. */
static const char *whole_run(void)
{
    static bool made;
    static char out[200];
    if (made) return out;
    snprintf(out, sizeof out, "%s/whole", root);
    const fv_train_opts o = options(out);
    train_ok(&o, NULL);
    made = true;
    return out;
}

static void test_run_learns_and_leaves_its_files(void **state)
{
    (void)state;
    watcher w = { 0 };
    fv_train_result r;
    fv_err err;
    const char *out = folder("learns/and/leaves");
    fv_train_opts o = options(out);
    o.epochs = 5;
    if (train(&o, &w, &r, NULL, &err) != FV_OK) fail_msg("%s", err.msg);
    assert_true(r.finished && r.nepochs == 5 && r.steps == 5 * STEPS && r.bad == 0);
    assert_true(r.epochs[4].train_loss < r.epochs[0].train_loss && r.epochs[4].step == 5 * STEPS);
    assert_true(r.best_top1 >= r.epochs[4].top1);
    /* Ten classes that a glance tells apart. Knowing nothing costs log 10. */
    if (!(r.epochs[4].train_loss < log(10) / 2)) fail_msg("loss %g after 5 epochs", r.epochs[4].train_loss);
    assert_int_equal(w.rows, 5);
    assert_int_equal(w.saved, 5);
    const char *const files[] = { "model_best.safetensors", "last.safetensors", "results.csv", "args.json",
                                  "checkpoint-35.fvc",      "checkpoint-28.fvc" };
    for (int i = 0; i < 6; i++)
        if (!there(out, files[i])) fail_msg("%s is missing", files[i]);
    assert_false(there(out, "checkpoint-21.fvc"));
    fv_train_result_free(&r);
}

static void test_finished_run_is_left_alone(void **state)
{
    (void)state;
    fv_train_opts o = options(whole_run());
    fv_train_result r;
    fv_err err;
    o.resume = "auto";
    assert_int_equal(train(&o, NULL, &r, NULL, &err), FV_OK);
    assert_true(r.finished && r.nepochs == EPOCHS && r.steps == EPOCHS * STEPS);
    fv_train_result_free(&r);
}

/* ---- the same bytes ---- */

static void resumed_equals_whole(const char *name, watcher w, fv_status want)
{
    const char *whole = whole_run(), *out = folder(name);
    fv_train_opts o = options(out);
    ends_with(&o, &w, want, "checkpoint");
    o.resume = "auto";
    train_ok(&o, NULL);
    same_file(whole, out, "last.safetensors");
    same_file(whole, out, "model_best.safetensors");
}

static void test_resume_is_exact_in_the_middle_of_an_epoch(void **state)
{
    (void)state;
    resumed_equals_whole("middle", (watcher){ .stop_at = 3, .wish = FV_TRAIN_STOP }, FV_STOPPED);
}

static void test_resume_is_exact_at_the_end_of_an_epoch(void **state)
{
    (void)state;
    resumed_equals_whole("end", (watcher){ .stop_at = STEPS, .wish = FV_TRAIN_INTERRUPT }, FV_INTERRUPTED);
}

static void test_resume_is_exact_after_a_stop_in_evaluation(void **state)
{
    (void)state;
    resumed_equals_whole("eval", (watcher){ .in_eval = true, .wish = FV_TRAIN_STOP }, FV_STOPPED);
}

/* Stopped after every third step, as by a cluster that takes its machines back. */
static void test_resume_is_exact_when_stopped_again_and_again(void **state)
{
    (void)state;
    const char *whole = whole_run(), *out = folder("again");
    fv_train_opts o = options(out);
    o.resume = "auto";
    for (int64_t step = 3; step < EPOCHS * STEPS; step += 3)
        ends_with(&o, &(watcher){ .stop_at = step, .wish = FV_TRAIN_STOP }, FV_STOPPED, "stopped");
    train_ok(&o, NULL);
    same_file(whole, out, "last.safetensors");
}

static void test_abandoned_run_goes_on_from_its_last_save(void **state)
{
    (void)state;
    const char *whole = whole_run(), *out = folder("abandoned");
    fv_train_opts o = options(out);
    o.checkpoint_every = 2;
    ends_with(&o, &(watcher){ .stop_at = 5, .wish = FV_TRAIN_ABANDON }, FV_INTERRUPTED, "abandoned");
    assert_int_equal(fv_checkpoint_newest(out, INT64_MAX), 4);
    o.resume = "auto";
    train_ok(&o, NULL);
    same_file(whole, out, "last.safetensors");
}

static void test_threads_and_workers_change_no_bit(void **state)
{
    (void)state;
    const char *whole = whole_run(), *out = folder("threads");
    fv_train_opts o = options(out);
    o.threads = 2;
    o.workers = 4;
    train_ok(&o, NULL);
    same_file(whole, out, "last.safetensors");
    same_file(whole, out, "model_best.safetensors");
}

/* Every change of pictures and labels is a function of the step, so a run may be stopped and go on with other threads. */
static void test_changed_and_mixed_pictures_resume_to_the_same_bits(void **state)
{
    (void)state;
    fv_train_opts o = options(folder("changed"));
    o.aa = "rand-m9-n2-mstd0.5-inc1";
    o.color_jitter = 0.4;
    o.hue_jitter = 0.1;
    o.pca = 0.1;
    o.reprob = 0.5;
    o.mixup = 0.4;
    o.cutmix = 1;
    o.mixup_prob = 0.8;
    o.vflip = 0.1;
    o.scale[0] = 0.3, o.scale[1] = 1;
    train_ok(&o, NULL);
    const char *whole = o.output;
    o.output = folder("changed-again");
    o.resume = "auto";
    ends_with(&o, &(watcher){ .stop_at = 3, .wish = FV_TRAIN_STOP }, FV_STOPPED, "checkpoint");
    o.threads = 2;
    o.workers = 3;
    train_ok(&o, NULL);
    same_file(whole, o.output, "last.safetensors");
    o.mixup = 0.2;
    ends_with(&o, NULL, FV_ARG, "mixup 0.2");
}

/* Knowing no more than how many classes there are costs the entropy of a chance of 1/10, 0.325, at best. */
static void test_run_by_the_binary_loss_learns(void **state)
{
    (void)state;
    fv_train_result r;
    fv_err err;
    fv_train_opts o = options(folder("binary"));
    const double ignorance = -(0.1 * log(0.1) + 0.9 * log(0.9));
    o.loss = FV_LOSS_BCE, o.opt = FV_OPT_ADAMW, o.lr = 0.005, o.epochs = 8;
    if (train(&o, NULL, &r, NULL, &err) != FV_OK) fail_msg("%s", err.msg);
    assert_true(r.epochs[0].train_loss < 1.5 * log(2)); /* where it begins */
    const fv_epoch *last = &r.epochs[7];
    if (!(last->train_loss < ignorance / 2 && last->eval_loss < ignorance / 2 && last->top1 >= 50))
        fail_msg("losses %g and %g, top-1 %g %%", last->train_loss, last->eval_loss, last->top1);
    fv_train_result_free(&r);
}

/* ---- what is refused ---- */

static void damage(const char *path)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, 5000, SEEK_SET);
    const int c = fgetc(f);
    fseek(f, 5000, SEEK_SET);
    fputc(c ^ 1, f);
    fclose(f);
}

static void test_damaged_checkpoint_falls_back_or_is_refused(void **state)
{
    (void)state;
    const char *whole = whole_run(), *out = folder("damaged");
    fv_train_opts o = options(out);
    char path[300];
    o.checkpoint_every = 2;
    ends_with(&o, &(watcher){ .stop_at = 5, .wish = FV_TRAIN_STOP }, FV_STOPPED, "step 5");
    fv_checkpoint_path(path, sizeof path, out, 5);
    damage(path);
    o.resume = path;
    ends_with(&o, NULL, FV_FORMAT, "checkpoint-5.fvc");
    o.resume = "auto"; /* step 4 is good */
    train_ok(&o, NULL);
    same_file(whole, out, "last.safetensors");
}

static void test_other_options_or_model_are_refused_by_name(void **state)
{
    (void)state;
    fv_train_opts o = options(whole_run());
    char path[300];
    fv_checkpoint_path(path, sizeof path, o.output, EPOCHS * STEPS);
    o.resume = path;
    o.lr = 0.07;
    ends_with(&o, NULL, FV_ARG, "lr 0.07");
    o.lr = 0.05, o.loss = FV_LOSS_BCE;
    ends_with(&o, NULL, FV_ARG, "loss \"bce\"");
    o = options(folder("othermodel"));
    o.resume = path;
    o.model = "resnet32";
    ends_with(&o, NULL, FV_FORMAT, "'resnet20', not of 'resnet32'");
}

static void test_output_that_cannot_be_made_is_refused(void **state)
{
    (void)state;
    char file[300];
    snprintf(file, sizeof file, "%s/test_batch.bin", data);
    fv_train_opts o = options(file);
    ends_with(&o, NULL, FV_CREATE, "test_batch.bin");
    o.output = "/proc/no/such/place";
    ends_with(&o, NULL, FV_CREATE, "/proc/no/such/place");
}

static void test_senseless_options_are_refused(void **state)
{
    (void)state;
    fv_train_opts o[16];
    for (int i = 0; i < 16; i++) o[i] = options(folder("senseless"));
    o[0].epochs = 0;
    o[1].batch = 0;
    o[2].lr = NAN;
    o[3].momentum = 1;
    o[4].smoothing = -0.1;
    o[5].decay_rate = 2;
    o[6].channels = 2;
    o[7].data = NULL;
    o[8].aa = "rand-m9-x2";
    o[9].mixup = -1;
    o[10].hue_jitter = 0.6;
    o[11].scale[0] = 0.5, o[11].scale[1] = 0.2;
    o[12].reprob = NAN;
    o[13].loss = (fv_loss)2;
    o[14].bce_target_thresh = 0.2;
    o[15].loss = FV_LOSS_BCE, o[15].bce_target_thresh = 1;
    for (int i = 0; i < 16; i++) ends_with(&o[i], NULL, FV_ARG, "");
    assert_false(there(root, "senseless"));
}

static void test_run_that_diverges_ends(void **state)
{
    (void)state;
    fv_train_opts o = options(folder("diverges"));
    o.lr = 1e9;
    o.warmup_epochs = 0;
    o.checkpoint_every = 1;
    ends_with(&o, NULL, FV_DIVERGED, "finite");
}

/* Saves fail, because folders stand where files should; the third time the run ends, and nothing old is lost. */
static void test_three_failed_saves_end_the_run(void **state)
{
    (void)state;
    const char *out = folder("full");
    fv_train_opts o = options(out);
    fv_train_result r;
    fv_err err;
    char blocked[300], text[500] = "";
    mkdir(out, 0777);
    for (int64_t step = 2; step <= 6; step++) {
        fv_checkpoint_path(blocked, sizeof blocked, out, step);
        mkdir(blocked, 0777);
    }
    o.checkpoint_every = 1;
    assert_int_equal(train(&o, NULL, &r, text, &err), FV_IO);
    assert_int_equal(r.steps, 4);
    assert_non_null(strstr(text, "cannot save"));
    assert_true(there(out, "checkpoint-1.fvc"));
    fv_train_result_free(&r);
}

static void test_fresh_run_replaces_older_checkpoints(void **state)
{
    (void)state;
    const char *out = folder("fresh");
    fv_train_opts o = options(out);
    o.max_steps = 9;
    train_ok(&o, NULL);
    assert_int_equal(fv_checkpoint_newest(out, INT64_MAX), 9);
    o.max_steps = 4;
    train_ok(&o, NULL);
    assert_int_equal(fv_checkpoint_newest(out, INT64_MAX), 4);
    assert_int_equal(fv_checkpoint_newest(out, 4), -1);
}

static void leave(const char *dir, const char name[80])
{
    char path[1000];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
}

/* Left over by killed runs: what is ours and whose process is gone goes, all else stays. */
static void test_leftovers_of_killed_runs_are_swept(void **state)
{
    (void)state;
    const char *out = folder("swept");
    const pid_t gone = fork();
    if (gone == 0) _exit(0);
    assert_true(gone > 0);
    assert_int_equal(waitpid(gone, NULL, 0), gone);
    char name[8][80];
    const char *const of[8] = { "last.safetensors.tmp.%d",       "checkpoint-12.fvc.tmp.%d", "args.json.tmp.%d",
                                "model_best.safetensors.tmp.%d", "results.csv.tmp.%d",       "notes.txt.tmp.%d",
                                "last.safetensors.tmp.%dx",      "last.safetensors.tmp.%d" };
    mkdir(out, 0777);
    for (int i = 0; i < 8; i++) {
        snprintf(name[i], sizeof name[i], of[i], i < 7 ? (int)gone : (int)getppid());
        leave(out, name[i]);
    }
    fv_train_opts o = options(out);
    o.max_steps = 1;
    train_ok(&o, NULL);
    for (int i = 0; i < 8; i++)
        if (there(out, name[i]) != (i >= 5)) fail_msg("%s", name[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_learns_and_leaves_its_files),
        cmocka_unit_test(test_run_by_the_binary_loss_learns),
        cmocka_unit_test(test_finished_run_is_left_alone),
        cmocka_unit_test(test_resume_is_exact_in_the_middle_of_an_epoch),
        cmocka_unit_test(test_resume_is_exact_at_the_end_of_an_epoch),
        cmocka_unit_test(test_resume_is_exact_after_a_stop_in_evaluation),
        cmocka_unit_test(test_resume_is_exact_when_stopped_again_and_again),
        cmocka_unit_test(test_abandoned_run_goes_on_from_its_last_save),
        cmocka_unit_test(test_threads_and_workers_change_no_bit),
        cmocka_unit_test(test_changed_and_mixed_pictures_resume_to_the_same_bits),
        cmocka_unit_test(test_damaged_checkpoint_falls_back_or_is_refused),
        cmocka_unit_test(test_other_options_or_model_are_refused_by_name),
        cmocka_unit_test(test_output_that_cannot_be_made_is_refused),
        cmocka_unit_test(test_senseless_options_are_refused),
        cmocka_unit_test(test_run_that_diverges_ends),
        cmocka_unit_test(test_three_failed_saves_end_the_run),
        cmocka_unit_test(test_fresh_run_replaces_older_checkpoints),
        cmocka_unit_test(test_leftovers_of_killed_runs_are_swept),
    };
    return cmocka_run_group_tests_name("train", tests, make_data, remove_data);
}
