/*
 * dbt/front/riscv/branch.c - jumps and conditional branches.
 *
 * A block ends at a conditional branch: a side exit to where it goes, then a jump to where it
 * does not. end_of_branch() is the one place that decides this, so that superblocks can go on.
 *
 * Without the C extension a target with bit 1 set raises an exception at the jump itself, not at
 * the target, and only if the branch is taken ("RV32I", "Control Transfer Instructions").
 */
#include "dbt/front/riscv/translate.h"
#include "isa/riscv/bits.h"

static bool misaligned(const struct translation *t, int64_t target)
{
    return (target & 2) && !isa_has(t->source->isa, ISA_EXT_C);
}

static void trap_misaligned(struct translation *t, int64_t target)
{
    front_trap(t, CAUSE_FETCH_MISALIGNED, front_pc(t, target));
}

static void end_of_branch(struct translation *t)
{
    front_jump(t, t->next, IR_HINT_NONE);
}

static enum ir_opcode inverse(enum ir_opcode branch)
{
    _Static_assert(IR_BREQ % 2 == IR_BRLT % 2 && IR_BRNE == IR_BREQ + 1 && IR_BRGE == IR_BRLT + 1 &&
                       IR_BRGEU == IR_BRLTU + 1 && IR_BRLTU == IR_BRLT + 2 &&
                       IR_BRLT == IR_BREQ + 2,
                   "conditions come in pairs with their opposites");

    return (enum ir_opcode)(((branch - IR_BREQ) ^ 1) + IR_BREQ);
}

void front_branch(struct translation *t)
{
    int64_t target = t->at + t->in.imm;
    ir_ref a = front_get_x(t, t->in.rs1), b = front_get_x(t, t->in.rs2);

    if (misaligned(t, target)) {
        ir_emit(t->ir, inverse(row_op(t)), IR_I64, a, b, NO, t->next);
        trap_misaligned(t, target);
        return;
    }
    ir_emit(t->ir, row_op(t), IR_I64, a, b, NO, target);
    end_of_branch(t);
}

/* x1 and x5 hold return addresses by convention ("Unconditional Jumps", the table of hints). */
static bool is_link(unsigned reg)
{
    return reg == 1 || reg == 5;
}

void front_jal(struct translation *t)
{
    int64_t target = t->at + t->in.imm;

    if (misaligned(t, target)) {
        trap_misaligned(t, target);
        return;
    }
    if (t->in.rd != 0)
        front_set_x(t, t->in.rd, front_pc(t, t->next));
    front_jump(t, target, is_link(t->in.rd) ? IR_HINT_CALL : IR_HINT_NONE);
}

static enum ir_hint jalr_hint(unsigned rd, unsigned rs1)
{
    if (!is_link(rd))
        return is_link(rs1) ? IR_HINT_RETURN : IR_HINT_NONE;
    if (!is_link(rs1) || rd == rs1)
        return IR_HINT_CALL;
    return IR_HINT_CALL_RETURN;
}

void front_jalr(struct translation *t)
{
    enum ir_hint hint = jalr_hint(t->in.rd, t->in.rs1);
    bool call = hint == IR_HINT_CALL || hint == IR_HINT_CALL_RETURN;
    ir_ref target = front_get_x(t, t->in.rs1);

    if (t->in.imm != 0)
        target = ir_bin(t->ir, IR_ADD, IR_I64, target, front_const(t, t->in.imm));
    target = ir_bin(t->ir, IR_AND, IR_I64, target, front_const(t, ~INT64_C(1)));
    if (!isa_has(t->source->isa, ISA_EXT_C))
        (void)ir_call(t->ir, IR_HELPER_check_target, target, NO, NO);
    if (t->in.rd != 0)
        front_set_x(t, t->in.rd, front_pc(t, t->next));
    ir_emit(t->ir, IR_JUMPREG, IR_I64, target, NO, (ir_ref)hint, call ? t->next : 0);
    t->ended = true;
}
