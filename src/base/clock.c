/* base/clock.c - the host's monotonic clock, and one that moves by hand. */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

#include "base/compiler.h"

static uint64_t host_now_ns(const struct clock *clock)
{
    struct timespec ts;

    (void)clock;
    clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail: the clock exists since Linux 2.6 */
    return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

const struct clock clock_host = { .now_ns = host_now_ns };

static uint64_t manual_now_ns(const struct clock *clock)
{
    return atomic_load(&container_of_const(clock, struct clock_manual, clock)->now);
}

void clock_manual_init(struct clock_manual *manual, uint64_t now_ns)
{
    manual->clock.now_ns = manual_now_ns;
    atomic_init(&manual->now, now_ns);
}

void clock_manual_advance(struct clock_manual *manual, uint64_t ns)
{
    atomic_fetch_add(&manual->now, ns);
}
