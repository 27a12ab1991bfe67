/* Address translation in Sv39, Sv48 and Sv57: permissions, what is reserved, superpages, A and D,
 * MPRV, SUM, MXR, accesses that cross pages. Modes that satp does not take are passed over. */
#include "guest.h"

#define VA ((u64)0x1000000000)
#define PAGE(n) ((u64)guest_pages[n])
enum { LOADS, STORES, FETCHES };

static struct space space;
static const u64 faults[] = { LOAD_PAGE, STORE_PAGE, FETCH_PAGE };
static const u64 access_faults[] = { LOAD_ACCESS, STORE_ACCESS, FETCH_ACCESS };

static struct trap access(int priv, int kind, u64 va)
{
    run_offset = priv == U ? U_ALIAS : 0;
    struct trap trap = kind == LOADS    ? run(priv, (void *)probe_ld, va, 0)
                       : kind == STORES ? run(priv, (void *)probe_sd, va, *(u64 *)PAGE(0))
                                        : run(priv, (void *)probe_exec, va, 0);
    run_offset = 0;
    return trap;
}

/* The access works, or page-faults with the address in tval. */
static void expect(int line, int priv, int kind, u64 va, bool works)
{
    struct trap trap = access(priv, kind, va);

    if (trap.cause != (works ? NO_TRAP : faults[kind]))
        guest_fail(__FILE__, (unsigned)line, "cause", trap.cause, works ? NO_TRAP : faults[kind]);
    if (!works && trap.tval != va)
        guest_fail(__FILE__, (unsigned)line, "tval", trap.tval, va);
    if (works && kind == FETCHES && trap.ret != 42)
        guest_fail(__FILE__, (unsigned)line, "result of what was executed", trap.ret, 42);
    if (works && kind == LOADS && trap.ret != *(u64 *)PAGE(0))
        guest_fail(__FILE__, (unsigned)line, "value loaded", trap.ret, *(u64 *)PAGE(0));
}
#define EXPECT(priv, kind, va, works) expect(__LINE__, priv, kind, va, works)

static void map(u64 va, u64 pte)
{
    *space_entry(&space, va, 0) = pte;
    sfence_vma();
}

static u64 leaf(u64 pa, u64 bits)
{
    return pa >> 12 << 10 | bits;
}

static void permissions(void)
{
    for (u64 rwx = 0; rwx < 8; rwx++) {
        bool r = rwx & 1, w = rwx & 2, x = rwx & 4, legal = rwx && !(w && !r);

        for (int user = 0; user < 2; user++) {
            map(VA, leaf(PAGE(0), PTE_V | PTE_AD | rwx << 1 | (user ? PTE_U : 0)));
            for (int priv = U; priv <= S; priv++) {
                bool mine = legal && (priv == U) == user;

                EXPECT(priv, LOADS, VA, mine && r);
                EXPECT(priv, STORES, VA, mine && w);
                EXPECT(priv, FETCHES, VA, mine && x);
            }
            /* SUM lets S load and store in user pages, never execute. */
            CSR_SET(MSTATUS, MSTATUS_SUM);
            EXPECT(S, FETCHES, VA, legal && x && !user); /* first: see strict.c */
            EXPECT(S, LOADS, VA, legal && r);
            EXPECT(S, STORES, VA, legal && w);
            CSR_CLEAR(MSTATUS, MSTATUS_SUM);
            /* MXR makes what can be executed readable. */
            CSR_SET(MSTATUS, MSTATUS_MXR);
            EXPECT(S, LOADS, VA, legal && (r || x) && !user);
            EXPECT(U, LOADS, VA, legal && (r || x) && user);
            EXPECT(U, STORES, VA, legal && w && user);
            CSR_CLEAR(MSTATUS, MSTATUS_MXR);
        }
    }
    map(VA, leaf(PAGE(0), PTE_AD | PTE_RWX)); /* V is 0: nothing else counts */
    for (int kind = LOADS; kind <= FETCHES; kind++)
        EXPECT(S, kind, VA, false);
    /* The AMO's own causes. */
    map(VA, leaf(PAGE(0), PTE_V | PTE_AD | PTE_R));
    CHECK_EQ(run(S, (void *)probe_amoadd, VA + 8, 1).cause, STORE_PAGE);
    CHECK_EQ(run(S, (void *)probe_lr, VA + 8, 1).cause, NO_TRAP);
    map(VA, 0);
    CHECK_EQ(run(S, (void *)probe_lr, VA + 8, 1).cause, LOAD_PAGE);
}

