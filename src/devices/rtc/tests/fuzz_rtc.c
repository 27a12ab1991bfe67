/* devices/rtc/tests/fuzz_rtc.c - registers, time and a wall clock that jumps, in any order. */
#include "dev/tests/fuzz_regs.h"
#include "devices/rtc/rtc.h"
#include "devices/rtc/tests/test_wall.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void jump(void *opaque, struct fuzz_input *in)
{
    struct test_wall *wall = opaque;

    atomic_store(&wall->now, fuzz_take(in, 8));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    struct harness h;
    struct test_wall wall;
    struct rtc rtc;
    struct test_line irq;

    harness_init(&h);
    rtc_init(&rtc, "rtc", test_wall_init(&wall, 1000), test_line_init(&irq), h.loop);
    harness_add(&h, &rtc.dev, &rtc.mmio, 0x1000);
    fuzz_regs(&h, 0x1000, 0x24, &in, jump, &wall);
    assert(irq.level == (rtc.irq_pending && rtc.irq_enabled));
    harness_del(&h, &rtc.dev, &rtc.mmio);
    rtc_fini(&rtc);
    harness_fini(&h);
    return 0;
}
