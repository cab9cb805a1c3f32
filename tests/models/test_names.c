/* test_names.c -- weights under other libraries' names reach their network; published lists of names and shapes where they
 * are at hand, and a published checkpoint that has to be as right as its authors say.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/net.h"
#include "weights/bind.h"
#include <fovea.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static fv_net *open_net(const char *model, const fv_net_opts *o)
{
    fv_net *net;
    fv_err err = { 0 };
    if (fv_net_open(&net, model, o, NULL, &err) != FV_OK) fail_msg("%s: %s", model, err.msg);
    return net;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const fv_stored *)a)->name, ((const fv_stored *)b)->name);
}

/* The tensors of a list "name TAB 64x3x7x7 TAB float32", all zero, as a file would hold them; false: no such list. */
static bool published(fv_stored_list *l, const char *list, fv_arena *a)
{
    enum { MOST = 4000 };
    char path[500], line[500], name[300], shape[100], type[20];
    snprintf(path, sizeof path, "%s/../shared/spec/keys/%s.txt", FOVEA_SOURCE_DIR, list);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    *l = (fv_stored_list){ .tensor = fv_arena_alloc(a, MOST * sizeof *l->tensor) };
    while (fgets(line, sizeof line, f) && l->count < MOST) {
        fv_stored *t = &l->tensor[l->count];
        if (sscanf(line, "%299s %99s %19s", name, shape, type) != 3) continue;
        t->name = fv_arena_strdup(a, name);
        t->dtype = strcmp(type, "int64") == 0 ? FV_DTYPE_I64 : FV_DTYPE_F32;
        size_t bytes = (size_t)fv_dtype_bits(t->dtype) / 8;
        for (char *p = shape; *p >= '0' && *p <= '9'; p += *p == 'x') {
            t->dim[t->rank] = strtol(p, &p, 10);
            bytes *= (size_t)t->dim[t->rank++];
        }
        t->data = (fv_bytes){ fv_arena_alloc(a, bytes), bytes };
        l->count++;
    }
    fclose(f);
    qsort(l->tensor, l->count, sizeof *l->tensor, by_name);
    return true;
}

static void test_names_of_timm_reach_our_networks(void **state)
{
    static const struct {
        const char *list, *model;
    } cases[] = {
        // clang-format off
        { "timm.efficientnet_b0", "efficientnet_b0" },
        { "timm.mobilenetv2_100", "mobilenet_v2" },
        { "timm.mobilenetv2_035", "mobilenet_v2_035" },
        { "timm.mobilenetv2_140", "mobilenet_v2_140" },
        { "timm.mobilenetv3_large_100", "mobilenet_v3_large" },
        { "timm.mobilenetv3_small_100", "mobilenet_v3_small" },
        { "timm.tf_mobilenetv3_large_075", "tf_mobilenetv3_large_075" },
        { "timm.tf_mobilenetv3_large_minimal_100", "tf_mobilenetv3_large_minimal_100" },
        { "timm.tf_mobilenetv3_small_minimal_100", "tf_mobilenetv3_small_minimal_100" },
        { "timm.mobilenetv1_100", "mobilenet_v1" },
        { "timm.tf_efficientnet_b0", "tf_efficientnet_b0" },
        { "timm.tf_efficientnet_b2", "tf_efficientnet_b2" },
        { "timm.efficientnet_lite0", "efficientnet_lite0" },
        { "timm.efficientnet_lite4", "efficientnet_lite4" },
        { "timm.tf_efficientnetv2_s", "tf_efficientnetv2_s" },
        { "timm.tf_efficientnetv2_s", "efficientnet_v2_s" },
        { "timm.tf_efficientnetv2_b0", "tf_efficientnetv2_b0" },
        { "timm.tf_efficientnetv2_b3", "efficientnet_v2_b3" },
        { "timm.mobilenetv3_large_100", "mobilenetv3_large_100" },
        { "timm.mobilenetv3_small_050", "mobilenet_v3_small_050" },
        { "timm.mobilenetv2_110d", "mobilenetv2_110d" },
        { "timm.tf_efficientnet_b8", "tf_efficientnet_b8" },
        { "timm.efficientnetv2_rw_s", "efficientnetv2_rw_s" },
        { "timm.mnasnet_a1", "semnasnet_100" },
        { "megv2_large", "megvii_shufflenet_v2_large" },
        { "timm.resnetv2_50", "resnetv2_50" },
        { "timm.resnext101_64x4d", "resnext101_64x4d" },
        // clang-format on
    };
    int done = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_arena a = { 0 };
        fv_stored_list l;
        fv_err err = { 0 };
        if (!fv_model_find(cases[i].model)) continue;
        if (!published(&l, cases[i].list, &a)) {
            print_message("SKIPPED names of %s: no ../shared/spec/keys\n", cases[i].list);
            continue;
        }
        fv_net *net = open_net(cases[i].model, &(fv_net_opts){ .no_weights = true });
        if (fv_bind(net, &l, NULL, &err) != FV_OK) fail_msg("%s: %s", cases[i].list, err.msg);
        assert_true(fv_bind_share(net->graph, cases[i].model, &l, NULL) == 1);
        fv_net_free(net);
        fv_arena_free(&a);
        done++;
    }
    if (!done) skip();
}

