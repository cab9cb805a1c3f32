/* published.c -- the table of published weights. What a network was trained to see belongs to its weights: a file that is
 * called as a published one is fed as its publisher says, any other as the network's usual weights.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/published.h"
#include <string.h>

#define TV     "torchvision"
#define TIMM   "timm"
#define SLIM   "TensorFlow Slim"
#define TPU    "TensorFlow TPU"
#define AUTOML "Google AutoML"
#define MEGVII "Megvii"
#define CAFFE  "VGG, converted from Caffe"

static const fv_published rows[] = {
#define PUBLISHED(...) { __VA_ARGS__ },
#include "models/published.def"
#undef PUBLISHED
};
enum { ROWS = sizeof rows / sizeof *rows };

const fv_published *fv_published_at(int i)
{
    return i >= 0 && i < ROWS ? &rows[i] : NULL;
}

/* The length of a file's name without the extensions that stand for formats. */
static size_t stem_of(const char *name)
{
    static const char *const endings[] = { ".pth", ".pt",     ".bin",     ".safetensors", ".npz",
                                           ".tgz", ".tar.gz", ".pth.tar", ".pkl" };
    const size_t len = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t n = strlen(endings[i]);
        if (len > n && strcmp(name + len - n, endings[i]) == 0) return len - n;
    }
    return len;
}

static const char *without_folders(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const fv_published *fv_published_as(const char *network, const char *path)
{
    const char *name = without_folders(path);
    const size_t len = stem_of(name);
    for (int i = 0; i < ROWS; i++) {
        const char *file = without_folders(rows[i].file);
        if (strcmp(rows[i].network, network) != 0 || stem_of(file) != len) continue;
        if (strncmp(file, name, len) == 0) return &rows[i];
    }
    return NULL;
}
