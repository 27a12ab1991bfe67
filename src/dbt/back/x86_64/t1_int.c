/* dbt/back/x86_64/t1_int.c - templates of integer ops. */
#include "dbt/back/x86_64/t1.h"

/* The four forms of a BIN op stand in a row: RR, RI, WRR, WRI (t0.h). */
struct form {
    bool immediate, word;
    unsigned size;
};

static struct form form_of(const struct t0_op *op, unsigned base)
{
    unsigned form = (unsigned)op->opcode - base;

    return (struct form){ form & 1, form >= 2, form >= 2 ? 4 : 8 };
}

/* A 32-bit result becomes the 64-bit value RISC-V wants: sign-extended. */
static void finish(struct t1 *t, const struct t0_op *op, struct form f, enum x86_reg result)
{
    enum x86_reg dst = t1_dst(t, op->dst, RAX);

    if (f.word)
        x86_extend(&t->a, 4, true, dst, result);
    else if (dst != result)
        x86_mov_rr(&t->a, 8, dst, result);
    t1_define(t, op->dst, dst);
}

static bool fits32(int64_t value)
{
    return value == (int32_t)value;
}

/* b into rcx when it is an immediate too wide for the instruction. */
static enum x86_reg second(struct t1 *t, const struct t0_op *op, struct form f)
{
    if (!f.immediate)
        return t1_use(t, op->b, RCX);
    x86_mov_ri(&t->a, RCX, (uint64_t)op->imm, true);
    return RCX;
}

/* Is it where an instruction can take it from memory? */
static bool in_memory(const struct t1 *t, uint16_t slot)
{
    return t1_pin(t, slot) == X86_NONE && slot != T0_SLOT_ZERO;
}

void t1_alu(struct t1 *t, enum x86_alu alu, unsigned size, enum x86_reg reg, uint16_t slot)
{
    if (in_memory(t, slot))
        x86_alu_rm(&t->a, alu, size, reg, t1_slot(slot));
    else
        x86_alu_rr(&t->a, alu, size, reg, t1_use(t, slot, RCX));
}

/* dst = a op b, with dst written only when both are read. */
static void emit_alu(struct t1 *t, const struct t0_op *op, unsigned base, enum x86_alu alu,
                     bool commutes)
{
    struct form f = form_of(op, base);
    enum x86_reg dst = t1_dst(t, op->dst, RAX);

    if (f.immediate && fits32(op->imm)) {
        if (alu == ALU_ADD && !f.word) {
            x86_sum(&t->a, dst, t1_use(t, op->a, RAX), (int32_t)op->imm);
            t1_define(t, op->dst, dst);
            return;
        }
        t1_use_in(t, op->a, dst);
        x86_alu_ri(&t->a, alu, f.size, dst, (int32_t)op->imm);
    } else if (f.immediate) {
        t1_use_in(t, op->a, dst);
        x86_alu_rr(&t->a, alu, f.size, dst, second(t, op, f));
    } else if (dst != t1_pin(t, op->b) || t1_pin(t, op->a) == dst) {
        t1_use_in(t, op->a, dst);
        t1_alu(t, alu, f.size, dst, op->b);
    } else if (commutes) { /* dst is b: writing a there first would lose it */
        t1_alu(t, alu, f.size, dst, op->a);
    } else {
        t1_use_in(t, op->a, RAX);
        x86_alu_rr(&t->a, alu, f.size, RAX, dst);
        dst = RAX;
    }
    finish(t, op, f, dst);
}

/* a op ~b: ANDN, ORN; XNOR is ~(a ^ b). */
static void emit_inverted(struct t1 *t, const struct t0_op *op, unsigned base, enum x86_alu alu)
{
    struct form f = form_of(op, base);

    x86_mov_rr(&t->a, 8, RCX, second(t, op, f));
    x86_not(&t->a, 8, RCX);
    x86_alu_rr(&t->a, alu, 8, RCX, t1_use(t, op->a, RAX));
    finish(t, op, f, RCX);
}

static void emit_shift(struct t1 *t, const struct t0_op *op, unsigned base, enum x86_shift shift)
{
    struct form f = form_of(op, base);
    enum x86_reg dst = t1_dst(t, op->dst, RAX);

    if (f.immediate) {
        t1_use_in(t, op->a, dst);
        x86_shift_ri(&t->a, shift, f.size, dst, (uint8_t)(op->imm & (f.word ? 31 : 63)));
        finish(t, op, f, dst);
        return;
    }
    if (shift == SHIFT_ROL || shift == SHIFT_ROR) {
        t1_use_in(t, op->b, RCX);
        t1_use_in(t, op->a, RAX);
        x86_shift_rcl(&t->a, shift, f.size, RAX);
        finish(t, op, f, RAX);
        return;
    }
    x86_shiftx(&t->a, shift, f.size, dst, t1_use(t, op->a, RAX), t1_use(t, op->b, RCX));
    finish(t, op, f, dst);
}

