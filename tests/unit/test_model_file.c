/* test_model_file.c -- a net survives its model file; a file that does not fit is refused in one message.
 * SPDX-License-Identifier: Apache-2.0 */
#include "heap.h"
#include "weights/model_file.h"
#include "weights/bind.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char *const names[] = { "cat", "\"dog\" <b>", "caf\xc3\xa9" };
static const fv_prep prep = { .h = 8,
                              .w = 8,
                              .channels = 3,
                              .resize = 9,
                              .filter = FV_BICUBIC,
                              .exif = FV_EXIF_IGNORE,
                              .mean = { 0.485f, 0.456f, 0.406f },
                              .std = { 0.229f, 0.224f, 0.225f },
                              .order = FV_BGR };

static fv_net *small_net(int classes, const fv_env *env)
{
    fv_graph *g = NULL;
    fv_net *net = NULL;
    if (fv_graph_new(&g, env, NULL) != FV_OK) return NULL;
    fv_val x = fv_input(g, "image", 8, 8, 3);
    x = fv_batchnorm(g, fv_conv2d(g, x, "conv", (fv_conv){ .out = 4, .k = 3 }), "bn", (fv_bn){ 0 });
    fv_output(g, fv_linear(g, fv_global_avgpool(g, fv_relu(g, x)), "fc", classes));
    if (fv_net_new(&net, g, "small", env, NULL) != FV_OK) return NULL;
    net->prep = prep;
    net->stem = FV_STEM_CIFAR;
    return net;
}

static fv_writer saved(const fv_net *net)
{
    fv_writer w = { 0 };
    assert_int_equal(fv_model_file_bytes(&w, net, NULL), FV_OK);
    return w;
}

static fv_bytes bytes_of(const fv_writer *w)
{
    return (fv_bytes){ .p = w->p, .len = w->len };
}

static void test_a_net_survives_its_file(void **state)
{
    (void)state;
    fv_net *a = small_net(3, NULL), *b = small_net(3, NULL);
    fv_net_init(a, 1);
    fv_net_init(b, 2);
    a->batches_tracked = 12345678901;
    fv_net_name_classes(a, names, 3, NULL);
    fv_writer w = saved(a);
    fv_err err = { 0 };
    assert_int_equal(fv_model_file_load(b, bytes_of(&w), NULL, &err), FV_OK);
    assert_memory_equal(a->weights, b->weights, a->graph->floats * sizeof(float));
    assert_true(b->has_weights && b->batches_tracked == 12345678901);
    for (int i = 0; i < 3; i++) assert_string_equal(b->class_names[i], names[i]);
    fv_writer_free(&w);
    fv_net_free(a);
    fv_net_free(b);
}

static void test_metadata_comes_back_exactly(void **state)
{
    (void)state;
    fv_net *a = small_net(3, NULL);
    fv_net_name_classes(a, names, 3, NULL);
    fv_writer w = saved(a);
    fv_arena arena = { 0 };
    fv_model_meta m;
    assert_int_equal(fv_model_file_peek(&m, bytes_of(&w), &arena, NULL), FV_OK);
    assert_string_equal(m.network, "small");
    assert_int_equal(m.stem, FV_STEM_CIFAR);
    assert_int_equal(m.classes, 3);
    assert_string_equal(m.class_names[1], names[1]);
    assert_true(m.prep.h == 8 && m.prep.w == 8 && m.prep.channels == 3 && m.prep.resize == 9);
    assert_true(m.prep.filter == FV_BICUBIC && m.prep.exif == FV_EXIF_IGNORE && m.prep.order == FV_BGR);
    assert_memory_equal(m.prep.mean, prep.mean, sizeof prep.mean);
    assert_memory_equal(m.prep.std, prep.std, sizeof prep.std);
    fv_arena_free(&arena);
    fv_writer_free(&w);
    fv_net_free(a);
}

static void test_saving_to_disk_gives_the_same_bytes_twice(void **state)
{
    (void)state;
    char path[] = "/tmp/fovea-model-XXXXXX";
    close(mkstemp(path));
    fv_net *a = small_net(3, NULL);
    fv_writer w = saved(a);
    for (int i = 0; i < 2; i++) {
        fv_bytes file;
        assert_int_equal(fv_net_save(a, path, NULL), FV_OK);
        assert_int_equal(fv_file_read(&file, path, SIZE_MAX, NULL, NULL), FV_OK);
        assert_int_equal(file.len, w.len);
        assert_memory_equal(file.p, w.p, w.len);
        fv_release(NULL, (void *)(uintptr_t)file.p);
    }
    unlink(path);
    fv_writer_free(&w);
    fv_net_free(a);
}

static void test_every_truncation_is_refused_and_leaves_the_net(void **state)
{
    (void)state;
    fv_net *a = small_net(3, NULL), *b = small_net(3, NULL);
    fv_net_init(a, 1);
    fv_writer w = saved(a);
    float first = b->weights[0];
    for (size_t n = 0; n < w.len; n++) {
        uint8_t *exact = malloc(n ? n : 1);
        memcpy(exact, w.p, n);
        fv_err err = { 0 };
        assert_int_equal(fv_model_file_load(b, (fv_bytes){ .p = exact, .len = n }, NULL, &err), FV_FORMAT);
        assert_true(err.msg[0] && b->weights[0] == first && !b->has_weights);
        free(exact);
    }
    fv_writer_free(&w);
    fv_net_free(a);
    fv_net_free(b);
}

