/* policy.c -- RandAugment (Cubuk et al. 2019, section 3; levels and texts as timm has them), TrivialAugment in its wide form
 * (Mueller, Hutter 2021, table 5), AutoAugment's tables (Cubuk et al. 2018; ranges of its table 6). Places are taken
 * bilinearly.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/policy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- how strong a level is: levels run from 0 to 10; s is +1 or -1, at random ---- */

static double rotation(double level, double s)
{
    return s * level * 3;
}

static double shear(double level, double s)
{
    return s * level * 0.03;
}

static double translation(double level, double s) /* of the picture's side */
{
    return s * level * 0.045;
}

static double published_translation(double level, double s) /* 150 of the 331 pixels that the search used */
{
    return s * level * 15 / 331;
}

static double enhancement(double level, double s)
{
    (void)s;
    return level * 0.18 + 0.1;
}

static double growing_enhancement(double level, double s)
{
    const double v = 1 + s * level * 0.09;
    return v < 0.1 ? 0.1 : v;
}

static double bits(double level, double s)
{
    (void)s;
    return floor(level / 10 * 4);
}

static double growing_bits(double level, double s)
{
    return 4 - bits(level, s);
}

static double published_bits(double level, double s)
{
    return 4 + bits(level, s);
}

static double threshold(double level, double s)
{
    (void)s;
    return floor(level / 10 * 256);
}

static double growing_threshold(double level, double s)
{
    return 256 - threshold(level, s);
}

static double addition(double level, double s)
{
    (void)s;
    const double v = floor(level / 10 * 110);
    return v > 128 ? 128 : v;
}

/* TrivialAugment's levels, in thirtieths: level 10 is the end of its wider ranges. */
static double wide_rotation(double level, double s)
{
    return s * level * 13.5;
}

static double wide_shear(double level, double s)
{
    return s * level * 0.099;
}

static double wide_translation(double level, double s) /* in pixels */
{
    return s * floor(level * 3.2 + 1e-9);
}

static double wide_enhancement(double level, double s)
{
    return 1 + s * level * 0.099;
}

static double wide_bits(double level, double s)
{
    (void)s;
    return 8 - rint(level * 0.6);
}

static double wide_threshold(double level, double s)
{
    (void)s;
    return 255 - level * 25.5;
}

/* ---- changes ---- */

typedef struct move {
    const char *name; /* as the tables of policies.inc call it */
    fv_pixel_kind kind;
    double (*value)(double level, double sign); /* NULL: the change has none */
} move;

