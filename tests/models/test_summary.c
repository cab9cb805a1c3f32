/* test_summary.c -- networks fall into the blocks that people draw, pages are whole, budgets mean what they say, and the
 * front of a comparison is one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "summary/net_blocks.h"
#include "heap.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static fv_net *opened(const char *model)
{
    fv_net *net = NULL;
    fv_err err = { 0 };
    if (fv_net_open(&net, model, &(fv_net_opts){ .no_weights = true }, NULL, &err) != FV_OK)
        fail_msg("%s: %s", model, err.msg);
    return net;
}

static int branches_of(const fv_part *p)
{
    int n = 0;
    for (const fv_branch *b = p->branches; b; b = b->next) n++;
    return n;
}

static const char *op_of(const fv_net *net, int layer)
{
    return layer < 0 ? "" : fv_ops[net->graph->node[layer].op]->name;
}

/* The block called so, and its first part that forks. */
static void check_block(const char *model, const char *name, int alike, int branches, const char *joined_by)
{
    fv_arena a = { 0 };
    fv_blocks b;
    fv_net *net = opened(model);
    const fv_block *found = NULL;
    assert_int_equal(fv_blocks_find(&b, net, &a, NULL), FV_OK);
    for (int i = 0; i < b.n; i++)
        if (strcmp(b.block[i].name, name) == 0) found = &b.block[i];
    if (!found) fail_msg("%s has no block '%s'", model, name);
    const fv_part *p = found->parts;
    while (p && p != found->end && !p->branches) p = p->next;
    const int n = p && p != found->end ? branches_of(p) : 0;
    if (found->alike != alike || n != branches || (n && strcmp(op_of(net, p->layer), joined_by) != 0))
        fail_msg("%s %s: %d alike, %d branches, joined by '%s'", model, name, found->alike, n,
                 n ? op_of(net, p->layer) : "");
    fv_net_free(net);
    fv_arena_free(&a);
}

static void test_blocks_are_those_of_the_papers(void **state)
{
    (void)state;
    check_block("resnet50", "layer1.0", 1, 2, "add");
    check_block("resnet50", "layer3.1", 5, 2, "add");
    check_block("resnet18", "layer2.1", 1, 2, "add");
    check_block("vgg16", "features.0", 1, 0, "");
    check_block("googlenet_paper", "inception4e", 1, 4, "concat");
    check_block("inception_v3", "Mixed_7b", 1, 4, "concat");
    check_block("densenet121", "features.denseblock1.denselayer1", 1, 2, "concat");
    check_block("mobilenet_v2", "features.2", 1, 0, "");
    check_block("mobilenet_v2", "features.3", 1, 2, "add");
    check_block("shufflenet_v2_x1_0", "stage2.0", 1, 2, "concat");
    check_block("shufflenet_v2_x1_0", "stage3.1", 7, 2, "concat");
    check_block("efficientnet_b0", "features.1.0", 1, 2, "mul");
    check_block("regnet_y_400mf", "trunk_output.block1.block1-0", 1, 2, "add");
}

static void count_parts(const fv_part *p, const fv_part *end, int *seen)
{
    for (; p && p != end; p = p->next) {
        if (p->layer >= 0) seen[p->layer]++;
        for (const fv_branch *b = p->branches; b; b = b->next) count_parts(b->parts, NULL, seen);
    }
}

/* Of every network of the zoo each layer that inference needs lies in one block, or in one like it. */
static void test_blocks_hold_every_layer_once(void **state)
{
    (void)state;
    for (int m = 0; fv_model_at(m); m++) {
        const fv_model *row = fv_model_at(m);
        fv_graph *g = NULL;
        fv_blocks b;
        fv_arena a = { 0 };
        assert_int_equal(fv_graph_new(&g, NULL, NULL), FV_OK);
        fv_output(g, row->build(g, fv_input(g, "image", row->size, row->size, 3), row->cfg,
                                &(fv_build){ .classes = row->classes }));
        if (g->nnode < 1500) { /* the deepest ones take long */
            const fv_net net = { .graph = g };
            int *seen = calloc(g->nnode, sizeof *seen), at = 0;
            assert_int_equal(fv_blocks_find(&b, &net, &a, NULL), FV_OK);
            for (int i = 0; i < b.n; i++) {
                const fv_block *k = &b.block[i];
                assert_int_equal(k->first, at);
                count_parts(k->parts, k->end, seen);
                for (int n = k->first; n <= k->last; n++)
                    if (seen[n] != g->node[n].main)
                        fail_msg("%s: %s is %d times in %s", row->name, g->node[n].name, seen[n], k->name);
                at = k->last_alike + 1;
                while ((size_t)at < g->nnode && !g->node[at].main) at++;
            }
            assert_int_equal(at, g->nnode);
            free(seen);
        }
        fv_arena_free(&a);
        fv_graph_free(g);
    }
}

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = calloc(1, 1 << 22);
    assert_true(fread(text, 1, (1 << 22) - 1, f) > 0);
    fclose(f);
    return text;
}

