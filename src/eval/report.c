/* report.c -- the page of a training or an evaluation, part by part in the order of reading: the figures, the curves,
 * the mistakes, the calibration, what it was made with.
 * SPDX-License-Identifier: Apache-2.0 */
#include "eval/report.h"
#include "base/cpu.h"
#include "base/json.h"
#include "page/page.h"
#include "page/plot.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FEW_EPOCHS = 5, MOST_CLASSES = 30, FEWER_CLASSES = 25, MOST_PAIRS = 12, MOST_BAD = 50, NAME = 100 };

typedef struct job {
    const fv_report *r;
    fv_writer w;
    fv_arena arena; /* names and numbers of tables and plots */
    fv_err *err;
} job;

/* ---- names ---- */

static const char *class_name(const job *j, int i, char text[NAME])
{
    const fv_report *r = j->r;
    const char *const *names = r->data && r->data->class_names && i < r->data->classes ? r->data->class_names
                               : r->net                                                ? r->net->class_names
                                                                                       : NULL;
    if (names) snprintf(text, NAME, "%s", names[i]);
    else snprintf(text, NAME, "%d", i);
    return text;
}

static int64_t count(const fv_metrics *m, int label, int predicted)
{
    return m->confusion[(size_t)label * (size_t)m->classes + (size_t)predicted];
}

/* ---- figures ---- */

static void facts(job *j)
{
    const fv_report *r = j->r;
    const fv_metrics *m = r->metrics;
    fv_writer *w = &j->w;
    fv_class_score macro, weighted;
    fv_score_means(m, &macro, &weighted);
    fv_facts_open(w);
    fv_fact(w, r->epochs ? "top-1 (last epoch)" : "top-1", "%.2f %%", m->top1);
    double best = -1, seconds = 0;
    int at = 0;
    for (int i = 0; i < r->nepochs; i++) {
        seconds += r->epoch[i].seconds;
        if (r->epoch[i].top1 > best) best = r->epoch[i].top1, at = r->epoch[i].epoch;
    }
    if (r->nepochs > 0) fv_fact(w, "best top-1", "%.2f %% (epoch %d)", best, at);
    fv_fact(w, "top-5", "%.2f %%", m->top5);
    fv_fact(w, "loss", "%.4f", m->loss);
    fv_fact(w, "F1, mean of classes", "%.2f %%", macro.f1);
    fv_fact(w, "calibration error (ECE)", "%.4f", m->ece);
    fv_fact(w, "pictures", "%" PRId64, m->n);
    if (r->nepochs > 0) {
        fv_fact(w, "epochs", "%d of %d", r->nepochs, r->epochs);
        fv_fact(w, "training speed", "%.1f images/s", r->epoch[r->nepochs - 1].images_per_s);
        fv_fact(w, "time", seconds < 6000 ? "%.1f min" : "%.2f h", seconds < 6000 ? seconds / 60 : seconds / 3600);
    }
    fv_fact(w, "evaluation speed", "%.1f images/s", m->images_per_s);
    fv_facts_close(w);
}

/* ---- curves ---- */

static double *column(job *j, size_t offset)
{
    double *v = fv_arena_alloc(&j->arena, (size_t)j->r->nepochs * sizeof *v);
    for (int i = 0; v && i < j->r->nepochs; i++) memcpy(&v[i], (const char *)&j->r->epoch[i] + offset, sizeof *v);
    return v;
}

/* Few epochs would get ticks between them. */
static fv_axis epochs_axis(int n)
{
    return (fv_axis){ .title = "epoch", .high = n < FEW_EPOCHS ? FEW_EPOCHS : 0 };
}

static void curve(job *j, const char *title, fv_axis y, const fv_series *series, int n)
{
    if (j->arena.failed) return;
    fv_plot_write(
        &j->w, &(fv_plot){ .title = title, .x = epochs_axis(j->r->nepochs), .y = y, .nseries = n, .series = series });
}

