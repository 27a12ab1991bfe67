/* devices/irqchip/plic.h - the PLIC of the `virt` board: plic_core behind a region and a lock.
 *
 * Any device drives a source from any thread: plic_irq() makes the line. The PLIC's lock is taken
 * inside, below the device's own (docs/locking.md).
 */
#ifndef DEVICES_IRQCHIP_PLIC_H
#define DEVICES_IRQCHIP_PLIC_H

#include "dev/device.h"
#include "dev/irq.h"
#include "devices/irqchip/plic_core.h"
#include "mem/region.h"

struct plic {
    struct device dev;
    struct mem_region mmio; /* PLIC_SIZE bytes, ready after plic_init() */
    /* private */
    const struct irq_line *outputs;
    struct plic_core core;
};

/* `sources` counts source 0. outputs[c] is the external-interrupt line of context c; the array is
 * the caller's and outlives the PLIC. On virt context 2h is M mode of hart h, 2h+1 its S mode. */
void plic_init(struct plic *plic, const char *id, uint32_t sources, uint32_t contexts,
               const struct irq_line *outputs);
void plic_fini(struct plic *plic);
/* The line that drives `source`. */
struct irq_line plic_irq(struct plic *plic, unsigned source);

#endif
