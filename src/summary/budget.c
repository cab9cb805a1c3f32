/* budget.c -- bounds as people write them: "latency<10ms, params<=5M, top1>70".
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct unit {
    const char *name;
    double by;
} unit;
static const unit of_time[] = { { "ms", 1 }, { "us", 1e-3 }, { "s", 1e3 }, { 0 } };
static const unit of_count[] = {
    { "k", 1e3 }, { "K", 1e3 }, { "M", 1e6 }, { "G", 1e9 }, { "B", 1e9 }, { "", 1 }, { 0 }
};
static const unit of_bytes[] = { { "KiB", 1024 },
                                 { "MiB", 1048576 },
                                 { "GiB", 1073741824 },
                                 { "KB", 1e3 },
                                 { "MB", 1e6 },
                                 { "GB", 1e9 },
                                 { "", 1 },
                                 { 0 } };
static const unit of_percent[] = { { "%", 1 }, { "", 1 }, { 0 } };
static const unit of_pixels[] = { { "px", 1 }, { "", 1 }, { 0 } };
static const unit of_rate[] = { { "/s", 1 }, { "images/s", 1 }, { "", 1 }, { 0 } };

static double latency(const fv_compared *r)
{
    return r->latency_ms;
}
static double throughput(const fv_compared *r)
{
    return r->images_per_s;
}
static double params(const fv_compared *r)
{
    return (double)r->cost.params;
}
static double macs(const fv_compared *r)
{
    return (double)r->cost.macs;
}
static double memory(const fv_compared *r)
{
    return r->bytes ? (double)r->bytes : NAN;
}
static double access_cost(const fv_compared *r)
{
    return (double)r->cost.memory_access;
}
static double top1(const fv_compared *r)
{
    return r->top1 > 0 ? r->top1 : NAN;
}
static double size(const fv_compared *r)
{
    return r->size;
}

static const struct measure {
    const char *name;
    double (*value)(const fv_compared *r);
    const unit *units;
} measures[FV_MEASURE_COUNT] = {
    [FV_MEASURE_LATENCY] = { "latency", latency, of_time },
    [FV_MEASURE_THROUGHPUT] = { "throughput", throughput, of_rate },
    [FV_MEASURE_PARAMS] = { "params", params, of_count },
    [FV_MEASURE_MACS] = { "macs", macs, of_count },
    [FV_MEASURE_MEMORY] = { "memory", memory, of_bytes },
    [FV_MEASURE_ACCESS] = { "access", access_cost, of_count },
    [FV_MEASURE_TOP1] = { "top1", top1, of_percent },
    [FV_MEASURE_SIZE] = { "size", size, of_pixels },
};

/* A decimal number with a point, in every locale. */
static bool number(const char **p, double *out)
{
    double v = 0, place = 1;
    const char *at = *p;
    for (; *at >= '0' && *at <= '9'; at++) v = 10 * v + (*at - '0');
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++) v += (*at - '0') * (place /= 10);
    if (at == *p || !isfinite(v)) return false;
    *p = at;
    *out = v;
    return true;
}

static bool unit_of(const unit *u, const char *text, size_t n, double *by)
{
    for (; u->name; u++)
        if (strlen(u->name) == n && strncmp(u->name, text, n) == 0) {
            *by = u->by;
            return true;
        }
    return false;
}

static fv_status bound_of(fv_bound *b, const char *text, int n, fv_err *err)
{
    const char *p = text, *end = text + n;
    const size_t word = strcspn(p, "<>=, ");
    int of = 0;
    double by = 1;
    while (of < FV_MEASURE_COUNT && (strlen(measures[of].name) != word || strncmp(measures[of].name, p, word) != 0))
        of++;
    if (of == FV_MEASURE_COUNT)
        return fv_fail(
            err, FV_ARG,
            "'%.*s' in the budget: there are bounds on latency throughput params macs memory access top1 size", n,
            text);
    p += word;
    p += strspn(p, " ");
    if (*p != '<' && *p != '>')
        return fv_fail(err, FV_ARG, "'%.*s' in the budget: no < or > after '%s'", n, text, measures[of].name);
    *b = (fv_bound){ .of = (fv_measure)of, .least = *p == '>' };
    if (*++p == '=') b->or_equal = true, p++;
    p += strspn(p, " ");
    if (!number(&p, &b->value)) return fv_fail(err, FV_ARG, "'%.*s' in the budget: no number", n, text);
    p += strspn(p, " ");
    while (end > p && end[-1] == ' ') end--;
    if (p > end || !unit_of(measures[of].units, p, (size_t)(end - p), &by))
        return fv_fail(err, FV_ARG, "'%.*s' in the budget: not a unit of %s; for example '%s'", n, text,
                       measures[of].name, measures[of].units[0].name);
    b->value *= by;
    return FV_OK;
}

fv_status fv_budget_parse(fv_budget *b, const char *text, fv_err *err)
{
    *b = (fv_budget){ 0 };
    for (const char *p = text ? text : ""; *p;) {
        p += strspn(p, " ");
        const size_t n = strcspn(p, ",");
        if (b->n == (int)(sizeof b->bound / sizeof *b->bound))
            return fv_fail(err, FV_ARG, "a budget of more than %d bounds", b->n);
        FV_TRY(bound_of(&b->bound[b->n], p, (int)n, err));
        b->n++;
        p += n;
        if (*p == ',' && !p[1 + strspn(p + 1, " ")]) return fv_fail(err, FV_ARG, "the budget ends with a comma");
        if (*p == ',') p++;
    }
    return FV_OK;
}

bool fv_budget_holds(const fv_budget *b, const fv_compared *row)
{
    for (int i = 0; i < b->n; i++) {
        const fv_bound *k = &b->bound[i];
        const double v = measures[k->of].value(row);
        const bool beyond = k->least ? v > k->value : v < k->value;
        if (!beyond && !(k->or_equal && v == k->value)) return false;
    }
    return true;
}
