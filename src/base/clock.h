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

#endif
