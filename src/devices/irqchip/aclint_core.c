/*
 * devices/irqchip/aclint_core.c - msip, mtimecmp and mtime of all harts.
 *
 * A timer interrupt is a level: pending while mtime >= mtimecmp, compared unsigned. So a write to
 * mtimecmp sets the line at once and arms the owner's timer for the tick at which the line will
 * change by itself. mtip[] and msip[] hold what the lines were last told.
 */
#include "devices/irqchip/aclint_core.h"

#include "base/bitops.h"

enum {
    MSWI_END = 0x4000,
    MTIMECMP_BASE = 0x4000,
    MTIME = 0xbff8,
    MTIME_END = MTIME + 8,
};
_Static_assert(4 * ACLINT_MAX_HARTS <= MSWI_END, "msip fits");
_Static_assert(MTIMECMP_BASE + 8 * ACLINT_MAX_HARTS <= MTIME, "mtimecmp fits");

uint64_t aclint_core_time(const struct aclint_core *core)
{
    return core->ops->ticks(core) + atomic_load_explicit(&core->offset, memory_order_relaxed);
}

static void update_timer(struct aclint_core *core, unsigned hart)
{
    uint64_t ticks = core->ops->ticks(core);
    uint64_t mtime = ticks + atomic_load_explicit(&core->offset, memory_order_relaxed);
    uint64_t cmp = core->mtimecmp[hart], deadline;
    bool pending = mtime >= cmp;

    /* The next change: up at mtimecmp, or down when mtime wraps. Past what the counter can hold
     * is never, and with mtimecmp 0 there is no down. */
    if (cmp == 0 || __builtin_add_overflow(ticks, (pending ? 0 : cmp) - mtime, &deadline))
        deadline = UINT64_MAX;
    core->ops->arm(core, hart, deadline);
    if (core->mtip[hart] != pending) {
        core->mtip[hart] = pending;
        core->ops->set_mti(core, hart, pending);
    }
}

static void set_msip(struct aclint_core *core, unsigned hart, uint64_t val)
{
    uint8_t bit = val & 1;

    if (core->msip[hart] == bit)
        return;
    core->msip[hart] = bit;
    core->ops->set_msi(core, hart, bit);
}

void aclint_core_init(struct aclint_core *core, uint32_t harts, const struct aclint_core_ops *ops)
{
    core->ops = ops;
    core->harts = harts;
    atomic_init(&core->offset, 0);
    for (unsigned h = 0; h < ACLINT_MAX_HARTS; h++) {
        core->msip[h] = 0;
        core->mtimecmp[h] = UINT64_MAX;
        core->mtip[h] = false;
    }
}

void aclint_core_reset(struct aclint_core *core)
{
    for (unsigned h = 0; h < core->harts; h++) {
        set_msip(core, h, 0);
        core->mtimecmp[h] = UINT64_MAX;
    }
    aclint_core_set_time(core, 0);
}

void aclint_core_refresh(struct aclint_core *core)
{
    for (unsigned h = 0; h < core->harts; h++) {
        core->msip[h] &= 1;
        core->ops->set_msi(core, h, core->msip[h]);
        core->ops->set_mti(core, h, core->mtip[h]);
        update_timer(core, h);
    }
}

void aclint_core_set_time(struct aclint_core *core, uint64_t mtime)
{
    atomic_store_explicit(&core->offset, mtime - core->ops->ticks(core), memory_order_relaxed);
    for (unsigned h = 0; h < core->harts; h++)
        update_timer(core, h);
    core->ops->time_changed(core);
}

void aclint_core_expired(struct aclint_core *core, unsigned hart)
{
    update_timer(core, hart);
}

/* A 64-bit register seen through an access of 4 or 8 bytes at its byte `at`. */
static uint64_t part_read(uint64_t reg, unsigned at, unsigned size)
{
    return size == 8 ? reg : extract64(reg, at * 8, 32);
}

static uint64_t part_write(uint64_t reg, unsigned at, unsigned size, uint64_t val)
{
    return size == 8 ? val : deposit64(reg, at * 8, 32, val);
}

uint64_t aclint_core_read(struct aclint_core *core, uint32_t off, unsigned size)
{
    if (off < MSWI_END) {
        unsigned hart = off / 4;
        uint64_t val = hart < core->harts ? core->msip[hart] : 0;

        if (size == 8 && hart + 1 < core->harts)
            val |= (uint64_t)core->msip[hart + 1] << 32;
        return val;
    }
    if (off < MTIME) {
        unsigned hart = (off - MTIMECMP_BASE) / 8;

        return hart < core->harts ? part_read(core->mtimecmp[hart], off % 8, size) : 0;
    }
    return off < MTIME_END ? part_read(aclint_core_time(core), off % 8, size) : 0;
}

void aclint_core_write(struct aclint_core *core, uint32_t off, unsigned size, uint64_t val)
{
    if (off < MSWI_END) {
        unsigned hart = off / 4;

        if (hart < core->harts)
            set_msip(core, hart, val);
        if (size == 8 && hart + 1 < core->harts)
            set_msip(core, hart + 1, val >> 32);
    } else if (off < MTIME) {
        unsigned hart = (off - MTIMECMP_BASE) / 8;

        if (hart < core->harts) {
            core->mtimecmp[hart] = part_write(core->mtimecmp[hart], off % 8, size, val);
            update_timer(core, hart);
        }
    } else if (off < MTIME_END) {
        aclint_core_set_time(core, part_write(aclint_core_time(core), off % 8, size, val));
    }
}
