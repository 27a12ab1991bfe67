/* devices/irqchip/tests/fuzz_plic.c - register accesses and sources in any order. After each input
 * the lines must be what a refresh from the state alone would make them. */
#include <stdlib.h>

#include "dev/tests/fuzz_regs.h"
#include "devices/irqchip/plic.h"

enum { CONTEXTS = 4, SOURCES = 96 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drive(void *opaque, struct fuzz_input *in)
{
    unsigned what = (unsigned)fuzz_take(in, 1);
    struct irq_line line = plic_irq(opaque, 1 + (what & 0x7f) % (SOURCES - 1));

    irq_set(&line, what & 0x80);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    struct harness h;
    struct plic *plic = malloc(sizeof(*plic));
    struct test_line out[CONTEXTS];
    struct irq_line outputs[CONTEXTS];
    bool before[CONTEXTS];

    harness_init(&h);
    for (int c = 0; c < CONTEXTS; c++)
        outputs[c] = *test_line_init(&out[c]);
    plic_init(plic, "plic", SOURCES, CONTEXTS, outputs);
    harness_add(&h, &plic->dev, &plic->mmio, 0x1000000);
    fuzz_regs(&h, 0x1000000, PLIC_SIZE, &in, drive, plic);
    for (int c = 0; c < CONTEXTS; c++)
        before[c] = out[c].level;
    plic_core_refresh(&plic->core);
    for (int c = 0; c < CONTEXTS; c++)
        assert(before[c] == out[c].level);
    harness_del(&h, &plic->dev, &plic->mmio);
    plic_fini(plic);
    free(plic);
    harness_fini(&h);
    return 0;
}
