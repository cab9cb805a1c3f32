/* sheet.c -- a picture of pictures: what the augmentation of a training run makes of some of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/augment.h"
#include "image/pixels.h"
#include "train/recipe.h"
#include "train/statistics.h"

#include <string.h>

enum { GAP = 2, SMALL_SIDE = 64, USUAL_SIDE = 224 };

typedef struct job {
    fv_train_opts o;
    fv_data *data;
    fv_prep prep;
    fv_augment augment;
    fv_mix mix;
    fv_sheet sheet;
    size_t pixels; /* floats of a picture */
    float *column; /* the pictures of one epoch */
    float *targets;
    int *labels;
    fv_image out;
} job;

static fv_status settle(job *j, fv_err *err)
{
    const fv_data *d = j->data;
    fv_train_opts *o = &j->o;
    const int side = d->h < d->w ? d->h : d->w;
    const bool small = d->h > 0 && d->w > 0 && d->h <= SMALL_SIDE && d->w <= SMALL_SIDE;
    if (o->size == 0) o->size = small ? side : USUAL_SIDE;
    if (o->channels == 0) o->channels = d->channels;
    if (o->flip == -1) o->flip = 0.5;
    fv_recipe_settle_crop(o, small);
    j->prep = (fv_prep){ .h = o->size,
                         .w = o->size,
                         .channels = o->channels,
                         .resize = small ? (side == o->size ? 0 : o->size) : o->size * 256 / USUAL_SIDE,
                         .filter = FV_BILINEAR,
                         .exif = o->exif,
                         .mean = { 0.485f, 0.456f, 0.406f }, /* of ImageNet: what a fresh network is trained by */
                         .std = { 0.229f, 0.224f, 0.225f } };
    if (small) fv_picture_statistics(d, &j->prep);
    j->pixels = (size_t)o->size * (size_t)o->size * (size_t)o->channels;
    j->mix = fv_recipe_mix(o);
    return fv_recipe_augment(&j->augment, o, err);
}

static fv_status load(job *j, int row, const fv_augment *a, int epoch, fv_err *err)
{
    const fv_data *d = j->data;
    const int64_t sample = j->sheet.first + row;
    fv_image im = { .heap = d->env.heap };
    float *x = j->column + (size_t)row * j->pixels;
    FV_TRY(d->source->get(d, sample, j->prep.channels, j->prep.exif, &im, &j->labels[row], err));
    const fv_status s = fv_augment_run(&im, a, &j->prep, (uint64_t)epoch, sample, err);
    if (s == FV_OK) fv_image_normalise(x, &im, &j->prep);
    if (s == FV_OK && a) fv_augment_finish(x, a, &j->prep, (uint64_t)epoch, sample);
    fv_image_free(&im);
    return s == FV_OK ? s : fv_context(err, s, "%s", d->source->file(d, sample));
}

static void put(job *j, int row, int column)
{
    const fv_prep *p = &j->prep;
    const int side = p->h + GAP, c = p->channels;
    const float *x = j->column + (size_t)row * j->pixels;
    for (int y = 0; y < p->h; y++, x += (size_t)p->w * (size_t)c) {
        const size_t at = ((size_t)(row * side + y) * (size_t)j->out.w + (size_t)(column * side)) * (size_t)c;
        fv_image line = { .px = j->out.px + at, .h = 1, .w = p->w, .c = c };
        fv_image_restore(&line, x, p);
    }
}

/* Column 0: as they are; column k: as epoch k - 1 sees them, mixed with each other where batches are mixed. */
static fv_status draw_column(job *j, int column, fv_err *err)
{
    const fv_mix_batch b = { .images = j->column,
                             .n = j->sheet.rows,
                             .h = j->prep.h,
                             .w = j->prep.w,
                             .c = j->prep.channels,
                             .classes = j->data->classes,
                             .labels = j->labels,
                             .targets = j->targets };
    for (int row = 0; row < j->sheet.rows; row++)
        FV_TRY(load(j, row, column > 0 ? &j->augment : NULL, column - 1, err));
    if (column > 0) fv_mix_run(&j->mix, &b, (uint64_t)column - 1, 0);
    for (int row = 0; row < j->sheet.rows; row++) put(j, row, column);
    return FV_OK;
}

static fv_status draw(job *j, const char *png, fv_err *err)
{
    const fv_allocator *heap = j->data->env.heap;
    const size_t rows = (size_t)j->sheet.rows;
    FV_TRY(settle(j, err));
    FV_TRY(fv_image_new(&j->out, (j->o.size + GAP) * (int64_t)rows - GAP,
                        (j->o.size + GAP) * ((int64_t)j->sheet.columns + 1) - GAP, j->o.channels, heap, err));
    memset(j->out.px, 255, (size_t)j->out.h * (size_t)j->out.w * (size_t)j->out.c);
    FV_TRY(fv_alloc_or(heap, (void **)&j->column, rows * j->pixels * sizeof(float), err));
    FV_TRY(fv_alloc_or(heap, (void **)&j->targets, rows * (size_t)j->data->classes * sizeof(float), err));
    FV_TRY(fv_alloc_or(heap, (void **)&j->labels, rows * sizeof(int), err));
    for (int k = 0; k <= j->sheet.columns; k++) FV_TRY(draw_column(j, k, err));
    return fv_image_write_png(&j->out, png, err);
}

fv_status fv_augment_sheet(const char *png, const fv_train_opts *opts, const fv_sheet *sheet, const fv_env *env,
                           fv_err *err)
{
    job j = { .o = *opts, .sheet = *sheet };
    fv_data_opts o = { .split = "train", .val_share = opts->val_share, .seed = opts->seed };
    if (sheet->rows < 1 || sheet->columns < 1 || sheet->rows > FV_IMAGE_MAX_SIDE || sheet->columns > FV_IMAGE_MAX_SIDE)
        return fv_fail(err, FV_ARG, "a sheet of %d x %d pictures", sheet->rows, sheet->columns);
    j.o.model = j.o.output = ""; /* not needed, but checked */
    FV_TRY(fv_recipe_check(&j.o, err));
    FV_TRY(fv_data_open(&j.data, opts->data, &o, env, err));
    fv_status s = FV_OK;
    if (sheet->first < 0 || sheet->first >= j.data->count)
        s = fv_fail(err, FV_ARG, "no sample %lld in a set of %lld", (long long)sheet->first, (long long)j.data->count);
    if (s == FV_OK && sheet->rows > j.data->count - sheet->first) j.sheet.rows = (int)(j.data->count - sheet->first);
    if (s == FV_OK) s = draw(&j, png, err);
    const fv_allocator *heap = j.data->env.heap;
    fv_image_free(&j.out);
    fv_release(heap, j.column);
    fv_release(heap, j.targets);
    fv_release(heap, j.labels);
    fv_data_free(j.data);
    return s;
}
