/*
 * dbt/back/x86_64/t1_fp.c - floating point in SSE, exact to the last flag.
 *
 * MXCSR stays at round-to-nearest with all exceptions masked; its sticky flags are collected when
 * somebody may look (t1_stubs.c). What SSE does differently from RISC-V goes to the interpreter:
 * other rounding modes, and every result that is a NaN (payloads; inf * 0 + NaN in FMA). Doing
 * such an op twice is harmless, as flags only accumulate.
 */
#include "cpu/fp.h"
#include "dbt/back/x86_64/t1.h"

static struct t1_cold *step_if(struct t1 *t, enum x86_cc cc)
{
    return t1_cold(t, COLD_STEP, x86_jcc(&t->a, cc));
}

static void all_return_here(struct t1 *t, unsigned from)
{
    for (unsigned i = from; i < t->colds; i++)
        t1_return_here(t, &t->cold[i]);
}

/* False when the mode is one SSE has not been set to; a dynamic one is looked at as it runs. */
static bool nearest(struct t1 *t, int64_t imm)
{
    unsigned rm = (unsigned)imm & 7;

    if (rm != FP_DYN)
        return rm == FP_RNE;
    x86_alu_mi(&t->a, ALU_CMP, 1, t1_field(HART_DISP(s.frm)), FP_RNE);
    (void)step_if(t, CC_NE);
    return true;
}

/* The op's result, unless it is a NaN. */
static void finish(struct t1 *t, const struct t0_op *op, unsigned size, enum x86_xmm result,
                   unsigned colds)
{
    x86_ucomis(&t->a, size, result, result);
    (void)step_if(t, CC_P);
    t1_xmm_define(t, op->dst, result);
    all_return_here(t, colds);
}

static bool emit_arithmetic(struct t1 *t, const struct t0_op *op, enum x86_sse sse, unsigned size)
{
    unsigned colds = t->colds;
    enum x86_xmm a, b, result;

    if (!nearest(t, op->imm))
        return false;
    a = t1_xmm_use(t, op->a);
    b = sse == SSE_SQRT ? a : t1_xmm_use(t, op->b);
    result = t1_xmm_new(t);
    x86_sse_rrr(&t->a, sse, size, result, a, b);
    finish(t, op, size, result, colds);
    return true;
}

static bool emit_fma(struct t1 *t, const struct t0_op *op, unsigned size, bool negate,
                     bool subtract)
{
    unsigned colds = t->colds;
    enum x86_xmm a, b, c, result;

    if (!nearest(t, op->imm))
        return false;
    a = t1_xmm_use(t, op->a);
    b = t1_xmm_use(t, op->b);
    c = t1_xmm_use(t, (uint16_t)(op->imm >> 8));
    result = t1_xmm_new(t);
    x86_movs_rr(&t->a, result, a);
    x86_fma213(&t->a, size, negate, subtract, result, b, c);
    finish(t, op, size, result, colds);
    return true;
}

/* minss and maxss are no help with zeroes of two signs, and do not tell quiet NaNs from others.
 * Two equal numbers differ in the sign of a zero at most: or makes it -0, and makes it +0. */
static void emit_minmax(struct t1 *t, const struct t0_op *op, unsigned size, bool max)
{
    unsigned colds = t->colds;
    enum x86_xmm a = t1_xmm_use(t, op->a), b = t1_xmm_use(t, op->b), result = t1_xmm_new(t);
    uint8_t *differ;

    x86_movs_rr(&t->a, result, a);
    x86_logic_rr(&t->a, max ? LOGIC_AND : LOGIC_OR, result, b);
    x86_ucomis(&t->a, size, a, b);
    (void)step_if(t, CC_P);
    differ = x86_jcc(&t->a, CC_E);
    x86_sse_rrr(&t->a, max ? SSE_MAX : SSE_MIN, size, result, a, b);
    x86_patch(differ, t->a.at);
    t1_xmm_define(t, op->dst, result);
    all_return_here(t, colds);
}

