/* imagenet.c -- ImageNet's 1000 classes in the order of their WordNet ids, which is that of every published network's
 * outputs (but not that of the challenge's development kit). Russakovsky et al.: "ImageNet Large Scale Visual
 * Recognition Challenge" (2015). Two names stand for two classes each: "crane" and "maillot"; the ids tell them apart.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/imagenet.h"
#include <stdlib.h>
#include <string.h>

#define CLASS(wnid, name) name,
const char *const fv_imagenet_names[FV_IMAGENET_CLASSES] = {
#include "data/imagenet.inc"
};
#undef CLASS

#define CLASS(wnid, name) wnid,
static const char *const wnids[FV_IMAGENET_CLASSES] = {
#include "data/imagenet.inc"
};
#undef CLASS

bool fv_imagenet_class(int i, const char **wnid, const char **name)
{
    if (i < 0 || i >= FV_IMAGENET_CLASSES) return false;
    if (wnid) *wnid = wnids[i];
    if (name) *name = fv_imagenet_names[i];
    return true;
}

static int by_wnid(const void *key, const void *row)
{
    return strcmp(key, *(const char *const *)row);
}

int fv_imagenet_find(const char *wnid)
{
    const char *const *row = bsearch(wnid, wnids, FV_IMAGENET_CLASSES, sizeof *wnids, by_wnid);
    return row ? (int)(row - wnids) : -1;
}

bool fv_imagenet_are(const char *const *names, int n)
{
    for (int i = 0; n == FV_IMAGENET_CLASSES && i < n; i++)
        if (strcmp(names[i], fv_imagenet_names[i]) != 0) return false;
    return n == FV_IMAGENET_CLASSES;
}
