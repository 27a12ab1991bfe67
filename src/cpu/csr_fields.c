/*
 * cpu/csr_fields.c - what each CSR's bits mean when read and written: the WARL rules.
 *
 * Illegal values of WARL fields leave the field as it was. Whatever a write changes that others
 * have derived something from (modes, soft TLB, PMP ranges, counters, the timer) is derived again
 * before the write returns.
 */
#include "cpu/csr_fields.h"

static uint64_t merge(uint64_t old, uint64_t bits, uint64_t mask)
{
    return (old & ~mask) | (bits & mask);
}

uint64_t csr_read_zero(struct hart *hart, unsigned csr)
{
    (void)hart, (void)csr;
    return 0;
}

void csr_write_ignore(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    (void)hart, (void)csr, (void)bits, (void)mask;
}

/* ---- floating point ---- */

uint64_t csr_read_fflags(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.fflags;
}

uint64_t csr_read_frm(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.frm;
}

uint64_t csr_read_fcsr(struct hart *hart, unsigned csr)
{
    (void)csr;
    return (uint64_t)hart->s.frm << FCSR_FRM_SHIFT | hart->s.fflags;
}

void csr_write_fcsr(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    uint64_t fcsr = merge(csr_read_fcsr(hart, csr), bits, mask);

    hart->s.fflags = fcsr & FCSR_FFLAGS;
    hart->s.frm = (uint8_t)field_get(fcsr, FCSR_FRM);
    hart->s.mstatus |= MSTATUS_FS_DIRTY;
}

void csr_write_fflags(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    csr_write_fcsr(hart, csr, bits, mask & FCSR_FFLAGS);
}

void csr_write_frm(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    csr_write_fcsr(hart, csr, bits << FCSR_FRM_SHIFT, mask << FCSR_FRM_SHIFT & FCSR_FRM);
}

/* ---- counters ---- */

uint64_t csr_read_cycle(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.mcycle;
}

uint64_t csr_read_time(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->ops->time(hart);
}

uint64_t csr_read_instret(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.minstret;
}

/* hpmcounterN and mhpmcounterN: N is the number's low five bits. */
uint64_t csr_read_hpmcounter(struct hart *hart, unsigned csr)
{
    return hart->s.mhpmcounter[csr & 31];
}

void csr_write_mhpmcounter(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    unsigned n = csr & 31;

    if (n < HPM_FIRST + HPM_IMPLEMENTED)
        hart->s.mhpmcounter[n] = merge(hart->s.mhpmcounter[n], bits, mask);
}

uint64_t csr_read_mhpmevent(struct hart *hart, unsigned csr)
{
    return hart->s.mhpmevent[csr & 31];
}

void csr_write_mhpmevent(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    counters_write_event(hart, csr & 31, bits, mask);
}

uint64_t csr_read_mcountinhibit(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.mcountinhibit;
}

void csr_write_mcountinhibit(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    (void)csr;
    counters_write_inhibit(hart, bits, mask);
}

/* M sees all OF bits, S those whose counter it may read. */
uint64_t csr_read_scountovf(struct hart *hart, unsigned csr)
{
    (void)csr;
    return counters_overflowed(hart) & (hart->s.priv == PRIV_M ? UINT64_MAX : hart->s.mcounteren);
}

uint64_t csr_read_stimecmp(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.stimecmp;
}

void csr_write_stimecmp(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    (void)csr;
    hart_set_stimecmp(hart, merge(hart->s.stimecmp, bits, mask));
}

/* ---- mstatus ---- */

uint64_t csr_read_mstatus(struct hart *hart, unsigned csr)
{
    uint64_t mstatus = hart->s.mstatus;

    (void)csr;
    return field_get(mstatus, MSTATUS_FS) == XSTATUS_DIRTY ? mstatus | MSTATUS_SD : mstatus;
}

uint64_t csr_read_sstatus(struct hart *hart, unsigned csr)
{
    return csr_read_mstatus(hart, csr) & SSTATUS_MASK;
}

void csr_write_mstatus(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    uint64_t writable = MSTATUS_SIE | MSTATUS_MIE | MSTATUS_SPIE | MSTATUS_MPIE | MSTATUS_SPP |
                        MSTATUS_MPP | MSTATUS_MPRV | MSTATUS_TW | MSTATUS_TSR;
    uint64_t old = hart->s.mstatus, val;

    (void)csr;
    if (isa_has(hart->isa, ISA_EXT_F))
        writable |= MSTATUS_FS;
    if (hart->isa->mmu != ISA_MMU_BARE)
        writable |= MSTATUS_SUM | MSTATUS_MXR | MSTATUS_TVM;
    val = merge(old, bits, mask & writable);
    if (field_get(val, MSTATUS_MPP) == 2) /* no such privilege */
        val = field_set(val, MSTATUS_MPP, field_get(old, MSTATUS_MPP));
    hart->s.mstatus = val;
    hart_mode_changed(hart);
}

