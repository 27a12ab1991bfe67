/* cpu/tlb.h - the soft TLB of one hart: gva to hva in one compare and one add.
 *
 * Direct-mapped banks, one per translation regime. An entry has a tag per access kind: the gva's
 * page address, or TLB_NONE. A tag with TLB_SLOW set never compares equal, so the access takes
 * the slow path, which finds MMIO, watched pages (mem/ram.h), and misaligned or crossing
 * accesses there. The fast compare keeps the low address bits that must be zero for alignment:
 *     (gva & (PAGE_ADDR_MASK | (size - 1))) == tag
 * Owned by the hart's thread; others ask by hart_request() (hart.h).
 */
#ifndef CPU_TLB_H
#define CPU_TLB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"

enum { TLB_ENTRIES = 256 };
#define TLB_NONE UINT64_MAX
#define TLB_SLOW UINT64_C(1) /* set in a tag */

/* Translation regimes. SUM's two values have a bank each because the kernel flips it at every
 * copy to or from user memory; a change of MXR, which is rare, flushes. */
enum tlb_bank { TLB_BANK_U, TLB_BANK_S, TLB_BANK_S_SUM, TLB_BANK_M, TLB_BANKS };

struct tlb_entry {
    uint64_t read, write, exec; /* tags */
    uintptr_t addend;           /* hva = gva + addend */
    gpa_t gpa;                  /* of the page */
    uint64_t asid_global;       /* asid << 1 | global, for sfence.vma's operands */
};

struct tlb {
    struct tlb_entry bank[TLB_BANKS][TLB_ENTRIES];
    uint64_t level_mask_used[TLB_BANKS]; /* bit n: a superpage of level n has entries here */
};

static inline struct tlb_entry *tlb_slot(struct tlb *tlb, enum tlb_bank bank, gva_t gva)
{
    return &tlb->bank[bank][(gva >> PAGE_SHIFT) % TLB_ENTRIES];
}

void tlb_flush_all(struct tlb *tlb);
void tlb_flush_page(struct tlb *tlb, gva_t gva);
void tlb_flush_asid(struct tlb *tlb, uint16_t asid);               /* spares global entries */
void tlb_flush_page_asid(struct tlb *tlb, gva_t gva, uint16_t asid);
/* Drops write permission everywhere, so that each next store takes the slow path once. */
void tlb_flush_writes(struct tlb *tlb);

#endif