/* A list of a's tensors that a test may bend. */
static fv_stored_list list_of(const fv_writer *w, fv_arena *arena)
{
    fv_stored_list l;
    assert_int_equal(fv_weights_read(bytes_of(w), &l, arena, NULL), FV_OK);
    return l;
}

static fv_stored *named(fv_stored_list *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->tensor[i].name, name) == 0) return &l->tensor[i];
    return NULL;
}

static void test_one_message_tells_missing_extra_and_misshapen(void **state)
{
    (void)state;
    fv_net *a = small_net(3, NULL);
    fv_writer w = saved(a);
    fv_arena arena = { 0 };
    fv_stored_list l = list_of(&w, &arena);
    named(&l, "fc.weight")->name = "fc.weighu"; /* keeps the order of names */
    named(&l, "bn.bias")->dim[0] = 5;
    fv_err err = { 0 };
    assert_int_equal(fv_bind(a, &l, NULL, &err), FV_SHAPE);
    assert_non_null(strstr(err.msg, "1 missing (fc.weight)"));
    assert_non_null(strstr(err.msg, "1 extra (fc.weighu)"));
    assert_non_null(strstr(err.msg, "1 misshapen (bn.bias [5] not [4])"));
    fv_arena_free(&arena);
    fv_writer_free(&w);
    fv_net_free(a);
}

static void test_the_prefix_of_data_parallel_is_stripped(void **state)
{
    (void)state;
    fv_net *a = small_net(3, NULL);
    fv_writer w = saved(a);
    fv_arena arena = { 0 };
    fv_stored_list l = list_of(&w, &arena);
    for (size_t i = 0; i < l.count; i++) l.tensor[i].name = fv_arena_printf(&arena, "module.%s", l.tensor[i].name);
    assert_int_equal(fv_bind(a, &l, NULL, NULL), FV_OK);
    fv_arena_free(&arena);
    fv_writer_free(&w);
    fv_net_free(a);
}

static void test_a_missing_batch_count_is_accepted(void **state)
{
    (void)state;
    fv_net *a = small_net(3, NULL);
    fv_writer w = saved(a);
    fv_arena arena = { 0 };
    fv_stored_list l = list_of(&w, &arena);
    fv_stored *t = named(&l, "bn.num_batches_tracked");
    assert_non_null(t);
    memmove(t, t + 1, (size_t)(l.tensor + --l.count - t) * sizeof *t);
    assert_int_equal(fv_bind(a, &l, NULL, NULL), FV_OK);
    fv_arena_free(&arena);
    fv_writer_free(&w);
    fv_net_free(a);
}

static void keep_log(void *user, fv_log_level level, const char *text)
{
    snprintf(user, 300, "%d %s", level, text);
}

static void test_another_number_of_classes_keeps_the_body_and_says_so(void **state)
{
    (void)state;
    char log[300] = "";
    fv_net *a = small_net(3, NULL), *b = small_net(7, &(fv_env){ .log = keep_log, .log_user = log });
    fv_net_init(a, 1);
    fv_net_init(b, 2);
    fv_writer w = saved(a);
    int64_t n;
    const float head = fv_net_weights(b, "fc.weight", &n)[0];
    assert_int_equal(fv_model_file_load(b, bytes_of(&w), NULL, NULL), FV_SHAPE);
    assert_int_equal(fv_model_file_load(b, bytes_of(&w), &(fv_bind_opts){ .new_head = true }, NULL), FV_OK);
    assert_memory_equal(fv_net_weights(b, "conv.weight", &n), fv_net_weights(a, "conv.weight", &n), 4 * 27 * 4);
    assert_true(fv_net_weights(b, "fc.weight", &n)[0] == head);
    assert_string_equal(log, "0 classifier for 7 classes starts afresh: fc.weight, fc.bias");
    fv_writer_free(&w);
    fv_net_free(a);
    fv_net_free(b);
}

static void test_weights_that_are_not_finite_warn(void **state)
{
    (void)state;
    char log[300] = "";
    fv_net *a = small_net(3, NULL), *b = small_net(3, &(fv_env){ .log = keep_log, .log_user = log });
    int64_t n;
    fv_net_weights(a, "fc.bias", &n)[1] = NAN;
    fv_writer w = saved(a);
    assert_int_equal(fv_model_file_load(b, bytes_of(&w), NULL, NULL), FV_OK);
    assert_string_equal(log, "1 1 weights are not finite, the first in 'fc.bias'");
    fv_writer_free(&w);
    fv_net_free(a);
    fv_net_free(b);
}

