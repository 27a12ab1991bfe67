/* devices/uart/tests/test_uart.c - the 16550A through its registers: each register, each interrupt
 * kind and its way to clear, back-pressure both ways, and what drivers do to find out what it is.
 */
#include "tests/unit.h"

#include <errno.h>
#include <string.h>

#include "dev/state.h"
#include "dev/tests/harness.h"
#include "devices/uart/tests/test_chardev.h"
#include "devices/uart/uart.h"

enum { BASE = 0x10000000 };
enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR, THR = RBR, DLL = RBR, DLM = IER, FCR = IIR };

static struct harness h;
static struct uart uart;
static struct test_line irq;
static struct test_chardev host;

static void setup(void)
{
    harness_init(&h);
    uart_init(&uart, "uart0", test_chardev_init(&host, h.loop), test_line_init(&irq), h.loop);
    harness_add(&h, &uart.dev, &uart.mmio, BASE);
    harness_turn(&h); /* a new handler is asked once whether it has room */
    host.accepts = 0;
}

static void teardown(void)
{
    harness_del(&h, &uart.dev, &uart.mmio);
    uart_fini(&uart);
    test_chardev_fini(&host);
    harness_fini(&h);
}

/* How often the UART has asked for input. */
static unsigned accepts(void)
{
    harness_turn(&h);
    return host.accepts;
}

static unsigned rd(unsigned reg)
{
    return (unsigned)harness_load(&h, BASE + reg, 1);
}

static void wr(unsigned reg, unsigned val)
{
    harness_store(&h, BASE + reg, 1, val);
}

static size_t feed(const char *text)
{
    return test_chardev_feed(&host, text, strlen(text));
}

TEST(registers_at_reset)
{
    setup();
    assert_int_equal(rd(RBR), 0);
    assert_int_equal(rd(IER), 0);
    assert_int_equal(rd(IIR), 1);
    assert_int_equal(rd(LCR), 0);
    assert_int_equal(rd(MCR), 0);
    assert_int_equal(rd(LSR), 0x60);
    assert_int_equal(rd(MSR), 0xb0); /* carrier, ready, clear to send */
    assert_int_equal(rd(SCR), 0);
    assert_false(irq.level);
    teardown();
}

TEST(plain_registers_keep_the_bits_there_are)
{
    setup();
    wr(IER, 0xff);
    assert_int_equal(rd(IER), 0x0f);
    wr(IER, 0);
    wr(MCR, 0xef);
    assert_int_equal(rd(MCR), 0x0f);
    wr(LCR, 0x1b);
    assert_int_equal(rd(LCR), 0x1b);
    wr(SCR, 0xa5);
    assert_int_equal(rd(SCR), 0xa5);
    wr(LSR, 0);
    assert_int_equal(rd(LSR), 0x60);
    wr(MSR, 0);
    assert_int_equal(rd(MSR), 0xb0);
    teardown();
}

TEST(the_divisor_latch_is_behind_dlab)
{
    setup();
    wr(LCR, 0x83);
    wr(DLL, 0x34);
    wr(DLM, 0x12);
    assert_int_equal(rd(DLL), 0x34);
    assert_int_equal(rd(DLM), 0x12);
    assert_int_equal(host.out_len, 0);
    wr(LCR, 0x03);
    assert_int_equal(rd(IER), 0);
    assert_int_equal(rd(RBR), 0);
    teardown();
}

TEST(a_wide_access_is_one_register)
{
    setup();
    wr(SCR, 0x77);
    feed("A");
    assert_int_equal(harness_load(&h, BASE, 4), 'A');
    assert_int_equal(rd(LSR), 0x60);
    harness_store(&h, BASE, 8, 0x1122334455667758);
    assert_int_equal(host.out_len, 1);
    assert_int_equal(host.out[0], 0x58);
    assert_int_equal(rd(SCR), 0x77);
    teardown();
}

TEST(bytes_go_to_the_host_as_they_are_written)
{
    setup();
    wr(THR, 'h');
    wr(THR, 'i');
    assert_int_equal(host.out_len, 2);
    assert_memory_equal(host.out, "hi", 2);
    assert_int_equal(rd(LSR), 0x60);
    teardown();
}

