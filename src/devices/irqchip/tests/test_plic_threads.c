/* devices/irqchip/tests/test_plic_threads.c - devices raise sources on threads of their own while
 * harts claim and complete: every request is served exactly once, and in the end all is quiet. */
#include "tests/unit.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "dev/tests/harness.h"
#include "devices/irqchip/plic.h"

enum { BASE = 0xc000000, CONTEXTS = 2, DEVICES = 3, REQUESTS = 2000, LIMIT_S = 60 };

static struct harness h;
static struct plic plic;
static struct test_line out[CONTEXTS];
static struct irq_line outputs[CONTEXTS];
static _Atomic bool asserted[DEVICES + 1]; /* the device waits for service */
static atomic_uint served[DEVICES + 1];
static _Atomic bool done;

static bool out_of_time(time_t since)
{
    return time(NULL) - since > LIMIT_S;
}

/* Source `1 + index` of a device that asks for service and waits for it. */
static void *device_thread(void *opaque)
{
    unsigned source = (unsigned)(uintptr_t)opaque;
    struct irq_line line = plic_irq(&plic, source);
    time_t start = time(NULL);

    for (unsigned i = 0; i < REQUESTS && !out_of_time(start); i++) {
        atomic_store(&asserted[source], true);
        irq_set(&line, true);
        while (atomic_load(&asserted[source]) && !out_of_time(start))
            sched_yield();
    }
    return NULL;
}

static void serve(uint32_t claim_off)
{
    uint32_t source = (uint32_t)harness_load(&h, BASE + claim_off, 4);
    struct irq_line line;

    if (source == 0)
        return;
    line = plic_irq(&plic, source);
    atomic_fetch_add(&served[source], 1);
    irq_set(&line, false); /* what touching the device's registers does */
    harness_store(&h, BASE + claim_off, 4, source);
    atomic_store(&asserted[source], false);
}

static void *hart_thread(void *opaque)
{
    unsigned context = (unsigned)(uintptr_t)opaque;

    mem_thread_register();
    while (!atomic_load(&done)) {
        if (atomic_load(&out[context].level))
            serve(0x200004 + 0x1000 * context);
        else
            sched_yield();
    }
    mem_thread_unregister();
    return NULL;
}

TEST(every_request_is_served_once)
{
    pthread_t devices[DEVICES], harts[CONTEXTS];

    harness_init(&h);
    for (int c = 0; c < CONTEXTS; c++)
        outputs[c] = *test_line_init(&out[c]);
    plic_init(&plic, "plic0", DEVICES + 1, CONTEXTS, outputs);
    harness_add(&h, &plic.dev, &plic.mmio, BASE);
    for (unsigned s = 1; s <= DEVICES; s++)
        harness_store(&h, BASE + 4 * s, 4, s);
    for (unsigned c = 0; c < CONTEXTS; c++)
        harness_store(&h, BASE + 0x2000 + 0x80 * c, 4, 0xffffffff);
    for (uintptr_t c = 0; c < CONTEXTS; c++)
        assert_int_equal(pthread_create(&harts[c], NULL, hart_thread, (void *)c), 0);
    for (uintptr_t d = 0; d < DEVICES; d++)
        assert_int_equal(pthread_create(&devices[d], NULL, device_thread, (void *)(d + 1)), 0);
    for (int d = 0; d < DEVICES; d++)
        pthread_join(devices[d], NULL);
    atomic_store(&done, true);
    for (int c = 0; c < CONTEXTS; c++)
        pthread_join(harts[c], NULL);
    for (unsigned s = 1; s <= DEVICES; s++)
        assert_int_equal(served[s], REQUESTS);
    for (int c = 0; c < CONTEXTS; c++)
        assert_false(out[c].level);
    harness_del(&h, &plic.dev, &plic.mmio);
    plic_fini(&plic);
    harness_fini(&h);
}