static void test_a_file_without_our_metadata_is_plain_weights(void **state)
{
    (void)state;
    fv_net *a = small_net(3, NULL);
    fv_writer w = saved(a), plain = { 0 };
    fv_arena arena = { 0 };
    fv_stored_list l = list_of(&w, &arena);
    fv_model_meta m;
    l.pairs = 0;
    fv_safetensors_head(&plain, &l);
    for (size_t i = 0; i < l.count; i++) fv_write_bytes(&plain, l.tensor[i].data.p, l.tensor[i].data.len);
    assert_int_equal(fv_model_file_peek(&m, bytes_of(&plain), &arena, NULL), FV_OK);
    assert_null(m.network);
    assert_int_equal(fv_model_file_load(a, bytes_of(&plain), NULL, NULL), FV_OK);
    fv_arena_free(&arena);
    fv_writer_free(&plain);
    fv_writer_free(&w);
    fv_net_free(a);
}

static void test_malformed_metadata_is_refused_by_name(void **state)
{
    (void)state;
    static const fv_pair bad[] = {
        { "fovea.classes", "0" },
        { "fovea.classes", "3 4" },
        { "fovea.classes", "99999999999" },
        { "fovea.stem", "trunk" },
        { "fovea.class_names", "[\"a\",\"b\"]" },
        { "fovea.class_names", "[\"a\",\"b\",3]" },
        { "fovea.prep", "{\"h\":0,\"w\":8,\"channels\":3}" },
        { "fovea.prep", "{\"h\":8,\"w\":8,\"channels\":2}" },
        { "fovea.prep", "{\"h\":8,\"w\":8,\"channels\":3,\"std\":[-1]}" },
        { "fovea.prep", "{\"h\":8" },
        { "fovea.prep", "{\"h\":8,\"w\":8,\"channels\":3,\"order\":\"gbr\"}" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fv_pair pair[] = { bad[i], { "fovea.network", "small" }, { "fovea.classes", "3" } };
        const bool names_classes = strcmp(bad[i].key, "fovea.classes") == 0;
        fv_stored_list l = { .pair = pair, .pairs = names_classes ? 2 : 3 };
        fv_writer w = { 0 };
        fv_arena arena = { 0 };
        fv_model_meta m;
        fv_err err = { 0 };
        fv_safetensors_head(&w, &l);
        assert_int_equal(fv_model_file_peek(&m, bytes_of(&w), &arena, &err), FV_FORMAT);
        assert_non_null(strstr(err.msg, bad[i].key));
        fv_arena_free(&arena);
        fv_writer_free(&w);
    }
}

/* Files written before pictures had an order of colours. */
static void test_an_older_file_without_an_order_is_read(void **state)
{
    (void)state;
    fv_pair pair[] = { { "fovea.network", "small" },
                       { "fovea.prep", "{\"h\":8,\"w\":8,\"channels\":3,\"std\":[1,1,1]}" } };
    fv_stored_list l = { .pair = pair, .pairs = 2 };
    fv_writer w = { 0 };
    fv_arena arena = { 0 };
    fv_model_meta m;
    fv_safetensors_head(&w, &l);
    assert_int_equal(fv_model_file_peek(&m, bytes_of(&w), &arena, NULL), FV_OK);
    assert_true(m.prep.h == 8 && m.prep.order != FV_BGR);
    fv_arena_free(&arena);
    fv_writer_free(&w);
}

static void test_every_failed_allocation_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    fv_net *a = small_net(3, NULL);
    fv_net_name_classes(a, names, 3, NULL);
    fv_writer w = saved(a);
    int fails = 0;
    for (fv_status s = FV_NOMEM; s != FV_OK; fails++) {
        test_heap c;
        test_heap_init(&c, 1000);
        fv_net *b = small_net(3, &(fv_env){ .heap = &c.base });
        fv_writer again = { .heap = &c.base };
        fv_err err = { 0 };
        c.left = fails;
        s = fv_model_file_load(b, bytes_of(&w), NULL, &err);
        if (s == FV_OK) s = fv_model_file_bytes(&again, b, &err);
        assert_true(s == FV_OK || (s == FV_NOMEM && err.msg[0]));
        fv_writer_free(&again);
        fv_net_free(b);
        assert_int_equal(c.live, 0);
    }
    assert_true(fails > 5);
    fv_writer_free(&w);
    fv_net_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_net_survives_its_file),
        cmocka_unit_test(test_metadata_comes_back_exactly),
        cmocka_unit_test(test_saving_to_disk_gives_the_same_bytes_twice),
        cmocka_unit_test(test_every_truncation_is_refused_and_leaves_the_net),
        cmocka_unit_test(test_one_message_tells_missing_extra_and_misshapen),
        cmocka_unit_test(test_the_prefix_of_data_parallel_is_stripped),
        cmocka_unit_test(test_a_missing_batch_count_is_accepted),
        cmocka_unit_test(test_another_number_of_classes_keeps_the_body_and_says_so),
        cmocka_unit_test(test_weights_that_are_not_finite_warn),
        cmocka_unit_test(test_a_file_without_our_metadata_is_plain_weights),
        cmocka_unit_test(test_malformed_metadata_is_refused_by_name),
        cmocka_unit_test(test_an_older_file_without_an_order_is_read),
        cmocka_unit_test(test_every_failed_allocation_is_told_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
