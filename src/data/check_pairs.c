/* check_pairs.c -- pictures that are there twice: pixel for pixel, and nearly. Two are near where at most 3 of the 64 bits of
 * their gists differ and their shapes by no more than 3 of 255 on average. Of 4 parts of 16 bits one is then equal, so it is
 * enough to compare within equal parts (Manku, Jain, Sarma 2007, section 3).
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 4, FEW_BITS = 3, FEW_LEVELS = 3, MOST_COMPARED = 256 };

static int by_pixels(const void *x, const void *y)
{
    const fv_seen *a = *(const fv_seen *const *)x, *b = *(const fv_seen *const *)y;
    if (a->pixels[0] != b->pixels[0]) return a->pixels[0] < b->pixels[0] ? -1 : 1;
    if (a->pixels[1] != b->pixels[1]) return a->pixels[1] < b->pixels[1] ? -1 : 1;
    return a < b ? -1 : a > b; /* the set's order */
}

static bool equal(const fv_seen *a, const fv_seen *b)
{
    return a->pixels[0] == b->pixels[0] && a->pixels[1] == b->pixels[1];
}

static void tell(fv_check *c, const fv_seen *first, const fv_seen *again, bool near)
{
    char one[24], two[24];
    const char *class_one = fv_check_class(c, first->label, one, sizeof one);
    const char *class_two = fv_check_class(c, again->label, two, sizeof two);
    const char *how = near ? "nearly the same picture as" : "the same picture as";
    const fv_data *d = c->data[first->split];
    char which[24] = "";
    if (!d->source->bytes) snprintf(which, sizeof which, " [%" PRId64 "]", first->sample);
    const char *file = d->source->file(d, first->sample);
    if (first->label != again->label)
        fv_check_tell(c, near ? "near-conflict" : "conflict", again, first, "%s %s%s, but of class '%s' and not '%s'",
                      how, file, which, class_two, class_one);
    else if (first->split != again->split)
        fv_check_tell(c, near ? "near-leak" : "leak", again, first, "%s %s%s of the %s split", how, file, which,
                      d->split);
    else fv_check_tell(c, near ? "near-duplicate" : "duplicate", again, first, "%s %s%s", how, file, which);
}

/* Sorted by pixels on return; equal ones follow each other. */
static void tell_equal(fv_check *c, const fv_seen **v, size_t n)
{
    if (n > 1) qsort(v, n, sizeof *v, by_pixels);
    for (size_t i = 1, first = 0; i < n; i++) {
        if (equal(v[first], v[i])) tell(c, v[first], v[i], false);
        else first = i;
    }
}

/* ---- near ones ---- */

static uint16_t part(const fv_seen *s, int k)
{
    return (uint16_t)(s->gist >> 16 * k);
}

#define BY_PART(k)                                                                                                     \
    static int by_part_##k(const void *x, const void *y)                                                               \
    {                                                                                                                  \
        const fv_seen *a = *(const fv_seen *const *)x, *b = *(const fv_seen *const *)y;                                \
        const int d = part(a, k) - part(b, k);                                                                         \
        return d ? d : a < b ? -1 : a > b;                                                                             \
    }
BY_PART(0)
BY_PART(1)
BY_PART(2)
BY_PART(3)

static bool near(const fv_seen *a, const fv_seen *b)
{
    if (__builtin_popcountll(a->gist ^ b->gist) > FEW_BITS || equal(a, b)) return false;
    int sum = 0;
    for (int i = 0; i < FV_THUMB * FV_THUMB; i++) sum += abs(a->thumb[i] - b->thumb[i]);
    return sum <= FEW_LEVELS * FV_THUMB * FV_THUMB;
}

/* The first of the pictures that are linked with i. */
static size_t root(size_t *link, size_t i)
{
    while (link[i] != i) i = link[i] = link[link[i]];
    return i;
}

static void compare_run(fv_check *c, const fv_seen **v, size_t n, size_t *link)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n && k < i + MOST_COMPARED; k++) {
            if (!near(v[i], v[k])) continue;
            const size_t a = root(link, (size_t)(v[i] - c->seen)), b = root(link, (size_t)(v[k] - c->seen));
            if (a == b) continue; /* told already, by way of another */
            link[a < b ? b : a] = a < b ? a : b;
            tell(c, v[i], v[k], true);
        }
}

static fv_status tell_near(fv_check *c, const fv_seen **v, size_t n, fv_err *err)
{
    static int (*const order[PARTS])(const void *, const void *) = { by_part_0, by_part_1, by_part_2, by_part_3 };
    size_t *link = NULL, m = 0;
    FV_TRY(fv_alloc_or(c->env.heap, (void **)&link, c->n * sizeof *link, err));
    for (size_t i = 0; i < c->n; i++) link[i] = i;
    for (size_t i = 0; i < n; i++) /* of equal ones the first stands for all */
        if (!v[i]->flat && (i == 0 || !equal(v[i], v[i - 1]))) v[m++] = v[i];
    for (int k = 0; k < PARTS && m > 1; k++) {
        qsort(v, m, sizeof *v, order[k]);
        for (size_t i = 0, end; i < m; i = end) {
            for (end = i + 1; end < m && part(v[end], k) == part(v[i], k);) end++;
            compare_run(c, v + i, end - i, link);
        }
    }
    fv_release(c->env.heap, link);
    return FV_OK;
}

fv_status fv_check_pairs(fv_check *c, fv_err *err)
{
    const fv_seen **v = NULL;
    size_t n = 0;
    FV_TRY(fv_alloc_or(c->env.heap, (void **)&v, c->n * sizeof *v, err));
    for (size_t i = 0; i < c->n; i++)
        if (!c->seen[i].bad) v[n++] = &c->seen[i];
    tell_equal(c, v, n);
    const fv_status s = c->o.no_near ? FV_OK : tell_near(c, v, n, err);
    fv_release(c->env.heap, v);
    return s;
}
