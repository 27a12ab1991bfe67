/* devices/irqchip/tests/test_aclint.c - software interrupts, timers and mtime through registers. */
#include "tests/unit.h"

#include "dev/state.h"
#include "dev/tests/harness.h"
#include "devices/irqchip/aclint.h"

enum { BASE = 0x2000000, HARTS = 3, MTIME = 0xbff8 };
#define TICK ((uint64_t)ACLINT_TICK_NS)

static struct harness h;
static struct aclint aclint;
static struct test_line msi[HARTS], mti[HARTS];
static struct irq_line msi_lines[HARTS], mti_lines[HARTS];
static unsigned time_changes;

static void time_changed(void *opaque)
{
    assert_ptr_equal(opaque, &aclint);
    time_changes++;
}

static void setup(void)
{
    struct aclint_params params = { .harts = HARTS, .msi = msi_lines, .mti = mti_lines };

    harness_init(&h);
    for (int i = 0; i < HARTS; i++) {
        msi_lines[i] = *test_line_init(&msi[i]);
        mti_lines[i] = *test_line_init(&mti[i]);
    }
    params.loop = h.loop;
    params.time_changed = time_changed;
    params.opaque = &aclint;
    aclint_init(&aclint, "aclint0", &params);
    harness_add(&h, &aclint.dev, &aclint.mmio, BASE);
    time_changes = 0;
}

static void teardown(void)
{
    harness_del(&h, &aclint.dev, &aclint.mmio);
    aclint_fini(&aclint);
    harness_fini(&h);
}

static uint64_t rd(uint32_t off, unsigned size)
{
    return harness_load(&h, BASE + off, size);
}

static void wr(uint32_t off, unsigned size, uint64_t val)
{
    harness_store(&h, BASE + off, size, val);
}

static uint32_t cmp(unsigned hart)
{
    return 0x4000 + 8 * hart;
}

TEST(msip_drives_its_harts_line)
{
    setup();
    wr(4, 4, 0xffffffff);
    assert_int_equal(rd(4, 4), 1);
    assert_true(msi[1].level);
    assert_false(msi[0].level || msi[2].level);
    wr(4, 4, 1);
    assert_int_equal(msi[1].changes, 1);
    wr(4, 4, 0xfffffffe);
    assert_int_equal(rd(4, 4), 0);
    assert_false(msi[1].level);
    wr(0, 8, (uint64_t)1 << 32 | 1); /* two at once */
    assert_true(msi[0].level && msi[1].level);
    assert_int_equal(rd(0, 8), (uint64_t)1 << 32 | 1);
    teardown();
}

TEST(harts_that_do_not_exist_read_0_and_ignore_writes)
{
    setup();
    wr(4 * HARTS, 4, 1);
    assert_int_equal(rd(4 * HARTS, 4), 0);
    wr(8, 8, UINT64_MAX); /* the last and the one behind it */
    assert_int_equal(rd(8, 8), 1);
    wr(cmp(HARTS), 8, 5);
    assert_int_equal(rd(cmp(HARTS), 8), 0);
    wr(0x3ffc, 4, 1);
    assert_int_equal(rd(0x3ffc, 4), 0);
    wr(0xbff0, 8, 1);
    assert_int_equal(rd(0xbff0, 8), 0);
    wr(0xc000, 8, 1);
    assert_int_equal(rd(0xc000, 8), 0);
    assert_int_equal(rd(0xfff8, 8), 0);
    teardown();
}

TEST(mtime_counts_from_0_at_10_mhz)
{
    setup();
    assert_int_equal(rd(MTIME, 8), 0);
    harness_advance(&h, 99);
    assert_int_equal(rd(MTIME, 8), 0);
    harness_advance(&h, 1);
    assert_int_equal(rd(MTIME, 8), 1);
    harness_advance(&h, 1000000000);
    assert_int_equal(aclint_time(&aclint), 10000001);
    device_reset(&aclint.dev);
    assert_int_equal(rd(MTIME, 8), 0);
    assert_int_equal(time_changes, 1);
    teardown();
}

TEST(mtime_and_mtimecmp_are_seen_by_halves)
{
    setup();
    wr(cmp(1), 8, 0x1122334455667788);
    assert_int_equal(rd(cmp(1), 4), 0x55667788);
    assert_int_equal(rd(cmp(1) + 4, 4), 0x11223344);
    wr(cmp(1) + 4, 4, 0xaabbccdd);
    assert_int_equal(rd(cmp(1), 8), 0xaabbccdd55667788);
    wr(MTIME, 8, 0x0102030405060708);
    assert_int_equal(rd(MTIME, 4), 0x05060708);
    assert_int_equal(rd(MTIME + 4, 4), 0x01020304);
    wr(MTIME, 4, 0xffffffff);
    harness_advance(&h, TICK); /* carries */
    assert_int_equal(rd(MTIME, 8), 0x0102030500000000);
    wr(MTIME + 4, 4, 0);
    assert_int_equal(rd(MTIME, 8), 0);
    assert_int_equal(time_changes, 3);
    teardown();
}