/* EQ is quiet, LT and LE signal on any NaN: as ucomis and comis do. Unordered is false. */
static void emit_compare(struct t1 *t, const struct t0_op *op, unsigned size, bool quiet,
                         enum x86_cc cc)
{
    enum x86_xmm a = t1_xmm_use(t, op->a), b = t1_xmm_use(t, op->b);

    if (quiet) {
        x86_ucomis(&t->a, size, a, b);
        x86_setcc(&t->a, CC_NP, RAX);
        x86_setcc(&t->a, CC_E, RCX);
        x86_alu_rr(&t->a, ALU_AND, 4, RAX, RCX);
    } else { /* b > a and b >= a: unordered sets CF, so both are false */
        x86_comis(&t->a, size, b, a);
        x86_setcc(&t->a, cc, RAX);
    }
    x86_extend(&t->a, 1, false, RAX, RAX);
    t1_define(t, op->dst, RAX);
}

/* ---- conversions ---- */

static bool emit_from_int(struct t1 *t, const struct t0_op *op, unsigned size, unsigned int_size,
                          bool is_unsigned)
{
    unsigned colds = t->colds;
    enum x86_xmm result;
    enum x86_reg a;

    if (!nearest(t, op->imm))
        return false;
    a = t1_use(t, op->a, RAX);
    if (is_unsigned && int_size == 8) { /* the upper half of its range is rare */
        x86_test_rr(&t->a, 8, a, a);
        (void)step_if(t, CC_S);
    } else if (is_unsigned) {
        x86_extend(&t->a, 4, false, RAX, a);
        a = RAX;
        int_size = 8;
    }
    result = t1_xmm_new(t);
    x86_logic_rr(&t->a, LOGIC_XOR, result, result); /* cvtsi2sd keeps the upper part */
    x86_cvt_from_int(&t->a, size, int_size, result, a);
    t1_xmm_define(t, op->dst, result);
    all_return_here(t, colds);
    return true;
}

static void constant(struct t1 *t, enum x86_xmm reg, uint64_t bits)
{
    x86_mov_ri(&t->a, RAX, bits, true);
    x86_movd_xr(&t->a, 8, reg, RAX);
}

/* roundsd's mode for RISC-V's; -1: it has none. */
static int round_mode(unsigned rm)
{
    switch (rm) {
    case FP_RNE:
        return 0;
    case FP_RDN:
        return 1;
    case FP_RUP:
        return 2;
    case FP_RTZ:
        return 3;
    default:
        return -1;
    }
}

/* Out of range gives SSE's "indefinite", the smallest integer: then the interpreter decides. */
static bool emit_to_int(struct t1 *t, const struct t0_op *op, unsigned size, unsigned int_size)
{
    unsigned colds = t->colds, rm = (unsigned)op->imm & 7;
    int mode = round_mode(rm);
    enum x86_xmm a;

    if (mode < 0 && !nearest(t, op->imm))
        return false;
    a = t1_xmm_use(t, op->a);
    if (mode == 1 || mode == 2) { /* rounded without flags first: the value may not fit */
        x86_round(&t->a, size, (unsigned)mode | 8, XMM0, a);
        x86_cvt_to_int(&t->a, size, int_size, true, RAX, XMM0);
    } else {
        x86_cvt_to_int(&t->a, size, int_size, mode == 3, RAX, a);
    }
    x86_mov_ri(&t->a, RCX, int_size == 8 ? UINT64_C(1) << 63 : UINT64_C(1) << 31, true);
    x86_alu_rr(&t->a, ALU_CMP, int_size, RAX, RCX);
    (void)step_if(t, CC_E);
    if (mode == 1 || mode == 2)
        x86_round(&t->a, size, (unsigned)mode, XMM0, a);
    if (int_size == 4)
        x86_extend(&t->a, 4, true, RAX, RAX);
    t1_define(t, op->dst, RAX);
    all_return_here(t, colds);
    return true;
}

/* To an unsigned integer, where the signed conversion to 64 bits does: for 0 <= a <= limit, the
 * largest number that fits whatever the rounding. It must be known before converting, as that
 * sets the inexact flag, which must not come with the invalid one. */
