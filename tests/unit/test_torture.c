/* test_torture.c -- PngSuite and pictures in all eight orientations: the pixels of every picture are Pillow's
 * (pillow_golden.inc, written by make_pillow_golden.py), and every corrupt file of PngSuite is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "base/bytes.h"
#include "image/image.h"
#include <unistd.h>

typedef struct golden {
    const char *file;
    int w, h; /* 0: Pillow refuses it */
    uint32_t crc;
} golden;
static const golden rows[] = {
#include "unit/pillow_golden.inc"
};

/* Corrupt ones are called x...; Pillow forgives one of them its checksum. */
static bool corrupt(const golden *g)
{
    return strncmp(g->file, "pngsuite/png/x", 14) == 0 || g->w == 0;
}

/* Returns how many of the pictures below `folder` were there. */
static int compare(const char *folder)
{
    int there = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const golden *g = &rows[i];
        char path[600];
        fv_image im;
        fv_err err = { 0 };
        if (strncmp(g->file, folder, strlen(folder)) != 0) continue;
        snprintf(path, sizeof path, "%s/../shared/data/torture/%s", FOVEA_SOURCE_DIR, g->file);
        if (access(path, R_OK) != 0) continue;
        there++;
        const fv_status s = fv_image_load(&im, path, 3, FV_EXIF_APPLY, NULL, &err);
        if (corrupt(g)) {
            if (s != FV_FORMAT || im.px || !err.msg[0]) fail_msg("%s: not refused", g->file);
            continue;
        }
        if (s != FV_OK) fail_msg("%s", err.msg);
        if (im.w != g->w || im.h != g->h) fail_msg("%s: %d x %d pixels", g->file, im.w, im.h);
        if (fv_crc32(0, im.px, (size_t)im.w * (size_t)im.h * 3) != g->crc) fail_msg("%s: other pixels", g->file);
        fv_image_free(&im);
    }
    if (!there) print_message("SKIPPED %s: no ../shared/data/torture\n", folder);
    return there;
}

static void test_pngsuite(void **state)
{
    (void)state;
#ifdef FOVEA_HAVE_PNG
    if (!compare("pngsuite/")) skip();
#else
    print_message("SKIPPED PngSuite: this build is without libpng\n");
    skip();
#endif
}

static void test_eight_orientations(void **state)
{
    (void)state;
#ifdef FOVEA_HAVE_JPEG
    if (!compare("exif-orientation/")) skip();
#else
    print_message("SKIPPED orientations: this build is without libjpeg\n");
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pngsuite),
        cmocka_unit_test(test_eight_orientations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
