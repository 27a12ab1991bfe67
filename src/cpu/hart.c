/*
 * cpu/hart.c - a hart's life: made, reset, put to work, and told things by other threads.
 *
 * Other threads never touch the hart but for three atomic words: irq_lines, requests, attention.
 * They set a bit in one of the first two, then one in `attention`, then call `wake`; the hart
 * clears the attention bit before it looks at what the bit stands for, so that whatever comes
 * later sets it again. hart.h has the argument why no wake-up is lost.
 */
#include "cpu/internal.h"

#include <string.h>

static void map_changed(struct mem_listener *listener, const struct mem_range *range)
{
    (void)range;
    container_of(listener, struct hart, map_listener)->map_changed = true;
}

/* The new view is published already, so that what the hart finds after serving is current. */
static void map_commit(struct mem_listener *listener)
{
    struct hart *hart = container_of(listener, struct hart, map_listener);

    if (!hart->map_changed)
        return;
    hart->map_changed = false;
    hart_request(hart, HART_REQ_MAP_CHANGED);
}

static void map_log_start(struct mem_listener *listener, const struct mem_range *range)
{
    (void)range;
    hart_request(container_of(listener, struct hart, map_listener), HART_REQ_TLB_FLUSH_WRITES);
}

int hart_init(struct hart *hart, uint32_t id, const struct isa_config *isa,
              const struct hart_ops *ops, void *owner, struct mem_space *space)
{
    int rc;

    memset(hart, 0, sizeof(*hart));
    rc = tlb_init(&hart->tlb);
    if (rc < 0)
        return rc;
    hart->id = id;
    hart->isa = isa;
    hart->ops = ops;
    hart->owner = owner;
    hart->space = space;
    hart->stimer_armed = UINT64_MAX;
    hart->map_listener.add = map_changed;
    hart->map_listener.remove = map_changed;
    hart->map_listener.log_start = map_log_start;
    hart->map_listener.commit = map_commit;
    hart_reset(hart, 0);
    return 0;
}

void hart_fini(struct hart *hart)
{
    tlb_fini(&hart->tlb);
}

void hart_watch_map(struct hart *hart)
{
    mem_space_listen(hart->space, &hart->map_listener);
    hart_request(hart, HART_REQ_MAP_CHANGED); /* for what changed before we listened */
}

void hart_unwatch_map(struct hart *hart)
{
    mem_space_unlisten(hart->space, &hart->map_listener);
}

void hart_reset(struct hart *hart, gpa_t pc)
{
    struct riscv_state *s = &hart->s;

    *s = (struct riscv_state){ .pc = pc, .priv = PRIV_M, .stimecmp = UINT64_MAX };
    s->mstatus = field_set(field_set(0, MSTATUS_UXL, XL_64), MSTATUS_SXL, XL_64);
    /* Not asked for by 3.4, but firmware older than these extensions leaves the bits alone, and
     * kernels read from the device tree that they work. */
    if (isa_has(hart->isa, ISA_EXT_SVPBMT))
        s->menvcfg |= MENVCFG_PBMTE;
    if (isa_has(hart->isa, ISA_EXT_SVADU) && !isa_has(hart->isa, ISA_EXT_SVADE))
        s->menvcfg |= MENVCFG_ADUE;
    hart->reservation = UINT64_MAX;
    hart->exc_raised = false;
    atomic_fetch_and(&hart->attention, ~(uint32_t)HART_ATTN_WFI);
    hart_state_changed(hart);
}

void hart_state_changed(struct hart *hart)
{
    pmp_update(&hart->pmp, &hart->s, hart->isa->pmp_entries);
    hart_forget_map(hart);
    tlb_switch_space(&hart->tlb, (uint16_t)field_get(hart->s.satp, SATP_ASID));
    counters_update(hart);
    sstc_rearm(hart);
    hart_mode_changed(hart);
}

void hart_enter_supervisor(struct hart *hart, gpa_t pc, uint64_t opaque)
{
    struct riscv_state *s = &hart->s;

    hart_reset(hart, pc);
    s->priv = PRIV_S;
    s->x[10] = hart->id;
    s->x[11] = opaque;
    if (isa_has(hart->isa, ISA_EXT_F))
        s->mstatus |= MSTATUS_FS_INITIAL;
    /* Everything goes to S, but for ecall from S, which is the firmware's. */
    (void)hart_csr_poke(hart, CSR_MEDELEG, ~(uint64_t)ISA_BIT(CAUSE_ECALL_S));
    (void)hart_csr_poke(hart, CSR_MIDELEG, UINT64_MAX);
    s->mcounteren = COUNTEREN_ALL;
    s->scounteren = COUNTEREN_CY | COUNTEREN_TM | COUNTEREN_IR;
    (void)hart_csr_poke(hart, CSR_MENVCFG,
                        s->menvcfg | MENVCFG_CBIE | MENVCFG_CBCFE | MENVCFG_CBZE | MENVCFG_STCE);
    if (hart->isa->pmp_entries != 0) { /* all memory for all */
        pmp_write_addr(s, 0, UINT64_MAX, hart->isa->pmp_entries);
        pmp_write_cfg(s, 0, PMP_NAPOT << PMPCFG_A_SHIFT | PMPCFG_R | PMPCFG_W | PMPCFG_X,
                      hart->isa->pmp_entries);
    }
    hart_state_changed(hart);
}

/* ---- from other threads ---- */

