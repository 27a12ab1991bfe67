/* cpu/fp/tests/test_fp_sse.c - a second oracle: the host's own SSE, on x86-64.
 *
 *     test_fp_sse COUNT
 *
 * SSE rounds in four of the five modes (MXCSR.RC), keeps the same five flags, and like RISC-V
 * detects tininess after rounding. Differences left out: which NaN comes out, ties away, and
 * conversions to integers that are out of range, where x86 has one answer of its own. FMA is
 * compared where the processor has it.
 */
#include <stdio.h>
#include <stdlib.h>

#if !defined(__x86_64__)

int main(void)
{
    puts("skipped: the host is not x86-64");
    return 77;
}

#else

#include "cpu/fp/tests/gen.h"
#include "cpu/fp/tests/ops.h"

enum {
    MXCSR_MASKED = 0x1f80,
    MXCSR_IE = 1,
    MXCSR_ZE = 4,
    MXCSR_OE = 8,
    MXCSR_UE = 16,
    MXCSR_PE = 32
};

/* All asm here is volatile, so that it stays between the two MXCSR instructions. */
static void begin(unsigned rm)
{
    static const unsigned rc[] = { 0, 3, 1, 2 }; /* nearest, zero, down, up */
    unsigned mxcsr = MXCSR_MASKED | rc[rm] << 13;

    __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
}

static uint8_t end(void)
{
    unsigned mxcsr, flags = 0;

    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    flags |= mxcsr & MXCSR_IE ? FP_NV : 0;
    flags |= mxcsr & MXCSR_ZE ? FP_DZ : 0;
    flags |= mxcsr & MXCSR_OE ? FP_OF : 0;
    flags |= mxcsr & MXCSR_UE ? FP_UF : 0;
    flags |= mxcsr & MXCSR_PE ? FP_NX : 0;
    return (uint8_t)flags;
}

typedef union {
    uint64_t bits;
    double d;
    float f;
} value;

#define ARITH(insn, r, b) __asm__ volatile(insn " %1, %0" : "+x"(r) : "x"(b))

static uint64_t arith32(enum op_kind kind, const uint64_t v[3])
{
    value a = { v[0] }, b = { v[1] }, c = { v[2] }, r = { 0 };

    r.f = a.f;
    if (kind == OP_ADD)
        ARITH("addss", r.f, b.f);
    else if (kind == OP_SUB)
        ARITH("subss", r.f, b.f);
    else if (kind == OP_MUL)
        ARITH("mulss", r.f, b.f);
    else if (kind == OP_DIV)
        ARITH("divss", r.f, b.f);
    else if (kind == OP_SQRT)
        ARITH("sqrtss", r.f, a.f);
    else
        __asm__ volatile("vfmadd213ss %2, %1, %0" : "+x"(r.f) : "x"(b.f), "x"(c.f));
    return (uint32_t)r.bits;
}

static uint64_t arith64(enum op_kind kind, const uint64_t v[3])
{
    value a = { v[0] }, b = { v[1] }, c = { v[2] }, r = { 0 };

    r.d = a.d;
    if (kind == OP_ADD)
        ARITH("addsd", r.d, b.d);
    else if (kind == OP_SUB)
        ARITH("subsd", r.d, b.d);
    else if (kind == OP_MUL)
        ARITH("mulsd", r.d, b.d);
    else if (kind == OP_DIV)
        ARITH("divsd", r.d, b.d);
    else if (kind == OP_SQRT)
        ARITH("sqrtsd", r.d, a.d);
    else
        __asm__ volatile("vfmadd213sd %2, %1, %0" : "+x"(r.d) : "x"(b.d), "x"(c.d));
    return r.bits;
}

/* To a signed integer; an out-of-range input gives IE, and then nothing is compared. */
static uint64_t to_int(const struct op *op, uint64_t v)
{
    value a = { v };
    int32_t i32;
    int64_t i64;

    if (op->width == 32) {
        if (op->in == &fp_b32)
            __asm__ volatile("cvtss2si %1, %0" : "=r"(i32) : "x"(a.f));
        else
            __asm__ volatile("cvtsd2si %1, %0" : "=r"(i32) : "x"(a.d));
        return (uint64_t)(int64_t)i32;
    }
    if (op->in == &fp_b32)
        __asm__ volatile("cvtss2si %1, %0" : "=r"(i64) : "x"(a.f));
    else
        __asm__ volatile("cvtsd2si %1, %0" : "=r"(i64) : "x"(a.d));
    return (uint64_t)i64;
}

