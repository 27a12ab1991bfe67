/* Interrupts: software, timer and the supervisor ones; enables, delegation, vectors,
 * and that a write which enables one is followed by it at once. */
#include "guest.h"

static void clear_all(void)
{
    CSR_WRITE(MIE, 0);
    CSR_WRITE(MIDELEG, 0);
    CSR_WRITE(MIP, 0);
    *CLINT_MSIP(0) = 0;
    *CLINT_MTIMECMP(0) = -1;
    CSR_CLEAR(MSTATUS, MSTATUS_MIE | MSTATUS_SIE);
    CSR_WRITE(STVEC, guest_s_trap);
    CSR_WRITE(MTVEC, guest_m_trap);
    CHECK_EQ(CSR_READ(MIP), 0);
}

static void wait_mip(u64 bit, bool level)
{
    while (!(CSR_READ(MIP) & bit) == level)
        ;
}

static void machine_interrupts(void)
{
    struct trap trap;

    clear_all();
    /* Software. */
    *CLINT_MSIP(0) = 1;
    wait_mip(BIT(MSI), true);
    CSR_WRITE(MIE, BIT(MSI));
    CHECK_EQ(run_with(M, (void *)probe_nop, 0, 0, 0).cause, NO_TRAP); /* MIE is 0 */
    trap = run_with(M, (void *)probe_spin, 0, 0, MSTATUS_MPIE);
    CHECK_EQ(trap.cause, INTERRUPT | MSI);
    CHECK_EQ(trap.epc, (u64)probe_spin); /* before the first instruction: it was pending */
    CHECK_EQ(trap.tval, 0);
    CHECK_EQ(trap.status & (MSTATUS_MIE | MSTATUS_MPIE), MSTATUS_MPIE);
    /* Below M, MIE does not count. */
    CHECK_EQ(run_with(S, (void *)probe_spin, 0, 0, 0).cause, INTERRUPT | MSI);
    CHECK_EQ(run_with(U, (void *)probe_spin, 0, 0, 0).cause, INTERRUPT | MSI);
    CSR_WRITE(MIE, 0);
    CHECK_EQ(run_with(U, (void *)probe_nop, 0, 0, 0).cause, NO_TRAP);
    *CLINT_MSIP(0) = 0;
    wait_mip(BIT(MSI), false);
    CSR_WRITE(MIE, BIT(MSI));
    CHECK_EQ(run_with(M, (void *)probe_nop, 0, 0, MSTATUS_MPIE).cause, NO_TRAP);
    /* Timer: into a loop that is already running. */
    CSR_WRITE(MIE, BIT(MTI));
    for (int i = 0; i < 5; i++) {
        *CLINT_MTIMECMP(0) = *CLINT_MTIME + TIMEBASE / 500;
        trap = run_with(i & 1 ? M : U, (void *)probe_spin, 0, 0, MSTATUS_MPIE);
        CHECK_EQ(trap.cause, INTERRUPT | MTI);
        CHECK(*CLINT_MTIME >= *CLINT_MTIMECMP(0));
        CHECK_EQ(CSR_READ(MIP) & BIT(MTI), BIT(MTI));
        *CLINT_MTIMECMP(0) = -1;
        wait_mip(BIT(MTI), false);
    }
}

static void supervisor_interrupts(void)
{
    static const int irqs[] = { SSI, STI, SEI };

    clear_all();
    CSR_WRITE(MENVCFG, CSR_READ(MENVCFG) & ~MENVCFG_STCE); /* STIP is software's */
    for (unsigned i = 0; i < 3; i++) {
        u64 bit = BIT(irqs[i]), cause = INTERRUPT | (u64)irqs[i];
        struct trap trap;

        CSR_WRITE(MIP, bit);
        CSR_WRITE(MIE, bit);
        /* Not delegated: to M, from anywhere. */
        CSR_WRITE(MIDELEG, 0);
        trap = run_with(S, (void *)probe_spin, 0, 0, 0);
        CHECK_EQ(trap.cause, cause);
        CHECK_EQ(trap.taken_in, M);
        CHECK_EQ(run_with(M, (void *)probe_spin, 0, 0, MSTATUS_MPIE).cause, cause);
        /* Delegated: to S from S with SIE, or from U; never from M. */
        CSR_WRITE(MIDELEG, bit);
        CHECK_EQ(run_with(S, (void *)probe_nop, 0, 0, 0).cause, NO_TRAP);
        trap = run_with(S, (void *)probe_spin, 0, 0, MSTATUS_SIE);
        CHECK_EQ(trap.cause, cause);
        CHECK_EQ(trap.taken_in, S);
        CHECK_EQ(trap.status & (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP),
                 MSTATUS_SPIE | MSTATUS_SPP);
        trap = run_with(U, (void *)probe_spin, 0, 0, 0);
        CHECK_EQ(trap.cause, cause);
        CHECK_EQ(trap.taken_in, S);
        CHECK_EQ(trap.status & MSTATUS_SPP, 0);
        CHECK_EQ(run_with(M, (void *)probe_nop, 0, 0, MSTATUS_MPIE).cause, NO_TRAP);
        CSR_WRITE(SIE, 0);
        CHECK_EQ(run_with(U, (void *)probe_nop, 0, 0, 0).cause, NO_TRAP);
        CSR_WRITE(MIP, 0);
        CSR_WRITE(MIE, bit);
        CHECK_EQ(run_with(U, (void *)probe_nop, 0, 0, 0).cause, NO_TRAP);
    }
}

