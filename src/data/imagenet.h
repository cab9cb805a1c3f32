/* imagenet.h -- the names of ImageNet's 1000 classes, by output and by WordNet id.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_IMAGENET_H
#define FV_IMAGENET_H
#include <fovea.h>

enum { FV_IMAGENET_CLASSES = 1000 };
extern const char *const fv_imagenet_names[FV_IMAGENET_CLASSES];

int fv_imagenet_find(const char *wnid); /* its class, or -1 */
/* Whether `names` are those above: pictures may then lie in folders named by WordNet id. */
bool fv_imagenet_are(const char *const *names, int n);

#endif
