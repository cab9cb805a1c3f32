/* cmd_train.c -- training: options by timm's names, signals, the progress line, the way to go on.
 * SPDX-License-Identifier: Apache-2.0 */
#include "augment_options.h"
#include "network.h"
#include "output.h"
#include "recipe_options.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

typedef struct train_args {
    fv_train_opts o;
    int64_t log_interval;
} train_args;
#define AT(field) offsetof(train_args, o.field)
// clang-format off
const cli_option options_train[] = {
    { "model",            0,   CLI_TEXT,   AT(model),            "NAME",     "the network; 'fovea models' lists them", 0, 0 },
    { "output",           0,   CLI_TEXT,   AT(output),           "DIR",      "folder for models, checkpoints and results", 0, 0 },
    { "weights",          0,   CLI_TEXT,   AT(weights),          "FILE",     "start from these weights", 0, 0 },
    { "resume",           0,   CLI_TEXT,   AT(resume),           "auto|FILE", "go on from the newest checkpoint in DIR, or from FILE", 0, 0 },
    { "epochs",           0,   CLI_INT,    AT(epochs),           "N",        "passes over the training set", 1, 1e6 },
    { "max-steps",        0,   CLI_INT64,  AT(max_steps),        "N",        "end after so many updates", 1, 1e12 },
    { "batch-size",       'b', CLI_INT,    AT(batch),            "N",        "images of a batch (128)", 1, 65536 },
    { "lr",               0,   CLI_REAL,   AT(lr),               "RATE",     "learning rate after the warm-up", 0, 1e3 },
    { "sched",            0,   CLI_CHOICE, AT(sched),            "cosine|step|multistep|exp|poly|onecycle", "how the rate falls", FV_SCHED_COSINE, 0 },
    { "warmup-epochs",    0,   CLI_REAL,   AT(warmup_epochs),    "N",        "epochs in which the rate rises", 0, 1e6 },
    { "decay-epochs",     0,   CLI_REAL,   AT(decay_epochs),     "N",        "step, exp: epochs between falls (30)", 0, 1e6 },
    { "decay-rate",       0,   CLI_REAL,   AT(decay_rate),       "FACTOR",   "step, multistep, exp: factor of a fall (0.1)", 0, 1 },
    { "momentum",         0,   CLI_REAL,   AT(momentum),         "M",        "of sgd and rmsprop (0.9)", 0, 1 },
    { "nesterov",         0,   CLI_FLAG,   AT(nesterov),         "",         "Nesterov's momentum (on); --no-nesterov: plain", 0, 0 },
    { "wd",               0,   CLI_REAL,   AT(wd),               "W",        "weight decay (5e-4)", 0, 1e3 },
    { "loss",             0,   CLI_CHOICE, AT(loss),             "softmax|bce", "cross-entropy of softmax, or binary: a question for each class", FV_LOSS_SOFTMAX, 0 },
    { "bce-target-thresh", 0,  CLI_REAL,   AT(bce_target_thresh), "SHARE",   "bce: classes with more than this of a picture are in it, others not", 0, 1 },
    { "smoothing",        0,   CLI_REAL,   AT(smoothing),        "S",        "label smoothing", 0, 1 },
    { "clip-grad",        0,   CLI_REAL,   AT(clip),             "NORM",     "largest norm of the gradient", 0, 1e9 },
    { "seed",             0,   CLI_UINT64, AT(seed),             "N",        "of all random numbers", 0, 0 },
    { "threads",          0,   CLI_INT,    AT(threads),          "N",        "threads; default: the cores this process may use", 1, 1024 },
    { "workers",          'j', CLI_INT,    AT(workers),          "N",        "threads that decode pictures", 1, 256 },
    { "grad-checkpointing", 0, CLI_FLAG,   AT(grad_checkpointing), "",       "much less memory, up to a quarter slower: the same weights", 0, 0 },
    { "checkpoint-every", 0,   CLI_INT64,  AT(checkpoint_every), "STEPS",    "save so often; default: at epoch ends", 1, 1e12 },
    { "log-interval",     0,   CLI_INT64,  offsetof(train_args, log_interval), "STEPS", "a line so often; without a terminal, once a minute", 1, 1e12 },
    { "stem",             0,   CLI_CHOICE, AT(stem),             "imagenet|cifar", "first layers: for 224 pixels, or for 28 to 64", FV_STEM_IMAGENET, 0 },
    { "size",             0,   CLI_INT,    AT(size),             "N",        "height and width of the input", 1, 16384 },
    { "channels",         0,   CLI_INT,    AT(channels),         "1|3",      "channels of the input", 1, 3 },
    RECIPE_OPTIONS,
    AUGMENT_OPTIONS(0),
    { "exif",             0,   CLI_CHOICE, AT(exif),             "apply|ignore", "orientation of photographs", FV_EXIF_APPLY, 0 },
    { "max-bad",          0,   CLI_REAL,   AT(max_bad),          "SHARE",    "unreadable pictures that are forgiven (0.01)", 0, 1 },
    { "val-share",        0,   CLI_REAL,   AT(val_share),        "SHARE",    "of a folder without splits that is kept for val (0.2)", 0, 0.9 },
    { "val-split",        0,   CLI_TEXT,   AT(val_split),        "NAME",     "split to evaluate on (val, or test)", 0, 0 },
    { "class-names",      0,   CLI_TEXT,   AT(names_file),       "FILE",     "a class name a line, for data without names (IDX)", 0, 0 },
    { 0 },
};
// clang-format on

