/* accel/tests/engine.c - vCPUs that run C functions. */
#include "accel/tests/engine.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* cmocka wants these first, in this order. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/clock.h"

#define LIMIT_NS UINT64_C(60000000000)

static struct engine *engine_of(struct vcpu *vcpu)
{
    return vcpu->machine;
}

static int available(struct error *err)
{
    (void)err;
    return 0;
}

static int vm_new(struct accel *accel, struct error *err)
{
    (void)accel, (void)err;
    return 0;
}

static void vm_free(struct accel *accel)
{
    (void)accel;
}

static int vcpu_made(struct accel *accel, struct vcpu *vcpu, struct error *err)
{
    (void)accel, (void)err;
    vcpu->engine = vcpu;
    return 0;
}

static void vcpu_gone(struct vcpu *vcpu)
{
    (void)vcpu;
}

static void vcpu_run(struct vcpu *vcpu)
{
    struct engine *engine = engine_of(vcpu);
    struct hart *hart = &vcpu->hart;

    for (;;) {
        uint32_t attention = atomic_load(&hart->attention);

        if (attention & HART_ATTN_REQUEST)
            (void)hart_serve_requests(hart);
        if ((attention & HART_ATTN_IRQ) && !(attention & (HART_ATTN_WFI | HART_ATTN_STOPPED)))
            (void)hart_take_interrupt(hart);
        if (attention != 0)
            return;
        engine->block(engine, vcpu);
        atomic_fetch_add(&engine->blocks[vcpu->index], 1);
    }
}

static void fence_i(struct vcpu *vcpu)
{
    struct engine *engine = engine_of(vcpu);

    atomic_store(&engine->served[vcpu->index], atomic_load(&engine->asked));
    atomic_fetch_add(&engine->fences[vcpu->index], 1);
}

static void stats(struct accel *accel, struct strbuf *out)
{
    (void)accel, (void)out;
}

static const struct accel_ops ops = {
    .name = "test",
    .summary = "C functions",
    .available = available,
    .vm_new = vm_new,
    .vm_free = vm_free,
    .vcpu_new = vcpu_made,
    .vcpu_free = vcpu_gone,
    .vcpu_run = vcpu_run,
    .fence_i = fence_i,
    .stats = stats,
};

static uint64_t time_now(struct vcpu *vcpu)
{
    (void)vcpu;
    return 0;
}

static void arm_stimer(struct vcpu *vcpu, uint64_t deadline)
{
    atomic_store(&engine_of(vcpu)->armed[vcpu->index], deadline);
}

static void sbi_call(struct vcpu *vcpu)
{
    (void)vcpu;
}

static const struct vcpu_ops machine_ops = {
    .time = time_now,
    .arm_stimer = arm_stimer,
    .sbi_call = sbi_call,
};

void engine_init(struct engine *engine, unsigned harts,
                 void (*block)(struct engine *engine, struct vcpu *vcpu))
{
    struct accel_config config;

    memset(engine, 0, sizeof(*engine));
    engine->harts = harts;
    engine->block = block;
    isa_config_default(&engine->isa);
    mem_thread_register();
    mem_region_init_container(&engine->root, "system", UINT64_MAX);
    assert_int_equal(mem_space_new(&engine->space, &engine->root, NULL), 0);
    config = (struct accel_config){
        .space = engine->space,
        .isa = &engine->isa,
        .vcpus = harts,
        .cache_bytes = MIB(1),
    };
    assert_int_equal(accel_new(&engine->accel, &ops, &config, NULL), 0);
    for (unsigned i = 0; i < harts; i++) {
        assert_int_equal(vcpu_new(&engine->vcpu[i], engine->accel, i, &machine_ops, engine, NULL),
                         0);
        vcpu_set_started(engine->vcpu[i], false);
    }
}

void engine_fini(struct engine *engine)
{
    /* All stand before the first goes: they may be asking each other. */
    for (unsigned i = 0; i < engine->harts; i++)
        vcpu_pause(engine->vcpu[i]);
    for (unsigned i = 0; i < engine->harts; i++)
        vcpu_wait_parked(engine->vcpu[i]);
    for (unsigned i = 0; i < engine->harts; i++)
        vcpu_free(engine->vcpu[i]);
    accel_free(engine->accel);
    mem_space_free(engine->space);
    mem_region_fini(&engine->root);
    mem_thread_unregister();
}

void engine_wfi(struct vcpu *vcpu)
{
    assert_true(hart_wfi(&vcpu->hart));
}

void engine_wait(const _Atomic uint64_t *word, uint64_t least)
{
    uint64_t limit = clock_now_ns(&clock_host) + LIMIT_NS;

    while (atomic_load(word) < least) {
        sched_yield();
        if (clock_now_ns(&clock_host) > limit)
            fail_msg("waited in vain for %llu", (unsigned long long)least);
    }
}

void engine_wait_asleep(struct vcpu *vcpu)
{
    uint64_t limit = clock_now_ns(&clock_host) + LIMIT_NS;

    while (!atomic_load(&vcpu->asleep)) {
        sched_yield();
        if (clock_now_ns(&clock_host) > limit)
            fail_msg("hart %u does not sleep", vcpu->index);
    }
}