/* The tensors of a network, each renamed by fn. */
typedef const char *rename_fn(const char *name, fv_arena *a);
static fv_stored_list tensors_of(const fv_net *net, rename_fn *fn, fv_arena *a)
{
    const fv_graph *g = net->graph;
    fv_stored_list l = { .tensor = fv_arena_alloc(a, g->nparam * sizeof *l.tensor) };
    for (size_t i = 0; i < g->nparam; i++) {
        const fv_param *p = &g->param[i];
        fv_stored *t = &l.tensor[l.count++];
        if (p->kind == FV_PARAM_COUNT) {
            l.count--;
            continue;
        }
        *t = (fv_stored){ .name = fn(p->name, a), .dtype = FV_DTYPE_F32, .rank = p->rank };
        for (int k = 0; k < p->rank; k++) t->dim[k] = p->dim[k];
        t->data = (fv_bytes){ (const uint8_t *)(net->weights + p->at), p->floats * sizeof(float) };
    }
    qsort(l.tensor, l.count, sizeof *l.tensor, by_name);
    return l;
}

static const char *wrapped(const char *name, fv_arena *a)
{
    return fv_arena_printf(a, "state_dict._orig_mod.module.%s", name);
}

static const char *averaged(const char *name, fv_arena *a)
{
    return fv_arena_printf(a, "state_dict_ema.%s", name);
}

static const char *headed(const char *name, fv_arena *a)
{
    const bool head = strncmp(name, "fc.", 3) == 0;
    return head ? fv_arena_printf(a, "head.%s", name) : fv_arena_strdup(a, name);
}

static const char *greek(const char *name, fv_arena *a)
{
    const char *bn = strstr(name, "bn");
    if (!bn) return fv_arena_strdup(a, name);
    const char *dot = strrchr(name, '.');
    const bool scale = strcmp(dot, ".weight") == 0, shift = strcmp(dot, ".bias") == 0;
    if (!scale && !shift) return fv_arena_strdup(a, name);
    return fv_arena_printf(a, "%.*s%s", (int)(dot - name), name, scale ? ".gamma" : ".beta");
}

/* torchvision before 0.2.2 */
static const char *numbered(const char *name, fv_arena *a)
{
    const char *layer = strstr(name, "denselayer"), *dot = layer ? strchr(layer, '.') : NULL;
    const bool norm = dot && strncmp(dot, ".norm", 5) == 0, conv = dot && strncmp(dot, ".conv", 5) == 0;
    if (!norm && !conv) return fv_arena_strdup(a, name);
    return fv_arena_printf(a, "%.*s.%s", (int)(dot + 5 - name), name, dot + 5);
}

/* What lies between two tensors is nobody's. */
static void same_weights(const fv_net *a, const fv_net *b)
{
    for (size_t i = 0; i < a->graph->nparam; i++) {
        const fv_param *p = &a->graph->param[i];
        if (p->floats) assert_memory_equal(a->weights + p->at, b->weights + p->at, p->floats * sizeof(float));
    }
}

