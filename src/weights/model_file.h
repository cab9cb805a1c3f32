/* model_file.h -- a model file is a safetensors file whose metadata knows its network: "fovea.version", "fovea.network",
 * "fovea.stem", "fovea.classes", "fovea.class_names" (a JSON array) and "fovea.prep" (a JSON object), beside
 * "format": "pt" for other readers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_MODEL_FILE_H
#define FV_MODEL_FILE_H
#include "base/bytes.h"
#include "graph/net.h"
#include "weights/bind.h"

/* What a file says of itself; strings are the arena's. */
typedef struct fv_model_meta {
    const char *network; /* NULL: plain weights, and then all else is zero */
    fv_stem stem;
    int classes;                    /* 0: not said */
    const char *const *class_names; /* classes of them, or NULL */
    fv_prep prep;                   /* h 0: not said */
} fv_model_meta;

/* FV_FORMAT where the file or its metadata is malformed. */
fv_status fv_model_file_peek(fv_model_meta *meta, fv_bytes file, fv_arena *arena, fv_err *err);
/* The same, and the file's tensors; then as fv_model_file_load, without reading it once more. */
fv_status fv_model_file_open(fv_model_meta *meta, fv_stored_list *list, fv_bytes file, fv_arena *arena, fv_err *err);
fv_status fv_model_file_bind(fv_net *net, const fv_model_meta *meta, const fv_stored_list *list,
                             const fv_bind_opts *opts, fv_err *err);
/* Binds the weights (see fv_bind) and takes the class names over where they are as many as the net's classes.
 * Pre-processing stays as it is: the net was built for a size already. */
fv_status fv_model_file_load(fv_net *net, fv_bytes file, const fv_bind_opts *opts, fv_err *err);
/* Appends the whole file. The same net gives the same bytes. */
fv_status fv_model_file_bytes(fv_writer *w, const fv_net *net, fv_err *err);

#endif
