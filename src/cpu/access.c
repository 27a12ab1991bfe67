/*
 * cpu/access.c - loads and stores that miss the soft TLB's fast path.
 *
 * The idea: access_find() yields an entry that permits the access, one that is known or by a walk,
 * and makes the next such access fast where that may be; then the entry says where the bytes are.
 * An entry with `ram` is a whole page of one block, so the host address is one add away; else the
 * flat view is asked at each access (MMIO, a page that several regions share, nothing at all).
 *
 * An access that crosses a page is translated twice before it has any effect, so that a fault in
 * its second half finds the first half undone. Exceptions name the byte that failed: the access's
 * address, or that of the second page.
 *
 * Plain memory is read and written atomically when aligned. The caller is inside the RCU read
 * side.
 */
#include <string.h>

#include "cpu/internal.h"
#include "cpu/spy.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "guest memory is kept as the host's");

/* ---- faults ---- */

static bool raise_page_fault(struct hart *hart, enum access_kind as, gva_t gva)
{
    static const uint8_t cause[] = { CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE, CAUSE_FETCH_PAGE };

    return hart_raise(hart, cause[as], gva);
}

bool access_fault(struct hart *hart, enum access_kind as, gva_t gva)
{
    static const uint8_t cause[] = { CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS, CAUSE_FETCH_ACCESS };

    return hart_raise(hart, cause[as], gva);
}

/* ---- translation ---- */

static bool is_watched(const struct tlb_entry *entry)
{
    uintptr_t hva = entry->addend + entry->page;
    size_t page = (hva - (uintptr_t)entry->ram->hva) >> PAGE_SHIFT;

    return atomic_load_explicit(&entry->ram->watch[page], memory_order_acquire) != 0;
}

/* What the flat view says of a page that the walk and the PMP (uniform: the whole page) permit. */
static void fill(struct hart *hart, struct tlb_entry *entry, gva_t gva, const struct mmu_page *page,
                 unsigned pmp_perms, bool uniform)
{
    bool writable = false;
    uint64_t offset;

    *entry = (struct tlb_entry){
        .page = gva & PAGE_ADDR_MASK,
        .gpa = page->gpa,
        .perms = (uint8_t)page->perms,
        .pmp_perms = (uint8_t)(uniform ? pmp_perms : PERM_RWX),
        .shift = page->shift,
        .flags = (uint8_t)(page->flags | (uniform ? 0 : TLB_PMP)),
    };
    entry->ram = hart_find_ram(hart, page->gpa, PAGE_SIZE_BYTES, &offset, &writable);
    if (entry->ram != NULL && (offset & PAGE_OFFSET_MASK) != 0)
        entry->ram = NULL; /* not how the blocks' pages lie: leave it to mem/ */
    if (entry->ram != NULL)
        entry->addend = (uintptr_t)entry->ram->hva + offset - entry->page;
    if (!writable) /* a store to ROM goes where mem/ sends it */
        entry->flags |= TLB_NO_WRITE;
}

/* Walks and fills *entry. False: exception recorded. */
static bool walk(struct hart *hart, struct tlb_entry *entry, gva_t gva, enum access_kind kind,
                 enum access_kind as, enum tlb_bank bank, bool *ret_global)
{
    unsigned pmp_perms = PERM_RWX;
    struct mmu_page page;
    bool uniform;

    switch (mmu_translate(hart, gva, kind, bank, &page)) {
    case MMU_OK:
        break;
    case MMU_PAGE_FAULT:
        return raise_page_fault(hart, as, gva);
    case MMU_ACCESS_FAULT:
        return access_fault(hart, as, gva);
    }
    uniform = pmp_page(&hart->pmp, page.gpa, mmu_bank_priv(bank), &pmp_perms);
    if (uniform && !(pmp_perms >> kind & 1))
        return access_fault(hart, as, gva);
    fill(hart, entry, gva, &page, pmp_perms, uniform);
    *ret_global = page.global;
    return true;
}

