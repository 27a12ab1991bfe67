/* cpu/fp/core.h - one format, one number, one rounding: what every operation of cpu/fp/ uses.
 *
 * An operation takes its operands apart with fp_unpack(), computes on integers, and calls
 * fp_round() once. Between the two a finite number is
 *
 *     (-1)^sign * sig * 2^(exp - 62)        with 2^62 <= sig < 2^63
 *
 * so `exp` is the exponent of the leading bit, whatever the format, and subnormals are
 * normalized like the rest. Binary64 has 53 significant bits, which leaves 10 below them for an
 * inexact result: its lowest bit is sticky, set when anything below it was lost ("jamming"). Any
 * rounding of the jammed value is the rounding of the exact one, as long as at least two bits
 * stay below the last one kept.
 *
 * The functions are static and always inlined with a constant format, so each of the f32_ and
 * f64_ functions becomes code for its own format. Nothing here has state. Private to cpu/fp/.
 */
#ifndef CPU_FP_CORE_H
#define CPU_FP_CORE_H

#include "base/compiler.h"
#include "cpu/fp.h"

#define FP_INLINE static inline __attribute__((always_inline)) UNUSED

__extension__ typedef unsigned __int128 fp_u128;

struct fp_format {
    unsigned bits;      /* storage width */
    unsigned precision; /* significant bits, the implicit one included */
    int bias;           /* also the largest exponent; the smallest normal one is 1 - bias */
};

static const struct fp_format fp_b16 UNUSED = { .bits = 16, .precision = 11, .bias = 15 };
static const struct fp_format fp_b32 UNUSED = { .bits = 32, .precision = 24, .bias = 127 };
static const struct fp_format fp_b64 UNUSED = { .bits = 64, .precision = 53, .bias = 1023 };

enum { FP_LEAD = 62 }; /* the bit where a normalized significand begins */

enum fp_kind { FP_FINITE, FP_ZERO, FP_INF, FP_QNAN, FP_SNAN };

struct fp_num {
    uint64_t sig;
    int exp;
    bool sign;
    enum fp_kind kind; /* exp and sig mean something only for FP_FINITE */
};

FP_INLINE void fp_raise(uint8_t *flags, unsigned which)
{
    *flags = (uint8_t)(*flags | which);
}

/* ---- fields of a format ---- */

FP_INLINE uint64_t fp_mask(const struct fp_format *f)
{
    return UINT64_MAX >> (64 - f->bits);
}

FP_INLINE uint64_t fp_sign_bit(const struct fp_format *f)
{
    return UINT64_C(1) << (f->bits - 1);
}

/* The stored fraction: the significand without its implicit bit. */
FP_INLINE uint64_t fp_frac_mask(const struct fp_format *f)
{
    return (UINT64_C(1) << (f->precision - 1)) - 1;
}

FP_INLINE unsigned fp_exp_max(const struct fp_format *f)
{
    return 2 * (unsigned)f->bias + 1;
}

FP_INLINE uint64_t fp_inf_bits(const struct fp_format *f, bool sign)
{
    return (sign ? fp_sign_bit(f) : 0) | (uint64_t)fp_exp_max(f) << (f->precision - 1);
}

FP_INLINE uint64_t fp_zero_bits(const struct fp_format *f, bool sign)
{
    return sign ? fp_sign_bit(f) : 0;
}

/* "F" 21.3: the result of any operation that is NaN is this one. */
FP_INLINE uint64_t fp_nan_bits(const struct fp_format *f)
{
    return fp_inf_bits(f, false) | UINT64_C(1) << (f->precision - 2);
}

FP_INLINE bool fp_is_nan(const struct fp_format *f, uint64_t v)
{
    return (v & (fp_mask(f) >> 1)) > fp_inf_bits(f, false);
}

FP_INLINE bool fp_is_snan(const struct fp_format *f, uint64_t v)
{
    return fp_is_nan(f, v) && !(v >> (f->precision - 2) & 1);
}

FP_INLINE uint64_t fp_invalid(const struct fp_format *f, uint8_t *flags)
{
    fp_raise(flags, FP_NV);
    return fp_nan_bits(f);
}

/* ---- shifts that keep a sticky bit ---- */

FP_INLINE uint64_t fp_shift_jam(uint64_t v, unsigned n)
{
    if (n > 63)
        return v != 0;
    return v >> n | ((v & ((UINT64_C(1) << n) - 1)) != 0);
}

FP_INLINE fp_u128 fp_shift_jam128(fp_u128 v, unsigned n)
{
    if (n > 127)
        return v != 0;
    return v >> n | ((v & (((fp_u128)1 << n) - 1)) != 0);
}

/* ---- in ---- */

