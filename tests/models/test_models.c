/* test_models.c -- every row of the zoo: parameters, multiply-adds and state-dict keys, exactly.
 * The key lists are compared by checksum, and line by line where the published lists are at hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/graph.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The graph of a row at its size with these many classes, input channels and that stem. */
static fv_status build(fv_graph **g, const fv_model *m, fv_build b, int size, int channels, fv_err *err)
{
    const fv_status made = fv_graph_new(g, NULL, err);
    if (made != FV_OK) return made;
    const fv_val image = fv_input(*g, "image", size, size, channels);
    fv_output(*g, m->build(*g, image, m->cfg, &b));
    return fv_graph_check(*g, err);
}

static fv_graph *built(const fv_model *m, fv_build b, int size, int channels)
{
    fv_graph *g = NULL;
    fv_err err = { 0 };
    if (build(&g, m, b, size, channels, &err) != FV_OK) fail_msg("%s: %s", m->name, err.msg);
    return g;
}

static fv_graph *row_graph(const fv_model *m)
{
    return built(m, (fv_build){ .classes = m->classes }, m->size, 3);
}

static void test_every_row_has_its_published_cost(void **state)
{
    (void)state;
    for (int i = 0; fv_model_at(i); i++) {
        const fv_model *m = fv_model_at(i);
        fv_graph *g = row_graph(m);
        if (fv_graph_params(g) != m->params || fv_graph_macs(g) != m->macs)
            fail_msg("%s: %lld parameters, %lld MACs; the row says %lld, %lld", m->name, (long long)fv_graph_params(g),
                     (long long)fv_graph_macs(g), (long long)m->params, (long long)m->macs);
        assert_int_equal(g->node[g->output].shape.c, m->classes);
        fv_graph_free(g);
    }
}

static void test_rows_are_complete_and_names_are_unique(void **state)
{
    (void)state;
    for (int i = 0; fv_model_at(i); i++) {
        const fv_model *m = fv_model_at(i);
        assert_true(m->family && m->build && m->size > 0 && m->classes > 0);
        assert_true(m->resize >= m->size && m->filter != FV_FILTER_DEFAULT);
        assert_true(m->top1 == 0 || m->source);
        assert_ptr_equal(fv_model_find(m->name), m);
    }
    assert_null(fv_model_at(-1));
    assert_null(fv_model_find("resnet19"));
    assert_null(fv_model_find(NULL));
}

/* ---- keys ---- */

typedef struct golden {
    const char *name, *file; /* of the published list */
    uint32_t cksum;
    size_t lines;
} golden;
static const golden goldens[] = {
#include "keys_golden.inc"
};
enum { GOLDENS = sizeof goldens / sizeof *goldens };

/* Forms of the papers that nobody published a list of; the last one's lists some tensors twice, and not in the order in
 * which the network uses them (test_names.c compares it). */
static const char *const without_list[] = { "mobilenet_v1_075",
                                            "mobilenet_v1_050",
                                            "mobilenet_v1_025",
                                            "tf_mobilenetv1_075",
                                            "tf_mobilenetv1_050",
                                            "tf_mobilenetv1_025",
                                            "tf_mobilenetv2_130",
                                            "tf_efficientnet_b1",
                                            "tf_efficientnet_b3",
                                            "tf_efficientnet_b4",
                                            "tf_efficientnet_b5",
                                            "tf_efficientnet_b6",
                                            "tf_efficientnet_b7",
                                            "googlenet_paper",
                                            "shufflenet_v1_g1",
                                            "shufflenet_v1_g1_x0_25",
                                            "shufflenet_v1_g1_x0_5",
                                            "shufflenet_v1_g1_x1_5",
                                            "shufflenet_v1_g1_x2_0",
                                            "shufflenet_v1_g2",
                                            "shufflenet_v1_g2_x0_25",
                                            "shufflenet_v1_g2_x0_5",
                                            "shufflenet_v1_g2_x1_5",
                                            "shufflenet_v1_g2_x2_0",
                                            "shufflenet_v1_g4",
                                            "shufflenet_v1_g4_x0_25",
                                            "shufflenet_v1_g4_x0_5",
                                            "shufflenet_v1_g4_x1_5",
                                            "shufflenet_v1_g4_x2_0",
                                            "shufflenet_v1_g3_x0_25",
                                            "shufflenet_v1_g8_x0_25",
                                            "shufflenet_v2_50",
                                            "shufflenet_v2_x2_0_se",
                                            "megvii_shufflenet_v2_large",
                                            "resnext50_32x4d_a",
                                            "resnext50_32x4d_b",
                                            "resnext29_8x64d",
                                            "resnext29_16x64d",
                                            "resnet20_b",
                                            "resnet9",
                                            "resnet9_x0_5",
                                            "preact_resnet20",
                                            "preact_resnet32",
                                            "preact_resnet44",
                                            "preact_resnet56",
                                            "preact_resnet110",
                                            "preact_resnet164",
                                            "preact_resnet1001",
                                            NULL };

