/* Sstc: stimecmp drives STIP once menvcfg.STCE is set; who may touch it; its interrupt in S. */
#include "guest.h"

static void wait_stip(bool level)
{
    while (!(CSR_READ(MIP) & BIT(STI)) == level)
        ;
}

int main(void)
{
    struct trap trap;

    CSR_WRITE(STVEC, guest_s_trap);
    CSR_WRITE(MCOUNTEREN, -1);
    CSR_CLEAR(MENVCFG, MENVCFG_STCE);
    CHECK_EQ(run_insn(S, insn_csrr(STIMECMP), 0, 0).cause, ILLEGAL);
    CHECK_EQ(run_insn(M, insn_csrr(STIMECMP), 0, 0).cause, NO_TRAP);
    CSR_WRITE(STIMECMP, -1);
    CSR_SET(MENVCFG, MENVCFG_STCE);
    CHECK_EQ(CSR_READ(MENVCFG) & MENVCFG_STCE, MENVCFG_STCE);
    CHECK_EQ(run_insn(S, insn_csrr(STIMECMP), 0, 0).cause, NO_TRAP);
    CHECK_EQ(run_insn(U, insn_csrr(STIMECMP), 0, 0).cause, ILLEGAL);
    CSR_WRITE(MCOUNTEREN, ~BIT(1)); /* TM */
    CHECK_EQ(run_insn(S, insn_csrr(STIMECMP), 0, 0).cause, ILLEGAL);
    CSR_WRITE(MCOUNTEREN, -1);
    /* STIP is the comparison, and not software's. */
    wait_stip(false);
    CSR_WRITE(STIMECMP, 0);
    wait_stip(true);
    CSR_CLEAR(MIP, BIT(STI));
    CHECK_EQ(CSR_READ(MIP) & BIT(STI), BIT(STI));
    CSR_WRITE(STIMECMP, -1);
    wait_stip(false);
    CSR_SET(MIP, BIT(STI));
    CHECK_EQ(CSR_READ(MIP) & BIT(STI), 0);
    /* It comes when time has come, to S when delegated. */
    CSR_WRITE(MIE, BIT(STI));
    CSR_WRITE(MIDELEG, BIT(STI));
    for (int i = 0; i < 10; i++) {
        u64 when = CSR_READ(TIME) + TIMEBASE / 1000;

        CSR_WRITE(STIMECMP, when);
        trap = run_with(i & 1 ? U : S, (void *)probe_spin, 0, 0, MSTATUS_SIE);
        CHECK_EQ(trap.cause, INTERRUPT | STI);
        CHECK_EQ(trap.taken_in, S);
        CHECK(CSR_READ(TIME) >= when);
        CSR_WRITE(STIMECMP, -1);
        wait_stip(false);
    }
    /* And wakes a wfi. */
    CSR_WRITE(STIMECMP, CSR_READ(TIME) + TIMEBASE / 1000);
    while (!(CSR_READ(MIP) & BIT(STI)))
        __asm__ volatile("wfi");
    CHECK_EQ(run_insn(S, insn_csrw(STIMECMP), -1, 0).cause, NO_TRAP);
    wait_stip(false);
    return 0;
}