TEST(a_host_that_takes_nothing_keeps_thre_low_until_it_does)
{
    setup();
    wr(FCR, 1);
    host.takes = 2;
    wr(THR, 'a');
    wr(THR, 'b');
    wr(THR, 'c');
    assert_int_equal(rd(LSR) & 0x60, 0);
    for (int i = 0; i < 15; i++)
        wr(THR, '0' + i);
    wr(THR, 'X'); /* the FIFO is full: lost, the guest did not look */
    test_chardev_unblock(&host, 5);
    assert_int_equal(rd(LSR) & 0x60, 0);
    assert_int_equal(host.out_len, 7);
    test_chardev_unblock(&host, 100);
    assert_int_equal(rd(LSR) & 0x60, 0x60);
    assert_int_equal(host.out_len, 18);
    assert_memory_equal(host.out, "abc0123456789:;<=>", 18);
    teardown();
}

TEST(without_fifo_a_blocked_holding_register_is_overwritten)
{
    setup();
    host.takes = 0;
    wr(THR, 'a');
    wr(THR, 'b');
    test_chardev_unblock(&host, 10);
    assert_int_equal(host.out_len, 1);
    assert_int_equal(host.out[0], 'b');
    teardown();
}

TEST(thre_interrupt_comes_with_enabling_and_goes_with_iir_or_thr)
{
    setup();
    wr(IER, 2);
    assert_true(irq.level);
    assert_int_equal(rd(IIR), 0x02);
    assert_false(irq.level);
    assert_int_equal(rd(IIR), 0x01);
    wr(IER, 2); /* no change */
    assert_false(irq.level);
    wr(IER, 0);
    wr(IER, 2); /* what Linux tests for at start */
    assert_true(irq.level);
    wr(IER, 0);
    assert_false(irq.level);
    wr(IER, 2);
    host.takes = 0;
    wr(THR, 'x'); /* also clears */
    assert_false(irq.level);
    test_chardev_unblock(&host, 1); /* empty again */
    assert_true(irq.level);
    assert_int_equal(rd(IIR), 0x02);
    wr(THR, 'y');
    assert_int_equal(rd(IIR), 0x01);
    test_chardev_unblock(&host, 9);
    wr(THR, 'z'); /* taken at once: empty at once */
    assert_true(irq.level);
    teardown();
}

TEST(received_bytes_interrupt_and_reading_clears)
{
    setup();
    wr(IER, 1);
    assert_int_equal(feed("ab"), 1); /* one holding register */
    assert_true(irq.level);
    assert_int_equal(rd(IIR), 0x04);
    assert_int_equal(rd(LSR), 0x61);
    assert_int_equal(rd(RBR), 'a');
    assert_false(irq.level);
    assert_int_equal(rd(LSR), 0x60);
    assert_int_equal(accepts(), 1);
    assert_int_equal(feed("b"), 1);
    assert_true(irq.level);
    teardown();
}

TEST(the_fifo_interrupts_at_each_trigger_level)
{
    static const unsigned levels[] = { 1, 4, 8, 14 };

    for (unsigned t = 0; t < 4; t++) {
        setup();
        wr(FCR, 0x01 | t << 6);
        wr(IER, 1);
        for (unsigned i = 1; i <= 16; i++) {
            assert_int_equal(feed("x"), 1);
            assert_int_equal(irq.level, i >= levels[t]);
        }
        assert_int_equal(feed("x"), 0);
        assert_int_equal(rd(IIR), 0xc4);
        for (unsigned i = 16; i > levels[t]; i--)
            rd(RBR);
        assert_true(irq.level);
        rd(RBR);
        assert_false(irq.level);
        assert_int_equal(rd(IIR), 0xc1);
        teardown();
    }
}