enum { LINE_EVERY = 60 }; /* seconds */

typedef struct session {
    cli *c;
    cli_progress progress;
    int signals, interrupts, stops;
    int64_t log_interval; /* 0: not asked for */
    double last_line;
} session;

/* Blocked before any thread exists, so that every signal waits in the descriptor until the loop asks. */
static int hold_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static fv_train_wish wish(session *s)
{
    struct signalfd_siginfo info;
    while (s->signals >= 0 && read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        const bool interrupt = info.ssi_signo == SIGINT;
        *(interrupt ? &s->interrupts : &s->stops) += 1;
        if (s->interrupts + s->stops > 1) continue;
        cli_progress_clear(&s->progress);
        cli_say("finishing the step and saving%s", interrupt ? "; once more to stop at once" : "");
    }
    if (s->interrupts + s->stops > 1) return FV_TRAIN_ABANDON;
    return s->interrupts ? FV_TRAIN_INTERRUPT : s->stops ? FV_TRAIN_STOP : FV_TRAIN_GO;
}

static void show_epoch(session *s, const fv_epoch *e, int epochs)
{
    cli_progress_clear(&s->progress);
    fprintf(stderr,
            "epoch %d/%d: loss %.4f, train top-1 %.2f %%, val loss %.4f, top-1 %.2f %%, top-5 %.2f %%, lr %.3g, "
            "%.1f images/s\n",
            e->epoch, epochs, e->train_loss, e->train_top1, e->eval_loss, e->top1, e->top5, e->lr, e->images_per_s);
    s->last_line = cli_now();
}

static void eta(char *out, size_t cap, double seconds)
{
    const int t = seconds > 0 && seconds < 1e8 ? (int)seconds : 0;
    if (t >= 3600) snprintf(out, cap, "%d:%02d:%02d", t / 3600, t / 60 % 60, t % 60);
    else snprintf(out, cap, "%d:%02d", t / 60, t % 60);
}

/* The bar on a terminal; elsewhere a line once a minute, or as often as was asked. */
static void show_step(session *s, const fv_train_event *e)
{
    char left[32];
    eta(left, sizeof left, e->eta_s);
    cli_progress_draw(&s->progress, e->step, e->steps, "epoch %d/%d  loss %.4f  top-1 %.2f %%  %.0f images/s  ETA %s",
                      e->epoch, e->epochs, e->loss, e->top1, e->images_per_s, left);
    const bool due = s->log_interval > 0 ? e->step % s->log_interval == 0
                                         : !s->progress.on && cli_now() - s->last_line >= LINE_EVERY;
    if (!due) return;
    cli_progress_clear(&s->progress);
    fprintf(stderr,
            "step %" PRId64 "/%" PRId64
            ", epoch %d/%d: loss %.4f, train top-1 %.2f %%, lr %.3g, %.1f images/s, ETA %s\n",
            e->step, e->steps, e->epoch, e->epochs, e->loss, e->top1, e->lr, e->images_per_s, left);
    s->last_line = cli_now();
}

static fv_train_wish watch(void *user, const fv_train_event *e)
{
    session *s = user;
    switch (e->kind) {
    case FV_TRAIN_BEGIN:
        if (e->text) cli_say("%s", e->text);
        break;
    case FV_TRAIN_STEP:
        show_step(s, e);
        break;
    case FV_TRAIN_EVAL:
        cli_progress_draw(&s->progress, e->done, e->count, "evaluating %" PRId64 "/%" PRId64, e->done, e->count);
        break;
    case FV_TRAIN_EPOCH:
        if (e->row) show_epoch(s, e->row, e->epochs);
        break;
    case FV_TRAIN_SAVED:
        break;
    }
    return wish(s);
}

/* A word as the shell reads it back. */
static void shell_word(FILE *to, const char *word)
{
    if (*word &&
        strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%") == strlen(word)) {
        fputs(word, to);
        return;
    }
    fputc('\'', to);
    for (; *word; word++) {
        if (*word == '\'') fputs("'\\''", to);
        else fputc(*word, to);
    }
    fputc('\'', to);
}

/* The command line that goes on: as it was called, with --resume auto. */
static void tell_resume(const cli *c, const char *first)
{
    fputs("fovea: to go on: ", stderr);
    shell_word(stderr, first);
    for (int i = 1; i < c->argc; i++) {
        if (strcmp(c->argv[i], "--resume") == 0 && i + 1 < c->argc) {
            i++;
            continue;
        }
        if (strncmp(c->argv[i], "--resume=", 9) == 0) continue;
        fputc(' ', stderr);
        shell_word(stderr, c->argv[i]);
        if (i == 1) fputs(" --resume auto", stderr); /* behind the command's name */
    }
    fputc('\n', stderr);
}