static void curves(job *j)
{
    const int n = j->r->nepochs;
    double *x = fv_arena_alloc(&j->arena, (size_t)n * sizeof *x);
    for (int i = 0; x && i < n; i++) x[i] = j->r->epoch[i].epoch;
    const fv_form form = n < 40 ? FV_FORM_BOTH : FV_FORM_LINE;
#define COLUMN(field) column(j, offsetof(fv_epoch, field))
#define SERIES(title, field)                                                                                           \
    {                                                                                                                  \
        .name = title, .form = form, .n = n, .x = x, .y = COLUMN(field)                                                \
    }
    const fv_series loss[] = { SERIES("training", train_loss), SERIES("validation", eval_loss) };
    const fv_series right[] = { SERIES("training", train_top1), SERIES("validation, top-1", top1),
                                SERIES("validation, top-5", top5) };
    const fv_series rate[] = { SERIES(NULL, lr) }, speed[] = { SERIES(NULL, images_per_s) };
#undef SERIES
#undef COLUMN
    fv_page_section(&j->w, "Curves");
    curve(j, "Loss", (fv_axis){ .title = "loss" }, loss, 2);
    curve(j, "Accuracy", (fv_axis){ .title = "right", .unit = "%" }, right, 3);
    curve(j, "Learning rate", (fv_axis){ .title = "rate", .zero = true }, rate, 1);
    curve(j, "Training speed", (fv_axis){ .title = "images/s", .zero = true }, speed, 1);
    fv_page_text(&j->w, "Training figures are means while learning, on augmented pictures, each before its update; "
                        "validation follows each epoch.");
}

/* ---- confusion ---- */

/* The classes of the matrix, in their order: all, or those with the most mistakes. */
static int *shown_classes(job *j, int *n)
{
    const fv_metrics *m = j->r->metrics;
    int *shown = fv_arena_alloc(&j->arena, (size_t)m->classes * sizeof *shown);
    int64_t *wrong = fv_arena_alloc(&j->arena, (size_t)m->classes * sizeof *wrong);
    *n = 0;
    if (!shown || !wrong) return NULL;
    for (int i = 0; i < m->classes; i++)
        for (int k = 0; k < m->classes; k++)
            if (i != k) wrong[i] += count(m, i, k), wrong[k] += count(m, i, k);
    const int most = m->classes <= MOST_CLASSES ? m->classes : FEWER_CLASSES;
    for (int i = 0; i < m->classes; i++) {
        int before = 0; /* classes with more mistakes */
        for (int k = 0; k < m->classes && before < most; k++)
            before += wrong[k] > wrong[i] || (wrong[k] == wrong[i] && k < i);
        if (before < most) shown[(*n)++] = i;
    }
    return shown;
}

static void shot(job *j, const fv_shot *s, bool both_names)
{
    const fv_report *r = j->r;
    char label[NAME], answer[NAME], caption[3 * NAME], note[400];
    fv_writer png = { .heap = j->w.heap };
    fv_err why = { 0 };
    const fv_status st = fv_image_encode_png(&png, &s->im, &why);
    if (st == FV_NOMEM) j->w.failed = true;
    class_name(j, s->label, label);
    class_name(j, s->predicted, answer);
    if (both_names) snprintf(caption, sizeof caption, "%s, taken for %s", label, answer);
    else snprintf(caption, sizeof caption, "%.1f %%", 100 * s->p);
    const char *file = r->data ? r->data->source->file(r->data, s->sample) : "";
    const char *slash = strrchr(file, '/');
    if (both_names)
        snprintf(note, sizeof note, "%.1f %% against %.1f %%; no. %" PRId64 ", %s", 100 * s->p, 100 * s->p_label,
                 s->sample, slash ? slash + 1 : file);
    else snprintf(note, sizeof note, "no. %" PRId64 ", %s", s->sample, slash ? slash + 1 : file);
    if (st == FV_OK)
        fv_picture_add(&j->w, &(fv_picture){ .type = "image/png",
                                             .file = { png.p, png.len },
                                             .w = s->im.w,
                                             .h = s->im.h,
                                             .caption = caption,
                                             .note = note,
                                             .tone = s->label == s->predicted ? FV_TONE_GOOD : FV_TONE_BAD });
    else fv_page_text(&j->w, "%s (%s): %s", caption, note, why.msg);
    fv_writer_free(&png);
}

static void cell_pictures(job *j, const fv_shots *c, int row, int col)
{
    char label[NAME], answer[NAME];
    fv_page_target_open(&j->w, "cell", row, col);
    class_name(j, c->label, label);
    class_name(j, c->predicted, answer);
    fv_page_text(&j->w,
                 c->label == c->predicted ? "%s, rightly told%s: %" PRId64 " pictures, the least sure first."
                                          : "%s, taken for %s: %" PRId64 " pictures, the surest first.",
                 label, c->label == c->predicted ? "" : answer, count(j->r->metrics, c->label, c->predicted));
    fv_pictures_open(&j->w);
    for (int i = 0; i < c->n; i++) shot(j, &c->shot[i], false);
    fv_pictures_close(&j->w);
    fv_page_target_close(&j->w);
}

