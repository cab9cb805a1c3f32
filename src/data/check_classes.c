/* check_classes.c -- classes that are too rare, missing from a split, or named so that their order surprises.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/check.h"
#include "data/sources.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int64_t *count_of(int64_t *counts, const fv_data *train, int split, int label)
{
    return &counts[(size_t)split * (size_t)train->classes + (size_t)label];
}

static void tell_balance(fv_check *c, int64_t *counts)
{
    const fv_data *d = c->data[0];
    char one[24], two[24];
    int least = 0, most = 0;
    for (int k = 0; k < d->classes; k++) {
        const int64_t n = *count_of(counts, d, 0, k);
        if (n < *count_of(counts, d, 0, least)) least = k;
        if (n > *count_of(counts, d, 0, most)) most = k;
        if (n == 0)
            fv_check_tell(c, "empty-class", NULL, NULL, "class '%s' has no picture in %s",
                          fv_check_class(c, k, one, sizeof one), d->split);
    }
    const int64_t few = *count_of(counts, d, 0, least), many = *count_of(counts, d, 0, most);
    if (few > 0 && (double)many > c->o.imbalance * (double)few)
        fv_check_tell(c, "imbalance", NULL, NULL,
                      "class '%s' has %" PRId64 " pictures in %s, class '%s' %" PRId64 ": %.1f to 1",
                      fv_check_class(c, most, one, sizeof one), many, d->split,
                      fv_check_class(c, least, two, sizeof two), few, (double)many / (double)few);
}

static void tell_missing(fv_check *c, int64_t *counts)
{
    const fv_data *d = c->data[0];
    char name[24];
    for (int s = 1; s < c->splits; s++)
        for (int k = 0; k < d->classes; k++) {
            if (*count_of(counts, d, s, k) > 0 || *count_of(counts, d, 0, k) == 0) continue;
            const bool shifts = d->source == &fv_source_folder && k + 1 < d->classes;
            fv_check_tell(c, "missing-class", NULL, NULL, "class '%s' of %s has no picture in %s%s",
                          fv_check_class(c, k, name, sizeof name), d->split, c->data[s]->split,
                          shifts ? "; a tool that numbers folders by position mislabels every class behind it" : "");
        }
}

static bool digits(const char *s)
{
    return *s && strspn(s, "0123456789") == strlen(s) && strlen(s) < 10;
}

/* '10' before '2'. */
static void tell_numbers(fv_check *c)
{
    const fv_data *d = c->data[0];
    for (int k = 0; k < d->classes; k++)
        if (!digits(d->class_names[k])) return;
    for (int k = 1; k < d->classes; k++) {
        if (strtol(d->class_names[k - 1], NULL, 10) < strtol(d->class_names[k], NULL, 10)) continue;
        fv_check_tell(c, "order", NULL, NULL,
                      "classes are numbers sorted as text: '%s' is class %d and '%s' class %d, so a class's index is "
                      "not its number",
                      d->class_names[k - 1], k - 1, d->class_names[k], k);
        return;
    }
}

static void tell_alike(fv_check *c)
{
    const fv_data *d = c->data[0];
    for (int i = 0; i < d->classes && d->classes <= 2000; i++)
        for (int k = i + 1; k < d->classes; k++)
            if (strcasecmp(d->class_names[i], d->class_names[k]) == 0)
                fv_check_tell(c, "alike", NULL, NULL, "classes '%s' and '%s' differ by capitals only",
                              d->class_names[i], d->class_names[k]);
}

static int found_at(const fv_data *d, const char *name)
{
    for (int k = 0; k < d->classes; k++)
        if (strcmp(d->class_names[k], name) == 0) return k;
    return -1;
}

/* A list of names beside the folders that counts them in another order than the folders' own. */
static fv_status tell_lists(fv_check *c, const char *path, fv_err *err)
{
    static const char *const files[] = { "classes.txt", "labels.txt", "class_names.txt" };
    fv_data *d = c->data[0];
    for (int f = 0; f < 3; f++) {
        const char *const *names;
        int n = 0;
        const char *list = fv_arena_printf(&d->arena, "%s/%s", path, files[f]);
        FV_TRY(fv_data_memory(d, err));
        if (fv_data_read_names(d, list, &names, &n, NULL) != FV_OK || n != d->classes) continue;
        for (int k = 0; k < n; k++) {
            const int at = found_at(d, names[k]);
            if (at < 0 || at == k) continue;
            fv_check_tell(c, "order", NULL, NULL, "%s counts '%s' as class %d, by the folders' names it is class %d",
                          list, names[k], k, at);
            break;
        }
    }
    return FV_OK;
}

fv_status fv_check_classes(fv_check *c, const char *path, fv_err *err)
{
    const fv_data *d = c->data[0];
    int64_t *counts = NULL;
    FV_TRY(fv_alloc_zero(c->env.heap, (void **)&counts, (size_t)c->splits * (size_t)(d->classes + 1) * sizeof *counts,
                         err));
    for (size_t i = 0; i < c->n; i++)
        if (!c->seen[i].bad && c->seen[i].label >= 0 && c->seen[i].label < d->classes)
            ++*count_of(counts, d, c->seen[i].split, c->seen[i].label);
    tell_balance(c, counts);
    tell_missing(c, counts);
    fv_release(c->env.heap, counts);
    if (!d->class_names || d->source == &fv_source_cifar || d->source == &fv_source_idx) return FV_OK;
    tell_numbers(c);
    tell_alike(c);
    return tell_lists(c, path, err);
}
