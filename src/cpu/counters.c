/*
 * cpu/counters.c - mcycle, minstret and the programmable counters (3.1.10 to 3.1.12, Sscofpmf).
 *
 * All that an emulator can count honestly is instructions, so mcycle counts those as well, and
 * the events are two names for the same: cycles and instructions. What matters to a profiler is
 * there: inhibiting by mode, overflow, LCOFI. Counting is batched by the engine (hart_count); while
 * one of these counts, a batch is a block, so an overflow is noticed late by less than a block, as
 * hardware may be.
 */
#include "cpu/internal.h"

enum hpm_event { HPM_EVENT_NONE, HPM_EVENT_CYCLES, HPM_EVENT_INSTRUCTIONS, HPM_EVENTS };

#define EVENT_INHIBITS (MHPMEVENT_MINH | MHPMEVENT_SINH | MHPMEVENT_UINH)
#define EVENT_NUMBER ISA_BITS(55, 0)

static uint64_t inhibit_of(unsigned priv)
{
    return priv == PRIV_M ? MHPMEVENT_MINH : priv == PRIV_S ? MHPMEVENT_SINH : MHPMEVENT_UINH;
}

void counters_update(struct hart *hart)
{
    const struct riscv_state *s = &hart->s;
    uint64_t inhibit = inhibit_of(s->priv);
    uint32_t counted = hart->hpm_counting;

    hart->count_cycle = s->mcountinhibit & COUNTEREN_CY ? 0 : UINT64_MAX;
    hart->count_instret = s->mcountinhibit & COUNTEREN_IR ? 0 : UINT64_MAX;
    hart->hpm_counting = 0;
    hart->hpm_used = false;
    for (unsigned n = HPM_FIRST; n < HPM_FIRST + HPM_IMPLEMENTED; n++) {
        if ((s->mhpmevent[n] & EVENT_NUMBER) == HPM_EVENT_NONE)
            continue;
        hart->hpm_used = true;
        if (!(s->mhpmevent[n] & inhibit) && !(s->mcountinhibit & COUNTEREN_HPM(n)))
            hart->hpm_counting |= 1u << n;
    }
    /* The engine must hear of it: it has to look for overflows from now on. */
    if (counted == 0 && hart->hpm_counting != 0)
        atomic_fetch_or(&hart->attention, (uint32_t)HART_ATTN_IRQ);
}

void hart_count_hpm(struct hart *hart, uint64_t instructions)
{
    struct riscv_state *s = &hart->s;

    for (unsigned n = HPM_FIRST; n < HPM_FIRST + HPM_IMPLEMENTED; n++) {
        if (!(hart->hpm_counting >> n & 1))
            continue;
        s->mhpmcounter[n] += instructions;
        if (s->mhpmcounter[n] >= instructions || !isa_has(hart->isa, ISA_EXT_SSCOFPMF) ||
            (s->mhpmevent[n] & MHPMEVENT_OF))
            continue;
        s->mhpmevent[n] |= MHPMEVENT_OF;
        s->mip |= MIP_LCOFIP;
        hart_check_irq(hart);
    }
}

uint64_t counters_overflowed(const struct hart *hart)
{
    uint64_t bits = 0;

    for (unsigned n = HPM_FIRST; n < HPM_FIRST + HPM_IMPLEMENTED; n++) {
        if (hart->s.mhpmevent[n] & MHPMEVENT_OF)
            bits |= ISA_BIT(n);
    }
    return bits;
}

void counters_write_event(struct hart *hart, unsigned n, uint64_t bits, uint64_t mask)
{
    uint64_t event = (hart->s.mhpmevent[n] & ~mask) | (bits & mask), keep = EVENT_NUMBER;

    if (n >= HPM_FIRST + HPM_IMPLEMENTED)
        return;
    if (isa_has(hart->isa, ISA_EXT_SSCOFPMF))
        keep |= MHPMEVENT_OF | EVENT_INHIBITS;
    if ((event & EVENT_NUMBER) >= HPM_EVENTS)
        keep &= ~EVENT_NUMBER; /* an event we do not have is no event */
    hart->s.mhpmevent[n] = event & keep;
    counters_update(hart);
}

void counters_write_inhibit(struct hart *hart, uint64_t bits, uint64_t mask)
{
    uint64_t writable = COUNTEREN_CY | COUNTEREN_IR;

    for (unsigned n = HPM_FIRST; n < HPM_FIRST + HPM_IMPLEMENTED; n++)
        writable |= COUNTEREN_HPM(n);
    mask &= writable;
    hart->s.mcountinhibit = (hart->s.mcountinhibit & ~mask) | (bits & mask);
    counters_update(hart);
}