/* Each slot leaves its own address in t6. */
extern const char vectors[];
__asm__(".balign 256\n .option push\n .option norvc\n"
        "vectors:\n .rept 32\n jal t6, 1f\n .endr\n"
        "1: mv a0, t6\n j guest_m_trap\n .option pop\n");

static void vectored(void)
{
    clear_all();
    CSR_WRITE(MTVEC, (u64)vectors | 1);
    *CLINT_MSIP(0) = 1;
    wait_mip(BIT(MSI), true);
    CSR_WRITE(MIE, BIT(MSI));
    CHECK_EQ(run_with(M, (void *)probe_spin, 0, 0, MSTATUS_MPIE).ret, (u64)vectors + 4 * MSI + 4);
    CSR_WRITE(MIE, BIT(SEI));
    CSR_WRITE(MIP, BIT(SEI));
    CHECK_EQ(run_with(S, (void *)probe_spin, 0, 0, 0).ret, (u64)vectors + 4 * SEI + 4);
    /* Exceptions go to the base. */
    CHECK_EQ(run(M, (void *)probe_ebreak, 0, 0).ret, (u64)vectors + 4);
    /* Direct: all to the base. */
    CSR_WRITE(MTVEC, vectors);
    CHECK_EQ(run_with(S, (void *)probe_spin, 0, 0, 0).ret, (u64)vectors + 4);
    clear_all();
}

/* Writes that make a pending interrupt takeable are followed by it, not by another instruction. */
u64 set_mie(u64 bits);
u64 set_mstatus_mie(void);
u64 set_mip(u64 bits);
u64 set_sie(void);
__asm__(".balign 4\n .option push\n .option norvc\n"
        "set_mie: csrs mie, a0\n li a0, 1\n ret\n"
        "set_mstatus_mie: csrsi mstatus, 8\n li a0, 1\n ret\n"
        "set_mip: csrs mip, a0\n li a0, 1\n ret\n"
        "set_sie: csrsi sstatus, 2\n li a0, 1\n ret\n .option pop\n");

static void at_once(void)
{
    struct trap trap;

    clear_all();
    CSR_WRITE(MIP, BIT(SSI));
    trap = run_with(M, (void *)set_mie, BIT(SSI), 0, MSTATUS_MPIE);
    CHECK_EQ(trap.cause, INTERRUPT | SSI);
    CHECK_EQ(trap.epc, (u64)set_mie + 4);
    trap = run_with(M, (void *)set_mstatus_mie, 0, 0, 0);
    CHECK_EQ(trap.cause, INTERRUPT | SSI);
    CHECK_EQ(trap.epc, (u64)set_mstatus_mie + 4);
    CSR_WRITE(MIP, 0);
    trap = run_with(M, (void *)set_mip, BIT(SSI), 0, MSTATUS_MPIE);
    CHECK_EQ(trap.cause, INTERRUPT | SSI);
    CHECK_EQ(trap.epc, (u64)set_mip + 4);
    CSR_WRITE(MIDELEG, BIT(SSI));
    trap = run_with(S, (void *)set_sie, 0, 0, 0);
    CHECK_EQ(trap.cause, INTERRUPT | SSI);
    CHECK_EQ(trap.taken_in, S);
    CHECK_EQ(trap.epc, (u64)set_sie + 4);
    clear_all();
}

/* Sscofpmf's interrupt, where mip has it. */
static void counter_overflow(void)
{
    clear_all();
    CSR_WRITE(MIP, BIT(LCOFI));
    if (!(CSR_READ(MIP) & BIT(LCOFI)))
        return;
    CSR_WRITE(MIE, BIT(LCOFI));
    CHECK_EQ(run_with(M, (void *)probe_spin, 0, 0, MSTATUS_MPIE).cause, INTERRUPT | LCOFI);
    CSR_WRITE(MIDELEG, BIT(LCOFI));
    CHECK_EQ(CSR_READ(SIP), BIT(LCOFI));
    CHECK_EQ(run_with(U, (void *)probe_spin, 0, 0, 0).cause, INTERRUPT | LCOFI);
    clear_all();
}

int main(void)
{
    machine_interrupts();
    supervisor_interrupts();
    vectored();
    at_once();
    counter_overflow();
    return 0;
}
