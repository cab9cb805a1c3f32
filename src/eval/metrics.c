/* metrics.c -- what a row of logits says: rank, cross-entropy, probabilities. Sums in double; ties go to the lower
 * index, so that an answer never depends on the order of a search.
 * SPDX-License-Identifier: Apache-2.0 */
#include "eval/evaluate.h"
#include <math.h>

int fv_rank_of(const float *logits, int classes, int label)
{
    int rank = 0;
    for (int i = 0; i < classes; i++) rank += logits[i] > logits[label] || (i < label && logits[i] == logits[label]);
    return rank;
}

/* The largest logit, or NaN where one is not finite. */
static double largest(const float *logits, int classes)
{
    double most = (double)logits[0];
    for (int i = 0; i < classes; i++) {
        if (!isfinite(logits[i])) return NAN;
        if ((double)logits[i] > most) most = (double)logits[i];
    }
    return most;
}

/* sum exp(logit - most): between 1 and classes, so it cannot overflow. */
static double partition(const float *logits, int classes, double most)
{
    double sum = 0;
    for (int i = 0; i < classes; i++) sum += exp((double)logits[i] - most);
    return sum;
}

double fv_cross_entropy(const float *logits, int classes, int label)
{
    const double most = largest(logits, classes);
    return log(partition(logits, classes, most)) + (most - (double)logits[label]); /* in this order: no cancellation */
}

double fv_binary_cross_entropy(const float *logits, int classes, int label)
{
    double sum = 0;
    for (int i = 0; i < classes; i++) {
        const double z = (double)logits[i], wrong = i == label ? -z : z; /* log (1 + e^wrong) */
        sum += (wrong > 0 ? wrong : 0) + log1p(exp(-fabs(z)));
        if (!isfinite(z)) return NAN;
    }
    return sum / classes;
}

void fv_mean_of_views(float *logits, int classes, int views)
{
    enum { MOST_VIEWS = 16 };
    const double least = 1e-300; /* its logarithm is finite */
    double most[MOST_VIEWS], sum[MOST_VIEWS];
    if (views > MOST_VIEWS) views = MOST_VIEWS;
    for (int v = 0; v < views; v++) {
        const float *z = logits + (size_t)v * (size_t)classes;
        most[v] = largest(z, classes); /* NaN goes through to the answer */
        sum[v] = partition(z, classes, most[v]);
    }
    for (int i = 0; i < classes; i++) {
        double p = 0;
        for (int v = 0; v < views; v++)
            p += exp((double)logits[(size_t)v * (size_t)classes + (size_t)i] - most[v]) / sum[v];
        p /= views;
        logits[i] = (float)log(p < least ? least : p);
    }
}

fv_answer fv_answer_of(const float *logits, int classes, int label)
{
    fv_answer a = { .label = label };
    const double most = largest(logits, classes), sum = partition(logits, classes, most);
    for (int i = 1; i < classes; i++)
        if (logits[i] > logits[a.predicted]) a.predicted = i;
    a.rank = fv_rank_of(logits, classes, label);
    a.p = 1 / sum; /* exp(most - most) / sum */
    a.p_label = exp((double)logits[label] - most) / sum;
    a.loss = log(sum) + (most - (double)logits[label]);
    return a;
}

/* Keeps top[0 .. n) sorted, best first, and drops what falls off after k. Equal ones stay behind: the lower index came
 * first. */
static int insert(fv_top *top, int n, int k, fv_top t)
{
    int at = n;
    while (at > 0 && top[at - 1].p < t.p) at--;
    if (at == k) return n;
    if (n < k) n++;
    for (int i = n - 1; i > at; i--) top[i] = top[i - 1];
    top[at] = t;
    return n;
}

int fv_topk(const fv_net *net, const float *logits, int k, fv_top *top)
{
    fv_net_info info;
    fv_net_describe(net, &info);
    const double most = largest(logits, info.classes);
    if (isnan(most)) return -1;
    int n = 0;
    for (int i = 0; i < info.classes; i++) n = insert(top, n, k, (fv_top){ .index = i, .p = (double)logits[i] });
    const double sum = partition(logits, info.classes, most);
    for (int i = 0; i < n; i++) {
        top[i].p = exp(top[i].p - most) / sum;
        top[i].label = info.class_names ? info.class_names[top[i].index] : NULL;
    }
    return n;
}