static uint64_t from_int(const struct op *op, uint64_t v)
{
    int64_t i = op->width == 32 ? (int32_t)v : (int64_t)v;
    value r = { 0 };

    if (op->out == &fp_b32)
        __asm__ volatile("cvtsi2ssq %1, %0" : "+x"(r.f) : "r"(i));
    else
        __asm__ volatile("cvtsi2sdq %1, %0" : "+x"(r.d) : "r"(i));
    return r.bits;
}

static uint64_t convert(const struct op *op, uint64_t v)
{
    value a = { v }, r = { 0 };

    if (op->out == &fp_b32)
        __asm__ volatile("cvtsd2ss %1, %0" : "+x"(r.f) : "x"(a.d));
    else
        __asm__ volatile("cvtss2sd %1, %0" : "+x"(r.d) : "x"(a.f));
    return r.bits;
}

static bool covered(const struct op *op)
{
    switch (op->kind) {
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_SQRT:
        return true;
    case OP_FMA:
        return __builtin_cpu_supports("fma");
    case OP_TO_INT:
    case OP_FROM_INT:
        return op->is_signed;
    case OP_CONVERT:
        return op->in != &fp_b16 && op->out != &fp_b16;
    case OP_MIN:
    case OP_MAX:
    case OP_EQ:
    case OP_LT:
    case OP_LE:
    case OP_CLASS:
        break;
    }
    return false;
}

static bool run_case(const struct op *op, const uint64_t v[3], unsigned rm)
{
    uint8_t got_flags = 0, want_flags;
    uint64_t got = op->run(v[0], v[1], v[2], rm, &got_flags), want;

    begin(rm);
    if (op->kind == OP_TO_INT)
        want = to_int(op, v[0]);
    else if (op->kind == OP_FROM_INT)
        want = from_int(op, v[0]);
    else if (op->kind == OP_CONVERT)
        want = convert(op, v[0]);
    else
        want = op->in == &fp_b32 ? arith32(op->kind, v) : arith64(op->kind, v);
    want_flags = end();
    begin(FP_RNE);
    if (op->kind == OP_TO_INT && (want_flags & FP_NV))
        want = got;
    else if (op->kind != OP_TO_INT && fp_is_nan(op->out, want))
        want = fp_nan_bits(op->out);
    /* x86 gives a quiet NaN addend precedence over infinity times zero being invalid. */
    if (op->kind == OP_FMA && got == fp_nan_bits(op->out) && fp_is_nan(op->in, v[2]))
        want_flags = got_flags;
    if (got == want && got_flags == want_flags)
        return true;
    printf("%s rm %u, %#lx %#lx %#lx: got %#lx flags %#x, want %#lx flags %#x\n", op->name, rm,
           v[0], v[1], v[2], got, got_flags, want, want_flags);
    return false;
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000, total_failed = 0, i;
    unsigned n;

    for (n = 0; n < ARRAY_LEN(all_ops); n++) {
        const struct op *op = &all_ops[n];
        struct gen g = { 1000 + n };
        unsigned long failed = 0;

        if (!covered(op))
            continue;
        for (i = 0; i < count && failed < 10; i++) {
            uint64_t v[3];

            if (op->kind == OP_FROM_INT) {
                v[0] = gen_integer(&g);
                v[1] = v[2] = 0;
            } else {
                v[0] = gen_value(&g, op->in) & fp_mask(op->in);
                v[1] = gen_related(&g, op->in, v[0]) & fp_mask(op->in);
                v[2] = gen_value(&g, op->in) & fp_mask(op->in);
            }
            failed += !run_case(op, v, (unsigned)(i & 3));
        }
        printf("%-12s %lu cases, %lu failed\n", op->name, i, failed);
        total_failed += failed;
    }
    return total_failed != 0;
}

#endif
