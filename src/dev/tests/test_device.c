/* dev/tests/test_device.c - the life of a device. */
#include "tests/unit.h"

#include <errno.h>
#include <string.h>

#include "dev/device.h"
#include "dev/tests/harness.h"

struct probe {
    int before; /* so that dev is not at offset 0 */
    struct device dev;
    int realized, reset, unrealized, fail;
    bool reset_was_locked;
};

static int probe_realize(struct device *dev, struct error *err)
{
    struct probe *probe = container_of(dev, struct probe, dev);

    if (probe->fail)
        return error_set(err, ENODEV, "the probe was told to fail");
    probe->realized++;
    return 0;
}

static void probe_reset(struct device *dev)
{
    struct probe *probe = container_of(dev, struct probe, dev);

    probe->reset_was_locked = pthread_mutex_trylock(&dev->lock) == EBUSY;
    probe->reset++;
}

static void probe_unrealize(struct device *dev)
{
    container_of(dev, struct probe, dev)->unrealized++;
}

static const struct device_ops probe_ops = {
    .type = "probe",
    .realize = probe_realize,
    .reset = probe_reset,
    .unrealize = probe_unrealize,
    .state_version = 1,
    .device_offset = offsetof(struct probe, dev),
};

static const struct device_ops bare_ops = {
    .type = "bare",
    .state_version = 1,
    .device_offset = offsetof(struct probe, dev),
};

TEST(realize_ends_in_a_reset_under_the_lock)
{
    struct probe probe = { 0 };

    device_init(&probe.dev, &probe_ops, "p0");
    assert_ptr_equal(device_storage(&probe.dev), &probe);
    assert_int_equal(device_realize(&probe.dev, NULL), 0);
    assert_int_equal(probe.realized, 1);
    assert_int_equal(probe.reset, 1);
    assert_true(probe.reset_was_locked);
    device_reset(&probe.dev);
    assert_int_equal(probe.reset, 2);
    device_unrealize(&probe.dev);
    assert_int_equal(probe.unrealized, 1);
    device_fini(&probe.dev);
}

TEST(a_failed_realize_names_the_device_and_leaves_nothing_to_undo)
{
    struct probe probe = { .fail = 1 };
    struct error err = { 0 };

    device_init(&probe.dev, &probe_ops, "p0");
    assert_int_equal(device_realize(&probe.dev, &err), -ENODEV);
    assert_string_equal(err.text, "probe 'p0': the probe was told to fail");
    assert_int_equal(err.code, -ENODEV);
    assert_int_equal(probe.reset, 0);
    device_unrealize(&probe.dev);
    assert_int_equal(probe.unrealized, 0);
    probe.fail = 0; /* and it may be tried again */
    assert_int_equal(device_realize(&probe.dev, NULL), 0);
    device_unrealize(&probe.dev);
    device_unrealize(&probe.dev); /* the second does nothing */
    assert_int_equal(probe.unrealized, 1);
    device_fini(&probe.dev);
}

TEST(every_op_may_be_missing)
{
    struct probe probe = { 0 };

    device_init(&probe.dev, &bare_ops, "b0");
    assert_int_equal(device_realize(&probe.dev, NULL), 0);
    device_reset(&probe.dev);
    device_unrealize(&probe.dev);
    device_fini(&probe.dev);
}

TEST(a_line_that_leads_nowhere_may_be_set)
{
    struct irq_line nowhere = { 0 };
    struct test_line line;

    irq_set(&nowhere, true);
    test_line_init(&line);
    irq_set(&line.line, true);
    irq_set(&line.line, true);
    assert_true(line.level);
    assert_int_equal(line.changes, 1);
    assert_int_equal(line.calls, 2);
}