TEST(the_timer_rises_at_the_tick_and_not_before)
{
    setup();
    wr(cmp(0), 8, 1000);
    wr(cmp(2), 8, 2000);
    harness_advance(&h, 1000 * TICK - 1);
    assert_false(mti[0].level);
    harness_advance(&h, 1);
    assert_true(mti[0].level);
    assert_false(mti[1].level || mti[2].level);
    harness_advance(&h, 1000 * TICK);
    assert_true(mti[2].level);
    assert_false(mti[1].level);
    teardown();
}

TEST(a_deadline_in_the_past_rises_at_once_and_a_later_one_lowers)
{
    setup();
    harness_advance(&h, 1000 * TICK);
    wr(cmp(1), 8, 1000); /* equal counts */
    assert_true(mti[1].level);
    wr(cmp(1), 8, 1001);
    assert_false(mti[1].level);
    wr(cmp(1), 8, 0);
    assert_true(mti[1].level);
    wr(cmp(1), 8, UINT64_MAX);
    assert_false(mti[1].level);
    harness_advance(&h, UINT64_C(1) << 60);
    assert_false(mti[1].level);
    teardown();
}

TEST(a_replaced_deadline_does_not_fire)
{
    setup();
    wr(cmp(0), 8, 1000);
    wr(cmp(0), 8, 5000);
    harness_advance(&h, 1000 * TICK);
    assert_int_equal(mti[0].calls, 0);
    harness_advance(&h, 4000 * TICK);
    assert_true(mti[0].level);
    teardown();
}

TEST(writing_mtime_moves_every_timer)
{
    setup();
    wr(cmp(0), 8, 1000);
    wr(cmp(1), 8, 5000);
    wr(MTIME, 8, 4000);
    assert_true(mti[0].level);
    assert_false(mti[1].level);
    harness_advance(&h, 1000 * TICK);
    assert_true(mti[1].level);
    wr(MTIME, 8, 0);
    assert_false(mti[0].level || mti[1].level);
    harness_advance(&h, 1000 * TICK);
    assert_true(mti[0].level);
    teardown();
}

TEST(mtime_wraps)
{
    setup();
    wr(cmp(0), 8, UINT64_MAX);
    wr(MTIME, 8, UINT64_MAX - 1);
    assert_false(mti[0].level);
    harness_advance(&h, TICK);
    assert_true(mti[0].level);
    assert_int_equal(rd(MTIME, 8), UINT64_MAX);
    harness_advance(&h, TICK);
    assert_int_equal(rd(MTIME, 8), 0);
    assert_false(mti[0].level);
    teardown();
}

TEST(time_to_ns_is_when_mtime_gets_there)
{
    uint64_t now;

    setup();
    now = clock_now_ns(&h.clock.clock);
    assert_int_equal(aclint_time_to_ns(&aclint, 50), now + 50 * TICK);
    harness_advance(&h, 50 * TICK);
    assert_int_equal(aclint_time_to_ns(&aclint, 50), now + 50 * TICK);
    assert_int_equal(aclint_time_to_ns(&aclint, 0), now);
    assert_int_equal(aclint_time_to_ns(&aclint, UINT64_MAX), UINT64_MAX);
    wr(MTIME, 8, UINT64_MAX); /* 0 lies further back than the clock goes */
    assert_int_equal(aclint_time_to_ns(&aclint, 0), 0);
    teardown();
}

TEST(reset_lowers_the_lines)
{
    setup();
    wr(0, 4, 1);
    wr(cmp(0), 8, 0);
    assert_true(msi[0].level && mti[0].level);
    device_reset(&aclint.dev);
    assert_false(msi[0].level || mti[0].level);
    harness_advance(&h, 1000000);
    assert_false(mti[0].level);
    teardown();
}

TEST(state_carries_the_time_to_another_clock)
{
    static struct aclint other;
    struct aclint_params params = { .harts = HARTS, .msi = msi_lines, .mti = mti_lines };
    struct strbuf sb;

    setup();
    harness_advance(&h, 1000 * TICK);
    wr(8, 4, 1);
    wr(cmp(0), 8, 500);
    wr(cmp(1), 8, 1500);
    strbuf_init(&sb);
    assert_int_equal(state_save(&aclint.dev, &sb, NULL), 0);
    device_reset(&aclint.dev);
    harness_advance(&h, UINT64_C(7000000000));
    params.loop = h.loop;
    aclint_init(&other, "aclint1", &params);
    assert_int_equal(device_realize(&other.dev, NULL), 0);
    assert_int_equal(state_load(&other.dev, strbuf_str(&sb), strbuf_len(&sb), NULL), 0);
    assert_int_equal(aclint_time(&other), 1000);
    assert_true(msi[2].level && mti[0].level);
    assert_false(mti[1].level);
    harness_advance(&h, 500 * TICK);
    assert_true(mti[1].level);
    strbuf_fini(&sb);
    device_unrealize(&other.dev);
    aclint_fini(&other);
    teardown();
}

TEST(narrow_accesses_fault)
{
    uint64_t val;

    setup();
    assert_int_equal(mem_load(h.space, BASE, 1, &val), MEM_FAULT);
    assert_int_equal(mem_store(h.space, BASE + cmp(0), 2, 0), MEM_FAULT);
    teardown();
}
