/* cpu/fp/convert.h - to and from integers and between formats. Private to cpu/fp/. */
#ifndef CPU_FP_CONVERT_H
#define CPU_FP_CONVERT_H

#include "cpu/fp/core.h"

/* |n| rounded to an integer, for exponents below 64. */
FP_INLINE uint64_t fp_round_to_integer(struct fp_num n, unsigned rm, bool *ret_inexact)
{
    uint64_t whole, rest, half = UINT64_C(1) << 63;
    bool up;

    *ret_inexact = false;
    if (n.exp >= FP_LEAD)
        return n.sig << (n.exp - FP_LEAD);
    /* `rest` is the fraction in units of 2^-64, jammed. */
    if (n.exp >= 0) {
        whole = n.sig >> (FP_LEAD - n.exp);
        rest = n.sig << (64 - (FP_LEAD - n.exp));
    } else {
        whole = 0;
        rest = fp_shift_jam(n.sig << 1, (unsigned)(-1 - n.exp));
    }
    if (rest == 0)
        return whole;
    *ret_inexact = true;
    switch (rm) {
    case FP_RNE:
        up = rest > half || (rest == half && (whole & 1));
        break;
    case FP_RMM:
        up = rest >= half;
        break;
    case FP_RDN:
        up = n.sign;
        break;
    case FP_RUP:
        up = !n.sign;
        break;
    default: /* FP_RTZ */
        up = false;
        break;
    }
    return whole + up;
}

/* To an integer of `width` bits: out of range saturates and is invalid, and then not inexact
 * ("F" 21.7, the table of domains). */
FP_INLINE uint64_t fp_to_int(const struct fp_format *f, uint64_t v, unsigned width, bool is_signed,
                             unsigned rm, uint8_t *flags)
{
    const uint64_t max = (is_signed ? UINT64_MAX >> 1 : UINT64_MAX) >> (64 - width);
    struct fp_num n = fp_unpack(f, v);
    bool negative = n.sign && !fp_num_is_nan(n);
    /* The largest magnitude on this side of zero. */
    const uint64_t limit = negative ? (is_signed ? max + 1 : 0) : max;
    uint64_t magnitude;

    if (n.kind == FP_ZERO)
        return 0;
    if (n.kind == FP_FINITE && n.exp < 64) {
        bool inexact;

        magnitude = fp_round_to_integer(n, rm, &inexact);
        if (likely(magnitude <= limit)) {
            if (inexact)
                fp_raise(flags, FP_NX);
        } else {
            fp_raise(flags, FP_NV);
            magnitude = limit;
        }
    } else {
        fp_raise(flags, FP_NV);
        magnitude = limit;
    }
    if (negative)
        magnitude = -magnitude;
    /* The 32-bit results are sign-extended, unsigned ones too. */
    return width == 32 ? (uint64_t)(int64_t)(int32_t)magnitude : magnitude;
}

FP_INLINE uint64_t fp_from_int(const struct fp_format *f, uint64_t v, unsigned width,
                               bool is_signed, unsigned rm, uint8_t *flags)
{
    bool negative;

    if (width == 32)
        v = is_signed ? (uint64_t)(int64_t)(int32_t)v : (uint32_t)v;
    negative = is_signed && v >> 63;
    if (negative)
        v = -v;
    if (v == 0)
        return 0;
    return fp_normalize_round(f, negative, FP_LEAD, v, rm, flags);
}

FP_INLINE uint64_t fp_convert(const struct fp_format *to, const struct fp_format *from, uint64_t v,
                              unsigned rm, uint8_t *flags)
{
    struct fp_num n = fp_unpack(from, v);

    switch (n.kind) {
    case FP_FINITE:
        break;
    case FP_ZERO:
        return fp_zero_bits(to, n.sign);
    case FP_INF:
        return fp_inf_bits(to, n.sign);
    case FP_QNAN:
    case FP_SNAN:
        return fp_nan_of(to, n, n, flags);
    }
    return fp_round(to, n.sign, n.exp, n.sig, rm, flags);
}

#endif
