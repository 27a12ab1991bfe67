/* cpu/tlb.h - the soft TLB of one hart: gva to hva in one compare and one add.
 *
 * Direct-mapped banks, one per translation regime. An entry has a tag per access kind: the gva's
 * page address, or TLB_NONE. A tag with TLB_SLOW set never compares equal, so the access takes
 * the slow path, which finds MMIO, watched pages (mem/ram.h), pages that the PMP divides, and
 * misaligned or crossing accesses there. The fast compare keeps the low address bits that must
 * be zero for alignment:
 *     (gva & (PAGE_ADDR_MASK | (size - 1))) == tag
 * so TLB_SLOW is a bit no access of up to 16 bytes keeps.
 *
 * Entries hold host addresses: they are good only inside the RCU read side (mem/space.h), and
 * HART_REQ_MAP_CHANGED drops them before the hart's next block.
 * Owned by the hart's thread; others ask by hart_request() (hart.h).
 */
#ifndef CPU_TLB_H
#define CPU_TLB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"

struct ram_block;

enum { TLB_ENTRIES = 256, TLB_FOLD = 8, TLB_FILTER_WORDS = 16 };
#define TLB_NONE UINT64_MAX
#define TLB_SLOW UINT64_C(0x800) /* set in a tag */

/* Translation regimes. SUM's two values have a bank each because the kernel flips it at every
 * copy to or from user memory; a change of MXR, which is rare, flushes. What satp and
 * sfence.vma are about is in the banks before TLB_BANK_M. */
enum tlb_bank { TLB_BANK_U, TLB_BANK_S, TLB_BANK_S_SUM, TLB_BANK_M, TLB_BANKS };

enum tlb_flag {
    TLB_GLOBAL = 1 << 0,   /* of all address spaces: the G bit, or no translation at all */
    TLB_PMP = 1 << 1,      /* the PMP divides the page: each access is checked; all tags slow */
    TLB_NO_WRITE = 1 << 2, /* reads like memory, but stores go through mem/: ROM */
};

struct tlb_entry {
    uint64_t read, write, exec; /* tags */
    uintptr_t addend;           /* hva = gva + addend; where ram is not NULL */
    gpa_t gpa;                  /* of the page */
    gva_t page;                 /* what the tags say, without their marks; TLB_NONE: empty */
    struct ram_block *ram;      /* the whole page is plain memory of this block; else NULL */
    uint16_t asid;
    uint8_t level; /* of the leaf: 0 a page, 1 2 MiB, 2 1 GiB... */
    uint8_t flags; /* enum tlb_flag */
    uint32_t unused;
};
_Static_assert(sizeof(struct tlb_entry) == 64, "an access that hits touches one cache line");

struct tlb {
    struct tlb_entry bank[TLB_BANKS][TLB_ENTRIES];
    /* Filled since the bank was last emptied: a bank that was not needs no flush. */
    bool used[TLB_BANKS];
    /* Bounds of the superpages that have entries here: only an sfence.vma inside them has to
     * look at more than one slot. */
    gva_t super_first[TLB_BANKS], super_last[TLB_BANKS];
    /* Grows when what code a gva leads to may have changed: whoever remembers that compares. Pages
     * fetched from since then are in a filter (false hits only), so that a fence for a page of
     * data, as each page fault makes, does not count. */
    uint64_t generation;
    uint64_t fetched[TLB_FILTER_WORDS];
};

/* Folds in higher bits, or two buffers a power of two apart would take turns in every slot. */
static inline unsigned tlb_index(gva_t gva)
{
    return (unsigned)((gva ^ gva >> TLB_FOLD) >> PAGE_SHIFT) % TLB_ENTRIES;
}

static inline struct tlb_entry *tlb_slot(struct tlb *tlb, enum tlb_bank bank, gva_t gva)
{
    return &tlb->bank[bank][tlb_index(gva)];
}

/* Tags match, slow or not: the access is permitted, as far as the page tables go. */
static inline bool tlb_tag_covers(uint64_t tag, gva_t gva)
{
    return (tag & ~TLB_SLOW) == (gva & PAGE_ADDR_MASK);
}

void tlb_init(struct tlb *tlb);
void tlb_flush_all(struct tlb *tlb); /* M's bank too */
/* sfence.vma with its four combinations of operands; asid ones spare global entries. */
void tlb_flush_translations(struct tlb *tlb);
void tlb_flush_page(struct tlb *tlb, gva_t gva);
void tlb_flush_asid(struct tlb *tlb, uint16_t asid);
void tlb_flush_page_asid(struct tlb *tlb, gva_t gva, uint16_t asid);
/* satp names another address space: what is not global goes. Banks tagged by ASID would keep it. */
void tlb_switch_space(struct tlb *tlb);
/* Makes fast write tags slow, everywhere or for the page of memory at gpa, so that each next
 * store looks at the page's watch byte. */
void tlb_flush_writes(struct tlb *tlb);
void tlb_flush_writes_to(struct tlb *tlb, gpa_t gpa);
/* hart_fetch_page() has told where gva leads. */
void tlb_fetched(struct tlb *tlb, gva_t gva);
/* Notes an entry just filled, for the bounds above. */
void tlb_filled(struct tlb *tlb, enum tlb_bank bank, const struct tlb_entry *entry);

#endif
