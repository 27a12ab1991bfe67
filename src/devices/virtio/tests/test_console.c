/* The console, against a chardev in memory. */
#include "tests/unit.h"

#include "backend/char/chardev_test.h"
#include "dev/state.h"
#include "devices/virtio/console.h"
#include "devices/virtio/tests/driver.h"

enum { F_SIZE = 0, F_EMERG_WRITE = 2 };

struct con_bench {
    struct bench b;
    struct chardev *chr;
    struct virtio_console con;
    struct dq rx, tx;
};

static void con_init(struct con_bench *t)
{
    bench_init(&t->b, 1);
    t->chr = chardev_test_new(t->b.loop);
    virtio_console_init(&t->con, "console0", t->b.space, t->chr);
    bench_plug(&t->b, &t->con.virtio);
}

static void con_start(struct con_bench *t)
{
    driver_begin(&t->b, VIRTIO_FEATURE(F_SIZE) | VIRTIO_FEATURE(VIRTIO_F_INDIRECT_DESC));
    queue_make(&t->b, &t->rx, 0, 16);
    queue_make(&t->b, &t->tx, 1, 16);
    driver_ok(&t->b);
}

static void con_fini(struct con_bench *t)
{
    bench_unplug(&t->b);
    virtio_console_fini(&t->con);
    chardev_close(t->chr);
    bench_fini(&t->b);
}

static void put(struct con_bench *t, const char *text)
{
    uint32_t len = (uint32_t)strlen(text);
    struct elem e = { bench_alloc(&t->b, len), len, false };

    memcpy(at(&t->b, e.addr), text, len);
    queue_add(&t->tx, &e, 1, false);
    queue_kick(&t->tx);
}

static gpa_t give_buffer(struct con_bench *t, uint32_t len)
{
    struct elem e = { bench_alloc(&t->b, len), len, true };

    queue_add(&t->rx, &e, 1, false);
    queue_kick(&t->rx);
    return e.addr;
}

TEST(output_is_there_when_the_notification_returns)
{
    struct con_bench t;

    con_init(&t);
    assert_int_equal(reg(&t.b, R_DEVICE_ID), 3);
    con_start(&t);
    put(&t, "Hello, ");
    put(&t, "world\n");
    assert_string_equal(chardev_test_output(t.chr, NULL), "Hello, world\n");
    assert_int_equal(queue_used_idx(&t.tx), 2);
    con_fini(&t);
}

TEST(output_waits_for_a_chardev_that_is_full_and_keeps_its_order)
{
    struct con_bench t;
    uint64_t since = clock_now_ns(&clock_host);

    con_init(&t);
    con_start(&t);
    chardev_test_set_room(t.chr, 3);
    put(&t, "abcdef");
    put(&t, "ghi");
    assert_string_equal(chardev_test_output(t.chr, NULL), "abc");
    assert_int_equal(queue_used_idx(&t.tx), 0);
    chardev_test_set_room(t.chr, 4);
    while (queue_used_idx(&t.tx) < 1)
        assert_true(bench_turn(&t.b, since));
    assert_string_equal(chardev_test_output(t.chr, NULL), "abcdefg");
    chardev_test_set_room(t.chr, SIZE_MAX);
    while (queue_used_idx(&t.tx) < 2)
        assert_true(bench_turn(&t.b, since));
    assert_string_equal(chardev_test_output(t.chr, NULL), "abcdefghi");
    con_fini(&t);
}

TEST(a_reset_drops_output_that_waits)
{
    struct con_bench t;

    con_init(&t);
    con_start(&t);
    chardev_test_set_room(t.chr, 1);
    put(&t, "xy");
    set_reg(&t.b, R_STATUS, 0);
    assert_int_equal(reg(&t.b, R_STATUS), 0);
    chardev_test_set_room(t.chr, SIZE_MAX);
    con_start(&t);
    put(&t, "new");
    assert_string_equal(chardev_test_output(t.chr, NULL), "xnew");
    con_fini(&t);
}

