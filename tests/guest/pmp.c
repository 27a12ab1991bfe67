/* Physical memory protection: matching in all three modes, permissions for each kind of access,
 * priority, accesses that are only half inside, page walks, MPRV, locked entries. Needs 16 entries.
 */
#include "guest.h"

#define VA ((u64)0x1000000000)
#define PAGE(n) ((u64)guest_pages[n])
enum { R = 1, W = 2, X = 4, TOR = 8, NA4 = 16, NAPOT = 24, L = 128 };
enum {
    PMPADDR1 = PMPADDR0 + 1,
    PMPADDR2 = PMPADDR0 + 2,
    PMPADDR14 = PMPADDR0 + 14,
    PMPADDR15 = PMPADDR0 + 15
};

static void config(u64 cfg0, u64 cfg1, u64 cfg2)
{
    CSR_WRITE(PMPCFG0, cfg0 | cfg1 << 8 | cfg2 << 16);
    sfence_vma(); /* as 3.7.2 asks after a change */
}

static u64 napot(u64 base, u64 size)
{
    return base >> 2 | (size / 8 - 1);
}

static void expect(int line, int priv, u64 addr, unsigned rwx)
{
    struct trap trap = run(priv, (void *)probe_ld, addr, 0);

    if (trap.cause != (rwx & R ? NO_TRAP : (u64)LOAD_ACCESS))
        guest_fail(__FILE__, (unsigned)line, "cause of a load", trap.cause, rwx);
    if (!(rwx & R) && trap.tval != addr)
        guest_fail(__FILE__, (unsigned)line, "tval of a load", trap.tval, addr);
    trap = run(priv, (void *)probe_sd, addr, *(u64 *)PAGE(0));
    if (trap.cause != (rwx & W ? NO_TRAP : (u64)STORE_ACCESS))
        guest_fail(__FILE__, (unsigned)line, "cause of a store", trap.cause, rwx);
    trap = run(priv, (void *)probe_exec, addr, 0);
    if (trap.cause != (rwx & X ? NO_TRAP : (u64)FETCH_ACCESS))
        guest_fail(__FILE__, (unsigned)line, "cause of a fetch", trap.cause, rwx);
    if (!(rwx & X) && trap.tval != addr)
        guest_fail(__FILE__, (unsigned)line, "tval of a fetch", trap.tval, addr);
}
#define EXPECT(priv, addr, rwx) expect(__LINE__, priv, addr, rwx)

static void permissions(void)
{
    CSR_WRITE(PMPADDR0, napot(PAGE(0), 4096));
    for (unsigned rwx = 0; rwx < 8; rwx++) {
        if ((rwx & (R | W)) == W)
            continue; /* reserved */
        config(NAPOT | rwx, 0, 0);
        CHECK_EQ(CSR_READ(PMPCFG0) & 0xff, NAPOT | rwx);
        EXPECT(S, PAGE(0), rwx);
        EXPECT(U, PAGE(0), rwx);
        EXPECT(M, PAGE(0), R | W | X); /* not locked: not for M */
        EXPECT(S, PAGE(1), R | W | X); /* the next page is entry 15's */
    }
}

