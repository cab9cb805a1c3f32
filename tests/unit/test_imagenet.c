/* test_imagenet.c -- the built-in class names, the caller's in their place, folders named by WordNet id.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "data/imagenet.h"
#include "data/source.h"

static void test_imagenet_names_its_classes_in_the_order_of_the_outputs(void **state)
{
    (void)state;
    static const struct {
        int i;
        const char *wnid, *name;
    } known[] = { { 0, "n01440764", "tench" },
                  { 134, "n02012849", "crane" },
                  { 340, "n02391049", "zebra" },
                  { 517, "n03126707", "crane" },
                  { 999, "n15075141", "toilet tissue" } };
    const char *wnid, *name;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        assert_true(fv_imagenet_class(known[k].i, &wnid, &name));
        assert_string_equal(wnid, known[k].wnid);
        assert_string_equal(name, known[k].name);
    }
    for (int i = 0; i < FV_IMAGENET_CLASSES; i++) {
        assert_true(fv_imagenet_class(i, &wnid, NULL));
        assert_int_equal(fv_imagenet_find(wnid), i);
    }
    assert_false(fv_imagenet_class(-1, &wnid, &name));
    assert_false(fv_imagenet_class(FV_IMAGENET_CLASSES, &wnid, &name));
    assert_int_equal(fv_imagenet_find("n00000000"), -1);
}

static void test_imagenet_names_serve_a_network_that_has_none(void **state)
{
    (void)state;
    fv_net *net;
    fv_net_info info;
    fv_top top;
    float logits[1000] = { [340] = 1 };
    const fv_net_opts other = { .no_weights = true, .classes = 10 };
    assert_int_equal(fv_net_open(&net, "resnet18", &(fv_net_opts){ .no_weights = true }, NULL, NULL), FV_OK);
    assert_int_equal(fv_topk(net, logits, 1, &top), 1);
    assert_string_equal(top.label, "zebra");
    fv_net_free(net);
    assert_int_equal(fv_net_open(&net, "resnet18", &other, NULL, NULL), FV_OK);
    fv_net_describe(net, &info);
    assert_null(info.class_names);
    fv_net_free(net);
}

static void test_imagenet_labels_of_the_caller_come_first(void **state)
{
    const char *dir = scratch_dir(state);
    static const char text[] = "cat\nred dog\r\n\nox\n";
    char path[1000];
    fv_net *net;
    fv_net_info info;
    fv_err err = { 0 };
    scratch_write(dir, "names.txt", text, sizeof text - 1);
    snprintf(path, sizeof path, "%s/names.txt", dir);
    fv_net_opts o = { .no_weights = true, .classes = 3, .names_file = path };
    assert_int_equal(fv_net_open(&net, "resnet18", &o, NULL, &err), FV_OK);
    fv_net_describe(net, &info);
    assert_string_equal(info.class_names[1], "red dog");
    assert_string_equal(info.class_names[2], "ox");
    fv_net_free(net);

    o.classes = 4;
    assert_int_equal(fv_net_open(&net, "resnet18", &o, NULL, &err), FV_ARG);
    assert_null(net);
    assert_non_null(strstr(err.msg, "names.txt: 3 class names for a network of 4 classes"));
    err = (fv_err){ 0 };
    o.names_file = "/nowhere/names.txt";
    assert_int_equal(fv_net_open(&net, "resnet18", &o, NULL, &err), FV_NOINPUT);
    assert_null(net);
}

static void test_imagenet_folders_may_be_named_by_wordnet_id(void **state)
{
    const char *dir = scratch_dir(state);
    static const char pixel[] = "P2 1 1 255 7\n";
    fv_data *d;
    fv_err err = { 0 };
    scratch_write(dir, "val/n02391049/1.pgm", pixel, sizeof pixel - 1);
    scratch_write(dir, "val/tench/1.pgm", pixel, sizeof pixel - 1);
    const fv_data_opts o = { .split = "val", .class_names = fv_imagenet_names, .classes = FV_IMAGENET_CLASSES };
    assert_int_equal(fv_data_open(&d, dir, &o, NULL, &err), FV_OK);
    for (int64_t i = 0; i < 2; i++) {
        fv_image im;
        int label;
        assert_int_equal(d->source->get(d, i, 3, FV_EXIF_APPLY, &im, &label, &err), FV_OK);
        assert_int_equal(label, strstr(d->source->file(d, i), "tench") ? 0 : 340);
        fv_image_free(&im);
    }
    fv_data_free(d);
    /* Of other classes, an id is a name like any other. */
    const char *const own[] = { "tench", "zebra" };
    const fv_data_opts two = { .split = "val", .class_names = own, .classes = 2 };
    assert_int_equal(fv_data_open(&d, dir, &two, NULL, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "'n02391049'"));
}

int main(void)
{
#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_drop)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_imagenet_names_its_classes_in_the_order_of_the_outputs),
        cmocka_unit_test(test_imagenet_names_serve_a_network_that_has_none),
        IN_SCRATCH(test_imagenet_labels_of_the_caller_come_first),
        IN_SCRATCH(test_imagenet_folders_may_be_named_by_wordnet_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
