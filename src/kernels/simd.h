/* simd.h -- vectors of VL floats (define VL first): GCC vector extensions, and intrinsics where they fall short. Only
 * files compiled for one instruction set include it; a width without intrinsics falls back to plain loops.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_SIMD_H
#define FV_SIMD_H
#include <stdbool.h>
#include <stdint.h>

#ifndef VL
#define VL 4
#endif

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")

/* The vector is loaded here, once: the compiler may not fold the load into each of its uses. */
#if defined(__AVX512F__)
#define IN_REGISTER(x) __asm__("" : "+v"(x))
#elif defined(__AVX__)
#define IN_REGISTER(x) __asm__("" : "+x"(x))
#else
#define IN_REGISTER(x) (void)(x) /* products of registers alone */
#endif

typedef float vf __attribute__((vector_size(VL * 4)));
typedef float vf_any __attribute__((vector_size(VL * 4), aligned(4), may_alias)); /* anywhere in memory */
typedef int32_t vi __attribute__((vector_size(VL * 4)));
typedef int32_t vi_any __attribute__((vector_size(VL * 4), aligned(4), may_alias));

INLINE vf v_load(const float *p)
{
    return *(const vf_any *)p;
}
INLINE void v_store(float *p, vf v)
{
    *(vf_any *)p = v;
}
INLINE vi v_load_i(const int32_t *p)
{
    return *(const vi_any *)p;
}
INLINE vf v_splat(float x)
{
    return x - (vf){ 0 };
}

/* The first n floats (n <= 0: none, n >= VL: all); the others read as 0 and are not touched. v_max and v_min give the
 * second operand where one is NaN. v_fma(a, b, c) is a * b + c, rounded once, where instances of one source must agree in
 * every bit: left to itself, the compiler does not fuse across branches. v_pick gives from[lane[i]], and old[i] where
 * lane[i] < 0. v_spread(x, j, group) gives each lane the j-th of its group of lanes. */