TEST(input_goes_to_the_buffers_there_are)
{
    struct con_bench t;
    uint64_t since = clock_now_ns(&clock_host);
    gpa_t buf;
    uint32_t len;

    con_init(&t);
    con_start(&t);
    buf = give_buffer(&t, 8);
    chardev_test_feed(t.chr, "0123456789", 10);
    queue_wait(&t.rx, &len);
    assert_int_equal(len, 8);
    assert_memory_equal(at(&t.b, buf), "01234567", 8);
    while (chardev_test_unread(t.chr) > 0)
        assert_true(bench_turn(&t.b, since));
    buf = give_buffer(&t, 8);
    queue_wait(&t.rx, &len);
    assert_int_equal(len, 2);
    assert_memory_equal(at(&t.b, buf), "89", 2);
    con_fini(&t);
}

TEST(input_nobody_takes_stays_with_the_host)
{
    struct con_bench t;
    static uint8_t flood[3 * VIRTIO_CONSOLE_INPUT_MAX];
    uint64_t since = clock_now_ns(&clock_host);
    size_t got = 0;

    con_init(&t);
    con_start(&t);
    for (size_t i = 0; i < sizeof(flood); i++)
        flood[i] = (uint8_t)(i * 7 >> 2);
    chardev_test_feed(t.chr, flood, sizeof(flood));
    while (t.con.input_len < VIRTIO_CONSOLE_INPUT_MAX)
        assert_true(bench_turn(&t.b, since));
    assert_int_equal(chardev_test_unread(t.chr), sizeof(flood) - VIRTIO_CONSOLE_INPUT_MAX);
    while (got < sizeof(flood)) {
        gpa_t buf = give_buffer(&t, 1000);
        uint32_t len;

        queue_wait(&t.rx, &len);
        assert_memory_equal(at(&t.b, buf), flood + got, len);
        got += len;
    }
    con_fini(&t);
}

TEST(size_is_shown_and_changes_are_told)
{
    struct con_bench t;

    con_init(&t);
    con_start(&t);
    chardev_test_resize(t.chr, 132, 50);
    assert_int_equal(wait_irq(&t.b), 2);
    assert_int_equal(config(&t.b, 0, 2), 132);
    assert_int_equal(config(&t.b, 2, 2), 50);
    chardev_test_resize(t.chr, 100000, 1);
    assert_int_equal(config(&t.b, 0, 2), 65535);
    con_fini(&t);
}

TEST(emergency_output_needs_no_driver)
{
    struct con_bench t;

    con_init(&t);
    set_reg(&t.b, R_CONFIG + 8, 'E');
    set_reg(&t.b, R_CONFIG + 8, 0xffffff00 | '!');
    assert_string_equal(chardev_test_output(t.chr, NULL), "E!");
    con_fini(&t);
}

TEST(a_readable_receive_buffer_needs_reset)
{
    struct con_bench t;
    uint64_t since = clock_now_ns(&clock_host);
    struct elem e;

    con_init(&t);
    con_start(&t);
    e = (struct elem){ bench_alloc(&t.b, 8), 8, false };
    queue_add(&t.rx, &e, 1, false);
    chardev_test_feed(t.chr, "x", 1);
    while (!needs_reset(&t.b))
        assert_true(bench_turn(&t.b, since));
    assert_int_equal(queue_used_idx(&t.rx), 0);
    con_fini(&t);
}

TEST(a_saved_console_goes_on_in_the_middle_of_its_output)
{
    struct con_bench t, u;
    struct strbuf saved;

    con_init(&t);
    con_start(&t);
    chardev_test_set_room(t.chr, 3);
    put(&t, "abcdef");
    strbuf_init(&saved);
    assert_int_equal(state_save(&t.con.virtio.dev, &saved, NULL), 0);
    con_init(&u);
    memcpy(u.b.ram->hva, t.b.ram->hva, BENCH_RAM_SIZE);
    assert_int_equal(state_load(&u.con.virtio.dev, strbuf_str(&saved), strbuf_len(&saved), NULL),
                     0);
    assert_string_equal(chardev_test_output(u.chr, NULL), "def");
    strbuf_fini(&saved);
    con_fini(&u);
    con_fini(&t);
}
