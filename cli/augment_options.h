/* augment_options.h -- the options that change training pictures, by timm's names: of `train` and of `data augment`. `at` is
 * where the command's struct has its fv_train_opts.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_AUGMENT_OPTIONS_H
#define CLI_AUGMENT_OPTIONS_H
#include "options.h"

// clang-format off
#define OF_TRAIN(at, field) (at) + offsetof(fv_train_opts, field)
#define AUGMENT_OPTIONS(at)                                                                                                        \
    { "pad-crop",     0, CLI_INT,    OF_TRAIN(at, pad_crop),     "N",       "pad by N pixels and crop at random; 0: no", 0, 1024 },   \
    { "scale",        0, CLI_REAL2,  OF_TRAIN(at, scale),        "LOW HIGH", "random crop, resized: share of the area (0.08 1)", 0, 1 }, \
    { "ratio",        0, CLI_REAL2,  OF_TRAIN(at, ratio),        "LOW HIGH", "and its width by its height (0.75 1.333)", 0, 100 },    \
    { "hflip",        0, CLI_REAL,   OF_TRAIN(at, flip),         "CHANCE",  "of a left-right flip (0.5)", 0, 1 },                     \
    { "flip",         0, CLI_REAL,   OF_TRAIN(at, flip),         "CHANCE",  "the same", 0, 1 },                                      \
    { "vflip",        0, CLI_REAL,   OF_TRAIN(at, vflip),        "CHANCE",  "of a flip upside down", 0, 1 },                         \
    { "aa",           0, CLI_TEXT,   OF_TRAIN(at, aa),           "POLICY",  "rand-m9-n2-mstd0.5-inc1, trivial, imagenet or cifar10", 0, 0 }, \
    { "color-jitter", 0, CLI_REAL,   OF_TRAIN(at, color_jitter), "J",       "brightness, contrast, saturation by 1 - J to 1 + J", 0, 10 }, \
    { "hue",          0, CLI_REAL,   OF_TRAIN(at, hue_jitter),   "J",       "turn hues by up to J of the circle", 0, 0.5 },          \
    { "pca",          0, CLI_REAL,   OF_TRAIN(at, pca),          "SIGMA",   "shift colours along their principal axes (AlexNet: 0.1)", 0, 10 }, \
    { "reprob",       0, CLI_REAL,   OF_TRAIN(at, reprob),       "CHANCE",  "of erasing a random rectangle", 0, 1 },                 \
    { "remode",       0, CLI_CHOICE, OF_TRAIN(at, remode),       "pixel|const|rand", "what it leaves: noise, the mean, one colour", FV_ERASE_PIXELS, 0 }, \
    { "recount",      0, CLI_INT,    OF_TRAIN(at, recount),      "N",       "rectangles erased (1)", 1, 100 },                        \
    { "mixup",        0, CLI_REAL,   OF_TRAIN(at, mixup),        "ALPHA",   "mix pictures by shares of Beta(ALPHA, ALPHA)", 0, 100 }, \
    { "cutmix",       0, CLI_REAL,   OF_TRAIN(at, cutmix),       "ALPHA",   "paste boxes of other pictures, by such shares", 0, 100 }, \
    { "mixup-prob",   0, CLI_REAL,   OF_TRAIN(at, mixup_prob),   "CHANCE",  "that a batch is mixed (1)", 0, 1 },                     \
    { "mixup-switch-prob", 0, CLI_REAL, OF_TRAIN(at, mixup_switch_prob), "CHANCE", "of cutmix where there are both (0.5)", 0, 1 }
// clang-format on

#endif
