/* evaluate.c -- accuracy of a network on a labelled set. Pictures that cannot be read are listed, not hidden: every
 * figure is over those that could.
 * SPDX-License-Identifier: Apache-2.0 */
#include "eval/evaluate.h"
#include "base/clock.h"
#include "base/json.h"
#include "eval/report.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Metrics outlive every environment, so they live on the plain heap. */
void fv_metrics_free(fv_metrics *m)
{
    if (!m) return;
    for (int64_t i = 0; i < m->nbad; i++) {
        fv_release(NULL, m->bad[i].file);
        fv_release(NULL, m->bad[i].reason);
    }
    fv_release(NULL, m->bad);
    fv_release(NULL, m->confusion);
    *m = (fv_metrics){ 0 };
}

typedef struct tally {
    fv_metrics *m;
    size_t bad_cap;
    int64_t top5, topk;
    double loss;
} tally;

static fv_status copy(char **out, const char *s, fv_err *err)
{
    void *p;
    const size_t bytes = strlen(s) + 1;
    FV_TRY(fv_alloc_or(NULL, &p, bytes, err));
    *out = memcpy(p, s, bytes);
    return FV_OK;
}

static fv_status add_bad(tally *t, const char *file, const char *reason, fv_err *err)
{
    fv_metrics *m = t->m;
    FV_TRY(fv_grow(NULL, (void **)&m->bad, &t->bad_cap, (size_t)m->nbad + 1, sizeof *m->bad, err));
    fv_bad_sample *b = &m->bad[m->nbad++];
    *b = (fv_bad_sample){ 0 };
    FV_TRY(copy(&b->file, file, err));
    return copy(&b->reason, reason, err);
}

static int views_of(const fv_eval_job *job)
{
    return job->views > 1 ? job->views : 1;
}

static fv_status add_image(tally *t, const fv_eval_job *job, const fv_batch *b, int i, fv_err *err)
{
    fv_metrics *m = t->m;
    const int classes = job->classes, label = b->labels[i], views = views_of(job);
    float *logits = job->logits + (size_t)i * (size_t)views * (size_t)classes;
    const char *file = job->data->source->file(job->data, b->samples[i]);
    if (label < 0 || label >= classes)
        return fv_fail(err, FV_FORMAT, "%s: label %d, the network has %d classes", file, label, classes);
    if (views > 1) fv_mean_of_views(logits, classes, views);
    const fv_answer a = fv_answer_of(logits, classes, label);
    if (!isfinite(a.loss)) return fv_fail(err, FV_BUG, "%s: the network's answer is not finite", file);
    fv_bin *bin = &m->bin[fv_bin_of(a.p)];
    m->confusion[(size_t)label * (size_t)classes + (size_t)a.predicted]++;
    m->n++;
    m->correct += a.rank == 0;
    bin->n++;
    bin->correct += a.rank == 0;
    bin->p += a.p;
    t->top5 += a.rank < 5;
    t->topk += a.rank < m->k;
    t->loss += job->loss == FV_LOSS_BCE ? fv_binary_cross_entropy(logits, classes, label) : a.loss;
    if (!job->gallery) return FV_OK;
    const fv_prep *p = &job->gallery->prep;
    const size_t floats = (size_t)p->h * (size_t)p->w * (size_t)p->channels;
    const size_t view = (size_t)i * (size_t)views + (views >= 5 ? 4 : 0); /* the centre is shown */
    return fv_gallery_add(job->gallery, &a, b->samples[i], b->images + view * floats, err);
}

static fv_status add_batch(tally *t, const fv_eval_job *job, const fv_batch *b, fv_err *err)
{
    const fv_data *d = job->data;
    if (b->fatal) return fv_fail(err, b->fatal->status, "%s", b->fatal->msg);
    for (int i = 0; i < b->nbad; i++)
        FV_TRY(add_bad(t, d->source->file(d, b->bad_samples[i]), b->bad_reasons[i].msg, err));
    if (b->n > 0) fv_run(job->plan, b->n * views_of(job), b->images, job->logits);
    for (int i = 0; i < b->n; i++) FV_TRY(add_image(t, job, b, i, err));
    return FV_OK;
}