static void test_wrappers_and_heads_are_seen_through(void **state)
{
    static rename_fn *const kinds[] = { wrapped, averaged, headed, greek };
    (void)state;
    fv_net *net = open_net("resnet18", &(fv_net_opts){ .seed = 7 });
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        fv_arena a = { 0 };
        fv_err err = { 0 };
        fv_net *copy = open_net("resnet18", &(fv_net_opts){ .no_weights = true });
        const fv_stored_list l = tensors_of(net, kinds[i], &a);
        if (fv_bind(copy, &l, NULL, &err) != FV_OK) fail_msg("%zu: %s", i, err.msg);
        same_weights(net, copy);
        fv_net_free(copy);
        fv_arena_free(&a);
    }
    fv_net_free(net);
}

typedef struct counted {
    size_t of[FV_MATCH_COUNT];
} counted;

static void count_line(void *user, const fv_match_line *line)
{
    ((counted *)user)->of[line->kind]++;
    assert_true(line->tensor || line->param);
}

static void test_the_old_names_of_densenet_are_known(void **state)
{
    (void)state;
    if (!fv_model_find("densenet121")) skip();
    fv_arena a = { 0 };
    counted c = { 0 };
    fv_err err = { 0 };
    fv_net *net = open_net("densenet121", &(fv_net_opts){ .seed = 3 });
    fv_net *copy = open_net("densenet121", &(fv_net_opts){ .no_weights = true });
    const fv_stored_list l = tensors_of(net, numbered, &a);
    if (fv_bind(copy, &l, &(fv_bind_opts){ .each = count_line, .user = &c }, &err) != FV_OK) fail_msg("%s", err.msg);
    same_weights(net, copy);
    assert_int_equal(c.of[FV_MATCH_RENAMED], 58 * 10); /* a layer has two norms of four tensors, and two convolutions */
    fv_net_free(net);
    fv_net_free(copy);
    fv_arena_free(&a);
}

/* A module of ours, and what timm calls it. */
typedef struct pair {
    const char *ours, *theirs;
} pair;

static const char *renamed(const pair *p, const char *before, const char *name, fv_arena *a)
{
    for (; p->ours; p++) {
        const size_t n = strlen(p->ours);
        if (strncmp(name, p->ours, n) == 0) return fv_arena_printf(a, "%s%s%s", before, p->theirs, name + n);
    }
    fail_msg("%s: timm has no such module", name);
    return NULL;
}

static const char *timm_regnet(const char *name, fv_arena *a)
{
    static const pair block[] = { { "proj.0.", "downsample.conv." },
                                  { "proj.1.", "downsample.bn." },
                                  { "f.a.0.", "conv1.conv." },
                                  { "f.a.1.", "conv1.bn." },
                                  { "f.b.0.", "conv2.conv." },
                                  { "f.b.1.", "conv2.bn." },
                                  { "f.se.", "se." },
                                  { "f.c.0.", "conv3.conv." },
                                  { "f.c.1.", "conv3.bn." },
                                  { NULL, NULL } };
    static const pair rest[] = {
        { "stem.0.", "stem.conv." }, { "stem.1.", "stem.bn." }, { "fc.", "head.fc." }, { NULL, NULL }
    };
    int stage, i, at = 0;
    if (sscanf(name, "trunk_output.block%d.block%*d-%d.%n", &stage, &i, &at) != 2) return renamed(rest, "", name, a);
    return renamed(block, fv_arena_printf(a, "s%d.b%d.", stage, i + 1), name + at, a);
}

