/* devices/rtc/tests/test_rtc.c - the goldfish RTC: time, alarm, interrupt, through its registers.
 */
#include "tests/unit.h"

#include "dev/state.h"
#include "dev/tests/harness.h"
#include "devices/rtc/rtc.h"
#include "devices/rtc/tests/test_wall.h"

enum { BASE = 0x101000 };
enum {
    TIME_LOW = 0x00,
    TIME_HIGH = 0x04,
    ALARM_LOW = 0x08,
    ALARM_HIGH = 0x0c,
    IRQ_ENABLED = 0x10,
    CLEAR_ALARM = 0x14,
    ALARM_STATUS = 0x18,
    CLEAR_INTERRUPT = 0x1c,
};

#define WALL UINT64_C(0x17654321fffffff0)
#define DAY_NS (UINT64_C(86400) * 1000000000)

static struct harness h;
static struct test_wall wall;
static struct rtc rtc;
static struct test_line irq;

static void setup(void)
{
    harness_init(&h);
    rtc_init(&rtc, "rtc0", test_wall_init(&wall, WALL), test_line_init(&irq), h.loop);
    harness_add(&h, &rtc.dev, &rtc.mmio, BASE);
}

static void teardown(void)
{
    harness_del(&h, &rtc.dev, &rtc.mmio);
    rtc_fini(&rtc);
    harness_fini(&h);
}

static uint64_t rd(unsigned reg)
{
    return harness_load(&h, BASE + reg, 4);
}

static void wr(unsigned reg, uint32_t val)
{
    harness_store(&h, BASE + reg, 4, val);
}

static uint64_t guest_time(void)
{
    uint64_t low = rd(TIME_LOW);

    return rd(TIME_HIGH) << 32 | low;
}

static void set_alarm(uint64_t at)
{
    wr(ALARM_HIGH, (uint32_t)(at >> 32));
    wr(ALARM_LOW, (uint32_t)at);
}

static void pass(uint64_t ns)
{
    atomic_fetch_add(&wall.now, ns);
    harness_advance(&h, ns);
}

TEST(high_word_is_latched_by_low)
{
    uint64_t low, high;

    setup();
    assert_int_equal(guest_time(), WALL);
    low = rd(TIME_LOW);
    atomic_fetch_add(&wall.now, 0x20); /* the low word rolls over between the guest's two loads */
    high = rd(TIME_HIGH);
    assert_int_equal(high << 32 | low, WALL);
    assert_int_equal(guest_time(), WALL + 0x20);
    teardown();
}

TEST(the_guest_may_set_the_time_and_it_goes_on_from_there)
{
    setup();
    wr(TIME_HIGH, 0x11223344);
    wr(TIME_LOW, 0x55667788);
    assert_int_equal(guest_time(), 0x1122334455667788);
    pass(100);
    assert_int_equal(guest_time(), 0x1122334455667788 + 100);
    device_reset(&rtc.dev); /* the battery keeps it */
    assert_int_equal(guest_time(), 0x1122334455667788 + 100);
    teardown();
}

TEST(an_alarm_interrupts_when_its_time_comes)
{
    setup();
    wr(IRQ_ENABLED, 1);
    set_alarm(WALL + 1000000);
    assert_int_equal(rd(ALARM_STATUS), 1);
    assert_int_equal(rd(ALARM_HIGH) << 32 | rd(ALARM_LOW), WALL + 1000000);
    pass(999999);
    assert_false(irq.level);
    pass(1);
    assert_true(irq.level);
    assert_int_equal(rd(ALARM_STATUS), 0);
    pass(1000000);
    assert_true(irq.level);
    wr(CLEAR_INTERRUPT, 1);
    assert_false(irq.level);
    pass(1000000);
    assert_false(irq.level);
    teardown();
}

TEST(an_alarm_in_the_past_interrupts_at_once)
{
    setup();
    wr(IRQ_ENABLED, 1);
    set_alarm(WALL);
    assert_true(irq.level);
    assert_int_equal(rd(ALARM_STATUS), 0);
    teardown();
}