static void reserved(void)
{
    u64 good = leaf(PAGE(0), PTE_V | PTE_AD | PTE_RWX);
    u64 *table_entry;

    map(VA, good | BIT(8) | BIT(9)); /* RSW is software's */
    for (int kind = LOADS; kind <= FETCHES; kind++)
        EXPECT(S, kind, VA, true);
    map(VA, leaf(PAGE(0), PTE_V)); /* a pointer at the last level */
    EXPECT(S, LOADS, VA, false);
    /* Pointers: D, A and U are reserved, G is not. */
    map(VA, good);
    table_entry = space_entry(&space, VA, 1);
    for (u64 bit = PTE_U; bit <= PTE_D; bit <<= 1) {
        *table_entry |= bit;
        sfence_vma();
        EXPECT(S, LOADS, VA, bit == PTE_G);
        *table_entry &= ~bit;
    }
    sfence_vma();
    EXPECT(S, LOADS, VA, true);
}

/* Under ADUE hardware sets A and D; otherwise an access that would have to page-faults. */
static void accessed_dirty(bool hardware)
{
    u64 *pte = space_entry(&space, VA, 0);
    u64 bare = leaf(PAGE(0), PTE_V | PTE_RWX);

    for (int kind = LOADS; kind <= FETCHES; kind++) {
        map(VA, bare);
        EXPECT(S, kind, VA, hardware);
        CHECK_EQ(*pte, bare | (!hardware ? 0 : kind == STORES ? PTE_AD : PTE_A));
        map(VA, bare | PTE_A);
        EXPECT(S, kind, VA, hardware || kind != STORES);
        CHECK_EQ(*pte, bare | PTE_A | (hardware && kind == STORES ? PTE_D : 0));
        map(VA, bare | PTE_D);
        EXPECT(S, kind, VA, hardware);
        CHECK_EQ(*pte, bare | PTE_D | (hardware ? PTE_A : 0));
    }
    /* A load, then a store through the same translation. */
    map(VA, bare | PTE_A);
    EXPECT(S, LOADS, VA, true);
    CHECK_EQ(*pte & PTE_D, 0);
    EXPECT(S, STORES, VA, hardware);
    CHECK_EQ(*pte & PTE_D, hardware ? PTE_D : 0);
    /* An access that is not permitted leaves no mark. */
    map(VA, leaf(PAGE(0), PTE_V | PTE_R));
    EXPECT(S, STORES, VA, false);
    CHECK_EQ(*pte & PTE_D, 0);
    map(VA, bare | PTE_U);
    EXPECT(S, LOADS, VA, false);
    CHECK_EQ(*pte & PTE_AD, 0);
}

static void accessed_dirty_modes(void)
{
    bool hardware;

    CSR_SET(MENVCFG, MENVCFG_ADUE);
    if (CSR_READ(MENVCFG) & MENVCFG_ADUE) {
        accessed_dirty(true);
        CSR_CLEAR(MENVCFG, MENVCFG_ADUE);
        accessed_dirty(false);
        return;
    }
    map(VA, leaf(PAGE(0), PTE_V | PTE_RWX));
    hardware = access(S, LOADS, VA).cause == NO_TRAP;
    accessed_dirty(hardware);
}

static void superpages(void)
{
    for (int level = 1; level < space.levels; level++) {
        u64 size = BIT(12 + 9 * level);
        /* A place of its own at each level; physical address 0 at the levels above RAM. */
        u64 va = level == 1 ? VA + BIT(21) * 3 : BIT(12 + 9 * level) * (level == 2 ? 100 : 5);
        u64 pa = PAGE(0) & ~(size - 1), at = va + (PAGE(0) & (size - 1));
        u64 *pte = space_entry(&space, va, level);

        *pte = leaf(pa, PTE_V | PTE_AD | PTE_RWX);
        sfence_vma();
        for (int kind = LOADS; kind <= FETCHES; kind++)
            EXPECT(S, kind, at, true);
        EXPECT(U, LOADS, at, false);
        /* Misaligned: any low bit of the page number. */
        for (int bit = 10; bit < 10 + 9 * level; bit += 3) {
            *pte = leaf(pa, PTE_V | PTE_AD | PTE_RWX) | BIT(bit);
            sfence_vma();
            for (int kind = LOADS; kind <= FETCHES; kind++)
                EXPECT(S, kind, at, false);
        }
        *pte = leaf(pa, PTE_V | PTE_AD | PTE_R);
        sfence_vma();
        EXPECT(S, LOADS, at, true);
        EXPECT(S, STORES, at, false);
        *pte = 0;
        sfence_vma();
        EXPECT(S, LOADS, at, false);
    }
}

