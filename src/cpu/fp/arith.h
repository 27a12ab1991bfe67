/* cpu/fp/arith.h - add, multiply, divide, square root and fused multiply-add of any format.
 *
 * Each computes a significand whose bits above the sticky one are exact and rounds it once.
 * Finite operands come first in each function: they are the common case. The section numbers
 * are of IEEE 754-2019. Private to cpu/fp/.
 */
#ifndef CPU_FP_ARITH_H
#define CPU_FP_ARITH_H

#include "cpu/fp/core.h"

/* 6.3: an exact sum of zero is +0, except when rounding down; zeros of one sign keep it. */
FP_INLINE bool fp_zero_sum_sign(bool a, bool b, unsigned rm)
{
    return a == b ? a : rm == FP_RDN;
}

/* Both finite and not zero. */
FP_INLINE uint64_t fp_add_finite(const struct fp_format *f, struct fp_num a, struct fp_num b,
                                 unsigned rm, uint8_t *flags)
{
    uint64_t sig;

    /* a becomes the one with the larger magnitude. */
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        struct fp_num t = a;

        a = b;
        b = t;
    }
    sig = fp_shift_jam(b.sig, (unsigned)(a.exp - b.exp));
    if (a.sign == b.sign)
        return fp_normalize_round(f, a.sign, a.exp, a.sig + sig, rm, flags);
    /* Bits are lost in the shift only when it is by more than 10; then the difference loses at
     * most its leading bit, and what was jammed stays below the rounding position. */
    sig = a.sig - sig;
    if (sig == 0)
        return fp_zero_bits(f, rm == FP_RDN);
    return fp_normalize_round(f, a.sign, a.exp, sig, rm, flags);
}

FP_INLINE uint64_t fp_add(const struct fp_format *f, struct fp_num a, struct fp_num b, unsigned rm,
                          uint8_t *flags)
{
    if (likely(a.kind == FP_FINITE && b.kind == FP_FINITE))
        return fp_add_finite(f, a, b, rm, flags);
    if (fp_num_is_nan(a) || fp_num_is_nan(b))
        return fp_nan_of(f, a, b, flags);
    if (a.kind == FP_INF) {
        if (b.kind == FP_INF && a.sign != b.sign)
            return fp_invalid(f, flags);
        return fp_inf_bits(f, a.sign);
    }
    if (b.kind == FP_INF)
        return fp_inf_bits(f, b.sign);
    if (a.kind == FP_ZERO && b.kind == FP_ZERO)
        return fp_zero_bits(f, fp_zero_sum_sign(a.sign, b.sign, rm));
    if (a.kind == FP_ZERO)
        a = b;
    return fp_round(f, a.sign, a.exp, a.sig, rm, flags); /* exact */
}

FP_INLINE uint64_t fp_mul(const struct fp_format *f, struct fp_num a, struct fp_num b, unsigned rm,
                          uint8_t *flags)
{
    bool sign = a.sign != b.sign;
    fp_u128 product;
    uint64_t sig;

    if (likely(a.kind == FP_FINITE && b.kind == FP_FINITE)) {
        product = (fp_u128)a.sig * b.sig; /* leading bit 124 or 125 */
        sig = (uint64_t)(product >> FP_LEAD) | ((product & ((UINT64_C(1) << FP_LEAD) - 1)) != 0);
        return fp_normalize_round(f, sign, a.exp + b.exp, sig, rm, flags);
    }
    if (fp_num_is_nan(a) || fp_num_is_nan(b))
        return fp_nan_of(f, a, b, flags);
    if (a.kind == FP_INF || b.kind == FP_INF) {
        if (a.kind == FP_ZERO || b.kind == FP_ZERO)
            return fp_invalid(f, flags);
        return fp_inf_bits(f, sign);
    }
    return fp_zero_bits(f, sign);
}

FP_INLINE uint64_t fp_div_finite(const struct fp_format *f, struct fp_num a, struct fp_num b,
                                 unsigned rm, uint8_t *flags)
{
    /* One more bit of dividend where the quotient would be below 1. */
    unsigned extra = a.sig < b.sig;
    uint64_t sig;

    if (f->precision <= 24) {
        /* Both are 24 bits and then zeros: a quotient of 39 bits needs no 128. */
        uint64_t dividend = (a.sig >> 39) << (38 + extra);
        uint64_t divisor = b.sig >> 39;

        sig = dividend / divisor;
        sig = sig << 24 | (sig * divisor != dividend);
    } else {
        fp_u128 dividend = (fp_u128)a.sig << (FP_LEAD + extra);

        sig = (uint64_t)(dividend / b.sig);
        sig |= (fp_u128)sig * b.sig != dividend;
    }
    return fp_round(f, a.sign != b.sign, a.exp - b.exp - (int)extra, sig, rm, flags);
}

FP_INLINE uint64_t fp_div(const struct fp_format *f, struct fp_num a, struct fp_num b, unsigned rm,
                          uint8_t *flags)
{
    bool sign = a.sign != b.sign;

    if (likely(a.kind == FP_FINITE && b.kind == FP_FINITE))
        return fp_div_finite(f, a, b, rm, flags);
    if (fp_num_is_nan(a) || fp_num_is_nan(b))
        return fp_nan_of(f, a, b, flags);
    if (a.kind == FP_INF)
        return b.kind == FP_INF ? fp_invalid(f, flags) : fp_inf_bits(f, sign);
    if (b.kind == FP_INF)
        return fp_zero_bits(f, sign);
    if (b.kind == FP_ZERO) {
        if (a.kind == FP_ZERO)
            return fp_invalid(f, flags);
        fp_raise(flags, FP_DZ);
        return fp_inf_bits(f, sign);
    }
    return fp_zero_bits(f, sign);
}