static void result_json(const fv_train_result *r, const fv_train_opts *o)
{
    cli_json j = { .out = stdout };
    json_open(&j, NULL, '{');
    json_open(&j, "epochs", '[');
    for (int i = 0; i < r->nepochs; i++) {
        const fv_epoch *e = &r->epochs[i];
        json_open(&j, NULL, '{');
        json_int(&j, "epoch", e->epoch);
        json_int(&j, "step", e->step);
        json_real(&j, "train_loss", e->train_loss);
        json_real(&j, "train_top1", e->train_top1);
        json_real(&j, "eval_loss", e->eval_loss);
        json_real(&j, "top1", e->top1);
        json_real(&j, "top5", e->top5);
        json_real(&j, "lr", e->lr);
        json_real(&j, "images_per_s", e->images_per_s);
        json_real(&j, "seconds", e->seconds);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_real(&j, "best_top1", r->best_top1);
    json_int(&j, "steps", r->steps);
    json_int(&j, "bad", r->bad);
    json_bool(&j, "finished", r->finished);
    json_text(&j, "output", o->output);
    json_close(&j, '}');
}

static void result_text(const fv_train_result *r, const fv_train_opts *o)
{
    printf("best top-1 %.2f %%\n", r->best_top1);
    if (r->bad) printf("%" PRId64 " unreadable pictures were skipped\n", r->bad);
    const char *files[] = { "model_best.safetensors", "last.safetensors", "results.csv", "report.html", "args.json" };
    for (int i = 0; i < 5; i++) {
        cli_text(stdout, o->output);
        printf("/%s\n", files[i]);
    }
}

static int report(session *s, const fv_train_result *r, const fv_train_opts *o, fv_status status, const fv_err *err)
{
    const bool stopped = status == FV_STOPPED || status == FV_INTERRUPTED;
    cli_progress_clear(&s->progress);
    if (s->interrupts + s->stops > 1) {
        cli_say("stopped at once; nothing was saved after the last checkpoint");
        return fv_status_exit(s->interrupts ? FV_INTERRUPTED : FV_STOPPED);
    }
    if (status != FV_OK && !stopped) return cli_fail(err);
    if (s->c->json) result_json(r, o);
    else if (r->nepochs > 0) result_text(r, o); /* before the first epoch's end there is a checkpoint and no result */
    if (!stopped) return 0;
    cli_say("stopped after step %" PRId64, r->steps);
    tell_resume(s->c, s->c->argv[0]);
    return fv_status_exit(status);
}

/* A recipe goes before the other options, wherever it stands among them. */
static int read_options(cli *c, train_args *a, int argc, char **argv, int *n)
{
    char **copy = malloc(((size_t)argc + 1) * sizeof *copy);
    fv_train_opts *const o = &a->o;
    train_args first = *a;
    fv_err err = { 0 };
    if (!copy) return cli_usage(c, "no memory for %d arguments", argc);
    memcpy(copy, argv, (size_t)argc * sizeof *copy);
    int code = cli_parse(c, &first, argc, copy, n);
    free(copy);
    if (code >= 0) return code;
    for (int i = 0; i < argc; i++) o->new_head |= strncmp(argv[i], "--finetune", 10) == 0;
    const char *recipe = first.o.recipe ? first.o.recipe : o->new_head ? "finetune" : NULL;
    if (recipe && fv_train_recipe(o, recipe, first.o.model, &err) != FV_OK)
        return cli_usage(c, "%s; 'fovea help recipes' lists them", err.msg);
    recipe = o->recipe;
    code = cli_parse(c, a, argc, argv, n);
    o->recipe = recipe; /* the one that "auto" found */
    return code;
}

int cmd_train(cli *c, int argc, char **argv)
{
    train_args a = { 0 };
    fv_train_opts *const o = &a.o;
    fv_train_result r = { 0 };
    fv_err err = { 0 };
    int n = 0;
    session s = { .c = c, .progress = cli_progress_new(), .last_line = cli_now() };
    fv_train_defaults(o);
    int code = read_options(c, &a, argc, argv, &n);
    if (code < 0) code = cli_expect(c, n, 1, 1);
    if (code < 0) code = cli_check_model(c, o->model);
    if (code < 0 && !o->output) code = cli_usage(c, "--output is missing");
    if (code < 0 && o->channels == 2) code = cli_usage(c, "--channels is 1 or 3");
    if (code >= 0) return code;
    o->data = argv[0];
    s.log_interval = a.log_interval;
    s.signals = hold_signals();
    if (s.signals < 0) cli_say("warning: cannot wait for signals (%s): a signal will end the run", strerror(errno));
    c->env.threads = o->threads;
    c->progress = &s.progress;
    const fv_status status = fv_train(&r, o, watch, &s, &c->env, &err);
    code = report(&s, &r, o, status, &err);
    c->progress = NULL;
    fv_train_result_free(&r);
    if (s.signals >= 0) close(s.signals);
    return code;
}