static void addresses(void)
{
    int top = 12 + 9 * space.levels - 1; /* the highest bit of a virtual address */
    u64 high = -BIT(top);

    /* The upper half of the address space, sign-extended; all else is not canonical. */
    space_map(&space, high, 0x80000000, 2, PTE_V | PTE_RWX | PTE_AD);
    sfence_vma();
    EXPECT(S, LOADS, high + (PAGE(0) - 0x80000000), true);
    EXPECT(S, FETCHES, high + (PAGE(0) - 0x80000000), true);
    for (int kind = LOADS; kind <= FETCHES; kind++) {
        EXPECT(S, kind, BIT(top) | PAGE(0), false);
        EXPECT(S, kind, BIT(63) | PAGE(0), false);
        EXPECT(S, kind, -BIT(top + 1) | PAGE(0), false);
    }
    *space_entry(&space, high, 2) = 0;
    sfence_vma();
}

static void pages_elsewhere(void)
{
    /* A page where there is no memory: access faults of the access's kind. */
    map(VA, leaf(0x50000, PTE_V | PTE_AD | PTE_RWX));
    for (int kind = LOADS; kind <= FETCHES; kind++) {
        struct trap trap = access(S, kind, VA);

        CHECK_EQ(trap.cause, access_faults[kind]);
        CHECK_EQ(trap.tval, VA);
    }
}

/* A load under MPRV: in assembly, for C's stack would be translated as well. */
u64 mprv_ld(u64 addr, u64 mstatus);
__asm__(".balign 4\n"
        "mprv_ld:\n csrr t0, mstatus\n csrw mstatus, a1\n ld a0, 0(a0)\n csrw mstatus, t0\n ret\n");

static void modified_privilege(void)
{
    u64 mstatus = CSR_READ(MSTATUS) & ~MSTATUS_MPP;
    u64 as_u = mstatus | MSTATUS_MPRV, as_s = as_u | MSTATUS_MPP_S;
    struct trap trap;

    map(VA, leaf(PAGE(0), PTE_V | PTE_AD | PTE_R | PTE_W));
    map(VA + 0x1000, leaf(PAGE(0), PTE_V | PTE_AD | PTE_R | PTE_W | PTE_U));
    map(VA + 0x2000, leaf(PAGE(0), PTE_V | PTE_AD | PTE_X));
    /* Not for M itself: bare, whatever satp says. */
    CHECK_EQ(run(M, (void *)probe_ld, PAGE(0), 0).ret, *(u64 *)PAGE(0));
    CHECK_EQ(run(M, (void *)probe_ld, VA, 0).cause, LOAD_ACCESS);
    trap = run(M, (void *)mprv_ld, VA, as_u);
    CHECK_EQ(trap.cause, LOAD_PAGE);
    CHECK_EQ(trap.tval, VA);
    CHECK_EQ(trap.status >> 11 & 3, M);
    CHECK_EQ(run(M, (void *)mprv_ld, VA, as_s).cause, NO_TRAP);
    CHECK_EQ(run(M, (void *)mprv_ld, VA + 0x1000, as_s).cause, LOAD_PAGE);
    CHECK_EQ(run(M, (void *)mprv_ld, VA + 0x1000, as_s | MSTATUS_SUM).cause, NO_TRAP);
    CHECK_EQ(run(M, (void *)mprv_ld, VA + 0x1000, as_u).cause, NO_TRAP);
    CHECK_EQ(run(M, (void *)mprv_ld, VA + 0x2000, as_s).cause, LOAD_PAGE);
    CHECK_EQ(run(M, (void *)mprv_ld, VA + 0x2000, as_s | MSTATUS_MXR).cause, NO_TRAP);
    CSR_CLEAR(MSTATUS, MSTATUS_SUM | MSTATUS_MXR);
}