/* Lets the next access of the kind find the page by itself, if nobody needs to hear of it. */
static void make_fast(struct hart *hart, const struct tlb_entry *entry, enum access_kind kind,
                      enum tlb_bank bank)
{
    if (kind == ACCESS_EXEC || entry->ram == NULL || (entry->flags & TLB_PMP))
        return;
    if (kind == ACCESS_READ)
        tlb_make_fast(&hart->tlb, bank, TLB_READ, entry);
    else if (!(entry->flags & TLB_NO_WRITE) && !is_watched(entry)) /* what is written may be read */
        tlb_make_fast(&hart->tlb, bank, TLB_WRITE, entry);
}

/* Nothing is between the entry and the access but the PMP, where it divides the page. */
static bool permits(const struct hart *hart, const struct tlb_entry *entry, enum access_kind kind,
                    enum tlb_bank bank)
{
    return mmu_perms(hart, entry->perms, entry->flags, bank) >> kind & entry->pmp_perms >> kind & 1;
}

struct tlb_entry *access_find(struct hart *hart, gva_t gva, enum access_kind kind,
                              enum access_kind as, enum tlb_bank bank)
{
    struct tlb_entry *entry, fresh;
    bool global = false;

    if (unlikely(hart->spy != NULL) && hart->spy->ops->find != NULL)
        return hart->spy->ops->find(hart->spy, gva, kind, as, bank);
    hart->tlb.stats.asked[kind]++;
    entry = tlb_find(&hart->tlb, bank, gva);
    if (entry == NULL || !permits(hart, entry, kind, bank)) {
        hart->tlb.stats.walks[kind]++;
        if (!walk(hart, &fresh, gva, kind, as, bank, &global))
            return NULL;
        entry = tlb_keep(&hart->tlb, bank, &fresh, global);
    }
    if (kind != ACCESS_WRITE || likely(hart->spy == NULL)) /* a spy hears of stores first */
        make_fast(hart, entry, kind, bank);
    return entry;
}

/* A fast slot can outlive its entry, and it is what the hart goes by. */
static bool fast_known(struct hart *hart, gva_t gva, enum tlb_kind kind,
                       struct tlb_entry *ret_entry)
{
    struct ram_block *ram = hart->ram_hint.ram;
    gva_t page = gva & PAGE_ADDR_MASK;
    const uint8_t *hva = tlb_probe(hart->tlb.table, kind, page, 1);

    if (hva == NULL || ram == NULL || hva < ram->hva || hva >= ram->hva + ram->size)
        return false;
    *ret_entry = (struct tlb_entry){ .page = page, .addend = (uintptr_t)hva - page, .ram = ram };
    return true;
}

bool hart_spy_known(struct hart *hart, gva_t gva, enum access_kind kind, enum tlb_bank bank,
                    struct tlb_entry *ret_entry)
{
    const struct tlb_entry *entry = tlb_find(&hart->tlb, bank, gva);

    if (entry == NULL || !permits(hart, entry, kind, bank))
        return kind != ACCESS_EXEC && bank == hart->tlb.bank &&
               fast_known(hart, gva, kind == ACCESS_READ ? TLB_READ : TLB_WRITE, ret_entry);
    *ret_entry = *entry;
    return true;
}

bool hart_spy_walk(struct hart *hart, gva_t gva, enum access_kind kind, enum access_kind as,
                   enum tlb_bank bank, struct tlb_entry *ret_entry)
{
    bool global = false;

    return walk(hart, ret_entry, gva, kind, as, bank, &global);
}

bool access_pmp(struct hart *hart, const struct tlb_entry *entry, gva_t gva, uint64_t size,
                enum access_kind kind, enum access_kind as, enum tlb_bank bank)
{
    if (likely(!(entry->flags & TLB_PMP)) ||
        pmp_permits(&hart->pmp, access_gpa(entry, gva), size, kind, mmu_bank_priv(bank)))
        return true;
    return access_fault(hart, as, gva);
}

/* ---- plain memory ---- */

/* Misaligned, or part of a crossing access. */
static uint64_t ram_load_bytes(const uint8_t *hva, unsigned size)
{
    uint64_t val = 0;

    for (unsigned i = 0; i < size; i++)
        val |= (uint64_t)__atomic_load_n(&hva[i], __ATOMIC_RELAXED) << 8 * i;
    return val;
}

