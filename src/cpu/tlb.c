/*
 * cpu/tlb.c - the soft TLB's tables and entries: finding and filling.
 *
 * The fast tables are large and sparse: memory nobody touched is neither there nor to be emptied,
 * because a bit says of each 64 slots whether any of them was filled. So their size costs the
 * hit nothing (it is a constant of the probe) and a flush only what was used.
 *
 * Memory from the host is zero, and so are emptied slots: page 0 is what they name, which belongs
 * in slot 0; only slot 0 needs another page to be empty.
 */
#include "cpu/tlb.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* ---- fast tables ---- */

#define ELSEWHERE ((gva_t)PAGE_SIZE_BYTES) /* page 1, for slot 0 */

void tlb_empty_slot(struct tlb_table *table, enum tlb_kind kind, unsigned index)
{
    table->slot[kind][index] = (struct tlb_slot){ .page = index == 0 ? ELSEWHERE : 0 };
}

void tlb_empty_table(struct tlb *tlb, unsigned table, enum tlb_kind kind)
{
    struct tlb_slot *slot = tlb->tables[table].slot[kind];
    uint64_t touched = tlb->touched[table][kind];

    for (; touched != 0; touched &= touched - 1) {
        size_t chunk = (size_t)__builtin_ctzll(touched);

        memset(&slot[chunk * TLB_CHUNK], 0, TLB_CHUNK * sizeof(*slot));
    }
    tlb->touched[table][kind] = 0;
    slot[0].page = ELSEWHERE;
}
_Static_assert(TLB_SLOTS / TLB_CHUNK == 64, "a word has a bit for each chunk");

static unsigned table_of(const struct tlb *tlb, enum tlb_bank bank)
{
    switch (bank) {
    case TLB_BANK_M:
        return TLB_TABLE_M;
    case TLB_BANK_S:
        return TLB_TABLE_S;
    case TLB_BANK_U:
        return TLB_TABLE_SPACE + 2 * tlb->current;
    case TLB_BANK_S_SUM:
    case TLB_BANKS:
    default:
        return TLB_TABLE_SPACE + 2 * tlb->current + 1;
    }
}

void tlb_set_bank(struct tlb *tlb, enum tlb_bank bank)
{
    tlb->bank = bank;
    tlb->table = &tlb->tables[table_of(tlb, bank)];
}

void tlb_make_fast(struct tlb *tlb, enum tlb_bank bank, enum tlb_kind kind,
                   const struct tlb_entry *entry)
{
    unsigned table = table_of(tlb, bank), index = tlb_index(entry->page);
    struct tlb_slot *slot = &tlb->tables[table].slot[kind][index];

    if (tlb_index(slot->page) == index && slot->page != entry->page)
        tlb->stats.conflicts++;
    *slot = (struct tlb_slot){ entry->page, entry->addend };
    tlb->touched[table][kind] |= UINT64_C(1) << index / TLB_CHUNK;
    if (bank == TLB_BANK_S && entry->owner != tlb->shared.id)
        tlb->s_local = true;
}

/* ---- entries ---- */

/* Programs like the same addresses: each space's lower half begins at another set. Pages of the
 * upper half have one place, as nearly all are global. */
unsigned tlb_set_of(gva_t gva, unsigned space)
{
    uint64_t number = gva >> PAGE_SHIFT;
    unsigned shuffle = tlb_upper_half(gva) ? 0 : space * 37;

    return (unsigned)(number ^ number >> 8 ^ shuffle) % TLB_SETS;
}

static struct tlb_entry *set_for(struct tlb *tlb, enum tlb_bank bank, gva_t gva,
                                 unsigned *ret_number)
{
    *ret_number = tlb_set_of(gva, bank == TLB_BANK_M ? 0 : tlb->current);
    return tlb->set[*ret_number];
}

static uint64_t owner_of(const struct tlb *tlb, enum tlb_bank bank, gva_t gva, bool global)
{
    if (bank == TLB_BANK_M)
        return tlb->machine;
    return global && tlb_upper_half(gva) ? tlb->shared.id : tlb->space[tlb->current].id;
}