void csr_write_sstatus(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    csr_write_mstatus(hart, csr, bits, mask & SSTATUS_MASK);
}

/* ---- traps ---- */

/* Also stvec: a reserved mode keeps the old one. */
static uint64_t merge_tvec(uint64_t old, uint64_t bits, uint64_t mask)
{
    uint64_t val = merge(old, bits, mask);

    if ((val & XTVEC_MODE) > XTVEC_VECTORED)
        val = field_set(val, XTVEC_MODE, field_get(old, XTVEC_MODE));
    return val;
}

uint64_t csr_read_mtvec(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.mtvec;
}

void csr_write_mtvec(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    (void)csr;
    hart->s.mtvec = merge_tvec(hart->s.mtvec, bits, mask);
}

uint64_t csr_read_stvec(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.stvec;
}

void csr_write_stvec(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    (void)csr;
    hart->s.stvec = merge_tvec(hart->s.stvec, bits, mask);
}

/* 3.1.14: bits below IALIGN are zero. */
static uint64_t epc_mask(const struct hart *hart)
{
    return isa_has(hart->isa, ISA_EXT_C) ? ~UINT64_C(1) : ~UINT64_C(3);
}

uint64_t csr_read_mepc(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.mepc;
}

void csr_write_mepc(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    (void)csr;
    hart->s.mepc = merge(hart->s.mepc, bits, mask) & epc_mask(hart);
}

uint64_t csr_read_sepc(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.sepc;
}

void csr_write_sepc(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    (void)csr;
    hart->s.sepc = merge(hart->s.sepc, bits, mask) & epc_mask(hart);
}

uint64_t csr_read_medeleg(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.medeleg;
}

/* What can happen below M. */
void csr_write_medeleg(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    const uint64_t writable = ISA_BITS(CAUSE_ECALL_S, CAUSE_FETCH_MISALIGNED) |
                              ISA_BIT(CAUSE_FETCH_PAGE) | ISA_BIT(CAUSE_LOAD_PAGE) |
                              ISA_BIT(CAUSE_STORE_PAGE);

    (void)csr;
    hart->s.medeleg = merge(hart->s.medeleg, bits, mask & writable);
}

uint64_t csr_read_mideleg(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.mideleg;
}

void csr_write_mideleg(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    (void)csr;
    hart->s.mideleg = merge(hart->s.mideleg, bits, mask & hart_irqs(hart) & MIP_SUPERVISOR);
    hart_check_irq(hart);
}

uint64_t csr_read_mie(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.mie;
}

void csr_write_mie(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    (void)csr;
    hart->s.mie = merge(hart->s.mie, bits, mask & hart_irqs(hart));
    hart_check_irq(hart);
}

uint64_t csr_read_sie(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.mie & hart->s.mideleg;
}

void csr_write_sie(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    csr_write_mie(hart, csr, bits, mask & hart->s.mideleg);
}

uint64_t csr_read_mip(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart_mip(hart);
}

/* The bits software owns; STIP only while stimecmp does not drive it. */
void csr_write_mip(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    uint64_t writable = hart_irqs(hart) & MIP_SUPERVISOR;

    (void)csr;
    if (sstc_active(hart))
        writable &= ~MIP_STIP;
    hart->s.mip = merge(hart->s.mip, bits, mask & writable);
    hart_check_irq(hart);
}

uint64_t csr_read_sip(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart_mip(hart) & hart->s.mideleg;
}

void csr_write_sip(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    csr_write_mip(hart, csr, bits, mask & hart->s.mideleg & (MIP_SSIP | MIP_LCOFIP));
}

/* ---- environment ---- */

/* The fields of senvcfg, which menvcfg has as well. */
static uint64_t envcfg_writable(const struct hart *hart)
{
    uint64_t writable = 0;

    if (hart->isa->mmu != ISA_MMU_BARE)
        writable |= ENVCFG_FIOM;
    if (isa_has(hart->isa, ISA_EXT_ZICBOM))
        writable |= ENVCFG_CBIE | ENVCFG_CBCFE;
    if (isa_has(hart->isa, ISA_EXT_ZICBOZ))
        writable |= ENVCFG_CBZE;
    return writable;
}

static uint64_t merge_envcfg(uint64_t old, uint64_t bits, uint64_t mask)
{
    uint64_t val = merge(old, bits, mask);

    if (field_get(val, ENVCFG_CBIE) == 2) /* reserved */
        val = field_set(val, ENVCFG_CBIE, field_get(old, ENVCFG_CBIE));
    return val;
}

uint64_t csr_read_senvcfg(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.senvcfg;
}