static void matching(void)
{
    /* NAPOT of several sizes. */
    for (u64 size = 64; size <= 32768; size *= 8) {
        CSR_WRITE(PMPADDR0, napot(PAGE(8), size));
        config(NAPOT, 0, 0);
        CHECK_EQ(run(S, (void *)probe_ld, PAGE(8), 0).cause, LOAD_ACCESS);
        CHECK_EQ(run(S, (void *)probe_ld, PAGE(8) + size - 8, 0).cause, LOAD_ACCESS);
        CHECK_EQ(run(S, (void *)probe_ld, PAGE(8) + size, 0).cause, NO_TRAP);
        CHECK_EQ(run(S, (void *)probe_ld, PAGE(8) - 8, 0).cause, NO_TRAP);
    }
    /* Four bytes: the words beside them are free. */
    CSR_WRITE(PMPADDR0, (PAGE(8) + 256) >> 2);
    config(NA4, 0, 0);
    CHECK_EQ(CSR_READ(PMPCFG0) & 0xff, NA4);
    CHECK_EQ(run(S, (void *)probe_lw, PAGE(8) + 252, 0).cause, NO_TRAP);
    CHECK_EQ(run(S, (void *)probe_lw, PAGE(8) + 256, 0).cause, LOAD_ACCESS);
    CHECK_EQ(run(S, (void *)probe_lbu, PAGE(8) + 259, 0).cause, LOAD_ACCESS);
    CHECK_EQ(run(S, (void *)probe_lw, PAGE(8) + 260, 0).cause, NO_TRAP);
    /* TOR: from the entry below. */
    CSR_WRITE(PMPADDR0, (PAGE(8) + 64) >> 2);
    CSR_WRITE(PMPADDR1, (PAGE(8) + 128) >> 2);
    config(0, TOR, 0);
    CHECK_EQ(run(S, (void *)probe_ld, PAGE(8) + 56, 0).cause, NO_TRAP);
    CHECK_EQ(run(S, (void *)probe_ld, PAGE(8) + 64, 0).cause, LOAD_ACCESS);
    CHECK_EQ(run(S, (void *)probe_ld, PAGE(8) + 120, 0).cause, LOAD_ACCESS);
    CHECK_EQ(run(S, (void *)probe_ld, PAGE(8) + 128, 0).cause, NO_TRAP);
    /* An empty range matches nothing. */
    CSR_WRITE(PMPADDR1, (PAGE(8) + 64) >> 2);
    sfence_vma();
    CHECK_EQ(run(S, (void *)probe_ld, PAGE(8) + 64, 0).cause, NO_TRAP);
    /* Entry 0 as the top of a range that begins at 0. */
    CSR_WRITE(PMPADDR0, 0x80000000 >> 2);
    config(TOR, 0, 0);
    CHECK_EQ(run(S, (void *)probe_ld, 0x200bff8, 0).cause, LOAD_ACCESS);
    CHECK_EQ(run(S, (void *)probe_ld, PAGE(8), 0).cause, NO_TRAP);
}

static void priority(void)
{
    /* The lowest entry that matches decides. */
    CSR_WRITE(PMPADDR0, napot(PAGE(0), 4096));
    CSR_WRITE(PMPADDR1, napot(PAGE(0), 8192));
    config(NAPOT | R, NAPOT | R | W, 0);
    EXPECT(S, PAGE(0), R);
    EXPECT(S, PAGE(1), R | W);
    config(NAPOT | R | W | X, NAPOT, 0);
    EXPECT(S, PAGE(0), R | W | X);
    EXPECT(S, PAGE(1), 0);
    config(0, NAPOT | R, 0);
    EXPECT(S, PAGE(0), R);
    /* Nothing matches: S and U fail, M does not. */
    CSR_WRITE(PMPADDR15, napot(0x80000000, BIT(27)));
    config(0, 0, 0);
    CHECK_EQ(run(S, (void *)probe_ld, PAGE(1), 0).cause, NO_TRAP);
    CHECK_EQ(run(S, (void *)probe_lw, 0x200bff8, 0).cause, LOAD_ACCESS);
    CHECK_EQ(run(M, (void *)probe_lw, 0x200bff8, 0).cause, NO_TRAP);
    CSR_WRITE(PMPADDR15, -1);
}

static void halves(void)
{
    /* An access must lie in the matching entry as a whole, even where both sides permit it. */
    CSR_WRITE(PMPADDR0, (PAGE(8) + 256) >> 2);
    config(NA4 | R | W | X, 0, 0);
    CHECK_EQ(run(S, (void *)probe_lw, PAGE(8) + 256, 0).cause, NO_TRAP);
    CHECK_EQ(run(S, (void *)probe_ld, PAGE(8) + 256, 0).cause, LOAD_ACCESS);
    CHECK_EQ(run(S, (void *)probe_sd, PAGE(8) + 256, 0).cause, STORE_ACCESS);
}

