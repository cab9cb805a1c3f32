/* zoo.c -- the rows of all families as one list, and the name somebody may have meant.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"
#include <string.h>

static const fv_model *const families[] = {
#define FV_FAMILY(family) fv_models_##family,
#include "models/models.def"
#undef FV_FAMILY
};
enum { FAMILIES = sizeof families / sizeof *families, LONGEST_NAME = 64 };

static const struct alias {
    const char *name, *network;
} aliases[] = {
#define ALIAS(name, network) { name, network },
#include "models/aliases.def"
#undef ALIAS
};
enum { ALIASES = sizeof aliases / sizeof *aliases };

const fv_model *fv_model_at(int i)
{
    if (i < 0) return NULL;
    for (int f = 0; f < FAMILIES; f++)
        for (const fv_model *m = families[f]; m->name; m++)
            if (i-- == 0) return m;
    return NULL;
}

const fv_model *fv_model_find(const char *name)
{
    if (!name) return NULL;
    for (int i = 0; fv_model_at(i); i++)
        if (strcmp(fv_model_at(i)->name, name) == 0) return fv_model_at(i);
    for (int i = 0; i < ALIASES; i++)
        if (strcmp(aliases[i].name, name) == 0) return fv_model_find(aliases[i].network);
    return NULL;
}

const char *fv_model_alias_at(int i, const char **network)
{
    if (i < 0 || i >= ALIASES) return NULL;
    if (network) *network = aliases[i].network;
    return aliases[i].name;
}

/* Insertions, deletions and replacements that make b of a (Levenshtein 1965); only the first LONGEST_NAME characters
 * count, which no name exceeds. */
static int edits(const char *a, const char *b)
{
    const int n = (int)strnlen(b, LONGEST_NAME), m = (int)strnlen(a, LONGEST_NAME);
    int row[LONGEST_NAME + 1];
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; i <= m; i++) {
        int corner = row[0]; /* the cell above and to the left */
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            const int above = row[j];
            int best = corner + (a[i - 1] != b[j - 1]);
            if (above + 1 < best) best = above + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
            corner = above;
        }
    }
    return row[n];
}

static void nearer(const char *name, const char *known, const char **nearest, int *fewest)
{
    const int n = edits(name, known);
    if (n >= *fewest) return;
    *fewest = n;
    *nearest = known;
}

const char *fv_model_nearest(const char *name)
{
    const char *nearest = NULL;
    int fewest = LONGEST_NAME + 1;
    for (int i = 0; fv_model_at(i); i++) nearer(name ? name : "", fv_model_at(i)->name, &nearest, &fewest);
    for (int i = 0; i < ALIASES; i++) nearer(name ? name : "", aliases[i].name, &nearest, &fewest);
    return nearest;
}
