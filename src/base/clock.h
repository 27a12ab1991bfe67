/* base/clock.h - time is asked of an object, so that a test can own it.
 *
 * Any thread may call. Time never goes back. A machine has one clock; every device and timer of
 * it asks that one.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
    uint64_t (*now_ns)(const struct clock *clock);
};

static inline uint64_t clock_now_ns(const struct clock *clock)
{
    return clock->now_ns(clock);
}

/* The host's CLOCK_MONOTONIC. */
extern const struct clock clock_host;

/* A clock that stands still until it is told to move. After moving it, a loop that sleeps on it
 * must be woken with loop_wake(), or turned with loop_run_once(). */
struct clock_manual {
    struct clock clock;
    /* private */
    _Atomic uint64_t now;
};

void clock_manual_init(struct clock_manual *manual, uint64_t now_ns);
/* [any thread] */
void clock_manual_advance(struct clock_manual *manual, uint64_t ns);

#endif
