/* devices/uart/tests/fuzz_uart.c - registers, input, a host that blocks, breaks, in any order. */
#include "dev/tests/fuzz_regs.h"
#include "devices/uart/tests/test_chardev.h"
#include "devices/uart/uart.h"

struct bench {
    struct uart uart;
    struct test_chardev host;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play_host(void *opaque, struct fuzz_input *in)
{
    static const char text[] = "the quick brown fox jumps over";
    struct bench *b = opaque;
    unsigned what = (unsigned)fuzz_take(in, 1);

    switch (what & 3) {
    case 0:
        test_chardev_feed(&b->host, text, what >> 3 & 0x1f);
        break;
    case 1:
        b->host.takes = what >> 2;
        break;
    case 2:
        if (b->host.takes == 0)
            test_chardev_unblock(&b->host, what >> 2);
        break;
    default:
        uart_receive_break(&b->uart);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    struct harness h;
    struct bench b;
    struct test_line irq;
    bool level;

    harness_init(&h);
    uart_init(&b.uart, "uart", test_chardev_init(&b.host, h.loop), test_line_init(&irq), h.loop);
    harness_add(&h, &b.uart.dev, &b.uart.mmio, 0x1000);
    fuzz_regs(&h, 0x1000, UART_SIZE, &in, play_host, &b);
    level = irq.level; /* the line says what IIR says */
    assert(level == !(harness_load(&h, 0x1002, 1) & 1));
    (void)level;
    harness_del(&h, &b.uart.dev, &b.uart.mmio);
    uart_fini(&b.uart);
    test_chardev_fini(&b.host);
    harness_fini(&h);
    return 0;
}