TEST(bytes_below_the_trigger_time_out_after_four_characters)
{
    uint64_t char_ns = UINT64_C(10) * 16 * 2 * 1000000000 / UART_CLOCK_HZ;

    setup();
    wr(LCR, 0x83);
    wr(DLL, 2); /* 115200 */
    wr(DLM, 0);
    wr(LCR, 0x03);
    wr(FCR, 0x81); /* trigger 8 */
    wr(IER, 1);
    feed("abc");
    harness_advance(&h, 4 * char_ns - 1000);
    assert_false(irq.level);
    feed("d"); /* starts it anew */
    harness_advance(&h, 4 * char_ns - 1000);
    assert_false(irq.level);
    harness_advance(&h, 2000);
    assert_true(irq.level);
    assert_int_equal(rd(IIR), 0xcc);
    assert_int_equal(rd(IIR), 0xcc); /* IIR does not clear it */
    assert_int_equal(rd(RBR), 'a');
    assert_false(irq.level);
    harness_advance(&h, 4 * char_ns + 1000); /* three are still there */
    assert_true(irq.level);
    assert_int_equal(rd(RBR), 'b');
    assert_int_equal(rd(RBR), 'c');
    assert_int_equal(rd(RBR), 'd');
    harness_advance(&h, 100 * char_ns);
    assert_false(irq.level);
    assert_int_equal(rd(IIR), 0xc1);
    teardown();
}

TEST(a_slow_line_does_not_make_people_wait)
{
    setup();
    wr(LCR, 0x9f); /* 8 bits, parity, 2 stops */
    wr(DLL, 0xff);
    wr(DLM, 0xff);
    wr(LCR, 0x1f);
    wr(FCR, 0xc1);
    wr(IER, 1);
    feed("a");
    harness_advance(&h, 5000000);
    assert_true(irq.level);
    teardown();
}

TEST(divisor_0_is_not_a_division_by_it)
{
    setup();
    wr(LCR, 0x80);
    wr(DLL, 0);
    wr(DLM, 0);
    wr(LCR, 0x03);
    wr(FCR, 0xc1);
    wr(IER, 1);
    feed("a");
    harness_advance(&h, 1000000);
    assert_true(irq.level);
    teardown();
}

TEST(no_timeout_without_fifo)
{
    setup();
    feed("a");
    harness_advance(&h, 100000000);
    wr(IER, 1);
    assert_int_equal(rd(IIR), 0x04);
    teardown();
}

TEST(a_break_is_a_line_status_interrupt)
{
    setup();
    wr(FCR, 1);
    wr(IER, 5);
    uart_receive_break(&uart);
    feed("b");
    assert_true(irq.level);
    assert_int_equal(rd(IIR), 0xc6); /* above received data */
    assert_int_equal(rd(LSR), 0x60 | 0x80 | 0x10 | 0x01);
    assert_int_equal(rd(LSR), 0x61); /* reading cleared it */
    assert_int_equal(rd(IIR), 0xc4);
    assert_int_equal(rd(RBR), 0);
    assert_int_equal(rd(RBR), 'b');
    teardown();
}

TEST(an_error_shows_when_its_byte_is_next)
{
    setup();
    wr(FCR, 1);
    wr(IER, 4);
    feed("a");
    uart_receive_break(&uart);
    assert_false(irq.level);
    assert_int_equal(rd(LSR), 0x60 | 0x80 | 0x01); /* somewhere in the FIFO */
    rd(RBR);
    assert_true(irq.level);
    assert_int_equal(rd(LSR), 0x60 | 0x80 | 0x10 | 0x01);
    assert_false(irq.level);
    teardown();
}

TEST(priorities_are_those_of_the_data_sheet)
{
    setup();
    wr(FCR, 0x41); /* trigger 4 */
    wr(MCR, 0x10); /* loopback: the modem lines fall, so MSR has deltas */
    wr(MCR, 0x00);
    wr(IER, 0x0f);
    feed("a");
    harness_advance(&h, 10000000);
    feed("bcd");
    uart_receive_break(&uart);
    rd(RBR), rd(RBR), rd(RBR), rd(RBR); /* the break is next, four gone */
    feed("efg");
    assert_int_equal(rd(IIR), 0xc6);
    rd(LSR);
    assert_int_equal(rd(IIR), 0xc4);
    rd(RBR);
    harness_advance(&h, 10000000);
    assert_int_equal(rd(IIR), 0xcc);
    rd(RBR), rd(RBR), rd(RBR);
    assert_int_equal(rd(IIR), 0xc2);
    assert_int_equal(rd(IIR), 0xc0);
    assert_true(irq.level);
    assert_int_equal(rd(MSR) & 0x0f, 0x0b);
    assert_int_equal(rd(IIR), 0xc1);
    assert_false(irq.level);
    teardown();
}

