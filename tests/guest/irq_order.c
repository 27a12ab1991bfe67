/* The order in which interrupts that are pending together are taken (3.1.9, 12.1.3). */
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

static void priorities(void)
{
    /* MEI, MSI, MTI, SEI, SSI, STI (3.1.9); MEI needs a controller. */
    static const int order[] = { MSI, MTI, SEI, SSI, STI };

    clear_all();
    *CLINT_MSIP(0) = 1;
    *CLINT_MTIMECMP(0) = 0;
    wait_mip(BIT(MSI), true);
    wait_mip(BIT(MTI), true);
    CSR_WRITE(MIP, BIT(SSI) | BIT(STI) | BIT(SEI));
    CSR_WRITE(MIE, BIT(MSI) | BIT(MTI) | BIT(SEI) | BIT(SSI) | BIT(STI));
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ(run_with(M, (void *)probe_spin, 0, 0, MSTATUS_MPIE).cause,
                 INTERRUPT | (u64)order[i]);
        CSR_CLEAR(MIE, BIT(order[i]));
    }
    CHECK_EQ(run_with(M, (void *)probe_nop, 0, 0, MSTATUS_MPIE).cause, NO_TRAP);
    /* Sscofpmf's is the last, where mip has it. */
    CSR_SET(MIP, BIT(LCOFI));
    if (CSR_READ(MIP) & BIT(LCOFI)) {
        CSR_WRITE(MIE, BIT(LCOFI) | BIT(STI));
        CHECK_EQ(run_with(M, (void *)probe_spin, 0, 0, MSTATUS_MPIE).cause, INTERRUPT | STI);
    }
    /* Delegated ones wait behind all of M's, and among themselves. */
    CSR_WRITE(MIDELEG, BIT(SSI) | BIT(STI) | BIT(SEI));
    CSR_WRITE(MIE, BIT(MTI) | BIT(SEI) | BIT(SSI) | BIT(STI));
    for (unsigned i = 1; i < 5; i++) {
        struct trap trap = run_with(U, (void *)probe_spin, 0, 0, 0);

        CHECK_EQ(trap.cause, INTERRUPT | (u64)order[i]);
        CHECK_EQ(trap.taken_in, i == 1 ? M : S);
        CSR_CLEAR(MIE, BIT(order[i]));
    }
    clear_all();
}

int main(void)
{
    priorities();
    return 0;
}