struct tlb_entry *tlb_find(struct tlb *tlb, enum tlb_bank bank, gva_t gva)
{
    unsigned number;
    struct tlb_entry *set = set_for(tlb, bank, gva, &number);
    uint64_t own = owner_of(tlb, bank, gva, false), shared = owner_of(tlb, bank, gva, true);

    for (unsigned way = 0; way < TLB_WAYS; way++) {
        if (set[way].page == (gva & PAGE_ADDR_MASK) &&
            (set[way].owner == own || set[way].owner == shared))
            return &set[way];
    }
    return NULL;
}

static void note_large(struct tlb_space *space, const struct tlb_entry *entry)
{
    uint64_t mask = (UINT64_C(1) << entry->shift) - 1;

    if (entry->shift <= TLB_LARGE_SHIFT) {
        tlb_filter_add(&space->large, entry->page >> TLB_LARGE_SHIFT);
        return;
    }
    if ((entry->page & ~mask) < space->giant_first)
        space->giant_first = entry->page & ~mask;
    if ((entry->page | mask) > space->giant_last)
        space->giant_last = entry->page | mask;
}

struct tlb_entry *tlb_keep(struct tlb *tlb, enum tlb_bank bank, const struct tlb_entry *fresh,
                           bool global)
{
    struct tlb_entry *entry = tlb_find(tlb, bank, fresh->page);
    uint64_t owner = owner_of(tlb, bank, fresh->page, global);

    if (entry == NULL) {
        unsigned number;
        struct tlb_entry *set = set_for(tlb, bank, fresh->page, &number);

        entry = &set[tlb->next_way[number]++ % TLB_WAYS];
    }
    *entry = *fresh;
    entry->owner = owner;
    if (bank != TLB_BANK_M && entry->shift > PAGE_SHIFT)
        note_large(owner == tlb->shared.id ? &tlb->shared : &tlb->space[tlb->current], entry);
    return entry;
}

/* ---- where code is ---- */

uint64_t tlb_code(const struct tlb *tlb, enum tlb_bank fetch_bank)
{
    if (fetch_bank == TLB_BANK_M)
        return tlb->machine_code;
    return fetch_bank == TLB_BANK_U ? tlb->space[tlb->current].code : tlb->shared.code;
}

void tlb_fetched(struct tlb *tlb, enum tlb_bank bank, const struct tlb_entry *entry)
{
    if (bank == TLB_BANK_M)
        return;
    tlb_filter_add(bank == TLB_BANK_U ? &tlb->space[tlb->current].fetched : &tlb->shared.fetched,
                   entry->page >> PAGE_SHIFT);
    if (bank != TLB_BANK_U && entry->owner != tlb->shared.id)
        tlb->s_local_code = true;
}

void tlb_copy_code(struct tlb *to, const struct tlb *from)
{
    to->current = from->current;
    for (unsigned k = 0; k < TLB_SPACES; k++)
        to->space[k].code = from->space[k].code;
    to->shared.code = from->shared.code;
    to->machine_code = from->machine_code;
    tlb_set_bank(to, from->bank);
}

/* ---- life ---- */

int tlb_init(struct tlb *tlb)
{
    void *tables = mmap(NULL, TLB_TABLES * sizeof(struct tlb_table), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (tables == MAP_FAILED)
        return -ENOMEM;
    memset(tlb, 0, sizeof(*tlb));
    tlb->tables = tables;
    tlb->space[0].used = ++tlb->last_id; /* ASID 0 */
    tlb_flush_all(tlb);
    tlb_set_bank(tlb, TLB_BANK_M);
    memset(&tlb->stats, 0, sizeof(tlb->stats));
    return 0;
}

void tlb_fini(struct tlb *tlb)
{
    if (tlb->tables != NULL)
        munmap(tlb->tables, TLB_TABLES * sizeof(struct tlb_table));
    tlb->tables = tlb->table = NULL;
}
