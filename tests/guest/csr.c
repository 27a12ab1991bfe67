/* CSRs: who may access which, what each field holds, and how the views of one register agree. */
#include "guest.h"

static void privileges(void)
{
    static const u16 machine[] = {
        MSTATUS, MISA,          MEDELEG,    MIDELEG,    MIE,      MTVEC,        MCOUNTEREN,
        MENVCFG, MCOUNTINHIBIT, MHPMEVENT3, MSCRATCH,   MEPC,     MCAUSE,       MTVAL,
        MIP,     PMPCFG0,       PMPADDR0,   MCYCLE,     MINSTRET, MHPMCOUNTER3, MVENDORID,
        MARCHID, MIMPID,        MHARTID,    MCONFIGPTR,
    };
    static const u16 supervisor[] = {
        SSTATUS, SIE, STVEC, SCOUNTEREN, SENVCFG, SSCRATCH, SEPC, SCAUSE, STVAL, SIP, SATP,
    };

    for (unsigned i = 0; i < sizeof(machine) / sizeof(machine[0]); i++) {
        if (run_insn(S, insn_csrr(machine[i]), 0, 0).cause != ILLEGAL ||
            run_insn(U, insn_csrr(machine[i]), 0, 0).cause != ILLEGAL ||
            run_insn(M, insn_csrr(machine[i]), 0, 0).cause != NO_TRAP)
            guest_fail(__FILE__, __LINE__, "access to CSR", machine[i], 0);
    }
    for (unsigned i = 0; i < sizeof(supervisor) / sizeof(supervisor[0]); i++) {
        if (run_insn(U, insn_csrr(supervisor[i]), 0, 0).cause != ILLEGAL ||
            run_insn(S, insn_csrr(supervisor[i]), 0, 0).cause != NO_TRAP ||
            run_insn(M, insn_csrr(supervisor[i]), 0, 0).cause != NO_TRAP)
            guest_fail(__FILE__, __LINE__, "access to CSR", supervisor[i], 0);
    }
}

static void read_only(void)
{
    static const u16 csrs[] = { CYCLE,   TIME,   INSTRET, HPMCOUNTER3, MVENDORID,
                                MARCHID, MIMPID, MHARTID, MCONFIGPTR };

    for (unsigned i = 0; i < sizeof(csrs) / sizeof(csrs[0]); i++) {
        struct trap trap = run_insn(M, insn_csrw(csrs[i]), 0, 0);

        if (trap.cause != ILLEGAL)
            guest_fail(__FILE__, __LINE__, "write of read-only CSR", csrs[i], 0);
        /* csrrsi and csrrci of 0 write nothing. */
        CHECK_EQ(run_insn(M, 0x00006573u | (u32)csrs[i] << 20, 0, 0).cause, NO_TRAP);
        CHECK_EQ(run_insn(M, 0x00007573u | (u32)csrs[i] << 20, 0, 0).cause, NO_TRAP);
    }
    CHECK_EQ(CSR_READ(MHARTID), 0);
}

static void absent(void)
{
    static const u16 csrs[] = { 0x000, 0x0ff, 0x1ff, 0x200, 0x2ff, 0x5c0, 0x6ff, 0x800, 0x9ff,
                                0xabc, 0xbff, 0xc80, 0xcff, 0xdff, 0xeff, 0xfff, 0x3a1, 0xb80 };

    for (unsigned i = 0; i < sizeof(csrs) / sizeof(csrs[0]); i++) {
        if (run_insn(M, insn_csrr(csrs[i]), 0, 0).cause != ILLEGAL)
            guest_fail(__FILE__, __LINE__, "read of a CSR that is not there", csrs[i], 0);
    }
}

