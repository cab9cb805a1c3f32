/* test_config.c -- timm's config.json: what it says, what is refused in it, and what goes before it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "weights/config.h"

static const char whole[] =
    "{\"architecture\": \"resnet20\", \"num_classes\": 3, \"num_features\": 64, \"global_pool\": \"avg\","
    " \"label_names\": [\"cat\", \"caf\\u00e9\", \"dog\"], \"model_args\": {\"a\": [1, {}]},"
    " \"pretrained_cfg\": {\"num_classes\": 1000, \"input_size\": [3, 48, 40], \"mean\": [0.5, 0.25, 0.125],"
    " \"std\": [1, 0.5, 0.25], \"interpolation\": \"bicubic\", \"crop_pct\": 0.9, \"crop_mode\": \"center\","
    " \"fixed_input_size\": false, \"tag\": null}}";

static fv_status read_text(fv_config *c, const char *text, fv_arena *a, fv_err *err)
{
    return fv_config_read(c, (fv_bytes){ (const uint8_t *)text, strlen(text) }, a, err);
}

static void test_a_config_of_timms_is_read_whole(void **state)
{
    (void)state;
    fv_arena a = { 0 };
    fv_config c;
    assert_int_equal(read_text(&c, whole, &a, NULL), FV_OK);
    assert_string_equal(c.architecture, "resnet20");
    assert_true(c.classes == 3 && c.channels == 3 && c.h == 48 && c.w == 40);
    assert_string_equal(c.class_names[1], "caf\xc3\xa9");
    assert_true(c.filter == FV_BICUBIC && c.crop_pct == 0.9);
    assert_true(c.has_mean && c.has_std && c.mean[1] == 0.25f && c.std[2] == 0.25f);
    fv_arena_free(&a);
}

static void test_older_files_have_all_in_one_object(void **state)
{
    (void)state;
    fv_arena a = { 0 };
    fv_config c;
    assert_int_equal(
        read_text(&c, "{\"architecture\":\"vgg16\",\"input_size\":[3,224,224],\"crop_pct\":null}", &a, NULL), FV_OK);
    assert_true(c.h == 224 && c.crop_pct == 0 && !c.has_mean && c.classes == 0);
    fv_arena_free(&a);
}

static void test_another_programs_config_says_nothing(void **state)
{
    (void)state;
    fv_arena a = { 0 };
    fv_config c;
    assert_int_equal(read_text(&c, "{\"architectures\":[\"X\"],\"num_classes\":\"many\"}", &a, NULL), FV_OK);
    assert_null(c.architecture);
    assert_int_equal(c.classes, 0);
    fv_arena_free(&a);
}

static void test_malformed_configs_are_refused_by_key(void **state)
{
    static const struct {
        const char *inside, *reason;
        fv_status status;
    } cases[] = {
        { "\"num_classes\":0", "'num_classes' is not", FV_FORMAT },
        { "\"num_classes\":\"3\"", "'num_classes' is not", FV_FORMAT },
        { "\"num_classes\":1e9", "'num_classes' is not", FV_FORMAT },
        { "\"input_size\":[3,224]", "'input_size' is not", FV_FORMAT },
        { "\"input_size\":[2,8,8]", "'input_size' is not", FV_FORMAT },
        { "\"input_size\":[3,8,8,8]", "'input_size' is not", FV_FORMAT },
        { "\"input_size\":[3,8,99999]", "'input_size' is not", FV_FORMAT },
        { "\"crop_pct\":0", "'crop_pct' is not", FV_FORMAT },
        { "\"crop_pct\":1.5", "'crop_pct' is not", FV_FORMAT },
        { "\"mean\":[0.5,0.5]", "'mean' is not", FV_FORMAT },
        { "\"std\":[0.5,0,0.5]", "'std' is not", FV_FORMAT },
        { "\"std\":{}", "'std' is not", FV_FORMAT },
        { "\"label_names\":[]", "'label_names' is not", FV_FORMAT },
        { "\"label_names\":[\"a\",1]", "'label_names' is not", FV_FORMAT },
        { "\"num_classes\":3,\"label_names\":[\"a\"]", "1 label_names for 3 classes", FV_FORMAT },
        { "\"pretrained_cfg\":[]", "'pretrained_cfg' is not", FV_FORMAT },
        { "\"pretrained_cfg\":{\"pretrained_cfg\":{}}", "'pretrained_cfg' is not", FV_FORMAT },
        { "\"interpolation\":\"lanczos\"", "'lanczos'", FV_UNSUP },
        { "\"crop_mode\":\"squash\"", "'squash'", FV_UNSUP },
        { "\"tag\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "deeper", FV_FORMAT },
        { "\"tag\":", "offset", FV_FORMAT },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];
        fv_arena a = { 0 };
        fv_config c;
        fv_err err = { 0 };
        snprintf(text, sizeof text, "{\"architecture\":\"resnet20\",%s}", cases[i].inside);
        const fv_status s = read_text(&c, text, &a, &err);
        if (s != cases[i].status || !strstr(err.msg, cases[i].reason) || c.architecture)
            fail_msg("%s gave %d '%s'", cases[i].inside, s, err.msg);
        fv_arena_free(&a);
    }
}

static const char *weights_in(void **state)
{
    static char path[600];
    fv_net *net = NULL;
    snprintf(path, sizeof path, "%s/w.npz", scratch_dir(state)); /* which has no metadata */
    assert_int_equal(fv_net_open(&net, "resnet20", &(fv_net_opts){ .classes = 3 }, NULL, NULL), FV_OK);
    assert_int_equal(fv_net_save(net, path, NULL), FV_OK);
    fv_net_free(net);
    return path;
}

