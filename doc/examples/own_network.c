/* own_network.c -- a network of one's own by the builder: a small inverted residual with squeeze-and-excitation.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fovea.h>
#include <inttypes.h>
#include <stdio.h>

enum { SIZE = 32, CLASSES = 4 };

static fv_val squeeze_excite(fv_graph *g, fv_val x, int squeezed)
{
    fv_val s = fv_global_avgpool(g, x);
    s = fv_activate(g, fv_conv2d(g, s, "fc1", (fv_conv){ .out = squeezed, .bias = true }), FV_ACT_SILU);
    s = fv_conv2d(g, s, "fc2", (fv_conv){ .out = fv_channels(g, x), .bias = true });
    return fv_mul(g, x, fv_activate(g, s, FV_ACT_SIGMOID));
}

static fv_val block(fv_graph *g, fv_val x)
{
    const int c = fv_channels(g, x), wide = 4 * c;
    fv_val y = fv_conv2d(g, x, "expand", (fv_conv){ .out = wide });
    y = fv_activate(g, fv_batchnorm(g, y, "bn1", (fv_bn){ 0 }), FV_ACT_SILU);
    y = fv_conv2d(g, y, "depthwise", (fv_conv){ .out = wide, .k = 3, .pad = 1, .groups = wide });
    y = fv_activate(g, fv_batchnorm(g, y, "bn2", (fv_bn){ 0 }), FV_ACT_SILU);
    y = squeeze_excite(g, y, c);
    y = fv_batchnorm(g, fv_conv2d(g, y, "project", (fv_conv){ .out = c }), "bn3", (fv_bn){ 0 });
    return fv_add(g, x, y);
}

int main(void)
{
    static float image[SIZE * SIZE * 3], logits[CLASSES];
    fv_err err = { FV_OK, "" };
    fv_graph *g = NULL;
    fv_net *net = NULL;
    fv_plan *plan = NULL;
    const fv_prep prep = { .h = SIZE, .w = SIZE, .channels = 3 };
    fv_status s = fv_graph_new(&g, NULL, &err);
    if (s == FV_OK) {
        fv_val x = fv_relu(g, fv_conv2d(g, fv_input(g, "image", SIZE, SIZE, 3), "stem",
                                        (fv_conv){ .out = 16, .k = 3, .stride = 2, .pad = 1, .bias = true }));
        for (int i = 0; i < 2; i++) {
            fv_scope(g, "block%d", i);
            x = block(g, x);
            fv_scope(g, NULL);
        }
        fv_output(g, fv_linear(g, fv_global_avgpool(g, x), "classifier", CLASSES));
        s = fv_net_of_graph(&net, g, "mine", &prep, 1, NULL, &err); /* tells what the builder found wrong, too */
    }
    if (s == FV_OK) s = fv_plan_new(&plan, net, NULL, &err);
    if (s == FV_OK) {
        fv_layer l;
        for (int i = 0; fv_net_layer(net, i, &l); i++)
            if (l.cost.params > 0)
                printf("%-24s %-10s %d x %d x %d, %" PRId64 " parameters\n", l.name, l.op, l.out.h, l.out.w, l.out.c,
                       l.cost.params);
        fv_run(plan, 1, image, logits);
        printf("logits of a grey picture: %.4f %.4f %.4f %.4f\n", (double)logits[0], (double)logits[1],
               (double)logits[2], (double)logits[3]);
    } else {
        fprintf(stderr, "own_network: %s\n", err.msg);
    }
    fv_plan_free(plan);
    fv_net_free(net);
    return fv_status_exit(s);
}