static void mstatus(void)
{
    u64 keep = CSR_READ(MSTATUS), ones;

    ones = CSR_TRY(MSTATUS, -1);
    CSR_WRITE(MSTATUS, keep);
    CHECK_EQ(ones & BIT(0), 0);
    CHECK_EQ(ones & (BIT(2) | BIT(4)), 0);
    CHECK_EQ(ones & MSTATUS_SD, MSTATUS_SD);
    CHECK((ones & MSTATUS_FS) == MSTATUS_FS);
    CHECK_EQ(
        ones & (MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR | MSTATUS_MPRV | MSTATUS_SUM | MSTATUS_MXR),
        MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR | MSTATUS_MPRV | MSTATUS_SUM | MSTATUS_MXR);
    /* MPP holds 0, 1, 3; for 2 see strict.c. */
    for (u64 mpp = 0; mpp < 4; mpp += mpp == 1 ? 2 : 1)
        CHECK_EQ(CSR_TRY(MSTATUS, (keep & ~MSTATUS_MPP) | mpp << 11) >> 11 & 3, mpp);
    /* SD follows FS. */
    for (u64 fs = 0; fs < 4; fs++) {
        u64 got = CSR_TRY(MSTATUS, (keep & ~MSTATUS_FS) | fs << 13);

        CHECK_EQ(got >> 13 & 3, fs);
        CHECK_EQ(got >> 63, fs == 3);
    }
    /* sstatus is a view. */
    CSR_WRITE(MSTATUS, keep | MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_TVM);
    CHECK_EQ(CSR_READ(SSTATUS) & ~(BIT(32) | BIT(33) | MSTATUS_FS | MSTATUS_SD), 0);
    CSR_WRITE(SSTATUS, -1);
    CHECK_EQ(CSR_READ(SSTATUS) & (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SUM |
                                  MSTATUS_MXR | MSTATUS_FS),
             MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SUM | MSTATUS_MXR | MSTATUS_FS);
    CHECK_EQ(CSR_READ(MSTATUS) & (MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_TVM |
                                  MSTATUS_TW | MSTATUS_TSR | MSTATUS_MPRV),
             MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_TVM);
    CSR_WRITE(SSTATUS, 0);
    CHECK_EQ(CSR_READ(MSTATUS) & MSTATUS_MPP, MSTATUS_MPP);
    CSR_WRITE(MSTATUS, keep);
}

static void misa(void)
{
    u64 val = CSR_READ(MISA);
    u64 imac = BIT('I' - 'A') | BIT('M' - 'A') | BIT('A' - 'A') | BIT('C' - 'A') | BIT('S' - 'A') |
               BIT('U' - 'A');

    if (val == 0)
        return; /* permitted */
    CHECK_EQ(val >> 62, 2);
    CHECK_EQ(val & imac, imac);
}

/* mode 0 or 1; what is written with a reserved mode reads as something legal */
#define TRAP_VECTORS(csr)                                                                          \
    do {                                                                                           \
        u64 keep_ = CSR_READ(csr), addr_ = (u64)guest_m_trap;                                      \
                                                                                                   \
        CHECK_EQ(CSR_TRY(csr, addr_), addr_);                                                      \
        CHECK_EQ(CSR_TRY(csr, addr_ | 1), addr_ | 1);                                              \
        CHECK((CSR_TRY(csr, addr_ | 2) & 3) < 2);                                                  \
        CHECK((CSR_TRY(csr, addr_ | 3) & 3) < 2);                                                  \
        CSR_WRITE(csr, keep_);                                                                     \
    } while (0)

static void plain_registers(void)
{
    static const u64 vals[] = { 0, -1ull, 0x123456789abcdef0, 0x8000000000000000 };

    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(CSR_TRY(MSCRATCH, vals[i]), vals[i]);
        CHECK_EQ(CSR_TRY(SSCRATCH, vals[i]), vals[i]);
        CHECK_EQ(CSR_TRY(STVAL, vals[i]), vals[i]);
        CHECK_EQ(CSR_TRY(MTVAL, vals[i]), vals[i]);
    }
    CSR_WRITE(MSCRATCH, 0);
    CHECK_EQ(CSR_TRY(MEPC, 0x80001232), 0x80001232);
    CHECK_EQ(CSR_TRY(SEPC, 0x80001232), 0x80001232);
    for (u64 cause = 0; cause < 16; cause++) {
        if (cause == 10 || cause == 14)
            continue;
        CHECK_EQ(CSR_TRY(MCAUSE, cause), cause);
        CHECK_EQ(CSR_TRY(SCAUSE, cause), cause);
        CHECK_EQ(CSR_TRY(SCAUSE, INTERRUPT | 5), INTERRUPT | 5);
    }
}