// clang-format off
static const move rand_moves[] = {
    { "AutoContrast", FV_PIXEL_AUTO_CONTRAST, NULL },         { "Equalize",    FV_PIXEL_EQUALIZE,     NULL },
    { "Invert",       FV_PIXEL_INVERT,        NULL },         { "Rotate",      FV_PIXEL_ROTATE,       rotation },
    { "Posterize",    FV_PIXEL_POSTERIZE,     bits },         { "Solarize",    FV_PIXEL_SOLARIZE,     threshold },
    { "SolarizeAdd",  FV_PIXEL_SOLARIZE_ADD,  addition },     { "Color",       FV_PIXEL_COLOR,        enhancement },
    { "Contrast",     FV_PIXEL_CONTRAST,      enhancement },  { "Brightness",  FV_PIXEL_BRIGHTNESS,   enhancement },
    { "Sharpness",    FV_PIXEL_SHARPNESS,     enhancement },  { "ShearX",      FV_PIXEL_SHEAR_X,      shear },
    { "ShearY",       FV_PIXEL_SHEAR_Y,       shear },        { "TranslateX",  FV_PIXEL_TRANSLATE_X,  translation },
    { "TranslateY",   FV_PIXEL_TRANSLATE_Y,   translation },  { 0 },
};
static const move growing_moves[] = { /* the same, in the same order */
    { "AutoContrast", FV_PIXEL_AUTO_CONTRAST, NULL },         { "Equalize",    FV_PIXEL_EQUALIZE,     NULL },
    { "Invert",       FV_PIXEL_INVERT,        NULL },         { "Rotate",      FV_PIXEL_ROTATE,       rotation },
    { "Posterize",    FV_PIXEL_POSTERIZE,     growing_bits }, { "Solarize",    FV_PIXEL_SOLARIZE,     growing_threshold },
    { "SolarizeAdd",  FV_PIXEL_SOLARIZE_ADD,  addition },     { "Color",       FV_PIXEL_COLOR,        growing_enhancement },
    { "Contrast",     FV_PIXEL_CONTRAST, growing_enhancement }, { "Brightness", FV_PIXEL_BRIGHTNESS,  growing_enhancement },
    { "Sharpness",    FV_PIXEL_SHARPNESS, growing_enhancement }, { "ShearX",   FV_PIXEL_SHEAR_X,      shear },
    { "ShearY",       FV_PIXEL_SHEAR_Y,       shear },        { "TranslateX",  FV_PIXEL_TRANSLATE_X,  translation },
    { "TranslateY",   FV_PIXEL_TRANSLATE_Y,   translation },  { 0 },
};
static const move trivial_moves[] = {
    { "Identity",     FV_PIXEL_IDENTITY,      NULL },         { "ShearX",      FV_PIXEL_SHEAR_X,      wide_shear },
    { "ShearY",       FV_PIXEL_SHEAR_Y,       wide_shear },   { "TranslateX",  FV_PIXEL_TRANSLATE_X,  wide_translation },
    { "TranslateY",   FV_PIXEL_TRANSLATE_Y,   wide_translation }, { "Rotate",  FV_PIXEL_ROTATE,       wide_rotation },
    { "Brightness",   FV_PIXEL_BRIGHTNESS,    wide_enhancement }, { "Color",   FV_PIXEL_COLOR,        wide_enhancement },
    { "Contrast",     FV_PIXEL_CONTRAST,      wide_enhancement }, { "Sharpness", FV_PIXEL_SHARPNESS,  wide_enhancement },
    { "Posterize",    FV_PIXEL_POSTERIZE,     wide_bits },    { "Solarize",    FV_PIXEL_SOLARIZE,     wide_threshold },
    { "AutoContrast", FV_PIXEL_AUTO_CONTRAST, NULL },         { "Equalize",    FV_PIXEL_EQUALIZE,     NULL },
    { 0 },
};
static const move published_moves[] = {
    { "AutoContrast", FV_PIXEL_AUTO_CONTRAST, NULL },         { "Equalize",    FV_PIXEL_EQUALIZE,     NULL },
    { "Invert",       FV_PIXEL_INVERT,        NULL },         { "Rotate",      FV_PIXEL_ROTATE,       rotation },
    { "Posterize",    FV_PIXEL_POSTERIZE,     published_bits }, { "Solarize",  FV_PIXEL_SOLARIZE,     threshold },
    { "Color",        FV_PIXEL_COLOR,         enhancement },  { "Contrast",    FV_PIXEL_CONTRAST,     enhancement },
    { "Brightness",   FV_PIXEL_BRIGHTNESS,    enhancement },  { "Sharpness",   FV_PIXEL_SHARPNESS,    enhancement },
    { "ShearX",       FV_PIXEL_SHEAR_X,       shear },        { "ShearY",      FV_PIXEL_SHEAR_Y,      shear },
    { "TranslateX",   FV_PIXEL_TRANSLATE_X,   published_translation },
    { "TranslateY",   FV_PIXEL_TRANSLATE_Y,   published_translation }, { 0 },
};
// clang-format on

/* A pair of changes that goes together. */
typedef struct pair {
    const char *name[2];
    double chance[2];
    int level[2];
} pair;
#define SUB(a, p, l, b, q, m) { { #a, #b }, { p, q }, { l, m } },
static const pair imagenet_pairs[] = {
#define IMAGENET
#include "data/policies.inc"
#undef IMAGENET
};
static const pair cifar_pairs[] = {
#define CIFAR10
#include "data/policies.inc"
#undef CIFAR10
};
#undef SUB

/* ---- kinds ---- */

typedef struct draw {
    const fv_policy *p;
    fv_rng *r;
    fv_pixel_how how;
} draw;

typedef struct fv_policy_kind {
    const char *name, *alias;
    bool layered, black; /* takes rand's options; what comes in from outside is black */
    fv_status (*run)(fv_image *im, draw *d, fv_err *err);
    const pair *pairs;
    uint32_t npairs;
} fv_policy_kind;

static fv_status make(fv_image *im, const draw *d, const move *m, double level, double sign, fv_err *err)
{
    double v = m->value ? m->value(level, sign) : 0;
    const bool share = m->value == translation || m->value == published_translation;
    if (share) v *= m->kind == FV_PIXEL_TRANSLATE_X ? im->w : im->h;
    return fv_pixel_run(im, m->kind, v, &d->how, err);
}

static uint32_t length(const move *m)
{
    uint32_t n = 0;
    while (m[n].name) n++;
    return n;
}

static double sign_of(fv_rng *r)
{
    return fv_rng_u32(r) & 1 ? 1 : -1;
}

static double level_of(const fv_policy *p, double magnitude, fv_rng *r)
{
    if (p->deviation > 100) magnitude *= fv_rng_unit(r);
    else if (p->deviation > 0) magnitude += p->deviation * fv_rng_normal(r);
    return magnitude < 0 ? 0 : magnitude > p->most ? p->most : magnitude;
}