static void path_in(char out[300], const char *name)
{
    const char *folder = getenv("FOVEA_TEST_TMP");
    snprintf(out, 300, "%s/%s", folder ? folder : "/tmp", name);
}

static void test_a_page_holds_the_network(void **state)
{
    (void)state;
    char path[300];
    fv_err err = { 0 };
    fv_net *net = opened("shufflenet_v2_x1_0");
    path_in(path, "page.html");
    assert_int_equal(fv_net_page(net, 1, NULL, path, &err), FV_OK);
    char *html = read_text(path);
    static const char *const held[] = { "2,278,604",     "stage3.1 \xc3\x97 7", "144.9 M", "28 x 28 x 116",
                                        "3x3 depthwise", "stage4.3.branch2.5",  "69.36 %", "slice channels 58 to 115",
                                        "every layer" };
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        if (!strstr(html, held[i])) fail_msg("the page does not hold '%s'", held[i]);
    free(html);
    assert_int_equal(fv_net_page(net, 1, NULL, "/nowhere/page.html", &err), FV_CREATE);
    fv_net_free(net);
    remove(path);
}

static void test_a_page_survives_every_failed_allocation(void **state)
{
    (void)state;
    char path[300];
    path_in(path, "failed.html");
    fv_net *net = NULL;
    assert_int_equal(fv_net_of_layers(&net, "9x9x4 conv3p1:8 relu pool2 gap fc:3", 0, 0, NULL, NULL), FV_OK);
    for (int left = 0;; left++) {
        test_heap heap;
        net->env.heap = test_heap_init(&heap, left);
        const fv_status s = fv_net_page(net, 1, NULL, path, NULL);
        assert_int_equal(heap.live, 0);
        if (s == FV_OK) break;
        assert_int_equal(s, FV_NOMEM);
        assert_true(left < 1000);
    }
    net->env.heap = NULL;
    fv_net_free(net);
    remove(path);
}

static void test_budgets_are_read(void **state)
{
    (void)state;
    fv_budget b;
    fv_err err = { 0 };
    assert_int_equal(fv_budget_parse(&b, "latency<10ms, params <= 5M,memory<0.5GiB,top1>70%,throughput>=100/s", &err),
                     FV_OK);
    static const fv_bound want[] = { { FV_MEASURE_LATENCY, false, false, 10 },
                                     { FV_MEASURE_PARAMS, false, true, 5e6 },
                                     { FV_MEASURE_MEMORY, false, false, 536870912 },
                                     { FV_MEASURE_TOP1, true, false, 70 },
                                     { FV_MEASURE_THROUGHPUT, true, true, 100 } };
    assert_int_equal(b.n, 5);
    for (int i = 0; i < 5; i++) {
        assert_true(b.bound[i].of == want[i].of && b.bound[i].least == want[i].least &&
                    b.bound[i].or_equal == want[i].or_equal);
        assert_true(fabs(b.bound[i].value - want[i].value) <= 1e-9 * want[i].value);
    }
    assert_int_equal(fv_budget_parse(&b, "latency<0.002s", &err), FV_OK);
    assert_true(fabs(b.bound[0].value - 2) < 1e-9);
    assert_int_equal(fv_budget_parse(&b, NULL, &err), FV_OK);
    assert_int_equal(b.n, 0);
    static const char *const wrong[] = { "latency",     "latency<",   "latency=3ms", "latency<3",
                                         "latency<3kg", "latncy<3ms", "params<5M,",  "params<5M;macs<3M",
                                         "<3",          "params<-3",  "params<5 M x" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        fv_err told = { 0 };
        if (fv_budget_parse(&b, wrong[i], &told) != FV_ARG || !told.msg[0])
            fail_msg("'%s' is taken for a budget", wrong[i]);
    }
}

