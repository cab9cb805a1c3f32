/* formats.h -- what the tests of picture formats share. Include unit/scratch.h first.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_TEST_FORMATS_H
#define FV_TEST_FORMATS_H
#include "image/image.h"

static inline fv_status decode(fv_image *im, const void *p, size_t n, int channels, fv_err *err)
{
    return fv_image_decode(im, (fv_bytes){ p, n }, channels, FV_EXIF_APPLY, NULL, err);
}

static inline void refuse_every_cut(const uint8_t *p, size_t n)
{
    for (size_t cut = 0; cut < n; cut++) {
        fv_image im;
        fv_err err = { 0 };
        assert_int_equal(decode(&im, p, cut, 3, &err), FV_FORMAT);
        assert_null(im.px);
        assert_int_not_equal(err.msg[0], 0);
    }
}

#endif
