/* cpu/fp/tests/test_fp_mpfr.c - every operation in every rounding mode against GNU MPFR, bits and
 * flags.
 *
 *     test_fp_mpfr GROUP COUNT     COUNT cases of each operation of the group, the modes in turn
 *
 * The oracle computes with MPFR's unbounded exponents to the format's precision, which tells
 * whether the result is tiny after rounding, and lets MPFR bring it into the format's range
 * (mpfr_check_range, mpfr_subnormalize). MPFR does not round ties away, so that mode starts from
 * three more bits, truncated and made odd when inexact, which round as the exact value does.
 * What MPFR has no notion of, NaN kinds and RISC-V's choices, is written out in nan_case() and
 * in the conversions to integers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef HAVE_MPFR

int main(void)
{
    puts("skipped: built without MPFR (install libmpfr-dev and set the build directory up anew)");
    return 77;
}

#else

/* Functions rather than their macros: a case is a call. */
#define MPFR_USE_NO_MACRO 1
#include <gmp.h>
#include <mpfr.h>

#include "cpu/fp/tests/gen.h"
#include "cpu/fp/tests/ops.h"

struct result {
    uint64_t bits;
    uint8_t flags;
};

/* Operands and the result of the case at hand; made once, each of 64 bits of precision. */
struct oracle {
    mpfr_t in[3], wide;
    mpfr_t out[65]; /* by precision */
};

static void oracle_init(struct oracle *o)
{
    unsigned i;

    for (i = 0; i < 3; i++)
        mpfr_init2(o->in[i], 64);
    mpfr_init2(o->wide, 64);
    for (i = 2; i <= 64; i++)
        mpfr_init2(o->out[i], i);
}

static void oracle_fini(struct oracle *o)
{
    unsigned i;

    for (i = 0; i < 3; i++)
        mpfr_clear(o->in[i]);
    mpfr_clear(o->wide);
    for (i = 2; i <= 64; i++)
        mpfr_clear(o->out[i]);
    mpfr_free_cache();
}

static bool is_nan(const struct fp_format *f, uint64_t v)
{
    return (v & (fp_sign_bit(f) - 1)) > fp_inf_bits(f, false);
}

static bool is_snan(const struct fp_format *f, uint64_t v)
{
    return is_nan(f, v) && !(v & UINT64_C(1) << (f->precision - 2));
}

/* A value of the format, not NaN. */
static void load(mpfr_t r, const struct fp_format *f, uint64_t v)
{
    int field = (int)(v >> (f->precision - 1) & fp_exp_max(f));
    uint64_t frac = v & fp_frac_mask(f);
    bool negative = v & fp_sign_bit(f);

    if (field == (int)fp_exp_max(f)) {
        mpfr_set_inf(r, negative ? -1 : 1);
        return;
    }
    if (field == 0 && frac == 0) {
        mpfr_set_zero(r, negative ? -1 : 1);
        return;
    }
    if (field)
        frac |= fp_frac_mask(f) + 1;
    else
        field = 1;
    mpfr_set_ui_2exp(r, frac, field - f->bias - (int)(f->precision - 1), MPFR_RNDN);
    mpfr_setsign(r, r, negative, MPFR_RNDN);
}

/* A value that the format has, as bits. */
static uint64_t store(const struct fp_format *f, mpfr_t r)
{
    uint64_t sign = mpfr_signbit(r) ? fp_sign_bit(f) : 0;
    long exp; /* of the lowest bit */
    uint64_t sig;
    mpz_t z;
    int lowest = 1 - f->bias - (int)(f->precision - 1);

    if (mpfr_inf_p(r))
        return sign | fp_inf_bits(f, false);
    if (mpfr_zero_p(r))
        return sign;
    mpz_init(z);
    exp = mpfr_get_z_2exp(z, r);
    sig = mpz_get_ui(z); /* the magnitude */
    mpz_clear(z);
    while (exp < lowest || sig >> f->precision) {
        sig >>= 1; /* a zero: the value fits */
        exp++;
    }
    while (exp > lowest && !(sig & (fp_frac_mask(f) + 1))) {
        sig <<= 1;
        exp--;
    }
    if (!(sig & (fp_frac_mask(f) + 1)))
        return sign | sig;
    return sign | ((uint64_t)(exp - lowest + 1) << (f->precision - 1)) | (sig & fp_frac_mask(f));
}

