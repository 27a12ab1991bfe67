/* What the manual says plainly and qemu 7.2 does otherwise: the other tests leave these out, so
 * that qemu can show that they are right. */
#include "guest.h"

enum { NOTHING_THERE = 0x50000 };

/* csrrs and csrrc of a register other than x0 write, though it holds 0: a read-only CSR traps. */
static void writes_of_zero(void)
{
    static const u16 csrs[] = { CYCLE, TIME, INSTRET, HPMCOUNTER3, MVENDORID, MHARTID };

    for (unsigned i = 0; i < sizeof(csrs) / sizeof(csrs[0]); i++) {
        u32 csr = (u32)csrs[i] << 20;

        CHECK_EQ(run_insn(M, 0x0005a573u | csr, 0, 0).cause, ILLEGAL); /* csrrs a0, csr, a1 */
        CHECK_EQ(run_insn(M, 0x0005b573u | csr, 0, 0).cause, ILLEGAL); /* csrrc a0, csr, a1 */
        CHECK_EQ(run_insn(M, 0x00002573u | csr, 0, 0).cause, NO_TRAP); /* csrrs a0, csr, x0 */
        CHECK_EQ(run_insn(M, 0x00003573u | csr, 0, 0).cause, NO_TRAP); /* csrrc a0, csr, x0 */
        CHECK_EQ(run_insn(M, 0x0000e573u | csr, 0, 0).cause, ILLEGAL); /* csrrsi a0, csr, 1 */
        CHECK_EQ(run_insn(M, 0x0000f573u | csr, 0, 0).cause, ILLEGAL); /* csrrci a0, csr, 1 */
    }
}

int main(void)
{
    u64 keep = CSR_READ(MSTATUS);
    struct trap trap;

    writes_of_zero();
    /* An AMO that finds nothing reports a store, though it reads first. */
    trap = run(M, (void *)probe_amoadd, NOTHING_THERE, 1);
    CHECK_EQ(trap.cause, STORE_ACCESS);
    CHECK_EQ(trap.tval, NOTHING_THERE);
    trap = run(M, (void *)probe_sc, (u64)guest_pages + 1, 0);
    CHECK(trap.cause == STORE_MISALIGNED || trap.cause == STORE_ACCESS);
    trap = run(M, (void *)probe_amoadd, (u64)guest_pages + 1, 0);
    CHECK(trap.cause == STORE_MISALIGNED || trap.cause == STORE_ACCESS);
    CHECK_EQ(trap.tval, (u64)guest_pages + 1);
    trap = run(M, (void *)probe_amoadd_w, (u64)guest_pages + 2, 0);
    CHECK(trap.cause == STORE_MISALIGNED || trap.cause == STORE_ACCESS);
    /* With C, IALIGN is 16: bit 0 of xepc is never set. */
    CHECK_EQ(CSR_TRY(MEPC, 0x80001233), 0x80001232);
    CHECK_EQ(CSR_TRY(SEPC, -1), -2ull);
    /* mret to less than M clears MPRV, to M does not. */
    trap = run_with(U, (void *)probe_nop, 0, 0, MSTATUS_MPRV);
    CHECK_EQ(trap.status & MSTATUS_MPRV, 0);
    trap = run_with(M, (void *)probe_nop, 0, 0, MSTATUS_MPRV);
    CHECK_EQ(trap.status & MSTATUS_MPRV, MSTATUS_MPRV);
    /* An ecall from M cannot be delegated. */
    CHECK_EQ(CSR_TRY(MEDELEG, -1) & BIT(ECALL_M), 0);
    CSR_WRITE(MEDELEG, 0);
    /* 54 bits of pmpaddr: addresses of 56. */
    CHECK_EQ(CSR_TRY(PMPADDR0 + 1, -1), BIT(54) - 1);
    /* UXL, SXL and MPP hold nothing reserved. */
    CHECK_EQ(CSR_TRY(MSTATUS, -1) >> 32 & 15, 10);
    CHECK((CSR_TRY(MSTATUS, (keep & ~MSTATUS_MPP) | BIT(12)) & MSTATUS_MPP) != BIT(12));
    CSR_WRITE(MSTATUS, keep);
    return 0;
}
