/* base: trace events are off, can be switched by pattern, and print what they declare */
#include "tests/unit.h"

#include <string.h>

#include "base/base_test_trace.h"
#include "base/tests/capture.h"

static void fire_all(void)
{
    trace_test_first("disk", 0xabc);
    trace_test_second();
    trace_other_third(7);
}

TEST(events_are_off_until_enabled)
{
    struct capture cap;

    capture_begin(&cap);
    fire_all();
    assert_string_equal(capture_end(&cap), "");
}

TEST(a_pattern_enables_the_events_it_matches)
{
    struct capture cap;
    const char *text;

    assert_int_equal(trace_enable("test_*"), 2);
    capture_begin(&cap);
    fire_all();
    text = capture_end(&cap);
    assert_non_null(strstr(text, " test_first: name disk value 0xabc\n"));
    assert_non_null(strstr(text, " test_second: nothing to say\n"));
    assert_null(strstr(text, "other_third"));

    assert_int_equal(trace_disable("*first"), 1);
    capture_begin(&cap);
    fire_all();
    assert_null(strstr(capture_end(&cap), "test_first"));
    assert_int_equal(trace_enable("no_such_event"), 0);
}

static void count(void *opaque, const struct trace_event *event)
{
    assert_non_null(event->name);
    ++*(int *)opaque;
}

TEST(all_events_can_be_listed)
{
    int n = 0;

    trace_for_each(count, &n);
    assert_int_equal(n, 3);
}