/* What MPFR computes for an operation, to the precision of r. */
static int compute(const struct op *op, mpfr_t r, struct oracle *o, mpfr_rnd_t rnd)
{
    switch (op->kind) {
    case OP_ADD:
        return mpfr_add(r, o->in[0], o->in[1], rnd);
    case OP_SUB:
        return mpfr_sub(r, o->in[0], o->in[1], rnd);
    case OP_MUL:
        return mpfr_mul(r, o->in[0], o->in[1], rnd);
    case OP_DIV:
        return mpfr_div(r, o->in[0], o->in[1], rnd);
    case OP_SQRT:
        return mpfr_sqrt(r, o->in[0], rnd);
    case OP_FMA:
        return mpfr_fma(r, o->in[0], o->in[1], o->in[2], rnd);
    case OP_MIN:
    case OP_MAX:
    case OP_EQ:
    case OP_LT:
    case OP_LE:
    case OP_CLASS:
    case OP_TO_INT:
    case OP_FROM_INT:
    case OP_CONVERT:
        break;
    }
    return mpfr_set(r, o->in[0], rnd);
}

static mpfr_rnd_t mpfr_mode(unsigned rm)
{
    static const mpfr_rnd_t modes[] = { MPFR_RNDN, MPFR_RNDZ, MPFR_RNDD, MPFR_RNDU };

    return modes[rm];
}

/* Rounds to nearest, ties away, by hand: see the top of the file. */
static struct result round_away(const struct op *op, struct oracle *o)
{
    const struct fp_format *f = op->out;
    mpfr_ptr r = o->out[f->precision + 3];
    struct result res = { 0, 0 };
    int inexact = compute(op, r, o, MPFR_RNDZ);
    int lowest = 1 - f->bias - (int)(f->precision - 1);
    uint64_t m, n, rounded;
    unsigned shift = 3;
    long exp;
    mpz_t z;

    if (mpfr_nan_p(r) || mpfr_inf_p(r) || mpfr_zero_p(r)) {
        if (mpfr_divby0_p())
            res.flags |= FP_DZ;
        if (mpfr_nan_p(r))
            res = (struct result){ fp_nan_bits(f), FP_NV };
        else
            res.bits = store(f, r);
        return res;
    }
    mpz_init(z);
    exp = mpfr_get_z_2exp(z, r); /* |z| has exactly precision + 3 bits */
    m = mpz_get_ui(z);
    mpz_clear(z);
    if (inexact)
        m |= 1;
    rounded = (m + 4) >> 3; /* to the precision, at any exponent */
    if (exp + 3 < lowest)
        shift = lowest - exp > 60 ? 60 : (unsigned)(lowest - exp);
    n = (m + (UINT64_C(1) << (shift - 1))) >> shift;
    mpfr_set_ui_2exp(o->wide, n, exp + (long)shift, MPFR_RNDN);
    mpfr_setsign(o->wide, o->wide, mpfr_signbit(r), MPFR_RNDN);
    if (n << shift != m)
        res.flags |= FP_NX;
    /* Tiny: rounded * 2^(exp + 3) < 2^(lowest + precision - 1). */
    if ((res.flags & FP_NX) &&
        (exp + 3 < lowest - 1 || (exp + 3 == lowest - 1 && !(rounded >> f->precision))))
        res.flags |= FP_UF;
    if (n != 0 && mpfr_get_exp(o->wide) > f->bias + 1) {
        res.flags = FP_OF | FP_NX;
        mpfr_set_inf(o->wide, mpfr_signbit(r) ? -1 : 1);
    }
    res.bits = store(f, o->wide);
    return res;
}