TEST(loopback_ties_outputs_to_inputs)
{
    setup();
    wr(IER, 8);
    wr(MCR, 0x1a); /* RTS, OUT2: the test of Linux's autoconfig */
    assert_true(irq.level);
    assert_int_equal(rd(MSR) & 0xf0, 0x90);
    assert_false(irq.level);
    wr(MCR, 0x15); /* DTR, OUT1 */
    assert_int_equal(rd(MSR), 0x60 | 0x0b);
    wr(MCR, 0x11); /* OUT1 falls: the ring's trailing edge */
    assert_int_equal(rd(MSR), 0x20 | 0x04);
    wr(MCR, 0x15);
    assert_int_equal(rd(MSR), 0x60); /* a ring that begins is no event */
    wr(MCR, 0);
    assert_int_equal(rd(MSR) & 0xf0, 0xb0);
    teardown();
}

TEST(loopback_sends_bytes_to_the_receiver_and_not_out)
{
    setup();
    wr(FCR, 1);
    wr(MCR, 0x10);
    wr(IER, 5);
    assert_int_equal(feed("typed"), 0);
    for (int i = 0; i < 16; i++)
        wr(THR, 'a' + i);
    assert_int_equal(rd(LSR), 0x61);
    wr(THR, 'Z'); /* one too many */
    assert_int_equal(rd(IIR), 0xc6);
    assert_int_equal(rd(LSR), 0x63);
    assert_int_equal(rd(LSR), 0x61);
    for (int i = 0; i < 16; i++)
        assert_int_equal(rd(RBR), 'a' + i);
    assert_int_equal(rd(LSR), 0x60);
    wr(LCR, 0x43); /* a break of our own */
    assert_int_equal(rd(LSR) & 0x11, 0x11);
    assert_int_equal(host.out_len, 0);
    wr(FCR, 3);
    wr(MCR, 0);
    assert_int_equal(accepts(), 1);
    assert_int_equal(feed("typed"), 5);
    teardown();
}

TEST(overrun_without_fifo_keeps_the_later_byte)
{
    setup();
    wr(MCR, 0x10);
    wr(THR, 'a');
    wr(THR, 'b');
    assert_int_equal(rd(LSR), 0x63);
    assert_int_equal(rd(RBR), 'b');
    assert_int_equal(rd(LSR), 0x60);
    teardown();
}

TEST(fcr_clears_each_fifo_and_changing_the_mode_clears_both)
{
    setup();
    wr(FCR, 0x01);
    host.takes = 0;
    feed("abc");
    wr(THR, 'x');
    wr(FCR, 0x03);
    assert_int_equal(rd(LSR), 0x00);
    feed("abc");
    wr(IER, 2);
    assert_false(irq.level);
    wr(FCR, 0x05);
    assert_int_equal(rd(LSR), 0x61);
    assert_true(irq.level); /* the transmitter became empty */
    wr(THR, 'y');
    wr(FCR, 0x06); /* enable off: the other bits do not count, the change does */
    assert_int_equal(rd(LSR), 0x60);
    assert_int_equal(rd(IIR) & 0xc0, 0);
    feed("d");
    wr(FCR, 0x01);
    assert_int_equal(rd(LSR), 0x60);
    wr(FCR, 0x21); /* no 64-byte FIFO here: what tells a 16750 */
    assert_int_equal(rd(IIR) & 0xe0, 0xc0);
    teardown();
}