static fv_status run_rand(fv_image *im, draw *d, fv_err *err)
{
    const move *moves = d->p->increasing ? growing_moves : rand_moves;
    for (int i = 0; i < d->p->layers; i++) {
        const move *m = &moves[fv_rng_below(d->r, length(moves))];
        if (fv_rng_unit(d->r) >= d->p->chance) continue;
        const double level = level_of(d->p, d->p->magnitude, d->r);
        FV_TRY(make(im, d, m, level, sign_of(d->r), err));
    }
    return FV_OK;
}

static fv_status run_trivial(fv_image *im, draw *d, fv_err *err)
{
    const move *m = &trivial_moves[fv_rng_below(d->r, length(trivial_moves))];
    const double level = fv_rng_below(d->r, 31) / 3.0;
    return make(im, d, m, level, sign_of(d->r), err);
}

static const move *published(const char *name)
{
    const move *m = published_moves;
    while (strcmp(m->name, name) != 0) m++;
    return m;
}

static fv_status run_pairs(fv_image *im, draw *d, fv_err *err)
{
    const pair *two = &d->p->kind->pairs[fv_rng_below(d->r, d->p->kind->npairs)];
    for (int i = 0; i < 2; i++) {
        if (fv_rng_unit(d->r) >= two->chance[i]) continue;
        const double level = level_of(d->p, two->level[i], d->r);
        FV_TRY(make(im, d, published(two->name[i]), level, sign_of(d->r), err));
    }
    return FV_OK;
}

static const fv_policy_kind kinds[] = {
    { "rand", NULL, true, false, run_rand, NULL, 0 },
    { "trivial", "ta_wide", false, true, run_trivial, NULL, 0 },
    { "imagenet", "original", false, false, run_pairs, imagenet_pairs, sizeof imagenet_pairs / sizeof *imagenet_pairs },
    { "cifar10", NULL, false, false, run_pairs, cifar_pairs, sizeof cifar_pairs / sizeof *cifar_pairs },
};

/* ---- texts ---- */

static bool says(const char *text, size_t len, const char *word)
{
    return word && strlen(word) == len && memcmp(text, word, len) == 0;
}

/* One section, "m9". */
static fv_status section(fv_policy *p, const char *text, size_t len, fv_err *err)
{
    const size_t letters = strspn(text, "abcdefghijklmnopqrstuvwxyz");
    char number[24], *end;
    if (letters == 0 || letters >= len || len - letters >= sizeof number)
        return fv_fail(err, FV_ARG, "'%.*s' is not a letter and a number", (int)len, text);
    memcpy(number, text + letters, len - letters);
    number[len - letters] = 0;
    const double v = strtod(number, &end);
    const bool digit = *number >= '0' && *number <= '9'; /* strtod reads signs, "inf" and hexadecimals too */
    if (!digit || *end || strspn(number, "0123456789.") != strlen(number) || v > 1e6)
        return fv_fail(err, FV_ARG, "'%s' is no number from 0", number);
    const bool layered = p->kind->layered, whole = v == floor(v) && v <= 100;
    if (says(text, letters, "mstd")) p->deviation = v;
    else if (layered && says(text, letters, "m") && v <= 100) p->magnitude = v;
    else if (layered && says(text, letters, "n") && whole) p->layers = (int)v;
    else if (layered && says(text, letters, "inc") && v <= 1 && whole) p->increasing = v > 0;
    else if (layered && says(text, letters, "p") && v <= 1) p->chance = v;
    else if (layered && says(text, letters, "mmax") && v > 0 && v <= 100) p->most = v;
    else
        return fv_fail(err, FV_ARG, "'%.*s' is not among m, n, mstd, mmax, p and inc, or out of range", (int)len, text);
    return FV_OK;
}

fv_status fv_policy_parse(fv_policy *p, const char *text, fv_err *err)
{
    *p = (fv_policy){ 0 };
    if (!text || !*text || strcmp(text, "none") == 0) return FV_OK;
    fv_policy q = { .magnitude = 10, .layers = 2, .chance = 0.5, .most = 10 };
    size_t len = strcspn(text, "-");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (says(text, len, kinds[i].name) || says(text, len, kinds[i].alias)) q.kind = &kinds[i];
    if (!q.kind)
        return fv_fail(err, FV_ARG,
                       "no augmentation '%.40s': there are rand-m9-n2-mstd0.5-inc1, trivial, imagenet and cifar10",
                       text);
    while (text[len]) {
        text += len + 1;
        len = strcspn(text, "-");
        const fv_status s = section(&q, text, len, err);
        if (s != FV_OK) return fv_context(err, s, "augmentation '%s'", q.kind->name);
    }
    *p = q;
    return FV_OK;
}

fv_status fv_policy_run(fv_image *im, const fv_policy *p, const uint8_t fill[3], fv_rng *r, fv_err *err)
{
    if (!p->kind) return FV_OK;
    draw d = { .p = p, .r = r, .how = { .bilinear = true } };
    if (!p->kind->black) memcpy(d.how.fill, fill, sizeof d.how.fill);
    return p->kind->run(im, &d, err);
}
