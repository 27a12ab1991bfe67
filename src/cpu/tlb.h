/* cpu/tlb.h - the soft TLB of one hart: gva to hva in one compare and one add.
 *
 * Two levels.
 *
 * The fast tables are what an access of guest code probes: direct-mapped, a slot of {page, addend}
 * for each kind of access, loads and stores apart. A slot is there only if the access may be made
 * without another thought: plain memory, permitted, and for a store writable, its D set and
 * nobody watching (mem/ram.h). A probe that fails says nothing but "ask".
 *     offset = gva - slot.page;   a hit if offset <= PAGE_SIZE_BYTES - size
 * so that misaligned accesses within a page may hit too (who cannot make them adds a mask).
 *
 * The entries behind them say all about a page: set-associative, shared by the regimes, for
 * fetches too. Here are MMIO, watched pages and pages the PMP divides; what falls out of a fast
 * table is found again without a page walk.
 *
 * A table belongs to a regime: M, S, and for each of the address spaces used last (by ASID) U and
 * S with SUM. So a satp switch exchanges a pointer, and coming back finds all as it was.
 * Entries carry the id of their owner, a space or (the upper half's global pages) all spaces;
 * a new id is the death of the old one's entries.
 *
 * Entries hold host addresses: they are good only inside the RCU read side (mem/space.h), and
 * HART_REQ_MAP_CHANGED drops them before the hart's next block.
 * Owned by the hart's thread; others ask by hart_request() (hart.h).
 */
#ifndef CPU_TLB_H
#define CPU_TLB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/types.h"

struct ram_block;

enum {
    TLB_SLOTS = 4096,   /* of a fast table and kind: 16 MiB of neighbours do without conflicts */
    TLB_CHUNK = 64,     /* slots that are emptied together: a bit each in tlb.touched */
    TLB_SLOT_SHIFT = 4, /* log2(sizeof(struct tlb_slot)) */
    TLB_SETS = 256,
    TLB_WAYS = 4,
    TLB_SPACES = 8, /* address spaces remembered */
    TLB_TABLES = 2 + 2 * TLB_SPACES,
    TLB_FILTER_WORDS = 16,
};

/* Translation regimes. SUM's two values have tables of their own because the kernel flips it at
 * every copy to or from user memory; a change of MXR, which is rare, empties tables. What satp
 * and sfence.vma are about is in the regimes before TLB_BANK_M. */
enum tlb_bank { TLB_BANK_U, TLB_BANK_S, TLB_BANK_S_SUM, TLB_BANK_M, TLB_BANKS };

struct tlb_slot {
    gva_t page;       /* empty: a page whose place is another slot */
    uintptr_t addend; /* hva = gva + addend */
};
_Static_assert(sizeof(struct tlb_slot) == 1 << TLB_SLOT_SHIFT, "compiled code scales by a shift");

enum tlb_kind { TLB_READ, TLB_WRITE, TLB_KINDS }; /* as ACCESS_READ and ACCESS_WRITE */

struct tlb_table {
    struct tlb_slot slot[TLB_KINDS][TLB_SLOTS];
};

enum tlb_flag {
    TLB_USER = 1 << 0,     /* the U bit */
    TLB_IDENTITY = 1 << 1, /* no translation: U says nothing */
    TLB_PMP = 1 << 2,      /* the PMP divides the page: each access is checked */
    TLB_NO_WRITE = 1 << 3, /* reads like memory, but stores go through mem/: ROM */
};

struct tlb_entry {
    gva_t page;
    uint64_t owner;        /* an id, see above; TLB_NOBODY: empty */
    gpa_t gpa;             /* of the page */
    uintptr_t addend;      /* hva = gva + addend; where ram is not NULL */
    struct ram_block *ram; /* the whole page is plain memory of this block; else NULL */
    uint8_t perms;         /* enum perm, as the PTE has it; W only if D is set */
    uint8_t pmp_perms;     /* likewise, unless TLB_PMP */
    uint8_t shift;         /* log2 of the bytes that the PTE maps: 12, 16, 21, 30... */
    uint8_t flags;         /* enum tlb_flag */
};
#define TLB_NOBODY UINT64_C(0)

/* A set of pages, with false members: whether something was seen there since it was cleared. */
struct tlb_filter {
    uint64_t word[TLB_FILTER_WORDS];
};

/* An address space; and what all spaces share, which owns the upper half's global pages. */
struct tlb_space {
    uint64_t id;
    uint64_t code; /* see tlb_code() */
    uint64_t used; /* when it was entered last */
    uint16_t asid;
    struct tlb_filter fetched; /* pages code was fetched from since `code` was new */
    /* Where leaves larger than a page are: in which 2 MiB, and from where to where those of 1 GiB
     * or more. Only a fence there has to look for other pages of the leaf. */
    struct tlb_filter large;
    gva_t giant_first, giant_last;
};

/* Why accesses came here, and what was flushed; only the hart's thread counts. */
struct tlb_stats {
    uint64_t asked[3];  /* by enum access_kind: probes that failed, and fetches */
    uint64_t walks[3];  /* of those, not found among the entries */
    uint64_t conflicts; /* slots of fast tables taken from another page */
    uint64_t device;    /* accesses to what is not plain memory, or divided by the PMP */
    uint64_t watched;   /* stores to watched pages */
    uint64_t crossing;  /* accesses that cross pages */
    uint64_t switches;  /* satp names another space... */
    uint64_t strangers; /* ...that is not remembered */
    uint64_t flush_all, flush_space, flush_page, flush_large, flush_writes;
};

