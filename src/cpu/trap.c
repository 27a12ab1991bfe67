/*
 * cpu/trap.c - how traps are taken and returned from (3.1.6, 3.1.7, 3.1.8, 3.1.9, 12.1).
 *
 * An exception is recorded by hart_raise() where it is found and taken by hart_take_exception()
 * once the engine has s.pc right. An interrupt is looked for when ATTN_IRQ is set; whatever can
 * make one takeable (a line, a CSR, a change of mode) sets that bit, and it is cleared before the
 * lines are read, so none is missed.
 */
#include "cpu/internal.h"

bool hart_raise(struct hart *hart, uint64_t cause, uint64_t tval)
{
    hart->exc = (struct hart_exception){ .cause = cause, .tval = tval };
    hart->exc_raised = true;
    return false;
}

static gva_t vector(uint64_t tvec, uint64_t cause)
{
    gva_t base = tvec & ~XTVEC_MODE;

    if ((cause & XCAUSE_INTERRUPT) && (tvec & XTVEC_MODE) == XTVEC_VECTORED)
        return base + 4 * (cause & ~XCAUSE_INTERRUPT);
    return base;
}

static void enter_supervisor_trap(struct riscv_state *s, uint64_t cause, uint64_t tval)
{
    s->scause = cause;
    s->sepc = s->pc;
    s->stval = tval;
    s->mstatus = field_set(s->mstatus, MSTATUS_SPIE, field_get(s->mstatus, MSTATUS_SIE));
    s->mstatus = field_set(s->mstatus, MSTATUS_SPP, s->priv != PRIV_U);
    s->mstatus &= ~MSTATUS_SIE;
    s->priv = PRIV_S;
    s->pc = vector(s->stvec, cause);
}

static void enter_machine_trap(struct riscv_state *s, uint64_t cause, uint64_t tval)
{
    s->mcause = cause;
    s->mepc = s->pc;
    s->mtval = tval;
    s->mstatus = field_set(s->mstatus, MSTATUS_MPIE, field_get(s->mstatus, MSTATUS_MIE));
    s->mstatus = field_set(s->mstatus, MSTATUS_MPP, s->priv);
    s->mstatus &= ~MSTATUS_MIE;
    s->priv = PRIV_M;
    s->pc = vector(s->mtvec, cause);
}

static void take(struct hart *hart, bool to_supervisor, uint64_t cause, uint64_t tval)
{
    if (to_supervisor)
        enter_supervisor_trap(&hart->s, cause, tval);
    else
        enter_machine_trap(&hart->s, cause, tval);
    hart_mode_changed(hart);
}

void hart_take_exception(struct hart *hart)
{
    const struct riscv_state *s = &hart->s;
    uint64_t cause = hart->exc.cause;

    hart->exc_raised = false;
    /* A trap never goes to a less privileged mode than it comes from. */
    take(hart, s->priv != PRIV_M && (s->medeleg >> cause & 1), cause, hart->exc.tval);
}

/* ---- interrupts ---- */

uint64_t hart_irqs(const struct hart *hart)
{
    uint64_t irqs = MIP_MACHINE | MIP_SSIP | MIP_STIP | MIP_SEIP;

    return isa_has(hart->isa, ISA_EXT_SSCOFPMF) ? irqs | MIP_LCOFIP : irqs;
}

/* mip, with STIP as last known. Looks at the time only when the timer has gone off. */
static uint64_t pending(struct hart *hart)
{
    uint64_t lines = atomic_load(&hart->irq_lines), mip;

    if (unlikely(lines & HART_LINE_STIMER)) {
        atomic_fetch_and(&hart->irq_lines, ~HART_LINE_STIMER);
        hart->stimer_armed = UINT64_MAX;
        sstc_rearm(hart); /* it may have come early, or for an older stimecmp */
    }
    mip = (hart->s.mip | lines) & hart_irqs(hart);
    if (sstc_active(hart))
        mip = hart->stimer ? mip | MIP_STIP : mip & ~MIP_STIP;
    return mip;
}

uint64_t hart_mip(struct hart *hart)
{
    sstc_update(hart);
    return pending(hart);
}

bool hart_irq_wakes(struct hart *hart)
{
    return (pending(hart) & hart->s.mie) != 0;
}

/* Those that may be taken now, and to_supervisor tells where; one destination's at a time, as
 * M's come before S's. */
