/* devices/irqchip/tests/fuzz_aclint.c - register accesses and time in any order. */
#include <stdlib.h>

#include "dev/tests/fuzz_regs.h"
#include "devices/irqchip/aclint.h"

enum { HARTS = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    struct harness h;
    struct aclint *aclint = malloc(sizeof(*aclint));
    struct test_line msi[HARTS], mti[HARTS];
    struct irq_line msi_lines[HARTS], mti_lines[HARTS];
    struct aclint_params params = { .harts = HARTS, .msi = msi_lines, .mti = mti_lines };

    harness_init(&h);
    for (int i = 0; i < HARTS; i++) {
        msi_lines[i] = *test_line_init(&msi[i]);
        mti_lines[i] = *test_line_init(&mti[i]);
    }
    params.loop = h.loop;
    aclint_init(aclint, "aclint", &params);
    harness_add(&h, &aclint->dev, &aclint->mmio, 0x1000000);
    fuzz_regs(&h, 0x1000000, ACLINT_SIZE, &in, NULL, NULL);
    harness_turn(&h);
    for (unsigned i = 0; i < HARTS; i++) {
        assert(mti[i].level == (aclint_time(aclint) >= aclint->core.mtimecmp[i]));
        assert(msi[i].level == aclint->core.msip[i]);
    }
    harness_del(&h, &aclint->dev, &aclint->mmio);
    aclint_fini(aclint);
    free(aclint);
    harness_fini(&h);
    return 0;
}