static void confusion(job *j)
{
    const fv_metrics *m = j->r->metrics;
    const fv_gallery *g = j->r->gallery;
    int n;
    char text[NAME];
    const int *shown = shown_classes(j, &n);
    const size_t cells = (size_t)n * (size_t)n;
    const char **name = fv_arena_alloc(&j->arena, (size_t)n * sizeof *name);
    double *value = fv_arena_alloc(&j->arena, cells * sizeof *value);
    bool *linked = fv_arena_alloc(&j->arena, cells * sizeof *linked);
    if (j->arena.failed) return;
    double most = 1;
    for (int i = 0; i < n; i++) {
        name[i] = fv_arena_strdup(&j->arena, class_name(j, shown[i], text));
        if (!name[i]) return;
        for (int k = 0; k < n; k++) {
            const int64_t v = count(m, shown[i], shown[k]);
            value[(size_t)i * (size_t)n + (size_t)k] = v > 0 ? (double)v : NAN;
            linked[(size_t)i * (size_t)n + (size_t)k] = g && fv_gallery_cell(g, shown[i], shown[k]);
            if (i != k && (double)v > most) most = (double)v; /* so that mistakes show beside the diagonal */
        }
    }
    fv_page_section(&j->w, "Confusion");
    if (n < m->classes) fv_page_text(&j->w, "The %d of %d classes with the most mistakes.", n, m->classes);
    fv_page_text(&j->w, "A row per class, a column per answer. Numbers that are underlined lead to pictures, below.");
    fv_heat_write(&j->w, &(fv_heat){ .title = "pictures of the class (row) that were taken for the class (column)",
                                     .row_title = "class",
                                     .column_title = "answer",
                                     .rows = n,
                                     .columns = n,
                                     .row = name,
                                     .column = name,
                                     .value = value,
                                     .low = 0,
                                     .high = most,
                                     .id = "cell",
                                     .linked = linked });
    for (int i = 0; g && i < n; i++)
        for (int k = 0; k < n; k++) {
            const fv_shots *c = fv_gallery_cell(g, shown[i], shown[k]);
            if (c && c->n > 0) cell_pictures(j, c, i, k);
        }
}

typedef struct pair {
    int label, predicted;
    int64_t n;
} pair;

static void pairs(job *j)
{
    static const fv_column columns[] = {
        { "class", false }, { "taken for", false }, { "pictures", true }, { "share", true }
    };
    const fv_metrics *m = j->r->metrics;
    pair top[MOST_PAIRS + 1];
    int n = 0;
    for (int i = 0; i < m->classes; i++)
        for (int k = 0; k < m->classes; k++) {
            const pair p = { i, k, count(m, i, k) };
            int at = n;
            if (i == k || p.n == 0) continue;
            while (at > 0 && top[at - 1].n < p.n) at--;
            if (at == MOST_PAIRS) continue;
            memmove(&top[at + 1], &top[at], (size_t)(n - at) * sizeof *top);
            top[at] = p;
            if (n < MOST_PAIRS) n++;
        }
    if (n == 0) return;
    fv_table t = fv_table_open(&j->w, "The commonest mistakes", columns, 4);
    for (int i = 0; i < n; i++) {
        char text[NAME];
        fv_cell(&t, class_name(j, top[i].label, text));
        fv_cell(&t, class_name(j, top[i].predicted, text));
        fv_cell_printf(&t, "%" PRId64, top[i].n);
        fv_cell_printf(&t, "%.1f %%", 100.0 * (double)top[i].n / (double)fv_score_class(m, top[i].label).n);
    }
    fv_table_close(&t);
}

static void worst(job *j)
{
    const fv_gallery *g = j->r->gallery;
    if (!g || g->nworst == 0) return;
    fv_page_section(&j->w, "Worst mistakes");
    fv_page_text(&j->w,
                 "The wrong answers that the network was surest of, with the probabilities of the answer and of the "
                 "right class. As the network saw them.");
    fv_pictures_open(&j->w);
    for (int i = 0; i < g->nworst; i++) shot(j, &g->worst[i], true);
    fv_pictures_close(&j->w);
}

/* ---- classes ---- */