static uint64_t takeable(struct hart *hart, bool *to_supervisor)
{
    const struct riscv_state *s = &hart->s;
    uint64_t irqs = pending(hart) & s->mie, machine = irqs & ~s->mideleg;

    *to_supervisor = false;
    if (irqs == 0)
        return 0;
    if (machine != 0 && (s->priv != PRIV_M || (s->mstatus & MSTATUS_MIE)))
        return machine;
    *to_supervisor = true;
    if (s->priv == PRIV_U || (s->priv == PRIV_S && (s->mstatus & MSTATUS_SIE)))
        return irqs & s->mideleg;
    return 0;
}

void hart_check_irq(struct hart *hart)
{
    bool to_supervisor;

    if (takeable(hart, &to_supervisor) != 0)
        atomic_fetch_or(&hart->attention, (uint32_t)HART_ATTN_IRQ);
}

bool hart_take_interrupt(struct hart *hart)
{
    /* 3.1.9, the same order for both destinations. */
    static const uint8_t order[] = {
        IRQ_MEI, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI, IRQ_LCOFI
    };
    bool to_supervisor;
    uint64_t irqs;

    atomic_fetch_and(&hart->attention, ~(uint32_t)HART_ATTN_IRQ);
    irqs = takeable(hart, &to_supervisor);
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        if (irqs >> order[i] & 1) {
            take(hart, to_supervisor, XCAUSE_INTERRUPT | order[i], 0);
            return true;
        }
    }
    return false;
}

bool hart_wfi(struct hart *hart)
{
    const struct riscv_state *s = &hart->s;

    if (s->priv == PRIV_U || (s->priv == PRIV_S && (s->mstatus & MSTATUS_TW)))
        return false;
    if (!hart_irq_wakes(hart))
        atomic_fetch_or(&hart->attention, (uint32_t)HART_ATTN_WFI);
    return true;
}

/* ---- modes ---- */

static enum tlb_bank bank_of(uint64_t priv, uint64_t mstatus)
{
    if (priv == PRIV_M)
        return TLB_BANK_M;
    if (priv == PRIV_U)
        return TLB_BANK_U;
    return mstatus & MSTATUS_SUM ? TLB_BANK_S_SUM : TLB_BANK_S;
}

void hart_mode_changed(struct hart *hart)
{
    const struct riscv_state *s = &hart->s;
    bool mxr = (s->mstatus & MSTATUS_MXR) != 0;
    uint64_t data_priv = s->priv;
    enum tlb_bank bank;

    if (s->priv == PRIV_M && (s->mstatus & MSTATUS_MPRV))
        data_priv = field_get(s->mstatus, MSTATUS_MPP);
    hart->fetch_bank = (uint8_t)bank_of(s->priv, 0); /* SUM is about data */
    bank = bank_of(data_priv, s->mstatus);
    if ((bank == TLB_BANK_M) != (hart->data_bank == TLB_BANK_M))
        hart->reservation = UINT64_MAX; /* it is a virtual address */
    hart->data_bank = (uint8_t)bank;
    if (mxr != hart->mxr) {
        hart->mxr = mxr;
        tlb_forget_reads(&hart->tlb);
    }
    tlb_set_bank(&hart->tlb, hart->data_bank);
    if (unlikely(hart->hpm_used))
        counters_update(hart);
    hart_check_irq(hart);
}

bool hart_mret(struct hart *hart)
{
    struct riscv_state *s = &hart->s;

    if (s->priv != PRIV_M)
        return false;
    s->priv = (uint8_t)field_get(s->mstatus, MSTATUS_MPP);
    s->mstatus = field_set(s->mstatus, MSTATUS_MIE, field_get(s->mstatus, MSTATUS_MPIE));
    s->mstatus |= MSTATUS_MPIE;
    s->mstatus = field_set(s->mstatus, MSTATUS_MPP, PRIV_U);
    if (s->priv != PRIV_M)
        s->mstatus &= ~MSTATUS_MPRV;
    s->pc = s->mepc;
    hart_mode_changed(hart);
    return true;
}

bool hart_sret(struct hart *hart)
{
    struct riscv_state *s = &hart->s;

    if (s->priv == PRIV_U || (s->priv == PRIV_S && (s->mstatus & MSTATUS_TSR)))
        return false;
    s->priv = s->mstatus & MSTATUS_SPP ? PRIV_S : PRIV_U;
    s->mstatus = field_set(s->mstatus, MSTATUS_SIE, field_get(s->mstatus, MSTATUS_SPIE));
    s->mstatus |= MSTATUS_SPIE;
    s->mstatus &= ~(MSTATUS_SPP | MSTATUS_MPRV);
    s->pc = s->sepc;
    hart_mode_changed(hart);
    return true;
}