static void mul_slot(struct t1 *t, unsigned size, enum x86_reg reg, uint16_t slot)
{
    if (in_memory(t, slot))
        x86_imul_rm(&t->a, size, reg, t1_slot(slot));
    else
        x86_imul_rr(&t->a, size, reg, t1_use(t, slot, RCX));
}

static void emit_mul(struct t1 *t, const struct t0_op *op)
{
    struct form f = form_of(op, T0_MUL_RR);
    enum x86_reg dst = t1_dst(t, op->dst, RAX);

    if (f.immediate && fits32(op->imm)) {
        x86_imul_rri(&t->a, f.size, dst, t1_use(t, op->a, RAX), (int32_t)op->imm);
    } else if (f.immediate) {
        t1_use_in(t, op->a, dst);
        x86_imul_rr(&t->a, f.size, dst, second(t, op, f));
    } else if (dst == t1_pin(t, op->b)) {
        mul_slot(t, f.size, dst, op->a);
    } else {
        t1_use_in(t, op->a, dst);
        mul_slot(t, f.size, dst, op->b);
    }
    finish(t, op, f, dst);
}

static void emit_mulh(struct t1 *t, const struct t0_op *op, unsigned base, bool is_signed)
{
    struct form f = form_of(op, base);
    enum x86_reg b = second(t, op, f);

    t1_use_in(t, op->a, RAX);
    if (is_signed)
        x86_imul1(&t->a, 8, b);
    else
        x86_mul(&t->a, 8, b);
    finish(t, op, f, RDX);
}

/* Division is total in RISC-V: by zero the quotient is all ones and the remainder the dividend;
 * by -1 the quotient is the negated dividend and the remainder 0, which also covers overflow. */
static void emit_divide(struct t1 *t, const struct t0_op *op, unsigned base, bool is_signed,
                        bool remainder)
{
    struct form f = form_of(op, base);
    uint8_t *zero, *minus = NULL, *done, *done2 = NULL;

    x86_mov_rr(&t->a, 8, RCX, second(t, op, f));
    t1_use_in(t, op->a, RAX);
    x86_test_rr(&t->a, f.size, RCX, RCX);
    zero = x86_jcc(&t->a, CC_E);
    if (is_signed) {
        x86_alu_ri(&t->a, ALU_CMP, f.size, RCX, -1);
        minus = x86_jcc(&t->a, CC_E);
        x86_cqo(&t->a, f.size);
        x86_idiv(&t->a, f.size, RCX);
    } else {
        x86_alu_rr(&t->a, ALU_XOR, 4, RDX, RDX);
        x86_div(&t->a, f.size, RCX);
    }
    if (remainder)
        x86_mov_rr(&t->a, 8, RAX, RDX);
    done = x86_jmp(&t->a);
    if (is_signed) {
        x86_patch(minus, t->a.at);
        if (remainder)
            x86_alu_rr(&t->a, ALU_XOR, 4, RAX, RAX);
        else
            x86_neg(&t->a, f.size, RAX);
        done2 = x86_jmp(&t->a);
    }
    x86_patch(zero, t->a.at);
    if (!remainder)
        x86_mov_ri(&t->a, RAX, UINT64_MAX, true);
    x86_patch(done, t->a.at);
    if (done2 != NULL)
        x86_patch(done2, t->a.at);
    finish(t, op, f, RAX);
}

static void compare(struct t1 *t, const struct t0_op *op, struct form f)
{
    enum x86_reg a = t1_use(t, op->a, RAX);

    if (f.immediate && op->imm == 0)
        x86_test_rr(&t->a, f.size, a, a);
    else if (f.immediate && fits32(op->imm))
        x86_alu_ri(&t->a, ALU_CMP, f.size, a, (int32_t)op->imm);
    else if (f.immediate)
        x86_alu_rr(&t->a, ALU_CMP, f.size, a, second(t, op, f));
    else
        t1_alu(t, ALU_CMP, f.size, a, op->b);
}

/* Clearing the whole register first makes the flag's way into it shorter than extending it after.
 */
