/* Zicbom, Zicboz, Zicbop: what blocks they act on (64 bytes), what permits them in S and U mode,
 * which faults they raise; prefetches never trap. */
#include "guest.h"

#define VA ((u64)0x1000000000)
enum {
    CBO_INVAL = 0x0005200f,
    CBO_CLEAN = 0x0015200f,
    CBO_FLUSH = 0x0025200f,
    CBO_ZERO = 0x0045200f,
    PREFETCH_I = 0x00056013,
    PREFETCH_R = 0x00156013,
    PREFETCH_W = 0x00356013, /* 0(a0) */
    BLOCK = 64,
    NOTHING_THERE = 0x50000,
};

static struct space space;

static void fill(void)
{
    for (unsigned i = 0; i < 4096; i++)
        guest_pages[0][i] = (u8)(i | 1);
}

static void permits(void)
{
    static const struct {
        u32 insn;
        u64 bits;
    } ops[] = {
        { CBO_CLEAN, MENVCFG_CBCFE }, { CBO_FLUSH, MENVCFG_CBCFE },      { CBO_ZERO, MENVCFG_CBZE },
        { CBO_INVAL, MENVCFG_CBIE },  { CBO_INVAL, MENVCFG_CBIE_INVAL },
    };
    u64 addr = (u64)guest_pages;

    for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        CSR_WRITE(MENVCFG, 0);
        CSR_WRITE(SENVCFG, 0);
        CHECK_EQ(run_insn(M, ops[i].insn, addr, 0).cause, NO_TRAP);
        CHECK_EQ(run_insn(S, ops[i].insn, addr, 0).cause, ILLEGAL);
        CHECK_EQ(run_insn(U, ops[i].insn, addr, 0).cause, ILLEGAL);
        CSR_WRITE(MENVCFG, ops[i].bits);
        CHECK_EQ(CSR_READ(MENVCFG), ops[i].bits);
        CHECK_EQ(run_insn(S, ops[i].insn, addr, 0).cause, NO_TRAP);
        CHECK_EQ(run_insn(U, ops[i].insn, addr, 0).cause, ILLEGAL);
        CSR_WRITE(SENVCFG, ops[i].bits);
        CHECK_EQ(CSR_READ(SENVCFG), ops[i].bits);
        CHECK_EQ(run_insn(U, ops[i].insn, addr, 0).cause, NO_TRAP);
        CSR_WRITE(MENVCFG, 0);
        CHECK_EQ(run_insn(U, ops[i].insn, addr, 0).cause, ILLEGAL);
        CHECK_EQ(run_insn(S, ops[i].insn, addr, 0).cause, ILLEGAL);
    }
    CHECK((CSR_TRY(MENVCFG, BIT(5)) & MENVCFG_CBIE_INVAL) != BIT(5)); /* CBIE 2 is reserved */
    CSR_WRITE(MENVCFG, MENVCFG_CBIE_INVAL | MENVCFG_CBCFE | MENVCFG_CBZE);
    CSR_WRITE(SENVCFG, MENVCFG_CBIE_INVAL | MENVCFG_CBCFE | MENVCFG_CBZE);
}

static void zero(void)
{
    for (unsigned at = 0; at < 3 * BLOCK; at += 13) {
        u64 block = at / BLOCK * BLOCK;

        fill();
        CHECK_EQ(run_insn(M, CBO_ZERO, (u64)guest_pages + 256 + at, 0).cause, NO_TRAP);
        for (unsigned i = 0; i < 4096; i++)
            CHECK_EQ(guest_pages[0][i],
                     i >= 256 + block && i < 256 + block + BLOCK ? 0 : (u8)(i | 1));
    }
    /* The others change nothing a single hart can see. */
    fill();
    CHECK_EQ(run_insn(M, CBO_CLEAN, (u64)guest_pages, 0).cause, NO_TRAP);
    CHECK_EQ(run_insn(M, CBO_FLUSH, (u64)guest_pages + 5, 0).cause, NO_TRAP);
    CHECK_EQ(run_insn(M, CBO_INVAL, (u64)guest_pages + 64, 0).cause, NO_TRAP);
    for (unsigned i = 0; i < 4096; i++)
        CHECK_EQ(guest_pages[0][i], (u8)(i | 1));
}

static void faults(void)
{
    static const u32 ops[] = { CBO_CLEAN, CBO_FLUSH, CBO_INVAL, CBO_ZERO };
    u64 page = (u64)guest_pages[0] >> 2;

    space_init(&space, SV39);
    space_use(&space, 0);
    for (unsigned i = 0; i < 4; i++) {
        struct trap trap;

        *space_entry(&space, VA, 0) = 0;
        sfence_vma();
        trap = run_insn(S, ops[i], VA + 77, 0);
        CHECK_EQ(trap.cause, STORE_PAGE);
        CHECK_EQ(trap.tval & ~(u64)(BLOCK - 1), VA + BLOCK); /* in the block, or as given */
        /* Read-only: no zeroing; management needs only one of the permissions. */
        *space_entry(&space, VA, 0) = page | PTE_V | PTE_AD | PTE_R;
        sfence_vma();
        trap = run_insn(S, ops[i], VA, 0);
        CHECK_EQ(trap.cause, ops[i] == CBO_ZERO ? STORE_PAGE : NO_TRAP);
        *space_entry(&space, VA, 0) = page | PTE_V | PTE_AD | PTE_R | PTE_W;
        sfence_vma();
        CHECK_EQ(run_insn(S, ops[i], VA, 0).cause, NO_TRAP);
        *space_entry(&space, VA, 0) = page | PTE_V | PTE_AD | PTE_R | PTE_W | PTE_U;
        sfence_vma();
        CHECK_EQ(run_insn(S, ops[i], VA, 0).cause, STORE_PAGE);
        CSR_WRITE(SATP, 0);
        sfence_vma();
        trap = run_insn(M, ops[i], NOTHING_THERE, 0);
        CHECK(trap.cause == STORE_ACCESS || (trap.cause == NO_TRAP && ops[i] != CBO_ZERO));
        space_use(&space, 0);
    }
}

static void prefetches(void)
{
    static const u32 ops[] = { PREFETCH_I, PREFETCH_R, PREFETCH_W };
    static const u64 where[] = { 0, NOTHING_THERE, VA, BIT(63), 1 };

    *space_entry(&space, VA, 0) = 0;
    sfence_vma();
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned j = 0; j < 5; j++) {
            CHECK_EQ(run_insn(M, ops[i], where[j], 0).cause, NO_TRAP);
            CHECK_EQ(run_insn(S, ops[i], where[j], 0).cause, NO_TRAP);
            CHECK_EQ(run_insn(S, ops[i] | 0x7e000000u, where[j], 0).ret, where[j]);
        }
    }
}

int main(void)
{
    permits();
    zero();
    faults();
    prefetches();
    return 0;
}