static bool emit_to_unsigned(struct t1 *t, const struct t0_op *op, unsigned size, unsigned int_size)
{
    static const uint64_t limit[2][2] = { { 0x4f7fffff, 0x5effffff },
                                          { 0x41efffffffe00000, 0x43dfffffffffffff } };
    unsigned colds = t->colds, rm = (unsigned)op->imm & 7;
    enum x86_xmm a;

    if (rm != FP_RTZ && !nearest(t, op->imm))
        return false;
    a = t1_xmm_use(t, op->a);
    x86_movd_rx(&t->a, size, RAX, a);
    x86_test_rr(&t->a, size, RAX, RAX);
    (void)step_if(t, CC_S);
    constant(t, XMM0, limit[size == 8][int_size == 8]);
    x86_ucomis(&t->a, size, XMM0, a);
    (void)step_if(t, CC_B); /* or unordered */
    x86_cvt_to_int(&t->a, size, 8, rm == FP_RTZ, RAX, a);
    if (int_size == 4)
        x86_extend(&t->a, 4, true, RAX, RAX);
    t1_define(t, op->dst, RAX);
    all_return_here(t, colds);
    return true;
}

static bool emit_resize(struct t1 *t, const struct t0_op *op, unsigned to)
{
    unsigned colds = t->colds;
    enum x86_xmm a, result;

    if (to == 4 && !nearest(t, op->imm))
        return false;
    a = t1_xmm_use(t, op->a);
    result = t1_xmm_new(t);
    x86_logic_rr(&t->a, LOGIC_XOR, result, result);
    x86_cvt_size(&t->a, to, result, a);
    finish(t, op, to, result, colds);
    return true;
}

/* ---- bits ---- */

static void emit_unbox(struct t1 *t, const struct t0_op *op)
{
    unsigned colds = t->colds;
    enum x86_xmm xmm = t1_xmm_find_float(t, op->a);

    if (xmm == T1_XMM_NONE) {
        xmm = t1_xmm_new(t);
        x86_alu_mi(&t->a, ALU_CMP, 4, x86_at(RBP, t1_slot(op->a).disp + 4), -1);
        (void)step_if(t, CC_NE);
        x86_movs_load(&t->a, 4, xmm, t1_slot(op->a));
    }
    t1_xmm_define(t, op->dst, xmm);
    all_return_here(t, colds);
}

static void emit_box(struct t1 *t, const struct t0_op *op)
{
    t1_xmm_define_boxed(t, op->dst, t1_xmm_use(t, op->a));
}

/* dst = a's magnitude with the sign that b (SGNJ), ~b (SGNJN) or a ^ b (SGNJX) has. With a = b
 * they are fmv, fneg and fabs. */
static void emit_sign(struct t1 *t, const struct t0_op *op, unsigned size, unsigned form)
{
    enum x86_xmm a = t1_xmm_use(t, op->a), b = t1_xmm_use(t, op->b), result = t1_xmm_new(t);
    bool same = op->a == op->b;

    if (same && form == 0) {
        x86_movs_rr(&t->a, result, a);
        t1_xmm_define(t, op->dst, result);
        return;
    }
    constant(t, XMM0, UINT64_C(1) << (8 * size - 1));
    x86_movs_rr(&t->a, result, XMM0);
    if (form == 2) { /* a ^ (b & mask), and a & ~mask */
        x86_logic_rr(&t->a, same ? LOGIC_ANDN : LOGIC_AND, result, b);
        if (!same)
            x86_logic_rr(&t->a, LOGIC_XOR, result, a);
    } else if (same) {
        x86_logic_rr(&t->a, LOGIC_XOR, result, a);
    } else {
        x86_logic_rr(&t->a, LOGIC_ANDN, result, a);
        if (form == 1) {
            x86_movs_rr(&t->a, XMM1, b);
            x86_logic_rr(&t->a, LOGIC_ANDN, XMM1, XMM0);
            x86_logic_rr(&t->a, LOGIC_OR, result, XMM1);
        } else {
            x86_logic_rr(&t->a, LOGIC_AND, XMM0, b);
            x86_logic_rr(&t->a, LOGIC_OR, result, XMM0);
        }
    }
    t1_xmm_define(t, op->dst, result);
}

