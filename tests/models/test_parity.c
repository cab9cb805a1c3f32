/* test_parity.c -- logits of whole networks under a weight fill that needs no download, through the ordinary inference
 * plan. The expected figures are those of PyTorch (float64 agrees to the digits given); make_parity_golden.py prints
 * those of torchvision's networks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "level.h"
#include "base/bytes.h"
#include "weights/format.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct oracle {
    const char *model;
    double first[5], sum, l2;
    int argmax;
    bool own_statistics; /* the fill's would saturate the gates: batch-norm has those of a file beside the sources */
} oracle;
// clang-format off
static const oracle oracles[] = {
    { "resnet18",  { -4.90217, 17.4995, 70.2326, -15.566, 40.3305 }, -1265.853, 1559.765, 548, false },
    { "resnet34",  { -1657.01, 849.468, 1168.7, -1248.38, 909.507 }, -21679.94, 42324.58, 368, false },
    { "resnet50",  { 121.108, 4780.1, 3997.61, 2327.45, -5373.91 }, 125735.8, 207954.7, 280, false },
    { "resnet101", { 4.944e+07, 4.25388e+06, 4.22889e+07, -45231.7, 2.21876e+07 }, -1.847684e+09, 1.743333e+09, 273, false },
    { "resnet152", { 4.26481e+09, 8.69993e+10, 3.93699e+11, -2.68882e+11, -5.41098e+11 }, -3.253597e+12, 8.098834e+12, 356, false },
    { "resnet20",  { -20.7019, -19.5389, 21.6254, -44.4653, -25.5913 }, -127.2309, 80.8857, 9, false },
    { "resnet56",  { -22912.8, 8361.33, -36837.3, 58191.4, -25167.1 }, -52478.1, 100787.3, 3, false },
    { "resnet110", { 2.11136e+10, 2.35713e+10, 8.98654e+10, -1.04733e+11, 6.48942e+10 }, -5.100806e+09, 3.002923e+11, 2, false },
    { "mobilenet_v2",     { -0.301329, 1.12524, 2.95645, -6.59136, -2.21049 }, -81.40686, 102.5922, 413, false },
    { "mobilenet_v2_035", { 2.70305, 2.67645, 1.77246, -0.358279, -2.35772 }, 62.20041, 104.7043, 649, false },
    { "mobilenet_v2_050", { -2.30402, -0.511156, 0.141361, -3.59331, -0.310083 }, 12.66853, 90.75782, 46, false },
    { "mobilenet_v2_075", { -6.68374, -1.82852, 0.136777, -1.97472, 1.5457 }, 63.42508, 102.7342, 254, false },
    { "mobilenet_v2_130", { -1.17296, -4.66967, -0.625174, 0.548544, -0.546542 }, -25.49955, 107.475, 195, false },
    { "mobilenet_v2_140", { -0.423353, 2.48389, -5.09267, 1.88027, -2.38633 }, -1.301429, 97.08954, 295, false },
    { "shufflenet_v2_x0_5", { -395.857, 46.4429, -539.479, -61.2371, -251.783 }, -30106.1, 20897.65, 192, false },
    { "shufflenet_v2_x1_0", { -0.74673, 93.6806, -197.571, -30.2635, -24.8187 }, -12948.7, 4709.532, 30, false },
    { "shufflenet_v2_x1_5", { -317.839, 63.0275, 351.699, 202.642, -82.6206 }, 4381.963, 10593.38, 145, false },
    { "shufflenet_v2_x2_0", { 1001.06, -674.277, -751.298, -133.392, 1154.66 }, -26669.17, 16571.78, 959, false },
    { "efficientnet_b0", { 0.287169, 0.109023, 0.038651, 0.0472674, -0.0851321 }, -0.2654167, 5.16318, 900, false },
    { "efficientnet_b1", { -0.0989516, 0.222249, -0.0493554, 0.0437498, -0.310643 }, -3.320813, 6.917293, 122, false },
    { "efficientnet_b2", { 0.227238, -0.146503, 0.275789, -0.590275, -0.205302 }, 5.686836, 6.675261, 108, false },
    { "efficientnet_b3", { 0.425453, -0.0652382, 0.407835, 0.24577, -0.42729 }, -0.04023543, 7.913831, 720, false },
    { "efficientnet_b4", { 0.75107, 0.839384, -0.333928, -0.204248, 0.0116389 }, 29.65314, 11.62838, 637, false },
    { "efficientnet_b5", { 0.0329473, -0.022929, 0.192235, -0.0124802, 0.021038 }, 14.2886, 7.35171, 512, true },
    { "efficientnet_b6", { -0.333921, -0.0650607, 0.0466901, -0.437682, 0.206212 }, -14.55074, 10.42974, 838, true },
    { "efficientnet_b7", { 0.308298, -0.20914, -0.00885733, 0.131339, -0.586593 }, -4.103363, 7.450267, 124, true },
};
// clang-format on

/* Element i of entry t of the state dict: a hash of both, in [0, 1). */
static double unit(uint32_t t, uint32_t i)
{
    uint32_t h = t * 0x9E3779B1u + i;
    h ^= h >> 16;
    h *= 0x7feb352du;
    h ^= h >> 15;
    h *= 0x846ca68bu;
    h ^= h >> 16;
    return h / 4294967296.0;
}

static bool ends(const char *s, const char *tail)
{
    const size_t n = strlen(s), m = strlen(tail);
    return n >= m && strcmp(s + n - m, tail) == 0;
}

