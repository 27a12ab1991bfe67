/* base/trace.h - events declared in .events files, off until asked for by name.
 *
 * A folder declares its events in src/<folder>/<name>.events, one per line:
 *
 *     virtio_kick(const char *dev, unsigned queue) "%s queue %u"
 *
 * and scripts/gen_trace.py makes <name>_trace.h with one inline function each, to be called as
 * trace_virtio_kick(dev, queue). An event that is off costs one relaxed load and a branch. The
 * flags are process-wide: one of the two places where file-scope state is allowed.
 */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

struct trace_event {
    const char *name;
    /* private */
    _Atomic bool enabled;
};

/* Switches every event whose name matches the shell pattern; returns how many matched. */
size_t trace_enable(const char *pattern);
size_t trace_disable(const char *pattern);
/* Calls `each` for every event of the program, in no order. */
void trace_for_each(void (*each)(void *opaque, const struct trace_event *event), void *opaque);

/* ---- for the generated code ---- */
static inline bool trace_on(const struct trace_event *event)
{
    return unlikely(atomic_load_explicit(&event->enabled, memory_order_relaxed));
}
void trace_emit(const struct trace_event *event, const char *fmt, ...) PRINTF(2, 3) COLD;

/* Each event leaves its address in one linker section, so that the list of all events of a
 * program is what was linked into it, with no registration to forget. */
#define TRACE_EVENT_DEFINE(event)                                                                  \
    struct trace_event trace_event_##event = { .name = #event };                                   \
    __attribute__((section("trace_events"),                                                        \
                   used)) static struct trace_event *const trace_entry_##event =                   \
        &trace_event_##event

#endif
