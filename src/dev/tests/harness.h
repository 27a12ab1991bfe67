/* dev/tests/harness.h - a bench for device tests and fuzz targets: a space, a loop on a clock the
 * test owns, and lines that remember. Everything is checked by assert(), so it needs no cmocka.
 *
 *     struct harness h;
 *     struct test_line irq;
 *     harness_init(&h);
 *     x_init(&x, "x", test_line_init(&irq), h.loop);
 *     harness_add(&h, &x.dev, &x.mmio, 0x1000);
 *     harness_store(&h, 0x1000, 4, 1);
 *     harness_advance(&h, 500);            timers due by then have fired
 *     harness_del(&h, &x.dev, &x.mmio);
 *     x_fini(&x);
 *     harness_fini(&h);
 */
#ifndef DEV_TESTS_HARNESS_H
#define DEV_TESTS_HARNESS_H

#include <assert.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "dev/device.h"
#include "dev/irq.h"
#include "event/loop.h"
#include "mem/space.h"

/* A sink that remembers its level, how often it changed and how often it was driven. */
struct test_line {
    struct irq_line line;
    _Atomic bool level;
    atomic_uint changes, calls;
};

static inline void test_line_set(void *sink, unsigned number, bool level)
{
    struct test_line *line = (struct test_line *)sink;

    assert(number == line->line.number);
    atomic_fetch_add(&line->calls, 1);
    if (atomic_exchange(&line->level, level) != level)
        atomic_fetch_add(&line->changes, 1);
}

static inline const struct irq_line *test_line_init(struct test_line *line)
{
    line->line = (struct irq_line){ .set = test_line_set, .sink = line, .number = 5 };
    atomic_init(&line->level, false);
    atomic_init(&line->changes, 0);
    atomic_init(&line->calls, 0);
    return &line->line;
}

struct harness {
    struct clock_manual clock;
    struct loop *loop;
    struct mem_region root;
    struct mem_space *space;
};

static inline void harness_init(struct harness *h)
{
    int rc;

    mem_thread_register();
    clock_manual_init(&h->clock, 1000000000);
    rc = loop_new(&h->loop, &h->clock.clock, NULL);
    assert(rc == 0);
    mem_region_init_container(&h->root, "root", UINT64_MAX);
    rc = mem_space_new(&h->space, &h->root, NULL);
    assert(rc == 0);
    (void)rc;
}

static inline void harness_fini(struct harness *h)
{
    mem_space_free(h->space);
    mem_region_fini(&h->root);
    loop_free(h->loop);
    mem_thread_unregister();
}

static inline void harness_add(struct harness *h, struct device *dev, struct mem_region *region,
                               gpa_t base)
{
    int rc = device_realize(dev, NULL);

    assert(rc == 0);
    (void)rc;
    mem_region_add(&h->root, base, region, 0);
}

static inline void harness_del(struct harness *h, struct device *dev, struct mem_region *region)
{
    (void)h;
    mem_region_del(region);
    mem_barrier();
    device_unrealize(dev);
}

static inline uint64_t harness_load(struct harness *h, gpa_t gpa, unsigned size)
{
    uint64_t val = 0;
    enum mem_result result = mem_load(h->space, gpa, size, &val);

    assert(result == MEM_OK);
    (void)result;
    return val;
}

static inline void harness_store(struct harness *h, gpa_t gpa, unsigned size, uint64_t val)
{
    enum mem_result result = mem_store(h->space, gpa, size, val);

    assert(result == MEM_OK);
    (void)result;
}

/* What is due now is done, and what that makes due. */
static inline void harness_turn(struct harness *h)
{
    for (int i = 0; i < 4; i++) {
        int rc = loop_run_once(h->loop, 0, NULL);

        assert(rc == 0);
        (void)rc;
    }
}

static inline void harness_advance(struct harness *h, uint64_t ns)
{
    clock_manual_advance(&h->clock, ns);
    harness_turn(h);
}

#endif