static fv_net_info told(fv_net **net, const char *model, const fv_net_opts *o)
{
    fv_net_info info;
    fv_err err = { 0 };
    if (fv_net_open(net, model, o, NULL, &err) != FV_OK) fail_msg("%s", err.msg);
    fv_net_describe(*net, &info);
    return info;
}

static void test_the_config_beside_weights_prepares_pictures(void **state)
{
    const char *path = weights_in(state);
    fv_net *net;
    scratch_write(scratch_dir(state), "config.json", whole, strlen(whole));
    fv_net_info i = told(&net, path, NULL); /* the network, too, is the config's */
    assert_string_equal(i.name, "resnet20");
    assert_true(i.classes == 3 && i.prep.h == 48 && i.prep.w == 40 && i.prep.resize == 44); /* floor(40 / 0.9) */
    assert_true(i.prep.filter == FV_BICUBIC && i.prep.mean[2] == 0.125f && i.prep.std[0] == 1);
    assert_string_equal(i.class_names[2], "dog");
    fv_net_free(net);
    i = told(&net, "resnet20", &(fv_net_opts){ .weights = path, .size = 64 }); /* what is asked for goes before */
    assert_true(i.classes == 3 && i.prep.h == 64 && i.prep.w == 64 && i.prep.resize == 71);
    fv_net_free(net);
}

static void test_a_model_files_own_metadata_goes_before_the_config(void **state)
{
    char path[600];
    fv_net *net = NULL;
    scratch_write(scratch_dir(state), "config.json", whole, strlen(whole));
    snprintf(path, sizeof path, "%s/own.safetensors", scratch_dir(state));
    assert_int_equal(fv_net_open(&net, "resnet20", &(fv_net_opts){ .classes = 2 }, NULL, NULL), FV_OK);
    assert_int_equal(fv_net_save(net, path, NULL), FV_OK);
    fv_net_free(net);
    const fv_net_info i = told(&net, path, NULL);
    assert_true(i.classes == 2 && i.prep.h == 32 && !i.class_names);
    fv_net_free(net);
}

static void test_a_config_of_another_network_is_left_aside(void **state)
{
    const char *path = weights_in(state), *other = "{\"architecture\":\"vgg16\",\"num_classes\":7}";
    fv_net *net = NULL;
    scratch_write(scratch_dir(state), "config.json", other, strlen(other));
    const fv_net_info i = told(&net, "resnet20", &(fv_net_opts){ .weights = path, .classes = 3 });
    assert_true(i.classes == 3 && i.prep.h == 32);
    fv_net_free(net);
}

static void test_a_malformed_config_is_named(void **state)
{
    const char *path = weights_in(state);
    fv_net *net = NULL;
    fv_err err = { 0 };
    scratch_write(scratch_dir(state), "config.json", "{\"a\":1", 6);
    assert_int_equal(fv_net_open(&net, "resnet20", &(fv_net_opts){ .weights = path }, NULL, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "/config.json: offset 6: "));
    assert_null(net);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_drop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_config_of_timms_is_read_whole),
        cmocka_unit_test(test_older_files_have_all_in_one_object),
        cmocka_unit_test(test_another_programs_config_says_nothing),
        cmocka_unit_test(test_malformed_configs_are_refused_by_key),
        TEST(test_the_config_beside_weights_prepares_pictures),
        TEST(test_a_model_files_own_metadata_goes_before_the_config),
        TEST(test_a_config_of_another_network_is_left_aside),
        TEST(test_a_malformed_config_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
