/* gunzip.h -- bytes at any place of gzip files. A file is unpacked once from its beginning, for its length and its checksums;
 * on the way states of the decompressor are kept, and what lies at some place is later unpacked from the state before it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_GUNZIP_H
#define FV_GUNZIP_H
#include "base/bytes.h"

/* The states of a set of files, one every `step` unpacked bytes. A state takes about 40 KiB. Where they become more than
 * `states`, the step is doubled and every other one goes, in all files. */
typedef struct fv_gunzip fv_gunzip;
enum {
    FV_GUNZIP_STEP = 1 << 17,
    FV_GUNZIP_STATES = 6400
}; /* 250 MiB of states; a step of 128 KiB for 800 MiB of data */
fv_status fv_gunzip_new(fv_gunzip **g, uint64_t step, size_t states, const fv_allocator *heap, fv_err *err);
void fv_gunzip_free(fv_gunzip *g);

bool fv_gunzip_is(const uint8_t magic[2]);

/* The walk through one file, from its beginning to its end; one at a time, with files numbered in ascending order. File and
 * path must outlive it. */
typedef struct fv_gunzip_walk fv_gunzip_walk;
fv_status fv_gunzip_begin(fv_gunzip_walk **w, fv_gunzip *g, int number, const fv_file *f, const char *path,
                          fv_err *err);
/* Unpacks up to `to` and a little further, or to the data's end, and says how far it is now. At the end all has been
 * compared with its checksums. FV_FORMAT: `to` is not reached, as the data are cut, damaged, a bomb, or followed by what is
 * no gzip; what lies before was reached and can be read. Behind a gzip stream another one may follow, or zeros. */
fv_status fv_gunzip_reach(fv_gunzip_walk *w, uint64_t to, uint64_t *now, fv_err *err);
/* After a failure: what was unpacked is not to be trusted (a checksum is wrong, say), rather than only incomplete. */
bool fv_gunzip_is_damaged(const fv_gunzip_walk *w);
/* n bytes of what was unpacked already: at once where they are of the last 7/8 MiB, else as fv_gunzip_at. */
fv_status fv_gunzip_seen(fv_gunzip_walk *w, uint64_t at, void *p, size_t n, fv_err *err);
void fv_gunzip_end(fv_gunzip_walk *w);

/* n < 2^31 bytes from `at` of a file that was walked through; f must be the same, unchanged. Any thread may call it while
 * none walks. Unpacks up to a step more than is asked for; what follows on an earlier call of that file goes on from there. */
fv_status fv_gunzip_at(fv_gunzip *g, int number, const fv_file *f, uint64_t at, void *p, size_t n, const char *path,
                       fv_err *err);

#endif