static struct result round_mpfr(const struct op *op, struct oracle *o, unsigned rm)
{
    const struct fp_format *f = op->out;
    mpfr_ptr r = o->out[f->precision];
    mpfr_exp_t emin = mpfr_get_emin(), emax = mpfr_get_emax();
    struct result res = { 0, 0 };
    bool tiny;
    int inexact = compute(op, r, o, mpfr_mode(rm));

    if (mpfr_nan_p(r))
        return (struct result){ fp_nan_bits(f), FP_NV };
    if (mpfr_divby0_p())
        res.flags |= FP_DZ;
    tiny = mpfr_regular_p(r) && mpfr_get_exp(r) < 2 - f->bias;
    mpfr_set_emin(3 - f->bias - (int)f->precision);
    mpfr_set_emax(f->bias + 1);
    mpfr_clear_flags();
    inexact = mpfr_check_range(r, inexact, mpfr_mode(rm));
    inexact = mpfr_subnormalize(r, inexact, mpfr_mode(rm));
    if (mpfr_overflow_p())
        res.flags |= FP_OF;
    if (inexact)
        res.flags |= tiny ? FP_NX | FP_UF : FP_NX;
    mpfr_set_emin(emin);
    mpfr_set_emax(emax);
    res.bits = store(f, r);
    return res;
}

/* Any operand NaN, in an operation with a floating-point result other than min and max. */
static bool nan_case(const struct op *op, const uint64_t v[3], struct result *ret)
{
    unsigned count = op->kind == OP_FMA ? 3 : op->kind <= OP_DIV ? 2 : 1;
    bool any = false, signaling = false;
    unsigned i;

    for (i = 0; i < count; i++) {
        any = any || is_nan(op->in, v[i]);
        signaling = signaling || is_snan(op->in, v[i]);
    }
    if (op->kind == OP_FMA) {
        uint64_t inf = fp_inf_bits(op->in, false);
        uint64_t a = v[0] & (fp_sign_bit(op->in) - 1), b = v[1] & (fp_sign_bit(op->in) - 1);

        signaling = signaling || (a == 0 && b == inf) || (a == inf && b == 0);
    }
    *ret = (struct result){ fp_nan_bits(op->out), signaling ? FP_NV : 0 };
    return any;
}

static struct result expect_pick(const struct op *op, const uint64_t v[3], struct oracle *o)
{
    const struct fp_format *f = op->in;
    bool nan[2] = { is_nan(f, v[0]), is_nan(f, v[1]) };
    struct result res = { v[0], is_snan(f, v[0]) || is_snan(f, v[1]) ? FP_NV : 0 };
    int order;

    if (nan[0] || nan[1]) {
        res.bits = nan[0] && nan[1] ? fp_nan_bits(f) : nan[0] ? v[1] : v[0];
        return res;
    }
    load(o->in[0], f, v[0]);
    load(o->in[1], f, v[1]);
    order = mpfr_cmp(o->in[0], o->in[1]);
    if (order == 0) /* equal, or zeros: the negative one is smaller */
        order = mpfr_signbit(o->in[1]) - mpfr_signbit(o->in[0]);
    if (op->kind == OP_MIN ? order > 0 : order < 0)
        res.bits = v[1];
    return res;
}

static struct result expect_compare(const struct op *op, const uint64_t v[3], struct oracle *o)
{
    const struct fp_format *f = op->in;
    bool quiet = op->kind == OP_EQ;
    struct result res = { 0, 0 };
    int order;

    if (is_snan(f, v[0]) || is_snan(f, v[1]))
        res.flags = FP_NV;
    if (is_nan(f, v[0]) || is_nan(f, v[1])) {
        if (!quiet)
            res.flags = FP_NV;
        return res;
    }
    load(o->in[0], f, v[0]);
    load(o->in[1], f, v[1]);
    order = mpfr_cmp(o->in[0], o->in[1]);
    res.bits = quiet ? order == 0 : op->kind == OP_LT ? order < 0 : order <= 0;
    return res;
}

