/* model_words.h -- how enums are spelt in a model file's metadata; read and written by the same tables.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_MODEL_WORDS_H
#define FV_MODEL_WORDS_H

extern const char *const fv_stem_words[3], *const fv_filter_words[3], *const fv_exif_words[3];
extern const char *const fv_order_words[3];

#endif
