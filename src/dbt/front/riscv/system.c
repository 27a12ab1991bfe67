/*
 * dbt/front/riscv/system.c - environment calls, CSRs, returns from traps, fences of translation.
 *
 * Most of these end the block: they may change the mode bits in a block's key, the translation of
 * the next instruction's address, or what interrupts are enabled. They also read counters, which
 * is exact only in a block's last instruction (front.h).
 */
#include "cpu/hart.h"
#include "dbt/front/riscv/translate.h"
#include "isa/riscv/bits.h"
#include "isa/riscv/csr.h"

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

/* CSRs that no other instruction of a block depends on: a block goes on behind an access. */
static bool is_passive(unsigned csr, bool writes)
{
    switch (csr) {
    case CSR_STVEC:
    case CSR_SSCRATCH:
    case CSR_SEPC:
    case CSR_SCAUSE:
    case CSR_STVAL:
    case CSR_MTVEC:
    case CSR_MSCRATCH:
    case CSR_MEPC:
    case CSR_MCAUSE:
    case CSR_MTVAL:
        return true;
    case CSR_FRM: /* what reads but does not write these */
    case CSR_FCSR:
    case CSR_SSTATUS:
    case CSR_SIE:
    case CSR_SIP:
    case CSR_SATP:
    case CSR_MSTATUS:
    case CSR_MIE:
    case CSR_MIP:
    case CSR_MHARTID:
    case CSR_TIME:
        return !writes;
    default:
        return false;
    }
}

/* csrrci of sstatus.SIE or mstatus.MIE, as kernels do all the time: no interrupt is to be taken
 * that was not before. (Enabling must look at once: privileged manual, 3.1.9.) */
static bool only_disables_interrupts(const struct translation *t)
{
    if (t->in.id != INSN_CSRRCI)
        return false;
    return (t->in.csr == CSR_SSTATUS && t->in.imm == MSTATUS_SIE) ||
           (t->in.csr == CSR_MSTATUS && t->in.imm == MSTATUS_MIE);
}

/* ---- CSRs that are words of the state ---- */

/* What of the word may be written; nothing needs to hear of it. Others are read only here. */
enum keeps { KEEPS_ALL, KEEPS_PC, KEEPS_NOTHING };
struct plain_csr {
    uint16_t csr;
    uint8_t state, keeps;
};

static const struct plain_csr *find_plain(unsigned csr)
{
    static const struct plain_csr plain[] = {
        { CSR_STVEC, IR_STATE_STVEC, KEEPS_NOTHING },
        { CSR_SSCRATCH, IR_STATE_SSCRATCH, KEEPS_ALL },
        { CSR_SEPC, IR_STATE_SEPC, KEEPS_PC },
        { CSR_SCAUSE, IR_STATE_SCAUSE, KEEPS_ALL },
        { CSR_STVAL, IR_STATE_STVAL, KEEPS_ALL },
        { CSR_MIE, IR_STATE_MIE, KEEPS_NOTHING },
        { CSR_MTVEC, IR_STATE_MTVEC, KEEPS_NOTHING },
        { CSR_MSCRATCH, IR_STATE_MSCRATCH, KEEPS_ALL },
        { CSR_MEPC, IR_STATE_MEPC, KEEPS_PC },
        { CSR_MCAUSE, IR_STATE_MCAUSE, KEEPS_ALL },
        { CSR_MTVAL, IR_STATE_MTVAL, KEEPS_ALL },
    };

    for (unsigned i = 0; i < ARRAY_LEN(plain); i++)
        if (plain[i].csr == csr)
            return &plain[i];
    return NULL;
}

static ir_ref get_state(struct translation *t, enum ir_state state)
{
    return ir_emit(t->ir, IR_GETS, IR_I64, NO, NO, NO, state);
}

static void set_state(struct translation *t, enum ir_state state, ir_ref value)
{
    ir_emit(t->ir, IR_SETS, IR_I64, value, NO, NO, state);
}

static ir_ref both(struct translation *t, ir_ref a, uint64_t mask)
{
    return ir_bin(t->ir, IR_AND, IR_I64, a, front_const(t, (int64_t)mask));
}

/* What an access to the CSR that reads as `old` makes of it. */
static ir_ref combined(struct translation *t, ir_ref old, ir_ref operand)
{
    if (t->row->arg == CSR_OP_SET)
        return ir_bin(t->ir, IR_OR, IR_I64, old, operand);
    if (t->row->arg == CSR_OP_CLEAR)
        return ir_bin(t->ir, IR_ANDN, IR_I64, old, operand);
    return operand;
}