static bool is_f(uint16_t slot)
{
    return slot >= T0_SLOT_F && slot < T0_SLOT_F + 32;
}

/* A move that touches f registers. */
static bool emit_move(struct t1 *t, const struct t0_op *op)
{
    enum x86_xmm a = t1_xmm_find(t, op->a), copy;

    if (is_f(op->dst)) {
        if (a == T1_XMM_NONE)
            a = t1_xmm_use(t, op->a);
        copy = t1_xmm_dst(t, op->dst);
        if (copy != a)
            x86_movs_rr(&t->a, copy, a);
        t1_xmm_define(t, op->dst, copy);
        return true;
    }
    if (a == T1_XMM_NONE)
        return false;
    x86_movd_rx(&t->a, 8, t1_dst(t, op->dst, RAX), a);
    t1_define(t, op->dst, t1_dst(t, op->dst, RAX));
    return true;
}

/* ---- flags ---- */

/* SSE's sticky flags by the low six bits of MXCSR (IE DE ZE OE UE PE), as fflags. */
const uint8_t t1_flags_of[64] = {
#define ROW(of)                                                                                    \
    (of), (of) | FP_NV, (of), (of) | FP_NV, (of) | FP_DZ, (of) | FP_DZ | FP_NV, (of) | FP_DZ,      \
        (of) | FP_DZ | FP_NV
    ROW(0),     ROW(FP_OF),         ROW(FP_UF),         ROW(FP_UF | FP_OF),
    ROW(FP_NX), ROW(FP_NX | FP_OF), ROW(FP_NX | FP_UF), ROW(FP_NX | FP_UF | FP_OF),
#undef ROW
};

/* rcx = the flags in MXCSR, as fflags. rdx is lost. */
static void host_flags(struct t1 *t)
{
    x86_stmxcsr(&t->a, t1_field(HART_DISP(run.mxcsr)));
    x86_load(&t->a, 4, false, RCX, t1_field(HART_DISP(run.mxcsr)));
    x86_alu_ri(&t->a, ALU_AND, 4, RCX, 63);
    t1_flags_table(t, RDX);
    x86_load(&t->a, 1, false, RCX, x86_indexed(RDX, RCX, 1, 0));
}

static void emit_get_flags(struct t1 *t, const struct t0_op *op)
{
    host_flags(t);
    x86_load(&t->a, 1, false, RAX, t1_field(HART_DISP(s.fflags)));
    x86_alu_rr(&t->a, ALU_OR, 4, RAX, RCX);
    t1_define(t, op->dst, RAX);
}

/* MXCSR is cleared only if it has flags that are to be clear: writing it is slow, and code that
 * saves and restores fflags around a comparison mostly finds the same. */
static void emit_set_flags(struct t1 *t, const struct t0_op *op)
{
    struct t1_cold *cold;

    t1_use_in(t, op->a, RAX);
    x86_alu_ri(&t->a, ALU_AND, 4, RAX, 31);
    x86_store(&t->a, 1, t1_field(HART_DISP(s.fflags)), RAX);
    host_flags(t);
    x86_not(&t->a, 4, RAX);
    x86_test_rr(&t->a, 4, RAX, RCX);
    cold = t1_cold(t, COLD_MXCSR, x86_jcc(&t->a, CC_NE));
    t1_return_here(t, cold);
}

static bool emit_bits(struct t1 *t, const struct t0_op *op)
{
    switch (op->opcode) {
    case T0_UNBOX:
        emit_unbox(t, op);
        return true;
    case T0_BOX:
        emit_box(t, op);
        return true;
    case T0_MOV:
        return emit_move(t, op);
    case T0_GETFFLAGS:
        emit_get_flags(t, op);
        return true;
    case T0_SETFFLAGS:
        emit_set_flags(t, op);
        return true;
    default:
        return false;
    }
}