static void ram_store_bytes(uint8_t *hva, unsigned size, uint64_t val)
{
    for (unsigned i = 0; i < size; i++)
        __atomic_store_n(&hva[i], (uint8_t)(val >> 8 * i), __ATOMIC_RELAXED);
}

static uint64_t ram_load(const void *hva, unsigned size)
{
    if (((uintptr_t)hva & (size - 1)) != 0)
        return ram_load_bytes(hva, size);
    switch (size) {
    case 1:
        return __atomic_load_n((const uint8_t *)hva, __ATOMIC_RELAXED);
    case 2:
        return __atomic_load_n((const uint16_t *)hva, __ATOMIC_RELAXED);
    case 4:
        return __atomic_load_n((const uint32_t *)hva, __ATOMIC_RELAXED);
    default:
        return __atomic_load_n((const uint64_t *)hva, __ATOMIC_RELAXED);
    }
}

static void ram_store(void *hva, unsigned size, uint64_t val)
{
    if (((uintptr_t)hva & (size - 1)) != 0) {
        ram_store_bytes(hva, size, val);
        return;
    }
    switch (size) {
    case 1:
        __atomic_store_n((uint8_t *)hva, (uint8_t)val, __ATOMIC_RELAXED);
        return;
    case 2:
        __atomic_store_n((uint16_t *)hva, (uint16_t)val, __ATOMIC_RELAXED);
        return;
    case 4:
        __atomic_store_n((uint32_t *)hva, (uint32_t)val, __ATOMIC_RELAXED);
        return;
    default:
        __atomic_store_n((uint64_t *)hva, val, __ATOMIC_RELAXED);
    }
}

/* The store is told twice, also before it is made: another hart may see its bytes, execute fence.i
 * and run them while this thread has not come to say that it wrote. What is told before makes that
 * fence.i look at the page; if an earlier one already has, the page is not firm again until this
 * hart has reported, which it does between blocks (dbt/cache/cache.c). */
void access_will_write(struct hart *hart, const struct tlb_entry *entry, gva_t gva, size_t len)
{
    if (unlikely(hart->spy != NULL)) {
        hart->spy->ops->will_write(hart->spy, access_hva(entry, gva));
        if (hart->spy->ops->find != NULL)
            return;
    }
    if (likely(!is_watched(entry)))
        return;
    hart->tlb.stats.watched++;
    ram_block_wrote(entry->ram, (uintptr_t)access_hva(entry, gva) - (uintptr_t)entry->ram->hva,
                    len);
    atomic_thread_fence(memory_order_seq_cst);
}

void access_wrote(struct hart *hart, const struct tlb_entry *entry, gva_t gva, size_t len)
{
    size_t offset = (uintptr_t)access_hva(entry, gva) - (uintptr_t)entry->ram->hva;

    if (unlikely(hart->spy != NULL) && hart->spy->ops->find != NULL)
        return; /* nobody else's memory */
    ram_block_wrote(entry->ram, offset, len);
    /* When nobody watches any more, the next store may be fast. */
    make_fast(hart, entry, ACCESS_WRITE, hart->data_bank);
}

/* A device may have changed the memory map in answer to this very access (flash leaves read
 * mode): the next access of the same block must see it. The request stays for the engine. */
static void follow_map(struct hart *hart)
{
    if (unlikely(atomic_load(&hart->requests) & HART_REQ_MAP_CHANGED))
        hart_forget_map(hart);
}

/* ---- devices, and what else is not plain memory ---- */

static bool device_load(struct hart *hart, gpa_t gpa, gva_t gva, unsigned size, uint64_t *ret_val)
{
    enum mem_result result;

    hart->tlb.stats.device++;
    result = unlikely(hart->spy != NULL) ? hart->spy->ops->load(hart->spy, gpa, size, ret_val)
                                         : mem_load(hart->space, gpa, size, ret_val);

    follow_map(hart);
    return result == MEM_OK || access_fault(hart, ACCESS_READ, gva);
}

static bool device_store(struct hart *hart, gpa_t gpa, gva_t gva, unsigned size, uint64_t val)
{
    enum mem_result result;

    hart->tlb.stats.device++;
    result = unlikely(hart->spy != NULL) ? hart->spy->ops->store(hart->spy, gpa, size, val)
                                         : mem_store(hart->space, gpa, size, val);

    follow_map(hart);
    return result == MEM_OK || access_fault(hart, ACCESS_WRITE, gva);
}

