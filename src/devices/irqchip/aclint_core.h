/* devices/irqchip/aclint_core.h - RISC-V ACLINT: software interrupts and timers. Freestanding.
 *
 * An MSWI and an MTIMER device laid out as the CLINT that came before them (ACLINT 1.0, "Backward
 * Compatibility With SiFive CLINT"):
 *     0x0000 + 4*hart   msip, bit 0
 *     0x4000 + 8*hart   mtimecmp, by 4 or 8 bytes
 *     0xbff8            mtime, by 4 or 8 bytes
 * What lies between reads 0 and ignores writes, as do harts that do not exist.
 *
 * No allocation, no lock; one caller at a time, but for aclint_core_time(). Time comes from the
 * owner's tick counter; writing mtime moves `offset` between the two.
 */
#ifndef DEVICES_IRQCHIP_ACLINT_CORE_H
#define DEVICES_IRQCHIP_ACLINT_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { ACLINT_MAX_HARTS = 512, ACLINT_SIZE = 0x10000 };

struct aclint_core;

/* None may call back into the core. */
struct aclint_core_ops {
    /* The owner's counter at the timebase's rate; never goes back. */
    uint64_t (*ticks)(const struct aclint_core *core);
    void (*set_msi)(struct aclint_core *core, unsigned hart, bool level);
    void (*set_mti)(struct aclint_core *core, unsigned hart, bool level);
    /* Call aclint_core_expired(hart) once ticks() has reached `ticks`; UINT64_MAX: no more. */
    void (*arm)(struct aclint_core *core, unsigned hart, uint64_t ticks);
    /* mtime has jumped: others that compare with it must look again. */
    void (*time_changed)(struct aclint_core *core);
};

struct aclint_core {
    const struct aclint_core_ops *ops;
    uint32_t harts;
    _Atomic uint64_t offset; /* mtime = ticks() + offset, modulo 2^64 */

    /* Guest-visible state. */
    uint8_t msip[ACLINT_MAX_HARTS];
    uint64_t mtimecmp[ACLINT_MAX_HARTS];
    /* Derived. */
    bool mtip[ACLINT_MAX_HARTS];
};

/* 1 to ACLINT_MAX_HARTS harts. All lines are low. */
void aclint_core_init(struct aclint_core *core, uint32_t harts, const struct aclint_core_ops *ops);
/* mtime 0, no software interrupt, mtimecmp so far away that no timer is pending. */
void aclint_core_reset(struct aclint_core *core);
/* Lines and timers are made to follow msip, mtimecmp and offset, whatever was before. */
void aclint_core_refresh(struct aclint_core *core);
/* mtime now. Any thread. */
uint64_t aclint_core_time(const struct aclint_core *core);
void aclint_core_set_time(struct aclint_core *core, uint64_t mtime);
/* A timer of the owner's has run out, or may have: looks at the time. */
void aclint_core_expired(struct aclint_core *core, unsigned hart);

/* off + size <= ACLINT_SIZE, size 4 or 8, off a multiple of size. */
uint64_t aclint_core_read(struct aclint_core *core, uint32_t off, unsigned size);
void aclint_core_write(struct aclint_core *core, uint32_t off, unsigned size, uint64_t val);

#endif
