/* cpu/fp/tests/gen.h - operands where floating point goes wrong.
 *
 * Random bits almost never meet the cases that matter, so most operands are built: near powers of
 * two, near the ends of the range, subnormal, with long runs of equal bits, related to the other
 * operand in exponent or in value. Repeatable: the same seed gives the same cases.
 */
#ifndef CPU_FP_TESTS_GEN_H
#define CPU_FP_TESTS_GEN_H

#include <stdint.h>

#include "base/compiler.h"
#include "cpu/fp/core.h"

struct gen {
    uint64_t state;
};

static inline uint64_t gen_next(struct gen *g)
{
    uint64_t z = g->state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline unsigned gen_below(struct gen *g, unsigned n)
{
    return (unsigned)(gen_next(g) % n);
}

/* A fraction: random, few bits, runs of ones or zeros, all but the end, with short tails. */
static inline uint64_t gen_frac(struct gen *g, const struct fp_format *f)
{
    unsigned width = f->precision - 1;
    uint64_t mask = fp_frac_mask(f), v = gen_next(g);
    unsigned a = gen_below(g, width), b = gen_below(g, width);

    switch (gen_below(g, 8)) {
    case 0:
        return UINT64_C(1) << a & mask;
    case 1:
        return (UINT64_C(1) << a | UINT64_C(1) << b) & mask;
    case 2: /* ones above a */
        return mask & ~((UINT64_C(1) << a) - 1);
    case 3: /* ones below a */
        return (UINT64_C(1) << a) - 1;
    case 4: /* a run */
        return ((UINT64_C(1) << a) - 1) ^ ((UINT64_C(1) << b) - 1);
    case 5: /* the upper half only: products are exact or ties */
        return v & mask & ~((UINT64_C(1) << (width / 2)) - 1);
    case 6: /* all ones or all zeros, give or take a few */
        return ((v & 64 ? mask : 0) + (v & 7) - 3) & mask;
    default:
        return v & mask;
    }
}

static inline uint64_t gen_make(struct gen *g, const struct fp_format *f, unsigned exp_field)
{
    return (uint64_t)exp_field << (f->precision - 1) | gen_frac(g, f);
}

/* Any value of the format, without the sign. */
static inline uint64_t gen_magnitude(struct gen *g, const struct fp_format *f)
{
    unsigned top = fp_exp_max(f), bias = (unsigned)f->bias;
    uint64_t inf = fp_inf_bits(f, false), quiet = UINT64_C(1) << (f->precision - 2);
    uint64_t r = gen_next(g);

    switch (gen_below(g, 16)) {
    case 0:
        return 0;
    case 1: /* infinity, or a NaN of either kind with some payload */
        if (r & 3)
            return inf;
        return inf | (r & 4 ? quiet : 0) | (gen_frac(g, f) & (quiet - 1)) | (r & 4 ? 0 : 1);
    case 2: /* subnormal */
    case 3:
        return gen_frac(g, f);
    case 4: /* around the smallest normal number */
        return fp_frac_mask(f) + 1 + (r & 15) - 8;
    case 5: /* the largest numbers */
        return inf - 1 - (r & 7);
    case 6:
        return gen_make(g, f, top - 1 - (unsigned)(r & 3));
    case 7: /* a power of two, give or take an ulp or two */
        return ((uint64_t)(1 + gen_below(g, top - 2)) << (f->precision - 1)) + (r & 3) - 1;
    case 8:
    case 9:
    case 10: /* near 1 */
        return gen_make(g, f, bias - 4 + (unsigned)(r & 7));
    case 11: /* around the width of integers: 2^31, 2^32, 2^63, 2^64 and halves */
        r = (r & 1 ? 31 : 62) + (r >> 1 & 3);
        return gen_make(g, f, r + bias < top ? (unsigned)r + bias : bias + 1);
    case 12: /* exponents whose products and quotients reach the ends */
        return gen_make(g, f, (r & 1 ? bias / 2 : bias + bias / 2) + (unsigned)(r >> 1 & 7) - 4);
    default:
        return gen_make(g, f, 1 + gen_below(g, top - 1));
    }
}

static inline uint64_t gen_value(struct gen *g, const struct fp_format *f)
{
    uint64_t v = gen_magnitude(g, f);

    return gen_next(g) & 1 ? v | fp_sign_bit(f) : v;
}

/* A value related to `a`: the same, its neighbour, an exponent near by, its negation; or any. */
static inline uint64_t gen_related(struct gen *g, const struct fp_format *f, uint64_t a)
{
    uint64_t r = gen_next(g), sign = r & 8 ? fp_sign_bit(f) : 0;
    uint64_t v;
    int field;

    switch (r & 7) {
    case 0:
        return a ^ sign;
    case 1:
    case 2:
        v = (a & ~fp_sign_bit(f)) + (r >> 8 & 7) - 3;
        return (v & (fp_sign_bit(f) - 1)) | sign;
    case 3:
    case 4:
    case 5: /* an exponent at most precision + 3 away */
        field = (int)(a >> (f->precision - 1) & fp_exp_max(f));
        field += (int)gen_below(g, 2 * f->precision + 7) - (int)f->precision - 3;
        if (field < 0)
            field = 0;
        if (field >= (int)fp_exp_max(f))
            field = (int)fp_exp_max(f) - 1;
        return gen_make(g, f, (unsigned)field) | sign;
    default:
        return gen_value(g, f);
    }
}

/* An integer with its interesting bits anywhere. */
static inline uint64_t gen_integer(struct gen *g)
{
    uint64_t r = gen_next(g);
    uint64_t v = gen_next(g) >> (r & 63);

    switch (r >> 8 & 7) {
    case 0:
        v = UINT64_C(1) << (r >> 16 & 63);
        break;
    case 1:
        v = (UINT64_C(1) << (r >> 16 & 63)) + (r >> 24 & 7) - 3;
        break;
    case 2: /* halfway between numbers of 24 or 53 bits */
        v = (v | 1) << (r >> 16 & 15);
        break;
    case 3:
        v = UINT64_MAX << (r >> 16 & 63);
        break;
    default:
        break;
    }
    return r >> 60 & 1 ? -v : v;
}

#endif