/* Does this weight belong to a norm, that is: has its module a running mean? */
static bool of_norm(fv_net *net, const char *key)
{
    char mean[300];
    snprintf(mean, sizeof mean, "%.*s.running_mean", (int)(strrchr(key, '.') - key), key);
    return ends(key, ".weight") && fv_net_weights(net, mean, NULL);
}

static void fill(fv_net *net)
{
    fv_key key;
    for (int t = 0; fv_net_key(net, t, &key); t++) {
        int64_t n = 0;
        float *w = fv_net_weights(net, key.name, &n);
        if (!w) continue; /* num_batches_tracked */
        const bool mean = ends(key.name, "running_mean"), var = ends(key.name, "running_var");
        const bool norm = of_norm(net, key.name), small = ends(key.name, ".bias") || key.rank < 2;
        const double spread = 2 * sqrt(3.0 / ((double)n / key.dim[0])) * sqrt(2);
        for (int64_t i = 0; i < n; i++) {
            const double u = unit((uint32_t)t, (uint32_t)i);
            w[i] = (float)(mean   ? (u - .5) * .2
                           : var  ? .5 + u
                           : norm ? .75 + .5 * u
                                  : (u - .5) * (small ? .2 : spread));
        }
    }
}

/* The running statistics of a file, by name; false: there is no such file. */
static bool read_statistics(fv_net *net, const char *model)
{
    char path[500];
    fv_bytes file = { 0 };
    fv_stored_list list;
    fv_arena arena = { 0 };
    fv_err err = { 0 };
    snprintf(path, sizeof path, "%s/../shared/spec/bn/%s.safetensors", FOVEA_SOURCE_DIR, model);
    if (access(path, R_OK) != 0) return false;
    fv_status s = fv_file_read(&file, path, (size_t)1 << 30, NULL, &err);
    if (s == FV_OK) s = fv_weights_read(file, &list, &arena, &err);
    if (s != FV_OK) fail_msg("%s: %s", path, err.msg);
    for (size_t i = 0; i < list.count; i++) {
        int64_t n = 0;
        float *w = fv_net_weights(net, list.tensor[i].name, &n);
        assert_true(w && list.tensor[i].dtype == FV_DTYPE_F32 && list.tensor[i].data.len == (size_t)n * sizeof *w);
        memcpy(w, list.tensor[i].data.p, list.tensor[i].data.len);
    }
    fv_arena_free(&arena);
    fv_release(NULL, (void *)file.p);
    return true;
}

/* The oracle counts its input channels first. */
static float *make_input(int size)
{
    float *x = malloc((size_t)size * size * 3 * sizeof *x);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < size * size; i++)
            x[i * 3 + c] = (float)(2 * unit(999983, (uint32_t)(c * size * size + i)) - 1);
    return x;
}

static void compare(const oracle *o, const float *y, int n)
{
    const double share = o->own_statistics ? 5e-4 : 1e-4, tol = share * o->l2 / sqrt(n);
    double sum = 0, squares = 0;
    int best = 0;
    for (int i = 0; i < n; i++) {
        sum += (double)y[i];
        squares += (double)y[i] * (double)y[i];
        if (y[i] > y[best]) best = i;
    }
    for (int i = 0; i < 5; i++)
        if (!(fabs((double)y[i] - o->first[i]) <= tol))
            fail_msg("%s: logit %d is %.7g, not %.7g (tolerance %.3g)", o->model, i, (double)y[i], o->first[i], tol);
    if (!(fabs(sum - o->sum) <= share * o->l2)) fail_msg("%s: sum %.7g, not %.7g", o->model, sum, o->sum);
    if (!(fabs(sqrt(squares) - o->l2) <= share * o->l2))
        fail_msg("%s: l2 %.7g, not %.7g", o->model, sqrt(squares), o->l2);
    if (best != o->argmax) fail_msg("%s: class %d wins, not %d", o->model, best, o->argmax);
}

static void parity(const oracle *o)
{
    const fv_model *m = fv_model_find(o->model);
    const int size = m->size == 32 ? 32 : 224;
    fv_net *net = NULL;
    fv_plan *plan = NULL;
    fv_err err = { 0 };
    if (fv_net_open(&net, o->model, NULL, &(fv_env){ .cpu = test_level() }, &err) != FV_OK) fail_msg("%s", err.msg);
    fill(net);
    if (o->own_statistics && !read_statistics(net, o->model)) {
        print_message("SKIPPED %s: no ../shared/spec/bn\n", o->model);
        fv_net_free(net);
        skip();
    }
    if (fv_plan_new(&plan, net, &(fv_plan_opts){ .batch = 1, .h = size, .w = size }, &err) != FV_OK)
        fail_msg("%s", err.msg);
    float *x = make_input(size), *y = malloc((size_t)m->classes * sizeof *y);
    fv_run(plan, 1, x, y);
    compare(o, y, m->classes);
    free(x);
    free(y);
    fv_plan_free(plan);
    fv_net_free(net);
}

/* FOVEA_MOST_MACS leaves out larger networks, where an emulator runs the tests. */
static bool is_too_large(const char *model)
{
    const char *most = getenv("FOVEA_MOST_MACS");
    return most && (double)fv_model_find(model)->macs > atof(most);
}

static void test_logits_equal_pytorch(void **state)
{
    const oracle *o = *state;
    if (is_too_large(o->model)) skip();
    parity(o);
}

int main(void)
{
    enum { N = sizeof oracles / sizeof *oracles };
    struct CMUnitTest tests[N];
    for (int i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){ oracles[i].model, test_logits_equal_pytorch, NULL, NULL, (void *)&oracles[i] };
    return cmocka_run_group_tests_name("parity", tests, NULL, NULL);
}