TEST(bytes_promised_room_survive_a_smaller_fifo)
{
    size_t room;

    setup();
    wr(FCR, 1);
    room = host.chr.handler->room(host.chr.opaque);
    assert_int_equal(room, 16);
    wr(FCR, 0); /* between the host's question and its answer */
    host.chr.handler->input(host.chr.opaque, (const uint8_t *)"0123456789abcdef", 16);
    assert_int_equal(host.chr.handler->room(host.chr.opaque), 0);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(accepts(), 0);
        assert_int_equal(rd(RBR), "0123456789abcdef"[i]);
    }
    assert_int_equal(accepts(), 1);
    assert_int_equal(rd(LSR), 0x60);
    teardown();
}

TEST(the_host_is_asked_for_more_only_after_it_was_refused)
{
    setup();
    wr(FCR, 1);
    feed("abc");
    rd(RBR);
    assert_int_equal(accepts(), 0);
    assert_int_equal(feed("0123456789abcdefgh"), 14);
    rd(RBR);
    assert_int_equal(accepts(), 1);
    rd(RBR);
    assert_int_equal(accepts(), 1);
    teardown();
}

TEST(reset_lowers_the_line_and_keeps_what_the_host_has_yet_to_take)
{
    setup();
    wr(FCR, 1);
    wr(IER, 0x0f);
    host.takes = 0;
    wr(THR, 'x');
    feed("abc");
    uart_receive_break(&uart);
    assert_true(irq.level);
    device_reset(&uart.dev);
    assert_false(irq.level);
    assert_int_equal(rd(IER), 0);
    assert_int_equal(rd(IIR), 1);
    assert_int_equal(rd(LSR), 0);
    test_chardev_unblock(&host, 10);
    assert_int_equal(host.out_len, 1);
    assert_int_equal(rd(LSR), 0x60);
    teardown();
}

TEST(nothing_connected_swallows_output)
{
    struct uart lone;
    struct harness lh;

    harness_init(&lh);
    uart_init(&lone, "uart1", NULL, test_line_init(&irq), lh.loop);
    harness_add(&lh, &lone.dev, &lone.mmio, BASE);
    harness_store(&lh, BASE + THR, 1, 'a');
    assert_int_equal(harness_load(&lh, BASE + LSR, 1), 0x60);
    uart_receive_break(&lone);
    harness_del(&lh, &lone.dev, &lone.mmio);
    uart_fini(&lone);
    harness_fini(&lh);
}

TEST(state_survives_a_move)
{
    struct uart other;
    struct test_line other_irq;
    struct strbuf sb;

    setup();
    uart_init(&other, "uart1", NULL, test_line_init(&other_irq), h.loop);
    assert_int_equal(device_realize(&other.dev, NULL), 0);
    wr(LCR, 0x83);
    wr(DLL, 2);
    wr(LCR, 0x03);
    wr(FCR, 0x81);
    wr(IER, 0x05);
    wr(MCR, 0x0b);
    wr(SCR, 9);
    feed("abc");
    uart_receive_break(&uart);
    rd(RBR);
    strbuf_init(&sb);
    assert_int_equal(state_save(&uart.dev, &sb, NULL), 0);
    assert_int_equal(state_load(&other.dev, strbuf_str(&sb), strbuf_len(&sb), NULL), 0);
    assert_null(state_diff(&uart.dev, &other.dev));
    assert_false(other_irq.level);
    harness_advance(&h, 1000000);
    assert_true(other_irq.level); /* its timer runs too */
    assert_null(state_diff(&uart.dev, &other.dev));
    strbuf_fini(&sb);
    device_unrealize(&other.dev);
    uart_fini(&other);
    teardown();
}

TEST(a_state_with_an_impossible_fifo_is_refused)
{
    struct strbuf sb;
    struct error err;

    setup();
    uart.rx.count = 17; /* no guest can; a file can */
    strbuf_init(&sb);
    assert_int_equal(state_save(&uart.dev, &sb, NULL), 0);
    assert_int_equal(state_load(&uart.dev, strbuf_str(&sb), strbuf_len(&sb), &err), -EINVAL);
    assert_int_equal(rd(LSR), 0x60);
    strbuf_fini(&sb);
    teardown();
}
