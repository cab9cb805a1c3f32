/* f_meta.c -- fuzz target: model metadata. The text is read as timm's config.json, and as the value of each key of a model
 * file that holds JSON: what is accepted lies within the limits that opening a network relies on.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/config.h"
#include "weights/format.h"
#include "weights/model_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(bool holds)
{
    if (!holds) abort();
}

static void check_names(const char *const *names, int n)
{
    for (int i = 0; names && i < n; i++) check(strlen(names[i]) < 1000);
}

static void as_config(fv_bytes text)
{
    fv_arena a = { 0 };
    fv_config c;
    fv_err err = { 0 };
    const fv_status s = fv_config_read(&c, text, &a, &err);
    check(s == FV_OK ? err.status == FV_OK : (err.status == s && err.msg[0] && !c.architecture));
    check(a.total <= 8 * text.len + (1 << 14));
    check(c.classes >= 0 && c.classes <= 1 << 20 && c.h >= 0 && c.h <= 16384 && c.w >= 0 && c.w <= 16384);
    check(c.channels == 0 || c.channels == 1 || c.channels == 3);
    check(c.crop_pct == 0 || (c.crop_pct > 0 && c.crop_pct <= 1));
    for (int k = 0; k < 3; k++) check(isfinite(c.mean[k]) && isfinite(c.std[k]) && c.std[k] >= 0);
    check_names(c.class_names, c.classes);
    fv_arena_free(&a);
}

/* `text` ends with a 0. */
static void as_pair(const char *key, const char *text)
{
    fv_pair pair[] = { { "fovea.classes", "3" }, { "fovea.network", "resnet20" }, { key, text } };
    const bool classes = strcmp(key, "fovea.classes") == 0;
    if (classes) pair[0] = pair[2];
    fv_stored_list l = { .pair = pair, .pairs = classes ? 2 : 3 };
    fv_writer w = { 0 };
    fv_arena a = { 0 };
    fv_model_meta m;
    fv_err err = { 0 };
    fv_safetensors_head(&w, &l);
    if (fv_model_file_peek(&m, (fv_bytes){ w.p, w.len }, &a, &err) == FV_OK) {
        check(m.classes >= 0 && m.prep.h >= 0 && m.prep.h <= 16384 && m.prep.w <= 16384 && m.prep.channels <= 3);
        check_names(m.class_names, m.classes);
    } else {
        check(err.msg[0] && !m.network);
    }
    fv_arena_free(&a);
    fv_writer_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    char *text = malloc(n + 1);
    if (!text) return 0;
    if (n) memcpy(text, p, n);
    text[n] = 0;
    as_config((fv_bytes){ p, n });
    as_pair("fovea.prep", text);
    as_pair("fovea.class_names", text);
    as_pair("fovea.classes", text);
    as_pair("fovea.stem", text);
    free(text);
    return 0;
}
