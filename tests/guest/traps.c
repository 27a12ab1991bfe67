/* Exceptions: every cause that needs no page table, what the CSRs say then, delegation, and who may
 * execute what. */
#include "guest.h"

enum { NOTHING_THERE = 0x50000 };

u64 do_sret(u64 to, u64 spp);
u64 mret_to(u64 to, u64 mpp);
__asm__(".balign 4\n"
        "do_sret:\n" /* from S: sepc = a0, SPP = a1 */
        "csrw sepc, a0\n li t0, 0x100\n csrc sstatus, t0\n beqz a1, 1f\n csrs sstatus, t0\n"
        "1: li a0, 77\n sret\n");

static void ecalls(void)
{
    for (int priv = U; priv <= M; priv++) {
        struct trap trap;

        if (priv == 2)
            continue;
        trap = run(priv, (void *)probe_ecall, 0, 0);
        CHECK_EQ(trap.cause, ECALL_U + priv);
        CHECK_EQ(trap.epc, (u64)probe_ecall);
        CHECK_EQ(trap.tval, 0);
        CHECK_EQ(trap.status >> 11 & 3, priv);
        trap = run(priv, (void *)probe_nop, 55, 0);
        CHECK_EQ(trap.cause, NO_TRAP);
        CHECK_EQ(trap.ret, 55);
        trap = run(priv, (void *)probe_ebreak, 0, 0);
        CHECK_EQ(trap.cause, BREAKPOINT);
        CHECK_EQ(trap.epc, (u64)probe_ebreak);
        CHECK(trap.tval == 0 || trap.tval == trap.epc);
        trap = run(priv, (void *)probe_c_ebreak, 0, 0);
        CHECK_EQ(trap.cause, BREAKPOINT);
        CHECK_EQ(trap.epc, (u64)probe_c_ebreak);
    }
}

static void illegal_words(void)
{
    static const u32 words[] = {
        0x00000000, 0xffffffff, 0x0000707f, 0x00007003, 0x00004023,
        0x00002063, 0x00001067, 0x0205251b, /* slliw, shamt 32 */
        0x00c5e553,                         /* fadd.s, rm 6 */
        0x62000073,                         /* hfence.gvma */
        0x120000f3,                         /* sfence.vma with rd */
        0x00004073, 0x0000300f, 0x80000057, 0x0000405b, 0x00200073,
    };

    CSR_SET(MSTATUS, MSTATUS_FS);
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        for (int priv = U; priv <= M; priv += priv == S ? 2 : 1) {
            struct trap trap = run_insn(priv, words[i], 1, 2);
            u64 bits = (words[i] & 3) == 3 ? words[i] : words[i] & 0xffff;

            if (trap.cause != ILLEGAL)
                guest_fail(__FILE__, __LINE__, "cause of an illegal word", words[i], ILLEGAL);
            CHECK(trap.tval == 0 || trap.tval == bits);
        }
    }
    CSR_CLEAR(MSTATUS, MSTATUS_FS);
}

static void reserved_compressed(void)
{
    static const u16 words[] = { 0x0000, 0x0008, 0x8000, 0x2001, 0x6101, 0x6501,
                                 0x9c41, 0x9c61, 0x4002, 0x6002, 0x8002 };

    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct trap trap = run_insn(S, words[i] | 0x00010000, 0, 0);

        if (trap.cause != ILLEGAL)
            guest_fail(__FILE__, __LINE__, "cause of a reserved word", words[i], ILLEGAL);
    }
}

