/*
 * cpu/tlb.c - dropping entries of the soft TLB, as exactly as sfence.vma asks.
 *
 * The idea: an entry covers one page even when its leaf is a superpage, so that a lookup stays
 * one compare. The price is paid here: a fence that names an address inside a superpage must
 * find all pages filled from it. Each bank keeps the bounds of the superpages it has seen since
 * it was last empty; outside of them a fence touches a single slot.
 */
#include "cpu/tlb.h"

#include <string.h>

enum { LEVEL_BITS = 9, TLB_FILTER_BITS = TLB_FILTER_WORDS * 64 };

/* Bits of a gva that a leaf of this level does not translate. */
static uint64_t leaf_offset_mask(unsigned level)
{
    return (UINT64_C(1) << (PAGE_SHIFT + LEVEL_BITS * level)) - 1;
}

static void empty(struct tlb_entry *entry)
{
    *entry = (struct tlb_entry){
        .read = TLB_NONE,
        .write = TLB_NONE,
        .exec = TLB_NONE,
        .page = TLB_NONE,
    };
}

static void empty_bank(struct tlb *tlb, unsigned bank)
{
    for (unsigned i = 0; i < TLB_ENTRIES; i++)
        empty(&tlb->bank[bank][i]);
    tlb->used[bank] = false;
    tlb->super_first[bank] = UINT64_MAX;
    tlb->super_last[bank] = 0;
}

/* ---- which code was fetched from where ---- */

static unsigned filter_bit(gva_t gva)
{
    return (gva >> PAGE_SHIFT) % TLB_FILTER_BITS;
}

void tlb_fetched(struct tlb *tlb, gva_t gva)
{
    unsigned bit = filter_bit(gva);

    tlb->fetched[bit / 64] |= UINT64_C(1) << bit % 64;
}

static void new_generation(struct tlb *tlb)
{
    tlb->generation++;
    memset(tlb->fetched, 0, sizeof(tlb->fetched));
}

/* ---- flushes ---- */

static void flush_banks(struct tlb *tlb, unsigned end)
{
    new_generation(tlb);
    for (unsigned bank = 0; bank < end; bank++) {
        if (tlb->used[bank])
            empty_bank(tlb, bank);
    }
}

void tlb_init(struct tlb *tlb)
{
    tlb->generation = 0;
    memset(tlb->fetched, 0, sizeof(tlb->fetched));
    for (unsigned bank = 0; bank < TLB_BANKS; bank++)
        empty_bank(tlb, bank);
}

void tlb_flush_all(struct tlb *tlb)
{
    flush_banks(tlb, TLB_BANKS);
}

void tlb_flush_translations(struct tlb *tlb)
{
    flush_banks(tlb, TLB_BANK_M);
}

/* Whether a fence for `asid` (any_asid: for all) is about the entry. */
static bool of_space(const struct tlb_entry *entry, bool any_asid, uint16_t asid)
{
    return any_asid || (!(entry->flags & TLB_GLOBAL) && entry->asid == asid);
}

static void flush_page(struct tlb *tlb, gva_t gva, bool any_asid, uint16_t asid)
{
    unsigned bit = filter_bit(gva);
    bool fetched = tlb->fetched[bit / 64] >> bit % 64 & 1;

    for (unsigned bank = 0; bank < TLB_BANK_M; bank++) {
        struct tlb_entry *slot = tlb_slot(tlb, bank, gva);

        if (slot->page == (gva & PAGE_ADDR_MASK) && of_space(slot, any_asid, asid))
            empty(slot);
        if (gva < tlb->super_first[bank] || gva > tlb->super_last[bank])
            continue;
        fetched = true; /* a superpage: perhaps from another page of it */
        for (unsigned i = 0; i < TLB_ENTRIES; i++) {
            struct tlb_entry *entry = &tlb->bank[bank][i];

            if (entry->level != 0 && ((entry->page ^ gva) & ~leaf_offset_mask(entry->level)) == 0 &&
                of_space(entry, any_asid, asid))
                empty(entry);
        }
    }
    if (fetched)
        new_generation(tlb);
}

void tlb_flush_page(struct tlb *tlb, gva_t gva)
{
    flush_page(tlb, gva, true, 0);
}

void tlb_flush_page_asid(struct tlb *tlb, gva_t gva, uint16_t asid)
{
    flush_page(tlb, gva, false, asid);
}

void tlb_flush_asid(struct tlb *tlb, uint16_t asid)
{
    new_generation(tlb);
    for (unsigned bank = 0; bank < TLB_BANK_M; bank++) {
        for (unsigned i = 0; tlb->used[bank] && i < TLB_ENTRIES; i++) {
            if (of_space(&tlb->bank[bank][i], false, asid))
                empty(&tlb->bank[bank][i]);
        }
    }
}

void tlb_switch_space(struct tlb *tlb)
{
    new_generation(tlb);
    for (unsigned bank = 0; bank < TLB_BANK_M; bank++) {
        for (unsigned i = 0; tlb->used[bank] && i < TLB_ENTRIES; i++) {
            if (!(tlb->bank[bank][i].flags & TLB_GLOBAL))
                empty(&tlb->bank[bank][i]);
        }
    }
}

/* Fast or slow, the tag of a permitted write becomes slow; that of no permission stays. */
static void slow_write(struct tlb_entry *entry)
{
    if (entry->write != TLB_NONE)
        entry->write |= TLB_SLOW;
}

void tlb_flush_writes(struct tlb *tlb)
{
    for (unsigned bank = 0; bank < TLB_BANKS; bank++) {
        for (unsigned i = 0; tlb->used[bank] && i < TLB_ENTRIES; i++)
            slow_write(&tlb->bank[bank][i]);
    }
}

void tlb_flush_writes_to(struct tlb *tlb, gpa_t gpa)
{
    for (unsigned bank = 0; bank < TLB_BANKS; bank++) {
        for (unsigned i = 0; tlb->used[bank] && i < TLB_ENTRIES; i++) {
            if (tlb->bank[bank][i].gpa == (gpa & PAGE_ADDR_MASK))
                slow_write(&tlb->bank[bank][i]);
        }
    }
}

void tlb_filled(struct tlb *tlb, enum tlb_bank bank, const struct tlb_entry *entry)
{
    tlb->used[bank] = true;
    if (entry->level != 0) {
        uint64_t mask = leaf_offset_mask(entry->level);

        if ((entry->page & ~mask) < tlb->super_first[bank])
            tlb->super_first[bank] = entry->page & ~mask;
        if ((entry->page | mask) > tlb->super_last[bank])
            tlb->super_last[bank] = entry->page | mask;
    }
}
