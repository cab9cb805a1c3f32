/* f_wisdom.c -- fuzz target: a wisdom file that is accepted has numbers and keys within their limits, and its keys are
 * found again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/wisdom.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(bool holds)
{
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fv_wisdom w = { 0 };
    fv_err err = { 0 };
    const fv_status s = fv_wisdom_parse(&w, (fv_bytes){ .p = p, .len = n }, 1, &err);
    check(s == FV_OK ? err.status == FV_OK : (s == err.status && err.msg[0] && w.n == 0));
    check(w.n <= FV_WISDOM_MOST && w.arena.total <= 16 * n + (1 << 16));
    for (size_t i = 0; i < w.n; i++) {
        check(strlen(w.choice[i].key) < FV_WISDOM_KEY);
        check(w.choice[i].number >= 0 && w.choice[i].number < FV_WISDOM_CHOICES);
        check(fv_wisdom_find(&w, w.choice[i].key) >= 0);
    }
    fv_wisdom_free(&w);
    return 0;
}