static void access_faults(void)
{
    struct trap trap;

    for (int priv = U; priv <= M; priv += priv == S ? 2 : 1) {
        trap = run(priv, (void *)probe_ld, NOTHING_THERE, 0);
        CHECK_EQ(trap.cause, LOAD_ACCESS);
        CHECK_EQ(trap.tval, NOTHING_THERE);
        CHECK_EQ(trap.epc, (u64)probe_ld);
        CHECK_EQ(trap.ret, NOTHING_THERE); /* rd untouched */
        trap = run(priv, (void *)probe_lbu, NOTHING_THERE + 1, 0);
        CHECK_EQ(trap.cause, LOAD_ACCESS);
        CHECK_EQ(trap.tval, NOTHING_THERE + 1);
        trap = run(priv, (void *)probe_sw, NOTHING_THERE, 1);
        CHECK_EQ(trap.cause, STORE_ACCESS);
        CHECK_EQ(trap.tval, NOTHING_THERE);
        trap = run(priv, (void *)probe_exec, NOTHING_THERE, 0);
        CHECK_EQ(trap.cause, FETCH_ACCESS);
        CHECK_EQ(trap.tval, NOTHING_THERE);
        CHECK_EQ(trap.epc, NOTHING_THERE);
        trap = run(priv, (void *)probe_amoadd, NOTHING_THERE, 1);
        CHECK(trap.cause == STORE_ACCESS || trap.cause == LOAD_ACCESS); /* see strict.c */
        CHECK_EQ(trap.tval, NOTHING_THERE);
        trap = run(priv, (void *)probe_lr, NOTHING_THERE, 0);
        CHECK_EQ(trap.cause, LOAD_ACCESS);
    }
}

static void misaligned_atomics(void)
{
    struct trap trap;
    u64 addr = (u64)guest_pages + 1;

    trap = run(M, (void *)probe_lr, addr, 0);
    CHECK(trap.cause == LOAD_MISALIGNED || trap.cause == LOAD_ACCESS);
    CHECK_EQ(trap.tval, addr);
}

static void privileged_instructions(void)
{
    CHECK_EQ(run(U, (void *)probe_mret, 0, 0).cause, ILLEGAL);
    CHECK_EQ(run(S, (void *)probe_mret, 0, 0).cause, ILLEGAL);
    CHECK_EQ(run(U, (void *)probe_sret, 0, 0).cause, ILLEGAL);
    CHECK_EQ(run(U, (void *)probe_sfence, 0, 0).cause, ILLEGAL);
    CHECK_EQ(run(S, (void *)probe_sfence, 0, 0).cause, NO_TRAP);
    CHECK_EQ(run(M, (void *)probe_sfence, 0, 0).cause, NO_TRAP);
    CHECK_EQ(run(U, (void *)probe_fence_i, 0, 0).cause, NO_TRAP);

    CSR_SET(MSTATUS, MSTATUS_TSR);
    CHECK_EQ(run(S, (void *)probe_sret, 0, 0).cause, ILLEGAL);
    CSR_CLEAR(MSTATUS, MSTATUS_TSR);
    CSR_SET(MSTATUS, MSTATUS_TVM);
    CHECK_EQ(run(S, (void *)probe_sfence, 0, 0).cause, ILLEGAL);
    CHECK_EQ(run(M, (void *)probe_sfence, 0, 0).cause, NO_TRAP);
    CHECK_EQ(run_insn(S, insn_csrr(SATP), 0, 0).cause, ILLEGAL);
    CHECK_EQ(run_insn(M, insn_csrr(SATP), 0, 0).cause, NO_TRAP);
    CSR_CLEAR(MSTATUS, MSTATUS_TVM);
    CHECK_EQ(run_insn(S, insn_csrr(SATP), 0, 0).cause, NO_TRAP);
    CSR_SET(MSTATUS, MSTATUS_TW);
    CHECK_EQ(run(S, (void *)probe_wfi, 0, 0).cause, ILLEGAL);
    CHECK_EQ(run(U, (void *)probe_wfi, 0, 0).cause, ILLEGAL);
    CSR_CLEAR(MSTATUS, MSTATUS_TW);
}

