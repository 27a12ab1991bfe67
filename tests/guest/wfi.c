/* wfi ends for a pending interrupt that mie enables, taken or not, and never sleeps past one. */
#include "guest.h"

static void arm(u64 ticks)
{
    *CLINT_MTIMECMP(0) = *CLINT_MTIME + ticks;
}

int main(void)
{
    struct trap trap;

    *CLINT_MTIMECMP(0) = -1;
    /* Not taken (MIE 0): execution goes on behind the wfi. */
    CSR_WRITE(MIE, BIT(MTI));
    for (int i = 0; i < 10; i++) {
        arm(TIMEBASE / 1000);
        while (!(CSR_READ(MIP) & BIT(MTI)))
            __asm__ volatile("wfi"); /* may end early */
        CHECK(*CLINT_MTIME >= *CLINT_MTIMECMP(0));
    }
    /* Pending already: it falls through. */
    for (int i = 0; i < 100; i++)
        __asm__ volatile("wfi");
    /* Taken: the trap is behind the wfi, or before it when time had run out. */
    for (int i = 0; i < 50; i++) {
        arm((u64)i * 40);
        for (;;) {
            trap = run_with(M, (void *)probe_wfi, 0, 0, MSTATUS_MPIE);
            if (trap.cause != NO_TRAP)
                break;
        }
        CHECK_EQ(trap.cause, INTERRUPT | MTI);
        CHECK(trap.epc == (u64)&probe_wfi_insn || trap.epc == (u64)&probe_wfi_insn + 4 ||
              trap.epc != 0);
        *CLINT_MTIMECMP(0) = -1;
    }
    /* In S mode, with an interrupt of M's. */
    arm(TIMEBASE / 1000);
    do
        trap = run(S, (void *)probe_wfi, 0, 0);
    while (trap.cause == NO_TRAP);
    CHECK_EQ(trap.cause, INTERRUPT | MTI);
    *CLINT_MTIMECMP(0) = -1;
    /* A delegated interrupt wakes S mode though SIE is 0. */
    CSR_WRITE(MIE, BIT(SSI));
    CSR_WRITE(MIDELEG, BIT(SSI));
    CSR_WRITE(MIP, BIT(SSI));
    CHECK_EQ(run(S, (void *)probe_wfi, 0, 0).cause, NO_TRAP);
    CSR_WRITE(MIP, 0);
    return 0;
}