static fv_status walk(tally *t, const fv_eval_job *job, fv_err *err)
{
    FV_TRY(fv_loader_start(job->loader, 0, 0, err));
    for (fv_batch b; fv_loader_next(job->loader, &b);) {
        FV_TRY(add_batch(t, job, &b, err));
        const int64_t done = t->m->n + t->m->nbad;
        if (job->go_on && !job->go_on(job->user, done, job->data->count))
            return fv_fail(err, FV_STOPPED, "evaluation stopped after %lld pictures", (long long)done);
    }
    return FV_OK;
}

static fv_status finish(tally *t, const fv_eval_job *job, double seconds, fv_err *err)
{
    fv_metrics *m = t->m;
    if ((double)m->nbad > job->max_bad * (double)job->data->count)
        return fv_fail(err, FV_FORMAT, "%lld of %lld pictures cannot be read, the first: %s", (long long)m->nbad,
                       (long long)job->data->count, m->bad[0].reason);
    if (m->n == 0) return fv_fail(err, FV_FORMAT, "no picture could be read");
    m->top1 = 100.0 * (double)m->correct / (double)m->n;
    m->top5 = 100.0 * (double)t->top5 / (double)m->n;
    m->topk = 100.0 * (double)t->topk / (double)m->n;
    m->loss = t->loss / (double)m->n;
    fv_calibrate(m);
    m->images_per_s = seconds > 0 ? (double)m->n / seconds : 0;
    return FV_OK;
}

fv_status fv_evaluate_with(fv_metrics *m, const fv_eval_job *job, fv_err *err)
{
    tally t = { .m = m };
    const double start = fv_clock();
    const size_t cells = (size_t)job->classes * (size_t)job->classes;
    *m = (fv_metrics){ .classes = job->classes, .k = job->topk > 0 ? job->topk : 5 };
    if (job->gallery) fv_gallery_clear(job->gallery);
    fv_status s = fv_alloc_zero(NULL, (void **)&m->confusion, cells * sizeof *m->confusion, err);
    if (s == FV_OK) s = walk(&t, job, err);
    if (s == FV_OK) s = finish(&t, job, fv_clock() - start, err);
    if (s != FV_OK) fv_metrics_free(m);
    return s;
}

/* ---- the public call: makes plan and loader for one pass ---- */

static fv_prep effective_prep(const fv_prep *asked, const fv_prep *net)
{
    fv_prep p = *net;
    if (asked->h) p.h = asked->h;
    if (asked->w) p.w = asked->w;
    if (asked->resize) p.resize = asked->resize;
    if (asked->filter) p.filter = asked->filter;
    if (asked->exif) p.exif = asked->exif;
    if (asked->order) p.order = asked->order;
    p.tta = asked->tta;
    for (int c = 0; asked->std[0] != 0 && c < 3; c++) {
        p.mean[c] = asked->mean[c];
        p.std[c] = asked->std[c];
    }
    return p;
}

typedef struct progress {
    void (*fn)(void *user, int64_t done, int64_t count);
    void *user;
} progress;

static bool report(void *user, int64_t done, int64_t count)
{
    const progress *p = user;
    p->fn(p->user, done, count);
    return true;
}

