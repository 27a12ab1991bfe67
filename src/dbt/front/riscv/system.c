/*
 * dbt/front/riscv/system.c - environment calls, CSRs, returns from traps, fences of translation.
 *
 * All of these end the block: they may change the mode bits in a block's key, the translation of
 * the next instruction's address, or what interrupts are enabled. They also read counters, which
 * is exact only in a block's last instruction (front.h).
 */
#include "cpu/state.h"
#include "dbt/front/riscv/translate.h"
#include "isa/riscv/bits.h"

void front_ecall(struct translation *t)
{
    static const uint8_t cause[] = {
        [PRIV_U] = CAUSE_ECALL_U, [PRIV_S] = CAUSE_ECALL_S, [PRIV_M] = CAUSE_ECALL_M
    };

    if (front_priv(t) == PRIV_S && (t->source->mode & FRONT_BUILTIN_SBI)) {
        (void)ir_call(t->ir, IR_HELPER_sbi, NO, NO, NO);
        front_leave_pc(t);
        return;
    }
    front_trap(t, cause[front_priv(t)], front_const(t, 0));
}

void front_ebreak(struct translation *t)
{
    front_trap(t, CAUSE_BREAKPOINT, front_pc(t, t->at));
}

/* `reads`: csrrw with rd = x0 has no side effects of reading. `writes`: csrrs and csrrc with
 * rs1 = x0, or an immediate of 0, do not write at all, not even what was read ("Zicsr"). */
static void access_csr(struct translation *t, ir_ref operand, bool operand_is_zero)
{
    enum { WRITE = 0, OP_SHIFT = 12, READ = 1 << 14, WRITES = 1 << 15 };
    bool reads = t->row->arg != WRITE || t->in.rd != 0;
    bool writes = t->row->arg == WRITE || !operand_is_zero;
    int64_t what = t->in.csr | t->row->arg << OP_SHIFT | (reads ? READ : 0) | (writes ? WRITES : 0);
    ir_ref raw = front_const(t, t->in.raw);

    front_set_x(t, t->in.rd, ir_call(t->ir, IR_HELPER_csr, raw, operand, front_const(t, what)));
    front_leave(t);
}

void front_csr(struct translation *t)
{
    access_csr(t, front_get_x(t, t->in.rs1), t->in.rs1 == 0);
}

void front_csr_imm(struct translation *t)
{
    access_csr(t, front_const(t, t->in.imm), t->in.imm == 0);
}

void front_xret(struct translation *t)
{
    if (front_priv(t) < t->row->arg) {
        front_illegal(t);
        return;
    }
    (void)ir_call(t->ir, (enum ir_helper)t->row->op, front_const(t, t->in.raw), NO, NO);
    front_leave_pc(t);
}

void front_sfence_vma(struct translation *t)
{
    ir_ref raw = front_const(t, t->in.raw);
    ir_ref gva = front_get_x(t, t->in.rs1), asid = front_get_x(t, t->in.rs2);

    (void)ir_call(t->ir, IR_HELPER_sfence_vma, raw, gva, asid);
    front_leave(t);
}

/* sfence.w.inval and sfence.inval.ir: sinval.vma acts at once, so nothing is left to order.
 * They are not subject to TVM ("Svinval"). */
void front_sfence_order(struct translation *t)
{
    if (front_priv(t) == PRIV_U)
        front_illegal(t);
    else
        front_leave(t);
}

void front_fence_i(struct translation *t)
{
    (void)ir_call(t->ir, IR_HELPER_fence_i, NO, NO, NO);
    front_leave(t);
}

/* wfi and wrs. */
void front_wait(struct translation *t)
{
    (void)ir_call(t->ir, (enum ir_helper)t->row->op, front_const(t, t->in.raw), NO, NO);
    front_leave(t);
}
