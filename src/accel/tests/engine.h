/* accel/tests/engine.h - an accelerator whose guest code is a C function, called once a "block".
 *
 * What an engine must do between blocks it does as dbt/ does it: requests, interrupts, and leaving
 * when the attention word says so. A test writes the function, and sets by hand what instructions
 * would (wfi: engine_wfi()).
 */
#ifndef ACCEL_TESTS_ENGINE_H
#define ACCEL_TESTS_ENGINE_H

#include <stdatomic.h>

#include "accel/vcpu.h"

enum { ENGINE_HARTS = 4 };

struct engine {
    struct mem_region root;
    struct mem_space *space;
    struct isa_config isa;
    struct accel *accel;
    struct vcpu *vcpu[ENGINE_HARTS];
    unsigned harts;
    /* A block of guest code of hart `vcpu->index`; on its thread. */
    void (*block)(struct engine *engine, struct vcpu *vcpu);
    _Atomic uint64_t blocks[ENGINE_HARTS]; /* run so far */
    _Atomic uint64_t fences[ENGINE_HARTS]; /* fence.i served */
    _Atomic uint64_t asked;                /* a number the test gives its requests */
    _Atomic uint64_t served[ENGINE_HARTS]; /* `asked`, when fence.i was served last */
    _Atomic uint64_t armed[ENGINE_HARTS];  /* what stimecmp asked for last */
    void *test;                            /* the test's own */
};

/* Makes `harts` vCPUs, parked and stopped. */
void engine_init(struct engine *engine, unsigned harts,
                 void (*block)(struct engine *engine, struct vcpu *vcpu));
void engine_fini(struct engine *engine);

/* The hart executes wfi in this block. */
void engine_wfi(struct vcpu *vcpu);
/* Waits until *word >= least, as the test's thread; fails the test after a minute. */
void engine_wait(const _Atomic uint64_t *word, uint64_t least);
/* Waits until the hart's thread sleeps. */
void engine_wait_asleep(struct vcpu *vcpu);

#endif