static bool unpublished(const char *name)
{
    for (int i = 0; without_list[i]; i++)
        if (strcmp(without_list[i], name) == 0) return true;
    return false;
}

static int key_line(char *line, size_t cap, const fv_param *p)
{
    int n = snprintf(line, cap, "%s\t", p->name);
    if (p->rank == 0) n += snprintf(line + n, cap - (size_t)n, "scalar");
    for (int i = 0; i < p->rank; i++) n += snprintf(line + n, cap - (size_t)n, "%s%d", i ? "x" : "", p->dim[i]);
    return n + snprintf(line + n, cap - (size_t)n, "\t%s\n", p->kind == FV_PARAM_COUNT ? "int64" : "float32");
}

/* The checksum of POSIX cksum(1): polynomial 0x04C11DB7, most significant bit first, the length behind the bytes. */
static uint32_t cksum_byte(uint32_t crc, unsigned byte)
{
    crc ^= byte << 24;
    for (int bit = 0; bit < 8; bit++) crc = crc & 0x80000000u ? crc << 1 ^ 0x04C11DB7u : crc << 1;
    return crc;
}

static uint32_t cksum_of_keys(const fv_graph *g)
{
    uint32_t crc = 0;
    size_t length = 0;
    for (size_t i = 0; i < g->nparam; i++) {
        char line[300];
        const int n = key_line(line, sizeof line, &g->param[i]);
        for (int k = 0; k < n; k++) crc = cksum_byte(crc, (unsigned char)line[k]);
        length += (size_t)n;
    }
    for (; length; length >>= 8) crc = cksum_byte(crc, length & 0xff);
    return ~crc;
}

static void test_every_row_has_its_published_keys(void **state)
{
    (void)state;
    for (int i = 0; fv_model_at(i); i++) {
        const fv_model *m = fv_model_at(i);
        const golden *want = NULL;
        for (int k = 0; k < GOLDENS; k++)
            if (strcmp(goldens[k].name, m->name) == 0) want = &goldens[k];
        if (!want && !unpublished(m->name)) fail_msg("%s has no golden list of keys", m->name);
        if (!want) continue;
        fv_graph *g = row_graph(m);
        if (g->nparam != want->lines) fail_msg("%s: %zu keys, not %zu", m->name, g->nparam, want->lines);
        if (cksum_of_keys(g) != want->cksum) fail_msg("%s: keys, shapes or their order differ", m->name);
        fv_graph_free(g);
    }
}

static FILE *open_keys(const golden *want)
{
    char path[500];
    snprintf(path, sizeof path, "%s/../shared/spec/keys/%s.txt", FOVEA_SOURCE_DIR, want->file);
    return fopen(path, "r");
}

static void compare_keys(FILE *f, const fv_model *m)
{
    fv_graph *g = row_graph(m);
    for (size_t i = 0; i < g->nparam; i++) {
        char want[300] = "", have[300];
        key_line(have, sizeof have, &g->param[i]);
        if (!fgets(want, sizeof want, f) || strcmp(want, have) != 0)
            fail_msg("%s: entry %zu is %s, published is %s", m->name, i, have, want);
    }
    assert_int_equal(fgetc(f), EOF);
    fv_graph_free(g);
}

static void test_keys_equal_the_published_lists(void **state)
{
    (void)state;
    int compared = 0;
    for (int i = 0; i < GOLDENS; i++) {
        FILE *f = open_keys(&goldens[i]);
        if (!f) continue;
        compare_keys(f, fv_model_find(goldens[i].name));
        fclose(f);
        compared++;
    }
    if (compared == 0) {
        print_message("SKIPPED test_keys_equal_the_published_lists: no ../shared/spec/keys\n");
        skip();
    }
    assert_true(compared == GOLDENS);
}

/* ---- forms ---- */

static void test_small_stem_keeps_the_resolution(void **state)
{
    (void)state;
    const fv_model *m = fv_model_find("resnet18");
    fv_graph *g = built(m, (fv_build){ .classes = 10, .stem = FV_STEM_CIFAR }, 32, 1);
    assert_int_equal(g->param[0].dim[1], 1);
    assert_int_equal(g->param[0].dim[2], 3);
    /* The form known for CIFAR: 11,173,962 parameters with 3 channels; the first convolution loses two of them. */
    assert_int_equal(fv_graph_params(g), 11173962 - 2 * 64 * 9);
    int pools = 0;
    for (size_t i = 0; i < g->nnode; i++) pools += g->node[i].op == FV_OP_MAXPOOL;
    assert_int_equal(pools, 0);
    fv_graph_free(g);
}

/* Families without a small form refuse it by name. */
static bool has_small_form(const fv_model *m)
{
    fv_graph *g = NULL;
    fv_err err = { 0 };
    const fv_status s = build(&g, m, (fv_build){ .classes = 10, .stem = FV_STEM_CIFAR }, m->size, 3, &err);
    if (s != FV_OK && !strstr(err.msg, "has no CIFAR stem")) fail_msg("%s: %s", m->name, err.msg);
    fv_graph_free(g);
    return s == FV_OK;
}