static void crossing(void)
{
    u64 end = VA + 0x1000;
    struct trap trap;

    /* Two neighbours in virtual memory that are none in physical memory. */
    for (unsigned i = 0; i < 4096; i++) {
        guest_pages[2][i] = (u8)(i * 3 + 1);
        guest_pages[5][i] = (u8)(i * 5 + 2);
    }
    map(VA, leaf(PAGE(2), PTE_V | PTE_AD | PTE_R | PTE_W | PTE_X));
    map(end, leaf(PAGE(5), PTE_V | PTE_AD | PTE_R | PTE_W | PTE_X));
    for (unsigned before = 1; before < 8; before++) {
        u64 want = 0;

        for (unsigned i = 0; i < 8; i++)
            want |=
                (u64)(i < before ? guest_pages[2][4096 - before + i] : guest_pages[5][i - before])
                << 8 * i;
        trap = run(S, (void *)probe_ld, end - before, 0);
        CHECK_EQ(trap.cause, NO_TRAP);
        CHECK_EQ(trap.ret, want);
        trap = run(S, (void *)probe_sd, end - before, ~want);
        CHECK_EQ(trap.cause, NO_TRAP);
        CHECK_EQ(run(S, (void *)probe_ld, end - before, 0).ret, ~want);
        CHECK_EQ(guest_pages[2][4096 - before], (u8)~want);
        CHECK_EQ(guest_pages[5][7 - before], (u8)(~want >> 56));
        CHECK_EQ(guest_pages[5][8 - before], (u8)((8 - before) * 5 + 2));
        run(S, (void *)probe_sd, end - before, want);
    }
    /* The half that is not there is named. */
    map(end, 0);
    trap = run(S, (void *)probe_ld, end - 3, 0);
    CHECK_EQ(trap.cause, LOAD_PAGE);
    CHECK_EQ(trap.tval, end);
    trap = run(S, (void *)probe_sd, end - 3, 0);
    CHECK_EQ(trap.cause, STORE_PAGE);
    CHECK_EQ(trap.tval, end);
    map(VA, 0);
    trap = run(S, (void *)probe_ld, end - 3, 0);
    CHECK_EQ(trap.cause, LOAD_PAGE);
    CHECK_EQ(trap.tval, end - 3);
    /* So with an instruction: li a0, 42 begins two bytes before the end. */
    *(u16 *)(PAGE(2) + 4094) = (u16)probe_ret42[0];
    *(u16 *)PAGE(5) = (u16)(probe_ret42[0] >> 16);
    *(u16 *)(PAGE(5) + 2) = 0x8082; /* ret */
    fence_i();
    map(VA, leaf(PAGE(2), PTE_V | PTE_AD | PTE_X));
    map(end, leaf(PAGE(5), PTE_V | PTE_AD | PTE_X));
    trap = run(S, (void *)probe_exec, end - 2, 0);
    CHECK_EQ(trap.cause, NO_TRAP);
    CHECK_EQ(trap.ret, 42);
    map(end, leaf(PAGE(5), PTE_V | PTE_AD | PTE_R));
    trap = run(S, (void *)probe_exec, end - 2, 0);
    CHECK_EQ(trap.cause, FETCH_PAGE);
    CHECK_EQ(trap.epc, end - 2);
    CHECK_EQ(trap.tval, end);
    map(VA, leaf(PAGE(2), PTE_V | PTE_AD | PTE_R));
    trap = run(S, (void *)probe_exec, end - 2, 0);
    CHECK_EQ(trap.cause, FETCH_PAGE);
    CHECK_EQ(trap.tval, end - 2);
}

int main(void)
{
    static const int modes[] = { SV39, SV48, SV57 };

    for (unsigned i = 0; i < 3; i++) {
        *(u32 *)PAGE(0) = probe_ret42[0];
        *(u32 *)(PAGE(0) + 4) = probe_ret42[1];
        fence_i();
        space_init(&space, modes[i]);
        space_use(&space, 0);
        if (CSR_READ(SATP) >> 60 != (u64)modes[i]) {
            CHECK(i > 0); /* Sv39 there must be */
            break;
        }
        permissions();
        reserved();
        accessed_dirty_modes();
        superpages();
        addresses();
        pages_elsewhere();
        modified_privilege();
        crossing();
        CSR_WRITE(SATP, 0);
        sfence_vma();
    }
    return 0;
}
