/* test_photos.c -- two published networks on a hundred photographs, from the JPEG file to the probability: the first class of
 * each is that of an independent evaluation in float (Pillow, plain products), and so is its probability.
 * SPDX-License-Identifier: Apache-2.0 */
#include "level.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Half a unit of the sixth decimal that the list has, and the rounding of some 30 layers of float on logits of about 20:
 * 30 * 20 * 2^-24 = 4e-5, of which a softmax makes as much at most in a probability. */
static const double MAY_DIFFER = 1e-4;

static void answers_equal(const char *name, int size)
{
    char path[600], line[300], file[200];
    fv_net *net = NULL;
    fv_plan *plan = NULL;
    fv_err err = { 0 };
    fv_net_info info;
    static float x[160 * 160 * 3], logits[1000];
    snprintf(path, sizeof path, "%s/../shared/data/photos/expected_%s.tsv", FOVEA_SOURCE_DIR, name);
    FILE *list = fopen(path, "r");
    if (!list) {
        print_message("SKIPPED %s on photographs: no ../shared/data\n", name);
        skip();
    }
    snprintf(path, sizeof path, "%s/../shared/data/weights/%s.safetensors", FOVEA_SOURCE_DIR, name);
    const fv_env env = { .cpu = test_level() };
    if (fv_net_open(&net, name, &(fv_net_opts){ .weights = path, .size = size }, &env, &err) != FV_OK)
        fail_msg("%s", err.msg);
    if (fv_plan_new(&plan, net, NULL, &err) != FV_OK) fail_msg("%s", err.msg);
    fv_net_describe(net, &info);
    int photos = 0;
    double most = 0;
    for (; fgets(line, sizeof line, list); photos++) {
        int class, first, rest[4];
        double p;
        fv_top top;
        assert_int_equal(
            sscanf(line, "%199s %d %d %d %d %d %d %lf", file, &class, &first, rest, rest + 1, rest + 2, rest + 3, &p),
            8);
        snprintf(path, sizeof path, "%s/../shared/data/photos/%s", FOVEA_SOURCE_DIR, file);
        if (fv_load_image(path, &info.prep, x, NULL, &err) != FV_OK) fail_msg("%s", err.msg);
        fv_run(plan, 1, x, logits);
        assert_int_equal(fv_topk(net, logits, 1, &top), 1);
        if (top.index != first) fail_msg("%s: class %d, not %d", file, top.index, first);
        if (fabs(top.p - p) > MAY_DIFFER) fail_msg("%s: p is %.6f, not %.6f", file, top.p, p);
        if (fabs(top.p - p) > most) most = fabs(top.p - p);
    }
    print_message("%s: %d photographs, probabilities differ by %.2g at most\n", name, photos, most);
    assert_int_equal(photos, 100);
    fclose(list);
    fv_plan_free(plan);
    fv_net_free(net);
}

static void test_a_quarter_of_mobilenet_v1(void **state)
{
    (void)state;
    answers_equal("tf_mobilenetv1_025", 128);
}

static void test_a_half_of_mobilenet_v1(void **state)
{
    (void)state;
    answers_equal("tf_mobilenetv1_050", 160);
}

int main(void)
{
#ifndef FOVEA_HAVE_JPEG
    puts("SKIPPED test_photos: this build is without libjpeg");
    return 0;
#else
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quarter_of_mobilenet_v1),
        cmocka_unit_test(test_a_half_of_mobilenet_v1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#endif
}
