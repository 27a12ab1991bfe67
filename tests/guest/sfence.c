/* sfence.vma in its four forms, address-space identifiers, satp switches: after the fence that
 * covers it, a changed entry counts; a space never sees another's entries. Also page-table
 * changes that make an entry stronger or weaker, and code pages that change under execution. */
#include "guest.h"

#define VA ((u64)0x1000000000)
#define PAGE(n) ((u64)guest_pages[n])
enum { LEAF = PTE_V | PTE_AD | PTE_RWX };

static struct space one, two;

static u64 load(u64 va)
{
    struct trap trap = run(S, (void *)probe_ld, va, 0);

    CHECK_EQ(trap.cause, NO_TRAP);
    return trap.ret;
}

static void fence(int form, u64 va, u64 asid)
{
    switch (form) {
    case 0:
        __asm__ volatile("sfence.vma" ::: "memory");
        break;
    case 1:
        __asm__ volatile("sfence.vma %0" : : "r"(va) : "memory");
        break;
    case 2:
        __asm__ volatile("sfence.vma x0, %0" : : "r"(asid) : "memory");
        break;
    case 3:
        __asm__ volatile("sfence.vma %0, %1" : : "r"(va), "r"(asid) : "memory");
        break;
    }
}

static void four_forms(u64 asid)
{
    for (int level = 0; level < 3; level++) {
        for (int form = 0; form < 4; form++) {
            u64 va = VA + ((u64)level << 31);
            u64 size = BIT(12 + 9 * level);
            u64 *pte = space_entry(&one, va, level);
            u64 at = va + (PAGE(1) & (size - 1));
            u64 bits = (PAGE(1) & ~(size - 1)) >> 2 | LEAF;

            *pte = 0;
            fence(0, 0, 0);
            CHECK_EQ(run(S, (void *)probe_ld, at, 0).cause, LOAD_PAGE);
            /* From invalid to valid. */
            *pte = bits;
            fence(form, at, asid);
            CHECK_EQ(load(at), 0x1111);
            /* To read-only, and back. */
            CHECK_EQ(run(S, (void *)probe_sd, at + 8, 1).cause, NO_TRAP);
            *pte = bits & ~(u64)PTE_W;
            fence(form, at, asid);
            CHECK_EQ(run(S, (void *)probe_sd, at + 8, 1).cause, STORE_PAGE);
            *pte = bits;
            fence(form, at, asid);
            CHECK_EQ(run(S, (void *)probe_sd, at + 8, 1).cause, NO_TRAP);
            /* Elsewhere. */
            if (level == 0) {
                *pte = PAGE(2) >> 2 | LEAF;
                fence(form, at, asid);
                CHECK_EQ(load(at), 0x2222);
            }
            /* Away. */
            *pte = 0;
            fence(form, at, asid);
            CHECK_EQ(run(S, (void *)probe_ld, at, 0).cause, LOAD_PAGE);
        }
    }
}

/* The fence may name any address of a superpage. */
static void superpage_by_any_address(void)
{
    u64 base = PAGE(0) & ~(BIT(21) - 1), *pte = space_entry(&one, VA + BIT(32), 1);

    *pte = base >> 2 | LEAF;
    fence(0, 0, 0);
    CHECK_EQ(load(VA + BIT(32) + (PAGE(1) - base)), 0x1111);
    CHECK_EQ(load(VA + BIT(32) + (PAGE(2) - base)), 0x2222);
    *pte = 0;
    fence(1, VA + BIT(32) + 0x1ff000, 0);
    CHECK_EQ(run(S, (void *)probe_ld, VA + BIT(32) + (PAGE(1) - base), 0).cause, LOAD_PAGE);
    CHECK_EQ(run(S, (void *)probe_ld, VA + BIT(32) + (PAGE(2) - base), 0).cause, LOAD_PAGE);
}

/* A pointer changes: the fence that names an address under it is enough. */
static void pointer_changes(void)
{
    u64 va = VA + BIT(33);
    u64 *first = space_entry(&one, va, 0), *pointer = space_entry(&one, va, 1);
    u64 *second = space_entry(&one, va + BIT(21), 0);
    u64 other = *space_entry(&one, va + BIT(21), 1), keep = *pointer;

    *first = PAGE(1) >> 2 | LEAF;
    *second = PAGE(2) >> 2 | LEAF;
    fence(0, 0, 0);
    CHECK_EQ(load(va), 0x1111);
    *pointer = other;
    fence(1, va, 0);
    CHECK_EQ(load(va), 0x2222);
    *pointer = keep;
    fence(1, va, 0);
    CHECK_EQ(load(va), 0x1111);
}