static struct result expect_class(const struct op *op, uint64_t v, struct oracle *o)
{
    const struct fp_format *f = op->in;
    unsigned bit;

    if (is_nan(f, v))
        return (struct result){ is_snan(f, v) ? 1 << 8 : 1 << 9, 0 };
    load(o->in[0], f, v);
    if (mpfr_inf_p(o->in[0]))
        bit = 7;
    else if (mpfr_zero_p(o->in[0]))
        bit = 4;
    else
        bit = mpfr_get_exp(o->in[0]) < 2 - f->bias ? 5 : 6;
    return (struct result){ UINT64_C(1) << (mpfr_signbit(o->in[0]) ? 7 - bit : bit), 0 };
}

static struct result expect_to_int(const struct op *op, uint64_t v, struct oracle *o, unsigned rm)
{
    unsigned bits = op->is_signed ? op->width - 1 : op->width;
    uint64_t max = UINT64_MAX >> (64 - bits), min = op->is_signed ? ~max : 0;
    struct result res = { 0, 0 };

    if (is_nan(op->in, v)) {
        res = (struct result){ max, FP_NV };
    } else {
        load(o->in[0], op->in, v);
        if (rm == FP_RMM)
            mpfr_round(o->wide, o->in[0]);
        else
            mpfr_rint(o->wide, o->in[0], mpfr_mode(rm));
        if (mpfr_cmp_ui(o->wide, max) > 0)
            res = (struct result){ max, FP_NV };
        else if (op->is_signed ? mpfr_cmp_si(o->wide, (long)min) < 0 : mpfr_sgn(o->wide) < 0)
            res = (struct result){ min, FP_NV };
        else if (op->is_signed)
            res.bits = (uint64_t)mpfr_get_si(o->wide, MPFR_RNDN);
        else
            res.bits = mpfr_get_ui(o->wide, MPFR_RNDN);
        if (!res.flags && mpfr_cmp(o->wide, o->in[0]) != 0)
            res.flags = FP_NX;
    }
    if (op->width == 32)
        res.bits = (uint64_t)(int64_t)(int32_t)res.bits;
    return res;
}

static struct result expect(const struct op *op, const uint64_t v[3], struct oracle *o, unsigned rm)
{
    struct result res;

    mpfr_clear_flags();
    switch (op->kind) {
    case OP_MIN:
    case OP_MAX:
        return expect_pick(op, v, o);
    case OP_EQ:
    case OP_LT:
    case OP_LE:
        return expect_compare(op, v, o);
    case OP_CLASS:
        return expect_class(op, v[0], o);
    case OP_TO_INT:
        return expect_to_int(op, v[0], o, rm);
    case OP_FROM_INT:
        if (op->width == 32)
            op->is_signed ? mpfr_set_si(o->in[0], (int32_t)v[0], MPFR_RNDN)
                          : mpfr_set_ui(o->in[0], (uint32_t)v[0], MPFR_RNDN);
        else
            op->is_signed ? mpfr_set_si(o->in[0], (long)v[0], MPFR_RNDN)
                          : mpfr_set_ui(o->in[0], v[0], MPFR_RNDN);
        break;
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_SQRT:
    case OP_FMA:
    case OP_CONVERT:
        if (nan_case(op, v, &res))
            return res;
        load(o->in[0], op->in, v[0]);
        load(o->in[1], op->in, is_nan(op->in, v[1]) ? 0 : v[1]);
        load(o->in[2], op->in, is_nan(op->in, v[2]) ? 0 : v[2]);
        break;
    }
    return rm == FP_RMM ? round_away(op, o) : round_mpfr(op, o, rm);
}