void csr_write_senvcfg(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    (void)csr;
    hart->s.senvcfg = merge_envcfg(hart->s.senvcfg, bits, mask & envcfg_writable(hart));
}

uint64_t csr_read_menvcfg(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.menvcfg;
}

void csr_write_menvcfg(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    uint64_t writable = envcfg_writable(hart), old = hart->s.menvcfg;

    (void)csr;
    if (isa_has(hart->isa, ISA_EXT_SVADU))
        writable |= MENVCFG_ADUE;
    if (isa_has(hart->isa, ISA_EXT_SVPBMT))
        writable |= MENVCFG_PBMTE;
    if (isa_has(hart->isa, ISA_EXT_SSTC))
        writable |= MENVCFG_STCE;
    hart->s.menvcfg = merge_envcfg(old, bits, mask & writable);
    if ((old ^ hart->s.menvcfg) & (MENVCFG_ADUE | MENVCFG_PBMTE))
        tlb_flush_translations(&hart->tlb);
    if ((old ^ hart->s.menvcfg) & MENVCFG_STCE)
        sstc_rearm(hart);
    hart_check_irq(hart);
}

uint64_t csr_read_satp(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.satp;
}

/* 12.1.11: a mode that is not implemented makes the whole write void. Bare with other bits set is
 * unspecified; it is Bare, and the bits are kept. */
void csr_write_satp(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    uint64_t old = hart->s.satp, val = merge(old, bits, mask), mode = field_get(val, SATP_MODE);

    (void)csr;
    if (mode != SATP_BARE && (mode < SATP_SV39 || mode > (uint64_t)hart->isa->mmu))
        return;
    if (val == old)
        return;
    hart->s.satp = val;
    if ((val ^ old) & SATP_MODE)
        tlb_flush_translations(&hart->tlb);
    hart->reservation = UINT64_MAX; /* it is a virtual address */
    tlb_switch_space(&hart->tlb, (uint16_t)field_get(val, SATP_ASID));
}

/* ---- protection ---- */

/* pmpcfg0 has entries 0 to 7, pmpcfg2 8 to 15. */
static unsigned first_entry(unsigned csr)
{
    return (csr - CSR_PMPCFG0) * 4;
}

static void pmp_changed(struct hart *hart)
{
    pmp_update(&hart->pmp, &hart->s, hart->isa->pmp_entries);
    tlb_flush_all(&hart->tlb);
}

uint64_t csr_read_pmpcfg(struct hart *hart, unsigned csr)
{
    uint64_t val = 0;

    for (unsigned i = 0; i < 8; i++)
        val |= (uint64_t)hart->s.pmpcfg[first_entry(csr) + i] << 8 * i;
    return val;
}

/* Entry by entry, the last first: that an entry is locked by this very write must not keep what
 * the same write says of another. */
void csr_write_pmpcfg(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    uint64_t val = merge(csr_read_pmpcfg(hart, csr), bits, mask);

    for (unsigned i = 8; i-- > 0;)
        pmp_write_cfg(&hart->s, first_entry(csr) + i, (uint8_t)(val >> 8 * i),
                      hart->isa->pmp_entries);
    pmp_changed(hart);
}

uint64_t csr_read_pmpaddr(struct hart *hart, unsigned csr)
{
    return hart->s.pmpaddr[csr - CSR_PMPADDR0];
}

void csr_write_pmpaddr(struct hart *hart, unsigned csr, uint64_t bits, uint64_t mask)
{
    uint64_t val = merge(csr_read_pmpaddr(hart, csr), bits, mask);

    pmp_write_addr(&hart->s, csr - CSR_PMPADDR0, val, hart->isa->pmp_entries);
    pmp_changed(hart);
}

/* ---- identity ---- */

/* 3.1.1: the letters. */
uint64_t csr_read_misa(struct hart *hart, unsigned csr)
{
    static const struct {
        enum isa_ext ext;
        char letter;
    } letters[] = { { ISA_EXT_I, 'I' }, { ISA_EXT_M, 'M' }, { ISA_EXT_A, 'A' },
                    { ISA_EXT_F, 'F' }, { ISA_EXT_D, 'D' }, { ISA_EXT_C, 'C' } };
    uint64_t misa = MISA_MXL_64 | MISA_LETTER('S') | MISA_LETTER('U');

    (void)csr;
    for (unsigned i = 0; i < ARRAY_LEN(letters); i++) {
        if (isa_has(hart->isa, letters[i].ext))
            misa |= MISA_LETTER(letters[i].letter);
    }
    return misa;
}

uint64_t csr_read_tinfo(struct hart *hart, unsigned csr)
{
    (void)hart, (void)csr;
    return 1; /* type 0: no trigger */
}

uint64_t csr_read_mhartid(struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->id;
}
