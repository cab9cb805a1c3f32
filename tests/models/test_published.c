/* test_published.c -- published weights and aliases: each names a network, agrees with its row, and feeds it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include <fovea.h>

#include <unistd.h>

static void test_published_rows_name_networks(void **state)
{
    (void)state;
    const fv_published *p;
    for (int i = 0; (p = fv_published_at(i)) != NULL; i++) {
        const fv_model *m = fv_model_find(p->network);
        if (!m || strcmp(m->name, p->network) != 0) fail_msg("%s: no such network", p->network);
        if (p->size < 1 || p->resize < p->size) fail_msg("%s, %s: the crop is no part", p->network, p->weights);
        if (p->top5 != 0 && p->top5 < p->top1) fail_msg("%s, %s: top-5 below top-1", p->network, p->weights);
        for (int k = 0; k < i; k++)
            if (strcmp(fv_published_at(k)->file, p->file) == 0) fail_msg("%s stands there twice", p->file);
    }
    assert_null(fv_published_at(-1));
}

/* What a network is fed by default is what its usual weights want. */
static void test_published_first_row_is_the_networks(void **state)
{
    (void)state;
    for (int i = 0; fv_model_at(i); i++) {
        const fv_model *m = fv_model_at(i);
        int k = 0;
        while (fv_published_at(k) && strcmp(fv_published_at(k)->network, m->name) != 0) k++;
        const fv_published *p = fv_published_at(k);
        if (!p) continue;
        const bool same = p->size == m->size && p->resize == m->resize && p->filter == m->filter &&
                          p->norm == m->norm && p->top1 == m->top1;
        if (!same) fail_msg("%s: its row differs from that of %s", m->name, p->file);
    }
}

static void test_published_every_tensorflow_network_has_a_row_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; fv_model_at(i); i++) {
        const fv_model *m = fv_model_at(i);
        int k = 0;
        while (fv_published_at(k) && strcmp(fv_published_at(k)->network, m->name) != 0) k++;
        if (strncmp(m->name, "tf_", 3) == 0 && !fv_published_at(k)) fail_msg("%s has no published weights", m->name);
    }
}

static void test_aliases_name_other_networks_once(void **state)
{
    (void)state;
    const char *alias, *network;
    for (int i = 0; (alias = fv_model_alias_at(i, &network)) != NULL; i++) {
        const fv_model *m = fv_model_find(alias);
        if (!m || strcmp(m->name, network) != 0) fail_msg("%s does not lead to %s", alias, network);
        for (int k = 0; k < i; k++) assert_string_not_equal(fv_model_alias_at(k, NULL), alias);
    }
    assert_string_equal(fv_model_find("mobilenetv2_100")->name, "mobilenet_v2");
    assert_string_equal(fv_model_find("MobileNetV2")->name, "tf_mobilenetv2_100");
    assert_string_equal(fv_model_nearest("mobilenetv2_10"), "mobilenetv2_100");
    assert_string_equal(fv_model_nearest("resnt18"), "resnet18");
}

/* A state dict without a word about its network, as files from elsewhere are. */
static void save_bare(const char *path)
{
    static char head[200000];
    fv_net *net;
    fv_key key;
    size_t at = 1, data = 0;
    assert_int_equal(fv_net_open(&net, "mobilenet_v2", &(fv_net_opts){ .no_weights = true }, NULL, NULL), FV_OK);
    head[0] = '{';
    for (int i = 0; fv_net_key(net, i, &key); i++) {
        int64_t count;
        if (!fv_net_weights(net, key.name, &count)) continue; /* counters of batches may be missing */
        const char *comma = "";
        at += (size_t)snprintf(head + at, sizeof head - at, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", i ? "," : "",
                               key.name);
        for (int k = 0; k < key.rank; k++, comma = ",")
            at += (size_t)snprintf(head + at, sizeof head - at, "%s%d", comma, key.dim[k]);
        const size_t end = data + (size_t)count * sizeof(float);
        at += (size_t)snprintf(head + at, sizeof head - at, "],\"data_offsets\":[%zu,%zu]}", data, end);
        data = end;
    }
    head[at++] = '}';
    assert_true(at < sizeof head);
    const uint64_t length = at; /* little-endian, as every machine that runs this */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(&length, 1, sizeof length, file);
    fwrite(head, 1, at, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(truncate(path, (off_t)(sizeof length + at + data)), 0);
    fv_net_free(net);
}

/* MobileNet V2's second weights want another shorter side than the first; a file of another name gets the usual one. */
static void test_published_file_brings_its_preparation(void **state)
{
    static const struct {
        const char *file;
        int size, expected;
    } cases[] = { { "mobilenet_v2-7ebf99e0.safetensors", 0, 232 },
                  { "mobilenet_v2-b0353104.safetensors", 0, 256 },
                  { "mobilenet_v2-7ebf99e0.safetensors", 112, 116 },
                  { "mine.safetensors", 0, 256 } };
    const char *dir = scratch_dir(state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[1000];
        fv_net *net;
        fv_net_info info;
        snprintf(path, sizeof path, "%s/%s", dir, cases[i].file);
        save_bare(path);
        const fv_net_opts o = { .weights = path, .size = cases[i].size };
        assert_int_equal(fv_net_open(&net, "mobilenet_v2", &o, NULL, NULL), FV_OK);
        fv_net_describe(net, &info);
        assert_int_equal(info.prep.resize, cases[i].expected);
        fv_net_free(net);
    }
}

/* The authors' ShuffleNets see bytes, blue first; the same networks of PyTorch do not. */
static void test_published_order_of_colours_reaches_the_network(void **state)
{
    (void)state;
    fv_net *net;
    fv_net_info info;
    const fv_net_opts o = { .no_weights = true };
    assert_int_equal(fv_net_open(&net, "megvii_shufflenet_v2_x0_5", &o, NULL, NULL), FV_OK);
    fv_net_describe(net, &info);
    assert_true(info.prep.order == FV_BGR && info.prep.mean[0] == 0 && info.prep.std[2] == 1 / 255.0f);
    fv_net_free(net);
    assert_int_equal(fv_net_open(&net, "shufflenet_v2_x0_5", &o, NULL, NULL), FV_OK);
    fv_net_describe(net, &info);
    assert_true(info.prep.order == FV_RGB && info.prep.mean[0] == 0.485f);
    fv_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_rows_name_networks),
        cmocka_unit_test(test_published_first_row_is_the_networks),
        cmocka_unit_test(test_published_every_tensorflow_network_has_a_row_of_its_own),
        cmocka_unit_test(test_aliases_name_other_networks_once),
        cmocka_unit_test(test_published_order_of_colours_reaches_the_network),
        cmocka_unit_test_setup_teardown(test_published_file_brings_its_preparation, scratch_make, scratch_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
