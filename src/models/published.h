/* published.h -- weights that others published, recognised by their files' names.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_PUBLISHED_H
#define FV_PUBLISHED_H
#include <fovea.h>

/* The row of `network` whose file is called as the one at `path`, but for folders and extensions; NULL: none. */
const fv_published *fv_published_as(const char *network, const char *path);

#endif
