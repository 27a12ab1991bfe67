/* Counters count exactly: instret in straight lines, loops and across modes; writes to counters;
 * event counters of Sscofpmf with mode filters, overflow, its interrupt and scountovf. Events are
 * numbered as SBI's PMU extension does: 1 cycles, 2 instructions. */
#include "guest.h"

enum { EVENT_INSTRUCTIONS = 2 };
#define OF BIT(63)
#define MINH BIT(62)
#define SINH BIT(61)
#define UINH BIT(60)

u64 straight(void);
u64 loop(u64 turns);
u64 hpm_loop(u64 turns);
u64 set_get(u64 val);
__asm__(".balign 4\n"
        "straight: csrr t0, instret\n nop\n nop\n nop\n c.nop\n c.nop\n addi t1, t1, 1\n"
        "csrr a0, instret\n sub a0, a0, t0\n ret\n"
        /* 2 a turn, and the first csrr */
        "loop: csrr t0, instret\n 1: addi a0, a0, -1\n bnez a0, 1b\n csrr a0, instret\n"
        "sub a0, a0, t0\n ret\n"
        "hpm_loop: csrr t0, hpmcounter3\n 1: addi a0, a0, -1\n bnez a0, 1b\n"
        "csrr a0, hpmcounter3\n sub a0, a0, t0\n ret\n"
        /* What is written is what the next instruction reads. */
        "set_get: csrw minstret, a0\n csrr a0, minstret\n ret\n");

static void instructions(void)
{
    for (int priv = U; priv <= M; priv += priv == S ? 2 : 1) {
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(run(priv, (void *)straight, 0, 0).ret, 7);
            CHECK_EQ(run(priv, (void *)loop, 1, 0).ret, 3);
            CHECK_EQ(run(priv, (void *)loop, 1000, 0).ret, 2001);
            CHECK_EQ(run(priv, (void *)loop, 100000, 0).ret, 200001);
        }
    }
    CHECK_EQ(set_get(0), 0);
    CHECK_EQ(set_get(-1), -1ull);
    CHECK_EQ(set_get(0x123456789), 0x123456789);
    CSR_SET(MCOUNTINHIBIT, BIT(2));
    CHECK_EQ(run(M, (void *)loop, 1000, 0).ret, 0);
    CSR_CLEAR(MCOUNTINHIBIT, BIT(2));
    CHECK_EQ(run(M, (void *)loop, 1000, 0).ret, 2001);
}

static void events(void)
{
    /* MINH, SINH, UINH each stop the count in their mode alone. */
    for (u64 inhibit = 0; inhibit < 8; inhibit++) {
        u64 event = EVENT_INSTRUCTIONS | (inhibit & 1 ? UINH : 0) | (inhibit & 2 ? SINH : 0) |
                    (inhibit & 4 ? MINH : 0);

        CHECK_EQ(CSR_TRY(MHPMEVENT3, event), event);
        CHECK_EQ(run(U, (void *)hpm_loop, 500, 0).ret, inhibit & 1 ? 0 : 1001);
        CHECK_EQ(run(S, (void *)hpm_loop, 500, 0).ret, inhibit & 2 ? 0 : 1001);
        CHECK_EQ(run(M, (void *)hpm_loop, 500, 0).ret, inhibit & 4 ? 0 : 1001);
    }
    CSR_WRITE(MHPMEVENT3, 0);
    CHECK_EQ(run(M, (void *)hpm_loop, 500, 0).ret, 0);
    CSR_WRITE(MHPMEVENT3, EVENT_INSTRUCTIONS);
    CSR_SET(MCOUNTINHIBIT, BIT(3));
    CHECK_EQ(run(M, (void *)hpm_loop, 500, 0).ret, 0);
    CHECK_EQ(CSR_TRY(MHPMCOUNTER3, 0xabcdef0123456789), 0xabcdef0123456789);
    CSR_CLEAR(MCOUNTINHIBIT, BIT(3));
}

static void overflow(void)
{
    struct trap trap;

    CSR_WRITE(MIP, 0);
    CSR_WRITE(MHPMEVENT3, EVENT_INSTRUCTIONS | MINH);
    CSR_WRITE(MHPMCOUNTER3, -500);
    CHECK_EQ(CSR_READ(SCOUNTOVF), 0);
    run(S, (void *)loop, 100, 0);
    CHECK_EQ(CSR_READ(MHPMEVENT3) & OF, 0);
    CHECK_EQ(CSR_READ(MIP) & BIT(LCOFI), 0);
    run(S, (void *)loop, 1000, 0);
    CHECK_EQ(CSR_READ(MHPMEVENT3) & OF, OF);
    CHECK_EQ(CSR_READ(MIP) & BIT(LCOFI), BIT(LCOFI));
    CHECK_EQ(CSR_READ(SCOUNTOVF), BIT(3));
    /* S sees of scountovf what mcounteren lets it. */
    CSR_WRITE(MCOUNTEREN, -1);
    CHECK_EQ(run_insn(S, insn_csrr(SCOUNTOVF), 0, 0).ret, BIT(3));
    CSR_WRITE(MCOUNTEREN, ~BIT(3));
    CHECK_EQ(run_insn(S, insn_csrr(SCOUNTOVF), 0, 0).ret, 0);
    CSR_WRITE(MCOUNTEREN, -1);
    /* While OF is set no other interrupt is asked for. */
    CSR_WRITE(MIP, 0);
    CSR_WRITE(MHPMCOUNTER3, -500);
    run(S, (void *)loop, 1000, 0);
    CHECK_EQ(CSR_READ(MIP) & BIT(LCOFI), 0);
    /* It breaks into what counts, though nothing else happens there. */
    CSR_WRITE(MHPMEVENT3, EVENT_INSTRUCTIONS | MINH);
    CSR_WRITE(MHPMCOUNTER3, -5000);
    CSR_WRITE(STVEC, guest_s_trap);
    CSR_WRITE(MIDELEG, BIT(LCOFI));
    CSR_WRITE(MIE, BIT(LCOFI));
    trap = run(U, (void *)probe_spin, 0, 0);
    CHECK_EQ(trap.cause, INTERRUPT | LCOFI);
    CHECK_EQ(trap.taken_in, S);
    CSR_WRITE(MIE, 0);
    CSR_WRITE(MIP, 0);
    CSR_WRITE(MHPMEVENT3, 0);
}

int main(void)
{
    CSR_WRITE(MCOUNTEREN, -1);
    CSR_WRITE(SCOUNTEREN, -1);
    instructions();
    events();
    overflow();
    return 0;
}
