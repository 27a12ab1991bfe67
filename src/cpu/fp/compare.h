/* cpu/fp/compare.h - comparisons, minimum, maximum and fclass, on the bits themselves.
 *
 * Without its sign bit a number's representation orders as its magnitude does, so nothing needs
 * to be unpacked. Private to cpu/fp/.
 */
#ifndef CPU_FP_COMPARE_H
#define CPU_FP_COMPARE_H

#include "cpu/fp/core.h"

/* A key that orders as the values do; -0 and +0 share one when `zeros_equal`. */
FP_INLINE int64_t fp_order_key(const struct fp_format *f, uint64_t v, bool zeros_equal)
{
    int64_t magnitude = (int64_t)(v & (fp_mask(f) >> 1));

    if (!(v & fp_sign_bit(f)))
        return magnitude;
    return zeros_equal ? -magnitude : ~magnitude;
}

FP_INLINE bool fp_eq(const struct fp_format *f, uint64_t a, uint64_t b, uint8_t *flags)
{
    if (unlikely(fp_is_nan(f, a) || fp_is_nan(f, b))) {
        if (fp_is_snan(f, a) || fp_is_snan(f, b))
            fp_raise(flags, FP_NV);
        return false;
    }
    return fp_order_key(f, a, true) == fp_order_key(f, b, true);
}

FP_INLINE bool fp_lt(const struct fp_format *f, uint64_t a, uint64_t b, uint8_t *flags)
{
    if (unlikely(fp_is_nan(f, a) || fp_is_nan(f, b))) {
        fp_raise(flags, FP_NV);
        return false;
    }
    return fp_order_key(f, a, true) < fp_order_key(f, b, true);
}

FP_INLINE bool fp_le(const struct fp_format *f, uint64_t a, uint64_t b, uint8_t *flags)
{
    if (unlikely(fp_is_nan(f, a) || fp_is_nan(f, b))) {
        fp_raise(flags, FP_NV);
        return false;
    }
    return fp_order_key(f, a, true) <= fp_order_key(f, b, true);
}

/* minimumNumber, or maximumNumber: a NaN loses to any number, and -0 < +0. */
FP_INLINE uint64_t fp_pick(const struct fp_format *f, uint64_t a, uint64_t b, bool larger,
                           uint8_t *flags)
{
    bool a_nan = fp_is_nan(f, a), b_nan = fp_is_nan(f, b);

    if (unlikely(a_nan || b_nan)) {
        if (fp_is_snan(f, a) || fp_is_snan(f, b))
            fp_raise(flags, FP_NV);
        if (a_nan && b_nan)
            return fp_nan_bits(f);
        return (a_nan ? b : a) & fp_mask(f);
    }
    if ((fp_order_key(f, a, false) < fp_order_key(f, b, false)) != larger)
        return a & fp_mask(f);
    return b & fp_mask(f);
}

/* "F" 21.9: one bit of ten. */
FP_INLINE uint64_t fp_class(const struct fp_format *f, uint64_t v)
{
    struct fp_num n = fp_unpack(f, v);

    switch (n.kind) {
    case FP_INF:
        return n.sign ? 1 << 0 : 1 << 7;
    case FP_ZERO:
        return n.sign ? 1 << 3 : 1 << 4;
    case FP_SNAN:
        return 1 << 8;
    case FP_QNAN:
        return 1 << 9;
    case FP_FINITE:
        break;
    }
    if (n.exp < 1 - f->bias)
        return n.sign ? 1 << 2 : 1 << 5;
    return n.sign ? 1 << 1 : 1 << 6;
}

#endif