/* False: it is nothing for this. */
static bool access_plain(struct translation *t, ir_ref operand, bool writes)
{
    const struct plain_csr *plain = find_plain(t->in.csr);
    ir_ref old, val;

    if (plain == NULL || (writes && plain->keeps == KEEPS_NOTHING))
        return false;
    old = get_state(t, plain->state);
    if (writes) {
        val = combined(t, old, operand);
        if (plain->keeps == KEEPS_PC) /* bits below IALIGN are zero: privileged manual, 3.1.14 */
            val = both(t, val, isa_has(t->source->isa, ISA_EXT_C) ? ~UINT64_C(1) : ~UINT64_C(3));
        set_state(t, plain->state, val);
    }
    front_set_x(t, t->in.rd, old);
    return true;
}

/* mstatus, or sstatus, as it reads. FS is in the block's key, so SD is known. */
static ir_ref read_status(struct translation *t)
{
    ir_ref status = get_state(t, IR_STATE_MSTATUS);

    if (t->in.csr == CSR_SSTATUS)
        status = both(t, status, SSTATUS_MASK);
    if ((t->source->mode & FRONT_FS_DIRTY) || t->made_fs_dirty)
        status = ir_bin(t->ir, IR_OR, IR_I64, status, front_const(t, (int64_t)MSTATUS_SD));
    return status;
}

static bool access_status(struct translation *t, ir_ref operand, bool reads, bool writes)
{
    ir_ref old = NO;

    if (t->in.csr != CSR_SSTATUS &&
        (t->in.csr != CSR_MSTATUS || (writes && !only_disables_interrupts(t))))
        return false;
    if (reads && t->in.rd != 0)
        old = read_status(t);
    if (writes && only_disables_interrupts(t))
        set_state(t, IR_STATE_MSTATUS,
                  both(t, get_state(t, IR_STATE_MSTATUS), ~(uint64_t)t->in.imm));
    if (old != NO)
        front_set_x(t, t->in.rd, old);
    if (writes && !only_disables_interrupts(t)) {
        ir_emit(t->ir, IR_SSTATUS, IR_I64, operand, NO, NO, t->row->arg);
        front_leave(t);
    }
    return true;
}

static bool access_sie(struct translation *t, bool writes)
{
    ir_ref mie, mideleg;

    if (t->in.csr != CSR_SIE || writes)
        return false;
    mie = get_state(t, IR_STATE_MIE);
    mideleg = get_state(t, IR_STATE_MIDELEG);
    front_set_x(t, t->in.rd, ir_bin(t->ir, IR_AND, IR_I64, mie, mideleg));
    return true;
}

/* fflags, which compilers save and restore around quiet comparisons. */
static void access_fflags(struct translation *t, ir_ref operand, bool reads, bool writes)
{
    ir_ref old = NO;

    if (reads)
        old = ir_emit(t->ir, IR_GETFFLAGS, IR_I64, NO, NO, NO, 0);
    if (writes) {
        front_make_dirty(t);
        if (t->row->arg == CSR_OP_SET)
            operand = ir_bin(t->ir, IR_OR, IR_I64, old, operand);
        else if (t->row->arg == CSR_OP_CLEAR)
            operand = ir_bin(t->ir, IR_ANDN, IR_I64, old, operand);
        ir_emit(t->ir, IR_SETFFLAGS, IR_I64, operand, NO, NO, 0);
    }
    if (reads)
        front_set_x(t, t->in.rd, old);
}

/* `reads`: csrrw with rd = x0 has no side effects of reading. `writes`: csrrs and csrrc with
 * rs1 = x0, or an immediate of 0, do not write at all, not even what was read ("Zicsr"). */
static void access_csr(struct translation *t, ir_ref operand, bool operand_is_zero)
{
    enum { OP_SHIFT = 12, READ = 1 << 14, WRITES = 1 << 15 };
    bool reads = t->row->arg != CSR_OP_WRITE || t->in.rd != 0;
    bool writes = t->row->arg == CSR_OP_WRITE || !operand_is_zero;
    int64_t what = t->in.csr | t->row->arg << OP_SHIFT | (reads ? READ : 0) | (writes ? WRITES : 0);
    ir_ref raw;

    if (t->in.csr == CSR_FFLAGS && !(t->source->mode & FRONT_FS_OFF) &&
        isa_has(t->source->isa, ISA_EXT_F)) {
        access_fflags(t, operand, reads, writes);
        return;
    }
    if (front_priv(t) >= csr_least_priv(t->in.csr) &&
        (access_plain(t, operand, writes) || access_sie(t, writes) ||
         access_status(t, operand, reads, writes)))
        return;
    raw = front_const(t, t->in.raw);
    front_set_x(t, t->in.rd, ir_call(t->ir, IR_HELPER_csr, raw, operand, front_const(t, what)));
    if (!is_passive(t->in.csr, writes) && !only_disables_interrupts(t))
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
