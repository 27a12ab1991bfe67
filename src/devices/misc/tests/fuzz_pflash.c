/* devices/misc/tests/fuzz_pflash.c - commands, data and reads of every width in any order. The
 * flash is small, so that the fuzzer reaches sector ends. */
#include "dev/tests/fuzz_regs.h"
#include "devices/misc/pflash.h"

enum { FLASH_SIZE = 2 * PFLASH_SECTOR };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A command to both chips, as drivers send it: few inputs would find these by bytes alone. */
static void both(void *opaque, struct fuzz_input *in)
{
    static const uint8_t commands[] = { 0x20, 0x40, 0x50, 0x60, 0x70, 0x90,
                                        0x98, 0xd0, 0xe8, 0xff, 0x01, 0x10 };
    uint32_t cmd = commands[fuzz_take(in, 1) % sizeof(commands)];
    gpa_t off = fuzz_take(in, 2) * 4 * (FLASH_SIZE >> 18);

    harness_store(opaque, off, 4, cmd << 16 | cmd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pflash_params params = { .size = FLASH_SIZE };
    struct fuzz_input in = { data, size };
    struct harness h;
    struct pflash flash;

    harness_init(&h);
    pflash_init(&flash, "flash", &params);
    harness_add(&h, &flash.dev, &flash.mmio, 0);
    fuzz_regs(&h, 0, FLASH_SIZE, &in, both, &h);
    device_reset(&flash.dev);
    harness_load(&h, FLASH_SIZE - 4, 4);
    harness_del(&h, &flash.dev, &flash.mmio);
    pflash_fini(&flash);
    harness_fini(&h);
    return 0;
}
