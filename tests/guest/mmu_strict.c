/* What mmu.c leaves out because qemu 7.2 does it otherwise than the manual says. */
#include "guest.h"

#define VA ((u64)0x1000000000)
#define PAGE(n) ((u64)guest_pages[n])

static struct space space;

static void map(u64 va, u64 bits)
{
    space_map(&space, va, PAGE(0), 0, bits);
    sfence_vma();
}

static void reserved_bits(void)
{
    u64 *pointer = space_entry(&space, VA, 1);

    for (int bit = 54; bit <= 60; bit++) {
        map(VA, PTE_V | PTE_AD | PTE_RWX | BIT(bit));
        CHECK_EQ(run(S, (void *)probe_ld, VA, 0).cause, LOAD_PAGE);
        CHECK_EQ(run(S, (void *)probe_sd, VA, 0).cause, STORE_PAGE);
        CHECK_EQ(run(S, (void *)probe_exec, VA, 0).cause, FETCH_PAGE);
    }
    CSR_CLEAR(MENVCFG, MENVCFG_PBMTE);
    for (u64 pbmt = 1; pbmt <= 3; pbmt++) {
        map(VA, PTE_V | PTE_AD | PTE_RWX | pbmt << 61);
        CHECK_EQ(run(S, (void *)probe_ld, VA, 0).cause, LOAD_PAGE);
    }
    map(VA, PTE_V | PTE_AD | PTE_RWX);
    for (int bit = 54; bit <= 63; bit++) {
        *pointer |= BIT(bit);
        sfence_vma();
        CHECK_EQ(run(S, (void *)probe_ld, VA, 0).cause, LOAD_PAGE);
        *pointer &= ~BIT(bit);
    }
    sfence_vma();
    CHECK_EQ(run(S, (void *)probe_ld, VA, 0).cause, NO_TRAP);
}

int main(void)
{
    *(u32 *)PAGE(0) = probe_ret42[0];
    *(u32 *)(PAGE(0) + 4) = probe_ret42[1];
    fence_i();
    space_init(&space, SV39);
    space_use(&space, 0);
    /* An AMO reports a store where nothing is mapped, too. */
    map(VA, 0);
    CHECK_EQ(run(S, (void *)probe_amoadd, VA + 8, 1).cause, STORE_PAGE);
    CHECK_EQ(run(S, (void *)probe_amoadd, VA + 8, 1).tval, VA + 8);
    map(VA, PTE_V | PTE_AD | PTE_X);
    CHECK_EQ(run(S, (void *)probe_amoadd, VA + 8, 1).cause, STORE_PAGE);
    /* A user page is not executed in S mode, not even after SUM let it be loaded from. */
    map(VA, PTE_V | PTE_AD | PTE_RWX | PTE_U);
    CSR_SET(MSTATUS, MSTATUS_SUM);
    CHECK_EQ(run(S, (void *)probe_ld, VA, 0).cause, NO_TRAP);
    CHECK_EQ(run(S, (void *)probe_exec, VA, 0).cause, FETCH_PAGE);
    CSR_CLEAR(MSTATUS, MSTATUS_SUM);
    reserved_bits();
    /* The memory type 3 is reserved. */
    CSR_SET(MENVCFG, MENVCFG_PBMTE);
    map(VA, PTE_V | PTE_AD | PTE_RWX | BIT(61) | BIT(62));
    CHECK_EQ(run(S, (void *)probe_ld, VA, 0).cause, LOAD_PAGE);
    /* The outer steps of Svinval are not for U mode. */
    CSR_WRITE(SATP, 0);
    sfence_vma();
    CHECK_EQ(run_insn(U, 0x18000073, 0, 0).cause, ILLEGAL);
    CHECK_EQ(run_insn(U, 0x18100073, 0, 0).cause, ILLEGAL);
    space_use(&space, 0);
    /* A page table where there is no memory: access faults of the access's kind. */
    *space_entry(&space, VA + BIT(30), 1) = 0x50000 >> 12 << 10 | PTE_V;
    sfence_vma();
    CHECK_EQ(run(S, (void *)probe_ld, VA + BIT(30), 0).cause, LOAD_ACCESS);
    CHECK_EQ(run(S, (void *)probe_sd, VA + BIT(30), 0).cause, STORE_ACCESS);
    CHECK_EQ(run(S, (void *)probe_exec, VA + BIT(30), 0).cause, FETCH_ACCESS);
    CHECK_EQ(run(S, (void *)probe_exec, VA + BIT(30), 0).tval, VA + BIT(30));
    return 0;
}