static void walks(void)
{
    static struct space space;
    struct trap trap;

    space_init(&space, SV39);
    space_map(&space, VA, PAGE(1), 0, PTE_V | PTE_AD | PTE_RWX);
    space_use(&space, 0);
    CSR_WRITE(PMPADDR0, napot((u64)space_entry(&space, VA, 0) & ~(u64)4095, 4096));
    config(0, 0, 0);
    CHECK_EQ(run(S, (void *)probe_ld, VA, 0).cause, NO_TRAP);
    /* The walk's reads are S's: an access fault of the access's own kind. */
    config(NAPOT, 0, 0);
    trap = run(S, (void *)probe_ld, VA, 0);
    CHECK_EQ(trap.cause, LOAD_ACCESS);
    CHECK_EQ(trap.tval, VA);
    CHECK_EQ(run(S, (void *)probe_sd, VA, 0).cause, STORE_ACCESS);
    CHECK_EQ(run(S, (void *)probe_exec, VA, 0).cause, FETCH_ACCESS);
    config(NAPOT | R, 0, 0);
    CHECK_EQ(run(S, (void *)probe_ld, VA, 0).cause, NO_TRAP);
    /* The translated address is checked, too. */
    CSR_WRITE(PMPADDR0, napot(PAGE(1), 4096));
    config(NAPOT | R, 0, 0);
    CHECK_EQ(run(S, (void *)probe_ld, VA, 0).cause, NO_TRAP);
    trap = run(S, (void *)probe_sd, VA + 8, 0);
    CHECK_EQ(trap.cause, STORE_ACCESS);
    CHECK_EQ(trap.tval, VA + 8);
    config(0, 0, 0);
    CSR_WRITE(SATP, 0);
    sfence_vma();
}

u64 mprv_ld(u64 addr, u64 mstatus);
__asm__(".balign 4\n"
        "mprv_ld:\n csrr t0, mstatus\n csrw mstatus, a1\n ld a0, 0(a0)\n csrw mstatus, t0\n ret\n");

static void modified_privilege(void)
{
    u64 mstatus = (CSR_READ(MSTATUS) & ~MSTATUS_MPP) | MSTATUS_MPRV;

    CSR_WRITE(PMPADDR0, napot(PAGE(0), 4096));
    config(NAPOT, 0, 0);
    CHECK_EQ(run(M, (void *)mprv_ld, PAGE(0), mstatus | MSTATUS_MPP).cause, NO_TRAP);
    CHECK_EQ(run(M, (void *)mprv_ld, PAGE(0), mstatus | MSTATUS_MPP_S).cause, LOAD_ACCESS);
    CHECK_EQ(run(M, (void *)mprv_ld, PAGE(0), mstatus).cause, LOAD_ACCESS);
    CHECK_EQ(run(M, (void *)mprv_ld, PAGE(1), mstatus).cause, NO_TRAP);
}

/* Last: what is locked stays so until reset. */
static void locks(void)
{
    u64 addr = napot(PAGE(0), 4096);

    CSR_WRITE(PMPADDR0, addr);
    config(NAPOT | R | L, 0, 0);
    EXPECT(M, PAGE(0), R);
    EXPECT(S, PAGE(0), R);
    EXPECT(M, PAGE(1), R | W | X);
    CHECK_EQ(CSR_TRY(PMPADDR0, 0), addr);
    CHECK_EQ(CSR_TRY(PMPCFG0, 0) & 0xff, NAPOT | R | L);
    EXPECT(M, PAGE(0), R);
    /* A locked TOR entry locks the address below it. */
    CSR_WRITE(PMPADDR1, PAGE(2) >> 2);
    CSR_WRITE(PMPADDR2, PAGE(3) >> 2);
    CSR_WRITE(PMPCFG0, (u64)(TOR | L | X) << 16);
    sfence_vma();
    EXPECT(M, PAGE(2), X);
    CHECK_EQ(CSR_TRY(PMPADDR1, 0), PAGE(2) >> 2);
    CHECK_EQ(CSR_TRY(PMPADDR2, 0), PAGE(3) >> 2);
}

int main(void)
{
    u32 *code[] = { (u32 *)PAGE(0), (u32 *)PAGE(1), (u32 *)PAGE(2) };

    for (unsigned i = 0; i < 3; i++) {
        code[i][0] = probe_ret42[0];
        code[i][1] = probe_ret42[1];
    }
    fence_i();
    CHECK_EQ(CSR_READ(PMPCFG0) & 0xff, 0x1f); /* guest_init()'s */
    /* Entry 15 lets all pass, the lower ones are the tests'. */
    CSR_WRITE(PMPADDR15, -1);
    CSR_WRITE(PMPCFG2, (u64)0x1f << 56);
    permissions();
    matching();
    priority();
    halves();
    walks();
    modified_privilege();
    locks();
    return 0;
}