/* Operands, related in the way the operation finds hardest. */
static void operands(const struct op *op, struct gen *g, uint64_t v[3])
{
    const struct fp_format *f = op->in;
    uint8_t ignored = 0;

    if (op->kind == OP_FROM_INT) {
        v[0] = gen_integer(g);
        return;
    }
    v[0] = gen_value(g, f);
    v[1] = gen_related(g, f, v[0]);
    v[2] = gen_value(g, f);
    switch (op->kind) {
    case OP_DIV: /* quotients that are exact, or an ulp off */
        if (gen_below(g, 4) == 0)
            v[0] = (f == &fp_b32 ? f32_mul : f64_mul)(v[1], v[2], FP_RTZ, &ignored) +
                   (gen_next(g) & 1);
        break;
    case OP_SQRT: /* squares, and their neighbours */
        if (gen_below(g, 3) == 0)
            v[0] = (f == &fp_b32 ? f32_mul : f64_mul)(v[2], v[2], FP_RNE, &ignored) +
                   gen_next(g) % 3 - 1;
        if (gen_below(g, 8))
            v[0] &= fp_sign_bit(f) - 1;
        break;
    case OP_FMA: /* an addend that cancels the product, or nearly, or overlaps its tail */
        if (gen_below(g, 3) == 0)
            v[2] =
                (f == &fp_b32 ? f32_mul : f64_mul)(v[0], v[1], FP_RNE, &ignored) ^ fp_sign_bit(f);
        else if (gen_below(g, 2))
            v[2] =
                gen_related(g, f, (f == &fp_b32 ? f32_mul : f64_mul)(v[0], v[1], FP_RNE, &ignored));
        break;
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_MIN:
    case OP_MAX:
    case OP_EQ:
    case OP_LT:
    case OP_LE:
    case OP_CLASS:
    case OP_TO_INT:
    case OP_FROM_INT:
    case OP_CONVERT:
        break;
    }
    v[0] &= fp_mask(f);
    v[1] &= fp_mask(f);
    v[2] &= fp_mask(f);
}

/* One case; false and a line when it fails. */
static bool run_case(const struct op *op, const uint64_t v[3], struct oracle *o, unsigned rm,
                     uint64_t noise)
{
    /* Bits above the format must not matter, and flags that were set must stay. */
    uint64_t junk = op->kind == OP_FROM_INT ? 0 : noise & ~fp_mask(op->in);
    uint8_t before = (uint8_t)(noise >> 16 & 31), flags = before;
    struct result want = expect(op, v, o, rm);
    struct result got;

    got.bits = op->run(v[0] | junk, v[1] | junk, v[2] | junk, rm, &flags);
    got.flags = flags;
    want.flags |= before;
    if (got.bits == want.bits && got.flags == want.flags)
        return true;
    printf("%s rm %u, %#lx %#lx %#lx: got %#lx flags %#x, want %#lx flags %#x\n", op->name, rm,
           v[0], v[1], v[2], got.bits, got.flags, want.bits, want.flags);
    return false;
}

static unsigned long run_op(const struct op *op, unsigned long count, struct oracle *o)
{
    struct gen g = { (uint64_t)(op - all_ops) };
    unsigned long i, failed = 0;
    uint64_t v[3] = { 0, 0, 0 };

    for (i = 0; i < count && failed < 10; i++) {
        operands(op, &g, v);
        failed += !run_case(op, v, o, (unsigned)(i % 5), gen_next(&g));
    }
    /* Of binary16 there are few enough for all. */
    for (i = 0; op->in == &fp_b16 && i < 65536 && failed < 10; i++) {
        v[0] = i;
        failed += !run_case(op, v, o, FP_RNE, 0);
    }
    printf("%-12s %lu cases, %lu failed\n", op->name, i + count, failed);
    return failed;
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000, failed = 0, ran = 0;
    struct oracle o;
    unsigned i;

    oracle_init(&o);
    for (i = 0; i < ARRAY_LEN(all_ops); i++) {
        if (argc > 1 && strcmp(argv[1], all_ops[i].group) != 0 && strcmp(argv[1], "all") != 0)
            continue;
        failed += run_op(&all_ops[i], count, &o);
        ran++;
    }
    oracle_fini(&o);
    if (!ran)
        fprintf(stderr, "no operation is in group '%s'\n", argv[1]);
    return failed || !ran;
}

#endif
