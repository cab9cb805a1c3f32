/* winograd_terms.h -- what the error of minimal filtering is measured by: the terms of its own sum, all matrices and
 * operands by their absolute values. The matrices are made here from the points alone (Toom, Cook; Winograd 1980), apart
 * from the formulas that the kernels have.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef WINOGRAD_TERMS_H
#define WINOGRAD_TERMS_H
#include "kernels/conv2d/conv2d.h"
#include <math.h>
#include <stdlib.h>

enum { WG_MOST = 6, WG_TAPS = 5 };
typedef struct wg_matrices {
    int m, taps, side;
    double a[WG_MOST][WG_MOST], b[WG_MOST][WG_MOST],
        g[WG_MOST][WG_TAPS]; /* A': m x side, B': side x side, G: side x taps */
} wg_matrices;

/* Finite points 0, p, -p, ..., and infinity as the last. */
static wg_matrices wg_absolute(int m, int taps)
{
    const double two[] = { 0, 1, -1 }, four[] = { 0, sqrt(0.5), -sqrt(0.5), sqrt(2), -sqrt(2) };
    const int side = m + taps - 1, n = side - 1; /* finite points */
    const double *point = side == 4 ? two : four;
    wg_matrices w = { .m = m, .taps = taps, .side = side };
    for (int i = 0; i <= n; i++) {
        double poly[WG_MOST + 1] = { 1 }, over = 1; /* of the product of x - point[j], j not i */
        int degree = 0;
        for (int j = 0; j < n; j++) {
            if (j == i) continue;
            for (int k = ++degree; k > 0; k--) poly[k] = poly[k - 1] - point[j] * poly[k];
            poly[0] *= -point[j];
            if (i < n) over *= point[i] - point[j];
        }
        for (int k = 0; k < w.side; k++) w.b[i][k] = fabs(poly[k]);
        for (int k = 0; k < m; k++) w.a[k][i] = i < n ? fabs(pow(point[i], k)) : k == m - 1;
        for (int k = 0; k < taps; k++) w.g[i][k] = i < n ? fabs(pow(point[i], k) / over) : k == taps - 1;
    }
    return w;
}

/* |B'| |d| |B| of channel c of a tile whose first input is pixel (y, x). */
static void wg_inputs(const wg_matrices *w, const float *in, int h, int wd, int c, int ic, int y, int x,
                      double v[WG_MOST][WG_MOST])
{
    double half[WG_MOST][WG_MOST] = { { 0 } };
    for (int i = 0; i < w->side; i++)
        for (int k = 0; k < w->side; k++)
            for (int j = 0; j < w->side; j++) {
                const bool inside = y + k >= 0 && y + k < h && x + j >= 0 && x + j < wd;
                if (inside) half[i][j] += w->b[i][k] * fabs((double)in[((size_t)(y + k) * wd + x + j) * ic + c]);
            }
    for (int i = 0; i < w->side; i++)
        for (int j = 0; j < w->side; j++) {
            v[i][j] = 0;
            for (int k = 0; k < w->side; k++) v[i][j] += w->b[j][k] * half[i][k];
        }
}

/* |G| |g| |G'| of the weights of a pair of channels. */
static void wg_filter(const wg_matrices *w, const float *tap, double u[WG_MOST][WG_MOST])
{
    for (int i = 0; i < w->side; i++)
        for (int j = 0; j < w->side; j++) {
            u[i][j] = 0;
            for (int y = 0; y < w->taps; y++)
                for (int x = 0; x < w->taps; x++)
                    u[i][j] += w->g[i][y] * w->g[j][x] * fabs((double)tap[w->taps * y + x]);
        }
}

/* The terms of each output of one image, added to out: h x wd x ic -> oh x ow x oc. flip: the filter of (o, c) is that of
 * (c, o) turned around, as for the data gradient. */
static void wg_terms(int m, int taps, const float *in, int h, int wd, int ic, const float *weights, bool flip, int top,
                     int left, int oh, int ow, int oc, double *out)
{
    const wg_matrices w = wg_absolute(m, taps);
    const int all = taps * taps;
    for (int ty = 0; ty < oh; ty += m)
        for (int tx = 0; tx < ow; tx += m)
            for (int o = 0; o < oc; o++) {
                double s[WG_MOST][WG_MOST] = { { 0 } }, u[WG_MOST][WG_MOST], v[WG_MOST][WG_MOST];
                for (int c = 0; c < ic; c++) {
                    float tap[WG_TAPS * WG_TAPS];
                    for (int k = 0; k < all; k++)
                        tap[k] = flip ? weights[((size_t)c * oc + o) * all + all - 1 - k]
                                      : weights[((size_t)o * ic + c) * all + k];
                    wg_filter(&w, tap, u);
                    wg_inputs(&w, in, h, wd, c, ic, ty - top, tx - left, v);
                    for (int i = 0; i < w.side; i++)
                        for (int j = 0; j < w.side; j++) s[i][j] += u[i][j] * v[i][j];
                }
                for (int y = 0; y < m && ty + y < oh; y++)
                    for (int x = 0; x < m && tx + x < ow; x++)
                        for (int i = 0; i < w.side; i++)
                            for (int j = 0; j < w.side; j++)
                                out[((size_t)(ty + y) * ow + tx + x) * oc + o] += w.a[y][i] * w.a[x][j] * s[i][j];
            }
}

/* |A| |dy| |A'| of output channel o of the tile whose first output is pixel (y, x). */
static void wg_gradients(const wg_matrices *w, const float *dy, int oh, int ow, int o, int oc, int y, int x,
                         double s[WG_MOST][WG_MOST])
{
    for (int i = 0; i < w->side; i++)
        for (int j = 0; j < w->side; j++) {
            s[i][j] = 0;
            for (int k = 0; k < w->m && y + k < oh; k++)
                for (int l = 0; l < w->m && x + l < ow; l++)
                    s[i][j] += w->a[k][i] * w->a[l][j] * fabs((double)dy[((size_t)(y + k) * ow + x + l) * oc + o]);
        }
}

/* The terms of each weight's gradient by one image, added to out (OIHW): the transposed algorithm. */
static void wg_weight_terms(int m, const fv_conv_problem *p, const float *dy, const float *in, double *out)
{
    typedef double cells[WG_MOST][WG_MOST];
    const wg_matrices w = wg_absolute(m, p->kh);
    cells *s = calloc((size_t)p->oc * p->c, sizeof *s), *v = malloc((size_t)p->c * sizeof *v), u;
    for (int ty = 0; ty < p->oh; ty += m)
        for (int tx = 0; tx < p->ow; tx += m) {
            for (int c = 0; c < p->c; c++) wg_inputs(&w, in, p->h, p->w, c, p->c, ty - p->top, tx - p->left, v[c]);
            for (int o = 0; o < p->oc; o++) {
                wg_gradients(&w, dy, p->oh, p->ow, o, p->oc, ty, tx, u);
                for (int c = 0; c < p->c; c++)
                    for (int i = 0; i < w.side; i++)
                        for (int j = 0; j < w.side; j++) s[o * p->c + c][i][j] += u[i][j] * v[c][i][j];
            }
        }
    for (int e = 0; e < p->oc * p->c; e++)
        for (int k = 0; k < w.taps * w.taps; k++)
            for (int i = 0; i < w.side; i++)
                for (int j = 0; j < w.side; j++)
                    out[e * w.taps * w.taps + k] += w.g[i][k / w.taps] * w.g[j][k % w.taps] * s[e][i][j];
    free(s);
    free(v);
}

#endif
