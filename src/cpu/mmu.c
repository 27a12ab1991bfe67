/*
 * cpu/mmu.c - the page walk: Sv39, Sv48, Sv57 (12.3.2) with Svnapot, Svpbmt, Svade and Svadu.
 *
 * One walk answers for every kind of access to the page, so that the soft TLB fills all its tags
 * at once; only W waits until D is set. Page tables must be plain memory; each PTE is read once,
 * atomically, and A and D are set by compare-and-swap on what was read: if it changed meanwhile
 * the walk starts over, so a PTE the guest is just replacing is never resurrected.
 *
 * Reserved bits and encodings raise a page fault (12.3.2 step 3): bits 60 to 54, PBMT without
 * Svpbmt or as 3, N without Svnapot or not as the 64 KiB pattern, and U, A, D, N, PBMT in
 * pointers to a next level.
 */
#include "cpu/internal.h"
#include "cpu/spy.h"

struct leaf {
    uint64_t pte;
    gpa_t pte_gpa;
    struct ram_block *ram; /* that holds the PTE */
    uint64_t ram_offset;
    bool ram_writable;
    unsigned level;
    bool global;
};

#define PTE_POINTER_RESERVED (PTE_U | PTE_A | PTE_D | PTE_PBMT | PTE_N)

static unsigned levels_of(uint64_t satp)
{
    return 3 + (unsigned)(field_get(satp, SATP_MODE) - SATP_SV39);
}

static uint64_t offset_mask(unsigned level)
{
    return (UINT64_C(1) << (PAGE_SHIFT + PTE_LEVEL_BITS * level)) - 1;
}

/* Bits above the scheme's width copy its highest one. */
static bool is_canonical(gva_t gva, unsigned levels)
{
    unsigned spare = 64 - (PAGE_SHIFT + PTE_LEVEL_BITS * levels);

    return (uint64_t)((int64_t)(gva << spare) >> spare) == gva;
}

static bool reserved_set(const struct hart *hart, uint64_t pte, unsigned level)
{
    uint64_t pbmt = pte & PTE_PBMT;

    if (pte & PTE_RESERVED)
        return true;
    if (!(pte & (PTE_R | PTE_X)))
        return (pte & PTE_POINTER_RESERVED) != 0;
    if (pbmt != 0 && (!(hart->s.menvcfg & MENVCFG_PBMTE) || pbmt == PTE_PBMT))
        return true;
    if (!(pte & PTE_N))
        return false;
    return !isa_has(hart->isa, ISA_EXT_SVNAPOT) || level != 0 ||
           (field_get(pte, PTE_PPN) & PTE_NAPOT_PPN_MASK) != PTE_NAPOT_64K_PPN;
}

/* Steps 1 to 5: down to a valid leaf. */
static enum mmu_result find_leaf(struct hart *hart, gva_t gva, struct leaf *leaf)
{
    uint64_t satp = hart->s.satp;
    gpa_t table = field_get(satp, SATP_PPN) << PAGE_SHIFT;
    unsigned levels = levels_of(satp);

    leaf->global = false;
    if (!is_canonical(gva, levels))
        return MMU_PAGE_FAULT;
    for (unsigned level = levels; level-- > 0;) {
        unsigned shift = PAGE_SHIFT + PTE_LEVEL_BITS * level;
        uint64_t index = gva >> shift & ((1u << PTE_LEVEL_BITS) - 1);
        uint64_t pte;

        leaf->pte_gpa = table + index * PTE_SIZE_BYTES;
        leaf->ram = hart_find_ram(hart, leaf->pte_gpa, PTE_SIZE_BYTES, &leaf->ram_offset,
                                  &leaf->ram_writable);
        if (leaf->ram == NULL ||
            !pmp_permits(&hart->pmp, leaf->pte_gpa, PTE_SIZE_BYTES, ACCESS_READ, PRIV_S))
            return MMU_ACCESS_FAULT;
        pte = __atomic_load_n((uint64_t *)(void *)(leaf->ram->hva + leaf->ram_offset),
                              __ATOMIC_ACQUIRE);
        if (!(pte & PTE_V) || (!(pte & PTE_R) && (pte & PTE_W)) || reserved_set(hart, pte, level))
            return MMU_PAGE_FAULT;
        leaf->global |= (pte & PTE_G) != 0;
        if (pte & (PTE_R | PTE_X)) {
            leaf->pte = pte;
            leaf->level = level;
            return (field_get(pte, PTE_PPN) << PAGE_SHIFT) & offset_mask(level) & PAGE_ADDR_MASK
                       ? MMU_PAGE_FAULT /* a misaligned superpage */
                       : MMU_OK;
        }
        table = field_get(pte, PTE_PPN) << PAGE_SHIFT;
    }
    return MMU_PAGE_FAULT;
}

static unsigned leaf_shift(const struct leaf *leaf)
{
    if (leaf->pte & PTE_N)
        return PAGE_SHIFT + PTE_NAPOT_64K_SHIFT;
    return PAGE_SHIFT + PTE_LEVEL_BITS * leaf->level;
}

