/*
 * dbt/lockstep/writes.c - have devices written memory during a run?
 *
 * A device's thread may write between a load of compiled code and the twin's, as it does to a queue
 * that the guest polls. Such a run proves nothing if it differs. Devices say that they have written
 * once they have (ram_block_device_wrote()), so that who has seen a difference may have to wait
 * for them to say so.
 */
#include "dbt/lockstep/internal.h"

#include <sched.h>

#include "base/clock.h"
#include "mem/space.h"

enum { SAY_SO_NS = 300000000 }; /* a device's thread may be without a processor so long */

static void add(struct mem_listener *listener, const struct mem_range *range)
{
    struct lockstep_writes *writes = container_of(listener, struct lockstep_writes, listener);

    if (range->ram == NULL)
        return;
    for (unsigned i = 0; i < WRITES_RANGES; i++) { /* those that find no room are not looked at */
        struct ram_block *none = NULL;

        if (atomic_compare_exchange_strong(&writes->ram[i], &none, range->ram))
            return;
    }
}

static void removed(struct mem_listener *listener, const struct mem_range *range)
{
    struct lockstep_writes *writes = container_of(listener, struct lockstep_writes, listener);

    for (unsigned i = 0; i < WRITES_RANGES; i++) {
        struct ram_block *ram = range->ram;

        if (ram != NULL && atomic_compare_exchange_strong(&writes->ram[i], &ram, NULL))
            return;
    }
}

void lockstep_writes_init(struct lockstep_writes *writes, struct mem_space *space)
{
    writes->space = space;
    writes->listener = (struct mem_listener){ .add = add, .remove = removed };
    mem_space_listen(space, &writes->listener);
}

void lockstep_writes_fini(struct lockstep_writes *writes)
{
    mem_space_unlisten(writes->space, &writes->listener);
}

uint64_t lockstep_writes_count(const struct lockstep_writes *writes)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < WRITES_RANGES; i++) {
        struct ram_block *ram = atomic_load(&writes->ram[i]);

        if (ram != NULL)
            count += atomic_load_explicit(&ram->device_writes, memory_order_acquire);
    }
    return count;
}

bool lockstep_was_disturbed(const struct lockstep_hart *ls)
{
    uint64_t until = clock_now_ns(&clock_host) + SAY_SO_NS;

    do {
        if (lockstep_writes_count(&ls->all->writes) != ls->begin_writes)
            return true;
        sched_yield();
    } while (clock_now_ns(&clock_host) < until);
    return false;
}