static bool emit_convert(struct t1 *t, const struct t0_op *op)
{
    switch (op->opcode) {
    case T0_F32_TO_I32:
    case T0_F64_TO_I32:
        return emit_to_int(t, op, op->opcode == T0_F64_TO_I32 ? 8 : 4, 4);
    case T0_F32_TO_I64:
    case T0_F64_TO_I64:
        return emit_to_int(t, op, op->opcode == T0_F64_TO_I64 ? 8 : 4, 8);
    case T0_F32_FROM_I32:
    case T0_F64_FROM_I32:
        return emit_from_int(t, op, op->opcode == T0_F64_FROM_I32 ? 8 : 4, 4, false);
    case T0_F32_FROM_U32:
    case T0_F64_FROM_U32:
        return emit_from_int(t, op, op->opcode == T0_F64_FROM_U32 ? 8 : 4, 4, true);
    case T0_F32_FROM_I64:
    case T0_F64_FROM_I64:
        return emit_from_int(t, op, op->opcode == T0_F64_FROM_I64 ? 8 : 4, 8, false);
    case T0_F32_FROM_U64:
    case T0_F64_FROM_U64:
        return emit_from_int(t, op, op->opcode == T0_F64_FROM_U64 ? 8 : 4, 8, true);
    case T0_F32_TO_U32:
    case T0_F64_TO_U32:
        return emit_to_unsigned(t, op, op->opcode == T0_F64_TO_U32 ? 8 : 4, 4);
    case T0_F32_TO_U64:
    case T0_F64_TO_U64:
        return emit_to_unsigned(t, op, op->opcode == T0_F64_TO_U64 ? 8 : 4, 8);
    case T0_F32_TO_F64:
        return emit_resize(t, op, 8);
    case T0_F64_TO_F32:
        return emit_resize(t, op, 4);
    default:
        return emit_bits(t, op);
    }
}

static bool emit_compute(struct t1 *t, const struct t0_op *op, unsigned base, unsigned size)
{
    switch (base) {
    case T0_F32_ADD:
        return emit_arithmetic(t, op, SSE_ADD, size);
    case T0_F32_SUB:
        return emit_arithmetic(t, op, SSE_SUB, size);
    case T0_F32_MUL:
        return emit_arithmetic(t, op, SSE_MUL, size);
    case T0_F32_DIV:
        return emit_arithmetic(t, op, SSE_DIV, size);
    case T0_F32_MADD:
        return emit_fma(t, op, size, false, false);
    case T0_F32_MSUB:
        return emit_fma(t, op, size, false, true);
    case T0_F32_NMSUB:
        return emit_fma(t, op, size, true, false);
    case T0_F32_NMADD:
        return emit_fma(t, op, size, true, true);
    case T0_F32_MIN:
        emit_minmax(t, op, size, false);
        return true;
    case T0_F32_MAX:
        emit_minmax(t, op, size, true);
        return true;
    case T0_F32_EQ:
        emit_compare(t, op, size, true, CC_E);
        return true;
    case T0_F32_LT:
        emit_compare(t, op, size, false, CC_A);
        return true;
    case T0_F32_LE:
        emit_compare(t, op, size, false, CC_AE);
        return true;
    case T0_F32_SGNJ:
    case T0_F32_SGNJN:
    case T0_F32_SGNJX:
        emit_sign(t, op, size, (base - T0_F32_SGNJ) / 2);
        return true;
    default:
        return false;
    }
}

bool t1_emit_float(struct t1 *t, const struct t0_op *op)
{
    unsigned pair = (op->opcode - T0_F32_ADD) & 1;

    if (op->opcode == T0_F32_SQRT || op->opcode == T0_F64_SQRT)
        return emit_arithmetic(t, op, SSE_SQRT, op->opcode == T0_F64_SQRT ? 8 : 4);
    if (op->opcode >= T0_F32_ADD && op->opcode <= T0_F64_SGNJX)
        return emit_compute(t, op, op->opcode - pair, pair ? 8 : 4);
    return emit_convert(t, op);
}
_Static_assert(T0_F64_ADD == T0_F32_ADD + 1 && T0_F32_SGNJN == T0_F32_SGNJ + 2,
               "float ops stand in pairs, single then double");