static void two_spaces(void)
{
    u64 max_asid;

    space_use(&one, 0xffff);
    max_asid = CSR_READ(SATP) >> 44 & 0xffff;
    /* Without identifiers each switch needs a fence; with them none does. */
    space_map(&one, VA, PAGE(1), 0, LEAF);
    space_map(&two, VA, PAGE(2), 0, LEAF);
    space_map(&one, VA + 0x5000, PAGE(3), 0, LEAF | PTE_G);
    space_map(&two, VA + 0x5000, PAGE(3), 0, LEAF | PTE_G);
    sfence_vma();
    for (int i = 0; i < 10; i++) {
        CSR_WRITE(SATP, (u64)SV39 << 60 | (max_asid ? (u64)1 << 44 : 0) | (u64)one.root >> 12);
        if (!max_asid)
            sfence_vma();
        CHECK_EQ(load(VA), 0x1111);
        CHECK_EQ(load(VA + 0x5000), 0x3333);
        CSR_WRITE(SATP, (u64)SV39 << 60 | (max_asid ? (u64)2 << 44 : 0) | (u64)two.root >> 12);
        if (!max_asid)
            sfence_vma();
        CHECK_EQ(load(VA), 0x2222);
        CHECK_EQ(load(VA + 0x5000), 0x3333);
    }
    if (max_asid) {
        /* A fence for one identifier leaves the other's correct. */
        space_map(&one, VA, PAGE(3), 0, LEAF);
        fence(2, 0, 1);
        CHECK_EQ(load(VA), 0x2222);
        CSR_WRITE(SATP, (u64)SV39 << 60 | (u64)1 << 44 | (u64)one.root >> 12);
        CHECK_EQ(load(VA), 0x3333);
    }
    /* A fence without identifier covers global pages. */
    *space_entry(&one, VA + 0x5000, 0) = 0;
    fence(1, VA + 0x5000, 0);
    CHECK_EQ(run(S, (void *)probe_ld, VA + 0x5000, 0).cause, LOAD_PAGE);
}

static void use(struct space *space, u64 asid)
{
    CSR_WRITE(SATP, (u64)SV39 << 60 | asid << 44 | (u64)space->root >> 12);
}

/* More identifiers than one would keep apart by hardware, in turns: odd ones are for `one`. What is
 * fenced for an identifier that is not in use counts when it is used again. */
static void many_spaces(void)
{
    static const u64 page_of[3] = { 1, 3, 1 };
    u64 max_asid;

    space_use(&one, 0xffff);
    max_asid = CSR_READ(SATP) >> 44 & 0xffff;
    if (max_asid < 20)
        return;
    space_map(&two, VA, PAGE(2), 0, LEAF);
    space_map(&one, VA, PAGE(1), 0, LEAF);
    sfence_vma();
    for (int round = 0; round < 3; round++) {
        space_map(&one, VA, PAGE(page_of[round]), 0, LEAF);
        for (u64 asid = 1; round != 0 && asid <= 20; asid += 2)
            fence(round == 1 ? 2 : 3, VA, asid);
        for (u64 i = 0; i < 60; i++) {
            u64 asid = i * 7 % 20 + 1;

            use(asid & 1 ? &one : &two, asid);
            CHECK_EQ(load(VA), asid & 1 ? page_of[round] * 0x1111 : 0x2222);
        }
    }
}

/* The same virtual address executes other code when its page changes. */
static void code_pages(void)
{
    for (unsigned page = 6; page < 8; page++) {
        ((u32 *)PAGE(page))[0] = 0x00000513 | page << 20; /* li a0, page */
        ((u32 *)PAGE(page))[1] = 0x00008067;              /* ret */
    }
    fence_i();
    for (int i = 0; i < 20; i++) {
        unsigned page = 6 + (i & 1);

        space_map(&one, VA + 0x8000, PAGE(page), 0, LEAF);
        fence(i & 2 ? 1 : 0, VA + 0x8000, 0);
        CHECK_EQ(run(S, (void *)probe_exec, VA + 0x8000, 0).ret, page);
    }
    space_map(&one, VA + 0x8000, PAGE(6), 0, PTE_V | PTE_AD | PTE_R);
    fence(1, VA + 0x8000, 0);
    CHECK_EQ(run(S, (void *)probe_exec, VA + 0x8000, 0).cause, FETCH_PAGE);
    /* Bare and back: translation is off at once. */
    space_map(&one, VA + 0x8000, PAGE(7), 0, LEAF);
    fence(0, 0, 0);
    CHECK_EQ(run(S, (void *)probe_exec, VA + 0x8000, 0).ret, 7);
    CSR_WRITE(SATP, 0);
    sfence_vma();
    CHECK_EQ(run(S, (void *)probe_exec, PAGE(6), 0).ret, 6);
    space_use(&one, 0);
    CHECK_EQ(run(S, (void *)probe_exec, VA + 0x8000, 0).ret, 7);
}

int main(void)
{
    for (u64 i = 0; i < 4; i++)
        *(u64 *)PAGE(i) = 0x1111 * i;
    space_init(&one, SV39);
    space_use(&one, 0);
    four_forms(0);
    space_use(&one, 1);
    four_forms(CSR_READ(SATP) >> 44 & 0xffff);
    space_use(&one, 0);
    superpage_by_any_address();
    pointer_changes();
    space_init_another(&two, SV39);
    two_spaces();
    many_spaces();
    space_use(&one, 0);
    code_pages();
    return 0;
}