static void score_row(fv_table *t, const char *name, const fv_class_score *s)
{
    fv_cell(t, name);
    fv_cell_printf(t, "%" PRId64, s->n);
    fv_cell_printf(t, "%" PRId64, s->answered);
    fv_cell_printf(t, "%" PRId64, s->correct);
    fv_cell_number(t, s->precision, 2);
    fv_cell_number(t, s->recall, 2);
    fv_cell_number(t, s->f1, 2);
}

static void per_class(job *j)
{
    static const fv_column columns[] = { { "class", false }, { "pictures", true },     { "answers", true },
                                         { "right", true },  { "precision, %", true }, { "recall, %", true },
                                         { "F1, %", true } };
    const fv_metrics *m = j->r->metrics;
    fv_class_score macro, weighted;
    char text[NAME];
    fv_page_section(&j->w, "Classes");
    fv_page_fold(&j->w, m->classes <= MOST_CLASSES, "Precision, recall and F1 of %d classes", m->classes);
    fv_table t = fv_table_open(&j->w, NULL, columns, 7);
    fv_score_means(m, &macro, &weighted);
    score_row(&t, "macro mean", &macro);
    score_row(&t, "weighted mean", &weighted);
    for (int i = 0; i < m->classes; i++) {
        const fv_class_score s = fv_score_class(m, i);
        score_row(&t, class_name(j, i, text), &s);
    }
    fv_table_close(&t);
    fv_page_unfold(&j->w);
}

/* ---- calibration ---- */

static void calibration(job *j)
{
    static const fv_column columns[] = {
        { "probability", false }, { "pictures", true }, { "mean p", true }, { "right", true }
    };
    static const double corner[] = { 0, 1 };
    const fv_metrics *m = j->r->metrics;
    double x[FV_BINS], y[FV_BINS];
    int n = 0;
    fv_page_section(&j->w, "Calibration");
    fv_page_text(&j->w,
                 "How often answers of a probability are right. On the dashed line probabilities can be believed; "
                 "below it the network is too sure. Expected calibration error %.4f, largest %.4f.",
                 m->ece, m->mce);
    for (int i = 0; i < FV_BINS; i++) {
        if (m->bin[i].n == 0) continue;
        x[n] = m->bin[i].p;
        y[n++] = (double)m->bin[i].correct / (double)m->bin[i].n;
    }
    const fv_series s[] = {
        { .name = "this network", .form = FV_FORM_BOTH, .n = n, .x = x, .y = y },
        { .name = "perfect", .form = FV_FORM_LINE, .published = true, .n = 2, .x = corner, .y = corner }
    };
    fv_plot_write(&j->w, &(fv_plot){ .title = "Reliability",
                                     .x = { .title = "mean probability of the answers", .high = 1 },
                                     .y = { .title = "share that is right", .high = 1 },
                                     .nseries = 2,
                                     .series = s });
    fv_page_fold(&j->w, false, "The bins");
    fv_table t = fv_table_open(&j->w, NULL, columns, 4);
    for (int i = 0; i < FV_BINS; i++) {
        const fv_bin *b = &m->bin[i];
        if (b->n == 0) continue;
        fv_cell_printf(&t, "%.3f to %.3f", (double)i / FV_BINS, (i + 1.0) / FV_BINS);
        fv_cell_printf(&t, "%" PRId64, b->n);
        fv_cell_number(&t, b->p, 3);
        fv_cell_printf(&t, "%.1f %%", 100.0 * (double)b->correct / (double)b->n);
    }
    fv_table_close(&t);
    fv_page_unfold(&j->w);
}

/* ---- what it was made with ---- */

/* The value that starts with this token, as a person writes it; false where it is no plain one. */
static bool plain_value(fv_json *in, fv_json_kind kind, char *text, size_t cap)
{
    switch (kind) {
    case FV_JSON_STRING:
        return fv_json_text(in, text, cap);
    case FV_JSON_NUMBER:
        return snprintf(text, cap, "%.*s", (int)in->raw.len, (const char *)in->raw.p) >= 0;
    case FV_JSON_TRUE:
    case FV_JSON_FALSE:
        return snprintf(text, cap, kind == FV_JSON_TRUE ? "yes" : "no") >= 0;
    default:
        return false;
    }
}