struct tlb {
    struct tlb_table *table;  /* of the data accesses of now: what guest code probes */
    struct tlb_table *tables; /* M, S, then U and SUM of each space */
    uint64_t touched[TLB_TABLES][TLB_KINDS]; /* chunks that may have slots in use */
    struct tlb_space space[TLB_SPACES], shared;
    unsigned current;               /* space */
    enum tlb_bank bank;             /* of `table` */
    bool s_local, s_local_code;     /* S's table, or its fetches, have pages of the current space */
    uint64_t machine, machine_code; /* id and tlb_code() of M */
    uint64_t last_id;
    struct tlb_entry set[TLB_SETS][TLB_WAYS];
    uint8_t next_way[TLB_SETS];
    struct tlb_stats stats;
};

static inline unsigned tlb_index(gva_t gva)
{
    return (unsigned)(gva >> PAGE_SHIFT) % TLB_SLOTS;
}

/* The host address of an access of 2^n bytes, if it is aligned and hits; else NULL. */
static inline void *tlb_probe(const struct tlb_table *table, enum tlb_kind kind, gva_t gva,
                              unsigned size)
{
    const struct tlb_slot *slot = &table->slot[kind][tlb_index(gva)];

    if (__builtin_expect(((gva - slot->page) & (PAGE_ADDR_MASK | (size - 1))) != 0, 0))
        return NULL;
    return (void *)(gva + slot->addend); /* NOLINT(performance-no-int-to-ptr): what it is for */
}

int tlb_init(struct tlb *tlb); /* 0 or -ENOMEM */
void tlb_fini(struct tlb *tlb);

/* ---- looking and filling: tlb.c ---- */
/* The entry for gva's page, whatever it permits; NULL: none. */
struct tlb_entry *tlb_find(struct tlb *tlb, enum tlb_bank bank, gva_t gva);
/* Keeps what `fresh` says about its page in place of what was known; owner is filled in.
 * `global`: of all address spaces. */
struct tlb_entry *tlb_keep(struct tlb *tlb, enum tlb_bank bank, const struct tlb_entry *fresh,
                           bool global);
/* From now on probes of this kind hit. */
void tlb_make_fast(struct tlb *tlb, enum tlb_bank bank, enum tlb_kind kind,
                   const struct tlb_entry *entry);
/* Data accesses are of this regime from now on. */
void tlb_set_bank(struct tlb *tlb, enum tlb_bank bank);

/* ---- spaces and flushes: tlb_flush.c ---- */
/* satp names this ASID from now on. The ASID that was there already: with another root, so that
 * what was known of it goes. */
void tlb_switch_space(struct tlb *tlb, uint16_t asid);
void tlb_flush_all(struct tlb *tlb); /* M's too */
/* sfence.vma with its four combinations of operands; asid ones spare global entries. */
void tlb_flush_translations(struct tlb *tlb);
void tlb_flush_page(struct tlb *tlb, gva_t gva);
void tlb_flush_asid(struct tlb *tlb, uint16_t asid);
void tlb_flush_page_asid(struct tlb *tlb, gva_t gva, uint16_t asid);
/* Fast slots go, entries stay: for stores, so that each next one looks at its page's watch byte;
 * for loads below M, because what permits them has changed (MXR). */
void tlb_forget_writes(struct tlb *tlb);
void tlb_forget_reads(struct tlb *tlb);

/* ---- where code is ---- */
/* A number that changes when what code an address leads to may have changed, in the regime that
 * fetches; never one it had before, but for a return to an address space that is as it was.
 * Whoever remembers where code is compares. Never 0. Fences for pages nobody fetched from do not
 * count, nor does what falls out of the tables. */
uint64_t tlb_code(const struct tlb *tlb, enum tlb_bank fetch_bank);
void tlb_new_code(struct tlb *tlb); /* all of them change */
/* For an engine's second hart, that has nothing in its TLB: the numbers of the first, whose space
 * it is in. */
void tlb_copy_code(struct tlb *to, const struct tlb *from);
/* hart_fetch_page() has told what entry says. */
void tlb_fetched(struct tlb *tlb, enum tlb_bank bank, const struct tlb_entry *entry);

/* ---- between the two files ---- */
/* Tables: 0 M, 1 S, 2 + 2k and 3 + 2k U and SUM of space k. */
enum { TLB_TABLE_M, TLB_TABLE_S, TLB_TABLE_SPACE };
void tlb_empty_table(struct tlb *tlb, unsigned table, enum tlb_kind kind);
void tlb_empty_slot(struct tlb_table *table, enum tlb_kind kind, unsigned index);
unsigned tlb_set_of(gva_t gva, unsigned space);
static inline bool tlb_upper_half(gva_t gva)
{
    return gva >> 63 != 0;
}
static inline unsigned tlb_filter_bit(uint64_t number)
{
    return (unsigned)(number ^ number >> 10) % (TLB_FILTER_WORDS * 64);
}
static inline void tlb_filter_add(struct tlb_filter *filter, uint64_t number)
{
    unsigned bit = tlb_filter_bit(number);

    filter->word[bit / 64] |= UINT64_C(1) << bit % 64;
}
static inline bool tlb_filter_has(const struct tlb_filter *filter, uint64_t number)
{
    unsigned bit = tlb_filter_bit(number);

    return filter->word[bit / 64] >> bit % 64 & 1;
}

enum { TLB_LARGE_SHIFT = 21 }; /* leaves up to this are in tlb_space.large, others are giants */

#endif
