/*
 * cpu/sstc.c - the supervisor's timer: STIP is `time` >= stimecmp (12.1.12, Sstc).
 *
 * Reading the host's clock at every look for interrupts would be dear. So hart->stimer remembers
 * the comparison, ops->arm_stimer makes somebody call hart_stimer_fired() when it turns true, and
 * that only marks HART_LINE_STIMER: the hart itself then compares again, on its own thread. A
 * call that comes late, early, or for a stimecmp since replaced does no harm. Reading mip looks
 * at the time, so that a guest never sees `time` past stimecmp with STIP clear.
 */
#include "cpu/internal.h"

/* With the built-in firmware the comparator is how the firmware keeps time, even if the guest's
 * ISA has no stimecmp. */
bool sstc_active(const struct hart *hart)
{
    return hart->builtin_sbi ||
           (isa_has(hart->isa, ISA_EXT_SSTC) && (hart->s.menvcfg & MENVCFG_STCE));
}

void sstc_update(struct hart *hart)
{
    bool was = hart->stimer;

    hart->stimer = sstc_active(hart) && hart->s.stimecmp != UINT64_MAX &&
                   hart->ops->time(hart) >= hart->s.stimecmp;
    if (hart->stimer && !was)
        atomic_fetch_or(&hart->attention, (uint32_t)HART_ATTN_IRQ);
}

void sstc_rearm(struct hart *hart)
{
    uint64_t deadline;

    sstc_update(hart);
    deadline = sstc_active(hart) && !hart->stimer ? hart->s.stimecmp : UINT64_MAX;
    if (deadline == hart->stimer_armed)
        return;
    hart->stimer_armed = deadline;
    hart->ops->arm_stimer(hart, deadline);
}

void hart_set_stimecmp(struct hart *hart, uint64_t deadline)
{
    hart->s.stimecmp = deadline;
    sstc_rearm(hart);
    hart_check_irq(hart);
}
