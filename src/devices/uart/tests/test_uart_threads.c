/* devices/uart/tests/test_uart_threads.c - a guest on one thread, the host on another, each slower
 * than the other by turns: what goes in comes out, in order, in both directions at once. */
#include "tests/unit.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "backend/char/chardev_test.h"
#include "dev/tests/harness.h"
#include "devices/uart/uart.h"

enum { BASE = 0x10000000, BYTES = 20000, LIMIT_S = 60 };
enum { DATA = 0, FCR = 2, LSR = 5 };

static struct harness h;
static struct loop *loop; /* on the host's clock, unlike the harness's */
static struct uart uart;
static struct chardev *chr;
static struct loop_timer host_timer;
static unsigned fed, turn;
static size_t wrong_at = SIZE_MAX; /* the guest's first byte that was not as sent */
static unsigned received;

static uint8_t pattern(unsigned i)
{
    return (uint8_t)(i * 7 + (i >> 8));
}

/* Every so often the host takes some bytes and types some. */
static void host_turn(struct loop_timer *timer)
{
    uint8_t typed[50];
    unsigned n = 0;

    chardev_test_set_room(chr, turn % 40);
    while (n < turn % sizeof(typed) && fed < BYTES && chardev_test_unread(chr) < 200)
        typed[n++] = pattern(fed++);
    chardev_test_feed(chr, typed, n);
    turn++;
    loop_timer_arm(timer, clock_now_ns(&clock_host) + 10000);
}

static void *host_thread(void *opaque)
{
    (void)opaque;
    assert_int_equal(loop_run(loop, NULL), 0);
    return NULL;
}

static void receive(void)
{
    uint8_t byte = (uint8_t)harness_load(&h, BASE + DATA, 1);

    if (byte != pattern(received) && wrong_at == SIZE_MAX)
        wrong_at = received;
    received++;
}

TEST(bytes_cross_both_ways_in_order)
{
    pthread_t host;
    struct test_line irq;
    unsigned sent = 0;
    time_t start = time(NULL);
    const char *out;
    size_t out_len;

    harness_init(&h);
    assert_int_equal(loop_new(&loop, &clock_host, NULL), 0);
    chr = chardev_test_new(loop);
    chardev_test_set_room(chr, 0);
    uart_init(&uart, "uart0", chr, test_line_init(&irq), loop);
    harness_add(&h, &uart.dev, &uart.mmio, BASE);
    harness_store(&h, BASE + FCR, 1, 0x81);
    harness_store(&h, BASE + 1, 1, 0x0f);
    loop_timer_init(&host_timer, loop, host_turn);
    loop_timer_arm(&host_timer, 0);
    assert_int_equal(pthread_create(&host, NULL, host_thread, NULL), 0);
    while ((sent < BYTES || received < BYTES) && time(NULL) - start < LIMIT_S) {
        unsigned lsr = (unsigned)harness_load(&h, BASE + LSR, 1);

        for (unsigned i = 0; (lsr & 0x20) && i < 16 && sent < BYTES; i++)
            harness_store(&h, BASE + DATA, 1, pattern(sent++));
        if (lsr & 1)
            receive();
        if (!(lsr & 0x21))
            sched_yield();
    }
    while (!(harness_load(&h, BASE + LSR, 1) & 0x40) && time(NULL) - start < LIMIT_S)
        sched_yield();
    loop_stop(loop);
    pthread_join(host, NULL);
    assert_int_equal(sent, BYTES);
    assert_int_equal(received, BYTES);
    assert_int_equal(wrong_at, SIZE_MAX);
    out = chardev_test_output(chr, &out_len);
    assert_int_equal(out_len, BYTES);
    for (unsigned i = 0; i < BYTES; i++)
        assert_int_equal((uint8_t)out[i], pattern(i));
    loop_timer_disarm(&host_timer);
    harness_del(&h, &uart.dev, &uart.mmio);
    uart_fini(&uart);
    chardev_close(chr);
    loop_free(loop);
    harness_fini(&h);
}