static void emit_set(struct t1 *t, const struct t0_op *op, unsigned base, enum x86_cc cc)
{
    struct form f = form_of(op, base);
    enum x86_reg dst = t1_dst(t, op->dst, RAX);
    bool clear = dst != RAX && dst != t1_pin(t, op->a) && (f.immediate || dst != t1_pin(t, op->b));

    if (clear)
        x86_mov_ri(&t->a, dst, 0, true);
    compare(t, op, f);
    x86_setcc(&t->a, cc, dst);
    if (!clear)
        x86_extend(&t->a, 1, false, dst, dst);
    t1_define(t, op->dst, dst);
}

/* cc: when b is to be taken instead of a. */
static void emit_minmax(struct t1 *t, const struct t0_op *op, unsigned base, enum x86_cc cc)
{
    struct form f = form_of(op, base);
    enum x86_reg b = second(t, op, f);

    t1_use_in(t, op->a, RAX);
    x86_alu_rr(&t->a, ALU_CMP, f.size, RAX, b);
    x86_cmov(&t->a, cc, f.size, RAX, b);
    finish(t, op, f, RAX);
}

static bool emit_unary(struct t1 *t, const struct t0_op *op)
{
    enum x86_reg a, dst = t1_dst(t, op->dst, RAX);
    bool word = (op->opcode - T0_CLZ_R) & 1;
    struct form f = { false, word, word ? 4 : 8 };

    if (op->opcode == T0_ORCB_R || op->opcode == T0_ORCB_WR || op->opcode == T0_BSWAP_WR)
        return false;
    a = t1_use(t, op->a, RCX);
    switch (op->opcode) {
    case T0_CLZ_R:
    case T0_CLZ_WR:
        x86_lzcnt(&t->a, f.size, dst, a);
        break;
    case T0_CTZ_R:
    case T0_CTZ_WR:
        x86_tzcnt(&t->a, f.size, dst, a);
        break;
    case T0_POPCNT_R:
    case T0_POPCNT_WR:
        x86_popcnt(&t->a, f.size, dst, a);
        break;
    case T0_BSWAP_R:
        x86_mov_rr(&t->a, 8, dst, a);
        x86_bswap(&t->a, 8, dst);
        break;
    case T0_SEXT8_R:
    case T0_SEXT8_WR:
        x86_extend(&t->a, 1, true, dst, a);
        break;
    case T0_SEXT16_R:
    case T0_SEXT16_WR:
        x86_extend(&t->a, 2, true, dst, a);
        break;
    case T0_ZEXT8_R:
    case T0_ZEXT8_WR:
        x86_extend(&t->a, 1, false, dst, a);
        break;
    case T0_ZEXT16_R:
    case T0_ZEXT16_WR:
        x86_extend(&t->a, 2, false, dst, a);
        break;
    case T0_ZEXT32_R:
        x86_extend(&t->a, 4, false, dst, a);
        break;
    default: /* SEXT32, and ZEXT32 of a 32-bit value, whose result is sign-extended */
        x86_extend(&t->a, 4, true, dst, a);
        break;
    }
    t1_define(t, op->dst, dst); /* counts are small: of 32 bits too, they need no extension */
    return true;
}

static void emit_select(struct t1 *t, const struct t0_op *op)
{
    enum x86_reg a;

    t1_use_in(t, (uint16_t)op->imm, RAX);
    t1_use_in(t, op->b, RDX);
    a = t1_use(t, op->a, RCX);
    x86_test_rr(&t->a, 8, a, a);
    x86_cmov(&t->a, CC_NE, 8, RAX, RDX);
    t1_define(t, op->dst, RAX);
}

static void emit_constant(struct t1 *t, const struct t0_op *op)
{
    enum x86_reg pin = t1_pin(t, op->dst);

    if (pin == X86_NONE && fits32(op->imm)) {
        t1_xmm_forget(t, op->dst);
        x86_store_imm(&t->a, 8, t1_slot(op->dst), (int32_t)op->imm);
        return;
    }
    pin = t1_dst(t, op->dst, RAX);
    x86_mov_ri(&t->a, pin, (uint64_t)op->imm, true);
    t1_define(t, op->dst, pin);
}

static void emit_pc(struct t1 *t, const struct t0_op *op)
{
    enum x86_reg dst = t1_dst(t, op->dst, RAX);
    int64_t offset = (int64_t)t->block_offset + op->imm;

    x86_load(&t->a, 8, false, dst, t1_field(HART_DISP(run.page)));
    if (fits32(offset)) {
        x86_alu_ri(&t->a, ALU_ADD, 8, dst, (int32_t)offset);
    } else {
        x86_mov_ri(&t->a, RCX, (uint64_t)offset, true);
        x86_alu_rr(&t->a, ALU_ADD, 8, dst, RCX);
    }
    t1_define(t, op->dst, dst);
}