static const char *timm_mnasnet(const char *name, fv_arena *a)
{
    static const pair block[] = { { "0.", "conv_pw." },  { "1.", "bn1." }, { "3.", "conv_dw." }, { "4.", "bn2." },
                                  { "6.", "conv_pwl." }, { "7.", "bn3." }, { NULL, NULL } };
    static const pair rest[] = { { "layers.0.", "conv_stem." },          { "layers.1.", "bn1." },
                                 { "layers.3.", "blocks.0.0.conv_dw." }, { "layers.4.", "blocks.0.0.bn1." },
                                 { "layers.6.", "blocks.0.0.conv_pw." }, { "layers.7.", "blocks.0.0.bn2." },
                                 { "layers.14.", "conv_head." },         { "layers.15.", "bn2." },
                                 { "classifier.1.", "classifier." },     { NULL, NULL } };
    int stage, i, at = 0;
    if (sscanf(name, "layers.%d.%d.layers.%n", &stage, &i, &at) != 2) return renamed(rest, "", name, a);
    return renamed(block, fv_arena_printf(a, "blocks.%d.%d.", stage - 7, i), name + at, a);
}

static void test_timms_names_of_regnet_and_mnasnet_are_known(void **state)
{
    static const struct {
        const char *model;
        rename_fn *theirs;
    } cases[] = { { "regnet_y_400mf", timm_regnet },
                  { "regnet_x_800mf", timm_regnet },
                  { "mnasnet1_0", timm_mnasnet } };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fv_arena a = { 0 };
        fv_err err = { 0 };
        fv_net *net = open_net(cases[i].model, &(fv_net_opts){ .seed = 3 });
        fv_net *copy = open_net(cases[i].model, &(fv_net_opts){ .no_weights = true });
        const fv_stored_list l = tensors_of(net, cases[i].theirs, &a);
        if (fv_bind(copy, &l, NULL, &err) != FV_OK) fail_msg("%s: %s", cases[i].model, err.msg);
        same_weights(net, copy);
        fv_net_free(net);
        fv_net_free(copy);
        fv_arena_free(&a);
    }
}

static void test_the_weights_and_their_averages_are_told_apart(void **state)
{
    (void)state;
    fv_net *now = open_net("resnet20", &(fv_net_opts){ .seed = 1 });
    fv_net *mean = open_net("resnet20", &(fv_net_opts){ .seed = 2 });
    fv_net *copy = open_net("resnet20", &(fv_net_opts){ .no_weights = true });
    fv_arena a = { 0 };
    const fv_stored_list x = tensors_of(now, wrapped, &a), y = tensors_of(mean, averaged, &a);
    fv_stored_list both = { .tensor = fv_arena_alloc(&a, (x.count + y.count) * sizeof *x.tensor) };
    for (size_t i = 0; i < x.count; i++) both.tensor[both.count++] = x.tensor[i];
    for (size_t i = 0; i < y.count; i++) both.tensor[both.count++] = y.tensor[i];
    qsort(both.tensor, both.count, sizeof *both.tensor, by_name);
    fv_err err = { 0 };
    assert_int_equal(fv_bind(copy, &both, NULL, NULL), FV_OK);
    same_weights(now, copy);
    assert_int_equal(fv_bind(copy, &both, &(fv_bind_opts){ .ema = true }, NULL), FV_OK);
    same_weights(mean, copy);
    assert_int_equal(fv_bind(copy, &x, &(fv_bind_opts){ .ema = true }, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "no moving averages"));
    fv_arena_free(&a);
    fv_net_free(now);
    fv_net_free(mean);
    fv_net_free(copy);
}

static const char *as_it_is(const char *name, fv_arena *a)
{
    return fv_arena_strdup(a, name);
}

static void test_every_misfit_is_told_and_counted(void **state)
{
    (void)state;
    fv_net *small = open_net("resnet20", &(fv_net_opts){ .seed = 1 });
    fv_net *large = open_net("resnet32", &(fv_net_opts){ .no_weights = true });
    fv_arena a = { 0 };
    counted c = { 0 };
    fv_err err = { 0 };
    fv_stored_list l = tensors_of(small, as_it_is, &a);
    l.tensor[0].name = "aaa.weight"; /* stays the first */
    assert_int_equal(fv_bind(large, &l, &(fv_bind_opts){ .each = count_line, .user = &c }, &err), FV_SHAPE);
    size_t want = 0;
    for (size_t i = 0; i < large->graph->nparam; i++) want += large->graph->param[i].kind != FV_PARAM_COUNT;
    assert_int_equal(c.of[FV_MATCH_EXTRA], 1);
    assert_int_equal(c.of[FV_MATCH_SAME], l.count - 1);
    assert_int_equal(c.of[FV_MATCH_MISSING], want - (l.count - 1));
    assert_true(fv_bind_share(large->graph, "resnet32", &l, NULL) < fv_bind_share(small->graph, "resnet20", &l, NULL));
    fv_arena_free(&a);
    fv_net_free(small);
    fv_net_free(large);
}

