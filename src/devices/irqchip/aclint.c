/*
 * devices/irqchip/aclint.c - wraps aclint_core as a device: region, lock, loop timers, lines.
 *
 * Guest accesses come with dev.lock held, the timers' callbacks on the loop's thread take it. A
 * callback that comes late or for a deadline since replaced is harmless: the core looks at the
 * time and arms again.
 */
#include "devices/irqchip/aclint.h"

#include <assert.h>

#include "base/clock.h"
#include "base/compiler.h"

static const struct aclint *to_aclint_const(const struct aclint_core *core)
{
    return container_of_const(core, struct aclint, core);
}

static struct aclint *to_aclint(struct aclint_core *core)
{
    return container_of(core, struct aclint, core);
}

static uint64_t aclint_ticks(const struct aclint_core *core)
{
    return clock_now_ns(to_aclint_const(core)->clock) / ACLINT_TICK_NS;
}

static void aclint_set_msi(struct aclint_core *core, unsigned hart, bool level)
{
    irq_set(&to_aclint(core)->params.msi[hart], level);
}

static void aclint_set_mti(struct aclint_core *core, unsigned hart, bool level)
{
    irq_set(&to_aclint(core)->params.mti[hart], level);
}

static void aclint_arm(struct aclint_core *core, unsigned hart, uint64_t ticks)
{
    struct loop_timer *timer = &to_aclint(core)->timers[hart].timer;
    uint64_t deadline_ns;

    if (__builtin_mul_overflow(ticks, (uint64_t)ACLINT_TICK_NS, &deadline_ns))
        loop_timer_disarm(timer);
    else
        loop_timer_arm(timer, deadline_ns);
}

static void aclint_time_changed(struct aclint_core *core)
{
    struct aclint *aclint = to_aclint(core);

    if (aclint->params.time_changed != NULL)
        aclint->params.time_changed(aclint->params.opaque);
}

static const struct aclint_core_ops aclint_core_ops = {
    .ticks = aclint_ticks,
    .set_msi = aclint_set_msi,
    .set_mti = aclint_set_mti,
    .arm = aclint_arm,
    .time_changed = aclint_time_changed,
};

static void aclint_fire(struct loop_timer *timer)
{
    struct aclint_hart_timer *hart_timer = container_of(timer, struct aclint_hart_timer, timer);
    struct aclint *aclint = hart_timer->aclint;

    pthread_mutex_lock(&aclint->dev.lock);
    aclint_core_expired(&aclint->core, (unsigned)(hart_timer - aclint->timers));
    pthread_mutex_unlock(&aclint->dev.lock);
}

uint64_t aclint_time(const struct aclint *aclint)
{
    return aclint_core_time(&aclint->core);
}

uint64_t aclint_time_to_ns(const struct aclint *aclint, uint64_t mtime)
{
    uint64_t now = aclint_ticks(&aclint->core), time = aclint_core_time(&aclint->core), ns;

    if (mtime <= time)
        return time - mtime < now ? (now - (time - mtime)) * ACLINT_TICK_NS : 0;
    if (__builtin_add_overflow(now, mtime - time, &ns) ||
        __builtin_mul_overflow(ns, (uint64_t)ACLINT_TICK_NS, &ns))
        return UINT64_MAX;
    return ns;
}

static enum mem_result aclint_read(struct mem_region *region, gpa_t off, unsigned size,
                                   uint64_t *val)
{
    struct aclint *aclint = container_of(region, struct aclint, mmio);

    *val = aclint_core_read(&aclint->core, (uint32_t)off, size);
    return MEM_OK;
}

static enum mem_result aclint_write(struct mem_region *region, gpa_t off, unsigned size,
                                    uint64_t val)
{
    struct aclint *aclint = container_of(region, struct aclint, mmio);

    aclint_core_write(&aclint->core, (uint32_t)off, size, val);
    return MEM_OK;
}

static const struct mem_region_ops aclint_mem_ops = {
    .read = aclint_read,
    .write = aclint_write,
    .min_size = 4,
    .max_size = 8,
};

static void aclint_reset(struct device *dev)
{
    aclint_core_reset(&container_of(dev, struct aclint, dev)->core);
}

static void aclint_unrealize(struct device *dev)
{
    struct aclint *aclint = container_of(dev, struct aclint, dev);

    for (unsigned h = 0; h < aclint->params.harts; h++)
        loop_timer_disarm(&aclint->timers[h].timer);
}

static void aclint_pre_save(struct device *dev)
{
    struct aclint *aclint = container_of(dev, struct aclint, dev);

    aclint->saved_mtime = aclint_core_time(&aclint->core);
}

static int aclint_post_load(struct device *dev, struct error *err)
{
    struct aclint *aclint = container_of(dev, struct aclint, dev);

    (void)err; /* any value is one a guest could have written */
    aclint_core_refresh(&aclint->core);
    aclint_core_set_time(&aclint->core, aclint->saved_mtime);
    return 0;
}

static const struct state_field aclint_state[] = {
    STATE_UINT(struct aclint, saved_mtime),
    STATE_UINT_ARRAY(struct aclint, core.msip),
    STATE_UINT_ARRAY(struct aclint, core.mtimecmp),
    STATE_END,
};

static const struct device_ops aclint_ops = {
    .type = "aclint",
    .reset = aclint_reset,
    .unrealize = aclint_unrealize,
    .pre_save = aclint_pre_save,
    .post_load = aclint_post_load,
    .state = aclint_state,
    .state_version = 1,
    .device_offset = offsetof(struct aclint, dev),
};

void aclint_init(struct aclint *aclint, const char *id, const struct aclint_params *params)
{
    assert(params->harts >= 1 && params->harts <= ACLINT_MAX_HARTS);
    device_init(&aclint->dev, &aclint_ops, id);
    mem_region_init_mmio(&aclint->mmio, id, ACLINT_SIZE, &aclint_mem_ops, &aclint->dev.lock);
    aclint->params = *params;
    aclint->clock = loop_clock(params->loop);
    aclint->saved_mtime = 0;
    for (unsigned h = 0; h < ACLINT_MAX_HARTS; h++) {
        aclint->timers[h].aclint = aclint;
        loop_timer_init(&aclint->timers[h].timer, params->loop, aclint_fire);
    }
    aclint_core_init(&aclint->core, params->harts, &aclint_core_ops);
}

void aclint_fini(struct aclint *aclint)
{
    device_unrealize(&aclint->dev);
    mem_region_fini(&aclint->mmio);
    device_fini(&aclint->dev);
}