TEST(irq_enabled_masks_and_unmasks_what_is_pending)
{
    setup();
    assert_int_equal(rd(IRQ_ENABLED), 0);
    set_alarm(WALL);
    assert_false(irq.level);
    wr(IRQ_ENABLED, 0xffffffff);
    assert_int_equal(rd(IRQ_ENABLED), 1);
    assert_true(irq.level);
    wr(IRQ_ENABLED, 0);
    assert_false(irq.level);
    teardown();
}

TEST(clearing_the_alarm_stops_it)
{
    setup();
    wr(IRQ_ENABLED, 1);
    set_alarm(WALL + 1000);
    wr(CLEAR_ALARM, 0);
    assert_int_equal(rd(ALARM_STATUS), 0);
    pass(2000);
    assert_false(irq.level);
    teardown();
}

TEST(a_wall_clock_set_back_delays_the_alarm)
{
    setup();
    wr(IRQ_ENABLED, 1);
    set_alarm(WALL + 1000);
    atomic_fetch_sub(&wall.now, 5000);
    pass(1000);
    assert_false(irq.level);
    assert_int_equal(rd(ALARM_STATUS), 1);
    pass(5000);
    assert_true(irq.level);
    teardown();
}

TEST(setting_the_time_past_the_alarm_fires_it)
{
    setup();
    wr(IRQ_ENABLED, 1);
    set_alarm(WALL + 5000000000);
    wr(TIME_HIGH, 0x27654321);
    assert_true(irq.level);
    teardown();
}

TEST(an_alarm_far_away_waits_in_days)
{
    setup();
    wr(IRQ_ENABLED, 1);
    set_alarm(WALL + 2 * DAY_NS + 5);
    pass(DAY_NS);
    pass(DAY_NS);
    assert_false(irq.level);
    pass(5);
    assert_true(irq.level);
    set_alarm(UINT64_MAX);
    wr(CLEAR_INTERRUPT, 0);
    pass(DAY_NS);
    assert_false(irq.level);
    teardown();
}

TEST(the_rest_of_the_page_reads_0)
{
    uint64_t val;

    setup();
    assert_int_equal(rd(CLEAR_ALARM), 0);
    assert_int_equal(rd(CLEAR_INTERRUPT), 0);
    wr(ALARM_STATUS, 1);
    assert_int_equal(rd(ALARM_STATUS), 0);
    wr(0x20, 1);
    assert_int_equal(rd(0x20), 0);
    assert_int_equal(rd(0xffc), 0);
    assert_int_equal(mem_load(h.space, BASE, 2, &val), MEM_FAULT);
    teardown();
}

TEST(reset_stops_alarm_and_interrupt)
{
    setup();
    wr(IRQ_ENABLED, 1);
    set_alarm(WALL);
    assert_true(irq.level);
    set_alarm(WALL + 1000);
    device_reset(&rtc.dev);
    assert_false(irq.level);
    assert_int_equal(rd(IRQ_ENABLED), 0);
    wr(IRQ_ENABLED, 1);
    pass(5000);
    assert_false(irq.level);
    teardown();
}

TEST(state_keeps_time_and_alarm)
{
    struct rtc other;
    struct test_line other_irq;
    struct strbuf sb;

    setup();
    wr(TIME_HIGH, 1);
    wr(TIME_LOW, 0);
    wr(IRQ_ENABLED, 1);
    set_alarm((UINT64_C(1) << 32) + 1000);
    rtc_init(&other, "rtc1", &wall.clock, test_line_init(&other_irq), h.loop);
    assert_int_equal(device_realize(&other.dev, NULL), 0);
    strbuf_init(&sb);
    assert_int_equal(state_save(&rtc.dev, &sb, NULL), 0);
    device_reset(&rtc.dev);
    atomic_fetch_add(&wall.now, 77777); /* time does not pass for what lies on a disk */
    assert_int_equal(state_load(&other.dev, strbuf_str(&sb), strbuf_len(&sb), NULL), 0);
    pass(999);
    assert_false(other_irq.level);
    pass(1);
    assert_true(other_irq.level);
    strbuf_fini(&sb);
    device_unrealize(&other.dev);
    rtc_fini(&other);
    teardown();
}

TEST(the_host_knows_the_year)
{
    assert_true(clock_now_ns(&rtc_wall_clock) > UINT64_C(1700000000) * 1000000000);
}
