/* devices/misc/tests/test_finisher.c - the ways a guest ends itself. */
#include "tests/unit.h"

#include "dev/tests/harness.h"
#include "devices/misc/finisher.h"

enum { BASE = 0x100000 };

static struct harness h;
static struct finisher finisher;
static unsigned finishes, code;
static enum finish how;

static void finish(void *opaque, enum finish finish_how, unsigned finish_code)
{
    assert_ptr_equal(opaque, &h);
    finishes++;
    how = finish_how;
    code = finish_code;
}

static void setup(void)
{
    harness_init(&h);
    finishes = code = 0;
    finisher_init(&finisher, "test0", finish, &h);
    harness_add(&h, &finisher.dev, &finisher.mmio, BASE);
}

static void teardown(void)
{
    harness_del(&h, &finisher.dev, &finisher.mmio);
    finisher_fini(&finisher);
    harness_fini(&h);
}

TEST(pass_powers_off)
{
    setup();
    harness_store(&h, BASE, 4, 0x5555);
    assert_int_equal(finishes, 1);
    assert_int_equal(how, FINISH_POWER_OFF);
    assert_int_equal(code, 0);
    harness_store(&h, BASE, 2, 0x5555); /* half a word is enough */
    assert_int_equal(finishes, 2);
    teardown();
}

TEST(fail_carries_a_code)
{
    setup();
    harness_store(&h, BASE, 4, 0x12343333);
    assert_int_equal(how, FINISH_FAIL);
    assert_int_equal(code, 0x1234);
    teardown();
}

TEST(reset_resets)
{
    setup();
    harness_store(&h, BASE, 4, 0x7777);
    assert_int_equal(how, FINISH_RESET);
    teardown();
}

TEST(anything_else_does_nothing)
{
    setup();
    harness_store(&h, BASE, 4, 0);
    harness_store(&h, BASE, 4, 0x5556);
    harness_store(&h, BASE + 4, 4, 0x5555);
    harness_store(&h, BASE + 2, 2, 0x5555);
    assert_int_equal(harness_load(&h, BASE, 4), 0);
    assert_int_equal(finishes, 0);
    teardown();
}
