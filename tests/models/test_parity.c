/* test_parity.c -- logits of whole networks under a weight fill that needs no download, through the ordinary inference
 * plan. The expected figures (parity_golden.inc) are those of PyTorch; float64 agrees to the digits given.
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
    int size;
    double first[5], sum, l2;
    int argmax;
    double tolerance;    /* of l2 / sqrt(n), for each logit */
    bool own_statistics; /* the fill's would saturate the gates: batch-norm has those of a file beside the sources */
} oracle;
static const oracle oracles[] = {
#include "parity_golden.inc"
};

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
    const double share = o->tolerance, tol = share * o->l2 / sqrt(n);
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
    const int size = o->size;
    const fv_net_opts opts = { .no_weights = true };
    fv_net *net = NULL;
    fv_plan *plan = NULL;
    fv_err err = { 0 };
    if (fv_net_open(&net, o->model, &opts, &(fv_env){ .cpu = test_level() }, &err) != FV_OK) fail_msg("%s", err.msg);
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
