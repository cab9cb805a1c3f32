/* recipe.h -- the options of a run: defaults, limits, what they are called in args.json, and which of them a run must
 * keep when it goes on.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_RECIPE_H
#define FV_RECIPE_H
#include "base/bytes.h"
#include "data/loader.h"
#include "data/mix.h"

fv_status fv_recipe_check(const fv_train_opts *o, fv_err *err); /* FV_ARG */
void fv_recipe_args(fv_writer *w, const fv_train_opts *o);      /* as JSON */
/* "name value" lines of all that decides the weights at the end; paths, threads and the like do not. */
void fv_recipe_identity(fv_writer *w, const fv_train_opts *o, const fv_data_info *data);
/* Sets the field of that name as a recipe's text has its value; false: no such field or value. Text is borrowed. */
bool fv_recipe_set(fv_train_opts *o, const char *name, size_t len, const char *value);
/* FV_ARG naming the first line that differs. */
fv_status fv_recipe_same(fv_bytes then, fv_bytes now, fv_err *err);
/* Pictures that all have one small side are padded and cropped, others (and small ones where `scale` asks for it) cropped at
 * random in size and place: pad_crop stays -1 then, and this is true. */
bool fv_recipe_settle_crop(fv_train_opts *o, bool small);
/* The augmentation that effective options ask for; FV_ARG where one cannot be with pictures of so many channels. */
fv_status fv_recipe_augment(fv_augment *a, const fv_train_opts *o, fv_err *err);
fv_mix fv_recipe_mix(const fv_train_opts *o);

#endif
