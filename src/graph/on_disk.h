/* on_disk.h -- weights that stay in their file until somebody wants them. A plan for inference packs them from there, so
 * that the published layout is never in memory as well; whoever asks for a parameter itself has it read then. The file is
 * held open, not mapped: one that is cut meanwhile is an error, not a signal.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_ON_DISK_H
#define FV_ON_DISK_H
#include "graph/net.h"
#include "tensor/dtype.h"
#include <pthread.h>

typedef struct fv_stretch {
    uint64_t at; /* in the file */
    fv_dtype dtype;
    bool in_file; /* as the kernels' packings could read it */
    bool waiting; /* not in memory */
    bool stays;   /* once it is there: somebody may have its address */
    bool counted; /* what in it is not finite */
    int held;     /* by so many plans in the making */
} fv_stretch;
typedef struct fv_on_disk {
    fv_file file;
    char *path;
    fv_stretch *param;       /* of each parameter */
    pthread_mutex_t lock;    /* of `waiting` and what follows: plans are made by any thread */
    size_t bad, first, told; /* weights read that are not finite, the first parameter with one; how many were told */
} fv_on_disk;

/* Gives the net such a file, of which it keeps a handle of its own; no parameter waits yet. */
fv_status fv_on_disk_new(fv_net *net, const fv_file *file, const char *path, fv_err *err);
void fv_on_disk_free(fv_net *net);
bool fv_net_waits(const fv_net *net, int param);
/* Floats [from, from + n) of a waiting parameter; from any thread. */
fv_status fv_net_read(const fv_net *net, int param, size_t from, size_t n, float *to, fv_err *err);
/* Into the net's block, where they then stay. Nothing to do where they are there. */
fv_status fv_net_fill(const fv_net *net, int param, fv_err *err);
/* The same, for a while. */
fv_status fv_net_hold(const fv_net *net, int param, fv_err *err);
/* Ends a hold of each parameter that is marked. Those that nobody holds wait in their file again, and leave memory. */
void fv_net_let_go(const fv_net *net, const bool *held);
fv_status fv_net_fill_all(const fv_net *net, fv_err *err);
size_t fv_net_bytes_in_memory(const fv_net *net); /* of the weights, as published */
/* Warns of weights that are not finite, among those read since. */
void fv_net_tell_bad(const fv_net *net);

#endif