/* ---- loads ---- */

static bool load_within_page(struct hart *hart, gva_t gva, unsigned size, uint64_t *ret_val)
{
    enum tlb_bank bank = hart->data_bank;
    struct tlb_entry *entry = access_find(hart, gva, ACCESS_READ, ACCESS_READ, bank);

    if (entry == NULL || !access_pmp(hart, entry, gva, size, ACCESS_READ, ACCESS_READ, bank))
        return false;
    if (likely(entry->ram != NULL)) {
        *ret_val = ram_load(access_hva(entry, gva), size);
        return true;
    }
    return device_load(hart, access_gpa(entry, gva), gva, size, ret_val);
}

/* Both entries of an access that crosses from one page to the next, which must both be plain
 * memory: devices do not take halves. */
static bool find_crossing(struct hart *hart, gva_t gva, unsigned first_size, unsigned size,
                          enum access_kind kind, struct tlb_entry ret_entry[2])
{
    enum tlb_bank bank = hart->data_bank;
    gva_t part[2] = { gva, gva + first_size };
    unsigned part_size[2] = { first_size, size - first_size };

    hart->tlb.stats.crossing++;
    for (unsigned i = 0; i < 2; i++) {
        const struct tlb_entry *entry = access_find(hart, part[i], kind, kind, bank);

        if (entry == NULL || !access_pmp(hart, entry, part[i], part_size[i], kind, kind, bank))
            return false;
        if (entry->ram == NULL || (kind == ACCESS_WRITE && (entry->flags & TLB_NO_WRITE))) {
            (void)access_fault(hart, kind, part[i]);
            return false;
        }
        ret_entry[i] = *entry;
    }
    return true;
}

static unsigned left_in_page(gva_t gva)
{
    return (unsigned)(PAGE_SIZE_BYTES - (gva & PAGE_OFFSET_MASK));
}

bool hart_load(struct hart *hart, gva_t gva, unsigned size, uint64_t *ret_val)
{
    unsigned first = left_in_page(gva);
    struct tlb_entry entry[2];

    if (likely(first >= size))
        return load_within_page(hart, gva, size, ret_val);
    if (!find_crossing(hart, gva, first, size, ACCESS_READ, entry))
        return false;
    *ret_val = ram_load_bytes(access_hva(&entry[0], gva), first) |
               ram_load_bytes(access_hva(&entry[1], gva + first), size - first) << 8 * first;
    return true;
}

/* ---- stores ---- */

static bool store_within_page(struct hart *hart, gva_t gva, unsigned size, uint64_t val)
{
    enum tlb_bank bank = hart->data_bank;
    struct tlb_entry *entry = access_find(hart, gva, ACCESS_WRITE, ACCESS_WRITE, bank);

    if (entry == NULL || !access_pmp(hart, entry, gva, size, ACCESS_WRITE, ACCESS_WRITE, bank))
        return false;
    if (likely(entry->ram != NULL && !(entry->flags & TLB_NO_WRITE))) {
        access_will_write(hart, entry, gva, size);
        ram_store(access_hva(entry, gva), size, val);
        access_wrote(hart, entry, gva, size);
        return true;
    }
    return device_store(hart, access_gpa(entry, gva), gva, size, val);
}

bool hart_store(struct hart *hart, gva_t gva, unsigned size, uint64_t val)
{
    unsigned first = left_in_page(gva);
    struct tlb_entry entry[2];

    if (likely(first >= size))
        return store_within_page(hart, gva, size, val);
    if (!find_crossing(hart, gva, first, size, ACCESS_WRITE, entry))
        return false;
    access_will_write(hart, &entry[0], gva, first);
    access_will_write(hart, &entry[1], gva + first, size - first);
    ram_store_bytes(access_hva(&entry[0], gva), first, val);
    ram_store_bytes(access_hva(&entry[1], gva + first), size - first, val >> 8 * first);
    access_wrote(hart, &entry[0], gva, first);
    access_wrote(hart, &entry[1], gva + first, size - first);
    return true;
}