#if VL == 16
#include <immintrin.h>
INLINE __mmask16 v_first(int n)
{
    return (__mmask16)(n >= 16 ? 0xffff : n <= 0 ? 0 : (1u << n) - 1);
}
INLINE vf v_load_n(const float *p, int n)
{
    return (vf)_mm512_maskz_loadu_ps(v_first(n), p);
}
INLINE void v_store_n(float *p, vf v, int n)
{
    _mm512_mask_storeu_ps(p, v_first(n), (__m512)v);
}
INLINE vf v_max(vf a, vf b)
{
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
}
INLINE vf v_min(vf a, vf b)
{
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
}
INLINE vf v_fma(vf a, vf b, vf c)
{
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
INLINE vf v_sqrt(vf x)
{
    return (vf)_mm512_sqrt_ps((__m512)x);
}
INLINE bool v_has_nan(vf x)
{
    return _mm512_cmp_ps_mask((__m512)x, (__m512)x, _CMP_UNORD_Q) != 0;
}
INLINE vf v_pick(vf old, vf from, vi lane)
{
    const __mmask16 m = _mm512_cmpge_epi32_mask((__m512i)lane, _mm512_setzero_si512());
    return (vf)_mm512_mask_permutexvar_ps((__m512)old, m, (__m512i)lane, (__m512)from);
}
INLINE vf v_spread(vf x, int j, int group)
{
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i first = _mm512_and_si512(lane, _mm512_set1_epi32(-group));
    return (vf)_mm512_permutexvar_ps(_mm512_add_epi32(first, _mm512_set1_epi32(j)), (__m512)x);
}
#elif VL == 8
#include <immintrin.h>
INLINE __m256i v_first(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE vf v_load_n(const float *p, int n)
{
    return n >= 8 ? v_load(p) : (vf)_mm256_maskload_ps(p, v_first(n));
}
INLINE void v_store_n(float *p, vf v, int n)
{
    if (n >= 8) v_store(p, v);
    else _mm256_maskstore_ps(p, v_first(n), (__m256)v);
}
INLINE vf v_max(vf a, vf b)
{
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
}
INLINE vf v_min(vf a, vf b)
{
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
}
INLINE vf v_fma(vf a, vf b, vf c)
{
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
INLINE vf v_sqrt(vf x)
{
    return (vf)_mm256_sqrt_ps((__m256)x);
}
INLINE bool v_has_nan(vf x)
{
    return _mm256_movemask_ps(_mm256_cmp_ps((__m256)x, (__m256)x, _CMP_UNORD_Q)) != 0;
}
INLINE vf v_pick(vf old, vf from, vi lane)
{
    const __m256 picked = _mm256_permutevar8x32_ps((__m256)from, (__m256i)lane);
    return (vf)_mm256_blendv_ps(picked, (__m256)old, (__m256)lane);
}
INLINE vf v_spread(vf x, int j, int group)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i first = _mm256_and_si256(lane, _mm256_set1_epi32(-group));
    return (vf)_mm256_permutevar8x32_ps((__m256)x, _mm256_add_epi32(first, _mm256_set1_epi32(j)));
}
#elif VL == 4 && defined(__ARM_NEON)
#include <arm_neon.h>
INLINE vf v_load_n(const float *p, int n)
{
    const float32x2_t none = vdup_n_f32(0);
    if (n >= 4) return v_load(p);
    if (n <= 0) return (vf){ 0 };
    if (n == 1) return (vf)vcombine_f32(vld1_lane_f32(p, none, 0), none);
    return (vf)vcombine_f32(vld1_f32(p), n == 3 ? vld1_lane_f32(p + 2, none, 0) : none);
}
INLINE void v_store_n(float *p, vf v, int n)
{
    const float32x4_t x = (float32x4_t)v;
    if (n >= 4) v_store(p, v);
    else if (n >= 2) vst1_f32(p, vget_low_f32(x));
    if (n == 1) vst1q_lane_f32(p, x, 0);
    if (n == 3) vst1q_lane_f32(p + 2, x, 2);
}
/* Not fmax and fmin: they give NaN where either operand is one. */
INLINE vf v_max(vf a, vf b)
{
    return (vf)vbslq_f32(vcgtq_f32((float32x4_t)a, (float32x4_t)b), (float32x4_t)a, (float32x4_t)b);
}
INLINE vf v_min(vf a, vf b)
{
    return (vf)vbslq_f32(vcltq_f32((float32x4_t)a, (float32x4_t)b), (float32x4_t)a, (float32x4_t)b);
}
INLINE vf v_fma(vf a, vf b, vf c)
{
    return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
INLINE vf v_sqrt(vf x)
{
    return (vf)vsqrtq_f32((float32x4_t)x);
}
INLINE bool v_has_nan(vf x)
{
    return vminvq_u32(vceqq_f32((float32x4_t)x, (float32x4_t)x)) == 0;
}
INLINE vf v_pick(vf old, vf from, vi lane)
{
    const vi bytes = lane * 0x04040404 + 0x03020100; /* those of each lane */
    const uint8x16_t picked = vqtbl1q_u8((uint8x16_t)from, (uint8x16_t)bytes);
    return (vf)vbslq_f32(vcgezq_s32((int32x4_t)lane), (float32x4_t)picked, (float32x4_t)old);
}
#else
INLINE vf v_fma(vf a, vf b, vf c)
{
    for (int i = 0; i < VL; i++) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
}
INLINE vf v_sqrt(vf x)
{
    for (int i = 0; i < VL; i++) x[i] = __builtin_sqrtf(x[i]);
    return x;
}
INLINE bool v_has_nan(vf x)
{
    bool nan = false;
    for (int i = 0; i < VL; i++) nan |= x[i] != x[i];
    return nan;
}
INLINE vf v_pick(vf old, vf from, vi lane)
{
    for (int i = 0; i < VL; i++)
        if (lane[i] >= 0) old[i] = from[lane[i]];
    return old;
}
INLINE vf v_load_n(const float *p, int n)
{
    vf v = { 0 };
    for (int i = 0; i < VL && i < n; i++) v[i] = p[i];
    return v;
}
INLINE void v_store_n(float *p, vf v, int n)
{
    for (int i = 0; i < VL && i < n; i++) p[i] = v[i];
}
INLINE vf v_max(vf a, vf b)
{
    const vi m = a > b;
    return (vf)((m & (vi)a) | (~m & (vi)b));
}
INLINE vf v_min(vf a, vf b)
{
    const vi m = a < b;
    return (vf)((m & (vi)a) | (~m & (vi)b));
}
#endif

#if VL != 16 && VL != 8
INLINE vf v_spread(vf x, int j, int group)
{
    vf y;
    for (int i = 0; i < VL; i++) y[i] = x[i / group * group + j];
    return y;
}
#endif

#if VL == 16
/* p * 2^n, where m is n + 1.5 * 2^23 and |n| <= 126. */
INLINE vf v_scale(vf p, vf n, vf m)
{
    (void)m;
    return (vf)_mm512_scalef_ps((__m512)p, (__m512)n);
}
/* 1 / d for d within 1 .. 2^126 or NaN. */
INLINE vf v_reciprocal(vf d)
{
    const vf r = (vf)_mm512_rcp14_ps((__m512)d);
    return v_fma(r, v_fma(-d, r, v_splat(1.0f)), r);
}
#else
/* p * 2^n, where m is n + 1.5 * 2^23 and |n| <= 126. */
INLINE vf v_scale(vf p, vf n, vf m)
{
    (void)n;
    return p * (vf)(((vi)m + 127) << 23);
}
/* 1 / d for d within 1 .. 2^126 or NaN. */
INLINE vf v_reciprocal(vf d)
{
    return 1.0f / d;
}
#endif

/* e^x for |x| <= 87, NaN for NaN. 2^(n + f), n whole, |f| <= 1/2; log2 e in two parts, so that f is off by no more than
 * its own rounding. The polynomial is the minimax one (Remez), 7e-9 off: far below the roundings, for an error that all pixels share adds
 * up over a network. */
INLINE vf v_exp_within(vf x)
{
    const float whole = 12582912.0f; /* 1.5 * 2^23: adding it leaves no fraction bits */
    const vf log2e = v_splat(1.44269502f), m = v_fma(x, log2e, v_splat(whole)), n = m - whole;
    const vf f = v_fma(x, v_splat(1.92596299e-8f), v_fma(x, log2e, -n)); /* the product unrounded, with any compiler */
    vf p = v_splat(1.58346957e-4f);
    p = v_fma(p, f, v_splat(1.34181697e-3f));
    p = v_fma(p, f, v_splat(9.61706415e-3f));
    p = v_fma(p, f, v_splat(5.55027276e-2f));
    p = v_fma(p, f, v_splat(0.240226552f));
    p = v_fma(p, f, v_splat(0.693147242f));
    p = v_fma(p, f, v_splat(1.0f));
    return v_scale(p, n, m);
}

/* As if x were within -87 .. 87. */
INLINE vf v_within(vf x)
{
    return v_min(v_splat(87.0f), v_max(v_splat(-87.0f), x));
}
INLINE vf v_exp(vf x)
{
    return v_exp_within(v_within(x));
}

/* Below -87 they stop falling: 2e-38, and x times it. */
INLINE vf v_sigmoid(vf x)
{
    return 1.0f / (1.0f + v_exp_within(v_within(-x)));
}
INLINE vf v_silu(vf x)
{
    x = v_max(v_splat(-87.0f), x);
    return x / (1.0f + v_exp_within(v_max(v_splat(-87.0f), -x)));
}

/* Near 0 the polynomial of Cephes, tanhf.c (Moshier); else by e^2|x|, and 1 from 9.1 on. */
INLINE vf v_tanh(vf x)
{
    const vi sign = (vi)x & INT32_MIN;
    const vf size = (vf)((vi)x ^ sign), z = x * x;
    const vf far = 1.0f - 2.0f * v_reciprocal(1.0f + v_exp_within(v_min(v_splat(20.0f), size + size)));
    vf p = v_splat(-5.70498872745e-3f);
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    const vi near = size < 0.625f;
    return (vf)((near & (vi)(p * z * x + x)) | (~near & ((vi)far | sign)));
}

#endif
