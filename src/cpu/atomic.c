/*
 * cpu/atomic.c - what LR, SC, AMOs and cache-block operations need of memory: a host address.
 *
 * Atomics work in place on plain memory; a device or ROM has no such place and answers with an
 * access fault (as a region whose PMA supports no atomics). They must be aligned.
 */
#include <string.h>

#include "cpu/internal.h"
#include "cpu/spy.h"

bool hart_atomic_ptr(struct hart *hart, gva_t gva, unsigned size, bool write, void **ret_hva,
                     gpa_t *ret_gpa)
{
    enum access_kind kind = write ? ACCESS_WRITE : ACCESS_READ;
    enum tlb_bank bank = hart->data_bank;
    struct tlb_entry *entry;

    if ((gva & (size - 1)) != 0)
        return hart_raise(hart, write ? CAUSE_STORE_MISALIGNED : CAUSE_LOAD_MISALIGNED, gva);
    entry = access_find(hart, gva, kind, kind, bank);
    if (entry == NULL || !access_pmp(hart, entry, gva, size, kind, kind, bank))
        return false;
    if (entry->ram == NULL || (write && (entry->flags & TLB_NO_WRITE)))
        return access_fault(hart, kind, gva);
    if (write)
        access_will_write(hart, entry, gva, size);
    *ret_hva = access_hva(entry, gva);
    *ret_gpa = access_gpa(entry, gva);
    return true;
}

void hart_atomic_done(struct hart *hart, gpa_t gpa, unsigned size)
{
    uint64_t offset;
    bool writable;
    struct ram_block *ram = hart_find_ram(hart, gpa, size, &offset, &writable);

    if (unlikely(hart->spy != NULL) && hart->spy->ops->find != NULL)
        return;
    if (ram != NULL)
        ram_block_wrote(ram, offset, size);
}

/* ---- Zicbom, Zicboz ---- */

/* The CSRs' say (unprivileged manual, "CSR controls for CMO instructions"): M decides for S and
 * U, S for U. */
static bool enabled(const struct hart *hart, uint64_t field)
{
    const struct riscv_state *s = &hart->s;

    return (s->priv == PRIV_M || (s->menvcfg & field)) &&
           (s->priv != PRIV_U || (s->senvcfg & field));
}

static bool is_legal(const struct hart *hart, unsigned op)
{
    switch (op) {
    case HART_CBO_INVAL:
        return isa_has(hart->isa, ISA_EXT_ZICBOM) && enabled(hart, ENVCFG_CBIE);
    case HART_CBO_CLEAN:
    case HART_CBO_FLUSH:
        return isa_has(hart->isa, ISA_EXT_ZICBOM) && enabled(hart, ENVCFG_CBCFE);
    case HART_CBO_ZERO:
        return isa_has(hart->isa, ISA_EXT_ZICBOZ) && enabled(hart, ENVCFG_CBZE);
    default:
        return false;
    }
}

static void zero_block(uint64_t *hva)
{
    for (unsigned i = 0; i < HART_CBO_BLOCK / 8; i++)
        __atomic_store_n(&hva[i], 0, __ATOMIC_RELAXED);
}

/* Host memory is coherent, so that there is nothing to clean, flush or invalidate; what is left
 * is the permission, which is that of a load or a store; W implies R, so a load's. Its faults are
 * those of a store, and name the address given, not the block's. */
bool hart_cbo(struct hart *hart, unsigned op, gva_t gva, uint32_t raw_insn)
{
    enum access_kind kind = op == HART_CBO_ZERO ? ACCESS_WRITE : ACCESS_READ;
    gva_t block = gva & ~(gva_t)(HART_CBO_BLOCK - 1);
    enum tlb_bank bank = hart->data_bank;
    struct tlb_entry *entry;
    uint64_t *fast;

    if (!is_legal(hart, op))
        return hart_raise(hart, CAUSE_ILLEGAL, raw_insn);
    fast =
        op == HART_CBO_ZERO ? tlb_probe(hart->tlb.table, TLB_WRITE, block, HART_CBO_BLOCK) : NULL;
    if (likely(fast != NULL)) { /* kernels zero their pages so, 64 times each */
        zero_block(fast);
        return true;
    }
    entry = access_find(hart, gva, kind, ACCESS_WRITE, bank);
    if (entry == NULL)
        return false;
    if (!access_pmp(hart, entry, block, HART_CBO_BLOCK, kind, ACCESS_WRITE, bank)) {
        hart->exc.tval = gva;
        return false;
    }
    if (op != HART_CBO_ZERO)
        return true;
    if (entry->ram == NULL || (entry->flags & TLB_NO_WRITE))
        return access_fault(hart, ACCESS_WRITE, gva);
    access_will_write(hart, entry, block, HART_CBO_BLOCK);
    zero_block(access_hva(entry, block));
    access_wrote(hart, entry, block, HART_CBO_BLOCK);
    return true;
}
