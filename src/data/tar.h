/* tar.h -- the members of a tar file, one after the other: ustar, GNU and pax. Nothing is ever written under a member's name.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_TAR_H
#define FV_TAR_H
#include "base/bytes.h"

enum { FV_TAR_NAME = 4096 };

/* Zero it, set read, user and size; where the size is not known yet, `reach` as well. */
typedef struct fv_tar {
    fv_status (*read)(void *user, uint64_t at, void *p, size_t n, fv_err *err); /* exactly n bytes, all before size */
    /* Sets *size to `to` at least, or to the file's true size. */
    fv_status (*reach)(void *user, uint64_t to, uint64_t *size, fv_err *err);
    void *user;
    uint64_t size, at;
} fv_tar;

typedef struct fv_tar_member {
    char name[FV_TAR_NAME];
    uint64_t at, size; /* where its bytes lie: inside the file, always */
    bool regular;      /* else a folder, link, device, sparse file... without bytes of its own */
} fv_tar_member;

/* FV_FORMAT says at which byte the file is damaged or cut; *more false at its end. */
fv_status fv_tar_next(fv_tar *t, fv_tar_member *m, bool *more, fv_err *err);

#endif
