/*
 * cpu/pmp.c - physical memory protection (privileged manual, 3.7).
 *
 * The lowest-numbered entry that matches any byte of an access decides, and must match them all.
 * A page is uniform when the lowest-numbered entry that touches it covers it whole, or none
 * touches it: only then may the soft TLB remember what it permits.
 */
#include "cpu/pmp.h"

#include "isa/riscv/bits.h"

_Static_assert(PMPCFG_R == PERM_R && PMPCFG_W == PERM_W && PMPCFG_X == PERM_X,
               "a cfg's low bits are a set of permissions");

/* The range of entry i; false when it matches nothing. */
static bool decode(const struct riscv_state *s, unsigned i, struct pmp_range *range)
{
    uint64_t addr = s->pmpaddr[i], low;

    switch ((s->pmpcfg[i] & PMPCFG_A) >> PMPCFG_A_SHIFT) {
    case PMP_TOR:
        low = i == 0 ? 0 : s->pmpaddr[i - 1];
        if (low >= addr)
            return false;
        range->first = low << 2;
        range->last = (addr << 2) - 1;
        return true;
    case PMP_NA4:
        range->first = addr << 2;
        range->last = range->first | 3;
        return true;
    case PMP_NAPOT:
        /* The trailing ones and the zero above them are the size: addr ^ (addr + 1) covers them. */
        range->first = (addr & (addr + 1)) << 2;
        range->last = ((addr | (addr + 1)) << 2) | 3;
        return true;
    default:
        return false;
    }
}

void pmp_update(struct pmp *pmp, const struct riscv_state *s, unsigned entries)
{
    pmp->present = entries != 0;
    pmp->count = 0;
    for (unsigned i = 0; i < entries; i++) {
        struct pmp_range *range = &pmp->range[pmp->count];

        if (!decode(s, i, range))
            continue;
        range->perms = s->pmpcfg[i] & PERM_RWX;
        range->machine = s->pmpcfg[i] & PMPCFG_L ? range->perms : PERM_RWX;
        pmp->count++;
    }
}

/* The permissions where no entry matches. */
static unsigned unmatched(const struct pmp *pmp, unsigned priv)
{
    return priv == PRIV_M || !pmp->present ? PERM_RWX : 0;
}

/* What all of [first, last] permits. False: an entry matches some of it only. */
static bool lookup(const struct pmp *pmp, gpa_t first, gpa_t last, unsigned priv,
                   unsigned *ret_perms)
{
    for (unsigned i = 0; i < pmp->count; i++) {
        const struct pmp_range *range = &pmp->range[i];

        if (last < range->first || first > range->last)
            continue;
        if (first < range->first || last > range->last)
            return false;
        *ret_perms = priv == PRIV_M ? range->machine : range->perms;
        return true;
    }
    *ret_perms = unmatched(pmp, priv);
    return true;
}

bool pmp_permits(const struct pmp *pmp, gpa_t gpa, uint64_t size, enum access_kind kind,
                 unsigned priv)
{
    unsigned perms;

    return lookup(pmp, gpa, gpa + (size - 1), priv, &perms) && (perms >> kind & 1);
}

bool pmp_page(const struct pmp *pmp, gpa_t page, unsigned priv, unsigned *ret_perms)
{
    return lookup(pmp, page, page | PAGE_OFFSET_MASK, priv, ret_perms);
}

void pmp_write_cfg(struct riscv_state *s, unsigned entry, uint8_t value, unsigned entries)
{
    if (entry >= entries || s->pmpcfg[entry] & PMPCFG_L)
        return;
    value &= PMPCFG_MASK;
    if (!(value & PMPCFG_R)) /* W without R is reserved */
        value &= (uint8_t)~PMPCFG_W;
    s->pmpcfg[entry] = value;
}

void pmp_write_addr(struct riscv_state *s, unsigned entry, uint64_t value, unsigned entries)
{
    if (entry >= entries || s->pmpcfg[entry] & PMPCFG_L)
        return;
    if (entry + 1 < entries && s->pmpcfg[entry + 1] & PMPCFG_L &&
        (s->pmpcfg[entry + 1] & PMPCFG_A) >> PMPCFG_A_SHIFT == PMP_TOR)
        return; /* it is the bottom of a locked range */
    s->pmpaddr[entry] = value & PMPADDR_MASK;
}