static void test_budgets_hold_at_their_edges(void **state)
{
    (void)state;
    const fv_compared row = { .cost = { .params = 5000000 }, .latency_ms = 10, .images_per_s = NAN, .size = 224 };
    static const struct {
        const char *text;
        bool holds;
    } rows[] = { { "params<5M", false },          { "params<=5M", true },     { "params>=5M", true },
                 { "params>5M", false },          { "latency<10.1ms", true }, { "throughput>0", false },
                 { "throughput<9", false },       { "top1>=0", false },       { "size<=224px", true },
                 { "params<6M,size<224", false }, { "memory<1GiB", false } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_budget b;
        assert_int_equal(fv_budget_parse(&b, rows[i].text, NULL), FV_OK);
        if (fv_budget_holds(&b, &row) != rows[i].holds) fail_msg("%s", rows[i].text);
    }
}

static bool go_on(void *user, int done, int count, const char *name)
{
    int *calls = user;
    assert_true(done <= count && (name != NULL) == (done < count));
    return ++*calls < 100;
}

static bool stop(void *user, int done, int count, const char *name)
{
    (void)user, (void)count, (void)name;
    return done < 1;
}

static void test_a_comparison_is_sorted_and_has_its_front(void **state)
{
    (void)state;
    static const char *const names[] = { "shufflenet_v2_x0_5", "resnet20", "squeezenet1_1", "mobilenet_v2",
                                         "resnet18" };
    fv_comparison c;
    fv_err err = { 0 };
    int calls = 0;
    fv_compare_opts o = { .model = names,
                          .nmodels = 5,
                          .seconds = 0.001,
                          .batch = 2,
                          .budget = "params<4M",
                          .progress = go_on,
                          .user = &calls };
    assert_int_equal(fv_compare(&c, &o, NULL, &err), FV_OK);
    assert_true(c.n == 5 && calls == 6);
    double fastest = INFINITY;
    for (int i = 0; i < 5; i++) {
        const fv_compared *r = &c.row[i];
        assert_true(i == 0 || r->top1 <= c.row[i - 1].top1);
        assert_int_equal(r->within, strcmp(r->name, "resnet18") != 0);
        assert_true(isnan(r->latency_ms) == !r->within && r->within == (r->bytes > 0));
        assert_int_equal(r->cost.params, r->model->params);
        assert_int_equal(r->front, r->within && r->top1 > 0 && r->latency_ms < fastest);
        if (r->within && r->top1 > 0 && r->latency_ms < fastest) fastest = r->latency_ms;
    }
    assert_string_equal(c.row[4].name, "resnet20"); /* its accuracy is of another data set */
    char path[300];
    path_in(path, "compare.html");
    assert_int_equal(fv_comparison_page(&c, path, NULL, &err), FV_OK);
    char *html = read_text(path);
    assert_true(strstr(html, "mobilenet_v2: ") && strstr(html, "1 network beyond the budget") &&
                strstr(html, "latency of one image, ms"));
    free(html);
    remove(path);
    fv_comparison_free(&c, NULL);
    o.progress = stop;
    assert_int_equal(fv_compare(&c, &o, NULL, &err), FV_INTERRUPTED);
    assert_null(c.row);
    o.budget = "latency<0.000001ms"; /* no machine is so fast: nothing is measured */
    o.progress = NULL;
    assert_int_equal(fv_compare(&c, &o, NULL, NULL), FV_OK);
    for (int i = 0; i < 5; i++) assert_true(isnan(c.row[i].latency_ms) && !c.row[i].within);
    fv_comparison_free(&c, NULL);
    fv_err unknown = { 0 };
    assert_int_equal(
        fv_compare(&c, &(fv_compare_opts){ .model = (const char *const[]){ "nothing" }, .nmodels = 1 }, NULL, &unknown),
        FV_ARG);
    assert_non_null(strstr(unknown.msg, "nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_those_of_the_papers),
        cmocka_unit_test(test_blocks_hold_every_layer_once),
        cmocka_unit_test(test_a_page_holds_the_network),
        cmocka_unit_test(test_a_page_survives_every_failed_allocation),
        cmocka_unit_test(test_budgets_are_read),
        cmocka_unit_test(test_budgets_hold_at_their_edges),
        cmocka_unit_test(test_a_comparison_is_sorted_and_has_its_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
