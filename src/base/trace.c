/*
 * base/trace.c - finds events by pattern, and prints them to standard error.
 *
 * The list of events is the section `trace_events`: an array of pointers whose bounds the linker
 * defines. Both bounds are weak, because a program may have no event at all.
 */
#include "base/trace.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

/* NOLINTBEGIN(readability-identifier-naming): the linker's names */
extern struct trace_event *const __start_trace_events[] __attribute__((weak));
extern struct trace_event *const __stop_trace_events[] __attribute__((weak));
/* NOLINTEND(readability-identifier-naming) */

static size_t set_matching(const char *pattern, bool enabled)
{
    size_t matched = 0;

    for (struct trace_event *const *p = __start_trace_events; p != __stop_trace_events; p++) {
        if (fnmatch(pattern, (*p)->name, 0) != 0)
            continue;
        atomic_store_explicit(&(*p)->enabled, enabled, memory_order_relaxed);
        matched++;
    }
    return matched;
}

size_t trace_enable(const char *pattern)
{
    return set_matching(pattern, true);
}

size_t trace_disable(const char *pattern)
{
    return set_matching(pattern, false);
}

void trace_for_each(void (*each)(void *opaque, const struct trace_event *event), void *opaque)
{
    for (struct trace_event *const *p = __start_trace_events; p != __stop_trace_events; p++)
        each(opaque, *p);
}

void trace_emit(const struct trace_event *event, const char *fmt, ...)
{
    uint64_t us = clock_now_ns(&clock_host) / 1000;
    char line[512];
    size_t room = sizeof(line) - 2; /* for CR LF: see log.c */
    size_t len;
    va_list args;
    int n;

    n = snprintf(line, room, "%" PRIu64 ".%06u %s: ", us / 1000000, (unsigned)(us % 1000000),
                 event->name);
    len = n > 0 && (size_t)n < room ? (size_t)n : room - 1;
    va_start(args, fmt);
    n = vsnprintf(line + len, room - len, fmt, args);
    va_end(args);
    if (n > 0)
        len = len + (size_t)n < room ? len + (size_t)n : room - 1;
    if (isatty(STDERR_FILENO))
        line[len++] = '\r';
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return; /* nowhere left to complain to */
}