static fv_status prepare(fv_eval_job *job, fv_net *net, fv_data *data, const fv_eval_opts *o, fv_err *err)
{
    fv_net_info info;
    fv_net_describe(net, &info);
    if (o->prep.channels && o->prep.channels != info.prep.channels)
        return fv_fail(err, FV_SHAPE, "pictures of %d channels for a network of %d", o->prep.channels,
                       info.prep.channels);
    if (data->classes > info.classes)
        return fv_fail(err, FV_SHAPE, "the data has %d classes, '%s' knows %d", data->classes, info.name, info.classes);
    const fv_prep prep = effective_prep(&o->prep, &info.prep);
    if ((unsigned)prep.tta > FV_TTA_TEN) return fv_fail(err, FV_ARG, "no views have the number %d", (int)prep.tta);
    const int views = fv_views(prep.tta), asked = (o->batch > 0 ? o->batch : 32) / views;
    const int batch = asked > 0 ? asked : 1; /* as many inputs as without views */
    const fv_plan_opts po = { .mode = FV_INFER, .batch = batch * views, .h = prep.h, .w = prep.w };
    FV_TRY(fv_plan_new(&job->plan, net, &po, err));
    const fv_loader_opts lo = { .prep = prep, .batch = batch, .workers = o->workers > 0 ? o->workers : 1 };
    FV_TRY(fv_loader_new(&job->loader, data, &lo, err));
    job->classes = info.classes;
    job->views = views;
    job->data = data;
    job->max_bad = o->max_bad;
    if (o->report) {
        FV_TRY(fv_alloc_zero(data->env.heap, (void **)&job->gallery, sizeof *job->gallery, err));
        job->gallery->prep = prep;
        job->gallery->classes = info.classes;
        job->gallery->heap = data->env.heap;
    }
    return fv_alloc_or(NULL, (void **)&job->logits, (size_t)(batch * views) * (size_t)info.classes * sizeof(float),
                       err);
}

/* What decided the figures, as JSON. */
static void put_settings(fv_writer *w, const fv_eval_job *job, const fv_eval_opts *o)
{
    const fv_prep *p = &job->gallery->prep;
    fv_write_printf(w, "{\"batch\": %d, \"views\": %d, \"max_bad\": ", o->batch > 0 ? o->batch : 32, views_of(job));
    fv_json_put_double(w, o->max_bad);
    fv_write_printf(w,
                    ", \"resize\": %d, \"crop\": \"%d x %d\", \"filter\": \"%s\", \"exif\": \"%s\", \"order\": \"%s\"",
                    p->resize, p->h, p->w, p->filter == FV_BICUBIC ? "bicubic" : "bilinear",
                    p->exif == FV_EXIF_IGNORE ? "ignore" : "apply", p->order == FV_BGR ? "bgr" : "rgb");
    for (int c = 0; c < p->channels; c++)
        fv_write_printf(w, ", \"mean %d\": %.6g, \"std %d\": %.6g", c, (double)p->mean[c], c, (double)p->std[c]);
    fv_write_printf(w, "}");
}

static fv_status write_report(const fv_metrics *m, const fv_net *net, const fv_eval_job *job, const fv_eval_opts *o,
                              fv_err *err)
{
    char title[200];
    fv_net_info info;
    fv_plan_info plan;
    fv_writer settings = { .heap = job->data->env.heap };
    fv_net_describe(net, &info);
    fv_plan_describe(job->plan, &plan);
    put_settings(&settings, job, o);
    snprintf(title, sizeof title, "%s: %.2f %% right", info.name, m->top1);
    const fv_report r = { .title = title,
                          .net = &info,
                          .data = job->data,
                          .metrics = m,
                          .gallery = job->gallery,
                          .settings = { settings.p, settings.len },
                          .cpu = job->data->env.cpu,
                          .threads = plan.threads,
                          .plan_bytes = plan.total_bytes };
    fv_status s = settings.failed ? fv_fail(err, FV_NOMEM, "no memory for the settings' text") : FV_OK;
    if (s == FV_OK) s = fv_report_write(&r, o->report, job->data->env.heap, err);
    fv_writer_free(&settings);
    return s;
}

fv_status fv_evaluate(fv_metrics *m, fv_net *net, fv_data *data, const fv_eval_opts *opts, fv_err *err)
{
    const fv_eval_opts o = opts ? *opts : (fv_eval_opts){ 0 };
    progress p = { o.progress, o.user };
    fv_eval_job job = { .topk = o.topk, .go_on = o.progress ? report : NULL, .user = &p };
    *m = (fv_metrics){ 0 };
    fv_status s = prepare(&job, net, data, &o, err);
    if (s == FV_OK) s = fv_evaluate_with(m, &job, err);
    if (s == FV_OK && o.report) s = write_report(m, net, &job, &o, err);
    if (s != FV_OK) fv_metrics_free(m);
    if (job.gallery) fv_gallery_clear(job.gallery);
    fv_release(data->env.heap, job.gallery);
    fv_loader_free(job.loader);
    fv_plan_free(job.plan);
    fv_release(NULL, job.logits);
    return s;
}
