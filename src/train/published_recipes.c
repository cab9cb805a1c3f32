/* published_recipes.c -- recipes of papers and of the libraries whose weights one loads, by name.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/recipe.h"
#include <string.h>

static const fv_recipe recipes[] = {
#define RECIPE(name, families, source, ...) { #name, families, source, (const char *const[]){ __VA_ARGS__, NULL } },
#include "train/recipes.def"
#undef RECIPE
};

const fv_recipe *fv_recipe_at(int i)
{
    return i >= 0 && (size_t)i < sizeof recipes / sizeof *recipes ? &recipes[i] : NULL;
}

/* Is the family one of "a,b,c"? */
static bool lists(const char *families, const char *family)
{
    const size_t len = strlen(family);
    for (const char *at = families; *at;) {
        const size_t n = strcspn(at, ",");
        if (n == len && memcmp(at, family, n) == 0) return true;
        at += n + (at[n] == ',');
    }
    return false;
}

/* The CIFAR forms have a recipe of their own. */
static const fv_recipe *recipe_of(const fv_model *m)
{
    const bool small = m->size <= 32 && strcmp(m->family, "resnet") == 0;
    for (int i = 0; fv_recipe_at(i); i++) {
        const fv_recipe *r = fv_recipe_at(i);
        if (small ? strcmp(r->name, "resnet_cifar") == 0 : lists(r->families, m->family)) return r;
    }
    return NULL;
}

static const fv_recipe *find(const char *name, const char *model)
{
    const fv_model *m = fv_model_find(model);
    if (strcmp(name, "auto") == 0) return m ? recipe_of(m) : NULL;
    for (int i = 0; fv_recipe_at(i); i++)
        if (strcmp(fv_recipe_at(i)->name, name) == 0) return fv_recipe_at(i);
    return NULL;
}

fv_status fv_train_recipe(fv_train_opts *o, const char *name, const char *model, fv_err *err)
{
    const fv_recipe *r = find(name, model);
    if (!r && strcmp(name, "auto") == 0)
        return fv_fail(err, FV_ARG, "no recipe is published for '%s'", model ? model : "no network");
    if (!r) return fv_fail(err, FV_ARG, "there is no recipe '%s'", name);
    for (int i = 0; r->values[i]; i++) {
        const char *value = strchr(r->values[i], '=');
        if (!value || !fv_recipe_set(o, r->values[i], (size_t)(value - r->values[i]), value + 1))
            return fv_fail(err, FV_BUG, "recipe '%s' has '%s'", name, r->values[i]);
    }
    o->recipe = r->name;
    return FV_OK;
}
