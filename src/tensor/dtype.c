/* dtype.c -- element types of weight files, and their values as floats.
 * Numbers are little-endian, as on the machines we run on; nothing is aligned, so everything is copied.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tensor/dtype.h"
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are copied as they are");

static void from_f32(const uint8_t *p, size_t n, float *out)
{
    memcpy(out, p, n * sizeof *out);
}

static void from_f64(const uint8_t *p, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        double v;
        memcpy(&v, p + i * sizeof v, sizeof v);
        out[i] = (float)v;
    }
}

static void from_u8(const uint8_t *p, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = p[i];
}

static void from_i64(const uint8_t *p, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        int64_t v;
        memcpy(&v, p + i * sizeof v, sizeof v);
        out[i] = (float)v;
    }
}

static void from_bf16(const uint8_t *p, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t bits = (uint32_t)p[2 * i] << 16 | (uint32_t)p[2 * i + 1] << 24;
        memcpy(&out[i], &bits, sizeof bits);
    }
}

/* IEEE 754 binary16. A subnormal is its fraction times 2^-24, which is exact in a float. */
static float half(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff;
    uint32_t bits;
    float v;
    if (exponent == 0) {
        v = (float)fraction * 0x1p-24f;
        return sign ? -v : v;
    }
    bits = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | fraction << 13;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static void from_f16(const uint8_t *p, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = half((uint16_t)(p[2 * i] | p[2 * i + 1] << 8));
}

typedef struct dtype_row {
    const char *name;
    int bits;
    bool floating;
    void (*convert)(const uint8_t *p, size_t n, float *out);
} dtype_row;

static const dtype_row rows[FV_DTYPE_COUNT] = {
#define FV_DTYPE(id, text, bits, floating, convert) { text, bits, floating, convert },
#include "tensor/dtypes.def"
#undef FV_DTYPE
};

const char *fv_dtype_name(fv_dtype d)
{
    return rows[d].name;
}

int fv_dtype_bits(fv_dtype d)
{
    return rows[d].bits;
}

bool fv_dtype_floating(fv_dtype d)
{
    return rows[d].floating;
}

void fv_dtype_floats(fv_dtype d, fv_bytes data, float *out)
{
    if (data.len) rows[d].convert(data.p, data.len / ((size_t)rows[d].bits / 8), out);
}
