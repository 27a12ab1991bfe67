/*
 * cpu/tlb_flush.c - address spaces, and dropping what the soft TLB knows, as exactly as sfence.vma
 * asks (12.2.1).
 *
 * What is dropped as a whole, an address space or all, gets a new id: its entries die where they
 * are. Fast slots have no owner; they are emptied, and may be emptied in excess, as entries that
 * survive fill them again.
 *
 * An entry covers one page also when its leaf is larger, so that a look-up stays one compare. The
 * price is paid here: a fence that names an address of a large leaf, or of a NAPOT one, must find
 * all pages filled from it. Filters know where there are such leaves; elsewhere a fence touches a
 * few slots.
 */
#include "cpu/tlb.h"

#include <string.h>

enum width { WIDTH_PAGE, WIDTH_LARGE, WIDTH_GIANT };

/* ---- where code is ---- */

static void new_code(struct tlb *tlb, struct tlb_space *space)
{
    space->code = ++tlb->last_id;
    memset(&space->fetched, 0, sizeof(space->fetched));
}

static void new_shared_code(struct tlb *tlb)
{
    new_code(tlb, &tlb->shared);
    tlb->s_local_code = false;
}

void tlb_new_code(struct tlb *tlb)
{
    for (unsigned k = 0; k < TLB_SPACES; k++)
        new_code(tlb, &tlb->space[k]);
    new_shared_code(tlb);
    tlb->machine_code = ++tlb->last_id;
}

/* ---- whole spaces ---- */

static void empty_both(struct tlb *tlb, unsigned table)
{
    tlb_empty_table(tlb, table, TLB_READ);
    tlb_empty_table(tlb, table, TLB_WRITE);
}

static void renew(struct tlb *tlb, struct tlb_space *space)
{
    space->id = ++tlb->last_id;
    memset(&space->large, 0, sizeof(space->large));
    space->giant_first = UINT64_MAX;
    space->giant_last = 0;
}

static void drop_space(struct tlb *tlb, unsigned k)
{
    renew(tlb, &tlb->space[k]);
    new_code(tlb, &tlb->space[k]);
    empty_both(tlb, TLB_TABLE_SPACE + 2 * k);
    empty_both(tlb, TLB_TABLE_SPACE + 2 * k + 1);
}

/* What S's table and fetches have of the current space alone. */
static void drop_s_local(struct tlb *tlb)
{
    if (tlb->s_local)
        empty_both(tlb, TLB_TABLE_S);
    tlb->s_local = false;
    if (tlb->s_local_code)
        new_shared_code(tlb);
}

void tlb_flush_translations(struct tlb *tlb)
{
    tlb->stats.flush_all++;
    for (unsigned k = 0; k < TLB_SPACES; k++)
        drop_space(tlb, k);
    renew(tlb, &tlb->shared);
    new_shared_code(tlb);
    empty_both(tlb, TLB_TABLE_S);
    tlb->s_local = false;
}

void tlb_flush_all(struct tlb *tlb)
{
    tlb_flush_translations(tlb);
    tlb->machine = ++tlb->last_id;
    tlb->machine_code = ++tlb->last_id;
    empty_both(tlb, TLB_TABLE_M);
}

/* The space of an ASID, if it is remembered; two never have the same. */
static bool find_space(const struct tlb *tlb, uint16_t asid, unsigned *ret_k)
{
    for (unsigned k = 0; k < TLB_SPACES; k++) {
        if (tlb->space[k].used != 0 && tlb->space[k].asid == asid) {
            *ret_k = k;
            return true;
        }
    }
    return false;
}

void tlb_flush_asid(struct tlb *tlb, uint16_t asid)
{
    unsigned k;

    tlb->stats.flush_space++;
    if (!find_space(tlb, asid, &k))
        return;
    drop_space(tlb, k);
    if (k == tlb->current)
        drop_s_local(tlb);
}

static unsigned oldest_space(const struct tlb *tlb)
{
    unsigned oldest = 0;

    for (unsigned k = 1; k < TLB_SPACES; k++)
        if (tlb->space[k].used < tlb->space[oldest].used)
            oldest = k;
    return oldest;
}

void tlb_switch_space(struct tlb *tlb, uint16_t asid)
{
    unsigned k;

    tlb->stats.switches++;
    if (!find_space(tlb, asid, &k)) {
        tlb->stats.strangers++;
        k = oldest_space(tlb);
        drop_space(tlb, k);
        tlb->space[k].asid = asid;
    } else if (k == tlb->current) {
        drop_space(tlb, k);
    }
    drop_s_local(tlb);
    tlb->space[k].used = ++tlb->last_id;
    tlb->current = k;
    tlb_set_bank(tlb, tlb->bank);
}

/* ---- a page ---- */

static enum width width_at(const struct tlb_space *space, gva_t gva)
{
    if (gva >= space->giant_first && gva <= space->giant_last)
        return WIDTH_GIANT;
    return tlb_filter_has(&space->large, gva >> TLB_LARGE_SHIFT) ? WIDTH_LARGE : WIDTH_PAGE;
}