/* Each row of the ImageNet forms with the small stem: one halving less than with the large one, or two where a pooling
 * follows it, and the same weights but for the first convolution of the residual networks. */
static void test_every_row_takes_small_pictures(void **state)
{
    (void)state;
    for (int i = 0; fv_model_at(i); i++) {
        const fv_model *m = fv_model_at(i);
        if (m->size == 32 || !has_small_form(m)) continue;
        fv_graph *g = built(m, (fv_build){ .classes = 10, .stem = FV_STEM_CIFAR }, 32, 3);
        const fv_node *first = &g->node[1];
        assert_true(first->op == FV_OP_CONV2D && first->attr.conv.kh == 3);
        assert_true(first->shape.h == 32 && first->shape.w == 32);
        int smallest = 32;
        for (size_t k = 0; k < g->nnode; k++) {
            assert_int_not_equal(g->node[k].op, FV_OP_MAXPOOL);
            if (fv_ops[g->node[k].op] == fv_ops[FV_OP_AVGPOOL]) break;
            if (g->node[k].shape.h < smallest) smallest = g->node[k].shape.h;
        }
        if (smallest < 2) fail_msg("%s: %d pixels are left of 32", m->name, smallest);
        fv_graph_free(g);
    }
}

static void test_cifar_networks_refuse_the_imagenet_stem(void **state)
{
    (void)state;
    fv_graph *g = NULL;
    fv_err err = { 0 };
    const fv_build b = { .classes = 10, .stem = FV_STEM_IMAGENET };
    assert_int_equal(build(&g, fv_model_find("resnet20"), b, 32, 3, &err), FV_SHAPE);
    assert_non_null(strstr(err.msg, "stem"));
    fv_graph_free(g);
}

/* NETWORKS 5.1 states this form too. */
static void test_cifar_networks_take_100_classes(void **state)
{
    (void)state;
    fv_graph *g = built(fv_model_find("resnet20"), (fv_build){ .classes = 100 }, 32, 3);
    assert_int_equal(fv_graph_params(g), 275572);
    assert_int_equal(fv_graph_macs(g), 40556800);
    fv_graph_free(g);
}

static void test_odd_sizes_go_through(void **state)
{
    (void)state;
    const int sizes[] = { 28, 31, 33, 64 };
    for (int i = 0; i < 4; i++) {
        fv_graph_free(built(fv_model_find("resnet20"), (fv_build){ .classes = 10 }, sizes[i], 1));
        const fv_build b = { .classes = 10, .stem = FV_STEM_CIFAR };
        fv_graph_free(built(fv_model_find("resnet50"), b, sizes[i], 3));
    }
}

/* NETWORKS 4: with the auxiliary classifiers minus without. */
static void test_auxiliary_classifiers_are_counted_apart(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int64_t with;
        int heads;
    } nets[] = { { "googlenet", 13004888, 2 },
                 { "googlenet_paper", 13378280, 2 },
                 { "inception_v3", 27161264, 1 },
                 { "megvii_shufflenet_v2_large", 140685664, 3 } };
    for (int i = 0; i < 4; i++) {
        const fv_model *m = fv_model_find(nets[i].name);
        fv_graph *g = row_graph(m);
        assert_int_equal(g->naux, nets[i].heads);
        assert_int_equal(fv_graph_aux_params(g), nets[i].with - m->params);
        fv_graph_free(g);
        g = built(m, (fv_build){ .classes = 10 }, 75, 3); /* the smallest that PyTorch's inception_v3 takes */
        assert_int_equal(g->naux, i == 2 ? 0 : nets[i].heads);
        fv_graph_free(g);
    }
}

static void test_nearest_name_forgives_typing(void **state)
{
    (void)state;
    assert_string_equal(fv_model_nearest("resnet-50"), "resnet50");
    assert_string_equal(fv_model_nearest("resnt18"), "resnet18");
    assert_string_equal(fv_model_nearest("resnet1200"), "resnet1202");
    assert_string_equal(fv_model_nearest("ResNet152"), "resnet152");
    assert_non_null(fv_model_nearest(NULL));
    char longest[5000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_non_null(fv_model_nearest(longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_has_its_published_cost),
        cmocka_unit_test(test_rows_are_complete_and_names_are_unique),
        cmocka_unit_test(test_every_row_has_its_published_keys),
        cmocka_unit_test(test_keys_equal_the_published_lists),
        cmocka_unit_test(test_small_stem_keeps_the_resolution),
        cmocka_unit_test(test_every_row_takes_small_pictures),
        cmocka_unit_test(test_cifar_networks_refuse_the_imagenet_stem),
        cmocka_unit_test(test_cifar_networks_take_100_classes),
        cmocka_unit_test(test_odd_sizes_go_through),
        cmocka_unit_test(test_auxiliary_classifiers_are_counted_apart),
        cmocka_unit_test(test_nearest_name_forgives_typing),
    };
    return cmocka_run_group_tests_name("models", tests, NULL, NULL);
}