static void interrupt_views(void)
{
    u64 s_bits = BIT(SSI) | BIT(STI) | BIT(SEI), m_bits = BIT(MSI) | BIT(MTI) | BIT(MEI);

    CSR_WRITE(MENVCFG, 0); /* no Sstc: STIP is software's */
    CSR_WRITE(MIDELEG, 0);
    CHECK_EQ(CSR_TRY(MIE, -1) & (s_bits | m_bits), s_bits | m_bits);
    CHECK_EQ(CSR_READ(MIE) & (BIT(0) | BIT(4) | BIT(8)), 0);
    CHECK_EQ(CSR_READ(SIE), 0); /* nothing is delegated */
    CSR_WRITE(MIP, -1);
    CHECK_EQ(CSR_READ(MIP) & s_bits, s_bits);
    CHECK_EQ(CSR_READ(MIP) & (BIT(MSI) | BIT(MEI)), 0); /* devices' */
    CHECK_EQ(CSR_READ(SIP), 0);
    CSR_WRITE(MIDELEG, s_bits);
    CHECK_EQ(CSR_READ(MIDELEG) & (s_bits | m_bits), s_bits);
    CHECK_EQ(CSR_READ(SIP), s_bits);
    CHECK_EQ(CSR_READ(SIE), s_bits);
    CSR_WRITE(SIE, 0);
    CHECK_EQ(CSR_READ(MIE) & (s_bits | m_bits), m_bits);
    CSR_WRITE(SIP, 0); /* clears SSIP alone */
    CHECK_EQ(CSR_READ(MIP) & s_bits, BIT(STI) | BIT(SEI));
    CSR_WRITE(SIP, -1);
    CHECK_EQ(CSR_READ(MIP) & s_bits, s_bits);
    CSR_WRITE(MIP, 0);
    CHECK_EQ(CSR_READ(MIP) & s_bits, 0);
    CSR_WRITE(SIP, -1);
    CHECK_EQ(CSR_READ(MIP) & s_bits, BIT(SSI));
    CSR_WRITE(MIP, 0);
    CSR_WRITE(MIE, 0);
    /* Machine interrupts cannot be delegated. */
    CHECK_EQ(CSR_TRY(MIDELEG, -1) & (BIT(MSI) | BIT(MTI) | BIT(MEI)), 0);
    CSR_WRITE(MIDELEG, 0);
}

static void satp(void)
{
    u64 good;

    CSR_WRITE(SATP, 0);
    good = CSR_TRY(SATP, (u64)SV39 << 60 | 0x1234);
    CHECK_EQ(good, (u64)SV39 << 60 | 0x1234);
    /* A mode that is not there: the whole write has no effect (12.1.11). */
    CSR_WRITE(SATP, (u64)5 << 60 | 0x999);
    CHECK_EQ(CSR_READ(SATP), good);
    CSR_WRITE(SATP, (u64)15 << 60 | 0x999);
    CHECK_EQ(CSR_READ(SATP), good);
    CSR_WRITE(SATP, 0);
    CHECK_EQ(CSR_READ(SATP), 0);
}

static void counters(void)
{
    static const u16 csrs[] = { CYCLE, TIME, INSTRET };
    u64 before, after;

    for (unsigned i = 0; i < 3; i++) {
        CSR_WRITE(MCOUNTEREN, ~BIT(i));
        CSR_WRITE(SCOUNTEREN, -1);
        CHECK_EQ(run_insn(S, insn_csrr(csrs[i]), 0, 0).cause, ILLEGAL);
        CHECK_EQ(run_insn(U, insn_csrr(csrs[i]), 0, 0).cause, ILLEGAL);
        CSR_WRITE(MCOUNTEREN, -1);
        CSR_WRITE(SCOUNTEREN, ~BIT(i));
        CHECK_EQ(run_insn(S, insn_csrr(csrs[i]), 0, 0).cause, NO_TRAP);
        CHECK_EQ(run_insn(U, insn_csrr(csrs[i]), 0, 0).cause, ILLEGAL);
        CSR_WRITE(SCOUNTEREN, BIT(i));
        CHECK_EQ(run_insn(U, insn_csrr(csrs[i]), 0, 0).cause, NO_TRAP);
    }
    before = CSR_READ(TIME);
    while (CSR_READ(TIME) == before)
        ;
    CHECK(CSR_READ(TIME) > before);
    before = CSR_READ(TIME); /* one clock */
    after = *CLINT_MTIME;
    CHECK(after >= before);
    CHECK(CSR_READ(TIME) >= after);
    before = CSR_READ(MINSTRET);
    after = CSR_READ(MINSTRET);
    CHECK(after > before);
    before = CSR_READ(CYCLE);
    after = CSR_READ(CYCLE);
    CHECK(after > before);
    CSR_WRITE(MCOUNTINHIBIT, 5);
    if (CSR_READ(MCOUNTINHIBIT) == 5) {
        before = CSR_READ(MINSTRET);
        CHECK_EQ(CSR_READ(MINSTRET), before);
        before = CSR_READ(MCYCLE);
        CHECK_EQ(CSR_READ(MCYCLE), before);
        CHECK_EQ(CSR_READ(CYCLE), before);
        CHECK_EQ(CSR_TRY(MCYCLE, 0x123456789abc), 0x123456789abc);
        CHECK_EQ(CSR_TRY(MINSTRET, -1), -1ull);
        CHECK_EQ(CSR_READ(INSTRET), -1ull);
    }
    CHECK_EQ(CSR_TRY(MCOUNTINHIBIT, 0), 0);
    CHECK_EQ(CSR_READ(MCOUNTINHIBIT) & 2, 0); /* time cannot be stopped */
}

