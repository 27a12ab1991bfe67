/* devices/irqchip/aclint.h - the `virt` board's ACLINT: aclint_core on the machine's loop.
 *
 * Drives each hart's MSI and MTI line; the guest's `time` is aclint_time().
 */
#ifndef DEVICES_IRQCHIP_ACLINT_H
#define DEVICES_IRQCHIP_ACLINT_H

#include "dev/device.h"
#include "dev/irq.h"
#include "devices/irqchip/aclint_core.h"
#include "event/loop.h"
#include "mem/region.h"

enum { ACLINT_TIMEBASE_HZ = 10000000, ACLINT_TICK_NS = 1000000000 / ACLINT_TIMEBASE_HZ };

struct aclint_hart_timer {
    /* private */
    struct loop_timer timer;
    struct aclint *aclint;
};

struct aclint_params {
    uint32_t harts;             /* 1 to ACLINT_MAX_HARTS */
    const struct irq_line *msi; /* an element a hart, the caller's, outlive the ACLINT */
    const struct irq_line *mti;
    struct loop *loop; /* its clock is the machine's; it may run already */
    /* Called with the lock held when mtime jumps (a write, reset): whoever compares `time` with
     * anything else (Sstc timers) must look again. May be NULL. */
    void (*time_changed)(void *opaque);
    void *opaque;
};

struct aclint {
    struct device dev;
    struct mem_region mmio; /* ACLINT_SIZE bytes, ready after aclint_init() */
    /* private */
    struct aclint_params params;
    const struct clock *clock;
    struct aclint_core core;
    uint64_t saved_mtime; /* of the state table */
    struct aclint_hart_timer timers[ACLINT_MAX_HARTS];
};

void aclint_init(struct aclint *aclint, const char *id, const struct aclint_params *params);
/* On the loop's thread, or while no thread runs the loop. */
void aclint_fini(struct aclint *aclint);
/* mtime, ticks of 100 ns. [any thread], no lock. */
uint64_t aclint_time(const struct aclint *aclint);
/* The loop's clock when mtime is or was `mtime`; UINT64_MAX when that lies beyond its range.
 * [any thread] For timers on `time`. */
uint64_t aclint_time_to_ns(const struct aclint *aclint, uint64_t mtime);

#endif
