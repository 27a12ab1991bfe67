/* cpu/internal.h - what the files of cpu/ share and nobody else sees. Hart's thread only. */
#ifndef CPU_INTERNAL_H
#define CPU_INTERNAL_H

#include "cpu/hart.h"
#include "isa/riscv/bits.h"
#include "isa/riscv/csr.h"

/* ---- trap.c ---- */
/* Sets ATTN_IRQ when an interrupt may be taken; after anything that decides over that changed. */
void hart_check_irq(struct hart *hart);
/* Interrupts this hart has: what mie may hold. */
uint64_t hart_irqs(const struct hart *hart);

/* ---- sstc.c ---- */
bool sstc_active(const struct hart *hart);
/* Looks at the time: hart->stimer is right afterwards. */
void sstc_update(struct hart *hart);
/* The same, and asks for a call when the time comes: after stimecmp or STCE changed. */
void sstc_rearm(struct hart *hart);

/* ---- counters.c ---- */
/* After the privilege, an inhibit bit or an event changed. */
void counters_update(struct hart *hart);
uint64_t counters_overflowed(const struct hart *hart); /* scountovf, all bits */
void counters_write_event(struct hart *hart, unsigned n, uint64_t bits, uint64_t mask);
void counters_write_inhibit(struct hart *hart, uint64_t bits, uint64_t mask);
enum { HPM_FIRST = 3, HPM_IMPLEMENTED = 4 }; /* mhpmcounter3 to 6; the others read as zero */

/* ---- mmu.c ---- */
enum mmu_result { MMU_OK, MMU_PAGE_FAULT, MMU_ACCESS_FAULT };

/* One page, as its PTE has it. */
struct mmu_page {
    gpa_t gpa;      /* of the page */
    unsigned perms; /* enum perm bits that need no further walk: W only if D is set */
    uint8_t shift;  /* log2 of the bytes that the PTE maps */
    uint8_t flags;  /* TLB_USER, TLB_IDENTITY */
    bool global;
};

/* What perms, of a page with these flags, come to in the regime, as mstatus has MXR now. */
unsigned mmu_perms(const struct hart *hart, unsigned perms, unsigned flags, enum tlb_bank bank);
/* Translates for an access of `kind`; sets A and D as menvcfg.ADUE says. On MMU_OK the kind is
 * among the perms, as mmu_perms() has them. */
enum mmu_result mmu_translate(struct hart *hart, gva_t gva, enum access_kind kind,
                              enum tlb_bank bank, struct mmu_page *ret_page);
unsigned mmu_bank_priv(enum tlb_bank bank);

/* ---- access.c ---- */
/* An entry that permits `kind` at gva, good until the next call. NULL: exception recorded, as of an
 * access of kind `as`. */
struct tlb_entry *access_find(struct hart *hart, gva_t gva, enum access_kind kind,
                              enum access_kind as, enum tlb_bank bank);
/* The part of the PMP that is not in the entry. False: exception recorded. */
bool access_pmp(struct hart *hart, const struct tlb_entry *entry, gva_t gva, uint64_t size,
                enum access_kind kind, enum access_kind as, enum tlb_bank bank);
bool access_fault(struct hart *hart, enum access_kind as, gva_t gva); /* always false */
/* Before and after a store through an entry with RAM. */
void access_will_write(struct hart *hart, const struct tlb_entry *entry, gva_t gva, size_t len);
void access_wrote(struct hart *hart, const struct tlb_entry *entry, gva_t gva, size_t len);
static inline void *access_hva(const struct tlb_entry *entry, gva_t gva)
{
    return (void *)(entry->addend + gva);
}
static inline gpa_t access_gpa(const struct tlb_entry *entry, gva_t gva)
{
    return entry->gpa | (gva & PAGE_OFFSET_MASK);
}

/* ---- hart.c ---- */
/* Plain memory: the whole page (`page` aligned) or 8 aligned bytes are in one block. NULL: not.
 * *ret_offset is within the block. */
struct ram_block *hart_find_ram(struct hart *hart, gpa_t gpa, size_t len, uint64_t *ret_offset,
                                bool *ret_writable);
/* Everything derived from the memory map goes. */
void hart_forget_map(struct hart *hart);

#endif