static bool emit_other(struct t1 *t, const struct t0_op *op)
{
    switch (op->opcode) {
    case T0_MOV:
        t1_define(t, op->dst, t1_use(t, op->a, RAX));
        return true;
    case T0_MOVI:
        emit_constant(t, op);
        return true;
    case T0_PC:
        emit_pc(t, op);
        return true;
    case T0_SELECT:
        emit_select(t, op);
        return true;
    case T0_FENCE:
        if (op->a)
            x86_mfence(&t->a);
        return true;
    default:
        return false;
    }
}

static bool emit_compare(struct t1 *t, const struct t0_op *op, unsigned base)
{
    switch (base) {
    case T0_SETEQ_RR:
        emit_set(t, op, base, CC_E);
        return true;
    case T0_SETNE_RR:
        emit_set(t, op, base, CC_NE);
        return true;
    case T0_SETLT_RR:
        emit_set(t, op, base, CC_L);
        return true;
    case T0_SETLTU_RR:
        emit_set(t, op, base, CC_B);
        return true;
    case T0_MINS_RR:
        emit_minmax(t, op, base, CC_G);
        return true;
    case T0_MINU_RR:
        emit_minmax(t, op, base, CC_A);
        return true;
    case T0_MAXS_RR:
        emit_minmax(t, op, base, CC_L);
        return true;
    case T0_MAXU_RR:
        emit_minmax(t, op, base, CC_B);
        return true;
    default:
        return false;
    }
}

static bool emit_multiply(struct t1 *t, const struct t0_op *op, unsigned base)
{
    switch (base) {
    case T0_MUL_RR:
        emit_mul(t, op);
        return true;
    case T0_MULHSS_RR:
        emit_mulh(t, op, base, true);
        return true;
    case T0_MULHUU_RR:
        emit_mulh(t, op, base, false);
        return true;
    case T0_DIVS_RR:
        emit_divide(t, op, base, true, false);
        return true;
    case T0_DIVU_RR:
        emit_divide(t, op, base, false, false);
        return true;
    case T0_REMS_RR:
        emit_divide(t, op, base, true, true);
        return true;
    case T0_REMU_RR:
        emit_divide(t, op, base, false, true);
        return true;
    default:
        return emit_compare(t, op, base);
    }
}

static bool emit_binary(struct t1 *t, const struct t0_op *op)
{
    unsigned base = op->opcode - (op->opcode - T0_ADD_RR) % 4;

    switch (base) {
    case T0_ADD_RR:
        emit_alu(t, op, base, ALU_ADD, true);
        return true;
    case T0_SUB_RR:
        emit_alu(t, op, base, ALU_SUB, false);
        return true;
    case T0_AND_RR:
        emit_alu(t, op, base, ALU_AND, true);
        return true;
    case T0_OR_RR:
        emit_alu(t, op, base, ALU_OR, true);
        return true;
    case T0_XOR_RR:
        emit_alu(t, op, base, ALU_XOR, true);
        return true;
    case T0_ANDN_RR:
        emit_inverted(t, op, base, ALU_AND);
        return true;
    case T0_ORN_RR:
        emit_inverted(t, op, base, ALU_OR);
        return true;
    case T0_XNOR_RR:
        emit_inverted(t, op, base, ALU_XOR);
        return true;
    case T0_SHL_RR:
        emit_shift(t, op, base, SHIFT_SHL);
        return true;
    case T0_SHR_RR:
        emit_shift(t, op, base, SHIFT_SHR);
        return true;
    case T0_SAR_RR:
        emit_shift(t, op, base, SHIFT_SAR);
        return true;
    case T0_ROTL_RR:
        emit_shift(t, op, base, SHIFT_ROL);
        return true;
    case T0_ROTR_RR:
        emit_shift(t, op, base, SHIFT_ROR);
        return true;
    default:
        return emit_multiply(t, op, base);
    }
}
_Static_assert(T0_SUB_RR == T0_ADD_RR + 4, "BIN ops hold four opcodes each");

bool t1_emit_int(struct t1 *t, const struct t0_op *op)
{
    if (op->opcode < T0_CLZ_R) /* BIN ops are the first */
        return emit_binary(t, op);
    if (op->opcode >= T0_CLZ_R && op->opcode < T0_BREQ_RR)
        return emit_unary(t, op);
    return emit_other(t, op);
}