static void test_a_linear_layer_may_lie_there_as_a_convolution(void **state)
{
    (void)state;
    fv_net *net = open_net("resnet20", &(fv_net_opts){ .seed = 1 });
    fv_net *copy = open_net("resnet20", &(fv_net_opts){ .no_weights = true });
    fv_arena a = { 0 };
    fv_stored_list l = tensors_of(net, as_it_is, &a);
    for (size_t i = 0; i < l.count; i++)
        if (strcmp(l.tensor[i].name, "linear.weight") == 0) {
            l.tensor[i].rank = 4;
            l.tensor[i].dim[2] = l.tensor[i].dim[3] = 1;
        }
    assert_int_equal(fv_bind(copy, &l, NULL, NULL), FV_OK);
    same_weights(net, copy);
    fv_arena_free(&a);
    fv_net_free(net);
    fv_net_free(copy);
}

/* akamaster/pytorch_resnet_cifar10: 91.73 % of CIFAR-10's test set. Rounding may turn a picture or two whose two best
 * classes are all but equal. */
static void test_a_published_resnet20_is_as_right_as_published(void **state)
{
    enum { RIGHT = 9173, MAY_TURN = 2 };
    char weights[500], data[300], command[1200];
    (void)state;
    snprintf(weights, sizeof weights, "%s/../shared/data/weights/resnet20-12fca82f.th", FOVEA_SOURCE_DIR);
    FILE *f = fopen(weights, "rb");
    if (!f) {
        print_message("SKIPPED resnet20 on CIFAR-10: no ../shared/data\n");
        skip();
    }
    fclose(f);
    const char *tmp = getenv("FOVEA_TEST_TMP");
    snprintf(data, sizeof data, "%s/cifar10-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(data));
    snprintf(command, sizeof command, "'%s/../shared/data/unpack-cifar10' '%s' >/dev/null", FOVEA_SOURCE_DIR, data);
    assert_int_equal(system(command), 0);
    fv_net *net = open_net("resnet20", &(fv_net_opts){ .weights = weights });
    fv_data *set;
    fv_metrics m;
    fv_err err = { 0 };
    char folder[400];
    snprintf(folder, sizeof folder, "%s/cifar-10-batches-bin", data);
    if (fv_data_open(&set, folder, &(fv_data_opts){ .split = "test" }, NULL, &err) != FV_OK) fail_msg("%s", err.msg);
    if (fv_evaluate(&m, net, set, &(fv_eval_opts){ .batch = 50 }, &err) != FV_OK) fail_msg("%s", err.msg);
    print_message("%lld of %lld right\n", (long long)m.correct, (long long)m.n);
    assert_int_equal(m.n, 10000);
    assert_in_range(m.correct, RIGHT - MAY_TURN, RIGHT + MAY_TURN);
    fv_metrics_free(&m);
    fv_data_free(set);
    fv_net_free(net);
    snprintf(command, sizeof command, "rm -rf '%s'", data);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_timm_reach_our_networks),
        cmocka_unit_test(test_wrappers_and_heads_are_seen_through),
        cmocka_unit_test(test_the_old_names_of_densenet_are_known),
        cmocka_unit_test(test_timms_names_of_regnet_and_mnasnet_are_known),
        cmocka_unit_test(test_the_weights_and_their_averages_are_told_apart),
        cmocka_unit_test(test_every_misfit_is_told_and_counted),
        cmocka_unit_test(test_a_linear_layer_may_lie_there_as_a_convolution),
        cmocka_unit_test(test_a_published_resnet20_is_as_right_as_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
