/* devices/rtc/tests/test_wall.h - a wall clock the test sets, backwards too. */
#ifndef DEVICES_RTC_TESTS_TEST_WALL_H
#define DEVICES_RTC_TESTS_TEST_WALL_H

#include <stdatomic.h>

#include "base/clock.h"
#include "base/compiler.h"

struct test_wall {
    struct clock clock;
    _Atomic uint64_t now;
};

static inline uint64_t test_wall_now(const struct clock *clock)
{
    return atomic_load(&container_of_const(clock, struct test_wall, clock)->now);
}

static inline const struct clock *test_wall_init(struct test_wall *wall, uint64_t now)
{
    wall->clock.now_ns = test_wall_now;
    atomic_init(&wall->now, now);
    return &wall->clock;
}

#endif
