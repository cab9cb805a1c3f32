/* roster.h -- what data sets that are files of their own share (lists, tar shards): which files hold a split, labels that are
 * texts, and the share of a set without splits that is kept for validation.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_ROSTER_H
#define FV_ROSTER_H
#include "base/rng.h"
#include "data/sources.h"

/* ---- the files of a split ---- */

typedef struct fv_files {
    const char **v; /* sorted; the strings live in the arena. fv_release(heap, v) */
    size_t n, cap;
    bool share; /* nothing here is for validation: a share of these files is */
} fv_files;

/* `path` is one file, a pattern of files (train-{000..012}.tar, {a,b}.csv), or a folder. In a folder the files of a split are
 * called by its word (train.tar, val-0001.tar, validation.csv, test_a.tar); so are the others beside a file called so.
 * `endings` is " .csv .tsv ". FV_NOINPUT where the split has none. */
fv_status fv_files_of(fv_files *f, fv_data *d, const char *path, const char *endings, const char *split, fv_err *err);
/* Does fv_files_of find any file for a path? Never where a folder is called `train`: then folders are classes. */
bool fv_files_any(const char *path, const char *endings);
bool fv_ends_with(const char *path, const char *endings);
/* "train", "val" or "test" where the name starts with that or with another word for it, else NULL. */
const char *fv_split_word(const char *name);

/* ---- samples by name ---- */

typedef struct fv_entry {
    const char *name; /* the picture's file, for messages */
    const char *text; /* its label as it was written; NULL: unknown, and then `why` says so */
    const char *why;  /* not NULL: this sample cannot be read */
    int label;
    int shard; /* of tar shards: which file, where in it */
    uint64_t at, size;
} fv_entry;
typedef struct fv_roster {
    fv_entry *v; /* on the heap */
    size_t n, cap;
} fv_roster;

fv_status fv_roster_add(fv_data *d, fv_roster *r, fv_entry e, fv_err *err);
/* Turns texts into labels: names of the caller's classes; or numbers, where all are; or else the sorted names are the classes.
 * Sets d's classes and names. */
fv_status fv_roster_label(fv_data *d, fv_roster *r, const fv_data_opts *o, fv_err *err);
/* Keeps the part of each class that belongs to the split. */
fv_status fv_roster_share(const fv_data *d, fv_roster *r, const fv_data_opts *o, fv_err *err);

/* ---- a share of a class ---- */

/* Selection sampling (Knuth, vol. 2, 3.4.2, algorithm S): each subset equally likely, order kept. At least one of a class
 * stays for training. */
typedef struct fv_share {
    fv_rng r;
    size_t left, need;
} fv_share;
fv_share fv_share_of(const fv_data_opts *o, int label, size_t samples);
bool fv_share_is_val(fv_share *s); /* of the next sample */

/* The class that a name means: by name, or by WordNet id where the classes are ImageNet's; -1: none. */
int fv_class_find(const char *const *names, int n, const char *name);
bool fv_class_name_is_clean(const char *s); /* UTF-8 without control characters */

#endif