static void returns(void)
{
    struct trap trap;

    /* A trap saves MIE in MPIE and clears it; mret does the inverse. */
    trap = run_with(M, (void *)probe_ecall, 0, 0, MSTATUS_MPIE);
    CHECK_EQ(trap.status & (MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP), MSTATUS_MPIE | MSTATUS_MPP);
    trap = run_with(M, (void *)probe_ecall, 0, 0, 0);
    CHECK_EQ(trap.status & (MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP), MSTATUS_MPP);

    /* sret: SPP says where to, SPIE becomes SIE; then SPIE 1 and SPP U. */
    trap = run(S, (void *)do_sret, (u64)probe_ecall, 0);
    CHECK_EQ(trap.cause, ECALL_U);
    CHECK_EQ(trap.ret, 77);
    CHECK_EQ(trap.status & (MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SIE), MSTATUS_SPIE);
    trap = run(S, (void *)do_sret, (u64)probe_ecall, 1);
    CHECK_EQ(trap.cause, ECALL_S);
    CHECK_EQ(trap.status & (MSTATUS_SPIE | MSTATUS_SPP), MSTATUS_SPIE);
    trap = run_with(S, (void *)do_sret, (u64)probe_ecall, 1, MSTATUS_SPIE);
    CHECK_EQ(trap.status & (MSTATUS_SIE | MSTATUS_SPIE), MSTATUS_SIE | MSTATUS_SPIE);
    CSR_CLEAR(MSTATUS, MSTATUS_SIE | MSTATUS_SPIE);
    /* M mode may sret, too. */
    trap = run(M, (void *)do_sret, (u64)probe_ecall, 0);
    CHECK_EQ(trap.cause, ECALL_U);
    CHECK_EQ(trap.status & MSTATUS_MPP, 0);
}

static void delegation(void)
{
    struct trap trap;

    CSR_WRITE(STVEC, guest_s_trap);
    CSR_WRITE(MEDELEG, BIT(ILLEGAL) | BIT(BREAKPOINT) | BIT(ECALL_U) | BIT(LOAD_ACCESS));
    trap = run(U, (void *)probe_ecall, 9, 0);
    CHECK_EQ(trap.cause, ECALL_U);
    CHECK_EQ(trap.taken_in, S);
    CHECK_EQ(trap.epc, (u64)probe_ecall);
    CHECK_EQ(trap.ret, 9);
    CHECK_EQ(trap.status & MSTATUS_SPP, 0);
    trap = run_with(S, (void *)probe_ebreak, 0, 0, MSTATUS_SIE);
    CHECK_EQ(trap.cause, BREAKPOINT);
    CHECK_EQ(trap.taken_in, S);
    CHECK_EQ(trap.status & (MSTATUS_SPP | MSTATUS_SIE | MSTATUS_SPIE), MSTATUS_SPP | MSTATUS_SPIE);
    trap = run(S, (void *)probe_ld, NOTHING_THERE, 0);
    CHECK_EQ(trap.cause, LOAD_ACCESS);
    CHECK_EQ(trap.taken_in, S);
    CHECK_EQ(trap.tval, NOTHING_THERE);
    CHECK_EQ(trap.status & MSTATUS_SPIE, 0);
    trap = run_insn(U, 0xffffffff, 0, 0);
    CHECK_EQ(trap.cause, ILLEGAL);
    CHECK_EQ(trap.taken_in, S);
    /* Not what is not delegated, and nothing from M. */
    trap = run(S, (void *)probe_sw, NOTHING_THERE, 0);
    CHECK_EQ(trap.cause, STORE_ACCESS);
    CHECK_EQ(trap.taken_in, M);
    trap = run(M, (void *)probe_ld, NOTHING_THERE, 0);
    CHECK_EQ(trap.cause, LOAD_ACCESS);
    CHECK_EQ(trap.taken_in, M);
    CSR_WRITE(MEDELEG, 0);
}

static void odd_jump(void)
{
    /* jalr drops the lowest bit of the sum; with C there is no misaligned fetch. */
    struct trap trap = run(S, (void *)probe_exec, (u64)probe_nop + 1, 0);

    CHECK_EQ(trap.cause, NO_TRAP);
}

int main(void)
{
    ecalls();
    illegal_words();
    reserved_compressed();
    access_faults();
    misaligned_atomics();
    privileged_instructions();
    returns();
    delegation();
    odd_jump();
    return 0;
}
