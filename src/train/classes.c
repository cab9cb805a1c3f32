/* classes.c -- how much the pictures of a class count in the loss.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/session.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_FILE = 1 << 22 };

/* Label of sample i, without looking at its picture where that takes time; -1 where it cannot be read. */
static fv_status label_of(const fv_session *s, int64_t i, int *label)
{
    const fv_data *d = s->train;
    fv_status st;
    *label = -1;
    if (d->source->bytes) {
        fv_bytes file = { 0 };
        st = d->source->bytes(d, i, &file, label, NULL);
        fv_release(d->env.heap, (void *)file.p);
        return st;
    }
    fv_image im = { .heap = d->env.heap };
    st = d->source->get(d, i, s->net->prep.channels, s->net->prep.exif, &im, label, NULL);
    fv_image_free(&im);
    return st;
}

/* The pictures of all classes weigh alike: n / (classes * n of the class). A class without pictures has no weight. */
static fv_status balance(fv_session *s, fv_err *err)
{
    int64_t known = 0;
    for (int64_t i = 0; i < s->train->count; i++) {
        int label;
        const fv_status st = label_of(s, i, &label);
        if (st == FV_NOMEM) return fv_fail(err, st, "no memory to count the pictures of the classes");
        if (label < 0 || label >= s->net->classes) continue;
        s->class_weight[label]++;
        known++;
    }
    for (int c = 0; c < s->net->classes; c++)
        if (s->class_weight[c] > 0)
            s->class_weight[c] = (float)((double)known / ((double)s->net->classes * (double)s->class_weight[c]));
    return FV_OK;
}

/* A number for each class, with white space between them. */
static fv_status read_weights(fv_session *s, char *text, fv_err *err)
{
    const char *path = s->o.class_weights;
    double sum = 0;
    char *at = text;
    for (int c = 0; c < s->net->classes; c++) {
        char *end;
        const double v = strtod(at, &end);
        if (end == at || !(v >= 0 && v <= 1e6))
            return fv_fail(err, FV_FORMAT, "%s: a weight from 0 to 1e6 for each of %d classes; number %d is none", path,
                           s->net->classes, c + 1);
        s->class_weight[c] = (float)v;
        sum += v;
        at = end;
    }
    if (at[strspn(at, " \t\r\n")]) return fv_fail(err, FV_FORMAT, "%s: more than %d weights", path, s->net->classes);
    return sum > 0 ? FV_OK : fv_fail(err, FV_FORMAT, "%s: no class has any weight", path);
}

fv_status fv_session_class_weights(fv_session *s, fv_err *err)
{
    const char *path = s->o.class_weights;
    const size_t classes = (size_t)s->net->classes;
    if (!path) return FV_OK;
    s->class_weight = fv_arena_alloc(&s->arena, classes * sizeof(float));
    s->image_weight = fv_arena_alloc(&s->arena, (size_t)s->o.batch * sizeof(float));
    if (!s->class_weight || !s->image_weight) return fv_fail(err, FV_NOMEM, "no memory for %zu weights", classes);
    if (strcmp(path, "balanced") == 0) return balance(s, err);
    fv_bytes file;
    FV_TRY(fv_file_read(&file, path, LARGEST_FILE, s->env.heap, err));
    char *text = fv_arena_printf(&s->arena, "%.*s", (int)file.len, (const char *)file.p);
    const fv_status st = text ? read_weights(s, text, err) : fv_fail(err, FV_NOMEM, "no memory for %s", path);
    fv_release(s->env.heap, (void *)file.p);
    return st;
}

const float *fv_session_weights_of(fv_session *s, const fv_batch *b, const float *targets)
{
    const int classes = s->net->classes;
    if (!s->class_weight) return NULL;
    for (int i = 0; i < b->n; i++) {
        double w = targets ? 0 : (double)s->class_weight[b->labels[i]];
        for (int c = 0; targets && c < classes; c++)
            w += (double)(targets[(size_t)i * (size_t)classes + (size_t)c] * s->class_weight[c]);
        s->image_weight[i] = (float)w;
    }
    return s->image_weight;
}
