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
        t->cold[i].back = t->a.at;
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

/* The result in xmm0, unless it is a NaN. An F32's slot has zeroes above. */
static void finish(struct t1 *t, const struct t0_op *op, unsigned size, unsigned colds)
{
    x86_ucomis(&t->a, size, XMM0, XMM0);
    (void)step_if(t, CC_P);
    x86_movs_store(&t->a, size, t1_slot(op->dst), XMM0);
    if (size == 4)
        x86_store_imm(&t->a, 4, x86_at(RBP, t1_slot(op->dst).disp + 4), 0);
    all_return_here(t, colds);
}

static bool emit_arithmetic(struct t1 *t, const struct t0_op *op, enum x86_sse sse, unsigned size)
{
    unsigned colds = t->colds;

    if (!nearest(t, op->imm))
        return false;
    x86_movs_load(&t->a, size, XMM0, t1_slot(op->a));
    if (sse == SSE_SQRT) {
        x86_sse_rr(&t->a, sse, size, XMM0, XMM0);
    } else {
        x86_movs_load(&t->a, size, XMM1, t1_slot(op->b));
        x86_sse_rr(&t->a, sse, size, XMM0, XMM1);
    }
    finish(t, op, size, colds);
    return true;
}

static bool emit_fma(struct t1 *t, const struct t0_op *op, unsigned size, bool negate,
                     bool subtract)
{
    unsigned colds = t->colds;

    if (!nearest(t, op->imm))
        return false;
    x86_movs_load(&t->a, size, XMM0, t1_slot(op->a));
    x86_movs_load(&t->a, size, XMM1, t1_slot(op->b));
    x86_movs_load(&t->a, size, XMM2, t1_slot((uint16_t)(op->imm >> 8)));
    x86_fma213(&t->a, size, negate, subtract, XMM0, XMM1, XMM2);
    finish(t, op, size, colds);
    return true;
}

/* EQ is quiet, LT and LE signal on any NaN: as ucomis and comis do. Unordered is false. */
static void emit_compare(struct t1 *t, const struct t0_op *op, unsigned size, bool quiet,
                         enum x86_cc cc)
{
    x86_movs_load(&t->a, size, XMM0, t1_slot(op->a));
    x86_movs_load(&t->a, size, XMM1, t1_slot(op->b));
    if (quiet) {
        x86_ucomis(&t->a, size, XMM0, XMM1);
        x86_setcc(&t->a, CC_NP, RAX);
        x86_setcc(&t->a, CC_E, RCX);
        x86_alu_rr(&t->a, ALU_AND, 4, RAX, RCX);
    } else { /* b > a and b >= a: unordered sets CF, so both are false */
        x86_comis(&t->a, size, XMM1, XMM0);
        x86_setcc(&t->a, cc, RAX);
    }
    x86_extend(&t->a, 1, false, RAX, RAX);
    t1_define(t, op->dst, RAX);
}

static bool emit_from_int(struct t1 *t, const struct t0_op *op, unsigned size, unsigned int_size,
                          bool is_unsigned)
{
    unsigned colds = t->colds;
    enum x86_reg a;

    if (is_unsigned && int_size == 8)
        return false;
    if (!nearest(t, op->imm))
        return false;
    a = t1_use(t, op->a, RAX);
    if (is_unsigned) {
        x86_extend(&t->a, 4, false, RAX, a);
        a = RAX;
        int_size = 8;
    }
    x86_logic_rr(&t->a, LOGIC_XOR, XMM0, XMM0); /* cvtsi2sd keeps the upper part: a dependency */
    x86_cvt_from_int(&t->a, size, int_size, XMM0, a);
    x86_movs_store(&t->a, size, t1_slot(op->dst), XMM0);
    if (size == 4)
        x86_store_imm(&t->a, 4, x86_at(RBP, t1_slot(op->dst).disp + 4), 0);
    all_return_here(t, colds);
    return true;
}

/* Out of range gives SSE's "indefinite", the smallest integer: then the interpreter decides. */
static bool emit_to_int(struct t1 *t, const struct t0_op *op, unsigned size, unsigned int_size)
{
    unsigned colds = t->colds, rm = (unsigned)op->imm & 7;

    if (rm != FP_RTZ && !nearest(t, op->imm))
        return false;
    x86_movs_load(&t->a, size, XMM0, t1_slot(op->a));
    x86_cvt_to_int(&t->a, size, int_size, rm == FP_RTZ, RAX, XMM0);
    x86_mov_ri(&t->a, RCX, int_size == 8 ? UINT64_C(1) << 63 : UINT64_C(1) << 31, true);
    x86_alu_rr(&t->a, ALU_CMP, int_size, RAX, RCX);
    (void)step_if(t, CC_E);
    if (int_size == 4)
        x86_extend(&t->a, 4, true, RAX, RAX);
    t1_define(t, op->dst, RAX);
    all_return_here(t, colds);
    return true;
}

static bool emit_resize(struct t1 *t, const struct t0_op *op, unsigned to)
{
    unsigned colds = t->colds;

    if (to == 4 && !nearest(t, op->imm))
        return false;
    x86_movs_load(&t->a, 12 - to, XMM1, t1_slot(op->a));
    x86_logic_rr(&t->a, LOGIC_XOR, XMM0, XMM0);
    x86_cvt_size(&t->a, to, XMM0, XMM1);
    finish(t, op, to, colds);
    return true;
}

/* ---- bits ---- */

static void emit_unbox(struct t1 *t, const struct t0_op *op)
{
    x86_load(&t->a, 4, false, RAX, t1_slot(op->a));
    x86_mov_ri(&t->a, RCX, UINT64_C(0x7fc00000), true);
    x86_alu_mi(&t->a, ALU_CMP, 4, x86_at(RBP, t1_slot(op->a).disp + 4), -1);
    x86_cmov(&t->a, CC_NE, 8, RAX, RCX);
    t1_define(t, op->dst, RAX);
}

static void emit_box(struct t1 *t, const struct t0_op *op)
{
    x86_store(&t->a, 4, t1_slot(op->dst), t1_use(t, op->a, RAX));
    x86_store_imm(&t->a, 4, x86_at(RBP, t1_slot(op->dst).disp + 4), -1);
}

/* dst = a's magnitude with the sign that b (SGNJ), ~b (SGNJN) or a ^ b (SGNJX) has. */
static void emit_sign(struct t1 *t, const struct t0_op *op, unsigned size, unsigned form)
{
    t1_use_in(t, op->a, RAX);
    t1_use_in(t, op->b, RCX);
    if (form == 1)
        x86_not(&t->a, 8, RCX);
    else if (form == 2)
        x86_alu_rr(&t->a, ALU_XOR, 8, RCX, RAX);
    x86_mov_ri(&t->a, RDX, UINT64_C(1) << (8 * size - 1), true);
    x86_alu_rr(&t->a, ALU_AND, 8, RCX, RDX);
    x86_andn(&t->a, 8, RAX, RDX, RAX);
    x86_alu_rr(&t->a, ALU_OR, 8, RAX, RCX);
    t1_define(t, op->dst, RAX);
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
    case T0_F32_TO_F64:
        return emit_resize(t, op, 8);
    case T0_F64_TO_F32:
        return emit_resize(t, op, 4);
    case T0_UNBOX:
        emit_unbox(t, op);
        return true;
    case T0_BOX:
        emit_box(t, op);
        return true;
    default:
        return false;
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
