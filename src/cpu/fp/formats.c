/* cpu/fp/formats.c - from one format to another: D's fcvt.s.d and fcvt.d.s, and Zfhmin, which
 * has conversions only. Widening is exact, so no rounding mode is asked for. */
#include "cpu/fp/convert.h"

uint64_t f32_to_f64(uint64_t a, uint8_t *flags)
{
    return fp_convert(&fp_b64, &fp_b32, a, FP_RNE, flags);
}

uint64_t f64_to_f32(uint64_t a, unsigned rm, uint8_t *flags)
{
    return fp_convert(&fp_b32, &fp_b64, a, rm, flags);
}

uint64_t f16_to_f32(uint64_t a, uint8_t *flags)
{
    return fp_convert(&fp_b32, &fp_b16, a, FP_RNE, flags);
}

uint64_t f16_to_f64(uint64_t a, uint8_t *flags)
{
    return fp_convert(&fp_b64, &fp_b16, a, FP_RNE, flags);
}

uint64_t f32_to_f16(uint64_t a, unsigned rm, uint8_t *flags)
{
    return fp_convert(&fp_b16, &fp_b32, a, rm, flags);
}

uint64_t f64_to_f16(uint64_t a, unsigned rm, uint8_t *flags)
{
    return fp_convert(&fp_b16, &fp_b64, a, rm, flags);
}
