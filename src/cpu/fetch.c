/*
 * cpu/fetch.c - where instructions come from, and sfence.vma, which makes it forgotten.
 *
 * Instructions are fetched from plain memory only (RAM, ROM, flash in read mode): what else is
 * at an address has no execute permission among its PMAs.
 */
#include "cpu/internal.h"

bool hart_fetch_page(struct hart *hart, gva_t gva, gpa_t *ret_gpa, const uint8_t **ret_hva)
{
    enum tlb_bank bank = hart->fetch_bank;
    struct tlb_entry *entry = access_find(hart, gva, ACCESS_EXEC, ACCESS_EXEC, bank);
    const struct mem_range *range;

    if (entry == NULL || !access_pmp(hart, entry, gva, 2, ACCESS_EXEC, ACCESS_EXEC, bank))
        return false;
    tlb_fetched(&hart->tlb, bank, entry);
    *ret_gpa = access_gpa(entry, gva);
    *ret_hva = NULL;
    if (entry->ram != NULL) {
        if (!(entry->flags & TLB_PMP))
            *ret_hva = access_hva(entry, gva & PAGE_ADDR_MASK);
        return true;
    }
    range = mem_find(hart->space, *ret_gpa);
    if (range == NULL || !range->readable)
        return access_fault(hart, ACCESS_EXEC, gva);
    return true;
}

/* Two bytes at a 2-aligned address. */
static bool fetch_parcel(struct hart *hart, gva_t gva, uint32_t *ret_parcel)
{
    const uint8_t *hva;
    uint64_t parcel;
    gpa_t gpa;

    if (!hart_fetch_page(hart, gva, &gpa, &hva))
        return false;
    if (hva != NULL) {
        *ret_parcel = __atomic_load_n(
            (const uint16_t *)(const void *)(hva + (gva & PAGE_OFFSET_MASK)), __ATOMIC_RELAXED);
        return true;
    }
    if (mem_load(hart->space, gpa, 2, &parcel) != MEM_OK)
        return access_fault(hart, ACCESS_EXEC, gva);
    *ret_parcel = (uint32_t)parcel;
    return true;
}

bool hart_fetch_insn(struct hart *hart, gva_t gva, uint32_t *ret_raw)
{
    uint32_t low = 0, high = 0;

    gva &= ~(gva_t)1;
    if (!fetch_parcel(hart, gva, &low))
        return false;
    if ((low & 3) == 3 && !fetch_parcel(hart, gva + 2, &high))
        return false;
    *ret_raw = high << 16 | low;
    return true;
}

bool hart_sfence_vma(struct hart *hart, bool has_gva, gva_t gva, bool has_asid, uint64_t asid)
{
    const struct riscv_state *s = &hart->s;

    if (s->priv == PRIV_U || (s->priv == PRIV_S && (s->mstatus & MSTATUS_TVM)))
        return false;
    hart->reservation = UINT64_MAX; /* it is a virtual address */
    if (has_gva && has_asid)
        tlb_flush_page_asid(&hart->tlb, gva, (uint16_t)asid);
    else if (has_gva)
        tlb_flush_page(&hart->tlb, gva);
    else if (has_asid)
        tlb_flush_asid(&hart->tlb, (uint16_t)asid);
    else
        tlb_flush_translations(&hart->tlb);
    return true;
}
