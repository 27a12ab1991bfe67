/* devices/irqchip/plic_core.h - a RISC-V PLIC 1.0.0 as a state machine. Freestanding.
 *
 * No allocation, no lock, no clock: one caller at a time. Register layout (all registers 32 bits):
 *     0x000000 + 4*source            priority, 0 (never) to 7
 *     0x001000 + 4*word              pending, read only
 *     0x002000 + 0x80*ctx + 4*word   enable
 *     0x200000 + 0x1000*ctx          threshold
 *     0x200004 + 0x1000*ctx          read: claim, write: complete
 * What lies between reads 0 and ignores writes, as do sources and contexts that do not exist.
 */
#ifndef DEVICES_IRQCHIP_PLIC_CORE_H
#define DEVICES_IRQCHIP_PLIC_CORE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PLIC_MAX_SOURCES = 128, /* with source 0, which is none */
    PLIC_MAX_CONTEXTS = 1024,
    PLIC_WORDS = PLIC_MAX_SOURCES / 32,
    PLIC_MAX_PRIORITY = 7,
    PLIC_SIZE = 0x600000,
};

struct plic_core {
    /* The context's external-interrupt line has changed. Called from inside the functions below;
     * must not call back. */
    void (*set_output)(struct plic_core *plic, unsigned context, bool level);
    uint32_t sources; /* with source 0 */
    uint32_t contexts;

    /* Guest-visible state. */
    uint8_t priority[PLIC_MAX_SOURCES];
    uint32_t level[PLIC_WORDS];   /* the sources' lines */
    uint32_t pending[PLIC_WORDS]; /* IP: accepted from the gateway */
    uint32_t claimed[PLIC_WORDS]; /* the gateway waits for completion */
    uint32_t enable[PLIC_MAX_CONTEXTS * PLIC_WORDS];
    uint8_t threshold[PLIC_MAX_CONTEXTS];

    /* Derived: above[t] has the sources whose priority is greater than t. */
    uint32_t above[PLIC_MAX_PRIORITY + 1][PLIC_WORDS];
    bool output[PLIC_MAX_CONTEXTS];
};

/* 2 to PLIC_MAX_SOURCES sources, 1 to PLIC_MAX_CONTEXTS contexts. All outputs are low. */
void plic_core_init(struct plic_core *plic, uint32_t sources, uint32_t contexts,
                    void (*set_output)(struct plic_core *plic, unsigned context, bool level));
/* Power-on state, but for the sources' lines, which are not the PLIC's to change. */
void plic_core_reset(struct plic_core *plic);
/* Whatever the state holds now is made consistent, masked to what exists; outputs follow. */
void plic_core_refresh(struct plic_core *plic);

void plic_core_set_source(struct plic_core *plic, unsigned source, bool level);
/* off < PLIC_SIZE, a multiple of 4. */
uint32_t plic_core_read(struct plic_core *plic, uint32_t off);
void plic_core_write(struct plic_core *plic, uint32_t off, uint32_t val);

#endif