/* Bits above the format's width are ignored. */
FP_INLINE struct fp_num fp_unpack(const struct fp_format *f, uint64_t v)
{
    unsigned exp_field = (unsigned)(v >> (f->precision - 1)) & fp_exp_max(f);
    uint64_t frac = v & fp_frac_mask(f);
    struct fp_num n = { .sign = v >> (f->bits - 1) & 1 };

    if (unlikely(exp_field == 0)) {
        unsigned up;

        if (frac == 0) {
            n.kind = FP_ZERO;
            return n;
        }
        up = (unsigned)__builtin_clzll(frac) - (63 - FP_LEAD);
        n.sig = frac << up;
        n.exp = 1 - f->bias + (int)(FP_LEAD - (f->precision - 1)) - (int)up;
        return n;
    }
    if (unlikely(exp_field == fp_exp_max(f))) {
        if (frac == 0)
            n.kind = FP_INF;
        else
            n.kind = frac >> (f->precision - 2) ? FP_QNAN : FP_SNAN;
        return n;
    }
    n.sig = (frac | UINT64_C(1) << (f->precision - 1)) << (FP_LEAD - (f->precision - 1));
    n.exp = (int)exp_field - f->bias;
    return n;
}

FP_INLINE bool fp_num_is_nan(struct fp_num n)
{
    return n.kind == FP_QNAN || n.kind == FP_SNAN;
}

/* The result when some operand is NaN: canonical, and invalid if one of them signals. */
FP_INLINE uint64_t fp_nan_of(const struct fp_format *f, struct fp_num a, struct fp_num b,
                             uint8_t *flags)
{
    if (a.kind == FP_SNAN || b.kind == FP_SNAN)
        fp_raise(flags, FP_NV);
    return fp_nan_bits(f);
}

/* ---- out ---- */

/* What to add below the last kept bit, `unit` being its weight; ties are the caller's in RNE. */
FP_INLINE uint64_t fp_round_addend(bool sign, uint64_t unit, unsigned rm)
{
    switch (rm) {
    case FP_RNE:
    case FP_RMM:
        return unit >> 1;
    case FP_RDN:
        return sign ? unit - 1 : 0;
    case FP_RUP:
        return sign ? 0 : unit - 1;
    default: /* FP_RTZ */
        return 0;
    }
}

/* 7.4: beyond the largest finite number in the rounding direction is infinity. */
FP_INLINE uint64_t fp_overflow(const struct fp_format *f, bool sign, unsigned rm, uint8_t *flags)
{
    bool to_inf = rm == FP_RNE || rm == FP_RMM || (rm == FP_RDN && sign) || (rm == FP_RUP && !sign);

    fp_raise(flags, FP_OF | FP_NX);
    return fp_inf_bits(f, sign) - !to_inf;
}

/* The number (-1)^sign * sig * 2^(exp - 62), leading bit at FP_LEAD, as bits of the format. The
 * largest exponent an operation can arrive with (a quotient's, under 2200 for binary64) leaves
 * `packed` below 2^64. */
FP_INLINE uint64_t fp_round(const struct fp_format *f, bool sign, int exp, uint64_t sig,
                            unsigned rm, uint8_t *flags)
{
    const unsigned drop = FP_LEAD + 1 - f->precision; /* bits below the last kept one */
    const uint64_t unit = UINT64_C(1) << drop;
    uint64_t addend = fp_round_addend(sign, unit, rm);
    int field = exp + f->bias - 1; /* the exponent field less the 1 that the leading bit adds */
    bool tiny = false;
    uint64_t lost, packed;

    if (unlikely(field < 0)) {
        /* Tininess after rounding: would it stay below the smallest normal number if only the
         * precision, not the exponent, were bounded? Only from just below can it get there. */
        tiny = field < -1 || sig + addend < UINT64_C(1) << (FP_LEAD + 1);
        sig = fp_shift_jam(sig, (unsigned)-field);
        field = 0;
    }
    lost = sig & (unit - 1);
    sig = (sig + addend) >> drop;
    if (rm == FP_RNE && lost == unit >> 1)
        sig &= ~UINT64_C(1);
    /* A carry out of the significand adds one to the exponent, as it should. */
    packed = ((uint64_t)field << (f->precision - 1)) + sig;
    if (unlikely(packed >= fp_inf_bits(f, false)))
        return fp_overflow(f, sign, rm, flags);
    if (lost) {
        fp_raise(flags, tiny ? FP_UF | FP_NX : FP_NX);
    }
    return packed | fp_zero_bits(f, sign);
}

/* A finite number with its leading bit anywhere, not zero: value sig * 2^(exp - 62). */
FP_INLINE uint64_t fp_normalize_round(const struct fp_format *f, bool sign, int exp, uint64_t sig,
                                      unsigned rm, uint8_t *flags)
{
    if (sig >> (FP_LEAD + 1)) {
        sig = fp_shift_jam(sig, 1);
        exp++;
    } else {
        unsigned up = (unsigned)__builtin_clzll(sig) - (63 - FP_LEAD);

        sig <<= up;
        exp -= (int)up;
    }
    return fp_round(f, sign, exp, sig, rm, flags);
}

#endif
