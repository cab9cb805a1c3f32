/* network.h -- the options that name a network, shared by the commands that open one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_NETWORK_H
#define CLI_NETWORK_H
#include "options.h"

typedef struct cli_network {
    const char *model, *weights, *labels, *wisdom;
    int classes, size, channels, stem, threads;
    bool random_weights, no_weights, ema, strict, low_memory, autotune;
    bool trains; /* else weights are packed from their file, which is faster and takes half the memory */
    uint64_t seed;
} cli_network;

// clang-format off
#define NETWORK_SHAPE_OPTIONS(type, n)                                                                                             \
    { "weights",  0, CLI_TEXT,   offsetof(type, n.weights),  "FILE",           "the network's weights: .safetensors, .pth, .npz", 0, 0 },          \
    { "ema",      0, CLI_FLAG,   offsetof(type, n.ema),      "",               "the moving averages of a checkpoint that has them", 0, 0 },  \
    { "classes",  0, CLI_INT,    offsetof(type, n.classes),  "N",              "classes of the network", 1, 1 << 20 },                \
    { "size",     0, CLI_INT,    offsetof(type, n.size),     "N",              "height and width of the input", 1, 16384 },            \
    { "channels", 0, CLI_INT,    offsetof(type, n.channels), "1|3",            "channels of the input", 1, 3 },                        \
    { "stem",     0, CLI_CHOICE, offsetof(type, n.stem),     "imagenet|cifar", "first layers: for 224 pixels, or for 28 to 64", FV_STEM_IMAGENET, 0 }, \
    { "seed",     0, CLI_UINT64, offsetof(type, n.seed),     "N",              "of weights that are not read from a file", 0, 0 }
#define NETWORK_OPTIONS(type, n)                                                                                                    \
    { "model",    0, CLI_TEXT,   offsetof(type, n.model),    "NAME|FILE",      "a network's name, or a model file", 0, 0 },            \
    NETWORK_SHAPE_OPTIONS(type, n),                                                                                                 \
    { "strict",   0, CLI_FLAG,   offsetof(type, n.strict),   "",               "refuse weights that are not finite numbers", 0, 0 },   \
    { "low-memory", 0, CLI_FLAG, offsetof(type, n.low_memory), "",             "one picture at a time, unless --batch-size says else; large maps in bands, no Winograd", 0, 0 }, \
    { "autotune", 0, CLI_FLAG,   offsetof(type, n.autotune), "",               "time variants that give the same bits, and keep the fastest", 0, 0 }, \
    { "wisdom",   0, CLI_TEXT,   offsetof(type, n.wisdom),   "FILE",           "--autotune, and keep its timings there; default: fovea/wisdom.json among the user's caches", 0, 0 }, \
    { "threads",  0, CLI_INT,    offsetof(type, n.threads),  "N",              "threads; default: the cores this process may use", 1, 1024 }
#define NETWORK_LABELS_OPTION(type, n)                                                                                              \
    { "labels",   0, CLI_TEXT,   offsetof(type, n.labels),   "FILE",           "class names, one a line, instead of the network's own", 0, 0 }
#define NETWORK_RANDOM_OPTION(type, n)                                                                                              \
    { "random-weights", 0, CLI_FLAG, offsetof(type, n.random_weights), "", "go on with a network that knows nothing", 0, 0 }
// clang-format on

/* Says the nearest name and gives 2 where `model` is neither a network nor a file; -1 where it is fine. */
int cli_check_model(const cli *c, const char *model);
/* Opens the network, with c->env.threads set. Returns -1 or the exit code, after telling why. need_weights: a network
 * by name without weights is refused unless --random-weights. */
int cli_open_network(cli *c, const cli_network *a, bool need_weights, fv_net **net);

#endif