static void floating_point(void)
{
    static const u16 csrs[] = { FFLAGS, FRM, FCSR };

    CSR_CLEAR(MSTATUS, MSTATUS_FS);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(run_insn(M, insn_csrr(csrs[i]), 0, 0).cause, ILLEGAL);
    CHECK_EQ(run_insn(M, 0x00007053, 0, 0).cause, ILLEGAL);                /* fadd.s */
    CHECK_EQ(run_insn(M, 0x00052007, (u64)guest_pages, 0).cause, ILLEGAL); /* flw */
    CHECK_EQ(run_insn(M, 0x00052027, (u64)guest_pages, 0).cause, ILLEGAL); /* fsw */
    CHECK_EQ(run_insn(M, 0x2108, (u64)guest_pages, 0).cause, ILLEGAL);     /* c.fld */
    CSR_SET(MSTATUS, MSTATUS_FS);
    CHECK_EQ(CSR_TRY(FCSR, -1), 0xff);
    CHECK_EQ(CSR_READ(FRM), 7);
    CHECK_EQ(CSR_READ(FFLAGS), 0x1f);
    CHECK_EQ(CSR_TRY(FRM, 2), 2);
    CHECK_EQ(CSR_READ(FCSR), 0x5f);
    CHECK_EQ(CSR_TRY(FFLAGS, 0), 0);
    CHECK_EQ(CSR_READ(FCSR), 0x40);
    /* Writing state makes FS dirty, from Initial and Clean. */
    for (u64 fs = 1; fs <= 2; fs++) {
        CSR_CLEAR(MSTATUS, MSTATUS_FS);
        CSR_SET(MSTATUS, fs << 13);
        CHECK_EQ(run_insn(M, 0xf0050053, 0, 0).cause, NO_TRAP); /* fmv.w.x ft0, a0 */
        CHECK_EQ(CSR_READ(MSTATUS) & (MSTATUS_FS | MSTATUS_SD), MSTATUS_FS | MSTATUS_SD);
        CSR_CLEAR(MSTATUS, MSTATUS_FS);
        CSR_SET(MSTATUS, fs << 13);
        CSR_WRITE(FFLAGS, 1);
        CHECK_EQ(CSR_READ(MSTATUS) & MSTATUS_FS, MSTATUS_FS);
    }
    /* A dynamic rounding mode that is none. */
    for (u64 frm = 0; frm < 8; frm++) {
        CSR_WRITE(FRM, frm);
        CHECK_EQ(run_insn(M, 0x00007053, 0, 0).cause, frm < 5 ? NO_TRAP : ILLEGAL); /* dyn */
        CHECK_EQ(run_insn(M, 0x00000053, 0, 0).cause, NO_TRAP);                     /* rne */
    }
    CSR_WRITE(FCSR, 0);
    CSR_CLEAR(MSTATUS, MSTATUS_FS);
}

int main(void)
{
    privileges();
    read_only();
    absent();
    mstatus();
    misa();
    TRAP_VECTORS(MTVEC);
    TRAP_VECTORS(STVEC);
    plain_registers();
    interrupt_views();
    satp();
    counters();
    floating_point();
    return 0;
}
