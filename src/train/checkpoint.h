/* checkpoint.h -- all that a run needs to go on as if it had never stopped, in one checked file.
 *
 *   "FOVEACKP", u32 version, u32 number of sections
 *   each section: 4 bytes tag, u64 length, bytes, u32 CRC-32C of the three
 *   "END.", u64 length of the whole file, u32 CRC-32C of all before it
 * All numbers little-endian. Files are called checkpoint-STEP.fvc and replaced in one step (bytes.h, fv_file_write).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_CHECKPOINT_H
#define FV_CHECKPOINT_H
#include "base/bytes.h"

enum { FV_CHECKPOINT_VERSION = 1 };

/* Spans borrow: from the run when writing, from the file's bytes after reading. */
typedef struct fv_checkpoint {
    fv_bytes model;   /* name */
    uint32_t keys;    /* checksum of names and shapes of its state dict */
    fv_bytes options; /* identity of the run: what must not change when it goes on (recipe.h) */
    int64_t step;     /* batches done since the start of the run; epoch and position follow from it */
    int64_t batches_tracked;
    int64_t loss_n, right; /* of the epoch under way: images so far, those answered right, the sum of their losses */
    double loss_sum, best_top1;
    fv_bytes history; /* finished epochs, fv_checkpoint_epoch reads them */
    fv_bytes bad;     /* one bit per training picture: could not be read */
    fv_bytes weights; /* floats, with running statistics, as in the net's block */
    fv_bytes states;  /* floats of the optimiser and of averages, one state after the other, by parameter */
} fv_checkpoint;

/* History: writing appends rows to a writer; reading gives row i, or false past the last. */
void fv_checkpoint_put_epoch(fv_writer *w, const fv_epoch *e);
bool fv_checkpoint_epoch(const fv_checkpoint *c, int i, fv_epoch *e);

fv_status fv_checkpoint_write(const char *path, const fv_checkpoint *c, const fv_allocator *heap, fv_err *err);
/* Checks every byte. FV_FORMAT: damaged; FV_UNSUP: of a later version. */
fv_status fv_checkpoint_parse(fv_checkpoint *c, fv_bytes file, fv_err *err);

/* Whether these characters are the file name of a checkpoint. */
bool fv_checkpoint_is_name(const char *name, size_t len);
/* The largest step below `below` that a checkpoint in the folder has; -1: none. */
int64_t fv_checkpoint_newest(const char *folder, int64_t below);
/* folder/checkpoint-STEP.fvc; false where it does not fit. */
bool fv_checkpoint_path(char *path, size_t cap, const char *folder, int64_t step);
/* Removes all checkpoints but those of these two steps. */
void fv_checkpoint_keep(const char *folder, int64_t a, int64_t b);

#endif