/* All slots of the 2 MiB round gva: they are neighbours. */
static void empty_large(struct tlb *tlb, unsigned table, enum tlb_kind kind, gva_t gva)
{
    enum { PAGES = 1 << (TLB_LARGE_SHIFT - PAGE_SHIFT) };
    unsigned first = tlb_index(gva) & ~(unsigned)(PAGES - 1);

    for (unsigned i = first; i < first + PAGES; i++) {
        if (i % TLB_CHUNK == 0 && !(tlb->touched[table][kind] >> i / TLB_CHUNK & 1))
            i += TLB_CHUNK - 1;
        else if ((tlb->tables[table].slot[kind][i].page ^ gva) >> TLB_LARGE_SHIFT == 0)
            tlb_empty_slot(&tlb->tables[table], kind, i);
    }
}

static void empty_at(struct tlb *tlb, unsigned table, gva_t gva, enum width width)
{
    for (enum tlb_kind kind = 0; kind < TLB_KINDS; kind++) {
        unsigned index = tlb_index(gva);

        if (!(tlb->touched[table][kind] >> index / TLB_CHUNK & 1) && width == WIDTH_PAGE)
            continue;
        if (width == WIDTH_GIANT)
            tlb_empty_table(tlb, table, kind);
        else if (width == WIDTH_LARGE)
            empty_large(tlb, table, kind, gva);
        else if (tlb->tables[table].slot[kind][index].page == (gva & PAGE_ADDR_MASK))
            tlb_empty_slot(&tlb->tables[table], kind, index);
    }
}

static void drop_in_set(struct tlb *tlb, gva_t gva, unsigned space, uint64_t owner)
{
    struct tlb_entry *set = tlb->set[tlb_set_of(gva, space)];

    for (unsigned way = 0; way < TLB_WAYS; way++)
        if (set[way].page == (gva & PAGE_ADDR_MASK) && set[way].owner == owner)
            set[way].owner = TLB_NOBODY;
}

/* Every page of the leaf that has gva. */
static void drop_leaf(struct tlb *tlb, gva_t gva, uint64_t owner)
{
    for (unsigned i = 0; i < TLB_SETS * TLB_WAYS; i++) {
        struct tlb_entry *entry = &tlb->set[i / TLB_WAYS][i % TLB_WAYS];

        if (entry->owner == owner && (entry->page ^ gva) >> entry->shift == 0)
            entry->owner = TLB_NOBODY;
    }
}

static void drop_entries(struct tlb *tlb, const struct tlb_space *space, unsigned k, gva_t gva,
                         enum width width)
{
    if (width == WIDTH_PAGE) {
        drop_in_set(tlb, gva, k, space->id);
    } else {
        tlb->stats.flush_large++;
        drop_leaf(tlb, gva, space->id);
    }
}

/* Code of a large leaf may have been fetched from another page of it. */
static bool has_code(const struct tlb_space *space, gva_t gva, enum width width)
{
    return width != WIDTH_PAGE || tlb_filter_has(&space->fetched, gva >> PAGE_SHIFT);
}

static void flush_page(struct tlb *tlb, gva_t gva, bool any_asid, uint16_t asid)
{
    enum width shared = WIDTH_PAGE, s_table;
    bool s_code = false;

    if (any_asid && tlb_upper_half(gva)) { /* elsewhere nothing is shared */
        shared = width_at(&tlb->shared, gva);
        s_code = has_code(&tlb->shared, gva, shared);
    }
    s_table = shared;

    tlb->stats.flush_page++;
    for (unsigned k = 0; k < TLB_SPACES; k++) {
        struct tlb_space *space = &tlb->space[k];
        enum width width;

        if (space->used == 0 || !(any_asid || space->asid == asid))
            continue;
        width = width_at(space, gva);
        drop_entries(tlb, space, k, gva, width);
        if (k == tlb->current && width > s_table)
            s_table = width;
        if (k == tlb->current && tlb->s_local_code)
            s_code |= has_code(&tlb->shared, gva, width);
        if (width < shared) /* its tables have shared pages too */
            width = shared;
        if (has_code(space, gva, width))
            new_code(tlb, space);
        empty_at(tlb, TLB_TABLE_SPACE + 2 * k, gva, width);
        empty_at(tlb, TLB_TABLE_SPACE + 2 * k + 1, gva, width);
    }
    if (any_asid)
        drop_entries(tlb, &tlb->shared, 0, gva, shared);
    if (any_asid || tlb->s_local)
        empty_at(tlb, TLB_TABLE_S, gva, s_table);
    if (s_code)
        new_shared_code(tlb);
}

void tlb_flush_page(struct tlb *tlb, gva_t gva)
{
    flush_page(tlb, gva, true, 0);
}

void tlb_flush_page_asid(struct tlb *tlb, gva_t gva, uint16_t asid)
{
    flush_page(tlb, gva, false, asid);
}

/* ---- fast slots only ---- */

void tlb_forget_writes(struct tlb *tlb)
{
    tlb->stats.flush_writes++;
    for (unsigned table = 0; table < TLB_TABLES; table++)
        tlb_empty_table(tlb, table, TLB_WRITE);
}

void tlb_forget_reads(struct tlb *tlb)
{
    for (unsigned table = TLB_TABLE_S; table < TLB_TABLES; table++)
        tlb_empty_table(tlb, table, TLB_READ);
}
