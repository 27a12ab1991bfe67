/* Zawrs: wrs.sto ends by itself; wrs.nto ends at once without a reservation, and for an interrupt
 * that is pending and enabled in mie; mstatus.TW can forbid the one without a limit. */
#include "guest.h"

enum { WRS_NTO = 0x00d00073, WRS_STO = 0x01d00073 };

static u64 word;

static void wait_reserved(int limit)
{
    u64 val;

    if (limit)
        __asm__ volatile("lr.d %0, (%1)\n .4byte 0x01d00073" : "=r"(val) : "r"(&word) : "memory");
    else
        __asm__ volatile("lr.d %0, (%1)\n .4byte 0x00d00073" : "=r"(val) : "r"(&word) : "memory");
}

int main(void)
{
    u64 start;

    *CLINT_MTIMECMP(0) = -1;
    for (int priv = U; priv <= M; priv += priv == S ? 2 : 1) {
        CHECK_EQ(run_insn(priv, WRS_STO, 0, 0).cause, NO_TRAP);
        CHECK_EQ(run_insn(priv, WRS_NTO, 0, 0).cause, NO_TRAP); /* nothing is reserved */
    }
    for (int i = 0; i < 10; i++)
        wait_reserved(1);
    CSR_WRITE(MIE, BIT(MTI));
    start = *CLINT_MTIME;
    *CLINT_MTIMECMP(0) = start + TIMEBASE / 500;
    while (!(CSR_READ(MIP) & BIT(MTI)))
        wait_reserved(0);
    CHECK(*CLINT_MTIME >= start + TIMEBASE / 500);
    wait_reserved(0); /* pending: at once */
    CSR_WRITE(MIE, 0);
    *CLINT_MTIMECMP(0) = -1;
    return 0;
}