static bool list_value(fv_json *in, char *text, size_t cap)
{
    size_t len = 0;
    fv_json_kind kind;
    *text = 0;
    while ((kind = fv_json_next(in)) != FV_JSON_ARRAY_END) {
        char one[100];
        if (!plain_value(in, kind, one, sizeof one)) return false;
        const int n = snprintf(text + len, cap - len, "%s%s", len ? ", " : "", one);
        if (n < 0 || (size_t)n >= cap - len) return false;
        len += (size_t)n;
    }
    return true;
}

static void setting_rows(fv_table *t, fv_bytes json)
{
    char key[200], value[500];
    fv_json in = fv_json_of(json);
    fv_json_next(&in);
    while (fv_json_next(&in) == FV_JSON_KEY) {
        if (!fv_json_text(&in, key, sizeof key)) return;
        const fv_json_kind kind = fv_json_next(&in);
        if (kind == FV_JSON_NULL) continue; /* not given */
        if (kind == FV_JSON_ARRAY ? !list_value(&in, value, sizeof value)
                                  : !plain_value(&in, kind, value, sizeof value))
            return;
        fv_cell(t, key);
        fv_cell(t, value);
    }
}

static void made_with(job *j)
{
    static const fv_column columns[] = { { "name", false }, { "value", false } };
    const fv_report *r = j->r;
    char cpu[200];
    fv_page_section(&j->w, "Settings and machine");
    fv_table t = fv_table_open(&j->w, "Machine", columns, 2);
    fv_cpu_model(cpu, sizeof cpu);
    fv_cell(&t, "processor"), fv_cell(&t, cpu);
    fv_cell(&t, "instructions"), fv_cell(&t, fv_cpu_name(r->cpu != FV_CPU_BEST ? r->cpu : fv_cpu_level()));
    fv_cell(&t, "threads"), fv_cell_printf(&t, "%d of %d cores", r->threads, fv_cores());
    if (r->plan_bytes)
        fv_cell(&t, "memory of the plan"), fv_cell_printf(&t, "%.1f MiB", (double)r->plan_bytes / (1 << 20));
    if (r->net) {
        fv_cell(&t, "network"), fv_cell_printf(&t, "%s, %" PRId64 " parameters, %.1f million multiply-adds",
                                               r->net->name, r->net->params, (double)r->net->macs / 1e6);
        fv_cell(&t, "input"), fv_cell_printf(&t, "%d x %d x %d", r->net->prep.h, r->net->prep.w, r->net->prep.channels);
    }
    if (r->data)
        fv_cell(&t, "evaluated on"),
            fv_cell_printf(&t, "%s, split %s: %" PRId64 " pictures, %d classes", r->data->source->name,
                           r->data->split ? r->data->split : "", r->data->count, r->data->classes);
    fv_table_close(&t);
    if (r->settings.len == 0) return;
    fv_page_fold(&j->w, false, "All settings");
    t = fv_table_open(&j->w, NULL, columns, 2);
    setting_rows(&t, r->settings);
    fv_table_close(&t);
    fv_page_unfold(&j->w);
}

static void unreadable(job *j)
{
    const fv_metrics *m = j->r->metrics;
    if (m->nbad == 0) return;
    fv_page_section(&j->w, "Unreadable pictures");
    fv_page_text(&j->w, "%" PRId64 " pictures could not be read; no figure counts them.", m->nbad);
    for (int64_t i = 0; i < m->nbad && i < MOST_BAD; i++) fv_page_text(&j->w, "%s", m->bad[i].reason);
    if (m->nbad > MOST_BAD) fv_page_text(&j->w, "... and %" PRId64 " more.", m->nbad - MOST_BAD);
}

fv_status fv_report_write(const fv_report *r, const char *path, const fv_allocator *heap, fv_err *err)
{
    job j = { .r = r, .w = { .heap = heap }, .arena = { .heap = heap }, .err = err };
    char lead[200];
    snprintf(lead, sizeof lead, r->epochs ? "after epoch %d of %d" : "an evaluation", r->nepochs, r->epochs);
    fv_page_head(&j.w, r->title, lead);
    facts(&j);
    if (r->nepochs > 0) curves(&j);
    confusion(&j);
    pairs(&j);
    worst(&j);
    per_class(&j);
    calibration(&j);
    unreadable(&j);
    made_with(&j);
    fv_page_foot(&j.w);
    j.w.failed |= j.arena.failed;
    const fv_status s = fv_page_save(&j.w, path, err);
    fv_writer_free(&j.w);
    fv_arena_free(&j.arena);
    return s;
}
