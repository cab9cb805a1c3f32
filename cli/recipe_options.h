/* recipe_options.h -- the options of `train` that say how it learns, by timm's names where timm has them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RECIPE_OPTIONS_H
#define CLI_RECIPE_OPTIONS_H
#include "options.h"

// clang-format off
#define OF_OPTS(field) offsetof(fv_train_opts, field)
#define RECIPE_OPTIONS                                                                                                             \
    { "recipe",        0, CLI_TEXT,   OF_OPTS(recipe),        "NAME|auto", "published settings, which other options change; 'fovea help recipes' lists them", 0, 0 }, \
    { "finetune",      0, CLI_TEXT,   OF_OPTS(weights),       "FILE",     "start from these weights with a new classifier, by the recipe 'finetune'", 0, 0 }, \
    { "grad-accum-steps", 0, CLI_INT, OF_OPTS(accum),         "N",        "batches of an update", 1, 65536 },                         \
    { "opt",           0, CLI_CHOICE, OF_OPTS(opt),           "sgd|rmsprop|adamw|lamb", "how weights follow their gradients", FV_OPT_SGD, 0 }, \
    { "opt-eps",       0, CLI_REAL,   OF_OPTS(opt_eps),       "EPS",      "of the optimiser (rmsprop 1e-3, adamw 1e-8, lamb 1e-6)", 0, 1 }, \
    { "opt-betas",     0, CLI_REAL2,  OF_OPTS(betas),         "B1 B2",    "of adamw and lamb (0.9 0.999)", 0, 1 },                    \
    { "alpha",         0, CLI_REAL,   OF_OPTS(alpha),         "A",        "what rmsprop's average keeps of itself (0.9)", 0, 1 },     \
    { "lr-base",       0, CLI_REAL,   OF_OPTS(lr_base),       "RATE",     "without --lr: this, times pictures of an update / SIZE", 0, 1e3 }, \
    { "lr-base-size",  0, CLI_INT,    OF_OPTS(lr_base_size),  "SIZE",     "see --lr-base", 1, 1e9 },                                  \
    { "bias-lr",       0, CLI_REAL,   OF_OPTS(bias_lr),       "FACTOR",   "of the biases' learning rate (1)", 0, 100 },               \
    { "layer-decay",   0, CLI_REAL,   OF_OPTS(layer_decay),   "FACTOR",   "of the rate, for each layer further from the classifier (1)", 0.001, 1 }, \
    { "wd-exempt",     0, CLI_CHOICE, OF_OPTS(wd_exempt),     "norms|depthwise|none", "what does not decay: norms and biases; depthwise weights, too; nothing", FV_WD_NORMS, 0 }, \
    { "freeze",        0, CLI_TEXT,   OF_OPTS(freeze),        "PATTERNS", "weights that stay: keys with * and ?, commas between ('fovea summary' has the keys)", 0, 0 }, \
    { "freeze-body",   0, CLI_FLAG,   OF_OPTS(freeze_body),   "",         "train the classifier only", 0, 0 },                        \
    { "drop",          0, CLI_REAL,   OF_OPTS(drop),          "CHANCE",   "of dropout, in the place of the network's own", 0, 0.999 }, \
    { "drop-path",     0, CLI_REAL,   OF_OPTS(drop_path),     "CHANCE",   "that the last residual branch is left out, earlier ones less often", 0, 0.999 }, \
    { "class-weights", 0, CLI_TEXT,   OF_OPTS(class_weights), "balanced|FILE", "of the losses: alike for all classes, or a number for each", 0, 0 }, \
    { "warmup-lr",     0, CLI_REAL,   OF_OPTS(warmup_lr),     "RATE",     "where the warm-up begins (lr / 100)", 0, 1e3 },            \
    { "min-lr",        0, CLI_REAL,   OF_OPTS(min_lr),        "RATE",     "cosine, poly: where they end (0)", 0, 1e3 },               \
    { "decay-power",   0, CLI_REAL,   OF_OPTS(decay_power),   "P",        "poly: 1 is a line (1)", 0.01, 100 },                       \
    { "decay-milestones", 0, CLI_TEXT, OF_OPTS(milestones),   "E,E,...",  "multistep: epochs of the falls", 0, 0 },                   \
    { "model-ema",     0, CLI_FLAG,   OF_OPTS(model_ema),     "",         "evaluate and save averages of the weights", 0, 0 },        \
    { "model-ema-decay", 0, CLI_REAL, OF_OPTS(model_ema_decay), "D",      "what they keep of themselves in an update (0.9998)", 0, 0.9999999 }, \
    { "patience",      0, CLI_INT,    OF_OPTS(patience),      "EPOCHS",   "end after so many without a better top-1", 1, 1e6 },       \
    { "stages",        0, CLI_INT,    OF_OPTS(stages),        "N",        "progressive learning: stages of equal length", 1, 1000 },  \
    { "progressive",   0, CLI_REAL2,  OF_OPTS(progressive),   "FIRST:LAST", "sizes of the input in the first and the last stage", 1, 16384 }, \
    { "progressive-drop", 0, CLI_REAL2, OF_OPTS(progressive_drop), "FIRST:LAST", "chances of dropout", 0, 0.999 },                  \
    { "progressive-mix", 0, CLI_REAL2, OF_OPTS(progressive_mix), "FIRST:LAST", "alpha of --mixup and --cutmix", 0, 100 },            \
    { "progressive-aa", 0, CLI_REAL2, OF_OPTS(progressive_aa), "FIRST:LAST", "magnitude of --aa", 0, 100 }
// clang-format on

#endif