static gpa_t leaf_gpa(const struct leaf *leaf, gva_t gva)
{
    uint64_t mask = (UINT64_C(1) << leaf_shift(leaf)) - 1;

    return ((field_get(leaf->pte, PTE_PPN) << PAGE_SHIFT) & ~mask) | (gva & mask);
}

static unsigned pte_perms(uint64_t pte)
{
    return (pte & PTE_R ? PERM_R : 0u) | (pte & PTE_W ? PERM_W : 0u) | (pte & PTE_X ? PERM_X : 0u);
}

/* Steps 6 and 8, A and D apart. */
unsigned mmu_perms(const struct hart *hart, unsigned perms, unsigned flags, enum tlb_bank bank)
{
    if (flags & TLB_IDENTITY)
        return perms;
    if (hart->mxr && (perms & PERM_X))
        perms |= PERM_R;
    if (bank == TLB_BANK_U)
        return flags & TLB_USER ? perms : 0;
    if (!(flags & TLB_USER))
        return perms;
    return bank == TLB_BANK_S_SUM ? perms & ~(unsigned)PERM_X : 0;
}

/* Step 9: sets `bits` in the PTE if it still is what was read. True: it is done; *ret_result says
 * how it went. False: the PTE has changed. */
static bool set_accessed(struct hart *hart, struct leaf *leaf, uint64_t bits,
                         enum mmu_result *ret_result)
{
    uint64_t expected = leaf->pte;

    if (!(hart->s.menvcfg & MENVCFG_ADUE)) {
        *ret_result = MMU_PAGE_FAULT;
        return true;
    }
    if (!leaf->ram_writable ||
        !pmp_permits(&hart->pmp, leaf->pte_gpa, PTE_SIZE_BYTES, ACCESS_WRITE, PRIV_S)) {
        *ret_result = MMU_ACCESS_FAULT;
        return true;
    }
    if (!__atomic_compare_exchange_n((uint64_t *)(void *)(leaf->ram->hva + leaf->ram_offset),
                                     &expected, expected | bits, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return false;
    ram_block_wrote(leaf->ram, leaf->ram_offset, PTE_SIZE_BYTES);
    if (unlikely(hart->spy != NULL))
        hart->spy->ops->walked(hart->spy, leaf->ram->hva + leaf->ram_offset, bits);
    leaf->pte |= bits;
    *ret_result = MMU_OK;
    return true;
}

unsigned mmu_bank_priv(enum tlb_bank bank)
{
    return bank == TLB_BANK_M ? PRIV_M : bank == TLB_BANK_U ? PRIV_U : PRIV_S;
}

enum mmu_result mmu_translate(struct hart *hart, gva_t gva, enum access_kind kind,
                              enum tlb_bank bank, struct mmu_page *ret_page)
{
    uint64_t needed = kind == ACCESS_WRITE ? PTE_A | PTE_D : PTE_A;
    enum mmu_result result;
    struct leaf leaf;
    unsigned perms, flags;

    if (bank == TLB_BANK_M || field_get(hart->s.satp, SATP_MODE) == SATP_BARE) {
        *ret_page =
            (struct mmu_page){ gva & PAGE_ADDR_MASK, PERM_RWX, PAGE_SHIFT, TLB_IDENTITY, true };
        return MMU_OK;
    }
    do {
        result = find_leaf(hart, gva, &leaf);
        if (result != MMU_OK)
            return result;
        perms = pte_perms(leaf.pte);
        flags = leaf.pte & PTE_U ? TLB_USER : 0;
        if (!(mmu_perms(hart, perms, flags, bank) >> kind & 1))
            return MMU_PAGE_FAULT;
        if ((leaf.pte & needed) == needed)
            break;
    } while (!set_accessed(hart, &leaf, needed, &result));
    if (result != MMU_OK)
        return result;
    if (!(leaf.pte & PTE_D))
        perms &= ~(unsigned)PERM_W;
    *ret_page = (struct mmu_page){ leaf_gpa(&leaf, gva) & PAGE_ADDR_MASK, perms,
                                   (uint8_t)leaf_shift(&leaf), (uint8_t)flags, leaf.global };
    return MMU_OK;
}

bool hart_translate_debug(struct hart *hart, gva_t gva, gpa_t *ret_gpa)
{
    struct leaf leaf;

    if (hart->s.priv == PRIV_M || field_get(hart->s.satp, SATP_MODE) == SATP_BARE) {
        *ret_gpa = gva;
        return true;
    }
    /* The hart may be paused, with what it remembers of the memory map out of date. */
    if (atomic_load(&hart->requests) & HART_REQ_MAP_CHANGED)
        hart_forget_map(hart);
    if (find_leaf(hart, gva, &leaf) != MMU_OK)
        return false;
    *ret_gpa = leaf_gpa(&leaf, gva);
    return true;
}
