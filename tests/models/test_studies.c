/* test_studies.c -- the literature's claims: every exact study holds, and the cheap measured ones by the order of their
 * extremes. A study whose data are not here is skipped by name.
 * SPDX-License-Identifier: Apache-2.0 */
#include "level.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void show_failed(const fv_study_result *r)
{
    for (int i = 0; i < r->nfindings; i++) {
        const fv_finding *f = &r->findings[i];
        if (!f->holds)
            print_message("    %s: %.10g, expected %s%.10g +- %.3g\n", f->what, f->measured,
                          f->relation == FV_BELOW   ? "below "
                          : f->relation == FV_ABOVE ? "above "
                                                    : "",
                          f->expected, f->tolerance);
    }
}

static void test_the_claim_holds(void **state)
{
    const fv_study *s = *state;
    fv_study_result *r;
    fv_err err = { 0 };
    if (fv_study_run(&r, s, &(fv_study_opts){ .small = true }, &(fv_env){ .cpu = test_level() }, &err) != FV_OK)
        fail_msg("%s", err.msg);
    print_message("%s: %.2f s, %d findings\n", s->name, r->seconds, r->nfindings);
    const fv_verdict verdict = r->verdict;
    if (verdict == FV_FAILS) show_failed(r);
    if (verdict == FV_NOT_RUN) print_message("SKIPPED %s: %s\n", s->name, r->why_not);
    fv_study_free(r);
    assert_int_not_equal(verdict, FV_FAILS);
}

static void test_every_row_is_complete(void **state)
{
    (void)state;
    for (int i = 0; fv_study_at(i); i++) {
        const fv_study *s = fv_study_at(i);
        assert_true(s->name && s->topic && s->claim && s->source && s->how && s->expected && s->why && s->seconds > 0);
        assert_ptr_equal(fv_study_find(s->name), s); /* no other row has its name */
    }
    assert_null(fv_study_find("no-such-study"));
    assert_string_equal(fv_study_nearest("stacked-3x4"), "stacked-3x3");
}

enum { MOST = 200, LONG = 15 };

int main(void)
{
    static struct CMUnitTest tests[MOST] = { cmocka_unit_test(test_every_row_is_complete) };
    const char *only = getenv("FOVEA_STUDY");
    int n = 1;
    for (int i = 0; fv_study_at(i) && n < MOST; i++) {
        const fv_study *s = fv_study_at(i);
        /* Clocks are for quiet machines; what takes longer tells apart less in its short form. */
        if (only ? strcmp(only, s->name) != 0 : s->kind == FV_STUDY_TIMED || s->seconds > LONG) continue;
        tests[n++] = (struct CMUnitTest){ s->name, test_the_claim_holds, NULL, NULL, (void *)(uintptr_t)s };
    }
    return _cmocka_run_group_tests("studies", tests, (size_t)n, NULL, NULL);
}