void hart_set_wake(struct hart *hart, void (*wake)(struct hart *hart))
{
    hart->wake = wake;
}

void hart_set_attention(struct hart *hart, uint32_t bits)
{
    atomic_fetch_or(&hart->attention, bits);
    if (hart->wake != NULL)
        hart->wake(hart);
}

void hart_set_irq_line(struct hart *hart, unsigned irq, bool level)
{
    uint64_t bit = ISA_BIT(irq);

    if (!level)
        atomic_fetch_and(&hart->irq_lines, ~bit);
    else if (!(atomic_fetch_or(&hart->irq_lines, bit) & bit))
        hart_set_attention(hart, HART_ATTN_IRQ);
}

void hart_stimer_fired(struct hart *hart)
{
    atomic_fetch_or(&hart->irq_lines, HART_LINE_STIMER);
    hart_set_attention(hart, HART_ATTN_IRQ);
}

void hart_request(struct hart *hart, uint32_t requests)
{
    atomic_fetch_or(&hart->requests, requests);
    hart_set_attention(hart, HART_ATTN_REQUEST);
}

uint32_t hart_post_fence(struct hart *hart, const struct hart_fence *fence)
{
    for (unsigned i = 0; i < HART_FENCES; i++) {
        struct hart_fence_place *place = &hart->fence[i];
        int expected = FENCE_FREE;

        if (!atomic_compare_exchange_strong(&place->state, &expected, FENCE_BEING_WRITTEN))
            continue;
        place->fence = *fence;
        atomic_store(&place->state, FENCE_POSTED);
        return HART_REQ_FENCE;
    }
    return HART_REQ_TLB_FLUSH;
}

/* ---- on the hart's thread ---- */

static void fence_range(struct tlb *tlb, const struct hart_fence *fence)
{
    gva_t page = fence->gva & PAGE_ADDR_MASK;
    uint64_t pages;

    if (fence->size == 0)
        return;
    pages = ((fence->gva & PAGE_OFFSET_MASK) + (fence->size - 1)) / PAGE_SIZE_BYTES + 1;
    if (fence->size > (uint64_t)HART_FENCE_MAX_PAGES * PAGE_SIZE_BYTES ||
        pages > HART_FENCE_MAX_PAGES) {
        if (fence->has_asid)
            tlb_flush_asid(tlb, fence->asid);
        else
            tlb_flush_translations(tlb);
        return;
    }
    for (; pages-- > 0; page += PAGE_SIZE_BYTES) {
        if (fence->has_asid)
            tlb_flush_page_asid(tlb, page, fence->asid);
        else
            tlb_flush_page(tlb, page);
    }
}

/* Who writes one just now will request again. */
static void serve_fences(struct hart *hart)
{
    for (unsigned i = 0; i < HART_FENCES; i++) {
        struct hart_fence_place *place = &hart->fence[i];

        if (atomic_load(&place->state) != FENCE_POSTED)
            continue;
        fence_range(&hart->tlb, &place->fence);
        atomic_store(&place->state, FENCE_FREE);
    }
    hart->reservation = UINT64_MAX; /* it is a virtual address */
}

bool hart_may_sleep(struct hart *hart)
{
    uint32_t attention = atomic_load(&hart->attention);

    if (attention & (HART_ATTN_KICK | HART_ATTN_REQUEST))
        return false;
    if (attention & HART_ATTN_STOPPED)
        return true;
    return (attention & HART_ATTN_WFI) && !hart_irq_wakes(hart);
}

uint32_t hart_serve_requests(struct hart *hart)
{
    uint32_t requests;

    atomic_fetch_and(&hart->attention, ~(uint32_t)HART_ATTN_REQUEST);
    requests = atomic_exchange(&hart->requests, 0);
    if (requests & HART_REQ_MAP_CHANGED)
        hart_forget_map(hart);
    if (requests & HART_REQ_TLB_FLUSH)
        tlb_flush_translations(&hart->tlb);
    if (requests & HART_REQ_FENCE)
        serve_fences(hart);
    if (requests & HART_REQ_TLB_FLUSH_WRITES)
        tlb_forget_writes(&hart->tlb);
    if ((requests & HART_REQ_FENCE_I) && hart->ops->fence_i != NULL)
        hart->ops->fence_i(hart);
    if (requests & HART_REQ_IPI) {
        hart->s.mip |= MIP_SSIP;
        hart_check_irq(hart);
    }
    return requests;
}

void hart_forget_map(struct hart *hart)
{
    hart->ram_hint = (struct ram_hint){ .first = 1, .last = 0 };
    tlb_flush_all(&hart->tlb);
}

struct ram_block *hart_find_ram(struct hart *hart, gpa_t gpa, size_t len, uint64_t *ret_offset,
                                bool *ret_writable)
{
    struct ram_hint *hint = &hart->ram_hint;

    if (unlikely(gpa < hint->first || gpa > hint->last)) {
        const struct mem_range *range = mem_find(hart->space, gpa);

        if (range == NULL || !range->readable)
            return NULL;
        *hint = (struct ram_hint){
            .first = range->start,
            .last = range->last,
            .ram = range->ram,
            .ram_offset = range->ram_offset,
            .writable = range->writable,
        };
    }
    if (hint->last - gpa < len - 1)
        return NULL;
    *ret_offset = hint->ram_offset + (gpa - hint->first);
    *ret_writable = hint->writable;
    return hint->ram;
}
