/* scores.c -- per-class scores from a confusion matrix, and calibration from bins of probabilities: Guo, Pleiss, Sun,
 * Weinberger: "On Calibration of Modern Neural Networks" (2017), section 2: bins of equal width, open below.
 * SPDX-License-Identifier: Apache-2.0 */
#include "eval/evaluate.h"
#include <math.h>

static int64_t cell(const fv_metrics *m, int label, int predicted)
{
    return m->confusion[(size_t)label * (size_t)m->classes + (size_t)predicted];
}

static double percent(int64_t part, int64_t of)
{
    return of > 0 ? 100.0 * (double)part / (double)of : 0;
}

fv_class_score fv_score_class(const fv_metrics *m, int i)
{
    fv_class_score s = { .correct = cell(m, i, i) };
    for (int k = 0; k < m->classes; k++) {
        s.n += cell(m, i, k);
        s.answered += cell(m, k, i);
    }
    s.precision = percent(s.correct, s.answered);
    s.recall = percent(s.correct, s.n);
    s.f1 = percent(2 * s.correct, s.n + s.answered); /* 2 P R / (P + R), without its 0 / 0 */
    return s;
}

static void add(fv_class_score *sum, const fv_class_score *s, double weight)
{
    sum->n += s->n;
    sum->answered += s->answered;
    sum->correct += s->correct;
    sum->precision += weight * s->precision;
    sum->recall += weight * s->recall;
    sum->f1 += weight * s->f1;
}

static void scale(fv_class_score *s, double by)
{
    s->precision *= by;
    s->recall *= by;
    s->f1 *= by;
}

void fv_score_means(const fv_metrics *m, fv_class_score *macro, fv_class_score *weighted)
{
    int occur = 0;
    *macro = *weighted = (fv_class_score){ 0 };
    for (int i = 0; i < m->classes; i++) {
        const fv_class_score s = fv_score_class(m, i);
        if (s.n + s.answered == 0) continue;
        occur++;
        add(macro, &s, 1);
        add(weighted, &s, (double)s.n);
    }
    if (occur > 0) scale(macro, 1.0 / occur);
    if (weighted->n > 0) scale(weighted, 1.0 / (double)weighted->n);
}

int fv_bin_of(double p)
{
    const int i = (int)ceil(p * FV_BINS) - 1;
    return i < 0 ? 0 : i < FV_BINS ? i : FV_BINS - 1;
}

void fv_calibrate(fv_metrics *m)
{
    int64_t n = 0;
    m->ece = m->mce = 0;
    for (int i = 0; i < FV_BINS; i++) {
        fv_bin *b = &m->bin[i];
        if (b->n == 0) continue;
        b->p /= (double)b->n;
        const double gap = fabs((double)b->correct / (double)b->n - b->p);
        n += b->n;
        m->ece += gap * (double)b->n;
        if (gap > m->mce) m->mce = gap;
    }
    if (n > 0) m->ece /= (double)n;
}