/* floor(sqrt(v)) for 2^124 <= v < 2^126, by Newton's method for 1/sqrt and an exact correction,
 * so that the quality of the estimate decides only the time. */
FP_INLINE uint64_t fp_isqrt(fp_u128 v)
{
    /* With w = v / 2^126, in [1/4, 1): x is w with 62 fraction bits, r is 1/sqrt(w) with 62. The
     * line 2.133 - 1.219 w is within 9 % of it, and each step squares the error. */
    uint64_t x = (uint64_t)(v >> 64);
    uint64_t r = UINT64_C(0x887e5c91d14e3bcd) - (uint64_t)((fp_u128)x * 0x4dff2e48e8a71de7 >> 62);
    uint64_t s;
    int i;

    for (i = 0; i < 5; i++) {
        uint64_t r2 = (uint64_t)((fp_u128)r * r >> 63);   /* r^2, 61 fraction bits */
        uint64_t wr2 = (uint64_t)((fp_u128)r2 * x >> 62); /* w r^2, near 1, 61 */

        r = (uint64_t)((fp_u128)r * ((UINT64_C(3) << 61) - wr2) >> 62); /* r (3 - w r^2) / 2 */
    }
    s = (uint64_t)((fp_u128)x * r >> 61); /* sqrt(w) = w / sqrt(w), times 2^63 */
    while ((fp_u128)s * s > v)
        s--;
    while ((fp_u128)(s + 1) * (s + 1) <= v)
        s++;
    return s;
}

FP_INLINE uint64_t fp_sqrt(const struct fp_format *f, struct fp_num a, unsigned rm, uint8_t *flags)
{
    fp_u128 v;
    uint64_t sig;

    if (fp_num_is_nan(a))
        return fp_nan_of(f, a, a, flags);
    if (a.kind == FP_ZERO)
        return fp_zero_bits(f, a.sign); /* 5.4.1: of -0 it is -0 */
    if (a.sign)
        return fp_invalid(f, flags);
    if (a.kind == FP_INF)
        return fp_inf_bits(f, false);
    v = (fp_u128)a.sig << (FP_LEAD + (a.exp & 1));
    sig = fp_isqrt(v);
    sig |= (fp_u128)sig * sig != v;
    return fp_round(f, false, (a.exp - (a.exp & 1)) / 2, sig, rm, flags);
}

/* a * b + c, all finite, a and b not zero, c perhaps. */
FP_INLINE uint64_t fp_fma_finite(const struct fp_format *f, struct fp_num a, struct fp_num b,
                                 struct fp_num c, unsigned rm, uint8_t *flags)
{
    bool sign = a.sign != b.sign;
    int exp = a.exp + b.exp;
    fp_u128 sum = (fp_u128)a.sig * b.sig; /* times 2^(exp - 124) */
    unsigned up;

    if (c.kind == FP_FINITE) {
        fp_u128 addend = (fp_u128)c.sig << FP_LEAD; /* times 2^(c.exp - 124) */

        /* The product has at least 20 zero bits at its end and the addend 72: a shift that
         * loses bits puts the operands so far apart that a difference keeps its top bits, and
         * the jammed bit stays far below where it is rounded. */
        if (exp >= c.exp) {
            addend = fp_shift_jam128(addend, (unsigned)(exp - c.exp));
        } else {
            sum = fp_shift_jam128(sum, (unsigned)(c.exp - exp));
            exp = c.exp;
        }
        if (sign == c.sign) {
            sum += addend;
        } else if (sum >= addend) {
            sum -= addend;
        } else {
            sum = addend - sum;
            sign = c.sign;
        }
        if (sum == 0)
            return fp_zero_bits(f, rm == FP_RDN);
    }
    up = (uint64_t)(sum >> 64) ? (unsigned)__builtin_clzll((uint64_t)(sum >> 64))
                               : 64 + (unsigned)__builtin_clzll((uint64_t)sum);
    /* The leading bit is at 127 - up, at most 126, of weight 2^(exp + 3 - up). */
    sum <<= up - 1;
    return fp_round(f, sign, exp + 3 - (int)up, (uint64_t)(sum >> 64) | ((uint64_t)sum != 0), rm,
                    flags);
}

FP_INLINE uint64_t fp_fma(const struct fp_format *f, struct fp_num a, struct fp_num b,
                          struct fp_num c, unsigned rm, uint8_t *flags)
{
    bool sign = a.sign != b.sign;

    if (likely(a.kind == FP_FINITE && b.kind == FP_FINITE &&
               (c.kind == FP_FINITE || c.kind == FP_ZERO)))
        return fp_fma_finite(f, a, b, c, rm, flags);
    /* "F" 21.6: infinity times zero is invalid even when the addend is a quiet NaN. */
    if ((a.kind == FP_INF && b.kind == FP_ZERO) || (a.kind == FP_ZERO && b.kind == FP_INF))
        return fp_invalid(f, flags);
    if (fp_num_is_nan(a) || fp_num_is_nan(b) || fp_num_is_nan(c)) {
        if (a.kind == FP_SNAN)
            fp_raise(flags, FP_NV);
        return fp_nan_of(f, b, c, flags);
    }
    if (a.kind == FP_INF || b.kind == FP_INF) {
        if (c.kind == FP_INF && c.sign != sign)
            return fp_invalid(f, flags);
        return fp_inf_bits(f, sign);
    }
    if (c.kind == FP_INF)
        return fp_inf_bits(f, c.sign);
    /* The product is zero. */
    if (c.kind == FP_ZERO)
        return fp_zero_bits(f, fp_zero_sum_sign(sign, c.sign, rm));
    return fp_round(f, c.sign, c.exp, c.sig, rm, flags); /* exact */
}

#endif
